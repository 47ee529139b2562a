/*
 * replica_batches: how batches get in and around (docs/transport.md, Batches).
 *
 *   client ─► take ─► verify pool ─► insert: stored, pooled ─► pushed to all ─► HAVE comes back
 *   peer   ─► take ─► verify pool ─► insert: stored, pooled ─► HAVE to all
 *
 * A batch is Accepted when f+1 validators hold it durably. A HAVE leaves only after the pass in
 * which the batch was stored is committed, so it is never a promise ahead of the disk.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "node/memory.h"
#include "node/replica_state.h"

/* A participant's clock may be this far ahead of the node's. */
#define CREATED_AHEAD_MS (3600u * 1000u)
#define NO_PEER UINT32_MAX
/* Rounds of all validators before a wanted batch is given up. */
#define WANTED_ASKS 2
/* Batches dropped in one second. */
#define EXPIRED_A_TICK 512
/* Until what could not be asked now is looked at again. */
#define FETCH_PACE_MS 20

bool replica_batches_placed(struct replica *replica, const struct hash *id, uint64_t *ret_height,
                            uint32_t *ret_index)
{
    struct span row;
    if (!replica->io.get(replica->io.context, STORE_BATCH_PLACE, id->bytes, HASH_BYTES, &row) ||
        row.length != 12) {
        return false;
    }
    *ret_height = get_le64(row.data);
    *ret_index = get_le32(row.data + 8);
    return true;
}

void replica_batches_want(struct replica *replica, const struct hash *id, uint32_t peer,
                          bool by_block)
{
    struct wanted *wanted = wanted_find(&replica->wanted, id);
    if (wanted == NULL) {
        uint32_t share = WANTED_CLAIMS_MAX / replica->validators->count;
        wanted = wanted_add(&replica->wanted, id, peer, by_block, share);
        if (wanted == NULL) {
            return;
        }
        wanted->ask_ms = replica->monotonic_ms + (by_block ? 0 : HAVE_WAIT_MS);
    }
    if (by_block && !wanted->by_block) {
        wanted_raise(&replica->wanted, wanted);
        wanted->ask_ms = replica->monotonic_ms;
    }
    if (by_block) {
        wanted->peer = peer;
    }
}

static bool verifying_now(const struct replica *replica, const struct hash *id)
{
    for (uint32_t i = 0; i < VERIFYING_MAX; i++) {
        if (replica->verifying[i].used && hash_equal(&replica->verifying[i].id, id)) {
            return true;
        }
    }
    return false;
}

/* Form, time and key: everything that is cheap. */
static enum status admit(struct replica *replica, const struct batch *batch, size_t length,
                         bool by_block, struct public_key *ret_key, const char **ret_field)
{
    const struct batch_header *header = &batch->header;
    *ret_field = "expires_ms";
    if (header->expires_ms <= replica->now_ms && !by_block) {
        return STATUS_EXPIRED;
    }
    *ret_field = "created_ms";
    if (header->created_ms > replica->now_ms + CREATED_AHEAD_MS && !by_block) {
        return STATUS_TOO_EARLY;
    }
    *ret_field = "count";
    if (header->count > replica->genesis->block_records) {
        return STATUS_OVERSIZED; /* no block could ever hold it */
    }
    *ret_field = "key_no";
    if (!ledger_batch_key(replica->ledger, (enum batch_kind)header->kind, header->participant,
                          header->key_no, ret_key)) {
        return STATUS_DENIED;
    }
    *ret_field = "";
    if (by_block) {
        return STATUS_OK;
    }
    if (replica->refuse_batches || replica->verifying_count >= VERIFYING_MAX / 2) {
        return STATUS_BUSY;
    }
    return pool_admits(replica->pool, &batch->id, header->participant, length);
}

static void start_verification(struct replica *replica, const struct hash *id, const uint8_t *bytes,
                               size_t length, uint32_t peer, const struct public_key *key)
{
    struct verifying *job = NULL;
    for (uint32_t i = 0; i < VERIFYING_MAX && job == NULL; i++) {
        if (!replica->verifying[i].used) {
            job = &replica->verifying[i];
        }
    }
    CHECK(job != NULL);
    *job = (struct verifying){
        .used = true, .token = ++replica->next_token, .id = *id, .peer = peer, .length = length};
    replica->verifying_client_bytes += peer == NO_PEER ? length : 0;
    replica->verifying_count++;
    uint8_t *copy = malloc(length);
    memory_check(copy != NULL);
    memcpy(copy, bytes, length);
    replica->io.verify_batch(replica->io.context, job->token, copy, length, key);
}

enum status replica_batches_take(struct replica *replica, const uint8_t *bytes, size_t length,
                                 uint32_t peer, struct hash *ret_id, const char **ret_field)
{
    struct batch batch;
    struct public_key key;
    uint64_t height;
    uint32_t index;
    enum status status = replica_incarnation_parse(replica, bytes, length, &batch, ret_field);
    if (status != STATUS_OK) {
        return status;
    }
    *ret_id = batch.id;
    struct pool_batch *held = pool_find(replica->pool, &batch.id);
    if (held != NULL) {
        if (peer != NO_PEER) {
            (void)replica_batches_hold(replica, held, peer);
            replica_clients_held(replica, held);
        } else {
            held->own = true; /* its submitter counts on this node from now on */
        }
        return STATUS_OK;
    }
    if (verifying_now(replica, &batch.id) ||
        replica_batches_placed(replica, &batch.id, &height, &index)) {
        return STATUS_OK;
    }
    const struct wanted *wanted = wanted_find(&replica->wanted, &batch.id);
    bool by_block = wanted != NULL && wanted->by_block;
    if (peer == NO_PEER && replica->verifying_client_bytes + length > VERIFYING_CLIENT_BYTES) {
        return STATUS_BUSY;
    }
    *ret_field = "chain_id";
    status = replica_incarnation_takes(replica, &batch, peer != NO_PEER);
    if (status != STATUS_OK) {
        return status;
    }
    status = admit(replica, &batch, length, by_block, &key, ret_field);
    if (status == STATUS_OK && batch.header.kind == BATCH_EVIDENCE) {
        *ret_field = "body";
        status = replica_evidence_form(replica, &batch);
    }
    if (status == STATUS_OK && replica->verifying_count < VERIFYING_MAX) {
        start_verification(replica, &batch.id, bytes, length, peer, &key);
    } else if (status == STATUS_OK) {
        status = STATUS_BUSY;
    }
    return status;
}

static void push(struct replica *replica, const struct pool_batch *batch)
{
    for (uint32_t i = 0; i < replica->validators->count; i++) {
        const uint32_t peer = replica_peer_of(replica, i);
        if (!replica_is_own(replica, peer) && replica->peers[peer].up &&
            !pool_has_holder(batch, peer)) {
            replica_send_batch(replica, peer, batch->bytes, batch->length, false);
        }
    }
}

/* Merges what peers said of the batch before it came. */
static void settle_wanted(struct replica *replica, struct pool_batch *batch)
{
    struct wanted *wanted = wanted_find(&replica->wanted, &batch->id);
    if (wanted == NULL) {
        return;
    }
    for (uint32_t i = 0; i < replica->validators->count; i++) {
        const uint32_t peer = replica_peer_of(replica, i);
        if (wanted->holders[peer / 8] >> peer % 8 & 1) {
            pool_add_holder(batch, peer);
        }
    }
    wanted_remove(&replica->wanted, wanted);
}

static struct pool_batch *insert(struct replica *replica, const struct batch *batch,
                                 const struct verify_result *result)
{
    struct pool_batch *entry =
        pool_insert(replica->pool, batch, result->bytes, result->length, result->record_hashes,
                    &result->key, replica->monotonic_ms);
    (void)replica_batches_hold(replica, entry, replica->table.own);
    replica->io.put(replica->io.context, STORE_BATCHES, batch->id.bytes, HASH_BYTES, result->bytes,
                    result->length);
    replica_batches_remember(replica, &batch->id);
    if (replica->have_count < HAVES_MAX) {
        replica->haves[replica->have_count++] = batch->id;
    }
    return entry;
}

void replica_batch_verified(struct replica *replica, const struct verify_result *result)
{
    struct verifying *job = NULL;
    for (uint32_t i = 0; i < VERIFYING_MAX && job == NULL; i++) {
        if (replica->verifying[i].used && replica->verifying[i].token == result->token) {
            job = &replica->verifying[i];
        }
    }
    CHECK(job != NULL);
    struct verifying done = *job;
    job->used = false;
    replica->verifying_count--;
    replica->verifying_client_bytes -= done.peer == NO_PEER ? done.length : 0;

    struct batch batch;
    const char *field;
    enum status status = result->status;
    if (status == STATUS_OK) {
        status = replica_incarnation_parse(replica, result->bytes, result->length, &batch, &field);
    }
    if (status == STATUS_OK) {
        /* It was signed for an incarnation that has ended meanwhile. */
        status = replica_incarnation_takes(replica, &batch, done.peer != NO_PEER);
    }
    if (status == STATUS_OK && batch.header.kind == BATCH_EVIDENCE) {
        status = replica_evidence_verified(replica, &batch);
    }
    if (status != STATUS_OK || pool_count(replica->pool) >= POOL_BATCHES_MAX) {
        replica->counters.batches_refused++;
        replica_log(replica, "warn", "batch_refused", "why=%s peer=%d", status_name(status),
                    (int)done.peer);
        free(result->bytes);
        free(result->record_hashes);
        /* The id does not cover the signature, so a peer's bad copy says nothing about the one that
           a client submitted meanwhile: it is to send it again. */
        bool own = status != STATUS_OK && done.peer == NO_PEER;
        replica_clients_refused(replica, &done.id, own ? status : STATUS_BUSY);
        return;
    }
    struct pool_batch *entry = insert(replica, &batch, result);
    replica->counters.batches_accepted++;
    settle_wanted(replica, entry);
    if (done.peer == NO_PEER) {
        entry->own = true;
        push(replica, entry);
    } else {
        (void)replica_batches_hold(replica, entry, done.peer);
    }
    replica_clients_held(replica, entry);
    replica_blocks_batch_arrived(replica);
    replica_update_work(replica);
}

void replica_batches_announce(struct replica *replica)
{
    if (replica->have_count == 0) {
        return;
    }
    for (uint32_t i = 0; i < replica->validators->count && replica_votes(replica); i++) {
        const uint32_t peer = replica_peer_of(replica, i);
        if (!replica_is_own(replica, peer) && replica->peers[peer].up) {
            replica_send_have(replica, peer, replica->haves, replica->have_count);
        }
    }
    replica->have_count = 0;
}

void replica_batches_have(struct replica *replica, uint32_t peer, const struct hash *ids,
                          uint32_t count)
{
    uint64_t height;
    uint32_t index;
    if (replica_validator_of(replica, peer) == PEER_NONE || !replica_votes(replica)) {
        return; /* what others hold makes no batch safe, and who does not vote needs none early */
    }
    for (uint32_t i = 0; i < count; i++) {
        struct pool_batch *batch = pool_find(replica->pool, &ids[i]);
        if (batch != NULL) {
            if (replica_batches_hold(replica, batch, peer)) {
                replica_clients_held(replica, batch);
            }
        } else if (!replica_batches_placed(replica, &ids[i], &height, &index)) {
            replica_batches_want(replica, &ids[i], peer, false);
            struct wanted *wanted = wanted_find(&replica->wanted, &ids[i]);
            if (wanted != NULL) {
                wanted->holders[peer / 8] |= (uint8_t)(1u << peer % 8);
            }
        }
    }
    replica_update_work(replica);
}

/* Surplus requests stay unanswered: who needs the rest asks again, or somebody else. */
void replica_batches_requested(struct replica *replica, uint32_t peer, const struct hash *ids,
                               uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        const struct pool_batch *batch = pool_find(replica->pool, &ids[i]);
        struct span row = {0};
        if (batch != NULL) {
            row = (struct span){.data = batch->bytes, .length = batch->length};
        } else if (!replica->io.get(replica->io.context, STORE_BATCHES, ids[i].bytes, HASH_BYTES,
                                    &row)) {
            continue;
        }
        if (!replica_sync_may_answer(replica, peer, row.length)) {
            return;
        }
        replica_send_batch(replica, peer, row.data, row.length, true);
    }
}

/* Every validator that is up learns what this one holds, in as few frames as it takes. */
void replica_batches_peer_up(struct replica *replica, uint32_t peer)
{
    if (!replica_votes(replica)) {
        return;
    }
    struct hash *ids = malloc(sizeof *ids * PEER_HAVE_MAX);
    memory_check(ids != NULL);
    uint32_t count = 0;
    for (const struct pool_batch *b = pool_next(replica->pool, NULL); b != NULL;
         b = pool_next(replica->pool, b)) {
        ids[count++] = b->id;
        if (count == PEER_HAVE_MAX) {
            replica_send_have(replica, peer, ids, count);
            count = 0;
        }
    }
    if (count > 0) {
        replica_send_have(replica, peer, ids, count);
    }
    free(ids);
}

void replica_batches_fetch(struct replica *replica)
{
    uint64_t height;
    uint32_t index;
    uint32_t asked = 0;
    for (uint32_t i = 0; i < replica->wanted.count;) {
        struct wanted *wanted = &replica->wanted.entries[i];
        if (!wanted->by_block && (pool_find(replica->pool, &wanted->id) != NULL ||
                                  replica_batches_placed(replica, &wanted->id, &height, &index))) {
            wanted_remove(&replica->wanted, wanted);
            continue;
        }
        if (wanted->asks >= WANTED_ASKS * replica->validators->count) {
            wanted_remove(&replica->wanted,
                          wanted); /* a check that still needs it wants it again */
            continue;
        }
        i++;
        if (wanted->ask_ms > replica->monotonic_ms) {
            continue;
        }
        if (asked >= 2 * PEER_REQUEST_MAX || verifying_now(replica, &wanted->id)) {
            wanted->ask_ms = replica->monotonic_ms + FETCH_PACE_MS;
            continue;
        }
        asked++;
        wanted->asks++;
        if (wanted->peer < LIMIT_PEERS && !replica_is_own(replica, wanted->peer)) {
            replica_send_batch_request(replica, wanted->peer, &wanted->id, 1);
        }
        wanted->ask_ms =
            replica->monotonic_ms + (wanted->by_block ? FETCH_RETRY_MS : 4 * HAVE_WAIT_MS);
        wanted->peer = replica_next_source(replica, wanted->peer);
    }
}

uint64_t replica_batches_deadline(const struct replica *replica)
{
    uint64_t deadline = UINT64_MAX;
    for (uint32_t i = 0; i < replica->wanted.count; i++) {
        if (replica->wanted.entries[i].ask_ms < deadline) {
            deadline = replica->wanted.entries[i].ask_ms;
        }
    }
    return deadline;
}

void replica_batches_final(struct replica *replica, const struct hash *id)
{
    replica_batches_forget(replica, id);
    struct wanted *wanted = wanted_find(&replica->wanted, id);
    if (wanted != NULL) {
        wanted_remove(&replica->wanted, wanted);
    }
    struct pool_batch *batch = pool_find(replica->pool, id);
    if (batch != NULL) {
        pool_remove(replica->pool, batch);
    }
    replica_clients_final(replica, id);
}

static void expire(struct replica *replica, struct pool_batch *batch)
{
    struct hash id = batch->id;
    replica_batches_forget(replica, &id);
    replica->io.del(replica->io.context, STORE_BATCHES, id.bytes, HASH_BYTES);
    replica_log(replica, "info", "batch_expired", "participant=%u", batch->header.participant);
    pool_remove(replica->pool, batch);
    replica_clients_expired(replica, &id);
}

bool replica_batches_current(struct replica *replica, struct pool_batch *batch)
{
    struct public_key key;
    const struct batch_header *header = &batch->header;
    if (!ledger_batch_key(replica->ledger, (enum batch_kind)header->kind, header->participant,
                          header->key_no, &key) ||
        memcmp(&key, &batch->verified_under, sizeof key) == 0) {
        return true;
    }
    const struct hash id = batch->id;
    replica_batches_forget(replica, &id);
    replica->io.del(replica->io.context, STORE_BATCHES, id.bytes, HASH_BYTES);
    pool_remove(replica->pool, batch);
    replica_clients_refused(replica, &id, STATUS_BUSY);
    return false;
}

static void push_again(struct replica *replica, struct pool_batch *batch, uint32_t *sent)
{
    if (!batch->own || batch->holder_count >= replica->validators->count ||
        replica->monotonic_ms < batch->taken_ms + 2 * HOUSEKEEPING_MS ||
        replica->monotonic_ms < batch->pushed_again_ms + 5 * HOUSEKEEPING_MS) {
        return;
    }
    for (uint32_t i = 0; i < replica->validators->count; i++) {
        const uint32_t peer = replica_peer_of(replica, i);
        if (!replica_is_own(replica, peer) && replica->peers[peer].up &&
            !pool_has_holder(batch, peer) && sent[peer] < REPUSH_PER_TICK) {
            replica_send_batch(replica, peer, batch->bytes, batch->length, false);
            sent[peer]++;
            batch->pushed_again_ms = replica->monotonic_ms;
        }
    }
}

/* By the chain's time, not by a clock: only then can no block name it any more, whatever a clock
   that jumps may say. Removal reorders the pool, so the ids are collected first. */
static void expire_old(struct replica *replica)
{
    struct hash ids[EXPIRED_A_TICK];
    uint32_t count = 0;
    for (const struct pool_batch *b = pool_next(replica->pool, NULL);
         b != NULL && count < EXPIRED_A_TICK; b = pool_next(replica->pool, b)) {
        if (b->header.expires_ms <= replica->final_header.timestamp_ms &&
            !replica_open_names(replica, &b->id)) {
            ids[count++] = b->id;
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        expire(replica, pool_find(replica->pool, &ids[i]));
    }
}

void replica_batches_housekeep(struct replica *replica)
{
    uint32_t sent[LIMIT_PEERS] = {0};
    expire_old(replica);
    for (struct pool_batch *b = pool_next(replica->pool, NULL); b != NULL;
         b = pool_next(replica->pool, b)) {
        if (b->header.expires_ms > replica->now_ms && replica_incarnation_is_newest(replica)) {
            push_again(replica, b, sent);
        }
    }
    for (uint32_t peer = 0; peer < LIMIT_PEERS; peer++) {
        if (sent[peer] > 0) {
            replica_log(replica, "debug", "batches_pushed_again", "peer=%u count=%u", peer,
                        sent[peer]);
        }
    }
}
