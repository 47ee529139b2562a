/*
 * The simulator under ctest: a few hundred short seeds without a violation or a stall, the same
 * seed twice, and f+1 faulty validators whose forks the simulator must see and the nodes must
 * detect, which also shows that its checks can fail. Campaigns: scripts/sim.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/sim/sim.h"

#define SEEDS 150
#define STEPS 700

static struct sim_result result;

static void run(uint64_t seed, bool beyond)
{
    const struct sim_options options = {.seed = seed, .steps = STEPS, .beyond = beyond};
    sim_run(&options, &result);
    if (result.violation || result.stall) {
        print_message("seed %d, %s, event %d: %s\n", (int)seed, result.invariant,
                      (int)result.events, result.sentence);
    }
}

/* Goal: with at most f faulty validators nothing forbidden happens, and healed networks go on. */
static void test_seeds(void **state)
{
    (void)state;
    struct sim_counts counts = {0};
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        run(seed, false);
        assert_false(result.violation);
        assert_false(result.stall);
        counts.blocks += result.counts.blocks;
        counts.crashes += result.counts.crashes;
        counts.lost_passes += result.counts.lost_passes;
        counts.torn_passes += result.counts.torn_passes;
        counts.symmetric += result.counts.symmetric;
        counts.evidence += result.counts.evidence;
        counts.rollbacks += result.counts.rollbacks;
        counts.kept += result.counts.kept;
    }
    /* The faults did happen. */
    assert_true(counts.blocks > 10 * SEEDS);
    assert_true(counts.crashes > SEEDS && counts.lost_passes > 10 && counts.torn_passes > 10);
    assert_true(counts.symmetric > 10 && counts.evidence > 10);
    assert_true(counts.rollbacks > SEEDS / 10 && counts.kept > SEEDS / 20);
}

/* Goal: the same seed gives the same run (I16). */
static void test_same_seed(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 10; seed++) {
        run(seed, false);
        const uint64_t trace_hash = result.trace_hash;
        const uint64_t events = result.events;
        run(seed, false);
        assert_true(result.trace_hash == trace_hash && result.events == events);
    }
}

/* Goal: with f+1 faulty there are forks, and each is detected. */
static void test_beyond(void **state)
{
    (void)state;
    uint32_t forks = 0;
    for (uint64_t seed = 1; seed <= 20; seed++) {
        run(seed, true);
        assert_false(result.violation);
        assert_false(result.undetected);
        forks += result.forked;
    }
    assert_true(forks > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seeds),
        cmocka_unit_test(test_same_seed),
        cmocka_unit_test(test_beyond),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
