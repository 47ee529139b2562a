/*
 * Log lines (node/log.h): their form, what is quoted and escaped, so that no value can forge a
 * field or a line; levels; lines too long; several threads.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/log.h"
#include "tests/support/folder.h"

static struct folder folder;
static int output = -1;

/* The log goes to a new file; what it holds by then. */
static void start_log(enum log_level level)
{
    if (output >= 0) {
        (void)close(output);
    }
    output =
        open(folder_file(&folder, "log"), O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600);
    assert_true(output >= 0);
    log_configure(level, output);
}

static const char *logged(void)
{
    static char text[1u << 20];
    size_t length = file_get(folder_file(&folder, "log"), text, sizeof text - 1);
    text[length] = '\0';
    return text;
}

/* Checks the time's form and gives what follows it. */
static const char *after_time(const char *line)
{
    static const char form[] = "time=dddd-dd-ddTdd:dd:dd.dddZ ";
    for (size_t i = 0; i < sizeof form - 1; i++) {
        if (form[i] == 'd' && i > 4) {
            assert_in_range(line[i], '0', '9');
        } else {
            assert_int_equal(line[i], form[i]);
        }
    }
    return line + sizeof form - 1;
}

/* Goal: the usual fields and conversions. */
static void test_fields(void **state)
{
    (void)state;
    start_log(LOG_LEVEL_INFO);
    log_write(LOG_LEVEL_INFO, "block_final", "height=%llu records=%u left=%zu hash=%02x%02x", 7ull,
              8192u, (size_t)3, 0xab, 0x01);
    assert_string_equal(after_time(logged()),
                        "level=info event=block_final height=7 records=8192 left=3 hash=ab01\n");
    start_log(LOG_LEVEL_INFO);
    log_write(LOG_LEVEL_WARN, "x", "a=%d b=%s c=%.*s d=%c e=%.2f f=%ld%% g=%jd", -1, "text", 2,
              "cut", 'z', 1.5, 99l, (intmax_t)-5);
    assert_string_equal(after_time(logged()),
                        "level=warn event=x a=-1 b=text c=cu d=z e=1.50 f=99% g=-5\n");
    start_log(LOG_LEVEL_INFO);
    log_write(LOG_LEVEL_ERROR, "plain", "%s", "");
    log_write(LOG_LEVEL_ERROR, "empty", "a=%s b=1", "");
    const char *second = strchr(logged(), '\n') + 1;
    assert_string_equal(after_time(second), "level=error event=empty a=\"\" b=1\n");
}

/* Goal: values cannot pass for fields or lines. */
static void test_escaping(void **state)
{
    (void)state;
    static const struct {
        const char *value;
        const char *shown;
    } rows[] = {
        {"two words", "\"two words\""},
        {"x level=error", "\"x level=error\""},
        {"a=b", "\"a=b\""},
        {"say \"hi\"", "\"say \\\"hi\\\"\""},
        {"line\ntime=1", "\"line\\ntime=1\""},
        {"back\\slash", "\"back\\\\slash\""},
        {"\x1b[31m\x7f", "\"\\x1b[31m\\x7f\""},
        {"\xe9\x87\x91", "\xe9\x87\x91"},
        {"100%s", "100%s"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char expected[256];
        start_log(LOG_LEVEL_INFO);
        log_write(LOG_LEVEL_INFO, "e", "value=%s next=1", rows[i].value);
        (void)snprintf(expected, sizeof expected, "level=info event=e value=%s next=1\n",
                       rows[i].shown);
        assert_string_equal(after_time(logged()), expected);
    }
    start_log(LOG_LEVEL_INFO);
    log_write(LOG_LEVEL_INFO, "two words", "why=\"%s at %u\" url=tcp://%s:%u", "a \"b\"", 5u, "h",
              7u);
    assert_string_equal(after_time(logged()), "level=info event=\"two words\" why=\"a \\\"b\\\" at "
                                              "5\" url=tcp://h:7\n");
    start_log(LOG_LEVEL_INFO);
    log_fields(LOG_LEVEL_INFO, "raw", "a=1 b=\"x y\"\nlevel=error");
    assert_string_equal(after_time(logged()), "level=info event=raw a=1 b=\"x y\"\\nlevel=error\n");
}

/* Goal: a slip in a format costs its field's name, nothing else. */
static void test_no_name(void **state)
{
    (void)state;
    start_log(LOG_LEVEL_INFO);
    log_write(LOG_LEVEL_INFO, "e", "lost %s a=%d", "x y", 1);
    assert_string_equal(after_time(logged()), "level=info event=e note=lost note=\"x y\" a=1\n");
}

/* Goal: only lines of the level or above it; names of levels. */
static void test_levels(void **state)
{
    (void)state;
    enum log_level level;
    start_log(LOG_LEVEL_WARN);
    log_write(LOG_LEVEL_INFO, "quiet", "%s", "");
    log_fields(LOG_LEVEL_DEBUG, "quiet", "");
    assert_string_equal(logged(), "");
    assert_false(log_is_on(LOG_LEVEL_INFO));
    assert_true(log_is_on(LOG_LEVEL_WARN));
    log_write(LOG_LEVEL_ERROR, "loud", "a=%d", 1);
    assert_string_not_equal(logged(), "");
    for (int i = LOG_LEVEL_DEBUG; i <= LOG_LEVEL_ERROR; i++) {
        assert_true(log_level_from_name(log_level_name((enum log_level)i), &level));
        assert_int_equal(level, i);
    }
    assert_false(log_level_from_name("INFO", &level));
    assert_false(log_level_from_name("", &level));
}

/* Goal: a line has a bound, says that it was cut, and stays one line. */
static void test_long_lines(void **state)
{
    (void)state;
    static char value[10000];
    memset(value, 'v', sizeof value - 1);
    start_log(LOG_LEVEL_INFO);
    log_write(LOG_LEVEL_INFO, "long", "a=%s b=%s c=%s", value, value, value);
    size_t length = strlen(logged());
    assert_in_range(length, 100, LOG_LINE_BYTES_MAX);
    assert_string_equal(logged() + length - 7, " cut=1\n");
    memset(value, '\n', sizeof value - 1);
    start_log(LOG_LEVEL_INFO);
    log_fields(LOG_LEVEL_INFO, "long", value);
    assert_in_range(strlen(logged()), 100, LOG_LINE_BYTES_MAX);
    assert_ptr_equal(strchr(logged(), '\n'), logged() + strlen(logged()) - 1);
}

#define THREADS 4
#define LINES 200

static void *write_lines(void *argument)
{
    const int *number = argument;
    for (int i = 0; i < LINES; i++) {
        log_write(LOG_LEVEL_INFO, "thread", "number=%d line=%d text=\"%s\"", *number, i,
                  "some words to make it longer");
    }
    return NULL;
}

/* Goal: lines of several threads stay whole. */
static void test_threads(void **state)
{
    (void)state;
    pthread_t threads[THREADS];
    int numbers[THREADS];
    int seen[THREADS] = {0};
    start_log(LOG_LEVEL_INFO);
    for (int i = 0; i < THREADS; i++) {
        numbers[i] = i;
        assert_int_equal(pthread_create(&threads[i], NULL, write_lines, &numbers[i]), 0);
    }
    for (int i = 0; i < THREADS; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
    }
    const char *line = logged();
    for (int i = 0; i < THREADS * LINES; i++) {
        int number;
        int count;
        char expected[128];
        const char *rest = after_time(line);
        assert_int_equal(sscanf(rest, "level=info event=thread number=%d line=%d", &number, &count),
                         2);
        assert_in_range(number, 0, THREADS - 1);
        assert_int_equal(count, seen[number]++);
        (void)snprintf(expected, sizeof expected,
                       "level=info event=thread number=%d line=%d "
                       "text=\"some words to make it longer\"\n",
                       number, count);
        assert_memory_equal(rest, expected, strlen(expected));
        line = rest + strlen(expected);
    }
    assert_int_equal(*line, '\0');
}

static int setup(void **state)
{
    (void)state;
    folder_make(&folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    log_configure(LOG_LEVEL_INFO, STDERR_FILENO);
    (void)close(output);
    folder_remove(&folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fields),     cmocka_unit_test(test_escaping),
        cmocka_unit_test(test_no_name),    cmocka_unit_test(test_levels),
        cmocka_unit_test(test_long_lines), cmocka_unit_test(test_threads),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
