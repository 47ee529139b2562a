/*
 * posting: the legs of a record, the limits they must keep, and posting them (docs/ledger.md,
 * Kinds and Limits). A record posts all its legs or none, so every check runs on the plan before
 * anything changes.
 *
 *   amount       payer ─► payee        (a REFUND: payee ─► payer)
 *   interchange  payee ─► payer        each fee the other way round if it is negative
 *   payer_fee    payer ─► network
 *   payee_fee    payee ─► network
 *
 * CLEAR and its REFUND move POSITIONs and count in the service's open cycle; PAY and its REFUND
 * move SETTLEMENTs; FUND moves the hub's CASH to the payee's SETTLEMENT.
 */
#ifndef HEFU_LEDGER_POSTING_H
#define HEFU_LEDGER_POSTING_H

#include "ledger/state.h"

/* The hub, as a side of a leg. */
#define SIDE_HUB UINT32_MAX

struct leg {
    uint32_t from; /* participant index or SIDE_HUB */
    uint32_t to;
    uint64_t amount; /* > 0 */
    enum record_leg leg;
};

struct plan {
    struct leg legs[LEGS_PER_RECORD];
    uint32_t leg_count;
    uint32_t cycle; /* of POSITION legs; REGISTRY_NONE: SETTLEMENT legs */
    uint32_t currency;
    uint32_t position;
};

/* The legs of a record that passed the form and authority checks. */
struct plan posting_plan(const struct filing *filing);

/* The first limit (4xx, lowest number) that a side's net effect would break, or POSTED. */
enum verdict posting_check(struct ledger *ledger, const struct plan *plan);

/* Posts every leg: entries, nets, exposure, the cycle's counters. Cannot fail. */
void posting_apply(struct ledger *ledger, const struct plan *plan);

/* Takes back everything posted since entry_mark, all of it of one record in that cycle. */
void posting_undo(struct ledger *ledger, uint32_t entry_mark, uint32_t cycle, uint64_t turnover);

/* The size of all legs. */
uint64_t posting_turnover(const struct plan *plan);

#endif
