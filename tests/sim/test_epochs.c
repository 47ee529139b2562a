/*
 * Epochs on whole replicas and virtual time (docs/consensus.md, Epochs): validators added, replaced
 * and removed under load; crashes at the terminal block; a new member far behind; removed members
 * that fall silent at once; an observer that follows through all of it. That no key ever signs two
 * candidates (I6), and that there is one block a height, replica_net checks all along.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/support/action_batch.h"
#include "tests/support/replica_net_state.h"

#define STEP_MS 10
#define LOAD_EVERY_MS 50

/* A network with a load on it, and the longest time in which node 0 saw no block become final. */
struct scene {
    struct replica_net *net;
    uint64_t number, next_load_ms;
    uint32_t load_node;
    uint64_t height, since_ms, pause_ms;
    bool loaded;
};

static struct scene scene_of(uint32_t nodes, uint32_t validators, uint32_t observers, uint64_t seed,
                             uint32_t loss_permille)
{
    const struct net_options options = {.nodes = nodes,
                                        .validators = validators,
                                        .observers = observers,
                                        .seed = seed,
                                        .loss_permille = loss_permille,
                                        .delay_ms_max = 5};
    print_message("seed %d\n", (int)seed);
    return (struct scene){.net = replica_net_new(&options), .number = 1000, .loaded = true};
}

static void submit(struct replica_net *net, uint32_t node, uint8_t *batch, size_t length)
{
    replica_net_submit(net, node, batch, length);
    free(batch);
}

/* One batch to the next node that votes. */
static void load(struct scene *scene)
{
    struct replica_net *net = scene->net;
    scene->next_load_ms = replica_net_now(net) + LOAD_EVERY_MS;
    for (uint32_t i = 0; i < net->options.nodes; i++) {
        scene->load_node = (scene->load_node + 1) % net->options.nodes;
        if (replica_net_running(net, scene->load_node) &&
            replica_net_votes_now(net, scene->load_node)) {
            size_t length;
            uint8_t *batch = replica_net_batch(net, 3, scene->number++, 5, &length);
            submit(net, scene->load_node, batch, length);
            return;
        }
    }
}

static void run(struct scene *scene, uint64_t for_ms)
{
    struct replica_net *net = scene->net;
    const uint64_t end_ms = replica_net_now(net) + for_ms;
    while (replica_net_now(net) < end_ms) {
        if (scene->loaded && replica_net_now(net) >= scene->next_load_ms) {
            load(scene);
        }
        replica_net_run(net, replica_net_now(net) + STEP_MS);
        if (!replica_net_running(net, 0)) {
            scene->since_ms = replica_net_now(net);
        } else if (replica_net_height(net, 0) != scene->height) {
            scene->height = replica_net_height(net, 0);
            scene->since_ms = replica_net_now(net);
        } else if (replica_net_now(net) - scene->since_ms > scene->pause_ms) {
            scene->pause_ms = replica_net_now(net) - scene->since_ms;
        }
    }
}

static bool all_in(const struct replica_net *net, uint64_t epoch)
{
    for (uint32_t i = 0; i < net->options.nodes; i++) {
        if (replica_net_running(net, i) && replica_net_epoch(net, i) < epoch) {
            return false;
        }
    }
    return true;
}

static void assert_epoch(struct scene *scene, uint64_t epoch, uint64_t within_ms)
{
    const uint64_t end_ms = replica_net_now(scene->net) + within_ms;
    while (!all_in(scene->net, epoch)) {
        if (replica_net_now(scene->net) >= end_ms) {
            for (uint32_t i = 0; i < scene->net->options.nodes; i++) {
                if (replica_net_running(scene->net, i)) {
                    print_message("node %u: epoch %d height %d\n", i,
                                  (int)replica_net_epoch(scene->net, i),
                                  (int)replica_net_height(scene->net, i));
                }
            }
            fail_msg("epoch %d not reached", (int)epoch);
        }
        run(scene, STEP_MS);
    }
}

static void assert_settled(struct scene *scene, uint64_t blocks, uint64_t within_ms)
{
    scene->loaded = true;
    uint64_t height = 0;
    for (uint32_t i = 0; i < scene->net->options.nodes; i++) {
        if (replica_net_running(scene->net, i) && replica_net_height(scene->net, i) > height) {
            height = replica_net_height(scene->net, i);
        }
    }
    run(scene, 2000);
    scene->loaded = false;
    assert_true(
        replica_net_settle(scene->net, height + blocks, replica_net_now(scene->net) + within_ms));
    scene->loaded = true;
    scene->since_ms = replica_net_now(scene->net);
}

/* Participant 1 proposes to node 0; participants 2 to approvers approve at their own nodes. */
static void decide(struct scene *scene, const struct action *action, uint32_t approvers)
{
    struct replica_net *net = scene->net;
    struct hash id, ignored;
    size_t length;
    uint8_t *proposal = replica_net_action(net, 1, action, &length, &id);
    submit(net, 0, proposal, length);
    run(scene, 1500);
    const struct action approve = action_answering(ACTION_APPROVE, &id);
    for (uint32_t participant = 2; participant <= approvers; participant++) {
        uint8_t *batch = replica_net_action(net, participant, &approve, &length, &ignored);
        submit(net, participant % 2, batch, length);
    }
}

static void add(struct action *action, uint32_t node)
{
    const struct public_key key = net_consensus_key(node);
    const struct transport_key transport_key = net_transport_key(node);
    char name[32];
    (void)snprintf(name, sizeof name, "node-%u", node);
    action_add(action, node % PARTICIPANTS + 1, &key, &transport_key, name);
}

static void replace(struct action *action, uint32_t node, uint32_t by)
{
    const struct public_key old_key = net_consensus_key(node), key = net_consensus_key(by);
    const struct transport_key transport_key = net_transport_key(by);
    action_replace(action, &old_key, &key, &transport_key);
}

static void take_away(struct action *action, uint32_t node)
{
    const struct public_key key = net_consensus_key(node);
    action_remove(action, &key);
}

/* Goal: one added, one replaced, one removed, under load, with no pause above two seconds; the
   observer and the removed ones have the same chain all the time. */
static void test_add_replace_remove(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct scene scene = scene_of(7, 4, 1, seed, seed > 2 ? 20 : 0);
        struct action action = action_changing(1);
        run(&scene, 1000);
        add(&action, 4);
        decide(&scene, &action, 3);
        assert_epoch(&scene, 2, 20000);
        assert_settled(&scene, 10, 30000);
        assert_true(replica_net_votes_now(scene.net, 4));
        action = action_changing(2);
        replace(&action, 3, 5);
        decide(&scene, &action, 5);
        assert_epoch(&scene, 3, 20000);
        assert_settled(&scene, 10, 30000);
        assert_true(replica_net_votes_now(scene.net, 5));
        assert_false(replica_net_votes_now(scene.net, 3));
        replica_net_crash(scene.net, 3); /* of no use any more */
        action = action_changing(3);
        take_away(&action, 1);
        decide(&scene, &action, 5);
        assert_epoch(&scene, 4, 20000);
        assert_settled(&scene, 10, 30000);
        assert_false(replica_net_votes_now(scene.net, 1));
        assert_false(replica_net_votes_now(scene.net, 6));
        print_message("longest pause %d ms\n", (int)scene.pause_ms);
        if (seed <= 2) {
            assert_in_range(scene.pause_ms, 0, 2000);
        }
        replica_net_free(scene.net);
    }
}

/* Goal: whichever node is killed as it goes over, the others go on, and it comes back. */
static void test_crash_at_the_terminal_block(void **state)
{
    (void)state;
    for (uint32_t node = 0; node < 5; node++) {
        struct scene scene = scene_of(6, 4, 1, 10 + node, 0);
        struct action action = action_changing(1);
        run(&scene, 1000);
        add(&action, 4);
        decide(&scene, &action, 3);
        for (uint32_t i = 0; i < 20000 && replica_net_epoch(scene.net, node) == 1; i++) {
            replica_net_run(scene.net, replica_net_now(scene.net) + 1);
        }
        assert_int_equal(replica_net_epoch(scene.net, node), 2);
        replica_net_crash(scene.net, node);
        scene.since_ms = replica_net_now(scene.net);
        run(&scene, 3000);
        replica_net_restart(scene.net, node);
        assert_epoch(&scene, 2, 20000);
        assert_settled(&scene, 10, 60000);
        assert_true(replica_net_votes_now(scene.net, node));
        replica_net_free(scene.net);
    }
}

/* Goal: all killed as the first of them goes over, so that few or none have the finalization; after
   the restart the network goes on. */
static void test_all_killed_at_the_terminal_block(void **state)
{
    (void)state;
    for (uint64_t seed = 20; seed < 32; seed++) {
        struct scene scene = scene_of(5, 4, 0, seed, 0);
        struct action action = action_changing(1);
        run(&scene, 1000);
        add(&action, 4);
        decide(&scene, &action, 3);
        uint32_t over = 0;
        for (uint32_t i = 0; i < 20000 && over <= seed % 4; i++) {
            replica_net_run(scene.net, replica_net_now(scene.net) + 1);
            over = 0;
            for (uint32_t node = 0; node < 5; node++) {
                over += replica_net_epoch(scene.net, node) == 2;
            }
        }
        for (uint32_t node = 0; node < 5; node++) {
            replica_net_crash(scene.net, node);
        }
        for (uint32_t node = 0; node < 5; node++) {
            replica_net_restart(scene.net, node);
        }
        assert_epoch(&scene, 2, 20000);
        assert_settled(&scene, 10, 60000);
        replica_net_free(scene.net);
    }
}

/* Goal: a change waits for its new member, which comes late and far behind. */
static void test_new_member_far_behind(void **state)
{
    (void)state;
    struct scene scene = scene_of(5, 4, 0, 40, 0);
    replica_net_crash(scene.net, 4);
    run(&scene, 15000);
    struct action action = action_changing(1);
    add(&action, 4);
    decide(&scene, &action, 3);
    run(&scene, 10000);
    assert_int_equal(replica_net_epoch(scene.net, 0), 1);
    const uint64_t height = replica_net_height(scene.net, 0);
    assert_in_range(height, 100, 100000);
    replica_net_restart(scene.net, 4);
    assert_epoch(&scene, 2, 30000);
    assert_in_range(replica_net_height(scene.net, 4), height, UINT32_MAX);
    assert_settled(&scene, 10, 30000);
    assert_true(replica_net_votes_now(scene.net, 4));
    replica_net_free(scene.net);
}

/* Goal: f members leave and fall silent at once; who stays goes on. */
static void test_removed_fall_silent(void **state)
{
    (void)state;
    for (uint64_t seed = 50; seed < 53; seed++) {
        struct scene scene = scene_of(7, 7, 0, seed, 0);
        struct action action = action_changing(1);
        run(&scene, 1000);
        take_away(&action, 5);
        take_away(&action, 6);
        decide(&scene, &action, 5);
        for (uint32_t i = 0; i < 20000 && replica_net_epoch(scene.net, 0) == 1; i++) {
            replica_net_run(scene.net, replica_net_now(scene.net) + 1);
        }
        replica_net_crash(scene.net, 5);
        replica_net_crash(scene.net, 6);
        assert_epoch(&scene, 2, 20000);
        assert_settled(&scene, 10, 30000);
        replica_net_free(scene.net);
    }
}

/* Goal: when only a few, even if they are leaving, know that the epoch has ended, the others learn
   it from them: whoever has not come over is killed, and comes back to those who have. */
static void test_few_know_the_end(void **state)
{
    (void)state;
    for (uint64_t seed = 100; seed < 112; seed++) {
        struct scene scene = scene_of(7, 7, 0, seed, 0);
        struct action action = action_changing(1);
        bool known[7];
        run(&scene, 1000);
        take_away(&action, 5);
        take_away(&action, 6);
        decide(&scene, &action, 5);
        uint32_t over = 0;
        for (uint32_t i = 0; i < 20000 && over <= seed % 3; i++) {
            replica_net_run(scene.net, replica_net_now(scene.net) + 1);
            over = 0;
            for (uint32_t node = 0; node < 7; node++) {
                known[node] = replica_net_epoch(scene.net, node) == 2;
                over += known[node];
            }
        }
        for (uint32_t node = 0; node < 7; node++) {
            if (!known[node]) {
                replica_net_crash(scene.net, node);
            }
        }
        replica_net_run(scene.net, replica_net_now(scene.net) + 500);
        for (uint32_t node = 0; node < 7; node++) {
            if (!known[node]) {
                replica_net_restart(scene.net, node);
            }
        }
        assert_epoch(&scene, 2, 10000);
        assert_settled(&scene, 10, 60000);
        replica_net_free(scene.net);
    }
}

/* Goal: who is removed keeps its slot and its link at every other node, and goes on following. */
static void test_removed_keeps_its_slot(void **state)
{
    (void)state;
    struct scene scene = scene_of(6, 5, 1, 80, 0);
    struct action action = action_changing(1);
    run(&scene, 1000);
    take_away(&action, 1);
    decide(&scene, &action, 5);
    assert_epoch(&scene, 2, 20000);
    for (uint32_t i = 0; i < 6; i++) {
        if (i != 1) {
            assert_int_equal(net_slot_of(&scene.net->nodes[i], 1), 1);
        }
    }
    assert_settled(&scene, 10, 30000);
    replica_net_free(scene.net);
}

/* Goal: a node that slept through three epochs comes back through all of them, be it a validator or
   an observer. */
static void test_catch_up_across_epochs(void **state)
{
    (void)state;
    struct scene scene = scene_of(7, 4, 1, 60, 0);
    run(&scene, 1000);
    replica_net_crash(scene.net, 3);
    replica_net_crash(scene.net, 6);
    struct action action = action_changing(1);
    add(&action, 4);
    decide(&scene, &action, 3);
    assert_epoch(&scene, 2, 20000);
    run(&scene, 15000);
    action = action_changing(2);
    add(&action, 5);
    decide(&scene, &action, 5);
    assert_epoch(&scene, 3, 20000);
    action = action_changing(3);
    take_away(&action, 2);
    decide(&scene, &action, 5);
    assert_epoch(&scene, 4, 20000);
    run(&scene, 3000);
    assert_in_range(replica_net_height(scene.net, 0), 300, UINT32_MAX);
    replica_net_restart(scene.net, 3);
    replica_net_restart(scene.net, 6);
    assert_epoch(&scene, 4, 3000);
    assert_settled(&scene, 10, 30000);
    assert_true(replica_net_votes_now(scene.net, 3));
    replica_net_free(scene.net);
}

/* Goal: a validator that garbles its frames, and old frames of all repeated in its name, epochs
   later too, hold nothing up and let nobody contradict himself. */
static void test_mutant_through_epochs(void **state)
{
    (void)state;
    for (uint64_t seed = 90; seed < 94; seed++) {
        struct scene scene = scene_of(7, 4, 1, seed, 0);
        struct action action = action_changing(1);
        run(&scene, 1000);
        replica_net_set_mutant(scene.net, 3, 200);
        add(&action, 4);
        decide(&scene, &action, 3);
        assert_epoch(&scene, 2, 60000);
        action = action_changing(2);
        add(&action, 5);
        decide(&scene, &action, 5);
        assert_epoch(&scene, 3, 60000);
        run(&scene, 5000);
        replica_net_set_mutant(scene.net, 3, 0);
        assert_settled(&scene, 10, 60000);
        replica_net_free(scene.net);
    }
}

/* Goal: a validator goes on under its next key without another process, also if it is killed as it
   goes over; its old key is of no use afterwards. */
static void test_own_key_replaced(void **state)
{
    (void)state;
    for (uint32_t killed = 0; killed < 2; killed++) {
        struct scene scene = scene_of(4, 4, 0, 80 + killed, 0);
        const struct public_key old_key = net_consensus_key(2), key = net_next_key(2);
        const struct transport_key transport_key = net_transport_key(2);
        run(&scene, 1000);
        replica_net_crash(scene.net, 2);
        replica_net_give_next_key(scene.net, 2);
        replica_net_restart(scene.net, 2);
        run(&scene, 2000);
        struct action action = action_changing(1);
        action_replace(&action, &old_key, &key, &transport_key);
        decide(&scene, &action, 3);
        for (uint32_t i = 0; i < 20000 && replica_net_epoch(scene.net, 2) == 1; i++) {
            replica_net_run(scene.net, replica_net_now(scene.net) + 1);
        }
        if (killed == 1) {
            replica_net_crash(scene.net, 2);
            replica_net_restart(scene.net, 2);
        }
        assert_epoch(&scene, 2, 20000);
        assert_settled(&scene, 10, 30000);
        assert_true(replica_net_votes_now(scene.net, 2));
        assert_int_equal(scene.net->nodes[2].next_key_register.epoch, 2);
        /* The old key's register forbids whatever came before. */
        assert_int_equal(scene.net->nodes[2].vote_register.epoch, 2);
        assert_int_equal(scene.net->nodes[2].vote_register.view, 0);
        replica_net_free(scene.net);
    }
}

/* A change is decided in 5 validators' network; the millisecond at which node 1 is in epoch 2, or,
   if torn_at is not 0, what the register of node 1 stands at after a pass torn then and a new
   start. */
static uint64_t torn_run(uint64_t torn_at, uint64_t *ret_epoch)
{
    struct scene scene = scene_of(5, 4, 0, 70, 0);
    run(&scene, 1000);
    struct action action = action_changing(1);
    add(&action, 4);
    decide(&scene, &action, 3);
    while (replica_net_running(scene.net, 1) && replica_net_epoch(scene.net, 1) == 1) {
        if (torn_at != 0 && replica_net_now(scene.net) + 1 >= torn_at) {
            replica_net_tear(scene.net, 1);
        }
        replica_net_run(scene.net, replica_net_now(scene.net) + 1);
        assert_in_range(replica_net_now(scene.net), 0, 60000);
    }
    const uint64_t now_ms = replica_net_now(scene.net);
    if (torn_at != 0) {
        assert_false(replica_net_running(scene.net, 1));
        assert_int_equal(scene.net->nodes[1].vote_register.epoch, 1);
        replica_net_restart(scene.net, 1);
        replica_net_run(scene.net, now_ms + 1);
        *ret_epoch = scene.net->nodes[1].vote_register.epoch;
        assert_settled(&scene, 10, 30000);
    }
    replica_net_free(scene.net);
    return now_ms;
}

/* Goal: the commit that ends an epoch is durable and the register's write after it is not. Votes of
   the old epoch then leave inside certificates, so before anything leaves the register must forbid
   that epoch: should the storage be lost next, it alone knows. */
static void test_torn_at_the_terminal_block(void **state)
{
    (void)state;
    uint64_t epoch = 0;
    const uint64_t over_ms = torn_run(0, NULL);
    assert_int_equal(torn_run(over_ms, &epoch), over_ms);
    assert_int_equal(epoch, 2);
}

/* Goal: an observer is never a second behind while blocks come. */
static void test_observer_is_near(void **state)
{
    (void)state;
    struct scene scene = scene_of(5, 4, 1, 70, 0);
    uint64_t behind_since_ms = 0, longest_ms = 0;
    for (uint32_t i = 0; i < 500; i++) {
        const uint64_t height = replica_net_height(scene.net, 0);
        run(&scene, STEP_MS);
        if (replica_net_height(scene.net, 4) >= height) {
            behind_since_ms = replica_net_now(scene.net);
        } else if (replica_net_now(scene.net) - behind_since_ms > longest_ms) {
            longest_ms = replica_net_now(scene.net) - behind_since_ms;
        }
    }
    print_message("at most %d ms behind\n", (int)longest_ms);
    assert_in_range(longest_ms, 0, 999);
    assert_in_range(replica_net_height(scene.net, 4), 20, UINT32_MAX);
    assert_int_equal(replica_net_votes(scene.net, 4), 0);
    replica_net_free(scene.net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_observer_is_near),
        cmocka_unit_test(test_add_replace_remove),
        cmocka_unit_test(test_crash_at_the_terminal_block),
        cmocka_unit_test(test_all_killed_at_the_terminal_block),
        cmocka_unit_test(test_new_member_far_behind),
        cmocka_unit_test(test_removed_fall_silent),
        cmocka_unit_test(test_few_know_the_end),
        cmocka_unit_test(test_removed_keeps_its_slot),
        cmocka_unit_test(test_catch_up_across_epochs),
        cmocka_unit_test(test_own_key_replaced),
        cmocka_unit_test(test_torn_at_the_terminal_block),
        cmocka_unit_test(test_mutant_through_epochs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
