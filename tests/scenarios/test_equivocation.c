/*
 * Directed test 3: the leader equivocates in every view, with a quorum on one side. The proposals
 * of honest leaders are lost, so that every block there is comes from the faulty one, twice: A to
 * itself and as many others as make a quorum, B to the rest.
 *
 * What it attacks: one notarization a view, and the minority's way back: it holds B, voted for it,
 * and A becomes final without it. What stands against it: one NOTARIZE a view and key, a block
 * defined by a certificate alone, and FINALIZE for a notarized block whatever else was voted for.
 * Tried with every minority, and with every way the leader may use its other votes: its FINALIZE to
 * all, to one side or to none; a NULLIFY beside it to the minority; A's bytes kept from the
 * minority.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tests/scenarios/scenario.h"

enum spread { TO_ALL, TO_QUORUM_SIDE, TO_NOBODY, SPREADS };

struct attack {
    uint32_t minority; /* a bit a node that is given B */
    enum spread finalize;
    bool nullify; /* to the minority, beside everything else */
    uint64_t equivocated, view;
    struct proposal other; /* B, of that view */
};

static bool reaches(const struct attack *attack, enum spread spread, uint32_t to)
{
    return spread == TO_ALL || (spread == TO_QUORUM_SIDE && (attack->minority >> to & 1) == 0);
}

/* B: a sibling of the block proposed, whole and valid. One a view, for all of the minority. */
static void make_other(struct net *net, struct attack *attack, const struct proposal *proposal)
{
    struct consensus_block fields = proposal->block;
    fields.timestamp_ms++;
    const struct net_block *block = net_make_block(net, &fields, true);
    net_hold(net, &net->nodes[net->config.byzantine], block);
    attack->other = *proposal;
    attack->other.block = block->block;
    attack->other.vote.candidate.block_hash = block->block.hash;
    net_sign(net, &attack->other.vote);
    attack->view = proposal->vote.view;
    attack->equivocated++;
}

static void nullify_too(struct net *net, uint64_t view, uint32_t to)
{
    struct vote vote = {
        .kind = VOTE_NULLIFY, .signer = net->config.byzantine, .epoch = 1, .view = view};
    net_sign(net, &vote);
    const struct effect effect = {.kind = EFFECT_SEND_VOTE, .peer = to, .vote = &vote};
    net_send(net, net->config.byzantine, to, &effect);
}

/* Sends B in place of A. The certificates that A's proposal points to live as long as this call. */
static bool send_other(struct net *net, struct attack *attack, const struct proposal *proposal,
                       uint32_t to)
{
    if (attack->view != proposal->vote.view) {
        make_other(net, attack, proposal);
    }
    struct proposal other = *proposal;
    other.vote = attack->other.vote;
    other.block = attack->other.block;
    const struct effect effect = {.kind = EFFECT_SEND_PROPOSAL, .peer = to, .proposal = &other};
    net_send(net, net->config.byzantine, to, &effect);
    if (attack->nullify) {
        nullify_too(net, proposal->vote.view, to);
    }
    return true;
}

static bool equivocate(struct net *net, const struct effect *effect, uint32_t from, uint32_t to)
{
    struct attack *attack = net->filter_context;
    if (from != net->config.byzantine) {
        return effect->kind == EFFECT_SEND_PROPOSAL;
    }
    const bool in_minority = (attack->minority >> to & 1) != 0;
    if (effect->kind == EFFECT_SEND_PROPOSAL && effect->proposal->has_block && in_minority) {
        return send_other(net, attack, effect->proposal, to);
    }
    if (effect->kind == EFFECT_SEND_VOTE && effect->vote->kind == VOTE_FINALIZE) {
        return !reaches(attack, attack->finalize, to);
    }
    return false;
}

static void run(uint32_t count, uint32_t minority, enum spread finalize, bool nullify,
                uint64_t seed)
{
    char what[96];
    struct net_config config = scenario_config(count, seed);
    config.byzantine = 0;
    config.scripted = true;
    struct net *net = net_new(&config);
    struct attack attack = {.minority = minority, .finalize = finalize, .nullify = nullify};
    (void)snprintf(what, sizeof what, "n = %u, minority %#x, finalize %d, nullify %d", count,
                   minority, (int)finalize, nullify);
    net->filter = equivocate;
    net->filter_context = &attack;
    /* Every block is the equivocator's, and still the chain goes on at every honest node; slowly,
       where a block that its NULLIFY kept from being final waits for its next turn. */
    if (!net_run_to_height(net, 4, 10 * MINUTE_MS)) {
        fail_msg("%s: height %llu; %s", what, (unsigned long long)net_lowest_height(net),
                 net->violation);
    }
    assert_true(attack.equivocated >= 4);
    net->filter = NULL;
    scenario_goes_on(net, 5, what);
    scenario_end(net, what);
}

static void test_3_equivocation_with_a_quorum_on_one_side(void **state)
{
    (void)state;
    for (uint32_t minority = 1; minority < 4; minority++) {
        for (int finalize = 0; finalize < SPREADS; finalize++) {
            run(4, 1u << minority, (enum spread)finalize, false, 30 + minority);
            run(4, 1u << minority, (enum spread)finalize, true, 40 + minority);
        }
    }
}

static void test_3_equivocation_among_seven(void **state)
{
    /* q = 5 of 7: the leader and four more see A, two see B. */
    (void)state;
    for (uint32_t first = 1; first < 7; first++) {
        const uint32_t second = first % 6 + 1;
        for (int finalize = 0; finalize < SPREADS; finalize++) {
            run(7, 1u << first | 1u << second, (enum spread)finalize, first % 2 == 0, 50 + first);
        }
    }
}

static void test_3_no_quorum_on_either_side(void **state)
{
    /* Two of four see A, two see B: nothing may become final of that view, and nothing stays stuck:
       what honest leaders propose goes on. */
    (void)state;
    for (uint32_t seed = 60; seed < 70; seed++) {
        struct net_config config = scenario_config(4, seed);
        config.byzantine = seed % 4;
        config.scripted = true;
        struct net *net = net_new(&config);
        struct attack attack = {.finalize = TO_ALL, .nullify = seed % 2 == 0};
        for (uint32_t i = 0, given = 0; i < 4 && given < 2; i++) {
            if (i != config.byzantine) {
                attack.minority |= 1u << i;
                given++;
            }
        }
        net->filter = equivocate;
        net->filter_context = &attack;
        net_run(net, MINUTE_MS / 4);
        /* A, with the leader and one, and B, with two: the leader's vote for B makes a quorum of it
           at times, so blocks may become final; two at one height never (I1). */
        net->filter = NULL;
        scenario_goes_on(net, 10, "no quorum on either side");
        assert_true(attack.equivocated > 0);
        scenario_end(net, "no quorum on either side");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_3_equivocation_with_a_quorum_on_one_side),
        cmocka_unit_test(test_3_equivocation_among_seven),
        cmocka_unit_test(test_3_no_quorum_on_either_side),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
