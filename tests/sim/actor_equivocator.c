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
        .kind = PEER_VOTE, .vote = {.kind = kind, .epoch = sim_set_of(node)->epoch, .view = view}};
    if (kind != VOTE_NULLIFY) {
        message.vote.candidate = *candidate;
    }
    sim_sign_vote(node, &message.vote);
    for (uint32_t to = 0; to < node->sim->ids; to++) {
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

/* Which half: as the network was last parted, so that neither half tells the other. */
static bool other_side(const struct sim *sim, uint32_t to)
{
    return (sim->sides >> to & 1) != 0;
}

/* Beyond f, its replica is of one half alone, so that it tells neither half of the other. */
static bool keeps_apart(const struct sim *sim, uint32_t peer)
{
    return sim->options.beyond && !sim->healed && (sim->faulty >> peer & 1) == 0 &&
           other_side(sim, peer);
}

static bool equivocator_send(struct sim_node *node, uint32_t to, struct sim_frame *frame,
                             const struct peer_message *message)
{
    struct sim *sim = node->sim;
    (void)frame;
    if (message->kind != PEER_PROPOSAL || !message->proposal.body.has_block ||
        !sim_is_own(node, &message->proposal.body.vote)) {
        return keeps_apart(sim, to);
    }
    if ((sim->faulty >> to & 1) != 0) {
        return false;
    }
    if (!other_side(sim, to)) {
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
    if (vote == NULL || (node->sim->faulty >> from & 1) != 0 || vote->kind == VOTE_NULLIFY ||
        vote->view == 0 || (!node->sim->options.beyond && !sim_chance(node->sim, 250)) ||
        !sim_once(node, vote->view ^ get_le64(vote->candidate.block_hash.bytes))) {
        return keeps_apart(node->sim, from);
    }
    const uint32_t sides =
        node->sim->options.beyond ? UINT32_MAX : (uint32_t)prng_next(&node->sim->prng);
    vote_all(node, VOTE_NOTARIZE, vote->view, &vote->candidate, sides);
    vote_all(node, VOTE_FINALIZE, vote->view, &vote->candidate, sides);
    if (sim_chance(node->sim, 300)) {
        vote_all(node, VOTE_NULLIFY, vote->view, NULL, ~sides);
    }
    sim_acted(node);
    return keeps_apart(node->sim, from);
}

const struct sim_actor ACTOR_EQUIVOCATOR = {
    .name = "equivocator", .send = equivocator_send, .hear = equivocator_hear};
