/*
 * group: what everyone who settles through one participant owes together (docs/ledger.md, Limits):
 * the sum of own(P) over a sponsor and its members, kept per currency as debts change, since a
 * debit of one member must not cost a look at all of them.
 *
 *   own(P) = pending debits on POSITION + what its unsettled nets owe     touch.c, settle.c
 *                                                 └── every change ──► sums[settling participant]
 *
 * Sums are modulo 2^128, which is exact for the result. A change of sponsors makes them anew.
 */
#ifndef HEFU_LEDGER_GROUP_H
#define HEFU_LEDGER_GROUP_H

#include <stdbool.h>
#include <stdint.h>

#include "ledger/money.h"

struct ledger;

/* The sum of the group that a participant settles for: itself and its members. Of a member with a
   sponsor it means nothing. */
struct total group_exposure(const struct ledger *ledger, uint32_t participant, uint32_t currency);

/* A participant's own() has changed by what a part of it was before and is after. */
void group_change(struct ledger *ledger, uint32_t participant, uint32_t currency,
                  struct total before, struct total after);
/* The same for pending debits of an account, if it is a POSITION. */
void group_change_pending(struct ledger *ledger, uint32_t account, struct total before,
                          struct total after);

/* From exposures and accounts alone. */
void group_recompute(struct ledger *ledger);
/* Whether a kept sum, or every one, is what its members' add up to. True of one with a sponsor. */
bool group_is_consistent_for(const struct ledger *ledger, uint32_t participant, uint32_t currency);
bool group_is_consistent(const struct ledger *ledger);

#endif
