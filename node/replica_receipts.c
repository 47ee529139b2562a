/*
 * replica_receipts: the steps from the validators of a document to those of a block of its
 * incarnation, which its receipts carry so that they can be checked with that document alone
 * (docs/auditing.md, Receipts). They never change, so each is read once, unless receipts of another
 * incarnation are asked for in between.
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

enum status replica_receipt_epochs(struct replica *replica, uint64_t epoch,
                                   const struct client_epoch **ret_epochs, uint32_t *ret_count)
{
    struct receipt_epochs *known = &replica->receipt_epochs;
    const uint64_t first =
        incarnation_first_epoch(lineage_at_epoch(replica->config.lineage, epoch));
    if (epoch > CLIENT_EPOCHS_MAX + first) {
        return STATUS_OVERSIZED;
    }
    if (known->first != first) {
        replica_receipts_free(replica);
        *known = (struct receipt_epochs){.first = first};
    }
    while (known->count + first < epoch) {
        struct epoch_step *step = calloc(1, sizeof *step);
        memory_check(step);
        const enum status status = read_step(replica, known->count + first, step);
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
    *ret_epochs = known->views;
    *ret_count = (uint32_t)(epoch - first);
    return STATUS_OK;
}

void replica_receipts_free(struct replica *replica)
{
    for (uint32_t i = 0; i < replica->receipt_epochs.count; i++) {
        free(replica->receipt_epochs.steps[i]);
    }
}
