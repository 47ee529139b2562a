/* text: amounts, dates, times and ids as people write them (see text.h). */
#include "cli/text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "base/limits.h"

#define EXPONENT_MAX 8
#define DAY_MS 86400000ull

static bool is_digit(char character)
{
    return character >= '0' && character <= '9';
}

/* Appends digits to *value until something else stands there; false past the greatest amount. */
static bool take_digits(const char **text, uint64_t *value, unsigned *ret_count)
{
    unsigned count = 0;
    bool fits = true;
    for (; is_digit(**text); (*text)++, count++) {
        *value = *value * 10 + (uint64_t)(**text - '0');
        if (*value >= LIMIT_AMOUNT) {
            fits = false;
            *value = LIMIT_AMOUNT; /* stays too large, cannot wrap */
        }
    }
    *ret_count = count;
    return fits;
}

enum status amount_parse(const char *text, unsigned exponent, bool allow_negative,
                         int64_t *ret_minor)
{
    CHECK(exponent <= EXPONENT_MAX);
    bool negative = allow_negative && *text == '-';
    text += negative ? 1 : 0;
    uint64_t value = 0;
    unsigned whole, decimals = 0;
    bool fits = take_digits(&text, &value, &whole);
    if (whole == 0) {
        return STATUS_MALFORMED;
    }
    if (*text == '.') {
        text++;
        fits = take_digits(&text, &value, &decimals) && fits;
        if (decimals == 0) {
            return STATUS_MALFORMED;
        }
    }
    if (*text != '\0') {
        return STATUS_MALFORMED;
    }
    if (decimals > exponent) {
        return STATUS_TRAILING;
    }
    for (; decimals < exponent; decimals++) {
        value *= 10;
        fits = fits && value < LIMIT_AMOUNT;
        value = fits ? value : LIMIT_AMOUNT;
    }
    if (!fits) {
        return STATUS_OVERSIZED;
    }
    *ret_minor = negative ? -(int64_t)value : (int64_t)value;
    return STATUS_OK;
}

enum status number_parse(const char *text, uint64_t max, uint64_t *ret_number)
{
    uint64_t value = 0;
    if (*text == '\0') {
        return STATUS_MALFORMED;
    }
    for (; *text != '\0'; text++) {
        if (!is_digit(*text)) {
            return STATUS_MALFORMED;
        }
        uint64_t digit = (uint64_t)(*text - '0');
        if (value > (max - digit) / 10 || digit > max) {
            return STATUS_OVERSIZED;
        }
        value = value * 10 + digit;
    }
    *ret_number = value;
    return STATUS_OK;
}

static bool is_leap(unsigned year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static unsigned days_of_month(unsigned year, unsigned month)
{
    static const uint8_t days[12] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    return month == 2 && is_leap(year) ? 29u : days[month - 1];
}

/* The number of exactly count digits; UINT32_MAX if there are others. */
static uint32_t fixed_digits(const char *text, unsigned count)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < count; i++) {
        if (!is_digit(text[i])) {
            return UINT32_MAX;
        }
        value = value * 10 + (uint32_t)(text[i] - '0');
    }
    return value;
}

/* Parses the first ten characters. */
static enum status date_prefix(const char *text, uint32_t *ret_yyyymmdd)
{
    if (strnlen(text, 10) < 10 || text[4] != '-' || text[7] != '-') {
        return STATUS_MALFORMED;
    }
    uint32_t year = fixed_digits(text, 4);
    uint32_t month = fixed_digits(text + 5, 2);
    uint32_t day = fixed_digits(text + 8, 2);
    if (year < 1970 || year > 9999 || month < 1 || month > 12 || day < 1 ||
        day > days_of_month(year, month)) {
        return STATUS_MALFORMED;
    }
    *ret_yyyymmdd = year * 10000 + month * 100 + day;
    return STATUS_OK;
}

enum status date_parse(const char *text, uint32_t *ret_yyyymmdd)
{
    return strlen(text) == 10 ? date_prefix(text, ret_yyyymmdd) : STATUS_MALFORMED;
}

void date_format(uint32_t yyyymmdd, char ret_text[TIME_TEXT_BYTES])
{
    snprintf(ret_text, TIME_TEXT_BYTES, "%04u-%02u-%02u", yyyymmdd / 10000, yyyymmdd / 100 % 100,
             yyyymmdd % 100);
}

/* Howard Hinnant's days_from_civil: eras of 400 years, years that begin in March. */
int64_t date_days(uint32_t yyyymmdd)
{
    int64_t year = yyyymmdd / 10000;
    int64_t month = yyyymmdd / 100 % 100;
    int64_t day = yyyymmdd % 100;
    year -= month <= 2 ? 1 : 0;
    int64_t era = year / 400;
    int64_t year_of_era = year - era * 400;
    int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    int64_t day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

/* Its inverse, civil_from_days, for days from 1970 on. */
static uint32_t date_of_days(uint64_t days)
{
    uint64_t shifted = days + 719468;
    uint64_t era = shifted / 146097;
    uint64_t of_era = shifted % 146097;
    uint64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    uint64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    uint64_t month = (5 * of_year + 2) / 153;
    uint64_t day = of_year - (153 * month + 2) / 5 + 1;
    month = month < 10 ? month + 3 : month - 9;
    year += era * 400 + (month <= 2 ? 1 : 0);
    return (uint32_t)(year * 10000 + month * 100 + day);
}

void time_format(uint64_t unix_ms, char ret_text[TIME_TEXT_BYTES])
{
    uint64_t of_day = unix_ms % DAY_MS;
    char date[TIME_TEXT_BYTES];
    /* A damaged time must not become an endless number. */
    date_format(date_of_days(unix_ms / DAY_MS % 2932897), date);
    snprintf(ret_text, TIME_TEXT_BYTES, "%.10sT%02u:%02u:%02u.%03uZ", date,
             (unsigned)(of_day / 3600000), (unsigned)(of_day / 60000 % 60),
             (unsigned)(of_day / 1000 % 60), (unsigned)(of_day % 1000));
}

enum status time_parse(const char *text, uint64_t *ret_unix_ms)
{
    uint32_t date;
    if (date_prefix(text, &date) != STATUS_OK) {
        return STATUS_MALFORMED;
    }
    uint64_t ms = (uint64_t)date_days(date) * DAY_MS;
    if (text[10] != '\0') {
        if (strlen(text) != 20 || text[10] != 'T' || text[13] != ':' || text[16] != ':' ||
            text[19] != 'Z') {
            return STATUS_MALFORMED;
        }
        uint32_t hour = fixed_digits(text + 11, 2);
        uint32_t minute = fixed_digits(text + 14, 2);
        uint32_t second = fixed_digits(text + 17, 2);
        if (hour > 23 || minute > 59 || second > 59) {
            return STATUS_MALFORMED;
        }
        ms += (uint64_t)hour * 3600000 + (uint64_t)minute * 60000 + (uint64_t)second * 1000;
    }
    *ret_unix_ms = ms;
    return STATUS_OK;
}

enum status id_parse(const char *text, struct record_id *ret_id)
{
    char digits[ID_TEXT_BYTES];
    size_t length = strlen(text);
    if (length == 36) {
        /* A UUID: 8-4-4-4-12. */
        if (text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-') {
            return STATUS_MALFORMED;
        }
        snprintf(digits, sizeof digits, "%.8s%.4s%.4s%.4s%.12s", text, text + 9, text + 14,
                 text + 19, text + 24);
        text = digits;
        length = strlen(digits);
    }
    struct record_id id;
    if (length != 32 || bytes_from_hex(text, sizeof id.bytes, id.bytes) != STATUS_OK ||
        bytes_are_zero(id.bytes, sizeof id.bytes)) {
        return STATUS_MALFORMED;
    }
    *ret_id = id;
    return STATUS_OK;
}

void id_format(const struct record_id *id, char ret_text[ID_TEXT_BYTES])
{
    bytes_to_hex(id->bytes, sizeof id->bytes, ret_text);
}

struct record_id id_of_line(uint32_t business_date, const struct hash *source_hash, uint32_t line)
{
    struct record_id id;
    uint8_t midnight[8];
    put_be64(midnight, (uint64_t)date_days(business_date) * DAY_MS);
    memcpy(id.bytes, midnight + 2, 6);
    memcpy(id.bytes + 6, source_hash->bytes, 6);
    put_be32(id.bytes + 12, line);
    return id;
}

void name_slug(const char *name, char *ret_slug, size_t capacity)
{
    CHECK(capacity > 0);
    size_t used = 0;
    for (; *name != '\0' && used + 1 < capacity; name++) {
        unsigned char character = (unsigned char)*name;
        if (character < 128 && isalnum(character)) {
            ret_slug[used++] = (char)tolower(character);
        } else if (used > 0 && ret_slug[used - 1] != '-') {
            ret_slug[used++] = '-';
        }
    }
    while (used > 0 && ret_slug[used - 1] == '-') {
        used--;
    }
    ret_slug[used] = '\0';
}
