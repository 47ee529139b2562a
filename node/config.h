/*
 * config: a node's config.ini and a client profile's client.ini (docs/operations.md,
 * Configuration). Unknown sections and keys, double keys and values out of range are errors with
 * file and line; relative paths are relative to the file's folder.
 */
#ifndef HEFU_NODE_CONFIG_H
#define HEFU_NODE_CONFIG_H

#include <stddef.h>
#include <stdint.h>

#include "base/keys.h"
#include "base/limits.h"
#include "base/status.h"
#include "ledger/genesis.h"
#include "node/log.h"
#include "node/peers.h"

#define CONFIG_PATH_MAX 1024
#define CONFIG_URL_MAX 256
#define CONFIG_NAME_MAX 64
#define CONFIG_OPERATORS_MAX 16
#define CONFIG_OBSERVERS_MAX 64

enum node_role {
    NODE_VALIDATOR, /* votes */
    NODE_OBSERVER,  /* follows, verifies, serves queries, never votes */
};

struct config_peer {
    char name[CONFIG_NAME_MAX]; /* of a validator, or of an entry of [observers] */
    char url[CONFIG_URL_MAX];   /* tcp://host:port */
};

/*
 * [node]      role = validator | observer (validator)
 *             validator = NAME, or index, in genesis       needed by a validator; a name of its own
 *                                                          while its key is not admitted yet
 *             listen = tcp://host:port                      needed
 *             map_size = 256G                               K, M, G, T: powers of 1024
 *             log_level = debug | info | warn | error (info)
 *             verify_threads = 0 .. 64                      0: one a processor
 * [keys]      consensus = FILE                             needed by a validator; its register is
 *                                                          FILE.register
 *             next = FILE                                  the key that is to take its place
 *             transport = FILE                             needed
 *             passphrase_file = FILE                       left out: a prompt
 * [peers]     NAME = tcp://host:port                       every other validator
 * [observers] NAME = transport key, 64 hexadecimal digits   may link as a peer: nodes that follow,
 *                                                          and validators this one does not know of
 * [operators] NAME = transport key, 64 hexadecimal digits   may ask for the status
 * [limits]    pool_bytes = 1G
 */
struct config {
    char home[CONFIG_PATH_MAX]; /* not a key: the folder of config.ini */
    bool rejoin;                /* not a key: hefud --rejoin */
    enum node_role role;
    char validator[CONFIG_NAME_MAX];
    char listen[CONFIG_URL_MAX];
    uint64_t map_bytes;
    enum log_level log_level;
    uint32_t verify_threads;
    char consensus_key[CONFIG_PATH_MAX];
    char register_path[CONFIG_PATH_MAX]; /* not a key: consensus_key with .register */
    char next_key[CONFIG_PATH_MAX];      /* "": none; takes consensus_key's place by an action */
    char next_register_path[CONFIG_PATH_MAX];
    char transport_key[CONFIG_PATH_MAX];
    char passphrase_file[CONFIG_PATH_MAX]; /* "": a prompt */
    char genesis_path[CONFIG_PATH_MAX];    /* not a key: home/genesis.json */
    uint64_t pool_bytes;
    uint32_t peer_count;
    struct config_peer peers[LIMIT_VALIDATORS];
    uint32_t observer_count;
    struct peer_observer observers[CONFIG_OBSERVERS_MAX];
    uint32_t operator_count;
    struct peer_observer operators[CONFIG_OPERATORS_MAX];
};

/* Every default, nothing else. */
void config_init(struct config *ret_config);

/* Reads home/config.ini. NOT_FOUND, IO, OVERSIZED, MALFORMED; ret_error: file, line, what was
 * expected. */
enum status config_read(const char *home, struct config *ret_config, char *ret_error,
                        size_t capacity) MUST_USE;

/* Writes home/config.ini, mode 0600, with the paths as they stand in config (relative ones stay
   relative). Replaces one that exists. DENIED, IO, NO_SPACE. */
enum status config_write(const char *home, const struct config *config, char *ret_error,
                         size_t capacity) MUST_USE;

/* The index in genesis of the validator that [node] validator names. NOT_FOUND with the names that
 * there are. */
enum status config_validator_index(const struct config *config, const struct genesis *genesis,
                                   uint32_t *ret_index, char *ret_error, size_t capacity) MUST_USE;

/*
 * [client]    address = tcp://host:port                     of the node; needed
 *             node_key = 64 hexadecimal digits              its transport key; needed
 *             participant = number, name = text, roles = bank,agent (the last two for people)
 *             key = FILE, key_no = 1                        signs batches; needed
 *             transport_key = FILE                          needed
 *             passphrase_file = FILE                        left out: a prompt
 *             genesis = FILE                                needed
 */
struct client_config {
    char folder[CONFIG_PATH_MAX]; /* not a key: the folder of client.ini */
    char address[CONFIG_URL_MAX];
    struct transport_key node_key;
    uint32_t participant;
    char name[CONFIG_NAME_MAX];
    char roles[CONFIG_NAME_MAX];
    char key[CONFIG_PATH_MAX];
    uint32_t key_no;
    char transport_key[CONFIG_PATH_MAX];
    char passphrase_file[CONFIG_PATH_MAX]; /* "": a prompt */
    char genesis_path[CONFIG_PATH_MAX];
};

void client_config_init(struct client_config *ret_config);
/* Reads folder/client.ini. */
enum status client_config_read(const char *folder, struct client_config *ret_config,
                               char *ret_error, size_t capacity) MUST_USE;
enum status client_config_write(const char *folder, const struct client_config *config,
                                char *ret_error, size_t capacity) MUST_USE;

#endif
