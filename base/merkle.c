/* merkle: RFC 9162 shaped trees: whole, growing and dense (see merkle.h). */
#include "base/merkle.h"

#include "base/check.h"

struct hash merkle_leaf(const void *data, size_t length)
{
    return hash_of(&PURPOSE_LEAF, data, length);
}

struct hash merkle_node(const struct hash *left, const struct hash *right)
{
    struct hash both[2] = {*left, *right};
    return hash_of(&PURPOSE_NODE, both, sizeof both);
}

void merkle_frontier_append(struct merkle_frontier *frontier, const struct hash *leaf)
{
    CHECK(frontier->size < UINT64_MAX);
    struct hash carried = *leaf;
    unsigned level = 0;
    while (frontier->size >> level & 1) {
        carried = merkle_node(&frontier->roots[level], &carried);
        level++;
    }
    frontier->roots[level] = carried;
    frontier->size++;
}

struct hash merkle_frontier_root(const struct merkle_frontier *frontier)
{
    struct hash root = {{0}};
    bool started = false;
    for (unsigned level = 0; level < 64; level++) {
        if (!(frontier->size >> level & 1)) {
            continue;
        }
        root = started ? merkle_node(&frontier->roots[level], &root) : frontier->roots[level];
        started = true;
    }
    return root;
}

struct hash merkle_root(const struct hash *leaves, uint64_t count)
{
    struct merkle_frontier frontier = {.size = 0};
    for (uint64_t i = 0; i < count; i++) {
        merkle_frontier_append(&frontier, &leaves[i]);
    }
    return merkle_frontier_root(&frontier);
}

/* The largest power of two below count (count > 1). */
static uint64_t split_of(uint64_t count)
{
    return 1ull << (63 - __builtin_clzll(count - 1));
}

void merkle_path_of(const struct hash *leaves, uint64_t count, uint64_t index,
                    struct merkle_path *ret_path)
{
    CHECK(index < count);
    /* Walk down, collecting the siblings; then turn them leaf first. */
    struct merkle_path down = {.count = 0};
    while (count > 1) {
        uint64_t split = split_of(count);
        CHECK(down.count < MERKLE_PATH_MAX);
        if (index < split) {
            down.hashes[down.count++] = merkle_root(leaves + split, count - split);
            count = split;
        } else {
            down.hashes[down.count++] = merkle_root(leaves, split);
            leaves += split;
            index -= split;
            count -= split;
        }
    }
    ret_path->count = down.count;
    for (uint32_t i = 0; i < down.count; i++) {
        ret_path->hashes[i] = down.hashes[down.count - 1 - i];
    }
}

bool merkle_verify(const struct hash *root, uint64_t size, uint64_t index, const struct hash *leaf,
                   const struct merkle_path *path)
{
    if (index >= size || path->count > MERKLE_PATH_MAX) {
        return false;
    }
    /* RFC 9162, section 2.1.3.2: fn is the node's index in its level, sn the level's last index. */
    uint64_t fn = index;
    uint64_t sn = size - 1;
    struct hash node = *leaf;
    for (uint32_t i = 0; i < path->count; i++) {
        if (sn == 0) {
            return false;
        }
        if ((fn & 1) || fn == sn) {
            node = merkle_node(&path->hashes[i], &node);
            while (!(fn & 1) && fn != 0) {
                fn >>= 1;
                sn >>= 1;
            }
        } else {
            node = merkle_node(&node, &path->hashes[i]);
        }
        fn >>= 1;
        sn >>= 1;
    }
    return sn == 0 && hash_equal(&node, root);
}

/*
 * The dense tree stores level k (of width ceil(size / 2^k)) after level k-1, each level having room
 * for its width at full capacity. A node whose right child would be past the level's width is the
 * left child itself: carrying a lone node up unchanged is exactly RFC 9162's shape.
 */
static uint32_t width_at(uint32_t count, unsigned level)
{
    return (uint32_t)(((uint64_t)count + (1ull << level) - 1) >> level);
}

static struct hash *level_of(const struct merkle_dense *tree, unsigned level)
{
    struct hash *nodes = tree->nodes;
    for (unsigned k = 0; k < level; k++) {
        nodes += width_at(tree->capacity, k);
    }
    return nodes;
}

size_t merkle_dense_nodes(uint32_t capacity)
{
    size_t nodes = 0;
    unsigned level = 0;
    uint32_t width;
    do {
        width = width_at(capacity, level++);
        nodes += width;
    } while (width > 1);
    return nodes;
}

void merkle_dense_init(struct merkle_dense *tree, struct hash *nodes, uint32_t capacity)
{
    CHECK(capacity > 0);
    *tree = (struct merkle_dense){.nodes = nodes, .capacity = capacity, .size = 0};
}

/* Recomputes node i of a level from its one or two children below. */
static void dense_refresh(const struct hash *below, uint32_t below_width, struct hash *above,
                          uint32_t i)
{
    uint64_t left = (uint64_t)2 * i;
    if (left + 1 < below_width) {
        above[i] = merkle_node(&below[left], &below[left + 1]);
    } else {
        above[i] = below[left];
    }
}

/* Recomputes the ancestors of the given leaves, and those of the last leaf, level by level. */
static void dense_climb(struct merkle_dense *tree, const uint32_t *indexes, uint32_t count)
{
    struct hash *below = tree->nodes;
    uint32_t below_width = tree->size;
    for (unsigned level = 1; below_width > 1; level++) {
        struct hash *above = level_of(tree, level);
        uint32_t width = width_at(tree->size, level);
        uint32_t last = UINT32_MAX;
        for (uint32_t k = 0; k < count; k++) {
            uint32_t i = indexes[k] >> level;
            if (i != last) {
                dense_refresh(below, below_width, above, i);
                last = i;
            }
        }
        if (last != width - 1) {
            dense_refresh(below, below_width, above, width - 1);
        }
        below = above;
        below_width = width;
    }
}

void merkle_dense_update(struct merkle_dense *tree, const uint32_t *indexes,
                         const struct hash *leaves, uint32_t count)
{
    for (uint32_t k = 0; k < count; k++) {
        CHECK(k == 0 || indexes[k] > indexes[k - 1]);
        CHECK(indexes[k] < tree->capacity);
        CHECK(indexes[k] <= tree->size);
        if (indexes[k] == tree->size) {
            tree->size++;
        }
        tree->nodes[indexes[k]] = leaves[k];
    }
    if (count > 0) {
        dense_climb(tree, indexes, count);
    }
}

void merkle_dense_shrink(struct merkle_dense *tree, uint32_t size)
{
    CHECK(size <= tree->size);
    tree->size = size;
    if (size > 0) {
        dense_climb(tree, NULL, 0);
    }
}

struct hash merkle_dense_root(const struct merkle_dense *tree)
{
    if (tree->size == 0) {
        return (struct hash){{0}};
    }
    unsigned level = 0;
    while (width_at(tree->size, level) > 1) {
        level++;
    }
    return level_of(tree, level)[0];
}

void merkle_dense_path(const struct merkle_dense *tree, uint32_t index,
                       struct merkle_path *ret_path)
{
    CHECK(index < tree->size);
    ret_path->count = 0;
    for (unsigned level = 0; width_at(tree->size, level) > 1; level++) {
        uint32_t sibling = (index >> level) ^ 1;
        if (sibling < width_at(tree->size, level)) {
            ret_path->hashes[ret_path->count++] = level_of(tree, level)[sibling];
        }
    }
}
