/*
 * test_verify_evidence: a chain that a quorum signed, in whose block 1 a validator accuses another.
 * The ledger executes evidence by its form, so everything else about the chain holds whoever signed
 * the votes: verify alone tells that they are forged, with exit status 3, at both its levels that
 * check signatures.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium/core.h>

#include "base/validator.h"
#include "cli/plan.h"
#include "cli/verbs.h"
#include "ledger/ledger.h"
#include "node/chain.h"
#include "node/evidence.h"
#include "node/genesis_file.h"
#include "node/keys.h"
#include "node/store.h"
#include "tests/support/action_batch.h"
#include "tests/support/folder.h"

#define VALIDATORS 4
#define ACCUSED 2
#define TIME_MS 1763856000000ull

struct fixture {
    struct folder folder;
    struct genesis genesis;
    struct hash chain_id;
    struct validator_set set;
    struct signing_key *keys[VALIDATORS];
    void *ledger_memory, *set_memory;
    struct ledger *ledger;
    struct working_set *working_set;
    struct store *store;
    struct chain chain;
};

static struct signing_key *key_of(uint8_t first, uint8_t second)
{
    const uint8_t seed[32] = {first, second};
    return signing_key_from_seed(seed);
}

static void make_genesis(struct fixture *f)
{
    char error[512] = "", path[600];
    struct genesis *genesis = &f->genesis;
    assert_int_equal(plan_read(NULL, genesis, error, sizeof error), STATUS_OK);
    genesis->created_ms = TIME_MS;
    for (uint32_t i = 0; i < genesis->participant_count; i++) {
        struct genesis_participant *own = &genesis->participants[i];
        struct signing_key *key = key_of((uint8_t)(i + 1), 1);
        own->transport_key.bytes[0] = (uint8_t)(i + 1);
        own->transport_key.bytes[1] = 1;
        own->key_count = 1;
        own->keys[0] = (struct participant_key){.key_no = 1,
                                                .permissions = PERMISSION_SUBMIT | PERMISSION_ACT,
                                                .key = *signing_key_public(key)};
        signing_key_free(key);
    }
    genesis->validators = calloc(VALIDATORS, sizeof *genesis->validators);
    assert_non_null(genesis->validators);
    genesis->validator_count = VALIDATORS;
    for (uint32_t i = 0; i < VALIDATORS; i++) {
        struct genesis_validator *own = &genesis->validators[i];
        f->keys[i] = key_of((uint8_t)(i + 1), 2);
        own->participant = genesis->participants[i].number;
        own->key = *signing_key_public(f->keys[i]);
        own->transport_key.bytes[0] = (uint8_t)(i + 1);
        own->transport_key.bytes[1] = 2;
        snprintf(own->name, sizeof own->name, "node-%u", i);
    }
    snprintf(path, sizeof path, "%s/genesis.json", f->folder.path);
    if (genesis_file_write(path, genesis, error, sizeof error) != STATUS_OK) {
        fail_msg("%s", error);
    }
    f->chain_id = genesis_file_chain_id(genesis);
    assert_int_equal(genesis_validator_set(genesis, 1, &f->set), STATUS_OK);
}

static void *memory_of(size_t size)
{
    void *memory = aligned_alloc(64, (size + 63) / 64 * 64);
    assert_non_null(memory);
    memset(memory, 0, size);
    return memory;
}

static void put_writes(struct fixture *f, const struct ledger_outcome *outcome)
{
    for (uint32_t i = 0; i < outcome->write_count; i++) {
        const struct ledger_write *write = &outcome->writes[i];
        assert_false(write->remove);
        store_put(f->store, (enum store_table)write->table, write->key, write->key_length,
                  write->value, write->value_length);
    }
}

static void put_final(struct fixture *f, const struct ledger_outcome *outcome,
                      const struct hash *batch, const struct certificate *finalization)
{
    uint8_t row[ROW_BLOCK_BYTES_MAX], key[8];
    const struct final_point final = {.height = outcome->header.height,
                                      .epoch = 1,
                                      .view = finalization == NULL ? 0 : finalization->view,
                                      .hash = outcome->block_hash};
    put_be64(key, final.height);
    store_put(f->store, STORE_BLOCKS, key, sizeof key, row,
              row_block_encode(&outcome->header, batch, finalization, row));
    row_final_encode(&final, row);
    store_put(f->store, STORE_META, "final", 5, row, ROW_FINAL_BYTES);
    put_writes(f, outcome);
}

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof *f);
    const struct store_options options = {.map_bytes = 1u << 26};
    char error[512];
    assert_true(sodium_init() >= 0);
    assert_non_null(f);
    folder_make(&f->folder);
    make_genesis(f);
    f->ledger_memory = memory_of(ledger_footprint(&f->genesis));
    f->set_memory = memory_of(working_set_footprint());
    f->ledger = ledger_init(f->ledger_memory, &f->genesis, &f->chain_id);
    f->working_set = working_set_init(f->set_memory);
    assert_int_equal(store_open(f->folder.path, &options, &f->store, error, sizeof error),
                     STATUS_OK);
    chain_over_store(&f->chain, f->store);
    store_put(f->store, STORE_META, "chain_id", 8, f->chain_id.bytes, HASH_BYTES);
    put_final(f, ledger_genesis_outcome(f->ledger), NULL, NULL);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;
    for (unsigned i = 0; i < VALIDATORS; i++) {
        signing_key_free(f->keys[i]);
    }
    free(f->ledger_memory);
    free(f->set_memory);
    genesis_free(&f->genesis);
    folder_remove(&f->folder);
    free(f);
    return 0;
}

static void sign_vote(const struct fixture *f, struct vote *vote, uint32_t by)
{
    uint8_t preimage[VOTE_PREIMAGE_BYTES];
    vote_preimage(vote, &f->chain_id, &f->set.hash, preimage);
    key_sign(f->keys[by], preimage, sizeof preimage, &vote->signature);
}

/* Two finalizations of one view in the accused's name, the second signed by whom. */
static void accuse(const struct fixture *f, uint32_t second_by, uint8_t ret_body[])
{
    struct vote votes[2];
    for (uint8_t i = 0; i < 2; i++) {
        votes[i] = (struct vote){.kind = VOTE_FINALIZE,
                                 .signer = ACCUSED,
                                 .epoch = 1,
                                 .view = 5,
                                 .candidate = {4, {{(uint8_t)(i + 1)}}}};
        sign_vote(f, &votes[i], i == 0 ? ACCUSED : second_by);
    }
    const struct evidence evidence = {.first = votes[0], .second = votes[1]};
    evidence_to_body(&evidence, ret_body);
}

static void finalize(const struct fixture *f, const struct hash *block,
                     struct certificate *ret_certificate)
{
    struct vote vote = {.kind = VOTE_FINALIZE, .epoch = 1, .view = 1, .candidate = {0, *block}};
    memset(ret_certificate, 0, sizeof *ret_certificate);
    ret_certificate->kind = VOTE_FINALIZE;
    ret_certificate->epoch = 1;
    ret_certificate->view = 1;
    ret_certificate->candidate = vote.candidate;
    ret_certificate->signers[0] = 7;
    for (uint32_t i = 0; i < 3; i++) {
        sign_vote(f, &vote, i);
        ret_certificate->signatures[ret_certificate->signature_count++] = vote.signature;
    }
}

/* Block 1 with this accusation, executed, signed and stored; the store is closed. */
static void make_chain(struct fixture *f, const uint8_t *body)
{
    const struct public_key *key = signing_key_public(f->keys[0]);
    const struct action_batch_terms terms = {.kind = BATCH_EVIDENCE,
                                             .participant = f->set.members[0].participant,
                                             .key_no = validator_key_no(key),
                                             .chain_id = f->chain_id,
                                             .created_ms = TIME_MS + 1,
                                             .expires_ms = TIME_MS + 60000};
    const struct batch_header header = action_batch_header(&terms, body, EVIDENCE_BODY_BYTES);
    const struct ledger_batch batch = {.header = &header,
                                       .id = batch_id(&header),
                                       .body = body,
                                       .body_length = EVIDENCE_BODY_BYTES,
                                       .verified_under = *key};
    const struct ledger_outcome *outcome = ledger_genesis_outcome(f->ledger);
    const struct ledger_block block = {.epoch = 1,
                                       .height = 1,
                                       .timestamp_ms = TIME_MS + 10,
                                       .batch_count = 1,
                                       .parent_hash = outcome->block_hash,
                                       .batches = &batch};
    struct ledger_fault fault = {.what = "none"};
    struct ledger_reader reader = chain_ledger_reader(&f->chain);
    ledger_prefetch(f->ledger, &block, &reader, f->working_set);
    if (ledger_execute(f->ledger, &block, f->working_set, &outcome, &fault) != LEDGER_OK) {
        fail_msg("%s", fault.what);
    }
    assert_int_equal(outcome->verdicts[0], 0); /* POSTED: the ledger looks at no signature */

    uint8_t stored[BATCH_PREFIX_BYTES + EVIDENCE_BODY_BYTES], place[12], verdicts_key[12];
    uint8_t signed_bytes[BATCH_SIGNED_BYTES];
    struct signature signature;
    static struct certificate finalization;
    batch_signed_bytes(&header, signed_bytes);
    key_sign(f->keys[0], signed_bytes, sizeof signed_bytes, &signature);
    memcpy(stored, &header, sizeof header);
    memcpy(stored + sizeof header, &signature, sizeof signature);
    memcpy(stored + BATCH_PREFIX_BYTES, body, EVIDENCE_BODY_BYTES);
    store_put(f->store, STORE_BATCHES, batch.id.bytes, HASH_BYTES, stored, sizeof stored);
    put_le64(place, 1);
    put_le32(place + 8, 0);
    store_put(f->store, STORE_BATCH_PLACE, batch.id.bytes, HASH_BYTES, place, sizeof place);
    put_be64(verdicts_key, 1);
    put_be32(verdicts_key + 8, 0);
    store_put(f->store, STORE_VERDICTS, verdicts_key, sizeof verdicts_key, outcome->verdicts, 2);
    finalize(f, &outcome->block_hash, &finalization);
    put_final(f, outcome, &batch.id, &finalization);
    store_commit(f->store);
    chain_end(&f->chain);
    store_close(f->store);
}

static int verify_at(struct fixture *f, const char *level)
{
    const struct args args = {.verb = &verb_verify,
                              .given_count = 2,
                              .given_names = {"home", "level"},
                              .given_values = {f->folder.path, level}};
    return verb_verify.run(&args);
}

/* Goal: honest evidence verifies at every level. */
static void genuine_evidence_is_clean(void **state)
{
    uint8_t body[EVIDENCE_BODY_BYTES];
    accuse(*state, ACCUSED, body);
    make_chain(*state, body);
    assert_int_equal(verify_at(*state, "headers"), EXIT_CLEAN);
    assert_int_equal(verify_at(*state, "signatures"), EXIT_CLEAN);
    assert_int_equal(verify_at(*state, "replay"), EXIT_CLEAN);
}

/* Goal: a vote that another key signed is told, though all else about the chain holds. */
static void forged_evidence_is_told(void **state)
{
    uint8_t body[EVIDENCE_BODY_BYTES];
    accuse(*state, 0, body);
    make_chain(*state, body);
    assert_int_equal(verify_at(*state, "headers"), EXIT_CLEAN);
    assert_int_equal(verify_at(*state, "signatures"), EXIT_INTEGRITY);
    assert_int_equal(verify_at(*state, "replay"), EXIT_INTEGRITY);
}

static int list(struct fixture *f)
{
    const struct args args = {.verb = &verb_evidence_list,
                              .given_count = 1,
                              .given_names = {"home"},
                              .given_values = {f->folder.path}};
    return verb_evidence_list.run(&args);
}

/* Changes a bit of the batch that block 1 names. */
static void flip(struct fixture *f, size_t bit)
{
    const struct store_options options = {.map_bytes = 1u << 26};
    char error[512];
    uint8_t id[HASH_BYTES], bytes[BATCH_PREFIX_BYTES + EVIDENCE_BODY_BYTES];
    struct span key, value;
    assert_int_equal(store_open(f->folder.path, &options, &f->store, error, sizeof error),
                     STATUS_OK);
    assert_true(store_seek(f->store, STORE_BATCHES, NULL, 0, &key, &value));
    assert_int_equal(key.length, sizeof id);
    assert_int_equal(value.length, sizeof bytes);
    memcpy(id, key.data, sizeof id);
    memcpy(bytes, value.data, sizeof bytes);
    bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    store_put(f->store, STORE_BATCHES, id, sizeof id, bytes, sizeof bytes);
    store_commit(f->store);
    store_close(f->store);
}

/* Goal: recorded votes are those that the block names. A batch has no checksum, so any bit of its
   header or body, wherever that may be, must be found by its id and its root. */
static void altered_evidence_is_not_listed(void **state)
{
    struct fixture *f = *state;
    uint8_t body[EVIDENCE_BODY_BYTES];
    accuse(f, ACCUSED, body);
    make_chain(f, body);
    assert_int_equal(list(f), EXIT_CLEAN);
    for (size_t bit = 0; bit < 8 * (BATCH_PREFIX_BYTES + sizeof body); bit += 23) {
        if (bit / 8 >= BATCH_HEADER_BYTES && bit / 8 < BATCH_PREFIX_BYTES) {
            continue; /* its signature, which this verb does not show */
        }
        flip(f, bit);
        if (list(f) != EXIT_INTEGRITY) {
            fail_msg("bit %zu changed, and the evidence is listed", bit);
        }
        flip(f, bit);
    }
    assert_int_equal(list(f), EXIT_CLEAN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(genuine_evidence_is_clean, set_up, tear_down),
        cmocka_unit_test_setup_teardown(forged_evidence_is_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(altered_evidence_is_not_listed, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
