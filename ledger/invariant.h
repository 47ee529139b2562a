/*
 * invariant: what must hold after every block, in every build (docs/ledger.md, Invariants). Sums
 * over accounts are kept block by block, so a check costs the touched accounts, and the
 * participants of the touched cycles. Lives and pages are not resident, so what concerns them is
 * checked of those that the block touches, and not after loading.
 */
#ifndef HEFU_LEDGER_INVARIANT_H
#define HEFU_LEDGER_INVARIANT_H

#include "ledger/state.h"

/* NULL if all hold for what the block has touched so far, else the sentence of the first that does
   not. Changes nothing. */
const char *invariant_check(struct ledger *ledger);

/* Brings the sums over all accounts up to the end of the block. Once, after the checks. */
void invariant_advance_sums(struct ledger *ledger);

/* All that the resident state says, from nothing: after loading. Also sets sums and exposures. */
const char *invariant_check_all(struct ledger *ledger);

#endif
