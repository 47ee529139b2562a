/*
 * node_io: everything a replica does to the outside world, behind one table of functions, so that
 * the same replica runs on LMDB, nng and the system clock (node/loop) and in a simulator.
 *
 * One pass of the loop is one transaction: what put, del and register_write are given becomes
 * durable in commit; frames and replies given to send and reply leave only after it (the loop holds
 * them back). A storage failure never returns: the process ends (docs/operations.md, Storage
 * failures).
 */
#ifndef HEFU_NODE_NODE_IO_H
#define HEFU_NODE_NODE_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "base/keys.h"
#include "consensus/consensus.h"
#include "node/link.h"
#include "node/metrics.h"
#include "node/peers.h"
#include "node/store.h"
#include "proto/client_codec.h"

struct node_io {
    void *context;

    /* Storage. get's value is valid until the next put, del or end of the pass. */
    bool (*get)(void *context, enum store_table table, const void *key, size_t key_length,
                struct span *ret_value);
    void (*put)(void *context, enum store_table table, const void *key, size_t key_length,
                const void *value, size_t value_length);
    /* As put, for keys that come in ascending order after all keys of the table. */
    void (*append)(void *context, enum store_table table, const void *key, size_t key_length,
                   const void *value, size_t value_length);
    void (*del)(void *context, enum store_table table, const void *key, size_t key_length);
    /* The first entry with key >= from (from_length may be 0); false at the end. */
    bool (*seek)(void *context, enum store_table table, const void *from, size_t from_length,
                 struct span *ret_key, struct span *ret_value);
    /* The register of one of this node's consensus keys: durable after the commit of this pass; the
       last one of a pass wins. */
    void (*register_write)(void *context, const struct public_key *owner,
                           const struct vote_register *vote_register);
    /* Notes the batches that are about to be executed (count 0: done), outside the transaction and
       without a sync: it must survive a crash of the process, not of the machine
       (docs/consensus.md, Quarantine). */
    void (*mark_trying)(void *context, const struct hash *batch_ids, uint32_t count);

    /* Network. peer: a slot of the table that peers was last given; broadcast is to all validators
       of this epoch; session: a client's link. All copy the bytes. */
    void (*send)(void *context, uint32_t peer, enum link_class class, const uint8_t *frame,
                 size_t length);
    void (*broadcast)(void *context, enum link_class class, const uint8_t *frame, size_t length);
    void (*reply)(void *context, uint64_t session, const uint8_t *frame, size_t length);
    /* Who may link as a peer from now on; to be copied. NULL if nobody needs to know. */
    void (*peers)(void *context, const struct peers *peers);

    /* Signs with one of this node's consensus keys: votes, and batches of its own. */
    void (*sign)(void *context, const struct public_key *signer, const uint8_t *message,
                 size_t length, struct signature *ret_signature);
    bool (*verify)(void *context, const struct public_key *key, const uint8_t *message,
                   size_t length, const struct signature *signature);

    /* Hands a batch to the verify pool; the answer comes back as replica_batch_verified. bytes are
       malloc'ed and pass over. */
    void (*verify_batch)(void *context, uint64_t token, uint8_t *bytes, size_t length,
                         const struct public_key *key);

    /* The shell's own counters for a status report: up to max names (static) and values. */
    uint32_t (*counters)(void *context, uint32_t max, struct client_counter *ret_counters);
    /* The shell's own metrics with labels. NULL if it has none. */
    void (*metrics)(void *context, struct metric_list *metrics);

    void (*log)(void *context, const char *level, const char *event, const char *fields);
};

#endif
