/*
 * replica_net_state: the inside of replica_net: the network and its queue (replica_net.c), node_io
 * on it (replica_net_io.c), genesis and the clients' batches (replica_net_batches.c).
 */
#ifndef HEFU_TESTS_SUPPORT_REPLICA_NET_STATE_H
#define HEFU_TESTS_SUPPORT_REPLICA_NET_STATE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "node/genesis_file.h"
#include "node/rows.h"
#include "node/store.h"
#include "proto/client_codec.h"
#include "tests/support/memory_table.h"
#include "tests/support/replica_net.h"

#define HEIGHTS_MAX 100000
#define WALL_START_MS 1790000000000ull
#define PARTICIPANTS 7
#define CURRENCY_CNY 156
#define SESSION_FIRST 1000
#define REPLAY_FRAMES 64

enum message_kind { TO_PEER, TO_CLIENT, TO_NODE, VERIFIED };

struct message {
    uint64_t due_ms;
    uint64_t order;
    enum message_kind kind;
    uint32_t from, to;
    uint32_t to_life; /* dropped if the node has restarted since */
    uint64_t session;
    uint8_t *bytes;
    size_t length;
    struct verify_result result;
};

/* Where in a pass a node dies: before its commit, between the commit and the register, or after
   both and before anything leaves. */
enum net_death { DIES_BEFORE_COMMIT, DIES_BEFORE_REGISTER, DIES_BEFORE_SENDING };

struct net_node {
    struct replica_net *net;
    uint32_t index;
    bool running;
    uint32_t life;
    uint32_t incarnation; /* that its consensus key was made for */
    uint32_t passes_left; /* that write, until the node dies in one; 0: it does not */
    enum net_death death;
    uint64_t written_passes; /* in this life */
    struct memory_store store;
    struct vote_register vote_register; /* as durable */
    struct vote_register register_next;
    bool register_pending;
    /* The key that is to take the place of the first one, and its register. */
    bool has_next_key;
    struct vote_register next_key_register, next_key_register_next;
    bool next_key_pending;
    uint64_t clock_ahead_ms; /* of the true time */
    struct hash died_on;     /* given to the next start as what was being executed; zero: nothing */
    bool tear;               /* crash between the next commit and the register's write */
    struct message *outbox;
    size_t outbox_count, outbox_capacity;
    struct replica *replica;
    struct peers peers; /* as it last said */
    uint64_t seen_height;
    uint8_t *unsent; /* preimages signed in this pass */
    size_t unsent_count, unsent_capacity;
    struct signed_votes *signed_votes; /* all that ever left, replica_net_keys.c */
};

struct replica_net {
    struct net_options options;
    struct prng prng;
    uint64_t now_ms;
    uint64_t order;
    uint64_t ticked_ms, ticks_now;
    struct genesis genesis; /* the first document */
    struct genesis
        later[LINEAGE_MAX]; /* those after it, from 1 on; only their validators are own */
    struct lineage lineage;
    struct validator_set validators;
    struct hash chain_id;
    struct net_node nodes[NET_NODES_MAX];
    bool cut[NET_NODES_MAX][NET_NODES_MAX];
    bool linked[NET_NODES_MAX][NET_NODES_MAX]; /* the first believes so */
    bool no_observers;                         /* configurations list nobody */
    bool peers_changed;                        /* some node's table of peers did */
    struct message *queue;                     /* a heap by (due, order) */
    size_t queue_count, queue_capacity;
    uint32_t answers[16];
    struct hash *final_hashes;
    uint64_t final_count;
    uint32_t mutant, mutant_permille;
    bool had_mutant;                      /* its frames may still be on their way */
    struct message replay[REPLAY_FRAMES]; /* old frames; bytes NULL: none yet */
    uint64_t sent_bytes;                  /* by replicas to peers */
};

/* replica_net.c */
void net_push(struct replica_net *net, const struct message *message);
void net_free_message(struct message *message);
/* A pass of a node: it is given the time; what it did becomes durable, its frames leave. */
void net_begin_pass(struct net_node *node);
void net_end_pass(struct net_node *node);

/* replica_net_peers.c */
struct transport_key net_transport_key(uint32_t index);
struct public_key net_consensus_key(uint32_t index);
/* The key that a node may be given for its own's place. */
struct public_key net_next_key(uint32_t index);
/* The node in a slot of this one's table, and the slot of a node: PEER_NONE. */
uint32_t net_node_of(const struct net_node *node, uint32_t slot);
uint32_t net_slot_of(const struct net_node *node, uint32_t other);
/* Links come up and go down as they should be now. */
void net_relink(struct replica_net *net);
uint32_t net_observers(const struct replica_net *net,
                       struct peer_observer ret_observers[NET_NODES_MAX]);

/* replica_net_io.c */
struct node_io net_node_io(struct net_node *node);
struct signature net_stand_in(const struct public_key *key, const uint8_t *message, size_t length);

/* replica_net_keys.c */
/* A key signed this; what the pass signed leaves at its end, or never. */
void net_keys_signed(struct net_node *node, const uint8_t *message, size_t length);
void net_keys_left(struct net_node *node);
void net_keys_end(struct net_node *node);

/* replica_net_incarnation.c */
/* The consensus key of a node: another one in each incarnation. */
struct public_key net_own_key(const struct net_node *node);
/* Opens a stopped node's store with the present documents, and gives the replica back at once. */
enum status net_try(struct replica_net *net, uint32_t node, char *ret_error, size_t capacity);
/* All nodes are stopped. Another document continues the last final block of a node's store; every
   node has a new key, and a register that knows the new chain alone. Blocks beyond it are lost. */
void net_continue(struct replica_net *net, uint32_t node);
void net_incarnations_end(struct replica_net *net);
/* After a change of the newest document. */
void net_seal_newest(struct replica_net *net);
/* What a stopped or running node's store says of its last final block. */
struct final_point net_final_of(const struct replica_net *net, uint32_t node);

/* replica_net_keys.c */
/* What the node's former keys signed no longer counts. */
void net_keys_forget(struct net_node *node);

/* replica_net_batches.c */
void net_fill_genesis(struct genesis *genesis, uint32_t nodes);
/* CLEARs between participants 3.. from this number on; records are zeroed. */
void net_fill_records(struct record *records, uint32_t submitter, uint64_t number, uint32_t count);
struct net_batch_terms {
    struct hash chain_id;
    uint32_t submitter;
    uint64_t created_ms, expires_ms;
};
/* The signed batch, malloc'ed. */
uint8_t *net_make_batch(const struct net_batch_terms *terms, struct record *records, uint32_t count,
                        size_t *ret_length);
/* calloc that cannot fail. */
void *net_array(size_t count, size_t size);

#endif
