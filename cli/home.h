/*
 * home: a node's home, or a copy of its data, opened for reading: genesis, the store, the chain in
 * it, and the names to print things by. What is read is one snapshot until home_refresh, so all
 * figures of one command belong to one height.
 */
#ifndef HEFU_CLI_HOME_H
#define HEFU_CLI_HOME_H

#include "cli/args.h"
#include "cli/documents.h"
#include "cli/names.h"
#include "consensus/validators.h"
#include "ledger/account.h"
#include "ledger/genesis.h"
#include "ledger/rows.h"
#include "node/chain.h"
#include "node/store.h"

struct home {
    const char *path;
    struct lineage_file documents; /* genesis.json and those of earlier incarnations */
    struct genesis genesis; /* the newest of them, borrowed; but for its head, as the first was */
    struct genesis now;     /* as of the snapshot: without validators, what actions changed in it */
    struct hash chain_id;   /* of the last final block's incarnation */
    struct validator_set validators; /* of epoch 1, in the first document */
    struct validator_set set;        /* of the epoch that sets_of_epoch was last asked for */
    struct store *store;
    struct chain chain;
    struct names *names;
    struct final_point final;         /* of the snapshot */
    struct hash digests[STATE_SLOTS]; /* under its state_root; with now */
};

/* Opens what --home or HEFU_HOME names. EXIT_CLEAN, or the exit code, told. */
int home_open(const struct args *args, struct home *ret_home) MUST_USE;
/* The same without now and names: for what must be told of a store whose rows may be damaged. */
int home_open_bare(const struct args *args, struct home *ret_home) MUST_USE;
void home_close(struct home *home);
/* Moves to the newest snapshot. EXIT_CLEAN, or the exit code, told. */
int home_refresh(struct home *home) MUST_USE;
/* Reads home->now, and the names for it, from the snapshot, and proves it by the final block's
   state_root. CORRUPT. */
enum status home_read_now(struct home *home) MUST_USE;
/* Whether --home or HEFU_HOME names a home. */
const char *home_path(const struct args *args);

/* Tells what a status of a reading function means, and gives the exit code. */
int home_failure(enum status status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* An account by participant (0: the hub), class and currency. False if there is none. */
bool home_account(const struct home *home, uint32_t participant, enum account_class class,
                  uint16_t currency, uint32_t *ret_number);
/* The stored leaf. NOT_FOUND, or CORRUPT if it is not one, also of whom and in what. */
enum status home_read_account(const struct home *home, uint32_t number,
                              struct account *ret_account) MUST_USE;
/* Whether the network has a participant (0: the hub), and all that a record names: one with a life
   passed those rules, so anything unknown in it is damage and not to be printed as a number. */
bool home_knows_participant(const struct home *home, uint32_t number);
bool home_knows_record(const struct home *home, const struct record *record);
/* Accounts that the snapshot has. */
uint32_t home_account_count(const struct home *home);

/* A participant, currency or class as a person wrote it; EXIT_CLEAN, or EXIT_USAGE, told. */
int home_find_participant(const struct home *home, const char *word, uint32_t *ret_number) MUST_USE;
int home_find_currency(const struct home *home, const char *word,
                       const struct genesis_currency **ret_currency) MUST_USE;
int account_class_of_word(const char *word, enum account_class *ret_class) MUST_USE;

#endif
