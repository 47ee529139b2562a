/*
 * Evidence of docs/consensus.md on whole replicas: what a faulty key signed twice is stored by all,
 * recorded in a block once, and survives; what is forged is refused, and no honest key is ever
 * named (I12).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/validator.h"
#include "ledger/evidence_batch.h"
#include "node/evidence.h"
#include "proto/peer_codec.h"
#include "tests/support/replica_net_state.h"

#define FAULTY 3
#define HONEST 1

static struct replica_net *open_net(uint64_t seed)
{
    const struct net_options options = {.nodes = 4, .seed = seed, .delay_ms_max = 10};
    struct replica_net *net = replica_net_new(&options);
    replica_net_run(net, 1000);
    return net;
}

static uint64_t view_of(struct replica_net *net, uint32_t node)
{
    struct replica_view view;
    replica_inspect(net->nodes[node].replica, &view);
    return view.consensus.view;
}

static uint64_t refused(struct replica_net *net, uint32_t node)
{
    struct replica_view view;
    replica_inspect(net->nodes[node].replica, &view);
    return view.evidence_refused;
}

/* A vote for a block that does not exist, number apart; nullify if the number is 0. */
static struct vote make_vote(struct replica_net *net, uint32_t signer, uint64_t view,
                             uint32_t number)
{
    struct vote vote = {.kind = number == 0 ? VOTE_NULLIFY : VOTE_FINALIZE,
                        .signer = signer,
                        .epoch = 1,
                        .view = view};
    uint8_t preimage[VOTE_PREIMAGE_BYTES];
    if (number > 0) {
        vote.candidate.parent_view = view - 1;
        put_le32(vote.candidate.block_hash.bytes, number);
    }
    vote_preimage(&vote, &net->chain_id, &net->validators.hash, preimage);
    vote.signature = net_stand_in(&net->validators.members[signer].key, preimage, sizeof preimage);
    return vote;
}

static struct evidence make_evidence(struct replica_net *net, uint32_t signer, uint64_t view)
{
    return (struct evidence){.first = make_vote(net, signer, view, 7),
                             .second = make_vote(net, signer, view, 8)};
}

static void send(struct replica_net *net, uint32_t from, uint32_t to,
                 const struct peer_message *message)
{
    static uint8_t frame[65536];
    size_t length;
    assert_int_equal(peer_encode(message, frame, sizeof frame, &length), STATUS_OK);
    replica_net_inject(net, from, to, frame, length);
}

static void send_evidence(struct replica_net *net, uint32_t from, uint32_t to,
                          const struct evidence *evidence)
{
    const struct peer_message message = {.kind = PEER_EVIDENCE, .evidence = *evidence};
    send(net, from, to, &message);
}

static bool is_stored(struct replica_net *net, uint32_t node, const struct evidence *evidence)
{
    uint8_t key[KEY_EVIDENCE_BYTES];
    struct span row;
    key_evidence(1, evidence->first.view, evidence->first.kind, evidence->first.signer, key);
    return memory_store_get(&net->nodes[node].store, STORE_EVIDENCE, key, sizeof key, &row);
}

/* Where a node's chain has recorded it; false if nowhere. */
static bool is_recorded(struct replica_net *net, uint32_t node, const struct evidence *evidence,
                        uint64_t *ret_height)
{
    uint8_t key[EVIDENCE_RECORDED_KEY_BYTES];
    struct span row;
    evidence_recorded_key(evidence, key);
    if (!memory_store_get(&net->nodes[node].store, TABLE_EVIDENCE, key, sizeof key, &row)) {
        return false;
    }
    *ret_height = get_le64(row.data + HASH_BYTES);
    return true;
}

static uint32_t rows_of(struct replica_net *net, uint32_t node, unsigned table)
{
    return (uint32_t)net->nodes[node].store.tables[table].count;
}

/* Batches of kind evidence that node 0's chain names. */
static uint32_t batches_recorded(struct replica_net *net)
{
    uint32_t found = 0;
    const struct memory_table *places = &net->nodes[0].store.tables[STORE_BATCH_PLACE];
    for (size_t i = 0; i < places->count; i++) {
        struct span bytes;
        struct batch batch;
        assert_true(memory_store_get(&net->nodes[0].store, STORE_BATCHES,
                                     memory_table_row(places, i)->bytes, HASH_BYTES, &bytes));
        assert_int_equal(batch_parse(bytes.data, bytes.length, &net->chain_id, &batch, NULL),
                         STATUS_OK);
        found += batch.header.kind == BATCH_EVIDENCE;
    }
    return found;
}

/* A batch of kind evidence, signed by a validator with its own key, sent to a peer. */
static void send_batch(struct replica_net *net, uint32_t from, uint32_t to,
                       const struct evidence *evidence)
{
    _Alignas(16) uint8_t bytes[BATCH_PREFIX_BYTES + EVIDENCE_BODY_BYTES];
    uint8_t signed_bytes[BATCH_SIGNED_BYTES];
    const struct validator *validator = &net->validators.members[from];
    struct batch_header header = {.version = BATCH_VERSION,
                                  .kind = BATCH_EVIDENCE,
                                  .participant = validator->participant,
                                  .key_no = validator_key_no(&validator->key),
                                  .count = 1,
                                  .created_ms = WALL_START_MS + net->now_ms,
                                  .chain_id = net->chain_id};
    header.expires_ms = header.created_ms + 3600000;
    evidence_to_body(evidence, bytes + BATCH_PREFIX_BYTES);
    header.records_root = batch_body_root(bytes + BATCH_PREFIX_BYTES, EVIDENCE_BODY_BYTES);
    batch_signed_bytes(&header, signed_bytes);
    const struct signature signature =
        net_stand_in(&validator->key, signed_bytes, sizeof signed_bytes);
    memcpy(bytes, &header, sizeof header);
    memcpy(bytes + BATCH_HEADER_BYTES, signature.bytes, sizeof signature.bytes);
    const struct peer_message message = {
        .kind = PEER_BATCH, .batch = {.bytes = {.data = bytes, .length = sizeof bytes}}};
    send(net, from, to, &message);
}

/* Goal: two votes that reach one node, one by one, become evidence on all and one batch in a
   block, whoever restarts meanwhile; after that nothing more is made of it. */
static void test_found_stored_recorded_once(void **state)
{
    (void)state;
    struct replica_net *net = open_net(1);
    const struct evidence evidence = make_evidence(net, FAULTY, view_of(net, 0) + 3);
    const struct vote *votes[] = {&evidence.first, &evidence.second};
    for (uint32_t i = 0; i < 2; i++) {
        const struct peer_message message = {.kind = PEER_VOTE, .vote = *votes[i]};
        send(net, FAULTY, 0, &message);
    }
    assert_true(is_stored(net, 0, &evidence));
    replica_net_run(net, replica_net_now(net) + 100);
    for (uint32_t node = 0; node < 4; node++) {
        assert_true(is_stored(net, node, &evidence));
    }
    replica_net_run(net, replica_net_now(net) + 20000);
    uint64_t first = 0;
    for (uint32_t node = 0; node < 4; node++) {
        uint64_t height = 0;
        assert_true(is_recorded(net, node, &evidence, &height));
        assert_true(node == 0 || height == first);
        first = height;
    }
    assert_int_equal(batches_recorded(net), 1);
    for (uint32_t node = 0; node < 4; node++) {
        replica_net_crash(net, node);
        replica_net_restart(net, node);
    }
    replica_net_run(net, replica_net_now(net) + 100000);
    assert_int_equal(batches_recorded(net), 1);
    replica_net_free(net);
}

/* Goal: whose turn it is may be down: the next one makes the batch, only one of them does, and a
   start finds what was stored before it. The faulty node itself sees that its register is behind,
   so the block waits for the one that was down. */
static void test_the_next_in_turn_records_it(void **state)
{
    (void)state;
    struct replica_net *net = open_net(2);
    const struct evidence evidence = make_evidence(net, FAULTY, view_of(net, 0) + 3);
    replica_net_crash(net, 0);
    send_evidence(net, FAULTY, 2, &evidence);
    replica_net_run(net, replica_net_now(net) + 100);
    replica_net_crash(net, 1);
    replica_net_restart(net, 1);
    replica_net_run(net, replica_net_now(net) + 30000);
    uint64_t height = 0;
    assert_false(is_recorded(net, 1, &evidence, &height));
    replica_net_restart(net, 0);
    replica_net_run(net, replica_net_now(net) + 5000);
    for (uint32_t node = 0; node < 4; node++) {
        assert_true(is_recorded(net, node, &evidence, &height));
    }
    assert_int_equal(batches_recorded(net), 1);
    replica_net_free(net);
}

/* Goal: an offence of a view that is final for long is evidence too. */
static void test_evidence_of_old_views(void **state)
{
    (void)state;
    struct replica_net *net = open_net(3);
    for (uint64_t number = 1; number <= 5; number++) {
        size_t length;
        uint8_t *batch = replica_net_batch(net, 3, number, 5, &length);
        replica_net_submit(net, 0, batch, length);
        free(batch);
        replica_net_run(net, replica_net_now(net) + 500);
    }
    assert_true(view_of(net, 0) > 4);
    const struct evidence evidence = make_evidence(net, FAULTY, 2);
    send_evidence(net, FAULTY, 0, &evidence);
    replica_net_run(net, replica_net_now(net) + 20000);
    uint64_t height = 0;
    for (uint32_t node = 0; node < 4; node++) {
        assert_true(is_stored(net, node, &evidence));
        assert_true(is_recorded(net, node, &evidence, &height));
    }
    replica_net_free(net);
}

/* Goal: evidence that names an honest key is forged: in a frame or in a batch signed by a
   validator it is refused and counted, and no block has it. Nor do two votes that one key may
   well have signed convict it. */
static void test_forged_evidence(void **state)
{
    (void)state;
    struct replica_net *net = open_net(4);
    const uint64_t view = view_of(net, 0) + 2;
    struct evidence forged = make_evidence(net, HONEST, view);
    forged.second.signature.bytes[9] ^= 1;
    send_evidence(net, FAULTY, 0, &forged);
    assert_int_equal(refused(net, 0), 1);
    send_batch(net, FAULTY, 0, &forged);
    replica_net_run(net, replica_net_now(net) + 100);
    assert_int_equal(refused(net, 0), 2);
    /* One genuine vote is not enough, whichever of the two it is. */
    forged = make_evidence(net, HONEST, view + 1);
    forged.first.signature.bytes[9] ^= 1;
    send_evidence(net, FAULTY, 0, &forged);
    assert_int_equal(refused(net, 0), 3);
    /* Both signatures are good, but of the faulty key's own votes. */
    forged = make_evidence(net, FAULTY, view);
    forged.first.signer = HONEST;
    forged.second.signer = HONEST;
    send_evidence(net, FAULTY, 0, &forged);
    send_batch(net, FAULTY, 0, &forged);
    replica_net_run(net, replica_net_now(net) + 100);
    assert_int_equal(refused(net, 0), 5);
    /* No offence: a notarize and a finalize for one block. */
    struct evidence harmless = {.first = make_vote(net, HONEST, view, 7),
                                .second = make_vote(net, HONEST, view, 7)};
    send_evidence(net, FAULTY, 0, &harmless);
    assert_int_equal(refused(net, 0), 6);
    send_batch(net, FAULTY, 0, &harmless);
    replica_net_run(net, replica_net_now(net) + 30000);
    assert_int_equal(refused(net, 0), 7);
    /* Of an epoch that is not here yet nobody can say: nothing is held against who sends it. */
    forged = make_evidence(net, FAULTY, view);
    forged.first.epoch = 2;
    forged.second.epoch = 2;
    send_batch(net, FAULTY, 0, &forged);
    send_evidence(net, FAULTY, 0, &forged);
    replica_net_run(net, replica_net_now(net) + 1000);
    assert_int_equal(refused(net, 0), 7);
    for (uint32_t node = 0; node < 4; node++) {
        assert_int_equal(rows_of(net, node, STORE_EVIDENCE), 0);
        assert_int_equal(rows_of(net, node, TABLE_EVIDENCE), 0);
        assert_true(replica_net_running(net, node));
    }
    assert_int_equal(batches_recorded(net), 0);
    replica_net_free(net);
}

/* Goal: two validators that record the same offence: one POSTED, one EXISTS, all go on. */
static void test_recorded_by_two(void **state)
{
    (void)state;
    struct replica_net *net = open_net(5);
    const struct evidence evidence = make_evidence(net, FAULTY, view_of(net, 0) + 3);
    send_batch(net, 1, 0, &evidence);
    send_batch(net, 2, 0, &evidence);
    send_batch(net, 1, 3, &evidence);
    send_batch(net, 2, 3, &evidence);
    replica_net_run(net, replica_net_now(net) + 10000);
    assert_int_equal(batches_recorded(net), 2);
    for (uint32_t node = 0; node < 4; node++) {
        assert_int_equal(rows_of(net, node, TABLE_EVIDENCE), 1);
        assert_int_equal(replica_net_height(net, node), replica_net_height(net, 0));
    }
    replica_net_free(net);
}

/* Goal: a key that sins without end costs each peer a bounded number of rows. */
static void test_a_flood_of_offences(void **state)
{
    (void)state;
    struct replica_net *net = open_net(6);
    const uint64_t view = view_of(net, 0) + 100;
    for (uint64_t i = 0; i < 200; i++) {
        const struct evidence evidence = make_evidence(net, FAULTY, view + i);
        send_evidence(net, FAULTY, 0, &evidence);
    }
    replica_net_run(net, replica_net_now(net) + 20000);
    for (uint32_t node = 0; node < 4; node++) {
        assert_int_equal(rows_of(net, node, STORE_EVIDENCE), 16);
        assert_int_equal(rows_of(net, node, TABLE_EVIDENCE), 16);
    }
    replica_net_free(net);
}

/* A notarization of a block that does not exist, by a quorum that begins with this validator. */
static struct certificate make_certificate(struct replica_net *net, uint64_t view, uint32_t number)
{
    struct certificate made = {
        .kind = VOTE_NOTARIZE, .epoch = 1, .view = view, .signature_count = 3};
    made.candidate.parent_view = view - 1;
    put_le32(made.candidate.block_hash.bytes, number);
    for (uint32_t i = 0; i < 3; i++) {
        struct vote vote = {
            .kind = made.kind, .signer = i, .epoch = 1, .view = view, .candidate = made.candidate};
        uint8_t preimage[VOTE_PREIMAGE_BYTES];
        vote_preimage(&vote, &net->chain_id, &net->validators.hash, preimage);
        made.signatures[i] =
            net_stand_in(&net->validators.members[i].key, preimage, sizeof preimage);
        made.signers[0] |= (uint8_t)(1u << i);
    }
    return made;
}

/* Goal: two notarizations of one view, which mean that more than f are faulty: the node halts,
   keeps both, and does not start again. */
static void test_two_certificates_are_kept(void **state)
{
    (void)state;
    struct replica_net *net = open_net(7);
    static struct certificate certificates[2], kept[2];
    const uint64_t view = view_of(net, 0) + 2;
    for (uint32_t i = 0; i < 2; i++) {
        certificates[i] = make_certificate(net, view, 70 + i);
        const struct peer_message message = {.kind = PEER_CERTIFICATE,
                                             .certificate = &certificates[i]};
        send(net, FAULTY, 0, &message);
    }
    struct replica_view found;
    replica_inspect(net->nodes[0].replica, &found);
    assert_true(found.consensus.halted);
    uint8_t key[KEY_EVIDENCE_BYTES];
    struct span row;
    uint32_t count = 0;
    key_evidence(1, view, VOTE_NOTARIZE, EVIDENCE_CERTIFICATES, key);
    assert_true(memory_store_get(&net->nodes[0].store, STORE_EVIDENCE, key, sizeof key, &row));
    assert_int_equal(row_conflict_decode(row, kept, &count), STATUS_OK);
    assert_int_equal(count, 2);
    for (uint32_t i = 0; i < 2; i++) {
        assert_true(candidate_equal(&kept[i].candidate, &certificates[i].candidate));
        assert_memory_equal(kept[i].signatures, certificates[i].signatures,
                            3 * sizeof kept[i].signatures[0]);
    }
    assert_true(memory_store_get(&net->nodes[0].store, STORE_META, "halted", 6, &row));
    replica_net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_found_stored_recorded_once),
        cmocka_unit_test(test_the_next_in_turn_records_it),
        cmocka_unit_test(test_evidence_of_old_views),
        cmocka_unit_test(test_forged_evidence),
        cmocka_unit_test(test_recorded_by_two),
        cmocka_unit_test(test_a_flood_of_offences),
        cmocka_unit_test(test_two_certificates_are_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
