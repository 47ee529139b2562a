/* test_status: every code has a name and a sentence, and the numbers that logs show are frozen. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/status.h"

/* The table is append-only: this list only ever grows. */
static const char *const FROZEN[] = {
    "OK",          "TRUNCATED",     "TRAILING",  "OVERSIZED", "MALFORMED", "VERSION",
    "WRONG_CHAIN", "BAD_SIGNATURE", "BAD_HASH",  "BAD_KEY",   "NOT_FOUND", "EXISTS",
    "EXPIRED",     "TOO_EARLY",     "BUSY",      "FULL",      "DENIED",    "UNREACHABLE",
    "TIMEOUT",     "CLOSED",        "IO",        "NO_SPACE",  "LOCKED",    "CORRUPT",
    "DIVERGED",    "PRUNED",        "NO_MEMORY", "USAGE",     "FORGED",
};

#define FROZEN_COUNT (sizeof FROZEN / sizeof FROZEN[0])

/* Goal: success is 0 and no released number has moved. */
static void numbers_are_frozen(void **state)
{
    (void)state;
    assert_int_equal(STATUS_OK, 0);
    assert_true(STATUS_COUNT >= FROZEN_COUNT);
    for (unsigned i = 0; i < FROZEN_COUNT; i++) {
        assert_string_equal(status_name((enum status)i), FROZEN[i]);
    }
}

/* Goal: each code has a sentence of its own. */
static void sentences_are_distinct(void **state)
{
    (void)state;
    for (unsigned i = 0; i < STATUS_COUNT; i++) {
        assert_true(strlen(status_text((enum status)i)) > 5);
        for (unsigned j = 0; j < i; j++) {
            assert_string_not_equal(status_text((enum status)i), status_text((enum status)j));
            assert_string_not_equal(status_name((enum status)i), status_name((enum status)j));
        }
    }
}

/* Goal: a number outside the table is described, not read out of bounds. */
static void unknown_numbers(void **state)
{
    (void)state;
    static const int unknown[] = {STATUS_COUNT, 1000, -1, INT32_MAX, INT32_MIN};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        assert_string_equal(status_name((enum status)unknown[i]), "UNKNOWN");
        assert_string_equal(status_text((enum status)unknown[i]), "an unknown status");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_frozen),
        cmocka_unit_test(sentences_are_distinct),
        cmocka_unit_test(unknown_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
