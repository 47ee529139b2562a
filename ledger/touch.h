/*
 * touch: the only ways a block changes an account's totals or a participant's net in a cycle. Each
 * saves the item before its first change in the block, so that rollback is exact, and logs the
 * entry, so that pages add up to totals.
 */
#ifndef HEFU_LEDGER_TOUCH_H
#define HEFU_LEDGER_TOUCH_H

#include "ledger/state.h"

/* What made an entry: the record being executed, or an event (docs/ledger.md, Legs). */
struct entry_origin {
    uint32_t position; /* of the record, or the event's number */
    uint8_t leg;       /* enum record_leg */
    bool event;
};

/* Adds delta to one total of an account and logs the entry; negative only for pending totals. */
void touch_account(struct ledger *ledger, uint32_t account, enum account_total total, int64_t delta,
                   struct entry_origin origin);
/* An account whose limit or flags are about to change: its page says so, with or without entries.
 */
struct account *touch_limit(struct ledger *ledger, uint32_t account);
/* Takes the last logged entry back; returns it. */
struct logged_entry touch_account_undo_last(struct ledger *ledger);

/* Adds to a participant's debits or credits in a cycle and keeps its exposure; subtracts if undo.
 */
void touch_net(struct ledger *ledger, uint32_t cycle, uint32_t participant, bool is_debit,
               uint64_t amount, bool undo);

/* Restores every account, net, exposure, cycle and sum that the block touched. */
void touch_restore(struct ledger *ledger);

#endif
