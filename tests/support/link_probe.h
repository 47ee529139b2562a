/*
 * link_probe: one end of links that records what its callbacks were told, and waits for it on a
 * condition; and a raw peer on a plain socket that can break every rule.
 */
#ifndef HEFU_TESTS_SUPPORT_LINK_PROBE_H
#define HEFU_TESTS_SUPPORT_LINK_PROBE_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "node/link.h"

#define PROBE_LINKS_MAX 256
#define PROBE_FRAMES_MAX 16384
/* A wait that takes so long is a failure. */
#define PROBE_PATIENCE_MS 30000

struct probe_link {
    uint64_t id;
    struct link_identity identity;
    bool down;
    enum link_reason reason;
};

/* A frame that arrived. Its bytes are checked against probe_fill on arrival and then freed. */
struct probe_frame {
    uint64_t id;
    enum link_class class;
    size_t length;
    uint32_t number;
};

struct probe {
    struct noise_key_pair key;
    struct links_config config;
    struct link_validator validators[8];
    char url[64];
    struct links *links;
    /* The keys that allow() accepts beside the validators; their index is the participant. */
    struct transport_key participants[4];
    uint32_t participant_count;

    pthread_mutex_t mutex;
    pthread_cond_t changed;
    struct probe_link entries[PROBE_LINKS_MAX]; /* in the order of up */
    uint32_t link_count;
    uint32_t down_count;
    struct probe_frame frames[PROBE_FRAMES_MAX];
    uint32_t frame_count;
    bool refuse; /* frame() answers that the inbox is full */
    uint32_t refused;
    uint32_t rooms;
    uint32_t dial_failures;
    enum link_reason dial_reason;
    bool order_broken; /* an up before the down of a link of the same validator, or a late frame */
};

/* Short deadlines, and limits that do not get in the way. */
void probe_init(struct probe *ret_probe, const struct noise_key_pair *key);
/* probe->config with a listener on an ephemeral port, unless config.url is set. Asserts success. */
void probe_open(struct probe *probe);
void probe_close(struct probe *probe);

/* count probes that know each other as validators; each later one dials all earlier ones. */
void probes_open_mesh(struct probe *probes, uint32_t count);

/* Waits under the mutex until the condition holds; fails the test when patience ends. */
typedef bool (*probe_condition)(const struct probe *probe, uint64_t argument);
void probe_wait(struct probe *probe, probe_condition condition, uint64_t argument,
                const char *what);
void probe_wait_links(struct probe *probe, uint32_t count);  /* ups so far */
void probe_wait_downs(struct probe *probe, uint32_t count);  /* downs so far */
void probe_wait_frames(struct probe *probe, uint32_t count); /* frames so far */
void probe_wait_refused(struct probe *probe, uint32_t count);
/* For looking again at what has no condition: returns at the next event, or in 5 ms. */
void probe_tick(struct probe *probe);
void probe_wait_ended(struct probe *probe, enum link_reason reason, uint64_t count);
uint64_t probe_ended(const struct probe *probe, enum link_reason reason);

/* The id of the link to a validator that is up, or 0. */
uint64_t probe_link_to(struct probe *probe, uint32_t validator);
void probe_refuse(struct probe *probe, bool refuse);

/* A frame that names itself: number in its first bytes as far as they go, then a pattern. */
void probe_fill(uint8_t *frame, size_t length, uint32_t number);
enum status probe_send(struct probe *probe, uint64_t id, enum link_class class, size_t length,
                       uint32_t number) MUST_USE;
/* Sends, and while the queue is busy waits for room. */
void probe_send_all(struct probe *probe, uint64_t id, enum link_class class, size_t length,
                    uint32_t number);

/* A TCP connection to 127.0.0.1 with the test's patience. */
int raw_connect(uint16_t port);
/* The same from another address of the loopback network: 127.0.0.source. */
int raw_connect_from(uint16_t port, uint8_t source);
/* A listening TCP socket on 127.0.0.1 that nobody accepts from, and its URL. */
int raw_listen(char *ret_url, size_t capacity);
void raw_send(int fd, const void *bytes, size_t length);
/* Until length bytes are there or the connection ends; gives what arrived. */
size_t raw_receive(int fd, void *ret_bytes, size_t length);
/* The handshake of an honest initiator. */
void raw_handshake(int fd, const struct noise_key_pair *own, const struct transport_key *server,
                   const uint8_t *prologue, size_t prologue_length, struct noise_flow *ret_out,
                   struct noise_flow *ret_in);
/* One sealed message with this body. */
void raw_send_message(int fd, struct noise_flow *flow, const uint8_t *body, size_t length);

#endif
