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

/* A batch with that action, as the verify pool judges it. */
static enum status judge(const struct action *action, bool damaged)
{
    const struct action_batch_terms terms = {
        .kind = BATCH_ACTION, .participant = 1, .key_no = 1, .created_ms = 5, .expires_ms = 6};
    uint8_t body[ACTION_BYTES_MAX];
    size_t length = action_body(action, body), batch_length;
    struct hash id;
    uint8_t *batch =
        action_batch(&terms, body, length, signing_key_public(signer), sign, &batch_length, &id);
    batch[BATCH_PREFIX_BYTES + 9] ^= damaged;
    enum status status = verify_batch_bytes(batch, batch_length, signing_key_public(signer), NULL);
    free(batch);
    return status;
}

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
    static const struct public_key BAD[] = {
        {{0}},          /* order 4 */
        {{1}},          /* the neutral element */
        {{2}},          /* not on the curve */
        {{[31] = 0xff}} /* not canonical, or not on the curve */
    };
    for (size_t i = 0; i < sizeof BAD / sizeof BAD[0]; i++) {
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
        cmocka_unit_test(test_others),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    signing_key_free(signer);
    return failed;
}
