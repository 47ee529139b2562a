/* posting: legs of a record and their posting (see posting.h; the limits are in limit.c). */
#include "ledger/posting.h"

#include "base/check.h"
#include "ledger/limit.h"
#include "ledger/touch.h"

#define PARTIES_MAX 8u

struct sides posting_sides(const struct ledger *ledger, const struct record *record,
                           const struct scheme *scheme)
{
    bool deferred = scheme->service->mode == SERVICE_DEFERRED;
    return (struct sides){
        .payer = number_map_find(&ledger->registry.participants, record->payer),
        .payee = number_map_find(&ledger->registry.participants, record->payee),
        .network = scheme->network,
        .class = deferred ? ACCOUNT_POSITION : ACCOUNT_SETTLEMENT,
    };
}

struct plan posting_begin(const struct filing *filing)
{
    return (struct plan){
        .currency = filing->currency,
        .cycle = filing->scheme == NULL || filing->scheme->cycle == NULL ? REGISTRY_NONE
                                                                         : *filing->scheme->cycle,
        .origin = {.position = filing->position},
    };
}

static void add_leg(struct plan *plan, struct leg leg)
{
    CHECK(plan->leg_count < PLAN_LEGS_MAX);
    plan->legs[plan->leg_count++] = leg;
}

void posting_leg(struct plan *plan, enum record_leg leg, int64_t amount, struct leg_side from,
                 struct leg_side to)
{
    if (amount != 0) {
        add_leg(plan, (struct leg){.from = amount > 0 ? from : to,
                                   .to = amount > 0 ? to : from,
                                   .amount = amount > 0 ? (uint64_t)amount : (uint64_t)-amount,
                                   .leg = (uint8_t)leg});
    }
}

void posting_legs(struct plan *plan, const struct sides *sides, const struct record *record,
                  bool returns, bool exchanged)
{
    struct leg_side payer = {sides->payer, sides->class};
    struct leg_side payee = {sides->payee, sides->class};
    struct leg_side network = {sides->network, sides->class};
    CHECK(record->amount < LIMIT_AMOUNT);
    int64_t sign = exchanged ? -1 : 1;
    int64_t amount = returns ? -(int64_t)record->amount : (int64_t)record->amount;
    posting_leg(plan, LEG_AMOUNT, sign * amount, payer, payee);
    posting_leg(plan, LEG_INTERCHANGE, sign * record->interchange, payee, payer);
    posting_leg(plan, LEG_PAYER_FEE, sign * record->payer_fee, payer, network);
    posting_leg(plan, LEG_PAYEE_FEE, sign * record->payee_fee, payee, network);
}

void posting_reserve(struct plan *plan, const struct sides *sides, uint64_t amount, uint64_t fee,
                     int sign)
{
    struct leg leg = {.from = {sides->payer, sides->class},
                      .to = {sides->payee, sides->class},
                      .amount = amount,
                      .leg = LEG_RESERVED_AMOUNT,
                      .pending = (int8_t)sign};
    if (amount != 0) {
        add_leg(plan, leg);
    }
    leg.to.participant = sides->network;
    leg.amount = fee;
    leg.leg = LEG_RESERVED_FEE;
    if (fee != 0) {
        add_leg(plan, leg);
    }
}

struct plan posting_plan(const struct filing *filing)
{
    const struct record *record = filing->record;
    struct plan plan = posting_begin(filing);
    if (record->kind == RECORD_FUND) {
        posting_leg(&plan, LEG_AMOUNT, (int64_t)record->amount,
                    (struct leg_side){SIDE_HUB, ACCOUNT_CASH},
                    (struct leg_side){filing->payee, ACCOUNT_SETTLEMENT});
        return plan;
    }
    struct sides sides = {.payer = filing->payer,
                          .payee = filing->payee,
                          .network = filing->scheme->network,
                          .class =
                              plan.cycle == REGISTRY_NONE ? ACCOUNT_SETTLEMENT : ACCOUNT_POSITION};
    posting_legs(&plan, &sides, record, record->kind == RECORD_REFUND, false);
    return plan;
}

/* Adds to the net effect on one account of a participant, in a list of the plan's few. */
static void add_effect(struct effect *effects, uint32_t *count, struct leg_side side,
                       __int128 posted, __int128 pending)
{
    uint32_t at = 0;
    while (at < *count &&
           (effects[at].participant != side.participant || effects[at].class != side.class)) {
        at++;
    }
    if (at == *count) {
        CHECK(*count < PARTIES_MAX);
        effects[(*count)++] = (struct effect){.participant = side.participant, .class = side.class};
    }
    effects[at].change.minor += posted;
    effects[at].reserve.minor += pending;
}

enum verdict posting_check(struct ledger *ledger, const struct plan *plan)
{
    struct effect effects[PARTIES_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < plan->leg_count; i++) {
        const struct leg *leg = &plan->legs[i];
        __int128 amount = (__int128)leg->amount;
        if (leg->from.participant != SIDE_HUB) {
            add_effect(effects, &count, leg->from, leg->pending == 0 ? -amount : 0,
                       leg->pending * amount);
        }
        /* A pending credit is never spendable, so it has no effect. */
        if (leg->to.participant != SIDE_HUB && leg->pending == 0) {
            add_effect(effects, &count, leg->to, amount, 0);
        }
    }
    const struct effects_of_plan all = {.list = effects,
                                        .count = count,
                                        .cycle = plan->cycle,
                                        .currency = plan->currency,
                                        .pledge = plan->pledge};
    return limit_check(ledger, &all);
}

static uint32_t account_of(const struct ledger *ledger, const struct plan *plan,
                           struct leg_side side)
{
    return side.participant == SIDE_HUB ? account_number_hub(plan->currency, side.class)
                                        : account_number(ledger->currency_count, side.participant,
                                                         plan->currency, side.class);
}

static void apply_side(struct ledger *ledger, const struct plan *plan, const struct leg *leg,
                       bool is_debit)
{
    struct leg_side side = is_debit ? leg->from : leg->to;
    struct entry_origin origin = plan->origin;
    origin.leg = leg->leg;
    int64_t amount = (int64_t)leg->amount;
    uint32_t account = account_of(ledger, plan, side);
    if (leg->pending != 0) {
        touch_account(ledger, account, is_debit ? TOTAL_DEBITS_PENDING : TOTAL_CREDITS_PENDING,
                      leg->pending * amount, origin);
        return;
    }
    touch_account(ledger, account, is_debit ? TOTAL_DEBITS_POSTED : TOTAL_CREDITS_POSTED, amount,
                  origin);
    if (side.class == ACCOUNT_POSITION) {
        touch_net(ledger, plan->cycle, side.participant, is_debit, leg->amount, false);
    }
}

uint64_t posting_turnover(const struct plan *plan)
{
    uint64_t turnover = 0; /* four posted legs below 10^18 fit */
    for (uint32_t i = 0; i < plan->leg_count; i++) {
        turnover += plan->legs[i].pending == 0 ? plan->legs[i].amount : 0;
    }
    return turnover;
}

void posting_apply(struct ledger *ledger, const struct plan *plan)
{
    for (uint32_t i = 0; i < plan->leg_count; i++) {
        apply_side(ledger, plan, &plan->legs[i], true);
        apply_side(ledger, plan, &plan->legs[i], false);
    }
    uint64_t turnover = posting_turnover(plan);
    if (plan->cycle != REGISTRY_NONE && turnover != 0) {
        struct cycle_row *cycle = cycle_touch(ledger, plan->cycle);
        cycle->records++;
        total_add(&cycle->turnover, turnover);
    }
}

void posting_undo(struct ledger *ledger, uint32_t entry_mark, uint32_t cycle, uint64_t turnover)
{
    while (ledger->entry_count > entry_mark) {
        struct logged_entry logged = touch_account_undo_last(ledger);
        bool posted = logged.entry.total <= TOTAL_CREDITS_POSTED;
        const struct account *account = &ledger->accounts[logged.account];
        if (posted && account->class == ACCOUNT_POSITION) {
            uint32_t participant =
                number_map_find(&ledger->registry.participants, account->participant);
            touch_net(ledger, cycle, participant, logged.entry.total == TOTAL_DEBITS_POSTED,
                      (uint64_t)logged.entry.delta, true);
        }
    }
    if (cycle != REGISTRY_NONE && turnover != 0) {
        ledger->cycles.rows[cycle].records--;
        total_subtract(&ledger->cycles.rows[cycle].turnover, turnover);
    }
}
