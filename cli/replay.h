/*
 * replay: every block executed again from genesis by the pure ledger, and everything the store
 * holds compared with what comes out (docs/auditing.md, Verifying a whole chain).
 *
 *   genesis.json ─► ledger ─► block 1 ─► block 2 ─► ...     each header must come out equal,
 *                     │                                     each row written must stand in the
 * store └─► at the end: no row is left that nothing wrote, no row differs
 *
 * Rows that are written once (ids, pages, transactions, events) are looked up in the store itself:
 * one that belongs to a later block than the one being executed counts as not there yet, and each
 * was compared when its own block was replayed. Rows that change are kept in memory. So nothing in
 * the store is trusted, and memory does not grow with the records.
 */
#ifndef HEFU_CLI_REPLAY_H
#define HEFU_CLI_REPLAY_H

#include "cli/home.h"
#include "ledger/ledger.h"

struct replay;

struct replay *replay_new(struct home *home);
void replay_free(struct replay *replay);

/* Where the first difference is, for people. */
struct divergence {
    uint64_t height;
    const char *table; /* "header", "verdicts", or a table of the store */
    char what[256];
};

/* Executes the next block (0 first: the genesis block). False at a divergence. */
bool replay_block(struct replay *replay, uint64_t height, struct divergence *ret_divergence);
/* Once the last block of the snapshot is replayed: the rows that change, and the numbers of rows.
 */
bool replay_finish(struct replay *replay, struct divergence *ret_divergence);

#endif
