/* wanted: a dense array with an index by id (see wanted.h). */
#include "node/wanted.h"

#include <stddef.h>
#include <string.h>

#include "base/check.h"

void wanted_init(struct wanted_table *table, const uint8_t hash_key[SHORTHASH_KEY_BYTES])
{
    memset(table, 0, offsetof(struct wanted_table, entries));
    memcpy(table->hash_key, hash_key, sizeof table->hash_key);
}

static uint32_t *bucket_of(struct wanted_table *table, const struct hash *id)
{
    const uint64_t hash = shorthash(table->hash_key, id->bytes, sizeof id->bytes);
    return &table->buckets[hash % WANTED_BUCKETS];
}

struct wanted *wanted_find(struct wanted_table *table, const struct hash *id)
{
    uint32_t place = *bucket_of(table, id);
    while (place != 0) {
        struct wanted *wanted = &table->entries[place - 1];
        if (hash_equal(&wanted->id, id)) {
            return wanted;
        }
        place = wanted->next;
    }
    return NULL;
}

/* The link of its bucket's chain that leads to this entry. */
static uint32_t *link_to(struct wanted_table *table, const struct wanted *wanted)
{
    uint32_t *link = bucket_of(table, &wanted->id);
    while (&table->entries[*link - 1] != wanted) {
        link = &table->entries[*link - 1].next;
        CHECK(*link != 0);
    }
    return link;
}

static void count_claim(struct wanted_table *table, const struct wanted *wanted, bool more)
{
    if (!wanted->by_block && wanted->claimer < LIMIT_PEERS) {
        CHECK(more || table->claims[wanted->claimer] > 0);
        table->claims[wanted->claimer] += more ? 1 : UINT32_MAX;
    }
}

void wanted_remove(struct wanted_table *table, struct wanted *wanted)
{
    CHECK(table->count > 0 && wanted < &table->entries[table->count]);
    count_claim(table, wanted, false);
    *link_to(table, wanted) = wanted->next;
    struct wanted *last = &table->entries[--table->count];
    if (last != wanted) {
        *link_to(table, last) = (uint32_t)(wanted - table->entries) + 1;
        *wanted = *last;
    }
}

static bool evict_claim(struct wanted_table *table)
{
    for (uint32_t i = table->count; i > 0; i--) {
        if (!table->entries[i - 1].by_block) {
            wanted_remove(table, &table->entries[i - 1]);
            return true;
        }
    }
    return false;
}

struct wanted *wanted_add(struct wanted_table *table, const struct hash *id, uint32_t peer,
                          bool by_block, uint32_t share)
{
    CHECK(wanted_find(table, id) == NULL);
    if (!by_block && (peer >= LIMIT_PEERS || table->claims[peer] >= share)) {
        return NULL;
    }
    if (table->count == WANTED_MAX && (!by_block || !evict_claim(table))) {
        return NULL;
    }
    struct wanted *wanted = &table->entries[table->count++];
    uint32_t *bucket = bucket_of(table, id);
    *wanted = (struct wanted){
        .id = *id, .peer = peer, .claimer = peer, .by_block = by_block, .next = *bucket};
    *bucket = table->count;
    count_claim(table, wanted, true);
    return wanted;
}

void wanted_raise(struct wanted_table *table, struct wanted *wanted)
{
    count_claim(table, wanted, false);
    wanted->by_block = true;
}
