/*
 * frames: what the tests of both decoders share: building frames by hand, field by field, and the
 * properties that hold for every frame: no proper prefix of one decodes, and whatever a mutation
 * turns it into is either refused or encodes to the very bytes that were decoded.
 */
#ifndef HEFU_TESTS_PROTO_FRAMES_H
#define HEFU_TESTS_PROTO_FRAMES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
/* cmocka's header needs the four above. */
#include <cmocka.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/prng.h"
#include "base/status.h"

enum { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2, WIRE_FIXED32 = 5 };

/* Decodes a frame with an arena, and if that succeeds encodes it again. */
typedef enum status (*frame_reader)(const uint8_t *frame, size_t length, struct arena *arena,
                                    uint8_t *again, size_t capacity, size_t *ret_again_length,
                                    const char **ret_what);

static inline void *take_memory(size_t size)
{
    void *memory = malloc(size > 0 ? size : 1);
    assert_non_null(memory);
    return memory;
}

static inline void put_varint(struct writer *out, uint64_t value)
{
    while (value >= 0x80) {
        writer_u8(out, (uint8_t)(value | 0x80));
        value >>= 7;
    }
    writer_u8(out, (uint8_t)value);
}

static inline void put_tag(struct writer *out, uint32_t field, uint32_t type)
{
    put_varint(out, (uint64_t)field << 3 | type);
}

static inline void put_number(struct writer *out, uint32_t field, uint64_t value)
{
    put_tag(out, field, WIRE_VARINT);
    put_varint(out, value);
}

static inline void put_fixed64(struct writer *out, uint32_t field, uint64_t value)
{
    put_tag(out, field, WIRE_FIXED64);
    writer_u64(out, value);
}

static inline void put_fixed32(struct writer *out, uint32_t field, uint32_t value)
{
    put_tag(out, field, WIRE_FIXED32);
    writer_u32(out, value);
}

static inline void put_bytes(struct writer *out, uint32_t field, const void *data, size_t length)
{
    put_tag(out, field, WIRE_BYTES);
    put_varint(out, length);
    writer_copy(out, data, length);
}

/* length bytes of one value. */
static inline void put_filled(struct writer *out, uint32_t field, uint8_t value, size_t length)
{
    put_tag(out, field, WIRE_BYTES);
    put_varint(out, length);
    for (size_t i = 0; i < length; i++) {
        writer_u8(out, value);
    }
}

static inline void put_message(struct writer *out, uint32_t field, const struct writer *body)
{
    assert_false(body->failed);
    put_bytes(out, field, body->start, body->used);
}

/* Reads a copy of exactly the frame's size, so that a sanitizer sees a read past its end; an
   accepted frame must encode to the same bytes, a refused one must leave the arena as it was. */
static inline enum status read_frame(frame_reader reader, const uint8_t *frame, size_t length,
                                     struct arena *arena, const char **ret_what)
{
    uint8_t *exact = take_memory(length);
    uint8_t *again = take_memory(length);
    memcpy(exact, frame, length);
    size_t used = arena->used;
    size_t again_length = 0;
    enum status status = reader(exact, length, arena, again, length, &again_length, ret_what);
    if (status == STATUS_OK) {
        assert_int_equal(again_length, length);
        assert_memory_equal(again, frame, length);
    } else {
        assert_int_equal(arena->used, used);
    }
    free(again);
    free(exact);
    return status;
}

static inline void check_truncations(frame_reader reader, const uint8_t *frame, size_t length,
                                     struct arena *arena)
{
    for (size_t i = 0; i < length; i++) {
        enum status status = read_frame(reader, frame, i, arena, NULL);
        assert_true(status == STATUS_TRUNCATED || status == STATUS_MALFORMED);
    }
}

/* One random change in place; the frame may grow by up to 16 bytes. */
static inline size_t mutate(struct prng *prng, uint8_t *frame, size_t length)
{
    if (length == 0) {
        frame[0] = (uint8_t)prng_next(prng);
        return 1;
    }
    size_t at = prng_below(prng, length);
    size_t span = 1 + prng_below(prng, 16);
    span = span > length - at ? length - at : span;
    switch (prng_below(prng, 6)) {
    case 0:
        frame[at] ^= (uint8_t)(1u << prng_below(prng, 8));
        return length;
    case 1:
        frame[at] = (uint8_t)prng_next(prng);
        return length;
    case 2:
        frame[at] = (uint8_t)(frame[at] + 1);
        return length;
    case 3: /* Delete some bytes. */
        memmove(frame + at, frame + at + span, length - at - span);
        return length - span;
    case 4: /* Double some bytes. */
        memmove(frame + at + span, frame + at, length - at);
        return length + span;
    default: /* Cut. */
        return at;
    }
}

/* Mutates the frame count times, by one to four changes each. Returns how many were accepted. */
static inline size_t check_mutations(frame_reader reader, const uint8_t *frame, size_t length,
                                     struct arena *arena, struct prng *prng, size_t count)
{
    uint8_t *mutant = take_memory(length + 4 * 16);
    size_t accepted = 0;
    for (size_t i = 0; i < count; i++) {
        size_t mutant_length = length;
        memcpy(mutant, frame, length);
        for (uint64_t changes = 1 + prng_below(prng, 4); changes > 0; changes--) {
            mutant_length = mutate(prng, mutant, mutant_length);
        }
        arena_reset(arena);
        if (read_frame(reader, mutant, mutant_length, arena, NULL) == STATUS_OK) {
            accepted++;
        }
    }
    free(mutant);
    return accepted;
}

#endif
