/*
 * The vote preimage, the form of votes, quorums and leaders (docs/formats.md, Vote preimage;
 * docs/consensus.md, Numbers).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "consensus/message.h"
#include "consensus/validators.h"

static struct hash filled(uint8_t value)
{
    struct hash hash;
    memset(hash.bytes, value, sizeof hash.bytes);
    return hash;
}

static struct vote some_vote(enum vote_kind kind)
{
    struct vote vote = {.kind = kind, .signer = 1, .epoch = 3, .view = 9};
    if (kind != VOTE_NULLIFY) {
        vote.candidate = (struct candidate){.parent_view = 8, .block_hash = filled(0xab)};
    }
    return vote;
}

static void test_the_preimage_has_its_layout(void **state)
{
    /* Every offset of the 128 bytes. */
    (void)state;
    const struct vote vote = some_vote(VOTE_NOTARIZE);
    const struct hash chain = filled(0x11), set = filled(0x22);
    const struct hash digest = candidate_digest(vote.kind, &vote.candidate);
    uint8_t bytes[VOTE_PREIMAGE_BYTES];
    vote_preimage(&vote, &chain, &set, bytes);
    assert_memory_equal(bytes, "HEFUVOTE", 8);
    assert_int_equal(get_le16(bytes + 8), 1);
    assert_int_equal(get_le16(bytes + 10), VOTE_NOTARIZE);
    assert_int_equal(get_le32(bytes + 12), 0);
    assert_int_equal(get_le64(bytes + 16), 3);
    assert_int_equal(get_le64(bytes + 24), 9);
    assert_memory_equal(bytes + 32, chain.bytes, 32);
    assert_memory_equal(bytes + 64, set.bytes, 32);
    assert_memory_equal(bytes + 96, digest.bytes, 32);
    uint8_t candidate[40];
    put_le64(candidate, 8);
    memcpy(candidate + 8, vote.candidate.block_hash.bytes, 32);
    const struct hash expected = hash_of(&PURPOSE_CANDIDATE, candidate, sizeof candidate);
    assert_true(hash_equal(&digest, &expected));
}

static void test_a_nullify_binds_no_candidate(void **state)
{
    (void)state;
    const struct candidate candidate = {.parent_view = 8, .block_hash = filled(0xab)};
    const struct hash digest = candidate_digest(VOTE_NULLIFY, &candidate);
    assert_true(hash_is_zero(&digest));
}

static void test_every_field_changes_the_preimage(void **state)
{
    /* Chain, set, epoch, view, kind and both halves of the candidate are bound. */
    (void)state;
    const struct hash chain = filled(1), set = filled(2), differs = filled(3);
    const struct vote vote = some_vote(VOTE_FINALIZE);
    struct vote changed[5] = {vote, vote, vote, vote, vote};
    changed[0].kind = VOTE_NOTARIZE;
    changed[1].epoch++;
    changed[2].view++;
    changed[3].candidate.parent_view--;
    changed[4].candidate.block_hash = differs;
    uint8_t bytes[VOTE_PREIMAGE_BYTES], other[VOTE_PREIMAGE_BYTES];
    vote_preimage(&vote, &chain, &set, bytes);
    for (uint32_t i = 0; i < 5; i++) {
        vote_preimage(&changed[i], &chain, &set, other);
        assert_memory_not_equal(bytes, other, sizeof bytes);
        assert_false(vote_same_preimage(&vote, &changed[i]));
    }
    vote_preimage(&vote, &differs, &set, other);
    assert_memory_not_equal(bytes, other, sizeof bytes);
    vote_preimage(&vote, &chain, &differs, other);
    assert_memory_not_equal(bytes, other, sizeof bytes);
}

static void test_malformed_votes(void **state)
{
    (void)state;
    struct vote vote = some_vote(VOTE_NOTARIZE);
    assert_int_equal(vote_check_form(&vote, 4), STATUS_OK);
    assert_int_equal(vote_check_form(&vote, 1), STATUS_MALFORMED);
    vote.view = 0;
    assert_int_equal(vote_check_form(&vote, 4), STATUS_MALFORMED);
    vote = some_vote(VOTE_NOTARIZE);
    vote.candidate.parent_view = vote.view;
    assert_int_equal(vote_check_form(&vote, 4), STATUS_MALFORMED);
    vote = some_vote(VOTE_FINALIZE);
    memset(&vote.candidate.block_hash, 0, sizeof vote.candidate.block_hash);
    assert_int_equal(vote_check_form(&vote, 4), STATUS_MALFORMED);
    vote = some_vote(VOTE_NULLIFY);
    assert_int_equal(vote_check_form(&vote, 4), STATUS_OK);
    vote.candidate.parent_view = 1;
    assert_int_equal(vote_check_form(&vote, 4), STATUS_MALFORMED);
    vote = some_vote(VOTE_NULLIFY);
    vote.candidate.block_hash = filled(1);
    assert_int_equal(vote_check_form(&vote, 4), STATUS_MALFORMED);
    for (int kind = -1; kind < 6; kind++) {
        vote = some_vote(VOTE_NOTARIZE);
        vote.kind = (enum vote_kind)kind;
        const bool known = kind == VOTE_NOTARIZE || kind == VOTE_FINALIZE;
        assert_int_equal(vote_check_form(&vote, 4) == STATUS_OK, known);
    }
}

static void test_quorums_intersect_in_an_honest_validator(void **state)
{
    /* 2q - n >= f + 1, and q honest ones exist; for every size. */
    (void)state;
    for (uint32_t n = 1; n <= LIMIT_VALIDATORS; n++) {
        const uint32_t f = faulty_max_of(n), q = quorum_of(n);
        assert_true(2 * q >= n + f + 1);
        assert_true(q <= n - f);
    }
    assert_int_equal(quorum_of(4), 3);
    assert_int_equal(quorum_of(5), 4);
    assert_int_equal(quorum_of(6), 4);
    assert_int_equal(quorum_of(7), 5);
    assert_int_equal(quorum_of(10), 7);
    assert_int_equal(quorum_of(100), 67);
}

static struct validator_set some_set(uint32_t count)
{
    struct validator_set set = {.epoch = 1, .count = count};
    for (uint32_t i = 0; i < count; i++) {
        memset(set.members[i].key.bytes, (int)(i + 1), sizeof set.members[i].key.bytes);
        set.members[i].participant = i;
    }
    return set;
}

static void test_every_validator_leads_once_a_round(void **state)
{
    (void)state;
    struct validator_set set = some_set(100);
    validators_seal(&set);
    bool seen[100] = {false};
    for (uint64_t view = 301; view <= 400; view++) {
        const uint32_t leader = validators_leader(&set, view);
        assert_false(seen[leader]);
        seen[leader] = true;
        assert_int_equal(leader, validators_leader(&set, view + 100));
    }
    /* Another epoch shuffles otherwise. */
    struct validator_set later = some_set(100);
    later.epoch = 2;
    validators_seal(&later);
    assert_true(hash_equal(&set.hash, &later.hash));
    assert_memory_not_equal(set.leaders, later.leaders, 100 * sizeof set.leaders[0]);
}

static void test_the_set_hash_binds_every_member(void **state)
{
    (void)state;
    struct validator_set set = some_set(4), changed = some_set(4);
    validators_seal(&set);
    changed.members[3].participant++;
    validators_seal(&changed);
    assert_false(hash_equal(&set.hash, &changed.hash));
    changed = some_set(4);
    changed.members[2].transport_key.bytes[31] = 1;
    validators_seal(&changed);
    assert_false(hash_equal(&set.hash, &changed.hash));
}

static void test_bad_sets_are_refused(void **state)
{
    (void)state;
    struct validator_set set = some_set(4);
    assert_int_equal(validators_check(&set), STATUS_OK);
    set.members[3].key = set.members[0].key;
    assert_int_equal(validators_check(&set), STATUS_EXISTS);
    set = some_set(4);
    memset(&set.members[1].key, 0, sizeof set.members[1].key);
    assert_int_equal(validators_check(&set), STATUS_BAD_KEY);
    set.count = 0;
    assert_int_equal(validators_check(&set), STATUS_OVERSIZED);
    set.count = LIMIT_VALIDATORS + 1;
    assert_int_equal(validators_check(&set), STATUS_OVERSIZED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_preimage_has_its_layout),
        cmocka_unit_test(test_a_nullify_binds_no_candidate),
        cmocka_unit_test(test_every_field_changes_the_preimage),
        cmocka_unit_test(test_malformed_votes),
        cmocka_unit_test(test_quorums_intersect_in_an_honest_validator),
        cmocka_unit_test(test_every_validator_leads_once_a_round),
        cmocka_unit_test(test_the_set_hash_binds_every_member),
        cmocka_unit_test(test_bad_sets_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
