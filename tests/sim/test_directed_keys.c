/*
 * Directed test 16: a participant's key is rotated while a batch signed by the old key is pooled.
 * The rotation is made at once on the nodes, in the registry that their ledgers look keys up in, as
 * the block that rotates it leaves it: key 1 may no longer submit, key 2 may. Nothing is in flight
 * then.
 *
 * What it attacks: a batch that was valid when it was taken in, and is not when it is named. What
 * stands against it: validity is a function of the parent's state alone, so every voter looks the
 * key up again, whatever its pool said; a leader leaves out what the state does not permit; a block
 * that names it all the same is invalid, its view ends at once, and nobody halts. Key numbers are
 * never reused, so the batch never becomes valid again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ledger/state.h"
#include "node/replica_state.h"
#include "tests/support/replica_net_state.h"

#define NODES 4
#define ROTATED 3 /* the participant */

static const struct public_key new_key = {{9, 9, 9}};

/* A registry in which the participant's first key was given up for a second one. */
struct rotation {
    struct genesis genesis;
    struct genesis_participant participants[PARTICIPANTS];
};

static void prepare(const struct replica_net *net, struct rotation *rotation)
{
    rotation->genesis = net->genesis;
    memcpy(rotation->participants, net->genesis.participants, sizeof rotation->participants);
    rotation->genesis.participants = rotation->participants;
    struct genesis_participant *participant = &rotation->participants[ROTATED - 1];
    participant->keys[0].permissions = 0;
    participant->keys[1] = (struct participant_key){
        .key_no = 2, .permissions = PERMISSION_SUBMIT | PERMISSION_ACT, .key = new_key};
    participant->key_count = 2;
}

static void rotate(struct replica_net *net, uint32_t node, const struct rotation *rotation)
{
    net->nodes[node].replica->ledger->registry.genesis = &rotation->genesis;
}

static struct replica_net *open_net(uint64_t seed)
{
    const struct net_options options = {.nodes = NODES, .seed = seed, .delay_ms_max = 3};
    struct replica_net *net = replica_net_new(&options);
    replica_net_run(net, 100);
    return net;
}

static struct hash submit_bytes(struct replica_net *net, uint32_t node, uint8_t *bytes,
                                size_t length)
{
    struct batch parsed;
    assert_int_equal(batch_parse(bytes, length, &net->chain_id, &parsed, NULL), STATUS_OK);
    const struct hash id = parsed.id;
    replica_net_submit(net, node, bytes, length);
    free(bytes);
    return id;
}

static struct hash submit(struct replica_net *net, uint32_t node, uint32_t submitter,
                          uint64_t number)
{
    size_t length;
    uint8_t *bytes = replica_net_batch(net, submitter, number, 10, &length);
    return submit_bytes(net, node, bytes, length);
}

/* The rotated participant's, signed by its second key. */
static struct hash submit_by_new_key(struct replica_net *net, uint32_t node, uint64_t number)
{
    size_t length;
    uint8_t signed_bytes[BATCH_SIGNED_BYTES];
    struct batch_header header;
    uint8_t *bytes = replica_net_batch(net, ROTATED, number, 10, &length);
    memcpy(&header, bytes, sizeof header);
    header.key_no = 2;
    memcpy(bytes, &header, sizeof header);
    batch_signed_bytes(&header, signed_bytes);
    const struct signature signature = net_stand_in(&new_key, signed_bytes, sizeof signed_bytes);
    memcpy(bytes + BATCH_HEADER_BYTES, signature.bytes, sizeof signature.bytes);
    return submit_bytes(net, node, bytes, length);
}

static bool is_final(struct replica_net *net, uint32_t node, const struct hash *id)
{
    uint64_t height;
    uint32_t index;
    return replica_batches_placed(net->nodes[node].replica, id, &height, &index);
}

static bool becomes_final(struct replica_net *net, const struct hash *id, uint64_t within_ms)
{
    const uint64_t end = replica_net_now(net) + within_ms;
    for (;;) {
        uint32_t count = 0;
        for (uint32_t i = 0; i < NODES; i++) {
            count += is_final(net, i, id);
        }
        if (count == NODES || replica_net_now(net) >= end) {
            return count == NODES;
        }
        replica_net_run(net, replica_net_now(net) + 10);
    }
}

static void cut_in_two(struct replica_net *net, bool cut)
{
    for (uint32_t a = 0; a < 2; a++) {
        replica_net_cut(net, a, 2, cut);
        replica_net_cut(net, a, 3, cut);
    }
}

/* Two nodes pool a batch signed by the old key while no quorum can name it; then the key goes, on
   the nodes of the mask (a bit each), and the network is whole again. */
static struct hash pool_then_rotate(struct replica_net *net, const struct rotation *rotation,
                                    uint32_t nodes)
{
    cut_in_two(net, true);
    const struct hash old = submit(net, 0, ROTATED, 700);
    replica_net_run(net, replica_net_now(net) + 300);
    assert_non_null(pool_find(net->nodes[0].replica->pool, &old));
    assert_non_null(pool_find(net->nodes[1].replica->pool, &old));
    for (uint32_t i = 0; i < NODES; i++) {
        if ((nodes >> i & 1) != 0) {
            rotate(net, i, rotation);
        }
    }
    cut_in_two(net, false);
    return old;
}

static void assert_refused_everywhere(struct replica_net *net, const struct hash *old)
{
    for (uint32_t i = 0; i < NODES; i++) {
        struct replica_view view;
        replica_inspect(net->nodes[i].replica, &view);
        assert_false(is_final(net, i, old));
        assert_false(view.consensus.halted);
        assert_true(view.consensus.may_sign);
    }
}

static void test_16_a_batch_of_the_old_key_is_left_out(void **state)
{
    /* Every leader leaves it out; batches of the others and of the new key become final. */
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        static struct rotation rotation;
        struct replica_net *net = open_net(seed);
        prepare(net, &rotation);
        const struct hash old = pool_then_rotate(net, &rotation, 15);
        for (uint64_t i = 0; i < 8; i++) {
            const struct hash id = i % 2 == 0 ? submit_by_new_key(net, (uint32_t)(i % NODES), i)
                                              : submit(net, (uint32_t)(i % NODES), 5, i);
            assert_true(becomes_final(net, &id, 10000));
        }
        replica_net_run(net, replica_net_now(net) + 5000);
        assert_refused_everywhere(net, &old);
        for (uint32_t i = 0; i < NODES; i++) {
            assert_int_equal(net->nodes[i].replica->counters.blocks_invalid, 0);
        }
        /* A later batch of the old key is refused at the door. */
        const uint32_t refused = replica_net_answers(net, CLIENT_REFUSED);
        (void)submit(net, 1, ROTATED, 900);
        replica_net_run(net, replica_net_now(net) + 100);
        assert_int_equal(replica_net_answers(net, CLIENT_REFUSED), refused + 1);
        replica_net_free(net);
    }
}

static void test_16_a_leader_names_it_all_the_same(void **state)
{
    /* Node 0 does not know of the rotation and names the batch whenever it leads: the others answer
       each time with NULLIFY at once, and go on. */
    (void)state;
    for (uint64_t seed = 11; seed <= 16; seed++) {
        static struct rotation rotation;
        struct replica_net *net = open_net(seed);
        prepare(net, &rotation);
        const struct hash old = pool_then_rotate(net, &rotation, 14);
        for (uint64_t i = 0; i < 12; i++) {
            const struct hash id = submit(net, 1 + (uint32_t)(i % 3), 5, i);
            assert_true(becomes_final(net, &id, 10000));
        }
        replica_net_run(net, replica_net_now(net) + 5000);
        assert_refused_everywhere(net, &old);
        assert_true(net->nodes[1].replica->counters.blocks_invalid > 0);
        assert_int_equal(net->nodes[0].replica->counters.blocks_invalid, 0);
        replica_net_free(net);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_16_a_batch_of_the_old_key_is_left_out),
        cmocka_unit_test(test_16_a_leader_names_it_all_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
