/*
 * key_file: encrypted key files (node/keys.h; docs/formats.md, Key file).
 *
 *     offset  bytes
 *     0       8      "HEFUKEY" and a zero
 *     8       2      version, 1
 *     10      2      kind: 1 signing, 2 transport
 *     12      4      argon2id passes
 *     16      8      argon2id memory, bytes
 *     24      32     public key
 *     56      16     salt
 *     72      24     nonce
 *     96      48     the secret (Ed25519 seed, or X25519 scalar), XChaCha20-Poly1305
 *
 * The first 96 bytes are the additional data, so no field of theirs can be changed unnoticed.
 */
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/bytes.h"
#include "base/check.h"
#include "node/file.h"
#include "node/keys.h"
#include "node/keys_internal.h"

#define MAGIC "HEFUKEY"
#define VERSION 1
#define HEADER_BYTES 96
#define SECRET_BYTES 32
/* A file may be a stranger's: what its header asks for must not take a minute or all memory. */
#define PASSES_MAX 16
#define MEMORY_MAX (1024ull << 20)

_Static_assert(HEADER_BYTES + SECRET_BYTES + crypto_aead_xchacha20poly1305_ietf_ABYTES ==
                   KEY_FILE_BYTES,
               "a key file's layout");
_Static_assert(crypto_pwhash_SALTBYTES == 16 && crypto_aead_xchacha20poly1305_ietf_NPUBBYTES == 24,
               "salt and nonce");

const struct key_cost KEY_COST_USUAL = {crypto_pwhash_OPSLIMIT_MODERATE,
                                        crypto_pwhash_MEMLIMIT_MODERATE};
const struct key_cost KEY_COST_TESTNET = {crypto_pwhash_OPSLIMIT_MIN, 64u << 10};

struct key_header {
    struct key_file_info info;
    uint8_t salt[crypto_pwhash_SALTBYTES];
    uint8_t nonce[crypto_aead_xchacha20poly1305_ietf_NPUBBYTES];
};

static const char *kind_name(enum key_kind kind)
{
    switch (kind) {
    case KEY_SIGNING:
        return "signing";
    case KEY_TRANSPORT:
        return "transport";
    }
    return "unknown";
}

static void header_encode(const struct key_header *header, uint8_t ret_bytes[HEADER_BYTES])
{
    struct writer writer = writer_over(ret_bytes, HEADER_BYTES);
    writer_copy(&writer, MAGIC, sizeof MAGIC);
    writer_u16(&writer, VERSION);
    writer_u16(&writer, (uint16_t)header->info.kind);
    writer_u32(&writer, header->info.cost.passes);
    writer_u64(&writer, header->info.cost.memory_bytes);
    writer_copy(&writer, header->info.public_key, sizeof header->info.public_key);
    writer_copy(&writer, header->salt, sizeof header->salt);
    writer_copy(&writer, header->nonce, sizeof header->nonce);
    CHECK(!writer.failed && writer.used == HEADER_BYTES);
}

static bool cost_is_sane(const struct key_cost *cost)
{
    return cost->passes >= crypto_pwhash_OPSLIMIT_MIN && cost->passes <= PASSES_MAX &&
           cost->memory_bytes >= crypto_pwhash_MEMLIMIT_MIN && cost->memory_bytes <= MEMORY_MAX;
}

static enum status header_decode(const char *path, const uint8_t *bytes, size_t length,
                                 struct key_header *ret_header, char *ret_error, size_t capacity)
{
    struct reader reader = reader_over(bytes, length);
    const uint8_t *magic = reader_take(&reader, sizeof MAGIC);
    if (length != KEY_FILE_BYTES || magic == NULL || memcmp(magic, MAGIC, sizeof MAGIC) != 0) {
        return error_set(STATUS_MALFORMED, ret_error, capacity,
                         "%s: is not a key file of Hefu (%zu bytes, a key file has %d); "
                         "make one with hefu key new",
                         path, length, KEY_FILE_BYTES);
    }
    unsigned version = reader_u16(&reader);
    if (version != VERSION) {
        return error_set(STATUS_VERSION, ret_error, capacity,
                         "%s: key file version %u, this program reads %d", path, version, VERSION);
    }
    unsigned kind = reader_u16(&reader);
    ret_header->info.cost.passes = reader_u32(&reader);
    ret_header->info.cost.memory_bytes = reader_u64(&reader);
    reader_copy(&reader, ret_header->info.public_key, sizeof ret_header->info.public_key);
    reader_copy(&reader, ret_header->salt, sizeof ret_header->salt);
    reader_copy(&reader, ret_header->nonce, sizeof ret_header->nonce);
    if ((kind != KEY_SIGNING && kind != KEY_TRANSPORT) || !cost_is_sane(&ret_header->info.cost)) {
        return error_set(STATUS_MALFORMED, ret_error, capacity,
                         "%s: the key file is damaged: kind %u, %u passes, %llu bytes of memory; "
                         "restore it from your backup of the key",
                         path, kind, ret_header->info.cost.passes,
                         (unsigned long long)ret_header->info.cost.memory_bytes);
    }
    ret_header->info.kind = (enum key_kind)kind;
    return STATUS_OK;
}

/* The key that encrypts the file, in memory of sodium_malloc; NULL if there is not enough. */
static uint8_t *derive(const struct key_header *header, const struct passphrase *passphrase)
{
    uint8_t *key = sodium_malloc(crypto_aead_xchacha20poly1305_ietf_KEYBYTES);
    if (key == NULL) {
        return NULL;
    }
    if (crypto_pwhash(key, crypto_aead_xchacha20poly1305_ietf_KEYBYTES, passphrase->bytes,
                      passphrase->length, header->salt, header->info.cost.passes,
                      (size_t)header->info.cost.memory_bytes, crypto_pwhash_ALG_ARGON2ID13) != 0) {
        sodium_free(key);
        return NULL;
    }
    return key;
}

static enum status no_memory(const char *path, const struct key_cost *cost, char *ret_error,
                             size_t capacity)
{
    return error_set(STATUS_NO_MEMORY, ret_error, capacity,
                     "%s: not enough memory; its passphrase costs %llu MiB", path,
                     (unsigned long long)(cost->memory_bytes >> 20));
}

static enum status write_secret(const char *path, enum key_kind kind, const uint8_t *secret,
                                const uint8_t *public_key, const struct passphrase *passphrase,
                                const struct key_cost *cost, char *ret_error, size_t capacity)
{
    CHECK(cost_is_sane(cost));
    struct key_header header = {.info = {.kind = kind, .cost = *cost}};
    memcpy(header.info.public_key, public_key, sizeof header.info.public_key);
    randombytes_buf(header.salt, sizeof header.salt);
    randombytes_buf(header.nonce, sizeof header.nonce);
    uint8_t file[KEY_FILE_BYTES];
    header_encode(&header, file);
    uint8_t *key = derive(&header, passphrase);
    if (key == NULL) {
        return no_memory(path, cost, ret_error, capacity);
    }
    (void)crypto_aead_xchacha20poly1305_ietf_encrypt(file + HEADER_BYTES, NULL, secret,
                                                     SECRET_BYTES, file, HEADER_BYTES, NULL,
                                                     header.nonce, key);
    sodium_free(key);
    return file_write(path, S_IRUSR | S_IWUSR, false, file, sizeof file, ret_error, capacity);
}

enum status key_file_write_signing(const char *path, const struct signing_key *key,
                                   const struct passphrase *passphrase, const struct key_cost *cost,
                                   char *ret_error, size_t capacity)
{
    uint8_t *seed = sodium_malloc(SECRET_BYTES);
    if (seed == NULL) {
        return no_memory(path, cost, ret_error, capacity);
    }
    signing_key_seed(key, seed);
    enum status status = write_secret(path, KEY_SIGNING, seed, signing_key_public(key)->bytes,
                                      passphrase, cost, ret_error, capacity);
    sodium_free(seed);
    return status;
}

enum status key_file_write_transport(const char *path, const struct noise_key_pair *pair,
                                     const struct passphrase *passphrase,
                                     const struct key_cost *cost, char *ret_error, size_t capacity)
{
    return write_secret(path, KEY_TRANSPORT, pair->secret, pair->public_key.bytes, passphrase, cost,
                        ret_error, capacity);
}

static enum status load(const char *path, mode_t mode_forbidden, uint8_t ret_file[KEY_FILE_BYTES],
                        struct key_header *ret_header, char *ret_error, size_t capacity)
{
    uint8_t *data;
    size_t length;
    enum status status =
        file_read(path, 1u << 16, mode_forbidden, &data, &length, ret_error, capacity);
    if (status != STATUS_OK) {
        return status;
    }
    status = header_decode(path, data, length, ret_header, ret_error, capacity);
    if (status == STATUS_OK) {
        memcpy(ret_file, data, KEY_FILE_BYTES);
    }
    free(data);
    return status;
}

/* The secret, in memory of sodium_malloc. */
static enum status read_secret(const char *path, enum key_kind kind,
                               const struct passphrase *passphrase, uint8_t **ret_secret,
                               uint8_t ret_public[32], char *ret_error, size_t capacity)
{
    uint8_t file[KEY_FILE_BYTES];
    struct key_header header;
    enum status status = load(path, S_IRWXG | S_IRWXO, file, &header, ret_error, capacity);
    if (status != STATUS_OK) {
        return status;
    }
    if (header.info.kind != kind) {
        return error_set(STATUS_MALFORMED, ret_error, capacity,
                         "%s: holds a %s key, a %s key is needed here", path,
                         kind_name(header.info.kind), kind_name(kind));
    }
    uint8_t *secret = sodium_malloc(SECRET_BYTES);
    uint8_t *key = secret == NULL ? NULL : derive(&header, passphrase);
    if (key == NULL) {
        sodium_free(secret);
        return no_memory(path, &header.info.cost, ret_error, capacity);
    }
    int result = crypto_aead_xchacha20poly1305_ietf_decrypt(secret, NULL, NULL, file + HEADER_BYTES,
                                                            KEY_FILE_BYTES - HEADER_BYTES, file,
                                                            HEADER_BYTES, header.nonce, key);
    sodium_free(key);
    if (result != 0) {
        sodium_free(secret);
        return error_set(STATUS_BAD_KEY, ret_error, capacity,
                         "%s: the passphrase is wrong, or the file was changed", path);
    }
    memcpy(ret_public, header.info.public_key, sizeof header.info.public_key);
    *ret_secret = secret;
    return STATUS_OK;
}

static enum status mismatch(const char *path, char *ret_error, size_t capacity)
{
    return error_set(STATUS_BAD_KEY, ret_error, capacity,
                     "%s: its public key does not belong to its secret; it is not used, since "
                     "signing with it could give the secret away",
                     path);
}

enum status key_file_read_signing(const char *path, const struct passphrase *passphrase,
                                  struct signing_key **ret_key, char *ret_error, size_t capacity)
{
    uint8_t *seed;
    uint8_t public_key[32];
    enum status status =
        read_secret(path, KEY_SIGNING, passphrase, &seed, public_key, ret_error, capacity);
    if (status != STATUS_OK) {
        return status;
    }
    struct signing_key *key = signing_key_from_seed(seed);
    sodium_free(seed);
    if (key == NULL) {
        return error_set(STATUS_NO_MEMORY, ret_error, capacity, "%s: no locked memory", path);
    }
    if (sodium_memcmp(signing_key_public(key)->bytes, public_key, sizeof public_key) != 0) {
        signing_key_free(key);
        return mismatch(path, ret_error, capacity);
    }
    *ret_key = key;
    return STATUS_OK;
}

enum status key_file_read_transport(const char *path, const struct passphrase *passphrase,
                                    struct noise_key_pair **ret_pair, char *ret_error,
                                    size_t capacity)
{
    uint8_t *secret;
    uint8_t public_key[32];
    enum status status =
        read_secret(path, KEY_TRANSPORT, passphrase, &secret, public_key, ret_error, capacity);
    if (status != STATUS_OK) {
        return status;
    }
    struct noise_key_pair *pair = sodium_malloc(sizeof *pair);
    status = pair == NULL ? STATUS_NO_MEMORY : noise_key_pair_from_secret(secret, pair);
    sodium_free(secret);
    if (status == STATUS_NO_MEMORY) {
        return error_set(status, ret_error, capacity, "%s: no locked memory", path);
    }
    if (status != STATUS_OK ||
        sodium_memcmp(pair->public_key.bytes, public_key, sizeof public_key) != 0) {
        transport_pair_free(pair);
        return mismatch(path, ret_error, capacity);
    }
    *ret_pair = pair;
    return STATUS_OK;
}

enum status key_file_inspect(const char *path, struct key_file_info *ret_info, char *ret_error,
                             size_t capacity)
{
    uint8_t file[KEY_FILE_BYTES];
    struct key_header header;
    enum status status = load(path, 0, file, &header, ret_error, capacity);
    if (status == STATUS_OK) {
        *ret_info = header.info;
    }
    return status;
}
