/*
 * Goal: holds and returns (docs/ledger.md, Waiting): partial and final capture, release, expiry at
 * an exact block time; REFUND and REVERSE, and what they refuse.
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
    fixture_start(f);
    return f;
}

static struct record held(struct ledger_fixture *f, uint64_t amount, int64_t payer_fee)
{
    struct record hold = acts_hold(f, PAYER, PAYEE, amount);
    hold.payer_fee = payer_fee;
    assert_int_equal(fixture_file(f, PAYEE, hold), VERDICT_PENDING);
    return hold;
}

static struct record capture_of(struct ledger_fixture *f, const struct record *hold,
                                uint64_t amount, unsigned flags)
{
    struct record capture = acts_on(f, RECORD_CAPTURE, hold, PAYEE);
    capture.amount = amount;
    capture.flags = (uint8_t)flags;
    return capture;
}

static void test_partial_and_last_capture(void **state)
{
    (void)state;
    struct ledger_fixture *f = start();
    struct record hold = held(f, 1000, 20);
    assert_int_equal(acts_pending(f, PAYER, ACCOUNT_POSITION), 1020);
    struct record capture = capture_of(f, &hold, 300, 0);
    capture.payer_fee = 5;
    assert_int_equal(fixture_file(f, PAYEE, capture), VERDICT_POSTED);
    assert_int_equal(acts_pending(f, PAYER, ACCOUNT_POSITION), 715);
    assert_int_equal(acts_net(f, PAYER), -305);
    fixture_reload(f);
    struct acts_life life = acts_life(f, PAYEE, &hold);
    assert_int_equal(life.row.state, LIFE_HELD);
    assert_int_equal(life.row.returned, 300);
    assert_int_equal(life.row.reserved_amount, 700);
    assert_int_equal(life.row.reserved_fee, 15);
    assert_int_equal(fixture_file(f, PAYEE, capture_of(f, &hold, 701, 0)),
                     VERDICT_EXCEEDS_REMAINING);
    capture = capture_of(f, &hold, 10, 0);
    capture.payer_fee = 16;
    assert_int_equal(fixture_file(f, PAYEE, capture), VERDICT_EXCEEDS_REMAINING);
    assert_int_equal(fixture_file(f, NETWORK, capture_of(f, &hold, 700, 0)), VERDICT_POSTED);
    life = acts_life(f, PAYEE, &hold);
    assert_int_equal(life.row.state, LIFE_CAPTURED);
    assert_true(life.row.due_ms == 0 && life.row.reserved_fee == 0);
    assert_int_equal(acts_pending(f, PAYER, ACCOUNT_POSITION), 0);
    assert_int_equal(acts_net(f, PAYER), -1005);
    assert_int_equal(acts_events(f, PAYEE, &hold, NULL, 0), 2);
    assert_int_equal(fixture_file(f, PAYEE, capture_of(f, &hold, 1, 0)), VERDICT_ENDED);
    fixture_free(f);
}

static void test_final_capture_and_release(void **state)
{
    (void)state;
    struct ledger_fixture *f = start();
    struct record hold = held(f, 1000, 20);
    assert_int_equal(fixture_file(f, PAYEE, capture_of(f, &hold, 1, RECORD_FINAL)), VERDICT_POSTED);
    assert_int_equal(acts_state(f, PAYEE, &hold), LIFE_CAPTURED);
    assert_int_equal(acts_pending(f, PAYER, ACCOUNT_POSITION), 0);
    hold = held(f, 500, 0);
    struct record release = acts_on(f, RECORD_RELEASE, &hold, PAYEE);
    assert_int_equal(fixture_file(f, PAYER, release), VERDICT_SIDE_NOT_PERMITTED);
    release = acts_on(f, RECORD_RELEASE, &hold, PAYEE);
    assert_int_equal(fixture_file(f, PAYEE, release), VERDICT_POSTED);
    assert_int_equal(acts_state(f, PAYEE, &hold), LIFE_RELEASED);
    assert_int_equal(acts_pending(f, PAYER, ACCOUNT_POSITION), 0);
    struct record refund = acts_on(f, RECORD_REFUND, &hold, PAYEE);
    refund.amount = 1;
    assert_int_equal(fixture_file(f, PAYEE, refund), VERDICT_REF_KIND);
    fixture_free(f);
}

/* A capture of what is reserved never fails for the cap; a hold does. */
static void test_caps(void **state)
{
    (void)state;
    struct ledger_fixture *f = start();
    struct record hold = acts_hold(f, PAYER, PAYEE, 100000001);
    assert_int_equal(fixture_file(f, PAYER, hold), VERDICT_CAP);
    hold = held(f, 100000000, 0);
    assert_int_equal(fixture_file(f, PAYER, fixture_clear(f, PAYER, PAYEE, 1)), VERDICT_CAP);
    struct record capture = capture_of(f, &hold, 100000000, 0);
    capture.interchange = -1;
    assert_int_equal(fixture_file(f, PAYEE, capture), VERDICT_CAP);
    assert_int_equal(acts_state(f, PAYEE, &hold), LIFE_HELD);
    assert_int_equal(fixture_file(f, PAYEE, capture_of(f, &hold, 100000000, 0)), VERDICT_POSTED);
    fixture_free(f);
}

static void test_expiry(void **state)
{
    (void)state;
    struct ledger_fixture *f = start();
    struct record hold = held(f, 900, 0);
    struct record later = acts_hold(f, PAYER, PAYEE, 50);
    later.timeout_s = 45;
    assert_int_equal(fixture_file(f, PAYEE, later), VERDICT_PENDING);
    uint64_t due_ms = acts_life(f, PAYEE, &later).row.due_ms;
    uint64_t now_ms = ledger_store_header(f->store)->timestamp_ms;
    assert_true(due_ms == now_ms + 45000);
    assert_int_equal(f->ledger->state.expiry_next_ms, due_ms);
    acts_pass(f, 44999);
    assert_int_equal(acts_state(f, PAYEE, &later), LIFE_HELD);
    acts_pass(f, 1);
    assert_int_equal(acts_state(f, PAYEE, &later), LIFE_EXPIRED);
    assert_int_equal(acts_pending(f, PAYER, ACCOUNT_POSITION), 900);
    assert_int_equal(f->ledger->state.expiry_next_ms, acts_life(f, PAYEE, &hold).row.due_ms);
    assert_int_equal(fixture_file(f, PAYEE, capture_of(f, &later, 1, 0)), VERDICT_EXPIRED);
    acts_pass(f, 60000);
    assert_int_equal(acts_state(f, PAYEE, &hold), LIFE_EXPIRED);
    assert_int_equal(f->ledger->state.expiry_next_ms, UINT64_MAX);
    fixture_free(f);
}

/* A captured hold leaves a stale row: it is removed without effect. Rollback restores all. */
static void test_stale_rows_and_rollback(void **state)
{
    (void)state;
    struct ledger_fixture *f = start();
    struct record hold = held(f, 900, 0);
    assert_int_equal(fixture_file(f, PAYEE, capture_of(f, &hold, 900, 0)), VERDICT_POSTED);
    struct record other = held(f, 10, 0);
    assert_int_equal(ledger_store_count(f->store, TABLE_EXPIRY), 2);
    acts_wait(f, 120000);
    assert_int_equal(fixture_execute(f), LEDGER_OK);
    struct hash root = f->outcome->header.state_root;
    assert_int_equal(f->outcome->header.event_count, 1);
    ledger_rollback(f->ledger);
    assert_int_equal(acts_pending(f, PAYER, ACCOUNT_POSITION), 10);
    assert_int_equal(fixture_execute(f), LEDGER_OK);
    assert_true(hash_equal(&root, &f->outcome->header.state_root));
    fixture_commit(f);
    assert_int_equal(acts_state(f, PAYEE, &hold), LIFE_CAPTURED);
    assert_int_equal(acts_state(f, PAYEE, &other), LIFE_EXPIRED);
    assert_int_equal(ledger_store_count(f->store, TABLE_EXPIRY), 0);
    fixture_free(f);
}

/* A block of 4 records sweeps 8 rows; the rest waits for the next block. */
static void test_sweep_is_bounded(void **state)
{
    (void)state;
    struct ledger_fixture *f = fixture_new();
    f->genesis.block_records = 4;
    fixture_start(f);
    for (unsigned block = 0; block < 3; block++) {
        (void)fixture_batch(f, PAYEE);
        for (unsigned i = 0; i < 4; i++) {
            fixture_add(f, acts_hold(f, PAYER, PAYEE, 10));
        }
        fixture_block(f);
    }
    assert_int_equal(acts_pending(f, PAYER, ACCOUNT_POSITION), 120);
    acts_pass(f, 100000);
    assert_int_equal(acts_pending(f, PAYER, ACCOUNT_POSITION), 40);
    assert_true(f->ledger->state.expiry_next_ms < ledger_store_header(f->store)->timestamp_ms);
    acts_pass(f, 1);
    assert_int_equal(acts_pending(f, PAYER, ACCOUNT_POSITION), 0);
    assert_int_equal(f->ledger->state.expiry_next_ms, UINT64_MAX);
    fixture_free(f);
}

static void test_reverse_of_posted(void **state)
{
    (void)state;
    struct ledger_fixture *f = start();
    struct record clear = fixture_clear(f, PAYER, PAYEE, 1000);
    clear.interchange = 7;
    clear.payer_fee = 3;
    assert_int_equal(fixture_file(f, PAYER, clear), VERDICT_POSTED);
    struct record reverse = acts_on(f, RECORD_REVERSE, &clear, PAYER);
    assert_int_equal(fixture_file(f, PAYEE, reverse), VERDICT_POSTED);
    assert_int_equal(acts_state(f, PAYER, &clear), LIFE_REVERSED);
    assert_int_equal(acts_net(f, PAYER), 0);
    assert_int_equal(acts_net(f, PAYEE), 0);
    assert_int_equal(acts_net(f, NETWORK), 0);
    reverse = acts_on(f, RECORD_REVERSE, &clear, PAYER);
    assert_int_equal(fixture_file(f, NETWORK, reverse), VERDICT_ENDED);

    clear = fixture_clear(f, PAYER, PAYEE, 1000);
    assert_int_equal(fixture_file(f, PAYER, clear), VERDICT_POSTED);
    struct record refund = fixture_refund(f, &clear, PAYER, 1);
    assert_int_equal(fixture_file(f, PAYEE, refund), VERDICT_POSTED);
    reverse = acts_on(f, RECORD_REVERSE, &clear, PAYER);
    assert_int_equal(fixture_file(f, PAYEE, reverse), VERDICT_ALREADY_RETURNED);
    reverse = acts_on(f, RECORD_REVERSE, &refund, PAYEE);
    assert_int_equal(fixture_file(f, PAYEE, reverse), VERDICT_REF_KIND);
    fixture_free(f);
}

/* The payer's own REVERSE waits for the payee, and is checked again when it agrees. */
static void test_reverse_by_the_payer(void **state)
{
    (void)state;
    struct ledger_fixture *f = start();
    struct record clear = fixture_clear(f, PAYER, PAYEE, 1000);
    assert_int_equal(fixture_file(f, PAYER, clear), VERDICT_POSTED);
    struct record reverse = acts_on(f, RECORD_REVERSE, &clear, 0);
    assert_int_equal(fixture_file(f, PAYER, reverse), VERDICT_PENDING);
    assert_int_equal(acts_state(f, PAYER, &reverse), LIFE_WAITING);
    assert_int_equal(acts_state(f, PAYER, &clear), LIFE_POSTED);
    struct record affirm = acts_on(f, RECORD_AFFIRM, &reverse, PAYER);
    assert_int_equal(fixture_file(f, NETWORK, affirm), VERDICT_NOT_AWAITED);
    fixture_reload(f);
    affirm = acts_on(f, RECORD_AFFIRM, &reverse, PAYER);
    assert_int_equal(fixture_file(f, PAYEE, affirm), VERDICT_POSTED);
    assert_int_equal(acts_state(f, PAYER, &reverse), LIFE_POSTED);
    assert_int_equal(acts_state(f, PAYER, &clear), LIFE_REVERSED);
    assert_int_equal(acts_net(f, PAYER), 0);

    clear = fixture_clear(f, PAYER, PAYEE, 1000);
    assert_int_equal(fixture_file(f, PAYER, clear), VERDICT_POSTED);
    reverse = acts_on(f, RECORD_REVERSE, &clear, 0);
    assert_int_equal(fixture_file(f, PAYER, reverse), VERDICT_PENDING);
    assert_int_equal(fixture_file(f, PAYEE, fixture_refund(f, &clear, PAYER, 5)), VERDICT_POSTED);
    affirm = acts_on(f, RECORD_AFFIRM, &reverse, PAYER);
    assert_int_equal(fixture_file(f, PAYEE, affirm), VERDICT_ALREADY_RETURNED);
    struct record reject = acts_on(f, RECORD_REJECT, &reverse, PAYER);
    assert_int_equal(fixture_file(f, PAYEE, reject), VERDICT_POSTED);
    assert_int_equal(acts_state(f, PAYER, &reverse), LIFE_REJECTED);
    assert_int_equal(acts_state(f, PAYER, &clear), LIFE_POSTED);
    fixture_free(f);
}

static void test_reverse_of_capture_and_payment(void **state)
{
    (void)state;
    struct ledger_fixture *f = start();
    struct record hold = held(f, 300, 0);
    struct record capture = capture_of(f, &hold, 300, 0);
    assert_int_equal(fixture_file(f, PAYEE, capture), VERDICT_POSTED);
    struct record reverse = acts_on(f, RECORD_REVERSE, &capture, 0);
    assert_int_equal(fixture_file(f, PAYEE, reverse), VERDICT_POSTED);
    assert_int_equal(acts_state(f, PAYEE, &capture), LIFE_REVERSED);
    assert_int_equal(acts_state(f, PAYEE, &hold), LIFE_CAPTURED);
    assert_int_equal(acts_net(f, PAYER), 0);
    assert_int_equal(fixture_file(f, FIXTURE_AGENT, fixture_fund(f, PAYER, 100)), VERDICT_POSTED);
    struct record pay = fixture_pay(f, PAYER, PAYEE, 100);
    assert_int_equal(fixture_file(f, PAYER, pay), VERDICT_POSTED);
    reverse = acts_on(f, RECORD_REVERSE, &pay, PAYER);
    assert_int_equal(fixture_file(f, PAYEE, reverse), VERDICT_REF_KIND);
    fixture_free(f);
}

/* After the cut-off it is a refund's business. */
static void test_reverse_in_a_closed_cycle(void **state)
{
    (void)state;
    struct ledger_fixture *f = start();
    struct record clear = fixture_clear(f, PAYER, PAYEE, 1000);
    assert_int_equal(fixture_file(f, PAYER, clear), VERDICT_POSTED);
    acts_pass(f, 24ull * 3600 * 1000);
    struct record reverse = acts_on(f, RECORD_REVERSE, &clear, PAYER);
    assert_int_equal(fixture_file(f, PAYEE, reverse), VERDICT_CYCLE_CLOSED);
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_partial_and_last_capture),
        cmocka_unit_test(test_final_capture_and_release),
        cmocka_unit_test(test_caps),
        cmocka_unit_test(test_expiry),
        cmocka_unit_test(test_stale_rows_and_rollback),
        cmocka_unit_test(test_sweep_is_bounded),
        cmocka_unit_test(test_reverse_of_posted),
        cmocka_unit_test(test_reverse_by_the_payer),
        cmocka_unit_test(test_reverse_of_capture_and_payment),
        cmocka_unit_test(test_reverse_in_a_closed_cycle),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
