/*
 * link_receive: the receiving direction, run by the receive aio's callback alone: bytes become
 * messages, messages pieces, pieces frames, and frames go to the caller. While the caller's inbox
 * is full nothing is read, so that the sender notices.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "node/link_internal.h"

#define PLAIN_HEADER_BYTES 2

void link_receive_kick(struct link *link)
{
    if (nng_aio_begin(link->receive_aio)) {
        nng_aio_finish(link->receive_aio, 0);
    }
}

void link_receive_more(struct link *link, size_t capacity)
{
    CHECK(link->in_length < capacity && capacity <= LINK_STREAM_BYTES);
    nng_iov space = {link->in + link->in_length, capacity - link->in_length};
    CHECK(nng_aio_set_iov(link->receive_aio, 1, &space) == 0);
    nng_stream_recv(link->stream, link->receive_aio);
}

/*
 * Offers the held frame. True: it is gone, go on reading. False: the link is paused or ending, and
 * another thread may have taken over the receiving side already.
 */
static bool offer(struct link *link)
{
    struct links *links = link->links;
    struct link_frame *held = &link->held;
    for (;;) {
        link_lock(&link->mutex);
        link->resume_early = false;
        bool up = link->state == LINK_STATE_UP;
        link_unlock(&link->mutex);
        if (!up) {
            free(held->bytes);
            held->bytes = NULL;
            return true;
        }
        if (links->callbacks.frame(links->callbacks.context, link->id, &link->identity, held->class,
                                   held->bytes, held->length)) {
            held->bytes = NULL;
            link_count(&links->counters.frames_in, 1);
            return true;
        }
        link_count(&links->counters.pauses, 1);
        link->was_paused = true;
        link_lock(&link->mutex);
        bool pause = !link->resume_early && link->state == LINK_STATE_UP;
        link->paused = pause;
        link_unlock(&link->mutex);
        if (pause) {
            return false;
        }
    }
}

enum opening { OPENING_DONE, OPENING_NEEDS_MORE, OPENING_FAILED };

static enum opening fail_opening(struct link *link, enum status status)
{
    bool closed = status == STATUS_CLOSED;
    link_fail(link, closed ? LINK_ENDED_PEER_CLOSED : LINK_ENDED_FORGED);
    return OPENING_FAILED;
}

static enum status open_header(struct link *link, uint8_t *header)
{
    if (!link->plain) {
        return noise_open_header(&link->session->in, header, &link->body_length);
    }
    link->body_length = get_le16(header);
    return link->body_length <= NOISE_BODY_BYTES_MAX ? STATUS_OK : STATUS_MALFORMED;
}

static enum status open_body(struct link *link, uint8_t *body)
{
    if (!link->plain) {
        return noise_open_body(&link->session->in, body, link->body_length);
    }
    return link->body_length == 0 ? STATUS_CLOSED : STATUS_OK;
}

/* Decrypts the message at in_used, in place, as far as it is there. */
static enum opening open_message(struct link *link)
{
    size_t header_bytes = link->plain ? PLAIN_HEADER_BYTES : NOISE_HEADER_BYTES;
    size_t tag_bytes = link->plain ? 0 : NOISE_TAG_BYTES;
    size_t have = link->in_length - link->in_used;
    uint8_t *at = link->in + link->in_used;
    if (!link->header_read) {
        if (have < header_bytes) {
            return OPENING_NEEDS_MORE;
        }
        enum status status = open_header(link, at);
        if (status != STATUS_OK) {
            return fail_opening(link, status);
        }
        link->header_read = true;
    }
    if (have < header_bytes + link->body_length + tag_bytes) {
        return OPENING_NEEDS_MORE;
    }
    enum status status = open_body(link, at + header_bytes);
    if (status != STATUS_OK) {
        return fail_opening(link, status);
    }
    link->header_read = false;
    link->message_open = true;
    link->cursor = 0;
    return OPENING_DONE;
}

/* The next frame of the open message into held, or the message's end. False if the link failed. */
static bool unpack(struct link *link, uint64_t now_ms)
{
    size_t header_bytes = link->plain ? PLAIN_HEADER_BYTES : NOISE_HEADER_BYTES;
    size_t tag_bytes = link->plain ? 0 : NOISE_TAG_BYTES;
    const uint8_t *body = link->in + link->in_used + header_bytes;
    enum status status =
        link_unpack(&link->unpacker, body, link->body_length, now_ms, &link->cursor, &link->held);
    if (status != STATUS_OK) {
        link_fail(link, status == STATUS_NO_MEMORY ? LINK_ENDED_NO_MEMORY : LINK_ENDED_BAD_FRAME);
        return false;
    }
    if (link->held.bytes == NULL) {
        link->message_open = false;
        link->in_used += header_bytes + link->body_length + tag_bytes;
    }
    return true;
}

/* Tells the keeper since when something incomplete waits for its rest. */
static void publish_stall(struct link *link, bool opened, uint64_t now_ms)
{
    if (link->in_length == link->in_used) {
        link->partial_ms = 0;
    } else if (opened || link->partial_ms == 0) {
        link->partial_ms = now_ms;
    }
    uint64_t oldest_ms = link_unpack_oldest_ms(&link->unpacker);
    if (oldest_ms == 0 || (link->partial_ms != 0 && link->partial_ms < oldest_ms)) {
        oldest_ms = link->partial_ms;
    }
    atomic_store_explicit(&link->stall_ms, oldest_ms, memory_order_relaxed);
}

/* Everything that in holds, then reads on, unless the link is paused, ending or the keeper's. */
static void pump(struct link *link)
{
    uint64_t now_ms = link_now_ms();
    bool opened = false;
    if (link->was_paused) {
        link->was_paused = false;
        link_unpack_touch(&link->unpacker, now_ms);
        opened = true; /* what waits for its rest waits anew */
    }
    for (;;) {
        if (link->held.bytes != NULL && !offer(link)) {
            return;
        }
        if (!link->message_open) {
            enum opening opening = open_message(link);
            if (opening == OPENING_FAILED) {
                return;
            }
            if (opening == OPENING_NEEDS_MORE) {
                break;
            }
            opened = true;
            atomic_store_explicit(&link->heard_ms, now_ms, memory_order_relaxed);
            if (link->dialled && !link->welcomed) {
                link->welcomed = true;
                link_handshake_done(link);
                return;
            }
        }
        if (!unpack(link, now_ms)) {
            return;
        }
    }
    publish_stall(link, opened, now_ms);
    memmove(link->in, link->in + link->in_used, link->in_length - link->in_used);
    link->in_length -= link->in_used;
    link->in_used = 0;
    link_receive_more(link, LINK_STREAM_BYTES);
}

static void count_bytes(struct link *link, size_t count)
{
    struct link_atomic_counters *counters = &link->links->counters;
    link_count(&counters->bytes_in, count);
    if (link->identity.kind == LINK_VALIDATOR) {
        link_count(&counters->validators[link->identity.validator].bytes_in, count);
    }
}

void link_receive_done(void *argument)
{
    struct link *link = argument;
    if (nng_aio_result(link->receive_aio) != 0) {
        link_fail(link, LINK_ENDED_LOST);
        return;
    }
    size_t count = nng_aio_count(link->receive_aio);
    link->in_length += count;
    if (link->channel_open) {
        count_bytes(link, count);
        pump(link);
        return;
    }
    size_t wanted = link_handshake_wants(link);
    if (link->in_length < wanted) {
        link_receive_more(link, wanted);
    } else {
        link_handshake_received(link);
    }
}
