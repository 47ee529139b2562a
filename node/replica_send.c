/*
 * replica_send: frames to peers (docs/transport.md, Frames). What consensus says goes to the
 * validators of this epoch; proposals and statuses carry the finalization that opened the epoch
 * while nothing in it is final, so that nobody stays behind in the last one.
 */
#include <string.h>

#include "base/check.h"
#include "node/replica_state.h"

void replica_send(struct replica *replica, uint32_t peer, enum link_class class,
                  const struct peer_message *message)
{
    size_t length;
    CHECK(peer_encode(message, replica->frame, LIMIT_FRAME_BYTES, &length) == STATUS_OK);
    if (peer == CONSENSUS_ALL) {
        replica->io.broadcast(replica->io.context, class, replica->frame, length);
    } else if (!replica_is_own(replica, peer)) {
        replica->io.send(replica->io.context, peer, class, replica->frame, length);
    }
}

void replica_send_vote(struct replica *replica, uint32_t peer, const struct vote *vote)
{
    struct peer_message message = {.kind = PEER_VOTE, .vote = *vote};
    replica_send(replica, peer, LINK_VOTE, &message);
}

void replica_send_certificate(struct replica *replica, uint32_t peer,
                              const struct certificate *certificate)
{
    struct peer_message message = {.kind = PEER_CERTIFICATE, .certificate = certificate};
    replica_send(replica, peer, LINK_VOTE, &message);
}

/* The finalization that opened this epoch, while the block it made final is the last one. */
static const struct certificate *opening(struct replica *replica)
{
    const struct block_row *block;
    if (replica->final.epoch == replica->validators->epoch ||
        chain_block(&replica->chain, replica->final.height, &block) != STATUS_OK ||
        !block->has_finalization) {
        return NULL;
    }
    return &block->finalization;
}

/* The body goes along whenever it is here: it is small, and a follower may have missed it. */
void replica_send_proposal(struct replica *replica, uint32_t peer, const struct proposal *proposal)
{
    struct peer_message message = {.kind = PEER_PROPOSAL, .proposal.body = *proposal};
    const struct open_block *block =
        replica_open_find(replica, &proposal->vote.candidate.block_hash);
    message.proposal.body.has_block = block != NULL;
    if (block != NULL) {
        message.proposal.block = (struct peer_block){.header = (const uint8_t *)&block->header,
                                                     .batch_ids = block->batch_ids,
                                                     .batch_count = block->header.batch_count};
    }
    if (message.proposal.body.final == NULL) {
        message.proposal.body.final = opening(replica);
    }
    replica_send(replica, peer, LINK_PROPOSAL, &message);
}

void replica_send_status(struct replica *replica, uint32_t peer, const struct peer_status *status)
{
    struct peer_message message = {.kind = PEER_STATUS, .status = *status};
    if (message.status.final == NULL) {
        message.status.final = opening(replica);
    }
    replica_send(replica, peer, LINK_VOTE, &message);
}

void replica_send_have(struct replica *replica, uint32_t peer, const struct hash *ids,
                       uint32_t count)
{
    struct peer_message message = {.kind = PEER_BATCH_HAVE,
                                   .batch_ids = {.ids = ids, .count = count}};
    replica_send(replica, peer, LINK_VOTE, &message);
}

void replica_send_batch(struct replica *replica, uint32_t peer, const uint8_t *bytes, size_t length,
                        bool catching_up)
{
    struct peer_message message = {
        .kind = PEER_BATCH,
        .batch = {.bytes = {.data = bytes, .length = length}, .pushed = !catching_up}};
    replica_send(replica, peer, catching_up ? LINK_CATCHUP : LINK_BATCH, &message);
}

void replica_send_batch_request(struct replica *replica, uint32_t peer, const struct hash *ids,
                                uint32_t count)
{
    struct peer_message message = {.kind = PEER_BATCH_REQUEST,
                                   .batch_ids = {.ids = ids, .count = count}};
    replica_send(replica, peer, LINK_VOTE, &message);
}

void replica_send_evidence(struct replica *replica, const struct evidence *evidence)
{
    struct peer_message message = {.kind = PEER_EVIDENCE, .evidence = *evidence};
    replica_send(replica, CONSENSUS_ALL, LINK_VOTE, &message);
}
