/*
 * hash: BLAKE2b-256 with a personalisation that names its purpose, so that a hash made for one
 * purpose can never stand for another (docs/formats.md, Hashes).
 */
#ifndef HEFU_BASE_HASH_H
#define HEFU_BASE_HASH_H

#include <sodium/crypto_generichash_blake2b.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HASH_BYTES 32

struct hash {
    uint8_t bytes[HASH_BYTES];
};

/* A 16-byte personalisation, zero-padded. */
struct purpose {
    uint8_t bytes[crypto_generichash_blake2b_PERSONALBYTES];
};

extern const struct purpose PURPOSE_RECORD;     /* a clearing record's 160 bytes */
extern const struct purpose PURPOSE_ACTION;     /* an action's or evidence's bytes */
extern const struct purpose PURPOSE_BATCH;      /* a batch header's 192 bytes */
extern const struct purpose PURPOSE_BLOCK;      /* a block header's 352 bytes */
extern const struct purpose PURPOSE_LEAF;       /* a Merkle leaf */
extern const struct purpose PURPOSE_NODE;       /* a Merkle inner node */
extern const struct purpose PURPOSE_PAGE;       /* previous head and an account page */
extern const struct purpose PURPOSE_WRITES;     /* a running digest of table writes */
extern const struct purpose PURPOSE_TABLE;      /* a small table, whole */
extern const struct purpose PURPOSE_CANDIDATE;  /* parent_view and block_hash */
extern const struct purpose PURPOSE_VALIDATORS; /* a validator set */
extern const struct purpose PURPOSE_LEADERS;    /* the leader shuffle's stream */
extern const struct purpose PURPOSE_GENESIS;    /* canonical genesis bytes: the chain id */
extern const struct purpose PURPOSE_SOURCE;     /* an imported file's bytes */
extern const struct purpose PURPOSE_CHECKSUM;   /* a stored value */

/* An incremental hash. Plain memory: copy it to fork a running hash. */
struct hasher {
    crypto_generichash_blake2b_state state;
};

void hasher_init(struct hasher *hasher, const struct purpose *purpose);
void hasher_add(struct hasher *hasher, const void *data, size_t length);
/* Ends the hash; the hasher must be initialised again before further use. */
struct hash hasher_end(struct hasher *hasher);

/* The hash of one piece of data. */
struct hash hash_of(const struct purpose *purpose, const void *data, size_t length);

bool hash_equal(const struct hash *a, const struct hash *b);
bool hash_is_zero(const struct hash *hash);
/* Negative, zero or positive, as memcmp. */
int hash_compare(const struct hash *a, const struct hash *b);

#endif
