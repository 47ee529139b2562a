/* link_life: how one link begins and ends (see link.h for its states). */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "node/link_internal.h"

/* Afterwards no callback runs and none will. */
static void link_stop(struct link *link)
{
    if (link->stream != NULL) {
        nng_stream_close(link->stream);
    }
    if (link->receive_aio != NULL) {
        nng_aio_stop(link->receive_aio);
    }
    if (link->send_aio != NULL) {
        nng_aio_stop(link->send_aio);
    }
}

static void link_free(struct link *link)
{
    link_stop(link);
    if (link->stream != NULL) {
        nng_stream_free(link->stream);
    }
    nng_aio_free(link->receive_aio);
    nng_aio_free(link->send_aio);
    if (link->session != NULL) {
        sodium_memzero(link->session, sizeof *link->session);
    }
    link_queues_free(&link->packer.queues);
    link_unpack_free(&link->unpacker);
    free(link->held.bytes);
    free(link->out);
    free(link->in);
    CHECK(pthread_mutex_destroy(&link->mutex) == 0);
    free(link);
}

/* A link with all its memory, which is large but touched only as it is used; NULL without. */
static struct link *link_new(struct links *links, uint32_t slot, uint64_t now_ms)
{
    struct link *link = calloc(1, sizeof *link);
    if (link == NULL) {
        return NULL;
    }
    link->links = links;
    link->slot = slot;
    link->born_ms = now_ms;
    atomic_init(&link->heard_ms, now_ms);
    CHECK(pthread_mutex_init(&link->mutex, NULL) == 0);
    link->out = malloc(LINK_STREAM_BYTES);
    link->in = malloc(LINK_STREAM_BYTES);
    bool complete = link->out != NULL && link->in != NULL &&
                    link_queues_init(&link->packer.queues) == STATUS_OK &&
                    nng_aio_alloc(&link->receive_aio, link_receive_done, link) == 0 &&
                    nng_aio_alloc(&link->send_aio, link_send_done, link) == 0;
    if (!complete) {
        link_free(link);
        return NULL;
    }
    link->session = &links->secrets->sessions[slot];
    nng_aio_set_timeout(link->send_aio, (nng_duration)links->limits.send_stall_ms_max);
    return link;
}

/* Makes room among the half-open links: the one that has waited longest is the least likely real.
 */
static void limit_half_open(struct links *links, uint64_t now_ms)
{
    struct link *oldest = NULL;
    uint32_t count = 0;
    for (uint32_t i = 0; i < links->table_size; i++) {
        struct link *link = links->table[i];
        if (link == NULL || link->dialled) {
            continue;
        }
        link_lock(&link->mutex);
        bool half_open = link->state == LINK_STATE_HANDSHAKE;
        link_unlock(&link->mutex);
        if (half_open) {
            count++;
            oldest = oldest == NULL || link->id < oldest->id ? link : oldest;
        }
    }
    if (count >= links->limits.half_open_max) {
        CHECK(oldest != NULL); /* links_open leaves no limit at 0 */
        link_fail(oldest, LINK_ENDED_HALF_OPEN_FULL);
        link_reap(oldest, now_ms);
    }
}

static uint32_t free_slot(const struct links *links)
{
    uint32_t slot = 0;
    while (slot < links->table_size && links->table[slot] != NULL) {
        slot++;
    }
    return slot;
}

static void refuse(struct links *links, nng_stream *stream, struct link_peer *peer,
                   enum link_reason reason, uint64_t now_ms)
{
    link_count(&links->counters.ended[reason], 1);
    nng_stream_close(stream);
    nng_stream_free(stream);
    if (peer != NULL) {
        link_peer_ended(peer, false, 0, reason, now_ms);
    }
}

static void link_publish(struct link *link)
{
    struct links *links = link->links;
    link_lock(&links->table_mutex);
    link->id = (++links->last_number << 16) | link->slot;
    links->table[link->slot] = link;
    link_unlock(&links->table_mutex);
}

void link_create(struct links *links, nng_stream *stream, struct link_peer *peer, bool plain,
                 uint64_t now_ms)
{
    if (peer == NULL) {
        limit_half_open(links, now_ms);
    }
    uint32_t slot = free_slot(links);
    if (slot == links->table_size) {
        refuse(links, stream, peer, LINK_ENDED_CLIENTS_FULL, now_ms);
        return;
    }
    struct link *link = link_new(links, slot, now_ms);
    if (link == NULL) {
        refuse(links, stream, peer, LINK_ENDED_NO_MEMORY, now_ms);
        return;
    }
    link->stream = stream;
    link->peer = peer;
    link->dialled = peer != NULL;
    link->plain = plain;
    if (!plain) {
        /* Coalescing is done here; a small write should leave at once. */
        (void)nng_stream_set_bool(stream, NNG_OPT_TCP_NODELAY, true);
    }
    if (peer != NULL) {
        link->identity.kind = LINK_VALIDATOR;
        link->identity.validator = peer->index;
        link->identity.key = peer->key;
        link->unpacker.limits = links->limits.classes[LINK_VALIDATOR];
    }
    link_publish(link);
    link_handshake_start(link);
}

/* Before a link is up, the ways to lose it have names of their own. */
static enum link_reason reason_before_up(enum link_reason reason)
{
    if (reason == LINK_ENDED_LOST || reason == LINK_ENDED_PEER_CLOSED) {
        return LINK_ENDED_HANDSHAKE_LOST;
    }
    return reason == LINK_ENDED_FORGED ? LINK_ENDED_HANDSHAKE_FORGED : reason;
}

void link_fail(struct link *link, enum link_reason reason)
{
    link_lock(&link->mutex);
    switch (link->state) {
    case LINK_STATE_HANDSHAKE:
    case LINK_STATE_AUTHENTICATED:
        link->reason = reason_before_up(reason);
        break;
    case LINK_STATE_UP:
        link->reason = reason;
        break;
    case LINK_STATE_DRAINING:
    case LINK_STATE_CLOSING:
        break; /* it has its reason */
    }
    link->state = LINK_STATE_CLOSING;
    link_unlock(&link->mutex);
    link_keeper_wake(link->links);
}

void link_drain(struct link *link, enum link_reason reason)
{
    if (link->state != LINK_STATE_UP) {
        return;
    }
    link->state = LINK_STATE_DRAINING;
    link->reason = reason;
    link->drain_ms = link_now_ms();
    link_queues_clear(&link->packer.queues);
    link_send_kick(link);
    if (link->paused) {
        /* Goes on reading, and discards: closing on unread bytes would cost the close message. */
        link->paused = false;
        link_receive_kick(link);
    }
}

void link_reap(struct link *link, uint64_t now_ms)
{
    struct links *links = link->links;
    link_lock(&links->table_mutex);
    links->table[link->slot] = NULL;
    link_unlock(&links->table_mutex);
    /* Whoever found it in the table before has its mutex; afterwards nobody else has it. */
    link_lock(&link->mutex);
    CHECK(link->state == LINK_STATE_CLOSING);
    enum link_reason reason = link->reason;
    link_unlock(&link->mutex);
    link_stop(link);

    struct link_peer *peer = links->closing ? NULL : link->peer;
    struct link_identity identity = link->identity;
    bool was_up = link->was_up;
    uint64_t up_ms = link->up_ms;
    uint64_t id = link->id;
    link_free(link);

    link_count(&links->counters.ended[reason], 1);
    if (was_up && identity.kind == LINK_VALIDATOR && !links->closing) {
        link_peer_down(links, identity.validator, now_ms);
    }
    if (was_up) {
        links->callbacks.down(links->callbacks.context, id, &identity, reason);
    }
    if (peer != NULL) {
        link_peer_ended(peer, was_up, up_ms, reason, now_ms);
    }
}
