/*
 * wire: what the decoders of all schemas share: reading protobuf from someone who may be hostile
 * (docs/transport.md, Frames).
 *
 *   bytes ──► wire_scan ──► wire_unpack ──► the schema's codec ──► plain structs
 *             structure,     arena budget,   lengths, places,
 *             counts, text   pack(unpack(b)) bitmaps
 *                            == b
 *
 * protobuf-c alone accepts unknown fields, duplicates, any order, overlong numbers, truncated
 * integers, undefined enums and strings with zeroes in them, follows recursive types down to the
 * end of the stack, and turns 2 MiB of empty submessages into 159 MB. The scan refuses all of that
 * before the first allocation: it walks the bytes along the schema, and every array and every bytes
 * or string field needs a rule that says how long it may be. Schemas have no recursive types.
 */
#ifndef HEFU_PROTO_WIRE_H
#define HEFU_PROTO_WIRE_H

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/status.h"

/* How large one field of a message may be. */
struct wire_rule {
    const ProtobufCMessageDescriptor *message;
    uint32_t field;       /* its number */
    uint32_t repeats_max; /* of a repeated field, else 0 */
    uint32_t unit;        /* of bytes and strings: length = units * unit, else 0 */
    uint32_t units_min;
    uint32_t units_max;
};

/* A schema: its outermost message, and a rule for every field that needs one. The outermost
   message's field 1 is the version, a uint32. */
struct wire_schema {
    const ProtobufCMessageDescriptor *frame;
    uint32_t version;
    const struct wire_rule *rules;
    size_t rule_count;
};

/*
 * Checks one frame against its schema, recursively and without allocating: version; only known
 * fields, each with its type, in ascending order, once unless repeated, required ones present, at
 * most one of a oneof; shortest-form numbers within their type; defined enums; lengths and counts
 * by the rules; strings of UTF-8 without control characters. Errors: TRUNCATED (the frame ends
 * early), VERSION, OVERSIZED (above a limit, or the frame above LIMIT_FRAME_BYTES), MALFORMED.
 * ret_what gets the offending field's name, or NULL (static).
 */
enum status wire_scan(const struct wire_schema *schema, struct span frame,
                      const char **ret_what) MUST_USE;

/*
 * Unpacks a frame that wire_scan found in order, with memory from the arena alone, and checks that
 * packing it again gives the same bytes. Errors: NO_MEMORY, MALFORMED.
 */
enum status wire_unpack(const struct wire_schema *schema, struct span frame, struct arena *arena,
                        ProtobufCMessage **ret_message) MUST_USE;

/* Finds the payload of a bytes, string, message or fixed-width field of a scanned message, in
 * place. */
bool wire_find(struct span message, uint32_t field, struct span *ret_payload);
/* Finds the value of a bool, enum or uint32 field of a scanned message. */
bool wire_find_number(struct span message, uint32_t field, uint64_t *ret_value);

/* Packs a frame of our own and scans it, so that nothing is sent that a peer would refuse.
   OVERSIZED if it does not fit or is above a limit, MALFORMED for bad text; the buffer's content is
   unspecified then. */
enum status wire_pack(const struct wire_schema *schema, const ProtobufCMessage *frame,
                      uint8_t *buffer, size_t capacity, size_t *ret_length) MUST_USE;

/* Bytes to be packed, borrowed: packing does not write to them. */
ProtobufCBinaryData wire_bytes(const void *data, size_t length);

/* Copies a bytes field of exactly this length; false, and nothing copied, if it has another. */
bool wire_copy(const ProtobufCBinaryData *field, size_t length, void *ret_bytes) MUST_USE;

/* Whether the bytes are UTF-8 (RFC 3629) without control characters (C0, DEL, C1), which could fool
   a terminal or a log. */
bool wire_text_is_clean(const uint8_t *text, size_t length);

#endif
