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
    entry->absent = false;
    if (key_length > 0) {
        memcpy(entry->bytes, key, key_length);
    }
    if (value_length > 0) {
        memcpy(entry->bytes + key_length, value, value_length);
    }
    return entry;
}

static int compare(const struct memory_entry *entry, const void *key, size_t key_length)
{
    size_t least = entry->key_length < key_length ? entry->key_length : key_length;
    int order = least == 0 ? 0 : memcmp(entry->bytes, key, least);
    return order != 0 ? order : (entry->key_length > key_length) - (entry->key_length < key_length);
}

/* The first place whose key is not below the given one. */
static size_t place_of(const struct memory_table *table, const void *key, size_t key_length)
{
    size_t low = 0;
    size_t high = table->count;
    if (high > 0 && compare(table->entries[high - 1], key, key_length) < 0) {
        return high;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare(table->entries[middle], key, key_length) < 0) {
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
    return place < table->count && compare(table->entries[place], key, key_length) == 0;
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
            free(store->tables[t].entries[i]);
        }
        free(store->tables[t].entries);
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
        to->entries = calloc(from->count + 1, sizeof(struct memory_entry *));
        CHECK(to->entries != NULL);
        to->count = from->count;
        to->capacity = from->count + 1;
        for (size_t i = 0; i < from->count; i++) {
            const struct memory_entry *entry = from->entries[i];
            to->entries[i] = entry_new(entry->bytes, entry->key_length,
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
    size_t place = place_of(t, key, key_length);
    if (!stands_at(t, place, key, key_length)) {
        return false;
    }
    *ret_value = value_of(t->entries[place]);
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
    const struct memory_entry *entry = t->entries[place];
    *ret_key = (struct span){.data = entry->bytes, .length = entry->key_length};
    *ret_value = value_of(entry);
    return true;
}

/* Takes the entry (or an absent one for "not there") over into the undo log. */
static void remember(struct memory_store *store, unsigned table, struct memory_entry *old)
{
    if (store->undo_count == store->undo_capacity) {
        store->undo_capacity = store->undo_capacity == 0 ? 64 : 2 * store->undo_capacity;
        store->undo = realloc(store->undo, store->undo_capacity * sizeof *store->undo);
        CHECK(store->undo != NULL);
    }
    store->undo[store->undo_count++] = (struct memory_undo){.table = table, .old = old};
}

static void insert_at(struct memory_table *table, size_t place, struct memory_entry *entry)
{
    if (table->count == table->capacity) {
        table->capacity = table->capacity == 0 ? 64 : 2 * table->capacity;
        table->entries = realloc(table->entries, table->capacity * sizeof(struct memory_entry *));
        CHECK(table->entries != NULL);
    }
    memmove(&table->entries[place + 1], &table->entries[place],
            (table->count - place) * sizeof(struct memory_entry *));
    table->entries[place] = entry;
    table->count++;
}

static void remove_at(struct memory_table *table, size_t place)
{
    memmove(&table->entries[place], &table->entries[place + 1],
            (table->count - place - 1) * sizeof(struct memory_entry *));
    table->count--;
}

void memory_store_put(struct memory_store *store, unsigned table, const void *key,
                      size_t key_length, const void *value, size_t value_length)
{
    struct memory_table *t = &store->tables[table];
    size_t place = place_of(t, key, key_length);
    struct memory_entry *entry = entry_new(key, key_length, value, value_length);
    if (stands_at(t, place, key, key_length)) {
        remember(store, table, t->entries[place]);
        t->entries[place] = entry;
    } else {
        struct memory_entry *absent = entry_new(key, key_length, NULL, 0);
        absent->absent = true;
        remember(store, table, absent);
        insert_at(t, place, entry);
    }
}

void memory_store_del(struct memory_store *store, unsigned table, const void *key,
                      size_t key_length)
{
    struct memory_table *t = &store->tables[table];
    size_t place = place_of(t, key, key_length);
    if (stands_at(t, place, key, key_length)) {
        remember(store, table, t->entries[place]);
        remove_at(t, place);
    }
}

void memory_store_commit(struct memory_store *store)
{
    for (size_t i = 0; i < store->undo_count; i++) {
        free(store->undo[i].old);
    }
    store->undo_count = 0;
}

void memory_store_rollback(struct memory_store *store)
{
    while (store->undo_count > 0) {
        struct memory_undo *undo = &store->undo[--store->undo_count];
        struct memory_table *t = &store->tables[undo->table];
        size_t place = place_of(t, undo->old->bytes, undo->old->key_length);
        if (stands_at(t, place, undo->old->bytes, undo->old->key_length)) {
            free(t->entries[place]);
            remove_at(t, place);
        }
        if (undo->old->absent) {
            free(undo->old);
        } else {
            insert_at(t, place, undo->old);
        }
    }
}
