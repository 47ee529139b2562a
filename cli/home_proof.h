/*
 * home_proof: what a home's tables hold, against the header of its final block (docs/formats.md,
 * state_root): a row that is missing or altered changes a digest or a root that the validators
 * signed. Accounts are check_accounts' (cli/check.h).
 */
#ifndef HEFU_CLI_HOME_PROOF_H
#define HEFU_CLI_HOME_PROOF_H

#include "cli/home.h"
#include "ledger/rows.h"

/* All give CORRUPT. */

/* The digests of the STATE row give state_root; those of the tables that genesis filled are those
   of now. ret_digests: the STATE row's. */
enum status home_prove_state(struct home *home, const struct genesis *now,
                             struct hash ret_digests[STATE_SLOTS]) MUST_USE;
/* The cycles of each service count from 1, and those not settled are the digest's. */
enum status home_prove_cycles(struct home *home) MUST_USE;
/* The nets of a cycle are those that its row names; of an open one, those of all open cycles are
   the digest's. */
enum status home_prove_nets(struct home *home, const struct cycle_row *cycle) MUST_USE;

/* A record by its place, as chain_record gives it, which checks no hash: it is the one that its
   submitter's id stands for, or under its batch's root. NOT_FOUND or CORRUPT. */
enum status home_record(struct home *home, struct place place, struct record *ret_record,
                        uint16_t *ret_verdict, uint32_t *ret_submitter) MUST_USE;

#endif
