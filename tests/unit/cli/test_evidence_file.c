/*
 * An evidence file against genesis (cli/evidence_file.h): two votes or two certificates, in the
 * first epoch and two changes of validators later, hold as they are; no changed bit of the file, no
 * missing step and no quorum too small does.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium/core.h>

#include "base/bytes.h"
#include "cli/evidence_file.h"
#include "node/epochs.h"
#include "node/evidence.h"
#include "node/genesis_file.h"
#include "node/keys.h"
#include "node/rows.h"
#include "tests/support/folder.h"

#define KEYS 6
#define VALIDATORS 4
#define EPOCHS 3
#define BYTES_MAX 65536

static struct folder folder;

/* Epoch e has the keys e-1 to e+2: one leaves, one comes. */
struct fixture {
    struct signing_key *keys[KEYS];
    struct genesis genesis;
    struct hash chain_id;
    struct validator_set sets[EPOCHS]; /* by epoch - 1 */
    uint8_t bytes[BYTES_MAX];
    size_t length;
};

static struct validator member(const struct fixture *f, uint32_t key)
{
    struct validator validator = {.key = *signing_key_public(f->keys[key]), .participant = key + 1};
    validator.transport_key.bytes[0] = (uint8_t)(key + 1);
    return validator;
}

/* Of a document whose first epoch follows root_epoch: 0, or the one that its root left open. */
static struct fixture *make_fixture_after(uint64_t root_epoch)
{
    struct fixture *f = calloc(1, sizeof *f);
    uint8_t seed[32] = {0};
    assert_non_null(f);
    for (uint32_t i = 0; i < KEYS; i++) {
        seed[0] = (uint8_t)(i + 1);
        f->keys[i] = signing_key_from_seed(seed);
    }
    for (uint32_t e = 0; e < EPOCHS; e++) {
        f->sets[e].epoch = root_epoch + e + 1;
        f->sets[e].count = VALIDATORS;
        for (uint32_t i = 0; i < VALIDATORS; i++) {
            f->sets[e].members[i] = member(f, e + i);
        }
        validators_seal(&f->sets[e]);
    }
    f->genesis.root_epoch = root_epoch;
    f->genesis.validator_count = VALIDATORS;
    f->genesis.validators = calloc(VALIDATORS, sizeof *f->genesis.validators);
    assert_non_null(f->genesis.validators);
    for (uint32_t i = 0; i < VALIDATORS; i++) {
        f->genesis.validators[i].key = f->sets[0].members[i].key;
        f->genesis.validators[i].transport_key = f->sets[0].members[i].transport_key;
        f->genesis.validators[i].participant = f->sets[0].members[i].participant;
    }
    f->chain_id.bytes[0] = 7;
    return f;
}

static struct fixture *make_fixture(void)
{
    return make_fixture_after(0);
}

static void free_fixture(struct fixture *f)
{
    for (uint32_t i = 0; i < KEYS; i++) {
        signing_key_free(f->keys[i]);
    }
    free(f->genesis.validators);
    free(f);
}

static struct vote make_vote(const struct fixture *f, uint64_t epoch, uint32_t signer,
                             enum vote_kind kind, uint8_t block)
{
    struct vote vote = {
        .kind = kind, .signer = signer, .epoch = f->sets[epoch - 1].epoch, .view = 9};
    uint8_t preimage[VOTE_PREIMAGE_BYTES];
    if (kind != VOTE_NULLIFY) {
        vote.candidate.parent_view = 8;
        vote.candidate.block_hash.bytes[0] = block;
    }
    vote_preimage(&vote, &f->chain_id, &f->sets[epoch - 1].hash, preimage);
    key_sign(f->keys[epoch - 1 + signer], preimage, sizeof preimage, &vote.signature);
    return vote;
}

/* Of the first count validators of the epoch. */
static struct certificate make_certificate(const struct fixture *f, uint64_t epoch, uint32_t count,
                                           enum vote_kind kind, const struct hash *block)
{
    const uint64_t own = f->sets[epoch - 1].epoch;
    struct certificate made = {.kind = kind, .epoch = own, .view = 9, .signature_count = count};
    if (kind != VOTE_NULLIFY) {
        made.candidate = (struct candidate){.parent_view = 8, .block_hash = *block};
    }
    for (uint32_t i = 0; i < count; i++) {
        struct vote vote = {
            .kind = kind, .signer = i, .epoch = own, .view = 9, .candidate = made.candidate};
        uint8_t preimage[VOTE_PREIMAGE_BYTES];
        vote_preimage(&vote, &f->chain_id, &f->sets[epoch - 1].hash, preimage);
        key_sign(f->keys[epoch - 1 + i], preimage, sizeof preimage, &made.signatures[i]);
        made.signers[i / 8] |= (uint8_t)(1u << i % 8);
    }
    return made;
}

/* The step that ends an epoch; quorum: how many sign it. */
static void write_step(struct fixture *f, struct writer *writer, uint64_t epoch, uint32_t quorum)
{
    struct block_header header = {.version = BLOCK_VERSION,
                                  .flags = BLOCK_TERMINAL,
                                  .epoch = f->sets[epoch - 1].epoch,
                                  .height = 10 * epoch,
                                  .chain_id = f->chain_id,
                                  .next_validators_hash = f->sets[epoch].hash};
    const struct hash hash = block_hash(&header);
    static struct certificate finalization;
    static uint8_t row[ROW_CERTIFICATE_BYTES_MAX];
    uint8_t members[LIMIT_VALIDATORS * EPOCHS_MEMBER_BYTES];
    finalization = make_certificate(f, epoch, quorum, VOTE_FINALIZE, &hash);
    writer_copy(writer, &header, BLOCK_HEADER_BYTES);
    writer_copy(writer, row, row_certificate_encode(&finalization, row));
    epochs_to_bytes(&f->sets[epoch], members);
    writer_u32(writer, VALIDATORS);
    writer_copy(writer, members, VALIDATORS * EPOCHS_MEMBER_BYTES);
}

static struct writer begin(struct fixture *f, uint32_t kind, uint32_t steps, uint32_t quorum)
{
    struct writer writer = writer_over(f->bytes, sizeof f->bytes);
    writer_copy(&writer, "HEFUEVD", 8);
    writer_u32(&writer, 1);
    writer_u32(&writer, kind);
    writer_u32(&writer, steps);
    writer_u32(&writer, 0);
    writer_copy(&writer, f->chain_id.bytes, HASH_BYTES);
    for (uint32_t e = 1; e <= steps; e++) {
        write_step(f, &writer, e, quorum);
    }
    return writer;
}

/* Signer 1 of the epoch finalized two blocks, after so many steps. */
static void make_votes(struct fixture *f, uint64_t epoch, uint32_t steps, uint32_t quorum)
{
    const struct evidence evidence = {.first = make_vote(f, epoch, 1, VOTE_FINALIZE, 1),
                                      .second = make_vote(f, epoch, 1, VOTE_FINALIZE, 2)};
    struct writer writer = begin(f, 1, steps, quorum);
    uint8_t body[EVIDENCE_BODY_BYTES];
    evidence_to_body(&evidence, body);
    writer_copy(&writer, body, sizeof body);
    assert_false(writer.failed);
    f->length = writer.used;
}

static void make_certificates(struct fixture *f, uint64_t epoch, uint32_t count,
                              enum vote_kind other)
{
    static struct certificate first, second;
    static uint8_t row[ROW_CONFLICT_BYTES_MAX];
    struct writer writer = begin(f, 2, (uint32_t)epoch - 1, 3);
    first = make_certificate(f, epoch, count, VOTE_FINALIZE, &(struct hash){{1}});
    second = make_certificate(f, epoch, count, other, &(struct hash){{2}});
    writer_copy(&writer, row, row_conflict_encode(&first, &second, row));
    assert_false(writer.failed);
    f->length = writer.used;
}

static int check(const struct fixture *f, struct proof *proof)
{
    struct validator_set set;
    const char *path = folder_file(&folder, "evidence");
    FILE *file = fopen(path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(f->bytes, 1, f->length, file), f->length);
    assert_int_equal(fclose(file), 0);
    struct lineage lineage;
    lineage_single(&lineage, &f->genesis, &f->chain_id);
    return evidence_file_check(path, &lineage, proof, &set);
}

static void test_votes_of_every_epoch(void **state)
{
    (void)state;
    struct fixture *f = make_fixture();
    struct proof *proof = calloc(1, sizeof *proof);
    for (uint64_t epoch = 1; epoch <= EPOCHS; epoch++) {
        make_votes(f, epoch, (uint32_t)epoch - 1, 3);
        assert_int_equal(check(f, proof), EXIT_CLEAN);
        assert_false(proof->of_certificates);
        assert_int_equal(proof_epoch(proof), epoch);
        assert_int_equal(proof_view(proof), 9);
        assert_int_equal(proof->votes.first.signer, 1);
    }
    free(proof);
    free_fixture(f);
}

/* Goal: of a later incarnation, steps begin at its own document's epoch; under another chain id
   they prove nothing. */
static void test_later_incarnations(void **state)
{
    (void)state;
    struct fixture *f = make_fixture_after(6);
    struct proof *proof = calloc(1, sizeof *proof);
    for (uint64_t epoch = 1; epoch <= EPOCHS; epoch++) {
        make_votes(f, epoch, (uint32_t)epoch - 1, 3);
        assert_int_equal(check(f, proof), EXIT_CLEAN);
        assert_int_equal(proof_epoch(proof), 6 + epoch);
        f->chain_id.bytes[0] ^= 1;
        assert_int_equal(check(f, proof), EXIT_INTEGRITY);
        f->chain_id.bytes[0] ^= 1;
        f->genesis.root_epoch = 0;
        assert_int_equal(check(f, proof), EXIT_INTEGRITY);
        f->genesis.root_epoch = 6;
    }
    free(proof);
    free_fixture(f);
}

static void test_steps_that_prove_nothing(void **state)
{
    /* Fewer or more steps than the epoch has, or a step that a quorum did not sign. */
    (void)state;
    struct fixture *f = make_fixture();
    struct proof *proof = calloc(1, sizeof *proof);
    make_votes(f, 3, 1, 3);
    assert_int_equal(check(f, proof), EXIT_INTEGRITY);
    make_votes(f, 1, 1, 3);
    assert_int_equal(check(f, proof), EXIT_INTEGRITY);
    make_votes(f, 3, 2, 2);
    assert_int_equal(check(f, proof), EXIT_INTEGRITY);
    make_votes(f, 3, 2, 4);
    assert_int_equal(check(f, proof), EXIT_CLEAN);
    free(proof);
    free_fixture(f);
}

static void test_certificates(void **state)
{
    (void)state;
    struct fixture *f = make_fixture();
    struct proof *proof = calloc(1, sizeof *proof);
    static const enum vote_kind others[] = {VOTE_NOTARIZE, VOTE_NULLIFY, VOTE_FINALIZE};
    for (uint64_t epoch = 1; epoch <= EPOCHS; epoch++) {
        for (uint32_t i = 0; i < 3; i++) {
            make_certificates(f, epoch, 3, others[i]);
            assert_int_equal(check(f, proof), EXIT_CLEAN);
            assert_true(proof->of_certificates);
            assert_int_equal(proof_epoch(proof), epoch);
            make_certificates(f, epoch, 2, others[i]);
            assert_int_equal(check(f, proof), EXIT_INTEGRITY);
        }
    }
    /* One certificate twice contradicts nothing. */
    static uint8_t row[ROW_CONFLICT_BYTES_MAX];
    static struct certificate one;
    one = make_certificate(f, 1, 3, VOTE_FINALIZE, &(struct hash){{1}});
    struct writer writer = begin(f, 2, 0, 3);
    writer_copy(&writer, row, row_conflict_encode(&one, &one, row));
    f->length = writer.used;
    assert_int_equal(check(f, proof), EXIT_INTEGRITY);
    free(proof);
    free_fixture(f);
}

static void test_no_changed_byte_holds(void **state)
{
    (void)state;
    struct fixture *f = make_fixture();
    struct proof *proof = calloc(1, sizeof *proof);
    make_votes(f, 2, 1, 3);
    for (size_t at = 0; at < f->length; at++) {
        f->bytes[at] ^= (uint8_t)(1u << at % 8);
        assert_int_equal(check(f, proof), EXIT_INTEGRITY);
        f->bytes[at] ^= (uint8_t)(1u << at % 8);
    }
    const size_t whole = f->length;
    for (f->length = 0; f->length < whole; f->length += 31) {
        assert_int_equal(check(f, proof), EXIT_INTEGRITY);
    }
    f->length = whole + 1;
    assert_int_equal(check(f, proof), EXIT_INTEGRITY);
    f->length = whole;
    assert_int_equal(check(f, proof), EXIT_CLEAN);
    free(proof);
    free_fixture(f);
}

static int setup(void **state)
{
    (void)state;
    folder_make(&folder);
    return sodium_init() < 0 ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    folder_remove(&folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_votes_of_every_epoch),     cmocka_unit_test(test_later_incarnations),
        cmocka_unit_test(test_steps_that_prove_nothing), cmocka_unit_test(test_certificates),
        cmocka_unit_test(test_no_changed_byte_holds),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
