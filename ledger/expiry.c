/* expiry: the sweep of due lives, and their rows (see expiry.h). */
#include "ledger/expiry.h"

#include "base/check.h"
#include "ledger/act.h"
#include "ledger/digest.h"
#include "ledger/outcome.h"
#include "ledger/state.h"

void expiry_begin(struct ledger *ledger)
{
    ledger->expiries.swept = 0;
    ledger->expiries.added = 0;
}

static void put_row(struct ledger *ledger, const struct expiry_row *row, uint8_t value)
{
    struct expiries *expiries = &ledger->expiries;
    uint32_t at = expiries->swept + expiries->added;
    CHECK(at < ledger->limits.expiries);
    uint8_t *bytes = expiries->rows + (size_t)at * EXPIRY_ROW_BYTES;
    expiry_key(row, bytes);
    bytes[EXPIRY_KEY_BYTES] = value;
}

void expiry_add(struct ledger *ledger, uint64_t due_ms, enum due_kind kind, struct place place)
{
    CHECK(due_ms > ledger->block->timestamp_ms);
    struct expiry_row row = {.due_ms = due_ms, .kind = (uint8_t)kind, .place = place};
    put_row(ledger, &row, 1);
    ledger->expiries.added++;
}

/* Frees what the life reserves, as entries of the event that is made next. */
static void free_by_event(struct ledger *ledger, const struct subject *subject)
{
    uint32_t currency = number_map_find(&ledger->registry.currencies, subject->record->currency);
    CHECK(currency != REGISTRY_NONE);
    struct plan plan = {.currency = currency,
                        .cycle = REGISTRY_NONE,
                        .origin = {.position = ledger->events.count, .event = true}};
    act_free(ledger, &plan, subject);
    posting_apply(ledger, &plan);
}

static void expire(struct ledger *ledger, struct subject *subject)
{
    struct subject other;
    bool has_other = act_other_half(ledger, subject, &other);
    if (subject->life.state == LIFE_QUEUED) {
        uint32_t currency =
            number_map_find(&ledger->registry.currencies, subject->record->currency);
        queue_remove(ledger, currency, subject->place);
    }
    free_by_event(ledger, subject);
    act_end(ledger, subject, LIFE_EXPIRED, CAUSE_EXPIRED);
    if (has_other) {
        free_by_event(ledger, &other);
        act_end(ledger, &other, LIFE_EXPIRED, CAUSE_EXPIRED);
    }
}

static void sweep(struct ledger *ledger, const struct expiry_row *row)
{
    struct subject subject;
    CHECK(life_at(ledger, row->place, &subject));
    if (subject.life.due_ms != row->due_ms) {
        return; /* stale */
    }
    switch ((enum life_state)subject.life.state) {
    case LIFE_WAITING:
    case LIFE_EXCEPTION:
    case LIFE_HELD:
    case LIFE_QUEUED:
        expire(ledger, &subject);
        return;
    case LIFE_CHARGED_BACK:
    case LIFE_PRE_ARBITRATED:
    case LIFE_IN_ARBITRATION:
        act_end(ledger, &subject, LIFE_STANDS, CAUSE_SILENCE);
        return;
    case LIFE_REPRESENTED:
        act_end(ledger, &subject, LIFE_DROPPED, CAUSE_SILENCE);
        return;
    case LIFE_POSTED:
    case LIFE_LINKED:
    case LIFE_REVERSED:
    case LIFE_REJECTED:
    case LIFE_EXPIRED:
    case LIFE_CAPTURED:
    case LIFE_RELEASED:
    case LIFE_CANCELLED:
    case LIFE_STANDS:
    case LIFE_DROPPED:
        break;
    }
    CHECK(subject.life.due_ms == 0); /* these are never due */
}

/* Whether a cycle's due event comes before a life's: by time, then kind. */
static bool cycle_first(const struct expiry_row *cycle, const struct expiry_row *life)
{
    return cycle->due_ms != life->due_ms ? cycle->due_ms < life->due_ms : cycle->kind < life->kind;
}

void expiry_run(struct ledger *ledger)
{
    const struct working_set *set = ledger->working_set;
    struct expiries *expiries = &ledger->expiries;
    struct expiry_row cycle;
    bool has_cycle = cycle_due(ledger, &cycle);
    for (uint32_t left = DUE_PER_RECORD * ledger->limits.records; left > 0; left--) {
        bool has_life = expiries->swept < set->due_count;
        const struct expiry_row *life = &set->due[expiries->swept];
        if (has_cycle && (!has_life || cycle_first(&cycle, life))) {
            cycle_due_run(ledger, &cycle);
            has_cycle = cycle_due(ledger, &cycle);
        } else if (has_life) {
            put_row(ledger, life, 0);
            expiries->swept++;
            sweep(ledger, life);
        } else {
            return;
        }
    }
}

bool expiry_is_behind(const struct ledger *ledger)
{
    const struct working_set *set = ledger->working_set;
    return set->due_read && (ledger->expiries.swept < set->due_count ||
                             set->due_next_ms <= ledger->block->timestamp_ms);
}

/* The earliest time of the rows that stay or are new. */
static uint64_t next_ms(const struct ledger *ledger)
{
    const struct working_set *set = ledger->working_set;
    const struct expiries *expiries = &ledger->expiries;
    uint64_t next = ledger->state.expiry_next_ms;
    if (set->due_read) {
        next =
            expiries->swept < set->due_count ? set->due[expiries->swept].due_ms : set->due_next_ms;
    }
    for (uint32_t i = 0; i < expiries->added; i++) {
        uint64_t due_ms =
            get_be64(expiries->rows + (size_t)(expiries->swept + i) * EXPIRY_ROW_BYTES);
        next = due_ms < next ? due_ms : next;
    }
    return next;
}

void expiry_emit(struct ledger *ledger)
{
    const struct expiries *expiries = &ledger->expiries;
    for (uint32_t i = 0; i < expiries->swept; i++) {
        outcome_remove(
            ledger, TABLE_EXPIRY,
            (struct span){expiries->rows + (size_t)i * EXPIRY_ROW_BYTES, EXPIRY_KEY_BYTES});
    }
    outcome_write_rows(ledger, TABLE_EXPIRY,
                       expiries->rows + (size_t)expiries->swept * EXPIRY_ROW_BYTES, expiries->added,
                       EXPIRY_KEY_BYTES, EXPIRY_VALUE_BYTES);
    digest_run(&ledger->state.digests[TABLE_EXPIRY], expiries->rows,
               ((size_t)expiries->swept + expiries->added) * EXPIRY_ROW_BYTES);
    ledger->state.expiry_next_ms = next_ms(ledger);
}
