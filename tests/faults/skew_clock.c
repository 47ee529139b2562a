/*
 * skew_clock: preloaded into a process (LD_PRELOAD), it moves the wall clock that the process sees,
 * and only that: CLOCK_REALTIME, gettimeofday and time, never CLOCK_MONOTONIC, as a machine without
 * NTP would (docs/testing.md, Faults on real processes).
 *
 *     HEFU_CLOCK_FILE   a file of 8 bytes, an i64: milliseconds to add. It is shared memory, so
 * that a test moves the clock of a running process by writing into the file
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define NANOSECONDS 1000000000LL

static _Atomic int64_t none;
static _Atomic int64_t *skew_ms = &none;

__attribute__((constructor)) static void map_file(void)
{
    const char *path = getenv("HEFU_CLOCK_FILE");
    if (path == NULL) {
        return;
    }
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    void *shared = mmap(NULL, sizeof *skew_ms, PROT_READ, MAP_SHARED, fd, 0);
    if (fd < 0 || shared == MAP_FAILED) {
        _exit(125);
    }
    (void)close(fd);
    skew_ms = shared;
}

int clock_gettime(clockid_t clock, struct timespec *ret_time)
{
    int result = (int)syscall(SYS_clock_gettime, clock, ret_time);
    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) {
        int64_t moved = ret_time->tv_sec * NANOSECONDS + ret_time->tv_nsec +
                        atomic_load(skew_ms) * (NANOSECONDS / 1000);
        ret_time->tv_sec = moved / NANOSECONDS;
        ret_time->tv_nsec = moved % NANOSECONDS;
    }
    return result;
}

int gettimeofday(struct timeval *restrict ret_time, void *restrict zone)
{
    struct timespec now;
    (void)zone;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0) {
        return -1;
    }
    *ret_time = (struct timeval){.tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *ret_time)
{
    struct timespec now;
    if (clock_gettime(CLOCK_REALTIME, &now) != 0) {
        return -1;
    }
    if (ret_time != NULL) {
        *ret_time = now.tv_sec;
    }
    return now.tv_sec;
}
