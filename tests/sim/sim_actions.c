/*
 * sim_actions: what participants of the simulated network decide while it runs: limits, standing
 * (a bank that a default suspended comes back), parameters, second keys, and cycles: closing,
 * extending, and the agent's word about an instructed one. One proposes, others approve later.
 */
#include <string.h>

#include "ledger/action.h"
#include "ledger/state.h"
#include "tests/sim/sim_state.h"
#include "tests/support/action_batch.h"
#include "tests/support/replica_net_state.h"

#define BANK_FIRST 3u
#define POLICY_LAPSE_S 60
#define CYCLE_CLOSE 1u
#define CYCLE_EXTEND 2u
#define CYCLE_CONFIRM 3u
#define CYCLE_CANCEL 4u
#define KEY_ADD 1u

void sim_fill_policies(struct genesis *genesis)
{
    for (uint32_t i = 0; i < POLICY_COUNT; i++) {
        genesis->parameters.policies[i] =
            (struct action_policy){.kind = (uint16_t)(POLICY_KIND_FIRST + i),
                                   .approvals = 2,
                                   .proposers = ROLE_OPERATOR | ROLE_BANK,
                                   .approvers = ROLE_OPERATOR | ROLE_BANK | ROLE_NETWORK,
                                   .lapse_s = POLICY_LAPSE_S};
    }
}

static uint32_t any_bank(struct sim *sim)
{
    return BANK_FIRST + (uint32_t)prng_below(&sim->prng, PARTICIPANTS - 2);
}

static void head(struct writer *writer, enum action_kind kind)
{
    writer_u16(writer, ACTION_VERSION);
    writer_u16(writer, (uint16_t)kind);
    writer_u32(writer, 0);
}

static void change_limit(struct sim *sim, struct writer *writer)
{
    const struct genesis_limit limit = {.participant = any_bank(sim),
                                        .currency = CURRENCY_CNY,
                                        .flags = sim_chance(sim, 250) ? LIMIT_COVERED : 0,
                                        .cap = prng_below(&sim->prng, 400000)};
    head(writer, ACTION_LIMIT);
    genesis_encode_limit(&limit, writer);
}

static void change_standing(struct sim *sim, struct writer *writer)
{
    head(writer, ACTION_STANDING);
    writer_u32(writer, any_bank(sim));
    writer_u32(writer, sim_chance(sim, 150) ? STANDING_SUSPENDED : STANDING_ACTIVE);
}

static void change_parameters(struct sim *sim, struct writer *writer)
{
    struct parameters parameters = sim->genesis.parameters;
    parameters.queue_max = 1 + (uint32_t)prng_below(&sim->prng, 20);
    parameters.queue_quota = 1 + (uint32_t)prng_below(&sim->prng, parameters.queue_max);
    parameters.fund_share_ppm = (uint32_t)prng_below(&sim->prng, 1000001);
    head(writer, ACTION_PARAMETERS);
    genesis_encode_parameters(&parameters, writer);
}

static void add_key(struct sim *sim, struct writer *writer)
{
    const struct public_key key = {{0x77, (uint8_t)prng_below(&sim->prng, 256)}};
    head(writer, ACTION_KEYS);
    writer_u32(writer, any_bank(sim));
    writer_u32(writer, 1);
    writer_u32(writer, KEY_ADD);
    writer_u32(writer, 2 + (uint32_t)prng_below(&sim->prng, 4));
    writer_u32(writer, PERMISSION_ACT);
    writer_u32(writer, 0);
    writer_copy(writer, &key, sizeof key);
}

/* A cycle of the node's ledger in that state, or NULL. */
static const struct cycle_row *cycle_in(struct sim *sim, const struct sim_node *node,
                                        enum cycle_state state)
{
    const struct cycles *cycles = &node->replica->ledger->cycles;
    const uint32_t from = (uint32_t)prng_below(&sim->prng, cycles->count);
    for (uint32_t i = 0; i < cycles->count; i++) {
        const struct cycle_row *row = &cycles->rows[(from + i) % cycles->count];
        if (row->state == state) {
            return row;
        }
    }
    return NULL;
}

static bool order_cycle(struct sim *sim, struct writer *writer)
{
    const struct hash none = {{0}};
    const struct sim_node *node = sim_running_node(sim);
    if (node == NULL || node->replica->ledger->speculative) {
        return false;
    }
    const struct cycle_row *row = cycle_in(sim, node, CYCLE_INSTRUCTED);
    if (row == NULL && sim_chance(sim, 500)) {
        row = cycle_in(sim, node, CYCLE_SHORT);
    }
    uint16_t op = sim_chance(sim, 250) ? CYCLE_CANCEL : CYCLE_CONFIRM;
    if (row == NULL) {
        row = cycle_in(sim, node, CYCLE_OPEN);
        op = sim_chance(sim, 300) ? CYCLE_EXTEND : CYCLE_CLOSE;
    }
    if (row == NULL) {
        return false;
    }
    head(writer, ACTION_CYCLE);
    writer_u16(writer, row->service);
    writer_u16(writer, op);
    writer_u32(writer, row->number);
    writer_u64(writer, op == CYCLE_EXTEND ? row->cutoff_ms + 1000 : 0);
    writer_copy(writer, op == CYCLE_CONFIRM ? &row->nets_hash : &none, HASH_BYTES);
    return true;
}

static void propose(struct sim *sim)
{
    uint8_t body[ACTION_BYTES_MAX];
    struct writer writer = writer_over(body, sizeof body);
    const uint64_t dice = prng_below(&sim->prng, 20);
    if (dice < 8) {
        if (!order_cycle(sim, &writer)) {
            return;
        }
    } else if (dice < 14) {
        change_standing(sim, &writer);
    } else if (dice < 17) {
        change_limit(sim, &writer);
    } else if (dice < 19) {
        change_parameters(sim, &writer);
    } else {
        add_key(sim, &writer);
    }
    CHECK(!writer.failed);
    struct sim_proposal *proposal = &sim->proposals[sim->proposal_count++ % SIM_PROPOSALS];
    proposal->by = any_bank(sim);
    sim_submit_body(sim, proposal->by, body, writer.used, &proposal->id);
}

static void answer(struct sim *sim, const struct sim_proposal *proposal)
{
    uint8_t body[ACTION_BYTES_MAX];
    struct hash ignored;
    const uint32_t by = 1 + (uint32_t)prng_below(&sim->prng, PARTICIPANTS);
    const struct action action =
        action_answering(sim_chance(sim, 100) ? ACTION_DISAPPROVE : ACTION_APPROVE, &proposal->id);
    sim_submit_body(sim, by, body, action_body(&action, body), &ignored);
}

void sim_decide(struct sim *sim)
{
    const uint32_t known =
        sim->proposal_count < SIM_PROPOSALS ? sim->proposal_count : SIM_PROPOSALS;
    if (sim_chance(sim, 80)) {
        propose(sim);
    }
    if (known > 0 && sim_chance(sim, 160)) {
        answer(sim, &sim->proposals[prng_below(&sim->prng, known)]);
    }
}
