/* receipt_check: a receipt against genesis (see receipt_check.h). */
#include "cli/receipt_check.h"

#include <string.h>

#include "base/merkle.h"
#include "cli/batch_keys.h"
#include "cli/check.h"
#include "cli/documents.h"
#include "cli/sets.h"
#include "ledger/digest.h"
#include "ledger/rows.h"
#include "node/epochs.h"
#include "node/keys.h"

static const char *check_batch(const struct client_receipt *receipt, const struct hash *chain_id,
                               const struct batch_header *header)
{
    if (header->version != BATCH_VERSION || header->count == 0 ||
        header->count > LIMIT_BATCH_RECORDS || header->count != receipt->verdict_count) {
        return "the batch header is malformed, or has another number of records than verdicts";
    }
    return hash_equal(&header->chain_id, chain_id) ? NULL : "the batch belongs to another chain";
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

/* The block that gave the key: final by the set of its epoch, with these writes to ACTIONS. */
static const char *check_gift(const struct client_key_proof *proof, const struct hash *chain_id,
                              const struct validator_set *set)
{
    struct block_header header;
    struct hash digest = proof->previous;
    memcpy(&header, proof->block_header, sizeof header);
    const struct hash hash = block_hash(&header);
    if (header.version != BLOCK_VERSION || !hash_equal(&header.chain_id, chain_id)) {
        return "the block that gave the key belongs to another chain";
    }
    digest_run(&digest, proof->rows.data, proof->rows.length);
    if (!verify_path(&header.state_root, STATE_SLOTS, TABLE_ACTIONS, &digest, proof->path,
                     proof->path_count)) {
        return "the action that gave the key does not stand under the state_root of its block";
    }
    return check_finalization(proof->finalization, &hash, chain_id, set, true);
}

/* Whether a set is that of the block that gave the key; if so, whether that block holds. */
static const char *check_gift_in(const struct client_receipt *receipt, const struct hash *chain_id,
                                 const struct validator_set *set, bool *checked)
{
    struct block_header header;
    if (!receipt->has_key) {
        return NULL;
    }
    memcpy(&header, receipt->key.block_header, sizeof header);
    if (header.epoch != set->epoch) {
        return NULL;
    }
    *checked = true;
    return check_gift(&receipt->key, chain_id, set);
}

/* From the validators of an incarnation's document through the steps of it that the receipt has,
   and on the way the block that gave the key. */
static const char *walk(const struct client_receipt *receipt, const struct incarnation *incarnation,
                        struct validator_set *set, bool *gift_checked)
{
    const struct hash *chain_id = &incarnation->chain_id;
    if (documents_set(incarnation, set) != STATUS_OK) {
        return "the validators of its genesis document do not form a set";
    }
    const char *wrong = check_gift_in(receipt, chain_id, set, gift_checked);
    for (uint32_t i = 0; i < receipt->epoch_count && wrong == NULL; i++) {
        const struct client_epoch *step = &receipt->epochs[i];
        struct block_header terminal;
        struct validator_set next;
        memcpy(&terminal, step->block_header, sizeof terminal);
        if (!hash_equal(&terminal.chain_id, chain_id)) {
            continue; /* of the other incarnation */
        }
        if (epochs_from_bytes(step->members, step->member_count, set->epoch + 1, &next) !=
            STATUS_OK) {
            return "a set of validators is malformed";
        }
        wrong = sets_step(set, &terminal, step->finalization, chain_id, &next);
        if (wrong == NULL) {
            *set = next;
            wrong = check_gift_in(receipt, chain_id, set, gift_checked);
        }
    }
    return wrong;
}

/* Whether the network went on from a root before this block, or from another at its height. By its
   own incarnation's document alone such a block was final, and so it was, once. */
static bool is_given_up(const struct block_header *header, const struct lineage *lineage)
{
    const struct incarnation *next = lineage_after(lineage, &header->chain_id);
    if (next == NULL) {
        return false;
    }
    const struct genesis *document = next->genesis;
    const struct hash hash = block_hash(header);
    const bool is_root =
        header->height == document->root_height && hash_equal(&hash, &document->root_hash);
    return header->epoch > document->root_epoch ||
           (header->height >= document->root_height && !is_root);
}

/* Of a receipt that is genuine: whether the chain that goes on has its block, and the one that gave
   the key. */
static const char *check_kept(const struct client_receipt *receipt,
                              const struct block_header *block, const struct lineage *lineage)
{
    struct block_header giver;
    bool given_up = is_given_up(block, lineage);
    if (receipt->has_key) {
        memcpy(&giver, receipt->key.block_header, sizeof giver);
        given_up = given_up || is_given_up(&giver, lineage);
    }
    return given_up ? "it is genuine, but its block, or the one that gave the key, stands beyond "
                      "the root from which the network went on in a new incarnation: it was final "
                      "once, and the ledger does not contain it any more (docs/auditing.md, "
                      "Incarnations)"
                    : NULL;
}

/* The incarnation of the block that gave the key; NULL without one, or without its document. */
static const struct incarnation *giver_of(const struct client_receipt *receipt,
                                          const struct lineage *lineage)
{
    struct block_header header;
    if (!receipt->has_key) {
        return NULL;
    }
    memcpy(&header, receipt->key.block_header, sizeof header);
    return documents_of_chain(lineage, &header.chain_id);
}

/* To the validators of the block's epoch; and to those of the block that gave the key, which may be
   of an earlier incarnation. */
static const char *check_epochs(const struct client_receipt *receipt,
                                const struct incarnation *giver, const struct incarnation *own,
                                struct validator_set *set)
{
    bool gift_checked = giver == NULL;
    struct validator_set earlier;
    const char *wrong =
        giver != NULL && giver != own ? walk(receipt, giver, &earlier, &gift_checked) : NULL;
    if (wrong == NULL) {
        wrong = walk(receipt, own, set, &gift_checked);
    }
    return wrong == NULL && !gift_checked
               ? "the receipt does not lead to the validators of the block that gave the key"
               : wrong;
}

/* ---- The batch's signature ---- */

/* By an action that the receipt proves, in a block before this one. A new validator's key is one
   only in the epoch that it is to end. */
static bool of_gift(const struct client_receipt *receipt, const struct validator_set *set,
                    const struct receipt_facts *facts, struct public_key *ret_key,
                    char ret_name[GIVEN_KEYS_NAME_BYTES])
{
    struct block_header header;
    if (!receipt->has_key) {
        return false;
    }
    memcpy(&header, receipt->key.block_header, sizeof header);
    const bool by_validator = facts->batch.key_no >= VALIDATOR_KEY_NO;
    return header.height < facts->block.height && (!by_validator || header.epoch == set->epoch) &&
           given_keys_in_rows(receipt->key.rows, set, facts->batch.participant, facts->batch.key_no,
                              ret_key, ret_name) == STATUS_OK;
}

/* set: of the block's epoch. */
static const char *check_signature(const struct client_receipt *receipt,
                                   const struct genesis *genesis, const struct public_key *later,
                                   const struct validator_set *set, struct receipt_facts *facts)
{
    uint8_t bytes[BATCH_SIGNED_BYTES];
    struct public_key key;
    const bool by_validator = facts->batch.key_no >= VALIDATOR_KEY_NO;
    const bool known = (by_validator ? batch_keys_of_set(set, &facts->batch, &key)
                                     : batch_keys_of_genesis(genesis, &facts->batch, &key)) ||
                       of_gift(receipt, set, facts, &key, facts->name);
    if (!known && later != NULL) {
        key = *later;
    } else if (!known) {
        return "it is signed with a key that neither genesis nor the receipt shows to be the "
               "participant's; a receipt from a home's store knows every key: --home";
    }
    batch_signed_bytes(&facts->batch, bytes);
    return key_verify(&key, bytes, sizeof bytes, &receipt->batch_signature)
               ? NULL
               : "the batch is not signed by its participant";
}

const char *receipt_check(const struct client_receipt *receipt, const struct lineage *lineage,
                          const struct public_key *later, struct receipt_facts *ret_facts)
{
    struct receipt_facts facts;
    struct validator_set set;
    memcpy(&facts.batch, receipt->batch_header, sizeof facts.batch);
    memcpy(&facts.block, receipt->block_header, sizeof facts.block);
    facts.batch_id = batch_id(&facts.batch);
    facts.block_hash = block_hash(&facts.block);
    facts.name[0] = '\0';
    const struct incarnation *own = documents_of_chain(lineage, &facts.block.chain_id);
    if (facts.block.version != BLOCK_VERSION || own == NULL) {
        return "the block belongs to another chain: of an earlier incarnation, it needs that one's "
               "genesis document, beside genesis.json or by itself";
    }
    const char *wrong = check_batch(receipt, &own->chain_id, &facts.batch);
    if (wrong != NULL) {
        return wrong;
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
    const struct incarnation *giver = giver_of(receipt, lineage);
    if (receipt->has_key && giver == NULL && later == NULL) {
        return "the block that gave the key belongs to another chain: of an earlier incarnation, "
               "it needs that one's genesis document, beside genesis.json";
    }
    /* Without that document the key is the caller's to know. */
    struct client_receipt usable = *receipt;
    usable.has_key = giver != NULL;
    wrong = check_epochs(&usable, giver, own, &set);
    if (wrong == NULL && facts.block.epoch != set.epoch) {
        wrong = "the receipt does not lead to the validators of the block's epoch";
    }
    if (wrong == NULL) {
        wrong = check_finalization(receipt->finalization, &facts.block_hash, &own->chain_id, &set,
                                   true);
    }
    if (wrong == NULL) {
        wrong = check_signature(&usable, own->genesis, later, &set, &facts);
    }
    if (wrong == NULL) {
        wrong = check_kept(&usable, &facts.block, lineage);
    }
    if (wrong == NULL) {
        *ret_facts = facts;
    }
    return wrong;
}
