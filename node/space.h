/*
 * space: how far a disk may fill before the node warns, takes no more batches, and stops
 * (docs/operations.md, Disk space; ADR 0009). Pure: figures in, a level out.
 */
#ifndef HEFU_NODE_SPACE_H
#define HEFU_NODE_SPACE_H

#include <stdint.h>

enum space_level {
    SPACE_AMPLE,
    SPACE_LOW,      /* below a fifth of the disk, and 20 GiB: an alarm */
    SPACE_REFUSING, /* below a tenth, and 2 GiB: no new batches */
    SPACE_OUT,      /* below a twentieth, and 256 MiB: the node stops while commits still fit */
};

/* Each level's bounds are both passed, or it is not reached: a share of a large disk is only low if
   it is small in absolute terms too. In bytes. */
enum space_level space_level(uint64_t free_bytes, uint64_t total_bytes);

#endif
