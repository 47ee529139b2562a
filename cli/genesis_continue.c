/*
 * genesis_continue: `hefu genesis continue`: the document of a new incarnation, over the last final
 * block of a restored home (docs/operations.md, A new incarnation; docs/adr/0021).
 *
 *   HOME/genesis.json, other validators, the last block's chain id, height, hash, epoch ─► FILE
 *
 * What it writes is only a proposal: it counts once every operator has adopted it and compared its
 * chain id. So everything that any of them could find wrong is looked for here first.
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "cli/check.h"
#include "cli/genesis_output.h"
#include "cli/genesis_root.h"
#include "cli/verbs.h"
#include "node/config.h"
#include "node/file.h"
#include "node/genesis_file.h"

#define ERROR_BYTES 1024
#define VALIDATORS_BYTES_MAX (1u << 20)

static void put_hex(json_t *object, const char *name, const struct hash *hash)
{
    char text[2 * HASH_BYTES + 1];
    bytes_to_hex(hash->bytes, HASH_BYTES, text);
    CHECK(json_object_set_new(object, name, json_string(text)) == 0);
}

/* FILE as JSON; complains and gives NULL. */
static json_t *load(const char *path, size_t bytes_max)
{
    char error[ERROR_BYTES];
    uint8_t *data;
    size_t length;
    json_error_t json_error;
    if (file_read(path, bytes_max, 0, &data, &length, error, sizeof error) != STATUS_OK) {
        complain("%s", error);
        return NULL;
    }
    json_t *json = json_loadb((const char *)data, length, JSON_REJECT_DUPLICATES, &json_error);
    free(data);
    if (json == NULL) {
        complain("%s:%d:%d: not JSON: %s", path, json_error.line, json_error.column,
                 json_error.text);
    }
    return json;
}

/* The validators alone: a list, or an object that has one, as a whole genesis.json does. */
static json_t *load_validators(const char *path)
{
    json_t *json = load(path, VALIDATORS_BYTES_MAX);
    if (json != NULL && json_is_object(json)) {
        json_t *list = json_incref(json_object_get(json, "validators"));
        json_decref(json);
        json = list;
        if (json == NULL) {
            complain("%s: there is no \"validators\" in it", path);
            return NULL;
        }
    }
    if (json != NULL && (!json_is_array(json) || json_array_size(json) == 0)) {
        complain("%s: expected a list like \"validators\" of genesis.json: [{\"name\": ..., "
                 "\"participant\": ..., \"key\": ..., \"transport_key\": ...}, ...]",
                 path);
        json_decref(json);
        return NULL;
    }
    return json;
}

/* The document that follows the home's newest over this root. source names it in errors. */
static int compose(const struct home *home, const struct genesis_root *root, json_t *validators,
                   const char *source, struct genesis *ret_genesis)
{
    char path[CONFIG_PATH_MAX + 32], error[ERROR_BYTES];
    snprintf(path, sizeof path, "%s/genesis.json", home->path);
    json_t *json = load(path, GENESIS_FILE_BYTES_MAX);
    if (json == NULL) {
        return EXIT_USAGE;
    }
    const struct incarnation *newest = lineage_newest(&home->documents.lineage);
    struct timespec now;
    CHECK(clock_gettime(CLOCK_REALTIME, &now) == 0);
    uint64_t now_ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
    json_t *place = json_object();
    put_hex(place, "chain_id", &newest->chain_id);
    put_hex(place, "hash", &root->hash);
    CHECK(json_object_set_new(place, "height", json_integer((json_int_t)root->height)) == 0);
    CHECK(json_object_set_new(place, "epoch", json_integer((json_int_t)root->epoch)) == 0);
    CHECK(json_object_set_new(json, "root", place) == 0);
    CHECK(json_object_set_new(json, "incarnation",
                              json_integer((json_int_t)newest->genesis->incarnation + 1)) == 0);
    CHECK(json_object_set_new(json, "created_ms", json_integer((json_int_t)now_ms)) == 0);
    CHECK(json_object_set(json, "validators", validators) == 0);
    char *text = json_dumps(json, 0);
    json_decref(json);
    CHECK(text != NULL);
    enum status status =
        genesis_text_read(text, strlen(text), source, ret_genesis, error, sizeof error);
    free(text);
    if (status != STATUS_OK) {
        complain("%s", error);
        return EXIT_USAGE;
    }
    return EXIT_CLEAN;
}

static int check(struct home *home, const struct genesis_root *root, const struct genesis *genesis,
                 const char *source)
{
    char error[ERROR_BYTES];
    const struct hash chain_id = genesis_file_chain_id(genesis);
    if (genesis->created_ms <= root->time_ms) {
        complain("the last block is of a later time than this machine's clock says: set the clock "
                 "(NTP), then try again");
        return EXIT_USAGE;
    }
    if (genesis_root_follow(&home->documents.lineage, genesis, &chain_id, error, sizeof error) !=
            STATUS_OK ||
        genesis_root_members(home, genesis, error, sizeof error) != STATUS_OK) {
        complain("%s: %s", source, error);
        return EXIT_USAGE;
    }
    return EXIT_CLEAN;
}

static void print(enum output_format format, const struct genesis *genesis, const char *out)
{
    static const struct column columns[] = {
        GENESIS_COLUMNS, {"file", COLUMN_TEXT}, {"next", COLUMN_TEXT}};
    const struct hash chain_id = genesis_file_chain_id(genesis);
    struct output *output = output_single(stdout, format, columns, GENESIS_COLUMN_COUNT + 2);
    genesis_put(output, genesis, &chain_id);
    output_text(output, out);
    output_text(output, "send this file to every operator; each runs hefu genesis adopt FILE "
                        "--home HOME, and all compare the chain_id before anybody starts");
    output_end(output);
}

static int write_document(const char *out, enum output_format format, const struct genesis *genesis)
{
    char error[ERROR_BYTES];
    if (access(out, F_OK) == 0) {
        complain("%s: exists already and is not replaced: somebody may have adopted it; choose "
                 "another name",
                 out);
        return EXIT_USAGE;
    }
    if (genesis_file_write(out, genesis, error, sizeof error) != STATUS_OK) {
        complain("%s", error);
        return EXIT_USAGE;
    }
    print(format, genesis, out);
    return EXIT_CLEAN;
}

static int continue_home(const struct args *args, struct home *home, json_t *validators,
                         enum output_format format)
{
    const char *source = args_value(args, "validators");
    const char *out = args_value(args, "out");
    struct genesis_root root;
    struct genesis genesis;
    char path[CONFIG_PATH_MAX + 32];
    snprintf(path, sizeof path, "%s/genesis.new.json", home->path);
    int code = genesis_root_read(home, &root);
    if (code == EXIT_CLEAN) {
        code = compose(home, &root, validators, source, &genesis);
    }
    if (code == EXIT_CLEAN) {
        code = check(home, &root, &genesis, source);
        if (code == EXIT_CLEAN) {
            code = write_document(out != NULL ? out : path, format, &genesis);
        }
        genesis_free(&genesis);
    }
    return code;
}

static int run_continue(const struct args *args)
{
    enum output_format format;
    struct home home;
    const char *path = args_value(args, "validators");
    if (output_format_of(args, &format) != STATUS_OK) {
        return EXIT_USAGE;
    }
    if (path == NULL) {
        complain("genesis continue needs --validators FILE, the new validators as a JSON list like "
                 "\"validators\" of genesis.json, with new consensus keys");
        return EXIT_USAGE;
    }
    json_t *validators = load_validators(path);
    if (validators == NULL) {
        return EXIT_USAGE;
    }
    int lock = -1;
    int code = home_path(args) != NULL ? genesis_root_hold(home_path(args), &lock) : EXIT_CLEAN;
    if (code == EXIT_CLEAN) {
        code = home_open(args, &home);
    }
    if (code == EXIT_CLEAN) {
        code = continue_home(args, &home, validators, format);
        home_close(&home);
    }
    if (lock >= 0) {
        (void)close(lock);
    }
    json_decref(validators);
    return code;
}

static const struct verb_option options[] = {
    {"validators", "FILE", "the new validators: a JSON list, as in genesis.json"},
    {"out", "FILE", "where to write the document; default: HOME/genesis.new.json"},
    {NULL, NULL, NULL},
};

const struct verb verb_genesis_continue = {
    .name = "genesis continue",
    .operands = "",
    .uses = USES_HOME | USES_FORMAT,
    .summary = "a new incarnation's document, over a restored home",
    .description =
        "For a network whose stores were all restored from backups: writes the genesis document\n"
        "of its next incarnation. It names the home's last final block as its root, so take the\n"
        "home whose backup reaches highest (hefu status --home), with its node stopped. Balances,\n"
        "records and identifiers go on; the chain id, the validators and their vote registers\n"
        "are new. What was final after the root is lost, and can be filed again.\n\n"
        "FILE lists the validators: name, participant, key, transport_key. Every consensus key\n"
        "must be new (hefu key new --kind consensus): the old ones have signed what no store\n"
        "remembers. Participants must be registered at the root. The last block, its\n"
        "certificate and the whole lineage of documents are checked first.\n\n"
        "Send the written file to every operator. Each runs hefu genesis adopt, and all compare\n"
        "the chain id before anybody starts. docs/operations.md, A new incarnation, has every\n"
        "step. Exit status 3 if the home does not hold.",
    .options = options,
    .examples = "hefu genesis continue --home /srv/hefu --validators validators.json --out "
                "genesis.new.json",
    .run = run_continue,
};
