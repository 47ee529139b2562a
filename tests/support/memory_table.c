/* memory_table: ordered tables in memory with an undo log (see memory_table.h). */
#include "tests/support/memory_table.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

static uint8_t *copy_of(const void *bytes, size_t length)
{
    uint8_t *copy = malloc(length + 1);
    CHECK(copy != NULL);
    if (length > 0) {
        memcpy(copy, bytes, length);
    }
    return copy;
}

static int compare(const void *a, size_t a_length, const void *b, size_t b_length)
{
    size_t least = a_length < b_length ? a_length : b_length;
    int order = least == 0 ? 0 : memcmp(a, b, least);
    return order != 0 ? order : (a_length > b_length) - (a_length < b_length);
}

/* The first place whose key is not below the given one. */
static size_t place_of(const struct memory_table *table, const void *key, size_t key_length)
{
    size_t low = 0;
    size_t high = table->count;
    if (high > 0 && compare(table->entries[high - 1].key, table->entries[high - 1].key_length, key,
                            key_length) < 0) {
        return high;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct memory_entry *entry = &table->entries[middle];
        if (compare(entry->key, entry->key_length, key, key_length) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool stands_at(const struct memory_table *table, size_t place, const void *key,
                      size_t key_length)
{
    return place < table->count && compare(table->entries[place].key,
                                           table->entries[place].key_length, key, key_length) == 0;
}

void memory_store_init(struct memory_store *store, unsigned table_count)
{
    memset(store, 0, sizeof *store);
    store->tables = calloc(table_count, sizeof *store->tables);
    CHECK(store->tables != NULL);
    store->table_count = table_count;
}

static void free_entry(struct memory_entry *entry)
{
    free(entry->key);
    free(entry->value);
}

void memory_store_end(struct memory_store *store)
{
    memory_store_commit(store);
    for (unsigned t = 0; t < store->table_count; t++) {
        for (size_t i = 0; i < store->tables[t].count; i++) {
            free_entry(&store->tables[t].entries[i]);
        }
        free(store->tables[t].entries);
    }
    free(store->tables);
    free(store->undo);
}

bool memory_store_get(const struct memory_store *store, unsigned table, const void *key,
                      size_t key_length, struct span *ret_value)
{
    const struct memory_table *t = &store->tables[table];
    size_t place = place_of(t, key, key_length);
    if (!stands_at(t, place, key, key_length)) {
        return false;
    }
    *ret_value =
        (struct span){.data = t->entries[place].value, .length = t->entries[place].value_length};
    return true;
}

bool memory_store_seek(const struct memory_store *store, unsigned table, const void *from,
                       size_t from_length, struct span *ret_key, struct span *ret_value)
{
    const struct memory_table *t = &store->tables[table];
    size_t place = place_of(t, from, from_length);
    if (place == t->count) {
        return false;
    }
    const struct memory_entry *entry = &t->entries[place];
    *ret_key = (struct span){.data = entry->key, .length = entry->key_length};
    *ret_value = (struct span){.data = entry->value, .length = entry->value_length};
    return true;
}

/* Takes the entry (or NULL for "not there") over into the undo log. */
static void remember(struct memory_store *store, unsigned table, const void *key, size_t key_length,
                     const struct memory_entry *old)
{
    if (store->undo_count == store->undo_capacity) {
        store->undo_capacity = store->undo_capacity == 0 ? 64 : 2 * store->undo_capacity;
        store->undo = realloc(store->undo, store->undo_capacity * sizeof *store->undo);
        CHECK(store->undo != NULL);
    }
    struct memory_undo *undo = &store->undo[store->undo_count++];
    undo->table = table;
    if (old != NULL) {
        undo->old = *old;
    } else {
        undo->old =
            (struct memory_entry){.key = copy_of(key, key_length), .key_length = key_length};
    }
}

static void insert_at(struct memory_table *table, size_t place, struct memory_entry entry)
{
    if (table->count == table->capacity) {
        table->capacity = table->capacity == 0 ? 64 : 2 * table->capacity;
        table->entries = realloc(table->entries, table->capacity * sizeof *table->entries);
        CHECK(table->entries != NULL);
    }
    memmove(&table->entries[place + 1], &table->entries[place],
            (table->count - place) * sizeof *table->entries);
    table->entries[place] = entry;
    table->count++;
}

static void remove_at(struct memory_table *table, size_t place)
{
    memmove(&table->entries[place], &table->entries[place + 1],
            (table->count - place - 1) * sizeof *table->entries);
    table->count--;
}

void memory_store_put(struct memory_store *store, unsigned table, const void *key,
                      size_t key_length, const void *value, size_t value_length)
{
    struct memory_table *t = &store->tables[table];
    size_t place = place_of(t, key, key_length);
    struct memory_entry entry = {.key = copy_of(key, key_length),
                                 .key_length = key_length,
                                 .value = copy_of(value, value_length),
                                 .value_length = value_length};
    if (stands_at(t, place, key, key_length)) {
        remember(store, table, key, key_length, &t->entries[place]);
        t->entries[place] = entry;
    } else {
        remember(store, table, key, key_length, NULL);
        insert_at(t, place, entry);
    }
}

void memory_store_del(struct memory_store *store, unsigned table, const void *key,
                      size_t key_length)
{
    struct memory_table *t = &store->tables[table];
    size_t place = place_of(t, key, key_length);
    if (stands_at(t, place, key, key_length)) {
        remember(store, table, key, key_length, &t->entries[place]);
        remove_at(t, place);
    }
}

void memory_store_commit(struct memory_store *store)
{
    for (size_t i = 0; i < store->undo_count; i++) {
        free_entry(&store->undo[i].old);
    }
    store->undo_count = 0;
}

void memory_store_rollback(struct memory_store *store)
{
    while (store->undo_count > 0) {
        struct memory_undo *undo = &store->undo[--store->undo_count];
        struct memory_table *t = &store->tables[undo->table];
        size_t place = place_of(t, undo->old.key, undo->old.key_length);
        if (stands_at(t, place, undo->old.key, undo->old.key_length)) {
            free_entry(&t->entries[place]);
            remove_at(t, place);
        }
        if (undo->old.value != NULL) {
            insert_at(t, place, undo->old);
        } else {
            free_entry(&undo->old);
        }
    }
}
