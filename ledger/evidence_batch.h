/*
 * evidence_batch: the body of a batch of kind evidence: two votes that one honest validator cannot
 * have signed (docs/formats.md, Evidence; docs/consensus.md, Evidence). The ledger checks their
 * form and that they conflict, and records each offence once; whether the signatures verify was
 * checked before the batch was pooled, like the batch's own.
 */
#ifndef HEFU_LEDGER_EVIDENCE_BATCH_H
#define HEFU_LEDGER_EVIDENCE_BATCH_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/keys.h"
#include "base/status.h"

#define EVIDENCE_VERSION 1
#define EVIDENCE_HEAD_BYTES 8
#define EVIDENCE_VOTE_BYTES 128
#define EVIDENCE_BODY_BYTES (EVIDENCE_HEAD_BYTES + 2 * EVIDENCE_VOTE_BYTES)

/* As consensus numbers them (docs/formats.md, Vote preimage). */
enum evidence_vote_kind { EVIDENCE_NOTARIZE = 1, EVIDENCE_NULLIFY = 2, EVIDENCE_FINALIZE = 3 };

struct evidence_vote {
    uint16_t kind;
    uint32_t signer; /* index in the validator set of the epoch */
    uint64_t epoch;
    uint64_t view;
    uint64_t parent_view;
    struct hash block_hash;
    struct signature signature;
};

struct evidence_body {
    struct evidence_vote first; /* the lesser by kind, parent_view, block_hash */
    struct evidence_vote second;
};

/* VERSION, TRUNCATED, TRAILING, or MALFORMED: reserved bytes, a vote without its form, two signers,
   epochs or views, or not in order. */
enum status evidence_decode(struct span body, struct evidence_body *ret_evidence) MUST_USE;
/* The two votes in either order. */
void evidence_body_encode(const struct evidence_vote *a, const struct evidence_vote *b,
                          uint8_t ret_body[EVIDENCE_BODY_BYTES]);
/* Whether one honest key cannot have signed both: two notarize or two finalize for different
   candidates, or nullify and finalize. */
bool evidence_conflicts(const struct evidence_body *evidence);
/* first.kind << 8 | second.kind: with epoch, view and signer it names the offence. */
uint16_t evidence_kinds(const struct evidence_body *evidence);

#endif
