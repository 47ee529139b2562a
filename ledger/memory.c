/* memory: layout of a ledger in one piece of memory (see memory.h). */
#include "ledger/memory.h"

#include "base/check.h"
#include "ledger/action_rows.h"
#include "ledger/digest.h"
#include "ledger/idempotency.h"
#include "ledger/settle.h"

#define ALIGNMENT 64u

/* With a null base it only counts. */
struct carver {
    uint8_t *base;
    size_t used;
};

static void *carve(struct carver *carver, uint64_t count, size_t size)
{
    size_t at = (carver->used + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    carver->used = at + (size_t)count * size;
    return carver->base == NULL ? NULL : carver->base + at;
}

static uint32_t smaller(uint64_t a, uint64_t b)
{
    return (uint32_t)(a < b ? a : b);
}

/* Later participants and services have room from the start. */
static uint32_t participant_room(const struct genesis *genesis)
{
    return genesis->participants_max > genesis->participant_count ? genesis->participants_max
                                                                  : genesis->participant_count;
}

static uint32_t account_room(const struct genesis *genesis)
{
    return 4 * genesis->currency_count * (1 + participant_room(genesis));
}

static uint32_t service_room(const struct genesis *genesis)
{
    return genesis->services_max > genesis->service_count ? genesis->services_max
                                                          : genesis->service_count;
}

static uint32_t cycle_room(const struct genesis *genesis)
{
    return service_room(genesis) * LIMIT_SERVICE_CYCLES;
}

/* What actions may add to genesis, and the bytes of every row of it. */
static void set_refdata_limits(const struct genesis *genesis, struct scratch_limits *limits)
{
    struct refdata_room *room = &limits->refdata;
    room->participants = participant_room(genesis);
    room->limits = room->participants * genesis->currency_count;
    room->services = service_room(genesis);
    room->schemes = LIMIT_SCHEMES;
    room->calendars = LIMIT_CALENDARS;
    limits->refdata_bytes =
        (uint64_t)room->participants *
            (sizeof(struct genesis_participant) + PARTICIPANT_KEY_BYTES) +
        (uint64_t)room->limits * (sizeof(struct genesis_limit) + LIMIT_KEY_BYTES) +
        ((uint64_t)room->services + room->schemes + room->calendars + 1) * STATIC_ROW_BYTES_MAX;
}

struct scratch_limits memory_limits(const struct genesis *genesis)
{
    struct scratch_limits limits = {.records = genesis->block_records};
    uint64_t accounts = account_room(genesis);
    limits.accounts_max = (uint32_t)accounts;
    uint64_t nets = (uint64_t)cycle_room(genesis) * participant_room(genesis);
    uint64_t queued = (uint64_t)genesis->currency_count * LIMIT_QUEUE;
    /* Records, due lives that free what they reserve, queues paid whole, settlements. */
    limits.entries =
        (uint32_t)((uint64_t)limits.records * ENTRIES_PER_RECORD * 2 + queued * ENTRIES_PER_RECORD +
                   (uint64_t)SETTLEMENTS_PER_BLOCK * SETTLEMENT_ENTRIES *
                       participant_room(genesis));
    limits.accounts = smaller(accounts, limits.entries);
    limits.pages = limits.accounts + limits.entries / LIMIT_PAGE_ENTRIES;
    limits.page_bytes =
        (uint64_t)limits.pages * PAGE_HEAD_BYTES + (uint64_t)limits.entries * PAGE_ENTRY_BYTES;
    limits.nets = smaller(nets, limits.entries);
    limits.index_slots = index_slots(limits.records);
    /* Every due life may be a half in exception; every payment of every queue may be released. */
    uint64_t due = (uint64_t)limits.records * DUE_PER_RECORD;
    limits.lives = (uint32_t)((uint64_t)limits.records * LIVES_PER_RECORD + 2 * due + queued);
    limits.life_slots = index_slots(limits.lives);
    /* Lives; due events of cycles; suspensions; what settlement and actions make of cycles. */
    limits.events = limits.lives + (uint32_t)due + LIMIT_PARTICIPANTS +
                    2u * LIMIT_SERVICES * LIMIT_SERVICE_CYCLES + LIMIT_BLOCK_BATCHES;
    limits.expiries = (uint32_t)(due + limits.records);
    uint64_t static_rows = (uint64_t)genesis->participant_count + genesis->limit_count +
                           genesis->service_count + genesis->scheme_count +
                           genesis->calendar_count + 1;
    /* A static row is its bytes in genesis and its key. */
    limits.genesis_bytes = genesis_encoded_size(genesis) + static_rows * STATIC_KEY_BYTES_MAX;
    uint64_t block_writes =
        (uint64_t)limits.records * 2 + limits.lives + limits.events + limits.expiries + 2 * queued +
        LIMIT_BLOCK_BATCHES + limits.pages + limits.accounts + limits.nets + cycle_room(genesis) +
        CYCLES_FINISHED_MAX(limits.records) + ACTIONS_HELD_MAX + LIMIT_BLOCK_BATCHES + 2;
    set_refdata_limits(genesis, &limits);
    block_writes += (uint64_t)limits.refdata.participants + limits.refdata.limits +
                    limits.refdata.services + limits.refdata.schemes + limits.refdata.calendars + 1;
    uint64_t genesis_writes = accounts + static_rows + LIMIT_SERVICES + 2;
    limits.writes = (uint32_t)(block_writes > genesis_writes ? block_writes : genesis_writes);
    return limits;
}

static void carve_registry(struct carver *carver, const struct refdata_room *room,
                           uint32_t currencies, struct registry *registry)
{
    struct number_map *maps[] = {&registry->participants, &registry->currencies,
                                 &registry->scheme_numbers};
    const uint32_t counts[] = {room->participants, currencies, room->schemes};
    for (unsigned i = 0; i < 3; i++) {
        uint32_t slots = number_map_slots(counts[i]);
        maps[i]->slots = carve(carver, slots, sizeof *maps[i]->slots);
        maps[i]->mask = slots - 1;
    }
    registry->sponsors = carve(carver, room->participants, sizeof *registry->sponsors);
    registry->first_members = carve(carver, room->participants, sizeof *registry->first_members);
    registry->next_members = carve(carver, room->participants, sizeof *registry->next_members);
    registry->schemes = carve(carver, room->schemes, sizeof *registry->schemes);
}

static void carve_copy(struct carver *carver, const struct refdata_room *room, struct genesis *copy)
{
    copy->participants = carve(carver, room->participants, sizeof *copy->participants);
    copy->limits = carve(carver, room->limits, sizeof *copy->limits);
    copy->services = carve(carver, room->services, sizeof *copy->services);
    copy->schemes = carve(carver, room->schemes, sizeof *copy->schemes);
    copy->calendars = carve(carver, room->calendars, sizeof *copy->calendars);
}

static void carve_refdata(struct carver *carver, const struct scratch_limits *limits,
                          struct refdata *refdata)
{
    carve_copy(carver, &limits->refdata, &refdata->now);
    carve_copy(carver, &limits->refdata, &refdata->before);
    carve_copy(carver, &limits->refdata, &refdata->trial);
    refdata->rows = carve(carver, limits->refdata_bytes, 1);
    refdata->rows_size = limits->refdata_bytes;
    refdata->places = carve(carver, (uint64_t)limits->refdata.participants * LIMIT_PARTICIPANT_KEYS,
                            GENESIS_KEY_PLACE_BYTES);
}

static void carve_state(struct carver *carver, const struct genesis *genesis, struct ledger *ledger)
{
    uint32_t accounts = account_room(genesis);
    uint64_t exposures = (uint64_t)participant_room(genesis) * genesis->currency_count;
    ledger->accounts = carve(carver, accounts, sizeof *ledger->accounts);
    ledger->account_marks = carve(carver, accounts, sizeof *ledger->account_marks);
    ledger->cycles.exposures = carve(carver, exposures, sizeof *ledger->cycles.exposures);
    ledger->cycles.group_sums = carve(carver, exposures, sizeof *ledger->cycles.group_sums);
    ledger->cycles.closed_owed = carve(carver, exposures, sizeof *ledger->cycles.closed_owed);
    struct hash *nodes = carve(carver, merkle_dense_nodes(accounts), sizeof *nodes);
    if (nodes != NULL) {
        merkle_dense_init(&ledger->tree, nodes, accounts);
    }
    ledger->account_rows = carve(carver, accounts, (size_t)ACCOUNT_KEY_BYTES + ACCOUNT_LEAF_BYTES);
    /* The leaves of all accounts, in genesis and after loading. */
    ledger->changed = carve(carver, accounts, sizeof *ledger->changed);
    ledger->changed_scratch = carve(carver, accounts, sizeof *ledger->changed_scratch);
    ledger->changed_leaves = carve(carver, accounts, sizeof *ledger->changed_leaves);
}

static void carve_index(struct carver *carver, uint32_t rows, struct index *index, size_t stride,
                        uint32_t key_length, uint8_t **ret_rows)
{
    uint32_t slots = index_slots(rows);
    *ret_rows = carve(carver, rows, stride);
    index->slots = carve(carver, slots, sizeof *index->slots);
    index->rows = *ret_rows;
    index->mask = slots - 1;
    index->stride = (uint32_t)stride;
    index->key_length = key_length;
}

static void carve_actions(struct carver *carver, struct ledger *ledger)
{
    ledger->book = carve(carver, 1, sizeof *ledger->book);
    ledger->book_next = carve(carver, 1, sizeof *ledger->book_next);
    ledger->action_bodies = carve(carver, ACTIONS_HELD_MAX, sizeof *ledger->action_bodies);
    ledger->action_values = carve(carver, ACTIONS_HELD_MAX, ACTION_STORED_BYTES_MAX);
}

static void carve_lives(struct carver *carver, const struct scratch_limits *limits,
                        struct ledger *ledger)
{
    struct lives *lives = &ledger->lives;
    carve_index(carver, limits->lives, &lives->index, LIFE_ROW_BYTES, LIFE_KEY_BYTES, &lives->rows);
    lives->touched = carve(carver, limits->lives, sizeof *lives->touched);
    lives->undo =
        carve(carver, (uint64_t)LIVES_PER_RECORD * LIMIT_BATCH_RECORDS, sizeof *lives->undo);
    lives->capacity = limits->lives;
    ledger->events.rows = carve(carver, limits->events, EVENT_KEY_BYTES + EVENT_VALUE_BYTES);
    ledger->events.capacity = limits->events;
    ledger->expiries.rows = carve(carver, limits->expiries, EXPIRY_ROW_BYTES);
}

static void carve_block(struct carver *carver, const struct scratch_limits *limits,
                        struct ledger *ledger)
{
    carve_index(carver, limits->records, &ledger->ids, ID_ROW_BYTES, ID_KEY_BYTES,
                &ledger->id_rows);
    carve_index(carver, limits->records, &ledger->transactions.index, TRANSACTION_ROW_BYTES,
                TRANSACTION_KEY_BYTES, &ledger->transactions.rows);
    carve_lives(carver, limits, ledger);
    ledger->touched = carve(carver, limits->accounts, sizeof *ledger->touched);
    ledger->verdicts = carve(carver, limits->records, sizeof *ledger->verdicts);
    ledger->entries = carve(carver, limits->entries, sizeof *ledger->entries);
    ledger->chain = carve(carver, LIMIT_BATCH_RECORDS, sizeof *ledger->chain);
    ledger->page_bytes = carve(carver, limits->page_bytes, 1);
    ledger->page_keys = carve(carver, limits->pages, PAGE_KEY_BYTES);
    ledger->genesis_rows = carve(carver, limits->genesis_bytes, 1);
    ledger->writes = carve(carver, limits->writes, sizeof *ledger->writes);
}

static void carve_cycles(struct carver *carver, const struct genesis *genesis,
                         const struct scratch_limits *limits, struct cycles *cycles)
{
    uint32_t slots = cycle_room(genesis);
    uint64_t nets = (uint64_t)slots * participant_room(genesis);
    cycles->rows = carve(carver, slots, sizeof *cycles->rows);
    cycles->before = carve(carver, slots, sizeof *cycles->before);
    cycles->currency = carve(carver, slots, sizeof *cycles->currency);
    cycles->touched = carve(carver, slots, sizeof *cycles->touched);
    cycles->out_rows = carve(carver, slots, CYCLE_ROW_BYTES);
    cycles->finished_rows = carve(carver, CYCLES_FINISHED_MAX(limits->records), CYCLE_ROW_BYTES);
    cycles->open = carve(carver, service_room(genesis), sizeof *cycles->open);
    cycles->open_before = carve(carver, service_room(genesis), sizeof *cycles->open_before);
    cycles->nets = carve(carver, nets, sizeof *cycles->nets);
    cycles->net_marks = carve(carver, nets, sizeof *cycles->net_marks);
    cycles->touched_nets = carve(carver, limits->nets, sizeof *cycles->touched_nets);
    cycles->net_rows = carve(carver, limits->nets, (size_t)NET_KEY_BYTES + NET_VALUE_BYTES);
    cycles->sums = carve(carver, participant_room(genesis), sizeof *cycles->sums);
}

/* Scratch of a run has a place for each payment and for each participant. */
static void carve_queues(struct carver *carver, const struct genesis *genesis,
                         struct queues *queues)
{
    uint32_t participants = participant_room(genesis);
    queues->currencies = carve(carver, genesis->currency_count, sizeof *queues->currencies);
    for (uint32_t i = 0; i < genesis->currency_count; i++) {
        struct queue_list *now = carve(carver, 1, sizeof *now);
        struct queue_list *before = carve(carver, 1, sizeof *before);
        if (carver->base != NULL) {
            queues->currencies[i].now = now;
            queues->currencies[i].before = before;
        }
    }
    uint64_t accounts = (uint64_t)participants * genesis->currency_count;
    queues->waiting = carve(carver, accounts * QUEUE_PRIORITIES, sizeof *queues->waiting);
    queues->rows = carve(carver, 2ull * LIMIT_QUEUE * genesis->currency_count, QUEUE_ROW_BYTES);
    queues->last_of = carve(carver, participants, sizeof *queues->last_of);
    queues->next_of = carve(carver, LIMIT_QUEUE, sizeof *queues->next_of);
    queues->previous_of = carve(carver, LIMIT_QUEUE, sizeof *queues->previous_of);
    queues->heap = carve(carver, LIMIT_QUEUE, sizeof *queues->heap);
    queues->flags = carve(carver, LIMIT_QUEUE, sizeof *queues->flags);
    queues->position = carve(carver, participants, sizeof *queues->position);
    queues->stack = carve(carver, participants, sizeof *queues->stack);
    queues->stacked = carve(carver, participants, sizeof *queues->stacked);
}

/* ledger is a scratch one while counting. */
static void lay_out(struct carver *carver, const struct genesis *genesis, struct ledger *ledger)
{
    struct scratch_limits limits = memory_limits(genesis);
    carve_registry(carver, &limits.refdata, genesis->currency_count, &ledger->registry);
    carve_refdata(carver, &limits, &ledger->refdata);
    carve_state(carver, genesis, ledger);
    carve_block(carver, &limits, ledger);
    carve_cycles(carver, genesis, &limits, &ledger->cycles);
    carve_queues(carver, genesis, &ledger->queues);
    carve_actions(carver, ledger);
    ledger->limits = limits;
}

size_t ledger_footprint(const struct genesis *genesis)
{
    struct carver carver = {.base = NULL, .used = sizeof(struct ledger)};
    struct ledger unused;
    lay_out(&carver, genesis, &unused);
    return (carver.used + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
}

struct ledger *memory_lay_out(void *memory, const struct genesis *genesis)
{
    CHECK((uintptr_t)memory % ALIGNMENT == 0);
    struct carver carver = {.base = memory, .used = sizeof(struct ledger)};
    struct ledger *ledger = memory;
    lay_out(&carver, genesis, ledger);
    ledger->participant_count = genesis->participant_count;
    ledger->currency_count = genesis->currency_count;
    ledger->account_count = (uint32_t)genesis_account_count(genesis);
    ledger->cycles.count = cycle_room(genesis);
    ledger->cycles.stride = participant_room(genesis);
    return ledger;
}
