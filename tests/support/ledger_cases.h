/*
 * ledger_cases: for each verdict about state, money and cycles, a record that has just that fault.
 * The table of tests/unit/ledger/test_verdicts.c has the rest.
 */
#ifndef HEFU_TESTS_LEDGER_CASES_H
#define HEFU_TESTS_LEDGER_CASES_H

#include "tests/support/ledger_fixture.h"

/* What a case files: it may file other records before, and changes the submitter or the record. */
struct attempt {
    struct ledger_fixture *fixture;
    uint32_t submitter;
    struct record record;
};

struct fault {
    enum verdict verdict;
    enum record_kind kind; /* of the sound record that apply spoils */
    void (*apply)(struct attempt *attempt);
};

/* What these cases need of the network; before fixture_start. */
void cases_declare(struct ledger_fixture *fixture);
/* The cases, in the order in which they must run on one ledger. */
extern const struct fault CASES[];
extern const size_t CASE_COUNT;

#endif
