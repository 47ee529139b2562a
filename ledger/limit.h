/*
 * limit: caps, cover and floors (docs/ledger.md, Limits), checked on each participant's net effect
 * as it will be after the record. They bind debits only.
 *
 * exposure(P) = pending debits on POSITION + the sum over unsettled cycles of max(0, -net). Nets
 * of different cycles do not offset each other, because they do not settle together.
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

/* 400 to 403, 410, 411 or POSTED, if change - reserve is a debit. cycle: of POSITION legs. */
enum verdict limit_check(struct ledger *ledger, const struct effect *effect, uint32_t cycle,
                         uint32_t currency);

/* Exposure recomputed from the nets, for the invariants and after loading. */
struct total limit_exposure_recomputed(const struct ledger *ledger, uint32_t participant,
                                       uint32_t currency);

#endif
