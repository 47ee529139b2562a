/*
 * registry: who and what exists: participants, currencies, services and schemes by number, with
 * what a record needs to know of its scheme resolved once. Resolved anew when an action
 * changes any of it (refdata.h).
 */
#ifndef HEFU_LEDGER_REGISTRY_H
#define HEFU_LEDGER_REGISTRY_H

#include <stdbool.h>
#include <stdint.h>

#include "ledger/genesis.h"

#define REGISTRY_NONE UINT32_MAX

struct number_slot {
    uint32_t number;
    uint32_t index_above; /* index + 1; 0: empty */
};

/* An open-addressing map of numbers to indexes, filled once. */
struct number_map {
    struct number_slot *slots;
    uint32_t mask;
};

uint32_t number_map_slots(uint32_t count);
void number_map_put(struct number_map *map, uint32_t number, uint32_t index);
/* REGISTRY_NONE if there is none. */
uint32_t number_map_find(const struct number_map *map, uint32_t number);

struct scheme {
    const struct genesis_scheme *row;
    const struct genesis_service *service;
    uint32_t currency;     /* index */
    const uint32_t *cycle; /* slot of the service's open cycle; NULL: a GROSS service has none */
    uint32_t network;      /* participant index or NONE */
};

struct registry {
    const struct genesis *genesis;
    /* Sponsors, by participant index: whose sponsor, and each sponsor's members in a list. */
    uint32_t *sponsors;      /* index or NONE */
    uint32_t *first_members; /* index or NONE */
    uint32_t *next_members;
    struct number_map participants;
    struct number_map currencies;
    struct number_map scheme_numbers;
    struct scheme *schemes;      /* genesis->scheme_count */
    const uint32_t *open_cycles; /* by service index: slots, kept by cycle.c */
};

/* Fills maps, sponsors and schemes from what holds now; their memory is already there. Again
   whenever reference data has changed. genesis outlives it. */
void registry_resolve(struct registry *registry, const struct genesis *genesis);

bool registry_is_suspended(const struct registry *registry, uint32_t participant);

/* NULL if there is none. */
const struct scheme *registry_scheme(const struct registry *registry, uint32_t number);

/* The key of (participant, key_no) if it carries the permissions; NULL otherwise. */
const struct public_key *registry_key(const struct registry *registry, uint32_t participant,
                                      uint32_t key_no, uint32_t permissions);

#endif
