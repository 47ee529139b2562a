/* pool: verified batches that no final block names yet (see pool.h). */
#include "node/pool.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "node/memory.h"

/* Twice the batches, so that probes stay short. */
#define POOL_SLOTS (2u * POOL_BATCHES_MAX)
#define PARTICIPANT_SHARE 4
/* Every so many turns a suspect goes first. */
#define SUSPECT_TURNS 8

/* The batches of one participant, in order of arrival. */
struct share {
    uint32_t participant;
    uint32_t count;
    uint64_t bytes;
    struct pool_batch *first;
    struct pool_batch *last;
    struct pool_batch *cursor; /* while choosing */
};

struct pool {
    uint64_t byte_limit;
    uint64_t bytes;
    uint32_t count;
    uint8_t hash_key[SHORTHASH_KEY_BYTES];
    struct pool_batch *slots[POOL_SLOTS];
    uint32_t share_count;
    uint32_t share_of[LIMIT_PARTICIPANTS + 1]; /* index + 1 into shares, 0: none */
    struct share shares[POOL_BATCHES_MAX];     /* the first share_count are used */
};

struct pool *pool_new(uint64_t byte_limit, const uint8_t hash_key[SHORTHASH_KEY_BYTES])
{
    struct pool *pool = memory_take(sizeof *pool);
    memset(pool, 0, offsetof(struct pool, shares));
    pool->byte_limit = byte_limit;
    memcpy(pool->hash_key, hash_key, sizeof pool->hash_key);
    return pool;
}

static void batch_free(struct pool_batch *batch)
{
    free(batch->bytes);
    free(batch->record_hashes);
    free(batch);
}

void pool_free(struct pool *pool)
{
    if (pool == NULL) {
        return;
    }
    for (uint32_t i = 0; pool->count > 0; i++) {
        if (pool->slots[i] != NULL) {
            batch_free(pool->slots[i]);
            pool->count--;
        }
    }
    memory_give(pool);
}

static uint32_t slot_of(const struct pool *pool, const struct hash *id)
{
    return (uint32_t)(shorthash(pool->hash_key, id->bytes, sizeof id->bytes) % POOL_SLOTS);
}

static struct share *share_of(struct pool *pool, uint32_t participant)
{
    uint32_t place = pool->share_of[participant];
    return place == 0 ? NULL : &pool->shares[place - 1];
}

struct pool_batch *pool_find(const struct pool *pool, const struct hash *id)
{
    for (uint32_t i = slot_of(pool, id); pool->slots[i] != NULL; i = (i + 1) % POOL_SLOTS) {
        if (hash_equal(&pool->slots[i]->id, id)) {
            return pool->slots[i];
        }
    }
    return NULL;
}

enum status pool_admits(const struct pool *pool, const struct hash *id, uint32_t participant,
                        size_t length)
{
    if (participant > LIMIT_PARTICIPANTS) {
        return STATUS_DENIED;
    }
    if (pool_find(pool, id) != NULL) {
        return STATUS_EXISTS;
    }
    /* An eighth of the places stays free for what open blocks name. */
    if (pool->bytes + length > pool->byte_limit ||
        pool->count >= POOL_BATCHES_MAX - POOL_BATCHES_MAX / 8) {
        return STATUS_BUSY;
    }
    uint32_t place = pool->share_of[participant];
    if (place != 0) {
        const struct share *share = &pool->shares[place - 1];
        if (share->bytes + length > pool->byte_limit / PARTICIPANT_SHARE ||
            share->count >= POOL_BATCHES_MAX / PARTICIPANT_SHARE) {
            return STATUS_BUSY;
        }
    }
    return STATUS_OK;
}

static void share_append(struct pool *pool, struct pool_batch *batch)
{
    uint32_t participant = batch->header.participant;
    struct share *share = share_of(pool, participant);
    if (share == NULL) {
        CHECK(pool->share_count < POOL_BATCHES_MAX);
        share = &pool->shares[pool->share_count++];
        *share = (struct share){.participant = participant};
        pool->share_of[participant] = pool->share_count;
    }
    batch->previous = share->last;
    if (share->last != NULL) {
        share->last->next = batch;
    } else {
        share->first = batch;
    }
    share->last = batch;
    share->count++;
    share->bytes += batch->length;
}

struct pool_batch *pool_insert(struct pool *pool, const struct batch *batch, uint8_t *bytes,
                               size_t length, struct hash *record_hashes,
                               const struct public_key *verified_under, uint64_t monotonic_ms)
{
    CHECK(pool->count < POOL_BATCHES_MAX);
    CHECK(batch->header.participant <= LIMIT_PARTICIPANTS);
    CHECK(pool_find(pool, &batch->id) == NULL);
    struct pool_batch *entry = calloc(1, sizeof *entry);
    memory_check(entry != NULL);
    entry->id = batch->id;
    entry->header = batch->header;
    entry->verified_under = *verified_under;
    entry->bytes = bytes;
    entry->length = length;
    entry->record_hashes = record_hashes;
    entry->taken_ms = monotonic_ms;
    uint32_t i = slot_of(pool, &entry->id);
    while (pool->slots[i] != NULL) {
        i = (i + 1) % POOL_SLOTS;
    }
    pool->slots[i] = entry;
    pool->count++;
    pool->bytes += length;
    share_append(pool, entry);
    return entry;
}

/* Takes slot i out and moves later entries of its probe run back, so that no run has a hole. */
static void slots_remove(struct pool *pool, uint32_t i)
{
    uint32_t hole = i;
    for (uint32_t j = (i + 1) % POOL_SLOTS; pool->slots[j] != NULL; j = (j + 1) % POOL_SLOTS) {
        uint32_t home = slot_of(pool, &pool->slots[j]->id);
        bool stays = hole <= j ? (home > hole && home <= j) : (home > hole || home <= j);
        if (!stays) {
            pool->slots[hole] = pool->slots[j];
            hole = j;
        }
    }
    pool->slots[hole] = NULL;
}

static void share_remove(struct pool *pool, struct pool_batch *batch)
{
    struct share *share = share_of(pool, batch->header.participant);
    CHECK(share != NULL && share->count > 0);
    if (batch->previous != NULL) {
        batch->previous->next = batch->next;
    } else {
        share->first = batch->next;
    }
    if (batch->next != NULL) {
        batch->next->previous = batch->previous;
    } else {
        share->last = batch->previous;
    }
    share->count--;
    share->bytes -= batch->length;
    if (share->count == 0) {
        pool->share_of[share->participant] = 0;
        struct share *last = &pool->shares[--pool->share_count];
        if (last != share) {
            *share = *last;
            pool->share_of[share->participant] = (uint32_t)(share - pool->shares) + 1;
        }
    }
}

void pool_remove(struct pool *pool, struct pool_batch *batch)
{
    uint32_t i = slot_of(pool, &batch->id);
    while (pool->slots[i] != batch) {
        CHECK(pool->slots[i] != NULL);
        i = (i + 1) % POOL_SLOTS;
    }
    slots_remove(pool, i);
    share_remove(pool, batch);
    pool->count--;
    pool->bytes -= batch->length;
    batch_free(batch);
}

void pool_add_holder(struct pool_batch *batch, uint32_t peer)
{
    CHECK(peer < LIMIT_PEERS);
    if (!pool_has_holder(batch, peer)) {
        batch->holders[peer / 8] |= (uint8_t)(1u << peer % 8);
        batch->holder_count++;
    }
}

bool pool_has_holder(const struct pool_batch *batch, uint32_t peer)
{
    return batch->holders[peer / 8] >> peer % 8 & 1;
}

void pool_keep_holders(struct pool *pool, const uint8_t slots[LIMIT_PEERS / 8])
{
    for (uint32_t i = 0; i < POOL_SLOTS; i++) {
        struct pool_batch *batch = pool->slots[i];
        for (uint32_t peer = 0; batch != NULL && peer < LIMIT_PEERS; peer++) {
            if (pool_has_holder(batch, peer) && (slots[peer / 8] >> peer % 8 & 1) == 0) {
                batch->holders[peer / 8] &= (uint8_t) ~(1u << peer % 8);
                batch->holder_count--;
            }
        }
    }
}

static bool in_window(const struct pool_batch *batch, uint64_t timestamp_ms)
{
    return batch->header.expires_ms > timestamp_ms &&
           batch->header.created_ms <= timestamp_ms + BATCH_AHEAD_MS_MAX;
}

bool pool_may_name(const struct pool_batch *batch, const struct pool_terms *terms)
{
    return !batch->quarantined && in_window(batch, terms->timestamp_ms) &&
           batch->header.count <= terms->records_max &&
           (batch->holder_count >= terms->quorum ||
            batch->taken_ms + terms->delta_ms <= terms->monotonic_ms);
}

bool pool_has_work(const struct pool *pool, const struct pool_terms *terms, uint64_t *ret_next_ms)
{
    uint64_t next_ms = UINT64_MAX;
    for (uint32_t s = 0; s < pool->share_count; s++) {
        for (struct pool_batch *b = pool->shares[s].first; b != NULL; b = b->next) {
            if (pool_may_name(b, terms)) {
                return true;
            }
            if (!b->quarantined && in_window(b, terms->timestamp_ms) &&
                b->header.count <= terms->records_max && b->taken_ms + terms->delta_ms < next_ms) {
                next_ms = b->taken_ms + terms->delta_ms;
            }
        }
    }
    *ret_next_ms = next_ms;
    return false;
}

static struct pool_batch *first_suspect(const struct pool *pool, const struct pool_terms *terms)
{
    for (uint32_t s = 0; s < pool->share_count; s++) {
        for (struct pool_batch *b = pool->shares[s].first; b != NULL; b = b->next) {
            if (b->suspect && pool_may_name(b, terms)) {
                return b;
            }
        }
    }
    return NULL;
}

/* The next batch of a share that may be named and fits. */
static struct pool_batch *share_take(struct share *share, const struct pool_terms *terms,
                                     uint32_t records_left)
{
    while (share->cursor != NULL) {
        struct pool_batch *batch = share->cursor;
        if (pool_may_name(batch, terms) && !batch->suspect) {
            if (batch->header.count > records_left) {
                return NULL;
            }
            share->cursor = batch->next;
            return batch;
        }
        share->cursor = batch->next;
    }
    return NULL;
}

uint32_t pool_choose(struct pool *pool, const struct pool_terms *terms, uint64_t turn,
                     struct pool_batch *ret_batches[LIMIT_BLOCK_BATCHES])
{
    uint32_t count = 0;
    uint32_t records = 0;
    struct pool_batch *suspect =
        turn % SUSPECT_TURNS == SUSPECT_TURNS - 1 ? first_suspect(pool, terms) : NULL;
    if (suspect != NULL) {
        ret_batches[0] = suspect;
        return 1;
    }
    for (uint32_t s = 0; s < pool->share_count; s++) {
        pool->shares[s].cursor = pool->shares[s].first;
    }
    bool taken = pool->share_count > 0;
    while (taken && count < LIMIT_BLOCK_BATCHES) {
        taken = false;
        for (uint32_t i = 0; i < pool->share_count && count < LIMIT_BLOCK_BATCHES; i++) {
            struct share *share = &pool->shares[(turn + i) % pool->share_count];
            struct pool_batch *batch = share_take(share, terms, terms->records_max - records);
            if (batch != NULL) {
                ret_batches[count++] = batch;
                records += batch->header.count;
                taken = true;
            }
        }
    }
    if (count == 0) {
        suspect = first_suspect(pool, terms);
        if (suspect != NULL) {
            ret_batches[count++] = suspect;
        }
    }
    return count;
}

struct pool_batch *pool_next(const struct pool *pool, const struct pool_batch *batch)
{
    if (batch != NULL && batch->next != NULL) {
        return batch->next;
    }
    uint32_t share = batch == NULL ? 0 : pool->share_of[batch->header.participant];
    return share < pool->share_count ? pool->shares[share].first : NULL;
}

uint32_t pool_count(const struct pool *pool)
{
    return pool->count;
}

uint64_t pool_bytes(const struct pool *pool)
{
    return pool->bytes;
}

uint64_t pool_byte_limit(const struct pool *pool)
{
    return pool->byte_limit;
}

uint32_t pool_probes(const struct pool *pool, const struct hash *id)
{
    uint32_t probes = 1;
    for (uint32_t i = slot_of(pool, id);
         pool->slots[i] != NULL && !hash_equal(&pool->slots[i]->id, id); i = (i + 1) % POOL_SLOTS) {
        probes++;
    }
    return probes;
}
