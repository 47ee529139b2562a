/* queue_act: CANCEL and REPRIORITISE of a queued payment (docs/ledger.md, Kinds, Queue). */
#include "base/check.h"
#include "ledger/act.h"
#include "ledger/engine.h"
#include "ledger/queue.h"

static void reprioritise(struct ledger *ledger, const struct filing *filing,
                         struct subject *subject)
{
    const struct place now = {.height = ledger->block->height, .position = filing->position};
    queue_reprioritise(ledger, filing->currency, subject->place, filing->record->priority, now);
    const struct life_row life = subject->life;
    life_change(ledger, subject, &life, RECORD_REPRIORITISE, subject->amount);
    /* The payment's history goes on from here when it is paid. */
    queue_note_event(ledger, filing->currency, subject->place, subject->life.event_height,
                     subject->life.event_index);
}

enum verdict engine_queue(struct ledger *ledger, const struct filing *filing,
                          struct posted_record *ret_posted)
{
    struct subject subject;
    enum verdict verdict = act_find(ledger, filing, &subject);
    if (verdict != VERDICT_POSTED) {
        return verdict;
    }
    if (subject.life.state != LIFE_QUEUED) {
        return VERDICT_NOT_PENDING;
    }
    const struct plan nothing = posting_begin(filing);
    engine_post(ledger, &nothing, ret_posted);
    if (filing->record->kind == RECORD_CANCEL) {
        queue_remove(ledger, filing->currency, subject.place);
        act_end(ledger, &subject, LIFE_CANCELLED, RECORD_CANCEL);
    } else {
        reprioritise(ledger, filing, &subject);
    }
    return VERDICT_POSTED;
}
