/*
 * Goal: of two faults in one record the check that comes first decides (docs/ledger.md, Verdicts):
 * the lower number, but for what its remarks except. Each table lists faults that can stand in one
 * record together, in the order of their checks; every pair of them is filed, and each alone.
 * Faults of one nonzero set exclude each other: they say what the record acts on, or what its key
 * names.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/ledger_acts.h"
#include "tests/tables/verdict_rows.h"

#define CNY 0u
#define SUBJECT 1 /* what it acts on, or what its key names */
#define SCHEME 2  /* whether its scheme has a network */

struct cause {
    enum verdict verdict;
    unsigned set;
    void (*apply)(struct attempt *attempt);
};

/* ---- Faults in fields of their own ---- */

static void id_zero(struct attempt *a)
{
    memset(&a->record.id, 0, sizeof a->record.id);
}

static void reserved(struct attempt *a)
{
    a->record.reserved[13] = 1;
}

static void flags(struct attempt *a)
{
    a->record.flags |= RECORD_FINAL;
}

static void amount_missing(struct attempt *a)
{
    a->record.amount = 0;
}

static void fee_too_large(struct attempt *a)
{
    a->record.payee_fee = -(int64_t)LIMIT_AMOUNT;
}

static void payer_missing(struct attempt *a)
{
    a->record.payer = 0;
}

static void payee_missing(struct attempt *a)
{
    a->record.payee = 0;
}

static void scheme_missing(struct attempt *a)
{
    a->record.scheme = 0;
}

static void ref_not_zero(struct attempt *a)
{
    a->record.ref = fixture_id(1);
}

static void business_date(struct attempt *a)
{
    a->record.business_date = 20250229;
}

static void mcc(struct attempt *a)
{
    a->record.mcc = 10000;
}

static void reason(struct attempt *a)
{
    memcpy(a->record.reason, "A\0B", 4);
}

static void priority(struct attempt *a)
{
    a->record.priority = 1;
}

static void currency_unknown(struct attempt *a)
{
    a->record.currency = 978;
}

static void not_a_side(struct attempt *a)
{
    a->submitter = 3;
}

/* ---- Faults of what stands ---- */

static void payer_suspended(struct attempt *a)
{
    struct ledger *ledger = a->fixture->ledger;
    uint32_t index = number_map_find(&ledger->registry.participants, a->record.payer);
    refdata_set_standing(ledger, index, STANDING_SUSPENDED);
}

/* A participant that owes 5,000 and may owe nothing. */
static void no_cap(struct attempt *a, uint32_t participant)
{
    struct ledger_fixture *f = a->fixture;
    struct record spent = fixture_clear(f, participant, 3, 5000);
    assert_int_equal(fixture_file(f, participant, spent), VERDICT_POSTED);
    ledger_account(f->ledger, participant - 1, CNY, ACCOUNT_POSITION)->limit = 0;
}

static void payer_cap(struct attempt *a)
{
    no_cap(a, 1);
}

static void payee_cap(struct attempt *a)
{
    no_cap(a, 2);
}

/* ---- A REFUND by the payee, 2, of a CLEAR ---- */

static void ref_not_found(struct attempt *a)
{
    a->record.ref = fixture_id(987654321);
}

static void ref_rejected(struct attempt *a)
{
    struct record bad = fixture_clear(a->fixture, 1, 2, 1000);
    bad.scheme = 999;
    assert_int_equal(fixture_file(a->fixture, 1, bad), VERDICT_SCHEME_UNKNOWN);
    a->record.ref = bad.id;
}

/* The first half of a transaction that waits. */
static void ref_waits(struct attempt *a)
{
    struct record half = acts_half(a->fixture, 1, 2, 1000, 4711);
    assert_int_equal(fixture_file(a->fixture, 1, half), VERDICT_PENDING);
    a->record.ref = half.id;
    a->record.scheme = half.scheme;
}

static void ref_kind(struct attempt *a)
{
    struct record fund = fixture_fund(a->fixture, 2, 500);
    assert_int_equal(fixture_file(a->fixture, FIXTURE_AGENT, fund), VERDICT_POSTED);
    a->record.ref = fund.id;
    a->record.ref_participant = FIXTURE_AGENT;
}

static void ref_ended(struct attempt *a)
{
    struct record clear = fixture_clear(a->fixture, 1, 2, 1000);
    assert_int_equal(fixture_file(a->fixture, 1, clear), VERDICT_POSTED);
    struct record reverse = acts_on(a->fixture, RECORD_REVERSE, &clear, 1);
    assert_int_equal(fixture_file(a->fixture, 2, reverse), VERDICT_POSTED);
    a->record.ref = clear.id;
}

static void other_key(struct attempt *a)
{
    a->record.match_key = fixture_id(987654322);
}

static void exceeds(struct attempt *a)
{
    a->record.amount = 1001;
}

/* Network and payee have what a fee could take. */
static void make_rich(struct attempt *a)
{
    struct record fund = fixture_fund(a->fixture, FIXTURE_NETWORK, 5000);
    assert_int_equal(fixture_file(a->fixture, FIXTURE_AGENT, fund), VERDICT_POSTED);
    struct record clear = fixture_clear(a->fixture, 1, FIXTURE_NETWORK, 5000);
    assert_int_equal(fixture_file(a->fixture, 1, clear), VERDICT_POSTED);
}

static void payee_pulls_from_network(struct attempt *a)
{
    make_rich(a);
    a->record.payee_fee = -1;
}

/* ---- A PAY of 1 to 2 ---- */

static void no_queue(struct attempt *a)
{
    a->record.scheme = 21;
    a->record.flags |= RECORD_QUEUE;
}

static void key_taken(struct attempt *a)
{
    struct record pay = fixture_pay(a->fixture, 1, 2, 1);
    pay.match_key = fixture_id(987654323);
    struct record other = pay;
    other.id = fixture_id(++a->fixture->next_id);
    other.scheme = 21; /* a key belongs to its scheme: taken in both */
    assert_int_equal(fixture_file(a->fixture, 1, pay), VERDICT_POSTED);
    assert_int_equal(fixture_file(a->fixture, 1, other), VERDICT_PENDING);
    a->record.match_key = pay.match_key;
}

static void too_much(struct attempt *a)
{
    a->record.amount = 900000000;
}

/* What 1 owes in closed cycles is above what it has: nothing of that may go. */
static void below_floor(struct attempt *a)
{
    cycle_closed_owed(a->fixture->ledger, 0, CNY)->minor = 2000000;
}

static void payer_pulls_from_network(struct attempt *a)
{
    make_rich(a);
    a->record.payer_fee = -5;
}

static void queued_before(struct attempt *a)
{
    struct record huge = fixture_pay(a->fixture, 1, 2, 900000000);
    huge.flags = RECORD_QUEUE;
    assert_int_equal(fixture_file(a->fixture, 1, huge), VERDICT_QUEUED);
}

/* ---- A half of a CLEAR by the payer, 1, whose key names something ---- */

/* The payee's half: it reserved nothing, so the payer's is a debit. */
static void sound_half(struct attempt *a)
{
    struct record half = acts_half(a->fixture, 1, 2, 500, 987654324);
    assert_int_equal(fixture_file(a->fixture, 2, half), VERDICT_PENDING);
    a->submitter = 1;
    a->record = half;
    a->record.id = fixture_id(++a->fixture->next_id);
}

/* One that names a transaction of 2 and 3. */
static void half_of_others(struct attempt *a)
{
    struct record half = acts_half(a->fixture, 3, 2, 500, 987654325);
    assert_int_equal(fixture_file(a->fixture, 2, half), VERDICT_PENDING);
    a->record.match_key = half.match_key;
}

/* Its own half once more. */
static void half_twice(struct attempt *a)
{
    struct record half = acts_half(a->fixture, 1, 2, 500, 987654326);
    assert_int_equal(fixture_file(a->fixture, 1, half), VERDICT_PENDING);
    a->record.match_key = half.match_key;
}

static void half_ended(struct attempt *a)
{
    struct record half = acts_half(a->fixture, 1, 2, 500, 987654327);
    assert_int_equal(fixture_file(a->fixture, 2, half), VERDICT_PENDING);
    struct record reject = acts_on(a->fixture, RECORD_REJECT, &half, 2);
    assert_int_equal(fixture_file(a->fixture, 1, reject), VERDICT_POSTED);
    a->record.match_key = half.match_key;
}

/* Posted by the payee and the network; the payer says something else. */
static void half_differs(struct attempt *a)
{
    struct record half = acts_half(a->fixture, 1, 2, 499, 987654328);
    assert_int_equal(fixture_file(a->fixture, 2, half), VERDICT_PENDING);
    struct record second = half;
    second.id = fixture_id(++a->fixture->next_id);
    assert_int_equal(fixture_file(a->fixture, FIXTURE_NETWORK, second), VERDICT_MATCHED);
    a->record.match_key = half.match_key;
}

/* Payee and network differ, and the payer from both. */
static void half_in_exception(struct attempt *a)
{
    struct record half = acts_half(a->fixture, 1, 2, 498, 987654329);
    assert_int_equal(fixture_file(a->fixture, 2, half), VERDICT_PENDING);
    struct record second = half;
    second.id = fixture_id(++a->fixture->next_id);
    second.amount++;
    assert_int_equal(fixture_file(a->fixture, FIXTURE_NETWORK, second), VERDICT_EXCEPTION_AMOUNT);
    a->record.match_key = half.match_key;
}

static void half_unequal(struct attempt *a)
{
    a->record.payee_fee = 1;
}

/* ---- The tables, in the order of the checks ---- */

static const struct cause CLEARS[] = {
    {VERDICT_ID_ZERO, 0, id_zero},
    {VERDICT_RESERVED_NOT_ZERO, 0, reserved},
    {VERDICT_FLAGS, 0, flags},
    {VERDICT_AMOUNT_MISSING, 0, amount_missing},
    {VERDICT_FEE_TOO_LARGE, 0, fee_too_large},
    {VERDICT_PAYER_MISSING, 0, payer_missing},
    {VERDICT_PAYEE_MISSING, 0, payee_missing},
    {VERDICT_SCHEME_MISSING, 0, scheme_missing},
    {VERDICT_REF_NOT_ZERO, 0, ref_not_zero},
    {VERDICT_BUSINESS_DATE, 0, business_date},
    {VERDICT_MCC, 0, mcc},
    {VERDICT_REASON, 0, reason},
    {VERDICT_PRIORITY_NOT_ZERO, 0, priority},
    {VERDICT_CURRENCY_UNKNOWN, 0, currency_unknown},
    {VERDICT_CAP, 0, payer_cap},
};

/* The state of what it acts on is looked at after 304 and before 305: a remark of the page. */
static const struct cause REFUNDS[] = {
    {VERDICT_RESERVED_NOT_ZERO, 0, reserved},
    {VERDICT_MCC, 0, mcc},
    {VERDICT_REASON, 0, reason},
    {VERDICT_CURRENCY_UNKNOWN, 0, currency_unknown},
    {VERDICT_NOT_A_SIDE, 0, not_a_side},
    {VERDICT_REF_NOT_FOUND, SUBJECT, ref_not_found},
    {VERDICT_REF_NOT_POSTED, SUBJECT, ref_rejected},
    {VERDICT_REF_KIND, SUBJECT, ref_kind},
    {VERDICT_REF_DIFFERS, 0, other_key},
    {VERDICT_REF_NOT_POSTED, SUBJECT, ref_waits},
    {VERDICT_ENDED, SUBJECT, ref_ended},
    {VERDICT_EXCEEDS_REMAINING, 0, exceeds},
    {VERDICT_CAP, 0, payee_cap},
    {VERDICT_FEE_NOT_MANDATED, 0, payee_pulls_from_network},
};

static const struct cause PAYS[] = {
    {VERDICT_RESERVED_NOT_ZERO, 0, reserved},
    {VERDICT_MCC, 0, mcc},
    {VERDICT_REASON, 0, reason},
    {VERDICT_CURRENCY_UNKNOWN, 0, currency_unknown},
    {VERDICT_NOT_A_SIDE, 0, not_a_side},
    {VERDICT_SUSPENDED, 0, payer_suspended},
    {VERDICT_QUEUE_NOT_IN_SCHEME, SCHEME, no_queue},
    {VERDICT_DUPLICATE_KEY, SUBJECT, key_taken},
    {VERDICT_INSUFFICIENT_FUNDS, 0, too_much},
    {VERDICT_FLOOR, 0, below_floor},
    {VERDICT_FEE_NOT_MANDATED, SCHEME, payer_pulls_from_network},
    {VERDICT_QUEUED_BEFORE, 0, queued_before},
};

static const struct cause HALVES[] = {
    {VERDICT_RESERVED_NOT_ZERO, 0, reserved},
    {VERDICT_MCC, 0, mcc},
    {VERDICT_CURRENCY_UNKNOWN, 0, currency_unknown},
    {VERDICT_SUSPENDED, 0, payer_suspended},
    {VERDICT_DUPLICATE_KEY, SUBJECT, half_twice},
    {VERDICT_KEY_OF_OTHERS, SUBJECT, half_of_others},
    {VERDICT_KEY_IN_EXCEPTION, SUBJECT, half_in_exception},
    {VERDICT_KEY_DIFFERS, SUBJECT, half_differs},
    {VERDICT_KEY_ENDED, SUBJECT, half_ended},
    {VERDICT_CAP, 0, payer_cap},
    {VERDICT_EXCEPTION_PAYEE_FEE, 0, half_unequal},
};

#define CAUSES(of) (of), sizeof(of) / sizeof(of)[0]

/* A sound record; a half if kind is 0. */
static struct attempt begin(enum record_kind kind)
{
    struct ledger_fixture *f = verdict_network();
    if (kind != 0) {
        return verdict_sound(f, kind);
    }
    struct attempt attempt = {.fixture = f};
    sound_half(&attempt);
    return attempt;
}

/* What files other records comes first, the lower fault last. */
static void apply_both(struct attempt *attempt, const struct cause *low, const struct cause *high)
{
    const struct cause *const order[] = {high, low};
    for (unsigned subject = 1; subject <= 2; subject++) {
        for (unsigned i = low == high ? 1 : 0; i < 2; i++) {
            if ((order[i]->set == SUBJECT) == (subject == 1)) {
                order[i]->apply(attempt);
            }
        }
    }
}

static void run_pairs(enum record_kind kind, const struct cause *causes, size_t count,
                      const char *name)
{
    unsigned pairs = 0;
    for (size_t low = 0; low < count; low++) {
        for (size_t high = low; high < count; high++) {
            if (low != high && causes[low].set != 0 && causes[low].set == causes[high].set) {
                continue;
            }
            struct attempt attempt = begin(kind);
            apply_both(&attempt, &causes[low], &causes[high]);
            unsigned found = fixture_file(attempt.fixture, attempt.submitter, attempt.record);
            if (found != (unsigned)causes[low].verdict) {
                fail_msg("%s: %s and %s: found %s", name, verdict_name(causes[low].verdict),
                         verdict_name(causes[high].verdict), verdict_name(found));
            }
            pairs += low != high;
            fixture_free(attempt.fixture);
        }
    }
    print_message("%s: %zu faults, %u pairs\n", name, count, pairs);
}

static void test_clear(void **state)
{
    (void)state;
    run_pairs(RECORD_CLEAR, CAUSES(CLEARS), "CLEAR");
}

static void test_refund(void **state)
{
    (void)state;
    run_pairs(RECORD_REFUND, CAUSES(REFUNDS), "REFUND");
}

static void test_pay(void **state)
{
    (void)state;
    run_pairs(RECORD_PAY, CAUSES(PAYS), "PAY");
}

static void test_half(void **state)
{
    (void)state;
    run_pairs(0, CAUSES(HALVES), "CLEAR of two confirmations");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clear),
        cmocka_unit_test(test_refund),
        cmocka_unit_test(test_pay),
        cmocka_unit_test(test_half),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
