/*
 * check_votes: the votes and certificates that a node keeps beside its chain, each against its key
 * and the validators of its epoch. What a final block needs stands in the block's own row; these
 * are what a node goes on from after a restart. And the votes inside evidence, which the chain
 * records.
 */
#ifndef HEFU_CLI_CHECK_VOTES_H
#define HEFU_CLI_CHECK_VOTES_H

#include "cli/home.h"
#include "ledger/batch.h"

/* NULL if every row holds, else what is wrong (static), with its table's name. */
const char *check_votes(struct home *home, const char **ret_table);

/* NULL if both votes of a batch of kind evidence convict a validator of their epoch, who signed
   them; else what is wrong (static). No honest node lets a block name another. */
const char *check_evidence(struct home *home, const struct batch *batch);

/* NULL if the final point is that of the last block, with its finalization's epoch and view. */
const char *check_final_point(struct home *home);

#endif
