/* differential: see differential.h. */
#include "tests/support/differential.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/support/naive_model.h"
#include "tests/support/random_actions.h"

#define BLOCKS 100u

static uint64_t counts[600];
static uint64_t kinds[32]; /* accepted */
static struct action_counts action_counts;

struct people {
    struct random_day day;
    struct random_actions actions;
};

static void count_verdicts(const struct ledger_fixture *f)
{
    for (uint32_t i = 0; i < f->starts[f->block.batch_count]; i++) {
        counts[f->verdicts[i]]++;
    }
    for (uint32_t b = 0; b < f->block.batch_count; b++) {
        bool has_records = f->parts[b].header.kind == BATCH_RECORDS;
        for (uint32_t i = 0; has_records && i < f->parts[b].header.count; i++) {
            if (verdict_is_accepted(fixture_verdict(f, b, i))) {
                kinds[f->parts[b].records[i].kind]++;
            }
        }
    }
}

/* One block, sometimes taken back and executed again; false if the two differ. */
static bool run_block(struct naive_model *model, struct people *people, uint64_t *records)
{
    struct random_day *day = &people->day;
    struct ledger_fixture *f = day->fixture;
    random_actions_time(&people->actions, day);
    bool narrow = people->actions.narrow;
    unsigned batches = narrow ? 1 : 1 + (unsigned)prng_below(&day->prng, 4);
    random_day_block(day, batches, narrow ? 5 : 16);
    random_actions_block(&people->actions);
    if (fixture_execute(f) != LEDGER_OK) {
        (void)fprintf(stderr, "  %s\n", f->fault.what);
        return false;
    }
    if (prng_below(&day->prng, 8) == 0) {
        struct hash hash = f->outcome->block_hash;
        ledger_rollback(f->ledger);
        if (fixture_execute(f) != LEDGER_OK || !hash_equal(&hash, &f->outcome->block_hash)) {
            (void)fprintf(stderr, "  executed again it is another block\n");
            return false;
        }
    }
    if (!naive_model_agrees(model, f)) {
        return false;
    }
    count_verdicts(f);
    *records += f->outcome->verdict_count;
    random_day_note(day);
    random_actions_note(&people->actions, &action_counts);
    fixture_commit(f);
    if (prng_below(&day->prng, 16) == 0) {
        fixture_reload(f);
    }
    return true;
}

void differential_run(uint64_t wanted, uint64_t seed)
{
    const char *given = getenv("HEFU_DIFFERENTIAL");
    if (given != NULL) {
        assert_int_equal(sscanf(given, "%ju:%ju", &wanted, &seed), 2);
    }
    uint64_t first = seed;
    struct naive_model *model = naive_model_start();
    uint64_t records = 0;
    for (; records < wanted; seed++) {
        struct people people;
        random_day_prepare(&people.day, seed);
        random_actions_prepare(&people.actions, &people.day, seed);
        fixture_start(people.day.fixture);
        naive_model_genesis(model, &people.day.fixture->genesis);
        for (unsigned i = 0; i < BLOCKS; i++) {
            uint64_t height = people.day.fixture->block.height;
            if (!run_block(model, &people, &records)) {
                fail_msg("seed %ju, block %ju differs", seed, height);
            }
        }
        random_day_end(&people.day);
    }
    naive_model_stop(model);
    (void)printf("%ju records of seeds %ju to %ju: no difference\n", records, first, seed - 1);
    for (unsigned at = 0; at < 600; at++) {
        if (counts[at] != 0) {
            (void)printf("%s %ju  ", verdict_name(at), counts[at]);
        }
    }
    (void)printf("\naccepted: ");
    for (unsigned kind = 1; kind <= 24; kind++) {
        (void)printf("%s %ju  ", record_kind_name(kind), kinds[kind]);
        assert_true(kinds[kind] > 0 || wanted < 100000);
    }
    (void)printf("\n");
    random_actions_print(&action_counts);
    assert_true(random_actions_exercised(&action_counts) || wanted < 1000000);
}
