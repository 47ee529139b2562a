/*
 * epochs: the validator sets of all epochs, as the chain recorded them (docs/consensus.md, Epochs;
 * docs/formats.md, Stored tables): genesis' for epoch 1, and then as each terminal block left them.
 */
#ifndef HEFU_NODE_EPOCHS_H
#define HEFU_NODE_EPOCHS_H

#include <stdint.h>

#include "base/status.h"
#include "consensus/validators.h"
#include "ledger/ledger.h"
#include "node/chain.h"

/* The members of an epoch, from their row. NOT_FOUND, CORRUPT. */
enum status epochs_members(struct chain *chain, uint64_t epoch,
                           struct ledger_validator ret_members[LIMIT_VALIDATORS],
                           uint32_t *ret_count) MUST_USE;
/* The sealed set of an epoch. Whoever does not trust the store compares its hash with
   next_validators_hash of the terminal block before it. */
enum status epochs_set(struct chain *chain, uint64_t epoch, struct validator_set *ret_set) MUST_USE;

#endif
