/* ledger: the dispatch of the one interface (see ledger.h); each concern has its own file. */
#include "ledger/ledger.h"

#include "base/check.h"
#include "ledger/actions.h"
#include "ledger/change.h"
#include "ledger/execute.h"
#include "ledger/invariant.h"
#include "ledger/memory.h"
#include "ledger/opening.h"
#include "ledger/outcome.h"
#include "ledger/root.h"
#include "ledger/roster.h"
#include "ledger/settle.h"
#include "ledger/state.h"
#include "ledger/touch.h"

static struct ledger *begin(struct ledger *ledger, const struct lineage *lineage)
{
    const struct genesis *genesis = lineage_first(lineage)->genesis;
    ledger->lineage = lineage;
    ledger->chain_id = lineage_first(lineage)->chain_id;
    ledger->registry.open_cycles = ledger->cycles.open;
    refdata_init(ledger, genesis);
    roster_from_genesis(genesis, &ledger->roster);
    ledger->state.expiry_next_ms = UINT64_MAX;
    opening_accounts(ledger);
    cycle_open_first(ledger);
    outcome_build_genesis(ledger);
    return ledger;
}

struct ledger *ledger_init(void *memory, const struct genesis *genesis, const struct hash *chain_id)
{
    struct ledger *ledger = memory_lay_out(memory, genesis);
    lineage_single(&ledger->single, genesis, chain_id);
    return begin(ledger, &ledger->single);
}

struct ledger *ledger_init_lineage(void *memory, const struct lineage *lineage)
{
    return begin(memory_lay_out(memory, lineage_first(lineage)->genesis), lineage);
}

const struct ledger_outcome *ledger_genesis_outcome(struct ledger *ledger)
{
    CHECK(ledger->generation == 0);
    return &ledger->outcome;
}

/* A new generation makes every mark of earlier executions stale. */
static void begin_generation(struct ledger *ledger)
{
    ledger->generation++;
    if (ledger->generation == 0) {
        size_t slots = ledger->limits.index_slots;
        memset(ledger->account_marks, 0, ledger->account_count * sizeof *ledger->account_marks);
        memset(ledger->cycles.net_marks, 0,
               (size_t)ledger->cycles.count * ledger->cycles.stride *
                   sizeof *ledger->cycles.net_marks);
        memset(ledger->ids.slots, 0, slots * sizeof *ledger->ids.slots);
        memset(ledger->transactions.index.slots, 0,
               slots * sizeof *ledger->transactions.index.slots);
        memset(ledger->lives.index.slots, 0,
               ledger->limits.life_slots * sizeof *ledger->lives.index.slots);
        ledger->generation = 1;
    }
}

/* Lives are counted as in memory_limits, of what this block can come to. */
static void begin_indexes(struct ledger *ledger, const struct hash *parent_hash)
{
    const uint32_t records = ledger->batch_start[ledger->block->batch_count];
    uint64_t lives = (uint64_t)records * LIVES_PER_RECORD + 2ull * ledger->working_set->due_count;
    for (uint32_t i = 0; i < ledger->currency_count; i++) {
        lives += ledger->queues.currencies[i].now->count;
    }
    CHECK(records <= ledger->limits.records && lives <= ledger->limits.lives);
    index_fit(&ledger->ids, records);
    index_fit(&ledger->transactions.index, records);
    index_fit(&ledger->lives.index, (uint32_t)lives);
    ledger->lives.capacity = (uint32_t)lives;
    index_begin(&ledger->ids, ledger->generation, parent_hash);
    index_begin(&ledger->transactions.index, ledger->generation, parent_hash);
    index_begin(&ledger->lives.index, ledger->generation, parent_hash);
}

static void begin_block(struct ledger *ledger, const struct ledger_block *block,
                        const struct working_set *working_set)
{
    begin_generation(ledger);
    ledger->block = block;
    ledger->working_set = working_set;
    ledger->touched_count = 0;
    ledger->entry_count = 0;
    ledger->id_count = 0;
    ledger->transactions.count = 0;
    ledger->lives.count = 0;
    refdata_begin(ledger);
    ledger->account_count_before = ledger->account_count;
    life_begin(ledger);
    event_begin(ledger);
    expiry_begin(ledger);
    queue_begin(ledger);
    ledger->source_count = 0;
    ledger->changed_count = 0;
    ledger->tree_changed = false;
    ledger->state_before = ledger->state;
    memcpy(ledger->sums_before, ledger->sums, sizeof ledger->sums);
    cycle_begin(ledger);
    ledger->batch_start[0] = 0;
    ledger->block_records = 0;
    for (uint32_t i = 0; i < block->batch_count; i++) {
        const struct batch_header *header = block->batches[i].header;
        ledger->batch_start[i + 1] = ledger->batch_start[i] + header->count;
        ledger->block_records += header->kind == BATCH_RECORDS ? header->count : 0;
    }
    begin_indexes(ledger, &block->parent_hash);
    actions_begin(ledger);
}

static void take_back(struct ledger *ledger)
{
    refdata_restore(ledger); /* what cycles owe follows from who sponsors whom */
    touch_restore(ledger);
    ledger->account_count = ledger->account_count_before;
    queue_restore(ledger);
    if (ledger->tree_changed) {
        outcome_restore_tree(ledger);
        ledger->tree_changed = false;
    }
    ledger->book_changed = false;
    ledger->terminal = false;
    ledger->entering = NULL;
    ledger->block = NULL;
    ledger->working_set = NULL;
}

/* Which batch breaks an invariant: the same block again, checked after each batch. Only ever run
   after a breach. UINT32_MAX if none does by itself. */
static uint32_t find_bad_batch(struct ledger *ledger, const struct ledger_block *block,
                               const struct working_set *working_set)
{
    uint32_t bad = UINT32_MAX;
    begin_block(ledger, block, working_set);
    expiry_run(ledger);
    for (uint32_t i = 0; i < block->batch_count && bad == UINT32_MAX; i++) {
        execute_batch(ledger, i);
        if (invariant_check(ledger) != NULL) {
            bad = i;
        }
    }
    take_back(ledger);
    return bad;
}

/* A block that has passed the checks of its kind. */
static enum ledger_result run(struct ledger *ledger, const struct ledger_block *block,
                              const struct working_set *working_set,
                              const struct ledger_outcome **ret_outcome,
                              struct ledger_fault *ret_fault)
{
    begin_block(ledger, block, working_set);
    CHECK(working_set->height == block->height &&
          working_set->record_count == ledger->batch_start[block->batch_count]);
    /* docs/ledger.md, A block, in this order. */
    expiry_run(ledger);
    for (uint32_t i = 0; i < block->batch_count; i++) {
        execute_batch(ledger, i);
    }
    actions_run_effects(ledger);
    actions_finish(ledger);
    settle_run(ledger);
    queue_run(ledger);
    const char *what = invariant_check(ledger);
    if (what == NULL) {
        what = outcome_build(ledger);
    }
    if (what != NULL) {
        take_back(ledger);
        *ret_fault = (struct ledger_fault){
            .what = what, .batch_index = find_bad_batch(ledger, block, working_set)};
        return LEDGER_INVARIANT;
    }
    ledger->speculative = true;
    *ret_outcome = &ledger->outcome;
    return LEDGER_OK;
}

enum ledger_result ledger_execute(struct ledger *ledger, const struct ledger_block *block,
                                  const struct working_set *working_set,
                                  const struct ledger_outcome **ret_outcome,
                                  struct ledger_fault *ret_fault)
{
    CHECK(!ledger->speculative);
    uint32_t batch_index;
    const char *what = execute_check_block(ledger, block, &batch_index);
    if (what != NULL) {
        *ret_fault = (struct ledger_fault){.what = what, .batch_index = batch_index};
        return LEDGER_INVALID_BLOCK;
    }
    return run(ledger, block, working_set, ret_outcome, ret_fault);
}

enum ledger_result ledger_execute_root(struct ledger *ledger, const struct ledger_block *block,
                                       const struct working_set *working_set,
                                       const struct ledger_outcome **ret_outcome,
                                       struct ledger_fault *ret_fault)
{
    CHECK(!ledger->speculative);
    const char *what = root_check(ledger, working_set);
    if (what != NULL) {
        *ret_fault = (struct ledger_fault){.what = what, .batch_index = UINT32_MAX};
        return LEDGER_INVALID_BLOCK;
    }
    ledger->entering = root_next(ledger);
    return run(ledger, block, working_set, ret_outcome, ret_fault);
}

void ledger_commit(struct ledger *ledger)
{
    CHECK(ledger->speculative);
    ledger->speculative = false;
    ledger->tree_changed = false;
    actions_commit(ledger);
    if (ledger->entering != NULL) {
        ledger->chain_id = ledger->entering->chain_id;
        ledger->entering = NULL;
    }
    ledger->block = NULL;
    ledger->working_set = NULL;
    cycle_commit(ledger);
}

void ledger_rollback(struct ledger *ledger)
{
    CHECK(ledger->speculative);
    ledger->speculative = false;
    take_back(ledger);
}

bool ledger_time_due(const struct ledger *ledger, uint64_t timestamp_ms)
{
    uint64_t cycle_ms = cycle_next_ms(ledger);
    uint64_t expiry_ms = ledger->state.expiry_next_ms;
    uint64_t next_ms = cycle_ms < expiry_ms ? cycle_ms : expiry_ms;
    return next_ms != UINT64_MAX && next_ms <= timestamp_ms;
}

uint64_t ledger_epoch(const struct ledger *ledger)
{
    return ledger->roster.epoch;
}

const struct hash *ledger_chain_id(const struct ledger *ledger)
{
    return &ledger->chain_id;
}

const struct ledger_validator *ledger_validators(const struct ledger *ledger, uint32_t *ret_count)
{
    *ret_count = ledger->roster.count;
    return ledger->roster.members;
}

bool ledger_candidate(const struct ledger *ledger, uint32_t index,
                      struct ledger_validator *ret_validator, struct hash *ret_action_id,
                      bool *ret_ready)
{
    struct action action;
    const struct action_row *row = actions_approved_change(ledger, ledger->book, &action);
    if (row == NULL || !change_new_member(&ledger->roster, &action, index, ret_validator)) {
        return false;
    }
    *ret_action_id = row->id;
    *ret_ready = (row->ready >> index & 1) != 0;
    return true;
}

bool ledger_batch_key(const struct ledger *ledger, enum batch_kind kind, uint32_t participant,
                      uint32_t key_no, struct public_key *ret_key)
{
    const struct public_key *key = NULL;
    if (key_no < VALIDATOR_KEY_NO) {
        if (kind != BATCH_EVIDENCE) {
            key = registry_key(&ledger->registry, participant, key_no,
                               kind == BATCH_RECORDS ? PERMISSION_SUBMIT : PERMISSION_ACT);
        }
    } else if (kind != BATCH_RECORDS) {
        const struct ledger_validator *member =
            roster_by_number(&ledger->roster, participant, key_no);
        if (member == NULL && kind == BATCH_ACTION) {
            return actions_candidate_key(ledger, participant, key_no, ret_key);
        }
        key = member == NULL ? NULL : &member->validator.key;
    }
    if (key == NULL) {
        return false;
    }
    *ret_key = *key;
    return true;
}

bool ledger_transport_key(const struct ledger *ledger, const struct transport_key *key,
                          uint32_t *ret_participant, uint32_t *ret_roles)
{
    if (bytes_are_zero(key->bytes, sizeof key->bytes)) {
        return false;
    }
    const struct genesis *genesis = ledger->registry.genesis;
    for (uint32_t i = 0; i < genesis->participant_count; i++) {
        if (memcmp(genesis->participants[i].transport_key.bytes, key->bytes, sizeof key->bytes) ==
            0) {
            *ret_participant = genesis->participants[i].number;
            *ret_roles = genesis->participants[i].roles;
            return true;
        }
    }
    return false;
}
