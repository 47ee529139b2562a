/*
 * sim_load: clients: batches given to one node or several, repeated, short-lived, badly signed; and
 * what they are told. An Accepted is a promise: at the end of the run the batch is final or pooled
 * at an honest node, or the chain's time has passed its expiry.
 */
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim_state.h"
#include "tests/support/replica_net_state.h"

#define BLOCK_RECORDS 64

void sim_fill_genesis(struct genesis *genesis, uint32_t nodes, struct prng *prng)
{
    static const uint32_t intervals[] = {500, 2000, 30000};
    net_fill_genesis(genesis, nodes);
    sim_fill_products(genesis, prng);
    sim_fill_policies(genesis);
    genesis->block_records = BLOCK_RECORDS;
    genesis->empty_interval_ms = intervals[prng_below(prng, 3)];
    genesis->block_interval_ms = prng_below(prng, 4) == 0 ? 200 : 0;
}

static void request(struct sim_node *node, const struct client_message *message)
{
    struct sim *sim = node->sim;
    size_t length = client_encoded_bound(message);
    CHECK(length <= SIM_FRAME_MAX);
    CHECK(client_encode(message, sim->frame_buffer, SIM_FRAME_MAX, &length) == STATUS_OK);
    const struct sim_event event = {.kind = SIM_REQUEST,
                                    .to = (uint8_t)node->slot,
                                    .life = node->life,
                                    .due_ms = sim->now_ms + 1 + prng_below(&sim->prng, 20),
                                    .frame = sim_frame_new(sim->frame_buffer, length)};
    sim_push(sim, &event);
}

void sim_submit(struct sim_node *node, const uint8_t *batch, size_t length)
{
    const struct client_message message = {.kind = CLIENT_SUBMIT,
                                           .request = ++node->sim->request,
                                           .submit = {.batch = {.data = batch, .length = length}}};
    struct sim *sim = node->sim;
    struct batch_header header;
    memcpy(&header, batch, sizeof header);
    sim->filed[sim->filed_count++ % SIM_FILED_MAX] =
        (struct sim_promise){.batch_id = batch_id(&header), .expires_ms = header.expires_ms};
    sim->result->counts.submits++;
    request(node, &message);
}

struct sim_node *sim_running_node(struct sim *sim)
{
    for (uint32_t tries = 0; tries < 8; tries++) {
        struct sim_node *node = &sim->nodes[prng_below(&sim->prng, sim->slots)];
        if (node->running && !(sim->healed && node->faulty)) {
            return node;
        }
    }
    return NULL;
}

void sim_load(struct sim *sim)
{
    struct record records[SIM_BATCH_RECORDS];
    struct prng *prng = &sim->prng;
    struct sim_counts *counts = &sim->result->counts;
    sim->next_load_ms = sim->now_ms + 1 + prng_below(prng, 2ull * sim->mood.load_gap_ms);
    sim_change_step(sim);
    sim_decide(sim);
    struct sim_node *node = sim_running_node(sim);
    if (node == NULL) {
        return;
    }
    /* Now and then an old number: the same records, in a batch of their own. */
    const uint64_t number = sim->batch_number > 0 && sim_chance(sim, 30)
                                ? prng_below(prng, sim->batch_number)
                                : sim->batch_number++;
    const uint32_t submitter = sim_submitter(number);
    const uint32_t count = 1 + (uint32_t)prng_below(prng, SIM_BATCH_RECORDS);
    const bool brief = !sim->healed && sim_chance(sim, 50);
    sim_fill_records(number, records, count);
    const struct net_batch_terms terms = {
        .chain_id = sim->chain_id,
        .submitter = submitter,
        .created_ms = SIM_WALL_MS + sim->now_ms,
        .expires_ms = SIM_WALL_MS + sim->now_ms +
                      (brief ? 500 + prng_below(prng, 8000) : LIMIT_BATCH_LIFE_MS)};
    size_t length;
    uint8_t *batch = net_make_batch(&terms, records, count, &length);
    if (sim_chance(sim, 10)) {
        batch[BATCH_HEADER_BYTES] ^= 1;
    }
    counts->short_lived += brief;
    sim_submit(node, batch, length);
    if (sim_chance(sim, 150)) {
        counts->same_submits++;
        for (uint32_t i = 0; i < 3; i++) {
            struct sim_node *other = sim_running_node(sim);
            if (other != NULL) {
                sim_submit(other, batch, length);
            }
        }
    }
    free(batch);
}

static bool has_row(const struct sim_node *node, enum store_table table, const void *key,
                    size_t length)
{
    struct span row;
    return memory_store_get(&node->store, (unsigned)table, key, length, &row);
}

/* Final, or pooled with the mark that makes a restart take it up again. */
static bool holds(const struct sim_node *node, const struct hash *id)
{
    uint8_t pending[1 + HASH_BYTES] = {'p'};
    memcpy(pending + 1, id->bytes, HASH_BYTES);
    return has_row(node, STORE_BATCHES, id->bytes, HASH_BYTES) &&
           (has_row(node, STORE_BATCH_PLACE, id->bytes, HASH_BYTES) ||
            has_row(node, STORE_META, pending, sizeof pending));
}

/* Whoever says Accepted holds the batch durably, unless the chain's time has passed its expiry. */
static void keep_promise(struct sim_node *node, const struct hash *id)
{
    struct sim *sim = node->sim;
    for (uint64_t i = sim->filed_count; i > 0 && i + SIM_FILED_MAX > sim->filed_count; i--) {
        const struct sim_promise *filed = &sim->filed[(i - 1) % SIM_FILED_MAX];
        if (!hash_equal(&filed->batch_id, id)) {
            continue;
        }
        if (node->replica->final_header.timestamp_ms >= filed->expires_ms) {
            return;
        }
        if (!holds(node, id)) {
            sim_violation(sim, "accepted", "node %u accepts a batch that it does not hold",
                          node->slot);
        }
        CHECK(sim->promise_count < SIM_PROMISES_MAX);
        sim->promises[sim->promise_count++] = *filed;
        return;
    }
    sim_violation(sim, "accepted", "node %u accepts a batch that nobody filed", node->slot);
}

void watch_promises(struct sim *sim)
{
    for (uint32_t p = 0; p < sim->promise_count && !sim->over; p++) {
        const struct sim_promise *promise = &sim->promises[p];
        bool kept = false;
        for (uint32_t i = 0; i < sim->slots && !kept; i++) {
            const struct sim_node *node = &sim->nodes[i];
            kept = !node->faulty && node->running &&
                   (holds(node, &promise->batch_id) ||
                    node->replica->final_header.timestamp_ms >= promise->expires_ms);
        }
        if (!kept) {
            sim_violation(sim, "accepted", "an accepted batch is neither final nor held");
        }
    }
}

void sim_answered(struct sim_node *node, const struct sim_frame *frame)
{
    struct sim *sim = node->sim;
    struct arena arena = arena_over(sim->answer_arena, CLIENT_ANSWER_ARENA_BYTES);
    struct client_message answer;
    struct sim_counts *counts = &sim->result->counts;
    CHECK(client_decode(frame->bytes, frame->length, &arena, LIMIT_VALIDATORS, &answer, NULL) ==
          STATUS_OK);
    counts->refused += answer.kind == CLIENT_REFUSED;
    counts->expired += answer.kind == CLIENT_EXPIRED;
    if (answer.kind != CLIENT_ACCEPTED) {
        return;
    }
    counts->accepted++;
    if (!node->faulty && !sim->options.beyond) {
        keep_promise(node, &answer.accepted.batch_id);
    }
    if (sim_chance(sim, 100)) {
        const struct client_message message = {
            .kind = CLIENT_AWAIT,
            .request = ++sim->request,
            .await = {.batch_id = answer.accepted.batch_id, .wait_ms = 5000}};
        request(node, &message);
    }
}
