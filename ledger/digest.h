/*
 * digest: the digests under state_root (docs/formats.md, state_root): small tables whole, growing
 * tables as a running hash over each block's writes.
 */
#ifndef HEFU_LEDGER_DIGEST_H
#define HEFU_LEDGER_DIGEST_H

#include "ledger/state.h"

/* digest' = H("hefu.writes", digest ‖ rows); unchanged without rows. */
void digest_run(struct hash *digest, const uint8_t *rows, size_t length);

/* Begins H("hefu.table", table ‖ count ‖ rows). */
void digest_begin_table(struct hasher *hasher, uint32_t table, uint32_t count);
/* The digest of one cycle's nets: what stands in its row from closing on. */
void digest_cycle_nets(const struct ledger *ledger, uint32_t slot, struct hash *ret_digest);

/* Parameters and the tables that only genesis fills. */
void digest_static(struct ledger *ledger);

/* The digest of one of these tables. */
struct hash digest_static_table(const struct genesis *genesis, enum ledger_table table);

struct hash digest_state_root(const struct hash digests[STATE_SLOTS]);

/* The row of a static table as key ‖ value into writer; the key's length is returned. index counts
   in genesis order. */
uint32_t digest_static_count(const struct genesis *genesis, enum ledger_table table);
uint32_t digest_static_row(const struct genesis *genesis, enum ledger_table table, uint32_t index,
                           struct writer *writer);
/* Room for the largest key and row of a static table. */
#define STATIC_KEY_BYTES_MAX PARAMETERS_KEY_BYTES
#define STATIC_ROW_BYTES_MAX 2560

#endif
