/*
 * store: a node's LMDB environment (docs/operations.md, Storage): one writer thread, one
 * transaction a pass of the loop, default sync flags. Keys are big-endian composites
 * (docs/formats.md, Stored tables).
 *
 * Every value ends in an 8-byte checksum (store.c), added by put and checked and removed by get,
 * because LMDB returns flipped bytes as success; but for batches, which their id covers: whoever
 * relies on a batch's bytes recomputes it. A read-only store also checks the pages on the way to a
 * key and beside it (store_pages.h), because a damaged one makes rows vanish: no row is an answer.
 */
#ifndef HEFU_NODE_STORE_H
#define HEFU_NODE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/status.h"
#include "ledger/ledger.h"

/* The ledger's tables keep their numbers (1 .. LEDGER_TABLE_COUNT - 1). */
enum store_table {
    STORE_META =
        LEDGER_TABLE_COUNT, /* name -> value: schema (store_open's), chain_id, final, trying */
    STORE_VOTES,            /* epoch u64, view u64, kind u8 -> vote */
    STORE_CERTIFICATES,     /* epoch u64, view u64, kind u8 -> certificate */
    STORE_BLOCKS,           /* height u64 -> header, batch ids, finalization */
    STORE_OPEN_BLOCKS,      /* hash -> header, batch ids */
    STORE_BATCHES,          /* batch_id -> header, signature, body */
    STORE_BATCH_PLACE,      /* batch_id -> height u64, index u32 */
    STORE_VERDICTS,         /* height u64, batch index u32 -> u16 a record */
    STORE_EVIDENCE,         /* epoch u64, view u64, kind u8, signer u32 -> two votes */
    STORE_QUARANTINE,       /* batch_id -> why */
    STORE_TABLE_COUNT,
};

/* The table's LMDB name ("batches"); NULL outside the list. */
const char *store_table_name(unsigned table);

struct store;

struct store_options {
    uint64_t map_bytes; /* 0: 256 GiB, sparse */
    bool read_only;     /* the CLI: a node's home while it runs, or a copy of one */
};

/* Opens DIR/chain (created if writable and absent). ret_error (capacity bytes) says what, where and
 * what to do. */
enum status store_open(const char *directory, const struct store_options *options,
                       struct store **ret_store, char *ret_error, size_t capacity) MUST_USE;
/* What was not committed is dropped. NULL is allowed. */
void store_close(struct store *store);
/* Frees the slots of readers that died, so that their snapshots no longer hold pages; how many. At
   the start it has been done; call it each minute. */
uint32_t store_reader_check(struct store *store);

/* Reading and writing, on the writer's thread (or the reader's, if read_only). Reads see this
   pass's writes. A read-only store reads one snapshot until store_refresh. Values are valid until
   the next write or commit. A checksum that does not match, or any LMDB failure, calls the failure
   handler (default: message on stderr and _exit(3)); the pass is gone by then, and if the handler
   returns, the process ends all the same. A file shorter than its pages ends the process with a
   message too (SIGBUS). */
bool store_get(struct store *store, enum store_table table, const void *key, size_t key_length,
               struct span *ret_value);
void store_put(struct store *store, enum store_table table, const void *key, size_t key_length,
               const void *value, size_t value_length);
void store_append(struct store *store, enum store_table table, const void *key, size_t key_length,
                  const void *value, size_t value_length);
void store_del(struct store *store, enum store_table table, const void *key, size_t key_length);
bool store_seek(struct store *store, enum store_table table, const void *from, size_t from_length,
                struct span *ret_key, struct span *ret_value);
/* The greatest entry with key <= from (from_length 0: the last one); false at the start. */
bool store_seek_back(struct store *store, enum store_table table, const void *from,
                     size_t from_length, struct span *ret_key, struct span *ret_value);
/* Whether this pass wrote anything. */
bool store_dirty(const struct store *store);
/* Makes the pass durable; a pass that wrote nothing only ends its read. */
void store_commit(struct store *store);
/* Of a read-only store: every page and every value of every table. Never returns from damage. What
   is read is always checked like this, so whatever a reader noticed, this finds too. */
void store_check_whole(struct store *store);
/* Ends a read-only snapshot, so that the next read sees newer blocks. */
void store_refresh(struct store *store);

struct store_usage {
    uint64_t map_bytes, used_bytes, entries[STORE_TABLE_COUNT];
    uint32_t readers;
    uint64_t disk_free_bytes, disk_total_bytes;
    uint64_t commits;
    uint64_t commit_microseconds; /* total */
};
void store_usage(struct store *store, struct store_usage *ret_usage);

typedef void (*store_failure)(void *context, enum status status, const char *what);
void store_on_failure(struct store *store, store_failure failure, void *context);

#endif
