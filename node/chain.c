/* chain: reading a stored chain (see chain.h). */
#include "node/chain.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "ledger/rows.h"
#include "node/memory.h"
#include "node/store.h"
#include "node/verify.h"

void chain_init(struct chain *chain, struct chain_source source)
{
    memset(chain, 0, sizeof *chain);
    chain->source = source;
    chain->batch_bytes = memory_take(BATCH_BYTES_MAX);
    chain->verdicts = malloc(sizeof *chain->verdicts * LIMIT_BATCH_RECORDS);
    chain->near_verdicts = malloc(sizeof *chain->near_verdicts * LIMIT_BATCH_RECORDS);
    memory_check(chain->verdicts != NULL);
    memory_check(chain->near_verdicts != NULL);
}

static bool get_from_store(void *context, unsigned table, const void *key, size_t key_length,
                           struct span *ret_value)
{
    return store_get(context, (enum store_table)table, key, key_length, ret_value);
}

static bool seek_in_store(void *context, unsigned table, const void *from, size_t from_length,
                          struct span *ret_key, struct span *ret_value)
{
    return store_seek(context, (enum store_table)table, from, from_length, ret_key, ret_value);
}

void chain_over_store(struct chain *chain, struct store *store)
{
    struct chain_source source = {.context = store, .get = get_from_store, .seek = seek_in_store};
    chain_init(chain, source);
}

void chain_end(struct chain *chain)
{
    memory_give(chain->batch_bytes);
    free(chain->verdicts);
    free(chain->near_verdicts);
    memset(chain, 0, sizeof *chain);
}

static bool get(struct chain *chain, unsigned table, const void *key, size_t key_length,
                struct span *ret_value)
{
    return chain->source.get(chain->source.context, table, key, key_length, ret_value);
}

enum status chain_final(struct chain *chain, struct final_point *ret_point)
{
    struct span row;
    if (!get(chain, STORE_META, "final", 5, &row)) {
        return STATUS_NOT_FOUND;
    }
    return row_final_decode(row, ret_point) == STATUS_OK ? STATUS_OK : STATUS_CORRUPT;
}

enum status chain_block(struct chain *chain, uint64_t height, const struct block_row **ret_block)
{
    if (chain->block_cached && chain->block.header.height == height) {
        *ret_block = &chain->block;
        return STATUS_OK;
    }
    uint8_t key[8];
    struct span row;
    put_be64(key, height);
    if (!get(chain, STORE_BLOCKS, key, sizeof key, &row)) {
        struct final_point final;
        bool hole = chain_final(chain, &final) == STATUS_OK && height <= final.height;
        return hole ? STATUS_CORRUPT : STATUS_NOT_FOUND;
    }
    chain->block_cached = false;
    struct block_row *block = &chain->block;
    if (row_block_decode(row, block) != STATUS_OK || block->header.height != height) {
        return STATUS_CORRUPT;
    }
    if (block->has_finalization &&
        !hash_equal(&block->hash, &block->finalization.candidate.block_hash)) {
        return STATUS_CORRUPT;
    }
    chain->block_cached = true;
    *ret_block = block;
    return STATUS_OK;
}

static enum status read_verdicts(struct chain *chain, uint64_t height, uint32_t index)
{
    uint8_t key[12];
    struct span row;
    put_be64(key, height);
    put_be32(key + 8, index);
    if (!get(chain, STORE_VERDICTS, key, sizeof key, &row) ||
        row.length != sizeof(uint16_t) * chain->batch.header.count) {
        return STATUS_CORRUPT;
    }
    memcpy(chain->verdicts, row.data, row.length);
    chain->verdict_count = chain->batch.header.count;
    return STATUS_OK;
}

static enum status read_batch(struct chain *chain, const struct hash *chain_id,
                              const struct hash *id)
{
    struct span row;
    /* A block is stored in one transaction with all that it names. */
    if (!get(chain, STORE_BATCHES, id->bytes, HASH_BYTES, &row) || row.length > BATCH_BYTES_MAX) {
        return STATUS_CORRUPT;
    }
    memcpy(chain->batch_bytes, row.data, row.length);
    enum status status = batch_parse(chain->batch_bytes, row.length, chain_id, &chain->batch, NULL);
    if (status != STATUS_OK || !hash_equal(&chain->batch.id, id)) {
        return STATUS_CORRUPT;
    }
    return STATUS_OK;
}

static enum status check_records_root(const struct batch *batch)
{
    struct hash *hashes = malloc(sizeof *hashes * batch->header.count);
    memory_check(hashes != NULL);
    enum status status = verify_batch_root(&batch->header, batch->body, batch->body_length, hashes);
    free(hashes);
    return status == STATUS_OK ? STATUS_OK : STATUS_CORRUPT;
}

enum status chain_batch(struct chain *chain, uint64_t height, uint32_t index, bool check_root,
                        const struct batch **ret_batch, const uint16_t **ret_verdicts)
{
    if (!chain->batch_cached || chain->batch_height != height || chain->batch_index != index) {
        const struct block_row *block;
        enum status status = chain_block(chain, height, &block);
        if (status != STATUS_OK) {
            return status;
        }
        if (index >= block->batch_count) {
            return STATUS_NOT_FOUND;
        }
        chain->batch_cached = false;
        status = read_batch(chain, &block->header.chain_id, &block->batch_ids[index]);
        if (status == STATUS_OK) {
            status = read_verdicts(chain, height, index);
        }
        if (status != STATUS_OK) {
            return status;
        }
        chain->batch_cached = true;
        chain->root_checked = false;
        chain->batch_height = height;
        chain->batch_index = index;
    }
    if (check_root && !chain->root_checked) {
        if (check_records_root(&chain->batch) != STATUS_OK) {
            return STATUS_CORRUPT;
        }
        chain->root_checked = true;
    }
    *ret_batch = &chain->batch;
    if (ret_verdicts != NULL) {
        *ret_verdicts = chain->verdicts;
    }
    return STATUS_OK;
}

/* Prefetch asks for records of scattered batches, so the batch is not copied here: only the record,
   the submitter and the verdict are read from their rows. ids and page heads cover them. */
static enum status read_verdict(struct chain *chain, uint64_t height, uint32_t index,
                                uint32_t count, size_t record_index, uint16_t *ret_verdict)
{
    if (chain->near_count != count || chain->near_height != height || chain->near_index != index) {
        uint8_t key[12];
        struct span row;
        put_be64(key, height);
        put_be32(key + 8, index);
        if (!get(chain, STORE_VERDICTS, key, sizeof key, &row) ||
            row.length != sizeof(uint16_t) * count || count > LIMIT_BATCH_RECORDS) {
            return STATUS_CORRUPT;
        }
        memcpy(chain->near_verdicts, row.data, row.length);
        chain->near_height = height;
        chain->near_index = index;
        chain->near_count = count;
    }
    *ret_verdict = get_le16((const uint8_t *)(chain->near_verdicts + record_index));
    return STATUS_OK;
}

enum status chain_record(struct chain *chain, uint64_t height, uint32_t position,
                         struct record *ret_record, uint16_t *ret_verdict, uint32_t *ret_submitter)
{
    const struct block_row *block;
    enum status status = chain_block(chain, height, &block);
    if (status != STATUS_OK) {
        return status;
    }
    uint32_t index = position >> 16;
    size_t record_index = position & 0xffff;
    struct span row;
    if (index >= block->batch_count) {
        return STATUS_NOT_FOUND;
    }
    if (!get(chain, STORE_BATCHES, block->batch_ids[index].bytes, HASH_BYTES, &row) ||
        row.length < BATCH_PREFIX_BYTES) {
        return STATUS_CORRUPT;
    }
    struct batch_header header;
    memcpy(&header, row.data, sizeof header);
    if (header.kind != BATCH_RECORDS || record_index >= header.count) {
        return STATUS_NOT_FOUND;
    }
    if (row.length != BATCH_PREFIX_BYTES + (size_t)header.count * RECORD_BYTES) {
        return STATUS_CORRUPT;
    }
    struct record record;
    memcpy(&record, row.data + BATCH_PREFIX_BYTES + record_index * RECORD_BYTES, RECORD_BYTES);
    status = read_verdict(chain, height, index, header.count, record_index, ret_verdict);
    if (status != STATUS_OK) {
        return status;
    }
    *ret_record = record;
    *ret_submitter = header.participant;
    return STATUS_OK;
}

static bool reader_get_row(void *context, enum ledger_table table, const void *key,
                           size_t key_length, struct span *ret_value)
{
    return get(context, (unsigned)table, key, key_length, ret_value);
}

static bool reader_get_record(void *context, uint64_t height, uint32_t position,
                              struct record *ret_record, uint16_t *ret_verdict,
                              uint32_t *ret_submitter)
{
    return chain_record(context, height, position, ret_record, ret_verdict, ret_submitter) ==
           STATUS_OK;
}

static bool reader_get_time(void *context, uint64_t height, uint64_t *ret_timestamp_ms)
{
    const struct block_row *block;
    if (chain_block(context, height, &block) != STATUS_OK) {
        return false;
    }
    *ret_timestamp_ms = block->header.timestamp_ms;
    return true;
}

/* The next key above another is that key and a zero byte. */
static bool reader_seek_row(void *context, enum ledger_table table, const void *key,
                            size_t key_length, struct span *ret_key, struct span *ret_value)
{
    struct chain *chain = context;
    uint8_t from[EXPIRY_KEY_BYTES + 1] = {0};
    CHECK(key_length < sizeof from);
    if (key_length > 0) {
        memcpy(from, key, key_length);
        key_length++;
    }
    return chain->source.seek(chain->source.context, (unsigned)table, from, key_length, ret_key,
                              ret_value);
}

struct ledger_reader chain_ledger_reader(struct chain *chain)
{
    return (struct ledger_reader){.context = chain,
                                  .get = reader_get_row,
                                  .record = reader_get_record,
                                  .time = reader_get_time,
                                  .seek = reader_seek_row};
}
