/*
 * replica_bodies: the bodies of blocks that are not final yet: proposed, built here, fetched ahead
 * (docs/consensus.md, cast). What this node has voted for or agreed to stays until the height is
 * final, with all its batches; of the rest a peer may hold a few, and replaces only its own.
 */
#include <string.h>

#include "base/check.h"
#include "node/replica_state.h"

/* Bodies of one peer's proposals that nothing depends on. */
#define BODIES_OF_ONE_PEER 8

struct consensus_block replica_block_summary(const struct block_header *header,
                                             const struct hash *hash)
{
    return (struct consensus_block){.hash = *hash,
                                    .parent_hash = header->parent_hash,
                                    .epoch = header->epoch,
                                    .height = header->height,
                                    .timestamp_ms = header->timestamp_ms,
                                    .proposer = header->proposer,
                                    .flags = header->flags};
}

struct open_block *replica_open_find(struct replica *replica, const struct hash *hash)
{
    for (uint32_t i = 0; i < replica->open_high; i++) {
        struct open_block *block = &replica->open_blocks[i];
        if (block->used && hash_equal(&block->hash, hash)) {
            return block;
        }
    }
    return NULL;
}

bool replica_open_names(const struct replica *replica, const struct hash *batch_id)
{
    for (uint32_t i = 0; i < replica->open_high; i++) {
        const struct open_block *block = &replica->open_blocks[i];
        for (uint32_t b = 0; block->used && b < block->header.batch_count; b++) {
            if (hash_equal(&block->batch_ids[b], batch_id)) {
                return true;
            }
        }
    }
    return false;
}

/* Consensus relies on it: it was voted for, or commit may be asked for without another check. */
static bool is_pinned(const struct replica *replica, const struct open_block *block)
{
    return block->durable || block->agreed || hash_equal(&block->hash, &replica->executed);
}

/* The body touched longest ago that nothing depends on, of this peer (OPEN_TRUSTED: of anybody),
   and how many there are. */
static struct open_block *oldest_of(struct replica *replica, uint32_t author, uint32_t *ret_count)
{
    struct open_block *oldest = NULL;
    *ret_count = 0;
    for (uint32_t i = 0; i < replica->open_high; i++) {
        struct open_block *block = &replica->open_blocks[i];
        if (!block->used || is_pinned(replica, block) ||
            (author != OPEN_TRUSTED && block->author != author)) {
            continue;
        }
        (*ret_count)++;
        if (oldest == NULL || block->touched_ms < oldest->touched_ms) {
            oldest = block;
        }
    }
    return oldest;
}

static struct open_block *evict(struct replica *replica, struct open_block *block)
{
    if (block != NULL && block->check_pending) {
        /* Consensus waits for an answer; it asks again if it still wants the block. */
        replica_answer_checked(replica, &block->hash, BLOCK_UNAVAILABLE);
    }
    return block;
}

static struct open_block *open_place(struct replica *replica, uint32_t author)
{
    uint32_t count;
    if (author != OPEN_TRUSTED) {
        struct open_block *own = oldest_of(replica, author, &count);
        if (count >= BODIES_OF_ONE_PEER) {
            return evict(replica, own);
        }
    }
    for (uint32_t i = 0; i < replica->open_high; i++) {
        if (!replica->open_blocks[i].used) {
            return &replica->open_blocks[i];
        }
    }
    if (replica->open_high < OPEN_BLOCKS_MAX) {
        return &replica->open_blocks[replica->open_high++];
    }
    return evict(replica, oldest_of(replica, OPEN_TRUSTED, &count));
}

struct open_block *replica_open_add(struct replica *replica, const struct block_header *header,
                                    const struct hash *batch_ids, uint32_t author)
{
    struct hash hash = block_hash(header);
    struct open_block *block = replica_open_find(replica, &hash);
    if (block == NULL) {
        CHECK(header->batch_count <= LIMIT_BLOCK_BATCHES);
        block = open_place(replica, author);
        if (block == NULL) {
            return NULL;
        }
        memset(block, 0, sizeof *block);
        block->used = true;
        block->hash = hash;
        block->header = *header;
        block->author = author;
        block->source = author;
        if (author == OPEN_TRUSTED && header->proposer < replica->validators->count) {
            block->source = replica_peer_of(replica, header->proposer);
        }
        if (header->batch_count > 0) {
            memcpy(block->batch_ids, batch_ids, sizeof(struct hash) * header->batch_count);
        }
    }
    block->touched_ms = replica->monotonic_ms;
    return block;
}

void replica_open_drop_final(struct replica *replica)
{
    uint32_t high = 0;
    for (uint32_t i = 0; i < replica->open_high; i++) {
        struct open_block *block = &replica->open_blocks[i];
        if (block->used && (block->header.height <= replica->final.height ||
                            block->header.epoch < ledger_epoch(replica->ledger))) {
            if (block->durable) {
                replica->io.del(replica->io.context, STORE_OPEN_BLOCKS, block->hash.bytes,
                                HASH_BYTES);
            }
            block->used = false;
        }
        high = block->used ? i + 1 : high;
    }
    replica->open_high = high;
}
