/*
 * consensus_life: one consensus machine over its lives, driven by hand as the rig is, with a shell
 * that keeps what is durable and checks every effect (docs/consensus.md, Invariants):
 *
 *   the own key never signs two candidates in one view with votes of one kind, nor both NULLIFY
 *   and FINALIZE, nor NOTARIZE after NULLIFY (what I3, I4 and I6 rest on), over restarts too;
 *   a vote is persisted before it is sent, and the register is never behind it (I7);
 *   it notarizes only what its shell said agrees, and only a child of F or F itself (I8, I9);
 *   the view, F and the register never go back (I10); a commit is the child of F (I1 as one node
 *   sees it); nothing is signed after a halt; it is not convicted unless its key was used elsewhere
 *   (I12).
 *
 * Unlike consensus_net it does not mind how many validators are faulty: a story may break all other
 * keys. A violation is printed, and the process ends.
 */
#ifndef HEFU_TESTS_SUPPORT_CONSENSUS_LIFE_H
#define HEFU_TESTS_SUPPORT_CONSENSUS_LIFE_H

#include "tests/support/consensus_rig.h"

#define LIFE_BLOCKS_MAX 64
#define LIFE_VOTES_MAX 1024
#define LIFE_CERTIFICATES_MAX 512

struct life_block {
    struct consensus_block block;
    bool held;    /* its bytes are here, in memory or in storage */
    bool open;    /* durable */
    bool agreed;  /* the shell said so, or built it, in this life */
    bool invalid; /* for ever: a block has one content */
};

struct life {
    struct rig rig;
    uint32_t passes;
    struct life_block blocks[LIFE_BLOCKS_MAX]; /* 0 is the root; whoever makes one adds it */
    uint32_t block_count;
    struct life_block *final;
    struct certificate finalization;
    uint64_t final_view;
    struct remembered_final finals[LIFE_BLOCKS_MAX]; /* before F */
    uint32_t final_count;
    struct vote votes[LIFE_VOTES_MAX]; /* own, every one that was ever durable */
    uint32_t vote_count;
    struct certificate *certificates[LIFE_CERTIFICATES_MAX]; /* durable, owned */
    uint32_t certificate_count;
    bool restoring;
    bool full; /* of one of these: the story ends */
    bool halted;
    bool betrayed; /* the story signed with the own key what this node did not: it may show */
    bool asked;    /* for a block that is not built yet */
    uint64_t asked_view, asked_min_ms;
    struct hash asked_parent;
    struct hash checks[LIFE_BLOCKS_MAX]; /* asked for, not answered */
    uint32_t check_count;
    uint64_t view_seen, height_seen;
};

/* Starts a machine from nothing. */
void life_open(struct life *life, uint32_t count, uint32_t own);
void life_close(struct life *life);
/* The process dies, and starts from what is durable. */
void life_die(struct life *life);
/* One event, and all that follows from it. */
void life_step(struct life *life, struct event event);

/* NULL if there is none. */
struct life_block *life_block(struct life *life, const struct hash *hash);
const struct vote *life_vote(const struct life *life, enum vote_kind kind, uint64_t view);

/* Says what is wrong and ends the process. */
_Noreturn void life_found(const struct life *life, const char *what, uint64_t view);

#endif
