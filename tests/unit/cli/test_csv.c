/* test_csv: RFC 4180 as files really are: marks, line ends, quotes, damage, and every chunk size.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/csv.h"

/* Writes what a reading gives: "line:field|field;" a row, "line!;" a bad one. */
static void read_all(const char *text, size_t length, char *ret_result, size_t capacity)
{
    FILE *file = fmemopen((void *)(uintptr_t)text, length, "rb");
    struct csv_reader *reader = malloc(sizeof *reader);
    size_t used = 0;
    enum csv_result result;
    assert_non_null(file);
    assert_non_null(reader);
    csv_open(reader, file);
    while ((result = csv_next(reader)) != CSV_END) {
        assert_int_not_equal(result, CSV_IO);
        used += (size_t)snprintf(ret_result + used, capacity - used, "%llu",
                                 (unsigned long long)reader->line);
        if (result == CSV_BAD) {
            assert_int_not_equal(strlen(reader->error), 0);
            used += (size_t)snprintf(ret_result + used, capacity - used, "!;");
            continue;
        }
        for (unsigned i = 0; i < reader->field_count; i++) {
            used += (size_t)snprintf(ret_result + used, capacity - used, "%c%s", i == 0 ? ':' : '|',
                                     reader->fields[i]);
        }
        used += (size_t)snprintf(ret_result + used, capacity - used, ";");
    }
    ret_result[used] = '\0';
    free(reader);
    fclose(file);
}

static void expect(const char *text, const char *expected)
{
    char result[512];
    print_message("expecting %s\n", expected);
    read_all(text, strlen(text), result, sizeof result);
    assert_string_equal(result, expected);
}

/* Goal: what spreadsheets and programs write is read as meant, with the right line numbers. */
static void usual_files_are_read(void **state)
{
    (void)state;
    expect("a,b\n1,2\n", "1:a|b;2:1|2;");
    expect("a,b\r\n1,2\r\n", "1:a|b;2:1|2;");
    expect("a,b\n1,2", "1:a|b;2:1|2;");
    expect("\xef\xbb\xbf"
           "a,b\n",
           "1:a|b;");
    expect("a\n\n\r\n\nb\n", "1:a;5:b;");
    expect("\"a,b\",\"c\"\"d\"\n", "1:a,b|c\"d;");
    expect("\"two\nlines\",x\ny\n", "1:two\nlines|x;3:y;");
    expect(",\n,,\n", "1:|;2:||;");
    expect("\"\"\n", "1:;");
    expect("a,\"\"", "1:a|;");
}

/* Goal: damage is told of its own row, and the next row is read as if nothing had been. */
static void bad_rows_stay_alone(void **state)
{
    (void)state;
    expect("a\nb\"c\nd\n", "1:a;2!;3:d;");
    expect("\"a\"b\nc\n", "1!;2:c;");
    expect("a\rb\nc\n", "1!;2:c;");
    expect("a\n\"never closed\nb\n", "1:a;2!;");
    char result[64];
    read_all("a\0b\nc\n", 6, result, sizeof result);
    assert_string_equal(result, "1!;2:c;");
}

/* Goal: more columns than can be, and a row larger than can be, are errors and not overflows. */
static void rows_are_bounded(void **state)
{
    (void)state;
    size_t length = 3 * CSV_ROW_BYTES_MAX;
    char *text = malloc(length + 1);
    assert_non_null(text);
    char result[64];
    memset(text, ',', 100);
    memcpy(text + 100, "\nx\n", 4);
    read_all(text, strlen(text), result, sizeof result);
    assert_string_equal(result, "1!;2:x;");
    memset(text, 'y', length);
    memcpy(text + length - 3, "\nx\n", 4);
    read_all(text, length, result, sizeof result);
    assert_string_equal(result, "1!;2:x;");
    for (size_t size = CSV_ROW_BYTES_MAX - 3; size <= CSV_ROW_BYTES_MAX + 1; size++) {
        memset(text, 'y', size);
        text[size / 2] = ',';
        memcpy(text + size, "\nx\n", 4);
        struct csv_reader *reader = malloc(sizeof *reader);
        assert_non_null(reader);
        FILE *file = fmemopen(text, size + 3, "rb");
        csv_open(reader, file);
        enum csv_result first = csv_next(reader);
        assert_int_equal(first, size < CSV_ROW_BYTES_MAX ? CSV_ROW : CSV_BAD);
        assert_int_equal(csv_next(reader), CSV_ROW);
        fclose(file);
        free(reader);
    }
    free(text);
}

/* Goal: the hash is of the file's bytes, mark and line ends included, however it was read. */
static void hash_covers_every_byte(void **state)
{
    (void)state;
    static const char text[] = "\xef\xbb\xbf"
                               "a,b\r\n\"1\",2\r\n";
    struct csv_reader *reader = malloc(sizeof *reader);
    assert_non_null(reader);
    FILE *file = fmemopen((void *)(uintptr_t)text, sizeof text - 1, "rb");
    csv_open(reader, file);
    while (csv_next(reader) != CSV_END) {
    }
    struct hash read = csv_source_hash(reader);
    struct hash whole = hash_of(&PURPOSE_SOURCE, text, sizeof text - 1);
    assert_true(hash_equal(&read, &whole));
    fclose(file);
    free(reader);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(usual_files_are_read),
        cmocka_unit_test(bad_rows_stay_alone),
        cmocka_unit_test(rows_are_bounded),
        cmocka_unit_test(hash_covers_every_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
