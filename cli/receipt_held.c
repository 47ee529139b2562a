/* receipt_held: memory of a receipt (see receipt_held.h). */
#include "cli/receipt_held.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"

struct held *held_new(void)
{
    struct held *held = calloc(1, sizeof *held);
    CHECK(held != NULL);
    held->epochs = calloc(CLIENT_EPOCHS_MAX, sizeof *held->epochs);
    CHECK(held->epochs != NULL);
    return held;
}

void held_free(struct held *held)
{
    free(held->epochs);
    free(held->key.rows);
    free(held);
}

void held_point(struct held *held)
{
    held->receipt.batch_header = (const uint8_t *)&held->batch_header;
    held->receipt.block_header = (const uint8_t *)&held->block_header;
    held->receipt.finalization = &held->finalization;
    held->receipt.verdicts = held->verdicts;
    held->receipt.batches_path = held->batches_path.hashes;
    held->receipt.batches_path_count = held->batches_path.count;
    held->receipt.verdicts_path = held->verdicts_path.hashes;
    held->receipt.verdicts_path_count = held->verdicts_path.count;
    held->receipt.epochs = held->epoch_views;
}

void held_add_epoch(struct held *held, const struct block_header *header,
                    const struct certificate *finalization, const uint8_t *members,
                    uint32_t member_count)
{
    const uint32_t i = held->receipt.epoch_count++;
    CHECK(i < CLIENT_EPOCHS_MAX && member_count <= LIMIT_VALIDATORS);
    struct held_epoch *epoch = &held->epochs[i];
    epoch->header = *header;
    epoch->finalization = *finalization;
    memcpy(epoch->members, members, (size_t)member_count * EPOCHS_MEMBER_BYTES);
    held->epoch_views[i] = (struct client_epoch){.block_header = (const uint8_t *)&epoch->header,
                                                 .finalization = &epoch->finalization,
                                                 .members = epoch->members,
                                                 .member_count = member_count};
}

void held_set_key(struct held *held, const struct given_keys_proof *proof)
{
    struct held_key *key = &held->key;
    free(key->rows);
    key->header = proof->header;
    key->finalization = proof->finalization;
    key->path = proof->path;
    key->rows = malloc(proof->rows.length);
    CHECK(key->rows != NULL && proof->rows.length > 0);
    memcpy(key->rows, proof->rows.data, proof->rows.length);
    held->receipt.has_key = true;
    held->receipt.key = (struct client_key_proof){.block_header = (const uint8_t *)&key->header,
                                                  .finalization = &key->finalization,
                                                  .previous = proof->previous,
                                                  .path = key->path.hashes,
                                                  .path_count = key->path.count,
                                                  .rows = {key->rows, proof->rows.length}};
}

void held_copy(struct held *held, const struct client_receipt *receipt)
{
    CHECK(receipt->verdict_count <= LIMIT_BATCH_RECORDS &&
          receipt->batches_path_count <= MERKLE_PATH_MAX &&
          receipt->verdicts_path_count <= MERKLE_PATH_MAX);
    held->receipt = *receipt;
    memcpy(&held->batch_header, receipt->batch_header, sizeof held->batch_header);
    memcpy(&held->block_header, receipt->block_header, sizeof held->block_header);
    held->finalization = *receipt->finalization;
    memcpy(held->verdicts, receipt->verdicts, sizeof(uint16_t) * receipt->verdict_count);
    held->batches_path.count = receipt->batches_path_count;
    held->verdicts_path.count = receipt->verdicts_path_count;
    for (uint32_t i = 0; i < receipt->batches_path_count; i++) {
        held->batches_path.hashes[i] = receipt->batches_path[i];
    }
    for (uint32_t i = 0; i < receipt->verdicts_path_count; i++) {
        held->verdicts_path.hashes[i] = receipt->verdicts_path[i];
    }
    held->receipt.has_key = false;
    if (receipt->has_key) {
        struct given_keys_proof proof = {.finalization = *receipt->key.finalization,
                                         .previous = receipt->key.previous,
                                         .path.count = receipt->key.path_count,
                                         .rows = receipt->key.rows};
        CHECK(receipt->key.path_count <= MERKLE_PATH_MAX);
        memcpy(&proof.header, receipt->key.block_header, sizeof proof.header);
        for (uint32_t i = 0; i < receipt->key.path_count; i++) {
            proof.path.hashes[i] = receipt->key.path[i];
        }
        held_set_key(held, &proof);
    }
    held->receipt.epoch_count = 0;
    for (uint32_t i = 0; i < receipt->epoch_count; i++) {
        const struct client_epoch *from = &receipt->epochs[i];
        struct block_header header;
        memcpy(&header, from->block_header, sizeof header);
        held_add_epoch(held, &header, from->finalization, from->members, from->member_count);
    }
    held_point(held);
}
