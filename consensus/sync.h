/*
 * sync: anti-entropy between peers, and catch-up (docs/consensus.md, Anti-entropy, Catch-up). It
 * never creates votes.
 */
#ifndef HEFU_CONSENSUS_SYNC_H
#define HEFU_CONSENSUS_SYNC_H

#include "consensus/machine.h"

void sync_peer_up(struct consensus *c, uint32_t peer);
void sync_peer_down(struct consensus *c, uint32_t peer);
void sync_status(struct consensus *c, const struct peer_status *status, uint32_t peer);

/* Some peer whose link is up, another one each time; NO_PEER if there is none. */
uint32_t sync_any_peer(struct consensus *c);

/* Certificates of the views from .. to are needed now, best from this peer. */
void sync_want_certificates(struct consensus *c, uint64_t from, uint64_t to, uint32_t peer);

/* What the rest of the machine tells: a certificate was taken over, a catch-up block came, F moved,
   the view is new. */
void sync_certificate_came(struct consensus *c, uint64_t view);
void sync_block_came(struct consensus *c);
void sync_committed(struct consensus *c);
void sync_view_entered(struct consensus *c);

/* Status when it is due; requests for what is missing. Once a step, when all else is settled. */
void sync_settle(struct consensus *c);

#endif
