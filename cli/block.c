/* block: `hefu block list` and `hefu block show`. */
#include <stdio.h>
#include <string.h>

#include "cli/home.h"
#include "cli/output.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "ledger/verdict.h"

static int run_list(const struct args *args)
{
    static const struct column columns[] = {
        {"height", COLUMN_NUMBER},  {"time", COLUMN_TEXT},      {"proposer", COLUMN_NUMBER},
        {"batches", COLUMN_NUMBER}, {"records", COLUMN_NUMBER}, {"total_records", COLUMN_NUMBER},
        {"view", COLUMN_NUMBER},    {"hash", COLUMN_TEXT},      {"incarnation", COLUMN_NUMBER}};
    struct home home;
    enum output_format format;
    uint64_t from, to, last;
    if (output_format_of(args, &format) != STATUS_OK ||
        args_number(args, "last", 20, UINT32_MAX, &last) != STATUS_OK ||
        args_number(args, "from", UINT64_MAX, UINT64_MAX - 1, &from) != STATUS_OK ||
        args_number(args, "to", UINT64_MAX, UINT64_MAX - 1, &to) != STATUS_OK) {
        return EXIT_USAGE;
    }
    int code = home_open(args, &home);
    if (code != EXIT_CLEAN) {
        return code;
    }
    to = to > home.final.height ? home.final.height : to;
    if (from == UINT64_MAX) {
        from = to + 1 > last ? to + 1 - last : 0;
    }
    struct output *output = output_list(stdout, format, columns, 9);
    for (uint64_t height = from; height <= to && code == EXIT_CLEAN; height++) {
        const struct block_row *block;
        enum status status = chain_block(&home.chain, height, &block);
        if (status != STATUS_OK) {
            code = home_failure(status, "block %llu", (unsigned long long)height);
            break;
        }
        output_number(output, height);
        output_time(output, block->header.timestamp_ms);
        output_number(output, block->header.proposer);
        output_number(output, block->header.batch_count);
        output_number(output, block->header.record_count);
        output_number(output, block->header.total_records);
        output_number(output, block->has_finalization ? block->finalization.view : 0);
        output_hash(output, &block->hash);
        output_number(output,
                      lineage_at_height(&home.documents.lineage, height)->genesis->incarnation);
    }
    output_end(output);
    home_close(&home);
    return code;
}

/* What makes a block final, for people. */
static const char *made_final(const struct home *home, const struct block_row *block)
{
    if (block->header.height == 0) {
        return "by definition: the genesis block";
    }
    return lineage_root_block(&home->documents.lineage, block->header.height) != NULL
               ? "by definition: the root block of an incarnation"
               : "by its finalization";
}

static void show_header(const struct home *home, enum output_format format,
                        const struct block_row *block)
{
    static const struct column columns[] = {{"height", COLUMN_NUMBER},
                                            {"hash", COLUMN_TEXT},
                                            {"epoch", COLUMN_NUMBER},
                                            {"time", COLUMN_TEXT},
                                            {"proposer", COLUMN_NUMBER},
                                            {"flags", COLUMN_NUMBER},
                                            {"batches", COLUMN_NUMBER},
                                            {"records", COLUMN_NUMBER},
                                            {"total_records", COLUMN_NUMBER},
                                            {"accounts", COLUMN_NUMBER},
                                            {"events", COLUMN_NUMBER},
                                            {"view", COLUMN_NUMBER},
                                            {"signatures", COLUMN_NUMBER},
                                            {"chain_id", COLUMN_TEXT},
                                            {"parent_hash", COLUMN_TEXT},
                                            {"batches_root", COLUMN_TEXT},
                                            {"verdicts_root", COLUMN_TEXT},
                                            {"accounts_root", COLUMN_TEXT},
                                            {"state_root", COLUMN_TEXT},
                                            {"history_root", COLUMN_TEXT},
                                            {"events_root", COLUMN_TEXT},
                                            {"next_validators_hash", COLUMN_TEXT},
                                            {"final", COLUMN_TEXT}};
    const struct block_header *header = &block->header;
    struct output *output = output_single(stdout, format, columns, 23);
    output_number(output, header->height);
    output_hash(output, &block->hash);
    output_number(output, header->epoch);
    output_time(output, header->timestamp_ms);
    output_number(output, header->proposer);
    output_number(output, header->flags);
    output_number(output, header->batch_count);
    output_number(output, header->record_count);
    output_number(output, header->total_records);
    output_number(output, header->account_count);
    output_number(output, header->event_count);
    output_number(output, block->has_finalization ? block->finalization.view : 0);
    output_number(output, block->has_finalization ? block->finalization.signature_count : 0);
    output_hash(output, &header->chain_id);
    output_hash(output, &header->parent_hash);
    output_hash(output, &header->batches_root);
    output_hash(output, &header->verdicts_root);
    output_hash(output, &header->accounts_root);
    output_hash(output, &header->state_root);
    output_hash(output, &header->history_root);
    output_hash(output, &header->events_root);
    output_hash(output, &header->next_validators_hash);
    output_text(output, made_final(home, block));
    output_end(output);
}

static int show_batches(struct home *home, enum output_format format, uint64_t height,
                        uint32_t count)
{
    static const struct column columns[] = {
        {"index", COLUMN_NUMBER},  {"batch", COLUMN_TEXT},     {"participant", COLUMN_TEXT},
        {"key_no", COLUMN_NUMBER}, {"records", COLUMN_NUMBER}, {"accepted", COLUMN_NUMBER},
        {"created", COLUMN_TEXT}};
    struct output *output = output_list(stdout, format, columns, 7);
    int code = EXIT_CLEAN;
    for (uint32_t index = 0; index < count; index++) {
        const struct batch *batch;
        const uint16_t *verdicts;
        enum status status = chain_batch(&home->chain, height, index, true, &batch, &verdicts);
        if (status != STATUS_OK) {
            code =
                home_failure(status, "batch %u of block %llu", index, (unsigned long long)height);
            break;
        }
        uint32_t accepted = 0;
        for (uint32_t i = 0; i < batch->header.count; i++) {
            accepted += verdict_is_accepted(verdicts[i]) ? 1 : 0;
        }
        output_number(output, index);
        output_hash(output, &batch->id);
        output_text(output, names_participant_name(home->names, batch->header.participant));
        output_number(output, batch->header.key_no);
        output_number(output, batch->header.count);
        output_number(output, accepted);
        output_time(output, batch->header.created_ms);
    }
    output_end(output);
    return code;
}

static int run_show(const struct args *args)
{
    struct home home;
    enum output_format format;
    uint64_t height;
    const struct block_row *block;
    if (output_format_of(args, &format) != STATUS_OK) {
        return EXIT_USAGE;
    }
    if (number_parse(args->operands[0], UINT64_MAX - 1, &height) != STATUS_OK) {
        complain("block show: \"%s\" is not a height", args->operands[0]);
        return EXIT_USAGE;
    }
    int code = home_open(args, &home);
    if (code != EXIT_CLEAN) {
        return code;
    }
    enum status status = chain_block(&home.chain, height, &block);
    if (status != STATUS_OK) {
        code = home_failure(status, "block %llu (the last is %llu)", (unsigned long long)height,
                            (unsigned long long)home.final.height);
    } else if (args_flag(args, "batches")) {
        code = show_batches(&home, format, height, block->batch_count);
    } else {
        show_header(&home, format, block);
    }
    home_close(&home);
    return code;
}

static const struct verb_option list_options[] = {
    {"last", "N", "the last N blocks (20)"},
    {"from", "HEIGHT", "from this height on"},
    {"to", "HEIGHT", "up to this height"},
    {NULL, NULL, NULL},
};

const struct verb verb_block_list = {
    .name = "block list",
    .operands = "",
    .uses = USES_HOME | USES_FORMAT,
    .summary = "final blocks, one a line",
    .description =
        "Lists final blocks in ascending height: the last 20, or those that --last,\n"
        "--from and --to choose. view is the view in which the block was finalized; the genesis\n"
        "block and the root block of a later incarnation have none.",
    .options = list_options,
    .examples = "hefu block list --home NET/node-0\n"
                "hefu block list --home NET/node-0 --from 0 --format csv",
    .run = run_list,
};

static const struct verb_option show_options[] = {
    {"batches", NULL, "list the block's batches instead of its header"},
    {NULL, NULL, NULL},
};

const struct verb verb_block_show = {
    .name = "block show",
    .operands = "HEIGHT",
    .operands_min = 1,
    .operands_max = 1,
    .uses = USES_HOME | USES_FORMAT,
    .summary = "a block's header, or its batches",
    .description =
        "Shows the header that the validators signed, with every root, or with --batches\n"
        "what the block executed, in order.",
    .options = show_options,
    .examples = "hefu block show 12 --home NET/node-0\n"
                "hefu block show 12 --batches --home NET/node-0 --format json",
    .run = run_show,
};
