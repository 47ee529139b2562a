/* action: bytes of actions (see action.h). */
#include "ledger/action.h"

#include "base/check.h"

static const char *const KIND_NAMES[] = {
    [ACTION_APPROVE] = "APPROVE",         [ACTION_DISAPPROVE] = "DISAPPROVE",
    [ACTION_VALIDATORS] = "VALIDATORS",   [ACTION_READY] = "READY",
    [ACTION_PARTICIPANT] = "PARTICIPANT", [ACTION_KEYS] = "KEYS",
    [ACTION_STANDING] = "STANDING",       [ACTION_LIMIT] = "LIMIT",
    [ACTION_SERVICE] = "SERVICE",         [ACTION_SCHEME] = "SCHEME",
    [ACTION_PARAMETERS] = "PARAMETERS",   [ACTION_CYCLE] = "CYCLE",
};

const char *action_kind_name(unsigned kind)
{
    return kind < sizeof KIND_NAMES / sizeof KIND_NAMES[0] ? KIND_NAMES[kind] : NULL;
}

bool action_is_text(const char *field, size_t size)
{
    size_t length = 0;
    while (length < size && field[length] != 0) {
        if ((unsigned char)field[length] < 0x20 || field[length] == 0x7f) {
            return false;
        }
        length++;
    }
    return length < size && bytes_are_zero(field + length, size - length);
}

static bool is_zero(const struct public_key *key)
{
    return bytes_are_zero(key, sizeof *key);
}

/* Whether the fields that the op does not use are zero. Whether those it uses mean anything is a
   question for the ledger, which has verdicts for it. */
static bool change_has_form(const struct action_change *change)
{
    if (change->op == CHANGE_ADD) {
        return is_zero(&change->old_key);
    }
    if (change->op == CHANGE_REPLACE) {
        return change->participant == 0;
    }
    return change->op == CHANGE_REMOVE && change->participant == 0 && is_zero(&change->key) &&
           bytes_are_zero(&change->transport_key, sizeof change->transport_key) &&
           bytes_are_zero(change->name, sizeof change->name);
}

static bool read_change(struct reader *reader, struct action_change *ret_change)
{
    ret_change->op = reader_u32(reader);
    ret_change->participant = reader_u32(reader);
    reader_copy(reader, &ret_change->old_key, sizeof ret_change->old_key);
    reader_copy(reader, &ret_change->key, sizeof ret_change->key);
    reader_copy(reader, &ret_change->transport_key, sizeof ret_change->transport_key);
    reader_copy(reader, ret_change->name, sizeof ret_change->name);
    return change_has_form(ret_change);
}

static enum status read_validators(struct reader *reader, struct action *action)
{
    action->epoch = reader_u64(reader);
    action->change_count = reader_u32(reader);
    uint32_t reserved = reader_u32(reader);
    if (action->change_count > ACTION_CHANGES_MAX) {
        return STATUS_OVERSIZED;
    }
    bool form = reserved == 0;
    for (uint32_t i = 0; i < action->change_count && !reader->failed; i++) {
        form = read_change(reader, &action->changes[i]) && form;
    }
    enum status status = reader_done(reader);
    return status == STATUS_OK && !form ? STATUS_MALFORMED : status;
}

enum status action_decode(struct span body, struct action *ret_action)
{
    struct reader reader = reader_over(body.data, body.length);
    struct action action;
    memset(&action, 0, sizeof action);
    uint16_t version = reader_u16(&reader);
    action.kind = reader_u16(&reader);
    uint32_t reserved = reader_u32(&reader);
    if (reader.failed) {
        return STATUS_TRUNCATED;
    }
    if (version != ACTION_VERSION) {
        return STATUS_VERSION;
    }
    if (action_kind_name(action.kind) == NULL) {
        return STATUS_NOT_FOUND;
    }
    enum status status = STATUS_OK;
    if (action.kind == ACTION_VALIDATORS) {
        status = read_validators(&reader, &action);
    } else if (action.kind < ACTION_PARTICIPANT) {
        reader_copy(&reader, &action.subject, HASH_BYTES);
        status = reader_done(&reader);
    }
    if (status == STATUS_OK && reserved != 0) {
        status = STATUS_MALFORMED;
    }
    if (status == STATUS_OK) {
        *ret_action = action;
    }
    return status;
}

static void write_change(struct writer *writer, const struct action_change *change)
{
    writer_u32(writer, change->op);
    writer_u32(writer, change->participant);
    writer_copy(writer, &change->old_key, sizeof change->old_key);
    writer_copy(writer, &change->key, sizeof change->key);
    writer_copy(writer, &change->transport_key, sizeof change->transport_key);
    writer_copy(writer, change->name, sizeof change->name);
}

void action_encode(const struct action *action, struct writer *writer)
{
    CHECK(action->kind >= ACTION_APPROVE && action->kind <= ACTION_READY);
    writer_u16(writer, ACTION_VERSION);
    writer_u16(writer, action->kind);
    writer_u32(writer, 0);
    if (action->kind != ACTION_VALIDATORS) {
        writer_copy(writer, &action->subject, HASH_BYTES);
        return;
    }
    CHECK(action->change_count <= ACTION_CHANGES_MAX);
    writer_u64(writer, action->epoch);
    writer_u32(writer, action->change_count);
    writer_u32(writer, 0);
    for (uint32_t i = 0; i < action->change_count; i++) {
        write_change(writer, &action->changes[i]);
    }
}
