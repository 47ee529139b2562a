/*
 * receipt: `hefu receipt`: what shows that a batch is final: fetched from a node or read from a
 * home, checked against genesis, and written as a file that anyone with genesis can check again.
 *
 * The file is JSON: what people want to read, and under "proof" the bytes that carry it, in
 * hexadecimal (docs/auditing.md, Receipts). Only the proof is believed when a file is checked.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "cli/batch_keys.h"
#include "cli/client.h"
#include "cli/home.h"
#include "cli/output.h"
#include "cli/receipt_check.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "ledger/verdict.h"
#include "node/epochs.h"
#include "node/file.h"

#define CONNECT_MS 5000
#define AWAIT_MS 30000
#define FILE_BYTES_MAX (4u << 20)
#define ERROR_BYTES 512

/* One step between epochs, with memory of its own. */
struct held_epoch {
    struct block_header header;
    struct certificate finalization;
    uint8_t members[LIMIT_VALIDATORS * EPOCHS_MEMBER_BYTES];
};

/* A receipt with memory of its own. */
struct held {
    struct held_epoch *epochs; /* CLIENT_EPOCHS_MAX */
    struct client_epoch epoch_views[CLIENT_EPOCHS_MAX];
    struct client_receipt receipt;
    struct batch_header batch_header;
    struct block_header block_header;
    struct certificate finalization;
    struct merkle_path batches_path, verdicts_path;
    uint16_t verdicts[LIMIT_BATCH_RECORDS];
};

static void hold(struct held *held)
{
    held->receipt.batch_header = (const uint8_t *)&held->batch_header;
    held->receipt.block_header = (const uint8_t *)&held->block_header;
    held->receipt.finalization = &held->finalization;
    held->receipt.verdicts = held->verdicts;
    held->receipt.batches_path = held->batches_path.hashes;
    held->receipt.batches_path_count = held->batches_path.count;
    held->receipt.verdicts_path = held->verdicts_path.hashes;
    held->receipt.verdicts_path_count = held->verdicts_path.count;
    held->receipt.epochs = held->epoch_views;
}

/* Takes over the next step. */
static void hold_epoch(struct held *held, const struct block_header *header,
                       const struct certificate *finalization, const uint8_t *members,
                       uint32_t member_count)
{
    const uint32_t i = held->receipt.epoch_count++;
    CHECK(i < CLIENT_EPOCHS_MAX && member_count <= LIMIT_VALIDATORS);
    struct held_epoch *epoch = &held->epochs[i];
    epoch->header = *header;
    epoch->finalization = *finalization;
    memcpy(epoch->members, members, (size_t)member_count * EPOCHS_MEMBER_BYTES);
    held->epoch_views[i] = (struct client_epoch){.block_header = (const uint8_t *)&epoch->header,
                                                 .finalization = &epoch->finalization,
                                                 .members = epoch->members,
                                                 .member_count = member_count};
}

static void hold_copy(struct held *held, const struct client_receipt *receipt)
{
    CHECK(receipt->verdict_count <= LIMIT_BATCH_RECORDS &&
          receipt->batches_path_count <= MERKLE_PATH_MAX &&
          receipt->verdicts_path_count <= MERKLE_PATH_MAX);
    held->receipt = *receipt;
    memcpy(&held->batch_header, receipt->batch_header, sizeof held->batch_header);
    memcpy(&held->block_header, receipt->block_header, sizeof held->block_header);
    held->finalization = *receipt->finalization;
    memcpy(held->verdicts, receipt->verdicts, sizeof(uint16_t) * receipt->verdict_count);
    held->batches_path.count = receipt->batches_path_count;
    held->verdicts_path.count = receipt->verdicts_path_count;
    for (uint32_t i = 0; i < receipt->batches_path_count; i++) {
        held->batches_path.hashes[i] = receipt->batches_path[i];
    }
    for (uint32_t i = 0; i < receipt->verdicts_path_count; i++) {
        held->verdicts_path.hashes[i] = receipt->verdicts_path[i];
    }
    held->receipt.epoch_count = 0;
    for (uint32_t i = 0; i < receipt->epoch_count; i++) {
        const struct client_epoch *from = &receipt->epochs[i];
        struct block_header header;
        memcpy(&header, from->block_header, sizeof header);
        hold_epoch(held, &header, from->finalization, from->members, from->member_count);
    }
    hold(held);
}

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
        hold_copy(held, &answer.receipt);
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

/* Both paths, from the ids and verdicts of the whole block. */
static enum status read_paths(struct home *home, uint64_t height, struct held *held)
{
    struct hash ids[LIMIT_BLOCK_BATCHES], vectors[LIMIT_BLOCK_BATCHES];
    const struct block_row *block;
    const struct batch *batch;
    const uint16_t *verdicts;
    enum status status = chain_block(&home->chain, height, &block);
    if (status != STATUS_OK) {
        return status;
    }
    held->block_header = block->header;
    held->finalization = block->finalization;
    uint32_t count = block->batch_count;
    for (uint32_t i = 0; i < count; i++) {
        ids[i] = merkle_leaf(block->batch_ids[i].bytes, HASH_BYTES);
    }
    for (uint32_t i = 0; i < count; i++) {
        status = chain_batch(&home->chain, height, i, false, &batch, &verdicts);
        if (status != STATUS_OK) {
            return status;
        }
        struct hash root = verdict_vector_root(verdicts, batch->header.count);
        vectors[i] = merkle_leaf(root.bytes, HASH_BYTES);
        if (i == held->receipt.batch_index) {
            held->batch_header = batch->header;
            held->receipt.batch_signature = batch->signature;
            held->receipt.verdict_count = batch->header.count;
            memcpy(held->verdicts, verdicts, sizeof *verdicts * batch->header.count);
        }
    }
    merkle_path_of(ids, count, held->receipt.batch_index, &held->batches_path);
    merkle_path_of(vectors, count, held->receipt.batch_index, &held->verdicts_path);
    return STATUS_OK;
}

/* The steps from the first epoch of the block's incarnation to the block's. */
static enum status read_epochs(struct home *home, uint64_t epoch, struct held *held)
{
    const uint64_t first =
        incarnation_first_epoch(lineage_at_epoch(&home->documents.lineage, epoch));
    if (epoch > CLIENT_EPOCHS_MAX + first) {
        return STATUS_OVERSIZED;
    }
    for (uint64_t e = first; e < epoch; e++) {
        uint64_t height;
        const struct block_row *block;
        struct validator_set next;
        uint8_t members[LIMIT_VALIDATORS * EPOCHS_MEMBER_BYTES];
        enum status status = epochs_terminal(&home->chain, home->final.height, e, &height);
        if (status == STATUS_OK) {
            status = epochs_set(&home->chain, e + 1, &next);
        }
        if (status == STATUS_OK) {
            status = chain_block(&home->chain, height, &block);
        }
        if (status != STATUS_OK) {
            return STATUS_CORRUPT;
        }
        epochs_to_bytes(&next, members);
        hold_epoch(held, &block->header, &block->finalization, members, next.count);
    }
    return STATUS_OK;
}

static int read_home(struct home *home, const struct hash *id, struct held *held)
{
    struct span place;
    if (!store_get(home->store, STORE_BATCH_PLACE, id->bytes, HASH_BYTES, &place)) {
        complain("no final block names this batch");
        return EXIT_NOT_FOUND;
    }
    if (place.length != 12) {
        return home_failure(STATUS_CORRUPT, "the place of the batch");
    }
    uint64_t height = get_le64(place.data);
    held->receipt.batch_index = get_le32(place.data + 8);
    enum status status = held->receipt.batch_index < LIMIT_BLOCK_BATCHES
                             ? read_paths(home, height, held)
                             : STATUS_CORRUPT;
    if (status == STATUS_OK) {
        status = read_epochs(home, held->block_header.epoch, held);
    }
    if (status != STATUS_OK) {
        return home_failure(status, "block %llu", (unsigned long long)height);
    }
    hold(held);
    return EXIT_CLEAN;
}

/* ---- The file ---- */

static void put_hex(json_t *object, const char *name, const void *bytes, size_t count)
{
    char *text = malloc(2 * count + 1);
    CHECK(text != NULL);
    bytes_to_hex(bytes, count, text);
    CHECK(json_object_set_new(object, name, json_string(text)) == 0);
    free(text);
}

static json_t *epochs_of(const struct held *held)
{
    json_t *list = json_array();
    for (uint32_t i = 0; i < held->receipt.epoch_count; i++) {
        const struct held_epoch *epoch = &held->epochs[i];
        json_t *step = json_object();
        uint8_t certificate[ROW_CERTIFICATE_BYTES_MAX];
        const size_t length = row_certificate_encode(&epoch->finalization, certificate);
        put_hex(step, "block_header", &epoch->header, sizeof epoch->header);
        put_hex(step, "finalization", certificate, length);
        put_hex(step, "validators", epoch->members,
                (size_t)held->epoch_views[i].member_count * EPOCHS_MEMBER_BYTES);
        CHECK(json_array_append_new(list, step) == 0);
    }
    return list;
}

static json_t *proof_of(const struct held *held)
{
    json_t *proof = json_object();
    uint8_t certificate[ROW_CERTIFICATE_BYTES_MAX];
    size_t length = row_certificate_encode(&held->finalization, certificate);
    put_hex(proof, "batch_header", &held->batch_header, sizeof held->batch_header);
    put_hex(proof, "batch_signature", held->receipt.batch_signature.bytes, 64);
    put_hex(proof, "verdicts", held->verdicts, sizeof(uint16_t) * held->receipt.verdict_count);
    put_hex(proof, "block_header", &held->block_header, sizeof held->block_header);
    put_hex(proof, "finalization", certificate, length);
    CHECK(json_object_set_new(proof, "batch_index", json_integer(held->receipt.batch_index)) == 0);
    put_hex(proof, "batches_path", held->batches_path.hashes,
            sizeof(struct hash) * held->batches_path.count);
    put_hex(proof, "verdicts_path", held->verdicts_path.hashes,
            sizeof(struct hash) * held->verdicts_path.count);
    if (held->receipt.epoch_count > 0) {
        CHECK(json_object_set_new(proof, "epochs", epochs_of(held)) == 0);
    }
    return proof;
}

static int write_file(const char *path, const struct held *held, const struct receipt_facts *facts)
{
    char error[ERROR_BYTES], time[TIME_TEXT_BYTES];
    time_format(facts->block.timestamp_ms, time);
    json_t *root = json_pack("{s:s, s:i, s:I, s:s}", "type", "hefu receipt", "version", 1, "height",
                             (json_int_t)facts->block.height, "time", time);
    CHECK(root != NULL);
    put_hex(root, "batch", facts->batch_id.bytes, HASH_BYTES);
    put_hex(root, "block", facts->block_hash.bytes, HASH_BYTES);
    CHECK(json_object_set_new(root, "proof", proof_of(held)) == 0);
    char *text = json_dumps(root, JSON_INDENT(1));
    json_decref(root);
    CHECK(text != NULL);
    size_t length = strlen(text);
    text[length] = '\n'; /* over the final zero: the length counts */
    enum status status = file_write(path, 0644, true, text, length + 1, error, sizeof error);
    free(text);
    if (status != STATUS_OK) {
        complain("%s", error);
        return EXIT_USAGE;
    }
    return EXIT_CLEAN;
}

/* Hexadecimal of min to max bytes, a multiple of unit; false if it is not. */
static bool get_hex(const json_t *proof, const char *name, size_t unit, size_t min, size_t max,
                    void *ret_bytes, size_t *ret_length)
{
    const char *text = json_string_value(json_object_get(proof, name));
    size_t length = text == NULL ? 0 : strlen(text) / 2;
    if (text == NULL || strlen(text) % 2 != 0 || length < min || length > max ||
        length % unit != 0 || bytes_from_hex(text, length, ret_bytes) != STATUS_OK) {
        return false;
    }
    *ret_length = length;
    return true;
}

static const char *parse_epochs(const json_t *list, struct held *held)
{
    held->receipt.epoch_count = 0;
    if (list == NULL) {
        return NULL; /* a block of epoch 1 */
    }
    if (!json_is_array(list) || json_array_size(list) > CLIENT_EPOCHS_MAX) {
        return "\"epochs\" is malformed or too long";
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        const json_t *step = json_array_get(list, i);
        uint8_t row[ROW_CERTIFICATE_BYTES_MAX];
        uint8_t members[LIMIT_VALIDATORS * EPOCHS_MEMBER_BYTES];
        struct block_header header;
        struct certificate finalization;
        size_t length, row_length, members_length;
        if (!get_hex(step, "block_header", 1, BLOCK_HEADER_BYTES, BLOCK_HEADER_BYTES, &header,
                     &length) ||
            !get_hex(step, "finalization", 1, 1, sizeof row, row, &row_length) ||
            !get_hex(step, "validators", EPOCHS_MEMBER_BYTES, EPOCHS_MEMBER_BYTES, sizeof members,
                     members, &members_length) ||
            row_certificate_decode((struct span){row, row_length}, &finalization) != STATUS_OK) {
            return "a member of \"epochs\" is missing or malformed";
        }
        hold_epoch(held, &header, &finalization, members,
                   (uint32_t)(members_length / EPOCHS_MEMBER_BYTES));
    }
    return NULL;
}

static const char *parse_proof(const json_t *proof, struct held *held)
{
    uint8_t certificate[ROW_CERTIFICATE_BYTES_MAX];
    size_t length, verdicts, batches, certificate_length, verdict_path;
    json_t *index = json_object_get(proof, "batch_index");
    if (!json_is_integer(index) || json_integer_value(index) < 0 ||
        json_integer_value(index) >= LIMIT_BLOCK_BATCHES ||
        !get_hex(proof, "batch_header", 1, BATCH_HEADER_BYTES, BATCH_HEADER_BYTES,
                 &held->batch_header, &length) ||
        !get_hex(proof, "batch_signature", 1, 64, 64, held->receipt.batch_signature.bytes,
                 &length) ||
        !get_hex(proof, "verdicts", 2, 2, sizeof held->verdicts, held->verdicts, &verdicts) ||
        !get_hex(proof, "block_header", 1, BLOCK_HEADER_BYTES, BLOCK_HEADER_BYTES,
                 &held->block_header, &length) ||
        !get_hex(proof, "finalization", 1, 1, sizeof certificate, certificate,
                 &certificate_length) ||
        !get_hex(proof, "batches_path", HASH_BYTES, 0, sizeof held->batches_path.hashes,
                 held->batches_path.hashes, &batches) ||
        !get_hex(proof, "verdicts_path", HASH_BYTES, 0, sizeof held->verdicts_path.hashes,
                 held->verdicts_path.hashes, &verdict_path)) {
        return "a member of \"proof\" is missing or malformed";
    }
    if (row_certificate_decode((struct span){certificate, certificate_length},
                               &held->finalization) != STATUS_OK) {
        return "the finalization is malformed";
    }
    held->receipt.batch_index = (uint32_t)json_integer_value(index);
    held->receipt.verdict_count = (uint32_t)(verdicts / sizeof(uint16_t));
    held->batches_path.count = (uint32_t)(batches / HASH_BYTES);
    held->verdicts_path.count = (uint32_t)(verdict_path / HASH_BYTES);
    hold(held);
    return parse_epochs(json_object_get(proof, "epochs"), held);
}

static int read_file(const char *path, struct held *held)
{
    char error[ERROR_BYTES];
    uint8_t *data;
    size_t length;
    enum status status = file_read(path, FILE_BYTES_MAX, 0, &data, &length, error, sizeof error);
    if (status != STATUS_OK) {
        complain("%s", error);
        return status == STATUS_NOT_FOUND ? EXIT_NOT_FOUND : EXIT_USAGE;
    }
    json_error_t json_error;
    json_t *root = json_loadb((const char *)data, length, JSON_REJECT_DUPLICATES, &json_error);
    free(data);
    if (root == NULL) {
        complain("%s:%d:%d: not JSON: %s", path, json_error.line, json_error.column,
                 json_error.text);
        return EXIT_USAGE;
    }
    const char *type = json_string_value(json_object_get(root, "type"));
    const char *wrong = type == NULL || strcmp(type, "hefu receipt") != 0
                            ? "this is not a receipt"
                            : parse_proof(json_object_get(root, "proof"), held);
    json_decref(root);
    if (wrong != NULL) {
        complain("%s: %s", path, wrong);
        return EXIT_INTEGRITY;
    }
    return EXIT_CLEAN;
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
    output_text(output, names_participant_name(names, facts->batch.participant));
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

/* Against the document of the block's own incarnation. */
static const char *check(const struct client_receipt *receipt, const struct lineage *lineage,
                         const struct public_key *later, struct receipt_facts *ret_facts)
{
    struct block_header header;
    struct validator_set set;
    memcpy(&header, receipt->block_header, sizeof header);
    const struct incarnation *own = documents_of_chain(lineage, &header.chain_id);
    if (own == NULL) {
        return "the block belongs to another chain: of an earlier incarnation, it needs that one's "
               "genesis document, beside genesis.json or by itself";
    }
    return documents_set(own, &set) == STATUS_OK
               ? receipt_check(receipt, own->genesis, later, &own->chain_id, &set, ret_facts)
               : "the validators of its genesis document do not form a set";
}

/* wanted: the batch that was asked for, or NULL for whichever a file shows. */
static int finish(const struct args *args, const struct hash *wanted, const struct lineage *lineage,
                  const struct public_key *later, const struct names *names,
                  const struct held *held)
{
    struct receipt_facts facts;
    enum output_format format;
    const char *out = args_value(args, "out");
    const char *wrong = check(&held->receipt, lineage, later, &facts);
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
    return out != NULL ? write_file(out, held, &facts) : EXIT_CLEAN;
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
    int code = read_file(args_value(args, "file"), held);
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
            code = read_home(&home, id, held);
            if (code == EXIT_CLEAN) {
                struct batch_header header;
                struct public_key key;
                memcpy(&header, held->receipt.batch_header, sizeof header);
                bool known = batch_keys_of_participant(&home, &header, &key);
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
    struct held *held = calloc(1, sizeof *held);
    CHECK(held != NULL);
    held->epochs = calloc(CLIENT_EPOCHS_MAX, sizeof *held->epochs);
    CHECK(held->epochs != NULL);
    int code = from_file ? check_file(args, wanted, held) : receipt_of_batch(args, wanted, held);
    free(held->epochs);
    free(held);
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
