/*
 * test_action_state: actions are state like any other: taken back without a trace, loaded from a
 * store, and damage of it is noticed (docs/ledger.md, Speculation).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/ledger_governed.h"

/* Goal: what is executed and taken back leaves no trace: the same block gives the same bytes on a
   ledger that never executed it, and on one loaded from the store. */
static void test_rollback(void **state)
{
    (void)state;
    struct ledger_fixture *f = governed_new(4);
    struct hash id = governed_approved_addition(f);
    struct hash roots[3];
    for (unsigned turn = 0; turn < 3; turn++) {
        /* A block full of actions that ends the epoch, executed and taken back ... */
        struct action actions[] = {governed_answer(ACTION_READY, id),
                                   governed_answer(ACTION_APPROVE, id), governed_addition(1)};
        (void)fixture_action(f, 6, governed_key_no(200), &actions[0]);
        (void)fixture_action(f, FIXTURE_AGENT, 2, &actions[1]);
        (void)fixture_action(f, 2, 1, &actions[2]);
        assert_int_equal(fixture_execute(f), LEDGER_OK);
        assert_int_equal(f->outcome->header.flags, BLOCK_TERMINAL);
        roots[turn] = f->outcome->block_hash;
        /* ... while it is speculative, questions are answered from the committed state. */
        struct ledger_validator candidate;
        struct hash action_id;
        bool ready;
        assert_int_equal(ledger_epoch(f->ledger), 1);
        assert_true(ledger_candidate(f->ledger, 0, &candidate, &action_id, &ready) && !ready);
        ledger_rollback(f->ledger);
        fixture_drop(f);
        if (turn == 1) {
            fixture_reload(f);
        }
        assert_int_equal(ledger_epoch(f->ledger), 1);
    }
    assert_true(hash_equal(&roots[0], &roots[1]) && hash_equal(&roots[1], &roots[2]));
    /* Then a plain block has the roots that it has without all that. */
    assert_int_equal(fixture_execute(f), LEDGER_OK);
    struct hash plain = f->outcome->block_hash;
    ledger_rollback(f->ledger);
    fixture_reload(f);
    assert_int_equal(fixture_execute(f), LEDGER_OK);
    assert_true(hash_equal(&plain, &f->outcome->block_hash));
    fixture_commit(f);
    fixture_free(f);
}

struct flip {
    uint64_t at, seen;
};

static void flip_row(void *context, struct span key, struct span value)
{
    struct flip *flip = context;
    (void)key;
    if (flip->at >= flip->seen && flip->at < flip->seen + value.length) {
        /* The store is the test's own memory. */
        ((uint8_t *)(uintptr_t)value.data)[flip->at - flip->seen] ^= 1;
    }
    flip->seen += value.length;
}

/* Goal: any changed byte of an open action or of the set that votes is noticed when loading. */
static void test_load_refuses_damage(void **state)
{
    (void)state;
    struct ledger_fixture *f = governed_new(4);
    (void)governed_approved_addition(f);
    void *memory = aligned_alloc(64, ledger_footprint(&f->genesis));
    assert_non_null(memory);
    static const enum ledger_table TABLES[] = {TABLE_ACTIONS, TABLE_VALIDATORS};
    for (unsigned t = 0; t < 2; t++) {
        struct flip count = {.at = UINT64_MAX};
        ledger_store_each(f->store, TABLES[t], flip_row, &count);
        for (uint64_t at = 0; at < count.seen; at += at < 100 ? 1 : 7) {
            struct flip flip = {.at = at};
            struct flip back = flip;
            const char *what = NULL;
            ledger_store_each(f->store, TABLES[t], flip_row, &flip);
            memset(memory, 0, ledger_footprint(&f->genesis));
            struct ledger *ledger = ledger_init(memory, &f->genesis, &f->chain_id);
            if (ledger_store_load(f->store, ledger, &what) != STATUS_CORRUPT) {
                fail_msg("table %u: byte %llu", TABLES[t], (unsigned long long)at);
            }
            ledger_store_each(f->store, TABLES[t], flip_row, &back);
        }
    }
    free(memory);
    fixture_reload(f);
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rollback),
        cmocka_unit_test(test_load_refuses_damage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
