/* act: what all acts on older records have in common (see act.h). */
#include "ledger/act.h"

#include "base/check.h"
#include "ledger/fees.h"

static bool same_transaction(const struct record *own, const struct record *original)
{
    bool no_key = bytes_are_zero(&own->match_key, sizeof own->match_key);
    return own->payer == original->payer && own->payee == original->payee &&
           own->scheme == original->scheme && own->currency == original->currency &&
           (no_key || memcmp(&own->match_key, &original->match_key, sizeof own->match_key) == 0);
}

static bool is_exception(unsigned verdict)
{
    return verdict >= VERDICT_EXCEPTION_PAYER && verdict <= VERDICT_EXCEPTION_BUSINESS_DATE;
}

enum verdict act_check_alive(const struct ledger *ledger, const struct subject *subject)
{
    const struct life_row *life = &subject->life;
    switch ((enum life_state)life->state) {
    case LIFE_POSTED:
    case LIFE_LINKED:
    case LIFE_CHARGED_BACK:
    case LIFE_REPRESENTED:
    case LIFE_PRE_ARBITRATED:
    case LIFE_IN_ARBITRATION:
        return VERDICT_POSTED;
    case LIFE_WAITING:
    case LIFE_EXCEPTION:
    case LIFE_HELD:
    case LIFE_QUEUED:
        return life->due_ms != 0 && ledger->block->timestamp_ms >= life->due_ms ? VERDICT_EXPIRED
                                                                                : VERDICT_POSTED;
    case LIFE_EXPIRED:
        return VERDICT_EXPIRED;
    case LIFE_REVERSED:
    case LIFE_REJECTED:
    case LIFE_CAPTURED:
    case LIFE_RELEASED:
    case LIFE_CANCELLED:
    case LIFE_STANDS:
    case LIFE_DROPPED:
        return VERDICT_ENDED;
    }
    CHECK(life->state == LIFE_POSTED);
    return VERDICT_ENDED;
}

enum verdict act_check(const struct ledger *ledger, const struct record *record,
                       struct subject *subject)
{
    while (subject->life.state == LIFE_LINKED) {
        struct subject principal;
        life_parent(ledger, subject, &principal);
        *subject = principal;
    }
    if ((kind_of(record->kind)->acts_on >> subject->record->kind & 1) == 0) {
        return VERDICT_REF_KIND;
    }
    if (!same_transaction(record, subject->record)) {
        return VERDICT_REF_DIFFERS;
    }
    return act_check_alive(ledger, subject);
}

enum verdict act_find(const struct ledger *ledger, const struct filing *filing,
                      struct subject *ret_subject)
{
    if (!life_find(ledger, filing, ret_subject)) {
        return VERDICT_REF_NOT_FOUND;
    }
    bool accepted = ret_subject->verdict <= VERDICT_CONFIRMED || is_exception(ret_subject->verdict);
    if (!accepted) {
        return VERDICT_REF_NOT_POSTED;
    }
    return act_check(ledger, filing->record, ret_subject);
}

bool act_other_half(const struct ledger *ledger, const struct subject *subject,
                    struct subject *ret_other)
{
    if (subject->life.state != LIFE_EXCEPTION) {
        return false;
    }
    life_parent(ledger, subject, ret_other);
    return true;
}

uint64_t act_due(const struct ledger *ledger, uint32_t seconds)
{
    return seconds == 0 ? 0 : ledger->block->timestamp_ms + 1000ull * seconds;
}

void act_free(const struct ledger *ledger, struct plan *plan, const struct subject *subject)
{
    const struct life_row *life = &subject->life;
    if (life->reserved_amount == 0 && life->reserved_fee == 0) {
        return;
    }
    const struct scheme *scheme = registry_scheme(&ledger->registry, subject->record->scheme);
    CHECK(scheme != NULL);
    struct sides sides = posting_sides(ledger, subject->record, scheme);
    posting_reserve(plan, &sides, life->reserved_amount, life->reserved_fee, -1);
}

/* Neither due any more nor reserving anything. */
static struct life_row at_rest(const struct subject *subject, enum life_state state)
{
    struct life_row row = subject->life;
    row.state = (uint16_t)state;
    row.due_ms = 0;
    row.reserved_amount = 0;
    row.reserved_fee = 0;
    return row;
}

void act_post(struct ledger *ledger, struct subject *subject, unsigned sides, unsigned cause)
{
    struct life_row row = at_rest(subject, LIFE_POSTED);
    row.heard |= (uint8_t)sides;
    row.posted_ms = ledger->block->timestamp_ms;
    life_change(ledger, subject, &row, cause, subject->amount);
}

void act_end(struct ledger *ledger, struct subject *subject, enum life_state state, unsigned cause)
{
    struct life_row row = at_rest(subject, state);
    life_change(ledger, subject, &row, cause, subject->amount);
}

void act_link(struct ledger *ledger, struct subject *subject, struct place principal,
              unsigned cause)
{
    struct life_row row = at_rest(subject, LIFE_LINKED);
    row.parent = principal;
    life_change(ledger, subject, &row, cause, subject->amount);
}

enum verdict act_check_money(struct ledger *ledger, const struct plan *plan,
                             const struct filing *filing, const struct subject *original)
{
    enum verdict limit = posting_check(ledger, plan);
    if (limit != VERDICT_POSTED && limit < VERDICT_FEE_NOT_MANDATED) {
        return limit;
    }
    enum verdict fees = fees_check(filing, original);
    return fees != VERDICT_POSTED ? fees : limit;
}
