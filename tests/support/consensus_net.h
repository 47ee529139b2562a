/*
 * consensus_net: several consensus machines on one simulated network, from one seed: virtual time,
 * delay, loss, duplication, partitions, crashes between any two effects (only what was persisted
 * survives), a Byzantine validator. It stands in for the shell: blocks, storage, the vote register,
 * fetching. Every vote ever made durable is watched (consensus_watch.c): I1 to I10 and I12 of
 * docs/consensus.md. A violation is recorded, and printed with the seed.
 *
 * A validator may run twice (a twin): two correct machines with one key, which know nothing of each
 * other. Nodes are machines; those from count on are the twins' second selves.
 */
#ifndef HEFU_TESTS_SUPPORT_CONSENSUS_NET_H
#define HEFU_TESTS_SUPPORT_CONSENSUS_NET_H

#include "base/prng.h"
#include "consensus/consensus.h"

#define NET_NODES_MAX 9
#define NET_NOBODY UINT32_MAX

struct net_config {
    uint32_t count;
    uint64_t seed;
    uint32_t byzantine; /* index, or NET_NOBODY */
    bool scripted;      /* the Byzantine validator does what the test's filter does, no more */
    uint32_t twins;     /* a bit a validator: it runs twice, and counts as faulty */
    uint32_t delta_ms, block_interval_ms, empty_interval_ms;
    uint32_t delay_max_ms; /* of a message */
    uint32_t skew_max_ms;  /* of a node's wall clock, either way */
    uint32_t loss_permille, duplicate_permille;
    uint32_t crash_permille; /* of a pass that changed anything */
};

/* A growing array of pointers. */
struct net_list {
    void **items;
    uint32_t count, capacity;
};

/* What survives a crash: one transaction a pass, and the register after it. */
struct net_storage {
    struct net_list votes;        /* struct vote, own */
    struct net_list certificates; /* struct certificate */
    struct net_list chain;        /* struct net_final, by height - 1 */
    struct net_list open;         /* struct net_block */
};

struct net_block {
    struct consensus_block block;
    bool valid;
    uint32_t index;
};

struct net_final {
    struct net_block *block;
    struct certificate *finalization;
};

struct net_fetch {
    bool active;
    struct net_block *block;
    uint32_t tries, peer;
    uint64_t due_ms;
};

struct net_node {
    uint32_t index;      /* of the machine */
    uint32_t self;       /* the validator that it is */
    bool alive, stopped; /* stopped: a directed test keeps it down */
    uint32_t life;       /* counts restarts, so that answers to an earlier life are dropped */
    void *memory;
    struct consensus *consensus;
    struct net_storage storage;
    struct vote_register vote_register;
    int64_t skew_ms;
    uint8_t *holds; /* by block index: bytes in memory */
    uint32_t holds_capacity;
    struct net_fetch fetches[16];
    uint64_t tick_ms;    /* scheduled tick */
    uint64_t restart_ms; /* when down */
    bool has_work;
    uint64_t view_seen, final_seen; /* at the last durable pass, for I10 */
    uint32_t crash_countdown;       /* crash at the n-th boundary; 0: none planned */
    uint32_t alarms[8], halts;
    uint32_t checks, builds;
    uint64_t passes;  /* durable passes so far */
    uint64_t copy_at; /* after this pass storage is copied, for a rollback to it; 0: never */
    struct net_storage copy;
};

struct net_packet;
struct net_event;

/* A view's votes as the watcher knows them. */
struct net_view_votes;

struct net {
    struct net_config config;
    struct prng prng;
    uint64_t now_ms;
    uint64_t sequence, boundaries;
    uint64_t writes;   /* places around durable writes passed so far, over all nodes */
    uint64_t crash_at; /* the node that comes to this one of them crashes */
    bool crash_all_at; /* and so do all others */
    struct validator_set set;
    struct hash chain_id;
    uint32_t node_count; /* validators, and the second selves of twins */
    uint32_t faulty;     /* a bit a validator */
    struct net_node nodes[NET_NODES_MAX];
    struct net_list blocks; /* struct net_block, by index */
    struct net_event *heap;
    uint32_t heap_count, heap_capacity;
    struct net_list owned; /* freed at the end */
    bool blocked[NET_NODES_MAX][NET_NODES_MAX];
    bool linked[NET_NODES_MAX][NET_NODES_MAX]; /* the first may send to the second */
    bool chaos;
    struct effects effects;
    struct net_view_votes *views;
    uint64_t views_capacity;
    struct net_list finals; /* struct hash, by height - 1 */
    char violation[256];
    uint64_t steps, messages; /* messages: by receiver, before any is lost */
    uint64_t terminal_height; /* the block of this height is terminal; 0: none */
    /* A test may look at, and drop, each message: returns true to drop. */
    bool (*filter)(struct net *net, const struct effect *effect, uint32_t from, uint32_t to);
    void *filter_context;
};

struct net *net_new(const struct net_config *config);
void net_free(struct net *net);
/* Runs until the time, or a violation. */
void net_run(struct net *net, uint64_t until_ms);
/* Runs until every honest node that is not stopped has at least this height; false if until_ms
   passes before, or on a violation. */
bool net_run_to_height(struct net *net, uint64_t height, uint64_t until_ms);
/* Ends loss, partitions and crashes, and restarts who is down. */
void net_heal(struct net *net);
/* Whether the node's key is a faulty validator's: nothing is demanded of it. */
bool net_is_faulty(const struct net *net, const struct net_node *node);
uint64_t net_height(const struct net_node *node);
uint64_t net_lowest_height(const struct net *net);
void net_set_work(struct net *net, bool has_work);
void net_crash(struct net *net, uint32_t index);
void net_restart(struct net *net, uint32_t index);
void net_stop(struct net *net, uint32_t index);
void net_inject(struct net *net, uint32_t index, struct event *event);

/* A block that exists in the simulated world. */
struct net_block *net_make_block(struct net *net, const struct consensus_block *fields, bool valid);
struct net_block *net_block_of(struct net *net, const struct hash *hash);
void net_hold(struct net *net, struct net_node *node, const struct net_block *block);
/* Signs as a validator: for the Byzantine one, and for directed tests. */
void net_sign(struct net *net, struct vote *vote);
void net_sign_preimage(const struct public_key *key, const uint8_t *preimage,
                       struct signature *ret);
/* A copy of storage, for rollback tests; certificates and blocks are shared. */
struct net_storage net_storage_copy(const struct net_storage *storage);
/* Crashes the node, if it is up, and puts an earlier state of its storage in place, which passes
   over to it; the register stays. The node restarts by itself unless it is stopped. */
void net_roll_back(struct net *net, uint32_t index, struct net_storage *storage);

/* Lists and memory. */
void net_list_add(struct net_list *list, void *item);
void *net_own(struct net *net, const void *bytes, size_t size);

/* Sends copies of a message through the simulated network. */
void net_send(struct net *net, uint32_t from, uint32_t to, const struct effect *effect);

/* consensus_byzantine.c: what the faulty validator does beside being honest. */
bool byzantine_send(struct net *net, uint32_t to, const struct effect *effect);
void byzantine_sees(struct net *net, const struct event *event);

/* consensus_watch.c: the invariants. */
void watch_vote(struct net *net, struct net_node *node, const struct vote *vote);
void watch_sent(struct net *net, struct net_node *node, const struct vote *vote);
void watch_commit(struct net *net, struct net_node *node, const struct net_block *block,
                  const struct certificate *finalization);
/* The register never goes back. */
void watch_register(struct net *net, const struct net_node *node, const struct vote_register *next);
/* A rollback lost votes that the register never had, so they never left the node. */
void watch_forget(struct net *net, const struct net_node *node);
void watch_evidence(struct net *net, const struct evidence *evidence);
void watch_node(struct net *net, struct net_node *node);
void watch_free(struct net *net);
void net_violation(struct net *net, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
