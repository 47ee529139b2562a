/*
 * pacemaker: certificates alone move a node from view to view; timers only decide when to give a
 * view up. They sleep while there is no work (docs/consensus.md, Timers).
 *
 *   enter ──► armed (work) ──► lead 3Δ, no proposal ─┐
 *                         └──► full 5Δ ──────────────┴──► NULLIFY ──► retry every Δ or second
 */
#include "consensus/pacemaker.h"

#include "consensus/certificates.h"
#include "consensus/chain.h"
#include "consensus/metrics.h"
#include "consensus/safety.h"
#include "consensus/sync.h"
#include "consensus/views.h"
#include "consensus/votes.h"

#define DELTA_MAX_MS 10000
#define SLOW_VIEWS_MAX 15
#define LEAD_DELTAS 3
#define FULL_DELTAS 5
#define LEADER_SILENCE_MS 5000
#define RETRY_MIN_MS 1000

uint32_t pacemaker_delta_ms(const struct consensus *c)
{
    uint64_t delta = c->config.delta_ms;
    for (uint32_t i = 0; i < c->slow_views && delta < DELTA_MAX_MS; i++) {
        delta = delta * 5 / 4 + (delta < 4);
    }
    return (uint32_t)u64_min(delta, DELTA_MAX_MS);
}

void pacemaker_view_ends(struct consensus *c, uint64_t view, enum vote_kind kind)
{
    if (kind != VOTE_NULLIFY) {
        return;
    }
    c->nullifications++;
    const bool slow = view == c->view && !pacemaker_leader_is_dead(c, view);
    if (slow && c->slow_views < SLOW_VIEWS_MAX) {
        c->slow_views++;
    }
}

void pacemaker_enter(struct consensus *c, uint64_t view)
{
    CHECK(view > c->view);
    c->view = view;
    c->entered_ms = c->now_ms;
    c->armed = false;
    c->nullify_retry_ms = 0;
    c->changed = true;
    views_slide(c);
    sync_view_entered(c);
}

void pacemaker_committed(struct consensus *c)
{
    if (c->slow_views > 0) {
        c->slow_views--;
    }
}

bool pacemaker_is_silent(const struct consensus *c, uint32_t validator)
{
    return validator != c->config.own_index &&
           c->peers[validator].heard_ms + LEADER_SILENCE_MS <= c->now_ms;
}

/* Others than the two given that were heard of late. */
static uint32_t heard_others(const struct consensus *c, uint32_t leader)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < c->set->count; i++) {
        count += i != leader && i != c->config.own_index && !pacemaker_is_silent(c, i);
    }
    return count;
}

bool pacemaker_leader_is_dead(const struct consensus *c, uint64_t view)
{
    const uint32_t leader = validators_leader(c->set, view);
    return pacemaker_is_silent(c, leader) && heard_others(c, leader) >= c->set->quorum - 1;
}

bool pacemaker_empty_is_due(const struct consensus *c)
{
    return c->now_ms >= c->final_since_ms + c->config.empty_interval_ms;
}

bool pacemaker_build_is_due(struct consensus *c)
{
    if (machine_epoch_over(c)) {
        return false;
    }
    if (c->now_ms < c->build_retry_ms) {
        machine_wait(c, c->build_retry_ms);
        return false;
    }
    if (c->has_work || pacemaker_empty_is_due(c)) {
        return true;
    }
    machine_wait(c, c->final_since_ms + c->config.empty_interval_ms);
    return false;
}

uint64_t pacemaker_build_not_before(const struct consensus *c)
{
    return c->blocks_committed == 0 ? 0 : c->final_since_ms + c->config.block_interval_ms;
}

/* Whether anything waits for this view to end well. */
static bool has_work(struct consensus *c)
{
    struct candidate open;
    if (machine_epoch_over(c)) {
        return false;
    }
    const struct view_slot *slot = views_find(c, c->view);
    if ((slot != NULL && slot->proposal.held) || chain_open_candidate(c, &open)) {
        return true;
    }
    /* More than f gave the view up: an honest one of them knows of work. */
    return pacemaker_build_is_due(c) || votes_nullify_count(c, c->view) > c->set->faulty_max;
}

/* A dead leader's view is given up before there is work, so that no work waits for the exchange. On
   an idle chain that ends at the next leader who is heard: at most one view a dead validator. */
static bool may_skip_early(struct consensus *c)
{
    const uint32_t leader = validators_leader(c->set, c->view);
    if (machine_epoch_over(c) || leader == c->config.own_index) {
        return false;
    }
    if (pacemaker_leader_is_dead(c, c->view)) {
        return true;
    }
    if (!pacemaker_is_silent(c, leader)) {
        machine_wait(c, c->peers[leader].heard_ms + LEADER_SILENCE_MS);
    }
    return false;
}

void pacemaker_give_up(struct consensus *c)
{
    if (safety_may_cast(c, VOTE_NULLIFY, c->view)) {
        c->nullify_retry_ms = c->now_ms + u64_max(pacemaker_delta_ms(c), RETRY_MIN_MS);
        safety_cast(c, VOTE_NULLIFY, c->view, NULL, CAST_SEND);
    }
}

/* Re-sends copies of stored bytes; signs nothing. */
static void retry(struct consensus *c)
{
    struct vote vote;
    if (!votes_get(c, VOTE_NULLIFY, c->view, c->config.own_index, &vote)) {
        return;
    }
    if (c->now_ms >= c->nullify_retry_ms) {
        c->nullify_retry_ms = c->now_ms + u64_max(pacemaker_delta_ms(c), RETRY_MIN_MS);
        machine_send_vote(c, &vote, CONSENSUS_ALL);
        for (uint32_t kind = VOTE_NOTARIZE; kind <= VOTE_FINALIZE; kind++) {
            if (certificates_send(c, (enum vote_kind)kind, c->view - 1, CONSENSUS_ALL) != 0) {
                break;
            }
        }
        (void)certificates_send_final(c, CONSENSUS_ALL);
        votes_count(c, &vote);
    }
    machine_wait(c, c->nullify_retry_ms);
}

/* When the current view is given up, timers being armed. */
static uint64_t due_ms(struct consensus *c)
{
    const uint64_t delta = pacemaker_delta_ms(c);
    const struct view_slot *slot = views_find(c, c->view);
    if ((slot != NULL && slot->proposal.held) || safety_has_cast(c, VOTE_NOTARIZE, c->view)) {
        return c->armed_ms + FULL_DELTAS * delta;
    }
    /* A leader silent for so long that it counts as dead gets no time. */
    uint64_t due = c->armed_ms + LEAD_DELTAS * delta;
    const uint32_t leader = validators_leader(c->set, c->view);
    if (leader != c->config.own_index && heard_others(c, leader) >= c->set->quorum - 1) {
        due = u64_min(due, u64_max(c->armed_ms, c->peers[leader].heard_ms + LEADER_SILENCE_MS));
    }
    return due;
}

void pacemaker_settle(struct consensus *c)
{
    if (!safety_may_sign(c)) {
        return;
    }
    if (safety_has_cast(c, VOTE_NULLIFY, c->view)) {
        retry(c);
        return;
    }
    if (!safety_may_cast(c, VOTE_NULLIFY, c->view)) {
        return;
    }
    const uint32_t leader = validators_leader(c->set, c->view);
    if (votes_find(c, VOTE_NULLIFY, c->view, leader) != NULL) {
        pacemaker_give_up(c);
        return;
    }
    if (!has_work(c) && !may_skip_early(c)) {
        c->armed = false;
        return;
    }
    if (!c->armed) {
        c->armed = true;
        c->armed_ms = u64_max(c->now_ms, pacemaker_build_not_before(c));
    }
    const uint64_t due = due_ms(c);
    /* Timers fire on ticks only: what was queued before has been handled then. */
    if (c->ticking && c->now_ms >= due) {
        metrics_timeout(c);
        pacemaker_give_up(c);
    } else {
        machine_wait(c, due);
    }
}
