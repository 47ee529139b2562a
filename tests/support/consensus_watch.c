/*
 * consensus_watch: the invariants of docs/consensus.md over all votes that ever became durable, in
 * whatever life of a node, and over all blocks that ever became final anywhere.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "tests/support/consensus_net.h"

#define CANDIDATES_MAX 8

/* One candidate's votes, as a bit a node. */
struct tally {
    struct candidate candidate;
    uint32_t notarize, finalize;
};

struct net_view_votes {
    uint32_t nullify;
    uint32_t candidate_count;
    struct tally tallies[CANDIDATES_MAX];
};

void net_violation(struct net *net, const char *format, ...)
{
    if (net->violation[0] != '\0') {
        return;
    }
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(net->violation, sizeof net->violation, format, arguments);
    va_end(arguments);
    fprintf(stderr, "seed %llu, n = %u, at %llu ms: %s\n", (unsigned long long)net->config.seed,
            net->config.count, (unsigned long long)net->now_ms, net->violation);
}

static struct net_view_votes *votes_of(struct net *net, uint64_t view)
{
    if (view >= net->views_capacity) {
        const uint64_t capacity = 2 * view + 64;
        net->views = realloc(net->views, capacity * sizeof *net->views);
        CHECK(net->views != NULL);
        memset(&net->views[net->views_capacity], 0,
               (capacity - net->views_capacity) * sizeof *net->views);
        net->views_capacity = capacity;
    }
    return &net->views[view];
}

static struct tally *tally_of(struct net_view_votes *votes, const struct candidate *candidate)
{
    for (uint32_t i = 0; i < votes->candidate_count; i++) {
        if (candidate_equal(&votes->tallies[i].candidate, candidate)) {
            return &votes->tallies[i];
        }
    }
    CHECK(votes->candidate_count < CANDIDATES_MAX);
    struct tally *tally = &votes->tallies[votes->candidate_count];
    votes->candidate_count++;
    tally->candidate = *candidate;
    return tally;
}

/* Whether these honest votes, with the faulty validator's, could make a quorum. */
static bool reaches(const struct net *net, uint32_t honest)
{
    return (uint32_t)__builtin_popcount(honest | net->faulty) >= net->set.quorum;
}

/* I6: what one honest key may sign in a view. */
static void watch_key(struct net *net, const struct net_view_votes *votes, const struct vote *vote)
{
    const uint32_t bit = 1u << vote->signer;
    for (uint32_t i = 0; i < votes->candidate_count; i++) {
        const struct tally *tally = &votes->tallies[i];
        const bool same = candidate_equal(&tally->candidate, &vote->candidate);
        if (vote->kind == VOTE_NULLIFY ? (tally->finalize & bit) != 0 : false) {
            net_violation(net, "I6: node %u nullified view %llu after finalize", vote->signer,
                          (unsigned long long)vote->view);
        }
        if (vote->kind == VOTE_NOTARIZE && (tally->notarize & bit) != 0 && !same) {
            net_violation(net, "I6: node %u notarized twice in view %llu", vote->signer,
                          (unsigned long long)vote->view);
        }
        if (vote->kind == VOTE_FINALIZE && (tally->finalize & bit) != 0 && !same) {
            net_violation(net, "I6: node %u finalized twice in view %llu", vote->signer,
                          (unsigned long long)vote->view);
        }
    }
    const bool nullified = (votes->nullify & bit) != 0;
    if (vote->kind == VOTE_FINALIZE && nullified) {
        net_violation(net, "I6: node %u finalized view %llu after nullify", vote->signer,
                      (unsigned long long)vote->view);
    }
}

/* I3 and I4: certificates that these votes could make. */
static void watch_certificates(struct net *net, const struct net_view_votes *votes, uint64_t view)
{
    uint32_t notarizable = 0;
    for (uint32_t i = 0; i < votes->candidate_count; i++) {
        notarizable += reaches(net, votes->tallies[i].notarize);
        if (reaches(net, votes->tallies[i].finalize) && reaches(net, votes->nullify)) {
            net_violation(net, "I3: view %llu can be final and nullified",
                          (unsigned long long)view);
        }
    }
    if (notarizable > 1) {
        net_violation(net, "I4: view %llu has two notarizations", (unsigned long long)view);
    }
}

static bool is_open(const struct net_node *node, const struct net_block *block)
{
    for (uint32_t i = 0; i < node->storage.open.count; i++) {
        if (node->storage.open.items[i] == block) {
            return true;
        }
    }
    return false;
}

/* I8 and I9: an honest voter holds the bytes, and the block is a child of its F (or F itself,
   proposed again by a leader that did not know it final). */
static void watch_candidate(struct net *net, const struct net_node *node, const struct vote *vote)
{
    const struct net_block *block = net_block_of(net, &vote->candidate.block_hash);
    const uint32_t height = node->storage.chain.count;
    struct hash final = {{0}};
    bool is_final = false;
    if (height > 0) {
        const struct net_final *last = node->storage.chain.items[height - 1];
        final = last->block->block.hash;
        is_final = last->block == block;
    }
    if (!is_final && !is_open(node, block)) {
        /* It may have become final in the very pass. */
        for (uint32_t i = 0; i < height; i++) {
            const struct net_final *old = node->storage.chain.items[i];
            if (old->block == block) {
                return;
            }
        }
        net_violation(net, "I8: node %u votes for a block that it does not hold", vote->signer);
    }
    if (vote->kind == VOTE_NOTARIZE && !is_final && height > 0 &&
        !hash_equal(&block->block.parent_hash, &final)) {
        net_violation(net, "I9: node %u notarizes a block whose parent is not final", vote->signer);
    }
}

void watch_vote(struct net *net, struct net_node *node, const struct vote *vote)
{
    if (net_is_faulty(net, node)) {
        return;
    }
    struct net_view_votes *votes = votes_of(net, vote->view);
    const uint32_t bit = 1u << vote->signer;
    watch_key(net, votes, vote);
    if (vote->kind == VOTE_NULLIFY) {
        votes->nullify |= bit;
    } else {
        struct tally *tally = tally_of(votes, &vote->candidate);
        const bool again =
            ((vote->kind == VOTE_NOTARIZE ? tally->notarize : tally->finalize) & bit) != 0;
        if (vote->kind == VOTE_NOTARIZE && !again && (votes->nullify & bit) != 0) {
            net_violation(net, "I6: node %u notarized view %llu after nullify", vote->signer,
                          (unsigned long long)vote->view);
        }
        if (vote->kind == VOTE_NOTARIZE) {
            tally->notarize |= bit;
        } else {
            tally->finalize |= bit;
        }
        if (!again) {
            watch_candidate(net, node, vote);
        }
    }
    watch_certificates(net, votes, vote->view);
}

void watch_sent(struct net *net, struct net_node *node, const struct vote *vote)
{
    if (net_is_faulty(net, node) || vote->signer != node->self) {
        return;
    }
    struct net_view_votes *votes = votes_of(net, vote->view);
    const uint32_t bit = 1u << vote->signer;
    uint32_t durable = votes->nullify;
    if (vote->kind != VOTE_NULLIFY) {
        const struct tally *tally = tally_of(votes, &vote->candidate);
        durable = vote->kind == VOTE_NOTARIZE ? tally->notarize : tally->finalize;
    }
    if ((durable & bit) == 0) {
        net_violation(net, "I7: node %u sent a vote of view %llu that is not durable", node->index,
                      (unsigned long long)vote->view);
    }
}

/* I1, I2 and I5. */
void watch_commit(struct net *net, struct net_node *node, const struct net_block *block,
                  const struct certificate *finalization)
{
    const uint64_t height = block->block.height;
    if (net_is_faulty(net, node)) {
        return;
    }
    if (height <= net->finals.count) {
        const struct net_block *first = net->finals.items[height - 1];
        if (first != block) {
            net_violation(net, "I1: two final blocks at height %llu", (unsigned long long)height);
        }
    } else {
        net_list_add(&net->finals, (void *)(uintptr_t)block);
    }
    if (!hash_equal(&finalization->candidate.block_hash, &block->block.hash)) {
        net_violation(net, "I5: a block was committed with another's finalization");
        return;
    }
    for (uint64_t view = finalization->candidate.parent_view + 1; view < finalization->view;
         view++) {
        if (!reaches(net, votes_of(net, view)->nullify)) {
            net_violation(net, "I2: view %llu was skipped, not nullified",
                          (unsigned long long)view);
        }
    }
    struct tally *tally = tally_of(votes_of(net, finalization->view), &finalization->candidate);
    if (!reaches(net, tally->notarize)) {
        net_violation(net, "I5: height %llu is final but not notarized",
                      (unsigned long long)height);
    }
}

void watch_evidence(struct net *net, const struct evidence *evidence)
{
    if ((net->faulty >> evidence->first.signer & 1) == 0) {
        net_violation(net, "I12: evidence against honest node %u", evidence->first.signer);
    }
}

/* I10. */
void watch_node(struct net *net, struct net_node *node)
{
    struct consensus_view view;
    consensus_inspect(node->consensus, &view);
    if (view.view < node->view_seen || view.final_height < node->final_seen) {
        net_violation(net, "I10: node %u went back to view %llu, height %llu", node->index,
                      (unsigned long long)view.view, (unsigned long long)view.final_height);
    }
    node->view_seen = view.view;
    node->final_seen = view.final_height;
    if (node->halts > 0 && !net_is_faulty(net, node)) {
        net_violation(net, "node %u halted", node->index);
    }
}

void watch_register(struct net *net, const struct net_node *node, const struct vote_register *next)
{
    const struct vote_register *held = &node->vote_register;
    const bool back =
        next->epoch < held->epoch || (next->epoch == held->epoch && next->view < held->view) ||
        next->floor_epoch < held->floor_epoch ||
        (next->floor_epoch == held->floor_epoch && next->floor_view < held->floor_view);
    if (back) {
        net_violation(net, "I10: the register of node %u went back to view %llu", node->index,
                      (unsigned long long)next->view);
    }
}

void watch_forget(struct net *net, const struct net_node *node)
{
    const struct vote_register *reg = &node->vote_register;
    const uint32_t others = ~(1u << node->index);
    for (uint64_t view = reg->view; view < net->views_capacity; view++) {
        struct net_view_votes *votes = &net->views[view];
        const bool at = view == reg->view;
        votes->nullify &= at && reg->voted[VOTE_NULLIFY - 1] ? UINT32_MAX : others;
        for (uint32_t i = 0; i < votes->candidate_count; i++) {
            struct tally *tally = &votes->tallies[i];
            tally->notarize &= at && reg->voted[VOTE_NOTARIZE - 1] ? UINT32_MAX : others;
            tally->finalize &= at && reg->voted[VOTE_FINALIZE - 1] ? UINT32_MAX : others;
        }
    }
}

void watch_free(struct net *net)
{
    free(net->views);
}
