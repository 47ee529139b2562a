/*
 * file: whole small files, read within a limit and replaced atomically; and the words of errors.
 * The rule: a crash at any moment leaves either the old file or the new one, never a part.
 */
#ifndef HEFU_NODE_FILE_H
#define HEFU_NODE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/status.h"

/* Formats into ret_error (capacity bytes, may be 0), cut if need be, and returns status. */
enum status error_set(enum status status, char *ret_error, size_t capacity, const char *format, ...)
    __attribute__((format(printf, 4, 5), warn_unused_result));

/* NOT_FOUND, EXISTS, DENIED, NO_SPACE, NO_MEMORY or IO. */
enum status status_from_errno(int error);

/*
 * Opens a file for reading and reads it whole, at most bytes_max; *ret_data is malloc'ed and ends
 * in a zero that *ret_length does not count. mode_forbidden: permission bits that must not be set
 * (DENIED), for files that hold secrets. NOT_FOUND, DENIED, OVERSIZED, MALFORMED (not a regular
 * file), NO_MEMORY, IO.
 */
enum status file_read(const char *path, size_t bytes_max, mode_t mode_forbidden, uint8_t **ret_data,
                      size_t *ret_length, char *ret_error, size_t capacity) MUST_USE;

/* Writes path whole: a temporary file beside it, fsync, rename, fsync of the folder. EXISTS if it
   exists and replace is false. DENIED, NOT_FOUND (no such folder), NO_SPACE, IO. */
enum status file_write(const char *path, mode_t mode, bool replace, const void *data, size_t length,
                       char *ret_error, size_t capacity) MUST_USE;

/* fsync of the folder that holds path, so that a new name in it survives a power cut. */
enum status file_sync_folder(const char *path) MUST_USE;

#endif
