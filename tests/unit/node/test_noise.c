/*
 * The channel's cryptography (node/noise.h): published vectors byte by byte, both roles; every kind
 * of failure kills the state; lengths, rekeying, and the authenticated close.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "node/noise.h"
#include "tests/vectors/noise/noise_xk.h"

#define BYTES_MAX 512
#define COUNT(array) (sizeof(array) / sizeof *(array))

static size_t unhex(const char *text, uint8_t *ret_bytes)
{
    size_t length = strlen(text) / 2;
    assert_true(length <= BYTES_MAX);
    assert_int_equal(bytes_from_hex(text, length, ret_bytes), STATUS_OK);
    return length;
}

static struct noise_key_pair pair_from(const char *secret)
{
    uint8_t bytes[BYTES_MAX];
    struct noise_key_pair pair;
    assert_int_equal(unhex(secret, bytes), NOISE_KEY_BYTES);
    assert_int_equal(noise_key_pair_from_secret(bytes, &pair), STATUS_OK);
    return pair;
}

/* Two parties, as the tests need them. */
struct parties {
    struct noise_key_pair initiator_key;
    struct noise_key_pair responder_key;
    struct noise_handshake initiator;
    struct noise_handshake responder;
};

static const uint8_t prologue[] = "hefu/1 a chain";

static void parties_init(struct parties *parties)
{
    noise_key_pair_generate(&parties->initiator_key);
    noise_key_pair_generate(&parties->responder_key);
    noise_handshake_init(&parties->initiator, NOISE_INITIATOR, &parties->initiator_key,
                         &parties->responder_key.public_key, prologue, sizeof prologue);
    noise_handshake_init(&parties->responder, NOISE_RESPONDER, &parties->responder_key, NULL,
                         prologue, sizeof prologue);
}

static struct noise_handshake *writer_of(struct parties *parties)
{
    return noise_handshake_writes(&parties->initiator) ? &parties->initiator : &parties->responder;
}

static struct noise_handshake *reader_of(struct parties *parties)
{
    return noise_handshake_writes(&parties->initiator) ? &parties->responder : &parties->initiator;
}

static size_t write_act(struct parties *parties, uint8_t *ret_act)
{
    size_t length = 0;
    assert_int_equal(noise_write_act(writer_of(parties), NULL, 0, ret_act, BYTES_MAX, &length),
                     STATUS_OK);
    return length;
}

/* Plays the given number of acts. */
static void play(struct parties *parties, unsigned acts)
{
    for (unsigned i = 0; i < acts; i++) {
        uint8_t act[BYTES_MAX];
        uint8_t payload[BYTES_MAX];
        size_t payload_length = 1;
        struct noise_handshake *reader = reader_of(parties);
        size_t length = write_act(parties, act);
        assert_int_equal(noise_read_act(reader, act, length, payload, &payload_length), STATUS_OK);
        assert_int_equal(payload_length, 0);
    }
}

static void open_flows(struct noise_flow *ret_out, struct noise_flow *ret_in)
{
    struct parties parties;
    struct noise_flow unused[2];
    parties_init(&parties);
    play(&parties, NOISE_ACTS);
    noise_handshake_split(&parties.initiator, ret_out, &unused[0]);
    noise_handshake_split(&parties.responder, &unused[1], ret_in);
}

/* ---- Published vectors ---- */

static void vector_parties(const struct noise_vector *vector, struct parties *ret_parties)
{
    uint8_t bytes[BYTES_MAX];
    size_t length = unhex(vector->prologue, bytes);
    struct noise_key_pair ephemeral;
    ret_parties->initiator_key = pair_from(vector->initiator_static);
    ret_parties->responder_key = pair_from(vector->responder_static);
    noise_handshake_init(&ret_parties->initiator, NOISE_INITIATOR, &ret_parties->initiator_key,
                         &ret_parties->responder_key.public_key, bytes, length);
    noise_handshake_init(&ret_parties->responder, NOISE_RESPONDER, &ret_parties->responder_key,
                         NULL, bytes, length);
    ephemeral = pair_from(vector->initiator_ephemeral);
    noise_handshake_set_ephemeral(&ret_parties->initiator, &ephemeral);
    ephemeral = pair_from(vector->responder_ephemeral);
    noise_handshake_set_ephemeral(&ret_parties->responder, &ephemeral);
    assert_int_equal(unhex(vector->responder_public, bytes), NOISE_KEY_BYTES);
    assert_memory_equal(bytes, ret_parties->responder_key.public_key.bytes, NOISE_KEY_BYTES);
}

static void vector_acts(const struct noise_vector *vector, struct parties *parties)
{
    for (unsigned i = 0; i < NOISE_ACTS; i++) {
        uint8_t payload[BYTES_MAX];
        uint8_t expected[BYTES_MAX];
        uint8_t act[BYTES_MAX];
        uint8_t read[BYTES_MAX];
        size_t payload_length = unhex(vector->messages[i].payload, payload);
        size_t expected_length = unhex(vector->messages[i].ciphertext, expected);
        size_t length = 0;
        size_t read_length = 0;
        struct noise_handshake *reader = reader_of(parties);
        assert_int_equal(
            noise_write_act(writer_of(parties), payload, payload_length, act, sizeof act, &length),
            STATUS_OK);
        assert_int_equal(length, expected_length);
        assert_memory_equal(act, expected, length);
        assert_int_equal(noise_read_act(reader, expected, expected_length, read, &read_length),
                         STATUS_OK);
        assert_int_equal(read_length, payload_length);
        assert_memory_equal(read, payload, payload_length);
    }
}

static void vector_transport(const struct noise_vector *vector, struct parties *parties)
{
    struct noise_flow out[2];
    struct noise_flow in[2];
    noise_handshake_split(&parties->initiator, &out[0], &in[1]);
    noise_handshake_split(&parties->responder, &out[1], &in[0]);
    for (size_t i = NOISE_ACTS; i < NOISE_VECTOR_MESSAGES_MAX; i++) {
        if (vector->messages[i].payload == NULL) {
            break;
        }
        /* The responder wrote act 2, so it is the responder's turn after act 3. */
        size_t from = i % 2;
        uint8_t payload[BYTES_MAX];
        uint8_t expected[BYTES_MAX];
        uint8_t message[BYTES_MAX];
        size_t length = unhex(vector->messages[i].payload, payload);
        assert_int_equal(unhex(vector->messages[i].ciphertext, expected), length + NOISE_TAG_BYTES);
        noise_encrypt(&out[from].cipher, payload, length, message);
        assert_memory_equal(message, expected, length + NOISE_TAG_BYTES);
        assert_int_equal(
            noise_decrypt(&in[from].cipher, message, length + NOISE_TAG_BYTES, message), STATUS_OK);
        assert_memory_equal(message, payload, length);
    }
}

static void test_published_vectors(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(noise_vectors); i++) {
        const struct noise_vector *vector = &noise_vectors[i];
        struct parties parties;
        print_message("vector %s\n", vector->name);
        vector_parties(vector, &parties);
        vector_acts(vector, &parties);
        if (vector->handshake_hash != NULL) {
            uint8_t hash[BYTES_MAX];
            assert_int_equal(unhex(vector->handshake_hash, hash), NOISE_HASH_BYTES);
            assert_memory_equal(parties.initiator.hash, hash, NOISE_HASH_BYTES);
            assert_memory_equal(parties.responder.hash, hash, NOISE_HASH_BYTES);
        }
        assert_memory_equal(noise_handshake_remote(&parties.responder)->bytes,
                            parties.initiator_key.public_key.bytes, NOISE_KEY_BYTES);
        vector_transport(vector, &parties);
    }
}

/* ---- Handshake failures ---- */

/* A dead state refuses to go on and holds no secret any more. */
static void assert_dead(struct noise_handshake *handshake)
{
    uint8_t act[BYTES_MAX] = {0};
    uint8_t payload[BYTES_MAX];
    size_t length = 77;
    assert_false(noise_handshake_done(handshake));
    assert_int_equal(noise_read_act(handshake, act, NOISE_ACT_3_BYTES, payload, &length),
                     STATUS_CLOSED);
    assert_int_equal(noise_write_act(handshake, NULL, 0, act, sizeof act, &length), STATUS_CLOSED);
    assert_int_equal(length, 77);
    assert_true(bytes_are_zero(handshake->own.secret, NOISE_KEY_BYTES));
    assert_true(bytes_are_zero(handshake->ephemeral.secret, NOISE_KEY_BYTES));
    assert_true(bytes_are_zero(handshake->chaining_key, NOISE_HASH_BYTES));
    assert_true(bytes_are_zero(handshake->cipher.key, NOISE_KEY_BYTES));
}

static void test_act_sizes(void **state)
{
    (void)state;
    static const size_t sizes[NOISE_ACTS] = {NOISE_ACT_1_BYTES, NOISE_ACT_2_BYTES,
                                             NOISE_ACT_3_BYTES};
    struct parties parties;
    parties_init(&parties);
    for (unsigned i = 0; i < NOISE_ACTS; i++) {
        assert_int_equal(noise_act_bytes(&parties.initiator), sizes[i]);
        assert_int_equal(noise_act_bytes(&parties.responder), sizes[i]);
        play(&parties, 1);
    }
    assert_int_equal(noise_act_bytes(&parties.initiator), 0);
    assert_true(noise_handshake_done(&parties.initiator));
    assert_true(noise_handshake_done(&parties.responder));
}

/* Every single changed byte of every act, and every truncation, is refused. */
static void test_changed_acts(void **state)
{
    (void)state;
    for (unsigned act_index = 0; act_index < NOISE_ACTS; act_index++) {
        struct parties start;
        uint8_t act[BYTES_MAX];
        uint8_t payload[BYTES_MAX];
        size_t payload_length = 0;
        parties_init(&start);
        play(&start, act_index);
        struct noise_handshake reader = *reader_of(&start);
        size_t length = write_act(&start, act);
        for (size_t i = 0; i < length; i++) {
            struct noise_handshake victim = reader;
            act[i] ^= 0x40;
            enum status status = noise_read_act(&victim, act, length, payload, &payload_length);
            assert_true(status == STATUS_FORGED || status == STATUS_BAD_KEY);
            assert_dead(&victim);
            act[i] ^= 0x40;
            victim = reader;
            status = noise_read_act(&victim, act, i, payload, &payload_length);
            assert_int_equal(status, STATUS_MALFORMED);
            assert_dead(&victim);
        }
        assert_int_equal(noise_read_act(&reader, act, length, payload, &payload_length), STATUS_OK);
    }
}

static void test_wrong_prologue(void **state)
{
    (void)state;
    struct parties parties;
    uint8_t act[BYTES_MAX];
    uint8_t payload[BYTES_MAX];
    size_t payload_length = 0;
    parties_init(&parties);
    noise_handshake_init(&parties.responder, NOISE_RESPONDER, &parties.responder_key, NULL,
                         prologue, sizeof prologue - 1);
    size_t length = write_act(&parties, act);
    assert_int_equal(noise_read_act(&parties.responder, act, length, payload, &payload_length),
                     STATUS_FORGED);
    assert_dead(&parties.responder);
}

static void test_wrong_responder(void **state)
{
    (void)state;
    struct parties parties;
    struct noise_key_pair other;
    uint8_t act[BYTES_MAX];
    uint8_t payload[BYTES_MAX];
    size_t payload_length = 0;
    parties_init(&parties);
    noise_key_pair_generate(&other);
    noise_handshake_init(&parties.initiator, NOISE_INITIATOR, &parties.initiator_key,
                         &other.public_key, prologue, sizeof prologue);
    size_t length = write_act(&parties, act);
    assert_int_equal(noise_read_act(&parties.responder, act, length, payload, &payload_length),
                     STATUS_FORGED);
}

/* Points of low order give an all-zero secret, which is refused before anything is decrypted. */
static void test_low_order_points(void **state)
{
    (void)state;
    static const char *const points[] = {
        "0000000000000000000000000000000000000000000000000000000000000000",
        "0100000000000000000000000000000000000000000000000000000000000000",
        "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
        "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
        "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
    };
    for (size_t i = 0; i < COUNT(points); i++) {
        struct parties parties;
        uint8_t act[BYTES_MAX] = {0};
        uint8_t payload[BYTES_MAX];
        size_t length = 0;
        parties_init(&parties);
        (void)unhex(points[i], act);
        assert_int_equal(
            noise_read_act(&parties.responder, act, NOISE_ACT_1_BYTES, payload, &length),
            STATUS_BAD_KEY);
        assert_dead(&parties.responder);
        (void)write_act(&parties, act);
        (void)unhex(points[i], act);
        assert_int_equal(
            noise_read_act(&parties.initiator, act, NOISE_ACT_2_BYTES, payload, &length),
            STATUS_BAD_KEY);
        assert_dead(&parties.initiator);
    }
}

static void test_oversized_act(void **state)
{
    (void)state;
    struct parties parties;
    uint8_t act[NOISE_ACT_1_BYTES];
    size_t length = 0;
    parties_init(&parties);
    assert_int_equal(noise_write_act(&parties.initiator, act, 1, act, sizeof act, &length),
                     STATUS_OVERSIZED);
    assert_dead(&parties.initiator);
}

/* ---- Transport ---- */

static size_t seal(struct noise_flow *flow, size_t body_length, uint8_t fill, uint8_t *ret_message)
{
    memset(ret_message + NOISE_HEADER_BYTES, fill, body_length);
    assert_int_equal(noise_seal(flow, ret_message, body_length), STATUS_OK);
    return body_length + NOISE_OVERHEAD_BYTES;
}

static void open_and_compare(struct noise_flow *flow, uint8_t *message, size_t body_length,
                             uint8_t fill)
{
    size_t length = 0;
    assert_int_equal(noise_open_header(flow, message, &length), STATUS_OK);
    assert_int_equal(length, body_length);
    uint8_t *body = message + NOISE_HEADER_BYTES;
    assert_int_equal(noise_open_body(flow, body, length), STATUS_OK);
    for (size_t i = 0; i < length; i++) {
        assert_int_equal(body[i], fill);
    }
}

static void test_messages(void **state)
{
    (void)state;
    static const size_t lengths[] = {1, 2, 15, 16, 17, 1000, NOISE_BODY_BYTES_MAX};
    static uint8_t message[NOISE_SEALED_BYTES_MAX];
    struct noise_flow out;
    struct noise_flow in;
    open_flows(&out, &in);
    for (size_t i = 0; i < COUNT(lengths); i++) {
        (void)seal(&out, lengths[i], (uint8_t)i, message);
        open_and_compare(&in, message, lengths[i], (uint8_t)i);
    }
    assert_int_equal(in.cipher.nonce, 2 * COUNT(lengths));
}

static void assert_flow_dead(struct noise_flow *flow)
{
    uint8_t message[NOISE_OVERHEAD_BYTES + 1] = {0};
    size_t length = 0;
    assert_int_equal(noise_open_header(flow, message, &length), STATUS_CLOSED);
    assert_int_equal(noise_open_body(flow, message, 1), STATUS_CLOSED);
    assert_int_equal(noise_seal(flow, message, 1), STATUS_CLOSED);
    assert_true(bytes_are_zero(flow->cipher.key, NOISE_KEY_BYTES));
}

static void test_changed_messages(void **state)
{
    (void)state;
    uint8_t message[NOISE_OVERHEAD_BYTES + 40];
    struct noise_flow out;
    struct noise_flow in;
    open_flows(&out, &in);
    size_t size = seal(&out, 40, 9, message);
    for (size_t i = 0; i < size; i++) {
        struct noise_flow victim = in;
        uint8_t changed[sizeof message];
        size_t length = 0;
        memcpy(changed, message, size);
        changed[i] ^= 1;
        enum status status = noise_open_header(&victim, changed, &length);
        if (i >= NOISE_HEADER_BYTES) {
            assert_int_equal(status, STATUS_OK);
            status = noise_open_body(&victim, changed + NOISE_HEADER_BYTES, length);
        }
        assert_int_equal(status, STATUS_FORGED);
        assert_flow_dead(&victim);
    }
    open_and_compare(&in, message, 40, 9);
}

/* A repeated, skipped or reflected message does not authenticate. */
static void test_order(void **state)
{
    (void)state;
    uint8_t first[NOISE_OVERHEAD_BYTES + 8];
    uint8_t second[NOISE_OVERHEAD_BYTES + 8];
    uint8_t copy[sizeof first];
    struct noise_flow out;
    struct noise_flow in;
    size_t length = 0;
    open_flows(&out, &in);
    (void)seal(&out, 8, 1, first);
    (void)seal(&out, 8, 2, second);
    struct noise_flow skipping = in;
    memcpy(copy, second, sizeof copy);
    assert_int_equal(noise_open_header(&skipping, copy, &length), STATUS_FORGED);
    memcpy(copy, first, sizeof copy);
    open_and_compare(&in, copy, 8, 1);
    assert_int_equal(noise_open_header(&in, first, &length), STATUS_FORGED);
    struct noise_flow reflected = out;
    assert_int_equal(noise_open_header(&reflected, second, &length), STATUS_FORGED);
}

/* A length beyond the limit, properly encrypted by the peer, is refused before the body. */
static void test_length_limit(void **state)
{
    (void)state;
    uint8_t header[NOISE_HEADER_BYTES];
    uint8_t length_bytes[2];
    struct noise_flow out;
    struct noise_flow in;
    size_t length = 0;
    open_flows(&out, &in);
    put_le16(length_bytes, NOISE_BODY_BYTES_MAX + 1);
    noise_encrypt(&out.cipher, length_bytes, sizeof length_bytes, header);
    assert_int_equal(noise_open_header(&in, header, &length), STATUS_MALFORMED);
    assert_flow_dead(&in);
}

static void test_close(void **state)
{
    (void)state;
    uint8_t message[NOISE_OVERHEAD_BYTES];
    struct noise_flow out;
    struct noise_flow in;
    size_t length = 1;
    open_flows(&out, &in);
    assert_int_equal(noise_seal(&out, message, 0), STATUS_OK);
    assert_flow_dead(&out);
    assert_int_equal(noise_open_header(&in, message, &length), STATUS_OK);
    assert_int_equal(length, 0);
    assert_int_equal(noise_open_body(&in, message + NOISE_HEADER_BYTES, 0), STATUS_CLOSED);
    assert_flow_dead(&in);
}

/* REKEY takes the key stream's second block under the last nonce, computed here without AEAD. */
static void test_rekey_value(void **state)
{
    (void)state;
    struct noise_cipher cipher = {.nonce = 5};
    uint8_t zeros[NOISE_KEY_BYTES] = {0};
    uint8_t expected[NOISE_KEY_BYTES];
    uint8_t nonce[12];
    memset(cipher.key, 0x5a, sizeof cipher.key);
    memset(nonce, 0, 4);
    memset(nonce + 4, 0xff, 8);
    (void)crypto_stream_chacha20_ietf_xor_ic(expected, zeros, sizeof zeros, nonce, 1, cipher.key);
    noise_rekey(&cipher);
    assert_memory_equal(cipher.key, expected, sizeof expected);
    assert_int_equal(cipher.nonce, 5);
}

static void test_rekey_after_messages(void **state)
{
    (void)state;
    uint8_t message[NOISE_OVERHEAD_BYTES + 1];
    struct noise_flow out;
    struct noise_flow in;
    open_flows(&out, &in);
    struct noise_cipher before = out.cipher;
    for (uint32_t i = 1; i < NOISE_REKEY_MESSAGES; i++) {
        (void)seal(&out, 1, (uint8_t)i, message);
        open_and_compare(&in, message, 1, (uint8_t)i);
    }
    assert_memory_equal(out.cipher.key, before.key, NOISE_KEY_BYTES);
    (void)seal(&out, 1, 0, message);
    open_and_compare(&in, message, 1, 0);
    noise_rekey(&before);
    assert_memory_equal(out.cipher.key, before.key, NOISE_KEY_BYTES);
    assert_memory_equal(in.cipher.key, before.key, NOISE_KEY_BYTES);
    assert_int_equal(out.cipher.nonce, 2ull * NOISE_REKEY_MESSAGES);
    (void)seal(&out, 1, 7, message);
    open_and_compare(&in, message, 1, 7);
}

static void test_rekey_after_bytes(void **state)
{
    (void)state;
    static uint8_t message[NOISE_SEALED_BYTES_MAX];
    struct noise_flow out;
    struct noise_flow in;
    open_flows(&out, &in);
    assert_int_equal(out.bytes_max, 1u << 30);
    struct noise_cipher before = out.cipher;
    /* Just below the limit; the last message crosses it. */
    out.bytes = in.bytes = NOISE_REKEY_BYTES - 101;
    (void)seal(&out, 100, 1, message);
    open_and_compare(&in, message, 100, 1);
    assert_memory_equal(out.cipher.key, before.key, NOISE_KEY_BYTES);
    (void)seal(&out, 1, 2, message);
    open_and_compare(&in, message, 1, 2);
    noise_rekey(&before);
    assert_memory_equal(out.cipher.key, before.key, NOISE_KEY_BYTES);
    assert_memory_equal(in.cipher.key, before.key, NOISE_KEY_BYTES);
    assert_int_equal(in.bytes, 0);
}

static void test_split_wipes(void **state)
{
    (void)state;
    struct parties parties;
    struct noise_flow out;
    struct noise_flow in;
    parties_init(&parties);
    play(&parties, NOISE_ACTS);
    noise_handshake_split(&parties.initiator, &out, &in);
    assert_dead(&parties.initiator);
    assert_memory_not_equal(out.cipher.key, in.cipher.key, NOISE_KEY_BYTES);
}

static int setup(void **state)
{
    (void)state;
    return sodium_init() < 0 ? -1 : 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_vectors), cmocka_unit_test(test_act_sizes),
        cmocka_unit_test(test_changed_acts),      cmocka_unit_test(test_wrong_prologue),
        cmocka_unit_test(test_wrong_responder),   cmocka_unit_test(test_low_order_points),
        cmocka_unit_test(test_oversized_act),     cmocka_unit_test(test_messages),
        cmocka_unit_test(test_changed_messages),  cmocka_unit_test(test_order),
        cmocka_unit_test(test_length_limit),      cmocka_unit_test(test_close),
        cmocka_unit_test(test_rekey_value),       cmocka_unit_test(test_rekey_after_messages),
        cmocka_unit_test(test_rekey_after_bytes), cmocka_unit_test(test_split_wipes),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
