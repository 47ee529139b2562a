/* block: the hash of a block header and the trees over batch ids and verdicts (see block.h). */
#include "ledger/block.h"

#include "base/check.h"

struct hash block_hash(const struct block_header *header)
{
    return hash_of(&PURPOSE_BLOCK, header, BLOCK_HEADER_BYTES);
}

struct hash batches_root(const struct hash *ids, uint32_t count)
{
    struct merkle_frontier frontier = {.size = 0};
    for (uint32_t i = 0; i < count; i++) {
        struct hash leaf = merkle_leaf(&ids[i], HASH_BYTES);
        merkle_frontier_append(&frontier, &leaf);
    }
    return merkle_frontier_root(&frontier);
}

struct hash verdict_chunk_leaf(const uint16_t *verdicts, uint32_t count)
{
    CHECK(count >= 1 && count <= VERDICT_CHUNK);
    return merkle_leaf(verdicts, (size_t)count * sizeof verdicts[0]);
}

struct hash verdict_vector_root(const uint16_t *verdicts, uint32_t count)
{
    struct merkle_frontier frontier = {.size = 0};
    for (uint32_t at = 0; at < count; at += VERDICT_CHUNK) {
        uint32_t left = count - at;
        struct hash leaf =
            verdict_chunk_leaf(verdicts + at, left < VERDICT_CHUNK ? left : VERDICT_CHUNK);
        merkle_frontier_append(&frontier, &leaf);
    }
    return merkle_frontier_root(&frontier);
}
