/* file: whole small files, atomically (see file.h). */
#include "node/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum status error_set(enum status status, char *ret_error, size_t capacity, const char *format, ...)
{
    if (capacity > 0) {
        va_list arguments;
        va_start(arguments, format);
        (void)vsnprintf(ret_error, capacity, format, arguments);
        va_end(arguments);
    }
    return status;
}

enum status status_from_errno(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return STATUS_NOT_FOUND;
    case EEXIST:
        return STATUS_EXISTS;
    case EACCES:
    case EPERM:
    case EROFS:
        return STATUS_DENIED;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return STATUS_NO_SPACE;
    case ENOMEM:
        return STATUS_NO_MEMORY;
    default:
        return STATUS_IO;
    }
}

static enum status failed(const char *doing, const char *path, char *ret_error, size_t capacity)
{
    int error = errno;
    return error_set(status_from_errno(error), ret_error, capacity, "%s: cannot be %s: %s", path,
                     doing, strerror(error));
}

static enum status check_kind(const char *path, const struct stat *info, mode_t mode_forbidden,
                              char *ret_error, size_t capacity)
{
    if (!S_ISREG(info->st_mode)) {
        return error_set(STATUS_MALFORMED, ret_error, capacity, "%s: is not a regular file", path);
    }
    if ((info->st_mode & mode_forbidden) != 0) {
        return error_set(STATUS_DENIED, ret_error, capacity,
                         "%s: others may use it (mode %04o), but it holds a secret: "
                         "chmod go= it, and consider the secret known if it was so for long",
                         path, (unsigned)(info->st_mode & 07777));
    }
    /* root may read what a service manager hands over; anybody else only what is his. */
    if (mode_forbidden != 0 && info->st_uid != geteuid() && info->st_uid != 0 && geteuid() != 0) {
        return error_set(STATUS_DENIED, ret_error, capacity,
                         "%s: belongs to another user (%u); chown it to the user of this program",
                         path, (unsigned)info->st_uid);
    }
    return STATUS_OK;
}

static enum status read_all(int fd, const char *path, size_t bytes_max, uint8_t **ret_data,
                            size_t *ret_length, char *ret_error, size_t capacity)
{
    struct stat info;
    if (fstat(fd, &info) != 0) {
        return failed("read", path, ret_error, capacity);
    }
    if ((uint64_t)info.st_size > bytes_max) {
        return error_set(STATUS_OVERSIZED, ret_error, capacity, "%s: has %lld bytes, at most %zu",
                         path, (long long)info.st_size, bytes_max);
    }
    size_t size = (size_t)info.st_size;
    uint8_t *data = malloc(size + 1);
    if (data == NULL) {
        return error_set(STATUS_NO_MEMORY, ret_error, capacity, "%s: no memory for its %zu bytes",
                         path, size);
    }
    size_t used = 0;
    while (used < size) {
        ssize_t got = read(fd, data + used, size - used);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            enum status status = failed("read", path, ret_error, capacity);
            free(data);
            return status;
        }
        if (got == 0) {
            break;
        }
        used += (size_t)got;
    }
    data[used] = 0;
    *ret_data = data;
    *ret_length = used;
    return STATUS_OK;
}

enum status file_read(const char *path, size_t bytes_max, mode_t mode_forbidden, uint8_t **ret_data,
                      size_t *ret_length, char *ret_error, size_t capacity)
{
    /* O_NONBLOCK: opening a fifo by mistake must not wait. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        return failed("opened", path, ret_error, capacity);
    }
    struct stat info;
    enum status status = fstat(fd, &info) != 0
                             ? failed("read", path, ret_error, capacity)
                             : check_kind(path, &info, mode_forbidden, ret_error, capacity);
    if (status == STATUS_OK) {
        status = read_all(fd, path, bytes_max, ret_data, ret_length, ret_error, capacity);
    }
    (void)close(fd);
    return status;
}

enum status file_sync_folder(const char *path)
{
    char copy[PATH_MAX];
    if (strlen(path) >= sizeof copy) {
        return STATUS_OVERSIZED;
    }
    strcpy(copy, path);
    int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return status_from_errno(errno);
    }
    int result = fsync(fd);
    int error = errno;
    (void)close(fd);
    return result == 0 ? STATUS_OK : status_from_errno(error);
}

/* write(2) until all is written, then fsync and close; closes in any case. */
static bool fill(int fd, const void *data, size_t length)
{
    const uint8_t *next = data;
    size_t left = length;
    while (left > 0) {
        ssize_t put = write(fd, next, left);
        if (put < 0 && errno == EINTR) {
            continue;
        }
        if (put < 0) {
            break;
        }
        next += put;
        left -= (size_t)put;
    }
    bool good = left == 0 && fsync(fd) == 0;
    int error = errno;
    good = close(fd) == 0 && good;
    errno = error;
    return good;
}

static bool publish(const char *temporary, const char *path, bool replace)
{
    if (replace) {
        return rename(temporary, path) == 0;
    }
    /* link, unlike rename, never replaces. */
    if (link(temporary, path) != 0) {
        return false;
    }
    (void)unlink(temporary);
    return true;
}

enum status file_write(const char *path, mode_t mode, bool replace, const void *data, size_t length,
                       char *ret_error, size_t capacity)
{
    char temporary[PATH_MAX];
    int used = snprintf(temporary, sizeof temporary, "%s.new-%ld", path, (long)getpid());
    if (used < 0 || (size_t)used >= sizeof temporary) {
        return error_set(STATUS_OVERSIZED, ret_error, capacity, "%s: the path is too long", path);
    }
    if (!replace && access(path, F_OK) == 0) {
        return error_set(STATUS_EXISTS, ret_error, capacity,
                         "%s: exists already and is not replaced; choose another name", path);
    }
    (void)unlink(temporary); /* of a process that had our number and was killed */
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
    if (fd < 0) {
        return failed("created", path, ret_error, capacity);
    }
    if (!fill(fd, data, length) || !publish(temporary, path, replace)) {
        enum status status = failed("written", path, ret_error, capacity);
        (void)unlink(temporary);
        return status;
    }
    if (file_sync_folder(path) != STATUS_OK) {
        return failed("synced with its folder", path, ret_error, capacity);
    }
    return STATUS_OK;
}
