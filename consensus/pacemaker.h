/*
 * pacemaker: views, and the timers that end them (docs/consensus.md, Timers, enter, timeout).
 */
#ifndef HEFU_CONSENSUS_PACEMAKER_H
#define HEFU_CONSENSUS_PACEMAKER_H

#include "consensus/machine.h"

/* Δ: Δ0 * 1.25^k, at most 10 s. */
uint32_t pacemaker_delta_ms(const struct consensus *c);

/* A certificate of this kind ends the current view, or one above it. */
void pacemaker_view_ends(struct consensus *c, uint64_t view, enum vote_kind kind);
void pacemaker_enter(struct consensus *c, uint64_t view);
void pacemaker_committed(struct consensus *c);

/* Whether another validator has not been heard of for 5 s. */
bool pacemaker_is_silent(const struct consensus *c, uint32_t validator);
/* Silent for 5 s while q-1 others are heard. */
bool pacemaker_leader_is_dead(const struct consensus *c, uint64_t view);

/* Whether the chain has idled for empty_interval, so that a block is due even without work. */
bool pacemaker_empty_is_due(const struct consensus *c);

/* Whether a new block is due: work, or the empty interval has gone by. */
bool pacemaker_build_is_due(struct consensus *c);
/* When the next block may be built, by the block interval. */
uint64_t pacemaker_build_not_before(const struct consensus *c);

/* Casts NULLIFY in the current view if the rules let it. */
void pacemaker_give_up(struct consensus *c);

/* Timeouts, the leader's own NULLIFY, and retries. */
void pacemaker_settle(struct consensus *c);

#endif
