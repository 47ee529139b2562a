/*
 * test_receipt_check: a receipt holds as it is, and no changed bit of it does: over the whole batch
 * header, signature, verdicts, block header, certificate and both paths.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium/core.h>

#include "base/merkle.h"
#include "cli/plan.h"
#include "cli/receipt_check.h"
#include "ledger/action_rows.h"
#include "ledger/digest.h"
#include "ledger/genesis_rows.h"
#include "node/epochs.h"
#include "node/genesis_file.h"
#include "node/keys.h"
#include "tests/support/action_batch.h"

#define VALIDATORS 4
#define BATCHES 3
#define RECORDS 70 /* three chunks of verdicts */

struct fixture {
    struct genesis genesis;
    struct hash chain_id;
    struct validator_set validators;
    struct signing_key *keys[VALIDATORS];
    struct signing_key *submitter;
    /* The receipt and what it points to. */
    struct client_receipt receipt;
    struct batch_header batch;
    struct block_header block;
    struct certificate finalization;
    uint16_t verdicts[RECORDS];
    struct merkle_path batches_path, verdicts_path;
};

static void make_network(struct fixture *fixture)
{
    char error[256] = "";
    uint8_t seed[32] = {0};
    struct genesis *genesis = &fixture->genesis;
    assert_int_equal(plan_read(NULL, genesis, error, sizeof error), STATUS_OK);
    genesis->created_ms = 1;
    genesis->validators = calloc(VALIDATORS, sizeof *genesis->validators);
    assert_non_null(genesis->validators);
    genesis->validator_count = VALIDATORS;
    for (uint32_t i = 0; i < VALIDATORS; i++) {
        seed[0] = (uint8_t)(i + 1);
        fixture->keys[i] = signing_key_from_seed(seed);
        genesis->validators[i].participant = i + 1;
        genesis->validators[i].key = *signing_key_public(fixture->keys[i]);
        genesis->validators[i].transport_key.bytes[0] = (uint8_t)(i + 1);
    }
    seed[0] = 99;
    fixture->submitter = signing_key_from_seed(seed);
    genesis->participants[2].key_count = 1;
    genesis->participants[2].keys[0] =
        (struct participant_key){.key_no = 1,
                                 .permissions = PERMISSION_SUBMIT,
                                 .key = *signing_key_public(fixture->submitter)};
    fixture->chain_id = genesis_file_chain_id(genesis);
    assert_int_equal(genesis_validator_set(genesis, 1, &fixture->validators), STATUS_OK);
}

static void make_batch(struct fixture *fixture)
{
    uint8_t bytes[BATCH_SIGNED_BYTES];
    fixture->batch = (struct batch_header){.version = BATCH_VERSION,
                                           .kind = BATCH_RECORDS,
                                           .participant = 3,
                                           .key_no = 1,
                                           .count = RECORDS,
                                           .created_ms = 5,
                                           .expires_ms = 6,
                                           .chain_id = fixture->chain_id};
    batch_signed_bytes(&fixture->batch, bytes);
    key_sign(fixture->submitter, bytes, sizeof bytes, &fixture->receipt.batch_signature);
    for (unsigned i = 0; i < RECORDS; i++) {
        fixture->verdicts[i] = (uint16_t)(i % 5);
    }
}

static void make_block(struct fixture *fixture)
{
    struct hash ids[BATCHES] = {{{1}}, {{2}}, {{3}}}, leaves[BATCHES], vectors[BATCHES];
    uint16_t other[1] = {0};
    ids[1] = batch_id(&fixture->batch);
    for (unsigned i = 0; i < BATCHES; i++) {
        struct hash root = i == 1 ? verdict_vector_root(fixture->verdicts, RECORDS)
                                  : verdict_vector_root(other, 1);
        leaves[i] = merkle_leaf(ids[i].bytes, HASH_BYTES);
        vectors[i] = merkle_leaf(root.bytes, HASH_BYTES);
    }
    fixture->block = (struct block_header){.version = BLOCK_VERSION,
                                           .epoch = 1,
                                           .height = 7,
                                           .batch_count = BATCHES,
                                           .chain_id = fixture->chain_id,
                                           .batches_root = merkle_root(leaves, BATCHES),
                                           .verdicts_root = merkle_root(vectors, BATCHES)};
    merkle_path_of(leaves, BATCHES, 1, &fixture->batches_path);
    merkle_path_of(vectors, BATCHES, 1, &fixture->verdicts_path);
}

/* Signs with the validators of the mask. */
static void make_finalization(struct fixture *fixture, unsigned mask)
{
    struct certificate *certificate = &fixture->finalization;
    uint8_t preimage[VOTE_PREIMAGE_BYTES];
    memset(certificate, 0, sizeof *certificate);
    certificate->kind = VOTE_FINALIZE;
    certificate->epoch = 1;
    certificate->view = 9;
    certificate->candidate = (struct candidate){8, block_hash(&fixture->block)};
    struct vote vote = {
        .kind = VOTE_FINALIZE, .epoch = 1, .view = 9, .candidate = certificate->candidate};
    vote_preimage(&vote, &fixture->chain_id, &fixture->validators.hash, preimage);
    for (uint32_t i = 0; i < VALIDATORS; i++) {
        if ((mask >> i & 1) != 0) {
            certificate->signers[0] = (uint8_t)(certificate->signers[0] | 1 << i);
            key_sign(fixture->keys[i], preimage, sizeof preimage,
                     &certificate->signatures[certificate->signature_count++]);
        }
    }
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    assert_true(sodium_init() >= 0);
    assert_non_null(fixture);
    make_network(fixture);
    make_batch(fixture);
    make_block(fixture);
    make_finalization(fixture, 7);
    struct client_receipt *receipt = &fixture->receipt;
    receipt->batch_header = (const uint8_t *)&fixture->batch;
    receipt->block_header = (const uint8_t *)&fixture->block;
    receipt->verdicts = fixture->verdicts;
    receipt->verdict_count = RECORDS;
    receipt->finalization = &fixture->finalization;
    receipt->batch_index = 1;
    receipt->batches_path = fixture->batches_path.hashes;
    receipt->batches_path_count = fixture->batches_path.count;
    receipt->verdicts_path = fixture->verdicts_path.hashes;
    receipt->verdicts_path_count = fixture->verdicts_path.count;
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    for (unsigned i = 0; i < VALIDATORS; i++) {
        signing_key_free(fixture->keys[i]);
    }
    signing_key_free(fixture->submitter);
    genesis_free(&fixture->genesis);
    free(fixture);
    return 0;
}

static const char *check_by(const struct fixture *fixture, const struct public_key *later,
                            struct receipt_facts *ret_facts)
{
    struct lineage lineage;
    lineage_single(&lineage, &fixture->genesis, &fixture->chain_id);
    return receipt_check(&fixture->receipt, &lineage, later, ret_facts);
}

static const char *check(const struct fixture *fixture)
{
    struct receipt_facts facts;
    return check_by(fixture, NULL, &facts);
}

/* Goal: an honest receipt holds and tells its facts. */
static void honest_receipts_hold(void **state)
{
    struct fixture *fixture = *state;
    struct receipt_facts facts;
    assert_null(check_by(fixture, NULL, &facts));
    assert_true(facts.block.height == 7);
    struct hash id = batch_id(&fixture->batch);
    assert_true(hash_equal(&facts.batch_id, &id));
}

/* Goal: a key that an action gave is the caller's to know; another key does not do. */
static void later_keys_are_taken(void **state)
{
    struct fixture *fixture = *state;
    struct receipt_facts facts;
    struct genesis_participant *submitter =
        &fixture->genesis.participants[fixture->genesis.participant_count - 1];
    const struct public_key own = *signing_key_public(fixture->submitter);
    for (uint32_t i = 0; i < fixture->genesis.participant_count; i++) {
        submitter = fixture->genesis.participants[i].number == fixture->batch.participant
                        ? &fixture->genesis.participants[i]
                        : submitter;
    }
    submitter->key_count = 0;
    assert_non_null(strstr(check(fixture), "neither genesis nor the receipt"));
    assert_null(check_by(fixture, &own, &facts));
    assert_string_equal(check_by(fixture, signing_key_public(fixture->keys[0]), &facts),
                        "the batch is not signed by its participant");
}

/* Flips each bit of a region; every time the check must fail. */
static void flip_all(struct fixture *fixture, const char *what, void *region, size_t size)
{
    uint8_t *bytes = region;
    for (size_t bit = 0; bit < size * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (check(fixture) == NULL) {
            fail_msg("%s: bit %zu changed, and the receipt still holds", what, bit);
        }
        bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_null(check(fixture));
}

/* Goal: no bit can change. */
static void changed_receipts_fail(void **state)
{
    struct fixture *f = *state;
    flip_all(f, "batch header", &f->batch, sizeof f->batch);
    flip_all(f, "batch signature", &f->receipt.batch_signature, 64);
    flip_all(f, "verdicts", f->verdicts, sizeof f->verdicts);
    flip_all(f, "block header", &f->block, sizeof f->block);
    flip_all(f, "candidate", &f->finalization.candidate, sizeof f->finalization.candidate);
    flip_all(f, "view", &f->finalization.view, sizeof f->finalization.view);
    flip_all(f, "epoch", &f->finalization.epoch, sizeof f->finalization.epoch);
    flip_all(f, "signers", f->finalization.signers, sizeof f->finalization.signers);
    flip_all(f, "signatures", f->finalization.signatures, 3 * sizeof(struct signature));
    flip_all(f, "batches path", f->batches_path.hashes,
             f->batches_path.count * sizeof(struct hash));
    flip_all(f, "verdicts path", f->verdicts_path.hashes,
             f->verdicts_path.count * sizeof(struct hash));
}

/* Goal: fewer than a quorum, a wrong kind of certificate, and wrong counts and places fail. */
static void short_receipts_fail(void **state)
{
    struct fixture *f = *state;
    for (unsigned mask = 0; mask < 1u << VALIDATORS; mask++) {
        make_finalization(f, mask);
        bool quorum = __builtin_popcount(mask) >= 3;
        assert_int_equal(check(f) == NULL, quorum);
    }
    make_finalization(f, 7);
    f->finalization.kind = VOTE_NOTARIZE;
    assert_non_null(check(f));
    make_finalization(f, 7);
    f->receipt.verdict_count = RECORDS - 1;
    assert_non_null(check(f));
    f->receipt.verdict_count = RECORDS;
    for (uint32_t index = 0; index < 8; index++) {
        f->receipt.batch_index = index;
        assert_int_equal(check(f) == NULL, index == 1);
    }
    f->receipt.batch_index = 1;
    f->receipt.batches_path_count--;
    assert_non_null(check(f));
}

/* One step to the next epoch: validators 1, 2 and 3 stay, a new one takes the place of 0. */
struct step {
    struct validator_set next;
    struct block_header header;
    struct certificate finalization;
    uint8_t members[VALIDATORS * EPOCHS_MEMBER_BYTES];
    struct client_epoch epoch;
};

/* A finalization of the block by the first three of a set, under their keys. */
static void finalize(const struct fixture *fixture, const struct validator_set *set,
                     struct signing_key *const keys[VALIDATORS], const struct block_header *header,
                     struct certificate *ret_certificate)
{
    uint8_t preimage[VOTE_PREIMAGE_BYTES];
    struct vote vote = {.kind = VOTE_FINALIZE,
                        .epoch = set->epoch,
                        .view = 5,
                        .candidate = {4, block_hash(header)}};
    memset(ret_certificate, 0, sizeof *ret_certificate);
    ret_certificate->kind = VOTE_FINALIZE;
    ret_certificate->epoch = set->epoch;
    ret_certificate->view = 5;
    ret_certificate->candidate = vote.candidate;
    ret_certificate->signers[0] = 7;
    ret_certificate->signature_count = 3;
    vote_preimage(&vote, &fixture->chain_id, &set->hash, preimage);
    for (uint32_t i = 0; i < 3; i++) {
        key_sign(keys[i], preimage, sizeof preimage, &ret_certificate->signatures[i]);
    }
}

static void make_step(struct fixture *fixture, struct step *step)
{
    const uint8_t seed[32] = {50};
    struct signing_key *comes = signing_key_from_seed(seed);
    struct signing_key *const keys[VALIDATORS] = {comes, fixture->keys[1], fixture->keys[2],
                                                  fixture->keys[3]};
    step->next = fixture->validators;
    step->next.epoch = 2;
    step->next.members[0].key = *signing_key_public(comes);
    validators_seal(&step->next);
    step->header = (struct block_header){.version = BLOCK_VERSION,
                                         .flags = BLOCK_TERMINAL,
                                         .epoch = 1,
                                         .height = 6,
                                         .chain_id = fixture->chain_id,
                                         .next_validators_hash = step->next.hash};
    finalize(fixture, &fixture->validators, fixture->keys, &step->header, &step->finalization);
    epochs_to_bytes(&step->next, step->members);
    step->epoch = (struct client_epoch){.block_header = (const uint8_t *)&step->header,
                                        .finalization = &step->finalization,
                                        .members = step->members,
                                        .member_count = VALIDATORS};
    fixture->receipt.epochs = &step->epoch;
    fixture->receipt.epoch_count = 1;
    fixture->block.epoch = 2;
    finalize(fixture, &step->next, keys, &fixture->block, &fixture->finalization);
    signing_key_free(comes);
}

/* Goal: a receipt of a later epoch holds on genesis alone; no bit of its steps can change, none can
   be left out or added, and the old validators cannot stand in for the new ones. */
static void later_epochs_are_led_to(void **state)
{
    struct fixture *f = *state;
    struct step step;
    make_step(f, &step);
    assert_null(check(f));
    flip_all(f, "members", step.members, sizeof step.members);
    flip_all(f, "terminal header", &step.header, sizeof step.header);
    flip_all(f, "its candidate", &step.finalization.candidate, sizeof step.finalization.candidate);
    flip_all(f, "its signatures", step.finalization.signatures, 3 * sizeof(struct signature));
    flip_all(f, "its signers", step.finalization.signers, sizeof step.finalization.signers);
    f->receipt.epoch_count = 0;
    assert_non_null(check(f));
    const struct client_epoch twice[] = {step.epoch, step.epoch};
    f->receipt.epochs = twice;
    f->receipt.epoch_count = 2;
    assert_non_null(check(f));
    f->receipt.epochs = &step.epoch;
    f->receipt.epoch_count = 1;
    step.epoch.member_count = VALIDATORS - 1;
    assert_non_null(check(f));
    step.epoch.member_count = VALIDATORS;
    /* Not terminal, though a quorum signed it. */
    step.header.flags = 0;
    finalize(f, &f->validators, f->keys, &step.header, &step.finalization);
    assert_non_null(check(f));
    make_step(f, &step);
    assert_null(check(f));
    f->block.epoch = 2;
    struct validator_set old = f->validators;
    old.epoch = 2;
    validators_seal(&old);
    finalize(f, &old, f->keys, &f->block, &f->finalization);
    assert_non_null(check(f));
}

/* ---- Keys that actions gave, and validators' ---- */

/* A block that wrote one row of ACTIONS, and its finalization. */
struct gift {
    struct block_header header;
    struct certificate finalization;
    struct merkle_path path;
    uint8_t rows[ACTION_STORED_BYTES_MAX];
    struct signing_key *key;
};

/* An action that the block at height 6 wrote in this state. */
static void make_gift(struct fixture *f, struct gift *gift, uint16_t kind, uint16_t state,
                      const uint8_t *body, size_t length)
{
    const struct action_row row = {.id = {{44}},
                                   .kind = kind,
                                   .state = state,
                                   .participant = 1,
                                   .key_no = 1,
                                   .answer_count = 2,
                                   .answers = {{1, 1, 1}, {4, 1, 1}},
                                   .body_length = (uint32_t)length};
    struct hash digest = {{21}}, leaves[STATE_SLOTS];
    struct client_key_proof *proof = &f->receipt.key;
    memcpy(gift->rows, row.id.bytes, HASH_BYTES);
    const size_t used = HASH_BYTES + action_row_encode(&row, body, gift->rows + HASH_BYTES);
    f->receipt.has_key = true;
    *proof = (struct client_key_proof){.block_header = (const uint8_t *)&gift->header,
                                       .finalization = &gift->finalization,
                                       .previous = digest,
                                       .path = gift->path.hashes,
                                       .rows = {gift->rows, used}};
    digest_run(&digest, gift->rows, used);
    for (uint8_t i = 0; i < STATE_SLOTS; i++) {
        const struct hash other = {{i, 9}};
        leaves[i] = merkle_leaf(i == TABLE_ACTIONS ? digest.bytes : other.bytes, HASH_BYTES);
    }
    merkle_path_of(leaves, STATE_SLOTS, TABLE_ACTIONS, &gift->path);
    proof->path_count = gift->path.count;
    gift->header = (struct block_header){.version = BLOCK_VERSION,
                                         .epoch = 1,
                                         .height = 6,
                                         .chain_id = f->chain_id,
                                         .state_root = merkle_root(leaves, STATE_SLOTS)};
    finalize(f, &f->validators, f->keys, &gift->header, &gift->finalization);
}

/* The batch is this one's, by this key, and in the block. */
static void sign_batch(struct fixture *f, uint32_t participant, uint32_t key_no,
                       const struct signing_key *key)
{
    uint8_t bytes[BATCH_SIGNED_BYTES];
    f->batch.participant = participant;
    f->batch.key_no = key_no;
    batch_signed_bytes(&f->batch, bytes);
    key_sign(key, bytes, sizeof bytes, &f->receipt.batch_signature);
    make_block(f);
    make_finalization(f, 7);
}

static size_t keys_body(uint8_t *ret_body, uint32_t participant, uint32_t key_no,
                        const struct public_key *key)
{
    struct writer writer = writer_over(ret_body, ACTION_BYTES_MAX);
    writer_u16(&writer, ACTION_VERSION);
    writer_u16(&writer, ACTION_KEYS);
    writer_u32(&writer, 0);
    writer_u32(&writer, participant);
    writer_u32(&writer, 1);
    writer_u32(&writer, 1); /* add */
    writer_u32(&writer, key_no);
    writer_u32(&writer, PERMISSION_SUBMIT);
    writer_u32(&writer, 0);
    writer_copy(&writer, key->bytes, sizeof key->bytes);
    assert_false(writer.failed);
    return writer.used;
}

static struct signing_key *new_key(uint8_t first)
{
    const uint8_t seed[32] = {first};
    return signing_key_from_seed(seed);
}

/* Goal: a key that an approved action gave is proven by the receipt itself, with genesis alone. No
   bit of the proof can change, and without it the receipt does not hold. */
static void given_keys_are_proven(void **state)
{
    struct fixture *f = *state;
    struct gift gift;
    uint8_t body[ACTION_BYTES_MAX];
    struct signing_key *key = new_key(70);
    make_gift(f, &gift, ACTION_KEYS, ACTION_DONE, body,
              keys_body(body, 3, 2, signing_key_public(key)));
    sign_batch(f, 3, 2, key);
    assert_null(check(f));
    flip_all(f, "rows", gift.rows, f->receipt.key.rows.length);
    flip_all(f, "previous", &f->receipt.key.previous, sizeof f->receipt.key.previous);
    flip_all(f, "path", gift.path.hashes, gift.path.count * sizeof(struct hash));
    flip_all(f, "giving header", &gift.header, sizeof gift.header);
    flip_all(f, "its signatures", gift.finalization.signatures, 3 * sizeof(struct signature));
    flip_all(f, "its signers", gift.finalization.signers, sizeof gift.finalization.signers);
    f->receipt.key.path_count--;
    assert_non_null(check(f));
    f->receipt.key.path_count++;
    f->receipt.has_key = false;
    assert_non_null(strstr(check(f), "neither genesis nor the receipt"));
    f->receipt.has_key = true;
    /* Another number, another participant, a forged signature. */
    sign_batch(f, 3, 3, key);
    assert_non_null(check(f));
    sign_batch(f, 4, 2, key);
    assert_non_null(check(f));
    sign_batch(f, 3, 2, f->submitter);
    assert_string_equal(check(f), "the batch is not signed by its participant");
    signing_key_free(key);
}

/* Goal: what was proposed, approved or refused gives nobody a key, and nothing does before its
   block. */
static void only_done_actions_give_keys(void **state)
{
    struct fixture *f = *state;
    struct gift gift;
    uint8_t body[ACTION_BYTES_MAX];
    struct signing_key *key = new_key(70);
    const size_t length = keys_body(body, 3, 2, signing_key_public(key));
    sign_batch(f, 3, 2, key);
    for (uint16_t state_now = ACTION_PROPOSED; state_now <= ACTION_OVERTAKEN; state_now++) {
        make_gift(f, &gift, ACTION_KEYS, state_now, body, length);
        assert_int_equal(check(f) == NULL, state_now == ACTION_DONE);
    }
    make_gift(f, &gift, ACTION_KEYS, ACTION_DONE, body, length);
    gift.header.height = 7;
    finalize(f, &f->validators, f->keys, &gift.header, &gift.finalization);
    assert_non_null(check(f));
    make_gift(f, &gift, ACTION_KEYS, ACTION_DONE, body, length);
    gift.header.epoch = 2;
    finalize(f, &f->validators, f->keys, &gift.header, &gift.finalization);
    assert_non_null(strstr(check(f), "does not lead to the validators of the block that gave"));
    signing_key_free(key);
}

/* Goal: a receipt of a participant that an action registered tells its name. */
static void new_participants_have_names(void **state)
{
    struct fixture *f = *state;
    struct gift gift;
    struct receipt_facts facts;
    uint8_t body[ACTION_BYTES_MAX];
    struct signing_key *key = new_key(71);
    struct genesis_participant row = {.number = 611,
                                      .roles = ROLE_BANK,
                                      .name = "New Bank",
                                      .status = STANDING_ACTIVE,
                                      .key_count = 1,
                                      .keys = {{1, PERMISSION_SUBMIT, *signing_key_public(key)}}};
    struct writer writer = writer_over(body, sizeof body);
    writer_u16(&writer, ACTION_VERSION);
    writer_u16(&writer, ACTION_PARTICIPANT);
    writer_u32(&writer, 0);
    genesis_encode_participant(&row, &writer);
    assert_false(writer.failed);
    make_gift(f, &gift, ACTION_PARTICIPANT, ACTION_DONE, body, writer.used);
    sign_batch(f, 611, 1, key);
    assert_null(check_by(f, NULL, &facts));
    assert_string_equal(facts.name, "New Bank");
    signing_key_free(key);
}

/* Goal: what a validator signs with its own key is checked by the set of the block's epoch; what a
   new one signs before it is a member, by the approved change that brings it in. */
static void validators_batches_hold(void **state)
{
    struct fixture *f = *state;
    struct gift gift;
    uint8_t body[ACTION_BYTES_MAX];
    const struct public_key *member = signing_key_public(f->keys[1]);
    struct signing_key *comes = new_key(72);
    const struct public_key *new_member = signing_key_public(comes);
    f->batch.kind = BATCH_EVIDENCE;
    sign_batch(f, 2, validator_key_no(member), f->keys[1]);
    assert_null(check(f));
    sign_batch(f, 1, validator_key_no(member), f->keys[1]);
    assert_non_null(check(f));
    sign_batch(f, 2, validator_key_no(member), f->keys[0]);
    assert_string_equal(check(f), "the batch is not signed by its participant");

    f->batch.kind = BATCH_ACTION;
    sign_batch(f, 3, validator_key_no(new_member), comes);
    assert_non_null(check(f));
    struct action change = action_changing(1);
    const struct transport_key channel = {{8}};
    action_add(&change, 3, new_member, &channel, "new");
    const size_t length = action_body(&change, body);
    make_gift(f, &gift, ACTION_VALIDATORS, ACTION_PROPOSED, body, length);
    assert_non_null(check(f));
    make_gift(f, &gift, ACTION_VALIDATORS, ACTION_APPROVED, body, length);
    assert_null(check(f));
    sign_batch(f, 4, validator_key_no(new_member), comes);
    assert_non_null(check(f));
    signing_key_free(comes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(honest_receipts_hold, set_up, tear_down),
        cmocka_unit_test_setup_teardown(later_keys_are_taken, set_up, tear_down),
        cmocka_unit_test_setup_teardown(changed_receipts_fail, set_up, tear_down),
        cmocka_unit_test_setup_teardown(short_receipts_fail, set_up, tear_down),
        cmocka_unit_test_setup_teardown(later_epochs_are_led_to, set_up, tear_down),
        cmocka_unit_test_setup_teardown(given_keys_are_proven, set_up, tear_down),
        cmocka_unit_test_setup_teardown(only_done_actions_give_keys, set_up, tear_down),
        cmocka_unit_test_setup_teardown(new_participants_have_names, set_up, tear_down),
        cmocka_unit_test_setup_teardown(validators_batches_hold, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
