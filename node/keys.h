/*
 * keys: Ed25519 signing keys, X25519 transport key pairs, and the files that hold them
 * (docs/formats.md, Key file; docs/operations.md, Keys).
 *
 * A key file is 144 bytes, mode 0600: a header in the clear (magic, version, kind, the cost of
 * argon2id, public key, salt, nonce) and the 32 secret bytes under XChaCha20-Poly1305 with the
 * header as additional data. The secret in memory stands in guarded, locked pages and is zeroed.
 *
 * sodium_init() must have succeeded before any call.
 */
#ifndef HEFU_NODE_KEYS_H
#define HEFU_NODE_KEYS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/keys.h"
#include "base/status.h"
#include "node/noise.h"
#include "node/passphrase.h"

/* ---- Signing and verifying ---- */

struct signing_key;

/* A fresh key from the system's entropy. NULL without lockable memory. */
struct signing_key *signing_key_new(void);
/* The key of a 32-byte seed (RFC 8032), which is copied; for tests and load generators. */
struct signing_key *signing_key_from_seed(const uint8_t seed[32]);
const struct public_key *signing_key_public(const struct signing_key *key);
/* Zeroes and frees. NULL is allowed. */
void signing_key_free(struct signing_key *key);

/* Ed25519 over the message. Any thread. */
void key_sign(const struct signing_key *key, const void *message, size_t length,
              struct signature *ret_signature);

/* Strict: S below the group's order, canonical key, no small-order point, without cofactor. The
   same on every node, since all run one libsodium (key_self_test). Any thread. */
bool key_verify(const struct public_key *key, const void *message, size_t length,
                const struct signature *signature);

/* A canonical point of the prime-order group: demanded of every key in genesis and actions. */
bool key_public_is_valid(const struct public_key *key);
/* Not zero and not of low order: an X25519 key with which a shared secret exists. */
bool key_transport_is_valid(const struct transport_key *key);

/* At boot: whether this libsodium judges the edge cases of Ed25519 as all nodes must (the published
   ed25519-speccheck cases: only the fourth is valid). DIVERGED if not: do not start. */
enum status key_self_test(void) MUST_USE;

/* ---- Transport key pairs: noise_key_pair in locked memory ---- */

struct noise_key_pair *transport_pair_new(void);
/* Zeroes and frees. NULL is allowed. */
void transport_pair_free(struct noise_key_pair *pair);

/* ---- Files ---- */

enum key_kind { KEY_SIGNING = 1, KEY_TRANSPORT = 2 };

#define KEY_FILE_BYTES 144

/* What trying one passphrase costs: argon2id passes and memory. */
struct key_cost {
    uint32_t passes;
    uint64_t memory_bytes;
};

extern const struct key_cost KEY_COST_USUAL;   /* MODERATE: 3 passes of 256 MiB, about 0.3 s */
extern const struct key_cost KEY_COST_TESTNET; /* so that several nodes start at once, fast */

/*
 * Writes a new file: a temporary one, fsync, rename, fsync of the folder. EXISTS if path exists
 * (a key is never overwritten), DENIED, IO, NO_SPACE, NO_MEMORY (argon2id's). ret_error (capacity
 * bytes), here and below: what, where, what to do.
 */
enum status key_file_write_signing(const char *path, const struct signing_key *key,
                                   const struct passphrase *passphrase, const struct key_cost *cost,
                                   char *ret_error, size_t capacity) MUST_USE;
enum status key_file_write_transport(const char *path, const struct noise_key_pair *pair,
                                     const struct passphrase *passphrase,
                                     const struct key_cost *cost, char *ret_error,
                                     size_t capacity) MUST_USE;

/*
 * Reads a file, checks mode and owner, decrypts, derives the public key from the secret and
 * compares it with the file's. NOT_FOUND, DENIED (mode), MALFORMED (not a key file, damaged, or of
 * the other kind), VERSION, BAD_KEY (wrong passphrase or changed file), NO_MEMORY, IO.
 */
enum status key_file_read_signing(const char *path, const struct passphrase *passphrase,
                                  struct signing_key **ret_key, char *ret_error,
                                  size_t capacity) MUST_USE;
enum status key_file_read_transport(const char *path, const struct passphrase *passphrase,
                                    struct noise_key_pair **ret_pair, char *ret_error,
                                    size_t capacity) MUST_USE;

/* What a file says in the clear, without a passphrase, so nothing here is authenticated. */
struct key_file_info {
    enum key_kind kind;
    uint8_t public_key[32];
    struct key_cost cost;
};
enum status key_file_inspect(const char *path, struct key_file_info *ret_info, char *ret_error,
                             size_t capacity) MUST_USE;

#endif
