/*
 * keys: the types of public keys and signatures, so that the compiler tells them apart. Signing and
 * verifying are the shell's business (node/keys.h); pure code only compares keys and carries bytes.
 */
#ifndef HEFU_BASE_KEYS_H
#define HEFU_BASE_KEYS_H

#include <stdint.h>

/* An Ed25519 public key, compressed (RFC 8032). */
struct public_key {
    uint8_t bytes[32];
};

/* An Ed25519 signature (RFC 8032). */
struct signature {
    uint8_t bytes[64];
};

/* An X25519 public key of the channel (docs/transport.md); never a signing key. */
struct transport_key {
    uint8_t bytes[32];
};

#endif
