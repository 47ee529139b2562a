/* output: tables, csv and JSON (see output.h). A table's widths come from its first rows, which are
   held back until then; later rows stream, so that a listing of any length needs little memory. */
#include "cli/output.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/check.h"
#include "cli/csv.h"
#include "cli/text.h"
#include "ledger/money.h"

#define HELD_ROWS_MAX 512

struct output {
    FILE *file;
    enum output_format format;
    bool single;
    const struct column *columns;
    unsigned column_count;
    unsigned at; /* column of the next cell */
    uint64_t rows;
    /* of a table */
    bool flowing; /* widths are fixed, the heading is printed */
    unsigned held;
    char **cells; /* HELD_ROWS_MAX * column_count, owned */
    unsigned widths[OUTPUT_COLUMNS_MAX];
};

enum status output_format_of(const struct args *args, enum output_format *ret_format)
{
    static const char *const names[] = {"table", "csv", "json", "jsonl"};
    const char *given = args_value(args, "format");
    if (given == NULL) {
        *ret_format = OUTPUT_TABLE;
        return STATUS_OK;
    }
    for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (strcmp(given, names[i]) == 0) {
            *ret_format = (enum output_format)i;
            return STATUS_OK;
        }
    }
    complain("--format takes table, csv, json or jsonl, not \"%s\"", given);
    return STATUS_USAGE;
}

bool output_colours(FILE *file)
{
    const char *no_colour = getenv("NO_COLOR");
    return (no_colour == NULL || *no_colour == '\0') && isatty(fileno(file)) == 1;
}

static struct output *new_output(FILE *file, enum output_format format,
                                 const struct column *columns, unsigned column_count, bool single)
{
    CHECK(column_count > 0 && column_count <= OUTPUT_COLUMNS_MAX);
    struct output *output = calloc(1, sizeof *output);
    CHECK(output != NULL);
    output->file = file;
    output->format = format;
    output->single = single;
    output->columns = columns;
    output->column_count = column_count;
    if (format == OUTPUT_TABLE) {
        output->cells = calloc((size_t)HELD_ROWS_MAX * column_count, sizeof *output->cells);
        CHECK(output->cells != NULL);
    } else if (format == OUTPUT_CSV) {
        for (unsigned i = 0; i < column_count; i++) {
            fprintf(file, "%s%s", i > 0 ? "," : "", columns[i].name);
        }
        fputc('\n', file);
    }
    return output;
}

struct output *output_list(FILE *file, enum output_format format, const struct column *columns,
                           unsigned column_count)
{
    return new_output(file, format, columns, column_count, false);
}

struct output *output_single(FILE *file, enum output_format format, const struct column *columns,
                             unsigned column_count)
{
    return new_output(file, format, columns, column_count, true);
}

void output_json_string(FILE *file, const char *text)
{
    fputc('"', file);
    for (; *text != '\0'; text++) {
        unsigned char character = (unsigned char)*text;
        if (character == '"' || character == '\\') {
            fprintf(file, "\\%c", character);
        } else if (character < 0x20 || character == 0x7f) {
            fprintf(file, "\\u%04x", character);
        } else {
            fputc(character, file);
        }
    }
    fputc('"', file);
}

/* Columns a terminal uses: a code point is one, East Asian wide ones are two. */
static unsigned display_width(const char *text)
{
    unsigned width = 0;
    for (const unsigned char *at = (const unsigned char *)text; *at != 0; at++) {
        if ((*at & 0xc0) != 0x80) {
            /* Three-byte characters from U+2E80 on are CJK, four-byte ones are mostly wide. */
            bool wide = *at >= 0xe3 || (*at == 0xe2 && at[1] >= 0xba);
            width += wide ? 2 : 1;
        }
    }
    return width;
}

static void print_cell(struct output *output, const char *text, unsigned column, bool last)
{
    unsigned width = display_width(text);
    unsigned pad = output->widths[column] > width ? output->widths[column] - width : 0;
    bool right = output->columns[column].kind != COLUMN_TEXT;
    fprintf(output->file, "%s%*s", column > 0 ? "  " : "", right ? (int)pad : 0, "");
    for (; *text != '\0'; text++) {
        unsigned char character = (unsigned char)*text;
        fputc(character < 0x20 || character == 0x7f ? '?' : character, output->file);
    }
    fprintf(output->file, "%*s", right || last ? 0 : (int)pad, "");
}

static void print_heading(struct output *output)
{
    const char *on = output_colours(output->file) ? "\033[1m" : "";
    fputs(on, output->file);
    for (unsigned i = 0; i < output->column_count; i++) {
        char heading[64];
        snprintf(heading, sizeof heading, "%s", output->columns[i].name);
        for (char *at = heading; *at != '\0'; at++) {
            *at = (char)(*at >= 'a' && *at <= 'z' ? *at - 'a' + 'A' : *at == '_' ? ' ' : *at);
        }
        print_cell(output, heading, i, i + 1 == output->column_count);
    }
    fprintf(output->file, "%s\n", *on != '\0' ? "\033[0m" : "");
}

/* Fixes the widths, prints the heading and the rows held back. */
static void start_flowing(struct output *output)
{
    for (unsigned i = 0; i < output->column_count; i++) {
        output->widths[i] = (unsigned)strlen(output->columns[i].name);
        for (unsigned row = 0; row < output->held; row++) {
            unsigned width = display_width(output->cells[row * output->column_count + i]);
            output->widths[i] = width > output->widths[i] ? width : output->widths[i];
        }
    }
    print_heading(output);
    for (unsigned row = 0; row < output->held; row++) {
        for (unsigned i = 0; i < output->column_count; i++) {
            print_cell(output, output->cells[row * output->column_count + i], i,
                       i + 1 == output->column_count);
        }
        fputc('\n', output->file);
    }
    output->flowing = true;
}

static void print_single(struct output *output)
{
    unsigned width = 0;
    for (unsigned i = 0; i < output->column_count; i++) {
        unsigned length = (unsigned)strlen(output->columns[i].name);
        width = length > width ? length : width;
    }
    memset(output->widths, 0, sizeof output->widths);
    for (unsigned i = 0; i < output->column_count && output->held > 0; i++) {
        fprintf(output->file, "%-*s", (int)width + 2, output->columns[i].name);
        print_cell(output, output->cells[i], 0, true);
        fputc('\n', output->file);
    }
}

static void table_cell(struct output *output, const char *text)
{
    CHECK(output->flowing || output->held < (output->single ? 1 : HELD_ROWS_MAX));
    if (output->flowing) {
        print_cell(output, text, output->at, output->at + 1 == output->column_count);
        return;
    }
    char *copy = strdup(text);
    CHECK(copy != NULL);
    output->cells[output->held * output->column_count + output->at] = copy;
}

static void json_cell(struct output *output, const char *text, bool quoted)
{
    if (output->at == 0) {
        bool array = output->format == OUTPUT_JSON && !output->single;
        fputs(!array ? "{" : output->rows == 0 ? "[\n{" : ",\n{", output->file);
    } else {
        fputc(',', output->file);
    }
    fprintf(output->file, "\"%s\":", output->columns[output->at].name);
    if (quoted) {
        output_json_string(output->file, text);
    } else {
        fputs(text, output->file);
    }
}

static void end_row(struct output *output)
{
    output->at = 0;
    output->rows++;
    if (output->format == OUTPUT_CSV) {
        fputc('\n', output->file);
    } else if (output->format != OUTPUT_TABLE) {
        fputs(output->format == OUTPUT_JSONL || output->single ? "}\n" : "}", output->file);
    } else if (output->flowing) {
        fputc('\n', output->file);
    } else if (++output->held == HELD_ROWS_MAX && !output->single) {
        start_flowing(output);
    }
}

/* text for people and csv; json: what stands after "name": (NULL: text as a string). */
static void put_cell(struct output *output, const char *text, const char *json)
{
    switch (output->format) {
    case OUTPUT_TABLE:
        table_cell(output, text);
        break;
    case OUTPUT_CSV:
        if (output->at > 0) {
            fputc(',', output->file);
        }
        csv_write_field(output->file, text);
        break;
    case OUTPUT_JSON:
    case OUTPUT_JSONL:
        json_cell(output, json != NULL ? json : text, json == NULL);
        break;
    }
    if (++output->at == output->column_count) {
        end_row(output);
    }
}

void output_text(struct output *output, const char *text)
{
    put_cell(output, text, NULL);
}

void output_empty(struct output *output)
{
    put_cell(output, "", "null");
}

void output_number(struct output *output, uint64_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%llu", (unsigned long long)number);
    put_cell(output, text, text);
}

void output_amount(struct output *output, __int128 minor, unsigned exponent)
{
    CHECK(output->columns[output->at].kind == COLUMN_AMOUNT);
    char text[MONEY_TEXT_BYTES], units[MONEY_TEXT_BYTES];
    money_format((struct difference){minor}, exponent, text);
    money_format((struct difference){minor}, 0, units);
    char json[3 * MONEY_TEXT_BYTES + 64];
    snprintf(json, sizeof json, "\"%s\",\"%s_minor\":%s", text, output->columns[output->at].name,
             units);
    put_cell(output, text, json);
}

void output_hex(struct output *output, const void *bytes, size_t count)
{
    char text[2 * 64 + 1];
    CHECK(count <= 64);
    bytes_to_hex(bytes, count, text);
    put_cell(output, text, NULL);
}

void output_hash(struct output *output, const struct hash *hash)
{
    output_hex(output, hash->bytes, sizeof hash->bytes);
}

void output_time(struct output *output, uint64_t unix_ms)
{
    char text[TIME_TEXT_BYTES];
    time_format(unix_ms, text);
    put_cell(output, text, NULL);
}

void output_end(struct output *output)
{
    CHECK(output->at == 0);
    if (output->format == OUTPUT_TABLE && output->single) {
        print_single(output);
    } else if (output->format == OUTPUT_TABLE && !output->flowing) {
        start_flowing(output);
    } else if (output->format == OUTPUT_JSON && !output->single) {
        fputs(output->rows == 0 ? "[]\n" : "\n]\n", output->file);
    }
    for (unsigned i = 0; output->cells != NULL && i < output->held * output->column_count; i++) {
        free(output->cells[i]);
    }
    free(output->cells);
    fflush(output->file);
    free(output);
}
