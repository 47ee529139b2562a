/*
 * Goal: the gross queue (docs/ledger.md, Queue): its order, what is released, what is offset in the
 * published example (test_queue_force.c tries all), who may change it, and that a block with all of
 * it can be taken back and loaded again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/prng.h"
#include "tests/support/ledger_fixture.h"

#define CNY 0u

static struct record queued_pay(struct ledger_fixture *f, uint32_t payer, uint32_t payee,
                                uint64_t amount, uint8_t priority)
{
    struct record record = fixture_pay(f, payer, payee, amount);
    record.flags = RECORD_QUEUE;
    record.priority = priority;
    return record;
}

static void fund(struct ledger_fixture *f, uint32_t participant, uint64_t amount)
{
    assert_int_equal(fixture_file(f, FIXTURE_AGENT, fixture_fund(f, participant, amount)),
                     VERDICT_POSTED);
}

static struct record act_on(struct ledger_fixture *f, const struct record *original,
                            enum record_kind kind)
{
    struct record record = fixture_refund(f, original, 0, 0);
    record.kind = (uint16_t)kind;
    record.mcc = 0;
    record.match_key = (struct record_id){{0}};
    return record;
}

static uint32_t waiting(const struct ledger_fixture *f)
{
    return f->ledger->queues.currencies[CNY].now->count;
}

static int64_t settlement(const struct ledger_fixture *f, uint32_t participant)
{
    return fixture_balance(f, participant, ACCOUNT_SETTLEMENT);
}

/* Bech and Soramaki 2001: none of four payments settles alone, three do together. */
static void test_published_example(void **state)
{
    (void)state;
    struct ledger_fixture *f = fixture_new();
    fixture_start(f);
    fund(f, 1, 50);
    fund(f, 2, 60);
    fund(f, 3, 70);
    (void)fixture_batch(f, 1);
    fixture_add(f, queued_pay(f, 1, 2, 80, 0));
    (void)fixture_batch(f, 2);
    fixture_add(f, queued_pay(f, 2, 3, 70, 0));
    (void)fixture_batch(f, 3);
    fixture_add(f, queued_pay(f, 3, 1, 90, 0));
    (void)fixture_batch(f, 1);
    fixture_add(f, queued_pay(f, 1, 2, 200, 0));
    fixture_block(f);
    for (uint32_t batch = 0; batch < 4; batch++) {
        assert_int_equal(fixture_verdict(f, batch, 0), VERDICT_QUEUED);
    }
    assert_int_equal(settlement(f, 1), 60);
    assert_int_equal(settlement(f, 2), 70);
    assert_int_equal(settlement(f, 3), 50);
    assert_int_equal(waiting(f), 1);
    assert_int_equal(f->outcome->header.event_count, 3);
    /* Money for the fourth releases it. */
    fund(f, 1, 140);
    assert_int_equal(waiting(f), 0);
    assert_int_equal(settlement(f, 1), 0);
    assert_int_equal(settlement(f, 2), 270);
    fixture_free(f);
}

static void test_order_and_release(void **state)
{
    (void)state;
    struct ledger_fixture *f = fixture_new();
    fixture_start(f);
    struct record normal = queued_pay(f, 1, 2, 100, 0);
    struct record urgent = queued_pay(f, 1, 3, 50, 2);
    assert_int_equal(fixture_file(f, 1, normal), VERDICT_QUEUED);
    assert_int_equal(fixture_file(f, 1, urgent), VERDICT_QUEUED);
    /* Not before a queued one of equal or higher priority, with or without the flag. */
    fund(f, 1, 20);
    assert_int_equal(fixture_file(f, 1, fixture_pay(f, 1, 2, 1)), VERDICT_QUEUED_BEFORE);
    assert_int_equal(fixture_file(f, 1, queued_pay(f, 1, 2, 1, 0)), VERDICT_QUEUED);
    assert_int_equal(waiting(f), 3);
    /* The urgent one first, though it came later; the money does not reach the next. */
    fund(f, 1, 90);
    assert_int_equal(settlement(f, 3), 50);
    assert_int_equal(settlement(f, 1), 60);
    assert_int_equal(waiting(f), 2);
    /* In the queue the smaller one behind never overtakes. */
    fund(f, 1, 41);
    assert_int_equal(waiting(f), 0);
    assert_int_equal(settlement(f, 1), 0);
    assert_int_equal(settlement(f, 2), 101);
    fixture_free(f);
}

/* More is due than a block takes: who comes last in the sweep is not paid meanwhile, though the
   money has come, neither alone nor with others; nor is who stands behind it until it has ended. */
static void test_too_late_is_never(void **state)
{
    (void)state;
    for (unsigned together = 0; together < 2; together++) {
        struct ledger_fixture *f = fixture_new();
        f->genesis.block_records = 2;
        fixture_start(f);
        for (uint32_t i = 0; i < 5; i++) { /* a block sweeps four */
            struct record hold = fixture_clear(f, 1, 2, 1);
            hold.kind = RECORD_HOLD;
            hold.timeout_s = 10;
            assert_int_equal(fixture_file(f, 1, hold), VERDICT_PENDING);
        }
        struct record late = queued_pay(f, 1, 2, 100, 0);
        late.timeout_s = 11;
        assert_int_equal(fixture_file(f, 1, late), VERDICT_QUEUED);
        assert_int_equal(fixture_file(f, 1, queued_pay(f, 1, 3, 70, 0)), VERDICT_QUEUED);
        f->block.timestamp_ms += 60000;
        (void)fixture_batch(f, together != 0 ? 2 : FIXTURE_AGENT);
        fixture_add(f, together != 0 ? queued_pay(f, 2, 1, 100, 0) : fixture_fund(f, 1, 100));
        fixture_block(f);
        assert_int_equal(fixture_verdict(f, 0, 0), together != 0 ? VERDICT_QUEUED : VERDICT_POSTED);
        assert_int_equal(f->outcome->header.event_count, 4); /* holds alone */
        assert_int_equal(waiting(f), 2 + together);
        assert_int_equal(settlement(f, 2), 0);
        assert_true(ledger_time_due(f->ledger, f->block.timestamp_ms));
        fixture_reload(f);
        /* The next block sweeps the rest; then its queue runs as ever. */
        fixture_block(f);
        assert_int_equal(waiting(f), together != 0 ? 2 : 0);
        assert_int_equal(settlement(f, 2), 0);
        assert_int_equal(settlement(f, 3), together != 0 ? 0 : 70);
        fixture_free(f);
    }
}

static void test_cancel_and_reprioritise(void **state)
{
    (void)state;
    struct ledger_fixture *f = fixture_new();
    fixture_start(f);
    struct record first = queued_pay(f, 1, 2, 100, 0);
    struct record second = queued_pay(f, 1, 3, 60, 0);
    assert_int_equal(fixture_file(f, 1, first), VERDICT_QUEUED);
    assert_int_equal(fixture_file(f, 1, second), VERDICT_QUEUED);
    struct record raise = act_on(f, &second, RECORD_REPRIORITISE);
    raise.priority = 1;
    assert_int_equal(fixture_file(f, 2, raise), VERDICT_NOT_A_SIDE);
    raise.id = fixture_id(70001);
    assert_int_equal(fixture_file(f, 1, raise), VERDICT_POSTED);
    fund(f, 1, 60);
    assert_int_equal(settlement(f, 3), 60);
    struct record cancel = act_on(f, &first, RECORD_CANCEL);
    assert_int_equal(fixture_file(f, 1, cancel), VERDICT_POSTED);
    assert_int_equal(waiting(f), 0);
    struct record again = act_on(f, &first, RECORD_CANCEL);
    assert_int_equal(fixture_file(f, 1, again), VERDICT_ENDED);
    struct record paid = act_on(f, &second, RECORD_CANCEL);
    assert_int_equal(fixture_file(f, 1, paid), VERDICT_NOT_PENDING);
    fixture_free(f);
}

static void test_bounds(void **state)
{
    (void)state;
    struct ledger_fixture *f = fixture_new();
    f->genesis.parameters.queue_max = 3;
    f->genesis.parameters.queue_quota = 2;
    fixture_start(f);
    assert_int_equal(fixture_file(f, 1, queued_pay(f, 1, 2, 10, 0)), VERDICT_QUEUED);
    assert_int_equal(fixture_file(f, 1, queued_pay(f, 1, 2, 10, 1)), VERDICT_QUEUED);
    assert_int_equal(fixture_file(f, 1, queued_pay(f, 1, 2, 10, 2)), VERDICT_QUEUE_QUOTA);
    assert_int_equal(fixture_file(f, 2, queued_pay(f, 2, 3, 10, 0)), VERDICT_QUEUED);
    assert_int_equal(fixture_file(f, 3, queued_pay(f, 3, 1, 11, 0)), VERDICT_QUEUE_FULL);
    fixture_free(f);
}

static void test_expiry(void **state)
{
    (void)state;
    struct ledger_fixture *f = fixture_new();
    fixture_start(f);
    struct record pay = queued_pay(f, 1, 2, 100, 0);
    pay.timeout_s = 30;
    assert_int_equal(fixture_file(f, 1, pay), VERDICT_QUEUED);
    f->block.timestamp_ms += 30000;
    fixture_block(f);
    assert_int_equal(waiting(f), 0);
    assert_int_equal(f->outcome->header.event_count, 1);
    struct record cancel = act_on(f, &pay, RECORD_CANCEL);
    assert_int_equal(fixture_file(f, 1, cancel), VERDICT_EXPIRED);
    fixture_free(f);
}

/* ---- Taking back and loading ---- */

static void add_random_payments(struct ledger_fixture *f, struct prng *prng, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        uint32_t payer = 1 + (uint32_t)prng_below(prng, 3);
        uint32_t payee = payer % 3 + 1;
        (void)fixture_batch(f, payer);
        fixture_add(f, queued_pay(f, payer, payee, 1 + prng_below(prng, 300),
                                  (uint8_t)prng_below(prng, 3)));
    }
    if (prng_below(prng, 3) == 0) {
        (void)fixture_batch(f, FIXTURE_AGENT);
        fixture_add(f, fixture_fund(f, 1 + (uint32_t)prng_below(prng, 3), prng_below(prng, 200)));
    }
}

/* Rolled back, executed again, loaded from the store: always the same header. */
static void test_rollback_and_load(void **state)
{
    (void)state;
    struct ledger_fixture *f = fixture_new();
    f->genesis.block_records = 64;
    fixture_start(f);
    struct prng prng = prng_seeded(7);
    for (unsigned round = 0; round < 60; round++) {
        add_random_payments(f, &prng, 6);
        assert_int_equal(fixture_execute(f), LEDGER_OK);
        struct hash first = f->outcome->block_hash;
        ledger_rollback(f->ledger);
        assert_int_equal(fixture_execute(f), LEDGER_OK);
        assert_true(hash_equal(&first, &f->outcome->block_hash));
        fixture_commit(f);
        if (round % 10 == 9) {
            fixture_reload(f);
        }
    }
    assert_true(waiting(f) > 0);
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_example),
        cmocka_unit_test(test_order_and_release),
        cmocka_unit_test(test_too_late_is_never),
        cmocka_unit_test(test_cancel_and_reprioritise),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_expiry),
        cmocka_unit_test(test_rollback_and_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
