/*
 * replica_rejoin: what people are told while a key's register is rejoining, behind, or under a
 * pending floor, and what forbids a start (docs/consensus.md, Rejoin; docs/operations.md,
 * Rejoining). The rules themselves are consensus/rejoin.c's.
 */
#include <inttypes.h>

#include "consensus/rejoin.h"
#include "node/replica_state.h"

#define REJOINING_TEXT                                                                             \
    "rejoining: this node signs nothing until enough others that may vote have been heard"

const char *replica_rejoin_forbids(const struct replica *replica)
{
    const struct vote_register *reg = &replica->registers[replica->own_key];
    if (!replica_votes(replica) || !reg->rejoining) {
        return NULL;
    }
    if (replica->validators->count < REJOIN_VALIDATORS_MIN) {
        return "this key cannot rejoin: a quorum of others must tell where they stand while one is "
               "missing, which takes four validators or more; replace the key by an action, or "
               "begin a new incarnation (docs/operations.md, Rejoining)";
    }
    return NULL;
}

/* Who does not vote has nothing to rejoin. */
void replica_rejoin_opened(struct replica *replica)
{
    const struct vote_register *reg = &replica->registers[replica->own_key];
    replica_alarm(replica, REJOINING_TEXT, replica_votes(replica) && reg->rejoining);
}

void replica_rejoin_note(struct replica *replica, const struct vote_register *next)
{
    const struct vote_register *now = &replica->registers[replica->own_key];
    if (now->rejoining && !next->rejoining) {
        replica_log(replica, "warn", "rejoined", "floor_epoch=%" PRIu64 " floor_view=%" PRIu64,
                    next->floor_epoch, next->floor_view);
    } else if (now->floor_pending && !next->floor_pending && !next->rejoining) {
        replica_log(replica, "info", "floor_settled", "floor_epoch=%" PRIu64 " floor_view=%" PRIu64,
                    next->floor_epoch, next->floor_view);
    }
    replica_alarm(replica, REJOINING_TEXT, next->rejoining);
}
