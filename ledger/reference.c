/* reference: originals, what is left of them, and match keys (see reference.h). */
#include "ledger/reference.h"

#include "base/check.h"
#include "ledger/kinds.h"

struct found {
    const struct record *record;
    struct place place;
    uint16_t verdict;
    struct life_row life; /* as the final state has it */
};

/* An original in this block: by the row under which its id was taken. */
static bool find_in_block(const struct ledger *ledger, const struct filing *filing,
                          struct found *ret_found)
{
    const struct record *record = filing->record;
    uint8_t key[ID_KEY_BYTES];
    uint32_t owner = record->ref_participant != 0 ? record->ref_participant : filing->submitter;
    id_key(owner, &record->ref, key);
    uint32_t slot;
    uint32_t row = index_find(&ledger->ids, key, &slot);
    if (row == INDEX_NONE) {
        return false;
    }
    struct span value = {ledger->id_rows + (size_t)row * (ID_KEY_BYTES + ID_VALUE_BYTES) +
                             ID_KEY_BYTES,
                         ID_VALUE_BYTES};
    struct id_row taken;
    CHECK(id_decode(value, &taken) == STATUS_OK);
    uint32_t batch = taken.place.position >> 16;
    uint32_t at = taken.place.position & 0xffff;
    ret_found->record = &ledger->block->batches[batch].records[at];
    ret_found->place = taken.place;
    ret_found->verdict = ledger->verdicts[ledger->batch_start[batch] + at];
    ret_found->life = (struct life_row){.state = LIFE_POSTED};
    return true;
}

static bool find_original(const struct ledger *ledger, const struct filing *filing,
                          struct found *ret_found)
{
    uint32_t known = ledger->working_set->original_of[filing->flat];
    if (known == 0) {
        return find_in_block(ledger, filing, ret_found);
    }
    const struct original *original = &ledger->working_set->originals[known - 1];
    ret_found->record = &original->record;
    ret_found->place = original->place;
    ret_found->verdict = original->verdict;
    ret_found->life = original->has_life ? original->life : (struct life_row){.state = LIFE_POSTED};
    return true;
}

static bool same_transaction(const struct record *own, const struct record *original)
{
    bool no_key = bytes_are_zero(&own->match_key, sizeof own->match_key);
    return own->payer == original->payer && own->payee == original->payee &&
           own->scheme == original->scheme && own->currency == original->currency &&
           (no_key || memcmp(&own->match_key, &original->match_key, sizeof own->match_key) == 0);
}

static enum verdict check_refund(struct ledger *ledger, const struct filing *filing,
                                 struct reference *reference)
{
    struct found found;
    if (!find_original(ledger, filing, &found)) {
        return VERDICT_REF_NOT_FOUND;
    }
    if (found.verdict != VERDICT_POSTED) {
        return VERDICT_REF_NOT_POSTED;
    }
    if (found.record->kind != RECORD_CLEAR && found.record->kind != RECORD_PAY) {
        return VERDICT_REF_KIND;
    }
    if (!same_transaction(filing->record, found.record)) {
        return VERDICT_REF_DIFFERS;
    }
    uint8_t key[LIFE_KEY_BYTES];
    life_key(found.place, key);
    reference->acts = true;
    reference->place = found.place;
    reference->amount = found.record->amount;
    reference->network_fees = found.record->payer_fee + found.record->payee_fee;
    reference->touched = index_find(&ledger->lives.index, key, &reference->slot);
    reference->life = reference->touched == INDEX_NONE
                          ? found.life
                          : ledger->lives.touched[reference->touched].row;
    CHECK(reference->life.returned <= reference->amount);
    uint64_t remaining = reference->amount - reference->life.returned;
    return filing->record->amount > remaining ? VERDICT_EXCEEDS_REMAINING : VERDICT_POSTED;
}

/* A nonzero match key names one transaction of its scheme, whoever files it. */
static enum verdict check_match_key(struct ledger *ledger, const struct filing *filing,
                                    struct reference *reference)
{
    const struct record *record = filing->record;
    if (bytes_are_zero(&record->match_key, sizeof record->match_key)) {
        return VERDICT_POSTED;
    }
    if (ledger->working_set->key_taken[filing->flat]) {
        return VERDICT_DUPLICATE_KEY;
    }
    uint8_t key[TRANSACTION_KEY_BYTES];
    transaction_key(&record->match_key, record->scheme, key);
    reference->takes_key = true;
    bool is_free = index_find(&ledger->transactions.index, key, &reference->key_slot) == INDEX_NONE;
    return is_free ? VERDICT_POSTED : VERDICT_DUPLICATE_KEY;
}

enum verdict reference_check(struct ledger *ledger, const struct filing *filing,
                             struct reference *ret_reference)
{
    *ret_reference = (struct reference){.touched = INDEX_NONE};
    if (filing->record->kind == RECORD_REFUND) {
        return check_refund(ledger, filing, ret_reference);
    }
    if (filing->kind->takes_match_key) {
        return check_match_key(ledger, filing, ret_reference);
    }
    return VERDICT_POSTED;
}

static void write_life(struct ledger *ledger, uint32_t at)
{
    life_encode(&ledger->lives.touched[at].row,
                ledger->lives.rows + (size_t)at * LIFE_ROW_BYTES + LIFE_KEY_BYTES);
}

static void apply_return(struct ledger *ledger, const struct filing *filing,
                         const struct reference *reference, struct posted_record *ret_posted)
{
    uint32_t at = reference->touched;
    if (at == INDEX_NONE) {
        CHECK(ledger->lives.count < ledger->limits.records);
        at = ledger->lives.count++;
        life_key(reference->place, ledger->lives.rows + (size_t)at * LIFE_ROW_BYTES);
        ledger->lives.touched[at] = (struct touched_life){
            .row = reference->life, .amount = reference->amount, .slot = reference->slot};
        index_put(&ledger->lives.index, reference->slot, at);
        ret_posted->life_is_new = true;
    }
    ret_posted->life = at;
    ret_posted->amount = filing->record->amount;
    ledger->lives.touched[at].row.returned += filing->record->amount;
    write_life(ledger, at);
}

static void apply_match_key(struct ledger *ledger, const struct filing *filing,
                            const struct reference *reference, struct posted_record *ret_posted)
{
    const struct record *record = filing->record;
    CHECK(ledger->transactions.count < ledger->limits.records);
    uint8_t *row =
        ledger->transactions.rows + (size_t)ledger->transactions.count * TRANSACTION_ROW_BYTES;
    transaction_key(&record->match_key, record->scheme, row);
    struct transaction_row value = {.place = {ledger->block->height, filing->position}};
    transaction_encode(&value, row + TRANSACTION_KEY_BYTES);
    index_put(&ledger->transactions.index, reference->key_slot, ledger->transactions.count++);
    ret_posted->transaction_slot = reference->key_slot;
}

void reference_apply(struct ledger *ledger, const struct filing *filing,
                     const struct reference *reference, struct posted_record *ret_posted)
{
    ret_posted->life = INDEX_NONE;
    ret_posted->life_is_new = false;
    ret_posted->transaction_slot = INDEX_NONE;
    if (reference->acts) {
        apply_return(ledger, filing, reference, ret_posted);
    }
    if (reference->takes_key) {
        apply_match_key(ledger, filing, reference, ret_posted);
    }
}

void reference_undo(struct ledger *ledger, const struct posted_record *posted)
{
    if (posted->transaction_slot != INDEX_NONE) {
        index_remove_last(&ledger->transactions.index, posted->transaction_slot);
        ledger->transactions.count--;
    }
    if (posted->life == INDEX_NONE) {
        return;
    }
    ledger->lives.touched[posted->life].row.returned -= posted->amount;
    write_life(ledger, posted->life);
    if (posted->life_is_new) {
        CHECK(posted->life == ledger->lives.count - 1);
        index_remove_last(&ledger->lives.index, ledger->lives.touched[posted->life].slot);
        ledger->lives.count--;
    }
}
