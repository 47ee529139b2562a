/*
 * Goal: actions at the edges of docs/ledger.md, Actions of kinds 5 to 12 and Speculation: a block
 * that is taken back leaves no trace in what is derived from cycles and sponsors, cut-offs that
 * come later, participants without keys, more approvals than a row holds, and nobody locked out.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "ledger/cycle.h"
#include "ledger/genesis_rows.h"
#include "tests/support/action_batch.h"
#include "tests/support/ledger_fixture.h"
#include "tests/support/ledger_governed.h"

#define MAKER 1u
#define CHECKER 2u
#define CLOSE 1u
#define KEY_ADD 1u

static struct ledger_fixture *prepared(void)
{
    struct ledger_fixture *f = fixture_new();
    f->genesis.block_records = 256;
    f->genesis.participants_max = 9;
    f->genesis.services_max = 6;
    governed_policies(&f->genesis, 2);
    fixture_governed(f, 1);
    return f;
}

static unsigned propose(struct ledger_fixture *f, const struct governed_body *body,
                        struct hash *ret_id)
{
    assert_false(body->writer.failed);
    *ret_id = fixture_body(f, BATCH_ACTION, FIXTURE_AGENT, MAKER, body->bytes, body->writer.used);
    fixture_block(f);
    return fixture_verdict(f, 0, 0);
}

/* Into the block being built. */
static void approve(struct ledger_fixture *f, const struct hash *id)
{
    struct action approval = action_answering(ACTION_APPROVE, id);
    (void)fixture_action(f, FIXTURE_AGENT, CHECKER, &approval);
}

static struct hash propose_order(struct ledger_fixture *f, uint16_t service, uint16_t op,
                                 uint32_t number, const struct hash *nets_hash)
{
    struct governed_body body;
    struct hash id;
    const struct hash none = {{0}};
    governed_begin(&body, ACTION_CYCLE);
    writer_u16(&body.writer, service);
    writer_u16(&body.writer, op);
    writer_u32(&body.writer, number);
    writer_u64(&body.writer, 0);
    writer_copy(&body.writer, nets_hash == NULL ? &none : nets_hash, HASH_BYTES);
    assert_int_equal(propose(f, &body, &id), VERDICT_POSTED);
    return id;
}

static const struct cycle_row *cycle(const struct ledger_fixture *f, uint16_t service,
                                     uint32_t number)
{
    uint32_t slot = cycle_slot(f->ledger, service, number);
    return slot == REGISTRY_NONE ? NULL : &f->ledger->cycles.rows[slot];
}

static void run(struct ledger_fixture *f)
{
    assert_int_equal(fixture_execute(f), LEDGER_OK);
    fixture_commit(f);
}

static uint64_t owed(const struct ledger_fixture *f, uint32_t participant)
{
    return (uint64_t)cycle_closed_owed(f->ledger, participant, 0)->minor;
}

/* What a group owes in closed cycles follows from who sponsors whom. */
static void test_a_sponsor_is_taken_back(void **state)
{
    (void)state;
    struct ledger_fixture *f = prepared();
    struct governed_body body;
    struct hash id;
    fixture_start(f);
    assert_int_equal(fixture_file(f, 2, fixture_clear(f, 1, 2, 30)), VERDICT_POSTED);
    id = propose_order(f, 1, CLOSE, 1, NULL);
    approve(f, &id);
    run(f);
    assert_int_equal(owed(f, 0), 30);
    struct genesis_participant row = f->ledger->refdata.now.participants[0];
    row.settles_through = 3;
    row.key_count = 0;
    governed_begin(&body, ACTION_PARTICIPANT);
    genesis_encode_participant(&row, &body.writer);
    assert_int_equal(propose(f, &body, &id), VERDICT_POSTED);
    approve(f, &id);
    assert_int_equal(fixture_execute(f), LEDGER_OK);
    assert_int_equal(owed(f, 0), 0);
    assert_int_equal(owed(f, 2), 30);
    ledger_rollback(f->ledger);
    assert_int_equal(owed(f, 0), 30);
    assert_int_equal(owed(f, 2), 0);
    fixture_free(f);
}

/* An empty cycle leaves its slot, which a cycle of another currency takes in the same block. */
static void test_the_currency_of_a_slot_is_taken_back(void **state)
{
    (void)state;
    struct ledger_fixture *f = prepared();
    fixture_start(f);
    assert_int_equal(fixture_file(f, FIXTURE_AGENT, fixture_fund(f, 1, 50)), VERDICT_POSTED);
    assert_int_equal(fixture_file(f, 2, fixture_clear(f, 1, 2, 30)), VERDICT_POSTED);
    struct hash first = propose_order(f, 1, CLOSE, 1, NULL);
    approve(f, &first);
    run(f);
    struct record dollars = fixture_clear(f, 1, 2, 5);
    dollars.scheme = 40;
    dollars.currency = FIXTURE_USD;
    assert_int_equal(fixture_file(f, 2, dollars), VERDICT_POSTED);
    uint32_t slot = cycle_slot(f->ledger, 3, 1);
    first = propose_order(f, 3, CLOSE, 1, NULL);
    struct hash second = propose_order(f, 4, CLOSE, 1, NULL);
    approve(f, &first);
    approve(f, &second);
    assert_int_equal(fixture_execute(f), LEDGER_OK);
    assert_int_equal(f->ledger->cycles.rows[slot].service, 4);
    assert_int_equal(f->ledger->cycles.currency[slot], 1);
    ledger_rollback(f->ledger);
    assert_int_equal(f->ledger->cycles.rows[slot].service, 3);
    assert_int_equal(f->ledger->cycles.currency[slot], 0);
    fixture_drop(f);
    struct record rural = fixture_clear(f, 1, 2, 8);
    rural.scheme = 30;
    assert_int_equal(fixture_file(f, 2, rural), VERDICT_POSTED);
    fixture_free(f);
}

/* A service that closed by action alone gets cut-offs: from the next closing on. */
static void test_cutoffs_come_with_the_next_closing(void **state)
{
    (void)state;
    struct ledger_fixture *f = prepared();
    struct governed_body body;
    struct hash id;
    fixture_start(f);
    struct genesis_service service = f->services[3];
    assert_int_equal(cycle(f, 4, 1)->cutoff_ms, 0);
    service.cutoff_count = 1;
    service.cutoffs[0] = 900;
    governed_begin(&body, ACTION_SERVICE);
    writer_u32(&body.writer, 1);
    writer_u32(&body.writer, 0);
    genesis_encode_service(&service, &body.writer);
    assert_int_equal(propose(f, &body, &id), VERDICT_POSTED);
    approve(f, &id);
    run(f);
    assert_int_equal(cycle(f, 4, 1)->cutoff_ms, 0);
    id = propose_order(f, 4, CLOSE, 1, NULL);
    approve(f, &id);
    run(f);
    assert_true(cycle(f, 4, 2)->cutoff_ms > f->ledger->state.timestamp_ms);
    fixture_free(f);
}

/* A defaulter that operators resume is not suspended again by each try of its SHORT cycle. */
static void test_a_resumed_defaulter(void **state)
{
    (void)state;
    struct ledger_fixture *f = prepared();
    struct governed_body body;
    f->genesis.parameters.policies[ACTION_STANDING - POLICY_KIND_FIRST].lapse_s = 86400;
    fixture_start(f);
    assert_int_equal(fixture_file(f, 2, fixture_clear(f, 1, 2, 30)), VERDICT_POSTED);
    struct hash id = propose_order(f, 1, CLOSE, 1, NULL);
    approve(f, &id);
    run(f);
    f->block.timestamp_ms = cycle(f, 1, 1)->deadline_ms;
    fixture_block(f);
    assert_int_equal(cycle(f, 1, 1)->state, CYCLE_SHORT);
    assert_true(registry_is_suspended(&f->ledger->registry, 0));
    governed_begin(&body, ACTION_STANDING);
    writer_u32(&body.writer, 1);
    writer_u32(&body.writer, STANDING_ACTIVE);
    assert_int_equal(propose(f, &body, &id), VERDICT_POSTED);
    approve(f, &id);
    run(f);
    assert_int_equal(cycle(f, 1, 1)->state, CYCLE_SHORT);
    assert_false(registry_is_suspended(&f->ledger->registry, 0));
    fixture_block(f);
    assert_false(registry_is_suspended(&f->ledger->registry, 0));
    fixture_free(f);
}

/* A member's debts are its sponsor's: nothing new comes to a suspended one. */
static void test_members_of_a_suspended_sponsor(void **state)
{
    (void)state;
    struct ledger_fixture *f = prepared();
    struct governed_body body;
    struct hash id;
    f->participants[0].settles_through = 3;
    fixture_start(f);
    assert_int_equal(fixture_file(f, FIXTURE_AGENT, fixture_fund(f, 1, 50)), VERDICT_POSTED);
    assert_int_equal(fixture_file(f, 2, fixture_clear(f, 1, 2, 30)), VERDICT_POSTED);
    governed_begin(&body, ACTION_STANDING);
    writer_u32(&body.writer, 3);
    writer_u32(&body.writer, STANDING_SUSPENDED);
    assert_int_equal(propose(f, &body, &id), VERDICT_POSTED);
    approve(f, &id);
    run(f);
    assert_int_equal(fixture_file(f, 2, fixture_clear(f, 1, 2, 30)), VERDICT_SUSPENDED);
    assert_int_equal(fixture_file(f, 1, fixture_clear(f, 2, 1, 30)), VERDICT_POSTED);
    assert_int_equal(fixture_file(f, 1, fixture_pay(f, 1, 2, 20)), VERDICT_POSTED);
    fixture_free(f);
}

static unsigned propose_roles(struct ledger_fixture *f, uint32_t roles)
{
    struct governed_body body;
    struct hash id;
    struct genesis_participant row = f->ledger->refdata.now.participants[FIXTURE_AGENT - 1];
    row.roles = roles;
    row.key_count = 0;
    governed_begin(&body, ACTION_PARTICIPANT);
    genesis_encode_participant(&row, &body.writer);
    return propose(f, &body, &id);
}

/* Nothing may be decided that leaves nobody to decide. */
static void test_nobody_is_locked_out(void **state)
{
    (void)state;
    struct ledger_fixture *f = prepared();
    struct governed_body body;
    struct hash id;
    fixture_start(f);
    assert_int_equal(propose_roles(f, ROLE_AGENT), VERDICT_OUT_OF_RANGE);
    assert_int_equal(propose_roles(f, ROLE_AGENT | ROLE_OPERATOR | ROLE_BANK), VERDICT_POSTED);

    /* Maker and checker are two keys of one participant: one of them cannot go. */
    governed_begin(&body, ACTION_KEYS);
    writer_u32(&body.writer, FIXTURE_AGENT);
    writer_u32(&body.writer, 1);
    writer_u32(&body.writer, 2);
    writer_u32(&body.writer, CHECKER);
    writer_u32(&body.writer, 0);
    writer_u32(&body.writer, 0);
    writer_copy(&body.writer, &(const struct hash){{0}}, HASH_BYTES);
    assert_int_equal(propose(f, &body, &id), VERDICT_OUT_OF_RANGE);

    struct parameters parameters = f->genesis.parameters;
    parameters.policies[0].approvals = 3;
    governed_begin(&body, ACTION_PARAMETERS);
    genesis_encode_parameters(&parameters, &body.writer);
    assert_int_equal(propose(f, &body, &id), VERDICT_OUT_OF_RANGE);
    parameters.policies[0].approvals = 2;
    parameters.policies[0].approvers = ROLE_AUDITOR;
    governed_begin(&body, ACTION_PARAMETERS);
    genesis_encode_parameters(&parameters, &body.writer);
    assert_int_equal(propose(f, &body, &id), VERDICT_OUT_OF_RANGE);
    parameters.policies[0].approvers = ROLE_BANK;
    governed_begin(&body, ACTION_PARAMETERS);
    genesis_encode_parameters(&parameters, &body.writer);
    assert_int_equal(propose(f, &body, &id), VERDICT_POSTED);
    fixture_free(f);
}

/* A member that files nothing itself has no key; it gets one when it needs one. */
static void test_a_participant_without_keys(void **state)
{
    (void)state;
    struct ledger_fixture *f = prepared();
    struct governed_body body;
    struct hash id;
    struct public_key key;
    const uint8_t bytes[32] = {0x77};
    f->participants[6].key_count = 0;
    fixture_start(f);
    const struct genesis_limit row = {7, FIXTURE_CNY, 0, 50};
    governed_begin(&body, ACTION_LIMIT);
    genesis_encode_limit(&row, &body.writer);
    assert_int_equal(propose(f, &body, &id), VERDICT_POSTED);
    approve(f, &id);
    run(f);
    governed_begin(&body, ACTION_KEYS);
    writer_u32(&body.writer, 7);
    writer_u32(&body.writer, 1);
    writer_u32(&body.writer, KEY_ADD);
    writer_u32(&body.writer, 1);
    writer_u32(&body.writer, PERMISSION_SUBMIT | PERMISSION_ACT);
    writer_u32(&body.writer, 0);
    writer_copy(&body.writer, bytes, sizeof bytes);
    assert_int_equal(propose(f, &body, &id), VERDICT_POSTED);
    approve(f, &id);
    run(f);
    assert_true(ledger_batch_key(f->ledger, BATCH_RECORDS, 7, 1, &key));
    fixture_reload(f);
    fixture_free(f);
}

#define BANKS 150u

/* Many more approve in one block than were asked for. */
static void test_more_approvals_than_a_row_holds(void **state)
{
    (void)state;
    struct ledger_fixture *f = prepared();
    static struct genesis_participant all[7 + BANKS];
    struct governed_body body;
    struct hash id;
    memcpy(all, f->participants, sizeof f->participants);
    for (uint32_t i = 0; i < BANKS; i++) {
        all[7 + i] =
            (struct genesis_participant){.number = 8 + i,
                                         .roles = ROLE_INSURER,
                                         .status = STANDING_ACTIVE,
                                         .key_count = 1,
                                         .keys[0] = {.key_no = 1, .permissions = PERMISSION_ACT}};
        (void)snprintf(all[7 + i].name, sizeof all[7 + i].name, "Insurer %u", i);
        all[7 + i].keys[0].key.bytes[0] = (uint8_t)(i + 1);
        all[7 + i].keys[0].key.bytes[1] = 0x99;
    }
    f->genesis.participants = all;
    f->genesis.participant_count = 7 + BANKS;
    f->genesis.participants_max = 7 + BANKS;
    struct action_policy *policy =
        &f->genesis.parameters.policies[ACTION_STANDING - POLICY_KIND_FIRST];
    policy->approvers = ROLE_INSURER;
    policy->approvals = 16;
    fixture_start(f);
    governed_begin(&body, ACTION_STANDING);
    writer_u32(&body.writer, 1);
    writer_u32(&body.writer, STANDING_SUSPENDED);
    assert_int_equal(propose(f, &body, &id), VERDICT_POSTED);
    struct action approval = action_answering(ACTION_APPROVE, &id);
    for (uint32_t i = 0; i < 14; i++) {
        (void)fixture_action(f, 8 + i, 1, &approval);
    }
    run(f);
    for (uint32_t i = 0; i < LIMIT_BLOCK_BATCHES; i++) {
        (void)fixture_action(f, 8 + 14 + i, 1, &approval);
    }
    run(f);
    assert_int_equal(fixture_verdict(f, ACTION_ANSWERS_MAX - 15, 0), VERDICT_POSTED);
    assert_int_equal(fixture_verdict(f, ACTION_ANSWERS_MAX - 14, 0), VERDICT_ACTION_ENDED);
    assert_true(registry_is_suspended(&f->ledger->registry, 0));
    fixture_reload(f);
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_sponsor_is_taken_back),
        cmocka_unit_test(test_the_currency_of_a_slot_is_taken_back),
        cmocka_unit_test(test_cutoffs_come_with_the_next_closing),
        cmocka_unit_test(test_a_resumed_defaulter),
        cmocka_unit_test(test_members_of_a_suspended_sponsor),
        cmocka_unit_test(test_nobody_is_locked_out),
        cmocka_unit_test(test_a_participant_without_keys),
        cmocka_unit_test(test_more_approvals_than_a_row_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
