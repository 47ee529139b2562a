/*
 * roster: the validators of the network, epoch by epoch (docs/ledger.md, Actions): from the
 * document for the first epoch of an incarnation, and then as each terminal block leaves them.
 */
#ifndef HEFU_LEDGER_ROSTER_H
#define HEFU_LEDGER_ROSTER_H

#include "ledger/state.h"

/* Of the first epoch of a document's incarnation: root_epoch + 1. */
void roster_from_genesis(const struct genesis *genesis, struct roster *ret_roster);

/* Sets hash from the members. */
void roster_seal(struct roster *roster);

/* The member with that consensus key, or NULL. */
const struct ledger_validator *roster_find(const struct roster *roster,
                                           const struct public_key *key);
/* The member of that participant and validator_key_no, or NULL. */
const struct ledger_validator *roster_by_number(const struct roster *roster, uint32_t participant,
                                                uint32_t key_no);

#endif
