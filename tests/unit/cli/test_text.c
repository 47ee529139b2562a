/* test_text: amounts, dates, times and ids: what is taken, what is refused, what is printed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/text.h"

/* Goal: exactly the decimal numbers of a currency are taken, to the last minor unit. */
static void amounts_are_exact(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        unsigned exponent;
        enum status status;
        int64_t minor;
    } cases[] = {
        {"120.50", 2, STATUS_OK, 12050},
        {"120.5", 2, STATUS_OK, 12050},
        {"120", 2, STATUS_OK, 12000},
        {"0", 2, STATUS_OK, 0},
        {"0.01", 2, STATUS_OK, 1},
        {"120", 0, STATUS_OK, 120},
        {"1.234", 3, STATUS_OK, 1234},
        {"9999999999999999.99", 2, STATUS_OK, 999999999999999999},
        {"10000000000000000.00", 2, STATUS_OVERSIZED, 0},
        {"99999999999999999999999999", 2, STATUS_OVERSIZED, 0},
        {"18446744073709551616", 0, STATUS_OVERSIZED, 0},
        {"12.345", 2, STATUS_TRAILING, 0},
        {"12.0", 0, STATUS_TRAILING, 0},
        {"12.", 2, STATUS_MALFORMED, 0},
        {".5", 2, STATUS_MALFORMED, 0},
        {"", 2, STATUS_MALFORMED, 0},
        {"-1", 2, STATUS_MALFORMED, 0},
        {"+1", 2, STATUS_MALFORMED, 0},
        {"1,5", 2, STATUS_MALFORMED, 0},
        {"1e3", 2, STATUS_MALFORMED, 0},
        {" 1", 2, STATUS_MALFORMED, 0},
        {"1 ", 2, STATUS_MALFORMED, 0},
        {"1.2.3", 2, STATUS_MALFORMED, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t minor = -7;
        print_message("%s\n", cases[i].text);
        assert_int_equal(amount_parse(cases[i].text, cases[i].exponent, false, &minor),
                         cases[i].status);
        assert_true(minor == (cases[i].status == STATUS_OK ? cases[i].minor : -7));
    }
    int64_t minor;
    assert_int_equal(amount_parse("-0.35", 2, true, &minor), STATUS_OK);
    assert_true(minor == -35);
    assert_int_equal(amount_parse("--1", 2, true, &minor), STATUS_MALFORMED);
}

/* Goal: only days of the calendar pass, and the count of days agrees with known ones. */
static void dates_are_of_the_calendar(void **state)
{
    (void)state;
    uint32_t date = 0;
    assert_int_equal(date_parse("2026-11-23", &date), STATUS_OK);
    assert_int_equal(date, 20261123);
    assert_int_equal(date_parse("2024-02-29", &date), STATUS_OK);
    static const char *const bad[] = {"2026-02-29",  "1900-02-29", "2026-13-01", "2026-00-10",
                                      "2026-04-31",  "2026-1-01",  "20261123",   "2026/11/23",
                                      "2026-11-23 ", "",           "1969-12-31"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        print_message("%s\n", bad[i]);
        assert_int_equal(date_parse(bad[i], &date), STATUS_MALFORMED);
    }
    assert_true(date_days(19700101) == 0);
    assert_true(date_days(20000301) == 11017);
    assert_true(date_days(20261123) == 20780);
}

/* Goal: a time prints as it was parsed, on each day of four centuries. */
static void times_go_round(void **state)
{
    (void)state;
    char text[TIME_TEXT_BYTES];
    uint64_t parsed;
    time_format(1795421700123ull, text);
    assert_string_equal(text, "2026-11-23T08:15:00.123Z");
    for (uint64_t day = 0; day < 146097; day++) {
        time_format(day * 86400000, text);
        text[19] = 'Z';
        text[20] = '\0';
        assert_int_equal(time_parse(text, &parsed), STATUS_OK);
        assert_true(parsed == day * 86400000);
    }
    assert_int_equal(time_parse("2026-11-23T24:00:00Z", &parsed), STATUS_MALFORMED);
    assert_int_equal(time_parse("2026-11-23T08:15:00", &parsed), STATUS_MALFORMED);
}

/* Goal: an id is 32 digits or a UUID, never zero; a line's id repeats and sorts by day and line. */
static void ids_are_stable(void **state)
{
    (void)state;
    struct record_id id, same;
    assert_int_equal(id_parse("0123456789abcdef0123456789ABCDEF", &id), STATUS_OK);
    assert_int_equal(id_parse("01234567-89ab-cdef-0123-456789abcdef", &same), STATUS_OK);
    assert_memory_equal(&id, &same, sizeof id);
    assert_int_equal(id_parse("00000000000000000000000000000000", &id), STATUS_MALFORMED);
    assert_int_equal(id_parse("0123456789abcdef0123456789abcde", &id), STATUS_MALFORMED);
    assert_int_equal(id_parse("0123456789abcdef0123456789abcdeg", &id), STATUS_MALFORMED);
    assert_int_equal(id_parse("012345678-9ab-cdef-0123-456789abcdef", &id), STATUS_MALFORMED);

    struct hash file = {{1, 2, 3}}, other = {{1, 2, 4}};
    struct record_id first = id_of_line(20261123, &file, 2);
    struct record_id again = id_of_line(20261123, &file, 2);
    struct record_id next = id_of_line(20261123, &file, 3);
    struct record_id next_day = id_of_line(20261124, &file, 2);
    struct record_id other_file = id_of_line(20261123, &other, 2);
    assert_memory_equal(&first, &again, sizeof first);
    assert_true(memcmp(&first, &next, sizeof first) < 0);
    assert_true(memcmp(&next, &next_day, sizeof first) < 0);
    assert_memory_not_equal(&first, &other_file, sizeof first);
}

/* Goal: a name becomes a folder's name, whatever stands in it. */
static void slugs_are_plain(void **state)
{
    (void)state;
    char slug[32];
    name_slug("Jade River Bank", slug, sizeof slug);
    assert_string_equal(slug, "jade-river-bank");
    name_slug("  ../etc//Passwd. ", slug, sizeof slug);
    assert_string_equal(slug, "etc-passwd");
    name_slug("\xe5\x90\x88\xe7\xac\xa6", slug, sizeof slug);
    assert_string_equal(slug, "");
    name_slug("abcdef", slug, 4);
    assert_string_equal(slug, "abc");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(amounts_are_exact), cmocka_unit_test(dates_are_of_the_calendar),
        cmocka_unit_test(times_go_round),    cmocka_unit_test(ids_are_stable),
        cmocka_unit_test(slugs_are_plain),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
