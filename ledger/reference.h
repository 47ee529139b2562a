/*
 * reference: the record that a record acts on, what of it is left, and the transaction that a
 * match_key names (docs/ledger.md: REFUND, Transaction). The original may stand in an earlier
 * block (working set), earlier in this block, or earlier in the same batch.
 */
#ifndef HEFU_LEDGER_REFERENCE_H
#define HEFU_LEDGER_REFERENCE_H

#include "ledger/state.h"

#define LIFE_ROW_BYTES (LIFE_KEY_BYTES + LIFE_VALUE_BYTES)
#define TRANSACTION_ROW_BYTES (TRANSACTION_KEY_BYTES + TRANSACTION_VALUE_BYTES)

/* What the checks found and posting will record. */
struct reference {
    struct place place;   /* of the original */
    uint64_t amount;      /* that it posted */
    int64_t network_fees; /* that it brought the network */
    struct life_row life; /* before this record */
    uint32_t touched;     /* its place among the lives this block touched, or INDEX_NONE */
    uint32_t slot;        /* where the index of lives will hold it */
    uint32_t key_slot;    /* where the index of transactions will hold the match key */
    bool acts;            /* there is an original */
    bool takes_key;       /* the match key is to be taken */
};

/* The first reference check (3xx after LINKED_FAILED) that fails, or POSTED. Changes nothing. */
enum verdict reference_check(struct ledger *ledger, const struct filing *filing,
                             struct reference *ret_reference);

/* Records the return on the original, and the match key. Fills the journal's part of it. */
void reference_apply(struct ledger *ledger, const struct filing *filing,
                     const struct reference *reference, struct posted_record *ret_posted);

/* Takes back the last reference_apply that is still standing. */
void reference_undo(struct ledger *ledger, const struct posted_record *posted);

#endif
