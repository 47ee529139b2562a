/*
 * consensus_rig: one consensus machine driven by hand: the test writes every event and looks at
 * every effect. Keys and signatures are consensus_net's.
 */
#ifndef HEFU_TESTS_SUPPORT_CONSENSUS_RIG_H
#define HEFU_TESTS_SUPPORT_CONSENSUS_RIG_H

#include "tests/support/consensus_net.h"

#define RIG_WALL_MS UINT64_C(1790000000000)

struct rig {
    struct net *net; /* keys, memory; its own nodes are not run */
    struct consensus *consensus;
    uint32_t own;
    uint64_t now_ms; /* monotonic; the wall clock is RIG_WALL_MS ahead of it */
    struct consensus_block root;
    struct vote_register vote_register;
};

/* A machine of count validators, not restored yet. */
void rig_open(struct rig *rig, uint32_t count, uint32_t own);
void rig_close(struct rig *rig);
/* The process dies: a new machine in the same memory, not restored yet. */
void rig_reopen(struct rig *rig);
/* Restores with the register in the rig; what is zero in recovery is filled with the root. */
enum status rig_restore(struct rig *rig, struct consensus_recovery recovery);
/* Restores from nothing and opens the signing gate with a status of every other validator. */
void rig_start(struct rig *rig);
void rig_step(struct rig *rig, struct event event);
void rig_tick(struct rig *rig, uint64_t later_ms);
void rig_work(struct rig *rig);
void rig_hear(struct rig *rig, uint32_t peer);

uint32_t rig_leader(const struct rig *rig, uint64_t view);
uint64_t rig_view(const struct rig *rig);
struct consensus_view rig_inspect(const struct rig *rig);

struct vote rig_vote(const struct rig *rig, uint32_t signer, enum vote_kind kind, uint64_t view,
                     struct candidate candidate);
void rig_give_vote(struct rig *rig, const struct vote *vote);
/* A certificate of the quorum's worth of validators from first on. */
struct certificate rig_certificate(const struct rig *rig, uint32_t first, enum vote_kind kind,
                                   uint64_t view, struct candidate candidate);
void rig_give_certificate(struct rig *rig, const struct certificate *certificate);
/* A block on the parent, made by the leader of the view, a second after the parent or now. */
struct consensus_block rig_block(struct rig *rig, const struct consensus_block *parent,
                                 uint64_t view, uint32_t flags);
struct proposal rig_proposal(const struct rig *rig, uint64_t view, uint64_t parent_view,
                             const struct consensus_block *block);
void rig_give_proposal(struct rig *rig, const struct proposal *proposal);
void rig_give_check(struct rig *rig, const struct consensus_block *block, enum block_check check);
/* Takes a block through proposal, check and certificates until it is final in the view. */
void rig_finalize(struct rig *rig, uint64_t view, uint64_t parent_view,
                  const struct consensus_block *block);

/* Effects of the last step. */
uint32_t rig_count(const struct rig *rig, enum effect_kind kind);
const struct effect *rig_find(const struct rig *rig, enum effect_kind kind);
/* Whether own vote of this kind and view was cast (persisted) in the last step. */
bool rig_cast(const struct rig *rig, enum vote_kind kind, uint64_t view);
bool rig_alarmed(const struct rig *rig, enum alarm alarm);

#endif
