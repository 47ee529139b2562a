/*
 * client: a client profile (client.ini, keys, genesis) and its authenticated link to a node, with
 * the client protocol's messages over it (docs/transport.md, Client protocol).
 */
#ifndef HEFU_CLI_CLIENT_H
#define HEFU_CLI_CLIENT_H

#include "cli/args.h"
#include "cli/documents.h"
#include "cli/names.h"
#include "consensus/validators.h"
#include "node/config.h"
#include "node/keys.h"
#include "node/link.h"
#include "proto/client_codec.h"

struct client {
    struct client_config config;
    struct lineage_file documents; /* genesis.json, and those of earlier incarnations beside it */
    struct genesis genesis;        /* the newest, borrowed */
    struct hash chain_id;
    struct validator_set validators; /* of its first epoch */
    struct names *names;
    struct signing_key *key; /* NULL unless asked for */
    struct noise_key_pair *pair;
    struct link_client *link; /* NULL while not connected */
    uint8_t *arena_memory;
    uint64_t last_request;
};

/* The folder that --client or HEFU_CLIENT names, or NULL. */
const char *client_path(const struct args *args);

/* Reads a profile and its keys; signing: also the key that signs batches. No connection yet.
   EXIT_CLEAN, or the exit code, told. */
int client_load(const char *folder, bool signing, struct client *ret_client) MUST_USE;
void client_close(struct client *client);

/* Connects once, waiting at most timeout_ms; replaces a connection that there is. The statuses of
   link_client_open, not told. */
enum status client_connect(struct client *client, uint32_t timeout_ms) MUST_USE;
/* Says why the node cannot be reached; EXIT_UNREACHABLE. */
int client_unreachable(const struct client *client, enum status status);

/* Sends a request; its number is set and also returned. TIMEOUT, CLOSED ... of the link. */
enum status client_send(struct client *client, struct client_message *message,
                        uint64_t *ret_request) MUST_USE;
/* The next answer, valid until the next call. TIMEOUT, CLOSED; MALFORMED for what is no answer. */
enum status client_receive(struct client *client, uint32_t timeout_ms,
                           struct client_message *ret_message) MUST_USE;
/* Sends and waits for the answer with the same number. */
enum status client_ask(struct client *client, struct client_message *message, uint32_t timeout_ms,
                       struct client_message *ret_answer) MUST_USE;

#endif
