/*
 * Whole replicas that crash at the worst moments: while they execute, between the commit and the
 * register's write, with the store lost; on a network that delays, loses and repeats.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/support/replica_net_state.h"

static void submit(struct replica_net *net, uint32_t node, uint64_t number, uint32_t count)
{
    size_t length;
    uint8_t *batch = replica_net_batch(net, 3 + (uint32_t)(number % 5), number, count, &length);
    replica_net_submit(net, node, batch, length);
    free(batch);
}

static void assert_same_everywhere(struct replica_net *net, uint64_t records)
{
    uint64_t height = replica_net_height(net, 0);
    for (uint32_t i = 0; i < net->options.nodes; i++) {
        assert_int_equal(replica_net_height(net, i), height);
        assert_int_equal(replica_net_records(net, i), records);
    }
}

/* Kills all nodes while they execute this batch, so that the next start finds its mark. */
static void kill_all_on(struct replica_net *net, const struct hash *id)
{
    for (uint32_t i = 0; i < net->options.nodes; i++) {
        replica_net_crash(net, i);
        replica_net_died_on(net, i, id);
    }
    for (uint32_t i = 0; i < net->options.nodes; i++) {
        replica_net_restart(net, i);
    }
}

/* Goal: a batch is not to blame because all nodes were killed while they executed it: it becomes
   final all the same. */
static void test_killed_while_executing(void **state)
{
    (void)state;
    for (uint32_t kills = 1; kills <= 2; kills++) {
        struct net_options options = {.nodes = 4, .seed = 50 + kills, .delay_ms_max = 3};
        struct replica_net *net = replica_net_new(&options);
        size_t length;
        uint8_t *batch = replica_net_batch(net, 3, 77, 10, &length);
        struct batch parsed;
        assert_int_equal(batch_parse(batch, length, &net->chain_id, &parsed, NULL), STATUS_OK);
        replica_net_run(net, 1000);
        replica_net_submit(net, 0, batch, length);
        while (replica_net_answers(net, CLIENT_ACCEPTED) == 0) {
            replica_net_run(net, replica_net_now(net) + 1);
        }
        assert_int_equal(replica_net_records(net, 0), 0);
        for (uint32_t i = 0; i < kills; i++) {
            kill_all_on(net, &parsed.id);
        }
        submit(net, 1, 79, 10);
        replica_net_run(net, replica_net_now(net) + 20000);
        assert_same_everywhere(net, 20);
        free(batch);
        replica_net_free(net);
    }
}

static bool is_quarantined(struct replica_net *net, uint32_t node, const struct hash *id)
{
    struct span row;
    return memory_store_get(&net->nodes[node].store, STORE_QUARANTINE, id->bytes, HASH_BYTES, &row);
}

/* Goal: the batch that three starts of a node died on alone is quarantined, and not before. */
static void test_three_deaths(void **state)
{
    (void)state;
    struct net_options options = {.nodes = 4, .seed = 60, .delay_ms_max = 3};
    struct replica_net *net = replica_net_new(&options);
    size_t length;
    uint8_t *batch = replica_net_batch(net, 3, 77, 10, &length);
    struct batch parsed;
    assert_int_equal(batch_parse(batch, length, &net->chain_id, &parsed, NULL), STATUS_OK);
    for (uint32_t i = 1; i < 4; i++) {
        replica_net_cut(net, 0, i, true);
    }
    replica_net_submit(net, 0, batch, length);
    replica_net_run(net, 1000);
    for (uint32_t deaths = 1; deaths <= 4; deaths++) {
        replica_net_crash(net, 0);
        replica_net_died_on(net, 0, &parsed.id);
        replica_net_restart(net, 0);
        assert_true(is_quarantined(net, 0, &parsed.id) == (deaths >= 3));
    }
    free(batch);
    replica_net_free(net);
}

/* Goal: clocks that jump a day ahead and back cost no accepted batch: it expires by the chain's
   time. */
static void test_clock_jump(void **state)
{
    (void)state;
    struct net_options options = {.nodes = 4, .seed = 61, .delay_ms_max = 3};
    struct replica_net *net = replica_net_new(&options);
    replica_net_run(net, 1000);
    for (uint32_t i = 0; i < 2; i++) {
        replica_net_cut(net, i, 2, true);
        replica_net_cut(net, i, 3, true);
    }
    submit(net, 0, 5, 10);
    replica_net_run(net, 1500);
    assert_int_equal(replica_net_answers(net, CLIENT_ACCEPTED), 1);
    for (uint32_t i = 0; i < 4; i++) {
        replica_net_set_clock(net, i, 25ull * 3600 * 1000);
    }
    replica_net_run(net, 4500);
    for (uint32_t i = 0; i < 4; i++) {
        replica_net_set_clock(net, i, 0);
    }
    for (uint32_t i = 0; i < 2; i++) {
        replica_net_cut(net, i, 2, false);
        replica_net_cut(net, i, 3, false);
    }
    replica_net_run(net, 20000);
    assert_same_everywhere(net, 10);
    replica_net_free(net);
}

/* Goal: what could not be named in its time is dropped once the chain has passed it, all of it in a
   few seconds, and the pool takes new batches. */
static void test_expiry(void **state)
{
    (void)state;
    struct net_options options = {.nodes = 4, .seed = 62, .delay_ms_max = 3};
    struct replica_net *net = replica_net_new(&options);
    for (uint32_t i = 1; i < 4; i++) {
        replica_net_crash(net, i);
    }
    for (uint64_t i = 0; i < 50; i++) {
        submit(net, 0, 100 + i, 2);
    }
    replica_net_run(net, 5000);
    for (uint32_t i = 0; i < 4; i++) {
        replica_net_set_clock(net, i, 25ull * 3600 * 1000);
    }
    for (uint32_t i = 1; i < 4; i++) {
        replica_net_restart(net, i);
    }
    replica_net_run(net, 50000);
    struct replica_view view;
    replica_inspect(net->nodes[0].replica, &view);
    assert_int_equal(view.pool_batches, 0);
    assert_same_everywhere(net, 0);
    replica_net_free(net);
}

static void disturb(struct replica_net *net, struct prng *prng)
{
    const uint32_t nodes = net->options.nodes;
    uint32_t a = (uint32_t)prng_below(prng, nodes);
    uint32_t b = (uint32_t)prng_below(prng, nodes);
    uint64_t what = prng_below(prng, 20);
    if (!replica_net_running(net, a)) {
        if (what < 5 && a == net->options.seed % nodes) {
            replica_net_wipe(net, a); /* one node a seed: the stores of f may be lost, not more */
        }
        if (what < 14) {
            replica_net_restart(net, a);
        }
    } else if (what < 2) {
        replica_net_crash(net, a);
    } else if (what < 7) {
        replica_net_tear(net, a);
    } else if (a != b) {
        replica_net_cut(net, a, b, what < 12);
    }
}

static void heal(struct replica_net *net)
{
    replica_net_set_loss(net, 0);
    if (net->had_mutant) {
        replica_net_set_mutant(net, net->mutant, 0);
    }
    for (uint32_t a = 0; a < net->options.nodes; a++) {
        net->nodes[a].tear = false;
        if (!replica_net_running(net, a)) {
            replica_net_restart(net, a);
        }
        for (uint32_t b = 0; b < a; b++) {
            replica_net_cut(net, a, b, false);
        }
    }
}

static uint64_t number_from(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

/* Goal: torn crashes, lost stores, repeated, lost and spoilt frames, batches of all sizes: one hash
   a height, no alarm, and once healed everything that is held becomes final on all. */
static void test_torn(void **state)
{
    (void)state;
    uint64_t first = number_from("HEFU_SEED", 1);
    uint64_t seeds = number_from("HEFU_SEEDS", 30);
    for (uint64_t seed = first; seed < first + seeds; seed++) {
        struct prng prng = prng_seeded(seed * 104729);
        struct net_options options = {.nodes = 4 + (uint32_t)(seed % 4),
                                      .seed = seed,
                                      .loss_permille = (uint32_t)prng_below(&prng, 100),
                                      .delay_ms_max = 1 + (uint32_t)prng_below(&prng, 400),
                                      .duplicate_permille = (uint32_t)prng_below(&prng, 200)};
        print_message("seed %d\n", (int)seed);
        struct replica_net *net = replica_net_new(&options);
        for (uint32_t i = 0; i < options.nodes; i++) {
            replica_net_set_clock(net, i, prng_below(&prng, 1500));
        }
        if (seed % 2 == 0) {
            replica_net_set_mutant(net, (uint32_t)prng_below(&prng, options.nodes),
                                   (uint32_t)prng_below(&prng, 500));
        }
        for (uint64_t i = 0; i < 50; i++) {
            uint32_t node = (uint32_t)prng_below(&prng, options.nodes);
            if (replica_net_running(net, node)) {
                submit(net, node, 1000 + i, i % 10 == 0 ? 1500 : 5);
            }
            replica_net_run(net, replica_net_now(net) + prng_below(&prng, 1500));
            disturb(net, &prng);
        }
        heal(net);
        submit(net, 0, 5000, 5);
        replica_net_run(net, replica_net_now(net) + 5);
        assert_true(replica_net_settle(net, 1, replica_net_now(net) + 180000));
        assert_same_everywhere(net, replica_net_records(net, 0));
        for (uint32_t i = 0; i < options.nodes; i++) {
            struct replica_view view;
            replica_inspect(net->nodes[i].replica, &view);
            assert_false(view.consensus.halted);
            assert_true(view.consensus.may_sign);
            assert_int_equal(view.consensus.evidence_count, 0);
        }
        replica_net_free(net);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_killed_while_executing),
        cmocka_unit_test(test_three_deaths),
        cmocka_unit_test(test_clock_jump),
        cmocka_unit_test(test_expiry),
        cmocka_unit_test(test_torn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
