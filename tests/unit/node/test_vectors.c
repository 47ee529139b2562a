/*
 * test_vectors: the stored rows of consensus in tests/vectors/formats.json, which an independent
 * program computed, come out of node/rows and go back in (docs/formats.md, Stored tables).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "node/rows.h"
#include "tests/support/vectors.h"

static struct vectors *vectors;

static int open_vectors(void **state)
{
    (void)state;
    vectors = vectors_open();
    return vectors == NULL ? -1 : 0;
}

static int close_vectors(void **state)
{
    (void)state;
    vectors_close(vectors);
    return 0;
}

/* Goal: a vote's row, from its fields and back. */
static void vote_rows(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct vote vote = {
            .kind = (enum vote_kind)vectors_number(vectors, "vote.%u.kind", i),
            .signer = (uint32_t)vectors_number(vectors, "vote.%u.signer", i),
            .epoch = vectors_number(vectors, "vote.%u.epoch", i),
            .view = vectors_number(vectors, "vote.%u.view", i),
            .candidate.parent_view = vectors_number(vectors, "vote.%u.parent_view", i),
        };
        vectors_bytes(vectors, &vote.candidate.block_hash, 32, "vote.%u.block_hash", i);
        vectors_bytes(vectors, &vote.signature, 64, "vote.%u.signature", i);
        uint8_t row[ROW_VOTE_BYTES];
        row_vote_encode(&vote, row);
        vectors_expect(vectors, row, sizeof row, "vote.%u.row", i);
        struct vote decoded;
        struct span span = {row, sizeof row};
        assert_int_equal(row_vote_decode(span, &decoded), STATUS_OK);
        assert_true(vote_same_preimage(&decoded, &vote));
        assert_int_equal(decoded.signer, vote.signer);
        assert_memory_equal(&decoded.signature, &vote.signature, sizeof vote.signature);
    }
}

/* Goal: a certificate's row is read into its fields, and written back to the same bytes. */
static void certificate_rows(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        size_t length = 0;
        uint8_t *row = vectors_copy(vectors, &length, "vote.%u.certificate", i);
        assert_int_equal(length, ROW_CERTIFICATE_PREFIX + 3 * 64);
        struct certificate certificate = {.signature_count = 0};
        struct span span = {row, length};
        assert_int_equal(row_certificate_decode(span, &certificate), STATUS_OK);
        assert_int_equal(certificate.kind, i + 1);
        assert_int_equal(certificate.signature_count, 3);
        assert_int_equal(certificate.signers[0], 1 << 0 | 1 << 1 | 1 << 3);
        assert_true(certificate.view == vectors_number(vectors, "vote.%u.view", i));
        /* Signer 1 is the vote's own; signatures stand in order of signer. */
        vectors_expect(vectors, &certificate.signatures[1], 64, "vote.%u.signature", i);
        uint8_t again[ROW_CERTIFICATE_BYTES_MAX];
        assert_int_equal(row_certificate_encode(&certificate, again), length);
        assert_memory_equal(again, row, length);
        free(row);
    }
}

/* Goal: the final point's row. */
static void final_row(void **state)
{
    (void)state;
    struct final_point point = {.height = 9, .epoch = 3, .view = (1ull << 33) + 1};
    vectors_bytes(vectors, &point.hash, 32, "final.hash");
    uint8_t row[ROW_FINAL_BYTES];
    row_final_encode(&point, row);
    vectors_expect(vectors, row, sizeof row, "final.row");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vote_rows),
        cmocka_unit_test(certificate_rows),
        cmocka_unit_test(final_row),
    };
    return cmocka_run_group_tests(tests, open_vectors, close_vectors);
}
