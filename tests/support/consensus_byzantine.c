/*
 * consensus_byzantine: the equivocator. It follows the protocol on one side, so that it stays in
 * the game; and whenever it can, signs the opposite as well: another block to half of the
 * validators, votes for everything it sees, nullify beside finalize, blocks that do not execute.
 */
#include <string.h>

#include "tests/support/consensus_net.h"

static bool chance(struct net *net, uint64_t percent)
{
    return prng_below(&net->prng, 100) < percent;
}

static void send_vote(struct net *net, enum vote_kind kind, uint64_t view,
                      const struct candidate *candidate, uint32_t to)
{
    struct vote vote = {
        .kind = kind, .signer = net->config.byzantine, .epoch = net->set.epoch, .view = view};
    if (kind != VOTE_NULLIFY) {
        vote.candidate = *candidate;
    }
    net_sign(net, &vote);
    const struct effect effect = {.kind = EFFECT_SEND_VOTE, .peer = to, .vote = &vote};
    net_send(net, net->config.byzantine, to, &effect);
}

/* A vote or a certificate that names others as its signers, and is not theirs. */
static void forge(struct net *net, const struct vote *seen, uint32_t to)
{
    struct vote vote = *seen;
    vote.signer = (uint32_t)prng_below(&net->prng, net->config.count);
    vote.kind = (enum vote_kind)(1 + prng_below(&net->prng, 3));
    vote.view += prng_below(&net->prng, 3);
    if (vote.kind == VOTE_NULLIFY) {
        vote.candidate = (struct candidate){0};
    } else if (hash_is_zero(&vote.candidate.block_hash)) {
        return;
    }
    const struct effect effect = {.kind = EFFECT_SEND_VOTE, .peer = to, .vote = &vote};
    net_send(net, net->config.byzantine, to, &effect);
    struct certificate certificate = {
        .kind = vote.kind, .epoch = vote.epoch, .view = vote.view, .candidate = vote.candidate};
    /* One genuine signature, its own, and the rest made up; or too few. */
    struct vote own = vote;
    own.signer = net->config.byzantine;
    net_sign(net, &own);
    const bool few = chance(net, 50);
    for (uint32_t i = 0; i < net->config.count; i++) {
        if (i == own.signer || !few) {
            certificate.signers[0] |= (uint8_t)(1u << i);
            certificate.signatures[certificate.signature_count] = own.signature;
            certificate.signature_count++;
        }
    }
    const struct effect forged = {
        .kind = EFFECT_SEND_CERTIFICATE, .peer = to, .certificate = &certificate};
    net_send(net, net->config.byzantine, to, &forged);
}

/* A proposal out of turn, or one that skips views it has no nullifications of. */
static void propose_wrongly(struct net *net, const struct proposal *seen, uint32_t to)
{
    struct proposal proposal = *seen;
    proposal.vote.signer = net->config.byzantine;
    if (chance(net, 50)) {
        proposal.vote.view++;
    }
    if (chance(net, 50)) {
        proposal.vote.candidate.parent_view -= proposal.vote.candidate.parent_view > 0;
    }
    proposal.nullification_count = 0;
    net_sign(net, &proposal.vote);
    const struct effect effect = {.kind = EFFECT_SEND_PROPOSAL, .proposal = &proposal};
    net_send(net, net->config.byzantine, to, &effect);
}

/* Votes for what it saw, of any kind, to anybody. */
void byzantine_sees(struct net *net, const struct event *event)
{
    const struct vote *vote = NULL;
    if (event->kind == EVENT_VOTE) {
        vote = event->vote;
    } else if (event->kind == EVENT_PROPOSAL) {
        vote = &event->proposal->vote;
    }
    if (vote == NULL || !chance(net, 20)) {
        return;
    }
    for (uint32_t to = 0; to < net->config.count; to++) {
        if (to == net->config.byzantine || chance(net, 50)) {
            continue;
        }
        if (chance(net, 10)) {
            forge(net, vote, to);
        }
        if (event->kind == EVENT_PROPOSAL && chance(net, 30)) {
            propose_wrongly(net, event->proposal, to);
        }
        const enum vote_kind kind = (enum vote_kind)(1 + prng_below(&net->prng, 3));
        if (kind == VOTE_NULLIFY || vote->kind != VOTE_NULLIFY) {
            send_vote(net, kind, vote->view, &vote->candidate, to);
        }
    }
}

/* A second proposal of the same view, for this one receiver. */
static void send_other_proposal(struct net *net, uint32_t to, const struct proposal *proposal)
{
    struct proposal other = *proposal;
    struct consensus_block fields = proposal->block;
    fields.timestamp_ms += 1 + proposal->vote.view % 2;
    if (chance(net, 10)) {
        fields.timestamp_ms += 3600 * 1000;
    }
    if (chance(net, 10)) {
        fields.height++;
    }
    if (chance(net, 10)) {
        fields.parent_hash = proposal->block.hash; /* of a block that is not final */
        fields.height++;
    }
    if (chance(net, 10)) {
        other.vote.candidate.parent_view -= other.vote.candidate.parent_view > 0;
        other.nullification_count = 0;
    }
    const struct net_block *block = net_make_block(net, &fields, chance(net, 60));
    if (chance(net, 70)) {
        net_hold(net, &net->nodes[net->config.byzantine], block);
    }
    other.block = block->block;
    other.vote.candidate.block_hash = block->block.hash;
    net_sign(net, &other.vote);
    const struct effect effect = {.kind = EFFECT_SEND_PROPOSAL, .peer = to, .proposal = &other};
    net_send(net, net->config.byzantine, to, &effect);
}

bool byzantine_send(struct net *net, uint32_t to, const struct effect *effect)
{
    if (effect->kind == EFFECT_SEND_PROPOSAL && effect->proposal->has_block && chance(net, 35)) {
        send_other_proposal(net, to, effect->proposal);
        return chance(net, 80);
    }
    if (effect->kind == EFFECT_SEND_VOTE && chance(net, 20)) {
        send_vote(net, VOTE_NULLIFY, effect->vote->view, NULL, to);
        return chance(net, 50);
    }
    /* Claims of any height. */
    if (effect->kind == EFFECT_SEND_STATUS && chance(net, 20)) {
        struct peer_status status = *effect->status;
        status.final_height += prng_below(&net->prng, 1000);
        status.view += prng_below(&net->prng, 1000);
        status.held_notarizations = prng_next(&net->prng);
        const struct effect lie = {.kind = EFFECT_SEND_STATUS, .peer = to, .status = &status};
        net_send(net, net->config.byzantine, to, &lie);
        return true;
    }
    return false;
}
