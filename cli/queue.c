/* queue: `hefu queue`: gross payments that wait for money, in the order in which they go. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "cli/home_proof.h"
#include "cli/output.h"
#include "cli/record_view.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "ledger/rows.h"

static const char *priority_name(unsigned priority)
{
    static const char *const NAMES[] = {"NORMAL", "HIGH", "URGENT"};
    return priority < 3 ? NAMES[priority] : NULL;
}

/* Queue order: urgent first, then since when. */
static int compare_rows(const void *a, const void *b)
{
    const struct queue_row *left = a, *right = b;
    if (left->currency != right->currency) {
        return left->currency < right->currency ? -1 : 1;
    }
    if (left->priority != right->priority) {
        return left->priority > right->priority ? -1 : 1;
    }
    if (left->since.height != right->since.height) {
        return left->since.height < right->since.height ? -1 : 1;
    }
    return left->since.position < right->since.position ? -1 : 1;
}

/* All rows of the queues, in queue order; a queue holds at most LIMIT_QUEUE. */
static enum status read_queue(struct home *home, struct queue_row **ret_rows, size_t *ret_count)
{
    const size_t most = (size_t)LIMIT_QUEUE * home->now.currency_count;
    struct queue_row *rows = calloc(most + 1, sizeof *rows);
    uint8_t from[QUEUE_KEY_BYTES + 1] = {0};
    size_t from_length = 0;
    struct span key, value;
    CHECK(rows != NULL);
    *ret_rows = rows;
    *ret_count = 0;
    while (
        store_seek(home->store, (enum store_table)TABLE_QUEUE, from, from_length, &key, &value)) {
        if (*ret_count == most || queue_decode(key, value, &rows[*ret_count]) != STATUS_OK) {
            return STATUS_CORRUPT;
        }
        ++*ret_count;
        memcpy(from, key.data, QUEUE_KEY_BYTES);
        from_length = sizeof from;
    }
    qsort(rows, *ret_count, sizeof *rows, compare_rows);
    return STATUS_OK;
}

/* A row repeats what its record says. */
static bool is_of_record(const struct queue_row *row, const struct record *record)
{
    return row->amount == record->amount && row->payer == record->payer &&
           row->payee == record->payee && row->currency == record->currency &&
           row->scheme == record->scheme;
}

static enum status print_payment(struct output *output, struct home *home, size_t position,
                                 const struct queue_row *row)
{
    struct record record;
    uint16_t verdict;
    uint32_t submitter;
    char id[ID_TEXT_BYTES];
    const struct block_row *block;
    enum status status = home_record(home, row->place, &record, &verdict, &submitter);
    if (status != STATUS_OK || !home_knows_record(home, &record) || !is_of_record(row, &record) ||
        priority_name(row->priority) == NULL) {
        return STATUS_CORRUPT;
    }
    status = chain_block(&home->chain, row->place.height, &block);
    if (status != STATUS_OK) {
        return STATUS_CORRUPT;
    }
    id_format(&record.id, id);
    output_number(output, position);
    output_text(output, names_currency_code(home->names, row->currency));
    output_text(output, priority_name(row->priority));
    output_text(output, names_participant_name(home->names, row->payer));
    output_text(output, names_participant_name(home->names, row->payee));
    output_amount(output, (__int128)row->amount, names_exponent(home->names, row->currency));
    output_text(output, names_scheme_name(home->names, row->scheme));
    output_text(output, id);
    output_time(output, block->header.timestamp_ms);
    output_number(output, row->place.height);
    return STATUS_OK;
}

static int print_queue(struct home *home, struct output *output, uint16_t currency, uint32_t payer)
{
    struct queue_row *rows;
    size_t count;
    enum status status = read_queue(home, &rows, &count);
    size_t position = 0;
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        position = i > 0 && rows[i].currency != rows[i - 1].currency ? 1 : position + 1;
        if ((currency == 0 || rows[i].currency == currency) &&
            (payer == 0 || rows[i].payer == payer)) {
            status = print_payment(output, home, position, &rows[i]);
        }
    }
    free(rows);
    return status == STATUS_OK ? EXIT_CLEAN : home_failure(status, "a queued payment");
}

static int run(const struct args *args)
{
    static const struct column columns[] = {{"position", COLUMN_NUMBER}, {"currency", COLUMN_TEXT},
                                            {"priority", COLUMN_TEXT},   {"payer", COLUMN_TEXT},
                                            {"payee", COLUMN_TEXT},      {"amount", COLUMN_AMOUNT},
                                            {"scheme", COLUMN_TEXT},     {"id", COLUMN_TEXT},
                                            {"filed", COLUMN_TEXT},      {"height", COLUMN_NUMBER}};
    struct home home;
    enum output_format format;
    const struct genesis_currency *only = NULL;
    const char *currency = args_value(args, "currency");
    const char *participant = args_value(args, "payer");
    uint32_t payer = 0;
    if (output_format_of(args, &format) != STATUS_OK) {
        return EXIT_USAGE;
    }
    int code = home_open(args, &home);
    if (code != EXIT_CLEAN) {
        return code;
    }
    if (currency != NULL) {
        code = home_find_currency(&home, currency, &only);
    }
    if (code == EXIT_CLEAN && participant != NULL) {
        code = home_find_participant(&home, participant, &payer);
    }
    if (code == EXIT_CLEAN) {
        struct output *output =
            output_list(stdout, format, columns, sizeof columns / sizeof columns[0]);
        code = print_queue(&home, output, only == NULL ? 0 : only->numeric, payer);
        output_end(output);
    }
    home_close(&home);
    return code;
}

static const struct verb_option options[] = {
    {"currency", "C", "only this currency's"},
    {"payer", "P", "only this participant's payments"},
    {NULL, NULL, NULL},
};

const struct verb verb_queue = {
    .name = "queue",
    .operands = "",
    .uses = USES_HOME | USES_FORMAT,
    .summary = "gross payments that wait for money",
    .description =
        "Lists queued payments in the order in which they go: URGENT before HIGH before\n"
        "NORMAL, then since when they wait. No payment overtakes its own payer's of equal or\n"
        "higher priority. CANCEL takes one out, REPRIORITISE moves it; the ledger releases\n"
        "those that can be paid, and resolves gridlock, at the end of each block.",
    .options = options,
    .examples = "hefu queue --home NET/node-0\n"
                "hefu queue --payer harbour-bank --home NET/node-0 --format json",
    .run = run,
};
