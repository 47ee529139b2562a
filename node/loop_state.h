/*
 * loop_state: the inside of the running node, shared by loop.c (opening, passes), loop_io.c
 * (node_io on the store, the register and the links), loop_keys.c (keys and registers at the start)
 * and loop_links.c (who may connect).
 */
#ifndef HEFU_NODE_LOOP_STATE_H
#define HEFU_NODE_LOOP_STATE_H

#include <pthread.h>
#include <signal.h>

#include "node/config.h"
#include "node/genesis_file.h"
#include "node/inbox.h"
#include "node/keys.h"
#include "node/lineage_file.h"
#include "node/link.h"
#include "node/loop.h"
#include "node/register.h"
#include "node/replica.h"
#include "node/store.h"
#include "node/trying.h"
#include "node/verify.h"

/* A consensus key with its register. */
struct loop_key {
    struct signing_key *signing_key;
    const char *register_path;
    struct register_file *register_file;
    bool register_pending;
    struct vote_register register_next;
};

/* A participant's key for the links of its clients. */
struct loop_client {
    struct transport_key key;
    uint32_t participant;
};

/* A frame that waits for the commit of its pass. */
struct outgoing {
    uint64_t link;
    enum link_class class;
    struct link_buffer *buffer;
};

struct loop {
    const struct config *config;
    struct lineage_file documents;
    const struct genesis *genesis; /* the newest of them */
    uint64_t epoch_first;          /* of its incarnation */
    struct hash chain_id;

    /* Consensus keys: the one in use and the next one; none for an observer. */
    uint32_t key_count;
    struct loop_key keys[REPLICA_KEYS_MAX];
    struct noise_key_pair *transport;
    struct trying trying;

    struct store *store;
    struct inbox *inbox;
    struct links *links;
    struct verify_pool *verify;
    struct replica *replica;

    struct peers peers;               /* as the replica last gave them */
    uint64_t peer_links[LIMIT_PEERS]; /* 0: down */
    uint32_t refusals[LIMIT_PEERS];   /* of the link that is up */
    pthread_mutex_t allowed_mutex;    /* the links ask on a thread of their own */
    struct peers allowed;             /* a copy of peers, under the mutex */
    struct loop_client *clients;      /* of all participants, under the mutex */
    uint32_t client_count;
    bool clients_stale; /* a participant's row was written in this pass */
    uint64_t frames_refused;
    struct time_histogram store_syncs, register_syncs;
    struct outgoing *outbox;
    size_t outbox_count, outbox_capacity;
    uint64_t overdue_ms;    /* since when a tick is due, 0: it is not */
    uint64_t next_check_ms; /* disk space, stale readers */

    pthread_t signal_thread;
    bool signal_thread_started;
    sigset_t signals;
    bool stopping;
};

/* loop_io.c */
struct node_io loop_node_io(struct loop *loop);
/* Lets the frames of the committed pass go. */
void loop_flush(struct loop *loop);
void loop_drop_outbox(struct loop *loop);
uint64_t loop_now_ms(void);
uint64_t loop_monotonic_ms(void);

/* loop_keys.c */
/* The keys that config.ini names, decrypted. */
enum status loop_keys_open(struct loop *loop, char *ret_error, size_t capacity) MUST_USE;
/* Their registers: each is unbound, or bound to this chain. */
enum status loop_keys_open_registers(struct loop *loop, char *ret_error, size_t capacity) MUST_USE;
/* What a register says to the replica: an unbound one as it will be bound. */
struct vote_register loop_keys_register(const struct loop *loop, const struct loop_key *key);
/* A key that votes must have its own transport key beside it; one that does not vote yet or any
   more, and is not the one that genesis gives to this name, is a wrong file. */
enum status loop_keys_check(struct loop *loop, char *ret_error, size_t capacity) MUST_USE;
/* Binds the registers that are not, durably, before anything leaves. */
enum status loop_keys_bind(struct loop *loop, char *ret_error, size_t capacity) MUST_USE;

/* loop_links.c */
enum status loop_links_open(struct loop *loop, char *ret_error, size_t capacity) MUST_USE;
/* Who may link as a peer from now on: the links follow. */
void loop_links_peers(struct loop *loop, const struct peers *peers);
/* Whose clients may link: the participants that the store has now. */
void loop_links_clients(struct loop *loop);

#endif
