/*
 * replica_receipts: receipts from storage: everything that shows that a batch is final to somebody
 * with the genesis document of its incarnation alone (docs/auditing.md, Receipts). The steps from
 * that document's validators to those of a block never change, so each is read once, unless
 * receipts of another incarnation are asked for in between.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "node/epochs.h"
#include "node/memory.h"
#include "node/replica_state.h"

_Static_assert(CLIENT_MEMBER_BYTES == EPOCHS_MEMBER_BYTES, "one layout of a member");

struct epoch_step {
    struct block_header header;
    struct certificate finalization;
    uint8_t members[LIMIT_VALIDATORS * EPOCHS_MEMBER_BYTES];
    uint32_t member_count;
};

static enum status read_step(struct replica *replica, uint64_t epoch, struct epoch_step *step)
{
    uint64_t height;
    const struct block_row *block;
    struct validator_set next;
    enum status status = epochs_terminal(&replica->chain, replica->final.height, epoch, &height);
    if (status == STATUS_OK) {
        status = chain_block(&replica->chain, height, &block);
    }
    if (status != STATUS_OK || !block->has_finalization) {
        return STATUS_CORRUPT;
    }
    step->header = block->header;
    step->finalization = block->finalization;
    status = epochs_set(&replica->chain, epoch + 1, &next);
    if (status == STATUS_OK) {
        step->member_count = next.count;
        epochs_to_bytes(&next, step->members);
    }
    return status;
}

/* Whether an epoch ends with a root block: the document that it begins says who votes next. */
static bool ends_with_root(const struct replica *replica, uint64_t epoch)
{
    return incarnation_first_epoch(lineage_at_epoch(replica->config.lineage, epoch + 1)) ==
           epoch + 1;
}

/* The steps to an epoch from the first one of the incarnation that another epoch belongs to. */
static enum status read_epochs(struct replica *replica, uint64_t from, uint64_t epoch,
                               struct client_receipt *receipt)
{
    struct receipt_epochs *known = &replica->receipt_epochs;
    const uint64_t first = incarnation_first_epoch(lineage_at_epoch(replica->config.lineage, from));
    if (epoch > CLIENT_EPOCHS_MAX + first) {
        return STATUS_OVERSIZED;
    }
    if (known->first != first) {
        replica_receipts_free(replica);
        *known = (struct receipt_epochs){.first = first, .next = first};
    }
    for (; known->next < epoch; known->next++) {
        if (ends_with_root(replica, known->next)) {
            continue;
        }
        struct epoch_step *step = calloc(1, sizeof *step);
        memory_check(step);
        const enum status status = read_step(replica, known->next, step);
        if (status != STATUS_OK) {
            free(step);
            return status;
        }
        known->steps[known->count] = step;
        known->views[known->count] =
            (struct client_epoch){.block_header = (const uint8_t *)&step->header,
                                  .finalization = &step->finalization,
                                  .members = step->members,
                                  .member_count = step->member_count};
        known->count++;
    }
    receipt->epochs = known->views;
    receipt->epoch_count = 0;
    while (receipt->epoch_count < known->count &&
           known->steps[receipt->epoch_count]->header.epoch < epoch) {
        receipt->epoch_count++;
    }
    return STATUS_OK;
}

static enum status load_trees(struct replica *replica, const struct block_row *block)
{
    struct receipt_trees *trees = &replica->receipt_trees;
    const uint64_t height = block->header.height;
    if (trees->height == height) {
        return STATUS_OK;
    }
    trees->height = 0;
    for (uint32_t i = 0; i < block->batch_count; i++) {
        const struct batch *batch;
        const uint16_t *verdicts;
        enum status status = chain_batch(&replica->chain, height, i, false, &batch, &verdicts);
        if (status != STATUS_OK) {
            return status;
        }
        struct hash root = verdict_vector_root(verdicts, batch->header.count);
        trees->verdicts[i] = merkle_leaf(root.bytes, HASH_BYTES);
        trees->batches[i] = merkle_leaf(block->batch_ids[i].bytes, HASH_BYTES);
    }
    trees->height = height;
    return STATUS_OK;
}

/* The proof of the batch's key, if it has one. What it borrows is of this pass. */
static enum status add_key(struct replica *replica, uint64_t height, uint32_t index,
                           struct given_keys_proof *proof, struct client_receipt *receipt)
{
    const struct batch *batch;
    const uint16_t *verdicts;
    enum status status = chain_batch(&replica->chain, height, index, false, &batch, &verdicts);
    if (status != STATUS_OK) {
        return status;
    }
    status = replica_key_proof(replica, &batch->header, height, proof);
    if (status == STATUS_OK) {
        receipt->has_key = true;
        receipt->key = (struct client_key_proof){.block_header = (const uint8_t *)&proof->header,
                                                 .finalization = &proof->finalization,
                                                 .previous = proof->previous,
                                                 .path = proof->path.hashes,
                                                 .path_count = proof->path.count,
                                                 .rows = proof->rows};
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status replica_receipt(struct replica *replica, uint64_t height, uint32_t index,
                            struct receipt_parts *parts, struct client_receipt *ret_receipt)
{
    struct client_receipt *receipt = ret_receipt;
    const struct block_row *block;
    const struct batch *batch;
    memset(receipt, 0, sizeof *receipt);
    enum status status = chain_block(&replica->chain, height, &block);
    const uint64_t epoch = status == STATUS_OK ? block->header.epoch : 0;
    if (status == STATUS_OK) {
        status = add_key(replica, height, index, &parts->key, receipt);
    }
    /* The key may have been given in an earlier incarnation. */
    if (status == STATUS_OK) {
        const uint64_t from = receipt->has_key ? parts->key.header.epoch : epoch;
        status = read_epochs(replica, from, epoch, receipt);
    }
    /* Again: the chain keeps one block. */
    if (status == STATUS_OK) {
        status = chain_block(&replica->chain, height, &block);
    }
    if (status == STATUS_OK) {
        status = load_trees(replica, block);
    }
    if (status == STATUS_OK) {
        status = chain_batch(&replica->chain, height, index, false, &batch, &receipt->verdicts);
    }
    if (status != STATUS_OK) {
        return status;
    }
    struct receipt_trees *trees = &replica->receipt_trees;
    merkle_path_of(trees->batches, block->batch_count, index, &parts->batches_path);
    merkle_path_of(trees->verdicts, block->batch_count, index, &parts->verdicts_path);
    receipt->batch_header = (const uint8_t *)&batch->header;
    receipt->batch_signature = batch->signature;
    receipt->verdict_count = batch->header.count;
    receipt->block_header = (const uint8_t *)&block->header;
    receipt->finalization = &block->finalization;
    receipt->batch_index = index;
    receipt->batches_path = parts->batches_path.hashes;
    receipt->batches_path_count = parts->batches_path.count;
    receipt->verdicts_path = parts->verdicts_path.hashes;
    receipt->verdicts_path_count = parts->verdicts_path.count;
    return STATUS_OK;
}

void replica_receipts_free(struct replica *replica)
{
    for (uint32_t i = 0; i < replica->receipt_epochs.count; i++) {
        free(replica->receipt_epochs.steps[i]);
    }
}
