/*
 * source: a clearing file read twice: once to check every line and learn the file's hash, the
 * number of records and of parts; once to build the batches. Memory does not grow with the file.
 *
 * Batches hold at most 8,192 records; a chain of LINKED records is never cut.
 */
#ifndef HEFU_CLI_SOURCE_H
#define HEFU_CLI_SOURCE_H

#include <stdio.h>
#include <sys/stat.h>

#include "base/limits.h"
#include "cli/import.h"
#include "cli/progress.h"

/* Where records are cut into parts; the same for the same sequence of flags. */
struct partition {
    uint32_t in_part; /* records of whole chains in the part being filled */
    uint32_t chain;   /* records of the chain not yet ended */
    uint32_t parts;   /* parts that are complete */
};

/* Takes the next record. True if a part ends before the chain that this record belongs to: it has
 * *ret_size records. FULL in *ret_status if a chain does not fit into any part. */
bool partition_add(struct partition *partition, bool linked, uint32_t *ret_size,
                   enum status *ret_status);
/* The parts there are in all, once every record was added. */
uint32_t partition_count(const struct partition *partition);

/* Told each bad line during the check. */
typedef void (*source_bad_line)(void *context, const struct import_error *error);

struct source {
    const char *path;
    FILE *file;
    struct csv_reader *csv; /* owned */
    struct import import;
    struct hash hash;
    uint64_t records, bad_lines, bytes;
    uint64_t broken_chain; /* the first bad line that is or may be part of a LINKED chain, or 0 */
    uint32_t parts;
    struct stat checked; /* as it was when it was checked */
    bool without_ids;    /* some id came from the line number */
};

/* Opens the file and checks every line. EXIT_CLEAN also with bad lines; EXIT_USAGE, told, if it
   cannot be read, has a bad header, or no record. */
int source_check(struct source *source, const char *path, const struct names *names,
                 uint16_t default_scheme, source_bad_line bad_line, void *context) MUST_USE;
/* Goes back to the first line, for source_next. EXIT_CLEAN, or told. */
int source_rewind(struct source *source) MUST_USE;
/* The next good record and its line. False at the end, or if the file changed meanwhile: then
 *ret_changed is set. */
bool source_next(struct source *source, struct record *ret_record, uint64_t *ret_line,
                 bool *ret_changed);
void source_close(struct source *source);

#endif
