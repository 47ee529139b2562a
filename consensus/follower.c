/*
 * follower: enclosed certificates first, then the rules that make a candidate acceptable
 * (docs/consensus.md, on_proposal). Whatever is missing is asked for and waited for; whatever is
 * wrong beyond doubt ends the view at once.
 */
#include "consensus/follower.h"

#include "consensus/certificates.h"
#include "consensus/chain.h"
#include "consensus/metrics.h"
#include "consensus/pacemaker.h"
#include "consensus/safety.h"
#include "consensus/sync.h"
#include "consensus/views.h"
#include "consensus/votes.h"

#define CLOCK_AHEAD_MS 2000

static bool well_formed(const struct consensus *c, const struct proposal *proposal, uint32_t peer)
{
    const struct vote *vote = &proposal->vote;
    if (vote_check_form(vote, c->set->count) != STATUS_OK || vote->kind != VOTE_NOTARIZE ||
        vote->epoch != c->config.epoch ||
        proposal->nullification_count > LIMIT_PROPOSAL_NULLIFICATIONS) {
        return false;
    }
    if (vote->signer != peer || validators_leader(c->set, vote->view) != peer ||
        peer == c->config.own_index) {
        return false;
    }
    return !proposal->has_block || hash_equal(&proposal->block.hash, &vote->candidate.block_hash);
}

static void take_certificates(struct consensus *c, const struct proposal *proposal, uint32_t peer)
{
    if (proposal->final != NULL) {
        (void)certificates_receive(c, proposal->final, peer);
    }
    if (proposal->parent != NULL) {
        (void)certificates_receive(c, proposal->parent, peer);
    }
    for (uint32_t i = 0; i < proposal->nullification_count; i++) {
        (void)certificates_receive(c, &proposal->nullifications[i], peer);
    }
}

void follower_receive(struct consensus *c, const struct proposal *proposal, uint32_t peer)
{
    const struct vote *vote = &proposal->vote;
    if (!well_formed(c, proposal, peer) || vote->view <= c->final_view || !votes_verify(c, vote)) {
        return;
    }
    take_certificates(c, proposal, peer);
    if (c->halted || vote->view > c->view + LIMIT_VIEWS_AHEAD) {
        return;
    }
    votes_receive(c, vote);
    struct view_slot *slot = views_find(c, vote->view);
    const struct held_vote *first = votes_find(c, VOTE_NOTARIZE, vote->view, peer);
    if (c->halted || slot == NULL || first == NULL ||
        !candidate_equal(&first->candidate, &vote->candidate)) {
        return;
    }
    if (proposal->has_block) {
        (void)chain_learn(c, &proposal->block);
    }
    if (!slot->proposal.held) {
        slot->proposal = (struct held_proposal){.held = true, .candidate = vote->candidate};
        metrics_proposed(chain_find(c, &vote->candidate.block_hash), c->now_ms);
        c->changed = true;
    }
}

/* Every certificate that defines the parent is held; if not, the missing ones are asked for. */
static bool parent_is_known(struct consensus *c, const struct candidate *candidate,
                            struct hash *ret_hash)
{
    const uint64_t parent = candidate->parent_view;
    const uint32_t leader = validators_leader(c->set, c->view);
    if (!chain_block_of(c, parent, ret_hash)) {
        sync_want_certificates(c, parent, parent, leader);
        return false;
    }
    const uint64_t since = views_nullified_since(c, c->view - 1);
    if (since > parent + 1) {
        sync_want_certificates(c, u64_max(parent + 1, views_open_since(c, since - 1)), since - 1,
                               leader);
        return false;
    }
    return true;
}

static void reject(struct consensus *c, struct view_slot *slot)
{
    slot->proposal.rejected = true;
    machine_alarm(c, ALARM_INVALID_PROPOSAL);
    pacemaker_give_up(c);
}

/* The rules that the header alone decides: validity against F, whatever the clock says. */
static bool header_is_valid(const struct consensus *c, const struct consensus_block *block)
{
    return !machine_epoch_over(c) && hash_equal(&block->parent_hash, &c->final_block.hash) &&
           block->height == c->final_block.height + 1 && block->epoch == c->config.epoch &&
           block->timestamp_ms > c->final_block.timestamp_ms &&
           block->proposer == validators_leader(c->set, c->view);
}

/* Whether the clock lets a new block be voted for; if not, asks to be woken. */
static bool clock_permits(struct consensus *c, const struct consensus_block *block)
{
    const uint64_t latest = u64_max(c->wall_ms + CLOCK_AHEAD_MS, c->final_block.timestamp_ms + 1);
    if (block->timestamp_ms <= latest) {
        return true;
    }
    const uint64_t early = block->timestamp_ms - latest;
    if (early < UINT64_MAX - c->now_ms) {
        machine_wait(c, c->now_ms + early);
    }
    return false;
}

/* The block's own checks, then the vote. */
static void try_block(struct consensus *c, struct view_slot *slot, bool is_new)
{
    const struct candidate candidate = slot->proposal.candidate;
    const uint32_t leader = validators_leader(c->set, c->view);
    struct known_block *known = chain_find(c, &candidate.block_hash);
    if (is_new && known != NULL && known->has_header) {
        if (!header_is_valid(c, &known->block)) {
            reject(c, slot);
            return;
        }
        if (!clock_permits(c, &known->block)) {
            return;
        }
    }
    known = chain_want(c, &candidate.block_hash, leader);
    switch (known->trial) {
    case TRIAL_NONE:
    case TRIAL_ASKED:
        return;
    case TRIAL_INVALID:
        reject(c, slot);
        return;
    case TRIAL_AGREES:
        chain_persist(c, known);
        safety_cast(c, VOTE_NOTARIZE, c->view, &candidate, CAST_SEND);
        return;
    }
}

void follower_settle(struct consensus *c)
{
    struct view_slot *slot = views_find(c, c->view);
    if (slot == NULL || !slot->proposal.held || slot->proposal.rejected ||
        !safety_may_cast(c, VOTE_NOTARIZE, c->view)) {
        return;
    }
    const struct candidate candidate = slot->proposal.candidate;
    struct hash parent;
    if (candidate.parent_view < c->final_view || !parent_is_known(c, &candidate, &parent)) {
        return;
    }
    if (hash_equal(&candidate.block_hash, &c->final_block.hash)) {
        /* Proposed again by a leader that does not know it final: durable and agreed here. */
        if (hash_equal(&parent, &c->final_block.hash)) {
            safety_cast(c, VOTE_NOTARIZE, c->view, &candidate, CAST_SEND);
        }
        return;
    }
    if (hash_equal(&candidate.block_hash, &parent)) {
        if (chain_relation(c, &candidate) == RELATION_CHILD) {
            try_block(c, slot, false);
        }
    } else if (hash_equal(&parent, &c->final_block.hash)) {
        try_block(c, slot, true);
    }
    /* Else the parent is not final here yet: catch-up or its finalization will tell. */
}
