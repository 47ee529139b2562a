/* roster: the validator set that votes on the next block (see roster.h). */
#include "ledger/roster.h"

#include "base/check.h"

void roster_seal(struct roster *roster)
{
    struct validator members[LIMIT_VALIDATORS];
    for (uint32_t i = 0; i < roster->count; i++) {
        members[i] = roster->members[i].validator;
    }
    roster->hash = validators_hash(members, roster->count);
}

void roster_from_genesis(const struct genesis *genesis, struct roster *ret_roster)
{
    CHECK(genesis->validator_count <= LIMIT_VALIDATORS);
    memset(ret_roster, 0, sizeof *ret_roster);
    ret_roster->epoch = genesis->root_epoch + 1;
    ret_roster->count = genesis->validator_count;
    for (uint32_t i = 0; i < genesis->validator_count; i++) {
        const struct genesis_validator *from = &genesis->validators[i];
        struct ledger_validator *member = &ret_roster->members[i];
        member->validator = (struct validator){.key = from->key,
                                               .transport_key = from->transport_key,
                                               .participant = from->participant};
        memcpy(member->name, from->name, sizeof member->name);
    }
    roster_seal(ret_roster);
}

const struct ledger_validator *roster_find(const struct roster *roster,
                                           const struct public_key *key)
{
    for (uint32_t i = 0; i < roster->count; i++) {
        if (memcmp(&roster->members[i].validator.key, key, sizeof *key) == 0) {
            return &roster->members[i];
        }
    }
    return NULL;
}

const struct ledger_validator *roster_by_number(const struct roster *roster, uint32_t participant,
                                                uint32_t key_no)
{
    for (uint32_t i = 0; i < roster->count; i++) {
        const struct validator *validator = &roster->members[i].validator;
        if (validator->participant == participant && validator_key_no(&validator->key) == key_no) {
            return &roster->members[i];
        }
    }
    return NULL;
}
