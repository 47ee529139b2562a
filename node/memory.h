/*
 * memory: the large memory of a replica, and what happens when an allocation fails that the node
 * cannot do without: the process ends, as after a failed write, with exit status 3 and advice
 * (docs/operations.md, Storage failures). That is safe at any moment, since nothing leaves the
 * process before it is durable. It is no CHECK, for the program is not wrong.
 */
#ifndef HEFU_NODE_MEMORY_H
#define HEFU_NODE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* Returns if there was memory. */
void memory_check(bool there_was);

/* For what is written before it is read: not cleared, aligned to 64 bytes, never NULL. Most of it
   is never touched, so it costs addresses rather than pages. */
void *memory_take(size_t size);
/* NULL is let pass. */
void memory_give(void *memory);
/*
 * From now on what is given back waits for the next memory_take of its size, up to bytes_max in
 * all. Only for a process with one thread that starts one replica after another, as the simulator
 * does: it need not touch new pages each time. 0, as at first: nothing waits.
 */
void memory_keep(size_t bytes_max);

#endif
