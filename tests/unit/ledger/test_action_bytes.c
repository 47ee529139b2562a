/*
 * test_action_bytes: the bodies of actions and of evidence: what their form fixes is checked byte
 * by byte, and bytes that have no form get a verdict. Evidence is recorded once (docs/formats.md,
 * Actions and evidence).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/ledger_governed.h"
#include "tests/support/verdict_proofs.h"

static unsigned act_bytes(struct ledger_fixture *f, const uint8_t *body, size_t length)
{
    (void)fixture_body(f, BATCH_ACTION, 1, 1, body, length);
    fixture_block(f);
    return proofs_note(fixture_verdict(f, 0, 0));
}

/* Goal: bytes that are no action get a verdict; a body beyond its limit makes the block invalid. */
static void test_bad_bytes(void **state)
{
    (void)state;
    struct ledger_fixture *f = governed_new(4);
    uint8_t body[ACTION_BYTES_MAX + 1] = {0};
    struct action action = action_changing(1);
    governed_add(&action, 6, 200);
    size_t length = action_body(&action, body);
    for (size_t cut = 1; cut < length; cut++) {
        assert_int_equal(act_bytes(f, body, cut), VERDICT_ACTION_FORM);
    }
    assert_int_equal(act_bytes(f, body, length + 1), VERDICT_ACTION_FORM);
    for (unsigned kind = 0; kind < 16; kind++) {
        put_le16(body + 2, (uint16_t)kind);
        enum verdict expected = kind == 0 || kind > ACTION_CYCLE ? VERDICT_KIND_UNKNOWN
                                : kind >= ACTION_PARTICIPANT     ? VERDICT_NOT_PROPOSER
                                : kind == ACTION_VALIDATORS      ? VERDICT_POSTED
                                                                 : VERDICT_ACTION_FORM;
        assert_int_equal(act_bytes(f, body, length), expected);
    }
    uint8_t *large = calloc(1, BATCH_BODY_BYTES_MAX + 1);
    assert_non_null(large);
    memcpy(large, body, 8);
    assert_int_equal(act_bytes(f, large, BATCH_BODY_BYTES_MAX), VERDICT_KIND_UNKNOWN);
    (void)fixture_body(f, BATCH_ACTION, 1, 1, large, BATCH_BODY_BYTES_MAX + 1);
    assert_int_equal(fixture_execute(f), LEDGER_INVALID_BLOCK);
    fixture_drop(f);
    (void)fixture_body(f, BATCH_ACTION, 1, 1, body, length);
    f->parts[0].header.source_hash.bytes[0] = 1;
    assert_int_equal(fixture_execute(f), LEDGER_INVALID_BLOCK);
    fixture_drop(f);
    free(large);
    fixture_free(f);
}

/* ---- Evidence ---- */

static struct evidence_vote vote_of(uint16_t kind, uint8_t block)
{
    struct evidence_vote vote = {.kind = kind, .signer = 2, .epoch = 1, .view = 9};
    vote.block_hash.bytes[0] = block;
    vote.parent_view = kind == EVIDENCE_NULLIFY ? 0 : 8;
    return vote;
}

static unsigned accuse(struct ledger_fixture *f, struct evidence_vote a, struct evidence_vote b)
{
    uint8_t body[EVIDENCE_BODY_BYTES];
    evidence_body_encode(&a, &b, body);
    (void)fixture_body(f, BATCH_EVIDENCE, 1, governed_key_no(1), body, sizeof body);
    fixture_block(f);
    return proofs_note(fixture_verdict(f, 0, 0));
}

static void test_evidence(void **state)
{
    (void)state;
    struct ledger_fixture *f = governed_new(4);
    struct evidence_vote one = vote_of(EVIDENCE_NOTARIZE, 1);
    struct evidence_vote two = vote_of(EVIDENCE_NOTARIZE, 2);
    struct evidence_vote nothing = vote_of(EVIDENCE_NULLIFY, 0);
    struct evidence_vote final = vote_of(EVIDENCE_FINALIZE, 1);
    assert_int_equal(accuse(f, one, two), VERDICT_POSTED);
    assert_int_equal(f->outcome->header.record_count, 0);
    assert_int_equal(accuse(f, two, one), VERDICT_EXISTS);
    assert_int_equal(accuse(f, nothing, final), VERDICT_POSTED);
    assert_int_equal(accuse(f, nothing, one), VERDICT_EVIDENCE_NO_CONFLICT);
    assert_int_equal(accuse(f, one, final), VERDICT_EVIDENCE_NO_CONFLICT);
    assert_int_equal(accuse(f, one, one), VERDICT_EVIDENCE_NO_CONFLICT);
    assert_int_equal(accuse(f, nothing, nothing), VERDICT_EVIDENCE_NO_CONFLICT);
    struct evidence_vote later[] = {one, two};
    later[0].epoch = later[1].epoch = 2;
    assert_int_equal(accuse(f, later[0], later[1]), VERDICT_EVIDENCE_EPOCH);
    later[0].epoch = later[1].epoch = 0;
    assert_int_equal(accuse(f, later[0], later[1]), VERDICT_EVIDENCE_EPOCH);
    assert_int_equal(ledger_store_count(f->store, TABLE_EVIDENCE), 2);

    /* Twice in one block: recorded once. Participants do not sign evidence. */
    uint8_t body[EVIDENCE_BODY_BYTES];
    struct evidence_vote other[] = {one, two};
    other[0].view = other[1].view = 10;
    evidence_body_encode(&other[0], &other[1], body);
    (void)fixture_body(f, BATCH_EVIDENCE, 1, governed_key_no(1), body, sizeof body);
    (void)fixture_body(f, BATCH_EVIDENCE, 2, governed_key_no(2), body, sizeof body);
    fixture_block(f);
    assert_int_equal(fixture_verdict(f, 0, 0), VERDICT_POSTED);
    assert_int_equal(fixture_verdict(f, 1, 0), VERDICT_EXISTS);
    (void)fixture_body(f, BATCH_EVIDENCE, 1, 1, body, sizeof body);
    assert_int_equal(fixture_execute(f), LEDGER_INVALID_BLOCK);
    fixture_drop(f);
    fixture_reload(f);
    assert_int_equal(accuse(f, other[1], other[0]), VERDICT_EXISTS);
    fixture_free(f);
}

/* Goal: of a body of evidence every bit that its form fixes is checked. */
static void test_evidence_form(void **state)
{
    (void)state;
    struct evidence_body parsed;
    struct evidence_vote one = vote_of(EVIDENCE_NOTARIZE, 1);
    struct evidence_vote two = vote_of(EVIDENCE_NOTARIZE, 2);
    uint8_t body[EVIDENCE_BODY_BYTES + 1] = {0};
    evidence_body_encode(&two, &one, body);
    for (size_t length = 0; length <= sizeof body; length++) {
        enum status expected = length < EVIDENCE_BODY_BYTES   ? STATUS_TRUNCATED
                               : length > EVIDENCE_BODY_BYTES ? STATUS_TRAILING
                                                              : STATUS_OK;
        assert_int_equal(evidence_decode((struct span){body, length}, &parsed), expected);
    }
    assert_int_equal(parsed.first.block_hash.bytes[0], 1);
    /* Fixed: version, reserved, and what the two votes have in common. */
    for (size_t at = 0; at < 8 + 4 + 4 + 8 + 8; at++) {
        body[at] ^= 0x80;
        assert_int_not_equal(evidence_decode((struct span){body, EVIDENCE_BODY_BYTES}, &parsed),
                             STATUS_OK);
        body[at] ^= 0x80;
    }
    /* In the wrong order. */
    uint8_t swapped[EVIDENCE_BODY_BYTES];
    memcpy(swapped, body, 8);
    memcpy(swapped + 8, body + 8 + EVIDENCE_VOTE_BYTES, EVIDENCE_VOTE_BYTES);
    memcpy(swapped + 8 + EVIDENCE_VOTE_BYTES, body + 8, EVIDENCE_VOTE_BYTES);
    assert_int_equal(evidence_decode((struct span){swapped, sizeof swapped}, &parsed),
                     STATUS_MALFORMED);
}

/* Goal: of an action's body every byte that its form fixes is checked. */
static void test_action_form(void **state)
{
    (void)state;
    struct action parsed;
    uint8_t body[ACTION_BYTES_MAX];
    struct action action = action_changing(3);
    governed_add(&action, 6, 200);
    governed_remove(&action, 1);
    governed_replace(&action, 2, 201);
    size_t length = action_body(&action, body);
    assert_int_equal(length, 24 + 3 * ACTION_CHANGE_BYTES);
    assert_int_equal(action_decode((struct span){body, length}, &parsed), STATUS_OK);
    assert_memory_equal(&parsed, &action, sizeof action);
    static const struct {
        size_t at, size;
    } FIXED[] = {
        {0, 8},                              /* version, kind, reserved */
        {20, 4},                             /* reserved */
        {24, 4},                             /* op */
        {24 + 8, 32},                        /* old key of ADD */
        {24 + ACTION_CHANGE_BYTES, 8},       /* op and participant of REMOVE */
        {24 + ACTION_CHANGE_BYTES + 40, 96}, /* new keys and name of REMOVE */
        {24 + 2 * ACTION_CHANGE_BYTES, 8},   /* op and participant of REPLACE */
    };
    for (size_t i = 0; i < sizeof FIXED / sizeof FIXED[0]; i++) {
        for (size_t at = FIXED[i].at; at < FIXED[i].at + FIXED[i].size; at++) {
            body[at] ^= 0x10;
            if (action_decode((struct span){body, length}, &parsed) == STATUS_OK) {
                fail_msg("byte %zu", at);
            }
            body[at] ^= 0x10;
        }
    }
    put_le32(body + 16, ACTION_CHANGES_MAX + 1);
    assert_int_equal(action_decode((struct span){body, length}, &parsed), STATUS_OVERSIZED);
}

/* Goal: the verdicts that this test owes the list of all (tests/tables/test_verdicts.c). */
static void test_every_verdict_was_reached(void **state)
{
    (void)state;
    proofs_expect(PROOFS_ACTION_BYTES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_bytes),
        cmocka_unit_test(test_evidence),
        cmocka_unit_test(test_evidence_form),
        cmocka_unit_test(test_action_form),
        cmocka_unit_test(test_every_verdict_was_reached),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
