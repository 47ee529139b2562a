/*
 * expiry: due times of lives (docs/ledger.md, A block, 1). A row is written when a life gets a
 * due_ms, and removed only when its time is swept; a row whose life has another due_ms by then is
 * stale and removed without effect. So nothing is scheduled or cancelled per record.
 *
 *   TABLE_EXPIRY  due_ms, kind, height, position   ──seek──► working set (due <= block time)
 */
#ifndef HEFU_LEDGER_EXPIRY_H
#define HEFU_LEDGER_EXPIRY_H

#include <stdbool.h>
#include <stdint.h>

#include "ledger/rows.h"

struct ledger;

/* Order of due events of one time. Numbers are stable. */
enum due_kind { DUE_CUTOFF = 1, DUE_FUNDING = 2, DUE_DISPUTE = 3, DUE_EXPIRY = 4 };

struct expiries {
    uint8_t *rows; /* swept rows with value 0 first, then new ones with value 1, key ‖ value */
    uint32_t swept;
    uint32_t added;
    uint64_t next_ms; /* no row is due before; carried by STATE */
    uint64_t next_ms_before;
};

void expiry_begin(struct ledger *ledger);
void expiry_restore(struct ledger *ledger);
/* A life's new due time; due_ms above the block's. */
void expiry_add(struct ledger *ledger, uint64_t due_ms, enum due_kind kind, struct place place);
/* Step 1 of a block: cut-offs and funding deadlines (cycle_due) and due lives, merged in order. */
void expiry_run(struct ledger *ledger);
/* What a due life does: EXPIRED, or the dispute's silence. Written by LIFE (dispute.h, hold.h). */
void expiry_of_life(struct ledger *ledger, const struct expiry_row *row);
void expiry_emit(struct ledger *ledger);

#endif
