/*
 * peers: the nodes that may link as peers: the validators of this epoch and of the last one, the
 * new ones of an approved change, those that begin the newest incarnation while an earlier one is
 * followed, and the observers of the configuration (docs/consensus.md, Epochs, Incarnations). Each
 * has a slot that stays its own for as long as it is listed, so that links, sources of blocks and
 * holders of batches mean the same node before and after a change of validators.
 *
 *   slot        0     1     2     3     4          5
 *   kind        VALIDATOR ........      FORMER     OBSERVER
 *   validator   0     1     3     2     none       none         index in this epoch's set
 *
 * Consensus knows validator indexes only; links and the rest of the node know slots.
 */
#ifndef HEFU_NODE_PEERS_H
#define HEFU_NODE_PEERS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/keys.h"
#include "base/limits.h"

#define PEER_NONE UINT32_MAX
#define PEER_NAME_MAX 64

enum peer_kind {
    PEER_FREE,
    PEER_VALIDATOR, /* of this epoch */
    PEER_FORMER,    /* of the last epoch and not of this one */
    PEER_CANDIDATE, /* new in an approved change */
    PEER_OBSERVER,  /* of the configuration */
    PEER_SUCCESSOR, /* of the newest document, while an earlier incarnation is followed */
};

struct peer_entry {
    enum peer_kind kind;
    uint32_t validator; /* index in this epoch's set, or PEER_NONE */
    struct transport_key key;
    char name[PEER_NAME_MAX];
};

/* A node that the configuration lets link. */
struct peer_observer {
    char name[PEER_NAME_MAX];
    struct transport_key key;
};

struct peers {
    struct peer_entry slots[LIMIT_PEERS];
    uint32_t own; /* this node's slot, or PEER_NONE */
    uint32_t of_validator[LIMIT_VALIDATORS];
    uint32_t validator_count;
};

/* Nobody. */
void peers_init(struct peers *peers);

/*
 * Makes the table hold exactly the entries of the list, this epoch's validators first and in order;
 * of two with one transport key the first counts. Who was there keeps its slot, a new one gets the
 * slot of its place in the list, or else the first free one. own is this node's transport key.
 * ret_freed (LIMIT_PEERS), unless NULL, tells which slots changed hands or became free. True if
 * anything changed.
 */
bool peers_update(struct peers *peers, const struct peer_entry *list, uint32_t count,
                  const struct transport_key *own, bool *ret_freed);

/* The slot of a validator of this epoch. */
uint32_t peers_of_validator(const struct peers *peers, uint32_t validator);
/* The slot with that key, or PEER_NONE. */
uint32_t peers_find(const struct peers *peers, const struct transport_key *key);
/* "validator", "former validator" ... Static storage. */
const char *peer_kind_name(enum peer_kind kind);

#endif
