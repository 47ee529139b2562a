/* limit: caps, cover and floors (see limit.h). */
#include "ledger/limit.h"

#include "base/check.h"
#include "ledger/group.h"

/* A look at what stands, with what a plan would do to it on top. */
struct look {
    struct ledger *ledger;
    const struct effects_of_plan *effects; /* NULL: as it is */
    uint32_t currency;
};

static __int128 positive(__int128 value)
{
    return value > 0 ? value : 0;
}

static const struct effect *effect_on(const struct look *look, uint32_t participant,
                                      enum account_class class)
{
    for (uint32_t i = 0; look->effects != NULL && i < look->effects->count; i++) {
        const struct effect *effect = &look->effects->list[i];
        if (effect->participant == participant && effect->class == class) {
            return effect;
        }
    }
    return NULL;
}

static __int128 spendable(const struct look *look, uint32_t participant, enum account_class class)
{
    const struct effect *effect = effect_on(look, participant, class);
    __int128 now =
        account_spendable(ledger_account(look->ledger, participant, look->currency, class)).minor;
    return effect == NULL ? now : now + effect->change.minor - effect->reserve.minor;
}

/* What is the participant's alone, as it stands. */
static __int128 own_now(const struct look *look, uint32_t participant)
{
    struct ledger *ledger = look->ledger;
    const struct account *position =
        ledger_account(ledger, participant, look->currency, ACCOUNT_POSITION);
    return (__int128)ledger_exposure(ledger, participant, look->currency)->minor +
           (__int128)position->totals[TOTAL_DEBITS_PENDING].minor;
}

/* What an effect on a POSITION does to own() of its participant. */
static __int128 own_change(const struct look *look, const struct effect *effect)
{
    __int128 change = effect->reserve.minor;
    if (effect->change.minor != 0) {
        const struct net *net = cycle_net(look->ledger, look->effects->cycle, effect->participant);
        __int128 before = total_balance(net->credits, net->debits).minor;
        change += positive(-(before + effect->change.minor)) - positive(-before);
    }
    return change;
}

static uint32_t sponsor_of(const struct look *look, uint32_t participant)
{
    return look->ledger->registry.sponsors[participant];
}

/* own() of a participant that has a sponsor, the sum of its group's of one that has none: the sum
   that is kept (group.h), and what the plan's few effects do to it. */
static __int128 exposure(const struct look *look, uint32_t participant)
{
    const bool settles = sponsor_of(look, participant) == REGISTRY_NONE;
    __int128 sum = settles
                       ? (__int128)group_exposure(look->ledger, participant, look->currency).minor
                       : own_now(look, participant);
    for (uint32_t i = 0; look->effects != NULL && i < look->effects->count; i++) {
        const struct effect *effect = &look->effects->list[i];
        if (effect->class == ACCOUNT_POSITION &&
            (effect->participant == participant ||
             (settles && sponsor_of(look, effect->participant) == participant))) {
            sum += own_change(look, effect);
        }
    }
    CHECK(sum >= 0);
    return sum;
}

static __int128 cover(const struct look *look, uint32_t participant)
{
    return positive(spendable(look, participant, ACCOUNT_SETTLEMENT)) +
           positive(spendable(look, participant, ACCOUNT_COLLATERAL));
}

static const struct account *position_of(const struct look *look, uint32_t participant)
{
    return ledger_account(look->ledger, participant, look->currency, ACCOUNT_POSITION);
}

static bool is_covered(const struct look *look, uint32_t participant)
{
    return (position_of(look, participant)->flags & ACCOUNT_COVERED) != 0;
}

/* What an uncovered participant owes in closed cycles, a covered one what collateral leaves open.
 */
static __int128 floor_of(const struct look *look, uint32_t participant)
{
    if (sponsor_of(look, participant) != REGISTRY_NONE) {
        return 0;
    }
    if (is_covered(look, participant)) {
        return positive(exposure(look, participant) -
                        spendable(look, participant, ACCOUNT_COLLATERAL));
    }
    return (__int128)cycle_closed_owed(look->ledger, participant, look->currency)->minor;
}

static enum verdict check_position(const struct look *look, uint32_t participant)
{
    __int128 of_own_group = exposure(look, participant);
    if (of_own_group > (__int128)position_of(look, participant)->limit) {
        return VERDICT_CAP;
    }
    uint32_t sponsor = sponsor_of(look, participant);
    if (sponsor == REGISTRY_NONE) {
        return is_covered(look, participant) && of_own_group > cover(look, participant)
                   ? VERDICT_COVER
                   : VERDICT_POSTED;
    }
    __int128 of_group = exposure(look, sponsor);
    if (of_group > (__int128)position_of(look, sponsor)->limit) {
        return VERDICT_SPONSOR_CAP;
    }
    return is_covered(look, sponsor) && of_group > cover(look, sponsor) ? VERDICT_SPONSOR_COVER
                                                                        : VERDICT_POSTED;
}

static enum verdict check_settlement(const struct look *look, uint32_t participant)
{
    __int128 after = spendable(look, participant, ACCOUNT_SETTLEMENT);
    if (after < 0) {
        return VERDICT_INSUFFICIENT_FUNDS;
    }
    return !look->effects->pledge && after < floor_of(look, participant) ? VERDICT_FLOOR
                                                                         : VERDICT_POSTED;
}

static enum verdict check_collateral(const struct look *look, uint32_t participant)
{
    if (spendable(look, participant, ACCOUNT_COLLATERAL) < 0) {
        return VERDICT_INSUFFICIENT_FUNDS;
    }
    if (sponsor_of(look, participant) != REGISTRY_NONE) {
        return VERDICT_POSTED;
    }
    if (is_covered(look, participant)) {
        return exposure(look, participant) > cover(look, participant) ? VERDICT_COVER
                                                                      : VERDICT_POSTED;
    }
    return floor_of(look, participant) > cover(look, participant) ? VERDICT_FLOOR : VERDICT_POSTED;
}

static enum verdict check_effect(const struct look *look, const struct effect *effect)
{
    if (effect->change.minor - effect->reserve.minor >= 0) {
        return VERDICT_POSTED;
    }
    switch ((enum account_class)effect->class) {
    case ACCOUNT_POSITION:
        return check_position(look, effect->participant);
    case ACCOUNT_SETTLEMENT:
        return check_settlement(look, effect->participant);
    case ACCOUNT_COLLATERAL:
        return check_collateral(look, effect->participant);
    case ACCOUNT_CLAIM:
    case ACCOUNT_CASH:
    case ACCOUNT_PAYOUT:
    case ACCOUNT_NETTING:
    case ACCOUNT_FUND:
        break;
    }
    return VERDICT_POSTED;
}

enum verdict limit_check(struct ledger *ledger, const struct effects_of_plan *effects)
{
    const struct look look = {.ledger = ledger, .effects = effects, .currency = effects->currency};
    enum verdict worst = VERDICT_POSTED;
    for (uint32_t i = 0; i < effects->count; i++) {
        enum verdict verdict = check_effect(&look, &effects->list[i]);
        if (verdict != VERDICT_POSTED && (worst == VERDICT_POSTED || verdict < worst)) {
            worst = verdict;
        }
    }
    return worst;
}

struct difference limit_floor(struct ledger *ledger, uint32_t participant, uint32_t currency)
{
    const struct look look = {.ledger = ledger, .currency = currency};
    return (struct difference){floor_of(&look, participant)};
}

struct difference limit_exposure(struct ledger *ledger, uint32_t participant, uint32_t currency)
{
    const struct look look = {.ledger = ledger, .currency = currency};
    return (struct difference){exposure(&look, participant)};
}

struct difference limit_cover(struct ledger *ledger, uint32_t participant, uint32_t currency)
{
    const struct look look = {.ledger = ledger, .currency = currency};
    return (struct difference){cover(&look, participant)};
}

struct total limit_exposure_recomputed(const struct ledger *ledger, uint32_t participant,
                                       uint32_t currency)
{
    struct total owed = {0};
    for (uint32_t slot = 0; slot < ledger->cycles.count; slot++) {
        if (cycle_is_unsettled(&ledger->cycles.rows[slot]) &&
            ledger->cycles.currency[slot] == currency) {
            const struct net *net = cycle_net(ledger, slot, participant);
            owed.minor += total_owed(net->credits, net->debits).minor;
        }
    }
    return owed;
}
