/*
 * arena: a bump allocator over memory that the caller owns, with a hard budget. Decoders use one a
 * frame, so that hostile input can cost at most the budget and nothing needs to be freed.
 */
#ifndef HEFU_BASE_ARENA_H
#define HEFU_BASE_ARENA_H

#include <stddef.h>
#include <stdint.h>

struct arena {
    uint8_t *memory;
    size_t capacity;
    size_t used;
};

struct arena arena_over(void *memory, size_t capacity);
/* size bytes, 16-byte aligned relative to an aligned memory, not zeroed; NULL if the budget is
 * spent. */
void *arena_take(struct arena *arena, size_t size);
void arena_reset(struct arena *arena);

#endif
