/*
 * actor_equivocator: as a leader it signs two blocks for one view and shows each to half of the
 * validators; as a voter it signs for every block that it sees, of every view, and finalizes what
 * it notarizes, whether or not it nullified. Several of them act together.
 *
 * It attacks the quorum's intersection: one NOTARIZE a view (I4), FINALIZE against NULLIFY (I3),
 * and evidence, which must name it and nobody else (I12).
 */
#include <string.h>

#include "tests/sim/sim_state.h"

static void vote_all(struct sim_node *node, enum vote_kind kind, uint64_t view,
                     const struct candidate *candidate, uint32_t sides)
{
    struct peer_message message = {
        .kind = PEER_VOTE,
        .vote = {.kind = kind, .epoch = node->sim->validators.epoch, .view = view}};
    if (kind != VOTE_NULLIFY) {
        message.vote.candidate = *candidate;
    }
    sim_sign_vote(node, &message.vote);
    for (uint32_t to = 0; to < node->sim->count; to++) {
        if ((sides >> to & 1) != 0) {
            sim_send_message(node, to, &message);
        }
    }
}

/* The same block a millisecond later: another hash, and the same roots. */
static void send_other(struct sim_node *node, uint32_t to, const struct peer_message *message)
{
    struct peer_message other = *message;
    struct block_header header;
    memcpy(&header, message->proposal.block.header, sizeof header);
    header.timestamp_ms++;
    other.proposal.block.header = (const uint8_t *)&header;
    other.proposal.body.vote.candidate.block_hash = block_hash(&header);
    sim_sign_vote(node, &other.proposal.body.vote);
    sim_send_message(node, to, &other);
}

/* Which half: the same for all equivocators of a run, changing with the view. */
static bool other_side(const struct sim *sim, uint64_t view, uint32_t to)
{
    return ((sim->options.seed * 2654435761u + view * 40503u) >> to & 1) != 0;
}

static bool equivocator_send(struct sim_node *node, uint32_t to, struct sim_frame *frame,
                             const struct peer_message *message)
{
    struct sim *sim = node->sim;
    (void)frame;
    if (message->kind != PEER_PROPOSAL || !message->proposal.body.has_block ||
        message->proposal.body.vote.signer != node->index) {
        return false;
    }
    if ((sim->faulty >> to & 1) != 0) {
        send_other(node, to, message);
        return false; /* the others of its kind get both */
    }
    if (!other_side(sim, message->proposal.body.vote.view, to)) {
        return false;
    }
    send_other(node, to, message);
    sim_acted(node);
    return true;
}

static bool equivocator_hear(struct sim_node *node, uint32_t from,
                             const struct peer_message *message)
{
    const struct vote *vote = message->kind == PEER_VOTE       ? &message->vote
                              : message->kind == PEER_PROPOSAL ? &message->proposal.body.vote
                                                               : NULL;
    (void)from;
    if (vote == NULL || vote->kind == VOTE_NULLIFY || vote->view == 0 ||
        (!node->sim->options.beyond && !sim_chance(node->sim, 250))) {
        return false;
    }
    const uint32_t sides =
        node->sim->options.beyond ? UINT32_MAX : (uint32_t)prng_next(&node->sim->prng);
    vote_all(node, VOTE_NOTARIZE, vote->view, &vote->candidate, sides);
    vote_all(node, VOTE_FINALIZE, vote->view, &vote->candidate, sides);
    if (sim_chance(node->sim, 300)) {
        vote_all(node, VOTE_NULLIFY, vote->view, NULL, ~sides);
    }
    sim_acted(node);
    return false;
}

const struct sim_actor ACTOR_EQUIVOCATOR = {
    .name = "equivocator", .send = equivocator_send, .hear = equivocator_hear};
