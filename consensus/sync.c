/*
 * sync: who lacks what (docs/consensus.md, Anti-entropy, Catch-up). A status is a hint, but for the
 * certificate in it; whatever is asked for because of a hint is verified when it comes.
 */
#include "consensus/sync.h"

#include "consensus/certificates.h"
#include "consensus/chain.h"
#include "consensus/leader.h"
#include "consensus/rejoin.h"
#include "consensus/safety.h"
#include "consensus/views.h"
#include "consensus/votes.h"

#define STATUS_EVERY_MS 1000
#define STATUS_SPACING_MS 200 /* between two statuses to all, and two answers to one peer */
#define REQUEST_RETRY_MS 500
#define BLOCKS_RETRY_MS 1000
#define QUIET_MS 20         /* an answer has ended when nothing of it came for this long */
#define BEHIND_GRACE_MS 500 /* a peer one block ahead is usual while the last votes travel */
#define HELD_VIEWS 64

static uint32_t next_peer(const struct consensus *c, uint32_t after, uint64_t height_above)
{
    for (uint32_t i = 1; i <= c->set->count; i++) {
        const uint32_t peer = (after + i) % c->set->count;
        if (c->peers[peer].up && peer != c->config.own_index &&
            c->peers[peer].final_height >= height_above) {
            return peer;
        }
    }
    return NO_PEER;
}

uint32_t sync_any_peer(struct consensus *c)
{
    const uint32_t peer = next_peer(c, c->certificates_peer, 0);
    if (peer != NO_PEER) {
        c->certificates_peer = peer;
    }
    return peer;
}

static uint64_t held_from(const struct consensus *c)
{
    const uint64_t lowest = c->view >= HELD_VIEWS ? c->view - HELD_VIEWS + 1 : 1;
    return u64_max(lowest, c->final_view + 1);
}

static void send_status(struct consensus *c, uint32_t peer, const struct certificate *final)
{
    CHECK(c->scratch.status_count < 2 * LIMIT_VALIDATORS);
    struct peer_status *status = &c->scratch.statuses[c->scratch.status_count];
    c->scratch.status_count++;
    *status = (struct peer_status){.epoch = c->config.epoch,
                                   .view = c->view,
                                   .final_height = c->final_block.height,
                                   .final_view = c->final_view,
                                   .final_hash = c->final_block.hash,
                                   .final = final,
                                   .held_from = held_from(c),
                                   .steady = rejoin_is_steady(c)};
    for (uint32_t i = 0; i < HELD_VIEWS; i++) {
        const uint64_t view = status->held_from + i;
        if (certificates_find(c, VOTE_NOTARIZE, view) != NULL) {
            status->held_notarizations |= UINT64_C(1) << i;
        }
        if (views_is_nullified(c, view)) {
            status->held_nullifications |= UINT64_C(1) << i;
        }
    }
    if (c->peers[peer].has_newest_vote) {
        status->has_your_vote = true;
        status->your_vote = c->peers[peer].newest_vote;
    }
    machine_emit(c, EFFECT_SEND_STATUS, peer)->status = status;
}

static const struct certificate *export_final(struct consensus *c)
{
    if (!c->finalization.held) {
        return NULL;
    }
    struct certificate *final = machine_certificates(c, 1);
    certificates_export(c, VOTE_FINALIZE, c->final_view, &c->finalization, final);
    return final;
}

static void send_status_to_all(struct consensus *c)
{
    const struct certificate *final = export_final(c);
    for (uint32_t i = 0; i < c->set->count; i++) {
        if (i != c->config.own_index && c->peers[i].up) {
            send_status(c, i, final);
        }
    }
    c->status_sent_ms = c->now_ms;
    c->status_due_ms = c->now_ms + STATUS_EVERY_MS;
}

void sync_view_entered(struct consensus *c)
{
    c->status_due_ms = u64_min(c->status_due_ms, c->status_sent_ms + STATUS_SPACING_MS);
}

void sync_peer_up(struct consensus *c, uint32_t peer)
{
    c->peers[peer].up = true;
    c->peers[peer].answered_ms = 0;
    send_status(c, peer, export_final(c));
}

void sync_peer_down(struct consensus *c, uint32_t peer)
{
    struct peer *state = &c->peers[peer];
    state->up = false;
    state->view = 0;
    state->final_view = 0;
    state->final_height = 0;
}

/* What is missing at the peer in one view; returns how many objects were sent, at most limit. */
static uint32_t answer_view(struct consensus *c, const struct peer_status *status, uint64_t view,
                            uint32_t peer, uint32_t limit)
{
    uint32_t sent = 0;
    const uint64_t bit = view - status->held_from;
    for (uint32_t kind = VOTE_NOTARIZE; kind <= VOTE_FINALIZE && sent < limit; kind++) {
        bool has = false;
        if (kind == VOTE_FINALIZE) {
            has = view <= status->final_view;
        } else if (bit < HELD_VIEWS) {
            const uint64_t held =
                kind == VOTE_NOTARIZE ? status->held_notarizations : status->held_nullifications;
            has = (held >> bit & 1) != 0;
        }
        struct vote vote;
        if (has) {
            continue;
        }
        if (certificates_send(c, (enum vote_kind)kind, view, peer) != 0) {
            sent++;
        } else if (votes_get(c, (enum vote_kind)kind, view, c->config.own_index, &vote)) {
            machine_send_vote(c, &vote, peer);
            sent++;
        }
    }
    return sent;
}

/* Missing certificates and own stored votes, newest first. */
static void answer(struct consensus *c, const struct peer_status *status, uint32_t peer)
{
    uint32_t left = ANSWER_OBJECTS_MAX;
    if (status->final_view < c->final_view) {
        left -= certificates_send_final(c, peer);
    }
    if (status->view == c->view) {
        left -= leader_resend(c, peer);
    }
    for (uint64_t view = c->view; view >= c->tail && view > c->final_view && left > 0; view--) {
        if (view < status->held_from) {
            break;
        }
        left -= answer_view(c, status, view, peer, left);
    }
}

/* Signing begins once q-1 others told where they stand, and what they hold of ours. */
static void count_heard(struct consensus *c, uint32_t peer)
{
    if (!c->peers[peer].heard_status && c->peers[peer].up) {
        /* What was told to it before, it may have dropped: it was in the last epoch still. */
        send_status(c, peer, export_final(c));
    }
    c->peers[peer].heard_status = true;
    uint32_t count = 0;
    for (uint32_t i = 0; i < c->set->count; i++) {
        count += c->peers[i].heard_status;
    }
    if (!c->may_sign && count >= c->set->quorum - 1) {
        c->may_sign = true;
        c->changed = true;
    }
}

void sync_status(struct consensus *c, const struct peer_status *status, uint32_t peer)
{
    if (status->epoch != c->config.epoch || peer == c->config.own_index) {
        return;
    }
    struct peer *state = &c->peers[peer];
    state->view = status->view;
    state->final_view = status->final_view;
    state->final_height = status->final_height;
    if (status->final != NULL && status->final->kind == VOTE_FINALIZE) {
        (void)certificates_receive(c, status->final, peer);
    }
    if (status->has_your_vote && status->your_vote.signer == c->config.own_index) {
        votes_receive(c, &status->your_vote);
    }
    count_heard(c, peer);
    rejoin_status(c, status, peer);
    if (c->halted ||
        (state->answered_ms != 0 && c->now_ms < state->answered_ms + STATUS_SPACING_MS)) {
        return;
    }
    state->answered_ms = c->now_ms;
    answer(c, status, peer);
}

void sync_want_certificates(struct consensus *c, uint64_t from, uint64_t to, uint32_t peer)
{
    CHECK(from <= to);
    const bool same = c->wanted_to == to;
    c->wanted_from = from;
    c->wanted_to = to;
    if (c->now_ms < c->certificates_due_ms) {
        machine_wait(c, c->certificates_due_ms);
        return;
    }
    /* The peer that should have it first; when that did not help, the others in turn. */
    if (peer == NO_PEER || same || !c->peers[peer].up) {
        peer = sync_any_peer(c);
    }
    c->certificates_due_ms = c->now_ms + REQUEST_RETRY_MS;
    machine_wait(c, c->certificates_due_ms);
    if (peer != NO_PEER) {
        struct effect *effect = machine_emit(c, EFFECT_REQUEST_CERTIFICATES, peer);
        effect->certificates.from_view = from;
        effect->certificates.to_view = to;
    }
}

void sync_certificate_came(struct consensus *c, uint64_t view)
{
    if (view >= c->wanted_from && view <= c->wanted_to) {
        c->certificates_due_ms = u64_min(c->certificates_due_ms, c->now_ms + QUIET_MS);
    }
}

void sync_block_came(struct consensus *c)
{
    c->blocks_due_ms = c->now_ms + QUIET_MS;
}

void sync_committed(struct consensus *c)
{
    c->behind_since_ms = 0;
}

static void request_blocks(struct consensus *c)
{
    const uint64_t next = c->final_block.height + 1;
    uint64_t claimed = 0;
    for (uint32_t i = 0; i < c->set->count; i++) {
        if (c->peers[i].up) {
            claimed = u64_max(claimed, c->peers[i].final_height);
        }
    }
    if ((claimed < next && !chain_is_behind(c)) || c->catchup[next % CATCHUP_WINDOW].held) {
        c->behind_since_ms = 0;
        return;
    }
    if (c->behind_since_ms == 0) {
        c->behind_since_ms = c->now_ms;
    }
    const uint64_t grace = claimed > next ? 0 : BEHIND_GRACE_MS;
    const uint64_t due = u64_max(c->blocks_due_ms, c->behind_since_ms + grace);
    if (c->now_ms < due) {
        machine_wait(c, due);
        return;
    }
    uint32_t peer = next_peer(c, c->blocks_peer, next);
    if (peer == NO_PEER) {
        peer = next_peer(c, c->blocks_peer, 0);
    }
    c->blocks_due_ms = c->now_ms + BLOCKS_RETRY_MS;
    machine_wait(c, c->blocks_due_ms);
    if (peer != NO_PEER) {
        c->blocks_peer = peer;
        machine_emit(c, EFFECT_REQUEST_BLOCKS, peer)->from_height = next;
    }
}

void sync_settle(struct consensus *c)
{
    uint64_t missing;
    if (!leader_find_parent(c, c->view, &missing)) {
        sync_want_certificates(c, views_open_since(c, missing), missing, NO_PEER);
    }
    request_blocks(c);
    if (c->set->count == 1 && machine_is_validator(c)) {
        return; /* nobody to tell */
    }
    if (c->now_ms >= c->status_due_ms) {
        send_status_to_all(c);
    }
    machine_wait(c, c->status_due_ms);
}
