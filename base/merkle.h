/*
 * merkle: trees of RFC 9162's shape (section 2.1): a tree of n leaves splits at the largest power
 * of two below n; no leaf is ever duplicated. Leaf = H("hefu.leaf", data), inner node =
 * H("hefu.node", left ‖ right); the empty tree's root is 32 zero bytes (docs/formats.md).
 *
 * A verifier takes the tree's size only from what is already proven, never from the proof.
 */
#ifndef HEFU_BASE_MERKLE_H
#define HEFU_BASE_MERKLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/status.h"

/* A path in a tree of up to 2^64 leaves has at most this many hashes. */
#define MERKLE_PATH_MAX 64

struct merkle_path {
    uint32_t count;
    struct hash hashes[MERKLE_PATH_MAX]; /* from the leaf upwards */
};

struct hash merkle_leaf(const void *data, size_t length);
struct hash merkle_node(const struct hash *left, const struct hash *right);

/* The root over count leaf hashes. Linear, O(log n) memory. */
struct hash merkle_root(const struct hash *leaves, uint64_t count);

/* The inclusion path of leaf index (< count) among count leaf hashes. */
void merkle_path_of(const struct hash *leaves, uint64_t count, uint64_t index,
                    struct merkle_path *ret_path);

/* Whether leaf stands at index in the tree of size leaves with this root. False for any path of the
   wrong length, index >= size, or another hash. */
bool merkle_verify(const struct hash *root, uint64_t size, uint64_t index, const struct hash *leaf,
                   const struct merkle_path *path);

/*
 * A growing tree that keeps only the roots of its complete subtrees: append in amortised O(1), root
 * in O(log n). It is how history_root is carried from block to block.
 */
struct merkle_frontier {
    uint64_t size;
    struct hash roots[64]; /* roots[k] is meaningful where bit k of size is set */
};

void merkle_frontier_append(struct merkle_frontier *frontier, const struct hash *leaf);
struct hash merkle_frontier_root(const struct merkle_frontier *frontier);

/*
 * A dense tree over a fixed maximum of leaves, held whole, for leaves that change in place (the
 * accounts). levels[0] are the leaves. The caller owns the memory: nodes must have room for
 * merkle_dense_nodes(capacity) hashes.
 */
struct merkle_dense {
    struct hash *nodes;
    uint32_t capacity;
    uint32_t size;
};

size_t merkle_dense_nodes(uint32_t capacity);
void merkle_dense_init(struct merkle_dense *tree, struct hash *nodes, uint32_t capacity);
/* Sets leaf hashes and recomputes only what they touch. indexes ascend strictly; an index may be at
   or past the size, which then grows to cover it without a gap (CHECKed). O(changed * log n). */
void merkle_dense_update(struct merkle_dense *tree, const uint32_t *indexes,
                         const struct hash *leaves, uint32_t count);
/* Forgets the leaves from size on; used to take an update that grew the tree back. The caller then
   updates changed leaves to their former hashes. */
void merkle_dense_shrink(struct merkle_dense *tree, uint32_t size);
struct hash merkle_dense_root(const struct merkle_dense *tree);
void merkle_dense_path(const struct merkle_dense *tree, uint32_t index,
                       struct merkle_path *ret_path);

#endif
