/* link: opening and closing, the functions for any thread, limits and counters (see link.h). */
#include "node/link.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "node/link_internal.h"

#define LOCAL_LINKS_MAX 64u
#define SLOTS_MAX 65535u
/* Links for peers that come later. */
#define LATER_PEERS 64u

#define REASON_NAME(name, sentence) #name,
static const char *const reason_names[] = {LINK_REASON_TABLE(REASON_NAME)};
#undef REASON_NAME

#define REASON_SENTENCE(name, sentence) sentence,
static const char *const reason_sentences[] = {LINK_REASON_TABLE(REASON_SENTENCE)};
#undef REASON_SENTENCE

const char *link_reason_name(enum link_reason reason)
{
    return (unsigned)reason < LINK_REASON_COUNT ? reason_names[reason] : "UNKNOWN";
}

const char *link_reason_text(enum link_reason reason)
{
    return (unsigned)reason < LINK_REASON_COUNT ? reason_sentences[reason] : "an unknown reason";
}

const char *link_class_name(enum link_class class)
{
    static const char *const names[LINK_CLASS_COUNT] = {"vote", "proposal", "batch", "catchup",
                                                        "query"};
    return (unsigned)class < LINK_CLASS_COUNT ? names[class] : "unknown";
}

void links_config_init(struct links_config *ret_config)
{
    const uint32_t mib = 1u << 20;
    memset(ret_config, 0, sizeof *ret_config);
    ret_config->own_index = -1;
    struct link_limits limits =
        {
            .classes =
                {
                    /* Frames from such a peer; frames waiting to be sent to it. */
                    [LINK_VALIDATOR] = {[LINK_VOTE] = {mib / 4, 8 * mib},
                                        [LINK_PROPOSAL] = {LIMIT_FRAME_BYTES, 16 * mib},
                                        [LINK_BATCH] = {LIMIT_FRAME_BYTES, 32 * mib},
                                        [LINK_CATCHUP] = {LIMIT_FRAME_BYTES, 16 * mib},
                                        [LINK_QUERY] = {LIMIT_FRAME_BYTES, 16 * mib}},
                    [LINK_CLIENT] = {[LINK_BATCH] = {2 * mib, 8 * mib},
                                     [LINK_CATCHUP] = {mib / 16, 16 * mib},
                                     [LINK_QUERY] = {mib / 16, 16 * mib}},
                    [LINK_OPERATOR] = {[LINK_BATCH] = {2 * mib, 8 * mib},
                                       [LINK_CATCHUP] = {mib / 16, 16 * mib},
                                       [LINK_QUERY] = {mib / 16, 16 * mib}},
                },
            .handshake_ms_max = 5000,
            .client_links_max = 1024,
            .links_per_client_max = 8,
            .address_burst = 128,
            .address_per_second = 64,
            .ping_interval_ms = 1000,
            .pings_missed_max = 3,
            .frame_stall_ms_max = 5000,
            .send_stall_ms_max = 30000,
            .close_ms_max = 500,
            .redial_ms_min = 100,
            .redial_ms_max = 1000,
            .patience_ms = 3000,
        };
    ret_config->limits = limits;
}

/* ---- Opening and closing ---- */

static uint32_t smaller(uint32_t a, uint32_t b)
{
    return a < b ? a : b;
}

/* A quarter of the shortest deadline, 1 to 100 ms. */
static uint32_t tick_ms_for(const struct link_limits *limits)
{
    uint32_t shortest_ms = smaller(limits->ping_interval_ms, limits->handshake_ms_max);
    shortest_ms = smaller(shortest_ms, limits->frame_stall_ms_max);
    shortest_ms = smaller(shortest_ms, limits->close_ms_max);
    shortest_ms = smaller(shortest_ms, 2 * limits->redial_ms_min);
    uint32_t tick_ms = smaller(shortest_ms / 4, 100);
    return tick_ms > 0 ? tick_ms : 1;
}

static void mutexes_init(struct links *links)
{
    pthread_condattr_t attributes;
    CHECK(pthread_mutex_init(&links->table_mutex, NULL) == 0);
    CHECK(pthread_mutex_init(&links->keeper_mutex, NULL) == 0);
    CHECK(pthread_condattr_init(&attributes) == 0);
    CHECK(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    CHECK(pthread_cond_init(&links->keeper_wake, &attributes) == 0);
    CHECK(pthread_condattr_destroy(&attributes) == 0);
}

/* The struct with its plain fields; NULL without memory. */
static struct links *links_new(const struct links_config *config,
                               const struct links_callbacks *callbacks)
{
    struct links *links = calloc(1, sizeof *links);
    if (links == NULL) {
        return NULL;
    }
    links->limits = config->limits;
    if (links->limits.half_open_max == 0) {
        links->limits.half_open_max = 4 * config->validator_count + 16;
    }
    links->callbacks = *callbacks;
    memcpy(links->prologue, config->prologue, config->prologue_length);
    links->prologue_length = config->prologue_length;
    links->patient = config->patient || config->own_index >= 0;
    links->dial_once = config->dial_once;
    links->tick_ms = tick_ms_for(&links->limits);
    uint64_t slots = (uint64_t)links->limits.half_open_max + links->limits.client_links_max +
                     2ull * config->validator_count + LOCAL_LINKS_MAX +
                     (config->dial_once ? 0 : LATER_PEERS);
    links->table_size = (uint32_t)(slots < SLOTS_MAX ? slots : SLOTS_MAX);
    mutexes_init(links);
    return links;
}

static void links_free(struct links *links)
{
    for (uint32_t i = 0; i < LINK_LISTENERS; i++) {
        link_listener_close(&links->listeners[i]);
    }
    for (uint32_t i = 0; links->peers != NULL && i < LIMIT_PEERS; i++) {
        link_peer_close(&links->peers[i]);
    }
    for (uint32_t i = 0; links->changes != NULL && i < LIMIT_PEERS; i++) {
        free(links->changes[i].url);
    }
    free(links->peers);
    free(links->changes);
    free(links->table);
    sodium_free(links->secrets);
    CHECK(pthread_cond_destroy(&links->keeper_wake) == 0);
    CHECK(pthread_mutex_destroy(&links->keeper_mutex) == 0);
    CHECK(pthread_mutex_destroy(&links->table_mutex) == 0);
    free(links);
}

static enum status links_allocate(struct links *links, const struct links_config *config)
{
    size_t sessions = links->table_size * sizeof(struct link_session);
    links->table = calloc(links->table_size, sizeof(struct link *));
    links->peers = calloc(LIMIT_PEERS, sizeof *links->peers);
    links->changes = calloc(LIMIT_PEERS, sizeof *links->changes);
    links->secrets = sodium_malloc(sizeof *links->secrets + sessions);
    if (links->table == NULL || links->peers == NULL || links->changes == NULL ||
        links->secrets == NULL) {
        return STATUS_NO_MEMORY;
    }
    links->secrets->own_key = config->own_key;
    uint8_t hash_key[sizeof links->admission.hash_key];
    randombytes_buf(hash_key, sizeof hash_key);
    link_admission_init(&links->admission, hash_key, links->limits.address_burst,
                        links->limits.address_per_second);
    return STATUS_OK;
}

static enum status open_endpoints(struct links *links, const struct links_config *config)
{
    enum status status = STATUS_OK;
    if (config->url != NULL) {
        status = link_listener_open(links, &links->listeners[0], config->url, false);
    }
    if (status == STATUS_OK && config->local_url != NULL) {
        status = link_listener_open(links, &links->listeners[1], config->local_url, true);
    }
    for (uint32_t i = 0; status == STATUS_OK && i < config->validator_count; i++) {
        if (config->own_index < 0 || i != (uint32_t)config->own_index) {
            status = link_peer_open(links, i, &config->validators[i]);
        }
    }
    return status;
}

enum status links_open(const struct links_config *config, const struct links_callbacks *callbacks,
                       struct links **ret_links)
{
    CHECK(config->prologue_length <= LINK_PROLOGUE_BYTES_MAX);
    CHECK(config->validator_count <= LIMIT_PEERS);
    CHECK(config->own_index < (int32_t)config->validator_count);
    struct links *links = links_new(config, callbacks);
    if (links == NULL) {
        return STATUS_NO_MEMORY;
    }
    enum status status = links_allocate(links, config);
    if (status == STATUS_OK) {
        status = open_endpoints(links, config);
    }
    if (status == STATUS_OK && pthread_create(&links->keeper, NULL, link_keeper_main, links) != 0) {
        status = STATUS_NO_MEMORY;
    }
    if (status != STATUS_OK) {
        links_free(links);
        return status;
    }
    *ret_links = links;
    return STATUS_OK;
}

void links_close(struct links *links)
{
    if (links == NULL) {
        return;
    }
    link_lock(&links->keeper_mutex);
    links->stopping = true;
    CHECK(pthread_cond_signal(&links->keeper_wake) == 0);
    link_unlock(&links->keeper_mutex);
    CHECK(pthread_join(links->keeper, NULL) == 0);
    links_free(links);
}

uint16_t links_port(const struct links *links)
{
    return links->port;
}

void links_set_peer(struct links *links, uint32_t slot, const struct link_validator *peer)
{
    CHECK(slot < LIMIT_PEERS);
    char *url = peer == NULL || peer->url == NULL ? NULL : strdup(peer->url);
    link_lock(&links->keeper_mutex);
    struct link_change *change = &links->changes[slot];
    free(change->url);
    *change = (struct link_change){.pending = true, .set = peer != NULL, .url = url};
    if (peer != NULL) {
        change->key = peer->key;
    }
    links->changed = true;
    links->events = true;
    CHECK(pthread_cond_signal(&links->keeper_wake) == 0);
    link_unlock(&links->keeper_mutex);
}

/* ---- For any thread ---- */

/* The link, with its mutex held, or NULL. */
static struct link *find_locked(struct links *links, uint64_t id)
{
    uint32_t slot = (uint32_t)(id & 0xffff);
    link_lock(&links->table_mutex);
    struct link *link = slot < links->table_size ? links->table[slot] : NULL;
    if (link != NULL && link->id == id) {
        link_lock(&link->mutex);
    } else {
        link = NULL;
    }
    link_unlock(&links->table_mutex);
    return link;
}

/* Under the link's mutex. */
static enum status enqueue(struct link *link, enum link_class class, struct link_buffer *buffer)
{
    struct links *links = link->links;
    if (link->state != LINK_STATE_UP) {
        return STATUS_NOT_FOUND;
    }
    const struct link_class_limits *limits = &links->limits.classes[link->identity.kind][class];
    struct link_queue *queue = &link->packer.queues.classes[class];
    enum status status = link_queue_push(queue, buffer, limits->queue_bytes_max);
    if (status == STATUS_OK) {
        link_send_kick(link);
        return STATUS_OK;
    }
    link_count(&links->counters.sends_busy, 1);
    if (class == LINK_VOTE) {
        link_drain(link, LINK_ENDED_VOTES_FULL);
        return STATUS_CLOSED;
    }
    return status;
}

enum status links_send_buffer(struct links *links, uint64_t id, enum link_class class,
                              struct link_buffer *buffer)
{
    CHECK((unsigned)class < LINK_CLASS_COUNT && buffer->length > 0);
    if (buffer->length > LIMIT_FRAME_BYTES) {
        return STATUS_OVERSIZED;
    }
    struct link *link = find_locked(links, id);
    if (link == NULL) {
        return STATUS_NOT_FOUND;
    }
    enum status status = enqueue(link, class, buffer);
    link_unlock(&link->mutex);
    return status;
}

enum status links_send(struct links *links, uint64_t id, enum link_class class,
                       const uint8_t *frame, size_t length)
{
    if (length > LIMIT_FRAME_BYTES) {
        return STATUS_OVERSIZED;
    }
    struct link_buffer *buffer = link_buffer_new(length);
    if (buffer == NULL) {
        return STATUS_NO_MEMORY;
    }
    memcpy(buffer->bytes, frame, length);
    enum status status = links_send_buffer(links, id, class, buffer);
    link_buffer_unref(buffer);
    return status;
}

void links_resume(struct links *links, uint64_t id)
{
    struct link *link = find_locked(links, id);
    if (link == NULL) {
        return;
    }
    link->resume_early = true;
    if (link->paused && link->state == LINK_STATE_UP) {
        link->paused = false;
        /* What was not read meanwhile is not held against the peer. */
        atomic_store_explicit(&link->heard_ms, link_now_ms(), memory_order_relaxed);
        atomic_store_explicit(&link->stall_ms, 0, memory_order_relaxed);
        link_receive_kick(link);
    }
    link_unlock(&link->mutex);
}

void links_drop(struct links *links, uint64_t id)
{
    struct link *link = find_locked(links, id);
    if (link != NULL) {
        link_drain(link, LINK_ENDED_LOCAL);
        link_unlock(&link->mutex);
    }
}

static uint64_t read_counter(const _Atomic uint64_t *counter)
{
    return atomic_load_explicit(counter, memory_order_relaxed);
}

void links_counters(const struct links *links, struct link_counters *ret_counters)
{
    const struct link_atomic_counters *from = &links->counters;
    memset(ret_counters, 0, sizeof *ret_counters);
    ret_counters->accepted = read_counter(&from->accepted);
    ret_counters->dialled = read_counter(&from->dialled);
    ret_counters->accept_errors = read_counter(&from->accept_errors);
    ret_counters->established = read_counter(&from->established);
    for (uint32_t i = 0; i < LINK_REASON_COUNT; i++) {
        ret_counters->ended[i] = read_counter(&from->ended[i]);
    }
    ret_counters->frames_in = read_counter(&from->frames_in);
    ret_counters->frames_out = read_counter(&from->frames_out);
    ret_counters->bytes_in = read_counter(&from->bytes_in);
    ret_counters->bytes_out = read_counter(&from->bytes_out);
    ret_counters->sends_busy = read_counter(&from->sends_busy);
    ret_counters->pauses = read_counter(&from->pauses);
    for (uint32_t i = 0; i < LIMIT_PEERS; i++) {
        ret_counters->validators[i].bytes_in = read_counter(&from->validators[i].bytes_in);
        ret_counters->validators[i].bytes_out = read_counter(&from->validators[i].bytes_out);
        ret_counters->validators[i].links = read_counter(&from->validators[i].links);
    }
}
