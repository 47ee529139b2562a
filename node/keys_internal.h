/* keys_internal: what key files need of a signing key and nobody else may have: its seed. */
#ifndef HEFU_NODE_KEYS_INTERNAL_H
#define HEFU_NODE_KEYS_INTERNAL_H

#include <stdint.h>

#include "node/keys.h"

/* Into memory of sodium_malloc, which the caller frees. */
void signing_key_seed(const struct signing_key *key, uint8_t ret_seed[32]);

#endif
