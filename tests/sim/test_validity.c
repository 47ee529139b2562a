/*
 * The deterministic checks that a replica makes of a block before it executes it, and the
 * comparison after (docs/consensus.md, on_proposal): each field alone. A block that fails a check
 * of its header is not executed at all; one whose header is in order is, and must give the same
 * hash.
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

static struct replica_net *open_net(void)
{
    const struct net_options options = {.nodes = NODES, .seed = 9, .delay_ms_max = 3};
    struct replica_net *net = replica_net_new(&options);
    replica_net_run(net, 100);
    return net;
}

/* A header that would be the child of node 0's final block, but for its roots. */
static struct block_header child_header(struct replica_net *net, const struct hash *ids,
                                        uint32_t count)
{
    const struct replica *replica = net->nodes[0].replica;
    struct block_header header;
    memset(&header, 0, sizeof header);
    header.version = BLOCK_VERSION;
    header.chain_id = net->chain_id;
    header.epoch = 1;
    header.height = replica->final.height + 1;
    header.parent_hash = replica->final.hash;
    header.timestamp_ms = WALL_START_MS + net->now_ms;
    header.proposer = 1;
    header.batch_count = count;
    header.batches_root = batches_root(ids, count);
    return header;
}

enum outcome { NOT_EXECUTED, EXECUTED, PENDING };

/* Has node 0 check the block; what became of it. Nothing here is ever valid. */
static enum outcome check(struct replica_net *net, const struct block_header *header,
                          const struct hash *ids)
{
    struct net_node *node = &net->nodes[0];
    struct replica *replica = node->replica;
    const uint64_t invalid = replica->counters.blocks_invalid;
    const uint64_t checked = replica->counters.blocks_checked;
    replica_time(replica, WALL_START_MS + net->now_ms, net->now_ms);
    const struct open_block *block = replica_open_add(replica, header, ids, 1);
    assert_non_null(block);
    const struct hash hash = block->hash;
    replica_blocks_check(replica, &hash, 1);
    assert_false(block->agreed);
    if (replica->counters.blocks_invalid == invalid) {
        assert_true(block->check_pending);
        return PENDING;
    }
    assert_false(block->check_pending);
    return replica->counters.blocks_checked == checked ? NOT_EXECUTED : EXECUTED;
}

static void test_headers(void **state)
{
    (void)state;
    struct replica_net *net = open_net();
    const struct block_header good = child_header(net, NULL, 0);
    assert_int_equal(check(net, &good, NULL), EXECUTED);
    struct block_header bad = good;
    bad.version++;
    assert_int_equal(check(net, &bad, NULL), NOT_EXECUTED);
    bad = good;
    bad.flags = 1u << 15;
    assert_int_equal(check(net, &bad, NULL), NOT_EXECUTED);
    bad = good;
    bad.chain_id.bytes[0] ^= 1;
    assert_int_equal(check(net, &bad, NULL), NOT_EXECUTED);
    bad = good;
    bad.epoch = 2;
    assert_int_equal(check(net, &bad, NULL), NOT_EXECUTED);
    bad = good;
    bad.parent_hash.bytes[0] ^= 1;
    assert_int_equal(check(net, &bad, NULL), NOT_EXECUTED);
    bad = good;
    bad.timestamp_ms = net->nodes[0].replica->final_header.timestamp_ms;
    assert_int_equal(check(net, &bad, NULL), NOT_EXECUTED);
    bad = good;
    bad.proposer = NODES;
    assert_int_equal(check(net, &bad, NULL), NOT_EXECUTED);
    bad = good;
    bad.batches_root.bytes[0] ^= 1;
    assert_int_equal(check(net, &bad, NULL), NOT_EXECUTED);
    replica_net_free(net);
}

static void test_batches(void **state)
{
    /* One that is not here is asked for; one that a final block names already makes the block
       invalid, and it is not asked for. */
    (void)state;
    struct replica_net *net = open_net();
    const struct hash unknown = {{7}};
    struct block_header header = child_header(net, &unknown, 1);
    assert_int_equal(check(net, &header, &unknown), PENDING);
    size_t length;
    struct batch parsed;
    uint8_t *bytes = replica_net_batch(net, 3, 1, 10, &length);
    assert_int_equal(batch_parse(bytes, length, &net->chain_id, &parsed, NULL), STATUS_OK);
    const struct hash placed = parsed.id;
    replica_net_submit(net, 1, bytes, length);
    free(bytes);
    assert_true(replica_net_settle(net, 1, replica_net_now(net) + 20000));
    header = child_header(net, &placed, 1);
    assert_int_equal(check(net, &header, &placed), NOT_EXECUTED);
    replica_net_free(net);
}

static void test_bodies_that_were_voted_for(void **state)
{
    /* Whatever else its author proposes: a body that is durable, or that own execution agreed to,
       stays until its height is final; one that nothing depends on makes room. */
    (void)state;
    struct replica_net *net = open_net();
    struct replica *replica = net->nodes[0].replica;
    struct block_header header = child_header(net, NULL, 0);
    struct hash kept[3];
    for (uint32_t i = 0; i < 3; i++) {
        header.timestamp_ms++;
        struct open_block *block = replica_open_add(replica, &header, NULL, 1);
        assert_non_null(block);
        kept[i] = block->hash;
        block->durable = i == 0;
        block->agreed = i == 1;
    }
    for (uint32_t i = 0; i < 2 * OPEN_BLOCKS_MAX; i++) {
        header.timestamp_ms++;
        replica_time(replica, WALL_START_MS + net->now_ms, net->now_ms + i);
        (void)replica_open_add(replica, &header, NULL, 1 + i % 3);
    }
    assert_non_null(replica_open_find(replica, &kept[0]));
    assert_non_null(replica_open_find(replica, &kept[1]));
    assert_null(replica_open_find(replica, &kept[2]));
    replica_open_find(replica, &kept[0])->durable = false; /* it never was in the table */
    replica_net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_batches),
        cmocka_unit_test(test_bodies_that_were_voted_for),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
