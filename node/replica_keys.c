/*
 * replica_keys: as a block is committed that gives somebody a key: what proves the key later, while
 * the digest before the block is still at hand (node/given_keys.h).
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/action_rows.h"
#include "ledger/digest.h"
#include "ledger/rows.h"
#include "node/given_keys.h"
#include "node/memory.h"
#include "node/replica_state.h"

#define ROWS_BYTES_MAX ((size_t)ACTIONS_HELD_MAX * ACTION_STORED_BYTES_MAX)
_Static_assert(ROWS_BYTES_MAX <= CLIENT_KEY_ROWS_BYTES_MAX, "a receipt holds any block's rows");

struct gifts {
    struct replica *replica;
    uint64_t height;
    uint32_t count;
};

static bool put_gift(void *context, uint32_t participant, uint32_t key_no,
                     const struct public_key *key)
{
    struct gifts *gifts = context;
    struct replica *replica = gifts->replica;
    uint8_t row[GIVEN_KEY_BYTES];
    (void)key;
    given_keys_key(participant, key_no, gifts->height, row);
    replica->io.put(replica->io.context, STORE_META, row, sizeof row, "", 0);
    gifts->count++;
    return true;
}

/* The block's writes to ACTIONS behind the first GIVEN_WRITES_PREFIX bytes; how long all is. */
static size_t collect(const struct ledger_outcome *outcome, uint8_t *ret_row)
{
    size_t used = GIVEN_WRITES_PREFIX;
    for (uint32_t i = 0; i < outcome->write_count; i++) {
        const struct ledger_write *write = &outcome->writes[i];
        if (write->table == TABLE_ACTIONS) {
            memcpy(ret_row + used, write->key, write->key_length);
            memcpy(ret_row + used + write->key_length, write->value, write->value_length);
            used += (size_t)write->key_length + write->value_length;
        }
    }
    return used;
}

/* The digests before the block, as they are stored, and after it, as they are about to be. */
static bool read_digests(struct replica *replica, struct state_row *ret_before,
                         struct state_row *ret_after)
{
    const struct ledger_outcome *outcome = replica->outcome;
    struct span value;
    for (uint32_t i = 0; i < outcome->write_count; i++) {
        const struct ledger_write *write = &outcome->writes[i];
        if (write->table == TABLE_STATE) {
            return state_decode((struct span){write->value, write->value_length}, ret_after) ==
                       STATUS_OK &&
                   replica->io.get(replica->io.context, (enum store_table)TABLE_STATE, write->key,
                                   write->key_length, &value) &&
                   state_decode(value, ret_before) == STATUS_OK;
        }
    }
    return false;
}

static void put_writes(struct replica *replica)
{
    struct state_row before, after;
    struct hash leaves[STATE_SLOTS];
    struct merkle_path path;
    uint8_t key[GIVEN_WRITES_KEY_BYTES];
    const uint64_t height = replica->outcome->header.height;
    if (!read_digests(replica, &before, &after)) {
        replica_log(replica, "error", "key_proof_missing", "height=%" PRIu64, height);
        return;
    }
    uint8_t *row = malloc(GIVEN_WRITES_PREFIX + ROWS_BYTES_MAX);
    memory_check(row != NULL);
    for (unsigned i = 0; i < STATE_SLOTS; i++) {
        leaves[i] = merkle_leaf(after.digests[i].bytes, HASH_BYTES);
    }
    merkle_path_of(leaves, STATE_SLOTS, TABLE_ACTIONS, &path);
    memcpy(row, before.digests[TABLE_ACTIONS].bytes, HASH_BYTES);
    memcpy(row + HASH_BYTES, path.hashes, GIVEN_KEYS_PATH_HASHES * HASH_BYTES);
    const size_t length = collect(replica->outcome, row);
    given_keys_writes_key(height, key);
    replica->io.put(replica->io.context, STORE_META, key, sizeof key, row, length);
    free(row);
}

void replica_keys_note(struct replica *replica)
{
    const struct ledger_outcome *outcome = replica->outcome;
    struct gifts gifts = {.replica = replica, .height = outcome->header.height};
    for (uint32_t i = 0; i < outcome->write_count; i++) {
        const struct ledger_write *write = &outcome->writes[i];
        struct action_row row;
        struct span body;
        if (write->table == TABLE_ACTIONS &&
            action_row_decode((struct span){write->key, write->key_length},
                              (struct span){write->value, write->value_length}, &row,
                              &body) == STATUS_OK) {
            given_keys_each(&row, body, &replica->set, put_gift, &gifts);
        }
    }
    if (gifts.count > 0) {
        put_writes(replica);
    }
}

enum status replica_key_proof(struct replica *replica, const struct batch_header *header,
                              uint64_t height, struct given_keys_proof *ret_proof)
{
    const struct genesis_participant *submitter =
        genesis_participant(replica->genesis, header->participant);
    for (uint32_t i = 0; submitter != NULL && i < submitter->key_count; i++) {
        if (submitter->keys[i].key_no == header->key_no) {
            return STATUS_NOT_FOUND;
        }
    }
    return given_keys_prove(&replica->chain, header->participant, header->key_no, height,
                            ret_proof);
}
