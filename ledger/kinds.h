/*
 * kinds: the one table of record kinds (docs/ledger.md, Kinds): what each must and must not hold,
 * who may file it, in which services, on what it acts. rules.c checks form and authority by it,
 * life and the engines read the rest; tests print it beside the table of the documentation.
 */
#ifndef HEFU_LEDGER_KINDS_H
#define HEFU_LEDGER_KINDS_H

#include <stdbool.h>
#include <stdint.h>

#include "ledger/record.h"

/* Fields that a kind may need or must leave zero. */
enum kind_field {
    FIELD_AMOUNT = 1 << 0,
    FIELD_FEES = 1 << 1,
    FIELD_PAYER = 1 << 2,
    FIELD_PAYEE = 1 << 3,
    FIELD_SCHEME = 1 << 4,
    FIELD_REF = 1 << 5,
    FIELD_REF_PARTICIPANT = 1 << 6,
    FIELD_MATCH_KEY = 1 << 7,
    FIELD_TIMEOUT = 1 << 8,
    FIELD_MCC = 1 << 9,
    FIELD_PRIORITY = 1 << 10,
};

/* Who may file it. */
enum kind_filer {
    FILER_SCHEME,  /* the sides that the scheme names as submitters */
    FILER_SIDES,   /* the sides of the row */
    FILER_AGENT,   /* role AGENT, outside any scheme */
    FILER_OWNER,   /* the payer, outside any scheme */
    FILER_AWAITED, /* AFFIRM, REJECT: whom the record acted on waits for */
};

/* What carries it out. */
enum kind_engine {
    ENGINE_POST,    /* CLEAR, HOLD, PAY, FEE, FUND: a new transaction, perhaps under a match key */
    ENGINE_ANSWER,  /* AFFIRM, REJECT */
    ENGINE_RETURN,  /* REVERSE, REFUND */
    ENGINE_HOLD,    /* CAPTURE, RELEASE */
    ENGINE_QUEUE,   /* CANCEL, REPRIORITISE */
    ENGINE_DISPUTE, /* CHARGEBACK to RULE */
    ENGINE_MONEY,   /* DEFUND, PLEDGE, UNPLEDGE, CONTRIBUTE */
};

struct kind {
    uint16_t required;    /* kind_field */
    uint16_t zero;        /* kind_field */
    uint8_t flags;        /* enum record_flag it may carry */
    uint8_t modes;        /* 1 << enum service_mode that carries it; 0: it has no scheme */
    uint8_t sides;        /* enum side, for FILER_SIDES */
    uint8_t filer;        /* enum kind_filer */
    uint8_t engine;       /* enum kind_engine */
    bool takes_match_key; /* a nonzero match_key names its transaction */
    bool is_new;          /* nothing for a suspended submitter or payer */
    uint32_t acts_on;     /* 1 << kind of the records that its ref may name */
};

/* The row of a known kind (record_kind_name is not NULL). */
const struct kind *kind_of(unsigned kind);

#endif
