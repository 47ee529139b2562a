/*
 * store_pages: checking the pages of a B+ tree of LMDB (see store_pages.h). What is relied on of
 * LMDB's file, whose format is one for all of 0.9:
 *
 *     page   number u64, pad u16, kind u16, lower u16, upper u16, then offsets of its nodes u16
 * each up to lower; the nodes fill upper to the page's end without a gap node   low u16, high u16,
 * flags u16, key length u16, key, value of a leaf low and high are the value's length; flag 1: the
 * value stands on pages of its own, whose number is here; of a branch they and flags are the
 * child's number tree   pad u32, flags u16, depth u16, branch, leaf and overflow pages u64, entries
 * u64, root
 *
 * Checked of every page, once a snapshot: it is where its number says, on one way from one root, is
 * not in the list of free pages (else it is an older state's); its nodes fill it, so that none is
 * missing; its keys ascend between those that its parent has around it. A key that was not found
 * has sound neighbours: their checksums cover their keys.
 */
#include "node/store_pages.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/check.h"
#include "node/store_tree.h"

#define META_PAGES 2u
#define META_MAGIC 0xBEEFC0DEu
#define META_AT_MAGIC 16u
#define META_AT_FREE 40u
#define META_AT_TABLES 88u
#define META_AT_LAST_PAGE 136u
#define META_AT_TRANSACTION 144u
#define LOAD_TRIES 64

/* ---- A new snapshot ---- */

void store_pages_end(struct store *store)
{
    struct store_pages *pages = store->pages;
    if (pages == NULL) {
        return;
    }
    store->pages = NULL;
    if (pages->map != NULL) {
        (void)munmap((void *)(uintptr_t)pages->map, pages->map_bytes);
    }
    free(pages->owners);
    free(pages);
}

static void map_file(struct store *store, uint64_t pages_in_file, uint32_t page_bytes)
{
    struct store_pages *pages = store->pages;
    int fd;
    CHECK(mdb_env_get_fd(store->env, &fd) == MDB_SUCCESS);
    pages->page_bytes = page_bytes;
    pages->map_bytes = (size_t)pages_in_file * page_bytes;
    void *map = mmap(NULL, pages->map_bytes, PROT_READ, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED) {
        store_fail(store, errno, "mapping data.mdb", 0);
    }
    pages->map = map;
    (void)madvise(map, pages->map_bytes, MADV_RANDOM);
}

/* The head that the snapshot began with. The writer overwrites it in the commit after the next one,
   which cannot have begun while a new snapshot still is this one. False: the writer has gone on. */
static bool read_head(struct store *store, MDB_txn *transaction)
{
    struct store_pages *pages = store->pages;
    const uint64_t wanted = mdb_txn_id(transaction);
    const uint8_t *head = NULL;
    for (unsigned i = 0; i < META_PAGES && head == NULL; i++) {
        const uint8_t *meta = pages->map + (size_t)i * pages->page_bytes;
        if (get_le32(meta + META_AT_MAGIC) == META_MAGIC &&
            get_le64(meta + META_AT_TRANSACTION) == wanted) {
            head = meta;
        }
    }
    if (head == NULL) {
        return false;
    }
    pages->count = get_le64(head + META_AT_LAST_PAGE) + 1;
    tree_decode(head + META_AT_FREE, &pages->free);
    tree_decode(head + META_AT_TABLES, &pages->tables);
    mdb_txn_reset(transaction);
    const int code = mdb_txn_renew(transaction);
    if (code != MDB_SUCCESS) {
        store_fail(store, code, "starting to read", 0);
    }
    return mdb_txn_id(transaction) == wanted;
}

/* A row of the list of free pages: a count, then as many numbers. */
static void note_free(struct store *store, const struct store_entry *entry)
{
    struct store_pages *pages = store->pages;
    const uint8_t *words = entry->value.mv_data;
    const uint64_t room = entry->value.mv_size / sizeof(uint64_t);
    const uint64_t count = room > 0 ? get_le64(words) : 0;
    if (room == 0 || count >= room) {
        tree_damaged(store, &pages->free, 0, "it holds fewer numbers than it says");
    }
    for (uint64_t i = 1; i <= count; i++) {
        const uint64_t number = get_le64(words + i * sizeof(uint64_t));
        if (number < META_PAGES || number >= pages->count) {
            tree_damaged(store, &pages->free, number, "it is free and not in the file");
        }
        if (pages->owners[number] != 0) {
            tree_damaged(store, &pages->free, number, "it is free and in use, or free twice");
        }
        pages->owners[number] = OWNER_FREE;
    }
}

/* A row of the list of tables. */
static void note_table(struct store *store, const struct store_entry *entry)
{
    struct store_pages *pages = store->pages;
    unsigned table = STORE_TABLE_FIRST;
    while (table < STORE_TABLE_COUNT &&
           (strlen(store_table_name(table)) != entry->key.mv_size ||
            memcmp(store_table_name(table), entry->key.mv_data, entry->key.mv_size) != 0)) {
        table++;
    }
    if (table == STORE_TABLE_COUNT) {
        pages->unknown_tables++;
        return;
    }
    struct tree *tree = &pages->trees[table];
    if (entry->value.mv_size != TREE_BYTES) {
        tree_damaged(store, &pages->tables, 0, "a table's root is not one");
    }
    tree_decode(entry->value.mv_data, tree);
    tree->name = store_table_name(table);
    tree->table = table;
    tree->present = true;
}

static void read_lists(struct store *store)
{
    struct store_pages *pages = store->pages;
    if (pages->count <= META_PAGES || pages->count > pages->map_bytes / pages->page_bytes) {
        store_fail(store, MDB_CORRUPTED, "reading the head of data.mdb", 0);
    }
    pages->owners = calloc((size_t)pages->count, sizeof *pages->owners);
    if (pages->owners == NULL) {
        store_fail(store, ENOMEM, "reading the pages of data.mdb", 0);
    }
    pages->free.name = "the list of free pages";
    pages->free.integer_keys = true;
    pages->free.table = TREE_FREE;
    pages->tables.name = "the list of tables";
    pages->tables.table = TREE_TABLES;
    tree_walk(store, &pages->free, note_free);
    tree_walk(store, &pages->tables, note_table);
    unsigned missing = 0;
    for (unsigned table = STORE_TABLE_FIRST; table < STORE_TABLE_COUNT; table++) {
        if (pages->trees[table].present) {
            tree_check_root(store, &pages->trees[table]);
        } else {
            missing++;
        }
    }
    /* An older store lacks tables; one with a damaged name lacks one and has another. */
    if (missing > 0 && pages->unknown_tables > 0) {
        tree_damaged(store, &pages->tables, pages->tables.root, "a table has another name");
    }
}

void store_pages_load(struct store *store)
{
    for (unsigned i = 0; store->pages == NULL; i++) {
        MDB_txn *transaction = store_reading(store);
        MDB_envinfo info;
        MDB_stat stat;
        CHECK(mdb_env_info(store->env, &info) == MDB_SUCCESS);
        CHECK(mdb_env_stat(store->env, &stat) == MDB_SUCCESS);
        store->pages = calloc(1, sizeof *store->pages);
        if (store->pages == NULL) {
            store_fail(store, ENOMEM, "starting to read", 0);
        }
        store_inside = 1;
        map_file(store, (uint64_t)info.me_last_pgno + 1, stat.ms_psize);
        if (read_head(store, transaction)) {
            read_lists(store);
        } else {
            if (i == LOAD_TRIES) {
                store_fail(store, MDB_CORRUPTED, "reading the head of data.mdb", 0);
            }
            store_refresh(store); /* a newer snapshot: nothing was read of this one yet */
        }
        store_inside = 0;
    }
}

/* ---- Looking for a key ---- */

static const struct tree *tree_of(struct store *store, unsigned table)
{
    store_pages_load(store);
    const struct tree *tree = &store->pages->trees[table];
    if (tree->present != store->present[table]) {
        tree_damaged(store, &store->pages->tables, store->pages->tables.root,
                     "a table is there and is not");
    }
    return tree;
}

/* The entries at a leaf's position and before it, on the leaves beside it where they stand there.
 */
static void read_around(struct store *store, const struct tree *tree, const struct tree_path *path,
                        struct store_near *near)
{
    const struct tree_level *leaf = &path->levels[tree->depth - 1];
    struct tree_path beside;
    near->has_at = true;
    near->has_before = true;
    if (leaf->at < leaf->count) {
        tree_entry(store, tree, leaf, leaf->at, &near->at);
    } else if (tree_beside(store, tree, path, true, &beside)) {
        tree_entry(store, tree, &beside.levels[tree->depth - 1], 0, &near->at);
    } else {
        near->has_at = false;
    }
    if (near->exact) {
        near->has_before = false;
    } else if (leaf->at > 0) {
        tree_entry(store, tree, leaf, leaf->at - 1, &near->before);
    } else if (tree_beside(store, tree, path, false, &beside)) {
        const struct tree_level *other = &beside.levels[tree->depth - 1];
        tree_entry(store, tree, other, other->count - 1, &near->before);
    } else {
        near->has_before = false;
    }
}

void store_pages_near(struct store *store, unsigned table, enum store_near_what what,
                      const void *key, size_t key_length, struct store_near *ret_near)
{
    const struct tree *tree = tree_of(store, table);
    memset(ret_near, 0, sizeof *ret_near);
    if (!tree->present || tree->entries == 0) {
        return;
    }
    struct tree_path path;
    const struct span wanted = {.data = key, .length = key_length};
    store_inside = 1;
    tree_find(store, tree, what, wanted, &path);
    const struct tree_level *leaf = &path.levels[tree->depth - 1];
    ret_near->exact = path.exact;
    read_around(store, tree, &path, ret_near);
    store_inside = 0;
    if (!path.exact && leaf->at > 0) {
        (void)store_checked(store, table, &ret_near->before.key, &ret_near->before.value);
    }
    if (!path.exact && leaf->at < leaf->count) {
        (void)store_checked(store, table, &ret_near->at.key, &ret_near->at.value);
    }
}

void store_pages_agree(struct store *store, unsigned table, const struct store_entry *expected,
                       const MDB_val *value)
{
    struct store_pages *pages = store->pages;
    CHECK(pages != NULL);
    const struct tree *tree = &pages->trees[table];
    if ((expected == NULL) != (value == NULL)) {
        tree_damaged(store, tree, tree->root, "LMDB does not find what its pages hold");
    }
    if (expected == NULL) {
        return;
    }
    const uintptr_t own = (uintptr_t)expected->value.mv_data - (uintptr_t)pages->map;
    const uintptr_t start = (uintptr_t)value->mv_data - own;
    pages->lmdb_start = pages->lmdb_start == 0 ? start : pages->lmdb_start;
    if (pages->lmdb_start != start || expected->value.mv_size != value->mv_size) {
        tree_damaged(store, tree, tree->root, "LMDB finds another entry than its pages hold");
    }
}

/* ---- The whole store ---- */

static void check_entry(struct store *store, unsigned table, const struct store_entry *entry)
{
    (void)store_checked(store, table, &entry->key, &entry->value);
    store_inside = 1;
}

void store_check_whole(struct store *store)
{
    CHECK(store->read_only);
    for (unsigned table = STORE_TABLE_FIRST; table < STORE_TABLE_COUNT; table++) {
        const struct tree *tree = tree_of(store, table);
        if (tree->present) {
            store_inside = 1;
            tree_walk_table(store, tree, check_entry);
            store_inside = 0;
        }
    }
}
