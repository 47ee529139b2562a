/* trying: which batches a process was executing when it died (see trying.h). */
#include "node/trying.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/check.h"

#define TRYING_BYTES (8 + HASH_BYTES * LIMIT_BLOCK_BATCHES)

enum status trying_open(const char *home, struct trying *ret_trying)
{
    char path[4096];
    uint8_t bytes[TRYING_BYTES];
    int length = snprintf(path, sizeof path, "%s/trying", home);
    if (length < 0 || (size_t)length >= sizeof path) {
        return STATUS_IO;
    }
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (file < 0) {
        return STATUS_IO;
    }
    *ret_trying = (struct trying){.file = file};
    ssize_t got = pread(file, bytes, sizeof bytes, 0);
    if (got < 8) {
        return STATUS_OK;
    }
    uint32_t count = get_le32(bytes);
    if (count <= LIMIT_BLOCK_BATCHES && get_le32(bytes + 4) == ~count &&
        (size_t)got >= 8 + (size_t)count * HASH_BYTES) {
        ret_trying->crashed_count = count;
        memcpy(ret_trying->crashed, bytes + 8, (size_t)count * HASH_BYTES);
    }
    return STATUS_OK;
}

void trying_mark(struct trying *trying, const struct hash *batch_ids, uint32_t count)
{
    uint8_t bytes[TRYING_BYTES];
    CHECK(count <= LIMIT_BLOCK_BATCHES);
    put_le32(bytes, count);
    put_le32(bytes + 4, ~count);
    if (count > 0) {
        memcpy(bytes + 8, batch_ids, (size_t)count * HASH_BYTES);
    }
    ssize_t written = pwrite(trying->file, bytes, 8 + (size_t)count * HASH_BYTES, 0);
    (void)written;
}

void trying_close(struct trying *trying)
{
    (void)close(trying->file);
    trying->file = -1;
}
