/*
 * chain: reading a stored chain: the final point, blocks, batches, verdicts, records by place. Used
 * by the running node (through its own pass) and by the CLI (a read-only store); it implements the
 * ledger's reader. Everything read is checked against the hash that covers it, so damage shows as
 * CORRUPT and never as another figure.
 */
#ifndef HEFU_NODE_CHAIN_H
#define HEFU_NODE_CHAIN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "ledger/ledger.h"
#include "node/rows.h"

/* Where the rows come from: a store, or a replica's node_io. The functions are those of node_io. */
struct chain_source {
    void *context;
    bool (*get)(void *context, unsigned table, const void *key, size_t key_length,
                struct span *ret_value);
    /* The first row whose key is not below from (from_length 0: the first row). */
    bool (*seek)(void *context, unsigned table, const void *from, size_t from_length,
                 struct span *ret_key, struct span *ret_value);
};

struct chain {
    struct chain_source source;
    /* The last batch and block that were read stay parsed: scans ask for neighbours. */
    struct block_row block;
    bool block_cached;
    struct hash batch_id;
    uint64_t batch_height;
    uint32_t batch_index;
    bool batch_cached;
    bool root_checked;    /* of the cached batch */
    uint8_t *batch_bytes; /* owned, BATCH_BYTES_MAX */
    uint16_t *verdicts;   /* owned, LIMIT_BATCH_RECORDS */
    uint32_t verdict_count;
    struct batch batch;
    /* Verdicts of the batch that chain_record read last: halves meet in the order of their files,
       and the store checks a row as a whole. */
    uint64_t near_height;
    uint32_t near_index;
    uint32_t near_count;     /* 0: none */
    uint16_t *near_verdicts; /* owned, LIMIT_BATCH_RECORDS */
};

struct store;

void chain_init(struct chain *chain, struct chain_source source);
/* Over an open store. */
void chain_over_store(struct chain *chain, struct store *store);
void chain_end(struct chain *chain);

/* NOT_FOUND before genesis is stored. */
enum status chain_final(struct chain *chain, struct final_point *ret_point) MUST_USE;
/* The block at a height; NOT_FOUND above the final point, or CORRUPT. Borrowed until the next
 * chain_block. */
enum status chain_block(struct chain *chain, uint64_t height,
                        const struct block_row **ret_block) MUST_USE;
/* The batch at (height, index) with its verdicts: header, records (8-aligned, batch.body) checked
   against batch_id, the chain id of its block, and records_root when check_root. NOT_FOUND as
   chain_block and beyond the block's batches, or CORRUPT. Borrowed until the next call. */
enum status chain_batch(struct chain *chain, uint64_t height, uint32_t index, bool check_root,
                        const struct batch **ret_batch, const uint16_t **ret_verdicts) MUST_USE;
/* A record by its place (position = batch_index << 16 | record_index). */
enum status chain_record(struct chain *chain, uint64_t height, uint32_t position,
                         struct record *ret_record, uint16_t *ret_verdict,
                         uint32_t *ret_submitter) MUST_USE;
/* The reader that ledger_prefetch takes; chain must outlive it. A damaged row calls CHECK's way out
   only through the store's failure handler. */
struct ledger_reader chain_ledger_reader(struct chain *chain);

#endif
