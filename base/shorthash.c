/* shorthash: SipHash on libsodium (see shorthash.h). */
#include "base/shorthash.h"

#include <sodium/crypto_shorthash.h>

#include "base/bytes.h"

_Static_assert(SHORTHASH_KEY_BYTES == crypto_shorthash_KEYBYTES, "SipHash takes 16 bytes of key");
_Static_assert(sizeof(uint64_t) == crypto_shorthash_BYTES, "SipHash gives 8 bytes");

uint64_t shorthash(const uint8_t key[SHORTHASH_KEY_BYTES], const void *data, size_t length)
{
    uint8_t hash[crypto_shorthash_BYTES];
    (void)crypto_shorthash(hash, data, length, key);
    return get_le64(hash);
}
