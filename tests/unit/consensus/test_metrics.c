/*
 * test_metrics: what a machine counts of itself is what happened (docs/operations.md, Metrics):
 * timeouts by leader and reason, finality times, what is known of peers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/consensus_rig.h"

static const struct candidate nothing;

/* A machine that leads neither of the first two views. */
static void open_follower(struct rig *rig)
{
    rig_open(rig, 4, 0);
    uint32_t own = 0;
    while (own == rig_leader(rig, 1) || own == rig_leader(rig, 2)) {
        own++;
    }
    rig_close(rig);
    rig_open(rig, 4, own);
    rig_start(rig);
}

static uint64_t timeouts(const struct rig *rig, uint64_t view, enum timeout_reason reason)
{
    return consensus_metrics(rig->consensus)->timeouts[rig_leader(rig, view)][reason];
}

/* All timeouts of all leaders. */
static uint64_t timeouts_counted(const struct rig *rig)
{
    uint64_t sum = 0;
    for (uint32_t leader = 0; leader < 4; leader++) {
        for (uint32_t reason = 0; reason < TIMEOUT_REASONS; reason++) {
            sum += consensus_metrics(rig->consensus)->timeouts[leader][reason];
        }
    }
    return sum;
}

static void test_no_proposal(void **state)
{
    /* A leader who is heard and proposes nothing. */
    (void)state;
    struct rig rig;
    open_follower(&rig);
    rig_work(&rig);
    rig_tick(&rig, 1199);
    assert_int_equal(timeouts_counted(&rig), 0);
    rig_tick(&rig, 1);
    assert_int_equal(timeouts(&rig, 1, TIMEOUT_NO_PROPOSAL), 1);
    assert_int_equal(timeouts_counted(&rig), 1);
    assert_int_equal(rig_inspect(&rig).timeouts, 1);
    rig_close(&rig);
}

static void test_bytes_missing(void **state)
{
    /* A proposal whose block cannot be had. */
    (void)state;
    struct rig rig;
    open_follower(&rig);
    const struct consensus_block block = rig_block(&rig, &rig.root, 1, 0);
    const struct proposal proposal = rig_proposal(&rig, 1, 0, &block);
    rig_give_proposal(&rig, &proposal);
    rig_tick(&rig, 2000);
    assert_int_equal(timeouts(&rig, 1, TIMEOUT_BYTES_MISSING), 1);
    assert_int_equal(timeouts_counted(&rig), 1);
    rig_close(&rig);
}

static void test_not_notarized(void **state)
{
    /* A proposal that this node voted for, and too few others. */
    (void)state;
    struct rig rig;
    open_follower(&rig);
    const struct consensus_block block = rig_block(&rig, &rig.root, 1, 0);
    const struct proposal proposal = rig_proposal(&rig, 1, 0, &block);
    rig_give_proposal(&rig, &proposal);
    rig_give_check(&rig, &block, BLOCK_AGREES);
    assert_true(rig_cast(&rig, VOTE_NOTARIZE, 1));
    rig_tick(&rig, 2000);
    assert_true(rig_cast(&rig, VOTE_NULLIFY, 1));
    assert_int_equal(timeouts(&rig, 1, TIMEOUT_NOT_NOTARIZED), 1);
    assert_int_equal(timeouts_counted(&rig), 1);
    rig_close(&rig);
}

static void test_silent(void **state)
{
    /* A leader not heard of for 5 s, while the others are: its views are counted apart. */
    (void)state;
    struct rig rig;
    open_follower(&rig);
    const uint32_t dead = rig_leader(&rig, 1);
    rig.now_ms += 5000;
    for (uint32_t i = 0; i < 4; i++) {
        if (i != rig.own && i != dead) {
            rig_hear(&rig, i);
        }
    }
    const struct consensus_peer peer = consensus_peer(rig.consensus, dead);
    assert_true(peer.missing);
    assert_int_equal(peer.silent_ms, 5000);
    assert_int_equal(rig_inspect(&rig).missing, 1);
    rig_tick(&rig, 0);
    assert_int_equal(timeouts(&rig, 1, TIMEOUT_SILENT), 1);
    assert_int_equal(timeouts_counted(&rig), 1);
    rig_hear(&rig, dead);
    assert_false(consensus_peer(rig.consensus, dead).missing);
    assert_int_equal(rig_inspect(&rig).missing, 0);
    rig_close(&rig);
}

static void test_finality(void **state)
{
    /* The time from the first sight of the proposal to the commit, in the bucket of its bound. */
    (void)state;
    struct rig rig;
    open_follower(&rig);
    const struct consensus_metrics *metrics = consensus_metrics(rig.consensus);
    const struct consensus_block block = rig_block(&rig, &rig.root, 1, 0);
    const struct proposal proposal = rig_proposal(&rig, 1, 0, &block);
    rig_give_proposal(&rig, &proposal);
    rig_give_check(&rig, &block, BLOCK_AGREES);
    rig_tick(&rig, 100);
    const struct candidate candidate = {.parent_view = 0, .block_hash = block.hash};
    const struct certificate final =
        rig_certificate(&rig, (rig.own + 1) % 4, VOTE_FINALIZE, 1, candidate);
    assert_int_equal(metrics->finality_count, 0);
    rig_give_certificate(&rig, &final);
    assert_int_equal(rig_inspect(&rig).final_height, 1);
    assert_int_equal(metrics->finality_count, 1);
    assert_int_equal(metrics->finality_sum_ms, 100);
    assert_int_equal(finality_bounds_ms[4], 100);
    assert_int_equal(metrics->finality[4], 1);
    rig_close(&rig);
}

static void test_catchup_is_no_finality(void **state)
{
    /* A block that came with its finalization alone was never waited for. */
    (void)state;
    struct rig rig;
    open_follower(&rig);
    const struct consensus_block block = rig_block(&rig, &rig.root, 1, 0);
    const struct candidate candidate = {.parent_view = 0, .block_hash = block.hash};
    const struct certificate final =
        rig_certificate(&rig, (rig.own + 1) % 4, VOTE_FINALIZE, 1, candidate);
    rig_step(&rig, (struct event){.kind = EVENT_CATCHUP_BLOCK,
                                  .peer = rig_leader(&rig, 1),
                                  .catchup = {.block = block, .finalization = &final}});
    rig_give_check(&rig, &block, BLOCK_AGREES);
    assert_int_equal(rig_inspect(&rig).final_height, 1);
    assert_int_equal(consensus_metrics(rig.consensus)->finality_count, 0);
    rig_close(&rig);
}

static void test_the_register_is_shown(void **state)
{
    /* Where the vote register stands follows what was signed. */
    (void)state;
    struct rig rig;
    open_follower(&rig);
    assert_int_equal(rig_inspect(&rig).register_view, 0);
    const struct certificate first =
        rig_certificate(&rig, (rig.own + 1) % 4, VOTE_NULLIFY, 1, nothing);
    rig_give_certificate(&rig, &first);
    rig_work(&rig);
    rig_tick(&rig, 2000);
    assert_true(rig_cast(&rig, VOTE_NULLIFY, 2));
    assert_int_equal(rig_inspect(&rig).register_view, 2);
    assert_int_equal(rig_inspect(&rig).register_epoch, 1);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_proposal),
        cmocka_unit_test(test_bytes_missing),
        cmocka_unit_test(test_not_notarized),
        cmocka_unit_test(test_silent),
        cmocka_unit_test(test_finality),
        cmocka_unit_test(test_catchup_is_no_finality),
        cmocka_unit_test(test_the_register_is_shown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
