/*
 * A new incarnation on whole replicas (docs/consensus.md, Incarnations): all stores go back to
 * backups of different age, a document continues the highest of them under new keys, and the
 * network goes on: nothing final up to the root is lost, nobody signs under an old chain id (which
 * the network under test checks with every signature), and no crash while entering matters.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/support/restored_net.h"

#define PASSES_MAX 20

/* Goal: a network whose stores end at four different blocks goes on at the highest. */
static void test_different_heights(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct replica_net *net = restored_new(seed);
        net_continue(net, 0);
        restored_start(net);
        assert_true(replica_net_settle(net, 5, replica_net_now(net) + 60000));
        assert_int_equal(replica_net_epoch(net, 0), 2);
        const uint64_t records = replica_net_records(net, 0);
        restored_grow(net, 20); /* what was lost is sent again, and posts once */
        restored_grow(net, 20 + RESTORED_NODES);
        assert_int_equal(replica_net_records(net, 2), records + 10);
        restored_check(net);
        /* All of it is in the stores. */
        restored_stop(net);
        restored_start(net);
        restored_grow(net, 30);
        restored_check(net);
        replica_net_free(net);
    }
}

/* Goal: a second one upon the first, and upon that a third over a root block alone; an observer
   with nothing follows from block 0 through all of them. */
static void test_again_and_again(void **state)
{
    (void)state;
    struct replica_net *net = restored_open(7, RESTORED_NODES + 1);
    restored_grow(net, 10);
    restored_stop(net);
    net_continue(net, 2);
    restored_start(net);
    restored_grow(net, 11);
    restored_grow(net, 12);
    restored_stop(net);
    replica_net_wipe(net, 4);
    replica_net_wipe(net, 1);
    net_continue(net, 0);
    restored_start(net);
    restored_grow(net, 13);
    assert_int_equal(replica_net_epoch(net, 4), 3);
    restored_check(net);
    restored_stop(net);
    net_continue(net, 0);
    replica_net_restart(net, 0);
    assert_int_equal(replica_net_epoch(net, 0), 4);
    restored_stop(net); /* its store ends at the root block */
    net_continue(net, 0);
    replica_net_wipe(net, 4);
    restored_start(net);
    restored_grow(net, 14);
    assert_int_equal(replica_net_epoch(net, 4), 5);
    restored_check(net);
    replica_net_free(net);
}

/* Goal: the root may be the genesis block itself. */
static void test_root_at_genesis(void **state)
{
    (void)state;
    struct replica_net *net = restored_open(9, RESTORED_NODES);
    restored_stop(net);
    for (uint32_t i = 0; i < RESTORED_NODES; i++) {
        replica_net_wipe(net, i);
    }
    replica_net_restart(net, 0);
    replica_net_crash(net, 0);
    net_continue(net, 0);
    assert_int_equal(lineage_newest(&net->lineage)->genesis->root_height, 0);
    restored_start(net);
    size_t length;
    uint8_t *funding = replica_net_funding(net, &length);
    replica_net_submit(net, 0, funding, length);
    free(funding);
    assert_true(replica_net_settle(net, 2, replica_net_now(net) + 60000));
    restored_check(net);
    replica_net_free(net);
}

/* Starts all, and submits a batch as soon as they may have entered; who dies in a pass starts
   again, and all goes on. False if the pass never came. */
static bool dies_in(uint32_t who, uint32_t pass, enum net_death death)
{
    struct replica_net *net = restored_new(3);
    bool died = false;
    size_t length;
    net_continue(net, 0);
    for (uint32_t i = 0; i < RESTORED_NODES; i++) {
        net->nodes[i].passes_left = who == i || who == RESTORED_NODES ? pass : 0;
        net->nodes[i].death = death;
    }
    restored_start(net);
    replica_net_run(net, replica_net_now(net) + 2000);
    uint8_t *batch = replica_net_batch(net, 3, 20, 5, &length);
    for (uint32_t i = 0; i < RESTORED_NODES; i++) {
        if (replica_net_running(net, i)) {
            replica_net_submit(net, i, batch, length);
        }
    }
    free(batch);
    replica_net_run(net, replica_net_now(net) + 4000);
    for (uint32_t i = 0; i < RESTORED_NODES; i++) {
        net->nodes[i].passes_left = 0;
        if (!replica_net_running(net, i)) {
            died = true;
            replica_net_restart(net, i);
        }
    }
    assert_true(replica_net_settle(net, 5, replica_net_now(net) + 60000));
    const uint64_t records = replica_net_records(net, 0);
    restored_grow(net, 22);
    assert_int_equal(replica_net_records(net, 0), records + 5);
    restored_check(net);
    replica_net_free(net);
    return died;
}

/* Goal: a node, or every one, dies in each pass that writes, at each place of the pass, from the
   start until the network has gone on: one that enters at its start, and one that fetches the root
   first.
 */
static void test_dies_at_every_write(void **state)
{
    (void)state;
    static const uint32_t who[] = {0, 1, RESTORED_NODES};
    uint64_t runs = 0;
    for (unsigned w = 0; w < 3; w++) {
        bool died = true;
        for (uint32_t pass = 1; died && pass <= PASSES_MAX; pass++) {
            died = false;
            for (uint32_t death = DIES_BEFORE_COMMIT; death <= DIES_BEFORE_SENDING; death++) {
                died = dies_in(who[w], pass, (enum net_death)death) || died;
                runs++;
            }
        }
        assert_true(runs > 15 * (w + 1));
    }
    print_message("%llu runs\n", (unsigned long long)runs);
}

static void refuse(struct replica_net *net, uint32_t node, const char *needle)
{
    char error[1024] = "";
    assert_int_equal(net_try(net, node, error, sizeof error), STATUS_WRONG_CHAIN);
    if (strstr(error, needle) == NULL) {
        fail_msg("expected \"%s\" in \"%s\"", needle, error);
    }
}

/* Goal: a store that goes beyond the root does not start, one with another block there neither, and
   each says so; an emptied one catches up. */
static void test_store_refused(void **state)
{
    (void)state;
    char error[1024];
    struct replica_net *net = restored_new(4);
    net_continue(net, 2); /* block 3, though node 0 has block 4 */
    refuse(net, 0, "ends at block 4, beyond block 3, the root of incarnation 1: 1 final blocks");
    assert_int_equal(net_try(net, 1, error, sizeof error), STATUS_OK);
    assert_int_equal(net_try(net, 2, error, sizeof error), STATUS_OK);
    assert_int_equal(net_try(net, 3, error, sizeof error), STATUS_OK);
    struct genesis *own = &net->later[1];
    own->root_hash.bytes[7] ^= 1;
    net_seal_newest(net);
    refuse(net, 0, "at height 3, the root of incarnation 1, this store has another block");
    refuse(net, 2, "at height 3, the root of incarnation 1, this store has another block");
    own->root_hash.bytes[7] ^= 1;
    own->root_epoch = 2;
    net_seal_newest(net);
    refuse(net, 2, "root epoch");
    own->root_epoch = 1;
    own->created_ms = WALL_START_MS + 1;
    net_seal_newest(net);
    refuse(net, 2, "created_ms");
    own->created_ms = WALL_START_MS + net->now_ms + 1;
    own->validators[2].participant = 77;
    net_seal_newest(net);
    refuse(net, 2, "participant is not registered");
    own->validators[2].participant = 3;
    net_seal_newest(net);
    replica_net_wipe(net, 0);
    restored_start(net);
    assert_true(replica_net_settle(net, 4, replica_net_now(net) + 60000));
    restored_grow(net, 40);
    restored_check(net);
    /* A store of this incarnation, with the documents of the first alone. */
    restored_stop(net);
    net->lineage.count = 1;
    refuse(net, 1, "belongs to another genesis.json");
    net->lineage.count = 2;
    replica_net_free(net);
}

/* Goal: a node whose branch is not the root's, further down, halts when it meets the chain: it
   never takes blocks that do not follow its own. */
static void test_a_wrong_root_is_never_entered(void **state)
{
    (void)state;
    struct replica_net *net = restored_new(5);
    net_continue(net, 0);
    net->later[1].root_hash.bytes[0] ^= 1;
    net_seal_newest(net);
    refuse(net, 0, "another block");
    /* The others catch up from nobody, and stay below. */
    for (uint32_t i = 1; i < RESTORED_NODES; i++) {
        replica_net_restart(net, i);
    }
    replica_net_run(net, replica_net_now(net) + 30000);
    assert_int_equal(replica_net_height(net, 1), 3);
    for (uint32_t i = 1; i < RESTORED_NODES; i++) {
        assert_false(replica_net_votes_now(net, i));
        assert_int_equal(replica_net_votes(net, i), 0);
    }
    replica_net_free(net);
}

static void put_halted(struct replica_net *net, uint32_t node, const struct hash *chain_id)
{
    uint8_t mark[1 + HASH_BYTES] = {ALARM_SAFETY_CHAIN};
    memcpy(mark + 1, chain_id->bytes, HASH_BYTES);
    memory_store_put(&net->nodes[node].store, STORE_META, "halted", 6, mark, sizeof mark);
    memory_store_commit(&net->nodes[node].store);
}

/* A certificate of all validators about a view that never was, in a stopped node's store. */
static void put_certificate(struct replica_net *net, uint32_t node, enum vote_kind kind)
{
    static struct certificate certificate;
    static uint8_t row[ROW_CERTIFICATE_BYTES_MAX];
    uint8_t key[KEY_VIEW_BYTES];
    uint8_t preimage[VOTE_PREIMAGE_BYTES];
    struct vote vote = {.kind = kind, .epoch = 1, .view = 40};
    if (kind != VOTE_NULLIFY) {
        vote.candidate.parent_view = 39;
        vote.candidate.block_hash.bytes[0] = 1;
    }
    vote_preimage(&vote, &net->chain_id, &net->validators.hash, preimage);
    certificate = (struct certificate){.kind = kind,
                                       .epoch = vote.epoch,
                                       .view = vote.view,
                                       .candidate = vote.candidate,
                                       .signature_count = RESTORED_NODES};
    for (uint32_t i = 0; i < RESTORED_NODES; i++) {
        certificate.signers[i / 8] |= (uint8_t)(1u << i % 8);
        certificate.signatures[i] =
            net_stand_in(&net->validators.members[i].key, preimage, sizeof preimage);
    }
    key_view(vote.epoch, vote.view, kind, key);
    const size_t length = row_certificate_encode(&certificate, row);
    memory_store_put(&net->nodes[node].store, STORE_CERTIFICATES, key, sizeof key, row, length);
    memory_store_commit(&net->nodes[node].store);
}

/* Goal: a new incarnation is people's way out of a halt, once, though the store still holds what
   cannot both be; a halt in it counts. */
static void test_halts(void **state)
{
    (void)state;
    char error[1024] = "";
    struct replica_net *net = restored_new(6);
    put_halted(net, 1, &net->chain_id);
    put_certificate(net, 1, VOTE_NULLIFY);
    put_certificate(net, 1, VOTE_FINALIZE);
    assert_int_equal(net_try(net, 1, error, sizeof error), STATUS_DENIED);
    net_continue(net, 0);
    restored_start(net);
    restored_grow(net, 20);
    restored_check(net);
    restored_stop(net);
    put_halted(net, 1, &net->chain_id);
    assert_int_equal(net_try(net, 1, error, sizeof error), STATUS_DENIED);
    assert_non_null(strstr(error, "does not contain"));
    replica_net_free(net);
}

/* Goal: a store on another branch than the root's. Below the root it meets a genuine final block
   that does not follow its own, and halts for good; it never enters. */
static void test_another_branch(void **state)
{
    (void)state;
    char error[1024] = "";
    struct replica_net *net = restored_open(13, RESTORED_NODES);
    struct replica_net *other =
        restored_open(13, RESTORED_NODES); /* the same keys, after a fork at block 2 */
    restored_grow(net, 10);
    restored_grow(net, 11);
    restored_grow(other, 12);
    restored_stop(net);
    restored_stop(other);
    memory_store_end(&net->nodes[1].store);
    memory_store_copy(&other->nodes[1].store, &net->nodes[1].store);
    net->nodes[1].seen_height = 2; /* that it differs is what this test is about */
    put_halted(net, 1, &net->chain_id);
    net_continue(net, 0);
    restored_start(net);
    replica_net_run(net, replica_net_now(net) + 10000);
    struct replica_view view;
    struct span row;
    replica_inspect(net->nodes[1].replica, &view);
    assert_true(view.consensus.halted);
    assert_int_equal(view.consensus.final_height, 2);
    assert_int_equal(replica_net_votes(net, 1), 0);
    assert_true(memory_store_get(&net->nodes[1].store, STORE_META, "halted", 6, &row));
    assert_int_equal(row.length, 1 + HASH_BYTES);
    assert_memory_equal(row.data + 1, net->chain_id.bytes, HASH_BYTES);
    replica_net_crash(net, 1);
    assert_int_equal(net_try(net, 1, error, sizeof error), STATUS_DENIED);
    /* The others went on; with an emptied store it follows. */
    replica_net_wipe(net, 1);
    replica_net_restart(net, 1);
    restored_grow(net, 14);
    restored_check(net);
    replica_net_free(other);
    replica_net_free(net);
}

/* Goal: an old key, with a register that knows no chain, signs nothing on the way to the root,
   though it is in the sets of those epochs, and nothing after it. */
static void test_an_old_key_follows(void **state)
{
    (void)state;
    struct replica_net *net = restored_new(15);
    net_continue(net, 0);
    net->nodes[1].incarnation = 0;
    net->nodes[1].vote_register = (struct vote_register){.epoch = 1};
    restored_start(net);
    assert_false(replica_net_votes_now(net, 1));
    assert_true(replica_net_settle(net, 5, replica_net_now(net) + 60000));
    restored_grow(net, 20);
    restored_grow(net, 24);
    assert_int_equal(replica_net_epoch(net, 1), 2);
    assert_false(replica_net_votes_now(net, 1));
    assert_int_equal(replica_net_votes(net, 1), 0);
    replica_net_free(net);
}

/* Goal: a new set of nodes altogether, of whom the old documents and the configurations know
   nobody: one has a copy of the store, the others nothing. */
static void test_other_nodes(void **state)
{
    (void)state;
    const struct net_options options = {
        .nodes = 2 * RESTORED_NODES, .validators = RESTORED_NODES, .seed = 14, .delay_ms_max = 10};
    struct replica_net *net = replica_net_new(&options);
    size_t length;
    uint8_t *funding = replica_net_funding(net, &length);
    replica_net_submit(net, 0, funding, length);
    free(funding);
    assert_true(replica_net_settle(net, 1, replica_net_now(net) + 20000));
    restored_stop(net);
    net->no_observers = true;
    net_continue(net, 0);
    for (uint32_t i = 0; i < RESTORED_NODES; i++) {
        struct genesis_validator *validator = &net->later[1].validators[i];
        validator->key = net_own_key(&net->nodes[RESTORED_NODES + i]);
        validator->transport_key = net_transport_key(RESTORED_NODES + i);
        (void)snprintf(validator->name, sizeof validator->name, "node-%u", RESTORED_NODES + i);
        if (i > 0) {
            replica_net_wipe(net, RESTORED_NODES + i);
        }
    }
    net_seal_newest(net);
    for (uint32_t i = RESTORED_NODES; i < 2 * RESTORED_NODES; i++) {
        replica_net_restart(net, i);
    }
    uint8_t *batch = replica_net_batch(net, 3, 10, 5, &length);
    replica_net_run(net, replica_net_now(net) + 5000);
    replica_net_submit(net, RESTORED_NODES, batch, length);
    free(batch);
    assert_true(replica_net_settle(net, 3, replica_net_now(net) + 20000));
    for (uint32_t i = RESTORED_NODES; i < 2 * RESTORED_NODES; i++) {
        assert_true(replica_net_votes_now(net, i));
        assert_int_equal(replica_net_records(net, i), 11);
        restored_check_money(net, i);
    }
    replica_net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_different_heights),
        cmocka_unit_test(test_again_and_again),
        cmocka_unit_test(test_root_at_genesis),
        cmocka_unit_test(test_dies_at_every_write),
        cmocka_unit_test(test_store_refused),
        cmocka_unit_test(test_a_wrong_root_is_never_entered),
        cmocka_unit_test(test_halts),
        cmocka_unit_test(test_another_branch),
        cmocka_unit_test(test_an_old_key_follows),
        cmocka_unit_test(test_other_nodes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
