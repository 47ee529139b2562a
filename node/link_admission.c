/* link_admission: token buckets by address (see link_admission.h). */
#include "node/link_admission.h"

#include <sodium.h>
#include <string.h>

#include "base/bytes.h"

_Static_assert(crypto_shorthash_KEYBYTES == 16 && crypto_shorthash_BYTES == 8, "SipHash-2-4");

void link_admission_init(struct link_admission *ret_admission, const uint8_t hash_key[16],
                         uint32_t burst, uint32_t per_second)
{
    memset(ret_admission, 0, sizeof *ret_admission);
    memcpy(ret_admission->hash_key, hash_key, sizeof ret_admission->hash_key);
    ret_admission->burst = burst;
    ret_admission->per_second = per_second;
}

/* The address's bucket: its own, an unused one, or the least recently seen one, made its own. */
static struct link_bucket *find_bucket(struct link_admission *admission,
                                       const struct link_address *address, uint64_t now_ms)
{
    uint8_t hash_bytes[crypto_shorthash_BYTES];
    (void)crypto_shorthash(hash_bytes, address->bytes, sizeof address->bytes, admission->hash_key);
    uint64_t hash = get_le64(hash_bytes) | 1;
    struct link_bucket *set = admission->buckets[(hash >> 32) % LINK_ADMISSION_SETS];
    struct link_bucket *oldest = &set[0];
    for (size_t i = 0; i < LINK_ADMISSION_WAYS; i++) {
        if (set[i].address == hash) {
            return &set[i];
        }
        if (set[i].seen_ms < oldest->seen_ms) {
            oldest = &set[i];
        }
    }
    *oldest = (struct link_bucket){hash, now_ms, (uint64_t)admission->burst * 1000};
    return oldest;
}

bool link_admission_take(struct link_admission *admission, const struct link_address *address,
                         uint64_t now_ms)
{
    struct link_bucket *bucket = find_bucket(admission, address, now_ms);
    uint64_t full = (uint64_t)admission->burst * 1000;
    uint64_t elapsed_ms = now_ms > bucket->seen_ms ? now_ms - bucket->seen_ms : 0;
    /* Capped before the product, which then cannot overflow. */
    elapsed_ms = elapsed_ms < full ? elapsed_ms : full;
    uint64_t tokens_milli = bucket->tokens_milli + elapsed_ms * admission->per_second;
    bucket->tokens_milli = tokens_milli < full ? tokens_milli : full;
    bucket->seen_ms = now_ms;
    if (bucket->tokens_milli < 1000) {
        return false;
    }
    bucket->tokens_milli -= 1000;
    return true;
}
