/*
 * What a node stores of views that are long past: votes and notarizations go, however the final
 * view jumps and whatever an outage or an earlier epoch left behind; nullifications and
 * finalizations stay. A dead validator makes every fourth view one without a block, which a commit
 * never names: what is due must go all the same, or it would stay for ever.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "node/replica_state.h"
#include "tests/support/replica_net_state.h"

#define NODES 4
#define DEAD 2
#define SEED 77
#define KEPT 1024 /* as node/replica_prune.c says */
#define BLOCKS 1000
#define LEFT_BEHIND 3000
#define WAITING 32

struct counts {
    uint32_t votes, old_votes, certificates, old_notarizations, old_others;
};

static void count_table(struct net_node *node, enum store_table table, uint64_t before,
                        uint32_t *ret_all, uint32_t *ret_old, uint32_t *ret_old_others)
{
    uint8_t from[KEY_VIEW_BYTES] = {0};
    struct span key, value;
    while (memory_store_seek(&node->store, table, from, sizeof from, &key, &value)) {
        assert_int_equal(key.length, KEY_VIEW_BYTES);
        const bool old = get_be64(key.data) == 0 || get_be64(key.data + 8) <= before;
        const bool goes = table == STORE_VOTES || key.data[16] == VOTE_NOTARIZE;
        ++*ret_all;
        *ret_old += old && goes ? 1 : 0;
        *ret_old_others += old && !goes ? 1 : 0;
        memcpy(from, key.data, sizeof from);
        from[16]++;
    }
}

static struct counts count(struct net_node *node)
{
    struct counts counts = {0};
    uint32_t none = 0;
    const uint64_t view = node->replica->final.view;
    const uint64_t before = view > KEPT ? view - KEPT : 0;
    count_table(node, STORE_VOTES, before, &counts.votes, &counts.old_votes, &none);
    count_table(node, STORE_CERTIFICATES, before, &counts.certificates, &counts.old_notarizations,
                &counts.old_others);
    return counts;
}

/* As many views as a long outage has, of an epoch before the first. Nothing reads them. */
static void leave_behind(struct net_node *node)
{
    uint8_t key[KEY_VIEW_BYTES];
    for (uint64_t view = 1; view <= LEFT_BEHIND; view++) {
        for (enum vote_kind kind = VOTE_NOTARIZE; kind <= VOTE_NULLIFY; kind++) {
            key_view(0, view, kind, key);
            memory_store_put(&node->store, STORE_VOTES, key, sizeof key, "v", 1);
            memory_store_put(&node->store, STORE_CERTIFICATES, key, sizeof key, "c", 1);
        }
    }
    memory_store_commit(&node->store);
}

static void make_blocks(struct replica_net *net, uint64_t *number, uint32_t blocks)
{
    const uint64_t height = replica_net_height(net, 0) + blocks;
    while (replica_net_height(net, 0) < height) {
        const uint64_t before = replica_net_height(net, 0);
        size_t length;
        uint8_t *batch = replica_net_batch(net, 3, ++*number, 1, &length);
        replica_net_submit(net, 0, batch, length);
        free(batch);
        const uint64_t end = replica_net_now(net) + 60000;
        while (replica_net_height(net, 0) == before) {
            assert_true(replica_net_now(net) < end);
            replica_net_run(net, replica_net_now(net) + 5);
        }
    }
}

static void past_views_are_pruned(void **state)
{
    (void)state;
    const struct net_options options = {.nodes = NODES, .seed = SEED, .delay_ms_max = 3};
    struct replica_net *net = replica_net_new(&options);
    struct net_node *node = &net->nodes[0];
    uint64_t number = 0;
    print_message("seed %d\n", SEED);
    replica_net_crash(net, DEAD);
    leave_behind(node);
    make_blocks(net, &number, BLOCKS);
    assert_true(node->replica->final.view > KEPT + BLOCKS / 5);
    /* All that was left behind takes a bounded number of commits. */
    const struct counts counts = count(node);
    print_message("view %d: %u votes, %u certificates, of these %u older than kept\n",
                  (int)node->replica->final.view, counts.votes, counts.certificates,
                  counts.old_others);
    assert_int_equal(counts.old_votes, 0);
    assert_int_equal(counts.old_notarizations, 0);
    assert_in_range(counts.votes, 1, 3 * (KEPT + 64));
    assert_true(counts.old_others > LEFT_BEHIND);
    /* The same after a restart, which reads where it was. */
    replica_net_crash(net, 0);
    replica_net_restart(net, 0);
    make_blocks(net, &number, 20);
    const struct counts later = count(node);
    assert_int_equal(later.old_votes, 0);
    assert_int_equal(later.old_notarizations, 0);
    assert_true(later.old_others >= counts.old_others);
    replica_net_free(net);
}

/* How many batches wait at a node, once no more blocks become final, before and after a restart. */
static void wait_over_restart(struct replica_net *net, uint64_t *number)
{
    struct net_node *node = &net->nodes[0];
    for (uint32_t i = 0; i < WAITING; i++) {
        size_t length;
        uint8_t *batch = replica_net_batch(net, 3, ++*number, 1, &length);
        replica_net_submit(net, 0, batch, length);
        free(batch);
    }
    replica_net_run(net, replica_net_now(net) + 500);
    assert_int_equal(pool_count(node->replica->pool), WAITING);
    replica_net_crash(net, 0);
    replica_net_restart(net, 0);
    assert_int_equal(pool_count(node->replica->pool), WAITING);
}

/* Goal: what a node took in waits on over a restart, whatever other rows meta has: "pruned" stands
   amid those of batches that wait, whose keys are 'p' and an id. */
static void batches_wait_beside_the_mark(void **state)
{
    (void)state;
    const struct net_options options = {.nodes = NODES, .seed = SEED, .delay_ms_max = 3};
    struct replica_net *net = replica_net_new(&options);
    uint64_t number = 0;
    uint8_t mark[2 * KEY_VIEW_BYTES] = {0};
    print_message("seed %d\n", SEED);
    make_blocks(net, &number, 1);
    replica_net_crash(net, DEAD);
    replica_net_crash(net, DEAD + 1);
    replica_net_run(net, replica_net_now(net) + 500);
    memory_store_put(&net->nodes[0].store, STORE_META, "pruned", 6, mark, sizeof mark);
    memory_store_commit(&net->nodes[0].store);
    wait_over_restart(net, &number);
    replica_net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_wait_beside_the_mark),
        cmocka_unit_test(past_views_are_pruned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
