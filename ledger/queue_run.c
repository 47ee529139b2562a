/*
 * queue_run: step 5 of a block (docs/ledger.md, Queue): first what can be paid by itself, in queue
 * order, then what can be paid together (offset.c).
 *
 * A block that could not sweep all that is due leaves the queues to the next.
 *
 * Release keeps a heap of the payments that may be payable: the first of each payer. One that is
 * not leaves the heap until its payer gains; so the work grows with what is paid, not with what
 * waits.
 */
#include "base/check.h"
#include "ledger/event.h"
#include "ledger/expiry.h"
#include "ledger/life.h"
#include "ledger/posting.h"
#include "ledger/queue.h"
#include "ledger/state.h"

#define IN_HEAP 2u /* by rank, beside QUEUE_PAID */

struct plan queue_plan(const struct ledger *ledger, uint32_t currency, const struct queued *queued,
                       uint32_t event)
{
    (void)ledger;
    struct plan plan = {
        .cycle = REGISTRY_NONE, .currency = currency, .origin = {.position = event, .event = true}};
    const struct record amounts = {.amount = queued->row.amount,
                                   .interchange = queued->row.interchange,
                                   .payer_fee = queued->row.payer_fee,
                                   .payee_fee = queued->row.payee_fee};
    const struct sides sides = {.payer = queued->payer,
                                .payee = queued->payee,
                                .network = queued->network,
                                .class = ACCOUNT_SETTLEMENT};
    posting_legs(&plan, &sides, &amounts, false, false);
    return plan;
}

/* One payment of the queue posts, as an event of its own. */
static void pay(struct ledger *ledger, uint32_t currency, const struct queued *queued,
                uint16_t cause)
{
    struct subject subject;
    life_of_queued(ledger, &queued->row, &subject);
    struct life_row row = subject.life;
    row.state = LIFE_POSTED;
    row.due_ms = 0;
    row.posted_ms = ledger->block->timestamp_ms;
    uint32_t event = ledger->events.count;
    life_change(ledger, &subject, &row, cause, queued->row.amount);
    struct plan plan = queue_plan(ledger, currency, queued, event);
    posting_apply(ledger, &plan);
}

void queue_pay(struct ledger *ledger, uint32_t currency, const uint8_t *chosen, uint16_t cause)
{
    const struct queue_list *list = ledger->queues.currencies[currency].now;
    for (uint32_t rank = 0; rank < list->count; rank++) {
        if ((chosen[rank] & QUEUE_PAID) != 0) {
            pay(ledger, currency, queue_at(list, rank), cause);
        }
    }
    queue_remove_paid(ledger, currency, chosen); /* last, since it moves ranks */
}

/* ---- Release ---- */

static void heap_push(struct queues *queues, uint32_t *size, uint32_t rank)
{
    uint32_t at = (*size)++;
    queues->flags[rank] |= IN_HEAP;
    while (at > 0 && queues->heap[(at - 1) / 2] > rank) {
        queues->heap[at] = queues->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    queues->heap[at] = rank;
}

static uint32_t heap_pop(struct queues *queues, uint32_t *size)
{
    uint32_t top = queues->heap[0];
    uint32_t last = queues->heap[--(*size)];
    uint32_t at = 0;
    for (;;) {
        uint32_t child = 2 * at + 1;
        if (child >= *size) {
            break;
        }
        if (child + 1 < *size && queues->heap[child + 1] < queues->heap[child]) {
            child++;
        }
        if (queues->heap[child] >= last) {
            break;
        }
        queues->heap[at] = queues->heap[child];
        at = child;
    }
    queues->heap[at] = last;
    queues->flags[top] &= (uint8_t)~IN_HEAP;
    return top;
}

/* Links each payer's payments in queue order; last_of then names each payer's first. Suspended
   payers' wait. Returns false if nobody may pay. */
static bool link_payers(struct ledger *ledger, const struct queue_list *list)
{
    struct queues *queues = &ledger->queues;
    bool any = false;
    for (uint32_t rank = list->count; rank-- > 0;) {
        uint32_t payer = queue_at(list, rank)->payer;
        queues->flags[rank] = 0;
        if (registry_is_suspended(&ledger->registry, payer)) {
            continue;
        }
        queues->next_of[rank] = queues->last_of[payer];
        queues->last_of[payer] = rank + 1;
        any = true;
    }
    return any;
}

static void unlink_payers(struct ledger *ledger, const struct queue_list *list)
{
    for (uint32_t rank = 0; rank < list->count; rank++) {
        ledger->queues.last_of[queue_at(list, rank)->payer] = 0;
    }
}

/* A participant has gained: its first payment may be payable now. */
static void consider(struct ledger *ledger, uint32_t *heap_size, uint32_t participant)
{
    struct queues *queues = &ledger->queues;
    if (participant == REGISTRY_NONE) {
        return;
    }
    uint32_t first = queues->last_of[participant];
    if (first != 0 && (queues->flags[first - 1] & IN_HEAP) == 0) {
        heap_push(queues, heap_size, first - 1);
    }
}

static void release(struct ledger *ledger, uint32_t currency)
{
    struct queues *queues = &ledger->queues;
    const struct queue_list *list = queues->currencies[currency].now;
    uint32_t heap_size = 0;
    bool paid = false;
    if (!link_payers(ledger, list)) {
        return;
    }
    for (uint32_t rank = 0; rank < list->count; rank++) {
        if (queues->last_of[queue_at(list, rank)->payer] == rank + 1) {
            heap_push(queues, &heap_size, rank);
        }
    }
    while (heap_size > 0) {
        uint32_t rank = heap_pop(queues, &heap_size);
        const struct queued *queued = queue_at(list, rank);
        struct plan plan = queue_plan(ledger, currency, queued, 0);
        if (posting_check(ledger, &plan) != VERDICT_POSTED) {
            continue;
        }
        pay(ledger, currency, queued, CAUSE_RELEASE);
        queues->flags[rank] |= QUEUE_PAID;
        paid = true;
        queues->last_of[queued->payer] = queues->next_of[rank];
        consider(ledger, &heap_size, queued->payer);
        consider(ledger, &heap_size, queued->payee);
        consider(ledger, &heap_size, queued->network);
    }
    unlink_payers(ledger, list);
    if (paid) {
        queue_remove_paid(ledger, currency, queues->flags);
    }
}

void queue_run(struct ledger *ledger)
{
    if (expiry_is_behind(ledger)) {
        return; /* one of the payments may be past its time: none is paid too late */
    }
    for (uint32_t i = 0; i < ledger->currency_count; i++) {
        const struct currency_queue *queue = &ledger->queues.currencies[i];
        if (queue->now->count == 0) {
            continue;
        }
        release(ledger, i);
        if (queue->now->count > 0 && offset_choose(ledger, i, ledger->queues.flags) > 0) {
            queue_pay(ledger, i, ledger->queues.flags, CAUSE_OFFSET);
        }
    }
}
