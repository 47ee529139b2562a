/* action_keys: the keys that an action brings (see action_keys.h). */
#include "node/action_keys.h"

#include "ledger/action.h"
#include "ledger/genesis_rows.h"
#include "node/keys.h"

#define KEY_ADD 1u

static bool validators_are_valid(const struct action *action)
{
    for (uint32_t i = 0; i < action->change_count; i++) {
        const struct action_change *change = &action->changes[i];
        if (change->op != CHANGE_REMOVE && (!key_public_is_valid(&change->key) ||
                                            !key_transport_is_valid(&change->transport_key))) {
            return false;
        }
    }
    return true;
}

/* A participant may have no channel of its own, and a known one changes no keys by this kind. */
static bool participant_is_valid(struct span body)
{
    struct genesis_participant row;
    if (genesis_decode_participant(body, &row) != STATUS_OK) {
        return true;
    }
    for (uint32_t i = 0; i < row.key_count; i++) {
        if (!key_public_is_valid(&row.keys[i].key)) {
            return false;
        }
    }
    return bytes_are_zero(row.transport_key.bytes, sizeof row.transport_key.bytes) ||
           key_transport_is_valid(&row.transport_key);
}

/* Bytes without form end the look: the ledger refuses them whole. */
static bool key_changes_are_valid(struct span body)
{
    struct reader reader = reader_over(body.data, body.length);
    (void)reader_u32(&reader); /* participant */
    const uint32_t count = reader_u32(&reader);
    for (uint32_t i = 0; i < count && !reader.failed; i++) {
        struct public_key key;
        const uint32_t op = reader_u32(&reader);
        (void)reader_u32(&reader); /* key_no */
        (void)reader_u64(&reader); /* permissions, reserved */
        reader_copy(&reader, key.bytes, sizeof key.bytes);
        if (!reader.failed && op == KEY_ADD && !key_public_is_valid(&key)) {
            return false;
        }
    }
    return true;
}

enum status action_keys_check(struct span body)
{
    struct action action;
    bool valid = true;
    if (action_decode(body, &action) != STATUS_OK) {
        return STATUS_OK;
    }
    const struct span rest = {body.data + ACTION_HEAD_BYTES, body.length - ACTION_HEAD_BYTES};
    if (action.kind == ACTION_VALIDATORS) {
        valid = validators_are_valid(&action);
    } else if (action.kind == ACTION_PARTICIPANT) {
        valid = participant_is_valid(rest);
    } else if (action.kind == ACTION_KEYS) {
        valid = key_changes_are_valid(rest);
    }
    return valid ? STATUS_OK : STATUS_BAD_KEY;
}
