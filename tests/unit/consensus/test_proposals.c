/*
 * on_proposal beyond the ordinary (docs/consensus.md): proposals whose parent is not what they say,
 * re-proposals of what may not be proposed again, and what comes enclosed. Each rule alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "consensus/certificates.h"
#include "consensus/chain.h"
#include "consensus/views.h"
#include "consensus/votes.h"
#include "tests/support/consensus_rig.h"

static const struct candidate nothing = {0};

/* A follower that leads none of the views 1 to 3. */
static void open_follower(struct rig *rig)
{
    rig_open(rig, 4, 0);
    const uint32_t own = rig_leader(rig, 4);
    rig_close(rig);
    rig_open(rig, 4, own);
    rig_start(rig);
}

static uint32_t other(const struct rig *rig, uint32_t step)
{
    return (rig->own + step) % 4;
}

static void certify(struct rig *rig, enum vote_kind kind, uint64_t view, struct candidate candidate)
{
    const struct certificate certificate =
        rig_certificate(rig, other(rig, 1), kind, view, candidate);
    rig_give_certificate(rig, &certificate);
}

static bool is_held(struct rig *rig, uint64_t view)
{
    const struct view_slot *slot = views_find(rig->consensus, view);
    return slot != NULL && slot->proposal.held;
}

static bool is_taken(const struct proposal *proposal, uint32_t peer)
{
    struct rig rig;
    open_follower(&rig);
    rig_step(&rig, (struct event){.kind = EVENT_PROPOSAL, .peer = peer, .proposal = proposal});
    const bool held = is_held(&rig, proposal->vote.view);
    rig_close(&rig);
    return held;
}

static void test_what_is_no_proposal(void **state)
{
    /* Each of these is signed well by the leader, and is not even remembered. */
    (void)state;
    struct rig rig;
    open_follower(&rig);
    const uint32_t leader = rig_leader(&rig, 1);
    const struct consensus_block block = rig_block(&rig, &rig.root, 1, 0);
    const struct proposal good = rig_proposal(&rig, 1, 0, &block);
    assert_true(is_taken(&good, leader));
    struct proposal bad = good;
    bad.vote.kind = VOTE_FINALIZE;
    net_sign(rig.net, &bad.vote);
    assert_false(is_taken(&bad, leader));
    bad = good;
    bad.vote.epoch = 2;
    net_sign(rig.net, &bad.vote);
    assert_false(is_taken(&bad, leader));
    bad = good;
    bad.vote.candidate.parent_view = 1; /* no vote at all: not below its view */
    net_sign(rig.net, &bad.vote);
    assert_false(is_taken(&bad, leader));
    bad = good;
    bad.vote.signer = rig_leader(&rig, 2); /* another's vote over the leader's link */
    net_sign(rig.net, &bad.vote);
    assert_false(is_taken(&bad, leader));
    bad = good;
    bad.vote.signature.bytes[1] ^= 1;
    assert_false(is_taken(&bad, leader));
    static struct certificate many[LIMIT_PROPOSAL_NULLIFICATIONS + 1];
    bad = good;
    for (uint32_t i = 0; i <= LIMIT_PROPOSAL_NULLIFICATIONS; i++) {
        many[i] = rig_certificate(&rig, 0, VOTE_NOTARIZE, 1, good.vote.candidate);
        many[i].epoch = 2; /* of no effect by themselves */
    }
    bad.nullifications = many;
    bad.nullification_count = LIMIT_PROPOSAL_NULLIFICATIONS;
    assert_true(is_taken(&bad, leader));
    bad.nullification_count++;
    assert_false(is_taken(&bad, leader));
    rig_close(&rig);
}

static void test_the_first_vote_of_a_leader_stays(void **state)
{
    /* on_vote: a leader that voted for A and proposes B has proposed nothing; it is convicted. */
    (void)state;
    struct rig rig;
    open_follower(&rig);
    const struct consensus_block a = rig_block(&rig, &rig.root, 1, 0);
    const struct consensus_block b = rig_block(&rig, &rig.root, 1, 0);
    const struct proposal first = rig_proposal(&rig, 1, 0, &a);
    const struct proposal second = rig_proposal(&rig, 1, 0, &b);
    rig_give_vote(&rig, &first.vote);
    rig_give_proposal(&rig, &second);
    assert_int_equal(rig_count(&rig, EFFECT_EVIDENCE), 1);
    assert_int_equal(rig_count(&rig, EFFECT_CHECK_BLOCK), 0);
    assert_false(is_held(&rig, 1));
    rig_give_proposal(&rig, &first);
    assert_int_equal(rig_count(&rig, EFFECT_CHECK_BLOCK), 1);
    rig_close(&rig);
}

static void test_what_is_enclosed_counts(void **state)
{
    /* on_proposal: enclosed certificates first: F's finalization, the parent's notarization, the
       nullifications of the views between. */
    (void)state;
    struct rig rig;
    open_follower(&rig);
    const struct consensus_block a = rig_block(&rig, &rig.root, 1, 0);
    const struct candidate candidate = {.block_hash = a.hash};
    const struct certificate parent =
        rig_certificate(&rig, other(&rig, 1), VOTE_NOTARIZE, 1, candidate);
    const struct certificate final =
        rig_certificate(&rig, other(&rig, 1), VOTE_FINALIZE, 1, candidate);
    const struct certificate nullified =
        rig_certificate(&rig, other(&rig, 1), VOTE_NULLIFY, 2, nothing);
    const struct consensus_block b = rig_block(&rig, &a, 3, 0);
    struct proposal proposal = rig_proposal(&rig, 3, 1, &b);
    proposal.parent = &parent;
    proposal.final = &final;
    proposal.nullifications = &nullified;
    proposal.nullification_count = 1;
    rig_give_proposal(&rig, &proposal);
    assert_int_equal(rig_view(&rig), 3);
    assert_non_null(certificates_find(rig.consensus, VOTE_NOTARIZE, 1));
    assert_non_null(certificates_find(rig.consensus, VOTE_FINALIZE, 1));
    assert_true(views_is_nullified(rig.consensus, 2));
    /* They are all it takes: once the parent is checked it is final, and its child is looked at. */
    rig_give_check(&rig, &a, BLOCK_AGREES);
    assert_int_equal(rig_count(&rig, EFFECT_COMMIT), 1);
    assert_int_equal(rig_count(&rig, EFFECT_CHECK_BLOCK), 1);
    rig_close(&rig);
}

static void test_a_parent_is_defined_by_a_certificate(void **state)
{
    /* on_proposal: block(p) of a view of which no certificate is held is not F, and not anything.
     */
    (void)state;
    struct rig rig;
    open_follower(&rig);
    certify(&rig, VOTE_NULLIFY, 2, nothing);
    const struct consensus_block block = rig_block(&rig, &rig.root, 3, 0);
    const struct proposal proposal = rig_proposal(&rig, 3, 1, &block);
    rig.now_ms += 1000;
    rig_give_proposal(&rig, &proposal);
    assert_true(is_held(&rig, 3));
    assert_int_equal(rig_count(&rig, EFFECT_CHECK_BLOCK), 0);
    const struct effect *request = rig_find(&rig, EFFECT_REQUEST_CERTIFICATES);
    assert_non_null(request);
    assert_int_equal(request->certificates.from_view, 1);
    assert_int_equal(request->certificates.to_view, 1);
    rig_close(&rig);
}

static void test_the_view_above_the_parent_must_be_nullified(void **state)
{
    /* on_proposal: every view in (p, v), the first one too. */
    (void)state;
    struct rig rig;
    open_follower(&rig);
    const struct consensus_block x = rig_block(&rig, &rig.root, 1, 0);
    certify(&rig, VOTE_NOTARIZE, 1, (struct candidate){.block_hash = x.hash});
    const struct consensus_block block = rig_block(&rig, &rig.root, 2, 0);
    const struct proposal proposal = rig_proposal(&rig, 2, 0, &block);
    rig_give_proposal(&rig, &proposal);
    rig_give_check(&rig, &block, BLOCK_AGREES);
    assert_false(rig_cast(&rig, VOTE_NOTARIZE, 2));
    rig_close(&rig);
}

static void test_f_proposed_again_stands_on_f(void **state)
{
    /* on_proposal: F's hash on a view that certifies its child would put F on top of that child. */
    (void)state;
    struct rig rig;
    open_follower(&rig);
    const struct consensus_block f = rig_block(&rig, &rig.root, 1, 0);
    rig_finalize(&rig, 1, 0, &f);
    const struct consensus_block child = rig_block(&rig, &f, 2, 0);
    certify(&rig, VOTE_NOTARIZE, 2, (struct candidate){.parent_view = 1, .block_hash = child.hash});
    struct proposal again = rig_proposal(&rig, 3, 2, &f);
    rig_give_proposal(&rig, &again);
    assert_true(is_held(&rig, 3));
    assert_false(rig_cast(&rig, VOTE_NOTARIZE, 3));
    rig_close(&rig);
    /* On itself it may be proposed again, by a leader that does not know it final. */
    open_follower(&rig);
    rig_finalize(&rig, 1, 0, &f);
    again = rig_proposal(&rig, 2, 1, &f);
    rig_give_proposal(&rig, &again);
    assert_true(rig_cast(&rig, VOTE_NOTARIZE, 2));
    rig_close(&rig);
}

static void test_only_a_child_of_f_is_proposed_again(void **state)
{
    /* on_proposal: a block two heights above F is notarized elsewhere; proposed again, it waits for
       catch-up. */
    (void)state;
    struct rig rig;
    open_follower(&rig);
    const struct consensus_block a = rig_block(&rig, &rig.root, 1, 0);
    const struct consensus_block b = rig_block(&rig, &a, 2, 0);
    certify(&rig, VOTE_NOTARIZE, 1, (struct candidate){.block_hash = a.hash});
    certify(&rig, VOTE_NOTARIZE, 2, (struct candidate){.parent_view = 1, .block_hash = b.hash});
    const struct proposal again = rig_proposal(&rig, 3, 2, &b);
    rig_give_proposal(&rig, &again);
    assert_true(is_held(&rig, 3));
    for (uint32_t i = 0; i < rig.net->effects.count; i++) {
        const struct effect *effect = &rig.net->effects.list[i];
        assert_false(effect->kind == EFFECT_CHECK_BLOCK &&
                     hash_equal(&effect->block_hash, &b.hash));
    }
    assert_false(rig_cast(&rig, VOTE_NULLIFY, 3));
    rig_close(&rig);
}

static void test_a_new_block_waits_for_its_parent_to_be_final(void **state)
{
    /* on_proposal: a child of a notarized block is not invalid; whether its parent is final is what
       this node does not know yet. */
    (void)state;
    struct rig rig;
    open_follower(&rig);
    const struct consensus_block a = rig_block(&rig, &rig.root, 1, 0);
    const struct consensus_block b = rig_block(&rig, &a, 2, 0);
    certify(&rig, VOTE_NOTARIZE, 1, (struct candidate){.block_hash = a.hash});
    const struct proposal proposal = rig_proposal(&rig, 2, 1, &b);
    rig_give_proposal(&rig, &proposal);
    assert_true(is_held(&rig, 2));
    assert_false(rig_alarmed(&rig, ALARM_INVALID_PROPOSAL));
    assert_false(rig_cast(&rig, VOTE_NULLIFY, 2));
    assert_false(rig_cast(&rig, VOTE_NOTARIZE, 2));
    rig_close(&rig);
}

static void test_a_parent_below_f_is_none(void **state)
{
    /* on_proposal: F.view <= p; nothing below F is asked for, and no block is defined there. */
    (void)state;
    struct rig rig;
    open_follower(&rig);
    const struct consensus_block f = rig_block(&rig, &rig.root, 2, 0);
    certify(&rig, VOTE_NULLIFY, 1, nothing);
    rig_finalize(&rig, 2, 0, &f);
    const struct consensus_block block = rig_block(&rig, &f, 3, 0);
    const struct proposal proposal = rig_proposal(&rig, 3, 1, &block);
    rig.now_ms += 1000;
    rig_give_proposal(&rig, &proposal);
    assert_int_equal(rig_count(&rig, EFFECT_CHECK_BLOCK), 0);
    const struct effect *request = rig_find(&rig, EFFECT_REQUEST_CERTIFICATES);
    assert_true(request == NULL || request->certificates.from_view > 2);
    /* What an anchor may still hold there defines nothing. */
    struct consensus *c = rig.consensus;
    struct hash hash;
    const struct candidate old = {.block_hash = block.hash};
    const struct certificate certificate = rig_certificate(&rig, 1, VOTE_NOTARIZE, 1, old);
    c->anchors[0].view = 1;
    certificates_import(&c->anchors[0].by_kind[VOTE_NOTARIZE - 1], &certificate);
    assert_false(chain_block_of(c, 1, &hash));
    assert_true(chain_block_of(c, 2, &hash));
    assert_true(hash_equal(&hash, &f.hash));
    c->anchors[0].view = 0;
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_no_proposal),
        cmocka_unit_test(test_the_first_vote_of_a_leader_stays),
        cmocka_unit_test(test_what_is_enclosed_counts),
        cmocka_unit_test(test_a_parent_is_defined_by_a_certificate),
        cmocka_unit_test(test_the_view_above_the_parent_must_be_nullified),
        cmocka_unit_test(test_f_proposed_again_stands_on_f),
        cmocka_unit_test(test_only_a_child_of_f_is_proposed_again),
        cmocka_unit_test(test_a_new_block_waits_for_its_parent_to_be_final),
        cmocka_unit_test(test_a_parent_below_f_is_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
