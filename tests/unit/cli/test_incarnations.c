/*
 * test_incarnations: what a later incarnation's document proves, and what it does not
 * (cli/documents.h, cli/receipt_check.h, cli/sets.h): receipts before and after a root, one whose
 * key an earlier incarnation gave, and root blocks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium/core.h>

#include "cli/documents.h"
#include "cli/receipt_check.h"
#include "cli/sets.h"
#include "ledger/action_rows.h"
#include "ledger/digest.h"
#include "ledger/rows.h"
#include "node/epochs.h"
#include "node/genesis_file.h"
#include "node/keys.h"

#define VALIDATORS 4
#define ROOT_HEIGHT 40u
#define ROOT_EPOCH 6u
#define PARTICIPANT 3u

/* Incarnation 0 has the keys 0 to 3, incarnation 1 the keys 4 to 7; key 8 is the participant's. */
struct fixture {
    struct genesis documents[2];
    struct lineage lineage;
    struct signing_key *keys[9];
    struct validator_set sets[2]; /* of the first epoch of each */
};

/* A receipt of a block with one batch of one record, and what it points to. */
struct made {
    struct client_receipt receipt;
    struct batch_header batch;
    struct block_header block, gift;
    struct certificate finalization, gift_finalization;
    uint16_t verdict;
    struct merkle_path path;
    uint8_t rows[ACTION_STORED_BYTES_MAX];
};

static void make_document(struct fixture *f, uint32_t k)
{
    struct genesis *genesis = &f->documents[k];
    genesis->incarnation = k;
    genesis->created_ms = 1000 * (k + 1);
    genesis->root_height = k * ROOT_HEIGHT;
    genesis->root_epoch = k * ROOT_EPOCH;
    genesis->root_hash.bytes[0] = (uint8_t)k;
    genesis->validator_count = VALIDATORS;
    genesis->validators = calloc(VALIDATORS, sizeof *genesis->validators);
    assert_non_null(genesis->validators);
    for (uint32_t i = 0; i < VALIDATORS; i++) {
        genesis->validators[i].participant = i + 1;
        genesis->validators[i].key = *signing_key_public(f->keys[VALIDATORS * k + i]);
        genesis->validators[i].transport_key.bytes[0] = (uint8_t)(i + 1);
    }
    f->lineage.incarnations[k] =
        (struct incarnation){.genesis = genesis, .chain_id = {{(uint8_t)(70 + k)}}};
    f->lineage.count = k + 1;
    assert_int_equal(documents_set(&f->lineage.incarnations[k], &f->sets[k]), STATUS_OK);
    assert_int_equal(f->sets[k].epoch, k * ROOT_EPOCH + 1);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    uint8_t seed[32] = {0};
    assert_true(sodium_init() >= 0);
    assert_non_null(f);
    for (uint8_t i = 0; i < sizeof f->keys / sizeof f->keys[0]; i++) {
        seed[0] = (uint8_t)(i + 1);
        f->keys[i] = signing_key_from_seed(seed);
    }
    make_document(f, 0);
    make_document(f, 1);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    for (unsigned i = 0; i < sizeof f->keys / sizeof f->keys[0]; i++) {
        signing_key_free(f->keys[i]);
    }
    free(f->documents[0].validators);
    free(f->documents[1].validators);
    free(f);
    return 0;
}

/* By the first three of an incarnation's validators, under the block's own chain id. */
static struct certificate finalized(const struct fixture *f, uint32_t k,
                                    const struct block_header *header)
{
    uint8_t preimage[VOTE_PREIMAGE_BYTES];
    struct certificate made = {.kind = VOTE_FINALIZE,
                               .epoch = header->epoch,
                               .view = 5,
                               .candidate = {4, block_hash(header)},
                               .signers = {7},
                               .signature_count = 3};
    const struct vote vote = {
        .kind = VOTE_FINALIZE, .epoch = header->epoch, .view = 5, .candidate = made.candidate};
    vote_preimage(&vote, &header->chain_id, &f->sets[k].hash, preimage);
    for (uint32_t i = 0; i < 3; i++) {
        key_sign(f->keys[VALIDATORS * k + i], preimage, sizeof preimage, &made.signatures[i]);
    }
    return made;
}

/* The block that gave the participant its key 2, in incarnation k. */
static void make_gift(const struct fixture *f, uint32_t k, struct made *made)
{
    uint8_t body[ACTION_BYTES_MAX];
    struct writer writer = writer_over(body, sizeof body);
    struct hash digest = {{21}}, leaves[STATE_SLOTS];
    writer_u16(&writer, ACTION_VERSION);
    writer_u16(&writer, ACTION_KEYS);
    writer_u32(&writer, 0);
    writer_u32(&writer, PARTICIPANT);
    writer_u32(&writer, 1);
    writer_u32(&writer, 1); /* add */
    writer_u32(&writer, 2);
    writer_u32(&writer, PERMISSION_SUBMIT);
    writer_u32(&writer, 0);
    writer_copy(&writer, signing_key_public(f->keys[8])->bytes, sizeof(struct public_key));
    const struct action_row row = {.id = {{44}},
                                   .kind = ACTION_KEYS,
                                   .state = ACTION_DONE,
                                   .participant = 1,
                                   .key_no = 1,
                                   .answer_count = 1,
                                   .answers = {{1, 1, 1}},
                                   .body_length = (uint32_t)writer.used};
    memcpy(made->rows, row.id.bytes, HASH_BYTES);
    const size_t used = HASH_BYTES + action_row_encode(&row, body, made->rows + HASH_BYTES);
    made->receipt.has_key = true;
    made->receipt.key = (struct client_key_proof){.block_header = (const uint8_t *)&made->gift,
                                                  .finalization = &made->gift_finalization,
                                                  .previous = digest,
                                                  .path = made->path.hashes,
                                                  .rows = {made->rows, used}};
    digest_run(&digest, made->rows, used);
    for (uint8_t i = 0; i < STATE_SLOTS; i++) {
        const struct hash other = {{i, 9}};
        leaves[i] = merkle_leaf(i == TABLE_ACTIONS ? digest.bytes : other.bytes, HASH_BYTES);
    }
    merkle_path_of(leaves, STATE_SLOTS, TABLE_ACTIONS, &made->path);
    made->receipt.key.path_count = made->path.count;
    made->gift = (struct block_header){.version = BLOCK_VERSION,
                                       .epoch = f->sets[k].epoch,
                                       .height = k * ROOT_HEIGHT + 5,
                                       .chain_id = f->lineage.incarnations[k].chain_id,
                                       .state_root = merkle_root(leaves, STATE_SLOTS)};
    made->gift_finalization = finalized(f, k, &made->gift);
}

/* A receipt of incarnation k, signed with the key that an action of incarnation by gave. */
static void make(const struct fixture *f, uint32_t k, uint32_t by, struct made *made)
{
    uint8_t bytes[BATCH_SIGNED_BYTES];
    memset(made, 0, sizeof *made);
    make_gift(f, by, made);
    made->batch = (struct batch_header){.version = BATCH_VERSION,
                                        .kind = BATCH_RECORDS,
                                        .participant = PARTICIPANT,
                                        .key_no = 2,
                                        .count = 1,
                                        .chain_id = f->lineage.incarnations[k].chain_id};
    batch_signed_bytes(&made->batch, bytes);
    key_sign(f->keys[8], bytes, sizeof bytes, &made->receipt.batch_signature);
    const struct hash id = batch_id(&made->batch);
    const struct hash verdicts = verdict_vector_root(&made->verdict, 1);
    made->block = (struct block_header){.version = BLOCK_VERSION,
                                        .epoch = f->sets[k].epoch,
                                        .height = k * ROOT_HEIGHT + 7,
                                        .batch_count = 1,
                                        .chain_id = f->lineage.incarnations[k].chain_id,
                                        .batches_root = merkle_leaf(id.bytes, HASH_BYTES),
                                        .verdicts_root = merkle_leaf(verdicts.bytes, HASH_BYTES)};
    made->finalization = finalized(f, k, &made->block);
    made->receipt.batch_header = (const uint8_t *)&made->batch;
    made->receipt.block_header = (const uint8_t *)&made->block;
    made->receipt.finalization = &made->finalization;
    made->receipt.verdicts = &made->verdict;
    made->receipt.verdict_count = 1;
}

static const char *check(const struct lineage *lineage, const struct made *made,
                         const struct public_key *later)
{
    struct receipt_facts facts;
    return receipt_check(&made->receipt, lineage, later, &facts);
}

static struct lineage alone(const struct fixture *f, uint32_t k)
{
    struct lineage lineage;
    lineage_single(&lineage, &f->documents[k], &f->lineage.incarnations[k].chain_id);
    return lineage;
}

/* Goal: a receipt holds by its own incarnation's document, with the others or without, and by no
   other alone. */
static void receipts_hold_by_their_own_document(void **state)
{
    const struct fixture *f = *state;
    static struct made made;
    for (uint32_t k = 0; k < 2; k++) {
        const struct lineage own = alone(f, k), other = alone(f, 1 - k);
        make(f, k, k, &made);
        assert_null(check(&f->lineage, &made, NULL));
        assert_null(check(&own, &made, NULL));
        assert_non_null(strstr(check(&other, &made, NULL), "needs that one's genesis document"));
        /* The other incarnation's validators cannot stand in for its own. */
        made.finalization = finalized(f, 1 - k, &made.block);
        assert_non_null(check(&f->lineage, &made, NULL));
        made.finalization = finalized(f, k, &made.block);
        assert_null(check(&f->lineage, &made, NULL));
        /* Nor can a batch of the other chain be named. */
        made.batch.chain_id = f->lineage.incarnations[1 - k].chain_id;
        assert_string_equal(check(&f->lineage, &made, NULL), "the batch belongs to another chain");
    }
}

/* Goal: a key that an action gave before the root goes on after it, and is proved by both
   documents; by the newest alone only to whoever knows the key. */
static void keys_go_on(void **state)
{
    const struct fixture *f = *state;
    static struct made made;
    const struct lineage newest = alone(f, 1);
    make(f, 1, 0, &made);
    assert_null(check(&f->lineage, &made, NULL));
    assert_non_null(strstr(check(&newest, &made, NULL), "the block that gave the key belongs"));
    assert_null(check(&newest, &made, signing_key_public(f->keys[8])));
    assert_string_equal(check(&newest, &made, signing_key_public(f->keys[0])),
                        "the batch is not signed by its participant");
    for (size_t bit = 0; bit < 8 * made.receipt.key.rows.length; bit++) {
        made.rows[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_non_null(check(&f->lineage, &made, NULL));
        made.rows[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    made.gift_finalization = finalized(f, 1, &made.gift);
    assert_non_null(check(&f->lineage, &made, NULL));
    /* What is given after the root gives nothing before it. */
    make(f, 0, 1, &made);
    assert_non_null(check(&f->lineage, &made, NULL));
}

/* Goal: what is beyond a root was final once, and is no part of the chain that goes on: whoever
   knows the root is told so, and the own document alone still shows that it was. */
static void lost_blocks_are_told(void **state)
{
    struct fixture *f = *state;
    static struct made made;
    const struct lineage own = alone(f, 0);
    make(f, 0, 0, &made);
    made.block.height = ROOT_HEIGHT + 1;
    made.finalization = finalized(f, 0, &made.block);
    assert_non_null(strstr(check(&f->lineage, &made, NULL), "beyond the root"));
    assert_null(check(&own, &made, NULL));
    /* At the root's height there is one block. */
    made.block.height = ROOT_HEIGHT;
    made.finalization = finalized(f, 0, &made.block);
    assert_non_null(strstr(check(&f->lineage, &made, NULL), "beyond the root"));
    f->documents[1].root_hash = block_hash(&made.block);
    assert_null(check(&f->lineage, &made, NULL));
    /* An epoch that the root does not leave open is none of the chain that goes on. */
    f->documents[1].root_epoch = 0;
    assert_non_null(strstr(check(&f->lineage, &made, NULL), "beyond the root"));
    f->documents[1].root_epoch = ROOT_EPOCH;

    make(f, 1, 0, &made);
    made.gift.height = ROOT_HEIGHT + 1;
    made.gift_finalization = finalized(f, 0, &made.gift);
    assert_non_null(strstr(check(&f->lineage, &made, NULL), "beyond the root"));
}

static struct block_row root_block(const struct fixture *f)
{
    return (struct block_row){
        .header = {.version = BLOCK_VERSION,
                   .flags = BLOCK_TERMINAL,
                   .epoch = ROOT_EPOCH,
                   .height = ROOT_HEIGHT + 1,
                   .timestamp_ms = f->documents[1].created_ms,
                   .chain_id = f->lineage.incarnations[1].chain_id,
                   .parent_hash = f->documents[1].root_hash,
                   .next_validators_hash = f->sets[1].hash},
    };
}

/* Goal: a root block is the one that its document gives, in every field that the document says. */
static void root_blocks_are_their_documents(void **state)
{
    const struct fixture *f = *state;
    const struct incarnation *own = &f->lineage.incarnations[1];
    struct block_row block = root_block(f);
    assert_null(sets_check_root_block(own, &block));
    block.header.flags = 0;
    assert_non_null(sets_check_root_block(own, &block));
    block = root_block(f);
    block.header.epoch++;
    assert_non_null(sets_check_root_block(own, &block));
    block = root_block(f);
    block.header.timestamp_ms++;
    assert_non_null(sets_check_root_block(own, &block));
    block = root_block(f);
    block.header.chain_id = f->lineage.incarnations[0].chain_id;
    assert_non_null(sets_check_root_block(own, &block));
    block = root_block(f);
    block.header.parent_hash.bytes[9] ^= 1;
    assert_non_null(sets_check_root_block(own, &block));
    block = root_block(f);
    block.header.next_validators_hash = f->sets[0].hash;
    assert_non_null(sets_check_root_block(own, &block));
    block = root_block(f);
    block.batch_count = 1;
    assert_non_null(sets_check_root_block(own, &block));
    block = root_block(f);
    block.has_finalization = true;
    assert_non_null(sets_check_root_block(own, &block));
}

/* Goal: a block leaves its own epoch open, or the next if it ends one, as genesis does. */
static void epochs_follow(void **state)
{
    (void)state;
    assert_int_equal(sets_epoch_after(&(struct block_header){.height = 0, .epoch = 0}), 1);
    assert_int_equal(sets_epoch_after(&(struct block_header){.height = 9, .epoch = 4}), 4);
    assert_int_equal(
        sets_epoch_after(&(struct block_header){.height = 9, .epoch = 4, .flags = BLOCK_TERMINAL}),
        5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(receipts_hold_by_their_own_document, set_up, tear_down),
        cmocka_unit_test_setup_teardown(keys_go_on, set_up, tear_down),
        cmocka_unit_test_setup_teardown(lost_blocks_are_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(root_blocks_are_their_documents, set_up, tear_down),
        cmocka_unit_test(epochs_follow),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
