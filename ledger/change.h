/*
 * change: what a VALIDATORS action does to a set: whether it may, and the set it leaves
 * (docs/ledger.md, Actions). Members that are not named keep their order; a removed one drops out,
 * a replaced one keeps its place, added ones follow at the end.
 *
 *   A B C D   REMOVE B, REPLACE C by c, ADD E   ─►   A c D E
 */
#ifndef HEFU_LEDGER_CHANGE_H
#define HEFU_LEDGER_CHANGE_H

#include "ledger/action.h"
#include "ledger/state.h"

/* The set after the change, its epoch one later, or the first verdict that forbids it: POSTED means
   that ret_next is set. */
enum verdict change_apply(const struct registry *registry, const struct roster *roster,
                          const struct action *action, struct roster *ret_next);

/* The new members of a change, in its order: how many, and the index-th (its name resolved against
   the roster that it changes). */
uint32_t change_new_count(const struct action *action);
bool change_new_member(const struct roster *roster, const struct action *action, uint32_t index,
                       struct ledger_validator *ret_validator);

#endif
