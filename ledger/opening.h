/*
 * opening: which accounts there are (docs/formats.md, Accounts): four a currency for the hub and
 * for each participant, numbered densely. A participant that registers later takes the next
 * numbers, so no number ever moves, and the tree over the leaves grows at its end.
 */
#ifndef HEFU_LEDGER_OPENING_H
#define HEFU_LEDGER_OPENING_H

#include "ledger/state.h"

/* The account that a number means, with nothing on it: limit and flags as reference data says. */
void opening_account(const struct ledger *ledger, uint32_t number, struct account *ret_account);
/* All accounts of genesis. */
void opening_accounts(struct ledger *ledger);
/* The accounts of a participant that an action has registered, at the end of all. */
void opening_of_participant(struct ledger *ledger, uint32_t index);
/* Brings the number of accounts, and the tree over them, to the participants that there are; what
   is new is empty. Every leaf is hashed anew. */
void opening_resize(struct ledger *ledger);

#endif
