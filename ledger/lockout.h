/*
 * lockout: whether a change would leave a kind of action that nobody can carry any more
 * (docs/ledger.md, Actions of kinds 5 to 12).
 */
#ifndef HEFU_LEDGER_LOCKOUT_H
#define HEFU_LEDGER_LOCKOUT_H

#include <stdbool.h>

#include "ledger/genesis.h"

/* True if some policy could be satisfied before the change and cannot after it. */
bool lockout_follows(const struct genesis *before, const struct genesis *after);

#endif
