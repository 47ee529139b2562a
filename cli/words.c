/* words: names of states and causes (see words.h). */
#include "cli/words.h"

#include <stddef.h>

#include "ledger/event.h"
#include "ledger/genesis.h"
#include "ledger/record.h"
#include "ledger/rows.h"

const char *life_state_name(unsigned state)
{
    static const char *const NAMES[] = {
        [LIFE_POSTED] = "POSTED",
        [LIFE_WAITING] = "WAITING",
        [LIFE_EXCEPTION] = "EXCEPTION",
        [LIFE_HELD] = "HELD",
        [LIFE_QUEUED] = "QUEUED",
        [LIFE_LINKED] = "LINKED",
        [LIFE_REVERSED] = "REVERSED",
        [LIFE_REJECTED] = "REJECTED",
        [LIFE_EXPIRED] = "EXPIRED",
        [LIFE_CAPTURED] = "CAPTURED",
        [LIFE_RELEASED] = "RELEASED",
        [LIFE_CANCELLED] = "CANCELLED",
        [LIFE_CHARGED_BACK] = "CHARGED_BACK",
        [LIFE_REPRESENTED] = "REPRESENTED",
        [LIFE_PRE_ARBITRATED] = "PRE_ARBITRATED",
        [LIFE_IN_ARBITRATION] = "IN_ARBITRATION",
        [LIFE_STANDS] = "STANDS",
        [LIFE_DROPPED] = "DROPPED",
    };
    return state < sizeof NAMES / sizeof NAMES[0] ? NAMES[state] : NULL;
}

const char *cycle_state_name(unsigned state)
{
    static const char *const NAMES[] = {
        [CYCLE_OPEN] = "OPEN",   [CYCLE_CLOSED] = "CLOSED",   [CYCLE_INSTRUCTED] = "INSTRUCTED",
        [CYCLE_SHORT] = "SHORT", [CYCLE_SETTLED] = "SETTLED",
    };
    return state < sizeof NAMES / sizeof NAMES[0] ? NAMES[state] : NULL;
}

const char *standing_name(unsigned status)
{
    return status == STANDING_ACTIVE ? "ACTIVE" : status == STANDING_SUSPENDED ? "SUSPENDED" : NULL;
}

const char *cause_name(unsigned cause)
{
    static const char *const NAMES[] = {
        "EXPIRED", "SILENCE",   "CUTOFF",  "OVERDUE", "INSTRUCTED", "SETTLED",
        "SHORT",   "DEFAULTED", "RELEASE", "OFFSET",  "ACTION",
    };
    if (cause < CAUSE_EXPIRED) {
        return record_kind_name(cause);
    }
    cause -= CAUSE_EXPIRED;
    return cause < sizeof NAMES / sizeof NAMES[0] ? NAMES[cause] : NULL;
}

const char *finality_name(unsigned cycle_state)
{
    return cycle_state == CYCLE_SETTLED ? "money-final" : "ledger-final";
}
