/*
 * Fuzzes what an authenticated peer can send: the bodies of messages, made of pieces of frames
 * (node/link_frame.h). Nothing may crash or leak, no frame may exceed its class's limit, and what
 * is open stays within the limits.
 *
 * Input: messages of u16 length and body; the length 65535 means a full message, whose body is the
 * rest of the input followed by zeros.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "node/link_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct link_class_limits limits[LINK_CLASS_COUNT] = {
    {1000, 0}, {100000, 0}, {LIMIT_FRAME_BYTES, 0}, {0, 0}, {70000, 0}};

/* Unpacks one message; false if the link would end. */
static bool message(struct link_unpacker *unpacker, const uint8_t *body, size_t length)
{
    size_t cursor = 0;
    for (;;) {
        struct link_frame frame = {0};
        size_t before = cursor;
        if (link_unpack(unpacker, body, length, 1, &cursor, &frame) != STATUS_OK) {
            return false;
        }
        CHECK(cursor >= before && cursor <= length);
        if (frame.bytes == NULL) {
            return true;
        }
        CHECK(frame.length > 0 && frame.length <= limits[frame.class].frame_bytes_max);
        free(frame.bytes);
    }
}

static void check_parts(const struct link_unpacker *unpacker)
{
    for (size_t i = 0; i < LINK_CLASS_COUNT; i++) {
        const struct link_part *part = &unpacker->parts[i];
        CHECK(part->bytes == NULL ||
              (part->have < part->length && part->length <= limits[i].frame_bytes_max));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static uint8_t full[NOISE_BODY_BYTES_MAX];
    struct link_unpacker unpacker = {.limits = limits};
    bool alive = true;
    while (alive && size >= 2) {
        size_t length = get_le16(data);
        data += 2;
        size -= 2;
        size_t count = length < size ? length : size;
        if (length == UINT16_MAX) {
            count = size < sizeof full ? size : sizeof full;
            memset(full, 0, sizeof full);
            memcpy(full, data, count);
            alive = message(&unpacker, full, sizeof full);
            /* The same bytes are the next message too, so that frames can go on. */
            count = count < LINK_PIECE_BYTES ? count : LINK_PIECE_BYTES;
        } else if (count > 0) {
            alive = message(&unpacker, data, count);
        }
        check_parts(&unpacker);
        data += count;
        size -= count;
    }
    link_unpack_free(&unpacker);
    return 0;
}
