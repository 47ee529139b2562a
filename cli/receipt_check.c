/* receipt_check: a receipt against genesis (see receipt_check.h). */
#include "cli/receipt_check.h"

#include <string.h>

#include "base/merkle.h"
#include "cli/check.h"
#include "cli/sets.h"
#include "node/epochs.h"
#include "node/keys.h"

static const struct public_key *key_of(const struct genesis *genesis,
                                       const struct batch_header *header,
                                       const struct public_key *later)
{
    const struct genesis_participant *submitter = genesis_participant(genesis, header->participant);
    for (uint32_t i = 0; submitter != NULL && i < submitter->key_count; i++) {
        if (submitter->keys[i].key_no == header->key_no) {
            return &submitter->keys[i].key;
        }
    }
    return later;
}

static const char *check_batch(const struct client_receipt *receipt, const struct genesis *genesis,
                               const struct public_key *later, const struct hash *chain_id,
                               const struct batch_header *header)
{
    const struct public_key *key = key_of(genesis, header, later);
    if (header->version != BATCH_VERSION || header->count == 0 ||
        header->count > LIMIT_BATCH_RECORDS || header->count != receipt->verdict_count) {
        return "the batch header is malformed, or has another number of records than verdicts";
    }
    if (!hash_equal(&header->chain_id, chain_id)) {
        return "the batch belongs to another chain";
    }
    if (key == NULL) {
        return "genesis has no such participant or key";
    }
    uint8_t bytes[BATCH_SIGNED_BYTES];
    batch_signed_bytes(header, bytes);
    return key_verify(key, bytes, sizeof bytes, &receipt->batch_signature)
               ? NULL
               : "the batch is not signed by its participant";
}

static bool verify_path(const struct hash *root, uint32_t size, uint32_t index,
                        const struct hash *data, const struct hash *hashes, uint32_t count)
{
    struct merkle_path path = {.count = count};
    if (count > MERKLE_PATH_MAX) {
        return false;
    }
    if (count > 0) {
        memcpy(path.hashes, hashes, sizeof *hashes * count);
    }
    struct hash leaf = merkle_leaf(data->bytes, sizeof data->bytes);
    return merkle_verify(root, size, index, &leaf, &path);
}

/* From genesis' validators to those of the block's epoch. Steps of earlier incarnations, which this
   document does not begin, are not looked at. */
static const char *check_epochs(const struct client_receipt *receipt, const struct hash *chain_id,
                                const struct validator_set *validators, struct validator_set *set)
{
    *set = *validators;
    for (uint32_t i = 0; i < receipt->epoch_count; i++) {
        const struct client_epoch *step = &receipt->epochs[i];
        struct block_header terminal;
        struct validator_set next;
        memcpy(&terminal, step->block_header, sizeof terminal);
        if (terminal.epoch < validators->epoch) {
            continue;
        }
        if (epochs_from_bytes(step->members, step->member_count, set->epoch + 1, &next) !=
            STATUS_OK) {
            return "a set of validators is malformed";
        }
        const char *wrong = sets_step(set, &terminal, step->finalization, chain_id, &next);
        if (wrong != NULL) {
            return wrong;
        }
        *set = next;
    }
    return NULL;
}

const char *receipt_check(const struct client_receipt *receipt, const struct genesis *genesis,
                          const struct public_key *later, const struct hash *chain_id,
                          const struct validator_set *validators, struct receipt_facts *ret_facts)
{
    struct receipt_facts facts;
    memcpy(&facts.batch, receipt->batch_header, sizeof facts.batch);
    memcpy(&facts.block, receipt->block_header, sizeof facts.block);
    facts.batch_id = batch_id(&facts.batch);
    facts.block_hash = block_hash(&facts.block);
    const char *wrong = check_batch(receipt, genesis, later, chain_id, &facts.batch);
    if (wrong != NULL) {
        return wrong;
    }
    if (facts.block.version != BLOCK_VERSION || !hash_equal(&facts.block.chain_id, chain_id)) {
        return "the block belongs to another chain";
    }
    struct hash verdicts = verdict_vector_root(receipt->verdicts, receipt->verdict_count);
    if (!verify_path(&facts.block.batches_root, facts.block.batch_count, receipt->batch_index,
                     &facts.batch_id, receipt->batches_path, receipt->batches_path_count)) {
        return "the batch does not stand under the block's batches_root";
    }
    if (!verify_path(&facts.block.verdicts_root, facts.block.batch_count, receipt->batch_index,
                     &verdicts, receipt->verdicts_path, receipt->verdicts_path_count)) {
        return "the verdicts do not stand under the block's verdicts_root";
    }
    struct validator_set set;
    wrong = check_epochs(receipt, chain_id, validators, &set);
    if (wrong == NULL && facts.block.epoch != set.epoch) {
        wrong = "the receipt does not lead to the validators of the block's epoch";
    }
    if (wrong == NULL) {
        wrong = check_finalization(receipt->finalization, &facts.block_hash, chain_id, &set, true);
    }
    if (wrong == NULL) {
        *ret_facts = facts;
    }
    return wrong;
}
