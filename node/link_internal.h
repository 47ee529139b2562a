/*
 * link_internal: what the files of link share. See link.h for the picture.
 *
 * Locks, in the order in which they may be taken: links.table_mutex, link.mutex, then
 * links.keeper_mutex. No callback of the caller's is made under any of them, and no blocking call
 * of nng's. Rules of nng that shape this code: one operation for each aio at a time; after an
 * operation is started its callback may run at once on another thread, so the starter touches the
 * state of that direction no more; a callback never stops or frees anything, the keeper does; and
 * a stream is ended by close, aio stop, free, in this order.
 */
#ifndef HEFU_NODE_LINK_INTERNAL_H
#define HEFU_NODE_LINK_INTERNAL_H

#include <nng/nng.h>
#include <pthread.h>
#include <time.h>

#include "base/check.h"
#include "node/link.h"
#include "node/link_admission.h"
#include "node/link_frame.h"
#include "node/link_queue.h"

/* The bytes that one read or write may carry: two full messages. */
#define LINK_STREAM_BYTES ((size_t)2 * NOISE_SEALED_BYTES_MAX)
#define LINK_LISTENERS 2
/* After a failed accept, for instance because file descriptors are used up. */
#define LINK_ACCEPT_RETRY_MS 50

enum link_state {
    LINK_STATE_HANDSHAKE,
    LINK_STATE_AUTHENTICATED, /* waits for the keeper */
    LINK_STATE_UP,
    LINK_STATE_DRAINING, /* the close message is on its way */
    LINK_STATE_CLOSING   /* waits for the keeper to free it */
};

/* The secrets of a link, in locked memory. */
struct link_session {
    struct noise_handshake handshake;
    struct noise_flow out;
    struct noise_flow in;
};

struct link_peer;

struct link {
    struct links *links;
    uint64_t id;
    uint32_t slot;
    bool dialled;
    bool plain;             /* ipc: no encryption */
    struct link_peer *peer; /* if dialled */
    uint64_t born_ms;
    nng_stream *stream;
    nng_aio *receive_aio;
    nng_aio *send_aio;
    struct link_session *session;
    struct link_identity identity; /* set before UP */
    _Atomic uint64_t heard_ms;     /* the last authenticated message */
    _Atomic uint64_t stall_ms;     /* since when something incomplete waits; 0: nothing does */

    pthread_mutex_t mutex; /* protects from here on */
    enum link_state state;
    enum link_reason reason;
    bool paused;       /* frame() returned false, nothing is being received */
    bool resume_early; /* links_resume came while frame() was being called */
    bool sending;      /* the send aio is in use; its user owns out and its counts */
    bool close_sealed;
    uint64_t drain_ms;
    struct link_packer packer;
    uint8_t *out;
    size_t out_length;
    size_t out_sent;

    /* The receiving side's: its aio's callback, or the keeper before the first operation. */
    uint8_t *in;
    size_t in_length;  /* received */
    size_t in_used;    /* read */
    bool channel_open; /* the handshake is over; in holds messages */
    bool header_read;  /* of the message at in_used; body_length is valid */
    bool message_open; /* its body is decrypted and being unpacked from cursor on */
    bool welcomed;     /* a dialled link has seen its first message */
    bool was_paused;
    size_t body_length;
    size_t cursor;
    uint64_t partial_ms; /* since when the message at in_used is incomplete; 0: it is not there */
    struct link_unpacker unpacker;
    struct link_frame held; /* complete, not yet accepted by frame() */

    /* The keeper's. */
    bool was_up;
    uint64_t up_ms;
    uint64_t pinged_ms;
};

/* A peer, by slot. */
struct link_peer {
    struct links *links;
    uint32_t index;
    bool set;   /* there is one */
    bool waits; /* its key is the smaller: this side dials only after a while without a link */
    uint32_t links_up;
    uint64_t lonely_ms; /* since when it has no link */
    struct transport_key key;
    char *url; /* NULL: not dialled */
    nng_stream_dialer *dialer;
    nng_aio *aio;
    enum { LINK_PEER_IDLE, LINK_PEER_DIALLING, LINK_PEER_LINKED, LINK_PEER_DONE } state;
    uint64_t next_ms;
    uint32_t backoff_ms;
    /* Under keeper_mutex. */
    bool finished;
    int error;
    nng_stream *stream;
};

struct link_listener {
    struct links *links;
    nng_stream_listener *listener;
    nng_aio *aio;
    bool local;
    uint64_t retry_ms; /* 0: an accept is under way */
    /* Under keeper_mutex. */
    bool finished;
    int error;
    nng_stream *stream;
};

/* As struct link_counters, written from any thread. */
struct link_atomic_counters {
    _Atomic uint64_t accepted;
    _Atomic uint64_t dialled;
    _Atomic uint64_t accept_errors;
    _Atomic uint64_t established;
    _Atomic uint64_t ended[LINK_REASON_COUNT];
    _Atomic uint64_t frames_in;
    _Atomic uint64_t frames_out;
    _Atomic uint64_t bytes_in;
    _Atomic uint64_t bytes_out;
    _Atomic uint64_t sends_busy;
    _Atomic uint64_t pauses;
    struct {
        _Atomic uint64_t bytes_in;
        _Atomic uint64_t bytes_out;
        _Atomic uint64_t links;
    } validators[LIMIT_PEERS];
};

/* What links_set_peer leaves for the keeper. */
struct link_change {
    bool pending;
    bool set;
    struct transport_key key;
    char *url; /* owned */
};

/* What is secret for as long as the links live, in locked memory. */
struct link_secrets {
    struct noise_key_pair own_key;
    struct link_session sessions[];
};

struct links {
    struct link_limits limits;
    struct links_callbacks callbacks;
    uint8_t prologue[LINK_PROLOGUE_BYTES_MAX];
    size_t prologue_length;
    bool dial_once;
    uint16_t port;
    uint32_t tick_ms;
    struct link_secrets *secrets;
    struct link_atomic_counters counters;

    struct link_listener listeners[LINK_LISTENERS];
    struct link_peer *peers; /* LIMIT_PEERS, by slot */
    bool patient;
    struct link_admission admission;

    bool closing; /* the keeper's: listeners and dialers are gone, nothing is dialled any more */

    pthread_mutex_t table_mutex; /* only the keeper changes the table */
    struct link **table;
    uint32_t table_size;
    uint64_t last_number;

    pthread_t keeper;
    pthread_mutex_t keeper_mutex;
    pthread_cond_t keeper_wake;
    struct link_change *changes; /* LIMIT_PEERS, by slot */
    bool changed;                /* some are pending */
    bool events;                 /* an accept or a dial has finished */
    bool attention;              /* a link has changed its state */
    bool stopping;
};

static inline void link_count(_Atomic uint64_t *counter, uint64_t amount)
{
    (void)atomic_fetch_add_explicit(counter, amount, memory_order_relaxed);
}

static inline void link_lock(pthread_mutex_t *mutex)
{
    CHECK(pthread_mutex_lock(mutex) == 0);
}

static inline void link_unlock(pthread_mutex_t *mutex)
{
    CHECK(pthread_mutex_unlock(mutex) == 0);
}

/* Milliseconds of the monotonic clock. */
uint64_t link_now_ms(void);
/* That clock in so many milliseconds, for pthread_cond_timedwait. */
struct timespec link_deadline(uint64_t wait_ms);

/* link_keeper.c: the thread; wakes it because a link has changed. */
void *link_keeper_main(void *argument);
void link_keeper_wake(struct links *links);

/* link_endpoint.c: listeners and dialers; for the keeper but for the first two. */
enum status link_listener_open(struct links *links, struct link_listener *listener, const char *url,
                               bool local) MUST_USE;
enum status link_peer_open(struct links *links, uint32_t slot,
                           const struct link_validator *validator) MUST_USE;
/* The keeper's: carries out what links_set_peer left. */
void link_peers_change(struct links *links);
/* The keeper's: a link of the slot is up, or down again. */
void link_peer_up(struct links *links, uint32_t slot);
void link_peer_down(struct links *links, uint32_t slot, uint64_t now_ms);
void link_listener_step(struct link_listener *listener, uint64_t now_ms);
void link_peer_step(struct link_peer *peer, uint64_t now_ms);
/* The peer's link has ended; up: it had been up since up_ms. */
void link_peer_ended(struct link_peer *peer, bool up, uint64_t up_ms, enum link_reason reason,
                     uint64_t now_ms);
void link_listener_close(struct link_listener *listener);
void link_peer_close(struct link_peer *peer);

/*
 * link_life.c: one link. Creating takes the stream in any case; peer is NULL for an accepted one.
 * Failing may be done by any thread that does not hold the link's mutex; the first reason stays.
 * Draining needs the mutex; it does nothing to a link that is not up. Reaping is the keeper's, once
 * the state is CLOSING; it ends with down() if the link was up.
 */
void link_create(struct links *links, nng_stream *stream, struct link_peer *peer, bool plain,
                 uint64_t now_ms);
void link_fail(struct link *link, enum link_reason reason);
void link_drain(struct link *link, enum link_reason reason);
void link_reap(struct link *link, uint64_t now_ms);

/*
 * link_handshake.c: prepares the handshake and starts it. Then, from the receive callback: the
 * bytes that the next act has, and what to do with them once they are there.
 */
void link_handshake_start(struct link *link);
size_t link_handshake_wants(const struct link *link);
void link_handshake_received(struct link *link);
/* The channel is authenticated: the keeper decides. The receiving side stops until it kicks it. */
void link_handshake_done(struct link *link);

/*
 * link_send.c and link_receive.c. The done functions are the callbacks of the two aios. A kick runs
 * the callback on one of nng's threads without any bytes; it needs the mutex, and for sending does
 * nothing if that is under way.
 */
void link_send_done(void *argument);
void link_send_kick(struct link *link);
/* Writes what out holds; the caller has set sending. Without the mutex; its last act. */
void link_send_out(struct link *link);
void link_receive_done(void *argument);
void link_receive_kick(struct link *link);
/* Reads on until in holds up to capacity bytes; the receiving side's last act. */
void link_receive_more(struct link *link, size_t capacity);

#endif
