/* cycle: finding a settlement cycle in a store, for the verbs about one. */
#ifndef HEFU_CLI_CYCLE_H
#define HEFU_CLI_CYCLE_H

#include "cli/home.h"
#include "ledger/rows.h"

/* The cycle of a service: the one asked for, or (0) the newest. NOT_FOUND, CORRUPT. */
enum status cycle_find(const struct home *home, uint16_t service, uint32_t number,
                       struct cycle_row *ret_row) MUST_USE;

/* The cycle that a verb's operand and --service name, in the home it opens. EXIT_CLEAN, then the
   caller closes the home; or the exit code, told. */
int cycle_of_args(const struct args *args, struct home *ret_home,
                  struct cycle_row *ret_row) MUST_USE;

#endif
