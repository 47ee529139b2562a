/* genesis_show: `hefu genesis show`: what a genesis document says, for comparing by people. */
#include "cli/genesis_output.h"

#include <stdio.h>
#include <string.h>

#include "cli/documents.h"
#include "cli/home.h"
#include "cli/verbs.h"
#include "node/config.h"

#define ERROR_BYTES 1024

void genesis_put(struct output *output, const struct genesis *genesis, const struct hash *chain_id)
{
    output_text(output, genesis->network);
    output_number(output, genesis->incarnation);
    output_hash(output, chain_id);
    output_time(output, genesis->created_ms);
    if (genesis->incarnation == 0) {
        for (unsigned i = 0; i < 4; i++) {
            output_empty(output);
        }
    } else {
        output_hash(output, &genesis->root_chain_id);
        output_number(output, genesis->root_height);
        output_hash(output, &genesis->root_hash);
        output_number(output, genesis->root_epoch);
    }
    output_number(output, genesis->validator_count);
}

static void list_validators(enum output_format format, const struct genesis *genesis)
{
    static const struct column columns[] = {{"index", COLUMN_NUMBER},
                                            {"name", COLUMN_TEXT},
                                            {"participant", COLUMN_NUMBER},
                                            {"key", COLUMN_TEXT},
                                            {"transport_key", COLUMN_TEXT}};
    struct output *output = output_list(stdout, format, columns, 5);
    for (uint32_t i = 0; i < genesis->validator_count; i++) {
        const struct genesis_validator *validator = &genesis->validators[i];
        output_number(output, i);
        output_text(output, validator->name);
        output_number(output, validator->participant);
        output_hex(output, validator->key.bytes, sizeof validator->key.bytes);
        output_hex(output, validator->transport_key.bytes, sizeof validator->transport_key.bytes);
    }
    output_end(output);
}

static void list_lineage(enum output_format format, const struct lineage *lineage)
{
    static const struct column columns[] = {GENESIS_COLUMNS};
    struct output *output = output_list(stdout, format, columns, GENESIS_COLUMN_COUNT);
    for (uint32_t i = 0; i < lineage->count; i++) {
        genesis_put(output, lineage->incarnations[i].genesis, &lineage->incarnations[i].chain_id);
    }
    output_end(output);
}

static void show(const struct args *args, enum output_format format,
                 const struct lineage_file *documents)
{
    static const struct column columns[] = {GENESIS_COLUMNS};
    const struct incarnation *newest = lineage_newest(&documents->lineage);
    if (args_flag(args, "validators")) {
        list_validators(format, newest->genesis);
    } else if (args_flag(args, "lineage")) {
        list_lineage(format, &documents->lineage);
    } else {
        struct output *output = output_single(stdout, format, columns, GENESIS_COLUMN_COUNT);
        genesis_put(output, newest->genesis, &newest->chain_id);
        output_end(output);
    }
}

static int run_show(const struct args *args)
{
    struct lineage_file documents;
    enum output_format format;
    char path[CONFIG_PATH_MAX + 32], error[ERROR_BYTES];
    const bool by_home = args->operand_count == 0;
    if (output_format_of(args, &format) != STATUS_OK) {
        return EXIT_USAGE;
    }
    if (args_flag(args, "validators") && args_flag(args, "lineage")) {
        complain("genesis show takes --validators or --lineage, not both");
        return EXIT_USAGE;
    }
    if (by_home ? home_path(args) == NULL : args_value(args, "home") != NULL) {
        complain("genesis show takes either a FILE or --home DIR, a node's home");
        return EXIT_USAGE;
    }
    const char *from = by_home ? home_path(args) : args->operands[0];
    if (strlen(from) > CONFIG_PATH_MAX) {
        complain("%.40s...: the path is too long", from);
        return EXIT_USAGE;
    }
    snprintf(path, sizeof path, "%s%s", from, by_home ? "/genesis.json" : "");
    /* A document that nobody has adopted yet stands alone: what it says is shown all the same. */
    if (by_home || args_flag(args, "lineage")) {
        enum status status = lineage_file_read(path, &documents, error, sizeof error);
        if (status != STATUS_OK) {
            complain("%s", error);
            return status == STATUS_NOT_FOUND ? EXIT_NOT_FOUND : EXIT_USAGE;
        }
    } else {
        int code = documents_read(path, &documents);
        if (code != EXIT_CLEAN) {
            return code;
        }
    }
    show(args, format, &documents);
    lineage_file_free(&documents);
    return EXIT_CLEAN;
}

static const struct verb_option options[] = {
    {"validators", NULL, "list the document's validators with their public keys"},
    {"lineage", NULL, "list all incarnations, the first one first"},
    {NULL, NULL, NULL},
};

const struct verb verb_genesis_show = {
    .name = "genesis show",
    .operands = "[FILE]",
    .operands_max = 1,
    .uses = USES_HOME | USES_FORMAT,
    .summary = "a genesis document: chain id, incarnation, root",
    .description =
        "Prints what operators compare before they start a network: the chain id, which is the\n"
        "hash of all that the document says, and of a later incarnation the block that it\n"
        "continues (root). Two files with the same chain_id say the same, however they are laid\n"
        "out.\n\n"
        "With --home the earlier documents beside genesis.json (genesis.0.json, genesis.1.json\n"
        "...) are read too, and it fails if the newest does not continue them. A FILE is taken\n"
        "alone, unless --lineage asks for those beside it.",
    .options = options,
    .examples = "hefu genesis show --home NET/node-0\n"
                "hefu genesis show genesis.new.json --validators\n"
                "hefu genesis show --lineage --home NET/node-0 --format json",
    .run = run_show,
};
