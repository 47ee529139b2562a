/*
 * certificates: quorums of equal votes, made here or received (docs/consensus.md, on_certificate).
 */
#ifndef HEFU_CONSENSUS_CERTIFICATES_H
#define HEFU_CONSENSUS_CERTIFICATES_H

#include "consensus/machine.h"

#define NO_PEER UINT32_MAX

/* A certificate from a peer (or NO_PEER). Returns true if it is valid and not at odds with what is
   final: verified now, or the same as one held. */
bool certificates_receive(struct consensus *c, const struct certificate *certificate,
                          uint32_t peer);

/* The same for one out of own storage: believed, not persisted again, not sent. */
void certificates_restore(struct consensus *c, const struct certificate *certificate);

/* Makes and takes over the certificate of a quorum of votes held in the pool. */
void certificates_from_votes(struct consensus *c, enum vote_kind kind, uint64_t view,
                             const struct candidate *candidate);

/* The certificate held, or NULL. Nullifications below the tail are in storage only. */
const struct held_certificate *certificates_find(struct consensus *c, enum vote_kind kind,
                                                 uint64_t view);

/* Writes a held certificate out, as messages and storage want it. */
void certificates_export(const struct consensus *c, enum vote_kind kind, uint64_t view,
                         const struct held_certificate *held, struct certificate *ret);
void certificates_import(struct held_certificate *held, const struct certificate *certificate);

/* Sends it if it is held; returns how many were sent (0 or 1). */
uint32_t certificates_send(struct consensus *c, enum vote_kind kind, uint64_t view, uint32_t peer);
/* F's finalization, if F is not the epoch's root. */
uint32_t certificates_send_final(struct consensus *c, uint32_t peer);

/* OK, or MALFORMED: kind, view, candidate, signers out of range, or fewer than a quorum. */
enum status certificate_check_form(const struct certificate *certificate,
                                   const struct validator_set *set) MUST_USE;

/* The vote of one signer in a certificate; false if it did not sign. */
bool certificate_vote_of(const struct certificate *certificate, uint32_t signer,
                         struct vote *ret_vote);

/* Verifies every signature. */
bool certificates_verify(struct consensus *c, const struct certificate *certificate);

/* Gives out two certificates that cannot both be, before the halt: what is held of the first kind
   in the second's view, if anything is, and the second, which is verified and in scratch memory. */
void certificates_conflict(struct consensus *c, enum vote_kind first_kind,
                           const struct certificate *second);

#endif
