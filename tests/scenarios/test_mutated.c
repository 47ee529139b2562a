/*
 * Directed test 12 over whole runs (the single messages are in tests/unit/consensus/test_rules.c
 * and test_proposals.c): one validator's messages are changed a little and signed again with its
 * own key, as ByzzFuzz does: view, epoch or parent view one up or down, another block's hash, an
 * old message once more, its vote with another body.
 *
 * What it attacks: checks that trust a field because another one is right. What stands against it:
 * the signed preimage binds chain, epoch, set, view and candidate; a body must be that of the
 * signed hash; and every rule looks at its own fields.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/scenarios/scenario.h"

#define OLD_MESSAGES 32

struct mutator {
    struct vote old[OLD_MESSAGES];
    uint32_t old_count;
    uint64_t mutated, repeated, swapped;
};

static uint64_t below(struct net *net, uint64_t bound)
{
    return prng_below(&net->prng, bound);
}

static void send_vote(struct net *net, const struct vote *vote, uint32_t to)
{
    const struct effect effect = {.kind = EFFECT_SEND_VOTE, .peer = to, .vote = vote};
    net_send(net, net->config.byzantine, to, &effect);
}

/* One field of a vote changed, and the vote signed again. */
static void change(struct net *net, struct vote *vote)
{
    const uint64_t up = 2 * below(net, 2); /* 0 or 2: one down or up */
    switch (below(net, 4)) {
    case 0:
        vote->view += up - 1;
        break;
    case 1:
        vote->epoch += up - 1;
        break;
    case 2:
        vote->candidate.parent_view += up - 1;
        break;
    default: {
        const struct net_block *block = net->blocks.items[below(net, net->blocks.count)];
        vote->candidate.block_hash = block->block.hash;
        break;
    }
    }
    net_sign(net, vote);
}

static void mutate_proposal(struct net *net, struct mutator *mutator,
                            const struct proposal *proposal, uint32_t to)
{
    struct proposal changed = *proposal;
    if (proposal->has_block && below(net, 3) == 0) {
        /* The vote as it is, over the body of another block. */
        struct consensus_block fields = proposal->block;
        fields.timestamp_ms++;
        changed.block = net_make_block(net, &fields, true)->block;
        mutator->swapped++;
    } else {
        change(net, &changed.vote);
    }
    const struct effect effect = {.kind = EFFECT_SEND_PROPOSAL, .peer = to, .proposal = &changed};
    net_send(net, net->config.byzantine, to, &effect);
}

static bool mutate(struct net *net, const struct effect *effect, uint32_t from, uint32_t to)
{
    struct mutator *mutator = net->filter_context;
    if (from != net->config.byzantine || net->blocks.count == 0 || below(net, 2) == 0) {
        return false;
    }
    if (mutator->old_count > 0 && below(net, 3) == 0) {
        send_vote(net, &mutator->old[below(net, mutator->old_count)], to);
        mutator->repeated++;
    }
    if (effect->kind == EFFECT_SEND_VOTE) {
        struct vote changed = *effect->vote;
        mutator->old[mutator->old_count < OLD_MESSAGES ? mutator->old_count++
                                                       : below(net, OLD_MESSAGES)] = changed;
        change(net, &changed);
        send_vote(net, &changed, to);
        mutator->mutated++;
        return true;
    }
    if (effect->kind == EFFECT_SEND_PROPOSAL) {
        mutate_proposal(net, mutator, effect->proposal, to);
        mutator->mutated++;
        return true;
    }
    return false;
}

static void run(uint32_t count, uint64_t seed, struct mutator *mutator)
{
    mutator->old_count = 0;
    struct net_config config = scenario_config(count, seed);
    config.byzantine = (uint32_t)(seed % count);
    config.scripted = true;
    struct net *net = net_new(&config);
    net->filter = mutate;
    net->filter_context = mutator;
    if (!net_run_to_height(net, 30, 5 * MINUTE_MS)) {
        fail_msg("seed %llu: height %llu; %s", (unsigned long long)seed,
                 (unsigned long long)net_lowest_height(net), net->violation);
    }
    net->filter = NULL;
    scenario_goes_on(net, 5, "mutated messages");
    scenario_end(net, "mutated messages");
}

static void test_12_mutated_messages_signed_again(void **state)
{
    (void)state;
    static struct mutator mutator;
    const uint64_t first = scenario_number("HEFU_SEED", 1);
    for (uint64_t seed = first; seed < first + 40; seed++) {
        run(seed % 3 == 0 ? 7 : 4, seed, &mutator);
    }
    print_message("%llu messages mutated, %llu repeated, %llu bodies swapped\n",
                  (unsigned long long)mutator.mutated, (unsigned long long)mutator.repeated,
                  (unsigned long long)mutator.swapped);
    assert_true(mutator.mutated > 1000 && mutator.repeated > 100 && mutator.swapped > 50);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_12_mutated_messages_signed_again)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
