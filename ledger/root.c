/* root: the block that begins an incarnation (see root.h). */
#include "ledger/root.h"

#include "base/check.h"
#include "ledger/registry.h"

const struct incarnation *root_next(const struct ledger *ledger)
{
    return lineage_root_block(ledger->lineage, ledger->state.height + 1);
}

bool ledger_root_block(const struct ledger *ledger, struct ledger_block *ret_block)
{
    /* Over a root nothing but its root block executes, so what is speculative has another parent.
     */
    const struct incarnation *next = ledger->speculative ? NULL : root_next(ledger);
    if (next == NULL) {
        return false;
    }
    *ret_block = (struct ledger_block){.epoch = ledger->roster.epoch,
                                       .height = ledger->state.height + 1,
                                       .timestamp_ms = next->genesis->created_ms,
                                       .parent_hash = ledger->state.block_hash};
    return true;
}

/* Participants come and go by actions, so the state at the root says who there is. */
static bool participants_registered(const struct ledger *ledger, const struct genesis *document)
{
    for (uint32_t i = 0; i < document->validator_count; i++) {
        if (number_map_find(&ledger->registry.participants, document->validators[i].participant) ==
            REGISTRY_NONE) {
            return false;
        }
    }
    return true;
}

const char *root_check(const struct ledger *ledger, const struct working_set *working_set)
{
    const struct incarnation *next = root_next(ledger);
    CHECK(next != NULL);
    const struct genesis *document = next->genesis;
    CHECK(working_set->height == ledger->state.height + 1);
    if (!hash_equal(&document->root_chain_id, &ledger->chain_id)) {
        return "the last final block is not of the chain id that the document continues";
    }
    if (!hash_equal(&document->root_hash, &ledger->state.block_hash)) {
        return "the last final block is not the root that the document names";
    }
    if (document->root_epoch != ledger->roster.epoch) {
        return "the document's root epoch is not the one that the root leaves open";
    }
    if (document->created_ms <= ledger->state.timestamp_ms) {
        return "the document's created_ms is not after the root's time";
    }
    if (!participants_registered(ledger, document)) {
        return "a validator's participant is not registered in the state at the root";
    }
    return working_set->root_key_known
               ? "a validator's consensus key was in a set of an earlier epoch"
               : NULL;
}
