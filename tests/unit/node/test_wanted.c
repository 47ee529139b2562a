/* The table of wanted batches: its index, the peers' shares, and the precedence of blocks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/prng.h"
#include "node/wanted.h"

static const uint8_t hash_key[SHORTHASH_KEY_BYTES] = {7};

static struct hash id_of(uint64_t number)
{
    return hash_of(&PURPOSE_BATCH, &number, sizeof number);
}

static struct wanted_table *new_table(void)
{
    struct wanted_table *table = malloc(sizeof *table);
    assert_non_null(table);
    memset(table, 0xa5, sizeof *table);
    wanted_init(table, hash_key);
    return table;
}

/* Goal: a peer that claims without end fills its share and no more; what a block names still finds
   room, in a full table too. */
static void test_flood(void **state)
{
    (void)state;
    struct wanted_table *table = new_table();
    const uint32_t share = WANTED_CLAIMS_MAX / 4;
    for (uint64_t i = 0; i < 10000; i++) {
        struct hash id = id_of(i);
        assert_true((wanted_add(table, &id, 2, false, share) != NULL) == (i < share));
    }
    struct hash other = id_of(20000);
    assert_non_null(wanted_add(table, &other, 1, false, share));
    for (uint64_t i = 0; i < WANTED_MAX; i++) {
        struct hash id = id_of(30000 + i);
        assert_non_null(wanted_add(table, &id, 0, true, share));
    }
    assert_int_equal(table->count, WANTED_MAX);
    assert_int_equal(table->claims[2], 0);
    assert_null(wanted_find(table, &other));
    struct hash late = id_of(99999);
    assert_null(wanted_add(table, &late, 0, true, share));
    free(table);
}

/* Goal: find agrees with a model under a long random sequence; a raised claim frees its share. */
static void test_random(void **state)
{
    (void)state;
    enum { MODEL = 600 };
    struct wanted_table *table = new_table();
    bool model[MODEL] = {false};
    struct prng prng = prng_seeded(5);
    uint32_t count = 0;
    for (int i = 0; i < 100000; i++) {
        uint64_t number = prng_below(&prng, MODEL);
        struct hash id = id_of(number);
        struct wanted *wanted = wanted_find(table, &id);
        assert_true((wanted != NULL) == model[number]);
        if (wanted == NULL) {
            wanted = wanted_add(table, &id, (uint32_t)(number % 3), false, MODEL);
            assert_non_null(wanted);
            count++;
        } else if (!wanted->by_block && prng_below(&prng, 2) == 0) {
            wanted_raise(table, wanted);
            continue;
        } else {
            wanted_remove(table, wanted);
            count--;
        }
        model[number] = !model[number];
        assert_int_equal(table->count, count);
    }
    while (table->count > 0) {
        wanted_remove(table, &table->entries[0]);
    }
    assert_int_equal(table->claims[0] + table->claims[1] + table->claims[2], 0);
    free(table);
}

/* Goal: ids chosen to share their first bytes, which once chose the bucket, spread over the buckets
   all the same: no chain is long. */
static void test_ground_ids(void **state)
{
    (void)state;
    struct wanted_table *table = new_table();
    for (uint64_t i = 0; i < WANTED_MAX; i++) {
        struct hash id = id_of(i);
        memset(id.bytes, 0x5a, 4);
        assert_non_null(wanted_add(table, &id, 0, true, 1));
    }
    uint32_t longest = 0;
    for (uint32_t b = 0; b < WANTED_BUCKETS; b++) {
        uint32_t length = 0;
        for (uint32_t place = table->buckets[b]; place != 0;
             place = table->entries[place - 1].next) {
            length++;
        }
        longest = length > longest ? length : longest;
    }
    assert_true(longest > 0 && longest < 12);
    free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flood),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_ground_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
