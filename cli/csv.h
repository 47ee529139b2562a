/*
 * csv: a strict, streaming reader of RFC 4180. One row at a time in bounded memory, so that a file
 * of any size can be read; every error names the line and the column. Besides the RFC it accepts a
 * UTF-8 byte order mark, LF as well as CRLF, a last line without an end, and skips empty lines.
 *
 * Strict: a quote inside an unquoted field, anything between a closing quote and the next comma, a
 * NUL byte and a quote that is never closed are errors of their row; reading goes on at the next
 * line, except after the unclosed quote, which swallows the rest of the file.
 */
#ifndef HEFU_CLI_CSV_H
#define HEFU_CLI_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/hash.h"

#define CSV_FIELDS_MAX 64
#define CSV_ROW_BYTES_MAX 65536
#define CSV_CHUNK_BYTES 65536

enum csv_result {
    CSV_ROW, /* fields are set */
    CSV_BAD, /* this row is not CSV: error says why; the next call goes on after it */
    CSV_END,
    CSV_IO, /* reading failed; errno says why */
};

struct csv_reader {
    FILE *file;           /* borrowed */
    struct hasher source; /* over every byte read: H("hefu.source", file) at the end */
    uint64_t bytes_read;
    uint64_t line; /* of the row's first character, from 1 */
    unsigned field_count;
    const char *fields[CSV_FIELDS_MAX]; /* zero-terminated, valid until the next call */
    char error[160];

    uint64_t next_line;
    size_t used; /* of row */
    size_t chunk_at, chunk_end;
    bool at_start, ended;
    char row[CSV_ROW_BYTES_MAX];
    uint8_t chunk[CSV_CHUNK_BYTES];
};

/* reader is large: allocate it. */
void csv_open(struct csv_reader *reader, FILE *file);
enum csv_result csv_next(struct csv_reader *reader);
/* After CSV_END: the hash of the whole file. */
struct hash csv_source_hash(const struct csv_reader *reader);

/* Writes a field with the quotes it needs. */
void csv_write_field(FILE *file, const char *field);

#endif
