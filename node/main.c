/* hefud: one node of a Hefu network (docs/operations.md). Options, configuration, and the loop. */
#include <getopt.h>
#include <sodium/core.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "node/config.h"
#include "node/log.h"
#include "node/loop.h"

#ifndef HEFU_VERSION
#define HEFU_VERSION "unknown"
#endif

#define EXIT_USAGE 2
#define EXIT_INTEGRITY 3

static const char help[] =
    "Usage: hefud --home DIR [--rejoin]\n"
    "Runs one node of a Hefu network: it orders clearing records with the other validators\n"
    "and keeps them in a double-entry ledger. It runs in the foreground and logs logfmt lines\n"
    "on stderr.\n"
    "\n"
    "  --home DIR   the node's home: config.ini, genesis.json, keys/, and chain/, which the\n"
    "               first start makes. HEFU_HOME stands in for it\n"
    "  --rejoin     for one start, when the vote register was lost, damaged or restored: the node\n"
    "               signs nothing until enough others that may vote have been heard, and then\n"
    "               only above everything that the key may have signed. Never while another\n"
    "               process uses the key, and never in a unit file\n"
    "  --help       this text\n"
    "  --version    the version\n"
    "\n"
    "SIGTERM and SIGINT stop it cleanly; it may also be killed at any moment: nothing accepted\n"
    "is lost. The passphrase of its keys comes from the file that config.ini names, or from a\n"
    "prompt.\n"
    "\n"
    "Exit status: 0 stopped cleanly; 2 wrong usage, or a configuration or key file that is\n"
    "missing or malformed; 3 damaged or failing storage, full disk, no memory, a register that is\n"
    "missing, damaged or behind, a key or register that is not this validator's, or a node that\n"
    "halted.\n"
    "\n"
    "Example: hefud --home /srv/hefu/node-0\n"
    "See also: docs/operations.md; 'hefu testnet init' lays out homes, 'hefu status' asks a\n"
    "node.\n";

static const char *parse(int argc, char **argv, bool *ret_rejoin, int *ret_exit)
{
    static const struct option options[] = {{"home", required_argument, NULL, 'H'},
                                            {"rejoin", no_argument, NULL, 'r'},
                                            {"help", no_argument, NULL, 'h'},
                                            {"version", no_argument, NULL, 'v'},
                                            {NULL, 0, NULL, 0}};
    const char *home = getenv("HEFU_HOME");
    int option;
    *ret_exit = -1;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'H') {
            home = optarg;
        } else if (option == 'r') {
            *ret_rejoin = true;
        } else if (option == 'h') {
            (void)fputs(help, stdout);
            *ret_exit = EXIT_SUCCESS;
            return NULL;
        } else if (option == 'v') {
            (void)puts("hefud " HEFU_VERSION);
            *ret_exit = EXIT_SUCCESS;
            return NULL;
        } else {
            (void)fputs("Try 'hefud --help'.\n", stderr);
            *ret_exit = EXIT_USAGE;
            return NULL;
        }
    }
    if (optind < argc) {
        (void)fprintf(stderr, "hefud: unexpected argument \"%s\". Try 'hefud --help'.\n",
                      argv[optind]);
        *ret_exit = EXIT_USAGE;
    } else if (home == NULL) {
        (void)fputs("hefud: which home? Give --home DIR or set HEFU_HOME. Try 'hefud --help'.\n",
                    stderr);
        *ret_exit = EXIT_USAGE;
    }
    return home;
}

/* 3: what people must look at before another start; 2: what an edit of a file or a line mends. */
static int exit_of(enum status status)
{
    static const enum status integrity[] = {STATUS_CORRUPT,  STATUS_IO,          STATUS_NO_SPACE,
                                            STATUS_DIVERGED, STATUS_WRONG_CHAIN, STATUS_BAD_KEY,
                                            STATUS_LOCKED,   STATUS_DENIED,      STATUS_NO_MEMORY};
    if (status == STATUS_OK) {
        return EXIT_SUCCESS;
    }
    for (size_t i = 0; i < sizeof integrity / sizeof integrity[0]; i++) {
        if (integrity[i] == status) {
            return EXIT_INTEGRITY;
        }
    }
    return EXIT_USAGE;
}

int main(int argc, char **argv)
{
    static struct config config;
    char error[2048] = "";
    int code;
    bool rejoin = false;
    const char *home = parse(argc, argv, &rejoin, &code);
    if (code >= 0) {
        return code;
    }
    if (sodium_init() < 0) {
        (void)fputs("hefud: libsodium cannot be initialised\n", stderr);
        return EXIT_INTEGRITY;
    }
    /* A core file would hold the secret keys. */
    const struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
    enum status status = config_read(home, &config, error, sizeof error);
    if (status == STATUS_OK) {
        config.rejoin = rejoin;
        log_configure(config.log_level, 2);
        status = loop_run(&config, error, sizeof error);
    }
    if (status != STATUS_OK) {
        (void)fprintf(stderr, "hefud: %s\n", error);
    }
    return exit_of(status);
}
