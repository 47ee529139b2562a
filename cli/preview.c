/* preview: `hefu cycle preview`: what each debtor of a cycle must pay, what it is short of, and how
   long it has; of an open cycle, as if it closed now. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"
#include "cli/check.h"
#include "cli/cycle.h"
#include "cli/exposure.h"
#include "cli/output.h"
#include "cli/verbs.h"
#include "ledger/calendar.h"

struct preview {
    struct home *home;
    struct cycle_row cycle;
    const struct genesis_service *service;
    uint64_t now_ms; /* the last block's time */
    uint64_t settle_from, deadline;
    __int128 *nets; /* of groups, by their settling participant's index */
    unsigned short_count;
};

static void add_net(void *context, uint32_t index, __int128 net)
{
    struct preview *preview = context;
    preview->nets[exposure_settler(preview->home, index)] += net;
}

/* When it settles and by when it must be funded; of an open cycle, had it closed in the last
   block (docs/ledger.md, Cycles, Settlement date). */
static void find_times(struct preview *preview)
{
    const struct genesis_service *service = preview->service;
    const struct genesis *now = &preview->home->now;
    preview->settle_from = preview->cycle.settle_ms;
    preview->deadline = preview->cycle.deadline_ms;
    if (preview->cycle.state != CYCLE_OPEN) {
        return;
    }
    uint32_t day = calendar_local_day(preview->now_ms, now->utc_offset_minutes);
    uint32_t settles = calendar_settlement_day(genesis_calendar(now, service->calendar), day,
                                               service->settlement_days);
    preview->settle_from =
        settles == day ? preview->now_ms
                       : calendar_instant(settles, service->settle_minute, now->utc_offset_minutes);
    uint64_t from = preview->settle_from > preview->now_ms ? preview->settle_from : preview->now_ms;
    preview->deadline = from + 1000ull * service->funding_window_s;
}

static void print_party(struct output *output, struct preview *preview, uint32_t index,
                        const struct exposure *own)
{
    const struct genesis_participant *participant = &preview->home->now.participants[index];
    const unsigned exponent = names_exponent(preview->home->names, preview->cycle.currency);
    const __int128 net = preview->nets[index];
    const __int128 debt = net < 0 ? -net : 0;
    const bool external = preview->service->settlement == SETTLEMENT_EXTERNAL;
    __int128 has = own->settlement > 0 ? own->settlement : 0;
    __int128 lacking = external || has >= debt ? 0 : debt - has;
    __int128 pledged = own->collateral > 0 ? own->collateral : 0;
    __int128 uncovered = lacking > pledged ? lacking - pledged : 0;
    preview->short_count += lacking > 0 ? 1 : 0;
    output_number(output, participant->number);
    output_text(output, participant->name);
    output_amount(output, net, exponent);
    output_amount(output, debt, exponent);
    output_amount(output, own->settlement, exponent);
    output_amount(output, lacking, exponent);
    output_amount(output, own->collateral, exponent);
    output_amount(output, uncovered, exponent);
    output_text(output, names_currency_code(preview->home->names, preview->cycle.currency));
    output_time(output, preview->deadline);
    output_number(output, preview->deadline > preview->now_ms
                              ? (preview->deadline - preview->now_ms) / 1000
                              : 0);
}

static int print_preview(struct preview *preview, struct output *output, bool all)
{
    struct home *home = preview->home;
    const uint32_t count = home->now.participant_count;
    struct exposures *exposures = exposures_new(home, preview->cycle.currency);
    if (exposures == NULL) {
        return EXIT_INTEGRITY;
    }
    preview->nets = calloc(count, sizeof *preview->nets);
    CHECK(preview->nets != NULL);
    enum status status =
        exposure_each_net(home, preview->cycle.service, preview->cycle.number, add_net, preview);
    for (uint32_t i = 0; i < count && status == STATUS_OK; i++) {
        if (preview->nets[i] < 0 || (all && preview->nets[i] > 0)) {
            print_party(output, preview, i, exposures_of(exposures, i));
        }
    }
    exposures_free(exposures);
    free(preview->nets);
    return status == STATUS_OK
               ? EXIT_CLEAN
               : home_failure(status, "the nets of cycle %u", preview->cycle.number);
}

static void print_summary(const struct preview *preview)
{
    bool open = preview->cycle.state == CYCLE_OPEN;
    if (preview->cycle.state == CYCLE_SETTLED) {
        printf("Cycle %u is settled: nothing is owed in it any more.\n", preview->cycle.number);
        return;
    }
    printf("%s %u of %s %s %u of its debtors short; %" PRIu64 " s are left to fund it.\n",
           open ? "If it closed now, cycle" : "Cycle", preview->cycle.number,
           preview->service->name, open ? "would leave" : "has", preview->short_count,
           preview->deadline > preview->now_ms ? (preview->deadline - preview->now_ms) / 1000 : 0);
}

static int run(const struct args *args)
{
    static const struct column columns[] = {
        {"participant", COLUMN_NUMBER}, {"name", COLUMN_TEXT},
        {"net", COLUMN_AMOUNT},         {"debt", COLUMN_AMOUNT},
        {"settlement", COLUMN_AMOUNT},  {"shortfall", COLUMN_AMOUNT},
        {"collateral", COLUMN_AMOUNT},  {"uncovered", COLUMN_AMOUNT},
        {"currency", COLUMN_TEXT},      {"deadline", COLUMN_TEXT},
        {"seconds_left", COLUMN_NUMBER}};
    struct home home;
    struct preview preview = {.home = &home};
    enum output_format format;
    const struct block_row *block;
    if (output_format_of(args, &format) != STATUS_OK) {
        return EXIT_USAGE;
    }
    int code = cycle_of_args(args, &home, &preview.cycle);
    if (code != EXIT_CLEAN) {
        return code;
    }
    code = check_accounts(&home);
    if (code != EXIT_CLEAN) {
        home_close(&home);
        return code;
    }
    preview.service = genesis_service(&home.now, preview.cycle.service);
    if (preview.service == NULL ||
        chain_block(&home.chain, home.final.height, &block) != STATUS_OK) {
        code = home_failure(STATUS_CORRUPT, "the last block, or the cycle's service");
    } else {
        preview.now_ms = block->header.timestamp_ms;
        find_times(&preview);
        struct output *output =
            output_list(stdout, format, columns, sizeof columns / sizeof columns[0]);
        if (preview.cycle.state != CYCLE_SETTLED) {
            code = print_preview(&preview, output, args_flag(args, "all"));
        }
        output_end(output);
        if (code == EXIT_CLEAN && format == OUTPUT_TABLE) {
            print_summary(&preview);
        }
    }
    home_close(&home);
    return code == EXIT_CLEAN && preview.short_count > 0 ? EXIT_FINDINGS : code;
}

static const struct verb_option options[] = {
    {"service", "S", "the service, by number or name (1)"},
    {"all", NULL, "also those that receive"},
    {NULL, NULL, NULL},
};

const struct verb verb_cycle_preview = {
    .name = "cycle preview",
    .operands = "[NUMBER]",
    .operands_max = 1,
    .uses = USES_HOME | USES_FORMAT,
    .summary = "what a cycle's debtors must pay and are short of",
    .description =
        "For each debtor of a cycle (the newest, or the one of that number): its debt, what\n"
        "it can pay from SETTLEMENT, its shortfall, what its COLLATERAL leaves uncovered, and\n"
        "the time left until the funding deadline. A sponsor stands for all that settle\n"
        "through it. Of an open cycle: as if it closed in the last block. Exit status 1 if\n"
        "anyone is short.",
    .options = options,
    .examples = "hefu cycle preview --home NET/node-0\n"
                "hefu cycle preview 3 --service 1 --home NET/node-0 --format json",
    .run = run,
};
