/*
 * link: authenticated links to other validators, participants and local operators.
 *
 * One link per peer on an nng stream, tcp with the Noise channel or ipc for commands on the same
 * machine (docs/transport.md). This part opens, keeps, replaces and closes links and carries whole
 * frames; it does not know what a frame means.
 *
 *     caller's threads          nng's threads                   the keeper (own thread)
 *     links_send ──► queues ──► pack, encrypt, write            accept, dial, redial
 *     links_resume, links_drop  read, decrypt, assemble ──►     allow, up, down, deadlines,
 *                                                  frame        pings, closing and freeing
 *
 * The life of a link, by the function that makes the move (link_keeper.c, link_stream.c):
 *
 *     HANDSHAKE ─handshake_done─► AUTHENTICATED ─keeper_promote─► UP ─links_drop─► DRAINING
 *         └───────────────┴──────────link_fail─────────┴────────────┴──► CLOSING ─keeper_reap─►
 *
 * Between peers the numerically smaller transport key dials, the larger one too after three seconds
 * without a link (the other side may not know its address), and a newly authenticated link replaces
 * the old one with the same key. A dialled link is up when the other side has accepted
 * our key, which its first message proves. Everything from a stranger, and every malformed byte,
 * ends in a closed link and a moved counter, nothing else.
 */
#ifndef HEFU_NODE_LINK_H
#define HEFU_NODE_LINK_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/keys.h"
#include "base/limits.h"
#include "base/status.h"
#include "node/noise.h"

#define LINK_PROLOGUE_BYTES_MAX 64

/* In the order in which a link sends: votes never wait behind bulk data. */
enum link_class {
    LINK_VOTE,
    LINK_PROPOSAL,
    LINK_BATCH,
    LINK_CATCHUP,
    LINK_QUERY,
    LINK_CLASS_COUNT
};

enum link_kind {
    LINK_VALIDATOR, /* a peer: a validator, or a node that follows */
    LINK_CLIENT,    /* a participant */
    LINK_OPERATOR,  /* the same user on the same machine, over ipc */
    LINK_KIND_COUNT
};

/* Who is at the other end. */
struct link_identity {
    enum link_kind kind;
    uint32_t validator;       /* peer slot, for LINK_VALIDATOR */
    uint32_t participant;     /* number, for LINK_CLIENT */
    struct transport_key key; /* zero for LINK_OPERATOR */
};

/* A link's id: never 0, never used twice by one struct links. */

/* Why a link, or an attempt at one, ended. X(name, sentence) */
#define LINK_REASON_TABLE(X)                                                                       \
    X(LOCAL, "closed by this side")                                                                \
    X(REPLACED, "replaced by a newer link with the same key")                                      \
    X(PEER_CLOSED, "closed by the other side")                                                     \
    X(LOST, "the connection was lost")                                                             \
    X(UNREACHABLE, "the other side cannot be reached")                                             \
    X(ADDRESS_RATE, "too many connections from this address")                                      \
    X(HALF_OPEN_FULL, "too many connections are in their handshake")                               \
    X(CLIENTS_FULL, "too many client links")                                                       \
    X(HANDSHAKE_TIMEOUT, "the handshake took too long")                                            \
    X(HANDSHAKE_LOST, "the connection was closed during the handshake")                            \
    X(HANDSHAKE_FORGED, "the handshake does not authenticate: wrong key, chain or bytes")          \
    X(HANDSHAKE_WEAK_KEY, "the handshake used a key of low order")                                 \
    X(STRANGER, "the key is not on the list")                                                      \
    X(FORGED, "a message does not authenticate")                                                   \
    X(BAD_FRAME, "a frame is malformed or larger than its class allows")                           \
    X(SILENT, "nothing was heard for too long")                                                    \
    X(STALLED, "a message or a frame was not completed in time")                                   \
    X(VOTES_FULL, "the queue of votes is full")                                                    \
    X(NO_MEMORY, "memory is used up")

#define LINK_REASON_ENUM(name, sentence) LINK_ENDED_##name,
enum link_reason { LINK_REASON_TABLE(LINK_REASON_ENUM) LINK_REASON_COUNT };
#undef LINK_REASON_ENUM

/* "BAD_FRAME", and a sentence for people. Static storage. */
const char *link_reason_name(enum link_reason reason);
const char *link_reason_text(enum link_reason reason);
const char *link_class_name(enum link_class class);

/*
 * A frame to send, counted by reference: one batch to three peers is encoded once. Fill bytes
 * before the first links_send_buffer; afterwards it is read by other threads.
 */
struct link_buffer {
    atomic_uint references;
    size_t length;
    uint8_t bytes[];
};

/* With one reference, for the caller. NULL without memory. */
struct link_buffer *link_buffer_new(size_t length);
struct link_buffer *link_buffer_ref(struct link_buffer *buffer);
/* NULL is allowed. The last reference frees. */
void link_buffer_unref(struct link_buffer *buffer);

/* What a kind of peer may use of a class. */
struct link_class_limits {
    uint32_t frame_bytes_max; /* of frames from such a peer; 0: the class is refused */
    uint32_t queue_bytes_max; /* of frames waiting to be sent to it */
};

struct link_limits {
    struct link_class_limits classes[LINK_KIND_COUNT][LINK_CLASS_COUNT];
    uint32_t handshake_ms_max;
    uint32_t half_open_max; /* 0: 4 for each validator, and 16 */
    uint32_t client_links_max;
    uint32_t links_per_client_max; /* one more replaces the oldest with that key */
    uint32_t address_burst;        /* connections from one address at once */
    uint32_t address_per_second;   /* and in the long run */
    uint32_t ping_interval_ms;
    uint32_t pings_missed_max;
    uint32_t frame_stall_ms_max; /* between two messages of an unfinished frame */
    uint32_t send_stall_ms_max;  /* while the peer takes not one byte */
    uint32_t close_ms_max;       /* for the close message to leave */
    uint32_t redial_ms_min;
    uint32_t redial_ms_max;
    uint32_t patience_ms; /* without a link, before the larger key dials */
};

struct link_validator {
    struct transport_key key;
    const char *url; /* "tcp://127.0.0.1:7001"; NULL: not known, it dials us */
};

struct links_config {
    const char *url;               /* to listen on, port 0 for any; NULL: no listener */
    const char *local_url;         /* "ipc:///path" for operators; NULL: none */
    struct noise_key_pair own_key; /* wipe it after links_open, which keeps a copy */
    uint8_t prologue[LINK_PROLOGUE_BYTES_MAX];
    size_t prologue_length;
    const struct link_validator *validators; /* peers by slot; more by links_set_peer */
    uint32_t validator_count;                /* at most LIMIT_PEERS */
    int32_t own_index; /* in validators, or -1: not one of them, dials them all at once */
    bool patient;      /* lets the smaller of two keys dial first, as one of validators does */
    bool dial_once;    /* a command: no redial after a failure or an end */
    struct link_limits limits;
};

/*
 * What the links report. context is the caller's.
 *
 * allow, up, down and dial_failed come from the keeper's thread, one at a time; frame from nng's
 * threads, one at a time for a link but at once for several links. For one link: allow, up, frames,
 * down, in this order; down comes once for every up, also during links_close. Before a replacement
 * is up, the link it replaces is down. A callback must not block: it copies, enqueues and returns.
 * It may call links_send, links_resume and links_drop, never links_close.
 */
struct links_callbacks {
    void *context;
    /*
     * Whether the owner of this key, just authenticated, may have a link; it then fills
     * ret_identity->kind and validator or participant. Only for links that the other side dialled.
     */
    bool (*allow)(void *context, const struct transport_key *key,
                  struct link_identity *ret_identity);
    void (*up)(void *context, uint64_t id, const struct link_identity *identity);
    void (*down)(void *context, uint64_t id, const struct link_identity *identity,
                 enum link_reason reason);
    /*
     * A whole frame, malloc'ed, 1 to frame_bytes_max bytes. true: it is the callee's now, which
     * free()s it. false: the inbox is full; the link keeps the frame and stops reading until
     * links_resume, after which the frame is offered again.
     */
    bool (*frame)(void *context, uint64_t id, const struct link_identity *identity,
                  enum link_class class, uint8_t *frame, size_t length);
    /*
     * A class that answered BUSY on this link is at most half full now; may be NULL. From nng's
     * threads; the link may be down already.
     */
    void (*room)(void *context, uint64_t id, enum link_class class);
    /* A dialled validator could not be reached or refused; may be NULL. It will be redialled. */
    void (*dial_failed)(void *context, uint32_t validator, enum link_reason reason);
};

struct link_peer_counters {
    uint64_t bytes_in; /* on the wire, handshakes aside */
    uint64_t bytes_out;
    uint64_t links; /* that came up */
};

/* All since links_open. */
struct link_counters {
    uint64_t accepted; /* connections, before any handshake */
    uint64_t dialled;
    uint64_t accept_errors;
    uint64_t established;
    uint64_t ended[LINK_REASON_COUNT]; /* links and attempts */
    uint64_t frames_in;
    uint64_t frames_out;
    uint64_t bytes_in;
    uint64_t bytes_out;
    uint64_t sends_busy;
    uint64_t pauses;
    struct link_peer_counters validators[LIMIT_PEERS];
};

struct links;

/* Everything zero but the limits, which get their usual values, and own_index, which is -1. */
void links_config_init(struct links_config *ret_config);

/*
 * Starts listening and dialling. The config is copied, the URLs too. MALFORMED if a URL is not
 * valid, UNREACHABLE if it cannot be listened on, NO_MEMORY. sodium_init() has succeeded before.
 */
enum status links_open(const struct links_config *config, const struct links_callbacks *callbacks,
                       struct links **ret_links) MUST_USE;

/*
 * From now on the peer of this slot has that key and address (copied; url NULL: not dialled), or,
 * with NULL, there is none: the slot's links end. Any thread; the keeper does it soon. A slot whose
 * key changes has its links ended first. A malformed address counts as none.
 */
void links_set_peer(struct links *links, uint32_t slot, const struct link_validator *peer);

/* The port listened on (tcp), or 0. */
uint16_t links_port(const struct links *links);

/*
 * Queues a frame; it is copied. Any thread. NOT_FOUND if the link is not up (any more); BUSY if the
 * class's queue is full: try again later. A full queue of votes ends the link instead (CLOSED),
 * since a peer that misses votes must resynchronise. OVERSIZED beyond LIMIT_FRAME_BYTES, NO_MEMORY.
 */
enum status links_send(struct links *links, uint64_t id, enum link_class class,
                       const uint8_t *frame, size_t length) MUST_USE;

/* The same for a shared buffer, of which it takes a reference of its own. */
enum status links_send_buffer(struct links *links, uint64_t id, enum link_class class,
                              struct link_buffer *buffer) MUST_USE;

/* Goes on reading after frame() returned false; also allowed before it has returned. Any thread. */
void links_resume(struct links *links, uint64_t id);

/*
 * Ends a link with an authenticated close message; what is queued is discarded. Any thread. A frame
 * that is already under way may still arrive before down. Unknown ids are ignored.
 */
void links_drop(struct links *links, uint64_t id);

/* A snapshot. Any thread. */
void links_counters(const struct links *links, struct link_counters *ret_counters);

/* Ends everything, waits for all callbacks, frees. Not from a callback. NULL is allowed. */
void links_close(struct links *links);

/* ---- One blocking link, for commands ---- */

struct link_client;

/*
 * Connects to one node: tcp with own key and the node's key, or ipc (keys and prologue ignored).
 * Waits at most timeout_ms. UNREACHABLE if nobody answers there, TIMEOUT, DENIED if the node closes
 * during the handshake (our key is unknown to it, the chain differs, or it is not the node with
 * that key), MALFORMED for a bad URL.
 */
enum status link_client_open(const char *url, const struct noise_key_pair *own_key,
                             const struct transport_key *server_key, const uint8_t *prologue,
                             size_t prologue_length, uint32_t timeout_ms,
                             struct link_client **ret_client) MUST_USE;

/* Queues a frame, waiting at most timeout_ms for room. TIMEOUT, CLOSED, OVERSIZED, NO_MEMORY. */
enum status link_client_send(struct link_client *client, enum link_class class,
                             const uint8_t *frame, size_t length, uint32_t timeout_ms) MUST_USE;

/*
 * The next frame, which the caller free()s, waiting at most timeout_ms. TIMEOUT; CLOSED once the
 * link has ended and all frames that came before are read.
 */
enum status link_client_recv(struct link_client *client, uint32_t timeout_ms,
                             enum link_class *ret_class, uint8_t **ret_frame,
                             size_t *ret_length) MUST_USE;

/* Why the link ended, once a call has returned CLOSED. */
enum link_reason link_client_reason(struct link_client *client);

/* NULL is allowed. */
void link_client_close(struct link_client *client);

#endif
