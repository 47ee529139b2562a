/*
 * load: takes up the state that a store holds (see ledger.h). Static tables must be what genesis
 * says; the rest is decoded, and then checked as a whole against the last final header.
 */
#include "base/check.h"
#include "ledger/action_rows.h"
#include "ledger/actions.h"
#include "ledger/digest.h"
#include "ledger/invariant.h"
#include "ledger/opening.h"
#include "ledger/outcome.h"
#include "ledger/roster.h"
#include "ledger/state.h"

bool ledger_table_is_resident(enum ledger_table table)
{
    switch (table) {
    case TABLE_STATE:
    case TABLE_ACCOUNTS:
    case TABLE_PARTICIPANTS:
    case TABLE_LIMITS:
    case TABLE_SERVICES:
    case TABLE_SCHEMES:
    case TABLE_CYCLES:
    case TABLE_CYCLE_NETS:
    case TABLE_CALENDARS:
    case TABLE_PARAMETERS:
    case TABLE_VALIDATORS:
    case TABLE_ACTIONS:
    case TABLE_QUEUE:
        return true;
    case TABLE_PAGES:
    case TABLE_IDS:
    case TABLE_LIFE:
    case TABLE_SOURCES:
    case TABLE_EVENTS:
    case TABLE_TRANSACTIONS:
    case TABLE_EVIDENCE:
    case TABLE_EXPIRY:
    case LEDGER_TABLE_COUNT:
        break;
    }
    return false;
}

static enum status load_account(struct ledger *ledger, struct span key, struct span value)
{
    struct account account;
    if (key.length != ACCOUNT_KEY_BYTES || account_decode(value, &account) != STATUS_OK ||
        account.number != get_be32(key.data) || account.number >= ledger->limits.accounts_max) {
        return STATUS_CORRUPT;
    }
    ledger->accounts[account.number] = account;
    return STATUS_OK;
}

static enum status load_cycle(struct ledger *ledger, struct span key, struct span value)
{
    struct cycle_row row;
    return cycle_decode(key, value, &row) == STATUS_OK ? cycle_load(ledger, &row) : STATUS_CORRUPT;
}

static enum status load_net(struct ledger *ledger, struct span key, struct span value)
{
    struct net_row row;
    return net_decode(key, value, &row) == STATUS_OK ? cycle_load_net(ledger, &row)
                                                     : STATUS_CORRUPT;
}

static enum status load_queued(struct ledger *ledger, struct span key, struct span value)
{
    struct queue_row row;
    return queue_decode(key, value, &row) == STATUS_OK ? queue_load(ledger, &row) : STATUS_CORRUPT;
}

static enum status load_state(struct ledger *ledger, struct span key, struct span value)
{
    struct state_row row;
    if (key.length != STATE_KEY_BYTES || memcmp(key.data, "state", STATE_KEY_BYTES) != 0 ||
        state_decode(value, &row) != STATUS_OK) {
        return STATUS_CORRUPT;
    }
    ledger->state = row;
    return STATUS_OK;
}

/* The last epoch's set is the one that votes; the others are history. An incarnation's first is
   that of its document. */
static enum status load_validators(struct ledger *ledger, struct span key, struct span value)
{
    struct roster row;
    if (validators_decode(key, value, &row) != STATUS_OK || row.epoch == 0) {
        return STATUS_CORRUPT;
    }
    const struct incarnation *incarnation = lineage_at_epoch(ledger->lineage, row.epoch);
    if (row.epoch == incarnation_first_epoch(incarnation)) {
        uint8_t own[VALIDATORS_VALUE_BYTES_MAX];
        struct roster genesis;
        roster_from_genesis(incarnation->genesis, &genesis);
        size_t length = validators_encode(&genesis, own);
        if (length != value.length || memcmp(own, value.data, length) != 0) {
            return STATUS_CORRUPT;
        }
    }
    if (row.epoch > ledger->roster.epoch) {
        ledger->roster = row;
    }
    return STATUS_OK;
}

static enum status load_row(struct ledger *ledger, enum ledger_table table, struct span key,
                            struct span value)
{
    switch (table) {
    case TABLE_STATE:
        return load_state(ledger, key, value);
    case TABLE_ACCOUNTS:
        return load_account(ledger, key, value);
    case TABLE_PARTICIPANTS:
    case TABLE_LIMITS:
    case TABLE_SERVICES:
    case TABLE_SCHEMES:
    case TABLE_CALENDARS:
    case TABLE_PARAMETERS:
        return refdata_load(ledger, table, key, value);
    case TABLE_CYCLES:
        return load_cycle(ledger, key, value);
    case TABLE_CYCLE_NETS:
        return load_net(ledger, key, value);
    case TABLE_QUEUE:
        return load_queued(ledger, key, value);
    case TABLE_VALIDATORS:
        return load_validators(ledger, key, value);
    case TABLE_ACTIONS:
        return actions_load(ledger, key, value);
    case TABLE_PAGES:
    case TABLE_IDS:
    case TABLE_LIFE:
    case TABLE_SOURCES:
    case TABLE_EVENTS:
    case TABLE_TRANSACTIONS:
    case TABLE_EVIDENCE:
    case TABLE_EXPIRY:
    case LEDGER_TABLE_COUNT:
        break;
    }
    return STATUS_USAGE;
}

/* Tables whose rows name participants, services or schemes, all of which come before them. */
static bool looks_up(enum ledger_table table)
{
    return table == TABLE_CYCLES || table == TABLE_CYCLE_NETS || table == TABLE_QUEUE ||
           table == TABLE_VALIDATORS || table == TABLE_ACTIONS;
}

enum status ledger_load_row(struct ledger *ledger, enum ledger_table table, struct span key,
                            struct span value)
{
    CHECK(!ledger->speculative && ledger->generation == 0);
    if (looks_up(table) && ledger->loaded[table] == 0 && refdata_load_done(ledger, false) != NULL) {
        return STATUS_CORRUPT;
    }
    enum status status = load_row(ledger, table, key, value);
    if (status == STATUS_OK) {
        ledger->loaded[table]++;
    }
    return status;
}

/* Rows that nothing removes. */
static const char *check_counts(const struct ledger *ledger)
{
    if (ledger->loaded[TABLE_ACCOUNTS] != ledger->account_count) {
        return "a row of the accounts is missing";
    }
    if (ledger->loaded[TABLE_PARAMETERS] != 1) {
        return "the row of the parameters is missing";
    }
    if (ledger->loaded[TABLE_VALIDATORS] != ledger->roster.epoch) {
        return "an epoch of the validators is missing";
    }
    return NULL;
}

/* Accounts come before the participants whose they are. */
static const char *check_accounts(const struct ledger *ledger)
{
    for (uint32_t i = 0; i < ledger->account_count; i++) {
        struct account expected;
        opening_account(ledger, i, &expected);
        const struct account *account = &ledger->accounts[i];
        if (account->participant != expected.participant ||
            account->currency != expected.currency || account->class != expected.class) {
            return "an account is not whose its number says";
        }
    }
    return NULL;
}

static uint64_t epoch_after(const struct block_header *header)
{
    bool ends = header->height == 0 || (header->flags & BLOCK_TERMINAL) != 0;
    return header->epoch + (ends ? 1 : 0);
}

static const char *check_against_header(struct ledger *ledger, const struct block_header *header)
{
    const struct state_row *state = &ledger->state;
    struct hash own_hash = block_hash(header);
    if (state->height != header->height || !hash_equal(&state->block_hash, &own_hash)) {
        return "the state row is not of the last final block";
    }
    ledger->chain_id = lineage_at_height(ledger->lineage, header->height)->chain_id;
    if (!hash_equal(&ledger->chain_id, &header->chain_id)) {
        return "the last final block's chain id is not that of its height";
    }
    if (state->timestamp_ms != header->timestamp_ms || state->epoch != header->epoch ||
        state->total_records != header->total_records) {
        return "the state row's time, epoch or count is not the header's";
    }
    struct hash history = merkle_frontier_root(&state->history);
    if (state->history.size != header->height || !hash_equal(&history, &header->history_root)) {
        return "the history is not the header's history_root";
    }
    struct hash accounts = merkle_dense_root(&ledger->tree);
    if (!hash_equal(&accounts, &header->accounts_root)) {
        return "the accounts are not the header's accounts_root";
    }
    const char *what = cycle_load_done(ledger);
    if (what == NULL) {
        what = actions_load_done(ledger);
    }
    if (what == NULL) {
        what = queue_load_done(ledger);
    }
    if (what != NULL) {
        return what;
    }
    if (!hash_equal(&ledger->roster.hash, &header->next_validators_hash) ||
        ledger->roster.epoch != epoch_after(header)) {
        return "the validators are not those that the header leaves";
    }
    struct hash root = digest_state_root(state->digests);
    return hash_equal(&root, &header->state_root)
               ? NULL
               : "the state row's digests are not the header's state_root";
}

enum status ledger_load_done(struct ledger *ledger, const struct block_header *final_header,
                             const char **ret_what)
{
    CHECK(!ledger->speculative && ledger->generation == 0);
    const char *what = refdata_load_done(ledger, true);
    if (what == NULL) {
        opening_resize(ledger);
        what = check_counts(ledger);
    }
    if (what == NULL) {
        what = check_accounts(ledger);
    }
    if (what == NULL) {
        what = check_against_header(ledger, final_header);
    }
    if (what == NULL) {
        what = invariant_check_all(ledger);
    }
    if (what != NULL) {
        *ret_what = what;
        return STATUS_CORRUPT;
    }
    return STATUS_OK;
}
