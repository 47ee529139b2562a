/*
 * exposure: what participants owe in cycles that are not settled, and what covers it, recomputed
 * from the stored nets and accounts of a snapshot (docs/ledger.md, Limits). Shares no code with the
 * ledger's own bookkeeping, so that it also is a second opinion on it.
 */
#ifndef HEFU_CLI_EXPOSURE_H
#define HEFU_CLI_EXPOSURE_H

#include "cli/home.h"

/* One participant in one currency. */
struct exposure {
    __int128 own;        /* of it alone */
    __int128 exposure;   /* with its members */
    __int128 closed;     /* what its group owes in CLOSED and SHORT cycles, PREFUNDED */
    __int128 settlement; /* spendable */
    __int128 collateral; /* spendable */
    __int128 cover;
    __int128 floor; /* what must stay on SETTLEMENT */
    uint64_t cap;
    bool covered;
};

struct exposures;

/* For one currency (numeric). NULL, told, if the store is damaged. */
struct exposures *exposures_new(struct home *home, uint16_t currency);
void exposures_free(struct exposures *exposures);
/* By the participant's index in home->now. */
const struct exposure *exposures_of(const struct exposures *exposures, uint32_t index);

/* The index of a participant's settling party (its sponsor, or itself). */
uint32_t exposure_settler(const struct home *home, uint32_t index);

/* The index in home->now of a participant by number; UINT32_MAX if there is none. */
uint32_t home_participant_index(const struct home *home, uint32_t number);

/* Calls visit for every net of a cycle, with the participant's index. CORRUPT if a row is not one.
 */
typedef void (*visit_net)(void *context, uint32_t index, __int128 net);
enum status exposure_each_net(struct home *home, uint16_t service, uint32_t cycle, visit_net visit,
                              void *context) MUST_USE;

#endif
