/*
 * rows: how votes, certificates, blocks and the final point stand in the store: fixed layouts, so
 * that a row can be checked by length and an auditor can read it without this program
 * (docs/formats.md, Stored tables).
 */
#ifndef HEFU_NODE_ROWS_H
#define HEFU_NODE_ROWS_H

#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/status.h"
#include "consensus/message.h"
#include "ledger/block.h"

/* kind u16, reserved u16, signer u32, epoch, view, parent_view u64, block_hash 32, signature 64. */
#define ROW_VOTE_BYTES 128
/* kind u16, reserved u16, count u32, epoch, view, parent_view u64, block_hash 32, signers 16, then
 * count signatures. */
#define ROW_CERTIFICATE_PREFIX 80
#define ROW_CERTIFICATE_BYTES_MAX (ROW_CERTIFICATE_PREFIX + 64 * LIMIT_VALIDATORS)
/* header 352, batch ids 32 each, finalization certificate (absent at height 0 and in open blocks).
 */
#define ROW_BLOCK_BYTES_MAX                                                                        \
    (BLOCK_HEADER_BYTES + 32 * LIMIT_BLOCK_BATCHES + ROW_CERTIFICATE_BYTES_MAX)

struct final_point {
    uint64_t height;
    uint64_t epoch;
    uint64_t view; /* of its finalization; 0 at genesis */
    struct hash hash;
};
#define ROW_FINAL_BYTES 56

struct block_row {
    struct block_header header;
    struct hash hash;
    uint32_t batch_count;
    struct hash batch_ids[LIMIT_BLOCK_BATCHES];
    bool has_finalization;
    struct certificate finalization;
};

void row_vote_encode(const struct vote *vote, uint8_t ret_row[ROW_VOTE_BYTES]);
enum status row_vote_decode(struct span row, struct vote *ret_vote) MUST_USE;
/* Returns the length written. */
size_t row_certificate_encode(const struct certificate *certificate,
                              uint8_t ret_row[ROW_CERTIFICATE_BYTES_MAX]);
enum status row_certificate_decode(struct span row, struct certificate *ret_certificate) MUST_USE;
/* finalization may be NULL. Returns the length written. */
size_t row_block_encode(const struct block_header *header, const struct hash *batch_ids,
                        const struct certificate *finalization,
                        uint8_t ret_row[ROW_BLOCK_BYTES_MAX]);
/* Also computes the hash. */
enum status row_block_decode(struct span row, struct block_row *ret_block) MUST_USE;
void row_final_encode(const struct final_point *point, uint8_t ret_row[ROW_FINAL_BYTES]);
enum status row_final_decode(struct span row, struct final_point *ret_point) MUST_USE;

/* Keys: epoch u64 ‖ view u64 ‖ kind u8, big-endian. */
#define KEY_VIEW_BYTES 17
void key_view(uint64_t epoch, uint64_t view, enum vote_kind kind, uint8_t ret_key[KEY_VIEW_BYTES]);

/* Evidence: the key of a view, then the signer u32, big-endian. Under a signer's index stand its
   two votes; under EVIDENCE_CERTIFICATES two certificates that cannot both be. */
#define KEY_EVIDENCE_BYTES (KEY_VIEW_BYTES + 4)
#define EVIDENCE_CERTIFICATES UINT32_MAX
#define ROW_EVIDENCE_BYTES (2 * ROW_VOTE_BYTES)
#define ROW_CONFLICT_BYTES_MAX (2 * ROW_CERTIFICATE_BYTES_MAX)
void key_evidence(uint64_t epoch, uint64_t view, enum vote_kind kind, uint32_t signer,
                  uint8_t ret_key[KEY_EVIDENCE_BYTES]);
void row_evidence_encode(const struct evidence *evidence, uint8_t ret_row[ROW_EVIDENCE_BYTES]);
enum status row_evidence_decode(struct span row, struct evidence *ret_evidence) MUST_USE;
/* first may be NULL: it stands in the certificates table. Returns the length written. */
size_t row_conflict_encode(const struct certificate *first, const struct certificate *second,
                           uint8_t ret_row[ROW_CONFLICT_BYTES_MAX]);
/* ret_count: 1 or 2. */
enum status row_conflict_decode(struct span row, struct certificate ret_certificates[2],
                                uint32_t *ret_count) MUST_USE;

#endif
