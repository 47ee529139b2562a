/*
 * Directed test 15: batches that are withheld. Whole replicas; node 0 has the batch, and by what it
 * sends decides who gets it.
 *
 * What it attacks: a block that names a batch which some cannot get. What stands against it: nobody
 * votes for a block before all its batches are durable; a leader names what a quorum holds or what
 * it pushed a Δ ago, so a batch that nobody else has costs its namer's views and nothing more;
 * fetches go round all validators, so one honest holder suffices; and a batch that an open block
 * names is dropped by no expiry, however long an outage lasts and whatever the clocks say.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "node/replica_state.h"
#include "tests/support/replica_filter.h"
#include "tests/support/replica_net_state.h"

#define NODES 4
#define WITHHOLDER 0

/* Which kinds of frames from the withholder are lost, and to whom. */
struct withholding {
    bool batches, haves;
    uint32_t spared; /* a bit a node that gets everything */
};

static bool withhold(void *context, uint32_t from, uint32_t to, const struct peer_message *message)
{
    const struct withholding *what = context;
    if (from != WITHHOLDER || (what->spared >> to & 1) != 0) {
        return false;
    }
    return (what->batches && message->kind == PEER_BATCH) ||
           (what->haves && message->kind == PEER_BATCH_HAVE);
}

static bool keep_all(void *context, uint32_t from, uint32_t to, const struct peer_message *message)
{
    (void)context, (void)from, (void)to, (void)message;
    return false;
}

static bool lose_finalize(void *context, uint32_t from, uint32_t to,
                          const struct peer_message *message)
{
    (void)context, (void)from, (void)to;
    return message->kind == PEER_VOTE && message->vote.kind == VOTE_FINALIZE;
}

static struct replica_net *open_net(uint64_t seed)
{
    const struct net_options options = {.nodes = NODES, .seed = seed, .delay_ms_max = 3};
    struct replica_net *net = replica_net_new(&options);
    replica_net_run(net, 100);
    return net;
}

/* A batch of ten that expires so long after the start; returns its id. */
static struct hash submit_lasting(struct replica_net *net, uint32_t node, uint64_t number,
                                  uint64_t life_ms)
{
    struct record records[10];
    size_t length;
    const uint32_t submitter = 3 + (uint32_t)(number % 5);
    const struct net_batch_terms terms = {.chain_id = net->chain_id,
                                          .submitter = submitter,
                                          .created_ms = WALL_START_MS,
                                          .expires_ms = WALL_START_MS + life_ms};
    memset(records, 0, sizeof records);
    net_fill_records(records, submitter, number, 10);
    uint8_t *bytes = net_make_batch(&terms, records, 10, &length);
    struct batch parsed;
    assert_int_equal(batch_parse(bytes, length, &net->chain_id, &parsed, NULL), STATUS_OK);
    const struct hash id = parsed.id;
    replica_net_submit(net, node, bytes, length);
    free(bytes);
    return id;
}

static struct hash submit(struct replica_net *net, uint32_t node, uint64_t number)
{
    return submit_lasting(net, node, number, LIMIT_BATCH_LIFE_MS);
}

static bool is_final(struct replica_net *net, uint32_t node, const struct hash *id)
{
    uint64_t height;
    uint32_t index;
    return replica_batches_placed(net->nodes[node].replica, id, &height, &index);
}

static bool is_final_everywhere(struct replica_net *net, const struct hash *id)
{
    for (uint32_t i = 0; i < NODES; i++) {
        if (!is_final(net, i, id)) {
            return false;
        }
    }
    return true;
}

/* Runs until the batch is final everywhere; false if that takes longer. */
static bool becomes_final(struct replica_net *net, const struct hash *id, uint64_t within_ms,
                          replica_filter filter, void *context)
{
    const uint64_t end = replica_net_now(net) + within_ms;
    while (!is_final_everywhere(net, id) && replica_net_now(net) < end) {
        replica_filter_run(net, replica_net_now(net) + 10, filter, context);
    }
    return is_final_everywhere(net, id);
}

/* The withheld batch holds nobody else's up, becomes final on no node, and does so everywhere once
   it is let out. */
static void run_withheld(uint64_t seed, struct withholding what)
{
    struct replica_net *net = open_net(seed);
    const struct hash withheld = submit(net, WITHHOLDER, 1000);
    uint64_t worst_ms = 0;
    for (uint64_t i = 0; i < 30; i++) {
        const uint64_t start = replica_net_now(net);
        const struct hash id = submit(net, 1 + (uint32_t)(i % 3), i);
        assert_true(becomes_final(net, &id, 10000, withhold, &what));
        worst_ms =
            replica_net_now(net) - start > worst_ms ? replica_net_now(net) - start : worst_ms;
        for (uint32_t node = 0; node < NODES; node++) {
            assert_false(is_final(net, node, &withheld));
        }
    }
    print_message("seed %d: the slowest of 30 batches took %d ms\n", (int)seed, (int)worst_ms);
    assert_true(becomes_final(net, &withheld, 30000, keep_all, NULL));
    for (uint32_t node = 0; node < NODES; node++) {
        assert_int_equal(replica_net_records(net, node), 310);
    }
    replica_net_free(net);
}

static void test_15_withheld_by_its_author(void **state)
{
    /* The author's node tells that it has the batch, and gives it to nobody. */
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        run_withheld(seed, (struct withholding){.batches = true});
    }
}

static void test_15_withheld_by_the_leader(void **state)
{
    /* Nobody knows of the batch before the leader that holds it names it. */
    (void)state;
    for (uint64_t seed = 5; seed <= 8; seed++) {
        run_withheld(seed, (struct withholding){.batches = true, .haves = true});
    }
}

static void test_15_given_to_one_follower(void **state)
{
    /* One honest holder is enough: the others fetch it there. */
    (void)state;
    for (uint64_t seed = 11; seed <= 16; seed++) {
        struct replica_net *net = open_net(seed);
        struct withholding what = {
            .batches = true, .haves = seed % 2 == 0, .spared = 1u << (1 + seed % 3)};
        const struct hash id = submit(net, WITHHOLDER, 2000 + seed);
        assert_true(becomes_final(net, &id, 20000, withhold, &what));
        replica_net_free(net);
    }
}

/* Whether every node has voted for a block that names it. */
static bool is_open_everywhere(struct replica_net *net, const struct hash *id)
{
    for (uint32_t i = 0; i < NODES; i++) {
        const struct replica *replica = net->nodes[i].replica;
        bool open = false;
        for (uint32_t k = 0; k < replica->open_high; k++) {
            const struct open_block *block = &replica->open_blocks[k];
            open = open || (block->used && block->durable);
        }
        if (!open || !replica_open_names(replica, id)) {
            return false;
        }
    }
    return true;
}

static void cut_all(struct replica_net *net, bool cut)
{
    for (uint32_t a = 0; a < NODES; a++) {
        for (uint32_t b = 0; b < a; b++) {
            replica_net_cut(net, a, b, cut);
        }
    }
}

static void test_15_expiring_inside_an_open_block(void **state)
{
    /* A notarized block names it; then all links are down until long after it expired, by every
       clock. Some of the seeds also restart all nodes meanwhile. It becomes final all the same. */
    (void)state;
    for (uint64_t seed = 21; seed <= 26; seed++) {
        struct replica_net *net = open_net(seed);
        const uint64_t life_ms = 5ull * 60 * 1000, late_ms = 25ull * 3600 * 1000;
        const struct hash id = submit_lasting(net, 0, 3000 + seed, life_ms);
        while (!is_open_everywhere(net, &id)) {
            replica_filter_run(net, replica_net_now(net) + 1, lose_finalize, NULL);
            assert_true(replica_net_now(net) < 60000);
        }
        cut_all(net, true);
        for (uint32_t i = 0; i < NODES; i++) {
            replica_net_set_clock(net, i, late_ms);
        }
        replica_net_run(net, replica_net_now(net) + 20000);
        for (uint32_t i = 0; i < NODES && seed % 2 == 0; i++) {
            replica_net_crash(net, i);
            replica_net_restart(net, i);
        }
        replica_net_run(net, replica_net_now(net) + 20000);
        for (uint32_t i = 0; i < NODES; i++) {
            assert_non_null(pool_find(net->nodes[i].replica->pool, &id));
        }
        cut_all(net, false);
        assert_true(becomes_final(net, &id, 60000, keep_all, NULL));
        for (uint32_t i = 0; i < NODES; i++) {
            assert_int_equal(replica_net_records(net, i), 10);
        }
        replica_net_free(net);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_15_withheld_by_its_author),
        cmocka_unit_test(test_15_withheld_by_the_leader),
        cmocka_unit_test(test_15_given_to_one_follower),
        cmocka_unit_test(test_15_expiring_inside_an_open_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
