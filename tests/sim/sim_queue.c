/* sim_queue: what will happen, a heap in order of time; and frames shared by their receivers. */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim_state.h"

void *sim_array(size_t count, size_t size)
{
    void *array = calloc(count, size);
    CHECK(array != NULL);
    return array;
}

static bool before(const struct sim_event *a, const struct sim_event *b)
{
    return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->order < b->order;
}

void sim_push(struct sim *sim, const struct sim_event *event)
{
    if (sim->queue_count == sim->queue_capacity) {
        sim->queue_capacity = sim->queue_capacity == 0 ? 1024 : 2 * sim->queue_capacity;
        sim->queue = realloc(sim->queue, sim->queue_capacity * sizeof *sim->queue);
        CHECK(sim->queue != NULL);
    }
    struct sim_event placed = *event;
    placed.order = sim->order++;
    size_t i = sim->queue_count++;
    while (i > 0 && before(&placed, &sim->queue[(i - 1) / 2])) {
        sim->queue[i] = sim->queue[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    sim->queue[i] = placed;
}

struct sim_event sim_pop(struct sim *sim)
{
    CHECK(sim->queue_count > 0);
    const struct sim_event top = sim->queue[0];
    const struct sim_event last = sim->queue[--sim->queue_count];
    size_t i = 0;
    for (;;) {
        size_t child = 2 * i + 1;
        if (child >= sim->queue_count) {
            break;
        }
        if (child + 1 < sim->queue_count && before(&sim->queue[child + 1], &sim->queue[child])) {
            child++;
        }
        if (!before(&sim->queue[child], &last)) {
            break;
        }
        sim->queue[i] = sim->queue[child];
        i = child;
    }
    if (sim->queue_count > 0) {
        sim->queue[i] = last;
    }
    return top;
}

/* The body's field number follows the version (proto/peer.proto): all below 16, so one byte. */
static enum peer_message_kind kind_of(const uint8_t *bytes, size_t length)
{
    return length < 3 ? (enum peer_message_kind)0 : (enum peer_message_kind)((bytes[2] >> 3) - 1);
}

struct sim_frame *sim_frame_new(const uint8_t *bytes, size_t length)
{
    struct sim_frame *frame = malloc(sizeof *frame + length);
    CHECK(frame != NULL);
    frame->refs = 1;
    frame->length = (uint32_t)length;
    frame->kind = kind_of(bytes, length);
    memcpy(frame->bytes, bytes, length);
    return frame;
}

struct sim_frame *sim_frame_share(struct sim_frame *frame)
{
    frame->refs++;
    return frame;
}

void sim_frame_drop(struct sim_frame *frame)
{
    if (frame != NULL && --frame->refs == 0) {
        free(frame);
    }
}

void sim_event_free(struct sim_event *event)
{
    if (event->kind != SIM_VERIFIED) {
        sim_frame_drop(event->frame);
    } else if (event->result != NULL) {
        free(event->result->bytes);
        free(event->result->record_hashes);
        free(event->result);
    }
}
