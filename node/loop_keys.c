/*
 * loop_keys: a node's keys and their registers at its start. A register is bound to the chain only
 * once everything else has opened: a key that was tried with a wrong genesis.json, as it happens
 * when a new incarnation is prepared, has signed nothing and stays good for the right one.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "node/log.h"
#include "node/loop_state.h"
#include "node/passphrase.h"

/* The validator of genesis that the configuration names, or NULL: it came later, or is to come. */
static const struct genesis_validator *own_in_genesis(const struct loop *loop)
{
    uint32_t index;
    char ignored[256];
    return config_validator_index(loop->config, loop->genesis, &index, ignored, sizeof ignored) ==
                   STATUS_OK
               ? &loop->genesis->validators[index]
               : NULL;
}

enum status loop_keys_check(struct loop *loop, char *ret_error, size_t capacity)
{
    struct replica_view view;
    const struct config *config = loop->config;
    const struct genesis_validator *genesis = own_in_genesis(loop);
    if (loop->key_count == 0) {
        return STATUS_OK;
    }
    replica_inspect(loop->replica, &view);
    if (view.own_index != CONSENSUS_OBSERVER) {
        const struct validator *own = &replica_validators(loop->replica)->members[view.own_index];
        if (memcmp(own->transport_key.bytes, loop->transport->public_key.bytes,
                   sizeof own->transport_key.bytes) == 0) {
            return STATUS_OK;
        }
        (void)snprintf(ret_error, capacity,
                       "%s: this is not the transport key that goes with %s in epoch %" PRIu64,
                       config->transport_key, config->consensus_key, view.consensus.epoch);
        return STATUS_BAD_KEY;
    }
    const struct public_key *key = signing_key_public(loop->keys[0].signing_key);
    if (genesis != NULL && !replica_is_candidate(loop->replica) &&
        memcmp(genesis->key.bytes, key->bytes, sizeof key->bytes) != 0) {
        (void)snprintf(
            ret_error, capacity,
            "%s: this is not the consensus key that genesis.json gives to \"%s\"; a node "
            "that waits for its key to be admitted has a name of its own in [node] "
            "validator",
            config->consensus_key, genesis->name);
        return STATUS_BAD_KEY;
    }
    log_write(LOG_LEVEL_WARN, "does_not_vote",
              "validator=%s epoch=%" PRIu64
              " why=\"its key is not in this epoch's set: it follows\"",
              config->validator, view.consensus.epoch);
    return STATUS_OK;
}

/* One key with two registers would not remember in one what it has signed by the other. */
static enum status check_distinct(const struct loop *loop, char *ret_error, size_t capacity)
{
    const struct config *config = loop->config;
    if (loop->key_count < REPLICA_KEYS_MAX ||
        memcmp(signing_key_public(loop->keys[0].signing_key),
               signing_key_public(loop->keys[1].signing_key), sizeof(struct public_key)) != 0) {
        return STATUS_OK;
    }
    (void)snprintf(ret_error, capacity,
                   "%s: this is the same key as %s: the next key is one that hefu key new made; if "
                   "the key has gone over already, take \"next\" out of [keys] in %s/config.ini",
                   config->next_key, config->consensus_key, config->home);
    return STATUS_BAD_KEY;
}

enum status loop_keys_open(struct loop *loop, char *ret_error, size_t capacity)
{
    const struct config *config = loop->config;
    struct passphrase *passphrase = NULL;
    enum status status = key_self_test();
    if (status != STATUS_OK) {
        (void)snprintf(ret_error, capacity,
                       "this libsodium judges Ed25519 signatures differently from all other nodes: "
                       "install Debian's libsodium23");
        return status;
    }
    status = passphrase_get(config->passphrase_file, "Passphrase of the node's keys: ", &passphrase,
                            ret_error, capacity);
    if (status == STATUS_OK) {
        status = key_file_read_transport(config->transport_key, passphrase, &loop->transport,
                                         ret_error, capacity);
    }
    const char *files[REPLICA_KEYS_MAX] = {config->consensus_key, config->next_key};
    const char *registers[REPLICA_KEYS_MAX] = {config->register_path, config->next_register_path};
    for (uint32_t i = 0; i < REPLICA_KEYS_MAX && config->role == NODE_VALIDATOR &&
                         files[i][0] != '\0' && status == STATUS_OK;
         i++) {
        struct loop_key *key = &loop->keys[loop->key_count];
        status =
            key_file_read_signing(files[i], passphrase, &key->signing_key, ret_error, capacity);
        if (status == STATUS_OK) {
            key->register_path = registers[i];
            loop->key_count++;
        }
    }
    passphrase_free(passphrase);
    return status == STATUS_OK ? check_distinct(loop, ret_error, capacity) : status;
}

static enum status bind(struct loop *loop, struct loop_key *key, char *ret_error, size_t capacity)
{
    char why[1024];
    const enum status status =
        register_bind(key->register_file, &loop->chain_id, loop->epoch_first, why, sizeof why);
    if (status != STATUS_OK) {
        (void)snprintf(ret_error, capacity, "%s: %s", key->register_path, why);
    }
    return status;
}

static enum status open_register(struct loop *loop, struct loop_key *key, char *ret_error,
                                 size_t capacity)
{
    const struct public_key *owner = signing_key_public(key->signing_key);
    enum status status =
        loop->config->rejoin
            ? register_open_rejoining(key->register_path, owner, &loop->chain_id,
                                      &key->register_file, ret_error, capacity)
            : register_open(key->register_path, owner, &key->register_file, ret_error, capacity);
    if (status != STATUS_OK) {
        /* A file that is missing is here no slip of the pen: what was signed is not known. */
        return status == STATUS_NOT_FOUND ? STATUS_DENIED : status;
    }
    if (register_had_damage(key->register_file)) {
        log_write(LOG_LEVEL_WARN, "register_slot_damaged", "path=%s", key->register_path);
    }
    if (register_is_bound(key->register_file)) {
        status = bind(loop, key, ret_error, capacity); /* writes nothing, but knows its chain */
        if (status != STATUS_OK) {
            return status;
        }
    }
    if (register_current(key->register_file)->rejoining) {
        log_write(LOG_LEVEL_WARN, "rejoining",
                  "register=%s why=\"what this key has signed is not "
                  "known: it signs nothing until enough others have been heard\"",
                  key->register_path);
    }
    return register_may_start(key->register_file, key->register_path, ret_error, capacity);
}

enum status loop_keys_open_registers(struct loop *loop, char *ret_error, size_t capacity)
{
    enum status status = STATUS_OK;
    if (loop->config->rejoin && loop->key_count == 0) {
        (void)snprintf(ret_error, capacity,
                       "%s: --rejoin is for a validator: this node has no consensus key",
                       loop->config->home);
        return STATUS_USAGE;
    }
    for (uint32_t i = 0; i < loop->key_count && status == STATUS_OK; i++) {
        status = open_register(loop, &loop->keys[i], ret_error, capacity);
    }
    return status;
}

struct vote_register loop_keys_register(const struct loop *loop, const struct loop_key *key)
{
    struct vote_register content = *register_current(key->register_file);
    if (!register_is_bound(key->register_file)) {
        content.chain_id = loop->chain_id;
        content.epoch = loop->epoch_first;
    }
    return content;
}

enum status loop_keys_bind(struct loop *loop, char *ret_error, size_t capacity)
{
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < loop->key_count && status == STATUS_OK; i++) {
        status = bind(loop, &loop->keys[i], ret_error, capacity);
    }
    return status;
}
