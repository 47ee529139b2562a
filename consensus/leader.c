/*
 * leader: builds a child of F, or proposes the notarized block that is not final yet again; the
 * proposal carries every certificate that a follower needs (docs/consensus.md, propose).
 */
#include "consensus/leader.h"

#include "consensus/certificates.h"
#include "consensus/chain.h"
#include "consensus/metrics.h"
#include "consensus/pacemaker.h"
#include "consensus/safety.h"
#include "consensus/views.h"
#include "consensus/votes.h"

/* How far a header may be ahead of the clock (docs/consensus.md, Time). */
#define CLOCK_AHEAD_MS 2000

bool leader_find_parent(struct consensus *c, uint64_t view, uint64_t *ret_view)
{
    CHECK(view > c->final_view);
    const uint64_t since = views_nullified_since(c, view - 1);
    for (uint64_t at = view - 1; at >= c->tail && at + 1 >= since; at--) {
        if (certificates_find(c, VOTE_NOTARIZE, at) != NULL ||
            certificates_find(c, VOTE_FINALIZE, at) != NULL) {
            *ret_view = at;
            return true;
        }
    }
    uint64_t best = 0;
    for (uint32_t i = 0; i < ANCHORS_MAX; i++) {
        const uint64_t at = c->anchors[i].view;
        if (at > c->final_view && at + 1 >= since) {
            best = u64_max(best, at);
        }
    }
    if (best != 0) {
        *ret_view = best;
        return true;
    }
    *ret_view = since <= c->final_view + 1 ? c->final_view : since - 1;
    return since <= c->final_view + 1;
}

static const struct certificate *export_of(struct consensus *c, enum vote_kind kind, uint64_t view,
                                           const struct held_certificate *held)
{
    struct certificate *certificate = machine_certificates(c, 1);
    certificates_export(c, kind, view, held, certificate);
    return certificate;
}

/* The newest nullifications of the views in (parent, view), ascending, and how many. */
static const struct certificate *nullifications_of(struct consensus *c, uint64_t parent,
                                                   uint64_t view, uint32_t *ret_count)
{
    uint64_t from = u64_max(parent + 1, c->tail);
    if (view - from > LIMIT_PROPOSAL_NULLIFICATIONS) {
        from = view - LIMIT_PROPOSAL_NULLIFICATIONS;
    }
    uint32_t count = 0;
    for (uint64_t at = from; at < view; at++) {
        count += certificates_find(c, VOTE_NULLIFY, at) != NULL;
    }
    *ret_count = count;
    if (count == 0) {
        return NULL;
    }
    struct certificate *first = machine_certificates(c, count);
    struct certificate *next = first;
    for (uint64_t at = from; at < view; at++) {
        const struct held_certificate *held = certificates_find(c, VOTE_NULLIFY, at);
        if (held != NULL) {
            certificates_export(c, VOTE_NULLIFY, at, held, next);
            next++;
        }
    }
    return first;
}

/* The proposal of a candidate, with all its certificates, in scratch memory. */
static struct proposal *proposal_of(struct consensus *c, const struct vote *vote)
{
    CHECK(c->scratch.proposal_count + 2 <= sizeof c->scratch.proposals / sizeof(struct proposal));
    struct proposal *proposal = &c->scratch.proposals[c->scratch.proposal_count];
    c->scratch.proposal_count++;
    *proposal = (struct proposal){.vote = *vote};
    const uint64_t parent = vote->candidate.parent_view;
    const struct held_certificate *held = certificates_find(c, VOTE_NOTARIZE, parent);
    enum vote_kind kind = VOTE_NOTARIZE;
    if (held == NULL) {
        held = certificates_find(c, VOTE_FINALIZE, parent);
        kind = VOTE_FINALIZE;
    }
    bool again = false;
    if (held != NULL) {
        proposal->parent = export_of(c, kind, parent, held);
        again = hash_equal(&held->candidate.block_hash, &vote->candidate.block_hash);
    }
    const struct known_block *known = chain_find(c, &vote->candidate.block_hash);
    if (!again && known != NULL && known->has_header) {
        proposal->has_block = true;
        proposal->block = known->block;
    }
    proposal->nullifications =
        nullifications_of(c, parent, vote->view, &proposal->nullification_count);
    return proposal;
}

/* The same proposal with F's finalization, for peers that may lack it. */
static struct proposal *with_final(struct consensus *c, struct proposal *proposal)
{
    if (!c->finalization.held) {
        return proposal;
    }
    struct proposal *copy = &c->scratch.proposals[c->scratch.proposal_count];
    c->scratch.proposal_count++;
    *copy = *proposal;
    copy->final = export_of(c, VOTE_FINALIZE, c->final_view, &c->finalization);
    return copy;
}

/* Casts the leader's NOTARIZE and sends it with all that belongs to it. */
static void propose(struct consensus *c, const struct candidate *candidate)
{
    const uint64_t view = c->view;
    struct known_block *known = chain_find(c, &candidate->block_hash);
    CHECK(known != NULL);
    chain_persist(c, known);
    /* Written before the cast, which with one validator moves the view and F at once. */
    const struct vote form = {.kind = VOTE_NOTARIZE,
                              .signer = c->config.own_index,
                              .epoch = c->config.epoch,
                              .view = view,
                              .candidate = *candidate};
    struct proposal *plain = proposal_of(c, &form);
    struct proposal *full = with_final(c, plain);
    const uint64_t final_view = c->final_view;
    safety_cast(c, VOTE_NOTARIZE, view, candidate, CAST_ENCLOSED);
    if (!votes_get(c, VOTE_NOTARIZE, view, c->config.own_index, &plain->vote)) {
        return; /* final at once: there is nobody to send it to */
    }
    full->vote = plain->vote;
    for (uint32_t i = 0; i < c->set->count; i++) {
        if (i != c->config.own_index) {
            machine_emit(c, EFFECT_SEND_PROPOSAL, i)->proposal =
                c->peers[i].final_view < final_view ? full : plain;
        }
    }
}

static void build(struct consensus *c)
{
    if (!pacemaker_build_is_due(c) || c->build_view == c->view) {
        return;
    }
    const uint64_t not_before = pacemaker_build_not_before(c);
    if (c->now_ms < not_before) {
        machine_wait(c, not_before);
        return;
    }
    c->build_view = c->view;
    c->build_asked_ms = c->now_ms;
    struct effect *effect = machine_emit(c, EFFECT_BUILD_BLOCK, c->config.own_index);
    const uint64_t after_parent = c->final_block.timestamp_ms + 1;
    effect->build.view = c->view;
    effect->build.empty = pacemaker_empty_is_due(c);
    effect->build.parent_hash = c->final_block.hash;
    effect->build.parent_height = c->final_block.height;
    effect->build.min_timestamp_ms = after_parent;
    effect->build.max_timestamp_ms = u64_max(c->wall_ms + CLOCK_AHEAD_MS, after_parent);
}

/* Waits up to Δ for the finalization of the notarized block, then proposes it again. */
static void propose_again(struct consensus *c, uint64_t parent, const struct hash *hash)
{
    const struct candidate candidate = {.parent_view = parent, .block_hash = *hash};
    const struct known_block *known = chain_find(c, hash);
    if (chain_relation(c, &candidate) == RELATION_CHILD) {
        known = chain_want(c, hash, NO_PEER);
    }
    const uint64_t due = c->entered_ms + pacemaker_delta_ms(c);
    if (c->now_ms < due) {
        machine_wait(c, due);
    } else if (known != NULL && known->trial == TRIAL_AGREES) {
        c->reproposals++;
        propose(c, &candidate);
    } else {
        pacemaker_give_up(c);
    }
}

void leader_settle(struct consensus *c)
{
    if (!safety_may_sign(c) || validators_leader(c->set, c->view) != c->config.own_index ||
        safety_has_cast(c, VOTE_NOTARIZE, c->view) || safety_has_cast(c, VOTE_NULLIFY, c->view) ||
        machine_epoch_over(c)) {
        return;
    }
    uint64_t parent;
    struct hash hash;
    if (!safety_may_cast(c, VOTE_NOTARIZE, c->view) || !leader_find_parent(c, c->view, &parent)) {
        pacemaker_give_up(c);
        return;
    }
    const bool defined = chain_block_of(c, parent, &hash);
    CHECK(defined);
    if (hash_equal(&hash, &c->final_block.hash)) {
        build(c);
    } else {
        propose_again(c, parent, &hash);
    }
}

/* Whether the shell built what it was asked for. */
static bool fits(const struct consensus *c, const struct consensus_block *block)
{
    return hash_equal(&block->parent_hash, &c->final_block.hash) &&
           block->height == c->final_block.height + 1 && block->epoch == c->config.epoch &&
           block->timestamp_ms > c->final_block.timestamp_ms &&
           block->proposer == c->config.own_index;
}

void leader_built(struct consensus *c, uint64_t view, bool built,
                  const struct consensus_block *block)
{
    if (view != c->view || c->build_view != view || !safety_may_cast(c, VOTE_NOTARIZE, view)) {
        return;
    }
    uint64_t parent;
    struct hash hash;
    if (!leader_find_parent(c, view, &parent) || !chain_block_of(c, parent, &hash) ||
        !hash_equal(&hash, &c->final_block.hash)) {
        c->build_view = 0; /* F or the parent has moved: settle decides anew */
        return;
    }
    if (!built) {
        /* The work has become final meanwhile: the leader waits for more, as on an idle chain. The
           shell tells of what comes from now on, even if it saw no change. */
        c->has_work = false;
        c->build_view = 0;
        c->build_retry_ms = c->now_ms + pacemaker_delta_ms(c); /* for an empty block that failed */
        return;
    }
    if (!fits(c, block)) {
        pacemaker_give_up(c);
        return;
    }
    struct known_block *known = chain_learn(c, block);
    known->trial = TRIAL_AGREES;
    metrics_proposed(known, c->build_asked_ms);
    const struct candidate candidate = {.parent_view = parent, .block_hash = block->hash};
    propose(c, &candidate);
}

uint32_t leader_resend(struct consensus *c, uint32_t peer)
{
    struct vote vote;
    if (validators_leader(c->set, c->view) != c->config.own_index ||
        !votes_get(c, VOTE_NOTARIZE, c->view, c->config.own_index, &vote) ||
        votes_find(c, VOTE_NOTARIZE, c->view, peer) != NULL ||
        votes_find(c, VOTE_NULLIFY, c->view, peer) != NULL) {
        return 0;
    }
    struct proposal *proposal = proposal_of(c, &vote);
    if (c->peers[peer].final_view < c->final_view) {
        proposal = with_final(c, proposal);
    }
    machine_emit(c, EFFECT_SEND_PROPOSAL, peer)->proposal = proposal;
    return 1;
}
