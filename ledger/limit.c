/* limit: caps, cover and floors (see limit.h). */
#include "ledger/limit.h"

#include "base/check.h"

static __int128 positive(struct difference value)
{
    return value.minor > 0 ? value.minor : 0;
}

/* A debit of a POSITION: the exposure after it must keep the cap, and the cover if there is one. */
static enum verdict check_position(struct ledger *ledger, const struct effect *effect,
                                   uint32_t cycle, uint32_t currency)
{
    uint32_t participant = effect->participant;
    const struct net *net = &ledger->cycles.nets[cycle * ledger->participant_count + participant];
    __int128 before = total_balance(net->credits, net->debits).minor;
    __int128 after = before + effect->change.minor;
    const struct account *position =
        ledger_account(ledger, participant, currency, ACCOUNT_POSITION);
    __int128 exposure = (__int128)ledger_exposure(ledger, participant, currency)->minor +
                        (__int128)position->totals[TOTAL_DEBITS_PENDING].minor;
    exposure += (after < 0 ? -after : 0) - (before < 0 ? -before : 0) + effect->reserve.minor;
    CHECK(exposure >= 0);
    if (exposure > (__int128)position->limit) {
        return VERDICT_CAP;
    }
    if ((position->flags & ACCOUNT_COVERED) == 0) {
        return VERDICT_POSTED;
    }
    struct difference settlement =
        account_spendable(ledger_account(ledger, participant, currency, ACCOUNT_SETTLEMENT));
    struct difference collateral =
        account_balance(ledger_account(ledger, participant, currency, ACCOUNT_COLLATERAL));
    return exposure > positive(settlement) + positive(collateral) ? VERDICT_COVER : VERDICT_POSTED;
}

/* What must stay on SETTLEMENT: of a covered participant what its collateral leaves open, of any
   other what it owes in closed cycles. Cycles do not close yet, so that is nothing: here is the
   place where their nets will be added up. */
static __int128 floor_of(struct ledger *ledger, uint32_t participant, uint32_t currency)
{
    const struct account *position =
        ledger_account(ledger, participant, currency, ACCOUNT_POSITION);
    if ((position->flags & ACCOUNT_COVERED) == 0) {
        return 0;
    }
    struct difference open = {
        (__int128)ledger_exposure(ledger, participant, currency)->minor +
        (__int128)position->totals[TOTAL_DEBITS_PENDING].minor -
        account_balance(ledger_account(ledger, participant, currency, ACCOUNT_COLLATERAL)).minor};
    return positive(open);
}

static enum verdict check_settlement(struct ledger *ledger, const struct effect *effect,
                                     uint32_t currency)
{
    struct difference spendable = account_spendable(
        ledger_account(ledger, effect->participant, currency, ACCOUNT_SETTLEMENT));
    __int128 after = spendable.minor + effect->change.minor - effect->reserve.minor;
    if (after < 0) {
        return VERDICT_INSUFFICIENT_FUNDS;
    }
    return after < floor_of(ledger, effect->participant, currency) ? VERDICT_FLOOR : VERDICT_POSTED;
}

enum verdict limit_check(struct ledger *ledger, const struct effect *effect, uint32_t cycle,
                         uint32_t currency)
{
    if (effect->change.minor - effect->reserve.minor >= 0) {
        return VERDICT_POSTED;
    }
    return effect->class == ACCOUNT_POSITION ? check_position(ledger, effect, cycle, currency)
                                             : check_settlement(ledger, effect, currency);
}

struct total limit_exposure_recomputed(const struct ledger *ledger, uint32_t participant,
                                       uint32_t currency)
{
    struct total exposure = {0};
    for (uint32_t cycle = 0; cycle < ledger->cycles.count; cycle++) {
        if (ledger->cycles.currency[cycle] == currency) {
            const struct net *net =
                &ledger->cycles.nets[cycle * ledger->participant_count + participant];
            exposure.minor += total_owed(net->credits, net->debits).minor;
        }
    }
    return exposure;
}
