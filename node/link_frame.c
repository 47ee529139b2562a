/* link_frame: packing frames into messages, and out of them (see link_frame.h). */
#include "node/link_frame.h"

#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"

_Static_assert((int)LINK_CLASS_COUNT < LINK_PING, "classes and the ping share a byte");

static struct link_queue *most_urgent(struct link_packer *packer)
{
    for (size_t i = 0; i < LINK_CLASS_COUNT; i++) {
        if (packer->queues.classes[i].count > 0) {
            return &packer->queues.classes[i];
        }
    }
    return NULL;
}

static struct link_queue *least_urgent(struct link_packer *packer)
{
    for (size_t i = LINK_CLASS_COUNT; i > 0; i--) {
        if (packer->queues.classes[i - 1].count > 0) {
            return &packer->queues.classes[i - 1];
        }
    }
    return NULL;
}

/* One piece of the queue's first frame into room bytes, more than LINK_PIECE_BYTES. */
static size_t pack_piece(struct link_queue *queue, uint8_t class, uint8_t *ret_bytes, size_t room,
                         uint64_t *frames)
{
    struct link_buffer *buffer = link_queue_first(queue);
    size_t left = buffer->length - queue->head_sent;
    size_t count = left < room - LINK_PIECE_BYTES ? left : room - LINK_PIECE_BYTES;
    bool continues = queue->head_sent > 0;
    ret_bytes[0] = (uint8_t)(class | (continues ? LINK_PIECE_CONTINUE : 0));
    put_le32(ret_bytes + 1, (uint32_t)left);
    memcpy(ret_bytes + LINK_PIECE_BYTES, buffer->bytes + queue->head_sent, count);
    queue->head_sent += count;
    if (count == left) {
        link_queue_pop(queue);
        (*frames)++;
    }
    return LINK_PIECE_BYTES + count;
}

size_t link_pack(struct link_packer *packer, uint8_t *ret_body, uint64_t *frames)
{
    size_t used = 0;
    if (packer->ping_due) {
        packer->ping_due = false;
        ret_body[0] = LINK_PING;
        put_le32(ret_body + 1, 0);
        used = LINK_PIECE_BYTES;
    }
    bool fair = ++packer->turn % LINK_PACK_FAIR_EVERY == 0;
    struct link_queue *queue = fair ? least_urgent(packer) : most_urgent(packer);
    while (queue != NULL && NOISE_BODY_BYTES_MAX - used > LINK_PIECE_BYTES) {
        uint8_t class = (uint8_t)(queue - packer->queues.classes);
        used += pack_piece(queue, class, ret_body + used, NOISE_BODY_BYTES_MAX - used, frames);
        queue = most_urgent(packer);
    }
    return used;
}

/* Checks a piece's header and opens its frame; nothing is allocated before the limit is checked. */
static enum status open_part(struct link_unpacker *unpacker, uint8_t tag, uint32_t length)
{
    uint8_t class = tag & (uint8_t)~LINK_PIECE_CONTINUE;
    if (class >= LINK_CLASS_COUNT || length == 0) {
        return STATUS_MALFORMED;
    }
    struct link_part *part = &unpacker->parts[class];
    if ((tag & LINK_PIECE_CONTINUE) != 0) {
        bool expected = part->bytes != NULL && length == part->length - part->have;
        return expected ? STATUS_OK : STATUS_MALFORMED;
    }
    if (part->bytes != NULL) {
        return STATUS_MALFORMED;
    }
    if (length > unpacker->limits[class].frame_bytes_max) {
        return STATUS_OVERSIZED;
    }
    part->bytes = malloc(length);
    if (part->bytes == NULL) {
        return STATUS_NO_MEMORY;
    }
    part->length = length;
    part->have = 0;
    return STATUS_OK;
}

/* Moves a complete frame out of its part. */
static void take_frame(struct link_part *part, enum link_class class, struct link_frame *ret_frame)
{
    *ret_frame = (struct link_frame){part->bytes, part->length, class};
    part->bytes = NULL;
}

enum status link_unpack(struct link_unpacker *unpacker, const uint8_t *body, size_t length,
                        uint64_t now_ms, size_t *cursor, struct link_frame *ret_frame)
{
    while (*cursor < length) {
        size_t left = length - *cursor;
        if (left < LINK_PIECE_BYTES) {
            return STATUS_MALFORMED;
        }
        uint8_t tag = body[*cursor];
        uint32_t wanted = get_le32(body + *cursor + 1);
        *cursor += LINK_PIECE_BYTES;
        left -= LINK_PIECE_BYTES;
        if (tag == LINK_PING && wanted == 0) {
            continue;
        }
        enum status status = open_part(unpacker, tag, wanted);
        if (status != STATUS_OK) {
            return status;
        }
        enum link_class class = (enum link_class)(tag & ~LINK_PIECE_CONTINUE);
        struct link_part *part = &unpacker->parts[class];
        size_t count = wanted < left ? wanted : left;
        if (count < wanted && length != NOISE_BODY_BYTES_MAX) {
            return STATUS_MALFORMED;
        }
        memcpy(part->bytes + part->have, body + *cursor, count);
        part->have += (uint32_t)count;
        part->progress_ms = now_ms;
        *cursor += count;
        if (part->have == part->length) {
            take_frame(part, class, ret_frame);
            return STATUS_OK;
        }
    }
    ret_frame->bytes = NULL;
    return STATUS_OK;
}

uint64_t link_unpack_oldest_ms(const struct link_unpacker *unpacker)
{
    uint64_t oldest_ms = 0;
    for (size_t i = 0; i < LINK_CLASS_COUNT; i++) {
        const struct link_part *part = &unpacker->parts[i];
        if (part->bytes != NULL && (oldest_ms == 0 || part->progress_ms < oldest_ms)) {
            oldest_ms = part->progress_ms;
        }
    }
    return oldest_ms;
}

void link_unpack_touch(struct link_unpacker *unpacker, uint64_t now_ms)
{
    for (size_t i = 0; i < LINK_CLASS_COUNT; i++) {
        unpacker->parts[i].progress_ms = now_ms;
    }
}

void link_unpack_free(struct link_unpacker *unpacker)
{
    for (size_t i = 0; i < LINK_CLASS_COUNT; i++) {
        free(unpacker->parts[i].bytes);
        unpacker->parts[i].bytes = NULL;
    }
}
