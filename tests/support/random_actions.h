/*
 * random_actions: what the people of a random_day decide meanwhile: proposals of kinds 5 to 12,
 * good and bad, by those who may and by others; approvals, refusals, withdrawals, answers to what
 * has ended or never was; some proposals that nobody answers, so that they lapse.
 */
#ifndef HEFU_TESTS_RANDOM_ACTIONS_H
#define HEFU_TESTS_RANDOM_ACTIONS_H

#include "tests/support/random_day.h"

#define RANDOM_ACTIONS_PENDING 24u

struct random_proposal {
    struct hash id;
    uint16_t kind;
    bool neglected; /* nobody answers it on purpose */
    bool ended;
};

struct random_actions {
    struct prng prng;
    struct ledger_fixture *fixture;
    struct random_proposal pending[RANDOM_ACTIONS_PENDING];
    uint32_t count;
    uint16_t last_kind;
    bool closes; /* a cycle in every block */
    bool narrow; /* at most one batch of five records a block, so that due events are left over */
};

/* Of a whole run, by kind and by state (enum action_state) in which they ended. */
struct action_counts {
    uint64_t proposed[ACTION_CYCLE + 1]; /* and accepted; of answers: accepted */
    uint64_t refused[ACTION_CYCLE + 1];  /* by their verdict */
    uint64_t ended[ACTION_CYCLE + 1][ACTION_OVERTAKEN + 1];
};

/* Between random_day_prepare and fixture_start: room for more participants and services, second
   keys, random policies. */
void random_actions_prepare(struct random_actions *actions, struct random_day *day, uint64_t seed);
/* Before random_day_block: now and then the block's time is that at which an open action lapses or
   a cycle is due, or a millisecond beside it. */
void random_actions_time(struct random_actions *actions, struct random_day *day);
/* Adds batches of actions to the block that is being built. */
void random_actions_block(struct random_actions *actions);
/* After the block was executed. */
void random_actions_note(struct random_actions *actions, struct action_counts *counts);
/* A line a kind. */
void random_actions_print(const struct action_counts *counts);
/* Whether every kind ended in every way that it can. */
bool random_actions_exercised(const struct action_counts *counts);

#endif
