/* client: profile, link and messages (see client.h). */
#include "cli/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "cli/progress.h"

#define ERROR_BYTES 512
#define SEND_TIMEOUT_MS 10000
static const char prologue[] = "hefu/1";

const char *client_path(const struct args *args)
{
    const char *path = args_value(args, "client");
    if (path == NULL) {
        path = getenv("HEFU_CLIENT");
    }
    return path != NULL && *path != '\0' ? path : NULL;
}

static enum status load_keys(struct client *client, bool signing, char *error, size_t capacity)
{
    struct passphrase *passphrase = NULL;
    enum status status = passphrase_get(client->config.passphrase_file, "Passphrase: ", &passphrase,
                                        error, capacity);
    if (status == STATUS_OK) {
        status = key_file_read_transport(client->config.transport_key, passphrase, &client->pair,
                                         error, capacity);
    }
    if (status == STATUS_OK && signing) {
        status =
            key_file_read_signing(client->config.key, passphrase, &client->key, error, capacity);
    }
    passphrase_free(passphrase);
    return status;
}

int client_load(const char *folder, bool signing, struct client *ret_client)
{
    struct client *client = ret_client;
    char error[ERROR_BYTES] = "";
    memset(client, 0, sizeof *client);
    enum status status = client_config_read(folder, &client->config, error, sizeof error);
    if (status == STATUS_OK &&
        documents_read(client->config.genesis_path, &client->documents) != EXIT_CLEAN) {
        return EXIT_USAGE;
    }
    if (status == STATUS_OK) {
        const struct incarnation *newest = lineage_newest(&client->documents.lineage);
        client->genesis = *newest->genesis;
        client->chain_id = newest->chain_id;
        CHECK(documents_set(newest, &client->validators) == STATUS_OK); /* as documents_read says */
        client->names = names_new(&client->genesis);
        client->arena_memory = aligned_alloc(64, CLIENT_ANSWER_ARENA_BYTES);
        CHECK(client->arena_memory != NULL);
        status = load_keys(client, signing, error, sizeof error);
    }
    if (status != STATUS_OK) {
        complain("%s", error);
        client_close(client);
        return EXIT_USAGE;
    }
    return EXIT_CLEAN;
}

void client_close(struct client *client)
{
    link_client_close(client->link);
    signing_key_free(client->key);
    transport_pair_free(client->pair);
    names_free(client->names);
    lineage_file_free(&client->documents);
    free(client->arena_memory);
    memset(client, 0, sizeof *client);
}

enum status client_connect(struct client *client, uint32_t timeout_ms)
{
    uint8_t bytes[sizeof prologue - 1 + HASH_BYTES];
    memcpy(bytes, prologue, sizeof prologue - 1);
    memcpy(bytes + sizeof prologue - 1, client->chain_id.bytes, HASH_BYTES);
    link_client_close(client->link);
    client->link = NULL;
    return link_client_open(client->config.address, client->pair, &client->config.node_key, bytes,
                            sizeof bytes, timeout_ms, &client->link);
}

int client_unreachable(const struct client *client, enum status status)
{
    if (status == STATUS_DENIED) {
        complain(
            "%s: the node closed the handshake: does it know this participant's transport key, "
            "and is node_key in %s/client.ini its own?",
            client->config.address, client->config.folder);
    } else {
        complain("%s: the node does not answer (%s); is it running?", client->config.address,
                 status_text(status));
    }
    return EXIT_UNREACHABLE;
}

enum status client_send(struct client *client, struct client_message *message,
                        uint64_t *ret_request)
{
    if (client->link == NULL) {
        return STATUS_CLOSED;
    }
    message->request = ++client->last_request;
    size_t capacity = client_encoded_bound(message), length;
    uint8_t *frame = malloc(capacity);
    if (frame == NULL) {
        return STATUS_NO_MEMORY;
    }
    enum link_class class = message->kind == CLIENT_SUBMIT ? LINK_BATCH : LINK_QUERY;
    enum status status = client_encode(message, frame, capacity, &length);
    if (status == STATUS_OK) {
        status = link_client_send(client->link, class, frame, length, SEND_TIMEOUT_MS);
    }
    free(frame);
    if (status == STATUS_OK) {
        *ret_request = message->request;
    }
    return status;
}

enum status client_receive(struct client *client, uint32_t timeout_ms,
                           struct client_message *ret_message)
{
    enum link_class class;
    uint8_t *frame;
    size_t length;
    const char *what;
    if (client->link == NULL) {
        return STATUS_CLOSED;
    }
    enum status status = link_client_recv(client->link, timeout_ms, &class, &frame, &length);
    if (status != STATUS_OK) {
        return status;
    }
    struct arena arena = arena_over(client->arena_memory, CLIENT_ANSWER_ARENA_BYTES);
    status = client_decode(frame, length, &arena, LIMIT_VALIDATORS, ret_message, &what);
    free(frame);
    if (status == STATUS_OK && !client_kind_is_request(ret_message->kind)) {
        return STATUS_OK;
    }
    return STATUS_MALFORMED;
}

enum status client_ask(struct client *client, struct client_message *message, uint32_t timeout_ms,
                       struct client_message *ret_answer)
{
    uint64_t request;
    uint64_t deadline = monotonic_ms() + timeout_ms;
    enum status status = client_send(client, message, &request);
    while (status == STATUS_OK) {
        uint64_t now = monotonic_ms();
        if (now >= deadline) {
            return STATUS_TIMEOUT;
        }
        status = client_receive(client, (uint32_t)(deadline - now), ret_answer);
        if (status == STATUS_OK && ret_answer->request == request) {
            break;
        }
    }
    return status;
}
