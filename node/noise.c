/*
 * noise: Noise_XK_25519_ChaChaPoly_SHA256 and the messages of the channel (see noise.h and
 * docs/transport.md, Channel). Names in capitals in the comments are the specification's.
 */
#include "node/noise.h"

#include <sodium.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"

/* Exactly HASHLEN bytes, so that it is the first hash as it stands (specification, section 5.2). */
static const char protocol_name[] = "Noise_XK_25519_ChaChaPoly_SHA256";
_Static_assert(sizeof protocol_name - 1 == NOISE_HASH_BYTES, "the name is used unhashed");
_Static_assert(NOISE_KEY_BYTES == crypto_scalarmult_BYTES, "X25519");
_Static_assert(NOISE_HASH_BYTES == crypto_hash_sha256_BYTES, "SHA-256");
_Static_assert(NOISE_TAG_BYTES == crypto_aead_chacha20poly1305_ietf_ABYTES, "ChaChaPoly");

/* The nonce that only REKEY uses. */
#define NONCE_REKEY UINT64_MAX

enum status noise_key_pair_from_secret(const uint8_t secret[NOISE_KEY_BYTES],
                                       struct noise_key_pair *ret_pair)
{
    struct transport_key public_key;
    if (crypto_scalarmult_base(public_key.bytes, secret) != 0) {
        return STATUS_BAD_KEY;
    }
    memcpy(ret_pair->secret, secret, NOISE_KEY_BYTES);
    ret_pair->public_key = public_key;
    return STATUS_OK;
}

void noise_key_pair_generate(struct noise_key_pair *ret_pair)
{
    uint8_t secret[NOISE_KEY_BYTES];
    randombytes_buf(secret, sizeof secret);
    /* The base point has a large prime order and clamping clears the cofactor: it cannot fail. */
    CHECK(noise_key_pair_from_secret(secret, ret_pair) == STATUS_OK);
    sodium_memzero(secret, sizeof secret);
}

/* ---- CipherState ---- */

static void nonce_encode(uint64_t nonce, uint8_t ret_bytes[12])
{
    memset(ret_bytes, 0, 4);
    put_le64(ret_bytes + 4, nonce);
}

static void encrypt_with(struct noise_cipher *cipher, const uint8_t *data, size_t data_length,
                         const uint8_t *plain, size_t length, uint8_t *ret_message)
{
    /* 2^64 messages are out of reach; reusing a nonce would give the key away. */
    CHECK(cipher->nonce != NONCE_REKEY);
    uint8_t nonce[12];
    nonce_encode(cipher->nonce++, nonce);
    (void)crypto_aead_chacha20poly1305_ietf_encrypt(ret_message, NULL, plain, length, data,
                                                    data_length, NULL, nonce, cipher->key);
}

static enum status decrypt_with(struct noise_cipher *cipher, const uint8_t *data,
                                size_t data_length, const uint8_t *message, size_t length,
                                uint8_t *ret_plain)
{
    CHECK(length >= NOISE_TAG_BYTES);
    CHECK(cipher->nonce != NONCE_REKEY);
    uint8_t nonce[12];
    nonce_encode(cipher->nonce++, nonce);
    int result = crypto_aead_chacha20poly1305_ietf_decrypt(ret_plain, NULL, NULL, message, length,
                                                           data, data_length, nonce, cipher->key);
    return result == 0 ? STATUS_OK : STATUS_FORGED;
}

void noise_encrypt(struct noise_cipher *cipher, const uint8_t *plain, size_t length,
                   uint8_t *ret_message)
{
    CHECK(length <= NOISE_BODY_BYTES_MAX);
    encrypt_with(cipher, NULL, 0, plain, length, ret_message);
}

enum status noise_decrypt(struct noise_cipher *cipher, const uint8_t *message, size_t length,
                          uint8_t *ret_plain)
{
    if (length < NOISE_TAG_BYTES || length > NOISE_MESSAGE_BYTES_MAX) {
        return STATUS_MALFORMED;
    }
    return decrypt_with(cipher, NULL, 0, message, length, ret_plain);
}

void noise_rekey(struct noise_cipher *cipher)
{
    uint8_t nonce[12];
    uint8_t message[NOISE_KEY_BYTES + NOISE_TAG_BYTES] = {0};
    nonce_encode(NONCE_REKEY, nonce);
    (void)crypto_aead_chacha20poly1305_ietf_encrypt(message, NULL, message, NOISE_KEY_BYTES, NULL,
                                                    0, NULL, nonce, cipher->key);
    memcpy(cipher->key, message, NOISE_KEY_BYTES);
    sodium_memzero(message, sizeof message);
}

/* ---- SymmetricState ---- */

static void mix_hash(struct noise_handshake *handshake, const uint8_t *data, size_t length)
{
    crypto_hash_sha256_state state;
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, handshake->hash, NOISE_HASH_BYTES);
    crypto_hash_sha256_update(&state, data, length);
    crypto_hash_sha256_final(&state, handshake->hash);
}

static void hmac(const uint8_t key[NOISE_HASH_BYTES], const uint8_t *data, size_t length,
                 uint8_t suffix, uint8_t ret_hash[NOISE_HASH_BYTES])
{
    crypto_auth_hmacsha256_state state;
    crypto_auth_hmacsha256_init(&state, key, NOISE_HASH_BYTES);
    crypto_auth_hmacsha256_update(&state, data, length);
    if (suffix != 0) {
        crypto_auth_hmacsha256_update(&state, &suffix, 1);
    }
    crypto_auth_hmacsha256_final(&state, ret_hash);
    sodium_memzero(&state, sizeof state);
}

/* HKDF with two outputs (specification, section 4.3); ret_1 may be the chaining key itself. */
static void hkdf(const uint8_t chaining_key[NOISE_HASH_BYTES], const uint8_t *material,
                 size_t length, uint8_t ret_1[NOISE_HASH_BYTES], uint8_t ret_2[NOISE_HASH_BYTES])
{
    uint8_t secret[NOISE_HASH_BYTES];
    hmac(chaining_key, material, length, 0, secret);
    hmac(secret, NULL, 0, 1, ret_1);
    hmac(secret, ret_1, NOISE_HASH_BYTES, 2, ret_2);
    sodium_memzero(secret, sizeof secret);
}

/* DH then MixKey. libsodium refuses an all-zero result, which a low-order point would give. */
static enum status mix_shared(struct noise_handshake *handshake,
                              const uint8_t secret[NOISE_KEY_BYTES],
                              const struct transport_key *public_key)
{
    uint8_t shared[crypto_scalarmult_BYTES];
    if (crypto_scalarmult(shared, secret, public_key->bytes) != 0) {
        return STATUS_BAD_KEY;
    }
    hkdf(handshake->chaining_key, shared, sizeof shared, handshake->chaining_key,
         handshake->cipher.key);
    handshake->cipher.nonce = 0;
    sodium_memzero(shared, sizeof shared);
    return STATUS_OK;
}

static void encrypt_and_hash(struct noise_handshake *handshake, const uint8_t *plain, size_t length,
                             uint8_t *ret_message)
{
    encrypt_with(&handshake->cipher, handshake->hash, NOISE_HASH_BYTES, plain, length, ret_message);
    mix_hash(handshake, ret_message, length + NOISE_TAG_BYTES);
}

static enum status decrypt_and_hash(struct noise_handshake *handshake, const uint8_t *message,
                                    size_t length, uint8_t *ret_plain)
{
    /* The hash of the ciphertext is taken first, so that decrypting in place would be safe. */
    uint8_t data[NOISE_HASH_BYTES];
    memcpy(data, handshake->hash, sizeof data);
    mix_hash(handshake, message, length);
    return decrypt_with(&handshake->cipher, data, sizeof data, message, length, ret_plain);
}

/* ---- HandshakeState ---- */

void noise_handshake_init(struct noise_handshake *ret_handshake, enum noise_role role,
                          const struct noise_key_pair *own, const struct transport_key *remote,
                          const uint8_t *prologue, size_t prologue_length)
{
    CHECK((role == NOISE_INITIATOR) == (remote != NULL));
    struct noise_handshake *handshake = ret_handshake;
    memset(handshake, 0, sizeof *handshake);
    handshake->role = role;
    handshake->own = *own;
    memcpy(handshake->hash, protocol_name, NOISE_HASH_BYTES);
    memcpy(handshake->chaining_key, protocol_name, NOISE_HASH_BYTES);
    mix_hash(handshake, prologue, prologue_length);
    if (remote != NULL) {
        handshake->remote = *remote;
    }
    /* The pre-message "<- s". */
    const struct transport_key *responder = remote != NULL ? remote : &own->public_key;
    mix_hash(handshake, responder->bytes, NOISE_KEY_BYTES);
}

void noise_handshake_set_ephemeral(struct noise_handshake *handshake,
                                   const struct noise_key_pair *ephemeral)
{
    CHECK(handshake->act == 0 && !handshake->dead);
    handshake->ephemeral = *ephemeral;
    handshake->ephemeral_given = true;
}

bool noise_handshake_writes(const struct noise_handshake *handshake)
{
    bool initiators_turn = handshake->act % 2 == 0;
    return handshake->act < NOISE_ACTS && initiators_turn == (handshake->role == NOISE_INITIATOR);
}

static bool handshake_reads(const struct noise_handshake *handshake)
{
    return handshake->act < NOISE_ACTS && !noise_handshake_writes(handshake);
}

size_t noise_act_bytes(const struct noise_handshake *handshake)
{
    static const size_t bytes[NOISE_ACTS] = {NOISE_ACT_1_BYTES, NOISE_ACT_2_BYTES,
                                             NOISE_ACT_3_BYTES};
    return handshake->act < NOISE_ACTS ? bytes[handshake->act] : 0;
}

static enum status handshake_fail(struct noise_handshake *handshake, enum status status)
{
    noise_handshake_wipe(handshake);
    return status;
}

/* Tokens "e" and then "es" or "ee" as a writer of act 1 or 2; writes 32 bytes. */
static enum status write_ephemeral(struct noise_handshake *handshake, uint8_t *ret_act)
{
    if (!handshake->ephemeral_given) {
        noise_key_pair_generate(&handshake->ephemeral);
    }
    memcpy(ret_act, handshake->ephemeral.public_key.bytes, NOISE_KEY_BYTES);
    mix_hash(handshake, ret_act, NOISE_KEY_BYTES);
    return mix_shared(handshake, handshake->ephemeral.secret,
                      handshake->role == NOISE_INITIATOR ? &handshake->remote
                                                         : &handshake->remote_ephemeral);
}

static enum status read_ephemeral(struct noise_handshake *handshake, const uint8_t *act)
{
    memcpy(handshake->remote_ephemeral.bytes, act, NOISE_KEY_BYTES);
    mix_hash(handshake, act, NOISE_KEY_BYTES);
    return mix_shared(handshake,
                      handshake->role == NOISE_RESPONDER ? handshake->own.secret
                                                         : handshake->ephemeral.secret,
                      &handshake->remote_ephemeral);
}

/* Tokens "s" and "se" as the initiator; writes 48 bytes. */
static enum status write_static(struct noise_handshake *handshake, uint8_t *ret_act)
{
    encrypt_and_hash(handshake, handshake->own.public_key.bytes, NOISE_KEY_BYTES, ret_act);
    return mix_shared(handshake, handshake->own.secret, &handshake->remote_ephemeral);
}

static enum status read_static(struct noise_handshake *handshake, const uint8_t *act)
{
    enum status status = decrypt_and_hash(handshake, act, NOISE_KEY_BYTES + NOISE_TAG_BYTES,
                                          handshake->remote.bytes);
    if (status != STATUS_OK) {
        return status;
    }
    return mix_shared(handshake, handshake->ephemeral.secret, &handshake->remote);
}

enum status noise_write_act(struct noise_handshake *handshake, const uint8_t *payload,
                            size_t payload_length, uint8_t *ret_act, size_t capacity,
                            size_t *ret_length)
{
    if (handshake->dead) {
        return STATUS_CLOSED;
    }
    CHECK(noise_handshake_writes(handshake));
    size_t fixed = noise_act_bytes(handshake);
    if (payload_length > NOISE_MESSAGE_BYTES_MAX - fixed || fixed + payload_length > capacity) {
        return handshake_fail(handshake, STATUS_OVERSIZED);
    }
    enum status status = handshake->act == 2 ? write_static(handshake, ret_act)
                                             : write_ephemeral(handshake, ret_act);
    if (status != STATUS_OK) {
        return handshake_fail(handshake, status);
    }
    encrypt_and_hash(handshake, payload, payload_length, ret_act + fixed - NOISE_TAG_BYTES);
    handshake->act++;
    *ret_length = fixed + payload_length;
    return STATUS_OK;
}

enum status noise_read_act(struct noise_handshake *handshake, const uint8_t *act, size_t length,
                           uint8_t *ret_payload, size_t *ret_payload_length)
{
    if (handshake->dead) {
        return STATUS_CLOSED;
    }
    CHECK(handshake_reads(handshake));
    size_t fixed = noise_act_bytes(handshake);
    if (length < fixed || length > NOISE_MESSAGE_BYTES_MAX) {
        return handshake_fail(handshake, STATUS_MALFORMED);
    }
    enum status status =
        handshake->act == 2 ? read_static(handshake, act) : read_ephemeral(handshake, act);
    if (status != STATUS_OK) {
        return handshake_fail(handshake, status);
    }
    size_t keys = fixed - NOISE_TAG_BYTES;
    status = decrypt_and_hash(handshake, act + keys, length - keys, ret_payload);
    if (status != STATUS_OK) {
        return handshake_fail(handshake, status);
    }
    handshake->act++;
    *ret_payload_length = length - fixed;
    return STATUS_OK;
}

bool noise_handshake_done(const struct noise_handshake *handshake)
{
    return !handshake->dead && handshake->act == NOISE_ACTS;
}

const struct transport_key *noise_handshake_remote(const struct noise_handshake *handshake)
{
    CHECK(noise_handshake_done(handshake));
    return &handshake->remote;
}

static void flow_init(struct noise_flow *ret_flow, const uint8_t key[NOISE_KEY_BYTES])
{
    memset(ret_flow, 0, sizeof *ret_flow);
    memcpy(ret_flow->cipher.key, key, NOISE_KEY_BYTES);
    ret_flow->messages_max = NOISE_REKEY_MESSAGES;
    ret_flow->bytes_max = NOISE_REKEY_BYTES;
}

void noise_handshake_split(struct noise_handshake *handshake, struct noise_flow *ret_out,
                           struct noise_flow *ret_in)
{
    CHECK(noise_handshake_done(handshake));
    uint8_t to_responder[NOISE_HASH_BYTES];
    uint8_t to_initiator[NOISE_HASH_BYTES];
    hkdf(handshake->chaining_key, NULL, 0, to_responder, to_initiator);
    bool initiator = handshake->role == NOISE_INITIATOR;
    flow_init(ret_out, initiator ? to_responder : to_initiator);
    flow_init(ret_in, initiator ? to_initiator : to_responder);
    sodium_memzero(to_responder, sizeof to_responder);
    sodium_memzero(to_initiator, sizeof to_initiator);
    noise_handshake_wipe(handshake);
}

void noise_handshake_wipe(struct noise_handshake *handshake)
{
    sodium_memzero(handshake, sizeof *handshake);
    handshake->dead = true;
}

/* ---- Messages of the channel ---- */

void noise_flow_wipe(struct noise_flow *flow)
{
    sodium_memzero(flow, sizeof *flow);
    flow->dead = true;
}

/* Both ends count alike, so both rekey after the same message. */
static void flow_count(struct noise_flow *flow, size_t body_length)
{
    flow->messages++;
    flow->bytes += body_length;
    if (flow->messages >= flow->messages_max || flow->bytes >= flow->bytes_max) {
        noise_rekey(&flow->cipher);
        flow->messages = 0;
        flow->bytes = 0;
    }
}

enum status noise_seal(struct noise_flow *flow, uint8_t *message, size_t body_length)
{
    CHECK(body_length <= NOISE_BODY_BYTES_MAX);
    if (flow->dead) {
        return STATUS_CLOSED;
    }
    uint8_t length[2];
    put_le16(length, (uint16_t)body_length);
    uint8_t *body = message + NOISE_HEADER_BYTES;
    noise_encrypt(&flow->cipher, length, sizeof length, message);
    noise_encrypt(&flow->cipher, body, body_length, body);
    if (body_length == 0) {
        noise_flow_wipe(flow);
        return STATUS_OK;
    }
    flow_count(flow, body_length);
    return STATUS_OK;
}

enum status noise_open_header(struct noise_flow *flow, const uint8_t header[NOISE_HEADER_BYTES],
                              size_t *ret_body_length)
{
    if (flow->dead) {
        return STATUS_CLOSED;
    }
    uint8_t length[2];
    enum status status = noise_decrypt(&flow->cipher, header, NOISE_HEADER_BYTES, length);
    if (status == STATUS_OK && get_le16(length) > NOISE_BODY_BYTES_MAX) {
        status = STATUS_MALFORMED;
    }
    if (status != STATUS_OK) {
        noise_flow_wipe(flow);
        return status;
    }
    *ret_body_length = get_le16(length);
    return STATUS_OK;
}

enum status noise_open_body(struct noise_flow *flow, uint8_t *body, size_t body_length)
{
    CHECK(body_length <= NOISE_BODY_BYTES_MAX);
    if (flow->dead) {
        return STATUS_CLOSED;
    }
    enum status status = noise_decrypt(&flow->cipher, body, body_length + NOISE_TAG_BYTES, body);
    if (status != STATUS_OK || body_length == 0) {
        noise_flow_wipe(flow);
        return status != STATUS_OK ? status : STATUS_CLOSED;
    }
    flow_count(flow, body_length);
    return STATUS_OK;
}
