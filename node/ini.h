/*
 * ini: an INI file read into a struct by a table of its keys, strictly: unknown sections and keys,
 * double keys, wrong values and lines too long are errors that name file and line. Used for
 * config.ini and client.ini (node/config.h).
 */
#ifndef HEFU_NODE_INI_H
#define HEFU_NODE_INI_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

#define INI_FILE_BYTES_MAX (1u << 20)
#define INI_KEYS_MAX 32

/* Says in ret_expected what a value should have been, if it is not that. */
typedef bool (*ini_parser)(const char *value, void *ret_field, size_t field_size,
                           const char **ret_expected);

struct ini_key {
    const char *section;
    const char *name;
    bool needed;
    ini_parser parse;
    size_t offset; /* of the field in the struct */
    size_t size;   /* of the field */
};

/* A section whose keys are names that the user chooses, once each. */
struct ini_list {
    const char *section;
    /* false with ret_expected if the entry is not right. */
    bool (*add)(void *target, const char *name, const char *value, const char **ret_expected);
};

struct ini_schema {
    const struct ini_key *keys; /* at most INI_KEYS_MAX */
    size_t key_count;
    const struct ini_list *lists;
    size_t list_count;
};

/* Reads a file into target, whose fields that the file does not name stay as they are. NOT_FOUND,
   DENIED, OVERSIZED, MALFORMED, IO, NO_MEMORY; ret_error: file, line, what was expected. */
enum status ini_read(const char *path, const struct ini_schema *schema, void *target,
                     char *ret_error, size_t capacity) MUST_USE;

#endif
