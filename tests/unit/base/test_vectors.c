/*
 * test_vectors: the hashes and trees of tests/vectors/formats.json, which an independent program
 * computed, come out of base/ too (docs/formats.md, Hashes and Merkle trees).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/merkle.h"
#include "tests/support/vectors.h"

#define LEAVES 70u

static struct vectors *vectors;
static struct hash leaves[LEAVES];

static int open_vectors(void **state)
{
    (void)state;
    vectors = vectors_open();
    for (uint32_t i = 0; i < LEAVES; i++) {
        leaves[i] = merkle_leaf(&i, sizeof i);
    }
    return vectors == NULL ? -1 : 0;
}

static int close_vectors(void **state)
{
    (void)state;
    vectors_close(vectors);
    return 0;
}

/* Goal: every purpose, over more than one block of BLAKE2b. */
static void hashes(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        const struct purpose *purpose;
    } purposes[] = {
        {"record", &PURPOSE_RECORD},
        {"action", &PURPOSE_ACTION},
        {"batch", &PURPOSE_BATCH},
        {"block", &PURPOSE_BLOCK},
        {"leaf", &PURPOSE_LEAF},
        {"node", &PURPOSE_NODE},
        {"page", &PURPOSE_PAGE},
        {"writes", &PURPOSE_WRITES},
        {"table", &PURPOSE_TABLE},
        {"candidate", &PURPOSE_CANDIDATE},
        {"validators", &PURPOSE_VALIDATORS},
        {"leaders", &PURPOSE_LEADERS},
        {"genesis", &PURPOSE_GENESIS},
        {"source", &PURPOSE_SOURCE},
        {"checksum", &PURPOSE_CHECKSUM},
    };
    uint8_t bytes[300];
    for (unsigned i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(i % 251);
    }
    for (size_t i = 0; i < sizeof purposes / sizeof purposes[0]; i++) {
        vectors_expect_hash(vectors, hash_of(purposes[i].purpose, bytes, sizeof bytes),
                            "hash.hefu.%s", purposes[i].name);
    }
}

/* Goal: every root and path in the file, by each of the three trees. */
static void trees(void **state)
{
    (void)state;
    struct hash nodes[2 * LEAVES + 8];
    assert_true(merkle_dense_nodes(LEAVES) <= sizeof nodes / sizeof nodes[0]);
    struct merkle_dense dense;
    merkle_dense_init(&dense, nodes, LEAVES);
    unsigned roots = 0;
    unsigned paths = 0;
    for (uint32_t size = 0; size <= LEAVES; size++) {
        if (size > 0) {
            uint32_t last = size - 1;
            merkle_dense_update(&dense, &last, &leaves[last], 1);
        }
        if (vectors_has(vectors, "tree.%u.root", size)) {
            vectors_expect_hash(vectors, merkle_root(leaves, size), "tree.%u.root", size);
            vectors_expect_hash(vectors, merkle_dense_root(&dense), "tree.%u.root", size);
            roots++;
        }
        for (uint32_t index = 0; index < size; index++) {
            if (vectors_has(vectors, "tree.%u.path.%u", size, index)) {
                struct merkle_path path;
                merkle_dense_path(&dense, index, &path);
                vectors_expect(vectors, path.hashes, path.count * sizeof path.hashes[0],
                               "tree.%u.path.%u", size, index);
                paths++;
            }
        }
    }
    assert_int_equal(roots, 25);
    assert_int_equal(paths, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hashes),
        cmocka_unit_test(trees),
    };
    return cmocka_run_group_tests(tests, open_vectors, close_vectors);
}
