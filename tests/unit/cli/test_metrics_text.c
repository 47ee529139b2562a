/* test_metrics_text: the lines of `hefu status` say what the metrics of the report say. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/metrics_text.h"

static const struct client_metric metrics[] = {
    {"validator_missing", "validator=\"north\"", 0},
    {"view_timeouts", "leader=\"north\",reason=\"silent\"", 0},
    {"view_timeouts", "leader=\"north\",reason=\"no_proposal\"", 2},
    {"validator_missing", "validator=\"south\"", 1},
    {"view_timeouts", "leader=\"south\",reason=\"silent\"", 80},
    {"view_timeouts", "leader=\"south\",reason=\"bytes_missing\"", 1},
    {"finality_ms_bucket", "le=\"10\"", 89},
    {"finality_ms_bucket", "le=\"25\"", 90},
    {"finality_ms_bucket", "le=\"+Inf\"", 100},
    {"finality_ms_sum", "", 1250},
    {"finality_ms_count", "", 100},
    {"fsync_us_bucket", "file=\"store\",le=\"2500\"", 10},
    {"fsync_us_bucket", "file=\"store\",le=\"+Inf\"", 10},
    {"fsync_us_sum", "file=\"store\"", 12000},
    {"fsync_us_count", "file=\"store\"", 10},
    {"fsync_us_bucket", "file=\"register\",le=\"2500\"", 0},
    {"fsync_us_bucket", "file=\"register\",le=\"+Inf\"", 4},
    {"fsync_us_sum", "file=\"register\"", 8000},
    {"fsync_us_count", "file=\"register\"", 4},
};
static const struct client_peer peers[] = {
    {.name = "north", .connected = true, .height = 12},
    {.name = "south", .connected = true, .height = 10, .silent_ms = 4999},
    {.name = "west", .height = 0, .silent_ms = 12345},
};
static const struct client_status_report report = {.height = 12,
                                                   .peers = peers,
                                                   .peer_count = 3,
                                                   .metrics = metrics,
                                                   .metric_count =
                                                       sizeof metrics / sizeof metrics[0]};
static const struct client_status_report empty;

typedef void (*write_line)(const struct client_status_report *report, char *ret_text,
                           size_t capacity);

static void check(write_line write, const char *expected)
{
    char text[256];
    write(&report, text, sizeof text);
    assert_string_equal(text, expected);
    write(&empty, text, sizeof text);
    assert_string_equal(text, "none");
    /* A line that does not fit ends early, within its memory. */
    char small[16] = "...............";
    write(&report, small, 8);
    assert_true(strlen(small) <= 7);
    assert_memory_equal(small + 8, ".......", 7);
}

static void test_lines(void **state)
{
    (void)state;
    check(metrics_peers_text, "north at 12, south at 10 (2 behind), west away, silent for 12 s");
    check(metrics_timeouts_text, "north: 2 no_proposal; south: 80 silent, 1 bytes_missing");
    check(metrics_missing_text, "south");
    check(metrics_finality_text, "100 blocks, mean 12.5 ms, 9 in 10 within 25 ms");
    check(metrics_fsync_text, "store mean 1.2 ms, 9 in 10 within 2.5 ms; register mean 2 ms, more "
                              "than 1 in 10 above all bounds");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_lines)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
