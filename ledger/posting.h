/*
 * posting: the legs of a record, the reserves it takes and frees, the limits all of it must keep,
 * and posting it (docs/ledger.md, Kinds and Limits). A record posts all its legs or none, so every
 * check runs on the plan before anything changes.
 *
 *   amount       payer ─► payee        (a return: payee ─► payer)
 *   interchange  payee ─► payer        each fee the other way round if it is negative
 *   payer_fee    payer ─► network
 *   payee_fee    payee ─► network
 *   reserve      payer's debits_pending, payee's credits_pending; a fee's likewise with the network
 *
 * Through POSITION legs count in a cycle; through other accounts in none.
 */
#ifndef HEFU_LEDGER_POSTING_H
#define HEFU_LEDGER_POSTING_H

#include "ledger/state.h"
#include "ledger/touch.h"

/* The hub, as a side of a leg. */
#define SIDE_HUB UINT32_MAX

/* Legs of one record, both halves of an exception freed, and what CONTRIBUTE splits. */
#define PLAN_LEGS_MAX 12u

struct leg_side {
    uint32_t participant; /* index or SIDE_HUB */
    uint8_t class;        /* enum account_class */
};

struct leg {
    struct leg_side from;
    struct leg_side to;
    uint64_t amount; /* > 0 */
    uint8_t leg;     /* enum record_leg */
    int8_t pending;  /* 0: posted; 1: takes a reserve; -1: frees one */
};

struct plan {
    struct leg legs[PLAN_LEGS_MAX];
    uint32_t leg_count;
    uint32_t cycle; /* slot of posted POSITION legs; REGISTRY_NONE: there are none */
    uint32_t currency;
    bool pledge;                /* SETTLEMENT to COLLATERAL: limit.h */
    struct entry_origin origin; /* position, or event; its leg is set leg by leg */
};

/* Whose money a transaction moves, and through which accounts. */
struct sides {
    uint32_t payer; /* indexes; network or REGISTRY_NONE */
    uint32_t payee;
    uint32_t network;
    uint8_t class; /* ACCOUNT_POSITION or ACCOUNT_SETTLEMENT */
};

/* The sides of a record of a scheme. */
struct sides posting_sides(const struct ledger *ledger, const struct record *record,
                           const struct scheme *scheme);

/* An empty plan of this filing; cycle is the service's open one for a DEFERRED scheme. */
struct plan posting_begin(const struct filing *filing);
/* Adds one leg; none if amount is zero; the other way round if it is negative. */
void posting_leg(struct plan *plan, enum record_leg leg, int64_t amount, struct leg_side from,
                 struct leg_side to);
/* Adds the four legs of a record. returns: amount payee to payer. exchanged: every leg the other
   way round (REVERSE of it). */
void posting_legs(struct plan *plan, const struct sides *sides, const struct record *record,
                  bool returns, bool exchanged);
/* Takes (sign 1) or frees (-1) a reserve: amount to the payee, fee to the network. */
void posting_reserve(struct plan *plan, const struct sides *sides, uint64_t amount, uint64_t fee,
                     int sign);

/* The plan of a CLEAR, PAY, FUND or REFUND that posts at once. */
struct plan posting_plan(const struct filing *filing);

/* The first limit (4xx, lowest number) that a side's net effect, freed reserves included, would
   break, or POSTED. */
enum verdict posting_check(struct ledger *ledger, const struct plan *plan);

/* Posts every leg: entries, nets, exposure, the cycle's counters. Cannot fail. */
void posting_apply(struct ledger *ledger, const struct plan *plan);

/* Takes back everything posted since entry_mark, all of it of one record in that cycle. */
void posting_undo(struct ledger *ledger, uint32_t entry_mark, uint32_t cycle, uint64_t turnover);

/* The size of all posted legs. */
uint64_t posting_turnover(const struct plan *plan);

#endif
