/*
 * shorthash: SipHash-2-4 under a 16-byte key, for hash tables whose keys a stranger may choose. Not
 * a commitment to anything: what is signed or stored uses base/hash.h.
 */
#ifndef HEFU_BASE_SHORTHASH_H
#define HEFU_BASE_SHORTHASH_H

#include <stddef.h>
#include <stdint.h>

#define SHORTHASH_KEY_BYTES 16

/* The same on every machine. */
uint64_t shorthash(const uint8_t key[SHORTHASH_KEY_BYTES], const void *data, size_t length);

#endif
