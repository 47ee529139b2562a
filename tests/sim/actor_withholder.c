/*
 * actor_withholder: it proposes to some and not to others, announces batches that it never hands
 * out, answers no request for blocks and batches, keeps its votes to itself now and then, and gives
 * pushed batches to one follower only.
 *
 * It attacks availability: a notarized block's bytes must be with q-f honest validators (I8), a
 * fetch must turn to the next validator, and progress must not need it (I15).
 */
#include "tests/sim/sim_state.h"

static bool withheld(struct sim_node *node, uint32_t to, const struct peer_message *message)
{
    struct sim *sim = node->sim;
    switch (message->kind) {
    case PEER_PROPOSAL:
        return sim_chance(sim, 500);
    case PEER_BATCH:
        return to != (node->id + 1) % sim->count;
    case PEER_BLOCKS:
    case PEER_CERTIFICATES:
        return true;
    case PEER_VOTE:
    case PEER_CERTIFICATE:
        return sim_chance(sim, 200);
    case PEER_STATUS:
    case PEER_BATCH_HAVE:
    case PEER_BATCH_REQUEST:
    case PEER_BATCH_MISSING:
    case PEER_CERTIFICATE_REQUEST:
    case PEER_BLOCK_REQUEST:
    case PEER_EVIDENCE:
        return false;
    }
    return false;
}

static bool withholder_send(struct sim_node *node, uint32_t to, struct sim_frame *frame,
                            const struct peer_message *message)
{
    (void)frame;
    if (withheld(node, to, message)) {
        sim_acted(node);
        return true;
    }
    return false;
}

/* Batches that do not exist, as if durable here. */
static void withholder_act(struct sim_node *node)
{
    struct sim *sim = node->sim;
    struct hash ids[4];
    for (uint32_t i = 0; i < 4; i++) {
        const uint64_t number = prng_next(&sim->prng);
        ids[i] = hash_of(&PURPOSE_BATCH, &number, sizeof number);
    }
    const struct peer_message message = {.kind = PEER_BATCH_HAVE,
                                         .batch_ids = {.ids = ids, .count = 4}};
    for (uint32_t to = 0; to < sim->ids; to++) {
        if (sim_chance(sim, 300)) {
            sim_send_message(node, to, &message);
        }
    }
    sim_acted(node);
}

const struct sim_actor ACTOR_WITHHOLDER = {
    .name = "withholder", .send = withholder_send, .act = withholder_act};
