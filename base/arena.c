/* arena: a bump allocator with a hard budget (see arena.h). */
#include "base/arena.h"

#define ARENA_ALIGNMENT 16u

struct arena arena_over(void *memory, size_t capacity)
{
    return (struct arena){.memory = memory, .capacity = capacity, .used = 0};
}

void *arena_take(struct arena *arena, size_t size)
{
    if (size > SIZE_MAX - (ARENA_ALIGNMENT - 1)) {
        return NULL;
    }
    size_t rounded = (size + ARENA_ALIGNMENT - 1) & ~(size_t)(ARENA_ALIGNMENT - 1);
    if (rounded > arena->capacity - arena->used) {
        return NULL;
    }
    void *taken = arena->memory + arena->used;
    arena->used += rounded;
    return taken;
}

void arena_reset(struct arena *arena)
{
    arena->used = 0;
}
