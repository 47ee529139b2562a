/*
 * life: what became of each record (docs/ledger.md, Lives): its state, what it reserves and what
 * was returned of it. Rows of earlier blocks come from the working set, those of this block from
 * its own index; every change goes through life_change, which makes the event and the undo of a
 * chain.
 *
 *   ref, match_key ──life_find / life_of_key──► subject ──life_change──► row, event, running digest
 *                                                  └─life_parent─► the record it is LINKED to
 */
#ifndef HEFU_LEDGER_LIFE_H
#define HEFU_LEDGER_LIFE_H

#include <stdbool.h>
#include <stdint.h>

#include "ledger/event.h"
#include "ledger/index.h"
#include "ledger/record.h"
#include "ledger/rows.h"
#include "ledger/verdict.h"

struct ledger;
struct filing;

#define LIFE_ROW_BYTES (LIFE_KEY_BYTES + LIFE_VALUE_BYTES)
#define TRANSACTION_ROW_BYTES (TRANSACTION_KEY_BYTES + TRANSACTION_VALUE_BYTES)

/* Lives that one record can begin or change: its own, the one it names, that one's other half or
   parent, and of a REVERSE that is affirmed its parent's other half. */
#define LIVES_PER_RECORD 4u

/* A life that this block changed or began. */
struct touched_life {
    struct life_row row;
    uint64_t amount; /* of the record: the bound of what may be returned, captured and reserved */
    uint64_t reserved_before; /* amount and fee, before the block */
    uint32_t slot;            /* in the index */
};

/* One step back of a failed chain. */
struct life_undo {
    bool is_key; /* of transactions, not of lives */
    bool added;  /* the row did not stand before */
    uint32_t at;
    uint32_t slot;          /* of an added key in its index */
    struct life_row row;    /* as it was */
    struct place principal; /* of a key, as it was */
};

struct lives {
    struct index index;
    uint8_t *rows; /* key ‖ value, in the order in which the block first touched them */
    struct touched_life *touched;
    uint32_t count;
    uint32_t capacity;
    struct life_undo *undo;
    uint32_t undo_count;
    uint32_t executing; /* position of the record being executed */
    bool chained;       /* it belongs to a chain, so its changes may have to be taken back */
};

/* Match keys of this block: rows of TABLE_TRANSACTIONS, in the order of first taking. A row whose
   principal moves (an exception resolved) keeps its place. */
struct transactions {
    struct index index;
    uint8_t *rows;
    uint32_t count;
};

/* A record with its life as it is now. Borrowed from the block or the working set. */
struct subject {
    const struct record *record; /* NULL: of a payment that was queued in an earlier block */
    struct place place;
    uint64_t amount;    /* of the record */
    uint32_t submitter; /* number */
    uint16_t verdict;
    struct life_row life;
};

void life_begin(struct ledger *ledger);

/* The record that the filing's ref names; false: REF_NOT_FOUND. Not yet followed through LINKED. */
bool life_find(const struct ledger *ledger, const struct filing *filing,
               struct subject *ret_subject);
/* The record that the filing's match_key names; false: the key is free, or there is none. */
bool life_of_key(const struct ledger *ledger, const struct filing *filing,
                 struct subject *ret_subject);
/* The subject's parent; only if its life has one. Prefetch followed two parents, which is enough
   (docs/ledger.md, Lives): a missing one is our bug. */
void life_parent(const struct ledger *ledger, const struct subject *subject,
                 struct subject *ret_parent);
/* The record at a place of this block or among the originals of the working set; false if it is
   neither. */
bool life_at(const struct ledger *ledger, struct place place, struct subject *ret_subject);
/* A queued payment's subject, from its row of the queue: without record if it stands in an earlier
   block, whose reading the queue spares. Heard: its payer, and the network if that is the payer. */
void life_of_queued(const struct ledger *ledger, const struct queue_row *row,
                    struct subject *ret_subject);

/* The sides (enum side) that a participant is in a record. */
unsigned life_sides(const struct ledger *ledger, const struct record *record, uint32_t participant);

/* A kind that takes a match key: the filing's key, if it has one, names its record from now on. */
void life_take_key(struct ledger *ledger, const struct filing *filing);
/* The filing's key, which is taken, names another record from now on. */
void life_move_key(struct ledger *ledger, const struct filing *filing, struct place principal);

/* The executing record's own life, when its verdict is not plainly POSTED. No event. */
void life_open(struct ledger *ledger, const struct filing *filing, const struct life_row *row);
/* Changes an older record's life, with an event of that cause (enum event_cause, or the kind of the
   record being executed); amount as the event says. The row's
   event fields are set here; the subject's copy is brought up to date. */
void life_change(struct ledger *ledger, struct subject *subject, const struct life_row *row,
                 unsigned cause, uint64_t amount);

/* The state of lives, keys, events and expiry rows, so that a failed chain can go back to it. */
struct life_mark {
    uint32_t undo;
    uint32_t events;
    uint32_t expiries;
};
struct life_mark life_mark(const struct ledger *ledger);
/* Takes back, last first, every change of lives, keys, events and expiries since the mark. */
void life_undo(struct ledger *ledger, struct life_mark mark);

/* Rows and running digests of TABLE_LIFE and TABLE_TRANSACTIONS into the outcome. */
void life_emit(struct ledger *ledger);

#endif
