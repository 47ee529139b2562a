/*
 * Links between validators, over real sockets on loopback (node/link.h): exchange, replacement,
 * redialling, back-pressure, and closing during traffic.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/check.h"
#include "node/link.h"
#include "node/link_frame.h"
#include "tests/support/link_probe.h"

#define MIB (1u << 20)

/* One validator alone, to be connected to by hand. */
static void open_server(struct probe *server)
{
    struct noise_key_pair key;
    noise_key_pair_generate(&key);
    probe_init(server, &key);
}

/* ---- Exchange ---- */

static void test_exchange(void **state)
{
    (void)state;
    static const size_t lengths[] = {1, 4, 1000, 65514, 65515, 70000, 1310720, LIMIT_FRAME_BYTES};
    const uint32_t length_count = sizeof lengths / sizeof *lengths;
    enum { NODES = 4 };
    static struct probe nodes[NODES];
    probes_open_mesh(nodes, NODES);
    for (uint32_t i = 0; i < NODES; i++) {
        probe_wait_links(&nodes[i], NODES - 1);
    }
    for (uint32_t i = 0; i < NODES; i++) {
        for (uint32_t j = 0; j < NODES; j++) {
            for (uint32_t k = 0; i != j && k < length_count; k++) {
                enum link_class class = k < 3 ? LINK_VOTE : (enum link_class)(k % 4 + 1);
                assert_int_equal(
                    probe_send(&nodes[i], probe_link_to(&nodes[i], j), class, lengths[k], k),
                    STATUS_OK);
            }
        }
    }
    for (uint32_t i = 0; i < NODES; i++) {
        probe_wait_frames(&nodes[i], (NODES - 1) * length_count);
    }
    struct link_counters counters = {0};
    while (counters.frames_in < (NODES - 1) * length_count) {
        probe_tick(&nodes[0]); /* counted once frame() has returned */
        links_counters(nodes[0].links, &counters);
    }
    assert_int_equal(counters.frames_in, (NODES - 1) * length_count);
    assert_int_equal(counters.established, NODES - 1);
    assert_int_equal(counters.validators[0].links, 0);
    assert_int_equal(counters.validators[1].links, 1);
    assert_true(counters.validators[1].bytes_in > LIMIT_FRAME_BYTES);
    for (uint32_t i = 0; i < NODES; i++) {
        probe_close(&nodes[i]);
    }
}

/* One buffer to three peers is one buffer, and comes back to one reference. */
static void test_shared_buffer(void **state)
{
    (void)state;
    enum { NODES = 4 };
    static struct probe nodes[NODES];
    probes_open_mesh(nodes, NODES);
    probe_wait_links(&nodes[0], NODES - 1);
    struct link_buffer *buffer = link_buffer_new(1310720);
    assert_non_null(buffer);
    probe_fill(buffer->bytes, buffer->length, 9);
    for (uint32_t i = 1; i < NODES; i++) {
        assert_int_equal(
            links_send_buffer(nodes[0].links, probe_link_to(&nodes[0], i), LINK_BATCH, buffer),
            STATUS_OK);
    }
    for (uint32_t i = 1; i < NODES; i++) {
        probe_wait_frames(&nodes[i], 1);
        assert_int_equal(nodes[i].frames[0].number, 9);
        assert_int_equal(nodes[i].frames[0].class, LINK_BATCH);
    }
    for (uint32_t i = 0; i < NODES; i++) {
        probe_close(&nodes[i]);
    }
    assert_int_equal(atomic_load(&buffer->references), 1);
    link_buffer_unref(buffer);
}

/* Frames of one class keep their order, whatever else is sent. */
static void test_order(void **state)
{
    (void)state;
    static struct probe nodes[2];
    probes_open_mesh(nodes, 2);
    probe_wait_links(&nodes[1], 1);
    uint64_t id = probe_link_to(&nodes[1], 0);
    for (uint32_t i = 0; i < 2000; i++) {
        probe_send_all(&nodes[1], id, LINK_VOTE, 100 + i % 300, i);
        if (i % 100 == 0) {
            probe_send_all(&nodes[1], id, LINK_BATCH, MIB, i);
        }
    }
    probe_wait_frames(&nodes[0], 2020);
    uint32_t next_vote = 0;
    uint32_t next_batch = 0;
    for (uint32_t i = 0; i < nodes[0].frame_count; i++) {
        const struct probe_frame *frame = &nodes[0].frames[i];
        if (frame->class == LINK_VOTE) {
            assert_int_equal(frame->number, next_vote++);
        } else {
            assert_int_equal(frame->number, next_batch);
            next_batch += 100;
        }
    }
    probe_close(&nodes[0]);
    probe_close(&nodes[1]);
}

static void test_unknown_link(void **state)
{
    (void)state;
    static struct probe server;
    open_server(&server);
    probe_open(&server);
    assert_int_equal(probe_send(&server, 0, LINK_VOTE, 10, 1), STATUS_NOT_FOUND);
    assert_int_equal(probe_send(&server, UINT64_MAX, LINK_VOTE, 10, 1), STATUS_NOT_FOUND);
    uint8_t byte = 0;
    assert_int_equal(links_send(server.links, 1, LINK_BATCH, &byte, LIMIT_FRAME_BYTES + 1ull),
                     STATUS_OVERSIZED);
    links_drop(server.links, 77);
    links_resume(server.links, 77);
    probe_close(&server);
}

static void test_bad_urls(void **state)
{
    (void)state;
    static struct probe probe;
    struct links_callbacks callbacks = {0};
    struct links *links = NULL;
    open_server(&probe);
    static const char *const bad[] = {"", "tcp", "nonsense://127.0.0.1:1", "tcp://127.0.0.1:x"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        probe.config.url = bad[i];
        enum status status = links_open(&probe.config, &callbacks, &links);
        assert_true(status == STATUS_MALFORMED || status == STATUS_UNREACHABLE);
        assert_null(links);
    }
    probe.config.url = "tcp://127.0.0.1:0";
    probe_open(&probe);
    struct probe other;
    probe_init(&other, &probe.key);
    other.config.url = probe.url;
    assert_int_equal(links_open(&other.config, &callbacks, &links), STATUS_UNREACHABLE);
    probe_close(&probe);
}

/* ---- Replacing, redialling, dropping ---- */

/* A second process with the same key takes the place of the first. */
static void test_replaced(void **state)
{
    (void)state;
    static struct probe nodes[2];
    static struct probe twin;
    probes_open_mesh(nodes, 2);
    probe_wait_links(&nodes[0], 1);
    probe_wait_links(&nodes[1], 1);
    probe_init(&twin, &nodes[1].key);
    memcpy(twin.validators, nodes[1].validators, sizeof twin.validators);
    twin.config.validator_count = 2;
    twin.config.own_index = 1;
    twin.config.dial_once = true;
    /* The first must not come back at once, or the two would take turns. */
    nodes[1].config.dial_once = true;
    probe_open(&twin);
    probe_wait_links(&twin, 1);
    probe_wait_links(&nodes[0], 2);
    probe_wait_downs(&nodes[0], 1);
    assert_int_equal(nodes[0].entries[0].reason, LINK_ENDED_REPLACED);
    probe_wait_downs(&nodes[1], 1);
    probe_close(&twin);
    probe_close(&nodes[1]);
    probe_close(&nodes[0]);
}

static void test_redial(void **state)
{
    (void)state;
    static struct probe nodes[2];
    probes_open_mesh(nodes, 2);
    probe_wait_links(&nodes[1], 1);
    for (uint32_t i = 1; i <= 3; i++) {
        char url[sizeof nodes[0].url];
        struct noise_key_pair key = nodes[0].key;
        struct links_config config = nodes[0].config;
        struct link_validator validators[2] = {nodes[0].validators[0], nodes[0].validators[1]};
        memcpy(url, nodes[0].url, sizeof url);
        probe_close(&nodes[0]);
        probe_wait_downs(&nodes[1], i);
        assert_int_equal(nodes[1].entries[i - 1].reason, LINK_ENDED_PEER_CLOSED);
        probe_init(&nodes[0], &key);
        memcpy(nodes[0].validators, validators, sizeof validators);
        nodes[0].config.own_index = config.own_index;
        nodes[0].config.validator_count = 2;
        nodes[0].config.url = url;
        probe_open(&nodes[0]);
        probe_wait_links(&nodes[1], i + 1);
        assert_int_equal(probe_send(&nodes[1], probe_link_to(&nodes[1], 0), LINK_VOTE, 50, i),
                         STATUS_OK);
        probe_wait_frames(&nodes[0], 1);
        nodes[0].config.url = "tcp://127.0.0.1:0";
    }
    probe_close(&nodes[1]);
    probe_close(&nodes[0]);
}

static bool has_dial_failures(const struct probe *probe, uint64_t count)
{
    return probe->dial_failures >= count;
}

static void test_nobody_there(void **state)
{
    (void)state;
    static struct probe nodes[2];
    static struct probe alone;
    probes_open_mesh(nodes, 2);
    probe_close(&nodes[0]); /* its port is free again */
    probe_close(&nodes[1]);
    probe_init(&alone, &nodes[1].key);
    memcpy(alone.validators, nodes[1].validators, sizeof alone.validators);
    alone.config.validator_count = 2;
    alone.config.own_index = 1;
    probe_open(&alone);
    probe_wait(&alone, has_dial_failures, 3, "failed dials");
    assert_int_equal(alone.dial_reason, LINK_ENDED_UNREACHABLE);
    probe_close(&alone);
}

static void test_drop(void **state)
{
    (void)state;
    static struct probe nodes[2];
    probes_open_mesh(nodes, 2);
    probe_wait_links(&nodes[0], 1);
    probe_wait_links(&nodes[1], 1);
    uint64_t id = probe_link_to(&nodes[0], 1);
    links_drop(nodes[0].links, id);
    probe_wait_downs(&nodes[0], 1);
    probe_wait_downs(&nodes[1], 1);
    assert_int_equal(nodes[0].entries[0].reason, LINK_ENDED_LOCAL);
    assert_int_equal(nodes[1].entries[0].reason, LINK_ENDED_PEER_CLOSED);
    assert_int_equal(probe_send(&nodes[0], id, LINK_VOTE, 10, 1), STATUS_NOT_FOUND);
    probe_wait_links(&nodes[0], 2); /* redialled, with another id */
    assert_true(probe_link_to(&nodes[0], 1) != id);
    probe_close(&nodes[0]);
    probe_close(&nodes[1]);
}

/* Pings keep an idle link up. */
static void test_idle_link_lives(void **state)
{
    (void)state;
    static struct probe nodes[2];
    probes_open_mesh(nodes, 2);
    probe_close(&nodes[1]);
    probe_close(&nodes[0]);
    struct noise_key_pair keys[2] = {nodes[0].key, nodes[1].key};
    for (uint32_t i = 0; i < 2; i++) {
        struct link_validator validators[2] = {nodes[i].validators[0], nodes[i].validators[1]};
        probe_init(&nodes[i], &keys[i]);
        memcpy(nodes[i].validators, validators, sizeof validators);
        nodes[i].validators[0].url = nodes[0].url;
        nodes[i].config.validator_count = 2;
        nodes[i].config.own_index = (int32_t)i;
        nodes[i].config.limits.ping_interval_ms = 100;
        nodes[i].config.limits.pings_missed_max = 10;
        probe_open(&nodes[i]);
    }
    probe_wait_links(&nodes[0], 1);
    /* Some twenty pings, well past the ten that may be missed. */
    struct link_counters counters = {0};
    while (counters.validators[1].bytes_in < 20ull * (NOISE_OVERHEAD_BYTES + LINK_PIECE_BYTES)) {
        assert_int_equal(nodes[0].down_count, 0);
        probe_tick(&nodes[0]);
        links_counters(nodes[0].links, &counters);
    }
    assert_int_equal(counters.established, 1);
    probe_close(&nodes[1]);
    probe_close(&nodes[0]);
}

/* ---- Back-pressure ---- */

static void test_back_pressure(void **state)
{
    (void)state;
    enum { FRAME_BYTES = MIB };
    static struct probe nodes[2];
    probes_open_mesh(nodes, 2);
    probe_wait_links(&nodes[1], 1);
    probe_wait_links(&nodes[0], 1);
    probe_refuse(&nodes[0], true);
    uint64_t id = probe_link_to(&nodes[1], 0);
    uint32_t sent = 0;
    while (probe_send(&nodes[1], id, LINK_BATCH, FRAME_BYTES, sent) == STATUS_OK) {
        sent++;
        assert_true(sent < 1000); /* the queue must fill up */
    }
    probe_wait_refused(&nodes[0], 1);
    assert_int_equal(nodes[0].frame_count, 0);
    struct link_counters counters;
    links_counters(nodes[1].links, &counters);
    assert_int_equal(counters.sends_busy, 1);
    probe_refuse(&nodes[0], false);
    links_resume(nodes[0].links, probe_link_to(&nodes[0], 1));
    probe_wait_frames(&nodes[0], sent);
    probe_send_all(&nodes[1], id, LINK_BATCH, FRAME_BYTES, sent);
    probe_wait_frames(&nodes[0], sent + 1);
    for (uint32_t i = 0; i <= sent; i++) {
        assert_int_equal(nodes[0].frames[i].number, i);
    }
    probe_close(&nodes[0]);
    probe_close(&nodes[1]);
}

/* Pausing and resuming many times loses nothing and keeps the order. */
static void test_pause_often(void **state)
{
    (void)state;
    enum { FRAMES = 500 };
    static struct probe nodes[2];
    probes_open_mesh(nodes, 2);
    probe_wait_links(&nodes[1], 1);
    probe_wait_links(&nodes[0], 1);
    uint64_t to = probe_link_to(&nodes[1], 0);
    uint64_t from = probe_link_to(&nodes[0], 1);
    for (uint32_t i = 0; i < FRAMES; i++) {
        uint32_t refused = 0;
        probe_refuse(&nodes[0], true);
        refused = nodes[0].refused;
        probe_send_all(&nodes[1], to, LINK_QUERY, 5000, i);
        if (i % 2 == 0) {
            probe_wait_refused(&nodes[0], refused + 1);
        }
        probe_refuse(&nodes[0], false);
        links_resume(nodes[0].links, from);
        probe_wait_frames(&nodes[0], i + 1);
    }
    for (uint32_t i = 0; i < FRAMES; i++) {
        assert_int_equal(nodes[0].frames[i].number, i);
    }
    probe_close(&nodes[0]);
    probe_close(&nodes[1]);
}

static void test_votes_full(void **state)
{
    (void)state;
    static struct probe nodes[2];
    probes_open_mesh(nodes, 2);
    probe_wait_links(&nodes[1], 1);
    probe_wait_links(&nodes[0], 1);
    probe_refuse(&nodes[0], true);
    uint64_t id = probe_link_to(&nodes[1], 0);
    enum status status = STATUS_OK;
    for (uint32_t i = 0; i < 1000 && status == STATUS_OK; i++) {
        status = probe_send(&nodes[1], id, LINK_VOTE, MIB / 4, i);
    }
    assert_int_equal(status, STATUS_CLOSED);
    probe_wait_downs(&nodes[1], 1);
    assert_int_equal(nodes[1].entries[0].reason, LINK_ENDED_VOTES_FULL);
    probe_refuse(&nodes[0], false);
    probe_wait_links(&nodes[1], 2);
    probe_close(&nodes[0]);
    probe_close(&nodes[1]);
}

/* ---- Closing ---- */

struct sender {
    struct probe *probe;
    uint32_t to;
    pthread_t thread;
    atomic_bool stop;
};

static void *send_until_stopped(void *argument)
{
    struct sender *sender = argument;
    uint8_t frame[100000] = {0};
    probe_fill(frame, sizeof frame, 1);
    while (!atomic_load(&sender->stop)) {
        uint64_t id = probe_link_to(sender->probe, sender->to);
        enum status status = links_send(sender->probe->links, id, LINK_BATCH, frame, sizeof frame);
        CHECK(status == STATUS_OK || status == STATUS_BUSY || status == STATUS_NOT_FOUND);
        status = links_send(sender->probe->links, id, LINK_CATCHUP, frame, sizeof frame);
        CHECK(status == STATUS_OK || status == STATUS_BUSY || status == STATUS_NOT_FOUND);
        links_resume(sender->probe->links, id);
    }
    return NULL;
}

static void sender_start(struct sender *sender, struct probe *probe, uint32_t to)
{
    sender->probe = probe;
    sender->to = to;
    atomic_init(&sender->stop, false);
    assert_int_equal(pthread_create(&sender->thread, NULL, send_until_stopped, sender), 0);
}

static void sender_stop(struct sender *sender)
{
    atomic_store(&sender->stop, true);
    assert_int_equal(pthread_join(sender->thread, NULL), 0);
}

static void test_close_during_traffic(void **state)
{
    (void)state;
    static struct probe nodes[2];
    for (uint32_t round = 0; round < 6; round++) {
        struct sender senders[2];
        probes_open_mesh(nodes, 2);
        probe_wait_links(&nodes[0], 1);
        probe_wait_links(&nodes[1], 1);
        sender_start(&senders[0], &nodes[0], 1);
        sender_start(&senders[1], &nodes[1], 0);
        probe_wait_frames(&nodes[0], 20);
        probe_wait_frames(&nodes[1], 20);
        if (round % 2 == 0) {
            links_drop(nodes[0].links, probe_link_to(&nodes[0], 1));
            probe_wait_links(&nodes[1], 2);
        }
        if (round % 3 == 0) {
            probe_refuse(&nodes[1], true); /* and while a side does not read */
            probe_wait_refused(&nodes[1], 1);
        }
        sender_stop(&senders[0]);
        probe_close(&nodes[0]);
        sender_stop(&senders[1]);
        probe_close(&nodes[1]);
    }
}

static void test_close_at_once(void **state)
{
    (void)state;
    static struct probe nodes[3];
    for (uint32_t round = 0; round < 10; round++) {
        probes_open_mesh(nodes, 3);
        for (uint32_t i = 0; i < 3; i++) {
            probe_close(&nodes[(i + round) % 3]);
        }
    }
}

static int setup(void **state)
{
    (void)state;
    return sodium_init() < 0 ? -1 : 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exchange),      cmocka_unit_test(test_shared_buffer),
        cmocka_unit_test(test_order),         cmocka_unit_test(test_unknown_link),
        cmocka_unit_test(test_bad_urls),      cmocka_unit_test(test_replaced),
        cmocka_unit_test(test_redial),        cmocka_unit_test(test_nobody_there),
        cmocka_unit_test(test_drop),          cmocka_unit_test(test_idle_link_lives),
        cmocka_unit_test(test_back_pressure), cmocka_unit_test(test_pause_often),
        cmocka_unit_test(test_votes_full),    cmocka_unit_test(test_close_during_traffic),
        cmocka_unit_test(test_close_at_once),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
