/*
 * genesis_file: genesis.json, as people write and compare it, to and from struct genesis
 * (docs/formats.md, genesis.json). The chain id does not depend on how the file is laid out, only
 * on the canonical bytes of what it says (ledger/genesis.h).
 */
#ifndef HEFU_NODE_GENESIS_FILE_H
#define HEFU_NODE_GENESIS_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/status.h"
#include "consensus/validators.h"
#include "ledger/genesis.h"

#define GENESIS_FILE_BYTES_MAX (64u << 20)

/*
 * Reads and checks a file (genesis_file_check, and that every key is a valid point). ret_genesis
 * then owns its arrays: genesis_free. NOT_FOUND, IO, OVERSIZED, MALFORMED, NO_MEMORY. ret_error
 * gives the file and either line and column, or the place as a path (participants[3].keys[0].key),
 * and what was expected.
 */
enum status genesis_file_read(const char *path, struct genesis *ret_genesis, char *ret_error,
                              size_t capacity) MUST_USE;
/* The same for text in memory; source names it in errors. */
enum status genesis_text_read(const char *text, size_t length, const char *source,
                              struct genesis *ret_genesis, char *ret_error,
                              size_t capacity) MUST_USE;

/* One row as genesis.json writes it, for actions that change one: part is "participant", "limit",
   "service", "scheme" or "calendar" and ret_row the genesis_... struct, or part is "parameters" and
   ret_row a struct genesis. currencies: those that it may name. Form alone: MALFORMED. */
enum status genesis_row_read(const char *part, const char *text, size_t length, const char *source,
                             struct genesis *currencies, void *ret_row, char *ret_error,
                             size_t capacity) MUST_USE;

/* Writes a file, replacing one that exists (atomically). IO, DENIED, NO_SPACE, NO_MEMORY, or
 * MALFORMED if genesis_file_check refuses it. */
enum status genesis_file_write(const char *path, const struct genesis *genesis, char *ret_error,
                               size_t capacity) MUST_USE;

/* genesis_check and genesis_check_keys, with memory of its own. */
enum status genesis_file_check(const struct genesis *genesis, char *ret_error,
                               size_t capacity) MUST_USE;

/* Frees the arrays and zeroes the struct. */
void genesis_free(struct genesis *genesis);

/* genesis_chain_id with memory of its own. */
struct hash genesis_file_chain_id(const struct genesis *genesis);

/* The sealed set of an epoch with genesis' validators, indexed as in the file. MALFORMED if
 * there are none or too many, else what validators_check says. */
enum status genesis_validator_set(const struct genesis *genesis, uint64_t epoch,
                                  struct validator_set *ret_set) MUST_USE;

#endif
