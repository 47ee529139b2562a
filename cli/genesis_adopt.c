/*
 * genesis_adopt: `hefu genesis adopt`: puts the document of a new incarnation into a home
 * (docs/operations.md, A new incarnation). A crash at any moment leaves a home with one whole
 * genesis.json, the old one or the new one, and the same command goes on:
 *
 *   genesis.json                                    incarnation K
 *   genesis.json  genesis.K.json                    a copy of it, synced with the folder
 *   genesis.json' genesis.K.json                    replaced in one rename: incarnation K + 1
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "cli/genesis_output.h"
#include "cli/genesis_root.h"
#include "cli/verbs.h"
#include "node/config.h"
#include "node/file.h"
#include "node/genesis_file.h"
#include "node/keys.h"

#define ERROR_BYTES 1024
#define PATH_BYTES (CONFIG_PATH_MAX + 32)
#define CLOCK_AHEAD_MS 60000 /* how far clocks of operators may be apart */

struct adopt {
    const char *file;
    const char *home_path;
    struct genesis genesis; /* of the file */
    struct hash chain_id;
    struct lineage_file documents; /* of the home */
    bool adopted;                  /* the home has it already */
    bool stored;                   /* the home has a store, which ends at height */
    uint64_t height;
    char key[160]; /* what becomes of the home's own key, for people */
};

/* ---- The file against the documents ---- */

static int follows(struct adopt *adopt)
{
    char error[ERROR_BYTES];
    const struct incarnation *newest = lineage_newest(&adopt->documents.lineage);
    if (hash_equal(&newest->chain_id, &adopt->chain_id)) {
        adopt->adopted = true;
        return EXIT_CLEAN;
    }
    if (adopt->genesis.incarnation == newest->genesis->incarnation) {
        complain("%s is another document of incarnation %u than %s/genesis.json: compare both "
                 "chain ids with all operators. To take the one at home back, see "
                 "docs/operations.md, A new incarnation, Adopt it",
                 adopt->file, adopt->genesis.incarnation, adopt->home_path);
        return EXIT_USAGE;
    }
    if (adopt->genesis.incarnation != newest->genesis->incarnation + 1) {
        complain("%s is of incarnation %u, but %s/genesis.json is of %u, which only %u can follow",
                 adopt->file, adopt->genesis.incarnation, adopt->home_path,
                 newest->genesis->incarnation, newest->genesis->incarnation + 1);
        return EXIT_USAGE;
    }
    if (genesis_root_follow(&adopt->documents.lineage, &adopt->genesis, &adopt->chain_id, error,
                            sizeof error) != STATUS_OK) {
        complain("%s does not continue %s/genesis.json: %s", adopt->file, adopt->home_path, error);
        return EXIT_USAGE;
    }
    return EXIT_CLEAN;
}

/* The root block is of the document's time, and no later block is of an earlier one: with a time to
   come, lives and cycles would end that are not due, and every batch would come too late. */
static int is_of_the_past(const struct adopt *adopt)
{
    struct timespec now;
    CHECK(clock_gettime(CLOCK_REALTIME, &now) == 0);
    const uint64_t now_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    if (adopt->genesis.created_ms <= now_ms + CLOCK_AHEAD_MS) {
        return EXIT_CLEAN;
    }
    complain("%s: created_ms is %" PRIu64 " seconds after this machine's clock: if that is right "
             "(NTP), make the document anew on a machine whose clock is right too",
             adopt->file, (adopt->genesis.created_ms - now_ms) / 1000);
    return EXIT_USAGE;
}

/* ---- The file against the store ---- */

static int beyond(const struct adopt *adopt, struct home *home)
{
    const struct block_row *block;
    const uint64_t root = adopt->genesis.root_height, last = home->final.height;
    uint64_t records[2];
    for (unsigned i = 0; i < 2; i++) {
        enum status status = chain_block(&home->chain, i == 0 ? last : root, &block);
        if (status != STATUS_OK) {
            return home_failure(status, "block %" PRIu64, i == 0 ? last : root);
        }
        records[i] = block->header.total_records;
    }
    if (!hash_equal(&block->hash, &adopt->genesis.root_hash)) {
        complain("%s has another block at the root's height, %" PRIu64 ": it is on another branch "
                 "of the chain than %s. Compare with all operators which branch goes on",
                 home->path, root, adopt->file);
        return EXIT_INTEGRITY;
    }
    complain("%s goes beyond the root of %s: %" PRIu64 " final blocks after block %" PRIu64
             ", with %" PRIu64 " records, would be lost. The root should be the highest final "
             "block among all backups: make the document at this home. If all operators have "
             "decided to give these blocks up, move %s/chain away and run this again: the node "
             "then fetches the chain up to the root",
             home->path, adopt->file, last - root, root, records[0] - records[1], home->path);
    return EXIT_INTEGRITY;
}

static int at_root(const struct adopt *adopt, struct home *home)
{
    char error[ERROR_BYTES];
    struct genesis_root root;
    int code = genesis_root_read(home, &root);
    if (code != EXIT_CLEAN) {
        return code;
    }
    if (!hash_equal(&root.hash, &adopt->genesis.root_hash)) {
        complain("%s has another block at the root's height, %" PRIu64 ": it is on another branch "
                 "of the chain than %s. Compare with all operators which branch goes on",
                 home->path, root.height, adopt->file);
        return EXIT_INTEGRITY;
    }
    if (root.epoch != adopt->genesis.root_epoch || root.time_ms >= adopt->genesis.created_ms) {
        complain("%s names epoch %" PRIu64 " after its root; the block leaves %" PRIu64
                 " open, and must be older than the document",
                 adopt->file, adopt->genesis.root_epoch, root.epoch);
        return EXIT_USAGE;
    }
    if (genesis_root_members(home, &adopt->genesis, error, sizeof error) != STATUS_OK) {
        complain("%s: %s", adopt->file, error);
        return EXIT_USAGE;
    }
    return EXIT_CLEAN;
}

static int fits_store(const struct args *args, struct adopt *adopt)
{
    struct home home;
    char path[PATH_BYTES];
    snprintf(path, sizeof path, "%s/chain/data.mdb", adopt->home_path);
    if (access(path, F_OK) != 0) {
        return EXIT_CLEAN; /* it fetches everything */
    }
    int code = home_open(args, &home);
    if (code != EXIT_CLEAN) {
        return code;
    }
    adopt->stored = true;
    adopt->height = home.final.height;
    if (home.final.height > adopt->genesis.root_height) {
        code = beyond(adopt, &home);
    } else if (home.final.height == adopt->genesis.root_height) {
        code = at_root(adopt, &home);
    }
    home_close(&home);
    return code;
}

/* ---- The home's own key ---- */

/* Whether the key that config.ini names is one of the document's: else the node could not vote. */
static void look_for_key(struct adopt *adopt)
{
    struct config *config = calloc(1, sizeof *config);
    struct key_file_info info;
    char error[ERROR_BYTES];
    CHECK(config != NULL);
    if (config_read(adopt->home_path, config, error, sizeof error) != STATUS_OK) {
        snprintf(adopt->key, sizeof adopt->key, "config.ini cannot be read");
    } else if (config->role == NODE_OBSERVER) {
        snprintf(adopt->key, sizeof adopt->key, "an observer has none");
    } else if (key_file_inspect(config->consensus_key, &info, error, sizeof error) != STATUS_OK) {
        snprintf(adopt->key, sizeof adopt->key, "the consensus key of config.ini cannot be read");
    } else {
        snprintf(adopt->key, sizeof adopt->key,
                 "NOT in the document: set consensus = in config.ini to the new key");
        for (uint32_t i = 0; i < adopt->genesis.validator_count; i++) {
            if (memcmp(adopt->genesis.validators[i].key.bytes, info.public_key,
                       sizeof info.public_key) == 0) {
                snprintf(adopt->key, sizeof adopt->key, "validator %s",
                         adopt->genesis.validators[i].name);
            }
        }
    }
    free(config);
}

/* ---- Putting it in place ---- */

static enum status copy(const char *from, const char *to, char *error, size_t capacity)
{
    uint8_t *data;
    size_t length;
    enum status status =
        file_read(from, GENESIS_FILE_BYTES_MAX, 0, &data, &length, error, capacity);
    if (status == STATUS_OK) {
        status = file_write(to, 0644, true, data, length, error, capacity);
        free(data);
    }
    return status;
}

/* What has been written is read again: FILE may have changed since it was checked. */
static int check_adopted(const struct adopt *adopt, const char *newest)
{
    char error[ERROR_BYTES];
    struct lineage_file documents;
    if (lineage_file_read(newest, &documents, error, sizeof error) != STATUS_OK) {
        complain("%s", error);
        return EXIT_USAGE;
    }
    const bool same = hash_equal(&lineage_newest(&documents.lineage)->chain_id, &adopt->chain_id);
    lineage_file_free(&documents);
    if (!same) {
        complain("%s is not the document that was checked: %s has changed meanwhile; put "
                 "genesis.%u.json back as genesis.json, and adopt again",
                 newest, adopt->file, adopt->genesis.incarnation - 1);
        return EXIT_USAGE;
    }
    return EXIT_CLEAN;
}

/* FILE may lie where the copy of the document before it goes, so it is read first. */
static int put_in_place(const struct adopt *adopt)
{
    char newest[PATH_BYTES], earlier[PATH_BYTES], error[ERROR_BYTES];
    uint8_t *data;
    size_t length;
    snprintf(newest, sizeof newest, "%s/genesis.json", adopt->home_path);
    snprintf(earlier, sizeof earlier, "%s/genesis.%u.json", adopt->home_path,
             adopt->genesis.incarnation - 1);
    enum status status =
        file_read(adopt->file, GENESIS_FILE_BYTES_MAX, 0, &data, &length, error, sizeof error);
    if (status != STATUS_OK) {
        complain("%s", error);
        return EXIT_USAGE;
    }
    status = copy(newest, earlier, error, sizeof error);
    if (status == STATUS_OK) {
        status = file_write(newest, 0644, true, data, length, error, sizeof error);
    }
    free(data);
    if (status != STATUS_OK) {
        complain("%s", error);
        return EXIT_USAGE;
    }
    return check_adopted(adopt, newest);
}

/* ---- The verb ---- */

static void print(const struct adopt *adopt, enum output_format format)
{
    static const struct column columns[] = {GENESIS_COLUMNS,
                                            {"adopted", COLUMN_TEXT},
                                            {"stored_height", COLUMN_NUMBER},
                                            {"key", COLUMN_TEXT},
                                            {"next", COLUMN_TEXT}};
    struct output *output = output_single(stdout, format, columns, GENESIS_COLUMN_COUNT + 4);
    genesis_put(output, &adopt->genesis, &adopt->chain_id);
    output_text(output, adopt->adopted ? "yes, as it was before" : "yes");
    if (adopt->stored) {
        output_number(output, adopt->height);
    } else {
        output_empty(output);
    }
    output_text(output, adopt->key);
    output_text(output, "compare the chain_id with all other operators, then start the node");
    output_end(output);
}

static int adopt_into(const struct args *args, struct adopt *adopt, enum output_format format)
{
    char path[PATH_BYTES], error[ERROR_BYTES];
    snprintf(path, sizeof path, "%s/genesis.json", adopt->home_path);
    enum status status = lineage_file_read(path, &adopt->documents, error, sizeof error);
    if (status != STATUS_OK) {
        complain("%s", error);
        return status == STATUS_NOT_FOUND ? EXIT_NOT_FOUND : EXIT_USAGE;
    }
    int code = follows(adopt);
    if (code == EXIT_CLEAN && !adopt->adopted) {
        code = is_of_the_past(adopt);
    }
    if (code == EXIT_CLEAN && !adopt->adopted) {
        code = fits_store(args, adopt);
    }
    if (code == EXIT_CLEAN && !adopt->adopted) {
        code = put_in_place(adopt);
    }
    if (code == EXIT_CLEAN) {
        look_for_key(adopt);
        print(adopt, format);
    }
    lineage_file_free(&adopt->documents);
    return code;
}

static int run_adopt(const struct args *args)
{
    struct adopt adopt = {.file = args->operands[0], .home_path = home_path(args)};
    enum output_format format;
    char error[ERROR_BYTES];
    if (output_format_of(args, &format) != STATUS_OK) {
        return EXIT_USAGE;
    }
    if (adopt.home_path == NULL || strlen(adopt.home_path) > CONFIG_PATH_MAX - 32) {
        complain("genesis adopt needs --home DIR, the home of a stopped node, or HEFU_HOME");
        return EXIT_USAGE;
    }
    enum status status = genesis_file_read(adopt.file, &adopt.genesis, error, sizeof error);
    if (status != STATUS_OK) {
        complain("%s", error);
        return status == STATUS_NOT_FOUND ? EXIT_NOT_FOUND : EXIT_USAGE;
    }
    adopt.chain_id = genesis_file_chain_id(&adopt.genesis);
    int lock = -1;
    int code = genesis_root_hold(adopt.home_path, &lock);
    if (code == EXIT_CLEAN) {
        code = adopt_into(args, &adopt, format);
    }
    if (lock >= 0) {
        (void)close(lock);
    }
    genesis_free(&adopt.genesis);
    return code;
}

const struct verb verb_genesis_adopt = {
    .name = "genesis adopt",
    .operands = "FILE",
    .operands_min = 1,
    .operands_max = 1,
    .uses = USES_HOME | USES_FORMAT,
    .summary = "put a new incarnation's document into a home",
    .description =
        "Checks FILE, which hefu genesis continue wrote, against the documents and the store of a\n"
        "stopped node's home: it must continue genesis.json, and the store must end at its root\n"
        "or before it. Then genesis.json becomes genesis.K.json, where K is the incarnation that\n"
        "ends, and FILE takes its place. A home without a store is fine: its node fetches the\n"
        "chain. Running it again changes nothing, and after a crash it goes on.\n\n"
        "A store that goes beyond the root is refused with exit status 3, and with how many final\n"
        "blocks and records would be lost: the root should be the highest final block among all\n"
        "backups.\n\n"
        "The node starts under the new chain id. Compare that with all operators first: who has\n"
        "another one has another document, and its node would be alone.",
    .examples = "hefu genesis adopt genesis.new.json --home /srv/hefu",
    .run = run_adopt,
};
