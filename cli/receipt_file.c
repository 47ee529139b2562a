/* receipt_file: a receipt as JSON (see receipt_file.h). */
#include "cli/receipt_file.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "cli/json_text.h"
#include "cli/output.h"
#include "cli/text.h"
#include "node/file.h"
#include "node/rows.h"

#define FILE_BYTES_MAX (16u << 20)
#define ERROR_BYTES 512

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

static json_t *key_of(const struct held *held)
{
    const struct client_key_proof *key = &held->receipt.key;
    json_t *object = json_object();
    uint8_t certificate[ROW_CERTIFICATE_BYTES_MAX];
    const size_t length = row_certificate_encode(key->finalization, certificate);
    put_hex(object, "block_header", key->block_header, BLOCK_HEADER_BYTES);
    put_hex(object, "finalization", certificate, length);
    put_hex(object, "previous", key->previous.bytes, HASH_BYTES);
    put_hex(object, "path", key->path, sizeof(struct hash) * key->path_count);
    put_hex(object, "rows", key->rows.data, key->rows.length);
    return object;
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
    if (held->receipt.has_key) {
        CHECK(json_object_set_new(proof, "key", key_of(held)) == 0);
    }
    return proof;
}

int receipt_file_write(const char *path, const struct held *held, const struct receipt_facts *facts)
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
        held_add_epoch(held, &header, &finalization, members,
                       (uint32_t)(members_length / EPOCHS_MEMBER_BYTES));
    }
    return NULL;
}

static const char *parse_key(const json_t *object, struct held *held)
{
    uint8_t certificate[ROW_CERTIFICATE_BYTES_MAX];
    struct given_keys_proof proof;
    size_t length, certificate_length, path_length, rows_length;
    held->receipt.has_key = false;
    if (object == NULL) {
        return NULL; /* genesis has it */
    }
    uint8_t *rows = malloc(CLIENT_KEY_ROWS_BYTES_MAX);
    CHECK(rows != NULL);
    const bool good =
        get_hex(object, "block_header", 1, BLOCK_HEADER_BYTES, BLOCK_HEADER_BYTES, &proof.header,
                &length) &&
        get_hex(object, "finalization", 1, 1, sizeof certificate, certificate,
                &certificate_length) &&
        get_hex(object, "previous", 1, HASH_BYTES, HASH_BYTES, proof.previous.bytes, &length) &&
        get_hex(object, "path", HASH_BYTES, 0, sizeof proof.path.hashes, proof.path.hashes,
                &path_length) &&
        get_hex(object, "rows", 1, 1, CLIENT_KEY_ROWS_BYTES_MAX, rows, &rows_length) &&
        row_certificate_decode((struct span){certificate, certificate_length},
                               &proof.finalization) == STATUS_OK;
    if (good) {
        proof.path.count = (uint32_t)(path_length / HASH_BYTES);
        proof.rows = (struct span){rows, rows_length};
        held_set_key(held, &proof);
    }
    free(rows);
    return good ? NULL : "a member of \"key\" is missing or malformed";
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
    held_point(held);
    const char *wrong = parse_epochs(json_object_get(proof, "epochs"), held);
    return wrong == NULL ? parse_key(json_object_get(proof, "key"), held) : wrong;
}

int receipt_file_read(const char *path, struct held *held)
{
    char error[ERROR_BYTES];
    uint8_t *data;
    size_t length;
    enum status status = file_read(path, FILE_BYTES_MAX, 0, &data, &length, error, sizeof error);
    if (status != STATUS_OK) {
        complain("%s", error);
        return status == STATUS_NOT_FOUND ? EXIT_NOT_FOUND : EXIT_USAGE;
    }
    json_t *root = NULL;
    status = json_text_read((const char *)data, length, path, &root, error, sizeof error);
    free(data);
    if (status != STATUS_OK) {
        complain("%s", error);
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
