/*
 * Epochs of docs/consensus.md on one machine of four: how it begins at a terminal block, and that
 * nothing of another epoch moves it (I11).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/consensus_rig.h"

static const struct candidate nothing = {0};

/* A machine rooted at the block that ended the epoch before. */
static void open_at_terminal(struct rig *rig, uint32_t own)
{
    rig_open(rig, 4, own);
    struct consensus_block root = rig->root;
    root.epoch = rig_inspect(rig).epoch - 1;
    root.height = 9;
    root.flags = CONSENSUS_BLOCK_TERMINAL;
    root.timestamp_ms = RIG_WALL_MS;
    assert_int_equal(rig_restore(rig, (struct consensus_recovery){.final_block = root}), STATUS_OK);
}

static uint32_t leader_of_one(void)
{
    struct rig rig;
    rig_open(&rig, 4, 0);
    const uint32_t leader = rig_leader(&rig, 1);
    rig_close(&rig);
    return leader;
}

static void test_it_begins_at_the_terminal_block(void **state)
{
    /* The block that ended the last epoch does not end this one: view 1's leader builds a child. */
    (void)state;
    struct rig rig;
    open_at_terminal(&rig, leader_of_one());
    assert_int_equal(rig_view(&rig), 1);
    assert_int_equal(rig_inspect(&rig).final_view, 0);
    for (uint32_t i = 0; i < 4; i++) {
        if (i != rig.own) {
            rig_step(&rig, (struct event){.kind = EVENT_PEER_UP, .peer = i});
            rig_hear(&rig, i);
        }
    }
    rig_work(&rig);
    assert_int_equal(rig_count(&rig, EFFECT_BUILD_BLOCK), 1);
    assert_int_equal(rig_find(&rig, EFFECT_BUILD_BLOCK)->build.parent_height, 9);
    rig_close(&rig);
}

static void test_the_first_status_is_answered(void **state)
{
    /* What was said to a peer before it came over is lost; but it is answered once, not for ever.
     */
    (void)state;
    struct rig rig;
    open_at_terminal(&rig, 0);
    rig_step(&rig, (struct event){.kind = EVENT_PEER_UP, .peer = 1});
    rig_hear(&rig, 1);
    assert_int_equal(rig_count(&rig, EFFECT_SEND_STATUS), 1);
    assert_int_equal(rig_find(&rig, EFFECT_SEND_STATUS)->peer, 1);
    rig_hear(&rig, 1);
    assert_int_equal(rig_count(&rig, EFFECT_SEND_STATUS), 0);
    rig_close(&rig);
}

static void test_nothing_is_signed_before_q_are_heard_here(void **state)
{
    /* Status of the last epoch does not open the gate of this one. */
    (void)state;
    struct rig rig;
    open_at_terminal(&rig, 0);
    for (uint32_t i = 1; i < 4; i++) {
        const struct peer_status old = {.epoch = rig_inspect(&rig).epoch - 1, .view = 5};
        rig_step(&rig, (struct event){.kind = EVENT_PEER_UP, .peer = i});
        rig_step(&rig, (struct event){.kind = EVENT_STATUS, .peer = i, .status = &old});
    }
    assert_false(rig_inspect(&rig).may_sign);
    rig_hear(&rig, 1);
    assert_false(rig_inspect(&rig).may_sign);
    rig_hear(&rig, 2);
    assert_true(rig_inspect(&rig).may_sign);
    rig_close(&rig);
}

static void test_other_epochs_are_ignored(void **state)
{
    /* Votes and certificates one epoch off, genuinely signed, change nothing. */
    (void)state;
    struct rig rig;
    rig_open(&rig, 4, 0);
    rig_start(&rig);
    for (int32_t off = -1; off <= 1; off += 2) {
        for (uint32_t i = 1; i < 4; i++) {
            struct vote vote = rig_vote(&rig, i, VOTE_NULLIFY, 1, nothing);
            vote.epoch += (uint64_t)(int64_t)off;
            net_sign(rig.net, &vote);
            rig_give_vote(&rig, &vote);
        }
        struct certificate certificate = rig_certificate(&rig, 1, VOTE_NULLIFY, 1, nothing);
        certificate.epoch += (uint64_t)(int64_t)off;
        for (uint32_t i = 0; i < certificate.signature_count; i++) {
            struct vote vote = rig_vote(&rig, i + 1, VOTE_NULLIFY, 1, nothing);
            vote.epoch = certificate.epoch;
            net_sign(rig.net, &vote);
            certificate.signatures[i] = vote.signature;
        }
        rig_give_certificate(&rig, &certificate);
        assert_int_equal(rig_view(&rig), 1);
        assert_int_equal(rig_count(&rig, EFFECT_PERSIST_CERTIFICATE), 0);
    }
    const struct certificate own_epoch = rig_certificate(&rig, 1, VOTE_NULLIFY, 1, nothing);
    rig_give_certificate(&rig, &own_epoch);
    assert_int_equal(rig_view(&rig), 2);
    rig_close(&rig);
}

static void test_who_does_not_vote_brings_certificates_only(void **state)
{
    /* A certificate proves itself, whoever brings it; a vote counts over a validator's link. */
    (void)state;
    struct rig rig;
    rig_open(&rig, 4, 0);
    rig_start(&rig);
    for (uint32_t i = 1; i < 4; i++) {
        const struct vote vote = rig_vote(&rig, i, VOTE_NULLIFY, 1, nothing);
        rig_step(&rig, (struct event){.kind = EVENT_VOTE, .peer = CONSENSUS_ALL, .vote = &vote});
    }
    assert_int_equal(rig_view(&rig), 1);
    const struct certificate certificate = rig_certificate(&rig, 1, VOTE_NULLIFY, 1, nothing);
    rig_step(&rig, (struct event){.kind = EVENT_CERTIFICATE,
                                  .peer = CONSENSUS_ALL,
                                  .certificate = &certificate});
    assert_int_equal(rig_view(&rig), 2);
    rig_close(&rig);
}

static void test_an_observer_only_follows(void **state)
{
    /* It takes certificates in, tells where it is, and forwards and signs nothing. */
    (void)state;
    struct rig rig;
    rig_open(&rig, 4, CONSENSUS_OBSERVER);
    assert_int_equal(rig_restore(&rig, (struct consensus_recovery){0}), STATUS_OK);
    for (uint32_t i = 0; i < 4; i++) {
        rig_step(&rig, (struct event){.kind = EVENT_PEER_UP, .peer = i});
        rig_hear(&rig, i);
    }
    const struct certificate certificate = rig_certificate(&rig, 1, VOTE_NULLIFY, 1, nothing);
    rig_give_certificate(&rig, &certificate);
    assert_int_equal(rig_view(&rig), 2);
    assert_int_equal(rig_count(&rig, EFFECT_SEND_CERTIFICATE), 0);
    rig_work(&rig);
    rig_tick(&rig, 60000);
    assert_int_equal(rig_count(&rig, EFFECT_SEND_VOTE), 0);
    assert_int_equal(rig_count(&rig, EFFECT_PERSIST_VOTE), 0);
    assert_false(rig_inspect(&rig).may_sign);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_begins_at_the_terminal_block),
        cmocka_unit_test(test_the_first_status_is_answered),
        cmocka_unit_test(test_nothing_is_signed_before_q_are_heard_here),
        cmocka_unit_test(test_other_epochs_are_ignored),
        cmocka_unit_test(test_who_does_not_vote_brings_certificates_only),
        cmocka_unit_test(test_an_observer_only_follows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
