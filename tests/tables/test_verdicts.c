/*
 * Goal: every verdict of ledger/verdict.h is reached by a record that has just that fault
 * (docs/ledger.md, Verdicts). Those that only actions and evidence get are reached by the tests
 * that tests/support/verdict_proofs.c names, each of which checks its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/verdict_proofs.h"
#include "tests/tables/verdict_rows.h"

static void run_row(const struct verdict_row *row, const char *table, size_t number)
{
    struct ledger_fixture *f = verdict_network();
    struct attempt attempt = verdict_sound(f, row->kind);
    row->apply(&attempt);
    unsigned verdict = fixture_file(f, attempt.submitter, attempt.record);
    if (verdict != (unsigned)row->verdict) {
        fail_msg("%s row %zu: expected %s, found %s", table, number, verdict_name(row->verdict),
                 verdict_name(verdict));
    }
    proofs_note(verdict);
    fixture_free(f);
}

static void run_table(const struct verdict_row *rows, size_t count, const char *table)
{
    for (size_t i = 0; i < count; i++) {
        if (i > 0 && rows[i].verdict < rows[i - 1].verdict) {
            fail_msg("%s row %zu: %s does not come after %s", table, i,
                     verdict_name(rows[i].verdict), verdict_name(rows[i - 1].verdict));
        }
        run_row(&rows[i], table, i);
    }
}

static void test_each_row(void **state)
{
    (void)state;
    run_table(RECORD_ROWS, RECORD_ROW_COUNT, "RECORD_ROWS");
    run_table(STATE_ROWS, STATE_ROW_COUNT, "STATE_ROWS");
}

/* The two that concern more than one record. */
static void test_source_exists_and_linked_failed(void **state)
{
    (void)state;
    struct ledger_fixture *f = fixture_new();
    fixture_start(f);
    struct batch_header *header = fixture_batch(f, 1);
    header->source_hash.bytes[0] = 9;
    header->parts = 1;
    fixture_add(f, fixture_clear(f, 1, 2, 10));
    fixture_block(f);
    assert_int_equal(fixture_verdict(f, 0, 0), VERDICT_POSTED);
    header = fixture_batch(f, 1);
    header->source_hash.bytes[0] = 9;
    header->parts = 1;
    fixture_add(f, fixture_clear(f, 1, 2, 11));
    header = fixture_batch(f, 1);
    struct record first = fixture_clear(f, 1, 2, 12);
    first.flags = RECORD_LINKED;
    struct record second = fixture_clear(f, 1, 2, 0);
    fixture_add(f, first);
    fixture_add(f, second);
    fixture_block(f);
    assert_int_equal(fixture_verdict(f, 0, 0), VERDICT_SOURCE_EXISTS);
    assert_int_equal(fixture_verdict(f, 1, 0), VERDICT_LINKED_FAILED);
    assert_int_equal(fixture_verdict(f, 1, 1), VERDICT_AMOUNT_MISSING);
    proofs_note(VERDICT_SOURCE_EXISTS);
    proofs_note(VERDICT_LINKED_FAILED);
    fixture_free(f);
}

/* A rejected id stays taken, also by a form fault; a zero id is never taken. */
static void test_rejected_ids_stay_taken(void **state)
{
    (void)state;
    struct ledger_fixture *f = fixture_new();
    fixture_start(f);
    struct record record = fixture_clear(f, 1, 2, 0);
    assert_int_equal(fixture_file(f, 1, record), VERDICT_AMOUNT_MISSING);
    assert_int_equal(fixture_file(f, 1, record), VERDICT_EXISTS);
    record.amount = 5;
    assert_int_equal(fixture_file(f, 1, record), VERDICT_EXISTS_DIFFERENT);
    assert_int_equal(fixture_file(f, 2, record), VERDICT_POSTED);
    memset(&record.id, 0, sizeof record.id);
    assert_int_equal(fixture_file(f, 1, record), VERDICT_ID_ZERO);
    assert_int_equal(fixture_file(f, 1, record), VERDICT_ID_ZERO);
    assert_int_equal(ledger_store_count(f->store, TABLE_IDS), 2);
    fixture_free(f);
}

/* After all others: what they have reached, and nothing by its number alone. */
static void test_every_verdict_is_reached(void **state)
{
    (void)state;
    int previous = -1;
    unsigned here = 0;
    unsigned elsewhere = 0;
    unsigned defined = 0;
    for (unsigned at = 0; verdict_at(at) >= 0; at++) {
        int verdict = verdict_at(at);
        assert_true(verdict > previous);
        previous = verdict;
        defined++;
        if (proofs_noted((unsigned)verdict)) {
            here++;
        } else if (proofs_by((unsigned)verdict) != NULL) {
            elsewhere++;
        } else {
            fail_msg("no row reaches %s", verdict_name((unsigned)verdict));
        }
        assert_int_equal(verdict_of_name(verdict_name((unsigned)verdict)), verdict);
        assert_true(strlen(verdict_sentence((unsigned)verdict)) > 10);
    }
    print_message("verdicts reached %u, %u here and %u by the tests of actions, defined %u\n",
                  here + elsewhere, here, elsewhere, defined);
    assert_int_equal(elsewhere, proofs_listed());
    assert_null(verdict_name(9999));
    assert_null(verdict_sentence(9999));
    assert_int_equal(verdict_of_name("NONSENSE"), -1);
    assert_string_equal(verdict_name(VERDICT_PENDING), "PENDING");
    assert_true(verdict_is_accepted(VERDICT_POSTED) && !verdict_is_accepted(VERDICT_EXISTS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_row),
        cmocka_unit_test(test_source_exists_and_linked_failed),
        cmocka_unit_test(test_rejected_ids_stay_taken),
        cmocka_unit_test(test_every_verdict_is_reached),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
