/*
 * message: what validators say to each other, as plain structs. The bytes that are signed are the
 * fixed 128-byte preimage below (docs/formats.md, Vote preimage); protobuf only carries the fields.
 */
#ifndef HEFU_CONSENSUS_MESSAGE_H
#define HEFU_CONSENSUS_MESSAGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/keys.h"
#include "base/limits.h"
#include "base/status.h"

enum vote_kind { VOTE_NOTARIZE = 1, VOTE_NULLIFY = 2, VOTE_FINALIZE = 3 };

/* What a vote is for: a block as proposed on a parent view. All zero for NULLIFY. */
struct candidate {
    uint64_t parent_view;
    struct hash block_hash;
};

struct vote {
    enum vote_kind kind;
    uint32_t signer; /* index in the validator set of the epoch */
    uint64_t epoch;
    uint64_t view;
    struct candidate candidate;
    struct signature signature;
};

/* q or more equal votes of distinct signers; signatures stand in ascending order of signer. */
struct certificate {
    enum vote_kind kind;
    uint32_t signature_count;
    uint64_t epoch;
    uint64_t view;
    struct candidate candidate;
    uint8_t signers[LIMIT_VALIDATORS / 8]; /* bit i%8 of byte i/8: validator i signed */
    struct signature signatures[LIMIT_VALIDATORS];
};

/* What consensus knows of a block; the shell fills it from the header and checks that hash is the
   header's. Everything else about a block is opaque here. */
struct consensus_block {
    struct hash hash;
    struct hash parent_hash;
    uint64_t epoch;
    uint64_t height;
    uint64_t timestamp_ms;
    uint32_t proposer;
    uint32_t flags;
};

#define CONSENSUS_BLOCK_TERMINAL 1u /* header flag: the block changes the validator set */

struct proposal {
    struct vote vote;             /* the leader's NOTARIZE */
    bool has_block;               /* false in a re-proposal whose bytes the receiver should hold */
    struct consensus_block block; /* meaningful if has_block */
    const struct certificate
        *parent; /* notarization or finalization of parent_view, or NULL for F */
    const struct certificate *final;          /* F's finalization, or NULL */
    const struct certificate *nullifications; /* of the skipped views, ascending */
    uint32_t nullification_count;             /* at most LIMIT_PROPOSAL_NULLIFICATIONS */
};

/* A peer's account of where it stands: a hint, except for the certificate in it. */
struct peer_status {
    uint64_t epoch;
    uint64_t view;
    uint64_t final_height;
    uint64_t final_view;
    struct hash final_hash;
    const struct certificate *final; /* F's finalization; NULL at the epoch's root */
    uint64_t held_from;              /* views held_from .. held_from + 63: */
    uint64_t held_notarizations;     /* bit i: notarization of view held_from + i is held */
    uint64_t held_nullifications;
    bool steady;        /* the sender may sign and remembers all that it signed (Rejoin) */
    bool has_your_vote; /* the newest vote of the receiver that the sender holds */
    struct vote your_vote;
};

struct evidence {
    struct vote first;
    struct vote second;
};

/* No network gets there. Arithmetic on views below it cannot wrap. */
#define VIEW_MAX (UINT64_MAX / 2)

#define VOTE_PREIMAGE_BYTES 128

/* digest of the preimage: H("hefu.candidate", parent_view ‖ block_hash); zero for NULLIFY. */
struct hash candidate_digest(enum vote_kind kind, const struct candidate *candidate);

/* The bytes that a vote signs. validator_set_hash is the epoch's (consensus/validators.h). */
void vote_preimage(const struct vote *vote, const struct hash *chain_id,
                   const struct hash *validator_set_hash, uint8_t ret_bytes[VOTE_PREIMAGE_BYTES]);

bool candidate_equal(const struct candidate *a, const struct candidate *b);
/* Whether two votes sign the same bytes (signer and signature aside). */
bool vote_same_preimage(const struct vote *a, const struct vote *b);

/* OK, or MALFORMED: unknown kind, view 0 or above VIEW_MAX, signer out of range, or a NULLIFY that
 * names a candidate.
 */
enum status vote_check_form(const struct vote *vote, uint32_t validator_count) MUST_USE;

#endif
