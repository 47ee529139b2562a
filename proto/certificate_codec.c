/* certificate_codec: votes and certificates on the wire (see certificate_codec.h). */
#include "proto/certificate_codec.h"

#include <string.h>

#include "base/check.h"

_Static_assert((int)VOTE_NOTARIZE == (int)HEFU__WIRE__VOTE_KIND__NOTARIZE, "kinds are the same");
_Static_assert((int)VOTE_NULLIFY == (int)HEFU__WIRE__VOTE_KIND__NULLIFY, "kinds are the same");
_Static_assert((int)VOTE_FINALIZE == (int)HEFU__WIRE__VOTE_KIND__FINALIZE, "kinds are the same");
_Static_assert(sizeof(struct hash) == HASH_BYTES, "an array of hashes is one field of bytes");
_Static_assert(sizeof(struct signature) == 64, "an array of signatures is one field of bytes");

void vote_to_wire(const struct vote *vote, Hefu__Wire__Vote *ret_wire)
{
    hefu__wire__vote__init(ret_wire);
    ret_wire->kind = (Hefu__Wire__VoteKind)vote->kind;
    ret_wire->signer = vote->signer;
    ret_wire->epoch = vote->epoch;
    ret_wire->view = vote->view;
    ret_wire->parent_view = vote->candidate.parent_view;
    ret_wire->block_hash = wire_bytes(vote->candidate.block_hash.bytes, HASH_BYTES);
    ret_wire->signature = wire_bytes(vote->signature.bytes, sizeof vote->signature.bytes);
}

void certificate_to_wire(const struct certificate *certificate, Hefu__Wire__Certificate *ret_wire)
{
    CHECK(certificate->signature_count <= LIMIT_VALIDATORS);
    hefu__wire__certificate__init(ret_wire);
    ret_wire->kind = (Hefu__Wire__VoteKind)certificate->kind;
    ret_wire->epoch = certificate->epoch;
    ret_wire->view = certificate->view;
    ret_wire->parent_view = certificate->candidate.parent_view;
    ret_wire->block_hash = wire_bytes(certificate->candidate.block_hash.bytes, HASH_BYTES);
    ret_wire->signers = wire_bytes(certificate->signers, sizeof certificate->signers);
    ret_wire->signatures =
        wire_bytes(certificate->signatures,
                   (size_t)certificate->signature_count * sizeof certificate->signatures[0]);
}

static enum status refuse(const char *what, const char **ret_what)
{
    *ret_what = what;
    return STATUS_MALFORMED;
}

enum status vote_from_wire(const Hefu__Wire__Vote *wire, struct vote *ret_vote,
                           const char **ret_what)
{
    struct vote vote = {
        .kind = (enum vote_kind)wire->kind,
        .signer = wire->signer,
        .epoch = wire->epoch,
        .view = wire->view,
        .candidate = {.parent_view = wire->parent_view},
    };
    if (!wire_copy(&wire->block_hash, HASH_BYTES, vote.candidate.block_hash.bytes)) {
        return refuse("block_hash", ret_what);
    }
    if (!wire_copy(&wire->signature, sizeof vote.signature, vote.signature.bytes)) {
        return refuse("signature", ret_what);
    }
    *ret_vote = vote;
    return STATUS_OK;
}

/* The number of signers, or UINT32_MAX if one is no validator. */
static uint32_t count_signers(const uint8_t signers[CERTIFICATE_SIGNERS_BYTES],
                              uint32_t validator_count)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < LIMIT_VALIDATORS; i++) {
        if ((signers[i / 8] >> (i % 8) & 1) == 0) {
            continue;
        }
        if (i >= validator_count) {
            return UINT32_MAX;
        }
        count++;
    }
    return count;
}

static bool names_a_candidate(const Hefu__Wire__Certificate *wire)
{
    return wire->parent_view != 0 || !bytes_are_zero(wire->block_hash.data, wire->block_hash.len);
}

enum status certificate_from_wire(const Hefu__Wire__Certificate *wire, uint32_t validator_count,
                                  struct certificate *ret_certificate, const char **ret_what)
{
    uint8_t signers[CERTIFICATE_SIGNERS_BYTES];
    if (!wire_copy(&wire->signers, sizeof signers, signers)) {
        return refuse("signers", ret_what);
    }
    uint32_t count = count_signers(signers, validator_count);
    if (count == 0 || count == UINT32_MAX) {
        return refuse("signers", ret_what);
    }
    if (wire->signatures.len != (size_t)count * sizeof(struct signature)) {
        return refuse("signatures", ret_what);
    }
    if (wire->block_hash.len != HASH_BYTES) {
        return refuse("block_hash", ret_what);
    }
    if (wire->view == 0) {
        return refuse("view", ret_what);
    }
    if (wire->kind == HEFU__WIRE__VOTE_KIND__NULLIFY && names_a_candidate(wire)) {
        return refuse("block_hash", ret_what);
    }
    struct certificate *to = ret_certificate;
    memset(to, 0, sizeof *to);
    to->kind = (enum vote_kind)wire->kind;
    to->signature_count = count;
    to->epoch = wire->epoch;
    to->view = wire->view;
    to->candidate.parent_view = wire->parent_view;
    memcpy(to->candidate.block_hash.bytes, wire->block_hash.data, HASH_BYTES);
    memcpy(to->signers, signers, sizeof to->signers);
    memcpy(to->signatures, wire->signatures.data, wire->signatures.len);
    return STATUS_OK;
}

enum status certificate_take(const Hefu__Wire__Certificate *wire, uint32_t validator_count,
                             struct arena *arena, const struct certificate **ret_certificate,
                             const char **ret_what)
{
    struct certificate *certificate = arena_take(arena, sizeof *certificate);
    if (certificate == NULL) {
        return STATUS_NO_MEMORY;
    }
    enum status status = certificate_from_wire(wire, validator_count, certificate, ret_what);
    if (status == STATUS_OK) {
        *ret_certificate = certificate;
    }
    return status;
}

uint32_t hashes_from_wire(const ProtobufCBinaryData *field, const struct hash **ret_hashes)
{
    *ret_hashes = (const struct hash *)(const void *)field->data;
    return (uint32_t)(field->len / HASH_BYTES);
}
