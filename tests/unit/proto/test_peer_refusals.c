/*
 * Peer frames whose structure is in order but whose lengths, counts, claims or places are not: each
 * is refused with the name of the field.
 */
#include "tests/unit/proto/peer_frames.h"

static void test_wrong_lengths(void **state)
{
    struct fixture *f = *state;
    const size_t wrong[] = {0, 1, 31, 33, 63, 65};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        for (uint32_t field = 6; field <= 7; field++) {
            restart(f);
            put_vote(&f->body, ~0u << field, 0);
            put_filled(&f->body, field, 0xaa, wrong[i]);
            put_vote(&f->body, ~0u >> (31 - field), 0);
            enum status status = decode_as(f, FRAME_VOTE);
            size_t right = field == 6 ? HASH_BYTES : 64;
            bool over = wrong[i] / right > 1;
            assert_int_equal(status, over ? STATUS_OVERSIZED : STATUS_MALFORMED);
            assert_string_equal(f->what, field == 6 ? "block_hash" : "signature");
        }
    }
    restart(f);
    put_filled(&f->element, 1, 1, BLOCK_HEADER_BYTES - 1);
    put_filled(&f->element, 2, 1, HASH_BYTES);
    put_vote(&f->frame, 0, 0);
    put_message(&f->body, 1, &f->frame);
    put_message(&f->body, 2, &f->element);
    assert_refused(f, decode_as(f, FRAME_PROPOSAL), "header");
    restart(f);
    put_filled(&f->body, 1, 1, 3 * HASH_BYTES + 1);
    assert_refused(f, decode_as(f, FRAME_HAVE), "ids");
}

static void test_certificate_claims(void **state)
{
    struct fixture *f = *state;
    struct {
        struct claim claim;
        const char *what;
    } cases[12];
    size_t count = 0;
#define CASE(name, field, value)                                                                   \
    cases[count].claim = good_claim;                                                               \
    cases[count].claim.field = (value);                                                            \
    cases[count++].what = (name)
    CASE("view", view, 0);
    CASE("block_hash", hash_bytes, 31);
    CASE("signers", signers, 0);    /* nobody */
    CASE("signers", signers, 0x1c); /* validator 4 of 0 to 3 */
    CASE("signers", signers_bytes, 15);
    CASE("signers", signers_bytes, 0);
    CASE("signatures", signers, 0xf); /* four signers, three signatures */
    CASE("signatures", signers, 0x3); /* two signers, three signatures */
    CASE("signatures", signature_bytes, 0);
    CASE("signatures", signature_bytes, 3 * 64 - 1);
    CASE("kind", kind, 4);
    CASE("block_hash", kind, VOTE_NULLIFY); /* names a candidate */
#undef CASE
    for (size_t i = 0; i < count; i++) {
        assert_refused(f, decode_claim(f, &cases[i].claim), cases[i].what);
    }
    struct claim nullification = good_claim;
    nullification.kind = VOTE_NULLIFY;
    nullification.hash = 0;
    assert_refused(f, decode_claim(f, &nullification), "block_hash"); /* a parent view */
    nullification.parent_view = 0;
    assert_int_equal(decode_claim(f, &nullification), STATUS_OK);
}

/* A certificate of a kind that does not belong where it stands; nullifications out of order. */
static enum status decode_placed(struct fixture *f, uint32_t field, unsigned kind, uint64_t view,
                                 uint64_t next_view)
{
    restart(f);
    put_vote(&f->element, 0, 0);
    put_message(&f->body, 1, &f->element);
    bool nullify = kind == VOTE_NULLIFY;
    struct claim claim = good_claim;
    claim.kind = kind;
    claim.hash = nullify ? 0 : 0xaa;
    claim.parent_view = nullify ? 0 : 4;
    claim.view = view;
    f->element.used = 0;
    put_certificate(&f->element, &claim);
    put_message(&f->body, field, &f->element);
    if (next_view != 0) {
        claim.view = next_view;
        f->element.used = 0;
        put_certificate(&f->element, &claim);
        put_message(&f->body, field, &f->element);
    }
    return decode_as(f, FRAME_PROPOSAL);
}

static void test_certificates_out_of_place(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(decode_placed(f, 3, VOTE_NOTARIZE, 5, 0), STATUS_OK);
    assert_int_equal(decode_placed(f, 3, VOTE_FINALIZE, 5, 0), STATUS_OK);
    assert_refused(f, decode_placed(f, 3, VOTE_NULLIFY, 5, 0), "parent");
    assert_int_equal(decode_placed(f, 4, VOTE_FINALIZE, 5, 0), STATUS_OK);
    assert_refused(f, decode_placed(f, 4, VOTE_NOTARIZE, 5, 0), "final");
    assert_int_equal(decode_placed(f, 5, VOTE_NULLIFY, 5, 6), STATUS_OK);
    assert_refused(f, decode_placed(f, 5, VOTE_NULLIFY, 5, 5), "nullifications");
    assert_refused(f, decode_placed(f, 5, VOTE_NULLIFY, 5, 4), "nullifications");
    assert_refused(f, decode_placed(f, 5, VOTE_FINALIZE, 5, 6), "nullifications");
    /* The leader's vote is a NOTARIZE. */
    restart(f);
    put_number(&f->element, 1, VOTE_FINALIZE);
    put_vote(&f->element, 1u << 1, 0);
    put_message(&f->body, 1, &f->element);
    assert_refused(f, decode_as(f, FRAME_PROPOSAL), "vote");
}

static void test_counts(void **state)
{
    struct fixture *f = *state;
    struct claim claim = good_claim;
    claim.signers = 1;
    claim.signature_bytes = 64;
    for (unsigned count = PEER_CERTIFICATES_MAX; count <= PEER_CERTIFICATES_MAX + 1; count++) {
        restart(f);
        put_certificate(&f->element, &claim);
        for (unsigned i = 0; i < count; i++) {
            put_message(&f->body, 1, &f->element);
        }
        put_number(&f->body, 2, 0);
        put_fixed64(&f->body, 3, 0);
        /* 64 of them are fine, but not within this arena. */
        bool over = count > PEER_CERTIFICATES_MAX;
        assert_int_equal(decode_as(f, FRAME_CERTIFICATES),
                         over ? STATUS_OVERSIZED : STATUS_NO_MEMORY);
    }
    const struct {
        uint32_t kind;
        size_t count;
    } lists[] = {{FRAME_HAVE, PEER_HAVE_MAX}, {FRAME_REQUEST, PEER_REQUEST_MAX}};
    for (size_t i = 0; i < 2; i++) {
        restart(f);
        put_filled(&f->body, 1, 1, (lists[i].count + 1) * HASH_BYTES);
        assert_int_equal(decode_as(f, lists[i].kind), STATUS_OVERSIZED);
        assert_string_equal(f->what, "ids");
        restart(f);
        put_filled(&f->body, 1, 1, 0);
        assert_refused(f, decode_as(f, lists[i].kind), "ids");
    }
    restart(f);
    put_fixed64(&f->body, 1, 3);
    put_fixed32(&f->body, 2, 0);
    assert_refused(f, decode_as(f, FRAME_BLOCK_REQUEST), "count");
    restart(f);
    put_fixed64(&f->body, 1, 3);
    put_fixed32(&f->body, 2, UINT32_MAX);
    assert_int_equal(decode_as(f, FRAME_BLOCK_REQUEST), STATUS_OVERSIZED);
    restart(f);
    for (uint32_t field = 1; field <= 4; field++) {
        put_fixed64(&f->body, field, 10 - field);
    }
    assert_refused(f, decode_as(f, FRAME_CERTIFICATE_REQUEST), "to_view");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_wrong_lengths),
        TEST(test_certificate_claims),
        TEST(test_certificates_out_of_place),
        TEST(test_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
