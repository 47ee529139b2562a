/* tail: `hefu tail`: final records as a stream, for pipes. It reads the store of a home, a block at
   a time, and asks again for newer ones with --follow. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cli/record_view.h"
#include "cli/verbs.h"

#define POLL_MS 200

static volatile sig_atomic_t interrupted;

static void on_signal(int number)
{
    (void)number;
    interrupted = 1;
}

static int print_block(struct home *home, struct output *output, uint64_t height)
{
    const struct block_row *block;
    enum status status = chain_block(&home->chain, height, &block);
    if (status != STATUS_OK) {
        return home_failure(status, "block %llu", (unsigned long long)height);
    }
    uint64_t time_ms = block->header.timestamp_ms;
    uint32_t batch_count = block->batch_count;
    for (uint32_t index = 0; index < batch_count; index++) {
        const struct batch *batch;
        const uint16_t *verdicts;
        status = chain_batch(&home->chain, height, index, true, &batch, &verdicts);
        if (status != STATUS_OK) {
            return home_failure(status, "batch %u of block %llu", index,
                                (unsigned long long)height);
        }
        uint32_t count = batch->header.kind == BATCH_RECORDS ? batch->header.count : 0;
        for (uint32_t i = 0; i < count; i++) {
            struct record record;
            memcpy(&record, batch->body + (size_t)i * RECORD_BYTES, RECORD_BYTES);
            struct record_view view = {.height = height,
                                       .position = index << 16 | i,
                                       .time_ms = time_ms,
                                       .submitter = batch->header.participant,
                                       .verdict = verdicts[i],
                                       .record = &record};
            record_view_print(output, home->names, &view);
        }
    }
    return EXIT_CLEAN;
}

static int run_tail(const struct args *args)
{
    struct home home;
    enum output_format format = OUTPUT_JSONL;
    uint64_t height;
    if ((args_value(args, "format") != NULL && output_format_of(args, &format) != STATUS_OK) ||
        args_number(args, "from", 1, UINT64_MAX - 1, &height) != STATUS_OK) {
        return EXIT_USAGE;
    }
    int code = home_open(args, &home);
    if (code != EXIT_CLEAN) {
        return code;
    }
    bool follow = args_flag(args, "follow");
    if (follow && args_value(args, "from") == NULL) {
        height = home.final.height + 1;
    }
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    struct output *output = output_list(stdout, format, record_view_columns, RECORD_VIEW_COLUMNS);
    while (code == EXIT_CLEAN && !interrupted && !ferror(stdout)) {
        if (height <= home.final.height) {
            code = print_block(&home, output, height++);
            continue;
        }
        if (!follow) {
            break;
        }
        fflush(stdout);
        struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
        nanosleep(&pause, NULL);
        code = home_refresh(&home);
    }
    output_end(output);
    home_close(&home);
    return code;
}

static const struct verb_option options[] = {
    {"from", "HEIGHT", "start with this block (1; with --follow: the next one)"},
    {"follow", NULL, "go on with new blocks until interrupted"},
    {NULL, NULL, NULL},
};

const struct verb verb_tail = {
    .name = "tail",
    .operands = "",
    .uses = USES_HOME | USES_FORMAT_LINES,
    .summary = "final records as JSON lines, for pipes",
    .description =
        "Prints every final record in order of execution with its block, place and\n"
        "verdict, one JSON object a line unless --format says otherwise. Rejected records\n"
        "are among them: they are final too.",
    .options = options,
    .examples = "hefu tail --home NET/node-0 | jq -r 'select(.code >= 10) | .id'\n"
                "hefu tail --follow --home NET/node-0",
    .run = run_tail,
};
