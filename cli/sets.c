/* sets: validator sets by the chain of terminal blocks (see sets.h). */
#include "cli/sets.h"

#include <string.h>

#include "cli/check.h"
#include "node/epochs.h"

static enum status epoch_at(struct chain *chain, uint64_t height, uint64_t *ret_epoch)
{
    const struct block_row *block;
    const enum status status = chain_block(chain, height, &block);
    if (status == STATUS_OK) {
        *ret_epoch = block->header.epoch;
    }
    return status;
}

enum status sets_terminal(struct chain *chain, const struct final_point *final, uint64_t epoch,
                          uint64_t *ret_height)
{
    /* Epochs never fall with the height: the last block of this one, by halving. */
    uint64_t low = 0, high = final->height, found = 0;
    while (low < high) {
        const uint64_t middle = high - (high - low) / 2;
        const enum status status = epoch_at(chain, middle, &found);
        if (status != STATUS_OK) {
            return status;
        }
        if (found <= epoch) {
            low = middle;
        } else {
            high = middle - 1;
        }
    }
    const struct block_row *block;
    const enum status status = chain_block(chain, low, &block);
    if (status != STATUS_OK) {
        return status;
    }
    if (block->header.epoch != epoch || (block->header.flags & BLOCK_TERMINAL) == 0) {
        return STATUS_NOT_FOUND;
    }
    *ret_height = low;
    return STATUS_OK;
}

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
    if (sets_terminal(&home->chain, &home->final, home->set.epoch, &height) != STATUS_OK ||
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

enum status sets_from_bytes(const uint8_t *bytes, uint32_t count, uint64_t epoch,
                            struct validator_set *ret_set)
{
    if (count < 1 || count > LIMIT_VALIDATORS) {
        return STATUS_MALFORMED;
    }
    memset(ret_set, 0, sizeof *ret_set);
    ret_set->epoch = epoch;
    ret_set->count = count;
    struct reader reader = reader_over(bytes, (size_t)count * SETS_MEMBER_BYTES);
    for (uint32_t i = 0; i < count; i++) {
        struct validator *member = &ret_set->members[i];
        reader_copy(&reader, member->key.bytes, sizeof member->key.bytes);
        reader_copy(&reader, member->transport_key.bytes, sizeof member->transport_key.bytes);
        member->participant = reader_u32(&reader);
    }
    if (reader_done(&reader) != STATUS_OK || validators_check(ret_set) != STATUS_OK) {
        return STATUS_MALFORMED;
    }
    validators_seal(ret_set);
    return STATUS_OK;
}

void sets_to_bytes(const struct validator_set *set, uint8_t *ret_bytes)
{
    struct writer writer = writer_over(ret_bytes, (size_t)set->count * SETS_MEMBER_BYTES);
    for (uint32_t i = 0; i < set->count; i++) {
        const struct validator *member = &set->members[i];
        writer_copy(&writer, member->key.bytes, sizeof member->key.bytes);
        writer_copy(&writer, member->transport_key.bytes, sizeof member->transport_key.bytes);
        writer_u32(&writer, member->participant);
    }
}
