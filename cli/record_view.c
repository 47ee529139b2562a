/* record_view: a final record as columns (see record_view.h). */
#include "cli/record_view.h"

#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "cli/text.h"
#include "ledger/verdict.h"

const struct column record_view_columns[RECORD_VIEW_COLUMNS] = {
    {"height", COLUMN_NUMBER},      {"batch", COLUMN_NUMBER},     {"index", COLUMN_NUMBER},
    {"time", COLUMN_TEXT},          {"submitter", COLUMN_TEXT},   {"id", COLUMN_TEXT},
    {"kind", COLUMN_TEXT},          {"scheme", COLUMN_TEXT},      {"payer", COLUMN_TEXT},
    {"payee", COLUMN_TEXT},         {"amount", COLUMN_AMOUNT},    {"currency", COLUMN_TEXT},
    {"interchange", COLUMN_AMOUNT}, {"payer_fee", COLUMN_AMOUNT}, {"payee_fee", COLUMN_AMOUNT},
    {"business_date", COLUMN_TEXT}, {"match_key", COLUMN_TEXT},   {"ref", COLUMN_TEXT},
    {"mcc", COLUMN_TEXT},           {"reason", COLUMN_TEXT},      {"code", COLUMN_NUMBER},
    {"verdict", COLUMN_TEXT},
};

const char *verdict_text(uint16_t verdict, char ret_text[16])
{
    const char *name = verdict_name(verdict);
    if (name == NULL) {
        snprintf(ret_text, 16, "%u", verdict);
        return ret_text;
    }
    return name;
}

static void print_id(struct output *output, const struct record_id *id)
{
    char text[ID_TEXT_BYTES];
    if (bytes_are_zero(id->bytes, sizeof id->bytes)) {
        output_empty(output);
    } else {
        id_format(id, text);
        output_text(output, text);
    }
}

static void print_party(struct output *output, const struct names *names, uint32_t number)
{
    if (number == 0) {
        output_empty(output);
    } else {
        output_text(output, names_participant_name(names, number));
    }
}

static void print_extras(struct output *output, const struct record *record)
{
    char text[16];
    print_id(output, &record->match_key);
    print_id(output, &record->ref);
    if (record->mcc == 0) {
        output_empty(output);
    } else {
        snprintf(text, sizeof text, "%04u", record->mcc);
        output_text(output, text);
    }
    snprintf(text, sizeof text, "%.4s", (const char *)record->reason);
    output_text(output, text);
}

void record_view_print(struct output *output, const struct names *names,
                       const struct record_view *view)
{
    const struct record *record = view->record;
    unsigned exponent = names_exponent(names, record->currency);
    char text[TIME_TEXT_BYTES];
    const char *kind = record_kind_name(record->kind);
    output_number(output, view->height);
    output_number(output, view->position >> 16);
    output_number(output, view->position & 0xffff);
    output_time(output, view->time_ms);
    output_text(output, names_participant_name(names, view->submitter));
    print_id(output, &record->id);
    output_text(output, kind != NULL ? kind : "?");
    output_text(output, names_scheme_name(names, record->scheme));
    print_party(output, names, record->payer);
    print_party(output, names, record->payee);
    output_amount(output, (__int128)record->amount, exponent);
    output_text(output, names_currency_code(names, record->currency));
    output_amount(output, record->interchange, exponent);
    output_amount(output, record->payer_fee, exponent);
    output_amount(output, record->payee_fee, exponent);
    date_format(record->business_date, text);
    output_text(output, text);
    print_extras(output, record);
    output_number(output, view->verdict);
    output_text(output, verdict_text(view->verdict, text));
}
