/*
 * sets: the validator set of each epoch, believed on genesis alone: epoch 1's stands in genesis,
 * and each further one is named by the terminal block of the epoch before it, which a quorum of
 * that epoch's set made final (docs/consensus.md, Epochs; docs/auditing.md). A later incarnation's
 * first set stands in its own document.
 */
#ifndef HEFU_CLI_SETS_H
#define HEFU_CLI_SETS_H

#include "cli/home.h"

/* The set that a block of this epoch is signed by. home keeps it, so that asking in ascending order
   costs one step an epoch; valid until the next call. NULL if it is found, else what is wrong
   (static). */
const char *sets_of_epoch(struct home *home, uint64_t epoch,
                          const struct validator_set **ret_set) MUST_USE;

/* The chain id that votes of an epoch carry. */
const struct hash *sets_chain_id(const struct home *home, uint64_t epoch);
/* The epoch that a block leaves open. */
uint64_t sets_epoch_after(const struct block_header *header);

/* Whether a block of the home is final: by a quorum of its epoch's set, or, of an incarnation's
   root block, because it is what the document says; what it does to the state is checked by replay.
   NULL, or what is wrong (static). */
const char *sets_check_block(struct home *home, const struct block_row *block) MUST_USE;
const char *sets_check_root_block(const struct incarnation *incarnation,
                                  const struct block_row *block) MUST_USE;

/* One step: the terminal block of set's epoch is final by its quorum and names next. NULL, or what
   is wrong. */
const char *sets_step(const struct validator_set *set, const struct block_header *terminal,
                      const struct certificate *finalization, const struct hash *chain_id,
                      const struct validator_set *next) MUST_USE;

#endif
