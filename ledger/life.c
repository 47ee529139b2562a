/* life: subjects, their lives and match keys, and the undo of a failed chain (see life.h). */
#include "ledger/life.h"

#include "base/check.h"
#include "ledger/digest.h"
#include "ledger/outcome.h"
#include "ledger/state.h"

void life_begin(struct ledger *ledger)
{
    ledger->lives.undo_count = 0;
    ledger->lives.executing = EVENT_BY_NONE;
    ledger->lives.chained = false;
}

unsigned life_sides(const struct ledger *ledger, const struct record *record, uint32_t participant)
{
    const struct scheme *scheme = registry_scheme(&ledger->registry, record->scheme);
    unsigned sides = 0;
    sides |= participant == record->payer ? SIDE_PAYER : 0u;
    sides |= participant == record->payee ? SIDE_PAYEE : 0u;
    sides |= scheme != NULL && participant == scheme->row->network ? SIDE_NETWORK : 0u;
    return sides;
}

/* The life of a record that has no row. */
static struct life_row default_life(const struct ledger *ledger, const struct record *record,
                                    uint32_t submitter, uint64_t posted_ms)
{
    return (struct life_row){.state = LIFE_POSTED,
                             .heard = (uint8_t)life_sides(ledger, record, submitter),
                             .posted_ms = posted_ms};
}

/* What the block has made of it. */
static void overlay(const struct ledger *ledger, struct subject *subject)
{
    uint8_t key[LIFE_KEY_BYTES];
    uint32_t slot;
    life_key(subject->place, key);
    uint32_t touched = index_find(&ledger->lives.index, key, &slot);
    if (touched != INDEX_NONE) {
        subject->life = ledger->lives.touched[touched].row;
    }
}

static void subject_in_block(const struct ledger *ledger, uint32_t position,
                             struct subject *ret_subject)
{
    uint32_t batch_index = position >> 16;
    uint32_t at = position & 0xffff;
    CHECK(batch_index < ledger->block->batch_count);
    const struct ledger_batch *batch = &ledger->block->batches[batch_index];
    CHECK(at < batch->header->count);
    const struct record *record = &batch->records[at];
    uint32_t submitter = batch->header->participant;
    *ret_subject = (struct subject){
        .record = record,
        .place = {ledger->block->height, position},
        .amount = record->amount,
        .submitter = submitter,
        .verdict = ledger->verdicts[ledger->batch_start[batch_index] + at],
        .life = default_life(ledger, record, submitter, ledger->block->timestamp_ms),
    };
    overlay(ledger, ret_subject);
}

static void subject_of_original(const struct ledger *ledger, const struct original *original,
                                struct subject *ret_subject)
{
    *ret_subject = (struct subject){
        .record = &original->record,
        .place = original->place,
        .amount = original->record.amount,
        .submitter = original->submitter,
        .verdict = original->verdict,
        .life = original->has_life ? original->life
                                   : default_life(ledger, &original->record, original->submitter,
                                                  original->posted_ms),
    };
    overlay(ledger, ret_subject);
}

bool life_at(const struct ledger *ledger, struct place place, struct subject *ret_subject)
{
    if (place.height == ledger->block->height) {
        subject_in_block(ledger, place.position, ret_subject);
        return true;
    }
    const struct original *original = working_set_at(ledger->working_set, place);
    if (original != NULL) {
        subject_of_original(ledger, original, ret_subject);
    }
    return original != NULL;
}

/* An id that this block took. */
static bool find_in_block(const struct ledger *ledger, uint32_t owner, const struct record_id *id,
                          struct subject *ret_subject)
{
    uint8_t key[ID_KEY_BYTES];
    uint32_t slot;
    id_key(owner, id, key);
    uint32_t row = index_find(&ledger->ids, key, &slot);
    if (row == INDEX_NONE) {
        return false;
    }
    struct span value = {ledger->id_rows + (size_t)row * (ID_KEY_BYTES + ID_VALUE_BYTES) +
                             ID_KEY_BYTES,
                         ID_VALUE_BYTES};
    struct id_row taken;
    CHECK(id_decode(value, &taken) == STATUS_OK);
    subject_in_block(ledger, taken.place.position, ret_subject);
    return true;
}

bool life_find(const struct ledger *ledger, const struct filing *filing,
               struct subject *ret_subject)
{
    uint32_t known = ledger->working_set->original_of[filing->flat];
    if (known != 0) {
        subject_of_original(ledger, &ledger->working_set->originals[known - 1], ret_subject);
        return true;
    }
    const struct record *record = filing->record;
    uint32_t owner = record->ref_participant != 0 ? record->ref_participant : filing->submitter;
    return find_in_block(ledger, owner, &record->ref, ret_subject);
}

static bool has_key(const struct record *record)
{
    return !bytes_are_zero(&record->match_key, sizeof record->match_key);
}

static uint8_t *key_row(const struct ledger *ledger, uint32_t at)
{
    return ledger->transactions.rows + (size_t)at * TRANSACTION_ROW_BYTES;
}

static struct place key_principal(const struct ledger *ledger, uint32_t at)
{
    struct span value = {key_row(ledger, at) + TRANSACTION_KEY_BYTES, TRANSACTION_VALUE_BYTES};
    struct transaction_row row;
    CHECK(transaction_decode(value, &row) == STATUS_OK);
    return row.place;
}

bool life_of_key(const struct ledger *ledger, const struct filing *filing,
                 struct subject *ret_subject)
{
    const struct record *record = filing->record;
    if (!has_key(record)) {
        return false;
    }
    uint8_t key[TRANSACTION_KEY_BYTES];
    uint32_t slot;
    transaction_key(&record->match_key, record->scheme, key);
    uint32_t at = index_find(&ledger->transactions.index, key, &slot);
    if (at != INDEX_NONE) {
        CHECK(life_at(ledger, key_principal(ledger, at), ret_subject));
        return true;
    }
    uint32_t known = ledger->working_set->key_of[filing->flat];
    if (known != 0) {
        subject_of_original(ledger, &ledger->working_set->originals[known - 1], ret_subject);
    }
    return known != 0;
}

void life_parent(const struct ledger *ledger, const struct subject *subject,
                 struct subject *ret_parent)
{
    CHECK(subject->life.parent.height != 0);
    CHECK(life_at(ledger, subject->life.parent, ret_parent));
}

void life_of_queued(const struct ledger *ledger, const struct queue_row *row,
                    struct subject *ret_subject)
{
    if (row->place.height == ledger->block->height) {
        subject_in_block(ledger, row->place.position, ret_subject);
        return;
    }
    struct record named = {.payer = row->payer, .payee = row->payee, .scheme = row->scheme};
    *ret_subject = (struct subject){
        .place = row->place,
        .amount = row->amount,
        .submitter = row->payer,
        .verdict = VERDICT_QUEUED,
        .life = {.state = LIFE_QUEUED,
                 .heard = (uint8_t)life_sides(ledger, &named, row->payer),
                 .event_height = row->event_height,
                 .event_index = row->event_index},
    };
    overlay(ledger, ret_subject);
}

static void remember(struct ledger *ledger, struct life_undo undo)
{
    struct lives *lives = &ledger->lives;
    if (lives->chained) {
        CHECK(lives->undo_count < LIVES_PER_RECORD * LIMIT_BATCH_RECORDS);
        lives->undo[lives->undo_count++] = undo;
    }
}

/* before: what the record's life was until now; NULL: it begins. */
static void set_life(struct ledger *ledger, struct place place, uint64_t amount,
                     const struct life_row *before, const struct life_row *row)
{
    struct lives *lives = &ledger->lives;
    uint8_t key[LIFE_KEY_BYTES];
    uint32_t slot;
    life_key(place, key);
    uint32_t at = index_find(&lives->index, key, &slot);
    if (at == INDEX_NONE) {
        CHECK(lives->count < lives->capacity);
        at = lives->count++;
        memcpy(lives->rows + (size_t)at * LIFE_ROW_BYTES, key, sizeof key);
        uint64_t reserved = before == NULL ? 0 : before->reserved_amount + before->reserved_fee;
        lives->touched[at] =
            (struct touched_life){.amount = amount, .reserved_before = reserved, .slot = slot};
        index_put(&lives->index, slot, at);
        remember(ledger, (struct life_undo){.added = true, .at = at});
    } else {
        remember(ledger, (struct life_undo){.at = at, .row = lives->touched[at].row});
    }
    lives->touched[at].row = *row;
}

void life_open(struct ledger *ledger, const struct filing *filing, const struct life_row *row)
{
    set_life(ledger, (struct place){ledger->block->height, filing->position},
             filing->record->amount, NULL, row);
}

void life_change(struct ledger *ledger, struct subject *subject, const struct life_row *row,
                 unsigned cause, uint64_t amount)
{
    struct event_row event = {
        .origin = subject->place,
        .subject = EVENT_RECORD,
        .cause = (uint16_t)cause,
        .old_state = subject->life.state,
        .new_state = row->state,
        .by = cause < CAUSE_EXPIRED ? ledger->lives.executing : EVENT_BY_NONE,
        .amount = amount,
        .previous_height = subject->life.event_height,
        .previous_index = subject->life.event_index,
    };
    struct life_row changed = *row;
    changed.event_index = event_add(ledger, &event);
    changed.event_height = ledger->block->height;
    set_life(ledger, subject->place, subject->amount, &subject->life, &changed);
    subject->life = changed;
}

void life_take_key(struct ledger *ledger, const struct filing *filing)
{
    const struct record *record = filing->record;
    if (!has_key(record)) {
        return;
    }
    life_move_key(ledger, filing, (struct place){ledger->block->height, filing->position});
}

void life_move_key(struct ledger *ledger, const struct filing *filing, struct place principal)
{
    struct transactions *transactions = &ledger->transactions;
    uint8_t key[TRANSACTION_KEY_BYTES];
    uint32_t slot = 0;
    transaction_key(&filing->record->match_key, filing->record->scheme, key);
    uint32_t at = index_find(&transactions->index, key, &slot);
    if (at == INDEX_NONE) {
        CHECK(transactions->count < ledger->limits.records);
        at = transactions->count++;
        memcpy(key_row(ledger, at), key, sizeof key);
        index_put(&transactions->index, slot, at);
        remember(ledger, (struct life_undo){.is_key = true, .added = true, .at = at, .slot = slot});
    } else {
        remember(ledger, (struct life_undo){
                             .is_key = true, .at = at, .principal = key_principal(ledger, at)});
    }
    transaction_encode(&(struct transaction_row){.place = principal},
                       key_row(ledger, at) + TRANSACTION_KEY_BYTES);
}

struct life_mark life_mark(const struct ledger *ledger)
{
    return (struct life_mark){.undo = ledger->lives.undo_count,
                              .events = ledger->events.count,
                              .expiries = ledger->expiries.added};
}

static void undo_key(struct ledger *ledger, const struct life_undo *undo)
{
    if (undo->added) {
        CHECK(undo->at == ledger->transactions.count - 1);
        index_remove_last(&ledger->transactions.index, undo->slot);
        ledger->transactions.count--;
        return;
    }
    transaction_encode(&(struct transaction_row){.place = undo->principal},
                       key_row(ledger, undo->at) + TRANSACTION_KEY_BYTES);
}

static void undo_life(struct ledger *ledger, const struct life_undo *undo)
{
    struct lives *lives = &ledger->lives;
    if (undo->added) {
        CHECK(undo->at == lives->count - 1);
        index_remove_last(&lives->index, lives->touched[undo->at].slot);
        lives->count--;
        return;
    }
    lives->touched[undo->at].row = undo->row;
}

void life_undo(struct ledger *ledger, struct life_mark mark)
{
    while (ledger->lives.undo_count > mark.undo) {
        const struct life_undo *undo = &ledger->lives.undo[--ledger->lives.undo_count];
        if (undo->is_key) {
            undo_key(ledger, undo);
        } else {
            undo_life(ledger, undo);
        }
    }
    ledger->events.count = mark.events;
    ledger->expiries.added = mark.expiries;
}

void life_emit(struct ledger *ledger)
{
    struct lives *lives = &ledger->lives;
    for (uint32_t i = 0; i < lives->count; i++) {
        life_encode(&lives->touched[i].row,
                    lives->rows + (size_t)i * LIFE_ROW_BYTES + LIFE_KEY_BYTES);
    }
    struct hash *digests = ledger->state.digests;
    outcome_write_rows(ledger, TABLE_LIFE, lives->rows, lives->count, LIFE_KEY_BYTES,
                       LIFE_VALUE_BYTES);
    digest_run(&digests[TABLE_LIFE], lives->rows, (size_t)lives->count * LIFE_ROW_BYTES);
    const struct transactions *transactions = &ledger->transactions;
    outcome_write_rows(ledger, TABLE_TRANSACTIONS, transactions->rows, transactions->count,
                       TRANSACTION_KEY_BYTES, TRANSACTION_VALUE_BYTES);
    digest_run(&digests[TABLE_TRANSACTIONS], transactions->rows,
               (size_t)transactions->count * TRANSACTION_ROW_BYTES);
}
