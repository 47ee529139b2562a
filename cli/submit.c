/* submit: `hefu submit`: a clearing file as signed batches to the participant's node, and what
   became of every record. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/check.h"
#include "cli/csv.h"
#include "cli/output.h"
#include "cli/sender.h"
#include "cli/source.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "ledger/verdict.h"

#define CONNECT_MS 5000
#define GIVE_UP_S 120
#define FIRST_CONNECT_S 30
#define CLOSED_HANDSHAKE_MS 2000
#define FIRST_PAUSE_MS_MIN 100
#define FIRST_PAUSE_MS_MAX 1000
#define BAD_LINES_SHOWN 20
#define VERDICTS 1024

struct submit {
    const struct args *args;
    struct client client;
    struct source source;
    struct sender sender;
    char rejects_path[4096];
    FILE *rejects; /* opened at the first */
    bool skip_bad, await_receipts;
    uint64_t bad_shown, done_records, accepted, rejected;
    uint64_t counts[VERDICTS];
    uint64_t last_height;
    uint32_t batches;
    struct output *output; /* of batches; NULL for a table */
    struct progress progress;
    uint64_t started_ms;
};

/* A line of FILE.rejects.csv. */
static void reject(struct submit *submit, const char *id, uint64_t line, const char *code,
                   const char *name, const char *sentence)
{
    if (submit->rejects == NULL) {
        submit->rejects = fopen(submit->rejects_path, "w");
        if (submit->rejects == NULL) {
            complain("%s: cannot be written: %s", submit->rejects_path, strerror(errno));
            submit->rejects = stderr;
        }
        fputs("id,line,code,name,sentence\n", submit->rejects);
    }
    fprintf(submit->rejects, "%s,%" PRIu64 ",%s,%s,", id, line, code, name);
    csv_write_field(submit->rejects, sentence);
    fputc('\n', submit->rejects);
}

static void bad_line(void *context, const struct import_error *error)
{
    struct submit *submit = context;
    if (submit->bad_shown++ < BAD_LINES_SHOWN) {
        if (error->column > 0) {
            complain("%s:%" PRIu64 ":%u: %s", submit->source.path, error->line, error->column,
                     error->text);
        } else {
            complain("%s:%" PRIu64 ": %s", submit->source.path, error->line, error->text);
        }
    }
    if (submit->skip_bad) {
        reject(submit, "", error->line, "", "BAD_LINE", error->text);
    }
}

static void count_verdict(struct submit *submit, const struct part *part, uint32_t at,
                          uint16_t verdict)
{
    submit->counts[verdict < VERDICTS ? verdict : VERDICTS - 1]++;
    if (verdict_is_accepted(verdict)) {
        submit->accepted++;
        return;
    }
    if (verdict == VERDICT_SOURCE_EXISTS) {
        return; /* the whole part was filed before: its verdicts are there */
    }
    const struct record *record =
        (const struct record *)(const void *)(part->bytes + BATCH_PREFIX_BYTES);
    char id[ID_TEXT_BYTES], code[16];
    const char *name = verdict_name(verdict), *sentence = verdict_sentence(verdict);
    id_format(&record[at].id, id);
    snprintf(code, sizeof code, "%u", verdict);
    reject(submit, id, part->lines[at], code, name != NULL ? name : "?",
           sentence != NULL ? sentence : "a verdict that this program does not know");
    submit->rejected++;
}

static void print_batch(struct submit *submit, const struct part *part,
                        const struct receipt_facts *facts, uint64_t accepted)
{
    struct output *output = submit->output;
    output_hash(output, &part->id);
    output_number(output, part->number);
    output_number(output, part->count);
    output_text(output, facts != NULL ? "FINAL" : "ACCEPTED");
    if (facts == NULL) {
        output_empty(output);
        output_empty(output);
        output_empty(output);
    } else {
        output_number(output, facts->block.height);
        output_number(output, accepted);
        output_number(output, part->count - accepted);
    }
}

/* The sender's callback: a part is final (or, without --wait, accepted). */
static void part_done(void *context, const struct part *part, const struct receipt_facts *facts,
                      const uint16_t *verdicts)
{
    struct submit *submit = context;
    uint64_t accepted = submit->accepted;
    submit->batches++;
    submit->done_records += part->count;
    for (uint32_t i = 0; verdicts != NULL && i < part->count; i++) {
        count_verdict(submit, part, i, verdicts[i]);
    }
    if (facts != NULL && facts->block.height > submit->last_height) {
        submit->last_height = facts->block.height;
    }
    progress_end(&submit->progress);
    print_batch(submit, part, facts, submit->accepted - accepted);
    progress_at(&submit->progress, submit->done_records);
}

/* The next part of the file into a slot. False at the end of the file. Records of a chain that does
   not fit any more are moved to the front of carry. */
struct filling {
    struct partition partition;
    uint32_t number;
    uint32_t carried; /* records at the front of carry, not yet in a part */
    struct record *carry;
    uint64_t *carry_lines;
    bool ended, changed;
};

static bool fill_part(struct submit *submit, struct filling *filling, struct part *part)
{
    struct record *records = (struct record *)(void *)(part->bytes + BATCH_PREFIX_BYTES);
    uint32_t count = filling->carried;
    memcpy(records, filling->carry, sizeof *records * count);
    memcpy(part->lines, filling->carry_lines, sizeof *part->lines * count);
    filling->carried = 0;
    part->number = filling->number;
    while (!filling->ended) {
        struct record record;
        uint64_t line;
        uint32_t size;
        enum status status;
        if (!source_next(&submit->source, &record, &line, &filling->changed)) {
            filling->ended = true;
            break;
        }
        bool cut =
            partition_add(&filling->partition, (record.flags & RECORD_LINKED) != 0, &size, &status);
        CHECK(status == STATUS_OK); /* the check refused a file with too long a chain */
        if (cut) {
            filling->carried = count - size;
            memcpy(filling->carry, records + size, sizeof *records * filling->carried);
            memcpy(filling->carry_lines, part->lines + size,
                   sizeof *part->lines * filling->carried);
            filling->carry[filling->carried] = record;
            filling->carry_lines[filling->carried++] = line;
            count = size;
            break;
        }
        CHECK(count < LIMIT_BATCH_RECORDS);
        records[count] = record;
        part->lines[count++] = line;
    }
    part->count = count;
    filling->number += count > 0 ? 1 : 0;
    return count > 0;
}

static int send_parts(struct submit *submit, struct filling *filling)
{
    struct sender *sender = &submit->sender;
    for (;;) {
        struct part *part;
        while (!(filling->ended && filling->carried == 0) && (part = sender_slot(sender)) != NULL) {
            if (fill_part(submit, filling, part)) {
                sender_put(sender, part);
            }
        }
        if (filling->changed) {
            complain("%s changed while it was being submitted; what was sent stands",
                     submit->source.path);
            return EXIT_INTEGRITY;
        }
        if (sender_busy(sender) == 0) {
            return EXIT_CLEAN;
        }
        int code = sender_drive(sender);
        if (code != EXIT_CLEAN) {
            progress_end(&submit->progress);
            complain("%s: %s", submit->source.path, sender->error);
            return code;
        }
        progress_at(&submit->progress, submit->done_records);
    }
}

static int send_all(struct submit *submit)
{
    struct filling filling = {.carry = calloc(LIMIT_BATCH_RECORDS, sizeof(struct record)),
                              .carry_lines = calloc(LIMIT_BATCH_RECORDS, sizeof(uint64_t))};
    CHECK(filling.carry != NULL && filling.carry_lines != NULL);
    int code = source_rewind(&submit->source);
    if (code == EXIT_CLEAN) {
        progress_start(&submit->progress, "records", submit->source.records);
        code = send_parts(submit, &filling);
        progress_end(&submit->progress);
    }
    free(filling.carry);
    free(filling.carry_lines);
    return code;
}

static void print_counts(const struct submit *submit)
{
    static const struct column columns[] = {{"code", COLUMN_NUMBER},
                                            {"verdict", COLUMN_TEXT},
                                            {"records", COLUMN_NUMBER},
                                            {"meaning", COLUMN_TEXT}};
    struct output *output = output_list(stdout, OUTPUT_TABLE, columns, 4);
    for (unsigned verdict = 0; verdict < VERDICTS; verdict++) {
        if (submit->counts[verdict] > 0) {
            const char *name = verdict_name(verdict), *sentence = verdict_sentence(verdict);
            output_number(output, verdict);
            output_text(output, name != NULL ? name : "?");
            output_number(output, submit->counts[verdict]);
            output_text(output, sentence != NULL ? sentence : "");
        }
    }
    output_end(output);
}

/* What a person reads at the end, and the exit code of an otherwise clean run. */
static int report(struct submit *submit, enum output_format format)
{
    const struct source *source = &submit->source;
    uint64_t took = monotonic_ms() - submit->started_ms;
    bool table = format == OUTPUT_TABLE;
    if (table && submit->await_receipts) {
        printf("\n");
        print_counts(submit);
        printf("\n%s: %" PRIu64 " records in %u batches, final at height %" PRIu64 ", in %" PRIu64
               ".%03u s\n",
               source->path, submit->done_records, submit->batches, submit->last_height,
               took / 1000, (unsigned)(took % 1000));
    } else if (table) {
        printf("%s: %" PRIu64 " records in %u batches are accepted and will be final or expire; "
               "hefu receipt BATCH tells\n",
               source->path, submit->done_records, submit->batches);
    }
    fflush(stdout);
    if (submit->await_receipts && submit->counts[VERDICT_SOURCE_EXISTS] == submit->done_records &&
        submit->done_records > 0) {
        complain("%s was already submitted: nothing was applied again", source->path);
        return EXIT_FINDINGS;
    }
    if (submit->counts[VERDICT_SOURCE_EXISTS] > 0) {
        complain("%s: %" PRIu64 " of its records were in parts submitted before; they were not "
                 "applied again",
                 source->path, submit->counts[VERDICT_SOURCE_EXISTS]);
    }
    if (submit->rejected > 0 || source->bad_lines > 0) {
        complain("%s: %" PRIu64 " records rejected, %" PRIu64 " bad lines left out; see %s. A "
                 "corrected record goes into a new file, with a new id",
                 source->path, submit->rejected, source->bad_lines, submit->rejects_path);
    }
    return submit->rejected > 0 || source->bad_lines > 0 ||
                   submit->counts[VERDICT_SOURCE_EXISTS] > 0
               ? EXIT_FINDINGS
               : EXIT_CLEAN;
}

/* The check of the whole file, before anything is sent. */
static int check_file(struct submit *submit)
{
    const char *word = args_value(submit->args, "scheme");
    uint16_t scheme = 0;
    if (word != NULL && names_scheme(submit->client.names, word, &scheme) != STATUS_OK) {
        complain("--scheme: this network has no scheme \"%s\"", word);
        return EXIT_USAGE;
    }
    submit->source.path = submit->args->operands[0];
    int code = source_check(&submit->source, submit->args->operands[0], submit->client.names,
                            scheme, bad_line, submit);
    if (code != EXIT_CLEAN) {
        return code;
    }
    uint64_t bad = submit->source.bad_lines;
    if (bad > BAD_LINES_SHOWN) {
        complain("... and %" PRIu64 " more bad lines", bad - BAD_LINES_SHOWN);
    }
    if (bad > 0 && !submit->skip_bad) {
        complain("%s: %" PRIu64
                 " bad lines, nothing was sent; correct them, or send the other %" PRIu64
                 " with --skip-bad",
                 submit->source.path, bad, submit->source.records);
        return EXIT_USAGE;
    }
    if (bad > 0 && submit->source.broken_chain > 0) {
        complain("%s:%" PRIu64 ": this bad line belongs, or may belong, to a chain of LINKED "
                 "records, which posts whole or not at all: nothing was sent; correct the line, "
                 "or take its chain out of the file",
                 submit->source.path, submit->source.broken_chain);
        return EXIT_USAGE;
    }
    if (submit->source.records == 0) {
        complain("%s: there is no good line to send", submit->source.path);
        return EXIT_FINDINGS;
    }
    return EXIT_CLEAN;
}

/* With --as another participant: its profile beside the one that is named. */
static int load_profile(struct submit *submit, const char *folder)
{
    const char *as = args_value(submit->args, "as");
    int code = client_load(folder, true, &submit->client);
    if (code != EXIT_CLEAN || as == NULL) {
        return code;
    }
    uint32_t number;
    if (names_participant(submit->client.names, as, &number) != STATUS_OK) {
        complain("--as: there is no participant \"%s\"", as);
        return EXIT_USAGE;
    }
    if (number == submit->client.config.participant) {
        return EXIT_CLEAN;
    }
    char slug[64], beside[CONFIG_PATH_MAX];
    name_slug(names_participant_name(submit->client.names, number), slug, sizeof slug);
    snprintf(beside, sizeof beside, "%.900s/../%s", submit->client.config.folder, slug);
    client_close(&submit->client);
    code = client_load(beside, true, &submit->client);
    if (code == EXIT_CLEAN && submit->client.config.participant != number) {
        complain("--as: the profile in %s is not participant %u's", beside, number);
        code = EXIT_USAGE;
    }
    return code;
}

/* The first connection is tried for a while too: the node may just be restarted. A handshake that
   the node closes is rather a wrong key, so it is tried no longer than a node takes to die. */
static int connect_first(struct submit *submit, uint64_t patience_ms)
{
    uint64_t started_ms = monotonic_ms(), pause_ms = FIRST_PAUSE_MS_MIN;
    bool told = false;
    for (;;) {
        enum status status = client_connect(&submit->client, CONNECT_MS);
        if (status == STATUS_OK) {
            return EXIT_CLEAN;
        }
        bool may_come = status == STATUS_UNREACHABLE || status == STATUS_TIMEOUT;
        uint64_t limit_ms =
            may_come || patience_ms < CLOSED_HANDSHAKE_MS ? patience_ms : CLOSED_HANDSHAKE_MS;
        if ((!may_come && status != STATUS_DENIED) || monotonic_ms() - started_ms >= limit_ms) {
            return client_unreachable(&submit->client, status);
        }
        if (!told && may_come) {
            told = true;
            complain("%s: the node does not answer yet (%s); trying for %" PRIu64 " s",
                     submit->client.config.address, status_text(status), patience_ms / 1000);
        }
        struct timespec pause = {.tv_sec = (time_t)(pause_ms / 1000),
                                 .tv_nsec = (long)(pause_ms % 1000) * 1000000L};
        nanosleep(&pause, NULL);
        pause_ms = 2 * pause_ms > FIRST_PAUSE_MS_MAX ? FIRST_PAUSE_MS_MAX : 2 * pause_ms;
    }
}

static int send_file(struct submit *submit, enum output_format format)
{
    static const struct column columns[] = {{"batch", COLUMN_TEXT},     {"part", COLUMN_NUMBER},
                                            {"records", COLUMN_NUMBER}, {"state", COLUMN_TEXT},
                                            {"height", COLUMN_NUMBER},  {"accepted", COLUMN_NUMBER},
                                            {"rejected", COLUMN_NUMBER}};
    uint64_t give_up_s, first_s;
    if (args_number(submit->args, "timeout", GIVE_UP_S, 86400, &give_up_s) != STATUS_OK ||
        args_number(submit->args, "connect-timeout", FIRST_CONNECT_S, 86400, &first_s) !=
            STATUS_OK) {
        return EXIT_USAGE;
    }
    int code = connect_first(submit, first_s * 1000);
    if (code != EXIT_CLEAN) {
        return code;
    }
    sender_init(&submit->sender, &submit->client, give_up_s * 1000);
    submit->sender.await_receipts = submit->await_receipts;
    submit->sender.source_hash = submit->source.hash;
    submit->sender.parts = submit->source.parts;
    submit->sender.done = part_done;
    submit->sender.context = submit;
    submit->output = output_list(stdout, format, columns, 7);
    code = send_all(submit);
    output_end(submit->output);
    sender_free(&submit->sender);
    if (code == EXIT_CLEAN) {
        code = report(submit, format);
    }
    return code;
}

static int run_submit(const struct args *args)
{
    enum output_format format;
    const char *folder = client_path(args);
    if (output_format_of(args, &format) != STATUS_OK) {
        return EXIT_USAGE;
    }
    if (folder == NULL) {
        complain("submit needs --client DIR, the profile of the participant that files it");
        return EXIT_USAGE;
    }
    struct submit *submit = calloc(1, sizeof *submit);
    CHECK(submit != NULL);
    submit->args = args;
    submit->skip_bad = args_flag(args, "skip-bad");
    submit->await_receipts = args_flag(args, "wait");
    submit->started_ms = monotonic_ms();
    int code = EXIT_USAGE;
    if (snprintf(submit->rejects_path, sizeof submit->rejects_path, "%s.rejects.csv",
                 args->operands[0]) >= (int)sizeof submit->rejects_path) {
        complain("%s: the path is too long", args->operands[0]);
    } else {
        code = load_profile(submit, folder);
    }
    if (code == EXIT_CLEAN) {
        code = check_file(submit);
    }
    if (code == EXIT_CLEAN) {
        code = send_file(submit, format);
    }
    if (submit->rejects != NULL && submit->rejects != stderr && fclose(submit->rejects) != 0) {
        complain("%s: writing failed: %s", submit->rejects_path, strerror(errno));
    }
    source_close(&submit->source);
    client_close(&submit->client);
    free(submit);
    return code;
}

static const struct verb_option options[] = {
    {"wait", NULL, "wait until every record is final, and tell the verdicts"},
    {"skip-bad", NULL, "send the good lines although others are bad"},
    {"scheme", "S", "the scheme of lines that name none, by number or name"},
    {"as", "PARTICIPANT", "file as this one, whose profile stands beside the given one"},
    {"timeout", "SECONDS", "give up when nothing goes forward for so long (120)"},
    {"connect-timeout", "SECONDS", "give up when the node cannot be reached at first (30)"},
    {NULL, NULL, NULL},
};

const struct verb verb_submit = {
    .name = "submit",
    .operands = "FILE",
    .operands_min = 1,
    .operands_max = 1,
    .uses = USES_CLIENT | USES_FORMAT,
    .summary = "send a clearing file; learn what became of it",
    .description =
        "Checks every line of FILE (CSV, docs/integrating.md) first: if one is bad, it says\n"
        "where and what was expected, and sends nothing, unless --skip-bad is given. Then it\n"
        "sends the records as batches of at most 8,192, signed with the profile's key.\n\n"
        "With --wait it waits for the receipt of each batch, verifies it against genesis,\n"
        "counts the verdicts, and writes rejected records to FILE.rejects.csv with their\n"
        "line, code and reason.\n\n"
        "A node that is down is waited for (--connect-timeout), a lost connection or a busy\n"
        "node is waited out and retried (--timeout). Submitting the same\n"
        "file again is always safe: the ledger applies a file once, and says so (exit\n"
        "status 1). Lines without an id get one from the file's hash and the line's number.",
    .options = options,
    .examples = "hefu submit day.csv --client NET/clients/harbour-bank --wait\n"
                "hefu submit day.csv --client NET/clients/harbour-bank --wait --skip-bad \\\n"
                "    --scheme \"debit purchase\" --format json",
    .run = run_submit,
};
