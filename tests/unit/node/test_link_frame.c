/* Frames in messages (node/link_frame.h), the queues (link_queue.h) and the admission. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/prng.h"
#include "node/link_admission.h"
#include "node/link_frame.h"
#include "node/link_queue.h"
#include "tests/support/link_probe.h"

#define ROOM (256u << 20)

static uint8_t body[NOISE_BODY_BYTES_MAX];

static const struct link_class_limits limits[LINK_CLASS_COUNT] = {
    [LINK_VOTE] = {1000, 0},
    [LINK_PROPOSAL] = {100000, 0},
    [LINK_BATCH] = {LIMIT_FRAME_BYTES, 0},
    [LINK_QUERY] = {LIMIT_FRAME_BYTES, 0},
};

static void packer_init(struct link_packer *ret_packer)
{
    memset(ret_packer, 0, sizeof *ret_packer);
    assert_int_equal(link_queues_init(&ret_packer->queues), STATUS_OK);
}

static void push(struct link_packer *packer, enum link_class class, size_t length, uint32_t number)
{
    struct link_buffer *buffer = link_buffer_new(length);
    assert_non_null(buffer);
    probe_fill(buffer->bytes, length, number);
    assert_int_equal(link_queue_push(&packer->queues.classes[class], buffer, ROOM), STATUS_OK);
    link_buffer_unref(buffer);
}

/* The next frame of the body must be this one. */
static void expect(struct link_unpacker *unpacker, size_t length, size_t *cursor,
                   enum link_class class, size_t frame_length, uint32_t number)
{
    struct link_frame frame;
    assert_int_equal(link_unpack(unpacker, body, length, 1, cursor, &frame), STATUS_OK);
    assert_non_null(frame.bytes);
    assert_int_equal(frame.class, class);
    assert_int_equal(frame.length, frame_length);
    uint8_t *expected = malloc(frame_length);
    assert_non_null(expected);
    probe_fill(expected, frame_length, number);
    assert_memory_equal(frame.bytes, expected, frame_length);
    free(expected);
    free(frame.bytes);
}

static void expect_end(struct link_unpacker *unpacker, size_t length, size_t *cursor)
{
    struct link_frame frame;
    assert_int_equal(link_unpack(unpacker, body, length, 1, cursor, &frame), STATUS_OK);
    assert_null(frame.bytes);
    assert_int_equal(*cursor, length);
}

/* ---- Packing ---- */

static void test_small_frames_share_a_message(void **state)
{
    (void)state;
    struct link_packer packer;
    struct link_unpacker unpacker = {.limits = limits};
    uint64_t frames = 0;
    size_t cursor = 0;
    packer_init(&packer);
    push(&packer, LINK_QUERY, 300, 3);
    push(&packer, LINK_VOTE, 100, 1);
    push(&packer, LINK_VOTE, 200, 2);
    packer.ping_due = true;
    size_t length = link_pack(&packer, body, &frames);
    assert_int_equal(length, 4 * LINK_PIECE_BYTES + 600);
    assert_int_equal(frames, 3);
    assert_int_equal(body[0], LINK_PING);
    expect(&unpacker, length, &cursor, LINK_VOTE, 100, 1);
    expect(&unpacker, length, &cursor, LINK_VOTE, 200, 2);
    expect(&unpacker, length, &cursor, LINK_QUERY, 300, 3);
    expect_end(&unpacker, length, &cursor);
    assert_int_equal(link_pack(&packer, body, &frames), 0);
    link_queues_free(&packer.queues);
}

/* A vote that comes while a batch is under way leaves with the next message, before its rest. */
static void test_votes_pass_batches(void **state)
{
    (void)state;
    struct link_packer packer;
    struct link_unpacker unpacker = {.limits = limits};
    uint64_t frames = 0;
    size_t cursor = 0;
    packer_init(&packer);
    push(&packer, LINK_BATCH, 150000, 7);
    assert_int_equal(link_pack(&packer, body, &frames), NOISE_BODY_BYTES_MAX);
    expect_end(&unpacker, NOISE_BODY_BYTES_MAX, &cursor);
    assert_int_equal(link_unpack_oldest_ms(&unpacker), 1);
    push(&packer, LINK_VOTE, 100, 8);
    assert_int_equal(link_pack(&packer, body, &frames), NOISE_BODY_BYTES_MAX);
    assert_int_equal(frames, 1);
    cursor = 0;
    expect(&unpacker, NOISE_BODY_BYTES_MAX, &cursor, LINK_VOTE, 100, 8);
    expect_end(&unpacker, NOISE_BODY_BYTES_MAX, &cursor);
    size_t length = link_pack(&packer, body, &frames);
    cursor = 0;
    expect(&unpacker, length, &cursor, LINK_BATCH, 150000, 7);
    expect_end(&unpacker, length, &cursor);
    assert_int_equal(link_unpack_oldest_ms(&unpacker), 0);
    link_queues_free(&packer.queues);
}

/* However many batches wait, a query leaves within LINK_PACK_FAIR_EVERY messages. */
static void test_nothing_starves(void **state)
{
    (void)state;
    struct link_packer packer;
    uint64_t frames = 0;
    packer_init(&packer);
    push(&packer, LINK_QUERY, 100, 1);
    for (uint32_t i = 0; i < 40; i++) {
        push(&packer, LINK_BATCH, 100000, i);
    }
    uint32_t messages = 0;
    while (packer.queues.classes[LINK_QUERY].count > 0) {
        (void)link_pack(&packer, body, &frames);
        messages++;
    }
    assert_int_equal(messages, LINK_PACK_FAIR_EVERY);
    link_queues_free(&packer.queues);
}

/* Random frames of all classes arrive whole, each class in its order. */
static void test_random_traffic(void **state)
{
    (void)state;
    struct link_packer packer;
    struct link_unpacker unpacker = {.limits = limits};
    static const enum link_class classes[] = {LINK_VOTE, LINK_PROPOSAL, LINK_BATCH, LINK_QUERY};
    static const uint32_t largest[] = {1000, 100000, 300000, 70000};
    uint32_t sent[4] = {0};
    uint32_t received[4] = {0};
    uint64_t frames = 0;
    uint64_t seed = 20261123;
    print_message("seed %llu\n", (unsigned long long)seed);
    struct prng prng = prng_seeded(seed);
    packer_init(&packer);
    for (uint32_t step = 0; step < 3000; step++) {
        for (uint32_t i = 0; i < 4 && step < 2000; i++) {
            if (prng_below(&prng, 20) == 0) {
                push(&packer, classes[i], 4 + prng_below(&prng, largest[i] - 3), sent[i]++);
            }
        }
        packer.ping_due = prng_below(&prng, 10) == 0;
        size_t length = link_pack(&packer, body, &frames);
        size_t cursor = 0;
        struct link_frame frame;
        do {
            assert_int_equal(link_unpack(&unpacker, body, length, 1, &cursor, &frame), STATUS_OK);
            for (uint32_t i = 0; i < 4 && frame.bytes != NULL; i++) {
                if (frame.class == classes[i]) {
                    assert_int_equal(get_le32(frame.bytes), received[i]++);
                }
            }
            free(frame.bytes);
        } while (frame.bytes != NULL);
    }
    assert_memory_equal(sent, received, sizeof sent);
    assert_int_equal(frames, sent[0] + sent[1] + sent[2] + sent[3]);
    link_unpack_free(&unpacker);
    link_queues_free(&packer.queues);
}

/* ---- Unpacking what breaks the rules ---- */

static size_t piece(size_t at, uint8_t tag, uint32_t length, size_t bytes)
{
    body[at] = tag;
    put_le32(body + at + 1, length);
    memset(body + at + LINK_PIECE_BYTES, 0, bytes);
    return at + LINK_PIECE_BYTES + bytes;
}

static enum status unpack_once(struct link_unpacker *unpacker, size_t length)
{
    struct link_frame frame = {0};
    size_t cursor = 0;
    enum status status = link_unpack(unpacker, body, length, 1, &cursor, &frame);
    free(frame.bytes);
    return status;
}

static void test_refused_pieces(void **state)
{
    (void)state;
    const size_t full = NOISE_BODY_BYTES_MAX - LINK_PIECE_BYTES;
    const struct {
        uint8_t tag;
        uint32_t length;
        size_t bytes;
        enum status status;
    } cases[] = {
        {LINK_VOTE, 0, 0, STATUS_MALFORMED},
        {LINK_VOTE, 1001, 1001, STATUS_OVERSIZED},
        {LINK_CATCHUP, 1, 1, STATUS_OVERSIZED}, /* limit 0: the class is refused */
        {LINK_BATCH, LIMIT_FRAME_BYTES + 1, full, STATUS_OVERSIZED},
        {LINK_BATCH, UINT32_MAX, full, STATUS_OVERSIZED},
        {LINK_CLASS_COUNT, 1, 1, STATUS_MALFORMED},
        {LINK_PING, 1, 1, STATUS_MALFORMED},
        {LINK_PING | LINK_PIECE_CONTINUE, 0, 0, STATUS_MALFORMED},
        {LINK_VOTE | LINK_PIECE_CONTINUE, 10, 10, STATUS_MALFORMED}, /* of nothing */
        {LINK_BATCH, 100, 99, STATUS_MALFORMED},                     /* unfinished, not full */
        {LINK_BATCH, 100000, full - 1, STATUS_MALFORMED},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct link_unpacker unpacker = {.limits = limits};
        size_t length = piece(0, cases[i].tag, cases[i].length, cases[i].bytes);
        assert_int_equal(unpack_once(&unpacker, length), cases[i].status);
        link_unpack_free(&unpacker);
    }
    for (size_t length = 1; length < LINK_PIECE_BYTES; length++) {
        struct link_unpacker unpacker = {.limits = limits};
        (void)piece(0, LINK_PING, 0, 0);
        assert_int_equal(unpack_once(&unpacker, length), STATUS_MALFORMED);
    }
}

static void test_refused_continuations(void **state)
{
    (void)state;
    const size_t full = NOISE_BODY_BYTES_MAX - LINK_PIECE_BYTES;
    static const struct {
        uint8_t tag;
        int32_t off; /* from what is really left */
        enum status status;
    } cases[] = {
        {LINK_BATCH | LINK_PIECE_CONTINUE, 0, STATUS_OK},
        {LINK_BATCH | LINK_PIECE_CONTINUE, 1, STATUS_MALFORMED},
        {LINK_BATCH | LINK_PIECE_CONTINUE, -1, STATUS_MALFORMED},
        {LINK_QUERY | LINK_PIECE_CONTINUE, 0, STATUS_MALFORMED}, /* of another class */
        {LINK_BATCH, 0, STATUS_MALFORMED},                       /* a second one at once */
        {LINK_QUERY, 0, STATUS_OK},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct link_unpacker unpacker = {.limits = limits};
        uint32_t total = (uint32_t)full + 1000;
        (void)piece(0, LINK_BATCH, total, full);
        assert_int_equal(unpack_once(&unpacker, NOISE_BODY_BYTES_MAX), STATUS_OK);
        size_t length = piece(0, cases[i].tag, (uint32_t)(1000 + cases[i].off), 1000);
        /* Exact to the byte, so that one too many is another piece's header. */
        assert_int_equal(unpack_once(&unpacker, length), cases[i].status);
        link_unpack_free(&unpacker);
    }
}

static void test_random_bytes(void **state)
{
    (void)state;
    uint64_t seed = 7;
    print_message("seed %llu\n", (unsigned long long)seed);
    struct prng prng = prng_seeded(seed);
    for (uint32_t i = 0; i < 20000; i++) {
        struct link_unpacker unpacker = {.limits = limits};
        size_t length = 1 + prng_below(&prng, 200);
        for (size_t j = 0; j < length; j++) {
            body[j] = (uint8_t)(prng_below(&prng, 3) == 0 ? prng_below(&prng, 256)
                                                          : prng_below(&prng, 6));
        }
        size_t cursor = 0;
        struct link_frame frame = {0};
        enum status status = STATUS_OK;
        do {
            status = link_unpack(&unpacker, body, length, 1, &cursor, &frame);
            if (status == STATUS_OK) {
                free(frame.bytes);
            }
        } while (status == STATUS_OK && frame.bytes != NULL);
        assert_true(cursor <= length);
        link_unpack_free(&unpacker);
    }
}

/* ---- Queues ---- */

static void test_queue_limits(void **state)
{
    (void)state;
    struct link_queues queues;
    struct link_buffer *small = link_buffer_new(10);
    struct link_buffer *large = link_buffer_new(1000);
    assert_int_equal(link_queues_init(&queues), STATUS_OK);
    struct link_queue *queue = &queues.classes[LINK_BATCH];
    assert_int_equal(link_queue_push(queue, large, 100), STATUS_OK); /* an empty queue takes any */
    assert_int_equal(link_queue_push(queue, small, 100), STATUS_BUSY);
    assert_true(queue->refused);
    assert_int_equal(link_queue_push(queue, small, 1010), STATUS_OK);
    assert_int_equal(link_queue_push(queue, small, 1010), STATUS_BUSY);
    assert_int_equal(atomic_load(&small->references), 2);
    link_queue_pop(queue);
    assert_int_equal(queue->bytes, 10);
    assert_int_equal(atomic_load(&large->references), 1);
    for (uint32_t i = 1; i < LINK_QUEUE_FRAMES_MAX; i++) {
        assert_int_equal(link_queue_push(queue, small, ROOM), STATUS_OK);
    }
    assert_int_equal(link_queue_push(queue, small, ROOM), STATUS_BUSY);
    link_queue_pop(queue);
    assert_int_equal(link_queue_push(queue, small, ROOM), STATUS_OK);
    link_queues_free(&queues);
    assert_int_equal(atomic_load(&small->references), 1);
    link_buffer_unref(small);
    link_buffer_unref(large);
}

/* ---- Admission ---- */

static struct link_address address_of(uint32_t number)
{
    struct link_address address = {{0}};
    put_be32(address.bytes + 12, number);
    return address;
}

static void test_admission(void **state)
{
    (void)state;
    static const uint8_t hash_key[16] = {1, 2, 3};
    static struct link_admission admission;
    struct link_address one = address_of(1);
    struct link_address two = address_of(2);
    link_admission_init(&admission, hash_key, 5, 10);
    for (uint32_t i = 0; i < 5; i++) {
        assert_true(link_admission_take(&admission, &one, 1000));
    }
    assert_false(link_admission_take(&admission, &one, 1000));
    assert_true(link_admission_take(&admission, &two, 1000)); /* its own bucket */
    assert_false(link_admission_take(&admission, &one, 1099));
    assert_true(link_admission_take(&admission, &one, 1100)); /* ten a second */
    assert_false(link_admission_take(&admission, &one, 1150));
    assert_true(link_admission_take(&admission, &one, 1200));
    /* After a long time it is full, and not more than full. */
    for (uint32_t i = 0; i < 5; i++) {
        assert_true(link_admission_take(&admission, &one, 1ull << 50));
    }
    assert_false(link_admission_take(&admission, &one, 1ull << 50));
    /* A clock that steps back gives nothing and breaks nothing. */
    assert_false(link_admission_take(&admission, &one, 5));
}

/* More addresses than the table has room for: bounded memory, and all get their first tokens. */
static void test_admission_many(void **state)
{
    (void)state;
    static const uint8_t hash_key[16] = {9};
    static struct link_admission admission;
    link_admission_init(&admission, hash_key, 1, 0);
    for (uint32_t i = 0; i < 10000; i++) {
        struct link_address address = address_of(i);
        assert_true(link_admission_take(&admission, &address, i));
        assert_false(link_admission_take(&admission, &address, i));
    }
}

static int setup(void **state)
{
    (void)state;
    return sodium_init() < 0 ? -1 : 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_small_frames_share_a_message),
        cmocka_unit_test(test_votes_pass_batches),
        cmocka_unit_test(test_nothing_starves),
        cmocka_unit_test(test_random_traffic),
        cmocka_unit_test(test_refused_pieces),
        cmocka_unit_test(test_refused_continuations),
        cmocka_unit_test(test_random_bytes),
        cmocka_unit_test(test_queue_limits),
        cmocka_unit_test(test_admission),
        cmocka_unit_test(test_admission_many),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
