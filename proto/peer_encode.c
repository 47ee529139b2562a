/*
 * peer_encode: the encoder of validators' frames (see peer_codec.h). protobuf-c packs a tree of
 * pointers; it is built on the stack over the message's own bytes, so nothing is copied twice.
 */
#include "proto/peer_codec.h"

#include "base/check.h"
#include "proto/certificate_codec.h"
#include "proto/peer.pb-c.h"
#include "proto/peer_schema.h"
#include "proto/wire.h"

/* Memory of one encoding: protobuf-c packs trees of pointers. Kinds share what they can. */
struct peer_scratch {
    Hefu__Peer__Frame frame;
    union {
        Hefu__Peer__Proposal proposal;
        Hefu__Peer__Status status;
        Hefu__Peer__Batch batch;
        Hefu__Peer__BatchIds batch_ids;
        Hefu__Peer__CertificateRequest certificate_request;
        Hefu__Peer__Certificates certificates;
        Hefu__Peer__BlockRequest block_request;
        Hefu__Peer__Blocks blocks;
        Hefu__Peer__Evidence evidence;
    } body;
    Hefu__Wire__Vote votes[2];
    Hefu__Wire__Certificate certificates[2 + PEER_CERTIFICATES_MAX];
    Hefu__Wire__Certificate *certificate_list[PEER_CERTIFICATES_MAX];
    Hefu__Peer__Block blocks[PEER_BLOCKS_MAX];
    Hefu__Peer__FinalBlock final_blocks[PEER_BLOCKS_MAX];
    Hefu__Peer__FinalBlock *block_list[PEER_BLOCKS_MAX];
};

_Static_assert(LIMIT_PROPOSAL_NULLIFICATIONS <= PEER_CERTIFICATES_MAX, "they share the scratch");

/* Each fills the scratch's body, and says whether counts are within what it holds. */

static void block_to_wire(const struct peer_block *block, Hefu__Peer__Block *ret_wire)
{
    hefu__peer__block__init(ret_wire);
    ret_wire->header = wire_bytes(block->header, BLOCK_HEADER_BYTES);
    ret_wire->batch_ids = wire_bytes(block->batch_ids, (size_t)block->batch_count * HASH_BYTES);
}

/* The first two places of certificates[] are for single ones, the list stands behind them. */
static void list_to_wire(struct peer_scratch *scratch, const struct certificate *list,
                         uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        certificate_to_wire(&list[i], &scratch->certificates[2 + i]);
        scratch->certificate_list[i] = &scratch->certificates[2 + i];
    }
}

static Hefu__Wire__Certificate *single_to_wire(struct peer_scratch *scratch, unsigned place,
                                               const struct certificate *certificate)
{
    if (certificate == NULL) {
        return NULL;
    }
    certificate_to_wire(certificate, &scratch->certificates[place]);
    return &scratch->certificates[place];
}

static bool proposal_to_wire(const struct peer_proposal *proposal, struct peer_scratch *scratch)
{
    const struct proposal *body = &proposal->body;
    if (body->nullification_count > LIMIT_PROPOSAL_NULLIFICATIONS) {
        return false;
    }
    Hefu__Peer__Proposal *to = &scratch->body.proposal;
    hefu__peer__proposal__init(to);
    vote_to_wire(&body->vote, &scratch->votes[0]);
    to->vote = &scratch->votes[0];
    if (body->has_block) {
        block_to_wire(&proposal->block, &scratch->blocks[0]);
        to->block = &scratch->blocks[0];
    }
    to->parent = single_to_wire(scratch, 0, body->parent);
    to->final = single_to_wire(scratch, 1, body->final);
    list_to_wire(scratch, body->nullifications, body->nullification_count);
    to->n_nullifications = body->nullification_count;
    to->nullifications = scratch->certificate_list;
    scratch->frame.proposal = to;
    return true;
}

static void status_to_wire(const struct peer_status *status, struct peer_scratch *scratch)
{
    Hefu__Peer__Status *to = &scratch->body.status;
    hefu__peer__status__init(to);
    to->epoch = status->epoch;
    to->view = status->view;
    to->final_height = status->final_height;
    to->final_view = status->final_view;
    to->final_hash = wire_bytes(status->final_hash.bytes, HASH_BYTES);
    to->final = single_to_wire(scratch, 0, status->final);
    to->held_from = status->held_from;
    to->held_notarizations = status->held_notarizations;
    to->held_nullifications = status->held_nullifications;
    to->steady = status->steady;
    if (status->has_your_vote) {
        vote_to_wire(&status->your_vote, &scratch->votes[0]);
        to->your_vote = &scratch->votes[0];
    }
    scratch->frame.status = to;
}

static void batch_to_wire(const struct peer_batch *batch, struct peer_scratch *scratch)
{
    hefu__peer__batch__init(&scratch->body.batch);
    scratch->body.batch.bytes = wire_bytes(batch->bytes.data, batch->bytes.length);
    scratch->body.batch.pushed = batch->pushed;
    scratch->frame.batch = &scratch->body.batch;
}

static Hefu__Peer__BatchIds *ids_to_wire(const struct peer_batch_ids *list,
                                         struct peer_scratch *scratch)
{
    hefu__peer__batch_ids__init(&scratch->body.batch_ids);
    scratch->body.batch_ids.ids = wire_bytes(list->ids, (size_t)list->count * HASH_BYTES);
    return &scratch->body.batch_ids;
}

static void certificate_request_to_wire(const struct peer_certificate_request *request,
                                        struct peer_scratch *scratch)
{
    Hefu__Peer__CertificateRequest *to = &scratch->body.certificate_request;
    hefu__peer__certificate_request__init(to);
    to->epoch = request->epoch;
    to->from_view = request->from_view;
    to->to_view = request->to_view;
    to->cursor = request->cursor;
    scratch->frame.certificate_request = to;
}

static bool certificates_to_wire(const struct peer_certificates *certificates,
                                 struct peer_scratch *scratch)
{
    if (certificates->count > PEER_CERTIFICATES_MAX) {
        return false;
    }
    Hefu__Peer__Certificates *to = &scratch->body.certificates;
    hefu__peer__certificates__init(to);
    list_to_wire(scratch, certificates->list, certificates->count);
    to->n_list = certificates->count;
    to->list = scratch->certificate_list;
    to->more = certificates->more;
    to->next_cursor = certificates->next_cursor;
    scratch->frame.certificates = to;
    return true;
}

static bool block_request_to_wire(const struct peer_block_request *request,
                                  struct peer_scratch *scratch)
{
    Hefu__Peer__BlockRequest *to = &scratch->body.block_request;
    hefu__peer__block_request__init(to);
    to->from_height = request->from_height;
    to->count = request->count;
    scratch->frame.block_request = to;
    return request->count <= PEER_BLOCKS_MAX;
}

static bool blocks_to_wire(const struct peer_blocks *blocks, struct peer_scratch *scratch)
{
    if (blocks->count > PEER_BLOCKS_MAX) {
        return false;
    }
    for (uint32_t i = 0; i < blocks->count; i++) {
        const struct peer_final_block *from = &blocks->list[i];
        Hefu__Peer__FinalBlock *to = &scratch->final_blocks[i];
        hefu__peer__final_block__init(to);
        block_to_wire(&from->block, &scratch->blocks[i]);
        certificate_to_wire(from->finalization, &scratch->certificates[i]);
        to->block = &scratch->blocks[i];
        to->finalization = &scratch->certificates[i];
        scratch->block_list[i] = to;
    }
    hefu__peer__blocks__init(&scratch->body.blocks);
    scratch->body.blocks.n_list = blocks->count;
    scratch->body.blocks.list = scratch->block_list;
    scratch->frame.blocks = &scratch->body.blocks;
    return true;
}

static void evidence_to_wire(const struct evidence *evidence, struct peer_scratch *scratch)
{
    hefu__peer__evidence__init(&scratch->body.evidence);
    vote_to_wire(&evidence->first, &scratch->votes[0]);
    vote_to_wire(&evidence->second, &scratch->votes[1]);
    scratch->body.evidence.first = &scratch->votes[0];
    scratch->body.evidence.second = &scratch->votes[1];
    scratch->frame.evidence = &scratch->body.evidence;
}

/* A kind's field in the frame's oneof: 2 for VOTE, and so on in the order of the enum. */
#define BODY_CASE(kind) ((Hefu__Peer__Frame__BodyCase)((kind) + 1))
_Static_assert(PEER_VOTE + 1 == HEFU__PEER__FRAME__BODY_VOTE, "the first kind");
_Static_assert(PEER_BATCH + 1 == HEFU__PEER__FRAME__BODY_BATCH, "a kind in the middle");
_Static_assert(PEER_EVIDENCE + 1 == HEFU__PEER__FRAME__BODY_EVIDENCE, "the last kind");

static bool message_to_wire(const struct peer_message *message, struct peer_scratch *scratch)
{
    CHECK(message->kind >= PEER_VOTE && message->kind <= PEER_EVIDENCE);
    Hefu__Peer__Frame *frame = &scratch->frame;
    hefu__peer__frame__init(frame);
    frame->version = PEER_VERSION;
    frame->body_case = BODY_CASE(message->kind);
    switch (message->kind) {
    case PEER_VOTE:
        vote_to_wire(&message->vote, &scratch->votes[0]);
        frame->vote = &scratch->votes[0];
        return true;
    case PEER_CERTIFICATE:
        CHECK(message->certificate != NULL);
        frame->certificate = single_to_wire(scratch, 0, message->certificate);
        return true;
    case PEER_PROPOSAL:
        return proposal_to_wire(&message->proposal, scratch);
    case PEER_STATUS:
        status_to_wire(&message->status, scratch);
        return true;
    case PEER_BATCH:
        batch_to_wire(&message->batch, scratch);
        return true;
    case PEER_BATCH_HAVE:
        frame->batch_have = ids_to_wire(&message->batch_ids, scratch);
        return message->batch_ids.count <= PEER_HAVE_MAX;
    case PEER_BATCH_REQUEST:
        frame->batch_request = ids_to_wire(&message->batch_ids, scratch);
        return message->batch_ids.count <= PEER_REQUEST_MAX;
    case PEER_BATCH_MISSING:
        frame->batch_missing = ids_to_wire(&message->batch_ids, scratch);
        return message->batch_ids.count <= PEER_REQUEST_MAX;
    case PEER_CERTIFICATE_REQUEST:
        certificate_request_to_wire(&message->certificate_request, scratch);
        return true;
    case PEER_CERTIFICATES:
        return certificates_to_wire(&message->certificates, scratch);
    case PEER_BLOCK_REQUEST:
        return block_request_to_wire(&message->block_request, scratch);
    case PEER_BLOCKS:
        return blocks_to_wire(&message->blocks, scratch);
    case PEER_EVIDENCE:
        evidence_to_wire(&message->evidence, scratch);
        return true;
    }
    return false;
}

size_t peer_encoded_bound(const struct peer_message *message)
{
    struct peer_scratch scratch;
    if (!message_to_wire(message, &scratch)) {
        return 0;
    }
    return protobuf_c_message_get_packed_size(&scratch.frame.base);
}

enum status peer_encode(const struct peer_message *message, uint8_t *buffer, size_t capacity,
                        size_t *ret_length)
{
    struct peer_scratch scratch;
    if (!message_to_wire(message, &scratch)) {
        return STATUS_OVERSIZED;
    }
    return wire_pack(&peer_schema, &scratch.frame.base, buffer, capacity, ret_length);
}
