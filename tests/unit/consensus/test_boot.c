/*
 * What a start refuses to take over, and what it does not let count (docs/consensus.md, Restart,
 * Boot), each condition alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "consensus/safety.h"
#include "consensus/views.h"
#include "consensus/votes.h"
#include "tests/support/consensus_rig.h"

static const struct candidate nothing = {0};

static struct candidate some_candidate(uint8_t name)
{
    struct candidate candidate = {.parent_view = 1};
    candidate.block_hash.bytes[3] = name;
    return candidate;
}

/* A machine of four, with an own register of epoch 1. */
static void open_bound(struct rig *rig)
{
    rig_open(rig, 4, 0);
    rig->vote_register = (struct vote_register){.chain_id = rig->net->chain_id, .epoch = 1};
}

static enum status restore_without_register(struct rig *rig)
{
    const struct consensus_recovery recovery = {.final_block = rig->root};
    return consensus_restore(rig->consensus, &recovery, RIG_WALL_MS, rig->now_ms,
                             &rig->net->effects);
}

static void test_a_validator_needs_a_register(void **state)
{
    /* Boot: without one, what was signed is not known. An observer has none and needs none. */
    (void)state;
    struct rig rig;
    rig_open(&rig, 4, 0);
    assert_int_equal(restore_without_register(&rig), STATUS_NOT_FOUND);
    rig_close(&rig);
    rig_open(&rig, 4, CONSENSUS_OBSERVER);
    assert_int_equal(restore_without_register(&rig), STATUS_OK);
    assert_int_equal(rig_count(&rig, EFFECT_WRITE_REGISTER), 0);
    assert_int_equal(rig_count(&rig, EFFECT_PERSIST_VOTE), 0);
    rig_close(&rig);
}

static enum status restore_vote(struct rig *rig, const struct vote *vote)
{
    const enum status status =
        rig_restore(rig, (struct consensus_recovery){.votes = vote, .vote_count = 1});
    rig_close(rig);
    return status;
}

static void test_stored_votes_are_own_votes(void **state)
{
    /* Boot: ours, of this epoch, of a vote's form; anything else is damage. */
    (void)state;
    struct rig rig;
    open_bound(&rig);
    const struct vote good = rig_vote(&rig, 0, VOTE_NULLIFY, 4, nothing);
    assert_int_equal(restore_vote(&rig, &good), STATUS_OK);
    struct vote bad = good;
    bad.signer = 1;
    open_bound(&rig);
    assert_int_equal(restore_vote(&rig, &bad), STATUS_CORRUPT);
    bad = good;
    bad.epoch = 2;
    open_bound(&rig);
    assert_int_equal(restore_vote(&rig, &bad), STATUS_CORRUPT);
    bad = good;
    bad.candidate = some_candidate(1);
    open_bound(&rig);
    assert_int_equal(restore_vote(&rig, &bad), STATUS_CORRUPT);
}

/* A register at view 4 that names this vote, with what storage holds. */
static enum status restore_both(struct rig *rig, const struct vote *named,
                                const struct vote *stored)
{
    open_bound(rig);
    rig->vote_register.view = 4;
    rig->vote_register.voted[named->kind - 1] = true;
    rig->vote_register.votes[named->kind - 1] = *named;
    return restore_vote(rig, stored);
}

static void test_register_and_storage_agree(void **state)
{
    /* Boot: two different votes of one kind and view, one in each, is a key that signed twice. */
    (void)state;
    struct rig rig;
    open_bound(&rig);
    const struct vote a = rig_vote(&rig, 0, VOTE_NOTARIZE, 4, some_candidate(1));
    const struct vote b = rig_vote(&rig, 0, VOTE_NOTARIZE, 4, some_candidate(2));
    const struct vote finalize = rig_vote(&rig, 0, VOTE_FINALIZE, 4, some_candidate(1));
    const struct vote early = rig_vote(&rig, 0, VOTE_NOTARIZE, 3, some_candidate(1));
    const struct vote foreign = rig_vote(&rig, 1, VOTE_NOTARIZE, 4, some_candidate(1));
    rig_close(&rig);
    assert_int_equal(restore_both(&rig, &a, &a), STATUS_OK);
    assert_int_equal(restore_both(&rig, &a, &finalize), STATUS_OK);
    assert_int_equal(restore_both(&rig, &a, &early), STATUS_OK);
    assert_int_equal(restore_both(&rig, &a, &b), STATUS_CORRUPT);
    /* The register's own votes are ours, and of its view. */
    assert_int_equal(restore_both(&rig, &early, &finalize), STATUS_CORRUPT);
    assert_int_equal(restore_both(&rig, &foreign, &finalize), STATUS_CORRUPT);
}

static void test_certificates_of_another_epoch(void **state)
{
    /* Restart: they move no view, nullify none, and show no vote of ours. */
    (void)state;
    for (uint64_t epoch = 0; epoch <= 2; epoch += 2) {
        struct rig rig;
        open_bound(&rig);
        struct certificate high = rig_certificate(&rig, 0, VOTE_NULLIFY, 50, nothing);
        struct certificate low = rig_certificate(&rig, 0, VOTE_NULLIFY, 1, nothing);
        high.epoch = epoch;
        low.epoch = epoch;
        const struct certificate own = rig_certificate(&rig, 1, VOTE_NULLIFY, 3, nothing);
        const struct certificate *const certificates[] = {&high, &low, &own};
        assert_int_equal(rig_restore(&rig, (struct consensus_recovery){.certificates = certificates,
                                                                       .certificate_count = 3}),
                         STATUS_OK);
        assert_int_equal(rig_view(&rig), 4);
        assert_false(views_is_nullified(rig.consensus, 1));
        assert_true(views_is_nullified(rig.consensus, 3));
        assert_null(votes_find(rig.consensus, VOTE_NULLIFY, 50, 0));
        assert_null(votes_find(rig.consensus, VOTE_NULLIFY, 1, 0));
        assert_int_equal(rig.consensus->vote_register.epoch, 1);
        assert_int_equal(rig.consensus->vote_register.view, 0);
        rig_close(&rig);
    }
}

static void test_own_votes_of_stored_certificates_reach_the_register(void **state)
{
    /* Boot: a vote that completed a certificate is durable with it, whatever the register missed.
     */
    (void)state;
    struct rig rig;
    open_bound(&rig);
    const struct certificate certificate = rig_certificate(&rig, 0, VOTE_NULLIFY, 5, nothing);
    const struct certificate *const certificates[] = {&certificate};
    assert_int_equal(rig_restore(&rig, (struct consensus_recovery){.certificates = certificates,
                                                                   .certificate_count = 1}),
                     STATUS_OK);
    const struct effect *written = rig_find(&rig, EFFECT_WRITE_REGISTER);
    assert_non_null(written);
    assert_int_equal(written->vote_register->view, 5);
    assert_true(written->vote_register->voted[VOTE_NULLIFY - 1]);
    assert_non_null(votes_find(rig.consensus, VOTE_NULLIFY, 5, 0));
    rig_close(&rig);
}

static void test_every_stored_vote_comes_back(void **state)
{
    /* Restart: also those of views below the register's, which it no longer names: peers may lack
       them to complete a certificate. */
    (void)state;
    struct rig rig;
    open_bound(&rig);
    const struct vote votes[] = {rig_vote(&rig, 0, VOTE_FINALIZE, 2, some_candidate(1)),
                                 rig_vote(&rig, 0, VOTE_NULLIFY, 5, nothing)};
    const struct certificate certificate = rig_certificate(&rig, 1, VOTE_NULLIFY, 4, nothing);
    const struct certificate *const certificates[] = {&certificate};
    assert_int_equal(rig_restore(&rig, (struct consensus_recovery){.votes = votes,
                                                                   .vote_count = 2,
                                                                   .certificates = certificates,
                                                                   .certificate_count = 1}),
                     STATUS_OK);
    assert_non_null(votes_find(rig.consensus, VOTE_FINALIZE, 2, 0));
    assert_non_null(votes_find(rig.consensus, VOTE_NULLIFY, 5, 0));
    assert_int_equal(rig_count(&rig, EFFECT_SEND_VOTE), 2);
    assert_int_equal(rig_find(&rig, EFFECT_WRITE_REGISTER)->vote_register->view, 5);
    rig_close(&rig);
}

/* A node that restarts with F at height 2, final in view 7 over a block of view 4, and is shown
   this certificate. Whether it halts. */
static bool halts_after_restart(enum vote_kind kind, uint64_t view, const struct hash *block,
                                bool remembers, bool forged)
{
    struct rig rig;
    open_bound(&rig);
    const struct consensus_block first = rig_block(&rig, &rig.root, 4, 0);
    const struct consensus_block f = rig_block(&rig, &first, 7, 0);
    const struct certificate finalization = rig_certificate(
        &rig, 0, VOTE_FINALIZE, 7, (struct candidate){.parent_view = 4, .block_hash = f.hash});
    const struct remembered_final finals[] = {{.view = 0, .hash = rig.root.hash},
                                              {.view = 4, .hash = first.hash}};
    assert_int_equal(
        rig_restore(&rig, (struct consensus_recovery){.final_block = f,
                                                      .final_view = 7,
                                                      .finalization = &finalization,
                                                      .finals = finals,
                                                      .final_count = remembers ? 2 : 0}),
        STATUS_OK);
    const struct candidate candidate = {.parent_view = 0,
                                        .block_hash = block == NULL ? first.hash : *block};
    struct certificate shown =
        rig_certificate(&rig, 1, kind, view, kind == VOTE_NULLIFY ? nothing : candidate);
    shown.signatures[0].bytes[0] ^= (uint8_t)forged;
    rig_give_certificate(&rig, &shown);
    const bool halted = rig_inspect(&rig).halted;
    rig_close(&rig);
    return halted;
}

static void test_a_fork_shows_itself_after_a_restart(void **state)
{
    /* Two halves of a fork that meet only after all of them restarted: a certificate older than F
       that no chain with these blocks can have halts, unless it is forged, agrees, or is not
       remembered. */
    (void)state;
    const struct hash other = {{0x77}};
    assert_true(halts_after_restart(VOTE_FINALIZE, 6, &other, true, false));
    assert_true(halts_after_restart(VOTE_FINALIZE, 3, &other, true, false));
    assert_true(halts_after_restart(VOTE_NULLIFY, 4, NULL, true, false));
    assert_false(halts_after_restart(VOTE_FINALIZE, 6, &other, true, true));
    assert_false(halts_after_restart(VOTE_FINALIZE, 6, &other, false, false));
    assert_false(halts_after_restart(VOTE_FINALIZE, 4, NULL, true, false));
    assert_false(halts_after_restart(VOTE_NULLIFY, 5, NULL, true, false));
    assert_false(halts_after_restart(VOTE_NOTARIZE, 6, &other, true, false));
}

static void test_who_is_heard(void **state)
{
    /* Boot: Status of q-1 other validators of this epoch; a status of another epoch, of an observer
       or of ourselves is none, and neither are their votes. */
    (void)state;
    struct rig rig;
    open_bound(&rig);
    assert_int_equal(rig_restore(&rig, (struct consensus_recovery){0}), STATUS_OK);
    const struct peer_status other_epoch = {.epoch = 2, .view = 1, .held_from = 1};
    for (uint32_t i = 1; i < 4; i++) {
        rig_step(&rig, (struct event){.kind = EVENT_STATUS, .peer = i, .status = &other_epoch});
    }
    rig_hear(&rig, 0);
    rig_hear(&rig, 4);
    rig_hear(&rig, CONSENSUS_OBSERVER);
    rig_hear(&rig, 1);
    assert_false(rig_inspect(&rig).may_sign);
    const struct vote vote = rig_vote(&rig, 2, VOTE_NULLIFY, 1, nothing);
    rig_step(&rig, (struct event){.kind = EVENT_VOTE, .peer = 7, .vote = &vote});
    assert_int_equal(votes_nullify_count(rig.consensus, 1), 0);
    rig_step(&rig, (struct event){.kind = EVENT_VOTE, .peer = 0, .vote = &vote});
    assert_int_equal(votes_nullify_count(rig.consensus, 1), 0);
    rig_hear(&rig, 2);
    assert_true(rig_inspect(&rig).may_sign);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_validator_needs_a_register),
        cmocka_unit_test(test_stored_votes_are_own_votes),
        cmocka_unit_test(test_register_and_storage_agree),
        cmocka_unit_test(test_certificates_of_another_epoch),
        cmocka_unit_test(test_own_votes_of_stored_certificates_reach_the_register),
        cmocka_unit_test(test_a_fork_shows_itself_after_a_restart),
        cmocka_unit_test(test_every_stored_vote_comes_back),
        cmocka_unit_test(test_who_is_heard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
