/* limits: `hefu limits`: exposure of each participant against its cap and cover, with alarms. */
#include <stdio.h>
#include <string.h>

#include "cli/check.h"
#include "cli/exposure.h"
#include "cli/output.h"
#include "cli/verbs.h"

#define ALARM_PERCENT 80
#define ALARM_BYTES 64

/* Exposure as a percentage of a bound, rounded down; of nothing against a bound of zero: 0. */
static uint64_t percent_of(__int128 exposure, __int128 bound)
{
    if (exposure <= 0) {
        return 0;
    }
    if (bound <= 0) {
        return 999;
    }
    __int128 percent = exposure * 100 / bound;
    return percent > 999 ? 999 : (uint64_t)percent;
}

static void alarm_text(const struct exposure *own, bool sponsored, char ret_text[ALARM_BYTES])
{
    uint64_t of_cap = percent_of(own->exposure, (__int128)own->cap);
    uint64_t of_cover = own->covered && !sponsored ? percent_of(own->exposure, own->cover) : 0;
    size_t used = 0;
    ret_text[0] = '\0';
    if (of_cap >= ALARM_PERCENT) {
        used = (size_t)snprintf(ret_text, ALARM_BYTES, "%s CAP", of_cap > 100 ? "OVER" : "NEAR");
    }
    if (of_cover >= ALARM_PERCENT) {
        snprintf(ret_text + used, ALARM_BYTES - used, "%s%s COVER", used > 0 ? ", " : "",
                 of_cover > 100 ? "OVER" : "NEAR");
    }
}

static void print_limit(struct output *output, const struct home *home,
                        const struct exposures *exposures, uint32_t index,
                        const struct genesis_currency *currency, const char *alarm)
{
    const struct genesis_participant *participant = &home->now.participants[index];
    const struct exposure *own = exposures_of(exposures, index);
    unsigned exponent = currency->exponent;
    output_number(output, participant->number);
    output_text(output, participant->name);
    output_text(output, currency->code);
    output_amount(output, own->exposure, exponent);
    output_amount(output, (__int128)own->cap, exponent);
    output_number(output, percent_of(own->exposure, (__int128)own->cap));
    output_text(output, own->covered ? "yes" : "no");
    output_amount(output, own->cover, exponent);
    output_amount(output, own->floor, exponent);
    if (participant->settles_through == 0) {
        output_empty(output);
    } else {
        output_text(output, names_participant_name(home->names, participant->settles_through));
    }
    output_text(output, alarm);
}

struct choice {
    uint32_t participant; /* number; 0: all */
    bool all, alarms_only;
};

static int print_currency(struct home *home, struct output *output,
                          const struct genesis_currency *currency, const struct choice *choice,
                          unsigned *alarms)
{
    struct exposures *exposures = exposures_new(home, currency->numeric);
    if (exposures == NULL) {
        return EXIT_INTEGRITY;
    }
    for (uint32_t i = 0; i < home->now.participant_count; i++) {
        const struct genesis_participant *participant = &home->now.participants[i];
        const struct exposure *own = exposures_of(exposures, i);
        char alarm[ALARM_BYTES];
        alarm_text(own, participant->settles_through != 0, alarm);
        bool wanted = choice->participant != 0 ? participant->number == choice->participant
                                               : choice->all || own->exposure > 0;
        if (wanted && (!choice->alarms_only || alarm[0] != '\0')) {
            *alarms += alarm[0] != '\0' ? 1 : 0;
            print_limit(output, home, exposures, i, currency, alarm);
        }
    }
    exposures_free(exposures);
    return EXIT_CLEAN;
}

static int run(const struct args *args)
{
    static const struct column columns[] = {
        {"participant", COLUMN_NUMBER},   {"name", COLUMN_TEXT},    {"currency", COLUMN_TEXT},
        {"exposure", COLUMN_AMOUNT},      {"cap", COLUMN_AMOUNT},   {"percent", COLUMN_NUMBER},
        {"covered", COLUMN_TEXT},         {"cover", COLUMN_AMOUNT}, {"floor", COLUMN_AMOUNT},
        {"settles_through", COLUMN_TEXT}, {"alarm", COLUMN_TEXT}};
    struct home home;
    enum output_format format;
    const struct genesis_currency *only = NULL;
    struct choice choice = {.all = args_flag(args, "all"),
                            .alarms_only = args_flag(args, "alarms")};
    const char *participant = args_value(args, "participant");
    const char *currency = args_value(args, "currency");
    unsigned alarms = 0;
    if (output_format_of(args, &format) != STATUS_OK) {
        return EXIT_USAGE;
    }
    int code = home_open(args, &home);
    if (code != EXIT_CLEAN) {
        return code;
    }
    if (participant != NULL) {
        code = home_find_participant(&home, participant, &choice.participant);
    }
    if (code == EXIT_CLEAN && currency != NULL) {
        code = home_find_currency(&home, currency, &only);
    }
    if (code == EXIT_CLEAN) {
        code = check_accounts(&home);
    }
    if (code == EXIT_CLEAN) {
        struct output *output =
            output_list(stdout, format, columns, sizeof columns / sizeof columns[0]);
        for (uint32_t i = 0; i < home.now.currency_count && code == EXIT_CLEAN; i++) {
            const struct genesis_currency *own = &home.now.currencies[i];
            if (only == NULL || only->numeric == own->numeric) {
                code = print_currency(&home, output, own, &choice, &alarms);
            }
        }
        output_end(output);
    }
    home_close(&home);
    return code == EXIT_CLEAN && choice.alarms_only && alarms > 0 ? EXIT_FINDINGS : code;
}

static const struct verb_option options[] = {
    {"participant", "P", "only this participant's"},
    {"currency", "C", "only this currency's"},
    {"all", NULL, "also participants that owe nothing"},
    {"alarms", NULL, "only those at 80 % of a cap or a cover, or above; exit status 1 if any"},
    {NULL, NULL, NULL},
};

const struct verb verb_limits = {
    .name = "limits",
    .operands = "",
    .uses = USES_HOME | USES_FORMAT,
    .summary = "exposure against caps and cover, with alarms",
    .description =
        "exposure is what a participant (a sponsor: with all that settle through it) owes in\n"
        "cycles that are not settled, and what its waiting records reserve. It may not pass\n"
        "the cap, nor, where covered is yes, the cover: spendable SETTLEMENT and COLLATERAL.\n"
        "floor is what must stay on SETTLEMENT. All of it is computed anew from the nets and\n"
        "accounts of the snapshot.",
    .options = options,
    .examples = "hefu limits --home NET/node-0\n"
                "hefu limits --home NET/node-0 --alarms --format csv",
    .run = run,
};
