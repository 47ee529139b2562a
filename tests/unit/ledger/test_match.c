/*
 * Goal: halves of a transaction with two confirmations (docs/ledger.md, Waiting): what waits,
 * reserves, meets, differs, is confirmed, decided by a third side, affirmed, rejected, reversed or
 * expires; and that a failed chain leaves none of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/ledger_acts.h"

#define PAYER 1
#define PAYEE 2
#define NETWORK FIXTURE_NETWORK

static struct ledger_fixture *start(void)
{
    struct ledger_fixture *f = fixture_new();
    f->genesis.block_records = 64;
    f->schemes[2].submitters = SIDE_PAYER | SIDE_PAYEE | SIDE_NETWORK;
    fixture_start(f);
    return f;
}

static struct record equal_of(struct ledger_fixture *f, const struct record *half)
{
    struct record record = *half;
    record.id = fixture_id(++f->next_id);
    return record;
}

/* The payer's half reserves; the payee's posts it and is LINKED to it. */
static void test_halves_match(void **state)
{
    (void)state;
    struct ledger_fixture *f = start();
    struct record half = acts_half(f, PAYER, PAYEE, 1000, 77);
    half.payer_fee = 30;
    half.payee_fee = -5;
    assert_int_equal(fixture_file(f, PAYER, half), VERDICT_PENDING);
    assert_int_equal(acts_state(f, PAYER, &half), LIFE_WAITING);
    assert_int_equal(acts_life(f, PAYER, &half).row.heard, SIDE_PAYER);
    assert_int_equal(acts_pending(f, PAYER, ACCOUNT_POSITION), 1030);
    assert_int_equal(acts_net(f, PAYER), 0);
    fixture_reload(f);

    struct record other = equal_of(f, &half);
    assert_int_equal(fixture_file(f, PAYEE, other), VERDICT_MATCHED);
    struct acts_life first = acts_life(f, PAYER, &half);
    struct acts_life second = acts_life(f, PAYEE, &other);
    assert_int_equal(first.row.state, LIFE_POSTED);
    assert_int_equal(first.row.heard, SIDE_PAYER | SIDE_PAYEE);
    assert_true(first.row.due_ms == 0 && first.row.reserved_amount == 0);
    assert_true(first.row.posted_ms == ledger_store_header(f->store)->timestamp_ms);
    assert_int_equal(second.row.state, LIFE_LINKED);
    assert_int_equal(second.row.parent.height, first.place.height);
    assert_int_equal(acts_pending(f, PAYER, ACCOUNT_POSITION), 0);
    assert_int_equal(acts_net(f, PAYER), -1030);
    assert_int_equal(acts_net(f, PAYEE), 1005);
    assert_int_equal(acts_net(f, NETWORK), 25);
    struct event_row event;
    assert_int_equal(acts_events(f, PAYER, &half, &event, 1), 1);
    assert_int_equal(event.cause, RECORD_CLEAR);
    assert_int_equal(event.old_state, LIFE_WAITING);
    assert_int_equal(event.new_state, LIFE_POSTED);
    assert_int_equal(event.amount, 1000);
    fixture_free(f);
}

/* Only the payee's half waits: it reserves nothing and is checked when it posts. */
static void test_payee_first(void **state)
{
    (void)state;
    struct ledger_fixture *f = start();
    struct record half = acts_half(f, 7, PAYEE, 1000, 78); /* 7 has no cap */
    assert_int_equal(fixture_file(f, PAYEE, half), VERDICT_PENDING);
    assert_int_equal(acts_pending(f, 7, ACCOUNT_POSITION), 0);
    struct record other = equal_of(f, &half);
    assert_int_equal(fixture_file(f, 7, other), VERDICT_CAP);
    assert_int_equal(acts_state(f, PAYEE, &half), LIFE_WAITING);
    struct record own = acts_half(f, 7, PAYEE, 1, 79);
    assert_int_equal(fixture_file(f, 7, own), VERDICT_CAP);
    fixture_free(f);
}

/* A third side that says the same later is CONFIRMED; a different one differs; a heard one is a
   duplicate; a stranger has no side. */
static void test_confirmed_and_refused(void **state)
{
    (void)state;
    struct ledger_fixture *f = start();
    struct record half = acts_half(f, PAYER, PAYEE, 500, 5);
    assert_int_equal(fixture_file(f, PAYER, half), VERDICT_PENDING);
    assert_int_equal(fixture_file(f, PAYER, equal_of(f, &half)), VERDICT_DUPLICATE_KEY);
    assert_int_equal(fixture_file(f, PAYEE, equal_of(f, &half)), VERDICT_MATCHED);
    struct record foreign = acts_half(f, 3, PAYEE, 500, 5);
    assert_int_equal(fixture_file(f, 3, foreign), VERDICT_KEY_OF_OTHERS);
    struct record wrong = equal_of(f, &half);
    wrong.amount++;
    assert_int_equal(fixture_file(f, NETWORK, wrong), VERDICT_KEY_DIFFERS);
    struct record third = equal_of(f, &half);
    assert_int_equal(fixture_file(f, NETWORK, third), VERDICT_CONFIRMED);
    assert_int_equal(acts_state(f, NETWORK, &third), LIFE_LINKED);
    assert_int_equal(acts_life(f, PAYER, &half).row.heard, 7);
    assert_int_equal(acts_net(f, PAYER), -500);
    assert_int_equal(fixture_file(f, NETWORK, equal_of(f, &half)), VERDICT_DUPLICATE_KEY);
    /* A LINKED half stands for its principal. */
    struct record refund = acts_on(f, RECORD_REFUND, &half, NETWORK);
    refund.ref = third.id;
    refund.amount = 100;
    assert_int_equal(fixture_file(f, PAYEE, refund), VERDICT_POSTED);
    assert_int_equal(acts_life(f, PAYER, &half).row.returned, 100);
    fixture_free(f);
}

static void test_each_difference(void **state)
{
    (void)state;
    struct ledger_fixture *f = start();
    for (unsigned i = 0; i < 7; i++) {
        struct record half = acts_half(f, PAYER, PAYEE, 500, 100 + i);
        /* The network's word is heard for any payer and payee. */
        uint32_t first = i < 2 ? NETWORK : PAYER;
        assert_int_equal(fixture_file(f, first, half), VERDICT_PENDING);
        struct record other = equal_of(f, &half);
        uint32_t second = PAYEE;
        switch (i) {
        case 0:
            other.payer = 3;
            break;
        case 1:
            other.payee = 3;
            second = PAYER;
            break;
        case 2:
            other.amount = 499;
            break;
        case 3:
            other.interchange = 1;
            break;
        case 4:
            other.payer_fee = 1;
            break;
        case 5:
            other.payee_fee = 1;
            break;
        default:
            other.business_date = 20261122;
        }
        assert_int_equal(fixture_file(f, second, other), VERDICT_EXCEPTION_PAYER + (int)i);
        assert_int_equal(acts_state(f, first, &half), LIFE_EXCEPTION);
        assert_int_equal(acts_state(f, second, &other), LIFE_EXCEPTION);
        assert_true(acts_life(f, first, &half).row.due_ms ==
                    acts_life(f, second, &other).row.due_ms);
    }
    fixture_free(f);
}

/* An exception that the payee opened: the payer's half reserves, as its first did not. */
static struct record except(struct ledger_fixture *f, uint64_t key, struct record *ret_other)
{
    struct record half = acts_half(f, PAYER, PAYEE, 500, key);
    assert_int_equal(fixture_file(f, PAYEE, half), VERDICT_PENDING);
    *ret_other = equal_of(f, &half);
    ret_other->amount = 400;
    assert_int_equal(fixture_file(f, PAYER, *ret_other), VERDICT_EXCEPTION_AMOUNT);
    return half;
}

static void test_third_side_decides(void **state)
{
    (void)state;
    struct ledger_fixture *f = start();
    struct record other;
    struct record half = except(f, 6, &other);
    assert_int_equal(acts_pending(f, PAYER, ACCOUNT_POSITION), 400);
    struct record neither = equal_of(f, &half);
    neither.amount = 450;
    assert_int_equal(fixture_file(f, NETWORK, neither), VERDICT_KEY_IN_EXCEPTION);
    assert_int_equal(fixture_file(f, PAYER, equal_of(f, &half)), VERDICT_DUPLICATE_KEY);
    fixture_reload(f);
    struct record third = equal_of(f, &other);
    assert_int_equal(fixture_file(f, NETWORK, third), VERDICT_MATCHED);
    assert_int_equal(acts_state(f, PAYER, &other), LIFE_POSTED);
    assert_int_equal(acts_state(f, PAYEE, &half), LIFE_LINKED);
    assert_int_equal(acts_state(f, NETWORK, &third), LIFE_LINKED);
    assert_int_equal(acts_net(f, PAYER), -400);
    assert_int_equal(acts_pending(f, PAYER, ACCOUNT_POSITION), 0);
    /* The key names the half that posted: the payee, not heard by it, may still agree. */
    struct record agreed = equal_of(f, &other);
    assert_int_equal(fixture_file(f, PAYEE, agreed), VERDICT_CONFIRMED);
    fixture_free(f);
}

static void test_affirm_of_a_half(void **state)
{
    (void)state;
    struct ledger_fixture *f = start();
    struct record other;
    struct record half = except(f, 8, &other);
    struct record affirm = acts_on(f, RECORD_AFFIRM, &half, PAYEE);
    assert_int_equal(fixture_file(f, PAYEE, affirm), VERDICT_ALREADY_HEARD);
    affirm = acts_on(f, RECORD_AFFIRM, &half, PAYEE);
    assert_int_equal(fixture_file(f, PAYER, affirm), VERDICT_POSTED);
    assert_int_equal(acts_state(f, PAYEE, &half), LIFE_POSTED);
    assert_int_equal(acts_state(f, PAYER, &other), LIFE_LINKED);
    assert_int_equal(acts_net(f, PAYER), -500);
    struct event_row events[4];
    assert_int_equal(acts_events(f, PAYEE, &half, events, 4), 2);
    assert_int_equal(events[0].cause, RECORD_AFFIRM);
    assert_int_equal(events[1].cause, RECORD_CLEAR);
    assert_int_equal(events[1].new_state, LIFE_EXCEPTION);
    assert_int_equal(acts_events(f, PAYER, &other, events, 4), 1);
    assert_int_equal(events[0].new_state, LIFE_LINKED);
    affirm = acts_on(f, RECORD_AFFIRM, &half, PAYEE);
    assert_int_equal(fixture_file(f, NETWORK, affirm), VERDICT_CONFIRMED);
    affirm = acts_on(f, RECORD_AFFIRM, &half, PAYEE);
    assert_int_equal(fixture_file(f, NETWORK, affirm), VERDICT_ALREADY_HEARD);
    affirm = acts_on(f, RECORD_REJECT, &half, PAYEE);
    assert_int_equal(fixture_file(f, PAYER, affirm), VERDICT_NOT_PENDING);
    fixture_free(f);
}

static void test_rejected_reversed_expired(void **state)
{
    (void)state;
    struct ledger_fixture *f = start();
    struct record other;
    struct record half = except(f, 9, &other);
    struct record reject = acts_on(f, RECORD_REJECT, &half, PAYEE);
    assert_int_equal(fixture_file(f, PAYER, reject), VERDICT_POSTED);
    assert_int_equal(acts_state(f, PAYEE, &half), LIFE_REJECTED);
    assert_int_equal(acts_state(f, PAYER, &other), LIFE_REJECTED);
    assert_int_equal(acts_pending(f, PAYER, ACCOUNT_POSITION), 0);
    reject = acts_on(f, RECORD_REJECT, &half, PAYEE);
    assert_int_equal(fixture_file(f, NETWORK, reject), VERDICT_ENDED);
    assert_int_equal(fixture_file(f, NETWORK, equal_of(f, &half)), VERDICT_KEY_ENDED);

    half = except(f, 10, &other);
    struct record reverse = acts_on(f, RECORD_REVERSE, &other, PAYER);
    assert_int_equal(fixture_file(f, NETWORK, reverse), VERDICT_POSTED);
    assert_int_equal(acts_state(f, PAYEE, &half), LIFE_REVERSED);
    assert_int_equal(acts_state(f, PAYER, &other), LIFE_REVERSED);
    assert_int_equal(acts_life(f, NETWORK, &reverse).row.parent.height,
                     acts_life(f, PAYER, &other).place.height);

    half = except(f, 11, &other);
    uint64_t due_ms = acts_life(f, PAYEE, &half).row.due_ms;
    assert_true(ledger_time_due(f->ledger, due_ms));
    fixture_reload(f);
    assert_true(ledger_time_due(f->ledger, due_ms));
    acts_pass(f, due_ms - ledger_store_header(f->store)->timestamp_ms);
    assert_int_equal(acts_state(f, PAYEE, &half), LIFE_EXPIRED);
    assert_int_equal(acts_state(f, PAYER, &other), LIFE_EXPIRED);
    assert_int_equal(acts_pending(f, PAYER, ACCOUNT_POSITION), 0);
    assert_int_equal(ledger_store_count(f->store, TABLE_EXPIRY), 0);
    struct event_row event;
    assert_int_equal(acts_events(f, PAYER, &other, &event, 1), 1);
    assert_int_equal(event.cause, CAUSE_EXPIRED);
    assert_int_equal(event.by, EVENT_BY_NONE);
    assert_int_equal(fixture_file(f, NETWORK, equal_of(f, &half)), VERDICT_KEY_ENDED);
    fixture_free(f);
}

/* Dead by comparison: at the very instant, and in the block that is late. */
static void test_due_is_dead_before_the_sweep(void **state)
{
    (void)state;
    struct ledger_fixture *f = start();
    struct record half = acts_half(f, PAYER, PAYEE, 500, 12);
    half.timeout_s = 30;
    assert_int_equal(fixture_file(f, PAYER, half), VERDICT_PENDING);
    acts_wait(f, 30000);
    assert_int_equal(fixture_file(f, PAYEE, equal_of(f, &half)), VERDICT_KEY_ENDED);
    struct record affirm = acts_on(f, RECORD_AFFIRM, &half, PAYER);
    assert_int_equal(fixture_file(f, PAYEE, affirm), VERDICT_EXPIRED);
    half = acts_half(f, PAYER, PAYEE, 500, 13);
    half.timeout_s = 61;
    assert_int_equal(fixture_file(f, PAYER, half), VERDICT_TIMEOUT_TOO_LONG);
    fixture_free(f);
}

/* Everything of one transaction in one block, in one batch and in two. */
static void test_within_a_block(void **state)
{
    (void)state;
    struct ledger_fixture *f = start();
    struct record half = acts_half(f, PAYER, PAYEE, 700, 14);
    struct record other = equal_of(f, &half);
    other.amount = 600;
    struct record affirm = acts_on(f, RECORD_AFFIRM, &half, PAYER);
    struct record refund = acts_on(f, RECORD_REFUND, &half, PAYEE);
    refund.ref = other.id;
    refund.ref_participant = 0;
    refund.amount = 700;
    (void)fixture_batch(f, PAYER);
    fixture_add(f, half);
    (void)fixture_batch(f, PAYEE);
    fixture_add(f, other);
    fixture_add(f, affirm);
    fixture_add(f, refund);
    fixture_block(f);
    assert_int_equal(fixture_verdict(f, 0, 0), VERDICT_PENDING);
    assert_int_equal(fixture_verdict(f, 1, 0), VERDICT_EXCEPTION_AMOUNT);
    assert_int_equal(fixture_verdict(f, 1, 1), VERDICT_POSTED);
    assert_int_equal(fixture_verdict(f, 1, 2), VERDICT_POSTED);
    assert_int_equal(acts_net(f, PAYER), 0);
    assert_int_equal(acts_life(f, PAYER, &half).row.returned, 700);
    assert_int_equal(acts_events(f, PAYER, &half, NULL, 0), 3);
    assert_int_equal(f->outcome->header.event_count, 4);
    fixture_free(f);
}

static void link_records(struct record *records, unsigned count)
{
    for (unsigned i = 0; i + 1 < count; i++) {
        records[i].flags = RECORD_LINKED;
    }
}

/* A failed chain takes back halves, matches, events, keys and due rows. */
static void test_failed_chain(void **state)
{
    (void)state;
    struct ledger_fixture *f = start();
    struct record half = acts_half(f, PAYER, PAYEE, 500, 15);
    assert_int_equal(fixture_file(f, PAYER, half), VERDICT_PENDING);
    struct hash life_digest = f->ledger->state.digests[TABLE_LIFE];
    struct hash expiry_digest = f->ledger->state.digests[TABLE_EXPIRY];
    struct record chain[4] = {equal_of(f, &half), acts_half(f, PAYER, PAYEE, 20, 16),
                              acts_on(f, RECORD_REFUND, &half, PAYER),
                              fixture_clear(f, 7, PAYEE, 900)};
    chain[2].amount = 100;
    link_records(chain, 4);
    (void)fixture_batch(f, PAYEE);
    for (unsigned i = 0; i < 4; i++) {
        fixture_add(f, chain[i]);
    }
    fixture_block(f);
    assert_int_equal(fixture_verdict(f, 0, 0), VERDICT_LINKED_FAILED);
    assert_int_equal(fixture_verdict(f, 0, 1), VERDICT_LINKED_FAILED);
    assert_int_equal(fixture_verdict(f, 0, 2), VERDICT_LINKED_FAILED);
    assert_int_equal(fixture_verdict(f, 0, 3), VERDICT_CAP);
    assert_int_equal(acts_state(f, PAYER, &half), LIFE_WAITING);
    assert_int_equal(acts_pending(f, PAYER, ACCOUNT_POSITION), 500);
    assert_int_equal(f->outcome->header.event_count, 0);
    assert_true(hash_equal(&life_digest, &f->ledger->state.digests[TABLE_LIFE]));
    assert_true(hash_equal(&expiry_digest, &f->ledger->state.digests[TABLE_EXPIRY]));
    /* The key of the failed half is free, the transaction as it was. */
    assert_int_equal(fixture_file(f, PAYEE, acts_half(f, PAYER, PAYEE, 20, 16)), VERDICT_PENDING);
    assert_int_equal(fixture_file(f, PAYEE, equal_of(f, &half)), VERDICT_MATCHED);
    fixture_free(f);
}

/* In a chain an unequal half is no exception. */
static void test_no_exception_in_a_chain(void **state)
{
    (void)state;
    struct ledger_fixture *f = start();
    struct record half = acts_half(f, PAYER, PAYEE, 500, 17);
    assert_int_equal(fixture_file(f, PAYER, half), VERDICT_PENDING);
    struct record chain[2] = {fixture_clear(f, PAYER, PAYEE, 5), equal_of(f, &half)};
    chain[1].amount = 1;
    link_records(chain, 2);
    (void)fixture_batch(f, PAYEE);
    fixture_add(f, chain[0]);
    fixture_add(f, chain[1]);
    fixture_block(f);
    assert_int_equal(fixture_verdict(f, 0, 0), VERDICT_LINKED_FAILED);
    assert_int_equal(fixture_verdict(f, 0, 1), VERDICT_KEY_DIFFERS);
    assert_int_equal(acts_state(f, PAYER, &half), LIFE_WAITING);
    fixture_free(f);
}

/* One confirmation: the key rules hold for what is posted. */
static void test_one_confirmation(void **state)
{
    (void)state;
    struct ledger_fixture *f = start();
    struct record clear = fixture_clear(f, PAYER, PAYEE, 90);
    clear.match_key = fixture_id(18);
    assert_int_equal(fixture_file(f, PAYEE, clear), VERDICT_POSTED);
    assert_int_equal(fixture_file(f, PAYEE, equal_of(f, &clear)), VERDICT_DUPLICATE_KEY);
    assert_int_equal(fixture_file(f, PAYER, equal_of(f, &clear)), VERDICT_CONFIRMED);
    assert_int_equal(acts_net(f, PAYER), -90);
    struct record hold = acts_hold(f, PAYER, PAYEE, 10);
    hold.match_key = clear.match_key;
    assert_int_equal(fixture_file(f, PAYER, hold), VERDICT_DUPLICATE_KEY);
    hold = equal_of(f, &hold);
    hold.match_key = fixture_id(19);
    assert_int_equal(fixture_file(f, PAYER, hold), VERDICT_PENDING);
    struct record over = fixture_clear(f, PAYER, PAYEE, 10);
    over.match_key = hold.match_key;
    assert_int_equal(fixture_file(f, PAYEE, over), VERDICT_DUPLICATE_KEY);
    fixture_free(f);
}

/* A gross payment that its payee must confirm. */
static void test_confirmed_transfer(void **state)
{
    (void)state;
    struct ledger_fixture *f = start();
    assert_int_equal(fixture_file(f, FIXTURE_AGENT, fixture_fund(f, PAYER, 1000)), VERDICT_POSTED);
    struct record pay = fixture_pay(f, PAYER, PAYEE, 800);
    pay.scheme = 21;
    assert_int_equal(fixture_file(f, PAYER, pay), VERDICT_PENDING);
    assert_int_equal(acts_pending(f, PAYER, ACCOUNT_SETTLEMENT), 800);
    struct record more = fixture_pay(f, PAYER, PAYEE, 300);
    assert_int_equal(fixture_file(f, PAYER, more), VERDICT_INSUFFICIENT_FUNDS);
    struct record affirm = acts_on(f, RECORD_AFFIRM, &pay, PAYER);
    assert_int_equal(fixture_file(f, PAYER, affirm), VERDICT_NOT_AWAITED);
    affirm = acts_on(f, RECORD_AFFIRM, &pay, PAYER);
    assert_int_equal(fixture_file(f, PAYEE, affirm), VERDICT_POSTED);
    assert_int_equal(fixture_balance(f, PAYEE, ACCOUNT_SETTLEMENT), 800);
    assert_int_equal(acts_pending(f, PAYER, ACCOUNT_SETTLEMENT), 0);
    pay = fixture_pay(f, PAYER, PAYEE, 200);
    pay.scheme = 21;
    assert_int_equal(fixture_file(f, PAYER, pay), VERDICT_PENDING);
    struct record reject = acts_on(f, RECORD_REJECT, &pay, PAYER);
    assert_int_equal(fixture_file(f, PAYEE, reject), VERDICT_POSTED);
    assert_int_equal(acts_state(f, PAYER, &pay), LIFE_REJECTED);
    assert_int_equal(acts_pending(f, PAYER, ACCOUNT_SETTLEMENT), 0);
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_halves_match),
        cmocka_unit_test(test_payee_first),
        cmocka_unit_test(test_confirmed_and_refused),
        cmocka_unit_test(test_each_difference),
        cmocka_unit_test(test_third_side_decides),
        cmocka_unit_test(test_affirm_of_a_half),
        cmocka_unit_test(test_rejected_reversed_expired),
        cmocka_unit_test(test_due_is_dead_before_the_sweep),
        cmocka_unit_test(test_within_a_block),
        cmocka_unit_test(test_failed_chain),
        cmocka_unit_test(test_no_exception_in_a_chain),
        cmocka_unit_test(test_one_confirmation),
        cmocka_unit_test(test_confirmed_transfer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
