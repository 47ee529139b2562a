/*
 * Directed test 5: a restart at every durable write, times the loss of every message of one view,
 * with four nodes. Around every pass that writes there are three places: before the commit, between
 * the commit and the register, and after it, before anything is sent. At each of them until the
 * first block is final everywhere, the node there dies, or all die; and each message sent until
 * then is lost once. Of all pairs every fifth is run for one node and every thirteenth for all, and
 * every one in a long campaign. HEFU_WRITES_STRIDE takes every so-manyth.
 *
 * What it attacks: what is half written, and votes that were made durable and never sent or
 * counted. What stands against it: persist before send, own votes and certificates back in the
 * pools after a restart, and anti-entropy, which repeats what was lost.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/scenarios/scenario.h"

#define SEED 55

static bool lose_one(struct net *net, const struct effect *effect, uint32_t from, uint32_t to)
{
    (void)effect, (void)from, (void)to;
    const uint64_t *lost = net->filter_context;
    return net->messages == *lost;
}

static struct net *open_quick(uint64_t *lost)
{
    struct net_config config = scenario_config(4, SEED);
    config.delay_max_ms = 3;
    struct net *net = net_new(&config);
    net->filter = lose_one;
    net->filter_context = lost;
    return net;
}

/* How many places and messages there are until the first block is final at all four. */
static void measure(uint64_t *ret_places, uint64_t *ret_messages)
{
    uint64_t none = 0;
    struct net *net = open_quick(&none);
    assert_true(net_run_to_height(net, 1, MINUTE_MS));
    *ret_places = net->writes;
    *ret_messages = net->messages;
    scenario_end(net, "no fault");
}

static void run(uint64_t place, uint64_t lost, bool all)
{
    char what[96];
    (void)snprintf(what, sizeof what, "%s at place %llu, message %llu lost",
                   all ? "all die" : "one dies", (unsigned long long)place,
                   (unsigned long long)lost);
    struct net *net = open_quick(&lost);
    net->crash_at = place;
    net->crash_all_at = all;
    net_run(net, 300);
    scenario_goes_on(net, 2, what);
    scenario_end(net, what);
}

/* Every so-manyth pair by default, and every pair in a long campaign. The strides have no factor in
   common with the numbers of places and messages, so each of both is met. */
static void run_all(bool all, uint64_t stride)
{
    stride = scenario_number("HEFU_TEST_LONG", 0) != 0 ? 1 : stride;
    stride = scenario_number("HEFU_WRITES_STRIDE", stride);
    uint64_t places, messages, runs = 0;
    measure(&places, &messages);
    for (uint64_t at = 0; at < places * (messages + 1); at += stride) {
        run(1 + at / (messages + 1), at % (messages + 1), all);
        runs++;
    }
    print_message("%llu places, %llu messages, %llu runs\n", (unsigned long long)places,
                  (unsigned long long)messages, (unsigned long long)runs);
}

static void test_5_one_dies_at_every_write(void **state)
{
    (void)state;
    run_all(false, 5);
}

static void test_5_all_die_at_every_write(void **state)
{
    (void)state;
    run_all(true, 13);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_5_one_dies_at_every_write),
        cmocka_unit_test(test_5_all_die_at_every_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
