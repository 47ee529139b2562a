/*
 * The edges of a change of epoch, one by one, on whole replicas (docs/consensus.md, Epochs): what
 * must not cross over from one epoch to the next, and what must not get lost.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/validator.h"
#include "consensus/machine.h"
#include "ledger/evidence_batch.h"
#include "node/evidence.h"
#include "node/replica_state.h"
#include "tests/support/action_batch.h"
#include "tests/support/replica_net_state.h"

#define FORGERIES 50
/* As many offences of one key as a node takes from peers, and one more. */
#define OFFENCES 17

static void run(struct replica_net *net, uint64_t for_ms)
{
    replica_net_run(net, replica_net_now(net) + for_ms);
}

static struct replica_net *open_net(uint32_t nodes, uint32_t validators, uint32_t observers,
                                    uint64_t seed)
{
    const struct net_options options = {.nodes = nodes,
                                        .validators = validators,
                                        .observers = observers,
                                        .seed = seed,
                                        .delay_ms_max = 5};
    struct replica_net *net = replica_net_new(&options);
    print_message("seed %d\n", (int)seed);
    run(net, 1000);
    return net;
}

/* Blocks, so that the views of the epoch grow. */
static void load(struct replica_net *net, uint32_t batches)
{
    static uint64_t number = 1000;
    for (uint32_t i = 0; i < batches; i++) {
        size_t length;
        uint8_t *batch = replica_net_batch(net, 3, number++, 1, &length);
        replica_net_submit(net, 0, batch, length);
        free(batch);
        run(net, 100);
    }
}

/* Participant 1 proposes, the next ones approve; all at node 0. */
static void change(struct replica_net *net, const struct action *action, uint32_t approvers)
{
    struct hash id, ignored;
    size_t length;
    uint8_t *batch = replica_net_action(net, 1, action, &length, &id);
    replica_net_submit(net, 0, batch, length);
    free(batch);
    run(net, 1500);
    const struct action approve = action_answering(ACTION_APPROVE, &id);
    for (uint32_t participant = 2; participant <= approvers; participant++) {
        batch = replica_net_action(net, participant, &approve, &length, &ignored);
        replica_net_submit(net, 0, batch, length);
        free(batch);
    }
}

static void assert_epoch(struct replica_net *net, uint32_t node, uint64_t epoch)
{
    for (uint32_t i = 0; i < 2000 && replica_net_epoch(net, node) < epoch; i++) {
        run(net, 10);
    }
    assert_int_equal(replica_net_epoch(net, node), epoch);
}

static struct action adding(uint64_t epoch, uint32_t node)
{
    struct action action = action_changing(epoch);
    const struct public_key key = net_consensus_key(node);
    const struct transport_key transport_key = net_transport_key(node);
    action_add(&action, node % PARTICIPANTS + 1, &key, &transport_key, "new");
    return action;
}

static struct action replacing(uint64_t epoch, const struct public_key *old_key,
                               const struct public_key *key, uint32_t channel)
{
    struct action action = action_changing(epoch);
    const struct transport_key transport_key = net_transport_key(channel);
    action_replace(&action, old_key, key, &transport_key);
    return action;
}

static struct vote make_vote(struct replica_net *net, const struct validator_set *set,
                             enum vote_kind kind, uint32_t signer, uint64_t view, uint32_t number)
{
    struct vote vote = {.kind = kind, .signer = signer, .epoch = set->epoch, .view = view};
    uint8_t preimage[VOTE_PREIMAGE_BYTES];
    put_le32(vote.candidate.block_hash.bytes, number);
    vote_preimage(&vote, &net->chain_id, &set->hash, preimage);
    vote.signature = net_stand_in(&set->members[signer].key, preimage, sizeof preimage);
    return vote;
}

/* A quorum's finalization of a block that nobody has; forged: its first signature is wrong. */
static struct certificate make_finalization(struct replica_net *net,
                                            const struct validator_set *set, uint64_t view,
                                            bool forged)
{
    struct certificate certificate = {
        .kind = VOTE_FINALIZE, .signature_count = set->quorum, .epoch = set->epoch, .view = view};
    for (uint32_t i = 0; i < set->quorum; i++) {
        const struct vote vote = make_vote(net, set, VOTE_FINALIZE, i, view, 77);
        certificate.candidate = vote.candidate;
        certificate.signatures[i] = vote.signature;
        certificate.signers[i / 8] |= (uint8_t)(1u << i % 8);
    }
    certificate.signatures[0].bytes[5] ^= forged ? 1 : 0;
    return certificate;
}

static void send(struct replica_net *net, uint32_t from, uint32_t to,
                 const struct peer_message *message)
{
    static uint8_t frame[65536];
    size_t length;
    assert_int_equal(peer_encode(message, frame, sizeof frame, &length), STATUS_OK);
    replica_net_inject(net, from, to, frame, length);
}

/* Goal: at the beginning of an epoch, when F's view is one of the epoch before, the finalization
   that opens the next epoch is looked at all the same. */
static void test_an_epoch_of_few_views(void **state)
{
    (void)state;
    struct replica_net *net = open_net(5, 4, 0, 1);
    const struct action action = adding(1, 4);
    load(net, 30);
    change(net, &action, 3);
    assert_epoch(net, 0, 2);
    const struct replica *replica = net->nodes[0].replica;
    assert_int_equal(replica->final.epoch, 1);
    assert_true(replica->final.view > 10);
    run(net, 1000);
    const struct certificate opening = make_finalization(net, &replica->set, 3, false);
    const struct peer_message message = {.kind = PEER_STATUS,
                                         .status = {.epoch = 3,
                                                    .view = 1,
                                                    .final_height = replica->final.height + 1,
                                                    .final_hash = opening.candidate.block_hash,
                                                    .final = &opening,
                                                    .held_from = 1}};
    send(net, 1, 0, &message);
    assert_int_equal(replica->consensus->view, 4);
    replica_net_free(net);
}

static uint32_t verified;

static bool count_and_refuse(void *context, const struct public_key *key, const uint8_t *message,
                             size_t length, const struct signature *signature)
{
    (void)context;
    (void)key;
    (void)message;
    (void)length;
    (void)signature;
    verified++;
    return false;
}

/* Goal: whoever does not vote cannot keep a node busy with finalizations that no quorum signed,
   neither in statuses nor in proposals that claim to be of the next epoch. */
static void test_a_flood_of_openings(void **state)
{
    (void)state;
    struct replica_net *net = open_net(5, 4, 1, 2);
    struct replica *replica = net->nodes[0].replica;
    replica->io.verify = count_and_refuse;
    for (uint32_t i = 0; i < FORGERIES; i++) {
        const struct certificate forged = make_finalization(net, &replica->set, 1000 + i, true);
        struct peer_message message = {.kind = PEER_PROPOSAL};
        message.proposal.body.vote = make_vote(net, &replica->set, VOTE_NOTARIZE, 1, 1, 9);
        message.proposal.body.vote.epoch = 2;
        message.proposal.body.final = &forged;
        send(net, 4, 0, &message);
        message = (struct peer_message){
            .kind = PEER_STATUS,
            .status = {.epoch = 2, .view = 1, .final = &forged, .held_from = 1}};
        send(net, 4, 0, &message);
    }
    print_message("%u signatures looked at\n", verified);
    assert_in_range(verified, 1, 2);
    replica_net_free(net);
}

/* Goal: the offences of who was a validator do not use up what is taken of the one who has its
   index now. */
static void test_offences_of_another_epoch(void **state)
{
    (void)state;
    struct replica_net *net = open_net(5, 4, 0, 3);
    const struct validator_set before = net->nodes[0].replica->set;
    const struct public_key old_key = net_consensus_key(3), key = net_consensus_key(4);
    const struct action action = replacing(1, &old_key, &key, 4);
    change(net, &action, 3);
    assert_epoch(net, 0, 2);
    run(net, 1000);
    const struct validator_set now = net->nodes[0].replica->set;
    assert_memory_not_equal(&before.members[3].key, &now.members[3].key, sizeof old_key);
    for (uint32_t i = 0; i <= OFFENCES; i++) {
        const struct validator_set *set = i == OFFENCES ? &now : &before;
        const struct peer_message message = {
            .kind = PEER_EVIDENCE,
            .evidence = {.first = make_vote(net, set, VOTE_FINALIZE, 3, 5000 + i, 1),
                         .second = make_vote(net, set, VOTE_FINALIZE, 3, 5000 + i, 2)}};
        send(net, 1, 0, &message);
    }
    uint8_t row[KEY_EVIDENCE_BYTES];
    struct span value;
    key_evidence(2, 5000 + OFFENCES, VOTE_FINALIZE, 3, row);
    assert_true(memory_store_get(&net->nodes[0].store, STORE_EVIDENCE, row, sizeof row, &value));
    /* Of the other one no more than of anybody. */
    key_evidence(1, 5000 + OFFENCES - 1, VOTE_FINALIZE, 3, row);
    assert_false(memory_store_get(&net->nodes[0].store, STORE_EVIDENCE, row, sizeof row, &value));
    key_evidence(1, 5000 + OFFENCES - 2, VOTE_FINALIZE, 3, row);
    assert_true(memory_store_get(&net->nodes[0].store, STORE_EVIDENCE, row, sizeof row, &value));
    replica_net_free(net);
}

/* Goal: a validator that nobody can link with, because its process has another channel key than the
   one that the chain names for it, does not die at the end of an epoch: it is told at the start,
   but an action may bring it about while it runs. */
static void test_another_channel_key(void **state)
{
    (void)state;
    struct replica_net *net = open_net(5, 4, 0, 4);
    struct replica *replica = net->nodes[3].replica;
    const struct action action = adding(1, 4);
    replica->config.transport_key = net_transport_key(12);
    change(net, &action, 3);
    for (uint32_t i = 0; i < 500 && replica_net_epoch(net, 3) == 1; i++) {
        size_t length;
        uint8_t *batch = replica_net_batch(net, 3, 5000 + i, 1, &length);
        replica_net_submit(net, 3, batch, length);
        free(batch);
        run(net, 5);
    }
    assert_int_equal(replica_net_epoch(net, 3), 2);
    assert_true(replica_net_votes_now(net, 3));
    assert_int_equal(replica->table.own, PEER_NONE);
    run(net, 3000);
    assert_true(replica_net_running(net, 3));
    replica_net_free(net);
}

/* Goal: a copy of a batch that was verified under another key than the one that its number means by
   now, which validators' numbers allow, does not make a good block look bad: it is fetched anew. */
static void test_a_copy_under_another_key(void **state)
{
    (void)state;
    struct replica_net *net = open_net(4, 4, 0, 7);
    struct replica *replica = net->nodes[0].replica;
    struct pool_batch *copy = NULL;
    struct batch parsed;
    size_t length;
    uint8_t *batch = replica_net_batch(net, 3, 9000, 1, &length);
    assert_int_equal(batch_parse(batch, length, &net->chain_id, &parsed, NULL), STATUS_OK);
    replica_net_submit(net, 1, batch, length);
    for (uint32_t i = 0; i < 100 && copy == NULL; i++) {
        run(net, 1);
        copy = pool_find(replica->pool, &parsed.id);
    }
    assert_non_null(copy);
    copy->verified_under.bytes[9] ^= 1;
    free(batch);
    assert_true(replica_net_settle(net, 1, replica_net_now(net) + 20000));
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(replica_net_records(net, i), 1);
    }
    assert_int_equal(replica->alarm_count, 0);
    replica_net_free(net);
}

static bool is_recorded(struct replica_net *net, uint32_t node, const struct evidence *evidence)
{
    uint8_t key[EVIDENCE_RECORDED_KEY_BYTES];
    struct span row;
    evidence_recorded_key(evidence, key);
    return memory_store_get(&net->nodes[node].store, TABLE_EVIDENCE, key, sizeof key, &row);
}

/* Goal: a batch that no block can name any more, because its key went with an epoch, does not keep
   the others from recording the evidence in it. */
static void test_evidence_in_a_batch_of_no_use(void **state)
{
    (void)state;
    struct replica_net *net = open_net(5, 5, 0, 9);
    const struct validator *sender = &net->validators.members[4];
    const struct evidence evidence = {
        .first = make_vote(net, &net->validators, VOTE_FINALIZE, 4, 900, 1),
        .second = make_vote(net, &net->validators, VOTE_FINALIZE, 4, 900, 2)};
    const uint64_t now_ms = WALL_START_MS + net->now_ms;
    const struct action_batch_terms terms = {.kind = BATCH_EVIDENCE,
                                             .participant = sender->participant,
                                             .key_no = validator_key_no(&sender->key),
                                             .chain_id = net->chain_id,
                                             .created_ms = now_ms,
                                             .expires_ms = now_ms + 20 * 3600000};
    uint8_t body[EVIDENCE_BODY_BYTES];
    struct hash id;
    size_t length;
    evidence_to_body(&evidence, body);
    uint8_t *bytes =
        action_batch(&terms, body, sizeof body, &sender->key, net_stand_in, &length, &id);
    const struct peer_message batch = {.kind = PEER_BATCH,
                                       .batch = {.bytes = {.data = bytes, .length = length}}};
    replica_net_crash(net, 4);
    for (uint32_t i = 0; i < 4; i++) {
        send(net, 4, i, &batch);
    }
    run(net, 1);
    for (uint32_t i = 0; i < 4; i++) {
        struct pool_batch *pooled = pool_find(net->nodes[i].replica->pool, &id);
        assert_non_null(pooled);
        pooled->header.key_no ^= 1; /* as if this number named nobody now */
    }
    const struct peer_message message = {.kind = PEER_EVIDENCE, .evidence = evidence};
    send(net, 4, 0, &message);
    run(net, 30000);
    assert_non_null(pool_find(net->nodes[0].replica->pool, &id));
    for (uint32_t i = 0; i < 4; i++) {
        assert_true(is_recorded(net, i, &evidence));
    }
    free(bytes);
    replica_net_free(net);
}

/* Goal: a pending batch whose number means another key since it was stored is not taken for one
   that was verified under that key after a restart. */
static void test_a_stored_copy_under_another_key(void **state)
{
    (void)state;
    struct replica_net *net = open_net(4, 4, 0, 8);
    const struct validator *sender = &net->validators.members[1];
    struct evidence evidence = {.first = make_vote(net, &net->validators, VOTE_FINALIZE, 3, 900, 1),
                                .second =
                                    make_vote(net, &net->validators, VOTE_FINALIZE, 3, 900, 2)};
    const struct action_batch_terms terms = {.kind = BATCH_EVIDENCE,
                                             .participant = sender->participant,
                                             .key_no = validator_key_no(&sender->key),
                                             .chain_id = net->chain_id,
                                             .created_ms = WALL_START_MS + net->now_ms,
                                             .expires_ms = WALL_START_MS + net->now_ms + 3600000};
    uint8_t body[EVIDENCE_BODY_BYTES];
    struct hash id;
    size_t length;
    for (uint32_t i = 1; i < 4; i++) {
        replica_net_crash(net, i);
    }
    evidence_to_body(&evidence, body);
    uint8_t *bytes =
        action_batch(&terms, body, sizeof body, &sender->key, net_stand_in, &length, &id);
    const struct peer_message message = {.kind = PEER_BATCH,
                                         .batch = {.bytes = {.data = bytes, .length = length}}};
    send(net, 1, 0, &message);
    run(net, 100);
    for (uint32_t good = 0; good < 2; good++) {
        assert_non_null(pool_find(net->nodes[0].replica->pool, &id));
        replica_net_crash(net, 0);
        bytes[BATCH_HEADER_BYTES] ^= good == 0 ? 0 : 1;
        memory_store_put(&net->nodes[0].store, STORE_BATCHES, id.bytes, HASH_BYTES, bytes, length);
        replica_net_restart(net, 0);
    }
    assert_true(replica_net_running(net, 0));
    assert_null(pool_find(net->nodes[0].replica->pool, &id));
    free(bytes);
    replica_net_free(net);
}

/* Goal: whoever halts in the step that ends an epoch stays halted. */
static void test_halted_at_the_end(void **state)
{
    (void)state;
    struct replica_net *net = open_net(4, 4, 0, 5);
    struct replica *replica = net->nodes[0].replica;
    const struct consensus *machine = replica->consensus;
    replica->consensus->halted = true;
    replica->set.epoch = 0; /* as if the block of this step had ended an epoch */
    replica_epoch_settle(replica);
    assert_int_equal(replica->set.epoch, 0);
    assert_ptr_equal(replica->consensus, machine);
    assert_true(replica->consensus->halted);
    replica->set.epoch = 1;
    replica_net_free(net);
}

static bool tells_of_rejoining(const struct replica *replica)
{
    for (uint32_t i = 0; i < replica->alarm_count; i++) {
        if (strncmp(replica->alarms[i], "rejoining", 9) == 0) {
            return true;
        }
    }
    return false;
}

/* Goal: who is removed while it rejoins has nothing to rejoin any more, and says so. */
static void test_removed_while_rejoining(void **state)
{
    (void)state;
    struct replica_net *net = open_net(5, 5, 0, 6);
    const struct public_key key = net_consensus_key(1);
    struct action action = action_changing(1);
    replica_net_crash(net, 1);
    replica_net_lose_register(net, 1);
    for (uint32_t i = 2; i < 5; i++) {
        replica_net_cut(net, 1, i, true);
    }
    replica_net_restart(net, 1);
    run(net, 2000);
    assert_true(tells_of_rejoining(net->nodes[1].replica));
    action_remove(&action, &key);
    change(net, &action, 5);
    assert_epoch(net, 1, 2);
    assert_false(replica_net_votes_now(net, 1));
    assert_false(tells_of_rejoining(net->nodes[1].replica));
    replica_net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_epoch_of_few_views),
        cmocka_unit_test(test_a_flood_of_openings),
        cmocka_unit_test(test_offences_of_another_epoch),
        cmocka_unit_test(test_another_channel_key),
        cmocka_unit_test(test_a_copy_under_another_key),
        cmocka_unit_test(test_evidence_in_a_batch_of_no_use),
        cmocka_unit_test(test_a_stored_copy_under_another_key),
        cmocka_unit_test(test_halted_at_the_end),
        cmocka_unit_test(test_removed_while_rejoining),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
