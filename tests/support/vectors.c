/* vectors: the reader of tests/vectors/formats.json (see vectors.h). */
#include "tests/support/vectors.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#define NAME_BYTES 160
#define FILE_NAME HEFU_SOURCE_DIR "/tests/vectors/formats.json"

struct vector {
    const char *name;
    const char *text;
};

struct vectors {
    char *content;
    size_t count;
    struct vector *list; /* ascending by name */
};

static int compare_names(const void *a, const void *b)
{
    return strcmp(((const struct vector *)a)->name, ((const struct vector *)b)->name);
}

static char *read_file(void)
{
    FILE *file = fopen(FILE_NAME, "rb");
    if (file == NULL || fseek(file, 0, SEEK_END) != 0) {
        print_error("%s cannot be read\n", FILE_NAME);
        return NULL;
    }
    long length = ftell(file);
    char *content = calloc(1, (size_t)length + 1);
    rewind(file);
    bool whole = content != NULL && fread(content, 1, (size_t)length, file) == (size_t)length;
    (void)fclose(file);
    if (!whole) {
        free(content);
        print_error("%s cannot be read to its end\n", FILE_NAME);
        return NULL;
    }
    return content;
}

/* The text between the next two quotes of this line, or NULL; moves *at past it. No value of the
   file contains a quote or a backslash. */
static char *quoted(char **at)
{
    size_t skipped = strcspn(*at, "\"\n");
    char *start = *at + skipped;
    if (*start != '"') {
        return NULL;
    }
    char *end = strchr(start + 1, '"');
    if (end == NULL) {
        return NULL;
    }
    *end = '\0';
    *at = end + 1;
    return start + 1;
}

struct vectors *vectors_open(void)
{
    char *content = read_file();
    struct vectors *vectors = calloc(1, sizeof *vectors);
    if (content == NULL || vectors == NULL) {
        free(content);
        free(vectors);
        return NULL;
    }
    size_t lines = 1;
    for (const char *at = content; *at != '\0'; at++) {
        lines += *at == '\n';
    }
    vectors->content = content;
    vectors->list = calloc(lines, sizeof vectors->list[0]);
    for (char *line = content; vectors->list != NULL && line != NULL && *line != '\0';) {
        char *name = quoted(&line);
        char *text = name == NULL ? NULL : quoted(&line);
        if (text != NULL) {
            vectors->list[vectors->count++] = (struct vector){name, text};
        }
        line = strchr(line, '\n');
        line = line == NULL ? NULL : line + 1;
    }
    if (vectors->count > 0) {
        qsort(vectors->list, vectors->count, sizeof vectors->list[0], compare_names);
    }
    return vectors;
}

void vectors_close(struct vectors *vectors)
{
    if (vectors != NULL) {
        free(vectors->list);
        free(vectors->content);
        free(vectors);
    }
}

static const char *find(const struct vectors *vectors, const char *name)
{
    struct vector wanted = {name, NULL};
    const struct vector *found =
        bsearch(&wanted, vectors->list, vectors->count, sizeof vectors->list[0], compare_names);
    return found == NULL ? NULL : found->text;
}

__attribute__((format(printf, 2, 0))) static void make_name(char ret_name[NAME_BYTES],
                                                            const char *format, va_list arguments)
{
    int length = vsnprintf(ret_name, NAME_BYTES, format, arguments);
    assert_in_range(length, 1, NAME_BYTES - 1);
}

static const char *need(const struct vectors *vectors, const char *name)
{
    const char *text = find(vectors, name);
    if (text == NULL) {
        fail_msg("there is no vector %s", name);
    }
    return text;
}

/* Makes name of the arguments after format. */
#define MAKE_NAME(name, format)                                                                    \
    char name[NAME_BYTES];                                                                         \
    do {                                                                                           \
        va_list arguments;                                                                         \
        va_start(arguments, format);                                                               \
        make_name(name, format, arguments);                                                        \
        va_end(arguments);                                                                         \
    } while (0)

bool vectors_has(const struct vectors *vectors, const char *format, ...)
{
    MAKE_NAME(name, format);
    return find(vectors, name) != NULL;
}

const char *vectors_text(const struct vectors *vectors, const char *format, ...)
{
    MAKE_NAME(name, format);
    return need(vectors, name);
}

static unsigned __int128 parse(const char *name, const char *digits)
{
    unsigned __int128 value = 0;
    size_t length = strlen(digits);
    if (length == 0 || length > 39 || strspn(digits, "0123456789") != length) {
        fail_msg("%s is not a number: %s", name, digits);
    }
    for (size_t i = 0; i < length; i++) {
        value = value * 10 + (unsigned)(digits[i] - '0');
    }
    return value;
}

uint64_t vectors_number(const struct vectors *vectors, const char *format, ...)
{
    MAKE_NAME(name, format);
    unsigned __int128 value = parse(name, need(vectors, name));
    assert_true(value <= UINT64_MAX);
    return (uint64_t)value;
}

int64_t vectors_signed(const struct vectors *vectors, const char *format, ...)
{
    MAKE_NAME(name, format);
    const char *text = need(vectors, name);
    bool negative = text[0] == '-';
    unsigned __int128 value = parse(name, negative ? text + 1 : text);
    assert_true(value <= INT64_MAX);
    return negative ? -(int64_t)value : (int64_t)value;
}

unsigned __int128 vectors_wide(const struct vectors *vectors, const char *format, ...)
{
    MAKE_NAME(name, format);
    return parse(name, need(vectors, name));
}

void vectors_bytes(const struct vectors *vectors, void *ret_bytes, size_t count, const char *format,
                   ...)
{
    MAKE_NAME(name, format);
    if (bytes_from_hex(need(vectors, name), count, ret_bytes) != STATUS_OK) {
        fail_msg("%s is not %zu bytes of hexadecimal", name, count);
    }
}

uint8_t *vectors_copy(const struct vectors *vectors, size_t *ret_count, const char *format, ...)
{
    MAKE_NAME(name, format);
    const char *text = need(vectors, name);
    size_t count = strlen(text) / 2;
    uint8_t *bytes = malloc(count + 1);
    assert_non_null(bytes);
    if (bytes_from_hex(text, count, bytes) != STATUS_OK) {
        fail_msg("%s is not hexadecimal", name);
    }
    *ret_count = count;
    return bytes;
}

static void expect(const struct vectors *vectors, const void *bytes, size_t count, const char *name)
{
    const char *expected = need(vectors, name);
    char *text = malloc(2 * count + 1);
    assert_non_null(text);
    bytes_to_hex(bytes, count, text);
    bool same = strcmp(text, expected) == 0;
    if (!same) {
        print_error("%s\n  computed %s\n  frozen   %s\n", name, text, expected);
    }
    free(text);
    assert_true(same);
}

void vectors_expect(const struct vectors *vectors, const void *bytes, size_t count,
                    const char *format, ...)
{
    MAKE_NAME(name, format);
    expect(vectors, bytes, count, name);
}

void vectors_expect_hash(const struct vectors *vectors, struct hash hash, const char *format, ...)
{
    MAKE_NAME(name, format);
    expect(vectors, hash.bytes, HASH_BYTES, name);
}
