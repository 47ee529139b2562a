/*
 * Directed test 6, the half in which the vote register is kept: the store of a node goes back to
 * each of its earlier commits, one after the other, while the register beside the key stays. (Both
 * lost or rolled back, with --rejoin: tests/sim/test_rejoin.c.)
 *
 * What it attacks: a key that forgets what it signed. What stands against it: nothing is signed
 * below the view that the register stood at, and in that view only kinds that it does not name; its
 * votes go back into the store. A node that was rolled back is of use again: one more validator
 * then stops, so that the network needs it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/scenarios/scenario.h"

#define COMMITS 120

/* Rolls node 1 back to its commit of this number, after it has made so many more. */
static void run(uint64_t seed, uint64_t commit, uint64_t later)
{
    char what[96];
    (void)snprintf(what, sizeof what, "back to commit %llu from %llu more",
                   (unsigned long long)commit, (unsigned long long)later);
    const struct net_config config = scenario_config(4, seed);
    struct net *net = net_new(&config);
    struct net_node *node = &net->nodes[1];
    node->copy_at = commit;
    while (node->passes < commit + later) {
        net_run(net, net->now_ms + 1);
        assert_true(net->now_ms < MINUTE_MS);
    }
    net_roll_back(net, 1, &node->copy);
    scenario_goes_on(net, 3, what);
    net_stop(net, 3);
    scenario_goes_on(net, 3, what);
    assert_int_equal(node->alarms[ALARM_REGISTER_BEHIND], 0);
    scenario_end(net, what);
}

static void test_6_the_store_goes_back_to_each_commit(void **state)
{
    (void)state;
    for (uint64_t commit = 1; commit <= COMMITS; commit++) {
        run(60, commit, 1 + commit % 40);
    }
}

static void test_6_the_store_goes_back_far(void **state)
{
    (void)state;
    for (uint64_t commit = 1; commit <= COMMITS; commit += 7) {
        run(61 + commit, commit, 900);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_6_the_store_goes_back_to_each_commit),
        cmocka_unit_test(test_6_the_store_goes_back_far),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
