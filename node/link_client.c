/*
 * link_client: one blocking link for commands, on top of the same links as a node's (link.h): a
 * single dial, an inbox, and one condition for everything that a caller waits for.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "node/link_internal.h"

/* Frames received and not yet asked for; beyond it the link stops reading. */
#define INBOX_BYTES_MAX ((size_t)4 * LIMIT_FRAME_BYTES)

struct client_frame {
    struct client_frame *next;
    uint8_t *bytes;
    size_t length;
    enum link_class class;
};

struct link_client {
    struct links *links;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    uint64_t id; /* 0: not up yet */
    bool ended;
    enum link_reason reason;
    struct client_frame *first;
    struct client_frame **last;
    size_t inbox_bytes;
    bool inbox_refused;
    uint64_t rooms; /* how often a full queue got room again */
};

static void signal_change(struct link_client *client)
{
    CHECK(pthread_cond_broadcast(&client->changed) == 0);
    link_unlock(&client->mutex);
}

/* ---- Callbacks ---- */

static bool client_allow(void *context, const struct transport_key *key,
                         struct link_identity *ret_identity)
{
    (void)context;
    (void)key;
    (void)ret_identity;
    return false; /* nobody dials a command */
}

static void client_up(void *context, uint64_t id, const struct link_identity *identity)
{
    struct link_client *client = context;
    (void)identity;
    link_lock(&client->mutex);
    client->id = id;
    signal_change(client);
}

static void client_ended(struct link_client *client, enum link_reason reason)
{
    link_lock(&client->mutex);
    client->ended = true;
    client->reason = reason;
    signal_change(client);
}

static void client_down(void *context, uint64_t id, const struct link_identity *identity,
                        enum link_reason reason)
{
    (void)id;
    (void)identity;
    client_ended(context, reason);
}

static void client_dial_failed(void *context, uint32_t validator, enum link_reason reason)
{
    (void)validator;
    client_ended(context, reason);
}

static void client_room(void *context, uint64_t id, enum link_class class)
{
    struct link_client *client = context;
    (void)id;
    (void)class;
    link_lock(&client->mutex);
    client->rooms++;
    signal_change(client);
}

static bool client_frame(void *context, uint64_t id, const struct link_identity *identity,
                         enum link_class class, uint8_t *frame, size_t length)
{
    struct link_client *client = context;
    (void)id;
    (void)identity;
    struct client_frame *entry = malloc(sizeof *entry);
    link_lock(&client->mutex);
    bool full = client->inbox_bytes > 0 && client->inbox_bytes + length > INBOX_BYTES_MAX;
    if (full || entry == NULL) {
        client->inbox_refused = true;
        link_unlock(&client->mutex);
        free(entry);
        return false;
    }
    *entry = (struct client_frame){NULL, frame, length, class};
    *client->last = entry;
    client->last = &entry->next;
    client->inbox_bytes += length;
    signal_change(client);
    return true;
}

/* ---- Opening and closing ---- */

static struct link_client *client_new(void)
{
    struct link_client *client = calloc(1, sizeof *client);
    if (client == NULL) {
        return NULL;
    }
    pthread_condattr_t attributes;
    client->last = &client->first;
    CHECK(pthread_mutex_init(&client->mutex, NULL) == 0);
    CHECK(pthread_condattr_init(&attributes) == 0);
    CHECK(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    CHECK(pthread_cond_init(&client->changed, &attributes) == 0);
    CHECK(pthread_condattr_destroy(&attributes) == 0);
    return client;
}

void link_client_close(struct link_client *client)
{
    if (client == NULL) {
        return;
    }
    links_close(client->links);
    while (client->first != NULL) {
        struct client_frame *entry = client->first;
        client->first = entry->next;
        free(entry->bytes);
        free(entry);
    }
    CHECK(pthread_cond_destroy(&client->changed) == 0);
    CHECK(pthread_mutex_destroy(&client->mutex) == 0);
    free(client);
}

/* Waits for a change until the deadline; false at the deadline. Under the mutex. */
static bool wait_change(struct link_client *client, const struct timespec *until)
{
    return pthread_cond_timedwait(&client->changed, &client->mutex, until) == 0;
}

/* What a failed opening means for a command. */
static enum status opening_status(enum link_reason reason)
{
    switch (reason) {
    case LINK_ENDED_UNREACHABLE:
        return STATUS_UNREACHABLE;
    case LINK_ENDED_HANDSHAKE_TIMEOUT:
        return STATUS_TIMEOUT;
    case LINK_ENDED_NO_MEMORY:
        return STATUS_NO_MEMORY;
    case LINK_ENDED_LOCAL:
    case LINK_ENDED_REPLACED:
    case LINK_ENDED_PEER_CLOSED:
    case LINK_ENDED_LOST:
    case LINK_ENDED_ADDRESS_RATE:
    case LINK_ENDED_HALF_OPEN_FULL:
    case LINK_ENDED_CLIENTS_FULL:
    case LINK_ENDED_HANDSHAKE_LOST:
    case LINK_ENDED_HANDSHAKE_FORGED:
    case LINK_ENDED_HANDSHAKE_WEAK_KEY:
    case LINK_ENDED_STRANGER:
    case LINK_ENDED_FORGED:
    case LINK_ENDED_BAD_FRAME:
    case LINK_ENDED_SILENT:
    case LINK_ENDED_STALLED:
    case LINK_ENDED_VOTES_FULL:
    case LINK_REASON_COUNT:
        break;
    }
    return STATUS_DENIED;
}

static enum status wait_up(struct link_client *client, uint32_t timeout_ms)
{
    struct timespec until = link_deadline(timeout_ms);
    enum status status = STATUS_OK;
    link_lock(&client->mutex);
    while (client->id == 0 && !client->ended && status == STATUS_OK) {
        status = wait_change(client, &until) ? STATUS_OK : STATUS_TIMEOUT;
    }
    if (client->id != 0) {
        status = STATUS_OK; /* even if it has ended since: what was received can be read */
    } else if (client->ended) {
        status = opening_status(client->reason);
    }
    link_unlock(&client->mutex);
    return status;
}

static enum status client_start(struct link_client *client, const struct links_config *config)
{
    const struct links_callbacks callbacks = {
        .context = client,
        .allow = client_allow,
        .up = client_up,
        .down = client_down,
        .frame = client_frame,
        .room = client_room,
        .dial_failed = client_dial_failed,
    };
    return links_open(config, &callbacks, &client->links);
}

enum status link_client_open(const char *url, const struct noise_key_pair *own_key,
                             const struct transport_key *server_key, const uint8_t *prologue,
                             size_t prologue_length, uint32_t timeout_ms,
                             struct link_client **ret_client)
{
    bool local = strncmp(url, "ipc:", 4) == 0;
    struct link_validator server = {.url = url};
    struct links_config config;
    links_config_init(&config);
    if (!local) {
        CHECK(prologue_length <= LINK_PROLOGUE_BYTES_MAX);
        server.key = *server_key;
        config.own_key = *own_key;
        config.prologue_length = prologue_length;
        memcpy(config.prologue, prologue, prologue_length);
    }
    config.validators = &server;
    config.validator_count = 1;
    config.dial_once = true;
    config.limits.client_links_max = 1;
    struct link_client *client = client_new();
    if (client == NULL) {
        return STATUS_NO_MEMORY;
    }
    enum status status = client_start(client, &config);
    sodium_memzero(&config.own_key, sizeof config.own_key);
    if (status == STATUS_OK) {
        status = wait_up(client, timeout_ms);
    }
    if (status != STATUS_OK) {
        link_client_close(client);
        return status;
    }
    *ret_client = client;
    return STATUS_OK;
}

/* ---- Sending and receiving ---- */

enum status link_client_send(struct link_client *client, enum link_class class,
                             const uint8_t *frame, size_t length, uint32_t timeout_ms)
{
    struct timespec until = link_deadline(timeout_ms);
    bool in_time = true;
    for (;;) {
        link_lock(&client->mutex);
        uint64_t rooms = client->rooms;
        link_unlock(&client->mutex);
        enum status status = links_send(client->links, client->id, class, frame, length);
        if (status == STATUS_NOT_FOUND) {
            return STATUS_CLOSED;
        }
        if (status != STATUS_BUSY) {
            return status;
        }
        link_lock(&client->mutex);
        while (in_time && client->rooms == rooms && !client->ended) {
            in_time = wait_change(client, &until);
        }
        link_unlock(&client->mutex);
        if (!in_time) {
            return STATUS_TIMEOUT;
        }
    }
}

/* The first frame, whose room may let the link read on. Under the mutex. */
static struct client_frame *take_first(struct link_client *client, bool *ret_resume)
{
    struct client_frame *entry = client->first;
    client->first = entry->next;
    if (client->first == NULL) {
        client->last = &client->first;
    }
    client->inbox_bytes -= entry->length;
    *ret_resume = client->inbox_refused && client->inbox_bytes <= INBOX_BYTES_MAX / 2;
    if (*ret_resume) {
        client->inbox_refused = false;
    }
    return entry;
}

enum status link_client_recv(struct link_client *client, uint32_t timeout_ms,
                             enum link_class *ret_class, uint8_t **ret_frame, size_t *ret_length)
{
    struct timespec until = link_deadline(timeout_ms);
    bool in_time = true;
    link_lock(&client->mutex);
    while (client->first == NULL && !client->ended && in_time) {
        in_time = wait_change(client, &until);
    }
    if (client->first == NULL) {
        bool ended = client->ended;
        link_unlock(&client->mutex);
        return ended ? STATUS_CLOSED : STATUS_TIMEOUT;
    }
    bool resume = false;
    struct client_frame *entry = take_first(client, &resume);
    link_unlock(&client->mutex);
    if (resume) {
        links_resume(client->links, client->id);
    }
    *ret_class = entry->class;
    *ret_frame = entry->bytes;
    *ret_length = entry->length;
    free(entry);
    return STATUS_OK;
}

enum link_reason link_client_reason(struct link_client *client)
{
    link_lock(&client->mutex);
    enum link_reason reason = client->reason;
    link_unlock(&client->mutex);
    return reason;
}
