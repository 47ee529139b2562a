/* evidence: `hefu evidence list`, `show`, `export` and `verify`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "cli/evidence_list.h"
#include "cli/output.h"
#include "cli/sets.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "node/epochs.h"

#define NAME_BYTES 33

static const char *kind_name(enum vote_kind kind)
{
    switch (kind) {
    case VOTE_NOTARIZE:
        return "notarize";
    case VOTE_NULLIFY:
        return "nullify";
    case VOTE_FINALIZE:
        return "finalize";
    }
    return "unknown";
}

/* The validator's name in its epoch, or its index. */
static void name_of(struct home *home, const struct proof *proof, char ret_name[NAME_BYTES],
                    uint32_t *ret_participant)
{
    struct ledger_validator members[LIMIT_VALIDATORS];
    uint32_t count = 0;
    const uint32_t signer = proof->votes.first.signer;
    *ret_participant = UINT32_MAX;
    (void)snprintf(ret_name, NAME_BYTES, "validator %u", signer);
    if (epochs_members(&home->chain, proof_epoch(proof), members, &count) == STATUS_OK &&
        signer < count) {
        memcpy(ret_name, members[signer].name, NAME_BYTES - 1);
        ret_name[NAME_BYTES - 1] = '\0';
        *ret_participant = members[signer].validator.participant;
    }
}

static void put_kinds(struct output *output, const struct proof *proof)
{
    if (proof->of_certificates) {
        char text[64];
        for (uint32_t i = 0; i < 2; i++) {
            (void)snprintf(text, sizeof text, "%s certificate",
                           kind_name(proof->certificates[i].kind));
            output_text(output, text);
        }
    } else {
        output_text(output, kind_name(proof->votes.first.kind));
        output_text(output, kind_name(proof->votes.second.kind));
    }
}

static void put_accused(struct output *output, struct home *home, const struct proof *proof)
{
    char name[NAME_BYTES];
    uint32_t participant;
    if (proof->of_certificates) {
        output_text(output, "more than f validators");
        output_empty(output);
        return;
    }
    name_of(home, proof, name, &participant);
    output_text(output, name);
    if (participant == UINT32_MAX) {
        output_empty(output);
    } else {
        output_text(output, names_participant_name(home->names, participant));
    }
}

static int run_list(const struct args *args)
{
    static const struct column columns[] = {
        {"number", COLUMN_NUMBER},  {"epoch", COLUMN_NUMBER},     {"view", COLUMN_NUMBER},
        {"validator", COLUMN_TEXT}, {"participant", COLUMN_TEXT}, {"first", COLUMN_TEXT},
        {"second", COLUMN_TEXT},    {"stored", COLUMN_TEXT},      {"height", COLUMN_NUMBER}};
    struct home home;
    struct evidence_list list;
    enum output_format format;
    if (output_format_of(args, &format) != STATUS_OK) {
        return EXIT_USAGE;
    }
    int code = home_open(args, &home);
    if (code != EXIT_CLEAN) {
        return code;
    }
    code = evidence_list_read(&home, &list);
    if (code == EXIT_CLEAN) {
        struct output *output = output_list(stdout, format, columns, 9);
        for (uint32_t i = 0; i < list.count; i++) {
            const struct evidence_item *item = &list.items[i];
            output_number(output, i + 1);
            output_number(output, proof_epoch(&item->proof));
            output_number(output, proof_view(&item->proof));
            put_accused(output, &home, &item->proof);
            put_kinds(output, &item->proof);
            output_text(output, item->stored ? "yes" : "no");
            if (item->recorded) {
                output_number(output, item->height);
            } else {
                output_empty(output);
            }
        }
        output_end(output);
        evidence_list_free(&list);
    }
    home_close(&home);
    return code;
}

/* The item that the first operand numbers. EXIT_CLEAN, or told; the list is to be freed. */
static int find_item(const struct args *args, struct home *home, struct evidence_list *list,
                     const struct evidence_item **ret_item)
{
    uint64_t number;
    if (number_parse(args->operands[0], UINT32_MAX, &number) != STATUS_OK || number == 0) {
        complain("%s: \"%s\" is not a number; hefu evidence list shows them", args->verb->name,
                 args->operands[0]);
        return EXIT_USAGE;
    }
    int code = evidence_list_read(home, list);
    if (code != EXIT_CLEAN) {
        return code;
    }
    if (number > list->count) {
        complain("there is no evidence number %llu; there are %u", (unsigned long long)number,
                 list->count);
        return EXIT_NOT_FOUND;
    }
    *ret_item = &list->items[number - 1];
    return EXIT_CLEAN;
}

static const struct column proof_columns[] = {{"verdict", COLUMN_TEXT},
                                              {"validator", COLUMN_TEXT},
                                              {"participant", COLUMN_TEXT},
                                              {"key", COLUMN_TEXT},
                                              {"epoch", COLUMN_NUMBER},
                                              {"view", COLUMN_NUMBER},
                                              {"first", COLUMN_TEXT},
                                              {"second", COLUMN_TEXT},
                                              {"first_parent_view", COLUMN_NUMBER},
                                              {"first_block", COLUMN_TEXT},
                                              {"second_parent_view", COLUMN_NUMBER},
                                              {"second_block", COLUMN_TEXT},
                                              {"first_signatures", COLUMN_TEXT},
                                              {"second_signatures", COLUMN_TEXT},
                                              {"height", COLUMN_NUMBER},
                                              {"batch", COLUMN_TEXT}};

/* The signature of a vote, or the indexes of a certificate's signers. */
static void put_signatures(struct output *output, const struct proof *proof, uint32_t which)
{
    if (!proof->of_certificates) {
        const struct vote *vote = which == 0 ? &proof->votes.first : &proof->votes.second;
        output_hex(output, vote->signature.bytes, sizeof vote->signature.bytes);
        return;
    }
    char text[5 * LIMIT_VALIDATORS + 16] = "validators";
    for (uint32_t i = 0; i < LIMIT_VALIDATORS; i++) {
        if ((proof->certificates[which].signers[i / 8] >> i % 8 & 1) != 0) {
            const size_t used = strlen(text);
            (void)snprintf(text + used, sizeof text - used, " %u", i);
        }
    }
    output_text(output, text);
}

static void put_candidates(struct output *output, const struct proof *proof)
{
    for (uint32_t i = 0; i < 2; i++) {
        const struct candidate *candidate = proof->of_certificates
                                                ? &proof->certificates[i].candidate
                                            : i == 0 ? &proof->votes.first.candidate
                                                     : &proof->votes.second.candidate;
        output_number(output, candidate->parent_view);
        output_hash(output, &candidate->block_hash);
    }
    put_signatures(output, proof, 0);
    put_signatures(output, proof, 1);
}

static void put_key(struct output *output, const struct proof *proof,
                    const struct validator_set *set)
{
    if (proof->of_certificates || set == NULL || proof->votes.first.signer >= set->count) {
        output_empty(output);
    } else {
        const struct public_key *key = &set->members[proof->votes.first.signer].key;
        output_hex(output, key->bytes, sizeof key->bytes);
    }
}

static int run_show(const struct args *args)
{
    struct home home;
    struct evidence_list list = {0};
    enum output_format format;
    const struct evidence_item *item = NULL;
    if (output_format_of(args, &format) != STATUS_OK) {
        return EXIT_USAGE;
    }
    int code = home_open(args, &home);
    if (code != EXIT_CLEAN) {
        return code;
    }
    code = find_item(args, &home, &list, &item);
    if (code == EXIT_CLEAN) {
        const struct proof *proof = &item->proof;
        const struct validator_set *set = NULL;
        const char *wrong = sets_of_epoch(&home, proof_epoch(proof), &set);
        wrong = wrong != NULL ? wrong
                              : proof_check(proof, sets_chain_id(&home, proof_epoch(proof)), set);
        struct output *output = output_single(stdout, format, proof_columns, 16);
        output_text(output, wrong == NULL ? "holds: both are signed as they say" : wrong);
        put_accused(output, &home, proof);
        put_key(output, proof, set);
        output_number(output, proof_epoch(proof));
        output_number(output, proof_view(proof));
        put_kinds(output, proof);
        put_candidates(output, proof);
        if (item->recorded) {
            output_number(output, item->height);
            output_hash(output, &item->batch);
        } else {
            output_empty(output);
            output_empty(output);
        }
        output_end(output);
        code = wrong == NULL ? EXIT_CLEAN : EXIT_INTEGRITY;
    }
    evidence_list_free(&list);
    home_close(&home);
    return code;
}

static int run_export(const struct args *args)
{
    struct home home;
    struct evidence_list list = {0};
    const struct evidence_item *item = NULL;
    int code = home_open(args, &home);
    if (code != EXIT_CLEAN) {
        return code;
    }
    code = find_item(args, &home, &list, &item);
    if (code == EXIT_CLEAN) {
        code = evidence_file_write(args->operands[1], &home, &item->proof);
    }
    evidence_list_free(&list);
    home_close(&home);
    return code;
}

/* Names are not in a file: the key is what it proves something of. */
static int run_verify(const struct args *args)
{
    struct lineage_file documents;
    enum output_format format;
    const char *path = args_value(args, "genesis");
    if (output_format_of(args, &format) != STATUS_OK) {
        return EXIT_USAGE;
    }
    if (path == NULL) {
        complain("evidence verify needs --genesis FILE, the network's genesis.json");
        return EXIT_USAGE;
    }
    if (documents_read(path, &documents) != EXIT_CLEAN) {
        return EXIT_USAGE;
    }
    struct proof *proof = calloc(1, sizeof *proof);
    struct validator_set set;
    CHECK(proof != NULL);
    int code = evidence_file_check(args->operands[0], &documents.lineage, proof, &set);
    if (code == EXIT_CLEAN) {
        struct output *output = output_single(stdout, format, proof_columns, 14);
        output_text(output, "holds: both are signed as they say");
        if (proof->of_certificates) {
            output_text(output, "more than f validators");
            output_empty(output);
        } else {
            char text[32];
            (void)snprintf(text, sizeof text, "validator %u", proof->votes.first.signer);
            struct names *names = names_new(lineage_newest(&documents.lineage)->genesis);
            output_text(output, text);
            output_text(output, names_participant_name(
                                    names, set.members[proof->votes.first.signer].participant));
            names_free(names);
        }
        put_key(output, proof, &set);
        output_number(output, proof_epoch(proof));
        output_number(output, proof_view(proof));
        put_kinds(output, proof);
        put_candidates(output, proof);
        output_end(output);
    }
    free(proof);
    lineage_file_free(&documents);
    return code;
}

const struct verb verb_evidence_list = {
    .name = "evidence list",
    .operands = "",
    .uses = USES_HOME | USES_FORMAT,
    .summary = "who signed what no honest key can",
    .description =
        "Lists the evidence that a home holds: two votes of one validator in one view that\n"
        "contradict each other, or two certificates that cannot both be. stored: this node\n"
        "saw it itself; height: the block that recorded it for all.",
    .examples = "hefu evidence list --home NET/node-0",
    .run = run_list,
};

const struct verb verb_evidence_show = {
    .name = "evidence show",
    .operands = "NUMBER",
    .operands_min = 1,
    .operands_max = 1,
    .uses = USES_HOME | USES_FORMAT,
    .summary = "both votes of one piece of evidence, checked",
    .description = "Shows a line of evidence list in full, with both signatures checked by the\n"
                   "validators of its epoch. Exit status 3 if it does not hold.",
    .examples = "hefu evidence show 1 --home NET/node-0 --format json",
    .run = run_show,
};

const struct verb verb_evidence_export = {
    .name = "evidence export",
    .operands = "NUMBER FILE",
    .operands_min = 2,
    .operands_max = 2,
    .uses = USES_HOME,
    .summary = "evidence as a file that anyone can check",
    .description = "Writes a line of evidence list as a file that needs nothing but genesis.json\n"
                   "to be checked: it carries how the validators of its epoch came to be.",
    .examples = "hefu evidence export 1 double-vote.evidence --home NET/node-0",
    .run = run_export,
};

static const struct verb_option verify_options[] = {
    {"genesis", "FILE", "the network's genesis.json, or the document of the file's incarnation"},
    {NULL, NULL, NULL},
};

const struct verb verb_evidence_verify = {
    .name = "evidence verify",
    .operands = "FILE",
    .operands_min = 1,
    .operands_max = 1,
    .uses = USES_FORMAT,
    .summary = "check an evidence file, with genesis alone",
    .description = "Checks a file that evidence export wrote: every change of validators from\n"
                   "genesis to its epoch, and both signatures. Exit status 3 if it does not hold.",
    .options = verify_options,
    .examples = "hefu evidence verify double-vote.evidence --genesis genesis.json",
    .run = run_verify,
};
