/*
 * limit: caps, cover and floors (docs/ledger.md, Limits), checked on each participant's net effect
 * as everything will be after the record. They bind debits only.
 *
 * own(P) = pending debits on POSITION + the sum over unsettled cycles of max(0, -net). Nets of
 * different cycles do not offset each other, because they do not settle together. exposure(P) = own
 * of P and of all that settle through it.
 */
#ifndef HEFU_LEDGER_LIMIT_H
#define HEFU_LEDGER_LIMIT_H

#include "ledger/state.h"

/* What a plan does to one account of a participant, over all its legs. */
struct effect {
    uint32_t participant;      /* index */
    uint8_t class;             /* enum account_class */
    struct difference change;  /* posted; negative: money leaves */
    struct difference reserve; /* on debits_pending: taken, less freed */
};

/* All effects of one plan. */
struct effects_of_plan {
    const struct effect *list;
    uint32_t count;
    uint32_t cycle; /* of POSITION legs */
    uint32_t currency;
    bool pledge; /* money that leaves SETTLEMENT stays cover: only zero is its floor */
};

/* The lowest of 400 to 403, 410, 411 that an effect breaks, or POSTED. */
enum verdict limit_check(struct ledger *ledger, const struct effects_of_plan *effects);

/* What must stay on a participant's SETTLEMENT account; never negative. */
struct difference limit_floor(struct ledger *ledger, uint32_t participant, uint32_t currency);
/* exposure(P) and cover(P) as they are. */
struct difference limit_exposure(struct ledger *ledger, uint32_t participant, uint32_t currency);
struct difference limit_cover(struct ledger *ledger, uint32_t participant, uint32_t currency);

/* Exposure of the nets alone, recomputed, for the invariants and after loading. */
struct total limit_exposure_recomputed(const struct ledger *ledger, uint32_t participant,
                                       uint32_t currency);

#endif
