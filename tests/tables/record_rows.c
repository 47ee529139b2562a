/* record_rows: what a record itself can have wrong, and of sound ones that they post (see
   verdict_rows.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/tables/verdict_rows.h"

#define FAULT(name)                                                                                \
    static void name(struct attempt *attempt __attribute__((unused)),                              \
                     struct ledger_fixture *f __attribute__((unused)),                             \
                     struct record *r __attribute__((unused)));                                    \
    static void apply_##name(struct attempt *attempt)                                              \
    {                                                                                              \
        name(attempt, attempt->fixture, &attempt->record);                                         \
    }                                                                                              \
    static void name(struct attempt *attempt __attribute__((unused)),                              \
                     struct ledger_fixture *f __attribute__((unused)),                             \
                     struct record *r __attribute__((unused)))

FAULT(none) {}
FAULT(exists)
{
    assert_int_equal(fixture_file(f, attempt->submitter, *r), VERDICT_POSTED);
}
FAULT(exists_different)
{
    assert_int_equal(fixture_file(f, attempt->submitter, *r), VERDICT_POSTED);
    r->amount++;
}
FAULT(id_zero)
{
    memset(&r->id, 0, sizeof r->id);
}
FAULT(kind_unknown)
{
    r->kind = 25;
}
FAULT(reserved)
{
    r->reserved[13] = 1;
}
FAULT(flags)
{
    r->flags = RECORD_FINAL;
}
FAULT(linked_open)
{
    r->flags = RECORD_LINKED;
}
FAULT(amount_missing)
{
    r->amount = 0;
}
FAULT(amount_large)
{
    r->amount = LIMIT_AMOUNT;
}
FAULT(fee_large)
{
    r->payee_fee = -(int64_t)LIMIT_AMOUNT;
}
FAULT(fee_smallest)
{
    r->interchange = INT64_MIN;
}
FAULT(fee_not_zero)
{
    r->payer_fee = 1;
}
FAULT(payer_missing)
{
    r->payer = 0;
}
FAULT(payer_not_zero)
{
    r->payer = 1;
}
FAULT(payee_missing)
{
    r->payee = 0;
}
FAULT(same_sides)
{
    r->payee = r->payer;
}
FAULT(scheme_missing)
{
    r->scheme = 0;
}
FAULT(scheme_not_zero)
{
    r->scheme = 10;
}
FAULT(ref_missing)
{
    memset(&r->ref, 0, sizeof r->ref);
}
FAULT(ref_not_zero)
{
    r->ref = fixture_id(1);
}
FAULT(ref_participant_not_zero)
{
    r->ref_participant = 1;
}
FAULT(match_key_missing)
{
    memset(&r->match_key, 0, sizeof r->match_key);
}
FAULT(business_date)
{
    r->business_date = 20250229;
}
FAULT(mcc)
{
    r->mcc = 10000;
}
FAULT(mcc_of_fund)
{
    r->mcc = 5411;
}
FAULT(reason)
{
    memcpy(r->reason, "A\0B", 4);
}
FAULT(priority)
{
    r->priority = 1;
}
FAULT(scheme_unknown)
{
    r->scheme = 999;
}
FAULT(scheme_kind)
{
    r->scheme = 20;
}
FAULT(currency_unknown)
{
    r->currency = 978;
}
FAULT(currency_differs)
{
    r->currency = FIXTURE_USD;
}
FAULT(payer_unknown)
{
    r->payer = 77;
}
FAULT(payee_unknown)
{
    r->payee = 78;
}
FAULT(not_a_side)
{
    attempt->submitter = 3;
}
FAULT(side_not_permitted)
{
    r->scheme = 11;
}
FAULT(pay_by_payee)
{
    attempt->submitter = 2;
}
FAULT(refund_by_payer)
{
    attempt->submitter = 1;
}
FAULT(not_agent)
{
    attempt->submitter = 1;
}
FAULT(no_network)
{
    r->scheme = 11;
    r->payee_fee = 1;
    attempt->submitter = 2;
}
/* Gives a participant money that a thief could want. */
static void make_rich(struct attempt *attempt, uint32_t participant)
{
    struct record fund = fixture_fund(attempt->fixture, participant, 5000);
    assert_int_equal(fixture_file(attempt->fixture, FIXTURE_AGENT, fund), VERDICT_POSTED);
    struct record clear = fixture_clear(attempt->fixture, 1, participant, 5000);
    assert_int_equal(fixture_file(attempt->fixture, 1, clear), VERDICT_POSTED);
}
FAULT(pay_pulls_from_payee)
{
    make_rich(attempt, 2);
    r->interchange = 1001;
}
FAULT(pay_pulls_from_network)
{
    make_rich(attempt, FIXTURE_NETWORK);
    r->payer_fee = -1;
}
FAULT(refund_pulls_from_payer)
{
    r->interchange = -401;
}
FAULT(refund_pulls_from_network)
{
    make_rich(attempt, FIXTURE_NETWORK);
    r->payee_fee = -1;
}
FAULT(refund_of_network_pulls_from_payee)
{
    r->payee_fee = 1;
    attempt->submitter = FIXTURE_NETWORK;
}
FAULT(ref_not_found)
{
    r->ref = fixture_id(987654321);
}
FAULT(ref_not_posted)
{
    struct record bad = fixture_clear(f, 1, 2, 500);
    bad.scheme = 999;
    assert_int_equal(fixture_file(f, 1, bad), VERDICT_SCHEME_UNKNOWN);
    r->ref = bad.id;
}
FAULT(ref_itself)
{
    r->ref = r->id;
    r->ref_participant = 0;
}
FAULT(ref_kind)
{
    struct record fund = fixture_fund(f, 2, 500);
    assert_int_equal(fixture_file(f, FIXTURE_AGENT, fund), VERDICT_POSTED);
    r->ref = fund.id;
    r->ref_participant = FIXTURE_AGENT;
}
FAULT(ref_differs)
{
    r->payer = 3;
}
FAULT(exceeds_remaining)
{
    r->amount = 1001;
}
FAULT(duplicate_key)
{
    struct record first = fixture_clear(f, 1, 2, 3);
    first.match_key = fixture_id(4711);
    assert_int_equal(fixture_file(f, 1, first), VERDICT_POSTED);
    r->match_key = first.match_key;
}
FAULT(duplicate_reference)
{
    struct record first = fixture_fund(f, 3, 3);
    assert_int_equal(fixture_file(f, FIXTURE_AGENT, first), VERDICT_POSTED);
    r->match_key = first.match_key;
}
FAULT(insufficient)
{
    r->amount = 900000000;
}
FAULT(cap)
{
    r->amount = 100000001;
}
FAULT(cap_without_limit)
{
    r->payer = 7;
    attempt->submitter = 7;
}
FAULT(cover)
{
    r->payer = FIXTURE_COVERED;
    attempt->submitter = FIXTURE_COVERED;
}
FAULT(covered_floor)
{
    struct record fund = fixture_fund(f, FIXTURE_COVERED, 1500);
    assert_int_equal(fixture_file(f, FIXTURE_AGENT, fund), VERDICT_POSTED);
    struct record clear = fixture_clear(f, FIXTURE_COVERED, 2, 1000);
    assert_int_equal(fixture_file(f, FIXTURE_COVERED, clear), VERDICT_POSTED);
    r->payer = FIXTURE_COVERED;
    r->amount = 501;
    attempt->submitter = FIXTURE_COVERED;
}

const struct verdict_row RECORD_ROWS[] = {
    {VERDICT_POSTED, RECORD_CLEAR, apply_none},
    {VERDICT_POSTED, RECORD_PAY, apply_none},
    {VERDICT_POSTED, RECORD_REFUND, apply_none},
    {VERDICT_POSTED, RECORD_FUND, apply_none},
    {VERDICT_EXISTS, RECORD_CLEAR, apply_exists},
    {VERDICT_EXISTS_DIFFERENT, RECORD_PAY, apply_exists_different},
    {VERDICT_ID_ZERO, RECORD_CLEAR, apply_id_zero},
    {VERDICT_KIND_UNKNOWN, RECORD_CLEAR, apply_kind_unknown},
    {VERDICT_RESERVED_NOT_ZERO, RECORD_CLEAR, apply_reserved},
    {VERDICT_FLAGS, RECORD_CLEAR, apply_flags},
    {VERDICT_LINKED_OPEN, RECORD_CLEAR, apply_linked_open},
    {VERDICT_AMOUNT_MISSING, RECORD_CLEAR, apply_amount_missing},
    {VERDICT_AMOUNT_TOO_LARGE, RECORD_CLEAR, apply_amount_large},
    {VERDICT_FEE_TOO_LARGE, RECORD_CLEAR, apply_fee_large},
    {VERDICT_FEE_TOO_LARGE, RECORD_CLEAR, apply_fee_smallest},
    {VERDICT_FEE_NOT_ZERO, RECORD_FUND, apply_fee_not_zero},
    {VERDICT_PAYER_MISSING, RECORD_CLEAR, apply_payer_missing},
    {VERDICT_PAYER_NOT_ZERO, RECORD_FUND, apply_payer_not_zero},
    {VERDICT_PAYEE_MISSING, RECORD_CLEAR, apply_payee_missing},
    {VERDICT_SAME_SIDES, RECORD_CLEAR, apply_same_sides},
    {VERDICT_SCHEME_MISSING, RECORD_CLEAR, apply_scheme_missing},
    {VERDICT_SCHEME_NOT_ZERO, RECORD_FUND, apply_scheme_not_zero},
    {VERDICT_REF_MISSING, RECORD_REFUND, apply_ref_missing},
    {VERDICT_REF_NOT_ZERO, RECORD_CLEAR, apply_ref_not_zero},
    {VERDICT_REF_NOT_ZERO, RECORD_CLEAR, apply_ref_participant_not_zero},
    {VERDICT_MATCH_KEY_MISSING, RECORD_FUND, apply_match_key_missing},
    {VERDICT_BUSINESS_DATE, RECORD_CLEAR, apply_business_date},
    {VERDICT_MCC, RECORD_CLEAR, apply_mcc},
    {VERDICT_MCC, RECORD_FUND, apply_mcc_of_fund},
    {VERDICT_REASON, RECORD_CLEAR, apply_reason},
    {VERDICT_PRIORITY_NOT_ZERO, RECORD_CLEAR, apply_priority},
    {VERDICT_SCHEME_UNKNOWN, RECORD_CLEAR, apply_scheme_unknown},
    {VERDICT_SCHEME_KIND, RECORD_CLEAR, apply_scheme_kind},
    {VERDICT_CURRENCY_UNKNOWN, RECORD_CLEAR, apply_currency_unknown},
    {VERDICT_CURRENCY_UNKNOWN, RECORD_FUND, apply_currency_unknown},
    {VERDICT_CURRENCY_DIFFERS, RECORD_CLEAR, apply_currency_differs},
    {VERDICT_PAYER_UNKNOWN, RECORD_CLEAR, apply_payer_unknown},
    {VERDICT_PAYEE_UNKNOWN, RECORD_CLEAR, apply_payee_unknown},
    {VERDICT_NOT_A_SIDE, RECORD_CLEAR, apply_not_a_side},
    {VERDICT_SIDE_NOT_PERMITTED, RECORD_CLEAR, apply_side_not_permitted},
    {VERDICT_SIDE_NOT_PERMITTED, RECORD_PAY, apply_pay_by_payee},
    {VERDICT_SIDE_NOT_PERMITTED, RECORD_REFUND, apply_refund_by_payer},
    {VERDICT_NOT_AGENT, RECORD_FUND, apply_not_agent},
    {VERDICT_NO_NETWORK, RECORD_CLEAR, apply_no_network},
    {VERDICT_REF_NOT_FOUND, RECORD_REFUND, apply_ref_not_found},
    {VERDICT_REF_NOT_POSTED, RECORD_REFUND, apply_ref_not_posted},
    {VERDICT_REF_NOT_POSTED, RECORD_REFUND, apply_ref_itself},
    {VERDICT_REF_KIND, RECORD_REFUND, apply_ref_kind},
    {VERDICT_REF_DIFFERS, RECORD_REFUND, apply_ref_differs},
    {VERDICT_EXCEEDS_REMAINING, RECORD_REFUND, apply_exceeds_remaining},
    {VERDICT_DUPLICATE_KEY, RECORD_CLEAR, apply_duplicate_key},
    {VERDICT_DUPLICATE_KEY, RECORD_FUND, apply_duplicate_reference},
    {VERDICT_INSUFFICIENT_FUNDS, RECORD_PAY, apply_insufficient},
    {VERDICT_CAP, RECORD_CLEAR, apply_cap},
    {VERDICT_CAP, RECORD_CLEAR, apply_cap_without_limit},
    {VERDICT_COVER, RECORD_CLEAR, apply_cover},
    {VERDICT_FLOOR, RECORD_PAY, apply_covered_floor},
    {VERDICT_FEE_NOT_MANDATED, RECORD_PAY, apply_pay_pulls_from_payee},
    {VERDICT_FEE_NOT_MANDATED, RECORD_PAY, apply_pay_pulls_from_network},
    {VERDICT_FEE_NOT_MANDATED, RECORD_REFUND, apply_refund_pulls_from_payer},
    {VERDICT_FEE_NOT_MANDATED, RECORD_REFUND, apply_refund_pulls_from_network},
    {VERDICT_FEE_NOT_MANDATED, RECORD_REFUND, apply_refund_of_network_pulls_from_payee},
};

const size_t RECORD_ROW_COUNT = sizeof RECORD_ROWS / sizeof RECORD_ROWS[0];

/* A sound record of the kind: 1 pays 2; a REFUND returns up to 1,000 of a posted CLEAR. */
struct attempt verdict_sound(struct ledger_fixture *f, enum record_kind kind)
{
    struct attempt attempt = {.fixture = f, .submitter = 1};
    if (kind == RECORD_CLEAR) {
        attempt.record = fixture_clear(f, 1, 2, 1000);
    } else if (kind == RECORD_PAY) {
        struct record fund = fixture_fund(f, 1, 1000000);
        assert_int_equal(fixture_file(f, FIXTURE_AGENT, fund), VERDICT_POSTED);
        attempt.record = fixture_pay(f, 1, 2, 1000);
    } else if (kind == RECORD_FUND) {
        attempt.submitter = FIXTURE_AGENT;
        attempt.record = fixture_fund(f, 1, 1000);
    } else {
        struct record original = fixture_clear(f, 1, 2, 1000);
        assert_int_equal(fixture_file(f, 1, original), VERDICT_POSTED);
        attempt.submitter = 2;
        attempt.record = fixture_refund(f, &original, 1, 400);
    }
    return attempt;
}
