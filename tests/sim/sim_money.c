/*
 * sim_money: conservation of money (docs/ledger.md, Invariants), computed from the accounts table
 * of one node at each height that is final for the first time, from nothing: nothing that the
 * ledger carries along is believed. And what the ledger went through, counted at the end of a run,
 * so that a campaign shows that its load was not all refused.
 */
#include <inttypes.h>

#include "ledger/account.h"
#include "ledger/event.h"
#include "ledger/verdict.h"
#include "tests/sim/sim_state.h"

struct sums {
    uint16_t currency;
    __int128 posted;  /* credits - debits over all accounts */
    __int128 pending; /* likewise */
    __int128 fund;    /* FUND and all CLAIMs */
};

static const char *account_fault(const struct account *account)
{
    const __int128 balance = account_balance(account).minor;
    const __int128 spendable = account_spendable(account).minor;
    switch ((enum account_class)account->class) {
    case ACCOUNT_SETTLEMENT:
    case ACCOUNT_COLLATERAL:
        return spendable < 0 ? "more is promised than there is" : NULL;
    case ACCOUNT_PAYOUT:
    case ACCOUNT_FUND:
        return balance < 0 ? "the hub owes what it does not have" : NULL;
    case ACCOUNT_CLAIM:
        return balance > 0 ? "a claim is above zero" : NULL;
    case ACCOUNT_NETTING:
        return balance != 0 ? "netting is not zero" : NULL;
    case ACCOUNT_CASH:
        return balance > 0 ? "cash is above zero" : NULL;
    case ACCOUNT_POSITION:
        return NULL;
    }
    return "an account of no class";
}

static struct sums *sums_of(struct sums *all, uint32_t *count, uint16_t currency)
{
    for (uint32_t i = 0; i < *count; i++) {
        if (all[i].currency == currency) {
            return &all[i];
        }
    }
    CHECK(*count < LIMIT_CURRENCIES);
    all[*count] = (struct sums){.currency = currency};
    return &all[(*count)++];
}

/* The next row of a table after the key in place; that key is replaced. */
static bool next_row(const struct sim_node *node, unsigned table, uint8_t key[64], size_t *length,
                     struct span *ret_key, struct span *ret_value)
{
    if (!memory_store_seek(&node->store, table, key, *length, ret_key, ret_value)) {
        return false;
    }
    CHECK(ret_key->length < 63);
    memcpy(key, ret_key->data, ret_key->length);
    key[ret_key->length] = 0;
    *length = ret_key->length + 1;
    return true;
}

void watch_money(struct sim_node *node)
{
    struct sim *sim = node->sim;
    struct sums all[LIMIT_CURRENCIES];
    uint32_t count = 0;
    uint8_t from[64];
    size_t length = 0;
    struct span key;
    struct span value;
    if (node->replica->final.height <= sim->summed_height || sim->options.beyond) {
        return;
    }
    sim->summed_height = node->replica->final.height;
    sim->result->counts.sums++;
    while (next_row(node, TABLE_ACCOUNTS, from, &length, &key, &value)) {
        struct account account;
        CHECK(account_decode(value, &account) == STATUS_OK);
        struct sums *sums = sums_of(all, &count, account.currency);
        const __int128 balance = account_balance(&account).minor;
        sums->posted += balance;
        sums->pending += (__int128)account.totals[TOTAL_CREDITS_PENDING].minor -
                         (__int128)account.totals[TOTAL_DEBITS_PENDING].minor;
        const bool funds = account.class == ACCOUNT_FUND || account.class == ACCOUNT_CLAIM;
        sums->fund += funds ? balance : 0;
        const char *fault = account_fault(&account);
        if (fault != NULL) {
            sim_violation(sim, "money", "height %" PRIu64 ", account %u: %s", sim->summed_height,
                          account.number, fault);
        }
    }
    for (uint32_t i = 0; i < count; i++) {
        if (all[i].posted != 0 || all[i].pending != 0 || all[i].fund < 0) {
            sim_violation(sim, "money",
                          "height %" PRIu64 ", currency %u: the balances do not sum to zero",
                          sim->summed_height, all[i].currency);
        }
    }
    if (count != sim->genesis.currency_count) {
        sim_violation(sim, "money", "accounts of %u currencies", count);
    }
}

static void count_event(struct sim_counts *counts, const struct event_row *event)
{
    counts->events++;
    counts->swept += event->cause == CAUSE_EXPIRED || event->cause == CAUSE_SILENCE;
    counts->matches += event->cause == RECORD_CLEAR;
    counts->queue_posts += event->cause == CAUSE_RELEASE || event->cause == CAUSE_OFFSET;
    counts->settled += event->cause == CAUSE_SETTLED;
    counts->shorts += event->cause == CAUSE_SHORT;
    counts->defaults += event->cause == CAUSE_DEFAULTED;
    counts->ordered += event->cause == CAUSE_ACTION && event->subject != EVENT_RECORD;
}

static void count_verdicts(struct sim_counts *counts, struct span verdicts)
{
    for (size_t i = 0; i + 2 <= verdicts.length; i += 2) {
        counts->took_effect += verdict_is_accepted(get_le16(verdicts.data + i));
    }
}

void watch_went_through(struct sim_node *node)
{
    struct sim_counts *counts = &node->sim->result->counts;
    uint8_t from[64];
    size_t length = 0;
    struct span key;
    struct span value;
    while (next_row(node, TABLE_EVENTS, from, &length, &key, &value)) {
        struct event_row event;
        CHECK(event_decode(value, &event) == STATUS_OK);
        count_event(counts, &event);
    }
    length = 0;
    while (next_row(node, STORE_VERDICTS, from, &length, &key, &value)) {
        count_verdicts(counts, value);
    }
}
