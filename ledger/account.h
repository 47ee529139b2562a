/*
 * account: one account of the ledger, its number, and the 136-byte leaf of accounts_root
 * (docs/formats.md, Account leaf).
 *
 * Numbers are dense from 0. With C currencies in genesis order and participants in order of
 * registration (genesis: ascending by number):
 *
 *   4 * currency + {CASH 0, PAYOUT 1, NETTING 2, FUND 3}                     the hub's, first
 *   4 * C + 4 * (participant_index * C + currency)
 *         + {SETTLEMENT 0, POSITION 1, COLLATERAL 2, CLAIM 3}                a participant's
 *
 * so a participant registered later takes the next numbers and none ever moves.
 */
#ifndef HEFU_LEDGER_ACCOUNT_H
#define HEFU_LEDGER_ACCOUNT_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/status.h"
#include "ledger/money.h"

#define ACCOUNT_LEAF_BYTES 136
/* Accounts a participant has in each currency, and the hub has in each currency. */
#define ACCOUNTS_PER_CURRENCY 4u

/* Numbers are stable. */
enum account_class {
    ACCOUNT_SETTLEMENT = 1, /* prefunded money */
    ACCOUNT_POSITION = 2,   /* net of unsettled cycles */
    ACCOUNT_COLLATERAL = 3,
    ACCOUNT_CLAIM = 4, /* what a defaulter owes the fund */
    ACCOUNT_CASH = 5,  /* the hub's: mirror of the settlement bank */
    ACCOUNT_PAYOUT = 6,
    ACCOUNT_NETTING = 7,
    ACCOUNT_FUND = 8, /* mutual loss fund */
};

/* Flags of a leaf: on a POSITION, its exposure must be covered (LIMIT_COVERED of genesis). */
#define ACCOUNT_COVERED 1u

/* Which of an account's totals an entry changes. Numbers are stable. */
enum account_total {
    TOTAL_DEBITS_POSTED = 0,
    TOTAL_CREDITS_POSTED = 1,
    TOTAL_DEBITS_PENDING = 2,
    TOTAL_CREDITS_PENDING = 3,
};
#define ACCOUNT_TOTALS 4

struct account {
    struct total totals[ACCOUNT_TOTALS]; /* by enum account_total */
    uint64_t limit;                      /* of a POSITION: the cap on its exposure */
    uint64_t entries;                    /* on all its pages */
    uint64_t last_page_height;           /* 0: no page yet */
    uint32_t number;
    uint32_t participant; /* 0: the hub */
    uint32_t flags;
    uint16_t currency;
    uint16_t class; /* enum account_class */
    struct hash head;
};

/* credits posted - debits posted. */
static inline struct difference account_balance(const struct account *account)
{
    return total_balance(account->totals[TOTAL_CREDITS_POSTED],
                         account->totals[TOTAL_DEBITS_POSTED]);
}

/* What the holder may spend: the balance less pending debits. A pending credit is never spendable.
 */
static inline struct difference account_spendable(const struct account *account)
{
    struct difference balance = account_balance(account);
    balance.minor -= (__int128)account->totals[TOTAL_DEBITS_PENDING].minor;
    return balance;
}

/* The numbers, as drawn above; currency_index and participant_index count from 0. */
uint32_t account_number_hub(uint32_t currency_index, enum account_class class);
uint32_t account_number(uint32_t currency_count, uint32_t participant_index,
                        uint32_t currency_index, enum account_class class);

/* "SETTLEMENT" ... or NULL for a class there is not. */
const char *account_class_name(unsigned class);

void account_encode(const struct account *account, uint8_t ret_leaf[ACCOUNT_LEAF_BYTES]);
/* TRUNCATED or TRAILING for another length, MALFORMED for an unknown class. */
enum status account_decode(struct span leaf, struct account *ret_account) MUST_USE;
/* The leaf hash in accounts_root. */
struct hash account_leaf_hash(const struct account *account);

#endif
