/*
 * sim_finals: every block that is ever final anywhere, the certificates and evidence that honest
 * nodes store, and the bounds of their memory (docs/testing.md, Invariants).
 *
 *   I1 I2 I5 I14  watch_committed      I11  watch_certificate      I12  watch_evidence
 *   I13  watch_memory                  I14 and the ledger's tables  watch_end
 */
#include <inttypes.h>
#include <string.h>

#include "tests/sim/sim_state.h"

/* A pool may exceed its limit by what open blocks name, which no quota may refuse. */
#define POOL_SLACK 4

static bool skipped_are_nullified(struct watch_epoch *epoch, const struct certificate *finalization)
{
    for (uint64_t v = finalization->candidate.parent_view + 1; v < finalization->view; v++) {
        if (!watch_reaches(epoch, watch_view_of(epoch, v)->nullify)) {
            return false;
        }
    }
    return true;
}

static bool is_notarized(struct watch_epoch *epoch, const struct certificate *finalization)
{
    const struct hash digest = candidate_digest(VOTE_FINALIZE, &finalization->candidate);
    const struct watch_view *view = watch_view_of(epoch, finalization->view);
    for (uint32_t i = 0; i < view->count; i++) {
        if (hash_equal(&view->tallies[i].digest, &digest)) {
            return watch_reaches(epoch, view->tallies[i].notarize);
        }
    }
    return watch_reaches(epoch, 0);
}

/* No batch is in two final blocks, or twice in one: what is applied is applied once. */
static void note_batches(struct sim *sim, const struct block_row *row)
{
    struct watch *watch = &sim->watch;
    for (uint32_t i = 0; i < row->header.batch_count; i++) {
        const struct hash *id = &row->batch_ids[i];
        uint32_t at = get_le32(id->bytes) % SIM_FINAL_BATCHES;
        while (!hash_is_zero(&watch->final_batches[at])) {
            if (hash_equal(&watch->final_batches[at], id)) {
                sim_violation(sim, "once", "a batch of height %" PRIu64 " is in two final blocks",
                              row->header.height);
            }
            at = (at + 1) % SIM_FINAL_BATCHES;
        }
        watch->final_batches[at] = *id;
        CHECK(++watch->final_batch_count < SIM_FINAL_BATCHES / 2);
    }
}

/* I1, I2 and I5 of a block that is final at this node. */
static void look_at_final(struct sim_node *node, const struct block_row *row, uint64_t height)
{
    struct sim *sim = node->sim;
    struct watch *watch = &sim->watch;
    CHECK(height < SIM_HEIGHTS_MAX && height <= watch->final_count + 1);
    if (height > watch->final_count) {
        watch->final_count = height;
        watch->finals[height] = row->hash;
        sim->result->counts.blocks++;
        sim->result->counts.records += row->header.record_count;
        sim_mix(sim, get_le64(row->hash.bytes));
        note_batches(sim, row);
    } else if (!hash_equal(&watch->finals[height], &row->hash)) {
        sim->result->forked = true;
        sim->result->counts.forks++;
        if (!sim->options.beyond) {
            sim_violation(sim, "I1", "two final blocks at height %" PRIu64 ", one at node %u",
                          height, node->slot);
        }
        return;
    }
    if (sim->options.beyond) {
        return;
    }
    if (row->header.height != height ||
        !hash_equal(&row->header.parent_hash, &watch->finals[height - 1])) {
        sim_violation(sim, "I2", "the final block of height %" PRIu64 " does not link", height);
    }
    if (!row->has_finalization ||
        !hash_equal(&row->finalization.candidate.block_hash, &row->hash)) {
        sim_violation(sim, "I5", "height %" PRIu64 " has another's finalization", height);
        return;
    }
    struct watch_epoch *epoch = sim_epoch(sim, row->finalization.epoch);
    if (epoch == NULL || row->header.epoch != row->finalization.epoch) {
        sim_violation(sim, "I11", "height %" PRIu64 " is final in a wrong epoch", height);
        return;
    }
    if (!skipped_are_nullified(epoch, &row->finalization)) {
        sim_violation(sim, "I2", "height %" PRIu64 " skips a view that is not nullified", height);
    }
    if (!is_notarized(epoch, &row->finalization)) {
        sim_violation(sim, "I5", "height %" PRIu64 " is final and not notarized", height);
    }
}

void watch_committed(struct sim_node *node)
{
    static struct block_row row;
    struct span value;
    uint8_t key[8];
    const uint64_t height = node->replica->final.height;
    while (node->seen_height < height) {
        node->seen_height++;
        put_be64(key, node->seen_height);
        if (!memory_store_get(&node->store, STORE_BLOCKS, key, sizeof key, &value) ||
            row_block_decode(value, &row) != STATUS_OK) {
            sim_violation(node->sim, "I2", "node %u lacks its final block of height %" PRIu64,
                          node->slot, node->seen_height);
            return;
        }
        look_at_final(node, &row, node->seen_height);
    }
    watch_money(node);
}

/* I11: an honest validator whose signature a stored certificate carries has signed just that. */
void watch_certificate(struct sim_node *node, const struct certificate *certificate)
{
    struct sim *sim = node->sim;
    struct watch_epoch *epoch = sim_epoch(sim, certificate->epoch);
    if (epoch == NULL) {
        sim_violation(sim, "I11", "node %u stores a certificate of another epoch", node->slot);
        return;
    }
    const struct watch_view *view = watch_view_of(epoch, certificate->view);
    const struct hash digest = candidate_digest(certificate->kind, &certificate->candidate);
    uint32_t mask = certificate->kind == VOTE_NULLIFY ? view->nullify : 0;
    for (uint32_t i = 0; i < view->count; i++) {
        if (certificate->kind != VOTE_NULLIFY && hash_equal(&view->tallies[i].digest, &digest)) {
            mask = certificate->kind == VOTE_NOTARIZE ? view->tallies[i].notarize
                                                      : view->tallies[i].finalize;
        }
    }
    /* The own vote may have been cast in this very pass. */
    mask |= 1u << node->id | sim->faulty;
    for (uint32_t i = 0; i < epoch->set.count; i++) {
        if ((certificate->signers[i / 8] >> i % 8 & 1) != 0 && (mask >> epoch->ids[i] & 1) == 0) {
            sim_violation(sim, "I11",
                          "node %u counts a vote of view %" PRIu64 " that validator %u never cast",
                          node->slot, certificate->view, epoch->ids[i]);
        }
    }
}

void watch_evidence(struct sim_node *node, uint32_t signer, const uint8_t *row)
{
    struct sim *sim = node->sim;
    struct vote first;
    if (signer == EVIDENCE_CERTIFICATES) {
        return; /* of nobody in particular: the node halts */
    }
    CHECK(row_vote_decode((struct span){.data = row, .length = ROW_VOTE_BYTES}, &first) ==
          STATUS_OK);
    sim->result->counts.evidence++;
    const struct watch_epoch *epoch = sim_epoch(sim, first.epoch);
    CHECK(epoch != NULL && first.signer < epoch->set.count);
    const uint32_t id = epoch->ids[first.signer];
    sim->watch.accused |= 1u << id;
    if ((sim->faulty >> id & 1) == 0) {
        sim_violation(sim, "I12", "node %u has evidence against honest validator %u", node->slot,
                      id);
    }
}

void watch_memory(struct sim_node *node)
{
    const struct replica *replica = node->replica;
    const char *what = NULL;
    if (pool_bytes(replica->pool) > POOL_SLACK * (uint64_t)SIM_POOL_BYTES ||
        pool_count(replica->pool) > POOL_BATCHES_MAX) {
        what = "the pool";
    } else if (replica->open_high > OPEN_BLOCKS_MAX) {
        what = "open blocks";
    } else if (replica->wanted.count > WANTED_MAX || replica->catchup_count > CATCHUP_MAX) {
        what = "what is to be fetched";
    } else if (replica->verifying_count > VERIFYING_MAX || replica->answer_count > ANSWERS_MAX) {
        what = "work under way";
    } else if (replica->waiter_count > WAITERS_MAX || replica->session_count > SESSIONS_MAX) {
        what = "clients";
    } else if (node->store.undo_count > 0) {
        what = "an open transaction";
    }
    if (what != NULL) {
        sim_violation(node->sim, "I13", "node %u: %s exceed the stated bounds", node->slot, what);
    }
}

static struct hash tables_hash(const struct sim_node *node)
{
    struct hasher hasher;
    hasher_init(&hasher, &PURPOSE_CHECKSUM);
    for (unsigned t = 1; t < LEDGER_TABLE_COUNT; t++) {
        uint8_t from[512];
        size_t length = 0;
        struct span key;
        struct span value;
        while (memory_store_seek(&node->store, t, from, length, &key, &value)) {
            CHECK(key.length + 1 < sizeof from);
            hasher_add(&hasher, key.data, key.length);
            hasher_add(&hasher, value.data, value.length);
            memcpy(from, key.data, key.length);
            from[key.length] = 0;
            length = key.length + 1;
        }
    }
    return hasher_end(&hasher);
}

/* The same height, the same rows of the ledger at every honest node. */
void watch_end(struct sim *sim)
{
    struct hash hashes[SIM_SLOTS_MAX];
    bool counted = false;
    for (uint32_t i = 0; i < sim->slots && !sim->over && !sim->options.beyond; i++) {
        struct sim_node *node = &sim->nodes[i];
        if (node->faulty || !node->running) {
            continue;
        }
        if (!counted) {
            watch_went_through(node);
            counted = true;
        }
        hashes[i] = tables_hash(node);
        sim_mix(sim, get_le64(hashes[i].bytes));
        for (uint32_t k = 0; k < i; k++) {
            const struct sim_node *other = &sim->nodes[k];
            if (!other->faulty && other->running &&
                other->replica->final.height == node->replica->final.height &&
                !hash_equal(&hashes[i], &hashes[k])) {
                sim_violation(sim, "I14", "nodes %u and %u differ in the ledger's tables", k, i);
            }
        }
    }
}
