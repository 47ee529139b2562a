/*
 * test_batch_keys: the key of a batch is found without executing the chain, also of one in which a
 * new validator says nonsense: a block may name it, and the chain is no worse for it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <sodium/core.h>

#include "base/validator.h"
#include "cli/batch_keys.h"
#include "ledger/action_rows.h"
#include "node/keys.h"
#include "tests/support/action_batch.h"
#include "tests/support/folder.h"

#define CHANGES 3
#define OWNER 4

struct fixture {
    struct folder folder;
    struct home home;
    struct validator_set set;
    struct signing_key *candidate;
    struct hash change_ids[CHANGES];
};

/* Changes that bring keys of nobody; the second brings the candidate's too. */
static void store_changes(struct fixture *fixture)
{
    for (uint32_t i = 0; i < CHANGES; i++) {
        const struct public_key other = {{(uint8_t)(i + 1)}};
        const struct transport_key channel = {{(uint8_t)(i + 1)}};
        struct action action = action_changing(1);
        uint8_t body[ACTION_BYTES_MAX], value[ACTION_VALUE_BYTES_MAX];
        action_add(&action, OWNER, &other, &channel, "other");
        if (i == 1) {
            action_add(&action, OWNER, signing_key_public(fixture->candidate), &channel, "new");
        }
        fixture->change_ids[i] = (struct hash){{(uint8_t)(10 * (i + 1))}};
        const struct action_row row = {.state = ACTION_APPROVED,
                                       .kind = ACTION_VALIDATORS,
                                       .body_length = (uint32_t)action_body(&action, body)};
        const size_t length = action_row_encode(&row, body, value);
        store_put(fixture->home.store, (enum store_table)TABLE_ACTIONS,
                  fixture->change_ids[i].bytes, HASH_BYTES, value, length);
    }
}

static int set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    char error[512];
    const uint8_t seed[32] = {3};
    assert_true(sodium_init() >= 0);
    assert_non_null(fixture);
    folder_make(&fixture->folder);
    struct store_options options = {.map_bytes = 1u << 24};
    assert_int_equal(
        store_open(fixture->folder.path, &options, &fixture->home.store, error, sizeof error),
        STATUS_OK);
    fixture->home.chain_id = (struct hash){{5}};
    fixture->candidate = signing_key_from_seed(seed);
    store_changes(fixture);
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    store_close(fixture->home.store);
    signing_key_free(fixture->candidate);
    folder_remove(&fixture->folder);
    free(fixture);
    return 0;
}

/* Whether the key of a batch of the candidate's with this body is found, and is its own. */
static bool finds(struct fixture *fixture, enum batch_kind kind, const uint8_t *body, size_t length,
                  bool forged)
{
    const struct public_key *own = signing_key_public(fixture->candidate);
    const struct action_batch_terms terms = {.kind = kind,
                                             .participant = OWNER,
                                             .key_no = validator_key_no(own),
                                             .chain_id = fixture->home.chain_id,
                                             .created_ms = 1000,
                                             .expires_ms = 2000};
    struct batch batch = {
        .header = action_batch_header(&terms, body, length), .body = body, .body_length = length};
    uint8_t bytes[BATCH_SIGNED_BYTES];
    struct public_key key;
    batch_signed_bytes(&batch.header, bytes);
    key_sign(fixture->candidate, bytes, sizeof bytes, &batch.signature);
    batch.signature.bytes[7] ^= forged ? 1 : 0;
    return batch_keys_find(&fixture->home, &fixture->set, &batch, &key) &&
           memcmp(&key, own, sizeof key) == 0;
}

/* Goal: whatever a new validator signs as an action is found to be its own; nothing else is. */
static void candidates_are_found(void **state)
{
    struct fixture *fixture = *state;
    uint8_t body[ACTION_BYTES_MAX];
    struct action action = action_answering(ACTION_READY, &fixture->change_ids[1]);
    assert_true(finds(fixture, BATCH_ACTION, body, action_body(&action, body), false));
    assert_false(finds(fixture, BATCH_ACTION, body, action_body(&action, body), true));
    /* READY to a change that does not bring it, to none at all; another answer; no action. */
    action.subject = fixture->change_ids[2];
    assert_true(finds(fixture, BATCH_ACTION, body, action_body(&action, body), false));
    action.subject = (struct hash){{77}};
    assert_true(finds(fixture, BATCH_ACTION, body, action_body(&action, body), false));
    action.kind = ACTION_APPROVE;
    assert_true(finds(fixture, BATCH_ACTION, body, action_body(&action, body), false));
    memset(body, 0xff, sizeof body);
    assert_true(finds(fixture, BATCH_ACTION, body, 9, false));
    /* Evidence is for members, and the ledger names none of another's. */
    assert_false(finds(fixture, BATCH_EVIDENCE, body, 9, false));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(candidates_are_found, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
