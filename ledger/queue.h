/*
 * queue: gross payments that wait for money, per currency (docs/ledger.md, Queue). Resident, sorted
 * by (priority down, since up); saved whole before its first change in a block.
 *
 *   URGENT │ 1 2 │ HIGH │ 3 │ NORMAL │ 4 5 6     release: first of its payer that can be paid
 *                                                offset: the largest set that leaves nobody short
 */
#ifndef HEFU_LEDGER_QUEUE_H
#define HEFU_LEDGER_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "ledger/rows.h"
#include "ledger/verdict.h"

struct ledger;
struct filing;
struct plan;

struct queued {
    struct queue_row row;
    uint32_t payer; /* indexes */
    uint32_t payee;
    uint32_t network; /* or REGISTRY_NONE */
};

struct currency_queue {
    struct queued *entries; /* in queue order */
    struct queued *before;  /* as they were before the block's first change */
    uint32_t count;
    uint32_t before_count;
    bool saved; /* before holds */
};

struct queues {
    struct currency_queue *currencies; /* [currency] */
    uint8_t *rows;                     /* of the block: removed with a zero value, then put */
    uint32_t row_count;
};

void queue_begin(struct ledger *ledger);
void queue_restore(struct ledger *ledger);

/* QUEUED_BEFORE if a queued payment of equal or higher priority of the same payer waits. */
enum verdict queue_check_order(const struct ledger *ledger, const struct filing *filing);
/* Takes the payment in (QUEUED), or QUEUE_FULL, QUEUE_QUOTA. The caller opens its life. */
enum verdict queue_put(struct ledger *ledger, const struct filing *filing);
/* CANCEL and expiry; REPRIORITISE, from the executing record's place. It is queued, or our bug. */
void queue_remove(struct ledger *ledger, uint32_t currency, struct place place);
void queue_reprioritise(struct ledger *ledger, uint32_t currency, struct place place,
                        uint8_t priority, struct place since);

/* Step 5 of a block: release, then offset, each currency. */
void queue_run(struct ledger *ledger);
void queue_emit(struct ledger *ledger);

#endif
