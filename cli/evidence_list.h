/*
 * evidence_list: all evidence that a home holds, in order of epoch and view: what its node stored,
 * and what blocks have recorded (docs/consensus.md, Evidence).
 */
#ifndef HEFU_CLI_EVIDENCE_LIST_H
#define HEFU_CLI_EVIDENCE_LIST_H

#include "cli/evidence_file.h"

struct evidence_item {
    struct proof proof;
    bool stored;   /* by this node itself */
    bool recorded; /* in a block: */
    uint64_t height;
    struct hash batch;
};

struct evidence_list {
    struct evidence_item *items; /* owned */
    uint32_t count, capacity;
};

/* Reads both tables. EXIT_CLEAN, or told. */
int evidence_list_read(struct home *home, struct evidence_list *ret_list) MUST_USE;
void evidence_list_free(struct evidence_list *list);

#endif
