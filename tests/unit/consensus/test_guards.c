/*
 * Walls that stand behind other walls (docs/consensus.md, on_vote, on_certificate): whatever a
 * check in front should have kept out is brought before each of them alone. scripts/mutate removes
 * them one at a time; these are the tests that then fail.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "consensus/certificates.h"
#include "consensus/evidence.h"
#include "consensus/views.h"
#include "consensus/votes.h"
#include "tests/support/consensus_rig.h"

static const struct candidate nothing = {0};

static struct candidate candidate_on(uint64_t parent_view, uint8_t name)
{
    struct candidate candidate = {.parent_view = parent_view};
    candidate.block_hash.bytes[7] = name;
    return candidate;
}

static void open_started(struct rig *rig)
{
    rig_open(rig, 4, 0);
    rig_start(rig);
}

static void test_a_malformed_vote_with_a_good_signature(void **state)
{
    /* Messages: the preimage of a NULLIFY binds no candidate, so the signature of one that names a
       candidate is right; it is no vote all the same. */
    (void)state;
    struct rig rig;
    open_started(&rig);
    struct vote vote = rig_vote(&rig, 1, VOTE_NULLIFY, 1, nothing);
    vote.candidate = candidate_on(0, 3);
    rig_give_vote(&rig, &vote);
    assert_int_equal(votes_nullify_count(rig.consensus, 1), 0);
    vote.candidate = nothing;
    rig_give_vote(&rig, &vote);
    assert_int_equal(votes_nullify_count(rig.consensus, 1), 1);
    assert_int_equal(vote_check_form(&vote, 4), STATUS_OK);
    vote.view = 0;
    assert_int_equal(vote_check_form(&vote, 4), STATUS_MALFORMED);
    rig_close(&rig);
}

static void test_a_signature_held_proves_one_vote_alone(void **state)
{
    /* on_vote: a copy of a vote held is not verified again; anything else is. */
    (void)state;
    struct rig rig;
    open_started(&rig);
    struct vote vote = rig_vote(&rig, 1, VOTE_NOTARIZE, 5, candidate_on(1, 3));
    assert_true(votes_admit(rig.consensus, &vote));
    assert_true(votes_verify(rig.consensus, &vote));
    struct vote changed = vote;
    changed.candidate = candidate_on(1, 4);
    assert_false(votes_verify(rig.consensus, &changed));
    changed.candidate = candidate_on(2, 3);
    assert_false(votes_verify(rig.consensus, &changed));
    changed = vote;
    changed.signature.bytes[60] ^= 1;
    assert_false(votes_verify(rig.consensus, &changed));
    rig_close(&rig);
}

static void test_places_of_votes(void **state)
{
    /* on_vote: no place outside the set, none of a view that the ring gave to another, none below
       the tail or beyond the ring. */
    (void)state;
    struct rig rig;
    open_started(&rig);
    struct consensus *c = rig.consensus;
    for (uint64_t view = 1; view <= 8; view++) {
        const struct certificate certificate =
            rig_certificate(&rig, 1, VOTE_NULLIFY, view, nothing);
        rig_give_certificate(&rig, &certificate);
        for (uint32_t signer = 4; signer < 6; signer++) {
            assert_null(votes_find(c, VOTE_NULLIFY, view, signer));
        }
        assert_null(votes_find(c, VOTE_NULLIFY, view, CONSENSUS_OBSERVER));
        assert_null(views_find(c, view + VIEWS_HELD));
        assert_non_null(views_find(c, view));
    }
    c->tail = 6;
    assert_null(views_claim(c, 5));
    assert_non_null(views_claim(c, 6));
    assert_null(views_claim(c, 6 + VIEWS_HELD));
    assert_null(views_find(c, 0));
    rig_close(&rig);
}

static void test_what_convicts(void **state)
{
    /* Evidence: one signer, one epoch, one view; two candidates of a kind, or NULLIFY and FINALIZE.
       What an honest validator may sign convicts nobody. */
    (void)state;
    struct rig rig;
    open_started(&rig);
    const struct vote a = rig_vote(&rig, 1, VOTE_NOTARIZE, 5, candidate_on(1, 3));
    const struct vote b = rig_vote(&rig, 1, VOTE_NOTARIZE, 5, candidate_on(1, 4));
    const struct vote finalize = rig_vote(&rig, 1, VOTE_FINALIZE, 5, candidate_on(1, 3));
    const struct vote nullify = rig_vote(&rig, 1, VOTE_NULLIFY, 5, nothing);
    assert_true(evidence_convicts(&a, &b));
    assert_true(evidence_convicts(&nullify, &finalize));
    assert_true(evidence_convicts(&finalize, &nullify));
    assert_false(evidence_convicts(&a, &a));
    assert_false(evidence_convicts(&nullify, &nullify));
    assert_false(evidence_convicts(&a, &finalize));
    assert_false(evidence_convicts(&finalize, &b));
    assert_false(evidence_convicts(&a, &nullify));
    assert_false(evidence_convicts(&nullify, &a));
    struct vote other = b;
    other.signer = 2;
    assert_false(evidence_convicts(&a, &other));
    other = b;
    other.epoch = 2;
    assert_false(evidence_convicts(&a, &other));
    other = b;
    other.view = 6;
    assert_false(evidence_convicts(&a, &other));
    rig_close(&rig);
}

static void test_the_form_of_certificates(void **state)
{
    /* on_certificate: form of the votes, signers of the set alone, as many signatures, a quorum. */
    (void)state;
    struct rig rig;
    open_started(&rig);
    const struct validator_set *set = &rig.net->set;
    const struct certificate good = rig_certificate(&rig, 1, VOTE_NULLIFY, 5, nothing);
    assert_int_equal(certificate_check_form(&good, set), STATUS_OK);
    struct certificate bad = good;
    bad.candidate = candidate_on(1, 3);
    assert_int_equal(certificate_check_form(&bad, set), STATUS_MALFORMED);
    bad = good;
    bad.view = 0;
    assert_int_equal(certificate_check_form(&bad, set), STATUS_MALFORMED);
    bad = good;
    bad.signers[0] = 3 << 1; /* two of the set and one outside it */
    bad.signers[5] = 1;
    assert_int_equal(certificate_check_form(&bad, set), STATUS_MALFORMED);
    bad = good;
    bad.signature_count = 4;
    assert_int_equal(certificate_check_form(&bad, set), STATUS_MALFORMED);
    bad = good;
    bad.signers[0] = 3 << 1;
    bad.signature_count = 2;
    assert_int_equal(certificate_check_form(&bad, set), STATUS_MALFORMED);
    rig_close(&rig);
}

static void test_an_unknown_own_vote_in_a_certificate(void **state)
{
    /* Boot: a certificate shows a signature of ours beyond the register as well as a vote does. */
    (void)state;
    struct rig rig;
    open_started(&rig);
    const struct certificate certificate = rig_certificate(&rig, 0, VOTE_NULLIFY, 5, nothing);
    rig_give_certificate(&rig, &certificate);
    assert_true(rig_alarmed(&rig, ALARM_REGISTER_BEHIND));
    assert_false(rig_inspect(&rig).may_sign);
    rig_close(&rig);
}

/* Gives two certificates one after the other; whether the second one halts the node, and whether
   both are kept. */
static bool halts(enum vote_kind first_kind, const struct candidate *first,
                  enum vote_kind second_kind, const struct candidate *second)
{
    struct rig rig;
    open_started(&rig);
    const struct certificate a = rig_certificate(&rig, 1, first_kind, 5, *first);
    const struct certificate b = rig_certificate(&rig, 1, second_kind, 5, *second);
    rig_give_certificate(&rig, &a);
    assert_false(rig_inspect(&rig).halted);
    rig_give_certificate(&rig, &b);
    const bool halted = rig_inspect(&rig).halted;
    assert_true(halted == rig_alarmed(&rig, ALARM_SAFETY_CERTIFICATES));
    const struct effect *conflict = rig_find(&rig, EFFECT_CONFLICT);
    assert_true(halted == (conflict != NULL));
    if (halted) {
        assert_non_null(conflict->conflict.first);
        assert_int_equal(conflict->conflict.first->kind, first_kind);
        assert_true(candidate_equal(&conflict->conflict.first->candidate, first));
        assert_int_equal(conflict->conflict.second->kind, second_kind);
        assert_true(candidate_equal(&conflict->conflict.second->candidate, second));
    }
    rig_close(&rig);
    return halted;
}

static void test_certificates_that_cannot_both_be(void **state)
{
    /* on_certificate: each pair that more than f faulty validators alone can make halts the node,
       in either order; every other pair is an ordinary view. */
    (void)state;
    const struct candidate a = candidate_on(1, 3), b = candidate_on(1, 4), c = candidate_on(2, 3);
    assert_true(halts(VOTE_NOTARIZE, &a, VOTE_NOTARIZE, &b));
    assert_true(halts(VOTE_NOTARIZE, &a, VOTE_NOTARIZE, &c));
    assert_true(halts(VOTE_FINALIZE, &a, VOTE_FINALIZE, &b));
    assert_true(halts(VOTE_NOTARIZE, &a, VOTE_FINALIZE, &b));
    assert_true(halts(VOTE_FINALIZE, &a, VOTE_NOTARIZE, &b));
    assert_true(halts(VOTE_FINALIZE, &a, VOTE_NULLIFY, &nothing));
    assert_true(halts(VOTE_NULLIFY, &nothing, VOTE_FINALIZE, &a));
    assert_false(halts(VOTE_NOTARIZE, &a, VOTE_FINALIZE, &a));
    assert_false(halts(VOTE_FINALIZE, &a, VOTE_NOTARIZE, &a));
    assert_false(halts(VOTE_NOTARIZE, &a, VOTE_NULLIFY, &nothing));
    assert_false(halts(VOTE_NULLIFY, &nothing, VOTE_NOTARIZE, &a));
}

static void test_a_halted_machine_does_nothing(void **state)
{
    /* on_certificate: halt is the end: no status, no vote kept, no certificate made of votes. */
    (void)state;
    struct rig rig;
    open_started(&rig);
    const struct candidate a = candidate_on(1, 3), b = candidate_on(1, 4);
    const struct certificate first = rig_certificate(&rig, 1, VOTE_NOTARIZE, 5, a);
    const struct certificate second = rig_certificate(&rig, 1, VOTE_NOTARIZE, 5, b);
    rig_give_certificate(&rig, &first);
    rig_give_certificate(&rig, &second);
    assert_true(rig_inspect(&rig).halted);
    rig_step(&rig, (struct event){.kind = EVENT_PEER_UP, .peer = 1});
    assert_int_equal(rig.net->effects.count, 0);
    for (uint32_t i = 1; i < 4; i++) {
        const struct vote vote = rig_vote(&rig, i, VOTE_NULLIFY, 6, nothing);
        rig_give_vote(&rig, &vote);
        assert_int_equal(rig.net->effects.count, 0);
    }
    assert_int_equal(votes_nullify_count(rig.consensus, 6), 0);
    assert_int_equal(rig_view(&rig), 6);
    assert_true(consensus_next_deadline(rig.consensus) == UINT64_MAX);
    rig_close(&rig);
}

static void test_a_certificate_names_its_voters_alone(void **state)
{
    /* on_vote: q equal votes make the certificate; a vote for another candidate is none of them. */
    (void)state;
    struct rig rig;
    rig_open(&rig, 7, 6);
    rig_start(&rig);
    const struct candidate a = candidate_on(0, 3), b = candidate_on(0, 4);
    for (uint32_t i = 0; i < 6; i++) {
        const struct vote vote = rig_vote(&rig, i, VOTE_NOTARIZE, 1, i == 1 ? b : a);
        assert_int_equal(rig_view(&rig), 1);
        rig_give_vote(&rig, &vote);
    }
    assert_int_equal(rig_view(&rig), 2);
    const struct effect *made = rig_find(&rig, EFFECT_PERSIST_CERTIFICATE);
    assert_non_null(made);
    assert_true(candidate_equal(&made->certificate->candidate, &a));
    assert_int_equal(made->certificate->signers[0], 0x3d);
    assert_int_equal(made->certificate->signature_count, 5);
    rig_close(&rig);
}

static void test_stored_certificates_below_f(void **state)
{
    /* Restart: they are of no use above F, and hold no place. */
    (void)state;
    struct rig rig;
    rig_open(&rig, 4, 0);
    const struct consensus_block block = rig_block(&rig, &rig.root, 20, 0);
    const struct candidate candidate = {.block_hash = block.hash};
    const struct certificate final = rig_certificate(&rig, 1, VOTE_FINALIZE, 20, candidate);
    const struct certificate old = rig_certificate(&rig, 1, VOTE_NOTARIZE, 5, candidate_on(1, 3));
    const struct certificate *const certificates[] = {&old};
    assert_int_equal(rig_restore(&rig, (struct consensus_recovery){.final_block = block,
                                                                   .final_view = 20,
                                                                   .finalization = &final,
                                                                   .certificates = certificates,
                                                                   .certificate_count = 1}),
                     STATUS_OK);
    assert_null(certificates_find(rig.consensus, VOTE_NOTARIZE, 5));
    assert_int_equal(rig_view(&rig), 21);
    rig_close(&rig);
}

static void test_no_view_wraps(void **state)
{
    /* A quorum can sign for any view, even the last that its field holds; there is none after. */
    (void)state;
    struct rig rig;
    open_started(&rig);
    const struct certificate last = rig_certificate(&rig, 1, VOTE_NULLIFY, UINT64_MAX, nothing);
    rig_give_certificate(&rig, &last);
    assert_int_equal(rig_view(&rig), 1);
    struct vote vote = rig_vote(&rig, 1, VOTE_NULLIFY, VIEW_MAX, nothing);
    assert_int_equal(vote_check_form(&vote, 4), STATUS_OK);
    vote.view = VIEW_MAX + 1;
    assert_int_equal(vote_check_form(&vote, 4), STATUS_MALFORMED);
    const struct certificate far = rig_certificate(&rig, 1, VOTE_NULLIFY, VIEW_MAX, nothing);
    rig_give_certificate(&rig, &far);
    assert_int_equal(rig_view(&rig), VIEW_MAX + 1);
    rig_tick(&rig, 60000);
    rig_tick(&rig, 60000);
    assert_int_equal(rig_view(&rig), VIEW_MAX + 1);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_malformed_vote_with_a_good_signature),
        cmocka_unit_test(test_a_signature_held_proves_one_vote_alone),
        cmocka_unit_test(test_places_of_votes),
        cmocka_unit_test(test_what_convicts),
        cmocka_unit_test(test_the_form_of_certificates),
        cmocka_unit_test(test_an_unknown_own_vote_in_a_certificate),
        cmocka_unit_test(test_certificates_that_cannot_both_be),
        cmocka_unit_test(test_a_halted_machine_does_nothing),
        cmocka_unit_test(test_a_certificate_names_its_voters_alone),
        cmocka_unit_test(test_stored_certificates_below_f),
        cmocka_unit_test(test_no_view_wraps),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
