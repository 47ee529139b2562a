/*
 * verify: `hefu verify`: a whole chain against genesis.json, at one of three levels, each with all
 * of the one before:
 *
 *   headers     every block follows its parent, has the history and batches it names, and a
 *               finalization that names it, with a quorum of validators
 *   signatures  those signatures, each batch's signature, each batch's records under its root, the
 *               votes in evidence; the votes and certificates that the node keeps
 *   replay      every block executed again; every row of the store compared (cli/replay.h); every
 *               page of the store checked (node/store.h)
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/merkle.h"
#include "cli/batch_keys.h"
#include "cli/check.h"
#include "cli/check_votes.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/replay.h"
#include "cli/sets.h"
#include "cli/verbs.h"
#include "node/epochs.h"
#include "node/keys.h"

#define REFRESH_MS 500

enum level { LEVEL_HEADERS, LEVEL_SIGNATURES, LEVEL_REPLAY };
static const char *const level_names[] = {"headers", "signatures", "replay"};

struct verify {
    struct home home;
    enum level level;
    struct replay *replay;
    struct merkle_frontier history;
    struct hash parent_hash;
    uint64_t parent_time_ms, total_records;
    uint64_t batches, signatures, epochs;
    struct validator_set set; /* of the epoch of the block being checked */
    struct divergence divergence;
};

static bool wrong(struct verify *verify, uint64_t height, const char *table, const char *what)
{
    verify->divergence.height = height;
    verify->divergence.table = table;
    snprintf(verify->divergence.what, sizeof verify->divergence.what, "%s", what);
    return false;
}

/* The set that signs the next block is the one that this block names. */
static bool enter_next(struct verify *verify, const struct block_header *header)
{
    if ((header->flags & BLOCK_TERMINAL) != 0) {
        struct validator_set next;
        if (epochs_set(&verify->home.chain, header->epoch + 1, &next) != STATUS_OK) {
            return wrong(verify, header->height, "validators",
                         "the validators of the next epoch are missing or malformed");
        }
        verify->set = next;
        verify->epochs++;
    }
    return hash_equal(&verify->set.hash, &header->next_validators_hash) ||
           wrong(verify, header->height, "validators",
                 "the next block's validators are not those that the header names");
}

static bool check_header(struct verify *verify, const struct block_row *block)
{
    const struct block_header *header = &block->header;
    uint64_t height = header->height;
    struct hash history = merkle_frontier_root(&verify->history);
    const struct lineage *lineage = &verify->home.documents.lineage;
    const struct hash *chain_id = &lineage_at_height(lineage, height)->chain_id;
    const struct incarnation *root = lineage_root_block(lineage, height);
    if (!hash_equal(&header->chain_id, chain_id)) {
        return wrong(verify, height, "header", "it belongs to another chain");
    }
    if (!hash_equal(&header->parent_hash, &verify->parent_hash)) {
        return wrong(verify, height, "header", "it does not follow the block before it");
    }
    if (!hash_equal(&header->history_root, &history)) {
        return wrong(verify, height, "header", "history_root is not that of the blocks before it");
    }
    if (height > 0 && header->timestamp_ms <= verify->parent_time_ms) {
        return wrong(verify, height, "header", "its time is not after the block before it");
    }
    if (header->total_records != verify->total_records + header->record_count) {
        return wrong(verify, height, "header", "total_records does not add up");
    }
    struct hash batches = batches_root(block->batch_ids, block->batch_count);
    if (!hash_equal(&batches, &header->batches_root)) {
        return wrong(verify, height, "blocks", "the batch ids do not give batches_root");
    }
    if (height > 0 && header->epoch != verify->set.epoch) {
        return wrong(verify, height, "header", "its epoch is not that of the validators before it");
    }
    const char *fault = NULL;
    if (root != NULL) {
        fault = sets_check_root_block(root, block);
    } else if (height > 0) {
        fault = !block->has_finalization
                    ? "it has no finalization"
                    : check_finalization(&block->finalization, &block->hash, chain_id, &verify->set,
                                         verify->level >= LEVEL_SIGNATURES);
        verify->signatures += block->has_finalization ? block->finalization.signature_count : 0;
    }
    return fault == NULL ? enter_next(verify, header) : wrong(verify, height, "blocks", fault);
}

/* A batch's signature under its submitter's key; its body under its root; the votes in evidence. */
static bool check_batch(struct verify *verify, uint64_t height, uint32_t index,
                        const struct validator_set *set)
{
    const struct batch *batch;
    enum status status = chain_batch(&verify->home.chain, height, index, true, &batch, NULL);
    if (status != STATUS_OK) {
        return wrong(verify, height, "batches", status_text(status));
    }
    uint8_t bytes[BATCH_SIGNED_BYTES];
    struct public_key key;
    batch_signed_bytes(&batch->header, bytes);
    if (!batch_keys_find(&verify->home, set, batch, &key)) {
        return wrong(verify, height, "batches",
                     "a batch names a participant or key that there is not");
    }
    if (!key_verify(&key, bytes, sizeof bytes, &batch->signature)) {
        return wrong(verify, height, "batches", "a batch is not signed by its participant");
    }
    const char *fault =
        batch->header.kind == BATCH_EVIDENCE ? check_evidence(&verify->home, batch) : NULL;
    return fault == NULL || wrong(verify, height, "batches", fault);
}

static bool check_block(struct verify *verify, uint64_t height)
{
    const struct block_row *block;
    enum status status = chain_block(&verify->home.chain, height, &block);
    if (status != STATUS_OK) {
        return wrong(verify, height, "blocks", status_text(status));
    }
    const struct validator_set set = verify->set; /* check_header may go on to the next */
    if (!check_header(verify, block)) {
        return false;
    }
    uint32_t batch_count = block->batch_count;
    verify->parent_hash = block->hash;
    verify->parent_time_ms = block->header.timestamp_ms;
    verify->total_records = block->header.total_records;
    verify->batches += batch_count;
    struct hash leaf = merkle_leaf(block->hash.bytes, HASH_BYTES);
    merkle_frontier_append(&verify->history, &leaf);
    if (verify->level == LEVEL_REPLAY) {
        return replay_block(verify->replay, height, &verify->divergence);
    }
    for (uint32_t i = 0; verify->level == LEVEL_SIGNATURES && i < batch_count; i++) {
        if (!check_batch(verify, height, i, &set)) {
            return false;
        }
    }
    return true;
}

/* Everything up to the final block; a node that runs meanwhile adds blocks, which are taken too. */
static int check_chain(struct verify *verify)
{
    struct progress progress;
    uint64_t height = 0, refreshed_ms = monotonic_ms();
    progress_start(&progress, "blocks", verify->home.final.height + 1);
    for (;;) {
        if (height > verify->home.final.height || monotonic_ms() - refreshed_ms > REFRESH_MS) {
            /* A long snapshot would keep the node from reusing pages. */
            uint64_t known = verify->home.final.height;
            int code = home_refresh(&verify->home);
            if (code != EXIT_CLEAN) {
                return code;
            }
            refreshed_ms = monotonic_ms();
            progress.total = verify->home.final.height + 1;
            if (height > known && height > verify->home.final.height) {
                break; /* the snapshot is fresh, and all of it is checked */
            }
            continue;
        }
        if (!check_block(verify, height)) {
            progress_end(&progress);
            return EXIT_INTEGRITY;
        }
        progress_at(&progress, ++height);
    }
    progress_end(&progress);
    const char *table = "meta", *fault = check_final_point(&verify->home);
    if (fault == NULL && verify->level >= LEVEL_SIGNATURES) {
        fault = check_votes(&verify->home, &table);
    }
    if (fault != NULL) {
        wrong(verify, verify->home.final.height, table, fault);
        return EXIT_INTEGRITY;
    }
    if (verify->replay == NULL) {
        return EXIT_CLEAN;
    }
    if (!replay_finish(verify->replay, &verify->divergence)) {
        return EXIT_INTEGRITY;
    }
    /* Also what no level reads but a verb may: it ends the process at a damaged page or value. */
    store_check_whole(verify->home.store);
    return EXIT_CLEAN;
}

/* Up to the last final block's. */
static uint32_t incarnations_of(const struct verify *verify)
{
    const struct lineage *lineage = &verify->home.documents.lineage;
    return lineage_at_height(lineage, verify->home.final.height)->genesis->incarnation + 1;
}

static void print_result(const struct verify *verify, enum output_format format, bool clean,
                         uint64_t took_ms)
{
    static const struct column columns[] = {{"result", COLUMN_TEXT},
                                            {"level", COLUMN_TEXT},
                                            {"height", COLUMN_NUMBER},
                                            {"records", COLUMN_NUMBER},
                                            {"batches", COLUMN_NUMBER},
                                            {"signatures", COLUMN_NUMBER},
                                            {"epochs", COLUMN_NUMBER},
                                            {"incarnations", COLUMN_NUMBER},
                                            {"seconds", COLUMN_TEXT},
                                            {"records_per_second", COLUMN_NUMBER},
                                            {"divergence_height", COLUMN_NUMBER},
                                            {"divergence_table", COLUMN_TEXT},
                                            {"divergence", COLUMN_TEXT}};
    char seconds[32];
    snprintf(seconds, sizeof seconds, "%" PRIu64 ".%03u", took_ms / 1000,
             (unsigned)(took_ms % 1000));
    struct output *output = output_single(stdout, format, columns, 13);
    output_text(output, clean ? "clean" : "DIVERGED");
    output_text(output, level_names[verify->level]);
    output_number(output, verify->home.final.height);
    output_number(output, verify->total_records);
    output_number(output, verify->batches);
    output_number(output, verify->signatures);
    output_number(output, verify->epochs);
    output_number(output, incarnations_of(verify));
    output_text(output, seconds);
    output_number(output, verify->total_records * 1000 / (took_ms > 0 ? took_ms : 1));
    if (clean) {
        output_empty(output);
        output_empty(output);
        output_empty(output);
    } else {
        output_number(output, verify->divergence.height);
        output_text(output, verify->divergence.table != NULL ? verify->divergence.table : "");
        output_text(output, verify->divergence.what);
    }
    output_end(output);
}

static void print_sentence(const struct verify *verify, bool clean, uint64_t took_ms)
{
    if (!clean) {
        printf("DIVERGED at height %" PRIu64 ", table %s: %s\n", verify->divergence.height,
               verify->divergence.table != NULL ? verify->divergence.table : "",
               verify->divergence.what);
        return;
    }
    char epochs[64] = "";
    const uint32_t incarnations = incarnations_of(verify);
    if (incarnations > 1) {
        snprintf(epochs, sizeof epochs, "%u incarnations, %" PRIu64 " epochs, ", incarnations,
                 verify->epochs);
    } else if (verify->epochs > 1) {
        snprintf(epochs, sizeof epochs, "%" PRIu64 " epochs, ", verify->epochs);
    }
    printf("clean: %" PRIu64 " blocks, %s%" PRIu64 " batches, %" PRIu64 " records verified from "
           "genesis (%s) in %" PRIu64 ".%03u s, %" PRIu64 " records/s\n",
           verify->home.final.height + 1, epochs, verify->batches, verify->total_records,
           level_names[verify->level], took_ms / 1000, (unsigned)(took_ms % 1000),
           verify->total_records * 1000 / (took_ms > 0 ? took_ms : 1));
}

static int read_level(const struct args *args, enum level *ret_level)
{
    const char *word = args_value(args, "level");
    *ret_level = LEVEL_REPLAY;
    for (unsigned i = 0; word != NULL; i++) {
        if (i > LEVEL_REPLAY) {
            complain("--level takes headers, signatures or replay, not \"%s\"", word);
            return EXIT_USAGE;
        }
        if (strcmp(word, level_names[i]) == 0) {
            *ret_level = (enum level)i;
            break;
        }
    }
    return EXIT_CLEAN;
}

static int run_verify(const struct args *args)
{
    struct verify *verify = calloc(1, sizeof *verify);
    CHECK(verify != NULL);
    enum output_format format;
    int code = output_format_of(args, &format) == STATUS_OK ? read_level(args, &verify->level)
                                                            : EXIT_USAGE;
    if (code == EXIT_CLEAN) {
        code = home_open_bare(args, &verify->home);
    }
    if (code != EXIT_CLEAN) {
        free(verify);
        return code;
    }
    verify->set = verify->home.validators;
    verify->epochs = 1;
    if (verify->level == LEVEL_REPLAY) {
        verify->replay = replay_new(&verify->home);
    }
    uint64_t started_ms = monotonic_ms();
    code = check_chain(verify);
    uint64_t took_ms = monotonic_ms() - started_ms;
    if (code == EXIT_CLEAN || verify->divergence.table != NULL) {
        if (format == OUTPUT_TABLE) {
            print_sentence(verify, code == EXIT_CLEAN, took_ms);
        } else {
            print_result(verify, format, code == EXIT_CLEAN, took_ms);
        }
    }
    if (verify->replay != NULL) {
        replay_free(verify->replay);
    }
    home_close(&verify->home);
    free(verify);
    return code;
}

static const struct verb_option options[] = {
    {"level", "LEVEL", "headers, signatures or replay (the default)"},
    {NULL, NULL, NULL},
};

const struct verb verb_verify = {
    .name = "verify",
    .operands = "",
    .uses = USES_HOME | USES_FORMAT,
    .summary = "check a whole chain against genesis",
    .description =
        "headers: every block follows its parent, names its history and its batches, and\n"
        "carries a finalization of a quorum. signatures: also every validator's and every\n"
        "participant's signature, the records under their roots, the votes in evidence,\n"
        "and the votes and certificates beside the chain. replay: also executes\n"
        "every block again from genesis.json and compares every root, verdict, page,\n"
        "account and index row of the store. A network that was restored as a whole goes on in\n"
        "a later incarnation; all of them are checked, each under its own document: genesis.json\n"
        "and genesis.0.json, genesis.1.json ... beside it.\n\n"
        "The node may run meanwhile. Exit status 3 at the first divergence, with its height\n"
        "and table.",
    .options = options,
    .examples = "hefu verify --home NET/node-0\n"
                "hefu verify --level signatures --home NET/node-0 --format json",
    .run = run_verify,
};
