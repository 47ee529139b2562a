/* link_probe: see link_probe.h. */
#include "tests/support/link_probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bytes.h"
#include "base/check.h"

static void probe_lock(struct probe *probe)
{
    CHECK(pthread_mutex_lock(&probe->mutex) == 0);
}

static void probe_unlock(struct probe *probe)
{
    CHECK(pthread_cond_broadcast(&probe->changed) == 0);
    CHECK(pthread_mutex_unlock(&probe->mutex) == 0);
}

static struct timespec patience(long milliseconds)
{
    struct timespec until;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &until) == 0);
    until.tv_sec += milliseconds / 1000;
    until.tv_nsec += milliseconds % 1000 * 1000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_sec++;
        until.tv_nsec -= 1000000000;
    }
    return until;
}

/* ---- Callbacks: on the links' threads, so they only record; the test's thread asserts ---- */

static bool on_allow(void *context, const struct transport_key *key,
                     struct link_identity *ret_identity)
{
    const struct probe *probe = context;
    for (uint32_t i = 0; i < probe->config.validator_count; i++) {
        if (memcmp(key, &probe->validators[i].key, sizeof *key) == 0) {
            ret_identity->kind = LINK_VALIDATOR;
            ret_identity->validator = i;
            return true;
        }
    }
    for (uint32_t i = 0; i < probe->participant_count; i++) {
        if (memcmp(key, &probe->participants[i], sizeof *key) == 0) {
            ret_identity->kind = LINK_CLIENT;
            ret_identity->participant = i;
            return true;
        }
    }
    return false;
}

static struct probe_link *find_link(struct probe *probe, uint64_t id)
{
    for (uint32_t i = 0; i < probe->link_count; i++) {
        if (probe->entries[i].id == id) {
            return &probe->entries[i];
        }
    }
    return NULL;
}

static void on_up(void *context, uint64_t id, const struct link_identity *identity)
{
    struct probe *probe = context;
    probe_lock(probe);
    for (uint32_t i = 0; i < probe->link_count; i++) {
        const struct probe_link *link = &probe->entries[i];
        bool same = identity->kind == LINK_VALIDATOR && link->identity.kind == LINK_VALIDATOR &&
                    link->identity.validator == identity->validator;
        probe->order_broken |= link->id == id || (same && !link->down);
    }
    CHECK(probe->link_count < PROBE_LINKS_MAX);
    probe->entries[probe->link_count++] = (struct probe_link){.id = id, .identity = *identity};
    probe_unlock(probe);
}

static void on_down(void *context, uint64_t id, const struct link_identity *identity,
                    enum link_reason reason)
{
    struct probe *probe = context;
    probe_lock(probe);
    struct probe_link *link = find_link(probe, id);
    probe->order_broken |=
        link == NULL || link->down || memcmp(&link->identity, identity, sizeof *identity) != 0;
    if (link != NULL) {
        link->down = true;
        link->reason = reason;
    }
    probe->down_count++;
    probe_unlock(probe);
}

static bool on_frame(void *context, uint64_t id, const struct link_identity *identity,
                     enum link_class class, uint8_t *frame, size_t length)
{
    struct probe *probe = context;
    (void)identity;
    probe_lock(probe);
    struct probe_link *link = find_link(probe, id);
    probe->order_broken |= link == NULL || link->down;
    bool take = !probe->refuse;
    if (!take) {
        probe->refused++;
        probe_unlock(probe);
        return false;
    }
    uint32_t number = length >= 4 ? get_le32(frame) : frame[0];
    probe_unlock(probe);
    /* Comparing a large frame takes a while: not under the mutex. */
    uint8_t *expected = malloc(length);
    CHECK(expected != NULL);
    probe_fill(expected, length, number);
    CHECK(memcmp(expected, frame, length) == 0);
    free(expected);
    free(frame);
    probe_lock(probe);
    CHECK(probe->frame_count < PROBE_FRAMES_MAX);
    probe->frames[probe->frame_count++] = (struct probe_frame){id, class, length, number};
    probe_unlock(probe);
    return true;
}

static void on_room(void *context, uint64_t id, enum link_class class)
{
    struct probe *probe = context;
    (void)id;
    (void)class;
    probe_lock(probe);
    probe->rooms++;
    probe_unlock(probe);
}

static void on_dial_failed(void *context, uint32_t validator, enum link_reason reason)
{
    struct probe *probe = context;
    (void)validator;
    probe_lock(probe);
    probe->dial_failures++;
    probe->dial_reason = reason;
    probe_unlock(probe);
}

/* ---- Opening ---- */

void probe_init(struct probe *ret_probe, const struct noise_key_pair *key)
{
    struct probe *probe = ret_probe;
    memset(probe, 0, sizeof *probe);
    pthread_condattr_t attributes;
    CHECK(pthread_mutex_init(&probe->mutex, NULL) == 0);
    CHECK(pthread_condattr_init(&attributes) == 0);
    CHECK(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    CHECK(pthread_cond_init(&probe->changed, &attributes) == 0);
    CHECK(pthread_condattr_destroy(&attributes) == 0);
    probe->key = *key;
    links_config_init(&probe->config);
    probe->config.url = "tcp://127.0.0.1:0";
    probe->config.own_key = *key;
    probe->config.prologue_length = 11;
    memcpy(probe->config.prologue, "hefu/1chain", 11);
    probe->config.limits.address_burst = 100000;
    probe->config.limits.redial_ms_min = 10;
    probe->config.limits.redial_ms_max = 100;
    probe->config.limits.handshake_ms_max = 20000;
    probe->config.limits.ping_interval_ms = 200;
    probe->config.limits.pings_missed_max = 100;
    probe->config.limits.frame_stall_ms_max = 20000;
    probe->config.validators = probe->validators;
}

void probe_open(struct probe *probe)
{
    const struct links_callbacks callbacks = {
        .context = probe,
        .allow = on_allow,
        .up = on_up,
        .down = on_down,
        .frame = on_frame,
        .room = on_room,
        .dial_failed = on_dial_failed,
    };
    assert_int_equal(links_open(&probe->config, &callbacks, &probe->links), STATUS_OK);
    (void)snprintf(probe->url, sizeof probe->url, "tcp://127.0.0.1:%u", links_port(probe->links));
}

void probe_close(struct probe *probe)
{
    links_close(probe->links);
    probe->links = NULL;
    /* Nothing calls back any more, so no lock is needed. */
    assert_int_equal(probe->link_count, probe->down_count);
    assert_false(probe->order_broken);
    CHECK(pthread_cond_destroy(&probe->changed) == 0);
    CHECK(pthread_mutex_destroy(&probe->mutex) == 0);
}

static int larger_first(const void *a, const void *b)
{
    const struct noise_key_pair *left = a;
    const struct noise_key_pair *right = b;
    return memcmp(right->public_key.bytes, left->public_key.bytes, NOISE_KEY_BYTES);
}

void probes_open_mesh(struct probe *probes, uint32_t count)
{
    struct noise_key_pair keys[8];
    CHECK(count <= 8);
    for (uint32_t i = 0; i < count; i++) {
        noise_key_pair_generate(&keys[i]);
    }
    /* The smaller key dials: whoever comes later knows the ports of those that it dials. */
    qsort(keys, count, sizeof keys[0], larger_first);
    for (uint32_t i = 0; i < count; i++) {
        probe_init(&probes[i], &keys[i]);
        probes[i].config.validator_count = count;
        probes[i].config.own_index = (int32_t)i;
        for (uint32_t j = 0; j < count; j++) {
            probes[i].validators[j].key = keys[j].public_key;
            probes[i].validators[j].url = j < i ? probes[j].url : "tcp://127.0.0.1:1";
        }
        probe_open(&probes[i]);
    }
}

/* ---- Waiting ---- */

void probe_wait(struct probe *probe, probe_condition condition, uint64_t argument, const char *what)
{
    struct timespec until = patience(PROBE_PATIENCE_MS);
    int result = 0;
    CHECK(pthread_mutex_lock(&probe->mutex) == 0);
    while (!condition(probe, argument) && result == 0) {
        result = pthread_cond_timedwait(&probe->changed, &probe->mutex, &until);
    }
    CHECK(pthread_mutex_unlock(&probe->mutex) == 0);
    if (result != 0) {
        fail_msg("waited in vain for %s (%llu)", what, (unsigned long long)argument);
    }
}

static bool has_links(const struct probe *probe, uint64_t count)
{
    return probe->link_count >= count;
}

static bool has_downs(const struct probe *probe, uint64_t count)
{
    return probe->down_count >= count;
}

static bool has_frames(const struct probe *probe, uint64_t count)
{
    return probe->frame_count >= count;
}

static bool has_refused(const struct probe *probe, uint64_t count)
{
    return probe->refused >= count;
}

void probe_wait_links(struct probe *probe, uint32_t count)
{
    probe_wait(probe, has_links, count, "links");
}

void probe_wait_downs(struct probe *probe, uint32_t count)
{
    probe_wait(probe, has_downs, count, "ended links");
}

void probe_wait_frames(struct probe *probe, uint32_t count)
{
    probe_wait(probe, has_frames, count, "frames");
}

void probe_wait_refused(struct probe *probe, uint32_t count)
{
    probe_wait(probe, has_refused, count, "refused frames");
}

uint64_t probe_ended(const struct probe *probe, enum link_reason reason)
{
    struct link_counters counters;
    links_counters(probe->links, &counters);
    return counters.ended[reason];
}

void probe_tick(struct probe *probe)
{
    struct timespec until = patience(5);
    CHECK(pthread_mutex_lock(&probe->mutex) == 0);
    (void)pthread_cond_timedwait(&probe->changed, &probe->mutex, &until);
    CHECK(pthread_mutex_unlock(&probe->mutex) == 0);
}

void probe_wait_ended(struct probe *probe, enum link_reason reason, uint64_t count)
{
    for (int i = 0; i < PROBE_PATIENCE_MS / 5 && probe_ended(probe, reason) < count; i++) {
        probe_tick(probe);
    }
    if (probe_ended(probe, reason) < count) {
        fail_msg("waited in vain for ended[%s] = %llu", link_reason_name(reason),
                 (unsigned long long)count);
    }
}

uint64_t probe_link_to(struct probe *probe, uint32_t validator)
{
    uint64_t id = 0;
    probe_lock(probe);
    for (uint32_t i = 0; i < probe->link_count; i++) {
        const struct probe_link *link = &probe->entries[i];
        if (!link->down && link->identity.kind == LINK_VALIDATOR &&
            link->identity.validator == validator) {
            id = link->id;
        }
    }
    probe_unlock(probe);
    return id;
}

void probe_refuse(struct probe *probe, bool refuse)
{
    probe_lock(probe);
    probe->refuse = refuse;
    probe_unlock(probe);
}

/* ---- Frames ---- */

void probe_fill(uint8_t *frame, size_t length, uint32_t number)
{
    uint64_t state = number * 0x9e3779b97f4a7c15ull + length;
    size_t i = 0;
    for (; i + 8 <= length; i += 8) {
        state = state * 6364136223846793005ull + 1442695040888963407ull;
        put_le64(frame + i, state);
    }
    for (; i < length; i++) {
        frame[i] = (uint8_t)(state >> (8 * (i % 8)));
    }
    if (length >= 4) {
        put_le32(frame, number);
    } else {
        memset(frame, (int)(number & 0xff), length);
    }
}

enum status probe_send(struct probe *probe, uint64_t id, enum link_class class, size_t length,
                       uint32_t number)
{
    uint8_t *frame = malloc(length);
    CHECK(frame != NULL);
    probe_fill(frame, length, number);
    enum status status = links_send(probe->links, id, class, frame, length);
    free(frame);
    return status;
}

static bool has_rooms(const struct probe *probe, uint64_t count)
{
    return probe->rooms >= count;
}

void probe_send_all(struct probe *probe, uint64_t id, enum link_class class, size_t length,
                    uint32_t number)
{
    for (;;) {
        probe_lock(probe);
        uint32_t rooms = probe->rooms;
        probe_unlock(probe);
        enum status status = probe_send(probe, id, class, length, number);
        if (status != STATUS_BUSY) {
            assert_int_equal(status, STATUS_OK);
            return;
        }
        probe_wait(probe, has_rooms, rooms + 1, "room in a queue");
    }
}

/* ---- The raw peer ---- */

int raw_connect(uint16_t port)
{
    return raw_connect_from(port, 1);
}

int raw_connect_from(uint16_t port, uint8_t source)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    struct timeval limit = {PROBE_PATIENCE_MS / 1000, 0};
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit), 0);
    struct sockaddr_in address = {.sin_family = AF_INET};
    address.sin_addr.s_addr = htonl((INADDR_LOOPBACK & ~0xffu) + source);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
    return fd;
}

int raw_listen(char *ret_url, size_t capacity)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t length = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 8), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &length), 0);
    (void)snprintf(ret_url, capacity, "tcp://127.0.0.1:%u", ntohs(address.sin_port));
    return fd;
}

void raw_send(int fd, const void *bytes, size_t length)
{
    size_t sent = 0;
    while (sent < length) {
        ssize_t count = send(fd, (const uint8_t *)bytes + sent, length - sent, MSG_NOSIGNAL);
        assert_true(count > 0);
        sent += (size_t)count;
    }
}

size_t raw_receive(int fd, void *ret_bytes, size_t length)
{
    size_t have = 0;
    while (have < length) {
        ssize_t count = recv(fd, (uint8_t *)ret_bytes + have, length - have, 0);
        /* A reset is an end too; running out of patience is not. */
        assert_true(count >= 0 || errno == ECONNRESET);
        if (count <= 0) {
            break;
        }
        have += (size_t)count;
    }
    return have;
}

void raw_handshake(int fd, const struct noise_key_pair *own, const struct transport_key *server,
                   const uint8_t *prologue, size_t prologue_length, struct noise_flow *ret_out,
                   struct noise_flow *ret_in)
{
    struct noise_handshake handshake;
    uint8_t act[NOISE_ACT_3_BYTES];
    uint8_t payload[NOISE_ACT_3_BYTES];
    size_t length = 0;
    noise_handshake_init(&handshake, NOISE_INITIATOR, own, server, prologue, prologue_length);
    assert_int_equal(noise_write_act(&handshake, NULL, 0, act, sizeof act, &length), STATUS_OK);
    raw_send(fd, act, length);
    assert_int_equal(raw_receive(fd, act, NOISE_ACT_2_BYTES), NOISE_ACT_2_BYTES);
    assert_int_equal(noise_read_act(&handshake, act, NOISE_ACT_2_BYTES, payload, &length),
                     STATUS_OK);
    assert_int_equal(noise_write_act(&handshake, NULL, 0, act, sizeof act, &length), STATUS_OK);
    raw_send(fd, act, length);
    noise_handshake_split(&handshake, ret_out, ret_in);
}

void raw_send_message(int fd, struct noise_flow *flow, const uint8_t *body, size_t length)
{
    uint8_t *message = malloc(NOISE_SEALED_BYTES_MAX);
    CHECK(message != NULL);
    memcpy(message + NOISE_HEADER_BYTES, body, length);
    assert_int_equal(noise_seal(flow, message, length), STATUS_OK);
    raw_send(fd, message, length + NOISE_OVERHEAD_BYTES);
    free(message);
}
