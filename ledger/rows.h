/*
 * rows: keys and values of the ledger's stored tables (docs/formats.md, Stored tables). A row is
 * laid out as key ‖ value, because the digests of state_root run over exactly these bytes. Keys
 * are big-endian so that they sort, values little-endian.
 */
#ifndef HEFU_LEDGER_ROWS_H
#define HEFU_LEDGER_ROWS_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/merkle.h"
#include "base/status.h"
#include "ledger/account.h"
#include "ledger/money.h"
#include "ledger/record.h"

enum {
    ID_KEY_BYTES = 20,
    ID_VALUE_BYTES = 44,
    LIFE_KEY_BYTES = 12,
    LIFE_VALUE_BYTES = 16,
    SOURCE_KEY_BYTES = 40,
    SOURCE_VALUE_BYTES = 32,
    TRANSACTION_KEY_BYTES = 18,
    TRANSACTION_VALUE_BYTES = 16,
    CYCLE_KEY_BYTES = 6,
    CYCLE_VALUE_BYTES = 64,
    NET_KEY_BYTES = 10,
    NET_VALUE_BYTES = 32,
    ACCOUNT_KEY_BYTES = 4,
    PAGE_KEY_BYTES = 14,
    PARTICIPANT_KEY_BYTES = 4,
    LIMIT_KEY_BYTES = 6,
    SERVICE_KEY_BYTES = 2,
    SCHEME_KEY_BYTES = 2,
    VALIDATORS_KEY_BYTES = 8,
    ACTION_KEY_BYTES = 32,
    EVIDENCE_KEY_BYTES = 22,
    EVIDENCE_VALUE_BYTES = 48,
};

/* Where a record stands: its block and batch_index << 16 | record_index. */
struct place {
    uint64_t height;
    uint32_t position;
};

/* TABLE_IDS: who used an id, where, and for which bytes. */
struct id_row {
    struct place place;
    struct hash record_hash;
};

/* States of a record in TABLE_LIFE and TABLE_TRANSACTIONS. Numbers are stable; 0 is none. */
enum life_state { LIFE_POSTED = 1 };

/* TABLE_LIFE: what became of a posted record since; a record without a row has returned nothing. */
struct life_row {
    uint64_t returned; /* minor units, at most the record's amount */
    uint16_t state;    /* enum life_state */
};

/* TABLE_TRANSACTIONS: the record that a match_key names in its scheme. */
struct transaction_row {
    struct place place;
    uint16_t state; /* enum life_state */
};

/* Numbers are stable. Cut-offs and settlement move a cycle on from OPEN. */
enum cycle_state { CYCLE_OPEN = 1 };

/* TABLE_CYCLES. */
struct cycle_row {
    uint16_t service;
    uint32_t number; /* from 1 within its service */
    uint16_t state;  /* enum cycle_state */
    uint16_t currency;
    uint64_t opened_height;
    uint64_t opened_ms;
    uint64_t closed_height; /* 0 while open */
    uint64_t closed_ms;
    uint64_t records;      /* posted in this cycle */
    struct total turnover; /* sum of every leg of them, fees included */
};

/* TABLE_CYCLE_NETS: one participant's sides in one cycle; its net is credits - debits. */
struct net_row {
    uint16_t service;
    uint32_t cycle;
    uint32_t participant;
    struct total debits;
    struct total credits;
};

/* Digests of state_root, one leaf each; a table's leaf stands at its enum ledger_table number. */
#define STATE_SLOTS 32u
#define STATE_SLOT_PARAMETERS 0u
#define STATE_SLOT_VALIDATORS 15u
/* What of the validators and the actions is resident, whole: it proves what is loaded. */
#define STATE_SLOT_OPEN 31u

/* TABLE_STATE, the one row "state": what the chain carries from block to block. */
struct state_row {
    uint64_t height;
    uint64_t timestamp_ms;
    uint64_t epoch;
    uint64_t total_records;
    struct hash block_hash; /* of the block at height */
    struct hash digests[STATE_SLOTS];
    struct merkle_frontier history; /* over the hashes of the blocks below height */
};

#define STATE_KEY_BYTES 5u
#define STATE_VALUE_BYTES_MAX (8 + 4 * 8 + 32 + STATE_SLOTS * 32 + 8 + 64 * 32)

/* Keys. */
void id_key(uint32_t participant, const struct record_id *id, uint8_t ret_key[ID_KEY_BYTES]);
void life_key(struct place place, uint8_t ret_key[LIFE_KEY_BYTES]);
void source_key(uint32_t participant, const struct hash *source_hash, uint32_t part,
                uint8_t ret_key[SOURCE_KEY_BYTES]);
void transaction_key(const struct record_id *match_key, uint16_t scheme,
                     uint8_t ret_key[TRANSACTION_KEY_BYTES]);
void cycle_key(uint16_t service, uint32_t number, uint8_t ret_key[CYCLE_KEY_BYTES]);
void net_key(uint16_t service, uint32_t cycle, uint32_t participant,
             uint8_t ret_key[NET_KEY_BYTES]);
void account_key(uint32_t account, uint8_t ret_key[ACCOUNT_KEY_BYTES]);
void page_key(uint32_t account, uint64_t height, uint16_t part, uint8_t ret_key[PAGE_KEY_BYTES]);
void limit_key(uint32_t participant, uint16_t currency, uint8_t ret_key[LIMIT_KEY_BYTES]);

/* Values. */
void id_encode(const struct id_row *row, uint8_t ret_value[ID_VALUE_BYTES]);
void life_encode(const struct life_row *row, uint8_t ret_value[LIFE_VALUE_BYTES]);
void transaction_encode(const struct transaction_row *row,
                        uint8_t ret_value[TRANSACTION_VALUE_BYTES]);
void cycle_encode(const struct cycle_row *row, uint8_t ret_value[CYCLE_VALUE_BYTES]);
void net_encode(const struct net_row *row, uint8_t ret_value[NET_VALUE_BYTES]);
/* The number of bytes written, at most STATE_VALUE_BYTES_MAX. */
size_t state_encode(const struct state_row *row, uint8_t ret_value[STATE_VALUE_BYTES_MAX]);

/* From a store: TRUNCATED, TRAILING or MALFORMED for bytes that no encoder made. */
enum status id_decode(struct span value, struct id_row *ret_row) MUST_USE;
enum status life_decode(struct span value, struct life_row *ret_row) MUST_USE;
enum status transaction_decode(struct span value, struct transaction_row *ret_row) MUST_USE;
enum status cycle_decode(struct span key, struct span value, struct cycle_row *ret_row) MUST_USE;
enum status net_decode(struct span key, struct span value, struct net_row *ret_row) MUST_USE;
enum status state_decode(struct span value, struct state_row *ret_row) MUST_USE;

#endif
