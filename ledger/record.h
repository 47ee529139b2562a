/*
 * record: a clearing record, 160 bytes from the client's file to the auditor's proof: one format on
 * the wire, in LMDB and under the Merkle leaf, mapped in place (docs/formats.md, Clearing record).
 */
#ifndef HEFU_LEDGER_RECORD_H
#define HEFU_LEDGER_RECORD_H

#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"

#define RECORD_BYTES 160

struct record_id {
    uint8_t bytes[16];
};

/* In every kind payer and payee name the original transaction's sides; a return moves money from
   payee to payer. Numbers are stable. */
enum record_kind {
    RECORD_CLEAR = 1,
    RECORD_AFFIRM = 2,
    RECORD_REJECT = 3,
    RECORD_REVERSE = 4,
    RECORD_REFUND = 5,
    RECORD_HOLD = 6,
    RECORD_CAPTURE = 7,
    RECORD_RELEASE = 8,
    RECORD_PAY = 9,
    RECORD_CANCEL = 10,
    RECORD_REPRIORITISE = 11,
    RECORD_CHARGEBACK = 12,
    RECORD_ACCEPT = 13,
    RECORD_REPRESENT = 14,
    RECORD_PRE_ARBITRATE = 15,
    RECORD_WITHDRAW = 16,
    RECORD_DECLINE = 17,
    RECORD_RULE = 18,
    RECORD_FEE = 19,
    RECORD_FUND = 20,
    RECORD_DEFUND = 21,
    RECORD_PLEDGE = 22,
    RECORD_UNPLEDGE = 23,
    RECORD_CONTRIBUTE = 24,
};

enum record_flag {
    RECORD_LINKED = 1,
    RECORD_FINAL = 2,
    RECORD_QUEUE = 4,
    RECORD_OUTCOME = 8,
};

struct record {
    struct record_id id;        /* unique per submitting participant */
    struct record_id ref;       /* record acted on, else zero */
    struct record_id match_key; /* names the transaction for all its sides */
    struct hash details_hash;   /* commitment to details kept off the ledger, else zero */
    uint64_t amount;            /* minor units, below 10^18 */
    int64_t interchange;        /* positive: payee to payer */
    int64_t payer_fee;          /* positive: payer to the scheme's network */
    int64_t payee_fee;          /* positive: payee to the scheme's network */
    uint32_t payer;             /* participant */
    uint32_t payee;             /* participant */
    uint32_t ref_participant;   /* who submitted ref; 0 = the same submitter */
    uint32_t business_date;     /* yyyymmdd */
    uint32_t timeout_s;         /* 0 = the scheme's */
    uint16_t kind;              /* enum record_kind */
    uint16_t scheme;
    uint16_t currency; /* ISO 4217 numeric */
    uint16_t mcc;      /* ISO 18245 */
    uint8_t reason[4]; /* ASCII: ISO external code or network dispute code, zero-padded */
    uint8_t priority;
    uint8_t flags;        /* enum record_flag */
    uint8_t reserved[14]; /* zero */
};

_Static_assert(sizeof(struct record) == RECORD_BYTES, "a record is 160 bytes");
_Static_assert(offsetof(struct record, amount) == 80, "amount stands at 80");
_Static_assert(offsetof(struct record, payer) == 112, "payer stands at 112");
_Static_assert(offsetof(struct record, kind) == 132, "kind stands at 132");
_Static_assert(offsetof(struct record, reserved) == 146, "reserved stands at 146");

/* H("hefu.record", the 160 bytes). */
struct hash record_hash(const struct record *record);

/* "CLEAR" ... or NULL for an unknown kind. */
const char *record_kind_name(unsigned kind);
/* The kind of a name in upper case, 0 if there is none. */
unsigned record_kind_of_name(const char *name);

#endif
