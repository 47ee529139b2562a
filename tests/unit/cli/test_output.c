/* test_output: one set of calls as table, csv, JSON and JSON lines; rows kept by an overlay; and
   the options of a verb. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/output.h"
#include "cli/overlay.h"

static const struct column columns[] = {
    {"name", COLUMN_TEXT}, {"net_position", COLUMN_AMOUNT}, {"count", COLUMN_NUMBER}};

/* Prints two rows; the caller frees. */
static char *print_rows(enum output_format format, bool single)
{
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    assert_non_null(file);
    struct output *output =
        single ? output_single(file, format, columns, 3) : output_list(file, format, columns, 3);
    output_text(output, "a\"b,\033[31m");
    output_amount(output, -1234567, 2);
    output_number(output, 7);
    if (!single) {
        output_empty(output);
        output_amount(output, 5, 0);
        output_number(output, 100);
    }
    output_end(output);
    fclose(file);
    return text;
}

static void expect(enum output_format format, bool single, const char *expected)
{
    char *text = print_rows(format, single);
    assert_string_equal(text, expected);
    free(text);
}

/* Goal: each format is exact, and no control character of the data reaches a terminal. */
static void formats_are_exact(void **state)
{
    (void)state;
    expect(OUTPUT_TABLE, false,
           "NAME       NET POSITION  COUNT\n"
           "a\"b,?[31m     -12345.67      7\n"
           "                      5    100\n");
    expect(OUTPUT_CSV, false, "name,net_position,count\n\"a\"\"b,\033[31m\",-12345.67,7\n,5,100\n");
    expect(OUTPUT_JSON, false,
           "[\n{\"name\":\"a\\\"b,\\u001b[31m\",\"net_position\":\"-12345.67\","
           "\"net_position_minor\":-1234567,\"count\":7},\n"
           "{\"name\":null,\"net_position\":\"5\",\"net_position_minor\":5,\"count\":100}\n]\n");
    expect(OUTPUT_JSONL, false,
           "{\"name\":\"a\\\"b,\\u001b[31m\",\"net_position\":\"-12345.67\","
           "\"net_position_minor\":-1234567,\"count\":7}\n"
           "{\"name\":null,\"net_position\":\"5\",\"net_position_minor\":5,\"count\":100}\n");
    expect(OUTPUT_JSON, true,
           "{\"name\":\"a\\\"b,\\u001b[31m\",\"net_position\":\"-12345.67\","
           "\"net_position_minor\":-1234567,\"count\":7}\n");
    expect(OUTPUT_TABLE, true,
           "name          a\"b,?[31m\nnet_position  -12345.67\ncount         7\n");
}

/* Goal: a list without rows is still a list. */
static void empty_lists_are_lists(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 0;
    FILE *file = open_memstream(&text, &size);
    output_end(output_list(file, OUTPUT_JSON, columns, 3));
    fclose(file);
    assert_string_equal(text, "[]\n");
    free(text);
}

static int run_nothing(const struct args *args)
{
    (void)args;
    return 0;
}

static const struct verb_option verb_options[] = {
    {"last", "N", "a number"}, {"flag", NULL, "a flag"}, {NULL, NULL, NULL}};
static const struct verb verb = {.name = "test verb",
                                 .operands = "ONE",
                                 .operands_min = 1,
                                 .operands_max = 1,
                                 .uses = USES_FORMAT,
                                 .options = verb_options,
                                 .run = run_nothing};

static enum status parse(const char *line, struct args *args)
{
    static char copy[256];
    static char *words[16];
    int count = 0;
    snprintf(copy, sizeof copy, "%s", line);
    for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " ")) {
        words[count++] = word;
    }
    return args_parse(&verb, count, words, args);
}

/* Goal: options anywhere, both ways of giving a value, and every misuse refused. */
static void options_are_gnu_style(void **state)
{
    (void)state;
    struct args args;
    uint64_t number;
    assert_int_equal(parse("--last 5 one --flag --format=json", &args), STATUS_OK);
    assert_string_equal(args.operands[0], "one");
    assert_true(args_flag(&args, "flag"));
    assert_string_equal(args_value(&args, "format"), "json");
    assert_int_equal(args_number(&args, "last", 1, 10, &number), STATUS_OK);
    assert_int_equal(number, 5);
    assert_int_equal(args_number(&args, "last", 1, 4, &number), STATUS_USAGE);
    assert_int_equal(parse("-- --flag", &args), STATUS_OK);
    assert_string_equal(args.operands[0], "--flag");
    assert_int_equal(parse("--help", &args), STATUS_OK);
    assert_true(args.help);
    static const char *const bad[] = {
        "",       "one two",           "one --colour", "one --last",    "one --flag=1",
        "one -x", "one --flag --flag", "one --last=",  "one --lastly 5"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        print_message("%s\n", bad[i]);
        assert_int_equal(parse(bad[i], &args), STATUS_USAGE);
    }
}

static bool count_row(void *context, unsigned table, struct span key, struct span value)
{
    (void)table;
    (void)key;
    (void)value;
    return ++*(uint32_t *)context != 0;
}

/* Goal: rows are found under their table and key, the last value stands, through every growth. */
static void overlays_keep_rows(void **state)
{
    (void)state;
    struct overlay *overlay = overlay_new();
    for (uint32_t pass = 0; pass < 2; pass++) {
        for (uint32_t i = 0; i < 20000; i++) {
            uint32_t value[2] = {i + pass, i};
            overlay_put(overlay, 1 + i % 2, (struct span){(const uint8_t *)&i, sizeof i},
                        (struct span){(const uint8_t *)value, pass == 0 ? 4 : 8});
        }
    }
    struct span found;
    for (uint32_t i = 0; i < 20000; i++) {
        struct span key = {(const uint8_t *)&i, sizeof i};
        assert_true(overlay_get(overlay, 1 + i % 2, key, &found));
        assert_int_equal(found.length, 8);
        assert_int_equal(get_le32(found.data), i + 1);
        assert_false(overlay_get(overlay, 2 - i % 2, key, &found));
    }
    uint32_t count = 0;
    assert_true(overlay_each(overlay, count_row, &count));
    assert_int_equal(count, 20000);
    overlay_free(overlay);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats_are_exact),
        cmocka_unit_test(empty_lists_are_lists),
        cmocka_unit_test(options_are_gnu_style),
        cmocka_unit_test(overlays_keep_rows),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
