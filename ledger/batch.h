/*
 * batch: what a participant signs and sends: a 192-byte header, its Ed25519 signature, and the
 * records that records_root covers (docs/formats.md, Batch header).
 */
#ifndef HEFU_LEDGER_BATCH_H
#define HEFU_LEDGER_BATCH_H

#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/keys.h"
#include "base/limits.h"
#include "base/status.h"
#include "ledger/record.h"

#define BATCH_VERSION 1
#define BATCH_HEADER_BYTES 192
#define BATCH_SIGNED_BYTES (16 + BATCH_HEADER_BYTES)
/* header ‖ signature ‖ records: the largest value a batch can be. */
#define BATCH_PREFIX_BYTES (BATCH_HEADER_BYTES + 64)
#define BATCH_BYTES_MAX (BATCH_PREFIX_BYTES + LIMIT_BATCH_RECORDS * RECORD_BYTES)
/* A block may not name a batch created more than this after the block's time: a submitter's clock
   may be off, but not without bound. */
#define BATCH_AHEAD_MS_MAX (2ull * 3600 * 1000)

enum batch_kind { BATCH_RECORDS = 1, BATCH_ACTION = 2, BATCH_EVIDENCE = 3 };

struct batch_header {
    uint16_t version;
    uint16_t kind; /* enum batch_kind */
    uint32_t participant;
    uint32_t key_no;
    uint32_t count;
    uint64_t created_ms;
    uint64_t expires_ms;
    struct hash chain_id;
    struct hash records_root;
    struct hash source_hash; /* of the imported file, else zero */
    uint32_t part;           /* 0-based, of that file */
    uint32_t parts;
    uint8_t reserved[56];
};

_Static_assert(sizeof(struct batch_header) == BATCH_HEADER_BYTES, "a batch header is 192 bytes");

/* batch_id = H("hefu.batch", header). */
struct hash batch_id(const struct batch_header *header);

/* The signed bytes: "hefu batch v1\0\0\0" ‖ header. */
void batch_signed_bytes(const struct batch_header *header, uint8_t ret_bytes[BATCH_SIGNED_BYTES]);

/* The hash of each record and the Merkle root over them. ret_hashes has room for count. */
struct hash batch_records_root(const struct record *records, uint32_t count,
                               struct hash *ret_hashes);

/* The root of a batch of another kind: the tree over the one hash of its body. */
struct hash batch_body_root(const void *body, size_t length);

/* A batch in its stored form (header ‖ signature ‖ body), borrowed from the bytes it was parsed
 * from. */
struct batch {
    struct batch_header header; /* copied: the bytes may be unaligned */
    struct hash id;
    struct signature signature;
    const uint8_t *body; /* count records, or one action's or evidence's bytes */
    size_t body_length;
};

/*
 * Parses and checks everything that needs neither keys nor state: version, kind, count 1..8,192,
 * body length (1 to 64 KiB if it is not of records), reserved zero, chain id, expires_ms in
 * (created_ms, created_ms + 24 h], part < parts (both zero without a source). Does not compute the
 * root. Errors: TRUNCATED, TRAILING, VERSION, OVERSIZED, WRONG_CHAIN, MALFORMED; ret_field (static)
 * names the offending field, may be NULL.
 */
enum status batch_parse(const void *bytes, size_t length, const struct hash *chain_id,
                        struct batch *ret_batch, const char **ret_field) MUST_USE;

#endif
