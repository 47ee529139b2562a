/*
 * link_keeper: the thread that owns the life of all links: it takes what the listeners and dialers
 * bring, admits authenticated links, watches the deadlines, sends the pings, and closes and frees.
 * All callbacks about a link's life come from here, in order.
 */
#include <sodium.h>
#include <string.h>

#include "node/link_internal.h"

uint64_t link_now_ms(void)
{
    struct timespec now;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

struct timespec link_deadline(uint64_t wait_ms)
{
    struct timespec until;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &until) == 0);
    until.tv_sec += (time_t)(wait_ms / 1000);
    until.tv_nsec += (long)(wait_ms % 1000) * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    return until;
}

void link_keeper_wake(struct links *links)
{
    link_lock(&links->keeper_mutex);
    links->attention = true;
    CHECK(pthread_cond_signal(&links->keeper_wake) == 0);
    link_unlock(&links->keeper_mutex);
}

/* ---- Admitting an authenticated link ---- */

/* Who the other side is, or why it may not have a link (LINK_REASON_COUNT: it may). */
static enum link_reason identify(struct link *link, struct link_identity *ret_identity)
{
    struct links *links = link->links;
    *ret_identity = link->identity;
    if (link->dialled) {
        return LINK_REASON_COUNT;
    }
    if (link->plain) {
        ret_identity->kind = LINK_OPERATOR;
        return LINK_REASON_COUNT;
    }
    if (!links->callbacks.allow(links->callbacks.context, &link->identity.key, ret_identity)) {
        return LINK_ENDED_STRANGER;
    }
    ret_identity->key = link->identity.key;
    CHECK(ret_identity->kind == LINK_VALIDATOR || ret_identity->kind == LINK_CLIENT);
    CHECK(ret_identity->kind != LINK_VALIDATOR || ret_identity->validator < LIMIT_PEERS);
    return LINK_REASON_COUNT;
}

static void replace(struct link *old, uint64_t now_ms)
{
    link_fail(old, LINK_ENDED_REPLACED);
    link_reap(old, now_ms);
}

/*
 * Ends what the new link replaces: a validator's old link, or a participant's oldest if it has too
 * many. A reason if there are too many clients.
 */
static enum link_reason make_room(struct links *links, const struct link_identity *identity,
                                  uint64_t now_ms)
{
    struct link *oldest = NULL;
    uint32_t same = 0;
    uint32_t clients = 0;
    for (uint32_t i = 0; i < links->table_size; i++) {
        struct link *link = links->table[i];
        if (link == NULL || !link->was_up) {
            continue;
        }
        clients += link->identity.kind == LINK_CLIENT;
        if (link->identity.kind == identity->kind &&
            sodium_memcmp(&link->identity.key, &identity->key, sizeof identity->key) == 0) {
            same++;
            oldest = oldest == NULL || link->id < oldest->id ? link : oldest;
        }
    }
    switch (identity->kind) {
    case LINK_VALIDATOR:
        if (oldest != NULL) {
            replace(oldest, now_ms);
        }
        return LINK_REASON_COUNT;
    case LINK_CLIENT:
        if (same >= links->limits.links_per_client_max) {
            replace(oldest, now_ms);
            return LINK_REASON_COUNT;
        }
        return clients < links->limits.client_links_max ? LINK_REASON_COUNT
                                                        : LINK_ENDED_CLIENTS_FULL;
    case LINK_OPERATOR:
    case LINK_KIND_COUNT:
        break;
    }
    return LINK_REASON_COUNT;
}

static void ping(struct link *link, uint64_t now_ms)
{
    link->pinged_ms = now_ms;
    link_lock(&link->mutex);
    if (link->state == LINK_STATE_UP) {
        link->packer.ping_due = true;
        link_send_kick(link);
    }
    link_unlock(&link->mutex);
}

static void count_established(struct links *links, const struct link_identity *identity)
{
    link_count(&links->counters.established, 1);
    if (identity->kind == LINK_VALIDATOR) {
        link_count(&links->counters.validators[identity->validator].links, 1);
    }
}

static void promote(struct link *link, uint64_t now_ms)
{
    struct links *links = link->links;
    struct link_identity identity;
    enum link_reason refusal = identify(link, &identity);
    if (refusal == LINK_REASON_COUNT) {
        refusal = make_room(links, &identity, now_ms);
    }
    if (refusal != LINK_REASON_COUNT) {
        link_fail(link, refusal);
        return;
    }
    link_lock(&link->mutex);
    bool alive = link->state == LINK_STATE_AUTHENTICATED;
    if (alive) {
        link->identity = identity;
        link->unpacker.limits = links->limits.classes[identity.kind];
        link->state = LINK_STATE_UP;
    }
    link_unlock(&link->mutex);
    if (!alive) {
        return;
    }
    link->was_up = true;
    link->up_ms = now_ms;
    atomic_store_explicit(&link->heard_ms, now_ms, memory_order_relaxed);
    count_established(links, &identity);
    if (identity.kind == LINK_VALIDATOR) {
        link_peer_up(links, identity.validator);
    }
    links->callbacks.up(links->callbacks.context, link->id, &identity);
    /* The first message tells a dialler that it is accepted. */
    ping(link, now_ms);
    link_lock(&link->mutex);
    link_receive_kick(link);
    link_unlock(&link->mutex);
}

/* ---- Deadlines ---- */

static void watch_up(struct link *link, bool paused, uint64_t now_ms)
{
    const struct link_limits *limits = &link->links->limits;
    uint64_t heard_ms = atomic_load_explicit(&link->heard_ms, memory_order_relaxed);
    uint64_t stall_ms = atomic_load_explicit(&link->stall_ms, memory_order_relaxed);
    uint64_t silence_ms_max = (uint64_t)limits->ping_interval_ms * limits->pings_missed_max;
    /* While this side does not read, it cannot judge. */
    if (!paused && now_ms > heard_ms + silence_ms_max) {
        link_fail(link, LINK_ENDED_SILENT);
    } else if (!paused && stall_ms != 0 && now_ms > stall_ms + limits->frame_stall_ms_max) {
        link_fail(link, LINK_ENDED_STALLED);
    } else if (now_ms >= link->pinged_ms + limits->ping_interval_ms) {
        ping(link, now_ms);
    }
}

/* When the links are closing, every link is on its way out. */
static void push_out(struct link *link)
{
    link_lock(&link->mutex);
    bool not_up = link->state == LINK_STATE_HANDSHAKE || link->state == LINK_STATE_AUTHENTICATED;
    link_drain(link, LINK_ENDED_LOCAL);
    link_unlock(&link->mutex);
    if (not_up) {
        link_fail(link, LINK_ENDED_LOCAL);
    }
}

static void link_step(struct link *link, bool stopping, uint64_t now_ms)
{
    const struct link_limits *limits = &link->links->limits;
    if (stopping) {
        push_out(link);
    }
    link_lock(&link->mutex);
    enum link_state state = link->state;
    bool paused = link->paused;
    uint64_t drain_ms = link->drain_ms;
    link_unlock(&link->mutex);
    switch (state) {
    case LINK_STATE_HANDSHAKE:
        if (now_ms >= link->born_ms + limits->handshake_ms_max) {
            link_fail(link, LINK_ENDED_HANDSHAKE_TIMEOUT);
        }
        break;
    case LINK_STATE_AUTHENTICATED:
        promote(link, now_ms);
        break;
    case LINK_STATE_UP:
        watch_up(link, paused, now_ms);
        break;
    case LINK_STATE_DRAINING:
        if (now_ms >= drain_ms + limits->close_ms_max) {
            link_fail(link, LINK_ENDED_LOCAL);
        }
        break;
    case LINK_STATE_CLOSING:
        link_reap(link, now_ms);
        break;
    }
}

/* True if no link is left. */
static bool links_step(struct links *links, bool stopping)
{
    uint64_t now_ms = link_now_ms();
    bool empty = true;
    for (uint32_t i = 0; i < links->table_size; i++) {
        if (links->table[i] != NULL) {
            link_step(links->table[i], stopping, now_ms);
        }
        empty = empty && links->table[i] == NULL;
    }
    return empty;
}

static void endpoints_step(struct links *links)
{
    uint64_t now_ms = link_now_ms();
    for (uint32_t i = 0; i < LINK_LISTENERS; i++) {
        link_listener_step(&links->listeners[i], now_ms);
    }
    link_peers_change(links);
    for (uint32_t i = 0; i < LIMIT_PEERS; i++) {
        link_peer_step(&links->peers[i], now_ms);
    }
}

static void endpoints_close(struct links *links)
{
    for (uint32_t i = 0; i < LINK_LISTENERS; i++) {
        link_listener_close(&links->listeners[i]);
    }
    for (uint32_t i = 0; i < LIMIT_PEERS; i++) {
        link_peer_close(&links->peers[i]);
    }
}

/* ---- The thread ---- */

/* Waits for something to do, at most for a tick. Whether the links are to be looked at. */
static bool wait_for_work(struct links *links, bool *ret_stopping)
{
    struct timespec until = link_deadline(links->tick_ms);
    int result = 0;
    link_lock(&links->keeper_mutex);
    while (result == 0 && !links->events && !links->attention && links->stopping == *ret_stopping) {
        result = pthread_cond_timedwait(&links->keeper_wake, &links->keeper_mutex, &until);
    }
    bool look = links->attention || !links->events;
    links->events = false;
    links->attention = false;
    *ret_stopping = links->stopping;
    link_unlock(&links->keeper_mutex);
    return look;
}

void *link_keeper_main(void *argument)
{
    struct links *links = argument;
    uint64_t looked_ms = link_now_ms();
    bool stopping = false;
    bool done = false;
    endpoints_step(links);
    while (!done) {
        bool look = wait_for_work(links, &stopping);
        if (!stopping) {
            endpoints_step(links);
        } else if (!links->closing) {
            links->closing = true;
            endpoints_close(links);
        }
        /* A flood of connections must not keep the deadlines from being looked at. */
        uint64_t now_ms = link_now_ms();
        if (look || stopping || now_ms >= looked_ms + links->tick_ms) {
            looked_ms = now_ms;
            bool empty = links_step(links, stopping);
            done = stopping && empty;
        }
    }
    return NULL;
}
