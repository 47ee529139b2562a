/* memory: large memory, and the end of a process that has none left (see memory.h). */
#include "node/memory.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define EXIT_STORAGE 3
#define ALIGNMENT 64
/* Sizes that are kept, by powers of two. */
#define SIZES 64

/* Stands before each large piece. */
struct piece {
    _Alignas(ALIGNMENT) struct piece *next; /* that waits */
    unsigned power; /* it has 2^power bytes, this head included; 0: it is not to wait */
};

static struct {
    size_t bytes, bytes_max;
    struct piece *waiting[SIZES];
} kept;

void memory_check(bool there_was)
{
    if (there_was) {
        return;
    }
    (void)fprintf(stderr,
                  "%s: no memory is left: allow more (ulimit -v, LimitAS, MemoryMax), or lower "
                  "pool_bytes or map_size in config.ini, then start again; nothing is lost\n",
                  program_invocation_short_name);
    _exit(EXIT_STORAGE);
}

void *memory_take(size_t size)
{
    unsigned power = 6;
    memory_check(size < SIZE_MAX / 4);
    while (((size_t)1 << power) < size + sizeof(struct piece)) {
        power++;
    }
    struct piece *piece = kept.waiting[power];
    if (piece != NULL) {
        kept.waiting[power] = piece->next;
        kept.bytes -= (size_t)1 << power;
        return piece + 1;
    }
    /* What is kept serves every size of its power; else nothing is rounded up. */
    const size_t whole = (size + 2 * sizeof *piece - 1) / ALIGNMENT * ALIGNMENT;
    piece = aligned_alloc(ALIGNMENT, kept.bytes_max > 0 ? (size_t)1 << power : whole);
    memory_check(piece != NULL);
    piece->power = kept.bytes_max > 0 ? power : 0;
    return piece + 1;
}

void memory_give(void *memory)
{
    if (memory == NULL) {
        return;
    }
    struct piece *piece = (struct piece *)memory - 1;
    const size_t size = (size_t)1 << piece->power;
    if (piece->power == 0 || kept.bytes + size > kept.bytes_max) {
        free(piece);
        return;
    }
    piece->next = kept.waiting[piece->power];
    kept.waiting[piece->power] = piece;
    kept.bytes += size;
}

void memory_keep(size_t bytes_max)
{
    kept.bytes_max = bytes_max;
}
