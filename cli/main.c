/* main: the tool `hefu`: finds the verb that the first words name and runs it. */
#include <sodium/core.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/verbs.h"

static const struct verb *const verbs[] = {
    &verb_testnet_init,  &verb_key_new,          &verb_key_show,        &verb_status,
    &verb_submit,        &verb_receipt,          &verb_block_list,      &verb_block_show,
    &verb_record_show,   &verb_record_history,   &verb_exceptions,      &verb_disputes,
    &verb_account_list,  &verb_account_show,     &verb_trial_balance,   &verb_statement,
    &verb_cycle_list,    &verb_cycle_show,       &verb_cycle_net,       &verb_cycle_preview,
    &verb_queue,         &verb_limits,           &verb_participant,     &verb_service,
    &verb_scheme,        &verb_action_propose,   &verb_action_approve,  &verb_action_disapprove,
    &verb_action_list,   &verb_action_show,      &verb_verify,          &verb_tail,
    &verb_evidence_list, &verb_evidence_show,    &verb_evidence_export, &verb_evidence_verify,
    &verb_genesis_show,  &verb_genesis_continue, &verb_genesis_adopt,
};

#define VERB_COUNT (sizeof verbs / sizeof verbs[0])

static void print_overview(FILE *file)
{
    fputs("Usage: hefu VERB [OPERAND]... [OPTION]...\n\n", file);
    for (size_t i = 0; i < VERB_COUNT; i++) {
        char left[48];
        snprintf(left, sizeof left, "%s %s", verbs[i]->name, verbs[i]->operands);
        fprintf(file, "  %-28s %s\n", left, verbs[i]->summary);
    }
    fputs("\nhefu VERB --help describes a verb, with examples. Verbs that read a ledger take\n"
          "--home DIR (or $HEFU_HOME), a node's home, also while the node runs, or a copy of its\n"
          "data; verbs that talk to a node take --client DIR (or $HEFU_CLIENT), a profile.\n"
          "Exit status: 0 clean, 1 findings, 2 wrong usage, 3 integrity failure, 4 not found,\n"
          "5 pruned, 6 node not reachable.\n",
          file);
}

/* The verb whose words stand first, and how many words that are. */
static const struct verb *find_verb(int count, char *const *words, int *ret_used)
{
    for (size_t i = 0; i < VERB_COUNT; i++) {
        char name[48] = "";
        const char *own = verbs[i]->name;
        int used = strchr(own, ' ') == NULL ? 1 : 2;
        if (count >= used) {
            snprintf(name, sizeof name, "%s%s%s", words[0], used == 2 ? " " : "",
                     used == 2 ? words[1] : "");
        }
        if (strcmp(name, own) == 0) {
            *ret_used = used;
            return verbs[i];
        }
    }
    return NULL;
}

/* "hefu block": what can follow. */
static bool print_family(FILE *file, const char *word)
{
    bool found = false;
    for (size_t i = 0; i < VERB_COUNT; i++) {
        size_t length = strlen(word);
        if (strncmp(verbs[i]->name, word, length) == 0 && verbs[i]->name[length] == ' ') {
            fprintf(file, "%s hefu %s%s%s\n", found ? "      " : "Usage:", verbs[i]->name,
                    verbs[i]->operands[0] != '\0' ? " " : "", verbs[i]->operands);
            found = true;
        }
    }
    return found;
}

static int run(int argc, char **argv)
{
    if (sodium_init() < 0) {
        complain("the cryptographic library does not start");
        return EXIT_INTEGRITY;
    }
    if (argc < 2) {
        print_overview(stderr);
        return EXIT_USAGE;
    }
    const char *word = argv[1];
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) {
        print_overview(stdout);
        return EXIT_CLEAN;
    }
    if (strcmp(word, "--version") == 0) {
        puts("hefu " HEFU_VERSION);
        return EXIT_CLEAN;
    }
    int used = 0;
    const struct verb *verb = find_verb(argc - 1, argv + 1, &used);
    if (verb == NULL) {
        bool asked = argc == 3 && strcmp(argv[2], "--help") == 0;
        if (print_family(asked ? stdout : stderr, word)) {
            return asked ? EXIT_CLEAN : EXIT_USAGE;
        }
        complain("there is no verb \"%s\"; hefu --help lists them", word);
        return EXIT_USAGE;
    }
    struct args args;
    if (args_parse(verb, argc - 1 - used, argv + 1 + used, &args) != STATUS_OK) {
        return EXIT_USAGE;
    }
    if (args.help) {
        args_print_help(verb);
        return EXIT_CLEAN;
    }
    return verb->run(&args);
}

int main(int argc, char **argv)
{
    int code = run(argc, argv);
    /* An error of an earlier flush stays in ferror: a statement cut short by a full disk is none.
     */
    bool written = fflush(stdout) == 0;
    written = ferror(stdout) == 0 && written;
    if (!written && code == EXIT_CLEAN) {
        complain("the output could not be written: is the disk full?");
        code = EXIT_USAGE;
    }
    return code;
}
