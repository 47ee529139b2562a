/*
 * Goal: days, business days, settlement dates and cut-offs, against dates known from elsewhere
 * (docs/ledger.md, Cycles, Time).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ledger/calendar.h"

#define CHINA_MINUTES 480
#define HOUR_MS 3600000ull
#define DAY_MS (24 * HOUR_MS)

/* The Spring Festival of 2018, as China's State Council announced it: off from 15 to 21 February,
   at work on the Sunday before and the Saturday after. */
static struct genesis_calendar china_2018(void)
{
    struct genesis_calendar calendar = {.number = 1, .weekend = 0x60};
    for (uint32_t i = 0; i < 7; i++) {
        calendar.holidays[i] = 20180215 + i;
    }
    calendar.holiday_count = 7;
    calendar.workdays[0] = 20180211;
    calendar.workdays[1] = 20180224;
    calendar.workday_count = 2;
    return calendar;
}

static void test_days_and_dates(void **state)
{
    (void)state;
    assert_int_equal(calendar_day(19700101), 0);
    assert_int_equal(calendar_day(19700301), 59);
    assert_int_equal(calendar_day(20000229), 11016);
    assert_int_equal(calendar_day(20180214), 17576);
    assert_int_equal(calendar_day(21000301), 47541); /* 2100 has no leap day */
    uint32_t previous = 0;
    for (uint32_t day = 0; day < 150000; day++) {
        uint32_t date = calendar_date(day);
        assert_int_equal(calendar_day(date), day);
        assert_true(date > previous);
        previous = date;
    }
    assert_int_equal(previous, 23800907);
}

static void test_local_days(void **state)
{
    (void)state;
    uint64_t midnight = calendar_instant(calendar_day(20180214), 0, CHINA_MINUTES);
    assert_int_equal(midnight, 17576 * DAY_MS - 8 * HOUR_MS);
    assert_int_equal(calendar_date(calendar_local_day(midnight, CHINA_MINUTES)), 20180214);
    assert_int_equal(calendar_date(calendar_local_day(midnight - 1, CHINA_MINUTES)), 20180213);
    assert_int_equal(calendar_local_day(2 * HOUR_MS, -180), 0);
}

static void test_business_days(void **state)
{
    (void)state;
    struct genesis_calendar calendar = china_2018();
    static const struct {
        uint32_t date;
        bool business;
    } days[] = {{20180209, true},  {20180210, false}, {20180211, true},  {20180214, true},
                {20180215, false}, {20180218, false}, {20180221, false}, {20180222, true},
                {20180223, true},  {20180224, true},  {20180225, false}};
    for (size_t i = 0; i < sizeof days / sizeof days[0]; i++) {
        assert_int_equal(calendar_is_business_day(&calendar, calendar_day(days[i].date)),
                         days[i].business);
        assert_true(calendar_is_business_day(NULL, calendar_day(days[i].date)));
    }
}

/* The published case: what was traded from 14 to 21 February 2018 is settled on the 22nd. */
static void test_spring_festival_2018(void **state)
{
    (void)state;
    struct genesis_calendar calendar = china_2018();
    for (uint32_t date = 20180214; date <= 20180221; date++) {
        uint32_t day = calendar_settlement_day(&calendar, calendar_day(date), 1);
        assert_int_equal(calendar_date(day), 20180222);
    }
    static const uint32_t cases[][3] = {{20180213, 1, 20180214}, {20180222, 1, 20180223},
                                        {20180223, 1, 20180224}, {20180224, 1, 20180226},
                                        {20180214, 0, 20180214}, {20180215, 0, 20180222},
                                        {20180214, 2, 20180223}, {20180210, 0, 20180211}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint32_t day = calendar_settlement_day(&calendar, calendar_day(cases[i][0]), cases[i][1]);
        assert_int_equal(calendar_date(day), cases[i][2]);
    }
}

/* A calendar without a single business day still gives an answer. */
static void test_no_business_day(void **state)
{
    (void)state;
    struct genesis_calendar calendar = {.number = 1, .weekend = 0x7f};
    assert_true(calendar_settlement_day(&calendar, 100, 1) > 100);
    struct genesis_service service = {
        .cutoff_count = 1, .cutoffs = {60}, .flags = SERVICE_BUSINESS_DAYS};
    assert_int_equal(calendar_next_cutoff(&service, &calendar, 0, 0), 0);
}

static void test_cutoffs(void **state)
{
    (void)state;
    struct genesis_calendar calendar = china_2018();
    struct genesis_service service = {.cutoff_count = 3, .cutoffs = {9 * 60, 15 * 60, 23 * 60}};
    uint32_t day = calendar_day(20180214);
    uint64_t nine = calendar_instant(day, 9 * 60, CHINA_MINUTES);
    assert_int_equal(calendar_next_cutoff(&service, &calendar, nine - 1, CHINA_MINUTES), nine);
    assert_int_equal(calendar_next_cutoff(&service, &calendar, nine, CHINA_MINUTES),
                     nine + 6 * HOUR_MS);
    assert_int_equal(calendar_next_cutoff(&service, &calendar, nine + 14 * HOUR_MS, CHINA_MINUTES),
                     nine + DAY_MS);
    service.flags = SERVICE_BUSINESS_DAYS;
    assert_int_equal(calendar_next_cutoff(&service, &calendar, nine + 14 * HOUR_MS, CHINA_MINUTES),
                     nine + 8 * DAY_MS);
    service.cutoff_count = 0;
    assert_int_equal(calendar_next_cutoff(&service, &calendar, nine, CHINA_MINUTES), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_days_and_dates),  cmocka_unit_test(test_local_days),
        cmocka_unit_test(test_business_days),   cmocka_unit_test(test_spring_festival_2018),
        cmocka_unit_test(test_no_business_day), cmocka_unit_test(test_cutoffs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
