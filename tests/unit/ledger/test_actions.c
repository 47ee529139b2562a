/*
 * test_actions: the way of an action from proposal to effect (docs/ledger.md, Actions): who may
 * say what, maker and checker, the quorum of validators, READY, terminal blocks and lapse. Every
 * verdict that verdict_proofs.c asks of this test is reached.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ledger/actions.h"
#include "tests/support/ledger_governed.h"
#include "tests/support/verdict_proofs.h"

#define OPERATOR FIXTURE_AGENT

static void expect_act(struct ledger_fixture *f, uint32_t participant, uint32_t key_no,
                       struct action action, enum verdict verdict, struct hash *ret_id)
{
    unsigned found = fixture_act(f, participant, key_no, &action, ret_id);
    if (found != (unsigned)verdict) {
        print_error("expected %s, found %s\n", verdict_name(verdict), verdict_name(found));
    }
    assert_int_equal(found, verdict);
    (void)proofs_note(found);
}

/* Goal: proposal, quorum, candidate, READY, terminal block; the new set votes from then on. */
static void test_add_a_validator(void **state)
{
    (void)state;
    struct ledger_fixture *f = governed_new(4);
    struct ledger_validator candidate;
    struct public_key key;
    struct hash action_id;
    bool ready = true;
    uint32_t count;
    assert_int_equal(ledger_epoch(f->ledger), 1);
    (void)ledger_validators(f->ledger, &count);
    assert_int_equal(count, 4);
    assert_false(ledger_candidate(f->ledger, 0, &candidate, &action_id, &ready));
    assert_false(ledger_batch_key(f->ledger, BATCH_ACTION, 6, governed_key_no(200), &key));
    struct hash id = governed_approved_addition(f);
    assert_int_equal(f->outcome->header.flags, 0);
    struct hash before = f->outcome->header.next_validators_hash;
    assert_true(ledger_candidate(f->ledger, 0, &candidate, &action_id, &ready));
    assert_true(hash_equal(&id, &action_id) && !ready);
    assert_int_equal(candidate.validator.participant, 6);
    assert_string_equal(candidate.name, "new");
    assert_false(ledger_candidate(f->ledger, 1, &candidate, &action_id, &ready));
    assert_true(ledger_batch_key(f->ledger, BATCH_ACTION, 6, governed_key_no(200), &key));
    assert_false(ledger_batch_key(f->ledger, BATCH_EVIDENCE, 6, governed_key_no(200), &key));
    assert_false(ledger_batch_key(f->ledger, BATCH_RECORDS, 6, governed_key_no(200), &key));

    /* READY, with records in the same block: they post as ever. */
    struct action is_ready = governed_answer(ACTION_READY, id);
    (void)fixture_action(f, 6, governed_key_no(200), &is_ready);
    (void)fixture_batch(f, 1);
    fixture_add(f, fixture_clear(f, 1, 2, 10));
    fixture_block(f);
    assert_int_equal(fixture_verdict(f, 0, 0), VERDICT_POSTED);
    assert_int_equal(fixture_verdict(f, 1, 0), VERDICT_POSTED);
    const struct block_header *header = &f->outcome->header;
    assert_int_equal(header->flags, BLOCK_TERMINAL);
    assert_int_equal(header->epoch, 1);
    assert_int_equal(header->record_count, 1); /* an action is no record */
    assert_false(hash_equal(&header->next_validators_hash, &before));
    assert_int_equal(governed_row(f, &id).state, ACTION_DONE);
    assert_int_equal(governed_row(f, &id).ended_height, header->height);
    assert_int_equal(ledger_epoch(f->ledger), 2);
    const struct ledger_validator *members = ledger_validators(f->ledger, &count);
    assert_int_equal(count, 5);
    assert_int_equal(members[4].validator.participant, 6);
    assert_false(ledger_candidate(f->ledger, 0, &candidate, &action_id, &ready));
    assert_true(ledger_batch_key(f->ledger, BATCH_EVIDENCE, 6, governed_key_no(200), &key));
    assert_false(ledger_batch_key(f->ledger, BATCH_RECORDS, 6, governed_key_no(200), &key));
    assert_int_equal(ledger_store_count(f->store, TABLE_VALIDATORS), 2);

    /* The next block must be of epoch 2. */
    f->block.epoch = 1;
    assert_int_equal(fixture_execute(f), LEDGER_INVALID_BLOCK);
    f->block.epoch = 2;
    fixture_reload(f);
    assert_int_equal(ledger_epoch(f->ledger), 2);
    fixture_block(f);
    assert_int_equal(f->outcome->header.flags, 0);
    fixture_free(f);
}

/* Goal: several changes in one action: order kept, removed dropped, replaced in place, added last;
   it waits for every new member. */
static void test_add_remove_replace(void **state)
{
    (void)state;
    struct ledger_fixture *f = governed_new(7);
    struct action action = action_changing(1);
    governed_add(&action, 6, 200);
    governed_remove(&action, 1);
    governed_replace(&action, 4, 201);
    governed_add(&action, 7, 202);
    struct hash id;
    expect_act(f, OPERATOR, 1, action, VERDICT_POSTED, &id);
    for (uint32_t participant = 1; participant <= 3; participant++) {
        expect_act(f, participant, 2, governed_answer(ACTION_APPROVE, id), VERDICT_POSTED, NULL);
    }
    assert_int_equal(governed_row(f, &id).state, ACTION_APPROVED);
    expect_act(f, 7, governed_key_no(202), governed_answer(ACTION_READY, id), VERDICT_POSTED, NULL);
    expect_act(f, 7, governed_key_no(202), governed_answer(ACTION_READY, id),
               VERDICT_ANSWERED_BEFORE, NULL);
    expect_act(f, 6, governed_key_no(200), governed_answer(ACTION_READY, id), VERDICT_POSTED, NULL);
    assert_int_equal(f->outcome->header.flags, 0);
    fixture_reload(f);
    /* The replaced member's own participant: validator 4 belongs to participant 5. */
    expect_act(f, OPERATOR, governed_key_no(201), governed_answer(ACTION_READY, id), VERDICT_POSTED,
               NULL);
    assert_int_equal(f->outcome->header.flags, BLOCK_TERMINAL);
    static const uint32_t EXPECTED[] = {0, 2, 3, 201, 5, 6, 200, 202};
    uint32_t count;
    const struct ledger_validator *members = ledger_validators(f->ledger, &count);
    struct validator plain[8];
    assert_int_equal(count, 8);
    for (uint32_t i = 0; i < count; i++) {
        struct public_key key = fixture_validator_key(EXPECTED[i]);
        assert_memory_equal(&members[i].validator.key, &key, sizeof key);
        plain[i] = members[i].validator;
    }
    assert_string_equal(members[3].name, "node-4"); /* a replaced key keeps the name */
    struct hash hash = validators_hash(plain, count);
    assert_true(hash_equal(&hash, &f->outcome->header.next_validators_hash));
    fixture_free(f);
}

/* Goal: only a removal has nobody to wait for: the approving block is the terminal one. */
static void test_removal_at_once(void **state)
{
    (void)state;
    struct ledger_fixture *f = governed_new(5);
    struct action action = action_changing(1);
    governed_remove(&action, 4);
    struct hash id;
    expect_act(f, 1, 1, action, VERDICT_POSTED, &id);
    expect_act(f, 2, 1, governed_answer(ACTION_APPROVE, id), VERDICT_POSTED, NULL);
    expect_act(f, 3, 1, governed_answer(ACTION_APPROVE, id), VERDICT_POSTED, NULL);
    assert_int_equal(f->outcome->header.flags, 0);
    expect_act(f, OPERATOR, 1, governed_answer(ACTION_APPROVE, id), VERDICT_POSTED, NULL);
    assert_int_equal(f->outcome->header.flags, BLOCK_TERMINAL);
    uint32_t count;
    (void)ledger_validators(f->ledger, &count);
    assert_int_equal(count, 4);
    fixture_free(f);
}

/* Goal: two keys stand behind every action, even where one participant owns all validators. */
static void test_maker_and_checker(void **state)
{
    (void)state;
    struct ledger_fixture *f = governed_new(1); /* participant 5 owns it */
    struct hash id;
    expect_act(f, OPERATOR, 1, governed_addition(1), VERDICT_POSTED, &id);
    assert_int_equal(governed_row(f, &id).state, ACTION_PROPOSED);
    expect_act(f, OPERATOR, 1, governed_answer(ACTION_APPROVE, id), VERDICT_ANSWERED_BEFORE, NULL);
    expect_act(f, 1, 1, governed_answer(ACTION_APPROVE, id), VERDICT_NOT_APPROVER, NULL);
    expect_act(f, 1, 1, governed_answer(ACTION_DISAPPROVE, id), VERDICT_NOT_APPROVER, NULL);
    expect_act(f, OPERATOR, 2, governed_answer(ACTION_APPROVE, id), VERDICT_POSTED, NULL);
    assert_int_equal(governed_row(f, &id).state, ACTION_APPROVED);
    expect_act(f, OPERATOR, 2, governed_answer(ACTION_APPROVE, id), VERDICT_ANSWERED_BEFORE, NULL);
    fixture_free(f);
}

/* Goal: one validator cannot stop the others; so many that no quorum is left end an action, and so
   does its maker. Who approved may still refuse. */
static void test_refusals(void **state)
{
    (void)state;
    struct ledger_fixture *f = governed_new(4);
    struct hash id;
    expect_act(f, 1, 1, governed_addition(1), VERDICT_POSTED, &id);
    expect_act(f, 2, 1, governed_answer(ACTION_DISAPPROVE, id), VERDICT_POSTED, NULL);
    assert_int_equal(governed_row(f, &id).state, ACTION_PROPOSED);
    expect_act(f, 2, 2, governed_answer(ACTION_DISAPPROVE, id), VERDICT_ANSWERED_BEFORE, NULL);
    expect_act(f, 2, 1, governed_answer(ACTION_APPROVE, id), VERDICT_ANSWERED_BEFORE, NULL);
    expect_act(f, 3, 1, governed_answer(ACTION_APPROVE, id), VERDICT_POSTED, NULL);
    expect_act(f, 3, 1, governed_answer(ACTION_DISAPPROVE, id), VERDICT_POSTED, NULL);
    assert_int_equal(governed_row(f, &id).state, ACTION_REFUSED);
    expect_act(f, OPERATOR, 1, governed_answer(ACTION_APPROVE, id), VERDICT_ACTION_ENDED, NULL);

    id = governed_approved_addition(f);
    expect_act(f, 1, 2, governed_answer(ACTION_DISAPPROVE, id), VERDICT_POSTED,
               NULL); /* withdrawn */
    assert_int_equal(governed_row(f, &id).state, ACTION_REFUSED);
    struct ledger_validator candidate;
    bool ready;
    assert_false(ledger_candidate(f->ledger, 0, &candidate, &id, &ready));
    fixture_free(f);
}

/* Goal: an owner counts once with all its validators: the second key of the maker's participant is
   a checker, and brings no validator that the proposal did not bring already. */
static void test_owner_counts_once(void **state)
{
    (void)state;
    struct ledger_fixture *f =
        governed_new(7); /* a quorum of five; all but participant 3 own two */
    struct hash id;
    expect_act(f, OPERATOR, 1, governed_addition(1), VERDICT_POSTED, &id);
    expect_act(f, OPERATOR, 2, governed_answer(ACTION_APPROVE, id), VERDICT_POSTED, NULL);
    expect_act(f, 1, 1, governed_answer(ACTION_APPROVE, id), VERDICT_POSTED, NULL);
    assert_int_equal(governed_row(f, &id).state, ACTION_PROPOSED);
    expect_act(f, 3, 1, governed_answer(ACTION_APPROVE, id), VERDICT_POSTED, NULL);
    assert_int_equal(governed_row(f, &id).state, ACTION_APPROVED);
    fixture_free(f);
}

/* Goal: what ended earlier in the same block has ended, and makes room in it. */
static void test_ended_in_the_block(void **state)
{
    (void)state;
    struct ledger_fixture *f = governed_new(4);
    struct hash id;
    for (uint32_t i = 0; i < ACTIONS_OWN_MAX; i++) {
        expect_act(f, 1, 1, governed_addition(1), VERDICT_POSTED, &id);
    }
    struct action actions[] = {governed_answer(ACTION_DISAPPROVE, id),
                               governed_answer(ACTION_APPROVE, id), governed_addition(1),
                               governed_addition(1)};
    (void)fixture_action(f, 1, 1, &actions[0]);
    (void)fixture_action(f, 2, 1, &actions[1]);
    (void)fixture_action(f, 1, 1, &actions[2]);
    (void)fixture_action(f, 1, 1, &actions[3]);
    fixture_block(f);
    assert_int_equal(fixture_verdict(f, 0, 0), VERDICT_POSTED);
    assert_int_equal(proofs_note(fixture_verdict(f, 1, 0)), VERDICT_ACTION_ENDED);
    assert_int_equal(fixture_verdict(f, 2, 0), VERDICT_POSTED);
    assert_int_equal(fixture_verdict(f, 3, 0), VERDICT_ACTIONS_FULL_OWN);
    fixture_reload(f);
    fixture_free(f);
}

/* Goal: an action lapses by the time of a block, to the millisecond, and an empty block suffices.
 */
static void test_lapse(void **state)
{
    (void)state;
    struct ledger_fixture *f = governed_new(4);
    struct hash id = governed_approved_addition(f);
    uint64_t lapse_ms = governed_row(f, &id).lapse_ms;
    assert_int_equal(lapse_ms, governed_row(f, &id).proposed_ms + 7ull * 86400 * 1000);
    f->block.timestamp_ms = lapse_ms - 1;
    fixture_block(f);
    assert_int_equal(governed_row(f, &id).state, ACTION_APPROVED);
    fixture_reload(f);
    f->block.timestamp_ms = lapse_ms;
    fixture_block(f);
    assert_int_equal(governed_row(f, &id).state, ACTION_LAPSED);
    expect_act(f, 1, 1, governed_answer(ACTION_DISAPPROVE, id), VERDICT_ACTION_ENDED, NULL);
    fixture_reload(f);
    fixture_free(f);
}

/* Goal: one change at a time is approved; the terminal block overtakes the others. */
static void test_competing_changes(void **state)
{
    (void)state;
    struct ledger_fixture *f = governed_new(4);
    struct hash waiting;
    struct action other = action_changing(1);
    governed_replace(&other, 0, 210);
    expect_act(f, OPERATOR, 1, other, VERDICT_POSTED, &waiting);
    expect_act(f, 1, 1, governed_answer(ACTION_APPROVE, waiting), VERDICT_POSTED, NULL);
    struct hash same; /* the same member, in a proposal that nobody approved */
    expect_act(f, 3, 1, governed_addition(1), VERDICT_POSTED, &same);
    struct hash id = governed_approved_addition(f);
    expect_act(f, 6, governed_key_no(200), governed_answer(ACTION_READY, same),
               VERDICT_NOT_CANDIDATE, NULL);
    expect_act(f, 2, 1, governed_answer(ACTION_APPROVE, waiting), VERDICT_CHANGE_UNDER_WAY, NULL);
    expect_act(f, 2, 1, other, VERDICT_CHANGE_UNDER_WAY, NULL);
    assert_int_equal(governed_row(f, &waiting).answer_count, 1);
    expect_act(f, OPERATOR, governed_key_no(0), governed_answer(ACTION_READY, id),
               VERDICT_NOT_CANDIDATE, NULL);
    expect_act(f, 6, governed_key_no(200), governed_answer(ACTION_READY, waiting),
               VERDICT_NOT_CANDIDATE, NULL);
    expect_act(f, 6, governed_key_no(200), governed_answer(ACTION_READY, id), VERDICT_POSTED, NULL);
    assert_int_equal(f->outcome->header.flags, BLOCK_TERMINAL);
    assert_int_equal(governed_row(f, &waiting).state, ACTION_OVERTAKEN);
    expect_act(f, 2, 1, governed_answer(ACTION_APPROVE, waiting), VERDICT_ACTION_ENDED, NULL);
    expect_act(f, 2, 1, governed_addition(1), VERDICT_EPOCH_DIFFERS, NULL);
    fixture_free(f);
}

struct bad_change {
    enum verdict verdict;
    void (*make)(struct action *action);
};

static void empty(struct action *action)
{
    (void)action;
}
static void no_key(struct action *action)
{
    governed_add(action, 6, 200);
    memset(&action->changes[0].key, 0, sizeof action->changes[0].key);
}
static void no_channel(struct action *action)
{
    governed_add(action, 6, 200);
    memset(&action->changes[0].transport_key, 0, sizeof action->changes[0].transport_key);
}
static void no_name(struct action *action)
{
    governed_add(action, 6, 200);
    action->changes[0].name[0] = 0;
    action->changes[0].name[1] = 0;
    action->changes[0].name[2] = 0;
}
static void bad_name(struct action *action)
{
    governed_add(action, 6, 200);
    action->changes[0].name[1] = '\n';
}
static void no_participant(struct action *action)
{
    governed_add(action, 99, 200);
}
static void other_epoch(struct action *action)
{
    governed_add(action, 6, 200);
    action->epoch++;
}
static void unknown_member(struct action *action)
{
    governed_remove(action, 77);
}
static void same_key(struct action *action)
{
    governed_add(action, 6, 2);
}
static void same_channel(struct action *action)
{
    governed_add(action, 6, 200);
    action->changes[0].transport_key = fixture_validator_channel(3);
}
static void removed_and_added(struct action *action)
{
    governed_remove(action, 2);
    governed_add(action, 6, 2);
}
static void new_twice(struct action *action)
{
    governed_add(action, 6, 200);
    governed_add(action, 7, 200);
}
static void old_twice(struct action *action)
{
    governed_remove(action, 2);
    governed_replace(action, 2, 200);
}
static void same_number(struct action *action)
{
    governed_add(action, 6, 200);
    governed_add(action, 6, 201);
    memcpy(action->changes[1].key.bytes, action->changes[0].key.bytes, 4);
    action->changes[1].key.bytes[9] = 1;
}
static void number_of_a_member(struct action *action)
{
    governed_replace(action, 2, 200);
    memcpy(action->changes[0].key.bytes, action->changes[0].old_key.bytes, 4);
    action->changes[0].key.bytes[9] = 1;
}
static void too_few(struct action *action)
{
    governed_remove(action, 2);
    governed_remove(action, 3);
}

static const struct bad_change BAD_CHANGES[] = {
    {VERDICT_CHANGE_EMPTY, empty},
    {VERDICT_VALIDATOR_KEY_MISSING, no_key},
    {VERDICT_VALIDATOR_KEY_MISSING, no_channel},
    {VERDICT_VALIDATOR_NAME, no_name},
    {VERDICT_VALIDATOR_NAME, bad_name},
    {VERDICT_VALIDATOR_PARTICIPANT, no_participant},
    {VERDICT_EPOCH_DIFFERS, other_epoch},
    {VERDICT_VALIDATOR_UNKNOWN, unknown_member},
    {VERDICT_VALIDATOR_EXISTS, same_key},
    {VERDICT_VALIDATOR_EXISTS, same_channel},
    {VERDICT_VALIDATOR_EXISTS, removed_and_added},
    {VERDICT_VALIDATOR_EXISTS, new_twice},
    {VERDICT_VALIDATOR_TWICE, old_twice},
    {VERDICT_VALIDATOR_KEY_NUMBER, same_number},
    {VERDICT_VALIDATOR_KEY_NUMBER, number_of_a_member},
    {VERDICT_VALIDATORS_TOO_FEW, too_few},
};

static void test_bad_changes(void **state)
{
    (void)state;
    struct ledger_fixture *f = governed_new(5);
    for (size_t i = 0; i < sizeof BAD_CHANGES / sizeof BAD_CHANGES[0]; i++) {
        struct action action = action_changing(1);
        BAD_CHANGES[i].make(&action);
        expect_act(f, 1, 1, action, BAD_CHANGES[i].verdict, NULL);
    }
    assert_int_equal(ledger_store_count(f->store, TABLE_ACTIONS), 0);
    fixture_free(f);
    /* A network that began small may stay small; none may outgrow its limit. */
    f = governed_new(3);
    struct action action = action_changing(1);
    too_few(&action);
    action.changes[1] = (struct action_change){0};
    action.change_count = 1;
    expect_act(f, 1, 1, action, VERDICT_POSTED, NULL);
    fixture_free(f);
    f = governed_new(LIMIT_VALIDATORS);
    expect_act(f, 1, 1, governed_addition(1), VERDICT_VALIDATORS_TOO_MANY, NULL);
    fixture_free(f);
}

/* Goal: who may say anything at all, and to what. */
static void test_authority(void **state)
{
    (void)state;
    struct ledger_fixture *f = governed_new(4);
    struct hash nothing = {{7}};
    expect_act(f, 6, 1, governed_addition(1), VERDICT_NOT_PROPOSER, NULL);
    expect_act(f, 1, governed_key_no(1), governed_addition(1), VERDICT_ACTION_KEY, NULL);
    expect_act(f, 1, governed_key_no(1), governed_answer(ACTION_APPROVE, nothing),
               VERDICT_ACTION_KEY, NULL);
    expect_act(f, 1, 1, governed_answer(ACTION_READY, nothing), VERDICT_ACTION_KEY, NULL);
    expect_act(f, 1, 1, governed_answer(ACTION_APPROVE, nothing), VERDICT_ACTION_NOT_FOUND, NULL);
    expect_act(f, 1, governed_key_no(1), governed_answer(ACTION_READY, nothing),
               VERDICT_ACTION_NOT_FOUND, NULL);
    /* A key that may only act files no records; one that may only submit does not act. */
    (void)fixture_batch(f, 1);
    f->parts[0].header.key_no = 2;
    fixture_add(f, fixture_clear(f, 1, 2, 10));
    assert_int_equal(fixture_execute(f), LEDGER_INVALID_BLOCK);
    fixture_drop(f);
    f->ledger->refdata.now.participants[0].keys[0].permissions = PERMISSION_SUBMIT;
    struct action action = governed_addition(1);
    (void)fixture_action(f, 1, 1, &action);
    assert_int_equal(fixture_execute(f), LEDGER_INVALID_BLOCK);
    fixture_drop(f);
    f->ledger->refdata.now.participants[0].keys[0].permissions = PERMISSION_SUBMIT | PERMISSION_ACT;
    fixture_free(f);
}

/* Goal: the bounds on open actions hold, for one participant and for all; ended ones make room. */
static void test_room(void **state)
{
    (void)state;
    struct ledger_fixture *f = fixture_new();
    fixture_governed(f, 34);
    struct genesis_participant many[20];
    memset(many, 0, sizeof many);
    memcpy(many, f->participants, sizeof f->participants);
    for (uint32_t i = 7; i < 20; i++) {
        many[i] = many[6];
        many[i].number = i + 1;
        many[i].keys[0].key.bytes[0] = (uint8_t)(0x80 + i);
        many[i].keys[1].key.bytes[0] = (uint8_t)(0xa0 + i);
        many[i].transport_key.bytes[0] = (uint8_t)(0x40 + i);
    }
    f->genesis.participants = many;
    f->genesis.participant_count = 20;
    for (uint32_t i = 0; i < 34; i++) {
        f->validators[i].participant = 1 + i % 17;
    }
    fixture_start(f);
    struct hash first;
    for (uint32_t participant = 1; participant <= 16; participant++) {
        for (uint32_t i = 0; i < ACTIONS_OWN_MAX; i++) {
            struct action action = governed_addition(1);
            struct hash id = fixture_action(f, participant, 1, &action);
            first = participant == 1 && i == 0 ? id : first;
        }
        fixture_block(f);
        assert_int_equal(fixture_verdict(f, ACTIONS_OWN_MAX - 1, 0), VERDICT_POSTED);
        if (participant == 1) {
            expect_act(f, 1, 1, governed_addition(1), VERDICT_ACTIONS_FULL_OWN, NULL);
        }
    }
    expect_act(f, 17, 1, governed_addition(1), VERDICT_ACTIONS_FULL, NULL);
    fixture_reload(f);
    expect_act(f, 1, 1, governed_answer(ACTION_DISAPPROVE, first), VERDICT_POSTED, NULL);
    expect_act(f, 17, 1, governed_addition(1), VERDICT_POSTED, NULL);
    fixture_reload(f);
    fixture_free(f);
}

static void test_every_verdict_was_reached(void **state)
{
    (void)state;
    proofs_expect(PROOFS_ACTIONS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_add_a_validator),
        cmocka_unit_test(test_add_remove_replace),
        cmocka_unit_test(test_removal_at_once),
        cmocka_unit_test(test_maker_and_checker),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_owner_counts_once),
        cmocka_unit_test(test_ended_in_the_block),
        cmocka_unit_test(test_lapse),
        cmocka_unit_test(test_competing_changes),
        cmocka_unit_test(test_bad_changes),
        cmocka_unit_test(test_authority),
        cmocka_unit_test(test_room),
        cmocka_unit_test(test_every_verdict_was_reached),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
