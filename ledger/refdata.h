/*
 * refdata: reference data: participants, limits, services, schemes, calendars and parameters, as
 * actions have changed them since genesis (docs/ledger.md, Actions of kinds 5 to 12). It has the
 * form of a genesis, so that one set of checks (genesis_check) says what may stand.
 *
 *   now     what holds; the registry and everything else reads it
 *   before  as it was before the block's first change: for rollback and for which rows to write
 *   trial   a copy on which an action is tried
 *
 * Changes are rare, so each copies the whole and resolves everything anew.
 */
#ifndef HEFU_LEDGER_REFDATA_H
#define HEFU_LEDGER_REFDATA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "ledger/genesis.h"

struct ledger;

struct refdata {
    struct genesis now;
    struct genesis before;
    struct genesis trial;
    bool changed; /* before holds */
    uint8_t *rows;
    size_t rows_size;
    void *places; /* of all keys that there can be: scratch of genesis_check_keys */
};

/* How many rows the arrays of a copy have room for. */
struct refdata_room {
    uint32_t participants;
    uint32_t limits;
    uint32_t services;
    uint32_t schemes;
    uint32_t calendars;
};

/* Takes over genesis; the arrays of the copies are there already. */
void refdata_init(struct ledger *ledger, const struct genesis *genesis);
void refdata_begin(struct ledger *ledger);
void refdata_restore(struct ledger *ledger);
/* What holds, to be changed in this block. refdata_changed follows, once all is in place. */
struct genesis *refdata_change(struct ledger *ledger);
/* Resolves numbers, sponsors and schemes anew. */
void refdata_changed(struct ledger *ledger);
/* A fresh copy of what holds, to try an action on. */
struct genesis *refdata_trial(struct ledger *ledger);
/* Suspends or resumes; nothing if it stands so already. The caller makes the event. */
void refdata_set_standing(struct ledger *ledger, uint32_t participant, enum standing standing);

/* Rows that differ from those before the block, and the digests of their tables. */
void refdata_emit(struct ledger *ledger);

/* A stored row of tables 7 to 10, 20 and 21; the tables in ascending order, the rows in any.
   CORRUPT if it has not the form of one. */
enum status refdata_load(struct ledger *ledger, unsigned table, struct span key,
                         struct span value) MUST_USE;
/* Before anything is looked up: resolves what was taken up, if it has the digests of the state row;
   NULL, or what is wrong. with_all: calendars and parameters too, which come last. */
const char *refdata_load_done(struct ledger *ledger, bool with_all);

#endif
