/*
 * Directed test 16: a participant's key is rotated while a batch signed by the old key is pooled.
 * The rotation is an action KEYS that the operator proposes and a bank approves: key 1 goes, key 2
 * comes.
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

#include "ledger/digest.h"
#include "ledger/state.h"
#include "node/replica_state.h"
#include "tests/support/action_batch.h"
#include "tests/support/replica_net_state.h"

#define ROTATED 3 /* the participant */
#define OPERATOR 1
#define CHECKER 4
#define KEY_ADD 1u
#define KEY_REMOVE 2u

static const struct public_key new_key = {{9, 9, 9}};

static struct replica_net *open_net(uint32_t nodes, uint64_t seed)
{
    const struct net_options options = {.nodes = nodes, .seed = seed, .delay_ms_max = 3};
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

/* At the first so many nodes. */
static bool becomes_final(struct replica_net *net, uint32_t nodes, const struct hash *id,
                          uint64_t within_ms)
{
    const uint64_t end = replica_net_now(net) + within_ms;
    for (;;) {
        uint32_t count = 0;
        for (uint32_t i = 0; i < nodes; i++) {
            count += is_final(net, i, id);
        }
        if (count == nodes || replica_net_now(net) >= end) {
            return count == nodes;
        }
        replica_net_run(net, replica_net_now(net) + 10);
    }
}

/* ---- The rotation ---- */

static void key_change(struct writer *writer, uint32_t op, uint32_t key_no, uint32_t permissions,
                       const struct public_key *key)
{
    writer_u32(writer, op);
    writer_u32(writer, key_no);
    writer_u32(writer, permissions);
    writer_u32(writer, 0);
    writer_copy(writer, key, sizeof *key);
}

static struct hash propose(struct replica_net *net, uint32_t nodes)
{
    static const struct public_key none;
    uint8_t body[ACTION_BYTES_MAX];
    size_t length;
    struct hash id;
    struct writer writer = writer_over(body, sizeof body);
    writer_u16(&writer, ACTION_VERSION);
    writer_u16(&writer, ACTION_KEYS);
    writer_u32(&writer, 0);
    writer_u32(&writer, ROTATED);
    writer_u32(&writer, 2);
    key_change(&writer, KEY_ADD, 2, PERMISSION_SUBMIT | PERMISSION_ACT, &new_key);
    key_change(&writer, KEY_REMOVE, 1, 0, &none);
    uint8_t *batch = replica_net_body(net, OPERATOR, body, writer.used, &length, &id);
    (void)submit_bytes(net, 0, batch, length);
    assert_true(becomes_final(net, nodes, &id, 10000));
    return id;
}

static bool may_submit(const struct replica_net *net, uint32_t node, uint32_t key_no)
{
    struct public_key key;
    return ledger_batch_key(net->nodes[node].replica->ledger, BATCH_RECORDS, ROTATED, key_no, &key);
}

/* The approval is given to node 0, and the first so many nodes execute it. */
static void approve(struct replica_net *net, uint32_t nodes, const struct hash *action_id)
{
    const struct action approval = action_answering(ACTION_APPROVE, action_id);
    size_t length;
    struct hash id;
    uint8_t *batch = replica_net_action(net, CHECKER, &approval, &length, &id);
    for (uint32_t i = 0; i < nodes; i++) {
        assert_true(may_submit(net, i, 1) && !may_submit(net, i, 2));
    }
    (void)submit_bytes(net, 0, batch, length);
    assert_true(becomes_final(net, nodes, &id, 20000));
    for (uint32_t i = 0; i < nodes; i++) {
        assert_true(!may_submit(net, i, 1) && may_submit(net, i, 2));
    }
}

/* ---- Left out ---- */

#define NODES 7
#define QUORUM 5

static void cut_two_off(struct replica_net *net, bool cut)
{
    for (uint32_t i = 0; i < QUORUM; i++) {
        replica_net_cut(net, i, 5, cut);
        replica_net_cut(net, i, 6, cut);
    }
}

/* Two nodes that are cut off pool a batch signed by the old key; meanwhile the others rotate it. */
static struct hash pool_then_rotate(struct replica_net *net)
{
    const struct hash action_id = propose(net, NODES);
    cut_two_off(net, true);
    const struct hash old = submit(net, 5, ROTATED, 700);
    replica_net_run(net, replica_net_now(net) + 300);
    assert_non_null(pool_find(net->nodes[5].replica->pool, &old));
    assert_non_null(pool_find(net->nodes[6].replica->pool, &old));
    approve(net, QUORUM, &action_id);
    assert_true(may_submit(net, 5, 1));
    cut_two_off(net, false);
    return old;
}

static void assert_refused_everywhere(struct replica_net *net, uint32_t nodes,
                                      const struct hash *old)
{
    for (uint32_t i = 0; i < nodes; i++) {
        struct replica_view view;
        replica_inspect(net->nodes[i].replica, &view);
        assert_false(is_final(net, i, old));
        assert_false(view.consensus.halted);
        assert_true(view.consensus.may_sign);
    }
}

/* The receipt of a batch by the new key shows whose it is: the rows that it carries lead to the
   state_root of a final block below, also on a node that caught up. */
static void assert_key_proven(struct replica_net *net, uint32_t node, const struct hash *id)
{
    struct replica *replica = net->nodes[node].replica;
    struct client_receipt receipt;
    struct receipt_parts parts;
    struct block_header header;
    struct public_key key;
    char name[GIVEN_KEYS_NAME_BYTES];
    uint64_t height;
    uint32_t index;
    assert_true(replica_batches_placed(replica, id, &height, &index));
    assert_int_equal(replica_receipt(replica, height, index, &parts, &receipt), STATUS_OK);
    assert_true(receipt.has_key);
    memcpy(&header, receipt.key.block_header, sizeof header);
    const struct hash hash = block_hash(&header);
    const struct hash final = replica_net_hash_at(net, node, header.height);
    assert_true(header.height < height && hash_equal(&hash, &final));
    struct hash digest = receipt.key.previous;
    digest_run(&digest, receipt.key.rows.data, receipt.key.rows.length);
    const struct hash leaf = merkle_leaf(digest.bytes, HASH_BYTES);
    assert_true(
        merkle_verify(&header.state_root, STATE_SLOTS, TABLE_ACTIONS, &leaf, &parts.key.path));
    assert_int_equal(given_keys_in_rows(receipt.key.rows, &replica->set, ROTATED, 2, &key, name),
                     STATUS_OK);
    assert_memory_equal(&key, &new_key, sizeof key);
}

/* Nothing of a batch that no block can name is left after a restart. */
static void assert_forgotten(struct replica_net *net, uint32_t node, const struct hash *old)
{
    struct span value;
    const struct memory_store *store = &net->nodes[node].store;
    uint8_t pending[1 + HASH_BYTES] = {'p'};
    memcpy(pending + 1, old->bytes, HASH_BYTES);
    assert_true(memory_store_get(store, STORE_BATCHES, old->bytes, HASH_BYTES, &value));
    replica_net_crash(net, node);
    replica_net_restart(net, node);
    replica_net_run(net, replica_net_now(net) + 1000);
    assert_false(memory_store_get(store, STORE_META, pending, sizeof pending, &value));
    assert_false(memory_store_get(store, STORE_BATCHES, old->bytes, HASH_BYTES, &value));
}

static void test_16_a_batch_of_the_old_key_is_left_out(void **state)
{
    /* Every leader leaves it out; batches of the others and of the new key become final. */
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        const uint32_t nodes = NODES;
        struct replica_net *net = open_net(nodes, seed);
        const struct hash old = pool_then_rotate(net);
        struct hash newest = {{0}};
        for (uint64_t i = 0; i < 8; i++) {
            const uint32_t at = (uint32_t)(i % QUORUM);
            const struct hash id =
                i % 2 == 0 ? submit_by_new_key(net, at, i) : submit(net, at, 5, i);
            assert_true(becomes_final(net, nodes, &id, 20000));
            newest = i % 2 == 0 ? id : newest;
        }
        replica_net_run(net, replica_net_now(net) + 5000);
        assert_refused_everywhere(net, nodes, &old);
        for (uint32_t i = 0; i < nodes; i++) {
            assert_int_equal(net->nodes[i].replica->counters.blocks_invalid, 0);
            assert_false(may_submit(net, i, 1));
            assert_key_proven(net, i, &newest);
        }
        /* A later batch of the old key is refused at the door. */
        const uint32_t refused = replica_net_answers(net, CLIENT_REFUSED);
        (void)submit(net, 6, ROTATED, 900);
        replica_net_run(net, replica_net_now(net) + 100);
        assert_int_equal(replica_net_answers(net, CLIENT_REFUSED), refused + 1);
        assert_forgotten(net, 6, &old);
        replica_net_free(net);
    }
}

/* ---- Named all the same ---- */

/* What a faulty leader goes by: the keys as they were. The rest of its state is everybody's. */
struct stale_keys {
    struct genesis genesis;
    struct genesis_participant participants[PARTICIPANTS];
};

static void forget_rotation(struct replica_net *net, uint32_t node, struct stale_keys *stale)
{
    struct registry *registry = &net->nodes[node].replica->ledger->registry;
    stale->genesis = *registry->genesis;
    memcpy(stale->participants, registry->genesis->participants, sizeof stale->participants);
    stale->participants[ROTATED - 1] = net->genesis.participants[ROTATED - 1];
    stale->genesis.participants = stale->participants;
    registry->genesis = &stale->genesis;
}

static void test_16_a_leader_names_it_all_the_same(void **state)
{
    /* Node 5, cut off with it, learns of the rotation and forgets it, and names the batch whenever
       it leads: node 6, which has pooled it too, finds the block invalid, and all go on. */
    (void)state;
    for (uint64_t seed = 11; seed <= 14; seed++) {
        static struct stale_keys stale;
        const uint32_t nodes = NODES;
        struct replica_net *net = open_net(nodes, seed);
        const struct hash old = pool_then_rotate(net);
        const uint64_t end = replica_net_now(net) + 20000;
        while (may_submit(net, 5, 1) && replica_net_now(net) < end) {
            replica_net_run(net, replica_net_now(net) + 1);
        }
        assert_false(may_submit(net, 5, 1));
        forget_rotation(net, 5, &stale);
        for (uint64_t i = 0; i < 12; i++) {
            const struct hash id = submit(net, (uint32_t)(i % QUORUM), 5, i);
            assert_true(becomes_final(net, nodes, &id, 20000));
        }
        replica_net_run(net, replica_net_now(net) + 5000);
        assert_refused_everywhere(net, nodes, &old);
        assert_true(net->nodes[6].replica->counters.blocks_invalid > 0);
        assert_int_equal(net->nodes[5].replica->counters.blocks_invalid, 0);
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
