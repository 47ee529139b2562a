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

#include "ledger/account.h"
#include "ledger/evidence_batch.h"
#include "node/evidence.h"
#include "proto/peer_codec.h"
#include "tests/support/replica_net_state.h"

#define NODES 4
#define FAULTY 3
#define PASSES_MAX 20
#define FUNDED 6000000000

static struct replica_net *open_net(uint64_t seed, uint32_t nodes)
{
    const struct net_options options = {.nodes = nodes,
                                        .validators = NODES,
                                        .observers = nodes - NODES,
                                        .seed = seed,
                                        .delay_ms_max = 10};
    struct replica_net *net = replica_net_new(&options);
    size_t length;
    uint8_t *funding = replica_net_funding(net, &length);
    replica_net_submit(net, 0, funding, length);
    free(funding);
    assert_true(replica_net_settle(net, 1, replica_net_now(net) + 20000));
    return net;
}

/* One more block, of a batch of this number. */
static void grow(struct replica_net *net, uint64_t number)
{
    size_t length;
    const uint64_t height = replica_net_height(net, 0);
    uint8_t *batch = replica_net_batch(net, 3, number, 5, &length);
    replica_net_submit(net, (uint32_t)(number % NODES), batch, length);
    free(batch);
    assert_true(replica_net_settle(net, height + 1, replica_net_now(net) + 60000));
}

static void stop_all(struct replica_net *net)
{
    for (uint32_t i = 0; i < net->options.nodes; i++) {
        if (replica_net_running(net, i)) {
            replica_net_crash(net, i);
        }
    }
}

static void start_all(struct replica_net *net)
{
    for (uint32_t i = 0; i < net->options.nodes; i++) {
        replica_net_restart(net, i);
    }
}

/* What was funded is what is held: the hub owes it, and all accounts together come to nothing. */
static void check_money(const struct replica_net *net, uint32_t node)
{
    const struct memory_table *table = &net->nodes[node].store.tables[TABLE_ACCOUNTS];
    int64_t sum = 0, cash = 0;
    for (size_t i = 0; i < table->count; i++) {
        const struct memory_entry *entry = table->entries[i];
        const struct span value = {.data = entry->bytes + entry->key_length,
                                   .length = entry->value_length};
        struct account account;
        assert_int_equal(account_decode(value, &account), STATUS_OK);
        const int64_t balance = (int64_t)account_balance(&account).minor;
        sum += balance;
        cash += account.class == ACCOUNT_CASH ? balance : 0;
    }
    assert_int_equal(sum, 0);
    assert_int_equal(cash, -FUNDED);
}

/* Goal of all: the same chain, state and money everywhere, all four vote in the newest. */
static void check_whole(struct replica_net *net)
{
    const uint64_t height = replica_net_height(net, 0);
    const struct hash hash = replica_net_hash_at(net, 0, height);
    for (uint32_t i = 0; i < net->options.nodes; i++) {
        struct span row;
        struct hash other = replica_net_hash_at(net, i, height);
        assert_int_equal(replica_net_height(net, i), height);
        assert_true(hash_equal(&hash, &other)); /* and with it the state root */
        check_money(net, i);
        assert_int_equal(replica_net_votes_now(net, i), i < NODES);
        assert_int_equal(replica_net_epoch(net, i), replica_net_epoch(net, 0));
        assert_true(memory_store_get(&net->nodes[i].store, STORE_META, "chain_id", 8, &row));
        assert_memory_equal(row.data, net->chain_id.bytes, HASH_BYTES);
    }
}

/* Backups of nodes 0 to 3 at heights 4, 2, 3 and 0, which all go back to. Blocks 5 and 6 are lost.
 */
static struct replica_net *restored(uint64_t seed)
{
    struct replica_net *net = open_net(seed, NODES);
    struct net_backup *backups[3];
    static const uint32_t order[] = {1, 2, 0};
    for (uint32_t i = 0; i < 3; i++) {
        grow(net, 10 + i);
        backups[order[i]] = replica_net_backup(net, order[i]);
    }
    grow(net, 20);
    grow(net, 21);
    stop_all(net);
    for (uint32_t i = 0; i < 3; i++) {
        replica_net_restore_store(net, i, backups[i]);
        replica_net_backup_free(backups[i]);
    }
    replica_net_wipe(net, 3);
    assert_int_equal(net_final_of(net, 0).height, 4);
    assert_int_equal(net_final_of(net, 1).height, 2);
    return net;
}

/* Goal: a network whose stores end at four different blocks goes on at the highest. */
static void test_different_heights(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 5; seed++) {
        struct replica_net *net = restored(seed);
        net_continue(net, 0);
        start_all(net);
        assert_true(replica_net_settle(net, 5, replica_net_now(net) + 60000));
        assert_int_equal(replica_net_epoch(net, 0), 2);
        const uint64_t records = replica_net_records(net, 0);
        grow(net, 20); /* what was lost is sent again, and posts once */
        grow(net, 20 + NODES);
        assert_int_equal(replica_net_records(net, 2), records + 10);
        check_whole(net);
        /* All of it is in the stores. */
        stop_all(net);
        start_all(net);
        grow(net, 30);
        check_whole(net);
        replica_net_free(net);
    }
}

/* Goal: a second one upon the first, and upon that a third over a root block alone; an observer
   with nothing follows from block 0 through all of them. */
static void test_again_and_again(void **state)
{
    (void)state;
    struct replica_net *net = open_net(7, NODES + 1);
    grow(net, 10);
    stop_all(net);
    net_continue(net, 2);
    start_all(net);
    grow(net, 11);
    grow(net, 12);
    stop_all(net);
    replica_net_wipe(net, 4);
    replica_net_wipe(net, 1);
    net_continue(net, 0);
    start_all(net);
    grow(net, 13);
    assert_int_equal(replica_net_epoch(net, 4), 3);
    check_whole(net);
    stop_all(net);
    net_continue(net, 0);
    replica_net_restart(net, 0);
    assert_int_equal(replica_net_epoch(net, 0), 4);
    stop_all(net); /* its store ends at the root block */
    net_continue(net, 0);
    replica_net_wipe(net, 4);
    start_all(net);
    grow(net, 14);
    assert_int_equal(replica_net_epoch(net, 4), 5);
    check_whole(net);
    replica_net_free(net);
}

/* Goal: the root may be the genesis block itself. */
static void test_root_at_genesis(void **state)
{
    (void)state;
    struct replica_net *net = open_net(9, NODES);
    stop_all(net);
    for (uint32_t i = 0; i < NODES; i++) {
        replica_net_wipe(net, i);
    }
    replica_net_restart(net, 0);
    replica_net_crash(net, 0);
    net_continue(net, 0);
    assert_int_equal(lineage_newest(&net->lineage)->genesis->root_height, 0);
    start_all(net);
    size_t length;
    uint8_t *funding = replica_net_funding(net, &length);
    replica_net_submit(net, 0, funding, length);
    free(funding);
    assert_true(replica_net_settle(net, 2, replica_net_now(net) + 60000));
    check_whole(net);
    replica_net_free(net);
}

/* Starts all, and submits a batch as soon as they may have entered; who dies in a pass starts
   again, and all goes on. False if the pass never came. */
static bool dies_in(uint32_t who, uint32_t pass, enum net_death death)
{
    struct replica_net *net = restored(3);
    bool died = false;
    size_t length;
    net_continue(net, 0);
    for (uint32_t i = 0; i < NODES; i++) {
        net->nodes[i].passes_left = who == i || who == NODES ? pass : 0;
        net->nodes[i].death = death;
    }
    start_all(net);
    replica_net_run(net, replica_net_now(net) + 2000);
    uint8_t *batch = replica_net_batch(net, 3, 20, 5, &length);
    for (uint32_t i = 0; i < NODES; i++) {
        if (replica_net_running(net, i)) {
            replica_net_submit(net, i, batch, length);
        }
    }
    free(batch);
    replica_net_run(net, replica_net_now(net) + 4000);
    for (uint32_t i = 0; i < NODES; i++) {
        net->nodes[i].passes_left = 0;
        if (!replica_net_running(net, i)) {
            died = true;
            replica_net_restart(net, i);
        }
    }
    assert_true(replica_net_settle(net, 5, replica_net_now(net) + 60000));
    const uint64_t records = replica_net_records(net, 0);
    grow(net, 22);
    assert_int_equal(replica_net_records(net, 0), records + 5);
    check_whole(net);
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
    static const uint32_t who[] = {0, 1, NODES};
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
    struct replica_net *net = restored(4);
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
    start_all(net);
    assert_true(replica_net_settle(net, 4, replica_net_now(net) + 60000));
    grow(net, 40);
    check_whole(net);
    /* A store of this incarnation, with the documents of the first alone. */
    stop_all(net);
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
    struct replica_net *net = restored(5);
    net_continue(net, 0);
    net->later[1].root_hash.bytes[0] ^= 1;
    net_seal_newest(net);
    refuse(net, 0, "another block");
    /* The others catch up from nobody, and stay below. */
    for (uint32_t i = 1; i < NODES; i++) {
        replica_net_restart(net, i);
    }
    replica_net_run(net, replica_net_now(net) + 30000);
    assert_int_equal(replica_net_height(net, 1), 3);
    for (uint32_t i = 1; i < NODES; i++) {
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

/* Goal: a new incarnation is people's way out of a halt, once; a halt in it counts. */
static void test_halts(void **state)
{
    (void)state;
    char error[1024] = "";
    struct replica_net *net = restored(6);
    put_halted(net, 1, &net->chain_id);
    assert_int_equal(net_try(net, 1, error, sizeof error), STATUS_DENIED);
    net_continue(net, 0);
    start_all(net);
    grow(net, 20);
    check_whole(net);
    stop_all(net);
    put_halted(net, 1, &net->chain_id);
    assert_int_equal(net_try(net, 1, error, sizeof error), STATUS_DENIED);
    assert_non_null(strstr(error, "does not contain"));
    replica_net_free(net);
}

/* ---- Batches ---- */

/* Goal: what was pending goes, with its mark; a client's batch for the old chain is refused, one
   that a final block names is not. */
static void test_batches_of_the_old_chain(void **state)
{
    (void)state;
    struct replica_net *net = open_net(8, NODES);
    size_t length, pending_length;
    uint8_t *done = replica_net_batch(net, 3, 10, 5, &length);
    grow(net, 10);
    uint8_t *pending = replica_net_batch(net, 3, 11, 5, &pending_length);
    for (uint32_t i = 1; i < NODES; i++) {
        replica_net_crash(net, i);
    }
    replica_net_submit(net, 0, pending, pending_length);
    replica_net_run(net, replica_net_now(net) + 3000);
    replica_net_crash(net, 0);
    const size_t stored = net->nodes[0].store.tables[STORE_BATCHES].count;
    net_continue(net, 1);
    start_all(net);
    replica_net_run(net, replica_net_now(net) + 5000);
    assert_int_equal(net->nodes[0].store.tables[STORE_BATCHES].count, stored - 1);
    const uint64_t records = replica_net_records(net, 0);
    const uint32_t refused = replica_net_answers(net, CLIENT_REFUSED);
    replica_net_submit(net, 2, pending, pending_length);
    replica_net_run(net, replica_net_now(net) + 3000);
    assert_int_equal(replica_net_answers(net, CLIENT_REFUSED), refused + 1);
    replica_net_submit(net, 2, done, length);
    replica_net_run(net, replica_net_now(net) + 3000);
    assert_int_equal(replica_net_answers(net, CLIENT_REFUSED), refused + 1);
    free(pending);
    pending = replica_net_batch(net, 3, 11, 5, &pending_length); /* signed anew */
    replica_net_submit(net, 2, pending, pending_length);
    replica_net_run(net, replica_net_now(net) + 10000);
    assert_int_equal(replica_net_records(net, 0), records + 5);
    check_whole(net);
    free(pending);
    free(done);
    replica_net_free(net);
}

/* ---- Votes and evidence ---- */

static void send(struct replica_net *net, uint32_t from, uint32_t to,
                 const struct peer_message *message)
{
    static uint8_t frame[65536];
    size_t length;
    assert_int_equal(peer_encode(message, frame, sizeof frame, &length), STATUS_OK);
    replica_net_inject(net, from, to, frame, length);
}

/* A vote of the present set: nullify, or finalize of a block that does not exist. */
static struct vote make_vote(const struct hash *chain_id, const struct validator_set *set,
                             uint32_t signer, uint64_t view, uint32_t number)
{
    struct vote vote = {.kind = number == 0 ? VOTE_NULLIFY : VOTE_FINALIZE,
                        .signer = signer,
                        .epoch = set->epoch,
                        .view = view};
    uint8_t preimage[VOTE_PREIMAGE_BYTES];
    if (number > 0) {
        vote.candidate.parent_view = view - 1;
        put_le32(vote.candidate.block_hash.bytes, number);
    }
    vote_preimage(&vote, chain_id, &set->hash, preimage);
    vote.signature = net_stand_in(&set->members[signer].key, preimage, sizeof preimage);
    return vote;
}

static uint64_t view_of(struct replica_net *net, uint32_t node)
{
    struct replica_view view;
    replica_inspect(net->nodes[node].replica, &view);
    return view.consensus.view;
}

/* Goal: votes of the present keys, epoch and set count under the newest chain id, and not under the
   one before. */
static void test_votes_of_the_old_chain(void **state)
{
    (void)state;
    struct replica_net *net = restored(11);
    const struct hash old = net->chain_id;
    net_continue(net, 0);
    start_all(net);
    grow(net, 20);
    for (uint32_t i = 1; i < NODES; i++) {
        replica_net_crash(net, i);
    }
    const uint64_t view = view_of(net, 0);
    for (uint32_t turn = 0; turn < 2; turn++) {
        for (uint32_t i = 1; i < NODES; i++) {
            struct peer_message message = {.kind = PEER_VOTE};
            message.vote =
                make_vote(turn == 0 ? &old : &net->chain_id, &net->validators, i, view, 0);
            send(net, i, 0, &message);
        }
        assert_int_equal(view_of(net, 0), view + turn);
    }
    replica_net_free(net);
}

static bool is_recorded(struct replica_net *net, uint32_t node, const struct evidence *evidence)
{
    uint8_t key[EVIDENCE_RECORDED_KEY_BYTES];
    struct span row;
    evidence_recorded_key(evidence, key);
    return memory_store_get(&net->nodes[node].store, TABLE_EVIDENCE, key, sizeof key, &row);
}

/* Goal: what a key did under the old chain id is recorded in the new incarnation, whether one store
   brings it or a peer shows it; judged under the chain id of its own epoch. */
static void test_old_evidence(void **state)
{
    (void)state;
    struct replica_net *net = restored(12);
    const struct hash old = net->chain_id;
    const struct validator_set old_set = net->validators;
    const struct evidence kept = {.first = make_vote(&old, &old_set, FAULTY, 900, 7),
                                  .second = make_vote(&old, &old_set, FAULTY, 900, 8)};
    const struct evidence shown = {.first = make_vote(&old, &old_set, FAULTY, 901, 7),
                                   .second = make_vote(&old, &old_set, FAULTY, 901, 8)};
    uint8_t row[ROW_EVIDENCE_BYTES];
    uint8_t key[KEY_EVIDENCE_BYTES];
    row_evidence_encode(&kept, row);
    key_evidence(1, 900, kept.first.kind, FAULTY, key);
    memory_store_put(&net->nodes[1].store, STORE_EVIDENCE, key, sizeof key, row, sizeof row);
    memory_store_commit(&net->nodes[1].store);
    net_continue(net, 0);
    start_all(net);
    grow(net, 20);
    struct peer_message message = {.kind = PEER_EVIDENCE, .evidence = shown};
    send(net, 1, 0, &message);
    /* The same votes, signed for the new chain: forged. */
    struct evidence forged = {.first = make_vote(&net->chain_id, &old_set, FAULTY, 902, 7),
                              .second = make_vote(&net->chain_id, &old_set, FAULTY, 902, 8)};
    message.evidence = forged;
    send(net, 1, 0, &message);
    struct replica_view view;
    replica_inspect(net->nodes[0].replica, &view);
    assert_int_equal(view.evidence_refused, 1);
    replica_net_run(net, replica_net_now(net) + 30000);
    for (uint32_t i = 0; i < NODES; i++) {
        assert_true(is_recorded(net, i, &kept));
        assert_true(is_recorded(net, i, &shown));
        assert_false(is_recorded(net, i, &forged));
    }
    check_whole(net);
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
        cmocka_unit_test(test_batches_of_the_old_chain),
        cmocka_unit_test(test_votes_of_the_old_chain),
        cmocka_unit_test(test_old_evidence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
