/*
 * message: the one preimage that consensus signs, and the form of a vote (docs/consensus.md,
 * Messages; docs/formats.md, Vote preimage).
 *
 *   0        8    10   12   16     24    32        64                  96
 *   HEFUVOTE ver  kind zero epoch  view  chain_id  validator set hash  candidate digest
 */
#include "consensus/message.h"

#include <string.h>

#include "base/bytes.h"
#include "base/check.h"

#define VOTE_PREIMAGE_VERSION 1

struct hash candidate_digest(enum vote_kind kind, const struct candidate *candidate)
{
    struct hash digest = {{0}};
    if (kind == VOTE_NULLIFY) {
        return digest;
    }
    uint8_t bytes[sizeof(uint64_t) + HASH_BYTES];
    put_le64(bytes, candidate->parent_view);
    memcpy(bytes + sizeof(uint64_t), candidate->block_hash.bytes, HASH_BYTES);
    return hash_of(&PURPOSE_CANDIDATE, bytes, sizeof bytes);
}

void vote_preimage(const struct vote *vote, const struct hash *chain_id,
                   const struct hash *validator_set_hash, uint8_t ret_bytes[VOTE_PREIMAGE_BYTES])
{
    const struct hash digest = candidate_digest(vote->kind, &vote->candidate);
    struct writer writer = writer_over(ret_bytes, VOTE_PREIMAGE_BYTES);
    writer_copy(&writer, "HEFUVOTE", 8);
    writer_u16(&writer, VOTE_PREIMAGE_VERSION);
    writer_u16(&writer, (uint16_t)vote->kind);
    writer_u32(&writer, 0);
    writer_u64(&writer, vote->epoch);
    writer_u64(&writer, vote->view);
    writer_copy(&writer, chain_id->bytes, HASH_BYTES);
    writer_copy(&writer, validator_set_hash->bytes, HASH_BYTES);
    writer_copy(&writer, digest.bytes, HASH_BYTES);
    CHECK(!writer.failed);
    CHECK(writer.used == VOTE_PREIMAGE_BYTES);
}

bool candidate_equal(const struct candidate *a, const struct candidate *b)
{
    return a->parent_view == b->parent_view && hash_equal(&a->block_hash, &b->block_hash);
}

bool vote_same_preimage(const struct vote *a, const struct vote *b)
{
    return a->kind == b->kind && a->epoch == b->epoch && a->view == b->view &&
           (a->kind == VOTE_NULLIFY || candidate_equal(&a->candidate, &b->candidate));
}

enum status vote_check_form(const struct vote *vote, uint32_t validator_count)
{
    /* The kind comes off the wire, so it may be none of the enumerators. */
    const unsigned kind = (unsigned)vote->kind;
    if (kind < VOTE_NOTARIZE || kind > VOTE_FINALIZE) {
        return STATUS_MALFORMED;
    }
    if (vote->view == 0 || vote->view > VIEW_MAX || vote->signer >= validator_count) {
        return STATUS_MALFORMED;
    }
    if (kind == VOTE_NULLIFY) {
        const struct candidate *candidate = &vote->candidate;
        const bool names_nothing =
            candidate->parent_view == 0 && hash_is_zero(&candidate->block_hash);
        return names_nothing ? STATUS_OK : STATUS_MALFORMED;
    }
    /* A block is proposed on an earlier view; its hash is never zero. */
    if (vote->candidate.parent_view >= vote->view || hash_is_zero(&vote->candidate.block_hash)) {
        return STATUS_MALFORMED;
    }
    return STATUS_OK;
}
