/*
 * check_votes: the votes and certificates that a node keeps beside its chain, each against its key
 * and the validators of genesis. What a final block needs stands in the block's own row; these are
 * what a node goes on from after a restart.
 */
#ifndef HEFU_CLI_CHECK_VOTES_H
#define HEFU_CLI_CHECK_VOTES_H

#include "cli/home.h"

/* NULL if every row holds, else what is wrong (static), with its table's name. */
const char *check_votes(struct home *home, const char **ret_table);

/* NULL if the final point is that of the last block, with its finalization's epoch and view. */
const char *check_final_point(struct home *home);

#endif
