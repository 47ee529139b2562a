/*
 * actor_liar: it lies where nothing is signed: its status claims heights, views and certificates
 * that it does not have, and shows votes of the receiver that were never cast; its catch-up answers
 * carry blocks with other ids, other headers and other blocks' finalizations, and certificates with
 * signatures in another's place.
 *
 * It attacks "a claimed height is a hint" and "nothing is stored before its certificate is
 * verified" (I1, I2, I11), and a node that is behind must catch up past it (I15).
 */
#include <string.h>

#include "tests/sim/sim_state.h"

static void lie_in_status(struct sim *sim, struct peer_status *status)
{
    status->final_height += prng_below(&sim->prng, 100);
    status->view += prng_below(&sim->prng, 300);
    if (sim_chance(sim, 500)) {
        status->final_view += prng_below(&sim->prng, 100);
        status->held_from = prng_below(&sim->prng, status->view + 1);
        status->held_notarizations = prng_next(&sim->prng);
        status->held_nullifications = prng_next(&sim->prng);
    }
    if (status->has_your_vote && sim_chance(sim, 500)) {
        status->your_vote.view += prng_below(&sim->prng, 5);
        status->your_vote.signature.bytes[prng_below(&sim->prng, 64)] ^= 1;
    }
}

static void lie_in_certificate(struct sim *sim, struct certificate *certificate)
{
    switch (prng_below(&sim->prng, 4)) {
    case 0:
        certificate->view++;
        break;
    case 1:
        certificate->signatures[0] = certificate->signatures[certificate->signature_count - 1];
        break;
    case 2:
        certificate->candidate.parent_view ^= certificate->kind == VOTE_NULLIFY ? 0 : 1;
        break;
    default:
        certificate->signatures[0].bytes[0] ^= 1;
        break;
    }
}

/* The message after it with one lie in it; false if it is none to lie in. */
static bool lie(struct sim *sim, struct peer_message *message)
{
    static struct certificate certificates[PEER_CERTIFICATES_MAX];
    static struct peer_final_block blocks[PEER_BLOCKS_MAX];
    static struct block_header header;
    static struct hash ids[LIMIT_BLOCK_BATCHES];
    if (message->kind == PEER_STATUS) {
        lie_in_status(sim, &message->status);
        return true;
    }
    if (message->kind == PEER_CERTIFICATES && message->certificates.count > 0) {
        const uint32_t count = message->certificates.count;
        memcpy(certificates, message->certificates.list, count * sizeof certificates[0]);
        lie_in_certificate(sim, &certificates[prng_below(&sim->prng, count)]);
        message->certificates.list = certificates;
        return true;
    }
    if (message->kind != PEER_BLOCKS || message->blocks.count == 0) {
        return false;
    }
    const uint32_t count = message->blocks.count;
    memcpy(blocks, message->blocks.list, count * sizeof blocks[0]);
    struct peer_final_block *block = &blocks[prng_below(&sim->prng, count)];
    memcpy(&header, block->block.header, sizeof header);
    for (uint32_t i = 0; i < block->block.batch_count; i++) {
        ids[i] = block->block.batch_ids[i];
    }
    if (sim_chance(sim, 300) && count > 1) {
        block->finalization = blocks[prng_below(&sim->prng, count)].finalization;
    } else if (sim_chance(sim, 400) && block->block.batch_count > 0) {
        ids[0].bytes[0] ^= 1;
    } else if (sim_chance(sim, 500)) {
        header.total_records++;
    } else {
        certificates[0] = *block->finalization;
        lie_in_certificate(sim, &certificates[0]);
        block->finalization = &certificates[0];
    }
    block->block.header = (const uint8_t *)&header;
    block->block.batch_ids = ids;
    message->blocks.list = blocks;
    return true;
}

static bool liar_send(struct sim_node *node, uint32_t to, struct sim_frame *frame,
                      const struct peer_message *message)
{
    struct peer_message false_one = *message;
    (void)frame;
    if (!sim_chance(node->sim, 600) || !lie(node->sim, &false_one)) {
        return false;
    }
    sim_send_message(node, to, &false_one);
    sim_acted(node);
    return true;
}

const struct sim_actor ACTOR_LIAR = {.name = "liar", .send = liar_send};
