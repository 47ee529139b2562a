/*
 * Goal: every arrow of the dispute ladder, its deadlines and silence rules, who has the money after
 * each step, and that the returned total never exceeds what was posted (docs/ledger.md, Disputes).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "ledger/genesis_rows.h"
#include "tests/support/ledger_acts.h"
#include "tests/support/ledger_governed.h"

#define PAYER 1
#define PAYEE 2
#define NETWORK FIXTURE_NETWORK
#define AMOUNT 1000

static struct ledger_fixture *start_with(uint32_t represent_s, uint32_t pre_arbitrate_s)
{
    struct ledger_fixture *f = fixture_new();
    f->genesis.block_records = 64;
    f->schemes[0].chargeback_s = 100;
    f->schemes[0].represent_s = represent_s;
    f->schemes[0].pre_arbitrate_s = pre_arbitrate_s;
    f->schemes[0].answer_s = pre_arbitrate_s == 0 ? 0 : 15;
    f->schemes[0].rule_s = pre_arbitrate_s == 0 ? 0 : 40;
    fixture_start(f);
    return f;
}

static struct ledger_fixture *start(void)
{
    return start_with(20, 25);
}

struct dispute {
    struct record original;
    struct record chargeback;
    int64_t net; /* of the payer, with the original posted and undisputed */
};

static struct dispute charge_back(struct ledger_fixture *f)
{
    struct dispute dispute = {.original = fixture_clear(f, PAYER, PAYEE, AMOUNT)};
    assert_int_equal(fixture_file(f, PAYEE, dispute.original), VERDICT_POSTED);
    dispute.net = acts_net(f, PAYER);
    dispute.chargeback = acts_on(f, RECORD_CHARGEBACK, &dispute.original, PAYEE);
    dispute.chargeback.amount = AMOUNT;
    assert_int_equal(fixture_file(f, PAYER, dispute.chargeback), VERDICT_POSTED);
    return dispute;
}

static unsigned step(struct ledger_fixture *f, const struct dispute *dispute, enum record_kind kind,
                     unsigned flags)
{
    uint32_t by = kind == RECORD_RULE                                       ? NETWORK
                  : kind == RECORD_PRE_ARBITRATE || kind == RECORD_WITHDRAW ? PAYER
                                                                            : PAYEE;
    struct record record = acts_on(f, kind, &dispute->chargeback, PAYER);
    record.flags = (uint8_t)flags;
    return fixture_file(f, by, record);
}

static void expect(struct ledger_fixture *f, const struct dispute *dispute, unsigned state,
                   bool payer_has_money)
{
    assert_int_equal(acts_state(f, PAYER, &dispute->chargeback), state);
    assert_int_equal(acts_net(f, PAYER) - dispute->net, payer_has_money ? AMOUNT : 0);
    struct acts_life life = acts_life(f, PAYEE, &dispute->original);
    assert_int_equal(life.row.state, LIFE_POSTED);
    assert_int_equal(life.row.returned, payer_has_money ? AMOUNT : 0);
    assert_int_equal(life.row.flags, LIFE_FLAG_DISPUTED);
}

static void test_the_whole_ladder(void **state)
{
    (void)state;
    struct ledger_fixture *f = start();
    for (unsigned for_payer = 0; for_payer < 2; for_payer++) {
        struct dispute dispute = charge_back(f);
        expect(f, &dispute, LIFE_CHARGED_BACK, true);
        assert_int_equal(step(f, &dispute, RECORD_REPRESENT, 0), VERDICT_POSTED);
        expect(f, &dispute, LIFE_REPRESENTED, false);
        fixture_reload(f);
        assert_int_equal(step(f, &dispute, RECORD_PRE_ARBITRATE, 0), VERDICT_POSTED);
        expect(f, &dispute, LIFE_PRE_ARBITRATED, true);
        assert_int_equal(step(f, &dispute, RECORD_DECLINE, 0), VERDICT_POSTED);
        expect(f, &dispute, LIFE_IN_ARBITRATION, true);
        unsigned flags = for_payer != 0 ? RECORD_OUTCOME : 0;
        assert_int_equal(step(f, &dispute, RECORD_RULE, flags), VERDICT_POSTED);
        expect(f, &dispute, for_payer != 0 ? LIFE_STANDS : LIFE_DROPPED, for_payer != 0);
        struct event_row events[8];
        assert_int_equal(acts_events(f, PAYER, &dispute.chargeback, events, 8), 4);
        assert_int_equal(events[0].cause, RECORD_RULE);
        assert_int_equal(events[0].amount, for_payer != 0 ? 0 : AMOUNT);
        assert_int_equal(acts_events(f, PAYEE, &dispute.original, events, 8),
                         for_payer != 0 ? 3 : 4);
        for (unsigned kind = RECORD_ACCEPT; kind <= RECORD_RULE; kind++) {
            assert_int_equal(step(f, &dispute, kind, 0), VERDICT_ENDED);
        }
    }
    fixture_free(f);
}

/* Brings a new dispute to a state. */
static struct dispute at_stage(struct ledger_fixture *f, unsigned state)
{
    struct dispute dispute = charge_back(f);
    static const enum record_kind STEPS[] = {RECORD_REPRESENT, RECORD_PRE_ARBITRATE,
                                             RECORD_DECLINE};
    for (unsigned i = 0; i < state - LIFE_CHARGED_BACK; i++) {
        assert_int_equal(step(f, &dispute, STEPS[i], 0), VERDICT_POSTED);
    }
    return dispute;
}

/* Every step in every state: the table of the documentation, whole. */
static void test_each_step_in_each_state(void **state)
{
    (void)state;
    static const struct {
        enum record_kind kind;
        unsigned from;
        unsigned to;
        bool payer_has_money;
    } ARROWS[] = {
        {RECORD_ACCEPT, LIFE_CHARGED_BACK, LIFE_STANDS, true},
        {RECORD_REPRESENT, LIFE_CHARGED_BACK, LIFE_REPRESENTED, false},
        {RECORD_PRE_ARBITRATE, LIFE_REPRESENTED, LIFE_PRE_ARBITRATED, true},
        {RECORD_ACCEPT, LIFE_PRE_ARBITRATED, LIFE_STANDS, true},
        {RECORD_DECLINE, LIFE_PRE_ARBITRATED, LIFE_IN_ARBITRATION, true},
        {RECORD_RULE, LIFE_IN_ARBITRATION, LIFE_DROPPED, false},
        {RECORD_WITHDRAW, LIFE_CHARGED_BACK, LIFE_DROPPED, false},
        {RECORD_WITHDRAW, LIFE_REPRESENTED, LIFE_DROPPED, false},
        {RECORD_WITHDRAW, LIFE_PRE_ARBITRATED, LIFE_DROPPED, false},
        {RECORD_WITHDRAW, LIFE_IN_ARBITRATION, LIFE_DROPPED, false},
    };
    const unsigned arrow_count = sizeof ARROWS / sizeof ARROWS[0];
    struct ledger_fixture *f = start();
    unsigned taken = 0;
    for (unsigned from = LIFE_CHARGED_BACK; from <= LIFE_IN_ARBITRATION; from++) {
        for (unsigned kind = RECORD_ACCEPT; kind <= RECORD_RULE; kind++) {
            struct dispute dispute = at_stage(f, from);
            unsigned verdict = step(f, &dispute, kind, 0);
            unsigned at = 0;
            while (at < arrow_count && (ARROWS[at].kind != kind || ARROWS[at].from != from)) {
                at++;
            }
            if (at == arrow_count) {
                assert_int_equal(verdict, VERDICT_WRONG_STAGE);
                continue;
            }
            assert_int_equal(verdict, VERDICT_POSTED);
            expect(f, &dispute, ARROWS[at].to, ARROWS[at].payer_has_money);
            taken++;
        }
    }
    assert_int_equal(taken, arrow_count);
    fixture_free(f);
}

/* Silence: each state, at its exact deadline; a step at that instant is too late. */
static void test_silence(void **state)
{
    (void)state;
    static const struct {
        unsigned from;
        uint32_t seconds;
        unsigned to;
        bool payer_has_money;
        enum record_kind step;
    } SILENCES[] = {
        {LIFE_CHARGED_BACK, 20, LIFE_STANDS, true, RECORD_REPRESENT},
        {LIFE_REPRESENTED, 25, LIFE_DROPPED, false, RECORD_PRE_ARBITRATE},
        {LIFE_PRE_ARBITRATED, 15, LIFE_STANDS, true, RECORD_DECLINE},
        {LIFE_IN_ARBITRATION, 40, LIFE_STANDS, true, RECORD_RULE},
    };
    struct ledger_fixture *f = start();
    for (unsigned i = 0; i < 4; i++) {
        struct dispute dispute = at_stage(f, SILENCES[i].from);
        uint64_t due_ms = acts_life(f, PAYER, &dispute.chargeback).row.due_ms;
        uint64_t now_ms = ledger_store_header(f->store)->timestamp_ms;
        assert_true(due_ms == now_ms + 1000ull * SILENCES[i].seconds);
        acts_pass(f, due_ms - now_ms - 1);
        assert_int_equal(acts_state(f, PAYER, &dispute.chargeback), SILENCES[i].from);
        /* The sweep comes before the records of the same block. */
        acts_wait(f, 1);
        assert_int_equal(step(f, &dispute, SILENCES[i].step, 0), VERDICT_ENDED);
        expect(f, &dispute, SILENCES[i].to, SILENCES[i].payer_has_money);
        struct event_row event;
        assert_true(acts_events(f, PAYER, &dispute.chargeback, &event, 1) > 0);
        assert_int_equal(event.cause, CAUSE_SILENCE);
    }
    fixture_free(f);
}

/* A step that is due but not yet swept, because the block sweeps only so much. */
static void test_too_late_before_the_sweep(void **state)
{
    (void)state;
    struct ledger_fixture *f = fixture_new();
    f->genesis.block_records = 1;
    f->schemes[0].chargeback_s = 100;
    f->schemes[0].represent_s = 30;
    fixture_start(f);
    for (unsigned i = 0; i < 2; i++) { /* what is swept before it */
        struct record hold = acts_hold(f, PAYER, PAYEE, 1);
        hold.timeout_s = 10;
        assert_int_equal(fixture_file(f, PAYER, hold), VERDICT_PENDING);
    }
    struct dispute dispute = charge_back(f);
    acts_wait(f, 50000);
    assert_int_equal(step(f, &dispute, RECORD_REPRESENT, 0), VERDICT_TOO_LATE);
    expect(f, &dispute, LIFE_CHARGED_BACK, true);
    acts_pass(f, 1);
    expect(f, &dispute, LIFE_STANDS, true);
    fixture_free(f);
}

static void test_short_ladders(void **state)
{
    (void)state;
    struct ledger_fixture *f = start_with(0, 0);
    struct dispute dispute = charge_back(f);
    expect(f, &dispute, LIFE_STANDS, true);
    assert_int_equal(ledger_store_count(f->store, TABLE_EXPIRY), 0);
    fixture_free(f);
    f = start_with(20, 0);
    dispute = charge_back(f);
    assert_int_equal(step(f, &dispute, RECORD_REPRESENT, 0), VERDICT_POSTED);
    expect(f, &dispute, LIFE_DROPPED, false);
    fixture_free(f);
}

static void test_what_a_chargeback_needs(void **state)
{
    (void)state;
    struct ledger_fixture *f = start();
    struct record rural = fixture_clear(f, PAYER, PAYEE, AMOUNT);
    rural.scheme = 30;
    assert_int_equal(fixture_file(f, PAYER, rural), VERDICT_POSTED);
    struct record chargeback = acts_on(f, RECORD_CHARGEBACK, &rural, 0);
    chargeback.amount = 1;
    assert_int_equal(fixture_file(f, PAYER, chargeback), VERDICT_NO_DISPUTES);

    struct record clear = fixture_clear(f, PAYER, PAYEE, AMOUNT);
    assert_int_equal(fixture_file(f, PAYER, clear), VERDICT_POSTED);
    assert_int_equal(fixture_file(f, PAYEE, fixture_refund(f, &clear, PAYER, 400)), VERDICT_POSTED);
    chargeback = acts_on(f, RECORD_CHARGEBACK, &clear, 0);
    chargeback.amount = 601;
    assert_int_equal(fixture_file(f, PAYER, chargeback), VERDICT_EXCEEDS_REMAINING);
    chargeback = acts_on(f, RECORD_CHARGEBACK, &clear, 0);
    chargeback.amount = 600;
    assert_int_equal(fixture_file(f, PAYER, chargeback), VERDICT_POSTED);
    assert_int_equal(fixture_file(f, PAYEE, fixture_refund(f, &clear, PAYER, 1)),
                     VERDICT_EXCEEDS_REMAINING);
    /* Once for ever, whatever becomes of it. */
    struct record withdraw = acts_on(f, RECORD_WITHDRAW, &chargeback, 0);
    assert_int_equal(fixture_file(f, PAYER, withdraw), VERDICT_POSTED);
    struct record again = acts_on(f, RECORD_CHARGEBACK, &clear, 0);
    again.amount = 1;
    assert_int_equal(fixture_file(f, PAYER, again), VERDICT_ALREADY_DISPUTED);
    struct record reverse = acts_on(f, RECORD_REVERSE, &clear, PAYER);
    assert_int_equal(fixture_file(f, PAYEE, reverse), VERDICT_ALREADY_RETURNED);

    clear = fixture_clear(f, PAYER, PAYEE, AMOUNT);
    assert_int_equal(fixture_file(f, PAYER, clear), VERDICT_POSTED);
    acts_wait(f, 100000);
    chargeback = acts_on(f, RECORD_CHARGEBACK, &clear, 0);
    chargeback.amount = AMOUNT + 1; /* late decides before too much */
    assert_int_equal(fixture_file(f, PAYER, chargeback), VERDICT_TOO_LATE);
    fixture_free(f);
}

/* Refunds used up what a pre-arbitration would take back. */
static void test_refunded_meanwhile(void **state)
{
    (void)state;
    struct ledger_fixture *f = start();
    struct dispute dispute = at_stage(f, LIFE_REPRESENTED);
    struct record refund = fixture_refund(f, &dispute.original, 0, 1);
    assert_int_equal(fixture_file(f, PAYEE, refund), VERDICT_POSTED);
    assert_int_equal(step(f, &dispute, RECORD_PRE_ARBITRATE, 0), VERDICT_EXCEEDS_REMAINING);
    assert_int_equal(acts_state(f, PAYER, &dispute.chargeback), LIFE_REPRESENTED);
    struct record reverse = acts_on(f, RECORD_REVERSE, &dispute.original, 0);
    assert_int_equal(fixture_file(f, PAYEE, reverse), VERDICT_ALREADY_RETURNED);
    fixture_free(f);
}

/* Operators shorten the ladder of the disputed scheme to chargeback and representment. */
static void drop_pre_arbitration(struct ledger_fixture *f)
{
    uint8_t body[8192];
    struct writer writer = writer_over(body, sizeof body);
    struct genesis_scheme row = f->ledger->refdata.now.schemes[0];
    row.represent_s = 7;
    row.pre_arbitrate_s = 0;
    row.answer_s = 0;
    row.rule_s = 0;
    writer_u16(&writer, ACTION_VERSION);
    writer_u16(&writer, ACTION_SCHEME);
    writer_u32(&writer, 0);
    genesis_encode_scheme(&row, &writer);
    assert_false(writer.failed);
    struct hash id = fixture_body(f, BATCH_ACTION, FIXTURE_AGENT, 1, body, writer.used);
    fixture_block(f);
    assert_int_equal(fixture_verdict(f, 0, 0), VERDICT_POSTED);
    const struct action approval = action_answering(ACTION_APPROVE, &id);
    assert_int_equal(fixture_act(f, FIXTURE_AGENT, 2, &approval, NULL), VERDICT_POSTED);
    assert_int_equal(f->ledger->refdata.now.schemes[0].answer_s, 0);
}

static uint64_t due_of(struct ledger_fixture *f, const struct dispute *dispute)
{
    return acts_life(f, PAYER, &dispute->chargeback).row.due_ms;
}

/* Each step keeps the deadline that it was taken with. Steps taken later follow the scheme as it is
   then; an answer without a period waits, since nobody's silence decides. */
static void test_a_ladder_that_changes(void **state)
{
    (void)state;
    struct ledger_fixture *f = fixture_new();
    struct dispute disputes[4];
    uint64_t due_ms[4];
    f->genesis.block_records = 64;
    governed_policies(&f->genesis, 2);
    fixture_governed(f, 1);
    f->schemes[0].chargeback_s = 100;
    f->schemes[0].represent_s = 20;
    f->schemes[0].pre_arbitrate_s = 25;
    f->schemes[0].answer_s = 15;
    f->schemes[0].rule_s = 40;
    fixture_start(f);
    for (unsigned i = 0; i < 4; i++) {
        disputes[i] = at_stage(f, LIFE_CHARGED_BACK + i);
        due_ms[i] = due_of(f, &disputes[i]);
    }
    drop_pre_arbitration(f);
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(due_of(f, &disputes[i]), due_ms[i]);
    }
    fixture_reload(f);
    assert_int_equal(step(f, &disputes[0], RECORD_REPRESENT, 0), VERDICT_POSTED);
    assert_int_equal(acts_state(f, PAYER, &disputes[0].chargeback), LIFE_DROPPED);
    assert_int_equal(step(f, &disputes[1], RECORD_PRE_ARBITRATE, 0), VERDICT_POSTED);
    assert_int_equal(acts_state(f, PAYER, &disputes[1].chargeback), LIFE_PRE_ARBITRATED);
    assert_int_equal(due_of(f, &disputes[1]), 0);
    /* Silence where there was a deadline, at that deadline. */
    uint64_t now_ms = ledger_store_header(f->store)->timestamp_ms;
    acts_pass(f, due_ms[2] - now_ms - 1);
    assert_int_equal(acts_state(f, PAYER, &disputes[2].chargeback), LIFE_PRE_ARBITRATED);
    acts_pass(f, 1);
    assert_int_equal(acts_state(f, PAYER, &disputes[2].chargeback), LIFE_STANDS);
    acts_pass(f, 100000);
    assert_int_equal(acts_state(f, PAYER, &disputes[3].chargeback), LIFE_STANDS);
    /* The one that waits without a deadline still has every way out. */
    assert_int_equal(acts_state(f, PAYER, &disputes[1].chargeback), LIFE_PRE_ARBITRATED);
    assert_int_equal(step(f, &disputes[1], RECORD_DECLINE, 0), VERDICT_POSTED);
    assert_int_equal(due_of(f, &disputes[1]), 0);
    acts_pass(f, 100000);
    assert_int_equal(step(f, &disputes[1], RECORD_RULE, 0), VERDICT_POSTED);
    assert_int_equal(acts_state(f, PAYER, &disputes[1].chargeback), LIFE_DROPPED);
    fixture_free(f);
}

static void test_disputed_cannot_be_reversed(void **state)
{
    (void)state;
    struct ledger_fixture *f = start();
    struct dispute dispute = at_stage(f, LIFE_REPRESENTED);
    struct record reverse = acts_on(f, RECORD_REVERSE, &dispute.original, 0);
    assert_int_equal(fixture_file(f, PAYEE, reverse), VERDICT_ALREADY_DISPUTED);
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_whole_ladder),
        cmocka_unit_test(test_each_step_in_each_state),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_too_late_before_the_sweep),
        cmocka_unit_test(test_short_ladders),
        cmocka_unit_test(test_what_a_chargeback_needs),
        cmocka_unit_test(test_refunded_meanwhile),
        cmocka_unit_test(test_a_ladder_that_changes),
        cmocka_unit_test(test_disputed_cannot_be_reversed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
