/*
 * working_set: what a block refers to in the final state, read by ledger_prefetch before execution,
 * which then does no I/O. Records are numbered through the block ("flat"): batch 0's first.
 */
#ifndef HEFU_LEDGER_WORKING_SET_H
#define HEFU_LEDGER_WORKING_SET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"
#include "ledger/record.h"
#include "ledger/rows.h"

/* A final record that a record of the block acts on. */
struct original {
    struct record record;
    struct place place;
    uint32_t submitter;
    uint16_t verdict;
    bool has_life;
    struct life_row life;
};

struct working_set {
    uint64_t height; /* of the block it was read for */
    uint32_t record_count;
    uint32_t id_count;
    uint32_t original_count;
    uint32_t id_of[LIMIT_BLOCK_RECORDS];       /* 1 + place in ids; 0: the id is free */
    uint32_t original_of[LIMIT_BLOCK_RECORDS]; /* 1 + place in originals; 0: not found */
    bool key_taken[LIMIT_BLOCK_RECORDS];       /* its match_key names a posted transaction */
    bool source_taken[LIMIT_BLOCK_BATCHES];
    bool action_known[LIMIT_BLOCK_BATCHES];   /* the action that it answers has a row */
    bool evidence_known[LIMIT_BLOCK_BATCHES]; /* its offence is recorded */
    struct id_row ids[LIMIT_BLOCK_RECORDS];
    struct original originals[LIMIT_BLOCK_RECORDS];
};

#endif
