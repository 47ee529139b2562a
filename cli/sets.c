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

/* From home->set to the set of the next epoch. */
static const char *advance(struct home *home)
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
        sets_step(&home->set, &block->header, &block->finalization, &home->chain_id, &next);
    if (wrong == NULL) {
        home->set = next;
    }
    return wrong;
}

const char *sets_of_epoch(struct home *home, uint64_t epoch, const struct validator_set **ret_set)
{
    if (home->set.count == 0 || epoch < home->set.epoch) {
        home->set = home->validators;
    }
    if (epoch < home->set.epoch || epoch > home->final.epoch + 1) {
        return "it is of an epoch that there is not";
    }
    while (home->set.epoch < epoch) {
        const char *wrong = advance(home);
        if (wrong != NULL) {
            return wrong;
        }
    }
    *ret_set = &home->set;
    return NULL;
}
