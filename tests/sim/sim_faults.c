/*
 * sim_faults: what goes wrong, and healing. Each seed draws which kinds of fault it has and how
 * often, so that some runs have all of them and some only one.
 */
#include "tests/sim/sim_state.h"

enum fault {
    FAULT_CRASH,
    FAULT_FUSE,
    FAULT_TEAR,
    FAULT_WHOLE_CRASH,
    FAULT_SYMMETRIC,
    FAULT_ONE_WAY,
    FAULT_BRIDGE,
    FAULT_JOIN,
    FAULT_SKEW,
    FAULT_JUMP,
    FAULT_SLOW,
    FAULT_FLOOD,
    FAULT_FORGET,
    FAULT_SNAPSHOT,
    FAULT_LOSS,
    FAULT_REROUTE,
    FAULT_COUNT
};
_Static_assert(FAULT_COUNT <= SIM_FAULTS_MAX, "the mood has a weight for each");

/* An effect is a put, a register write, a frame ...: most passes have fewer than this. */
#define FUSE_MAX 60
#define FLOOD_FRAMES_MAX 120
#define SKEW_MS_MAX 1500
#define HOUR_MS 3600000
/* Faults before a store is copied, and until the copy comes back. */
#define COPY_FAULTS_MAX 6
#define ROLLBACK_FAULTS_MAX 12

/* Beyond f, halves of equal size: the split that two conflicting quorums need. */
static uint32_t draw_sides(struct sim *sim)
{
    uint32_t sides = (uint32_t)prng_next(&sim->prng);
    const uint32_t turn = (uint32_t)prng_below(&sim->prng, sim->count);
    uint32_t honest = 0;
    for (uint32_t i = 0; i < sim->count && sim->options.beyond; i++) {
        const uint32_t slot = (i + turn) % sim->count;
        if (!sim->nodes[slot].faulty) {
            sides = honest++ % 2 == 0 ? sides | 1u << slot : sides & ~(1u << slot);
        }
    }
    return sides;
}

/* Who reaches which copies of twins; beyond f, each half its own. */
static void route_twins(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->slots; i++) {
        if (sim->nodes[i].actor_kind == SIM_TWIN && sim->nodes[i].faulty) {
            continue;
        }
        const uint64_t route =
            sim->options.beyond ? sim->sides >> i & 1 : prng_below(&sim->prng, 3);
        sim->twin_routes[i] = (uint8_t)(1 + route);
    }
}

void sim_draw_mood(struct sim *sim)
{
    static const uint32_t usual[FAULT_COUNT] = {
        [FAULT_CRASH] = 6,     [FAULT_FUSE] = 20,    [FAULT_TEAR] = 10,  [FAULT_WHOLE_CRASH] = 3,
        [FAULT_SYMMETRIC] = 8, [FAULT_ONE_WAY] = 8,  [FAULT_BRIDGE] = 5, [FAULT_JOIN] = 22,
        [FAULT_SKEW] = 4,      [FAULT_JUMP] = 3,     [FAULT_SLOW] = 6,   [FAULT_FLOOD] = 4,
        [FAULT_FORGET] = 4,    [FAULT_SNAPSHOT] = 4, [FAULT_LOSS] = 4,   [FAULT_REROUTE] = 8};
    struct prng *prng = &sim->prng;
    struct sim_mood *mood = &sim->mood;
    mood->loss_permille = sim_chance(sim, 600) ? (uint32_t)prng_below(prng, 150) : 0;
    mood->duplicate_permille = sim_chance(sim, 500) ? (uint32_t)prng_below(prng, 100) : 0;
    mood->delay_ms = 1 + (uint32_t)prng_below(prng, sim_chance(sim, 500) ? 10 : 200);
    mood->tail_permille = sim_chance(sim, 300) ? (uint32_t)prng_below(prng, 100) : 0;
    mood->tail_ms = 1 + (uint32_t)prng_below(prng, 3000);
    mood->ordered = sim_chance(sim, 300);
    mood->fault_gap_ms = 50 + (uint32_t)prng_below(prng, 1500);
    mood->load_gap_ms = 20 + (uint32_t)prng_below(prng, sim_chance(sim, 500) ? 300 : 3000);
    for (uint32_t i = 0; i < FAULT_COUNT; i++) {
        mood->weights[i] = i == FAULT_JOIN || sim_chance(sim, 600) ? usual[i] : 0;
    }
    /* Few runs may have it at all, and many have few faults. */
    mood->copy_after = sim->forget_left > 0 && sim_chance(sim, 700)
                           ? 1 + (uint32_t)prng_below(prng, COPY_FAULTS_MAX)
                           : 0;
    if (sim->options.beyond) {
        mood->weights[FAULT_SYMMETRIC] = 40;
        mood->loss_permille = 0;
        mood->delay_ms = 10;
        mood->tail_permille = 0;
    }
    sim->sides = draw_sides(sim);
    route_twins(sim);
}

static struct sim_node *any_node(struct sim *sim)
{
    return &sim->nodes[prng_below(&sim->prng, sim->slots)];
}

static void crash_now(struct sim_node *node)
{
    struct sim *sim = node->sim;
    if (!node->running) {
        return;
    }
    sim_tell(sim, "node %u is killed", node->slot);
    sim->result->counts.crashes++;
    sim_stop(node);
    node->restart_ms = sim->now_ms + 1 + prng_below(&sim->prng, sim->healed ? 500 : 4000);
    for (uint32_t i = 0; i < sim->slots; i++) {
        if (sim_chance(sim, 700)) {
            sim_link(sim, i, node->slot, false);
        }
    }
}

static void light_fuse(struct sim_node *node)
{
    if (node->fuse == 0) {
        node->fuse = 1 + (uint32_t)prng_below(&node->sim->prng, FUSE_MAX);
    }
}

/* Half of the time all stop at once, as when the power fails; else each at an effect of its own. */
static void crash_all(struct sim *sim)
{
    const bool at_once = sim_chance(sim, 500);
    sim->result->counts.whole_crashes++;
    sim_tell(sim, "all nodes crash");
    for (uint32_t i = 0; i < sim->slots; i++) {
        if (at_once) {
            crash_now(&sim->nodes[i]);
        } else {
            light_fuse(&sim->nodes[i]);
        }
    }
}

static void cut(struct sim *sim, uint32_t a, uint32_t b)
{
    if (a == b || sim->cut[a][b]) {
        return;
    }
    /* Beyond f, the network is the adversary's: those who lie are never cut off. */
    if (sim->options.beyond && (sim->nodes[a].faulty || sim->nodes[b].faulty)) {
        return;
    }
    sim->cut[a][b] = true;
    /* A cut may be noticed, as a closed connection, or not at all. */
    if (sim_chance(sim, 400)) {
        sim_link(sim, b, a, false);
    }
}

static void join(struct sim *sim)
{
    for (uint32_t a = 0; a < sim->slots; a++) {
        for (uint32_t b = 0; b < sim->slots; b++) {
            sim->cut[a][b] = false;
        }
    }
    for (uint32_t a = 0; a < sim->slots; a++) {
        for (uint32_t b = 0; b < sim->slots; b++) {
            sim_link(sim, a, b, true);
        }
    }
}

static void part(struct sim *sim, enum fault kind)
{
    const uint32_t sides = draw_sides(sim);
    sim->sides = sides;
    if (sim->options.beyond) {
        route_twins(sim);
    }
    const uint32_t bridge = (uint32_t)prng_below(&sim->prng, sim->slots);
    for (uint32_t a = 0; a < sim->slots; a++) {
        for (uint32_t b = 0; b < sim->slots; b++) {
            const bool apart = (sides >> a & 1) != (sides >> b & 1);
            if (kind == FAULT_ONE_WAY
                    ? (apart && (sides >> a & 1) != 0)
                    : apart && (kind == FAULT_SYMMETRIC || (a != bridge && b != bridge))) {
                cut(sim, a, b);
            }
        }
    }
    sim_tell(sim, "the network parts: kind %d, sides %x", (int)kind, sides);
    sim->result->counts.symmetric += kind == FAULT_SYMMETRIC;
    sim->result->counts.one_way += kind == FAULT_ONE_WAY;
    sim->result->counts.bridges += kind == FAULT_BRIDGE;
}

/* Clocks differ by little everywhere, and by hours at f validators at most. */
static void set_clock(struct sim *sim, bool jump)
{
    struct sim_node *node = any_node(sim);
    struct prng *prng = &sim->prng;
    if (jump && (node->faulty || node->id < sim->faulty_max)) {
        node->clock_ms = (int64_t)prng_below(prng, 2 * HOUR_MS) - HOUR_MS;
    } else {
        node->clock_ms = (int64_t)prng_below(prng, SKEW_MS_MAX) - SKEW_MS_MAX / 2;
    }
    sim->result->counts.jumps += jump;
    sim->result->counts.skews += !jump;
    sim_tell(sim, "node %u: clock off by %lld ms", node->slot, (long long)node->clock_ms);
}

/* Old frames of anybody, once more and all at once, as from one peer: a full inbox. */
static void flood(struct sim *sim)
{
    struct sim_node *from = any_node(sim);
    struct sim_node *to = any_node(sim);
    const uint64_t count = 1 + prng_below(&sim->prng, FLOOD_FRAMES_MAX);
    if (from->id == to->id || !to->running) {
        return;
    }
    sim->result->counts.floods++;
    sim_tell(sim, "node %u floods node %u with %u frames", from->slot, to->slot, (unsigned)count);
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t place = prng_below(&sim->prng, SIM_OLD_FRAMES);
        if (sim->old[place] == NULL) {
            continue;
        }
        /* Honest validators repeat what is theirs; only a faulty one repeats what is others'. */
        if (!from->faulty && sim->old_from[place] != from->id) {
            continue;
        }
        struct sim_event event = {.kind = SIM_FRAME,
                                  .from = (uint8_t)from->id,
                                  .to = (uint8_t)to->slot,
                                  .life = to->life,
                                  .due_ms = sim->now_ms + prng_below(&sim->prng, 3),
                                  .frame = sim_frame_share(sim->old[place])};
        sim_push(sim, &event);
        sim->result->counts.flood_frames++;
    }
}

static bool may_forget(struct sim *sim, const struct sim_node *node)
{
    return !node->faulty && (node->forgot || sim->forget_left > 0);
}

static void count_as_forgetful(struct sim_node *node)
{
    if (!node->forgot) {
        CHECK(node->sim->forget_left > 0);
        node->sim->forget_left--;
    }
    node->forgot = true;
}

static void note_forgot(struct sim_node *node)
{
    count_as_forgetful(node);
    node->seen_height = 0;
    node->seen_epoch = 0;
    node->seen_view = 0;
    node->seen_final_view = 0;
    node->pending_count = 0;
}

/* The register goes with the store: lost, or back to the same snapshot. Then the node starts with
   --rejoin. */
static void lose_register(struct sim_node *node, const struct vote_register *earlier)
{
    const struct vote_register blank = {.chain_id = node->sim->chain_id};
    node->vote_register = earlier == NULL ? blank : *earlier;
    node->vote_register.rejoining = true;
    node->vote_register.behind = false;
    node->sim->result->counts.registers++;
    sim_tell(node->sim, "node %u has lost its register, and rejoins", node->slot);
}

/* The data directory is lost; the register, beside the key, may stay. */
static void lose_store(struct sim *sim)
{
    struct sim_node *node = any_node(sim);
    if (!may_forget(sim, node)) {
        return;
    }
    crash_now(node);
    note_forgot(node);
    memory_store_end(&node->store);
    memory_store_init(&node->store, STORE_TABLE_COUNT);
    sim->result->counts.wipes++;
    sim_tell(sim, "node %u has lost its store", node->slot);
    if (sim_chance(sim, 500)) {
        lose_register(node, NULL);
    }
}

/* A copy of a data directory is taken, as with a virtual machine, and comes back some faults later;
   by then the node counts among those that forget. */
static void snapshot(struct sim *sim)
{
    const uint32_t first = (uint32_t)prng_below(&sim->prng, sim->slots);
    for (uint32_t i = 0; i < sim->slots; i++) {
        struct sim_node *node = &sim->nodes[(first + i) % sim->slots];
        if (may_forget(sim, node) && node->running && !node->has_snapshot) {
            count_as_forgetful(node);
            memory_store_copy(&node->store, &node->snapshot);
            node->register_snapshot = node->vote_register;
            node->has_snapshot = true;
            node->rollback_ms = sim->now_ms + prng_below(&sim->prng, (uint64_t)ROLLBACK_FAULTS_MAX *
                                                                         sim->mood.fault_gap_ms);
            sim->result->counts.copies++;
            sim_tell(sim, "the store of node %u is copied", node->slot);
            return;
        }
    }
}

/* The earlier store is back; mostly the register, which stands elsewhere, is not. */
static void roll_back(struct sim_node *node)
{
    struct sim *sim = node->sim;
    crash_now(node);
    note_forgot(node);
    memory_store_end(&node->store);
    node->store = node->snapshot;
    node->has_snapshot = false;
    sim->result->counts.rollbacks++;
    sim_tell(sim, "node %u is back at an earlier store", node->slot);
    if (sim_chance(sim, 300)) {
        lose_register(node, &node->register_snapshot);
    } else {
        sim->result->counts.kept++;
    }
}

/* All copies come back before the network heals. */
static void roll_back_due(struct sim *sim, bool all)
{
    for (uint32_t i = 0; i < sim->slots; i++) {
        struct sim_node *node = &sim->nodes[i];
        if (node->has_snapshot && (all || node->rollback_ms <= sim->now_ms)) {
            roll_back(node);
        }
    }
}

static void slow(struct sim *sim)
{
    struct sim_node *node = any_node(sim);
    node->slow_ms = node->slow_ms > 0 ? 0 : (uint32_t)prng_below(&sim->prng, 2000);
    sim->result->counts.slow += node->slow_ms > 0;
}

static enum fault draw_fault(struct sim *sim)
{
    uint32_t total = 0;
    for (uint32_t i = 0; i < FAULT_COUNT; i++) {
        total += sim->mood.weights[i];
    }
    uint64_t drawn = prng_below(&sim->prng, total);
    for (uint32_t i = 0; i < FAULT_COUNT; i++) {
        if (drawn < sim->mood.weights[i]) {
            return (enum fault)i;
        }
        drawn -= sim->mood.weights[i];
    }
    return FAULT_JOIN;
}

static void happen(struct sim *sim, enum fault fault)
{
    switch (fault) {
    case FAULT_CRASH:
        crash_now(any_node(sim));
        return;
    case FAULT_FUSE:
        light_fuse(any_node(sim));
        return;
    case FAULT_TEAR:
        any_node(sim)->tear = true;
        return;
    case FAULT_WHOLE_CRASH:
        crash_all(sim);
        return;
    case FAULT_SYMMETRIC:
    case FAULT_ONE_WAY:
    case FAULT_BRIDGE:
        part(sim, fault);
        return;
    case FAULT_JOIN:
    case FAULT_COUNT:
        join(sim);
        return;
    case FAULT_SKEW:
    case FAULT_JUMP:
        set_clock(sim, fault == FAULT_JUMP);
        return;
    case FAULT_SLOW:
        slow(sim);
        return;
    case FAULT_FLOOD:
        flood(sim);
        return;
    case FAULT_FORGET:
        lose_store(sim);
        return;
    case FAULT_SNAPSHOT:
        snapshot(sim);
        return;
    case FAULT_LOSS:
        sim->mood.loss_permille = (uint32_t)prng_below(&sim->prng, 400);
        return;
    case FAULT_REROUTE:
        route_twins(sim);
        return;
    }
}

void sim_fault(struct sim *sim)
{
    sim->next_fault_ms = sim->now_ms + 1 + prng_below(&sim->prng, 2ull * sim->mood.fault_gap_ms);
    if (sim->options.beyond && sim_chance(sim, 700)) {
        /* Two halves that the faulty alone connect, until all are told of both. */
        part(sim, FAULT_SYMMETRIC);
        sim->next_fault_ms = UINT64_MAX;
    } else if (!sim->healed) {
        roll_back_due(sim, false);
        if (sim->mood.copy_after > 0 && --sim->mood.copy_after == 0) {
            snapshot(sim);
        }
        happen(sim, draw_fault(sim));
    }
}

void sim_restart_due(struct sim *sim)
{
    for (uint32_t i = 0; i < sim->slots && !sim->over; i++) {
        if (!sim->nodes[i].running && sim->nodes[i].restart_ms <= sim->now_ms) {
            sim_tell(sim, "node %u starts", i);
            if (!sim->healed && sim_chance(sim, 150)) {
                light_fuse(&sim->nodes[i]); /* a crash while it starts */
            }
            sim_start(&sim->nodes[i]);
        }
    }
}

void sim_heal(struct sim *sim)
{
    struct sim_mood *mood = &sim->mood;
    roll_back_due(sim, true);
    sim_tell(sim, "the network heals");
    sim->healed = true;
    mood->loss_permille = 0;
    mood->duplicate_permille = 0;
    mood->delay_ms = 1 + (uint32_t)prng_below(&sim->prng, 20);
    mood->tail_permille = 0;
    mood->load_gap_ms = 40;
    sim->next_load_ms = sim->now_ms;
    for (uint32_t i = 0; i < sim->slots; i++) {
        struct sim_node *node = &sim->nodes[i];
        node->fuse = 0;
        node->tear = false;
        node->slow_ms = 0;
        node->clock_ms = 0;
        if (!node->running && node->restart_ms != UINT64_MAX) {
            node->restart_ms = sim->now_ms + 1 + prng_below(&sim->prng, 500);
        }
    }
    join(sim);
    for (uint32_t i = 0; i < sim->slots && sim->options.beyond; i++) {
        sim->twin_routes[i] = sim->nodes[i].faulty ? sim->twin_routes[i] : 3;
    }
    if (sim_chance(sim, 300)) {
        sim->result->counts.whole_crashes++;
        sim_tell(sim, "all nodes crash a last time");
        for (uint32_t i = 0; i < sim->slots; i++) {
            crash_now(&sim->nodes[i]);
        }
    }
}
