/* group: running sums of what groups owe (see group.h). */
#include "ledger/group.h"

#include <string.h>

#include "ledger/state.h"

static struct total *sum_of(const struct ledger *ledger, uint32_t participant, uint32_t currency)
{
    uint32_t sponsor = ledger->registry.sponsors[participant];
    uint64_t settles = sponsor == REGISTRY_NONE ? participant : sponsor;
    return &ledger->cycles.group_sums[settles * ledger->currency_count + currency];
}

/* own() without a look at anybody else. */
static struct total own(const struct ledger *ledger, uint32_t participant, uint32_t currency)
{
    const struct account *position = &ledger->accounts[account_number(
        ledger->currency_count, participant, currency, ACCOUNT_POSITION)];
    struct total own =
        ledger->cycles.exposures[(uint64_t)participant * ledger->currency_count + currency];
    own.minor += position->totals[TOTAL_DEBITS_PENDING].minor;
    return own;
}

struct total group_exposure(const struct ledger *ledger, uint32_t participant, uint32_t currency)
{
    return ledger->cycles.group_sums[(uint64_t)participant * ledger->currency_count + currency];
}

void group_change(struct ledger *ledger, uint32_t participant, uint32_t currency,
                  struct total before, struct total after)
{
    sum_of(ledger, participant, currency)->minor += after.minor - before.minor;
}

void group_change_pending(struct ledger *ledger, uint32_t account, struct total before,
                          struct total after)
{
    if (ledger->accounts[account].class == ACCOUNT_POSITION) {
        /* Four accounts in each currency, the hub's first. */
        uint32_t place = account / ACCOUNTS_PER_CURRENCY - ledger->currency_count;
        group_change(ledger, place / ledger->currency_count, place % ledger->currency_count, before,
                     after);
    }
}

void group_recompute(struct ledger *ledger)
{
    const uint32_t currencies = ledger->currency_count;
    memset(ledger->cycles.group_sums, 0,
           (size_t)ledger->participant_count * currencies * sizeof *ledger->cycles.group_sums);
    for (uint32_t i = 0; i < ledger->participant_count; i++) {
        for (uint32_t c = 0; c < currencies; c++) {
            sum_of(ledger, i, c)->minor += own(ledger, i, c).minor;
        }
    }
}

bool group_is_consistent_for(const struct ledger *ledger, uint32_t participant, uint32_t currency)
{
    const struct registry *registry = &ledger->registry;
    if (registry->sponsors[participant] != REGISTRY_NONE) {
        return true;
    }
    struct total sum = own(ledger, participant, currency);
    for (uint32_t member = registry->first_members[participant]; member != REGISTRY_NONE;
         member = registry->next_members[member]) {
        sum.minor += own(ledger, member, currency).minor;
    }
    return total_equal(sum, group_exposure(ledger, participant, currency));
}

bool group_is_consistent(const struct ledger *ledger)
{
    for (uint32_t i = 0; i < ledger->participant_count; i++) {
        for (uint32_t c = 0; c < ledger->currency_count; c++) {
            if (!group_is_consistent_for(ledger, i, c)) {
                return false;
            }
        }
    }
    return true;
}
