/* rows: keys and values of the stored tables (see rows.h). */
#include "ledger/rows.h"

#include "base/check.h"

#define STATE_VERSION 3

void id_key(uint32_t participant, const struct record_id *id, uint8_t ret_key[ID_KEY_BYTES])
{
    put_be32(ret_key, participant);
    memcpy(ret_key + 4, id->bytes, sizeof id->bytes);
}

void life_key(struct place place, uint8_t ret_key[LIFE_KEY_BYTES])
{
    put_be64(ret_key, place.height);
    put_be32(ret_key + 8, place.position);
}

void source_key(uint32_t participant, const struct hash *source_hash, uint32_t part,
                uint8_t ret_key[SOURCE_KEY_BYTES])
{
    put_be32(ret_key, participant);
    memcpy(ret_key + 4, source_hash->bytes, HASH_BYTES);
    put_be32(ret_key + 4 + HASH_BYTES, part);
}

void transaction_key(const struct record_id *match_key, uint16_t scheme,
                     uint8_t ret_key[TRANSACTION_KEY_BYTES])
{
    memcpy(ret_key, match_key->bytes, sizeof match_key->bytes);
    put_be16(ret_key + sizeof match_key->bytes, scheme);
}

void cycle_key(uint16_t service, uint32_t number, uint8_t ret_key[CYCLE_KEY_BYTES])
{
    put_be16(ret_key, service);
    put_be32(ret_key + 2, number);
}

void net_key(uint16_t service, uint32_t cycle, uint32_t participant, uint8_t ret_key[NET_KEY_BYTES])
{
    put_be16(ret_key, service);
    put_be32(ret_key + 2, cycle);
    put_be32(ret_key + 6, participant);
}

void account_key(uint32_t account, uint8_t ret_key[ACCOUNT_KEY_BYTES])
{
    put_be32(ret_key, account);
}

void page_key(uint32_t account, uint64_t height, uint16_t part, uint8_t ret_key[PAGE_KEY_BYTES])
{
    put_be32(ret_key, account);
    put_be64(ret_key + 4, height);
    put_be16(ret_key + 12, part);
}

void event_key(uint64_t height, uint32_t index, uint8_t ret_key[EVENT_KEY_BYTES])
{
    put_be64(ret_key, height);
    put_be32(ret_key + 8, index);
}

void expiry_key(const struct expiry_row *row, uint8_t ret_key[EXPIRY_KEY_BYTES])
{
    put_be64(ret_key, row->due_ms);
    ret_key[8] = row->kind;
    put_be64(ret_key + 9, row->place.height);
    put_be32(ret_key + 17, row->place.position);
}

void queue_key(uint16_t currency, struct place place, uint8_t ret_key[QUEUE_KEY_BYTES])
{
    put_be16(ret_key, currency);
    put_be64(ret_key + 2, place.height);
    put_be32(ret_key + 10, place.position);
}

void limit_key(uint32_t participant, uint16_t currency, uint8_t ret_key[LIMIT_KEY_BYTES])
{
    put_be32(ret_key, participant);
    put_be16(ret_key + 4, currency);
}

void id_encode(const struct id_row *row, uint8_t ret_value[ID_VALUE_BYTES])
{
    put_le64(ret_value, row->place.height);
    put_le32(ret_value + 8, row->place.position);
    memcpy(ret_value + 12, row->record_hash.bytes, HASH_BYTES);
}

enum status id_decode(struct span value, struct id_row *ret_row)
{
    struct reader reader = reader_over(value.data, value.length);
    struct id_row row = {.place.height = reader_u64(&reader)};
    row.place.position = reader_u32(&reader);
    reader_copy(&reader, &row.record_hash, HASH_BYTES);
    enum status status = reader_done(&reader);
    if (status == STATUS_OK) {
        *ret_row = row;
    }
    return status;
}

void life_encode(const struct life_row *row, uint8_t ret_value[LIFE_VALUE_BYTES])
{
    struct writer writer = writer_over(ret_value, LIFE_VALUE_BYTES);
    writer_u16(&writer, row->state);
    writer_u8(&writer, row->heard);
    writer_u8(&writer, row->flags);
    writer_u32(&writer, 0);
    writer_u64(&writer, row->due_ms);
    writer_u64(&writer, row->returned);
    writer_u64(&writer, row->reserved_amount);
    writer_u64(&writer, row->reserved_fee);
    writer_u64(&writer, row->posted_ms);
    writer_u64(&writer, row->parent.height);
    writer_u32(&writer, row->parent.position);
    writer_u32(&writer, row->event_index);
    writer_u64(&writer, row->event_height);
    CHECK(!writer.failed && writer.used == LIFE_VALUE_BYTES);
}

enum status life_decode(struct span value, struct life_row *ret_row)
{
    struct reader reader = reader_over(value.data, value.length);
    struct life_row row = {.state = reader_u16(&reader)};
    row.heard = reader_u8(&reader);
    row.flags = reader_u8(&reader);
    uint32_t reserved = reader_u32(&reader);
    row.due_ms = reader_u64(&reader);
    row.returned = reader_u64(&reader);
    row.reserved_amount = reader_u64(&reader);
    row.reserved_fee = reader_u64(&reader);
    row.posted_ms = reader_u64(&reader);
    row.parent.height = reader_u64(&reader);
    row.parent.position = reader_u32(&reader);
    row.event_index = reader_u32(&reader);
    row.event_height = reader_u64(&reader);
    enum status status = reader_done(&reader);
    if (status != STATUS_OK) {
        return status;
    }
    if (row.state < LIFE_POSTED || row.state > LIFE_DROPPED || row.heard > 7 ||
        row.flags > LIFE_FLAG_DISPUTED || reserved != 0) {
        return STATUS_MALFORMED;
    }
    *ret_row = row;
    return STATUS_OK;
}

void transaction_encode(const struct transaction_row *row,
                        uint8_t ret_value[TRANSACTION_VALUE_BYTES])
{
    memset(ret_value, 0, TRANSACTION_VALUE_BYTES);
    put_le64(ret_value, row->place.height);
    put_le32(ret_value + 8, row->place.position);
}

enum status transaction_decode(struct span value, struct transaction_row *ret_row)
{
    struct reader reader = reader_over(value.data, value.length);
    struct transaction_row row = {.place.height = reader_u64(&reader)};
    row.place.position = reader_u32(&reader);
    uint32_t reserved = reader_u32(&reader);
    enum status status = reader_done(&reader);
    if (status != STATUS_OK) {
        return status;
    }
    if (reserved != 0) {
        return STATUS_MALFORMED;
    }
    *ret_row = row;
    return STATUS_OK;
}

void event_encode(const struct event_row *row, uint8_t ret_value[EVENT_VALUE_BYTES])
{
    memset(ret_value, 0, EVENT_VALUE_BYTES);
    put_le64(ret_value, row->origin.height);
    put_le32(ret_value + 8, row->origin.position);
    put_le16(ret_value + 12, row->subject);
    put_le16(ret_value + 14, row->cause);
    put_le16(ret_value + 16, row->old_state);
    put_le16(ret_value + 18, row->new_state);
    put_le32(ret_value + 20, row->by);
    put_le64(ret_value + 24, row->amount);
    put_le32(ret_value + 32, row->participant);
    put_le16(ret_value + 36, row->service);
    put_le64(ret_value + 40, row->previous_height);
    put_le32(ret_value + 48, row->previous_index);
}

enum status event_decode(struct span value, struct event_row *ret_row)
{
    struct reader reader = reader_over(value.data, value.length);
    struct event_row row = {.origin.height = reader_u64(&reader)};
    row.origin.position = reader_u32(&reader);
    row.subject = reader_u16(&reader);
    row.cause = reader_u16(&reader);
    row.old_state = reader_u16(&reader);
    row.new_state = reader_u16(&reader);
    row.by = reader_u32(&reader);
    row.amount = reader_u64(&reader);
    row.participant = reader_u32(&reader);
    row.service = reader_u16(&reader);
    uint32_t reserved = reader_u16(&reader);
    row.previous_height = reader_u64(&reader);
    row.previous_index = reader_u32(&reader);
    reserved |= reader_u32(&reader);
    uint64_t rest = reader_u64(&reader);
    enum status status = reader_done(&reader);
    if (status != STATUS_OK) {
        return status;
    }
    if (row.subject < 1 || row.subject > 3 || reserved != 0 || rest != 0) {
        return STATUS_MALFORMED;
    }
    *ret_row = row;
    return STATUS_OK;
}

enum status expiry_decode(struct span key, struct span value, struct expiry_row *ret_row)
{
    if (key.length != EXPIRY_KEY_BYTES || value.length != EXPIRY_VALUE_BYTES ||
        value.data[0] != 1) {
        return STATUS_MALFORMED;
    }
    *ret_row = (struct expiry_row){
        .due_ms = get_be64(key.data),
        .kind = key.data[8],
        .place = {.height = get_be64(key.data + 9), .position = get_be32(key.data + 17)}};
    return STATUS_OK;
}

void queue_encode(const struct queue_row *row, uint8_t ret_value[QUEUE_VALUE_BYTES])
{
    struct writer writer = writer_over(ret_value, QUEUE_VALUE_BYTES);
    writer_u64(&writer, row->amount);
    writer_u64(&writer, (uint64_t)row->interchange);
    writer_u64(&writer, (uint64_t)row->payer_fee);
    writer_u64(&writer, (uint64_t)row->payee_fee);
    writer_u32(&writer, row->payer);
    writer_u32(&writer, row->payee);
    writer_u64(&writer, row->since.height);
    writer_u32(&writer, row->since.position);
    writer_u16(&writer, row->scheme);
    writer_u8(&writer, row->priority);
    writer_u8(&writer, 0);
    writer_u64(&writer, row->event_height);
    writer_u32(&writer, row->event_index);
    writer_u32(&writer, 0);
    CHECK(!writer.failed && writer.used == QUEUE_VALUE_BYTES);
}

enum status queue_decode(struct span key, struct span value, struct queue_row *ret_row)
{
    if (key.length != QUEUE_KEY_BYTES) {
        return STATUS_MALFORMED;
    }
    struct queue_row row = {
        .currency = get_be16(key.data),
        .place = {.height = get_be64(key.data + 2), .position = get_be32(key.data + 10)}};
    struct reader reader = reader_over(value.data, value.length);
    row.amount = reader_u64(&reader);
    row.interchange = (int64_t)reader_u64(&reader);
    row.payer_fee = (int64_t)reader_u64(&reader);
    row.payee_fee = (int64_t)reader_u64(&reader);
    row.payer = reader_u32(&reader);
    row.payee = reader_u32(&reader);
    row.since.height = reader_u64(&reader);
    row.since.position = reader_u32(&reader);
    row.scheme = reader_u16(&reader);
    row.priority = reader_u8(&reader);
    uint32_t reserved = reader_u8(&reader);
    row.event_height = reader_u64(&reader);
    row.event_index = reader_u32(&reader);
    reserved |= reader_u32(&reader);
    enum status status = reader_done(&reader);
    if (status != STATUS_OK) {
        return status;
    }
    if (row.priority > 2 || reserved != 0) {
        return STATUS_MALFORMED;
    }
    *ret_row = row;
    return STATUS_OK;
}

void cycle_encode(const struct cycle_row *row, uint8_t ret_value[CYCLE_VALUE_BYTES])
{
    struct writer writer = writer_over(ret_value, CYCLE_VALUE_BYTES);
    writer_u16(&writer, row->state);
    writer_u16(&writer, row->currency);
    writer_u16(&writer, row->flags);
    writer_u16(&writer, 0);
    writer_u64(&writer, row->opened_height);
    writer_u64(&writer, row->opened_ms);
    writer_u64(&writer, row->closed_height);
    writer_u64(&writer, row->closed_ms);
    writer_u64(&writer, row->records);
    writer_u128(&writer, row->turnover.minor);
    writer_u64(&writer, row->first_ms);
    writer_u64(&writer, row->cutoff_ms);
    writer_u64(&writer, row->settle_ms);
    writer_u64(&writer, row->deadline_ms);
    writer_u64(&writer, row->settled_height);
    writer_u64(&writer, row->settled_ms);
    writer_copy(&writer, &row->nets_hash, HASH_BYTES);
    CHECK(!writer.failed && writer.used == CYCLE_VALUE_BYTES);
}

enum status cycle_decode(struct span key, struct span value, struct cycle_row *ret_row)
{
    if (key.length != CYCLE_KEY_BYTES) {
        return STATUS_MALFORMED;
    }
    struct cycle_row row = {.service = get_be16(key.data), .number = get_be32(key.data + 2)};
    struct reader reader = reader_over(value.data, value.length);
    row.state = reader_u16(&reader);
    row.currency = reader_u16(&reader);
    row.flags = reader_u16(&reader);
    uint16_t reserved = reader_u16(&reader);
    row.opened_height = reader_u64(&reader);
    row.opened_ms = reader_u64(&reader);
    row.closed_height = reader_u64(&reader);
    row.closed_ms = reader_u64(&reader);
    row.records = reader_u64(&reader);
    row.turnover.minor = reader_u128(&reader);
    row.first_ms = reader_u64(&reader);
    row.cutoff_ms = reader_u64(&reader);
    row.settle_ms = reader_u64(&reader);
    row.deadline_ms = reader_u64(&reader);
    row.settled_height = reader_u64(&reader);
    row.settled_ms = reader_u64(&reader);
    reader_copy(&reader, &row.nets_hash, HASH_BYTES);
    enum status status = reader_done(&reader);
    if (status != STATUS_OK) {
        return status;
    }
    if (row.state < CYCLE_OPEN || row.state > CYCLE_SETTLED || row.flags > 15 || reserved != 0) {
        return STATUS_MALFORMED;
    }
    *ret_row = row;
    return STATUS_OK;
}

void net_encode(const struct net_row *row, uint8_t ret_value[NET_VALUE_BYTES])
{
    struct writer writer = writer_over(ret_value, NET_VALUE_BYTES);
    writer_u128(&writer, row->debits.minor);
    writer_u128(&writer, row->credits.minor);
    CHECK(!writer.failed && writer.used == NET_VALUE_BYTES);
}

enum status net_decode(struct span key, struct span value, struct net_row *ret_row)
{
    if (key.length != NET_KEY_BYTES) {
        return STATUS_MALFORMED;
    }
    struct net_row row = {.service = get_be16(key.data),
                          .cycle = get_be32(key.data + 2),
                          .participant = get_be32(key.data + 6)};
    struct reader reader = reader_over(value.data, value.length);
    row.debits.minor = reader_u128(&reader);
    row.credits.minor = reader_u128(&reader);
    enum status status = reader_done(&reader);
    if (status == STATUS_OK) {
        *ret_row = row;
    }
    return status;
}

/* A mix of the words, the last one filled up with zeroes. */
static uint64_t mix(const uint8_t *bytes, unsigned length)
{
    uint64_t sum = 0;
    for (unsigned at = 0; at < length; at += 8) {
        uint8_t word[8] = {0};
        memcpy(word, bytes + at, length - at < 8 ? length - at : 8);
        sum = (sum ^ get_le64(word)) * 0x9e3779b97f4a7c15u;
        sum ^= sum >> 32;
    }
    return sum;
}

uint64_t queue_row_sum(const uint8_t row[QUEUE_KEY_BYTES + QUEUE_VALUE_BYTES])
{
    return mix(row, QUEUE_KEY_BYTES + QUEUE_VALUE_BYTES);
}

/* What nothing else in STATE proves stands in one number with the queue's sum. */
static uint64_t mix_of_time(uint64_t expiry_next_ms)
{
    uint8_t bytes[8];
    put_le64(bytes, expiry_next_ms);
    return mix(bytes, sizeof bytes);
}

size_t state_encode(const struct state_row *row, uint8_t ret_value[STATE_VALUE_BYTES_MAX])
{
    struct writer writer = writer_over(ret_value, STATE_VALUE_BYTES_MAX);
    writer_u32(&writer, STATE_VERSION);
    writer_u32(&writer, 0);
    writer_u64(&writer, row->height);
    writer_u64(&writer, row->timestamp_ms);
    writer_u64(&writer, row->epoch);
    writer_u64(&writer, row->total_records);
    writer_copy(&writer, &row->block_hash, HASH_BYTES);
    for (unsigned i = 0; i < STATE_SLOTS; i++) {
        writer_copy(&writer, &row->digests[i], HASH_BYTES);
    }
    writer_u64(&writer, row->expiry_next_ms);
    writer_u64(&writer, row->queue_sum + mix_of_time(row->expiry_next_ms));
    writer_u64(&writer, row->history.size);
    for (unsigned bit = 0; bit < 64; bit++) {
        if ((row->history.size >> bit & 1) != 0) {
            writer_copy(&writer, &row->history.roots[bit], HASH_BYTES);
        }
    }
    CHECK(!writer.failed);
    return writer.used;
}

enum status state_decode(struct span value, struct state_row *ret_row)
{
    struct reader reader = reader_over(value.data, value.length);
    struct state_row row = {.height = 0};
    uint32_t version = reader_u32(&reader);
    uint32_t reserved = reader_u32(&reader);
    row.height = reader_u64(&reader);
    row.timestamp_ms = reader_u64(&reader);
    row.epoch = reader_u64(&reader);
    row.total_records = reader_u64(&reader);
    reader_copy(&reader, &row.block_hash, HASH_BYTES);
    for (unsigned i = 0; i < STATE_SLOTS; i++) {
        reader_copy(&reader, &row.digests[i], HASH_BYTES);
    }
    row.expiry_next_ms = reader_u64(&reader);
    row.queue_sum = reader_u64(&reader) - mix_of_time(row.expiry_next_ms);
    row.history.size = reader_u64(&reader);
    for (unsigned bit = 0; bit < 64; bit++) {
        if ((row.history.size >> bit & 1) != 0) {
            reader_copy(&reader, &row.history.roots[bit], HASH_BYTES);
        }
    }
    enum status status = reader_done(&reader);
    if (status != STATUS_OK) {
        return status;
    }
    if (version != STATE_VERSION) {
        return STATUS_VERSION;
    }
    if (reserved != 0) {
        return STATUS_MALFORMED;
    }
    *ret_row = row;
    return STATUS_OK;
}
