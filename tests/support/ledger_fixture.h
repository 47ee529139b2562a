/*
 * ledger_fixture: a small network and its ledger on an in-memory store, with a builder of blocks,
 * so that a ledger test is a list of records and what they come to.
 *
 * Participants: 1, 2, 3 banks (cap 1,000,000.00 CNY), 4 network, 5 settlement agent, 6 a fintech
 * whose exposure must be covered (cap 500,000.00 CNY), 7 a bank with no limits.
 * Services: 1 DEFERRED CNY, 2 GROSS CNY, 3 DEFERRED CNY, 4 DEFERRED USD.
 * Schemes: 10 in service 1, any side files, network 4; 11 in service 1, only the payee files, no
 * network; 12 in service 1, two confirmations; 20 in service 2, network 4; 30 in service 3; 40 in
 * service 4; 21 in service 2, two confirmations.
 */
#ifndef HEFU_TESTS_LEDGER_FIXTURE_H
#define HEFU_TESTS_LEDGER_FIXTURE_H

#include "base/prng.h"
#include "ledger/state.h"
#include "tests/support/action_batch.h"
#include "tests/support/ledger_store.h"

#define FIXTURE_CNY 156
#define FIXTURE_USD 840
#define FIXTURE_NETWORK 4
#define FIXTURE_AGENT 5
#define FIXTURE_COVERED 6
#define FIXTURE_DATE 20261123
#define FIXTURE_CREATED_MS 1790000000000ull

struct fixture_batch {
    struct batch_header header;
    struct record *records;
    struct hash *hashes;
    uint8_t *body; /* of an action or of evidence, else NULL */
    size_t body_length;
};

struct ledger_fixture {
    struct genesis genesis;
    struct genesis_currency currencies[2];
    struct genesis_participant participants[7];
    struct genesis_limit limits[8];
    struct genesis_service services[4];
    struct genesis_scheme schemes[7];
    struct genesis_validator validators[LIMIT_VALIDATORS];
    struct hash chain_id;
    void *memory; /* of the ledger */
    struct ledger *ledger;
    void *working_memory;
    struct working_set *working_set;
    struct ledger_store *store;
    const struct ledger_outcome *outcome; /* of the last execute */
    struct ledger_fault fault;
    uint64_t next_id;
    /* The block being built. */
    struct ledger_block block;
    struct ledger_batch batches[LIMIT_BLOCK_BATCHES];
    struct fixture_batch parts[LIMIT_BLOCK_BATCHES];
    uint16_t *verdicts; /* of the last executed block */
    uint32_t starts[LIMIT_BLOCK_BATCHES + 1];
};

/* The genesis alone; fields may be changed before fixture_start. */
struct ledger_fixture *fixture_new(void);
/* Before fixture_start: count validators instead of one, owned in turn by participants 5, 1, 2, 3;
   and a second key of each participant, key_no 2, that may act and not submit. */
void fixture_governed(struct ledger_fixture *fixture, uint32_t count);
/* Keys of the index-th validator of genesis; from 200 on, of members that are not in it. */
struct public_key fixture_validator_key(uint32_t index);
struct transport_key fixture_validator_channel(uint32_t index);
/* Seals chain id, ledger, and applies genesis to the store. */
void fixture_start(struct ledger_fixture *fixture);
/* A second ledger of the same genesis, loaded from the first one's store, replaces it. */
void fixture_reload(struct ledger_fixture *fixture);
void fixture_free(struct ledger_fixture *fixture);

/* A new empty batch in the block being built; the header may be changed until execution. */
struct batch_header *fixture_batch(struct ledger_fixture *fixture, uint32_t participant);
/* Adds to the last batch. */
void fixture_add(struct ledger_fixture *fixture, struct record record);

/* A batch of another kind in the block being built: its id will be what is returned. */
struct hash fixture_body(struct ledger_fixture *fixture, enum batch_kind kind, uint32_t participant,
                         uint32_t key_no, const void *body, size_t length);
struct hash fixture_action(struct ledger_fixture *fixture, uint32_t participant, uint32_t key_no,
                           const struct action *action);
/* One action in a block of its own; its verdict. ret_id may be NULL. */
unsigned fixture_act(struct ledger_fixture *fixture, uint32_t participant, uint32_t key_no,
                     const struct action *action, struct hash *ret_id);

/* Seals the batches, prefetches and executes; the block being built stays for execution again. */
enum ledger_result fixture_execute(struct ledger_fixture *fixture);
/* Commits and stores what was executed, and begins the next block. */
void fixture_commit(struct ledger_fixture *fixture);
/* Drops the block being built. */
void fixture_drop(struct ledger_fixture *fixture);
/* Execute, expect OK, commit. */
void fixture_block(struct ledger_fixture *fixture);
/* One record of one submitter in a block of its own; its verdict. */
unsigned fixture_file(struct ledger_fixture *fixture, uint32_t submitter, struct record record);
/* Verdict of a record of the last executed block. */
unsigned fixture_verdict(const struct ledger_fixture *fixture, uint32_t batch, uint32_t record);

/* Well-formed records; fields may then be changed. Every one gets its own id. */
struct record fixture_clear(struct ledger_fixture *fixture, uint32_t payer, uint32_t payee,
                            uint64_t amount);
struct record fixture_pay(struct ledger_fixture *fixture, uint32_t payer, uint32_t payee,
                          uint64_t amount);
struct record fixture_fund(struct ledger_fixture *fixture, uint32_t payee, uint64_t amount);
struct record fixture_refund(struct ledger_fixture *fixture, const struct record *original,
                             uint32_t ref_participant, uint64_t amount);
struct record_id fixture_id(uint64_t number);

/* Committed balance (credits - debits posted) of a participant's account in CNY. */
int64_t fixture_balance(const struct ledger_fixture *fixture, uint32_t participant,
                        enum account_class class);
/* The hub's, in CNY. */
int64_t fixture_hub_balance(const struct ledger_fixture *fixture, enum account_class class);

/* Adds a pseudo-random block of every kind in CNY, good and bad, over all participants. */
void fixture_random_block(struct ledger_fixture *fixture, struct prng *prng, unsigned batches,
                          unsigned records);

#endif
