/* batch: identity, signed bytes, records root and parsing of a batch (see batch.h). */
#include "ledger/batch.h"

#include <string.h>

#include "base/bytes.h"
#include "base/merkle.h"
#include "ledger/action.h"

static const uint8_t SIGNED_PREFIX[16] = "hefu batch v1";

struct hash batch_id(const struct batch_header *header)
{
    return hash_of(&PURPOSE_BATCH, header, BATCH_HEADER_BYTES);
}

void batch_signed_bytes(const struct batch_header *header, uint8_t ret_bytes[BATCH_SIGNED_BYTES])
{
    memcpy(ret_bytes, SIGNED_PREFIX, sizeof SIGNED_PREFIX);
    memcpy(ret_bytes + sizeof SIGNED_PREFIX, header, BATCH_HEADER_BYTES);
}

struct hash batch_records_root(const struct record *records, uint32_t count,
                               struct hash *ret_hashes)
{
    struct merkle_frontier frontier = {.size = 0};
    for (uint32_t i = 0; i < count; i++) {
        ret_hashes[i] = record_hash(&records[i]);
        struct hash leaf = merkle_leaf(&ret_hashes[i], HASH_BYTES);
        merkle_frontier_append(&frontier, &leaf);
    }
    return merkle_frontier_root(&frontier);
}

struct hash batch_body_root(const void *body, size_t length)
{
    struct hash hash = hash_of(&PURPOSE_ACTION, body, length);
    struct hash leaf = merkle_leaf(&hash, HASH_BYTES);
    return merkle_root(&leaf, 1);
}

static enum status refuse(const char **ret_field, const char *field, enum status status)
{
    if (ret_field != NULL) {
        *ret_field = field;
    }
    return status;
}

static enum status check_source(const struct batch_header *header, const char **ret_field)
{
    if (hash_is_zero(&header->source_hash)) {
        if (header->part != 0 || header->parts != 0) {
            return refuse(ret_field, "parts", STATUS_MALFORMED);
        }
    } else if (header->part >= header->parts) {
        return refuse(ret_field, "part", STATUS_MALFORMED);
    }
    return STATUS_OK;
}

static enum status check_header(const struct batch_header *header, const struct hash *chain_id,
                                const char **ret_field)
{
    if (header->version != BATCH_VERSION) {
        return refuse(ret_field, "version", STATUS_VERSION);
    }
    if (header->kind < BATCH_RECORDS || header->kind > BATCH_EVIDENCE) {
        return refuse(ret_field, "kind", STATUS_MALFORMED);
    }
    if (!hash_equal(&header->chain_id, chain_id)) {
        return refuse(ret_field, "chain_id", STATUS_WRONG_CHAIN);
    }
    if (header->count > LIMIT_BATCH_RECORDS) {
        return refuse(ret_field, "count", STATUS_OVERSIZED);
    }
    if (header->count == 0 || (header->kind != BATCH_RECORDS && header->count != 1)) {
        return refuse(ret_field, "count", STATUS_MALFORMED);
    }
    if (header->participant == 0) {
        return refuse(ret_field, "participant", STATUS_MALFORMED);
    }
    if (header->expires_ms <= header->created_ms ||
        header->expires_ms - header->created_ms > LIMIT_BATCH_LIFE_MS) {
        return refuse(ret_field, "expires_ms", STATUS_MALFORMED);
    }
    if (!bytes_are_zero(header->reserved, sizeof header->reserved)) {
        return refuse(ret_field, "reserved", STATUS_MALFORMED);
    }
    return check_source(header, ret_field);
}

static enum status check_body(const struct batch_header *header, size_t body_length,
                              const char **ret_field)
{
    if (header->kind != BATCH_RECORDS) {
        if (!hash_is_zero(&header->source_hash)) {
            return refuse(ret_field, "source_hash", STATUS_MALFORMED);
        }
        if (body_length > BATCH_BODY_BYTES_MAX) {
            return refuse(ret_field, "body", STATUS_OVERSIZED);
        }
        return body_length == 0 ? refuse(ret_field, "body", STATUS_TRUNCATED) : STATUS_OK;
    }
    size_t expected = (size_t)header->count * RECORD_BYTES;
    if (body_length < expected) {
        return refuse(ret_field, "body", STATUS_TRUNCATED);
    }
    return body_length > expected ? refuse(ret_field, "body", STATUS_TRAILING) : STATUS_OK;
}

enum status batch_parse(const void *bytes, size_t length, const struct hash *chain_id,
                        struct batch *ret_batch, const char **ret_field)
{
    if (length < BATCH_PREFIX_BYTES) {
        return refuse(ret_field, "header", STATUS_TRUNCATED);
    }
    if (length > BATCH_BYTES_MAX) {
        return refuse(ret_field, "body", STATUS_OVERSIZED);
    }
    struct batch batch;
    const uint8_t *at = bytes;
    memcpy(&batch.header, at, BATCH_HEADER_BYTES);
    memcpy(&batch.signature, at + BATCH_HEADER_BYTES, sizeof batch.signature);
    batch.body = at + BATCH_PREFIX_BYTES;
    batch.body_length = length - BATCH_PREFIX_BYTES;

    enum status status = check_header(&batch.header, chain_id, ret_field);
    if (status == STATUS_OK) {
        status = check_body(&batch.header, batch.body_length, ret_field);
    }
    if (status != STATUS_OK) {
        return status;
    }
    batch.id = batch_id(&batch.header);
    *ret_batch = batch;
    return STATUS_OK;
}
