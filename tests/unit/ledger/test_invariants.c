/*
 * Goal: every sentence of docs/ledger.md, Invariants, can fire: one field of the state is spoiled,
 * and the block that meets it, or the loading, says just that. Three tables: spoiled before a block
 * that then cannot be executed; spoiled by the block itself, between its records and its check; and
 * spoiled on disk, with roots that fit.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ledger/group.h"
#include "ledger/invariant.h"
#include "ledger/outcome.h"
#include "ledger/page_build.h"
#include "tests/support/ledger_acts.h"

#define CNY 0u
#define OWED_AFTER_DEFAULT 100

/* What is spoiled, the block that meets it, the sentence. */
struct breach {
    const char *expected;
    void (*spoil)(struct ledger_fixture *f);
    void (*meet)(struct ledger_fixture *f);
};

static struct account *own(struct ledger_fixture *f, uint32_t participant, enum account_class class)
{
    return ledger_account(f->ledger, participant - 1, CNY, class);
}

static struct account *hub(struct ledger_fixture *f, enum account_class class)
{
    return &f->ledger->accounts[account_number_hub(CNY, class)];
}

static void debit(struct account *account, uint64_t amount)
{
    account->totals[TOTAL_DEBITS_POSTED].minor += amount;
}

static void credit(struct account *account, uint64_t amount)
{
    account->totals[TOTAL_CREDITS_POSTED].minor += amount;
}

static struct record own_money(struct ledger_fixture *f, enum record_kind kind,
                               uint32_t participant, uint64_t amount)
{
    struct record record = fixture_pay(f, participant, 0, amount);
    record.kind = (uint16_t)kind;
    record.scheme = 0;
    return record;
}

static void file(struct ledger_fixture *f, uint32_t submitter, struct record record)
{
    assert_true(verdict_is_accepted(fixture_file(f, submitter, record)));
}

static void add(struct ledger_fixture *f, uint32_t submitter, struct record record)
{
    (void)fixture_batch(f, submitter);
    fixture_add(f, record);
}

static struct record queued_pay(struct ledger_fixture *f, uint64_t amount)
{
    struct record pay = fixture_pay(f, 2, 1, amount);
    pay.flags = RECORD_QUEUE;
    return pay;
}

/* What network() files and blocks act on. */
static struct {
    struct record hold;
    struct record refunded;
    struct record waiting[2];
} filed;

/* Money, collateral, a fund with a debtor, a pay-out, and what waits. */
static struct ledger_fixture *network(void)
{
    struct ledger_fixture *f = fixture_new();
    f->genesis.block_records = 64;
    fixture_start(f);
    file(f, FIXTURE_AGENT, fixture_fund(f, 1, 50));
    file(f, FIXTURE_AGENT, fixture_fund(f, 3, 1000));
    file(f, 3, own_money(f, RECORD_CONTRIBUTE, 3, OWED_AFTER_DEFAULT));
    file(f, 2, fixture_clear(f, 1, 2, 150));
    f->block.timestamp_ms = f->ledger->cycles.rows[0].cutoff_ms;
    fixture_block(f);
    f->block.timestamp_ms = f->ledger->cycles.rows[0].deadline_ms;
    fixture_block(f); /* 1 pays 50, the fund 100 */
    assert_int_equal(fixture_balance(f, 1, ACCOUNT_CLAIM), -OWED_AFTER_DEFAULT);
    refdata_set_standing(f->ledger, 0, STANDING_ACTIVE);
    file(f, FIXTURE_AGENT, fixture_fund(f, 1, 500));
    file(f, 3, own_money(f, RECORD_PLEDGE, 3, 40));
    file(f, 3, own_money(f, RECORD_DEFUND, 3, 20));
    filed.refunded = fixture_clear(f, 1, 2, 30);
    file(f, 1, filed.refunded);
    file(f, 2, fixture_refund(f, &filed.refunded, 1, 5));
    filed.hold = acts_hold(f, 1, 2, 10);
    file(f, 1, filed.hold);
    for (unsigned i = 0; i < 2; i++) {
        filed.waiting[i] = queued_pay(f, 100000);
        file(f, 2, filed.waiting[i]);
    }
    return f;
}

/* ---- Blocks that meet what is spoiled ---- */

static void empty(struct ledger_fixture *f)
{
    (void)f;
}

static void clear(struct ledger_fixture *f)
{
    add(f, 1, fixture_clear(f, 1, 2, 10));
}

static void fund(struct ledger_fixture *f)
{
    add(f, FIXTURE_AGENT, fixture_fund(f, 1, 10));
}

static void contribute(struct ledger_fixture *f)
{
    add(f, 3, own_money(f, RECORD_CONTRIBUTE, 3, 10));
}

static void pay_claim(struct ledger_fixture *f)
{
    add(f, 1, own_money(f, RECORD_CONTRIBUTE, 1, 10));
}

static void defund(struct ledger_fixture *f)
{
    add(f, 3, own_money(f, RECORD_DEFUND, 3, 10));
}

static void pledge(struct ledger_fixture *f)
{
    add(f, 3, own_money(f, RECORD_PLEDGE, 3, 10));
}

static void hold(struct ledger_fixture *f)
{
    add(f, 1, acts_hold(f, 1, 2, 10));
}

static void capture(struct ledger_fixture *f)
{
    struct record record = acts_on(f, RECORD_CAPTURE, &filed.hold, 1);
    record.amount = 1;
    add(f, 2, record);
}

static void affirm(struct ledger_fixture *f)
{
    add(f, 2, acts_on(f, RECORD_AFFIRM, &filed.refunded, 1));
}

static void reprioritise(struct ledger_fixture *f)
{
    struct record record = acts_on(f, RECORD_REPRIORITISE, &filed.waiting[0], 0);
    record.priority = 2;
    add(f, 2, record);
}

static void queue_one(struct ledger_fixture *f)
{
    add(f, 2, queued_pay(f, 100000));
}

/* The open cycle of service 1 closes, and its debtor, 1, has the money. */
static void settle(struct ledger_fixture *f)
{
    uint32_t slot = f->ledger->cycles.open[0];
    f->block.timestamp_ms = f->ledger->cycles.rows[slot].cutoff_ms;
}

/* ---- Spoiled before the block ---- */

static void sum_posted(struct ledger_fixture *f)
{
    f->ledger->sums[CNY].totals[TOTAL_DEBITS_POSTED].minor++;
}

static void sum_pending(struct ledger_fixture *f)
{
    f->ledger->sums[CNY].totals[TOTAL_CREDITS_PENDING].minor++;
}

static void sum_fund(struct ledger_fixture *f)
{
    f->ledger->sums[CNY].fund.minor -= 1;
}

static void position(struct ledger_fixture *f)
{
    credit(own(f, 2, ACCOUNT_POSITION), 1);
}

static void exposure(struct ledger_fixture *f)
{
    ledger_exposure(f->ledger, 0, CNY)->minor++;
    group_recompute(f->ledger); /* so that only the exposure is wrong */
}

static void settlement(struct ledger_fixture *f)
{
    debit(own(f, 1, ACCOUNT_SETTLEMENT), 100000);
}

static void payout(struct ledger_fixture *f)
{
    debit(hub(f, ACCOUNT_PAYOUT), 31);
}

static void fund_account(struct ledger_fixture *f)
{
    debit(hub(f, ACCOUNT_FUND), OWED_AFTER_DEFAULT + 11);
}

static void netting(struct ledger_fixture *f)
{
    credit(hub(f, ACCOUNT_NETTING), 1);
}

static void collateral(struct ledger_fixture *f)
{
    debit(own(f, 3, ACCOUNT_COLLATERAL), 51);
}

static void class_of(struct ledger_fixture *f)
{
    own(f, 1, ACCOUNT_SETTLEMENT)->class = 99;
}

static void cycle_net_of_third(struct ledger_fixture *f)
{
    cycle_net(f->ledger, f->ledger->cycles.open[0], 2)->credits.minor++;
}

static void turnover(struct ledger_fixture *f)
{
    f->ledger->cycles.rows[f->ledger->cycles.open[0]].turnover.minor++;
}

/* A row of TABLE_LIFE, changed in the store. */
static void spoil_life(struct ledger_fixture *f, const struct record *record, uint64_t returned,
                       uint64_t reserved)
{
    struct acts_life life = acts_life(f, 1, record);
    assert_true(life.has_row);
    uint8_t key[LIFE_KEY_BYTES];
    life_key(life.place, key);
    life.row.returned = returned;
    life.row.reserved_amount = reserved;
    struct span value = ledger_store_get(f->store, TABLE_LIFE, key, sizeof key);
    life_encode(&life.row, (uint8_t *)(uintptr_t)value.data);
}

static void returned(struct ledger_fixture *f)
{
    spoil_life(f, &filed.refunded, 31, 0);
}

static void reserved(struct ledger_fixture *f)
{
    spoil_life(f, &filed.hold, 0, 11);
}

static const struct breach BEFORE[] = {
    {"posted debits and credits of a currency differ", sum_posted, empty},
    {"pending debits and credits of a currency differ", sum_pending, empty},
    {"FUND and all CLAIMs together are negative", sum_fund, empty},
    {"a POSITION is not the sum of its unsettled nets", position, clear},
    {"an exposure is not what the unsettled nets owe", exposure, clear},
    {"a SETTLEMENT is overdrawn", settlement, fund},
    {"PAYOUT is overdrawn", payout, defund},
    {"FUND is overdrawn", fund_account, contribute},
    {"NETTING is not zero", netting, settle},
    {"a COLLATERAL is overdrawn", collateral, pledge},
    {"an account has an unknown class", class_of, fund},
    {"the nets of a cycle do not sum to zero", cycle_net_of_third, clear},
    {"a cycle's turnover is not the sum of its debits", turnover, clear},
    {"more is returned, captured or reserved than was posted or held", returned, affirm},
    {"more is returned, captured or reserved than was posted or held", reserved, capture},
};

static void assert_says(const char *what, const char *expected)
{
    if (what == NULL || strcmp(what, expected) != 0) {
        fail_msg("expected \"%s\", found \"%s\"", expected, what == NULL ? "nothing" : what);
    }
}

static void test_spoiled_before_a_block(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof BEFORE / sizeof BEFORE[0]; i++) {
        struct ledger_fixture *f = network();
        const bool by_block = BEFORE[i].meet == empty || BEFORE[i].meet == settle;
        /* Unspoiled, the same block is sound. */
        BEFORE[i].meet(f);
        assert_int_equal(fixture_execute(f), LEDGER_OK);
        ledger_rollback(f->ledger);
        BEFORE[i].spoil(f);
        struct state_row before = f->ledger->state;
        assert_int_equal(fixture_execute(f), LEDGER_INVARIANT);
        assert_says(f->fault.what, BEFORE[i].expected);
        assert_int_equal(f->fault.batch_index, by_block ? UINT32_MAX : 0);
        assert_memory_equal(&f->ledger->state, &before, sizeof before);
        fixture_free(f);
    }
}

/* ---- Spoiled by the block ---- */

static void kept_group(struct ledger_fixture *f)
{
    f->ledger->cycles.group_sums[0].minor++;
}

/* Money that the fund lacks goes to somebody, so that debits and credits stay equal. */
static void fund_given_away(struct ledger_fixture *f)
{
    debit(hub(f, ACCOUNT_FUND), 11);
    credit(own(f, 3, ACCOUNT_SETTLEMENT), 11);
}

static void claim_beyond_the_fund(struct ledger_fixture *f)
{
    debit(own(f, 1, ACCOUNT_CLAIM), 11);
    credit(own(f, 1, ACCOUNT_SETTLEMENT), 11);
}

static void claim_overpaid(struct ledger_fixture *f)
{
    credit(own(f, 1, ACCOUNT_CLAIM), OWED_AFTER_DEFAULT);
    debit(own(f, 1, ACCOUNT_SETTLEMENT), OWED_AFTER_DEFAULT);
}

static void reserve_without_entry(struct ledger_fixture *f)
{
    f->ledger->lives.touched[0].row.reserved_fee++;
}

static struct place place_of(struct ledger_fixture *f, unsigned which)
{
    return acts_life(f, 2, &filed.waiting[which]).place;
}

static void life_left_queue(struct ledger_fixture *f)
{
    queue_remove(f->ledger, CNY, place_of(f, 0));
}

static void life_says_posted(struct ledger_fixture *f)
{
    f->ledger->lives.touched[0].row.state = LIFE_POSTED;
}

static void other_left_queue(struct ledger_fixture *f)
{
    queue_remove(f->ledger, CNY, place_of(f, 1));
}

static void stranger_entered_queue(struct ledger_fixture *f)
{
    struct queue_row row = {.currency = FIXTURE_CNY,
                            .scheme = 20,
                            .place = {.height = 1, .position = 0},
                            .since = {.height = 1, .position = 0},
                            .amount = 1,
                            .payer = 1,
                            .payee = 2};
    assert_int_equal(queue_load(f->ledger, &row), STATUS_OK);
}

static const struct breach DURING[] = {
    {"what a group owes is not the sum of its members", kept_group, clear},
    {"FUND and all CLAIMs together are negative", fund_given_away, contribute},
    {"FUND and all CLAIMs together are negative", claim_beyond_the_fund, pay_claim},
    {"a CLAIM is more than paid back", claim_overpaid, pay_claim},
    {"pending debits are not what lives reserve", reserve_without_entry, hold},
    {"a QUEUED life has no place in a queue, or several", life_left_queue, reprioritise},
    {"a payment in the queue is not QUEUED", life_says_posted, reprioritise},
    {"a payment in the queue is not QUEUED", life_says_posted, queue_one},
    {"a payment entered or left the queue, but not by its life", other_left_queue, reprioritise},
    {"a payment entered or left the queue, but not by its life", other_left_queue, clear},
    {"a payment entered or left the queue, but not by its life", stranger_entered_queue,
     reprioritise},
};

static void test_spoiled_by_a_block(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof DURING / sizeof DURING[0]; i++) {
        struct ledger_fixture *f = network();
        DURING[i].meet(f);
        assert_int_equal(fixture_execute(f), LEDGER_OK);
        /* As it was when the block was checked: the sums were carried on after that. */
        memcpy(f->ledger->sums, f->ledger->sums_before, sizeof f->ledger->sums);
        assert_null(invariant_check(f->ledger));
        DURING[i].spoil(f);
        assert_says(invariant_check(f->ledger), DURING[i].expected);
        fixture_free(f);
    }
}

/* What an entry does not say is not in a total. */
static void test_pages_add_up(void **state)
{
    (void)state;
    static const char *const EXPECTED = "an account's pages do not add up to its totals";
    for (unsigned spoiled = 0; spoiled <= ACCOUNT_TOTALS; spoiled++) {
        struct ledger_fixture *f = network();
        hold(f);
        clear(f);
        assert_int_equal(fixture_execute(f), LEDGER_OK);
        struct ledger *ledger = f->ledger;
        for (uint32_t i = 0; i < ledger->touched_count; i++) {
            ledger->touched[i].placed = 0;
        }
        ledger->outcome.write_count = 0;
        if (spoiled < ACCOUNT_TOTALS) {
            own(f, 1, ACCOUNT_POSITION)->totals[spoiled].minor++;
        }
        page_build_changed(ledger);
        const char *what = page_build(ledger);
        if (spoiled == ACCOUNT_TOTALS) {
            assert_null(what);
        } else {
            assert_says(what, EXPECTED);
        }
        fixture_free(f);
    }
}

/* ---- Spoiled on disk ---- */

static void stored_posted(struct ledger_fixture *f)
{
    credit(own(f, 1, ACCOUNT_SETTLEMENT), 1);
}

static void stored_pending(struct ledger_fixture *f)
{
    own(f, 1, ACCOUNT_SETTLEMENT)->totals[TOTAL_DEBITS_PENDING].minor++;
}

/* The other side, so that debits and credits stay equal. */
static void with_cash(struct ledger_fixture *f, struct account *account, int64_t change)
{
    const uint64_t size = (uint64_t)(change < 0 ? -change : change);
    credit(change < 0 ? hub(f, ACCOUNT_CASH) : account, size);
    debit(change < 0 ? account : hub(f, ACCOUNT_CASH), size);
}

static void stored_claim(struct ledger_fixture *f)
{
    with_cash(f, own(f, 2, ACCOUNT_CLAIM), -1);
}

static void stored_position(struct ledger_fixture *f)
{
    with_cash(f, own(f, 2, ACCOUNT_POSITION), 1);
}

static void stored_settlement(struct ledger_fixture *f)
{
    with_cash(f, own(f, 2, ACCOUNT_SETTLEMENT), -100000);
}

static void stored_payout(struct ledger_fixture *f)
{
    with_cash(f, hub(f, ACCOUNT_PAYOUT), -21);
}

static void stored_fund(struct ledger_fixture *f)
{
    with_cash(f, hub(f, ACCOUNT_FUND), -OWED_AFTER_DEFAULT - 1);
    with_cash(f, own(f, 2, ACCOUNT_CLAIM), OWED_AFTER_DEFAULT + 1);
}

static void stored_netting(struct ledger_fixture *f)
{
    with_cash(f, hub(f, ACCOUNT_NETTING), 1);
}

static void stored_collateral(struct ledger_fixture *f)
{
    with_cash(f, own(f, 3, ACCOUNT_COLLATERAL), -41);
}

static void stored_claim_overpaid(struct ledger_fixture *f)
{
    with_cash(f, own(f, 1, ACCOUNT_CLAIM), OWED_AFTER_DEFAULT + 1);
}

static const struct breach LOADED[] = {
    {"posted debits and credits of a currency differ", stored_posted, NULL},
    {"pending debits and credits of a currency differ", stored_pending, NULL},
    {"FUND and all CLAIMs together are negative", stored_claim, NULL},
    {"a POSITION is not the sum of its unsettled nets", stored_position, NULL},
    {"a SETTLEMENT is overdrawn", stored_settlement, NULL},
    {"PAYOUT is overdrawn", stored_payout, NULL},
    {"FUND is overdrawn", stored_fund, NULL},
    {"NETTING is not zero", stored_netting, NULL},
    {"a COLLATERAL is overdrawn", stored_collateral, NULL},
    {"a CLAIM is more than paid back", stored_claim_overpaid, NULL},
};

/* Writes the accounts as they now are into the store, with the header and the state row that fit
   them: only the invariants can find it. */
static void store_spoiled(struct ledger_fixture *f)
{
    outcome_rebuild_tree(f->ledger);
    struct block_header *header = (struct block_header *)(uintptr_t)ledger_store_header(f->store);
    header->accounts_root = merkle_dense_root(&f->ledger->tree);
    for (uint32_t i = 0; i < f->ledger->account_count; i++) {
        uint8_t key[ACCOUNT_KEY_BYTES];
        account_key(i, key);
        struct span row = ledger_store_get(f->store, TABLE_ACCOUNTS, key, sizeof key);
        account_encode(&f->ledger->accounts[i], (uint8_t *)(uintptr_t)row.data);
    }
    struct span row = ledger_store_get(f->store, TABLE_STATE, "state", STATE_KEY_BYTES);
    struct state_row stored;
    assert_int_equal(state_decode(row, &stored), STATUS_OK);
    stored.block_hash = block_hash(header);
    assert_int_equal(state_encode(&stored, (uint8_t *)(uintptr_t)row.data), row.length);
}

static void test_spoiled_on_disk(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof LOADED / sizeof LOADED[0]; i++) {
        struct ledger_fixture *f = network();
        store_spoiled(f); /* of what is sound, nothing changes */
        fixture_reload(f);
        LOADED[i].spoil(f);
        store_spoiled(f);
        size_t size = (ledger_footprint(&f->genesis) + 63) / 64 * 64;
        void *memory = aligned_alloc(64, size);
        memset(memory, 0, size);
        struct ledger *ledger = ledger_init(memory, &f->genesis, &f->chain_id);
        const char *what = NULL;
        assert_int_equal(ledger_store_load(f->store, ledger, &what), STATUS_CORRUPT);
        assert_says(what, LOADED[i].expected);
        free(memory);
        fixture_free(f);
    }
}

/* Nets are bound by digests, so these two need the check alone. */
static void net_and_position(struct ledger_fixture *f)
{
    cycle_net_of_third(f);
    with_cash(f, own(f, 3, ACCOUNT_POSITION), 1);
}

static void test_all_of_the_cycles(void **state)
{
    (void)state;
    static const struct breach CYCLES[] = {
        {"the nets of a cycle do not sum to zero", net_and_position, NULL},
        {"a cycle's turnover is not the sum of its debits", turnover, NULL},
        {"what a group owes is not the sum of its members", kept_group, NULL},
    };
    for (size_t i = 0; i < sizeof CYCLES / sizeof CYCLES[0]; i++) {
        struct ledger_fixture *f = network();
        assert_null(invariant_check_all(f->ledger));
        CYCLES[i].spoil(f);
        assert_says(invariant_check_all(f->ledger), CYCLES[i].expected);
        fixture_free(f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spoiled_before_a_block), cmocka_unit_test(test_spoiled_by_a_block),
        cmocka_unit_test(test_pages_add_up),           cmocka_unit_test(test_spoiled_on_disk),
        cmocka_unit_test(test_all_of_the_cycles),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
