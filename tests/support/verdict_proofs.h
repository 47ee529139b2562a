/*
 * verdict_proofs: which verdicts a test program has seen the ledger give, and which program must
 * see those that records never get. So "every verdict is reached" rests on runs alone.
 */
#ifndef HEFU_TESTS_VERDICT_PROOFS_H
#define HEFU_TESTS_VERDICT_PROOFS_H

#include <stdbool.h>
#include <stdint.h>

#include "ledger/verdict.h"

#define PROOFS_ACTIONS "test_ledger_actions"
#define PROOFS_ACTION_BYTES "test_ledger_action_bytes"
#define PROOFS_EFFECTS "test_ledger_effects"

/* The ledger gave this verdict in this program. Returns it. */
unsigned proofs_note(unsigned verdict);
bool proofs_noted(unsigned verdict);
/* The program that must reach the verdict of an action or of evidence; NULL: a record gets it, so
   tests/tables must. */
const char *proofs_by(unsigned verdict);
/* How many verdicts have such a program. */
unsigned proofs_listed(void);
/* Fails unless this program has reached all that are its own, and there are some. */
void proofs_expect(const char *program);

#endif
