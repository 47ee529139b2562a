/*
 * plan: who takes part in a network that is yet to be made: the participants, services, schemes and
 * limits that `hefu testnet init --participants FILE` reads from JSON (docs/integrating.md,
 * participants.json), as a genesis without keys, validators and time. Unknown members are errors,
 * and every error names the place in the file ("participants[3].limits[0].cap").
 */
#ifndef HEFU_CLI_PLAN_H
#define HEFU_CLI_PLAN_H

#include <stddef.h>

#include "base/status.h"
#include "ledger/genesis.h"

#define PLAN_BYTES_MAX (16u << 20)

/* Reads a file; NULL stands for the built-in plan of ten participants. ret_genesis then owns its
   arrays (genesis_free). NOT_FOUND, IO, OVERSIZED, MALFORMED,
   NO_MEMORY, with ret_error. */
enum status plan_read(const char *path, struct genesis *ret_genesis, char *ret_error,
                      size_t capacity) MUST_USE;
/* The same for text in memory; source names it in errors. */
enum status plan_text_read(const char *text, size_t length, const char *source,
                           struct genesis *ret_genesis, char *ret_error, size_t capacity) MUST_USE;

#endif
