/*
 * validator: one member of a validator set, the hash that commits to a set, its quorum, and the
 * key number under which a validator signs batches of its own (docs/formats.md, Validator set and
 * leader shuffle; docs/consensus.md, Numbers). Consensus votes by such a set and the ledger decides
 * which set is next, so both need the same words for it.
 */
#ifndef HEFU_BASE_VALIDATOR_H
#define HEFU_BASE_VALIDATOR_H

#include <stdint.h>

#include "base/hash.h"
#include "base/keys.h"
#include "base/limits.h"

struct validator {
    struct public_key key; /* consensus key */
    struct transport_key transport_key;
    uint32_t participant;
};

/* H("hefu.validators", count u32 ‖ (key 32 ‖ transport 32 ‖ participant u32)*), in set order. */
struct hash validators_hash(const struct validator *members, uint32_t count);

/* q = floor((n+f)/2)+1, f = floor((n-1)/3). count > 0. */
uint32_t quorum_of(uint32_t count);
uint32_t faulty_max_of(uint32_t count);

/* Key numbers of participants stay below this bit; the rest name validators' consensus keys. */
#define VALIDATOR_KEY_NO 0x80000000u

/* The key_no of the batches that a validator signs with its consensus key (READY, evidence):
   VALIDATOR_KEY_NO and the low 31 bits of the key's first four bytes, little-endian. */
uint32_t validator_key_no(const struct public_key *key);

#endif
