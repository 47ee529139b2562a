/*
 * peer_frames: peer frames built by hand, right or wrong in one place, and decoded for a set of
 * four validators.
 */
#ifndef HEFU_TESTS_PROTO_PEER_FRAMES_H
#define HEFU_TESTS_PROTO_PEER_FRAMES_H

#include "proto/peer_codec.h"
#include "tests/unit/proto/frames.h"

/* Fields of a frame. */
enum {
    FRAME_VOTE = 2,
    FRAME_CERTIFICATE = 3,
    FRAME_PROPOSAL = 4,
    FRAME_STATUS = 5,
    FRAME_BATCH = 6
};
enum { FRAME_HAVE = 7, FRAME_REQUEST = 8, FRAME_CERTIFICATE_REQUEST = 10, FRAME_CERTIFICATES = 11 };
enum { FRAME_BLOCK_REQUEST = 12, FRAME_BLOCKS = 13, FRAME_EVIDENCE = 14 };

enum { VALIDATORS = 4, ARENA_BYTES = 64 << 10, BUFFER_BYTES = 16 << 20 };

struct fixture {
    uint8_t *arena_memory;
    struct arena arena;
    struct writer frame;   /* the whole */
    struct writer body;    /* the message in it */
    struct writer element; /* a message in that */
    uint8_t *buffers[3];
    const char *what;
};

static inline int setup(void **state)
{
    struct fixture *f = take_memory(sizeof *f);
    f->arena_memory = take_memory(ARENA_BYTES);
    f->arena = arena_over(f->arena_memory, ARENA_BYTES);
    for (size_t i = 0; i < 3; i++) {
        f->buffers[i] = take_memory(BUFFER_BYTES);
    }
    f->frame = writer_over(f->buffers[0], BUFFER_BYTES);
    f->body = writer_over(f->buffers[1], BUFFER_BYTES);
    f->element = writer_over(f->buffers[2], BUFFER_BYTES);
    f->what = NULL;
    *state = f;
    return 0;
}

static inline int teardown(void **state)
{
    struct fixture *f = *state;
    for (size_t i = 0; i < 3; i++) {
        free(f->buffers[i]);
    }
    free(f->arena_memory);
    free(f);
    return 0;
}

static inline void restart(struct fixture *f)
{
    f->frame.used = 0;
    f->body.used = 0;
    f->element.used = 0;
    arena_reset(&f->arena);
}

static inline enum status reader(const uint8_t *frame, size_t length, struct arena *arena,
                                 uint8_t *again, size_t capacity, size_t *ret_again_length,
                                 const char **ret_what)
{
    struct peer_message message;
    enum status status = peer_decode(frame, length, arena, VALIDATORS, &message, ret_what);
    return status == STATUS_OK ? peer_encode(&message, again, capacity, ret_again_length) : status;
}

static inline enum status decode(struct fixture *f)
{
    assert_false(f->frame.failed || f->body.failed || f->element.failed);
    f->what = NULL;
    return read_frame(reader, f->frame.start, f->frame.used, &f->arena, &f->what);
}

/* Puts the body into a frame of version 1 and decodes it. */
static inline enum status decode_as(struct fixture *f, uint32_t kind)
{
    f->frame.used = 0;
    put_number(&f->frame, 1, PEER_VERSION);
    put_message(&f->frame, kind, &f->body);
    return decode(f);
}

static inline void assert_refused(struct fixture *f, enum status status, const char *what)
{
    assert_int_equal(status, STATUS_MALFORMED);
    if (what == NULL) {
        assert_null(f->what);
    } else {
        assert_non_null(f->what);
        assert_string_equal(f->what, what);
    }
}

/* The fields of a vote, one bit each to leave one out or to put it twice. */
static inline void put_vote(struct writer *out, unsigned without, unsigned twice)
{
    for (unsigned field = 1; field <= 7; field++) {
        unsigned times = (without >> field & 1) ? 0 : (twice >> field & 1) ? 2 : 1;
        for (unsigned i = 0; i < times; i++) {
            if (field == 1) {
                put_number(out, 1, VOTE_NOTARIZE);
            } else if (field == 2) {
                put_fixed32(out, 2, 1);
            } else if (field < 6) {
                put_fixed64(out, field, field);
            } else {
                put_filled(out, field, 0xaa, field == 6 ? HASH_BYTES : 64);
            }
        }
    }
}

/* What a certificate claims. */
struct claim {
    unsigned kind;
    uint64_t view;
    uint64_t parent_view;
    uint8_t hash; /* its every byte */
    size_t hash_bytes;
    uint8_t signers; /* the first byte of the bitmap */
    size_t signers_bytes;
    size_t signature_bytes;
};

static const struct claim good_claim = {VOTE_FINALIZE, 5, 4, 0xaa, HASH_BYTES, 0x7, 16, 3 * 64};

static inline void put_certificate(struct writer *out, const struct claim *claim)
{
    uint8_t signers[LIMIT_VALIDATORS] = {claim->signers};
    put_number(out, 1, claim->kind);
    put_fixed64(out, 2, 7);
    put_fixed64(out, 3, claim->view);
    put_fixed64(out, 4, claim->parent_view);
    put_filled(out, 5, claim->hash, claim->hash_bytes);
    put_bytes(out, 6, signers, claim->signers_bytes);
    put_filled(out, 7, 0xbb, claim->signature_bytes);
}

static inline enum status decode_claim(struct fixture *f, const struct claim *claim)
{
    restart(f);
    put_certificate(&f->body, claim);
    return decode_as(f, FRAME_CERTIFICATE);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
