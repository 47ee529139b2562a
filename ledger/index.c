/* index: rows of the block by key (see index.h). */
#include "ledger/index.h"

#include <string.h>

#include "base/check.h"
#include "base/shorthash.h"

_Static_assert(sizeof((struct index *)0)->hash_key == SHORTHASH_KEY_BYTES,
               "the index takes a whole key");

uint32_t index_slots(uint32_t rows)
{
    uint32_t slots = 16;
    while (slots < 2 * rows) {
        slots *= 2;
    }
    return slots;
}

void index_fit(struct index *index, uint32_t rows)
{
    index->mask = index_slots(rows) - 1;
}

void index_begin(struct index *index, uint32_t generation, const struct hash *parent_hash)
{
    CHECK(generation != 0);
    index->generation = generation;
    memcpy(index->hash_key, parent_hash->bytes, sizeof index->hash_key);
}

uint32_t index_find(const struct index *index, const uint8_t *key, uint32_t *ret_slot)
{
    uint64_t hash = shorthash(index->hash_key, key, index->key_length);
    uint32_t slot = (uint32_t)hash & index->mask;
    while (index->slots[slot].generation == index->generation) {
        uint32_t row = index->slots[slot].row;
        if (memcmp(index->rows + (size_t)row * index->stride, key, index->key_length) == 0) {
            return row;
        }
        slot = (slot + 1) & index->mask;
    }
    *ret_slot = slot;
    return INDEX_NONE;
}

void index_put(struct index *index, uint32_t slot, uint32_t row)
{
    CHECK(index->slots[slot].generation != index->generation);
    index->slots[slot].generation = index->generation;
    index->slots[slot].row = row;
}

void index_remove_last(struct index *index, uint32_t slot)
{
    CHECK(index->slots[slot].generation == index->generation);
    index->slots[slot].generation = 0;
}
