/*
 * text: the words and figures that people write: amounts with a currency's decimals, dates, times
 * and ids (money_format of ledger/money.h writes amounts). Parsing is strict: what is not exactly
 * of the stated form is refused, never guessed. No floating point: an amount is an integer count of
 * minor units (docs/integrating.md).
 */
#ifndef HEFU_CLI_TEXT_H
#define HEFU_CLI_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "ledger/record.h"

/* "2026-11-23T08:15:00.123Z" and a final zero. */
#define TIME_TEXT_BYTES 32
/* 32 hexadecimal digits and a final zero. */
#define ID_TEXT_BYTES 33

/*
 * "120.50" with exponent 2 is 12050. Digits, optionally one point and at most exponent decimals;
 * a leading "-" only if allow_negative. At most 10^18 - 1 in magnitude. Errors, outputs untouched:
 * MALFORMED (not such a number), OVERSIZED (too large), TRAILING (more decimals than the currency).
 */
enum status amount_parse(const char *text, unsigned exponent, bool allow_negative,
                         int64_t *ret_minor) MUST_USE;

/* A decimal number of digits only, at most max. MALFORMED or OVERSIZED. */
enum status number_parse(const char *text, uint64_t max, uint64_t *ret_number) MUST_USE;

/* "2026-11-23" is 20261123. MALFORMED unless it is a day of the Gregorian calendar from 1970 on. */
enum status date_parse(const char *text, uint32_t *ret_yyyymmdd) MUST_USE;
void date_format(uint32_t yyyymmdd, char ret_text[TIME_TEXT_BYTES]);
/* Days since 1970-01-01 of a date that date_parse gave. */
int64_t date_days(uint32_t yyyymmdd);
/* Milliseconds since 1970 as UTC, ISO 8601. */
void time_format(uint64_t unix_ms, char ret_text[TIME_TEXT_BYTES]);
/* A date (its midnight, UTC), or "2026-11-23T08:15:00Z"; MALFORMED otherwise. */
enum status time_parse(const char *text, uint64_t *ret_unix_ms) MUST_USE;

/* 32 hexadecimal digits, or the same grouped as a UUID; not all zero. MALFORMED otherwise. */
enum status id_parse(const char *text, struct record_id *ret_id) MUST_USE;
void id_format(const struct record_id *id, char ret_text[ID_TEXT_BYTES]);

/*
 * The id of a line that has none: midnight of the business date in ms (6 bytes, big-endian, so that
 * ids sort by day), 6 bytes of the file's hash, the line's number (4 bytes, big-endian). The same
 * line of the same file always gets the same id, so sending the file again changes nothing.
 */
struct record_id id_of_line(uint32_t business_date, const struct hash *source_hash, uint32_t line);

/* "Jade River Bank" as "jade-river-bank": a name for folders and for typing. Letters and digits of
   ASCII, everything else becomes single hyphens. Truncated to capacity. */
void name_slug(const char *name, char *ret_slug, size_t capacity);

#endif
