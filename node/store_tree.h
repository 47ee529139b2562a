/*
 * store_tree: one B+ tree of LMDB, its pages checked as they are entered (node/store_pages.c says
 * how they look and what is checked). Nothing here returns from a damaged page.
 */
#ifndef HEFU_NODE_STORE_TREE_H
#define HEFU_NODE_STORE_TREE_H

#include "node/store_pages.h"

#define TREE_BYTES 48u
#define TREE_DEPTH_MAX 32u
#define OWNER_FREE UINT64_MAX
/* Trees that are no tables: they have their numbers where a table has its own. */
#define TREE_FREE 0u
#define TREE_TABLES STORE_TABLE_COUNT

struct tree {
    const char *name;
    unsigned table;
    bool present, integer_keys;
    uint16_t flags, depth;
    uint64_t branches, leaves, overflows, entries, root;
};

/* What is known of a snapshot's pages. */
struct store_pages {
    const uint8_t *map;
    size_t map_bytes;
    uint32_t page_bytes;
    uint32_t unknown_tables;
    uint64_t count;       /* pages of the snapshot */
    uintptr_t lmdb_start; /* of LMDB's map; 0: not known yet */
    uint64_t *owners;     /* by page: 0 not checked yet, OWNER_FREE, or which node leads to it */
    struct tree free, tables, trees[STORE_TABLE_COUNT];
};

struct tree_level {
    uint64_t page;
    const uint8_t *bytes;
    unsigned count, at;
    struct span low, high; /* keys are at or above low and below high; data NULL: no bound */
};

/* From the root to a leaf. */
struct tree_path {
    bool exact; /* the leaf's entry at has the key */
    struct tree_level levels[TREE_DEPTH_MAX];
};

void tree_decode(const uint8_t bytes[TREE_BYTES], struct tree *ret_tree);
/* The root is one, or there is none and no entry. */
void tree_check_root(struct store *store, const struct tree *tree);
/* The way to a key, or to the first entry, or past the last one. The tree is not empty. */
void tree_find(struct store *store, const struct tree *tree, enum store_near_what what,
               struct span key, struct tree_path *ret_path);
/* The way to the leaf after a path's, at its first entry, or before it; false if there is none. */
bool tree_beside(struct store *store, const struct tree *tree, const struct tree_path *path,
                 bool after, struct tree_path *ret_path);
void tree_entry(struct store *store, const struct tree *tree, const struct tree_level *leaf,
                unsigned index, struct store_entry *ret_entry);

/* Every page and every entry, which must be as many as the root says. */
void tree_walk(struct store *store, const struct tree *tree,
               void (*visit)(struct store *store, const struct store_entry *entry));
void tree_walk_table(struct store *store, const struct tree *tree,
                     void (*visit)(struct store *store, unsigned table,
                                   const struct store_entry *entry));

_Noreturn void tree_damaged(struct store *store, const struct tree *tree, uint64_t page,
                            const char *what);

#endif
