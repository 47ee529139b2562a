/* idempotency: ids and source parts are taken once (see idempotency.h). */
#include "ledger/idempotency.h"

#include "base/check.h"

static enum verdict compare(const struct hash *known, const struct hash *own)
{
    return hash_equal(known, own) ? VERDICT_EXISTS : VERDICT_EXISTS_DIFFERENT;
}

enum verdict idempotency_take_id(struct ledger *ledger, const struct filing *filing)
{
    const struct record *record = filing->record;
    if (bytes_are_zero(&record->id, sizeof record->id)) {
        return VERDICT_POSTED;
    }
    uint32_t known = ledger->working_set->id_of[filing->flat];
    if (known != 0) {
        return compare(&ledger->working_set->ids[known - 1].record_hash, filing->record_hash);
    }
    CHECK(ledger->id_count < ledger->limits.records);
    uint8_t *row = ledger->id_rows + (size_t)ledger->id_count * ID_ROW_BYTES;
    id_key(filing->submitter, &record->id, row);
    uint32_t slot = 0;
    uint32_t earlier = index_find(&ledger->ids, row, &slot);
    if (earlier != INDEX_NONE) {
        struct span value = {ledger->id_rows + (size_t)earlier * ID_ROW_BYTES + ID_KEY_BYTES,
                             ID_VALUE_BYTES};
        struct id_row taken;
        CHECK(id_decode(value, &taken) == STATUS_OK);
        return compare(&taken.record_hash, filing->record_hash);
    }
    struct id_row own = {.place = {ledger->block->height, filing->position},
                         .record_hash = *filing->record_hash};
    id_encode(&own, row + ID_KEY_BYTES);
    index_put(&ledger->ids, slot, ledger->id_count++);
    return VERDICT_POSTED;
}

enum verdict idempotency_take_source(struct ledger *ledger, uint32_t batch_index)
{
    const struct ledger_batch *batch = &ledger->block->batches[batch_index];
    if (hash_is_zero(&batch->header->source_hash)) {
        return VERDICT_POSTED;
    }
    if (ledger->working_set->source_taken[batch_index]) {
        return VERDICT_SOURCE_EXISTS;
    }
    uint8_t *row = ledger->source_rows[ledger->source_count];
    source_key(batch->header->participant, &batch->header->source_hash, batch->header->part, row);
    /* At most 128 batches a block: a scan is cheaper than an index. */
    for (uint32_t i = 0; i < ledger->source_count; i++) {
        if (memcmp(ledger->source_rows[i], row, SOURCE_KEY_BYTES) == 0) {
            return VERDICT_SOURCE_EXISTS;
        }
    }
    memcpy(row + SOURCE_KEY_BYTES, &batch->id, SOURCE_VALUE_BYTES);
    ledger->source_count++;
    return VERDICT_POSTED;
}
