/*
 * sim_net: who hears whom, when, and how often. A frame to a validator goes to the node that runs
 * its key; with a twin, to the copy or copies that the sender is linked to.
 */
#include <string.h>

#include "tests/sim/sim_state.h"

static uint64_t delay(struct sim *sim)
{
    const struct sim_mood *mood = &sim->mood;
    uint64_t ms = 1 + prng_below(&sim->prng, mood->delay_ms);
    if (mood->tail_permille > 0 && sim_chance(sim, mood->tail_permille)) {
        ms += prng_below(&sim->prng, mood->tail_ms);
    }
    return ms;
}

static void put_on_wire(struct sim_node *from, uint32_t slot, struct sim_frame *frame)
{
    struct sim *sim = from->sim;
    struct sim_node *to = &sim->nodes[slot];
    uint64_t *last = &sim->last_due[from->slot][slot];
    struct sim_event event = {.kind = SIM_FRAME,
                              .from = (uint8_t)from->id,
                              .to = (uint8_t)slot,
                              .life = to->life,
                              .due_ms = sim->now_ms + delay(sim) + to->slow_ms,
                              .frame = sim_frame_share(frame)};
    if (event.due_ms < *last) {
        if (sim->mood.ordered) {
            event.due_ms = *last;
        } else {
            sim->result->counts.reorders++;
        }
    }
    *last = event.due_ms > *last ? event.due_ms : *last;
    sim_push(sim, &event);
}

static void send_to_slot(struct sim_node *from, uint32_t slot, struct sim_frame *frame)
{
    struct sim *sim = from->sim;
    struct sim_counts *counts = &sim->result->counts;
    if (sim->cut[from->slot][slot] || !sim->nodes[slot].running) {
        counts->cut_drops++;
        sim->result->events++;
        return;
    }
    if (sim->mood.loss_permille > 0 && sim_chance(sim, sim->mood.loss_permille)) {
        counts->drops++;
        sim->result->events++;
        return;
    }
    put_on_wire(from, slot, frame);
    if (sim->mood.duplicate_permille > 0 && sim_chance(sim, sim->mood.duplicate_permille)) {
        counts->duplicates++;
        put_on_wire(from, slot, frame);
    }
}

void sim_send(struct sim_node *from, uint32_t to, struct sim_frame *frame)
{
    struct sim *sim = from->sim;
    if (to >= sim->ids || to == from->id) {
        return;
    }
    if (sim_chance(sim, 20)) {
        const uint64_t place = prng_below(&sim->prng, SIM_OLD_FRAMES);
        struct sim_frame *before = sim->old[place];
        sim->old[place] = sim_frame_share(frame); /* it may be the one that is there */
        sim_frame_drop(before);
        sim->old_from[place] = (uint8_t)from->id;
    }
    const uint32_t twin = sim->twin_of[to];
    if (twin == 0 && sim->twin_of[from->id] != 0 &&
        (sim->twin_routes[to] & (from->slot < sim->ids ? 1 : 2)) == 0) {
        return; /* this copy has no link to it */
    }
    if (twin == 0 || (sim->twin_routes[from->slot] & 1) != 0) {
        send_to_slot(from, to, frame);
    }
    if (twin != 0 && (sim->twin_routes[from->slot] & 2) != 0) {
        send_to_slot(from, twin, frame);
    }
}

void sim_send_message(struct sim_node *from, uint32_t to, const struct peer_message *message)
{
    struct sim *sim = from->sim;
    size_t length;
    if (peer_encode(message, sim->frame_buffer, SIM_FRAME_MAX, &length) == STATUS_OK) {
        struct sim_frame *frame = sim_frame_new(sim->frame_buffer, length);
        sim_send(from, to, frame);
        sim_frame_drop(frame);
    }
}

void sim_hear_instead(struct sim_node *node, uint32_t from, const struct peer_message *message)
{
    size_t length;
    CHECK(peer_encode(message, node->sim->frame_buffer, SIM_FRAME_MAX, &length) == STATUS_OK);
    const enum status ignored =
        replica_peer_frame(node->replica, node->slot_of_id[from], node->sim->frame_buffer, length);
    (void)ignored;
}

bool sim_decode(struct sim *sim, const struct sim_frame *frame, struct peer_message *ret_message)
{
    struct arena arena = arena_over(sim->arena, PEER_ARENA_BYTES);
    return peer_decode(frame->bytes, frame->length, &arena, LIMIT_VALIDATORS, ret_message, NULL) ==
           STATUS_OK;
}
