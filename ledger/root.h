/*
 * root: the block that begins an incarnation over the final block that its document names
 * (docs/formats.md, Incarnations): without batches, at the document's time, terminal, under the new
 * chain id, with the document's validators next. Everybody makes it alone, as the genesis block.
 */
#ifndef HEFU_LEDGER_ROOT_H
#define HEFU_LEDGER_ROOT_H

#include "ledger/state.h"

/* The incarnation whose root block follows the last committed block by its height, or NULL. */
const struct incarnation *root_next(const struct ledger *ledger);

/* Whether that document continues this very state: NULL, or what does not fit. */
const char *root_check(const struct ledger *ledger, const struct working_set *working_set);

#endif
