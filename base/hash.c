/* hash: personalised BLAKE2b-256 on libsodium (see hash.h). */
#include "base/hash.h"

#include <string.h>

#include "base/bytes.h"
#include "base/check.h"

const struct purpose PURPOSE_RECORD = {"hefu.record"};
const struct purpose PURPOSE_ACTION = {"hefu.action"};
const struct purpose PURPOSE_BATCH = {"hefu.batch"};
const struct purpose PURPOSE_BLOCK = {"hefu.block"};
const struct purpose PURPOSE_LEAF = {"hefu.leaf"};
const struct purpose PURPOSE_NODE = {"hefu.node"};
const struct purpose PURPOSE_PAGE = {"hefu.page"};
const struct purpose PURPOSE_WRITES = {"hefu.writes"};
const struct purpose PURPOSE_TABLE = {"hefu.table"};
const struct purpose PURPOSE_CANDIDATE = {"hefu.candidate"};
const struct purpose PURPOSE_VALIDATORS = {"hefu.validators"};
const struct purpose PURPOSE_LEADERS = {"hefu.leaders"};
const struct purpose PURPOSE_GENESIS = {"hefu.genesis"};
const struct purpose PURPOSE_SOURCE = {"hefu.source"};
const struct purpose PURPOSE_CHECKSUM = {"hefu.checksum"};

void hasher_init(struct hasher *hasher, const struct purpose *purpose)
{
    CHECK(crypto_generichash_blake2b_init_salt_personal(&hasher->state, NULL, 0, HASH_BYTES, NULL,
                                                        purpose->bytes) == 0);
}

void hasher_add(struct hasher *hasher, const void *data, size_t length)
{
    CHECK(crypto_generichash_blake2b_update(&hasher->state, data, length) == 0);
}

struct hash hasher_end(struct hasher *hasher)
{
    struct hash result;
    CHECK(crypto_generichash_blake2b_final(&hasher->state, result.bytes, HASH_BYTES) == 0);
    return result;
}

struct hash hash_of(const struct purpose *purpose, const void *data, size_t length)
{
    struct hash result;
    CHECK(crypto_generichash_blake2b_salt_personal(result.bytes, HASH_BYTES, data, length, NULL, 0,
                                                   NULL, purpose->bytes) == 0);
    return result;
}

bool hash_equal(const struct hash *a, const struct hash *b)
{
    return memcmp(a->bytes, b->bytes, HASH_BYTES) == 0;
}

bool hash_is_zero(const struct hash *hash)
{
    return bytes_are_zero(hash->bytes, HASH_BYTES);
}

int hash_compare(const struct hash *a, const struct hash *b)
{
    return memcmp(a->bytes, b->bytes, HASH_BYTES);
}
