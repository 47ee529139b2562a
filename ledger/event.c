/* event: the events of a block, their rows and their tree (see event.h). */
#include "ledger/event.h"

#include "base/check.h"
#include "base/merkle.h"
#include "ledger/outcome.h"
#include "ledger/state.h"

#define EVENT_ROW_BYTES (EVENT_KEY_BYTES + EVENT_VALUE_BYTES)

void event_begin(struct ledger *ledger)
{
    ledger->events.count = 0;
}

uint32_t event_add(struct ledger *ledger, const struct event_row *row)
{
    struct events *events = &ledger->events;
    CHECK(events->count < events->capacity);
    uint8_t *bytes = events->rows + (size_t)events->count * EVENT_ROW_BYTES;
    event_key(ledger->block->height, events->count, bytes);
    event_encode(row, bytes + EVENT_KEY_BYTES);
    return events->count++;
}

struct hash event_root(const struct ledger *ledger)
{
    struct merkle_frontier frontier = {.size = 0};
    for (uint32_t i = 0; i < ledger->events.count; i++) {
        const uint8_t *value = ledger->events.rows + (size_t)i * EVENT_ROW_BYTES + EVENT_KEY_BYTES;
        struct hash leaf = merkle_leaf(value, EVENT_VALUE_BYTES);
        merkle_frontier_append(&frontier, &leaf);
    }
    return merkle_frontier_root(&frontier);
}

void event_emit(struct ledger *ledger)
{
    outcome_write_rows(ledger, TABLE_EVENTS, ledger->events.rows, ledger->events.count,
                       EVENT_KEY_BYTES, EVENT_VALUE_BYTES);
}
