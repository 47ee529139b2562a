/* cycle: `hefu cycle list` and `hefu cycle net`: settlement cycles and the net positions in them.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/home.h"
#include "cli/output.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "ledger/rows.h"

static const char *service_name(const struct home *home, uint16_t number)
{
    const struct genesis_service *service = genesis_service(&home->genesis, number);
    return service != NULL ? service->name : "?";
}

static const char *state_name(uint16_t state)
{
    return state == CYCLE_OPEN ? "OPEN" : "CLOSED";
}

static void print_cycle(struct output *output, const struct home *home, const struct cycle_row *row)
{
    unsigned exponent = names_exponent(home->names, row->currency);
    output_number(output, row->number);
    output_number(output, row->service);
    output_text(output, service_name(home, row->service));
    output_text(output, state_name(row->state));
    output_text(output, names_currency_code(home->names, row->currency));
    output_number(output, row->records);
    output_amount(output, (__int128)row->turnover.minor, exponent);
    output_time(output, row->opened_ms);
    if (row->closed_ms == 0) {
        output_empty(output);
    } else {
        output_time(output, row->closed_ms);
    }
}

static int run_list(const struct args *args)
{
    static const struct column columns[] = {
        {"cycle", COLUMN_NUMBER},    {"service", COLUMN_NUMBER}, {"name", COLUMN_TEXT},
        {"state", COLUMN_TEXT},      {"currency", COLUMN_TEXT},  {"records", COLUMN_NUMBER},
        {"turnover", COLUMN_AMOUNT}, {"opened", COLUMN_TEXT},    {"closed", COLUMN_TEXT}};
    struct home home;
    enum output_format format;
    if (output_format_of(args, &format) != STATUS_OK) {
        return EXIT_USAGE;
    }
    int code = home_open(args, &home);
    if (code != EXIT_CLEAN) {
        return code;
    }
    struct output *output = output_list(stdout, format, columns, 9);
    uint8_t from[CYCLE_KEY_BYTES] = {0};
    struct span key, value;
    while (
        store_seek(home.store, (enum store_table)TABLE_CYCLES, from, sizeof from, &key, &value)) {
        struct cycle_row row;
        if (cycle_decode(key, value, &row) != STATUS_OK) {
            code = home_failure(STATUS_CORRUPT, "a cycle");
            break;
        }
        print_cycle(output, &home, &row);
        cycle_key(row.service, row.number + 1, from);
    }
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
        print_net(output, home, &row, currency, &sum);
        net_key(service, cycle, row.participant + 1, from);
    }
    if (sum != 0) {
        complain("the nets of service %u, cycle %u do not sum to zero", service, cycle);
        return EXIT_INTEGRITY;
    }
    return EXIT_CLEAN;
}

/* The cycle of a service: the one asked for, or (0) the newest. */
static enum status find_cycle(const struct home *home, uint16_t service, uint32_t number,
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
    return found ? STATUS_OK : STATUS_NOT_FOUND;
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
    uint64_t number = 0;
    uint16_t service = 1;
    const char *word = args_value(args, "service");
    if (output_format_of(args, &format) != STATUS_OK) {
        return EXIT_USAGE;
    }
    if (args->operand_count == 1 &&
        (number_parse(args->operands[0], UINT32_MAX - 1, &number) != STATUS_OK || number == 0)) {
        complain("cycle net: \"%s\" is not a cycle's number, which count from 1",
                 args->operands[0]);
        return EXIT_USAGE;
    }
    int code = home_open(args, &home);
    if (code != EXIT_CLEAN) {
        return code;
    }
    if (word != NULL && names_service(home.names, word, &service) != STATUS_OK) {
        complain("cycle net: there is no service \"%s\"", word);
        code = EXIT_NOT_FOUND;
    } else {
        enum status status = find_cycle(&home, service, (uint32_t)number, &row);
        if (status != STATUS_OK) {
            code = home_failure(status, "cycle %llu of service %u", (unsigned long long)number,
                                service);
        }
    }
    if (code == EXIT_CLEAN) {
        struct output *output = output_list(stdout, format, columns, 8);
        code = print_nets(&home, output, service, row.number, row.currency);
        output_end(output);
    }
    home_close(&home);
    return code;
}

const struct verb verb_cycle_list = {
    .name = "cycle list",
    .operands = "",
    .uses = USES_HOME | USES_FORMAT,
    .summary = "settlement cycles",
    .description = "Lists the settlement cycles of every service with their state, records and\n"
                   "turnover. What is posted is ledger-final; money-final is what a settled cycle\n"
                   "is.",
    .examples = "hefu cycle list --home NET/node-0",
    .run = run_list,
};

static const struct verb_option net_options[] = {
    {"service", "S", "the service, by number or name (1)"},
    {NULL, NULL, NULL},
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
        "3 if the nets do not sum to zero.",
    .options = net_options,
    .examples = "hefu cycle net --home NET/node-0\n"
                "hefu cycle net 3 --service \"card clearing\" --home NET/node-0 --format csv",
    .run = run_net,
};
