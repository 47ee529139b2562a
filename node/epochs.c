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
