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

/* Where a row stands, or would. Past the last row: the end of the last page. */
struct spot {
    size_t page;
    uint32_t index;
};

/* The first place whose key is not below the given one. */
static struct spot spot_of(const struct memory_table *table, const struct wanted_key *key)
{
    size_t low = 0;
    size_t high = table->page_count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        const struct memory_page *page = table->pages[middle];
        if (compare(&page->places[page->count - 1], key) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == table->page_count) {
        return low == 0 ? (struct spot){0, 0}
                        : (struct spot){low - 1, table->pages[low - 1]->count};
    }
    uint32_t first = 0;
    uint32_t end = table->pages[low]->count;
    while (first < end) {
        const uint32_t middle = first + (end - first) / 2;
        if (compare(&table->pages[low]->places[middle], key) < 0) {
            first = middle + 1;
        } else {
            end = middle;
        }
    }
    return (struct spot){low, first};
}

/* NULL past the last row. */
static struct memory_place *place_at(const struct memory_table *table, struct spot spot)
{
    const bool there = spot.page < table->page_count && spot.index < table->pages[spot.page]->count;
    return there ? &table->pages[spot.page]->places[spot.index] : NULL;
}

/* The place of exactly that key, or NULL. */
static struct memory_place *place_of(const struct memory_table *table, struct spot spot,
                                     const struct wanted_key *key)
{
    struct memory_place *place = place_at(table, spot);
    return place != NULL && compare(place, key) == 0 ? place : NULL;
}

const struct memory_entry *memory_table_row(const struct memory_table *table, size_t index)
{
    size_t page = 0;
    while (index >= table->pages[page]->count) {
        index -= table->pages[page++]->count;
        CHECK(page < table->page_count);
    }
    return table->pages[page]->places[index].entry;
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
        struct memory_table *table = &store->tables[t];
        for (size_t p = 0; p < table->page_count; p++) {
            for (uint32_t i = 0; i < table->pages[p]->count; i++) {
                free(table->pages[p]->places[i].entry);
            }
            free(table->pages[p]);
        }
        free(table->pages);
    }
    free(store->tables);
    free(store->undo);
}

static struct memory_page *page_copy(const struct memory_page *page)
{
    struct memory_page *copy = malloc(sizeof *copy);
    CHECK(copy != NULL);
    copy->count = page->count;
    for (uint32_t i = 0; i < page->count; i++) {
        const struct memory_entry *entry = page->places[i].entry;
        copy->places[i] = page->places[i];
        copy->places[i].entry = entry_new(entry->bytes, entry->key_length,
                                          entry->bytes + entry->key_length, entry->value_length);
    }
    return copy;
}

void memory_store_copy(const struct memory_store *store, struct memory_store *ret_copy)
{
    CHECK(store->undo_count == 0);
    memory_store_init(ret_copy, store->table_count);
    for (unsigned t = 0; t < store->table_count; t++) {
        const struct memory_table *from = &store->tables[t];
        struct memory_table *to = &ret_copy->tables[t];
        to->pages = calloc(from->page_count + 1, sizeof(struct memory_page *));
        CHECK(to->pages != NULL);
        to->count = from->count;
        to->page_count = from->page_count;
        to->page_capacity = from->page_count + 1;
        for (size_t p = 0; p < from->page_count; p++) {
            to->pages[p] = page_copy(from->pages[p]);
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
    const struct memory_place *place = place_of(t, spot_of(t, &wanted), &wanted);
    if (place == NULL) {
        return false;
    }
    *ret_value = value_of(place->entry);
    return true;
}

bool memory_store_seek(const struct memory_store *store, unsigned table, const void *from,
                       size_t from_length, struct span *ret_key, struct span *ret_value)
{
    const struct memory_table *t = &store->tables[table];
    const struct wanted_key wanted = wanted_of(from, from_length);
    const struct memory_place *place = place_at(t, spot_of(t, &wanted));
    if (place == NULL) {
        return false;
    }
    const struct memory_entry *entry = place->entry;
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

/* A new page behind that many, with the later places of the one before it from first on. */
static void split(struct memory_table *table, size_t before, uint32_t first)
{
    if (table->page_count == table->page_capacity) {
        table->page_capacity = table->page_capacity == 0 ? 4 : 2 * table->page_capacity;
        table->pages = realloc(table->pages, table->page_capacity * sizeof(struct memory_page *));
        CHECK(table->pages != NULL);
    }
    struct memory_page *page = malloc(sizeof *page);
    CHECK(page != NULL);
    page->count = 0;
    if (before > 0) {
        struct memory_page *full = table->pages[before - 1];
        page->count = full->count - first;
        memcpy(page->places, &full->places[first], page->count * sizeof page->places[0]);
        full->count = first;
    }
    memmove(&table->pages[before + 1], &table->pages[before],
            (table->page_count - before) * sizeof(struct memory_page *));
    table->pages[before] = page;
    table->page_count++;
}

static void insert_at(struct memory_table *table, struct spot spot, const struct wanted_key *key,
                      struct memory_entry *entry)
{
    if (table->page_count == 0) {
        split(table, 0, 0);
    } else if (table->pages[spot.page]->count == MEMORY_PAGE_PLACES) {
        /* Rows that come in order fill their pages. */
        const uint32_t first =
            spot.index == MEMORY_PAGE_PLACES ? MEMORY_PAGE_PLACES : MEMORY_PAGE_PLACES / 2;
        split(table, spot.page + 1, first);
        if (spot.index > first || first == MEMORY_PAGE_PLACES) {
            spot = (struct spot){spot.page + 1, spot.index - first};
        }
    }
    struct memory_page *page = table->pages[spot.page];
    memmove(&page->places[spot.index + 1], &page->places[spot.index],
            (page->count - spot.index) * sizeof page->places[0]);
    page->places[spot.index] =
        (struct memory_place){.high = key->high, .low = key->low, .entry = entry};
    page->count++;
    table->count++;
}

static void remove_at(struct memory_table *table, struct spot spot)
{
    struct memory_page *page = table->pages[spot.page];
    table->count--;
    if (--page->count > 0) {
        memmove(&page->places[spot.index], &page->places[spot.index + 1],
                (page->count - spot.index) * sizeof page->places[0]);
        return;
    }
    free(page);
    table->page_count--;
    memmove(&table->pages[spot.page], &table->pages[spot.page + 1],
            (table->page_count - spot.page) * sizeof(struct memory_page *));
}

void memory_store_put(struct memory_store *store, unsigned table, const void *key,
                      size_t key_length, const void *value, size_t value_length)
{
    struct memory_table *t = &store->tables[table];
    const struct wanted_key wanted = wanted_of(key, key_length);
    const struct spot spot = spot_of(t, &wanted);
    struct memory_place *place = place_of(t, spot, &wanted);
    struct memory_entry *entry = entry_new(key, key_length, value, value_length);
    if (place != NULL) {
        remember(store, table, false, place->entry);
        place->entry = entry;
    } else {
        remember(store, table, true, entry);
        insert_at(t, spot, &wanted, entry);
    }
}

void memory_store_del(struct memory_store *store, unsigned table, const void *key,
                      size_t key_length)
{
    struct memory_table *t = &store->tables[table];
    const struct wanted_key wanted = wanted_of(key, key_length);
    const struct spot spot = spot_of(t, &wanted);
    const struct memory_place *place = place_of(t, spot, &wanted);
    if (place != NULL) {
        remember(store, table, false, place->entry);
        remove_at(t, spot);
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
        const struct spot spot = spot_of(t, &key);
        struct memory_place *place = place_of(t, spot, &key);
        if (undo->inserted) {
            CHECK(place != NULL && place->entry == undo->entry);
            remove_at(t, spot);
            free(undo->entry);
        } else if (place != NULL) {
            free(place->entry);
            place->entry = undo->entry;
        } else {
            insert_at(t, spot, &key, undo->entry);
        }
    }
}
