/*
 * link_frame: how frames travel inside the channel's messages. Pure: no sockets, no clock.
 *
 * The body of a message is a run of pieces:
 *
 *     u8 class, high bit set on a continuation | u32 length, little-endian | bytes
 *
 * A frame's first piece gives its whole length, a continuation what is left of it. The bytes go on
 * to the frame's end or to the end of the message, whichever comes first; a piece that leaves its
 * frame unfinished must fill its message to NOISE_BODY_BYTES_MAX, so that nobody can keep a frame
 * open a byte at a time. Small frames thus share a message, and between two pieces of a large frame
 * those of other classes may pass. Class LINK_PING has length 0 and goes no further.
 *
 * The length is checked against its class's limit before anything is allocated (docs/transport.md,
 * Frames).
 */
#ifndef HEFU_NODE_LINK_FRAME_H
#define HEFU_NODE_LINK_FRAME_H

#include <stddef.h>
#include <stdint.h>

#include "node/link.h"
#include "node/link_queue.h"

#define LINK_PIECE_BYTES 5
#define LINK_PIECE_CONTINUE 0x80
#define LINK_PING 0x7f

/* Every so many messages the least urgent class goes first, so that none starves. */
#define LINK_PACK_FAIR_EVERY 16u

struct link_packer {
    struct link_queues queues;
    uint32_t turn;
    bool ping_due;
};

/*
 * Fills ret_body, which has room for NOISE_BODY_BYTES_MAX, with pieces in the order of the classes,
 * and pops the frames that are complete. Gives the length of the body, 0 if nothing waits, and adds
 * the number of completed frames to *frames.
 */
size_t link_pack(struct link_packer *packer, uint8_t *ret_body, uint64_t *frames);

/* A frame that is complete, or nothing if bytes is NULL. */
struct link_frame {
    uint8_t *bytes; /* malloc'ed */
    size_t length;
    enum link_class class;
};

struct link_part {
    uint8_t *bytes; /* NULL: no frame of this class is open */
    uint32_t length;
    uint32_t have;
    uint64_t progress_ms;
};

struct link_unpacker {
    const struct link_class_limits *limits; /* of LINK_CLASS_COUNT classes; not owned */
    struct link_part parts[LINK_CLASS_COUNT];
};

/*
 * Reads pieces of a message's body from *cursor on, until a frame is complete or the body ends
 * (then ret_frame->bytes is NULL). MALFORMED or OVERSIZED if the peer breaks a rule above, or
 * NO_MEMORY: the link must end.
 */
enum status link_unpack(struct link_unpacker *unpacker, const uint8_t *body, size_t length,
                        uint64_t now_ms, size_t *cursor, struct link_frame *ret_frame) MUST_USE;

/* When the frame that has waited longest got its last piece; 0 if none is open. */
uint64_t link_unpack_oldest_ms(const struct link_unpacker *unpacker);

/* Lets open frames wait anew from now: after this side has not read for a while. */
void link_unpack_touch(struct link_unpacker *unpacker, uint64_t now_ms);

void link_unpack_free(struct link_unpacker *unpacker);

#endif
