/*
 * replica_net: whole replicas (consensus, ledger, pool, sync, clients) above a simulated node_io:
 * virtual time, memory for a disk, and a network that delays, loses and cuts, all from one seed.
 * Signatures are a fast stand-in: SipHash of the message under the public key, which the honest
 * code cannot tell apart.
 */
#ifndef HEFU_TESTS_SUPPORT_REPLICA_NET_H
#define HEFU_TESTS_SUPPORT_REPLICA_NET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/prng.h"
#include "ledger/ledger.h"
#include "node/replica.h"

#define NET_NODES_MAX 13

struct replica_net;

struct net_options {
    uint32_t nodes;
    uint32_t validators; /* of them in genesis, the first; 0: all. The rest follow: standbys */
    uint32_t observers;  /* of the rest, how many have no consensus key: the last */
    uint64_t seed;
    uint32_t loss_permille;
    uint32_t delay_ms_max;
    uint32_t duplicate_permille; /* frames between peers that arrive twice */
};

struct replica_net *replica_net_new(const struct net_options *options);
void replica_net_free(struct replica_net *net);

/* Runs until virtual time end_ms (from 0). Every invariant that one node's commit can break is
   checked at each commit: one hash a height over all nodes. */
void replica_net_run(struct replica_net *net, uint64_t end_ms);
/* Runs until all running nodes have the same height, at least height, and empty pools; false if
 * end_ms comes first. */
bool replica_net_settle(struct replica_net *net, uint64_t height, uint64_t end_ms);
uint64_t replica_net_now(const struct replica_net *net);

/* A batch of count CLEARs between participants 2.. from seed, signed by participant submitter
   (1-based, below 7). The same arguments give the same bytes. */
uint8_t *replica_net_batch(struct replica_net *net, uint32_t submitter, uint64_t number,
                           uint32_t count, size_t *ret_length);
/* A batch by the AGENT that funds every participant. */
uint8_t *replica_net_funding(struct replica_net *net, size_t *ret_length);
/* Submits over a client's session; the answer arrives later. */
void replica_net_submit(struct replica_net *net, uint32_t node, const uint8_t *batch,
                        size_t length);
/* How often clients got an answer of this kind (enum client_message_kind). */
uint32_t replica_net_answers(const struct replica_net *net, unsigned kind);

void replica_net_crash(struct replica_net *net, uint32_t node);
void replica_net_restart(struct replica_net *net, uint32_t node);
/* The node stops at the end of its next pass that writes the register: the pass is committed, the
   register is not written, and nothing is sent. */
void replica_net_tear(struct replica_net *net, uint32_t node);
/* The next start of a stopped node is told that it died while it executed this batch alone. */
void replica_net_died_on(struct replica_net *net, uint32_t node, const struct hash *batch_id);
/* Sets the node's wall clock this far ahead of the true time, from its next event on. */
void replica_net_set_clock(struct replica_net *net, uint32_t node, uint64_t ahead_ms);
/* From now on this many of a thousand frames that the node sends to peers arrive with some bytes
   changed, and as many old frames of anybody arrive once more as from it. 0: it is honest again. */
void replica_net_set_mutant(struct replica_net *net, uint32_t node, uint32_t permille);
/* A stopped node loses its whole store; its vote register, beside the key, stays. */
void replica_net_wipe(struct replica_net *net, uint32_t node);

/* What a node's disk holds now, to be put back later. */
struct net_backup;
struct net_backup *replica_net_backup(struct replica_net *net, uint32_t node);
void replica_net_backup_free(struct net_backup *backup);
/* A stopped node's store, or vote register, goes back to what it was. */
void replica_net_restore_store(struct replica_net *net, uint32_t node,
                               const struct net_backup *backup);
void replica_net_restore_register(struct replica_net *net, uint32_t node,
                                  const struct net_backup *backup);
/* A stopped node's register is lost, and the next start is with --rejoin. */
void replica_net_lose_register(struct replica_net *net, uint32_t node);
/* The next start of a stopped node is with --rejoin; the register is whole. */
void replica_net_mark_rejoining(struct replica_net *net, uint32_t node);
/* As it is durable. */
struct vote_register replica_net_register(const struct replica_net *net, uint32_t node);
/* How many votes ever left the node, in all its lives. That no two of them contradict each other
   (I6) is checked as they leave. */
uint64_t replica_net_votes(const struct replica_net *net, uint32_t node);

/* A frame made up by the test arrives at once, as from this peer; it may be refused. */
void replica_net_inject(struct replica_net *net, uint32_t from, uint32_t to, const uint8_t *frame,
                        size_t length);
/* Cuts (or heals) both directions between two nodes. */
void replica_net_cut(struct replica_net *net, uint32_t a, uint32_t b, bool cut);
void replica_net_set_loss(struct replica_net *net, uint32_t permille);

uint64_t replica_net_height(const struct replica_net *net, uint32_t node);
uint64_t replica_net_records(const struct replica_net *net, uint32_t node);
struct hash replica_net_hash_at(struct replica_net *net, uint32_t node, uint64_t height);
bool replica_net_running(const struct replica_net *net, uint32_t node);
uint64_t replica_net_epoch(const struct replica_net *net, uint32_t node);
/* A stopped node gets a second consensus key, which is to take the place of the first. */
void replica_net_give_next_key(struct replica_net *net, uint32_t node);
/* Whether the node is a validator of the epoch it is in. */
bool replica_net_votes_now(const struct replica_net *net, uint32_t node);
/* A batch in stored form that holds an action, signed by participant submitter; malloc'ed. */
struct action;
uint8_t *replica_net_action(struct replica_net *net, uint32_t submitter,
                            const struct action *action, size_t *ret_length, struct hash *ret_id);
/* The same with a body that is already encoded. */
uint8_t *replica_net_body(struct replica_net *net, uint32_t submitter, const uint8_t *body,
                          size_t body_length, size_t *ret_length, struct hash *ret_id);

#endif
