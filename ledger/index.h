/*
 * index: finds a row of this block by its key: open addressing over rows that stand in an array,
 * hashed by SipHash under the parent block's hash, so that nobody can choose keys that collide
 * before knowing the block they land in. Emptied in O(1) by a new generation.
 *
 * Rows are only ever removed in the reverse order of insertion (a failed chain), which leaves
 * linear probing exactly as it was before.
 */
#ifndef HEFU_LEDGER_INDEX_H
#define HEFU_LEDGER_INDEX_H

#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"

#define INDEX_NONE UINT32_MAX

struct index_slot {
    uint32_t generation;
    uint32_t row;
};

struct index {
    struct index_slot *slots;
    const uint8_t *rows; /* row k starts at rows + k * stride, with its key */
    uint32_t mask;       /* slots - 1, a power of two minus one */
    uint32_t stride;
    uint32_t key_length;
    uint32_t generation;
    uint8_t hash_key[16];
};

/* Slots for an index of at most rows rows: a power of two, at least twice as many. */
uint32_t index_slots(uint32_t rows);

/* How many rows a block may bring, at most as many as the index was laid out for: few rows in few
   slots stay in the processor's cache. Before index_begin. */
void index_fit(struct index *index, uint32_t rows);

/* Forgets everything; generation differs from all since the slots were last zeroed. */
void index_begin(struct index *index, uint32_t generation, const struct hash *parent_hash);

/* The row with this key, or INDEX_NONE; then ret_slot is where index_put must place it. */
uint32_t index_find(const struct index *index, const uint8_t *key, uint32_t *ret_slot);

void index_put(struct index *index, uint32_t slot, uint32_t row);
/* Takes back the last index_put. */
void index_remove_last(struct index *index, uint32_t slot);

#endif
