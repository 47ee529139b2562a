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

/* The height of the block that ended an epoch, looked for by the blocks' epochs, which never fall.
   NOT_FOUND if the epoch goes on. */
enum status epochs_terminal(struct chain *chain, uint64_t final_height, uint64_t epoch,
                            uint64_t *ret_height) MUST_USE;

/* The members as their set's hash takes them, for proofs: key, transport key, participant u32. */
#define EPOCHS_MEMBER_BYTES 68
/* The sealed set out of such bytes. MALFORMED. */
enum status epochs_from_bytes(const uint8_t *bytes, uint32_t count, uint64_t epoch,
                              struct validator_set *ret_set) MUST_USE;
void epochs_to_bytes(const struct validator_set *set, uint8_t *ret_bytes);

#endif
