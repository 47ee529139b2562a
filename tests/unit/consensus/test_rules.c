/*
 * One machine of four, driven by hand: proposals, leaders and timers. Each test opens with the rule
 * of docs/consensus.md that it would notice the loss of.
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

static void test_a_good_proposal_is_voted_for(void **state)
{
    /* on_proposal and Effects: block durable, vote durable, register, then the vote leaves. */
    (void)state;
    struct rig rig;
    open_follower(&rig);
    rig_start(&rig);
    const struct consensus_block block = rig_block(&rig, &rig.root, 1, 0);
    const struct proposal proposal = rig_proposal(&rig, 1, 0, &block);
    rig_give_proposal(&rig, &proposal);
    assert_int_equal(rig_count(&rig, EFFECT_CHECK_BLOCK), 1);
    assert_int_equal(rig_find(&rig, EFFECT_CHECK_BLOCK)->peer, rig_leader(&rig, 1));
    assert_int_equal(rig_count(&rig, EFFECT_PERSIST_VOTE), 0);
    rig_give_check(&rig, &block, BLOCK_AGREES);
    static const enum effect_kind order[] = {EFFECT_PERSIST_BLOCK, EFFECT_PERSIST_VOTE,
                                             EFFECT_WRITE_REGISTER, EFFECT_SEND_VOTE};
    for (uint32_t i = 0; i < 4; i++) {
        assert_int_equal(rig.net->effects.list[i].kind, order[i]);
    }
    assert_true(rig_cast(&rig, VOTE_NOTARIZE, 1));
    /* The same proposal again changes nothing. */
    rig_give_proposal(&rig, &proposal);
    assert_int_equal(rig_count(&rig, EFFECT_PERSIST_VOTE), 0);
    rig_close(&rig);
}

/* Gives a proposal in view 1; returns whether anything came of it. */
static bool is_accepted(const struct proposal *proposal, uint32_t peer)
{
    struct rig rig;
    open_follower(&rig);
    rig_start(&rig);
    bool accepted = false;
    rig_step(&rig, (struct event){.kind = EVENT_PROPOSAL, .peer = peer, .proposal = proposal});
    for (uint64_t view = 1; view < 4; view++) {
        accepted = accepted || rig_cast(&rig, VOTE_NOTARIZE, view);
    }
    /* Asking for the block is the first half of acceptance. */
    accepted = accepted || rig_count(&rig, EFFECT_CHECK_BLOCK) != 0;
    rig_close(&rig);
    return accepted;
}

static void test_mutated_proposals_are_refused(void **state)
{
    /* Directed test 12: each field changed by one, signed again by the leader. */
    (void)state;
    struct rig rig;
    open_follower(&rig);
    const struct consensus_block block = rig_block(&rig, &rig.root, 1, 0);
    const struct consensus_block swapped = rig_block(&rig, &rig.root, 1, 0);
    const struct proposal good = rig_proposal(&rig, 1, 0, &block);
    const uint32_t leader = rig_leader(&rig, 1);
    assert_true(is_accepted(&good, leader));
    assert_false(is_accepted(&good, other(&rig, 1) == leader ? other(&rig, 2) : other(&rig, 1)));
    struct proposal bad = good;
    bad.vote.view = 2; /* led by another */
    net_sign(rig.net, &bad.vote);
    assert_false(is_accepted(&bad, leader));
    bad = rig_proposal(&rig, 2, 0, &block); /* view 1 is not nullified */
    assert_false(is_accepted(&bad, rig_leader(&rig, 2)));
    bad = rig_proposal(&rig, 2, 1, &block); /* nothing is certified in view 1 */
    assert_false(is_accepted(&bad, rig_leader(&rig, 2)));
    bad = good;
    bad.vote.signer = rig_leader(&rig, 2); /* over its own link, out of turn */
    net_sign(rig.net, &bad.vote);
    assert_false(is_accepted(&bad, rig_leader(&rig, 2)));
    bad = good;
    bad.vote.epoch = 2;
    net_sign(rig.net, &bad.vote);
    assert_false(is_accepted(&bad, leader));
    bad = good;
    bad.vote.candidate.parent_view = 1;
    net_sign(rig.net, &bad.vote);
    assert_false(is_accepted(&bad, leader));
    bad = good;
    bad.block = swapped; /* another body than the signed hash */
    assert_false(is_accepted(&bad, leader));
    bad = good;
    bad.vote.signature.bytes[0] ^= 1;
    assert_false(is_accepted(&bad, leader));
    rig_close(&rig);
}

/* Gives a proposal of a block whose fields were changed; true if it was answered by NULLIFY at
   once. */
static bool is_nullified(void (*change)(struct consensus_block *block))
{
    struct rig rig;
    open_follower(&rig);
    rig_start(&rig);
    struct consensus_block fields = rig_block(&rig, &rig.root, 1, 0);
    change(&fields);
    const struct consensus_block block = net_make_block(rig.net, &fields, true)->block;
    const struct proposal proposal = rig_proposal(&rig, 1, 0, &block);
    rig_give_proposal(&rig, &proposal);
    const bool nullified =
        rig_cast(&rig, VOTE_NULLIFY, 1) && rig_alarmed(&rig, ALARM_INVALID_PROPOSAL);
    assert_false(rig_cast(&rig, VOTE_NOTARIZE, 1));
    rig_close(&rig);
    return nullified;
}

static void change_parent(struct consensus_block *block)
{
    block->parent_hash.bytes[31] ^= 1;
}
static void change_height(struct consensus_block *block)
{
    block->height++;
}
static void change_epoch(struct consensus_block *block)
{
    block->epoch++;
}
static void change_time(struct consensus_block *block)
{
    block->timestamp_ms = 1000;
}
static void change_proposer(struct consensus_block *block)
{
    block->proposer ^= 1;
}

static void test_invalid_headers_are_nullified_at_once(void **state)
{
    /* on_proposal: the deterministic header rules, and the shell's own verdict. */
    (void)state;
    assert_true(is_nullified(change_parent));
    assert_true(is_nullified(change_height));
    assert_true(is_nullified(change_epoch));
    assert_true(is_nullified(change_time));
    assert_true(is_nullified(change_proposer));
    struct rig rig;
    open_follower(&rig);
    rig_start(&rig);
    const struct consensus_block block = rig_block(&rig, &rig.root, 1, 0);
    const struct proposal proposal = rig_proposal(&rig, 1, 0, &block);
    rig_give_proposal(&rig, &proposal);
    rig_give_check(&rig, &block, BLOCK_INVALID);
    assert_true(rig_cast(&rig, VOTE_NULLIFY, 1));
    assert_true(rig_alarmed(&rig, ALARM_INVALID_PROPOSAL));
    rig_close(&rig);
}

static void test_divergence_stops_signing(void **state)
{
    /* try_finalize: own execution differs from a notarized block; halt once it is final. */
    (void)state;
    struct rig rig;
    open_follower(&rig);
    rig_start(&rig);
    const struct consensus_block block = rig_block(&rig, &rig.root, 1, 0);
    const struct candidate candidate = {.block_hash = block.hash};
    const struct certificate notarization =
        rig_certificate(&rig, other(&rig, 1), VOTE_NOTARIZE, 1, candidate);
    rig_give_certificate(&rig, &notarization);
    assert_int_equal(rig_count(&rig, EFFECT_CHECK_BLOCK), 1);
    rig_give_check(&rig, &block, BLOCK_INVALID);
    assert_true(rig_alarmed(&rig, ALARM_DIVERGED));
    assert_false(rig_inspect(&rig).may_sign);
    rig_work(&rig);
    rig_tick(&rig, 60000);
    assert_int_equal(rig_count(&rig, EFFECT_PERSIST_VOTE), 0);
    const struct certificate finalization =
        rig_certificate(&rig, other(&rig, 1), VOTE_FINALIZE, 1, candidate);
    rig_give_certificate(&rig, &finalization);
    assert_int_equal(rig_count(&rig, EFFECT_HALT), 1);
    rig_close(&rig);
}

static void test_a_block_ahead_of_the_clock_waits(void **state)
{
    /* Time: up to two seconds ahead is fine, more waits, and is voted for when its time has come.
     */
    (void)state;
    struct rig rig;
    open_follower(&rig);
    rig_start(&rig);
    struct consensus_block fields = rig_block(&rig, &rig.root, 1, 0);
    fields.timestamp_ms = RIG_WALL_MS + rig.now_ms + 2600;
    const struct consensus_block block = net_make_block(rig.net, &fields, true)->block;
    const struct proposal proposal = rig_proposal(&rig, 1, 0, &block);
    rig_give_proposal(&rig, &proposal);
    assert_int_equal(rig_count(&rig, EFFECT_CHECK_BLOCK), 0);
    assert_int_equal(consensus_next_deadline(rig.consensus), rig.now_ms + 600);
    rig_tick(&rig, 600);
    assert_int_equal(rig_count(&rig, EFFECT_CHECK_BLOCK), 1);
    rig_give_check(&rig, &block, BLOCK_AGREES);
    assert_true(rig_cast(&rig, VOTE_NOTARIZE, 1));
    rig_close(&rig);
}

static void test_a_terminal_block_has_no_child(void **state)
{
    /* Epochs: after the terminal block is final nobody builds, votes or times out. */
    (void)state;
    struct rig rig;
    open_follower(&rig);
    rig_start(&rig);
    const struct consensus_block block = rig_block(&rig, &rig.root, 1, CONSENSUS_BLOCK_TERMINAL);
    rig_finalize(&rig, 1, 0, &block);
    rig_work(&rig);
    rig_tick(&rig, 60000);
    assert_int_equal(rig_count(&rig, EFFECT_PERSIST_VOTE), 0);
    const struct consensus_block child = rig_block(&rig, &block, 2, 0);
    const struct proposal proposal = rig_proposal(&rig, 2, 1, &child);
    rig_give_proposal(&rig, &proposal);
    assert_int_equal(rig_count(&rig, EFFECT_CHECK_BLOCK), 0);
    assert_false(rig_cast(&rig, VOTE_NOTARIZE, 2));
    rig_close(&rig);
}

static void test_a_dead_leader_gets_no_time(void **state)
{
    /* Timers: 3Δ for a leader that is heard; none for one silent for 5 s while q-1 others are. */
    (void)state;
    struct rig rig;
    open_follower(&rig);
    rig_start(&rig);
    rig_work(&rig);
    rig_tick(&rig, 1199);
    assert_false(rig_cast(&rig, VOTE_NULLIFY, 1));
    rig_tick(&rig, 1);
    assert_true(rig_cast(&rig, VOTE_NULLIFY, 1));
    const uint32_t dead = rig_leader(&rig, 2);
    rig.now_ms += 5000;
    for (uint32_t i = 0; i < 4; i++) {
        if (i != rig.own && i != dead) {
            rig_hear(&rig, i);
        }
    }
    const struct certificate first =
        rig_certificate(&rig, other(&rig, 1), VOTE_NULLIFY, 1, nothing);
    rig_step(&rig, (struct event){.kind = EVENT_CERTIFICATE,
                                  .peer = rig_leader(&rig, 1),
                                  .certificate = &first});
    assert_int_equal(rig_view(&rig), 2);
    assert_int_equal(rig_inspect(&rig).delta_ms, 500);
    rig_tick(&rig, 0);
    assert_true(rig_cast(&rig, VOTE_NULLIFY, 2));
    /* Δ grew for the view of the live leader, not for the dead one's. */
    const struct certificate second =
        rig_certificate(&rig, other(&rig, 1), VOTE_NULLIFY, 2, nothing);
    rig_step(&rig, (struct event){.kind = EVENT_CERTIFICATE,
                                  .peer = rig_leader(&rig, 1),
                                  .certificate = &second});
    assert_int_equal(rig_view(&rig), 3);
    assert_int_equal(rig_inspect(&rig).delta_ms, 500);
    rig_close(&rig);
}

/* A follower in view 2, whose leader has been silent for 4 s; all others were heard. No work. */
static void idle_in_a_dead_leaders_view(struct rig *rig)
{
    open_follower(rig);
    rig_start(rig);
    const struct certificate first = rig_certificate(rig, other(rig, 1), VOTE_NULLIFY, 1, nothing);
    rig_step(rig, (struct event){.kind = EVENT_CERTIFICATE,
                                 .peer = rig_leader(rig, 1),
                                 .certificate = &first});
    assert_int_equal(rig_view(rig), 2);
    const uint32_t dead = rig_leader(rig, 2);
    for (uint32_t i = 0; i < 4; i++) {
        rig_tick(rig, 1000);
        for (uint32_t peer = 0; peer < 4; peer++) {
            if (peer != rig->own && peer != dead) {
                rig_hear(rig, peer);
            }
        }
    }
}

static void test_a_dead_leaders_view_ends_before_work_comes(void **state)
{
    /* Timers: the view of a dead leader is given up on an idle chain too, so that no work ever
       waits for that; a leader who is heard keeps its view for as long as there is nothing to do.
     */
    (void)state;
    struct rig rig;
    idle_in_a_dead_leaders_view(&rig);
    assert_int_equal(consensus_next_deadline(rig.consensus), rig.now_ms + 1000);
    rig_tick(&rig, 999);
    assert_false(rig_cast(&rig, VOTE_NULLIFY, 2));
    rig_tick(&rig, 1);
    assert_true(rig_cast(&rig, VOTE_NULLIFY, 2));
    const struct consensus_metrics *metrics = consensus_metrics(rig.consensus);
    assert_int_equal(metrics->timeouts[rig_leader(&rig, 2)][TIMEOUT_SILENT], 1);
    const struct certificate second =
        rig_certificate(&rig, other(&rig, 1), VOTE_NULLIFY, 2, nothing);
    rig_step(&rig, (struct event){.kind = EVENT_CERTIFICATE,
                                  .peer = rig_leader(&rig, 1),
                                  .certificate = &second});
    assert_int_equal(rig_view(&rig), 3);
    for (uint32_t i = 0; i < 20; i++) {
        rig_tick(&rig, 1000);
        rig_hear(&rig, rig_leader(&rig, 1));
        rig_hear(&rig, rig_leader(&rig, 3));
        assert_false(rig_cast(&rig, VOTE_NULLIFY, 3));
    }
    assert_int_equal(rig_inspect(&rig).missing, 1);
    rig_close(&rig);
}

static void test_silence_of_too_many_ends_no_view(void **state)
{
    /* Timers: with fewer than q-1 others heard it may be this node that is cut off: no work, no
       NULLIFY. */
    (void)state;
    struct rig rig;
    open_follower(&rig);
    rig_start(&rig);
    for (uint32_t i = 0; i < 20; i++) {
        rig_tick(&rig, 1000);
        rig_hear(&rig, other(&rig, 1));
        assert_false(rig_cast(&rig, VOTE_NULLIFY, 1));
    }
    assert_int_equal(rig_inspect(&rig).missing, 2);
    assert_int_equal(rig_inspect(&rig).timeouts, 0);
    rig_close(&rig);
}

static void test_the_leaders_nullify_is_a_timeout(void **state)
{
    /* on_vote: a NULLIFY from the view's leader is a timeout now; from another it is not. */
    (void)state;
    struct rig rig;
    open_follower(&rig);
    rig_start(&rig);
    const uint32_t leader = rig_leader(&rig, 1);
    struct vote vote = rig_vote(&rig, rig_leader(&rig, 2), VOTE_NULLIFY, 1, nothing);
    rig_give_vote(&rig, &vote);
    assert_false(rig_cast(&rig, VOTE_NULLIFY, 1));
    vote = rig_vote(&rig, leader, VOTE_NULLIFY, 1, nothing);
    rig_give_vote(&rig, &vote);
    assert_true(rig_cast(&rig, VOTE_NULLIFY, 1));
    rig_close(&rig);
}

static void test_a_leader_without_certificates_gives_up(void **state)
{
    /* propose: it cannot know the parent, so NULLIFY at once, and asks for what is missing. */
    (void)state;
    struct rig rig;
    open_leader(&rig);
    rig_start(&rig);
    rig_work(&rig);
    const struct certificate certificate =
        rig_certificate(&rig, other(&rig, 1), VOTE_NULLIFY, 4, nothing);
    rig_give_certificate(&rig, &certificate);
    assert_int_equal(rig_view(&rig), 5);
    assert_int_equal(rig_leader(&rig, 5), rig.own);
    assert_true(rig_cast(&rig, VOTE_NULLIFY, 5));
    const struct effect *request = rig_find(&rig, EFFECT_REQUEST_CERTIFICATES);
    assert_non_null(request);
    assert_int_equal(request->certificates.from_view, 1);
    assert_int_equal(request->certificates.to_view, 3);
    rig_close(&rig);
}

static void test_every_skipped_view_must_be_nullified(void **state)
{
    /* on_proposal: what is missing between the parent and the view is asked of the leader first. */
    (void)state;
    struct rig rig;
    open_follower(&rig);
    rig_start(&rig);
    const struct certificate second =
        rig_certificate(&rig, other(&rig, 1), VOTE_NULLIFY, 2, nothing);
    const struct certificate first =
        rig_certificate(&rig, other(&rig, 1), VOTE_NULLIFY, 1, nothing);
    rig_give_certificate(&rig, &second);
    assert_int_equal(rig_view(&rig), 3);
    if (rig_leader(&rig, 3) == rig.own) {
        const struct certificate third =
            rig_certificate(&rig, other(&rig, 1), VOTE_NULLIFY, 3, nothing);
        rig_give_certificate(&rig, &third);
    }
    const uint64_t view = rig_view(&rig);
    const struct consensus_block block = rig_block(&rig, &rig.root, view, 0);
    const struct proposal proposal = rig_proposal(&rig, view, 0, &block);
    rig.now_ms += 1000;
    rig_give_proposal(&rig, &proposal);
    assert_int_equal(rig_count(&rig, EFFECT_CHECK_BLOCK), 0);
    const struct effect *request = rig_find(&rig, EFFECT_REQUEST_CERTIFICATES);
    assert_non_null(request);
    assert_int_equal(request->certificates.from_view, 1);
    assert_int_equal(request->certificates.to_view, 1);
    rig_give_certificate(&rig, &first);
    assert_int_equal(rig_count(&rig, EFFECT_CHECK_BLOCK), 1);
    rig_close(&rig);
}

static void test_a_leader_skips_no_view_silently(void **state)
{
    /* propose: a notarized view below a view of which nothing is held is no parent. */
    (void)state;
    struct rig rig;
    open_leader(&rig);
    rig_start(&rig);
    rig_work(&rig);
    const struct consensus_block block = rig_block(&rig, &rig.root, 2, 0);
    const struct candidate candidate = {.block_hash = block.hash};
    struct certificate certificate =
        rig_certificate(&rig, other(&rig, 1), VOTE_NOTARIZE, 2, candidate);
    rig_give_certificate(&rig, &certificate);
    rig_give_check(&rig, &block, BLOCK_AGREES);
    certificate = rig_certificate(&rig, other(&rig, 1), VOTE_NULLIFY, 4, nothing);
    rig_give_certificate(&rig, &certificate);
    assert_int_equal(rig_leader(&rig, 5), rig.own);
    assert_true(rig_cast(&rig, VOTE_NULLIFY, 5));
    const struct effect *request = rig_find(&rig, EFFECT_REQUEST_CERTIFICATES);
    assert_int_equal(request->certificates.from_view, 1);
    assert_int_equal(request->certificates.to_view, 3);
    rig_close(&rig);
}

static void test_a_leader_with_nothing_to_build_waits(void **state)
{
    /* propose: no NULLIFY on an idle chain; the shell is asked again when it tells of work, or for
       an empty block when that is due; and not without a pause if even that cannot be built. */
    (void)state;
    struct rig rig;
    rig_open(&rig, 1, 0);
    rig_start(&rig);
    rig_work(&rig);
    assert_int_equal(rig_count(&rig, EFFECT_BUILD_BLOCK), 1);
    assert_false(rig_find(&rig, EFFECT_BUILD_BLOCK)->build.empty);
    struct event event = {.kind = EVENT_BLOCK_BUILT};
    event.built.view = 1;
    rig_step(&rig, event);
    assert_int_equal(rig_count(&rig, EFFECT_PERSIST_VOTE), 0);
    rig_tick(&rig, 1000);
    assert_int_equal(rig_count(&rig, EFFECT_BUILD_BLOCK), 0);
    rig_work(&rig);
    assert_int_equal(rig_count(&rig, EFFECT_BUILD_BLOCK), 1);
    rig_step(&rig, event);
    rig_tick(&rig, 29000);
    assert_int_equal(rig_count(&rig, EFFECT_BUILD_BLOCK), 1);
    assert_true(rig_find(&rig, EFFECT_BUILD_BLOCK)->build.empty);
    rig_step(&rig, event);
    assert_int_equal(rig_count(&rig, EFFECT_BUILD_BLOCK), 0);
    rig_tick(&rig, 400);
    assert_int_equal(rig_count(&rig, EFFECT_BUILD_BLOCK), 1);
    rig_close(&rig);
}

static void test_a_commit_takes_one_step_off_delta(void **state)
{
    /* Timers: Δ0 * 1.25^k; a nullified view adds one to k, a commit takes one off. */
    (void)state;
    struct rig rig;
    open_follower(&rig);
    rig_start(&rig);
    const struct certificate first =
        rig_certificate(&rig, other(&rig, 1), VOTE_NULLIFY, 1, nothing);
    rig_give_certificate(&rig, &first);
    assert_int_equal(rig_inspect(&rig).delta_ms, 500);
    const struct consensus_block block = rig_block(&rig, &rig.root, 2, 0);
    rig_finalize(&rig, 2, 0, &block);
    assert_int_equal(rig_inspect(&rig).delta_ms, 400);
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_good_proposal_is_voted_for),
        cmocka_unit_test(test_mutated_proposals_are_refused),
        cmocka_unit_test(test_invalid_headers_are_nullified_at_once),
        cmocka_unit_test(test_divergence_stops_signing),
        cmocka_unit_test(test_a_block_ahead_of_the_clock_waits),
        cmocka_unit_test(test_a_terminal_block_has_no_child),
        cmocka_unit_test(test_a_dead_leader_gets_no_time),
        cmocka_unit_test(test_a_dead_leaders_view_ends_before_work_comes),
        cmocka_unit_test(test_silence_of_too_many_ends_no_view),
        cmocka_unit_test(test_the_leaders_nullify_is_a_timeout),
        cmocka_unit_test(test_a_leader_without_certificates_gives_up),
        cmocka_unit_test(test_every_skipped_view_must_be_nullified),
        cmocka_unit_test(test_a_leader_skips_no_view_silently),
        cmocka_unit_test(test_a_leader_with_nothing_to_build_waits),
        cmocka_unit_test(test_a_commit_takes_one_step_off_delta),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
