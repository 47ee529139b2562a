/*
 * Random runs of several machines: chaos, then a healed network that must commit ten more heights
 * at every honest node (I15), with I1 to I10 and I12 checked throughout. Prints the seed of a
 * failure; HEFU_SEED and HEFU_SEEDS choose the first seed and how many.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/support/consensus_net.h"

#define CHAOS_MS 15000
#define HEAL_MS 240000

static uint64_t number_of(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);
    return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

static struct net_config config_of(uint64_t seed)
{
    static const uint32_t counts[] = {4, 1, 4, 7, 4, 5, 2, 7, 4, 3};
    struct prng prng = prng_seeded(seed * 7919);
    struct net_config config = {.count = counts[seed % 10], .seed = seed};
    config.byzantine = NET_NOBODY;
    if (config.count >= 4 && prng_below(&prng, 3) != 0) {
        config.byzantine = (uint32_t)prng_below(&prng, config.count);
    }
    config.delta_ms = 100;
    config.block_interval_ms = (uint32_t)prng_below(&prng, 3) * 200;
    config.empty_interval_ms = 2000;
    config.delay_max_ms = 1 + (uint32_t)prng_below(&prng, 60);
    config.skew_max_ms = (uint32_t)prng_below(&prng, 900);
    config.loss_permille = (uint32_t)prng_below(&prng, 5) * 100;
    config.duplicate_permille = (uint32_t)prng_below(&prng, 2) * 100;
    config.crash_permille = (uint32_t)prng_below(&prng, 4) * 4;
    return config;
}

/* Cuts the network in two, joins it again, or brings everybody down at once: now, or each at one of
   its next boundaries between two effects. */
static void disturb(struct net *net)
{
    const uint64_t what = prng_below(&net->prng, 7);
    const uint64_t side = prng_next(&net->prng);
    for (uint32_t i = 0; i < net->config.count; i++) {
        for (uint32_t j = 0; j < net->config.count; j++) {
            net->blocked[i][j] = what < 3 && ((side >> i) & 1) != ((side >> j) & 1);
        }
    }
    for (uint32_t i = 0; what >= 5 && i < net->config.count; i++) {
        if (net->nodes[i].alive && what == 5) {
            net_crash(net, i);
        } else if (net->nodes[i].alive) {
            net->nodes[i].crash_countdown = 1 + (uint32_t)prng_below(&net->prng, 12);
        }
    }
}

/* Storage of one node goes back to an earlier state, while its register stays (I6). Possible
   without harm to progress if no other node is faulty. */
struct rollback {
    uint32_t node;
    bool has_copy;
    struct net_storage copy;
};

static void roll_back(struct net *net, struct rollback *rollback)
{
    struct net_node *node = &net->nodes[rollback->node];
    if (net->config.count < 4 || net->config.byzantine != NET_NOBODY ||
        prng_below(&net->prng, 3) != 0) {
        return;
    }
    if (!rollback->has_copy) {
        rollback->has_copy = true;
        rollback->copy = net_storage_copy(&node->storage);
    } else {
        rollback->has_copy = false;
        net_roll_back(net, rollback->node, &rollback->copy);
    }
}

static void print_statistics(const struct net *net)
{
    struct consensus_view view;
    consensus_inspect(net->nodes[0].consensus, &view);
    fprintf(stderr,
            "seed %llu: n = %u, %llu steps, %llu ms, height %llu, view %llu, nullified %llu, "
            "re-proposed %llu, evidence %llu, life %u, delta %u\n",
            (unsigned long long)net->config.seed, net->config.count, (unsigned long long)net->steps,
            (unsigned long long)net->now_ms, (unsigned long long)net->finals.count,
            (unsigned long long)view.view, (unsigned long long)view.nullifications,
            (unsigned long long)view.reproposals, (unsigned long long)view.evidence_count,
            net->nodes[0].life, view.delta_ms);
}

static bool run_seed(uint64_t seed)
{
    const struct net_config config = config_of(seed);
    struct net *net = net_new(&config);
    struct rollback rollback = {.node = (uint32_t)prng_below(&net->prng, config.count)};
    while (net->now_ms < CHAOS_MS && net->violation[0] == '\0') {
        net_run(net, net->now_ms + 200 + prng_below(&net->prng, 3000));
        disturb(net);
        roll_back(net, &rollback);
    }
    if (rollback.has_copy) {
        net_roll_back(net, rollback.node, &rollback.copy);
    }
    net_heal(net);
    const uint64_t height = net->finals.count;
    const bool good = net_run_to_height(net, height + 10, net->now_ms + HEAL_MS);
    if (!good) {
        fprintf(stderr, "seed %llu: n = %u, faulty %d: heights %llu to %llu at %llu ms; %s\n",
                (unsigned long long)seed, config.count,
                config.byzantine == NET_NOBODY ? -1 : (int)config.byzantine,
                (unsigned long long)net_lowest_height(net), (unsigned long long)net->finals.count,
                (unsigned long long)net->now_ms,
                net->violation[0] == '\0' ? "no progress after healing (I15)" : net->violation);
    }
    if (getenv("HEFU_VERBOSE") != NULL) {
        print_statistics(net);
    }
    net_free(net);
    return good;
}

static void test_random_seeds(void **state)
{
    (void)state;
    const uint64_t first = number_of("HEFU_SEED", 1);
    const uint64_t count = number_of("HEFU_SEEDS", 800);
    uint32_t bad = 0;
    for (uint64_t seed = first; seed < first + count && bad < 5; seed++) {
        bad += !run_seed(seed);
    }
    assert_int_equal(bad, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_seeds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
