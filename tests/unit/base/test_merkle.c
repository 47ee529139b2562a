/*
 * test_merkle: the three trees of base/merkle.h against the definition itself: RFC 9162, section
 * 2.1.1, written down as the recursion it states, with Hefu's two hash purposes for its two bytes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/merkle.h"
#include "base/prng.h"

#define SIZE_MAX_TESTED 70u

static struct hash leaves[SIZE_MAX_TESTED + 1];

/* MTH of RFC 9162: the definition, slow and plain. */
static struct hash naive_root(const struct hash *first, uint64_t count)
{
    if (count == 0) {
        return (struct hash){{0}};
    }
    if (count == 1) {
        return first[0];
    }
    uint64_t split = 1;
    while (split * 2 < count) {
        split *= 2;
    }
    struct hash pair[2] = {naive_root(first, split), naive_root(first + split, count - split)};
    return hash_of(&PURPOSE_NODE, pair, sizeof pair);
}

/* PATH of RFC 9162, leaf first. Returns its length. */
static uint32_t naive_path(const struct hash *first, uint64_t count, uint64_t index,
                           struct hash *ret_hashes)
{
    if (count <= 1) {
        return 0;
    }
    uint64_t split = 1;
    while (split * 2 < count) {
        split *= 2;
    }
    uint32_t length;
    if (index < split) {
        length = naive_path(first, split, index, ret_hashes);
        ret_hashes[length] = naive_root(first + split, count - split);
    } else {
        length = naive_path(first + split, count - split, index - split, ret_hashes);
        ret_hashes[length] = naive_root(first, split);
    }
    return length + 1;
}

static int make_leaves(void **state)
{
    (void)state;
    for (uint32_t i = 0; i <= SIZE_MAX_TESTED; i++) {
        leaves[i] = merkle_leaf(&i, sizeof i);
    }
    return 0;
}

static void expect_equal(const struct hash *a, const struct hash *b)
{
    assert_memory_equal(a->bytes, b->bytes, HASH_BYTES);
}

/* Goal: the root of every size is the definition's, from a list and appended one by one. */
static void roots_are_the_definitions(void **state)
{
    (void)state;
    struct merkle_frontier frontier = {.size = 0};
    for (uint32_t size = 0; size <= SIZE_MAX_TESTED; size++) {
        struct hash expected = naive_root(leaves, size);
        struct hash whole = merkle_root(leaves, size);
        struct hash grown = merkle_frontier_root(&frontier);
        expect_equal(&whole, &expected);
        expect_equal(&grown, &expected);
        assert_true(frontier.size == size);
        merkle_frontier_append(&frontier, &leaves[size]);
    }
}

/* Goal: frozen roots, so that definition and code cannot drift together; empty is zero. */
static void frozen_roots(void **state)
{
    (void)state;
    static const struct {
        uint32_t size;
        const char *root;
    } vectors[] = {
        {0, "0000000000000000000000000000000000000000000000000000000000000000"},
        {1, "26ebe02d04e37046fd60b28c8a6d503b6da7a292f96314f7cece9cb7de7bde34"},
        {2, "2fe0dc5922861012f1031bae08c50e9904cbdb1b6ac99d152aae38d62c18c6af"},
        {3, "05d6e7a88df6dc07976554f22a9fa71d69fe9eaa375d20242bd49a0d7400a27b"},
        {5, "922be4fcf900154f719fccceae47359c0b79db68e8151c2776b8d2ad9f814b81"},
        {8, "dfe48955c80cc53310c98ea2cbcd1250be60cedc4bb7e8dfffbda92193d25f3a"},
        {33, "7ce986536104633882b02766370b33249ce68ad4b6d0051c7a19ebadb872df23"},
        {70, "5fa157afe96cecca1ca20bb467d1813abc8d7bae9fb953af45f0c616c5655fdf"},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        char text[2 * HASH_BYTES + 1];
        struct hash root = merkle_root(leaves, vectors[i].size);
        bytes_to_hex(root.bytes, HASH_BYTES, text);
        assert_string_equal(text, vectors[i].root);
    }
}

/* Goal: every path of every size is the definition's, and verifies. */
static void every_path_verifies(void **state)
{
    (void)state;
    for (uint32_t size = 1; size <= SIZE_MAX_TESTED; size++) {
        struct hash root = naive_root(leaves, size);
        for (uint32_t index = 0; index < size; index++) {
            struct merkle_path path;
            struct hash expected[MERKLE_PATH_MAX];
            uint32_t length = naive_path(leaves, size, index, expected);
            merkle_path_of(leaves, size, index, &path);
            assert_int_equal(path.count, length);
            assert_memory_equal(path.hashes, expected, length * sizeof expected[0]);
            assert_true(merkle_verify(&root, size, index, &leaves[index], &path));
        }
    }
}

/* A path of one tree is tried at every index, in every size up to a bound. */
static void expect_only_own_place(const struct hash *root, uint32_t size, uint32_t index,
                                  const struct merkle_path *path)
{
    for (uint32_t other = 0; other <= SIZE_MAX_TESTED; other++) {
        bool verifies = merkle_verify(root, size, other, &leaves[index], path);
        assert_int_equal(verifies, other == index);
    }
}

/* Goal: a path proves its leaf at its own index only, and nothing past the end. */
static void a_wrong_index_fails(void **state)
{
    (void)state;
    for (uint32_t size = 1; size <= SIZE_MAX_TESTED; size++) {
        struct hash root = naive_root(leaves, size);
        for (uint32_t index = 0; index < size; index++) {
            struct merkle_path path;
            merkle_path_of(leaves, size, index, &path);
            expect_only_own_place(&root, size, index, &path);
            assert_false(merkle_verify(&root, size, UINT64_MAX, &leaves[index], &path));
        }
    }
}

/* The shape of an index in a size: on which side each sibling stands. Two sizes with the same
   shape are one to the verifier, which is why a size is never taken from a proof. */
static uint32_t shape_of(uint64_t size, uint64_t index)
{
    uint32_t shape = 1;
    uint32_t sides[MERKLE_PATH_MAX];
    uint32_t depth = 0;
    while (size > 1) {
        uint64_t split = 1;
        while (split * 2 < size) {
            split *= 2;
        }
        sides[depth++] = index >= split;
        index = index < split ? index : index - split;
        size = sides[depth - 1] ? size - split : split;
    }
    while (depth > 0) {
        shape = shape << 1 | sides[--depth];
    }
    return shape;
}

/* Goal: in a size where the leaf stands elsewhere or deeper, the path fails. */
static void a_wrong_size_fails(void **state)
{
    (void)state;
    for (uint32_t size = 1; size <= SIZE_MAX_TESTED; size++) {
        struct hash root = naive_root(leaves, size);
        for (uint32_t index = 0; index < size; index++) {
            struct merkle_path path;
            merkle_path_of(leaves, size, index, &path);
            for (uint32_t other = 0; other <= SIZE_MAX_TESTED; other++) {
                bool verifies = merkle_verify(&root, other, index, &leaves[index], &path);
                bool expected = other > index && shape_of(other, index) == shape_of(size, index);
                assert_int_equal(verifies, expected);
            }
        }
    }
}

/* Goal: whatever size and index are claimed, a path verifies only in the shape it was made for; so
   a leaf is never taken for one of a smaller tree whose root it would have to pass. */
static void only_the_own_shape_verifies(void **state)
{
    (void)state;
    const uint32_t most = 20;
    for (uint32_t size = 1; size <= most; size++) {
        struct hash root = naive_root(leaves, size);
        for (uint32_t index = 0; index < size; index++) {
            struct merkle_path path;
            merkle_path_of(leaves, size, index, &path);
            uint32_t shape = shape_of(size, index);
            for (uint32_t claim = 0; claim < most * most; claim++) {
                uint32_t other = claim / most + 1;
                uint32_t at = claim % most;
                bool verifies = merkle_verify(&root, other, at, &leaves[index], &path);
                assert_int_equal(verifies, at < other && shape_of(other, at) == shape);
            }
        }
    }
}

/* Goal: a changed bit, a hash too many or too few, or another leaf or root fails. */
static void a_wrong_path_fails(void **state)
{
    (void)state;
    for (uint32_t size = 1; size <= SIZE_MAX_TESTED; size++) {
        struct hash root = naive_root(leaves, size);
        struct hash other_root = naive_root(leaves, size - 1);
        for (uint32_t index = 0; index < size; index++) {
            struct merkle_path good;
            merkle_path_of(leaves, size, index, &good);
            const struct hash *leaf = &leaves[index];
            for (uint32_t k = 0; k < good.count; k++) {
                struct merkle_path bad = good;
                bad.hashes[k].bytes[(index + k) % HASH_BYTES] ^= (uint8_t)(1u << k % 8);
                assert_false(merkle_verify(&root, size, index, leaf, &bad));
            }
            struct merkle_path longer = good;
            longer.hashes[longer.count++] = leaves[0];
            assert_false(merkle_verify(&root, size, index, leaf, &longer));
            longer.count = MERKLE_PATH_MAX + 1;
            assert_false(merkle_verify(&root, size, index, leaf, &longer));
            struct merkle_path shorter = good;
            if (shorter.count > 0) {
                shorter.count--;
                assert_false(merkle_verify(&root, size, index, leaf, &shorter));
            }
            assert_false(merkle_verify(&other_root, size, index, leaf, &good));
            assert_false(merkle_verify(&root, size, index, &leaves[(index + 1) % 71], &good));
        }
    }
}

/* Goal: an inner node cannot be passed off as a leaf: the two have different purposes. */
static void a_node_is_no_leaf(void **state)
{
    (void)state;
    struct hash pair[2] = {leaves[0], leaves[1]};
    struct hash node = merkle_node(&leaves[0], &leaves[1]);
    struct hash forged = merkle_leaf(pair, sizeof pair);
    assert_false(hash_equal(&node, &forged));
    struct hash swapped = merkle_node(&leaves[1], &leaves[0]);
    assert_false(hash_equal(&node, &swapped));
}

/* Goal: paths verify in the largest trees without overflow: 2^64 - 1 leaves, all equal. */
static void the_largest_tree(void **state)
{
    (void)state;
    /* With equal leaves the perfect subtree of height k has one root, whatever its place. */
    struct hash perfect[64];
    perfect[0] = leaves[0];
    for (unsigned k = 1; k < 64; k++) {
        perfect[k] = merkle_node(&perfect[k - 1], &perfect[k - 1]);
    }
    struct merkle_frontier frontier = {.size = UINT64_MAX};
    memcpy(frontier.roots, perfect, sizeof perfect);
    struct hash root = merkle_frontier_root(&frontier);
    /* The path of leaf 0: its perfect siblings, then what is left of the rest. */
    struct merkle_path path = {.count = 64};
    memcpy(path.hashes, perfect, 63 * sizeof perfect[0]);
    frontier.size = (1ull << 63) - 1;
    path.hashes[63] = merkle_frontier_root(&frontier);
    assert_true(merkle_verify(&root, UINT64_MAX, 0, &leaves[0], &path));
    assert_false(merkle_verify(&root, UINT64_MAX, UINT64_MAX, &leaves[0], &path));
    assert_false(merkle_verify(&root, UINT64_MAX, UINT64_MAX - 1, &leaves[0], &path));
    path.count = 63;
    assert_false(merkle_verify(&root, UINT64_MAX, 0, &leaves[0], &path));
}

/* Goal: the room asked for is the sum of the levels' widths, also at odd capacities. */
static void dense_nodes_cover_all_levels(void **state)
{
    (void)state;
    static const struct {
        uint32_t capacity;
        size_t nodes;
    } vectors[] = {{1, 1},  {2, 3},    {3, 6},     {4, 7},
                   {5, 11}, {70, 143}, {100, 202}, {1u << 20, (2u << 20) - 1}};
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        assert_int_equal(merkle_dense_nodes(vectors[i].capacity), vectors[i].nodes);
    }
}

struct dense_model {
    struct merkle_dense tree;
    struct hash *nodes;
    struct hash shadow[SIZE_MAX_TESTED];
    uint32_t size;
};

static void model_init(struct dense_model *model, uint32_t capacity)
{
    /* Exactly the room asked for, so that the sanitizer sees any step past it. */
    model->nodes = malloc(merkle_dense_nodes(capacity) * sizeof(struct hash));
    assert_non_null(model->nodes);
    memset(model->nodes, 0xee, merkle_dense_nodes(capacity) * sizeof(struct hash));
    merkle_dense_init(&model->tree, model->nodes, capacity);
    model->size = 0;
}

static void model_compare(const struct dense_model *model)
{
    struct hash expected = naive_root(model->shadow, model->size);
    struct hash root = merkle_dense_root(&model->tree);
    expect_equal(&root, &expected);
    assert_int_equal(model->tree.size, model->size);
}

static void model_compare_paths(const struct dense_model *model)
{
    for (uint32_t index = 0; index < model->size; index++) {
        struct merkle_path dense;
        struct merkle_path whole;
        merkle_dense_path(&model->tree, index, &dense);
        merkle_path_of(model->shadow, model->size, index, &whole);
        assert_int_equal(dense.count, whole.count);
        assert_memory_equal(dense.hashes, whole.hashes, whole.count * sizeof(struct hash));
    }
}

/* Changes a random set of leaves, and appends some: one update, as a block makes it. */
static void model_update(struct dense_model *model, struct prng *prng, uint32_t capacity)
{
    uint32_t indexes[SIZE_MAX_TESTED];
    struct hash changed[SIZE_MAX_TESTED];
    uint32_t count = 0;
    uint64_t one_in = 1 + prng_below(prng, 12);
    uint64_t grow = prng_below(prng, 4) == 0 ? prng_below(prng, 6) : 0;
    uint32_t size = model->size;
    for (uint32_t i = 0; i < capacity && (i < size || grow > 0); i++) {
        if (i >= size) {
            grow--;
        } else if (prng_below(prng, one_in) != 0) {
            continue;
        }
        uint64_t value = prng_next(prng);
        indexes[count] = i;
        changed[count] = merkle_leaf(&value, sizeof value);
        model->shadow[i] = changed[count++];
        model->size = i >= size ? i + 1 : model->size;
    }
    merkle_dense_update(&model->tree, indexes, changed, count);
}

/* Goal: after any updates, growth and shrinking the dense tree is the definition's. */
static void dense_under_random_changes(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        print_message("seed %llu\n", (unsigned long long)seed);
        struct prng prng = prng_seeded(seed);
        uint32_t capacity = 1 + (uint32_t)prng_below(&prng, SIZE_MAX_TESTED);
        struct dense_model model;
        model_init(&model, capacity);
        for (int step = 0; step < 120; step++) {
            if (prng_below(&prng, 8) == 0) {
                model.size = (uint32_t)prng_below(&prng, model.size + 1);
                merkle_dense_shrink(&model.tree, model.size);
            } else {
                model_update(&model, &prng, capacity);
            }
            model_compare(&model);
            if (step % 16 == 0) {
                model_compare_paths(&model);
            }
        }
        free(model.nodes);
    }
}

/* Goal: an update that grew the tree can be taken back: shrink, then the former hashes. */
static void dense_update_is_taken_back(void **state)
{
    (void)state;
    for (uint32_t size = 1; size < SIZE_MAX_TESTED - 5; size++) {
        struct dense_model model;
        model_init(&model, SIZE_MAX_TESTED);
        for (uint32_t i = 0; i < size; i++) {
            merkle_dense_update(&model.tree, &i, &leaves[i], 1);
            model.shadow[i] = leaves[i];
        }
        model.size = size;
        model_compare(&model);
        uint32_t indexes[7] = {size / 2, size, size + 1, size + 2, size + 3, size + 4};
        struct hash others[7];
        for (unsigned k = 0; k < 6; k++) {
            others[k] = merkle_leaf(&k, 1);
        }
        merkle_dense_update(&model.tree, indexes, others, 6);
        merkle_dense_shrink(&model.tree, size);
        merkle_dense_update(&model.tree, indexes, &leaves[size / 2], 1);
        model_compare(&model);
        model_compare_paths(&model);
        free(model.nodes);
    }
}

/* Runs the misuse in a child: it must end by CHECK's abort. */
static void expect_abort(void (*misuse)(struct merkle_dense *tree))
{
    (void)fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct rlimit no_core = {0, 0};
        (void)setrlimit(RLIMIT_CORE, &no_core);
        (void)signal(SIGABRT, SIG_DFL);
        (void)fclose(stderr);
        struct hash nodes[16];
        struct merkle_dense tree;
        merkle_dense_init(&tree, nodes, 4);
        uint32_t indexes[2] = {0, 1};
        merkle_dense_update(&tree, indexes, leaves, 2);
        misuse(&tree);
        _exit(0);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

static void leave_a_gap(struct merkle_dense *tree)
{
    uint32_t index = 3;
    merkle_dense_update(tree, &index, leaves, 1);
}

static void descend(struct merkle_dense *tree)
{
    uint32_t indexes[2] = {1, 0};
    merkle_dense_update(tree, indexes, leaves, 2);
}

static void repeat(struct merkle_dense *tree)
{
    uint32_t indexes[2] = {1, 1};
    merkle_dense_update(tree, indexes, leaves, 2);
}

static void exceed(struct merkle_dense *tree)
{
    uint32_t indexes[3] = {2, 3, 4};
    merkle_dense_update(tree, indexes, leaves, 3);
}

static void shrink_upwards(struct merkle_dense *tree)
{
    merkle_dense_shrink(tree, 3);
}

static void path_past_the_end(struct merkle_dense *tree)
{
    struct merkle_path path;
    merkle_dense_path(tree, 2, &path);
}

/* Goal: our own misuse of a dense tree is caught, in release builds too. */
static void dense_misuse_aborts(void **state)
{
    (void)state;
    expect_abort(leave_a_gap);
    expect_abort(descend);
    expect_abort(repeat);
    expect_abort(exceed);
    expect_abort(shrink_upwards);
    expect_abort(path_past_the_end);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(roots_are_the_definitions),
        cmocka_unit_test(frozen_roots),
        cmocka_unit_test(every_path_verifies),
        cmocka_unit_test(a_wrong_index_fails),
        cmocka_unit_test(a_wrong_size_fails),
        cmocka_unit_test(only_the_own_shape_verifies),
        cmocka_unit_test(a_wrong_path_fails),
        cmocka_unit_test(a_node_is_no_leaf),
        cmocka_unit_test(the_largest_tree),
        cmocka_unit_test(dense_nodes_cover_all_levels),
        cmocka_unit_test(dense_under_random_changes),
        cmocka_unit_test(dense_update_is_taken_back),
        cmocka_unit_test(dense_misuse_aborts),
    };
    return cmocka_run_group_tests(tests, make_leaves, NULL);
}
