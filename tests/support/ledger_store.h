/*
 * ledger_store: an in-memory store for the ledger in tests: takes a block's writes, answers
 * prefetch through struct ledger_reader, and hands all rows to another ledger. Not thread-safe.
 */
#ifndef HEFU_TESTS_LEDGER_STORE_H
#define HEFU_TESTS_LEDGER_STORE_H

#include "ledger/ledger.h"

struct ledger_store;

struct ledger_store *ledger_store_new(void);
void ledger_store_free(struct ledger_store *store);

/* Applies the writes of an outcome and keeps the records of its block, which may be NULL (genesis),
   and its header as the last final one. */
void ledger_store_apply(struct ledger_store *store, const struct ledger_block *block,
                        const struct ledger_outcome *outcome);

struct ledger_reader ledger_store_reader(struct ledger_store *store);

/* The value of a key, or a span with NULL data. */
struct span ledger_store_get(struct ledger_store *store, enum ledger_table table, const void *key,
                             size_t key_length);

/* Feeds every row of the resident tables and ends with ledger_load_done. */
enum status ledger_store_load(struct ledger_store *store, struct ledger *ledger,
                              const char **ret_what) MUST_USE;

const struct block_header *ledger_store_header(const struct ledger_store *store);

/* Rows of a table. */
uint32_t ledger_store_count(const struct ledger_store *store, enum ledger_table table);

/* Calls visit with every row of a table, in no particular order. */
void ledger_store_each(const struct ledger_store *store, enum ledger_table table,
                       void (*visit)(void *context, struct span key, struct span value),
                       void *context);

#endif
