/*
 * memory: what happens when an allocation fails that the node cannot do without: the process ends,
 * as after a failed write, with exit status 3 and advice (docs/operations.md, Storage failures).
 * That is safe at any moment, since nothing leaves the process before it is durable. It is no
 * CHECK, for the program is not wrong.
 */
#ifndef HEFU_NODE_MEMORY_H
#define HEFU_NODE_MEMORY_H

#include <stdbool.h>

/* Returns if there was memory. */
void memory_check(bool there_was);

#endif
