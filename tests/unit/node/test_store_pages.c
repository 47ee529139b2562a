/*
 * Pages of a read-only store (node/store_pages.h): a flipped bit in a page's header, in the offsets
 * and heads of its nodes, in a key or in the lists of tables and free pages never makes a reader
 * miss a row or see an older one: it reads what was put, or fails with CORRUPT.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "tests/support/store_flips.h"
#include "tests/support/store_tools.h"

static uint64_t seed_of_run(void)
{
    const char *word = getenv("HEFU_TEST_SEED");
    return word != NULL ? strtoull(word, NULL, 10) : 20261123;
}

/* Goal: stores that no bit was flipped in are read, and are whole. */
static void test_sound(void **state)
{
    struct folder *home = *state;
    for (uint64_t seed = 0; seed < 8; seed++) {
        store_flips_fill(home, seed);
        struct store *store = open_store(home, SMALL_MAP, true);
        assert_int_equal(store_flips_read(store), 0);
        store_check_whole(store);
        store_close(store);
        folder_remove(home);
        folder_make(home);
    }
}

/* Goal: some flips of every kind, on every page. */
static void test_flips(void **state)
{
    const struct store_flips flips = {.heads = 200, .nodes = 10000, .others = 40000};
    store_flips_try(*state, seed_of_run(), &flips);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sound, store_home_make, store_home_remove),
        cmocka_unit_test_setup_teardown(test_flips, store_home_make, store_home_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
