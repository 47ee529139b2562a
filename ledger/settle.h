/*
 * settle: settlement of closed cycles, and the default waterfall (docs/ledger.md, Cycles,
 * PREFUNDED). One cycle settles whole in one step or not at all.
 */
#ifndef HEFU_LEDGER_SETTLE_H
#define HEFU_LEDGER_SETTLE_H

#include <stdbool.h>
#include <stdint.h>

struct ledger;

/* Step 4 of a block. */
void settle_run(struct ledger *ledger);
/* The agent's CONFIRM of an INSTRUCTED or SHORT cycle of an EXTERNAL service; and its CANCEL. */
void settle_confirm(struct ledger *ledger, uint32_t slot);
void settle_cancel(struct ledger *ledger, uint32_t slot);

#endif
