/*
 * block: the 352-byte header that validators vote for; a block is its header and its batch ids
 * (docs/formats.md, Block header). No view stands in it: a re-proposal keeps its hash.
 */
#ifndef HEFU_LEDGER_BLOCK_H
#define HEFU_LEDGER_BLOCK_H

#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/merkle.h"

#define BLOCK_VERSION 1
#define BLOCK_HEADER_BYTES 352
#define BLOCK_TERMINAL 1u

struct block_header {
    uint32_t version;
    uint32_t flags;
    uint64_t epoch;
    uint64_t height;
    uint64_t timestamp_ms;
    uint32_t proposer;
    uint32_t batch_count;
    uint32_t account_count;
    uint32_t event_count;
    uint64_t record_count;  /* in this block */
    uint64_t total_records; /* in the chain, this block included */
    struct hash chain_id;
    struct hash parent_hash;
    struct hash batches_root;
    struct hash verdicts_root;
    struct hash accounts_root;
    struct hash state_root;
    struct hash history_root; /* over the hashes of all earlier blocks, from height 0 */
    struct hash events_root;
    struct hash next_validators_hash;
};

_Static_assert(sizeof(struct block_header) == BLOCK_HEADER_BYTES, "a block header is 352 bytes");

/* block_hash = H("hefu.block", header). Height 0 is genesis: its header is made from the genesis
 * state. */
struct hash block_hash(const struct block_header *header);

/* Tree over batch ids, in execution order. */
struct hash batches_root(const struct hash *ids, uint32_t count);

/* A batch's verdict vector: a tree over chunks of 32 u16 (the last chunk unpadded). */
#define VERDICT_CHUNK 32
struct hash verdict_chunk_leaf(const uint16_t *verdicts, uint32_t count);
struct hash verdict_vector_root(const uint16_t *verdicts, uint32_t count);

#endif
