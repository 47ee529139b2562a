/*
 * Fuzzes what a stranger can send before it is known: each act of the handshake, as either role,
 * and the messages of an open channel. Nothing may crash, and nothing may authenticate.
 *
 * Input: a byte that chooses the state (bits 0-1) and the role's payload size, then the bytes.
 */
#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "node/noise.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct start {
    struct noise_handshake readers[NOISE_ACTS];
    struct noise_flow flow;
};

static void one_pair(const char *seed, struct noise_key_pair *ret_pair)
{
    uint8_t secret[NOISE_KEY_BYTES];
    CHECK(crypto_generichash(secret, sizeof secret, (const uint8_t *)seed, strlen(seed), NULL, 0) ==
          0);
    CHECK(noise_key_pair_from_secret(secret, ret_pair) == STATUS_OK);
}

/* The same handshake every time, stopped before each act's reading. */
static void start_init(struct start *ret_start)
{
    struct noise_key_pair keys[4];
    struct noise_handshake sides[2];
    struct noise_flow unused[3];
    CHECK(sodium_init() >= 0);
    one_pair("initiator", &keys[0]);
    one_pair("responder", &keys[1]);
    one_pair("initiator's ephemeral", &keys[2]);
    one_pair("responder's ephemeral", &keys[3]);
    noise_handshake_init(&sides[0], NOISE_INITIATOR, &keys[0], &keys[1].public_key,
                         (const uint8_t *)"hefu/1", 6);
    noise_handshake_init(&sides[1], NOISE_RESPONDER, &keys[1], NULL, (const uint8_t *)"hefu/1", 6);
    noise_handshake_set_ephemeral(&sides[0], &keys[2]);
    noise_handshake_set_ephemeral(&sides[1], &keys[3]);
    for (unsigned i = 0; i < NOISE_ACTS; i++) {
        uint8_t act[NOISE_ACT_3_BYTES];
        uint8_t payload[NOISE_ACT_3_BYTES];
        size_t length = 0;
        CHECK(noise_write_act(&sides[i % 2], NULL, 0, act, sizeof act, &length) == STATUS_OK);
        ret_start->readers[i] = sides[1 - i % 2];
        CHECK(noise_read_act(&sides[1 - i % 2], act, length, payload, &length) == STATUS_OK);
    }
    noise_handshake_split(&sides[0], &unused[0], &unused[1]);
    noise_handshake_split(&sides[1], &unused[2], &ret_start->flow);
}

static void fuzz_act(const struct noise_handshake *start, const uint8_t *data, size_t size)
{
    static uint8_t payload[NOISE_MESSAGE_BYTES_MAX];
    struct noise_handshake victim = *start;
    size_t length = 0;
    enum status status = noise_read_act(&victim, data, size, payload, &length);
    if (status == STATUS_OK) {
        /* Only the real act may pass, and the input would have to contain it. */
        CHECK(!victim.dead && length <= size);
        return;
    }
    CHECK(status == STATUS_FORGED || status == STATUS_MALFORMED || status == STATUS_BAD_KEY);
    CHECK(victim.dead);
    CHECK(noise_read_act(&victim, data, size, payload, &length) == STATUS_CLOSED);
}

static void fuzz_flow(const struct noise_flow *start, const uint8_t *data, size_t size)
{
    static uint8_t body[NOISE_SEALED_BYTES_MAX];
    struct noise_flow victim = *start;
    size_t length = 0;
    if (size < NOISE_HEADER_BYTES) {
        return;
    }
    if (noise_open_header(&victim, data, &length) != STATUS_OK) {
        CHECK(victim.dead);
        return;
    }
    size -= NOISE_HEADER_BYTES;
    if (size < length + NOISE_TAG_BYTES) {
        return;
    }
    memcpy(body, data + NOISE_HEADER_BYTES, length + NOISE_TAG_BYTES);
    if (noise_open_body(&victim, body, length) != STATUS_OK) {
        CHECK(victim.dead);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct start start;
    static bool started;
    if (!started) {
        start_init(&start);
        started = true;
    }
    if (size == 0 || size > NOISE_SEALED_BYTES_MAX) {
        return 0;
    }
    unsigned state = data[0] % 4;
    if (state < NOISE_ACTS) {
        fuzz_act(&start.readers[state], data + 1, size - 1);
    } else {
        fuzz_flow(&start.flow, data + 1, size - 1);
    }
    return 0;
}
