/* sets: validator sets by the chain of terminal blocks (see sets.h). */
#include "cli/sets.h"

#include <string.h>

#include "cli/check.h"
#include "node/epochs.h"

const char *sets_step(const struct validator_set *set, const struct block_header *terminal,
                      const struct certificate *finalization, const struct hash *chain_id,
                      const struct validator_set *next)
{
    const struct hash hash = block_hash(terminal);
    if (terminal->version != BLOCK_VERSION || !hash_equal(&terminal->chain_id, chain_id) ||
        terminal->epoch != set->epoch || (terminal->flags & BLOCK_TERMINAL) == 0) {
        return "a block that should end an epoch does not";
    }
    const char *wrong = check_finalization(finalization, &hash, chain_id, set, true);
    if (wrong != NULL) {
        return wrong;
    }
    return next->epoch == set->epoch + 1 && hash_equal(&next->hash, &terminal->next_validators_hash)
               ? NULL
               : "a set of validators is not the one that the block before its epoch names";
}

uint64_t sets_epoch_after(const struct block_header *header)
{
    const bool ends = header->height == 0 || (header->flags & BLOCK_TERMINAL) != 0;
    return header->epoch + (ends ? 1 : 0);
}

/* From home->set to the set of the next epoch, in the same incarnation. */
static const char *advance(struct home *home, const struct hash *chain_id)
{
    uint64_t height;
    const struct block_row *block;
    struct validator_set next;
    if (epochs_terminal(&home->chain, home->final.height, home->set.epoch, &height) != STATUS_OK ||
        chain_block(&home->chain, height, &block) != STATUS_OK || !block->has_finalization) {
        return "an epoch has no final block that ends it";
    }
    if (epochs_set(&home->chain, home->set.epoch + 1, &next) != STATUS_OK) {
        return "the row of an epoch's validators is missing or malformed";
    }
    const char *wrong =
        sets_step(&home->set, &block->header, &block->finalization, chain_id, &next);
    if (wrong == NULL) {
        home->set = next;
    }
    return wrong;
}

const char *sets_of_epoch(struct home *home, uint64_t epoch, const struct validator_set **ret_set)
{
    const struct incarnation *incarnation = lineage_at_epoch(&home->documents.lineage, epoch);
    const uint64_t first = incarnation_first_epoch(incarnation);
    if (epoch < first || epoch > home->final.epoch + 1) {
        return "it is of an epoch that there is not";
    }
    if (home->set.count == 0 || home->set.epoch < first || epoch < home->set.epoch) {
        if (documents_set(incarnation, &home->set) != STATUS_OK) {
            return "the validators of its incarnation's genesis document do not form a set";
        }
    }
    while (home->set.epoch < epoch) {
        const char *wrong = advance(home, &incarnation->chain_id);
        if (wrong != NULL) {
            return wrong;
        }
    }
    *ret_set = &home->set;
    return NULL;
}

const struct hash *sets_chain_id(const struct home *home, uint64_t epoch)
{
    return &lineage_at_epoch(&home->documents.lineage, epoch)->chain_id;
}

const char *sets_check_root_block(const struct incarnation *incarnation,
                                  const struct block_row *block)
{
    const struct genesis *genesis = incarnation->genesis;
    const struct block_header *header = &block->header;
    struct validator_set set;
    if (block->has_finalization || block->batch_count != 0 ||
        (header->flags & BLOCK_TERMINAL) == 0 || header->epoch != genesis->root_epoch ||
        header->timestamp_ms != genesis->created_ms ||
        !hash_equal(&header->chain_id, &incarnation->chain_id) ||
        !hash_equal(&header->parent_hash, &genesis->root_hash)) {
        return "the root block of an incarnation is not the one that its document gives";
    }
    return documents_set(incarnation, &set) == STATUS_OK &&
                   hash_equal(&set.hash, &header->next_validators_hash)
               ? NULL
               : "the root block of an incarnation does not name its document's validators";
}

const char *sets_check_block(struct home *home, const struct block_row *block)
{
    const struct block_header header = block->header;
    const struct lineage *lineage = &home->documents.lineage;
    const struct incarnation *root = lineage_root_block(lineage, header.height);
    const struct hash *chain_id = &lineage_at_height(lineage, header.height)->chain_id;
    const struct validator_set *set;
    if (!hash_equal(&header.chain_id, chain_id)) {
        return "it belongs to another chain";
    }
    if (root != NULL) {
        return sets_check_root_block(root, block);
    }
    if (header.height == 0) {
        return NULL;
    }
    if (!block->has_finalization) {
        return "it has no finalization";
    }
    /* The set is looked for with the chain's one place for a block. */
    const struct certificate finalization = block->finalization;
    const struct hash hash = block->hash;
    const char *wrong = sets_of_epoch(home, header.epoch, &set);
    return wrong != NULL ? wrong : check_finalization(&finalization, &hash, chain_id, set, true);
}
