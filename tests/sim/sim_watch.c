/*
 * sim_watch: every vote that an honest key ever signs, in whatever life of its node, from the
 * moment it may have left it (docs/consensus.md; docs/testing.md, Invariants). A vote is recorded
 * when its row and the register are durable; one signed in a pass that was lost never left, and
 * one of a torn pass counts once the node starts again with it.
 *
 *   I3 I4 I6  record      I7  record, watch_sent      I8 I9  look_at_block, watch_del
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/sim_state.h"

/* Where the preimage has its parts (docs/formats.md, Vote preimage). */
#define PREIMAGE_KIND 10
#define PREIMAGE_EPOCH 16
#define PREIMAGE_VIEW 24
#define PREIMAGE_CHAIN 32
#define PREIMAGE_SET 64
#define PREIMAGE_DIGEST 96

void sim_violation(struct sim *sim, const char *invariant, const char *format, ...)
{
    struct sim_result *result = sim->result;
    if (result->violation) {
        return;
    }
    result->violation = true;
    sim->over = true;
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(result->sentence, sizeof result->sentence, format, arguments);
    va_end(arguments);
    (void)snprintf(result->invariant, sizeof result->invariant, "%s", invariant);
    sim_tell(sim, "VIOLATION %s: %s", invariant, result->sentence);
}

struct watch_view *watch_view_of(struct watch_epoch *watch, uint64_t view)
{
    if (view >= watch->capacity) {
        const uint64_t capacity = 2 * view + 256;
        watch->views = realloc(watch->views, capacity * sizeof *watch->views);
        CHECK(watch->views != NULL);
        memset(&watch->views[watch->capacity], 0,
               (capacity - watch->capacity) * sizeof *watch->views);
        watch->capacity = capacity;
    }
    return &watch->views[view];
}

static struct watch_tally *tally_of(struct watch_view *view, const struct hash *digest, bool make)
{
    for (uint32_t i = 0; i < view->count; i++) {
        if (hash_equal(&view->tallies[i].digest, digest)) {
            return &view->tallies[i];
        }
    }
    if (!make || view->count == SIM_TALLIES) {
        return NULL;
    }
    struct watch_tally *tally = &view->tallies[view->count++];
    *tally = (struct watch_tally){.digest = *digest};
    return tally;
}

bool watch_reaches(const struct watch_epoch *epoch, uint32_t honest)
{
    return (uint32_t)__builtin_popcount(honest) + epoch->faulty_count >= epoch->set.quorum;
}

void watch_signed(struct sim_node *node, const uint8_t *preimage)
{
    struct sim *sim = node->sim;
    if (node->replica != NULL) {
        sim_note_epoch(sim, sim_set_of(node));
    }
    const struct watch_epoch *epoch = sim_epoch(sim, get_le64(preimage + PREIMAGE_EPOCH));
    if (epoch == NULL || sim_index_of(epoch, node->id) == LIMIT_VALIDATORS ||
        memcmp(preimage + PREIMAGE_CHAIN, sim->chain_id.bytes, HASH_BYTES) != 0 ||
        memcmp(preimage + PREIMAGE_SET, epoch->set.hash.bytes, HASH_BYTES) != 0) {
        sim_violation(sim, "I11", "node %u signs for another chain or set", node->slot);
        return;
    }
    CHECK(node->pending_count < SIM_SIGNED_MAX);
    struct sim_vote *vote = &node->pending[node->pending_count++];
    *vote = (struct sim_vote){.kind = (enum vote_kind)get_le16(preimage + PREIMAGE_KIND),
                              .epoch = get_le64(preimage + PREIMAGE_EPOCH),
                              .view = get_le64(preimage + PREIMAGE_VIEW)};
    memcpy(vote->digest.bytes, preimage + PREIMAGE_DIGEST, HASH_BYTES);
}

/* A row of the votes table goes with the signature just made; rows that a restart copies from the
   register have their signature from an earlier life. */
static void put_vote(struct sim_node *node, const void *value, size_t length)
{
    struct vote vote;
    CHECK(row_vote_decode((struct span){.data = value, .length = length}, &vote) == STATUS_OK);
    const struct hash digest = candidate_digest(vote.kind, &vote.candidate);
    for (uint32_t i = 0; i < node->pending_count; i++) {
        struct sim_vote *pending = &node->pending[i];
        if (pending->kind == vote.kind && pending->view == vote.view &&
            pending->epoch == vote.epoch && hash_equal(&pending->digest, &digest)) {
            pending->persisted = true;
            pending->candidate = vote.candidate;
        }
    }
}

/* A batch that a node died on may be put aside; one that breaks an invariant must not exist. */
static void put_quarantine(struct sim_node *node, const void *why, size_t length)
{
    static const char died[] = "the process ended";
    if (length < sizeof died - 1 || memcmp(why, died, sizeof died - 1) != 0) {
        sim_violation(node->sim, "ledger", "node %u puts a batch aside: %.*s", node->slot,
                      (int)length, (const char *)why);
    }
}

void watch_put(struct sim_node *node, enum store_table table, const void *key, const void *value,
               size_t value_length)
{
    if (table == STORE_VOTES) {
        put_vote(node, value, value_length);
    } else if (table == STORE_CERTIFICATES) {
        static struct certificate certificate;
        CHECK(row_certificate_decode((struct span){.data = value, .length = value_length},
                                     &certificate) == STATUS_OK);
        watch_certificate(node, &certificate);
    } else if (table == STORE_EVIDENCE) {
        watch_evidence(node, get_be32((const uint8_t *)key + KEY_VIEW_BYTES), value);
    } else if (table == STORE_QUARANTINE) {
        put_quarantine(node, value, value_length);
    }
}

/* I8: what an open block names stays. */
void watch_del(struct sim_node *node, enum store_table table, const void *key)
{
    static const uint8_t ZERO[HASH_BYTES];
    static struct block_row row;
    if (table != STORE_BATCHES) {
        return;
    }
    uint8_t from[HASH_BYTES + 1];
    size_t length = 0;
    struct span found;
    struct span value;
    memcpy(from, ZERO, HASH_BYTES);
    while (memory_store_seek(&node->store, STORE_OPEN_BLOCKS, from, length, &found, &value)) {
        memcpy(from, found.data, HASH_BYTES);
        from[HASH_BYTES] = 0;
        length = HASH_BYTES + 1;
        if (row_block_decode(value, &row) != STATUS_OK ||
            row.header.height <= node->replica->final.height) {
            continue;
        }
        for (uint32_t i = 0; i < row.batch_count; i++) {
            if (memcmp(row.batch_ids[i].bytes, key, HASH_BYTES) == 0) {
                sim_violation(node->sim, "I8", "node %u drops a batch that an open block names",
                              node->slot);
            }
        }
    }
}

/* I6: what one honest key may sign in a view. */
static void look_at_key(struct sim_node *node, const struct watch_view *view,
                        const struct sim_vote *vote)
{
    struct sim *sim = node->sim;
    const uint32_t bit = 1u << node->id;
    const bool nullified = (view->nullify & bit) != 0;
    for (uint32_t i = 0; i < view->count; i++) {
        const struct watch_tally *tally = &view->tallies[i];
        const bool same = hash_equal(&tally->digest, &vote->digest);
        if (vote->kind == VOTE_NOTARIZE && (tally->notarize & bit) != 0 && !same) {
            sim_violation(sim, "I6", "validator %u notarizes twice in view %" PRIu64, node->id,
                          vote->view);
        }
        if (vote->kind == VOTE_FINALIZE && (tally->finalize & bit) != 0 && !same) {
            sim_violation(sim, "I6", "validator %u finalizes twice in view %" PRIu64, node->id,
                          vote->view);
        }
        if (vote->kind == VOTE_NULLIFY && (tally->finalize & bit) != 0) {
            sim_violation(sim, "I6", "validator %u nullifies view %" PRIu64 " after finalize",
                          node->id, vote->view);
        }
    }
    if (vote->kind != VOTE_NULLIFY && nullified) {
        sim_violation(sim, "I6", "validator %u votes for a block in view %" PRIu64 " after nullify",
                      node->id, vote->view);
    }
}

/* I3 and I4: certificates that all these votes could make. */
static void look_at_view(struct sim *sim, const struct watch_epoch *epoch,
                         const struct watch_view *view, uint64_t number)
{
    uint32_t notarizable = 0;
    for (uint32_t i = 0; i < view->count; i++) {
        notarizable += watch_reaches(epoch, view->tallies[i].notarize);
        if (watch_reaches(epoch, view->tallies[i].finalize) &&
            watch_reaches(epoch, view->nullify)) {
            sim_violation(sim, "I3", "view %" PRIu64 " can be final and nullified", number);
        }
    }
    if (notarizable > 1) {
        sim_violation(sim, "I4", "view %" PRIu64 " can have two notarizations", number);
    }
}

static bool is_recent_final(const struct sim_node *node, const struct hash *hash)
{
    const uint64_t height = node->replica->final.height;
    for (uint64_t h = height; h + 64 > height; h--) {
        if (h <= node->sim->watch.final_count && hash_equal(&node->sim->watch.finals[h], hash)) {
            return true;
        }
        if (h == 0) {
            break;
        }
    }
    return false;
}

/* I8 and I9: an honest voter holds the block and its batches durably, and the block's parent is
   final to it. */
static void look_at_block(struct sim_node *node, const struct sim_vote *vote)
{
    static struct block_row row;
    struct sim *sim = node->sim;
    struct span value;
    const struct hash *hash = &vote->candidate.block_hash;
    if (!memory_store_get(&node->store, STORE_OPEN_BLOCKS, hash->bytes, HASH_BYTES, &value)) {
        if (!is_recent_final(node, hash)) {
            sim_violation(sim, "I8", "node %u votes in view %" PRIu64 " for a block it lacks",
                          node->slot, vote->view);
        }
        return;
    }
    CHECK(row_block_decode(value, &row) == STATUS_OK);
    for (uint32_t i = 0; i < row.batch_count; i++) {
        if (!memory_store_get(&node->store, STORE_BATCHES, row.batch_ids[i].bytes, HASH_BYTES,
                              &value)) {
            sim_violation(sim, "I8", "node %u votes in view %" PRIu64 " for a batch it lacks",
                          node->slot, vote->view);
        }
    }
    const uint64_t height = row.header.height;
    if (vote->kind == VOTE_NOTARIZE &&
        (height == 0 || height > node->replica->final.height + 1 ||
         height - 1 > sim->watch.final_count ||
         !hash_equal(&row.header.parent_hash, &sim->watch.finals[height - 1]))) {
        sim_violation(sim, "I9", "node %u notarizes a block whose parent is not final", node->slot);
    }
}

/* The register remembers it, or stands beyond it (docs/consensus.md, State). */
static bool register_covers(const struct sim_node *node, const struct sim_vote *vote)
{
    const struct vote_register *reg = &node->vote_register;
    if (reg->epoch != vote->epoch || reg->view != vote->view) {
        return reg->epoch > vote->epoch || (reg->epoch == vote->epoch && reg->view > vote->view);
    }
    return reg->voted[vote->kind - 1];
}

static void record(struct sim_node *node, const struct sim_vote *vote)
{
    struct sim *sim = node->sim;
    struct watch_epoch *epoch = sim_epoch(sim, vote->epoch);
    struct watch_view *view = watch_view_of(epoch, vote->view);
    const uint32_t bit = 1u << node->id;
    sim->result->counts.votes++;
    if (!vote->persisted) {
        sim_violation(sim, "I7", "validator %u signs a vote of view %" PRIu64 " it does not store",
                      node->id, vote->view);
    }
    if (!register_covers(node, vote)) {
        sim_violation(sim, "I7", "the register of validator %u lacks its vote of view %" PRIu64,
                      node->id, vote->view);
    }
    look_at_key(node, view, vote);
    if (vote->kind == VOTE_NULLIFY) {
        view->nullify |= bit;
    } else {
        struct watch_tally *tally = tally_of(view, &vote->digest, true);
        CHECK(tally != NULL);
        if (vote->kind == VOTE_NOTARIZE) {
            tally->notarize |= bit;
        } else {
            tally->finalize |= bit;
        }
    }
    if (!sim->options.beyond) {
        look_at_view(sim, epoch, view, vote->view);
    }
}

/* I10: neither view, nor F, nor the register goes back. */
static void look_back(struct sim_node *node)
{
    struct consensus_view view;
    struct sim *sim = node->sim;
    consensus_inspect(node->replica->consensus, &view);
    if (view.epoch > node->seen_epoch) {
        node->seen_epoch = view.epoch;
        node->seen_view = 0;
        node->seen_final_view = 0;
        sim_count_life(node);
    }
    if (view.epoch < node->seen_epoch || view.view < node->seen_view ||
        view.final_height < node->seen_height || view.final_view < node->seen_final_view) {
        sim_violation(sim, "I10", "node %u went back to view %" PRIu64 ", height %" PRIu64,
                      node->slot, view.view, view.final_height);
    }
    node->seen_view = view.view;
    node->seen_final_view = view.final_view;
    if (view.halted && !node->seen_halt) {
        node->seen_halt = true;
        sim->result->counts.halts++;
        sim->result->halted = true;
        if (!sim->options.beyond) {
            sim_violation(sim, "halt", "honest node %u halted", node->slot);
        }
    }
    node->cannot_sign_ms = view.may_sign               ? 0
                           : node->cannot_sign_ms == 0 ? sim->now_ms
                                                       : node->cannot_sign_ms;
    node->last = view;
}

void watch_durable(struct sim_node *node)
{
    struct sim *sim = node->sim;
    if (node->faulty) {
        struct consensus_view view;
        consensus_inspect(node->replica->consensus, &view);
        node->cannot_sign_ms = view.may_sign               ? 0
                               : node->cannot_sign_ms == 0 ? sim->now_ms
                                                           : node->cannot_sign_ms;
        return;
    }
    const uint32_t count = node->pending_count;
    sim_note_epoch(sim, sim_set_of(node));
    watch_committed(node);
    for (uint32_t i = 0; i < count && !sim->over; i++) {
        record(node, &node->pending[i]);
        if (node->pending[i].kind != VOTE_NULLIFY && !sim->options.beyond) {
            look_at_block(node, &node->pending[i]);
        }
    }
    node->pending_count = 0;
    look_back(node);
}

/* I10: what stands in the register only rises. */
void watch_register(struct sim_node *node)
{
    const struct vote_register *old = &node->vote_register;
    const struct vote_register *new = &node->register_next;
    const bool view_fell =
        new->epoch < old->epoch || (new->epoch == old->epoch &&new->view < old->view);
    const bool floor_fell =
        new->floor_epoch < old->floor_epoch ||
        (new->floor_epoch == old->floor_epoch &&new->floor_view < old->floor_view);
    if (!node->faulty && (view_fell || floor_fell)) {
        sim_violation(node->sim, "I10", "the register of validator %u goes back", node->id);
    }
    for (uint32_t k = 0; k < 3 && !node->faulty; k++) {
        if (new->epoch == old->epoch &&new->view == old->view && old->voted[k] && !new->voted[k]) {
            sim_violation(node->sim, "I10", "the register of validator %u forgets a vote",
                          node->id);
        }
    }
}

void watch_torn(struct sim_node *node)
{
    for (uint32_t i = 0; i < node->pending_count; i++) {
        node->pending[i].committed = true;
    }
    if (!node->faulty) {
        watch_committed(node);
    }
}

void watch_lost(struct sim_node *node)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < node->pending_count; i++) {
        if (node->pending[i].committed) {
            node->pending[kept++] = node->pending[i];
        }
    }
    node->pending_count = kept;
}

/* I7: an own vote that leaves is recorded, which it is only once it is durable. */
static void sent_vote(struct sim_node *node, const struct vote *vote)
{
    struct sim *sim = node->sim;
    struct watch_epoch *epoch = sim_epoch(sim, vote->epoch);
    if (epoch == NULL || vote->signer != sim_index_of(epoch, node->id) || sim->over) {
        return;
    }
    struct watch_view *view = watch_view_of(epoch, vote->view);
    uint32_t mask = view->nullify;
    if (vote->kind != VOTE_NULLIFY) {
        const struct hash digest = candidate_digest(vote->kind, &vote->candidate);
        const struct watch_tally *tally = tally_of(view, &digest, false);
        mask = tally == NULL ? 0 : vote->kind == VOTE_NOTARIZE ? tally->notarize : tally->finalize;
    }
    if ((mask & 1u << node->id) == 0) {
        sim_violation(sim, "I7",
                      "validator %u sends a vote of view %" PRIu64 " that is not durable", node->id,
                      vote->view);
    }
}

static void sent_have(struct sim_node *node, const struct peer_batch_ids *ids)
{
    struct span value;
    for (uint32_t i = 0; i < ids->count; i++) {
        if (!memory_store_get(&node->store, STORE_BATCHES, ids->ids[i].bytes, HASH_BYTES, &value)) {
            sim_violation(node->sim, "I7", "node %u announces a batch that is not durable",
                          node->slot);
        }
    }
}

/* An own signature leaves inside certificates too. */
static void sent_certificate(struct sim_node *node, const struct certificate *certificate)
{
    const struct watch_epoch *epoch = sim_epoch(node->sim, certificate->epoch);
    const uint32_t own = epoch == NULL ? UINT32_MAX : sim_index_of(epoch, node->id);
    if (own < LIMIT_VALIDATORS && (certificate->signers[own / 8] >> own % 8 & 1) != 0) {
        const struct vote vote = {.kind = certificate->kind,
                                  .signer = own,
                                  .epoch = certificate->epoch,
                                  .view = certificate->view,
                                  .candidate = certificate->candidate};
        sent_vote(node, &vote);
    }
}

static void sent_evidence(struct sim_node *node, const struct evidence *evidence)
{
    const struct vote *first = &evidence->first;
    struct span value;
    uint8_t key[KEY_EVIDENCE_BYTES];
    key_evidence(first->epoch, first->view, first->kind, first->signer, key);
    if (!memory_store_get(&node->store, STORE_EVIDENCE, key, sizeof key, &value)) {
        sim_violation(node->sim, "I7", "node %u shares evidence that is not durable", node->slot);
    }
}

void watch_sent(struct sim_node *node, const struct sim_frame *frame)
{
    struct peer_message message;
    if (frame->kind != PEER_VOTE && frame->kind != PEER_PROPOSAL &&
        frame->kind != PEER_BATCH_HAVE && frame->kind != PEER_CERTIFICATE &&
        frame->kind != PEER_CERTIFICATES && frame->kind != PEER_EVIDENCE) {
        return;
    }
    CHECK(sim_decode(node->sim, frame, &message));
    CHECK(message.kind == frame->kind);
    if (message.kind == PEER_VOTE) {
        sent_vote(node, &message.vote);
    } else if (message.kind == PEER_PROPOSAL) {
        sent_vote(node, &message.proposal.body.vote);
    } else if (message.kind == PEER_CERTIFICATE) {
        sent_certificate(node, message.certificate);
    } else if (message.kind == PEER_CERTIFICATES) {
        for (uint32_t i = 0; i < message.certificates.count; i++) {
            sent_certificate(node, &message.certificates.list[i]);
        }
    } else if (message.kind == PEER_EVIDENCE) {
        sent_evidence(node, &message.evidence);
    } else {
        sent_have(node, &message.batch_ids);
    }
}
