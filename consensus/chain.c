/*
 * chain: a new block may extend only F, so own execution is never more than one block ahead
 * (docs/consensus.md, try_finalize and try_commit). Consensus knows a block by its header's fields;
 * what it means, the shell and the ledger say (CHECK_BLOCK).
 */
#include "consensus/chain.h"

#include <string.h>

#include "consensus/certificates.h"
#include "consensus/metrics.h"
#include "consensus/pacemaker.h"
#include "consensus/rejoin.h"
#include "consensus/safety.h"
#include "consensus/sync.h"
#include "consensus/views.h"
#include "consensus/votes.h"

/* How long after UNAVAILABLE a block is asked for again. */
#define RETRY_MS 500

bool chain_block_of(struct consensus *c, uint64_t view, struct hash *ret_hash)
{
    if (view == c->final_view) {
        *ret_hash = c->final_block.hash;
        return true;
    }
    const struct held_certificate *held = certificates_find(c, VOTE_FINALIZE, view);
    if (held == NULL) {
        held = certificates_find(c, VOTE_NOTARIZE, view);
    }
    if (view < c->final_view || held == NULL) {
        return false;
    }
    *ret_hash = held->candidate.block_hash;
    return true;
}

static bool extends_final(const struct consensus *c, const struct consensus_block *block)
{
    return hash_equal(&block->parent_hash, &c->final_block.hash) &&
           block->height == c->final_block.height + 1 && block->epoch == c->config.epoch;
}

/* The candidate that stands below, in the certificate of its parent view. */
static bool descend(struct consensus *c, struct candidate *candidate)
{
    const struct held_certificate *held =
        certificates_find(c, VOTE_NOTARIZE, candidate->parent_view);
    if (held == NULL) {
        held = certificates_find(c, VOTE_FINALIZE, candidate->parent_view);
    }
    if (held == NULL) {
        return false;
    }
    *candidate = held->candidate;
    return true;
}

enum relation chain_relation(struct consensus *c, const struct candidate *candidate)
{
    struct candidate at = *candidate;
    const struct hash hash = candidate->block_hash;
    const struct known_block *known = chain_find(c, &hash);
    if (hash_equal(&hash, &c->final_block.hash)) {
        return RELATION_FINAL;
    }
    if (known != NULL && known->has_header) {
        return extends_final(c, &known->block) ? RELATION_CHILD : RELATION_DEEPER;
    }
    /* Down the re-proposals of the same block to the view it was first proposed on. Parent views
       fall strictly, so this ends. */
    while (at.parent_view > c->final_view) {
        if (!descend(c, &at)) {
            return RELATION_UNKNOWN;
        }
        if (hash_equal(&at.block_hash, &c->final_block.hash)) {
            return RELATION_CHILD;
        }
        if (!hash_equal(&at.block_hash, &hash)) {
            return RELATION_DEEPER;
        }
    }
    return at.parent_view == c->final_view ? RELATION_CHILD : RELATION_UNKNOWN;
}

struct known_block *chain_find(struct consensus *c, const struct hash *hash)
{
    for (uint32_t i = 0; i < BLOCKS_KNOWN_MAX; i++) {
        if (c->blocks[i].used && hash_equal(&c->blocks[i].block.hash, hash)) {
            c->blocks[i].touched = c->steps;
            return &c->blocks[i];
        }
    }
    return NULL;
}

/* The entry of a block, in place of the one not looked at for longest. Forgetting is harmless: the
   shell keeps what was persisted, and answers a second CHECK_BLOCK. */
static struct known_block *entry_of(struct consensus *c, const struct hash *hash)
{
    struct known_block *known = chain_find(c, hash);
    if (known != NULL) {
        return known;
    }
    known = &c->blocks[0];
    for (uint32_t i = 0; i < BLOCKS_KNOWN_MAX; i++) {
        if (!c->blocks[i].used) {
            known = &c->blocks[i];
            break;
        }
        if (c->blocks[i].touched < known->touched) {
            known = &c->blocks[i];
        }
    }
    *known = (struct known_block){.used = true, .peer = NO_PEER, .touched = c->steps};
    known->block.hash = *hash;
    return known;
}

struct known_block *chain_learn(struct consensus *c, const struct consensus_block *block)
{
    struct known_block *known = entry_of(c, &block->hash);
    if (!known->has_header) {
        known->block = *block;
        known->has_header = true;
        known->retry_ms = 0; /* the shell has the body now, whatever it said before */
        c->changed = true;
    }
    return known;
}

struct known_block *chain_want(struct consensus *c, const struct hash *hash, uint32_t peer)
{
    struct known_block *known = entry_of(c, hash);
    if (known->trial != TRIAL_NONE) {
        return known;
    }
    if (c->now_ms < known->retry_ms) {
        machine_wait(c, known->retry_ms);
        return known;
    }
    known->trial = TRIAL_ASKED;
    known->peer = peer != NO_PEER ? peer : known->peer;
    if (known->peer == NO_PEER) {
        known->peer = sync_any_peer(c);
    }
    machine_emit(c, EFFECT_CHECK_BLOCK, known->peer)->block_hash = *hash;
    return known;
}

void chain_persist(struct consensus *c, struct known_block *known)
{
    CHECK(known->trial == TRIAL_AGREES);
    if (!known->persisted) {
        known->persisted = true;
        machine_emit(c, EFFECT_PERSIST_BLOCK, c->config.own_index)->block_hash = known->block.hash;
    }
}

void chain_checked(struct consensus *c, const struct hash *hash, enum block_check check,
                   const struct consensus_block *block)
{
    struct known_block *known = chain_find(c, hash);
    if (known == NULL || known->trial == TRIAL_AGREES || known->trial == TRIAL_INVALID) {
        return;
    }
    if (!known->has_header && hash_equal(&block->hash, hash)) {
        known->block = *block;
        known->has_header = true;
    }
    c->changed = true;
    const bool child = !known->has_header || extends_final(c, &known->block);
    if (check == BLOCK_AGREES && child && known->has_header) {
        known->trial = TRIAL_AGREES;
    } else if (check == BLOCK_INVALID && child) {
        known->trial = TRIAL_INVALID;
    } else {
        /* Not to be had now, or an answer that F has overtaken. */
        known->trial = TRIAL_NONE;
        known->peer = NO_PEER;
        known->retry_ms = c->now_ms + RETRY_MS;
    }
}

static void remember_final(struct consensus *c)
{
    if (c->final_count == FINALS_REMEMBERED) {
        memmove(&c->finals[0], &c->finals[1], (FINALS_REMEMBERED - 1) * sizeof c->finals[0]);
        c->final_count--;
    }
    c->finals[c->final_count] =
        (struct remembered_final){.view = c->final_view, .hash = c->final_block.hash};
    c->final_count++;
}

void chain_check_old(struct consensus *c, const struct certificate *certificate)
{
    const struct remembered_final *below = NULL, *above = NULL;
    for (uint32_t i = 0; i < c->final_count; i++) {
        if (c->finals[i].view <= certificate->view) {
            below = &c->finals[i];
        }
        if (c->finals[i].view >= certificate->view && above == NULL) {
            above = &c->finals[i];
        }
    }
    if (certificate->kind == VOTE_NOTARIZE || below == NULL || above == NULL) {
        return; /* older than memory; an audit compares the whole chain */
    }
    enum alarm alarm = ALARM_SAFETY_CHAIN;
    if (certificate->kind == VOTE_NULLIFY) {
        if (below != above || below->view == 0) {
            return;
        }
        alarm = ALARM_SAFETY_CERTIFICATES;
    } else {
        /* Between two neighbours of the final chain nothing but one of them can be final. */
        const struct hash *hash = &certificate->candidate.block_hash;
        if (hash_equal(hash, &below->hash) || hash_equal(hash, &above->hash)) {
            return;
        }
    }
    if (certificates_verify(c, certificate)) {
        struct certificate *kept = machine_certificates(c, 1);
        *kept = *certificate;
        certificates_conflict(c, VOTE_FINALIZE, kept);
        machine_halt(c, alarm);
    }
}

/* What no longer can follow F is forgotten; what may be tried again on the new F is. */
static void forget_blocks(struct consensus *c)
{
    for (uint32_t i = 0; i < BLOCKS_KNOWN_MAX; i++) {
        struct known_block *known = &c->blocks[i];
        const bool dead = known->has_header ? known->block.height <= c->final_block.height
                                            : known->trial != TRIAL_NONE;
        if (dead) {
            known->used = false;
        }
        known->trial = TRIAL_NONE;
        known->retry_ms = 0;
    }
    for (uint32_t i = 0; i < CATCHUP_WINDOW; i++) {
        if (c->catchup[i].held && c->catchup[i].block.height <= c->final_block.height) {
            c->catchup[i].held = false;
        }
    }
}

static void move_final(struct consensus *c, uint64_t view, const struct held_certificate *held)
{
    CHECK(view > c->final_view);
    held_certificate_copy(&c->finalization, held);
    c->final_view = view;
    remember_final(c);
    if (c->view <= view) {
        pacemaker_enter(c, view + 1);
    }
    views_prune(c);
    c->changed = true;
}

static void commit(struct consensus *c, const struct known_block *known, uint64_t view,
                   const struct held_certificate *held)
{
    struct certificate *finalization = machine_certificates(c, 1);
    certificates_export(c, VOTE_FINALIZE, view, held, finalization);
    struct effect *effect = machine_emit(c, EFFECT_COMMIT, c->config.own_index);
    effect->commit.block_hash = known->block.hash;
    effect->commit.finalization = finalization;
    /* A terminal block that this view proposed anew was not final in an earlier one. */
    const bool anew = held->candidate.parent_view == c->final_view;
    rejoin_final(c, view, anew || (known->block.flags & CONSENSUS_BLOCK_TERMINAL) == 0);
    c->final_block = known->block;
    c->final_since_ms = c->now_ms;
    c->blocks_committed++;
    metrics_committed(c, known);
    pacemaker_committed(c);
    move_final(c, view, held);
    forget_blocks(c);
    sync_committed(c);
}

/* A finalization held above F, and what is known of its block. */
struct final_choice {
    uint64_t view;
    const struct held_certificate *held;
    struct known_block *known;
};

/* Looks at one finalization above F; true if F moved or the node halted, so that all must be looked
   at anew. */
static bool consider(struct consensus *c, uint64_t view, const struct held_certificate *held,
                     struct final_choice *choice)
{
    const struct hash hash = held->candidate.block_hash;
    switch (chain_relation(c, &held->candidate)) {
    case RELATION_FINAL:
        rejoin_final(c, view, !machine_epoch_over(c));
        move_final(c, view, held);
        return true;
    case RELATION_CHILD:
        if (view > choice->view) {
            *choice = (struct final_choice){view, held, chain_want(c, &hash, NO_PEER)};
        }
        return false;
    case RELATION_DEEPER: {
        const struct known_block *known = chain_find(c, &hash);
        if (known != NULL && known->has_header &&
            known->block.height <= c->final_block.height + 1) {
            machine_halt(c, ALARM_SAFETY_CHAIN);
            return true;
        }
        return false;
    }
    case RELATION_UNKNOWN:
        return false;
    }
    return false;
}

/* The highest finalization of a child of F; nothing if F moved meanwhile, which settles again. */
static struct final_choice choose(struct consensus *c)
{
    const struct final_choice none = {0};
    struct final_choice choice = none;
    for (uint64_t view = c->tail; view < c->view; view++) {
        const struct held_certificate *held = certificates_find(c, VOTE_FINALIZE, view);
        if (held != NULL && view > c->final_view && consider(c, view, held, &choice)) {
            return none;
        }
    }
    for (uint32_t i = 0; i < ANCHORS_MAX; i++) {
        const struct view_certificates *anchor = &c->anchors[i];
        const struct held_certificate *held = &anchor->by_kind[VOTE_FINALIZE - 1];
        if (anchor->view > c->final_view && held->held &&
            consider(c, anchor->view, held, &choice)) {
            return none;
        }
    }
    const struct catchup_slot *next = &c->catchup[(c->final_block.height + 1) % CATCHUP_WINDOW];
    if (choice.held == NULL && next->held && next->view > c->final_view) {
        (void)chain_learn(c, &next->block);
        if (consider(c, next->view, &next->finalization, &choice)) {
            return none;
        }
    }
    return choice;
}

static void try_commit(struct consensus *c)
{
    while (!c->halted) {
        const struct final_choice choice = choose(c);
        if (c->halted || choice.held == NULL) {
            return;
        }
        if (choice.known->trial == TRIAL_INVALID) {
            safety_diverged(c);
            machine_halt(c, ALARM_DIVERGED);
            return;
        }
        if (choice.known->trial != TRIAL_AGREES) {
            return;
        }
        commit(c, choice.known, choice.view, choice.held);
    }
}

/* FINALIZE for one notarized view, if every condition holds. */
static void try_finalize(struct consensus *c, uint64_t view)
{
    const struct held_certificate *held = certificates_find(c, VOTE_NOTARIZE, view);
    if (held == NULL) {
        return;
    }
    const struct candidate candidate = held->candidate;
    struct known_block *known = chain_find(c, &candidate.block_hash);
    if (known != NULL && known->trial == TRIAL_INVALID) {
        safety_diverged(c);
        return;
    }
    if (!safety_may_cast(c, VOTE_FINALIZE, view)) {
        return;
    }
    switch (chain_relation(c, &candidate)) {
    case RELATION_FINAL: /* re-proposed by a leader that did not know it final: durable, agreed */
        safety_cast(c, VOTE_FINALIZE, view, &candidate, CAST_SEND);
        return;
    case RELATION_CHILD:
        known = chain_want(c, &candidate.block_hash, NO_PEER);
        if (known->trial == TRIAL_AGREES) {
            chain_persist(c, known);
            safety_cast(c, VOTE_FINALIZE, view, &candidate, CAST_SEND);
        }
        return;
    case RELATION_DEEPER:
    case RELATION_UNKNOWN:
        return; /* until F moves or certificates come */
    }
}

void chain_settle(struct consensus *c)
{
    try_commit(c);
    for (uint64_t view = c->tail; view < c->view && !c->halted; view++) {
        try_finalize(c, view);
    }
    if (!c->halted) {
        try_commit(c);
    }
}

/* A final block that follows another block than F: whatever its view, and however much of the own
   chain is remembered, more than f validators are faulty. */
static void fork_shown(struct consensus *c, const struct certificate *finalization)
{
    if (!c->halted && certificate_check_form(finalization, c->set) == STATUS_OK &&
        certificates_verify(c, finalization)) {
        struct certificate *kept = machine_certificates(c, 1);
        *kept = *finalization;
        certificates_conflict(c, VOTE_FINALIZE, kept);
        machine_halt(c, ALARM_SAFETY_CHAIN);
    }
}

void chain_catchup(struct consensus *c, const struct consensus_block *block,
                   const struct certificate *finalization, uint32_t peer)
{
    const uint64_t height = block->height;
    if (height <= c->final_block.height || height - c->final_block.height > CATCHUP_WINDOW ||
        finalization->kind != VOTE_FINALIZE || block->epoch != c->config.epoch ||
        !hash_equal(&finalization->candidate.block_hash, &block->hash)) {
        return;
    }
    if (height == c->final_block.height + 1 &&
        !hash_equal(&block->parent_hash, &c->final_block.hash)) {
        /* As any certificate first: its votes may show who signed twice, and peers learn of it. */
        (void)certificates_receive(c, finalization, peer);
        fork_shown(c, finalization);
        return;
    }
    if (!certificates_receive(c, finalization, peer)) {
        return;
    }
    sync_block_came(c);
    struct catchup_slot *slot = &c->catchup[height % CATCHUP_WINDOW];
    if (slot->held && slot->block.height == height) {
        return;
    }
    /* The certificate held may have other signers than this one, which was not verified then. */
    const struct held_certificate *held = certificates_find(c, VOTE_FINALIZE, finalization->view);
    if (held == NULL && !certificates_verify(c, finalization)) {
        return;
    }
    slot->held = true;
    slot->view = finalization->view;
    slot->block = *block;
    if (held != NULL) {
        held_certificate_copy(&slot->finalization, held);
    } else {
        certificates_import(&slot->finalization, finalization);
    }
    struct known_block *known = chain_learn(c, block);
    known->peer = peer;
    c->changed = true;
}

bool chain_is_behind(struct consensus *c)
{
    for (uint64_t view = c->tail; view < c->view; view++) {
        if (view > c->final_view && certificates_find(c, VOTE_FINALIZE, view) != NULL) {
            return true;
        }
    }
    for (uint32_t i = 0; i < ANCHORS_MAX; i++) {
        if (c->anchors[i].view > c->final_view && c->anchors[i].by_kind[VOTE_FINALIZE - 1].held) {
            return true;
        }
    }
    return c->catchup[(c->final_block.height + 1) % CATCHUP_WINDOW].held;
}

static bool open_at(struct consensus *c, uint64_t view, struct candidate *ret_candidate)
{
    const struct held_certificate *held = certificates_find(c, VOTE_NOTARIZE, view);
    if (held == NULL || hash_equal(&held->candidate.block_hash, &c->final_block.hash)) {
        return false;
    }
    *ret_candidate = held->candidate;
    return true;
}

bool chain_open_candidate(struct consensus *c, struct candidate *ret_candidate)
{
    for (uint64_t view = c->view - 1; view >= c->tail && view > c->final_view; view--) {
        if (open_at(c, view, ret_candidate)) {
            return true;
        }
    }
    for (uint32_t i = 0; i < ANCHORS_MAX; i++) {
        if (c->anchors[i].view > c->final_view && open_at(c, c->anchors[i].view, ret_candidate)) {
            return true;
        }
    }
    return false;
}
