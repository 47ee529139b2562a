/*
 * metrics: what the machine counts of itself, for the status and for monitoring
 * (docs/operations.md, Metrics); nothing in it decides anything.
 */
#include "consensus/metrics.h"

#include "consensus/chain.h"
#include "consensus/pacemaker.h"
#include "consensus/safety.h"
#include "consensus/views.h"

const uint32_t finality_bounds_ms[FINALITY_BUCKETS - 1] = {5,   10,   25,   50,   100,  250,
                                                           500, 1000, 2500, 5000, 10000};

const char *timeout_reason_name(enum timeout_reason reason)
{
    switch (reason) {
    case TIMEOUT_SILENT:
        return "silent";
    case TIMEOUT_NO_PROPOSAL:
        return "no_proposal";
    case TIMEOUT_BYTES_MISSING:
        return "bytes_missing";
    case TIMEOUT_NOT_NOTARIZED:
        return "not_notarized";
    }
    return "unknown";
}

static enum timeout_reason reason_of(struct consensus *c)
{
    const struct view_slot *slot = views_find(c, c->view);
    if (safety_has_cast(c, VOTE_NOTARIZE, c->view)) {
        return TIMEOUT_NOT_NOTARIZED;
    }
    if (slot != NULL && slot->proposal.held) {
        return TIMEOUT_BYTES_MISSING;
    }
    return pacemaker_leader_is_dead(c, c->view) ? TIMEOUT_SILENT : TIMEOUT_NO_PROPOSAL;
}

void metrics_timeout(struct consensus *c)
{
    c->timeouts++;
    c->metrics.timeouts[validators_leader(c->set, c->view)][reason_of(c)]++;
}

void metrics_proposed(struct known_block *known, uint64_t since_ms)
{
    if (known != NULL && !known->proposed) {
        known->proposed = true;
        known->proposed_ms = since_ms;
    }
}

void metrics_committed(struct consensus *c, const struct known_block *known)
{
    if (!known->proposed) {
        return;
    }
    const uint64_t took_ms = c->now_ms - known->proposed_ms;
    uint32_t bucket = 0;
    while (bucket < FINALITY_BUCKETS - 1 && took_ms > finality_bounds_ms[bucket]) {
        bucket++;
    }
    c->metrics.finality[bucket]++;
    c->metrics.finality_count++;
    c->metrics.finality_sum_ms += took_ms;
}

const struct consensus_metrics *consensus_metrics(const struct consensus *c)
{
    return &c->metrics;
}

struct consensus_peer consensus_peer(const struct consensus *c, uint32_t validator)
{
    CHECK(validator < c->set->count);
    const struct peer *peer = &c->peers[validator];
    if (validator == c->config.own_index) {
        return (struct consensus_peer){.view = c->view, .final_height = c->final_block.height};
    }
    return (struct consensus_peer){.view = peer->view,
                                   .final_height = peer->final_height,
                                   .silent_ms = c->now_ms - peer->heard_ms,
                                   .missing = pacemaker_is_silent(c, validator)};
}
