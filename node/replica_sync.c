/*
 * replica_sync: what peers say to this node: consensus messages of validators, requests, which are
 * answered from storage, and blocks that are final elsewhere (docs/consensus.md, Catch-up). A peer
 * that does not vote in this epoch may ask for anything, and say where it stands; its votes are
 * counted and dropped.
 *
 * Fetched blocks wait in a ring in order of height; only the child of the own final block is handed
 * to consensus, which verifies its finalization before anything is stored. The batches of all of
 * them are asked for at once, so that the ring is also the prefetch.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "node/memory.h"
#include "node/replica_state.h"

#define BLOCKS_PER_ANSWER 32
/* Between two requests for blocks because of one claim, if nothing came. */
#define CHASE_MS 1000
/* Between two finalizations that are looked at from one peer that does not vote, or that claims to
   be in a later epoch. */
#define HINT_MS 200
/* What one peer's requests may make this node send: at once, and from then on a second. */
#define ANSWER_BYTES_MAX (32u << 20)
#define ANSWER_BYTES_PER_MS (64u << 10)
/* An answer is charged what it may come to. */
#define BLOCKS_ANSWER_BYTES (BLOCKS_PER_ANSWER * ROW_BLOCK_BYTES_MAX)
#define CERTIFICATES_ANSWER_BYTES (PEER_CERTIFICATES_MAX * ROW_CERTIFICATE_BYTES_MAX)

bool replica_sync_may_answer(struct replica *replica, uint32_t peer, size_t bytes)
{
    struct peer_state *state = &replica->peers[peer];
    uint64_t elapsed_ms = replica->monotonic_ms - state->answer_ms;
    state->answer_ms = replica->monotonic_ms;
    if (elapsed_ms >= ANSWER_BYTES_MAX / ANSWER_BYTES_PER_MS) {
        state->answer_bytes = ANSWER_BYTES_MAX;
    } else {
        state->answer_bytes += elapsed_ms * ANSWER_BYTES_PER_MS;
        if (state->answer_bytes > ANSWER_BYTES_MAX) {
            state->answer_bytes = ANSWER_BYTES_MAX;
        }
    }
    if (state->answer_bytes < bytes) {
        return false;
    }
    state->answer_bytes -= bytes;
    return true;
}

void replica_sync_request_certificates(struct replica *replica, uint32_t peer, uint64_t from_view,
                                       uint64_t to_view)
{
    struct peer_message message = {.kind = PEER_CERTIFICATE_REQUEST,
                                   .certificate_request = {.epoch = replica->validators->epoch,
                                                           .from_view = from_view,
                                                           .to_view = to_view}};
    replica_send(replica, peer, LINK_VOTE, &message);
}

void replica_sync_request_blocks(struct replica *replica, uint32_t peer, uint64_t from_height)
{
    struct peer_message message = {
        .kind = PEER_BLOCK_REQUEST,
        .block_request = {.from_height = from_height, .count = BLOCKS_PER_ANSWER}};
    replica_send(replica, peer, LINK_VOTE, &message);
}

/* Certificates of the views asked for, from storage, at most 64; the next view is the cursor. */
static void answer_certificates(struct replica *replica, uint32_t peer,
                                const struct peer_certificate_request *request)
{
    if (!replica_sync_may_answer(replica, peer, CERTIFICATES_ANSWER_BYTES)) {
        return;
    }
    struct certificate *list = calloc(PEER_CERTIFICATES_MAX, sizeof *list);
    memory_check(list != NULL);
    struct peer_certificates answer = {.list = list};
    uint8_t from[KEY_VIEW_BYTES];
    uint64_t view = request->cursor > request->from_view ? request->cursor : request->from_view;
    struct span key;
    struct span value;
    put_be64(from, request->epoch);
    put_be64(from + 8, view);
    from[16] = 0;
    while (replica->io.seek(replica->io.context, STORE_CERTIFICATES, from, sizeof from, &key,
                            &value) &&
           key.length == KEY_VIEW_BYTES && get_be64(key.data) == request->epoch &&
           get_be64(key.data + 8) <= request->to_view) {
        /* A view's certificates travel together, so that the cursor can name a view. */
        uint64_t found = get_be64(key.data + 8);
        if (answer.count + 3 > PEER_CERTIFICATES_MAX && found != view) {
            answer.more = true;
            answer.next_cursor = found;
            break;
        }
        view = found;
        memcpy(from, key.data, sizeof from);
        if (row_certificate_decode(value, &list[answer.count]) == STATUS_OK) {
            answer.count++;
        }
        if (++from[16] == 0) {
            break;
        }
    }
    struct peer_message message = {.kind = PEER_CERTIFICATES, .certificates = answer};
    replica_send(replica, peer, LINK_CATCHUP, &message);
    free(list);
}

static void answer_blocks(struct replica *replica, uint32_t peer,
                          const struct peer_block_request *request)
{
    if (!replica_sync_may_answer(replica, peer, BLOCKS_ANSWER_BYTES)) {
        return;
    }
    uint32_t most = request->count < BLOCKS_PER_ANSWER ? request->count : BLOCKS_PER_ANSWER;
    struct peer_final_block list[BLOCKS_PER_ANSWER];
    struct block_row *rows = memory_take(BLOCKS_PER_ANSWER * sizeof *rows);
    struct peer_blocks answer = {.list = list};
    for (uint32_t i = 0; i < most; i++) {
        uint8_t key[8];
        struct span row;
        put_be64(key, request->from_height + i);
        if (!replica->io.get(replica->io.context, STORE_BLOCKS, key, sizeof key, &row) ||
            row_block_decode(row, &rows[i]) != STATUS_OK || !rows[i].has_finalization) {
            break;
        }
        list[i] = (struct peer_final_block){.block = {.header = (const uint8_t *)&rows[i].header,
                                                      .batch_ids = rows[i].batch_ids,
                                                      .batch_count = rows[i].batch_count},
                                            .finalization = &rows[i].finalization};
        answer.count++;
    }
    if (answer.count > 0) {
        struct peer_message message = {.kind = PEER_BLOCKS, .blocks = answer};
        replica_send(replica, peer, LINK_CATCHUP, &message);
    }
    memory_give(rows);
}

static struct catchup_block *catchup_at(struct replica *replica, uint32_t i)
{
    return &replica->catchup[(replica->catchup_first + i) % CATCHUP_MAX];
}

void replica_sync_feed(struct replica *replica)
{
    while (replica->catchup_count > 0 &&
           catchup_at(replica, 0)->header.height <= replica->final.height) {
        replica->catchup_first = (replica->catchup_first + 1) % CATCHUP_MAX;
        replica->catchup_count--;
    }
    replica_sync_chase(replica);
    if (replica->catchup_count == 0 ||
        catchup_at(replica, 0)->header.height != replica->final.height + 1) {
        return;
    }
    struct catchup_block *next = catchup_at(replica, 0);
    if (replica->catchup_height != next->header.height) {
        replica->catchup_height = next->header.height;
        replica->catchup_feeds = 0;
    }
    if (++replica->catchup_feeds > CATCHUP_FEEDS_MAX) {
        /* Consensus does not take it: whoever sent it may have lied. */
        replica->catchup_count = 0;
        replica->catchup_feeds = 0;
        return;
    }
    struct open_block *block =
        replica_open_add(replica, &next->header, next->batch_ids, OPEN_TRUSTED);
    if (block == NULL) {
        return;
    }
    block->source = next->peer;
    struct event event = {.kind = EVENT_CATCHUP_BLOCK,
                          .peer = replica_validator_of(replica, next->peer)};
    event.catchup.block = replica_block_summary(&next->header, &next->hash);
    event.catchup.finalization = &next->finalization;
    replica_answer(replica, &event);
}

/* Whether a quorum of this epoch signed it, and nobody else. peer_decode has matched signers and
   signatures. */
static bool finalization_holds(struct replica *replica, const struct certificate *certificate)
{
    const struct validator_set *set = replica->validators;
    if (certificate->kind != VOTE_FINALIZE || certificate->epoch != set->epoch ||
        certificate->signature_count < set->quorum) {
        return false;
    }
    struct vote vote = {.kind = VOTE_FINALIZE,
                        .epoch = certificate->epoch,
                        .view = certificate->view,
                        .candidate = certificate->candidate};
    uint8_t preimage[VOTE_PREIMAGE_BYTES];
    vote_preimage(&vote, &replica->chain_id, &set->hash, preimage);
    uint32_t position = 0;
    for (uint32_t i = 0; i < LIMIT_VALIDATORS; i++) {
        if ((certificate->signers[i / 8] >> i % 8 & 1) == 0) {
            continue;
        }
        if (i >= set->count ||
            !replica->io.verify(replica->io.context, &set->members[i].key, preimage,
                                sizeof preimage, &certificate->signatures[position++])) {
            return false;
        }
    }
    return true;
}

/* Keeps what continues the ring; asks for its batches ahead of time. */
static void take_blocks(struct replica *replica, uint32_t peer, const struct peer_blocks *blocks)
{
    bool was_empty = replica->catchup_count == 0;
    for (uint32_t i = 0; i < blocks->count && replica->catchup_count < CATCHUP_MAX; i++) {
        const struct peer_final_block *final = &blocks->list[i];
        struct block_header header;
        memcpy(&header, final->block.header, sizeof header);
        uint64_t wanted = replica->catchup_count == 0
                              ? replica->final.height + 1
                              : catchup_at(replica, replica->catchup_count - 1)->header.height + 1;
        if (header.height != wanted || header.batch_count != final->block.batch_count) {
            continue;
        }
        /* Beyond a root goes another chain id, and a machine that knows who signs under it. */
        if (!hash_equal(&header.chain_id, &replica->chain_id) ||
            lineage_root_block(replica->config.lineage, header.height) != NULL) {
            break;
        }
        struct hash hash = block_hash(&header);
        struct hash root = batches_root(final->block.batch_ids, final->block.batch_count);
        /* Verified before anything is kept or fetched: a made-up block would stop the ring. */
        if (!hash_equal(&hash, &final->finalization->candidate.block_hash) ||
            !hash_equal(&root, &header.batches_root) ||
            !finalization_holds(replica, final->finalization)) {
            break;
        }
        struct catchup_block *place = catchup_at(replica, replica->catchup_count++);
        place->peer = peer;
        place->header = header;
        place->hash = hash;
        place->finalization = *final->finalization;
        if (header.batch_count > 0) {
            memcpy(place->batch_ids, final->block.batch_ids,
                   sizeof(struct hash) * header.batch_count);
        }
        for (uint32_t b = 0; b < header.batch_count; b++) {
            if (pool_find(replica->pool, &place->batch_ids[b]) == NULL) {
                replica_batches_want(replica, &place->batch_ids[b], peer, true);
            }
        }
    }
    if (replica->catchup_count > 0) {
        /* The peer has what it claims: on with it when these are done. */
        replica->chase_ms = 0;
        replica->chase_peer = peer;
    }
    if (was_empty) {
        replica_sync_feed(replica);
    }
    replica_batches_fetch(replica);
}

/* This epoch's machine asks the validators that it knows for what they claim. It knows nothing of
   later epochs, nor of peers that do not vote: their claims are hints too, and whatever comes is
   verified block by block. */
void replica_sync_chase(struct replica *replica)
{
    if (replica->catchup_count > 0 || replica->monotonic_ms < replica->chase_ms) {
        return;
    }
    for (uint32_t i = 0; i < replica->peers_high; i++) {
        const uint32_t peer = (replica->chase_peer + i) % replica->peers_high;
        const struct peer_state *state = &replica->peers[peer];
        if (!state->up || state->final_height <= replica->final.height) {
            continue;
        }
        if (replica_validator_of(replica, peer) == PEER_NONE ||
            state->epoch != replica->validators->epoch) {
            replica->chase_ms = replica->monotonic_ms + CHASE_MS;
            replica->chase_peer = peer + 1;
            replica_sync_request_blocks(replica, peer, replica->final.height + 1);
            return;
        }
    }
}

void replica_sync_tell(struct replica *replica, uint32_t peer)
{
    const struct block_row *block;
    const bool root = replica->final.epoch != replica->validators->epoch;
    struct consensus_view view;
    consensus_inspect(replica->consensus, &view);
    struct peer_status status = {.epoch = replica->validators->epoch,
                                 .view = view.view,
                                 .final_height = replica->final.height,
                                 .final_view = root ? 0 : replica->final.view,
                                 .final_hash = replica->final.hash,
                                 .held_from = view.view};
    if (chain_block(&replica->chain, replica->final.height, &block) == STATUS_OK &&
        block->has_finalization) {
        status.final = &block->finalization;
    }
    replica_send_status(replica, peer, &status);
}

void replica_sync_tell_followers(struct replica *replica)
{
    for (uint32_t peer = 0; peer < replica->peers_high; peer++) {
        if (replica->peers[peer].up && replica_validator_of(replica, peer) == PEER_NONE) {
            replica_sync_tell(replica, peer);
        }
    }
}

/* The finalization that opened a later epoch is one of this epoch's: it moves F here too. Whoever
   shows it, only so many are looked at: each costs the signatures of a quorum. */
static void take_opening(struct replica *replica, uint32_t peer,
                         const struct certificate *finalization)
{
    struct peer_state *state = &replica->peers[peer];
    /* F may be the root still, whose view is one of the epoch before. */
    const bool root = replica->final.epoch != replica->validators->epoch;
    if (finalization == NULL || finalization->kind != VOTE_FINALIZE ||
        finalization->epoch != replica->validators->epoch ||
        finalization->view <= (root ? 0 : replica->final.view) ||
        (state->hint_ms != 0 && replica->monotonic_ms < state->hint_ms + HINT_MS)) {
        return;
    }
    state->hint_ms = replica->monotonic_ms;
    struct event event = {.kind = EVENT_CERTIFICATE,
                          .peer = replica_validator_of(replica, peer),
                          .certificate = finalization};
    replica_step(replica, &event);
}

/* What a message of another epoch, or of a peer that does not vote, comes to: nothing. */
static enum status ignore(struct replica *replica)
{
    replica->counters.peer_frames_ignored++;
    return STATUS_OK;
}

/* The form of a proposal of this epoch, which its leader alone sends. */
static enum status check_proposal(struct replica *replica, uint32_t peer,
                                  const struct peer_proposal *proposal,
                                  struct block_header *ret_header)
{
    const struct vote *vote = &proposal->body.vote;
    if (vote_check_form(vote, replica->validators->count) != STATUS_OK ||
        vote->kind != VOTE_NOTARIZE) {
        return STATUS_MALFORMED;
    }
    if (!proposal->body.has_block) {
        return STATUS_OK;
    }
    memcpy(ret_header, proposal->block.header, sizeof *ret_header);
    struct hash hash = block_hash(ret_header);
    /* The signed hash covers the ids through their root only: kept with other ids, a good block
       would look bad here, and this node would halt as diverged once the others agree on it. */
    struct hash root = batches_root(proposal->block.batch_ids, proposal->block.batch_count);
    if (!hash_equal(&hash, &vote->candidate.block_hash) ||
        ret_header->batch_count != proposal->block.batch_count ||
        !hash_equal(&root, &ret_header->batches_root)) {
        return STATUS_BAD_HASH;
    }
    const uint32_t validator = replica_validator_of(replica, peer);
    return validator == vote->signer &&
                   validators_leader(replica->validators, vote->view) == validator
               ? STATUS_OK
               : STATUS_DENIED;
}

/* A proposal whose body does not match the signed hash is dropped, not voted on. One of the next
   epoch brings the finalization that opens it, and may be looked at as soon as that is done. */
static enum status take_proposal(struct replica *replica, uint32_t peer,
                                 struct peer_proposal *proposal)
{
    struct proposal *body = &proposal->body;
    struct block_header header;
    if (body->vote.epoch > replica->validators->epoch) {
        take_opening(replica, peer, body->final);
    }
    if (body->vote.epoch != replica->validators->epoch ||
        replica_validator_of(replica, peer) == PEER_NONE) {
        return ignore(replica);
    }
    enum status status = check_proposal(replica, peer, proposal, &header);
    if (status != STATUS_OK) {
        return status;
    }
    if (body->has_block) {
        (void)replica_open_add(replica, &header, proposal->block.batch_ids, peer);
    }
    const struct open_block *block = replica_open_find(replica, &body->vote.candidate.block_hash);
    body->has_block = block != NULL;
    if (block != NULL) {
        body->block = replica_block_summary(&block->header, &block->hash);
    }
    struct event event = {
        .kind = EVENT_PROPOSAL, .peer = replica_validator_of(replica, peer), .proposal = body};
    replica_step(replica, &event);
    return STATUS_OK;
}

static enum status take_vote(struct replica *replica, uint32_t peer, const struct vote *vote)
{
    const uint32_t validator = replica_validator_of(replica, peer);
    if (vote->epoch != replica->validators->epoch || validator == PEER_NONE) {
        return ignore(replica);
    }
    if (vote_check_form(vote, replica->validators->count) != STATUS_OK) {
        return STATUS_MALFORMED;
    }
    struct event event = {.kind = EVENT_VOTE, .peer = validator, .vote = vote};
    replica_step(replica, &event);
    return STATUS_OK;
}

/* Both votes are judged as if they had come one by one; what conflicts is found again here. */
static enum status take_evidence(struct replica *replica, uint32_t peer,
                                 const struct evidence *evidence)
{
    enum status status = take_vote(replica, peer, &evidence->first);
    if (status == STATUS_OK) {
        status = take_vote(replica, peer, &evidence->second);
    }
    /* Consensus looks only at views that matter to it; evidence is kept of any. */
    return status == STATUS_OK ? replica_evidence_take(replica, evidence) : status;
}

static enum status take_certificates(struct replica *replica, uint32_t peer,
                                     const struct certificate *list, uint32_t count)
{
    if (replica_validator_of(replica, peer) == PEER_NONE) {
        return ignore(replica);
    }
    for (uint32_t i = 0; i < count; i++) {
        /* The peer may cease to vote by what it sends first. */
        struct event event = {.kind = EVENT_CERTIFICATE,
                              .peer = replica_validator_of(replica, peer),
                              .certificate = &list[i]};
        replica_step(replica, &event);
    }
    return STATUS_OK;
}

/* Where a peer stands: consensus takes it from validators, and here it is a hint to catch up. */
static enum status take_status(struct replica *replica, uint32_t peer,
                               const struct peer_status *status)
{
    struct peer_state *state = &replica->peers[peer];
    const uint32_t validator = replica_validator_of(replica, peer);
    state->heard = true;
    state->final_height = status->final_height;
    state->epoch = status->epoch;
    if (validator != PEER_NONE) {
        struct event event = {.kind = EVENT_STATUS, .peer = validator, .status = status};
        replica_step(replica, &event);
    }
    if (validator == PEER_NONE || status->epoch > replica->validators->epoch) {
        take_opening(replica, peer, status->final);
    }
    replica_sync_chase(replica);
    return STATUS_OK;
}

static enum status dispatch(struct replica *replica, uint32_t peer, struct peer_message *message)
{
    struct hash id;
    const char *field;
    enum status status;
    switch (message->kind) {
    case PEER_VOTE:
        return take_vote(replica, peer, &message->vote);
    case PEER_CERTIFICATE:
        return take_certificates(replica, peer, message->certificate, 1);
    case PEER_STATUS:
        return take_status(replica, peer, &message->status);
    case PEER_PROPOSAL:
        return take_proposal(replica, peer, &message->proposal);
    case PEER_BATCH:
        status = replica_batches_take(replica, message->batch.bytes.data,
                                      message->batch.bytes.length, peer, &id, &field);
        /* Late, early and surplus batches are nobody's fault, nor is one whose key this node will
           know a few blocks from here. */
        return status == STATUS_EXPIRED || status == STATUS_TOO_EARLY || status == STATUS_BUSY ||
                       status == STATUS_DENIED
                   ? STATUS_OK
                   : status;
    case PEER_BATCH_HAVE:
        replica_batches_have(replica, peer, message->batch_ids.ids, message->batch_ids.count);
        return STATUS_OK;
    case PEER_BATCH_REQUEST:
        replica_batches_requested(replica, peer, message->batch_ids.ids, message->batch_ids.count);
        return STATUS_OK;
    case PEER_BATCH_MISSING:
        return STATUS_OK;
    case PEER_CERTIFICATE_REQUEST:
        answer_certificates(replica, peer, &message->certificate_request);
        return STATUS_OK;
    case PEER_CERTIFICATES:
        return take_certificates(replica, peer, message->certificates.list,
                                 message->certificates.count);
    case PEER_BLOCK_REQUEST:
        answer_blocks(replica, peer, &message->block_request);
        return STATUS_OK;
    case PEER_BLOCKS:
        take_blocks(replica, peer, &message->blocks);
        return STATUS_OK;
    case PEER_EVIDENCE:
        return take_evidence(replica, peer, &message->evidence);
    }
    return STATUS_MALFORMED;
}

enum status replica_peer_frame(struct replica *replica, uint32_t peer, const uint8_t *frame,
                               size_t length)
{
    CHECK(peer < LIMIT_PEERS);
    struct arena arena = arena_over(replica->decode, PEER_ARENA_BYTES);
    struct peer_message message;
    const char *what = NULL;
    enum status status = peer_decode(frame, length, &arena, LIMIT_VALIDATORS, &message, &what);
    if (status == STATUS_OK) {
        what = peer_message_name(message.kind);
        replica->peers[peer].heard_ms = replica->monotonic_ms;
        status = dispatch(replica, peer, &message);
    }
    if (status != STATUS_OK) {
        replica_log(replica, "warn", "peer_frame_refused", "peer=%u what=%s why=%s", peer,
                    what == NULL ? "frame" : what, status_name(status));
    }
    return status;
}
