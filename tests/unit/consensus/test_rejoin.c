/*
 * Rejoin of docs/consensus.md: a key whose vote register was lost, rolled back or behind signs
 * nothing until q others vouch for where the network stands, and then nothing at or below the
 * floor. First one machine by hand, then networks in which nodes lose registers and storage.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/consensus_rig.h"

static const struct candidate nothing = {0};

/* ---- One machine ---- */

static void open_rejoining(struct rig *rig, uint32_t count)
{
    rig_open(rig, count, 0);
    rig->vote_register =
        (struct vote_register){.chain_id = rig->net->chain_id, .epoch = 1, .rejoining = true};
}

static void restore(struct rig *rig)
{
    assert_int_equal(rig_restore(rig, (struct consensus_recovery){0}), STATUS_OK);
}

static void hear(struct rig *rig, uint32_t peer, uint64_t epoch, uint64_t view, bool steady)
{
    const struct peer_status status = {
        .epoch = epoch, .view = view, .held_from = 1, .steady = steady};
    rig_step(rig, (struct event){.kind = EVENT_STATUS, .peer = peer, .status = &status});
}

static void nullify_to(struct rig *rig, uint64_t view)
{
    for (uint64_t v = rig_view(rig); v < view; v++) {
        const struct certificate next = rig_certificate(rig, 1, VOTE_NULLIFY, v, nothing);
        rig_give_certificate(rig, &next);
    }
    assert_int_equal(rig_view(rig), view);
}

static bool own_status_is_steady(struct rig *rig)
{
    rig_step(rig, (struct event){.kind = EVENT_PEER_UP, .peer = 1});
    const struct effect *sent = rig_find(rig, EFFECT_SEND_STATUS);
    assert_non_null(sent);
    return sent->status->steady;
}

static void test_the_floor_is_two_above_what_q_others_show(void **state)
{
    (void)state;
    struct rig rig;
    open_rejoining(&rig, 4);
    restore(&rig);
    nullify_to(&rig, 6);
    hear(&rig, 1, 1, 6, true);
    hear(&rig, 2, 1, 4, true);
    hear(&rig, 1, 1, 6, true); /* the same peer again */
    assert_true(rig_inspect(&rig).rejoining);
    assert_false(own_status_is_steady(&rig));
    hear(&rig, 3, 1, 6, true);
    /* Durable in the very step, and nothing was signed before. */
    const struct effect *written = rig_find(&rig, EFFECT_WRITE_REGISTER);
    assert_non_null(written);
    assert_false(written->vote_register->rejoining);
    assert_true(written->vote_register->floor_pending);
    assert_int_equal(written->vote_register->floor_epoch, 1);
    assert_int_equal(written->vote_register->floor_view, 5 + 2);
    assert_false(own_status_is_steady(&rig));
    for (uint64_t view = 6; view <= 8; view++) {
        rig_work(&rig);
        rig_tick(&rig, 60000);
        assert_int_equal(rig_cast(&rig, VOTE_NULLIFY, view), view == 8);
        nullify_to(&rig, view + 1);
    }
    /* It signs, but what it may have signed in the next epoch is not known: it does not vouch. */
    assert_true(rig_inspect(&rig).may_sign);
    assert_false(own_status_is_steady(&rig));
    rig_close(&rig);
}

static void test_who_does_not_count(void **state)
{
    /* Peers that are not steady, of another epoch, or whose claim no certificate reaches. */
    (void)state;
    struct rig rig;
    open_rejoining(&rig, 4);
    restore(&rig);
    nullify_to(&rig, 3);
    hear(&rig, 1, 1, 3, true);
    hear(&rig, 2, 1, 3, false);
    hear(&rig, 2, 2, 3, true);
    hear(&rig, 3, 1, 1000000, true);
    assert_true(rig_inspect(&rig).rejoining);
    hear(&rig, 2, 1, 3, true);
    assert_true(rig_inspect(&rig).rejoining);
    /* The liar's claim is not where the floor stands; once reached by certificates it counts. */
    hear(&rig, 3, 1, 5, true);
    assert_true(rig_inspect(&rig).rejoining);
    nullify_to(&rig, 5);
    assert_false(rig_inspect(&rig).rejoining);
    assert_int_equal(rig_inspect(&rig).floor_view, 4 + 2);
    rig_close(&rig);
}

static void test_fewer_than_four_cannot_rejoin(void **state)
{
    (void)state;
    struct rig rig;
    open_rejoining(&rig, 3);
    restore(&rig);
    for (uint32_t peer = 1; peer < 3; peer++) {
        hear(&rig, peer, 1, 1, true);
    }
    assert_true(rig_inspect(&rig).rejoining);
    rig_work(&rig);
    rig_tick(&rig, 60000);
    assert_false(rig_cast(&rig, VOTE_NULLIFY, 1));
    rig_close(&rig);
}

/* A machine of view 1 with the floor at view 2, pending. */
static void open_floored(struct rig *rig)
{
    rig_open(rig, 4, 0);
    rig->vote_register = (struct vote_register){.chain_id = rig->net->chain_id,
                                                .epoch = 1,
                                                .floor_epoch = 1,
                                                .floor_view = 2,
                                                .floor_pending = true};
    rig_start(rig);
}

/* Whether the last step settled the floor, durably. */
static bool settled(const struct rig *rig)
{
    const struct effect *written = rig_find(rig, EFFECT_WRITE_REGISTER);
    const bool pending = rig_inspect(rig).floor_pending;
    if (!pending) {
        assert_non_null(written);
        assert_false(written->vote_register->floor_pending);
        assert_int_equal(written->vote_register->floor_view, 2);
    }
    return !pending;
}

/* Gives a notarization and a finalization of a block that the node holds; the last step is that
   in which it becomes final. */
static void make_final(struct rig *rig, uint64_t view, uint64_t parent_view,
                       const struct consensus_block *block)
{
    const struct candidate candidate = {.parent_view = parent_view, .block_hash = block->hash};
    const struct certificate final = rig_certificate(rig, 1, VOTE_FINALIZE, view, candidate);
    const struct event event = {.kind = EVENT_CATCHUP_BLOCK,
                                .peer = 1,
                                .catchup = {.block = *block, .finalization = &final}};
    rig_step(rig, event);
    rig_give_check(rig, block, BLOCK_AGREES);
    assert_int_equal(rig_inspect(rig).final_height, block->height);
}

static void test_a_block_final_above_the_floor_settles_it(void **state)
{
    (void)state;
    struct rig rig;
    open_floored(&rig);
    const struct consensus_block low = rig_block(&rig, &rig.root, 2, 0);
    make_final(&rig, 2, 0, &low);
    assert_false(settled(&rig));
    const struct consensus_block high = rig_block(&rig, &low, 3, 0);
    make_final(&rig, 3, 2, &high);
    assert_true(settled(&rig));
    assert_true(own_status_is_steady(&rig));
    rig_close(&rig);
}

static void test_a_terminal_block_settles_it_only_if_it_is_new(void **state)
{
    /* One that was proposed again may have been final before, and the next epoch begun. */
    (void)state;
    for (uint32_t anew = 0; anew < 2; anew++) {
        struct rig rig;
        open_floored(&rig);
        const struct consensus_block block =
            rig_block(&rig, &rig.root, 1, CONSENSUS_BLOCK_TERMINAL);
        const struct candidate first = {.block_hash = block.hash};
        const struct certificate notarization = rig_certificate(&rig, 1, VOTE_NOTARIZE, 1, first);
        if (anew == 0) {
            rig_give_certificate(&rig, &notarization);
        }
        nullify_to(&rig, 3);
        make_final(&rig, 3, anew == 0 ? 1 : 0, &block);
        assert_int_equal(settled(&rig), anew);
        rig_close(&rig);
    }
}

static void test_a_block_that_is_final_once_more(void **state)
{
    /* F, final below the floor, is proposed again and final above it: that settles the floor,
       unless it is a terminal block, behind which the next epoch may have begun. */
    (void)state;
    for (uint32_t terminal = 0; terminal < 2; terminal++) {
        struct rig rig;
        open_floored(&rig);
        const struct consensus_block block =
            rig_block(&rig, &rig.root, 2, terminal == 1 ? CONSENSUS_BLOCK_TERMINAL : 0);
        make_final(&rig, 2, 0, &block);
        assert_false(settled(&rig));
        const struct candidate again = {.parent_view = 2, .block_hash = block.hash};
        const struct certificate later = rig_certificate(&rig, 1, VOTE_FINALIZE, 4, again);
        rig_give_certificate(&rig, &later);
        assert_int_equal(rig_inspect(&rig).final_view, 4);
        assert_int_equal(settled(&rig), terminal == 0);
        rig_close(&rig);
    }
}

static void test_a_pending_floor_means_rejoining_in_the_next_epoch(void **state)
{
    (void)state;
    for (uint32_t pending = 0; pending < 2; pending++) {
        struct rig rig;
        rig_open(&rig, 4, 0);
        /* Of the epoch before this one. */
        rig.vote_register = (struct vote_register){
            .chain_id = rig.net->chain_id, .floor_view = 9, .floor_pending = pending != 0};
        rig_start(&rig);
        assert_int_equal(rig_inspect(&rig).rejoining, pending);
        rig_work(&rig);
        rig_tick(&rig, 60000);
        assert_int_equal(rig_cast(&rig, VOTE_NULLIFY, 1), pending == 0);
        for (uint32_t peer = 1; peer < 4; peer++) {
            hear(&rig, peer, 1, 1, true);
        }
        assert_false(rig_inspect(&rig).rejoining);
        assert_int_equal(rig_inspect(&rig).floor_view, pending != 0 ? 2 : 9);
        rig_close(&rig);
    }
}

static void test_storage_behind_the_registers_epoch(void **state)
{
    /* Storage was lost: the node follows, signs nothing, and counts for nobody's rejoin. */
    (void)state;
    struct rig rig;
    rig_open(&rig, 4, 0);
    rig.vote_register = (struct vote_register){.chain_id = rig.net->chain_id, .epoch = 2};
    const struct vote old = rig_vote(&rig, 0, VOTE_NULLIFY, 1, nothing);
    assert_int_equal(rig_restore(&rig, (struct consensus_recovery){.votes = &old, .vote_count = 1}),
                     STATUS_OK);
    for (uint32_t peer = 1; peer < 4; peer++) {
        hear(&rig, peer, 1, 1, true);
    }
    nullify_to(&rig, 2);
    assert_false(own_status_is_steady(&rig));
    rig_work(&rig);
    rig_tick(&rig, 60000);
    assert_false(rig_cast(&rig, VOTE_NULLIFY, 2));
    rig_close(&rig);
}

static void test_behind_is_remembered(void **state)
{
    /* A vote of ours beyond the register: it says so itself from now on, after a restart too. */
    (void)state;
    struct rig rig;
    rig_open(&rig, 4, 0);
    rig.vote_register = (struct vote_register){.chain_id = rig.net->chain_id, .epoch = 1};
    rig_start(&rig);
    const struct peer_status status = {.epoch = 1,
                                       .view = 9,
                                       .held_from = 1,
                                       .has_your_vote = true,
                                       .your_vote = rig_vote(&rig, 0, VOTE_NULLIFY, 8, nothing)};
    rig_step(&rig, (struct event){.kind = EVENT_STATUS, .peer = 1, .status = &status});
    assert_true(rig_alarmed(&rig, ALARM_REGISTER_BEHIND));
    const struct vote_register kept = *rig_find(&rig, EFFECT_WRITE_REGISTER)->vote_register;
    assert_true(kept.behind);
    rig_close(&rig);
    rig_open(&rig, 4, 0);
    rig.vote_register = kept;
    rig_start(&rig);
    rig_work(&rig);
    rig_tick(&rig, 60000);
    assert_false(rig_cast(&rig, VOTE_NULLIFY, 1));
    assert_false(own_status_is_steady(&rig));
    rig_close(&rig);
    /* The operator starts it with --rejoin. */
    rig_open(&rig, 4, 0);
    rig.vote_register = kept;
    rig.vote_register.behind = false;
    rig.vote_register.rejoining = true;
    rig_start(&rig);
    rig_step(&rig, (struct event){.kind = EVENT_STATUS, .peer = 1, .status = &status});
    assert_false(rig_alarmed(&rig, ALARM_REGISTER_BEHIND));
    nullify_to(&rig, 9);
    for (uint32_t peer = 1; peer < 4; peer++) {
        hear(&rig, peer, 1, 9, true);
    }
    assert_int_equal(rig_inspect(&rig).floor_view, 10);
    /* What lies at or below the floor is no news. */
    rig_step(&rig, (struct event){.kind = EVENT_STATUS, .peer = 1, .status = &status});
    assert_false(rig_alarmed(&rig, ALARM_REGISTER_BEHIND));
    rig_close(&rig);
}

/* ---- Networks ---- */

#define SECOND_MS UINT64_C(1000)

enum loss { LOSE_REGISTER, LOSE_BOTH, ROLL_BACK_BOTH, LOSS_COUNT };

static struct net *open_net(uint32_t count, uint64_t seed)
{
    const struct net_config config = {.count = count,
                                      .seed = seed,
                                      .byzantine = NET_NOBODY,
                                      .delta_ms = 100,
                                      .empty_interval_ms = 2000,
                                      .delay_max_ms = 20,
                                      .loss_permille = 30,
                                      .duplicate_permille = 20,
                                      .crash_permille = 2};
    return net_new(&config);
}

/* What the node had at an earlier time. */
struct snapshot {
    struct net_storage storage;
    struct vote_register vote_register;
};

static struct snapshot take(const struct net_node *node)
{
    return (struct snapshot){.storage = net_storage_copy(&node->storage),
                             .vote_register = node->vote_register};
}

/* The node loses what the case says, and starts with --rejoin. What left it stays remembered by the
   watcher: net_roll_back forgets only what the register never had. */
static void lose(struct net *net, uint32_t index, enum loss loss, struct snapshot *earlier)
{
    struct net_node *node = &net->nodes[index];
    net_stop(net, index);
    net_run(net, net->now_ms + 100); /* its links go down before they come up again */
    struct net_storage storage = {0};
    if (loss == LOSE_REGISTER) {
        storage = net_storage_copy(&node->storage);
    } else if (loss == ROLL_BACK_BOTH) {
        storage = earlier->storage;
        memset(&earlier->storage, 0, sizeof earlier->storage);
    }
    if (loss == LOSE_REGISTER) {
        free(storage.votes.items);
        free(storage.certificates.items);
        free(storage.chain.items);
        free(storage.open.items);
    } else {
        net_roll_back(net, index, &storage);
    }
    node->vote_register = loss == ROLL_BACK_BOTH
                              ? earlier->vote_register
                              : (struct vote_register){.chain_id = net->chain_id, .epoch = 1};
    node->vote_register.rejoining = true;
    net_restart(net, index);
}

static void free_snapshot(struct snapshot *snapshot)
{
    free(snapshot->storage.votes.items);
    free(snapshot->storage.certificates.items);
    free(snapshot->storage.chain.items);
    free(snapshot->storage.open.items);
}

/* Where every node stands, for the output of a failed test. */
static void print_state(const struct net *net)
{
    for (uint32_t i = 0; i < net->config.count; i++) {
        const struct net_node *node = &net->nodes[i];
        struct consensus_view view;
        consensus_inspect(node->consensus, &view);
        fprintf(stderr,
                "seed %llu at %llu ms node %u: alive %d height %llu view %llu may_sign %d "
                "rejoining %d pending %d floor %llu register %llu\n",
                (unsigned long long)net->config.seed, (unsigned long long)net->now_ms, i,
                node->alive, (unsigned long long)view.final_height, (unsigned long long)view.view,
                view.may_sign, view.rejoining, view.floor_pending,
                (unsigned long long)view.floor_view, (unsigned long long)node->vote_register.view);
    }
}

/* All come back, the loser votes again with its floor settled, and nothing was violated: above all
   I6, over the votes of all its lives. */
static void assert_it_rejoins(struct net *net, uint32_t index)
{
    struct consensus_view view;
    net_heal(net);
    const uint64_t end_ms = net->now_ms + 60 * SECOND_MS;
    do {
        const uint64_t height = net->finals.count;
        if (net->now_ms >= end_ms || !net_run_to_height(net, height + 12, end_ms)) {
            print_state(net);
            fail();
        }
        consensus_inspect(net->nodes[index].consensus, &view);
    } while (view.rejoining || view.floor_pending ||
             net->nodes[index].vote_register.view <= view.floor_view);
    assert_string_equal(net->violation, "");
}

static void run_loss(uint32_t count, uint64_t seed, enum loss loss)
{
    struct net *net = open_net(count, seed);
    const uint32_t index = (uint32_t)(seed % count);
    net_run(net, 300 + 37 * (seed % 50));
    struct snapshot earlier = take(&net->nodes[index]);
    net_run(net, net->now_ms + 10 + 61 * (seed % 40));
    lose(net, index, loss, &earlier);
    net_run(net, net->now_ms + 3 * SECOND_MS);
    assert_it_rejoins(net, index);
    free_snapshot(&earlier);
    net_free(net);
}

static uint64_t seeds(void)
{
    const char *text = getenv("HEFU_SEEDS");
    return text == NULL ? 60 : strtoull(text, NULL, 10);
}

static void test_lost_registers_on_small_networks(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= seeds(); seed++) {
        for (enum loss loss = LOSE_REGISTER; loss < LOSS_COUNT; loss++) {
            run_loss(4, seed, loss);
        }
    }
}

static void test_two_of_seven_lose_their_registers(void **state)
{
    /* f of them, the second while the first may still be rejoining. */
    (void)state;
    for (uint64_t seed = 1; seed <= seeds() / 4 + 1; seed++) {
        struct net *net = open_net(7, seed);
        struct snapshot none = {0};
        net_run(net, 400 + 37 * (seed % 20));
        lose(net, 2, LOSE_BOTH, &none);
        net_run(net, net->now_ms + 150 * (seed % 9));
        lose(net, 5, LOSE_REGISTER, &none);
        assert_it_rejoins(net, 2);
        assert_it_rejoins(net, 5);
        net_free(net);
    }
}

static void test_one_after_the_other_until_all_have_rejoined(void **state)
{
    /* More than f in one epoch: each floor is settled before the next one is lost. */
    (void)state;
    struct net *net = open_net(4, 7);
    for (uint32_t index = 0; index < 4; index++) {
        struct snapshot none = {0};
        net_run(net, net->now_ms + SECOND_MS);
        lose(net, index, LOSE_BOTH, &none);
        assert_it_rejoins(net, index);
    }
    net_free(net);
}

static void test_one_other_is_missing(void **state)
{
    /* At four validators all three others must be heard; until then it follows and signs nothing.
     */
    (void)state;
    struct net *net = open_net(4, 3);
    struct snapshot none = {0};
    struct consensus_view view;
    net->config.crash_permille = 0;
    net_run(net, SECOND_MS);
    net_stop(net, 3);
    lose(net, 0, LOSE_BOTH, &none);
    net_run(net, net->now_ms + 60 * SECOND_MS);
    consensus_inspect(net->nodes[0].consensus, &view);
    assert_true(view.rejoining);
    assert_int_equal(net->nodes[0].vote_register.view, 0);
    net_restart(net, 3);
    assert_it_rejoins(net, 0);
    net_free(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_floor_is_two_above_what_q_others_show),
        cmocka_unit_test(test_who_does_not_count),
        cmocka_unit_test(test_fewer_than_four_cannot_rejoin),
        cmocka_unit_test(test_a_block_final_above_the_floor_settles_it),
        cmocka_unit_test(test_a_terminal_block_settles_it_only_if_it_is_new),
        cmocka_unit_test(test_a_block_that_is_final_once_more),
        cmocka_unit_test(test_a_pending_floor_means_rejoining_in_the_next_epoch),
        cmocka_unit_test(test_storage_behind_the_registers_epoch),
        cmocka_unit_test(test_behind_is_remembered),
        cmocka_unit_test(test_lost_registers_on_small_networks),
        cmocka_unit_test(test_two_of_seven_lose_their_registers),
        cmocka_unit_test(test_one_after_the_other_until_all_have_rejoined),
        cmocka_unit_test(test_one_other_is_missing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
