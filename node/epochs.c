/* epochs: the validator sets of all epochs (see epochs.h). */
#include "node/epochs.h"

#include <string.h>

#include "base/bytes.h"

#define KEY_BYTES 8

enum status epochs_members(struct chain *chain, uint64_t epoch,
                           struct ledger_validator ret_members[LIMIT_VALIDATORS],
                           uint32_t *ret_count)
{
    uint8_t key[KEY_BYTES];
    struct span row;
    put_be64(key, epoch);
    if (!chain->source.get(chain->source.context, TABLE_VALIDATORS, key, sizeof key, &row)) {
        return STATUS_NOT_FOUND;
    }
    struct reader reader = reader_over(row.data, row.length);
    const uint32_t count = reader_u32(&reader);
    if (reader.failed || count == 0 || count > LIMIT_VALIDATORS) {
        return STATUS_CORRUPT;
    }
    for (uint32_t i = 0; i < count; i++) {
        struct ledger_validator *member = &ret_members[i];
        reader_copy(&reader, member->validator.key.bytes, sizeof member->validator.key.bytes);
        reader_copy(&reader, member->validator.transport_key.bytes,
                    sizeof member->validator.transport_key.bytes);
        member->validator.participant = reader_u32(&reader);
        reader_copy(&reader, member->name, sizeof member->name);
    }
    if (reader_done(&reader) != STATUS_OK) {
        return STATUS_CORRUPT;
    }
    *ret_count = count;
    return STATUS_OK;
}

enum status epochs_set(struct chain *chain, uint64_t epoch, struct validator_set *ret_set)
{
    struct ledger_validator members[LIMIT_VALIDATORS];
    uint32_t count;
    const enum status status = epochs_members(chain, epoch, members, &count);
    if (status != STATUS_OK) {
        return status;
    }
    memset(ret_set, 0, sizeof *ret_set);
    ret_set->epoch = epoch;
    ret_set->count = count;
    for (uint32_t i = 0; i < count; i++) {
        ret_set->members[i] = members[i].validator;
    }
    validators_seal(ret_set);
    return validators_check(ret_set) == STATUS_OK ? STATUS_OK : STATUS_CORRUPT;
}

static enum status epoch_at(struct chain *chain, uint64_t height, uint64_t *ret_epoch)
{
    const struct block_row *block;
    const enum status status = chain_block(chain, height, &block);
    if (status == STATUS_OK) {
        *ret_epoch = block->header.epoch;
    }
    return status;
}

enum status epochs_terminal(struct chain *chain, uint64_t final_height, uint64_t epoch,
                            uint64_t *ret_height)
{
    /* Epochs never fall with the height: the last block of this one, by halving. */
    uint64_t low = 0, high = final_height, found = 0;
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

enum status epochs_from_bytes(const uint8_t *bytes, uint32_t count, uint64_t epoch,
                              struct validator_set *ret_set)
{
    if (count < 1 || count > LIMIT_VALIDATORS) {
        return STATUS_MALFORMED;
    }
    memset(ret_set, 0, sizeof *ret_set);
    ret_set->epoch = epoch;
    ret_set->count = count;
    struct reader reader = reader_over(bytes, (size_t)count * EPOCHS_MEMBER_BYTES);
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

void epochs_to_bytes(const struct validator_set *set, uint8_t *ret_bytes)
{
    struct writer writer = writer_over(ret_bytes, (size_t)set->count * EPOCHS_MEMBER_BYTES);
    for (uint32_t i = 0; i < set->count; i++) {
        const struct validator *member = &set->members[i];
        writer_copy(&writer, member->key.bytes, sizeof member->key.bytes);
        writer_copy(&writer, member->transport_key.bytes, sizeof member->transport_key.bytes);
        writer_u32(&writer, member->participant);
    }
}
