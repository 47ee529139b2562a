/*
 * receipt: `hefu receipt`: what shows that a batch is final: fetched from a node or read from a
 * home, checked against genesis, and written as a file that anyone with genesis can check again
 * (docs/auditing.md, Receipts).
 */
#include <stdio.h>
#include <string.h>

#include "cli/client.h"
#include "cli/home.h"
#include "cli/output.h"
#include "cli/receipt_check.h"
#include "cli/receipt_file.h"
#include "cli/receipt_held.h"
#include "cli/receipt_home.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "ledger/verdict.h"

#define CONNECT_MS 5000
#define AWAIT_MS 30000

/* ---- Where a receipt comes from ---- */

static int fetch(struct client *client, const struct hash *id, struct held *held)
{
    struct client_message message = {.kind = CLIENT_AWAIT}, answer;
    message.await.batch_id = *id;
    message.await.wait_ms = AWAIT_MS;
    enum status status = client_connect(client, CONNECT_MS);
    if (status == STATUS_OK) {
        status = client_ask(client, &message, AWAIT_MS + CONNECT_MS, &answer);
    }
    if (status != STATUS_OK) {
        return client_unreachable(client, status);
    }
    if (answer.kind == CLIENT_RECEIPT) {
        held_copy(held, &answer.receipt);
        return EXIT_CLEAN;
    }
    if (answer.kind == CLIENT_PENDING) {
        bool unknown = answer.pending.state == CLIENT_BATCH_UNKNOWN;
        complain("%s", unknown ? "the node does not know this batch"
                               : "the batch is accepted, but not final yet; ask again");
        return EXIT_NOT_FOUND;
    }
    if (answer.kind == CLIENT_EXPIRED) {
        complain("the batch expired before it became final: nothing of it was applied");
        return EXIT_NOT_FOUND;
    }
    complain("the node answered %s%s%s", client_message_name(answer.kind),
             answer.kind == CLIENT_REFUSED ? ": " : "",
             answer.kind == CLIENT_REFUSED ? answer.refused.sentence : "");
    return EXIT_NOT_FOUND;
}

/* ---- The verb ---- */

static void print_facts(enum output_format format, const struct names *names,
                        const struct held *held, const struct receipt_facts *facts)
{
    static const struct column columns[] = {
        {"batch", COLUMN_TEXT},      {"participant", COLUMN_TEXT}, {"height", COLUMN_NUMBER},
        {"time", COLUMN_TEXT},       {"records", COLUMN_NUMBER},   {"accepted", COLUMN_NUMBER},
        {"rejected", COLUMN_NUMBER}, {"block", COLUMN_TEXT},       {"signatures", COLUMN_NUMBER},
        {"verified", COLUMN_TEXT}};
    uint32_t accepted = 0;
    for (uint32_t i = 0; i < facts->batch.count; i++) {
        accepted += verdict_is_accepted(held->verdicts[i]) ? 1 : 0;
    }
    struct output *output = output_single(stdout, format, columns, 10);
    output_hash(output, &facts->batch_id);
    output_text(output, facts->name[0] != '\0'
                            ? facts->name
                            : names_participant_name(names, facts->batch.participant));
    output_number(output, facts->block.height);
    output_time(output, facts->block.timestamp_ms);
    output_number(output, facts->batch.count);
    output_number(output, accepted);
    output_number(output, facts->batch.count - accepted);
    output_hash(output, &facts->block_hash);
    output_number(output, held->finalization.signature_count);
    output_text(output, "yes: final, signed by a quorum of the validators that genesis leads to");
    output_end(output);
}

/* wanted: the batch that was asked for, or NULL for whichever a file shows. */
static int finish(const struct args *args, const struct hash *wanted, const struct lineage *lineage,
                  const struct public_key *later, const struct names *names,
                  const struct held *held)
{
    struct receipt_facts facts;
    enum output_format format;
    const char *out = args_value(args, "out");
    const char *wrong = receipt_check(&held->receipt, lineage, later, &facts);
    if (wrong == NULL && wanted != NULL && !hash_equal(&facts.batch_id, wanted)) {
        wrong = "it is for another batch";
    }
    if (wrong != NULL) {
        complain("the receipt does not hold: %s", wrong);
        return EXIT_INTEGRITY;
    }
    if (output_format_of(args, &format) != STATUS_OK) {
        return EXIT_USAGE;
    }
    print_facts(format, names, held, &facts);
    return out != NULL ? receipt_file_write(out, held, &facts) : EXIT_CLEAN;
}

/* A file against a genesis file: no node, no store. */
static int check_file(const struct args *args, const struct hash *wanted, struct held *held)
{
    const char *genesis_path = args_value(args, "genesis");
    struct lineage_file documents;
    if (genesis_path == NULL) {
        complain("receipt --file needs --genesis FILE, the network's genesis.json");
        return EXIT_USAGE;
    }
    if (documents_read(genesis_path, &documents) != EXIT_CLEAN) {
        return EXIT_USAGE;
    }
    struct names *names = names_new(lineage_newest(&documents.lineage)->genesis);
    int code = receipt_file_read(args_value(args, "file"), held);
    if (code == EXIT_CLEAN) {
        code = finish(args, wanted, &documents.lineage, NULL, names, held);
    }
    names_free(names);
    lineage_file_free(&documents);
    return code;
}

static int receipt_of_batch(const struct args *args, const struct hash *id, struct held *held)
{
    const char *folder = client_path(args);
    int code;
    if (args_value(args, "home") != NULL || folder == NULL) {
        struct home home;
        code = home_open(args, &home);
        if (code == EXIT_CLEAN) {
            code = receipt_home_read(&home, id, held);
            if (code == EXIT_CLEAN) {
                struct public_key key;
                bool known = receipt_home_key(&home, held, &key);
                code = finish(args, id, &home.documents.lineage, known ? &key : NULL, home.names,
                              held);
            }
            home_close(&home);
        }
        return code;
    }
    struct client client;
    code = client_load(folder, false, &client);
    if (code == EXIT_CLEAN) {
        code = fetch(&client, id, held);
        if (code == EXIT_CLEAN) {
            code = finish(args, id, &client.documents.lineage, NULL, client.names, held);
        }
        client_close(&client);
    }
    return code;
}

static int run_receipt(const struct args *args)
{
    struct hash id;
    const struct hash *wanted = args->operand_count > 0 ? &id : NULL;
    bool from_file = args_value(args, "file") != NULL;
    if (wanted == NULL ? !from_file
                       : strlen(args->operands[0]) != 64 ||
                             bytes_from_hex(args->operands[0], HASH_BYTES, id.bytes) != STATUS_OK) {
        complain("receipt needs a batch's id, 64 hexadecimal digits as hefu submit printed it, or "
                 "--file FILE");
        return EXIT_USAGE;
    }
    struct held *held = held_new();
    int code = from_file ? check_file(args, wanted, held) : receipt_of_batch(args, wanted, held);
    held_free(held);
    return code;
}

static const struct verb_option options[] = {
    {"out", "FILE", "also write the receipt to a file that others can check"},
    {"file", "FILE", "check such a file instead; needs only --genesis"},
    {"genesis", "FILE", "the network's genesis.json, or the document of the receipt's incarnation"},
    {NULL, NULL, NULL},
};

const struct verb verb_receipt = {
    .name = "receipt",
    .operands = "[BATCH]",
    .operands_max = 1,
    .uses = USES_CLIENT | USES_HOME | USES_FORMAT,
    .summary = "show and check that a batch is final",
    .description =
        "Gets the receipt of a batch from the profile's node, or from a home's store, and\n"
        "checks it against genesis: the participant's signature, the batch under\n"
        "batches_root, the verdicts under verdicts_root, and the block's finalization by a\n"
        "quorum of validators; where they changed since genesis, also each change, by the\n"
        "quorum before it. Exit status 3 if anything does not hold. A batch from before the\n"
        "network's present incarnation needs the older genesis document, beside genesis.json.\n\n"
        "--out writes it to a file. With --file and --genesis anyone can check that file\n"
        "without a node or a ledger, and with BATCH that it is for that one.",
    .options = options,
    .examples = "hefu receipt 5f0c...e1 --client NET/clients/harbour-bank --out receipt.json\n"
                "hefu receipt --file receipt.json --genesis genesis.json",
    .run = run_receipt,
};
