/* metrics_text: the metrics of a status report, for people and as a list (see metrics_text.h). */
#include "cli/metrics_text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "node/metrics.h"

/* A line that grows, up to its capacity. */
struct line {
    char *text;
    size_t capacity, used;
};

static struct line line_over(char *text, size_t capacity)
{
    text[0] = '\0';
    return (struct line){.text = text, .capacity = capacity};
}

static void say(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(struct line *line, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    const int wrote =
        vsnprintf(line->text + line->used, line->capacity - line->used, format, arguments);
    va_end(arguments);
    const size_t left = line->capacity - line->used - 1;
    line->used += wrote < 0 ? 0 : (size_t)wrote < left ? (size_t)wrote : left;
}

static void none_if_empty(struct line *line)
{
    if (line->used == 0) {
        say(line, "none");
    }
}

/* The value of the label in labels, which look like a="x",b="y". */
static bool label_of(const char *labels, const char *name, char *ret_value, size_t capacity)
{
    const size_t length = strlen(name);
    for (const char *at = labels; at != NULL && *at != '\0';) {
        const bool same = strncmp(at, name, length) == 0 && at[length] == '=';
        const char *open = strchr(at, '"');
        const char *close = open == NULL ? NULL : strchr(open + 1, '"');
        if (close == NULL) {
            return false;
        }
        if (same) {
            (void)snprintf(ret_value, capacity, "%.*s", (int)(close - open - 1), open + 1);
            return true;
        }
        at = close[1] == ',' ? close + 2 : NULL;
    }
    return false;
}

void metrics_peers_text(const struct client_status_report *report, char *ret_text, size_t capacity)
{
    struct line line = line_over(ret_text, capacity);
    for (uint32_t i = 0; i < report->peer_count; i++) {
        const struct client_peer *peer = &report->peers[i];
        say(&line, "%s%s", i > 0 ? ", " : "", peer->name);
        if (peer->connected) {
            say(&line, " at %llu", (unsigned long long)peer->height);
        } else {
            say(&line, " away");
        }
        if (peer->connected && peer->height < report->height) {
            say(&line, " (%llu behind)", (unsigned long long)(report->height - peer->height));
        }
        if (peer->silent_ms >= 5000) {
            say(&line, ", silent for %llu s", (unsigned long long)(peer->silent_ms / 1000));
        }
    }
    none_if_empty(&line);
}

void metrics_timeouts_text(const struct client_status_report *report, char *ret_text,
                           size_t capacity)
{
    struct line line = line_over(ret_text, capacity);
    char last[CLIENT_LABELS_BYTES + 1] = "";
    for (uint32_t i = 0; i < report->metric_count; i++) {
        const struct client_metric *metric = &report->metrics[i];
        char leader[CLIENT_LABELS_BYTES + 1], reason[CLIENT_LABELS_BYTES + 1];
        if (strcmp(metric->name, "view_timeouts") != 0 || metric->value == 0 ||
            !label_of(metric->labels, "leader", leader, sizeof leader) ||
            !label_of(metric->labels, "reason", reason, sizeof reason)) {
            continue;
        }
        if (strcmp(leader, last) == 0) {
            say(&line, ", ");
        } else {
            say(&line, "%s%s: ", line.used > 0 ? "; " : "", leader);
            memcpy(last, leader, sizeof last);
        }
        say(&line, "%llu %s", (unsigned long long)metric->value, reason);
    }
    none_if_empty(&line);
}

void metrics_missing_text(const struct client_status_report *report, char *ret_text,
                          size_t capacity)
{
    struct line line = line_over(ret_text, capacity);
    for (uint32_t i = 0; i < report->metric_count; i++) {
        const struct client_metric *metric = &report->metrics[i];
        char name[CLIENT_LABELS_BYTES + 1];
        if (strcmp(metric->name, "validator_missing") == 0 && metric->value != 0 &&
            label_of(metric->labels, "validator", name, sizeof name)) {
            say(&line, "%s%s", line.used > 0 ? ", " : "", name);
        }
    }
    none_if_empty(&line);
}

/* A histogram of the report: the series of one file, or, without, of the name alone. */
struct histogram {
    uint64_t count, sum;
    char nine_in_ten[32]; /* the bound of the first bucket that reaches so far; "+Inf" */
};

static bool of_file(const struct client_metric *metric, const char *file)
{
    char value[CLIENT_LABELS_BYTES + 1];
    return file == NULL ||
           (label_of(metric->labels, "file", value, sizeof value) && strcmp(value, file) == 0);
}

static struct histogram histogram_of(const struct client_status_report *report, const char *name,
                                     const char *file)
{
    struct histogram found = {0};
    const size_t length = strlen(name);
    for (uint32_t i = 0; i < report->metric_count; i++) {
        const struct client_metric *metric = &report->metrics[i];
        if (strncmp(metric->name, name, length) == 0 && of_file(metric, file)) {
            const char *part = metric->name + length;
            found.count = strcmp(part, "_count") == 0 ? metric->value : found.count;
            found.sum = strcmp(part, "_sum") == 0 ? metric->value : found.sum;
        }
    }
    for (uint32_t i = 0; i < report->metric_count && found.nine_in_ten[0] == '\0'; i++) {
        const struct client_metric *metric = &report->metrics[i];
        if (strncmp(metric->name, name, length) == 0 && of_file(metric, file) &&
            strcmp(metric->name + length, "_bucket") == 0 &&
            metric->value * 10 >= found.count * 9) {
            (void)label_of(metric->labels, "le", found.nine_in_ten, sizeof found.nine_in_ten);
        }
    }
    return found;
}

/* "mean 1.2 ms, 9 in 10 within 2.5 ms"; unit: of the histogram, in a millisecond. */
static void say_times(struct line *line, const struct histogram *histogram, double unit)
{
    const char *bound = histogram->nine_in_ten;
    say(line, "mean %.3g ms", (double)histogram->sum / (double)histogram->count / unit);
    if (strcmp(bound, "+Inf") == 0) {
        say(line, ", more than 1 in 10 above all bounds");
    } else {
        say(line, ", 9 in 10 within %g ms", strtod(bound, NULL) / unit);
    }
}

void metrics_finality_text(const struct client_status_report *report, char *ret_text,
                           size_t capacity)
{
    struct line line = line_over(ret_text, capacity);
    const struct histogram finality = histogram_of(report, "finality_ms", NULL);
    if (finality.count > 0) {
        say(&line, "%llu blocks, ", (unsigned long long)finality.count);
        say_times(&line, &finality, 1);
    }
    none_if_empty(&line);
}

void metrics_fsync_text(const struct client_status_report *report, char *ret_text, size_t capacity)
{
    static const char *const files[] = {"store", "register"};
    struct line line = line_over(ret_text, capacity);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        const struct histogram times = histogram_of(report, "fsync_us", files[i]);
        if (times.count > 0) {
            say(&line, "%s%s ", line.used > 0 ? "; " : "", files[i]);
            say_times(&line, &times, 1000);
        }
    }
    none_if_empty(&line);
}

static void print_one(struct output *output, const char *name, const char *labels, uint64_t value)
{
    const struct metric_info *info = metric_describe(name);
    output_text(output, name);
    output_text(output, labels);
    output_number(output, value);
    output_text(output, info == NULL ? "" : metric_kind_name(info->kind));
    output_text(output, info == NULL ? "" : info->help);
}

void metrics_print(const struct client_status_report *report, enum output_format format)
{
    static const struct column columns[] = {{"name", COLUMN_TEXT},
                                            {"labels", COLUMN_TEXT},
                                            {"value", COLUMN_NUMBER},
                                            {"kind", COLUMN_TEXT},
                                            {"help", COLUMN_TEXT}};
    struct output *output = output_list(stdout, format, columns, 5);
    for (uint32_t i = 0; i < report->counter_count; i++) {
        print_one(output, report->counters[i].name, "", report->counters[i].value);
    }
    for (uint32_t i = 0; i < report->metric_count; i++) {
        print_one(output, report->metrics[i].name, report->metrics[i].labels,
                  report->metrics[i].value);
    }
    output_end(output);
}
