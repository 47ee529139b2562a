/* home: genesis, store and chain of one node, for reading (see home.h). */
#include "cli/home.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/check.h"
#include "ledger/rows.h"
#include "node/config.h"
#include "node/genesis_file.h"

#define ERROR_BYTES 1024
#define NOT_PROVEN                                                                                 \
    "%s: state, participants, limits, services, schemes, calendars or parameters are not those "   \
    "that the last block names"

const char *home_path(const struct args *args)
{
    const char *path = args_value(args, "home");
    if (path == NULL) {
        path = getenv("HEFU_HOME");
    }
    return path != NULL && *path != '\0' ? path : NULL;
}

int home_failure(enum status status, const char *format, ...)
{
    char what[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    complain("%s: %s", what, status_text(status));
    if (status == STATUS_NOT_FOUND) {
        return EXIT_NOT_FOUND;
    }
    if (status == STATUS_PRUNED) {
        return EXIT_PRUNED;
    }
    return status == STATUS_USAGE ? EXIT_USAGE : EXIT_INTEGRITY;
}

static int open_genesis(struct home *home)
{
    char path[CONFIG_PATH_MAX], error[ERROR_BYTES];
    snprintf(path, sizeof path, "%s/genesis.json", home->path);
    enum status status = lineage_file_read(path, &home->documents, error, sizeof error);
    if (status != STATUS_OK) {
        complain("%s", error);
        return status == STATUS_NOT_FOUND ? EXIT_NOT_FOUND : EXIT_USAGE;
    }
    home->genesis = *lineage_newest(&home->documents.lineage)->genesis;
    if (documents_set(lineage_first(&home->documents.lineage), &home->validators) != STATUS_OK) {
        complain("%s: the validators do not form a set", path);
        return EXIT_USAGE;
    }
    return EXIT_CLEAN;
}

/* The final point of the snapshot, and whether the store belongs to this genesis. */
static int read_final(struct home *home)
{
    struct span chain_id, key;
    enum status status = chain_final(&home->chain, &home->final);
    if (status == STATUS_NOT_FOUND &&
        store_seek(home->store, STORE_BLOCKS, NULL, 0, &key, &chain_id)) {
        status = STATUS_CORRUPT;
    }
    if (status == STATUS_NOT_FOUND) {
        complain("%s: the store is empty; has the node been started?", home->path);
        return EXIT_NOT_FOUND;
    }
    if (status != STATUS_OK) {
        return home_failure(status, "%s: the final point", home->path);
    }
    home->chain_id = lineage_at_height(&home->documents.lineage, home->final.height)->chain_id;
    if (!store_get(home->store, STORE_META, "chain_id", 8, &chain_id) ||
        chain_id.length != HASH_BYTES ||
        memcmp(chain_id.data, home->chain_id.bytes, HASH_BYTES) != 0) {
        complain("%s: chain/ belongs to another genesis.json than the one beside it", home->path);
        return EXIT_INTEGRITY;
    }
    return EXIT_CLEAN;
}

int home_open_bare(const struct args *args, struct home *ret_home)
{
    struct home *home = ret_home;
    memset(home, 0, sizeof *home);
    home->path = home_path(args);
    if (home->path == NULL) {
        complain("%s reads a ledger: give --home DIR, a node's home, or set HEFU_HOME",
                 args->verb->name);
        return EXIT_USAGE;
    }
    if (strlen(home->path) > CONFIG_PATH_MAX - 32) {
        complain("--home: the path is too long");
        return EXIT_USAGE;
    }
    int code = open_genesis(home);
    if (code == EXIT_CLEAN) {
        char error[ERROR_BYTES];
        struct store_options options = {.read_only = true};
        enum status status = store_open(home->path, &options, &home->store, error, sizeof error);
        if (status != STATUS_OK) {
            home->store = NULL;
            complain("%s", error);
            code = status == STATUS_NOT_FOUND ? EXIT_NOT_FOUND
                   : status == STATUS_CORRUPT || status == STATUS_IO || status == STATUS_NO_MEMORY
                       ? EXIT_INTEGRITY
                       : EXIT_USAGE;
        }
    }
    if (code == EXIT_CLEAN) {
        chain_over_store(&home->chain, home->store);
        code = read_final(home);
    }
    if (code != EXIT_CLEAN) {
        home_close(home);
    }
    return code;
}

int home_open(const struct args *args, struct home *ret_home)
{
    int code = home_open_bare(args, ret_home);
    if (code == EXIT_CLEAN && home_read_now(ret_home) != STATUS_OK) {
        code = home_failure(STATUS_CORRUPT, NOT_PROVEN, ret_home->path);
        home_close(ret_home);
    }
    return code;
}

void home_close(struct home *home)
{
    if (home->chain.batch_bytes != NULL) {
        chain_end(&home->chain);
    }
    store_close(home->store);
    names_free(home->names);
    genesis_free(&home->now);
    lineage_file_free(&home->documents);
    memset(home, 0, sizeof *home);
}

int home_refresh(struct home *home)
{
    store_refresh(home->store);
    int code = read_final(home);
    if (code == EXIT_CLEAN && home_read_now(home) != STATUS_OK) {
        code = home_failure(STATUS_CORRUPT, NOT_PROVEN, home->path);
    }
    return code;
}

bool home_account(const struct home *home, uint32_t participant, enum account_class class,
                  uint16_t currency, uint32_t *ret_number)
{
    const struct genesis *genesis = &home->now;
    uint32_t currency_index = 0, participant_index = 0;
    while (currency_index < genesis->currency_count &&
           genesis->currencies[currency_index].numeric != currency) {
        currency_index++;
    }
    if (currency_index == genesis->currency_count ||
        (participant == 0) != (class >= ACCOUNT_CASH)) {
        return false;
    }
    if (participant == 0) {
        *ret_number = account_number_hub(currency_index, class);
        return true;
    }
    while (participant_index < genesis->participant_count &&
           genesis->participants[participant_index].number != participant) {
        participant_index++;
    }
    if (participant_index == genesis->participant_count) {
        return false;
    }
    *ret_number = account_number(genesis->currency_count, participant_index, currency_index, class);
    return true;
}

enum status home_read_account(const struct home *home, uint32_t number, struct account *ret_account)
{
    uint8_t key[ACCOUNT_KEY_BYTES];
    struct span row;
    account_key(number, key);
    if (!store_get(home->store, (enum store_table)TABLE_ACCOUNTS, key, sizeof key, &row)) {
        return STATUS_NOT_FOUND;
    }
    if (account_decode(row, ret_account) != STATUS_OK || ret_account->number != number) {
        return STATUS_CORRUPT;
    }
    const bool known = home_knows_participant(home, ret_account->participant) &&
                       genesis_currency(&home->now, ret_account->currency) != NULL &&
                       account_class_name(ret_account->class) != NULL;
    return known ? STATUS_OK : STATUS_CORRUPT;
}

bool home_knows_participant(const struct home *home, uint32_t number)
{
    return number == 0 || genesis_participant(&home->now, number) != NULL;
}

bool home_knows_record(const struct home *home, const struct record *record)
{
    return home_knows_participant(home, record->payer) &&
           home_knows_participant(home, record->payee) &&
           (record->scheme == 0 || genesis_scheme(&home->now, record->scheme) != NULL) &&
           genesis_currency(&home->now, record->currency) != NULL &&
           record_kind_name(record->kind) != NULL;
}

uint32_t home_account_count(const struct home *home)
{
    struct span key, value;
    if (!store_seek_back(home->store, (enum store_table)TABLE_ACCOUNTS, NULL, 0, &key, &value) ||
        key.length != ACCOUNT_KEY_BYTES) {
        return 0;
    }
    return get_be32(key.data) + 1;
}

int home_find_participant(const struct home *home, const char *word, uint32_t *ret_number)
{
    if (strcasecmp(word, "hub") == 0) {
        *ret_number = 0;
        return EXIT_CLEAN;
    }
    enum status status = names_participant(home->names, word, ret_number);
    if (status != STATUS_OK) {
        complain("\"%s\": %s (number, BIC, clearing code or name)", word,
                 status == STATUS_EXISTS ? "several participants answer to this"
                                         : "there is no such participant");
        return status == STATUS_EXISTS ? EXIT_USAGE : EXIT_NOT_FOUND;
    }
    return EXIT_CLEAN;
}

int home_find_currency(const struct home *home, const char *word,
                       const struct genesis_currency **ret_currency)
{
    if (names_currency(home->names, word, ret_currency) != STATUS_OK) {
        complain("\"%s\": this network has no such currency", word);
        return EXIT_NOT_FOUND;
    }
    return EXIT_CLEAN;
}

int account_class_of_word(const char *word, enum account_class *ret_class)
{
    for (unsigned class = ACCOUNT_SETTLEMENT; class <= ACCOUNT_FUND; class ++) {
        const char *name = account_class_name(class);
        CHECK(name != NULL);
        if (strcasecmp(name, word) == 0) {
            *ret_class = (enum account_class) class;
            return EXIT_CLEAN;
        }
    }
    complain("\"%s\": expected SETTLEMENT, POSITION, COLLATERAL, CLAIM, CASH, PAYOUT, NETTING or "
             "FUND",
             word);
    return EXIT_USAGE;
}
