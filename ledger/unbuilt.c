/*
 * unbuilt: parts of the ledger that this branch does not have yet. Each definition moves into the
 * file that its header names; the file is gone before the branch is merged.
 */
#include "base/check.h"
#include "ledger/engine.h"
#include "ledger/settle.h"

#define UNBUILT false

void life_begin(struct ledger *ledger)
{
    (void)ledger;
}

void event_begin(struct ledger *ledger)
{
    (void)ledger;
}

void event_emit(struct ledger *ledger)
{
    (void)ledger;
}

void expiry_begin(struct ledger *ledger)
{
    (void)ledger;
}

void expiry_restore(struct ledger *ledger)
{
    (void)ledger;
}

void expiry_run(struct ledger *ledger)
{
    (void)ledger;
}

void expiry_emit(struct ledger *ledger)
{
    (void)ledger;
}

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

uint64_t cycle_next_ms(const struct ledger *ledger)
{
    (void)ledger;
    return UINT64_MAX;
}

enum verdict engine_answer(struct ledger *ledger, const struct filing *filing,
                           struct posted_record *ret_posted)
{
    (void)ledger;
    (void)filing;
    (void)ret_posted;
    CHECK(UNBUILT);
}

enum verdict engine_hold(struct ledger *ledger, const struct filing *filing,
                         struct posted_record *ret_posted)
{
    (void)ledger;
    (void)filing;
    (void)ret_posted;
    CHECK(UNBUILT);
}

enum verdict engine_dispute(struct ledger *ledger, const struct filing *filing,
                            struct posted_record *ret_posted)
{
    (void)ledger;
    (void)filing;
    (void)ret_posted;
    CHECK(UNBUILT);
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
