/*
 * sets: the validator set of each epoch, believed on genesis alone: epoch 1's stands in genesis,
 * and each further one is named by the terminal block of the epoch before it, which a quorum of
 * that epoch's set made final (docs/consensus.md, Epochs; docs/auditing.md).
 */
#ifndef HEFU_CLI_SETS_H
#define HEFU_CLI_SETS_H

#include "cli/home.h"

/* The set that a block of this epoch is signed by. home keeps it, so that asking in ascending order
   costs one step an epoch; valid until the next call. NULL if it is found, else what is wrong
   (static). */
const char *sets_of_epoch(struct home *home, uint64_t epoch,
                          const struct validator_set **ret_set) MUST_USE;

/* One step: the terminal block of set's epoch is final by its quorum and names next. NULL, or what
   is wrong. */
const char *sets_step(const struct validator_set *set, const struct block_header *terminal,
                      const struct certificate *finalization, const struct hash *chain_id,
                      const struct validator_set *next) MUST_USE;

#endif
