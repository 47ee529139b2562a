/*
 * working_set: what a block refers to in the final state, read by ledger_prefetch before execution,
 * which then does no I/O. Records are numbered through the block ("flat"): batch 0's first.
 */
#ifndef HEFU_LEDGER_WORKING_SET_H
#define HEFU_LEDGER_WORKING_SET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/limits.h"
#include "ledger/index.h"
#include "ledger/record.h"
#include "ledger/rows.h"

/* Due rows that one block sweeps, at most (docs/ledger.md, A block). */
#define DUE_ROWS_MAX_OF(records) (2u * (records))
#define DUE_ROWS_MAX DUE_ROWS_MAX_OF(LIMIT_BLOCK_RECORDS)
/* A record of the block needs the one that it or its match key names, and what that is LINKED to,
   acts on or is in exception with; a due life itself and the same. */
#define ORIGINALS_MAX_OF(records) (3u * (records) + 2u * DUE_ROWS_MAX_OF(records))
#define ORIGINALS_MAX ORIGINALS_MAX_OF(LIMIT_BLOCK_RECORDS)
#define ORIGINAL_SLOTS (1u << 19)
_Static_assert(ORIGINAL_SLOTS >= 2 * ORIGINALS_MAX, "an index is at most half full");

/* A final record that the block acts on. */
struct original {
    uint8_t key[LIFE_KEY_BYTES]; /* of its place, for the index; first */
    uint32_t submitter;
    struct record record;
    struct place place;
    uint16_t verdict;
    bool has_life;
    struct life_row life;
    uint64_t posted_ms; /* without a life: its block's time */
};

struct working_set {
    uint64_t height; /* of the block it was read for */
    uint32_t record_count;
    uint32_t id_count;
    uint32_t original_count;
    uint32_t id_of[LIMIT_BLOCK_RECORDS];       /* 1 + place in ids; 0: the id is free */
    uint32_t original_of[LIMIT_BLOCK_RECORDS]; /* 1 + place in originals; 0: not found */
    uint32_t key_of[LIMIT_BLOCK_RECORDS];      /* likewise: what its match key names; 0: free */
    bool source_taken[LIMIT_BLOCK_BATCHES];
    bool action_known[LIMIT_BLOCK_BATCHES];   /* the action that it answers has a row */
    bool evidence_known[LIMIT_BLOCK_BATCHES]; /* its offence is recorded */
    bool root_key_known; /* a root block: a key of its document was in a set before */
    /* Rows of TABLE_EXPIRY with due_ms <= the block's time, and the time of the first row that is
       not among them; UINT64_MAX: none. Only if due_read: else no row can be due. */
    bool due_read;
    uint32_t due_count;
    uint64_t due_next_ms;
    struct expiry_row due[DUE_ROWS_MAX];
    struct id_row ids[LIMIT_BLOCK_RECORDS];
    uint32_t generation; /* of the index */
    struct index index;  /* originals by place */
    /* Of the slots, as many as the network's limit of records needs are used; the first so many
       have been zeroed. */
    uint32_t zeroed_slots;
    struct index_slot slots[ORIGINAL_SLOTS];
    struct original originals[ORIGINALS_MAX];
};

/* The original at this place, or NULL. */
const struct original *working_set_at(const struct working_set *set, struct place place);

#endif
