/*
 * wanted: batches that peers say they have, or that a block names, and this node lacks
 * (docs/transport.md, Batches). What a block names always finds room: it takes the place of a mere
 * claim. Claims are bounded per peer, so that no peer can fill the table with made-up ids.
 */
#ifndef HEFU_NODE_WANTED_H
#define HEFU_NODE_WANTED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/shorthash.h"

#define WANTED_MAX 4096
#define WANTED_BUCKETS 8192
/* Of all entries, how many may be claims; the peers share them equally. */
#define WANTED_CLAIMS_MAX (WANTED_MAX * 3 / 4)

struct wanted {
    struct hash id;
    uint32_t peer;    /* to be asked next */
    uint32_t claimer; /* whose share it counts in, while by_block is not set */
    bool by_block;    /* an open block names it: fetched at once, outside quotas */
    uint32_t asks;
    uint64_t ask_ms;
    uint8_t holders[LIMIT_PEERS / 8]; /* who said that they have it */
    uint32_t next;                    /* in the bucket: place + 1, 0 ends */
};

struct wanted_table {
    uint32_t count;
    uint8_t hash_key[SHORTHASH_KEY_BYTES];
    uint32_t buckets[WANTED_BUCKETS]; /* place + 1 */
    uint32_t claims[LIMIT_PEERS];
    struct wanted entries[WANTED_MAX]; /* the first count are used, in no order */
};

/* An empty table, over memory that need not be zero. hash_key: a secret of this process, because
   peers choose the ids that they claim to have, and could choose them to share a bucket. */
void wanted_init(struct wanted_table *table, const uint8_t hash_key[SHORTHASH_KEY_BYTES]);

/* Borrowed until the next add or remove. NULL if it is not wanted. */
struct wanted *wanted_find(struct wanted_table *table, const struct hash *id);
/* The id must not be there. NULL if the peer's share of claims is used up (share: of each peer), or
   if every place is taken by what blocks name. */
struct wanted *wanted_add(struct wanted_table *table, const struct hash *id, uint32_t peer,
                          bool by_block, uint32_t share);
/* A claim becomes what a block names. */
void wanted_raise(struct wanted_table *table, struct wanted *wanted);
/* The last entry takes its place. */
void wanted_remove(struct wanted_table *table, struct wanted *wanted);

#endif
