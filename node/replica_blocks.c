/*
 * replica_blocks: the open height: candidates are checked by executing them, built by executing
 * what the pool offers, and committed by storing what execution produced (docs/architecture.md, The
 * way of a record, 3 to 6).
 *
 * The ledger holds at most one speculative block. Whichever candidate was executed last stays
 * until another one is needed, so that a leader never executes its own block twice.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "node/memory.h"
#include "node/replica_state.h"

void replica_blocks_rollback(struct replica *replica)
{
    if (!hash_is_zero(&replica->executed)) {
        ledger_rollback(replica->ledger);
        replica->executed = (struct hash){{0}};
        replica->outcome = NULL;
    }
}

/* The header rules that need no execution. Returns what is wrong, or NULL. */
static const char *header_fault(const struct replica *replica, const struct open_block *block)
{
    const struct block_header *header = &block->header;
    if (header->version != BLOCK_VERSION || (header->flags & ~(uint32_t)BLOCK_TERMINAL) != 0) {
        return "version or flags";
    }
    if (!hash_equal(&header->chain_id, &replica->chain_id) ||
        header->epoch != replica->validators->epoch) {
        return "chain or epoch";
    }
    if (lineage_root_block(replica->config.lineage, header->height) != NULL) {
        return "height: the root block of an incarnation stands there";
    }
    if (header->height != replica->final.height + 1 ||
        !hash_equal(&header->parent_hash, &replica->final.hash)) {
        return "parent";
    }
    if (header->timestamp_ms <= replica->final_header.timestamp_ms) {
        return "timestamp";
    }
    if (header->proposer >= replica->validators->count) {
        return "proposer";
    }
    struct hash root = batches_root(block->batch_ids, header->batch_count);
    return hash_equal(&root, &header->batches_root) ? NULL : "batches_root";
}

static void fill_ledger_batch(struct replica *replica, const struct pool_batch *batch,
                              struct ledger_batch *ret_batch)
{
    uint64_t height;
    uint32_t index;
    *ret_batch = (struct ledger_batch){
        .header = &batch->header,
        .id = batch->id,
        .record_hashes = batch->record_hashes,
        .verified_under = batch->verified_under,
        .already_placed = replica_batches_placed(replica, &batch->id, &height, &index)};
    const uint8_t *body = batch->bytes + BATCH_PREFIX_BYTES;
    if (batch->header.kind == BATCH_RECORDS) {
        ret_batch->records = (const struct record *)(const void *)body;
    } else {
        ret_batch->body = body;
        ret_batch->body_length = batch->length - BATCH_PREFIX_BYTES;
    }
}

/* Executes a candidate on the final state. The mark lets a restart know what the process died on.
 */
static enum ledger_result execute(struct replica *replica, const struct ledger_block *block,
                                  struct ledger_fault *ret_fault)
{
    struct hash ids[LIMIT_BLOCK_BATCHES];
    for (uint32_t i = 0; i < block->batch_count; i++) {
        ids[i] = block->batches[i].id;
    }
    replica_blocks_rollback(replica);
    struct ledger_reader reader = chain_ledger_reader(&replica->chain);
    replica->io.mark_trying(replica->io.context, ids, block->batch_count);
    ledger_prefetch(replica->ledger, block, &reader, replica->working_set);
    enum ledger_result result =
        ledger_execute(replica->ledger, block, replica->working_set, &replica->outcome, ret_fault);
    replica->io.mark_trying(replica->io.context, NULL, 0);
    if (result == LEDGER_OK) {
        replica->executed = replica->outcome->block_hash;
    } else {
        replica->outcome = NULL;
    }
    return result;
}

static void quarantine(struct replica *replica, struct pool_batch *batch, const char *what)
{
    batch->quarantined = true;
    char hex[65];
    bytes_to_hex(batch->id.bytes, HASH_BYTES, hex);
    replica->io.put(replica->io.context, STORE_QUARANTINE, batch->id.bytes, HASH_BYTES, what,
                    strlen(what));
    replica_log(replica, "error", "batch_quarantined", "batch=%s why=\"%s\"", hex, what);
    replica_alarm(replica, "a batch is quarantined: it breaks an invariant", true);
}

/* All of the block's batches, or false: what is missing is asked for. */
static bool gather(struct replica *replica, struct open_block *block,
                   struct ledger_batch *ret_batches)
{
    bool complete = true;
    for (uint32_t i = 0; i < block->header.batch_count; i++) {
        struct pool_batch *batch = pool_find(replica->pool, &block->batch_ids[i]);
        if (batch == NULL || !replica_batches_current(replica, batch)) {
            replica_batches_want(replica, &block->batch_ids[i], block->source, true);
            complete = false;
        } else {
            fill_ledger_batch(replica, batch, &ret_batches[i]);
        }
    }
    return complete;
}

/* A final batch named again is no longer in the pool: it could never be gathered. */
static bool names_placed(struct replica *replica, const struct open_block *block)
{
    uint64_t height;
    uint32_t index;
    for (uint32_t i = 0; i < block->header.batch_count; i++) {
        if (replica_batches_placed(replica, &block->batch_ids[i], &height, &index)) {
            return true;
        }
    }
    return false;
}

static void log_invalid(struct replica *replica, const struct open_block *block, const char *what)
{
    replica->counters.blocks_invalid++;
    replica_log(replica, "warn", "block_invalid", "height=%" PRIu64 " proposer=%u what=\"%s\"",
                block->header.height, block->header.proposer, what);
}

static enum block_check execute_candidate(struct replica *replica, struct open_block *block,
                                          const struct ledger_batch *batches)
{
    const struct block_header *header = &block->header;
    struct ledger_block input = {.epoch = header->epoch,
                                 .height = header->height,
                                 .timestamp_ms = header->timestamp_ms,
                                 .proposer = header->proposer,
                                 .batch_count = header->batch_count,
                                 .parent_hash = header->parent_hash,
                                 .batches = batches};
    struct ledger_fault fault = {.what = NULL, .batch_index = UINT32_MAX};
    enum ledger_result result = execute(replica, &input, &fault);
    replica->counters.blocks_checked++;
    switch (result) {
    case LEDGER_OK:
        if (hash_equal(&replica->executed, &block->hash)) {
            return BLOCK_AGREES;
        }
        log_invalid(replica, block, "a root differs from own execution");
        replica_blocks_rollback(replica);
        return BLOCK_INVALID;
    case LEDGER_INVARIANT:
        if (fault.batch_index < header->batch_count) {
            quarantine(replica, pool_find(replica->pool, &block->batch_ids[fault.batch_index]),
                       fault.what);
        }
        log_invalid(replica, block, fault.what);
        return BLOCK_INVALID;
    case LEDGER_INVALID_BLOCK:
        log_invalid(replica, block, fault.what);
        return BLOCK_INVALID;
    }
    return BLOCK_INVALID;
}

static void check(struct replica *replica, struct open_block *block)
{
    struct ledger_batch batches[LIMIT_BLOCK_BATCHES];
    if (hash_equal(&block->hash, &replica->executed)) {
        block->agreed = true;
        block->check_pending = false;
        replica_answer_checked(replica, &block->hash, BLOCK_AGREES);
        return;
    }
    if (block->header.height != replica->final.height + 1) {
        block->check_pending = false;
        replica_answer_checked(replica, &block->hash, BLOCK_UNAVAILABLE);
        return;
    }
    const char *fault = header_fault(replica, block);
    if (fault == NULL && names_placed(replica, block)) {
        fault = "a batch that a final block names already";
    }
    if (fault != NULL) {
        log_invalid(replica, block, fault);
        block->check_pending = false;
        replica_answer_checked(replica, &block->hash, BLOCK_INVALID);
        return;
    }
    if (!gather(replica, block, batches)) {
        block->check_pending = true;
        block->next_fetch_ms = replica->monotonic_ms + FETCH_RETRY_MS;
        return;
    }
    block->check_pending = false;
    enum block_check result = execute_candidate(replica, block, batches);
    block->agreed = result == BLOCK_AGREES;
    replica_answer_checked(replica, &block->hash, result);
}

void replica_blocks_check(struct replica *replica, const struct hash *hash, uint32_t peer)
{
    struct open_block *block = replica_open_find(replica, hash);
    if (block == NULL) {
        /* Only a certificate is here. If the block is final elsewhere its height is served by
           anyone; if not, the next leader proposes it again, with its body. */
        replica_sync_request_blocks(replica, peer, replica->final.height + 1);
        replica_answer_checked(replica, hash, BLOCK_UNAVAILABLE);
        return;
    }
    block->touched_ms = replica->monotonic_ms;
    if (peer < LIMIT_PEERS && !replica_is_own(replica, peer)) {
        block->source = peer;
    }
    check(replica, block);
}

void replica_blocks_batch_arrived(struct replica *replica)
{
    for (uint32_t i = 0; i < replica->open_high; i++) {
        struct open_block *block = &replica->open_blocks[i];
        if (block->used && block->check_pending) {
            check(replica, block);
        }
    }
}

void replica_blocks_retry(struct replica *replica)
{
    for (uint32_t i = 0; i < replica->open_high; i++) {
        struct open_block *block = &replica->open_blocks[i];
        if (!block->used || !block->check_pending || block->next_fetch_ms > replica->monotonic_ms) {
            continue;
        }
        /* Ask the next peer in turn: the first may be dead or withholding. */
        block->source = replica_next_source(replica, block->source);
        check(replica, block);
    }
}

uint64_t replica_blocks_deadline(const struct replica *replica)
{
    uint64_t deadline = UINT64_MAX;
    for (uint32_t i = 0; i < replica->open_high; i++) {
        const struct open_block *block = &replica->open_blocks[i];
        if (block->used && block->check_pending && block->next_fetch_ms < deadline) {
            deadline = block->next_fetch_ms;
        }
    }
    return deadline;
}

/* Halves the own record budget after a block that did not become final in time, and restores it
   step by step: a network too slow for large blocks still goes on. */
static void adapt_budget(struct replica *replica)
{
    uint32_t most = replica->genesis->block_records;
    if (!hash_is_zero(&replica->built)) {
        replica->records_max /= 2;
        if (replica->records_max < LIMIT_BATCH_RECORDS) {
            replica->records_max = LIMIT_BATCH_RECORDS < most ? LIMIT_BATCH_RECORDS : most;
        }
    } else if (replica->records_max < most) {
        replica->records_max = replica->records_max > most / 2 ? most : replica->records_max * 2;
    }
}

static void answer_built(struct replica *replica, uint64_t view, const struct open_block *block)
{
    struct event answer = {.kind = EVENT_BLOCK_BUILT};
    answer.built.view = view;
    answer.built.built = block != NULL;
    /* Consensus takes "nothing to build" for "no work": what comes from now on is told anew. */
    replica->had_work = replica->had_work && block != NULL;
    if (block != NULL) {
        answer.built.block = replica_block_summary(&block->header, &block->hash);
    }
    replica_answer(replica, &answer);
}

/* Executes chosen batches; leaves out, and quarantines or drops, those that cannot stand. Returns
   how many remain executed, or UINT32_MAX if even an empty block fails. */
static uint32_t try_batches(struct replica *replica, const struct ledger_block *shape,
                            struct pool_batch **chosen, uint32_t count, struct hash *ret_ids)
{
    struct ledger_batch batches[LIMIT_BLOCK_BATCHES];
    for (;;) {
        for (uint32_t i = 0; i < count; i++) {
            fill_ledger_batch(replica, chosen[i], &batches[i]);
            ret_ids[i] = chosen[i]->id;
        }
        struct ledger_block input = *shape;
        input.batches = batches;
        input.batch_count = count;
        struct ledger_fault fault = {.what = NULL, .batch_index = UINT32_MAX};
        enum ledger_result result = execute(replica, &input, &fault);
        if (result == LEDGER_OK) {
            return count;
        }
        if (count == 0) {
            return UINT32_MAX;
        }
        uint32_t bad = fault.batch_index < count ? fault.batch_index : count - 1;
        if (result == LEDGER_INVARIANT && (fault.batch_index < count || count == 1)) {
            quarantine(replica, chosen[bad], fault.what);
        } else if (result == LEDGER_INVALID_BLOCK) {
            /* Not nameable on this state (its key was rotated, its window is over): it waits to
             * expire. */
            chosen[bad]->quarantined = true;
        } else {
            bad = count - 1;
        }
        memmove(&chosen[bad], &chosen[bad + 1], sizeof(*chosen) * (count - bad - 1));
        count--;
    }
}

void replica_blocks_build(struct replica *replica, const struct effect *effect)
{
    uint64_t timestamp = replica->now_ms;
    if (timestamp < effect->build.min_timestamp_ms) {
        timestamp = effect->build.min_timestamp_ms;
    }
    if (!hash_equal(&effect->build.parent_hash, &replica->final.hash)) {
        answer_built(replica, effect->build.view, NULL);
        return;
    }
    adapt_budget(replica);
    struct pool_terms terms = {.monotonic_ms = replica->monotonic_ms,
                               .timestamp_ms = timestamp,
                               .quorum = replica->validators->quorum,
                               .delta_ms = replica->genesis->delta_ms,
                               .records_max = replica->records_max};
    struct pool_batch *chosen[LIMIT_BLOCK_BATCHES];
    struct hash ids[LIMIT_BLOCK_BATCHES];
    uint32_t count = pool_choose(replica->pool, &terms, replica->final.height, chosen);
    /* Asked because of work that is final by now, and not because the chain has idled for long. */
    bool idle = !effect->build.empty && !ledger_time_due(replica->ledger, timestamp);
    struct ledger_block shape = {.epoch = replica->validators->epoch,
                                 .height = replica->final.height + 1,
                                 .timestamp_ms = timestamp,
                                 .proposer = replica->own_index,
                                 .parent_hash = replica->final.hash};
    if (count > 0) {
        count = try_batches(replica, &shape, chosen, count, ids);
    } else if (!idle) {
        count = try_batches(replica, &shape, chosen, 0, ids);
    }
    if (count == UINT32_MAX || (count == 0 && idle)) {
        answer_built(replica, effect->build.view, NULL);
        return;
    }
    struct open_block *block =
        replica_open_add(replica, &replica->outcome->header, ids, OPEN_TRUSTED);
    if (block != NULL) {
        block->agreed = true;
        replica->counters.blocks_built++;
        replica->built = block->hash;
    }
    answer_built(replica, effect->build.view, block);
}

void replica_blocks_persist(struct replica *replica, const struct hash *hash)
{
    struct open_block *block = replica_open_find(replica, hash);
    if (block == NULL || block->durable) {
        return;
    }
    uint8_t row[ROW_BLOCK_BYTES_MAX];
    size_t length = row_block_encode(&block->header, block->batch_ids, NULL, row);
    replica->io.put(replica->io.context, STORE_OPEN_BLOCKS, hash->bytes, HASH_BYTES, row, length);
    block->durable = true;
}

static int compare_writes(const void *a, const void *b)
{
    const struct ledger_write *left = a;
    const struct ledger_write *right = b;
    size_t length = left->key_length < right->key_length ? left->key_length : right->key_length;
    int order = memcmp(left->key, right->key, length);
    if (order == 0) {
        order = (int)left->key_length - (int)right->key_length;
    }
    /* A row that goes and comes again in one block goes first. */
    return order != 0 ? order : (int)right->remove - (int)left->remove;
}

static void put_write(struct replica *replica, const struct ledger_write *write)
{
    if (write->remove) {
        replica->io.del(replica->io.context, (enum store_table)write->table, write->key,
                        write->key_length);
    } else if (write->append) {
        replica->io.append(replica->io.context, (enum store_table)write->table, write->key,
                           write->key_length, write->value, write->value_length);
    } else {
        replica->io.put(replica->io.context, (enum store_table)write->table, write->key,
                        write->key_length, write->value, write->value_length);
    }
}

/* Random keys cost a page each, ascending ones share it: ids are sorted unless they came so. */
static void put_writes(struct replica *replica, const struct ledger_outcome *outcome)
{
    uint32_t i = 0;
    while (i < outcome->write_count) {
        uint32_t end = i + 1;
        bool ascending = true;
        while (end < outcome->write_count &&
               outcome->writes[end].table == outcome->writes[i].table) {
            ascending =
                ascending && compare_writes(&outcome->writes[end - 1], &outcome->writes[end]) < 0;
            end++;
        }
        const struct ledger_write *run = &outcome->writes[i];
        if (!ascending) {
            uint32_t count = end - i;
            if (count > replica->sorted_capacity) {
                replica->sorted_writes =
                    realloc(replica->sorted_writes, sizeof *replica->sorted_writes * count);
                memory_check(replica->sorted_writes != NULL);
                replica->sorted_capacity = count;
            }
            memcpy(replica->sorted_writes, run, sizeof *run * count);
            qsort(replica->sorted_writes, count, sizeof *run, compare_writes);
            run = replica->sorted_writes;
        }
        for (uint32_t k = 0; k < end - i; k++) {
            put_write(replica, &run[k]);
        }
        i = end;
    }
}

static void put_block(struct replica *replica, const struct open_block *block,
                      const struct certificate *finalization, const uint16_t *verdicts)
{
    uint8_t row[ROW_BLOCK_BYTES_MAX];
    uint8_t key[12];
    put_be64(key, block->header.height);
    size_t length = row_block_encode(&block->header, block->batch_ids, finalization, row);
    replica->io.append(replica->io.context, STORE_BLOCKS, key, 8, row, length);
    for (uint32_t i = 0; i < block->header.batch_count; i++) {
        struct pool_batch *batch = pool_find(replica->pool, &block->batch_ids[i]);
        CHECK(batch != NULL);
        uint8_t place[12];
        put_le64(place, block->header.height);
        put_le32(place + 8, i);
        replica->io.put(replica->io.context, STORE_BATCH_PLACE, block->batch_ids[i].bytes,
                        HASH_BYTES, place, sizeof place);
        put_be32(key + 8, i);
        replica->io.append(replica->io.context, STORE_VERDICTS, key, sizeof key, verdicts,
                           sizeof(uint16_t) * batch->header.count);
        verdicts += batch->header.count;
    }
}

static void put_final(struct replica *replica)
{
    uint8_t row[ROW_FINAL_BYTES];
    row_final_encode(&replica->final, row);
    replica->io.put(replica->io.context, STORE_META, "final", 5, row, sizeof row);
}

void replica_blocks_store_made(struct replica *replica, const struct ledger_outcome *outcome)
{
    const struct block_header *header = &outcome->header;
    uint8_t row[ROW_BLOCK_BYTES_MAX];
    uint8_t key[8];
    put_be64(key, header->height);
    const size_t length = row_block_encode(header, NULL, NULL, row);
    put_writes(replica, outcome);
    replica->io.append(replica->io.context, STORE_BLOCKS, key, sizeof key, row, length);
    /* Genesis stands for the root of epoch 1. */
    replica->final = (struct final_point){.height = header->height,
                                          .epoch = header->height == 0 ? 1 : header->epoch,
                                          .hash = outcome->block_hash};
    replica->final_header = *header;
    put_final(replica);
}

void replica_blocks_commit(struct replica *replica, const struct hash *hash,
                           const struct certificate *finalization)
{
    struct open_block *block = replica_open_find(replica, hash);
    CHECK(block != NULL);
    CHECK(block->header.height == replica->final.height + 1);
    if (!hash_equal(&replica->executed, hash)) {
        /* Another candidate was executed since it was checked. */
        struct ledger_batch batches[LIMIT_BLOCK_BATCHES];
        CHECK(gather(replica, block, batches));
        CHECK(execute_candidate(replica, block, batches) == BLOCK_AGREES);
    }
    put_block(replica, block, finalization, replica->outcome->verdicts);
    replica_keys_note(replica);
    put_writes(replica, replica->outcome);
    ledger_commit(replica->ledger);
    replica->executed = (struct hash){{0}};
    replica->outcome = NULL;

    replica->final = (struct final_point){.height = block->header.height,
                                          .epoch = block->header.epoch,
                                          .view = finalization->view,
                                          .hash = *hash};
    replica->final_header = block->header;
    put_final(replica);
    if (hash_equal(&replica->built, hash)) {
        replica->built = (struct hash){{0}};
    }
    struct hash ids[LIMIT_BLOCK_BATCHES];
    uint32_t count = block->header.batch_count;
    memcpy(ids, block->batch_ids, sizeof(struct hash) * count);
    replica_open_drop_final(replica);
    for (uint32_t i = 0; i < count; i++) {
        replica_batches_final(replica, &ids[i]);
    }
    replica_log(replica, "debug", "block_final",
                "height=%" PRIu64 " view=%" PRIu64 " batches=%u records=%" PRIu64,
                replica->final.height, replica->final.view, count,
                replica->final_header.record_count);
}
