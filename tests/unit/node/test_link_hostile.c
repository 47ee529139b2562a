/*
 * What strangers and known peers that break the rules can do to a link (node/link.h): it closes, a
 * counter moves, nothing else happens. The other side is a raw socket.
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

/* Lets the server accept a participant with a fresh key. */
static void add_participant(struct probe *server, struct noise_key_pair *ret_key)
{
    noise_key_pair_generate(ret_key);
    server->participants[server->participant_count++] = ret_key->public_key;
}

static void handshake_with(const struct probe *server, int fd, const struct noise_key_pair *key,
                           struct noise_flow *ret_out, struct noise_flow *ret_in)
{
    raw_handshake(fd, key, &server->key.public_key, server->config.prologue,
                  server->config.prologue_length, ret_out, ret_in);
}

/* The server must close without having said a word. */
static void assert_closed_in_silence(int fd)
{
    uint8_t byte;
    assert_int_equal(raw_receive(fd, &byte, 1), 0);
    (void)close(fd);
}

/* ---- Strangers and garbage ---- */

static void test_stranger(void **state)
{
    (void)state;
    static struct probe server;
    struct noise_key_pair key;
    struct noise_flow out;
    struct noise_flow in;
    open_server(&server);
    probe_open(&server);
    noise_key_pair_generate(&key);
    int fd = raw_connect(links_port(server.links));
    handshake_with(&server, fd, &key, &out, &in);
    assert_closed_in_silence(fd);
    probe_wait_ended(&server, LINK_ENDED_STRANGER, 1);
    probe_close(&server);
    assert_int_equal(server.link_count, 0);
}

static void test_wrong_prologue(void **state)
{
    (void)state;
    static struct probe server;
    struct noise_key_pair key;
    struct link_client *client = NULL;
    open_server(&server);
    add_participant(&server, &key);
    probe_open(&server);
    enum status status =
        link_client_open(server.url, &key, &server.key.public_key, (const uint8_t *)"hefu/1other",
                         11, PROBE_PATIENCE_MS, &client);
    assert_int_equal(status, STATUS_DENIED);
    probe_wait_ended(&server, LINK_ENDED_HANDSHAKE_FORGED, 1);
    /* The wrong server key fails in the same act. */
    status = link_client_open(server.url, &key, &key.public_key, server.config.prologue,
                              server.config.prologue_length, PROBE_PATIENCE_MS, &client);
    assert_int_equal(status, STATUS_DENIED);
    probe_wait_ended(&server, LINK_ENDED_HANDSHAKE_FORGED, 2);
    assert_null(client);
    probe_close(&server);
}

static void test_garbage(void **state)
{
    (void)state;
    static struct probe server;
    open_server(&server);
    probe_open(&server);
    for (uint64_t i = 1; i <= 20; i++) {
        uint8_t garbage[1000];
        randombytes_buf(garbage, sizeof garbage);
        int fd = raw_connect(links_port(server.links));
        raw_send(fd, garbage, NOISE_ACT_1_BYTES + (size_t)randombytes_uniform(900));
        assert_closed_in_silence(fd);
        probe_wait_ended(&server, LINK_ENDED_HANDSHAKE_FORGED, i);
    }
    uint8_t zeros[NOISE_ACT_1_BYTES] = {0};
    int fd = raw_connect(links_port(server.links));
    raw_send(fd, zeros, sizeof zeros);
    assert_closed_in_silence(fd);
    probe_wait_ended(&server, LINK_ENDED_HANDSHAKE_WEAK_KEY, 1);
    fd = raw_connect(links_port(server.links));
    raw_send(fd, zeros, 20);
    (void)close(fd);
    probe_wait_ended(&server, LINK_ENDED_HANDSHAKE_LOST, 1);
    probe_close(&server);
    assert_int_equal(server.link_count, 0);
}

static void test_handshake_timeout(void **state)
{
    (void)state;
    static struct probe server;
    open_server(&server);
    server.config.limits.handshake_ms_max = 50;
    probe_open(&server);
    int fd = raw_connect(links_port(server.links));
    raw_send(fd, "slow", 4);
    assert_closed_in_silence(fd);
    probe_wait_ended(&server, LINK_ENDED_HANDSHAKE_TIMEOUT, 1);
    probe_close(&server);
}

static void test_half_open_limit(void **state)
{
    (void)state;
    static struct probe server;
    open_server(&server);
    server.config.limits.half_open_max = 2;
    probe_open(&server);
    int fds[3];
    for (size_t i = 0; i < 3; i++) {
        fds[i] = raw_connect(links_port(server.links));
    }
    assert_closed_in_silence(fds[0]); /* the one that has waited longest made place */
    probe_wait_ended(&server, LINK_ENDED_HALF_OPEN_FULL, 1);
    (void)close(fds[1]);
    (void)close(fds[2]);
    probe_wait_ended(&server, LINK_ENDED_HANDSHAKE_LOST, 2);
    probe_close(&server);
}

static void test_address_rate(void **state)
{
    (void)state;
    static struct probe server;
    open_server(&server);
    server.config.limits.address_burst = 3;
    server.config.limits.address_per_second = 0;
    probe_open(&server);
    int fds[4];
    for (size_t i = 0; i < 4; i++) {
        fds[i] = raw_connect(links_port(server.links));
    }
    assert_closed_in_silence(fds[3]);
    probe_wait_ended(&server, LINK_ENDED_ADDRESS_RATE, 1);
    /* Another address has a bucket of its own: its garbage gets as far as the handshake. */
    uint8_t garbage[NOISE_ACT_1_BYTES] = {9};
    int other = raw_connect_from(links_port(server.links), 2);
    raw_send(other, garbage, sizeof garbage);
    assert_closed_in_silence(other);
    probe_wait_ended(&server, LINK_ENDED_HANDSHAKE_FORGED, 1);
    for (size_t i = 0; i < 3; i++) {
        (void)close(fds[i]);
    }
    probe_close(&server);
}

/* A validator whose key is the larger one may call too: this one's address may be all that is known
   of the two. Its link takes the place of the old one, which is not dialled again meanwhile. */
static void test_larger_key_calls(void **state)
{
    (void)state;
    static struct probe nodes[2];
    struct noise_flow out;
    struct noise_flow in;
    probes_open_mesh(nodes, 2);
    probe_wait_links(&nodes[1], 1);
    int fd = raw_connect(links_port(nodes[1].links));
    handshake_with(&nodes[1], fd, &nodes[0].key, &out, &in);
    probe_wait_links(&nodes[1], 2);
    probe_wait_ended(&nodes[1], LINK_ENDED_REPLACED, 1);
    (void)close(fd);
    probe_close(&nodes[0]);
    probe_close(&nodes[1]);
}

static void test_links_per_client(void **state)
{
    (void)state;
    static struct probe server;
    struct noise_key_pair keys[2];
    struct noise_flow out[4];
    struct noise_flow in[4];
    int fds[4];
    open_server(&server);
    add_participant(&server, &keys[0]);
    add_participant(&server, &keys[1]);
    server.config.limits.links_per_client_max = 2;
    server.config.limits.client_links_max = 2;
    probe_open(&server);
    for (uint32_t i = 0; i < 3; i++) {
        fds[i] = raw_connect(links_port(server.links));
        handshake_with(&server, fds[i], &keys[0], &out[i], &in[i]);
        probe_wait_links(&server, i + 1);
    }
    assert_int_equal(server.entries[2].identity.kind, LINK_CLIENT);
    assert_int_equal(server.entries[2].identity.participant, 0);
    probe_wait_downs(&server, 1);
    assert_true(server.entries[0].down);
    assert_int_equal(server.entries[0].reason, LINK_ENDED_REPLACED);
    fds[3] = raw_connect(links_port(server.links));
    handshake_with(&server, fds[3], &keys[1], &out[3], &in[3]);
    assert_closed_in_silence(fds[3]);
    probe_wait_ended(&server, LINK_ENDED_CLIENTS_FULL, 1);
    for (size_t i = 0; i < 3; i++) {
        (void)close(fds[i]);
    }
    probe_close(&server);
}

/* ---- A known peer that breaks the rules ---- */

struct rogue {
    int fd;
    struct noise_flow out;
    struct noise_flow in;
};

/* A participant whose link is up; it has its own idea of what to send next. */
static void rogue_connect(struct probe *server, struct rogue *ret_rogue)
{
    struct noise_key_pair key;
    add_participant(server, &key);
    probe_open(server);
    ret_rogue->fd = raw_connect(links_port(server->links));
    handshake_with(server, ret_rogue->fd, &key, &ret_rogue->out, &ret_rogue->in);
    probe_wait_links(server, 1);
}

static void rogue_piece(struct rogue *rogue, uint8_t tag, uint32_t length, size_t bytes)
{
    uint8_t *body = calloc(1, LINK_PIECE_BYTES + bytes);
    CHECK(body != NULL);
    body[0] = tag;
    put_le32(body + 1, length);
    raw_send_message(rogue->fd, &rogue->out, body, LINK_PIECE_BYTES + bytes);
    free(body);
}

static void assert_ends(struct probe *server, struct rogue *rogue, enum link_reason reason)
{
    probe_wait_downs(server, 1);
    assert_int_equal(server->entries[0].reason, reason);
    assert_int_equal(probe_ended(server, reason), 1);
    assert_int_equal(server->frame_count, 0);
    (void)close(rogue->fd);
    probe_close(server);
}

static void test_oversized_frame(void **state)
{
    (void)state;
    static struct probe server;
    struct rogue rogue;
    open_server(&server);
    rogue_connect(&server, &rogue);
    uint32_t limit = server.config.limits.classes[LINK_CLIENT][LINK_BATCH].frame_bytes_max;
    rogue_piece(&rogue, LINK_BATCH, limit + 1, NOISE_BODY_BYTES_MAX - LINK_PIECE_BYTES);
    assert_ends(&server, &rogue, LINK_ENDED_BAD_FRAME);
}

static void test_refused_class(void **state)
{
    (void)state;
    static struct probe server;
    struct rogue rogue;
    open_server(&server);
    rogue_connect(&server, &rogue);
    rogue_piece(&rogue, LINK_VOTE, 8, 8); /* a participant has no vote */
    assert_ends(&server, &rogue, LINK_ENDED_BAD_FRAME);
}

static void test_forged_message(void **state)
{
    (void)state;
    static struct probe server;
    struct rogue rogue;
    uint8_t garbage[200];
    open_server(&server);
    rogue_connect(&server, &rogue);
    randombytes_buf(garbage, sizeof garbage);
    raw_send(rogue.fd, garbage, sizeof garbage);
    assert_ends(&server, &rogue, LINK_ENDED_FORGED);
}

static void test_partial_message(void **state)
{
    (void)state;
    static struct probe server;
    struct rogue rogue;
    open_server(&server);
    server.config.limits.frame_stall_ms_max = 50;
    rogue_connect(&server, &rogue);
    raw_send(rogue.fd, "tiny", 4);
    assert_ends(&server, &rogue, LINK_ENDED_STALLED);
}

/* Pings that go on do not excuse a frame that does not. */
static void test_partial_frame(void **state)
{
    (void)state;
    static struct probe server;
    struct rogue rogue;
    open_server(&server);
    server.config.limits.frame_stall_ms_max = 50;
    rogue_connect(&server, &rogue);
    rogue_piece(&rogue, LINK_BATCH, MIB, NOISE_BODY_BYTES_MAX - LINK_PIECE_BYTES);
    rogue_piece(&rogue, LINK_PING, 0, 0);
    assert_ends(&server, &rogue, LINK_ENDED_STALLED);
}

static void test_silence(void **state)
{
    (void)state;
    static struct probe server;
    struct rogue rogue;
    open_server(&server);
    server.config.limits.ping_interval_ms = 20;
    server.config.limits.pings_missed_max = 3;
    rogue_connect(&server, &rogue);
    assert_ends(&server, &rogue, LINK_ENDED_SILENT);
}

static void test_lost(void **state)
{
    (void)state;
    static struct probe server;
    struct rogue rogue;
    open_server(&server);
    rogue_connect(&server, &rogue);
    assert_int_equal(shutdown(rogue.fd, SHUT_WR), 0);
    assert_ends(&server, &rogue, LINK_ENDED_LOST); /* cut, as there was no close message */
}

static void test_closed_by_peer(void **state)
{
    (void)state;
    static struct probe server;
    struct rogue rogue;
    open_server(&server);
    rogue_connect(&server, &rogue);
    raw_send_message(rogue.fd, &rogue.out, (const uint8_t *)"", 0);
    assert_ends(&server, &rogue, LINK_ENDED_PEER_CLOSED);
}

static int setup(void **state)
{
    (void)state;
    return sodium_init() < 0 ? -1 : 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stranger),
        cmocka_unit_test(test_wrong_prologue),
        cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_handshake_timeout),
        cmocka_unit_test(test_half_open_limit),
        cmocka_unit_test(test_address_rate),
        cmocka_unit_test(test_larger_key_calls),
        cmocka_unit_test(test_links_per_client),
        cmocka_unit_test(test_oversized_frame),
        cmocka_unit_test(test_refused_class),
        cmocka_unit_test(test_forged_message),
        cmocka_unit_test(test_partial_message),
        cmocka_unit_test(test_partial_frame),
        cmocka_unit_test(test_silence),
        cmocka_unit_test(test_lost),
        cmocka_unit_test(test_closed_by_peer),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
