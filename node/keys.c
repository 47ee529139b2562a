/* keys: signing, verifying and transport keys in memory (see keys.h). */
#include "node/keys.h"

#include <sodium.h>
#include <string.h>

#include "base/check.h"
#include "node/keys_internal.h"

struct signing_key {
    uint8_t secret[crypto_sign_SECRETKEYBYTES];
    struct public_key public_key;
};

_Static_assert(sizeof(struct public_key) == crypto_sign_PUBLICKEYBYTES, "an Ed25519 key");
_Static_assert(sizeof(struct signature) == crypto_sign_BYTES, "an Ed25519 signature");
_Static_assert(sizeof(struct transport_key) == crypto_scalarmult_BYTES, "an X25519 key");

struct signing_key *signing_key_from_seed(const uint8_t seed[32])
{
    struct signing_key *key = sodium_malloc(sizeof *key);
    if (key == NULL) {
        return NULL;
    }
    /* The public key always comes from the seed: signing with another one would give the key away.
     */
    (void)crypto_sign_seed_keypair(key->public_key.bytes, key->secret, seed);
    (void)sodium_mprotect_readonly(key);
    return key;
}

struct signing_key *signing_key_new(void)
{
    uint8_t seed[crypto_sign_SEEDBYTES];
    randombytes_buf(seed, sizeof seed);
    struct signing_key *key = signing_key_from_seed(seed);
    sodium_memzero(seed, sizeof seed);
    return key;
}

const struct public_key *signing_key_public(const struct signing_key *key)
{
    return &key->public_key;
}

void signing_key_seed(const struct signing_key *key, uint8_t ret_seed[32])
{
    (void)crypto_sign_ed25519_sk_to_seed(ret_seed, key->secret);
}

void signing_key_free(struct signing_key *key)
{
    sodium_free(key);
}

void key_sign(const struct signing_key *key, const void *message, size_t length,
              struct signature *ret_signature)
{
    CHECK(crypto_sign_detached(ret_signature->bytes, NULL, message, length, key->secret) == 0);
}

bool key_verify(const struct public_key *key, const void *message, size_t length,
                const struct signature *signature)
{
    return crypto_sign_verify_detached(signature->bytes, message, length, key->bytes) == 0;
}

bool key_public_is_valid(const struct public_key *key)
{
    return crypto_core_ed25519_is_valid_point(key->bytes) == 1;
}

bool key_transport_is_valid(const struct transport_key *key)
{
    /* Any clamped scalar tells: it is a multiple of the cofactor, so only points of low order give
       zero, and libsodium then refuses. */
    static const uint8_t scalar[crypto_scalarmult_SCALARBYTES] = {8};
    uint8_t shared[crypto_scalarmult_BYTES];
    return crypto_scalarmult(shared, scalar, key->bytes) == 0;
}

struct noise_key_pair *transport_pair_new(void)
{
    struct noise_key_pair *pair = sodium_malloc(sizeof *pair);
    if (pair != NULL) {
        noise_key_pair_generate(pair);
    }
    return pair;
}

void transport_pair_free(struct noise_key_pair *pair)
{
    sodium_free(pair);
}
