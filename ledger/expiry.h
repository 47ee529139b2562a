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

#define EXPIRY_ROW_BYTES (EXPIRY_KEY_BYTES + EXPIRY_VALUE_BYTES)

/* When the next row is due is in STATE (state_row.expiry_next_ms). */
struct expiries {
    uint8_t *rows; /* swept rows with value 0 first, then new ones with value 1, key ‖ value */
    uint32_t swept;
    uint32_t added;
};

void expiry_begin(struct ledger *ledger);
/* A life's new due time; due_ms above the block's. */
void expiry_add(struct ledger *ledger, uint64_t due_ms, enum due_kind kind, struct place place);
/* Step 1 of a block: cut-offs and funding deadlines (cycle_due) and due lives, merged in order. */
void expiry_run(struct ledger *ledger);
/* Whether step 1 has left a row that is due to the next block. */
bool expiry_is_behind(const struct ledger *ledger);
/* Rows, running digest and the next due time into the outcome. */
void expiry_emit(struct ledger *ledger);

#endif
