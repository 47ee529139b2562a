/*
 * store_pages: whether the pages that a read-only store reads are whole (docs/operations.md,
 * Storage failures). Internal to the store.
 *
 * A checksum guards a row that LMDB gives, but not one that it does not: a flipped bit in a page's
 * header, in an offset of its nodes, in a key or in the number of a child page makes rows vanish,
 * and LMDB takes its pages at their word. So a reader finds each key's place on its own, on pages
 * that it has checked, and what LMDB finds must be the same.
 */
#ifndef HEFU_NODE_STORE_PAGES_H
#define HEFU_NODE_STORE_PAGES_H

#include "node/store_internal.h"

struct store_entry {
    MDB_val key;
    MDB_val value; /* as stored, with its checksum */
};

enum store_near_what {
    NEAR_KEY,
    NEAR_FIRST, /* of the table */
    NEAR_LAST,
};

/* The entries around a key. */
struct store_near {
    bool exact; /* at has the key itself; before is not looked for */
    bool has_at;
    bool has_before;
    struct store_entry at;     /* the first with a key not below it */
    struct store_entry before; /* the last with a key below it */
};

/* Never return if a page on the way, or next to it, is damaged. */
void store_pages_near(struct store *store, unsigned table, enum store_near_what what,
                      const void *key, size_t key_length, struct store_near *ret_near);
/* Never returns if LMDB's answer is not the expected entry; NULL stands for none. */
void store_pages_agree(struct store *store, unsigned table, const struct store_entry *expected,
                       const MDB_val *value);
/* Reads the lists of tables and of free pages of a new snapshot, if that has not been done. */
void store_pages_load(struct store *store);
/* Forgets what was learnt of a snapshot. */
void store_pages_end(struct store *store);

#endif
