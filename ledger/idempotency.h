/*
 * idempotency: a record's id is taken once per participant, a source file's part once per
 * participant, whatever became of them (docs/ledger.md, Idempotency).
 */
#ifndef HEFU_LEDGER_IDEMPOTENCY_H
#define HEFU_LEDGER_IDEMPOTENCY_H

#include "ledger/state.h"

#define ID_ROW_BYTES (ID_KEY_BYTES + ID_VALUE_BYTES)
#define SOURCE_ROW_BYTES (SOURCE_KEY_BYTES + SOURCE_VALUE_BYTES)

/* POSTED, and the id is now taken, by this record; or EXISTS, EXISTS_DIFFERENT. A zero id is
   neither found nor taken. */
enum verdict idempotency_take_id(struct ledger *ledger, const struct filing *filing);

/* The same for the source part of a batch: POSTED or SOURCE_EXISTS. */
enum verdict idempotency_take_source(struct ledger *ledger, uint32_t batch_index);

#endif
