/* batch_keys: see batch_keys.h. */
#include "cli/batch_keys.h"

#include <string.h>

#include "base/check.h"
#include "base/validator.h"
#include "ledger/action.h"
#include "ledger/action_rows.h"
#include "ledger/genesis_rows.h"
#include "ledger/rows.h"
#include "node/keys.h"

#define KEY_ADD 1u

static bool of_row(const struct genesis_participant *submitter, uint32_t key_no,
                   struct public_key *ret_key)
{
    for (uint32_t i = 0; submitter != NULL && i < submitter->key_count; i++) {
        if (submitter->keys[i].key_no == key_no) {
            *ret_key = submitter->keys[i].key;
            return true;
        }
    }
    return false;
}

/* A key that the body of an approved action gave a participant (docs/formats.md, Bodies of actions
   5 to 12). */
static bool of_body(struct span body, const struct batch_header *header, struct public_key *ret_key)
{
    struct reader reader = reader_over(body.data, body.length);
    (void)reader_u16(&reader);
    uint16_t kind = reader_u16(&reader);
    (void)reader_u32(&reader);
    if (kind == ACTION_PARTICIPANT && !reader.failed) {
        struct genesis_participant row;
        struct span rest = {(const uint8_t *)body.data + ACTION_HEAD_BYTES,
                            body.length - ACTION_HEAD_BYTES};
        return genesis_decode_participant(rest, &row) == STATUS_OK &&
               row.number == header->participant && of_row(&row, header->key_no, ret_key);
    }
    if (kind != ACTION_KEYS || reader_u32(&reader) != header->participant) {
        return false;
    }
    uint32_t count = reader_u32(&reader);
    for (uint32_t i = 0; i < count && !reader.failed; i++) {
        struct public_key key;
        uint32_t op = reader_u32(&reader);
        uint32_t key_no = reader_u32(&reader);
        (void)reader_u64(&reader); /* permissions, reserved */
        reader_copy(&reader, key.bytes, sizeof key.bytes);
        if (op == KEY_ADD && key_no == header->key_no && !reader.failed) {
            *ret_key = key;
            return true;
        }
    }
    return false;
}

/* Of all actions that were done: a key may have been added and removed again since. */
static bool of_actions(struct home *home, const struct batch_header *header,
                       struct public_key *ret_key)
{
    uint8_t from[ACTION_KEY_BYTES + 1] = {0};
    size_t from_length = 0;
    struct span key, value, body;
    struct action_row row;
    while (
        store_seek(home->store, (enum store_table)TABLE_ACTIONS, from, from_length, &key, &value)) {
        if (key.length != ACTION_KEY_BYTES ||
            action_row_decode(key, value, &row, &body) != STATUS_OK) {
            return false;
        }
        if (row.state == ACTION_DONE && of_body(body, header, ret_key)) {
            return true;
        }
        memcpy(from, row.id.bytes, ACTION_KEY_BYTES);
        from_length = sizeof from;
    }
    return false;
}

/* A key number is never given twice, so a key of any time is the key of that number. */
bool batch_keys_of_participant(struct home *home, const struct batch_header *header,
                               struct public_key *ret_key)
{
    return of_row(genesis_participant(&home->genesis, header->participant), header->key_no,
                  ret_key) ||
           of_actions(home, header, ret_key);
}

static bool of_member(const struct validator_set *set, const struct batch_header *header,
                      struct public_key *ret_key)
{
    for (uint32_t i = 0; i < set->count; i++) {
        const struct validator *member = &set->members[i];
        if (member->participant == header->participant &&
            validator_key_no(&member->key) == header->key_no) {
            *ret_key = member->key;
            return true;
        }
    }
    return false;
}

/* The key with that number among those that a change brings, if the batch is signed with it. */
static bool of_change(const struct action *change, const struct batch *batch,
                      struct public_key *ret_key)
{
    uint8_t bytes[BATCH_SIGNED_BYTES];
    batch_signed_bytes(&batch->header, bytes);
    for (uint32_t i = 0; i < change->change_count; i++) {
        const struct public_key *key = &change->changes[i].key;
        if (change->changes[i].op != CHANGE_REMOVE &&
            validator_key_no(key) == batch->header.key_no &&
            key_verify(key, bytes, sizeof bytes, &batch->signature)) {
            *ret_key = *key;
            return true;
        }
    }
    return false;
}

/* A new validator signs with a key that some change brings in, whatever it says: a block may name
   nonsense of its, and has a verdict for it. */
static bool of_candidate(struct home *home, const struct batch *batch, struct public_key *ret_key)
{
    uint8_t from[ACTION_KEY_BYTES + 1] = {0};
    size_t from_length = 0;
    struct span key, value, body;
    struct action_row row;
    struct action change;
    if (batch->header.kind != BATCH_ACTION) {
        return false;
    }
    while (
        store_seek(home->store, (enum store_table)TABLE_ACTIONS, from, from_length, &key, &value) &&
        key.length == ACTION_KEY_BYTES) {
        memcpy(from, key.data, ACTION_KEY_BYTES);
        from_length = sizeof from; /* the next key: one zero more */
        if (action_row_decode(key, value, &row, &body) == STATUS_OK &&
            row.kind == ACTION_VALIDATORS && action_decode(body, &change) == STATUS_OK &&
            of_change(&change, batch, ret_key)) {
            return true;
        }
    }
    return false;
}

bool batch_keys_find(struct home *home, const struct validator_set *set, const struct batch *batch,
                     struct public_key *ret_key)
{
    if ((batch->header.key_no & VALIDATOR_KEY_NO) == 0) {
        return batch_keys_of_participant(home, &batch->header, ret_key);
    }
    return of_member(set, &batch->header, ret_key) || of_candidate(home, batch, ret_key);
}
