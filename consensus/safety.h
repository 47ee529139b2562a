/*
 * safety: the only path that signs (docs/consensus.md, cast).
 */
#ifndef HEFU_CONSENSUS_SAFETY_H
#define HEFU_CONSENSUS_SAFETY_H

#include "consensus/machine.h"

/* Whether this node may sign at all now. */
bool safety_may_sign(const struct consensus *c);

/* Whether a view is one in which this key may have signed what it no longer knows. */
bool safety_below_floor(const struct consensus *c, uint64_t view);

/* Whether every rule of cast permits this vote. */
bool safety_may_cast(struct consensus *c, enum vote_kind kind, uint64_t view);

/* Whether own vote of this kind was cast in the view, as far as pool and register know. */
bool safety_has_cast(struct consensus *c, enum vote_kind kind, uint64_t view);

enum cast_sending {
    CAST_SEND,     /* to all, by itself */
    CAST_ENCLOSED, /* the proposal that follows carries it */
};

/* Signs, persists, counts and sends a vote. CHECKs safety_may_cast. candidate is NULL for NULLIFY.
 */
void safety_cast(struct consensus *c, enum vote_kind kind, uint64_t view,
                 const struct candidate *candidate, enum cast_sending sending);

/* A peer shows a vote with our signature that the pool does not hold: if it is genuine and beyond
   the register, the register was lost or rolled back, and this node signs nothing more. */
void safety_own_vote_shown(struct consensus *c, const struct vote *vote);

/* Puts the register's votes into the pool once their view has a slot. */
void safety_merge_register(struct consensus *c);

/* Own execution differs from what a quorum signed: sign nothing more. */
void safety_diverged(struct consensus *c);

/* Records a vote in the register (memory only); whether the register changed. */
bool safety_register_vote(struct consensus *c, const struct vote *vote);
void safety_write_register(struct consensus *c);

#endif
