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
    struct sim_actor_counts actors[SIM_ACTOR_COUNT] = {{0}};
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        run(seed, false);
        assert_false(result.violation);
        assert_false(result.stall);
#define ADD(field, text) counts.field += result.counts.field;
        SIM_COUNTS(ADD)
#undef ADD
        for (uint32_t i = 0; i < SIM_ACTOR_COUNT; i++) {
            actors[i].actions += result.actors[i].actions;
        }
    }
    /* Forks take f+1 faulty validators, and so does a halt. */
    assert_int_equal(counts.forks, 0);
    assert_int_equal(counts.halts, 0);
    counts.forks = counts.halts = 1;
    /* Every other fault, every actor and everything that the ledger can do did happen. */
#define SEEN(field, text)                                                                          \
    if (counts.field == 0) {                                                                       \
        fail_msg("no run had any of: %s", text);                                                   \
    }
    SIM_COUNTS(SEEN)
#undef SEEN
    for (uint32_t i = 0; i < SIM_ACTOR_COUNT; i++) {
        if (actors[i].actions == 0) {
            fail_msg("no run had a deed of the %s", sim_actor_name((enum sim_actor_kind)i));
        }
    }
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
