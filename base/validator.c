/* validator: hash, quorum and key numbers of validators (see validator.h). */
#include "base/validator.h"

#include "base/bytes.h"
#include "base/check.h"

uint32_t faulty_max_of(uint32_t count)
{
    CHECK(count > 0);
    return (count - 1) / 3;
}

uint32_t quorum_of(uint32_t count)
{
    return (count + faulty_max_of(count)) / 2 + 1;
}

struct hash validators_hash(const struct validator *members, uint32_t count)
{
    struct hasher hasher;
    uint8_t number[sizeof(uint32_t)];
    hasher_init(&hasher, &PURPOSE_VALIDATORS);
    put_le32(number, count);
    hasher_add(&hasher, number, sizeof number);
    for (uint32_t i = 0; i < count; i++) {
        const struct validator *member = &members[i];
        hasher_add(&hasher, member->key.bytes, sizeof member->key.bytes);
        hasher_add(&hasher, member->transport_key.bytes, sizeof member->transport_key.bytes);
        put_le32(number, member->participant);
        hasher_add(&hasher, number, sizeof number);
    }
    return hasher_end(&hasher);
}

uint32_t validator_key_no(const struct public_key *key)
{
    return VALIDATOR_KEY_NO | (get_le32(key->bytes) & ~VALIDATOR_KEY_NO);
}
