/*
 * evidence: two votes that convict their signer, for whoever holds a validator set: the node before
 * it pools or stores them, and people offline (docs/consensus.md, Evidence). Joins consensus's
 * votes to the ledger's body of a batch of kind evidence; both have the same fields.
 */
#ifndef HEFU_NODE_EVIDENCE_H
#define HEFU_NODE_EVIDENCE_H

#include "consensus/message.h"
#include "consensus/validators.h"
#include "ledger/evidence_batch.h"

typedef bool (*evidence_signature)(void *context, const struct public_key *key,
                                   const uint8_t *message, size_t length,
                                   const struct signature *signature);

/* OK; MALFORMED if the votes do not convict, or not of one signer, epoch and view of this set;
   BAD_SIGNATURE if one of them is not the signer's. set is the epoch's. */
enum status evidence_verify(const struct evidence *evidence, const struct hash *chain_id,
                            const struct validator_set *set, evidence_signature verify,
                            void *context) MUST_USE;

/* Whether the votes have their form and convict their signer, whoever signed them. */
bool evidence_convicting(const struct evidence *evidence);

/* From and to the body of a batch. As evidence_decode, and MALFORMED if the votes do not convict.
 */
enum status evidence_of_body(struct span body, struct evidence *ret_evidence) MUST_USE;
void evidence_to_body(const struct evidence *evidence, uint8_t ret_body[EVIDENCE_BODY_BYTES]);

/* The key under which the ledger records it: epoch u64, view u64, signer u32, kinds u16. */
#define EVIDENCE_RECORDED_KEY_BYTES 22
void evidence_recorded_key(const struct evidence *evidence,
                           uint8_t ret_key[EVIDENCE_RECORDED_KEY_BYTES]);

#endif
