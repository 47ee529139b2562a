/* execute: one pass over the batches and records of a block (see execute.h). */
#include "ledger/execute.h"

#include "base/check.h"
#include "ledger/actions.h"
#include "ledger/engine.h"
#include "ledger/idempotency.h"
#include "ledger/posting.h"
#include "ledger/rules.h"

/* Not yet decided: a record that acts on itself or a later one must not find it posted. */
#define VERDICT_UNDECIDED UINT16_MAX

static const char *check_batch(const struct ledger *ledger, const struct ledger_block *block,
                               const struct ledger_batch *batch)
{
    const struct batch_header *header = batch->header;
    if (batch->already_placed) {
        return "a batch stands in an earlier block";
    }
    if (header->version != BATCH_VERSION || header->kind < BATCH_RECORDS ||
        header->kind > BATCH_EVIDENCE) {
        return "a batch's version or kind does not exist";
    }
    if (header->count == 0 || header->count > LIMIT_BATCH_RECORDS) {
        return "a batch's count is outside its limit";
    }
    if (header->kind != BATCH_RECORDS &&
        (header->count != 1 || batch->body_length == 0 ||
         batch->body_length > BATCH_BODY_BYTES_MAX || !hash_is_zero(&header->source_hash))) {
        return "a batch of an action or evidence has one body within its limit and no source";
    }
    if (!hash_equal(&header->chain_id, &ledger->chain_id)) {
        return "a batch belongs to another chain";
    }
    if (header->expires_ms <= block->timestamp_ms) {
        return "a batch is past its time";
    }
    if (header->created_ms > block->timestamp_ms + BATCH_AHEAD_MS_MAX) {
        return "a batch is ahead of its time";
    }
    struct public_key key;
    if (!ledger_batch_key(ledger, (enum batch_kind)header->kind, header->participant,
                          header->key_no, &key) ||
        memcmp(&key, &batch->verified_under, sizeof key) != 0) {
        return "a batch is not signed by a key that its participant may submit with";
    }
    return NULL;
}

static const char *check_header(const struct ledger *ledger, const struct ledger_block *block)
{
    const struct state_row *state = &ledger->state;
    if (block->height != state->height + 1) {
        return "the block's height does not follow its parent's";
    }
    if (!hash_equal(&block->parent_hash, &state->block_hash)) {
        return "the block's parent is not the last final block";
    }
    if (block->timestamp_ms <= state->timestamp_ms) {
        return "the block's time is not after its parent's";
    }
    if (block->epoch != ledger->roster.epoch) {
        return "the block's epoch is not the one that its parent leaves";
    }
    if (lineage_root_block(ledger->lineage, block->height) != NULL) {
        return "at this height stands the root block of an incarnation, which nobody proposes";
    }
    return block->batch_count > LIMIT_BLOCK_BATCHES ? "the block has too many batches" : NULL;
}

const char *execute_check_block(const struct ledger *ledger, const struct ledger_block *block,
                                uint32_t *ret_batch)
{
    *ret_batch = UINT32_MAX;
    const char *what = check_header(ledger, block);
    if (what != NULL) {
        return what;
    }
    uint64_t records = 0;
    for (uint32_t i = 0; i < block->batch_count; i++) {
        *ret_batch = i;
        what = check_batch(ledger, block, &block->batches[i]);
        if (what != NULL) {
            return what;
        }
        records += block->batches[i].header->count;
        for (uint32_t k = 0; k < i; k++) {
            if (hash_equal(&block->batches[k].id, &block->batches[i].id)) {
                return "the block names a batch twice";
            }
        }
    }
    *ret_batch = UINT32_MAX;
    return records > ledger->limits.records ? "the block has too many records" : NULL;
}

/* The checks that concern the record alone and who files it; takes the id. */
static enum verdict admit(struct ledger *ledger, struct filing *filing)
{
    enum verdict verdict = idempotency_take_id(ledger, filing);
    if (verdict == VERDICT_POSTED) {
        verdict = rules_check_form(filing);
    }
    if (verdict == VERDICT_POSTED) {
        verdict = rules_check_authority(&ledger->registry, filing);
    }
    return verdict;
}

/* The checks against state and money, then what the record does. */
static enum verdict post(struct ledger *ledger, const struct filing *filing,
                         struct posted_record *ret_posted)
{
    switch ((enum kind_engine)filing->kind->engine) {
    case ENGINE_POST:
        return engine_transaction(ledger, filing, ret_posted);
    case ENGINE_ANSWER:
        return engine_answer(ledger, filing, ret_posted);
    case ENGINE_RETURN:
        return engine_return(ledger, filing, ret_posted);
    case ENGINE_HOLD:
        return engine_hold(ledger, filing, ret_posted);
    case ENGINE_QUEUE:
        return engine_queue(ledger, filing, ret_posted);
    case ENGINE_DISPUTE:
        return engine_dispute(ledger, filing, ret_posted);
    case ENGINE_MONEY:
        return engine_treasury(ledger, filing, ret_posted);
    }
    CHECK(filing->kind == NULL);
    return VERDICT_KIND_UNKNOWN;
}

static struct filing file_record(const struct ledger *ledger, uint32_t batch_index, uint32_t at)
{
    const struct ledger_batch *batch = &ledger->block->batches[batch_index];
    return (struct filing){
        .record = &batch->records[at],
        .record_hash = &batch->record_hashes[at],
        .submitter = batch->header->participant,
        .flat = ledger->batch_start[batch_index] + at,
        .position = batch_index << 16 | at,
        .last_of_batch = at + 1 == batch->header->count,
        .in_chain = (batch->records[at].flags & RECORD_LINKED) != 0 ||
                    (at > 0 && (batch->records[at - 1].flags & RECORD_LINKED) != 0),
    };
}

static enum verdict execute_record(struct ledger *ledger, uint32_t batch_index, uint32_t at,
                                   struct posted_record *ret_posted)
{
    struct filing filing = file_record(ledger, batch_index, at);
    ledger->verdicts[filing.flat] = VERDICT_UNDECIDED;
    ledger->lives.executing = filing.position;
    *ret_posted = (struct posted_record){
        .entry_mark = ledger->entry_count, .cycle = REGISTRY_NONE, .mark = life_mark(ledger)};
    enum verdict verdict = admit(ledger, &filing);
    if (verdict == VERDICT_POSTED) {
        verdict = post(ledger, &filing, ret_posted);
    }
    ledger->verdicts[filing.flat] = (uint16_t)verdict;
    return verdict;
}

/* Takes the chain's posted records back, last first; each of them gets LINKED_FAILED. */
static void undo_chain(struct ledger *ledger, uint32_t first_flat, uint32_t posted)
{
    for (uint32_t i = posted; i-- > 0;) {
        const struct posted_record *record = &ledger->chain[i];
        life_undo(ledger, record->mark);
        posting_undo(ledger, record->entry_mark, record->cycle, record->turnover);
        ledger->verdicts[first_flat + i] = VERDICT_LINKED_FAILED;
    }
}

/* Records first .. first + length - 1 of the batch, joined by LINKED. After a failure the rest is
   still admitted, so that each takes its id and shows its own fault if that comes first. */
static void execute_chain(struct ledger *ledger, uint32_t batch_index, uint32_t first,
                          uint32_t length)
{
    uint32_t first_flat = ledger->batch_start[batch_index] + first;
    bool failed = false;
    ledger->lives.undo_count = 0;
    ledger->lives.chained = true;
    for (uint32_t i = 0; i < length; i++) {
        if (!failed) {
            failed = execute_record(ledger, batch_index, first + i, &ledger->chain[i]) >
                     VERDICT_CONFIRMED;
            if (failed) {
                undo_chain(ledger, first_flat, i);
            }
            continue;
        }
        struct filing filing = file_record(ledger, batch_index, first + i);
        enum verdict verdict = admit(ledger, &filing);
        ledger->verdicts[filing.flat] =
            (uint16_t)(verdict == VERDICT_POSTED ? VERDICT_LINKED_FAILED : verdict);
    }
    ledger->lives.chained = false;
}

/* How many records from first on are joined: through the first without the flag. */
static uint32_t chain_length(const struct ledger_batch *batch, uint32_t first)
{
    uint32_t length = 1;
    while (first + length < batch->header->count &&
           (batch->records[first + length - 1].flags & RECORD_LINKED) != 0) {
        length++;
    }
    return length;
}

void execute_batch(struct ledger *ledger, uint32_t batch_index)
{
    const struct ledger_batch *batch = &ledger->block->batches[batch_index];
    uint32_t count = batch->header->count;
    if (batch->header->kind == BATCH_ACTION) {
        actions_execute(ledger, batch_index);
        return;
    }
    if (batch->header->kind == BATCH_EVIDENCE) {
        actions_execute_evidence(ledger, batch_index);
        return;
    }
    if (idempotency_take_source(ledger, batch_index) != VERDICT_POSTED) {
        for (uint32_t i = 0; i < count; i++) {
            ledger->verdicts[ledger->batch_start[batch_index] + i] = VERDICT_SOURCE_EXISTS;
        }
        return;
    }
    struct posted_record posted;
    for (uint32_t first = 0; first < count;) {
        uint32_t length = chain_length(batch, first);
        if (length == 1) {
            (void)execute_record(ledger, batch_index, first, &posted);
        } else {
            execute_chain(ledger, batch_index, first, length);
        }
        first += length;
    }
}
