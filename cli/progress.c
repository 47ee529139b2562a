/* progress: a bar on a terminal (see progress.h). */
#include "cli/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SHOW_AFTER_MS 1000
#define REDRAW_MS 100
#define BAR_WIDTH 30

static uint64_t clock_ms(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t monotonic_ms(void)
{
    return clock_ms(CLOCK_MONOTONIC);
}

uint64_t wall_clock_ms(void)
{
    return clock_ms(CLOCK_REALTIME);
}

void progress_start(struct progress *progress, const char *what, uint64_t total)
{
    memset(progress, 0, sizeof *progress);
    progress->what = what;
    progress->total = total;
    progress->started_ms = monotonic_ms();
    progress->terminal = isatty(STDERR_FILENO) == 1;
}

void progress_at(struct progress *progress, uint64_t done)
{
    if (!progress->terminal) {
        return;
    }
    uint64_t now = monotonic_ms();
    if (now - progress->started_ms < SHOW_AFTER_MS || now - progress->drawn_ms < REDRAW_MS) {
        return;
    }
    progress->drawn_ms = now;
    progress->shown = true;
    uint64_t speed = done * 1000 / (now - progress->started_ms);
    if (progress->total > 0) {
        unsigned filled = (unsigned)((unsigned __int128)done * BAR_WIDTH / progress->total);
        filled = filled > BAR_WIDTH ? BAR_WIDTH : filled;
        fprintf(stderr, "\r[%.*s%*s] %3u %%  %" PRIu64 " of %" PRIu64 " %s, %" PRIu64 "/s  ",
                (int)filled, "##############################", BAR_WIDTH - (int)filled, "",
                (unsigned)((unsigned __int128)done * 100 / progress->total), done, progress->total,
                progress->what, speed);
    } else {
        fprintf(stderr, "\r%" PRIu64 " %s, %" PRIu64 "/s  ", done, progress->what, speed);
    }
    fflush(stderr);
}

void progress_end(struct progress *progress)
{
    if (progress->shown) {
        fputs("\r\033[K", stderr);
        fflush(stderr);
    }
    progress->shown = false;
}
