/*
 * test_group: what a sponsor's group owes is kept as a running sum (ledger/group.h): it is what its
 * members add up to after every block, every rollback and every loading; a wrong one breaks an
 * invariant; and a member's debit costs no look at the other members.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/prng.h"
#include "ledger/group.h"
#include "ledger/limit.h"
#include "tests/support/ledger_fixture.h"

#define SPONSOR 3u
#define BLOCKS 200u
#define MEMBERS 20000u
#define DEBITS 512u

/* Random purchases and holds among a group and others, some in chains that fail, some that the caps
   stop; captures, releases, and expiries while the clock goes on. */
static void fill_block(struct ledger_fixture *f, struct prng *prng, struct record holds[8])
{
    for (uint32_t by = 1; by <= 3; by++) {
        (void)fixture_batch(f, by);
        for (uint32_t i = 0; i < 6; i++) {
            struct record record =
                fixture_clear(f, by, 1 + (uint32_t)prng_below(prng, 7), 1 + prng_below(prng, 400));
            if (record.payee == by || prng_below(prng, 3) == 0) {
                record.payee = FIXTURE_COVERED;
                record.kind = RECORD_HOLD;
                holds[prng_below(prng, 8)] = record;
            }
            const struct record *hold = &holds[prng_below(prng, 8)];
            if (hold->payer != 0 && prng_below(prng, 4) == 0) {
                record = fixture_refund(f, hold, hold->payer, 1 + prng_below(prng, 200));
                record.kind = prng_below(prng, 2) == 0 ? RECORD_CAPTURE : RECORD_RELEASE;
                record.amount = record.kind == RECORD_CAPTURE ? record.amount : 0;
            }
            record.flags = i < 5 && prng_below(prng, 3) == 0 ? RECORD_LINKED : 0;
            fixture_add(f, record);
        }
    }
    f->block.timestamp_ms += prng_below(prng, 20000);
}

static void test_random_blocks(void **state)
{
    (void)state;
    struct prng prng = prng_seeded(77);
    struct ledger_fixture *f = fixture_new();
    struct record holds[8];
    uint32_t failed_chains = 0;
    uint32_t stopped = 0;
    memset(holds, 0, sizeof holds);
    f->participants[0].settles_through = SPONSOR;
    f->participants[1].settles_through = SPONSOR;
    f->limits[4].cap = 9000; /* of the sponsor in CNY */
    fixture_start(f);
    for (uint32_t i = 0; i < BLOCKS; i++) {
        fill_block(f, &prng, holds);
        const struct total before = group_exposure(f->ledger, SPONSOR - 1, 0);
        assert_int_equal(fixture_execute(f), LEDGER_OK);
        const struct total after = group_exposure(f->ledger, SPONSOR - 1, 0);
        ledger_rollback(f->ledger);
        assert_true(group_is_consistent(f->ledger));
        assert_true(total_equal(before, group_exposure(f->ledger, SPONSOR - 1, 0)));
        fixture_block(f); /* consistent, or the fixture ends the test */
        assert_true(total_equal(after, group_exposure(f->ledger, SPONSOR - 1, 0)));
        for (uint32_t k = 0; k < 18; k++) {
            failed_chains += fixture_verdict(f, k / 6, k % 6) == VERDICT_LINKED_FAILED;
            stopped += fixture_verdict(f, k / 6, k % 6) == VERDICT_SPONSOR_CAP;
        }
        if (i % 16 == 0) {
            fixture_reload(f);
            assert_true(group_is_consistent(f->ledger));
        }
    }
    print_message("%u records of failed chains, %u stopped by the sponsor's cap\n", failed_chains,
                  stopped);
    assert_true(failed_chains > 100 && stopped > 50);
    fixture_free(f);
}

static void test_a_wrong_sum_is_a_breach(void **state)
{
    (void)state;
    struct ledger_fixture *f = fixture_new();
    f->participants[0].settles_through = SPONSOR;
    fixture_start(f);
    assert_int_equal(fixture_file(f, 1, fixture_clear(f, 1, 2, 10)), VERDICT_POSTED);
    const uint32_t bent[] = {SPONSOR - 1, 1}; /* a sponsor, and a participant alone */
    for (uint32_t i = 0; i < 2; i++) {
        struct total *sum =
            &f->ledger->cycles.group_sums[(uint64_t)bent[i] * f->ledger->currency_count];
        sum->minor++;
        (void)fixture_batch(f, SPONSOR);
        fixture_add(f, fixture_clear(f, SPONSOR, 2, 5));
        assert_int_equal(fixture_execute(f), LEDGER_INVARIANT);
        assert_non_null(strstr(f->fault.what, "what a group owes"));
        sum->minor--;
        assert_int_equal(fixture_execute(f), LEDGER_OK);
        ledger_rollback(f->ledger);
        fixture_drop(f);
    }
    fixture_free(f);
}

/* The sponsor's own account stays as it is: only a member owes more. */
static void test_a_wrong_sum_of_a_member_is_a_breach(void **state)
{
    (void)state;
    struct ledger_fixture *f = fixture_new();
    f->participants[0].settles_through = SPONSOR;
    fixture_start(f);
    struct total *sum =
        &f->ledger->cycles.group_sums[(uint64_t)(SPONSOR - 1) * f->ledger->currency_count];
    sum->minor++;
    (void)fixture_batch(f, 1);
    fixture_add(f, fixture_clear(f, 1, 2, 10));
    assert_int_equal(fixture_execute(f), LEDGER_INVARIANT);
    assert_non_null(strstr(f->fault.what, "what a group owes"));
    sum->minor--;
    assert_int_equal(fixture_execute(f), LEDGER_OK);
    ledger_rollback(f->ledger);
    fixture_free(f);
}

static double seconds(void)
{
    struct timespec now;
    assert_int_equal(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now), 0);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* One participant settles for 20,000. */
static void test_a_large_group(void **state)
{
    (void)state;
    struct ledger_fixture *f = fixture_new();
    struct genesis_participant *all = calloc(7 + MEMBERS, sizeof *all);
    struct genesis_limit *limits = calloc(6 + MEMBERS, sizeof *limits);
    assert_true(all != NULL && limits != NULL);
    memcpy(all, f->participants, sizeof f->participants);
    memcpy(limits, f->limits, 6 * sizeof limits[0]);
    for (uint32_t i = 0; i < MEMBERS; i++) {
        struct genesis_participant *member = &all[7 + i];
        *member =
            (struct genesis_participant){.number = 8 + i,
                                         .roles = ROLE_FINTECH,
                                         .status = STANDING_ACTIVE,
                                         .settles_through = SPONSOR,
                                         .key_count = 1,
                                         .keys[0] = {.key_no = 1, .permissions = PERMISSION_ACT}};
        (void)snprintf(member->name, sizeof member->name, "Member %u", i);
        put_be32(member->keys[0].key.bytes + 1, i + 1);
        limits[6 + i] = (struct genesis_limit){8 + i, FIXTURE_CNY, 0, 1000000};
    }
    all[7].keys[0].permissions = PERMISSION_SUBMIT;
    f->genesis.participants = all;
    f->genesis.participant_count = 7 + MEMBERS;
    f->genesis.limits = limits;
    f->genesis.limit_count = 6 + MEMBERS;
    fixture_start(f);
    (void)fixture_batch(f, 8);
    for (uint32_t i = 0; i < DEBITS; i++) {
        fixture_add(f, fixture_clear(f, 8, 1, 10 + i % 7));
    }
    double before = seconds();
    assert_int_equal(fixture_execute(f), LEDGER_OK);
    print_message("%u debits of one of %u members: %.1f ms\n", DEBITS, MEMBERS,
                  1e3 * (seconds() - before));
    fixture_commit(f);
    assert_int_equal(fixture_verdict(f, 0, DEBITS - 1), VERDICT_POSTED);
    assert_true(limit_exposure(f->ledger, SPONSOR - 1, 0).minor ==
                limit_exposure(f->ledger, 7, 0).minor);
    fixture_free(f);
    free(all);
    free(limits);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_random_blocks),
        cmocka_unit_test(test_a_wrong_sum_is_a_breach),
        cmocka_unit_test(test_a_wrong_sum_of_a_member_is_a_breach),
        cmocka_unit_test(test_a_large_group),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
