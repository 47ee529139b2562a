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
    LIFE_VALUE_BYTES = 72,
    SOURCE_KEY_BYTES = 40,
    SOURCE_VALUE_BYTES = 32,
    TRANSACTION_KEY_BYTES = 18,
    TRANSACTION_VALUE_BYTES = 16,
    CYCLE_KEY_BYTES = 6,
    CYCLE_VALUE_BYTES = 144,
    NET_KEY_BYTES = 10,
    NET_VALUE_BYTES = 32,
    EVENT_KEY_BYTES = 12,
    EVENT_VALUE_BYTES = 64,
    EXPIRY_KEY_BYTES = 21,
    EXPIRY_VALUE_BYTES = 1,
    QUEUE_KEY_BYTES = 14,
    QUEUE_VALUE_BYTES = 72,
    CALENDAR_KEY_BYTES = 2,
    PARAMETERS_KEY_BYTES = 10,
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

/* States of a record in TABLE_LIFE (docs/ledger.md, Lives). Numbers are stable; 0 is none. */
enum life_state {
    LIFE_POSTED = 1,
    LIFE_WAITING = 2,
    LIFE_EXCEPTION = 3,
    LIFE_HELD = 4,
    LIFE_QUEUED = 5,
    LIFE_LINKED = 6, /* acts on it are acts on its parent */
    LIFE_REVERSED = 7,
    LIFE_REJECTED = 8,
    LIFE_EXPIRED = 9,
    LIFE_CAPTURED = 10,
    LIFE_RELEASED = 11,
    LIFE_CANCELLED = 12,
    LIFE_CHARGED_BACK = 13,
    LIFE_REPRESENTED = 14,
    LIFE_PRE_ARBITRATED = 15,
    LIFE_IN_ARBITRATION = 16,
    LIFE_STANDS = 17,
    LIFE_DROPPED = 18,
};

/* It was the subject of a CHARGEBACK once. */
#define LIFE_FLAG_DISPUTED 1u

/* TABLE_LIFE: what became of a record. One with verdict POSTED and without a row is LIFE_POSTED,
   heard by its submitter's sides, posted at its block's time, with everything else zero. */
struct life_row {
    uint16_t state;           /* enum life_state */
    uint8_t heard;            /* enum side: who confirmed its content */
    uint8_t flags;            /* LIFE_FLAG_... */
    uint64_t due_ms;          /* dead from then on; 0: never */
    uint64_t returned;        /* refunds and chargebacks with the payer; of a HOLD: captured */
    uint64_t reserved_amount; /* still on pending totals */
    uint64_t reserved_fee;
    uint64_t posted_ms; /* block time; 0: not posted */
    struct place
        parent; /* LINKED, EXCEPTION: the other half; REVERSE, disputes: acted on; or zero */
    uint64_t event_height; /* its latest event; 0: none */
    uint32_t event_index;
};

/* TABLE_TRANSACTIONS: the record that a match_key names in its scheme. */
struct transaction_row {
    struct place place;
};

/* TABLE_EVENTS: docs/ledger.md, Events. */
struct event_row {
    struct place origin; /* the record; of a cycle its number in origin.position, height 0 */
    uint16_t subject;    /* enum event_subject */
    uint16_t cause;      /* enum event_cause or a record kind */
    uint16_t old_state;  /* enum life_state, cycle_state or standing */
    uint16_t new_state;
    uint32_t by; /* position of the record that did it, or EVENT_BY_NONE */
    uint64_t amount;
    uint32_t participant;     /* of a suspension */
    uint16_t service;         /* of a cycle */
    uint64_t previous_height; /* the record's event before this one; 0: none */
    uint32_t previous_index;
};

/* TABLE_EXPIRY: a due time; kind is enum due_kind. */
struct expiry_row {
    uint64_t due_ms;
    uint8_t kind;
    struct place place; /* of a cycle: service in height, number in position */
};

/* TABLE_QUEUE: a queued payment with all that paying it takes. */
struct queue_row {
    uint16_t currency; /* ISO 4217 */
    uint16_t scheme;
    struct place place;
    struct place since;
    uint64_t amount;
    int64_t interchange;
    int64_t payer_fee;
    int64_t payee_fee;
    uint32_t payer; /* numbers */
    uint32_t payee;
    uint8_t priority;
    uint64_t event_height; /* of its life's latest event; 0: none */
    uint32_t event_index;
};

/* Numbers are stable; 0 is a free slot in memory. */
enum cycle_state {
    CYCLE_OPEN = 1,
    CYCLE_CLOSED = 2,
    CYCLE_INSTRUCTED = 3,
    CYCLE_SHORT = 4,
    CYCLE_SETTLED = 5,
};

enum cycle_flag {
    CYCLE_BY_ACTION = 1, /* closed by an action */
    CYCLE_EXTENDED = 2,
    CYCLE_OVERDUE = 4, /* its deadline is past */
    CYCLE_DEFAULTED = 8,
};

/* TABLE_CYCLES. */
struct cycle_row {
    uint16_t service;
    uint32_t number; /* from 1 within its service */
    uint16_t state;  /* enum cycle_state */
    uint16_t currency;
    uint16_t flags; /* enum cycle_flag */
    uint64_t opened_height;
    uint64_t opened_ms;
    uint64_t closed_height; /* 0 while open */
    uint64_t closed_ms;
    uint64_t records;      /* posted in this cycle */
    struct total turnover; /* sum of every leg of them, fees included */
    uint64_t first_ms;     /* records posted at or after stand in it */
    uint64_t cutoff_ms;    /* scheduled; 0: none */
    uint64_t settle_ms;    /* settle_from; 0 while open */
    uint64_t deadline_ms;
    uint64_t settled_height;
    uint64_t settled_ms;
    struct hash nets_hash; /* H("hefu.table", CYCLE_NETS ‖ count ‖ its rows) from closing on */
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
    uint64_t expiry_next_ms;        /* no row of TABLE_EXPIRY is due before; UINT64_MAX: none */
    uint64_t queue_sum;             /* of all rows of TABLE_QUEUE: queue_row_sum */
};

#define STATE_KEY_BYTES 5u
#define STATE_VALUE_BYTES_MAX (8 + 6 * 8 + 32 + STATE_SLOTS * 32 + 8 + 64 * 32)

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
void event_key(uint64_t height, uint32_t index, uint8_t ret_key[EVENT_KEY_BYTES]);
void expiry_key(const struct expiry_row *row, uint8_t ret_key[EXPIRY_KEY_BYTES]);
void queue_key(uint16_t currency, struct place place, uint8_t ret_key[QUEUE_KEY_BYTES]);
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
void event_encode(const struct event_row *row, uint8_t ret_value[EVENT_VALUE_BYTES]);
void queue_encode(const struct queue_row *row, uint8_t ret_value[QUEUE_VALUE_BYTES]);
/* The number of bytes written, at most STATE_VALUE_BYTES_MAX. */
size_t state_encode(const struct state_row *row, uint8_t ret_value[STATE_VALUE_BYTES_MAX]);

/* From a store: TRUNCATED, TRAILING or MALFORMED for bytes that no encoder made. */
enum status id_decode(struct span value, struct id_row *ret_row) MUST_USE;
enum status life_decode(struct span value, struct life_row *ret_row) MUST_USE;
enum status transaction_decode(struct span value, struct transaction_row *ret_row) MUST_USE;
enum status cycle_decode(struct span key, struct span value, struct cycle_row *ret_row) MUST_USE;
enum status net_decode(struct span key, struct span value, struct net_row *ret_row) MUST_USE;
enum status event_decode(struct span value, struct event_row *ret_row) MUST_USE;
enum status expiry_decode(struct span key, struct span value, struct expiry_row *ret_row) MUST_USE;
enum status queue_decode(struct span key, struct span value, struct queue_row *ret_row) MUST_USE;
/* What a row of TABLE_QUEUE, key and value, adds to queue_sum, modulo 2^64; STATE keeps it as a
   part of its check. The queue is the one table that is resident while its digest is a running one,
   so that loading could not tell a lost row. No proof against people: that is state_root's. */
uint64_t queue_row_sum(const uint8_t row[QUEUE_KEY_BYTES + QUEUE_VALUE_BYTES]);
enum status state_decode(struct span value, struct state_row *ret_row) MUST_USE;

#endif
