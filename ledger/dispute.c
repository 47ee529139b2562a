/*
 * dispute: CHARGEBACK and the ladder up to the network's ruling (see engine.h; docs/ledger.md,
 * Disputes). Money moves by the CHARGEBACK's amount, in the open cycle of the step, without limits.
 */
#include "base/check.h"
#include "ledger/act.h"
#include "ledger/engine.h"
#include "ledger/rules.h"

enum money_move { MOVE_NOTHING, MOVE_TO_PAYER, MOVE_TO_PAYEE };

/* What a step makes of a dispute. */
struct step {
    enum life_state to;
    enum money_move move;
    uint32_t seconds; /* until it is due again; 0: never */
};

static void move_money(struct ledger *ledger, const struct filing *filing, enum money_move move,
                       uint64_t amount, struct posted_record *ret_posted)
{
    struct plan plan = posting_begin(filing);
    struct leg_side payer = {filing->payer, ACCOUNT_POSITION};
    struct leg_side payee = {filing->payee, ACCOUNT_POSITION};
    CHECK(amount < LIMIT_AMOUNT);
    int64_t to_payer = move == MOVE_TO_PAYER ? (int64_t)amount : -(int64_t)amount;
    posting_leg(&plan, LEG_AMOUNT, move == MOVE_NOTHING ? 0 : to_payer, payee, payer);
    engine_post(ledger, &plan, ret_posted);
}

static void add_due(struct ledger *ledger, uint64_t due_ms, struct place place)
{
    if (due_ms != 0) {
        expiry_add(ledger, due_ms, DUE_DISPUTE, place);
    }
}

static bool is_past(const struct ledger *ledger, uint64_t from_ms, uint32_t seconds)
{
    return ledger->block->timestamp_ms >= from_ms + 1000ull * seconds;
}

static enum verdict charge_back(struct ledger *ledger, const struct filing *filing,
                                struct posted_record *ret_posted)
{
    const struct genesis_scheme *scheme = filing->scheme->row;
    uint64_t amount = filing->record->amount;
    struct subject original;
    enum verdict verdict = act_find(ledger, filing, &original);
    if (verdict != VERDICT_POSTED) {
        return verdict;
    }
    if (original.life.state != LIFE_POSTED) {
        return VERDICT_REF_NOT_POSTED;
    }
    if (is_past(ledger, original.life.posted_ms, scheme->chargeback_s)) {
        return VERDICT_TOO_LATE;
    }
    if (amount > original.amount - original.life.returned) {
        return VERDICT_EXCEEDS_REMAINING;
    }
    if ((original.life.flags & LIFE_FLAG_DISPUTED) != 0) {
        return VERDICT_ALREADY_DISPUTED;
    }
    move_money(ledger, filing, MOVE_TO_PAYER, amount, ret_posted);
    bool stands = scheme->represent_s == 0;
    struct life_row own = {.state = stands ? LIFE_STANDS : LIFE_CHARGED_BACK,
                           .heard = (uint8_t)rules_sides(filing),
                           .due_ms = act_due(ledger, scheme->represent_s),
                           .parent = original.place};
    life_open(ledger, filing, &own);
    add_due(ledger, own.due_ms, (struct place){ledger->block->height, filing->position});
    struct life_row life = original.life;
    life.returned += amount;
    life.flags |= LIFE_FLAG_DISPUTED;
    life_change(ledger, &original, &life, RECORD_CHARGEBACK, amount);
    return VERDICT_POSTED;
}

static bool represent(const struct filing *filing, unsigned state, struct step *ret_step)
{
    uint32_t seconds = filing->scheme->row->pre_arbitrate_s;
    *ret_step = (struct step){.to = seconds == 0 ? LIFE_DROPPED : LIFE_REPRESENTED,
                              .move = MOVE_TO_PAYEE,
                              .seconds = seconds};
    return state == LIFE_CHARGED_BACK;
}

static bool withdraw(unsigned state, struct step *ret_step)
{
    *ret_step = (struct step){.to = LIFE_DROPPED,
                              .move = state == LIFE_REPRESENTED ? MOVE_NOTHING : MOVE_TO_PAYEE};
    return state >= LIFE_CHARGED_BACK && state <= LIFE_IN_ARBITRATION;
}

static bool rule(const struct filing *filing, unsigned state, struct step *ret_step)
{
    bool for_payer = (filing->record->flags & RECORD_OUTCOME) != 0;
    *ret_step = (struct step){.to = for_payer ? LIFE_STANDS : LIFE_DROPPED,
                              .move = for_payer ? MOVE_NOTHING : MOVE_TO_PAYEE};
    return state == LIFE_IN_ARBITRATION;
}

/* The table of docs/ledger.md, Disputes: false if the step is not one of this state. */
static bool step_of(const struct filing *filing, unsigned state, struct step *ret_step)
{
    const struct genesis_scheme *scheme = filing->scheme->row;
    switch (filing->record->kind) {
    case RECORD_ACCEPT:
        *ret_step = (struct step){.to = LIFE_STANDS};
        return state == LIFE_CHARGED_BACK || state == LIFE_PRE_ARBITRATED;
    case RECORD_REPRESENT:
        return represent(filing, state, ret_step);
    case RECORD_PRE_ARBITRATE:
        *ret_step = (struct step){
            .to = LIFE_PRE_ARBITRATED, .move = MOVE_TO_PAYER, .seconds = scheme->answer_s};
        return state == LIFE_REPRESENTED;
    case RECORD_WITHDRAW:
        return withdraw(state, ret_step);
    case RECORD_DECLINE:
        *ret_step = (struct step){.to = LIFE_IN_ARBITRATION, .seconds = scheme->rule_s};
        return state == LIFE_PRE_ARBITRATED;
    case RECORD_RULE:
        return rule(filing, state, ret_step);
    }
    return false;
}

static void take_step(struct ledger *ledger, const struct filing *filing, struct subject *dispute,
                      struct subject *original, const struct step *step,
                      struct posted_record *ret_posted)
{
    uint64_t amount = dispute->amount;
    unsigned kind = filing->record->kind;
    bool moves = step->move != MOVE_NOTHING;
    move_money(ledger, filing, step->move, amount, ret_posted);
    struct life_row life = dispute->life;
    life.state = (uint16_t)step->to;
    life.due_ms = act_due(ledger, step->seconds);
    life_change(ledger, dispute, &life, kind, moves ? amount : 0);
    add_due(ledger, life.due_ms, dispute->place);
    if (moves) {
        struct life_row theirs = original->life;
        if (step->move == MOVE_TO_PAYER) {
            theirs.returned += amount;
        } else {
            CHECK(theirs.returned >= amount);
            theirs.returned -= amount;
        }
        life_change(ledger, original, &theirs, kind, amount);
    }
}

enum verdict engine_dispute(struct ledger *ledger, const struct filing *filing,
                            struct posted_record *ret_posted)
{
    if (filing->record->kind == RECORD_CHARGEBACK) {
        return charge_back(ledger, filing, ret_posted);
    }
    struct subject dispute;
    enum verdict verdict = act_find(ledger, filing, &dispute);
    if (verdict != VERDICT_POSTED) {
        return verdict;
    }
    struct step step;
    if (!step_of(filing, dispute.life.state, &step)) {
        return VERDICT_WRONG_STAGE;
    }
    if (dispute.life.due_ms != 0 && ledger->block->timestamp_ms >= dispute.life.due_ms) {
        return VERDICT_TOO_LATE;
    }
    struct subject original;
    life_parent(ledger, &dispute, &original);
    /* Refunds may have used up meanwhile what would go back to the payer. */
    if (step.move == MOVE_TO_PAYER && dispute.amount > original.amount - original.life.returned) {
        return VERDICT_EXCEEDS_REMAINING;
    }
    take_step(ledger, filing, &dispute, &original, &step, ret_posted);
    return VERDICT_POSTED;
}
