/*
 * Directed test 17: a poison batch: one that breaks an invariant of the ledger when it is executed,
 * as only a bug could make it. The bug is made here: the exposure that a node keeps for participant
 * 7 in memory is off by one, so that every batch which moves 7's position fails the ledger's own
 * check, on the nodes where this was done, and no other batch does.
 *
 * What it attacks: a network that executes the same batch again and again and never goes on; a node
 * that votes for what it cannot explain. What stands against it: before a block is notarized the
 * failing batch is found, quarantined and left out, the view is nullified; once a quorum has signed
 * the block the node stops instead, and never signs on top of a state that it does not have.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ledger/state.h"
#include "node/replica_state.h"
#include "tests/support/replica_net_state.h"

#define NODES 4
#define POISONED 7 /* the participant */

static struct replica_net *open_net(uint64_t seed)
{
    const struct net_options options = {.nodes = NODES, .seed = seed, .delay_ms_max = 3};
    struct replica_net *net = replica_net_new(&options);
    replica_net_run(net, 100);
    return net;
}

static void corrupt(struct replica_net *net, uint32_t node)
{
    struct ledger *ledger = net->nodes[node].replica->ledger;
    ledger_exposure(ledger, POISONED - 1, 0)->minor += 1;
}

/* Ten payments from participant 3 to one other. */
static struct hash submit(struct replica_net *net, uint32_t node, uint64_t number, uint32_t payee)
{
    struct record records[10];
    size_t length;
    const struct net_batch_terms terms = {.chain_id = net->chain_id,
                                          .submitter = 3,
                                          .created_ms = WALL_START_MS,
                                          .expires_ms = WALL_START_MS + LIMIT_BATCH_LIFE_MS};
    memset(records, 0, sizeof records);
    net_fill_records(records, 3, number, 10);
    for (uint32_t i = 0; i < 10; i++) {
        records[i].payee = payee;
    }
    uint8_t *bytes = net_make_batch(&terms, records, 10, &length);
    struct batch parsed;
    assert_int_equal(batch_parse(bytes, length, &net->chain_id, &parsed, NULL), STATUS_OK);
    const struct hash id = parsed.id;
    replica_net_submit(net, node, bytes, length);
    free(bytes);
    return id;
}

static bool is_final(struct replica_net *net, uint32_t node, const struct hash *id)
{
    uint64_t height;
    uint32_t index;
    return replica_batches_placed(net->nodes[node].replica, id, &height, &index);
}

static bool is_quarantined(struct replica_net *net, uint32_t node, const struct hash *id)
{
    struct span row;
    return memory_store_get(&net->nodes[node].store, STORE_QUARANTINE, id->bytes, HASH_BYTES, &row);
}

static bool is_halted(struct replica_net *net, uint32_t node)
{
    struct replica_view view;
    replica_inspect(net->nodes[node].replica, &view);
    return view.consensus.halted;
}

/* Whether the batch becomes final on these nodes (a bit each) in time. */
static bool becomes_final(struct replica_net *net, const struct hash *id, uint32_t nodes,
                          uint64_t within_ms)
{
    const uint64_t end = replica_net_now(net) + within_ms;
    for (;;) {
        bool all = true;
        for (uint32_t i = 0; i < NODES; i++) {
            all = all && ((nodes >> i & 1) == 0 || is_final(net, i, id));
        }
        if (all || replica_net_now(net) >= end) {
            return all;
        }
        replica_net_run(net, replica_net_now(net) + 10);
    }
}

static void test_17_poison_on_all_nodes(void **state)
{
    /* Every leader finds it while it builds, quarantines it alone, and names the rest. */
    (void)state;
    for (uint64_t seed = 1; seed <= 4; seed++) {
        struct replica_net *net = open_net(seed);
        for (uint32_t i = 0; i < NODES; i++) {
            corrupt(net, i);
        }
        const struct hash poison = submit(net, 0, 500, POISONED);
        for (uint64_t i = 0; i < 12; i++) {
            const struct hash id = submit(net, (uint32_t)(i % NODES), i, 4 + (uint32_t)(i % 2));
            assert_true(becomes_final(net, &id, 15, 10000));
            assert_false(is_quarantined(net, 0, &id));
        }
        replica_net_run(net, replica_net_now(net) + 5000);
        for (uint32_t i = 0; i < NODES; i++) {
            assert_false(is_final(net, i, &poison));
            assert_false(is_halted(net, i));
            assert_int_equal(replica_net_records(net, i), 120);
        }
        uint32_t quarantined = 0;
        for (uint32_t i = 0; i < NODES; i++) {
            quarantined += is_quarantined(net, i, &poison);
        }
        assert_true(quarantined > 0);
        replica_net_free(net);
    }
}

static void test_17_poison_that_a_leader_names(void **state)
{
    /* Node 0 finds nothing wrong with it and names it; the three others refuse: its views end
       nullified, nobody halts, and what the others name becomes final. */
    (void)state;
    for (uint64_t seed = 11; seed <= 14; seed++) {
        struct replica_net *net = open_net(seed);
        for (uint32_t i = 1; i < NODES; i++) {
            corrupt(net, i);
        }
        const struct hash poison = submit(net, 0, 500, POISONED);
        for (uint64_t i = 0; i < 12; i++) {
            const struct hash id = submit(net, 1 + (uint32_t)(i % 3), i, 4);
            assert_true(becomes_final(net, &id, 15, 20000));
        }
        replica_net_run(net, replica_net_now(net) + 10000);
        for (uint32_t i = 0; i < NODES; i++) {
            assert_false(is_final(net, i, &poison));
            assert_false(is_halted(net, i));
            assert_true(is_quarantined(net, i, &poison) == (i != 0));
        }
        assert_true(net->nodes[1].replica->counters.blocks_invalid > 0);
        replica_net_free(net);
    }
}

static void test_17_poison_on_one_node(void **state)
{
    /* A quorum agrees, so the one that differs is the one that is wrong: it stops, durably, and the
       others go on. Repaired (here: by losing what was wrong, its store), it follows again. */
    (void)state;
    for (uint64_t seed = 21; seed <= 24; seed++) {
        struct replica_net *net = open_net(seed);
        const uint32_t bad = (uint32_t)(seed % NODES);
        const uint32_t others = 15u & ~(1u << bad);
        corrupt(net, bad);
        const struct hash poison = submit(net, (bad + 1) % NODES, 500, POISONED);
        assert_true(becomes_final(net, &poison, others, 20000));
        replica_net_run(net, replica_net_now(net) + 2000);
        assert_true(is_halted(net, bad));
        assert_false(is_final(net, bad, &poison));
        const uint64_t votes = replica_net_votes(net, bad);
        for (uint64_t i = 0; i < 6; i++) {
            const struct hash id = submit(net, (bad + 1) % NODES, i, 4);
            assert_true(becomes_final(net, &id, others, 20000));
        }
        assert_int_equal(replica_net_votes(net, bad), votes);
        replica_net_crash(net, bad);
        replica_net_wipe(net, bad);
        replica_net_restart(net, bad);
        const struct hash last = submit(net, (bad + 1) % NODES, 900, POISONED);
        assert_true(becomes_final(net, &last, 15, 30000));
        replica_net_free(net);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_17_poison_on_all_nodes),
        cmocka_unit_test(test_17_poison_that_a_leader_names),
        cmocka_unit_test(test_17_poison_on_one_node),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
