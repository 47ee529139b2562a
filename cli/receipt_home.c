/* receipt_home: a receipt out of a home's store (see receipt_home.h). */
#include "cli/receipt_home.h"

#include <string.h>

#include "base/bytes.h"
#include "cli/batch_keys.h"
#include "cli/sets.h"
#include "node/epochs.h"
#include "node/given_keys.h"
#include "node/rows.h"

/* Both paths, from the ids and verdicts of the whole block. */
static enum status read_paths(struct home *home, uint64_t height, struct held *held)
{
    struct hash ids[LIMIT_BLOCK_BATCHES], vectors[LIMIT_BLOCK_BATCHES];
    const struct block_row *block;
    const struct batch *batch;
    const uint16_t *verdicts;
    enum status status = chain_block(&home->chain, height, &block);
    if (status != STATUS_OK) {
        return status;
    }
    held->block_header = block->header;
    held->finalization = block->finalization;
    uint32_t count = block->batch_count;
    for (uint32_t i = 0; i < count; i++) {
        ids[i] = merkle_leaf(block->batch_ids[i].bytes, HASH_BYTES);
    }
    for (uint32_t i = 0; i < count; i++) {
        status = chain_batch(&home->chain, height, i, false, &batch, &verdicts);
        if (status != STATUS_OK) {
            return status;
        }
        struct hash root = verdict_vector_root(verdicts, batch->header.count);
        vectors[i] = merkle_leaf(root.bytes, HASH_BYTES);
        if (i == held->receipt.batch_index) {
            held->batch_header = batch->header;
            held->receipt.batch_signature = batch->signature;
            held->receipt.verdict_count = batch->header.count;
            memcpy(held->verdicts, verdicts, sizeof *verdicts * batch->header.count);
        }
    }
    merkle_path_of(ids, count, held->receipt.batch_index, &held->batches_path);
    merkle_path_of(vectors, count, held->receipt.batch_index, &held->verdicts_path);
    return STATUS_OK;
}

/* The steps to the block's epoch from the first one of its incarnation, or of the one in which its
   key was given. Root blocks, which begin incarnations, are no steps: their documents say the set.
 */
static enum status read_epochs(struct home *home, uint64_t epoch, struct held *held)
{
    const struct lineage *lineage = &home->documents.lineage;
    uint64_t first = incarnation_first_epoch(lineage_at_epoch(lineage, epoch));
    if (held->receipt.has_key) {
        struct block_header gift;
        memcpy(&gift, held->receipt.key.block_header, sizeof gift);
        first = incarnation_first_epoch(lineage_at_epoch(lineage, gift.epoch));
    }
    if (epoch > CLIENT_EPOCHS_MAX + first) {
        return STATUS_OVERSIZED;
    }
    for (uint64_t e = first; e < epoch; e++) {
        if (incarnation_first_epoch(lineage_at_epoch(lineage, e + 1)) == e + 1) {
            continue;
        }
        uint64_t height;
        const struct block_row *block;
        struct validator_set next;
        uint8_t members[LIMIT_VALIDATORS * EPOCHS_MEMBER_BYTES];
        enum status status = epochs_terminal(&home->chain, home->final.height, e, &height);
        if (status == STATUS_OK) {
            status = epochs_set(&home->chain, e + 1, &next);
        }
        if (status == STATUS_OK) {
            status = chain_block(&home->chain, height, &block);
        }
        if (status != STATUS_OK) {
            return STATUS_CORRUPT;
        }
        epochs_to_bytes(&next, members);
        held_add_epoch(held, &block->header, &block->finalization, members, next.count);
    }
    return STATUS_OK;
}

/* The proof of a key that genesis does not have, if the node kept one. */
static enum status read_key(struct home *home, uint64_t height, struct held *held)
{
    struct given_keys_proof proof;
    struct public_key key;
    const struct batch_header *header = &held->batch_header;
    if (batch_keys_of_genesis(&home->genesis, header, &key)) {
        return STATUS_OK;
    }
    const enum status status =
        given_keys_prove(&home->chain, header->participant, header->key_no, height, &proof);
    if (status == STATUS_OK) {
        held_set_key(held, &proof);
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

int receipt_home_read(struct home *home, const struct hash *id, struct held *held)
{
    struct span place;
    if (!store_get(home->store, STORE_BATCH_PLACE, id->bytes, HASH_BYTES, &place)) {
        complain("no final block names this batch");
        return EXIT_NOT_FOUND;
    }
    if (place.length != 12) {
        return home_failure(STATUS_CORRUPT, "the place of the batch");
    }
    uint64_t height = get_le64(place.data);
    held->receipt.batch_index = get_le32(place.data + 8);
    enum status status = held->receipt.batch_index < LIMIT_BLOCK_BATCHES
                             ? read_paths(home, height, held)
                             : STATUS_CORRUPT;
    if (status == STATUS_OK) {
        status = read_key(home, height, held);
    }
    if (status == STATUS_OK) {
        status = read_epochs(home, held->block_header.epoch, held);
    }
    if (status != STATUS_OK) {
        return home_failure(status, "block %llu", (unsigned long long)height);
    }
    held_point(held);
    return EXIT_CLEAN;
}

bool receipt_home_key(struct home *home, const struct held *held, struct public_key *ret_key)
{
    const struct validator_set *set = NULL;
    const struct batch batch = {.header = held->batch_header,
                                .signature = held->receipt.batch_signature};
    return sets_of_epoch(home, held->block_header.epoch, &set) == NULL &&
           batch_keys_find(home, set, &batch, ret_key);
}
