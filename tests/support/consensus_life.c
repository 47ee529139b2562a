/* consensus_life: what a machine may do, watched from outside (see consensus_life.h). */
#include "tests/support/consensus_life.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

void life_found(const struct life *life, const char *what, uint64_t view)
{
    (void)fprintf(stderr, "life: pass %u, view %" PRIu64 ": %s%s\n", life->passes, view, what,
                  life->betrayed ? " (the own key was used elsewhere)" : "");
    abort();
}

struct life_block *life_block(struct life *life, const struct hash *hash)
{
    for (uint32_t i = 0; i < life->block_count; i++) {
        if (hash_equal(&life->blocks[i].block.hash, hash)) {
            return &life->blocks[i];
        }
    }
    return NULL;
}

const struct vote *life_vote(const struct life *life, enum vote_kind kind, uint64_t view)
{
    for (uint32_t i = 0; i < life->vote_count; i++) {
        if (life->votes[i].kind == kind && life->votes[i].view == view) {
            return &life->votes[i];
        }
    }
    return NULL;
}

/* A vote of ours becomes durable. */
static void check_cast(struct life *life, const struct vote *vote)
{
    const struct vote *same = life_vote(life, vote->kind, vote->view);
    if (vote->signer != life->rig.own) {
        life_found(life, "persists another's vote", vote->view);
    }
    if (life->restoring && life->betrayed) {
        return; /* what it was shown as its own: told from certificates and register, not signed */
    }
    if (same != NULL && !vote_same_preimage(same, vote)) {
        life_found(life, "signs two candidates with one kind of vote", vote->view);
    }
    if (same != NULL) {
        return;
    }
    const bool nullified = life_vote(life, VOTE_NULLIFY, vote->view) != NULL;
    if ((vote->kind == VOTE_NULLIFY && life_vote(life, VOTE_FINALIZE, vote->view) != NULL) ||
        (vote->kind == VOTE_FINALIZE && nullified)) {
        life_found(life, "signs NULLIFY and FINALIZE", vote->view);
    }
    if (vote->kind == VOTE_NOTARIZE && nullified) {
        life_found(life, "signs NOTARIZE after NULLIFY", vote->view);
    }
    if (life->halted) {
        life_found(life, "signs after a halt", vote->view);
    }
    life->votes[life->vote_count++] = *vote;
}

/* Once its step is over: F may have moved within it, to the block or to its parent. */
static void check_notarize(struct life *life, const struct vote *vote,
                           const struct life_block *final_before)
{
    const struct life_block *known = life_block(life, &vote->candidate.block_hash);
    if (known == NULL) {
        life_found(life, "votes for a block that nobody made", vote->view);
    } else if (known != life->final && known != final_before) {
        if (!known->agreed) {
            life_found(life, "votes for a block that was not found to agree", vote->view);
        }
        if (!hash_equal(&known->block.parent_hash, &life->final->block.hash) &&
            !hash_equal(&known->block.parent_hash, &final_before->block.hash)) {
            life_found(life, "notarizes a block whose parent is not final", vote->view);
        }
    }
}

static void check_sent(const struct life *life, const struct vote *vote)
{
    if (vote->signer == life->rig.own) {
        const struct vote *durable = life_vote(life, vote->kind, vote->view);
        const bool shown = durable == NULL && life->betrayed; /* what it was shown as its own */
        if (!shown && (durable == NULL || !vote_same_preimage(durable, vote))) {
            life_found(life, "sends a vote that was not persisted before", vote->view);
        }
    }
}

static void take_register(struct life *life, const struct vote_register *next)
{
    const struct vote_register *held = &life->rig.vote_register;
    if (next->epoch < held->epoch || (next->epoch == held->epoch && next->view < held->view) ||
        next->floor_epoch < held->floor_epoch || (held->behind && !next->behind)) {
        life_found(life, "the register goes back", next->view);
    }
    life->rig.vote_register = *next;
}

/* The register knows each vote that the step cast, or one of a later view. */
static void check_register(const struct life *life, uint32_t from)
{
    const struct vote_register *held = &life->rig.vote_register;
    for (uint32_t i = from; i < life->vote_count; i++) {
        const struct vote *vote = &life->votes[i];
        const struct vote *kept = &held->votes[vote->kind - 1];
        if (held->view < vote->view ||
            (held->view == vote->view &&
             (!held->voted[vote->kind - 1] || !vote_same_preimage(kept, vote)))) {
            life_found(life, "casts a vote that the register does not hold", vote->view);
        }
    }
}

static void take_commit(struct life *life, const struct effect *effect)
{
    struct life_block *known = life_block(life, &effect->commit.block_hash);
    const struct certificate *finalization = effect->commit.finalization;
    if (known == NULL || !known->held ||
        !hash_equal(&known->block.parent_hash, &life->final->block.hash) ||
        known->block.height != life->final->block.height + 1) {
        life_found(life, "commits what is not the child of F", finalization->view);
        return;
    }
    if (known->invalid || finalization->view <= life->final_view ||
        finalization->kind != VOTE_FINALIZE ||
        !hash_equal(&finalization->candidate.block_hash, &known->block.hash)) {
        life_found(life, "commits what is invalid, or with another's finalization",
                   finalization->view);
    }
    life->finals[life->final_count++] =
        (struct remembered_final){.view = life->final_view, .hash = life->final->block.hash};
    life->final = known;
    life->final_view = finalization->view;
    life->finalization = *finalization;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < life->certificate_count; i++) {
        if (life->certificates[i]->view > life->final_view) {
            life->certificates[kept++] = life->certificates[i];
        } else {
            free(life->certificates[i]);
        }
    }
    life->certificate_count = kept;
}

static void take_certificate(struct life *life, const struct certificate *certificate)
{
    for (uint32_t i = 0; i < life->certificate_count; i++) {
        if (life->certificates[i]->view == certificate->view &&
            life->certificates[i]->kind == certificate->kind) {
            return;
        }
    }
    struct certificate *kept = malloc(sizeof *kept);
    CHECK(kept != NULL);
    *kept = *certificate;
    life->certificates[life->certificate_count++] = kept;
}

static void take_block(struct life *life, const struct hash *hash)
{
    struct life_block *known = life_block(life, hash);
    if (known == NULL || !known->held) {
        life_found(life, "persists a block that is not held", 0);
        return;
    }
    known->open = true;
}

/* What must be durable before anything of the pass is sent. */
static void take_durable(struct life *life, const struct effect *effect)
{
    switch (effect->kind) {
    case EFFECT_PERSIST_VOTE:
        check_cast(life, effect->vote);
        break;
    case EFFECT_PERSIST_CERTIFICATE:
        take_certificate(life, effect->certificate);
        break;
    case EFFECT_PERSIST_BLOCK:
        take_block(life, &effect->block_hash);
        break;
    case EFFECT_COMMIT:
        take_commit(life, effect);
        break;
    case EFFECT_WRITE_REGISTER:
        take_register(life, effect->vote_register);
        break;
    case EFFECT_EVIDENCE:
        if (effect->evidence->first.signer == life->rig.own && !life->betrayed) {
            life_found(life, "accuses itself", effect->evidence->first.view);
        }
        break;
    case EFFECT_HALT:
        life->halted = true;
        break;
    case EFFECT_SEND_VOTE:
        check_sent(life, effect->vote);
        break;
    case EFFECT_SEND_PROPOSAL:
        check_sent(life, &effect->proposal->vote);
        break;
    case EFFECT_CHECK_BLOCK:
    case EFFECT_BUILD_BLOCK:
    case EFFECT_SEND_CERTIFICATE:
    case EFFECT_SEND_STATUS:
    case EFFECT_REQUEST_CERTIFICATES:
    case EFFECT_REQUEST_BLOCKS:
    case EFFECT_CONFLICT:
    case EFFECT_ALARM:
        break;
    }
}

/* What the shell is asked for; it answers when the input says so, or never. */
static void take_request(struct life *life, const struct effect *effect)
{
    if (effect->kind == EFFECT_CHECK_BLOCK && life->check_count < LIFE_BLOCKS_MAX) {
        life->checks[life->check_count++] = effect->block_hash;
    } else if (effect->kind == EFFECT_BUILD_BLOCK) {
        if (!hash_equal(&effect->build.parent_hash, &life->final->block.hash) ||
            effect->build.min_timestamp_ms > effect->build.max_timestamp_ms) {
            life_found(life, "asks for a block that cannot be", effect->build.view);
        }
        life->asked = true;
        life->asked_view = effect->build.view;
        life->asked_parent = effect->build.parent_hash;
        life->asked_min_ms = effect->build.min_timestamp_ms;
    }
}

static void take_effects(struct life *life)
{
    const struct effects *effects = &life->rig.net->effects;
    life->passes++;
    const struct life_block *final_before = life->final;
    const uint32_t from = life->vote_count;
    CHECK(effects->count <= CONSENSUS_EFFECTS_MAX);
    for (uint32_t i = 0; i < effects->count; i++) {
        if (life->vote_count == LIFE_VOTES_MAX ||
            life->certificate_count == LIFE_CERTIFICATES_MAX) {
            life->full = true; /* not the machine's limit, but this story's */
            return;
        }
        take_durable(life, &effects->list[i]);
    }
    check_register(life, from);
    for (uint32_t i = from; i < life->vote_count; i++) {
        if (life->votes[i].kind == VOTE_NOTARIZE) {
            check_notarize(life, &life->votes[i], final_before);
        }
    }
    for (uint32_t i = 0; i < effects->count; i++) {
        take_request(life, &effects->list[i]);
    }
    const struct consensus_view view = rig_inspect(&life->rig);
    if (view.view < life->view_seen || view.final_height < life->height_seen ||
        view.view <= view.final_view) {
        life_found(life, "goes back", view.view);
    }
    if (view.final_height != life->final->block.height ||
        !hash_equal(&view.final_hash, &life->final->block.hash)) {
        life_found(life, "F is not the last block committed", view.view);
    }
    life->view_seen = view.view;
    life->height_seen = view.final_height;
}

/* Starts from what is durable; the root if nothing is. */
static void restore(struct life *life)
{
    static struct vote votes[LIFE_VOTES_MAX];
    struct consensus_block open[LIFE_BLOCKS_MAX];
    struct consensus_recovery recovery = {.final_block = life->final->block,
                                          .final_view = life->final_view,
                                          .finals = life->finals,
                                          .final_count = life->final_count,
                                          .votes = votes,
                                          .certificates =
                                              (const struct certificate *const *)life->certificates,
                                          .certificate_count = life->certificate_count,
                                          .open_blocks = open};
    recovery.finalization = life->final_view > 0 ? &life->finalization : NULL;
    for (uint32_t i = 0; i < life->vote_count; i++) {
        if (life->votes[i].view > life->final_view) {
            votes[recovery.vote_count++] = life->votes[i];
        }
    }
    for (uint32_t i = 1; i < life->block_count; i++) {
        struct life_block *known = &life->blocks[i];
        const bool open_still = known->open && known->block.height > life->final->block.height;
        known->agreed = false;
        known->held = known->open;
        if (open_still) {
            open[recovery.open_block_count++] = known->block;
        }
    }
    life->asked = false;
    life->check_count = 0;
    life->restoring = true;
    const enum status status = rig_restore(&life->rig, recovery);
    if (status != STATUS_OK) {
        life_found(life, status_text(status), life->view_seen);
    }
    take_effects(life);
    life->restoring = false;
}

void life_open(struct life *life, uint32_t count, uint32_t own)
{
    memset(life, 0, sizeof *life);
    rig_open(&life->rig, count, own);
    life->blocks[0] = (struct life_block){.block = life->rig.root, .held = true};
    life->block_count = 1;
    life->final = &life->blocks[0];
    restore(life);
}

void life_close(struct life *life)
{
    rig_close(&life->rig);
    for (uint32_t i = 0; i < life->certificate_count; i++) {
        free(life->certificates[i]);
    }
}

void life_die(struct life *life)
{
    rig_reopen(&life->rig);
    restore(life);
}

void life_step(struct life *life, struct event event)
{
    rig_step(&life->rig, event);
    take_effects(life);
}
