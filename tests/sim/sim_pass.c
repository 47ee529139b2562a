/*
 * sim_pass: one pass of a node, as the shell runs it (node/loop.c): the replica works, the store
 * commits, the register is written, the frames leave. A crash may follow any effect of it:
 *
 *   put del register_write mark ... | commit | register | send send send ...
 *   '--------- lost pass ----------'         '- torn ---'----- cut ---------'
 *
 * What the replica does between its crash and the end of the pass is thrown away whole, which is
 * what a crash does: nothing of a pass is durable or sent before its commit, but for the mark of
 * the batches being tried, which is kept as it stood.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim_state.h"

bool sim_effect(struct sim_node *node)
{
    if (node->fuse == 0 || node->blown) {
        return false;
    }
    node->fuse--;
    node->blown = node->fuse == 0;
    return node->blown;
}

void sim_begin(struct sim_node *node)
{
    struct sim *sim = node->sim;
    sim->result->events++;
    replica_time(node->replica, (uint64_t)((int64_t)(SIM_WALL_MS + sim->now_ms) + node->clock_ms),
                 sim->now_ms);
}

static void crash(struct sim_node *node, const char *where)
{
    struct sim *sim = node->sim;
    sim_tell(sim, "node %u crashes %s", node->slot, where);
    sim->result->counts.crashes++;
    sim_stop(node);
    node->restart_ms = sim->now_ms + 1 + prng_below(&sim->prng, 2500);
}

static void leave(struct sim_node *node)
{
    struct sim *sim = node->sim;
    const struct sim_frame *last = NULL;
    for (uint32_t i = 0; i < node->out_count && !node->blown; i++) {
        struct sim_out *out = &node->outbox[i];
        if (!node->faulty && out->frame != last) {
            watch_sent(node, out->frame);
            last = out->frame;
        }
        struct peer_message message;
        bool dealt = node->actor != NULL && node->actor->send != NULL &&
                     sim_decode(sim, out->frame, &message) &&
                     node->actor->send(node, out->to, out->frame, &message);
        if (!dealt) {
            sim_send(node, out->to, out->frame);
        }
        (void)sim_effect(node);
    }
    for (uint32_t i = 0; i < node->reply_count && !node->blown; i++) {
        sim_answered(node, node->replies[i]);
        (void)sim_effect(node);
    }
}

static void empty(struct sim_node *node)
{
    for (uint32_t i = 0; i < node->out_count; i++) {
        sim_frame_drop(node->outbox[i].frame);
    }
    for (uint32_t i = 0; i < node->reply_count; i++) {
        sim_frame_drop(node->replies[i]);
    }
    node->out_count = 0;
    node->reply_count = 0;
    node->register_pending = false;
}

/* Returns where it crashed, or NULL. */
static const char *finish(struct sim_node *node)
{
    struct sim_counts *counts = &node->sim->result->counts;
    if (node->blown) {
        memory_store_rollback(&node->store);
        watch_lost(node);
        counts->lost_passes++;
        return "before its commit";
    }
    memory_store_commit(&node->store);
    if (node->register_pending && (sim_effect(node) || node->tear)) {
        node->tear = false;
        watch_torn(node);
        counts->torn_passes++;
        return "between commit and register";
    }
    if (node->register_pending) {
        watch_register(node);
        node->vote_register = node->register_next;
    }
    watch_durable(node);
    if (node->out_count > 0 && sim_effect(node)) {
        counts->cut_sends++;
        return "before its frames leave";
    }
    leave(node);
    if (node->blown) {
        counts->cut_sends++;
        return "while its frames leave";
    }
    return NULL;
}

void sim_end(struct sim_node *node)
{
    replica_pass_end(node->replica);
    const char *where = finish(node);
    empty(node);
    if (where != NULL) {
        crash(node, where);
        return;
    }
    node->deadline_ms = replica_next_deadline(node->replica);
}
