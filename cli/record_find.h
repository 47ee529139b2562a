/*
 * record_find: what `hefu record show` and `hefu record history` ask for and how they end: an id,
 * perhaps of one participant, in a home.
 */
#ifndef HEFU_CLI_RECORD_FIND_H
#define HEFU_CLI_RECORD_FIND_H

#include "cli/home.h"
#include "cli/output.h"
#include "ledger/record.h"

struct record_question {
    struct home home;
    enum output_format format;
    struct record_id id;
    uint32_t only; /* of this participant; 0: of any */
};

/* Reads operand and options and opens the home. EXIT_CLEAN, or the exit code, told. */
int record_find_open(const struct args *args, struct record_question *ret_question) MUST_USE;
/* Ends the output, tells that nothing has the id if the code says so, closes. The code. */
int record_find_close(const struct args *args, struct record_question *question,
                      struct output *output, int code) MUST_USE;

#endif
