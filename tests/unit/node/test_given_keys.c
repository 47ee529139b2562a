/*
 * test_given_keys: what proves a key, against the independent example: a block's rows of ACTIONS
 * and the digest before them lead to the state_root in its header. And which proof is found: the
 * newest one of that key below a height, and of no other key.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ledger/digest.h"
#include "node/given_keys.h"
#include "node/store.h"
#include "tests/support/memory_table.h"
#include "tests/support/vectors.h"

/* Goal: every block of the example that wrote to ACTIONS has rows that this proves, and that are
   read as rows to the last byte. */
static void example_is_proven(void **state)
{
    struct vectors *vectors = vectors_open();
    unsigned proven = 0;
    (void)state;
    assert_non_null(vectors);
    for (uint64_t height = 0; height < vectors_number(vectors, "chain.blocks"); height++) {
        const int h = (int)height;
        if (!vectors_has(vectors, "chain.%d.key_proof", h)) {
            continue;
        }
        size_t length;
        struct hash digest, root;
        struct merkle_path path = {.count = GIVEN_KEYS_PATH_HASHES};
        uint8_t *row = vectors_copy(vectors, &length, "chain.%d.key_proof", h);
        assert_true(length > GIVEN_WRITES_PREFIX);
        vectors_bytes(vectors, &root, sizeof root, "chain.%d.state_root", h);
        memcpy(&digest, row, sizeof digest);
        memcpy(path.hashes, row + HASH_BYTES, GIVEN_KEYS_PATH_HASHES * HASH_BYTES);
        const struct span rows = {row + GIVEN_WRITES_PREFIX, length - GIVEN_WRITES_PREFIX};
        digest_run(&digest, rows.data, rows.length);
        vectors_expect_hash(vectors, digest, "chain.%d.digest.%d", h, TABLE_ACTIONS);
        const struct hash leaf = merkle_leaf(digest.bytes, HASH_BYTES);
        assert_true(merkle_verify(&root, STATE_SLOTS, TABLE_ACTIONS, &leaf, &path));
        const struct validator_set set = {.epoch = 1};
        struct public_key key;
        char name[GIVEN_KEYS_NAME_BYTES];
        assert_int_equal(given_keys_in_rows(rows, &set, 9999, 1, &key, name), STATUS_NOT_FOUND);
        for (size_t cut = 1; cut < rows.length; cut++) {
            const struct span part = {rows.data, rows.length - cut};
            assert_int_not_equal(given_keys_in_rows(part, &set, 9999, 1, &key, name), STATUS_OK);
        }
        const struct span part = {rows.data, rows.length - 1};
        assert_int_equal(given_keys_in_rows(part, &set, 9999, 1, &key, name), STATUS_MALFORMED);
        proven++;
        free(row);
    }
    assert_true(proven >= 2);
    vectors_close(vectors);
}

static bool get(void *context, unsigned table, const void *key, size_t key_length,
                struct span *ret_value)
{
    return memory_store_get(context, table, key, key_length, ret_value);
}

static bool seek(void *context, unsigned table, const void *from, size_t from_length,
                 struct span *ret_key, struct span *ret_value)
{
    return memory_store_seek(context, table, from, from_length, ret_key, ret_value);
}

/* A block of this height, which gave the key. */
static void give(struct memory_store *store, uint32_t participant, uint32_t key_no, uint64_t height)
{
    uint8_t row[ROW_BLOCK_BYTES_MAX], key[GIVEN_KEY_BYTES], writes[GIVEN_WRITES_PREFIX + 1] = {0};
    uint8_t writes_key[GIVEN_WRITES_KEY_BYTES], height_key[8];
    const struct block_header header = {.version = BLOCK_VERSION, .height = height};
    const struct certificate finalization = {.kind = VOTE_FINALIZE,
                                             .epoch = 1,
                                             .view = height,
                                             .candidate = {height - 1, block_hash(&header)}};
    put_be64(height_key, height);
    memory_store_put(store, STORE_BLOCKS, height_key, sizeof height_key, row,
                     row_block_encode(&header, NULL, &finalization, row));
    given_keys_key(participant, key_no, height, key);
    memory_store_put(store, STORE_META, key, sizeof key, "", 0);
    given_keys_writes_key(height, writes_key);
    writes[0] = (uint8_t)height;
    memory_store_put(store, STORE_META, writes_key, sizeof writes_key, writes, sizeof writes);
}

/* Goal: the newest gift below the height; NOT_FOUND without one, CORRUPT without its rows. */
static void newest_gift_is_found(void **state)
{
    struct memory_store store;
    struct chain chain;
    struct given_keys_proof proof;
    const struct chain_source source = {.context = &store, .get = get, .seek = seek};
    uint8_t key[GIVEN_WRITES_KEY_BYTES];
    (void)state;
    memory_store_init(&store, STORE_TABLE_COUNT);
    chain_init(&chain, source);
    give(&store, 3, 2, 10);
    give(&store, 3, 2, 20);
    give(&store, 3, 3, 15);
    give(&store, 4, 2, 12);
    static const struct {
        uint32_t participant, key_no;
        uint64_t below, expected; /* 0: none */
    } cases[] = {{3, 2, 10, 0},  {3, 2, 11, 10}, {3, 2, 20, 10}, {3, 2, 21, 20}, {3, 2, 99, 20},
                 {3, 3, 99, 15}, {3, 1, 99, 0},  {3, 4, 99, 0},  {4, 2, 99, 12}, {5, 2, 99, 0}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const enum status status =
            given_keys_prove(&chain, cases[i].participant, cases[i].key_no, cases[i].below, &proof);
        assert_int_equal(status, cases[i].expected == 0 ? STATUS_NOT_FOUND : STATUS_OK);
        if (status == STATUS_OK) {
            assert_true(proof.header.height == cases[i].expected);
            assert_int_equal(proof.previous.bytes[0], cases[i].expected);
            assert_int_equal(proof.rows.length, 1);
        }
    }
    given_keys_writes_key(12, key);
    memory_store_del(&store, STORE_META, key, sizeof key);
    assert_int_equal(given_keys_prove(&chain, 4, 2, 99, &proof), STATUS_CORRUPT);
    chain_end(&chain);
    memory_store_end(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(example_is_proven),
        cmocka_unit_test(newest_gift_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
