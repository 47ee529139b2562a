/*
 * replica_incarnation: which incarnation a store is in, and the step from one to the next
 * (docs/consensus.md, Incarnations).
 *
 *   store ends     below the root         at the root              beyond it, or at another block
 *                  follows, never votes   makes the root block     does not start
 *
 * The root block is made in one pass with the commit of the root, or at the start: a crash leaves a
 * store before both, between them, or after, and the next start goes on from there.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "node/replica_state.h"

#define ENTRY_REFUSED_TEXT                                                                         \
    "this node cannot enter the newest incarnation: the document does not continue its chain"

#define REFUSE(replica, ...)                                                                       \
    (void)snprintf((replica)->refusal, sizeof(replica)->refusal, __VA_ARGS__)

bool replica_incarnation_is_newest(const struct replica *replica)
{
    return hash_equal(ledger_chain_id(replica->ledger),
                      &lineage_newest(replica->config.lineage)->chain_id);
}

/* ---- The store ---- */

/* Block number at: hash if there is one. */
static bool hash_at(struct replica *replica, uint64_t height, struct hash *ret_hash)
{
    const struct block_row *block;
    if (chain_block(&replica->chain, height, &block) != STATUS_OK) {
        return false;
    }
    *ret_hash = block->hash;
    return true;
}

/* A store of an earlier incarnation against the root that ended it. */
static enum status check_root(struct replica *replica, const struct incarnation *next)
{
    const struct genesis *document = next->genesis;
    const uint64_t root = document->root_height;
    struct hash hash;
    if (replica->final.height < root) {
        return STATUS_OK;
    }
    if (!hash_at(replica, root, &hash)) {
        REFUSE(replica, "block %" PRIu64 ": it cannot be read", root);
        return STATUS_CORRUPT;
    }
    if (!hash_equal(&hash, &document->root_hash)) {
        REFUSE(replica,
               "at height %" PRIu64 ", the root of incarnation %u, this store has another block "
               "than the document names: it is on another branch, or the document is wrong. "
               "Compare both with the other operators. If the document stands, move this folder "
               "away, keep it as evidence, and start again: the node fetches the chain from the "
               "others",
               root, document->incarnation);
        return STATUS_WRONG_CHAIN;
    }
    if (replica->final.height > root) {
        REFUSE(replica,
               "this store ends at block %" PRIu64 ", beyond block %" PRIu64 ", the root of "
               "incarnation %u: %" PRIu64 " final blocks would be lost. The root should be the "
               "highest final block among all backups: make the document anew from this store. If "
               "all operators have decided to give these blocks up, move this folder away, keep it "
               "as evidence, and start again: the node fetches the chain from the others",
               replica->final.height, root, document->incarnation, replica->final.height - root);
        return STATUS_WRONG_CHAIN;
    }
    return STATUS_OK;
}

enum status replica_incarnation_check(struct replica *replica, const struct hash *chain_id)
{
    const struct lineage *lineage = replica->config.lineage;
    if (!lineage_has(lineage, chain_id)) {
        return STATUS_WRONG_CHAIN;
    }
    const struct incarnation *next = lineage_after(lineage, chain_id);
    if (next != NULL) {
        const enum status status = check_root(replica, next);
        if (status != STATUS_OK) {
            return status;
        }
    }
    const struct incarnation *own = lineage_at_height(lineage, replica->final.height);
    if (!hash_equal(&own->chain_id, chain_id)) {
        REFUSE(replica,
               "the chain id is not that of block %" PRIu64 ", the last: the store is damaged, or "
               "not of these documents",
               replica->final.height);
        return STATUS_CORRUPT;
    }
    return STATUS_OK;
}

/* ---- A halt ---- */

/* A halt says that what this node knows cannot all be true. What is true up to the root, people
   have decided by a new document; whatever contradicts that is met again when the chain is
   followed, and halts the node again, then for the newest incarnation. */
bool replica_incarnation_halted(struct replica *replica, enum alarm *ret_alarm)
{
    const struct lineage *lineage = replica->config.lineage;
    const struct hash *newest = &lineage_newest(lineage)->chain_id;
    struct span row;
    struct hash chain_id;
    if (!replica->io.get(replica->io.context, STORE_META, "halted", 6, &row)) {
        return false;
    }
    *ret_alarm = row.length == 0 ? ALARM_DIVERGED : (enum alarm)row.data[0];
    if (row.length != HALTED_BYTES) {
        return true;
    }
    memcpy(chain_id.bytes, row.data + 1, HASH_BYTES);
    if (hash_equal(&chain_id, newest) || !lineage_has(lineage, &chain_id)) {
        return true;
    }
    replica_log(replica, "warn", "halt_lifted",
                "was=\"%s\" why=\"the operators go on in incarnation %u; what contradicts its root "
                "halts this node again\"",
                replica_alarm_text(*ret_alarm), lineage_newest(lineage)->genesis->incarnation);
    replica->io.del(replica->io.context, STORE_META, "halted", 6);
    return false;
}

void replica_incarnation_halt(struct replica *replica, enum alarm alarm)
{
    uint8_t mark[HALTED_BYTES];
    mark[0] = (uint8_t)alarm;
    memcpy(mark + 1, lineage_newest(replica->config.lineage)->chain_id.bytes, HASH_BYTES);
    replica->io.put(replica->io.context, STORE_META, "halted", 6, mark, sizeof mark);
}

/* ---- Entering ---- */

/* Candidates under the old chain id: none of them can become final any more. */
static void drop_open_blocks(struct replica *replica)
{
    struct span key;
    struct span value;
    uint8_t hash[HASH_BYTES];
    replica_open_drop_final(replica);
    while (replica->io.seek(replica->io.context, STORE_OPEN_BLOCKS, NULL, 0, &key, &value) &&
           key.length == sizeof hash) {
        memcpy(hash, key.data, sizeof hash);
        replica->io.del(replica->io.context, STORE_OPEN_BLOCKS, hash, sizeof hash);
    }
}

static enum status enter(struct replica *replica, const struct ledger_block *block)
{
    struct ledger_fault fault = {.what = NULL};
    const struct ledger_outcome *outcome;
    const struct incarnation *next = lineage_root_block(replica->config.lineage, block->height);
    const struct ledger_reader reader = chain_ledger_reader(&replica->chain);
    CHECK(next != NULL);
    replica_blocks_rollback(replica);
    ledger_prefetch(replica->ledger, block, &reader, replica->working_set);
    if (ledger_execute_root(replica->ledger, block, replica->working_set, &outcome, &fault) !=
        LEDGER_OK) {
        REFUSE(replica,
               "the document of incarnation %u does not continue this chain: %s. Make it anew: see "
               "docs/operations.md, A new incarnation",
               next->genesis->incarnation, fault.what);
        return STATUS_WRONG_CHAIN;
    }
    replica_blocks_store_made(replica, outcome);
    ledger_commit(replica->ledger);
    replica->io.put(replica->io.context, STORE_META, "chain_id", 8, next->chain_id.bytes,
                    HASH_BYTES);
    drop_open_blocks(replica);
    replica_log(replica, "info", "incarnation", "incarnation=%u height=%" PRIu64 " epoch=%" PRIu64,
                next->genesis->incarnation, replica->final.height, ledger_epoch(replica->ledger));
    return STATUS_OK;
}

/* A root may be the root block of the incarnation before, so there may be several at once. */
enum status replica_incarnation_enter(struct replica *replica)
{
    struct ledger_block block;
    while (!replica->entry_refused && ledger_root_block(replica->ledger, &block)) {
        const enum status status = enter(replica, &block);
        if (status != STATUS_OK) {
            replica->entry_refused = true;
            replica_alarm(replica, ENTRY_REFUSED_TEXT, true);
            replica_log(replica, "error", "entry_refused", "why=\"%s\"", replica->refusal);
            return status;
        }
    }
    return STATUS_OK;
}

/* ---- Batches ---- */

enum status replica_incarnation_parse(const struct replica *replica, const uint8_t *bytes,
                                      size_t length, struct batch *ret_batch,
                                      const char **ret_field)
{
    const struct lineage *lineage = replica->config.lineage;
    struct batch_header header;
    struct hash chain_id = lineage_newest(lineage)->chain_id;
    if (length >= sizeof header) {
        memcpy(&header, bytes, sizeof header);
        if (lineage_has(lineage, &header.chain_id)) {
            chain_id = header.chain_id;
        }
    }
    return batch_parse(bytes, length, &chain_id, ret_batch, ret_field);
}

enum status replica_incarnation_takes(const struct replica *replica, const struct batch *batch,
                                      bool from_peer)
{
    const struct hash *newest = &lineage_newest(replica->config.lineage)->chain_id;
    if (hash_equal(&batch->header.chain_id, ledger_chain_id(replica->ledger))) {
        /* Of an earlier incarnation only what its final blocks name is still wanted. */
        return from_peer || replica_incarnation_is_newest(replica) ? STATUS_OK : STATUS_WRONG_CHAIN;
    }
    /* Whoever is ahead, or a peer that is behind, does nothing wrong. */
    return from_peer || hash_equal(&batch->header.chain_id, newest) ? STATUS_BUSY
                                                                    : STATUS_WRONG_CHAIN;
}

void replica_incarnation_log_dropped(struct replica *replica, uint32_t count)
{
    if (count > 0) {
        replica_log(replica, "warn", "batches_dropped",
                    "count=%u why=\"no final block names them, and they are signed for an earlier "
                    "incarnation: their submitters sign them anew\"",
                    count);
    }
}

void replica_incarnation_drop_batches(struct replica *replica)
{
    const struct hash *chain_id = ledger_chain_id(replica->ledger);
    uint32_t dropped = 0;
    struct pool_batch *batch = pool_next(replica->pool, NULL);
    while (batch != NULL) {
        if (hash_equal(&batch->header.chain_id, chain_id)) {
            batch = pool_next(replica->pool, batch);
            continue;
        }
        const struct hash id = batch->id;
        replica_batches_forget(replica, &id);
        replica->io.del(replica->io.context, STORE_BATCHES, id.bytes, HASH_BYTES);
        pool_remove(replica->pool, batch);
        replica_clients_refused(replica, &id, STATUS_WRONG_CHAIN);
        replica_clients_expired(replica, &id);
        dropped++;
        batch = pool_next(replica->pool, NULL); /* removal reorders the pool */
    }
    replica_incarnation_log_dropped(replica, dropped);
}
