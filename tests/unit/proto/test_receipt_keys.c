/*
 * A receipt's proof of a key comes through, the smallest and the largest of it, together with the
 * most that a receipt can carry otherwise; what is wrong in it is named, and no prefix decodes.
 */
#include "proto/client_codec.h"
#include "tests/unit/proto/frames.h"

struct fixture {
    struct arena arena;
    uint8_t *arena_memory, *frame, *rows;
    struct certificate finalization;
    struct client_epoch epochs[CLIENT_EPOCHS_MAX];
    uint8_t members[LIMIT_VALIDATORS * CLIENT_MEMBER_BYTES];
    uint8_t batch_header[BATCH_HEADER_BYTES], block_header[BLOCK_HEADER_BYTES];
    uint16_t verdicts[LIMIT_BATCH_RECORDS];
    struct hash path[MERKLE_PATH_MAX];
    struct client_message message;
};

static int setup(void **state)
{
    struct fixture *f = take_memory(sizeof *f);
    memset(f, 0, sizeof *f);
    f->arena_memory = take_memory(CLIENT_ANSWER_ARENA_BYTES);
    f->arena = arena_over(f->arena_memory, CLIENT_ANSWER_ARENA_BYTES);
    f->frame = take_memory(LIMIT_FRAME_BYTES);
    f->rows = take_memory(CLIENT_KEY_ROWS_BYTES_MAX + 1);
    memset(f->rows, 7, CLIENT_KEY_ROWS_BYTES_MAX + 1);
    memset(f->path, 3, sizeof f->path);
    f->finalization = (struct certificate){.kind = VOTE_FINALIZE,
                                           .epoch = 1,
                                           .view = 12,
                                           .candidate.parent_view = 11,
                                           .signature_count = LIMIT_VALIDATORS};
    memset(f->finalization.signers, 0xff, LIMIT_VALIDATORS / 8);
    for (uint32_t i = 0; i < CLIENT_EPOCHS_MAX; i++) {
        f->epochs[i] = (struct client_epoch){.block_header = f->block_header,
                                             .finalization = &f->finalization,
                                             .members = f->members,
                                             .member_count = LIMIT_VALIDATORS};
    }
    f->message = (struct client_message){.kind = CLIENT_RECEIPT,
                                         .request = 9,
                                         .receipt = {.batch_header = f->batch_header,
                                                     .verdicts = f->verdicts,
                                                     .verdict_count = 1,
                                                     .block_header = f->block_header,
                                                     .finalization = &f->finalization,
                                                     .has_key = true,
                                                     .key = {.block_header = f->block_header,
                                                             .finalization = &f->finalization,
                                                             .previous = {{5}},
                                                             .path = f->path,
                                                             .path_count = 5,
                                                             .rows = {f->rows, 1}}}};
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    free(f->rows);
    free(f->frame);
    free(f->arena_memory);
    free(f);
    return 0;
}

static enum status reader(const uint8_t *frame, size_t length, struct arena *arena, uint8_t *again,
                          size_t capacity, size_t *ret_again_length, const char **ret_what)
{
    struct client_message message;
    const enum status status =
        client_decode(frame, length, arena, LIMIT_VALIDATORS, &message, ret_what);
    if (status != STATUS_OK) {
        return status;
    }
    assert_int_equal(client_encode(&message, again, capacity, ret_again_length), STATUS_OK);
    return STATUS_OK;
}

static size_t comes_through(struct fixture *f)
{
    struct client_message got;
    size_t length;
    const char *what = NULL;
    const struct client_key_proof *sent = &f->message.receipt.key;
    assert_int_equal(client_encode(&f->message, f->frame, LIMIT_FRAME_BYTES, &length), STATUS_OK);
    arena_reset(&f->arena);
    assert_int_equal(client_decode(f->frame, length, &f->arena, LIMIT_VALIDATORS, &got, &what),
                     STATUS_OK);
    const struct client_key_proof *key = &got.receipt.key;
    assert_true(got.receipt.has_key);
    assert_memory_equal(key->block_header, sent->block_header, BLOCK_HEADER_BYTES);
    assert_memory_equal(key->finalization, sent->finalization, sizeof *key->finalization);
    assert_memory_equal(&key->previous, &sent->previous, HASH_BYTES);
    assert_int_equal(key->path_count, sent->path_count);
    assert_memory_equal(key->path, sent->path, key->path_count * sizeof(struct hash));
    assert_int_equal(key->rows.length, sent->rows.length);
    assert_memory_equal(key->rows.data, sent->rows.data, key->rows.length);
    return length;
}

/* Goal: with everything else at its largest, the largest proof fits into one frame. */
static void test_smallest_and_largest(void **state)
{
    struct fixture *f = *state;
    struct client_receipt *receipt = &f->message.receipt;
    (void)comes_through(f);
    receipt->verdict_count = LIMIT_BATCH_RECORDS;
    receipt->epochs = f->epochs;
    receipt->epoch_count = CLIENT_EPOCHS_MAX;
    receipt->batches_path = receipt->verdicts_path = f->path;
    receipt->batches_path_count = receipt->verdicts_path_count = MERKLE_PATH_MAX;
    receipt->key.path_count = MERKLE_PATH_MAX;
    receipt->key.rows.length = CLIENT_KEY_ROWS_BYTES_MAX;
    print_message("%zu of %u bytes\n", comes_through(f), LIMIT_FRAME_BYTES);
    size_t length;
    receipt->key.rows.length++;
    assert_int_equal(client_encode(&f->message, f->frame, LIMIT_FRAME_BYTES, &length),
                     STATUS_OVERSIZED);
}

/* Goal: no prefix decodes, mutations are refused or mean what they say, and a proof without a
   finalization or without rows is none. */
static void test_refusals(void **state)
{
    struct fixture *f = *state;
    static struct certificate other;
    size_t length;
    const char *what = NULL;
    f->finalization.signature_count = 1;
    memset(f->finalization.signers, 0, sizeof f->finalization.signers);
    f->finalization.signers[0] = 1;
    other = f->finalization;
    other.kind = VOTE_NOTARIZE;
    assert_int_equal(client_encode(&f->message, f->frame, LIMIT_FRAME_BYTES, &length), STATUS_OK);
    for (size_t prefix = 0; prefix < length; prefix++) {
        arena_reset(&f->arena);
        assert_int_not_equal(read_frame(reader, f->frame, prefix, &f->arena, NULL), STATUS_OK);
    }
    f->message.receipt.key.finalization = &other;
    assert_int_equal(client_encode(&f->message, f->frame, LIMIT_FRAME_BYTES, &length), STATUS_OK);
    arena_reset(&f->arena);
    assert_int_equal(read_frame(reader, f->frame, length, &f->arena, &what), STATUS_MALFORMED);
    assert_string_equal(what, "key");
    f->message.receipt.key.finalization = &f->finalization;
    f->message.receipt.key.rows.length = 0;
    assert_int_not_equal(client_encode(&f->message, f->frame, LIMIT_FRAME_BYTES, &length),
                         STATUS_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_smallest_and_largest, setup, teardown),
        cmocka_unit_test_setup_teardown(test_refusals, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
