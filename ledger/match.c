/* match: halves of a transaction (see match.h). */
#include "ledger/match.h"

#include "base/check.h"
#include "ledger/act.h"
#include "ledger/engine.h"
#include "ledger/rules.h"

/* POSTED if they are equal, else EXCEPTION_<the first field that differs>. */
static enum verdict compare_halves(const struct record *a, const struct record *b)
{
    if (a->payer != b->payer) {
        return VERDICT_EXCEPTION_PAYER;
    }
    if (a->payee != b->payee) {
        return VERDICT_EXCEPTION_PAYEE;
    }
    if (a->amount != b->amount) {
        return VERDICT_EXCEPTION_AMOUNT;
    }
    if (a->interchange != b->interchange) {
        return VERDICT_EXCEPTION_INTERCHANGE;
    }
    if (a->payer_fee != b->payer_fee) {
        return VERDICT_EXCEPTION_PAYER_FEE;
    }
    if (a->payee_fee != b->payee_fee) {
        return VERDICT_EXCEPTION_PAYEE_FEE;
    }
    return a->business_date == b->business_date ? VERDICT_POSTED : VERDICT_EXCEPTION_BUSINESS_DATE;
}

static uint64_t fee_reserve(const struct record *record)
{
    return record->payer_fee > 0 ? (uint64_t)record->payer_fee : 0;
}

/* A record that only its payee files binds no payer, so it reserves nothing. */
static bool binds_payer(const struct filing *filing)
{
    return (rules_sides(filing) & (SIDE_PAYER | SIDE_NETWORK)) != 0;
}

static uint64_t due_of(const struct ledger *ledger, const struct filing *filing)
{
    uint32_t own = filing->record->timeout_s;
    return act_due(ledger, own != 0 ? own : filing->scheme->row->match_timeout_s);
}

/* Checks and takes the reserve of a record that will wait; the life says what it took. */
static enum verdict reserve(struct ledger *ledger, const struct filing *filing, bool reserves,
                            struct life_row *life, struct posted_record *ret_posted)
{
    const struct record *record = filing->record;
    struct plan plan = posting_begin(filing);
    if (reserves) {
        life->reserved_amount = record->amount;
        life->reserved_fee = fee_reserve(record);
        struct sides sides = posting_sides(ledger, record, filing->scheme);
        posting_reserve(&plan, &sides, life->reserved_amount, life->reserved_fee, 1);
    }
    enum verdict verdict = act_check_money(ledger, &plan, filing, NULL);
    if (verdict == VERDICT_POSTED && record->kind == RECORD_PAY) {
        verdict = queue_check_order(ledger, filing);
    }
    if (verdict == VERDICT_POSTED) {
        engine_post(ledger, &plan, ret_posted);
    }
    return verdict;
}

enum verdict match_wait(struct ledger *ledger, const struct filing *filing,
                        struct posted_record *ret_posted)
{
    struct life_row life = {.state = LIFE_WAITING,
                            .heard = (uint8_t)rules_sides(filing),
                            .due_ms = due_of(ledger, filing)};
    enum verdict verdict = reserve(ledger, filing, binds_payer(filing), &life, ret_posted);
    if (verdict != VERDICT_POSTED) {
        return verdict;
    }
    life_open(ledger, filing, &life);
    life_take_key(ledger, filing);
    if (life.due_ms != 0) {
        expiry_add(ledger, life.due_ms, DUE_EXPIRY,
                   (struct place){ledger->block->height, filing->position});
    }
    return VERDICT_PENDING;
}

enum verdict match_post(struct ledger *ledger, const struct filing *filing, struct subject *subject,
                        bool judges_fees, struct posted_record *ret_posted)
{
    struct subject other;
    bool has_other = act_other_half(ledger, subject, &other);
    struct plan plan = posting_begin(filing);
    act_free(ledger, &plan, subject);
    if (has_other) {
        act_free(ledger, &plan, &other);
    }
    struct sides sides = posting_sides(ledger, subject->record, filing->scheme);
    posting_legs(&plan, &sides, subject->record, false, false);
    enum verdict verdict =
        judges_fees ? act_check_money(ledger, &plan, filing, NULL) : posting_check(ledger, &plan);
    if (verdict != VERDICT_POSTED) {
        return verdict;
    }
    engine_post(ledger, &plan, ret_posted);
    unsigned cause = filing->record->kind;
    act_post(ledger, subject, life_sides(ledger, subject->record, filing->submitter), cause);
    if (has_other) {
        act_link(ledger, &other, subject->place, cause);
    }
    return VERDICT_POSTED;
}

/* The filing's own life: what becomes of the subject becomes of it. */
static void open_linked(struct ledger *ledger, const struct filing *filing,
                        const struct subject *subject)
{
    life_open(ledger, filing,
              &(struct life_row){.state = LIFE_LINKED,
                                 .heard = (uint8_t)rules_sides(filing),
                                 .parent = subject->place});
}

static enum verdict meet(struct ledger *ledger, const struct filing *filing,
                         struct subject *subject, struct posted_record *ret_posted)
{
    enum verdict verdict = match_post(ledger, filing, subject, true, ret_posted);
    if (verdict != VERDICT_POSTED) {
        return verdict;
    }
    open_linked(ledger, filing, subject);
    return VERDICT_MATCHED;
}

/* Rule 4: a further side says the same of a posted transaction. */
static enum verdict confirm(struct ledger *ledger, const struct filing *filing,
                            struct subject *known)
{
    if (compare_halves(known->record, filing->record) != VERDICT_POSTED) {
        return VERDICT_KEY_DIFFERS;
    }
    struct life_row life = known->life;
    life.heard |= (uint8_t)life_sides(ledger, known->record, filing->submitter);
    life_change(ledger, known, &life, RECORD_CLEAR, known->amount);
    open_linked(ledger, filing, known);
    return VERDICT_CONFIRMED;
}

/* Rule 5, unequal: both wait on, as long as the first would have. */
static enum verdict differ(struct ledger *ledger, const struct filing *filing,
                           struct subject *known, enum verdict difference,
                           struct posted_record *ret_posted)
{
    if (filing->in_chain) {
        return VERDICT_KEY_DIFFERS;
    }
    bool known_reserves = known->life.reserved_amount != 0 || known->life.reserved_fee != 0;
    struct life_row life = {.state = LIFE_EXCEPTION,
                            .heard = (uint8_t)rules_sides(filing),
                            .due_ms = known->life.due_ms,
                            .parent = known->place};
    enum verdict verdict =
        reserve(ledger, filing, binds_payer(filing) && !known_reserves, &life, ret_posted);
    if (verdict != VERDICT_POSTED) {
        return verdict;
    }
    struct life_row theirs = known->life;
    theirs.state = LIFE_EXCEPTION;
    theirs.parent = (struct place){ledger->block->height, filing->position};
    life_change(ledger, known, &theirs, RECORD_CLEAR, known->amount);
    life_open(ledger, filing, &life);
    return difference;
}

/* Rule 6: a third side decides between two halves. */
static enum verdict decide(struct ledger *ledger, const struct filing *filing,
                           struct subject *known, struct subject *other,
                           struct posted_record *ret_posted)
{
    struct subject *equal = NULL;
    if (compare_halves(known->record, filing->record) == VERDICT_POSTED) {
        equal = known;
    } else if (compare_halves(other->record, filing->record) == VERDICT_POSTED) {
        equal = other;
    } else {
        return VERDICT_KEY_IN_EXCEPTION;
    }
    enum verdict verdict = meet(ledger, filing, equal, ret_posted);
    if (verdict == VERDICT_MATCHED && equal == other) {
        life_move_key(ledger, filing, equal->place);
    }
    return verdict;
}

static enum verdict meet_or_differ(struct ledger *ledger, const struct filing *filing,
                                   struct subject *known, struct posted_record *ret_posted)
{
    enum verdict difference = compare_halves(known->record, filing->record);
    return difference == VERDICT_POSTED ? meet(ledger, filing, known, ret_posted)
                                        : differ(ledger, filing, known, difference, ret_posted);
}

enum verdict match_known(struct ledger *ledger, const struct filing *filing, struct subject *known,
                         struct posted_record *ret_posted)
{
    while (known->life.state == LIFE_LINKED) {
        struct subject principal;
        life_parent(ledger, known, &principal);
        *known = principal;
    }
    if (known->record->kind != RECORD_CLEAR) {
        return VERDICT_DUPLICATE_KEY;
    }
    unsigned sides = life_sides(ledger, known->record, filing->submitter);
    if (sides == 0) {
        return VERDICT_KEY_OF_OTHERS;
    }
    struct subject other;
    bool has_other = act_other_half(ledger, known, &other);
    unsigned heard = known->life.heard | (has_other ? other.life.heard : 0u);
    if ((sides & ~heard) == 0) {
        return VERDICT_DUPLICATE_KEY;
    }
    if (act_check_alive(ledger, known) != VERDICT_POSTED) {
        return VERDICT_KEY_ENDED;
    }
    if (has_other) {
        return decide(ledger, filing, known, &other, ret_posted);
    }
    return known->life.state == LIFE_WAITING ? meet_or_differ(ledger, filing, known, ret_posted)
                                             : confirm(ledger, filing, known);
}
