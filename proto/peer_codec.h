/*
 * peer_codec: the frames that validators exchange, between plain structs and proto/peer.proto
 * (docs/transport.md, Frames).
 *
 * Nothing here is hashed, signed or compared: protobuf only carries fields. Decoding treats every
 * byte as hostile. The wire is scanned against the schema before anything is allocated (unknown
 * fields, duplicates, order, overlong numbers, lengths and counts), unpacked within the arena's
 * budget, packed again and compared with what came in; then lengths, enums, bitmaps and reserved
 * bits are checked. What needs keys or state is the caller's: vote_check_form, quorums, signatures,
 * and whether a body matches its header.
 */
#ifndef HEFU_PROTO_PEER_CODEC_H
#define HEFU_PROTO_PEER_CODEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/bytes.h"
#include "base/limits.h"
#include "base/status.h"
#include "consensus/message.h"
#include "ledger/batch.h"
#include "ledger/block.h"

#define PEER_VERSION 1

#define PEER_HAVE_MAX 4096       /* ids in one BATCH_HAVE */
#define PEER_REQUEST_MAX 128     /* ids in one BATCH_REQUEST or BATCH_MISSING */
#define PEER_CERTIFICATES_MAX 64 /* certificates in one CERTIFICATES */
#define PEER_BLOCKS_MAX 64       /* blocks in one BLOCKS, and the most that may be asked for */

/* An arena of this size holds any peer message decoded; its memory is aligned to 16 bytes. */
#define PEER_ARENA_BYTES (2u << 20)

enum peer_message_kind {
    PEER_VOTE = 1,
    PEER_CERTIFICATE,
    PEER_PROPOSAL,
    PEER_STATUS,
    PEER_BATCH,         /* pushed, or an answer to BATCH_REQUEST: one batch a frame */
    PEER_BATCH_HAVE,    /* the sender holds these durably */
    PEER_BATCH_REQUEST, /* answered by BATCH frames, and one BATCH_MISSING for the rest */
    PEER_BATCH_MISSING,
    PEER_CERTIFICATE_REQUEST, /* answered by CERTIFICATES */
    PEER_CERTIFICATES,
    PEER_BLOCK_REQUEST, /* answered by BLOCKS */
    PEER_BLOCKS,
    PEER_EVIDENCE,
};

/* A block as it travels: its header's bytes (struct block_header) and its batch ids in order. */
struct peer_block {
    const uint8_t *header; /* BLOCK_HEADER_BYTES */
    const struct hash *batch_ids;
    uint32_t batch_count; /* at most LIMIT_BLOCK_BATCHES */
};

/* body.block of the decoded proposal stays zero: the caller fills it from block.header, after
   checking that the header's hash is the one that the vote names. */
struct peer_proposal {
    struct proposal body;
    struct peer_block block; /* meaningful if body.has_block */
};

struct peer_batch {
    struct span bytes; /* header ‖ signature ‖ body, as batch_parse reads it; not parsed here */
    bool pushed;       /* unasked, fresh from its submitter's node */
};

struct peer_batch_ids {
    const struct hash *ids;
    uint32_t count; /* at least 1 */
};

/* Certificates of views from_view to to_view of an epoch. cursor is 0 at first, then the last
   answer's next cursor; it means something only to the one who answers. */
struct peer_certificate_request {
    uint64_t epoch;
    uint64_t from_view;
    uint64_t to_view; /* at least from_view */
    uint64_t cursor;
};

struct peer_certificates {
    const struct certificate *list;
    uint32_t count; /* may be 0 */
    bool more;      /* ask again with next_cursor */
    uint64_t next_cursor;
};

struct peer_block_request {
    uint64_t from_height;
    uint32_t count; /* 1 to PEER_BLOCKS_MAX */
};

struct peer_final_block {
    struct peer_block block;
    const struct certificate *finalization;
};

struct peer_blocks {
    const struct peer_final_block *list; /* ascending heights, as asked */
    uint32_t count;                      /* may be 0: none held */
};

struct peer_message {
    enum peer_message_kind kind;
    union {
        struct vote vote;
        const struct certificate *certificate;
        struct peer_proposal proposal;
        struct peer_status status;
        struct peer_batch batch;
        struct peer_batch_ids batch_ids; /* BATCH_HAVE, BATCH_REQUEST, BATCH_MISSING */
        struct peer_certificate_request certificate_request;
        struct peer_certificates certificates;
        struct peer_block_request block_request;
        struct peer_blocks blocks;
        struct evidence evidence;
    };
};

/* At least the bytes that peer_encode will write for this message, and exactly that many now; 0 if
   it cannot be encoded (a count or length above its limit). */
size_t peer_encoded_bound(const struct peer_message *message);

/* Writes the message as one frame. OVERSIZED if it does not fit the capacity, or a count or length
   in it is above its limit; nothing is written then. */
enum status peer_encode(const struct peer_message *message, uint8_t *buffer, size_t capacity,
                        size_t *ret_length) MUST_USE;

/*
 * Reads one frame. The message borrows from the arena (arrays, certificates) and, for BATCH, from
 * the input itself, so that a batch costs no copy; both must outlive it.
 *
 * Certificates in it have a kind fit for their place, a view above 0, signers below
 * validator_count, as many signatures as signers, and no candidate in a nullification; signatures
 * beyond the count are zero. Give the largest set that may still be referred to, if it changes. A
 * proposal's nullifications ascend by view. Votes have a known kind; the rest of their form is for
 * vote_check_form.
 *
 * Errors: VERSION; MALFORMED; OVERSIZED (a frame above LIMIT_FRAME_BYTES, or a count or a length
 * above its limit); TRUNCATED; NO_MEMORY (the arena's budget). ret_what, unless NULL, then gets the
 * offending field's name, or NULL (static). On failure the arena is as it was, and ret_message
 * untouched.
 */
enum status peer_decode(const uint8_t *data, size_t length, struct arena *arena,
                        uint32_t validator_count, struct peer_message *ret_message,
                        const char **ret_what) MUST_USE;

/* "VOTE" ...: for logs and counters. Static storage. */
const char *peer_message_name(enum peer_message_kind kind);

#endif
