/*
 * Restart and Boot of docs/consensus.md on one machine of four: what comes back from storage, and
 * what the vote register forbids.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/consensus_rig.h"

static const struct candidate nothing = {0};

static uint32_t other(const struct rig *rig, uint32_t step)
{
    return (rig->own + step) % 4;
}

static void open_gate(struct rig *rig)
{
    for (uint32_t i = 1; i < 4; i++) {
        rig_step(rig, (struct event){.kind = EVENT_PEER_UP, .peer = other(rig, i)});
        rig_hear(rig, other(rig, i));
    }
}

static bool resent(const struct rig *rig, enum vote_kind kind, uint64_t view)
{
    for (uint32_t i = 0; i < rig->net->effects.count; i++) {
        const struct effect *effect = &rig->net->effects.list[i];
        if (effect->kind == EFFECT_SEND_VOTE && effect->vote->kind == kind &&
            effect->vote->view == view) {
            return true;
        }
    }
    return false;
}

static void test_the_view_is_above_all_that_is_held(void **state)
{
    /* view = 1 + max(F.view, highest certificate). */
    (void)state;
    struct rig rig;
    rig_open(&rig, 4, 0);
    const struct certificate high = rig_certificate(&rig, 0, VOTE_NULLIFY, 12, nothing);
    const struct certificate low = rig_certificate(&rig, 0, VOTE_NULLIFY, 3, nothing);
    const struct certificate *const certificates[] = {&high, &low};
    assert_int_equal(rig_restore(&rig, (struct consensus_recovery){.certificates = certificates,
                                                                   .certificate_count = 2}),
                     STATUS_OK);
    assert_int_equal(rig_view(&rig), 13);
    rig_close(&rig);
    rig_open(&rig, 4, 0);
    const struct consensus_block block = rig_block(&rig, &rig.root, 20, 0);
    const struct candidate candidate = {.block_hash = block.hash};
    const struct certificate final = rig_certificate(&rig, 0, VOTE_FINALIZE, 20, candidate);
    assert_int_equal(rig_restore(&rig, (struct consensus_recovery){.final_block = block,
                                                                   .final_view = 20,
                                                                   .finalization = &final,
                                                                   .certificates = certificates,
                                                                   .certificate_count = 2}),
                     STATUS_OK);
    assert_int_equal(rig_view(&rig), 21);
    assert_int_equal(rig_inspect(&rig).final_height, 1);
    rig_close(&rig);
}

static void test_stored_votes_are_sent_and_counted(void **state)
{
    /* Own votes go back into the pools: two more complete the certificate. */
    (void)state;
    struct rig rig;
    rig_open(&rig, 4, 0);
    const struct vote own = rig_vote(&rig, 0, VOTE_NULLIFY, 1, nothing);
    assert_int_equal(rig_restore(&rig, (struct consensus_recovery){.votes = &own, .vote_count = 1}),
                     STATUS_OK);
    assert_true(resent(&rig, VOTE_NULLIFY, 1));
    /* Storage was ahead of the register: the register follows before the vote leaves. */
    const struct effect *written = rig_find(&rig, EFFECT_WRITE_REGISTER);
    assert_non_null(written);
    assert_int_equal(written->vote_register->view, 1);
    assert_true(written->vote_register->voted[VOTE_NULLIFY - 1]);
    for (uint32_t i = 1; i < 3; i++) {
        const struct vote vote = rig_vote(&rig, i, VOTE_NULLIFY, 1, nothing);
        rig_give_vote(&rig, &vote);
    }
    assert_int_equal(rig_view(&rig), 2);
    rig_close(&rig);
}

static void test_own_votes_in_certificates_are_known(void **state)
{
    /* Boot: a crash between the commit that made F final with our vote and the register's write.
       The peer that shows us that vote then proves nothing, and the register remembers it. */
    (void)state;
    struct rig rig;
    rig_open(&rig, 4, 0);
    rig.vote_register =
        (struct vote_register){.chain_id = rig.net->chain_id, .epoch = 1, .view = 1};
    const struct consensus_block block = rig_block(&rig, &rig.root, 2, 0);
    const struct candidate candidate = {.block_hash = block.hash};
    const struct certificate final = rig_certificate(&rig, 0, VOTE_FINALIZE, 2, candidate);
    assert_int_equal(rig_restore(&rig, (struct consensus_recovery){.final_block = block,
                                                                   .final_view = 2,
                                                                   .finalization = &final}),
                     STATUS_OK);
    const struct effect *written = rig_find(&rig, EFFECT_WRITE_REGISTER);
    assert_int_equal(written->vote_register->view, 2);
    assert_true(written->vote_register->voted[VOTE_FINALIZE - 1]);
    open_gate(&rig);
    const struct peer_status status = {.epoch = 1,
                                       .view = 3,
                                       .final_height = 1,
                                       .final_view = 2,
                                       .held_from = 3,
                                       .has_your_vote = true,
                                       .your_vote = rig_vote(&rig, 0, VOTE_FINALIZE, 2, candidate)};
    rig_step(&rig, (struct event){.kind = EVENT_STATUS, .peer = 1, .status = &status});
    assert_false(rig_alarmed(&rig, ALARM_REGISTER_BEHIND));
    assert_true(rig_inspect(&rig).may_sign);
    rig_close(&rig);
}

static void test_the_registers_votes_come_back(void **state)
{
    /* Storage rolled back, register kept: its votes are stored again, sent, and count. */
    (void)state;
    struct rig rig;
    rig_open(&rig, 4, 0);
    rig.vote_register =
        (struct vote_register){.chain_id = rig.net->chain_id, .epoch = 1, .view = 1};
    rig.vote_register.voted[VOTE_NULLIFY - 1] = true;
    rig.vote_register.votes[VOTE_NULLIFY - 1] = rig_vote(&rig, 0, VOTE_NULLIFY, 1, nothing);
    assert_int_equal(rig_restore(&rig, (struct consensus_recovery){0}), STATUS_OK);
    assert_true(rig_cast(&rig, VOTE_NULLIFY, 1)); /* persisted; the stored bytes, not signed anew */
    assert_true(resent(&rig, VOTE_NULLIFY, 1));
    open_gate(&rig);
    const struct consensus_block block = rig_block(&rig, &rig.root, 1, 0);
    const struct proposal proposal = rig_proposal(&rig, 1, 0, &block);
    rig_give_proposal(&rig, &proposal);
    assert_int_equal(rig_count(&rig, EFFECT_CHECK_BLOCK), 0);
    for (uint32_t i = 1; i < 3; i++) {
        const struct vote vote = rig_vote(&rig, i, VOTE_NULLIFY, 1, nothing);
        rig_give_vote(&rig, &vote);
    }
    assert_int_equal(rig_view(&rig), 2);
    rig_close(&rig);
}

static void test_nothing_is_signed_below_the_register(void **state)
{
    /* Boot: below the register's view nothing, in it only kinds not cast yet, above it all. */
    (void)state;
    struct rig rig;
    rig_open(&rig, 4, 0);
    rig.vote_register =
        (struct vote_register){.chain_id = rig.net->chain_id, .epoch = 1, .view = 3};
    assert_int_equal(rig_restore(&rig, (struct consensus_recovery){0}), STATUS_OK);
    open_gate(&rig);
    for (uint64_t view = 1; view <= 4; view++) {
        rig_work(&rig);
        rig_tick(&rig, 60000);
        for (uint64_t any = 1; any <= 4; any++) {
            assert_int_equal(rig_cast(&rig, VOTE_NULLIFY, any), any == view && view >= 3);
        }
        const struct certificate next = rig_certificate(&rig, 1, VOTE_NULLIFY, view, nothing);
        rig_give_certificate(&rig, &next);
    }
    rig_close(&rig);
}

static void test_the_sign_floor_holds(void **state)
{
    /* cast: refuse at or below (epoch, view) of the floor. */
    (void)state;
    struct rig rig;
    rig_open(&rig, 4, 0);
    rig.vote_register = (struct vote_register){
        .chain_id = rig.net->chain_id, .epoch = 1, .floor_epoch = 1, .floor_view = 2};
    assert_int_equal(rig_restore(&rig, (struct consensus_recovery){0}), STATUS_OK);
    open_gate(&rig);
    for (uint64_t view = 1; view <= 3; view++) {
        rig_work(&rig);
        rig_tick(&rig, 60000);
        assert_int_equal(rig_cast(&rig, VOTE_NULLIFY, view), view == 3);
        const struct certificate next = rig_certificate(&rig, 1, VOTE_NULLIFY, view, nothing);
        rig_give_certificate(&rig, &next);
    }
    rig_close(&rig);
}

static enum status restore_with(void (*change)(const struct rig *rig, struct vote_register *reg))
{
    struct rig rig;
    rig_open(&rig, 4, 0);
    rig.vote_register = (struct vote_register){.chain_id = rig.net->chain_id, .epoch = 1};
    change(&rig, &rig.vote_register);
    const enum status status = rig_restore(&rig, (struct consensus_recovery){0});
    rig_close(&rig);
    return status;
}

static void other_chain(const struct rig *rig, struct vote_register *reg)
{
    (void)rig;
    reg->chain_id.bytes[5] ^= 1;
}
static void unbound(const struct rig *rig, struct vote_register *reg)
{
    (void)rig;
    memset(reg, 0, sizeof *reg);
}
static void vote_of_another(const struct rig *rig, struct vote_register *reg)
{
    reg->view = 4;
    reg->voted[VOTE_NULLIFY - 1] = true;
    reg->votes[VOTE_NULLIFY - 1] = rig_vote(rig, 1, VOTE_NULLIFY, 4, nothing);
}

static void test_registers_that_do_not_fit_are_refused(void **state)
{
    /* Boot: another chain, a vote that is not ours; an unbound one is bound. */
    (void)state;
    assert_int_equal(restore_with(other_chain), STATUS_CORRUPT);
    assert_int_equal(restore_with(vote_of_another), STATUS_CORRUPT);
    assert_int_equal(restore_with(unbound), STATUS_OK);
    struct rig rig;
    rig_open(&rig, 4, 0);
    assert_int_equal(rig_restore(&rig, (struct consensus_recovery){0}), STATUS_OK);
    const struct effect *written = rig_find(&rig, EFFECT_WRITE_REGISTER);
    assert_non_null(written);
    assert_true(hash_equal(&written->vote_register->chain_id, &rig.net->chain_id));
    rig_close(&rig);
}

static void test_contradictory_storage_halts_again(void **state)
{
    /* on_certificate: a halt is for ever; both certificates are in storage. */
    (void)state;
    struct rig rig;
    rig_open(&rig, 4, 0);
    const struct consensus_block block = rig_block(&rig, &rig.root, 3, 0);
    const struct candidate candidate = {.block_hash = block.hash};
    const struct certificate a = rig_certificate(&rig, 0, VOTE_NULLIFY, 3, nothing);
    const struct certificate b = rig_certificate(&rig, 0, VOTE_FINALIZE, 3, candidate);
    const struct certificate *const certificates[] = {&a, &b};
    assert_int_equal(rig_restore(&rig, (struct consensus_recovery){.certificates = certificates,
                                                                   .certificate_count = 2}),
                     STATUS_OK);
    assert_true(rig_inspect(&rig).halted);
    assert_true(rig_alarmed(&rig, ALARM_SAFETY_CERTIFICATES));
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_view_is_above_all_that_is_held),
        cmocka_unit_test(test_stored_votes_are_sent_and_counted),
        cmocka_unit_test(test_own_votes_in_certificates_are_known),
        cmocka_unit_test(test_the_registers_votes_come_back),
        cmocka_unit_test(test_nothing_is_signed_below_the_register),
        cmocka_unit_test(test_the_sign_floor_holds),
        cmocka_unit_test(test_registers_that_do_not_fit_are_refused),
        cmocka_unit_test(test_contradictory_storage_halts_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
