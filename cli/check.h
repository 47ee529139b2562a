/*
 * check: what an auditor's reader verifies with the genesis file alone: that a quorum of validators
 * signed a block as final, and that an account's leaf stands under the block's accounts_root.
 */
#ifndef HEFU_CLI_CHECK_H
#define HEFU_CLI_CHECK_H

#include <stdbool.h>

#include "cli/home.h"
#include "consensus/message.h"
#include "consensus/validators.h"

/* Whether finalization is one, names this block, and q distinct validators signed it; with
   signatures, whether each of them verifies. NULL if so, else what is wrong (static). */
const char *check_finalization(const struct certificate *finalization,
                               const struct hash *block_hash, const struct hash *chain_id,
                               const struct validator_set *validators, bool signatures);

/* Whether each signature of a certificate of sound form verifies. NULL if so, else what is wrong.
 */
const char *check_signatures(const struct certificate *certificate, const struct hash *chain_id,
                             const struct validator_set *validators);

/* Whether all stored account leaves of the snapshot give the accounts_root of its last block, and a
   quorum signed that block. EXIT_CLEAN, or the exit code, told. */
int check_accounts(struct home *home) MUST_USE;

#endif
