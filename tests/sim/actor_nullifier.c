/*
 * actor_nullifier: it casts NULLIFY in every view it hears of, in views to come, as the leader too,
 * and then votes for the block all the same.
 *
 * It attacks the pacemaker and "NULLIFY from the view's leader is a timeout now": a view may be
 * lost where it leads, never elsewhere (I15); and NULLIFY beside FINALIZE must become evidence
 * (I12).
 */
#include "tests/sim/sim_state.h"

static void nullify(struct sim_node *node, uint64_t view)
{
    struct peer_message message = {
        .kind = PEER_VOTE,
        .vote = {.kind = VOTE_NULLIFY, .epoch = sim_set_of(node)->epoch, .view = view}};
    if (!sim_once(node, view)) {
        return;
    }
    sim_sign_vote(node, &message.vote);
    for (uint32_t to = 0; to < node->sim->ids; to++) {
        sim_send_message(node, to, &message);
    }
    sim_acted(node);
}

static bool nullifier_hear(struct sim_node *node, uint32_t from, const struct peer_message *message)
{
    (void)from;
    if (message->kind == PEER_PROPOSAL && sim_chance(node->sim, 600)) {
        nullify(node, message->proposal.body.vote.view);
    } else if (message->kind == PEER_VOTE && sim_chance(node->sim, 60)) {
        nullify(node, message->vote.view + prng_below(&node->sim->prng, 3));
    }
    return false;
}

static void nullifier_act(struct sim_node *node)
{
    struct consensus_view view;
    consensus_inspect(node->replica->consensus, &view);
    nullify(node, view.view + prng_below(&node->sim->prng, LIMIT_VIEWS_AHEAD + 4));
}

const struct sim_actor ACTOR_NULLIFIER = {
    .name = "nullifier", .hear = nullifier_hear, .act = nullifier_act};
