/*
 * machine: the inside of struct consensus, shared by the files of this folder and by nobody else.
 *
 *   F.view          tail                      view            view + 64
 *     |  ranges, anchors  |  slots: votes, certificates, proposals  |
 *     +-------------------+-----------------------------------------+
 *
 * Views from tail on have a slot in a ring. Below the tail, down to the final view, only what a
 * proposal may need is remembered: which views are nullified (as ranges) and the newest
 * notarizations (anchors). So 100,000 views without a final block cost no more memory than 200.
 */
#ifndef HEFU_CONSENSUS_MACHINE_H
#define HEFU_CONSENSUS_MACHINE_H

#include "base/check.h"
#include "consensus/consensus.h"

#define VOTE_KINDS 3
#define VIEWS_HELD 256
#define VIEWS_BEHIND (VIEWS_HELD - LIMIT_VIEWS_AHEAD - 1)
#define VIEW_RANGES_MAX 256
#define ANCHORS_MAX 8
#define BLOCKS_KNOWN_MAX 64
#define CATCHUP_WINDOW 32
#define FINALS_REMEMBERED (CONSENSUS_FINALS_MAX + 1)
#define ANSWER_OBJECTS_MAX 64
#define SCRATCH_CERTIFICATES 256
#define SCRATCH_VOTES 256

/* A verified vote in the pool; its kind, view and signer are its place. */
struct held_vote {
    bool held;
    bool accused; /* evidence against this signer in this view was given out */
    struct candidate candidate;
    struct signature signature;
};

/* A verified certificate; its kind and view are its place. */
struct held_certificate {
    bool held;
    uint32_t signature_count;
    struct candidate candidate;
    uint8_t signers[LIMIT_VALIDATORS / 8];
    struct signature *signatures; /* room for every validator */
};

struct view_certificates {
    uint64_t view; /* 0: free */
    struct held_certificate by_kind[VOTE_KINDS];
};

/* A proposal of the view's leader; its certificates have been taken over already. */
struct held_proposal {
    bool held;
    bool rejected;
    struct candidate candidate;
};

struct view_slot {
    struct view_certificates certificates;
    struct held_proposal proposal;
    struct held_vote *votes[VOTE_KINDS]; /* by kind - 1, then by signer */
};

struct view_range {
    uint64_t first, last;
};

/* What own execution says of a block. */
enum trial { TRIAL_NONE, TRIAL_ASKED, TRIAL_AGREES, TRIAL_INVALID };

struct known_block {
    bool used;
    bool has_header;
    bool persisted;
    enum trial trial;
    uint32_t peer; /* the first to ask for what is missing */
    uint64_t retry_ms;
    uint64_t touched;             /* step count, for eviction */
    bool proposed;                /* a proposal was seen here, or it was built here, */
    uint64_t proposed_ms;         /* then: for metrics */
    struct consensus_block block; /* only hash is meaningful without has_header */
};

struct catchup_slot {
    bool held;
    uint64_t view;
    struct consensus_block block;
    struct held_certificate finalization;
};

/* What is known of a peer: hints, except for newest_vote, which is verified. */
struct peer {
    bool up;
    bool heard_status; /* since the start */
    uint64_t heard_ms;
    uint64_t answered_ms;
    uint64_t view, final_view, final_height;
    bool vouching,
        vouched; /* for a rejoin: it claims to be steady at vouch_view; and is believed */
    uint64_t vouch_view;
    bool has_newest_vote;
    struct vote newest_vote;
};

/* What effects of one step point to. */
struct scratch {
    struct certificate *certificates; /* SCRATCH_CERTIFICATES */
    uint32_t certificate_count;
    struct vote votes[SCRATCH_VOTES];
    uint32_t vote_count;
    struct evidence evidence[LIMIT_VALIDATORS];
    uint32_t evidence_count;
    struct peer_status statuses[2 * LIMIT_VALIDATORS];
    uint32_t status_count;
    struct proposal proposals[8];
    uint32_t proposal_count;
    struct vote_register vote_register;
};

struct consensus {
    struct consensus_config config;
    const struct validator_set *set;
    bool started;
    uint64_t wall_ms, now_ms; /* of the event; now_ms is monotonic */
    uint64_t steps;
    bool ticking; /* the event is a tick: the shell has drained what was queued */
    bool changed; /* something moved: settle once more */
    uint64_t deadline_ms;
    struct effects *effects;
    struct scratch scratch;

    /* Final state. */
    struct consensus_block final_block;
    uint64_t final_view;
    struct held_certificate finalization;
    uint64_t final_since_ms;
    struct remembered_final finals[FINALS_REMEMBERED]; /* ascending views */
    uint32_t final_count;

    /* Views. */
    uint64_t view, tail;
    struct view_slot slots[VIEWS_HELD];
    struct view_range ranges[VIEW_RANGES_MAX]; /* nullified, ascending, never adjacent */
    uint32_t range_count;
    struct view_certificates anchors[ANCHORS_MAX];

    /* Blocks that are not final. */
    struct known_block blocks[BLOCKS_KNOWN_MAX];
    struct catchup_slot catchup[CATCHUP_WINDOW];

    /* Signing. */
    struct vote_register vote_register;
    uint64_t boot_view; /* sign nothing below the view the register stood at when we started */
    bool may_sign;      /* Status was heard from q-1 others */
    bool halted, diverged, register_behind;

    /* Pacemaker. */
    uint64_t entered_ms, armed_ms, nullify_retry_ms;
    bool armed, has_work;
    uint32_t slow_views;     /* k: views that ended nullified, less commits */
    uint64_t build_retry_ms; /* the shell had nothing to build: not before this time again */
    uint64_t build_view;     /* BUILD_BLOCK was asked for this view */
    uint64_t build_asked_ms; /* then: for metrics */

    /* Anti-entropy and catch-up. */
    struct peer peers[LIMIT_VALIDATORS];
    uint64_t status_due_ms, status_sent_ms;
    uint64_t certificates_due_ms, wanted_from, wanted_to;
    uint32_t certificates_peer;
    uint64_t blocks_due_ms, behind_since_ms;
    uint32_t blocks_peer;

    uint64_t timeouts, nullifications, reproposals, evidence_count, blocks_committed;
    struct consensus_metrics metrics;
};

/* Effects. */
struct effect *machine_emit(struct consensus *c, enum effect_kind kind, uint32_t peer);
/* count certificates in a row, valid until the next call. */
struct certificate *machine_certificates(struct consensus *c, uint32_t count);
const struct vote *machine_keep_vote(struct consensus *c, const struct vote *vote);
void machine_send_vote(struct consensus *c, const struct vote *vote, uint32_t peer);
void machine_alarm(struct consensus *c, enum alarm alarm);
/* Alarm, and do nothing more from now on. */
void machine_halt(struct consensus *c, enum alarm alarm);
/* Asks for a tick at monotonic_ms. */
void machine_wait(struct consensus *c, uint64_t monotonic_ms);

static inline bool machine_is_validator(const struct consensus *c)
{
    return c->config.own_index < c->set->count;
}

/* The epoch's last block is final: nothing follows it in this epoch (docs/consensus.md, Epochs). */
static inline bool machine_epoch_over(const struct consensus *c)
{
    return (c->final_block.flags & CONSENSUS_BLOCK_TERMINAL) != 0 &&
           c->final_block.epoch == c->config.epoch; /* not the one that this epoch is rooted at */
}

static inline uint64_t u64_max(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static inline uint64_t u64_min(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

#endif
