/* returns: REVERSE and REFUND (see engine.h and returns.h). */
#include "ledger/returns.h"

#include "base/check.h"
#include "ledger/act.h"
#include "ledger/engine.h"
#include "ledger/rules.h"

static struct plan reversal(const struct ledger *ledger, const struct filing *filing,
                            const struct subject *subject)
{
    struct plan plan = posting_begin(filing);
    struct subject other;
    if (subject->life.state == LIFE_POSTED) {
        struct sides sides = posting_sides(ledger, subject->record, filing->scheme);
        posting_legs(&plan, &sides, subject->record, false, true);
        return plan;
    }
    act_free(ledger, &plan, subject);
    if (act_other_half(ledger, subject, &other)) {
        act_free(ledger, &plan, &other);
    }
    return plan;
}

enum verdict returns_check_reverse(struct ledger *ledger, const struct filing *filing,
                                   const struct subject *subject, bool waits)
{
    if (subject->life.state == LIFE_QUEUED) {
        return VERDICT_REF_NOT_POSTED;
    }
    if (subject->life.state != LIFE_POSTED) {
        CHECK(subject->life.state == LIFE_WAITING || subject->life.state == LIFE_EXCEPTION);
        return VERDICT_POSTED;
    }
    if (subject->record->kind == RECORD_PAY) {
        return VERDICT_REF_KIND;
    }
    if (subject->life.returned != 0) {
        return VERDICT_ALREADY_RETURNED;
    }
    if ((subject->life.flags & LIFE_FLAG_DISPUTED) != 0) {
        return VERDICT_ALREADY_DISPUTED;
    }
    struct plan plan = reversal(ledger, filing, subject);
    enum verdict verdict = waits ? VERDICT_POSTED : posting_check(ledger, &plan);
    bool is_open = subject->life.posted_ms >= ledger->cycles.rows[plan.cycle].first_ms;
    return verdict == VERDICT_POSTED && !is_open ? VERDICT_CYCLE_CLOSED : verdict;
}

void returns_reverse(struct ledger *ledger, const struct filing *filing, struct subject *subject,
                     struct posted_record *ret_posted)
{
    struct subject other;
    bool has_other = act_other_half(ledger, subject, &other);
    struct plan plan = reversal(ledger, filing, subject);
    engine_post(ledger, &plan, ret_posted);
    act_end(ledger, subject, LIFE_REVERSED, filing->record->kind);
    if (has_other) {
        act_end(ledger, &other, LIFE_REVERSED, filing->record->kind);
    }
}

static enum verdict reverse(struct ledger *ledger, const struct filing *filing,
                            struct posted_record *ret_posted)
{
    struct subject subject;
    enum verdict verdict = act_find(ledger, filing, &subject);
    if (verdict != VERDICT_POSTED) {
        return verdict;
    }
    /* Money that the payee has is given back by it, or by the network, not taken by the payer. */
    bool waits = rules_sides(filing) == SIDE_PAYER;
    verdict = returns_check_reverse(ledger, filing, &subject, waits);
    if (verdict != VERDICT_POSTED) {
        return verdict;
    }
    struct life_row life = {.state = LIFE_POSTED,
                            .heard = (uint8_t)rules_sides(filing),
                            .posted_ms = ledger->block->timestamp_ms,
                            .parent = subject.place};
    if (!waits) {
        life_open(ledger, filing, &life);
        returns_reverse(ledger, filing, &subject, ret_posted);
        return VERDICT_POSTED;
    }
    life.state = LIFE_WAITING;
    life.posted_ms = 0;
    life.due_ms = act_due(ledger, filing->scheme->row->match_timeout_s);
    life_open(ledger, filing, &life);
    if (life.due_ms != 0) {
        expiry_add(ledger, life.due_ms, DUE_EXPIRY,
                   (struct place){ledger->block->height, filing->position});
    }
    return VERDICT_PENDING;
}

static enum verdict refund(struct ledger *ledger, const struct filing *filing,
                           struct posted_record *ret_posted)
{
    struct subject subject;
    enum verdict verdict = act_find(ledger, filing, &subject);
    if (verdict != VERDICT_POSTED) {
        return verdict;
    }
    if (subject.life.state != LIFE_POSTED) {
        return VERDICT_REF_NOT_POSTED;
    }
    CHECK(subject.life.returned <= subject.amount);
    if (filing->record->amount > subject.amount - subject.life.returned) {
        return VERDICT_EXCEEDS_REMAINING;
    }
    struct plan plan = posting_plan(filing);
    verdict = act_check_money(ledger, &plan, filing, &subject);
    if (verdict != VERDICT_POSTED) {
        return verdict;
    }
    engine_post(ledger, &plan, ret_posted);
    struct life_row life = subject.life;
    life.returned += filing->record->amount;
    life_change(ledger, &subject, &life, RECORD_REFUND, filing->record->amount);
    return VERDICT_POSTED;
}

enum verdict engine_return(struct ledger *ledger, const struct filing *filing,
                           struct posted_record *ret_posted)
{
    return filing->record->kind == RECORD_REVERSE ? reverse(ledger, filing, ret_posted)
                                                  : refund(ledger, filing, ret_posted);
}
