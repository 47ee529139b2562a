/*
 * One machine of four, driven by hand: votes, certificates, evidence, signing and anti-entropy.
 * Each test opens with the rule of docs/consensus.md that it would notice the loss of.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/support/consensus_rig.h"

static const struct candidate nothing = {0};

/* Own index such that own is not the leader of views 1 and 2; or the leader of view 1. */
static void open_follower(struct rig *rig)
{
    rig_open(rig, 4, 0);
    uint32_t own = 0;
    while (own == rig_leader(rig, 1) || own == rig_leader(rig, 2)) {
        own++;
    }
    rig_close(rig);
    rig_open(rig, 4, own);
}

static void open_leader(struct rig *rig)
{
    rig_open(rig, 4, 0);
    const uint32_t own = rig_leader(rig, 1);
    rig_close(rig);
    rig_open(rig, 4, own);
}

static uint32_t other(const struct rig *rig, uint32_t step)
{
    return (rig->own + step) % 4;
}

static void test_nothing_is_signed_before_others_are_heard(void **state)
{
    /* Boot: sign nothing until Status was heard from q-1 others. */
    (void)state;
    struct rig rig;
    open_leader(&rig);
    assert_int_equal(rig_restore(&rig, (struct consensus_recovery){0}), STATUS_OK);
    rig_work(&rig);
    rig_tick(&rig, 60000);
    assert_int_equal(rig_count(&rig, EFFECT_BUILD_BLOCK), 0);
    assert_int_equal(rig_count(&rig, EFFECT_PERSIST_VOTE), 0);
    rig_hear(&rig, other(&rig, 1));
    rig_hear(&rig, other(&rig, 1));
    assert_int_equal(rig_count(&rig, EFFECT_BUILD_BLOCK), 0);
    rig_hear(&rig, other(&rig, 2));
    assert_int_equal(rig_count(&rig, EFFECT_BUILD_BLOCK), 1);
    rig_close(&rig);
}

static void test_a_lost_register_is_noticed(void **state)
{
    /* Boot: a peer showing a signature of ours beyond the register. A forged one does nothing. */
    (void)state;
    struct rig rig;
    open_follower(&rig);
    rig_start(&rig);
    struct vote shown = rig_vote(&rig, rig.own, VOTE_NULLIFY, 9, nothing);
    struct vote forged = shown;
    forged.signature.bytes[0] ^= 1;
    struct peer_status status = {.epoch = 1, .view = 1, .held_from = 1, .has_your_vote = true};
    status.your_vote = forged;
    struct event event = {.kind = EVENT_STATUS, .peer = other(&rig, 1), .status = &status};
    rig_step(&rig, event);
    assert_true(rig_inspect(&rig).may_sign);
    status.your_vote = shown;
    rig_step(&rig, event);
    assert_true(rig_alarmed(&rig, ALARM_REGISTER_BEHIND));
    assert_false(rig_inspect(&rig).may_sign);
    rig_work(&rig);
    rig_tick(&rig, 60000);
    assert_int_equal(rig_count(&rig, EFFECT_PERSIST_VOTE), 0);
    rig_close(&rig);
}

static void test_votes_are_verified_before_they_take_a_place(void **state)
{
    /* on_vote: a bad signature must not keep the good vote out; an unsigned quorum is none. */
    (void)state;
    struct rig rig;
    open_follower(&rig);
    rig_start(&rig);
    for (uint32_t i = 1; i < 4; i++) {
        struct vote vote = rig_vote(&rig, other(&rig, i), VOTE_NULLIFY, 1, nothing);
        vote.signature.bytes[3] ^= 1;
        rig_give_vote(&rig, &vote);
    }
    assert_int_equal(rig_view(&rig), 1);
    for (uint32_t i = 1; i < 4; i++) {
        const struct vote vote = rig_vote(&rig, other(&rig, i), VOTE_NULLIFY, 1, nothing);
        rig_give_vote(&rig, &vote);
    }
    assert_int_equal(rig_view(&rig), 2);
    rig_close(&rig);
}

static void test_another_epoch_counts_for_nothing(void **state)
{
    /* I11: genuine signatures of the same keys, for another epoch: one by one and as a certificate.
     */
    (void)state;
    struct rig rig;
    open_follower(&rig);
    rig_start(&rig);
    struct certificate certificate =
        rig_certificate(&rig, other(&rig, 1), VOTE_NULLIFY, 1, nothing);
    uint32_t position = 0;
    for (uint32_t i = 0; i < 4; i++) {
        struct vote vote = {.kind = VOTE_NULLIFY, .signer = i, .epoch = 2, .view = 1};
        net_sign(rig.net, &vote);
        if (i != rig.own) {
            certificate.signatures[position++] = vote.signature;
            rig_give_vote(&rig, &vote);
        }
    }
    assert_int_equal(rig_view(&rig), 1);
    certificate.epoch = 2;
    rig_give_certificate(&rig, &certificate);
    assert_int_equal(rig_view(&rig), 1);
    rig_close(&rig);
}

static void test_evidence(void **state)
{
    /* Evidence: two candidates; nullify with finalize. Once a signer and view. */
    (void)state;
    struct rig rig;
    open_follower(&rig);
    rig_start(&rig);
    const struct consensus_block a = rig_block(&rig, &rig.root, 1, 0);
    const struct consensus_block b = rig_block(&rig, &rig.root, 1, 0);
    const struct candidate ca = {.block_hash = a.hash}, cb = {.block_hash = b.hash};
    struct vote vote = rig_vote(&rig, other(&rig, 1), VOTE_NOTARIZE, 1, ca);
    rig_give_vote(&rig, &vote);
    vote = rig_vote(&rig, other(&rig, 1), VOTE_NOTARIZE, 1, cb);
    struct vote forged = vote;
    forged.signature.bytes[0] ^= 1;
    rig_give_vote(&rig, &forged);
    assert_int_equal(rig_count(&rig, EFFECT_EVIDENCE), 0);
    rig_give_vote(&rig, &vote);
    assert_int_equal(rig_count(&rig, EFFECT_EVIDENCE), 1);
    const struct evidence *evidence = rig_find(&rig, EFFECT_EVIDENCE)->evidence;
    assert_true(candidate_equal(&evidence->first.candidate, &ca));
    assert_true(candidate_equal(&evidence->second.candidate, &cb));
    rig_give_vote(&rig, &vote);
    assert_int_equal(rig_count(&rig, EFFECT_EVIDENCE), 0);
    vote = rig_vote(&rig, other(&rig, 2), VOTE_FINALIZE, 1, ca);
    rig_give_vote(&rig, &vote);
    vote = rig_vote(&rig, other(&rig, 2), VOTE_NULLIFY, 1, nothing);
    rig_give_vote(&rig, &vote);
    assert_int_equal(rig_count(&rig, EFFECT_EVIDENCE), 1);
    rig_close(&rig);
}

static void test_bad_certificates_move_nothing(void **state)
{
    /* on_certificate: quorum, every signature, epoch; then a good one opens the next view. */
    (void)state;
    struct rig rig;
    open_follower(&rig);
    rig_start(&rig);
    const struct certificate good = rig_certificate(&rig, other(&rig, 1), VOTE_NULLIFY, 7, nothing);
    struct certificate bad = good;
    bad.signatures[2].bytes[0] ^= 1;
    rig_give_certificate(&rig, &bad);
    bad = good;
    bad.signature_count = 2;
    bad.signers[0] &= (uint8_t)(bad.signers[0] - 1);
    rig_give_certificate(&rig, &bad);
    bad = good;
    bad.epoch = 2;
    rig_give_certificate(&rig, &bad);
    bad = good;
    bad.signers[3] = 1;
    rig_give_certificate(&rig, &bad);
    bad = good;
    bad.view = 8;
    rig_give_certificate(&rig, &bad);
    assert_int_equal(rig_view(&rig), 1);
    rig_give_certificate(&rig, &good);
    assert_int_equal(rig_view(&rig), 8);
    assert_int_equal(rig_count(&rig, EFFECT_PERSIST_CERTIFICATE), 1);
    assert_int_equal(rig_count(&rig, EFFECT_SEND_CERTIFICATE), 2);
    rig_close(&rig);
}

static void test_impossible_certificates_halt(void **state)
{
    /* on_certificate: a finalization and a nullification of one view; nothing is signed after. */
    (void)state;
    struct rig rig;
    open_follower(&rig);
    rig_start(&rig);
    const struct consensus_block block = rig_block(&rig, &rig.root, 3, 0);
    const struct candidate candidate = {.block_hash = block.hash};
    const struct certificate nullification = rig_certificate(&rig, 0, VOTE_NULLIFY, 3, nothing);
    const struct certificate finalization = rig_certificate(&rig, 0, VOTE_FINALIZE, 3, candidate);
    rig_give_certificate(&rig, &nullification);
    assert_int_equal(rig_count(&rig, EFFECT_HALT), 0);
    rig_give_certificate(&rig, &finalization);
    assert_true(rig_alarmed(&rig, ALARM_SAFETY_CERTIFICATES));
    assert_int_equal(rig_count(&rig, EFFECT_PERSIST_CERTIFICATE), 1);
    assert_true(rig_count(&rig, EFFECT_EVIDENCE) >= 2);
    const struct effect *conflict = rig_find(&rig, EFFECT_CONFLICT);
    assert_non_null(conflict);
    assert_int_equal(conflict->conflict.first->kind, VOTE_NULLIFY);
    assert_int_equal(conflict->conflict.second->kind, VOTE_FINALIZE);
    assert_true(rig_inspect(&rig).halted);
    rig_work(&rig);
    rig_tick(&rig, 60000);
    assert_int_equal(rig.net->effects.count, 0);
    rig_close(&rig);
}

static void test_two_notarizations_are_both_kept(void **state)
{
    /* on_certificate: of one kind and view storage has room for one, so both are given out. */
    (void)state;
    struct rig rig;
    open_follower(&rig);
    rig_start(&rig);
    struct certificate certificates[2];
    for (uint32_t i = 0; i < 2; i++) {
        const struct consensus_block block = rig_block(&rig, &rig.root, 3, 0);
        const struct candidate candidate = {.block_hash = block.hash};
        certificates[i] = rig_certificate(&rig, i, VOTE_NOTARIZE, 3, candidate);
        rig_give_certificate(&rig, &certificates[i]);
        assert_int_equal(rig_count(&rig, EFFECT_CONFLICT), i);
    }
    const struct effect *conflict = rig_find(&rig, EFFECT_CONFLICT);
    const struct certificate *kept[] = {conflict->conflict.first, conflict->conflict.second};
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(kept[i]->view, 3);
        assert_true(candidate_equal(&kept[i]->candidate, &certificates[i].candidate));
        assert_int_equal(kept[i]->signature_count, certificates[i].signature_count);
        assert_memory_equal(kept[i]->signers, certificates[i].signers, sizeof kept[i]->signers);
    }
    assert_true(rig_alarmed(&rig, ALARM_SAFETY_CERTIFICATES));
    rig_close(&rig);
}

static void test_a_final_view_contradicted_halts(void **state)
{
    /* on_certificate: a finalization at or below F.view that the chain does not contain. */
    (void)state;
    struct rig rig;
    open_follower(&rig);
    rig_start(&rig);
    const struct consensus_block block = rig_block(&rig, &rig.root, 1, 0);
    rig_finalize(&rig, 1, 0, &block);
    const struct candidate same = {.block_hash = block.hash};
    const struct consensus_block rival = rig_block(&rig, &rig.root, 1, 0);
    const struct candidate differs = {.block_hash = rival.hash};
    struct certificate certificate = rig_certificate(&rig, 0, VOTE_FINALIZE, 1, same);
    rig_give_certificate(&rig, &certificate);
    certificate = rig_certificate(&rig, 0, VOTE_FINALIZE, 1, differs);
    certificate.signatures[0].bytes[0] ^= 1;
    rig_give_certificate(&rig, &certificate);
    assert_false(rig_inspect(&rig).halted);
    certificate.signatures[0].bytes[0] ^= 1;
    rig_give_certificate(&rig, &certificate);
    assert_true(rig_alarmed(&rig, ALARM_SAFETY_CHAIN));
    const struct effect *conflict = rig_find(&rig, EFFECT_CONFLICT);
    assert_non_null(conflict);
    assert_true(candidate_equal(&conflict->conflict.first->candidate, &same));
    assert_true(candidate_equal(&conflict->conflict.second->candidate, &differs));
    rig_close(&rig);
}

static void test_a_second_finalization_of_f_moves_its_view(void **state)
{
    /* try_commit: F was proposed again and became final in a later view as well. */
    (void)state;
    struct rig rig;
    open_follower(&rig);
    rig_start(&rig);
    const struct consensus_block block = rig_block(&rig, &rig.root, 1, 0);
    rig_finalize(&rig, 1, 0, &block);
    assert_int_equal(rig_inspect(&rig).final_view, 1);
    const struct candidate again = {.parent_view = 1, .block_hash = block.hash};
    const struct certificate later = rig_certificate(&rig, 0, VOTE_FINALIZE, 4, again);
    rig_give_certificate(&rig, &later);
    assert_int_equal(rig_inspect(&rig).final_view, 4);
    assert_int_equal(rig_inspect(&rig).final_height, 1);
    assert_int_equal(rig_count(&rig, EFFECT_COMMIT), 0);
    rig_close(&rig);
}

static void test_an_answer_holds_what_is_missing(void **state)
{
    /* Anti-entropy: certificates that the peer lacks, own votes where there is none, nothing it
     * has. */
    (void)state;
    struct rig rig;
    open_follower(&rig);
    rig_start(&rig);
    const struct certificate first =
        rig_certificate(&rig, other(&rig, 1), VOTE_NULLIFY, 1, nothing);
    rig_work(&rig);
    rig_give_certificate(&rig, &first);
    rig_tick(&rig, 1500);
    assert_true(rig_cast(&rig, VOTE_NULLIFY, 2));
    rig.now_ms += 300;
    rig_hear(&rig, other(&rig, 1));
    assert_int_equal(rig_count(&rig, EFFECT_SEND_CERTIFICATE), 1);
    assert_int_equal(rig_find(&rig, EFFECT_SEND_CERTIFICATE)->certificate->view, 1);
    assert_int_equal(rig_count(&rig, EFFECT_SEND_VOTE), 1);
    assert_int_equal(rig_find(&rig, EFFECT_SEND_VOTE)->vote->view, 2);
    assert_int_equal(rig_count(&rig, EFFECT_PERSIST_VOTE), 0);
    const struct peer_status status = {
        .epoch = 1, .view = 2, .held_from = 1, .held_nullifications = 3};
    rig.now_ms += 300;
    rig_step(&rig, (struct event){.kind = EVENT_STATUS, .peer = other(&rig, 1), .status = &status});
    assert_int_equal(rig_count(&rig, EFFECT_SEND_CERTIFICATE), 0);
    assert_int_equal(rig_count(&rig, EFFECT_SEND_VOTE), 0);
    rig_close(&rig);
}

static void test_claims_move_nothing(void **state)
{
    /* Catch-up: a claimed height is a hint: one paced request to who claims it. */
    (void)state;
    struct rig rig;
    open_follower(&rig);
    rig_start(&rig);
    const struct peer_status liar = {
        .epoch = 1, .view = 1000000, .final_height = 1000000, .final_view = 999999};
    struct event event = {.kind = EVENT_STATUS, .peer = other(&rig, 1), .status = &liar};
    rig_step(&rig, event);
    assert_int_equal(rig_count(&rig, EFFECT_REQUEST_BLOCKS), 1);
    assert_int_equal(rig_find(&rig, EFFECT_REQUEST_BLOCKS)->from_height, 1);
    assert_int_equal(rig_view(&rig), 1);
    rig_step(&rig, event);
    assert_int_equal(rig_count(&rig, EFFECT_REQUEST_BLOCKS), 0);
    rig_close(&rig);
}

static void test_votes_too_far_ahead_are_not_kept(void **state)
{
    /* on_vote: up to 64 views above the current one; a certificate moves the node from any view. */
    (void)state;
    struct rig rig;
    open_follower(&rig);
    rig_start(&rig);
    for (uint64_t view = 1 + LIMIT_VIEWS_AHEAD + 1; view > LIMIT_VIEWS_AHEAD; view--) {
        for (uint32_t i = 1; i < 4; i++) {
            const struct vote vote = rig_vote(&rig, other(&rig, i), VOTE_NULLIFY, view, nothing);
            rig_give_vote(&rig, &vote);
        }
        const bool within = view <= 1 + LIMIT_VIEWS_AHEAD;
        assert_int_equal(rig_view(&rig), within ? view + 1 : 1);
        if (within) {
            break;
        }
    }
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_signed_before_others_are_heard),
        cmocka_unit_test(test_a_lost_register_is_noticed),
        cmocka_unit_test(test_votes_are_verified_before_they_take_a_place),
        cmocka_unit_test(test_another_epoch_counts_for_nothing),
        cmocka_unit_test(test_evidence),
        cmocka_unit_test(test_bad_certificates_move_nothing),
        cmocka_unit_test(test_impossible_certificates_halt),
        cmocka_unit_test(test_two_notarizations_are_both_kept),
        cmocka_unit_test(test_a_final_view_contradicted_halts),
        cmocka_unit_test(test_a_second_finalization_of_f_moves_its_view),
        cmocka_unit_test(test_an_answer_holds_what_is_missing),
        cmocka_unit_test(test_claims_move_nothing),
        cmocka_unit_test(test_votes_too_far_ahead_are_not_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
