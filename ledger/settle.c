/* settle: settlement of closed cycles and the default waterfall (see settle.h). */
#include "ledger/settle.h"

#include "base/check.h"
#include "ledger/account.h"
#include "ledger/cycle.h"
#include "ledger/group.h"
#include "ledger/state.h"
#include "ledger/touch.h"

#define MILLION 1000000

static __int128 positive(__int128 value)
{
    return value > 0 ? value : 0;
}

static __int128 smaller(__int128 a, __int128 b)
{
    return a < b ? a : b;
}

/* What one debtor brings, in the order of the waterfall. */
struct waterfall {
    __int128 settlement;
    __int128 collateral;
    __int128 fund;
};

static struct waterfall pay_from(struct ledger *ledger, uint32_t slot, uint32_t participant)
{
    uint32_t currency = ledger->cycles.currency[slot];
    bool overdue = (ledger->cycles.rows[slot].flags & CYCLE_OVERDUE) != 0;
    __int128 debt = positive(-ledger->cycles.sums[participant].minor);
    struct waterfall paid = {0};
    paid.settlement =
        smaller(debt, positive(account_spendable(ledger_account(ledger, participant, currency,
                                                                ACCOUNT_SETTLEMENT))
                                   .minor));
    if (overdue) {
        paid.collateral =
            smaller(debt - paid.settlement,
                    positive(account_spendable(
                                 ledger_account(ledger, participant, currency, ACCOUNT_COLLATERAL))
                                 .minor));
    }
    paid.fund = debt - paid.settlement - paid.collateral;
    return paid;
}

/* What the fund may give to one cycle: its money is what was contributed less what is owed to it.
 */
static __int128 fund_available(struct ledger *ledger, uint32_t currency)
{
    __int128 money =
        account_balance(&ledger->accounts[account_number_hub(currency, ACCOUNT_FUND)]).minor;
    for (uint32_t i = 0; i < ledger->participant_count; i++) {
        money += account_balance(ledger_account(ledger, i, currency, ACCOUNT_CLAIM)).minor;
    }
    /* The product of two numbers below 2^107 and 2^20 fits. */
    return positive(money) * ledger->registry.genesis->parameters.fund_share_ppm / MILLION;
}

/* ---- Entries ---- */

/* How many moves an amount takes. */
static uint64_t moves(__int128 amount)
{
    __int128 size = amount < 0 ? -amount : amount;
    return (uint64_t)(size / (__int128)LIMIT_AMOUNT) + (size != 0);
}

/* Whether the settlement's entries fit in this block beside what it may still come to: its own
   settlements (after a CONFIRM) and its queues. They always do where no amount is beyond 10^18. */
static bool has_room(struct ledger *ledger, uint32_t slot, bool with_money)
{
    uint64_t needed = 0;
    uint64_t kept = (uint64_t)ledger->currency_count * LIMIT_QUEUE * ENTRIES_PER_RECORD;
    if (!with_money) {
        kept += (uint64_t)SETTLEMENTS_PER_BLOCK * SETTLEMENT_ENTRIES * ledger->cycles.stride;
    }
    cycle_group_sums(ledger, slot);
    for (uint32_t i = 0; i < ledger->participant_count; i++) {
        const struct net *net = cycle_net(ledger, slot, i);
        needed += 2 * moves(total_balance(net->credits, net->debits).minor);
        /* Each of the two further sources of money may add a move. */
        needed += with_money ? 2 * (moves(ledger->cycles.sums[i].minor) + 2) : 0;
    }
    return ledger->entry_count + needed + kept <= ledger->limits.entries;
}

static void move(struct ledger *ledger, uint32_t from, uint32_t to, __int128 amount,
                 struct entry_origin origin)
{
    while (amount > 0) {
        int64_t part = amount < (__int128)LIMIT_AMOUNT ? (int64_t)amount : (int64_t)LIMIT_AMOUNT;
        touch_account(ledger, from, TOTAL_DEBITS_POSTED, part, origin);
        touch_account(ledger, to, TOTAL_CREDITS_POSTED, part, origin);
        amount -= part;
    }
}

static uint32_t account_of(const struct ledger *ledger, uint32_t participant, uint32_t currency,
                           enum account_class class)
{
    return account_number(ledger->currency_count, participant, currency, class);
}

/* Every POSITION goes back to zero for this cycle. */
static void clear_positions(struct ledger *ledger, uint32_t slot, struct entry_origin origin)
{
    uint32_t currency = ledger->cycles.currency[slot];
    uint32_t netting = account_number_hub(currency, ACCOUNT_NETTING);
    origin.leg = LEG_NETTED;
    for (uint32_t i = 0; i < ledger->participant_count; i++) {
        const struct net *net = cycle_net(ledger, slot, i);
        __int128 balance = total_balance(net->credits, net->debits).minor;
        uint32_t position = account_of(ledger, i, currency, ACCOUNT_POSITION);
        if (balance < 0) {
            move(ledger, netting, position, -balance, origin);
        } else {
            move(ledger, position, netting, balance, origin);
        }
    }
}

static void move_money(struct ledger *ledger, uint32_t slot, struct entry_origin origin)
{
    uint32_t currency = ledger->cycles.currency[slot];
    uint32_t netting = account_number_hub(currency, ACCOUNT_NETTING);
    for (uint32_t i = 0; i < ledger->participant_count; i++) {
        __int128 sum = ledger->cycles.sums[i].minor;
        uint32_t settlement = account_of(ledger, i, currency, ACCOUNT_SETTLEMENT);
        origin.leg = LEG_PAID;
        if (sum > 0) {
            move(ledger, netting, settlement, sum, origin);
            continue;
        }
        struct waterfall paid = pay_from(ledger, slot, i);
        move(ledger, settlement, netting, paid.settlement, origin);
        origin.leg = LEG_SEIZED;
        move(ledger, account_of(ledger, i, currency, ACCOUNT_COLLATERAL), netting, paid.collateral,
             origin);
        origin.leg = LEG_CLAIMED;
        move(ledger, account_of(ledger, i, currency, ACCOUNT_CLAIM), netting, paid.fund, origin);
    }
}

static uint64_t debtors_total(const struct ledger *ledger)
{
    __int128 total = 0;
    for (uint32_t i = 0; i < ledger->participant_count; i++) {
        total += positive(-ledger->cycles.sums[i].minor);
    }
    return total > (__int128)UINT64_MAX ? UINT64_MAX : (uint64_t)total;
}

/* Takes the cycle out of what is unsettled, and posts its nets; with_money: and who pays whom. */
static void settle(struct ledger *ledger, uint32_t slot, uint16_t cause, bool with_money)
{
    struct cycles *cycles = &ledger->cycles;
    uint32_t currency = cycles->currency[slot];
    if (with_money) {
        cycle_count_owed(ledger, slot, -1);
    }
    cycles->moved = true;
    cycle_group_sums(ledger, slot);
    uint32_t event = cycle_event(ledger, slot, cause, CYCLE_SETTLED, debtors_total(ledger));
    const struct entry_origin origin = {.position = event, .event = true};
    clear_positions(ledger, slot, origin);
    if (with_money) {
        move_money(ledger, slot, origin);
    }
    for (uint32_t i = 0; i < ledger->participant_count; i++) {
        const struct net *net = cycle_net(ledger, slot, i);
        struct total *exposure = ledger_exposure(ledger, i, currency);
        struct total owed = total_owed(net->credits, net->debits);
        CHECK(exposure->minor >= owed.minor);
        exposure->minor -= owed.minor;
        group_change(ledger, i, currency, owed, (struct total){0});
    }
    struct cycle_row *row = cycle_touch(ledger, slot);
    row->state = CYCLE_SETTLED;
    row->settled_height = ledger->block->height;
    row->settled_ms = ledger->block->timestamp_ms;
}

/* ---- One cycle ---- */

static void suspend(struct ledger *ledger, uint32_t participant, uint64_t missing)
{
    if (registry_is_suspended(&ledger->registry, participant)) {
        return;
    }
    const struct event_row event = {.subject = EVENT_PARTICIPANT,
                                    .cause = CAUSE_DEFAULTED,
                                    .old_state = STANDING_ACTIVE,
                                    .new_state = STANDING_SUSPENDED,
                                    .by = EVENT_BY_NONE,
                                    .amount = missing,
                                    .participant =
                                        ledger->registry.genesis->participants[participant].number};
    (void)event_add(ledger, &event);
    refdata_set_standing(ledger, participant, STANDING_SUSPENDED);
}

/* Past its deadline: who cannot pay is a defaulter, and suspended at the first try: operators may
   resume it while the cycle is SHORT. Returns what is asked of the fund. */
static __int128 take_defaults(struct ledger *ledger, uint32_t slot, bool *ret_defaulted)
{
    __int128 asked = 0;
    *ret_defaulted = false;
    for (uint32_t i = 0; i < ledger->participant_count; i++) {
        __int128 debt = positive(-ledger->cycles.sums[i].minor);
        struct waterfall paid = pay_from(ledger, slot, i);
        asked += paid.fund;
        if (paid.settlement < debt) {
            __int128 missing = debt - paid.settlement;
            *ret_defaulted = true;
            if (ledger->cycles.rows[slot].state == CYCLE_CLOSED) {
                suspend(ledger, i, missing > (__int128)UINT64_MAX ? UINT64_MAX : (uint64_t)missing);
            }
        }
    }
    return asked;
}

static void settle_prefunded(struct ledger *ledger, uint32_t slot)
{
    struct cycle_row *row = &ledger->cycles.rows[slot];
    bool defaulted = false;
    if (!has_room(ledger, slot, true)) {
        /* A later block has it, if this one's entries are what took it. */
        ledger->cycles.untried |= ledger->entry_count > 0;
        return;
    }
    if ((row->flags & CYCLE_OVERDUE) == 0) {
        for (uint32_t i = 0; i < ledger->participant_count; i++) {
            if (pay_from(ledger, slot, i).fund > 0) {
                return; /* the funding window is open */
            }
        }
        settle(ledger, slot, CAUSE_SETTLED, true);
        return;
    }
    __int128 asked = take_defaults(ledger, slot, &defaulted);
    if (asked <= fund_available(ledger, ledger->cycles.currency[slot])) {
        cycle_touch(ledger, slot)->flags |= defaulted ? CYCLE_DEFAULTED : 0;
        settle(ledger, slot, CAUSE_SETTLED, true);
    } else if (row->state != CYCLE_SHORT) {
        (void)cycle_event(ledger, slot, CAUSE_SHORT, CYCLE_SHORT, 0);
        cycle_touch(ledger, slot)->state = CYCLE_SHORT;
    }
}

static bool is_external(const struct ledger *ledger, uint32_t slot)
{
    return genesis_service(ledger->registry.genesis, ledger->cycles.rows[slot].service)
               ->settlement == SETTLEMENT_EXTERNAL;
}

static void instruct(struct ledger *ledger, uint32_t slot)
{
    if (ledger->cycles.rows[slot].state == CYCLE_CLOSED) {
        (void)cycle_event(ledger, slot, CAUSE_INSTRUCTED, CYCLE_INSTRUCTED, 0);
        cycle_touch(ledger, slot)->state = CYCLE_INSTRUCTED;
    }
}

/* The order in which cycles are settled. */
static bool comes_before(const struct cycle_row *a, const struct cycle_row *b)
{
    if (a->closed_ms != b->closed_ms) {
        return a->closed_ms < b->closed_ms;
    }
    return a->service != b->service ? a->service < b->service : a->number < b->number;
}

/* The earliest closed cycle, in the order (closed_ms, service, number), after the last one. */
static uint32_t next_closed(const struct ledger *ledger, const struct cycle_row *after)
{
    uint32_t best = REGISTRY_NONE;
    for (uint32_t i = 0; i < ledger->cycles.count; i++) {
        const struct cycle_row *row = &ledger->cycles.rows[i];
        if ((row->state != CYCLE_CLOSED && row->state != CYCLE_SHORT) ||
            row->settle_ms > ledger->block->timestamp_ms ||
            (after != NULL && !comes_before(after, row))) {
            continue;
        }
        if (best == REGISTRY_NONE || comes_before(row, &ledger->cycles.rows[best])) {
            best = i;
        }
    }
    return best;
}

void settle_run(struct ledger *ledger)
{
    struct cycle_row last;
    const struct cycle_row *after = NULL;
    uint32_t settled = 0;
    ledger->cycles.untried = false;
    for (;;) {
        uint32_t slot = next_closed(ledger, after);
        if (slot == REGISTRY_NONE) {
            return;
        }
        last = ledger->cycles.rows[slot];
        after = &last;
        if (is_external(ledger, slot)) {
            instruct(ledger, slot);
        } else if (settled < SETTLEMENTS_PER_BLOCK) {
            settle_prefunded(ledger, slot);
            settled += ledger->cycles.rows[slot].state == CYCLE_SETTLED;
        } else {
            ledger->cycles.untried = true;
        }
    }
}

bool settle_can_confirm(struct ledger *ledger, uint32_t slot)
{
    return has_room(ledger, slot, false);
}

void settle_confirm(struct ledger *ledger, uint32_t slot)
{
    CHECK(is_external(ledger, slot));
    settle(ledger, slot, CAUSE_ACTION, false);
}

void settle_cancel(struct ledger *ledger, uint32_t slot)
{
    CHECK(is_external(ledger, slot) && ledger->cycles.rows[slot].state == CYCLE_INSTRUCTED);
    (void)cycle_event(ledger, slot, CAUSE_ACTION, CYCLE_SHORT, 0);
    cycle_touch(ledger, slot)->state = CYCLE_SHORT;
}
