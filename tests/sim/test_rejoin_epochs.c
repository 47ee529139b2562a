/*
 * Rejoin of docs/consensus.md where epochs change: the register is lost before, at and after the
 * terminal block, with the store or without. A floor that is pending when an epoch ends says
 * nothing of the next one, so the node rejoins there again. I6 is checked over all lives of a key,
 * in every epoch, as frames leave.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/support/action_batch.h"
#include "tests/support/replica_net_state.h"

#define VICTIM 1
#define REPLACED 3
#define STANDBY 4

struct scene {
    struct replica_net *net;
    uint64_t number;
};

static struct scene scene_of(uint64_t seed)
{
    const struct net_options options = {
        .nodes = 5, .validators = 4, .seed = seed, .delay_ms_max = 10};
    return (struct scene){.net = replica_net_new(&options), .number = 1};
}

static void submit(struct scene *scene, uint32_t node, uint8_t *batch, size_t length)
{
    replica_net_submit(scene->net, node, batch, length);
    free(batch);
}

/* A batch each 100 ms, to a node that runs and is no part of the drama. */
static void run_busy(struct scene *scene, uint64_t for_ms)
{
    const uint64_t end_ms = replica_net_now(scene->net) + for_ms;
    while (replica_net_now(scene->net) < end_ms) {
        const uint64_t next_ms = replica_net_now(scene->net) + 100;
        size_t length;
        uint8_t *batch = replica_net_batch(scene->net, 3, scene->number++, 5, &length);
        submit(scene, 0, batch, length);
        replica_net_run(scene->net, next_ms < end_ms ? next_ms : end_ms);
    }
}

/* Participants 1 to 3 decide, at nodes 0 and 2, that the standby takes the replaced one's place. */
static void decide(struct scene *scene)
{
    const struct public_key old_key = net_consensus_key(REPLACED);
    const struct public_key key = net_consensus_key(STANDBY);
    const struct transport_key transport_key = net_transport_key(STANDBY);
    struct action action = action_changing(1);
    struct hash id, ignored;
    size_t length;
    action_replace(&action, &old_key, &key, &transport_key);
    uint8_t *batch = replica_net_action(scene->net, 1, &action, &length, &id);
    submit(scene, 0, batch, length);
    run_busy(scene, 400);
    const struct action approve = action_answering(ACTION_APPROVE, &id);
    for (uint32_t participant = 2; participant <= 3; participant++) {
        batch = replica_net_action(scene->net, participant, &approve, &length, &ignored);
        submit(scene, participant == 2 ? 2 : 0, batch, length);
    }
}

static bool is_back(const struct replica_net *net)
{
    struct replica_view view;
    replica_inspect(net->nodes[VICTIM].replica, &view);
    const struct vote_register kept = replica_net_register(net, VICTIM);
    return view.consensus.epoch == 2 && view.consensus.may_sign && !kept.rejoining &&
           !kept.floor_pending && kept.epoch == 2 && kept.view > 0;
}

static void assert_back(struct scene *scene)
{
    const uint64_t end_ms = replica_net_now(scene->net) + 60000;
    while (!is_back(scene->net)) {
        if (replica_net_now(scene->net) >= end_ms) {
            const struct vote_register kept = replica_net_register(scene->net, VICTIM);
            fail_msg("epoch %d height %d rejoining %d pending %d register %d:%d floor %d:%d",
                     (int)replica_net_epoch(scene->net, VICTIM),
                     (int)replica_net_height(scene->net, VICTIM), kept.rejoining,
                     kept.floor_pending, (int)kept.epoch, (int)kept.view, (int)kept.floor_epoch,
                     (int)kept.floor_view);
        }
        run_busy(scene, 500);
    }
    /* It is needed, and does its part. */
    const uint64_t height = replica_net_height(scene->net, VICTIM);
    replica_net_crash(scene->net, 2);
    run_busy(scene, 6000);
    assert_true(replica_net_height(scene->net, VICTIM) >= height + 3);
}

/* Goal: the register is lost at many moments around the change, the node comes back at once or
   later, with its store or without: it votes again in the new epoch, and never against itself. */
static void test_lost_around_the_terminal_block(void **state)
{
    (void)state;
    uint32_t before = 0;
    for (uint64_t step = 0; step < 36; step++) {
        struct scene scene = scene_of(300 + step);
        run_busy(&scene, 1000);
        decide(&scene);
        run_busy(&scene, 35 * step);
        replica_net_crash(scene.net, VICTIM);
        const uint64_t lost_in = replica_net_epoch(scene.net, 0);
        replica_net_lose_register(scene.net, VICTIM);
        if (step % 3 == 1) {
            replica_net_wipe(scene.net, VICTIM);
        }
        run_busy(&scene, step % 4 * 150);
        replica_net_restart(scene.net, VICTIM);
        run_busy(&scene, 3000);
        assert_back(&scene);
        before += lost_in == 1;
        replica_net_free(scene.net);
    }
    /* Both sides of the change were met. */
    print_message("%u of 36 before the change\n", before);
    assert_true(before > 5 && before < 31);
}

/* Goal: a floor that is pending when the epoch ends is no floor of the next one: the node rejoins
   there, by itself, and votes. (Here the register is made so: the block that would settle it is
   never the one that comes first.) */
static void test_a_pending_floor_is_rejoined_in_the_next_epoch(void **state)
{
    (void)state;
    struct scene scene = scene_of(9);
    run_busy(&scene, 1000);
    decide(&scene);
    while (replica_net_epoch(scene.net, 0) == 1) {
        run_busy(&scene, 20);
        if (replica_net_running(scene.net, VICTIM)) {
            /* Above every view that this epoch will see. */
            replica_net_crash(scene.net, VICTIM);
            struct vote_register *reg = &scene.net->nodes[VICTIM].vote_register;
            reg->floor_epoch = 1;
            reg->floor_view = reg->view + 1000;
            reg->floor_pending = true;
            replica_net_restart(scene.net, VICTIM);
        }
    }
    run_busy(&scene, 3000);
    assert_back(&scene);
    assert_int_equal(replica_net_register(scene.net, VICTIM).floor_epoch, 2);
    replica_net_free(scene.net);
}

/* Goal: the store goes back behind the change with the register kept: nothing is signed in the old
   epoch again, and no rejoin is needed. */
static void test_the_store_goes_back_behind_the_change(void **state)
{
    (void)state;
    struct scene scene = scene_of(12);
    run_busy(&scene, 1000);
    struct net_backup *earlier = replica_net_backup(scene.net, VICTIM);
    decide(&scene);
    run_busy(&scene, 6000);
    assert_int_equal(replica_net_epoch(scene.net, VICTIM), 2);
    assert_int_equal(replica_net_register(scene.net, VICTIM).epoch, 2);
    replica_net_crash(scene.net, VICTIM);
    replica_net_restore_store(scene.net, VICTIM, earlier);
    replica_net_restart(scene.net, VICTIM);
    assert_false(replica_net_register(scene.net, VICTIM).rejoining);
    run_busy(&scene, 3000);
    assert_back(&scene);
    assert_int_equal(replica_net_register(scene.net, VICTIM).floor_view, 0);
    replica_net_backup_free(earlier);
    replica_net_free(scene.net);
}

/* Goal: store and register of the first epoch come back together, after the change, with --rejoin.
 */
static void test_a_snapshot_of_the_last_epoch(void **state)
{
    (void)state;
    struct scene scene = scene_of(13);
    run_busy(&scene, 1000);
    struct net_backup *earlier = replica_net_backup(scene.net, VICTIM);
    decide(&scene);
    run_busy(&scene, 6000);
    replica_net_crash(scene.net, VICTIM);
    replica_net_restore_store(scene.net, VICTIM, earlier);
    replica_net_restore_register(scene.net, VICTIM, earlier);
    replica_net_mark_rejoining(scene.net, VICTIM);
    replica_net_restart(scene.net, VICTIM);
    run_busy(&scene, 3000);
    assert_back(&scene);
    assert_int_equal(replica_net_register(scene.net, VICTIM).floor_epoch, 2);
    replica_net_backup_free(earlier);
    replica_net_free(scene.net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lost_around_the_terminal_block),
        cmocka_unit_test(test_a_pending_floor_is_rejoined_in_the_next_epoch),
        cmocka_unit_test(test_the_store_goes_back_behind_the_change),
        cmocka_unit_test(test_a_snapshot_of_the_last_epoch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
