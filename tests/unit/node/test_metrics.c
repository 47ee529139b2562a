/* test_metrics: histograms count in the right bucket and print cumulated; the list keeps to its
   bounds; every name has a meaning. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "node/metrics.h"

static int set_up(void **state)
{
    *state = calloc(1, sizeof(struct metric_list));
    return *state == NULL ? -1 : 0;
}

static int tear_down(void **state)
{
    free(*state);
    return 0;
}

static const struct client_metric *find(const struct metric_list *metrics, const char *name,
                                        const char *labels)
{
    for (uint32_t i = 0; i < metrics->count; i++) {
        if (strcmp(metrics->list[i].name, name) == 0 &&
            strcmp(metrics->list[i].labels, labels) == 0) {
            return &metrics->list[i];
        }
    }
    fail_msg("%s{%s} is not in the list", name, labels);
    return NULL;
}

static void test_histogram(void **state)
{
    /* A value on a bound belongs to it, one above to the next; sums and counts follow. */
    struct metric_list *metrics = *state;
    struct time_histogram times = {0};
    time_histogram_add(&times, 0);
    time_histogram_add(&times, 100);
    time_histogram_add(&times, 101);
    time_histogram_add(&times, 1000000);
    time_histogram_add(&times, 5000000);
    metric_add_fsync(metrics, "store", &times);
    assert_int_equal(find(metrics, "fsync_us_bucket", "file=\"store\",le=\"100\"")->value, 2);
    assert_int_equal(find(metrics, "fsync_us_bucket", "file=\"store\",le=\"250\"")->value, 3);
    assert_int_equal(find(metrics, "fsync_us_bucket", "file=\"store\",le=\"100000\"")->value, 3);
    assert_int_equal(find(metrics, "fsync_us_bucket", "file=\"store\",le=\"1000000\"")->value, 4);
    assert_int_equal(find(metrics, "fsync_us_bucket", "file=\"store\",le=\"+Inf\"")->value, 5);
    assert_int_equal(find(metrics, "fsync_us_count", "file=\"store\"")->value, 5);
    assert_int_equal(find(metrics, "fsync_us_sum", "file=\"store\"")->value, 6000201);
}

static void test_meanings(void **state)
{
    /* The parts of a histogram have its meaning; a name that only begins like one has none. */
    (void)state;
    assert_string_equal(metric_describe("fsync_us_bucket")->name, "fsync_us");
    assert_string_equal(metric_describe("finality_ms_sum")->name, "finality_ms");
    assert_int_equal(metric_describe("timeouts")->kind, METRIC_COUNTER);
    assert_null(metric_describe("fsync_us"));
    assert_null(metric_describe("fsync_us_most"));
    assert_null(metric_describe("timeout"));
}

static void test_bounds(void **state)
{
    /* What does not fit is left out: labels too long, one metric too many. */
    struct metric_list *metrics = *state;
    metric_add(metrics, "timeouts", 1, "%0*d", CLIENT_LABELS_BYTES + 1, 0);
    assert_int_equal(metrics->count, 0);
    metric_add(metrics, "timeouts", 1, "%0*d", CLIENT_LABELS_BYTES, 0);
    assert_int_equal(metrics->count, 1);
    for (uint32_t i = 0; i < CLIENT_METRICS_MAX + 10; i++) {
        metric_add(metrics, "timeouts", i, "a=\"%u\"", i);
    }
    assert_int_equal(metrics->count, CLIENT_METRICS_MAX);
    assert_string_equal(metrics->list[CLIENT_METRICS_MAX - 1].labels, "a=\"2046\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_histogram, set_up, tear_down),
        cmocka_unit_test(test_meanings),
        cmocka_unit_test_setup_teardown(test_bounds, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
