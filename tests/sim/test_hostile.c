/*
 * Whole replicas against a hostile validator that holds a real key and link: what it makes up costs
 * the others time at most. Node 1 is the hostile one: it also takes part honestly, so that every
 * failure below is of the others' own making.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "node/replica_state.h"
#include "proto/peer_codec.h"
#include "tests/support/replica_net_state.h"

#define HOSTILE 1
#define FRAME_MAX (1u << 20)

static struct replica_net *quiet_net(uint64_t seed)
{
    struct net_options options = {.nodes = 4, .seed = seed, .delay_ms_max = 3};
    return replica_net_new(&options);
}

static void submit(struct replica_net *net, uint32_t node, uint64_t number)
{
    size_t length;
    uint8_t *batch = replica_net_batch(net, 3 + (uint32_t)(number % 5), number, 10, &length);
    replica_net_submit(net, node, batch, length);
    free(batch);
}

static void inject(struct replica_net *net, uint32_t to, const struct peer_message *message)
{
    static uint8_t frame[FRAME_MAX];
    size_t length;
    assert_int_equal(peer_encode(message, frame, sizeof frame, &length), STATUS_OK);
    replica_net_inject(net, HOSTILE, to, frame, length);
}

static struct hash made_up(struct prng *prng)
{
    uint64_t number = prng_next(prng);
    return hash_of(&PURPOSE_BATCH, &number, sizeof number);
}

/* A header that would be the child of the node's final block, but for its roots. */
static struct block_header child_header(struct replica_net *net, uint32_t node, uint64_t height,
                                        const struct hash *ids, uint32_t count)
{
    struct block_header header;
    memset(&header, 0, sizeof header);
    header.version = BLOCK_VERSION;
    header.chain_id = net->chain_id;
    header.epoch = 1;
    header.height = height;
    header.parent_hash = replica_net_hash_at(net, node, replica_net_height(net, node));
    header.timestamp_ms = WALL_START_MS + net->now_ms;
    header.proposer = HOSTILE;
    header.batch_count = count;
    header.batches_root = batches_root(ids, count);
    return header;
}

/* A final block that never was: its certificate has the right form and no right signature. */
static void inject_false_block(struct replica_net *net, uint32_t to, struct prng *prng)
{
    struct hash ids[LIMIT_BLOCK_BATCHES];
    for (uint32_t i = 0; i < LIMIT_BLOCK_BATCHES; i++) {
        ids[i] = made_up(prng);
    }
    struct block_header header =
        child_header(net, to, replica_net_height(net, to) + 1, ids, LIMIT_BLOCK_BATCHES);
    struct certificate *certificate = calloc(1, sizeof *certificate);
    assert_non_null(certificate);
    certificate->kind = VOTE_FINALIZE;
    certificate->epoch = 1;
    certificate->view = 100000;
    certificate->candidate.block_hash = block_hash(&header);
    certificate->signers[0] = 7;
    certificate->signature_count = 3;
    struct peer_final_block final = {.block = {.header = (const uint8_t *)&header,
                                               .batch_ids = ids,
                                               .batch_count = LIMIT_BLOCK_BATCHES},
                                     .finalization = certificate};
    struct peer_message message = {.kind = PEER_BLOCKS, .blocks = {.list = &final, .count = 1}};
    inject(net, to, &message);
    free(certificate);
}

/* Goal: a node that is behind catches up, whatever false blocks one peer keeps sending it. */
static void test_false_final_blocks(void **state)
{
    (void)state;
    struct replica_net *net = quiet_net(1);
    struct prng prng = prng_seeded(1);
    replica_net_run(net, 100);
    replica_net_crash(net, 3);
    for (uint64_t i = 0; i < 40; i++) {
        submit(net, 0, i);
        replica_net_run(net, replica_net_now(net) + 200);
    }
    replica_net_restart(net, 3);
    for (uint64_t i = 0; i < 3000; i++) {
        inject_false_block(net, 3, &prng);
        replica_net_run(net, replica_net_now(net) + 10);
    }
    assert_int_equal(replica_net_height(net, 3), replica_net_height(net, 0));
    replica_net_free(net);
}

static void inject_claims(struct replica_net *net, uint32_t to, struct prng *prng)
{
    static struct hash ids[PEER_HAVE_MAX];
    for (uint32_t i = 0; i < PEER_HAVE_MAX; i++) {
        ids[i] = made_up(prng);
    }
    struct peer_message message = {.kind = PEER_BATCH_HAVE,
                                   .batch_ids = {.ids = ids, .count = PEER_HAVE_MAX}};
    inject(net, to, &message);
}

/* Goal: batches that a node missed are fetched although a peer claims thousands that do not exist.
 */
static void test_false_claims(void **state)
{
    (void)state;
    struct replica_net *net = quiet_net(2);
    struct prng prng = prng_seeded(2);
    replica_net_run(net, 100);
    replica_net_crash(net, 3);
    for (uint64_t i = 0; i < 20; i++) {
        submit(net, 0, i);
        replica_net_run(net, replica_net_now(net) + 100);
    }
    replica_net_restart(net, 3);
    for (uint64_t i = 0; i < 100; i++) {
        inject_claims(net, 3, &prng);
        replica_net_run(net, replica_net_now(net) + 100);
    }
    assert_int_equal(replica_net_height(net, 3), replica_net_height(net, 0));
    replica_net_free(net);
}

/* A proposal whose header nobody asked for, with a right or a wrong signature. */
static void inject_proposal(struct replica_net *net, uint32_t to, struct prng *prng, bool right)
{
    struct hash id = made_up(prng);
    struct block_header header = child_header(net, to, replica_net_height(net, to) + 1, &id, 1);
    struct peer_message message = {.kind = PEER_PROPOSAL};
    struct vote *vote = &message.proposal.body.vote;
    uint8_t preimage[VOTE_PREIMAGE_BYTES];
    *vote = (struct vote){.kind = VOTE_NOTARIZE,
                          .signer = HOSTILE,
                          .epoch = 1,
                          .view = 1 + prng_below(prng, 200),
                          .candidate = {.block_hash = block_hash(&header)}};
    if (right) {
        vote_preimage(vote, &net->chain_id, &net->validators.hash, preimage);
        vote->signature =
            net_stand_in(&net->validators.members[HOSTILE].key, preimage, sizeof preimage);
    }
    message.proposal.body.has_block = true;
    message.proposal.block =
        (struct peer_block){.header = (const uint8_t *)&header, .batch_ids = &id, .batch_count = 1};
    inject(net, to, &message);
}

/* Goal: a flood of proposals pushes no body out that a check waits for or that was agreed to: the
   chain goes on, and a node that may not vote yet commits what it had checked. */
static void flood_with_proposals(uint64_t seed, bool right)
{
    struct net_options options = {
        .nodes = 4, .seed = seed, .delay_ms_max = 40, .loss_permille = 150};
    struct replica_net *net = replica_net_new(&options);
    struct prng prng = prng_seeded(seed);
    for (uint64_t i = 0; i < 60; i++) {
        submit(net, (uint32_t)(i % 4 == HOSTILE ? 0 : i % 4), i);
        for (uint32_t k = 0; k < 8; k++) {
            for (uint32_t j = 0; j < 60; j++) {
                inject_proposal(net, j % 2 == 0 ? 0 : 2 + j / 2 % 2, &prng, right);
            }
            replica_net_run(net, replica_net_now(net) + 20);
        }
    }
    replica_net_set_loss(net, 0);
    submit(net, 0, 5000);
    replica_net_run(net, replica_net_now(net) + 10);
    assert_true(replica_net_settle(net, 1, replica_net_now(net) + 60000));
    replica_net_free(net);
}

static void test_proposal_flood(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 6; seed++) {
        print_message("seed %d\n", (int)seed);
        flood_with_proposals(seed, seed % 2 == 0);
    }
}

/* Goal: a leader cannot spoil a block for one node by sending it the right header with wrong ids.
 */
static void test_wrong_ids(void **state)
{
    (void)state;
    struct replica_net *net = quiet_net(7);
    struct prng prng = prng_seeded(7);
    struct hash right = made_up(&prng);
    struct hash wrong = made_up(&prng);
    uint64_t view = 1;
    uint8_t preimage[VOTE_PREIMAGE_BYTES];
    replica_net_run(net, 100);
    while (validators_leader(&net->validators, view) != HOSTILE) {
        view++;
    }
    struct block_header header = child_header(net, 0, 1, &right, 1);
    struct hash hash = block_hash(&header);
    struct peer_message message = {.kind = PEER_PROPOSAL};
    struct vote *vote = &message.proposal.body.vote;
    *vote = (struct vote){.kind = VOTE_NOTARIZE,
                          .signer = HOSTILE,
                          .epoch = 1,
                          .view = view,
                          .candidate = {.block_hash = hash}};
    vote_preimage(vote, &net->chain_id, &net->validators.hash, preimage);
    vote->signature =
        net_stand_in(&net->validators.members[HOSTILE].key, preimage, sizeof preimage);
    message.proposal.body.has_block = true;
    message.proposal.block = (struct peer_block){
        .header = (const uint8_t *)&header, .batch_ids = &wrong, .batch_count = 1};
    inject(net, 0, &message);
    assert_null(replica_open_find(net->nodes[0].replica, &hash));
    message.proposal.block.batch_ids = &right;
    inject(net, 0, &message);
    assert_non_null(replica_open_find(net->nodes[0].replica, &hash));
    replica_net_free(net);
}

/* Goal: a peer that sends a spoilt copy of a batch first does not get its submitter refused. */
static void test_spoilt_copy(void **state)
{
    (void)state;
    struct replica_net *net = quiet_net(4);
    size_t length;
    replica_net_run(net, 100);
    uint8_t *batch = replica_net_batch(net, 3, 7, 10, &length);
    uint8_t *spoilt = malloc(length);
    assert_non_null(spoilt);
    memcpy(spoilt, batch, length);
    spoilt[BATCH_HEADER_BYTES] ^= 1; /* the signature, which the id does not cover */
    struct peer_message message = {
        .kind = PEER_BATCH, .batch = {.bytes = {.data = spoilt, .length = length}, .pushed = true}};
    for (uint32_t i = 0; i < 20; i++) {
        if (i == 5) {
            replica_net_submit(net, 0, batch, length);
        }
        inject(net, 0, &message);
        replica_net_run(net, replica_net_now(net) + 1);
    }
    replica_net_submit(net, 0, batch, length);
    assert_true(replica_net_settle(net, 1, replica_net_now(net) + 20000));
    replica_net_run(net, replica_net_now(net) + 1000);
    assert_int_equal(replica_net_answers(net, CLIENT_REFUSED), 0);
    assert_true(replica_net_answers(net, CLIENT_ACCEPTED) >= 1);
    free(batch);
    free(spoilt);
    replica_net_free(net);
}

/* Goal: a request repeated without end is not answered without end. */
static void test_request_flood(void **state)
{
    (void)state;
    struct replica_net *net = quiet_net(5);
    struct hash ids[PEER_REQUEST_MAX];
    size_t length;
    replica_net_run(net, 100);
    uint8_t *batch = replica_net_batch(net, 3, 9, 8192, &length);
    struct batch parsed;
    assert_int_equal(batch_parse(batch, length, &net->chain_id, &parsed, NULL), STATUS_OK);
    replica_net_submit(net, 0, batch, length);
    assert_true(replica_net_settle(net, 1, replica_net_now(net) + 20000));
    for (uint32_t i = 0; i < PEER_REQUEST_MAX; i++) {
        ids[i] = parsed.id;
    }
    uint64_t sent = net->sent_bytes;
    struct peer_message message = {.kind = PEER_BATCH_REQUEST,
                                   .batch_ids = {.ids = ids, .count = PEER_REQUEST_MAX}};
    struct peer_message blocks = {.kind = PEER_BLOCK_REQUEST,
                                  .block_request = {.from_height = 1, .count = 64}};
    for (uint32_t i = 0; i < 4; i++) {
        inject(net, 0, &message);
        inject(net, 0, &blocks);
    }
    assert_true(net->sent_bytes - sent < 64u << 20);
    free(batch);
    replica_net_free(net);
}

/* Goal: a client that waits for thousands of batches does not take the places of the others. */
static void test_await_flood(void **state)
{
    (void)state;
    struct replica_net *net = quiet_net(6);
    struct prng prng = prng_seeded(6);
    uint8_t frame[256];
    size_t length;
    replica_net_run(net, 100);
    replica_client_up(net->nodes[0].replica, 77, CLIENT_PARTICIPANT, 5);
    for (uint32_t i = 0; i < 2 * WAITERS_MAX; i++) {
        struct client_message message = {.kind = CLIENT_AWAIT,
                                         .request = i,
                                         .await = {.batch_id = made_up(&prng), .wait_ms = 60000}};
        assert_int_equal(client_encode(&message, frame, sizeof frame, &length), STATUS_OK);
        assert_int_equal(replica_client_frame(net->nodes[0].replica, 77, frame, length), STATUS_OK);
    }
    submit(net, 0, 12);
    assert_true(replica_net_settle(net, 1, replica_net_now(net) + 20000));
    replica_net_run(net, replica_net_now(net) + 100);
    assert_int_equal(replica_net_answers(net, CLIENT_ACCEPTED), 1);
    assert_int_equal(replica_net_answers(net, CLIENT_BUSY), 0);
    replica_net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_false_final_blocks), cmocka_unit_test(test_false_claims),
        cmocka_unit_test(test_proposal_flood),     cmocka_unit_test(test_spoilt_copy),
        cmocka_unit_test(test_wrong_ids),          cmocka_unit_test(test_request_flood),
        cmocka_unit_test(test_await_flood),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
