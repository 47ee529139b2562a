/* state_rows: what the state makes of a record, and the network of all rows (see verdict_rows.h).
 */
#include "tests/tables/verdict_rows.h"

#include "base/check.h"
#include "tests/support/ledger_acts.h"

#define PAYER 1
#define PAYEE 2
#define MEMBER 3
#define NETWORK FIXTURE_NETWORK
#define SUSPENDED_ONE 7
#define CHARGEBACK_MS 100000u

struct ledger_fixture *verdict_network(void)
{
    struct ledger_fixture *f = fixture_new();
    f->genesis.block_records = 64;
    f->participants[MEMBER - 1].settles_through = FIXTURE_COVERED;
    f->schemes[0].chargeback_s = CHARGEBACK_MS / 1000;
    f->schemes[0].represent_s = 20;
    f->schemes[1].flags = SCHEME_FEES_BINDING;
    f->schemes[1].fee_rule_count = 1;
    f->schemes[1].fee_rules[0] = (struct fee_rule){.from_date = 20160906,
                                                   .mcc_to = 9999,
                                                   .which = FEE_INTERCHANGE,
                                                   .rounding = ROUND_DOWN,
                                                   .rate_ppm = 10000};
    f->schemes[2].submitters |= SIDE_NETWORK;
    f->genesis.parameters.queue_max = 3;
    f->genesis.parameters.queue_quota = 2;
    fixture_start(f);
    return f;
}

/* Filed by another before the row; it must be taken. */
static void before(struct attempt *attempt, uint32_t submitter, struct record record)
{
    unsigned verdict = fixture_file(attempt->fixture, submitter, record);
    CHECK(verdict_is_accepted(verdict));
}

static struct record again(struct ledger_fixture *f, const struct record *record)
{
    struct record copy = *record;
    copy.id = fixture_id(++f->next_id);
    return copy;
}

/* A fresh match key, far from the ids that other rows use as keys. */
static uint64_t fresh_key(struct ledger_fixture *f)
{
    return 1000000000u + ++f->next_id;
}

static void by(struct attempt *attempt, uint32_t submitter, struct record record)
{
    attempt->submitter = submitter;
    attempt->record = record;
}

/* A half that its first side has filed; the attempt is the second side's, the same but for its id.
 */
static struct record other_half(struct attempt *attempt, uint32_t first, uint32_t second)
{
    struct ledger_fixture *f = attempt->fixture;
    struct record half = acts_half(f, PAYER, PAYEE, 500, fresh_key(f));
    before(attempt, first, half);
    by(attempt, second, again(f, &half));
    return half;
}

static struct record posted(struct attempt *attempt)
{
    struct record clear = fixture_clear(attempt->fixture, PAYER, PAYEE, 1000);
    before(attempt, PAYER, clear);
    return clear;
}

static struct record act(struct attempt *attempt, enum record_kind kind,
                         const struct record *original, uint64_t amount)
{
    struct record record = acts_on(attempt->fixture, kind, original, PAYER);
    record.amount = amount;
    return record;
}

static struct record own_money(struct ledger_fixture *f, enum record_kind kind, uint64_t amount)
{
    struct record record = fixture_pay(f, PAYER, 0, amount);
    record.kind = (uint16_t)kind;
    record.scheme = 0;
    return record;
}

/* ---- Accepted ---- */

static void pending(struct attempt *a)
{
    by(a, PAYER, acts_half(a->fixture, PAYER, PAYEE, 5, fresh_key(a->fixture)));
}

static void matched(struct attempt *a)
{
    (void)other_half(a, PAYER, PAYEE);
}

static void confirmed(struct attempt *a)
{
    struct record clear = fixture_clear(a->fixture, PAYER, PAYEE, 5);
    clear.match_key = fixture_id(fresh_key(a->fixture));
    before(a, PAYEE, clear);
    by(a, PAYER, again(a->fixture, &clear));
}

static void exception_payer(struct attempt *a)
{
    (void)other_half(a, NETWORK, PAYEE);
    a->record.payer = MEMBER;
    a->record.amount++; /* the first field that differs names it */
}

static void exception_payee(struct attempt *a)
{
    (void)other_half(a, NETWORK, PAYER);
    a->record.payee = MEMBER;
}

static void exception_amount(struct attempt *a)
{
    (void)other_half(a, PAYER, PAYEE);
    a->record.amount++;
    a->record.payer_fee = 1;
}

static void exception_interchange(struct attempt *a)
{
    (void)other_half(a, PAYER, PAYEE);
    a->record.interchange = 1;
}

static void exception_payer_fee(struct attempt *a)
{
    (void)other_half(a, PAYER, PAYEE);
    a->record.payer_fee = 1;
}

static void exception_payee_fee(struct attempt *a)
{
    (void)other_half(a, PAYER, PAYEE);
    a->record.payee_fee = 1;
}

static void exception_date(struct attempt *a)
{
    (void)other_half(a, PAYER, PAYEE);
    a->record.business_date = 20261122;
}

/* ---- Form and authority of the kinds that act ---- */

static void amount_not_zero(struct attempt *a)
{
    struct record clear = posted(a);
    by(a, PAYEE, act(a, RECORD_AFFIRM, &clear, 1));
}

static void payee_not_zero(struct attempt *a)
{
    by(a, PAYER, own_money(a->fixture, RECORD_PLEDGE, 5));
    a->record.payee = PAYEE;
}

static void key_not_zero(struct attempt *a)
{
    by(a, PAYER, own_money(a->fixture, RECORD_PLEDGE, 5));
    a->record.match_key = fixture_id(5);
}

static void timeout_not_zero(struct attempt *a)
{
    by(a, PAYER, own_money(a->fixture, RECORD_PLEDGE, 5));
    a->record.timeout_s = 1;
}

static void priority_unknown(struct attempt *a)
{
    a->record.flags = RECORD_QUEUE;
    a->record.priority = 3;
}

static void suspend(struct attempt *a)
{
    uint32_t index = number_map_find(&a->fixture->ledger->registry.participants, SUSPENDED_ONE);
    refdata_set_standing(a->fixture->ledger, index, STANDING_SUSPENDED);
}

static void suspended(struct attempt *a)
{
    suspend(a);
    by(a, SUSPENDED_ONE, fixture_clear(a->fixture, SUSPENDED_ONE, PAYEE, 1));
}

static void suspended_payer(struct attempt *a)
{
    suspend(a);
    by(a, PAYEE, fixture_clear(a->fixture, SUSPENDED_ONE, PAYEE, 1));
}

static void suspended_payee_files(struct attempt *a)
{
    suspend(a);
    by(a, SUSPENDED_ONE, fixture_clear(a->fixture, PAYER, SUSPENDED_ONE, 1));
}

static void no_disputes(struct attempt *a)
{
    struct record clear = fixture_clear(a->fixture, PAYER, PAYEE, 10);
    clear.scheme = 30;
    before(a, PAYER, clear);
    by(a, PAYER, act(a, RECORD_CHARGEBACK, &clear, 1));
}

static void timeout_too_long(struct attempt *a)
{
    by(a, PAYER, acts_hold(a->fixture, PAYER, PAYEE, 10));
    a->record.timeout_s = 61;
}

static void no_queue(struct attempt *a)
{
    a->record.scheme = 21;
    a->record.flags = RECORD_QUEUE;
}

/* ---- References and states ---- */

static void key_of_others(struct attempt *a)
{
    (void)other_half(a, PAYER, MEMBER);
    a->record.payer = MEMBER;
}

static void key_in_exception(struct attempt *a)
{
    struct record half = other_half(a, PAYER, PAYEE);
    struct record unequal = a->record;
    unequal.amount++;
    before(a, PAYEE, unequal);
    by(a, NETWORK, again(a->fixture, &half));
    a->record.amount--;
}

static void key_differs(struct attempt *a)
{
    confirmed(a);
    a->record.amount++;
}

static void key_ended(struct attempt *a)
{
    struct record half = other_half(a, PAYER, PAYEE);
    before(a, PAYEE, act(a, RECORD_REJECT, &half, 0));
}

static void not_pending(struct attempt *a)
{
    struct record clear = posted(a);
    by(a, PAYEE, act(a, RECORD_REJECT, &clear, 0));
}

static void ended(struct attempt *a)
{
    struct record clear = posted(a);
    before(a, PAYEE, act(a, RECORD_REVERSE, &clear, 0));
    by(a, PAYEE, act(a, RECORD_REFUND, &clear, 1));
}

static void expired(struct attempt *a)
{
    struct record hold = acts_hold(a->fixture, PAYER, PAYEE, 10);
    before(a, PAYER, hold);
    acts_wait(a->fixture, 60000);
    by(a, PAYEE, act(a, RECORD_CAPTURE, &hold, 1));
}

static void already_returned(struct attempt *a)
{
    struct record clear = posted(a);
    before(a, PAYEE, act(a, RECORD_REFUND, &clear, 1));
    by(a, PAYEE, act(a, RECORD_REVERSE, &clear, 0));
}

/* A chargeback of a posted CLEAR. */
static struct record disputed(struct attempt *a)
{
    struct record clear = posted(a);
    struct record chargeback = act(a, RECORD_CHARGEBACK, &clear, 100);
    before(a, PAYER, chargeback);
    by(a, PAYER, act(a, RECORD_CHARGEBACK, &clear, 1));
    return chargeback;
}

static void already_disputed(struct attempt *a)
{
    (void)disputed(a);
}

static void wrong_stage(struct attempt *a)
{
    struct record chargeback = disputed(a);
    by(a, PAYEE, act(a, RECORD_DECLINE, &chargeback, 0));
}

static void too_late(struct attempt *a)
{
    struct record clear = posted(a);
    acts_wait(a->fixture, CHARGEBACK_MS);
    by(a, PAYER, act(a, RECORD_CHARGEBACK, &clear, 1001));
}

static void already_heard(struct attempt *a)
{
    struct record clear = posted(a);
    by(a, PAYER, act(a, RECORD_AFFIRM, &clear, 0));
}

static void not_awaited(struct attempt *a)
{
    struct record pay = a->record;
    pay.scheme = 21;
    before(a, PAYER, pay);
    by(a, PAYER, act(a, RECORD_AFFIRM, &pay, 0));
}

static void exceeds_hold(struct attempt *a)
{
    struct record hold = acts_hold(a->fixture, PAYER, PAYEE, 10);
    before(a, PAYER, hold);
    by(a, PAYEE, act(a, RECORD_CAPTURE, &hold, 11));
}

/* ---- Money ---- */

static void fee_differs(struct attempt *a)
{
    by(a, PAYEE, fixture_clear(a->fixture, PAYER, PAYEE, 1000));
    a->record.scheme = 11;
    a->record.interchange = 9; /* 1 % is 10 */
}

static void sponsor_cap(struct attempt *a)
{
    by(a, MEMBER, fixture_clear(a->fixture, MEMBER, PAYEE, 60000000));
}

static void sponsor_cover(struct attempt *a)
{
    by(a, MEMBER, fixture_clear(a->fixture, MEMBER, PAYEE, 60000));
}

/* A payment that nobody could make. */
static struct record huge(struct ledger_fixture *f, uint32_t payer)
{
    struct record pay = fixture_pay(f, payer, PAYER, 900000000);
    pay.flags = RECORD_QUEUE;
    return pay;
}

static void queued(struct attempt *a)
{
    by(a, MEMBER, huge(a->fixture, MEMBER));
}

static void queued_before(struct attempt *a)
{
    before(a, MEMBER, huge(a->fixture, MEMBER));
    before(a, FIXTURE_AGENT, fixture_fund(a->fixture, MEMBER, 100));
    by(a, MEMBER, fixture_pay(a->fixture, MEMBER, PAYER, 1));
}

static void queue_quota(struct attempt *a)
{
    before(a, MEMBER, huge(a->fixture, MEMBER));
    before(a, MEMBER, huge(a->fixture, MEMBER));
    by(a, MEMBER, huge(a->fixture, MEMBER));
}

static void queue_full(struct attempt *a)
{
    before(a, MEMBER, huge(a->fixture, MEMBER));
    before(a, MEMBER, huge(a->fixture, MEMBER));
    before(a, PAYEE, huge(a->fixture, PAYEE));
    by(a, PAYEE, huge(a->fixture, PAYEE));
}

/* ---- Cycles ---- */

static void cycle_closed(struct attempt *a)
{
    struct record clear = posted(a);
    acts_pass(a->fixture, 24ull * 3600 * 1000);
    by(a, PAYEE, act(a, RECORD_REVERSE, &clear, 0));
}

const struct verdict_row STATE_ROWS[] = {
    {VERDICT_PENDING, RECORD_CLEAR, pending},
    {VERDICT_QUEUED, RECORD_CLEAR, queued},
    {VERDICT_MATCHED, RECORD_CLEAR, matched},
    {VERDICT_CONFIRMED, RECORD_CLEAR, confirmed},
    {VERDICT_EXCEPTION_PAYER, RECORD_CLEAR, exception_payer},
    {VERDICT_EXCEPTION_PAYEE, RECORD_CLEAR, exception_payee},
    {VERDICT_EXCEPTION_AMOUNT, RECORD_CLEAR, exception_amount},
    {VERDICT_EXCEPTION_INTERCHANGE, RECORD_CLEAR, exception_interchange},
    {VERDICT_EXCEPTION_PAYER_FEE, RECORD_CLEAR, exception_payer_fee},
    {VERDICT_EXCEPTION_PAYEE_FEE, RECORD_CLEAR, exception_payee_fee},
    {VERDICT_EXCEPTION_BUSINESS_DATE, RECORD_CLEAR, exception_date},
    {VERDICT_TIMEOUT_NOT_ZERO, RECORD_CLEAR, timeout_not_zero},
    {VERDICT_AMOUNT_NOT_ZERO, RECORD_CLEAR, amount_not_zero},
    {VERDICT_PAYEE_NOT_ZERO, RECORD_CLEAR, payee_not_zero},
    {VERDICT_MATCH_KEY_NOT_ZERO, RECORD_CLEAR, key_not_zero},
    {VERDICT_PRIORITY_UNKNOWN, RECORD_PAY, priority_unknown},
    {VERDICT_SUSPENDED, RECORD_CLEAR, suspended},
    {VERDICT_SUSPENDED, RECORD_CLEAR, suspended_payer},
    {VERDICT_SUSPENDED, RECORD_CLEAR, suspended_payee_files},
    {VERDICT_NO_DISPUTES, RECORD_CLEAR, no_disputes},
    {VERDICT_TIMEOUT_TOO_LONG, RECORD_CLEAR, timeout_too_long},
    {VERDICT_QUEUE_NOT_IN_SCHEME, RECORD_PAY, no_queue},
    {VERDICT_EXCEEDS_REMAINING, RECORD_CLEAR, exceeds_hold},
    {VERDICT_KEY_OF_OTHERS, RECORD_CLEAR, key_of_others},
    {VERDICT_KEY_IN_EXCEPTION, RECORD_CLEAR, key_in_exception},
    {VERDICT_KEY_DIFFERS, RECORD_CLEAR, key_differs},
    {VERDICT_KEY_ENDED, RECORD_CLEAR, key_ended},
    {VERDICT_NOT_PENDING, RECORD_CLEAR, not_pending},
    {VERDICT_ENDED, RECORD_CLEAR, ended},
    {VERDICT_EXPIRED, RECORD_CLEAR, expired},
    {VERDICT_ALREADY_RETURNED, RECORD_CLEAR, already_returned},
    {VERDICT_ALREADY_DISPUTED, RECORD_CLEAR, already_disputed},
    {VERDICT_WRONG_STAGE, RECORD_CLEAR, wrong_stage},
    {VERDICT_TOO_LATE, RECORD_CLEAR, too_late},
    {VERDICT_ALREADY_HEARD, RECORD_CLEAR, already_heard},
    {VERDICT_NOT_AWAITED, RECORD_PAY, not_awaited},
    {VERDICT_FEE_DIFFERS, RECORD_CLEAR, fee_differs},
    {VERDICT_SPONSOR_CAP, RECORD_CLEAR, sponsor_cap},
    {VERDICT_SPONSOR_COVER, RECORD_CLEAR, sponsor_cover},
    {VERDICT_QUEUED_BEFORE, RECORD_CLEAR, queued_before},
    {VERDICT_QUEUE_FULL, RECORD_CLEAR, queue_full},
    {VERDICT_QUEUE_QUOTA, RECORD_CLEAR, queue_quota},
    {VERDICT_CYCLE_CLOSED, RECORD_CLEAR, cycle_closed},
};

const size_t STATE_ROW_COUNT = sizeof STATE_ROWS / sizeof STATE_ROWS[0];
