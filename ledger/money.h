/*
 * money: integer minor units with checked arithmetic (docs/ledger.md). An amount is below 10^18; a
 * total is the unsigned sum of one side of an account, a difference is signed. Sums are structs, so
 * that the compiler tells a total from a difference and neither from a plain number.
 *
 * An overflow of 128 bits would need 2^60 postings of the largest amount, so it is our bug:
 * CHECKed.
 */
#ifndef HEFU_LEDGER_MONEY_H
#define HEFU_LEDGER_MONEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/check.h"
#include "base/limits.h"

struct total {
    unsigned __int128 minor;
};

struct difference {
    __int128 minor;
};

static inline void total_add(struct total *total, uint64_t amount)
{
    CHECK(!__builtin_add_overflow(total->minor, amount, &total->minor));
}

static inline void total_subtract(struct total *total, uint64_t amount)
{
    CHECK(!__builtin_sub_overflow(total->minor, amount, &total->minor));
}

/* Adds a signed number; a total is never negative. */
static inline void total_change(struct total *total, int64_t delta)
{
    if (delta < 0) {
        total_subtract(total, (uint64_t)-delta);
    } else {
        total_add(total, (uint64_t)delta);
    }
}

static inline bool total_equal(struct total a, struct total b)
{
    return a.minor == b.minor;
}

/* credits - debits: positive is money the holder has, negative money it owes. */
static inline struct difference total_balance(struct total credits, struct total debits)
{
    struct difference balance;
    CHECK(!__builtin_sub_overflow(credits.minor, debits.minor, &balance.minor));
    return balance;
}

/* What a net position adds to an exposure: the part of it that is owed. */
static inline struct total total_owed(struct total credits, struct total debits)
{
    struct total owed = {debits.minor > credits.minor ? debits.minor - credits.minor : 0};
    return owed;
}

/* Room for any 128-bit number with sign, decimal point and final zero. */
#define MONEY_TEXT_BYTES 48

/* "-1234.56" of minor units in a currency with exponent decimals (at most 18). Returns ret_text. */
const char *money_format(struct difference minor, unsigned exponent,
                         char ret_text[MONEY_TEXT_BYTES]);

#endif
