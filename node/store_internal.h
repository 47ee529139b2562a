/*
 * store_internal: what the parts of the store share: the struct, failures, transactions.
 *
 *     store.c        reading, writing, seeking, committing
 *     store_open.c   opening, the checks at the start, usage
 *     store_pages.c  of a read-only store: whether the pages that it reads are whole
 *     store_tree.c   the pages of one tree
 *     store_fail.c   from LMDB's codes to a status, advice, and the end of the process
 */
#ifndef HEFU_NODE_STORE_INTERNAL_H
#define HEFU_NODE_STORE_INTERNAL_H

#include <lmdb.h>
#include <setjmp.h>
#include <signal.h>

#include "node/store.h"

#define STORE_PATH_MAX 4096
#define STORE_CHECKSUM_BYTES 8
#define STORE_KEY_BYTES_MAX 511

struct store_pages;

struct store {
    MDB_env *env;
    char folder[STORE_PATH_MAX]; /* HOME/chain */
    bool read_only;
    bool dirty;
    bool creating; /* this opening makes the store */
    int lock_fd;   /* writer.lock, or -1 */
    MDB_dbi tables[STORE_TABLE_COUNT];
    bool present[STORE_TABLE_COUNT];        /* a read-only store may lack newer tables */
    MDB_txn *write;                         /* this pass's, once it has written */
    MDB_txn *read;                          /* kept for reuse */
    bool reading;                           /* read is a live snapshot */
    MDB_cursor *cursors[STORE_TABLE_COUNT]; /* of the current transaction */
    struct store_pages *pages; /* read_only: of the snapshot, once something was read of it */
    uint8_t *scratch;
    size_t scratch_size;
    uint64_t commits;
    uint64_t commit_microseconds;
    store_failure failure;
    void *failure_context;
    enum status failed; /* not OK: nothing but store_close is allowed */
    char message[1024];
};

/* Numbers 1 .. STORE_TABLE_COUNT - 1 are tables. */
#define STORE_TABLE_FIRST 1u

struct store_table_properties {
    const char *name;
    bool checksum; /* values end in one; false where a hash of the value is its key */
};
const struct store_table_properties *store_properties(unsigned table);

/* The live transaction that reads see. */
MDB_txn *store_reading(struct store *store);
/* The write transaction, begun if need be. */
MDB_txn *store_writing(struct store *store);
/* Closes cursors and ends both transactions without committing. */
void store_end_transactions(struct store *store);

/* The value as it was put; never returns if it is damaged. */
struct span store_checked(struct store *store, unsigned table, const MDB_val *key,
                          const MDB_val *value);

/* Never return: they end all transactions and call the failure handler; while a store is being
   opened they jump back to store_guard instead. */
_Noreturn void store_fail(struct store *store, int code, const char *doing, unsigned table);
_Noreturn void store_fail_damaged(struct store *store, unsigned table, const void *key,
                                  size_t key_length);
_Noreturn void store_fail_page(struct store *store, const char *name, uint64_t page,
                               const char *what);

/* CORRUPT, NO_SPACE, NO_MEMORY or IO for a code of LMDB or errno, and what to do about it. */
enum status store_classify(const struct store *store, int code);
const char *store_advice(enum status status, int code);

/* Whether this thread is inside LMDB, or reads what LMDB has just found: LMDB trusts its pages, so
   a SIGSEGV then is taken for damage. Anywhere else it is a bug of ours and stays one. */
extern _Thread_local volatile sig_atomic_t store_inside;

/*
 * Runs step so that a failure in it, also a SIGBUS from a file shorter than its pages or a SIGSEGV
 * from a damaged page, becomes its status, with the reason in store->message. Outside of it they
 * end the process with a message.
 */
enum status store_guard(struct store *store, enum status (*step)(struct store *store)) MUST_USE;

#endif
