/* working_set: reads what a block refers to through the reader (see working_set.h). */
#include "ledger/working_set.h"

#include "base/check.h"
#include "ledger/action_rows.h"
#include "ledger/evidence_batch.h"
#include "ledger/kinds.h"
#include "ledger/state.h"

size_t working_set_footprint(void)
{
    return sizeof(struct working_set);
}

struct working_set *working_set_init(void *memory)
{
    struct working_set *working_set = memory;
    working_set->height = 0;
    working_set->record_count = 0;
    return working_set;
}

/* A row of TABLE_IDS. The store verifies what it hands out, and stops the process if it is damaged,
   so bytes that do not decode are our own bug. */
static bool read_id(const struct ledger_reader *reader, uint32_t participant,
                    const struct record_id *id, struct id_row *ret_row)
{
    uint8_t key[ID_KEY_BYTES];
    id_key(participant, id, key);
    struct span value;
    if (!reader->get(reader->context, TABLE_IDS, key, sizeof key, &value)) {
        return false;
    }
    CHECK(id_decode(value, ret_row) == STATUS_OK);
    return true;
}

static void fetch_id(const struct ledger_reader *reader, uint32_t participant,
                     const struct record *record, uint32_t flat, struct working_set *set)
{
    set->id_of[flat] = 0;
    if (!bytes_are_zero(&record->id, sizeof record->id) &&
        read_id(reader, participant, &record->id, &set->ids[set->id_count])) {
        set->id_of[flat] = ++set->id_count;
    }
}

/* The record that this one acts on, if the final state has it. */
static void fetch_original(const struct ledger_reader *reader, uint32_t participant,
                           const struct record *record, uint32_t flat, struct working_set *set)
{
    set->original_of[flat] = 0;
    if (bytes_are_zero(&record->ref, sizeof record->ref)) {
        return;
    }
    uint32_t owner = record->ref_participant != 0 ? record->ref_participant : participant;
    struct id_row row;
    if (!read_id(reader, owner, &record->ref, &row)) {
        return;
    }
    struct original *original = &set->originals[set->original_count];
    original->place = row.place;
    CHECK(reader->record(reader->context, row.place.height, row.place.position, &original->record,
                         &original->verdict, &original->submitter));
    uint8_t key[LIFE_KEY_BYTES];
    life_key(row.place, key);
    struct span value;
    original->has_life = reader->get(reader->context, TABLE_LIFE, key, sizeof key, &value);
    if (original->has_life) {
        CHECK(life_decode(value, &original->life) == STATUS_OK);
    }
    set->original_of[flat] = ++set->original_count;
}

static void fetch_key(const struct ledger_reader *reader, const struct record *record,
                      uint32_t flat, struct working_set *set)
{
    set->key_taken[flat] = false;
    if (record_kind_name(record->kind) != NULL && kind_of(record->kind)->takes_match_key &&
        !bytes_are_zero(&record->match_key, sizeof record->match_key)) {
        uint8_t key[TRANSACTION_KEY_BYTES];
        transaction_key(&record->match_key, record->scheme, key);
        struct span value;
        set->key_taken[flat] =
            reader->get(reader->context, TABLE_TRANSACTIONS, key, sizeof key, &value);
    }
}

static void fetch_source(const struct ledger_reader *reader, const struct batch_header *header,
                         uint32_t batch_index, struct working_set *set)
{
    set->source_taken[batch_index] = false;
    if (!hash_is_zero(&header->source_hash)) {
        uint8_t key[SOURCE_KEY_BYTES];
        source_key(header->participant, &header->source_hash, header->part, key);
        struct span value;
        set->source_taken[batch_index] =
            reader->get(reader->context, TABLE_SOURCES, key, sizeof key, &value);
    }
}

/* What a batch of another kind refers to. A body without form refers to nothing. */
static void fetch_body(const struct ledger_reader *reader, const struct ledger_batch *batch,
                       uint32_t batch_index, struct working_set *set)
{
    struct span body = {batch->body, batch->body_length};
    struct span value;
    struct action action;
    struct evidence_body evidence;
    set->action_known[batch_index] = false;
    set->evidence_known[batch_index] = false;
    if (batch->header->kind == BATCH_ACTION && action_decode(body, &action) == STATUS_OK) {
        set->action_known[batch_index] = reader->get(
            reader->context, TABLE_ACTIONS, action.subject.bytes, ACTION_KEY_BYTES, &value);
    }
    if (batch->header->kind == BATCH_EVIDENCE && evidence_decode(body, &evidence) == STATUS_OK) {
        uint8_t key[EVIDENCE_KEY_BYTES];
        evidence_key(evidence.first.epoch, evidence.first.view, evidence.first.signer,
                     evidence_kinds(&evidence), key);
        set->evidence_known[batch_index] =
            reader->get(reader->context, TABLE_EVIDENCE, key, sizeof key, &value);
    }
}

void ledger_prefetch(const struct ledger *ledger, const struct ledger_block *block,
                     const struct ledger_reader *reader, struct working_set *working_set)
{
    working_set->height = block->height;
    working_set->id_count = 0;
    working_set->original_count = 0;
    uint32_t flat = 0;
    /* A block beyond the limits is refused by execution, which then looks at none of this. */
    for (uint32_t i = 0; i < block->batch_count && i < LIMIT_BLOCK_BATCHES; i++) {
        const struct ledger_batch *batch = &block->batches[i];
        if (batch->header->kind != BATCH_RECORDS) {
            fetch_body(reader, batch, i, working_set);
            flat += flat < ledger->limits.records;
            continue;
        }
        fetch_source(reader, batch->header, i, working_set);
        for (uint32_t k = 0; k < batch->header->count && flat < ledger->limits.records; k++) {
            const struct record *record = &batch->records[k];
            fetch_id(reader, batch->header->participant, record, flat, working_set);
            fetch_original(reader, batch->header->participant, record, flat, working_set);
            fetch_key(reader, record, flat, working_set);
            flat++;
        }
    }
    working_set->record_count = flat;
}
