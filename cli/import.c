/* import: one parser a column, driven by the header line (see import.h). */
#include "cli/import.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "cli/text.h"
#include "ledger/kinds.h"

#define FIELD_NAME(name, required) #name,
static const char *const field_names[IMPORT_FIELD_COUNT] = {IMPORT_FIELD_TABLE(FIELD_NAME)};
#undef FIELD_NAME
#define FIELD_REQUIRED(name, required) required,
static const bool field_required[IMPORT_FIELD_COUNT] = {IMPORT_FIELD_TABLE(FIELD_REQUIRED)};
#undef FIELD_REQUIRED

/* A line being read. */
struct line {
    const struct import *import;
    const struct csv_reader *csv;
    struct import_error *error;
    unsigned exponent; /* of the record's currency */
};

static enum status fail(struct import_error *error, uint64_t line, unsigned column,
                        const char *format, ...) __attribute__((format(printf, 4, 5)));

static enum status fail(struct import_error *error, uint64_t line, unsigned column,
                        const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    error->line = line;
    error->column = column;
    vsnprintf(error->text, sizeof error->text, format, arguments);
    va_end(arguments);
    return STATUS_MALFORMED;
}

/* The cell of a field, or "" if the file has no such column. */
static const char *cell(const struct line *line, enum import_field field)
{
    int column = line->import->column_of[field];
    return column < 0 ? "" : line->csv->fields[column];
}

static enum status expected(const struct line *line, enum import_field field, const char *what)
{
    int column = line->import->column_of[field];
    return fail(line->error, line->csv->line, column < 0 ? 0 : (unsigned)column + 1,
                "%s: expected %s, found \"%.60s\"", field_names[field], what, cell(line, field));
}

static enum import_field field_of(const char *name)
{
    unsigned field = 0;
    while (field < IMPORT_FIELD_COUNT && strcmp(name, field_names[field]) != 0) {
        field++;
    }
    return (enum import_field)field;
}

enum status import_start(struct import *import, const struct names *names, uint16_t default_scheme,
                         const struct csv_reader *header, struct import_error *ret_error)
{
    *import = (struct import){
        .names = names, .default_scheme = default_scheme, .column_count = header->field_count};
    for (unsigned field = 0; field < IMPORT_FIELD_COUNT; field++) {
        import->column_of[field] = -1;
    }
    for (unsigned column = 0; column < header->field_count; column++) {
        enum import_field field = field_of(header->fields[column]);
        if (field == IMPORT_FIELD_COUNT) {
            return fail(
                ret_error, header->line, column + 1,
                "header: there is no column \"%.60s\"; known are kind, currency, "
                "business_date (in every file), payer, payee, amount, id, scheme, "
                "interchange, payer_fee, payee_fee, match_key, ref, ref_participant, mcc, reason, "
                "details_hash, timeout_s, priority, flags",
                header->fields[column]);
        }
        if (import->column_of[field] >= 0) {
            return fail(ret_error, header->line, column + 1, "header: column %s stands twice",
                        field_names[field]);
        }
        import->column_of[field] = (int)column;
    }
    for (unsigned field = 0; field < IMPORT_FIELD_COUNT; field++) {
        if (field_required[field] && import->column_of[field] < 0) {
            return fail(ret_error, header->line, 0,
                        "header: column %s is missing; the first line names the columns",
                        field_names[field]);
        }
    }
    return STATUS_OK;
}

bool import_has_ids(const struct import *import)
{
    return import->column_of[IMPORT_id] >= 0;
}

static enum status take_kind(const struct line *line, struct record *record)
{
    char name[24] = "";
    const char *text = cell(line, IMPORT_kind);
    for (unsigned i = 0; i + 1 < sizeof name && text[i] != '\0'; i++) {
        bool lower = text[i] >= 'a' && text[i] <= 'z';
        name[i] = (char)(lower ? text[i] - 'a' + 'A' : text[i]);
    }
    record->kind = strlen(text) < sizeof name ? (uint16_t)record_kind_of_name(name) : 0;
    return record->kind != 0
               ? STATUS_OK
               : expected(line, IMPORT_kind, "a kind such as CLEAR, PAY, REFUND, FUND");
}

/* What the kind needs must stand in the line; what it must not have, and everything else about its
   content, is the ledger's to refuse, with a verdict. */
static enum status check_kind(const struct line *line, const struct record *record)
{
    static const struct {
        enum import_field column;
        uint16_t field; /* enum kind_field */
    } columns[] = {{IMPORT_amount, FIELD_AMOUNT}, {IMPORT_payer, FIELD_PAYER},
                   {IMPORT_payee, FIELD_PAYEE},   {IMPORT_scheme, FIELD_SCHEME},
                   {IMPORT_ref, FIELD_REF},       {IMPORT_match_key, FIELD_MATCH_KEY}};
    const uint16_t required = kind_of(record->kind)->required;
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        const bool usual = columns[i].column == IMPORT_scheme && record->scheme != 0;
        if ((required & columns[i].field) != 0 && *cell(line, columns[i].column) == '\0' &&
            !usual) {
            char what[80];
            snprintf(what, sizeof what, "a value, which every %s has",
                     record_kind_name(record->kind));
            return expected(line, columns[i].column, what);
        }
    }
    return STATUS_OK;
}

/* Participants that registered after genesis.json was written are known by number alone, which is
   above all of genesis; whether there is such a one is the ledger's to say. */
static bool is_later(const struct line *line, const char *text, uint32_t *ret_number)
{
    const struct genesis *genesis = names_genesis(line->import->names);
    uint64_t number;
    if (number_parse(text, LIMIT_PARTICIPANTS, &number) != STATUS_OK ||
        number <= genesis->participants[genesis->participant_count - 1].number) {
        return false;
    }
    *ret_number = (uint32_t)number;
    return true;
}

static enum status take_participant(const struct line *line, enum import_field field,
                                    uint32_t *ret_number)
{
    const char *text = cell(line, field);
    if (*text == '\0') {
        *ret_number = 0;
        return STATUS_OK;
    }
    enum status status = names_participant(line->import->names, text, ret_number);
    if (status == STATUS_OK || (status == STATUS_NOT_FOUND && is_later(line, text, ret_number))) {
        return STATUS_OK;
    }
    return expected(line, field,
                    status == STATUS_EXISTS ? "one participant, but several answer to this name"
                                            : "a participant's number, BIC, clearing code or name");
}

static enum status take_scheme(const struct line *line, struct record *record)
{
    if ((kind_of(record->kind)->required & FIELD_SCHEME) != 0) {
        record->scheme = line->import->default_scheme;
    }
    const char *text = cell(line, IMPORT_scheme);
    uint64_t number;
    if (*text == '\0' || names_scheme(line->import->names, text, &record->scheme) == STATUS_OK) {
        return STATUS_OK;
    }
    /* A scheme younger than this genesis.json. */
    if (number_parse(text, UINT16_MAX, &number) != STATUS_OK) {
        return expected(line, IMPORT_scheme, "a scheme's number or name");
    }
    record->scheme = (uint16_t)number;
    return STATUS_OK;
}

static enum status take_money(const struct line *line, enum import_field field, bool is_signed,
                              int64_t *ret_minor)
{
    const char *text = cell(line, field);
    char what[96];
    if (*text == '\0') {
        *ret_minor = 0;
        return STATUS_OK;
    }
    enum status status = amount_parse(text, line->exponent, is_signed, ret_minor);
    if (status == STATUS_OK) {
        return STATUS_OK;
    }
    if (status == STATUS_TRAILING) {
        snprintf(what, sizeof what, "at most %u decimals, as %s has", line->exponent,
                 cell(line, IMPORT_currency));
    } else if (status == STATUS_OVERSIZED) {
        snprintf(what, sizeof what, "less than 10^18 minor units");
    } else {
        snprintf(what, sizeof what, "a decimal number such as %s",
                 line->exponent == 0 ? "120" : "120.50");
    }
    return expected(line, field, what);
}

static enum status take_currency(struct line *line, struct record *record)
{
    const struct genesis_currency *currency;
    if (names_currency(line->import->names, cell(line, IMPORT_currency), &currency) != STATUS_OK) {
        return expected(line, IMPORT_currency, "a currency of this network, such as CNY");
    }
    record->currency = currency->numeric;
    line->exponent = currency->exponent;
    return STATUS_OK;
}

static enum status take_id(const struct line *line, enum import_field field,
                           struct record_id *ret_id)
{
    const char *text = cell(line, field);
    if (*text != '\0' && id_parse(text, ret_id) != STATUS_OK) {
        return expected(line, field, "32 hexadecimal digits or a UUID, not all zero");
    }
    return STATUS_OK;
}

static enum status take_number(const struct line *line, enum import_field field, uint64_t max,
                               uint64_t *ret_number)
{
    const char *text = cell(line, field);
    char what[64];
    *ret_number = 0;
    if (*text != '\0' && number_parse(text, max, ret_number) != STATUS_OK) {
        snprintf(what, sizeof what, "a whole number from 0 to %" PRIu64, max);
        return expected(line, field, what);
    }
    return STATUS_OK;
}

static enum status take_numbers(const struct line *line, struct record *record)
{
    uint64_t number;
    const char *mcc = cell(line, IMPORT_mcc);
    enum status status = take_number(line, IMPORT_mcc, 9999, &number);
    if (status != STATUS_OK || (*mcc != '\0' && strlen(mcc) != 4)) {
        return expected(line, IMPORT_mcc, "a merchant category code of four digits");
    }
    record->mcc = (uint16_t)number;
    if ((status = take_number(line, IMPORT_timeout_s, UINT32_MAX, &number)) != STATUS_OK) {
        return status;
    }
    record->timeout_s = (uint32_t)number;
    if ((status = take_number(line, IMPORT_priority, UINT8_MAX, &number)) != STATUS_OK) {
        return status;
    }
    record->priority = (uint8_t)number;
    return STATUS_OK;
}

static enum status take_reason(const struct line *line, struct record *record)
{
    const char *text = cell(line, IMPORT_reason);
    size_t length = strlen(text);
    for (size_t i = 0; i < length; i++) {
        if (length > sizeof record->reason || text[i] <= 0x20 || text[i] > 0x7e) {
            return expected(line, IMPORT_reason, "at most four printable ASCII characters");
        }
    }
    memcpy(record->reason, text, length);
    return STATUS_OK;
}

/* Words joined by "|". */
static enum status take_flags(const struct line *line, struct record *record)
{
    static const struct {
        const char *name;
        uint8_t flag;
    } flags[] = {{"LINKED", RECORD_LINKED},
                 {"FINAL", RECORD_FINAL},
                 {"QUEUE", RECORD_QUEUE},
                 {"OUTCOME", RECORD_OUTCOME}};
    const char *text = cell(line, IMPORT_flags);
    while (*text != '\0') {
        size_t length = strcspn(text, "|");
        unsigned found = 0;
        for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
            if (strlen(flags[i].name) == length && memcmp(text, flags[i].name, length) == 0) {
                found = flags[i].flag;
            }
        }
        if (found == 0) {
            return expected(line, IMPORT_flags, "LINKED, FINAL, QUEUE, OUTCOME, joined by |");
        }
        record->flags = (uint8_t)(record->flags | found);
        text += length + (text[length] == '|' ? 1 : 0);
    }
    return STATUS_OK;
}

static enum status take_parties(struct line *line, struct record *record)
{
    enum status status;
    if ((status = take_participant(line, IMPORT_payer, &record->payer)) != STATUS_OK ||
        (status = take_participant(line, IMPORT_payee, &record->payee)) != STATUS_OK) {
        return status;
    }
    return take_participant(line, IMPORT_ref_participant, &record->ref_participant);
}

static enum status take_amounts(struct line *line, struct record *record)
{
    int64_t amount = 0;
    enum status status;
    if ((status = take_currency(line, record)) != STATUS_OK ||
        (status = take_money(line, IMPORT_amount, false, &amount)) != STATUS_OK ||
        (status = take_money(line, IMPORT_interchange, true, &record->interchange)) != STATUS_OK ||
        (status = take_money(line, IMPORT_payer_fee, true, &record->payer_fee)) != STATUS_OK) {
        return status;
    }
    record->amount = (uint64_t)amount;
    return take_money(line, IMPORT_payee_fee, true, &record->payee_fee);
}

static enum status take_keys(const struct line *line, const struct hash *source_hash,
                             struct record *record)
{
    enum status status;
    if (date_parse(cell(line, IMPORT_business_date), &record->business_date) != STATUS_OK) {
        return expected(line, IMPORT_business_date, "a date such as 2026-11-23");
    }
    if ((status = take_id(line, IMPORT_match_key, &record->match_key)) != STATUS_OK ||
        (status = take_id(line, IMPORT_ref, &record->ref)) != STATUS_OK ||
        (status = take_id(line, IMPORT_id, &record->id)) != STATUS_OK) {
        return status;
    }
    if (*cell(line, IMPORT_id) == '\0' && source_hash != NULL) {
        record->id = id_of_line(record->business_date, source_hash, (uint32_t)line->csv->line);
    }
    const char *details = cell(line, IMPORT_details_hash);
    if (*details != '\0' &&
        (strlen(details) != 64 || bytes_from_hex(details, 32, record->details_hash.bytes))) {
        return expected(line, IMPORT_details_hash, "64 hexadecimal digits");
    }
    return STATUS_OK;
}

enum status import_record(const struct import *import, const struct csv_reader *line,
                          const struct hash *source_hash, struct record *ret_record,
                          struct import_error *ret_error)
{
    struct line own = {.import = import, .csv = line, .error = ret_error};
    struct record record = {.kind = 0};
    if (line->field_count != import->column_count) {
        return fail(ret_error, line->line,
                    line->field_count > import->column_count ? import->column_count + 1 : 0,
                    "expected %u columns as in the header, found %u", import->column_count,
                    line->field_count);
    }
    if (line->line > UINT32_MAX) {
        return fail(ret_error, line->line, 0, "a file has at most 4,294,967,295 lines: split it");
    }
    enum status status;
    if ((status = take_kind(&own, &record)) != STATUS_OK ||
        (status = take_scheme(&own, &record)) != STATUS_OK ||
        (status = check_kind(&own, &record)) != STATUS_OK ||
        (status = take_parties(&own, &record)) != STATUS_OK ||
        (status = take_amounts(&own, &record)) != STATUS_OK ||
        (status = take_keys(&own, source_hash, &record)) != STATUS_OK ||
        (status = take_numbers(&own, &record)) != STATUS_OK ||
        (status = take_reason(&own, &record)) != STATUS_OK ||
        (status = take_flags(&own, &record)) != STATUS_OK) {
        return status;
    }
    *ret_record = record;
    return STATUS_OK;
}
