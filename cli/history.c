/* history: `hefu record history`: a record's verdict and every later change of it, from the chain
   of its events (docs/ledger.md, Events). */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "cli/home_proof.h"
#include "cli/output.h"
#include "cli/record_find.h"
#include "cli/record_view.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "cli/words.h"
#include "ledger/event.h"
#include "ledger/rows.h"

struct history {
    struct home *home;
    struct output *output;
    struct place place;
    struct record record;
    uint16_t verdict;
    uint32_t submitter;
};

/* An event and where it stands. */
struct step {
    uint64_t height;
    uint32_t index;
    struct event_row row;
};

static enum status print_time_of(struct history *history, uint64_t height)
{
    const struct block_row *block;
    if (chain_block(&history->home->chain, height, &block) != STATUS_OK) {
        return STATUS_CORRUPT;
    }
    output_number(history->output, height);
    output_time(history->output, block->header.timestamp_ms);
    return STATUS_OK;
}

/* The first row: filed, with its verdict. */
static enum status print_filing(struct history *history)
{
    char text[ID_TEXT_BYTES];
    struct output *output = history->output;
    enum status status = print_time_of(history, history->place.height);
    if (status != STATUS_OK) {
        return status;
    }
    output_text(output, record_kind_name(history->record.kind));
    output_empty(output);
    output_text(output, verdict_text(history->verdict, text));
    output_amount(output, (__int128)history->record.amount,
                  names_exponent(history->home->names, history->record.currency));
    id_format(&history->record.id, text);
    output_text(output, names_participant_name(history->home->names, history->submitter));
    output_text(output, text);
    return STATUS_OK;
}

static enum status print_step(struct history *history, const struct step *step)
{
    struct output *output = history->output;
    const struct event_row *row = &step->row;
    enum status status = print_time_of(history, step->height);
    if (status != STATUS_OK) {
        return status;
    }
    const char *cause = cause_name(row->cause);
    const char *before = life_state_name(row->old_state);
    const char *after = life_state_name(row->new_state);
    if (cause == NULL || before == NULL || after == NULL) {
        return STATUS_CORRUPT;
    }
    output_text(output, cause);
    output_text(output, before);
    output_text(output, after);
    output_amount(output, (__int128)row->amount,
                  names_exponent(history->home->names, history->record.currency));
    if (row->by == EVENT_BY_NONE) {
        output_empty(output);
        output_empty(output);
        return STATUS_OK;
    }
    struct record by;
    uint16_t verdict;
    uint32_t submitter;
    char id[ID_TEXT_BYTES];
    if (home_record(history->home, (struct place){step->height, row->by}, &by, &verdict,
                    &submitter) != STATUS_OK ||
        !home_knows_participant(history->home, submitter)) {
        return STATUS_CORRUPT;
    }
    id_format(&by.id, id);
    output_text(output, names_participant_name(history->home->names, submitter));
    output_text(output, id);
    return STATUS_OK;
}

/* Events from the last one back, into a list that the caller frees. */
static enum status collect(struct history *history, const struct life_row *life,
                           struct step **ret_steps, size_t *ret_count)
{
    uint64_t height = life->event_height;
    uint32_t index = life->event_index;
    size_t room = 0;
    struct step *steps = NULL;
    *ret_count = 0;
    for (*ret_steps = NULL; height != 0;) {
        uint8_t key[EVENT_KEY_BYTES];
        struct span value;
        if (*ret_count == room) {
            room = room == 0 ? 16 : 2 * room;
            steps = realloc(steps, room * sizeof *steps);
            CHECK(steps != NULL);
            *ret_steps = steps;
        }
        struct step *step = &steps[*ret_count];
        event_key(height, index, key);
        if (!store_get(history->home->store, (enum store_table)TABLE_EVENTS, key, sizeof key,
                       &value) ||
            event_decode(value, &step->row) != STATUS_OK || step->row.subject != EVENT_RECORD ||
            step->row.origin.height != history->place.height ||
            step->row.origin.position != history->place.position) {
            return STATUS_CORRUPT;
        }
        step->height = height;
        step->index = index;
        ++*ret_count;
        bool earlier = step->row.previous_height < height ||
                       (step->row.previous_height == height && step->row.previous_index < index);
        if (!earlier) {
            return STATUS_CORRUPT; /* a chain that runs in a circle */
        }
        height = step->row.previous_height;
        index = step->row.previous_index;
    }
    return STATUS_OK;
}

static enum status print_all(struct history *history)
{
    uint8_t key[LIFE_KEY_BYTES];
    struct span value;
    struct life_row life = {.state = 0};
    struct step *steps = NULL;
    size_t count = 0;
    life_key(history->place, key);
    if (store_get(history->home->store, (enum store_table)TABLE_LIFE, key, sizeof key, &value) &&
        life_decode(value, &life) != STATUS_OK) {
        return STATUS_CORRUPT;
    }
    enum status status = print_filing(history);
    if (status == STATUS_OK) {
        status = collect(history, &life, &steps, &count);
    }
    while (count > 0 && status == STATUS_OK) {
        status = print_step(history, &steps[--count]);
    }
    free(steps);
    return status;
}

/* The record that a submitter used the id for. */
static enum status find(struct home *home, uint32_t submitter, const struct record_id *id,
                        struct history *ret_history)
{
    uint8_t key[ID_KEY_BYTES];
    struct span value;
    struct id_row row;
    id_key(submitter, id, key);
    if (!store_get(home->store, (enum store_table)TABLE_IDS, key, sizeof key, &value)) {
        return STATUS_NOT_FOUND;
    }
    if (id_decode(value, &row) != STATUS_OK ||
        home_record(home, row.place, &ret_history->record, &ret_history->verdict,
                    &ret_history->submitter) != STATUS_OK ||
        ret_history->submitter != submitter ||
        memcmp(&ret_history->record.id, id, sizeof *id) != 0) {
        return STATUS_CORRUPT;
    }
    ret_history->place = row.place;
    return STATUS_OK;
}

static int print_found(struct home *home, struct output *output, uint32_t only,
                       const struct record_id *id)
{
    int code = EXIT_NOT_FOUND;
    for (uint32_t i = 0; i < home->now.participant_count; i++) {
        struct history history = {.home = home, .output = output};
        uint32_t number = home->now.participants[i].number;
        if (only != 0 && number != only) {
            continue;
        }
        enum status status = find(home, number, id, &history);
        if (status == STATUS_OK) {
            status = print_all(&history);
            code = EXIT_CLEAN;
        }
        if (status == STATUS_CORRUPT) {
            return home_failure(status, "the record's history");
        }
    }
    return code;
}

static int run(const struct args *args)
{
    static const struct column columns[] = {{"height", COLUMN_NUMBER}, {"time", COLUMN_TEXT},
                                            {"cause", COLUMN_TEXT},    {"from", COLUMN_TEXT},
                                            {"to", COLUMN_TEXT},       {"amount", COLUMN_AMOUNT},
                                            {"by", COLUMN_TEXT},       {"by_record", COLUMN_TEXT}};
    struct record_question question;
    int code = record_find_open(args, &question);
    if (code != EXIT_CLEAN) {
        return code;
    }
    struct output *output =
        output_list(stdout, question.format, columns, sizeof columns / sizeof columns[0]);
    code = print_found(&question.home, output, question.only, &question.id);
    return record_find_close(args, &question, output, code);
}

static const struct verb_option options[] = {
    {"participant", "P", "only the record that this participant submitted"},
    {NULL, NULL, NULL},
};

const struct verb verb_record_history = {
    .name = "record history",
    .operands = "ID",
    .operands_min = 1,
    .operands_max = 1,
    .uses = USES_HOME | USES_FORMAT,
    .summary = "everything that became of a record",
    .description =
        "The record's verdict when it was filed, then every later change, oldest first: what\n"
        "caused it (a record's kind; or EXPIRED, SILENCE, RELEASE, OFFSET), from which state to\n"
        "which, the amount, and whose record did it. Each event names the one before it, so\n"
        "none can be left out.",
    .options = options,
    .examples = "hefu record history 01a203fc5c029ca38389a52600000001 --home NET/node-0",
    .run = run,
};
