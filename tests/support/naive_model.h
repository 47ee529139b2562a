/*
 * naive_model: the ledger's second implementation (tests/model, Python, written from docs/ledger.md
 * alone) behind a pipe. A block that a fixture has executed is given to it, and what the block came
 * to, line by line, is compared: verdicts, the rows of every table that outcomes depend on in the
 * order of their digests, entries of all accounts, totals, who is suspended.
 */
#ifndef HEFU_TESTS_NAIVE_MODEL_H
#define HEFU_TESTS_NAIVE_MODEL_H

#include "tests/support/ledger_fixture.h"

struct naive_model;

struct naive_model *naive_model_start(void);
/* A new ledger of this genesis. */
void naive_model_genesis(struct naive_model *model, const struct genesis *genesis);
/* Whether the model gives for the fixture's executed, uncommitted block what the ledger gave; else
   the first line that differs is printed, from both. */
bool naive_model_agrees(struct naive_model *model, const struct ledger_fixture *fixture);
void naive_model_stop(struct naive_model *model);

#endif
