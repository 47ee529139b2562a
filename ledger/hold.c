/* hold: CAPTURE and RELEASE of a HOLD (see engine.h). */
#include "base/check.h"
#include "ledger/act.h"
#include "ledger/engine.h"

static enum verdict release(struct ledger *ledger, const struct filing *filing,
                            struct subject *held, struct posted_record *ret_posted)
{
    struct plan plan = posting_begin(filing);
    act_free(ledger, &plan, held);
    engine_post(ledger, &plan, ret_posted);
    act_end(ledger, held, LIFE_RELEASED, RECORD_RELEASE);
    return VERDICT_POSTED;
}

static enum verdict capture(struct ledger *ledger, const struct filing *filing,
                            struct subject *held, struct posted_record *ret_posted)
{
    const struct record *record = filing->record;
    struct life_row life = held->life;
    uint64_t fee = record->payer_fee > 0 ? (uint64_t)record->payer_fee : 0;
    if (record->amount > life.reserved_amount || fee > life.reserved_fee) {
        return VERDICT_EXCEEDS_REMAINING;
    }
    bool is_last = (record->flags & RECORD_FINAL) != 0 || record->amount == life.reserved_amount;
    uint64_t freed_amount = is_last ? life.reserved_amount : record->amount;
    uint64_t freed_fee = is_last ? life.reserved_fee : fee;
    struct sides sides = posting_sides(ledger, record, filing->scheme);
    struct plan plan = posting_begin(filing);
    posting_reserve(&plan, &sides, freed_amount, freed_fee, -1);
    posting_legs(&plan, &sides, record, false, false);
    enum verdict verdict = act_check_money(ledger, &plan, filing, NULL);
    if (verdict != VERDICT_POSTED) {
        return verdict;
    }
    engine_post(ledger, &plan, ret_posted);
    life.reserved_amount -= freed_amount;
    life.reserved_fee -= freed_fee;
    life.returned += record->amount;
    if (is_last) {
        life.state = LIFE_CAPTURED;
        life.due_ms = 0;
    }
    life_change(ledger, held, &life, RECORD_CAPTURE, record->amount);
    return VERDICT_POSTED;
}

enum verdict engine_hold(struct ledger *ledger, const struct filing *filing,
                         struct posted_record *ret_posted)
{
    struct subject held;
    enum verdict verdict = act_find(ledger, filing, &held);
    if (verdict != VERDICT_POSTED) {
        return verdict;
    }
    CHECK(held.life.state == LIFE_HELD);
    return filing->record->kind == RECORD_CAPTURE ? capture(ledger, filing, &held, ret_posted)
                                                  : release(ledger, filing, &held, ret_posted);
}
