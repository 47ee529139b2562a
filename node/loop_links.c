/*
 * loop_links: who may connect to the running node, and how what the links report reaches the core
 * thread. The callbacks run on other threads: they read what never changes while the node runs,
 * and, under a mutex, the peers and participants as the chain has them now.
 */
#include <sodium/utils.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "ledger/genesis_rows.h"
#include "ledger/rows.h"
#include "node/log.h"
#include "node/loop_state.h"
#include "node/memory.h"

/* The longest path that a Unix socket address holds, with its zero. */
#define SOCKET_PATH_MAX 108
static const char prologue[] = "hefu/1";

static bool same_key(const struct transport_key *a, const struct transport_key *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

/* The participant that a client's key belongs to, under the mutex; 0: nobody's. */
static uint32_t find_client(const struct loop *loop, const struct transport_key *key)
{
    for (uint32_t i = 0; i < loop->client_count; i++) {
        if (same_key(&loop->clients[i].key, key)) {
            return loop->clients[i].participant;
        }
    }
    return 0;
}

static bool allow(void *context, const struct transport_key *key,
                  struct link_identity *ret_identity)
{
    struct loop *loop = context;
    CHECK(pthread_mutex_lock(&loop->allowed_mutex) == 0);
    const uint32_t peer = peers_find(&loop->allowed, key);
    const uint32_t client = peer == PEER_NONE ? find_client(loop, key) : 0;
    CHECK(pthread_mutex_unlock(&loop->allowed_mutex) == 0);
    if (peer != PEER_NONE) {
        ret_identity->kind = LINK_VALIDATOR;
        ret_identity->validator = peer;
        return true;
    }
    if (client != 0) {
        ret_identity->kind = LINK_CLIENT;
        ret_identity->participant = client;
        return true;
    }
    for (uint32_t i = 0; i < loop->config->operator_count; i++) {
        if (same_key(&loop->config->operators[i].key, key)) {
            ret_identity->kind = LINK_CLIENT;
            ret_identity->participant = 0;
            return true;
        }
    }
    return false;
}

static void up(void *context, uint64_t id, const struct link_identity *identity)
{
    struct loop *loop = context;
    struct inbox_item item = {.kind = INBOX_UP, .link = id, .identity = *identity};
    CHECK(inbox_put(loop->inbox, &item));
}

static void down(void *context, uint64_t id, const struct link_identity *identity,
                 enum link_reason reason)
{
    struct loop *loop = context;
    struct inbox_item item = {
        .kind = INBOX_DOWN, .link = id, .identity = *identity, .reason = reason};
    CHECK(inbox_put(loop->inbox, &item));
}

static bool frame(void *context, uint64_t id, const struct link_identity *identity,
                  enum link_class class, uint8_t *bytes, size_t length)
{
    struct loop *loop = context;
    struct inbox_item item = {.kind = INBOX_FRAME,
                              .link = id,
                              .identity = *identity,
                              .class = class,
                              .frame = bytes,
                              .length = length};
    return inbox_put(loop->inbox, &item);
}

static void dial_failed(void *context, uint32_t peer, enum link_reason reason)
{
    struct loop *loop = context;
    char name[PEER_NAME_MAX];
    CHECK(pthread_mutex_lock(&loop->allowed_mutex) == 0);
    memcpy(name, loop->allowed.slots[peer].name, sizeof name);
    CHECK(pthread_mutex_unlock(&loop->allowed_mutex) == 0);
    log_write(LOG_LEVEL_DEBUG, "dial_failed", "peer=%s why=%s", name, link_reason_name(reason));
}

/* Where a peer listens, as far as [peers] knows. */
static const char *url_of(const struct loop *loop, const struct peer_entry *entry)
{
    for (uint32_t i = 0; i < loop->config->peer_count; i++) {
        if (strcmp(loop->config->peers[i].name, entry->name) == 0) {
            return loop->config->peers[i].url;
        }
    }
    return NULL;
}

static void set_link(struct loop *loop, uint32_t slot)
{
    const struct peer_entry *entry = &loop->peers.slots[slot];
    const struct link_validator peer = {.key = entry->key, .url = url_of(loop, entry)};
    const bool none = entry->kind == PEER_FREE || slot == loop->peers.own;
    links_set_peer(loop->links, slot, none ? NULL : &peer);
}

void loop_links_peers(struct loop *loop, const struct peers *peers)
{
    for (uint32_t slot = 0; slot < LIMIT_PEERS; slot++) {
        /* Whoever had the slot is gone, and its link is about to end. */
        if (memcmp(loop->peers.slots[slot].key.bytes, peers->slots[slot].key.bytes,
                   sizeof peers->slots[slot].key.bytes) != 0) {
            loop->peer_links[slot] = 0;
        }
    }
    loop->peers = *peers;
    CHECK(pthread_mutex_lock(&loop->allowed_mutex) == 0);
    loop->allowed = *peers;
    CHECK(pthread_mutex_unlock(&loop->allowed_mutex) == 0);
    for (uint32_t slot = 0; loop->links != NULL && slot < LIMIT_PEERS; slot++) {
        set_link(loop, slot);
    }
}

void loop_links_clients(struct loop *loop)
{
    uint8_t from[PARTICIPANT_KEY_BYTES + 1] = {0};
    size_t from_length = 0;
    struct span key, value;
    uint32_t count = 0, room = 0;
    struct loop_client *clients = NULL;
    while (store_seek(loop->store, (enum store_table)TABLE_PARTICIPANTS, from, from_length, &key,
                      &value)) {
        struct genesis_participant row;
        memcpy(from, key.data, PARTICIPANT_KEY_BYTES);
        from_length = sizeof from;
        if (genesis_decode_participant(value, &row) != STATUS_OK ||
            bytes_are_zero(&row.transport_key, sizeof row.transport_key)) {
            continue;
        }
        if (count == room) {
            room = room == 0 ? 64 : 2 * room;
            clients = realloc(clients, room * sizeof *clients);
            memory_check(clients != NULL);
        }
        clients[count++] = (struct loop_client){row.transport_key, row.number};
    }
    CHECK(pthread_mutex_lock(&loop->allowed_mutex) == 0);
    free(loop->clients);
    loop->clients = clients;
    loop->client_count = count;
    CHECK(pthread_mutex_unlock(&loop->allowed_mutex) == 0);
    loop->clients_stale = false;
}

/* An address of nobody may be a slip of the pen, or of one who is still to come. */
static void log_unknown(const struct loop *loop)
{
    for (uint32_t i = 0; i < loop->config->peer_count; i++) {
        uint32_t slot = 0;
        while (slot < LIMIT_PEERS &&
               (loop->peers.slots[slot].kind == PEER_FREE ||
                strcmp(loop->peers.slots[slot].name, loop->config->peers[i].name) != 0)) {
            slot++;
        }
        if (slot == LIMIT_PEERS) {
            log_write(LOG_LEVEL_INFO, "peer_unknown",
                      "name=%s why=\"in [peers], but no validator or observer has this name yet\"",
                      loop->config->peers[i].name);
        }
    }
}

/* A validator has an address for each of the others: without, it might wait for a call that never
   comes. Those that came after genesis may be missing: they know ours. */
static enum status check_addresses(const struct loop *loop, char *ret_error, size_t capacity)
{
    log_unknown(loop);
    for (uint32_t slot = 0; slot < LIMIT_PEERS; slot++) {
        const struct peer_entry *entry = &loop->peers.slots[slot];
        /* Who has our name is this node, with the keys of an earlier epoch or incarnation. */
        if (entry->kind != PEER_VALIDATOR || slot == loop->peers.own ||
            strcmp(entry->name, loop->config->validator) == 0 || url_of(loop, entry) != NULL) {
            continue;
        }
        bool genesis = false;
        for (uint32_t i = 0; i < loop->genesis->validator_count; i++) {
            genesis = genesis || strcmp(loop->genesis->validators[i].name, entry->name) == 0;
        }
        if (genesis && loop->config->role == NODE_VALIDATOR) {
            (void)snprintf(ret_error, capacity,
                           "%s/config.ini: [peers] has no address of validator \"%s\": add \"%s = "
                           "tcp://host:port\"",
                           loop->config->home, entry->name, entry->name);
            return STATUS_NOT_FOUND;
        }
        log_write(LOG_LEVEL_WARN, "no_address", "validator=%s why=\"[peers] does not name it\"",
                  entry->name);
    }
    return STATUS_OK;
}

/* A status of links_open, whose own text speaks of a peer or of data. */
static const char *why_not_listening(enum status status)
{
    if (status == STATUS_UNREACHABLE) {
        return "another process has the port, the address is not one of this machine, or this user "
               "may not use it";
    }
    return status == STATUS_MALFORMED ? "the address is not tcp://HOST:PORT" : status_text(status);
}

enum status loop_links_open(struct loop *loop, char *ret_error, size_t capacity)
{
    struct links_config links;
    char local_url[SOCKET_PATH_MAX + 8];
    enum status status = check_addresses(loop, ret_error, capacity);
    if (status != STATUS_OK) {
        return status;
    }
    loop_links_clients(loop);
    links_config_init(&links);
    links.url = loop->config->listen;
    int length = snprintf(local_url, sizeof local_url, "ipc://%s/hefud.sock", loop->config->home);
    if (length > 0 && (size_t)length - strlen("ipc://") < SOCKET_PATH_MAX) {
        links.local_url = local_url;
    } else {
        log_write(LOG_LEVEL_WARN, "no_local_socket",
                  "why=\"the home's path is too long for a Unix socket\"");
    }
    links.own_key = *loop->transport;
    links.prologue_length = strlen(prologue) + HASH_BYTES;
    memcpy(links.prologue, prologue, strlen(prologue));
    memcpy(links.prologue + strlen(prologue), loop->chain_id.bytes, HASH_BYTES);
    struct replica_view view;
    replica_inspect(loop->replica, &view);
    links.patient = view.own_index != CONSENSUS_OBSERVER;
    links.limits.half_open_max = 4 * replica_validators(loop->replica)->count + 16;
    struct links_callbacks callbacks = {.context = loop,
                                        .allow = allow,
                                        .up = up,
                                        .down = down,
                                        .frame = frame,
                                        .dial_failed = dial_failed};
    status = links_open(&links, &callbacks, &loop->links);
    sodium_memzero(&links.own_key, sizeof links.own_key);
    if (status != STATUS_OK) {
        (void)snprintf(ret_error, capacity,
                       "cannot listen on %s%s%s: %s; see [node] listen in "
                       "%s/config.ini",
                       loop->config->listen, links.local_url != NULL ? " and " : "",
                       links.local_url != NULL ? links.local_url : "", why_not_listening(status),
                       loop->config->home);
        return status;
    }
    for (uint32_t slot = 0; slot < LIMIT_PEERS; slot++) {
        set_link(loop, slot);
    }
    return STATUS_OK;
}
