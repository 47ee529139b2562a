/*
 * actor_mutator: small changes to what an honest validator would send, signed again (Winter et al.,
 * ByzzFuzz, 2023): view, epoch or parent_view one off, the hash of another block, another kind, an
 * old frame of anybody once more, a few spoilt bytes.
 *
 * It attacks every check of a field in on_vote, on_certificate and on_proposal (I1 to I5, I11).
 */
#include "tests/sim/sim_state.h"

static uint64_t one_off(struct sim *sim, uint64_t value)
{
    return sim_chance(sim, 500) || value == 0 ? value + 1 : value - 1;
}

static void change(struct sim_node *node, struct vote *vote)
{
    struct sim *sim = node->sim;
    const uint64_t height = sim->watch.final_count;
    switch (prng_below(&sim->prng, 6)) {
    case 0:
        vote->view = sim_most(one_off(sim, vote->view), 1);
        break;
    case 1:
        vote->epoch = one_off(sim, vote->epoch);
        break;
    case 2:
        vote->candidate.parent_view = one_off(sim, vote->candidate.parent_view);
        break;
    case 3:
        vote->candidate.block_hash = sim->watch.finals[prng_below(&sim->prng, height + 1)];
        break;
    case 4:
        vote->kind = (enum vote_kind)(1 + prng_below(&sim->prng, 3));
        break;
    default:
        vote->candidate.block_hash.bytes[31] ^= 1;
        break;
    }
    if (vote->kind == VOTE_NULLIFY) {
        vote->candidate = (struct candidate){0};
    }
    sim_sign_vote(node, vote);
}

/* Its own signature in a certificate, over another candidate. */
static void change_certificate(struct sim_node *node, struct certificate *certificate)
{
    struct sim *sim = node->sim;
    struct vote vote = {.kind = certificate->kind,
                        .epoch = certificate->epoch,
                        .view = certificate->view,
                        .candidate = certificate->candidate};
    change(node, &vote);
    if (sim_chance(sim, 500)) {
        certificate->view = vote.view;
        certificate->candidate = vote.candidate;
    }
    certificate->signatures[prng_below(&sim->prng, certificate->signature_count)] = vote.signature;
}

static void spoil(struct sim_node *node, uint32_t to, const struct sim_frame *frame)
{
    struct sim *sim = node->sim;
    struct sim_frame *spoilt = sim_frame_new(frame->bytes, frame->length);
    for (uint64_t i = prng_below(&sim->prng, 3); i < 3 && spoilt->length > 0; i++) {
        spoilt->bytes[prng_below(&sim->prng, spoilt->length)] = (uint8_t)prng_next(&sim->prng);
    }
    sim_send(node, to, spoilt);
    sim_frame_drop(spoilt);
}

static bool mutator_send(struct sim_node *node, uint32_t to, struct sim_frame *frame,
                         const struct peer_message *message)
{
    static struct certificate certificate;
    struct sim *sim = node->sim;
    struct peer_message changed = *message;
    if (!sim_chance(sim, 250)) {
        return false;
    }
    sim_acted(node);
    const uint64_t place = prng_below(&sim->prng, SIM_OLD_FRAMES);
    if (sim_chance(sim, 150) && sim->old[place] != NULL) {
        sim_send(node, to, sim->old[place]);
        return false;
    }
    if (message->kind == PEER_VOTE && sim_is_own(node, &message->vote)) {
        change(node, &changed.vote);
    } else if (message->kind == PEER_PROPOSAL) {
        change(node, &changed.proposal.body.vote);
    } else if (message->kind == PEER_CERTIFICATE) {
        certificate = *message->certificate;
        change_certificate(node, &certificate);
        changed.certificate = &certificate;
    } else {
        spoil(node, to, frame);
        return true;
    }
    sim_send_message(node, to, &changed);
    return sim_chance(sim, 500);
}

const struct sim_actor ACTOR_MUTATOR = {.name = "mutator", .send = mutator_send};
