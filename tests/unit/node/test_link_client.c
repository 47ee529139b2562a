/* The blocking client of commands (node/link.h), over tcp with the channel and over ipc without. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/check.h"
#include "node/link.h"
#include "tests/support/link_probe.h"

#define MIB (1u << 20)

static struct probe server;
static char folder[64];
static char local_url[96];

/* A server for one participant, listening on tcp and ipc. */
static void start(struct noise_key_pair *ret_participant)
{
    struct noise_key_pair key;
    noise_key_pair_generate(&key);
    noise_key_pair_generate(ret_participant);
    probe_init(&server, &key);
    server.participants[server.participant_count++] = ret_participant->public_key;
    server.config.local_url = local_url;
    probe_open(&server);
}

static enum status connect_tcp(const struct noise_key_pair *key, struct link_client **ret_client)
{
    return link_client_open(server.url, key, &server.key.public_key, server.config.prologue,
                            server.config.prologue_length, PROBE_PATIENCE_MS, ret_client);
}

static enum status connect_local(struct link_client **ret_client)
{
    return link_client_open(local_url, NULL, NULL, NULL, 0, PROBE_PATIENCE_MS, ret_client);
}

static void send_frame(struct link_client *client, enum link_class class, size_t length,
                       uint32_t number, enum status expected)
{
    uint8_t *frame = malloc(length);
    CHECK(frame != NULL);
    probe_fill(frame, length, number);
    enum status status = link_client_send(client, class, frame, length, PROBE_PATIENCE_MS);
    free(frame);
    assert_int_equal(status, expected);
}

static void receive_frame(struct link_client *client, enum link_class class, size_t length,
                          uint32_t number)
{
    enum link_class got_class = LINK_CLASS_COUNT;
    uint8_t *frame = NULL;
    size_t got_length = 0;
    assert_int_equal(link_client_recv(client, PROBE_PATIENCE_MS, &got_class, &frame, &got_length),
                     STATUS_OK);
    assert_int_equal(got_class, class);
    assert_int_equal(got_length, length);
    uint8_t *expected = malloc(length);
    CHECK(expected != NULL);
    probe_fill(expected, length, number);
    assert_memory_equal(frame, expected, length);
    free(expected);
    free(frame);
}

static void exchange(struct link_client *client)
{
    send_frame(client, LINK_QUERY, 100, 1, STATUS_OK);
    send_frame(client, LINK_BATCH, 1310720, 2, STATUS_OK);
    probe_wait_frames(&server, 2);
    uint64_t id = server.entries[0].id;
    probe_send_all(&server, id, LINK_QUERY, 1000, 3);
    receive_frame(client, LINK_QUERY, 1000, 3);
    for (uint32_t i = 0; i < 20; i++) {
        probe_send_all(&server, id, LINK_CATCHUP, 4 * MIB, i);
        receive_frame(client, LINK_CATCHUP, 4 * MIB, i);
    }
}

static void test_tcp(void **state)
{
    (void)state;
    struct noise_key_pair key;
    struct link_client *client = NULL;
    start(&key);
    assert_int_equal(connect_tcp(&key, &client), STATUS_OK);
    exchange(client);
    assert_int_equal(server.entries[0].identity.kind, LINK_CLIENT);
    assert_memory_equal(&server.entries[0].identity.key, &key.public_key, NOISE_KEY_BYTES);
    link_client_close(client);
    probe_wait_downs(&server, 1);
    assert_int_equal(server.entries[0].reason, LINK_ENDED_PEER_CLOSED);
    probe_close(&server);
}

static void test_local(void **state)
{
    (void)state;
    struct noise_key_pair key;
    struct link_client *client = NULL;
    struct stat file;
    start(&key);
    assert_int_equal(stat(local_url + strlen("ipc://"), &file), 0);
    assert_int_equal(file.st_mode & 0777, 0600);
    assert_int_equal(connect_local(&client), STATUS_OK);
    exchange(client);
    assert_int_equal(server.entries[0].identity.kind, LINK_OPERATOR);
    link_client_close(client);
    probe_wait_downs(&server, 1);
    assert_int_equal(server.entries[0].reason, LINK_ENDED_PEER_CLOSED);
    probe_close(&server);
}

/* A socket file that nobody listens on, as a killed node leaves it. */
static void leave_socket_file(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    (void)snprintf(address.sun_path, sizeof address.sun_path, "%s", local_url + strlen("ipc://"));
    assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(fd, 1), 0);
    (void)close(fd);
    assert_int_equal(access(address.sun_path, F_OK), 0);
}

static void test_local_again(void **state)
{
    (void)state;
    struct noise_key_pair key;
    for (int i = 0; i < 3; i++) {
        struct link_client *client = NULL;
        (void)unlink(local_url + strlen("ipc://"));
        leave_socket_file();
        start(&key);
        assert_int_equal(connect_local(&client), STATUS_OK);
        link_client_close(client);
        probe_close(&server);
    }
}

static void test_timeout(void **state)
{
    (void)state;
    struct noise_key_pair key;
    struct link_client *client = NULL;
    enum link_class class = LINK_CLASS_COUNT;
    uint8_t *frame = NULL;
    size_t length = 0;
    start(&key);
    assert_int_equal(connect_tcp(&key, &client), STATUS_OK);
    assert_int_equal(link_client_recv(client, 1, &class, &frame, &length), STATUS_TIMEOUT);
    assert_null(frame);
    link_client_close(client);
    probe_close(&server);
}

/* What came before the end can still be read; afterwards the calls say CLOSED and why. */
static void test_server_drops(void **state)
{
    (void)state;
    struct noise_key_pair key;
    struct link_client *client = NULL;
    enum link_class class = LINK_CLASS_COUNT;
    uint8_t *frame = NULL;
    size_t length = 0;
    start(&key);
    assert_int_equal(connect_tcp(&key, &client), STATUS_OK);
    probe_wait_links(&server, 1);
    uint64_t id = server.entries[0].id;
    assert_int_equal(probe_send(&server, id, LINK_QUERY, 50, 5), STATUS_OK);
    struct link_counters counters = {0};
    while (counters.frames_out < 1) {
        probe_tick(&server);
        links_counters(server.links, &counters);
    }
    links_drop(server.links, id);
    probe_wait_downs(&server, 1);
    receive_frame(client, LINK_QUERY, 50, 5);
    assert_int_equal(link_client_recv(client, PROBE_PATIENCE_MS, &class, &frame, &length),
                     STATUS_CLOSED);
    assert_int_equal(link_client_reason(client), LINK_ENDED_PEER_CLOSED);
    send_frame(client, LINK_QUERY, 10, 1, STATUS_CLOSED);
    link_client_close(client);
    probe_close(&server);
}

/* The client does not read: the server is slowed down, and everything arrives in the end. */
static void test_slow_client(void **state)
{
    (void)state;
    struct noise_key_pair key;
    struct link_client *client = NULL;
    enum { FRAMES = 30 };
    start(&key);
    assert_int_equal(connect_tcp(&key, &client), STATUS_OK);
    probe_wait_links(&server, 1);
    uint64_t id = server.entries[0].id;
    uint32_t sent = 0;
    while (sent < FRAMES && probe_send(&server, id, LINK_CATCHUP, 4 * MIB, sent) == STATUS_OK) {
        sent++;
    }
    for (uint32_t i = 0; i < sent; i++) {
        receive_frame(client, LINK_CATCHUP, 4 * MIB, i);
    }
    link_client_close(client);
    probe_close(&server);
}

/* The server does not read: sending waits, and gives up at its timeout. */
static void test_slow_server(void **state)
{
    (void)state;
    struct noise_key_pair key;
    struct link_client *client = NULL;
    static uint8_t frame[MIB];
    start(&key);
    assert_int_equal(connect_tcp(&key, &client), STATUS_OK);
    probe_wait_links(&server, 1);
    probe_refuse(&server, true);
    probe_fill(frame, sizeof frame, 1);
    uint32_t sent = 0;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && sent < 1000) {
        status = link_client_send(client, LINK_BATCH, frame, sizeof frame, 20);
        sent += status == STATUS_OK;
    }
    assert_int_equal(status, STATUS_TIMEOUT);
    probe_refuse(&server, false);
    links_resume(server.links, server.entries[0].id);
    probe_wait_frames(&server, sent);
    link_client_close(client);
    probe_close(&server);
}

static void test_refusals(void **state)
{
    (void)state;
    struct noise_key_pair key;
    struct noise_key_pair stranger;
    struct link_client *client = NULL;
    start(&key);
    noise_key_pair_generate(&stranger);
    enum status status = connect_tcp(&stranger, &client);
    assert_int_equal(status, STATUS_DENIED);
    probe_close(&server); /* its port is free now, and its local file gone or dead */
    assert_int_equal(connect_tcp(&key, &client), STATUS_UNREACHABLE);
    assert_int_equal(connect_local(&client), STATUS_UNREACHABLE);
    assert_int_equal(
        link_client_open("rubbish", &key, &key.public_key, (const uint8_t *)"", 0, 10, &client),
        STATUS_MALFORMED);
    assert_null(client);
}

/* Somebody listens and says nothing. */
static void test_mute_server(void **state)
{
    (void)state;
    struct noise_key_pair key;
    struct link_client *client = NULL;
    noise_key_pair_generate(&key);
    char url[64];
    int fd = raw_listen(url, sizeof url);
    assert_int_equal(
        link_client_open(url, &key, &key.public_key, (const uint8_t *)"", 0, 30, &client),
        STATUS_TIMEOUT);
    (void)close(fd);
}

static int setup(void **state)
{
    (void)state;
    /* Not below TMPDIR, which may be long: a socket's path has room for 107 bytes. */
    (void)snprintf(folder, sizeof folder, "/tmp/hefu_link_XXXXXX");
    if (sodium_init() < 0 || mkdtemp(folder) == NULL) {
        return -1;
    }
    (void)snprintf(local_url, sizeof local_url, "ipc://%s/node.sock", folder);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    (void)unlink(local_url + strlen("ipc://"));
    return rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tcp),          cmocka_unit_test(test_local),
        cmocka_unit_test(test_local_again),  cmocka_unit_test(test_timeout),
        cmocka_unit_test(test_server_drops), cmocka_unit_test(test_slow_client),
        cmocka_unit_test(test_slow_server),  cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_mute_server),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
