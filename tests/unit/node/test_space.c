/* Goal: a disk that fills passes each level exactly at its two bounds, the share and the amount,
   and a worse level never looks better than a milder one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "node/space.h"

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)

static void test_shares_bound_small_disks(void **state)
{
    (void)state;
    const uint64_t disk = 10 * GIB; /* every share is below every amount but the last */
    assert_int_equal(space_level(disk, disk), SPACE_AMPLE);
    assert_int_equal(space_level(disk / 5, disk), SPACE_AMPLE);
    assert_int_equal(space_level(disk / 5 - 1, disk), SPACE_LOW);
    assert_int_equal(space_level(disk / 10, disk), SPACE_LOW);
    assert_int_equal(space_level(disk / 10 - 1, disk), SPACE_REFUSING);
    assert_int_equal(space_level(256 * MIB, disk), SPACE_REFUSING);
    assert_int_equal(space_level(256 * MIB - 1, disk), SPACE_OUT);
    assert_int_equal(space_level(0, disk), SPACE_OUT);
    const uint64_t tiny = 200 * MIB;
    assert_int_equal(space_level(tiny / 20, tiny), SPACE_REFUSING);
    assert_int_equal(space_level(tiny / 20 - 1, tiny), SPACE_OUT);
}

static void test_amounts_bound_large_disks(void **state)
{
    (void)state;
    const uint64_t disk = 1024 * GIB;
    assert_int_equal(space_level(20 * GIB, disk), SPACE_AMPLE);
    assert_int_equal(space_level(20 * GIB - 1, disk), SPACE_LOW);
    assert_int_equal(space_level(2 * GIB, disk), SPACE_LOW);
    assert_int_equal(space_level(2 * GIB - 1, disk), SPACE_REFUSING);
    assert_int_equal(space_level(256 * MIB, disk), SPACE_REFUSING);
    assert_int_equal(space_level(256 * MIB - 1, disk), SPACE_OUT);
}

static void test_levels_never_rise_with_less_space(void **state)
{
    (void)state;
    for (uint64_t disk = 64 * MIB; disk <= 4096 * GIB; disk *= 2) {
        enum space_level last = SPACE_OUT;
        for (uint64_t part = 0; part <= 1000; part++) {
            enum space_level level = space_level(disk / 1000 * part, disk);
            assert_true(level <= last);
            last = level;
        }
        assert_int_equal(last, SPACE_AMPLE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shares_bound_small_disks),
        cmocka_unit_test(test_amounts_bound_large_disks),
        cmocka_unit_test(test_levels_never_rise_with_less_space),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
