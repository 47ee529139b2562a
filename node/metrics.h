/*
 * metrics: what a node measures of itself, as a list of name, labels and value in the words of
 * Prometheus, for `hefu status --metrics` and for whatever prints them elsewhere
 * (docs/operations.md, Metrics). Values are whole numbers; the unit ends the name.
 */
#ifndef HEFU_NODE_METRICS_H
#define HEFU_NODE_METRICS_H

#include <stdint.h>

#include "consensus/consensus.h"
#include "proto/client_codec.h"

enum metric_kind { METRIC_COUNTER, METRIC_GAUGE, METRIC_HISTOGRAM };

/* What a name means. A histogram's name is that of its NAME_bucket, NAME_sum and NAME_count. */
struct metric_info {
    const char *name;
    enum metric_kind kind;
    const char *help;
};
/* NULL if the name is not in the table; any that a status report carries is. */
const struct metric_info *metric_describe(const char *name);
/* "counter", "gauge", "histogram". Static. */
const char *metric_kind_name(enum metric_kind kind);

/* How often something took how long; bucket i counts what took at most
   time_bounds_us[i], the last one the rest. */
#define TIME_BUCKETS 12
extern const uint64_t time_bounds_us[TIME_BUCKETS - 1];
struct time_histogram {
    uint64_t buckets[TIME_BUCKETS];
    uint64_t count, sum_us;
};
void time_histogram_add(struct time_histogram *histogram, uint64_t microseconds);

#define METRIC_TEXT_BYTES (CLIENT_METRICS_MAX * 64)

/* A list being filled. What does not fit any more is left out. */
struct metric_list {
    uint32_t count;
    size_t text_used;
    struct client_metric list[CLIENT_METRICS_MAX];
    char text[METRIC_TEXT_BYTES];
};

/* name: static. The labels are printf's; "" for none. */
void metric_add(struct metric_list *metrics, const char *name, uint64_t value, const char *labels,
                ...) __attribute__((format(printf, 4, 5)));
/* fsync_us of one file ("store", "register"; static): its buckets, sum and count. */
void metric_add_fsync(struct metric_list *metrics, const char *file,
                      const struct time_histogram *times);
/* What a machine counted, and what is known of each of its validators, by index: its name, and the
   final height that it last said. */
struct metric_validator {
    const char *name;
    uint64_t height;
};
void metric_add_consensus(struct metric_list *metrics, const struct consensus *consensus,
                          const struct metric_validator *validators, uint32_t count);

#endif
