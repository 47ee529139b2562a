/* registry_list: `hefu participant`, `hefu service` and `hefu scheme`: who takes part and under
   what rules, as they stand now: genesis and what actions have changed since. */
#include <stdio.h>
#include <string.h>

#include "cli/home.h"
#include "cli/output.h"
#include "cli/text.h"
#include "cli/verbs.h"
#include "cli/words.h"
#include "ledger/calendar.h"
#include "ledger/rows.h"

#define TEXT_BYTES 2048

/* A list of words or rules on one line. */
struct line {
    char text[TEXT_BYTES];
    size_t used;
};

static void add(struct line *line, const char *separator, const char *text)
{
    int wrote = snprintf(line->text + line->used, sizeof line->text - line->used, "%s%s",
                         line->used > 0 ? separator : "", text);
    size_t room = sizeof line->text - line->used - 1;
    line->used += wrote < 0 ? 0 : (size_t)wrote < room ? (size_t)wrote : room;
}

static void add_time(struct line *line, unsigned minute)
{
    char text[8];
    snprintf(text, sizeof text, "%02u:%02u", minute / 60 % 24, minute % 60);
    add(line, " ", text);
}

/* ---- Participants ---- */

static void print_participant(struct output *output, const struct home *home,
                              const struct genesis_participant *own)
{
    char roles[ROLES_TEXT_BYTES];
    uint32_t may_submit = 0, may_act = 0;
    roles_format(own->roles, roles);
    for (uint32_t i = 0; i < own->key_count; i++) {
        may_submit += (own->keys[i].permissions & PERMISSION_SUBMIT) != 0 ? 1 : 0;
        may_act += (own->keys[i].permissions & PERMISSION_ACT) != 0 ? 1 : 0;
    }
    output_number(output, own->number);
    output_text(output, own->name);
    output_text(output, roles);
    output_text(output, standing_name(own->status));
    if (own->settles_through == 0) {
        output_empty(output);
    } else {
        output_text(output, names_participant_name(home->names, own->settles_through));
    }
    output_text(output, own->bic);
    output_text(output, own->clearing_code);
    output_number(output, may_submit);
    output_number(output, may_act);
}

#define PARTICIPANT_COLUMNS                                                                        \
    {"participant", COLUMN_NUMBER}, {"name", COLUMN_TEXT}, {"roles", COLUMN_TEXT},                 \
        {"status", COLUMN_TEXT}, {"settles_through", COLUMN_TEXT}, {"bic", COLUMN_TEXT},           \
        {"clearing_code", COLUMN_TEXT}, {"submit_keys", COLUMN_NUMBER},                            \
    {                                                                                              \
        "act_keys", COLUMN_NUMBER                                                                  \
    }

static int print_participants(const struct home *home, enum output_format format,
                              const char *wanted)
{
    static const struct column columns[] = {PARTICIPANT_COLUMNS};
    uint32_t number = 0;
    int code = wanted == NULL ? EXIT_CLEAN : home_find_participant(home, wanted, &number);
    if (code != EXIT_CLEAN) {
        return code;
    }
    struct output *output =
        output_list(stdout, format, columns, sizeof columns / sizeof columns[0]);
    for (uint32_t i = 0; i < home->now.participant_count; i++) {
        if (wanted == NULL || home->now.participants[i].number == number) {
            print_participant(output, home, &home->now.participants[i]);
        }
    }
    output_end(output);
    return EXIT_CLEAN;
}

static int print_keys(const struct home *home, enum output_format format, const char *wanted)
{
    static const struct column columns[] = {{"participant", COLUMN_NUMBER},
                                            {"name", COLUMN_TEXT},
                                            {"key_no", COLUMN_NUMBER},
                                            {"permissions", COLUMN_TEXT},
                                            {"key", COLUMN_TEXT}};
    uint32_t number;
    int code = home_find_participant(home, wanted, &number);
    const struct genesis_participant *own = genesis_participant(&home->now, number);
    if (code != EXIT_CLEAN || own == NULL) {
        return code != EXIT_CLEAN ? code : EXIT_NOT_FOUND;
    }
    struct output *output =
        output_list(stdout, format, columns, sizeof columns / sizeof columns[0]);
    for (uint32_t i = 0; i < own->key_count; i++) {
        const uint32_t permissions = own->keys[i].permissions;
        output_number(output, own->number);
        output_text(output, own->name);
        output_number(output, own->keys[i].key_no);
        output_text(output, permissions == PERMISSION_SUBMIT ? "submit"
                            : permissions == PERMISSION_ACT  ? "act"
                                                             : "submit act");
        output_hex(output, own->keys[i].key.bytes, sizeof own->keys[i].key.bytes);
    }
    output_end(output);
    return EXIT_CLEAN;
}

/* ---- Services ---- */

static void print_service(struct output *output, const struct home *home,
                          const struct genesis_service *own)
{
    struct line cutoffs = {.used = 0}, settles = {.used = 0};
    char text[64];
    for (uint32_t i = 0; i < own->cutoff_count; i++) {
        add_time(&cutoffs, own->cutoffs[i]);
    }
    if (own->settlement_days > 0) {
        snprintf(text, sizeof text, "day %u at %02u:%02u", own->settlement_days,
                 own->settle_minute / 60u, own->settle_minute % 60u);
        add(&settles, "", text);
    } else {
        add(&settles, "", own->mode == SERVICE_GROSS ? "at once" : "same day");
    }
    const struct genesis_calendar *calendar = genesis_calendar(&home->now, own->calendar);
    output_number(output, own->number);
    output_text(output, own->name);
    output_text(output, names_currency_code(home->names, own->currency));
    output_text(output, own->mode == SERVICE_GROSS ? "GROSS" : "DEFERRED");
    output_text(output, own->settlement == SETTLEMENT_EXTERNAL ? "EXTERNAL" : "PREFUNDED");
    output_text(output, cutoffs.text);
    output_text(output, (own->flags & SERVICE_BUSINESS_DAYS) != 0 ? "business days" : "every day");
    output_text(output, settles.text);
    output_number(output, own->funding_window_s);
    output_text(output, calendar == NULL ? "" : calendar->name);
}

static int print_services(const struct home *home, enum output_format format, const char *wanted)
{
    static const struct column columns[] = {{"service", COLUMN_NUMBER},
                                            {"name", COLUMN_TEXT},
                                            {"currency", COLUMN_TEXT},
                                            {"mode", COLUMN_TEXT},
                                            {"settlement", COLUMN_TEXT},
                                            {"cutoffs", COLUMN_TEXT},
                                            {"days", COLUMN_TEXT},
                                            {"settles", COLUMN_TEXT},
                                            {"funding_window_s", COLUMN_NUMBER},
                                            {"calendar", COLUMN_TEXT}};
    uint16_t number = 0;
    if (wanted != NULL && names_service(home->names, wanted, &number) != STATUS_OK) {
        complain("\"%s\": there is no such service (number or name)", wanted);
        return EXIT_NOT_FOUND;
    }
    struct output *output =
        output_list(stdout, format, columns, sizeof columns / sizeof columns[0]);
    for (uint32_t i = 0; i < home->now.service_count; i++) {
        if (wanted == NULL || home->now.services[i].number == number) {
            print_service(output, home, &home->now.services[i]);
        }
    }
    output_end(output);
    return EXIT_CLEAN;
}

/* ---- Schemes ---- */

static void add_rules(struct line *line, const struct home *home, const struct genesis_scheme *own)
{
    static const char *const FEES[] = {
        [FEE_INTERCHANGE] = "interchange", [FEE_PAYER] = "payer_fee", [FEE_PAYEE] = "payee_fee"};
    const struct genesis_service *service = genesis_service(&home->now, own->service);
    const unsigned exponent = names_exponent(home->names, service->currency);
    for (uint32_t i = 0; i < own->fee_rule_count; i++) {
        const struct fee_rule *rule = &own->fee_rules[i];
        char text[160], cap[MONEY_TEXT_BYTES] = "";
        if (rule->cap > 0) {
            (void)money_format((struct difference){(__int128)rule->cap}, exponent, cap);
        }
        snprintf(text, sizeof text, "%s %d ppm%s%s (from %u, mcc %04u-%04u)", FEES[rule->which],
                 rule->rate_ppm, cap[0] != '\0' ? " at most " : "", cap, rule->from_date,
                 rule->mcc_from, rule->mcc_to);
        add(line, "; ", text);
    }
}

static void print_scheme(struct output *output, const struct home *home,
                         const struct genesis_scheme *own)
{
    struct line sides = {.used = 0}, flags = {.used = 0}, disputes = {.used = 0},
                rules = {.used = 0};
    static const char *const SIDES[] = {"payer", "payee", "network"};
    const struct genesis_service *service = genesis_service(&home->now, own->service);
    for (unsigned i = 0; i < 3; i++) {
        if ((own->submitters >> i & 1u) != 0) {
            add(&sides, " ", SIDES[i]);
        }
    }
    if ((own->flags & SCHEME_FEES_BINDING) != 0) {
        add(&flags, " ", "fees_binding");
    }
    if ((own->flags & SCHEME_FEE_MANDATE) != 0) {
        add(&flags, " ", "fee_mandate");
    }
    if (own->chargeback_s > 0) {
        char text[128];
        snprintf(text, sizeof text,
                 "chargeback %u, represent %u, pre_arbitrate %u, answer %u, "
                 "rule %u s",
                 own->chargeback_s, own->represent_s, own->pre_arbitrate_s, own->answer_s,
                 own->rule_s);
        add(&disputes, "", text);
    }
    add_rules(&rules, home, own);
    output_number(output, own->number);
    output_text(output, own->name);
    output_text(output, service->name);
    if (own->network == 0) {
        output_empty(output);
    } else {
        output_text(output, names_participant_name(home->names, own->network));
    }
    output_text(output, sides.text);
    output_number(output, own->confirmations);
    output_number(output, own->hold_timeout_s);
    output_number(output, own->match_timeout_s);
    output_text(output, flags.text);
    output_text(output, disputes.text);
    output_text(output, rules.text);
}

static int print_schemes(const struct home *home, enum output_format format, const char *wanted)
{
    static const struct column columns[] = {{"scheme", COLUMN_NUMBER},
                                            {"name", COLUMN_TEXT},
                                            {"service", COLUMN_TEXT},
                                            {"network", COLUMN_TEXT},
                                            {"submitters", COLUMN_TEXT},
                                            {"confirmations", COLUMN_NUMBER},
                                            {"hold_timeout_s", COLUMN_NUMBER},
                                            {"match_timeout_s", COLUMN_NUMBER},
                                            {"flags", COLUMN_TEXT},
                                            {"disputes", COLUMN_TEXT},
                                            {"fee_rules", COLUMN_TEXT}};
    uint16_t number = 0;
    if (wanted != NULL && names_scheme(home->names, wanted, &number) != STATUS_OK) {
        complain("\"%s\": there is no such scheme (number or name)", wanted);
        return EXIT_NOT_FOUND;
    }
    struct output *output =
        output_list(stdout, format, columns, sizeof columns / sizeof columns[0]);
    int code = EXIT_CLEAN;
    for (uint32_t i = 0; i < home->now.scheme_count && code == EXIT_CLEAN; i++) {
        if (genesis_service(&home->now, home->now.schemes[i].service) == NULL) {
            code =
                home_failure(STATUS_CORRUPT, "scheme %u: its service", home->now.schemes[i].number);
        } else if (wanted == NULL || home->now.schemes[i].number == number) {
            print_scheme(output, home, &home->now.schemes[i]);
        }
    }
    output_end(output);
    return code;
}

/* ---- The verbs ---- */

static int run(const struct args *args,
               int (*print)(const struct home *, enum output_format, const char *))
{
    struct home home;
    enum output_format format;
    if (output_format_of(args, &format) != STATUS_OK) {
        return EXIT_USAGE;
    }
    int code = home_open(args, &home);
    if (code != EXIT_CLEAN) {
        return code;
    }
    code = print(&home, format, args->operand_count == 1 ? args->operands[0] : NULL);
    home_close(&home);
    return code;
}

static int run_participant(const struct args *args)
{
    bool keys = args_flag(args, "keys");
    if (keys && args->operand_count == 0) {
        complain("participant --keys: say whose: a number, BIC, clearing code or name");
        return EXIT_USAGE;
    }
    return run(args, keys ? print_keys : print_participants);
}

static int run_service(const struct args *args)
{
    return run(args, print_services);
}

static int run_scheme(const struct args *args)
{
    return run(args, print_schemes);
}

static const struct verb_option participant_options[] = {
    {"keys", NULL, "its keys instead: number, permissions and public key"},
    {NULL, NULL, NULL},
};

const struct verb verb_participant = {
    .name = "participant",
    .operands = "[WHO]",
    .operands_max = 1,
    .uses = USES_HOME | USES_FORMAT,
    .summary = "who takes part: roles, standing, sponsor, keys",
    .description =
        "Lists all participants, or one by number, BIC, clearing code or name, as they stand\n"
        "now. settles_through is the sponsor whose group it is in.",
    .options = participant_options,
    .examples = "hefu participant --home NET/node-0\n"
                "hefu participant harbour-bank --keys --home NET/node-0",
    .run = run_participant,
};

const struct verb verb_service = {
    .name = "service",
    .operands = "[SERVICE]",
    .operands_max = 1,
    .uses = USES_HOME | USES_FORMAT,
    .summary = "settlement services: cut-offs, settlement, calendar",
    .description = "Lists all services, or one by number or name, as they stand now. Times are in\n"
                   "the network's time zone.",
    .examples = "hefu service --home NET/node-0",
    .run = run_service,
};

const struct verb verb_scheme = {
    .name = "scheme",
    .operands = "[SCHEME]",
    .operands_max = 1,
    .uses = USES_HOME | USES_FORMAT,
    .summary = "schemes: who files and confirms, timeouts, disputes, fees",
    .description = "Lists all schemes, or one by number or name, as they stand now.",
    .examples = "hefu scheme \"debit purchase\" --home NET/node-0 --format json",
    .run = run_scheme,
};
