/*
 * Every kind of client frame: the small and the largest of it survives encoding and decoding; no
 * prefix of it decodes; mutations of it are refused or mean exactly what their bytes say; what is
 * wrong in it is named. The wire's own traps are in test_wire.c.
 */
#include "proto/client_codec.h"
#include "tests/unit/proto/frames.h"

enum { SEED = 20261124, VALIDATORS = 4 };

struct fixture {
    struct arena arena; /* of the decoder */
    uint8_t *arena_memory;
    uint8_t *frame;
    struct prng prng;
    struct certificate finalization;
    uint8_t batch[BATCH_BYTES_MAX];
    uint8_t batch_header[BATCH_HEADER_BYTES];
    uint8_t block_header[BLOCK_HEADER_BYTES];
    uint16_t verdicts[LIMIT_BATCH_RECORDS + 1];
    uint16_t indexes[LIMIT_BATCH_RECORDS + 1];
    struct hash hashes[2 * MERKLE_PATH_MAX];
    struct client_final_batch final_batches[LIMIT_BLOCK_BATCHES + 1];
    struct client_peer peers[CLIENT_PEERS_MAX + 1];
    const char *alarms[CLIENT_ALARMS_MAX + 1];
    struct client_counter counters[CLIENT_COUNTERS_MAX + 1];
    struct client_metric metrics[CLIENT_METRICS_MAX + 1];
};

static char longest_name[CLIENT_NAME_BYTES + 1];
static char longest_labels[CLIENT_LABELS_BYTES + 1];
static char longest_sentence[CLIENT_SENTENCE_BYTES + 1];

static void fill(struct prng *prng, void *bytes, size_t length)
{
    uint8_t *to = bytes;
    for (size_t i = 0; i < length; i++) {
        to[i] = (uint8_t)prng_next(prng);
    }
}

static void fill_certificate(struct fixture *f, uint32_t signers)
{
    struct certificate *to = &f->finalization;
    memset(to, 0, sizeof *to);
    to->kind = VOTE_FINALIZE;
    to->epoch = 1;
    to->view = 12;
    to->candidate.parent_view = 11;
    fill(&f->prng, &to->candidate.block_hash, HASH_BYTES);
    to->signature_count = signers;
    for (uint32_t i = 0; i < signers; i++) {
        to->signers[i / 8] |= (uint8_t)(1u << (i % 8));
    }
    fill(&f->prng, to->signatures, signers * sizeof(struct signature));
}

static int setup(void **state)
{
    struct fixture *f = take_memory(sizeof *f);
    memset(f, 0, sizeof *f);
    f->arena_memory = take_memory(CLIENT_ANSWER_ARENA_BYTES);
    f->arena = arena_over(f->arena_memory, CLIENT_ANSWER_ARENA_BYTES);
    f->frame = take_memory(LIMIT_FRAME_BYTES);
    f->prng = prng_seeded(SEED);
    fill(&f->prng, f->batch, sizeof f->batch);
    fill(&f->prng, f->batch_header, sizeof f->batch_header);
    fill(&f->prng, f->block_header, sizeof f->block_header);
    fill(&f->prng, f->verdicts, sizeof f->verdicts);
    fill(&f->prng, f->hashes, sizeof f->hashes);
    for (unsigned i = 0; i <= LIMIT_BATCH_RECORDS; i++) {
        f->indexes[i] = (uint16_t)i;
    }
    memset(longest_name, 'n', CLIENT_NAME_BYTES);
    memset(longest_sentence, 's', CLIENT_SENTENCE_BYTES);
    memset(longest_labels, 'l', CLIENT_LABELS_BYTES);
    print_message("seed %d\n", SEED);
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    free(f->frame);
    free(f->arena_memory);
    free(f);
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

static size_t round_trip(struct fixture *f, const struct client_message *message,
                         struct client_message *ret_message)
{
    size_t length = 0;
    assert_int_equal(client_encode(message, f->frame, LIMIT_FRAME_BYTES, &length), STATUS_OK);
    assert_true(length > 0 && length <= client_encoded_bound(message));
    size_t unchanged = 1;
    assert_int_equal(client_encode(message, f->frame, length - 1, &unchanged), STATUS_OVERSIZED);
    assert_int_equal(unchanged, 1);
    assert_int_equal(client_encode(message, f->frame, length, &length), STATUS_OK);

    arena_reset(&f->arena);
    assert_int_equal(read_frame(reader, f->frame, length, &f->arena, NULL), STATUS_OK);
    arena_reset(&f->arena);
    const char *what = "untouched";
    assert_int_equal(
        client_decode(f->frame, length, &f->arena, LIMIT_VALIDATORS, ret_message, &what),
        STATUS_OK);
    assert_null(what);
    assert_int_equal(ret_message->kind, message->kind);
    assert_true(ret_message->request == message->request);
    return length;
}

static void check_small(struct fixture *f, const struct client_message *message,
                        struct client_message *ret_message)
{
    size_t length = round_trip(f, message, ret_message);
    struct arena arena = arena_over(f->arena_memory + f->arena.used, CLIENT_REQUEST_ARENA_BYTES);
    check_truncations(reader, f->frame, length, &arena);
}

static void test_submit(void **state)
{
    struct fixture *f = *state;
    struct client_message message = {.kind = CLIENT_SUBMIT, .request = UINT64_MAX};
    struct client_message decoded;
    message.submit.batch = (struct span){f->batch, BATCH_PREFIX_BYTES + RECORD_BYTES};
    check_small(f, &message, &decoded);
    assert_int_equal(f->arena.used, 0);

    message.submit.batch.length = BATCH_BYTES_MAX;
    size_t length = round_trip(f, &message, &decoded);
    assert_int_equal(f->arena.used, 0);
    assert_true(decoded.submit.batch.data > f->frame);
    assert_int_equal(decoded.submit.batch.length, BATCH_BYTES_MAX);
    assert_memory_equal(decoded.submit.batch.data, f->batch, BATCH_BYTES_MAX);

    message.submit.batch.length = BATCH_PREFIX_BYTES;
    assert_int_equal(client_encode(&message, f->frame, LIMIT_FRAME_BYTES, &length),
                     STATUS_MALFORMED);
}

static void test_small_requests(void **state)
{
    struct fixture *f = *state;
    struct client_message decoded;
    struct client_message message = {.kind = CLIENT_AWAIT, .request = 1};
    message.await = (struct client_await){f->hashes[3], 2500};
    check_small(f, &message, &decoded);
    assert_memory_equal(&decoded.await, &message.await, sizeof message.await);

    message = (struct client_message){.kind = CLIENT_NODE_STATUS, .request = 2};
    check_small(f, &message, &decoded);

    message = (struct client_message){.kind = CLIENT_SUBSCRIBE, .request = 0};
    message.subscribe.from_height = UINT64_MAX - 1;
    check_small(f, &message, &decoded);
    assert_true(decoded.subscribe.from_height == UINT64_MAX - 1);
}

static void test_small_answers(void **state)
{
    struct fixture *f = *state;
    struct client_message decoded;
    struct client_message message = {.kind = CLIENT_ACCEPTED, .request = 5};
    message.accepted = (struct client_accepted){f->hashes[1], 3};
    check_small(f, &message, &decoded);
    assert_memory_equal(&decoded.accepted, &message.accepted, sizeof message.accepted);

    message = (struct client_message){.kind = CLIENT_EXPIRED, .request = 6};
    check_small(f, &message, &decoded);

    message = (struct client_message){.kind = CLIENT_BUSY, .request = 7};
    message.busy.retry_ms = 250;
    check_small(f, &message, &decoded);
    assert_int_equal(decoded.busy.retry_ms, 250);

    for (unsigned s = CLIENT_BATCH_UNKNOWN; s <= CLIENT_BATCH_PROPOSED; s++) {
        message = (struct client_message){.kind = CLIENT_PENDING, .request = s};
        message.pending.state = (enum client_batch_state)s;
        check_small(f, &message, &decoded);
        assert_int_equal(decoded.pending.state, s);
    }
}

static void test_refused(void **state)
{
    struct fixture *f = *state;
    struct client_message decoded;
    struct client_message message = {.kind = CLIENT_REFUSED, .request = 5};
    message.refused = (struct client_refused){STATUS_BAD_SIGNATURE, "", "\xe4\xbd\x95 signs"};
    check_small(f, &message, &decoded);
    assert_int_equal(decoded.refused.code, STATUS_BAD_SIGNATURE);
    assert_string_equal(decoded.refused.field, "");
    assert_string_equal(decoded.refused.sentence, "\xe4\xbd\x95 signs");

    message.refused.field = longest_name;
    message.refused.sentence = longest_sentence;
    check_small(f, &message, &decoded);
    assert_string_equal(decoded.refused.sentence, longest_sentence);

    size_t length = 0;
    message.refused.field = longest_sentence;
    assert_int_equal(client_encode(&message, f->frame, LIMIT_FRAME_BYTES, &length),
                     STATUS_OVERSIZED);
    message.refused.field = "\x1b[31m";
    assert_int_equal(client_encode(&message, f->frame, LIMIT_FRAME_BYTES, &length),
                     STATUS_MALFORMED);
}

static struct client_message sample_receipt(struct fixture *f, uint32_t records, uint32_t signers,
                                            uint32_t path)
{
    struct client_message message = {.kind = CLIENT_RECEIPT, .request = 9};
    fill_certificate(f, signers);
    message.receipt = (struct client_receipt){
        .batch_header = f->batch_header,
        .verdicts = f->verdicts,
        .verdict_count = records,
        .block_header = f->block_header,
        .finalization = &f->finalization,
        .batch_index = 5,
        .batches_path = f->hashes,
        .batches_path_count = path,
        .verdicts_path = f->hashes + MERKLE_PATH_MAX,
        .verdicts_path_count = path,
    };
    fill(&f->prng, &message.receipt.batch_signature, sizeof(struct signature));
    return message;
}

static void assert_receipt(const struct client_receipt *a, const struct client_receipt *b)
{
    assert_memory_equal(a->batch_header, b->batch_header, BATCH_HEADER_BYTES);
    assert_memory_equal(&a->batch_signature, &b->batch_signature, sizeof(struct signature));
    assert_int_equal(a->verdict_count, b->verdict_count);
    assert_int_equal((uintptr_t)a->verdicts % 2, 0);
    assert_memory_equal(a->verdicts, b->verdicts, a->verdict_count * sizeof(uint16_t));
    assert_memory_equal(a->block_header, b->block_header, BLOCK_HEADER_BYTES);
    assert_memory_equal(a->finalization, b->finalization, sizeof(struct certificate));
    assert_int_equal(a->batch_index, b->batch_index);
    assert_int_equal(a->batches_path_count, b->batches_path_count);
    assert_int_equal(a->verdicts_path_count, b->verdicts_path_count);
    if (a->batches_path_count > 0) {
        assert_memory_equal(a->batches_path, b->batches_path, a->batches_path_count * HASH_BYTES);
        assert_memory_equal(a->verdicts_path, b->verdicts_path,
                            b->verdicts_path_count * HASH_BYTES);
    }
}

static void test_receipt(void **state)
{
    struct fixture *f = *state;
    struct client_message decoded;
    struct client_message message = sample_receipt(f, 1, 3, 0);
    check_small(f, &message, &decoded);
    assert_receipt(&decoded.receipt, &message.receipt);
    message = sample_receipt(f, LIMIT_BATCH_RECORDS, LIMIT_VALIDATORS, MERKLE_PATH_MAX);
    size_t length = round_trip(f, &message, &decoded);
    assert_receipt(&decoded.receipt, &message.receipt);

    /* For a client that knows a smaller set, the finalization has signers who are nobody. */
    struct client_message untouched = {.kind = CLIENT_BUSY};
    const char *what = NULL;
    arena_reset(&f->arena);
    assert_int_equal(client_decode(f->frame, length, &f->arena, VALIDATORS, &untouched, &what),
                     STATUS_MALFORMED);
    assert_string_equal(what, "signers");
    assert_int_equal(untouched.kind, CLIENT_BUSY);
    assert_int_equal(f->arena.used, 0);

    message = sample_receipt(f, 1, 3, 0);
    f->finalization.kind = VOTE_NOTARIZE;
    assert_int_equal(client_encode(&message, f->frame, LIMIT_FRAME_BYTES, &length), STATUS_OK);
    assert_int_equal(read_frame(reader, f->frame, length, &f->arena, &what), STATUS_MALFORMED);
    assert_string_equal(what, "finalization");
}

/* Goal: the steps between epochs come through, up to the limit and no further. */
static void test_receipt_epochs(void **state)
{
    struct fixture *f = *state;
    struct client_message decoded;
    struct client_message message = sample_receipt(f, 2, LIMIT_VALIDATORS, 1);
    static struct client_epoch epochs[CLIENT_EPOCHS_MAX + 1];
    static uint8_t members[LIMIT_VALIDATORS * CLIENT_MEMBER_BYTES];
    size_t length;
    const char *what = NULL;
    fill(&f->prng, members, sizeof members);
    for (uint32_t i = 0; i <= CLIENT_EPOCHS_MAX; i++) {
        epochs[i] = (struct client_epoch){.block_header = f->block_header,
                                          .finalization = &f->finalization,
                                          .members = members,
                                          .member_count = i % 2 == 0 ? 1 : LIMIT_VALIDATORS};
    }
    message.receipt.epochs = epochs;
    message.receipt.epoch_count = CLIENT_EPOCHS_MAX;
    (void)round_trip(f, &message, &decoded);
    assert_receipt(&decoded.receipt, &message.receipt);
    assert_int_equal(decoded.receipt.epoch_count, CLIENT_EPOCHS_MAX);
    for (uint32_t i = 0; i < CLIENT_EPOCHS_MAX; i++) {
        const struct client_epoch *epoch = &decoded.receipt.epochs[i];
        assert_int_equal(epoch->member_count, epochs[i].member_count);
        assert_memory_equal(epoch->members, members,
                            (size_t)epoch->member_count * CLIENT_MEMBER_BYTES);
        assert_memory_equal(epoch->block_header, f->block_header, BLOCK_HEADER_BYTES);
        assert_memory_equal(epoch->finalization, &f->finalization, sizeof(struct certificate));
    }
    message.receipt.epoch_count = CLIENT_EPOCHS_MAX + 1;
    assert_int_equal(client_encode(&message, f->frame, LIMIT_FRAME_BYTES, &length),
                     STATUS_OVERSIZED);
    static struct certificate other;
    other = f->finalization;
    other.kind = VOTE_NOTARIZE;
    epochs[1].finalization = &other;
    message.receipt.epoch_count = 2;
    assert_int_equal(client_encode(&message, f->frame, LIMIT_FRAME_BYTES, &length), STATUS_OK);
    assert_int_equal(read_frame(reader, f->frame, length, &f->arena, &what), STATUS_MALFORMED);
    assert_string_equal(what, "epochs");
}

static struct client_message sample_report(struct fixture *f, uint32_t peers, uint32_t alarms,
                                           uint32_t counters, uint32_t metrics)
{
    struct client_message message = {.kind = CLIENT_STATUS_REPORT, .request = 9};
    for (uint32_t i = 0; i < peers; i++) {
        f->peers[i] =
            (struct client_peer){i, longest_name, i % 2 == 0, 1000 + i, i * 10, 2000 + i, 30 + i};
    }
    for (uint32_t i = 0; i < alarms; i++) {
        f->alarms[i] = longest_sentence;
    }
    for (uint32_t i = 0; i < counters; i++) {
        f->counters[i] = (struct client_counter){longest_name, UINT64_MAX - i};
    }
    for (uint32_t i = 0; i < metrics; i++) {
        f->metrics[i] =
            (struct client_metric){longest_name, i % 2 == 0 ? longest_labels : "", UINT64_MAX - i};
    }
    message.status_report = (struct client_status_report){
        .height = 1,
        .final_hash = f->hashes[0],
        .state_root = f->hashes[1],
        .epoch = 2,
        .view = 3,
        .leader = 4,
        .role = "validator",
        .delta_ms = 5,
        .pool_batches = 6,
        .pool_bytes = 7,
        .uptime_ms = 8,
        .peers = f->peers,
        .peer_count = peers,
        .alarms = f->alarms,
        .alarm_count = alarms,
        .counters = f->counters,
        .counter_count = counters,
        .metrics = f->metrics,
        .metric_count = metrics,
    };
    return message;
}

static void assert_report(const struct client_status_report *a,
                          const struct client_status_report *b)
{
    assert_true(a->height == 1 && a->epoch == 2 && a->view == 3 && a->leader == 4);
    assert_true(a->delta_ms == 5 && a->pool_batches == 6 && a->pool_bytes == 7);
    assert_true(a->uptime_ms == 8);
    assert_string_equal(a->role, "validator");
    assert_memory_equal(&a->final_hash, &b->final_hash, HASH_BYTES);
    assert_memory_equal(&a->state_root, &b->state_root, HASH_BYTES);
    assert_int_equal(a->peer_count, b->peer_count);
    assert_int_equal(a->alarm_count, b->alarm_count);
    assert_int_equal(a->counter_count, b->counter_count);
    assert_int_equal(a->metric_count, b->metric_count);
    for (uint32_t i = 0; i < a->peer_count; i++) {
        assert_int_equal(a->peers[i].index, i);
        assert_string_equal(a->peers[i].name, longest_name);
        assert_int_equal(a->peers[i].connected, i % 2 == 0);
        assert_int_equal(a->peers[i].height, 1000 + i);
        assert_int_equal(a->peers[i].rtt_us, i * 10);
        assert_int_equal(a->peers[i].view, 2000 + i);
        assert_int_equal(a->peers[i].silent_ms, 30 + i);
    }
    for (uint32_t i = 0; i < a->alarm_count; i++) {
        assert_string_equal(a->alarms[i], longest_sentence);
    }
    for (uint32_t i = 0; i < a->counter_count; i++) {
        assert_string_equal(a->counters[i].name, longest_name);
        assert_true(a->counters[i].value == UINT64_MAX - i);
    }
    for (uint32_t i = 0; i < a->metric_count; i++) {
        assert_string_equal(a->metrics[i].name, longest_name);
        assert_string_equal(a->metrics[i].labels, i % 2 == 0 ? longest_labels : "");
        assert_true(a->metrics[i].value == UINT64_MAX - i);
    }
}

static void test_status_report(void **state)
{
    struct fixture *f = *state;
    struct client_message decoded;
    struct client_message message = sample_report(f, 0, 0, 0, 0);
    check_small(f, &message, &decoded);
    assert_report(&decoded.status_report, &message.status_report);
    message = sample_report(f, 2, 1, 2, 3);
    check_small(f, &message, &decoded);
    assert_report(&decoded.status_report, &message.status_report);
    message = sample_report(f, CLIENT_PEERS_MAX, CLIENT_ALARMS_MAX, CLIENT_COUNTERS_MAX,
                            CLIENT_METRICS_MAX);
    (void)round_trip(f, &message, &decoded);
    assert_report(&decoded.status_report, &message.status_report);

    size_t length = 0;
    for (uint32_t i = 0; i < 4; i++) {
        message = sample_report(f, CLIENT_PEERS_MAX + (i == 0), CLIENT_ALARMS_MAX + (i == 1),
                                CLIENT_COUNTERS_MAX + (i == 2), CLIENT_METRICS_MAX + (i == 3));
        assert_int_equal(client_encoded_bound(&message), 0);
        assert_int_equal(client_encode(&message, f->frame, LIMIT_FRAME_BYTES, &length),
                         STATUS_OVERSIZED);
    }
}

/* Batches of that many records each, from the bytes of a batch. */
static struct client_message sample_final_records(struct fixture *f, uint32_t batches,
                                                  uint32_t records)
{
    struct client_message message = {.kind = CLIENT_FINAL_RECORDS, .request = 4};
    for (uint32_t i = 0; i < batches; i++) {
        f->final_batches[i] = (struct client_final_batch){
            .batch_header = f->batch_header,
            .indexes = f->indexes,
            .verdicts = f->verdicts,
            .records = f->batch,
            .record_count = records,
        };
    }
    message.final_records = (struct client_final_records){77, 88, f->final_batches, batches};
    return message;
}

static void assert_final_records(const struct fixture *f, const struct client_final_records *a,
                                 uint32_t batches, uint32_t records)
{
    assert_int_equal(a->height, 77);
    assert_int_equal(a->timestamp_ms, 88);
    assert_int_equal(a->batch_count, batches);
    for (uint32_t i = 0; i < batches; i++) {
        const struct client_final_batch *batch = &a->batches[i];
        assert_memory_equal(batch->batch_header, f->batch_header, BATCH_HEADER_BYTES);
        assert_int_equal(batch->record_count, records);
        if (records > 0) {
            assert_int_equal((uintptr_t)batch->records % 8, 0);
            assert_memory_equal(batch->indexes, f->indexes, records * sizeof(uint16_t));
            assert_memory_equal(batch->verdicts, f->verdicts, records * sizeof(uint16_t));
            assert_memory_equal(batch->records, f->batch, records * RECORD_BYTES);
        }
    }
}

static void test_final_records(void **state)
{
    struct fixture *f = *state;
    const uint32_t batches[] = {0, 1, 2, LIMIT_BLOCK_BATCHES, 4};
    const uint32_t records[] = {0, 0, 3, LIMIT_BLOCK_RECORDS / LIMIT_BLOCK_BATCHES,
                                LIMIT_BATCH_RECORDS};
    for (size_t i = 0; i < 5; i++) {
        struct client_message message = sample_final_records(f, batches[i], records[i]);
        struct client_message decoded;
        if (i < 3) {
            check_small(f, &message, &decoded);
        } else {
            (void)round_trip(f, &message, &decoded);
        }
        assert_final_records(f, &decoded.final_records, batches[i], records[i]);
    }
    struct client_message message = sample_final_records(f, LIMIT_BLOCK_BATCHES + 1, 1);
    assert_int_equal(client_encoded_bound(&message), 0);
    message = sample_final_records(f, 1, LIMIT_BATCH_RECORDS + 1);
    size_t length = 0;
    assert_int_equal(client_encode(&message, f->frame, LIMIT_FRAME_BYTES, &length),
                     STATUS_OVERSIZED);
}

/* A small message of every kind; what it points to is in the fixture, until the next sample. */
static struct client_message sample_of(struct fixture *f, enum client_message_kind kind)
{
    struct client_message message = {.kind = kind, .request = 99};
    switch (kind) {
    case CLIENT_SUBMIT:
        message.submit.batch = (struct span){f->batch, BATCH_PREFIX_BYTES + 1};
        return message;
    case CLIENT_AWAIT:
        message.await = (struct client_await){f->hashes[0], 100};
        return message;
    case CLIENT_ACCEPTED:
        message.accepted = (struct client_accepted){f->hashes[0], 2};
        return message;
    case CLIENT_REFUSED:
        message.refused = (struct client_refused){STATUS_EXPIRED, "expires_ms", "It is too late."};
        return message;
    case CLIENT_RECEIPT:
        return sample_receipt(f, 3, 3, 2);
    case CLIENT_PENDING:
        message.pending.state = CLIENT_BATCH_POOLED;
        return message;
    case CLIENT_STATUS_REPORT:
        return sample_report(f, 2, 1, 1, 1);
    case CLIENT_BUSY:
        message.busy.retry_ms = 20;
        return message;
    case CLIENT_FINAL_RECORDS:
        return sample_final_records(f, 2, 2);
    case CLIENT_SUBSCRIBE:
        message.subscribe.from_height = 3;
        return message;
    case CLIENT_NODE_STATUS:
    case CLIENT_EXPIRED:
        return message;
    }
    fail();
    return message;
}

static void test_mutations(void **state)
{
    struct fixture *f = *state;
    enum { MUTANTS = 5000, FRAME_MAX = 8192 };
    uint8_t frame[FRAME_MAX];
    for (unsigned kind = CLIENT_SUBMIT; kind <= CLIENT_FINAL_RECORDS; kind++) {
        struct client_message message = sample_of(f, (enum client_message_kind)kind);
        size_t length = 0;
        assert_int_equal(client_encode(&message, frame, FRAME_MAX, &length), STATUS_OK);
        size_t accepted = check_mutations(reader, frame, length, &f->arena, &f->prng, MUTANTS);
        assert_in_range(accepted, MUTANTS / 100, MUTANTS * 3 / 4);
    }
}

/* What a node receives fits the small arena, whoever sends it; what does not is refused. */
static void test_request_arena(void **state)
{
    struct fixture *f = *state;
    struct client_message message = sample_report(f, CLIENT_PEERS_MAX, CLIENT_ALARMS_MAX,
                                                  CLIENT_COUNTERS_MAX, CLIENT_METRICS_MAX);
    size_t length = 0;
    assert_int_equal(client_encode(&message, f->frame, LIMIT_FRAME_BYTES, &length), STATUS_OK);
    struct arena small = arena_over(f->arena_memory, CLIENT_REQUEST_ARENA_BYTES);
    assert_int_equal(read_frame(reader, f->frame, length, &small, NULL), STATUS_NO_MEMORY);
    for (unsigned kind = CLIENT_SUBMIT; kind <= CLIENT_SUBSCRIBE; kind++) {
        message = sample_of(f, (enum client_message_kind)kind);
        assert_int_equal(client_encode(&message, f->frame, LIMIT_FRAME_BYTES, &length), STATUS_OK);
        arena_reset(&small);
        assert_int_equal(read_frame(reader, f->frame, length, &small, NULL), STATUS_OK);
        assert_true(small.used <= CLIENT_REQUEST_ARENA_BYTES / 16);
    }
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(client_message_name(CLIENT_SUBMIT), "SUBMIT");
    assert_string_equal(client_message_name(CLIENT_FINAL_RECORDS), "FINAL_RECORDS");
    assert_string_equal(client_message_name((enum client_message_kind)99), "UNKNOWN");
    assert_string_equal(client_batch_state_name(CLIENT_BATCH_PROPOSED), "proposed");
    assert_true(client_kind_is_request(CLIENT_SUBMIT));
    assert_true(client_kind_is_request(CLIENT_SUBSCRIBE));
    assert_false(client_kind_is_request(CLIENT_ACCEPTED));
    assert_false(client_kind_is_request(CLIENT_FINAL_RECORDS));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_submit),        TEST(test_small_requests),    TEST(test_small_answers),
        TEST(test_refused),       TEST(test_receipt),           TEST(test_receipt_epochs),
        TEST(test_status_report), TEST(test_final_records),     TEST(test_mutations),
        TEST(test_request_arena), cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
