/* memory_table: ordered tables in memory with an undo log (see memory_table.h). */
#include "tests/support/memory_table.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

static struct memory_entry *entry_new(const void *key, size_t key_length, const void *value,
                                      size_t value_length)
{
    struct memory_entry *entry = malloc(sizeof *entry + key_length + value_length);
    CHECK(entry != NULL);
    entry->key_length = (uint32_t)key_length;
    entry->value_length = (uint32_t)value_length;
    if (key_length > 0) {
        memcpy(entry->bytes, key, key_length);
    }
    if (value_length > 0) {
        memcpy(entry->bytes + key_length, value, value_length);
    }
    return entry;
}

/* A key to be found. */
struct wanted_key {
    uint64_t high, low;
    const void *bytes;
    size_t length;
};

/* The first bytes as a number; those that are not there count as zero. */
static uint64_t number_of(const uint8_t *bytes, size_t length)
{
    uint8_t first[8] = {0};
    if (length >= sizeof first) {
        return get_be64(bytes);
    }
    if (length > 0) {
        memcpy(first, bytes, length);
    }
    return get_be64(first);
}

static struct wanted_key wanted_of(const void *key, size_t length)
{
    return (struct wanted_key){.high = number_of(key, length),
                               .low =
                                   length > 8 ? number_of((const uint8_t *)key + 8, length - 8) : 0,
                               .bytes = key,
                               .length = length};
}

static int compare(const struct memory_place *place, const struct wanted_key *key)
{
    if (place->high != key->high) {
        return place->high < key->high ? -1 : 1;
    }
    if (place->low != key->low) {
        return place->low < key->low ? -1 : 1;
    }
    const struct memory_entry *entry = place->entry;
    size_t least = entry->key_length < key->length ? entry->key_length : key->length;
    int order =
        least <= 16 ? 0 : memcmp(entry->bytes + 16, (const uint8_t *)key->bytes + 16, least - 16);
    return order != 0 ? order
                      : (entry->key_length > key->length) - (entry->key_length < key->length);
}

/* The first place whose key is not below the given one. */
static size_t place_of(const struct memory_table *table, const struct wanted_key *key)
{
    size_t low = 0;
    size_t high = table->count;
    if (high > 0 && compare(&table->places[high - 1], key) < 0) {
        return high;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(&table->places[middle], key) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool stands_at(const struct memory_table *table, size_t place, const struct wanted_key *key)
{
    return place < table->count && compare(&table->places[place], key) == 0;
}

void memory_store_init(struct memory_store *store, unsigned table_count)
{
    memset(store, 0, sizeof *store);
    store->tables = calloc(table_count, sizeof *store->tables);
    CHECK(store->tables != NULL);
    store->table_count = table_count;
}

void memory_store_end(struct memory_store *store)
{
    memory_store_commit(store);
    for (unsigned t = 0; t < store->table_count; t++) {
        for (size_t i = 0; i < store->tables[t].count; i++) {
            free(store->tables[t].places[i].entry);
        }
        free(store->tables[t].places);
    }
    free(store->tables);
    free(store->undo);
}

void memory_store_copy(const struct memory_store *store, struct memory_store *ret_copy)
{
    CHECK(store->undo_count == 0);
    memory_store_init(ret_copy, store->table_count);
    for (unsigned t = 0; t < store->table_count; t++) {
        const struct memory_table *from = &store->tables[t];
        struct memory_table *to = &ret_copy->tables[t];
        to->places = calloc(from->count + 1, sizeof *to->places);
        CHECK(to->places != NULL);
        to->count = from->count;
        to->capacity = from->count + 1;
        for (size_t i = 0; i < from->count; i++) {
            const struct memory_entry *entry = from->places[i].entry;
            to->places[i] = from->places[i];
            to->places[i].entry = entry_new(entry->bytes, entry->key_length,
                                            entry->bytes + entry->key_length, entry->value_length);
        }
    }
}

static struct span value_of(const struct memory_entry *entry)
{
    return (struct span){.data = entry->bytes + entry->key_length, .length = entry->value_length};
}

bool memory_store_get(const struct memory_store *store, unsigned table, const void *key,
                      size_t key_length, struct span *ret_value)
{
    const struct memory_table *t = &store->tables[table];
    const struct wanted_key wanted = wanted_of(key, key_length);
    size_t place = place_of(t, &wanted);
    if (!stands_at(t, place, &wanted)) {
        return false;
    }
    *ret_value = value_of(t->places[place].entry);
    return true;
}

bool memory_store_seek(const struct memory_store *store, unsigned table, const void *from,
                       size_t from_length, struct span *ret_key, struct span *ret_value)
{
    const struct memory_table *t = &store->tables[table];
    const struct wanted_key wanted = wanted_of(from, from_length);
    size_t place = place_of(t, &wanted);
    if (place == t->count) {
        return false;
    }
    const struct memory_entry *entry = t->places[place].entry;
    *ret_key = (struct span){.data = entry->bytes, .length = entry->key_length};
    *ret_value = value_of(entry);
    return true;
}

static void remember(struct memory_store *store, unsigned table, bool inserted,
                     struct memory_entry *entry)
{
    if (store->undo_count == store->undo_capacity) {
        store->undo_capacity = store->undo_capacity == 0 ? 64 : 2 * store->undo_capacity;
        store->undo = realloc(store->undo, store->undo_capacity * sizeof *store->undo);
        CHECK(store->undo != NULL);
    }
    store->undo[store->undo_count++] =
        (struct memory_undo){.table = table, .inserted = inserted, .entry = entry};
}

static void insert_at(struct memory_table *table, size_t place, const struct wanted_key *key,
                      struct memory_entry *entry)
{
    if (table->count == table->capacity) {
        table->capacity = table->capacity == 0 ? 64 : 2 * table->capacity;
        table->places = realloc(table->places, table->capacity * sizeof *table->places);
        CHECK(table->places != NULL);
    }
    memmove(&table->places[place + 1], &table->places[place],
            (table->count - place) * sizeof *table->places);
    table->places[place] =
        (struct memory_place){.high = key->high, .low = key->low, .entry = entry};
    table->count++;
}

static void remove_at(struct memory_table *table, size_t place)
{
    memmove(&table->places[place], &table->places[place + 1],
            (table->count - place - 1) * sizeof *table->places);
    table->count--;
}

void memory_store_put(struct memory_store *store, unsigned table, const void *key,
                      size_t key_length, const void *value, size_t value_length)
{
    struct memory_table *t = &store->tables[table];
    const struct wanted_key wanted = wanted_of(key, key_length);
    size_t place = place_of(t, &wanted);
    struct memory_entry *entry = entry_new(key, key_length, value, value_length);
    if (stands_at(t, place, &wanted)) {
        remember(store, table, false, t->places[place].entry);
        t->places[place].entry = entry;
    } else {
        remember(store, table, true, entry);
        insert_at(t, place, &wanted, entry);
    }
}

void memory_store_del(struct memory_store *store, unsigned table, const void *key,
                      size_t key_length)
{
    struct memory_table *t = &store->tables[table];
    const struct wanted_key wanted = wanted_of(key, key_length);
    size_t place = place_of(t, &wanted);
    if (stands_at(t, place, &wanted)) {
        remember(store, table, false, t->places[place].entry);
        remove_at(t, place);
    }
}

void memory_store_commit(struct memory_store *store)
{
    for (size_t i = 0; i < store->undo_count; i++) {
        if (!store->undo[i].inserted) {
            free(store->undo[i].entry);
        }
    }
    store->undo_count = 0;
}

/* Backwards, so that a row that was inserted stands there again when its turn comes. */
void memory_store_rollback(struct memory_store *store)
{
    while (store->undo_count > 0) {
        const struct memory_undo *undo = &store->undo[--store->undo_count];
        struct memory_table *t = &store->tables[undo->table];
        const struct wanted_key key = wanted_of(undo->entry->bytes, undo->entry->key_length);
        size_t place = place_of(t, &key);
        const bool stands = stands_at(t, place, &key);
        if (undo->inserted) {
            CHECK(stands && t->places[place].entry == undo->entry);
            remove_at(t, place);
            free(undo->entry);
        } else if (stands) {
            free(t->places[place].entry);
            t->places[place].entry = undo->entry;
        } else {
            insert_at(t, place, &key, undo->entry);
        }
    }
}
