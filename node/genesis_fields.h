/*
 * genesis_fields: how genesis.json maps onto struct genesis, as one table that both reading
 * (genesis_file.c) and writing (genesis_write.c) follow, so that they cannot differ.
 */
#ifndef HEFU_NODE_GENESIS_FIELDS_H
#define HEFU_NODE_GENESIS_FIELDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum field_kind {
    FIELD_TEXT,     /* string -> char[size], UTF-8, zero-padded, without control characters */
    FIELD_HEX,      /* hexadecimal string -> size bytes */
    FIELD_UNSIGNED, /* integer, or digits as a string, up to most -> unsigned of size bytes */
    FIELD_SIGNED,   /* integer from -most to most -> int32_t */
    FIELD_TIME,     /* "HH:MM" -> minutes, uint16_t */
    FIELD_DATES,    /* array of yyyymmdd, at most most -> uint32_t[]; the count at count_offset */
    FIELD_MINUTES,  /* integer within a day either way -> int32_t */
    FIELD_CHOICE,   /* one of names -> uint16_t */
    FIELD_FLAGS,    /* array of names -> their sum, unsigned of size bytes */
    FIELD_CURRENCY, /* code of one of the currencies -> uint16_t, its number */
    FIELD_TIMES, /* array of "HH:MM", at most most -> minutes, uint16_t[]; the count at count_offset
                  */
    FIELD_OBJECT, /* an object -> fields of the same struct */
    FIELD_LIST,   /* array of objects -> malloc'ed items; the count at count_offset */
    FIELD_ARRAY,  /* array of objects -> items inside the struct, at most most */
    FIELD_FIXED,  /* array of exactly most objects -> items inside the struct */
};

/* A name and its number; a list of them ends with NULL. */
struct field_name {
    const char *name;
    uint32_t value;
};

struct field_schema;

struct field {
    const char *name;
    enum field_kind kind;
    bool needed; /* else zero if left out */
    size_t offset;
    size_t size;
    uint64_t most;
    const struct field_name *names;
    const struct field_schema *items;
    size_t count_offset; /* of a uint32_t */
};

struct field_schema {
    const struct field *fields;
    size_t field_count;
    size_t item_size;
};

extern const struct field_schema GENESIS_SCHEMA;

/* The schema of one row: "participant", "limit", "service", "scheme", "calendar"; or of
   "parameters", whose fields are those of struct genesis. NULL for another name. */
const struct field_schema *genesis_row_schema(const char *name);

/* An unsigned integer of 1, 2, 4 or 8 bytes. */
uint64_t field_get(const void *at, size_t size);
void field_set(void *at, size_t size, uint64_t value);

#endif
