/*
 * Whole replicas on virtual time: what a client is told comes true on every node, through loss,
 * cuts and crashes, and from one seed. Each seed is printed, so that a failure can be run again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "proto/client_codec.h"
#include "tests/support/replica_net.h"

static struct replica_net *quiet_net(uint32_t nodes, uint64_t seed)
{
    struct net_options options = {.nodes = nodes, .seed = seed, .delay_ms_max = 3};
    return replica_net_new(&options);
}

static void submit(struct replica_net *net, uint32_t node, uint32_t submitter, uint64_t number,
                   uint32_t count)
{
    size_t length;
    uint8_t *batch = replica_net_batch(net, submitter, number, count, &length);
    replica_net_submit(net, node, batch, length);
    free(batch);
}

static void assert_same_everywhere(struct replica_net *net, uint32_t nodes, uint64_t records)
{
    uint64_t height = replica_net_height(net, 0);
    struct hash hash = replica_net_hash_at(net, 0, height);
    for (uint32_t i = 0; i < nodes; i++) {
        struct hash other = replica_net_hash_at(net, i, height);
        assert_int_equal(replica_net_height(net, i), height);
        assert_true(hash_equal(&hash, &other));
        assert_int_equal(replica_net_records(net, i), records);
    }
}

/* Goal: a batch given to one node is accepted and final on all, on networks of every size. */
static void test_one_batch(void **state)
{
    (void)state;
    for (uint32_t nodes = 1; nodes <= 7; nodes++) {
        struct replica_net *net = quiet_net(nodes, nodes);
        submit(net, 0, 3, 100, 50);
        assert_true(replica_net_settle(net, 1, 20000));
        replica_net_run(net, replica_net_now(net) + 100);
        assert_same_everywhere(net, nodes, 50);
        assert_int_equal(replica_net_answers(net, CLIENT_ACCEPTED), 1);
        replica_net_free(net);
    }
}

/* Goal: the same batch given to all nodes at once is applied once. */
static void test_same_batch_everywhere(void **state)
{
    (void)state;
    struct replica_net *net = quiet_net(4, 7);
    for (uint32_t node = 0; node < 4; node++) {
        submit(net, node, 4, 200, 30);
    }
    assert_true(replica_net_settle(net, 1, 20000));
    replica_net_run(net, replica_net_now(net) + 5000);
    assert_same_everywhere(net, 4, 30);
    assert_int_equal(replica_net_answers(net, CLIENT_ACCEPTED), 4);
    replica_net_free(net);
}

/* Goal: without faults no record waits for a timer, whatever order the links deliver in: a node
   that hears of a certificate before the proposal goes on when the proposal comes. */
static void test_no_pause_without_faults(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        struct replica_net *net = quiet_net(4, seed);
        print_message("seed %d\n", (int)seed);
        for (uint64_t i = 0; i < 20; i++) {
            submit(net, (uint32_t)(i % 4), 3, 600 + i, 3);
            replica_net_run(net, replica_net_now(net) + 5);
            assert_true(replica_net_settle(net, i + 1, replica_net_now(net) + 100));
        }
        replica_net_free(net);
    }
}

/* Goal: an idle network makes no blocks before empty_interval, and then one. */
static void test_idle(void **state)
{
    (void)state;
    struct replica_net *net = quiet_net(4, 8);
    replica_net_run(net, 20000);
    assert_int_equal(replica_net_height(net, 0), 0);
    replica_net_run(net, 40000);
    assert_in_range(replica_net_height(net, 0), 1, 2);
    replica_net_free(net);
}

/* Goal: with one of four dead, work goes on; restarted, it catches up. */
static void test_one_dead(void **state)
{
    (void)state;
    struct replica_net *net = quiet_net(4, 9);
    submit(net, 0, 3, 1, 10);
    assert_true(replica_net_settle(net, 1, 20000));
    replica_net_crash(net, 2);
    for (uint64_t i = 0; i < 30; i++) {
        submit(net, 0, 3, 300 + i, 10);
        replica_net_run(net, replica_net_now(net) + 300);
    }
    assert_true(replica_net_settle(net, 2, replica_net_now(net) + 60000));
    replica_net_restart(net, 2);
    submit(net, 1, 5, 900, 10);
    replica_net_run(net, replica_net_now(net) + 5);
    assert_true(replica_net_settle(net, 3, replica_net_now(net) + 60000));
    assert_same_everywhere(net, 4, 320);
    replica_net_free(net);
}

/* Goal: all killed at once, at many moments; what was accepted is there, once, after the restart.
 */
static void test_all_killed(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct net_options options = {.nodes = 4, .seed = seed, .delay_ms_max = 10};
        struct replica_net *net = replica_net_new(&options);
        struct prng prng = prng_seeded(seed);
        print_message("seed %d\n", (int)seed);
        for (uint64_t i = 0; i < 5; i++) {
            submit(net, (uint32_t)(i % 4), 3 + (uint32_t)(i % 5), 400 + i, 20);
            replica_net_run(net, replica_net_now(net) + prng_below(&prng, 40));
        }
        uint32_t accepted = replica_net_answers(net, CLIENT_ACCEPTED);
        for (uint32_t i = 0; i < 4; i++) {
            replica_net_crash(net, i);
        }
        for (uint32_t i = 0; i < 4; i++) {
            replica_net_run(net, replica_net_now(net) + prng_below(&prng, 400));
            replica_net_restart(net, i);
        }
        submit(net, 0, 7, 999, 1);
        replica_net_run(net, replica_net_now(net) + 5);
        assert_true(replica_net_settle(net, 1, replica_net_now(net) + 30000));
        uint64_t records = replica_net_records(net, 0);
        assert_in_range(records, 20 * accepted + 1, 101);
        assert_same_everywhere(net, 4, records);
        replica_net_free(net);
    }
}

static void stir(struct replica_net *net, struct prng *prng, uint32_t nodes)
{
    uint32_t a = (uint32_t)prng_below(prng, nodes);
    uint32_t b = (uint32_t)prng_below(prng, nodes);
    uint64_t what = prng_below(prng, 10);
    if (what < 2 && replica_net_running(net, a)) {
        replica_net_crash(net, a);
    } else if (what < 5 && !replica_net_running(net, a)) {
        replica_net_restart(net, a);
    } else if (what < 7 && a != b) {
        replica_net_cut(net, a, b, true);
    } else if (a != b) {
        replica_net_cut(net, a, b, false);
    }
}

/* Goal: loss, cuts and crashes in random order never make two blocks of one height; healed, the
   network settles everything that it holds. */
static void test_random_faults(void **state)
{
    (void)state;
    const char *first_text = getenv("HEFU_SEED");
    uint64_t first = first_text == NULL ? 1 : strtoull(first_text, NULL, 10);
    const char *count_text = getenv("HEFU_SEEDS");
    uint64_t seeds = count_text == NULL ? 40 : strtoull(count_text, NULL, 10);
    for (uint64_t seed = first; seed < first + seeds; seed++) {
        uint32_t nodes = seed % 3 == 0 ? 7 : 4;
        struct net_options options = {
            .nodes = nodes, .seed = seed, .loss_permille = 50, .delay_ms_max = 60};
        struct replica_net *net = replica_net_new(&options);
        struct prng prng = prng_seeded(seed * 7919);
        print_message("seed %d\n", (int)seed);
        for (uint64_t i = 0; i < 60; i++) {
            uint32_t node = (uint32_t)prng_below(&prng, nodes);
            if (replica_net_running(net, node)) {
                submit(net, node, 3 + (uint32_t)(i % 5), 1000 + i, 5);
            }
            replica_net_run(net, replica_net_now(net) + prng_below(&prng, 1500));
            stir(net, &prng, nodes);
        }
        for (uint32_t a = 0; a < nodes; a++) {
            if (!replica_net_running(net, a)) {
                replica_net_restart(net, a);
            }
            for (uint32_t b = 0; b < a; b++) {
                replica_net_cut(net, a, b, false);
            }
        }
        replica_net_set_loss(net, 0);
        submit(net, 0, 3, 5000, 5);
        replica_net_run(net, replica_net_now(net) + 5);
        assert_true(replica_net_settle(net, 1, replica_net_now(net) + 120000));
        assert_same_everywhere(net, nodes, replica_net_records(net, 0));
        replica_net_free(net);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_batch),
        cmocka_unit_test(test_same_batch_everywhere),
        cmocka_unit_test(test_no_pause_without_faults),
        cmocka_unit_test(test_idle),
        cmocka_unit_test(test_one_dead),
        cmocka_unit_test(test_all_killed),
        cmocka_unit_test(test_random_faults),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
