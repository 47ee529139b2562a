/*
 * test_action_keys: an action that would bring a key which is no key is refused with its batch,
 * before a quorum could wait for its owner (docs/ledger.md, Actions).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <sodium.h>

#include "ledger/genesis.h"
#include "node/keys.h"
#include "node/verify.h"
#include "tests/support/action_batch.h"

static struct signing_key *signer;

static struct signature sign(const struct public_key *key, const uint8_t *bytes, size_t length)
{
    struct signature signature;
    (void)key;
    key_sign(signer, bytes, length, &signature);
    return signature;
}

/* A batch with that body, as the verify pool judges it. */
static enum status judge_body(const uint8_t *body, size_t length, bool damaged)
{
    const struct action_batch_terms terms = {
        .kind = BATCH_ACTION, .participant = 1, .key_no = 1, .created_ms = 5, .expires_ms = 6};
    size_t batch_length;
    struct hash id;
    uint8_t *batch =
        action_batch(&terms, body, length, signing_key_public(signer), sign, &batch_length, &id);
    batch[BATCH_PREFIX_BYTES + 9] ^= damaged;
    enum status status = verify_batch_bytes(batch, batch_length, signing_key_public(signer), NULL);
    free(batch);
    return status;
}

static enum status judge(const struct action *action, bool damaged)
{
    uint8_t body[ACTION_BYTES_MAX];
    size_t length = action_body(action, body);
    return judge_body(body, length, damaged);
}

static struct writer begin(uint8_t body[ACTION_BYTES_MAX], enum action_kind kind)
{
    struct writer writer = writer_over(body, ACTION_BYTES_MAX);
    writer_u16(&writer, ACTION_VERSION);
    writer_u16(&writer, (uint16_t)kind);
    writer_u32(&writer, 0);
    return writer;
}

static const struct public_key BAD[] = {
    {{0}},          /* order 4 */
    {{1}},          /* the neutral element */
    {{2}},          /* not on the curve */
    {{[31] = 0xff}} /* not canonical, or not on the curve */
};
#define BAD_COUNT (sizeof BAD / sizeof BAD[0])

static void test_points(void **state)
{
    (void)state;
    struct transport_key channel = {{9}};
    struct public_key good = *signing_key_public(signer);
    struct public_key old = {{1}}; /* of no member: the ledger's to say */
    struct action action = action_changing(1);
    action_add(&action, 1, &good, &channel, "new");
    action_remove(&action, &old);
    action_replace(&action, &old, &good, &channel);
    assert_int_equal(judge(&action, false), STATUS_OK);
    assert_int_equal(judge(&action, true), STATUS_BAD_HASH);
    for (size_t i = 0; i < BAD_COUNT; i++) {
        for (unsigned change = 0; change < 3; change += 2) {
            struct action spoilt = action;
            spoilt.changes[change].key = BAD[i];
            assert_int_equal(judge(&spoilt, false), STATUS_BAD_KEY);
        }
    }
    struct action spoilt = action;
    memset(&spoilt.changes[2].transport_key, 0, sizeof spoilt.changes[2].transport_key);
    assert_int_equal(judge(&spoilt, false), STATUS_BAD_KEY);
}

static enum status judge_participant(const struct genesis_participant *row)
{
    uint8_t body[ACTION_BYTES_MAX];
    struct writer writer = begin(body, ACTION_PARTICIPANT);
    genesis_encode_participant(row, &writer);
    assert_false(writer.failed);
    return judge_body(body, writer.used, false);
}

/* Goal: a participant is registered with keys that are keys, its channel's too if it has one. */
static void test_participant(void **state)
{
    (void)state;
    struct genesis_participant row = {.number = 9,
                                      .roles = ROLE_BANK,
                                      .status = STANDING_ACTIVE,
                                      .key_count = 2,
                                      .keys = {{1, PERMISSION_ACT, *signing_key_public(signer)},
                                               {2, PERMISSION_ACT, *signing_key_public(signer)}}};
    memcpy(row.name, "Ninth", 5);
    assert_int_equal(judge_participant(&row), STATUS_OK);
    row.transport_key.bytes[0] = 9;
    assert_int_equal(judge_participant(&row), STATUS_OK);
    for (uint32_t i = 0; i < 2 * BAD_COUNT; i++) {
        struct genesis_participant spoilt = row;
        spoilt.keys[i % 2].key = BAD[i / 2];
        assert_int_equal(judge_participant(&spoilt), STATUS_BAD_KEY);
    }
    row.transport_key.bytes[0] = 1; /* of low order: everybody would know the shared secret */
    assert_int_equal(judge_participant(&row), STATUS_BAD_KEY);
    row.key_count = 0;
    assert_int_equal(judge_participant(&row), STATUS_BAD_KEY);
    memset(&row.transport_key, 0, sizeof row.transport_key);
    assert_int_equal(judge_participant(&row), STATUS_OK);
}

/* Goal: likewise the keys that KEYS adds; what it removes or permits brings none. */
static void test_keys(void **state)
{
    (void)state;
    const struct public_key none = {{0}};
    for (uint32_t i = 0; i <= BAD_COUNT; i++) {
        uint8_t body[ACTION_BYTES_MAX];
        struct writer writer = begin(body, ACTION_KEYS);
        writer_u32(&writer, 9);
        writer_u32(&writer, 3);
        for (uint32_t op = 3; op >= 1; op--) { /* permissions, remove, add */
            const struct public_key *added = i < BAD_COUNT ? &BAD[i] : signing_key_public(signer);
            writer_u32(&writer, op);
            writer_u32(&writer, 10 + op);
            writer_u32(&writer, op == 2 ? 0 : PERMISSION_ACT);
            writer_u32(&writer, 0);
            writer_copy(&writer, op == 1 ? added->bytes : none.bytes, sizeof none.bytes);
        }
        assert_int_equal(judge_body(body, writer.used, false),
                         i < BAD_COUNT ? STATUS_BAD_KEY : STATUS_OK);
        assert_int_equal(judge_body(body, writer.used - 1, false), STATUS_OK); /* without form */
    }
}

/* Goal: other kinds bring no keys, and bytes without form are for the ledger's verdict. */
static void test_others(void **state)
{
    (void)state;
    struct hash id = {{3}};
    struct action answer = action_answering(ACTION_APPROVE, &id);
    assert_int_equal(judge(&answer, false), STATUS_OK);
    struct action nothing = action_changing(0);
    assert_int_equal(judge(&nothing, false), STATUS_OK);
}

int main(void)
{
    static const uint8_t seed[32] = {7};
    if (sodium_init() < 0) {
        return 1;
    }
    signer = signing_key_from_seed(seed);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_points),
        cmocka_unit_test(test_participant),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_others),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    signing_key_free(signer);
    return failed;
}
