/*
 * Boot of docs/consensus.md on whole replicas: a store, a register, or both are lost or rolled
 * back, and the node starts again, with --rejoin where the register is in doubt. The network checks
 * at every frame that leaves that no key ever contradicts itself (I6), over all lives of a node.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/support/replica_net_state.h"

#define VICTIM 1

static void submit(struct replica_net *net, uint32_t node, uint64_t number)
{
    size_t length;
    uint8_t *batch = replica_net_batch(net, 3 + (uint32_t)(number % 5), number, 10, &length);
    replica_net_submit(net, node, batch, length);
    free(batch);
}

/* Keeps the network busy for so long: a batch each 150 ms, to each node that runs in turn. */
static void run_busy(struct replica_net *net, uint64_t *number, uint64_t duration_ms)
{
    const uint64_t end_ms = replica_net_now(net) + duration_ms;
    while (replica_net_now(net) < end_ms) {
        const uint32_t node = (uint32_t)(*number % net->options.nodes);
        submit(net, replica_net_running(net, node) ? node : (node + 1) % net->options.nodes,
               (*number)++);
        replica_net_run(net, replica_net_now(net) + 150);
    }
}

static struct replica_net *open_net(uint32_t nodes, uint64_t seed)
{
    const struct net_options options = {
        .nodes = nodes, .seed = seed, .delay_ms_max = 20, .loss_permille = 10};
    return replica_net_new(&options);
}

static bool signs(const struct replica_net *net, uint32_t node)
{
    struct replica_view view;
    replica_inspect(net->nodes[node].replica, &view);
    return view.consensus.may_sign && !view.consensus.floor_pending;
}

/* Until the node signs again with its floor settled, and all hold the same. */
static void assert_back(struct replica_net *net, uint32_t node, uint64_t *number)
{
    const uint64_t end_ms = replica_net_now(net) + 60000;
    const uint64_t before = replica_net_votes(net, node);
    replica_net_set_loss(net, 0);
    while (!signs(net, node) || replica_net_votes(net, node) == before) {
        assert_true(replica_net_now(net) < end_ms);
        run_busy(net, number, 1000);
    }
    const struct vote_register kept = replica_net_register(net, node);
    assert_false(kept.rejoining || kept.floor_pending || kept.behind);
    assert_true(replica_net_settle(net, replica_net_height(net, (node + 1) % 4) + 1,
                                   replica_net_now(net) + 60000) ||
                replica_net_height(net, node) == replica_net_height(net, (node + 1) % 4));
    /* It is needed again, and does its part. */
    const uint32_t other = (node + 2) % net->options.nodes;
    const uint64_t height = replica_net_height(net, node);
    replica_net_crash(net, other);
    run_busy(net, number, 8000);
    assert_true(replica_net_height(net, node) >= height + 3);
    replica_net_restart(net, other);
}

enum loss { STORE, STORE_BACK, REGISTER, BOTH, BOTH_BACK, LOSSES };

static void lose(struct replica_net *net, uint32_t node, enum loss loss,
                 const struct net_backup *earlier)
{
    switch (loss) {
    case STORE:
        replica_net_wipe(net, node);
        return;
    case STORE_BACK:
        replica_net_restore_store(net, node, earlier);
        return;
    case REGISTER:
        replica_net_lose_register(net, node);
        return;
    case BOTH:
        replica_net_wipe(net, node);
        replica_net_lose_register(net, node);
        return;
    case BOTH_BACK:
        replica_net_restore_store(net, node, earlier);
        replica_net_restore_register(net, node, earlier);
        replica_net_mark_rejoining(net, node);
        return;
    case LOSSES:
        return;
    }
}

/* Goal: whatever is lost, under load and at whatever moment, the node comes back, catches up and
   votes, and its key never contradicts itself. */
static void test_every_loss_under_load(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        for (enum loss loss = STORE; loss < LOSSES; loss++) {
            struct replica_net *net = open_net(4, 100 * seed + loss);
            uint64_t number = 1;
            run_busy(net, &number, 900 + 130 * seed);
            struct net_backup *earlier = replica_net_backup(net, VICTIM);
            run_busy(net, &number, 1500 + 70 * seed);
            replica_net_crash(net, VICTIM);
            lose(net, VICTIM, loss, earlier);
            replica_net_restart(net, VICTIM);
            run_busy(net, &number, 2000);
            assert_back(net, VICTIM, &number);
            replica_net_backup_free(earlier);
            replica_net_free(net);
        }
    }
}

/* Goal: the store goes back to each of many earlier commits with the register kept: nothing that
   was signed is contradicted, and no rejoin is needed. */
static void test_the_store_goes_back_to_each_commit(void **state)
{
    (void)state;
    for (uint64_t step = 0; step < 25; step++) {
        struct replica_net *net = open_net(4, 77);
        uint64_t number = 1;
        replica_net_set_loss(net, 0);
        run_busy(net, &number, 450);
        replica_net_run(net, 450 + 6 * step);
        struct net_backup *earlier = replica_net_backup(net, VICTIM);
        run_busy(net, &number, 600);
        replica_net_crash(net, VICTIM);
        replica_net_restore_store(net, VICTIM, earlier);
        replica_net_restart(net, VICTIM);
        assert_false(replica_net_register(net, VICTIM).rejoining);
        run_busy(net, &number, 2500);
        assert_int_equal(replica_net_height(net, VICTIM), replica_net_height(net, 0));
        replica_net_backup_free(earlier);
        replica_net_free(net);
    }
}

/* Goal: a snapshot of store and register is restored and nobody says --rejoin: as soon as a peer
   shows a later vote the node signs nothing, and the register says so durably; with --rejoin it
   comes back. */
static void test_a_snapshot_is_noticed(void **state)
{
    (void)state;
    struct replica_net *net = open_net(4, 5);
    uint64_t number = 1;
    replica_net_set_loss(net, 0);
    run_busy(net, &number, 1000);
    struct net_backup *earlier = replica_net_backup(net, VICTIM);
    run_busy(net, &number, 3000);
    replica_net_crash(net, VICTIM);
    replica_net_restore_store(net, VICTIM, earlier);
    replica_net_restore_register(net, VICTIM, earlier);
    replica_net_restart(net, VICTIM);
    const uint64_t votes = replica_net_votes(net, VICTIM);
    run_busy(net, &number, 3000);
    assert_true(replica_net_register(net, VICTIM).behind);
    assert_int_equal(replica_net_votes(net, VICTIM), votes);
    assert_true(replica_net_height(net, VICTIM) > 5);
    replica_net_crash(net, VICTIM);
    replica_net_mark_rejoining(net, VICTIM);
    replica_net_restart(net, VICTIM);
    assert_back(net, VICTIM, &number);
    replica_net_backup_free(earlier);
    replica_net_free(net);
}

/* Goal: at four validators all three others are needed. One is away: the node follows what the
   others know, signs nothing, and a restart without --rejoin changes nothing; then it comes back.
 */
static void test_waits_for_all_three(void **state)
{
    (void)state;
    struct replica_net *net = open_net(4, 6);
    uint64_t number = 1;
    replica_net_set_loss(net, 0);
    run_busy(net, &number, 1500);
    replica_net_crash(net, VICTIM);
    replica_net_wipe(net, VICTIM);
    replica_net_lose_register(net, VICTIM);
    replica_net_crash(net, 3);
    replica_net_restart(net, VICTIM);
    const uint64_t votes = replica_net_votes(net, VICTIM);
    replica_net_run(net, replica_net_now(net) + 20000);
    assert_true(replica_net_register(net, VICTIM).rejoining);
    assert_int_equal(replica_net_height(net, VICTIM), replica_net_height(net, 0));
    replica_net_crash(net, VICTIM);
    replica_net_restart(net, VICTIM);
    replica_net_run(net, replica_net_now(net) + 20000);
    assert_true(replica_net_register(net, VICTIM).rejoining);
    assert_int_equal(replica_net_votes(net, VICTIM), votes);
    replica_net_restart(net, 3);
    assert_back(net, VICTIM, &number);
    replica_net_free(net);
}

/* Goal: one after the other, all lose everything: the chain goes on as it was. */
static void test_all_one_after_the_other(void **state)
{
    (void)state;
    struct replica_net *net = open_net(4, 8);
    uint64_t number = 1;
    for (uint32_t node = 0; node < 4; node++) {
        run_busy(net, &number, 1000);
        replica_net_crash(net, node);
        replica_net_wipe(net, node);
        replica_net_lose_register(net, node);
        replica_net_restart(net, node);
        assert_back(net, node, &number);
    }
    replica_net_free(net);
}

/* Goal: it dies again while it rejoins, at many moments, with the store lost again or not. */
static void test_dies_while_rejoining(void **state)
{
    (void)state;
    for (uint64_t step = 0; step < 12; step++) {
        struct replica_net *net = open_net(4, 40 + step);
        uint64_t number = 1;
        run_busy(net, &number, 1200);
        replica_net_crash(net, VICTIM);
        replica_net_lose_register(net, VICTIM);
        for (uint32_t again = 0; again < 4; again++) {
            replica_net_restart(net, VICTIM);
            replica_net_run(net, replica_net_now(net) + 5 + 35 * step);
            if (replica_net_running(net, VICTIM) && again == 2) {
                replica_net_tear(net, VICTIM);
                run_busy(net, &number, 300);
            }
            if (replica_net_running(net, VICTIM)) {
                replica_net_crash(net, VICTIM);
            }
            if (step % 3 == 0) {
                replica_net_wipe(net, VICTIM);
            }
        }
        replica_net_restart(net, VICTIM);
        assert_back(net, VICTIM, &number);
        replica_net_free(net);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_loss_under_load),
        cmocka_unit_test(test_the_store_goes_back_to_each_commit),
        cmocka_unit_test(test_a_snapshot_is_noticed),
        cmocka_unit_test(test_waits_for_all_three),
        cmocka_unit_test(test_all_one_after_the_other),
        cmocka_unit_test(test_dies_while_rejoining),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
