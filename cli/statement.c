/*
 * statement: `hefu statement`: opening balance, entries, closing balance of one account.
 *
 * It reads every page the account ever had, recomputes the chain of heads and compares its end with
 * the account's leaf, and the leaf with the signed block: so nothing is missing, reordered or
 * altered, also where --from and --to leave most of it out (docs/auditing.md, Statements).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/check.h"
#include "cli/output.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "cli/words.h"
#include "ledger/event.h"
#include "ledger/page.h"
#include "ledger/rows.h"

#define DAY_MS 86400000ull

static const struct column columns[] = {
    {"type", COLUMN_TEXT},         {"height", COLUMN_NUMBER}, {"time", COLUMN_TEXT},
    {"kind", COLUMN_TEXT},         {"scheme", COLUMN_TEXT},   {"id", COLUMN_TEXT},
    {"counterparty", COLUMN_TEXT}, {"leg", COLUMN_TEXT},      {"state", COLUMN_TEXT},
    {"debit", COLUMN_AMOUNT},      {"credit", COLUMN_AMOUNT}, {"balance", COLUMN_AMOUNT},
    {"currency", COLUMN_TEXT},
};
#define COLUMN_COUNT 13

/* A bound of the period: a height or a time. */
struct bound {
    bool given, by_height;
    uint64_t value;
};

struct statement {
    struct home *home;
    struct output *output;
    const struct genesis_currency *currency;
    struct account account;
    struct bound from, to; /* from inclusive; to: heights inclusive, times exclusive */
    /* The chain of pages as recomputed. */
    struct hash head;
    __int128 totals[ACCOUNT_TOTALS];
    uint64_t entries, previous_height;
    /* The period. */
    bool opened;
    __int128 period[ACCOUNT_TOTALS];
    __int128 closing;
    uint64_t printed;
};

static int read_bound(const struct args *args, const char *name, bool end, struct bound *ret_bound)
{
    const char *text = args_value(args, name);
    struct bound bound = {.given = text != NULL};
    if (text != NULL) {
        bound.by_height = number_parse(text, UINT64_MAX, &bound.value) == STATUS_OK;
        if (!bound.by_height && time_parse(text, &bound.value) != STATUS_OK) {
            complain("--%s takes a date (2026-11-23), a time (2026-11-23T08:00:00Z) or a height, "
                     "not \"%s\"",
                     name, text);
            return EXIT_USAGE;
        }
        /* A day as the end means the whole day. */
        bound.value += end && !bound.by_height && strlen(text) == 10 ? DAY_MS : 0;
    }
    *ret_bound = bound;
    return EXIT_CLEAN;
}

static __int128 balance(const struct statement *statement)
{
    return statement->totals[TOTAL_CREDITS_POSTED] - statement->totals[TOTAL_DEBITS_POSTED];
}

static void print_edge(struct statement *statement, const char *type, __int128 edge_balance)
{
    struct output *output = statement->output;
    unsigned exponent = statement->currency->exponent;
    output_text(output, type);
    for (unsigned i = 1; i < 9; i++) {
        output_empty(output);
    }
    output_amount(output, statement->period[TOTAL_DEBITS_POSTED], exponent);
    output_amount(output, statement->period[TOTAL_CREDITS_POSTED], exponent);
    output_amount(output, edge_balance, exponent);
    output_text(output, statement->currency->code);
}

/* Who stands at the other end of a leg. */
static uint32_t counterparty(const struct statement *statement, const struct record *record,
                             unsigned leg)
{
    uint32_t own = statement->account.participant;
    if (leg >= LEG_NETTED) {
        return 0; /* settlement goes through the hub */
    }
    if (leg == LEG_AMOUNT || leg == LEG_INTERCHANGE || leg == LEG_RESERVED_AMOUNT) {
        return own == record->payer ? record->payee : record->payer;
    }
    const struct genesis_scheme *scheme = genesis_scheme(&statement->home->now, record->scheme);
    uint32_t network = scheme != NULL ? scheme->network : 0;
    uint32_t side = leg == LEG_PAYEE_FEE ? record->payee : record->payer;
    return own == network ? side : network;
}

static const char *leg_name(const struct page_entry *entry)
{
    static const char *const names[] = {"AMOUNT",   "INTERCHANGE",  "PAYER_FEE", "PAYEE_FEE",
                                        "RESERVED", "RESERVED_FEE", "NETTED",    "PAID",
                                        "SEIZED",   "CLAIMED"};
    return entry->leg < sizeof names / sizeof names[0] ? names[entry->leg] : NULL;
}

/* What made an entry: a record, or an event with the record or cycle that it changed. */
struct source_of_entry {
    const char *kind;
    char what[64]; /* the record's id, or "cycle 3 of service 1" */
    struct record record;
};

static void print_entry(struct statement *statement, const struct page_entry *entry,
                        uint64_t height, uint64_t time_ms, const struct source_of_entry *source)
{
    struct output *output = statement->output;
    const struct names *names = statement->home->names;
    unsigned exponent = statement->currency->exponent;
    bool credit = entry->total == TOTAL_CREDITS_POSTED || entry->total == TOTAL_CREDITS_PENDING;
    bool pending = entry->total >= TOTAL_DEBITS_PENDING;
    output_text(output, "entry");
    output_number(output, height);
    output_time(output, time_ms);
    output_text(output, source->kind);
    output_text(output, names_scheme_name(names, source->record.scheme));
    output_text(output, source->what);
    output_text(output, names_participant_name(
                            names, counterparty(statement, &source->record, entry->leg)));
    output_text(output, leg_name(entry));
    output_text(output, pending ? "PENDING" : "POSTED");
    output_amount(output, credit ? 0 : entry->delta, exponent);
    output_amount(output, credit ? entry->delta : 0, exponent);
    output_amount(output, balance(statement), exponent);
    output_text(output, statement->currency->code);
    statement->printed++;
}

enum period { BEFORE, INSIDE, AFTER };

static enum period period_of(const struct statement *statement, uint64_t height, uint64_t time_ms)
{
    const struct bound *from = &statement->from, *to = &statement->to;
    if (from->given && (from->by_height ? height : time_ms) < from->value) {
        return BEFORE;
    }
    if (to->given && (to->by_height ? height > to->value : time_ms >= to->value)) {
        return AFTER;
    }
    return INSIDE;
}

static int broken(const struct statement *statement, uint64_t height, const char *what)
{
    complain("account %u, page of height %llu: %s", statement->account.number,
             (unsigned long long)height, what);
    return EXIT_INTEGRITY;
}

/* The record at a place in a block, under the root that its batch's header names. */
static enum status read_record(struct statement *statement, uint64_t height, uint32_t position,
                               struct record *ret_record)
{
    const struct batch *batch;
    enum status status =
        chain_batch(&statement->home->chain, height, position >> 16, true, &batch, NULL);
    if (status != STATUS_OK) {
        return status;
    }
    if (batch->header.kind != BATCH_RECORDS || (position & 0xffff) >= batch->header.count) {
        return STATUS_NOT_FOUND;
    }
    memcpy(ret_record, batch->body + (position & 0xffff) * sizeof *ret_record, sizeof *ret_record);
    return STATUS_OK;
}

/* The event of that number in a block, with the record that it changed, or the cycle. */
static enum status read_event(struct statement *statement, uint64_t height, uint32_t index,
                              struct source_of_entry *ret_source)
{
    uint8_t key[EVENT_KEY_BYTES];
    struct span value;
    struct event_row row;
    event_key(height, index, key);
    if (!store_get(statement->home->store, (enum store_table)TABLE_EVENTS, key, sizeof key,
                   &value) ||
        event_decode(value, &row) != STATUS_OK) {
        return STATUS_NOT_FOUND;
    }
    ret_source->kind = cause_name(row.cause);
    if (row.subject == EVENT_CYCLE) {
        snprintf(ret_source->what, sizeof ret_source->what, "cycle %u of service %u",
                 row.origin.position, row.service);
        return STATUS_OK;
    }
    enum status status =
        read_record(statement, row.origin.height, row.origin.position, &ret_source->record);
    if (status == STATUS_OK && !home_knows_record(statement->home, &ret_source->record)) {
        return STATUS_CORRUPT;
    }
    if (status == STATUS_OK) {
        id_format(&ret_source->record.id, ret_source->what);
    }
    return status;
}

static enum status read_source(struct statement *statement, uint64_t height,
                               const struct page_entry *entry, struct source_of_entry *ret_source)
{
    memset(ret_source, 0, sizeof *ret_source);
    if ((entry->flags & PAGE_ENTRY_EVENT) != 0) {
        return read_event(statement, height, entry->index, ret_source);
    }
    enum status status = read_record(statement, height, entry->index, &ret_source->record);
    if (status == STATUS_OK && !home_knows_record(statement->home, &ret_source->record)) {
        return STATUS_CORRUPT;
    }
    if (status == STATUS_OK) {
        ret_source->kind = record_kind_name(ret_source->record.kind);
        id_format(&ret_source->record.id, ret_source->what);
    }
    return status;
}

static int take_entries(struct statement *statement, const struct page *page, enum period period,
                        uint64_t time_ms)
{
    for (unsigned at = 0; at < page->head.count; at++) {
        struct page_entry entry = page_entry_at(page, at);
        statement->totals[entry.total] += entry.delta;
        if (period != INSIDE) {
            continue;
        }
        struct source_of_entry source;
        if (read_source(statement, page->head.height, &entry, &source) != STATUS_OK ||
            source.kind == NULL || leg_name(&entry) == NULL) {
            return broken(statement, page->head.height,
                          "it names a record or event that is not there or is damaged");
        }
        statement->period[entry.total] += entry.delta;
        print_entry(statement, &entry, page->head.height, time_ms, &source);
    }
    return EXIT_CLEAN;
}

/* Checks one page against the chain so far, and prints it if it is in the period. */
static int take_page(struct statement *statement, struct span bytes, uint64_t height)
{
    struct page page;
    if (page_parse(bytes, &page) != STATUS_OK || page.head.height != height ||
        page.head.account != statement->account.number) {
        return broken(statement, height, "it is damaged");
    }
    if (page.head.previous_height != statement->previous_height) {
        return broken(statement, height, "a page before it is missing");
    }
    statement->head = page_chain(&statement->head, bytes.data, bytes.length);
    statement->previous_height = height;
    statement->entries += page.head.count;
    const struct block_row *block;
    enum status status = chain_block(&statement->home->chain, height, &block);
    if (status != STATUS_OK) {
        return home_failure(status, "block %llu", (unsigned long long)height);
    }
    uint64_t time_ms = block->header.timestamp_ms;
    enum period period = period_of(statement, height, time_ms);
    if (period != BEFORE && !statement->opened) {
        statement->opened = true;
        print_edge(statement, "opening", balance(statement));
    }
    int code = take_entries(statement, &page, period, time_ms);
    for (unsigned i = 0; i < ACCOUNT_TOTALS && code == EXIT_CLEAN; i++) {
        if (statement->totals[i] != (__int128)page.head.totals[i].minor) {
            code = broken(statement, height, "its entries do not add up to its totals");
        }
    }
    statement->closing = period == AFTER ? statement->closing : balance(statement);
    return code;
}

static int take_pages(struct statement *statement)
{
    uint8_t from[PAGE_KEY_BYTES];
    struct span key, value;
    uint32_t number = statement->account.number;
    page_key(number, 0, 0, from);
    while (store_seek(statement->home->store, (enum store_table)TABLE_PAGES, from, sizeof from,
                      &key, &value) &&
           key.length == PAGE_KEY_BYTES && get_be32(key.data) == number) {
        uint64_t height = get_be64(key.data + 4);
        /* The next key: one more in the last two bytes, the part. */
        page_key(number, height, (uint16_t)(get_be16(key.data + 12) + 1), from);
        uint8_t *copy = malloc(value.length > 0 ? value.length : 1);
        if (copy == NULL) {
            return home_failure(STATUS_NO_MEMORY, "page of height %llu",
                                (unsigned long long)height);
        }
        memcpy(copy, value.data, value.length);
        int code = take_page(statement, (struct span){copy, value.length}, height);
        free(copy);
        if (code != EXIT_CLEAN) {
            return code;
        }
    }
    if (!hash_equal(&statement->head, &statement->account.head) ||
        statement->entries != statement->account.entries) {
        return broken(statement, statement->previous_height,
                      "the pages do not end in the account's head: some are missing or altered");
    }
    for (unsigned i = 0; i < ACCOUNT_TOTALS; i++) {
        if (statement->totals[i] != (__int128)statement->account.totals[i].minor) {
            return broken(statement, statement->previous_height,
                          "the pages do not add up to the account's totals");
        }
    }
    return EXIT_CLEAN;
}

static int find_account(const struct args *args, struct statement *statement)
{
    const char *participant = args_value(args, "participant");
    const char *currency = args_value(args, "currency");
    const char *class_word = args_value(args, "account");
    enum account_class class = ACCOUNT_POSITION;
    uint32_t owner = 0, number;
    if (participant == NULL || currency == NULL) {
        complain("statement needs --participant P and --currency C");
        return EXIT_USAGE;
    }
    int code = home_find_participant(statement->home, participant, &owner);
    if (code == EXIT_CLEAN) {
        code = home_find_currency(statement->home, currency, &statement->currency);
    }
    if (code == EXIT_CLEAN && class_word != NULL) {
        code = account_class_of_word(class_word, &class);
    }
    if (code != EXIT_CLEAN) {
        return code;
    }
    if (!home_account(statement->home, owner, class, statement->currency->numeric, &number)) {
        complain("statement: %s has no %s account", participant, account_class_name(class));
        return EXIT_NOT_FOUND;
    }
    enum status status = home_read_account(statement->home, number, &statement->account);
    status = status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status; /* its owner has it */
    return status == STATUS_OK ? EXIT_CLEAN : home_failure(status, "account %u", number);
}

static int print_statement(struct statement *statement, enum output_format format)
{
    statement->output = output_list(stdout, format, columns, COLUMN_COUNT);
    int code = take_pages(statement);
    if (!statement->opened) {
        statement->closing = balance(statement);
        print_edge(statement, "opening", statement->closing);
    }
    if (code == EXIT_CLEAN) {
        print_edge(statement, "closing", statement->closing);
    }
    output_end(statement->output);
    if (code == EXIT_CLEAN && format == OUTPUT_TABLE) {
        printf("%s %s: %llu entries; complete: the account's pages give the head under block %llu, "
               "which a quorum signed.\n",
               names_participant_name(statement->home->names, statement->account.participant),
               account_class_name(statement->account.class), (unsigned long long)statement->printed,
               (unsigned long long)statement->home->final.height);
    }
    return code;
}

static int run_statement(const struct args *args)
{
    struct home home;
    struct statement statement = {.home = &home};
    enum output_format format;
    if (output_format_of(args, &format) != STATUS_OK ||
        read_bound(args, "from", false, &statement.from) != EXIT_CLEAN ||
        read_bound(args, "to", true, &statement.to) != EXIT_CLEAN) {
        return EXIT_USAGE;
    }
    const struct bound *from = &statement.from, *to = &statement.to;
    if (from->given && to->given && from->by_height == to->by_height && from->value > to->value) {
        complain("--from %s is after --to %s", args_value(args, "from"), args_value(args, "to"));
        return EXIT_USAGE;
    }
    int code = home_open(args, &home);
    if (code != EXIT_CLEAN) {
        return code;
    }
    code = find_account(args, &statement);
    if (code == EXIT_CLEAN) {
        code = check_accounts(&home);
    }
    if (code == EXIT_CLEAN) {
        code = print_statement(&statement, format);
    }
    home_close(&home);
    return code;
}

static const struct verb_option options[] = {
    {"participant", "P", "whose account, or \"hub\"; needed"},
    {"currency", "C", "such as CNY; needed"},
    {"account", "CLASS",
     "POSITION (the default), SETTLEMENT, COLLATERAL, CLAIM; the hub's CASH ..."},
    {"from", "WHEN", "a date, a time in UTC, or a height; default: the beginning"},
    {"to", "WHEN", "a date (the whole day), a time (not included), or a height (included)"},
    {NULL, NULL, NULL},
};

const struct verb verb_statement = {
    .name = "statement",
    .operands = "",
    .uses = USES_HOME | USES_FORMAT,
    .summary = "opening, entries and closing of an account",
    .description =
        "Prints an account's opening balance, every entry of the period and the closing\n"
        "balance; the closing line also has the period's debits and credits. Times are\n"
        "those of the blocks.\n\n"
        "All pages of the account are read and their chain of hashes is recomputed up to\n"
        "the account's leaf, the leaf up to the signed block. Exit status 3 if anything is\n"
        "missing, reordered or altered.",
    .options = options,
    .examples = "hefu statement --participant harbour-bank --currency CNY --home NET/node-0\n"
                "hefu statement --participant 3 --currency CNY --account SETTLEMENT \\\n"
                "    --from 2026-11-23 --to 2026-11-23 --format csv --home NET/node-0",
    .run = run_statement,
};
