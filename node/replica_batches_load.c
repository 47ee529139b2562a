/*
 * replica_batches_load: which stored batches are pending, and the pool after a restart, with the
 * marks of a crash (docs/consensus.md, Quarantine).
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "node/memory.h"
#include "node/replica_state.h"

/* The key of the row that says "this stored batch is still pending". */
#define PENDING_KEY_BYTES (1 + HASH_BYTES)
static void pending_key(const struct hash *id, uint8_t ret_key[PENDING_KEY_BYTES])
{
    ret_key[0] = 'p';
    memcpy(ret_key + 1, id->bytes, HASH_BYTES);
}

/* Starts that died on this batch alone before it is quarantined. A person or a power cut may kill
   all nodes while they execute the same batch, which does not make it a bad one. */
#define DEATHS_MAX 3

/* The key of the row that counts the starts which died on this batch alone. */
static void deaths_key(const struct hash *id, uint8_t ret_key[PENDING_KEY_BYTES])
{
    ret_key[0] = 'd';
    memcpy(ret_key + 1, id->bytes, HASH_BYTES);
}

void replica_batches_remember(struct replica *replica, const struct hash *id)
{
    uint8_t key[PENDING_KEY_BYTES];
    pending_key(id, key);
    replica->io.put(replica->io.context, STORE_META, key, sizeof key, "", 0);
}

void replica_batches_forget(struct replica *replica, const struct hash *id)
{
    uint8_t key[PENDING_KEY_BYTES];
    pending_key(id, key);
    replica->io.del(replica->io.context, STORE_META, key, sizeof key);
    deaths_key(id, key);
    replica->io.del(replica->io.context, STORE_META, key, sizeof key);
}

bool replica_batches_hold(struct replica *replica, struct pool_batch *batch, uint32_t peer)
{
    if (replica_validator_of(replica, peer) == PEER_NONE || pool_has_holder(batch, peer)) {
        return false;
    }
    pool_add_holder(batch, peer);
    return true;
}

/* Its number may mean another key than when it was taken in: validators' numbers are parts of their
   keys. Those of participants are never used again. */
static bool is_signed(struct replica *replica, const struct batch *batch,
                      const struct public_key *key)
{
    uint8_t bytes[BATCH_SIGNED_BYTES];
    if (batch->header.key_no < VALIDATOR_KEY_NO) {
        return true;
    }
    batch_signed_bytes(&batch->header, bytes);
    return replica->io.verify(replica->io.context, key, bytes, sizeof bytes, &batch->signature);
}

/* One stored pending batch back into the pool. */
static enum status load_one(struct replica *replica, const struct hash *id, uint32_t *ret_dropped)
{
    struct span row;
    struct batch batch;
    const char *field;
    if (!replica->io.get(replica->io.context, STORE_BATCHES, id->bytes, HASH_BYTES, &row)) {
        return STATUS_CORRUPT;
    }
    struct verify_result result = {.length = row.length, .bytes = malloc(row.length)};
    memory_check(result.bytes != NULL);
    memcpy(result.bytes, row.data, row.length);
    if (replica_incarnation_parse(replica, result.bytes, result.length, &batch, &field) !=
            STATUS_OK ||
        !hash_equal(&batch.id, id)) {
        free(result.bytes);
        return STATUS_CORRUPT;
    }
    if (!hash_equal(&batch.header.chain_id, &replica->chain_id)) {
        free(result.bytes);
        replica_batches_forget(replica, id); /* of an incarnation that has ended */
        replica->io.del(replica->io.context, STORE_BATCHES, id->bytes, HASH_BYTES);
        (*ret_dropped)++;
        return STATUS_OK;
    }
    if (!ledger_batch_key(replica->ledger, (enum batch_kind)batch.header.kind,
                          batch.header.participant, batch.header.key_no, &result.key) ||
        !is_signed(replica, &batch, &result.key)) {
        free(result.bytes);
        /* Its key is no longer valid: no block can name it. */
        replica_batches_forget(replica, id);
        replica->io.del(replica->io.context, STORE_BATCHES, id->bytes, HASH_BYTES);
        return STATUS_OK;
    }
    if (batch.header.kind == BATCH_RECORDS) {
        result.record_hashes = malloc(sizeof(struct hash) * batch.header.count);
        memory_check(result.record_hashes != NULL);
    }
    if (verify_batch_root(&batch.header, batch.body, batch.body_length, result.record_hashes) !=
        STATUS_OK) {
        free(result.bytes);
        free(result.record_hashes);
        return STATUS_CORRUPT;
    }
    struct pool_batch *entry =
        pool_insert(replica->pool, &batch, result.bytes, result.length, result.record_hashes,
                    &result.key, replica->monotonic_ms);
    (void)replica_batches_hold(replica, entry, replica->table.own);
    entry->own = true; /* whoever it came from: this node sees that all get it */
    struct span why;
    entry->quarantined =
        replica->io.get(replica->io.context, STORE_QUARANTINE, id->bytes, HASH_BYTES, &why);
    return STATUS_OK;
}

static bool died_once_more(struct replica *replica, const struct hash *id)
{
    uint8_t key[PENDING_KEY_BYTES];
    struct span row;
    uint8_t deaths = 1;
    deaths_key(id, key);
    if (replica->io.get(replica->io.context, STORE_META, key, sizeof key, &row) &&
        row.length == 1) {
        deaths = row.data[0] < DEATHS_MAX ? (uint8_t)(row.data[0] + 1) : DEATHS_MAX;
    }
    replica->io.put(replica->io.context, STORE_META, key, sizeof key, &deaths, sizeof deaths);
    return deaths >= DEATHS_MAX;
}

static void mark_crashed(struct replica *replica)
{
    static const char why[] = "the process ended three times while executing this batch alone";
    const struct replica_config *config = &replica->config;
    for (uint32_t i = 0; i < config->crashed_count; i++) {
        struct pool_batch *batch = pool_find(replica->pool, &config->crashed_batches[i]);
        if (batch == NULL) {
            continue;
        }
        if (config->crashed_count == 1 && died_once_more(replica, &batch->id)) {
            batch->quarantined = true;
            replica->io.put(replica->io.context, STORE_QUARANTINE, batch->id.bytes, HASH_BYTES, why,
                            sizeof why - 1);
        } else {
            batch->suspect = true;
        }
        replica_log(replica, "error", "crashed_on_batch", "participant=%u quarantined=%d",
                    batch->header.participant, batch->quarantined);
    }
}

enum status replica_batches_load(struct replica *replica)
{
    /* Other rows of meta stand among these: "pruned" does. */
    uint8_t from[PENDING_KEY_BYTES + 1] = {'p'};
    size_t from_length = 1;
    struct span key;
    struct span value;
    uint32_t dropped = 0;
    while (replica->io.seek(replica->io.context, STORE_META, from, from_length, &key, &value) &&
           key.length < sizeof from && key.data[0] == 'p') {
        struct hash id;
        const bool pending = key.length == PENDING_KEY_BYTES;
        memcpy(from, key.data, key.length);
        from[key.length] = 0; /* the next key: one zero more */
        from_length = key.length + 1;
        memcpy(id.bytes, from + 1, HASH_BYTES);
        enum status status = pending ? load_one(replica, &id, &dropped) : STATUS_OK;
        if (status != STATUS_OK) {
            return status;
        }
    }
    replica_incarnation_log_dropped(replica, dropped);
    mark_crashed(replica);
    return STATUS_OK;
}
