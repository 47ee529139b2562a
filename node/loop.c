/* loop: opening and running a node, pass by pass (see loop.h). */
#include "node/loop.h"

#include <inttypes.h>
#include <sodium/randombytes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "node/log.h"
#include "node/loop_state.h"
#include "node/memory.h"
#include "node/space.h"

/* Items of one pass: enough to share a commit, few enough that votes do not wait for it. */
#define PASS_ITEMS_MAX 256
#define PASS_MS_MAX 20
#define REFUSALS_MAX 3
#define CHECK_INTERVAL_MS 5000
/* Votes that wait are handled before timers fire, but nobody who keeps sending can hold them up for
   longer than this. */
#define TICK_LATE_MS 100

/* ---- Passes ---- */

static void refuse(struct loop *loop, const struct inbox_item *item)
{
    loop->frames_refused++;
    if (item->identity.kind != LINK_VALIDATOR) {
        links_drop(loop->links, item->link);
        return;
    }
    uint32_t validator = item->identity.validator;
    if (++loop->refusals[validator] >= REFUSALS_MAX) {
        log_write(LOG_LEVEL_WARN, "peer_dropped", "validator=%s why=\"three refused frames\"",
                  loop->peers.slots[validator].name);
        links_drop(loop->links, item->link);
    }
}

static void log_peer(const char *event, const struct peer_entry *entry, const char *why)
{
    if (entry->kind == PEER_VALIDATOR) {
        log_write(LOG_LEVEL_INFO, event, "validator=%s why=%s", entry->name, why);
    } else {
        log_write(LOG_LEVEL_INFO, event, "peer=%s why=%s", entry->name, why);
    }
}

static void take_up(struct loop *loop, const struct inbox_item *item)
{
    if (item->identity.kind == LINK_VALIDATOR) {
        uint32_t peer = item->identity.validator;
        const struct peer_entry *entry = &loop->peers.slots[peer];
        /* The slot may have changed hands while the link was on its way up. */
        if (entry->kind == PEER_FREE ||
            memcmp(entry->key.bytes, item->identity.key.bytes, sizeof entry->key.bytes) != 0) {
            links_drop(loop->links, item->link);
            return;
        }
        loop->peer_links[peer] = item->link;
        loop->refusals[peer] = 0;
        log_peer("peer_up", entry, "linked");
        replica_peer_up(loop->replica, peer);
        return;
    }
    bool operator_link = item->identity.kind == LINK_OPERATOR || item->identity.participant == 0;
    replica_client_up(loop->replica, item->link,
                      operator_link ? CLIENT_OPERATOR : CLIENT_PARTICIPANT,
                      item->identity.participant);
}

static void take_down(struct loop *loop, const struct inbox_item *item)
{
    if (item->identity.kind != LINK_VALIDATOR) {
        replica_client_down(loop->replica, item->link);
        return;
    }
    uint32_t peer = item->identity.validator;
    if (loop->peer_links[peer] == item->link) {
        loop->peer_links[peer] = 0;
        log_peer("peer_down", &loop->peers.slots[peer], link_reason_name(item->reason));
        replica_peer_down(loop->replica, peer);
    }
}

static void take_frame(struct loop *loop, const struct inbox_item *item)
{
    enum status status = STATUS_OK;
    if (item->identity.kind != LINK_VALIDATOR) {
        status = replica_client_frame(loop->replica, item->link, item->frame, item->length);
    } else if (loop->peer_links[item->identity.validator] == item->link) {
        status =
            replica_peer_frame(loop->replica, item->identity.validator, item->frame, item->length);
    }
    if (status != STATUS_OK) {
        refuse(loop, item);
    }
    free(item->frame);
}

static void take(struct loop *loop, const struct inbox_item *item)
{
    switch (item->kind) {
    case INBOX_UP:
        take_up(loop, item);
        return;
    case INBOX_DOWN:
        take_down(loop, item);
        return;
    case INBOX_FRAME:
        take_frame(loop, item);
        return;
    case INBOX_VERIFIED:
        replica_batch_verified(loop->replica, &item->result);
        return;
    case INBOX_STOP:
        loop->stopping = true;
        return;
    }
}

/* The map is sparse, so the disk fills first: stop well before it does (docs/operations.md, Disk
   space). */
static enum status check_space(struct loop *loop, char *ret_error, size_t capacity)
{
    struct store_usage usage;
    store_reader_check(loop->store);
    store_usage(loop->store, &usage);
    enum space_level level = space_level(usage.disk_free_bytes, usage.disk_total_bytes);
    replica_alarm(loop->replica, "less than 20 % of the disk is free", level >= SPACE_LOW);
    replica_alarm(loop->replica, "less than 10 % of the disk is free: no new batches are taken",
                  level >= SPACE_REFUSING);
    replica_refuse_batches(loop->replica, level >= SPACE_REFUSING);
    if (level == SPACE_OUT) {
        (void)snprintf(ret_error, capacity,
                       "%s: less than 5 %% of the disk is free (%" PRIu64
                       " MiB): free space, then start again; nothing is lost",
                       loop->config->home, usage.disk_free_bytes >> 20);
        return STATUS_NO_SPACE;
    }
    return STATUS_OK;
}

static void resume_links(struct loop *loop)
{
    uint64_t links[64];
    size_t count = inbox_resumable(loop->inbox, links, sizeof links / sizeof links[0]);
    for (size_t i = 0; i < count; i++) {
        links_resume(loop->links, links[i]);
    }
}

static void update_time(struct loop *loop)
{
    replica_time(loop->replica, loop_now_ms(), loop_monotonic_ms());
}

static void take_items(struct loop *loop)
{
    struct inbox_item item;
    uint64_t end_ms = loop_monotonic_ms() + PASS_MS_MAX;
    for (uint32_t i = 0; i < PASS_ITEMS_MAX && inbox_take(loop->inbox, &item); i++) {
        take(loop, &item);
        update_time(loop);
        if (loop_monotonic_ms() >= end_ms) {
            break;
        }
    }
}

static uint64_t monotonic_us(void)
{
    struct timespec now;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static enum status end_pass(struct loop *loop, char *ret_error, size_t capacity)
{
    replica_pass_end(loop->replica);
    if (store_dirty(loop->store)) {
        const uint64_t start_us = monotonic_us();
        store_commit(loop->store);
        time_histogram_add(&loop->store_syncs, monotonic_us() - start_us);
    } else {
        store_commit(loop->store);
    }
    if (loop->clients_stale) {
        loop_links_clients(loop);
    }
    for (uint32_t i = 0; i < loop->key_count; i++) {
        struct loop_key *key = &loop->keys[i];
        if (!key->register_pending) {
            continue;
        }
        key->register_pending = false;
        const uint64_t start_us = monotonic_us();
        enum status status = register_write(key->register_file, &key->register_next);
        time_histogram_add(&loop->register_syncs, monotonic_us() - start_us);
        if (status != STATUS_OK) {
            (void)snprintf(ret_error, capacity,
                           "%s: the vote register cannot be written (%s): nothing signed in this "
                           "pass has left; repair the disk, then start again",
                           key->register_path, status_text(status));
            return status;
        }
    }
    loop_flush(loop);
    resume_links(loop);
    return STATUS_OK;
}

static bool tick_is_due(struct loop *loop)
{
    uint64_t now = loop_monotonic_ms();
    uint64_t deadline = replica_next_deadline(loop->replica);
    if (now < deadline) {
        loop->overdue_ms = 0;
        return false;
    }
    if (loop->overdue_ms == 0) {
        loop->overdue_ms = now;
    }
    if (inbox_has_urgent(loop->inbox) && now < loop->overdue_ms + TICK_LATE_MS) {
        return false;
    }
    loop->overdue_ms = 0;
    return true;
}

static enum status run(struct loop *loop, char *ret_error, size_t capacity)
{
    enum status status = STATUS_OK;
    while (!loop->stopping && status == STATUS_OK) {
        inbox_wait(loop->inbox, replica_next_deadline(loop->replica));
        update_time(loop);
        take_items(loop);
        if (tick_is_due(loop)) {
            replica_tick(loop->replica);
        }
        if (loop_monotonic_ms() >= loop->next_check_ms) {
            loop->next_check_ms = loop_monotonic_ms() + CHECK_INTERVAL_MS;
            status = check_space(loop, ret_error, capacity);
        }
        if (status == STATUS_OK) {
            status = end_pass(loop, ret_error, capacity);
        }
    }
    return status;
}

/* ---- Threads ---- */

static void verified(void *context, const struct verify_result *result)
{
    struct loop *loop = context;
    struct inbox_item item = {.kind = INBOX_VERIFIED, .result = *result};
    CHECK(inbox_put(loop->inbox, &item));
}

static void *wait_for_signal(void *argument)
{
    struct loop *loop = argument;
    int signal_number;
    if (sigwait(&loop->signals, &signal_number) == 0) {
        struct inbox_item item = {.kind = INBOX_STOP};
        CHECK(inbox_put(loop->inbox, &item));
    }
    return NULL;
}

/* Signals are taken by one thread; all others, nng's too, inherit the mask. */
static void start_signal_thread(struct loop *loop)
{
    CHECK(sigemptyset(&loop->signals) == 0);
    CHECK(sigaddset(&loop->signals, SIGTERM) == 0);
    CHECK(sigaddset(&loop->signals, SIGINT) == 0);
    CHECK(pthread_sigmask(SIG_BLOCK, &loop->signals, NULL) == 0);
    CHECK(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    CHECK(pthread_create(&loop->signal_thread, NULL, wait_for_signal, loop) == 0);
    loop->signal_thread_started = true;
}

static void store_failed(void *context, enum status status, const char *what)
{
    const struct loop *loop = context;
    log_write(LOG_LEVEL_ERROR, "storage_failure", "home=%s what=\"%s\" status=%s",
              loop->config->home, what, status_name(status));
    _exit(3);
}

/* ---- Opening ---- */

static enum status open_genesis(struct loop *loop, char *ret_error, size_t capacity)
{
    struct validator_set set;
    enum status status =
        lineage_file_read(loop->config->genesis_path, &loop->documents, ret_error, capacity);
    if (status != STATUS_OK) {
        return status;
    }
    const struct incarnation *newest = lineage_newest(&loop->documents.lineage);
    loop->genesis = newest->genesis;
    loop->chain_id = newest->chain_id;
    loop->epoch_first = incarnation_first_epoch(newest);
    status = genesis_validator_set(loop->genesis, loop->epoch_first, &set);
    if (status != STATUS_OK) {
        (void)snprintf(ret_error, capacity, "%s: the validators' keys are not pairwise distinct",
                       loop->config->genesis_path);
        return status;
    }
    return STATUS_OK;
}

static enum status open_replica(struct loop *loop, char *ret_error, size_t capacity)
{
    char why[1024] = "";
    struct store_options options = {.map_bytes = loop->config->map_bytes};
    enum status status =
        store_open(loop->config->home, &options, &loop->store, ret_error, capacity);
    if (status != STATUS_OK) {
        return status;
    }
    store_on_failure(loop->store, store_failed, loop);
    status = trying_open(loop->config->home, &loop->trying);
    if (status != STATUS_OK) {
        (void)snprintf(ret_error, capacity, "%s/trying: cannot be opened for writing",
                       loop->config->home);
        return status;
    }
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    unsigned threads = loop->config->verify_threads;
    if (threads == 0) {
        threads = processors < 1 ? 1 : processors > 16 ? 16 : (unsigned)processors;
    }
    loop->verify = verify_pool_new(threads, verified, loop);
    struct node_io io = loop_node_io(loop);
    struct replica_config config = {.lineage = &loop->documents.lineage,
                                    .key_count = loop->key_count,
                                    .transport_key = loop->transport->public_key,
                                    .observers = loop->config->observers,
                                    .observer_count = loop->config->observer_count,
                                    .pool_bytes = loop->config->pool_bytes,
                                    .crashed_batches = loop->trying.crashed,
                                    .crashed_count = loop->trying.crashed_count};
    randombytes_buf(config.hash_key, sizeof config.hash_key);
    struct vote_register registers[REPLICA_KEYS_MAX];
    for (uint32_t i = 0; i < loop->key_count; i++) {
        registers[i] = loop_keys_register(loop, &loop->keys[i]);
        config.keys[i] = (struct replica_key){.key = *signing_key_public(loop->keys[i].signing_key),
                                              .vote_register = &registers[i]};
    }
    status = replica_open(&io, &config, loop_now_ms(), loop_monotonic_ms(), &loop->replica, why,
                          sizeof why);
    if (status != STATUS_OK) {
        (void)snprintf(ret_error, capacity, "%s/chain: %s", loop->config->home, why);
    }
    return status;
}

static enum status open_all(struct loop *loop, char *ret_error, size_t capacity)
{
    enum status status = open_genesis(loop, ret_error, capacity);
    if (status == STATUS_OK) {
        status = loop_keys_open(loop, ret_error, capacity);
    }
    if (status == STATUS_OK) {
        status = loop_keys_open_registers(loop, ret_error, capacity);
    }
    if (status == STATUS_OK) {
        loop->inbox = inbox_new(); /* the signal thread may put into it from now on */
        start_signal_thread(loop);
        status = open_replica(loop, ret_error, capacity);
    }
    if (status == STATUS_OK) {
        status = loop_keys_check(loop, ret_error, capacity);
    }
    if (status == STATUS_OK) {
        status = loop_keys_bind(loop, ret_error, capacity);
    }
    return status == STATUS_OK ? loop_links_open(loop, ret_error, capacity) : status;
}

static void close_all(struct loop *loop)
{
    links_close(loop->links);
    verify_pool_free(loop->verify);
    loop_drop_outbox(loop);
    replica_free(loop->replica);
    if (loop->signal_thread_started) {
        if (!loop->stopping) {
            CHECK(pthread_cancel(loop->signal_thread) == 0);
        }
        CHECK(pthread_join(loop->signal_thread, NULL) == 0);
    }
    inbox_free(loop->inbox);
    if (loop->store != NULL) {
        store_close(loop->store);
    }
    trying_close(&loop->trying);
    for (uint32_t i = 0; i < REPLICA_KEYS_MAX; i++) {
        register_close(loop->keys[i].register_file);
        signing_key_free(loop->keys[i].signing_key);
    }
    transport_pair_free(loop->transport);
    lineage_file_free(&loop->documents);
    free(loop->clients);
    CHECK(pthread_mutex_destroy(&loop->allowed_mutex) == 0);
}

enum status loop_run(const struct config *config, char *ret_error, size_t capacity)
{
    struct loop *loop = calloc(1, sizeof *loop);
    memory_check(loop != NULL);
    loop->config = config;
    loop->trying.file = -1;
    CHECK(pthread_mutex_init(&loop->allowed_mutex, NULL) == 0);
    peers_init(&loop->peers);
    peers_init(&loop->allowed);
    enum status status = open_all(loop, ret_error, capacity);
    if (status == STATUS_OK) {
        char hex[2 * HASH_BYTES + 1];
        bytes_to_hex(loop->chain_id.bytes, HASH_BYTES, hex);
        const struct validator_set *set = replica_validators(loop->replica);
        log_write(LOG_LEVEL_INFO, "started",
                  "network=%s chain=%s incarnation=%u epoch=%" PRIu64 " validators=%u tolerates=%u",
                  loop->genesis->network, hex, loop->genesis->incarnation, set->epoch, set->count,
                  set->faulty_max);
        if (set->faulty_max == 0) {
            log_write(LOG_LEVEL_WARN, "no_fault_tolerance",
                      "why=\"fewer than four validators: a test network only\"");
        }
        /* What opening wrote is the first pass. */
        status = end_pass(loop, ret_error, capacity);
    }
    if (status == STATUS_OK) {
        status = run(loop, ret_error, capacity);
        log_write(LOG_LEVEL_INFO, "stopped", "status=%s", status_name(status));
    }
    close_all(loop);
    free(loop);
    return status;
}
