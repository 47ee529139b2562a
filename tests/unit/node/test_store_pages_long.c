/* As test_store_pages.c: a quarter of all bits of headers and offsets, and many of the nodes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

#include "tests/support/store_flips.h"
#include "tests/support/store_tools.h"

/* Goal: many more flips than one run of the suite has time for. */
static void test_flips(void **state)
{
    const char *word = getenv("HEFU_TEST_SEED");
    const struct store_flips flips = {.heads = 4, .nodes = 400, .others = 4000};
    store_flips_try(*state, word != NULL ? strtoull(word, NULL, 10) : 20261123, &flips);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_flips, store_home_make, store_home_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
