/*
 * Goal: the ledger's reader over a real store walks due rows in order, strictly after a key, sees
 * what the pass has written and taken out, and answers false past the last (node/chain.h).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/prng.h"
#include "ledger/rows.h"
#include "node/chain.h"
#include "tests/support/store_tools.h"

#define ROWS 500u

static void due_key(uint32_t number, uint8_t ret_key[EXPIRY_KEY_BYTES])
{
    struct expiry_row row = {.due_ms = 1000 + number / 3,
                             .kind = 4,
                             .place = {.height = number, .position = number % 7}};
    expiry_key(&row, ret_key);
}

/* Walks the table as prefetch does; the numbers that stand must come, each once, in order. */
static void expect_walk(const struct ledger_reader *reader, const bool *stands)
{
    uint8_t last[EXPIRY_KEY_BYTES];
    size_t length = 0;
    struct span key;
    struct span value;
    for (uint32_t i = 0; i < ROWS; i++) {
        if (!stands[i]) {
            continue;
        }
        uint8_t expected[EXPIRY_KEY_BYTES];
        due_key(i, expected);
        assert_true(reader->seek(reader->context, TABLE_EXPIRY, last, length, &key, &value));
        assert_int_equal(key.length, sizeof expected);
        assert_memory_equal(key.data, expected, sizeof expected);
        struct expiry_row row;
        assert_int_equal(expiry_decode(key, value, &row), STATUS_OK);
        assert_int_equal(row.place.height, i);
        memcpy(last, key.data, sizeof last);
        length = sizeof last;
    }
    assert_false(reader->seek(reader->context, TABLE_EXPIRY, last, length, &key, &value));
}

static void test_walk(void **state)
{
    struct store *store = open_store(*state, SMALL_MAP, false);
    struct chain chain;
    chain_over_store(&chain, store);
    struct ledger_reader reader = chain_ledger_reader(&chain);
    bool stands[ROWS] = {false};
    expect_walk(&reader, stands);
    struct prng prng = prng_seeded(7);
    for (unsigned turn = 0; turn < 2000; turn++) {
        uint32_t i = (uint32_t)prng_below(&prng, ROWS);
        uint8_t key[EXPIRY_KEY_BYTES];
        due_key(i, key);
        if (stands[i]) {
            store_del(store, (enum store_table)TABLE_EXPIRY, key, sizeof key);
        } else {
            store_put(store, (enum store_table)TABLE_EXPIRY, key, sizeof key, "\1", 1);
        }
        stands[i] = !stands[i];
        if (turn % 250 == 0) {
            expect_walk(&reader, stands);
            store_commit(store);
        }
    }
    expect_walk(&reader, stands);
    uint64_t time_ms = 0;
    assert_false(reader.time(reader.context, 0, &time_ms)); /* there is no block */
    chain_end(&chain);
    store_commit(store);
    store_close(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_walk, store_home_make, store_home_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
