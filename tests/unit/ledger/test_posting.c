/*
 * Goal: what records come to in money: fees of both signs, refunds, caps, cover, floors, chains;
 * nothing created, nothing lost (docs/ledger.md, Kinds and Limits).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ledger/limit.h"
#include "tests/support/ledger_fixture.h"

#define ASSERT_FILED(verdict, f, submitter, record)                                                \
    assert_int_equal(fixture_file((f), (submitter), (record)), VERDICT_##verdict)

static struct ledger_fixture *started(void)
{
    struct ledger_fixture *f = fixture_new();
    f->genesis.block_records = 64;
    fixture_start(f);
    return f;
}

static void assert_sums_to_zero(const struct ledger_fixture *f)
{
    for (uint32_t currency = 0; currency < 2; currency++) {
        __int128 sum = 0;
        for (uint32_t i = 0; i < f->ledger->account_count; i++) {
            if (f->ledger->accounts[i].currency == f->currencies[currency].numeric) {
                sum += account_balance(&f->ledger->accounts[i]).minor;
            }
        }
        assert_true(sum == 0);
    }
}

static void test_clear_with_fees_of_both_signs(void **state)
{
    (void)state;
    struct ledger_fixture *f = started();
    struct record record = fixture_clear(f, 1, 2, 10000);
    record.interchange = 35;
    record.payer_fee = 3;
    record.payee_fee = 4;
    ASSERT_FILED(POSTED, f, 2, record);
    assert_int_equal(fixture_balance(f, 1, ACCOUNT_POSITION), -10000 + 35 - 3);
    assert_int_equal(fixture_balance(f, 2, ACCOUNT_POSITION), 10000 - 35 - 4);
    assert_int_equal(fixture_balance(f, FIXTURE_NETWORK, ACCOUNT_POSITION), 7);
    assert_true(f->ledger->cycles.rows[0].records == 1);
    assert_true(f->ledger->cycles.rows[0].turnover.minor == 10000 + 35 + 3 + 4);

    struct record rebate = fixture_clear(f, 1, 2, 100);
    rebate.interchange = -20;
    rebate.payer_fee = -2;
    rebate.payee_fee = -1;
    ASSERT_FILED(POSTED, f, FIXTURE_NETWORK, rebate);
    assert_int_equal(fixture_balance(f, 1, ACCOUNT_POSITION), -9968 - 100 - 20 + 2);
    assert_int_equal(fixture_balance(f, 2, ACCOUNT_POSITION), 9961 + 100 + 20 + 1);
    assert_int_equal(fixture_balance(f, FIXTURE_NETWORK, ACCOUNT_POSITION), 4);
    assert_sums_to_zero(f);

    /* The network itself owes nothing it has no cap for. */
    struct record deeper = fixture_clear(f, 1, 2, 100);
    deeper.payee_fee = -5;
    ASSERT_FILED(CAP, f, FIXTURE_NETWORK, deeper);
    fixture_free(f);
}

static void test_network_as_a_side(void **state)
{
    (void)state;
    struct ledger_fixture *f = started();
    struct record record = fixture_clear(f, 1, FIXTURE_NETWORK, 1000);
    record.payer_fee = 5;
    record.payee_fee = 7; /* from itself to itself: entries that cancel */
    ASSERT_FILED(POSTED, f, 1, record);
    assert_int_equal(fixture_balance(f, 1, ACCOUNT_POSITION), -1005);
    assert_int_equal(fixture_balance(f, FIXTURE_NETWORK, ACCOUNT_POSITION), 1005);
    fixture_free(f);
}

static void test_fund_and_pay(void **state)
{
    (void)state;
    struct ledger_fixture *f = started();
    ASSERT_FILED(POSTED, f, FIXTURE_AGENT, fixture_fund(f, 1, 5000));
    assert_int_equal(fixture_balance(f, 1, ACCOUNT_SETTLEMENT), 5000);
    assert_int_equal(fixture_hub_balance(f, ACCOUNT_CASH), -5000);
    struct record pay = fixture_pay(f, 1, 2, 4990);
    pay.payer_fee = 11;
    ASSERT_FILED(INSUFFICIENT_FUNDS, f, 1, pay);
    pay.id = fixture_id(900);
    pay.payer_fee = 10;
    ASSERT_FILED(POSTED, f, 1, pay);
    assert_int_equal(fixture_balance(f, 1, ACCOUNT_SETTLEMENT), 0);
    assert_int_equal(fixture_balance(f, 2, ACCOUNT_SETTLEMENT), 4990);
    assert_int_equal(fixture_balance(f, FIXTURE_NETWORK, ACCOUNT_SETTLEMENT), 10);

    /* A REFUND of a PAY goes back through SETTLEMENT, and needs the money there. */
    ASSERT_FILED(POSTED, f, 2, fixture_pay(f, 2, 3, 4000));
    ASSERT_FILED(INSUFFICIENT_FUNDS, f, 2, fixture_refund(f, &pay, 1, 991));
    struct record refund = fixture_refund(f, &pay, 1, 990);
    refund.payer_fee = -10;
    ASSERT_FILED(POSTED, f, FIXTURE_NETWORK, refund);
    assert_int_equal(fixture_balance(f, 1, ACCOUNT_SETTLEMENT), 1000);
    assert_int_equal(fixture_balance(f, 2, ACCOUNT_SETTLEMENT), 0);
    assert_int_equal(fixture_balance(f, FIXTURE_NETWORK, ACCOUNT_SETTLEMENT), 0);
    assert_int_equal(fixture_balance(f, 1, ACCOUNT_POSITION), 0);
    assert_sums_to_zero(f);
    fixture_free(f);
}

/* Fees up to all of the amount are the sides' own business; a thief's fee takes nothing. */
static void test_fees_take_no_money_of_others(void **state)
{
    (void)state;
    struct ledger_fixture *f = started();
    ASSERT_FILED(POSTED, f, FIXTURE_AGENT, fixture_fund(f, 1, 1000));
    ASSERT_FILED(POSTED, f, FIXTURE_AGENT, fixture_fund(f, 2, 9000));
    struct record pay = fixture_pay(f, 1, 2, 100);
    pay.interchange = 100;
    ASSERT_FILED(POSTED, f, 1, pay);
    assert_int_equal(fixture_balance(f, 2, ACCOUNT_SETTLEMENT), 9000);
    struct record pull = fixture_pay(f, 1, 2, 1);
    pull.interchange = 9000;
    ASSERT_FILED(FEE_NOT_MANDATED, f, 1, pull);
    struct record largest = fixture_pay(f, 1, 2, LIMIT_AMOUNT - 1);
    largest.interchange = (int64_t)LIMIT_AMOUNT - 1;
    largest.payee_fee = 1;
    ASSERT_FILED(FEE_NOT_MANDATED, f, 1, largest);

    struct record refund = fixture_refund(f, &pay, 1, 100);
    refund.interchange = -100;
    ASSERT_FILED(POSTED, f, 2, refund);
    ASSERT_FILED(POSTED, f, 1, pay = fixture_pay(f, 1, 2, 100));
    struct record push = fixture_refund(f, &pay, 1, 1);
    push.interchange = -800;
    ASSERT_FILED(FEE_NOT_MANDATED, f, 2, push);
    assert_int_equal(fixture_balance(f, 1, ACCOUNT_SETTLEMENT), 900);
    assert_int_equal(fixture_balance(f, 2, ACCOUNT_SETTLEMENT), 9100);

    /* The network's own money: only it may give it. */
    struct record bonus = fixture_pay(f, FIXTURE_NETWORK, 2, 100);
    bonus.payee_fee = -1;
    ASSERT_FILED(INSUFFICIENT_FUNDS, f, FIXTURE_NETWORK, bonus);

    /* What it earned goes back as the amount does, in any parts. */
    struct record clear = fixture_clear(f, 1, 2, 300);
    clear.payee_fee = 6;
    ASSERT_FILED(POSTED, f, 2, clear);
    struct record part = fixture_refund(f, &clear, 2, 100);
    part.payee_fee = -3;
    ASSERT_FILED(FEE_NOT_MANDATED, f, 2, part);
    part.id = fixture_id(901);
    part.payee_fee = -2;
    ASSERT_FILED(POSTED, f, 2, part);
    assert_int_equal(fixture_balance(f, FIXTURE_NETWORK, ACCOUNT_POSITION), 4);
    assert_sums_to_zero(f);
    fixture_free(f);
}

static struct life_row life_of(struct ledger_fixture *f, uint64_t height, uint32_t position)
{
    uint8_t key[LIFE_KEY_BYTES];
    life_key((struct place){height, position}, key);
    struct span value = ledger_store_get(f->store, TABLE_LIFE, key, sizeof key);
    struct life_row row = {.returned = UINT64_MAX};
    assert_non_null(value.data);
    assert_int_equal(life_decode(value, &row), STATUS_OK);
    return row;
}

static void test_refunds_over_blocks_never_exceed(void **state)
{
    (void)state;
    struct ledger_fixture *f = started();
    struct record original = fixture_clear(f, 1, 2, 1000);
    original.match_key = fixture_id(77);
    ASSERT_FILED(POSTED, f, 1, original);
    ASSERT_FILED(POSTED, f, 2, fixture_refund(f, &original, 1, 600));
    assert_int_equal(life_of(f, 1, 0).returned, 600);
    ASSERT_FILED(EXCEEDS_REMAINING, f, 2, fixture_refund(f, &original, 1, 401));
    /* The match key of a return is the original's, or none. */
    struct record other_key = fixture_refund(f, &original, 1, 100);
    other_key.match_key = fixture_id(78);
    ASSERT_FILED(REF_DIFFERS, f, 2, other_key);
    struct record last = fixture_refund(f, &original, 1, 400);
    last.match_key = original.match_key;
    ASSERT_FILED(POSTED, f, FIXTURE_NETWORK, last);
    ASSERT_FILED(EXCEEDS_REMAINING, f, 2, fixture_refund(f, &original, 1, 1));
    assert_int_equal(life_of(f, 1, 0).returned, 1000);
    assert_int_equal(fixture_balance(f, 1, ACCOUNT_POSITION), 0);
    assert_int_equal(fixture_balance(f, 2, ACCOUNT_POSITION), 0);
    /* A refund cannot be refunded. */
    ASSERT_FILED(REF_KIND, f, 2, fixture_refund(f, &last, FIXTURE_NETWORK, 1));
    fixture_free(f);
}

static void test_refund_in_the_same_batch_and_block(void **state)
{
    (void)state;
    struct ledger_fixture *f = started();
    struct record original = fixture_clear(f, 1, 2, 1000);
    struct record early = fixture_refund(f, &original, 0, 10);
    (void)fixture_batch(f, 2);
    fixture_add(f, early); /* before its original: not found */
    fixture_add(f, original);
    fixture_add(f, fixture_refund(f, &original, 0, 700));
    fixture_add(f, fixture_refund(f, &original, 2, 301));
    (void)fixture_batch(f, FIXTURE_NETWORK);
    fixture_add(f, fixture_refund(f, &original, 2, 300));
    fixture_block(f);
    assert_int_equal(fixture_verdict(f, 0, 0), VERDICT_REF_NOT_FOUND);
    assert_int_equal(fixture_verdict(f, 0, 1), VERDICT_POSTED);
    assert_int_equal(fixture_verdict(f, 0, 2), VERDICT_POSTED);
    assert_int_equal(fixture_verdict(f, 0, 3), VERDICT_EXCEEDS_REMAINING);
    assert_int_equal(fixture_verdict(f, 1, 0), VERDICT_POSTED);
    assert_int_equal(life_of(f, 1, 1).returned, 1000);
    ASSERT_FILED(EXCEEDS_REMAINING, f, 2, fixture_refund(f, &original, 2, 1));
    fixture_free(f);
}

static void test_caps_over_two_cycles(void **state)
{
    (void)state;
    struct ledger_fixture *f = started();
    f = (fixture_free(f), fixture_new());
    f->limits[0].cap = 1000;
    f->genesis.block_records = 64;
    fixture_start(f);
    ASSERT_FILED(POSTED, f, 1, fixture_clear(f, 1, 2, 1000));
    ASSERT_FILED(CAP, f, 1, fixture_clear(f, 1, 2, 1));
    /* Money to receive in another service's cycle does not offset it. */
    struct record other = fixture_clear(f, 2, 1, 500);
    other.scheme = 30;
    ASSERT_FILED(POSTED, f, 2, other);
    ASSERT_FILED(CAP, f, 1, fixture_clear(f, 1, 2, 1));
    assert_true(ledger_exposure(f->ledger, 0, 0)->minor == 1000);
    /* In the same cycle it does. */
    ASSERT_FILED(POSTED, f, 2, fixture_clear(f, 2, 1, 600));
    assert_true(ledger_exposure(f->ledger, 0, 0)->minor == 400);
    ASSERT_FILED(POSTED, f, 1, fixture_clear(f, 1, 2, 600));
    /* Fees count: the net effect of the record is what the cap sees. */
    struct record paid_back = fixture_clear(f, 1, 2, 10);
    paid_back.interchange = 10;
    ASSERT_FILED(POSTED, f, 1, paid_back);
    struct record spends_other = fixture_clear(f, 1, 2, 501);
    spends_other.scheme = 30;
    ASSERT_FILED(CAP, f, 1, spends_other);
    fixture_free(f);
}

static void test_refund_binds_the_payee_cap(void **state)
{
    (void)state;
    struct ledger_fixture *f = started();
    struct record original = fixture_clear(f, 1, 7, 1000); /* 7 has no cap, it may receive */
    ASSERT_FILED(POSTED, f, 7, original);
    ASSERT_FILED(POSTED, f, 7, fixture_refund(f, &original, 7, 900));
    struct record away = fixture_clear(f, 7, 2, 100);
    ASSERT_FILED(POSTED, f, 7, away);
    ASSERT_FILED(CAP, f, 7, fixture_refund(f, &original, 7, 100));
    fixture_free(f);
}

static void test_cover_and_floor(void **state)
{
    (void)state;
    struct ledger_fixture *f = started();
    ASSERT_FILED(POSTED, f, FIXTURE_AGENT, fixture_fund(f, FIXTURE_COVERED, 1000));
    ASSERT_FILED(POSTED, f, 2, fixture_clear(f, FIXTURE_COVERED, 2, 700));
    ASSERT_FILED(COVER, f, 2, fixture_clear(f, FIXTURE_COVERED, 2, 301));
    ASSERT_FILED(FLOOR, f, FIXTURE_COVERED, fixture_pay(f, FIXTURE_COVERED, 1, 301));
    ASSERT_FILED(INSUFFICIENT_FUNDS, f, FIXTURE_COVERED, fixture_pay(f, FIXTURE_COVERED, 1, 1001));
    ASSERT_FILED(POSTED, f, FIXTURE_COVERED, fixture_pay(f, FIXTURE_COVERED, 1, 300));
    ASSERT_FILED(COVER, f, 2, fixture_clear(f, FIXTURE_COVERED, 2, 1));
    /* What comes in on POSITION frees the money again. */
    ASSERT_FILED(POSTED, f, 1, fixture_clear(f, 1, FIXTURE_COVERED, 650));
    ASSERT_FILED(POSTED, f, FIXTURE_COVERED, fixture_pay(f, FIXTURE_COVERED, 1, 650));
    assert_int_equal(fixture_balance(f, FIXTURE_COVERED, ACCOUNT_SETTLEMENT), 50);
    fixture_free(f);
}

/* A chain posts whole or not at all, and leaves nothing behind, also no match key and no return. */
static void test_chain_is_taken_back(void **state)
{
    (void)state;
    struct ledger_fixture *f = started();
    struct record original = fixture_clear(f, 1, 2, 1000);
    ASSERT_FILED(POSTED, f, 2, original);
    struct hash before = ledger_store_header(f->store)->accounts_root;

    struct record clear = fixture_clear(f, 2, 3, 40);
    clear.match_key = fixture_id(5005);
    clear.payee_fee = 2;
    clear.flags = RECORD_LINKED;
    struct record refund = fixture_refund(f, &original, 0, 300);
    refund.flags = RECORD_LINKED;
    struct record refund_of_chain = fixture_refund(f, &clear, 0, 10);
    refund_of_chain.flags = RECORD_LINKED;
    struct record too_much = fixture_refund(f, &original, 0, 701);
    struct record after = fixture_refund(f, &original, 0, 1000);
    (void)fixture_batch(f, 2);
    fixture_add(f, clear);
    fixture_add(f, refund);
    refund_of_chain.payer = 2;
    fixture_add(f, refund_of_chain); /* 2 is the payer of it: not permitted to return */
    fixture_add(f, too_much);
    fixture_block(f);
    assert_int_equal(fixture_verdict(f, 0, 0), VERDICT_LINKED_FAILED);
    assert_int_equal(fixture_verdict(f, 0, 1), VERDICT_LINKED_FAILED);
    assert_int_equal(fixture_verdict(f, 0, 2), VERDICT_SIDE_NOT_PERMITTED);
    assert_int_equal(fixture_verdict(f, 0, 3), VERDICT_LINKED_FAILED);
    assert_memory_equal(&ledger_store_header(f->store)->accounts_root, &before, sizeof before);
    assert_true(f->ledger->cycles.rows[0].records == 1);
    assert_int_equal(ledger_store_count(f->store, TABLE_LIFE), 0);
    assert_int_equal(ledger_store_count(f->store, TABLE_TRANSACTIONS), 0);

    /* Their ids are taken, the key and the money are free; a second chain stands. */
    ASSERT_FILED(EXISTS, f, 2, clear);
    ASSERT_FILED(POSTED, f, 2, after);
    struct record again = fixture_clear(f, 2, 3, 40);
    again.match_key = clear.match_key;
    again.flags = RECORD_LINKED;
    (void)fixture_batch(f, 2);
    fixture_add(f, again);
    fixture_add(f, fixture_clear(f, 2, 1, 5));
    fixture_block(f);
    assert_int_equal(fixture_verdict(f, 0, 0), VERDICT_POSTED);
    assert_int_equal(fixture_verdict(f, 0, 1), VERDICT_POSTED);
    assert_int_equal(fixture_balance(f, 3, ACCOUNT_POSITION), 40);
    assert_sums_to_zero(f);
    fixture_free(f);
}

/* Within one block: a failed chain between records that stand, with refunds of an original that was
   already touched and of one that was not. */
static void test_chain_fails_between_others(void **state)
{
    (void)state;
    struct ledger_fixture *f = started();
    struct record a = fixture_clear(f, 1, 2, 1000);
    struct record b = fixture_clear(f, 1, 2, 1000);
    (void)fixture_batch(f, 2);
    fixture_add(f, a);
    fixture_add(f, b);
    fixture_add(f, fixture_refund(f, &a, 0, 100));
    struct record more_of_a = fixture_refund(f, &a, 0, 200);
    struct record first_of_b = fixture_refund(f, &b, 0, 300);
    struct record keyed = fixture_clear(f, 1, 2, 9);
    more_of_a.flags = first_of_b.flags = keyed.flags = RECORD_LINKED;
    keyed.match_key = fixture_id(31337);
    fixture_add(f, more_of_a);
    fixture_add(f, first_of_b);
    fixture_add(f, keyed);
    fixture_add(f, fixture_refund(f, &b, 0, 701));
    struct record same_key = fixture_clear(f, 1, 2, 9);
    same_key.match_key = keyed.match_key;
    fixture_add(f, same_key);
    fixture_add(f, fixture_refund(f, &a, 0, 900));
    fixture_add(f, fixture_refund(f, &b, 0, 1000));
    fixture_block(f);
    static const unsigned EXPECTED[] = {0,
                                        0,
                                        0,
                                        VERDICT_LINKED_FAILED,
                                        VERDICT_LINKED_FAILED,
                                        VERDICT_LINKED_FAILED,
                                        VERDICT_EXCEEDS_REMAINING,
                                        0,
                                        0,
                                        0};
    for (uint32_t i = 0; i < sizeof EXPECTED / sizeof EXPECTED[0]; i++) {
        assert_int_equal(fixture_verdict(f, 0, i), EXPECTED[i]);
    }
    assert_int_equal(life_of(f, 1, 0).returned, 1000);
    assert_int_equal(life_of(f, 1, 1).returned, 1000);
    assert_int_equal(ledger_store_count(f->store, TABLE_TRANSACTIONS), 1);
    assert_int_equal(fixture_balance(f, 2, ACCOUNT_POSITION), 9);
    fixture_free(f);
}

static void test_other_currency(void **state)
{
    (void)state;
    struct ledger_fixture *f = started();
    struct record record = fixture_clear(f, 1, 2, 5000);
    record.scheme = 40;
    record.currency = FIXTURE_USD;
    ASSERT_FILED(POSTED, f, 1, record);
    assert_int_equal(fixture_balance(f, 1, ACCOUNT_POSITION), 0);
    record.id = fixture_id(800);
    ASSERT_FILED(CAP, f, 1, record);
    assert_sums_to_zero(f);
    fixture_free(f);
}

/* The largest amounts: totals of one side pass 64 bits and stay exact. */
static void test_largest_amounts(void **state)
{
    (void)state;
    struct ledger_fixture *f = started();
    for (unsigned i = 0; i < 40; i++) {
        (void)fixture_batch(f, FIXTURE_AGENT);
        fixture_add(f, fixture_fund(f, 1, LIMIT_AMOUNT - 1));
        fixture_block(f);
        assert_int_equal(fixture_verdict(f, 0, 0), VERDICT_POSTED);
    }
    const struct account *account = ledger_account(f->ledger, 0, 0, ACCOUNT_SETTLEMENT);
    assert_true(account_balance(account).minor == (__int128)40 * (LIMIT_AMOUNT - 1));
    char text[MONEY_TEXT_BYTES];
    assert_string_equal(money_format(account_balance(account), 2, text), "399999999999999999.60");
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clear_with_fees_of_both_signs),
        cmocka_unit_test(test_network_as_a_side),
        cmocka_unit_test(test_fund_and_pay),
        cmocka_unit_test(test_fees_take_no_money_of_others),
        cmocka_unit_test(test_refunds_over_blocks_never_exceed),
        cmocka_unit_test(test_refund_in_the_same_batch_and_block),
        cmocka_unit_test(test_caps_over_two_cycles),
        cmocka_unit_test(test_refund_binds_the_payee_cap),
        cmocka_unit_test(test_cover_and_floor),
        cmocka_unit_test(test_chain_is_taken_back),
        cmocka_unit_test(test_chain_fails_between_others),
        cmocka_unit_test(test_other_currency),
        cmocka_unit_test(test_largest_amounts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
