/*
 * test_prng: xoshiro256** and its seeding, frozen: a seed that a failed run printed must replay the
 * same run for ever.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/prng.h"

/* Goal: the generator is the published xoshiro256** (its reference values for state 1, 2, 3, 4). */
static void published_values(void **state)
{
    (void)state;
    static const uint64_t expected[] = {
        11520u,
        0u,
        1509978240u,
        1215971899390074240u,
        1216172134540287360u,
        607988272756665600u,
        16172922978634559625u,
        8476171486693032832u,
        10595114339597558777u,
        2904607092377533576u,
    };
    struct prng prng = {{1, 2, 3, 4}};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        assert_true(prng_next(&prng) == expected[i]);
    }
}

/* Goal: seeds are frozen: state by splitmix64, and the first numbers after it. */
static void frozen_seeds(void **state)
{
    (void)state;
    static const struct {
        uint64_t seed, state[4], numbers[4];
    } vectors[] = {
        {0,
         {0xe220a8397b1dcdaf, 0x6e789e6aa1b965f4, 0x06c45d188009454f, 0xf88bb8a8724c81ec},
         {0x99ec5f36cb75f2b4, 0xbf6e1f784956452a, 0x1a5f849d4933e6e0, 0x6aa594f1262d2d2c}},
        {1,
         {0x910a2dec89025cc1, 0xbeeb8da1658eec67, 0xf893a2eefb32555e, 0x71c18690ee42c90b},
         {0xb3f2af6d0fc710c5, 0x853b559647364cea, 0x92f89756082a4514, 0x642e1c7bc266a3a7}},
        {20261123,
         {0xb846dce505e9bf91, 0xc326f6f9c7f7f463, 0x2ec4e27be3115621, 0x2b458b95144c5d42},
         {0xecb4f4134afab71f, 0xfb9d1067d41f0e86, 0x2b0a0f6b476f8da5, 0xc510aaf4dedf7ff6}},
        {UINT64_MAX,
         {0xe4d971771b652c20, 0xe99ff867dbf682c9, 0x382ff84cb27281e9, 0x6d1db36ccba982d2},
         {0x8f5520d52a7ead08, 0xc476a018caa1802d, 0x81de31c0d260469e, 0xbf658d7e065f3c2f}},
    };
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        struct prng prng = prng_seeded(vectors[i].seed);
        assert_memory_equal(prng.state, vectors[i].state, sizeof prng.state);
        for (int k = 0; k < 4; k++) {
            assert_true(prng_next(&prng) == vectors[i].numbers[k]);
        }
    }
}

/* Goal: bounded numbers are frozen too, with the rejection that keeps them uniform. */
static void frozen_bounded_numbers(void **state)
{
    (void)state;
    static const uint64_t digits[] = {4, 4, 8, 4, 4, 1, 6, 6, 8, 9, 3, 6, 7, 1, 0, 3};
    static const uint64_t wide[] = {
        4735242099796630975u, 8600945088747540894u, 2886913760543872315u, 2466360462016250797u,
        3162259528749214585u, 5184946343219399082u, 2375270863237993824u, 754786658046315491u};
    struct prng prng = prng_seeded(7);
    for (size_t i = 0; i < sizeof digits / sizeof digits[0]; i++) {
        assert_true(prng_below(&prng, 10) == digits[i]);
    }
    /* Nearly half of all numbers are rejected under this bound. */
    for (size_t i = 0; i < sizeof wide / sizeof wide[0]; i++) {
        assert_true(prng_below(&prng, (1ull << 63) + 1) == wide[i]);
    }
}

/* Goal: every result is below its bound, also for the extreme bounds, and each residue occurs. */
static void bounds_hold(void **state)
{
    (void)state;
    struct prng prng = prng_seeded(42);
    static const uint64_t bounds[] = {1, 2, 3, 64, 1000, UINT32_MAX, 1ull << 63, UINT64_MAX};
    for (size_t i = 0; i < sizeof bounds / sizeof bounds[0]; i++) {
        for (int k = 0; k < 1000; k++) {
            assert_true(prng_below(&prng, bounds[i]) < bounds[i]);
        }
    }
    unsigned seen[6] = {0};
    for (int k = 0; k < 6000; k++) {
        seen[prng_below(&prng, 6)]++;
    }
    for (int face = 0; face < 6; face++) {
        assert_in_range(seen[face], 850, 1150);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_values),
        cmocka_unit_test(frozen_seeds),
        cmocka_unit_test(frozen_bounded_numbers),
        cmocka_unit_test(bounds_hold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
