/*
 * treasury: a participant's own money: DEFUND, PLEDGE, UNPLEDGE, CONTRIBUTE (docs/ledger.md,
 * Kinds).
 *
 *   settlement bank ◄─AFFIRM─ PAYOUT ◄─DEFUND─ SETTLEMENT ─PLEDGE─► COLLATERAL
 *                                                  │  ▲───UNPLEDGE, AFFIRM───┘
 *                                                  └─CONTRIBUTE─► CLAIM, then FUND
 */
#include "base/check.h"
#include "ledger/act.h"
#include "ledger/engine.h"
#include "ledger/match.h"

static struct leg_side own(const struct filing *filing, enum account_class class)
{
    return (struct leg_side){filing->payer, (uint8_t) class};
}

static struct leg_side hub(enum account_class class)
{
    return (struct leg_side){SIDE_HUB, (uint8_t) class};
}

/* What the participant owes the fund after a default comes first. */
static void contribute(struct ledger *ledger, const struct filing *filing, struct plan *plan)
{
    const struct account *claim =
        ledger_account(ledger, filing->payer, filing->currency, ACCOUNT_CLAIM);
    __int128 owed = -account_balance(claim).minor;
    CHECK(owed >= 0);
    int64_t amount = (int64_t)filing->record->amount;
    int64_t back = owed < amount ? (int64_t)owed : amount;
    posting_leg(plan, LEG_AMOUNT, back, own(filing, ACCOUNT_SETTLEMENT),
                own(filing, ACCOUNT_CLAIM));
    posting_leg(plan, LEG_AMOUNT, amount - back, own(filing, ACCOUNT_SETTLEMENT),
                hub(ACCOUNT_FUND));
}

/* UNPLEDGE: taken (sign 1) until the operator answers, then freed (-1). */
static void reserve(struct plan *plan, uint32_t participant, uint64_t amount, int sign)
{
    struct leg leg = {.from = {participant, ACCOUNT_COLLATERAL},
                      .to = {participant, ACCOUNT_SETTLEMENT},
                      .amount = amount,
                      .leg = LEG_RESERVED_AMOUNT,
                      .pending = (int8_t)sign};
    CHECK(plan->leg_count < PLAN_LEGS_MAX);
    plan->legs[plan->leg_count++] = leg;
}

static struct plan plan_of(struct ledger *ledger, const struct filing *filing)
{
    struct plan plan = posting_begin(filing);
    int64_t amount = (int64_t)filing->record->amount;
    switch (filing->record->kind) {
    case RECORD_DEFUND:
        posting_leg(&plan, LEG_AMOUNT, amount, own(filing, ACCOUNT_SETTLEMENT),
                    hub(ACCOUNT_PAYOUT));
        break;
    case RECORD_PLEDGE:
        plan.pledge = true;
        posting_leg(&plan, LEG_AMOUNT, amount, own(filing, ACCOUNT_SETTLEMENT),
                    own(filing, ACCOUNT_COLLATERAL));
        break;
    case RECORD_UNPLEDGE:
        reserve(&plan, filing->payer, filing->record->amount, 1);
        break;
    case RECORD_CONTRIBUTE:
        contribute(ledger, filing, &plan);
        break;
    }
    return plan;
}

enum verdict engine_treasury(struct ledger *ledger, const struct filing *filing,
                             struct posted_record *ret_posted)
{
    const struct record *record = filing->record;
    const bool waits = record->kind == RECORD_DEFUND || record->kind == RECORD_UNPLEDGE;
    struct subject known;
    if (record->kind == RECORD_DEFUND && life_of_key(ledger, filing, &known)) {
        return VERDICT_DUPLICATE_KEY;
    }
    struct plan plan = plan_of(ledger, filing);
    enum verdict verdict = posting_check(ledger, &plan);
    if (verdict != VERDICT_POSTED) {
        return verdict;
    }
    engine_post(ledger, &plan, ret_posted);
    if (!waits) {
        return VERDICT_POSTED;
    }
    const struct life_row life = {.state = LIFE_WAITING,
                                  .heard = SIDE_PAYER,
                                  .reserved_amount =
                                      record->kind == RECORD_UNPLEDGE ? record->amount : 0};
    life_open(ledger, filing, &life);
    if (record->kind == RECORD_DEFUND) {
        life_take_key(ledger, filing);
    }
    return VERDICT_PENDING;
}

static uint32_t payer_of(const struct ledger *ledger, const struct subject *subject)
{
    uint32_t payer = number_map_find(&ledger->registry.participants, subject->record->payer);
    CHECK(payer != REGISTRY_NONE);
    return payer;
}

void treasury_affirm(struct ledger *ledger, const struct filing *filing,
                     const struct subject *subject, struct posted_record *ret_posted)
{
    uint32_t payer = payer_of(ledger, subject);
    int64_t amount = (int64_t)subject->amount;
    struct plan plan = posting_begin(filing);
    if (subject->record->kind == RECORD_DEFUND) {
        posting_leg(&plan, LEG_AMOUNT, amount, hub(ACCOUNT_PAYOUT), hub(ACCOUNT_CASH));
    } else {
        reserve(&plan, payer, subject->amount, -1);
        posting_leg(&plan, LEG_AMOUNT, amount, (struct leg_side){payer, ACCOUNT_COLLATERAL},
                    (struct leg_side){payer, ACCOUNT_SETTLEMENT});
    }
    engine_post(ledger, &plan, ret_posted);
}

void treasury_reject(struct ledger *ledger, const struct filing *filing,
                     const struct subject *subject, struct posted_record *ret_posted)
{
    uint32_t payer = payer_of(ledger, subject);
    struct plan plan = posting_begin(filing);
    if (subject->record->kind == RECORD_DEFUND) {
        posting_leg(&plan, LEG_AMOUNT, (int64_t)subject->amount, hub(ACCOUNT_PAYOUT),
                    (struct leg_side){payer, ACCOUNT_SETTLEMENT});
    } else {
        reserve(&plan, payer, subject->amount, -1);
    }
    engine_post(ledger, &plan, ret_posted);
}
