/*
 * peer_codec: the schema's rules, and the decoder of validators' frames (see peer_codec.h). The
 * encoder is peer_encode.c.
 */
#include "proto/peer_codec.h"

#include <string.h>

#include "base/check.h"
#include "proto/certificate_codec.h"
#include "proto/peer.pb-c.h"
#include "proto/peer_schema.h"
#include "proto/wire.h"

static const struct wire_rule peer_rules[] = {
    CERTIFICATE_WIRE_RULES,
    {&hefu__peer__block__descriptor, 1, 0, BLOCK_HEADER_BYTES, 1, 1},
    {&hefu__peer__block__descriptor, 2, 0, HASH_BYTES, 0, LIMIT_BLOCK_BATCHES},
    {&hefu__peer__proposal__descriptor, 5, LIMIT_PROPOSAL_NULLIFICATIONS, 0, 0, 0},
    {&hefu__peer__status__descriptor, 5, 0, HASH_BYTES, 1, 1},
    {&hefu__peer__batch__descriptor, 1, 0, 1, BATCH_PREFIX_BYTES + 1, BATCH_BYTES_MAX},
    {&hefu__peer__batch_ids__descriptor, 1, 0, HASH_BYTES, 1, PEER_HAVE_MAX},
    {&hefu__peer__certificates__descriptor, 1, PEER_CERTIFICATES_MAX, 0, 0, 0},
    {&hefu__peer__blocks__descriptor, 1, PEER_BLOCKS_MAX, 0, 0, 0},
};

const struct wire_schema peer_schema = {
    .frame = &hefu__peer__frame__descriptor,
    .version = PEER_VERSION,
    .rules = peer_rules,
    .rule_count = sizeof peer_rules / sizeof peer_rules[0],
};

/* What decoding carries along. */
struct peer_decoder {
    struct arena *arena;
    uint32_t validator_count;
    const char *what;
};

static enum status refuse(struct peer_decoder *decoder, const char *what)
{
    decoder->what = what;
    return STATUS_MALFORMED;
}

static void block_from_wire(const Hefu__Peer__Block *wire, struct peer_block *ret_block)
{
    ret_block->header = wire->header.data;
    ret_block->batch_count = hashes_from_wire(&wire->batch_ids, &ret_block->batch_ids);
}

/* A certificate that may be absent. kinds: bit k set if kind k has its place here. */
static enum status decode_certificate(struct peer_decoder *decoder,
                                      const Hefu__Wire__Certificate *wire, unsigned kinds,
                                      const char *what, const struct certificate **ret_certificate)
{
    *ret_certificate = NULL;
    if (wire == NULL) {
        return STATUS_OK;
    }
    if ((kinds >> wire->kind & 1) == 0) {
        return refuse(decoder, what);
    }
    return certificate_take(wire, decoder->validator_count, decoder->arena, ret_certificate,
                            &decoder->what);
}

#define KIND_NOTARIZE (1u << VOTE_NOTARIZE)
#define KIND_NULLIFY (1u << VOTE_NULLIFY)
#define KIND_FINALIZE (1u << VOTE_FINALIZE)

static enum status decode_list(struct peer_decoder *decoder, Hefu__Wire__Certificate *const *list,
                               size_t count, const struct certificate **ret_list)
{
    *ret_list = NULL;
    if (count == 0) {
        return STATUS_OK;
    }
    struct certificate *certificates = arena_take(decoder->arena, count * sizeof *certificates);
    if (certificates == NULL) {
        return STATUS_NO_MEMORY;
    }
    for (size_t i = 0; i < count; i++) {
        enum status status = certificate_from_wire(list[i], decoder->validator_count,
                                                   &certificates[i], &decoder->what);
        if (status != STATUS_OK) {
            return status;
        }
    }
    *ret_list = certificates;
    return STATUS_OK;
}

static enum status decode_nullifications(struct peer_decoder *decoder,
                                         const Hefu__Peer__Proposal *wire,
                                         struct proposal *proposal)
{
    for (size_t i = 0; i < wire->n_nullifications; i++) {
        const Hefu__Wire__Certificate *one = wire->nullifications[i];
        if (one->kind != HEFU__WIRE__VOTE_KIND__NULLIFY ||
            (i > 0 && one->view <= wire->nullifications[i - 1]->view)) {
            return refuse(decoder, "nullifications");
        }
    }
    proposal->nullification_count = (uint32_t)wire->n_nullifications;
    return decode_list(decoder, wire->nullifications, wire->n_nullifications,
                       &proposal->nullifications);
}

static enum status decode_proposal(struct peer_decoder *decoder, const Hefu__Peer__Proposal *wire,
                                   struct peer_proposal *proposal)
{
    memset(proposal, 0, sizeof *proposal);
    struct proposal *body = &proposal->body;
    enum status status = vote_from_wire(wire->vote, &body->vote, &decoder->what);
    if (status != STATUS_OK) {
        return status;
    }
    if (body->vote.kind != VOTE_NOTARIZE) {
        return refuse(decoder, "vote");
    }
    if (wire->block != NULL) {
        body->has_block = true;
        block_from_wire(wire->block, &proposal->block);
    }
    status = decode_certificate(decoder, wire->parent, KIND_NOTARIZE | KIND_FINALIZE, "parent",
                                &body->parent);
    if (status == STATUS_OK) {
        status = decode_certificate(decoder, wire->final, KIND_FINALIZE, "final", &body->final);
    }
    return status == STATUS_OK ? decode_nullifications(decoder, wire, body) : status;
}

static enum status decode_status(struct peer_decoder *decoder, const Hefu__Peer__Status *wire,
                                 struct peer_status *status)
{
    *status = (struct peer_status){
        .epoch = wire->epoch,
        .view = wire->view,
        .final_height = wire->final_height,
        .final_view = wire->final_view,
        .held_from = wire->held_from,
        .held_notarizations = wire->held_notarizations,
        .held_nullifications = wire->held_nullifications,
        .has_your_vote = wire->your_vote != NULL,
        .steady = wire->steady,
    };
    if (!wire_copy(&wire->final_hash, HASH_BYTES, status->final_hash.bytes)) {
        return refuse(decoder, "final_hash");
    }
    if (wire->your_vote != NULL) {
        enum status vote = vote_from_wire(wire->your_vote, &status->your_vote, &decoder->what);
        if (vote != STATUS_OK) {
            return vote;
        }
    }
    return decode_certificate(decoder, wire->final, KIND_FINALIZE, "final", &status->final);
}

static enum status decode_ids(struct peer_decoder *decoder, const Hefu__Peer__BatchIds *wire,
                              uint32_t count_max, struct peer_batch_ids *list)
{
    list->count = hashes_from_wire(&wire->ids, &list->ids);
    if (list->count > count_max) {
        decoder->what = "ids";
        return STATUS_OVERSIZED;
    }
    return STATUS_OK;
}

static enum status decode_certificate_request(struct peer_decoder *decoder,
                                              const Hefu__Peer__CertificateRequest *wire,
                                              struct peer_certificate_request *request)
{
    if (wire->to_view < wire->from_view) {
        return refuse(decoder, "to_view");
    }
    *request = (struct peer_certificate_request){
        .epoch = wire->epoch,
        .from_view = wire->from_view,
        .to_view = wire->to_view,
        .cursor = wire->cursor,
    };
    return STATUS_OK;
}

static enum status decode_certificates(struct peer_decoder *decoder,
                                       const Hefu__Peer__Certificates *wire,
                                       struct peer_certificates *certificates)
{
    certificates->count = (uint32_t)wire->n_list;
    certificates->more = wire->more != 0;
    certificates->next_cursor = wire->next_cursor;
    return decode_list(decoder, wire->list, wire->n_list, &certificates->list);
}

static enum status decode_block_request(struct peer_decoder *decoder,
                                        const Hefu__Peer__BlockRequest *wire,
                                        struct peer_block_request *request)
{
    if (wire->count == 0) {
        return refuse(decoder, "count");
    }
    if (wire->count > PEER_BLOCKS_MAX) {
        decoder->what = "count";
        return STATUS_OVERSIZED;
    }
    *request = (struct peer_block_request){wire->from_height, wire->count};
    return STATUS_OK;
}

static enum status decode_blocks(struct peer_decoder *decoder, const Hefu__Peer__Blocks *wire,
                                 struct peer_blocks *blocks)
{
    *blocks = (struct peer_blocks){.list = NULL, .count = (uint32_t)wire->n_list};
    if (wire->n_list == 0) {
        return STATUS_OK;
    }
    struct peer_final_block *list = arena_take(decoder->arena, wire->n_list * sizeof *list);
    if (list == NULL) {
        return STATUS_NO_MEMORY;
    }
    for (size_t i = 0; i < wire->n_list; i++) {
        const Hefu__Peer__FinalBlock *from = wire->list[i];
        block_from_wire(from->block, &list[i].block);
        enum status status = decode_certificate(decoder, from->finalization, KIND_FINALIZE,
                                                "finalization", &list[i].finalization);
        if (status != STATUS_OK) {
            return status;
        }
    }
    blocks->list = list;
    return STATUS_OK;
}

static enum status decode_evidence(struct peer_decoder *decoder, const Hefu__Peer__Evidence *wire,
                                   struct evidence *evidence)
{
    enum status status = vote_from_wire(wire->first, &evidence->first, &decoder->what);
    return status == STATUS_OK ? vote_from_wire(wire->second, &evidence->second, &decoder->what)
                               : status;
}

/* A batch is read in place: it is up to 1.3 MB, and unpacking would copy it. */
static enum status decode_batch(struct peer_decoder *decoder, struct span wire,
                                struct peer_batch *batch)
{
    uint64_t pushed = 0;
    if (!wire_find(wire, 1, &batch->bytes) || !wire_find_number(wire, 2, &pushed)) {
        return refuse(decoder, "batch");
    }
    batch->pushed = pushed != 0;
    return STATUS_OK;
}

static enum status decode_body(struct peer_decoder *decoder, const Hefu__Peer__Frame *frame,
                               struct peer_message *message)
{
    message->kind = (enum peer_message_kind)(frame->body_case - 1);
    switch (frame->body_case) {
    case HEFU__PEER__FRAME__BODY_VOTE:
        return vote_from_wire(frame->vote, &message->vote, &decoder->what);
    case HEFU__PEER__FRAME__BODY_CERTIFICATE:
        return certificate_take(frame->certificate, decoder->validator_count, decoder->arena,
                                &message->certificate, &decoder->what);
    case HEFU__PEER__FRAME__BODY_PROPOSAL:
        return decode_proposal(decoder, frame->proposal, &message->proposal);
    case HEFU__PEER__FRAME__BODY_STATUS:
        return decode_status(decoder, frame->status, &message->status);
    case HEFU__PEER__FRAME__BODY_BATCH_HAVE:
        return decode_ids(decoder, frame->batch_have, PEER_HAVE_MAX, &message->batch_ids);
    case HEFU__PEER__FRAME__BODY_BATCH_REQUEST:
        return decode_ids(decoder, frame->batch_request, PEER_REQUEST_MAX, &message->batch_ids);
    case HEFU__PEER__FRAME__BODY_BATCH_MISSING:
        return decode_ids(decoder, frame->batch_missing, PEER_REQUEST_MAX, &message->batch_ids);
    case HEFU__PEER__FRAME__BODY_CERTIFICATE_REQUEST:
        return decode_certificate_request(decoder, frame->certificate_request,
                                          &message->certificate_request);
    case HEFU__PEER__FRAME__BODY_CERTIFICATES:
        return decode_certificates(decoder, frame->certificates, &message->certificates);
    case HEFU__PEER__FRAME__BODY_BLOCK_REQUEST:
        return decode_block_request(decoder, frame->block_request, &message->block_request);
    case HEFU__PEER__FRAME__BODY_BLOCKS:
        return decode_blocks(decoder, frame->blocks, &message->blocks);
    case HEFU__PEER__FRAME__BODY_EVIDENCE:
        return decode_evidence(decoder, frame->evidence, &message->evidence);
    case HEFU__PEER__FRAME__BODY_BATCH: /* read in place before */
    case HEFU__PEER__FRAME__BODY__NOT_SET:
    case _HEFU__PEER__FRAME__BODY__CASE_IS_INT_SIZE:
        break;
    }
    return refuse(decoder, "body");
}

static enum status decode_frame(struct peer_decoder *decoder, struct span data,
                                struct peer_message *message)
{
    enum status status = wire_scan(&peer_schema, data, &decoder->what);
    if (status != STATUS_OK) {
        return status;
    }
    struct span batch;
    if (wire_find(data, HEFU__PEER__FRAME__BODY_BATCH, &batch)) {
        message->kind = PEER_BATCH;
        return decode_batch(decoder, batch, &message->batch);
    }
    ProtobufCMessage *frame = NULL;
    status = wire_unpack(&peer_schema, data, decoder->arena, &frame);
    if (status != STATUS_OK) {
        return status;
    }
    return decode_body(decoder, (const Hefu__Peer__Frame *)frame, message);
}

enum status peer_decode(const uint8_t *data, size_t length, struct arena *arena,
                        uint32_t validator_count, struct peer_message *ret_message,
                        const char **ret_what)
{
    CHECK(validator_count >= 1 && validator_count <= LIMIT_VALIDATORS);
    struct peer_decoder decoder = {.arena = arena, .validator_count = validator_count};
    size_t used = arena->used;
    struct peer_message message;
    enum status status = decode_frame(&decoder, (struct span){data, length}, &message);
    if (ret_what != NULL) {
        *ret_what = status == STATUS_OK ? NULL : decoder.what;
    }
    if (status == STATUS_OK) {
        *ret_message = message;
    } else {
        arena->used = used;
    }
    return status;
}

const char *peer_message_name(enum peer_message_kind kind)
{
    switch (kind) {
    case PEER_VOTE:
        return "VOTE";
    case PEER_CERTIFICATE:
        return "CERTIFICATE";
    case PEER_PROPOSAL:
        return "PROPOSAL";
    case PEER_STATUS:
        return "STATUS";
    case PEER_BATCH:
        return "BATCH";
    case PEER_BATCH_HAVE:
        return "BATCH_HAVE";
    case PEER_BATCH_REQUEST:
        return "BATCH_REQUEST";
    case PEER_BATCH_MISSING:
        return "BATCH_MISSING";
    case PEER_CERTIFICATE_REQUEST:
        return "CERTIFICATE_REQUEST";
    case PEER_CERTIFICATES:
        return "CERTIFICATES";
    case PEER_BLOCK_REQUEST:
        return "BLOCK_REQUEST";
    case PEER_BLOCKS:
        return "BLOCKS";
    case PEER_EVIDENCE:
        return "EVIDENCE";
    }
    return "UNKNOWN";
}
