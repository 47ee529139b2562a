/*
 * noise: the secure channel between nodes, and between a participant and its node.
 *
 * It is Noise_XK_25519_ChaChaPoly_SHA256 (noiseprotocol.org, revision 34) on libsodium's
 * primitives:
 *
 *     <- s                     the initiator knows the responder's static key beforehand
 *     -> e, es     act 1
 *     <- e, ee     act 2       the initiator now knows that the responder has its key
 *     -> s, se     act 3       the responder now knows the initiator's static key
 *
 * followed by transport messages whose length is encrypted too, as in Lightning's BOLT 8
 * (docs/transport.md, Channel). This file knows no sockets: bytes go in and come out. Any failure
 * kills the state for good; a dead state refuses everything with CLOSED. An act or a message that
 * comes from a peer never aborts the process.
 *
 * The structs hold secrets: keep them in locked memory (sodium_malloc) and wipe them. sodium_init()
 * must have succeeded before any call.
 */
#ifndef HEFU_NODE_NOISE_H
#define HEFU_NODE_NOISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/keys.h"
#include "base/status.h"

#define NOISE_KEY_BYTES 32
#define NOISE_HASH_BYTES 32
#define NOISE_TAG_BYTES 16
/* The largest message of the Noise specification, tag included. */
#define NOISE_MESSAGE_BYTES_MAX 65535

/* What each act needs beside its payload. */
#define NOISE_ACT_1_BYTES 48
#define NOISE_ACT_2_BYTES 48
#define NOISE_ACT_3_BYTES 64
#define NOISE_ACTS 3

/* A sealed transport message: length (2 bytes, little-endian) and tag, then body and tag. */
#define NOISE_HEADER_BYTES 18
#define NOISE_BODY_BYTES_MAX (NOISE_MESSAGE_BYTES_MAX - NOISE_TAG_BYTES)
#define NOISE_OVERHEAD_BYTES (NOISE_HEADER_BYTES + NOISE_TAG_BYTES)
#define NOISE_SEALED_BYTES_MAX (NOISE_BODY_BYTES_MAX + NOISE_OVERHEAD_BYTES)

/* A flow's key is replaced after so many messages, or so many bytes of bodies. */
#define NOISE_REKEY_MESSAGES (1u << 16)
#define NOISE_REKEY_BYTES (1u << 30)

struct noise_key_pair {
    uint8_t secret[NOISE_KEY_BYTES];
    struct transport_key public_key;
};

enum noise_role { NOISE_INITIATOR, NOISE_RESPONDER };

/* CipherState of the specification. The nonce counts up to 2^64 - 2 and is never reset. */
struct noise_cipher {
    uint8_t key[NOISE_KEY_BYTES];
    uint64_t nonce;
};

/* HandshakeState of the specification; fields are private to noise.c. */
struct noise_handshake {
    enum noise_role role;
    uint32_t act; /* the next one, 0..NOISE_ACTS */
    bool dead;
    bool ephemeral_given;
    uint8_t chaining_key[NOISE_HASH_BYTES];
    uint8_t hash[NOISE_HASH_BYTES];
    struct noise_cipher cipher;
    struct noise_key_pair own;
    struct noise_key_pair ephemeral;
    struct transport_key remote;
    struct transport_key remote_ephemeral;
};

/* One direction of an open channel. */
struct noise_flow {
    struct noise_cipher cipher;
    uint64_t messages; /* since the last rekey */
    uint64_t bytes;    /* of bodies, since the last rekey */
    uint64_t messages_max;
    uint64_t bytes_max;
    bool dead;
};

/* Completes a pair from its 32 secret bytes, which are copied. BAD_KEY if they give no point. */
enum status noise_key_pair_from_secret(const uint8_t secret[NOISE_KEY_BYTES],
                                       struct noise_key_pair *ret_pair) MUST_USE;

/* A fresh pair from the system's entropy. */
void noise_key_pair_generate(struct noise_key_pair *ret_pair);

/*
 * Starts a handshake. remote is the responder's static key for the initiator, NULL for the
 * responder. The prologue is what both sides must agree on beforehand; a difference makes act 1
 * fail. own and the prologue are copied.
 */
void noise_handshake_init(struct noise_handshake *ret_handshake, enum noise_role role,
                          const struct noise_key_pair *own, const struct transport_key *remote,
                          const uint8_t *prologue, size_t prologue_length);

/* Fixes the ephemeral key, before any act: for published vectors only. */
void noise_handshake_set_ephemeral(struct noise_handshake *handshake,
                                   const struct noise_key_pair *ephemeral);

/* Whether the next act is ours to write. */
bool noise_handshake_writes(const struct noise_handshake *handshake);

/* The size of the next act without payload; 0 when all acts are done. */
size_t noise_act_bytes(const struct noise_handshake *handshake);

/*
 * Writes the next act with a payload (may be empty) into ret_act. The act must be ours to write.
 * OVERSIZED if the act would exceed the capacity or NOISE_MESSAGE_BYTES_MAX; BAD_KEY if a shared
 * secret is all zero; CLOSED if the state is dead. All of them kill the state.
 */
enum status noise_write_act(struct noise_handshake *handshake, const uint8_t *payload,
                            size_t payload_length, uint8_t *ret_act, size_t capacity,
                            size_t *ret_length) MUST_USE;

/*
 * Reads the next act, which must be the peer's to write, and gives its payload. ret_payload has
 * room for length bytes. MALFORMED if the act has an impossible length, FORGED if it does not
 * authenticate (changed, another prologue, another key), BAD_KEY if a shared secret is all zero,
 * CLOSED if the state is dead. All of them kill the state; ret_payload is then undefined.
 */
enum status noise_read_act(struct noise_handshake *handshake, const uint8_t *act, size_t length,
                           uint8_t *ret_payload, size_t *ret_payload_length) MUST_USE;

/* Whether all acts are done and the state is alive. */
bool noise_handshake_done(const struct noise_handshake *handshake);

/* After all acts: the peer's static key, authenticated. */
const struct transport_key *noise_handshake_remote(const struct noise_handshake *handshake);

/* After all acts: the flows out of here and into here. The handshake is wiped. */
void noise_handshake_split(struct noise_handshake *handshake, struct noise_flow *ret_out,
                           struct noise_flow *ret_in);

/* Zeroes and kills. */
void noise_handshake_wipe(struct noise_handshake *handshake);
void noise_flow_wipe(struct noise_flow *flow);

/*
 * Plain Noise transport messages: length bytes become length + NOISE_TAG_BYTES, and back. In place
 * is allowed. The nonce advances by one. Decrypting gives FORGED if the tag is wrong.
 */
void noise_encrypt(struct noise_cipher *cipher, const uint8_t *plain, size_t length,
                   uint8_t *ret_message);
enum status noise_decrypt(struct noise_cipher *cipher, const uint8_t *message, size_t length,
                          uint8_t *ret_plain) MUST_USE;

/* REKEY of the specification, section 4.2: a one-way step; the nonce goes on. */
void noise_rekey(struct noise_cipher *cipher);

/*
 * Seals one message in place: its body of body_length bytes (at most NOISE_BODY_BYTES_MAX) stands
 * at message + NOISE_HEADER_BYTES, and the message becomes body_length + NOISE_OVERHEAD_BYTES
 * long. An empty body is the authenticated close: the flow is dead afterwards. CLOSED if dead.
 */
enum status noise_seal(struct noise_flow *flow, uint8_t *message, size_t body_length) MUST_USE;

/*
 * Opens a message in two steps, since its length is encrypted: first the header of
 * NOISE_HEADER_BYTES, which gives the body's length; then, in place, that body with its tag
 * (*ret_body_length + NOISE_TAG_BYTES bytes). FORGED if something does not authenticate,
 * MALFORMED for a length beyond the limit; both kill the flow. noise_open_body gives CLOSED for
 * the authenticated close message: the peer has said all it wanted to. CLOSED also if dead.
 */
enum status noise_open_header(struct noise_flow *flow, const uint8_t header[NOISE_HEADER_BYTES],
                              size_t *ret_body_length) MUST_USE;
enum status noise_open_body(struct noise_flow *flow, uint8_t *body, size_t body_length) MUST_USE;

#endif
