/*
 * execute: the batches of a block in order, their records in order, each through the checks in the
 * order of the verdicts, and chains of linked records whole or not at all (docs/ledger.md).
 */
#ifndef HEFU_LEDGER_EXECUTE_H
#define HEFU_LEDGER_EXECUTE_H

#include "ledger/state.h"

/* The deterministic checks of a block, before anything is executed. NULL if all hold, else a
   sentence; ret_batch is then the batch it was found at, or UINT32_MAX. */
const char *execute_check_block(const struct ledger *ledger, const struct ledger_block *block,
                                uint32_t *ret_batch);

/* Executes one batch; its verdicts are set. */
void execute_batch(struct ledger *ledger, uint32_t batch_index);

#endif
