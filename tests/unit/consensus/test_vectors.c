/*
 * test_vectors: the votes, validator sets and leaders of tests/vectors/formats.json, which an
 * independent program computed, come out of consensus/ too (docs/formats.md, Vote preimage,
 * Validator set and leader shuffle).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium/crypto_sign_ed25519.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "consensus/message.h"
#include "consensus/validators.h"
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

static void vote_of(unsigned i, struct vote *ret_vote)
{
    ret_vote->kind = (enum vote_kind)vectors_number(vectors, "vote.%u.kind", i);
    ret_vote->signer = (uint32_t)vectors_number(vectors, "vote.%u.signer", i);
    ret_vote->epoch = vectors_number(vectors, "vote.%u.epoch", i);
    ret_vote->view = vectors_number(vectors, "vote.%u.view", i);
    ret_vote->candidate.parent_view = vectors_number(vectors, "vote.%u.parent_view", i);
    vectors_bytes(vectors, &ret_vote->candidate.block_hash, HASH_BYTES, "vote.%u.block_hash", i);
    vectors_bytes(vectors, &ret_vote->signature, sizeof ret_vote->signature, "vote.%u.signature",
                  i);
}

/* Goal: the preimage of each kind of vote, and a signature that another program made over it. */
static void votes(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        struct vote vote;
        struct hash chain_id;
        struct hash set_hash;
        struct public_key key;
        uint8_t preimage[VOTE_PREIMAGE_BYTES];
        vote_of(i, &vote);
        vectors_bytes(vectors, &chain_id, HASH_BYTES, "vote.%u.chain_id", i);
        vectors_bytes(vectors, &set_hash, HASH_BYTES, "vote.%u.validator_set_hash", i);
        vectors_bytes(vectors, &key, sizeof key, "vote.%u.key", i);
        assert_int_equal(vote.kind, i + 1);
        assert_int_equal(vote_check_form(&vote, 4), STATUS_OK);
        vectors_expect_hash(vectors, candidate_digest(vote.kind, &vote.candidate), "vote.%u.digest",
                            i);
        vote_preimage(&vote, &chain_id, &set_hash, preimage);
        vectors_expect(vectors, preimage, sizeof preimage, "vote.%u.preimage", i);
        assert_int_equal(crypto_sign_ed25519_verify_detached(vote.signature.bytes, preimage,
                                                             sizeof preimage, key.bytes),
                         0);
    }
}

/* Each member as hashed: key, transport key, participant. */
static void fill_members(struct validator_set *set, uint32_t count)
{
    size_t length = 0;
    uint8_t *bytes = vectors_copy(vectors, &length, "validators.%u.members", count);
    assert_int_equal(length, (size_t)count * 68);
    set->count = count;
    for (uint32_t i = 0; i < count; i++) {
        const uint8_t *member = bytes + (size_t)68 * i;
        memcpy(set->members[i].key.bytes, member, 32);
        memcpy(set->members[i].transport_key.bytes, member + 32, 32);
        memcpy(&set->members[i].participant, member + 64, 4);
    }
    free(bytes);
}

static void expect_leaders(struct validator_set *set, uint64_t epoch)
{
    char text[4 * LIMIT_VALIDATORS + 1];
    size_t used = 0;
    set->epoch = epoch;
    validators_seal(set);
    vectors_expect_hash(vectors, set->hash, "validators.%u.hash", set->count);
    for (uint32_t view = 1; view <= set->count; view++) {
        int written = snprintf(text + used, sizeof text - used, view == 1 ? "%u" : ",%u",
                               validators_leader(set, view));
        assert_true(written > 0);
        used += (size_t)written;
        assert_int_equal(validators_leader(set, view),
                         validators_leader(set, view + 3ull * set->count));
    }
    assert_string_equal(text, vectors_text(vectors, "validators.%u.leaders.%llu", set->count,
                                           (unsigned long long)epoch));
}

/* Goal: hash, quorum and the leaders of every view, for sets of several sizes and epochs. */
static void validator_sets(void **state)
{
    (void)state;
    static const uint32_t counts[] = {1, 2, 3, 4, 5, 7, 10, 100};
    static const uint64_t epochs[] = {0, 1, 1ull << 40};
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        struct validator_set set = {.count = 0};
        fill_members(&set, counts[i]);
        for (size_t k = 0; k < sizeof epochs / sizeof epochs[0]; k++) {
            expect_leaders(&set, epochs[k]);
        }
        assert_int_equal(set.quorum, vectors_number(vectors, "validators.%u.quorum", counts[i]));
        assert_int_equal(set.faulty_max,
                         vectors_number(vectors, "validators.%u.faulty_max", counts[i]));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(votes),
        cmocka_unit_test(validator_sets),
    };
    return cmocka_run_group_tests(tests, open_vectors, close_vectors);
}
