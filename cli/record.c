/* record: `hefu record show`. An id belongs to its submitter, so the same id may name one record of
   each participant: all of them are shown unless --participant chooses. */
#include <stdio.h>
#include <string.h>

#include "cli/record_find.h"
#include "cli/record_view.h"
#include "cli/verbs.h"
#include "ledger/rows.h"
#include "ledger/verdict.h"

/* Prints the record that a submitter used the id for. NOT_FOUND if it never did. */
static enum status show_of(struct home *home, struct output *output, uint32_t submitter,
                           const struct record_id *id)
{
    uint8_t key[ID_KEY_BYTES];
    struct span value;
    struct id_row row;
    struct record record;
    struct record_view view = {.record = &record};
    id_key(submitter, id, key);
    if (!store_get(home->store, (enum store_table)TABLE_IDS, key, sizeof key, &value)) {
        return STATUS_NOT_FOUND;
    }
    if (id_decode(value, &row) != STATUS_OK) {
        return STATUS_CORRUPT;
    }
    view.height = row.place.height;
    view.position = row.place.position;
    enum status status = chain_record(&home->chain, view.height, view.position, &record,
                                      &view.verdict, &view.submitter);
    if (status != STATUS_OK) {
        return STATUS_CORRUPT;
    }
    struct hash hash = record_hash(&record);
    if (!hash_equal(&hash, &row.record_hash) || view.submitter != submitter) {
        return STATUS_CORRUPT;
    }
    const struct block_row *block;
    status = chain_block(&home->chain, view.height, &block);
    if (status == STATUS_OK) {
        view.time_ms = block->header.timestamp_ms;
        record_view_print(output, home->names, &view);
    }
    return status;
}

static int show_all(struct home *home, struct output *output, uint32_t only,
                    const struct record_id *id)
{
    unsigned found = 0;
    for (uint32_t i = 0; i < home->now.participant_count; i++) {
        uint32_t number = home->now.participants[i].number;
        if (only != 0 && number != only) {
            continue;
        }
        enum status status = show_of(home, output, number, id);
        if (status == STATUS_CORRUPT) {
            return home_failure(status, "record of participant %u", number);
        }
        found += status == STATUS_OK ? 1 : 0;
    }
    return found > 0 ? EXIT_CLEAN : EXIT_NOT_FOUND;
}

/* How many participants used the id. */
static uint32_t count_users(struct home *home, uint32_t only, const struct record_id *id)
{
    uint32_t users = 0;
    for (uint32_t i = 0; i < home->now.participant_count; i++) {
        uint32_t number = home->now.participants[i].number;
        uint8_t key[ID_KEY_BYTES];
        struct span value;
        id_key(number, id, key);
        users +=
            (only == 0 || number == only) &&
                    store_get(home->store, (enum store_table)TABLE_IDS, key, sizeof key, &value)
                ? 1
                : 0;
    }
    return users;
}

static int run_show(const struct args *args)
{
    struct record_question question;
    int code = record_find_open(args, &question);
    if (code != EXIT_CLEAN) {
        return code;
    }
    /* An id is unique per participant: one record is an object, several are a list. */
    const enum output_format format = question.format;
    const bool single = count_users(&question.home, question.only, &question.id) < 2;
    struct output *output =
        single && (format == OUTPUT_TABLE || format == OUTPUT_JSON)
            ? output_single(stdout, format, record_view_columns, RECORD_VIEW_COLUMNS)
            : output_list(stdout, format, record_view_columns, RECORD_VIEW_COLUMNS);
    code = show_all(&question.home, output, question.only, &question.id);
    return record_find_close(args, &question, output, code);
}

static const struct verb_option show_options[] = {
    {"participant", "P", "only the record that this participant submitted"},
    {NULL, NULL, NULL},
};

const struct verb verb_record_show = {
    .name = "record show",
    .operands = "ID",
    .operands_min = 1,
    .operands_max = 1,
    .uses = USES_HOME | USES_FORMAT,
    .summary = "a final record and its verdict",
    .description =
        "Finds the record by its id (32 hexadecimal digits or a UUID), checks it against\n"
        "the hash in the index, and shows it with its place in the chain and its verdict.\n"
        "An id is unique for its submitter only: --participant chooses among several.",
    .options = show_options,
    .examples = "hefu record show 01a203fc5c029ca38389a52600000001 --home NET/node-0\n"
                "hefu record show 01a203fc5c029ca38389a52600000001 --participant harbour-bank \\\n"
                "    --home NET/node-0 --format json",
    .run = run_show,
};
