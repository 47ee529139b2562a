/*
 * cycle: cycles of DEFERRED services and their nets (docs/ledger.md, Cycles). Nets are kept as legs
 * post, so that closing one costs O(participants) whatever it holds. A cycle has a slot while it is
 * unsettled; its rows stay in the store for ever.
 *
 *   slot 0   service 1, cycle 7  OPEN      nets [participant]     open[service] names the slot
 *   slot 1   service 1, cycle 6  CLOSED    nets                   that postings count in
 *   slot 2   free (state 0)
 *
 * A slot whose cycle settles is free from the commit of that block on, so that its nets are still
 * there if the block is rolled back.
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
    uint32_t count;  /* slots */
    uint32_t stride; /* participants that a slot has nets for */
    struct cycle_row *rows;
    uint32_t *currency; /* by slot: index */
    uint32_t *open;     /* by service index: the slot of its open cycle, or NONE */
    struct net *nets;   /* [slot * stride + participant] */
    /* By participant * currencies + currency. */
    struct total *exposures;   /* what its nets owe, cycle by cycle */
    struct total *group_sums;  /* what its group owes in all, pending debits too (group.h) */
    struct total *closed_owed; /* what its group owes in CLOSED and SHORT cycles, PREFUNDED */
    /* Undo. */
    struct cycle_row *before;
    uint32_t *open_before;
    bool *touched; /* by slot: its row changed */
    bool moved;    /* a cycle closed or settled in this block */
    bool untried;  /* a cycle that came due was left to the next block: it is due at once */
    bool untried_before;
    uint32_t *net_marks; /* generation of the first change */
    struct touched_net *touched_nets;
    uint32_t touched_net_count;
    /* The outcome. */
    uint8_t *net_rows;
    uint8_t *out_rows;      /* of touched slots */
    uint8_t *finished_rows; /* of cycles that closed empty: settled without a slot of their own */
    uint32_t finished_count;
    struct difference *sums; /* scratch of a settlement, by participant */
};

#define CYCLE_ROW_BYTES (CYCLE_KEY_BYTES + CYCLE_VALUE_BYTES)
/* Due events of one block, and so cycles that can close empty in it. */
#define CYCLES_FINISHED_MAX(records) (2u * (records) + LIMIT_SERVICES)

/* Cycle 1 of every DEFERRED service. */
void cycle_open_first(struct ledger *ledger);
/* Cycle 1 of a service that an action has brought. */
void cycle_open_service(struct ledger *ledger, uint32_t index);
void cycle_begin(struct ledger *ledger);
void cycle_restore(struct ledger *ledger);
/* Frees the slots of cycles that settled in the committed block. */
void cycle_commit(struct ledger *ledger);

/* The next cut-off or funding deadline that is due at T and comes first in the order of due events:
   false if there is none. Then cycle_due_run does it. */
bool cycle_due(const struct ledger *ledger, struct expiry_row *ret_row);
void cycle_due_run(struct ledger *ledger, const struct expiry_row *row);
/* The earliest time at which a cycle has something to do: a cut-off, settle_from or a deadline, or
   at once if the last block left a settlement to the next; UINT64_MAX: none. */
uint64_t cycle_next_ms(const struct ledger *ledger);
/* Whether the service has room for one more unsettled cycle. */
bool cycle_can_close(const struct ledger *ledger, uint16_t service);
/* Actions CLOSE and EXTEND, at step 3. The caller checked that they fit. */
void cycle_close(struct ledger *ledger, uint32_t slot, uint64_t closed_ms, bool by_action);
void cycle_extend(struct ledger *ledger, uint32_t slot, uint64_t cutoff_ms);

/* The slot of an unsettled cycle, or REGISTRY_NONE. */
uint32_t cycle_slot(const struct ledger *ledger, uint16_t service, uint32_t number);
/* An event of the cycle; its number in the block. */
uint32_t cycle_event(struct ledger *ledger, uint32_t slot, uint16_t cause, uint16_t new_state,
                     uint64_t amount);
/* A cycle's row is about to change. */
struct cycle_row *cycle_touch(struct ledger *ledger, uint32_t slot);
/* Adds (sign 1) or takes away what each group owes in a closed cycle. */
void cycle_count_owed(struct ledger *ledger, uint32_t slot, int sign);
/* Net sums of groups into cycles.sums, by settling participant. */
void cycle_group_sums(struct ledger *ledger, uint32_t slot);
/* Everything that is derived from rows and nets: exposures, closed_owed, open. */
void cycle_recompute(struct ledger *ledger);
/* closed_owed and what groups owe: sponsors have changed. */
void cycle_recompute_owed(struct ledger *ledger);

struct net *cycle_net(const struct ledger *ledger, uint32_t slot, uint32_t participant);
struct total *cycle_closed_owed(const struct ledger *ledger, uint32_t participant,
                                uint32_t currency);
/* OPEN, CLOSED, INSTRUCTED or SHORT. */
bool cycle_is_unsettled(const struct cycle_row *row);

/* Rows and digests of both tables into the outcome. */
void cycle_emit(struct ledger *ledger);
/* Stored rows, cycles before their nets; a settled one is history. CORRUPT if one does not fit. */
enum status cycle_load(struct ledger *ledger, const struct cycle_row *row) MUST_USE;
enum status cycle_load_net(struct ledger *ledger, const struct net_row *row) MUST_USE;
/* What is missing or wrong after loading, or NULL; recomputes what is derived. */
const char *cycle_load_done(struct ledger *ledger);

#endif
