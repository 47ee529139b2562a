/*
 * leader: what the leader of the current view does (docs/consensus.md, propose).
 */
#ifndef HEFU_CONSENSUS_LEADER_H
#define HEFU_CONSENSUS_LEADER_H

#include "consensus/machine.h"

/* p: the highest notarized or finalized view below this one (F's included) with every view between
   nullified. False if a certificate is missing; ret_view is then the view it is missing of. */
bool leader_find_parent(struct consensus *c, uint64_t view, uint64_t *ret_view);

void leader_settle(struct consensus *c);

/* The shell's answer to BUILD_BLOCK. */
void leader_built(struct consensus *c, uint64_t view, bool built,
                  const struct consensus_block *block);

/* Sends the proposal made in this view to one peer again; returns how many were sent. */
uint32_t leader_resend(struct consensus *c, uint32_t peer);

#endif
