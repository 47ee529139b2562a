/*
 * Goal: what a KEYS or PARTICIPANT action may not leave behind (docs/ledger.md, Actions of kinds 5
 * to 12): a key without permissions, which would pass for a removed one; a removed key that is
 * changed again; and that the form of all its changes is looked at before any of them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ledger/genesis_rows.h"
#include "tests/support/ledger_fixture.h"
#include "tests/support/ledger_governed.h"

#define MAKER 1u
#define CHECKER 2u
#define KEY_ADD 1u
#define KEY_REMOVE 2u
#define KEY_PERMISSIONS 3u
#define NOBODY 77u

static struct ledger_fixture *started(void)
{
    struct ledger_fixture *f = fixture_new();
    f->genesis.participants_max = 9;
    governed_policies(&f->genesis, 2);
    fixture_governed(f, 1);
    fixture_start(f);
    return f;
}

static struct writer begin(uint8_t *bytes, size_t size, enum action_kind kind)
{
    struct writer writer = writer_over(bytes, size);
    writer_u16(&writer, ACTION_VERSION);
    writer_u16(&writer, (uint16_t)kind);
    writer_u32(&writer, 0);
    return writer;
}

/* The verdict of the proposal; if it is accepted, it is approved in the next block. */
static unsigned decide(struct ledger_fixture *f, const struct writer *writer, const uint8_t *bytes)
{
    assert_false(writer->failed);
    struct hash id = fixture_body(f, BATCH_ACTION, FIXTURE_AGENT, MAKER, bytes, writer->used);
    fixture_block(f);
    unsigned verdict = fixture_verdict(f, 0, 0);
    if (verdict == VERDICT_POSTED) {
        struct action approval = action_answering(ACTION_APPROVE, &id);
        assert_int_equal(fixture_act(f, FIXTURE_AGENT, CHECKER, &approval, NULL), VERDICT_POSTED);
    }
    return verdict;
}

struct key_op {
    uint32_t op;
    uint32_t key_no;
    uint32_t permissions;
    uint8_t first; /* byte of the key */
};

static unsigned change(struct ledger_fixture *f, uint32_t participant, const struct key_op *ops,
                       uint32_t count)
{
    uint8_t bytes[ACTION_BYTES_MAX];
    struct writer writer = begin(bytes, sizeof bytes, ACTION_KEYS);
    writer_u32(&writer, participant);
    writer_u32(&writer, count);
    for (uint32_t i = 0; i < count; i++) {
        const struct public_key key = {{ops[i].first}};
        writer_u32(&writer, ops[i].op);
        writer_u32(&writer, ops[i].key_no);
        writer_u32(&writer, ops[i].permissions);
        writer_u32(&writer, 0);
        writer_copy(&writer, &key, sizeof key);
    }
    return decide(f, &writer, bytes);
}

static unsigned change_one(struct ledger_fixture *f, uint32_t op, uint32_t key_no,
                           uint32_t permissions, uint8_t first)
{
    return change(f, 3, &(struct key_op){op, key_no, permissions, first}, 1);
}

static void test_no_key_without_permissions(void **state)
{
    (void)state;
    struct ledger_fixture *f = started();
    assert_int_equal(change_one(f, KEY_ADD, 5, 0, 0x55), VERDICT_OUT_OF_RANGE);
    assert_int_equal(change_one(f, KEY_PERMISSIONS, 1, 0, 0), VERDICT_OUT_OF_RANGE);
    assert_int_equal(change_one(f, KEY_PERMISSIONS, 2, 0, 0), VERDICT_OUT_OF_RANGE);
    assert_int_equal(change_one(f, KEY_ADD, 5, PERMISSION_ACT, 0x55), VERDICT_POSTED);
    fixture_free(f);
}

/* Only its number is left of it, which no change names any more. */
static void test_a_removed_key_is_gone(void **state)
{
    (void)state;
    struct ledger_fixture *f = started();
    assert_int_equal(change_one(f, KEY_REMOVE, 2, 0, 0), VERDICT_POSTED);
    assert_int_equal(change_one(f, KEY_REMOVE, 2, 0, 0), VERDICT_NOT_REGISTERED);
    assert_int_equal(change_one(f, KEY_PERMISSIONS, 2, PERMISSION_ACT, 0), VERDICT_NOT_REGISTERED);
    assert_int_equal(change_one(f, KEY_ADD, 2, PERMISSION_ACT, 0x55), VERDICT_NUMBER_NOT_NEXT);
    assert_int_equal(change_one(f, KEY_ADD, 3, PERMISSION_ACT, 0x55), VERDICT_POSTED);
    fixture_reload(f);
    fixture_free(f);
}

static void test_form_comes_first(void **state)
{
    (void)state;
    struct ledger_fixture *f = started();
    const struct key_op ops[] = {{KEY_REMOVE, 9, 0, 0}, {KEY_REMOVE, 1, PERMISSION_ACT, 0}};
    assert_int_equal(change(f, 3, ops, 2), VERDICT_ACTION_FORM);
    assert_int_equal(change(f, NOBODY, &ops[1], 1), VERDICT_ACTION_FORM);
    assert_int_equal(change(f, NOBODY, ops, 1), VERDICT_NOT_REGISTERED);
    fixture_free(f);
}

static void test_a_newcomer_has_whole_keys(void **state)
{
    (void)state;
    struct ledger_fixture *f = started();
    uint8_t bytes[ACTION_BYTES_MAX];
    struct genesis_participant row = {
        .number = 20, .roles = ROLE_BANK, .status = STANDING_ACTIVE, .key_count = 2};
    memcpy(row.name, "Newcomer Bank", 13);
    for (uint32_t i = 0; i < 2; i++) {
        row.keys[i].key_no = 1 + i;
        row.keys[i].permissions = PERMISSION_ACT;
        row.keys[i].key.bytes[0] = (uint8_t)(1 + i);
    }
    row.keys[1].permissions = 0;
    struct writer writer = begin(bytes, sizeof bytes, ACTION_PARTICIPANT);
    genesis_encode_participant(&row, &writer);
    assert_int_equal(decide(f, &writer, bytes), VERDICT_OUT_OF_RANGE);
    row.keys[1].permissions = PERMISSION_SUBMIT;
    writer = begin(bytes, sizeof bytes, ACTION_PARTICIPANT);
    genesis_encode_participant(&row, &writer);
    assert_int_equal(decide(f, &writer, bytes), VERDICT_POSTED);
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_key_without_permissions),
        cmocka_unit_test(test_a_removed_key_is_gone),
        cmocka_unit_test(test_form_comes_first),
        cmocka_unit_test(test_a_newcomer_has_whole_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
