/* store_tree: entering, checking and walking the pages of a tree (see store_tree.h). */
#include "node/store_tree.h"

#include <string.h>

#include "base/check.h"

#define PAGE_HEAD 16u
#define PAGE_AT_KIND 10u
#define PAGE_AT_LOWER 12u
#define PAGE_AT_UPPER 14u
#define PAGE_BYTES_MAX 32768u
#define NODE_HEAD 8u
#define NODE_AT_FLAGS 4u
#define NODE_AT_KEY_LENGTH 6u
#define NODE_OVERFLOW 1u
#define NODE_TABLE 2u
#define OWNER_ROOT (1ull << 63)
#define OWNER_INDEX_BITS 14u
#define NO_PAGE UINT64_MAX

/* Kinds of pages; the bits that tell them apart. */
#define KIND_BRANCH 1u
#define KIND_LEAF 2u
#define KIND_OVERFLOW 4u
#define KIND_BITS 0x6fu

_Static_assert(sizeof(size_t) == sizeof(uint64_t), "LMDB's file has the machine's words");

void tree_damaged(struct store *store, const struct tree *tree, uint64_t page, const char *what)
{
    store_fail_page(store, tree->name, page, what);
}

void tree_decode(const uint8_t bytes[TREE_BYTES], struct tree *ret_tree)
{
    ret_tree->flags = get_le16(bytes + 4);
    ret_tree->depth = get_le16(bytes + 6);
    ret_tree->branches = get_le64(bytes + 8);
    ret_tree->leaves = get_le64(bytes + 16);
    ret_tree->overflows = get_le64(bytes + 24);
    ret_tree->entries = get_le64(bytes + 32);
    ret_tree->root = get_le64(bytes + 40);
}

/* ---- One page ---- */

static const uint8_t *page_at(struct store *store, const struct tree *tree, uint64_t number)
{
    const struct store_pages *pages = store->pages;
    if (number < 2 || number >= pages->count) {
        tree_damaged(store, tree, number, "there is no such page");
    }
    const uint8_t *bytes = pages->map + (size_t)number * pages->page_bytes;
    if (get_le64(bytes) != number) {
        tree_damaged(store, tree, number, "it has another number");
    }
    return bytes;
}

/* Notes which node leads to a page. False if it is known: the page has been checked. */
static bool claim(struct store *store, const struct tree *tree, uint64_t number, uint64_t owner)
{
    uint64_t *held = &store->pages->owners[number];
    if (*held == owner) {
        return false;
    }
    if (*held != 0) {
        tree_damaged(store, tree, number,
                     *held == OWNER_FREE ? "it is in use and in the list of free pages"
                                         : "two others lead to it");
    }
    *held = owner;
    return true;
}

static uint64_t owner_of(uint64_t page, unsigned index)
{
    return (page << OWNER_INDEX_BITS | index) + 1;
}

static const uint8_t *node_at(const uint8_t *page, unsigned index)
{
    return page + get_le16(page + PAGE_HEAD + (size_t)2 * index);
}

static struct span key_of(const uint8_t *page, unsigned index)
{
    const uint8_t *node = node_at(page, index);
    return (struct span){node + NODE_HEAD, get_le16(node + NODE_AT_KEY_LENGTH)};
}

static uint64_t child_of(const uint8_t *page, unsigned index)
{
    const uint8_t *node = node_at(page, index);
    return get_le32(node) | (uint64_t)get_le16(node + NODE_AT_FLAGS) << 32;
}

static size_t node_bytes(const uint8_t *node, bool leaf)
{
    size_t size = NODE_HEAD + get_le16(node + NODE_AT_KEY_LENGTH);
    if (leaf) {
        const bool overflow = (get_le16(node + NODE_AT_FLAGS) & NODE_OVERFLOW) != 0;
        size += overflow ? sizeof(uint64_t) : get_le32(node);
    }
    return size + (size & 1);
}

/* Whether the nodes that the offsets name fill the page from upper to its end, each once. */
static bool nodes_fill(const uint8_t *page, uint32_t page_bytes, unsigned count, bool leaf)
{
    uint8_t starts[PAGE_BYTES_MAX / 16] = {0};
    const unsigned upper = get_le16(page + PAGE_AT_UPPER);
    for (unsigned i = 0; i < count; i++) {
        const unsigned start = get_le16(page + PAGE_HEAD + (size_t)2 * i);
        const uint8_t bit = (uint8_t)(1u << (start / 2 % 8));
        if (start < upper || start + NODE_HEAD > page_bytes || start % 2 != 0 ||
            (starts[start / 16] & bit) != 0) {
            return false;
        }
        starts[start / 16] |= bit;
    }
    unsigned found = 0;
    size_t at = upper;
    while (at + NODE_HEAD <= page_bytes && (starts[at / 16] >> (at / 2 % 8) & 1) != 0) {
        at += node_bytes(page + at, leaf);
        found++;
    }
    return at == page_bytes && found == count;
}

/* Order of keys; that of LMDB for tables. */
static int compare(struct span left, struct span right)
{
    const size_t least = left.length < right.length ? left.length : right.length;
    const int order = memcmp(left.data, right.data, least);
    return order != 0 ? order : (left.length > right.length) - (left.length < right.length);
}

static bool keys_ascend(const struct tree_level *level, bool leaf)
{
    /* The first key of a branch is not used: its child has the parent's bound. */
    struct span before = level->low;
    for (unsigned i = leaf ? 0 : 1; i < level->count; i++) {
        const struct span key = key_of(level->bytes, i);
        const int order = before.data == NULL ? 1 : compare(key, before);
        if (key.length == 0 || order < 0 || (order == 0 && !(leaf && i == 0))) {
            return false;
        }
        before = key;
    }
    return level->high.data == NULL || before.data == NULL || compare(before, level->high) < 0;
}

/* Enters a page: level gets its nodes, and the page is checked if that has not been done. */
static void enter(struct store *store, const struct tree *tree, unsigned depth, uint64_t number,
                  uint64_t owner, struct tree_level *level)
{
    const uint8_t *bytes = page_at(store, tree, number);
    const bool leaf = depth + 1 == tree->depth;
    const unsigned lower = get_le16(bytes + PAGE_AT_LOWER);
    level->page = number;
    level->bytes = bytes;
    level->count = (lower - PAGE_HEAD) / 2;
    level->at = 0;
    if (!claim(store, tree, number, owner)) {
        return;
    }
    if ((get_le16(bytes + PAGE_AT_KIND) & KIND_BITS) != (leaf ? KIND_LEAF : KIND_BRANCH)) {
        tree_damaged(store, tree, number, "it is of another kind");
    }
    if (lower < PAGE_HEAD + 2 || lower % 2 != 0 || lower > get_le16(bytes + PAGE_AT_UPPER) ||
        !nodes_fill(bytes, store->pages->page_bytes, level->count, leaf)) {
        tree_damaged(store, tree, number, "its nodes do not fill it");
    }
    if (!tree->integer_keys && !keys_ascend(level, leaf)) {
        tree_damaged(store, tree, number, "its keys are out of order");
    }
}

static void enter_root(struct store *store, const struct tree *tree, struct tree_level *level)
{
    level->low = (struct span){NULL, 0};
    level->high = (struct span){NULL, 0};
    enter(store, tree, 0, tree->root, OWNER_ROOT | tree->table, level);
}

/* Enters the child at parent's position. */
static void enter_child(struct store *store, const struct tree *tree, unsigned depth,
                        const struct tree_level *parent, struct tree_level *level)
{
    const unsigned at = parent->at;
    level->low = at > 0 && !tree->integer_keys ? key_of(parent->bytes, at) : parent->low;
    level->high = at + 1 < parent->count && !tree->integer_keys ? key_of(parent->bytes, at + 1)
                                                                : parent->high;
    enter(store, tree, depth, child_of(parent->bytes, at), owner_of(parent->page, at), level);
}

void tree_check_root(struct store *store, const struct tree *tree)
{
    const bool empty = tree->entries == 0;
    if ((tree->root == NO_PAGE) != empty || (tree->depth == 0) != empty ||
        tree->depth > TREE_DEPTH_MAX || (tree->flags != 0) != tree->integer_keys) {
        tree_damaged(store, tree, tree->root, "the root is not one");
    }
    struct tree_level root;
    if (!empty) {
        enter_root(store, tree, &root);
    }
}

/* ---- Ways to a leaf ---- */

/* The last node whose key is not above a key: its child, in a branch. */
static unsigned child_for(const struct tree_level *level, struct span key)
{
    unsigned low = 0, high = level->count;
    while (high - low > 1) {
        const unsigned middle = low + (high - low) / 2;
        if (compare(key_of(level->bytes, middle), key) <= 0) {
            low = middle;
        } else {
            high = middle;
        }
    }
    return low;
}

/* The first node whose key is not below a key, in a leaf. */
static unsigned place_for(const struct tree_level *level, struct span key)
{
    unsigned low = 0, high = level->count;
    while (low < high) {
        const unsigned middle = low + (high - low) / 2;
        if (compare(key_of(level->bytes, middle), key) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

/* From the child at levels[depth] down to its first leaf, or to its last one. */
static void descend(struct store *store, const struct tree *tree, unsigned depth, bool first,
                    struct tree_path *path)
{
    for (; depth + 1 < tree->depth; depth++) {
        struct tree_level *level = &path->levels[depth + 1];
        enter_child(store, tree, depth + 1, &path->levels[depth], level);
        level->at = first ? 0 : level->count - 1;
    }
}

void tree_find(struct store *store, const struct tree *tree, enum store_near_what what,
               struct span key, struct tree_path *ret_path)
{
    struct tree_level *levels = ret_path->levels;
    ret_path->exact = false;
    enter_root(store, tree, &levels[0]);
    if (what != NEAR_KEY) {
        levels[0].at = what == NEAR_FIRST ? 0 : levels[0].count - 1;
        descend(store, tree, 0, what == NEAR_FIRST, ret_path);
        levels[tree->depth - 1].at += what == NEAR_LAST ? 1 : 0;
        return;
    }
    for (unsigned depth = 0; depth + 1 < tree->depth; depth++) {
        levels[depth].at = child_for(&levels[depth], key);
        enter_child(store, tree, depth + 1, &levels[depth], &levels[depth + 1]);
    }
    struct tree_level *leaf = &levels[tree->depth - 1];
    leaf->at = place_for(leaf, key);
    ret_path->exact = leaf->at < leaf->count && compare(key_of(leaf->bytes, leaf->at), key) == 0;
}

bool tree_beside(struct store *store, const struct tree *tree, const struct tree_path *path,
                 bool after, struct tree_path *ret_path)
{
    for (unsigned depth = tree->depth - 1u; depth-- > 0;) {
        const struct tree_level *level = &path->levels[depth];
        if (after ? level->at + 1 < level->count : level->at > 0) {
            memcpy(ret_path->levels, path->levels, (depth + 1) * sizeof path->levels[0]);
            ret_path->levels[depth].at = after ? level->at + 1 : level->at - 1;
            ret_path->exact = false;
            descend(store, tree, depth, after, ret_path);
            return true;
        }
    }
    return false;
}

/* A value on pages of its own; how many those are. */
static uint32_t read_overflow(struct store *store, const struct tree *tree, uint64_t number,
                              uint64_t owner, MDB_val *value)
{
    const struct store_pages *pages = store->pages;
    const uint8_t *bytes = page_at(store, tree, number);
    const uint32_t count = get_le32(bytes + PAGE_AT_LOWER);
    if ((get_le16(bytes + PAGE_AT_KIND) & KIND_BITS) != KIND_OVERFLOW ||
        count > pages->count - number ||
        value->mv_size > (uint64_t)count * pages->page_bytes - PAGE_HEAD || count == 0) {
        tree_damaged(store, tree, number, "it does not hold its value");
    }
    for (uint64_t i = number; i < number + count && claim(store, tree, i, owner); i++) {
    }
    value->mv_data = (void *)(uintptr_t)(bytes + PAGE_HEAD);
    return count;
}

/* The entry, and on how many pages of its own its value stands. */
static uint32_t read_entry(struct store *store, const struct tree *tree,
                           const struct tree_level *leaf, unsigned index,
                           struct store_entry *ret_entry)
{
    const uint8_t *node = node_at(leaf->bytes, index);
    const struct span key = key_of(leaf->bytes, index);
    const unsigned flags = get_le16(node + NODE_AT_FLAGS);
    uint32_t overflows = 0;
    ret_entry->key = (MDB_val){.mv_size = key.length, .mv_data = (void *)(uintptr_t)key.data};
    ret_entry->value =
        (MDB_val){.mv_size = get_le32(node), .mv_data = (void *)(uintptr_t)(key.data + key.length)};
    if ((flags & ~NODE_OVERFLOW) != (tree->table == TREE_TABLES ? NODE_TABLE : 0)) {
        tree_damaged(store, tree, leaf->page, "a node is of another kind");
    }
    if ((flags & NODE_OVERFLOW) != 0) {
        overflows = read_overflow(store, tree, get_le64(key.data + key.length),
                                  owner_of(leaf->page, index), &ret_entry->value);
    }
    return overflows;
}

void tree_entry(struct store *store, const struct tree *tree, const struct tree_level *leaf,
                unsigned index, struct store_entry *ret_entry)
{
    CHECK(index < leaf->count);
    (void)read_entry(store, tree, leaf, index, ret_entry);
}

/* ---- Whole trees ---- */

struct walk {
    void (*visit)(struct store *store, const struct store_entry *entry);
    void (*visit_table)(struct store *store, unsigned table, const struct store_entry *entry);
    uint64_t branches, leaves, overflows, entries;
};

static void walk_leaf(struct store *store, const struct tree *tree, const struct tree_level *leaf,
                      struct walk *walk)
{
    walk->leaves++;
    walk->entries += leaf->count;
    for (unsigned i = 0; i < leaf->count; i++) {
        struct store_entry entry;
        walk->overflows += read_entry(store, tree, leaf, i, &entry);
        if (walk->visit != NULL) {
            walk->visit(store, &entry);
        } else {
            walk->visit_table(store, tree->table, &entry);
        }
    }
}

static void walk_all(struct store *store, const struct tree *tree, struct walk *walk)
{
    tree_check_root(store, tree);
    struct tree_path path;
    bool more = tree->entries > 0;
    if (more) {
        enter_root(store, tree, &path.levels[0]);
        descend(store, tree, 0, true, &path);
        walk->branches = tree->depth - 1u;
    }
    while (more) {
        walk_leaf(store, tree, &path.levels[tree->depth - 1], walk);
        struct tree_path next;
        more = tree_beside(store, tree, &path, true, &next);
        /* Branches that were entered anew. */
        for (unsigned depth = 1; more && depth + 1 < tree->depth; depth++) {
            walk->branches += next.levels[depth].page != path.levels[depth].page;
        }
        path = next;
    }
    if (walk->branches != tree->branches || walk->leaves != tree->leaves ||
        walk->overflows != tree->overflows || walk->entries != tree->entries) {
        tree_damaged(store, tree, tree->root, "its pages or entries are not as many as it says");
    }
}

void tree_walk(struct store *store, const struct tree *tree,
               void (*visit)(struct store *store, const struct store_entry *entry))
{
    struct walk walk = {.visit = visit};
    walk_all(store, tree, &walk);
}

void tree_walk_table(struct store *store, const struct tree *tree,
                     void (*visit)(struct store *store, unsigned table,
                                   const struct store_entry *entry))
{
    struct walk walk = {.visit_table = visit};
    walk_all(store, tree, &walk);
}
