/*
 * folder: a folder of a test's own under TMPDIR, and small things tests do to files in it.
 */
#ifndef HEFU_TESTS_SUPPORT_FOLDER_H
#define HEFU_TESTS_SUPPORT_FOLDER_H

#include <stddef.h>
#include <stdint.h>

#define FOLDER_PATH_MAX 512

struct folder {
    char path[FOLDER_PATH_MAX];
};

/* Makes an empty folder; fails the test if it cannot. */
void folder_make(struct folder *ret_folder);
/* Removes it with all that is in it. */
void folder_remove(struct folder *folder);
/* path/name, in a static buffer that every fourth call reuses. */
const char *folder_file(const struct folder *folder, const char *name);

/* All fail the test if they cannot. */
void file_put(const char *path, const void *data, size_t length, unsigned mode);
void file_put_text(const char *path, const char *text);
/* Reads at most capacity bytes; how many. */
size_t file_get(const char *path, void *ret_data, size_t capacity);
void file_flip(const char *path, long offset);
void file_cut(const char *path, long length);
long file_length(const char *path);

#endif
