/* status: `hefu status`: a running node's own account of itself, or what a home's store says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/client.h"
#include "cli/home.h"
#include "cli/metrics_text.h"
#include "cli/output.h"
#include "cli/sets.h"
#include "cli/verbs.h"

#define CONNECT_MS 5000
#define ANSWER_MS 5000

static int status_of_home(const struct args *args, enum output_format format)
{
    static const struct column columns[] = {
        {"network", COLUMN_TEXT},         {"incarnation", COLUMN_NUMBER},
        {"chain_id", COLUMN_TEXT},        {"height", COLUMN_NUMBER},
        {"final_hash", COLUMN_TEXT},      {"state_root", COLUMN_TEXT},
        {"accounts_root", COLUMN_TEXT},   {"time", COLUMN_TEXT},
        {"epoch", COLUMN_NUMBER},         {"view", COLUMN_NUMBER},
        {"total_records", COLUMN_NUMBER}, {"accounts", COLUMN_NUMBER},
        {"validators", COLUMN_NUMBER},    {"participants", COLUMN_NUMBER},
        {"stored_bytes", COLUMN_NUMBER}};
    struct home home;
    const struct block_row *block;
    int code = home_open_bare(args, &home);
    if (code != EXIT_CLEAN) {
        return code;
    }
    enum status status = chain_block(&home.chain, home.final.height, &block);
    if (status != STATUS_OK) {
        code = home_failure(status, "block %llu", (unsigned long long)home.final.height);
        home_close(&home);
        return code;
    }
    /* Who votes on the next block. */
    const struct block_header header = block->header;
    const uint64_t epoch = sets_epoch_after(&header);
    const struct validator_set *set = NULL;
    const char *wrong = sets_of_epoch(&home, epoch, &set);
    if (wrong != NULL) {
        complain("the validators of epoch %llu: %s", (unsigned long long)epoch, wrong);
        home_close(&home);
        return EXIT_INTEGRITY;
    }
    struct store_usage usage;
    store_usage(home.store, &usage);
    struct output *output = output_single(stdout, format, columns, 15);
    output_text(output, home.genesis.network);
    output_number(
        output,
        lineage_at_height(&home.documents.lineage, home.final.height)->genesis->incarnation);
    output_hash(output, &home.chain_id);
    output_number(output, home.final.height);
    output_hash(output, &home.final.hash);
    output_hash(output, &header.state_root);
    output_hash(output, &header.accounts_root);
    output_time(output, header.timestamp_ms);
    output_number(output, epoch);
    output_number(output, home.final.view);
    output_number(output, header.total_records);
    output_number(output, header.account_count);
    output_number(output, set == NULL ? 0 : set->count);
    /* The hub and each participant have four accounts a currency. */
    output_number(output, header.account_count / (4 * home.genesis.currency_count) - 1);
    output_number(output, usage.used_bytes);
    output_end(output);
    home_close(&home);
    return code;
}

#define REPORT_COUNTERS_MAX 80 /* more than a node of this version has */

static void alarms_text(const struct client_status_report *report, char *ret_text, size_t capacity)
{
    size_t used = 0;
    snprintf(ret_text, capacity, "none");
    for (uint32_t i = 0; i < report->alarm_count && used < capacity; i++) {
        int wrote = snprintf(ret_text + used, capacity - used, "%s%s", i > 0 ? "; " : "",
                             report->alarms[i]);
        used += wrote > 0 ? (size_t)wrote : 0;
    }
}

/* What is said in a line each, after the numbers. */
static const struct {
    const char *name;
    void (*write)(const struct client_status_report *report, char *ret_text, size_t capacity);
} lines[] = {{"timeouts_by_leader", metrics_timeouts_text},
             {"missing", metrics_missing_text},
             {"finality", metrics_finality_text},
             {"fsync", metrics_fsync_text},
             {"peers", metrics_peers_text},
             {"alarms", alarms_text}};

static uint32_t shown_counters(const struct client_status_report *report)
{
    return report->counter_count < REPORT_COUNTERS_MAX ? report->counter_count
                                                       : REPORT_COUNTERS_MAX;
}

/* Fixed columns first, then whatever counters the node has, then what is long. */
static unsigned report_columns(const struct client_status_report *report,
                               struct column ret_columns[OUTPUT_COLUMNS_MAX])
{
    static const struct column first[] = {
        {"address", COLUMN_TEXT},        {"role", COLUMN_TEXT},
        {"incarnation", COLUMN_NUMBER},  {"height", COLUMN_NUMBER},
        {"final_hash", COLUMN_TEXT},     {"state_root", COLUMN_TEXT},
        {"epoch", COLUMN_NUMBER},        {"view", COLUMN_NUMBER},
        {"leader", COLUMN_NUMBER},       {"delta_ms", COLUMN_NUMBER},
        {"pool_batches", COLUMN_NUMBER}, {"pool_bytes", COLUMN_NUMBER},
        {"uptime_s", COLUMN_NUMBER}};
    unsigned count = sizeof first / sizeof first[0];
    memcpy(ret_columns, first, sizeof first);
    for (uint32_t i = 0; i < shown_counters(report); i++) {
        ret_columns[count++] = (struct column){report->counters[i].name, COLUMN_NUMBER};
    }
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        ret_columns[count++] = (struct column){lines[i].name, COLUMN_TEXT};
    }
    return count;
}

static void print_lines(struct output *output, const struct client_status_report *report)
{
    size_t capacity = 256 + 256 * (size_t)report->peer_count + 260 * (size_t)report->alarm_count;
    char *text = malloc(capacity);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        if (text != NULL) {
            lines[i].write(report, text, capacity);
        }
        output_text(output, text != NULL ? text : "");
    }
    free(text);
}

static void print_report(const struct client *client, enum output_format format,
                         const struct client_status_report *report)
{
    struct column columns[OUTPUT_COLUMNS_MAX];
    unsigned count = report_columns(report, columns);
    struct output *output = output_single(stdout, format, columns, count);
    output_text(output, client->config.address);
    output_text(output, report->role);
    /* Its newest, by which it links; until it has entered that, its role is behind. */
    output_number(output, client->genesis.incarnation);
    output_number(output, report->height);
    output_hash(output, &report->final_hash);
    output_hash(output, &report->state_root);
    output_number(output, report->epoch);
    output_number(output, report->view);
    output_number(output, report->leader);
    output_number(output, report->delta_ms);
    output_number(output, report->pool_batches);
    output_number(output, report->pool_bytes);
    output_number(output, report->uptime_ms / 1000);
    for (uint32_t i = 0; i < shown_counters(report); i++) {
        output_number(output, report->counters[i].value);
    }
    print_lines(output, report);
    output_end(output);
}

static int status_of_node(const char *folder, enum output_format format, bool metrics)
{
    struct client client;
    struct client_message message = {.kind = CLIENT_NODE_STATUS}, answer;
    int code = client_load(folder, false, &client);
    if (code != EXIT_CLEAN) {
        return code;
    }
    enum status status = client_connect(&client, CONNECT_MS);
    if (status == STATUS_OK) {
        status = client_ask(&client, &message, ANSWER_MS, &answer);
    }
    if (status != STATUS_OK) {
        code = client_unreachable(&client, status);
    } else if (answer.kind == CLIENT_STATUS_REPORT && metrics) {
        metrics_print(&answer.status_report, format);
    } else if (answer.kind == CLIENT_STATUS_REPORT) {
        print_report(&client, format, &answer.status_report);
    } else {
        complain("%s: the node answered %s instead of its status", client.config.address,
                 client_message_name(answer.kind));
        code = EXIT_UNREACHABLE;
    }
    client_close(&client);
    return code;
}

static int run_status(const struct args *args)
{
    enum output_format format;
    const char *folder = client_path(args);
    if (output_format_of(args, &format) != STATUS_OK) {
        return EXIT_USAGE;
    }
    /* An option on the line counts more than the environment. */
    bool by_home =
        args_value(args, "home") != NULL || (args_value(args, "client") == NULL && folder == NULL);
    if (by_home && args_value(args, "client") != NULL) {
        complain("status takes --client or --home, not both");
        return EXIT_USAGE;
    }
    if (by_home && home_path(args) == NULL) {
        complain("status needs --client DIR, to ask a node, or --home DIR, to read its store");
        return EXIT_USAGE;
    }
    if (by_home && args_flag(args, "metrics")) {
        complain("status --metrics needs --client DIR: a store has no metrics");
        return EXIT_USAGE;
    }
    return by_home ? status_of_home(args, format)
                   : status_of_node(folder, format, args_flag(args, "metrics"));
}

static const struct verb_option options[] = {
    {"metrics", NULL, "every counter and metric of the node as a list, with its meaning"},
    {NULL, NULL, NULL},
};

const struct verb verb_status = {
    .name = "status",
    .operands = "",
    .uses = USES_FORMAT | USES_HOME | USES_CLIENT,
    .summary = "height, state root, view, peers, alarms",
    .description =
        "With --client it asks the profile's node: height, view, peers and their heights,\n"
        "pool, alarms. With --home it reads the store instead, whether the node runs or\n"
        "not. Two nodes at the same height have the same state_root.\n\n"
        "Alarms are part of the answer and do not change the exit status, which is 6 if\n"
        "the node does not answer.",
    .options = options,
    .examples = "hefu status --client NET/clients/harbour-bank\n"
                "hefu status --client NET/clients/operator --metrics --format json\n"
                "hefu status --home NET/node-0 --format json",
    .run = run_status,
};
