/*
 * output: results as an aligned table for people, or as csv, json or jsonl for programs, from the
 * same calls. A list of rows is a JSON array of objects; a single object (output_single) prints as
 * "name: value" lines and as one JSON object.
 *
 * An amount prints in decimals of its currency; JSON also carries the integer minor units, as
 * NAME_minor. Nothing that comes from data can reach a terminal as a control character.
 */
#ifndef HEFU_CLI_OUTPUT_H
#define HEFU_CLI_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/hash.h"
#include "base/status.h"
#include "cli/args.h"

enum output_format { OUTPUT_TABLE, OUTPUT_CSV, OUTPUT_JSON, OUTPUT_JSONL };

enum column_kind {
    COLUMN_TEXT,
    COLUMN_NUMBER, /* right-aligned, a JSON number */
    COLUMN_AMOUNT, /* right-aligned, a JSON string and NAME_minor */
};

struct column {
    const char *name; /* in csv and JSON, and in capitals as a heading */
    enum column_kind kind;
};

#define OUTPUT_COLUMNS_MAX 96

struct output;

/* The format that --format names. USAGE (told) if it names none. */
enum status output_format_of(const struct args *args, enum output_format *ret_format) MUST_USE;

/* columns is borrowed until output_end. */
struct output *output_list(FILE *file, enum output_format format, const struct column *columns,
                           unsigned column_count);
struct output *output_single(FILE *file, enum output_format format, const struct column *columns,
                             unsigned column_count);

/* The cells of a row, one call a column in order; the last one ends the row. */
void output_text(struct output *output, const char *text);
void output_empty(struct output *output); /* JSON null */
void output_number(struct output *output, uint64_t number);
void output_amount(struct output *output, __int128 minor, unsigned exponent);
void output_hash(struct output *output, const struct hash *hash);
void output_hex(struct output *output, const void *bytes, size_t count);
void output_time(struct output *output, uint64_t unix_ms);

/* Prints what is still held back, and frees. */
void output_end(struct output *output);

/* Whether to use colour on this file: a terminal, and NO_COLOR is not set. */
bool output_colours(FILE *file);
/* A JSON string of text, with its quotes. */
void output_json_string(FILE *file, const char *text);

#endif
