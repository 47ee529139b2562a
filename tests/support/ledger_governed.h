/*
 * ledger_governed: a fixture network with several validators and second keys, and the actions that
 * tests take on it, in one line each.
 */
#ifndef HEFU_TESTS_LEDGER_GOVERNED_H
#define HEFU_TESTS_LEDGER_GOVERNED_H

#include "ledger/action_rows.h"
#include "tests/support/ledger_fixture.h"

/* The body of an action as a test spells it out, behind its version and kind. */
struct governed_body {
    uint8_t bytes[ACTION_BYTES_MAX];
    struct writer writer;
};
void governed_begin(struct governed_body *body, enum action_kind kind);

/* Every action of kinds 5 to 12 is proposed and approved by operators, within ten minutes. */
void governed_policies(struct genesis *genesis, uint16_t approvals);

/* Started, with so many validators (fixture_governed). */
struct ledger_fixture *governed_new(uint32_t validators);
/* The key number of fixture_validator_key(index). */
uint32_t governed_key_no(uint32_t index);

/* Add a change by validator index, as fixture_validator_key counts. */
void governed_add(struct action *action, uint32_t participant, uint32_t index);
void governed_remove(struct action *action, uint32_t index);
void governed_replace(struct action *action, uint32_t old, uint32_t index);

/* VALIDATORS: ADD validator 200, owned by participant 6. */
struct action governed_addition(uint64_t epoch);
struct action governed_answer(enum action_kind kind, struct hash id);
/* With four validators: proposed by participant 1, approved by 2 and 3. Its id. */
struct hash governed_approved_addition(struct ledger_fixture *fixture);

/* The stored row of an action. */
struct action_row governed_row(struct ledger_fixture *fixture, const struct hash *id);

#endif
