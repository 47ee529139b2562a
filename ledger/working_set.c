/* working_set: reads what a block refers to through the reader (see working_set.h). */
#include "ledger/working_set.h"

#include "base/check.h"
#include "ledger/action_rows.h"
#include "ledger/evidence_batch.h"
#include "ledger/kinds.h"
#include "ledger/roster.h"
#include "ledger/state.h"

/* A REVERSE that is affirmed, the half it acts on, and the other half. A due one ends by itself or
   with its other half. ORIGINALS_MAX counts on both. */
#define DEPTH_OF_ACTS 2u
#define DEPTH_OF_DUE 1u

size_t working_set_footprint(void)
{
    return sizeof(struct working_set);
}

struct working_set *working_set_init(void *memory)
{
    struct working_set *working_set = memory;
    working_set->height = 0;
    working_set->record_count = 0;
    working_set->generation = 0;
    working_set->zeroed_slots = 0;
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

const struct original *working_set_at(const struct working_set *set, struct place place)
{
    uint8_t key[LIFE_KEY_BYTES];
    uint32_t slot;
    life_key(place, key);
    uint32_t at = index_find(&set->index, key, &slot);
    return at == INDEX_NONE ? NULL : &set->originals[at];
}

/* What its life depends on: what it is LINKED to, waits with, or acts on. */
static bool needs_parent(const struct original *original)
{
    const struct life_row *life = &original->life;
    if (!original->has_life || life->parent.height == 0) {
        return false;
    }
    return life->state == LIFE_LINKED || life->state == LIFE_EXCEPTION ||
           life->state == LIFE_WAITING ||
           (life->state >= LIFE_CHARGED_BACK && life->state <= LIFE_IN_ARBITRATION);
}

static void read_life(const struct ledger_reader *reader, struct original *original)
{
    struct span value;
    original->has_life =
        reader->get(reader->context, TABLE_LIFE, original->key, sizeof original->key, &value);
    original->posted_ms = 0;
    if (original->has_life) {
        CHECK(life_decode(value, &original->life) == STATUS_OK);
    } else if (original->verdict <= VERDICT_CONFIRMED) {
        CHECK(reader->time(reader->context, original->place.height, &original->posted_ms));
    }
}

/* 1 + place in originals, where each stands once. */
static uint32_t fetch_place(const struct ledger_reader *reader, struct place place,
                            struct working_set *set)
{
    uint8_t key[LIFE_KEY_BYTES];
    uint32_t slot = 0;
    life_key(place, key);
    uint32_t at = index_find(&set->index, key, &slot);
    if (at != INDEX_NONE) {
        return at + 1;
    }
    CHECK(set->original_count < ORIGINALS_MAX);
    at = set->original_count++;
    struct original *original = &set->originals[at];
    memcpy(original->key, key, sizeof key);
    original->place = place;
    CHECK(reader->record(reader->context, place.height, place.position, &original->record,
                         &original->verdict, &original->submitter));
    read_life(reader, original);
    index_put(&set->index, slot, at);
    return at + 1;
}

/* The record at this place and, so many times, what its life depends on. */
static uint32_t fetch_original(const struct ledger_reader *reader, struct place place,
                               unsigned depth_max, struct working_set *set)
{
    uint32_t first = fetch_place(reader, place, set);
    const struct original *original = &set->originals[first - 1];
    for (unsigned depth = 0; depth < depth_max && needs_parent(original); depth++) {
        original = &set->originals[fetch_place(reader, original->life.parent, set) - 1];
    }
    return first;
}

/* The record that this one acts on, if the final state has it. */
static void fetch_ref(const struct ledger_reader *reader, uint32_t participant,
                      const struct record *record, uint32_t flat, struct working_set *set)
{
    uint32_t owner = record->ref_participant != 0 ? record->ref_participant : participant;
    struct id_row row;
    if (!bytes_are_zero(&record->ref, sizeof record->ref) &&
        read_id(reader, owner, &record->ref, &row)) {
        set->original_of[flat] = fetch_original(reader, row.place, DEPTH_OF_ACTS, set);
    }
}

/* The record that its match key names. */
static void fetch_key(const struct ledger_reader *reader, const struct record *record,
                      uint32_t flat, struct working_set *set)
{
    uint8_t key[TRANSACTION_KEY_BYTES];
    struct span value;
    transaction_key(&record->match_key, record->scheme, key);
    if (!bytes_are_zero(&record->match_key, sizeof record->match_key) &&
        reader->get(reader->context, TABLE_TRANSACTIONS, key, sizeof key, &value)) {
        struct transaction_row row;
        CHECK(transaction_decode(value, &row) == STATUS_OK);
        set->key_of[flat] = fetch_original(reader, row.place, DEPTH_OF_ACTS, set);
    }
}

/* A kind either begins a transaction or acts on one. */
static void fetch_named(const struct ledger_reader *reader, uint32_t participant,
                        const struct record *record, uint32_t flat, struct working_set *set)
{
    set->original_of[flat] = 0;
    set->key_of[flat] = 0;
    if (record_kind_name(record->kind) == NULL) {
        return;
    }
    if (kind_of(record->kind)->takes_match_key) {
        fetch_key(reader, record, flat, set);
    } else {
        fetch_ref(reader, participant, record, flat, set);
    }
}

/* Due rows in order, and what they concern. */
static void fetch_due(const struct ledger *ledger, uint64_t timestamp_ms,
                      const struct ledger_reader *reader, struct working_set *set)
{
    set->due_count = 0;
    set->due_next_ms = UINT64_MAX;
    set->due_read = ledger->state.expiry_next_ms <= timestamp_ms;
    if (!set->due_read) {
        return;
    }
    uint8_t last[EXPIRY_KEY_BYTES];
    size_t last_length = 0;
    struct span key;
    struct span value;
    while (reader->seek(reader->context, TABLE_EXPIRY, last, last_length, &key, &value)) {
        struct expiry_row row;
        CHECK(expiry_decode(key, value, &row) == STATUS_OK);
        if (row.due_ms > timestamp_ms ||
            set->due_count == DUE_PER_RECORD * ledger->limits.records) {
            set->due_next_ms = row.due_ms;
            return;
        }
        memcpy(last, key.data, sizeof last);
        last_length = sizeof last;
        (void)fetch_original(reader, row.place, DEPTH_OF_DUE, set);
        set->due[set->due_count++] = row;
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

/* Whether a consensus key of the document that a root block begins was in any set before: what it
   signed there, no store may remember. */
static bool root_key_known(const struct ledger *ledger, const struct genesis *document,
                           const struct ledger_reader *reader)
{
    for (uint64_t epoch = 1; epoch <= ledger->roster.epoch; epoch++) {
        uint8_t key[VALIDATORS_KEY_BYTES];
        struct span value;
        struct roster set;
        validators_key(epoch, key);
        CHECK(reader->get(reader->context, TABLE_VALIDATORS, key, sizeof key, &value));
        CHECK(validators_decode((struct span){key, sizeof key}, value, &set) == STATUS_OK);
        for (uint32_t i = 0; i < document->validator_count; i++) {
            if (roster_find(&set, &document->validators[i].key) != NULL) {
                return true;
            }
        }
    }
    return false;
}

/* Originals of earlier blocks are forgotten. A block has at most so many records. */
static void begin_index(struct working_set *set, uint32_t records, const struct hash *parent_hash)
{
    CHECK(records <= LIMIT_BLOCK_RECORDS);
    const uint32_t slots = index_slots(ORIGINALS_MAX_OF(records));
    set->generation++;
    if (set->generation == 0) {
        set->zeroed_slots = 0;
        set->generation = 1;
    }
    if (slots > set->zeroed_slots) {
        memset(&set->slots[set->zeroed_slots], 0,
               (slots - set->zeroed_slots) * sizeof set->slots[0]);
        set->zeroed_slots = slots;
    }
    set->index = (struct index){.slots = set->slots,
                                .rows = set->originals[0].key,
                                .mask = slots - 1,
                                .stride = sizeof set->originals[0],
                                .key_length = LIFE_KEY_BYTES};
    index_begin(&set->index, set->generation, parent_hash);
}

void ledger_prefetch(const struct ledger *ledger, const struct ledger_block *block,
                     const struct ledger_reader *reader, struct working_set *working_set)
{
    working_set->height = block->height;
    working_set->id_count = 0;
    working_set->original_count = 0;
    begin_index(working_set, ledger->limits.records, &block->parent_hash);
    const struct incarnation *root = lineage_root_block(ledger->lineage, block->height);
    working_set->root_key_known = root != NULL && root_key_known(ledger, root->genesis, reader);
    fetch_due(ledger, block->timestamp_ms, reader, working_set);
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
            fetch_named(reader, batch->header->participant, record, flat, working_set);
            flat++;
        }
    }
    working_set->record_count = flat;
}
