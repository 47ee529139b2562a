/* args: parsing and help from the description of a verb (see args.h). */
#include "cli/args.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "cli/text.h"

static const struct verb_option format_option = {"format", "FORMAT",
                                                 "table (the default), csv, json or jsonl"};
static const struct verb_option lines_option = {"format", "FORMAT",
                                                "jsonl (the default), table, csv or json"};
static const struct verb_option home_option = {
    "home", "DIR", "a node's home, or a copy of its data; default: $HEFU_HOME"};
static const struct verb_option client_option = {
    "client", "DIR", "a client profile, whose node is asked; default: $HEFU_CLIENT"};
static const struct verb_option help_option = {"help", NULL, "this page"};

void complain(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("hefu: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
}

/* The verb's options, own ones first; NULL past the last. */
static const struct verb_option *option_at(const struct verb *verb, unsigned at)
{
    const struct verb_option *own = verb->options;
    for (; own != NULL && own->name != NULL; own++) {
        if (at-- == 0) {
            return own;
        }
    }
    const struct verb_option *common[] = {
        (verb->uses & USES_HOME) != 0 ? &home_option : NULL,
        (verb->uses & USES_CLIENT) != 0 ? &client_option : NULL,
        (verb->uses & USES_FORMAT) != 0 ? &format_option : NULL,
        (verb->uses & USES_FORMAT_LINES) != 0 ? &lines_option : NULL,
        &help_option,
    };
    for (unsigned i = 0; i < sizeof common / sizeof common[0]; i++) {
        if (common[i] != NULL && at-- == 0) {
            return common[i];
        }
    }
    return NULL;
}

static const struct verb_option *option_named(const struct verb *verb, const char *name,
                                              size_t length)
{
    const struct verb_option *option;
    for (unsigned at = 0; (option = option_at(verb, at)) != NULL; at++) {
        if (strlen(option->name) == length && memcmp(option->name, name, length) == 0) {
            return option;
        }
    }
    return NULL;
}

static enum status usage(const struct verb *verb)
{
    fprintf(stderr, "Try: hefu %s --help\n", verb->name);
    return STATUS_USAGE;
}

/* One "--name[=value]"; *at moves past a value that is its own word. */
static enum status take_option(const struct verb *verb, int count, char *const *words, int *at,
                               struct args *args)
{
    const char *name = words[*at] + 2;
    const char *equals = strchr(name, '=');
    size_t length = equals != NULL ? (size_t)(equals - name) : strlen(name);
    const struct verb_option *option = option_named(verb, name, length);
    if (option == NULL) {
        complain("%s has no option --%.*s", verb->name, (int)length, name);
        return usage(verb);
    }
    const char *value = option->name;
    if (option->argument == NULL && equals != NULL) {
        complain("--%s takes no value", option->name);
        return usage(verb);
    }
    if (option->argument != NULL) {
        value = equals != NULL ? equals + 1 : *at + 1 < count ? words[++*at] : NULL;
        if (value == NULL || *value == '\0') {
            complain("--%s needs a value: --%s %s", option->name, option->name, option->argument);
            return usage(verb);
        }
    }
    if (args_value(args, option->name) != NULL || args->given_count == ARGS_OPTIONS_MAX) {
        complain("--%s is given twice", option->name);
        return usage(verb);
    }
    args->help = args->help || option == &help_option;
    args->given_names[args->given_count] = option->name;
    args->given_values[args->given_count++] = value;
    return STATUS_OK;
}

enum status args_parse(const struct verb *verb, int count, char *const *words,
                       struct args *ret_args)
{
    struct args args = {.verb = verb};
    bool options = true;
    for (int at = 0; at < count; at++) {
        const char *word = words[at];
        if (options && strcmp(word, "--") == 0) {
            options = false;
        } else if (options && strcmp(word, "-h") == 0) {
            args.help = true;
        } else if (options && strncmp(word, "--", 2) == 0) {
            enum status status = take_option(verb, count, words, &at, &args);
            if (status != STATUS_OK) {
                return status;
            }
        } else if (options && word[0] == '-' && word[1] != '\0') {
            complain("%s: options are long, such as --help; there is no %s", verb->name, word);
            return usage(verb);
        } else if (args.operand_count == verb->operands_max) {
            complain("%s: \"%s\" is one word too many", verb->name, word);
            return usage(verb);
        } else {
            args.operands[args.operand_count++] = word;
        }
    }
    if (!args.help && args.operand_count < verb->operands_min) {
        complain("%s needs %s", verb->name, verb->operands);
        return usage(verb);
    }
    *ret_args = args;
    return STATUS_OK;
}

const char *args_value(const struct args *args, const char *name)
{
    for (unsigned i = 0; i < args->given_count; i++) {
        if (strcmp(args->given_names[i], name) == 0) {
            return args->given_values[i];
        }
    }
    return NULL;
}

bool args_flag(const struct args *args, const char *name)
{
    return args_value(args, name) != NULL;
}

enum status args_number(const struct args *args, const char *name, uint64_t fallback, uint64_t max,
                        uint64_t *ret_number)
{
    const char *text = args_value(args, name);
    uint64_t number = fallback;
    if (text != NULL && number_parse(text, max, &number) != STATUS_OK) {
        complain("--%s takes a whole number from 0 to %llu, not \"%s\"", name,
                 (unsigned long long)max, text);
        return usage(args->verb);
    }
    *ret_number = number;
    return STATUS_OK;
}

/* Prints text with an indent on each line. */
static void print_indented(const char *text)
{
    bool line_start = true;
    for (; *text != '\0'; text++) {
        if (line_start && *text != '\n') {
            fputs("    ", stdout);
        }
        putchar(*text);
        line_start = *text == '\n';
    }
    if (!line_start) {
        putchar('\n');
    }
}

static void print_exit_codes(const struct verb *verb)
{
    puts("\nEXIT STATUS\n    0  clean\n    1  findings: a rejected record, a mismatch\n"
         "    2  wrong usage, or a file that cannot be read\n"
         "    3  integrity failure: damaged or forged data\n    4  not found");
    if ((verb->uses & USES_HOME) != 0) {
        puts("    5  it existed and was pruned");
    }
    if ((verb->uses & USES_CLIENT) != 0) {
        puts("    6  the node cannot be reached");
    }
}

void args_print_help(const struct verb *verb)
{
    printf("NAME\n    hefu %s - %s\n", verb->name, verb->summary);
    printf("\nSYNOPSIS\n    hefu %s%s%s [OPTION]...\n", verb->name,
           verb->operands[0] != '\0' ? " " : "", verb->operands);
    puts("\nDESCRIPTION");
    print_indented(verb->description);
    puts("\nOPTIONS");
    const struct verb_option *option;
    for (unsigned at = 0; (option = option_at(verb, at)) != NULL; at++) {
        char left[40];
        snprintf(left, sizeof left, "--%s%s%s", option->name, option->argument != NULL ? " " : "",
                 option->argument != NULL ? option->argument : "");
        printf("    %-22s%s%s\n", left, strlen(left) >= 22 ? "\n                          " : "",
               option->help);
    }
    puts("\nEXAMPLES");
    print_indented(verb->examples);
    print_exit_codes(verb);
}
