/* metrics: names and meanings in one table, and the list that a status report carries (see
   metrics.h). */
#include "node/metrics.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct metric_info infos[] = {
    {"total_records", METRIC_COUNTER, "records that are final, from the first block on"},
    {"blocks_committed", METRIC_COUNTER, "blocks applied"},
    {"blocks_built", METRIC_COUNTER, "blocks built as leader"},
    {"blocks_checked", METRIC_COUNTER, "blocks of others executed and compared"},
    {"blocks_invalid", METRIC_COUNTER, "blocks of others that failed a check"},
    {"batches_accepted", METRIC_COUNTER, "batches taken into the pool"},
    {"batches_refused", METRIC_COUNTER, "batches refused"},
    {"timeouts", METRIC_COUNTER, "views that this node's timer gave up"},
    {"view_timeouts", METRIC_COUNTER,
     "the same by leader and reason: silent (not heard of for 5 s), no_proposal, bytes_missing, "
     "not_notarized"},
    {"nullifications", METRIC_COUNTER, "views that ended without a block"},
    {"reproposals", METRIC_COUNTER, "blocks that this node proposed again as leader"},
    {"evidence", METRIC_COUNTER, "pairs of conflicting votes found"},
    {"evidence_refused", METRIC_COUNTER, "evidence of peers that proves nothing"},
    {"sessions", METRIC_GAUGE, "clients connected"},
    {"may_sign", METRIC_GAUGE, "1 if this node may vote now"},
    {"halted", METRIC_GAUGE, "1 if it found a contradiction and stopped for good"},
    {"height", METRIC_GAUGE, "the last final block"},
    {"epoch", METRIC_GAUGE, "the epoch that votes are cast in"},
    {"view", METRIC_GAUGE, "the view that this node is in"},
    {"delta_ms", METRIC_GAUGE, "how long a message is given now; it grows while views fail"},
    {"pool_batches", METRIC_GAUGE, "batches that wait for a block"},
    {"pool_bytes", METRIC_GAUGE, "their size"},
    {"peer_frames_ignored", METRIC_COUNTER,
     "frames of consensus without meaning here: of another epoch, votes of who does not vote"},
    {"register_view", METRIC_GAUGE, "the view that the vote register stands at"},
    {"register_epoch", METRIC_GAUGE, "the epoch that the vote register stands at"},
    {"sign_floor_view", METRIC_GAUGE, "nothing is signed at or below this view"},
    {"sign_floor_epoch", METRIC_GAUGE, "the epoch of the view below which nothing is signed"},
    {"validators_missing", METRIC_GAUGE, "other validators not heard of for 5 s"},
    {"validator_missing", METRIC_GAUGE, "1 if this validator has not been heard of for 5 s"},
    {"validator_silent_ms", METRIC_GAUGE, "since this validator was last heard of"},
    {"validator_height", METRIC_GAUGE,
     "its final height, as it last said; 0 while its link is down"},
    {"validator_view", METRIC_GAUGE, "its view, as it last said; 0 while its link is down"},
    {"validator_lag_blocks", METRIC_GAUGE, "how far its final height is behind this node's"},
    {"finality_ms", METRIC_HISTOGRAM,
     "from the first sight of a block's proposal, or the start of building it, to its commit"},
    {"fsync_us", METRIC_HISTOGRAM,
     "making a pass durable: the store's commit, the vote register's write"},
    {"links_accepted", METRIC_COUNTER, "connections accepted"},
    {"links_established", METRIC_COUNTER, "connections that got through the handshake"},
    {"links_failed_handshake", METRIC_COUNTER, "connections that did not"},
    {"links_stranger", METRIC_COUNTER, "connections by keys that nobody here knows"},
    {"links_forged", METRIC_COUNTER, "links ended by a frame that did not decrypt"},
    {"links_bad_frame", METRIC_COUNTER, "links ended by a frame that cannot be one"},
    {"frames_in", METRIC_COUNTER, "frames received"},
    {"frames_out", METRIC_COUNTER, "frames sent"},
    {"frames_refused", METRIC_COUNTER, "frames that no correct program sends"},
    {"bytes_in", METRIC_COUNTER, "bytes received"},
    {"bytes_out", METRIC_COUNTER, "bytes sent"},
    {"commits", METRIC_COUNTER, "transactions of the store"},
    {"commit_microseconds", METRIC_COUNTER, "time they took together"},
    {"store_used_bytes", METRIC_GAUGE, "size of the store"},
    {"disk_free_bytes", METRIC_GAUGE, "free on its disk"},
};

const uint64_t time_bounds_us[TIME_BUCKETS - 1] = {100,   250,   500,   1000,   2500,   5000,
                                                   10000, 25000, 50000, 100000, 1000000};

static bool ends_in(const char *name, const char *base, const char *end)
{
    const size_t length = strlen(base);
    return strncmp(name, base, length) == 0 && strcmp(name + length, end) == 0;
}

const struct metric_info *metric_describe(const char *name)
{
    for (size_t i = 0; i < sizeof infos / sizeof infos[0]; i++) {
        const struct metric_info *info = &infos[i];
        const bool same = info->kind == METRIC_HISTOGRAM ? ends_in(name, info->name, "_bucket") ||
                                                               ends_in(name, info->name, "_sum") ||
                                                               ends_in(name, info->name, "_count")
                                                         : strcmp(name, info->name) == 0;
        if (same) {
            return info;
        }
    }
    return NULL;
}

const char *metric_kind_name(enum metric_kind kind)
{
    switch (kind) {
    case METRIC_COUNTER:
        return "counter";
    case METRIC_GAUGE:
        return "gauge";
    case METRIC_HISTOGRAM:
        return "histogram";
    }
    return "unknown";
}

void time_histogram_add(struct time_histogram *histogram, uint64_t microseconds)
{
    uint32_t bucket = 0;
    while (bucket < TIME_BUCKETS - 1 && microseconds > time_bounds_us[bucket]) {
        bucket++;
    }
    histogram->buckets[bucket]++;
    histogram->count++;
    histogram->sum_us += microseconds;
}

void metric_add(struct metric_list *metrics, const char *name, uint64_t value, const char *labels,
                ...)
{
    const size_t room = METRIC_TEXT_BYTES - metrics->text_used;
    char *text = metrics->text + metrics->text_used;
    va_list arguments;
    va_start(arguments, labels);
    const int length = vsnprintf(text, room, labels, arguments);
    va_end(arguments);
    if (metrics->count == CLIENT_METRICS_MAX || length < 0 || (size_t)length >= room ||
        length > CLIENT_LABELS_BYTES) {
        return;
    }
    metrics->text_used += (size_t)length + 1;
    metrics->list[metrics->count++] = (struct client_metric){name, text, value};
}

void metric_add_fsync(struct metric_list *metrics, const char *file,
                      const struct time_histogram *times)
{
    uint64_t so_far = 0;
    for (uint32_t i = 0; i < TIME_BUCKETS - 1; i++) {
        so_far += times->buckets[i];
        metric_add(metrics, "fsync_us_bucket", so_far, "file=\"%s\",le=\"%" PRIu64 "\"", file,
                   time_bounds_us[i]);
    }
    metric_add(metrics, "fsync_us_bucket", times->count, "file=\"%s\",le=\"+Inf\"", file);
    metric_add(metrics, "fsync_us_sum", times->sum_us, "file=\"%s\"", file);
    metric_add(metrics, "fsync_us_count", times->count, "file=\"%s\"", file);
}

static void add_finality(struct metric_list *metrics, const struct consensus_metrics *from)
{
    uint64_t so_far = 0;
    for (uint32_t i = 0; i < FINALITY_BUCKETS - 1; i++) {
        so_far += from->finality[i];
        metric_add(metrics, "finality_ms_bucket", so_far, "le=\"%u\"", finality_bounds_ms[i]);
    }
    metric_add(metrics, "finality_ms_bucket", from->finality_count, "le=\"+Inf\"");
    metric_add(metrics, "finality_ms_sum", from->finality_sum_ms, "%s", "");
    metric_add(metrics, "finality_ms_count", from->finality_count, "%s", "");
}

static void add_validator(struct metric_list *metrics, const struct consensus_peer *peer,
                          const struct metric_validator *validator, uint64_t final_height)
{
    const char *name = validator->name;
    const uint64_t lag = validator->height < final_height ? final_height - validator->height : 0;
    metric_add(metrics, "validator_missing", peer->missing, "validator=\"%s\"", name);
    metric_add(metrics, "validator_silent_ms", peer->silent_ms, "validator=\"%s\"", name);
    metric_add(metrics, "validator_height", validator->height, "validator=\"%s\"", name);
    metric_add(metrics, "validator_view", peer->view, "validator=\"%s\"", name);
    metric_add(metrics, "validator_lag_blocks", lag, "validator=\"%s\"", name);
}

void metric_add_consensus(struct metric_list *metrics, const struct consensus *consensus,
                          const struct metric_validator *validators, uint32_t count)
{
    struct consensus_view view;
    const struct consensus_metrics *from = consensus_metrics(consensus);
    consensus_inspect(consensus, &view);
    for (uint32_t i = 0; i < count; i++) {
        const struct consensus_peer peer = consensus_peer(consensus, i);
        add_validator(metrics, &peer, &validators[i], view.final_height);
        for (uint32_t reason = 0; reason < TIMEOUT_REASONS; reason++) {
            metric_add(metrics, "view_timeouts", from->timeouts[i][reason],
                       "leader=\"%s\",reason=\"%s\"", validators[i].name,
                       timeout_reason_name((enum timeout_reason)reason));
        }
    }
    add_finality(metrics, from);
}
