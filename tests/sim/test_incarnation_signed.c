/*
 * What was signed under an old chain id, in a new incarnation (docs/consensus.md, Incarnations):
 * batches, votes and evidence, each judged under the chain id of its own height or epoch.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ledger/evidence_batch.h"
#include "node/evidence.h"
#include "proto/peer_codec.h"
#include "tests/support/restored_net.h"

#define FAULTY 3

/* ---- Batches ---- */

/* Goal: what was pending goes, with its mark; a client's batch for the old chain is refused, one
   that a final block names is not. */
static void test_batches_of_the_old_chain(void **state)
{
    (void)state;
    struct replica_net *net = restored_open(8, RESTORED_NODES);
    size_t length, pending_length;
    uint8_t *done = replica_net_batch(net, 3, 10, 5, &length);
    restored_grow(net, 10);
    uint8_t *pending = replica_net_batch(net, 3, 11, 5, &pending_length);
    for (uint32_t i = 1; i < RESTORED_NODES; i++) {
        replica_net_crash(net, i);
    }
    replica_net_submit(net, 0, pending, pending_length);
    replica_net_run(net, replica_net_now(net) + 3000);
    replica_net_crash(net, 0);
    const size_t stored = net->nodes[0].store.tables[STORE_BATCHES].count;
    net_continue(net, 1);
    restored_start(net);
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
    restored_check(net);
    free(pending);
    free(done);
    replica_net_free(net);
}

/* Goal: also of a node that enters while it runs, and had it in its pool until then. */
static void test_pending_while_behind(void **state)
{
    (void)state;
    struct replica_net *net = restored_open(16, RESTORED_NODES);
    size_t length;
    struct replica_view view;
    uint8_t *pending = replica_net_batch(net, 3, 11, 5, &length);
    replica_net_crash(net, 2);
    restored_grow(net, 12);
    restored_stop(net);
    replica_net_restart(net, 2);
    replica_net_submit(net, 2, pending, length);
    replica_net_run(net, replica_net_now(net) + 3000);
    replica_inspect(net->nodes[2].replica, &view);
    assert_int_equal(view.pool_batches, 1);
    replica_net_crash(net, 2);
    net_continue(net, 1);
    replica_net_restart(net, 2);
    replica_inspect(net->nodes[2].replica, &view);
    assert_int_equal(view.pool_batches, 1); /* a block below the root may name it */
    for (uint32_t i = 0; i < RESTORED_NODES; i++) {
        if (i != 2) {
            replica_net_restart(net, i);
        }
    }
    replica_net_run(net, replica_net_now(net) + 5000);
    assert_int_equal(replica_net_height(net, 2), 3);
    replica_inspect(net->nodes[2].replica, &view);
    assert_int_equal(view.pool_batches, 0);
    restored_grow(net, 13);
    restored_check(net);
    free(pending);
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
    struct replica_net *net = restored_new(11);
    const struct hash old = net->chain_id;
    net_continue(net, 0);
    restored_start(net);
    restored_grow(net, 20);
    for (uint32_t i = 1; i < RESTORED_NODES; i++) {
        replica_net_crash(net, i);
    }
    const uint64_t view = view_of(net, 0);
    for (uint32_t turn = 0; turn < 2; turn++) {
        for (uint32_t i = 1; i < RESTORED_NODES; i++) {
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
    struct replica_net *net = restored_new(12);
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
    restored_start(net);
    restored_grow(net, 20);
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
    for (uint32_t i = 0; i < RESTORED_NODES; i++) {
        assert_true(is_recorded(net, i, &kept));
        assert_true(is_recorded(net, i, &shown));
        assert_false(is_recorded(net, i, &forged));
    }
    restored_check(net);
    replica_net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_batches_of_the_old_chain),
        cmocka_unit_test(test_pending_while_behind),
        cmocka_unit_test(test_votes_of_the_old_chain),
        cmocka_unit_test(test_old_evidence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
