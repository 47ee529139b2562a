/*
 * Goal: cycles and settlement (docs/ledger.md, Cycles, Limits): cut-offs by time, missed ones, what
 * waits for money, the default waterfall to the last unit, EXTERNAL, sponsors, and that every such
 * block can be taken back and loaded again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ledger/calendar.h"
#include "ledger/limit.h"
#include "ledger/settle.h"
#include "tests/support/ledger_fixture.h"

#define CNY 0u
#define CARDS 1u
#define RURAL 3u
#define ASSERT_FILED(verdict, f, submitter, record)                                                \
    assert_int_equal(fixture_file((f), (submitter), (record)), VERDICT_##verdict)

static struct record own_money(struct ledger_fixture *f, enum record_kind kind,
                               uint32_t participant, uint64_t amount)
{
    struct record record = fixture_pay(f, participant, 1, amount);
    record.kind = (uint16_t)kind;
    record.payee = 0;
    record.scheme = 0;
    record.match_key = (struct record_id){{0}};
    return record;
}

static void fund(struct ledger_fixture *f, uint32_t participant, uint64_t amount)
{
    ASSERT_FILED(POSTED, f, FIXTURE_AGENT, fixture_fund(f, participant, amount));
}

static const struct cycle_row *cycle(const struct ledger_fixture *f, uint16_t service,
                                     uint32_t number)
{
    uint32_t slot = cycle_slot(f->ledger, service, number);
    return slot == REGISTRY_NONE ? NULL : &f->ledger->cycles.rows[slot];
}

/* An empty block at that time, taken back once on the way, which must change nothing. */
static void block_at(struct ledger_fixture *f, uint64_t time_ms)
{
    assert_true(time_ms >= f->block.timestamp_ms);
    f->block.timestamp_ms = time_ms;
    enum ledger_result result = fixture_execute(f);
    if (result != LEDGER_OK) {
        fail_msg("%s", f->fault.what);
    }
    struct hash hash = f->outcome->block_hash;
    ledger_rollback(f->ledger);
    assert_int_equal(fixture_execute(f), LEDGER_OK);
    assert_true(hash_equal(&hash, &f->outcome->block_hash));
    fixture_commit(f);
    fixture_reload(f);
}

static uint64_t cutoff_of(const struct ledger_fixture *f, uint16_t service, uint32_t number)
{
    const struct cycle_row *row = cycle(f, service, number);
    assert_non_null(row);
    return row->cutoff_ms;
}

static struct ledger_fixture *started(void)
{
    struct ledger_fixture *f = fixture_new();
    f->genesis.block_records = 64;
    fixture_start(f);
    return f;
}

static void test_cutoffs_and_missed_ones(void **state)
{
    (void)state;
    struct ledger_fixture *f = started();
    uint64_t first = cutoff_of(f, CARDS, 1);
    assert_int_equal(first, calendar_next_cutoff(&f->services[0], NULL, FIXTURE_CREATED_MS, 480));
    fund(f, 1, 500);
    ASSERT_FILED(POSTED, f, 2, fixture_clear(f, 1, 2, 100));
    block_at(f, first);
    /* Money was there: closed and settled in one block. Its successor is open until the next. */
    assert_null(cycle(f, CARDS, 1));
    assert_int_equal(fixture_balance(f, 1, ACCOUNT_SETTLEMENT), 400);
    assert_int_equal(fixture_balance(f, 2, ACCOUNT_SETTLEMENT), 100);
    assert_int_equal(fixture_balance(f, 1, ACCOUNT_POSITION), 0);
    assert_int_equal(fixture_balance(f, 2, ACCOUNT_POSITION), 0);
    assert_int_equal(fixture_hub_balance(f, ACCOUNT_NETTING), 0);
    uint64_t second = cutoff_of(f, CARDS, 2);
    assert_true(second > first);
    /* Two days without a block: every cut-off closes its own, empty, cycle. */
    block_at(f, second + 2 * 86400000ull);
    assert_null(cycle(f, CARDS, 5));
    assert_non_null(cycle(f, CARDS, 7));
    assert_true(cutoff_of(f, CARDS, 7) > second + 2 * 86400000ull);
    assert_false(ledger_time_due(f->ledger, second + 2 * 86400000ull));
    fixture_free(f);
}

static void test_waits_for_money(void **state)
{
    (void)state;
    struct ledger_fixture *f = started();
    fund(f, 1, 30);
    ASSERT_FILED(POSTED, f, 2, fixture_clear(f, 1, 2, 100));
    uint64_t cutoff = cutoff_of(f, CARDS, 1);
    block_at(f, cutoff);
    assert_int_equal(cycle(f, CARDS, 1)->state, CYCLE_CLOSED);
    assert_int_equal(cycle(f, CARDS, 1)->deadline_ms, cutoff + 3600000);
    /* What is owed in a closed cycle must stay; what comes later counts in the next one. */
    fund(f, 1, 60);
    ASSERT_FILED(FLOOR, f, 1, fixture_pay(f, 1, 2, 1));
    ASSERT_FILED(POSTED, f, 2, fixture_clear(f, 1, 2, 7));
    assert_int_equal(cycle(f, CARDS, 1)->state, CYCLE_CLOSED);
    fund(f, 1, 10);
    assert_null(cycle(f, CARDS, 1));
    assert_int_equal(fixture_balance(f, 1, ACCOUNT_SETTLEMENT), 0);
    assert_int_equal(fixture_balance(f, 2, ACCOUNT_SETTLEMENT), 100);
    assert_int_equal(fixture_balance(f, 1, ACCOUNT_POSITION), -7);
    fixture_free(f);
}

/* Six cycles come to settle at one moment, of which a block takes four: the next block is due at
   once, also for a node that starts in between, and then nothing is. */
static void test_more_than_a_block_settles(void **state)
{
    (void)state;
    struct ledger_fixture *f = fixture_new();
    static const uint16_t CUTOFFS[] = {600, 660, 720, 780, 840, 900};
    f->genesis.block_records = 64;
    memcpy(f->services[0].cutoffs, CUTOFFS, sizeof CUTOFFS);
    f->services[0].cutoff_count = 6;
    f->services[0].settlement_days = 1;
    f->services[0].settle_minute = 480;
    fixture_start(f);
    fund(f, 1, 600);
    for (uint32_t number = 1; number <= 6; number++) {
        ASSERT_FILED(POSTED, f, 2, fixture_clear(f, 1, 2, 10));
        block_at(f, cutoff_of(f, CARDS, number));
    }
    const uint64_t due_ms = cycle(f, CARDS, 6)->settle_ms;
    assert_int_equal(cycle(f, CARDS, 1)->settle_ms, due_ms);
    block_at(f, due_ms - 1000); /* other services' cut-offs are past */
    assert_false(ledger_time_due(f->ledger, due_ms - 1));
    assert_true(ledger_time_due(f->ledger, due_ms));
    f->block.timestamp_ms = due_ms;
    fixture_block(f);
    assert_null(cycle(f, CARDS, 4));
    assert_int_equal(cycle(f, CARDS, 5)->state, CYCLE_CLOSED);
    assert_true(ledger_time_due(f->ledger, due_ms + 1));
    fixture_reload(f);
    assert_true(ledger_time_due(f->ledger, due_ms + 1));
    /* Taken back, the block is as due as before. */
    assert_int_equal(fixture_execute(f), LEDGER_OK);
    ledger_rollback(f->ledger);
    assert_true(ledger_time_due(f->ledger, due_ms + 1));
    fixture_block(f);
    assert_null(cycle(f, CARDS, 6));
    assert_int_equal(fixture_balance(f, 1, ACCOUNT_SETTLEMENT), 540);
    assert_false(ledger_time_due(f->ledger, due_ms + 2));
    /* One that waits for money is not due before its deadline, but once after a start. */
    ASSERT_FILED(POSTED, f, 2, fixture_clear(f, 1, 2, 5000));
    const uint64_t cutoff_ms = cutoff_of(f, CARDS, 7);
    f->block.timestamp_ms = cutoff_ms;
    fixture_block(f);
    const uint64_t settle_ms = cycle(f, CARDS, 7)->settle_ms;
    f->block.timestamp_ms = settle_ms;
    fixture_block(f);
    assert_int_equal(cycle(f, CARDS, 7)->state, CYCLE_CLOSED);
    assert_false(ledger_time_due(f->ledger, settle_ms + 1));
    fixture_reload(f);
    assert_true(ledger_time_due(f->ledger, settle_ms + 1));
    fixture_block(f);
    assert_false(ledger_time_due(f->ledger, settle_ms + 2));
    fixture_free(f);
}

/* SETTLEMENT, then COLLATERAL, then the fund, whose loan becomes a claim that a contribution pays
   back first. */
static void test_default_waterfall(void **state)
{
    (void)state;
    struct ledger_fixture *f = started();
    fund(f, 1, 50);
    fund(f, 3, 1000);
    ASSERT_FILED(POSTED, f, 1, own_money(f, RECORD_PLEDGE, 1, 20));
    ASSERT_FILED(POSTED, f, 3, own_money(f, RECORD_CONTRIBUTE, 3, 100));
    ASSERT_FILED(POSTED, f, 2, fixture_clear(f, 1, 2, 150));
    block_at(f, cutoff_of(f, CARDS, 1));
    assert_int_equal(cycle(f, CARDS, 1)->state, CYCLE_CLOSED);
    block_at(f, cycle(f, CARDS, 1)->deadline_ms);
    assert_null(cycle(f, CARDS, 1));
    assert_true(registry_is_suspended(&f->ledger->registry, 0));
    assert_int_equal(fixture_balance(f, 1, ACCOUNT_SETTLEMENT), 0);
    assert_int_equal(fixture_balance(f, 1, ACCOUNT_COLLATERAL), 0);
    assert_int_equal(fixture_balance(f, 1, ACCOUNT_CLAIM), -100);
    assert_int_equal(fixture_hub_balance(f, ACCOUNT_FUND), 100);
    assert_int_equal(fixture_balance(f, 2, ACCOUNT_SETTLEMENT), 150);
    ASSERT_FILED(SUSPENDED, f, 2, fixture_clear(f, 1, 2, 1));
    /* The agent may still fund it, and it may pay its debt back. */
    fund(f, 1, 130);
    ASSERT_FILED(POSTED, f, 1, own_money(f, RECORD_CONTRIBUTE, 1, 130));
    assert_int_equal(fixture_balance(f, 1, ACCOUNT_CLAIM), 0);
    assert_int_equal(fixture_hub_balance(f, ACCOUNT_FUND), 130);
    fixture_free(f);
}

/* Money is never invented: what nobody has keeps the whole cycle SHORT, until somebody brings it;
   later cycles go on. */
static void test_short_until_funded(void **state)
{
    (void)state;
    struct ledger_fixture *f = started();
    fund(f, 1, 50);
    ASSERT_FILED(POSTED, f, 2, fixture_clear(f, 1, 2, 150));
    block_at(f, cutoff_of(f, CARDS, 1));
    block_at(f, cycle(f, CARDS, 1)->deadline_ms);
    assert_int_equal(cycle(f, CARDS, 1)->state, CYCLE_SHORT);
    assert_int_equal(fixture_balance(f, 1, ACCOUNT_SETTLEMENT), 50);
    assert_int_equal(fixture_balance(f, 2, ACCOUNT_SETTLEMENT), 0);
    ASSERT_FILED(POSTED, f, 2, fixture_clear(f, 3, 2, 40));
    fund(f, 3, 40);
    block_at(f, cutoff_of(f, CARDS, 2));
    assert_null(cycle(f, CARDS, 2));
    assert_int_equal(fixture_balance(f, 2, ACCOUNT_SETTLEMENT), 40);
    assert_int_equal(cycle(f, CARDS, 1)->state, CYCLE_SHORT);
    fund(f, 1, 99);
    assert_int_equal(cycle(f, CARDS, 1)->state, CYCLE_SHORT);
    fund(f, 1, 1);
    assert_null(cycle(f, CARDS, 1));
    assert_int_equal(fixture_balance(f, 2, ACCOUNT_SETTLEMENT), 190);
    fixture_free(f);
}

static void test_external(void **state)
{
    (void)state;
    struct ledger_fixture *f = started();
    struct record rural = fixture_clear(f, 1, 2, 80);
    rural.scheme = 30;
    ASSERT_FILED(POSTED, f, 2, rural);
    block_at(f, cutoff_of(f, RURAL, 1));
    assert_int_equal(cycle(f, RURAL, 1)->state, CYCLE_INSTRUCTED);
    assert_int_equal(fixture_balance(f, 1, ACCOUNT_POSITION), -80);
    /* As its action will: the agent confirms, and only POSITION moves. */
    fixture_block(f);
    assert_int_equal(cycle(f, RURAL, 1)->state, CYCLE_INSTRUCTED);
    fixture_free(f);
}

/* A member's debit counts against its sponsor too, and the sponsor's money settles the group. */
static void test_sponsor(void **state)
{
    (void)state;
    struct ledger_fixture *f = fixture_new();
    f->genesis.block_records = 64;
    f->participants[0].settles_through = 3;
    f->participants[1].settles_through = 3;
    f->limits[4].cap = 100; /* of participant 3 in CNY */
    fixture_start(f);
    ASSERT_FILED(POSTED, f, FIXTURE_COVERED, fixture_clear(f, 1, FIXTURE_COVERED, 60));
    ASSERT_FILED(SPONSOR_CAP, f, FIXTURE_COVERED, fixture_clear(f, 2, FIXTURE_COVERED, 41));
    ASSERT_FILED(POSTED, f, FIXTURE_COVERED, fixture_clear(f, 2, FIXTURE_COVERED, 40));
    ASSERT_FILED(CAP, f, FIXTURE_COVERED, fixture_clear(f, 3, FIXTURE_COVERED, 1));
    assert_true(limit_exposure(f->ledger, 2, CNY).minor == 100);
    assert_true(limit_exposure(f->ledger, 0, CNY).minor == 60);
    block_at(f, cutoff_of(f, CARDS, 1));
    assert_int_equal(cycle(f, CARDS, 1)->state, CYCLE_CLOSED);
    fund(f, 1, 1000); /* a member's own money is not asked for */
    assert_int_equal(cycle(f, CARDS, 1)->state, CYCLE_CLOSED);
    ASSERT_FILED(POSTED, f, 1, fixture_pay(f, 1, FIXTURE_COVERED, 1));
    fund(f, 3, 99);
    ASSERT_FILED(FLOOR, f, 3, fixture_pay(f, 3, 1, 1));
    fund(f, 3, 1);
    assert_null(cycle(f, CARDS, 1));
    assert_int_equal(fixture_balance(f, 3, ACCOUNT_SETTLEMENT), 0);
    assert_int_equal(fixture_balance(f, 1, ACCOUNT_SETTLEMENT), 999);
    assert_int_equal(fixture_balance(f, 1, ACCOUNT_POSITION), 0);
    assert_true(limit_exposure(f->ledger, 2, CNY).minor == 0);
    fixture_free(f);
}

static struct record answer(struct ledger_fixture *f, const struct record *original,
                            enum record_kind kind, uint32_t of)
{
    struct record record = fixture_refund(f, original, of, 0);
    record.kind = (uint16_t)kind;
    record.mcc = 0;
    return record;
}

static void test_treasury(void **state)
{
    (void)state;
    struct ledger_fixture *f = started();
    fund(f, 1, 100);
    struct record out = own_money(f, RECORD_DEFUND, 1, 60);
    ASSERT_FILED(PENDING, f, 1, out);
    assert_int_equal(fixture_balance(f, 1, ACCOUNT_SETTLEMENT), 40);
    assert_int_equal(fixture_hub_balance(f, ACCOUNT_PAYOUT), 60);
    ASSERT_FILED(NOT_AWAITED, f, 2, answer(f, &out, RECORD_AFFIRM, 1));
    ASSERT_FILED(POSTED, f, FIXTURE_AGENT, answer(f, &out, RECORD_AFFIRM, 1));
    assert_int_equal(fixture_hub_balance(f, ACCOUNT_PAYOUT), 0);
    assert_int_equal(fixture_hub_balance(f, ACCOUNT_CASH), -40);
    struct record refused = own_money(f, RECORD_DEFUND, 1, 40);
    ASSERT_FILED(PENDING, f, 1, refused);
    ASSERT_FILED(INSUFFICIENT_FUNDS, f, 1, own_money(f, RECORD_PLEDGE, 1, 1));
    ASSERT_FILED(POSTED, f, FIXTURE_AGENT, answer(f, &refused, RECORD_REJECT, 1));
    assert_int_equal(fixture_balance(f, 1, ACCOUNT_SETTLEMENT), 40);

    ASSERT_FILED(POSTED, f, 1, own_money(f, RECORD_PLEDGE, 1, 30));
    struct record back = own_money(f, RECORD_UNPLEDGE, 1, 25);
    ASSERT_FILED(PENDING, f, 1, back);
    ASSERT_FILED(INSUFFICIENT_FUNDS, f, 1, own_money(f, RECORD_UNPLEDGE, 1, 6));
    ASSERT_FILED(POSTED, f, FIXTURE_AGENT, answer(f, &back, RECORD_AFFIRM, 1));
    assert_int_equal(fixture_balance(f, 1, ACCOUNT_COLLATERAL), 5);
    assert_int_equal(fixture_balance(f, 1, ACCOUNT_SETTLEMENT), 35);
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cutoffs_and_missed_ones),
        cmocka_unit_test(test_waits_for_money),
        cmocka_unit_test(test_more_than_a_block_settles),
        cmocka_unit_test(test_default_waterfall),
        cmocka_unit_test(test_short_until_funded),
        cmocka_unit_test(test_external),
        cmocka_unit_test(test_sponsor),
        cmocka_unit_test(test_treasury),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
