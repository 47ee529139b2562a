/*
 * link_send: the sending direction. Whoever sets link->sending owns link->out until the send aio's
 * callback finds nothing more to do; frames are packed, encrypted and written there, on nng's
 * threads, never on the caller's.
 */
#include "base/bytes.h"
#include "node/link_internal.h"

#define PLAIN_HEADER_BYTES 2

void link_send_kick(struct link *link)
{
    if (link->sending) {
        return;
    }
    link->sending = true;
    if (nng_aio_begin(link->send_aio)) {
        nng_aio_finish(link->send_aio, 0);
    }
}

void link_send_out(struct link *link)
{
    link_lock(&link->mutex);
    nng_iov piece = {link->out + link->out_sent, link->out_length - link->out_sent};
    link_unlock(&link->mutex);
    CHECK(nng_aio_set_iov(link->send_aio, 1, &piece) == 0);
    nng_stream_send(link->stream, link->send_aio);
}

/* Where the body of a message at out + at begins, and after sealing, where the message ends. */
static uint8_t *body_at(struct link *link, size_t at)
{
    return link->out + at + (link->plain ? PLAIN_HEADER_BYTES : NOISE_HEADER_BYTES);
}

static size_t seal_at(struct link *link, size_t at, size_t body_length)
{
    if (link->plain) {
        put_le16(link->out + at, (uint16_t)body_length);
        return at + PLAIN_HEADER_BYTES + body_length;
    }
    CHECK(noise_seal(&link->session->out, link->out + at, body_length) == STATUS_OK);
    return at + body_length + NOISE_OVERHEAD_BYTES;
}

/* The classes whose refused senders may try again. Under the mutex. */
static uint32_t classes_with_room(struct link *link)
{
    uint32_t classes = 0;
    const struct link_class_limits *limits = link->links->limits.classes[link->identity.kind];
    for (uint32_t i = 0; i < LINK_CLASS_COUNT; i++) {
        struct link_queue *queue = &link->packer.queues.classes[i];
        bool half = queue->bytes <= limits[i].queue_bytes_max / 2 &&
                    queue->count <= LINK_QUEUE_FRAMES_MAX / 2;
        if (queue->refused && half) {
            queue->refused = false;
            classes |= 1u << i;
        }
    }
    return classes;
}

static void tell_room(struct link *link, uint32_t classes)
{
    const struct links_callbacks *callbacks = &link->links->callbacks;
    for (uint32_t i = 0; callbacks->room != NULL && i < LINK_CLASS_COUNT; i++) {
        if ((classes >> i & 1) != 0) {
            callbacks->room(callbacks->context, link->id, (enum link_class)i);
        }
    }
}

/*
 * Packs and seals messages into out while they fit and something waits; gives their length. With
 * nothing to send on a link that is up, sending is over: *ret_idle.
 */
static size_t fill_out(struct link *link, bool *ret_idle)
{
    size_t length = 0;
    bool more = true;
    *ret_idle = false;
    while (more && length + NOISE_SEALED_BYTES_MAX <= LINK_STREAM_BYTES) {
        uint64_t frames = 0;
        link_lock(&link->mutex);
        bool up = link->state == LINK_STATE_UP;
        size_t body = up ? link_pack(&link->packer, body_at(link, length), &frames) : 0;
        more = body > 0;
        if (up && !more && length == 0) {
            link->sending = false;
            *ret_idle = true;
        }
        uint32_t classes = more ? classes_with_room(link) : 0;
        link_unlock(&link->mutex);
        if (more) {
            length = seal_at(link, length, body);
            link_count(&link->links->counters.frames_out, frames);
            tell_room(link, classes);
        }
    }
    return length;
}

/* On a link that was up a moment ago. */
static void send_frames(struct link *link);

/* What comes next: the rest of out, else by the link's state. */
static void send_next(struct link *link)
{
    link_lock(&link->mutex);
    if (link->out_sent < link->out_length) {
        link_unlock(&link->mutex);
        link_send_out(link);
        return;
    }
    link->out_sent = 0;
    link->out_length = 0;
    switch (link->state) {
    case LINK_STATE_HANDSHAKE:
    case LINK_STATE_AUTHENTICATED:
    case LINK_STATE_CLOSING:
        link->sending = false;
        link_unlock(&link->mutex);
        return;
    case LINK_STATE_UP:
        link_unlock(&link->mutex);
        send_frames(link);
        return;
    case LINK_STATE_DRAINING:
        break;
    }
    bool sealed = link->close_sealed;
    if (!sealed) {
        link->close_sealed = true;
        link->out_length = seal_at(link, 0, 0);
    }
    link_unlock(&link->mutex);
    if (sealed) {
        link_fail(link, LINK_ENDED_LOCAL);
    } else {
        link_send_out(link);
    }
}

static void send_frames(struct link *link)
{
    bool idle = false;
    size_t length = fill_out(link, &idle);
    if (length > 0) {
        link->out_length = length;
        link_send_out(link);
    } else if (!idle) {
        send_next(link); /* the state has moved on, and never comes back to UP */
    }
}

static void count_bytes(struct link *link, size_t count)
{
    struct link_atomic_counters *counters = &link->links->counters;
    link_count(&counters->bytes_out, count);
    if (link->identity.kind == LINK_VALIDATOR) {
        link_count(&counters->validators[link->identity.validator].bytes_out, count);
    }
}

void link_send_done(void *argument)
{
    struct link *link = argument;
    int error = nng_aio_result(link->send_aio);
    if (error != 0) {
        /* sending stays set: nothing is sent on this link any more. */
        link_fail(link, error == NNG_ETIMEDOUT ? LINK_ENDED_STALLED : LINK_ENDED_LOST);
        return;
    }
    size_t count = nng_aio_count(link->send_aio);
    link_lock(&link->mutex);
    bool known = link->state == LINK_STATE_UP || link->state == LINK_STATE_DRAINING;
    link->out_sent += count;
    link_unlock(&link->mutex);
    if (known) {
        count_bytes(link, count);
    }
    send_next(link);
}
