/*
 * consensus: memory, restart and dispatch. Every rule is in a file of its own: votes, certificates,
 * safety, pacemaker, leader, follower, chain, sync (docs/consensus.md).
 *
 * A step takes the event over, then settles: it runs the rules that depend on state until none of
 * them moves anything. Every move uses up something that exists once (a vote to cast, a certificate
 * to store, a block to commit), so settling ends.
 */
#include "consensus/consensus.h"

#include <string.h>

#include "consensus/certificates.h"
#include "consensus/chain.h"
#include "consensus/follower.h"
#include "consensus/leader.h"
#include "consensus/machine.h"
#include "consensus/pacemaker.h"
#include "consensus/rejoin.h"
#include "consensus/restart.h"
#include "consensus/safety.h"
#include "consensus/sync.h"
#include "consensus/votes.h"

#define ALIGNMENT 16
#define SETTLE_ROUNDS_MAX 4096

/* Carves a machine's arrays out of its memory; with a NULL start it only measures. */
struct carver {
    uint8_t *start;
    size_t used;
};

static void *carve(struct carver *carver, size_t size)
{
    void *piece = carver->start == NULL ? NULL : carver->start + carver->used;
    carver->used += (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    return piece;
}

/* held is NULL when only measuring. */
static void carve_signatures(struct carver *carver, struct held_certificate *held, uint32_t count)
{
    struct signature *signatures = carve(carver, count * sizeof *signatures);
    if (held != NULL) {
        held->signatures = signatures;
    }
}

static void carve_slot(struct carver *carver, struct view_slot *slot, uint32_t count)
{
    for (uint32_t k = 0; k < VOTE_KINDS; k++) {
        struct held_vote *votes = carve(carver, count * sizeof *votes);
        if (slot != NULL) {
            slot->votes[k] = votes;
        }
        carve_signatures(carver, slot == NULL ? NULL : &slot->certificates.by_kind[k], count);
    }
}

/* Returns the bytes needed; c is NULL when only measuring. */
static size_t lay_out(struct consensus *c, uint32_t count)
{
    struct carver carver = {.start = (uint8_t *)c};
    (void)carve(&carver, sizeof *c);
    for (uint32_t i = 0; i < VIEWS_HELD; i++) {
        carve_slot(&carver, c == NULL ? NULL : &c->slots[i], count);
    }
    for (uint32_t i = 0; i < ANCHORS_MAX * VOTE_KINDS; i++) {
        carve_signatures(
            &carver, c == NULL ? NULL : &c->anchors[i / VOTE_KINDS].by_kind[i % VOTE_KINDS], count);
    }
    for (uint32_t i = 0; i < CATCHUP_WINDOW; i++) {
        carve_signatures(&carver, c == NULL ? NULL : &c->catchup[i].finalization, count);
    }
    carve_signatures(&carver, c == NULL ? NULL : &c->finalization, count);
    struct certificate *scratch = carve(&carver, SCRATCH_CERTIFICATES * sizeof(struct certificate));
    if (c != NULL) {
        c->scratch.certificates = scratch;
    }
    return carver.used;
}

size_t consensus_footprint(uint32_t validator_count)
{
    CHECK(validator_count >= 1 && validator_count <= LIMIT_VALIDATORS);
    return lay_out(NULL, validator_count);
}

struct consensus *consensus_init(void *memory, const struct consensus_config *config)
{
    CHECK(memory != NULL && (uintptr_t)memory % ALIGNMENT == 0);
    CHECK(config->validators != NULL && config->validators->epoch == config->epoch);
    CHECK(config->own_index < config->validators->count || config->own_index == CONSENSUS_OBSERVER);
    const uint32_t count = config->validators->count;
    struct consensus *c = memory;
    /* The arrays behind it are written before they are read: votes when their slot is claimed,
       signatures up to the count that stands beside them. */
    memset(c, 0, sizeof *c);
    (void)lay_out(c, count);
    c->config = *config;
    c->set = config->validators;
    c->deadline_ms = UINT64_MAX;
    return c;
}

static void begin(struct consensus *c, uint64_t wall_ms, uint64_t now_ms, struct effects *effects)
{
    effects->count = 0;
    c->effects = effects;
    c->scratch.certificate_count = 0;
    c->scratch.vote_count = 0;
    c->scratch.evidence_count = 0;
    c->scratch.status_count = 0;
    c->scratch.proposal_count = 0;
    c->wall_ms = wall_ms;
    c->now_ms = u64_max(c->now_ms, now_ms);
    c->steps++;
}

static void check_invariants(const struct consensus *c)
{
    CHECK(c->view > c->final_view);
    CHECK(c->tail > c->final_view);
    CHECK(c->view >= c->tail && c->view - c->tail <= VIEWS_BEHIND);
}

static void settle(struct consensus *c)
{
    uint32_t rounds = 0;
    do {
        CHECK(rounds < SETTLE_ROUNDS_MAX);
        rounds++;
        c->changed = false;
        c->deadline_ms = UINT64_MAX;
        if (c->halted) {
            return;
        }
        safety_merge_register(c);
        rejoin_settle(c);
        chain_settle(c);
        if (!c->halted) {
            leader_settle(c);
            follower_settle(c);
            pacemaker_settle(c);
        }
    } while (c->changed);
    if (!c->halted) {
        sync_settle(c);
        check_invariants(c);
    }
}

enum status consensus_restore(struct consensus *c, const struct consensus_recovery *recovery,
                              uint64_t now_ms, uint64_t monotonic_ms, struct effects *ret_effects)
{
    CHECK(!c->started);
    begin(c, now_ms, monotonic_ms, ret_effects);
    const enum status status = restart_load(c, recovery);
    if (status != STATUS_OK) {
        ret_effects->count = 0;
        return status;
    }
    c->started = true;
    settle(c);
    return STATUS_OK;
}

static void take_from_peer(struct consensus *c, const struct event *event)
{
    /* Certificates prove themselves, whoever brings them; all else is a validator's word. */
    const bool validator = event->peer < c->set->count && event->peer != c->config.own_index;
    const uint32_t peer = validator ? event->peer : NO_PEER;
    if (validator) {
        c->peers[peer].heard_ms = c->now_ms;
    } else if (event->kind != EVENT_CERTIFICATE && event->kind != EVENT_CATCHUP_BLOCK) {
        return;
    }
    switch (event->kind) {
    case EVENT_VOTE:
        votes_receive(c, event->vote);
        break;
    case EVENT_CERTIFICATE:
        (void)certificates_receive(c, event->certificate, peer);
        break;
    case EVENT_PROPOSAL:
        follower_receive(c, event->proposal, peer);
        break;
    case EVENT_STATUS:
        sync_status(c, event->status, peer);
        break;
    case EVENT_PEER_UP:
        sync_peer_up(c, peer);
        break;
    case EVENT_CATCHUP_BLOCK:
        chain_catchup(c, &event->catchup.block, event->catchup.finalization, peer);
        break;
    case EVENT_PEER_DOWN:
    case EVENT_TICK:
    case EVENT_BLOCK_CHECKED:
    case EVENT_BLOCK_BUILT:
    case EVENT_WORK:
        break;
    }
}

static void take(struct consensus *c, const struct event *event)
{
    switch (event->kind) {
    case EVENT_TICK:
        break;
    case EVENT_VOTE:
    case EVENT_CERTIFICATE:
    case EVENT_PROPOSAL:
    case EVENT_STATUS:
    case EVENT_PEER_UP:
    case EVENT_CATCHUP_BLOCK:
        take_from_peer(c, event);
        break;
    case EVENT_PEER_DOWN:
        if (event->peer < c->set->count) {
            sync_peer_down(c, event->peer);
        }
        break;
    case EVENT_BLOCK_CHECKED:
        chain_checked(c, &event->checked.hash, event->checked.check, &event->checked.block);
        break;
    case EVENT_BLOCK_BUILT:
        leader_built(c, event->built.view, event->built.built, &event->built.block);
        break;
    case EVENT_WORK:
        c->has_work = event->has_work;
        c->build_retry_ms = 0;
        break;
    }
}

void consensus_step(struct consensus *c, const struct event *event, struct effects *ret_effects)
{
    begin(c, event->now_ms, event->monotonic_ms, ret_effects);
    if (!c->started || c->halted) {
        return;
    }
    c->ticking = event->kind == EVENT_TICK;
    take(c, event);
    settle(c);
}

uint64_t consensus_next_deadline(const struct consensus *c)
{
    return c->started && !c->halted ? c->deadline_ms : UINT64_MAX;
}

void consensus_inspect(const struct consensus *c, struct consensus_view *ret_view)
{
    *ret_view = (struct consensus_view){.epoch = c->config.epoch,
                                        .view = c->view,
                                        .final_height = c->final_block.height,
                                        .final_view = c->final_view,
                                        .final_hash = c->final_block.hash,
                                        .delta_ms = pacemaker_delta_ms(c),
                                        .halted = c->halted,
                                        .may_sign = safety_may_sign(c),
                                        .rejoining = c->vote_register.rejoining,
                                        .floor_pending = c->vote_register.floor_pending,
                                        .floor_epoch = c->vote_register.floor_epoch,
                                        .floor_view = c->vote_register.floor_view,
                                        .register_epoch = c->vote_register.epoch,
                                        .register_view = c->vote_register.view,
                                        .timeouts = c->timeouts,
                                        .nullifications = c->nullifications,
                                        .reproposals = c->reproposals,
                                        .evidence_count = c->evidence_count,
                                        .blocks_committed = c->blocks_committed};
    if (c->started) {
        ret_view->leader = validators_leader(c->set, c->view);
        for (uint32_t i = 0; i < c->set->count; i++) {
            ret_view->missing += pacemaker_is_silent(c, i);
        }
    }
}
