/* restored_net: a network that was restored from backups as a whole (see restored_net.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "ledger/account.h"
#include "tests/support/restored_net.h"

#define FUNDED 6000000000

struct replica_net *restored_open(uint64_t seed, uint32_t nodes)
{
    const struct net_options options = {.nodes = nodes,
                                        .validators = RESTORED_NODES,
                                        .observers = nodes - RESTORED_NODES,
                                        .seed = seed,
                                        .delay_ms_max = 10};
    struct replica_net *net = replica_net_new(&options);
    size_t length;
    uint8_t *funding = replica_net_funding(net, &length);
    replica_net_submit(net, 0, funding, length);
    free(funding);
    assert_true(replica_net_settle(net, 1, replica_net_now(net) + 20000));
    return net;
}

/* One more block, of a batch of this number. */
void restored_grow(struct replica_net *net, uint64_t number)
{
    size_t length;
    const uint64_t height = replica_net_height(net, 0);
    uint8_t *batch = replica_net_batch(net, 3, number, 5, &length);
    replica_net_submit(net, (uint32_t)(number % RESTORED_NODES), batch, length);
    free(batch);
    assert_true(replica_net_settle(net, height + 1, replica_net_now(net) + 60000));
}

void restored_stop(struct replica_net *net)
{
    for (uint32_t i = 0; i < net->options.nodes; i++) {
        if (replica_net_running(net, i)) {
            replica_net_crash(net, i);
        }
    }
}

void restored_start(struct replica_net *net)
{
    for (uint32_t i = 0; i < net->options.nodes; i++) {
        replica_net_restart(net, i);
    }
}

/* What was funded is what is held: the hub owes it, and all accounts together come to nothing. */
void restored_check_money(const struct replica_net *net, uint32_t node)
{
    const struct memory_table *table = &net->nodes[node].store.tables[TABLE_ACCOUNTS];
    int64_t sum = 0, cash = 0;
    for (size_t i = 0; i < table->count; i++) {
        const struct memory_entry *entry = memory_table_row(table, i);
        const struct span value = {.data = entry->bytes + entry->key_length,
                                   .length = entry->value_length};
        struct account account;
        assert_int_equal(account_decode(value, &account), STATUS_OK);
        const int64_t balance = (int64_t)account_balance(&account).minor;
        sum += balance;
        cash += account.class == ACCOUNT_CASH ? balance : 0;
    }
    assert_int_equal(sum, 0);
    assert_int_equal(cash, -FUNDED);
}

/* Goal of all: the same chain, state and money everywhere, all four vote in the newest. */
void restored_check(struct replica_net *net)
{
    const uint64_t height = replica_net_height(net, 0);
    const struct hash hash = replica_net_hash_at(net, 0, height);
    for (uint32_t i = 0; i < net->options.nodes; i++) {
        struct span row;
        struct hash other = replica_net_hash_at(net, i, height);
        assert_int_equal(replica_net_height(net, i), height);
        assert_true(hash_equal(&hash, &other)); /* and with it the state root */
        restored_check_money(net, i);
        assert_int_equal(replica_net_votes_now(net, i), i < RESTORED_NODES);
        assert_int_equal(replica_net_epoch(net, i), replica_net_epoch(net, 0));
        assert_true(memory_store_get(&net->nodes[i].store, STORE_META, "chain_id", 8, &row));
        assert_memory_equal(row.data, net->chain_id.bytes, HASH_BYTES);
    }
}

/* Backups of nodes 0 to 3 at heights 4, 2, 3 and 0, which all go back to. Blocks 5 and 6 are lost.
 */
struct replica_net *restored_new(uint64_t seed)
{
    struct replica_net *net = restored_open(seed, RESTORED_NODES);
    struct net_backup *backups[3];
    static const uint32_t order[] = {1, 2, 0};
    for (uint32_t i = 0; i < 3; i++) {
        restored_grow(net, 10 + i);
        backups[order[i]] = replica_net_backup(net, order[i]);
    }
    restored_grow(net, 20);
    restored_grow(net, 21);
    restored_stop(net);
    for (uint32_t i = 0; i < 3; i++) {
        replica_net_restore_store(net, i, backups[i]);
        replica_net_backup_free(backups[i]);
    }
    replica_net_wipe(net, 3);
    assert_int_equal(net_final_of(net, 0).height, 4);
    assert_int_equal(net_final_of(net, 1).height, 2);
    return net;
}
