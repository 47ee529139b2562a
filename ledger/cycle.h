/*
 * cycle: cycles of DEFERRED services and their nets (docs/ledger.md, Cycles). Nets are kept as legs
 * post, so that closing one costs O(participants) whatever it holds. A cycle has a slot while it is
 * unsettled; its rows stay in the store for ever.
 */
#ifndef HEFU_LEDGER_CYCLE_H
#define HEFU_LEDGER_CYCLE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"
#include "ledger/money.h"
#include "ledger/rows.h"

struct ledger;

/* One participant's sides in one unsettled cycle. */
struct net {
    struct total debits;
    struct total credits;
};

struct touched_net {
    struct net before;
    struct total exposure_before;
    uint32_t net;      /* place in nets */
    uint32_t exposure; /* place in exposures */
};

struct cycles {
    uint32_t count; /* slots in use from 0 */
    struct cycle_row rows[LIMIT_SERVICES];
    uint32_t currency[LIMIT_SERVICES]; /* index */
    struct net *nets;                  /* [slot * participants + participant] */
    struct total *exposures;           /* [participant * currencies + currency] */
    /* Undo. */
    struct cycle_row before[LIMIT_SERVICES];
    bool touched[LIMIT_SERVICES];
    uint32_t *net_marks; /* generation of the first change */
    struct touched_net *touched_nets;
    uint32_t touched_net_count;
    /* The outcome. */
    uint8_t *net_rows;
    uint8_t out_rows[LIMIT_SERVICES][CYCLE_KEY_BYTES + CYCLE_VALUE_BYTES];
};

/* The next cut-off or funding deadline that is due at T and comes first in the order of due events:
   false if there is none. Then cycle_due_run does it. */
bool cycle_due(const struct ledger *ledger, struct expiry_row *ret_row);
void cycle_due_run(struct ledger *ledger, const struct expiry_row *row);
/* The earliest time at which a cycle has something to do: its cut-off; its settle_from if that is
   after the last block (which otherwise tried it); its deadline until it is OVERDUE. UINT64_MAX:
   none. A SHORT cycle waits for money, not for time. */
uint64_t cycle_next_ms(const struct ledger *ledger);
/* Actions CLOSE and EXTEND, at step 3. The caller checked that they fit. */
void cycle_close(struct ledger *ledger, uint32_t slot, uint64_t closed_ms, bool by_action);
void cycle_extend(struct ledger *ledger, uint32_t slot, uint64_t cutoff_ms);

#endif
