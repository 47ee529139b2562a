/*
 * rejoin: how a key whose register was lost signs again without contradicting what it may have
 * signed (docs/consensus.md, Rejoin).
 */
#ifndef HEFU_CONSENSUS_REJOIN_H
#define HEFU_CONSENSUS_REJOIN_H

#include "consensus/machine.h"

/* With fewer validators no fault is tolerated, and a lost register is one. */
#define REJOIN_VALIDATORS_MIN 4

/* Whether this node remembers everything that it ever signed and that still matters: only such a
   node's account of where it stands counts for another's rejoin. */
bool rejoin_is_steady(const struct consensus *c);

/* A peer told where it stands. */
void rejoin_status(struct consensus *c, const struct peer_status *status, uint32_t peer);

/* Sets the floor once q others vouch for where the network stands. */
void rejoin_settle(struct consensus *c);

/* F moved to this view of this epoch. fresh: that no view at or below the floor can have made the
   epoch's terminal block final follows from it. */
void rejoin_final(struct consensus *c, uint64_t view, bool fresh);

#endif
