/*
 * settle: settlement of closed cycles, and the default waterfall (docs/ledger.md, Cycles,
 * PREFUNDED). One cycle settles whole in one step or not at all.
 */
#ifndef HEFU_LEDGER_SETTLE_H
#define HEFU_LEDGER_SETTLE_H

#include <stdbool.h>
#include <stdint.h>

struct ledger;

/* The rest waits for the next block: scratch for entries has room for so many. */
#define SETTLEMENTS_PER_BLOCK 4u
/* Of one participant in one settlement: POSITION, three sources of money, each against NETTING. */
#define SETTLEMENT_ENTRIES 8u

/* Step 4 of a block. */
void settle_run(struct ledger *ledger);
/* Whether this block has room for the entries of a CONFIRM. */
bool settle_can_confirm(struct ledger *ledger, uint32_t slot);
/* The agent's CONFIRM of an INSTRUCTED or SHORT cycle of an EXTERNAL service; and its CANCEL. */
void settle_confirm(struct ledger *ledger, uint32_t slot);
void settle_cancel(struct ledger *ledger, uint32_t slot);

#endif
