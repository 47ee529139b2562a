/*
 * restart: from storage back to a state from which the network always goes on
 * (docs/consensus.md, Restart and Boot).
 */
#ifndef HEFU_CONSENSUS_RESTART_H
#define HEFU_CONSENSUS_RESTART_H

#include "consensus/machine.h"

/* Fills a machine from storage; OK, or what is wrong with the register or the stored votes. */
enum status restart_load(struct consensus *c, const struct consensus_recovery *recovery) MUST_USE;

#endif
