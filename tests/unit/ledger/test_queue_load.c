/*
 * test_queue_load: a node that starts notices that the queue in its store is not the one that it
 * wrote: a payment lost, invented, paid another amount or put before others (docs/formats.md,
 * check of STATE). The digest of QUEUE in state_root is a running one, which the rows cannot prove.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/prng.h"
#include "tests/support/ledger_fixture.h"

#define NOBODY UINT32_MAX

static struct record queued_pay(struct ledger_fixture *f, uint32_t payer, uint32_t payee,
                                uint64_t amount, uint8_t priority)
{
    struct record record = fixture_pay(f, payer, payee, amount);
    record.flags = RECORD_QUEUE;
    record.priority = priority;
    return record;
}

/* Queued payments of two currencies, some gone again, some of another priority by now. */
static struct ledger_fixture *with_queue(void)
{
    struct ledger_fixture *f = fixture_new();
    struct record record;
    fixture_start(f);
    for (uint32_t i = 0; i < 6; i++) {
        record = queued_pay(f, 1 + i % 3, 7, 100 + i, (uint8_t)(i % 2));
        assert_int_equal(fixture_file(f, record.payer, record), VERDICT_QUEUED);
    }
    struct record raise = fixture_refund(f, &record, 0, 0);
    raise.kind = RECORD_REPRIORITISE;
    raise.priority = 2;
    raise.mcc = 0;
    assert_int_equal(fixture_file(f, record.payer, raise), VERDICT_POSTED);
    /* The first of participant 1, which is the one of higher priority, is paid. */
    assert_int_equal(fixture_file(f, FIXTURE_AGENT, fixture_fund(f, 1, 150)), VERDICT_POSTED);
    assert_int_equal(ledger_store_count(f->store, TABLE_QUEUE), 5);
    return f;
}

/* Loads a store with one row of QUEUE left out or spoilt, or one more. */
struct spoilt {
    struct ledger *ledger;
    unsigned table;
    uint32_t seen;    /* rows of QUEUE so far */
    uint32_t left;    /* the row that is left out, or NOBODY */
    uint32_t changed; /* likewise, with one byte changed */
    uint32_t byte;    /* of key ‖ value */
    bool invents;     /* the last row again, at another place */
    enum status status;
};

static void load_row(void *context, struct span key, struct span value)
{
    struct spoilt *spoilt = context;
    uint8_t row[QUEUE_ROW_BYTES];
    const uint32_t at = spoilt->seen;
    if (spoilt->status != STATUS_OK) {
        return;
    }
    if (spoilt->table != TABLE_QUEUE) {
        spoilt->status =
            ledger_load_row(spoilt->ledger, (enum ledger_table)spoilt->table, key, value);
        return;
    }
    spoilt->seen++;
    if (at == spoilt->left) {
        return;
    }
    memcpy(row, key.data, QUEUE_KEY_BYTES);
    memcpy(row + QUEUE_KEY_BYTES, value.data, QUEUE_VALUE_BYTES);
    const struct span own_key = {row, QUEUE_KEY_BYTES};
    const struct span own_value = {row + QUEUE_KEY_BYTES, QUEUE_VALUE_BYTES};
    row[spoilt->byte] ^= at == spoilt->changed ? 1 : 0;
    spoilt->status = ledger_load_row(spoilt->ledger, TABLE_QUEUE, own_key, own_value);
    if (spoilt->invents && at == 4 && spoilt->status == STATUS_OK) {
        row[QUEUE_KEY_BYTES - 1] ^= 64; /* another position of its block */
        spoilt->status = ledger_load_row(spoilt->ledger, TABLE_QUEUE, own_key, own_value);
    }
}

/* What loading says: NULL if all is well. */
static const char *load(struct ledger_fixture *f, struct spoilt *spoilt)
{
    const size_t size = (ledger_footprint(&f->genesis) + 63) / 64 * 64;
    void *memory = aligned_alloc(64, size);
    const char *what = "a row was refused";
    assert_non_null(memory);
    memset(memory, 0, size);
    spoilt->ledger = ledger_init(memory, &f->genesis, &f->chain_id);
    spoilt->status = STATUS_OK;
    for (unsigned table = TABLE_STATE; table < LEDGER_TABLE_COUNT; table++) {
        if (ledger_table_is_resident((enum ledger_table)table)) {
            spoilt->table = table;
            ledger_store_each(f->store, (enum ledger_table)table, load_row, spoilt);
        }
    }
    if (spoilt->status == STATUS_OK &&
        ledger_load_done(spoilt->ledger, ledger_store_header(f->store), &what) == STATUS_OK) {
        what = NULL;
    }
    free(memory);
    return what;
}

static const char WRONG[] = "the queued payments or the next due time are not those of the state";

static void test_lost_or_invented(void **state)
{
    (void)state;
    struct ledger_fixture *f = with_queue();
    struct spoilt sound = {.left = NOBODY, .changed = NOBODY};
    assert_null(load(f, &sound));
    for (uint32_t i = 0; i < 5; i++) {
        struct spoilt lost = {.left = i, .changed = NOBODY};
        const char *what = load(f, &lost);
        assert_non_null(what);
        assert_string_equal(what, WRONG);
    }
    struct spoilt invented = {.left = NOBODY, .changed = NOBODY, .invents = true};
    const char *what = load(f, &invented);
    assert_non_null(what);
    assert_string_equal(what, WRONG);
    fixture_free(f);
}

/* A bit of any byte of any row. */
static void test_changed(void **state)
{
    (void)state;
    struct ledger_fixture *f = with_queue();
    for (uint32_t i = 0; i < QUEUE_ROW_BYTES; i++) {
        struct spoilt changed = {.left = NOBODY, .changed = i % 5, .byte = i};
        assert_non_null(load(f, &changed));
    }
    fixture_free(f);
}

/* The next due time, which loading cannot look up, is covered by the same number: a later one would
   let lives go on for ever. */
static void test_next_due_time(void **state)
{
    (void)state;
    struct ledger_fixture *f = with_queue();
    struct span row = ledger_store_get(f->store, TABLE_STATE, "state", STATE_KEY_BYTES);
    for (unsigned i = 0; i < 16; i++) { /* expiry_next_ms, check */
        struct spoilt sound = {.left = NOBODY, .changed = NOBODY};
        uint8_t *byte = (uint8_t *)(uintptr_t)row.data + 1096 + i;
        *byte ^= 1;
        const char *what = load(f, &sound);
        assert_non_null(what);
        assert_string_equal(what, WRONG);
        *byte ^= 1;
    }
    fixture_reload(f);
    fixture_free(f);
}

/* The sum that blocks carry along is that of the rows, after every block and what was taken back;
   it is zero for an empty queue. */
static void test_carried_along(void **state)
{
    (void)state;
    struct prng prng = prng_seeded(99);
    struct ledger_fixture *f = fixture_new();
    uint32_t queued = 0;
    uint32_t empty = 0;
    f->genesis.block_records = 64;
    fixture_start(f);
    for (uint32_t i = 0; i < 150; i++) {
        for (uint32_t by = 1; by <= 3; by++) {
            (void)fixture_batch(f, by);
            struct record record =
                queued_pay(f, by, 1 + by % 3, 1 + prng_below(&prng, 500), (uint8_t)(i % 3));
            record.timeout_s = 1 + (uint32_t)prng_below(&prng, 20);
            fixture_add(f, record);
        }
        if (prng_below(&prng, 16) == 0) {
            (void)fixture_batch(f, FIXTURE_AGENT);
            fixture_add(f, fixture_fund(f, 1 + i % 3, 1 + prng_below(&prng, 300)));
        }
        f->block.timestamp_ms += prng_below(&prng, 9000);
        const uint64_t before = f->ledger->state.queue_sum;
        assert_int_equal(fixture_execute(f), LEDGER_OK);
        ledger_rollback(f->ledger);
        assert_true(f->ledger->state.queue_sum == before);
        fixture_block(f);
        fixture_reload(f); /* fails if the sum is not that of the rows */
        queued += ledger_store_count(f->store, TABLE_QUEUE) > 0;
        empty += f->ledger->state.queue_sum == 0;
        assert_true((ledger_store_count(f->store, TABLE_QUEUE) == 0) ==
                    (f->ledger->state.queue_sum == 0));
    }
    print_message("%u blocks end with a queue, %u without\n", queued, empty);
    assert_true(queued > 50 && empty > 5);
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_lost_or_invented),
        cmocka_unit_test(test_changed),
        cmocka_unit_test(test_next_due_time),
        cmocka_unit_test(test_carried_along),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
