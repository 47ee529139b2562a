/* exposure: exposure, cover and floor from stored rows (see exposure.h). */
#include "cli/exposure.h"

#include <stdlib.h>

#include "base/check.h"
#include "cli/home_proof.h"

struct exposures {
    struct home *home;
    uint16_t currency;
    __int128 *nets; /* scratch: group nets of one cycle */
    struct exposure *list;
};

static __int128 positive(__int128 value)
{
    return value > 0 ? value : 0;
}

uint32_t home_participant_index(const struct home *home, uint32_t number)
{
    const struct genesis_participant *found = genesis_participant(&home->now, number);
    return found == NULL ? UINT32_MAX : (uint32_t)(found - home->now.participants);
}

uint32_t exposure_settler(const struct home *home, uint32_t index)
{
    uint32_t sponsor = home->now.participants[index].settles_through;
    return sponsor == 0 ? index : home_participant_index(home, sponsor);
}

enum status exposure_each_net(struct home *home, uint16_t service, uint32_t cycle, visit_net visit,
                              void *context)
{
    uint8_t from[NET_KEY_BYTES];
    struct span key, value;
    net_key(service, cycle, 0, from);
    while (store_seek(home->store, (enum store_table)TABLE_CYCLE_NETS, from, sizeof from, &key,
                      &value)) {
        struct net_row row;
        if (net_decode(key, value, &row) != STATUS_OK) {
            return STATUS_CORRUPT;
        }
        if (row.service != service || row.cycle != cycle) {
            break;
        }
        uint32_t index = home_participant_index(home, row.participant);
        if (index == UINT32_MAX) {
            return STATUS_CORRUPT;
        }
        visit(context, index, (__int128)row.credits.minor - (__int128)row.debits.minor);
        net_key(service, cycle, row.participant + 1, from);
    }
    return STATUS_OK;
}

static void add_net(void *context, uint32_t index, __int128 net)
{
    struct exposures *exposures = context;
    exposures->list[index].own += positive(-net);
    exposures->nets[exposure_settler(exposures->home, index)] += net;
}

/* One unsettled cycle: what each owes in it, and what each group will have to pay. */
static enum status add_cycle(struct exposures *exposures, const struct cycle_row *row)
{
    const uint32_t count = exposures->home->now.participant_count;
    const struct genesis_service *service = genesis_service(&exposures->home->now, row->service);
    for (uint32_t i = 0; i < count; i++) {
        exposures->nets[i] = 0;
    }
    if (service == NULL) {
        return STATUS_CORRUPT;
    }
    enum status status =
        exposure_each_net(exposures->home, row->service, row->number, add_net, exposures);
    bool waits = service->settlement == SETTLEMENT_PREFUNDED &&
                 (row->state == CYCLE_CLOSED || row->state == CYCLE_SHORT);
    for (uint32_t i = 0; waits && i < count; i++) {
        exposures->list[i].closed += positive(-exposures->nets[i]);
    }
    return status;
}

static enum status add_cycles(struct exposures *exposures)
{
    bool open_proven = false;
    uint8_t from[CYCLE_KEY_BYTES] = {0};
    struct span key, value;
    while (store_seek(exposures->home->store, (enum store_table)TABLE_CYCLES, from, sizeof from,
                      &key, &value)) {
        struct cycle_row row;
        if (cycle_decode(key, value, &row) != STATUS_OK) {
            return STATUS_CORRUPT;
        }
        enum status status = STATUS_OK;
        if (row.currency == exposures->currency && row.state != CYCLE_SETTLED) {
            /* The proof of one open cycle's nets is that of all. */
            if (row.state != CYCLE_OPEN || !open_proven) {
                status = home_prove_nets(exposures->home, &row);
            }
            open_proven = open_proven || row.state == CYCLE_OPEN;
            status = status == STATUS_OK ? add_cycle(exposures, &row) : status;
        }
        if (status != STATUS_OK) {
            return status;
        }
        cycle_key(row.service, row.number + 1, from);
    }
    return STATUS_OK;
}

static enum status read_account(const struct exposures *exposures, uint32_t number,
                                enum account_class class, struct account *ret_account)
{
    uint32_t account;
    if (!home_account(exposures->home, number, class, exposures->currency, &account)) {
        return STATUS_CORRUPT;
    }
    return home_read_account(exposures->home, account, ret_account);
}

static enum status add_accounts(struct exposures *exposures)
{
    const struct genesis *now = &exposures->home->now;
    for (uint32_t i = 0; i < now->participant_count; i++) {
        struct exposure *own = &exposures->list[i];
        struct account settlement, position, collateral;
        uint32_t number = now->participants[i].number;
        if (read_account(exposures, number, ACCOUNT_SETTLEMENT, &settlement) != STATUS_OK ||
            read_account(exposures, number, ACCOUNT_POSITION, &position) != STATUS_OK ||
            read_account(exposures, number, ACCOUNT_COLLATERAL, &collateral) != STATUS_OK) {
            return STATUS_CORRUPT;
        }
        own->own += (__int128)position.totals[TOTAL_DEBITS_PENDING].minor;
        own->settlement = account_spendable(&settlement).minor;
        own->collateral = account_spendable(&collateral).minor;
        own->cover = positive(own->settlement) + positive(own->collateral);
        own->cap = position.limit;
        own->covered = (position.flags & ACCOUNT_COVERED) != 0;
    }
    return STATUS_OK;
}

static void add_groups(struct exposures *exposures)
{
    const struct genesis *now = &exposures->home->now;
    for (uint32_t i = 0; i < now->participant_count; i++) {
        uint32_t settler = exposure_settler(exposures->home, i);
        exposures->list[settler].exposure += exposures->list[i].own;
        if (settler != i) {
            exposures->list[i].exposure += exposures->list[i].own;
        }
    }
    for (uint32_t i = 0; i < now->participant_count; i++) {
        struct exposure *own = &exposures->list[i];
        bool sponsored = exposure_settler(exposures->home, i) != i;
        own->floor = sponsored      ? 0
                     : own->covered ? positive(own->exposure - own->collateral)
                                    : own->closed;
    }
}

struct exposures *exposures_new(struct home *home, uint16_t currency)
{
    const uint32_t count = home->now.participant_count;
    struct exposures *exposures = calloc(1, sizeof *exposures);
    CHECK(exposures != NULL);
    exposures->home = home;
    exposures->currency = currency;
    exposures->nets = calloc(count, sizeof *exposures->nets);
    exposures->list = calloc(count, sizeof *exposures->list);
    CHECK(exposures->nets != NULL && exposures->list != NULL);
    if (home_prove_cycles(home) != STATUS_OK || add_cycles(exposures) != STATUS_OK ||
        add_accounts(exposures) != STATUS_OK) {
        (void)home_failure(STATUS_CORRUPT, "cycles, their nets or accounts");
        exposures_free(exposures);
        return NULL;
    }
    add_groups(exposures);
    return exposures;
}

void exposures_free(struct exposures *exposures)
{
    if (exposures != NULL) {
        free(exposures->nets);
        free(exposures->list);
        free(exposures);
    }
}

const struct exposure *exposures_of(const struct exposures *exposures, uint32_t index)
{
    return &exposures->list[index];
}
