/* given_keys: keys that actions gave, and their proofs (see given_keys.h). */
#include "node/given_keys.h"

#include <string.h>

#include "base/validator.h"
#include "ledger/action.h"
#include "ledger/action_rows.h"
#include "ledger/genesis_rows.h"
#include "ledger/rows.h"
#include "node/store.h"

#define KEY_ADD 1u

/* ---- What a row gives ---- */

static void each_of_participant(struct span body, given_keys_visit visit, void *context)
{
    struct genesis_participant row;
    if (genesis_decode_participant(body, &row) != STATUS_OK) {
        return;
    }
    for (uint32_t i = 0; i < row.key_count; i++) {
        if (!visit(context, row.number, row.keys[i].key_no, &row.keys[i].key)) {
            return;
        }
    }
}

static void each_of_keys(struct span body, given_keys_visit visit, void *context)
{
    struct reader reader = reader_over(body.data, body.length);
    const uint32_t participant = reader_u32(&reader);
    const uint32_t count = reader_u32(&reader);
    for (uint32_t i = 0; i < count && !reader.failed; i++) {
        struct public_key key;
        const uint32_t op = reader_u32(&reader);
        const uint32_t key_no = reader_u32(&reader);
        (void)reader_u64(&reader); /* permissions, reserved */
        reader_copy(&reader, key.bytes, sizeof key.bytes);
        if (!reader.failed && op == KEY_ADD && !visit(context, participant, key_no, &key)) {
            return;
        }
    }
}

/* Whose the key of a change is; 0 if the set has no such member. */
static uint32_t owner_of(const struct action_change *change, const struct validator_set *set)
{
    if (change->op == CHANGE_ADD) {
        return change->participant;
    }
    for (uint32_t i = 0; i < set->count; i++) {
        if (memcmp(&set->members[i].key, &change->old_key, sizeof change->old_key) == 0) {
            return set->members[i].participant;
        }
    }
    return 0;
}

static void each_of_validators(struct span body, const struct validator_set *set,
                               given_keys_visit visit, void *context)
{
    struct action action;
    if (action_decode(body, &action) != STATUS_OK || action.epoch != set->epoch) {
        return;
    }
    for (uint32_t i = 0; i < action.change_count; i++) {
        const struct action_change *change = &action.changes[i];
        if (change->op != CHANGE_REMOVE &&
            !visit(context, owner_of(change, set), validator_key_no(&change->key), &change->key)) {
            return;
        }
    }
}

void given_keys_each(const struct action_row *row, struct span body,
                     const struct validator_set *set, given_keys_visit visit, void *context)
{
    if (body.length < ACTION_HEAD_BYTES) {
        return;
    }
    const struct span rest = {body.data + ACTION_HEAD_BYTES, body.length - ACTION_HEAD_BYTES};
    if (row->kind == ACTION_VALIDATORS &&
        (row->state == ACTION_APPROVED || row->state == ACTION_DONE)) {
        each_of_validators(body, set, visit, context);
    } else if (row->kind == ACTION_PARTICIPANT && row->state == ACTION_DONE) {
        each_of_participant(rest, visit, context);
    } else if (row->kind == ACTION_KEYS && row->state == ACTION_DONE) {
        each_of_keys(rest, visit, context);
    }
}

/* ---- Out of rows ---- */

struct search {
    uint32_t participant, key_no;
    struct public_key key;
    bool found;
};

static bool compare(void *context, uint32_t participant, uint32_t key_no,
                    const struct public_key *key)
{
    struct search *search = context;
    if (participant == search->participant && key_no == search->key_no) {
        search->key = *key;
        search->found = true;
    }
    return !search->found;
}

/* The next row, its length following from its counts. */
static bool take_row(struct reader *reader, struct action_row *ret_row, struct span *ret_body)
{
    struct span key, value;
    key.length = ACTION_KEY_BYTES;
    key.data = reader_take(reader, key.length);
    if (reader->failed || reader->left < ACTION_VALUE_HEAD_BYTES) {
        return false;
    }
    const uint32_t answers = get_le32(reader->next + 60);
    const uint32_t body = get_le32(reader->next + 64);
    if (answers > ACTION_ANSWERS_MAX || body > ACTION_BYTES_MAX) {
        return false;
    }
    value.length = ACTION_VALUE_HEAD_BYTES + answers * ACTION_ANSWER_BYTES + body;
    value.data = reader_take(reader, value.length);
    return !reader->failed && action_row_decode(key, value, ret_row, ret_body) == STATUS_OK;
}

static void name_of(const struct action_row *row, struct span body, uint32_t participant,
                    char ret_name[GIVEN_KEYS_NAME_BYTES])
{
    struct genesis_participant registered;
    const struct span rest = {body.data + ACTION_HEAD_BYTES, body.length - ACTION_HEAD_BYTES};
    ret_name[0] = '\0';
    if (row->kind == ACTION_PARTICIPANT &&
        genesis_decode_participant(rest, &registered) == STATUS_OK &&
        registered.number == participant) {
        memcpy(ret_name, registered.name, sizeof registered.name);
        ret_name[sizeof registered.name] = '\0';
    }
}

enum status given_keys_in_rows(struct span rows, const struct validator_set *set,
                               uint32_t participant, uint32_t key_no, struct public_key *ret_key,
                               char ret_name[GIVEN_KEYS_NAME_BYTES])
{
    struct search search = {.participant = participant, .key_no = key_no};
    struct reader reader = reader_over(rows.data, rows.length);
    while (reader.left > 0) {
        struct action_row row;
        struct span body;
        const bool before = search.found;
        if (!take_row(&reader, &row, &body)) {
            return STATUS_MALFORMED;
        }
        if (!before) {
            given_keys_each(&row, body, set, compare, &search);
        }
        if (!before && search.found) {
            name_of(&row, body, participant, ret_name);
        }
    }
    if (!search.found) {
        return STATUS_NOT_FOUND;
    }
    *ret_key = search.key;
    return STATUS_OK;
}

/* ---- Rows of meta ---- */

void given_keys_key(uint32_t participant, uint32_t key_no, uint64_t height,
                    uint8_t ret_key[GIVEN_KEY_BYTES])
{
    ret_key[0] = 'k';
    put_be32(ret_key + 1, participant);
    put_be32(ret_key + 5, key_no);
    put_be64(ret_key + 9, height);
}

void given_keys_writes_key(uint64_t height, uint8_t ret_key[GIVEN_WRITES_KEY_BYTES])
{
    ret_key[0] = 'w';
    put_be64(ret_key + 1, height);
}

/* The height of the newest gift below a height. */
static bool find_gift(struct chain *chain, uint32_t participant, uint32_t key_no, uint64_t below,
                      uint64_t *ret_height)
{
    uint8_t from[GIVEN_KEY_BYTES];
    struct span key, value;
    uint64_t next = 0;
    bool found = false;
    for (;;) {
        given_keys_key(participant, key_no, next, from);
        if (!chain->source.seek(chain->source.context, STORE_META, from, sizeof from, &key,
                                &value) ||
            key.length != sizeof from || memcmp(key.data, from, sizeof from - 8) != 0 ||
            get_be64(key.data + 9) >= below) {
            return found;
        }
        *ret_height = get_be64(key.data + 9);
        found = true;
        next = *ret_height + 1;
    }
}

enum status given_keys_prove(struct chain *chain, uint32_t participant, uint32_t key_no,
                             uint64_t below, struct given_keys_proof *ret_proof)
{
    uint8_t key[GIVEN_WRITES_KEY_BYTES];
    uint64_t height;
    const struct block_row *block;
    struct span value;
    if (!find_gift(chain, participant, key_no, below, &height)) {
        return STATUS_NOT_FOUND;
    }
    if (chain_block(chain, height, &block) != STATUS_OK || !block->has_finalization) {
        return STATUS_CORRUPT;
    }
    ret_proof->header = block->header;
    ret_proof->finalization = block->finalization;
    given_keys_writes_key(height, key);
    if (!chain->source.get(chain->source.context, STORE_META, key, sizeof key, &value) ||
        value.length <= GIVEN_WRITES_PREFIX) {
        return STATUS_CORRUPT;
    }
    memcpy(ret_proof->previous.bytes, value.data, HASH_BYTES);
    ret_proof->path.count = GIVEN_KEYS_PATH_HASHES;
    memcpy(ret_proof->path.hashes, value.data + HASH_BYTES, GIVEN_KEYS_PATH_HASHES * HASH_BYTES);
    ret_proof->rows =
        (struct span){value.data + GIVEN_WRITES_PREFIX, value.length - GIVEN_WRITES_PREFIX};
    return STATUS_OK;
}
