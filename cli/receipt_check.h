/*
 * receipt_check: whether a receipt shows, with nothing but genesis, that a batch is final and which
 * verdicts its records got (docs/auditing.md, Receipts):
 *
 *   genesis' validators ─► terminal block of epoch 1 ─► those of epoch 2 ─► ... ─► those who signed
 *
 *   signature ─► batch header ─► batch_id ─► batches_root ┐
 *                       count ─► verdicts ─► verdicts_root ┴─► block header ─► finalization by q
 *
 * The signature's key is one of genesis, of the validators of the block's epoch, or of an action
 * whose row the receipt proves (node/given_keys.h).
 */
#ifndef HEFU_CLI_RECEIPT_CHECK_H
#define HEFU_CLI_RECEIPT_CHECK_H

#include "consensus/validators.h"
#include "ledger/batch.h"
#include "ledger/block.h"
#include "ledger/lineage.h"
#include "node/given_keys.h"
#include "proto/client_codec.h"

struct receipt_facts {
    struct batch_header batch;
    struct hash batch_id;
    struct block_header block;
    struct hash block_hash;
    char name[GIVEN_KEYS_NAME_BYTES]; /* the participant's, if the proof of its key has it */
};

/* NULL if everything holds, with the facts; else what is wrong (static). lineage: the documents at
   hand; that of the block's incarnation must be among them, and if the key was given in another
   one, that one's. later: the key of a participant and number as the caller knows it for itself,
   for a key that an action gave and a receipt without its proof; or NULL. */
const char *receipt_check(const struct client_receipt *receipt, const struct lineage *lineage,
                          const struct public_key *later, struct receipt_facts *ret_facts);

#endif
