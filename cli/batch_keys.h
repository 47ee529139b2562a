/*
 * batch_keys: the key that signed a batch, found without executing the chain: a participant's in
 * genesis or in an action that gave it, or a validator's in the set of the block's epoch, or a new
 * validator's in a change that brings it in (docs/formats.md, Batch header).
 */
#ifndef HEFU_CLI_BATCH_KEYS_H
#define HEFU_CLI_BATCH_KEYS_H

#include "cli/home.h"
#include "ledger/batch.h"

/* set: of the block's epoch. False if there is no such key, or none of a change that signed it. */
bool batch_keys_find(struct home *home, const struct validator_set *set, const struct batch *batch,
                     struct public_key *ret_key);
/* A participant's key that genesis has. */
bool batch_keys_of_genesis(const struct genesis *genesis, const struct batch_header *header,
                           struct public_key *ret_key);
/* A validator's key that the set has. */
bool batch_keys_of_set(const struct validator_set *set, const struct batch_header *header,
                       struct public_key *ret_key);

#endif
