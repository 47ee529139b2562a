/*
 * sim_run: the loop: faults and load until the events are used up, then the network heals and every
 * honest node must commit ten more heights in bounded time (I15), while faulty validators go on.
 */
#include <stdarg.h>
#include <string.h>

#include "tests/sim/sim_state.h"

#define STEPS_MIN 800
#define STEPS_RANGE 2500
/* More validators than most networks have. */
#define LARGE 8
/* Faults end by this virtual time, whatever the number of events. */
#define FAULTS_MS_MAX 300000
#define HEIGHTS_AFTER 10
/* Even at the greatest delta a view costs 50 s, and f leaders in a row may be faulty. */
#define RECOVERY_MS_MAX 900000
/* Beyond f: how long forks are given to be noticed. */
#define DETECTION_MS 20000
#define EVENTS_MAX 2000000
#define ACT_GAP_MS 200

void sim_tell(struct sim *sim, const char *format, ...)
{
    if (sim->options.trace == NULL) {
        return;
    }
    va_list arguments;
    (void)fprintf(sim->options.trace, "%8llu  ", (unsigned long long)sim->now_ms);
    va_start(arguments, format);
    (void)vfprintf(sim->options.trace, format, arguments);
    va_end(arguments);
    (void)fputc('\n', sim->options.trace);
}

void sim_mix(struct sim *sim, uint64_t value)
{
    uint64_t hash = (sim->result->trace_hash ^ value) * 0x9e3779b97f4a7c15ull;
    sim->result->trace_hash = hash ^ hash >> 29;
}

static void tell_frame(struct sim *sim, const struct sim_event *event)
{
    struct peer_message message;
    if (sim->options.trace == NULL) {
        return;
    }
    const struct vote *vote = NULL;
    if (sim_decode(sim, event->frame, &message)) {
        vote = message.kind == PEER_VOTE       ? &message.vote
               : message.kind == PEER_PROPOSAL ? &message.proposal.body.vote
                                               : NULL;
    }
    if (vote != NULL) {
        sim_tell(sim, "%u -> %u %s kind %d view %llu parent %llu block %02x%02x%02x%02x",
                 event->from, event->to, peer_message_name(event->frame->kind), (int)vote->kind,
                 (unsigned long long)vote->view, (unsigned long long)vote->candidate.parent_view,
                 vote->candidate.block_hash.bytes[0], vote->candidate.block_hash.bytes[1],
                 vote->candidate.block_hash.bytes[2], vote->candidate.block_hash.bytes[3]);
    } else {
        sim_tell(sim, "%u -> %u %s, %u bytes", event->from, event->to,
                 peer_message_name(event->frame->kind), event->frame->length);
    }
}

static void take_frame(struct sim_node *node, const struct sim_event *event)
{
    struct sim *sim = node->sim;
    struct peer_message message;
    tell_frame(sim, event);
    sim->result->counts.frames++;
    if (node->slot_of_id[event->from] == PEER_NONE) {
        sim->result->events++; /* it links with nobody that it does not know */
        return;
    }
    sim_begin(node);
    bool dealt = node->actor != NULL && node->actor->hear != NULL &&
                 sim_decode(sim, event->frame, &message) &&
                 node->actor->hear(node, event->from, &message);
    if (!dealt) {
        const enum status status = replica_peer_frame(node->replica, node->slot_of_id[event->from],
                                                      event->frame->bytes, event->frame->length);
        if (status != STATUS_OK && sim->faulty == 0) {
            sim_violation(sim, "frame", "node %u refuses a frame of honest validator %u: %s",
                          node->slot, event->from, status_name(status));
        }
    }
    sim_end(node);
}

static void take_event(struct sim *sim, struct sim_event *event)
{
    struct sim_node *node = &sim->nodes[event->to];
    sim_mix(sim, sim->now_ms << 16 | (uint64_t)event->to << 8 | (uint64_t)event->kind);
    if (!node->running || node->life != event->life) {
        sim->result->events++;
        sim_event_free(event);
        return;
    }
    if (event->kind == SIM_FRAME) {
        sim_mix(sim, (uint64_t)event->frame->length << 8 | event->from);
        take_frame(node, event);
    } else if (event->kind == SIM_REQUEST) {
        sim_tell(sim, "client -> %u, %u bytes", event->to, event->frame->length);
        sim_begin(node);
        CHECK(replica_client_frame(node->replica, SIM_SESSION, event->frame->bytes,
                                   event->frame->length) == STATUS_OK);
        sim_end(node);
    } else {
        sim_begin(node);
        replica_batch_verified(node->replica, event->result);
        event->result->bytes = NULL;
        event->result->record_hashes = NULL;
        sim_end(node);
    }
    sim_event_free(event);
}

static void tick(struct sim *sim, struct sim_node *node)
{
    sim_mix(sim, sim->now_ms << 16 | (uint64_t)node->slot << 8 | 0xff);
    sim_tell(sim, "node %u: timer", node->slot);
    /* A timer may be due again at once, but not for ever: virtual time must move. */
    sim->ticks_now = sim->ticked_ms == sim->now_ms ? sim->ticks_now + 1 : 0;
    sim->ticked_ms = sim->now_ms;
    if (sim->ticks_now > 2000) {
        sim_violation(sim, "timer", "the timer of node %u stays due", node->slot);
        return;
    }
    sim_begin(node);
    replica_tick(node->replica);
    sim_end(node);
    if (node->running && !node->faulty) {
        watch_memory(node);
    }
}

/* Faulty validators act; one whose replica no longer signs, because its own doings frighten it,
   starts again. */
static void act(struct sim *sim)
{
    sim->next_act_ms = sim->now_ms + 1 + prng_below(&sim->prng, 2 * ACT_GAP_MS);
    for (uint32_t i = 0; i < sim->slots; i++) {
        struct sim_node *node = &sim->nodes[i];
        if (!node->running || !node->faulty) {
            continue;
        }
        if (node->cannot_sign_ms != 0 &&
            sim->now_ms > node->cannot_sign_ms + (sim->options.beyond ? 300 : 4000)) {
            sim_stop(node);
            node->restart_ms = sim->now_ms + 100;
        } else if (node->actor->act != NULL) {
            node->actor->act(node);
        }
    }
}

static uint64_t earliest_of(const struct sim *sim, struct sim_node **ret_timed,
                            uint64_t *ret_timer_ms)
{
    uint64_t earliest = sim->next_load_ms;
    uint64_t timer_ms = UINT64_MAX;
    earliest = sim_least(earliest, sim->next_fault_ms);
    earliest = sim_least(earliest, sim->next_act_ms);
    for (uint32_t i = 0; i < sim->slots; i++) {
        const struct sim_node *node = &sim->nodes[i];
        if (!node->running) {
            earliest = sim_least(earliest, node->restart_ms);
        } else if (node->deadline_ms < timer_ms) {
            timer_ms = node->deadline_ms;
            *ret_timed = (struct sim_node *)(uintptr_t)node;
        }
    }
    *ret_timer_ms = timer_ms;
    earliest = sim_least(earliest, timer_ms);
    return sim->queue_count == 0 ? earliest : sim_least(earliest, sim->queue[0].due_ms);
}

/* What comes first; timers after all frames of the same moment, as the shell drains its inbox
   before it ticks. */
static void turn(struct sim *sim)
{
    struct sim_node *timed = NULL;
    uint64_t timer_ms;
    const uint64_t due = earliest_of(sim, &timed, &timer_ms);
    if (due > sim->now_ms) {
        sim->now_ms = due;
    }
    if (sim->next_fault_ms <= sim->now_ms) {
        sim_fault(sim);
    } else if (sim->next_load_ms <= sim->now_ms) {
        sim_load(sim);
    } else if (sim->next_act_ms <= sim->now_ms) {
        act(sim);
    } else if (sim->queue_count > 0 && sim->queue[0].due_ms <= sim->now_ms) {
        struct sim_event event = sim_pop(sim);
        take_event(sim, &event);
    } else if (timed != NULL && timer_ms <= sim->now_ms) {
        tick(sim, timed);
    }
    sim_restart_due(sim);
    sim_relink(sim);
}

static uint64_t height_of(const struct sim *sim, bool greatest)
{
    uint64_t height = greatest ? 0 : UINT64_MAX;
    for (uint32_t i = 0; i < sim->slots; i++) {
        const struct sim_node *node = &sim->nodes[i];
        if (node->faulty) {
            continue;
        }
        const uint64_t own = node->running ? node->replica->final.height : 0;
        height = greatest ? sim_most(height, own) : sim_least(height, own);
    }
    return height;
}

static void recover(struct sim *sim)
{
    const uint64_t target = sim_most(height_of(sim, true), sim->watch.final_count) + HEIGHTS_AFTER;
    const uint64_t end_ms = sim->now_ms + (sim->options.beyond ? DETECTION_MS : RECOVERY_MS_MAX);
    while (!sim->over && height_of(sim, false) < target) {
        if (sim->now_ms > end_ms || sim->result->events > EVENTS_MAX) {
            sim->result->stall = !sim->options.beyond;
            (void)snprintf(sim->result->sentence, sizeof sim->result->sentence,
                           "healed, the honest nodes stand between height %llu and %llu, not %llu",
                           (unsigned long long)height_of(sim, false),
                           (unsigned long long)height_of(sim, true), (unsigned long long)target);
            return;
        }
        turn(sim);
    }
}

/* A block costs events by the square of the network: a change of a large one needs more of them. */
static uint64_t draw_steps(struct sim *sim)
{
    const uint64_t steps = STEPS_MIN + prng_below(&sim->prng, STEPS_RANGE);
    return sim->change.wanted && sim->count > LARGE ? 3 * steps : steps;
}

void sim_run(const struct sim_options *options, struct sim_result *ret_result)
{
    memset(ret_result, 0, sizeof *ret_result);
    struct sim *sim = sim_new(options, ret_result);
    const uint64_t steps = options->steps > 0 ? options->steps : draw_steps(sim);
    sim->next_fault_ms = options->beyond ? 0 : prng_below(&sim->prng, sim->mood.fault_gap_ms);
    while (!sim->over && ret_result->events < steps && sim->now_ms < FAULTS_MS_MAX) {
        turn(sim);
    }
    if (!sim->over) {
        sim_heal(sim);
        recover(sim);
    }
    if (!sim->over && !ret_result->stall) {
        watch_end(sim);
        watch_promises(sim);
    }
    ret_result->undetected = ret_result->forked && !ret_result->halted &&
                             (uint32_t)__builtin_popcount(sim->watch.accused) <= sim->faulty_max;
    sim_free(sim);
}
