/*
 * state: the ledger from inside: what is committed, what the block being executed has changed, and
 * how each change is taken back. Internal to ledger/ (and to tests that break an invariant).
 *
 *   committed state: state_row, sums, accounts, tree; cycles, queues; registry
 *        │ first change of an item in this block saves it, in the part that owns it
 *   undo: state_row_before, touched accounts, each part's own               ──► ledger_rollback
 *   block: in-block indexes (ids, match keys, lives), events, log of entries ──► outcome
 *
 * Marks carry the number of the execution that set them ("generation"), so that nothing has to be
 * cleared between blocks.
 */
#ifndef HEFU_LEDGER_STATE_H
#define HEFU_LEDGER_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/merkle.h"
#include "ledger/account.h"
#include "ledger/action.h"
#include "ledger/cycle.h"
#include "ledger/event.h"
#include "ledger/expiry.h"
#include "ledger/index.h"
#include "ledger/kinds.h"
#include "ledger/ledger.h"
#include "ledger/life.h"
#include "ledger/page.h"
#include "ledger/queue.h"
#include "ledger/refdata.h"
#include "ledger/registry.h"
#include "ledger/rows.h"
#include "ledger/verdict.h"
#include "ledger/working_set.h"

/* Two accounts a leg, four legs a record, two freed reserves; and for each record of a full block
   two due lives that free two reserves each. */
#define ENTRIES_PER_RECORD 20u
/* Due events of one block for each record that it may hold. */
#define DUE_PER_RECORD 2u

/* TABLE_VALIDATORS: count, then key, transport key, participant and name of each. */
#define VALIDATOR_ROW_BYTES 100u
#define VALIDATORS_VALUE_BYTES_MAX (4u + LIMIT_VALIDATORS * VALIDATOR_ROW_BYTES)

/* How much one block can need: from genesis.block_records (at most LIMIT_BLOCK_RECORDS) and the
   number of accounts. Every scratch buffer has one of these sizes. */
struct scratch_limits {
    uint32_t records;
    uint32_t entries;
    uint32_t accounts;     /* touched by one block */
    uint32_t accounts_max; /* that there can ever be */
    uint32_t pages;
    uint32_t nets; /* touched by one block */
    uint32_t index_slots;
    uint32_t lives; /* changed by one block */
    uint32_t life_slots;
    uint32_t events;
    uint32_t expiries; /* rows swept or made by one block */
    uint32_t writes;
    uint64_t page_bytes;
    uint64_t genesis_bytes; /* rows of the static tables */
    struct refdata_room refdata;
    uint64_t refdata_bytes;
};

/* Sums over all accounts of a currency, kept block by block. */
struct currency_sums {
    struct total totals[ACCOUNT_TOTALS];
    struct difference fund; /* balances of FUND and of all CLAIMs */
};

struct account_mark {
    uint32_t generation;
    uint32_t touched; /* place in touched */
};

struct touched_account {
    struct account before;
    uint32_t entries; /* of this block */
    uint32_t placed;  /* of them on pages */
    uint8_t *pages;   /* where its pages of this block start */
};

struct logged_entry {
    struct page_entry entry;
    uint32_t account;
};

/* What posting a record did beside entries, so that a failed chain can take it back. */
struct posted_record {
    uint32_t entry_mark; /* entries logged before it */
    uint32_t cycle;      /* its legs' cycle or REGISTRY_NONE */
    uint64_t turnover;   /* size of all posted legs */
    struct life_mark mark;
};

/* Open actions of the network, and of one participant. */
#define ACTIONS_OPEN_MAX 256u
#define ACTIONS_OWN_MAX 16u
/* What is open, and what one block can end or propose beside it. */
#define ACTIONS_HELD_MAX (ACTIONS_OPEN_MAX + LIMIT_BLOCK_BATCHES)
/* Each participant that owns a validator answers once, the maker's once more. */
#define ACTION_ANSWERS_MAX (LIMIT_VALIDATORS + 2u)

/* Numbers are stable; 1 and 2 are open. */
enum action_state {
    ACTION_PROPOSED = 1,
    ACTION_APPROVED = 2, /* waits for READY of its new members */
    ACTION_DONE = 3,
    ACTION_REFUSED = 4, /* or withdrawn */
    ACTION_LAPSED = 5,
    ACTION_OVERTAKEN = 6, /* another change of validators came first */
};

enum action_reply { ACTION_YES = 1, ACTION_NO = 2 };

struct action_answer {
    uint32_t participant;
    uint32_t key_no;
    uint32_t reply; /* enum action_reply */
};

/* A proposed action: one row of TABLE_ACTIONS, but for the body, which stands in its slot. */
struct action_row {
    struct hash id;
    uint16_t state; /* enum action_state */
    uint16_t kind;  /* enum action_kind */
    uint32_t participant;
    uint32_t key_no;
    struct place place; /* of the batch that proposed it */
    uint64_t proposed_ms;
    uint64_t lapse_ms;
    uint64_t ended_height; /* 0 while open */
    uint64_t ended_ms;
    uint32_t ready; /* bit i: new member i is ready */
    uint32_t answer_count;
    uint32_t body_length;
    uint32_t slot;
    bool touched; /* by the block being executed */
    struct action_answer answers[ACTION_ANSWERS_MAX];
};

/* In the order in which they were proposed. Ended ones leave at the commit. */
struct action_book {
    uint32_t count;
    struct action_row rows[ACTIONS_HELD_MAX];
};

/* The set that votes on the next block. */
struct roster {
    uint64_t epoch; /* of the next block */
    uint32_t count;
    struct ledger_validator members[LIMIT_VALIDATORS];
    struct hash hash;
};

struct ledger {
    struct refdata refdata;
    struct registry registry; /* of refdata.now */
    struct scratch_limits limits;
    struct roster roster;
    struct roster roster_next; /* while speculative, if terminal */
    const struct lineage *lineage;
    struct lineage single; /* of a ledger that was given no other */
    struct hash chain_id;
    const struct incarnation *entering; /* the block being executed is its root block; else NULL */
    bool speculative; /* a block is executed and neither committed nor rolled back */
    bool tree_changed;
    uint32_t generation;
    uint32_t loaded[LEDGER_TABLE_COUNT]; /* rows taken up from a store */
    uint32_t account_count;
    uint32_t account_count_before; /* the block */
    uint32_t participant_count;
    uint32_t currency_count;

    /* The state. */
    struct state_row state;
    struct currency_sums sums[LIMIT_CURRENCIES];
    struct account *accounts;
    struct merkle_dense tree;

    /* The parts, each with its undo and its part of the outcome, owned by the file of its name. */
    struct cycles cycles;
    struct lives lives;
    struct transactions transactions;
    struct events events;
    struct expiries expiries;
    struct queues queues;

    /* Undo. */
    struct state_row state_before;
    struct currency_sums sums_before[LIMIT_CURRENCIES];
    struct account_mark *account_marks;
    struct touched_account *touched;
    uint32_t touched_count;

    /* The block being executed. */
    const struct ledger_block *block;
    const struct working_set *working_set;
    /* Flat number of each batch's first record; an action or evidence takes one number too. */
    uint32_t batch_start[LIMIT_BLOCK_BATCHES + 1];
    uint32_t block_records; /* without actions and evidence */
    uint16_t *verdicts;
    struct logged_entry *entries;
    uint32_t entry_count;
    struct index ids;
    uint8_t *id_rows;
    uint32_t id_count;
    uint8_t source_rows[LIMIT_BLOCK_BATCHES][SOURCE_KEY_BYTES + SOURCE_VALUE_BYTES];
    uint32_t source_count;
    struct posted_record *chain; /* of the chain being posted */

    /* Actions. What is committed is never changed in place: the first change of a block copies it,
       so queries between blocks see no speculation, and taking a block back is forgetting. */
    struct action_book *book;
    struct action_book *book_next;
    uint8_t (*action_bodies)[ACTION_BYTES_MAX]; /* by slot; a slot is freed by the commit */
    bool book_changed;
    bool terminal;          /* the block being executed changes the validators: roster_next */
    uint8_t *action_values; /* of the rows that the block writes */
    uint8_t evidence_rows[LIMIT_BLOCK_BATCHES][EVIDENCE_KEY_BYTES + EVIDENCE_VALUE_BYTES];
    uint32_t evidence_count;
    struct hash effects[ACTIONS_HELD_MAX]; /* ids approved in this block, in order */
    uint32_t effect_count;
    uint8_t validators_key[VALIDATORS_KEY_BYTES];
    uint8_t validators_value[VALIDATORS_VALUE_BYTES_MAX];

    /* The outcome. */
    uint32_t *changed; /* accounts with entries, ascending */
    uint32_t *changed_scratch;
    struct hash *changed_leaves;
    uint32_t changed_count;
    uint8_t *account_rows;
    uint8_t *page_bytes;
    uint8_t *page_keys;
    uint8_t *genesis_rows;
    uint8_t state_value[STATE_VALUE_BYTES_MAX];
    struct ledger_write *writes;
    struct ledger_outcome outcome;
};

/* A record on its way through the checks, with what they have resolved so far. */
struct filing {
    const struct record *record;
    const struct hash *record_hash;
    const struct scheme *scheme; /* NULL for a kind without one */
    const struct kind *kind;     /* after the form checks */
    uint32_t submitter;          /* number */
    uint32_t flat;
    uint32_t position;
    uint32_t currency; /* indexes, as are payer and payee */
    uint32_t payer;
    uint32_t payee;
    bool last_of_batch;
    bool in_chain; /* of more than one record */
};

static inline struct account *ledger_account(struct ledger *ledger, uint32_t participant,
                                             uint32_t currency, enum account_class class)
{
    return &ledger->accounts[account_number(ledger->currency_count, participant, currency, class)];
}

static inline struct total *ledger_exposure(struct ledger *ledger, uint32_t participant,
                                            uint32_t currency)
{
    return &ledger->cycles.exposures[(uint64_t)participant * ledger->currency_count + currency];
}

#endif
