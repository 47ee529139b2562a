/* The batch pool: shares, ripening, fairness between participants, quarantine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/prng.h"
#include "node/pool.h"

static const uint8_t hash_key[SHORTHASH_KEY_BYTES] = {7};

static struct pool_batch *add(struct pool *pool, uint32_t participant, uint64_t number,
                              uint32_t count, size_t length, uint64_t now_ms)
{
    struct batch batch = {.header = {.kind = BATCH_RECORDS,
                                     .participant = participant,
                                     .count = count,
                                     .expires_ms = 1000000}};
    struct public_key key = {{0}};
    batch.id = hash_of(&PURPOSE_BATCH, &number, sizeof number);
    return pool_insert(pool, &batch, malloc(16), length, NULL, &key, now_ms);
}

static struct pool_terms terms_at(uint64_t now_ms)
{
    return (struct pool_terms){.monotonic_ms = now_ms,
                               .timestamp_ms = now_ms,
                               .quorum = 3,
                               .delta_ms = 400,
                               .records_max = 1000};
}

/* Goal: a batch may be named once a quorum holds it, or Δ after it was taken in. */
static void test_ripening(void **state)
{
    (void)state;
    struct pool *pool = pool_new(1 << 20, hash_key);
    struct pool_batch *batch = add(pool, 3, 1, 10, 100, 1000);
    struct pool_terms terms = terms_at(1000);
    uint64_t next_ms = 0;
    assert_false(pool_has_work(pool, &terms, &next_ms));
    assert_int_equal(next_ms, 1400);
    pool_add_holder(batch, 0);
    pool_add_holder(batch, 0);
    pool_add_holder(batch, 1);
    assert_false(pool_may_name(batch, &terms));
    pool_add_holder(batch, 2);
    assert_true(pool_may_name(batch, &terms));
    add(pool, 3, 2, 10, 100, 1000);
    terms = terms_at(1400);
    struct pool_batch *chosen[LIMIT_BLOCK_BATCHES];
    assert_int_equal(pool_choose(pool, &terms, 0, chosen), 2);
    terms.timestamp_ms = 1000000;
    assert_int_equal(pool_choose(pool, &terms, 0, chosen), 0);
    pool_free(pool);
}

/* Goal: a batch too large for any block here never ripens, and nobody is woken for it. */
static void test_too_large(void **state)
{
    (void)state;
    struct pool *pool = pool_new(1 << 20, hash_key);
    struct pool_terms terms = terms_at(5000);
    uint64_t next_ms = 0;
    add(pool, 3, 1, 1001, 100, 1000);
    assert_false(pool_has_work(pool, &terms, &next_ms));
    assert_int_equal(next_ms, UINT64_MAX);
    pool_free(pool);
}

/* Goal: a participant with many batches does not push out one with a single batch. */
static void test_round_robin(void **state)
{
    (void)state;
    struct pool *pool = pool_new(1 << 20, hash_key);
    for (uint64_t i = 0; i < 20; i++) {
        add(pool, 3, i, 100, 10, 0);
    }
    struct pool_batch *single = add(pool, 9, 100, 100, 10, 0);
    struct pool_terms terms = terms_at(500);
    terms.records_max = 200;
    struct pool_batch *chosen[LIMIT_BLOCK_BATCHES];
    for (uint64_t turn = 0; turn < 4; turn++) {
        assert_int_equal(pool_choose(pool, &terms, turn, chosen), 2);
        assert_true(chosen[0] == single || chosen[1] == single);
    }
    pool_free(pool);
}

/* Goal: one participant holds at most a quarter; the whole is bounded; what is there EXISTS. */
static void test_shares(void **state)
{
    (void)state;
    struct pool *pool = pool_new(4000, hash_key);
    struct hash other = hash_of(&PURPOSE_BATCH, "x", 1);
    struct pool_batch *batch = add(pool, 3, 1, 1, 600, 0);
    assert_int_equal(pool_admits(pool, &batch->id, 3, 600), STATUS_EXISTS);
    assert_int_equal(pool_admits(pool, &other, 3, 600), STATUS_BUSY);
    assert_int_equal(pool_admits(pool, &other, 3, 400), STATUS_OK);
    assert_int_equal(pool_admits(pool, &other, 4, 1000), STATUS_OK);
    add(pool, 5, 2, 1, 3000, 0);
    assert_int_equal(pool_admits(pool, &other, 4, 500), STATUS_BUSY);
    pool_remove(pool, batch);
    assert_int_equal(pool_admits(pool, &other, 4, 500), STATUS_OK);
    assert_int_equal(pool_bytes(pool), 3000);
    pool_free(pool);
}

/* Goal: a suspect is named alone, when nothing else waits or its turn has come; a quarantined batch
 * never. */
static void test_suspects(void **state)
{
    (void)state;
    struct pool *pool = pool_new(1 << 20, hash_key);
    struct pool_batch *suspect = add(pool, 3, 1, 1, 10, 0);
    struct pool_batch *other = add(pool, 3, 2, 1, 10, 0);
    struct pool_terms terms = terms_at(500);
    struct pool_batch *chosen[LIMIT_BLOCK_BATCHES];
    suspect->suspect = true;
    assert_int_equal(pool_choose(pool, &terms, 0, chosen), 1);
    assert_ptr_equal(chosen[0], other);
    assert_int_equal(pool_choose(pool, &terms, 7, chosen), 1);
    assert_ptr_equal(chosen[0], suspect);
    pool_remove(pool, other);
    assert_int_equal(pool_choose(pool, &terms, 0, chosen), 1);
    assert_ptr_equal(chosen[0], suspect);
    suspect->quarantined = true;
    assert_int_equal(pool_choose(pool, &terms, 0, chosen), 0);
    pool_free(pool);
}

/* Goal: the table stays consistent under a long random sequence of insertions and removals. */
static void test_random(void **state)
{
    (void)state;
    enum { MODEL = 512 };
    struct pool *pool = pool_new(1 << 30, hash_key);
    struct pool_batch *model[MODEL] = {0};
    struct prng prng = prng_seeded(11);
    uint64_t number = 0;
    uint32_t count = 0;
    for (int i = 0; i < 100000; i++) {
        size_t place = prng_below(&prng, MODEL);
        if (model[place] == NULL) {
            model[place] = add(pool, (uint32_t)prng_below(&prng, 40), number++, 1, 10, 0);
            count++;
        } else {
            struct hash id = model[place]->id;
            assert_ptr_equal(pool_find(pool, &id), model[place]);
            pool_remove(pool, model[place]);
            assert_null(pool_find(pool, &id));
            model[place] = NULL;
            count--;
        }
        assert_int_equal(pool_count(pool), count);
    }
    uint32_t walked = 0;
    for (struct pool_batch *b = pool_next(pool, NULL); b != NULL; b = pool_next(pool, b)) {
        walked++;
    }
    assert_int_equal(walked, count);
    pool_free(pool);
}

/* Goal: ids ground to share their first bytes, which once chose a batch's place in the index,
   spread over it all the same, and otherwise under another key: who cannot know the key cannot
   grind. */
static void test_ground_ids(void **state)
{
    (void)state;
    enum { IDS = POOL_BATCHES_MAX / 4 };
    static const uint8_t other_key[SHORTHASH_KEY_BYTES] = {8};
    struct pool *pools[2] = {pool_new(1 << 30, hash_key), pool_new(1 << 30, other_key)};
    uint64_t probes[2] = {0};
    uint32_t longest = 0;
    uint32_t different = 0;
    for (uint32_t i = 0; i < IDS; i++) {
        struct batch batch = {.header = {.kind = BATCH_RECORDS, .participant = 3, .count = 1}};
        struct public_key key = {{0}};
        batch.id = hash_of(&PURPOSE_BATCH, &i, sizeof i);
        memset(batch.id.bytes, 0x5a, 4);
        uint32_t looked_at[2];
        for (uint32_t p = 0; p < 2; p++) {
            pool_insert(pools[p], &batch, malloc(16), 10, NULL, &key, 0);
            looked_at[p] = pool_probes(pools[p], &batch.id);
            probes[p] += looked_at[p];
            longest = looked_at[p] > longest ? looked_at[p] : longest;
        }
        different += looked_at[0] != looked_at[1];
    }
    assert_true(probes[0] < 2 * IDS && probes[1] < 2 * IDS);
    assert_true(longest < 32);
    assert_true(different > 0);
    pool_free(pools[0]);
    pool_free(pools[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ripening),    cmocka_unit_test(test_too_large),
        cmocka_unit_test(test_round_robin), cmocka_unit_test(test_shares),
        cmocka_unit_test(test_suspects),    cmocka_unit_test(test_random),
        cmocka_unit_test(test_ground_ids),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
