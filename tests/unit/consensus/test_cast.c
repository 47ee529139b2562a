/*
 * cast by itself (docs/consensus.md, cast): every rule of it against states in which the callers
 * would never ask, because each has a check of its own in front. cast is the last wall before the
 * key, so each of its stones is tried alone: the machine's state is set by hand.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "consensus/safety.h"
#include "consensus/votes.h"
#include "tests/support/consensus_rig.h"

#define VIEW 10

static const struct candidate nothing = {0};

/* A machine of four in view 10 that may sign anything there. */
static struct consensus *open_at_view(struct rig *rig)
{
    rig_open(rig, 4, 0);
    rig_start(rig);
    const struct certificate certificate = rig_certificate(rig, 1, VOTE_NULLIFY, VIEW - 1, nothing);
    rig_give_certificate(rig, &certificate);
    assert_int_equal(rig_view(rig), VIEW);
    return rig->consensus;
}

static bool may(struct consensus *c, enum vote_kind kind, uint64_t view)
{
    return safety_may_cast(c, kind, view);
}

static bool may_any(struct consensus *c, uint64_t view)
{
    return may(c, VOTE_NOTARIZE, view) || may(c, VOTE_NULLIFY, view) || may(c, VOTE_FINALIZE, view);
}

static bool may_all(struct consensus *c, uint64_t view)
{
    return may(c, VOTE_NOTARIZE, view) && may(c, VOTE_NULLIFY, view) && may(c, VOTE_FINALIZE, view);
}

static void test_views(void **state)
{
    /* NOTARIZE and NULLIFY in the current view alone; FINALIZE in it and in those before it, down
       to where own votes are remembered and F is. */
    (void)state;
    struct rig rig;
    struct consensus *c = open_at_view(&rig);
    assert_true(may_all(c, VIEW));
    assert_false(may(c, VOTE_NOTARIZE, VIEW - 2));
    assert_false(may(c, VOTE_NULLIFY, VIEW - 2));
    assert_true(may(c, VOTE_FINALIZE, VIEW - 2));
    assert_false(may_any(c, VIEW + 1));
    assert_false(may_any(c, 0));
    c->tail = 6;
    assert_true(may(c, VOTE_FINALIZE, 6));
    assert_false(may_any(c, 5));
    c->final_view = 5;
    assert_true(may(c, VOTE_FINALIZE, 6));
    assert_false(may_any(c, 5));
    assert_false(may_any(c, 4));
    rig_close(&rig);
}

static void test_states(void **state)
{
    /* Whatever forbids signing at all forbids every kind. */
    (void)state;
    struct rig rig;
    struct consensus *c = open_at_view(&rig);
    bool *const flags[] = {&c->halted, &c->diverged, &c->register_behind,
                           &c->vote_register.rejoining};
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        assert_true(may_all(c, VIEW));
        *flags[i] = true;
        assert_false(safety_may_sign(c));
        assert_false(may_any(c, VIEW));
        *flags[i] = false;
    }
    c->may_sign = false;
    assert_false(safety_may_sign(c));
    assert_false(may_any(c, VIEW));
    c->may_sign = true;
    c->config.own_index = CONSENSUS_OBSERVER;
    assert_false(safety_may_sign(c));
    assert_false(may_any(c, VIEW));
    rig_close(&rig);
}

static void test_floors(void **state)
{
    /* At or below (epoch, view) of the floor nothing, nor below the register's epoch, nor below the
       view that it stood at when the node started. */
    (void)state;
    struct rig rig;
    struct consensus *c = open_at_view(&rig);
    struct vote_register *reg = &c->vote_register;
    reg->floor_epoch = 2;
    assert_false(may_any(c, VIEW));
    reg->floor_epoch = 1;
    reg->floor_view = VIEW;
    assert_false(may_any(c, VIEW));
    reg->floor_view = VIEW - 1;
    assert_true(may_all(c, VIEW));
    reg->floor_epoch = 0;
    reg->floor_view = 1000;
    assert_true(may_all(c, VIEW));
    reg->floor_view = 0;
    c->boot_view = VIEW + 1;
    assert_false(may_any(c, VIEW));
    c->boot_view = VIEW;
    assert_true(may_all(c, VIEW));
    reg->epoch = 2;
    assert_false(may_any(c, VIEW));
    rig_close(&rig);
}

/* What may be cast after one vote, as pool or register remember it. */
static void check_after(struct consensus *c, enum vote_kind kind)
{
    assert_true(safety_has_cast(c, kind, VIEW));
    assert_false(may(c, kind, VIEW));
    switch (kind) {
    case VOTE_NOTARIZE:
        assert_true(may(c, VOTE_NULLIFY, VIEW));
        assert_true(may(c, VOTE_FINALIZE, VIEW));
        return;
    case VOTE_NULLIFY:
        assert_false(may(c, VOTE_NOTARIZE, VIEW));
        assert_false(may(c, VOTE_FINALIZE, VIEW));
        return;
    case VOTE_FINALIZE:
        assert_true(may(c, VOTE_NOTARIZE, VIEW));
        assert_false(may(c, VOTE_NULLIFY, VIEW));
        return;
    }
}

static struct candidate some_candidate(enum vote_kind kind)
{
    struct candidate candidate = {.parent_view = kind == VOTE_NULLIFY ? 0 : 1};
    candidate.block_hash.bytes[0] = kind == VOTE_NULLIFY ? 0 : 9;
    return candidate;
}

static void test_votes_cast_before(void **state)
{
    /* I6: each kind once; none beside NULLIFY, but NULLIFY after NOTARIZE. The pool and the
       register each suffice to remember. */
    (void)state;
    for (enum vote_kind kind = VOTE_NOTARIZE; kind <= VOTE_FINALIZE; kind++) {
        struct rig rig;
        struct consensus *c = open_at_view(&rig);
        const struct vote vote = rig_vote(&rig, rig.own, kind, VIEW, some_candidate(kind));
        assert_true(votes_admit(c, &vote));
        check_after(c, kind);
        rig_close(&rig);

        c = open_at_view(&rig);
        c->vote_register.epoch = 1;
        c->vote_register.view = VIEW;
        c->vote_register.voted[kind - 1] = true;
        check_after(c, kind);
        /* In another view, and in another epoch, it says nothing. */
        c->vote_register.view = VIEW - 1;
        assert_true(may_all(c, VIEW));
        c->vote_register.view = VIEW;
        c->vote_register.epoch = 0;
        assert_true(may_all(c, VIEW));
        rig_close(&rig);
    }
}

static void test_the_register_only_rises(void **state)
{
    /* A late FINALIZE, another vote of a kind that stands, a vote of an earlier epoch: none changes
       it. A higher view starts empty. */
    (void)state;
    struct rig rig;
    struct consensus *c = open_at_view(&rig);
    struct vote_register *reg = &c->vote_register;
    struct vote first = rig_vote(&rig, rig.own, VOTE_NOTARIZE, 7, some_candidate(VOTE_NOTARIZE));
    assert_true(safety_register_vote(c, &first));
    assert_int_equal(reg->view, 7);
    const struct vote late = rig_vote(&rig, rig.own, VOTE_FINALIZE, 5, first.candidate);
    assert_false(safety_register_vote(c, &late));
    assert_int_equal(reg->view, 7);
    assert_true(reg->voted[VOTE_NOTARIZE - 1]);
    assert_false(reg->voted[VOTE_FINALIZE - 1]);
    struct vote second = first;
    second.candidate.block_hash.bytes[1] = 1;
    assert_false(safety_register_vote(c, &second));
    assert_true(vote_same_preimage(&reg->votes[VOTE_NOTARIZE - 1], &first));
    const struct vote next = rig_vote(&rig, rig.own, VOTE_NULLIFY, 8, nothing);
    assert_true(safety_register_vote(c, &next));
    assert_false(reg->voted[VOTE_NOTARIZE - 1]);
    assert_true(reg->voted[VOTE_NULLIFY - 1]);
    reg->epoch = 2;
    reg->view = 1;
    first.view = 9;
    (void)safety_register_vote(c, &first);
    assert_int_equal(reg->epoch, 2);
    assert_int_equal(reg->view, 1);
    rig_close(&rig);
}

/* Whether the child that runs this dies of a CHECK. */
static bool dies(void (*run)(struct rig *rig))
{
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit none = {0, 0};
        struct rig rig;
        (void)setrlimit(RLIMIT_CORE, &none);
        (void)close(2);
        (void)open_at_view(&rig);
        run(&rig);
        _exit(0);
    }
    int outcome;
    assert_int_equal(waitpid(child, &outcome, 0), child);
    return !WIFEXITED(outcome) || WEXITSTATUS(outcome) != 0;
}

static void cast_a_nullify(struct rig *rig)
{
    safety_cast(rig->consensus, VOTE_NULLIFY, VIEW, NULL, CAST_SEND);
}
static void cast_in_another_view(struct rig *rig)
{
    safety_cast(rig->consensus, VOTE_NULLIFY, VIEW - 2, NULL, CAST_SEND);
}
static void cast_a_nullify_with_a_candidate(struct rig *rig)
{
    const struct candidate candidate = some_candidate(VOTE_NOTARIZE);
    safety_cast(rig->consensus, VOTE_NULLIFY, VIEW, &candidate, CAST_SEND);
}
static void cast_a_notarize_without_one(struct rig *rig)
{
    safety_cast(rig->consensus, VOTE_NOTARIZE, VIEW, NULL, CAST_SEND);
}

static void test_cast_refuses_by_itself(void **state)
{
    /* A caller that did not ask first ends the process before anything is signed. */
    (void)state;
    assert_false(dies(cast_a_nullify));
    assert_true(dies(cast_in_another_view));
    assert_true(dies(cast_a_nullify_with_a_candidate));
    assert_true(dies(cast_a_notarize_without_one));
}

/* Whether a genuine own vote that a peer shows stops the signing of a machine whose register stands
   at view 3, with a NOTARIZE in it. */
static bool is_behind(enum vote_kind kind, uint64_t view)
{
    struct rig rig;
    rig_open(&rig, 4, 0);
    const struct candidate candidate = some_candidate(VOTE_NOTARIZE);
    rig.vote_register =
        (struct vote_register){.chain_id = rig.net->chain_id, .epoch = 1, .view = 3};
    rig.vote_register.voted[VOTE_NOTARIZE - 1] = true;
    rig.vote_register.votes[VOTE_NOTARIZE - 1] = rig_vote(&rig, 0, VOTE_NOTARIZE, 3, candidate);
    assert_int_equal(rig_restore(&rig, (struct consensus_recovery){0}), STATUS_OK);
    const struct vote shown =
        rig_vote(&rig, 0, kind, view, kind == VOTE_NULLIFY ? nothing : candidate);
    rig_give_vote(&rig, &shown);
    const bool behind = rig_alarmed(&rig, ALARM_REGISTER_BEHIND);
    rig_close(&rig);
    return behind;
}

static void test_own_votes_beyond_the_register(void **state)
{
    /* Boot: beyond it are higher views, and in its own view the kinds that it does not name. */
    (void)state;
    assert_false(is_behind(VOTE_NOTARIZE, 3));
    assert_false(is_behind(VOTE_NULLIFY, 2));
    assert_true(is_behind(VOTE_NULLIFY, 3));
    assert_true(is_behind(VOTE_FINALIZE, 3));
    assert_true(is_behind(VOTE_NULLIFY, 4));
}

static void test_a_register_of_an_earlier_epoch(void **state)
{
    /* Epochs: its votes are none of this epoch's: not sent, not counted, not in the way. */
    (void)state;
    struct rig rig;
    rig_open(&rig, 4, 0);
    rig.vote_register =
        (struct vote_register){.chain_id = rig.net->chain_id, .epoch = 0, .view = 1};
    rig.vote_register.voted[VOTE_NULLIFY - 1] = true;
    rig.vote_register.votes[VOTE_NULLIFY - 1] = rig_vote(&rig, 0, VOTE_NULLIFY, 1, nothing);
    rig.vote_register.votes[VOTE_NULLIFY - 1].epoch = 0;
    assert_int_equal(rig_restore(&rig, (struct consensus_recovery){0}), STATUS_OK);
    assert_int_equal(rig_count(&rig, EFFECT_SEND_VOTE), 0);
    assert_int_equal(rig_count(&rig, EFFECT_PERSIST_VOTE), 0);
    for (uint32_t i = 1; i < 4; i++) {
        rig_hear(&rig, i);
    }
    assert_null(votes_find(rig.consensus, VOTE_NULLIFY, 1, 0));
    assert_true(may_all(rig.consensus, 1));
    rig_close(&rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_views),
        cmocka_unit_test(test_states),
        cmocka_unit_test(test_floors),
        cmocka_unit_test(test_votes_cast_before),
        cmocka_unit_test(test_the_register_only_rises),
        cmocka_unit_test(test_cast_refuses_by_itself),
        cmocka_unit_test(test_own_votes_beyond_the_register),
        cmocka_unit_test(test_a_register_of_an_earlier_epoch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
