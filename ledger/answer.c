/* answer: AFFIRM and REJECT of what waits (see engine.h). */
#include "base/check.h"
#include "ledger/act.h"
#include "ledger/engine.h"
#include "ledger/match.h"
#include "ledger/returns.h"
#include "ledger/rules.h"

/* 334: AFFIRM is also for a posted CLEAR, which a further side may confirm. */
static enum verdict check_pending(const struct filing *filing, const struct subject *subject)
{
    bool pending = subject->life.state == LIFE_WAITING || subject->life.state == LIFE_EXCEPTION;
    bool confirms = filing->record->kind == RECORD_AFFIRM &&
                    subject->record->kind == RECORD_CLEAR && subject->life.state == LIFE_POSTED;
    return pending || confirms ? VERDICT_POSTED : VERDICT_NOT_PENDING;
}

/* 341 and 342: whom the record waits for. */
static enum verdict check_awaited(const struct ledger *ledger, const struct filing *filing,
                                  const struct subject *subject)
{
    unsigned sides = life_sides(ledger, subject->record, filing->submitter);
    bool awaited = false;
    switch (subject->record->kind) {
    case RECORD_CLEAR:
        awaited = sides != 0;
        break;
    case RECORD_PAY:
    case RECORD_REVERSE:
        awaited = (sides & SIDE_PAYEE) != 0;
        break;
    case RECORD_DEFUND:
        awaited = rules_has_role(&ledger->registry, filing->submitter, ROLE_AGENT);
        break;
    case RECORD_UNPLEDGE:
        awaited = rules_has_role(&ledger->registry, filing->submitter, ROLE_OPERATOR);
        break;
    }
    if (!awaited) {
        return VERDICT_NOT_AWAITED;
    }
    bool heard =
        subject->record->kind == RECORD_CLEAR && (sides & ~(unsigned)subject->life.heard) == 0;
    return heard ? VERDICT_ALREADY_HEARD : VERDICT_POSTED;
}

static enum verdict confirm(struct ledger *ledger, const struct filing *filing,
                            struct subject *subject)
{
    struct life_row life = subject->life;
    life.heard |= (uint8_t)life_sides(ledger, subject->record, filing->submitter);
    life_change(ledger, subject, &life, RECORD_AFFIRM, subject->amount);
    return VERDICT_CONFIRMED;
}

/* The REVERSE is carried out as if it were filed now. */
static enum verdict affirm_reverse(struct ledger *ledger, const struct filing *filing,
                                   struct subject *subject, struct posted_record *ret_posted)
{
    struct subject parent;
    life_parent(ledger, subject, &parent);
    enum verdict verdict = act_check(ledger, subject->record, &parent);
    if (verdict == VERDICT_POSTED) {
        verdict = returns_check_reverse(ledger, filing, &parent, false);
    }
    if (verdict != VERDICT_POSTED) {
        return verdict;
    }
    act_post(ledger, subject, life_sides(ledger, subject->record, filing->submitter),
             RECORD_AFFIRM);
    returns_reverse(ledger, filing, &parent, ret_posted);
    return VERDICT_POSTED;
}

static enum verdict affirm(struct ledger *ledger, const struct filing *filing,
                           struct subject *subject, struct posted_record *ret_posted)
{
    unsigned kind = subject->record->kind;
    if (subject->life.state == LIFE_POSTED) {
        return confirm(ledger, filing, subject);
    }
    if (kind == RECORD_CLEAR || kind == RECORD_PAY) {
        return match_post(ledger, filing, subject, false, ret_posted);
    }
    if (kind == RECORD_REVERSE) {
        return affirm_reverse(ledger, filing, subject, ret_posted);
    }
    treasury_affirm(ledger, filing, subject, ret_posted);
    act_post(ledger, subject, life_sides(ledger, subject->record, filing->submitter),
             RECORD_AFFIRM);
    return VERDICT_POSTED;
}

static enum verdict reject(struct ledger *ledger, const struct filing *filing,
                           struct subject *subject, struct posted_record *ret_posted)
{
    unsigned kind = subject->record->kind;
    struct subject other;
    bool has_other = act_other_half(ledger, subject, &other);
    if (kind == RECORD_DEFUND || kind == RECORD_UNPLEDGE) {
        treasury_reject(ledger, filing, subject, ret_posted);
    } else {
        struct plan plan = posting_begin(filing);
        act_free(ledger, &plan, subject);
        if (has_other) {
            act_free(ledger, &plan, &other);
        }
        engine_post(ledger, &plan, ret_posted);
    }
    act_end(ledger, subject, LIFE_REJECTED, RECORD_REJECT);
    if (has_other) {
        act_end(ledger, &other, LIFE_REJECTED, RECORD_REJECT);
    }
    return VERDICT_POSTED;
}

enum verdict engine_answer(struct ledger *ledger, const struct filing *filing,
                           struct posted_record *ret_posted)
{
    struct subject subject;
    enum verdict verdict = act_find(ledger, filing, &subject);
    if (verdict == VERDICT_POSTED) {
        verdict = check_pending(filing, &subject);
    }
    if (verdict == VERDICT_POSTED) {
        verdict = check_awaited(ledger, filing, &subject);
    }
    if (verdict != VERDICT_POSTED) {
        return verdict;
    }
    return filing->record->kind == RECORD_AFFIRM ? affirm(ledger, filing, &subject, ret_posted)
                                                 : reject(ledger, filing, &subject, ret_posted);
}
