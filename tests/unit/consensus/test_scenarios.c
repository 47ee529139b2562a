/*
 * Directed runs of several machines: the situations in which earlier designs of this kind stalled
 * or signed twice (docs/consensus.md). Each ends with the network going on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/support/consensus_net.h"

#define MINUTE_MS UINT64_C(60000)

static struct net *open_net(uint32_t count, uint64_t seed)
{
    const struct net_config config = {.count = count,
                                      .seed = seed,
                                      .byzantine = NET_NOBODY,
                                      .delta_ms = 100,
                                      .empty_interval_ms = 2000,
                                      .delay_max_ms = 10};
    return net_new(&config);
}

static void assert_goes_on(struct net *net, uint64_t heights)
{
    net_heal(net);
    const uint64_t target = net->finals.count + heights;
    if (!net_run_to_height(net, target, net->now_ms + 5 * MINUTE_MS)) {
        fail_msg("seed %llu: height %llu of %llu; %s", (unsigned long long)net->config.seed,
                 (unsigned long long)net_lowest_height(net), (unsigned long long)target,
                 net->violation);
    }
}

static uint32_t leader_now(const struct net *net, uint32_t node)
{
    struct consensus_view view;
    consensus_inspect(net->nodes[node].consensus, &view);
    return view.leader;
}

static uint64_t view_of(const struct net *net, uint32_t node)
{
    struct consensus_view view;
    consensus_inspect(net->nodes[node].consensus, &view);
    return view.view;
}

static void crash_all(struct net *net)
{
    for (uint32_t i = 0; i < net->config.count; i++) {
        if (net->nodes[i].alive) {
            net_crash(net, i);
        }
    }
}

static bool drop_proposals_and_votes(struct net *net, const struct effect *effect, uint32_t from,
                                     uint32_t to)
{
    (void)net, (void)from, (void)to;
    return effect->kind == EFFECT_SEND_PROPOSAL || effect->kind == EFFECT_SEND_VOTE ||
           effect->kind == EFFECT_SEND_CERTIFICATE;
}

static bool has_stored_nullify(const struct net_node *node)
{
    for (uint32_t i = 0; i < node->storage.votes.count; i++) {
        const struct vote *vote = node->storage.votes.items[i];
        if (vote->kind == VOTE_NULLIFY) {
            return true;
        }
    }
    return false;
}

static void test_all_crash_after_persisting_nullify(void **state)
{
    /* 1: the votes of a view are durable everywhere, its certificate nowhere. */
    (void)state;
    struct net *net = open_net(4, 11);
    net->filter = drop_proposals_and_votes;
    net_run(net, 5000);
    for (uint32_t i = 0; i < 4; i++) {
        assert_true(has_stored_nullify(&net->nodes[i]));
        assert_int_equal(net->nodes[i].storage.certificates.count, 0);
    }
    net->filter = NULL;
    crash_all(net);
    assert_goes_on(net, 10);
    net_free(net);
}

static bool split_certificates(struct net *net, const struct effect *effect, uint32_t from,
                               uint32_t to)
{
    (void)net, (void)from;
    if (effect->kind == EFFECT_SEND_VOTE && effect->vote->view <= 3) {
        /* Whoever is in the upper half sees nullify votes only, the others the rest. */
        return (effect->vote->kind == VOTE_NULLIFY) != (to >= 2);
    }
    return effect->kind == EFFECT_SEND_CERTIFICATE && effect->certificate->view <= 3;
}

static void test_certificates_split_between_halves(void **state)
{
    /* 2: over three views each half holds other certificates; then all restart. */
    (void)state;
    for (uint64_t seed = 20; seed < 40; seed++) {
        struct net *net = open_net(4, seed);
        net->filter = split_certificates;
        net_run(net, 8000);
        net->filter = NULL;
        if (seed % 2 == 0) {
            crash_all(net);
        }
        assert_goes_on(net, 10);
        net_free(net);
    }
}

static bool drop_finalize(struct net *net, const struct effect *effect, uint32_t from, uint32_t to)
{
    (void)net, (void)from, (void)to;
    return effect->kind == EFFECT_SEND_VOTE && effect->vote->kind == VOTE_FINALIZE;
}

static void test_reproposal_and_terminal_block(void **state)
{
    /* 4: notarized and not final: the same block is proposed again, and nothing else, until it is;
       with a terminal block the epoch then rests. */
    (void)state;
    struct net *net = open_net(4, 41);
    net->terminal_height = 1;
    net->filter = drop_finalize;
    net_run(net, 8000);
    assert_int_equal(net->finals.count, 0);
    assert_int_equal(net->blocks.count, 1);
    assert_true(view_of(net, 0) > 10);
    net->filter = NULL;
    assert_true(net_run_to_height(net, 1, net->now_ms + MINUTE_MS));
    const uint64_t view = view_of(net, 0);
    net_run(net, net->now_ms + MINUTE_MS);
    assert_int_equal(net->finals.count, 1);
    assert_int_equal(net->blocks.count, 1);
    assert_true(view_of(net, 0) <= view + 2);
    assert_string_equal(net->violation, "");
    net_free(net);
}

static uint64_t dropped_message;

static bool drop_one_message(struct net *net, const struct effect *effect, uint32_t from,
                             uint32_t to)
{
    (void)effect, (void)from, (void)to;
    return net->messages == dropped_message;
}

static void test_restart_at_every_boundary(void **state)
{
    /* 5: one node, and all nodes at once, die at each boundary between two effects of the first
       views, with one message lost as well. */
    (void)state;
    for (uint32_t at = 1; at < 40; at++) {
        for (uint32_t lost = 0; lost < 100; lost += 9) {
            struct net *net = open_net(4, 50);
            dropped_message = lost;
            net->filter = drop_one_message;
            for (uint32_t i = 0; i < 4; i++) {
                const bool dies = lost % 2 == 0 || i == at % 4;
                net->nodes[i].crash_countdown = dies ? at : 0;
            }
            net_run(net, 3000);
            assert_goes_on(net, 3);
            net_free(net);
        }
    }
}

static void test_rollback_to_every_earlier_state(void **state)
{
    /* 6: storage goes back to an earlier commit, the register stays: no conflicting vote (I6), and
       the node is of use again once the others have passed its register. */
    (void)state;
    for (uint64_t back_to = 0; back_to < 60; back_to++) {
        struct net *net = open_net(4, 60);
        net_run(net, 12 * back_to);
        struct net_storage copy = net_storage_copy(&net->nodes[1].storage);
        net_run(net, 800);
        net_roll_back(net, 1, &copy);
        assert_goes_on(net, 5);
        /* All others but two stop: it is needed from here on. */
        net_stop(net, 3);
        assert_goes_on(net, 5);
        net_free(net);
    }
}

static void test_idle_hour_then_a_dead_leader(void **state)
{
    /* 10: nothing happens without work; one record then settles although the leader is dead. */
    (void)state;
    const struct net_config config = {.count = 4,
                                      .seed = 71,
                                      .byzantine = NET_NOBODY,
                                      .delta_ms = 400,
                                      .empty_interval_ms = 2 * 60 * MINUTE_MS,
                                      .delay_max_ms = 10};
    struct net *net = net_new(&config);
    net_run(net, 100);
    net_set_work(net, false);
    net_run(net, 10000);
    const uint64_t view = view_of(net, 0), height = net->finals.count;
    net_run(net, 60 * MINUTE_MS);
    assert_int_equal(view_of(net, 0), view);
    assert_int_equal(net->finals.count, height);
    const uint32_t dead = leader_now(net, 0);
    net_stop(net, dead);
    net_run(net, net->now_ms + 6000);
    const uint64_t before = net->now_ms;
    net_set_work(net, true);
    assert_true(net_run_to_height(net, net->finals.count + 1, net->now_ms + MINUTE_MS));
    /* The dead leader got no time at all. */
    assert_true(net->now_ms - before < 400);
    net_free(net);
}

static uint32_t builds(const struct net *net)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < net->node_count; i++) {
        sum += net->nodes[i].builds;
    }
    return sum;
}

/* From work to final on every node that is up, in virtual ms: the sum and the most of so many
   times, with a pause before each. */
static uint64_t idle_latency(struct net *net, uint32_t times, uint64_t *ret_most)
{
    uint64_t sum = 0;
    *ret_most = 0;
    for (uint32_t i = 0; i < times; i++) {
        net_run(net, net->now_ms + 200);
        const uint64_t before = net->now_ms, height = net_lowest_height(net) + 1;
        const uint32_t built = builds(net);
        net_set_work(net, true);
        while (net_lowest_height(net) < height && net->now_ms < before + MINUTE_MS) {
            net_run(net, net->now_ms + 1);
            if (builds(net) > built) {
                net_set_work(net, false); /* one block has taken all of it */
            }
        }
        const uint64_t took = net->now_ms - before;
        sum += took;
        *ret_most = took > *ret_most ? took : *ret_most;
    }
    return sum;
}

static void test_a_dead_validator_costs_no_time(void **state)
{
    /* Timers: with one of four dead, work on an idle network takes less than 1.3 times as long on
       average, and never the time of a timeout, whoever leads. */
    (void)state;
    const struct net_config config = {.count = 4,
                                      .seed = 77,
                                      .byzantine = NET_NOBODY,
                                      .delta_ms = 400,
                                      .empty_interval_ms = 60 * MINUTE_MS,
                                      .delay_max_ms = 20};
    struct net *net = net_new(&config);
    uint64_t most;
    net_run(net, 1000);
    net_set_work(net, false);
    const uint64_t alive = idle_latency(net, 60, &most);
    net_stop(net, 2);
    net_run(net, net->now_ms + 10000);
    const uint64_t dead = idle_latency(net, 60, &most);
    print_message("60 turns: %llu ms with four alive, %llu ms with one dead, at most %llu\n",
                  (unsigned long long)alive, (unsigned long long)dead, (unsigned long long)most);
    assert_true(dead * 10 < alive * 13);
    assert_true(most < 400);
    net_free(net);
}

static void test_a_notarized_block_on_an_idle_chain(void **state)
{
    /* 10: no more work comes, and the finalize votes of the last block were lost: it still becomes
       final, long before the empty interval. */
    (void)state;
    const struct net_config config = {.count = 4,
                                      .seed = 73,
                                      .byzantine = NET_NOBODY,
                                      .delta_ms = 400,
                                      .empty_interval_ms = 60 * MINUTE_MS,
                                      .delay_max_ms = 10};
    struct net *net = net_new(&config);
    assert_true(net_run_to_height(net, 3, MINUTE_MS));
    net->filter = drop_finalize;
    net_run(net, net->now_ms + 200);
    net_set_work(net, false);
    crash_all(net); /* no finalize vote is on its way any more */
    net->filter = NULL;
    for (uint32_t i = 0; i < 4; i++) {
        net->nodes[i].has_work = false;
    }
    const uint64_t height = net->finals.count;
    assert_true(net_run_to_height(net, height + 1, net->now_ms + 20000));
    net_free(net);
}

static bool drop_proposals(struct net *net, const struct effect *effect, uint32_t from, uint32_t to)
{
    (void)net, (void)from, (void)to;
    return effect->kind == EFFECT_SEND_PROPOSAL;
}

static void test_three_hundred_nullified_views(void **state)
{
    /* 19: more views than the ring holds pass without a block; a node that was away all the time
       comes back, and is needed. */
    (void)state;
    struct net *net = open_net(4, 80);
    assert_true(net_run_to_height(net, 2, MINUTE_MS));
    net_stop(net, 3);
    net->filter = drop_proposals;
    while (view_of(net, 0) < 320 && net->violation[0] == '\0' && net->now_ms < 100 * MINUTE_MS) {
        net_run(net, net->now_ms + 1000);
    }
    assert_true(view_of(net, 0) >= 320);
    net->filter = NULL;
    net_restart(net, 3);
    net_stop(net, 0);
    assert_goes_on(net, 10);
    crash_all(net);
    assert_goes_on(net, 10);
    net_free(net);
}

static void test_all_restart_in_a_long_stretch(void **state)
{
    /* 19: the long stretch is still open when every node restarts. */
    (void)state;
    struct net *net = open_net(4, 90);
    net->filter = drop_proposals;
    while (view_of(net, 0) < 320 && net->violation[0] == '\0' && net->now_ms < 100 * MINUTE_MS) {
        net_run(net, net->now_ms + 1000);
    }
    net->filter = NULL;
    crash_all(net);
    assert_goes_on(net, 10);
    net_free(net);
}

static void test_one_validator_alone(void **state)
{
    /* Numbers: n = 1 finalizes alone, each block in one cascade. */
    (void)state;
    struct net *net = open_net(1, 95);
    assert_true(net_run_to_height(net, 20, MINUTE_MS));
    crash_all(net);
    assert_goes_on(net, 20);
    net_free(net);
}

static void test_far_behind(void **state)
{
    /* Catch-up: a node returns a hundred blocks behind and is needed at once. */
    (void)state;
    struct net *net = open_net(4, 97);
    net_stop(net, 2);
    assert_true(net_run_to_height(net, 150, 10 * MINUTE_MS));
    net_restart(net, 2);
    net_stop(net, 0);
    assert_goes_on(net, 10);
    net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_crash_after_persisting_nullify),
        cmocka_unit_test(test_certificates_split_between_halves),
        cmocka_unit_test(test_reproposal_and_terminal_block),
        cmocka_unit_test(test_restart_at_every_boundary),
        cmocka_unit_test(test_rollback_to_every_earlier_state),
        cmocka_unit_test(test_idle_hour_then_a_dead_leader),
        cmocka_unit_test(test_a_dead_validator_costs_no_time),
        cmocka_unit_test(test_a_notarized_block_on_an_idle_chain),
        cmocka_unit_test(test_three_hundred_nullified_views),
        cmocka_unit_test(test_all_restart_in_a_long_stretch),
        cmocka_unit_test(test_one_validator_alone),
        cmocka_unit_test(test_far_behind),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
