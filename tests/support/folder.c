/* folder: a test's own folder (see folder.h). */
#include "tests/support/folder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFERS 4

void folder_make(struct folder *ret_folder)
{
    const char *base = getenv("TMPDIR");
    int used = snprintf(ret_folder->path, sizeof ret_folder->path, "%s/hefu-test-XXXXXX",
                        base == NULL ? "/tmp" : base);
    assert_true(used > 0 && (size_t)used < sizeof ret_folder->path);
    assert_non_null(mkdtemp(ret_folder->path));
}

static int remove_entry(const char *path, const struct stat *info, int kind, struct FTW *where)
{
    (void)info;
    (void)kind;
    (void)where;
    return remove(path);
}

void folder_remove(struct folder *folder)
{
    assert_int_equal(nftw(folder->path, remove_entry, 16, FTW_DEPTH | FTW_PHYS), 0);
}

const char *folder_file(const struct folder *folder, const char *name)
{
    static char buffers[BUFFERS][FOLDER_PATH_MAX + 128];
    static unsigned next;
    char *buffer = buffers[next++ % BUFFERS];
    int used = snprintf(buffer, sizeof buffers[0], "%s/%s", folder->path, name);
    assert_true(used > 0 && (size_t)used < sizeof buffers[0]);
    return buffer;
}

void file_put(const char *path, const void *data, size_t length, unsigned mode)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
    assert_true(fd >= 0);
    assert_int_equal(fchmod(fd, mode), 0);
    assert_int_equal(write(fd, data, length), length);
    assert_int_equal(close(fd), 0);
}

void file_put_text(const char *path, const char *text)
{
    file_put(path, text, strlen(text), 0600);
}

size_t file_get(const char *path, void *ret_data, size_t capacity)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t got = read(fd, ret_data, capacity);
    assert_true(got >= 0);
    assert_int_equal(close(fd), 0);
    return (size_t)got;
}

void file_flip(const char *path, long offset)
{
    uint8_t byte;
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(pread(fd, &byte, 1, offset), 1);
    byte ^= 0x40;
    assert_int_equal(pwrite(fd, &byte, 1, offset), 1);
    assert_int_equal(close(fd), 0);
}

void file_cut(const char *path, long length)
{
    assert_int_equal(truncate(path, length), 0);
}

long file_length(const char *path)
{
    struct stat info;
    assert_int_equal(stat(path, &info), 0);
    return (long)info.st_size;
}
