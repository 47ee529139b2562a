/* sim_world: a network built from a seed; nodes that start, stop and are linked. */
#include <stdlib.h>
#include <string.h>

#include "node/genesis_file.h"
#include "tests/sim/sim_state.h"
#include "tests/support/replica_net_state.h"

static const struct sim_actor *const ACTORS[SIM_ACTOR_COUNT] = {
    [SIM_EQUIVOCATOR] = &ACTOR_EQUIVOCATOR,
    [SIM_WITHHOLDER] = &ACTOR_WITHHOLDER,
    [SIM_TWIN] = &ACTOR_TWIN,
    [SIM_NULLIFIER] = &ACTOR_NULLIFIER,
    [SIM_LIAR] = &ACTOR_LIAR,
    [SIM_MUTATOR] = &ACTOR_MUTATOR};

const struct sim_actor *sim_actor_of(enum sim_actor_kind kind)
{
    return ACTORS[kind];
}

const char *sim_actor_name(enum sim_actor_kind kind)
{
    return ACTORS[kind]->name;
}

static enum status open_replica(struct sim_node *node, char *error, size_t capacity)
{
    struct sim *sim = node->sim;
    struct node_io io = sim_io(node);
    struct peer_observer observers[SIM_KEYS_MAX];
    const uint32_t observer_count = sim_observers(sim, observers);
    const struct replica_config config = {
        .lineage = &sim->lineage,
        .keys = {{.key = net_consensus_key(node->id), .vote_register = &node->vote_register}},
        .key_count = 1,
        .transport_key = net_transport_key(node->id),
        .observers = observers,
        .observer_count = observer_count,
        .pool_bytes = SIM_POOL_BYTES,
        .crashed_batches = node->died_on,
        .crashed_count = node->died_count};
    return replica_open(&io, &config,
                        (uint64_t)((int64_t)(SIM_WALL_MS + sim->now_ms) + node->clock_ms),
                        sim->now_ms, &node->replica, error, capacity);
}

static void forget(struct sim_node *node)
{
    memory_store_end(&node->store);
    memory_store_init(&node->store, STORE_TABLE_COUNT);
    node->vote_register = (struct vote_register){.chain_id = node->sim->chain_id, .epoch = 1};
}

void sim_start(struct sim_node *node)
{
    struct sim *sim = node->sim;
    char error[256];
    CHECK(!node->running);
    sim->result->events++;
    sim->result->counts.restarts++;
    enum status status = open_replica(node, error, sizeof error);
    if (status != STATUS_OK && node->faulty) {
        /* Its own doings contradict each other: a faulty validator may forget them all. */
        memory_store_rollback(&node->store);
        forget(node);
        status = open_replica(node, error, sizeof error);
    }
    if (status != STATUS_OK) {
        memory_store_rollback(&node->store);
        if (!(sim->options.beyond && node->seen_halt)) {
            sim_violation(sim, "start", "node %u does not start: %s", node->slot, error);
        }
        node->restart_ms = UINT64_MAX;
        return;
    }
    node->running = true;
    node->died_count = 0;
    node->cannot_sign_ms = 0;
    replica_client_up(node->replica, SIM_SESSION, CLIENT_PARTICIPANT, 1);
    sim_end(node);
    sim_relink(sim);
    for (uint32_t i = 0; i < sim->slots; i++) {
        sim_link(sim, i, node->slot, true);
        sim_link(sim, node->slot, i, true);
    }
}

void sim_count_life(struct sim_node *node)
{
    struct sim_counts *counts = &node->sim->result->counts;
    counts->timeouts += node->last.timeouts;
    counts->nullifications += node->last.nullifications;
    counts->reproposals += node->last.reproposals;
    node->last = (struct consensus_view){0};
}

void sim_stop(struct sim_node *node)
{
    struct sim *sim = node->sim;
    sim_count_life(node);
    replica_free(node->replica);
    node->replica = NULL;
    node->running = false;
    node->fuse = 0;
    node->blown = false;
    node->deadline_ms = UINT64_MAX;
    node->life++;
    node->restart_ms = UINT64_MAX;
    for (uint32_t i = 0; i < sim->slots; i++) {
        sim->up[node->slot][i] = false;
    }
}

void sim_link(struct sim *sim, uint32_t a, uint32_t b, bool up)
{
    struct sim_node *node = &sim->nodes[a];
    const struct sim_node *peer = &sim->nodes[b];
    const uint32_t slot = node->slot_of_id[peer->id];
    if (node->id == peer->id || !node->running || sim->up[a][b] == up || slot == PEER_NONE ||
        (up && (!peer->running || peer->slot_of_id[node->id] == PEER_NONE || sim->cut[a][b] ||
                sim->cut[b][a]))) {
        return;
    }
    sim->up[a][b] = up;
    sim_begin(node);
    if (up) {
        replica_peer_up(node->replica, slot);
    } else {
        replica_peer_down(node->replica, slot);
    }
    sim_end(node);
}

static enum sim_actor_kind draw_actor(struct sim *sim, uint64_t mode)
{
    if (sim->options.beyond && mode < 6) {
        return SIM_TWIN;
    }
    if (sim->options.beyond && mode < 9) {
        return SIM_EQUIVOCATOR;
    }
    return (enum sim_actor_kind)prng_below(&sim->prng, (uint64_t)SIM_ACTOR_COUNT);
}

/* The second copy of a twin reaches second copies, and is reached by who is routed to it. */
static void add_twin(struct sim *sim, struct sim_node *node)
{
    struct sim_node *copy = &sim->nodes[sim->slots];
    CHECK(sim->slots < SIM_SLOTS_MAX);
    copy->id = node->id;
    copy->faulty = true;
    copy->actor_kind = SIM_TWIN;
    copy->actor = &ACTOR_TWIN;
    sim->twin_of[node->id] = sim->slots;
    sim->twin_routes[node->slot] = 1;
    sim->twin_routes[sim->slots] = 2;
    sim->slots++;
}

static void draw_actors(struct sim *sim)
{
    /* Those that forget count among the f, so in part of the runs a place is kept for one. */
    const uint32_t spared = !sim->options.beyond && sim_chance(sim, 300) ? 1 : 0;
    const uint32_t liars_max = sim->faulty_max - spared;
    uint32_t wanted = (uint32_t)prng_below(&sim->prng, liars_max + 1);
    if (wanted == 0 && liars_max > 0 && sim_chance(sim, 400)) {
        wanted = 1;
    }
    if (sim->options.beyond) {
        wanted = sim->faulty_max + 1;
    }
    const uint64_t mode = prng_below(&sim->prng, 10);
    while (sim->faulty_count < wanted) {
        struct sim_node *node = &sim->nodes[prng_below(&sim->prng, sim->count)];
        if (node->faulty) {
            continue;
        }
        node->faulty = true;
        node->actor_kind = draw_actor(sim, mode);
        node->actor = ACTORS[node->actor_kind];
        sim->result->actors[node->actor_kind].runs++;
        sim->faulty |= 1u << node->id;
        sim->faulty_count++;
        sim_tell(sim, "node %u is a %s", node->slot, node->actor->name);
        if (node->actor_kind == SIM_TWIN) {
            add_twin(sim, node);
        }
    }
    const bool forgets =
        sim->faulty_count < sim->faulty_max && (spared > 0 || sim_chance(sim, 500));
    sim->forget_left = forgets ? sim->faulty_max - sim->faulty_count : 0;
}

static void draw_size(struct sim *sim)
{
    /* Small networks are where f is tight, and cheap: half of all seeds. */
    sim->count = sim_chance(sim, 500) ? 4 + (uint32_t)prng_below(&sim->prng, 4)
                                      : 4 + (uint32_t)prng_below(&sim->prng, SIM_NODES_MAX - 3);
    if (sim->options.beyond) {
        /* Only here do f+1 faulty suffice for a fork: n = 3f+1. */
        sim->count = 4 + 3 * (uint32_t)prng_below(&sim->prng, 3);
    }
    sim_fill_genesis(&sim->genesis, sim->count, &sim->prng);
    sim->chain_id = genesis_file_chain_id(&sim->genesis);
    lineage_single(&sim->lineage, &sim->genesis, &sim->chain_id);
    sim->faulty_max = faulty_max_of(sim->count);
    sim->ids = sim->count;
    sim_draw_change(sim);
    sim->slots = sim->ids;
}

/* The validators of epoch 1, as a ledger of genesis has them. */
static void note_genesis(struct sim *sim)
{
    struct validator_set set;
    memset(&set, 0, sizeof set);
    set.epoch = 1;
    set.count = sim->count;
    for (uint32_t i = 0; i < sim->count; i++) {
        const struct genesis_validator *from = &sim->genesis.validators[i];
        set.members[i] = (struct validator){.key = from->key,
                                            .transport_key = from->transport_key,
                                            .participant = from->participant};
    }
    validators_seal(&set);
    sim_note_epoch(sim, &set);
}

struct sim *sim_new(const struct sim_options *options, struct sim_result *result)
{
    /* Large buffers that every seed of a process uses in turn. */
    static uint8_t frame_buffer[SIM_FRAME_MAX];
    static _Alignas(16) uint8_t arena[PEER_ARENA_BYTES];
    static _Alignas(16) uint8_t answer_arena[CLIENT_ANSWER_ARENA_BYTES];
    static struct hash finals[SIM_HEIGHTS_MAX], final_batches[SIM_FINAL_BATCHES];
    struct sim *sim = sim_array(1, sizeof *sim);
    sim->options = *options;
    sim->result = result;
    sim->prng = prng_seeded(options->seed);
    sim->frame_buffer = frame_buffer;
    sim->arena = arena;
    sim->answer_arena = answer_arena;
    sim->watch.finals = finals;
    memset(final_batches, 0, sizeof final_batches);
    sim->watch.final_batches = final_batches;
    draw_size(sim);
    sim_tell(sim, "seed %llu: %u validators of %u nodes", (unsigned long long)options->seed,
             sim->count, sim->ids);
    for (uint32_t i = 0; i < SIM_SLOTS_MAX; i++) {
        struct sim_node *node = &sim->nodes[i];
        node->sim = sim;
        node->slot = i;
        node->id = i;
        for (uint32_t id = 0; id < SIM_KEYS_MAX; id++) {
            node->slot_of_id[id] = PEER_NONE;
        }
        node->deadline_ms = UINT64_MAX;
        node->restart_ms = UINT64_MAX;
        sim->twin_routes[i] = (uint8_t)(1 + prng_below(&sim->prng, 3));
    }
    draw_actors(sim);
    note_genesis(sim);
    sim_draw_mood(sim);
    for (uint32_t i = 0; i < sim->slots; i++) {
        memory_store_init(&sim->nodes[i].store, STORE_TABLE_COUNT);
        sim->nodes[i].vote_register = (struct vote_register){.chain_id = sim->chain_id, .epoch = 1};
    }
    for (uint32_t i = 0; i < sim->slots && !sim->over; i++) {
        sim_start(&sim->nodes[i]);
    }
    /* The genesis block is final by definition. */
    uint8_t key[8] = {0};
    static struct block_row row;
    struct span value;
    CHECK(memory_store_get(&sim->nodes[0].store, STORE_BLOCKS, key, sizeof key, &value));
    CHECK(row_block_decode(value, &row) == STATUS_OK);
    finals[0] = row.hash;
    return sim;
}

void sim_free(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->slots; i++) {
        struct sim_node *node = &sim->nodes[i];
        if (node->running) {
            sim_stop(node);
        }
        memory_store_end(&node->store);
        if (node->has_snapshot) {
            memory_store_end(&node->snapshot);
        }
        free(node->outbox);
        free(node->replies);
    }
    for (size_t i = 0; i < sim->queue_count; i++) {
        sim_event_free(&sim->queue[i]);
    }
    for (uint32_t i = 0; i < SIM_OLD_FRAMES; i++) {
        sim_frame_drop(sim->old[i]);
    }
    free(sim->queue);
    for (uint32_t i = 0; i < sim->watch.epoch_count; i++) {
        free(sim->watch.epochs[i].views);
    }
    genesis_free(&sim->genesis);
    free(sim);
}
