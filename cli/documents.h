/*
 * documents: the genesis documents that a check starts from (docs/auditing.md, Incarnations). The
 * newest alone is enough for what is newer than its root; the earlier ones beside it, which it
 * fixes by their chain ids, are needed for what is older.
 */
#ifndef HEFU_CLI_DOCUMENTS_H
#define HEFU_CLI_DOCUMENTS_H

#include "consensus/validators.h"
#include "node/lineage_file.h"

/* A document and those beside it, or, where there are none, itself: then the lineage begins with
   it. EXIT_CLEAN, or the exit code, told; then to be freed by lineage_file_free. */
int documents_read(const char *path, struct lineage_file *ret_documents) MUST_USE;

/* The incarnation of a chain id, or NULL: another chain, or one whose document is not here. */
const struct incarnation *documents_of_chain(const struct lineage *lineage,
                                             const struct hash *chain_id);

/* The set that an incarnation's document brings, of its first epoch. MALFORMED. */
enum status documents_set(const struct incarnation *incarnation,
                          struct validator_set *ret_set) MUST_USE;

#endif
