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
struct carver;
struct scratch_limits;

/* A life that this block changed or began. */
struct touched_life {
    struct life_row row;
    uint64_t amount; /* of the record: the bound of what may be returned, captured and reserved */
    uint32_t slot;   /* in the index */
};

struct lives {
    struct index index;
    uint8_t *rows; /* key ‖ value, in the order in which the block first touched them */
    struct touched_life *touched;
    uint32_t count;
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
    const struct record *record;
    struct place place;
    uint32_t submitter; /* number */
    uint16_t verdict;
    uint32_t touched; /* among the lives of this block, or INDEX_NONE */
    uint32_t
        known; /* 1 + place among the originals of the working set; 0: it stands in the block */
    struct life_row life;
};

void life_begin(struct ledger *ledger);

/* The record that the filing's ref names; false: REF_NOT_FOUND. Not yet followed through LINKED. */
bool life_find(struct ledger *ledger, const struct filing *filing, struct subject *ret_subject);
/* The record that the filing's match_key names; false: the key is free. */
bool life_of_key(struct ledger *ledger, const struct filing *filing, struct subject *ret_subject);
/* The subject's parent; only if its life has one. Prefetch followed two parents, which is enough
   (docs/ledger.md, Lives): a missing one is our bug. */
void life_parent(struct ledger *ledger, const struct subject *subject, struct subject *ret_parent);
/* The subject of a due row of the working set, or of a queued payment's place. */
bool life_at(struct ledger *ledger, struct place place, struct subject *ret_subject);

/* The executing record's own life, when its verdict is not plainly POSTED. No event. */
void life_open(struct ledger *ledger, const struct filing *filing, const struct life_row *row);
/* Changes an older record's life, with an event of that cause; amount as the event says. The row's
   event fields are set here; the subject's copy is brought up to date. */
void life_change(struct ledger *ledger, struct subject *subject, const struct life_row *row,
                 enum event_cause cause, uint64_t amount);

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
