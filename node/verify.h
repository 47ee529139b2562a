/*
 * verify: a small pool of threads that checks batches off the core thread: the Ed25519 signature
 * over the header, the record hashes and the Merkle root (docs/architecture.md, The way of a
 * record, 2). Workers only take jobs and hand results back; they own no state.
 */
#ifndef HEFU_NODE_VERIFY_H
#define HEFU_NODE_VERIFY_H

#include <stddef.h>
#include <stdint.h>

#include "base/keys.h"
#include "base/status.h"
#include "ledger/batch.h"

struct verify_result {
    uint64_t token;
    enum status status; /* OK, BAD_SIGNATURE, BAD_HASH, BAD_KEY (a key that an action brings) */
    uint8_t *bytes;     /* as given, ownership passes back */
    size_t length;
    struct hash *record_hashes; /* malloc'ed; NULL unless OK and of kind records */
    struct public_key key;
};

typedef void (*verify_done)(void *context, const struct verify_result *result);

struct verify_pool;

/* done is called on a worker thread and takes over the result's memory. */
struct verify_pool *verify_pool_new(unsigned threads, verify_done done, void *context);
/* bytes (a batch that batch_parse accepted) pass over. Never blocks; the caller bounds what it has
 * under way. */
void verify_pool_add(struct verify_pool *pool, uint64_t token, uint8_t *bytes, size_t length,
                     const struct public_key *key);
/* Stops after the jobs that run; those that wait are dropped. */
void verify_pool_free(struct verify_pool *pool);

/* Whether the body of a parsed batch is what records_root covers: OK or BAD_HASH. A body of records
   must be aligned to 8. ret_hashes: room for count hashes if it is of records, else unused. */
enum status verify_batch_root(const struct batch_header *header, const uint8_t *body, size_t length,
                              struct hash *ret_hashes) MUST_USE;
/* The check itself, for callers without threads (catch-up tests, the CLI). ret_hashes: NULL or room
 * for count. */
enum status verify_batch_bytes(const uint8_t *bytes, size_t length, const struct public_key *key,
                               struct hash *ret_hashes) MUST_USE;

#endif
