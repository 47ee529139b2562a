/*
 * What stands relative to F, what own execution says of it, and what comes by catch-up
 * (docs/consensus.md, try_finalize, try_commit, Catch-up), each rule alone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "consensus/certificates.h"
#include "consensus/chain.h"
#include "tests/support/consensus_rig.h"

static const struct candidate nothing = {0};

/* A machine whose F is the block of view 2, height 1. */
static struct consensus_block open_with_f(struct rig *rig)
{
    rig_open(rig, 4, 0);
    const uint32_t own = rig_leader(rig, 1);
    rig_close(rig);
    rig_open(rig, 4, own);
    rig_start(rig);
    const struct certificate first = rig_certificate(rig, (own + 1) % 4, VOTE_NULLIFY, 1, nothing);
    rig_give_certificate(rig, &first);
    const struct consensus_block f = rig_block(rig, &rig->root, 2, 0);
    rig_finalize(rig, 2, 0, &f);
    return f;
}

static void certify(struct rig *rig, enum vote_kind kind, uint64_t view, uint64_t parent_view,
                    const struct consensus_block *block)
{
    const struct candidate candidate = {.parent_view = parent_view, .block_hash = block->hash};
    const struct certificate certificate =
        rig_certificate(rig, (rig->own + 1) % 4, kind, view, candidate);
    rig_give_certificate(rig, &certificate);
}

static struct consensus_block changed(struct rig *rig, const struct consensus_block *block,
                                      uint64_t height, uint64_t epoch)
{
    struct consensus_block fields = *block;
    fields.height = height;
    fields.epoch = epoch;
    return net_make_block(rig->net, &fields, true)->block;
}

static enum relation relation_of(struct rig *rig, const struct consensus_block *block)
{
    const struct candidate candidate = {.parent_view = 2, .block_hash = block->hash};
    (void)chain_learn(rig->consensus, block);
    return chain_relation(rig->consensus, &candidate);
}

static void test_a_child_by_its_header(void **state)
{
    /* A child of F has F for its parent, the next height, and this epoch. */
    (void)state;
    struct rig rig;
    const struct consensus_block f = open_with_f(&rig);
    const struct consensus_block child = rig_block(&rig, &f, 3, 0);
    assert_int_equal(relation_of(&rig, &child), RELATION_CHILD);
    assert_int_equal(relation_of(&rig, &f), RELATION_FINAL);
    const struct consensus_block orphan = rig_block(&rig, &rig.root, 3, 0);
    const struct consensus_block stray = changed(&rig, &orphan, 2, 1);
    const struct consensus_block high = changed(&rig, &child, 3, 1);
    const struct consensus_block later = changed(&rig, &child, 2, 2);
    assert_int_equal(relation_of(&rig, &stray), RELATION_DEEPER);
    assert_int_equal(relation_of(&rig, &high), RELATION_DEEPER);
    assert_int_equal(relation_of(&rig, &later), RELATION_DEEPER);
    rig_close(&rig);
}

static void test_a_child_by_its_certificates(void **state)
{
    /* Without a header: down the re-proposals to the view it was first proposed on. */
    (void)state;
    struct rig rig;
    const struct consensus_block f = open_with_f(&rig);
    const struct consensus_block child = rig_block(&rig, &f, 3, 0);
    const struct consensus_block grandchild = rig_block(&rig, &child, 5, 0);
    certify(&rig, VOTE_NOTARIZE, 3, 2, &child);
    certify(&rig, VOTE_NOTARIZE, 4, 3, &child);
    certify(&rig, VOTE_NOTARIZE, 5, 4, &grandchild);
    struct candidate candidate = {.parent_view = 3, .block_hash = child.hash};
    assert_int_equal(chain_relation(rig.consensus, &candidate), RELATION_CHILD);
    candidate = (struct candidate){.parent_view = 4, .block_hash = grandchild.hash};
    assert_int_equal(chain_relation(rig.consensus, &candidate), RELATION_DEEPER);
    candidate = (struct candidate){.parent_view = 7, .block_hash = grandchild.hash};
    assert_int_equal(chain_relation(rig.consensus, &candidate), RELATION_UNKNOWN);
    rig_close(&rig);
}

static enum trial trial_of(struct rig *rig, const struct consensus_block *block)
{
    const struct known_block *known = chain_find(rig->consensus, &block->hash);
    assert_non_null(known);
    return known->trial;
}

static void test_verdicts(void **state)
{
    /* The first verdict stays; it comes with the block's own header; only a child of F has one. */
    (void)state;
    struct rig rig;
    const struct consensus_block f = open_with_f(&rig);
    const struct consensus_block child = rig_block(&rig, &f, 3, 0);
    (void)chain_want(rig.consensus, &child.hash, 1);
    rig_give_check(&rig, &child, BLOCK_AGREES);
    rig_give_check(&rig, &child, BLOCK_INVALID);
    assert_int_equal(trial_of(&rig, &child), TRIAL_AGREES);

    const struct consensus_block second = rig_block(&rig, &f, 3, 0);
    (void)chain_want(rig.consensus, &second.hash, 1);
    struct event event = {.kind = EVENT_BLOCK_CHECKED};
    event.checked.hash = second.hash;
    event.checked.check = BLOCK_AGREES;
    event.checked.block = child;
    rig_step(&rig, event);
    assert_int_equal(trial_of(&rig, &second), TRIAL_NONE);

    const struct consensus_block deep = rig_block(&rig, &child, 3, 0);
    const struct consensus_block deeper = rig_block(&rig, &child, 4, 0);
    (void)chain_want(rig.consensus, &deep.hash, 1);
    (void)chain_want(rig.consensus, &deeper.hash, 1);
    rig_give_check(&rig, &deep, BLOCK_AGREES);
    rig_give_check(&rig, &deeper, BLOCK_INVALID);
    assert_int_equal(trial_of(&rig, &deep), TRIAL_NONE);
    assert_int_equal(trial_of(&rig, &deeper), TRIAL_NONE);
    rig_close(&rig);
}

static void test_a_question_about_the_last_f_is_asked_again(void **state)
{
    /* What was asked, or said, of a block on one F says nothing on the next. */
    (void)state;
    struct rig rig;
    const struct consensus_block f = open_with_f(&rig);
    const struct consensus_block child = rig_block(&rig, &f, 3, 0);
    const struct consensus_block grandchild = rig_block(&rig, &child, 4, 0);
    (void)chain_learn(rig.consensus, &grandchild);
    (void)chain_want(rig.consensus, &grandchild.hash, 1);
    assert_int_equal(trial_of(&rig, &grandchild), TRIAL_ASKED);
    rig_finalize(&rig, 3, 2, &child);
    assert_int_equal(trial_of(&rig, &grandchild), TRIAL_NONE);
    rig_close(&rig);
}

/* Whether a child process that runs this dies of a CHECK. */
static bool dies(void (*run)(struct rig *rig, const struct consensus_block *f))
{
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit none = {0, 0};
        struct rig rig;
        (void)setrlimit(RLIMIT_CORE, &none);
        (void)close(2);
        const struct consensus_block f = open_with_f(&rig);
        run(&rig, &f);
        _exit(0);
    }
    int outcome;
    assert_int_equal(waitpid(child, &outcome, 0), child);
    return !WIFEXITED(outcome) || WEXITSTATUS(outcome) != 0;
}

static void persist_what_agrees(struct rig *rig, const struct consensus_block *f)
{
    const struct consensus_block child = rig_block(rig, f, 3, 0);
    struct known_block *known = chain_learn(rig->consensus, &child);
    known->trial = TRIAL_AGREES;
    chain_persist(rig->consensus, known);
}
static void persist_what_was_not_tried(struct rig *rig, const struct consensus_block *f)
{
    const struct consensus_block child = rig_block(rig, f, 3, 0);
    chain_persist(rig->consensus, chain_learn(rig->consensus, &child));
}

static void test_only_what_agrees_is_pinned(void **state)
{
    (void)state;
    assert_false(dies(persist_what_agrees));
    assert_true(dies(persist_what_was_not_tried));
}

static void test_a_final_block_that_is_no_child_of_f(void **state)
{
    /* try_commit: at F's height + 1 or below it contradicts F, and halts; above it is only ahead.
     */
    (void)state;
    struct rig rig;
    const struct consensus_block f = open_with_f(&rig);
    const struct consensus_block child = rig_block(&rig, &f, 3, 0);
    const struct consensus_block grandchild = rig_block(&rig, &child, 4, 0);
    (void)chain_learn(rig.consensus, &grandchild);
    certify(&rig, VOTE_FINALIZE, 4, 3, &grandchild);
    assert_false(rig_inspect(&rig).halted);
    const struct consensus_block rival = rig_block(&rig, &rig.root, 5, 0);
    (void)chain_learn(rig.consensus, &rival);
    certify(&rig, VOTE_FINALIZE, 5, 2, &rival);
    assert_true(rig_inspect(&rig).halted);
    assert_true(rig_alarmed(&rig, ALARM_SAFETY_CHAIN));
    rig_close(&rig);
}

static void test_old_certificates(void **state)
{
    /* on_certificate, at or below F.view: what the final chain can explain is nothing; what it
       cannot is kept, if it is genuine, and halts. */
    (void)state;
    struct rig rig;
    const struct consensus_block f = open_with_f(&rig);
    const struct consensus_block other = rig_block(&rig, &rig.root, 1, 0);
    certify(&rig, VOTE_NOTARIZE, 1, 0, &other);
    certify(&rig, VOTE_NOTARIZE, 2, 0, &other); /* F's view has another; F is final, this is not */
    certify(&rig, VOTE_FINALIZE, 1, 0, &f);     /* F, final in a view before its own */
    const struct certificate skipped = rig_certificate(&rig, 1, VOTE_NULLIFY, 1, nothing);
    rig_give_certificate(&rig, &skipped);
    assert_false(rig_inspect(&rig).halted);
    struct certificate contrary = rig_certificate(&rig, 1, VOTE_NULLIFY, 2, nothing);
    contrary.signatures[1].bytes[0] ^= 1;
    rig_give_certificate(&rig, &contrary);
    assert_false(rig_inspect(&rig).halted);
    assert_int_equal(rig_count(&rig, EFFECT_CONFLICT), 0);
    contrary.signatures[1].bytes[0] ^= 1;
    rig_give_certificate(&rig, &contrary);
    assert_true(rig_inspect(&rig).halted);
    assert_true(rig_alarmed(&rig, ALARM_SAFETY_CERTIFICATES));
    const struct effect *kept = rig_find(&rig, EFFECT_CONFLICT);
    assert_non_null(kept);
    assert_non_null(kept->conflict.first);
    assert_int_equal(kept->conflict.first->kind, VOTE_FINALIZE);
    assert_int_equal(kept->conflict.second->kind, VOTE_NULLIFY);
    rig_close(&rig);
}

static void test_f_never_goes_back(void **state)
{
    /* I10: a finalization of F at an earlier view, wherever it may still stand, does not lower its
       view. */
    (void)state;
    struct rig rig;
    const struct consensus_block f = open_with_f(&rig);
    struct consensus *c = rig.consensus;
    const struct candidate candidate = {.block_hash = f.hash};
    const struct certificate early = rig_certificate(&rig, 1, VOTE_FINALIZE, 1, candidate);
    c->anchors[0].view = 1;
    certificates_import(&c->anchors[0].by_kind[VOTE_FINALIZE - 1], &early);
    c->catchup[2].held = true;
    c->catchup[2].view = 1;
    c->catchup[2].block = f;
    certificates_import(&c->catchup[2].finalization, &early);
    rig_tick(&rig, 100);
    assert_int_equal(rig_inspect(&rig).final_view, 2);
    rig_close(&rig);
}

static bool finalizes(const struct rig *rig, uint64_t view)
{
    return rig_cast(rig, VOTE_FINALIZE, view);
}

static void test_finalize_needs_a_notarization(void **state)
{
    /* try_finalize: a block that this node voted for, in a view that was then nullified. */
    (void)state;
    struct rig rig;
    const struct consensus_block f = open_with_f(&rig);
    const struct consensus_block child = rig_block(&rig, &f, 3, 0);
    const struct proposal proposal = rig_proposal(&rig, 3, 2, &child);
    rig_give_proposal(&rig, &proposal);
    rig_give_check(&rig, &child, BLOCK_AGREES);
    assert_true(rig_cast(&rig, VOTE_NOTARIZE, 3));
    const struct certificate nullified =
        rig_certificate(&rig, (rig.own + 1) % 4, VOTE_NULLIFY, 3, nothing);
    rig_give_certificate(&rig, &nullified);
    assert_int_equal(rig_view(&rig), 4);
    assert_false(finalizes(&rig, 3));
    /* Should the notarization come after all, it is finalized: this node did not nullify. */
    certify(&rig, VOTE_NOTARIZE, 3, 2, &child);
    assert_true(finalizes(&rig, 3));
    rig_close(&rig);
}

static void test_only_a_child_of_f_is_finalized(void **state)
{
    /* try_finalize: own execution of a deeper block is not possible yet. */
    (void)state;
    struct rig rig;
    const struct consensus_block f = open_with_f(&rig);
    const struct consensus_block child = rig_block(&rig, &f, 3, 0);
    const struct consensus_block grandchild = rig_block(&rig, &child, 4, 0);
    (void)chain_learn(rig.consensus, &grandchild);
    certify(&rig, VOTE_NOTARIZE, 4, 3, &grandchild);
    assert_int_equal(rig_view(&rig), 5);
    assert_false(finalizes(&rig, 4));
    rig_close(&rig);
}

/* Gives a block and its finalization as a peer's answer; whether they were kept. */
static bool is_kept(struct rig *rig, const struct consensus_block *block,
                    const struct certificate *finalization)
{
    struct event event = {.kind = EVENT_CATCHUP_BLOCK, .peer = (rig->own + 1) % 4};
    event.catchup.block = *block;
    event.catchup.finalization = finalization;
    rig_step(rig, event);
    const struct catchup_slot *slot = &rig->consensus->catchup[block->height % CATCHUP_WINDOW];
    return slot->held && hash_equal(&slot->block.hash, &block->hash);
}

static struct certificate certificate_of(struct rig *rig, enum vote_kind kind, uint64_t view,
                                         const struct consensus_block *block)
{
    const struct candidate candidate = {.parent_view = 2, .block_hash = block->hash};
    return rig_certificate(rig, (rig->own + 1) % 4, kind, view, candidate);
}

static void test_what_catchup_takes(void **state)
{
    /* Catch-up: a block above F and within the window, of this epoch, with its own genuine
       finalization; nothing else is kept, let alone committed. */
    (void)state;
    struct rig rig;
    const struct consensus_block f = open_with_f(&rig);
    const struct consensus_block child = rig_block(&rig, &f, 3, 0);
    const struct consensus_block far = changed(&rig, &child, 2 + CATCHUP_WINDOW, 1);
    const struct consensus_block later = changed(&rig, &child, 2, 2);
    const struct consensus_block again = f;
    struct certificate certificate = certificate_of(&rig, VOTE_NOTARIZE, 3, &child);
    assert_false(is_kept(&rig, &child, &certificate));
    assert_int_equal(rig_count(&rig, EFFECT_COMMIT), 0);
    certificate = certificate_of(&rig, VOTE_FINALIZE, 9, &far);
    assert_false(is_kept(&rig, &far, &certificate));
    certificate = certificate_of(&rig, VOTE_FINALIZE, 9, &later);
    assert_false(is_kept(&rig, &later, &certificate));
    certificate = certificate_of(&rig, VOTE_FINALIZE, 9, &later);
    assert_false(is_kept(&rig, &child, &certificate));
    certificate = certificate_of(&rig, VOTE_FINALIZE, 9, &child);
    certificate.signatures[0].bytes[0] ^= 1;
    assert_false(is_kept(&rig, &child, &certificate));
    certificate = certificate_of(&rig, VOTE_FINALIZE, 4, &again);
    assert_false(is_kept(&rig, &again, &certificate));
    assert_int_equal(rig_inspect(&rig).final_height, 1);
    rig_close(&rig);
    (void)open_with_f(&rig);
    certificate = certificate_of(&rig, VOTE_FINALIZE, 9, &child);
    assert_true(is_kept(&rig, &child, &certificate));
    /* The finalization counts as any other, before its block does: the next view is open. */
    assert_int_equal(rig_view(&rig), 10);
    assert_non_null(certificates_find(rig.consensus, VOTE_FINALIZE, 9));
    rig_give_check(&rig, &child, BLOCK_AGREES);
    assert_int_equal(rig_inspect(&rig).final_height, 2);
    rig_close(&rig);
}

static void test_a_fork_halts_whatever_is_remembered(void **state)
{
    /* A store that is damaged below F leaves only F to be remembered. A final block of its height +
       1 that does not follow it is a fork, also in a view below F's; a forged finalization of one
       is nothing. */
    (void)state;
    for (uint32_t forged = 0; forged < 2; forged++) {
        struct rig rig;
        const struct consensus_block f = open_with_f(&rig);
        struct consensus_block foreign = rig_block(&rig, &f, 9, 0);
        foreign.parent_hash.bytes[0] ^= 1;
        rig.consensus->finals[0] = rig.consensus->finals[rig.consensus->final_count - 1];
        rig.consensus->final_count = 1;
        assert_int_equal(foreign.height, f.height + 1);
        const struct candidate candidate = {.parent_view = 0, .block_hash = foreign.hash};
        struct certificate certificate =
            rig_certificate(&rig, (rig.own + 1) % 4, VOTE_FINALIZE, 1, candidate);
        certificate.signatures[0].bytes[0] ^= (uint8_t)forged;
        assert_false(is_kept(&rig, &foreign, &certificate));
        assert_int_equal(rig_inspect(&rig).halted, forged == 0);
        rig_close(&rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_child_by_its_header),
        cmocka_unit_test(test_a_child_by_its_certificates),
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_a_question_about_the_last_f_is_asked_again),
        cmocka_unit_test(test_only_what_agrees_is_pinned),
        cmocka_unit_test(test_a_final_block_that_is_no_child_of_f),
        cmocka_unit_test(test_old_certificates),
        cmocka_unit_test(test_f_never_goes_back),
        cmocka_unit_test(test_finalize_needs_a_notarization),
        cmocka_unit_test(test_only_a_child_of_f_is_finalized),
        cmocka_unit_test(test_what_catchup_takes),
        cmocka_unit_test(test_a_fork_halts_whatever_is_remembered),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
