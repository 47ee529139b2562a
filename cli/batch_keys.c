/* batch_keys: see batch_keys.h. */
#include "cli/batch_keys.h"

#include <string.h>

#include "base/check.h"
#include "base/validator.h"
#include "ledger/action.h"
#include "ledger/action_rows.h"
#include "ledger/rows.h"
#include "node/given_keys.h"
#include "node/keys.h"

bool batch_keys_of_genesis(const struct genesis *genesis, const struct batch_header *header,
                           struct public_key *ret_key)
{
    const struct genesis_participant *submitter = genesis_participant(genesis, header->participant);
    for (uint32_t i = 0; submitter != NULL && i < submitter->key_count; i++) {
        if (submitter->keys[i].key_no == header->key_no) {
            *ret_key = submitter->keys[i].key;
            return true;
        }
    }
    return false;
}

bool batch_keys_of_set(const struct validator_set *set, const struct batch_header *header,
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

struct search {
    const struct batch_header *header;
    struct public_key key;
    bool found;
};

static bool compare(void *context, uint32_t participant, uint32_t key_no,
                    const struct public_key *key)
{
    struct search *search = context;
    if (participant == search->header->participant && key_no == search->header->key_no) {
        search->key = *key;
        search->found = true;
    }
    return !search->found;
}

/* Of all actions that were done: a key may have been added and removed again since. */
static bool of_actions(struct home *home, const struct batch_header *header,
                       struct public_key *ret_key)
{
    uint8_t from[ACTION_KEY_BYTES + 1] = {0};
    size_t from_length = 0;
    struct span key, value, body;
    struct action_row row;
    struct search search = {.header = header};
    while (
        store_seek(home->store, (enum store_table)TABLE_ACTIONS, from, from_length, &key, &value)) {
        if (key.length != ACTION_KEY_BYTES ||
            action_row_decode(key, value, &row, &body) != STATUS_OK) {
            return false;
        }
        if (row.kind != ACTION_VALIDATORS) {
            given_keys_each(&row, body, NULL, compare, &search);
        }
        if (search.found) {
            *ret_key = search.key;
            return true;
        }
        memcpy(from, row.id.bytes, ACTION_KEY_BYTES);
        from_length = sizeof from;
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
        /* A key number is never given twice, so a key of any time is the key of that number. */
        return batch_keys_of_genesis(&home->genesis, &batch->header, ret_key) ||
               of_actions(home, &batch->header, ret_key);
    }
    return batch_keys_of_set(set, &batch->header, ret_key) || of_candidate(home, batch, ret_key);
}
