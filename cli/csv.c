/* csv: reading RFC 4180 as a state machine over bytes (see csv.h).

     field start ──"──► quoted ──"──► quote seen ──"──► quoted
        │  ▲              (any byte)      │
        │  └──────────── , ◄──────────────┤
        └─ any ─► plain ── , ──► ...      └── end of line: row                                   */
#include "cli/csv.h"

#include <string.h>

#include "base/check.h"

enum place { FIELD_START, PLAIN, QUOTED, QUOTE_SEEN };

/* One row being taken apart. */
struct row_parse {
    enum place place;
    bool bad;      /* an error was noted; skip to the row's end */
    bool any;      /* something stands in the row, if only a quote or a comma */
    bool after_cr; /* a CR that must be followed by LF */
};

void csv_open(struct csv_reader *reader, FILE *file)
{
    memset(reader, 0, offsetof(struct csv_reader, row));
    reader->file = file;
    reader->next_line = 1;
    reader->at_start = true;
    hasher_init(&reader->source, &PURPOSE_SOURCE);
}

struct hash csv_source_hash(const struct csv_reader *reader)
{
    CHECK(reader->ended && reader->chunk_at == reader->chunk_end);
    struct hasher copy = reader->source;
    return hasher_end(&copy);
}

static void skip_byte_order_mark(struct csv_reader *reader)
{
    if (reader->chunk_end >= 3 && memcmp(reader->chunk, "\xef\xbb\xbf", 3) == 0) {
        reader->chunk_at = 3;
    }
    reader->at_start = false;
}

/* The next byte, -1 at the end, -2 if reading failed. */
static int take_byte(struct csv_reader *reader)
{
    if (reader->chunk_at == reader->chunk_end) {
        if (reader->ended) {
            return -1;
        }
        reader->chunk_at = 0;
        reader->chunk_end = fread(reader->chunk, 1, sizeof reader->chunk, reader->file);
        if (reader->chunk_end < sizeof reader->chunk) {
            if (ferror(reader->file)) {
                return -2;
            }
            reader->ended = true;
        }
        hasher_add(&reader->source, reader->chunk, reader->chunk_end);
        reader->bytes_read += reader->chunk_end;
        if (reader->at_start) {
            skip_byte_order_mark(reader);
        }
        if (reader->chunk_at == reader->chunk_end) {
            return -1;
        }
    }
    return reader->chunk[reader->chunk_at++];
}

static void note_error(struct csv_reader *reader, struct row_parse *parse, const char *what)
{
    if (!parse->bad) {
        snprintf(reader->error, sizeof reader->error, "column %u: %s", reader->field_count, what);
        parse->bad = true;
    }
}

static void put_byte(struct csv_reader *reader, struct row_parse *parse, int byte)
{
    if (byte == 0) {
        note_error(reader, parse, "a NUL byte; the file must be text (UTF-8)");
    } else if (reader->used + 2 > sizeof reader->row) {
        note_error(reader, parse, "a row of more than 65,536 bytes; is a quote never closed?");
    }
    if (!parse->bad) {
        reader->row[reader->used++] = (char)byte;
    }
}

static void start_field(struct csv_reader *reader, struct row_parse *parse)
{
    if (reader->field_count == CSV_FIELDS_MAX) {
        note_error(reader, parse, "more than 64 columns");
    } else if (reader->used + 1 > sizeof reader->row) {
        note_error(reader, parse, "a row of more than 65,536 bytes");
    } else {
        reader->fields[reader->field_count++] = reader->row + reader->used;
    }
    parse->place = FIELD_START;
}

static void end_field(struct csv_reader *reader, struct row_parse *parse)
{
    if (!parse->bad) {
        CHECK(reader->used < sizeof reader->row);
        reader->row[reader->used++] = '\0';
    }
}

/* A byte that is not the end of the row. */
static void step(struct csv_reader *reader, struct row_parse *parse, int byte)
{
    parse->any = true;
    switch (parse->place) {
    case FIELD_START:
    case PLAIN:
        if (byte == ',') {
            end_field(reader, parse);
            start_field(reader, parse);
        } else if (byte == '"' && parse->place == FIELD_START) {
            parse->place = QUOTED;
        } else if (byte == '"') {
            note_error(reader, parse, "a quote inside a field that does not begin with one");
        } else {
            parse->place = PLAIN;
            put_byte(reader, parse, byte);
        }
        break;
    case QUOTED:
        if (byte == '"') {
            parse->place = QUOTE_SEEN;
        } else {
            put_byte(reader, parse, byte);
        }
        break;
    case QUOTE_SEEN:
        if (byte == '"') {
            parse->place = QUOTED;
            put_byte(reader, parse, byte);
        } else if (byte == ',') {
            end_field(reader, parse);
            start_field(reader, parse);
        } else {
            note_error(reader, parse, "text after a closing quote");
            parse->place = PLAIN;
        }
        break;
    }
}

/* One physical row. False at the end of the file with nothing read. */
static enum csv_result read_row(struct csv_reader *reader, struct row_parse *parse)
{
    for (;;) {
        int byte = take_byte(reader);
        if (byte == -2) {
            return CSV_IO;
        }
        if (byte == -1) {
            if (parse->place == QUOTED) {
                note_error(reader, parse, "a quote that is never closed");
            }
            return parse->any || parse->after_cr ? CSV_ROW : CSV_END;
        }
        reader->next_line += byte == '\n' ? 1 : 0;
        if (parse->place != QUOTED) {
            if (byte == '\n') {
                return CSV_ROW;
            }
            if (parse->after_cr) {
                note_error(reader, parse, "a carriage return inside a line");
            }
            if (byte == '\r') {
                parse->after_cr = true;
                continue;
            }
        }
        step(reader, parse, byte);
    }
}

enum csv_result csv_next(struct csv_reader *reader)
{
    for (;;) {
        struct row_parse parse = {.place = FIELD_START};
        reader->line = reader->next_line;
        reader->used = 0;
        reader->field_count = 0;
        start_field(reader, &parse);
        enum csv_result result = read_row(reader, &parse);
        if (result == CSV_IO || result == CSV_END) {
            reader->field_count = 0;
            return result;
        }
        if (!parse.any && !parse.bad) {
            continue; /* an empty line */
        }
        end_field(reader, &parse);
        return parse.bad ? CSV_BAD : CSV_ROW;
    }
}

void csv_write_field(FILE *file, const char *field)
{
    if (strpbrk(field, ",\"\r\n") == NULL) {
        fputs(field, file);
        return;
    }
    fputc('"', file);
    for (; *field != '\0'; field++) {
        if (*field == '"') {
            fputc('"', file);
        }
        fputc(*field, file);
    }
    fputc('"', file);
}
