/*
 * unbuilt: parts of the ledger that this branch does not have yet. Each definition moves into the
 * file that its header names; the file is gone before the branch is merged.
 */
#include "base/check.h"
#include "ledger/engine.h"
#include "ledger/settle.h"

#define UNBUILT false

void settle_run(struct ledger *ledger)
{
    (void)ledger;
}

void queue_begin(struct ledger *ledger)
{
    (void)ledger;
}

void queue_restore(struct ledger *ledger)
{
    (void)ledger;
}

void queue_run(struct ledger *ledger)
{
    (void)ledger;
}

void queue_emit(struct ledger *ledger)
{
    (void)ledger;
}

enum verdict queue_check_order(const struct ledger *ledger, const struct filing *filing)
{
    (void)ledger;
    (void)filing;
    return VERDICT_POSTED;
}

enum verdict queue_put(struct ledger *ledger, const struct filing *filing)
{
    (void)ledger;
    (void)filing;
    CHECK(UNBUILT);
}

void queue_remove(struct ledger *ledger, uint32_t currency, struct place place)
{
    (void)ledger;
    (void)currency;
    (void)place;
    CHECK(UNBUILT);
}

bool cycle_due(const struct ledger *ledger, struct expiry_row *ret_row)
{
    (void)ledger;
    (void)ret_row;
    return false;
}

void cycle_due_run(struct ledger *ledger, const struct expiry_row *row)
{
    (void)ledger;
    (void)row;
    CHECK(UNBUILT);
}

void treasury_affirm(struct ledger *ledger, const struct filing *filing,
                     const struct subject *subject, struct posted_record *ret_posted)
{
    (void)ledger;
    (void)filing;
    (void)subject;
    (void)ret_posted;
    CHECK(UNBUILT);
}

void treasury_reject(struct ledger *ledger, const struct filing *filing,
                     const struct subject *subject, struct posted_record *ret_posted)
{
    (void)ledger;
    (void)filing;
    (void)subject;
    (void)ret_posted;
    CHECK(UNBUILT);
}

uint64_t cycle_next_ms(const struct ledger *ledger)
{
    (void)ledger;
    return UINT64_MAX;
}

enum verdict engine_queue(struct ledger *ledger, const struct filing *filing,
                          struct posted_record *ret_posted)
{
    (void)ledger;
    (void)filing;
    (void)ret_posted;
    CHECK(UNBUILT);
}

enum verdict engine_treasury(struct ledger *ledger, const struct filing *filing,
                             struct posted_record *ret_posted)
{
    (void)ledger;
    (void)filing;
    (void)ret_posted;
    CHECK(UNBUILT);
}
