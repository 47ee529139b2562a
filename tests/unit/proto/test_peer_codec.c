/*
 * Every kind of peer frame: the small and the largest of it survives encoding and decoding; no
 * prefix of it decodes; mutations of it are refused or mean exactly what their bytes say. What a
 * hostile peer may put on the wire is in test_wire.c.
 */
#include "proto/peer_codec.h"
#include "tests/unit/proto/frames.h"

struct fixture {
    struct arena arena; /* of the decoder */
    uint8_t *arena_memory;
    uint8_t *frame;
    struct prng prng;
    struct certificate certificates[2 + PEER_CERTIFICATES_MAX];
    struct hash ids[PEER_HAVE_MAX];
    uint8_t header[BLOCK_HEADER_BYTES];
    struct peer_final_block blocks[PEER_BLOCKS_MAX];
    uint8_t batch[BATCH_BYTES_MAX + 1];
};

enum { SEED = 20261123 };

static void fill(struct prng *prng, void *bytes, size_t length)
{
    uint8_t *to = bytes;
    for (size_t i = 0; i < length; i++) {
        to[i] = (uint8_t)prng_next(prng);
    }
}

static struct vote sample_vote(struct prng *prng, enum vote_kind kind)
{
    struct vote vote = {.kind = kind, .signer = 3, .epoch = 7, .view = 1 + prng_below(prng, 1000)};
    if (kind != VOTE_NULLIFY) {
        vote.candidate.parent_view = prng_below(prng, 1000);
        fill(prng, &vote.candidate.block_hash, HASH_BYTES);
    }
    fill(prng, &vote.signature, sizeof vote.signature);
    return vote;
}

static void sample_certificate(struct prng *prng, enum vote_kind kind, uint64_t view,
                               uint32_t signers, struct certificate *ret_certificate)
{
    memset(ret_certificate, 0, sizeof *ret_certificate);
    ret_certificate->kind = kind;
    ret_certificate->epoch = 7;
    ret_certificate->view = view;
    if (kind != VOTE_NULLIFY) {
        ret_certificate->candidate.parent_view = view - 1;
        fill(prng, &ret_certificate->candidate.block_hash, HASH_BYTES);
    }
    ret_certificate->signature_count = signers;
    for (uint32_t i = 0; i < signers; i++) {
        ret_certificate->signers[i / 8] |= (uint8_t)(1u << (i % 8));
    }
    fill(prng, ret_certificate->signatures, signers * sizeof(struct signature));
}

static int setup(void **state)
{
    struct fixture *f = take_memory(sizeof *f);
    memset(f, 0, sizeof *f);
    f->arena_memory = take_memory(PEER_ARENA_BYTES);
    f->arena = arena_over(f->arena_memory, PEER_ARENA_BYTES);
    f->frame = take_memory(LIMIT_FRAME_BYTES);
    f->prng = prng_seeded(SEED);
    fill(&f->prng, f->ids, sizeof f->ids);
    fill(&f->prng, f->header, sizeof f->header);
    fill(&f->prng, f->batch, sizeof f->batch);
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

/* Reader of frames.h for sets of 128 validators. */
static enum status reader(const uint8_t *frame, size_t length, struct arena *arena, uint8_t *again,
                          size_t capacity, size_t *ret_again_length, const char **ret_what)
{
    struct peer_message message;
    enum status status = peer_decode(frame, length, arena, LIMIT_VALIDATORS, &message, ret_what);
    if (status != STATUS_OK) {
        return status;
    }
    assert_int_equal(peer_encoded_bound(&message), length);
    assert_int_equal(peer_encode(&message, again, capacity, ret_again_length), STATUS_OK);
    return STATUS_OK;
}

/* Encodes, checks the general properties, and decodes into ret_message; the arena must do. */
static size_t round_trip(struct fixture *f, const struct peer_message *message,
                         struct peer_message *ret_message)
{
    size_t length = 0;
    size_t bound = peer_encoded_bound(message);
    assert_int_equal(peer_encode(message, f->frame, LIMIT_FRAME_BYTES, &length), STATUS_OK);
    assert_true(length > 0 && length <= bound);
    size_t unchanged = 1;
    assert_int_equal(peer_encode(message, f->frame, length - 1, &unchanged), STATUS_OVERSIZED);
    assert_int_equal(unchanged, 1);
    assert_int_equal(peer_encode(message, f->frame, length, &length), STATUS_OK);

    arena_reset(&f->arena);
    assert_int_equal(read_frame(reader, f->frame, length, &f->arena, NULL), STATUS_OK);
    arena_reset(&f->arena);
    const char *what = "untouched";
    assert_int_equal(peer_decode(f->frame, length, &f->arena, LIMIT_VALIDATORS, ret_message, &what),
                     STATUS_OK);
    assert_null(what);
    assert_int_equal(ret_message->kind, message->kind);
    return length;
}

static void assert_certificate(const struct certificate *a, const struct certificate *b)
{
    assert_non_null(a);
    assert_memory_equal(a, b, sizeof *a);
}

static void test_vote(void **state)
{
    struct fixture *f = *state;
    for (unsigned kind = VOTE_NOTARIZE; kind <= VOTE_FINALIZE; kind++) {
        struct peer_message message = {.kind = PEER_VOTE};
        message.vote = sample_vote(&f->prng, (enum vote_kind)kind);
        struct peer_message decoded;
        size_t length = round_trip(f, &message, &decoded);
        assert_memory_equal(&decoded.vote, &message.vote, sizeof message.vote);
        check_truncations(reader, f->frame, length, &f->arena);
    }
}

static void test_certificate(void **state)
{
    struct fixture *f = *state;
    for (unsigned kind = VOTE_NOTARIZE; kind <= VOTE_FINALIZE; kind++) {
        for (uint32_t signers = 1; signers <= LIMIT_VALIDATORS; signers += 127) {
            struct peer_message message = {.kind = PEER_CERTIFICATE};
            sample_certificate(&f->prng, (enum vote_kind)kind, 9, signers, &f->certificates[0]);
            message.certificate = &f->certificates[0];
            struct peer_message decoded;
            size_t length = round_trip(f, &message, &decoded);
            assert_certificate(decoded.certificate, &f->certificates[0]);
            check_truncations(reader, f->frame, length, &f->arena);
        }
    }
}

/* A proposal with as many nullifications, of certificates with that many signers. */
static struct peer_message sample_proposal(struct fixture *f, uint32_t nullifications,
                                           uint32_t signers, uint32_t batches)
{
    struct peer_message message = {.kind = PEER_PROPOSAL};
    struct peer_proposal *proposal = &message.proposal;
    proposal->body.vote = sample_vote(&f->prng, VOTE_NOTARIZE);
    proposal->body.has_block = true;
    proposal->block = (struct peer_block){f->header, f->ids, batches};
    sample_certificate(&f->prng, VOTE_NOTARIZE, 20, signers, &f->certificates[0]);
    sample_certificate(&f->prng, VOTE_FINALIZE, 19, signers, &f->certificates[1]);
    for (uint32_t i = 0; i < nullifications; i++) {
        sample_certificate(&f->prng, VOTE_NULLIFY, 21 + i, signers, &f->certificates[2 + i]);
    }
    proposal->body.parent = &f->certificates[0];
    proposal->body.final = &f->certificates[1];
    proposal->body.nullifications = &f->certificates[2];
    proposal->body.nullification_count = nullifications;
    return message;
}

static void assert_block(const struct fixture *f, const struct peer_block *block, uint32_t batches)
{
    assert_memory_equal(block->header, f->header, BLOCK_HEADER_BYTES);
    assert_int_equal(block->batch_count, batches);
    if (batches > 0) {
        assert_memory_equal(block->batch_ids, f->ids, batches * HASH_BYTES);
    }
}

static void test_proposal_full(void **state)
{
    struct fixture *f = *state;
    struct peer_message message =
        sample_proposal(f, LIMIT_PROPOSAL_NULLIFICATIONS, LIMIT_VALIDATORS, LIMIT_BLOCK_BATCHES);
    struct peer_message decoded;
    (void)round_trip(f, &message, &decoded);
    const struct proposal *body = &decoded.proposal.body;
    assert_memory_equal(&body->vote, &message.proposal.body.vote, sizeof body->vote);
    assert_true(body->has_block);
    assert_block(f, &decoded.proposal.block, LIMIT_BLOCK_BATCHES);
    assert_certificate(body->parent, &f->certificates[0]);
    assert_certificate(body->final, &f->certificates[1]);
    assert_int_equal(body->nullification_count, LIMIT_PROPOSAL_NULLIFICATIONS);
    for (uint32_t i = 0; i < body->nullification_count; i++) {
        assert_certificate(&body->nullifications[i], &f->certificates[2 + i]);
    }
}

static void test_proposal_small(void **state)
{
    struct fixture *f = *state;
    struct peer_message message = sample_proposal(f, 2, 3, 1);
    struct peer_message decoded;
    size_t length = round_trip(f, &message, &decoded);
    check_truncations(reader, f->frame, length, &f->arena);

    /* A proposal of a block that was proposed before, on F. */
    message.proposal.body.has_block = false;
    message.proposal.body.parent = NULL;
    message.proposal.body.final = NULL;
    message.proposal.body.nullification_count = 0;
    (void)round_trip(f, &message, &decoded);
    assert_false(decoded.proposal.body.has_block);
    assert_null(decoded.proposal.body.parent);
    assert_null(decoded.proposal.body.final);
    assert_int_equal(decoded.proposal.body.nullification_count, 0);

    /* A block without batches. */
    message.proposal.body.has_block = true;
    message.proposal.block.batch_count = 0;
    (void)round_trip(f, &message, &decoded);
    assert_block(f, &decoded.proposal.block, 0);
}

static struct peer_message sample_status(struct fixture *f, bool full)
{
    struct peer_message message = {.kind = PEER_STATUS};
    message.status = (struct peer_status){
        .epoch = 7,
        .view = 30,
        .final_height = UINT64_MAX,
        .final_view = 28,
        .final_hash = f->ids[0],
        .held_from = 29,
        .held_notarizations = 0x8000000000000001,
        .held_nullifications = 2,
        .steady = true,
    };
    if (full) {
        sample_certificate(&f->prng, VOTE_FINALIZE, 28, 3, &f->certificates[0]);
        message.status.final = &f->certificates[0];
        message.status.has_your_vote = true;
        message.status.your_vote = sample_vote(&f->prng, VOTE_NULLIFY);
    }
    return message;
}

static void test_status(void **state)
{
    struct fixture *f = *state;
    struct peer_message message = sample_status(f, true);
    struct peer_message decoded;
    size_t length = round_trip(f, &message, &decoded);
    const struct peer_status *status = &decoded.status;
    assert_int_equal(status->epoch, 7);
    assert_int_equal(status->view, 30);
    assert_true(status->final_height == UINT64_MAX);
    assert_int_equal(status->final_view, 28);
    assert_memory_equal(&status->final_hash, &f->ids[0], HASH_BYTES);
    assert_int_equal(status->held_from, 29);
    assert_true(status->held_notarizations == 0x8000000000000001);
    assert_int_equal(status->held_nullifications, 2);
    assert_true(status->steady);
    assert_certificate(status->final, &f->certificates[0]);
    assert_true(status->has_your_vote);
    assert_memory_equal(&status->your_vote, &message.status.your_vote, sizeof(struct vote));
    check_truncations(reader, f->frame, length, &f->arena);

    message = sample_status(f, false);
    (void)round_trip(f, &message, &decoded);
    assert_null(decoded.status.final);
    assert_false(decoded.status.has_your_vote);
}

/* The batch is read in place: the arena is not touched. */
static void test_batch(void **state)
{
    struct fixture *f = *state;
    const size_t lengths[] = {BATCH_PREFIX_BYTES + 1, BATCH_PREFIX_BYTES + RECORD_BYTES,
                              BATCH_BYTES_MAX};
    for (size_t i = 0; i < 3; i++) {
        struct peer_message message = {.kind = PEER_BATCH};
        message.batch = (struct peer_batch){{f->batch, lengths[i]}, i % 2 == 0};
        struct peer_message decoded;
        size_t length = round_trip(f, &message, &decoded);
        assert_int_equal(f->arena.used, 0);
        assert_int_equal(decoded.batch.bytes.length, lengths[i]);
        assert_true(decoded.batch.bytes.data > f->frame);
        assert_true(decoded.batch.bytes.data < f->frame + length);
        assert_memory_equal(decoded.batch.bytes.data, f->batch, lengths[i]);
        assert_int_equal(decoded.batch.pushed, i % 2 == 0);
        if (i < 2) {
            check_truncations(reader, f->frame, length, &f->arena);
        }
    }
    struct peer_message message = {.kind = PEER_BATCH};
    message.batch.bytes = (struct span){f->batch, BATCH_PREFIX_BYTES};
    size_t length = 0;
    assert_int_equal(peer_encode(&message, f->frame, LIMIT_FRAME_BYTES, &length), STATUS_MALFORMED);
    message.batch.bytes.length = BATCH_BYTES_MAX + 1;
    assert_int_equal(peer_encode(&message, f->frame, LIMIT_FRAME_BYTES, &length), STATUS_OVERSIZED);
}

static void test_batch_ids(void **state)
{
    struct fixture *f = *state;
    const enum peer_message_kind kinds[] = {PEER_BATCH_HAVE, PEER_BATCH_REQUEST,
                                            PEER_BATCH_MISSING};
    const uint32_t maxima[] = {PEER_HAVE_MAX, PEER_REQUEST_MAX, PEER_REQUEST_MAX};
    for (size_t i = 0; i < 3; i++) {
        struct peer_message message = {.kind = kinds[i]};
        struct peer_message decoded;
        message.batch_ids = (struct peer_batch_ids){f->ids, 1};
        size_t length = round_trip(f, &message, &decoded);
        check_truncations(reader, f->frame, length, &f->arena);

        message.batch_ids.count = maxima[i];
        (void)round_trip(f, &message, &decoded);
        assert_int_equal(decoded.batch_ids.count, maxima[i]);
        assert_memory_equal(decoded.batch_ids.ids, f->ids, maxima[i] * HASH_BYTES);

        message.batch_ids.count = maxima[i] + 1;
        assert_int_equal(peer_encoded_bound(&message), 0);
        assert_int_equal(peer_encode(&message, f->frame, LIMIT_FRAME_BYTES, &length),
                         STATUS_OVERSIZED);
        message.batch_ids.count = 0;
        assert_int_equal(peer_encode(&message, f->frame, LIMIT_FRAME_BYTES, &length),
                         STATUS_MALFORMED);
    }
}

static void test_requests(void **state)
{
    struct fixture *f = *state;
    struct peer_message message = {.kind = PEER_CERTIFICATE_REQUEST};
    struct peer_message decoded;
    message.certificate_request = (struct peer_certificate_request){1, 2, UINT64_MAX, 4};
    size_t length = round_trip(f, &message, &decoded);
    assert_memory_equal(&decoded.certificate_request, &message.certificate_request,
                        sizeof message.certificate_request);
    check_truncations(reader, f->frame, length, &f->arena);

    message = (struct peer_message){.kind = PEER_BLOCK_REQUEST};
    message.block_request = (struct peer_block_request){77, PEER_BLOCKS_MAX};
    length = round_trip(f, &message, &decoded);
    assert_int_equal(decoded.block_request.from_height, 77);
    assert_int_equal(decoded.block_request.count, PEER_BLOCKS_MAX);
    check_truncations(reader, f->frame, length, &f->arena);

    message.block_request.count = PEER_BLOCKS_MAX + 1;
    assert_int_equal(peer_encode(&message, f->frame, LIMIT_FRAME_BYTES, &length), STATUS_OVERSIZED);
}

static struct peer_message sample_certificates(struct fixture *f, uint32_t count, uint32_t signers)
{
    struct peer_message message = {.kind = PEER_CERTIFICATES};
    for (uint32_t i = 0; i < count; i++) {
        sample_certificate(&f->prng, (enum vote_kind)(1 + i % 3), 1 + i, signers,
                           &f->certificates[i]);
    }
    message.certificates = (struct peer_certificates){f->certificates, count, true, 12345};
    return message;
}

static void test_certificates(void **state)
{
    struct fixture *f = *state;
    const uint32_t counts[] = {0, 3, PEER_CERTIFICATES_MAX};
    struct peer_message decoded;
    for (size_t i = 0; i < 3; i++) {
        struct peer_message message =
            sample_certificates(f, counts[i], i == 2 ? LIMIT_VALIDATORS : 3);
        size_t length = round_trip(f, &message, &decoded);
        assert_int_equal(decoded.certificates.count, counts[i]);
        assert_true(decoded.certificates.more);
        assert_int_equal(decoded.certificates.next_cursor, 12345);
        for (uint32_t k = 0; k < counts[i]; k++) {
            assert_certificate(&decoded.certificates.list[k], &f->certificates[k]);
        }
        if (i < 2) {
            check_truncations(reader, f->frame, length, &f->arena);
        }
    }
    struct peer_message message = sample_certificates(f, PEER_CERTIFICATES_MAX + 1, 1);
    assert_int_equal(peer_encoded_bound(&message), 0);
}

static struct peer_message sample_blocks(struct fixture *f, uint32_t count, uint32_t signers,
                                         uint32_t batches)
{
    struct peer_message message = {.kind = PEER_BLOCKS};
    for (uint32_t i = 0; i < count; i++) {
        sample_certificate(&f->prng, VOTE_FINALIZE, 1 + i, signers, &f->certificates[i]);
        f->blocks[i].block = (struct peer_block){f->header, f->ids, batches};
        f->blocks[i].finalization = &f->certificates[i];
    }
    message.blocks = (struct peer_blocks){f->blocks, count};
    return message;
}

static void test_blocks(void **state)
{
    struct fixture *f = *state;
    const uint32_t counts[] = {0, 2, PEER_BLOCKS_MAX};
    const uint32_t batches[] = {0, 1, LIMIT_BLOCK_BATCHES};
    for (size_t i = 0; i < 3; i++) {
        struct peer_message message =
            sample_blocks(f, counts[i], i == 2 ? LIMIT_VALIDATORS : 3, batches[i]);
        struct peer_message decoded;
        size_t length = round_trip(f, &message, &decoded);
        assert_int_equal(decoded.blocks.count, counts[i]);
        for (uint32_t k = 0; k < counts[i]; k++) {
            assert_block(f, &decoded.blocks.list[k].block, batches[i]);
            assert_certificate(decoded.blocks.list[k].finalization, &f->certificates[k]);
        }
        if (i < 2) {
            check_truncations(reader, f->frame, length, &f->arena);
        }
    }
}

static void test_evidence(void **state)
{
    struct fixture *f = *state;
    struct peer_message message = {.kind = PEER_EVIDENCE};
    message.evidence.first = sample_vote(&f->prng, VOTE_FINALIZE);
    message.evidence.second = sample_vote(&f->prng, VOTE_NULLIFY);
    struct peer_message decoded;
    size_t length = round_trip(f, &message, &decoded);
    assert_memory_equal(&decoded.evidence, &message.evidence, sizeof message.evidence);
    check_truncations(reader, f->frame, length, &f->arena);
}

/* A fresh arena of every smaller size gives NO_MEMORY or the message, and never more than it has.
 */
static void test_budget(void **state)
{
    struct fixture *f = *state;
    struct peer_message message = sample_proposal(f, 2, 3, 4);
    struct peer_message decoded;
    size_t length = round_trip(f, &message, &decoded);
    size_t needed = f->arena.used;
    for (size_t capacity = 0; capacity <= needed; capacity += 16) {
        uint8_t *memory = take_memory(capacity);
        struct arena arena = arena_over(memory, capacity);
        enum status status = read_frame(reader, f->frame, length, &arena, NULL);
        assert_int_equal(status, capacity < needed ? STATUS_NO_MEMORY : STATUS_OK);
        free(memory);
    }
}

/* A small message of every kind. Its certificates live in the fixture, until the next sample. */
static struct peer_message sample_of(struct fixture *f, enum peer_message_kind kind)
{
    struct peer_message message = {.kind = kind};
    switch (kind) {
    case PEER_VOTE:
        message.vote = sample_vote(&f->prng, VOTE_NOTARIZE);
        return message;
    case PEER_CERTIFICATE:
        sample_certificate(&f->prng, VOTE_FINALIZE, 5, 3, &f->certificates[0]);
        message.certificate = &f->certificates[0];
        return message;
    case PEER_PROPOSAL:
        return sample_proposal(f, 2, 3, 1);
    case PEER_STATUS:
        return sample_status(f, true);
    case PEER_BATCH:
        message.batch.bytes = (struct span){f->batch, BATCH_PREFIX_BYTES + 1};
        return message;
    case PEER_BATCH_HAVE:
    case PEER_BATCH_REQUEST:
    case PEER_BATCH_MISSING:
        message.batch_ids = (struct peer_batch_ids){f->ids, 2};
        return message;
    case PEER_CERTIFICATE_REQUEST:
        message.certificate_request = (struct peer_certificate_request){7, 3, 9, 1};
        return message;
    case PEER_CERTIFICATES:
        return sample_certificates(f, 2, 3);
    case PEER_BLOCK_REQUEST:
        message.block_request = (struct peer_block_request){77, 3};
        return message;
    case PEER_BLOCKS:
        return sample_blocks(f, 2, 3, 1);
    case PEER_EVIDENCE:
        message.evidence.first = sample_vote(&f->prng, VOTE_NOTARIZE);
        message.evidence.second = sample_vote(&f->prng, VOTE_NOTARIZE);
        return message;
    }
    fail();
    return message;
}

static void test_mutations(void **state)
{
    struct fixture *f = *state;
    enum { MUTANTS = 5000, FRAME_MAX = 4096 };
    uint8_t frame[FRAME_MAX];
    for (unsigned kind = PEER_VOTE; kind <= PEER_EVIDENCE; kind++) {
        struct peer_message message = sample_of(f, (enum peer_message_kind)kind);
        size_t length = 0;
        assert_int_equal(peer_encode(&message, frame, FRAME_MAX, &length), STATUS_OK);
        size_t accepted = check_mutations(reader, frame, length, &f->arena, &f->prng, MUTANTS);
        /* Changes inside hashes and numbers pass, so the loop reaches all of the decoder; most
           others do not. */
        assert_in_range(accepted, MUTANTS / 100, MUTANTS * 3 / 4);
    }
}

static void test_names(void **state)
{
    (void)state;
    assert_string_equal(peer_message_name(PEER_VOTE), "VOTE");
    assert_string_equal(peer_message_name(PEER_EVIDENCE), "EVIDENCE");
    assert_string_equal(peer_message_name((enum peer_message_kind)99), "UNKNOWN");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_vote, setup, teardown),
        cmocka_unit_test_setup_teardown(test_certificate, setup, teardown),
        cmocka_unit_test_setup_teardown(test_proposal_full, setup, teardown),
        cmocka_unit_test_setup_teardown(test_proposal_small, setup, teardown),
        cmocka_unit_test_setup_teardown(test_status, setup, teardown),
        cmocka_unit_test_setup_teardown(test_batch, setup, teardown),
        cmocka_unit_test_setup_teardown(test_batch_ids, setup, teardown),
        cmocka_unit_test_setup_teardown(test_requests, setup, teardown),
        cmocka_unit_test_setup_teardown(test_certificates, setup, teardown),
        cmocka_unit_test_setup_teardown(test_blocks, setup, teardown),
        cmocka_unit_test_setup_teardown(test_evidence, setup, teardown),
        cmocka_unit_test_setup_teardown(test_budget, setup, teardown),
        cmocka_unit_test_setup_teardown(test_mutations, setup, teardown),
        cmocka_unit_test(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
