/*
 * verdict_rows: the verdict tables: one record a row, and what the ledger says to it
 * (docs/ledger.md, Verdicts). A row spoils a sound record, or the state that it meets, in one way.
 * Rows stand in the order of the verdicts' numbers, and each is run on a ledger of its own.
 *
 *   RECORD_ROWS   what the record itself says: idempotency, form, authority, references, money
 *   STATE_ROWS    what is known of other records, of time, sponsors and queues
 */
#ifndef HEFU_TESTS_VERDICT_ROWS_H
#define HEFU_TESTS_VERDICT_ROWS_H

#include "tests/support/ledger_fixture.h"

/* What a row files: it may file other records before, and changes the submitter or the record. */
struct attempt {
    struct ledger_fixture *fixture;
    uint32_t submitter;
    struct record record;
};

struct verdict_row {
    enum verdict verdict;
    enum record_kind kind; /* of the sound record that apply spoils */
    void (*apply)(struct attempt *attempt);
};

extern const struct verdict_row RECORD_ROWS[];
extern const size_t RECORD_ROW_COUNT;
extern const struct verdict_row STATE_ROWS[];
extern const size_t STATE_ROW_COUNT;

/* The network of all rows, started: participant 3 settles through 6, whose exposure is covered;
   scheme 10 has disputes, 11 binding fees; three payments fill the queue, two of one payer. */
struct ledger_fixture *verdict_network(void);
/* A sound record of the kind: 1 pays 2; a REFUND returns up to 1,000 of a posted CLEAR. */
struct attempt verdict_sound(struct ledger_fixture *fixture, enum record_kind kind);

#endif
