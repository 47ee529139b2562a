/*
 * fail_nth: preloaded into a process (LD_PRELOAD), it makes the n-th call of a class fail, so that
 * a test can try every call of a short run in turn (docs/testing.md, Faults on real processes).
 *
 *     HEFU_FAIL_CALLS    the class, or several with commas between: write writev pwrite
 *                        pwritev fsync fdatasync msync ftruncate malloc. Of the writes only those
 *                        into regular files count, and never those to stdin, stdout and stderr
 *     HEFU_FAIL_NTH      which call of the class fails, from 1; 0: none, they are only counted
 *     HEFU_FAIL_HOW      EIO or ENOSPC: the call does nothing and returns that error;
 *                        short: a write writes half of its bytes and says so; late: the call is
 *                        done, and EIO returned, as a sync does whose data arrived after all.
 *                        malloc returns NULL in any case
 *     HEFU_FAIL_EXCEPT   names with commas between: calls of malloc from a library whose file name
 *                        begins with one of them do not count
 *     HEFU_FAIL_STICKY   set: all calls after the n-th fail too, like a disk that is gone
 *     HEFU_FAIL_COUNTER  a file of 16 bytes: how many calls were made, how many failed (u64 each);
 *                        shared memory, so that it is right however the process ends
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

enum call {
    CALL_WRITE,
    CALL_WRITEV,
    CALL_PWRITE,
    CALL_PWRITEV,
    CALL_FSYNC,
    CALL_FDATASYNC,
    CALL_MSYNC,
    CALL_FTRUNCATE,
    CALL_MALLOC,
    CALL_COUNT
};

static const char *const call_names[CALL_COUNT] = {
    "write", "writev", "pwrite", "pwritev", "fsync", "fdatasync", "msync", "ftruncate", "malloc"};

struct counter {
    _Atomic uint64_t made, failed;
};

static struct counter own_counter;
static struct counter *counter = &own_counter;
static bool chosen[CALL_COUNT];
static uint64_t nth;
static int error_number = EIO;
static bool short_write, late, sticky;
static const char *except;

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

static bool named(const char *list, const char *name)
{
    size_t length = strlen(name);
    for (const char *at = list; (at = strstr(at, name)) != NULL; at++) {
        bool begins = at == list || at[-1] == ',';
        if (begins && (at[length] == '\0' || at[length] == ',')) {
            return true;
        }
    }
    return false;
}

static void open_counter(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || syscall(SYS_ftruncate, fd, (off_t)sizeof *counter) != 0) {
        _exit(125);
    }
    void *shared = mmap(NULL, sizeof *counter, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (shared == MAP_FAILED) {
        _exit(125);
    }
    (void)close(fd);
    counter = shared;
}

__attribute__((constructor)) static void read_environment(void)
{
    const char *calls = getenv("HEFU_FAIL_CALLS");
    const char *number = getenv("HEFU_FAIL_NTH");
    const char *how = getenv("HEFU_FAIL_HOW");
    const char *path = getenv("HEFU_FAIL_COUNTER");
    if (path != NULL) {
        open_counter(path);
    }
    nth = number != NULL ? strtoull(number, NULL, 10) : 0;
    sticky = getenv("HEFU_FAIL_STICKY") != NULL;
    except = getenv("HEFU_FAIL_EXCEPT");
    if (how != NULL) {
        short_write = strcmp(how, "short") == 0;
        late = strcmp(how, "late") == 0;
        error_number = strcmp(how, "ENOSPC") == 0 ? ENOSPC : EIO;
    }
    /* Last, for from here on calls count. */
    for (unsigned call = 0; calls != NULL && call < CALL_COUNT; call++) {
        chosen[call] = named(calls, call_names[call]);
    }
}

/* Counts the call; whether it is to fail. */
static bool fails(enum call call)
{
    if (!chosen[call]) {
        return false;
    }
    uint64_t number = atomic_fetch_add(&counter->made, 1) + 1;
    if (nth == 0 || number < nth || (number > nth && !sticky)) {
        return false;
    }
    atomic_fetch_add(&counter->failed, 1);
    return true;
}

static bool on_file(int fd)
{
    struct stat info;
    int before = errno;
    bool file = fd > STDERR_FILENO && fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
    errno = before;
    return file;
}

static ssize_t failed(void)
{
    errno = error_number;
    return -1;
}

/* ---- Writing ---- */

ssize_t write(int fd, const void *bytes, size_t length)
{
    bool fail = on_file(fd) && fails(CALL_WRITE);
    if (fail && !short_write && !late) {
        return failed();
    }
    ssize_t put = syscall(SYS_write, fd, bytes, fail && short_write ? length / 2 : length);
    return fail && late ? failed() : put;
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t offset)
{
    bool fail = on_file(fd) && fails(CALL_PWRITE);
    if (fail && !short_write && !late) {
        return failed();
    }
    size_t size = fail && short_write ? length / 2 : length;
    ssize_t put = syscall(SYS_pwrite64, fd, bytes, size, offset);
    return fail && late ? failed() : put;
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t offset)
{
    return pwrite(fd, bytes, length, offset);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
    bool fail = on_file(fd) && fails(CALL_WRITEV);
    if (fail && short_write) {
        return syscall(SYS_write, fd, parts[0].iov_base, parts[0].iov_len / 2);
    }
    if (fail && !late) {
        return failed();
    }
    ssize_t put = syscall(SYS_writev, fd, parts, count);
    return fail && late ? failed() : put;
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset)
{
    bool fail = on_file(fd) && fails(CALL_PWRITEV);
    if (fail && short_write) {
        return syscall(SYS_pwrite64, fd, parts[0].iov_base, parts[0].iov_len / 2, offset);
    }
    if (fail && !late) {
        return failed();
    }
    /* The kernel takes the offset as two halves; the second is unused on 64-bit machines. */
    ssize_t put = syscall(SYS_pwritev, fd, parts, count, offset, 0);
    return fail && late ? failed() : put;
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off_t offset)
{
    return pwritev(fd, parts, count, offset);
}

int fsync(int fd)
{
    bool fail = fails(CALL_FSYNC);
    int result = fail && !late ? 0 : (int)syscall(SYS_fsync, fd);
    return fail ? (int)failed() : result;
}

int fdatasync(int fd)
{
    bool fail = fails(CALL_FDATASYNC);
    int result = fail && !late ? 0 : (int)syscall(SYS_fdatasync, fd);
    return fail ? (int)failed() : result;
}

int msync(void *address, size_t length, int flags)
{
    bool fail = fails(CALL_MSYNC);
    int result = fail && !late ? 0 : (int)syscall(SYS_msync, address, length, flags);
    return fail ? (int)failed() : result;
}

int ftruncate(int fd, off_t length)
{
    bool fail = fails(CALL_FTRUNCATE);
    int result = fail && !late ? 0 : (int)syscall(SYS_ftruncate, fd, length);
    return fail ? (int)failed() : result;
}

int ftruncate64(int fd, off_t length)
{
    return ftruncate(fd, length);
}

/* ---- Memory ---- */

static bool excepted(const void *caller)
{
    Dl_info library;
    if (except == NULL || dladdr(caller, &library) == 0) {
        return false;
    }
    const char *slash = strrchr(library.dli_fname, '/');
    const char *file = slash == NULL ? library.dli_fname : slash + 1;
    for (const char *name = except; name != NULL; name = strchr(name, ',')) {
        name += *name == ',';
        if (strncmp(file, name, strcspn(name, ",")) == 0) {
            return true;
        }
    }
    return false;
}

/* Of a call that returns to caller. */
static bool no_memory(const void *caller)
{
    if (!chosen[CALL_MALLOC] || excepted(caller) || !fails(CALL_MALLOC)) {
        return false;
    }
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size)
{
    return no_memory(__builtin_return_address(0)) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return no_memory(__builtin_return_address(0)) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    return no_memory(__builtin_return_address(0)) ? NULL : __libc_realloc(old, size);
}

void *aligned_alloc(size_t alignment, size_t size)
{
    return no_memory(__builtin_return_address(0)) ? NULL : __libc_memalign(alignment, size);
}

int posix_memalign(void **ret_memory, size_t alignment, size_t size)
{
    void *memory = no_memory(__builtin_return_address(0)) ? NULL : __libc_memalign(alignment, size);
    if (memory == NULL) {
        return ENOMEM;
    }
    *ret_memory = memory;
    return 0;
}
