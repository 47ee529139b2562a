/*
 * loop_links: who may connect to the running node, and how what the links report reaches the core
 * thread. The callbacks run on other threads and only read what never changes while the node runs.
 */
#include <sodium/utils.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "node/log.h"
#include "node/loop_state.h"

/* The longest path that a Unix socket address holds, with its zero. */
#define SOCKET_PATH_MAX 108
static const char prologue[] = "hefu/1";

static bool same_key(const struct transport_key *a, const struct transport_key *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes) == 0;
}

static bool allow(void *context, const struct transport_key *key,
                  struct link_identity *ret_identity)
{
    const struct loop *loop = context;
    for (uint32_t i = 0; i < loop->validators.count; i++) {
        if (same_key(&loop->validators.members[i].transport_key, key)) {
            ret_identity->kind = LINK_VALIDATOR;
            ret_identity->validator = i;
            return true;
        }
    }
    for (uint32_t i = 0; i < loop->genesis.participant_count; i++) {
        const struct genesis_participant *participant = &loop->genesis.participants[i];
        if (same_key(&participant->transport_key, key) &&
            !bytes_are_zero(key->bytes, sizeof key->bytes)) {
            ret_identity->kind = LINK_CLIENT;
            ret_identity->participant = participant->number;
            return true;
        }
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

static void dial_failed(void *context, uint32_t validator, enum link_reason reason)
{
    const struct loop *loop = context;
    log_write(LOG_LEVEL_DEBUG, "dial_failed", "validator=%s why=%s",
              loop->genesis.validators[validator].name, link_reason_name(reason));
}

enum status loop_links_open(struct loop *loop, char *ret_error, size_t capacity)
{
    struct links_config links;
    struct link_validator validators[LIMIT_VALIDATORS];
    char local_url[SOCKET_PATH_MAX + 8];
    links_config_init(&links);
    for (uint32_t i = 0; i < loop->validators.count; i++) {
        validators[i].key = loop->validators.members[i].transport_key;
        validators[i].url = i == loop->own_index ? loop->config->listen
                                                 : config_peer_url(loop->config, &loop->genesis, i);
        if (validators[i].url == NULL) {
            (void)snprintf(ret_error, capacity,
                           "%s/config.ini: [peers] has no address of validator \"%s\": add \"%s = "
                           "tcp://host:port\"",
                           loop->config->home, loop->genesis.validators[i].name,
                           loop->genesis.validators[i].name);
            return STATUS_NOT_FOUND;
        }
    }
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
    links.validators = validators;
    links.validator_count = loop->validators.count;
    links.own_index = loop->own_index == CONSENSUS_OBSERVER ? -1 : (int32_t)loop->own_index;
    struct links_callbacks callbacks = {.context = loop,
                                        .allow = allow,
                                        .up = up,
                                        .down = down,
                                        .frame = frame,
                                        .dial_failed = dial_failed};
    enum status status = links_open(&links, &callbacks, &loop->links);
    sodium_memzero(&links.own_key, sizeof links.own_key);
    if (status != STATUS_OK) {
        (void)snprintf(ret_error, capacity,
                       "cannot listen on %s (%s): is another process using the port? See [node] "
                       "listen in %s/config.ini",
                       loop->config->listen, status_text(status), loop->config->home);
    }
    return status;
}
