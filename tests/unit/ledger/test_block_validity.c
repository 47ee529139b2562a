/*
 * Goal: what makes a block no block at all (docs/ledger.md, A block, step 0): each fault alone,
 * with its sentence and the batch that has it, and each bound at its last value. A sound block is
 * sealed, then one thing in it is changed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/ledger_fixture.h"

#define BATCHES 3u
#define NONE UINT32_MAX

/* One changed thing of a block of three batches, the last of which is an action. */
struct change {
    const char *expected; /* NULL: the block stays sound */
    uint32_t batch;
    void (*make)(struct ledger_fixture *f);
};

static struct batch_header *header_of(struct ledger_fixture *f, uint32_t batch)
{
    return &f->parts[batch].header;
}

static void nothing(struct ledger_fixture *f)
{
    (void)f;
}

static void height_above(struct ledger_fixture *f)
{
    f->block.height++;
}

static void height_below(struct ledger_fixture *f)
{
    f->block.height--;
}

static void parent(struct ledger_fixture *f)
{
    f->block.parent_hash.bytes[31] ^= 1;
}

static void time_of_parent(struct ledger_fixture *f)
{
    f->block.timestamp_ms = f->ledger->state.timestamp_ms;
}

static void time_before(struct ledger_fixture *f)
{
    f->block.timestamp_ms = f->ledger->state.timestamp_ms - 1;
}

static void time_just_after(struct ledger_fixture *f)
{
    f->block.timestamp_ms = f->ledger->state.timestamp_ms + 1;
}

static void epoch_above(struct ledger_fixture *f)
{
    f->block.epoch++; /* no terminal block came before */
}

static void epoch_below(struct ledger_fixture *f)
{
    f->block.epoch--;
}

static void placed(struct ledger_fixture *f)
{
    f->batches[1].already_placed = true;
}

static void version_zero(struct ledger_fixture *f)
{
    header_of(f, 0)->version = 0;
}

static void version_next(struct ledger_fixture *f)
{
    header_of(f, 0)->version = BATCH_VERSION + 1;
}

static void kind_zero(struct ledger_fixture *f)
{
    header_of(f, 1)->kind = 0;
}

static void kind_four(struct ledger_fixture *f)
{
    header_of(f, 1)->kind = BATCH_EVIDENCE + 1;
}

static void count_zero(struct ledger_fixture *f)
{
    header_of(f, 0)->count = 0;
}

static void count_over(struct ledger_fixture *f)
{
    header_of(f, 0)->count = LIMIT_BATCH_RECORDS + 1;
}

static void two_actions(struct ledger_fixture *f)
{
    header_of(f, 2)->count = 2;
}

static void no_body(struct ledger_fixture *f)
{
    f->batches[2].body_length = 0;
}

static void body_over(struct ledger_fixture *f)
{
    f->batches[2].body_length = BATCH_BODY_BYTES_MAX + 1;
}

static void action_of_a_file(struct ledger_fixture *f)
{
    header_of(f, 2)->source_hash.bytes[31] = 1;
}

static void other_chain(struct ledger_fixture *f)
{
    header_of(f, 1)->chain_id.bytes[31] ^= 1;
}

static void expired(struct ledger_fixture *f)
{
    header_of(f, 1)->expires_ms = f->block.timestamp_ms;
}

static void just_in_time(struct ledger_fixture *f)
{
    header_of(f, 1)->expires_ms = f->block.timestamp_ms + 1;
}

static void ahead(struct ledger_fixture *f)
{
    header_of(f, 0)->created_ms = f->block.timestamp_ms + BATCH_AHEAD_MS_MAX + 1;
}

static void just_not_ahead(struct ledger_fixture *f)
{
    header_of(f, 0)->created_ms = f->block.timestamp_ms + BATCH_AHEAD_MS_MAX;
}

static void other_signature(struct ledger_fixture *f)
{
    f->batches[0].verified_under.bytes[31] ^= 1;
}

static void unknown_key(struct ledger_fixture *f)
{
    header_of(f, 0)->key_no = 3;
}

static void unknown_participant(struct ledger_fixture *f)
{
    header_of(f, 0)->participant = 99;
}

/* Key 2 of each participant may act and submits nothing. */
static void key_without_permission(struct ledger_fixture *f)
{
    header_of(f, 1)->key_no = 2;
    f->batches[1].verified_under = f->participants[1].keys[1].key;
}

static void twice(struct ledger_fixture *f)
{
    f->batches[1].id = f->batches[0].id;
}

static void first_and_last(struct ledger_fixture *f)
{
    f->batches[2].id = f->batches[0].id;
}

static const char HEIGHT[] = "the block's height does not follow its parent's";
static const char PARENT[] = "the block's parent is not the last final block";
static const char TIME[] = "the block's time is not after its parent's";
static const char EPOCH[] = "the block's epoch is not the one that its parent leaves";
static const char BATCHES_OVER[] = "the block has too many batches";
static const char RECORDS_OVER[] = "the block has too many records";
static const char PLACED[] = "a batch stands in an earlier block";
static const char VERSION[] = "a batch's version or kind does not exist";
static const char COUNT[] = "a batch's count is outside its limit";
static const char BODY[] =
    "a batch of an action or evidence has one body within its limit and no source";
static const char CHAIN[] = "a batch belongs to another chain";
static const char EXPIRED[] = "a batch is past its time";
static const char AHEAD[] = "a batch is ahead of its time";
static const char KEY[] = "a batch is not signed by a key that its participant may submit with";
static const char TWICE[] = "the block names a batch twice";

static const struct change CHANGES[] = {
    {NULL, NONE, nothing},         {HEIGHT, NONE, height_above},     {HEIGHT, NONE, height_below},
    {PARENT, NONE, parent},        {TIME, NONE, time_of_parent},     {TIME, NONE, time_before},
    {NULL, NONE, time_just_after}, {EPOCH, NONE, epoch_above},       {EPOCH, NONE, epoch_below},
    {PLACED, 1, placed},           {VERSION, 0, version_zero},       {VERSION, 0, version_next},
    {VERSION, 1, kind_zero},       {VERSION, 1, kind_four},          {COUNT, 0, count_zero},
    {COUNT, 0, count_over},        {BODY, 2, two_actions},           {BODY, 2, no_body},
    {BODY, 2, body_over},          {BODY, 2, action_of_a_file},      {CHAIN, 1, other_chain},
    {EXPIRED, 1, expired},         {NULL, NONE, just_in_time},       {AHEAD, 0, ahead},
    {NULL, NONE, just_not_ahead},  {KEY, 0, other_signature},        {KEY, 0, unknown_key},
    {KEY, 0, unknown_participant}, {KEY, 1, key_without_permission}, {TWICE, 1, twice},
    {TWICE, 2, first_and_last},
};

/* Executes what is sealed, which fixture_execute would seal anew. */
static enum ledger_result execute_sealed(struct ledger_fixture *f)
{
    f->fault = (struct ledger_fault){.what = NULL};
    return ledger_execute(f->ledger, &f->block, f->working_set, &f->outcome, &f->fault);
}

static void expect(struct ledger_fixture *f, const struct change *change, size_t number)
{
    enum ledger_result result = execute_sealed(f);
    if (change->expected == NULL) {
        if (result != LEDGER_OK) {
            fail_msg("change %zu: %s", number, f->fault.what);
        }
        ledger_rollback(f->ledger);
        return;
    }
    if (result != LEDGER_INVALID_BLOCK || strcmp(f->fault.what, change->expected) != 0) {
        fail_msg("change %zu: expected \"%s\", found %d \"%s\"", number, change->expected,
                 (int)result, result == LEDGER_OK ? "" : f->fault.what);
    }
    assert_int_equal(f->fault.batch_index, change->batch);
}

/* Two batches of records and an action. */
static void sound(struct ledger_fixture *f)
{
    for (uint32_t participant = 1; participant <= 2; participant++) {
        (void)fixture_batch(f, participant);
        fixture_add(f, fixture_clear(f, participant, 3, 10));
    }
    struct action answer = {.kind = ACTION_APPROVE};
    (void)fixture_action(f, 3, 2, &answer);
    assert_int_equal(f->block.batch_count, BATCHES);
}

static void test_each_fault(void **state)
{
    (void)state;
    struct ledger_fixture *f = fixture_new();
    f->genesis.block_records = 64;
    fixture_governed(f, 1);
    fixture_start(f);
    for (size_t i = 0; i < sizeof CHANGES / sizeof CHANGES[0]; i++) {
        const struct ledger_block fresh = f->block;
        sound(f);
        assert_int_equal(fixture_execute(f), LEDGER_OK);
        ledger_rollback(f->ledger);
        CHANGES[i].make(f);
        expect(f, &CHANGES[i], i);
        fixture_drop(f);
        f->block = fresh;
    }
    /* None of it left a trace: the next sound block posts. */
    assert_int_equal(fixture_file(f, 1, fixture_clear(f, 1, 2, 10)), VERDICT_POSTED);
    fixture_free(f);
}

/* Records are counted over all batches; an action counts as one. */
static void test_too_many_records(void **state)
{
    (void)state;
    struct ledger_fixture *f = fixture_new();
    f->genesis.block_records = BATCHES;
    fixture_governed(f, 1);
    fixture_start(f);
    const struct ledger_block fresh = f->block;
    sound(f);
    assert_int_equal(fixture_execute(f), LEDGER_OK);
    ledger_rollback(f->ledger);
    fixture_drop(f);
    f->block = fresh;
    (void)fixture_batch(f, 1);
    fixture_add(f, fixture_clear(f, 1, 2, 10));
    (void)fixture_batch(f, 2);
    for (unsigned i = 0; i < BATCHES; i++) {
        fixture_add(f, fixture_clear(f, 2, 1, 10));
    }
    assert_int_equal(fixture_execute(f), LEDGER_INVALID_BLOCK);
    assert_string_equal(f->fault.what, RECORDS_OVER);
    assert_int_equal(f->fault.batch_index, NONE);
    f->parts[1].header.count = BATCHES - 1;
    fixture_block(f);
    assert_int_equal(fixture_verdict(f, 1, 1), VERDICT_POSTED);
    fixture_free(f);
}

/* The last batch that fits, and one more. */
static void test_too_many_batches(void **state)
{
    (void)state;
    struct ledger_fixture *f = fixture_new();
    f->genesis.block_records = 2 * LIMIT_BLOCK_BATCHES;
    fixture_start(f);
    for (unsigned i = 0; i < LIMIT_BLOCK_BATCHES; i++) {
        (void)fixture_batch(f, 1);
        fixture_add(f, fixture_clear(f, 1, 2, 1));
    }
    assert_int_equal(fixture_execute(f), LEDGER_OK);
    ledger_rollback(f->ledger);
    static struct ledger_batch batches[LIMIT_BLOCK_BATCHES + 1];
    memcpy(batches, f->batches, sizeof f->batches);
    batches[LIMIT_BLOCK_BATCHES] = batches[0];
    batches[LIMIT_BLOCK_BATCHES].id.bytes[0] ^= 1;
    struct ledger_block larger = f->block;
    larger.batches = batches;
    larger.batch_count = LIMIT_BLOCK_BATCHES + 1;
    assert_int_equal(ledger_execute(f->ledger, &larger, f->working_set, &f->outcome, &f->fault),
                     LEDGER_INVALID_BLOCK);
    assert_string_equal(f->fault.what, BATCHES_OVER);
    assert_int_equal(f->fault.batch_index, NONE);
    fixture_block(f);
    assert_int_equal(fixture_balance(f, 2, ACCOUNT_POSITION), LIMIT_BLOCK_BATCHES);
    fixture_free(f);
}

/* A batch may be as large as its limit. */
static void test_full_batch(void **state)
{
    (void)state;
    struct ledger_fixture *f = fixture_new();
    fixture_start(f);
    (void)fixture_batch(f, 1);
    for (unsigned i = 0; i < LIMIT_BATCH_RECORDS; i++) {
        fixture_add(f, fixture_clear(f, 1, 2, 1));
    }
    fixture_block(f);
    assert_int_equal(fixture_balance(f, 2, ACCOUNT_POSITION), LIMIT_BATCH_RECORDS);
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_fault),
        cmocka_unit_test(test_too_many_records),
        cmocka_unit_test(test_too_many_batches),
        cmocka_unit_test(test_full_batch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
