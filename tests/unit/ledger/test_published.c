/*
 * Goal: a published case of multilateral netting (Reserve Bank of Australia) comes out as
 * published, in a cycle and in the queue. Debts of four banks, rows pay columns:
 *
 *        A    B    C    D
 *   A    -   10    5    0      net of A  -8
 *   B    4    -    1    6             B +14
 *   C    3    7    -    2             C  -2
 *   D    0    8    4    -             D  -4
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/ledger_fixture.h"

#define BANKS 4u
#define DEBTS 10u /* that are not zero */
#define TURNOVER 50
#define PAID 14 /* by the debtors together */
#define CARDS 1u

static const uint32_t BANK[BANKS] = {1, 2, 3, 7};
static const uint64_t OWES[BANKS][BANKS] = {
    {0, 10, 5, 0}, {4, 0, 1, 6}, {3, 7, 0, 2}, {0, 8, 4, 0}};
static const int64_t NET[BANKS] = {-8, 14, -2, -4};

static struct ledger_fixture *four_banks(void)
{
    struct ledger_fixture *f = fixture_new();
    f->genesis.block_records = 64;
    f->limits[6] = (struct genesis_limit){.participant = 7, .currency = FIXTURE_CNY, .cap = 100};
    f->genesis.limit_count = 7;
    fixture_start(f);
    return f;
}

static void fund(struct ledger_fixture *f, uint32_t bank, uint64_t amount)
{
    assert_int_equal(fixture_file(f, FIXTURE_AGENT, fixture_fund(f, BANK[bank], amount)),
                     VERDICT_POSTED);
}

/* What a debtor needs, but for so much less at one of them. */
static void fund_debtors(struct ledger_fixture *f, uint32_t bank, uint64_t less)
{
    for (uint32_t i = 0; i < BANKS; i++) {
        if (NET[i] < 0) {
            fund(f, i, (uint64_t)-NET[i] - (i == bank ? less : 0));
        }
    }
}

/* All debts in one block, bank by bank. */
static void file_debts(struct ledger_fixture *f, enum record_kind kind, unsigned expected)
{
    uint32_t filed = 0;
    for (uint32_t payer = 0; payer < BANKS; payer++) {
        (void)fixture_batch(f, BANK[payer]);
        for (uint32_t payee = 0; payee < BANKS; payee++) {
            if (OWES[payer][payee] == 0) {
                continue;
            }
            struct record record =
                kind == RECORD_CLEAR
                    ? fixture_clear(f, BANK[payer], BANK[payee], OWES[payer][payee])
                    : fixture_pay(f, BANK[payer], BANK[payee], OWES[payer][payee]);
            record.flags = kind == RECORD_PAY ? RECORD_QUEUE : 0;
            fixture_add(f, record);
            filed++;
        }
    }
    assert_int_equal(filed, DEBTS);
    fixture_block(f);
    for (uint32_t i = 0; i < DEBTS; i++) {
        assert_int_equal(f->verdicts[i], expected);
    }
}

static void expect_money(const struct ledger_fixture *f, const int64_t expected[BANKS])
{
    for (uint32_t i = 0; i < BANKS; i++) {
        assert_int_equal(fixture_balance(f, BANK[i], ACCOUNT_SETTLEMENT), expected[i]);
    }
}

static const struct cycle_row *first_cycle(const struct ledger_fixture *f)
{
    uint32_t slot = cycle_slot(f->ledger, CARDS, 1);
    return slot == REGISTRY_NONE ? NULL : &f->ledger->cycles.rows[slot];
}

/* The last event of the last block. */
static struct event_row last_event(const struct ledger_fixture *f)
{
    const struct block_header *header = ledger_store_header(f->store);
    struct event_row row;
    uint8_t key[EVENT_KEY_BYTES];
    assert_true(header->event_count > 0);
    event_key(header->height, header->event_count - 1, key);
    assert_int_equal(event_decode(ledger_store_get(f->store, TABLE_EVENTS, key, sizeof key), &row),
                     STATUS_OK);
    return row;
}

static void expect_settled(struct ledger_fixture *f)
{
    static const int64_t AFTER[BANKS] = {0, PAID, 0, 0};
    assert_null(first_cycle(f));
    expect_money(f, AFTER);
    for (uint32_t i = 0; i < BANKS; i++) {
        assert_int_equal(fixture_balance(f, BANK[i], ACCOUNT_POSITION), 0);
    }
    assert_int_equal(fixture_hub_balance(f, ACCOUNT_NETTING), 0);
    struct event_row event = last_event(f);
    assert_int_equal(event.cause, CAUSE_SETTLED);
    assert_int_equal(event.new_state, CYCLE_SETTLED);
    assert_int_equal(event.amount, PAID);
}

/* With just the money, the cut-off settles; with one less, the cycle waits for it. */
static void test_settles_in_a_cycle(void **state)
{
    (void)state;
    for (uint64_t less = 0; less <= 1; less++) {
        struct ledger_fixture *f = four_banks();
        file_debts(f, RECORD_CLEAR, VERDICT_POSTED);
        for (uint32_t i = 0; i < BANKS; i++) {
            assert_int_equal(fixture_balance(f, BANK[i], ACCOUNT_POSITION), NET[i]);
        }
        assert_int_equal((uint64_t)first_cycle(f)->turnover.minor, TURNOVER);
        assert_int_equal(first_cycle(f)->records, DEBTS);
        fund_debtors(f, 3, less);
        f->block.timestamp_ms = first_cycle(f)->cutoff_ms;
        fixture_block(f);
        if (less == 1) {
            static const int64_t BEFORE[BANKS] = {8, 0, 2, 3};
            assert_int_equal(first_cycle(f)->state, CYCLE_CLOSED);
            expect_money(f, BEFORE);
            fund(f, 3, 1);
        }
        expect_settled(f);
        fixture_reload(f);
        fixture_free(f);
    }
}

static uint32_t waiting(const struct ledger_fixture *f)
{
    return f->ledger->queues.currencies[0].now->count;
}

/* None of the ten can be paid alone; with just the nets they all settle together. */
static void test_settles_in_the_queue(void **state)
{
    (void)state;
    struct ledger_fixture *f = four_banks();
    fund_debtors(f, 0, 0);
    file_debts(f, RECORD_PAY, VERDICT_QUEUED);
    static const int64_t AFTER[BANKS] = {0, PAID, 0, 0};
    assert_int_equal(waiting(f), 0);
    assert_int_equal(ledger_store_header(f->store)->event_count, DEBTS);
    assert_int_equal(last_event(f).cause, CAUSE_OFFSET);
    expect_money(f, AFTER);
    fixture_free(f);
}

/* D lacks one: D to C 4 stays, and so C to D 2 and C to B 7; the other seven settle. What D is
   given then releases those three, one after the other. */
static void test_queue_short_of_one(void **state)
{
    (void)state;
    struct ledger_fixture *f = four_banks();
    fund_debtors(f, 3, 1);
    file_debts(f, RECORD_PAY, VERDICT_QUEUED);
    static const int64_t AFTER_OFFSET[BANKS] = {0, 7, 5, 1};
    assert_int_equal(waiting(f), 3);
    assert_int_equal(ledger_store_header(f->store)->event_count, DEBTS - 3);
    expect_money(f, AFTER_OFFSET);
    fund(f, 3, 3);
    static const int64_t AFTER_RELEASE[BANKS] = {0, PAID, 0, 2};
    assert_int_equal(waiting(f), 0);
    assert_int_equal(last_event(f).cause, CAUSE_RELEASE);
    expect_money(f, AFTER_RELEASE);
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_settles_in_a_cycle),
        cmocka_unit_test(test_settles_in_the_queue),
        cmocka_unit_test(test_queue_short_of_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
