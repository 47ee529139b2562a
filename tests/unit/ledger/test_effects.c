/*
 * Goal: what approved actions of kinds 5 to 12 change (docs/ledger.md, Actions of kinds 5 to 12):
 * each effect, what is refused, that a change is taken back exactly and survives loading.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ledger/cycle.h"
#include "ledger/genesis_rows.h"
#include "ledger/limit.h"
#include "tests/support/action_batch.h"
#include "tests/support/ledger_fixture.h"
#include "tests/support/ledger_governed.h"
#include "tests/support/verdict_proofs.h"

#define MAKER 1u
#define CHECKER 2u
#define CLOSE 1u
#define EXTEND 2u
#define CONFIRM 3u
#define CANCEL 4u

static struct ledger_fixture *started(void)
{
    struct ledger_fixture *f = fixture_new();
    f->genesis.block_records = 64;
    f->genesis.participants_max = 9;
    f->genesis.services_max = 6;
    governed_policies(&f->genesis, 2);
    fixture_governed(f, 1);
    fixture_start(f);
    return f;
}

static unsigned propose(struct ledger_fixture *f, const struct governed_body *body,
                        struct hash *ret_id)
{
    *ret_id = fixture_body(f, BATCH_ACTION, FIXTURE_AGENT, MAKER, body->bytes, body->writer.used);
    fixture_block(f);
    return proofs_note(fixture_verdict(f, 0, 0));
}

/* Proposes and approves; every block is taken back once and loaded afterwards. */
static unsigned decide(struct ledger_fixture *f, const struct governed_body *body)
{
    struct hash id;
    assert_false(body->writer.failed);
    unsigned verdict = propose(f, body, &id);
    if (verdict != VERDICT_POSTED) {
        return verdict;
    }
    struct action approval = action_answering(ACTION_APPROVE, &id);
    (void)fixture_action(f, FIXTURE_AGENT, CHECKER, &approval);
    assert_int_equal(fixture_execute(f), LEDGER_OK);
    struct hash hash = f->outcome->block_hash;
    ledger_rollback(f->ledger);
    assert_int_equal(fixture_execute(f), LEDGER_OK);
    assert_true(hash_equal(&hash, &f->outcome->block_hash));
    assert_int_equal(fixture_verdict(f, 0, 0), VERDICT_POSTED);
    fixture_commit(f);
    fixture_reload(f);
    return VERDICT_POSTED;
}

static struct genesis_participant newcomer(uint32_t number)
{
    struct genesis_participant row = {
        .number = number, .roles = ROLE_BANK, .status = STANDING_ACTIVE, .key_count = 1};
    memcpy(row.name, "Newcomer Bank", 13);
    row.keys[0].key_no = 1;
    row.keys[0].permissions = PERMISSION_SUBMIT | PERMISSION_ACT;
    row.keys[0].key.bytes[0] = (uint8_t)number;
    row.keys[0].key.bytes[9] = 7;
    return row;
}

static unsigned put_participant(struct ledger_fixture *f, const struct genesis_participant *row)
{
    struct governed_body body;
    governed_begin(&body, ACTION_PARTICIPANT);
    genesis_encode_participant(row, &body.writer);
    return decide(f, &body);
}

static unsigned put_limit(struct ledger_fixture *f, uint32_t participant, uint64_t cap,
                          uint16_t flags)
{
    struct governed_body body;
    const struct genesis_limit row = {participant, FIXTURE_CNY, flags, cap};
    governed_begin(&body, ACTION_LIMIT);
    genesis_encode_limit(&row, &body.writer);
    return decide(f, &body);
}

static unsigned put_standing(struct ledger_fixture *f, uint32_t participant, uint32_t status)
{
    struct governed_body body;
    governed_begin(&body, ACTION_STANDING);
    writer_u32(&body.writer, participant);
    writer_u32(&body.writer, status);
    return decide(f, &body);
}

static unsigned order(struct ledger_fixture *f, uint16_t service, uint16_t op, uint32_t number,
                      uint64_t until_ms, const struct hash *nets_hash)
{
    struct governed_body body;
    const struct hash none = {{0}};
    governed_begin(&body, ACTION_CYCLE);
    writer_u16(&body.writer, service);
    writer_u16(&body.writer, op);
    writer_u32(&body.writer, number);
    writer_u64(&body.writer, until_ms);
    writer_copy(&body.writer, nets_hash == NULL ? &none : nets_hash, HASH_BYTES);
    return decide(f, &body);
}

static const struct cycle_row *cycle(const struct ledger_fixture *f, uint16_t service,
                                     uint32_t number)
{
    uint32_t slot = cycle_slot(f->ledger, service, number);
    return slot == REGISTRY_NONE ? NULL : &f->ledger->cycles.rows[slot];
}

/* A bank joins, gets a limit, and clears; its accounts are the next numbers. */
static void test_a_participant_joins(void **state)
{
    (void)state;
    struct ledger_fixture *f = started();
    struct genesis_participant row = newcomer(20);
    assert_int_equal(fixture_file(f, 2, fixture_clear(f, 20, 2, 5)), VERDICT_PAYER_UNKNOWN);
    uint32_t accounts = f->ledger->account_count;
    assert_int_equal(put_participant(f, &row), VERDICT_POSTED);
    assert_int_equal(f->ledger->account_count, accounts + 8);
    assert_int_equal(fixture_file(f, 2, fixture_clear(f, 20, 2, 5)), VERDICT_CAP);
    assert_int_equal(put_limit(f, 20, 100, 0), VERDICT_POSTED);
    assert_int_equal(fixture_file(f, 2, fixture_clear(f, 20, 2, 5)), VERDICT_POSTED);
    assert_int_equal(fixture_file(f, 20, fixture_clear(f, 20, 2, 96)), VERDICT_CAP);
    assert_int_equal(fixture_file(f, 20, fixture_clear(f, 20, 2, 95)), VERDICT_POSTED);
    fixture_reload(f);
    assert_int_equal(account_balance(ledger_account(f->ledger, 7, 0, ACCOUNT_POSITION)).minor,
                     -100);

    row = newcomer(19);
    assert_int_equal(put_participant(f, &row), VERDICT_NUMBER_NOT_NEXT);
    row = newcomer(21);
    row.settles_through = 99;
    assert_int_equal(put_participant(f, &row), VERDICT_OUT_OF_RANGE);
    row.settles_through = 1;
    assert_int_equal(put_participant(f, &row), VERDICT_POSTED);
    row = newcomer(22);
    assert_int_equal(put_participant(f, &row), VERDICT_NUMBER_NOT_NEXT); /* no room */
    row = newcomer(20);
    assert_int_equal(put_participant(f, &row), VERDICT_FIXED_FIELD); /* keys are another action */
    row.key_count = 0;
    memcpy(row.name, "Newcome Bank\0", 13);
    assert_int_equal(put_participant(f, &row), VERDICT_POSTED);
    assert_string_equal(f->ledger->refdata.now.participants[7].name, "Newcome Bank");
    assert_int_equal(f->ledger->refdata.now.participants[7].key_count, 1);
    fixture_free(f);
}

static void key_op(struct governed_body *body, uint32_t op, uint32_t key_no, uint32_t permissions,
                   uint8_t first)
{
    const uint8_t key[32] = {first};
    writer_u32(&body->writer, op);
    writer_u32(&body->writer, key_no);
    writer_u32(&body->writer, permissions);
    writer_u32(&body->writer, 0);
    writer_copy(&body->writer, key, sizeof key);
}

static void test_keys_rotate(void **state)
{
    (void)state;
    struct ledger_fixture *f = started();
    struct public_key key;
    struct governed_body body;
    governed_begin(&body, ACTION_KEYS);
    writer_u32(&body.writer, 3);
    writer_u32(&body.writer, 2);
    key_op(&body, 1, 5, PERMISSION_SUBMIT | PERMISSION_ACT, 0x55);
    key_op(&body, 2, 1, 0, 0);
    assert_int_equal(decide(f, &body), VERDICT_POSTED);
    assert_false(ledger_batch_key(f->ledger, BATCH_RECORDS, 3, 1, &key));
    assert_true(ledger_batch_key(f->ledger, BATCH_RECORDS, 3, 5, &key));
    assert_int_equal(key.bytes[0], 0x55);

    /* The highest number is not used again, even once its key is gone. */
    governed_begin(&body, ACTION_KEYS);
    writer_u32(&body.writer, 3);
    writer_u32(&body.writer, 1);
    key_op(&body, 2, 5, 0, 0);
    assert_int_equal(decide(f, &body), VERDICT_POSTED);
    governed_begin(&body, ACTION_KEYS);
    writer_u32(&body.writer, 3);
    writer_u32(&body.writer, 1);
    key_op(&body, 1, 5, PERMISSION_SUBMIT, 0x56);
    assert_int_equal(decide(f, &body), VERDICT_NUMBER_NOT_NEXT);
    governed_begin(&body, ACTION_KEYS);
    writer_u32(&body.writer, 3);
    writer_u32(&body.writer, 1);
    key_op(&body, 3, 2, PERMISSION_SUBMIT, 0);
    assert_int_equal(decide(f, &body), VERDICT_OUT_OF_RANGE); /* none could act */
    governed_begin(&body, ACTION_KEYS);
    writer_u32(&body.writer, 3);
    writer_u32(&body.writer, 1);
    key_op(&body, 2, 9, 0, 0);
    assert_int_equal(decide(f, &body), VERDICT_NOT_REGISTERED);
    fixture_free(f);
}

static void test_standing_and_limit(void **state)
{
    (void)state;
    struct ledger_fixture *f = started();
    assert_int_equal(put_standing(f, 1, STANDING_SUSPENDED), VERDICT_POSTED);
    assert_int_equal(fixture_file(f, 2, fixture_clear(f, 1, 2, 5)), VERDICT_SUSPENDED);
    assert_int_equal(put_standing(f, 1, STANDING_ACTIVE), VERDICT_POSTED);
    assert_int_equal(fixture_file(f, 2, fixture_clear(f, 1, 2, 5)), VERDICT_POSTED);
    assert_int_equal(put_standing(f, 77, STANDING_ACTIVE), VERDICT_NOT_REGISTERED);
    assert_int_equal(put_standing(f, 1, 3), VERDICT_ACTION_FORM);
    /* Lowering a cap below what stands is possible, and binds what is new. */
    assert_int_equal(put_limit(f, 1, 4, 0), VERDICT_POSTED);
    assert_int_equal(fixture_file(f, 2, fixture_clear(f, 1, 2, 1)), VERDICT_CAP);
    assert_int_equal(put_limit(f, 1, 1000, LIMIT_COVERED), VERDICT_POSTED);
    assert_int_equal(fixture_file(f, 2, fixture_clear(f, 1, 2, 1)), VERDICT_COVER);
    fixture_free(f);
}

static void test_services_and_schemes(void **state)
{
    (void)state;
    struct ledger_fixture *f = started();
    struct governed_body body;
    struct genesis_service service = f->services[0];
    governed_begin(&body, ACTION_SERVICE);
    service.number = 9;
    memcpy(service.name, "later", 6);
    writer_u32(&body.writer, 1);
    writer_u32(&body.writer, 0);
    genesis_encode_service(&service, &body.writer);
    assert_int_equal(decide(f, &body), VERDICT_POSTED);
    assert_int_equal(cycle(f, 9, 1)->state, CYCLE_OPEN);

    struct genesis_scheme scheme = f->schemes[0];
    governed_begin(&body, ACTION_SCHEME);
    scheme.number = 90;
    scheme.service = 9;
    genesis_encode_scheme(&scheme, &body.writer);
    assert_int_equal(decide(f, &body), VERDICT_POSTED);
    struct record record = fixture_clear(f, 1, 2, 5);
    record.scheme = 90;
    assert_int_equal(fixture_file(f, 2, record), VERDICT_POSTED);
    assert_int_equal(cycle(f, 9, 1)->records, 1);

    governed_begin(&body, ACTION_SERVICE);
    service.mode = SERVICE_GROSS;
    writer_u32(&body.writer, 1);
    writer_u32(&body.writer, 0);
    genesis_encode_service(&service, &body.writer);
    assert_int_equal(decide(f, &body), VERDICT_FIXED_FIELD);
    fixture_free(f);
}

static void test_cycles(void **state)
{
    (void)state;
    struct ledger_fixture *f = started();
    assert_int_equal(fixture_file(f, FIXTURE_AGENT, fixture_fund(f, 1, 50)), VERDICT_POSTED);
    assert_int_equal(fixture_file(f, 2, fixture_clear(f, 1, 2, 30)), VERDICT_POSTED);
    uint64_t cutoff = cycle(f, 1, 1)->cutoff_ms;
    assert_int_equal(order(f, 1, EXTEND, 1, cutoff, NULL), VERDICT_CYCLE_STATE);
    assert_int_equal(order(f, 1, EXTEND, 1, cutoff + 60000, NULL), VERDICT_POSTED);
    assert_int_equal(cycle(f, 1, 1)->cutoff_ms, cutoff + 60000);
    assert_int_equal(order(f, 1, CLOSE, 2, 0, NULL), VERDICT_NOT_REGISTERED);
    assert_int_equal(order(f, 1, CLOSE, 1, 0, NULL), VERDICT_POSTED);
    assert_null(cycle(f, 1, 1)); /* money was there: settled in the same block */
    assert_int_equal(fixture_balance(f, 2, ACCOUNT_SETTLEMENT), 30);

    struct record rural = fixture_clear(f, 1, 2, 8);
    rural.scheme = 30;
    assert_int_equal(fixture_file(f, 2, rural), VERDICT_POSTED);
    assert_int_equal(order(f, 3, CONFIRM, 1, 0, NULL), VERDICT_CYCLE_STATE);
    assert_int_equal(order(f, 3, CLOSE, 1, 0, NULL), VERDICT_POSTED);
    assert_int_equal(cycle(f, 3, 1)->state, CYCLE_INSTRUCTED);
    struct hash nets = cycle(f, 3, 1)->nets_hash;
    assert_int_equal(order(f, 3, CANCEL, 1, 0, NULL), VERDICT_POSTED);
    assert_int_equal(cycle(f, 3, 1)->state, CYCLE_SHORT);
    assert_int_equal(order(f, 3, CONFIRM, 1, 0, &nets), VERDICT_POSTED);
    assert_null(cycle(f, 3, 1));
    assert_int_equal(fixture_balance(f, 1, ACCOUNT_POSITION), 0);
    assert_int_equal(fixture_balance(f, 1, ACCOUNT_SETTLEMENT), 20);
    fixture_free(f);
}

/* What fitted when it was proposed may not fit any more when it is approved. */
static void test_overtaken(void **state)
{
    (void)state;
    struct ledger_fixture *f = started();
    struct governed_body body;
    struct hash first;
    struct hash second;
    struct genesis_participant row = newcomer(20);
    governed_begin(&body, ACTION_PARTICIPANT);
    genesis_encode_participant(&row, &body.writer);
    assert_int_equal(propose(f, &body, &first), VERDICT_POSTED);
    row.keys[0].key.bytes[9] = 8;
    governed_begin(&body, ACTION_PARTICIPANT);
    genesis_encode_participant(&row, &body.writer);
    assert_int_equal(propose(f, &body, &second), VERDICT_POSTED);
    struct action approvals[2] = {action_answering(ACTION_APPROVE, &second),
                                  action_answering(ACTION_APPROVE, &first)};
    (void)fixture_action(f, FIXTURE_AGENT, CHECKER, &approvals[0]);
    (void)fixture_action(f, FIXTURE_AGENT, CHECKER, &approvals[1]);
    fixture_block(f);
    assert_int_equal(f->ledger->refdata.now.participant_count, 8);
    assert_int_equal(f->ledger->refdata.now.participants[7].keys[0].key.bytes[9], 8);
    fixture_reload(f);
    fixture_free(f);
}

/* Goal: the verdicts that this test owes the list of all (tests/tables/test_verdicts.c). */
static void test_every_verdict_was_reached(void **state)
{
    (void)state;
    proofs_expect(PROOFS_EFFECTS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_participant_joins),
        cmocka_unit_test(test_keys_rotate),
        cmocka_unit_test(test_standing_and_limit),
        cmocka_unit_test(test_services_and_schemes),
        cmocka_unit_test(test_cycles),
        cmocka_unit_test(test_overtaken),
        cmocka_unit_test(test_every_verdict_was_reached),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
