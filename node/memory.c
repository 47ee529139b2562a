/* memory: the end of a process that has no memory left (see memory.h). */
#include "node/memory.h"

#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#define EXIT_STORAGE 3

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
