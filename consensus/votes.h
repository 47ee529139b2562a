/*
 * votes: the pool of verified votes (docs/consensus.md, on_vote).
 */
#ifndef HEFU_CONSENSUS_VOTES_H
#define HEFU_CONSENSUS_VOTES_H

#include "consensus/machine.h"

/* A vote from a peer: checked, verified, counted. */
void votes_receive(struct consensus *c, const struct vote *vote);

/* A verified vote takes its place if it is free; evidence if another stands there. Counts nothing.
   Returns whether the place was free. */
bool votes_admit(struct consensus *c, const struct vote *vote);

/* Makes the certificate of the vote's kind, view and candidate if a quorum of votes is held. */
void votes_count(struct consensus *c, const struct vote *vote);

/* Verifies the signature; a copy of a vote held is not verified again. */
bool votes_verify(struct consensus *c, const struct vote *vote);

/* The vote held of this signer, or NULL. */
const struct held_vote *votes_find(struct consensus *c, enum vote_kind kind, uint64_t view,
                                   uint32_t signer);
/* The vote held of this signer, whole; false if there is none. */
bool votes_get(struct consensus *c, enum vote_kind kind, uint64_t view, uint32_t signer,
               struct vote *ret_vote);
/* How many NULLIFY votes are held of a view. */
uint32_t votes_nullify_count(struct consensus *c, uint64_t view);

#endif
