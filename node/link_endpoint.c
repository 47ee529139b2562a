/*
 * link_endpoint: listening and dialling. nng's callbacks only leave the stream for the keeper,
 * which asks the admission, makes the link and starts the next operation; so at most one accepted
 * stream waits at a time, and the kernel's backlog is the queue.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "base/bytes.h"
#include "node/link_internal.h"

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define THREAD_SANITIZER 1
#endif
#elif defined(__SANITIZE_THREAD__)
#define THREAD_SANITIZER 1
#endif

#ifdef THREAD_SANITIZER
/*
 * nng counts references to its dialers with atomics, which the sanitizer does not see in a library
 * that is not built with it; so it takes the end of a dialer's mutex for a race with its last use.
 */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
    return "race_top:pthread_mutex_destroy\n";
}
#endif

/* A link that lived so long was a good one: redialling starts with the shortest wait again. */
#define GOOD_LINK_MS 1000

static void stream_discard(nng_stream *stream)
{
    nng_stream_close(stream);
    nng_stream_free(stream);
}

/* ---- Listening ---- */

static void accept_done(void *argument)
{
    struct link_listener *listener = argument;
    struct links *links = listener->links;
    int error = nng_aio_result(listener->aio);
    nng_stream *stream = error == 0 ? nng_aio_get_output(listener->aio, 0) : NULL;
    link_lock(&links->keeper_mutex);
    listener->error = error;
    listener->stream = stream;
    listener->finished = true;
    links->events = true;
    CHECK(pthread_cond_signal(&links->keeper_wake) == 0);
    link_unlock(&links->keeper_mutex);
}

static enum status listen_status(int error)
{
    switch (error) {
    case 0:
        return STATUS_OK;
    case NNG_ENOMEM:
        return STATUS_NO_MEMORY;
    case NNG_EINVAL:
    case NNG_EADDRINVAL:
    case NNG_ENOTSUP:
        return STATUS_MALFORMED;
    default:
        return STATUS_UNREACHABLE;
    }
}

enum status link_listener_open(struct links *links, struct link_listener *listener, const char *url,
                               bool local)
{
    listener->links = links;
    listener->local = local;
    int error = nng_stream_listener_alloc(&listener->listener, url);
    if (error == 0) {
        error = nng_aio_alloc(&listener->aio, accept_done, listener);
    }
    if (error == 0 && local) {
        error = nng_stream_listener_set_int(listener->listener, NNG_OPT_IPC_PERMISSIONS, 0600);
    }
    if (error == 0) {
        error = nng_stream_listener_listen(listener->listener);
    }
    if (error != 0) {
        return listen_status(error);
    }
    int port = 0;
    if (!local &&
        nng_stream_listener_get_int(listener->listener, NNG_OPT_TCP_BOUND_PORT, &port) == 0) {
        links->port = (uint16_t)port;
    }
    listener->retry_ms = 1; /* due at the keeper's first step */
    return STATUS_OK;
}

/* The remote address as the admission wants it; a fixed one if it is of another family. */
static struct link_address remote_address(nng_stream *stream)
{
    struct link_address address = {{0}};
    nng_sockaddr remote;
    if (nng_stream_get_addr(stream, NNG_OPT_REMADDR, &remote) != 0) {
        return address;
    }
    if (remote.s_family == NNG_AF_INET) {
        memset(address.bytes + 10, 0xff, 2);
        memcpy(address.bytes + 12, &remote.s_in.sa_addr, 4);
    } else if (remote.s_family == NNG_AF_INET6) {
        bool mapped = bytes_are_zero(remote.s_in6.sa_addr, 10);
        memcpy(address.bytes, remote.s_in6.sa_addr, mapped ? 16 : 8);
    }
    return address;
}

/* The user at the other end of a local stream must be this process's. */
static bool same_user(nng_stream *stream)
{
    uint64_t user = 0;
    int error = nng_stream_get_uint64(stream, NNG_OPT_IPC_PEER_UID, &user);
    return error == 0 && user == (uint64_t)geteuid();
}

static void accepted(struct link_listener *listener, nng_stream *stream, uint64_t now_ms)
{
    struct links *links = listener->links;
    link_count(&links->counters.accepted, 1);
    enum link_reason refusal = LINK_REASON_COUNT;
    if (listener->local) {
        refusal = same_user(stream) ? LINK_REASON_COUNT : LINK_ENDED_STRANGER;
    } else {
        struct link_address address = remote_address(stream);
        bool allowed = link_admission_take(&links->admission, &address, now_ms);
        refusal = allowed ? LINK_REASON_COUNT : LINK_ENDED_ADDRESS_RATE;
    }
    if (refusal != LINK_REASON_COUNT) {
        link_count(&links->counters.ended[refusal], 1);
        stream_discard(stream);
        return;
    }
    link_create(links, stream, NULL, listener->local, now_ms);
}

void link_listener_step(struct link_listener *listener, uint64_t now_ms)
{
    struct links *links = listener->links;
    if (listener->listener == NULL) {
        return;
    }
    link_lock(&links->keeper_mutex);
    bool finished = listener->finished;
    int error = listener->error;
    nng_stream *stream = listener->stream;
    listener->finished = false;
    listener->stream = NULL;
    link_unlock(&links->keeper_mutex);
    if (finished && error == 0) {
        accepted(listener, stream, now_ms);
        listener->retry_ms = now_ms;
    } else if (finished) {
        link_count(&links->counters.accept_errors, 1);
        listener->retry_ms = now_ms + LINK_ACCEPT_RETRY_MS;
    }
    if (listener->retry_ms != 0 && now_ms >= listener->retry_ms) {
        listener->retry_ms = 0;
        nng_stream_listener_accept(listener->listener, listener->aio);
    }
}

void link_listener_close(struct link_listener *listener)
{
    if (listener->listener != NULL) {
        nng_stream_listener_close(listener->listener);
    }
    if (listener->aio != NULL) {
        nng_aio_stop(listener->aio);
        nng_aio_free(listener->aio);
    }
    if (listener->listener != NULL) {
        nng_stream_listener_free(listener->listener);
    }
    if (listener->stream != NULL) {
        stream_discard(listener->stream);
    }
    memset(listener, 0, sizeof *listener);
}

/* ---- Dialling ---- */

static void dial_done(void *argument)
{
    struct link_peer *peer = argument;
    struct links *links = peer->links;
    int error = nng_aio_result(peer->aio);
    nng_stream *stream = error == 0 ? nng_aio_get_output(peer->aio, 0) : NULL;
    link_lock(&links->keeper_mutex);
    peer->error = error;
    peer->stream = stream;
    peer->finished = true;
    links->events = true;
    CHECK(pthread_cond_signal(&links->keeper_wake) == 0);
    link_unlock(&links->keeper_mutex);
}

enum status link_peer_open(struct links *links, uint32_t slot,
                           const struct link_validator *validator)
{
    struct link_peer *peer = &links->peers[slot];
    peer->links = links;
    peer->index = slot;
    peer->set = true;
    peer->key = validator->key;
    peer->backoff_ms = links->limits.redial_ms_min;
    peer->lonely_ms = link_now_ms();
    peer->waits = links->patient && memcmp(links->secrets->own_key.public_key.bytes,
                                           validator->key.bytes, NOISE_KEY_BYTES) > 0;
    if (validator->url == NULL) {
        return STATUS_OK;
    }
    peer->url = strdup(validator->url);
    if (peer->url == NULL) {
        return STATUS_NO_MEMORY;
    }
    int error = nng_stream_dialer_alloc(&peer->dialer, peer->url);
    if (error == 0) {
        error = nng_aio_alloc(&peer->aio, dial_done, peer);
    }
    if (error != 0) {
        return error == NNG_ENOMEM ? STATUS_NO_MEMORY : STATUS_MALFORMED;
    }
    nng_aio_set_timeout(peer->aio, (nng_duration)links->limits.handshake_ms_max);
    return STATUS_OK;
}

void link_peer_up(struct links *links, uint32_t slot)
{
    links->peers[slot].links_up++;
}

void link_peer_down(struct links *links, uint32_t slot, uint64_t now_ms)
{
    struct link_peer *peer = &links->peers[slot];
    if (peer->links_up > 0 && --peer->links_up == 0) {
        peer->lonely_ms = now_ms;
    }
}

/* Ends what the slot's peer had, before another takes its place. */
static void end_links_of(struct links *links, uint32_t slot)
{
    for (uint32_t i = 0; i < links->table_size; i++) {
        struct link *link = links->table[i];
        if (link == NULL) {
            continue;
        }
        if (link->peer == &links->peers[slot] ||
            (link->was_up && link->identity.kind == LINK_VALIDATOR &&
             link->identity.validator == slot)) {
            link->peer = NULL;
            link_fail(link, LINK_ENDED_LOCAL);
            link_reap(link, link_now_ms());
        }
    }
}

static void change_peer(struct links *links, uint32_t slot, const struct link_change *change)
{
    struct link_peer *peer = &links->peers[slot];
    const struct link_validator now = {.key = change->key, .url = change->url};
    const bool same_key = peer->set && change->set &&
                          memcmp(peer->key.bytes, change->key.bytes, sizeof peer->key.bytes) == 0;
    const bool same_url = (peer->url == NULL) == (change->url == NULL) &&
                          (peer->url == NULL || strcmp(peer->url, change->url) == 0);
    if (same_key && same_url) {
        return;
    }
    end_links_of(links, slot);
    link_peer_close(peer);
    if (change->set && link_peer_open(links, slot, &now) != STATUS_OK) {
        link_peer_close(peer);
        const struct link_validator listed = {.key = change->key, .url = NULL};
        const enum status status = link_peer_open(links, slot, &listed);
        CHECK(status == STATUS_OK);
    }
}

void link_peers_change(struct links *links)
{
    bool more = true;
    while (more) {
        struct link_change change = {.pending = false};
        uint32_t slot = 0;
        link_lock(&links->keeper_mutex);
        while (links->changed && slot < LIMIT_PEERS && !links->changes[slot].pending) {
            slot++;
        }
        more = links->changed && slot < LIMIT_PEERS;
        if (more) {
            change = links->changes[slot];
            links->changes[slot] = (struct link_change){.pending = false};
        }
        links->changed = more;
        link_unlock(&links->keeper_mutex);
        if (more) {
            change_peer(links, slot, &change);
            free(change.url);
        }
    }
}

/* Waits half to all of the backoff, so that restarted nodes do not dial in step, then doubles it.
 */
static void dial_later(struct link_peer *peer, uint64_t now_ms)
{
    struct links *links = peer->links;
    uint32_t half_ms = peer->backoff_ms / 2;
    peer->state = links->dial_once ? LINK_PEER_DONE : LINK_PEER_IDLE;
    peer->next_ms = now_ms + half_ms + randombytes_uniform(peer->backoff_ms - half_ms + 1);
    uint32_t doubled_ms = peer->backoff_ms * 2;
    bool within = doubled_ms < links->limits.redial_ms_max;
    peer->backoff_ms = within ? doubled_ms : links->limits.redial_ms_max;
}

static void dial_failed(struct link_peer *peer, enum link_reason reason)
{
    const struct links_callbacks *callbacks = &peer->links->callbacks;
    if (callbacks->dial_failed != NULL) {
        callbacks->dial_failed(callbacks->context, peer->index, reason);
    }
}

void link_peer_step(struct link_peer *peer, uint64_t now_ms)
{
    struct links *links = peer->links;
    if (peer->dialer == NULL) {
        return;
    }
    link_lock(&links->keeper_mutex);
    bool finished = peer->finished;
    int error = peer->error;
    nng_stream *stream = peer->stream;
    peer->finished = false;
    peer->stream = NULL;
    link_unlock(&links->keeper_mutex);
    if (finished && error == 0) {
        peer->state = LINK_PEER_LINKED;
        bool plain = strncmp(peer->url, "ipc", 3) == 0;
        link_create(links, stream, peer, plain, now_ms);
    } else if (finished) {
        link_count(&links->counters.ended[LINK_ENDED_UNREACHABLE], 1);
        dial_later(peer, now_ms);
        dial_failed(peer, LINK_ENDED_UNREACHABLE);
    }
    const bool lonely = peer->links_up == 0 &&
                        (!peer->waits || now_ms >= peer->lonely_ms + links->limits.patience_ms);
    if (peer->state == LINK_PEER_IDLE && now_ms >= peer->next_ms && lonely) {
        peer->state = LINK_PEER_DIALLING;
        link_count(&links->counters.dialled, 1);
        nng_stream_dialer_dial(peer->dialer, peer->aio);
    }
}

void link_peer_ended(struct link_peer *peer, bool up, uint64_t up_ms, enum link_reason reason,
                     uint64_t now_ms)
{
    if (up && now_ms - up_ms >= GOOD_LINK_MS) {
        peer->backoff_ms = peer->links->limits.redial_ms_min;
    }
    dial_later(peer, now_ms);
    if (!up) {
        dial_failed(peer, reason);
    }
}

void link_peer_close(struct link_peer *peer)
{
    if (peer->dialer != NULL) {
        nng_stream_dialer_close(peer->dialer);
    }
    if (peer->aio != NULL) {
        nng_aio_stop(peer->aio);
        nng_aio_free(peer->aio);
    }
    if (peer->dialer != NULL) {
        nng_stream_dialer_free(peer->dialer);
    }
    if (peer->stream != NULL) {
        stream_discard(peer->stream);
    }
    free(peer->url);
    memset(peer, 0, sizeof *peer);
}
