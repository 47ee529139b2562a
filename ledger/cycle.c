/* cycle: the life of a cycle from opening to closing, and what follows from its nets (see cycle.h;
   settlement is settle.c, rows and digests are cycle_rows.c). */
#include "ledger/cycle.h"

#include "base/check.h"
#include "ledger/calendar.h"
#include "ledger/digest.h"
#include "ledger/group.h"
#include "ledger/state.h"

#define SECOND_MS 1000ull

struct net *cycle_net(const struct ledger *ledger, uint32_t slot, uint32_t participant)
{
    return &ledger->cycles.nets[(uint64_t)slot * ledger->cycles.stride + participant];
}

struct total *cycle_closed_owed(const struct ledger *ledger, uint32_t participant,
                                uint32_t currency)
{
    return &ledger->cycles.closed_owed[(uint64_t)participant * ledger->currency_count + currency];
}

bool cycle_is_unsettled(const struct cycle_row *row)
{
    return row->state != 0 && row->state != CYCLE_SETTLED;
}

static const struct genesis_service *service_of(const struct ledger *ledger, uint32_t slot)
{
    const struct genesis_service *service =
        genesis_service(ledger->registry.genesis, ledger->cycles.rows[slot].service);
    CHECK(service != NULL);
    return service;
}

static uint32_t service_index(const struct ledger *ledger, const struct genesis_service *service)
{
    return (uint32_t)(service - ledger->registry.genesis->services);
}

uint32_t cycle_slot(const struct ledger *ledger, uint16_t service, uint32_t number)
{
    for (uint32_t i = 0; i < ledger->cycles.count; i++) {
        const struct cycle_row *row = &ledger->cycles.rows[i];
        if (cycle_is_unsettled(row) && row->service == service && row->number == number) {
            return i;
        }
    }
    return REGISTRY_NONE;
}

static uint32_t unsettled_of(const struct ledger *ledger, uint16_t service)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < ledger->cycles.count; i++) {
        const struct cycle_row *row = &ledger->cycles.rows[i];
        count += cycle_is_unsettled(row) && row->service == service;
    }
    return count;
}

static uint32_t free_slot(const struct ledger *ledger)
{
    for (uint32_t i = 0; i < ledger->cycles.count; i++) {
        if (ledger->cycles.rows[i].state == 0) {
            return i;
        }
    }
    return REGISTRY_NONE;
}

static uint64_t next_cutoff(const struct ledger *ledger, const struct genesis_service *service,
                            uint64_t after_ms)
{
    const struct genesis *genesis = ledger->registry.genesis;
    return calendar_next_cutoff(service, genesis_calendar(genesis, service->calendar), after_ms,
                                genesis->utc_offset_minutes);
}

static void place_in(struct ledger *ledger, uint32_t slot, const struct genesis_service *service,
                     const struct cycle_row *row)
{
    ledger->cycles.rows[slot] = *row;
    ledger->cycles.touched[slot] = true;
    ledger->cycles.currency[slot] =
        number_map_find(&ledger->registry.currencies, service->currency);
    ledger->cycles.open[service_index(ledger, service)] = slot;
}

static void open_service(struct ledger *ledger, uint32_t index, uint64_t height, uint64_t now_ms)
{
    const struct genesis_service *service = &ledger->registry.genesis->services[index];
    ledger->cycles.open[index] = REGISTRY_NONE;
    if (service->mode == SERVICE_DEFERRED) {
        const struct cycle_row row = {.service = service->number,
                                      .number = 1,
                                      .state = CYCLE_OPEN,
                                      .currency = service->currency,
                                      .opened_height = height,
                                      .opened_ms = now_ms,
                                      .first_ms = now_ms,
                                      .cutoff_ms = next_cutoff(ledger, service, now_ms)};
        uint32_t slot = free_slot(ledger);
        CHECK(slot != REGISTRY_NONE);
        place_in(ledger, slot, service, &row);
    }
}

void cycle_open_first(struct ledger *ledger)
{
    const struct genesis *genesis = ledger->registry.genesis;
    for (uint32_t i = 0; i < genesis->service_count; i++) {
        open_service(ledger, i, 0, genesis->created_ms);
    }
}

void cycle_open_service(struct ledger *ledger, uint32_t index)
{
    open_service(ledger, index, ledger->block->height, ledger->block->timestamp_ms);
}

void cycle_begin(struct ledger *ledger)
{
    struct cycles *cycles = &ledger->cycles;
    cycles->touched_net_count = 0;
    cycles->finished_count = 0;
    cycles->moved = false;
    cycles->untried_before = cycles->untried;
    memset(cycles->touched, 0, cycles->count * sizeof *cycles->touched);
    memcpy(cycles->before, cycles->rows, cycles->count * sizeof *cycles->rows);
    memcpy(cycles->open_before, cycles->open,
           ledger->limits.refdata.services * sizeof *cycles->open);
}

void cycle_restore(struct ledger *ledger)
{
    struct cycles *cycles = &ledger->cycles;
    /* Backwards: two nets may share an exposure, whose first saved value is the one to restore. */
    for (uint32_t i = cycles->touched_net_count; i-- > 0;) {
        const struct touched_net *touched = &cycles->touched_nets[i];
        group_change(ledger, touched->exposure / ledger->currency_count,
                     touched->exposure % ledger->currency_count,
                     cycles->exposures[touched->exposure], touched->exposure_before);
        cycles->nets[touched->net] = touched->before;
        cycles->exposures[touched->exposure] = touched->exposure_before;
    }
    cycles->untried = cycles->untried_before;
    memcpy(cycles->rows, cycles->before, cycles->count * sizeof *cycles->rows);
    memcpy(cycles->open, cycles->open_before,
           ledger->limits.refdata.services * sizeof *cycles->open);
    for (uint32_t i = 0; i < cycles->count; i++) {
        /* A slot that an empty cycle left may have gone to a cycle of another currency. */
        if (cycles->touched[i] && cycles->rows[i].state != 0) {
            cycles->currency[i] =
                number_map_find(&ledger->registry.currencies, cycles->rows[i].currency);
        }
    }
    if (cycles->moved) {
        cycle_recompute(ledger);
    }
}

void cycle_commit(struct ledger *ledger)
{
    struct cycles *cycles = &ledger->cycles;
    for (uint32_t i = 0; cycles->moved && i < cycles->count; i++) {
        if (cycles->rows[i].state == CYCLE_SETTLED) {
            memset(cycle_net(ledger, i, 0), 0, cycles->stride * sizeof *cycles->nets);
            cycles->rows[i] = (struct cycle_row){.state = 0};
        }
    }
}

struct cycle_row *cycle_touch(struct ledger *ledger, uint32_t slot)
{
    ledger->cycles.touched[slot] = true;
    return &ledger->cycles.rows[slot];
}

uint32_t cycle_event(struct ledger *ledger, uint32_t slot, uint16_t cause, uint16_t new_state,
                     uint64_t amount)
{
    const struct cycle_row *row = &ledger->cycles.rows[slot];
    const struct event_row event = {.origin = {.height = 0, .position = row->number},
                                    .subject = EVENT_CYCLE,
                                    .cause = cause,
                                    .old_state = row->state,
                                    .new_state = new_state,
                                    .by = EVENT_BY_NONE,
                                    .amount = amount,
                                    .service = row->service};
    return event_add(ledger, &event);
}

/* ---- What follows from nets ---- */

static uint32_t settling_participant(const struct ledger *ledger, uint32_t participant)
{
    uint32_t sponsor = ledger->registry.sponsors[participant];
    return sponsor == REGISTRY_NONE ? participant : sponsor;
}

void cycle_group_sums(struct ledger *ledger, uint32_t slot)
{
    struct difference *sums = ledger->cycles.sums;
    memset(sums, 0, ledger->participant_count * sizeof *sums);
    for (uint32_t i = 0; i < ledger->participant_count; i++) {
        const struct net *net = cycle_net(ledger, slot, i);
        sums[settling_participant(ledger, i)].minor +=
            total_balance(net->credits, net->debits).minor;
    }
}

static bool counts_as_owed(const struct ledger *ledger, uint32_t slot)
{
    uint16_t state = ledger->cycles.rows[slot].state;
    return (state == CYCLE_CLOSED || state == CYCLE_SHORT) &&
           service_of(ledger, slot)->settlement == SETTLEMENT_PREFUNDED;
}

void cycle_count_owed(struct ledger *ledger, uint32_t slot, int sign)
{
    uint32_t currency = ledger->cycles.currency[slot];
    ledger->cycles.moved = true;
    cycle_group_sums(ledger, slot);
    for (uint32_t i = 0; i < ledger->participant_count; i++) {
        __int128 sum = ledger->cycles.sums[i].minor;
        if (sum < 0) {
            struct total *owed = cycle_closed_owed(ledger, i, currency);
            owed->minor += (unsigned __int128)(sign * -sum);
        }
    }
}

void cycle_recompute_owed(struct ledger *ledger)
{
    struct cycles *cycles = &ledger->cycles;
    uint64_t accounts = (uint64_t)ledger->participant_count * ledger->currency_count;
    cycles->moved = true;
    group_recompute(ledger);
    memset(cycles->closed_owed, 0, accounts * sizeof *cycles->closed_owed);
    for (uint32_t slot = 0; slot < cycles->count; slot++) {
        if (counts_as_owed(ledger, slot)) {
            cycle_count_owed(ledger, slot, 1);
        }
    }
}

void cycle_recompute(struct ledger *ledger)
{
    struct cycles *cycles = &ledger->cycles;
    uint64_t accounts = (uint64_t)ledger->participant_count * ledger->currency_count;
    memset(cycles->exposures, 0, accounts * sizeof *cycles->exposures);
    for (uint32_t slot = 0; slot < cycles->count; slot++) {
        bool counts = cycle_is_unsettled(&cycles->rows[slot]);
        for (uint32_t i = 0; i < ledger->participant_count && counts; i++) {
            const struct net *net = cycle_net(ledger, slot, i);
            ledger_exposure(ledger, i, cycles->currency[slot])->minor +=
                total_owed(net->credits, net->debits).minor;
        }
    }
    cycle_recompute_owed(ledger);
}

/* ---- Time ---- */

bool cycle_can_close(const struct ledger *ledger, uint16_t service)
{
    return unsettled_of(ledger, service) < LIMIT_SERVICE_CYCLES;
}

/* What the cycle waits for: a cut-off while open, its deadline until that is past. */
static bool due_of(const struct ledger *ledger, uint32_t slot, struct expiry_row *ret_row)
{
    const struct cycle_row *row = &ledger->cycles.rows[slot];
    *ret_row = (struct expiry_row){.place = {.height = row->service, .position = row->number}};
    if (row->state == CYCLE_OPEN) {
        ret_row->kind = DUE_CUTOFF;
        ret_row->due_ms = row->cutoff_ms;
        return row->cutoff_ms != 0;
    }
    ret_row->kind = DUE_FUNDING;
    ret_row->due_ms = row->deadline_ms;
    return cycle_is_unsettled(row) && (row->flags & CYCLE_OVERDUE) == 0;
}

static bool comes_before(const struct expiry_row *a, const struct expiry_row *b)
{
    if (a->due_ms != b->due_ms) {
        return a->due_ms < b->due_ms;
    }
    if (a->kind != b->kind) {
        return a->kind < b->kind;
    }
    return a->place.height != b->place.height ? a->place.height < b->place.height
                                              : a->place.position < b->place.position;
}

bool cycle_due(const struct ledger *ledger, struct expiry_row *ret_row)
{
    bool found = false;
    for (uint32_t i = 0; i < ledger->cycles.count; i++) {
        struct expiry_row row;
        if (due_of(ledger, i, &row) && row.due_ms <= ledger->block->timestamp_ms &&
            (!found || comes_before(&row, ret_row))) {
            *ret_row = row;
            found = true;
        }
    }
    return found;
}

void cycle_due_run(struct ledger *ledger, const struct expiry_row *row)
{
    uint32_t slot = cycle_slot(ledger, (uint16_t)row->place.height, row->place.position);
    CHECK(slot != REGISTRY_NONE);
    if (row->kind == DUE_CUTOFF && cycle_can_close(ledger, ledger->cycles.rows[slot].service)) {
        cycle_close(ledger, slot, row->due_ms, false);
        return;
    }
    if (row->kind == DUE_CUTOFF) {
        /* Too many wait to be settled: this one goes on to the next cut-off. */
        (void)cycle_event(ledger, slot, CAUSE_CUTOFF, CYCLE_OPEN, 0);
        cycle_touch(ledger, slot)->cutoff_ms =
            next_cutoff(ledger, service_of(ledger, slot), row->due_ms);
        return;
    }
    (void)cycle_event(ledger, slot, CAUSE_OVERDUE, ledger->cycles.rows[slot].state, 0);
    cycle_touch(ledger, slot)->flags |= CYCLE_OVERDUE;
}

uint64_t cycle_next_ms(const struct ledger *ledger)
{
    uint64_t next_ms = ledger->cycles.untried ? ledger->state.timestamp_ms : UINT64_MAX;
    for (uint32_t i = 0; i < ledger->cycles.count; i++) {
        const struct cycle_row *row = &ledger->cycles.rows[i];
        struct expiry_row due;
        if (due_of(ledger, i, &due) && due.due_ms < next_ms) {
            next_ms = due.due_ms;
        }
        if (row->state == CYCLE_CLOSED && row->settle_ms > ledger->state.timestamp_ms &&
            row->settle_ms < next_ms) {
            next_ms = row->settle_ms;
        }
    }
    return next_ms;
}

static void set_settlement_times(const struct ledger *ledger, struct cycle_row *row,
                                 const struct genesis_service *service)
{
    const struct genesis *genesis = ledger->registry.genesis;
    const struct genesis_calendar *calendar = genesis_calendar(genesis, service->calendar);
    uint32_t day = calendar_local_day(row->closed_ms, genesis->utc_offset_minutes);
    uint32_t on = calendar_settlement_day(calendar, day, service->settlement_days);
    row->settle_ms =
        on == day ? row->closed_ms
                  : calendar_instant(on, service->settle_minute, genesis->utc_offset_minutes);
    /* An outage takes no funding window away. */
    uint64_t now_ms = ledger->block->timestamp_ms;
    uint64_t from_ms = row->settle_ms > now_ms ? row->settle_ms : now_ms;
    row->deadline_ms = from_ms + SECOND_MS * service->funding_window_s;
}

/* A cycle without records is settled as it closes, and its slot goes to the next one. */
static void finish_empty(struct ledger *ledger, uint32_t slot, struct cycle_row *row)
{
    struct cycles *cycles = &ledger->cycles;
    CHECK(cycles->finished_count < CYCLES_FINISHED_MAX(ledger->limits.records));
    row->state = CYCLE_SETTLED;
    row->settled_height = ledger->block->height;
    row->settled_ms = row->closed_ms;
    row->settle_ms = row->closed_ms;
    row->deadline_ms = row->closed_ms;
    uint8_t *bytes = cycles->finished_rows + (size_t)cycles->finished_count++ * CYCLE_ROW_BYTES;
    cycle_key(row->service, row->number, bytes);
    cycle_encode(row, bytes + CYCLE_KEY_BYTES);
    cycles->rows[slot].state = 0;
}

void cycle_close(struct ledger *ledger, uint32_t slot, uint64_t closed_ms, bool by_action)
{
    const struct genesis_service *service = service_of(ledger, slot);
    struct cycle_row closed = *cycle_touch(ledger, slot);
    const uint64_t now_ms = ledger->block->timestamp_ms;
    CHECK(closed.state == CYCLE_OPEN);
    const struct cycle_row next = {.service = closed.service,
                                   .number = closed.number + 1,
                                   .state = CYCLE_OPEN,
                                   .currency = closed.currency,
                                   .opened_height = ledger->block->height,
                                   .opened_ms = closed_ms,
                                   .first_ms = by_action ? now_ms + 1 : now_ms,
                                   .cutoff_ms = by_action && closed.cutoff_ms != 0
                                                    ? closed.cutoff_ms
                                                    : next_cutoff(ledger, service, closed_ms)};
    closed.closed_height = ledger->block->height;
    closed.closed_ms = closed_ms;
    closed.flags |= by_action ? CYCLE_BY_ACTION : 0;
    set_settlement_times(ledger, &closed, service);
    digest_cycle_nets(ledger, slot, &closed.nets_hash);
    const bool empty = closed.records == 0;
    (void)cycle_event(ledger, slot, by_action ? CAUSE_ACTION : CAUSE_CUTOFF,
                      empty ? CYCLE_SETTLED : CYCLE_CLOSED, 0);
    if (empty) {
        finish_empty(ledger, slot, &closed);
    } else {
        closed.state = CYCLE_CLOSED;
        ledger->cycles.rows[slot] = closed;
        if (counts_as_owed(ledger, slot)) {
            cycle_count_owed(ledger, slot, 1);
        }
    }
    uint32_t to = free_slot(ledger);
    CHECK(to != REGISTRY_NONE);
    place_in(ledger, to, service, &next);
}

void cycle_extend(struct ledger *ledger, uint32_t slot, uint64_t cutoff_ms)
{
    struct cycle_row *row = cycle_touch(ledger, slot);
    CHECK(row->state == CYCLE_OPEN);
    (void)cycle_event(ledger, slot, CAUSE_ACTION, CYCLE_OPEN, 0);
    row->cutoff_ms = cutoff_ms;
    row->flags |= CYCLE_EXTENDED;
}
