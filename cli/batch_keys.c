/* batch_keys: see batch_keys.h. */
#include "cli/batch_keys.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/validator.h"
#include "ledger/action.h"

static bool of_participant(const struct home *home, const struct batch_header *header,
                           struct public_key *ret_key)
{
    const struct genesis_participant *submitter =
        genesis_participant(&home->genesis, header->participant);
    for (uint32_t i = 0; submitter != NULL && i < submitter->key_count; i++) {
        if (submitter->keys[i].key_no == header->key_no) {
            *ret_key = submitter->keys[i].key;
            return true;
        }
    }
    return false;
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

/* The action in a stored batch, which is the one that its id names. */
static bool read_action(struct home *home, const struct hash *id, struct action *ret_action)
{
    struct span row;
    struct batch batch;
    return store_get(home->store, STORE_BATCHES, id->bytes, HASH_BYTES, &row) &&
           batch_parse(row.data, row.length, &home->chain_id, &batch, NULL) == STATUS_OK &&
           hash_equal(&batch.id, id) && batch.header.kind == BATCH_ACTION &&
           action_decode((struct span){batch.body, batch.body_length}, ret_action) == STATUS_OK;
}

/* A READY is signed by a key that its change brings in. */
static bool of_candidate(struct home *home, const struct batch *batch, struct public_key *ret_key)
{
    struct action answer, change;
    if (batch->header.kind != BATCH_ACTION ||
        action_decode((struct span){batch->body, batch->body_length}, &answer) != STATUS_OK ||
        answer.kind != ACTION_READY || !read_action(home, &answer.subject, &change) ||
        change.kind != ACTION_VALIDATORS) {
        return false;
    }
    for (uint32_t i = 0; i < change.change_count; i++) {
        if (change.changes[i].op != CHANGE_REMOVE &&
            validator_key_no(&change.changes[i].key) == batch->header.key_no) {
            *ret_key = change.changes[i].key;
            return true;
        }
    }
    return false;
}

bool batch_keys_find(struct home *home, const struct validator_set *set, const struct batch *batch,
                     struct public_key *ret_key)
{
    if ((batch->header.key_no & VALIDATOR_KEY_NO) == 0) {
        return of_participant(home, &batch->header, ret_key);
    }
    return of_member(set, &batch->header, ret_key) || of_candidate(home, batch, ret_key);
}
