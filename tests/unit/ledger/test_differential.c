/*
 * Goal: the ledger and the naive model agree about every block of pseudo-random days: every
 * verdict, row, entry, total and event of 20,000 records (tests/support/differential.h).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/differential.h"

static void test_no_difference(void **state)
{
    (void)state;
    differential_run(20000, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_no_difference)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
