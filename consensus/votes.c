/*
 * votes: one place a signer, kind and view; the signature is verified before the vote takes it, and
 * the first verified vote stays (docs/consensus.md, on_vote).
 */
#include "consensus/votes.h"

#include <string.h>

#include "consensus/certificates.h"
#include "consensus/evidence.h"
#include "consensus/safety.h"
#include "consensus/views.h"

const struct held_vote *votes_find(struct consensus *c, enum vote_kind kind, uint64_t view,
                                   uint32_t signer)
{
    const struct view_slot *slot = views_find(c, view);
    if (slot == NULL || signer >= c->set->count) {
        return NULL;
    }
    const struct held_vote *held = &slot->votes[kind - 1][signer];
    return held->held ? held : NULL;
}

bool votes_get(struct consensus *c, enum vote_kind kind, uint64_t view, uint32_t signer,
               struct vote *ret_vote)
{
    const struct held_vote *held = votes_find(c, kind, view, signer);
    if (held == NULL) {
        return false;
    }
    *ret_vote = (struct vote){.kind = kind,
                              .signer = signer,
                              .epoch = c->config.epoch,
                              .view = view,
                              .candidate = held->candidate,
                              .signature = held->signature};
    return true;
}

uint32_t votes_nullify_count(struct consensus *c, uint64_t view)
{
    const struct view_slot *slot = views_find(c, view);
    uint32_t count = 0;
    for (uint32_t i = 0; slot != NULL && i < c->set->count; i++) {
        count += slot->votes[VOTE_NULLIFY - 1][i].held;
    }
    return count;
}

bool votes_verify(struct consensus *c, const struct vote *vote)
{
    const struct held_vote *held = votes_find(c, vote->kind, vote->view, vote->signer);
    if (held != NULL && candidate_equal(&held->candidate, &vote->candidate) &&
        memcmp(&held->signature, &vote->signature, sizeof held->signature) == 0) {
        return true;
    }
    uint8_t preimage[VOTE_PREIMAGE_BYTES];
    vote_preimage(vote, &c->config.chain_id, &c->set->hash, preimage);
    return c->config.crypto.verify(c->config.crypto.context, &c->set->members[vote->signer].key,
                                   preimage, &vote->signature);
}

/* What the vote tells of its signer's place. */
static void note_signer(struct consensus *c, const struct vote *vote)
{
    struct peer *peer = &c->peers[vote->signer];
    if (vote->kind != VOTE_FINALIZE) {
        peer->view = u64_max(peer->view, vote->view);
    }
    if (!peer->has_newest_vote || vote->view >= peer->newest_vote.view) {
        peer->has_newest_vote = true;
        peer->newest_vote = *vote;
    }
}

/* NULLIFY and FINALIZE of one view exclude each other. */
static void look_for_pair(struct consensus *c, struct view_slot *slot, const struct vote *vote)
{
    struct vote other;
    const enum vote_kind excluded = vote->kind == VOTE_NULLIFY ? VOTE_FINALIZE : VOTE_NULLIFY;
    if (vote->kind != VOTE_NOTARIZE && votes_get(c, excluded, vote->view, vote->signer, &other)) {
        evidence_found(c, slot, &other, vote);
    }
}

bool votes_admit(struct consensus *c, const struct vote *vote)
{
    note_signer(c, vote);
    struct view_slot *slot = views_claim(c, vote->view);
    if (slot == NULL) {
        return false;
    }
    struct vote first;
    if (votes_get(c, vote->kind, vote->view, vote->signer, &first)) {
        if (!vote_same_preimage(&first, vote)) {
            evidence_found(c, slot, &first, vote);
        }
        return false;
    }
    struct held_vote *held = &slot->votes[vote->kind - 1][vote->signer];
    held->held = true;
    held->candidate = vote->candidate;
    held->signature = vote->signature;
    look_for_pair(c, slot, vote);
    c->changed = true;
    return true;
}

void votes_count(struct consensus *c, const struct vote *vote)
{
    const struct view_slot *slot = views_find(c, vote->view);
    if (slot == NULL || slot->certificates.by_kind[vote->kind - 1].held) {
        return;
    }
    const struct held_vote *votes = slot->votes[vote->kind - 1];
    uint32_t equal = 0;
    for (uint32_t i = 0; i < c->set->count; i++) {
        equal += votes[i].held && candidate_equal(&votes[i].candidate, &vote->candidate);
    }
    if (equal >= c->set->quorum) {
        certificates_from_votes(c, vote->kind, vote->view, &vote->candidate);
    }
}

void votes_receive(struct consensus *c, const struct vote *vote)
{
    if (vote_check_form(vote, c->set->count) != STATUS_OK || vote->epoch != c->config.epoch) {
        return;
    }
    struct vote held;
    if (votes_get(c, vote->kind, vote->view, vote->signer, &held)) {
        if (vote_same_preimage(&held, vote)) {
            return;
        }
    } else if (vote->signer == c->config.own_index) {
        safety_own_vote_shown(c, vote);
    }
    /* Nothing is verified that could not be kept. */
    if (vote->view > c->view + LIMIT_VIEWS_AHEAD || views_claim(c, vote->view) == NULL) {
        return;
    }
    if (votes_verify(c, vote) && votes_admit(c, vote)) {
        votes_count(c, vote);
    }
}
