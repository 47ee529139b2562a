/*
 * Directed test 9: clocks. f nodes are an hour ahead or behind; a block stamped far ahead.
 *
 * What it attacks: the time rule of a new block, parent < time <= max(own clock + 2 s, parent + 1
 * ms). A node that is ahead proposes blocks that nobody may vote for yet; one that is behind may
 * vote for nothing, and must follow all the same. What stands against it: early means wait, not
 * invalid; a view is given up by the monotonic clock; and a final block is final whatever one's own
 * clock says, so that after a block from the future the chain goes on one millisecond at a time.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/scenarios/scenario.h"

#define HOUR_MS INT64_C(3600000)

static void run_skewed(uint32_t count, uint32_t first, int64_t skew, uint32_t second,
                       int64_t second_skew)
{
    char what[96];
    (void)snprintf(what, sizeof what, "n = %u, clock of %u by %lld ms, of %u by %lld ms", count,
                   first, (long long)skew, second, (long long)second_skew);
    const struct net_config config = scenario_config(count, 90 + first);
    struct net *net = net_new(&config);
    net->nodes[first].skew_ms = skew;
    net->nodes[second].skew_ms = second_skew;
    /* All commit, the nodes with wrong clocks too; what those lead costs a view each round. */
    if (!net_run_to_height(net, 40, MINUTE_MS)) {
        fail_msg("%s: height %llu; %s", what, (unsigned long long)net_lowest_height(net),
                 net->violation);
    }
    /* The final time stays near the true one: the fast node never drags the others along. */
    const struct net_block *last = net->finals.items[net->finals.count - 1];
    assert_true(last->block.timestamp_ms < UINT64_C(1790000000000) + net->now_ms + 2001);
    scenario_end(net, what);
}

static void test_9_clocks_off_by_an_hour_on_f_nodes(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 4; i++) {
        run_skewed(4, i, HOUR_MS, i, HOUR_MS);
        run_skewed(4, i, -HOUR_MS, i, -HOUR_MS);
    }
    for (uint32_t i = 0; i < 7; i++) {
        run_skewed(7, i, HOUR_MS, (i + 3) % 7, -HOUR_MS);
        run_skewed(7, i, HOUR_MS, (i + 1) % 7, HOUR_MS);
        run_skewed(7, i, -HOUR_MS, (i + 2) % 7, -HOUR_MS);
    }
}

/* The Byzantine leader stamps what it proposes an hour ahead. */
static bool stamp_far_ahead(struct net *net, const struct effect *effect, uint32_t from,
                            uint32_t to)
{
    if (from != net->config.byzantine || effect->kind != EFFECT_SEND_PROPOSAL ||
        !effect->proposal->has_block) {
        return false;
    }
    uint64_t *stamped = net->filter_context;
    struct proposal other = *effect->proposal;
    struct consensus_block fields = other.block;
    fields.timestamp_ms += (uint64_t)HOUR_MS;
    const struct net_block *block = net_make_block(net, &fields, true);
    net_hold(net, &net->nodes[from], block);
    other.block = block->block;
    other.vote.candidate.block_hash = block->block.hash;
    net_sign(net, &other.vote);
    const struct effect sent = {.kind = EFFECT_SEND_PROPOSAL, .peer = to, .proposal = &other};
    net_send(net, from, to, &sent);
    (*stamped)++;
    return true;
}

static void test_9_a_block_stamped_far_ahead_by_its_leader(void **state)
{
    /* Nobody votes for it, so it never becomes final; its view is given up in time. */
    (void)state;
    for (uint64_t seed = 100; seed < 108; seed++) {
        uint64_t stamped = 0;
        struct net_config config = scenario_config(4, seed);
        config.byzantine = seed % 4;
        config.scripted = true;
        struct net *net = net_new(&config);
        net->filter = stamp_far_ahead;
        net->filter_context = &stamped;
        assert_true(net_run_to_height(net, 30, MINUTE_MS));
        assert_true(stamped > 0);
        for (uint32_t i = 0; i < net->finals.count; i++) {
            const struct net_block *block = net->finals.items[i];
            assert_true(block->block.timestamp_ms < UINT64_C(1790000000000) + (uint64_t)HOUR_MS);
        }
        scenario_end(net, "a leader that stamps ahead");
    }
}

static void test_9_a_final_block_from_the_future(void **state)
{
    /* All clocks jump an hour ahead, a block becomes final, and the clocks are set right: time goes
       on by a millisecond a block until the true time has come. No node waits an hour. */
    (void)state;
    const struct net_config config = scenario_config(4, 110);
    struct net *net = net_new(&config);
    assert_true(net_run_to_height(net, 3, MINUTE_MS));
    for (uint32_t i = 0; i < 4; i++) {
        net->nodes[i].skew_ms = HOUR_MS;
    }
    assert_true(net_run_to_height(net, net->finals.count + 2, net->now_ms + MINUTE_MS));
    for (uint32_t i = 0; i < 4; i++) {
        net->nodes[i].skew_ms = 0;
    }
    const uint32_t height = net->finals.count;
    const uint64_t before = net->now_ms;
    assert_true(net_run_to_height(net, height + 50, net->now_ms + MINUTE_MS));
    assert_true(net->now_ms - before < 10000);
    const struct net_block *future = net->finals.items[height - 1];
    const struct net_block *later = net->finals.items[height + 19];
    assert_true(future->block.timestamp_ms > UINT64_C(1790000000000) + (uint64_t)HOUR_MS);
    assert_true(later->block.timestamp_ms <= future->block.timestamp_ms + 20 + 2000);
    scenario_end(net, "a final block from the future");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_9_clocks_off_by_an_hour_on_f_nodes),
        cmocka_unit_test(test_9_a_block_stamped_far_ahead_by_its_leader),
        cmocka_unit_test(test_9_a_final_block_from_the_future),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
