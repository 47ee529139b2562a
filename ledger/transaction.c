/* transaction: new transactions and their match keys (see engine.h). */
#include "base/check.h"
#include "ledger/act.h"
#include "ledger/engine.h"
#include "ledger/match.h"
#include "ledger/posting.h"
#include "ledger/rules.h"

void engine_post(struct ledger *ledger, const struct plan *plan, struct posted_record *ret_posted)
{
    ret_posted->entry_mark = ledger->entry_count;
    ret_posted->cycle = plan->cycle;
    ret_posted->turnover = posting_turnover(plan);
    posting_apply(ledger, plan);
}

/* FEE and FUND, and a CLEAR or PAY that needs no other side: all legs at once. */
static enum verdict post_at_once(struct ledger *ledger, const struct filing *filing,
                                 struct posted_record *ret_posted)
{
    struct plan plan = posting_plan(filing);
    enum verdict verdict = act_check_money(ledger, &plan, filing, NULL);
    if (verdict == VERDICT_POSTED && filing->record->kind == RECORD_PAY) {
        verdict = queue_check_order(ledger, filing);
    }
    if (verdict != VERDICT_POSTED) {
        return verdict;
    }
    engine_post(ledger, &plan, ret_posted);
    life_take_key(ledger, filing);
    return VERDICT_POSTED;
}

/* A PAY with flag QUEUE: whatever hinders it now, it waits. */
static enum verdict pay_or_queue(struct ledger *ledger, const struct filing *filing,
                                 struct posted_record *ret_posted)
{
    enum verdict verdict = post_at_once(ledger, filing, ret_posted);
    bool hindered = verdict >= VERDICT_INSUFFICIENT_FUNDS && verdict <= VERDICT_QUEUED_BEFORE &&
                    verdict != VERDICT_FEE_NOT_MANDATED && verdict != VERDICT_FEE_DIFFERS;
    if (!hindered) {
        return verdict;
    }
    /* What limits hid: fees are judged whether or not there is money. */
    struct plan nothing = posting_begin(filing);
    verdict = act_check_money(ledger, &nothing, filing, NULL);
    if (verdict == VERDICT_POSTED) {
        verdict = queue_put(ledger, filing);
    }
    if (verdict != VERDICT_QUEUED) {
        return verdict;
    }
    struct life_row life = {.state = LIFE_QUEUED,
                            .heard = (uint8_t)rules_sides(filing),
                            .due_ms = act_due(ledger, filing->record->timeout_s)};
    life_open(ledger, filing, &life);
    life_take_key(ledger, filing);
    if (life.due_ms != 0) {
        expiry_add(ledger, life.due_ms, DUE_EXPIRY,
                   (struct place){ledger->block->height, filing->position});
    }
    return VERDICT_QUEUED;
}

static enum verdict hold(struct ledger *ledger, const struct filing *filing,
                         struct posted_record *ret_posted)
{
    const struct record *record = filing->record;
    uint32_t timeout_s =
        record->timeout_s != 0 ? record->timeout_s : filing->scheme->row->hold_timeout_s;
    struct life_row life = {.state = LIFE_HELD,
                            .heard = (uint8_t)rules_sides(filing),
                            .due_ms = act_due(ledger, timeout_s),
                            .reserved_amount = record->amount,
                            .reserved_fee =
                                record->payer_fee > 0 ? (uint64_t)record->payer_fee : 0};
    struct plan plan = posting_begin(filing);
    struct sides sides = posting_sides(ledger, record, filing->scheme);
    posting_reserve(&plan, &sides, life.reserved_amount, life.reserved_fee, 1);
    enum verdict verdict = act_check_money(ledger, &plan, filing, NULL);
    if (verdict != VERDICT_POSTED) {
        return verdict;
    }
    engine_post(ledger, &plan, ret_posted);
    life_open(ledger, filing, &life);
    life_take_key(ledger, filing);
    if (life.due_ms != 0) {
        expiry_add(ledger, life.due_ms, DUE_EXPIRY,
                   (struct place){ledger->block->height, filing->position});
    }
    return VERDICT_PENDING;
}

static enum verdict pay(struct ledger *ledger, const struct filing *filing,
                        struct posted_record *ret_posted)
{
    if (filing->scheme->row->confirmations > 1) {
        return match_wait(ledger, filing, ret_posted);
    }
    bool queues = (filing->record->flags & RECORD_QUEUE) != 0 && !filing->in_chain;
    return queues ? pay_or_queue(ledger, filing, ret_posted)
                  : post_at_once(ledger, filing, ret_posted);
}

enum verdict engine_transaction(struct ledger *ledger, const struct filing *filing,
                                struct posted_record *ret_posted)
{
    unsigned kind = filing->record->kind;
    struct subject known;
    if (life_of_key(ledger, filing, &known)) {
        return kind == RECORD_CLEAR ? match_known(ledger, filing, &known, ret_posted)
                                    : VERDICT_DUPLICATE_KEY;
    }
    if (kind == RECORD_CLEAR && filing->scheme->row->confirmations > 1) {
        return match_wait(ledger, filing, ret_posted);
    }
    if (kind == RECORD_HOLD) {
        return hold(ledger, filing, ret_posted);
    }
    return kind == RECORD_PAY ? pay(ledger, filing, ret_posted)
                              : post_at_once(ledger, filing, ret_posted);
}
