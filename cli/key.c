/* key: `hefu key new` and `hefu key show`: the key files of docs/operations.md. */
#include <stdio.h>
#include <string.h>

#include "cli/output.h"
#include "cli/verbs.h"
#include "node/config.h"
#include "node/keys.h"
#include "node/passphrase.h"
#include "node/register.h"

#define ERROR_BYTES 512

static int show(const struct args *args, const char *path)
{
    static const struct column columns[] = {{"file", COLUMN_TEXT},
                                            {"kind", COLUMN_TEXT},
                                            {"public_key", COLUMN_TEXT},
                                            {"passes", COLUMN_NUMBER},
                                            {"memory_bytes", COLUMN_NUMBER}};
    char error[ERROR_BYTES];
    struct key_file_info info;
    enum output_format format;
    if (output_format_of(args, &format) != STATUS_OK) {
        return EXIT_USAGE;
    }
    enum status status = key_file_inspect(path, &info, error, sizeof error);
    if (status != STATUS_OK) {
        complain("%s", error);
        return status == STATUS_NOT_FOUND ? EXIT_NOT_FOUND : EXIT_USAGE;
    }
    struct output *output = output_single(stdout, format, columns, 5);
    output_text(output, path);
    output_text(output, info.kind == KEY_SIGNING ? "signing" : "transport");
    output_hex(output, info.public_key, sizeof info.public_key);
    output_number(output, info.cost.passes);
    output_number(output, info.cost.memory_bytes);
    output_end(output);
    return EXIT_CLEAN;
}

/* One file of a fresh key. */
static enum status write_key(const char *path, const char *kind,
                             const struct passphrase *passphrase, char *error, size_t capacity)
{
    enum status status = STATUS_NO_MEMORY;
    snprintf(error, capacity, "no lockable memory for a key; raise the limit (ulimit -l)");
    if (strcmp(kind, "transport") == 0) {
        struct noise_key_pair *pair = transport_pair_new();
        if (pair != NULL) {
            status =
                key_file_write_transport(path, pair, passphrase, &KEY_COST_USUAL, error, capacity);
        }
        transport_pair_free(pair);
        return status;
    }
    struct signing_key *key = signing_key_new();
    if (key != NULL) {
        status = key_file_write_signing(path, key, passphrase, &KEY_COST_USUAL, error, capacity);
    }
    if (status == STATUS_OK && strcmp(kind, "consensus") == 0) {
        /* A validator's key begins its life with an empty vote register. */
        char register_path[CONFIG_PATH_MAX];
        snprintf(register_path, sizeof register_path, "%s.register", path);
        status = register_create(register_path, signing_key_public(key), error, capacity);
    }
    signing_key_free(key);
    return status;
}

static int run_new(const struct args *args)
{
    const char *path = args->operands[0];
    const char *kind = args_value(args, "kind") != NULL ? args_value(args, "kind") : "signing";
    const char *file = args_value(args, "passphrase-file");
    char error[ERROR_BYTES];
    struct passphrase *passphrase = NULL;
    if (strcmp(kind, "signing") != 0 && strcmp(kind, "consensus") != 0 &&
        strcmp(kind, "transport") != 0) {
        complain("--kind takes signing, consensus or transport, not \"%s\"", kind);
        return EXIT_USAGE;
    }
    if (strlen(path) > CONFIG_PATH_MAX - 16) {
        complain("%s: the path is too long", path);
        return EXIT_USAGE;
    }
    enum status status = file != NULL ? passphrase_from_file(file, &passphrase, error, sizeof error)
                                      : passphrase_prompt("New passphrase: ", true, &passphrase,
                                                          error, sizeof error);
    if (status == STATUS_OK) {
        status = write_key(path, kind, passphrase, error, sizeof error);
    }
    passphrase_free(passphrase);
    if (status != STATUS_OK) {
        complain("%s", error);
        return EXIT_USAGE;
    }
    return show(args, path);
}

static int run_show(const struct args *args)
{
    return show(args, args->operands[0]);
}

static const struct verb_option new_options[] = {
    {"kind", "KIND", "signing (batches; the default), consensus (a validator's) or transport"},
    {"passphrase-file", "FILE", "read the passphrase from its first line; default: ask"},
    {NULL, NULL, NULL},
};

const struct verb verb_key_new = {
    .name = "key new",
    .operands = "FILE",
    .operands_min = 1,
    .operands_max = 1,
    .uses = USES_FORMAT,
    .summary = "make an encrypted key file",
    .description =
        "Makes a key from the system's entropy and writes it to FILE, mode 0600,\n"
        "encrypted under a passphrase (argon2id, XChaCha20-Poly1305). A file that exists\n"
        "is never overwritten. Prints the public key, which is what others are given.\n\n"
        "A consensus key also gets its vote register, FILE.register. Keep both on the\n"
        "same disk, and never restore the register from a backup.",
    .options = new_options,
    .examples = "hefu key new keys/participant.key\n"
                "hefu key new keys/transport.key --kind transport\n"
                "hefu key new keys/consensus.key --kind consensus --passphrase-file secret",
    .run = run_new,
};

const struct verb verb_key_show = {
    .name = "key show",
    .operands = "FILE",
    .operands_min = 1,
    .operands_max = 1,
    .uses = USES_FORMAT,
    .summary = "the public key in a key file",
    .description = "Prints what the file says in the clear. No passphrase is asked, so nothing is\n"
                   "authenticated: compare the public key with the one in genesis.json.",
    .examples = "hefu key show NET/clients/harbour-bank/keys/participant.key --format json",
    .run = run_show,
};
