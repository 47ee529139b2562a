/*
 * args: the verbs of the command line, their options and their help pages. A verb is described
 * once, as data; parsing, `--help` and the list of verbs all come from that description, so that
 * they cannot disagree. Options are long, in the GNU style, anywhere on the line; `--` ends them.
 */
#ifndef HEFU_CLI_ARGS_H
#define HEFU_CLI_ARGS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

/* The exit codes of docs/integrating.md, Exit codes. */
enum exit_code {
    EXIT_CLEAN = 0,
    EXIT_FINDINGS = 1,  /* a rejected record, a mismatch */
    EXIT_USAGE = 2,     /* a wrong option, an unreadable or malformed file */
    EXIT_INTEGRITY = 3, /* damaged or forged data */
    EXIT_NOT_FOUND = 4,
    EXIT_PRUNED = 5,
    EXIT_UNREACHABLE = 6,
};

#define ARGS_OPTIONS_MAX 24
#define ARGS_POSITIONAL_MAX 4

struct verb_option {
    const char *name;     /* without the dashes */
    const char *argument; /* its name in the help, or NULL: a flag */
    const char *help;
};

enum verb_uses {
    USES_FORMAT = 1,       /* --format */
    USES_HOME = 2,         /* --home, HEFU_HOME */
    USES_CLIENT = 4,       /* --client, HEFU_CLIENT */
    USES_FORMAT_LINES = 8, /* --format, whose default is jsonl: output that goes on */
};

struct args;

struct verb {
    const char *name;     /* "block list" */
    const char *operands; /* "HEIGHT", or "" */
    unsigned operands_min, operands_max;
    unsigned uses; /* mask of enum verb_uses */
    const char *summary;
    const char *description;           /* paragraphs; each line at most 80 columns */
    const struct verb_option *options; /* ended by a NULL name; may be NULL */
    const char *examples;
    int (*run)(const struct args *args);
};

struct args {
    const struct verb *verb;
    unsigned operand_count;
    const char *operands[ARGS_POSITIONAL_MAX];
    unsigned given_count;
    const char *given_names[ARGS_OPTIONS_MAX];
    const char *given_values[ARGS_OPTIONS_MAX];
    bool help;
};

/* Parses what follows the verb's name. On USAGE the reason is already on stderr. */
enum status args_parse(const struct verb *verb, int count, char *const *words,
                       struct args *ret_args) MUST_USE;
/* The option's value, or NULL; for a flag, its name if it was given. */
const char *args_value(const struct args *args, const char *name);
bool args_flag(const struct args *args, const char *name);
/* An option that is a number of at most max; fallback if absent. USAGE (told) otherwise. */
enum status args_number(const struct args *args, const char *name, uint64_t fallback, uint64_t max,
                        uint64_t *ret_number) MUST_USE;

/* The verb's page on stdout, in the order of a manual page. */
void args_print_help(const struct verb *verb);

/* "hefu: ..." on stderr, with a line end. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
