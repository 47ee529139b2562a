/*
 * memory_table: ordered tables in memory with the semantics that a replica needs of the store:
 * put, del, get, seek, and an undo log so that a crash loses exactly the pass that was not
 * committed.
 */
#ifndef HEFU_TESTS_SUPPORT_MEMORY_TABLE_H
#define HEFU_TESTS_SUPPORT_MEMORY_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

/* A row in one piece of memory: the key, then the value. */
struct memory_entry {
    uint32_t key_length;
    uint32_t value_length;
    uint8_t bytes[];
};

/* What a change is taken back to. */
struct memory_undo {
    unsigned table;
    bool inserted;              /* the row is new; else the row stood there and is not any more */
    struct memory_entry *entry; /* owned by the log unless inserted */
};

/* A row in its table. The first bytes of its key, as numbers that ascend with it, so that a search
   seldom looks at the row itself. */
struct memory_place {
    uint64_t high, low;
    struct memory_entry *entry;
};

/* Rows that stand side by side. Pages keep what a row in the midst of a large table moves small. */
#define MEMORY_PAGE_PLACES 128
struct memory_page {
    uint32_t count; /* at least 1 */
    struct memory_place places[MEMORY_PAGE_PLACES];
};

struct memory_table {
    struct memory_page **pages; /* ascending by key */
    size_t page_count, page_capacity;
    size_t count; /* rows of all pages */
};

struct memory_store {
    struct memory_table *tables;
    unsigned table_count;
    struct memory_undo *undo;
    size_t undo_count, undo_capacity;
};

void memory_store_init(struct memory_store *store, unsigned table_count);
void memory_store_end(struct memory_store *store);
/* A copy of what is committed. */
void memory_store_copy(const struct memory_store *store, struct memory_store *ret_copy);
bool memory_store_get(const struct memory_store *store, unsigned table, const void *key,
                      size_t key_length, struct span *ret_value);
bool memory_store_seek(const struct memory_store *store, unsigned table, const void *from,
                       size_t from_length, struct span *ret_key, struct span *ret_value);
/* The row with that many before it. */
const struct memory_entry *memory_table_row(const struct memory_table *table, size_t index);
void memory_store_put(struct memory_store *store, unsigned table, const void *key,
                      size_t key_length, const void *value, size_t value_length);
void memory_store_del(struct memory_store *store, unsigned table, const void *key,
                      size_t key_length);
void memory_store_commit(struct memory_store *store);
/* The crash: everything since the last commit is gone. */
void memory_store_rollback(struct memory_store *store);

#endif
