/*
 * Goal: the fee that a scheme's rules say: basis points, caps, minima, every rounding, by business
 * date and merchant category; and FEE_DIFFERS where the scheme binds (docs/ledger.md, Fees). The
 * rates are those of China's debit cards of 2016: 0.35 % for the issuer, at most 13 yuan; 0.0325 %
 * for the network from each side, at most 3.25 yuan.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ledger/fees.h"
#include "tests/support/ledger_acts.h"

static struct fee_rule rule_of(enum fee_which which, int32_t rate_ppm, uint64_t minimum,
                               uint64_t cap, enum fee_rounding rounding)
{
    return (struct fee_rule){.from_date = 20160906,
                             .mcc_to = 9999,
                             .which = (uint16_t)which,
                             .rounding = (uint16_t)rounding,
                             .rate_ppm = rate_ppm,
                             .minimum = minimum,
                             .cap = cap};
}

static int64_t fee(const struct fee_rule *rules, uint32_t count, uint64_t amount)
{
    struct genesis_scheme scheme = {.fee_rule_count = count};
    memcpy(scheme.fee_rules, rules, count * sizeof *rules);
    struct record record = {.amount = amount, .business_date = FIXTURE_DATE, .mcc = 5411};
    return fees_expected(&scheme, FEE_INTERCHANGE, &record);
}

static void test_rounding(void **state)
{
    (void)state;
    static const struct {
        uint64_t amount; /* at 10 % */
        int64_t half_up, half_even, down, up;
    } CASES_OF[] = {
        {100, 10, 10, 10, 10}, {104, 10, 10, 10, 11}, {105, 11, 10, 10, 11},
        {106, 11, 11, 10, 11}, {115, 12, 12, 11, 12}, {5, 1, 0, 0, 1},
        {1, 0, 0, 0, 1},       {15, 2, 2, 1, 2},      {0, 0, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof CASES_OF / sizeof CASES_OF[0]; i++) {
        const int64_t expected[] = {CASES_OF[i].half_up, CASES_OF[i].half_even, CASES_OF[i].down,
                                    CASES_OF[i].up};
        for (unsigned k = 0; k < 4; k++) {
            struct fee_rule rule =
                rule_of(FEE_INTERCHANGE, 100000, 0, 0, (enum fee_rounding)(ROUND_HALF_UP + k));
            assert_int_equal(fee(&rule, 1, CASES_OF[i].amount), expected[k]);
            rule.rate_ppm = -100000; /* the size is rounded, then the sign put */
            assert_int_equal(fee(&rule, 1, CASES_OF[i].amount), -expected[k]);
        }
    }
}

static void test_minimum_cap_and_extremes(void **state)
{
    (void)state;
    struct fee_rule rule = rule_of(FEE_INTERCHANGE, 3500, 0, 1300, ROUND_HALF_UP);
    assert_int_equal(fee(&rule, 1, 10000), 35);
    assert_int_equal(fee(&rule, 1, 371428), 1300);
    assert_int_equal(fee(&rule, 1, 371000), 1299); /* 1298.5 */
    assert_int_equal(fee(&rule, 1, 100000000), 1300);
    rule.minimum = 50;
    assert_int_equal(fee(&rule, 1, 1), 50);
    rule.rate_ppm = 0;
    assert_int_equal(fee(&rule, 1, 1000000), 50);
    rule = rule_of(FEE_INTERCHANGE, 1000000, 0, 0, ROUND_UP);
    assert_int_equal(fee(&rule, 1, LIMIT_AMOUNT - 1), LIMIT_AMOUNT - 1);
    rule = rule_of(FEE_INTERCHANGE, -999999, 0, 0, ROUND_DOWN);
    assert_int_equal(fee(&rule, 1, LIMIT_AMOUNT - 1), -999998999999999999);
}

/* The first rule that fits decides; none: zero. */
static void test_dates_and_categories(void **state)
{
    (void)state;
    struct fee_rule rules[4];
    for (unsigned i = 0; i < 4; i++) {
        rules[i] = rule_of(FEE_INTERCHANGE, 1000 * ((int32_t)i + 1), 0, 0, ROUND_DOWN);
    }
    rules[0].to_date = FIXTURE_DATE - 1;
    rules[1].from_date = FIXTURE_DATE;
    rules[1].to_date = FIXTURE_DATE;
    rules[1].mcc_from = 5412;
    rules[2].which = FEE_PAYER;
    rules[3].mcc_from = 5411;
    rules[3].mcc_to = 5411;
    assert_int_equal(fee(rules, 4, 1000000), 4000);
    rules[1].mcc_from = 5411;
    assert_int_equal(fee(rules, 4, 1000000), 2000);
    rules[0].to_date = FIXTURE_DATE;
    assert_int_equal(fee(rules, 4, 1000000), 1000);
    rules[0].to_date = 0;
    rules[0].from_date = FIXTURE_DATE + 1;
    assert_int_equal(fee(rules, 4, 1000000), 2000);
    assert_int_equal(fee(rules, 1, 1000000), 0);
    assert_int_equal(fee(rules, 0, 1000000), 0);
}

static struct ledger_fixture *start_binding(void)
{
    struct ledger_fixture *f = fixture_new();
    f->genesis.block_records = 64;
    for (unsigned i = 0; i < 3; i += 2) { /* one confirmation, and two */
        struct genesis_scheme *scheme = &f->schemes[i];
        scheme->flags = SCHEME_FEES_BINDING;
        scheme->fee_rule_count = 3;
        scheme->fee_rules[0] = rule_of(FEE_INTERCHANGE, 3500, 0, 1300, ROUND_HALF_UP);
        scheme->fee_rules[1] = rule_of(FEE_PAYER, 325, 0, 325, ROUND_HALF_UP);
        scheme->fee_rules[2] = rule_of(FEE_PAYEE, 325, 0, 325, ROUND_HALF_UP);
    }
    fixture_start(f);
    return f;
}

static void set_fees(struct record *record)
{
    record->interchange = 350;
    record->payer_fee = 33;
    record->payee_fee = 33;
}

static void test_binding(void **state)
{
    (void)state;
    struct ledger_fixture *f = start_binding();
    struct record clear = fixture_clear(f, 1, 2, 100000);
    set_fees(&clear);
    assert_int_equal(fixture_file(f, 1, clear), VERDICT_POSTED);
    for (unsigned i = 0; i < 3; i++) {
        clear = fixture_clear(f, 1, 2, 100000);
        set_fees(&clear);
        int64_t *fees[] = {&clear.interchange, &clear.payer_fee, &clear.payee_fee};
        *fees[i] += i == 1 ? 1 : -1;
        assert_int_equal(fixture_file(f, 1, clear), VERDICT_FEE_DIFFERS);
    }
    /* A HOLD only estimates; its CAPTURE is bound. */
    struct record hold = acts_hold(f, 1, 2, 200000);
    hold.payer_fee = 100;
    assert_int_equal(fixture_file(f, 2, hold), VERDICT_PENDING);
    struct record capture = acts_on(f, RECORD_CAPTURE, &hold, 2);
    capture.amount = 100000;
    assert_int_equal(fixture_file(f, 2, capture), VERDICT_FEE_DIFFERS);
    capture.id = fixture_id(++f->next_id);
    set_fees(&capture);
    assert_int_equal(fixture_file(f, 2, capture), VERDICT_POSTED);
    /* A cap comes before a fee: the lower number decides. */
    clear = fixture_clear(f, 7, 2, 100000);
    assert_int_equal(fixture_file(f, 7, clear), VERDICT_CAP);
    fixture_free(f);
}

/* A half that waits is judged when it is filed, an AFFIRM never. */
static void test_binding_halves(void **state)
{
    (void)state;
    struct ledger_fixture *f = start_binding();
    struct record half = acts_half(f, 1, 2, 100000, 9);
    assert_int_equal(fixture_file(f, 1, half), VERDICT_FEE_DIFFERS);
    half.id = fixture_id(++f->next_id);
    set_fees(&half);
    assert_int_equal(fixture_file(f, 1, half), VERDICT_PENDING);
    struct record other = half;
    other.id = fixture_id(++f->next_id);
    other.amount = 200000;
    assert_int_equal(fixture_file(f, 2, other), VERDICT_FEE_DIFFERS);
    other.id = fixture_id(++f->next_id);
    other.interchange = 700;
    other.payer_fee = 65;
    other.payee_fee = 65;
    assert_int_equal(fixture_file(f, 2, other), VERDICT_EXCEPTION_AMOUNT);
    struct record affirm = acts_on(f, RECORD_AFFIRM, &half, 1);
    assert_int_equal(fixture_file(f, 2, affirm), VERDICT_POSTED);
    assert_int_equal(acts_net(f, 1), -100000 + 350 - 33);
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rounding),
        cmocka_unit_test(test_minimum_cap_and_extremes),
        cmocka_unit_test(test_dates_and_categories),
        cmocka_unit_test(test_binding),
        cmocka_unit_test(test_binding_halves),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
