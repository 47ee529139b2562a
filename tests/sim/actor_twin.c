/*
 * actor_twin: two copies of the replica run with one key, each with a store and a register of its
 * own, and each is linked to some of the others (Bano et al., Twins, 2021). Both follow the rules
 * to the letter; together they sign what the rules forbid: two blocks in a view as a leader, two
 * votes as a follower. Who is linked to which copy changes (sim_net.c, sim_faults.c).
 *
 * It attacks all that rests on "an honest key votes once": I3, I4, I6 by way of the certificates.
 */
#include "tests/sim/sim_state.h"

/* The copies never see that they are two: what shows a vote of their own key is kept from them. */
static bool twin_hear(struct sim_node *node, uint32_t from, const struct peer_message *message)
{
    if (message->kind == PEER_STATUS && message->status.has_your_vote) {
        struct peer_message without = *message;
        without.status.has_your_vote = false;
        sim_hear_instead(node, from, &without);
        sim_acted(node);
        return true;
    }
    return message->kind == PEER_VOTE && sim_is_own(node, &message->vote);
}

const struct sim_actor ACTOR_TWIN = {.name = "twin", .hear = twin_hear};
