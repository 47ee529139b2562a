/*
 * registry: who and what exists: participants, currencies, services and schemes by number, with
 * what a record needs to know of its scheme resolved once. From genesis; the actions that change
 * any of it will change it here.
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

/* Standings that a block has changed; a default suspends at most each participant once. */
struct standing_change {
    uint32_t participant; /* index */
    uint8_t before;
};

struct registry {
    const struct genesis *genesis;
    uint8_t *standings; /* enum standing, by participant index */
    /* Sponsors, by participant index: whose sponsor, and each sponsor's members in a list. */
    uint32_t *sponsors;      /* index or NONE */
    uint32_t *first_members; /* index or NONE */
    uint32_t *next_members;
    struct standing_change *standing_changes;
    uint32_t standing_change_count;
    struct number_map participants;
    struct number_map currencies;
    struct number_map scheme_numbers;
    struct scheme *schemes;      /* genesis->scheme_count */
    const uint32_t *open_cycles; /* by service index: slots, kept by cycle.c */
};

/* Fills maps and schemes, whose memory is already there and zeroed. */
void registry_init(struct registry *registry, const struct genesis *genesis);

bool registry_is_suspended(const struct registry *registry, uint32_t participant);
/* Suspends or resumes, for rollback until registry_begin; the caller makes the event. Nothing if it
   stands so already. */
void registry_set_standing(struct registry *registry, uint32_t participant, enum standing standing);
void registry_begin(struct registry *registry);
void registry_restore(struct registry *registry);

/* NULL if there is none. */
const struct scheme *registry_scheme(const struct registry *registry, uint32_t number);

/* The key of (participant, key_no) if it carries the permissions; NULL otherwise. */
const struct public_key *registry_key(const struct registry *registry, uint32_t participant,
                                      uint32_t key_no, uint32_t permissions);

#endif
