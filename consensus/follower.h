/*
 * follower: what a validator does with the leader's proposal (docs/consensus.md, on_proposal).
 */
#ifndef HEFU_CONSENSUS_FOLLOWER_H
#define HEFU_CONSENSUS_FOLLOWER_H

#include "consensus/machine.h"

/* A proposal from the link of a peer: verified, its certificates taken over, itself kept for its
   view. */
void follower_receive(struct consensus *c, const struct proposal *proposal, uint32_t peer);

/* NOTARIZE, NULLIFY or wait, for the proposal held of the current view. */
void follower_settle(struct consensus *c);

#endif
