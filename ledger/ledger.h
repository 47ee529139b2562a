/*
 * ledger: the one interface of the pure settlement ledger (docs/ledger.md): a deterministic
 * double-entry machine over blocks. Same input, same bytes out, on every machine and compiler.
 *
 *   genesis ─► ledger_init        rows of the store ─► ledger_load_row ... ledger_load_done
 *                    │
 *   block  ─► ledger_prefetch (reads ids, originals through the reader) ─► working set
 *                    │
 *             ledger_execute ─► outcome: header with every root, verdicts, writes to store
 *                    │
 *        ledger_commit (the block is final)   or   ledger_rollback (try another candidate)
 *
 * Between execute and commit the state is speculative; at most one block is. Execution does no I/O
 * and allocates nothing. Small state (accounts, participants, cycles, nets) lives in memory; what
 * grows with records lives in the store and is prefetched.
 */
#ifndef HEFU_LEDGER_LEDGER_H
#define HEFU_LEDGER_LEDGER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/keys.h"
#include "base/status.h"
#include "base/validator.h"
#include "ledger/batch.h"
#include "ledger/block.h"
#include "ledger/genesis.h"
#include "ledger/lineage.h"
#include "ledger/record.h"

/* The store's tables that the ledger reads and writes. Keys are big-endian, values little-endian;
   both are laid out in docs/formats.md, Stored tables. Numbers are stable. */
enum ledger_table {
    TABLE_STATE = 1, /* "state": digests, counters, history frontier, of the last final block */
    TABLE_ACCOUNTS,  /* account u32 -> account leaf, 136 bytes */
    TABLE_PAGES,     /* account u32, height u64, part u16 -> account page */
    TABLE_IDS,       /* participant u32, id 16 -> height u64, position u32, record hash 32 */
    TABLE_LIFE,      /* height u64, position u32 -> state and returned total of a changed record */
    TABLE_SOURCES,   /* participant u32, source_hash 32, part u32 -> batch_id */
    TABLE_PARTICIPANTS, /* number u32 */
    TABLE_LIMITS,       /* participant u32, currency u16 */
    TABLE_SERVICES,
    TABLE_SCHEMES,
    TABLE_CYCLES,       /* service u16, number u32 */
    TABLE_CYCLE_NETS,   /* service u16, cycle u32, participant u32 */
    TABLE_EVENTS,       /* height u64, index u32 */
    TABLE_TRANSACTIONS, /* match_key: external references of FUND, later halves */
    TABLE_VALIDATORS,   /* epoch u64 -> the set of that epoch, with names; kept for ever */
    TABLE_ACTIONS,      /* action id 32 -> state, answers and body of an action, ended ones too */
    TABLE_EVIDENCE,     /* epoch u64, view u64, signer u32, kinds u16 -> batch_id, place */
    TABLE_EXPIRY,       /* due_ms u64, kind u8, height u64, position u32 -> 1 */
    TABLE_QUEUE,        /* currency u16, height u64, position u32 -> a queued payment */
    TABLE_CALENDARS,    /* number u16 */
    TABLE_PARAMETERS,   /* "parameters" */
    LEDGER_TABLE_COUNT,
};

struct ledger_write {
    uint8_t table; /* enum ledger_table */
    bool append;   /* the key is greater than every key the table held before the block */
    bool remove;   /* the row goes; value_length is 0 */
    uint16_t key_length;
    uint32_t value_length;
    const uint8_t *key;
    const uint8_t *value;
};

/* How prefetch looks things up; implemented by the store, the auditor's replay and tests. */
struct ledger_reader {
    void *context;
    /* The value, valid until the next call; false if there is none. */
    bool (*get)(void *context, enum ledger_table table, const void *key, size_t key_length,
                struct span *ret_value);
    /* A final record and its verdict by its place; false if there is none. position is
       batch_index << 16 | record_index. ret_submitter: the participant of its batch. */
    bool (*record)(void *context, uint64_t height, uint32_t position, struct record *ret_record,
                   uint16_t *ret_verdict, uint32_t *ret_submitter);
    /* The timestamp of a final block; false if there is none. */
    bool (*time)(void *context, uint64_t height, uint64_t *ret_timestamp_ms);
    /* The first row of a table whose key is greater than this one (key_length 0: the first row),
       valid until the next call; false past the last. For the due rows of TABLE_EXPIRY. */
    bool (*seek)(void *context, enum ledger_table table, const void *key, size_t key_length,
                 struct span *ret_key, struct span *ret_value);
};

struct ledger_batch {
    const struct batch_header *header;
    struct hash id;
    const struct record *records;     /* header->count, aligned to 8; NULL unless BATCH_RECORDS */
    const struct hash *record_hashes; /* record_hash of each; likewise */
    const uint8_t *body;              /* of an action or of evidence, else NULL */
    size_t body_length;
    struct public_key verified_under; /* the key under which the shell verified the signature */
    bool already_placed;              /* a final block has named it: the block is invalid */
};

struct ledger_block {
    uint64_t epoch;
    uint64_t height;
    uint64_t timestamp_ms;
    uint32_t proposer;
    uint32_t batch_count;
    struct hash parent_hash;
    const struct ledger_batch *batches;
};

/* A validator with its name. */
struct ledger_validator {
    struct validator validator;
    char name[32]; /* zero-padded text */
};

/* Everything a block does. Memory belongs to the ledger and is valid until the next execute. */
struct ledger_outcome {
    struct block_header header; /* complete */
    struct hash block_hash;
    const uint16_t *verdicts; /* all batches', in order */
    uint32_t verdict_count;
    const struct ledger_write
        *writes; /* grouped by table; keys ascend within TABLE_PAGES, ACCOUNTS */
    uint32_t write_count;
};

enum ledger_result {
    LEDGER_OK,
    LEDGER_INVALID_BLOCK, /* a listed check fails: duplicate or placed batch, window, key, limits */
    LEDGER_INVARIANT,     /* an invariant broke: the state is rolled back; quarantine bad_batch */
};

struct ledger_fault {
    const char *what;     /* static sentence: the check or invariant that failed */
    uint32_t batch_index; /* of the batch it was found at, or UINT32_MAX */
};

struct ledger;
struct working_set;

/* Memory for this genesis; allocate zeroed, aligned to 64. */
size_t ledger_footprint(const struct genesis *genesis);
size_t working_set_footprint(void);
struct working_set *working_set_init(void *memory);

/* The state of genesis, height 0. The genesis block is final by definition: ledger_genesis_outcome
   gives its header (parent zero) and the rows to store. genesis is borrowed for the ledger's life.
 */
struct ledger *ledger_init(void *memory, const struct genesis *genesis,
                           const struct hash *chain_id);
/* The same with all documents of a network that has gone through incarnations (docs/formats.md,
   Incarnations); the state of genesis is the first one's. lineage is borrowed for the ledger's
   life.
 */
struct ledger *ledger_init_lineage(void *memory, const struct lineage *lineage);
const struct ledger_outcome *ledger_genesis_outcome(struct ledger *ledger);

/* Takes up the state that a store holds: every row of the memory-resident tables (STATE, ACCOUNTS,
   PARTICIPANTS, LIMITS, SERVICES, SCHEMES, CYCLES, CYCLE_NETS, VALIDATORS, ACTIONS), any order,
   then done, which recomputes the trees and checks them against the header of the last final block.
   CORRUPT with what is wrong in ret_what (static) otherwise. Only after ledger_init. */
bool ledger_table_is_resident(enum ledger_table table);
enum status ledger_load_row(struct ledger *ledger, enum ledger_table table, struct span key,
                            struct span value) MUST_USE;
enum status ledger_load_done(struct ledger *ledger, const struct block_header *final_header,
                             const char **ret_what) MUST_USE;

/* Reads what the block refers to into the working set. */
void ledger_prefetch(const struct ledger *ledger, const struct ledger_block *block,
                     const struct ledger_reader *reader, struct working_set *working_set);

/* Executes the block on the last committed state. On LEDGER_OK the state is speculative and the
   outcome stays valid until commit or rollback. Otherwise the state is unchanged, ret_fault is set.
 */
enum ledger_result ledger_execute(struct ledger *ledger, const struct ledger_block *block,
                                  const struct working_set *working_set,
                                  const struct ledger_outcome **ret_outcome,
                                  struct ledger_fault *ret_fault) MUST_USE;
/* Whether the block after the last committed one is the root block of the next incarnation; if so
   its shape, to be prefetched and executed in place of one that anybody proposed. */
bool ledger_root_block(const struct ledger *ledger, struct ledger_block *ret_block);
/* As ledger_execute, for a root block. INVALID_BLOCK if the document does not continue this very
   state: another block stands at the root's height, the epoch or the time differs, a validator's
   participant is not registered, or a validator's key was in a set before. */
enum ledger_result ledger_execute_root(struct ledger *ledger, const struct ledger_block *block,
                                       const struct working_set *working_set,
                                       const struct ledger_outcome **ret_outcome,
                                       struct ledger_fault *ret_fault) MUST_USE;
void ledger_commit(struct ledger *ledger);
void ledger_rollback(struct ledger *ledger);

/* Whether a ledger time is due at timestamp_ms (a cut-off ...), so that an empty block is work. */
bool ledger_time_due(const struct ledger *ledger, uint64_t timestamp_ms);

/* The epoch of the next block: the last block's, or one more after a TERMINAL block; 1 after
   genesis. Like everything below, of the last committed block, also while a block is speculative.
 */
uint64_t ledger_epoch(const struct ledger *ledger);
/* The chain id under which the next block is voted on, and under which its batches are signed. */
const struct hash *ledger_chain_id(const struct ledger *ledger);
/* The set that votes on the next block, in its order; valid until the next commit. */
const struct ledger_validator *ledger_validators(const struct ledger *ledger, uint32_t *ret_count);
/* The index-th new member of the approved change of validators, in the order of the change: whom to
   let in before the change takes effect, and who has to send READY for which action. False past the
   last, and if no change is approved. */
bool ledger_candidate(const struct ledger *ledger, uint32_t index,
                      struct ledger_validator *ret_validator, struct hash *ret_action_id,
                      bool *ret_ready);

/* The key that must have signed a batch of this kind by (participant, key_no) in the current final
   state, for the verify pool; false if unknown or not permitted. Records need PERMISSION_SUBMIT.
   Actions need PERMISSION_ACT, or are signed (READY) with a validator's key: a current member's or
   a candidate's, under validator_key_no. Evidence is signed with a current member's. */
bool ledger_batch_key(const struct ledger *ledger, enum batch_kind kind, uint32_t participant,
                      uint32_t key_no, struct public_key *ret_key);
/* Whether a transport key belongs to a participant; its number and roles. */
bool ledger_transport_key(const struct ledger *ledger, const struct transport_key *key,
                          uint32_t *ret_participant, uint32_t *ret_roles);

#endif
