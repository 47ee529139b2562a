/*
 * queue: gross payments that wait for money, per currency (docs/ledger.md, Queue). Resident, with
 * all that paying them takes; saved whole before its first change in a block.
 *
 *   order     URGENT │ 1 2 │ HIGH │ 3 │ NORMAL │ 4 5 6     (priority down, since up)
 *   by_place  where each payment stands in the chain, ascending: a new one is always the last
 *
 *   release: the first of its payer that can be paid      offset: the largest set that leaves
 *            (queue_run.c)                                         nobody short (offset.c)
 */
#ifndef HEFU_LEDGER_QUEUE_H
#define HEFU_LEDGER_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"
#include "ledger/rows.h"
#include "ledger/verdict.h"

struct ledger;
struct filing;
struct plan;

#define QUEUE_PRIORITIES 3u /* NORMAL, HIGH, URGENT */
#define QUEUE_ROW_BYTES (QUEUE_KEY_BYTES + QUEUE_VALUE_BYTES)

struct queued {
    struct queue_row row;
    uint32_t payer; /* indexes */
    uint32_t payee;
    uint32_t network; /* or REGISTRY_NONE */
};

/* One currency's queue. Entries have slots; the two orders name slots. */
struct queue_list {
    uint32_t count;
    uint32_t high; /* no slot from here on was ever used */
    struct queued entries[LIMIT_QUEUE];
    uint16_t order[LIMIT_QUEUE];    /* in queue order */
    uint16_t by_place[LIMIT_QUEUE]; /* ascending by place */
    uint16_t spare[LIMIT_QUEUE];    /* free slots below high */
    uint32_t spare_count;
};

struct currency_queue {
    struct queue_list *now;
    struct queue_list *before; /* as it was before the block's first change */
    bool saved;                /* before holds */
};

struct queues {
    struct currency_queue *currencies; /* [currency] */
    uint16_t *waiting; /* [(participant * currencies + currency) * 3 + priority]: its payments */
    uint8_t *rows;     /* of the block: removed with a zero value, then put */
    /* Scratch of one run, by participant index and by place in order. */
    uint32_t *last_of;           /* 1 + place in order of the payer's payment seen last */
    uint32_t *next_of;           /* 1 + place in order of the same payer's next payment */
    uint32_t *previous_of;       /* likewise */
    uint32_t *heap;              /* places in order */
    uint8_t *flags;              /* by place in order */
    struct difference *position; /* what a participant would have, in an offset */
    uint32_t *stack;             /* participants that would be short */
    uint8_t *stacked;            /* by participant */
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
/* A queued payment's latest event, so that its history goes on when it is paid: it is queued. */
void queue_note_event(struct ledger *ledger, uint32_t currency, struct place place,
                      uint64_t event_height, uint32_t event_index);

/* Step 5 of a block: release, then offset, each currency. */
void queue_run(struct ledger *ledger);
/* Rows and the running digest of TABLE_QUEUE into the outcome. */
void queue_emit(struct ledger *ledger);
/* A stored row, after ledger_init, in any order; CORRUPT if it does not fit. */
enum status queue_load(struct ledger *ledger, const struct queue_row *row) MUST_USE;
/* Whether the rows are those of the state row: NULL, or what is wrong. */
const char *queue_load_done(const struct ledger *ledger);

/* For queue_run.c and offset.c: the slots in queue order. */
static inline const struct queued *queue_at(const struct queue_list *list, uint32_t rank)
{
    return &list->entries[list->order[rank]];
}
/* The plan that pays it, as an event of that number. */
struct plan queue_plan(const struct ledger *ledger, uint32_t currency, const struct queued *queued,
                       uint32_t event);
#define QUEUE_PAID 1u
/* Removes the payments whose flags by rank have QUEUE_PAID, all in one pass. */
void queue_remove_paid(struct ledger *ledger, uint32_t currency, const uint8_t *flags);
/* Posts the payments at these ranks (ascending), with events of that cause, and removes them. */
void queue_pay(struct ledger *ledger, uint32_t currency, const uint8_t *chosen, uint16_t cause);
/* offset.c: marks in flags[rank] which payments of the currency settle together; how many. */
uint32_t offset_choose(struct ledger *ledger, uint32_t currency, uint8_t *ret_flags);

#endif
