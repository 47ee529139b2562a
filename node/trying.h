/*
 * trying: a small file that names the batches being executed, so that a process that died in the
 * middle of them knows it at its next start (docs/consensus.md, Quarantine). It is written without
 * a sync: it has to survive the process, not the machine.
 */
#ifndef HEFU_NODE_TRYING_H
#define HEFU_NODE_TRYING_H

#include <stdint.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/status.h"

struct trying {
    int file;
    uint32_t crashed_count; /* as the file stood when it was opened */
    struct hash crashed[LIMIT_BLOCK_BATCHES];
};

/* Opens or makes home/trying. IO. A damaged file counts as empty: it only ever costs a warning. */
enum status trying_open(const char *home, struct trying *ret_trying) MUST_USE;
/* count 0: nothing is being executed. IO errors are ignored: the mark is an aid, not a promise. */
void trying_mark(struct trying *trying, const struct hash *batch_ids, uint32_t count);
void trying_close(struct trying *trying);

#endif
