/* cycle: `hefu cycle list`, `hefu cycle show` and `hefu cycle net`: settlement cycles and the net
   positions in them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cycle.h"
#include "cli/exposure.h"
#include "cli/home_proof.h"
#include "cli/output.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "cli/words.h"
#include "ledger/rows.h"

/* Whether a stored cycle is of a service, currency and state that there are: else it is damaged. */
static bool is_known(const struct home *home, const struct cycle_row *row)
{
    return genesis_service(&home->now, row->service) != NULL &&
           genesis_currency(&home->now, row->currency) != NULL &&
           cycle_state_name(row->state) != NULL;
}

static const char *service_name(const struct home *home, uint16_t number)
{
    return genesis_service(&home->now, number)->name;
}

static void print_time(struct output *output, uint64_t time_ms)
{
    if (time_ms == 0) {
        output_empty(output);
    } else {
        output_time(output, time_ms);
    }
}

#define CYCLE_COLUMNS                                                                              \
    {"cycle", COLUMN_NUMBER}, {"service", COLUMN_NUMBER}, {"name", COLUMN_TEXT},                   \
        {"state", COLUMN_TEXT}, {"finality", COLUMN_TEXT}, {"currency", COLUMN_TEXT},              \
        {"records", COLUMN_NUMBER}, {"turnover", COLUMN_AMOUNT}, {"opened", COLUMN_TEXT},          \
        {"closed", COLUMN_TEXT}, {"settled", COLUMN_TEXT},                                         \
    {                                                                                              \
        "cutoff", COLUMN_TEXT                                                                      \
    }
#define LIST_COLUMNS 12
#define SHOW_COLUMNS 19

static void print_cycle(struct output *output, const struct home *home, const struct cycle_row *row)
{
    unsigned exponent = names_exponent(home->names, row->currency);
    output_number(output, row->number);
    output_number(output, row->service);
    output_text(output, service_name(home, row->service));
    output_text(output, cycle_state_name(row->state));
    output_text(output, finality_name(row->state));
    output_text(output, names_currency_code(home->names, row->currency));
    output_number(output, row->records);
    output_amount(output, (__int128)row->turnover.minor, exponent);
    output_time(output, row->opened_ms);
    print_time(output, row->closed_ms);
    print_time(output, row->settled_ms);
    print_time(output, row->cutoff_ms);
}

static void print_details(struct output *output, const struct cycle_row *row)
{
    static const struct {
        uint16_t flag;
        const char *name;
    } flags[] = {{CYCLE_BY_ACTION, "by action"},
                 {CYCLE_EXTENDED, "extended"},
                 {CYCLE_OVERDUE, "overdue"},
                 {CYCLE_DEFAULTED, "defaulted"}};
    char text[64] = "";
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        if ((row->flags & flags[i].flag) != 0) {
            size_t used = strlen(text);
            snprintf(text + used, sizeof text - used, "%s%s", used > 0 ? ", " : "", flags[i].name);
        }
    }
    output_text(output, text);
    print_time(output, row->settle_ms);
    print_time(output, row->deadline_ms);
    output_number(output, row->opened_height);
    output_number(output, row->closed_height);
    output_number(output, row->settled_height);
    if (row->state == CYCLE_OPEN) {
        output_empty(output);
    } else {
        output_hash(output, &row->nets_hash);
    }
}

static int prove_cycles(struct home *home)
{
    return home_prove_cycles(home) == STATUS_OK
               ? EXIT_CLEAN
               : home_failure(STATUS_CORRUPT, "the cycles are not those that the last block names");
}

static int list_cycles(struct home *home, struct output *output, bool unsettled_only)
{
    uint8_t from[CYCLE_KEY_BYTES] = {0};
    struct span key, value;
    while (
        store_seek(home->store, (enum store_table)TABLE_CYCLES, from, sizeof from, &key, &value)) {
        struct cycle_row row;
        if (cycle_decode(key, value, &row) != STATUS_OK || !is_known(home, &row)) {
            return home_failure(STATUS_CORRUPT, "a cycle");
        }
        if (!unsettled_only || row.state != CYCLE_SETTLED) {
            print_cycle(output, home, &row);
        }
        cycle_key(row.service, row.number + 1, from);
    }
    return EXIT_CLEAN;
}

static int run_list(const struct args *args)
{
    static const struct column columns[] = {CYCLE_COLUMNS};
    struct home home;
    enum output_format format;
    if (output_format_of(args, &format) != STATUS_OK) {
        return EXIT_USAGE;
    }
    int code = home_open(args, &home);
    if (code != EXIT_CLEAN) {
        return code;
    }
    code = prove_cycles(&home);
    if (code != EXIT_CLEAN) {
        home_close(&home);
        return code;
    }
    struct output *output = output_list(stdout, format, columns, LIST_COLUMNS);
    code = list_cycles(&home, output, args_flag(args, "unsettled"));
    output_end(output);
    home_close(&home);
    return code;
}

/* Prints one participant's net; adds it to the sum, which must end at zero. */
static void print_net(struct output *output, const struct home *home, const struct net_row *row,
                      uint16_t currency, __int128 *sum)
{
    unsigned exponent = names_exponent(home->names, currency);
    __int128 net = (__int128)row->credits.minor - (__int128)row->debits.minor;
    *sum += net;
    output_number(output, row->cycle);
    output_text(output, service_name(home, row->service));
    output_number(output, row->participant);
    output_text(output, names_participant_name(home->names, row->participant));
    output_amount(output, (__int128)row->debits.minor, exponent);
    output_amount(output, (__int128)row->credits.minor, exponent);
    output_amount(output, net, exponent);
    output_text(output, names_currency_code(home->names, currency));
}

static int print_nets(struct home *home, struct output *output, uint16_t service, uint32_t cycle,
                      uint16_t currency)
{
    uint8_t from[NET_KEY_BYTES];
    struct span key, value;
    __int128 sum = 0;
    net_key(service, cycle, 0, from);
    while (store_seek(home->store, (enum store_table)TABLE_CYCLE_NETS, from, sizeof from, &key,
                      &value)) {
        struct net_row row;
        if (net_decode(key, value, &row) != STATUS_OK) {
            return home_failure(STATUS_CORRUPT, "a net of cycle %u", cycle);
        }
        if (row.service != service || row.cycle != cycle) {
            break;
        }
        if (home_participant_index(home, row.participant) == UINT32_MAX) {
            return home_failure(STATUS_CORRUPT, "a net of cycle %u: participant %u", cycle,
                                row.participant);
        }
        print_net(output, home, &row, currency, &sum);
        net_key(service, cycle, row.participant + 1, from);
    }
    if (sum != 0) {
        complain("the nets of service %u, cycle %u do not sum to zero", service, cycle);
        return EXIT_INTEGRITY;
    }
    return EXIT_CLEAN;
}

enum status cycle_find(const struct home *home, uint16_t service, uint32_t number,
                       struct cycle_row *ret_row)
{
    uint8_t wanted[CYCLE_KEY_BYTES];
    struct span key, value;
    cycle_key(service, number == 0 ? UINT32_MAX : number, wanted);
    if (!store_seek_back(home->store, (enum store_table)TABLE_CYCLES, wanted, sizeof wanted, &key,
                         &value)) {
        return STATUS_NOT_FOUND;
    }
    if (cycle_decode(key, value, ret_row) != STATUS_OK) {
        return STATUS_CORRUPT;
    }
    bool found = ret_row->service == service && (number == 0 || ret_row->number == number);
    if (found && !is_known(home, ret_row)) {
        return STATUS_CORRUPT;
    }
    return found ? STATUS_OK : STATUS_NOT_FOUND;
}

int cycle_of_args(const struct args *args, struct home *home, struct cycle_row *ret_row)
{
    uint64_t number = 0;
    uint16_t service = 1;
    const char *word = args_value(args, "service");
    const char *operand = args->operand_count == 1 ? args->operands[0] : NULL;
    if (operand != NULL &&
        (number_parse(operand, UINT32_MAX - 1, &number) != STATUS_OK || number == 0)) {
        complain("%s: \"%s\" is not a cycle's number, which count from 1", args->verb->name,
                 operand);
        return EXIT_USAGE;
    }
    int code = home_open(args, home);
    if (code != EXIT_CLEAN) {
        return code;
    }
    if (word != NULL && names_service(home->names, word, &service) != STATUS_OK) {
        complain("%s: there is no service \"%s\"", args->verb->name, word);
        code = EXIT_NOT_FOUND;
    } else if ((code = prove_cycles(home)) == EXIT_CLEAN) {
        enum status status = cycle_find(home, service, (uint32_t)number, ret_row);
        if (status != STATUS_OK) {
            code = home_failure(status, "cycle %llu of service %u", (unsigned long long)number,
                                service);
        }
    }
    if (code != EXIT_CLEAN) {
        home_close(home);
    }
    return code;
}

static int run_show(const struct args *args)
{
    static const struct column columns[] = {CYCLE_COLUMNS,
                                            {"flags", COLUMN_TEXT},
                                            {"settles_from", COLUMN_TEXT},
                                            {"deadline", COLUMN_TEXT},
                                            {"opened_height", COLUMN_NUMBER},
                                            {"closed_height", COLUMN_NUMBER},
                                            {"settled_height", COLUMN_NUMBER},
                                            {"nets_hash", COLUMN_TEXT}};
    struct home home;
    struct cycle_row row;
    enum output_format format;
    if (output_format_of(args, &format) != STATUS_OK) {
        return EXIT_USAGE;
    }
    int code = cycle_of_args(args, &home, &row);
    if (code != EXIT_CLEAN) {
        return code;
    }
    struct output *output = output_single(stdout, format, columns, SHOW_COLUMNS);
    print_cycle(output, &home, &row);
    print_details(output, &row);
    output_end(output);
    home_close(&home);
    return EXIT_CLEAN;
}

static int run_net(const struct args *args)
{
    static const struct column columns[] = {
        {"cycle", COLUMN_NUMBER}, {"service", COLUMN_TEXT},  {"participant", COLUMN_NUMBER},
        {"name", COLUMN_TEXT},    {"debits", COLUMN_AMOUNT}, {"credits", COLUMN_AMOUNT},
        {"net", COLUMN_AMOUNT},   {"currency", COLUMN_TEXT}};
    struct home home;
    struct cycle_row row;
    enum output_format format;
    if (output_format_of(args, &format) != STATUS_OK) {
        return EXIT_USAGE;
    }
    int code = cycle_of_args(args, &home, &row);
    if (code != EXIT_CLEAN) {
        return code;
    }
    if (home_prove_nets(&home, &row) != STATUS_OK) {
        code = home_failure(STATUS_CORRUPT,
                            "the nets of service %u, cycle %u are not those that "
                            "the chain names",
                            row.service, row.number);
        home_close(&home);
        return code;
    }
    struct output *output = output_list(stdout, format, columns, 8);
    code = print_nets(&home, output, row.service, row.number, row.currency);
    output_end(output);
    home_close(&home);
    return code;
}

static const struct verb_option list_options[] = {
    {"unsettled", NULL, "only those that are not settled yet"},
    {NULL, NULL, NULL},
};

const struct verb verb_cycle_list = {
    .name = "cycle list",
    .operands = "",
    .uses = USES_HOME | USES_FORMAT,
    .summary = "settlement cycles",
    .description = "Lists the settlement cycles of every service with their state, records and\n"
                   "turnover. A record is ledger-final once its block is final; it is money-final\n"
                   "once its cycle is SETTLED. The two are never the same word.",
    .options = list_options,
    .examples = "hefu cycle list --home NET/node-0",
    .run = run_list,
};

static const struct verb_option net_options[] = {
    {"service", "S", "the service, by number or name (1)"},
    {NULL, NULL, NULL},
};

const struct verb verb_cycle_show = {
    .name = "cycle show",
    .operands = "[NUMBER]",
    .operands_max = 1,
    .uses = USES_HOME | USES_FORMAT,
    .summary = "one cycle: times, flags, the hash of its nets",
    .description = "Shows a cycle of a service: the newest, or the one of that number.\n"
                   "settles_from is the earliest time at which it settles, deadline when its\n"
                   "debtors must have funded it. nets_hash is what a settlement bank's agent\n"
                   "confirms, of an EXTERNAL service.",
    .options = net_options,
    .examples = "hefu cycle show --home NET/node-0\n"
                "hefu cycle show 3 --service 1 --home NET/node-0 --format json",
    .run = run_show,
};

const struct verb verb_cycle_net = {
    .name = "cycle net",
    .operands = "[NUMBER]",
    .operands_max = 1,
    .uses = USES_HOME | USES_FORMAT,
    .summary = "net positions in a cycle; they sum to zero",
    .description =
        "Prints each participant's debits, credits and net in a cycle: the newest, or the\n"
        "one of that number. A positive net is received, a negative one paid. Exit status\n"
        "3 if the nets do not sum to zero, or are not those that the chain proves.",
    .options = net_options,
    .examples = "hefu cycle net --home NET/node-0\n"
                "hefu cycle net 3 --service \"card clearing\" --home NET/node-0 --format csv",
    .run = run_net,
};
