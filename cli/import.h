/*
 * import: lines of a clearing file (CSV, docs/integrating.md) as clearing records. The first line
 * names the columns, in any order; each further line is one record. An error names the line, the
 * column and what was expected there.
 */
#ifndef HEFU_CLI_IMPORT_H
#define HEFU_CLI_IMPORT_H

#include "base/status.h"
#include "cli/csv.h"
#include "cli/names.h"
#include "ledger/record.h"

/* X(name, required): the columns a file may have. Required here are those that every kind needs;
   a line whose kind needs more (ledger/kinds.h) must have it filled in. */
#define IMPORT_FIELD_TABLE(X)                                                                      \
    X(kind, true)                                                                                  \
    X(id, false)                                                                                   \
    X(scheme, false)                                                                               \
    X(payer, false)                                                                                \
    X(payee, false)                                                                                \
    X(amount, false)                                                                               \
    X(currency, true)                                                                              \
    X(business_date, true)                                                                         \
    X(interchange, false)                                                                          \
    X(payer_fee, false)                                                                            \
    X(payee_fee, false)                                                                            \
    X(match_key, false)                                                                            \
    X(ref, false)                                                                                  \
    X(ref_participant, false)                                                                      \
    X(mcc, false)                                                                                  \
    X(reason, false)                                                                               \
    X(details_hash, false)                                                                         \
    X(timeout_s, false)                                                                            \
    X(priority, false)                                                                             \
    X(flags, false)

#define IMPORT_FIELD_ENUM(name, required) IMPORT_##name,
enum import_field { IMPORT_FIELD_TABLE(IMPORT_FIELD_ENUM) IMPORT_FIELD_COUNT };
#undef IMPORT_FIELD_ENUM

struct import_error {
    uint64_t line;
    unsigned column; /* from 1; 0: the line as a whole */
    char text[320];  /* "amount: expected ..., found ..." */
};

struct import {
    const struct names *names;
    uint16_t default_scheme; /* for an empty or absent scheme; 0: none */
    unsigned column_count;
    int column_of[IMPORT_FIELD_COUNT]; /* -1: the file has no such column */
};

/* Takes the header line that reader stands on. MALFORMED with an error. */
enum status import_start(struct import *import, const struct names *names, uint16_t default_scheme,
                         const struct csv_reader *header, struct import_error *ret_error) MUST_USE;

/* Whether the file gives ids; if not, they come from the file's hash and the line. */
bool import_has_ids(const struct import *import);

/* The record on the line that reader stands on. source_hash: for a line without an id; may be NULL
   while a file is only being checked, such a record then has a zero id. MALFORMED with an error. */
enum status import_record(const struct import *import, const struct csv_reader *line,
                          const struct hash *source_hash, struct record *ret_record,
                          struct import_error *ret_error) MUST_USE;

#endif
