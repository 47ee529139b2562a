/* opening: accounts by number (see opening.h). */
#include "ledger/opening.h"

#include "base/check.h"
#include "ledger/outcome.h"
#include "ledger/touch.h"

#define CLASSES 4u

static void set_limit(const struct ledger *ledger, struct account *account)
{
    const struct genesis *genesis = ledger->registry.genesis;
    uint32_t low = 0;
    uint32_t high = genesis->limit_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct genesis_limit *limit = &genesis->limits[middle];
        if (limit->participant < account->participant ||
            (limit->participant == account->participant && limit->currency < account->currency)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low < genesis->limit_count && genesis->limits[low].participant == account->participant &&
        genesis->limits[low].currency == account->currency) {
        account->limit = genesis->limits[low].cap;
        account->flags = (genesis->limits[low].flags & LIMIT_COVERED) != 0 ? ACCOUNT_COVERED : 0;
    }
}

void opening_account(const struct ledger *ledger, uint32_t number, struct account *ret_account)
{
    const struct genesis *genesis = ledger->registry.genesis;
    uint32_t currencies = genesis->currency_count;
    uint32_t hub = CLASSES * currencies;
    *ret_account = (struct account){.number = number};
    if (number < hub) {
        ret_account->currency = genesis->currencies[number / CLASSES].numeric;
        ret_account->class = (uint16_t)(ACCOUNT_CASH + number % CLASSES);
        return;
    }
    uint32_t place = (number - hub) / CLASSES;
    CHECK(place / currencies < genesis->participant_count);
    ret_account->participant = genesis->participants[place / currencies].number;
    ret_account->currency = genesis->currencies[place % currencies].numeric;
    ret_account->class = (uint16_t)(ACCOUNT_SETTLEMENT + (number - hub) % CLASSES);
    if (ret_account->class == ACCOUNT_POSITION) {
        set_limit(ledger, ret_account);
    }
}

void opening_accounts(struct ledger *ledger)
{
    for (uint32_t i = 0; i < ledger->account_count; i++) {
        opening_account(ledger, i, &ledger->accounts[i]);
    }
}

void opening_of_participant(struct ledger *ledger, uint32_t index)
{
    const struct genesis *genesis = ledger->registry.genesis;
    uint32_t first = CLASSES * genesis->currency_count * (1 + index);
    uint32_t end = first + CLASSES * genesis->currency_count;
    CHECK(first == ledger->account_count && end <= ledger->limits.accounts_max);
    ledger->account_count = end;
    for (uint32_t i = first; i < end; i++) {
        opening_account(ledger, i, &ledger->accounts[i]);
        (void)touch_limit(ledger, i);
    }
}

void opening_resize(struct ledger *ledger)
{
    uint32_t count = (uint32_t)genesis_account_count(ledger->registry.genesis);
    CHECK(count <= ledger->limits.accounts_max);
    ledger->account_count = count;
    outcome_rebuild_tree(ledger);
}
