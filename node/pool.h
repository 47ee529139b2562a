/*
 * pool: verified batches that no final block names yet (docs/transport.md, Batches). It knows who
 * holds each batch durably, which ones a leader may name, and keeps shares: no participant holds
 * more than a quarter, bytes and counts are both bounded, a full share answers BUSY, and what was
 * taken in is never evicted before it expires or becomes final.
 *
 *   participant 3   [b1] -> [b7] -> [b9]      pool_choose goes round the participants, one batch
 *   participant 8   [b2]                      of each a turn, in order of arrival inside one
 *   participant 9   [b3] -> [b4]
 */
#ifndef HEFU_NODE_POOL_H
#define HEFU_NODE_POOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/shorthash.h"
#include "base/status.h"
#include "ledger/ledger.h"

#define POOL_BATCHES_MAX 16384

struct pool_batch {
    struct hash id;
    struct batch_header header;
    struct public_key verified_under;
    uint8_t *bytes; /* header ‖ signature ‖ body, owned, aligned to 16 */
    size_t length;
    struct hash *record_hashes;       /* owned; NULL for actions and evidence */
    uint8_t holders[LIMIT_PEERS / 8]; /* validators of this epoch, by peer slot */
    uint32_t holder_count;
    uint64_t taken_ms; /* monotonic */
    uint64_t pushed_again_ms;
    bool own;         /* a client gave it to this node, which pushes it */
    bool suspect;     /* named in a block during whose execution the node crashed: named alone */
    bool quarantined; /* broke an invariant here: this node does not name it */
    struct pool_batch *next; /* of the same participant */
    struct pool_batch *previous;
};

struct pool;

/* byte_limit: of all batches together. hash_key: a secret of this process, because who makes
   batches chooses their ids, and could grind them to share a place in the index. */
struct pool *pool_new(uint64_t byte_limit, const uint8_t hash_key[SHORTHASH_KEY_BYTES]);
void pool_free(struct pool *pool);

/* Whether a batch of this size may enter now: OK, BUSY (full, or the participant's share is),
 * EXISTS. */
enum status pool_admits(const struct pool *pool, const struct hash *id, uint32_t participant,
                        size_t length) MUST_USE;
/* Takes a verified batch; bytes and record_hashes pass over. The batch must not be in the pool.
   Limits are not checked here: what an open block names is outside every quota. */
struct pool_batch *pool_insert(struct pool *pool, const struct batch *batch, uint8_t *bytes,
                               size_t length, struct hash *record_hashes,
                               const struct public_key *verified_under, uint64_t monotonic_ms);
struct pool_batch *pool_find(const struct pool *pool, const struct hash *id);
void pool_remove(struct pool *pool, struct pool_batch *batch);

/* peer: the slot of a validator of this epoch (node/peers.h). */
void pool_add_holder(struct pool_batch *batch, uint32_t peer);
bool pool_has_holder(const struct pool_batch *batch, uint32_t peer);
/* Of all batches, holders that are not in the set of slots no longer count: the validators have
   changed. */
void pool_keep_holders(struct pool *pool, const uint8_t slots[LIMIT_PEERS / 8]);

/* What a leader may name: held by quorum validators, or taken in at least delta_ms ago. */
struct pool_terms {
    uint64_t monotonic_ms;
    uint64_t timestamp_ms; /* of the block: batches that expire at or before it, or were created far
                              ahead, stay out */
    uint32_t quorum;
    uint32_t delta_ms;
    uint32_t records_max;
};
bool pool_may_name(const struct pool_batch *batch, const struct pool_terms *terms);
/* Whether there is anything to name; if not, ret_next_ms is when a batch ripens (UINT64_MAX: none
 * waits). */
bool pool_has_work(const struct pool *pool, const struct pool_terms *terms, uint64_t *ret_next_ms);
/* Up to LIMIT_BLOCK_BATCHES batches, round-robin by participant; a suspect is chosen alone, when
   nothing else waits or every eighth turn (a height), so that no load keeps it waiting for ever. */
uint32_t pool_choose(struct pool *pool, const struct pool_terms *terms, uint64_t turn,
                     struct pool_batch *ret_batches[LIMIT_BLOCK_BATCHES]);

/* Walks all batches; NULL starts and ends. The current one may be removed before the next call only
   if next was read first. */
struct pool_batch *pool_next(const struct pool *pool, const struct pool_batch *batch);

uint32_t pool_count(const struct pool *pool);
uint64_t pool_bytes(const struct pool *pool);
uint64_t pool_byte_limit(const struct pool *pool);
/* How many places of the index a search for this id looks at. */
uint32_t pool_probes(const struct pool *pool, const struct hash *id);

#endif
