/*
 * What protobuf-c alone would let through, put on the wire by hand: each is refused, with the name
 * of the field where that helps, and before it can cost memory.
 */
#include "proto/wire.h"

#include "proto/peer_schema.h"
#include "tests/unit/proto/peer_frames.h"

static void test_hand_made_frames_are_right(void **state)
{
    struct fixture *f = *state;
    put_vote(&f->body, 0, 0);
    assert_int_equal(decode_as(f, FRAME_VOTE), STATUS_OK);
    assert_int_equal(decode_claim(f, &good_claim), STATUS_OK);
}

static void test_version(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(decode(f), STATUS_TRUNCATED);
    put_vote(&f->body, 0, 0);
    const uint64_t versions[] = {0, 2, UINT32_MAX, (UINT64_C(1) << 32) + PEER_VERSION, UINT64_MAX};
    for (size_t i = 0; i < sizeof versions / sizeof versions[0]; i++) {
        f->frame.used = 0;
        put_number(&f->frame, 1, versions[i]);
        put_message(&f->frame, FRAME_VOTE, &f->body);
        put_number(&f->frame, 99, 1); /* another version may have other fields */
        assert_int_equal(decode(f), STATUS_VERSION);
        assert_string_equal(f->what, "version");
    }
    f->frame.used = 0;
    put_message(&f->frame, FRAME_VOTE, &f->body);
    assert_refused(f, decode(f), "version");
    f->frame.used = 0;
    put_fixed32(&f->frame, 1, PEER_VERSION);
    put_message(&f->frame, FRAME_VOTE, &f->body);
    assert_refused(f, decode(f), "version");
    /* The version twice: the first counts nowhere else. */
    f->frame.used = 0;
    put_number(&f->frame, 1, PEER_VERSION);
    put_number(&f->frame, 1, PEER_VERSION);
    put_message(&f->frame, FRAME_VOTE, &f->body);
    assert_refused(f, decode(f), "version");
}

static void test_body(void **state)
{
    struct fixture *f = *state;
    put_number(&f->frame, 1, PEER_VERSION);
    assert_refused(f, decode(f), "body");
    /* Two bodies of two kinds, and two of one kind. protobuf-c would take the last, and merge. */
    put_vote(&f->body, 0, 0);
    put_message(&f->frame, FRAME_VOTE, &f->body);
    size_t used = f->frame.used;
    put_message(&f->frame, FRAME_VOTE, &f->body);
    assert_refused(f, decode(f), "vote");
    f->frame.used = used;
    put_message(&f->element, 1, &f->body);
    put_message(&f->element, 2, &f->body);
    put_message(&f->frame, FRAME_EVIDENCE, &f->element);
    assert_refused(f, decode(f), "evidence");
}

static void test_unknown_fields(void **state)
{
    struct fixture *f = *state;
    put_vote(&f->body, 0, 0);
    const uint32_t unknown[] = {15, 99, 1u << 28, (1u << 29) - 1};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        f->frame.used = 0;
        put_number(&f->frame, 1, PEER_VERSION);
        put_message(&f->frame, FRAME_VOTE, &f->body);
        put_filled(&f->frame, unknown[i], 1, 3);
        assert_refused(f, decode(f), "unknown field");
    }
    put_number(&f->body, 8, 0);
    assert_refused(f, decode_as(f, FRAME_VOTE), "unknown field");
    /* Deep inside. */
    restart(f);
    put_vote(&f->element, 0, 0);
    put_fixed64(&f->element, 1000, 0);
    put_message(&f->body, 1, &f->element);
    assert_refused(f, decode_as(f, FRAME_PROPOSAL), "unknown field");
    restart(f);
    put_certificate(&f->element, &good_claim);
    put_fixed32(&f->element, 8, 0);
    put_message(&f->body, 1, &f->element);
    put_number(&f->body, 2, 0);
    put_fixed64(&f->body, 3, 0);
    assert_refused(f, decode_as(f, FRAME_CERTIFICATES), "unknown field");
}

static void test_missing_double_and_reordered_fields(void **state)
{
    struct fixture *f = *state;
    static const char *const names[] = {NULL,   "kind",        "signer",     "epoch",
                                        "view", "parent_view", "block_hash", "signature"};
    for (unsigned field = 1; field <= 7; field++) {
        restart(f);
        put_vote(&f->body, 1u << field, 0);
        assert_refused(f, decode_as(f, FRAME_VOTE), names[field]);
        restart(f);
        put_vote(&f->body, 0, 1u << field);
        assert_refused(f, decode_as(f, FRAME_VOTE), names[field]);
    }
    restart(f);
    put_vote(&f->body, ~(1u << 7), 0);
    put_vote(&f->body, 1u << 7, 0);
    assert_refused(f, decode_as(f, FRAME_VOTE), "kind");
    restart(f);
    put_vote(&f->body, ~0u, 0);
    assert_refused(f, decode_as(f, FRAME_VOTE), "kind");
    /* A repeated field in two runs. */
    restart(f);
    put_certificate(&f->element, &good_claim);
    put_message(&f->body, 1, &f->element);
    put_number(&f->body, 2, 1);
    put_message(&f->body, 1, &f->element);
    put_fixed64(&f->body, 3, 1);
    assert_refused(f, decode_as(f, FRAME_CERTIFICATES), "list");
}

static void put_raw(struct writer *out, const uint8_t *bytes, size_t length)
{
    writer_copy(out, bytes, length);
}

static void test_overlong_numbers(void **state)
{
    struct fixture *f = *state;
    /* Of a block request: from_height, count. As tag, as length, as value, and too long to be one.
     */
    const struct {
        uint8_t bytes[16];
        size_t length;
    } frames[] = {
        {{0x88, 0x00, 0x01, 0x12, 0x00}, 5},
        {{0x08, 0x81, 0x00, 0x12, 0x00}, 5},
        {{0x08, 0x01, 0x92, 0x00, 0x00}, 5},
        {{0x08, 0x01, 0x12, 0x80, 0x00}, 5},
        {{0x08, 0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00}, 11},
        {{0x08, 0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02}, 11},
        {{0x08, 0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01}, 12},
    };
    for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++) {
        restart(f);
        put_raw(&f->frame, frames[i].bytes, frames[i].length);
        assert_int_equal(decode(f), STATUS_MALFORMED);
    }
    /* Lengths beyond what is left, up to the largest. */
    const uint64_t lengths[] = {1,         127, INT32_MAX, UINT32_MAX, (uint64_t)UINT32_MAX + 1,
                                UINT64_MAX};
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        restart(f);
        put_number(&f->frame, 1, PEER_VERSION);
        put_tag(&f->frame, FRAME_VOTE, WIRE_BYTES);
        put_varint(&f->frame, lengths[i]);
        assert_int_equal(decode(f), STATUS_TRUNCATED);
        /* The same inside a message is its own fault. */
        put_tag(&f->body, 6, WIRE_BYTES);
        put_varint(&f->body, lengths[i]);
        assert_int_equal(decode_as(f, FRAME_VOTE), STATUS_MALFORMED);
    }
}

/* The same in a batch, which is read in place: here the scan alone stands before the caller. */
static void test_overlong_numbers_in_a_batch(void **state)
{
    struct fixture *f = *state;
    /* The field pushed, true: as it should be, then its tag and its value too long or with bits
       that do not fit. */
    const struct {
        uint8_t bytes[16];
        size_t length;
        bool good;
    } fields[] = {
        {{0x10, 0x01}, 2, true},
        {{0x90, 0x00, 0x01}, 3, false},
        {{0x10, 0x81, 0x00}, 3, false},
        {{0x10, 0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00}, 11, false},
        {{0x10, 0x81, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x02}, 11, false},
        {{0x90, 0x80, 0x80, 0x80, 0x10, 0x01}, 6, false},
        {{0x90, 0x80, 0x80, 0x80, 0x80, 0x01, 0x01}, 7, false},
    };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        restart(f);
        put_filled(&f->body, 1, 9, BATCH_PREFIX_BYTES + 1);
        put_raw(&f->body, fields[i].bytes, fields[i].length);
        assert_int_equal(decode_as(f, FRAME_BATCH), fields[i].good ? STATUS_OK : STATUS_MALFORMED);
    }
    restart(f);
    put_tag(&f->body, 1, WIRE_BYTES);
    const uint8_t overlong[] = {0x81, 0x82, 0x00}; /* BATCH_PREFIX_BYTES + 1 in three bytes */
    put_raw(&f->body, overlong, sizeof overlong);
    for (int i = 0; i < BATCH_PREFIX_BYTES + 1; i++) {
        writer_u8(&f->body, 9);
    }
    put_number(&f->body, 2, 1);
    assert_int_equal(decode_as(f, FRAME_BATCH), STATUS_MALFORMED);
}

static enum status unpack(struct fixture *f)
{
    ProtobufCMessage *message = NULL;
    arena_reset(&f->arena);
    return wire_unpack(&peer_schema, (struct span){f->frame.start, f->frame.used}, &f->arena,
                       &message);
}

/* The second wall: what is packed again differs from what came in. Unscanned, so that the scan does
   not stand before it. */
static void test_canonical_check(void **state)
{
    struct fixture *f = *state;
    put_fixed64(&f->body, 1, 3);
    put_fixed32(&f->body, 2, 4);
    put_number(&f->frame, 1, PEER_VERSION);
    size_t used = f->frame.used;
    put_message(&f->frame, FRAME_BLOCK_REQUEST, &f->body);
    assert_int_equal(unpack(f), STATUS_OK);

    put_message(&f->frame, FRAME_BLOCK_REQUEST, &f->body); /* twice */
    assert_int_equal(unpack(f), STATUS_MALFORMED);
    f->frame.used = used;
    put_number(&f->frame, 1, PEER_VERSION);
    assert_int_equal(unpack(f), STATUS_MALFORMED);
    f->frame.used = 0; /* in another order */
    put_message(&f->frame, FRAME_BLOCK_REQUEST, &f->body);
    put_number(&f->frame, 1, PEER_VERSION);
    assert_int_equal(unpack(f), STATUS_MALFORMED);
    f->frame.used = 0; /* cut to 32 bits */
    put_number(&f->frame, 1, (UINT64_C(1) << 32) + PEER_VERSION);
    put_message(&f->frame, FRAME_BLOCK_REQUEST, &f->body);
    assert_int_equal(unpack(f), STATUS_MALFORMED);
}

static void test_wire_types(void **state)
{
    struct fixture *f = *state;
    put_vote(&f->body, 0, 0);
    for (uint32_t type = 0; type < 8; type++) {
        f->frame.used = 0;
        put_number(&f->frame, 1, PEER_VERSION);
        put_tag(&f->frame, FRAME_VOTE, type);
        /* As a varint a number, as a length a short one. */
        for (int i = 0; i < 9; i++) {
            writer_u8(&f->frame, 1);
        }
        assert_int_equal(decode(f), STATUS_MALFORMED);
    }
    /* Field number 0, and a tag above 32 bits. */
    f->frame.used = 0;
    put_number(&f->frame, 1, PEER_VERSION);
    put_number(&f->frame, 0, 1);
    assert_int_equal(decode(f), STATUS_MALFORMED);
    f->frame.used = 0;
    put_number(&f->frame, 1, PEER_VERSION);
    put_varint(&f->frame, (UINT64_C(1) << 32) + (FRAME_VOTE << 3 | WIRE_BYTES));
    put_varint(&f->frame, 0);
    assert_int_equal(decode(f), STATUS_MALFORMED);
}

static void test_enums_and_bools(void **state)
{
    struct fixture *f = *state;
    const uint64_t kinds[] = {0,         4, 127, INT32_MAX, UINT32_MAX, (UINT64_C(1) << 32) + 1,
                              UINT64_MAX};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        restart(f);
        put_number(&f->body, 1, kinds[i]);
        put_vote(&f->body, 1u << 1, 0);
        assert_refused(f, decode_as(f, FRAME_VOTE), "kind");
    }
    const uint64_t bools[] = {0, 1, 2, 255, UINT64_MAX};
    for (size_t i = 0; i < sizeof bools / sizeof bools[0]; i++) {
        restart(f);
        put_filled(&f->body, 1, 9, BATCH_PREFIX_BYTES + 1);
        put_number(&f->body, 2, bools[i]);
        enum status status = decode_as(f, FRAME_BATCH);
        if (bools[i] <= 1) {
            assert_int_equal(status, STATUS_OK);
        } else {
            assert_refused(f, status, "pushed");
        }
    }
}

/* What makes protobuf-c allocate 76 times its input costs nothing here: an arena of 0 bytes is
   never asked for any. */
static void test_amplification(void **state)
{
    struct fixture *f = *state;
    f->arena.capacity = 0;
    for (int i = 0; i < 1 << 20; i++) {
        put_tag(&f->body, 1, WIRE_BYTES);
        put_varint(&f->body, 0);
    }
    enum status status = decode_as(f, FRAME_BLOCKS);
    assert_true(status == STATUS_MALFORMED || status == STATUS_OVERSIZED);
    status = decode_as(f, FRAME_CERTIFICATES);
    assert_true(status == STATUS_MALFORMED || status == STATUS_OVERSIZED);
    restart(f);
    put_number(&f->frame, 1, PEER_VERSION);
    for (int i = 0; i < 1 << 20; i++) {
        put_number(&f->frame, 90, 1);
    }
    assert_refused(f, decode(f), "unknown field");
    /* A field of the right form that is megabytes long. */
    restart(f);
    put_vote(&f->body, 1u << 7, 0);
    put_filled(&f->body, 7, 1, 4 << 20);
    assert_int_equal(decode_as(f, FRAME_VOTE), STATUS_OVERSIZED);
    assert_string_equal(f->what, "signature");
    restart(f);
    put_filled(&f->body, 1, 1, LIMIT_FRAME_BYTES);
    put_number(&f->body, 2, 1);
    assert_int_equal(decode_as(f, FRAME_BATCH), STATUS_OVERSIZED);
    assert_string_equal(f->what, "frame");
}

/* Messages within messages, as deep as a frame allows: the schema ends it, not the stack. */
static void test_depth(void **state)
{
    struct fixture *f = *state;
    const size_t depth = 100000;
    size_t length = 0;
    uint8_t *nested = f->buffers[2];
    uint8_t *end = nested + BUFFER_BYTES;
    for (size_t i = 0; i < depth; i++) {
        uint8_t head[8];
        struct writer out = writer_over(head, sizeof head);
        put_tag(&out, 1, WIRE_BYTES);
        put_varint(&out, length);
        memcpy(end - length - out.used, head, out.used);
        length += out.used;
    }
    put_raw(&f->body, end - length, length);
    for (uint32_t kind = FRAME_VOTE; kind <= FRAME_EVIDENCE; kind++) {
        enum status status = decode_as(f, kind);
        assert_true(status == STATUS_MALFORMED || status == STATUS_OVERSIZED);
    }
}

static void test_text(void **state)
{
    (void)state;
    const struct {
        const char *text;
        bool clean;
    } cases[] = {
        {"", true},
        {"plain, ~ and space", true},
        {"\xc2\xa0\xdf\xbf", true},
        {"\xe4\xbd\x95\xe5\xba\x9c", true}, /* two Han characters */
        {"\xed\x9f\xbf\xee\x80\x80", true}, /* around the surrogates */
        {"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf", true},
        {"bell\a", false},
        {"line\n", false},
        {"\x1b[2J", false},
        {"\x7f", false},
        {"\xc2\x85", false}, /* C1 */
        {"\xc2\x9b"
         "2J",
         false}, /* C1 */
        {"\x80", false},
        {"\xbf", false},
        {"\xc0\x80", false}, /* overlong */
        {"\xc1\xbf", false},
        {"\xe0\x9f\xbf", false},
        {"\xf0\x8f\xbf\xbf", false},
        {"\xed\xa0\x80", false},     /* surrogate */
        {"\xf4\x90\x80\x80", false}, /* above U+10FFFF */
        {"\xf5\x80\x80\x80", false},
        {"\xff", false},
        {"\xc3", false}, /* cut */
        {"\xe4\xbd", false},
        {"\xf0\x90\x80", false},
        {"\xe4\xbd"
         "A",
         false},
        {"\xf0\x90\x80"
         "A",
         false},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t length = strlen(cases[i].text);
        uint8_t *exact = take_memory(length);
        memcpy(exact, cases[i].text, length);
        assert_int_equal(wire_text_is_clean(exact, length), cases[i].clean);
        free(exact);
    }
    assert_false(wire_text_is_clean((const uint8_t *)"a\0b", 3));
}

/* Wholly random bytes after a right beginning. */
static void test_garbage(void **state)
{
    struct fixture *f = *state;
    const uint64_t seed = 20261123;
    print_message("seed %llu\n", (unsigned long long)seed);
    struct prng prng = prng_seeded(seed);
    for (int i = 0; i < 20000; i++) {
        restart(f);
        size_t length = 1 + prng_below(&prng, 200);
        put_number(&f->frame, 1, PEER_VERSION);
        if (i % 2 == 0) {
            put_tag(&f->frame, 2 + (uint32_t)prng_below(&prng, 13), WIRE_BYTES);
            put_varint(&f->frame, length);
        }
        for (size_t k = 0; k < length; k++) {
            writer_u8(&f->frame, (uint8_t)prng_next(&prng));
        }
        assert_int_not_equal(decode(f), STATUS_OK);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_hand_made_frames_are_right),
        TEST(test_version),
        TEST(test_body),
        TEST(test_unknown_fields),
        TEST(test_missing_double_and_reordered_fields),
        TEST(test_overlong_numbers),
        TEST(test_overlong_numbers_in_a_batch),
        TEST(test_canonical_check),
        TEST(test_wire_types),
        TEST(test_enums_and_bools),
        TEST(test_amplification),
        TEST(test_depth),
        TEST(test_text),
        TEST(test_garbage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
