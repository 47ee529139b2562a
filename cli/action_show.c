/* action_show: `hefu action list` and `hefu action show`: actions in a store (see action_show.h).
 */
#include "cli/action_show.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "cli/action_body.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "ledger/action_rows.h"

/* Room for what an action says, as one line. */
#define LINE_BYTES 16384
#define SHORT_KEY_DIGITS 16

static const char *const STATES[] = {
    [ACTION_PROPOSED] = "PROPOSED", [ACTION_APPROVED] = "APPROVED",
    [ACTION_DONE] = "DONE",         [ACTION_REFUSED] = "REFUSED",
    [ACTION_LAPSED] = "LAPSED",     [ACTION_OVERTAKEN] = "OVERTAKEN"};

bool action_id_parse(const char *text, struct hash *ret_id)
{
    if (strlen(text) == 2 * HASH_BYTES &&
        bytes_from_hex(text, HASH_BYTES, ret_id->bytes) == STATUS_OK) {
        return true;
    }
    complain("\"%.80s\" is not an action's id: 64 hexadecimal digits, as hefu action propose and "
             "hefu action list print them",
             text);
    return false;
}

enum status action_read_roster(struct home *home, struct roster *ret_roster)
{
    enum status status = STATUS_NOT_FOUND;
    uint8_t from[VALIDATORS_KEY_BYTES];
    struct span key, value;
    validators_key(1, from);
    while (store_seek(home->store, (enum store_table)TABLE_VALIDATORS, from, sizeof from, &key,
                      &value)) {
        status = validators_decode(key, value, ret_roster);
        if (status != STATUS_OK) {
            return STATUS_CORRUPT;
        }
        validators_key(ret_roster->epoch + 1, from);
    }
    return status;
}

static uint32_t approvals(const struct action_row *row, enum action_reply reply)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < row->answer_count; i++) {
        count += row->answers[i].reply == (uint32_t)reply;
    }
    return count;
}

static uint32_t bits(uint32_t word)
{
    uint32_t count = 0;
    for (; word != 0; word &= word - 1) {
        count++;
    }
    return count;
}

static void print_row(struct output *output, const struct home *home, const struct action_row *row)
{
    output_hash(output, &row->id);
    output_text(output, action_kind_name(row->kind));
    output_text(output, STATES[row->state]);
    output_number(output, row->participant);
    output_text(output, names_participant_name(home->names, row->participant));
    output_number(output, row->key_no);
    output_number(output, row->place.height);
    output_time(output, row->proposed_ms);
    output_time(output, row->lapse_ms);
    output_number(output, approvals(row, ACTION_YES));
    output_number(output, approvals(row, ACTION_NO));
    output_number(output, bits(row->ready));
    if (row->ended_height == 0) {
        output_empty(output);
        output_empty(output);
    } else {
        output_number(output, row->ended_height);
        output_time(output, row->ended_ms);
    }
}

#define ROW_COLUMNS                                                                                \
    {"action", COLUMN_TEXT}, {"kind", COLUMN_TEXT}, {"state", COLUMN_TEXT},                        \
        {"participant", COLUMN_NUMBER}, {"name", COLUMN_TEXT}, {"key_no", COLUMN_NUMBER},          \
        {"height", COLUMN_NUMBER}, {"proposed", COLUMN_TEXT}, {"lapses", COLUMN_TEXT},             \
        {"approvals", COLUMN_NUMBER}, {"refusals", COLUMN_NUMBER}, {"ready", COLUMN_NUMBER},       \
        {"ended_height", COLUMN_NUMBER},                                                           \
    {                                                                                              \
        "ended", COLUMN_TEXT                                                                       \
    }
#define ROW_COLUMN_COUNT 14

/* The smallest key above this one; false after the last. */
static bool next_key(uint8_t key[ACTION_KEY_BYTES])
{
    for (unsigned i = ACTION_KEY_BYTES; i-- > 0;) {
        if (++key[i] != 0) {
            return true;
        }
    }
    return false;
}

static bool wanted(const struct action_row *row, bool open_only)
{
    return !open_only || row->ended_height == 0;
}

static int run_list(const struct args *args)
{
    static const struct column columns[] = {ROW_COLUMNS};
    struct home home;
    enum output_format format;
    if (output_format_of(args, &format) != STATUS_OK) {
        return EXIT_USAGE;
    }
    int code = home_open(args, &home);
    if (code != EXIT_CLEAN) {
        return code;
    }
    struct output *output = output_list(stdout, format, columns, ROW_COLUMN_COUNT);
    uint8_t from[ACTION_KEY_BYTES] = {0};
    struct span key, value, body;
    struct action_row row;
    bool more = true;
    while (more && store_seek(home.store, (enum store_table)TABLE_ACTIONS, from, sizeof from, &key,
                              &value)) {
        if (action_row_decode(key, value, &row, &body) != STATUS_OK) {
            code = home_failure(STATUS_CORRUPT, "an action");
            break;
        }
        if (wanted(&row, args_flag(args, "open"))) {
            print_row(output, &home, &row);
        }
        memcpy(from, row.id.bytes, sizeof from);
        more = next_key(from);
    }
    output_end(output);
    home_close(&home);
    return code;
}

/* ---- One action ---- */

struct line {
    char text[LINE_BYTES];
    size_t used;
};

static void add(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void add(struct line *line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int written =
        vsnprintf(line->text + line->used, sizeof line->text - line->used, format, arguments);
    va_end(arguments);
    CHECK(written >= 0 && (size_t)written < sizeof line->text - line->used);
    line->used += (size_t)written;
}

static void add_answers(struct line *line, const struct home *home, const struct action_row *row,
                        enum action_reply reply)
{
    for (uint32_t i = 0; i < row->answer_count; i++) {
        if (row->answers[i].reply == (uint32_t)reply) {
            add(line, "%s%.64s (key %u)", line->used > 0 ? "; " : "",
                names_participant_name(home->names, row->answers[i].participant),
                row->answers[i].key_no);
        }
    }
}

/* The name that the newest set knows a key by, or the first digits of the key. */
static void add_member(struct line *line, const struct roster *roster, const struct public_key *key)
{
    char digits[2 * sizeof key->bytes + 1];
    bytes_to_hex(key->bytes, sizeof key->bytes, digits);
    for (uint32_t i = 0; i < roster->count; i++) {
        if (memcmp(&roster->members[i].validator.key, key, sizeof *key) == 0) {
            add(line, "%.32s (%.*s)", roster->members[i].name, SHORT_KEY_DIGITS, digits);
            return;
        }
    }
    add(line, "%.*s", SHORT_KEY_DIGITS, digits);
}

/* Both keys in full: who approves compares them with what the new operator read out. */
static void add_keys(struct line *line, const struct action_change *change)
{
    char key[2 * sizeof change->key.bytes + 1];
    char transport_key[2 * sizeof change->transport_key.bytes + 1];
    bytes_to_hex(change->key.bytes, sizeof change->key.bytes, key);
    bytes_to_hex(change->transport_key.bytes, sizeof change->transport_key.bytes, transport_key);
    add(line, "key %s, transport key %s", key, transport_key);
}

static void add_change(struct line *line, const struct home *home, const struct roster *roster,
                       const struct action_change *change)
{
    add(line, "%s", line->used > 0 ? "; " : "");
    if (change->op == CHANGE_ADD) {
        add(line, "ADD %.32s of %.64s, ", change->name,
            names_participant_name(home->names, change->participant));
        add_keys(line, change);
        return;
    }
    add(line, "%s ", change->op == CHANGE_REMOVE ? "REMOVE" : "REPLACE");
    add_member(line, roster, &change->old_key);
    if (change->op == CHANGE_REPLACE) {
        add(line, " by %.32s%s", change->name, change->name[0] != '\0' ? ", " : "");
        add_keys(line, change);
    }
}

static int print_action(struct output *output, struct home *home, const struct action_row *row,
                        struct span body)
{
    struct action action;
    struct roster *roster = calloc(1, sizeof *roster);
    struct line *lines = calloc(3, sizeof *lines);
    CHECK(roster != NULL && lines != NULL);
    enum status status = action_decode(body, &action);
    if (status == STATUS_OK) {
        status = action_read_roster(home, roster);
    }
    if (status == STATUS_OK) {
        add_answers(&lines[0], home, row, ACTION_YES);
        add_answers(&lines[1], home, row, ACTION_NO);
        for (uint32_t i = 0; i < action.change_count; i++) {
            add_change(&lines[2], home, roster, &action.changes[i]);
        }
        if (action.kind >= ACTION_PARTICIPANT &&
            action_body_words(body, home->names, lines[2].text, sizeof lines[2].text) !=
                STATUS_OK) {
            status = STATUS_CORRUPT;
        }
    }
    if (status == STATUS_OK) {
        print_row(output, home, row);
        output_number(output, action.epoch);
        for (unsigned i = 0; i < 3; i++) {
            output_text(output, lines[i].text);
        }
    }
    free(roster);
    free(lines);
    return status == STATUS_OK ? EXIT_CLEAN : home_failure(STATUS_CORRUPT, "the action");
}

static int run_show(const struct args *args)
{
    static const struct column columns[] = {ROW_COLUMNS,
                                            {"epoch", COLUMN_NUMBER},
                                            {"approved_by", COLUMN_TEXT},
                                            {"refused_by", COLUMN_TEXT},
                                            {"changes", COLUMN_TEXT}};
    struct home home;
    struct hash id;
    enum output_format format;
    if (output_format_of(args, &format) != STATUS_OK || !action_id_parse(args->operands[0], &id)) {
        return EXIT_USAGE;
    }
    int code = home_open(args, &home);
    if (code != EXIT_CLEAN) {
        return code;
    }
    struct span value, body;
    struct action_row row;
    struct span key = {id.bytes, HASH_BYTES};
    if (!store_get(home.store, (enum store_table)TABLE_ACTIONS, id.bytes, HASH_BYTES, &value)) {
        complain("there is no action with this id");
        code = EXIT_NOT_FOUND;
    } else if (action_row_decode(key, value, &row, &body) != STATUS_OK) {
        code = home_failure(STATUS_CORRUPT, "the action");
    } else {
        struct output *output =
            output_single(stdout, format, columns, sizeof columns / sizeof columns[0]);
        code = print_action(output, &home, &row, body);
        output_end(output);
    }
    home_close(&home);
    return code;
}

static const struct verb_option list_options[] = {
    {"open", NULL, "only those that wait for approval or for new members"},
    {NULL, NULL, NULL},
};

const struct verb verb_action_list = {
    .name = "action list",
    .operands = "",
    .uses = USES_HOME | USES_FORMAT,
    .summary = "the actions of the network, open and ended",
    .description =
        "One row an action, in the order of their ids: who proposed it and when, how many keys\n"
        "approved or refused it, how many new validators are ready, and how it ended: DONE,\n"
        "REFUSED (or withdrawn), LAPSED, or OVERTAKEN by another change of validators.",
    .options = list_options,
    .examples = "hefu action list --home NET/node-0 --open\n"
                "hefu action list --home NET/node-0 --format jsonl",
    .run = run_list,
};

const struct verb verb_action_show = {
    .name = "action show",
    .operands = "ID",
    .operands_min = 1,
    .operands_max = 1,
    .uses = USES_HOME | USES_FORMAT,
    .summary = "one action: what it changes, who said what",
    .description = "What hefu action list shows of the action ID, and the epoch and validators\n"
                   "that it changes, and by name who approved and who refused it.",
    .examples = "hefu action show 5f0c...e1 --home NET/node-0 --format json",
    .run = run_show,
};
