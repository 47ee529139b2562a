/* account: `hefu account list`, `hefu account show` and `hefu trial-balance`. */
#include <stdio.h>
#include <string.h>

#include "cli/check.h"
#include "cli/home.h"
#include "cli/output.h"
#include "cli/text.h"
#include "cli/verbs.h"

static const struct column columns[] = {
    {"account", COLUMN_NUMBER},
    {"participant", COLUMN_TEXT},
    {"name", COLUMN_TEXT},
    {"class", COLUMN_TEXT},
    {"currency", COLUMN_TEXT},
    {"debits_posted", COLUMN_AMOUNT},
    {"credits_posted", COLUMN_AMOUNT},
    {"debits_pending", COLUMN_AMOUNT},
    {"credits_pending", COLUMN_AMOUNT},
    {"balance", COLUMN_AMOUNT},
    {"limit", COLUMN_AMOUNT},
    {"entries", COLUMN_NUMBER},
    {"last_page_height", COLUMN_NUMBER},
    {"head", COLUMN_TEXT},
};
#define LIST_COLUMNS 12 /* a list leaves the last two out */
#define SHOW_COLUMNS 14

static void print_account(struct output *output, const struct home *home,
                          const struct account *account, bool whole)
{
    unsigned exponent = names_exponent(home->names, account->currency);
    char number[16];
    snprintf(number, sizeof number, "%u", account->participant);
    output_number(output, account->number);
    output_text(output, account->participant == 0 ? "hub" : number);
    output_text(output, names_participant_name(home->names, account->participant));
    output_text(output, account_class_name(account->class));
    output_text(output, names_currency_code(home->names, account->currency));
    for (unsigned i = 0; i < ACCOUNT_TOTALS; i++) {
        output_amount(output, (__int128)account->totals[i].minor, exponent);
    }
    output_amount(output, account_balance(account).minor, exponent);
    output_amount(output, (__int128)account->limit, exponent);
    output_number(output, account->entries);
    if (whole) {
        output_number(output, account->last_page_height);
        output_hash(output, &account->head);
    }
}

/* What --participant, --currency and --class leave. */
struct filter {
    const char *participant;
    uint32_t number;
    const struct genesis_currency *currency;
    enum account_class class;
    bool by_class, all;
};

static int read_filter(const struct args *args, const struct home *home, struct filter *filter)
{
    const char *currency = args_value(args, "currency");
    const char *class = args_value(args, "class");
    int code = EXIT_CLEAN;
    memset(filter, 0, sizeof *filter);
    filter->participant = args_value(args, "participant");
    filter->by_class = class != NULL;
    filter->all = args_flag(args, "all");
    if (filter->participant != NULL) {
        code = home_find_participant(home, filter->participant, &filter->number);
    }
    if (code == EXIT_CLEAN && currency != NULL) {
        code = home_find_currency(home, currency, &filter->currency);
    }
    if (code == EXIT_CLEAN && class != NULL) {
        code = account_class_of_word(class, &filter->class);
    }
    return code;
}

static bool passes(const struct filter *filter, const struct account *account)
{
    return (filter->participant == NULL || account->participant == filter->number) &&
           (filter->currency == NULL || account->currency == filter->currency->numeric) &&
           (!filter->by_class || account->class == filter->class) &&
           (filter->all || account->entries > 0);
}

static int run_list(const struct args *args)
{
    struct home home;
    struct filter filter;
    enum output_format format;
    if (output_format_of(args, &format) != STATUS_OK) {
        return EXIT_USAGE;
    }
    int code = home_open(args, &home);
    if (code != EXIT_CLEAN) {
        return code;
    }
    code = read_filter(args, &home, &filter);
    if (code == EXIT_CLEAN) {
        code = check_accounts(&home);
    }
    if (code == EXIT_CLEAN) {
        struct output *output = output_list(stdout, format, columns, LIST_COLUMNS);
        uint32_t count = home_account_count(&home);
        for (uint32_t number = 0; number < count && code == EXIT_CLEAN; number++) {
            struct account account;
            enum status status = home_read_account(&home, number, &account);
            if (status != STATUS_OK) {
                code = home_failure(STATUS_CORRUPT, "account %u", number);
            } else if (passes(&filter, &account)) {
                print_account(output, &home, &account, false);
            }
        }
        output_end(output);
    }
    home_close(&home);
    return code;
}

static int run_show(const struct args *args)
{
    struct home home;
    struct account account;
    enum output_format format;
    uint64_t number;
    if (output_format_of(args, &format) != STATUS_OK) {
        return EXIT_USAGE;
    }
    if (number_parse(args->operands[0], LIMIT_ACCOUNTS - 1, &number) != STATUS_OK) {
        complain("account show: \"%s\" is not an account's number; hefu account list --all lists "
                 "them",
                 args->operands[0]);
        return EXIT_USAGE;
    }
    int code = home_open(args, &home);
    if (code != EXIT_CLEAN) {
        return code;
    }
    enum status status = home_read_account(&home, (uint32_t)number, &account);
    if (status == STATUS_NOT_FOUND && number < home_account_count(&home)) {
        status = STATUS_CORRUPT;
    }
    if (status != STATUS_OK) {
        code = home_failure(status, "account %llu", (unsigned long long)number);
    } else {
        struct output *output = output_single(stdout, format, columns, SHOW_COLUMNS);
        print_account(output, &home, &account, true);
        output_end(output);
    }
    home_close(&home);
    return code;
}

/* Sums of one currency, by class, over all accounts. */
struct sums {
    __int128 totals[ACCOUNT_FUND + 1][ACCOUNT_TOTALS];
    uint32_t accounts[ACCOUNT_FUND + 1];
};

static void print_sums(struct output *output, const struct genesis_currency *currency,
                       const char *class, uint32_t accounts, const __int128 totals[ACCOUNT_TOTALS])
{
    output_text(output, currency->code);
    output_text(output, class);
    output_number(output, accounts);
    for (unsigned i = 0; i < ACCOUNT_TOTALS; i++) {
        output_amount(output, totals[i], currency->exponent);
    }
    output_amount(output, totals[TOTAL_CREDITS_POSTED] - totals[TOTAL_DEBITS_POSTED],
                  currency->exponent);
}

/* Prints a currency's rows; whether it adds up. */
static bool print_currency(struct output *output, const struct genesis_currency *currency,
                           const struct sums *sums)
{
    __int128 all[ACCOUNT_TOTALS] = {0};
    uint32_t accounts = 0;
    for (unsigned class = ACCOUNT_SETTLEMENT; class <= ACCOUNT_FUND; class ++) {
        for (unsigned i = 0; i < ACCOUNT_TOTALS; i++) {
            all[i] += sums->totals[class][i];
        }
        accounts += sums->accounts[class];
        print_sums(output, currency, account_class_name(class), sums->accounts[class],
                   sums->totals[class]);
    }
    print_sums(output, currency, "TOTAL", accounts, all);
    return all[TOTAL_DEBITS_POSTED] == all[TOTAL_CREDITS_POSTED] &&
           all[TOTAL_DEBITS_PENDING] == all[TOTAL_CREDITS_PENDING];
}

static int sum_currency(const struct home *home, uint16_t currency, struct sums *sums)
{
    uint32_t count = home_account_count(home);
    memset(sums, 0, sizeof *sums);
    for (uint32_t number = 0; number < count; number++) {
        struct account account;
        if (home_read_account(home, number, &account) != STATUS_OK) {
            return home_failure(STATUS_CORRUPT, "account %u", number);
        }
        for (unsigned i = 0; i < ACCOUNT_TOTALS && account.currency == currency; i++) {
            sums->totals[account.class][i] += (__int128)account.totals[i].minor;
        }
        sums->accounts[account.class] += account.currency == currency ? 1 : 0;
    }
    return EXIT_CLEAN;
}

static int run_trial_balance(const struct args *args)
{
    static const struct column sum_columns[] = {
        {"currency", COLUMN_TEXT},          {"class", COLUMN_TEXT},
        {"accounts", COLUMN_NUMBER},        {"debits_posted", COLUMN_AMOUNT},
        {"credits_posted", COLUMN_AMOUNT},  {"debits_pending", COLUMN_AMOUNT},
        {"credits_pending", COLUMN_AMOUNT}, {"balance", COLUMN_AMOUNT}};
    struct home home;
    enum output_format format;
    bool balanced = true;
    if (output_format_of(args, &format) != STATUS_OK) {
        return EXIT_USAGE;
    }
    int code = home_open(args, &home);
    if (code != EXIT_CLEAN) {
        return code;
    }
    code = check_accounts(&home);
    if (code != EXIT_CLEAN) {
        home_close(&home);
        return code;
    }
    struct output *output = output_list(stdout, format, sum_columns, 8);
    for (uint32_t i = 0; i < home.genesis.currency_count && code == EXIT_CLEAN; i++) {
        struct sums sums;
        code = sum_currency(&home, home.genesis.currencies[i].numeric, &sums);
        if (code == EXIT_CLEAN) {
            balanced = print_currency(output, &home.genesis.currencies[i], &sums) && balanced;
        }
    }
    output_end(output);
    if (code == EXIT_CLEAN && !balanced) {
        complain("debits and credits differ: the ledger is damaged");
        code = EXIT_INTEGRITY;
    } else if (code == EXIT_CLEAN && format == OUTPUT_TABLE) {
        printf("Debits equal credits at height %llu.\n", (unsigned long long)home.final.height);
    }
    home_close(&home);
    return code;
}

static const struct verb_option list_options[] = {
    {"participant", "P", "only this participant's (or \"hub\")"},
    {"currency", "C", "only this currency's"},
    {"class", "CLASS", "SETTLEMENT, POSITION, COLLATERAL, CLAIM, CASH, PAYOUT, NETTING, FUND"},
    {"all", NULL, "also accounts that nothing was ever posted to"},
    {NULL, NULL, NULL},
};

const struct verb verb_account_list = {
    .name = "account list",
    .operands = "",
    .uses = USES_HOME | USES_FORMAT,
    .summary = "accounts with their totals and balances",
    .description =
        "Lists accounts in the order of their numbers. A balance is credits less debits:\n"
        "positive is money the holder has, negative money it owes. POSITION is the net of\n"
        "the cycles that are not settled yet, SETTLEMENT is prefunded money. limit is the\n"
        "cap on the exposure of a POSITION.",
    .options = list_options,
    .examples = "hefu account list --home NET/node-0 --class POSITION\n"
                "hefu account list --home NET/node-0 --participant harbour-bank --format json",
    .run = run_list,
};

const struct verb verb_account_show = {
    .name = "account show",
    .operands = "NUMBER",
    .operands_min = 1,
    .operands_max = 1,
    .uses = USES_HOME | USES_FORMAT,
    .summary = "one account, with the head of its pages",
    .description =
        "Shows one account as it stands in the accounts tree. head is the hash over all of\n"
        "its pages: `hefu statement` recomputes it.",
    .examples = "hefu account show 12 --home NET/node-0",
    .run = run_show,
};

const struct verb verb_trial_balance = {
    .name = "trial-balance",
    .operands = "",
    .uses = USES_HOME | USES_FORMAT,
    .summary = "sums by currency and class; debits must equal credits",
    .description =
        "Adds up all accounts by currency and class. Exit status 3 if the debits of a\n"
        "currency do not equal its credits, posted or pending, or if the accounts do not\n"
        "give the accounts_root that a quorum signed.",
    .examples = "hefu trial-balance --home NET/node-0\n"
                "hefu trial-balance --home NET/node-0 --format json",
    .run = run_trial_balance,
};
