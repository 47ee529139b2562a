/*
 * outcome: what a block comes to: account leaves and tree, digests, the header with every root, and
 * the rows to store (docs/formats.md).
 */
#ifndef HEFU_LEDGER_OUTCOME_H
#define HEFU_LEDGER_OUTCOME_H

#include "ledger/state.h"

/* After execution and its invariants: pages (an invariant of its own may break: then its sentence
   is returned and the tree is untouched), leaves, digests, header, writes. */
const char *outcome_build(struct ledger *ledger);

/* Adds a row to the block's writes; key and value stay where they are until the next execution. */
void outcome_write(struct ledger *ledger, enum ledger_table table, struct span key,
                   struct span value);

/* The row of that key goes. */
void outcome_remove(struct ledger *ledger, enum ledger_table table, struct span key);

/* Adds rows that stand one behind the other as key ‖ value. */
void outcome_write_rows(struct ledger *ledger, enum ledger_table table, const uint8_t *rows,
                        uint32_t count, uint32_t key_length, uint32_t value_length);

/* Takes the block's leaves back out of the accounts tree; accounts are restored already. */
void outcome_restore_tree(struct ledger *ledger);

/* Header and writes of the genesis state. */
void outcome_build_genesis(struct ledger *ledger);

/* Recomputes the whole accounts tree from the accounts. */
void outcome_rebuild_tree(struct ledger *ledger);

#endif
