/* cycle_rows: stored rows of cycles and nets, their digests, and loading them (see cycle.h;
   docs/formats.md, state_root and Stored tables). */
#include "base/check.h"
#include "ledger/cycle.h"
#include "ledger/digest.h"
#include "ledger/outcome.h"
#include "ledger/state.h"

#define NET_ROW_BYTES (NET_KEY_BYTES + NET_VALUE_BYTES)

static bool is_net_row(const struct net *net)
{
    return net->debits.minor != 0 || net->credits.minor != 0;
}

static void encode_cycle(const struct cycle_row *row, uint8_t ret_bytes[CYCLE_ROW_BYTES])
{
    cycle_key(row->service, row->number, ret_bytes);
    cycle_encode(row, ret_bytes + CYCLE_KEY_BYTES);
}

static void encode_net(const struct ledger *ledger, uint32_t slot, uint32_t participant,
                       uint8_t ret_bytes[NET_ROW_BYTES])
{
    const struct cycle_row *cycle = &ledger->cycles.rows[slot];
    const struct net *net = cycle_net(ledger, slot, participant);
    net_key(cycle->service, cycle->number,
            ledger->registry.genesis->participants[participant].number, ret_bytes);
    net_encode(&(struct net_row){.debits = net->debits, .credits = net->credits},
               ret_bytes + NET_KEY_BYTES);
}

static uint32_t count_nets(const struct ledger *ledger, uint32_t slot)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < ledger->participant_count; i++) {
        count += is_net_row(cycle_net(ledger, slot, i));
    }
    return count;
}

static void hash_nets(const struct ledger *ledger, uint32_t slot, struct hasher *hasher)
{
    for (uint32_t i = 0; i < ledger->participant_count; i++) {
        if (is_net_row(cycle_net(ledger, slot, i))) {
            uint8_t row[NET_ROW_BYTES];
            encode_net(ledger, slot, i, row);
            hasher_add(hasher, row, sizeof row);
        }
    }
}

void digest_cycle_nets(const struct ledger *ledger, uint32_t slot, struct hash *ret_digest)
{
    struct hasher hasher;
    digest_begin_table(&hasher, TABLE_CYCLE_NETS, count_nets(ledger, slot));
    hash_nets(ledger, slot, &hasher);
    *ret_digest = hasher_end(&hasher);
}

/* Slots of cycles in order of service and number: the open ones alone, or all unsettled. Few: a
   cycle or two a service. Returns how many. */
static uint32_t slots_in_order(const struct ledger *ledger, bool open_only, uint32_t *ret_slots)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < ledger->cycles.count; i++) {
        const struct cycle_row *row = &ledger->cycles.rows[i];
        if (open_only ? row->state != CYCLE_OPEN : !cycle_is_unsettled(row)) {
            continue;
        }
        uint32_t at = count++;
        for (; at > 0; at--) {
            const struct cycle_row *other = &ledger->cycles.rows[ret_slots[at - 1]];
            if (other->service < row->service ||
                (other->service == row->service && other->number < row->number)) {
                break;
            }
            ret_slots[at] = ret_slots[at - 1];
        }
        ret_slots[at] = i;
    }
    return count;
}

static void digest_cycles(struct ledger *ledger)
{
    uint32_t slots[LIMIT_SERVICES * LIMIT_SERVICE_CYCLES];
    struct hasher hasher;
    uint32_t count = slots_in_order(ledger, false, slots);
    digest_begin_table(&hasher, TABLE_CYCLES, count);
    for (uint32_t i = 0; i < count; i++) {
        uint8_t row[CYCLE_ROW_BYTES];
        encode_cycle(&ledger->cycles.rows[slots[i]], row);
        hasher_add(&hasher, row, sizeof row);
    }
    ledger->state.digests[TABLE_CYCLES] = hasher_end(&hasher);

    uint32_t nets = 0;
    count = slots_in_order(ledger, true, slots);
    for (uint32_t i = 0; i < count; i++) {
        nets += count_nets(ledger, slots[i]);
    }
    digest_begin_table(&hasher, TABLE_CYCLE_NETS, nets);
    for (uint32_t i = 0; i < count; i++) {
        hash_nets(ledger, slots[i], &hasher);
    }
    ledger->state.digests[TABLE_CYCLE_NETS] = hasher_end(&hasher);
}

static void write_bytes(struct ledger *ledger, enum ledger_table table, const uint8_t *row,
                        size_t key_length, size_t value_length)
{
    outcome_write(ledger, table, (struct span){row, key_length},
                  (struct span){row + key_length, value_length});
}

void cycle_emit(struct ledger *ledger)
{
    struct cycles *cycles = &ledger->cycles;
    bool any = cycles->finished_count > 0;
    for (uint32_t i = 0; i < cycles->finished_count; i++) {
        write_bytes(ledger, TABLE_CYCLES, cycles->finished_rows + (size_t)i * CYCLE_ROW_BYTES,
                    CYCLE_KEY_BYTES, CYCLE_VALUE_BYTES);
    }
    for (uint32_t i = 0; i < cycles->count; i++) {
        if (cycles->touched[i] && cycles->rows[i].state != 0) {
            uint8_t *row = cycles->out_rows + (size_t)i * CYCLE_ROW_BYTES;
            encode_cycle(&cycles->rows[i], row);
            write_bytes(ledger, TABLE_CYCLES, row, CYCLE_KEY_BYTES, CYCLE_VALUE_BYTES);
            any = true;
        }
    }
    for (uint32_t i = 0; i < cycles->touched_net_count; i++) {
        uint32_t at = cycles->touched_nets[i].net;
        if (!is_net_row(&cycles->nets[at])) {
            continue; /* touched by a failed chain only */
        }
        uint8_t *row = cycles->net_rows + (size_t)i * NET_ROW_BYTES;
        encode_net(ledger, at / cycles->stride, at % cycles->stride, row);
        write_bytes(ledger, TABLE_CYCLE_NETS, row, NET_KEY_BYTES, NET_VALUE_BYTES);
    }
    if (any) {
        digest_cycles(ledger);
    }
}

/* ---- Loading ---- */

static uint32_t service_index_of(const struct ledger *ledger, uint16_t number)
{
    const struct genesis *genesis = ledger->registry.genesis;
    const struct genesis_service *service = genesis_service(genesis, number);
    return service == NULL ? REGISTRY_NONE : (uint32_t)(service - genesis->services);
}

/* The first row of a store replaces what genesis opened. */
static void forget_genesis(struct ledger *ledger)
{
    struct cycles *cycles = &ledger->cycles;
    memset(cycles->rows, 0, cycles->count * sizeof *cycles->rows);
    for (uint32_t i = 0; i < ledger->limits.refdata.services; i++) {
        cycles->open[i] = REGISTRY_NONE;
    }
}

enum status cycle_load(struct ledger *ledger, const struct cycle_row *row)
{
    struct cycles *cycles = &ledger->cycles;
    uint32_t service = service_index_of(ledger, row->service);
    if (service == REGISTRY_NONE || row->state == 0 || row->state > CYCLE_SETTLED) {
        return STATUS_CORRUPT;
    }
    if (ledger->loaded[TABLE_CYCLES] == 0) {
        forget_genesis(ledger);
    }
    if (row->state == CYCLE_SETTLED) {
        return STATUS_OK;
    }
    uint32_t slot = 0;
    while (slot < cycles->count && cycles->rows[slot].state != 0) {
        slot++;
    }
    uint32_t currency = number_map_find(&ledger->registry.currencies, row->currency);
    if (slot == cycles->count || currency == REGISTRY_NONE ||
        (row->state == CYCLE_OPEN && cycles->open[service] != REGISTRY_NONE)) {
        return STATUS_CORRUPT;
    }
    cycles->rows[slot] = *row;
    cycles->currency[slot] = currency;
    if (row->state == CYCLE_OPEN) {
        cycles->open[service] = slot;
    }
    return STATUS_OK;
}

enum status cycle_load_net(struct ledger *ledger, const struct net_row *row)
{
    uint32_t participant = number_map_find(&ledger->registry.participants, row->participant);
    if (participant == REGISTRY_NONE || service_index_of(ledger, row->service) == REGISTRY_NONE) {
        return STATUS_CORRUPT;
    }
    uint32_t slot = cycle_slot(ledger, row->service, row->cycle);
    if (slot != REGISTRY_NONE) {
        struct net *net = cycle_net(ledger, slot, participant);
        net->debits = row->debits;
        net->credits = row->credits;
    }
    return STATUS_OK;
}

const char *cycle_load_done(struct ledger *ledger)
{
    const struct genesis *genesis = ledger->registry.genesis;
    for (uint32_t i = 0; i < genesis->service_count; i++) {
        bool deferred = genesis->services[i].mode == SERVICE_DEFERRED;
        if (deferred != (ledger->cycles.open[i] != REGISTRY_NONE)) {
            return "the open cycle of a service is missing";
        }
    }
    struct hash before[2] = {ledger->state.digests[TABLE_CYCLES],
                             ledger->state.digests[TABLE_CYCLE_NETS]};
    digest_cycles(ledger);
    if (!hash_equal(&before[0], &ledger->state.digests[TABLE_CYCLES])) {
        return "the unsettled cycles are not those of the state";
    }
    if (!hash_equal(&before[1], &ledger->state.digests[TABLE_CYCLE_NETS])) {
        return "the nets of the open cycles are not those of the state";
    }
    /* The store does not say what the last block left: an empty block more finds out. */
    ledger->cycles.untried = false;
    for (uint32_t i = 0; i < ledger->cycles.count; i++) {
        const struct cycle_row *row = &ledger->cycles.rows[i];
        struct hash nets;
        ledger->cycles.untried |=
            row->state == CYCLE_CLOSED && row->settle_ms <= ledger->state.timestamp_ms;
        if (cycle_is_unsettled(row) && row->state != CYCLE_OPEN) {
            digest_cycle_nets(ledger, i, &nets);
            if (!hash_equal(&nets, &row->nets_hash)) {
                return "the nets of a closed cycle are not those that it closed with";
            }
        }
    }
    cycle_recompute(ledger);
    return NULL;
}
