/*
 * progress: a bar on stderr for anything that takes longer than a second. Only on a terminal; in a
 * pipe or a log nothing is printed. Redrawn at most ten times a second.
 */
#ifndef HEFU_CLI_PROGRESS_H
#define HEFU_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
    const char *what; /* "records"; borrowed */
    uint64_t total;   /* 0: not known */
    uint64_t started_ms, drawn_ms;
    bool shown, terminal;
};

void progress_start(struct progress *progress, const char *what, uint64_t total);
void progress_at(struct progress *progress, uint64_t done);
/* Clears the bar. */
void progress_end(struct progress *progress);

/* Milliseconds on a clock that never goes back, and of the wall clock since 1970. */
uint64_t monotonic_ms(void);
uint64_t wall_clock_ms(void);

#endif
