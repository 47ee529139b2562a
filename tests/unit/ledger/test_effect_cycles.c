/*
 * Goal: CLOSE where 32 cycles are unsettled already (docs/ledger.md, Cycles; Actions of kinds 5 to
 * 12): the open one is one of them, so it cannot be closed by action before another is settled.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "ledger/cycle.h"
#include "tests/support/ledger_fixture.h"
#include "tests/support/ledger_governed.h"

#define CLOSE 1u
#define SERVICE 1u

static struct ledger_fixture *started(void)
{
    struct ledger_fixture *f = fixture_new();
    f->services[0].settlement_days = 2; /* nothing settles meanwhile */
    governed_policies(&f->genesis, 1);
    fixture_governed(f, 1);
    fixture_start(f);
    return f;
}

/* One record, then an order to close its cycle, which one key alone gives; the order's verdict. */
static unsigned file_and_close(struct ledger_fixture *f, uint32_t number)
{
    uint8_t bytes[ACTION_BYTES_MAX];
    struct writer writer = writer_over(bytes, sizeof bytes);
    writer_u16(&writer, ACTION_VERSION);
    writer_u16(&writer, ACTION_CYCLE);
    writer_u32(&writer, 0);
    writer_u16(&writer, SERVICE);
    writer_u16(&writer, CLOSE);
    writer_u32(&writer, number);
    writer_u64(&writer, 0);
    writer_copy(&writer, &(const struct hash){{0}}, HASH_BYTES);
    assert_int_equal(fixture_file(f, 2, fixture_clear(f, 1, 2, 30)), VERDICT_POSTED);
    (void)fixture_body(f, BATCH_ACTION, FIXTURE_AGENT, 1, bytes, writer.used);
    fixture_block(f);
    return fixture_verdict(f, 0, 0);
}

static void test_32_unsettled(void **state)
{
    (void)state;
    struct ledger_fixture *f = started();
    for (uint32_t number = 1; number < LIMIT_SERVICE_CYCLES; number++) {
        assert_int_equal(file_and_close(f, number), VERDICT_POSTED);
    }
    assert_int_equal(file_and_close(f, LIMIT_SERVICE_CYCLES), VERDICT_CYCLE_STATE);
    uint32_t slot = cycle_slot(f->ledger, SERVICE, LIMIT_SERVICE_CYCLES);
    assert_int_not_equal(slot, REGISTRY_NONE);
    assert_int_equal(f->ledger->cycles.rows[slot].state, CYCLE_OPEN);
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_32_unsettled)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
