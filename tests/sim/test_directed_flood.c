/*
 * Directed test 18: a flood of batches, by one participant and by four together. All of them are
 * genuine and well signed; there are only far too many.
 *
 * What it attacks: memory, the order of service, and the patience of a small participant. What
 * stands against it: the pool is bounded, a participant holds a quarter of it at most, what does
 * not fit is answered BUSY at once, leaders go round the participants a batch at a time, and what
 * was accepted is never thrown out for what came later.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "node/replica_state.h"
#include "tests/support/replica_net_state.h"

#define NODES 4
#define LARGE 4096 /* records of a flooding batch: 655,360 bytes */
#define POOL_BYTES (64u << 20)

static struct replica_net *open_net(uint64_t seed)
{
    const struct net_options options = {.nodes = NODES, .seed = seed, .delay_ms_max = 3};
    struct replica_net *net = replica_net_new(&options);
    replica_net_run(net, 100);
    return net;
}

static void cut_in_two(struct replica_net *net, bool cut)
{
    for (uint32_t a = 0; a < 2; a++) {
        replica_net_cut(net, a, 2, cut);
        replica_net_cut(net, a, 3, cut);
    }
}

static struct hash submit(struct replica_net *net, uint32_t node, uint32_t submitter,
                          uint64_t number, uint32_t count)
{
    size_t length;
    uint8_t *bytes = replica_net_batch(net, submitter, number, count, &length);
    struct batch parsed;
    assert_int_equal(batch_parse(bytes, length, &net->chain_id, &parsed, NULL), STATUS_OK);
    const struct hash id = parsed.id;
    replica_net_submit(net, node, bytes, length);
    free(bytes);
    return id;
}

static bool is_final_everywhere(struct replica_net *net, const struct hash *id)
{
    uint64_t height;
    uint32_t index;
    for (uint32_t i = 0; i < NODES; i++) {
        if (!replica_batches_placed(net->nodes[i].replica, id, &height, &index)) {
            return false;
        }
    }
    return true;
}

/* The bounds of every pool, and the share of every participant, hold. */
static void assert_bounded(struct replica_net *net)
{
    for (uint32_t i = 0; i < NODES; i++) {
        const struct pool *pool = net->nodes[i].replica->pool;
        uint64_t share[PARTICIPANTS + 1] = {0};
        assert_true(pool_bytes(pool) <= POOL_BYTES);
        for (const struct pool_batch *b = pool_next(pool, NULL); b != NULL;
             b = pool_next(pool, b)) {
            share[b->header.participant] += b->length;
        }
        for (uint32_t p = 1; p <= PARTICIPANTS; p++) {
            assert_true(share[p] <= POOL_BYTES / 4);
        }
        assert_true(net->nodes[i].replica->verifying_count <= VERIFYING_MAX);
    }
}

/* What this participant holds in one node's pool. */
static uint64_t share_of(struct replica_net *net, uint32_t node, uint32_t participant)
{
    const struct pool *pool = net->nodes[node].replica->pool;
    uint64_t bytes = 0;
    for (const struct pool_batch *b = pool_next(pool, NULL); b != NULL; b = pool_next(pool, b)) {
        bytes += b->header.participant == participant ? b->length : 0;
    }
    return bytes;
}

/* A small client's patience: it sends its batch again while it is told BUSY. Returns how long it
   took until the batch was final everywhere. */
static uint64_t insist(struct replica_net *net, uint32_t node, uint32_t submitter, uint64_t number,
                       uint64_t within_ms)
{
    const uint64_t start = replica_net_now(net);
    for (;;) {
        const struct hash id = submit(net, node, submitter, number, 10);
        const uint64_t again = replica_net_now(net) + 500;
        while (replica_net_now(net) < again) {
            replica_net_run(net, replica_net_now(net) + 20);
            assert_bounded(net);
            if (is_final_everywhere(net, &id)) {
                return replica_net_now(net) - start;
            }
        }
        assert_true(replica_net_now(net) - start < within_ms);
    }
}

/* Floods during an outage, in which nothing drains, until every share is full; then the network is
   whole again, and goes on being flooded. */
static void flood(uint64_t seed, uint32_t flooders)
{
    struct replica_net *net = open_net(seed);
    const uint32_t rounds = 1 + POOL_BYTES / 4 / (LARGE * RECORD_BYTES);
    cut_in_two(net, true);
    for (uint64_t i = 0; i < rounds + 4; i++) {
        for (uint32_t f = 0; f < flooders; f++) {
            (void)submit(net, f % 2, 3 + f, 10000 + i, LARGE);
        }
        replica_net_run(net, replica_net_now(net) + 20);
        assert_bounded(net);
    }
    replica_net_run(net, replica_net_now(net) + 2000);
    for (uint32_t f = 0; f < flooders; f++) {
        assert_true(share_of(net, f % 2, 3 + f) > POOL_BYTES / 5);
    }
    const uint32_t busy = replica_net_answers(net, CLIENT_BUSY);
    assert_true(busy >= flooders);
    cut_in_two(net, false);
    uint64_t worst_ms = 0;
    for (uint64_t i = 0; i < 5; i++) {
        for (uint32_t f = 0; f < flooders; f++) {
            (void)submit(net, f % 2, 3 + f, 20000 + i, LARGE);
        }
        const uint64_t took_ms = insist(net, (uint32_t)(i % NODES), 7, 30000 + i, 30000);
        worst_ms = took_ms > worst_ms ? took_ms : worst_ms;
    }
    print_message("seed %d, %d flooders: %d times BUSY; a small batch took %d ms at most\n",
                  (int)seed, (int)flooders, (int)replica_net_answers(net, CLIENT_BUSY),
                  (int)worst_ms);
    /* All that was accepted becomes final, and the pools are empty again. */
    assert_true(replica_net_settle(net, 1, replica_net_now(net) + 120000));
    const uint64_t records = replica_net_records(net, 0);
    assert_true(records >= (uint64_t)flooders * (rounds - 2) * LARGE + 50);
    for (uint32_t i = 1; i < NODES; i++) {
        assert_int_equal(replica_net_records(net, i), records);
    }
    replica_net_free(net);
}

static void test_18_a_flood_by_one_participant(void **state)
{
    (void)state;
    flood(1, 1);
}

static void test_18_a_flood_by_four_together(void **state)
{
    (void)state;
    flood(2, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_18_a_flood_by_one_participant),
        cmocka_unit_test(test_18_a_flood_by_four_together),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
