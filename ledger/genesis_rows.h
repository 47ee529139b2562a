/*
 * genesis_rows: rows of reference data back from their bytes (docs/formats.md, Genesis): from the
 * store and from the bodies of actions. Form alone: whether the parts fit together is
 * genesis_check's.
 */
#ifndef HEFU_LEDGER_GENESIS_ROWS_H
#define HEFU_LEDGER_GENESIS_ROWS_H

#include "base/bytes.h"
#include "base/status.h"
#include "ledger/genesis.h"

/* OK; TRUNCATED, TRAILING, or OVERSIZED if a list is longer than it may be. */
enum status genesis_decode_participant(struct span bytes,
                                       struct genesis_participant *ret_row) MUST_USE;
enum status genesis_decode_limit(struct span bytes, struct genesis_limit *ret_row) MUST_USE;
enum status genesis_decode_service(struct span bytes, struct genesis_service *ret_row) MUST_USE;
enum status genesis_decode_scheme(struct span bytes, struct genesis_scheme *ret_row) MUST_USE;
enum status genesis_decode_calendar(struct span bytes, struct genesis_calendar *ret_row) MUST_USE;
enum status genesis_decode_parameters(struct span bytes, struct parameters *ret_row) MUST_USE;

#endif
