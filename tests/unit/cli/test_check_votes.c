/*
 * test_check_votes: the votes and certificates in a store hold as they are, and no changed bit of
 * one does, although the store's own checksum fits.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium/core.h>

#include "cli/check_votes.h"
#include "node/evidence.h"
#include "node/keys.h"
#include "tests/support/folder.h"

#define VALIDATORS 4
#define VIEW 9

struct fixture {
    struct folder folder;
    struct home home;
    struct signing_key *keys[VALIDATORS];
};

static void sign(const struct fixture *fixture, struct vote *vote)
{
    uint8_t preimage[VOTE_PREIMAGE_BYTES];
    vote_preimage(vote, &fixture->home.chain_id, &fixture->home.validators.hash, preimage);
    key_sign(fixture->keys[vote->signer], preimage, sizeof preimage, &vote->signature);
}

static struct vote vote_of(uint32_t signer)
{
    return (struct vote){.kind = VOTE_NOTARIZE,
                         .signer = signer,
                         .epoch = 1,
                         .view = VIEW,
                         .candidate = {VIEW - 1, {{7}}}};
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    char error[512];
    uint8_t seed[32] = {0};
    assert_true(sodium_init() >= 0);
    assert_non_null(fixture);
    folder_make(&fixture->folder);
    struct store_options options = {.map_bytes = 1u << 24};
    assert_int_equal(
        store_open(fixture->folder.path, &options, &fixture->home.store, error, sizeof error),
        STATUS_OK);
    fixture->home.chain_id = (struct hash){{5}};
    struct validator_set *set = &fixture->home.validators;
    *set = (struct validator_set){.epoch = 1, .count = VALIDATORS, .quorum = 3, .hash = {{6}}};
    for (uint32_t i = 0; i < VALIDATORS; i++) {
        seed[0] = (uint8_t)(i + 1);
        fixture->keys[i] = signing_key_from_seed(seed);
        set->members[i].key = *signing_key_public(fixture->keys[i]);
    }
    fixture->home.set = *set;
    lineage_single(&fixture->home.documents.lineage, &fixture->home.documents.documents[0],
                   &fixture->home.chain_id);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    store_close(fixture->home.store);
    for (unsigned i = 0; i < VALIDATORS; i++) {
        signing_key_free(fixture->keys[i]);
    }
    folder_remove(&fixture->folder);
    free(fixture);
    return 0;
}

/* Writes the row with each of its bits changed in turn; every time the check must tell. */
static void flip_all(struct fixture *fixture, enum store_table table, uint8_t *row, size_t length)
{
    const char *found = NULL;
    uint8_t key[KEY_VIEW_BYTES];
    key_view(1, VIEW, VOTE_NOTARIZE, key);
    for (size_t bit = 0; bit <= length * 8; bit++) {
        bool changed = bit < length * 8;
        row[bit / 8 % length] ^= (uint8_t)(changed ? 1u << bit % 8 : 0);
        store_put(fixture->home.store, table, key, sizeof key, row, length);
        const char *wrong = check_votes(&fixture->home, &found);
        if ((wrong != NULL) != changed ||
            (changed && strcmp(found, store_table_name(table)) != 0)) {
            fail_msg("%s: bit %zu: %s", store_table_name(table), bit, wrong != NULL ? wrong : "ok");
        }
        row[bit / 8 % length] ^= (uint8_t)(changed ? 1u << bit % 8 : 0);
    }
}

/* Goal: a vote is that of its key, signed by its validator. */
static void changed_votes_are_told(void **state)
{
    struct fixture *fixture = *state;
    uint8_t row[ROW_VOTE_BYTES];
    struct vote vote = vote_of(2);
    sign(fixture, &vote);
    row_vote_encode(&vote, row);
    flip_all(fixture, STORE_VOTES, row, sizeof row);
}

/* Goal: a certificate is that of its key, with a quorum of signatures that verify. */
static void changed_certificates_are_told(void **state)
{
    struct fixture *fixture = *state;
    uint8_t row[ROW_CERTIFICATE_BYTES_MAX], key[KEY_VIEW_BYTES];
    const char *table;
    struct certificate certificate = {
        .kind = VOTE_NOTARIZE, .epoch = 1, .view = VIEW, .candidate = vote_of(0).candidate};
    for (uint32_t signer = 1; signer < VALIDATORS; signer++) {
        struct vote vote = vote_of(signer);
        sign(fixture, &vote);
        certificate.signers[0] |= (uint8_t)(1u << signer);
        certificate.signatures[certificate.signature_count++] = vote.signature;
    }
    size_t length = row_certificate_encode(&certificate, row);
    flip_all(fixture, STORE_CERTIFICATES, row, length);

    /* Two signatures of four are no quorum. */
    certificate.signers[0] = 6;
    certificate.signature_count = 2;
    length = row_certificate_encode(&certificate, row);
    key_view(1, VIEW, VOTE_NOTARIZE, key);
    store_put(fixture->home.store, STORE_CERTIFICATES, key, sizeof key, row, length);
    assert_non_null(check_votes(&fixture->home, &table));
}

/* Goal: evidence in the chain convicts whoever signed both votes, and no bit of it can change. */
static void evidence_holds(void **state)
{
    struct fixture *fixture = *state;
    struct vote first = vote_of(2), second = vote_of(2);
    second.candidate.block_hash.bytes[0] = 8;
    sign(fixture, &first);
    sign(fixture, &second);
    const struct evidence evidence = {.first = first, .second = second};
    uint8_t body[EVIDENCE_BODY_BYTES];
    evidence_to_body(&evidence, body);
    const struct batch batch = {
        .header.kind = BATCH_EVIDENCE, .body = body, .body_length = sizeof body};
    assert_null(check_evidence(&fixture->home, &batch));
    for (size_t bit = 0; bit < 8 * sizeof body; bit++) {
        body[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (check_evidence(&fixture->home, &batch) == NULL) {
            fail_msg("bit %zu changed, and the evidence still holds", bit);
        }
        body[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    /* A signature of somebody else's, in a place that the ledger does not look at. */
    body[sizeof body - 1] ^= 1;
    assert_string_equal(
        check_evidence(&fixture->home, &batch),
        "a vote in a batch of evidence is not signed by the validator that it names");
    body[sizeof body - 1] ^= 1;
    const struct batch cut = {
        .header.kind = BATCH_EVIDENCE, .body = body, .body_length = sizeof body - 1};
    assert_non_null(check_evidence(&fixture->home, &cut));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(evidence_holds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(changed_votes_are_told, set_up, tear_down),
        cmocka_unit_test_setup_teardown(changed_certificates_are_told, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
