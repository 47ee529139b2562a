/*
 * receipt_home: a receipt as a home's store gives it, with everything that somebody with genesis
 * alone needs to check it.
 */
#ifndef HEFU_CLI_RECEIPT_HOME_H
#define HEFU_CLI_RECEIPT_HOME_H

#include "cli/home.h"
#include "cli/receipt_held.h"

/* EXIT_CLEAN, or the exit code, told. */
int receipt_home_read(struct home *home, const struct hash *id, struct held *held) MUST_USE;

/* The key that the home knows for the receipt's batch, for one whose proof no node kept. */
bool receipt_home_key(struct home *home, const struct held *held, struct public_key *ret_key);

#endif
