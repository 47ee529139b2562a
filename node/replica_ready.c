/*
 * replica_ready: a new member of an approved change of validators says READY once it has caught up
 * (docs/consensus.md, Epochs): the change takes effect only when all of them have. Until then the
 * node follows as an observer does.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "ledger/action.h"
#include "node/replica_state.h"

/* How far behind what a quorum has a node may be that counts as caught up. */
#define BEHIND_MAX 2
/* A READY that no block has named by then is made anew. */
#define AGAIN_MS 30000u
#define BATCH_LIFE_MS (3600u * 1000u)
#define READY_BODY_BYTES (ACTION_HEAD_BYTES + HASH_BYTES)

static int falling(const void *a, const void *b)
{
    const uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return left < right ? 1 : left > right ? -1 : 0;
}

/* Whether this node has, but for a little, what a quorum of this epoch's validators say they have:
   the height that the q-th of them claims cannot be a lie of f. */
static bool caught_up(const struct replica *replica)
{
    uint64_t heights[LIMIT_VALIDATORS];
    uint32_t count = 0;
    for (uint32_t i = 0; i < replica->set.count; i++) {
        const uint32_t peer = replica_peer_of(replica, i);
        if (replica_is_own(replica, peer)) {
            heights[count++] = replica->final.height; /* another key of this node votes */
        } else if (replica->peers[peer].up && replica->peers[peer].heard) {
            heights[count++] = replica->peers[peer].final_height;
        }
    }
    if (count < replica->set.quorum) {
        return false;
    }
    qsort(heights, count, sizeof heights[0], falling);
    return replica->final.height + BEHIND_MAX >= heights[replica->set.quorum - 1];
}

static void send(struct replica *replica, const struct public_key *key, uint32_t participant,
                 const struct hash *action_id)
{
    uint8_t bytes[BATCH_PREFIX_BYTES + READY_BODY_BYTES];
    uint8_t signed_bytes[BATCH_SIGNED_BYTES];
    uint8_t *body = bytes + BATCH_PREFIX_BYTES;
    const struct action ready = {.kind = ACTION_READY, .subject = *action_id};
    struct writer writer = writer_over(body, READY_BODY_BYTES);
    struct signature signature;
    struct hash id;
    const char *field = "";
    action_encode(&ready, &writer);
    CHECK(!writer.failed && writer.used == READY_BODY_BYTES);
    const struct batch_header header = {.version = BATCH_VERSION,
                                        .kind = BATCH_ACTION,
                                        .participant = participant,
                                        .key_no = validator_key_no(key),
                                        .count = 1,
                                        .created_ms = replica->now_ms,
                                        .expires_ms = replica->now_ms + BATCH_LIFE_MS,
                                        .chain_id = replica->chain_id,
                                        .records_root = batch_body_root(body, READY_BODY_BYTES)};
    batch_signed_bytes(&header, signed_bytes);
    replica->io.sign(replica->io.context, key, signed_bytes, sizeof signed_bytes, &signature);
    memcpy(bytes, &header, sizeof header);
    memcpy(bytes + BATCH_HEADER_BYTES, signature.bytes, sizeof signature.bytes);
    /* Through the same door as a client's: it is verified, stored, pooled and pushed to all. */
    const enum status status =
        replica_batches_take(replica, bytes, sizeof bytes, UINT32_MAX, &id, &field);
    replica_log(replica, status == STATUS_OK ? "info" : "warn", "ready",
                "height=%" PRIu64 " status=%s", replica->final.height, status_name(status));
}

void replica_ready_tick(struct replica *replica)
{
    struct ledger_validator candidate;
    struct hash action_id;
    bool ready;
    if ((replica->ready_ms != 0 && replica->monotonic_ms < replica->ready_ms + AGAIN_MS) ||
        !replica_incarnation_is_newest(replica)) {
        return;
    }
    for (uint32_t i = 0; ledger_candidate(replica->ledger, i, &candidate, &action_id, &ready);
         i++) {
        for (uint32_t k = 0; k < replica->config.key_count && !ready; k++) {
            const struct public_key *key = &replica->config.keys[k].key;
            if (memcmp(key->bytes, candidate.validator.key.bytes, sizeof key->bytes) == 0 &&
                caught_up(replica)) {
                replica->ready_ms = replica->monotonic_ms;
                send(replica, key, candidate.validator.participant, &action_id);
            }
        }
    }
}
