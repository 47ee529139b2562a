/*
 * sim_state: the inside of the simulator, shared by its files:
 *
 *   sim_queue.c    what will happen, in order of time
 *   sim_world.c    building a network from a seed; starting and stopping nodes
 *   sim_pass.c     one pass of a node: durable first, then the frames leave, or a crash between
 *   sim_io.c       node_io on the simulated disk, network and clock
 *   sim_net.c      who hears whom, when, how often
 *   sim_epochs.c   validators of each epoch, who a node has for peers, changes of validators
 *   sim_faults.c   what goes wrong, and healing
 *   sim_load.c     clients
 *   sim_records.c  the products of the network, and the records that clients file
 *   sim_actions.c  what participants decide: limits, standing, parameters, cycles
 *   sim_money.c    conservation of money at each height
 *   sim_watch.c    I6, I7, I3, I4, I8 to I11: every vote that is ever signed
 *   sim_finals.c   I1, I2, I5, I12 to I14: every block that is ever final, rows, memory
 *   sim_run.c      the loop
 *   actor_*.c      faulty validators
 */
#ifndef HEFU_TESTS_SIM_SIM_STATE_H
#define HEFU_TESTS_SIM_SIM_STATE_H

#include "base/check.h"
#include "base/prng.h"
#include "node/replica_state.h"
#include "node/store.h"
#include "tests/sim/sim.h"
#include "tests/support/memory_table.h"

#define SIM_NODES_MAX 13
/* Keys: the validators of genesis, and those that join or only follow. */
#define SIM_KEYS_MAX 16
/* Machines: one a key, and the second copies of twins. */
#define SIM_SLOTS_MAX 24
#define SIM_EPOCHS_MAX 4
/* 22:13:55 in the network's time zone: five seconds before its first cut-off, and then one a
   minute. */
#define SIM_WALL_MS 1790000035000ull
#define SIM_CUTOFF_MINUTE 1334
#define SIM_BATCH_RECORDS 4
/* Proposed actions that clients still answer. */
#define SIM_PROPOSALS 8
#define SIM_SESSION 1000
#define SIM_HEIGHTS_MAX 16384
#define SIM_TALLIES 8
/* Old frames that actors and floods may repeat. */
#define SIM_OLD_FRAMES 64
#define SIM_POOL_BYTES (256u << 10)
#define SIM_FRAME_MAX (256u << 10)

/* A frame on its way; shared by all its receivers. */
struct sim_frame {
    uint32_t refs;
    uint32_t length;
    enum peer_message_kind kind;
    uint8_t bytes[];
};

enum sim_event_kind { SIM_FRAME, SIM_REQUEST, SIM_VERIFIED };

struct sim_event {
    uint64_t due_ms, order;
    enum sim_event_kind kind;
    uint8_t from; /* the sender's keys */
    uint8_t to;   /* slot */
    uint32_t life;
    union {
        struct sim_frame *frame; /* of a peer, or of a client */
        struct verify_result *result;
    };
};

/* A vote that a node signed and that is not yet known to be durable. */
struct sim_vote {
    enum vote_kind kind;
    bool persisted; /* a row was put */
    bool committed; /* the pass that put it was committed; the register was not written */
    uint64_t epoch, view;
    struct hash digest;
    struct candidate candidate;
};
#define SIM_SIGNED_MAX 64
#define SIM_FAULTS_MAX 24

struct sim;
struct sim_node;

/*
 * What makes a validator faulty. The node below runs the real replica; an actor changes what leaves
 * it, and acts on what comes. NULL functions are honest.
 */
struct sim_actor {
    const char *name;
    /* The node is about to send: true if the actor has dealt with it. */
    bool (*send)(struct sim_node *node, uint32_t to, struct sim_frame *frame,
                 const struct peer_message *message);
    /* A frame has come, before the replica sees it: true if it is not to see it. */
    bool (*hear)(struct sim_node *node, uint32_t from, const struct peer_message *message);
    /* Now and then. */
    void (*act)(struct sim_node *node);
};

struct sim_out {
    uint32_t to; /* keys */
    struct sim_frame *frame;
};

struct sim_node {
    struct sim *sim;
    uint32_t slot; /* the machine */
    uint32_t id;   /* its keys: the same for the two copies of a twin */
    bool running;
    bool faulty;
    const struct sim_actor *actor;
    enum sim_actor_kind actor_kind;
    uint32_t life;
    uint64_t restart_ms; /* when it is down */
    uint64_t deadline_ms;
    struct replica *replica;

    struct memory_store store;
    struct memory_store snapshot; /* an earlier state, to be rolled back to */
    bool has_snapshot;
    uint64_t rollback_ms;                   /* when it comes back */
    struct vote_register register_snapshot; /* of the same moment */
    struct vote_register vote_register;     /* as durable */
    struct vote_register register_next;
    bool register_pending;
    struct hash died_on[LIMIT_BLOCK_BATCHES];
    uint32_t died_count;

    int64_t clock_ms; /* its wall clock less the true time */
    uint32_t slow_ms;
    uint64_t cannot_sign_ms; /* since when; 0: it can */
    /* What an actor has dealt with already, so that two of them do not answer each other for ever.
     */
    uint64_t dealt_with[256];

    /* The crash to come: after so many effects. 0: none. */
    uint32_t fuse;
    bool blown;
    bool tear; /* it crashes between the next commit and the register's write */

    /* Its table of peers: slot to keys, keys to slot. */
    uint32_t id_of_slot[LIMIT_PEERS];
    uint32_t slot_of_id[SIM_KEYS_MAX];

    struct sim_vote pending[SIM_SIGNED_MAX];
    uint32_t pending_count;
    struct sim_out *outbox;
    uint32_t out_count, out_capacity;
    struct sim_frame **replies;
    uint32_t reply_count, reply_capacity;

    /* What was seen of it. */
    uint64_t seen_height, seen_epoch, seen_view, seen_final_view;
    bool seen_halt;
    bool forgot;                /* its store was lost or rolled back once, or is to be */
    struct consensus_view last; /* counters of this life */
};

/* A batch that a client filed, or was told is accepted. */
struct sim_promise {
    struct hash batch_id;
    uint64_t expires_ms;
};
#define SIM_PROMISES_MAX 8192
#define SIM_FILED_MAX 1024 /* the newest; answers come within seconds */
/* The batches of all final blocks: an open table, filled by less than half. */
#define SIM_FINAL_BATCHES (1u << 14)

struct watch_tally {
    struct hash digest;
    uint32_t notarize, finalize; /* a bit a key */
};

struct watch_view {
    uint32_t nullify;
    uint32_t count;
    struct watch_tally tallies[SIM_TALLIES];
};

/* The validators of an epoch, and what they signed. */
struct watch_epoch {
    struct validator_set set;
    uint32_t ids[SIM_KEYS_MAX]; /* keys of each member */
    uint32_t members;           /* a bit a key */
    uint32_t faulty_count;
    struct watch_view *views;
    uint64_t capacity;
};

struct watch {
    struct watch_epoch epochs[SIM_EPOCHS_MAX];
    uint32_t epoch_count;
    struct hash *finals; /* by height */
    uint64_t final_count;
    struct hash *final_batches; /* SIM_FINAL_BATCHES places, by their first bytes; zero: free */
    uint32_t final_batch_count;
    uint32_t accused; /* a bit a key that evidence names */
};

/* How likely each fault is, drawn once a seed: runs with few kinds of fault find what runs with all
   of them hide. */
struct sim_mood {
    uint32_t loss_permille, duplicate_permille;
    uint32_t delay_ms, tail_permille, tail_ms;
    bool ordered;
    uint32_t weights[SIM_FAULTS_MAX];
    uint32_t fault_gap_ms, load_gap_ms;
    uint32_t copy_after; /* faults until a store is copied; 0: by chance only */
};

/* A change of validators that the run is to see. */
struct sim_change {
    bool wanted;
    uint32_t add, remove; /* keys; SIM_KEYS_MAX: none. Both: replace */
    struct hash id;
    uint32_t step; /* of proposing and approving */
    uint64_t next_ms;
};

/* An action that somebody has proposed. */
struct sim_proposal {
    uint32_t by;
    struct hash id;
};

struct sim {
    struct sim_options options;
    struct sim_result *result;
    struct prng prng;
    uint64_t now_ms;
    uint64_t order;
    struct sim_event *queue;
    size_t queue_count, queue_capacity;

    struct genesis genesis;
    struct lineage lineage;
    struct hash chain_id;
    uint32_t count;  /* validators of genesis */
    uint32_t ids;    /* keys in all */
    uint32_t slots;  /* machines, twins included */
    uint32_t faulty; /* a bit a Byzantine key */
    uint32_t faulty_count, faulty_max;
    uint32_t forget_left; /* stores that may still be lost */
    struct sim_node nodes[SIM_SLOTS_MAX];
    uint8_t twin_routes[SIM_SLOTS_MAX]; /* by slot: 1, 2 or 3, the copies that it reaches */
    uint32_t twin_of[SIM_KEYS_MAX];     /* by keys: the second copy's slot; 0: none */
    bool cut[SIM_SLOTS_MAX][SIM_SLOTS_MAX];
    bool up[SIM_SLOTS_MAX][SIM_SLOTS_MAX]; /* the first believes the link to be up */
    uint64_t last_due[SIM_SLOTS_MAX][SIM_SLOTS_MAX];
    struct sim_mood mood;
    uint32_t sides; /* of the last partition, a bit a slot */

    struct sim_change change;
    bool peers_changed; /* a node has another table of peers */

    struct watch watch;
    uint64_t next_fault_ms, next_load_ms, next_act_ms;
    uint64_t batch_number, request;
    uint64_t summed_height; /* up to which the money is counted */
    struct sim_proposal proposals[SIM_PROPOSALS];
    uint32_t proposal_count;
    struct sim_promise promises[SIM_PROMISES_MAX];
    uint32_t promise_count;
    struct sim_promise filed[SIM_FILED_MAX];
    uint64_t filed_count;
    bool healed;
    bool over;
    uint64_t ticked_ms, ticks_now;
    struct sim_frame *old[SIM_OLD_FRAMES];
    uint8_t old_from[SIM_OLD_FRAMES];
    /* Scratch. */
    uint8_t *frame_buffer, *arena, *answer_arena;
};

/* sim_queue.c */
void sim_push(struct sim *sim, const struct sim_event *event);
struct sim_event sim_pop(struct sim *sim);
struct sim_frame *sim_frame_new(const uint8_t *bytes, size_t length);
struct sim_frame *sim_frame_share(struct sim_frame *frame);
void sim_frame_drop(struct sim_frame *frame);
void sim_event_free(struct sim_event *event);
void *sim_array(size_t count, size_t size);

/* sim_world.c */
struct sim *sim_new(const struct sim_options *options, struct sim_result *result);
void sim_free(struct sim *sim);
void sim_start(struct sim_node *node);
void sim_stop(struct sim_node *node);
/* Adds up what its consensus machine has counted. */
void sim_count_life(struct sim_node *node);
void sim_link(struct sim *sim, uint32_t a, uint32_t b, bool up);

/* sim_pass.c */
void sim_begin(struct sim_node *node);
/* The end of a pass; the node may be down after it. */
void sim_end(struct sim_node *node);
/* One effect more: true if this is where the node's crash is to be. */
bool sim_effect(struct sim_node *node);

/* sim_io.c */
struct node_io sim_io(struct sim_node *node);
void sim_sign_vote(struct sim_node *node, struct vote *vote);

/* sim_net.c */
/* To the node with these keys (whichever of its copies the sender is linked to). */
void sim_send(struct sim_node *from, uint32_t to, struct sim_frame *frame);
/* Encodes and sends, for actors. */
void sim_send_message(struct sim_node *from, uint32_t to, const struct peer_message *message);
/* The node's replica gets this frame from that peer now. */
void sim_hear_instead(struct sim_node *node, uint32_t from, const struct peer_message *message);
bool sim_decode(struct sim *sim, const struct sim_frame *frame, struct peer_message *ret_message);

/* sim_epochs.c */
void sim_draw_change(struct sim *sim);
void sim_change_step(struct sim *sim);
/* A batch with the body of an action, given to any running node. */
void sim_submit_body(struct sim *sim, uint32_t participant, const uint8_t *body, size_t body_length,
                     struct hash *ret_id);
void sim_take_peers(struct sim_node *node, const struct peers *peers);
/* Links follow the tables of peers. */
void sim_relink(struct sim *sim);
uint32_t sim_observers(const struct sim *sim, struct peer_observer ret_observers[SIM_KEYS_MAX]);
/* The validators of an epoch, if any node has entered it; else NULL. */
struct watch_epoch *sim_epoch(struct sim *sim, uint64_t epoch);
void sim_note_epoch(struct sim *sim, const struct validator_set *set);
/* The validators that this node knows now. */
const struct validator_set *sim_set_of(const struct sim_node *node);
/* Its index among the validators of an epoch; LIMIT_VALIDATORS if it is none. */
uint32_t sim_index_of(const struct watch_epoch *epoch, uint32_t id);
/* Whether the vote names this node's key as its signer. */
bool sim_is_own(const struct sim_node *node, const struct vote *vote);

/* sim_faults.c */
void sim_draw_mood(struct sim *sim);
void sim_fault(struct sim *sim);
void sim_restart_due(struct sim *sim);
void sim_heal(struct sim *sim);

/* sim_load.c */
void sim_fill_genesis(struct genesis *genesis, uint32_t nodes, struct prng *prng);
void sim_load(struct sim *sim);
void sim_answered(struct sim_node *node, const struct sim_frame *frame);
void watch_promises(struct sim *sim);

/* sim_records.c */
/* Currencies, services with short cut-offs and windows, schemes, limits. */
void sim_fill_products(struct genesis *genesis, struct prng *prng);
/* Who files the batch of that number, and its first records. */
uint32_t sim_submitter(uint64_t number);
void sim_fill_records(uint64_t number, struct record *records, uint32_t count);

/* sim_actions.c */
/* Banks propose and approve. */
void sim_fill_policies(struct genesis *genesis);
void sim_decide(struct sim *sim);

/* sim_money.c */
void watch_money(struct sim_node *node);
/* Counts what this node's ledger went through. */
void watch_went_through(struct sim_node *node);

/* sim_watch.c */
void watch_signed(struct sim_node *node, const uint8_t *preimage);
void watch_put(struct sim_node *node, enum store_table table, const void *key, const void *value,
               size_t value_length);
void watch_del(struct sim_node *node, enum store_table table, const void *key);
/* The pass is durable, register included. */
void watch_durable(struct sim_node *node);
void watch_register(struct sim_node *node);
void watch_torn(struct sim_node *node);
void watch_lost(struct sim_node *node);
void watch_sent(struct sim_node *node, const struct sim_frame *frame);
struct watch_view *watch_view_of(struct watch_epoch *epoch, uint64_t view);
bool watch_reaches(const struct watch_epoch *epoch, uint32_t honest);
void sim_violation(struct sim *sim, const char *invariant, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* sim_finals.c */
void watch_committed(struct sim_node *node);
void watch_certificate(struct sim_node *node, const struct certificate *certificate);
void watch_evidence(struct sim_node *node, uint32_t signer, const uint8_t *row);
/* Clients. */
void sim_submit(struct sim_node *node, const uint8_t *batch, size_t length);
struct sim_node *sim_running_node(struct sim *sim);
void watch_memory(struct sim_node *node);
void watch_end(struct sim *sim);

/* sim_run.c */
void sim_tell(struct sim *sim, const char *format, ...) __attribute__((format(printf, 2, 3)));
void sim_mix(struct sim *sim, uint64_t value);

/* Actors. */
extern const struct sim_actor ACTOR_EQUIVOCATOR, ACTOR_WITHHOLDER, ACTOR_TWIN, ACTOR_NULLIFIER,
    ACTOR_LIAR, ACTOR_MUTATOR;
const struct sim_actor *sim_actor_of(enum sim_actor_kind kind);
static inline void sim_acted(struct sim_node *node)
{
    node->sim->result->actors[node->actor_kind].actions++;
}

/* Whether an actor has dealt with this before; from now on it has. */
static inline bool sim_once(struct sim_node *node, uint64_t what)
{
    uint64_t *place = &node->dealt_with[(what * 0x9e3779b97f4a7c15ull) >> 56];
    const bool first = *place != what;
    *place = what;
    return first;
}

static inline uint64_t sim_least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

static inline uint64_t sim_most(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

static inline bool sim_chance(struct sim *sim, uint32_t permille)
{
    return prng_below(&sim->prng, 1000) < permille;
}

#endif
