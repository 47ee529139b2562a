/*
 * Directed test 4: a view that is notarized and nullified, then a re-proposal, then a terminal
 * block. All vote for the block of a view, but the votes are held back until all have given the
 * view up; then they reach some of the nodes, so that both certificates of the view exist and
 * nobody holds all.
 *
 * What it attacks: the choice of the parent. A leader that holds the notarization must propose that
 * very block again; one that holds the nullification alone may propose another on the parent
 * before. What stands against it: a block is final only with FINALIZE of a quorum in one view, and
 * whoever nullified a view casts none in it; a terminal block has no child in its epoch, so once it
 * is final nothing moves.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/scenarios/scenario.h"

struct holding {
    uint32_t informed; /* a bit a node that gets the NOTARIZE votes after all */
    bool late;         /* whether that time has come */
};

static bool is_certificate(const struct effect *effect, enum vote_kind kind)
{
    return effect->kind == EFFECT_SEND_CERTIFICATE && effect->certificate->kind == kind;
}

/* Of views 1 to 3: NOTARIZE votes and notarizations reach nobody, and later the informed alone. */
static bool hold_back(struct net *net, const struct effect *effect, uint32_t from, uint32_t to)
{
    (void)from;
    const struct holding *holding = net->filter_context;
    const bool notarize = effect->kind == EFFECT_SEND_VOTE && effect->vote->kind == VOTE_NOTARIZE;
    if (scenario_view_of(effect) > 3 || (!notarize && !is_certificate(effect, VOTE_NOTARIZE))) {
        return false;
    }
    return !holding->late || (holding->informed >> to & 1) == 0;
}

/* Whether the node stores both a notarization and a nullification of one view. */
static bool has_both(const struct net_node *node)
{
    const struct net_list *list = &node->storage.certificates;
    for (uint32_t i = 0; i < list->count; i++) {
        for (uint32_t j = 0; j < list->count; j++) {
            const struct certificate *a = list->items[i], *b = list->items[j];
            if (a->view == b->view && a->kind == VOTE_NOTARIZE && b->kind == VOTE_NULLIFY) {
                return true;
            }
        }
    }
    return false;
}

/* Returns whether some node came to hold both certificates of a view. */
static bool run(uint64_t seed, uint32_t informed, bool crash)
{
    struct holding holding = {.informed = informed};
    bool both = false;
    const struct net_config config = scenario_config(4, seed);
    struct net *net = net_new(&config);
    net->terminal_height = 2;
    net->filter = hold_back;
    net->filter_context = &holding;
    while (scenario_view(net, 0) < 3 && net->now_ms < MINUTE_MS) {
        net_run(net, net->now_ms + 10);
    }
    holding.late = true;
    for (uint32_t i = 0; i < 60 && !both; i++) {
        net_run(net, net->now_ms + 20);
        for (uint32_t n = 0; n < 4; n++) {
            both = both || has_both(&net->nodes[n]);
        }
    }
    net->filter = NULL;
    for (uint32_t i = 0; i < 4 && crash; i++) {
        net_crash(net, i);
    }
    scenario_goes_on(net, 2 - net->finals.count, "to the terminal block");
    /* The epoch rests: nothing is built on a terminal block, and no view ends. */
    const uint64_t view = scenario_view(net, 0);
    const uint32_t blocks = net->blocks.count;
    net_run(net, net->now_ms + MINUTE_MS);
    assert_int_equal(net->finals.count, 2);
    assert_int_equal(net->blocks.count, blocks);
    assert_true(scenario_view(net, 0) <= view + 2);
    scenario_end(net, "notarized and nullified");
    return both;
}

static void test_4_a_view_both_notarized_and_nullified(void **state)
{
    (void)state;
    uint32_t both = 0;
    for (uint32_t informed = 0; informed < 16; informed++) {
        both += run(40, informed, false);
        both += run(41 + informed, informed, true);
    }
    print_message("%u of 32 runs had both certificates of one view on one node\n", both);
    assert_true(both >= 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_4_a_view_both_notarized_and_nullified),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
