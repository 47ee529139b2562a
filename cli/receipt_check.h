/*
 * receipt_check: whether a receipt shows, with nothing but genesis, that a batch is final and which
 * verdicts its records got (docs/auditing.md, Receipts):
 *
 *   genesis' validators ─► terminal block of epoch 1 ─► those of epoch 2 ─► ... ─► those who signed
 *
 *   signature ─► batch header ─► batch_id ─► batches_root ┐
 *                       count ─► verdicts ─► verdicts_root ┴─► block header ─► finalization by q
 */
#ifndef HEFU_CLI_RECEIPT_CHECK_H
#define HEFU_CLI_RECEIPT_CHECK_H

#include "consensus/validators.h"
#include "ledger/batch.h"
#include "ledger/block.h"
#include "ledger/genesis.h"
#include "proto/client_codec.h"

struct receipt_facts {
    struct batch_header batch;
    struct hash batch_id;
    struct block_header block;
    struct hash block_hash;
};

/* NULL if everything holds, with the facts; else what is wrong (static). genesis, chain_id: of the
   block's incarnation. validators: genesis', of its first epoch.
   later: the key of a participant and number that genesis does not have, because an action gave it
   since, as the caller knows it for itself; or NULL. */
const char *receipt_check(const struct client_receipt *receipt, const struct genesis *genesis,
                          const struct public_key *later, const struct hash *chain_id,
                          const struct validator_set *validators, struct receipt_facts *ret_facts);

#endif
