/* evidence_batch: bytes and rule of recorded evidence (see evidence_batch.h). */
#include "ledger/evidence_batch.h"

#include "base/check.h"

static uint32_t read_vote(struct reader *reader, struct evidence_vote *vote)
{
    vote->kind = reader_u16(reader);
    uint16_t reserved = reader_u16(reader);
    vote->signer = reader_u32(reader);
    vote->epoch = reader_u64(reader);
    vote->view = reader_u64(reader);
    vote->parent_view = reader_u64(reader);
    reader_copy(reader, &vote->block_hash, HASH_BYTES);
    reader_copy(reader, &vote->signature, sizeof vote->signature);
    return reserved;
}

/* The form that consensus gives to votes it signs. */
static bool vote_has_form(const struct evidence_vote *vote)
{
    if (vote->kind < EVIDENCE_NOTARIZE || vote->kind > EVIDENCE_FINALIZE || vote->view == 0) {
        return false;
    }
    if (vote->kind == EVIDENCE_NULLIFY) {
        return vote->parent_view == 0 && hash_is_zero(&vote->block_hash);
    }
    return vote->parent_view < vote->view && !hash_is_zero(&vote->block_hash);
}

static int compare(const struct evidence_vote *a, const struct evidence_vote *b)
{
    if (a->kind != b->kind) {
        return a->kind < b->kind ? -1 : 1;
    }
    if (a->parent_view != b->parent_view) {
        return a->parent_view < b->parent_view ? -1 : 1;
    }
    return hash_compare(&a->block_hash, &b->block_hash);
}

enum status evidence_decode(struct span body, struct evidence_body *ret_evidence)
{
    struct reader reader = reader_over(body.data, body.length);
    uint16_t version = reader_u16(&reader);
    uint32_t reserved = reader_u16(&reader);
    reserved |= reader_u32(&reader);
    struct evidence_body evidence;
    reserved |= read_vote(&reader, &evidence.first);
    reserved |= read_vote(&reader, &evidence.second);
    enum status status = reader_done(&reader);
    if (status != STATUS_OK) {
        return status;
    }
    if (version != EVIDENCE_VERSION) {
        return STATUS_VERSION;
    }
    const struct evidence_vote *first = &evidence.first;
    const struct evidence_vote *second = &evidence.second;
    if (reserved != 0 || !vote_has_form(first) || !vote_has_form(second) ||
        first->signer != second->signer || first->epoch != second->epoch ||
        first->view != second->view || compare(first, second) > 0) {
        return STATUS_MALFORMED;
    }
    *ret_evidence = evidence;
    return STATUS_OK;
}

static void write_vote(struct writer *writer, const struct evidence_vote *vote)
{
    writer_u16(writer, vote->kind);
    writer_u16(writer, 0);
    writer_u32(writer, vote->signer);
    writer_u64(writer, vote->epoch);
    writer_u64(writer, vote->view);
    writer_u64(writer, vote->parent_view);
    writer_copy(writer, &vote->block_hash, HASH_BYTES);
    writer_copy(writer, &vote->signature, sizeof vote->signature);
}

void evidence_body_encode(const struct evidence_vote *a, const struct evidence_vote *b,
                          uint8_t ret_body[EVIDENCE_BODY_BYTES])
{
    struct writer writer = writer_over(ret_body, EVIDENCE_BODY_BYTES);
    bool in_order = compare(a, b) <= 0;
    writer_u16(&writer, EVIDENCE_VERSION);
    writer_u16(&writer, 0);
    writer_u32(&writer, 0);
    write_vote(&writer, in_order ? a : b);
    write_vote(&writer, in_order ? b : a);
    CHECK(!writer.failed && writer.used == EVIDENCE_BODY_BYTES);
}

bool evidence_conflicts(const struct evidence_body *evidence)
{
    const struct evidence_vote *first = &evidence->first;
    const struct evidence_vote *second = &evidence->second;
    if (first->kind == second->kind) {
        return first->kind != EVIDENCE_NULLIFY && compare(first, second) != 0;
    }
    return first->kind == EVIDENCE_NULLIFY && second->kind == EVIDENCE_FINALIZE;
}

uint16_t evidence_kinds(const struct evidence_body *evidence)
{
    return (uint16_t)(evidence->first.kind << 8 | evidence->second.kind);
}
