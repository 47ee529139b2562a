/*
 * receipt_held: a receipt with memory of its own: as a node answered it, as a home's store gives
 * it, or as a file has it.
 */
#ifndef HEFU_CLI_RECEIPT_HELD_H
#define HEFU_CLI_RECEIPT_HELD_H

#include "base/merkle.h"
#include "node/epochs.h"
#include "node/given_keys.h"
#include "proto/client_codec.h"

/* One step between epochs, with memory of its own. */
struct held_epoch {
    struct block_header header;
    struct certificate finalization;
    uint8_t members[LIMIT_VALIDATORS * EPOCHS_MEMBER_BYTES];
};

/* The proof of the batch's key. */
struct held_key {
    struct block_header header;
    struct certificate finalization;
    struct merkle_path path;
    uint8_t *rows; /* owned */
};

struct held {
    struct client_receipt receipt; /* points into the rest */
    struct held_epoch *epochs;     /* CLIENT_EPOCHS_MAX */
    struct client_epoch epoch_views[CLIENT_EPOCHS_MAX];
    struct batch_header batch_header;
    struct block_header block_header;
    struct certificate finalization;
    struct merkle_path batches_path, verdicts_path;
    uint16_t verdicts[LIMIT_BATCH_RECORDS];
    struct held_key key;
};

struct held *held_new(void);
void held_free(struct held *held);

/* Points the receipt at what is held: after the other members are filled. */
void held_point(struct held *held);
/* Takes over the next step between epochs; at most CLIENT_EPOCHS_MAX. */
void held_add_epoch(struct held *held, const struct block_header *header,
                    const struct certificate *finalization, const uint8_t *members,
                    uint32_t member_count);
/* Takes over the proof of the key. */
void held_set_key(struct held *held, const struct given_keys_proof *proof);
/* A whole receipt. */
void held_copy(struct held *held, const struct client_receipt *receipt);

#endif
