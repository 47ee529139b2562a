/*
 * What a replica refuses to start on (docs/consensus.md, Boot): a store that was halted, belongs to
 * another chain, or whose final point is not the one that its last block and certificate show. Each
 * row is changed alone, in a copy of a store that opens.
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

/* A network with a few final blocks; node 1 is stopped. */
static struct replica_net *open_stopped(void)
{
    const struct net_options options = {.nodes = 4, .seed = 5, .delay_ms_max = 3};
    struct replica_net *net = replica_net_new(&options);
    for (uint64_t i = 0; i < 3; i++) {
        size_t length;
        uint8_t *batch = replica_net_batch(net, 3, i, 10, &length);
        replica_net_submit(net, 0, batch, length);
        free(batch);
        assert_true(replica_net_settle(net, i + 1, replica_net_now(net) + 20000));
    }
    replica_net_crash(net, 1);
    return net;
}

/* What replica_open says of node 1's store after the change; error must then say why. */
static enum status open_changed(void (*change)(struct memory_store *store))
{
    struct replica_net *net = open_stopped();
    struct net_node *node = &net->nodes[1];
    const struct node_io io = net_node_io(node);
    char error[256] = "";
    struct replica *replica = NULL;
    const struct replica_config config = {
        .lineage = &net->lineage,
        .keys = {{.key = net->validators.members[1].key, .vote_register = &node->vote_register}},
        .key_count = 1,
        .transport_key = net->validators.members[1].transport_key,
        .pool_bytes = 64u << 20};
    change(&node->store);
    memory_store_commit(&node->store);
    const enum status status = replica_open(&io, &config, WALL_START_MS + net->now_ms, net->now_ms,
                                            &replica, error, sizeof error);
    if (status == STATUS_OK) {
        replica_free(replica);
    } else {
        assert_null(replica);
        assert_true(strlen(error) > 10);
    }
    replica_net_free(net);
    return status;
}

static struct final_point final_of(const struct memory_store *store)
{
    struct final_point point;
    struct span row;
    assert_true(memory_store_get(store, STORE_META, "final", 5, &row));
    assert_int_equal(row_final_decode(row, &point), STATUS_OK);
    assert_int_equal(point.height, 3);
    return point;
}

static void put_final(struct memory_store *store, const struct final_point *point)
{
    uint8_t row[ROW_FINAL_BYTES];
    row_final_encode(point, row);
    memory_store_put(store, STORE_META, "final", 5, row, sizeof row);
}

static void change_nothing(struct memory_store *store)
{
    (void)store;
}
static void mark_halted(struct memory_store *store)
{
    const uint8_t mark = ALARM_SAFETY_CERTIFICATES;
    memory_store_put(store, STORE_META, "halted", 6, &mark, sizeof mark);
}
static void lose_final(struct memory_store *store)
{
    memory_store_del(store, STORE_META, "final", 5);
}
static void change_chain(struct memory_store *store)
{
    const struct hash other = {{1, 2, 3}};
    memory_store_put(store, STORE_META, "chain_id", 8, other.bytes, sizeof other.bytes);
}
static void change_final_hash(struct memory_store *store)
{
    struct final_point point = final_of(store);
    point.hash.bytes[0] ^= 1;
    put_final(store, &point);
}
static void lower_final_view(struct memory_store *store)
{
    struct final_point point = final_of(store);
    point.view--;
    put_final(store, &point);
}
static void change_final_epoch(struct memory_store *store)
{
    struct final_point point = final_of(store);
    point.epoch = 2;
    put_final(store, &point);
}
static void lose_certificate(struct memory_store *store)
{
    static struct block_row block;
    uint8_t row[ROW_BLOCK_BYTES_MAX];
    uint8_t key[8];
    struct span stored;
    put_be64(key, 3);
    assert_true(memory_store_get(store, STORE_BLOCKS, key, sizeof key, &stored));
    assert_int_equal(row_block_decode(stored, &block), STATUS_OK);
    const size_t length = row_block_encode(&block.header, block.batch_ids, NULL, row);
    memory_store_put(store, STORE_BLOCKS, key, sizeof key, row, length);
    /* Without a certificate a block's view is genesis' own. */
    struct final_point point = final_of(store);
    point.view = 0;
    put_final(store, &point);
}

/* A vote of another key in the own votes' table. */
static void store_foreign_vote(struct memory_store *store)
{
    struct vote vote = {.kind = VOTE_NULLIFY, .signer = 2, .epoch = 1, .view = 1000};
    uint8_t key[KEY_VIEW_BYTES];
    uint8_t row[ROW_VOTE_BYTES];
    key_view(vote.epoch, vote.view, vote.kind, key);
    row_vote_encode(&vote, row);
    memory_store_put(store, STORE_VOTES, key, sizeof key, row, sizeof row);
}

static void test_what_opens(void **state)
{
    (void)state;
    assert_int_equal(open_changed(change_nothing), STATUS_OK);
}

static void test_what_does_not(void **state)
{
    (void)state;
    assert_int_equal(open_changed(mark_halted), STATUS_DENIED);
    assert_int_equal(open_changed(lose_final), STATUS_CORRUPT);
    assert_int_equal(open_changed(change_chain), STATUS_WRONG_CHAIN);
    assert_int_equal(open_changed(change_final_hash), STATUS_CORRUPT);
    assert_int_equal(open_changed(lower_final_view), STATUS_CORRUPT);
    assert_int_equal(open_changed(change_final_epoch), STATUS_CORRUPT);
    assert_int_equal(open_changed(lose_certificate), STATUS_CORRUPT);
    assert_int_equal(open_changed(store_foreign_vote), STATUS_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_opens),
        cmocka_unit_test(test_what_does_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
