/*
 * Goal: the auditor's rows in memory: put, get and remove as a plain list would, and the one table
 * that is kept in order is walked in that order, whatever came and went (cli/overlay.h).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/prng.h"
#include "cli/overlay.h"

#define ORDERED 3u
#define PLAIN 5u
#define KEYS 6000u

static struct span key_of(uint32_t number, uint8_t ret_bytes[4])
{
    put_be32(ret_bytes, number);
    return (struct span){ret_bytes, 4};
}

static void expect_walk(const struct overlay *overlay, const bool *stands)
{
    uint8_t last[4] = {0};
    struct span from = {last, 0};
    struct span key;
    struct span value;
    for (uint32_t i = 0; i < KEYS; i++) {
        if (stands[i]) {
            assert_true(overlay_seek(overlay, from, &key, &value));
            assert_int_equal(get_be32(key.data), i);
            assert_int_equal(get_le32(value.data), ~i);
            memcpy(last, key.data, sizeof last);
            from.length = sizeof last;
        }
    }
    assert_false(overlay_seek(overlay, from, &key, &value));
}

static void set(struct overlay *overlay, unsigned table, uint32_t number)
{
    uint8_t bytes[4];
    uint8_t value[4];
    put_le32(value, ~number);
    overlay_put(overlay, table, key_of(number, bytes), (struct span){value, sizeof value});
}

static void test_against_a_list(void **state)
{
    (void)state;
    static bool stands[KEYS];
    struct overlay *overlay = overlay_new();
    overlay_keep_order(overlay, ORDERED);
    struct prng prng = prng_seeded(11);
    uint8_t bytes[4];
    struct span value;
    uint32_t swept = 0;
    for (uint32_t turn = 0; turn < 20000; turn++) {
        uint32_t i = (uint32_t)prng_below(&prng, KEYS);
        set(overlay, PLAIN, i);
        switch (prng_below(&prng, 4)) {
        case 0:
            assert_int_equal(overlay_remove(overlay, ORDERED, key_of(i, bytes)), stands[i]);
            stands[i] = false;
            break;
        case 1: /* the first one, as a sweep does */
            while (swept < KEYS && !stands[swept]) {
                swept++;
            }
            if (swept < KEYS) {
                assert_true(overlay_remove(overlay, ORDERED, key_of(swept, bytes)));
                stands[swept] = false;
            }
            swept = turn % 100 == 0 ? 0 : swept;
            break;
        default:
            set(overlay, ORDERED, i);
            stands[i] = true;
            swept = i < swept ? i : swept;
        }
        assert_int_equal(overlay_get(overlay, ORDERED, key_of(i, bytes), &value), stands[i]);
        if (turn % 1000 == 0) {
            expect_walk(overlay, stands);
        }
    }
    expect_walk(overlay, stands);
    overlay_free(overlay);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_a_list),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
