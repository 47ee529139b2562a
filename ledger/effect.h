/*
 * effect: what approved actions of kinds 5 to 12 change (docs/ledger.md, Actions of kinds 5 to 12;
 * bodies in docs/formats.md). action.c holds proposals and approvals and calls this for the rest.
 */
#ifndef HEFU_LEDGER_EFFECT_H
#define HEFU_LEDGER_EFFECT_H

#include "base/bytes.h"
#include "ledger/state.h"

/* Whether the body, without its common header of 8 bytes, is well formed and fits the state now:
   at proposal, and again when the last approval comes. POSTED, or ACTION_FORM, 260 to 263 or 360.
   Changes nothing. */
enum verdict effect_check(struct ledger *ledger, uint16_t kind, struct span body);

/* Step 3 of a block: carries it out. Only after effect_check in the same block. Every row it
   changes is saved for rollback and written to its table; a cycle that it moves makes an event of
   cause ACTION. */
void effect_apply(struct ledger *ledger, uint16_t kind, struct span body);

/* Who may propose and approve: the parameters' policy of that kind. */
const struct action_policy *effect_policy(const struct ledger *ledger, uint16_t kind);

#endif
