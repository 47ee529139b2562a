/*
 * link_admission: a token bucket for each remote address, asked before any Diffie-Hellman, so that
 * one address cannot keep a core busy with handshakes (docs/transport.md, Channel). A fixed table;
 * the least recently seen address of a set makes place. Pure: time is an argument. Not thread-safe.
 */
#ifndef HEFU_NODE_LINK_ADMISSION_H
#define HEFU_NODE_LINK_ADMISSION_H

#include <stdbool.h>
#include <stdint.h>

#define LINK_ADMISSION_SETS 256u
#define LINK_ADMISSION_WAYS 4u

/* An IPv4 address as IPv4-mapped IPv6, or the first 8 bytes (the network) of an IPv6 address. */
struct link_address {
    uint8_t bytes[16];
};

struct link_bucket {
    uint64_t address; /* keyed hash; 0: unused */
    uint64_t seen_ms;
    uint64_t tokens_milli;
};

struct link_admission {
    uint8_t hash_key[16];
    uint32_t burst;
    uint32_t per_second;
    struct link_bucket buckets[LINK_ADMISSION_SETS][LINK_ADMISSION_WAYS];
};

/* hash_key: random, so that nobody can choose addresses that share a set. */
void link_admission_init(struct link_admission *ret_admission, const uint8_t hash_key[16],
                         uint32_t burst, uint32_t per_second);

/* Whether one more connection from the address is allowed now; takes a token if so. */
bool link_admission_take(struct link_admission *admission, const struct link_address *address,
                         uint64_t now_ms);

#endif
