/* calendar: days, cut-offs and settlement dates (see calendar.h). */
#include "ledger/calendar.h"

#include "base/check.h"

#define DAY_MINUTES 1440
#define MINUTE_MS 60000
/* Years from March on, so that a leap day is a year's last: day d of month m is then day
   (153 m + 2) / 5 + d of the year. Day 0 of this count is 0000-03-01; 1970-01-01 is this one. */
#define EPOCH_DAY 719468u
#define CENTURY_YEARS 100u
#define CYCLE_YEARS 400u
#define CYCLE_DAYS 146097u
/* 1970-01-01 was a Thursday: bit 3 of a weekend mask. */
#define EPOCH_WEEKDAY 3u
#define WEEK_DAYS 7u
#define LOOK_AHEAD_DAYS 3660u

bool calendar_is_date(uint32_t yyyymmdd)
{
    static const uint8_t DAYS[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    uint32_t year = yyyymmdd / 10000;
    uint32_t month = yyyymmdd / 100 % 100;
    uint32_t day = yyyymmdd % 100;
    if (year < 1970 || year > 9999 || month < 1 || month > 12) {
        return false;
    }
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    uint32_t days = DAYS[month - 1] + (month == 2 && leap ? 1u : 0u);
    return day >= 1 && day <= days;
}

uint32_t calendar_day(uint32_t yyyymmdd)
{
    uint32_t month = yyyymmdd / 100 % 100;
    uint32_t year = yyyymmdd / 10000 - (month <= 2 ? 1 : 0);
    uint32_t from_march = month <= 2 ? month + 9 : month - 3;
    uint32_t leap_days = year / 4 - year / CENTURY_YEARS + year / CYCLE_YEARS;
    uint32_t day = year * 365 + leap_days + (153 * from_march + 2) / 5 + yyyymmdd % 100 - 1;
    CHECK(day >= EPOCH_DAY);
    return day - EPOCH_DAY;
}

uint32_t calendar_date(uint32_t day)
{
    uint32_t count = day + EPOCH_DAY;
    uint32_t cycle = count / CYCLE_DAYS;
    uint32_t of_cycle = count % CYCLE_DAYS;
    /* Leap days before it in the cycle: each fourth year but each hundredth, but the last. */
    uint32_t year =
        (of_cycle - of_cycle / 1460 + of_cycle / 36524 - of_cycle / (CYCLE_DAYS - 1)) / 365;
    uint32_t of_year = of_cycle - (365 * year + year / 4 - year / CENTURY_YEARS);
    uint32_t from_march = (5 * of_year + 2) / 153;
    uint32_t month = from_march < 10 ? from_march + 3 : from_march - 9;
    uint32_t full_year = cycle * CYCLE_YEARS + year + (month <= 2 ? 1 : 0);
    return full_year * 10000 + month * 100 + of_year - (153 * from_march + 2) / 5 + 1;
}

uint32_t calendar_local_day(uint64_t time_ms, int32_t utc_offset_minutes)
{
    int64_t local = (int64_t)(time_ms / MINUTE_MS) + utc_offset_minutes;
    return local < 0 ? 0 : (uint32_t)(local / DAY_MINUTES);
}

uint64_t calendar_instant(uint32_t day, uint32_t minute, int32_t utc_offset_minutes)
{
    int64_t minutes = (int64_t)day * DAY_MINUTES + minute - utc_offset_minutes;
    return minutes < 0 ? 0 : (uint64_t)minutes * MINUTE_MS;
}

/* Ascending dates. */
static bool stands_in(const uint32_t *dates, uint32_t count, uint32_t date)
{
    uint32_t low = 0;
    uint32_t high = count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (dates[middle] < date) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < count && dates[low] == date;
}

bool calendar_is_business_day(const struct genesis_calendar *calendar, uint32_t day)
{
    if (calendar == NULL) {
        return true;
    }
    uint32_t date = calendar_date(day);
    if (stands_in(calendar->workdays, calendar->workday_count, date)) {
        return true;
    }
    uint32_t weekday = (day + EPOCH_WEEKDAY) % WEEK_DAYS;
    return (calendar->weekend >> weekday & 1u) == 0 &&
           !stands_in(calendar->holidays, calendar->holiday_count, date);
}

uint32_t calendar_settlement_day(const struct genesis_calendar *calendar, uint32_t day,
                                 uint32_t days)
{
    const uint32_t last = day + LOOK_AHEAD_DAYS;
    uint32_t at = days == 0 ? day : day + 1;
    uint32_t left = days == 0 ? 1 : days;
    for (; at < last; at++) {
        if (calendar_is_business_day(calendar, at) && --left == 0) {
            break;
        }
    }
    return at;
}

uint64_t calendar_next_cutoff(const struct genesis_service *service,
                              const struct genesis_calendar *calendar, uint64_t time_ms,
                              int32_t utc_offset_minutes)
{
    if (service->cutoff_count == 0) {
        return 0;
    }
    const bool business = (service->flags & SERVICE_BUSINESS_DAYS) != 0;
    uint32_t first = calendar_local_day(time_ms, utc_offset_minutes);
    for (uint32_t day = first; day < first + LOOK_AHEAD_DAYS; day++) {
        if (business && !calendar_is_business_day(calendar, day)) {
            continue;
        }
        for (uint32_t i = 0; i < service->cutoff_count; i++) {
            uint64_t instant = calendar_instant(day, service->cutoffs[i], utc_offset_minutes);
            if (instant > time_ms) {
                return instant;
            }
        }
    }
    return 0;
}
