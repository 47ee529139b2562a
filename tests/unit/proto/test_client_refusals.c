/*
 * Client frames that are wrong in one place, built by hand: each is refused with the name of the
 * field.
 */
#include "proto/client_codec.h"
#include "tests/unit/proto/frames.h"

enum { FRAME_SUBMIT = 3, FRAME_REFUSED = 8, FRAME_PENDING = 10, FRAME_FINAL_RECORDS = 14 };
enum { FRAME_BYTES = 4096 };

struct fixture {
    _Alignas(16) uint8_t arena_memory[CLIENT_REQUEST_ARENA_BYTES];
    struct arena arena;
    uint8_t frame[FRAME_BYTES];
};

static int setup(void **state)
{
    struct fixture *f = take_memory(sizeof *f);
    f->arena = arena_over(f->arena_memory, sizeof f->arena_memory);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    free(*state);
    return 0;
}

static enum status reader(const uint8_t *frame, size_t length, struct arena *arena, uint8_t *again,
                          size_t capacity, size_t *ret_again_length, const char **ret_what)
{
    struct client_message message;
    enum status status = client_decode(frame, length, arena, LIMIT_VALIDATORS, &message, ret_what);
    if (status != STATUS_OK) {
        return status;
    }
    assert_int_equal(client_encoded_bound(&message), length);
    assert_int_equal(client_encode(&message, again, capacity, ret_again_length), STATUS_OK);
    return STATUS_OK;
}

/* A block's records that do not belong together. */
static void test_final_records_mismatch(void **state)
{
    struct fixture *f = *state;
    const struct {
        uint16_t indexes[3];
        size_t index_count, verdict_count, record_count;
        const char *what;
    } cases[] = {
        {{0, 1, 2}, 3, 3, 3, NULL},      {{0, 5, 8191}, 3, 3, 3, NULL},
        {{0, 1, 2}, 2, 3, 3, "indexes"}, {{0, 1, 2}, 3, 2, 3, "verdicts"},
        {{0, 1, 2}, 3, 3, 2, "indexes"}, {{0, 2, 2}, 3, 3, 3, "indexes"},
        {{0, 2, 1}, 3, 3, 3, "indexes"}, {{0, 1, 8192}, 3, 3, 3, "indexes"},
    };
    uint8_t buffers[3][2048];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct writer batch = writer_over(buffers[0], sizeof buffers[0]);
        put_filled(&batch, 1, 1, BATCH_HEADER_BYTES);
        put_bytes(&batch, 2, cases[i].indexes, cases[i].index_count * 2);
        put_filled(&batch, 3, 0, cases[i].verdict_count * 2);
        put_filled(&batch, 4, 7, cases[i].record_count * RECORD_BYTES);
        struct writer body = writer_over(buffers[1], sizeof buffers[1]);
        put_fixed64(&body, 1, 77);
        put_fixed64(&body, 2, 88);
        put_message(&body, 3, &batch);
        struct writer frame = writer_over(buffers[2], sizeof buffers[2]);
        put_number(&frame, 1, CLIENT_VERSION);
        put_fixed64(&frame, 2, 4);
        put_message(&frame, FRAME_FINAL_RECORDS, &body);
        const char *what = NULL;
        enum status status = read_frame(reader, frame.start, frame.used, &f->arena, &what);
        if (cases[i].what == NULL) {
            assert_int_equal(status, STATUS_OK);
        } else {
            assert_int_equal(status, STATUS_MALFORMED);
            assert_string_equal(what, cases[i].what);
        }
    }
}

static enum status read_with_body(struct fixture *f, uint32_t kind, const struct writer *body,
                                  const char **ret_what)
{
    struct writer frame = writer_over(f->frame, FRAME_BYTES);
    put_number(&frame, 1, CLIENT_VERSION);
    put_fixed64(&frame, 2, 4);
    put_message(&frame, kind, body);
    arena_reset(&f->arena);
    return read_frame(reader, frame.start, frame.used, &f->arena, ret_what);
}

static void test_bad_fields(void **state)
{
    struct fixture *f = *state;
    uint8_t buffer[1024];
    const char *what = NULL;
    const uint32_t codes[] = {STATUS_OK, STATUS_COUNT, UINT32_MAX};
    for (size_t i = 0; i < 3; i++) {
        struct writer body = writer_over(buffer, sizeof buffer);
        put_fixed32(&body, 1, codes[i]);
        put_bytes(&body, 2, "f", 1);
        put_bytes(&body, 3, "s", 1);
        assert_int_equal(read_with_body(f, FRAME_REFUSED, &body, &what), STATUS_MALFORMED);
        assert_string_equal(what, "code");
    }
    /* A string with a zero in it: protobuf-c would cut it there. */
    struct writer body = writer_over(buffer, sizeof buffer);
    put_fixed32(&body, 1, STATUS_BUSY);
    put_bytes(&body, 2, "a\0b", 3);
    put_bytes(&body, 3, "s", 1);
    assert_int_equal(read_with_body(f, FRAME_REFUSED, &body, &what), STATUS_MALFORMED);
    assert_string_equal(what, "field");
    body = writer_over(buffer, sizeof buffer);
    put_number(&body, 1, CLIENT_BATCH_PROPOSED + 1);
    assert_int_equal(read_with_body(f, FRAME_PENDING, &body, &what), STATUS_MALFORMED);
    assert_string_equal(what, "state");
}

/* A frame that lacks its number, or its body, or speaks another version. */
static void test_bad_frames(void **state)
{
    struct fixture *f = *state;
    const char *what = NULL;
    struct writer body = writer_over(f->frame, 4096);
    put_filled(&body, 1, 1, BATCH_PREFIX_BYTES + 1);
    uint8_t buffer[1024];
    struct writer frame = writer_over(buffer, sizeof buffer);
    put_number(&frame, 1, CLIENT_VERSION);
    put_message(&frame, FRAME_SUBMIT, &body);
    assert_int_equal(read_frame(reader, buffer, frame.used, &f->arena, &what), STATUS_MALFORMED);
    assert_string_equal(what, "request");

    frame.used = 0; /* eight bytes, but of another type */
    put_number(&frame, 1, CLIENT_VERSION);
    put_filled(&frame, 2, 1, 8);
    put_message(&frame, FRAME_SUBMIT, &body);
    assert_int_equal(read_frame(reader, buffer, frame.used, &f->arena, &what), STATUS_MALFORMED);
    assert_string_equal(what, "request");

    frame.used = 0;
    put_number(&frame, 1, CLIENT_VERSION);
    put_fixed64(&frame, 2, 1);
    assert_int_equal(read_frame(reader, buffer, frame.used, &f->arena, &what), STATUS_MALFORMED);
    assert_string_equal(what, "body");

    frame.used = 0;
    put_number(&frame, 1, CLIENT_VERSION + 1);
    put_fixed64(&frame, 2, 1);
    assert_int_equal(read_frame(reader, buffer, frame.used, &f->arena, &what), STATUS_VERSION);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_final_records_mismatch),
        TEST(test_bad_fields),
        TEST(test_bad_frames),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
