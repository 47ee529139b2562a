/*
 * random_day: pseudo-random networks and records of every kind for the differential run and for
 * fuzzing: few participants and small numbers, so that everything collides: sponsors, covered
 * limits, two-sided schemes, disputes, fee rules, short timeouts, small queues, cut-offs, holidays.
 */
#ifndef HEFU_TESTS_RANDOM_DAY_H
#define HEFU_TESTS_RANDOM_DAY_H

#include "tests/support/ledger_fixture.h"

#define RANDOM_DAY_RECENT 128u

struct random_day {
    struct prng prng;
    struct ledger_fixture *fixture;
    struct record recent[RANDOM_DAY_RECENT];
    uint32_t recent_by[RANDOM_DAY_RECENT];
    uint32_t recent_count;
    struct genesis_calendar calendar;
    uint64_t next_ms; /* the next block's time, if that is later than its parent's; else drawn */
};

/* After the block was executed: what it accepted is what later records act on. */
void random_day_note(struct random_day *day);

/* A fixture on a random network, not yet started. */
void random_day_prepare(struct random_day *day, uint64_t seed);
/* The same, started. */
void random_day_begin(struct random_day *day, uint64_t seed);
void random_day_end(struct random_day *day);
/* Fills the fixture's next block: its time and so many batches of so many records at most. */
void random_day_block(struct random_day *day, unsigned batches, unsigned records);

#endif
