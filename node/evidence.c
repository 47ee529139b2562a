/* evidence: votes that convict their signer (see evidence.h). */
#include "node/evidence.h"

#include <string.h>

#include "base/bytes.h"
#include "base/check.h"

static struct evidence_vote to_ledger(const struct vote *vote)
{
    return (struct evidence_vote){.kind = (uint16_t)vote->kind,
                                  .signer = vote->signer,
                                  .epoch = vote->epoch,
                                  .view = vote->view,
                                  .parent_view = vote->candidate.parent_view,
                                  .block_hash = vote->candidate.block_hash,
                                  .signature = vote->signature};
}

/* The ledger has checked that the kind is one of consensus'. */
static struct vote of_ledger(const struct evidence_vote *vote)
{
    return (struct vote){
        .kind = (enum vote_kind)vote->kind,
        .signer = vote->signer,
        .epoch = vote->epoch,
        .view = vote->view,
        .candidate = {.parent_view = vote->parent_view, .block_hash = vote->block_hash},
        .signature = vote->signature};
}

void evidence_to_body(const struct evidence *evidence, uint8_t ret_body[EVIDENCE_BODY_BYTES])
{
    const struct evidence_vote first = to_ledger(&evidence->first);
    const struct evidence_vote second = to_ledger(&evidence->second);
    evidence_body_encode(&first, &second, ret_body);
}

enum status evidence_of_body(struct span body, struct evidence *ret_evidence)
{
    struct evidence_body decoded;
    const enum status status = evidence_decode(body, &decoded);
    if (status != STATUS_OK) {
        return status;
    }
    if (!evidence_conflicts(&decoded)) {
        return STATUS_MALFORMED;
    }
    ret_evidence->first = of_ledger(&decoded.first);
    ret_evidence->second = of_ledger(&decoded.second);
    return STATUS_OK;
}

static bool is_signed(const struct vote *vote, const struct hash *chain_id,
                      const struct validator_set *set, evidence_signature verify, void *context)
{
    uint8_t preimage[VOTE_PREIMAGE_BYTES];
    vote_preimage(vote, chain_id, &set->hash, preimage);
    return verify(context, &set->members[vote->signer].key, preimage, sizeof preimage,
                  &vote->signature);
}

bool evidence_convicting(const struct evidence *evidence)
{
    uint8_t body[EVIDENCE_BODY_BYTES];
    struct evidence again;
    evidence_to_body(evidence, body);
    const struct span span = {.data = body, .length = sizeof body};
    return evidence_of_body(span, &again) == STATUS_OK;
}

enum status evidence_verify(const struct evidence *evidence, const struct hash *chain_id,
                            const struct validator_set *set, evidence_signature verify,
                            void *context)
{
    if (vote_check_form(&evidence->first, set->count) != STATUS_OK ||
        vote_check_form(&evidence->second, set->count) != STATUS_OK ||
        evidence->first.epoch != set->epoch || !evidence_convicting(evidence)) {
        return STATUS_MALFORMED;
    }
    return is_signed(&evidence->first, chain_id, set, verify, context) &&
                   is_signed(&evidence->second, chain_id, set, verify, context)
               ? STATUS_OK
               : STATUS_BAD_SIGNATURE;
}

void evidence_recorded_key(const struct evidence *evidence,
                           uint8_t ret_key[EVIDENCE_RECORDED_KEY_BYTES])
{
    uint8_t body[EVIDENCE_BODY_BYTES];
    struct evidence_body decoded;
    evidence_to_body(evidence, body);
    const struct span span = {.data = body, .length = sizeof body};
    CHECK(evidence_decode(span, &decoded) == STATUS_OK);
    put_be64(ret_key, decoded.first.epoch);
    put_be64(ret_key + 8, decoded.first.view);
    put_be32(ret_key + 16, decoded.first.signer);
    put_be16(ret_key + 20, evidence_kinds(&decoded));
}
