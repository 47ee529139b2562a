/*
 * event: later changes of older records and of cycles (docs/ledger.md, Events), numbered through
 * the block, stored as rows of TABLE_EVENTS and proven by events_root, whose leaf data is the row's
 * value.
 */
#ifndef HEFU_LEDGER_EVENT_H
#define HEFU_LEDGER_EVENT_H

#include <stdint.h>

#include "base/hash.h"
#include "ledger/rows.h"

struct ledger;

/* What did it: the kind of a record (1 to 24), or one of these. Numbers are stable. */
enum event_cause {
    CAUSE_EXPIRED = 100,
    CAUSE_SILENCE = 101,
    CAUSE_CUTOFF = 102,
    CAUSE_OVERDUE = 103,
    CAUSE_INSTRUCTED = 104,
    CAUSE_SETTLED = 105,
    CAUSE_SHORT = 106,
    CAUSE_DEFAULTED = 107,
    CAUSE_RELEASE = 108,
    CAUSE_OFFSET = 109,
    CAUSE_ACTION = 110,
};

/* Numbers are stable. */
enum event_subject { EVENT_RECORD = 1, EVENT_CYCLE = 2, EVENT_PARTICIPANT = 3 };

struct events {
    uint8_t *rows; /* key ‖ value, in order */
    uint32_t count;
    uint32_t capacity;
};

void event_begin(struct ledger *ledger);
/* Appends; the event's number in the block is returned. by: the position of the executing record,
   or EVENT_BY_NONE. */
#define EVENT_BY_NONE UINT32_MAX
uint32_t event_add(struct ledger *ledger, const struct event_row *row);
/* events_root of the block so far. */
struct hash event_root(const struct ledger *ledger);
void event_emit(struct ledger *ledger);

#endif
