/*
 * lineage_file: all documents of a network as they stand beside each other (docs/formats.md,
 * Incarnations): genesis.json, the newest, and genesis.0.json, genesis.1.json ... for those before
 * it. A network in its first incarnation has genesis.json alone.
 */
#ifndef HEFU_NODE_LINEAGE_FILE_H
#define HEFU_NODE_LINEAGE_FILE_H

#include <stddef.h>

#include "base/status.h"
#include "ledger/genesis.h"
#include "ledger/lineage.h"

/* The lineage borrows the documents beside it, so one of these does not move. */
struct lineage_file {
    struct genesis documents[LINEAGE_MAX];
    struct lineage lineage;
};

/*
 * Reads the newest document and, beside it, those of the incarnations before it; all together are
 * checked as lineage_check does. ret_file is then owned: lineage_file_free. NOT_FOUND, IO,
 * OVERSIZED, MALFORMED, NO_MEMORY; ret_error says which file, which field, and what to do.
 */
enum status lineage_file_read(const char *newest_path, struct lineage_file *ret_file,
                              char *ret_error, size_t capacity) MUST_USE;
/* The newest document alone, as a lineage of one: for what is newer than its root. */
enum status lineage_file_read_newest(const char *newest_path, struct lineage_file *ret_file,
                                     char *ret_error, size_t capacity) MUST_USE;
/* A zeroed one is allowed. */
void lineage_file_free(struct lineage_file *file);

/* Where the document of an earlier incarnation stands: "DIR/genesis.json" makes
   "DIR/genesis.0.json". OVERSIZED if there is no room. */
enum status lineage_file_path(const char *newest_path, uint32_t incarnation, char *ret_path,
                              size_t capacity) MUST_USE;

#endif
