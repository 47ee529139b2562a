/*
 * Epochs under random faults, from one seed each (docs/consensus.md, Epochs): a chain of random
 * changes of validators while frames are lost and one node at a time is killed and comes back, at
 * any moment, the change from one epoch to the next included. That no key ever contradicts itself
 * (I6) and that there is one block a height is checked all along; afterwards all that vote, and the
 * observer, go on together. HEFU_SEED and HEFU_SEEDS choose the seeds.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/support/action_batch.h"
#include "tests/support/replica_net_state.h"

#define NODES 8
#define VALIDATORS 4
#define OBSERVER (NODES - 1)
#define CHANGES 6
#define STEP_MS 20
#define LOAD_EVERY_MS 100
#define SEEDS 12

struct story {
    struct replica_net *net;
    struct prng prng;
    bool member[NODES]; /* of the set that the next change is made to */
    bool left[NODES];   /* was one, and is stopped */
    uint32_t down;      /* the node that is killed now, or NODES */
    uint32_t kills;
    uint64_t epoch; /* the newest seen */
    uint64_t up_ms, next_kill_ms, next_load_ms, number;
};

static uint32_t member_count(const struct story *story)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < NODES; i++) {
        count += story->member[i];
    }
    return count;
}

static bool can_take(const struct story *story, uint32_t node)
{
    return replica_net_running(story->net, node) && replica_net_votes_now(story->net, node);
}

/* To two nodes that vote, so that one of them may be killed with it. */
static void submit(struct story *story, uint8_t *batch, size_t length)
{
    const uint32_t first = (uint32_t)prng_below(&story->prng, NODES);
    uint32_t given = 0;
    for (uint32_t i = 0; i < NODES && given < 2; i++) {
        const uint32_t node = (first + i) % NODES;
        if (can_take(story, node)) {
            replica_net_submit(story->net, node, batch, length);
            given++;
        }
    }
    free(batch);
}

static void kill_or_restart(struct story *story)
{
    const uint64_t now_ms = replica_net_now(story->net);
    if (story->down < NODES && now_ms >= story->up_ms) {
        replica_net_restart(story->net, story->down);
        story->down = NODES;
        story->next_kill_ms = now_ms + 500 + prng_below(&story->prng, 4000);
    } else if (story->down == NODES && now_ms >= story->next_kill_ms) {
        const uint32_t node = (uint32_t)prng_below(&story->prng, NODES);
        if (replica_net_running(story->net, node)) {
            replica_net_crash(story->net, node);
            story->down = node;
            story->kills++;
            story->up_ms = now_ms + 50 + prng_below(&story->prng, 4000);
        }
    }
}

static uint64_t epoch_of(const struct story *story)
{
    uint64_t epoch = 0;
    for (uint32_t i = 0; i < NODES; i++) {
        if (replica_net_running(story->net, i) && replica_net_epoch(story->net, i) > epoch) {
            epoch = replica_net_epoch(story->net, i);
        }
    }
    return epoch;
}

static void step(struct story *story)
{
    struct replica_net *net = story->net;
    size_t length;
    if (epoch_of(story) > story->epoch) {
        /* The moment that matters most. */
        story->epoch = epoch_of(story);
        story->next_kill_ms = prng_below(&story->prng, 2) == 0 ? 0 : story->next_kill_ms;
    }
    kill_or_restart(story);
    if (replica_net_now(net) >= story->next_load_ms) {
        story->next_load_ms = replica_net_now(net) + LOAD_EVERY_MS;
        uint8_t *batch = replica_net_batch(net, 3, story->number++, 3, &length);
        submit(story, batch, length);
    }
    replica_net_run(net, replica_net_now(net) + 1 + prng_below(&story->prng, STEP_MS));
}

static uint32_t pick(struct story *story, bool member)
{
    uint32_t node;
    do {
        node = (uint32_t)prng_below(&story->prng, NODES - 1);
    } while (story->member[node] != member || story->left[node]);
    return node;
}

/* A random change that leaves four members or more, and what the set is after it. */
static struct action draw_change(struct story *story, uint64_t epoch, uint32_t *ret_leaves)
{
    struct action action = action_changing(epoch);
    bool spare = false;
    for (uint32_t i = 0; i < NODES - 1; i++) {
        spare = spare || (!story->member[i] && !story->left[i]);
    }
    *ret_leaves = NODES;
    const uint64_t kind = prng_below(&story->prng, 3);
    if (spare && kind < 2) {
        const uint32_t comes = pick(story, false);
        const struct public_key key = net_consensus_key(comes);
        const struct transport_key transport_key = net_transport_key(comes);
        char name[32];
        (void)snprintf(name, sizeof name, "node-%u", comes);
        if (kind == 0) {
            action_add(&action, comes % PARTICIPANTS + 1, &key, &transport_key, name);
        } else {
            *ret_leaves = pick(story, true);
            const struct public_key old_key = net_consensus_key(*ret_leaves);
            action_replace(&action, &old_key, &key, &transport_key);
        }
        story->member[comes] = true;
    } else if (member_count(story) > VALIDATORS) {
        *ret_leaves = pick(story, true);
        const struct public_key key = net_consensus_key(*ret_leaves);
        action_remove(&action, &key);
    }
    if (*ret_leaves < NODES) {
        story->member[*ret_leaves] = false;
    }
    return action;
}

/* Proposed and approved by all who own a member of the epoch, again and again until it is done. */
static void change(struct story *story)
{
    struct replica_net *net = story->net;
    bool owners[NODES];
    memcpy(owners, story->member, sizeof owners);
    const uint64_t epoch = epoch_of(story);
    uint32_t leaves;
    struct hash id, ignored;
    size_t length;
    const struct action action = draw_change(story, epoch, &leaves);
    if (action.change_count == 0) {
        return;
    }
    /* A replaced member's participant owns the new one, so the set of owners stays in use. */
    uint8_t *proposal = replica_net_action(net, 1, &action, &length, &id);
    submit(story, proposal, length);
    const uint64_t end_ms = replica_net_now(net) + 90000;
    uint64_t next_ms = 0;
    while (epoch_of(story) == epoch) {
        if (replica_net_now(net) >= end_ms) {
            fail_msg("epoch %d goes on", (int)epoch);
        }
        if (replica_net_now(net) >= next_ms) {
            next_ms = replica_net_now(net) + 5000;
            const struct action approve = action_answering(ACTION_APPROVE, &id);
            for (uint32_t participant = 2; participant <= PARTICIPANTS; participant++) {
                uint8_t *batch = replica_net_action(net, participant, &approve, &length, &ignored);
                submit(story, batch, length);
            }
        }
        step(story);
    }
    if (leaves < NODES) {
        story->left[leaves] = true;
    }
}

/* Whoever left is of no use, and learns nothing more than one epoch later. */
static void stop_left(struct story *story)
{
    for (uint32_t i = 0; i < NODES; i++) {
        if (story->left[i] && replica_net_running(story->net, i)) {
            replica_net_crash(story->net, i);
        } else if (story->left[i] && story->down == i) {
            story->down = NODES;
        }
    }
}

static void tell(uint64_t seed)
{
    struct story story = {.prng = prng_seeded(seed), .down = NODES, .number = 1000};
    const struct net_options options = {.nodes = NODES,
                                        .validators = VALIDATORS,
                                        .observers = 1,
                                        .seed = seed,
                                        .loss_permille = (uint32_t)prng_below(&story.prng, 40),
                                        .duplicate_permille = (uint32_t)prng_below(&story.prng, 20),
                                        .delay_ms_max = 1 + (uint32_t)prng_below(&story.prng, 40)};
    print_message("seed %llu: loss %u, delay %u ms\n", (unsigned long long)seed,
                  options.loss_permille, options.delay_ms_max);
    story.net = replica_net_new(&options);
    for (uint32_t i = 0; i < VALIDATORS; i++) {
        story.member[i] = true;
    }
    for (uint32_t i = 0; i < CHANGES; i++) {
        change(&story);
        const uint64_t end_ms = replica_net_now(story.net) + 1000;
        while (replica_net_now(story.net) < end_ms) {
            step(&story);
        }
        stop_left(&story);
    }
    if (story.down < NODES) {
        replica_net_restart(story.net, story.down);
    }
    replica_net_set_loss(story.net, 0);
    uint64_t height = 0;
    for (uint32_t i = 0; i < NODES; i++) {
        if (replica_net_running(story.net, i) && replica_net_height(story.net, i) > height) {
            height = replica_net_height(story.net, i);
        }
    }
    size_t length;
    uint8_t *batch = replica_net_batch(story.net, 4, 77, 3, &length);
    submit(&story, batch, length);
    assert_true(replica_net_settle(story.net, height + 1, replica_net_now(story.net) + 120000));
    for (uint32_t i = 0; i < NODES - 1; i++) {
        if (replica_net_running(story.net, i)) {
            assert_int_equal(replica_net_votes_now(story.net, i), story.member[i]);
        }
    }
    assert_int_equal(replica_net_votes(story.net, OBSERVER), 0);
    print_message("  epoch %llu, height %llu, %u killed, %llu s\n",
                  (unsigned long long)epoch_of(&story),
                  (unsigned long long)replica_net_height(story.net, OBSERVER), story.kills,
                  (unsigned long long)replica_net_now(story.net) / 1000);
    replica_net_free(story.net);
}

static uint64_t number_of(const char *name, uint64_t usual)
{
    const char *text = getenv(name);
    return text == NULL ? usual : strtoull(text, NULL, 10);
}

static void test_random_changes(void **state)
{
    (void)state;
    const uint64_t first = number_of("HEFU_SEED", 1), count = number_of("HEFU_SEEDS", SEEDS);
    for (uint64_t seed = first; seed < first + count; seed++) {
        tell(seed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_random_changes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
