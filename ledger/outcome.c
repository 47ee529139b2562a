/* outcome: roots, header and writes of a block and of genesis (see outcome.h). */
#include "ledger/outcome.h"

#include "base/check.h"
#include "ledger/actions.h"
#include "ledger/digest.h"
#include "ledger/idempotency.h"
#include "ledger/invariant.h"
#include "ledger/page_build.h"

#define ACCOUNT_ROW_BYTES (ACCOUNT_KEY_BYTES + ACCOUNT_LEAF_BYTES)
#define CYCLE_ROW_BYTES (CYCLE_KEY_BYTES + CYCLE_VALUE_BYTES)
#define NET_ROW_BYTES (NET_KEY_BYTES + NET_VALUE_BYTES)

void outcome_write(struct ledger *ledger, enum ledger_table table, struct span key,
                   struct span value)
{
    CHECK(ledger->outcome.write_count < ledger->limits.writes);
    ledger->writes[ledger->outcome.write_count++] =
        (struct ledger_write){.table = (uint8_t)table,
                              .key_length = (uint16_t)key.length,
                              .value_length = (uint32_t)value.length,
                              .key = key.data,
                              .value = value.data};
}

void outcome_remove(struct ledger *ledger, enum ledger_table table, struct span key)
{
    CHECK(ledger->outcome.write_count < ledger->limits.writes);
    ledger->writes[ledger->outcome.write_count++] =
        (struct ledger_write){.table = (uint8_t)table,
                              .remove = true,
                              .key_length = (uint16_t)key.length,
                              .key = key.data};
}

/* A write of a row that stands as key ‖ value. */
static void write_row(struct ledger *ledger, enum ledger_table table, const uint8_t *row,
                      uint32_t key_length, uint32_t value_length)
{
    outcome_write(ledger, table, (struct span){row, key_length},
                  (struct span){row + key_length, value_length});
}

void outcome_write_rows(struct ledger *ledger, enum ledger_table table, const uint8_t *rows,
                        uint32_t count, uint32_t key_length, uint32_t value_length)
{
    for (uint32_t i = 0; i < count; i++) {
        write_row(ledger, table, rows + (size_t)i * (key_length + value_length), key_length,
                  value_length);
    }
}

/* The tables that grow with records, and their running digests. */
static void emit_growing(struct ledger *ledger)
{
    struct hash *digests = ledger->state.digests;
    outcome_write_rows(ledger, TABLE_IDS, ledger->id_rows, ledger->id_count, ID_KEY_BYTES,
                       ID_VALUE_BYTES);
    digest_run(&digests[TABLE_IDS], ledger->id_rows, (size_t)ledger->id_count * ID_ROW_BYTES);
    outcome_write_rows(ledger, TABLE_SOURCES, ledger->source_rows[0], ledger->source_count,
                       SOURCE_KEY_BYTES, SOURCE_VALUE_BYTES);
    digest_run(&digests[TABLE_SOURCES], ledger->source_rows[0],
               (size_t)ledger->source_count * SOURCE_ROW_BYTES);
    life_emit(ledger);
}

/* Rows and leaf hashes of the accounts listed in changed; then the tree. */
static void emit_accounts(struct ledger *ledger)
{
    for (uint32_t i = 0; i < ledger->changed_count; i++) {
        const struct account *account = &ledger->accounts[ledger->changed[i]];
        uint8_t *row = ledger->account_rows + (size_t)i * ACCOUNT_ROW_BYTES;
        account_key(account->number, row);
        account_encode(account, row + ACCOUNT_KEY_BYTES);
        ledger->changed_leaves[i] = merkle_leaf(row + ACCOUNT_KEY_BYTES, ACCOUNT_LEAF_BYTES);
        write_row(ledger, TABLE_ACCOUNTS, row, ACCOUNT_KEY_BYTES, ACCOUNT_LEAF_BYTES);
    }
    merkle_dense_update(&ledger->tree, ledger->changed, ledger->changed_leaves,
                        ledger->changed_count);
}

static void emit_state(struct ledger *ledger)
{
    size_t length = state_encode(&ledger->state, ledger->state_value);
    outcome_write(ledger, TABLE_STATE, (struct span){(const uint8_t *)"state", STATE_KEY_BYTES},
                  (struct span){ledger->state_value, length});
}

static struct hash block_verdicts_root(const struct ledger *ledger)
{
    struct merkle_frontier frontier = {.size = 0};
    for (uint32_t i = 0; i < ledger->block->batch_count; i++) {
        uint32_t start = ledger->batch_start[i];
        struct hash vector =
            verdict_vector_root(ledger->verdicts + start, ledger->batch_start[i + 1] - start);
        struct hash leaf = merkle_leaf(&vector, HASH_BYTES);
        merkle_frontier_append(&frontier, &leaf);
    }
    return merkle_frontier_root(&frontier);
}

static struct hash block_batches_root(const struct ledger_block *block)
{
    struct hash ids[LIMIT_BLOCK_BATCHES];
    for (uint32_t i = 0; i < block->batch_count; i++) {
        ids[i] = block->batches[i].id;
    }
    return batches_root(ids, block->batch_count);
}

static void fill_header(struct ledger *ledger)
{
    const struct ledger_block *block = ledger->block;
    struct state_row *state = &ledger->state;
    uint32_t records = ledger->block_records;
    const struct roster *roster = ledger->terminal ? &ledger->roster_next : &ledger->roster;
    ledger->outcome.header = (struct block_header){
        .version = BLOCK_VERSION,
        .flags = ledger->terminal ? BLOCK_TERMINAL : 0,
        .epoch = block->epoch,
        .height = block->height,
        .timestamp_ms = block->timestamp_ms,
        .proposer = block->proposer,
        .batch_count = block->batch_count,
        .account_count = ledger->account_count,
        .event_count = ledger->events.count,
        .record_count = records,
        .total_records = state->total_records + records,
        .chain_id = ledger->entering == NULL ? ledger->chain_id : ledger->entering->chain_id,
        .parent_hash = block->parent_hash,
        .batches_root = block_batches_root(block),
        .verdicts_root = block_verdicts_root(ledger),
        .accounts_root = merkle_dense_root(&ledger->tree),
        .state_root = digest_state_root(state->digests),
        .history_root = merkle_frontier_root(&state->history),
        .events_root = event_root(ledger),
        .next_validators_hash = roster->hash,
    };
    ledger->outcome.block_hash = block_hash(&ledger->outcome.header);
    state->height = block->height;
    state->timestamp_ms = block->timestamp_ms;
    state->epoch = block->epoch;
    state->total_records += records;
    state->block_hash = ledger->outcome.block_hash;
}

const char *outcome_build(struct ledger *ledger)
{
    ledger->outcome.write_count = 0;
    page_build_changed(ledger);
    const char *what = page_build(ledger);
    if (what != NULL) {
        return what;
    }
    invariant_advance_sums(ledger);
    emit_accounts(ledger);
    ledger->tree_changed = true;
    emit_growing(ledger);
    refdata_emit(ledger);
    cycle_emit(ledger);
    actions_emit(ledger);
    event_emit(ledger);
    expiry_emit(ledger);
    queue_emit(ledger);
    struct hash parent = merkle_leaf(&ledger->state_before.block_hash, HASH_BYTES);
    merkle_frontier_append(&ledger->state.history, &parent);
    fill_header(ledger);
    emit_state(ledger);
    ledger->outcome.verdicts = ledger->verdicts;
    ledger->outcome.verdict_count = ledger->batch_start[ledger->block->batch_count];
    ledger->outcome.writes = ledger->writes;
    return NULL;
}

void outcome_restore_tree(struct ledger *ledger)
{
    uint32_t count = 0;
    merkle_dense_shrink(&ledger->tree, ledger->account_count);
    /* Ascending: the accounts that the block opened are the last. */
    while (count < ledger->changed_count && ledger->changed[count] < ledger->account_count) {
        ledger->changed_leaves[count] =
            account_leaf_hash(&ledger->accounts[ledger->changed[count]]);
        count++;
    }
    merkle_dense_update(&ledger->tree, ledger->changed, ledger->changed_leaves, count);
}

void outcome_rebuild_tree(struct ledger *ledger)
{
    for (uint32_t i = 0; i < ledger->account_count; i++) {
        ledger->changed[i] = i;
        ledger->changed_leaves[i] = account_leaf_hash(&ledger->accounts[i]);
    }
    merkle_dense_update(&ledger->tree, ledger->changed, ledger->changed_leaves,
                        ledger->account_count);
}

/* The static tables' rows, one behind the other in genesis_rows. */
static void emit_static(struct ledger *ledger)
{
    static const enum ledger_table TABLES[] = {TABLE_PARTICIPANTS, TABLE_LIMITS,
                                               TABLE_SERVICES,     TABLE_SCHEMES,
                                               TABLE_CALENDARS,    TABLE_PARAMETERS};
    const struct genesis *genesis = ledger->registry.genesis;
    struct writer writer = writer_over(ledger->genesis_rows, ledger->limits.genesis_bytes);
    for (unsigned i = 0; i < sizeof TABLES / sizeof TABLES[0]; i++) {
        uint32_t count = digest_static_count(genesis, TABLES[i]);
        for (uint32_t k = 0; k < count; k++) {
            size_t start = writer.used;
            uint32_t key_length = digest_static_row(genesis, TABLES[i], k, &writer);
            CHECK(!writer.failed);
            write_row(ledger, TABLES[i], ledger->genesis_rows + start, key_length,
                      (uint32_t)(writer.used - start) - key_length);
        }
    }
}

void outcome_build_genesis(struct ledger *ledger)
{
    const struct genesis *genesis = ledger->registry.genesis;
    struct state_row *state = &ledger->state;
    ledger->outcome.write_count = 0;
    ledger->changed_count = ledger->account_count;
    for (uint32_t i = 0; i < ledger->account_count; i++) {
        ledger->changed[i] = i;
    }
    emit_accounts(ledger);
    digest_static(ledger);
    emit_static(ledger);
    cycle_emit(ledger);
    actions_emit_genesis(ledger);
    state->timestamp_ms = genesis->created_ms;
    ledger->outcome.header = (struct block_header){
        .version = BLOCK_VERSION,
        .timestamp_ms = genesis->created_ms,
        .account_count = ledger->account_count,
        .chain_id = ledger->chain_id,
        .accounts_root = merkle_dense_root(&ledger->tree),
        .state_root = digest_state_root(state->digests),
        .next_validators_hash = ledger->roster.hash,
    };
    ledger->outcome.block_hash = block_hash(&ledger->outcome.header);
    state->block_hash = ledger->outcome.block_hash;
    emit_state(ledger);
    ledger->outcome.verdicts = ledger->verdicts;
    ledger->outcome.verdict_count = 0;
    ledger->outcome.writes = ledger->writes;
}
