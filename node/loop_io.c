/* loop_io: node_io on LMDB, the vote register, nng links and the system's clocks (see node_io.h).
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "node/log.h"
#include "node/loop_state.h"
#include "node/memory.h"

static uint64_t clock_ms(clockid_t clock)
{
    struct timespec now;
    CHECK(clock_gettime(clock, &now) == 0);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t loop_now_ms(void)
{
    return clock_ms(CLOCK_REALTIME);
}

uint64_t loop_monotonic_ms(void)
{
    return clock_ms(CLOCK_MONOTONIC);
}

static bool io_get(void *context, enum store_table table, const void *key, size_t key_length,
                   struct span *ret_value)
{
    struct loop *loop = context;
    return store_get(loop->store, table, key, key_length, ret_value);
}

static void io_put(void *context, enum store_table table, const void *key, size_t key_length,
                   const void *value, size_t value_length)
{
    struct loop *loop = context;
    loop->clients_stale = loop->clients_stale || (unsigned)table == TABLE_PARTICIPANTS;
    store_put(loop->store, table, key, key_length, value, value_length);
}

static void io_append(void *context, enum store_table table, const void *key, size_t key_length,
                      const void *value, size_t value_length)
{
    struct loop *loop = context;
    loop->clients_stale = loop->clients_stale || (unsigned)table == TABLE_PARTICIPANTS;
    store_append(loop->store, table, key, key_length, value, value_length);
}

static void io_del(void *context, enum store_table table, const void *key, size_t key_length)
{
    struct loop *loop = context;
    store_del(loop->store, table, key, key_length);
}

static bool io_seek(void *context, enum store_table table, const void *from, size_t from_length,
                    struct span *ret_key, struct span *ret_value)
{
    struct loop *loop = context;
    return store_seek(loop->store, table, from, from_length, ret_key, ret_value);
}

static struct loop_key *key_of(struct loop *loop, const struct public_key *owner)
{
    uint32_t i = 0;
    while (i < loop->key_count && memcmp(signing_key_public(loop->keys[i].signing_key)->bytes,
                                         owner->bytes, sizeof owner->bytes) != 0) {
        i++;
    }
    CHECK(i < loop->key_count);
    return &loop->keys[i];
}

static void io_register_write(void *context, const struct public_key *owner,
                              const struct vote_register *vote_register)
{
    struct loop_key *key = key_of(context, owner);
    key->register_next = *vote_register;
    key->register_pending = true;
}

static void io_mark_trying(void *context, const struct hash *batch_ids, uint32_t count)
{
    struct loop *loop = context;
    trying_mark(&loop->trying, batch_ids, count);
}

static void queue(struct loop *loop, uint64_t link, enum link_class class,
                  struct link_buffer *buffer)
{
    if (loop->outbox_count == loop->outbox_capacity) {
        size_t capacity = loop->outbox_capacity == 0 ? 256 : 2 * loop->outbox_capacity;
        loop->outbox = realloc(loop->outbox, capacity * sizeof *loop->outbox);
        memory_check(loop->outbox != NULL);
        loop->outbox_capacity = capacity;
    }
    loop->outbox[loop->outbox_count++] =
        (struct outgoing){.link = link, .class = class, .buffer = link_buffer_ref(buffer)};
}

static struct link_buffer *buffer_of(const uint8_t *frame, size_t length)
{
    struct link_buffer *buffer = link_buffer_new(length);
    memory_check(buffer != NULL);
    memcpy(buffer->bytes, frame, length);
    return buffer;
}

static void io_send(void *context, uint32_t peer, enum link_class class, const uint8_t *frame,
                    size_t length)
{
    struct loop *loop = context;
    CHECK(peer < LIMIT_PEERS);
    if (loop->peer_links[peer] != 0) {
        struct link_buffer *buffer = buffer_of(frame, length);
        queue(loop, loop->peer_links[peer], class, buffer);
        link_buffer_unref(buffer);
    }
}

static void io_broadcast(void *context, enum link_class class, const uint8_t *frame, size_t length)
{
    struct loop *loop = context;
    struct link_buffer *buffer = buffer_of(frame, length);
    for (uint32_t peer = 0; peer < LIMIT_PEERS; peer++) {
        if (loop->peers.slots[peer].kind == PEER_VALIDATOR && loop->peer_links[peer] != 0) {
            queue(loop, loop->peer_links[peer], class, buffer);
        }
    }
    link_buffer_unref(buffer);
}

static void io_reply(void *context, uint64_t session, const uint8_t *frame, size_t length)
{
    struct loop *loop = context;
    struct link_buffer *buffer = buffer_of(frame, length);
    queue(loop, session, LINK_QUERY, buffer);
    link_buffer_unref(buffer);
}

static void io_peers(void *context, const struct peers *peers)
{
    loop_links_peers(context, peers);
}

static void io_sign(void *context, const struct public_key *signer, const uint8_t *message,
                    size_t length, struct signature *ret_signature)
{
    key_sign(key_of(context, signer)->signing_key, message, length, ret_signature);
}

static bool io_verify(void *context, const struct public_key *key, const uint8_t *message,
                      size_t length, const struct signature *signature)
{
    (void)context;
    return key_verify(key, message, length, signature);
}

static void io_verify_batch(void *context, uint64_t token, uint8_t *bytes, size_t length,
                            const struct public_key *key)
{
    struct loop *loop = context;
    verify_pool_add(loop->verify, token, bytes, length, key);
}

static uint64_t ended_in_handshake(const struct link_counters *links)
{
    uint64_t ended = 0;
    for (unsigned reason = LINK_ENDED_HANDSHAKE_TIMEOUT; reason <= LINK_ENDED_HANDSHAKE_WEAK_KEY;
         reason++) {
        ended += links->ended[reason];
    }
    return ended;
}

static uint32_t io_counters(void *context, uint32_t max, struct client_counter *ret_counters)
{
    struct loop *loop = context;
    struct link_counters links;
    struct store_usage usage;
    links_counters(loop->links, &links);
    store_usage(loop->store, &usage);
    const struct client_counter all[] = {
        {"links_accepted", links.accepted},
        {"links_established", links.established},
        {"links_failed_handshake", ended_in_handshake(&links)},
        {"links_stranger", links.ended[LINK_ENDED_STRANGER]},
        {"links_forged", links.ended[LINK_ENDED_FORGED]},
        {"links_bad_frame", links.ended[LINK_ENDED_BAD_FRAME]},
        {"frames_in", links.frames_in},
        {"frames_out", links.frames_out},
        {"frames_refused", loop->frames_refused},
        {"bytes_in", links.bytes_in},
        {"bytes_out", links.bytes_out},
        {"commits", usage.commits},
        {"commit_microseconds", usage.commit_microseconds},
        {"store_used_bytes", usage.used_bytes},
        {"disk_free_bytes", usage.disk_free_bytes},
    };
    uint32_t count = sizeof all / sizeof all[0];
    count = count < max ? count : max;
    memcpy(ret_counters, all, count * sizeof all[0]);
    return count;
}

static void io_metrics(void *context, struct metric_list *metrics)
{
    const struct loop *loop = context;
    metric_add_fsync(metrics, "store", &loop->store_syncs);
    metric_add_fsync(metrics, "register", &loop->register_syncs);
}

static void io_log(void *context, const char *level, const char *event, const char *fields)
{
    (void)context;
    enum log_level known = LOG_LEVEL_INFO;
    (void)log_level_from_name(level, &known);
    log_fields(known, event, fields);
}

struct node_io loop_node_io(struct loop *loop)
{
    return (struct node_io){.context = loop,
                            .get = io_get,
                            .put = io_put,
                            .append = io_append,
                            .del = io_del,
                            .seek = io_seek,
                            .register_write = io_register_write,
                            .mark_trying = io_mark_trying,
                            .send = io_send,
                            .broadcast = io_broadcast,
                            .reply = io_reply,
                            .peers = io_peers,
                            .sign = io_sign,
                            .verify = io_verify,
                            .verify_batch = io_verify_batch,
                            .counters = io_counters,
                            .metrics = io_metrics,
                            .log = io_log};
}

void loop_flush(struct loop *loop)
{
    for (size_t i = 0; i < loop->outbox_count; i++) {
        struct outgoing *out = &loop->outbox[i];
        /* A link that is gone or busy loses the frame; anti-entropy and retries make up for it. */
        enum status status = links_send_buffer(loop->links, out->link, out->class, out->buffer);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND && status != STATUS_CLOSED) {
            log_write(LOG_LEVEL_DEBUG, "frame_not_sent", "class=%s why=%s",
                      link_class_name(out->class), status_name(status));
        }
        link_buffer_unref(out->buffer);
    }
    loop->outbox_count = 0;
}

void loop_drop_outbox(struct loop *loop)
{
    for (size_t i = 0; i < loop->outbox_count; i++) {
        link_buffer_unref(loop->outbox[i].buffer);
    }
    free(loop->outbox);
    loop->outbox = NULL;
    loop->outbox_count = 0;
    loop->outbox_capacity = 0;
}
