/* source: two passes over a clearing file (see source.h). */
#include "cli/source.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/check.h"
#include "cli/args.h"

bool partition_add(struct partition *partition, bool linked, uint32_t *ret_size,
                   enum status *ret_status)
{
    bool cut = false;
    *ret_status = STATUS_OK;
    partition->chain++;
    if (partition->in_part + partition->chain > LIMIT_BATCH_RECORDS) {
        if (partition->in_part == 0) {
            *ret_status = STATUS_FULL;
            return false;
        }
        *ret_size = partition->in_part;
        partition->in_part = 0;
        partition->parts++;
        cut = true;
    }
    if (!linked) {
        partition->in_part += partition->chain;
        partition->chain = 0;
    }
    return cut;
}

uint32_t partition_count(const struct partition *partition)
{
    return partition->parts + (partition->in_part + partition->chain > 0 ? 1 : 0);
}

static int read_failed(const struct source *source)
{
    complain("%s: reading failed: %s", source->path, strerror(errno));
    return EXIT_USAGE;
}

/* Opens the file from its beginning and takes its header line. */
static int take_header(struct source *source, const struct names *names, uint16_t default_scheme)
{
    struct import_error error;
    csv_open(source->csv, source->file);
    enum csv_result result = csv_next(source->csv);
    if (result == CSV_IO) {
        return read_failed(source);
    }
    if (result == CSV_END) {
        complain("%s: the file is empty; its first line must name the columns", source->path);
        return EXIT_USAGE;
    }
    if (result == CSV_BAD) {
        complain("%s:%" PRIu64 ": %s", source->path, source->csv->line, source->csv->error);
        return EXIT_USAGE;
    }
    if (import_start(&source->import, names, default_scheme, source->csv, &error) != STATUS_OK) {
        complain("%s:%" PRIu64 ":%u: %s", source->path, error.line, error.column, error.text);
        return EXIT_USAGE;
    }
    return EXIT_CLEAN;
}

/* Whether the line that was just found bad stands in a chain: after a LINKED record, or LINKED
   itself. If its columns cannot be told apart, it may be. */
static bool is_in_chain(const struct source *source, enum csv_result result,
                        const struct partition *partition)
{
    const struct csv_reader *csv = source->csv;
    int column = source->import.column_of[IMPORT_flags];
    if (partition->chain > 0 || column < 0) {
        return partition->chain > 0;
    }
    return result == CSV_BAD || csv->field_count != source->import.column_count ||
           strstr(csv->fields[column], "LINKED") != NULL;
}

/* One line of the check. */
static enum status check_line(struct source *source, enum csv_result result,
                              struct partition *partition, struct import_error *error)
{
    struct record record;
    uint32_t size;
    enum status status;
    if (result == CSV_BAD) {
        error->line = source->csv->line;
        error->column = 0;
        snprintf(error->text, sizeof error->text, "%s", source->csv->error);
        return STATUS_MALFORMED;
    }
    if (import_record(&source->import, source->csv, NULL, &record, error) != STATUS_OK) {
        return STATUS_MALFORMED;
    }
    (void)partition_add(partition, (record.flags & RECORD_LINKED) != 0, &size, &status);
    if (status != STATUS_OK) {
        complain("%s:%" PRIu64
                 ": a chain of LINKED records is longer than %d, which no batch holds",
                 source->path, source->csv->line, LIMIT_BATCH_RECORDS);
        return STATUS_FULL;
    }
    source->records++;
    source->without_ids =
        source->without_ids || bytes_are_zero(record.id.bytes, sizeof record.id.bytes);
    return STATUS_OK;
}

static int check_lines(struct source *source, source_bad_line bad_line, void *context)
{
    struct partition partition = {.parts = 0};
    struct progress progress;
    progress_start(&progress, "bytes checked",
                   source->checked.st_size > 0 ? (uint64_t)source->checked.st_size : 0);
    enum csv_result result;
    while ((result = csv_next(source->csv)) == CSV_ROW || result == CSV_BAD) {
        struct import_error error;
        enum status status = check_line(source, result, &partition, &error);
        if (status == STATUS_FULL) {
            return EXIT_USAGE;
        }
        if (status != STATUS_OK) {
            source->bad_lines++;
            if (source->broken_chain == 0 && is_in_chain(source, result, &partition)) {
                source->broken_chain = error.line;
            }
            bad_line(context, &error);
        }
        progress_at(&progress, source->csv->bytes_read);
    }
    progress_end(&progress);
    if (result == CSV_IO) {
        return read_failed(source);
    }
    source->hash = csv_source_hash(source->csv);
    source->bytes = source->csv->bytes_read;
    source->parts = partition_count(&partition);
    return EXIT_CLEAN;
}

int source_check(struct source *source, const char *path, const struct names *names,
                 uint16_t default_scheme, source_bad_line bad_line, void *context)
{
    memset(source, 0, sizeof *source);
    source->path = path;
    source->file = fopen(path, "rb");
    if (source->file == NULL || fstat(fileno(source->file), &source->checked) != 0) {
        complain("%s: cannot be opened: %s", path, strerror(errno));
        return EXIT_USAGE;
    }
    if (!S_ISREG(source->checked.st_mode)) {
        complain("%s: a file is needed, since it is read twice; not a pipe or a folder", path);
        return EXIT_USAGE;
    }
    source->csv = malloc(sizeof *source->csv);
    CHECK(source->csv != NULL);
    int code = take_header(source, names, default_scheme);
    if (code == EXIT_CLEAN) {
        code = check_lines(source, bad_line, context);
    }
    if (code == EXIT_CLEAN && source->records == 0 && source->bad_lines == 0) {
        complain("%s: there is no record after the header line", path);
        code = EXIT_USAGE;
    }
    return code;
}

int source_rewind(struct source *source)
{
    if (fseeko(source->file, 0, SEEK_SET) != 0) {
        return read_failed(source);
    }
    return take_header(source, source->import.names, source->import.default_scheme);
}

bool source_next(struct source *source, struct record *ret_record, uint64_t *ret_line,
                 bool *ret_changed)
{
    struct import_error error;
    enum csv_result result;
    *ret_changed = false;
    while ((result = csv_next(source->csv)) == CSV_ROW || result == CSV_BAD) {
        if (result == CSV_ROW && import_record(&source->import, source->csv, &source->hash,
                                               ret_record, &error) == STATUS_OK) {
            *ret_line = source->csv->line;
            return true;
        }
    }
    if (result == CSV_IO) {
        *ret_changed = true;
        return false;
    }
    struct hash again = csv_source_hash(source->csv);
    *ret_changed = !hash_equal(&again, &source->hash);
    return false;
}

void source_close(struct source *source)
{
    if (source->file != NULL) {
        fclose(source->file);
    }
    free(source->csv);
    memset(source, 0, sizeof *source);
}
