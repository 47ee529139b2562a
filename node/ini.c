/* ini: strict INI files on inih (see ini.h). */
#include "node/ini.h"

#include <ini.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "node/file.h"

#define NAME_SHOWN 64
#define LINE_BYTES_MAX 4096

struct reading {
    const char *path;
    const struct ini_schema *schema;
    void *target;
    const char *next; /* of the text */
    int line;
    uint64_t seen; /* bit: this key of the schema was given */
    enum status status;
    char *ret_error;
    size_t capacity;
};

/* inih asks for line after line; here they are counted, and measured against its buffer. */
static char *next_line(char *buffer, int size, void *stream)
{
    struct reading *reading = stream;
    if (reading->status != STATUS_OK || *reading->next == '\0') {
        return NULL;
    }
    reading->line++;
    size_t length = strcspn(reading->next, "\n");
    size_t whole = length + (reading->next[length] == '\n');
    if (whole + 1 > (size_t)size) {
        reading->status = error_set(STATUS_MALFORMED, reading->ret_error, reading->capacity,
                                    "%s:%d: the line has %zu characters, at most %d", reading->path,
                                    reading->line, length, size - 2);
        return NULL;
    }
    memcpy(buffer, reading->next, whole);
    buffer[whole] = '\0';
    reading->next += whole;
    return buffer;
}

static int refuse_value(struct reading *reading, const char *name, const char *value,
                        const char *expected)
{
    reading->status = error_set(STATUS_MALFORMED, reading->ret_error, reading->capacity,
                                "%s:%d: %.*s = %.*s: expected %s", reading->path, reading->line,
                                NAME_SHOWN, name, NAME_SHOWN, value, expected);
    return 0;
}

static int take_key(struct reading *reading, size_t index, const char *value)
{
    const struct ini_key *key = &reading->schema->keys[index];
    if ((reading->seen >> index & 1) != 0) {
        reading->status = error_set(STATUS_MALFORMED, reading->ret_error, reading->capacity,
                                    "%s:%d: %s is given twice (or a line begins with a space)",
                                    reading->path, reading->line, key->name);
        return 0;
    }
    reading->seen |= 1ull << index;
    const char *expected = "another value";
    if (!key->parse(value, (uint8_t *)reading->target + key->offset, key->size, &expected)) {
        return refuse_value(reading, key->name, value, expected);
    }
    return 1;
}

static int refuse_name(struct reading *reading, const char *section, const char *name)
{
    bool known = false;
    for (size_t i = 0; i < reading->schema->key_count; i++) {
        known = known || strcmp(reading->schema->keys[i].section, section) == 0;
    }
    reading->status = known
                          ? error_set(STATUS_MALFORMED, reading->ret_error, reading->capacity,
                                      "%s:%d: unknown key %.*s in section [%s]", reading->path,
                                      reading->line, NAME_SHOWN, name, section)
                          : error_set(STATUS_MALFORMED, reading->ret_error, reading->capacity,
                                      "%s:%d: unknown section [%.*s] (of key %.*s)", reading->path,
                                      reading->line, NAME_SHOWN, section, NAME_SHOWN, name);
    return 0;
}

/* inih's callback: 1 to go on, 0 for an error. */
static int take(void *user, const char *section, const char *name, const char *value)
{
    struct reading *reading = user;
    const struct ini_schema *schema = reading->schema;
    if (reading->status != STATUS_OK) {
        return 0;
    }
    for (size_t i = 0; i < schema->list_count; i++) {
        const char *expected = "another value";
        if (strcmp(schema->lists[i].section, section) == 0) {
            return schema->lists[i].add(reading->target, name, value, &expected)
                       ? 1
                       : refuse_value(reading, name, value, expected);
        }
    }
    for (size_t i = 0; i < schema->key_count; i++) {
        if (strcmp(schema->keys[i].section, section) == 0 &&
            strcmp(schema->keys[i].name, name) == 0) {
            return take_key(reading, i, value);
        }
    }
    return refuse_name(reading, section, name);
}

static enum status check_needed(struct reading *reading)
{
    for (size_t i = 0; i < reading->schema->key_count; i++) {
        const struct ini_key *key = &reading->schema->keys[i];
        if (key->needed && (reading->seen >> i & 1) == 0) {
            return error_set(STATUS_MALFORMED, reading->ret_error, reading->capacity,
                             "%s: %s is missing in section [%s]", reading->path, key->name,
                             key->section);
        }
    }
    return STATUS_OK;
}

enum status ini_read(const char *path, const struct ini_schema *schema, void *target,
                     char *ret_error, size_t capacity)
{
    CHECK(schema->key_count <= INI_KEYS_MAX);
    uint8_t *text;
    size_t length;
    enum status status =
        file_read(path, INI_FILE_BYTES_MAX, 0, &text, &length, ret_error, capacity);
    if (status != STATUS_OK) {
        return status;
    }
    struct reading reading = {.path = path,
                              .schema = schema,
                              .target = target,
                              .next = (const char *)text,
                              .ret_error = ret_error,
                              .capacity = capacity};
    /* inih's own limit is 200 characters, too few for a path; these are its settings, for all. */
    ini_use_stack = false;
    ini_max_line = LINE_BYTES_MAX;
    ini_initial_alloc = LINE_BYTES_MAX;
    int wrong_line = ini_parse_stream(next_line, &reading, take, &reading);
    if (reading.status == STATUS_OK && strlen((const char *)text) != length) {
        reading.status = error_set(STATUS_MALFORMED, ret_error, capacity,
                                   "%s: is not text: it holds a zero byte", path);
    }
    if (reading.status == STATUS_OK && wrong_line < 0) {
        reading.status = error_set(STATUS_NO_MEMORY, ret_error, capacity, "%s: no memory", path);
    }
    if (reading.status == STATUS_OK && wrong_line > 0) {
        reading.status = error_set(STATUS_MALFORMED, ret_error, capacity,
                                   "%s:%d: expected [section] or name = value", path, wrong_line);
    }
    if (reading.status == STATUS_OK) {
        reading.status = check_needed(&reading);
    }
    free(text);
    return reading.status;
}
