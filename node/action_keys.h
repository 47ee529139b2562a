/*
 * action_keys: what the shell asks of an action beyond what the ledger can check: the ledger has no
 * curve (docs/ledger.md, Actions). The verify pool asks it with the batch's signature, so an action
 * with a key that is no key enters no pool, and no block that names it finds a quorum.
 */
#ifndef HEFU_NODE_ACTION_KEYS_H
#define HEFU_NODE_ACTION_KEYS_H

#include "base/bytes.h"
#include "base/status.h"

/* Whether every key that the action would bring into the network is a valid point. OK, or BAD_KEY.
   An action without form is left to the ledger, which has a verdict for it. */
enum status action_keys_check(struct span body) MUST_USE;

#endif
