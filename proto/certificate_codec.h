/*
 * certificate_codec: votes, certificates and lists of hashes between plain structs and
 * proto/certificate.proto, for every schema that carries them.
 */
#ifndef HEFU_PROTO_CERTIFICATE_CODEC_H
#define HEFU_PROTO_CERTIFICATE_CODEC_H

#include <stdint.h>

#include "base/arena.h"
#include "base/limits.h"
#include "base/status.h"
#include "consensus/message.h"
#include "proto/certificate.pb-c.h"
#include "proto/wire.h"

#define CERTIFICATE_SIGNERS_BYTES (LIMIT_VALIDATORS / 8)

/* The wire rules of Vote and Certificate, to stand in the rules of a schema that uses them. */
/* clang-format off */
#define CERTIFICATE_WIRE_RULES                                                                     \
    {&hefu__wire__vote__descriptor, 6, 0, HASH_BYTES, 1, 1},                                       \
    {&hefu__wire__vote__descriptor, 7, 0, sizeof(struct signature), 1, 1},                         \
    {&hefu__wire__certificate__descriptor, 5, 0, HASH_BYTES, 1, 1},                                \
    {&hefu__wire__certificate__descriptor, 6, 0, CERTIFICATE_SIGNERS_BYTES, 1, 1},                 \
    {&hefu__wire__certificate__descriptor, 7, 0, sizeof(struct signature), 1, LIMIT_VALIDATORS}
/* clang-format on */

/* What is packed borrows the vote's and the certificate's bytes. A certificate has at most
   LIMIT_VALIDATORS signatures (CHECKed). */
void vote_to_wire(const struct vote *vote, Hefu__Wire__Vote *ret_wire);
void certificate_to_wire(const struct certificate *certificate, Hefu__Wire__Certificate *ret_wire);

/* MALFORMED for a wrong length. A kind is known (the scan sees to it); signer and candidate are not
   judged: vote_check_form. */
enum status vote_from_wire(const Hefu__Wire__Vote *wire, struct vote *ret_vote,
                           const char **ret_what) MUST_USE;

/*
 * MALFORMED, with the field's name: a wrong length, view 0, a signer at or above validator_count,
 * not one signature a signer, or a nullification that names a candidate. Whether the signers are a
 * quorum, and the signatures, are the caller's to check. Signatures beyond the count are zeroed.
 */
enum status certificate_from_wire(const Hefu__Wire__Certificate *wire, uint32_t validator_count,
                                  struct certificate *ret_certificate,
                                  const char **ret_what) MUST_USE;

/* As certificate_from_wire, into the arena; also NO_MEMORY. */
enum status certificate_take(const Hefu__Wire__Certificate *wire, uint32_t validator_count,
                             struct arena *arena, const struct certificate **ret_certificate,
                             const char **ret_what) MUST_USE;

/* The hashes of a bytes field whose length the scan has checked, in place. */
uint32_t hashes_from_wire(const ProtobufCBinaryData *field, const struct hash **ret_hashes);

#endif
