/* registry: participants, currencies and schemes by number (see registry.h). */
#include "ledger/registry.h"

#include <string.h>

#include "base/check.h"

uint32_t number_map_slots(uint32_t count)
{
    uint32_t slots = 16;
    while (slots < 2 * count) {
        slots *= 2;
    }
    return slots;
}

/* Knuth's multiplicative hash; numbers are chosen by genesis, so no adversary picks them. */
static uint32_t first_slot(const struct number_map *map, uint32_t number)
{
    return (uint32_t)((number * 2654435761ull) >> 16) & map->mask;
}

void number_map_put(struct number_map *map, uint32_t number, uint32_t index)
{
    uint32_t slot = first_slot(map, number);
    while (map->slots[slot].index_above != 0) {
        CHECK(map->slots[slot].number != number);
        slot = (slot + 1) & map->mask;
    }
    map->slots[slot].number = number;
    map->slots[slot].index_above = index + 1;
}

uint32_t number_map_find(const struct number_map *map, uint32_t number)
{
    uint32_t slot = first_slot(map, number);
    while (map->slots[slot].index_above != 0) {
        if (map->slots[slot].number == number) {
            return map->slots[slot].index_above - 1;
        }
        slot = (slot + 1) & map->mask;
    }
    return REGISTRY_NONE;
}

static void resolve_scheme(struct registry *registry, const struct genesis_scheme *row,
                           struct scheme *ret_scheme)
{
    const struct genesis_service *service = genesis_service(registry->genesis, row->service);
    CHECK(service != NULL);
    ret_scheme->row = row;
    ret_scheme->service = service;
    ret_scheme->currency = number_map_find(&registry->currencies, service->currency);
    ret_scheme->cycle = service->mode == SERVICE_DEFERRED
                            ? &registry->open_cycles[service - registry->genesis->services]
                            : NULL;
    ret_scheme->network =
        row->network == 0 ? REGISTRY_NONE : number_map_find(&registry->participants, row->network);
    CHECK(ret_scheme->currency != REGISTRY_NONE);
    CHECK((row->network == 0) == (ret_scheme->network == REGISTRY_NONE));
}

/* Later ones are put in front, so the last registered member comes first: sums do not care. */
static void resolve_sponsors(struct registry *registry)
{
    const struct genesis *genesis = registry->genesis;
    for (uint32_t i = 0; i < genesis->participant_count; i++) {
        registry->first_members[i] = REGISTRY_NONE;
    }
    for (uint32_t i = 0; i < genesis->participant_count; i++) {
        uint32_t number = genesis->participants[i].settles_through;
        uint32_t sponsor =
            number == 0 ? REGISTRY_NONE : number_map_find(&registry->participants, number);
        CHECK((number == 0) == (sponsor == REGISTRY_NONE));
        registry->sponsors[i] = sponsor;
        if (sponsor != REGISTRY_NONE) {
            registry->next_members[i] = registry->first_members[sponsor];
            registry->first_members[sponsor] = i;
        }
    }
}

static void forget(struct number_map *map)
{
    memset(map->slots, 0, (map->mask + 1ull) * sizeof *map->slots);
}

void registry_resolve(struct registry *registry, const struct genesis *genesis)
{
    registry->genesis = genesis;
    forget(&registry->participants);
    forget(&registry->currencies);
    forget(&registry->scheme_numbers);
    for (uint32_t i = 0; i < genesis->participant_count; i++) {
        number_map_put(&registry->participants, genesis->participants[i].number, i);
    }
    resolve_sponsors(registry);
    for (uint32_t i = 0; i < genesis->currency_count; i++) {
        number_map_put(&registry->currencies, genesis->currencies[i].numeric, i);
    }
    for (uint32_t i = 0; i < genesis->scheme_count; i++) {
        number_map_put(&registry->scheme_numbers, genesis->schemes[i].number, i);
        resolve_scheme(registry, &genesis->schemes[i], &registry->schemes[i]);
    }
}

bool registry_is_suspended(const struct registry *registry, uint32_t participant)
{
    return registry->genesis->participants[participant].status == STANDING_SUSPENDED;
}

const struct scheme *registry_scheme(const struct registry *registry, uint32_t number)
{
    uint32_t index = number_map_find(&registry->scheme_numbers, number);
    return index == REGISTRY_NONE ? NULL : &registry->schemes[index];
}

const struct public_key *registry_key(const struct registry *registry, uint32_t participant,
                                      uint32_t key_no, uint32_t permissions)
{
    uint32_t index = number_map_find(&registry->participants, participant);
    if (index == REGISTRY_NONE) {
        return NULL;
    }
    const struct genesis_participant *row = &registry->genesis->participants[index];
    for (uint32_t i = 0; i < row->key_count; i++) {
        if (row->keys[i].key_no == key_no &&
            (row->keys[i].permissions & permissions) == permissions) {
            return &row->keys[i].key;
        }
    }
    return NULL;
}
