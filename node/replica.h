/*
 * replica: one validator's whole behaviour above node_io: it joins consensus (which orders opaque
 * blocks) to the ledger (which gives them meaning), and serves peers and clients.
 *
 *   frames ─► replica_peer_frame ─► consensus_step ─► effects ─► put / send / execute / commit
 *   frames ─► replica_client_frame ─► pool ─► (pushed to all validators, named by a leader)
 *   timer  ─► replica_tick
 *   end of pass ─► the caller commits, then lets the pass's frames go
 *
 * One thread calls all of it. Every call is given the time first by replica_time.
 */
#ifndef HEFU_NODE_REPLICA_H
#define HEFU_NODE_REPLICA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/shorthash.h"
#include "base/status.h"
#include "consensus/consensus.h"
#include "ledger/ledger.h"
#include "node/node_io.h"
#include "node/peers.h"
#include "node/verify.h"

/* A consensus key of this node and what its register holds, which is borrowed during open. */
struct replica_key {
    struct public_key key;
    const struct vote_register *vote_register;
};

#define REPLICA_KEYS_MAX 2

struct replica_config {
    const struct lineage *lineage; /* all documents of the network; outlives the replica */
    /* The node votes while one of its keys is in the epoch's set; with none it is an observer. The
       second one is the next: it takes the first one's place by an action. */
    struct replica_key keys[REPLICA_KEYS_MAX];
    uint32_t key_count;
    struct transport_key transport_key;    /* own */
    const struct peer_observer *observers; /* borrowed during open */
    uint32_t observer_count;
    uint64_t pool_bytes;
    /* Of the indexes whose keys peers and clients choose: random in a node, so that nobody can
       choose what collides; always the same in a simulator. */
    uint8_t hash_key[SHORTHASH_KEY_BYTES];
    /* The batches that were being executed when the process died: they become suspects, which are
       named one at a time; one that three starts died on alone is quarantined. Borrowed during
       open. */
    const struct hash *crashed_batches;
    uint32_t crashed_count;
};

struct replica;

/*
 * Takes up what the store holds, or writes genesis into an empty one. Errors: WRONG_CHAIN (the
 * store belongs to another genesis, or does not lead to the root of a later incarnation), CORRUPT,
 * DENIED (the register forbids), with a sentence in ret_error. The first pass is to be committed by
 * the caller as any other.
 */
enum status replica_open(const struct node_io *io, const struct replica_config *config,
                         uint64_t now_ms, uint64_t monotonic_ms, struct replica **ret_replica,
                         char *ret_error, size_t capacity) MUST_USE;
void replica_free(struct replica *replica);

/* The time of all calls until the next one: wall clock and a clock that never goes back. */
void replica_time(struct replica *replica, uint64_t now_ms, uint64_t monotonic_ms);

/* peer: a slot (node/peers.h). */
void replica_peer_up(struct replica *replica, uint32_t peer);
void replica_peer_down(struct replica *replica, uint32_t peer);
/* BAD input returns a status other than OK, for the caller to count; nothing else happens. */
enum status replica_peer_frame(struct replica *replica, uint32_t peer, const uint8_t *frame,
                               size_t length) MUST_USE;

enum client_role { CLIENT_PARTICIPANT, CLIENT_OPERATOR };
void replica_client_up(struct replica *replica, uint64_t session, enum client_role role,
                       uint32_t participant);
void replica_client_down(struct replica *replica, uint64_t session);
enum status replica_client_frame(struct replica *replica, uint64_t session, const uint8_t *frame,
                                 size_t length) MUST_USE;

/* The verify pool's answer; takes over the result's memory. */
void replica_batch_verified(struct replica *replica, const struct verify_result *result);

/* Timers: consensus, ripening batches, retries, waiting clients. */
void replica_tick(struct replica *replica);
/* To be called before the commit of a pass: announces what the pass has taken in. */
void replica_pass_end(struct replica *replica);
/* The monotonic time by which replica_tick wants to be called. */
uint64_t replica_next_deadline(const struct replica *replica);

/* Raises or clears an alarm from outside (disk space ...); text is static. */
void replica_alarm(struct replica *replica, const char *text, bool raised);
/* Stops taking new batches (free space low), or takes them again. */
void replica_refuse_batches(struct replica *replica, bool refuse);

/* The validators of this epoch; valid until the next call that may commit a block. */
const struct validator_set *replica_validators(const struct replica *replica);
const struct peers *replica_peers(const struct replica *replica);
/* Whether one of this node's keys is new in the approved change of validators. */
bool replica_is_candidate(const struct replica *replica);

struct replica_view {
    struct consensus_view consensus;
    uint32_t own_index; /* in this epoch's set, or CONSENSUS_OBSERVER */
    uint32_t validator_count;
    uint32_t pool_batches;
    uint64_t pool_bytes;
    uint64_t total_records;
    uint64_t batches_accepted, batches_refused, blocks_built, blocks_checked, blocks_invalid;
    uint64_t execute_microseconds; /* filled by the shell's clock, for status only */
    uint64_t peer_frames_ignored;  /* votes and the like from peers that do not vote now */
    uint64_t evidence_refused;     /* forged, or no evidence at all */
    uint32_t sessions;
};
void replica_inspect(const struct replica *replica, struct replica_view *ret_view);

#endif
