/* posting: legs of a record and their posting (see posting.h; the limits are in limit.c). */
#include "ledger/posting.h"

#include "base/check.h"
#include "ledger/limit.h"
#include "ledger/touch.h"

#define PARTIES_MAX 3u

static void add_leg(struct plan *plan, enum record_leg leg, int64_t amount, uint32_t from,
                    uint32_t to)
{
    if (amount == 0) {
        return;
    }
    plan->legs[plan->leg_count++] = (struct leg){
        .from = amount > 0 ? from : to,
        .to = amount > 0 ? to : from,
        .amount = amount > 0 ? (uint64_t)amount : (uint64_t)-amount,
        .leg = leg,
    };
}

struct plan posting_plan(const struct filing *filing)
{
    const struct record *record = filing->record;
    struct plan plan = {
        .currency = filing->currency, .position = filing->position, .cycle = REGISTRY_NONE};
    CHECK(record->amount < LIMIT_AMOUNT);
    int64_t amount = (int64_t)record->amount;
    if (record->kind == RECORD_FUND) {
        add_leg(&plan, LEG_AMOUNT, amount, SIDE_HUB, filing->payee);
        return plan;
    }
    /* REGISTRY_NONE for a GROSS service, whose legs go through SETTLEMENT. */
    plan.cycle = filing->scheme->cycle;
    bool returns = record->kind == RECORD_REFUND;
    add_leg(&plan, LEG_AMOUNT, returns ? -amount : amount, filing->payer, filing->payee);
    add_leg(&plan, LEG_INTERCHANGE, record->interchange, filing->payee, filing->payer);
    add_leg(&plan, LEG_PAYER_FEE, record->payer_fee, filing->payer, filing->scheme->network);
    add_leg(&plan, LEG_PAYEE_FEE, record->payee_fee, filing->payee, filing->scheme->network);
    return plan;
}

/* Adds to a participant's net effect, in a list of the record's few sides. */
static void add_effect(struct effect *effects, uint32_t *count, uint32_t participant,
                       __int128 amount)
{
    for (uint32_t i = 0; i < *count; i++) {
        if (effects[i].participant == participant) {
            effects[i].change.minor += amount;
            return;
        }
    }
    CHECK(*count < PARTIES_MAX);
    effects[*count].participant = participant;
    effects[*count].change.minor = amount;
    (*count)++;
}

enum verdict posting_check(struct ledger *ledger, const struct plan *plan)
{
    struct effect effects[PARTIES_MAX];
    uint32_t count = 0;
    for (uint32_t i = 0; i < plan->leg_count; i++) {
        const struct leg *leg = &plan->legs[i];
        if (leg->from != SIDE_HUB) {
            add_effect(effects, &count, leg->from, -(__int128)leg->amount);
        }
        add_effect(effects, &count, leg->to, (__int128)leg->amount);
    }
    enum verdict worst = VERDICT_POSTED;
    for (uint32_t i = 0; i < count; i++) {
        enum verdict verdict = limit_check(ledger, &effects[i], plan->cycle, plan->currency);
        if (verdict != VERDICT_POSTED && (worst == VERDICT_POSTED || verdict < worst)) {
            worst = verdict;
        }
    }
    return worst;
}

static void apply_side(struct ledger *ledger, const struct plan *plan, const struct leg *leg,
                       bool is_debit)
{
    uint32_t side = is_debit ? leg->from : leg->to;
    bool through_position = plan->cycle != REGISTRY_NONE;
    uint32_t account =
        side == SIDE_HUB ? account_number_hub(plan->currency, ACCOUNT_CASH)
                         : account_number(ledger->currency_count, side, plan->currency,
                                          through_position ? ACCOUNT_POSITION : ACCOUNT_SETTLEMENT);
    touch_account(ledger, account, is_debit ? TOTAL_DEBITS_POSTED : TOTAL_CREDITS_POSTED,
                  leg->amount, (struct entry_origin){plan->position, leg->leg});
    if (through_position) {
        touch_net(ledger, plan->cycle, side, is_debit, leg->amount, false);
    }
}

uint64_t posting_turnover(const struct plan *plan)
{
    uint64_t turnover = 0; /* four legs below 10^18 fit */
    for (uint32_t i = 0; i < plan->leg_count; i++) {
        turnover += plan->legs[i].amount;
    }
    return turnover;
}

void posting_apply(struct ledger *ledger, const struct plan *plan)
{
    for (uint32_t i = 0; i < plan->leg_count; i++) {
        apply_side(ledger, plan, &plan->legs[i], true);
        apply_side(ledger, plan, &plan->legs[i], false);
    }
    if (plan->cycle != REGISTRY_NONE) {
        struct cycle_row *cycle = &ledger->cycles[plan->cycle];
        ledger->cycle_touched[plan->cycle] = true;
        cycle->records++;
        total_add(&cycle->turnover, posting_turnover(plan));
    }
}

void posting_undo(struct ledger *ledger, uint32_t entry_mark, uint32_t cycle, uint64_t turnover)
{
    while (ledger->entry_count > entry_mark) {
        struct logged_entry logged = touch_account_undo_last(ledger);
        if (cycle != REGISTRY_NONE) {
            const struct account *account = &ledger->accounts[logged.account];
            uint32_t participant =
                number_map_find(&ledger->registry.participants, account->participant);
            touch_net(ledger, cycle, participant, logged.entry.total == TOTAL_DEBITS_POSTED,
                      (uint64_t)logged.entry.delta, true);
        }
    }
    if (cycle != REGISTRY_NONE) {
        ledger->cycles[cycle].records--;
        total_subtract(&ledger->cycles[cycle].turnover, turnover);
    }
}
