/*
 * genesis_output: a genesis document as the verbs of its family print it, so that operators compare
 * the same lines whichever of them they ran (docs/operations.md, A new incarnation).
 */
#ifndef HEFU_CLI_GENESIS_OUTPUT_H
#define HEFU_CLI_GENESIS_OUTPUT_H

#include "cli/output.h"
#include "ledger/genesis.h"

/* The columns that genesis_put fills. */
#define GENESIS_COLUMNS                                                                            \
    {"network", COLUMN_TEXT}, {"incarnation", COLUMN_NUMBER}, {"chain_id", COLUMN_TEXT},           \
        {"created", COLUMN_TEXT}, {"root_chain_id", COLUMN_TEXT}, {"root_height", COLUMN_NUMBER},  \
        {"root_hash", COLUMN_TEXT}, {"root_epoch", COLUMN_NUMBER},                                 \
    {                                                                                              \
        "validators", COLUMN_NUMBER                                                                \
    }
#define GENESIS_COLUMN_COUNT 9

/* Of a first incarnation the root's cells are empty. */
void genesis_put(struct output *output, const struct genesis *genesis, const struct hash *chain_id);

#endif
