/*
 * memory: where everything of a ledger stands in the one piece of memory that it is given. The
 * same walk computes the footprint and sets the pointers, so the two cannot differ.
 */
#ifndef HEFU_LEDGER_MEMORY_H
#define HEFU_LEDGER_MEMORY_H

#include "ledger/state.h"

/* The sizes of all buffers for this genesis. */
struct scratch_limits memory_limits(const struct genesis *genesis);

/* Sets every pointer of a zeroed ledger at the start of memory. */
struct ledger *memory_lay_out(void *memory, const struct genesis *genesis);

#endif
