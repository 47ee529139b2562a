/* queue: the payments that wait, their orders, their rows and their undo (see queue.h). */
#include "ledger/queue.h"

#include <string.h>

#include "base/check.h"
#include "ledger/digest.h"
#include "ledger/outcome.h"
#include "ledger/state.h"

_Static_assert(LIMIT_QUEUE <= UINT16_MAX, "slots of a queue are 16 bits wide");

static bool place_before(struct place a, struct place b)
{
    return a.height != b.height ? a.height < b.height : a.position < b.position;
}

static bool queued_before(const struct queued *a, const struct queued *b)
{
    return a->row.priority != b->row.priority ? a->row.priority > b->row.priority
                                              : place_before(a->row.since, b->row.since);
}

static uint16_t *waiting_of(const struct ledger *ledger, uint32_t currency, uint32_t payer,
                            uint32_t priority)
{
    uint64_t account = (uint64_t)payer * ledger->currency_count + currency;
    return &ledger->queues.waiting[account * QUEUE_PRIORITIES + priority];
}

/* The first rank whose payment comes after this one. */
static uint32_t rank_for(const struct queue_list *list, const struct queued *queued)
{
    uint32_t low = 0;
    uint32_t high = list->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (queued_before(queue_at(list, middle), queued)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static uint32_t index_for(const struct queue_list *list, struct place place)
{
    uint32_t low = 0;
    uint32_t high = list->count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (place_before(list->entries[list->by_place[middle]].row.place, place)) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void insert_at(uint16_t *slots, uint32_t count, uint32_t at, uint16_t slot)
{
    memmove(&slots[at + 1], &slots[at], sizeof *slots * (count - at));
    slots[at] = slot;
}

static void remove_at(uint16_t *slots, uint32_t count, uint32_t at)
{
    memmove(&slots[at], &slots[at + 1], sizeof *slots * (count - at - 1));
}

/* The list, about to be changed: as it was before the block it is kept for undo and for the rows.
 */
static struct queue_list *changing(struct ledger *ledger, uint32_t currency)
{
    struct currency_queue *queue = &ledger->queues.currencies[currency];
    if (!queue->saved) {
        const struct queue_list *now = queue->now;
        struct queue_list *before = queue->before;
        before->count = now->count;
        before->high = now->high;
        before->spare_count = now->spare_count;
        memcpy(before->entries, now->entries, sizeof now->entries[0] * now->high);
        memcpy(before->order, now->order, sizeof now->order[0] * now->count);
        memcpy(before->by_place, now->by_place, sizeof now->by_place[0] * now->count);
        memcpy(before->spare, now->spare, sizeof now->spare[0] * now->spare_count);
        queue->saved = true;
    }
    return queue->now;
}

static void put(struct ledger *ledger, uint32_t currency, const struct queued *queued)
{
    struct queue_list *list = changing(ledger, currency);
    CHECK(list->count < LIMIT_QUEUE);
    uint32_t slot = list->spare_count > 0 ? list->spare[--list->spare_count] : list->high++;
    list->entries[slot] = *queued;
    insert_at(list->order, list->count, rank_for(list, queued), (uint16_t)slot);
    insert_at(list->by_place, list->count, index_for(list, queued->row.place), (uint16_t)slot);
    list->count++;
    (*waiting_of(ledger, currency, queued->payer, queued->row.priority))++;
}

/* Takes a payment out; returns it. */
static struct queued take(struct ledger *ledger, uint32_t currency, struct place place)
{
    struct queue_list *list = changing(ledger, currency);
    uint32_t at = index_for(list, place);
    CHECK(at < list->count);
    uint16_t slot = list->by_place[at];
    struct queued taken = list->entries[slot];
    CHECK(taken.row.place.height == place.height && taken.row.place.position == place.position);
    uint32_t rank = rank_for(list, &taken);
    CHECK(list->order[rank] == slot);
    remove_at(list->order, list->count, rank);
    remove_at(list->by_place, list->count, at);
    list->count--;
    list->spare[list->spare_count++] = slot;
    uint16_t *waiting = waiting_of(ledger, currency, taken.payer, taken.row.priority);
    CHECK(*waiting > 0);
    (*waiting)--;
    return taken;
}

void queue_remove_paid(struct ledger *ledger, uint32_t currency, const uint8_t *flags)
{
    struct queue_list *list = changing(ledger, currency);
    uint32_t kept = 0;
    for (uint32_t rank = 0; rank < list->count; rank++) {
        uint16_t slot = list->order[rank];
        struct queued *queued = &list->entries[slot];
        if ((flags[rank] & QUEUE_PAID) == 0) {
            list->order[kept++] = slot;
            continue;
        }
        uint16_t *waiting = waiting_of(ledger, currency, queued->payer, queued->row.priority);
        CHECK(*waiting > 0);
        (*waiting)--;
        queued->row.place.height = 0; /* no payment stands there: the mark for by_place */
        list->spare[list->spare_count++] = slot;
    }
    uint32_t placed = 0;
    for (uint32_t i = 0; i < list->count; i++) {
        uint16_t slot = list->by_place[i];
        if (list->entries[slot].row.place.height != 0) {
            list->by_place[placed++] = slot;
        }
    }
    CHECK(placed == kept);
    list->count = kept;
}

void queue_begin(struct ledger *ledger)
{
    for (uint32_t i = 0; i < ledger->currency_count; i++) {
        ledger->queues.currencies[i].saved = false;
    }
}

static void count_waiting(struct ledger *ledger, uint32_t currency, bool clear)
{
    const struct queue_list *list = ledger->queues.currencies[currency].now;
    for (uint32_t i = 0; i < list->count; i++) {
        const struct queued *queued = queue_at(list, i);
        uint16_t *waiting = waiting_of(ledger, currency, queued->payer, queued->row.priority);
        *waiting = clear ? 0 : (uint16_t)(*waiting + 1);
    }
}

void queue_restore(struct ledger *ledger)
{
    for (uint32_t i = 0; i < ledger->currency_count; i++) {
        struct currency_queue *queue = &ledger->queues.currencies[i];
        if (queue->saved) {
            count_waiting(ledger, i, true);
            struct queue_list *list = queue->now;
            queue->now = queue->before;
            queue->before = list;
            queue->saved = false;
            count_waiting(ledger, i, false);
        }
    }
}

enum verdict queue_check_order(const struct ledger *ledger, const struct filing *filing)
{
    for (uint32_t p = filing->record->priority; p < QUEUE_PRIORITIES; p++) {
        if (*waiting_of(ledger, filing->currency, filing->payer, p) > 0) {
            return VERDICT_QUEUED_BEFORE;
        }
    }
    return VERDICT_POSTED;
}

enum verdict queue_put(struct ledger *ledger, const struct filing *filing)
{
    const struct parameters *parameters = &ledger->registry.genesis->parameters;
    const struct record *record = filing->record;
    if (ledger->queues.currencies[filing->currency].now->count >= parameters->queue_max) {
        return VERDICT_QUEUE_FULL;
    }
    uint32_t own = 0;
    for (uint32_t p = 0; p < QUEUE_PRIORITIES; p++) {
        own += *waiting_of(ledger, filing->currency, filing->payer, p);
    }
    if (own >= parameters->queue_quota) {
        return VERDICT_QUEUE_QUOTA;
    }
    struct place place = {.height = ledger->block->height, .position = filing->position};
    struct queued queued = {.row = {.currency = record->currency,
                                    .scheme = record->scheme,
                                    .place = place,
                                    .since = place,
                                    .amount = record->amount,
                                    .interchange = record->interchange,
                                    .payer_fee = record->payer_fee,
                                    .payee_fee = record->payee_fee,
                                    .payer = record->payer,
                                    .payee = record->payee,
                                    .priority = record->priority},
                            .payer = filing->payer,
                            .payee = filing->payee,
                            .network = filing->scheme->network};
    put(ledger, filing->currency, &queued);
    return VERDICT_QUEUED;
}

void queue_remove(struct ledger *ledger, uint32_t currency, struct place place)
{
    (void)take(ledger, currency, place);
}

void queue_reprioritise(struct ledger *ledger, uint32_t currency, struct place place,
                        uint8_t priority, struct place since)
{
    struct queued queued = take(ledger, currency, place);
    if (queued.row.priority != priority) {
        queued.row.priority = priority;
        queued.row.since = since;
    }
    put(ledger, currency, &queued);
}

void queue_note_event(struct ledger *ledger, uint32_t currency, struct place place,
                      uint64_t event_height, uint32_t event_index)
{
    struct queue_list *list = changing(ledger, currency);
    uint32_t at = index_for(list, place);
    CHECK(at < list->count);
    struct queued *queued = &list->entries[list->by_place[at]];
    CHECK(queued->row.place.position == place.position);
    queued->row.event_height = event_height;
    queued->row.event_index = event_index;
}

static void encode(const struct queued *queued, uint8_t row[QUEUE_ROW_BYTES])
{
    queue_key(queued->row.currency, queued->row.place, row);
    queue_encode(&queued->row, row + QUEUE_KEY_BYTES);
}

static bool same_row(const struct queue_row *a, const struct queue_row *b)
{
    return a->currency == b->currency && a->scheme == b->scheme &&
           a->place.height == b->place.height && a->place.position == b->place.position &&
           a->since.height == b->since.height && a->since.position == b->since.position &&
           a->amount == b->amount && a->interchange == b->interchange &&
           a->payer_fee == b->payer_fee && a->payee_fee == b->payee_fee && a->payer == b->payer &&
           a->payee == b->payee && a->priority == b->priority &&
           a->event_height == b->event_height && a->event_index == b->event_index;
}

/* Writes the rows of one list that the other does not have as they are, ascending: the removed ones
   with a zero value. Returns how many; their sum is added. */
static uint32_t differences(const struct queue_list *of, const struct queue_list *other,
                            bool removed, uint8_t *ret_rows, uint64_t *sum)
{
    uint32_t count = 0;
    uint32_t k = 0;
    for (uint32_t i = 0; i < of->count; i++) {
        const struct queued *queued = &of->entries[of->by_place[i]];
        while (k < other->count &&
               place_before(other->entries[other->by_place[k]].row.place, queued->row.place)) {
            k++;
        }
        if (k < other->count && same_row(&queued->row, &other->entries[other->by_place[k]].row)) {
            continue;
        }
        uint8_t *row = ret_rows + (size_t)count++ * QUEUE_ROW_BYTES;
        encode(queued, row);
        *sum += queue_row_sum(row);
        if (removed) {
            memset(row + QUEUE_KEY_BYTES, 0, QUEUE_VALUE_BYTES);
        }
    }
    return count;
}

static bool is_removal(const uint8_t *row)
{
    return bytes_are_zero(row + QUEUE_KEY_BYTES, QUEUE_VALUE_BYTES);
}

/* A changed row stands first as removed and then as put: only the put is written. */
static void write_rows(struct ledger *ledger, const uint8_t *rows, uint32_t removed, uint32_t put)
{
    const uint8_t *puts = rows + (size_t)removed * QUEUE_ROW_BYTES;
    uint32_t k = 0;
    for (uint32_t i = 0; i < removed; i++) {
        const uint8_t *row = rows + (size_t)i * QUEUE_ROW_BYTES;
        CHECK(is_removal(row));
        while (k < put && memcmp(puts + (size_t)k * QUEUE_ROW_BYTES, row, QUEUE_KEY_BYTES) < 0) {
            k++;
        }
        if (k == put || memcmp(puts + (size_t)k * QUEUE_ROW_BYTES, row, QUEUE_KEY_BYTES) != 0) {
            outcome_remove(ledger, TABLE_QUEUE, (struct span){row, QUEUE_KEY_BYTES});
        }
    }
    for (uint32_t i = 0; i < put; i++) {
        const uint8_t *row = puts + (size_t)i * QUEUE_ROW_BYTES;
        outcome_write(ledger, TABLE_QUEUE, (struct span){row, QUEUE_KEY_BYTES},
                      (struct span){row + QUEUE_KEY_BYTES, QUEUE_VALUE_BYTES});
    }
}

void queue_emit(struct ledger *ledger)
{
    uint8_t *rows = ledger->queues.rows;
    uint8_t *next = rows;
    uint64_t gone = 0;
    uint64_t come = 0;
    for (uint32_t i = 0; i < ledger->currency_count; i++) {
        const struct currency_queue *queue = &ledger->queues.currencies[i];
        if (queue->saved) {
            uint32_t removed = differences(queue->before, queue->now, true, next, &gone);
            uint8_t *puts = next + (size_t)removed * QUEUE_ROW_BYTES;
            uint32_t count = differences(queue->now, queue->before, false, puts, &come);
            write_rows(ledger, next, removed, count);
            next = puts + (size_t)count * QUEUE_ROW_BYTES;
        }
    }
    digest_run(&ledger->state.digests[TABLE_QUEUE], rows, (size_t)(next - rows));
    ledger->state.queue_sum += come - gone;
}

const char *queue_load_done(const struct ledger *ledger)
{
    uint64_t sum = 0;
    for (uint32_t i = 0; i < ledger->currency_count; i++) {
        const struct queue_list *list = ledger->queues.currencies[i].now;
        for (uint32_t k = 0; k < list->count; k++) {
            uint8_t row[QUEUE_ROW_BYTES];
            encode(queue_at(list, k), row);
            sum += queue_row_sum(row);
        }
    }
    return sum == ledger->state.queue_sum
               ? NULL
               : "the queued payments or the next due time are not those of the state";
}

enum status queue_load(struct ledger *ledger, const struct queue_row *row)
{
    const struct registry *registry = &ledger->registry;
    uint32_t currency = number_map_find(&registry->currencies, row->currency);
    const struct scheme *scheme = registry_scheme(registry, row->scheme);
    struct queued queued = {.row = *row,
                            .payer = number_map_find(&registry->participants, row->payer),
                            .payee = number_map_find(&registry->participants, row->payee),
                            .network = REGISTRY_NONE};
    if (currency == REGISTRY_NONE || scheme == NULL || queued.payer == REGISTRY_NONE ||
        queued.payee == REGISTRY_NONE ||
        ledger->queues.currencies[currency].now->count >= LIMIT_QUEUE) {
        return STATUS_CORRUPT;
    }
    queued.network = scheme->network;
    put(ledger, currency, &queued);
    return STATUS_OK;
}
