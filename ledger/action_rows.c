/* action_rows: rows of actions, validators and evidence (see action_rows.h). */
#include "ledger/action_rows.h"

#include "base/check.h"
#include "ledger/roster.h"

size_t action_row_encode(const struct action_row *row, const uint8_t *body, uint8_t *ret_value)
{
    struct writer writer = writer_over(ret_value, ACTION_VALUE_BYTES_MAX);
    writer_u16(&writer, row->state);
    writer_u16(&writer, row->kind);
    writer_u32(&writer, row->participant);
    writer_u32(&writer, row->key_no);
    writer_u32(&writer, row->place.position);
    writer_u64(&writer, row->place.height);
    writer_u64(&writer, row->proposed_ms);
    writer_u64(&writer, row->lapse_ms);
    writer_u64(&writer, row->ended_height);
    writer_u64(&writer, row->ended_ms);
    writer_u32(&writer, row->ready);
    writer_u32(&writer, row->answer_count);
    writer_u32(&writer, row->body_length);
    writer_u32(&writer, 0);
    writer_u64(&writer, 0);
    CHECK(!writer.failed && writer.used == ACTION_VALUE_HEAD_BYTES);
    for (uint32_t i = 0; i < row->answer_count; i++) {
        writer_u32(&writer, row->answers[i].participant);
        writer_u32(&writer, row->answers[i].key_no);
        writer_u32(&writer, row->answers[i].reply);
    }
    writer_copy(&writer, body, row->body_length);
    CHECK(!writer.failed);
    return writer.used;
}

static void read_head(struct reader *reader, struct action_row *row)
{
    row->state = reader_u16(reader);
    row->kind = reader_u16(reader);
    row->participant = reader_u32(reader);
    row->key_no = reader_u32(reader);
    row->place.position = reader_u32(reader);
    row->place.height = reader_u64(reader);
    row->proposed_ms = reader_u64(reader);
    row->lapse_ms = reader_u64(reader);
    row->ended_height = reader_u64(reader);
    row->ended_ms = reader_u64(reader);
    row->ready = reader_u32(reader);
    row->answer_count = reader_u32(reader);
    row->body_length = reader_u32(reader);
}

enum status action_row_decode(struct span key, struct span value, struct action_row *ret_row,
                              struct span *ret_body)
{
    if (key.length != ACTION_KEY_BYTES) {
        return STATUS_MALFORMED;
    }
    struct reader reader = reader_over(value.data, value.length);
    struct action_row row;
    memset(&row, 0, sizeof row);
    memcpy(row.id.bytes, key.data, HASH_BYTES);
    read_head(&reader, &row);
    uint32_t reserved = reader_u32(&reader);
    uint64_t reserved_more = reader_u64(&reader);
    if (row.answer_count > ACTION_ANSWERS_MAX || row.body_length > ACTION_BYTES_MAX ||
        row.state < ACTION_PROPOSED || row.state > ACTION_OVERTAKEN || reserved != 0 ||
        reserved_more != 0 || action_kind_name(row.kind) == NULL) {
        return STATUS_MALFORMED;
    }
    for (uint32_t i = 0; i < row.answer_count; i++) {
        row.answers[i].participant = reader_u32(&reader);
        row.answers[i].key_no = reader_u32(&reader);
        row.answers[i].reply = reader_u32(&reader);
    }
    const uint8_t *body = reader_take(&reader, row.body_length);
    enum status status = reader_done(&reader);
    if (status == STATUS_OK) {
        *ret_row = row;
        *ret_body = (struct span){body, row.body_length};
    }
    return status;
}

void validators_key(uint64_t epoch, uint8_t ret_key[VALIDATORS_KEY_BYTES])
{
    put_be64(ret_key, epoch);
}

size_t validators_encode(const struct roster *roster, uint8_t ret_value[VALIDATORS_VALUE_BYTES_MAX])
{
    struct writer writer = writer_over(ret_value, VALIDATORS_VALUE_BYTES_MAX);
    writer_u32(&writer, roster->count);
    for (uint32_t i = 0; i < roster->count; i++) {
        const struct ledger_validator *member = &roster->members[i];
        writer_copy(&writer, &member->validator.key, sizeof member->validator.key);
        writer_copy(&writer, &member->validator.transport_key,
                    sizeof member->validator.transport_key);
        writer_u32(&writer, member->validator.participant);
        writer_copy(&writer, member->name, sizeof member->name);
    }
    CHECK(!writer.failed && writer.used == 4 + (size_t)roster->count * VALIDATOR_ROW_BYTES);
    return writer.used;
}

enum status validators_decode(struct span key, struct span value, struct roster *ret_roster)
{
    if (key.length != VALIDATORS_KEY_BYTES) {
        return STATUS_MALFORMED;
    }
    struct reader reader = reader_over(value.data, value.length);
    struct roster roster;
    memset(&roster, 0, sizeof roster);
    roster.epoch = get_be64(key.data);
    roster.count = reader_u32(&reader);
    if (roster.count < 1 || roster.count > LIMIT_VALIDATORS) {
        return STATUS_MALFORMED;
    }
    for (uint32_t i = 0; i < roster.count; i++) {
        struct ledger_validator *member = &roster.members[i];
        reader_copy(&reader, &member->validator.key, sizeof member->validator.key);
        reader_copy(&reader, &member->validator.transport_key,
                    sizeof member->validator.transport_key);
        member->validator.participant = reader_u32(&reader);
        reader_copy(&reader, member->name, sizeof member->name);
        if (!action_is_text(member->name, sizeof member->name)) {
            return STATUS_MALFORMED;
        }
    }
    enum status status = reader_done(&reader);
    if (status == STATUS_OK) {
        roster_seal(&roster);
        *ret_roster = roster;
    }
    return status;
}

void evidence_key(uint64_t epoch, uint64_t view, uint32_t signer, uint16_t kinds,
                  uint8_t ret_key[EVIDENCE_KEY_BYTES])
{
    put_be64(ret_key, epoch);
    put_be64(ret_key + 8, view);
    put_be32(ret_key + 16, signer);
    put_be16(ret_key + 20, kinds);
}

void evidence_encode(const struct evidence_row *row, uint8_t ret_value[EVIDENCE_VALUE_BYTES])
{
    memset(ret_value, 0, EVIDENCE_VALUE_BYTES);
    memcpy(ret_value, row->batch_id.bytes, HASH_BYTES);
    put_le64(ret_value + 32, row->place.height);
    put_le32(ret_value + 40, row->place.position);
}

enum status evidence_row_decode(struct span key, struct span value, struct evidence_row *ret_row)
{
    if (key.length != EVIDENCE_KEY_BYTES) {
        return STATUS_MALFORMED;
    }
    struct evidence_row row = {.epoch = get_be64(key.data),
                               .view = get_be64(key.data + 8),
                               .signer = get_be32(key.data + 16),
                               .kinds = get_be16(key.data + 20)};
    struct reader reader = reader_over(value.data, value.length);
    reader_copy(&reader, &row.batch_id, HASH_BYTES);
    row.place.height = reader_u64(&reader);
    row.place.position = reader_u32(&reader);
    uint32_t reserved = reader_u32(&reader);
    enum status status = reader_done(&reader);
    if (status == STATUS_OK && reserved != 0) {
        status = STATUS_MALFORMED;
    }
    if (status == STATUS_OK) {
        *ret_row = row;
    }
    return status;
}
