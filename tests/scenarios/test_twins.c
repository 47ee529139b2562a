/*
 * Directed test 13: Twins (Bano and others, 2021). A faulty validator is two correct machines with
 * one key, which know nothing of each other: together they equivocate, forget what they voted for,
 * and propose two blocks in a view, in every way that correct code can be made to. In each of the
 * first rounds the machines are split in two, and the test tries the splits; then the network
 * heals.
 *
 * What it attacks: quorum intersection, one vote a kind and view, the first verified vote stays,
 * and going on when a view was certified on one side only. What stands against it: q honest votes
 * are needed in every certificate, so a twin helps at most one side of a split to one.
 *
 * n = 4: three rounds, one twin: each validator in turn, every split of the five machines in every
 * round, exhaustively: 4 * 16^3 = 16,384 ways, of which 9,216 are left when the twin's two
 * machines, which are alike, are not told apart. n = 7: six rounds, two twins, sampled.
 * By default every fifth of them runs, and all in a long campaign (HEFU_TEST_LONG, or
 * HEFU_TWINS_STRIDE=1, which takes every so-manyth); HEFU_SEED chooses the first sample.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/scenarios/scenario.h"

#define ROUNDS_MAX 6
#define HEAL_MS 900

/* Runs so far; and those in which an honest validator could prove the twin faulty, which says that
   the splits really made it equivocate. */
static uint64_t runs, convicting;

/* Which machines are on the second side, in each round; a bit a machine. */
struct splits {
    uint32_t rounds;
    uint32_t side[ROUNDS_MAX];
};

/* A message travels within its sender's side of the round that the sender is in. */
static bool is_split(struct net *net, const struct effect *effect, uint32_t from, uint32_t to)
{
    (void)effect;
    const struct splits *splits = net->filter_context;
    const uint64_t view = scenario_view(net, from);
    if (net->now_ms >= HEAL_MS || view > splits->rounds) {
        return false;
    }
    const uint32_t side = splits->side[view - 1];
    return (side >> from & 1) != (side >> to & 1);
}

static void run(uint32_t count, uint64_t seed, uint32_t twins, struct splits *splits)
{
    char what[96];
    struct net_config config = scenario_config(count, seed);
    config.twins = twins;
    config.delta_ms = 30;
    config.delay_max_ms = 2;
    struct net *net = net_new(&config);
    (void)snprintf(what, sizeof what, "n = %u, twins %#x, splits %x %x %x %x %x %x", count, twins,
                   splits->side[0], splits->side[1], splits->side[2], splits->side[3],
                   splits->side[4], splits->side[5]);
    net->filter = is_split;
    net->filter_context = splits;
    net_run(net, HEAL_MS);
    scenario_goes_on(net, 2, what);
    runs++;
    for (uint32_t i = 0; i < count; i++) {
        struct consensus_view view;
        consensus_inspect(net->nodes[i].consensus, &view);
        if ((twins >> i & 1) == 0 && view.evidence_count > 0) {
            convicting++;
            break;
        }
    }
    scenario_end(net, what);
}

/* Of two ways that differ in which of the twin's machines is called the first, one: in the first
   round that tells them apart, the first one is with machine 0, or with machine 1 if it is 0. */
static bool is_canonical(uint32_t twin, const struct splits *splits)
{
    for (uint32_t round = 0; round < splits->rounds; round++) {
        const uint32_t side = splits->side[round];
        if ((side >> twin & 1) != (side >> 4 & 1)) {
            return (side >> (twin == 0 ? 1 : twin) & 1) == 0;
        }
    }
    return true;
}

/* Without a factor in common with the number of splits, so each split of each round is met. */
static uint64_t stride_of_runs(void)
{
    return scenario_number("HEFU_TWINS_STRIDE", scenario_number("HEFU_TEST_LONG", 0) != 0 ? 1 : 5);
}

static void test_13_twins_of_four(void **state)
{
    (void)state;
    const uint64_t stride = stride_of_runs();
    const uint32_t machines = 5, splits_a_round = 1u << (machines - 1);
    const uint64_t ways = (uint64_t)splits_a_round * splits_a_round * splits_a_round;
    runs = 0;
    convicting = 0;
    for (uint32_t twin = 0; twin < 4; twin++) {
        for (uint64_t at = twin % stride; at < ways; at += stride) {
            /* Machine 0 is always on the first side: the other half of the splits is the same. */
            struct splits splits = {.rounds = 3};
            for (uint32_t round = 0; round < 3; round++) {
                splits.side[round] = (uint32_t)(at >> 4 * round & (splits_a_round - 1)) << 1;
            }
            if (is_canonical(twin, &splits)) {
                run(4, 130 + twin, 1u << twin, &splits);
            }
        }
    }
    print_message("%llu runs, in %llu the twin was convicted\n", (unsigned long long)runs,
                  (unsigned long long)convicting);
    assert_true(convicting > runs / 10);
}

static void test_13_twins_of_seven_sampled(void **state)
{
    (void)state;
    const uint64_t first = scenario_number("HEFU_SEED", 1);
    const uint64_t count = 300 / stride_of_runs();
    for (uint64_t seed = first; seed < first + count; seed++) {
        struct prng prng = prng_seeded(seed * 13);
        struct splits splits = {.rounds = 6};
        const uint32_t one = (uint32_t)prng_below(&prng, 7);
        const uint32_t two = (one + 1 + (uint32_t)prng_below(&prng, 6)) % 7;
        for (uint32_t round = 0; round < 6; round++) {
            splits.side[round] = (uint32_t)prng_below(&prng, 1u << 9);
        }
        run(7, seed, 1u << one | 1u << two, &splits);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_13_twins_of_four),
        cmocka_unit_test(test_13_twins_of_seven_sampled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
