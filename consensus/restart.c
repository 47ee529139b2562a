/*
 * restart: view = 1 + max(F.view, highest certificate held), and own stored votes, merged with the
 * register's, go back into the pools. Each half matters: without them a restart of all validators
 * can stall for ever (docs/consensus.md, Restart).
 */
#include "consensus/restart.h"

#include "consensus/certificates.h"
#include "consensus/chain.h"
#include "consensus/safety.h"
#include "consensus/views.h"
#include "consensus/votes.h"

#define RESENT_VOTES_MAX 64

/* The register must be this chain's. If its epoch is a later one, storage was lost or rolled back:
   then this node follows, and signs nothing before it is there again. */
static enum status load_register(struct consensus *c, const struct vote_register *found)
{
    struct vote_register *reg = &c->vote_register;
    if (!machine_is_validator(c)) {
        return STATUS_OK;
    }
    if (found == NULL) {
        return STATUS_NOT_FOUND;
    }
    *reg = *found;
    if (hash_is_zero(&reg->chain_id)) {
        reg->chain_id = c->config.chain_id; /* unbound: the first start binds it */
    } else if (!hash_equal(&reg->chain_id, &c->config.chain_id)) {
        return STATUS_CORRUPT;
    }
    /* Nobody vouched for the epochs after the floor's. */
    if (reg->floor_pending && reg->floor_epoch < c->config.epoch) {
        reg->floor_pending = false;
        reg->rejoining = true;
    }
    c->register_behind = reg->behind && !reg->rejoining;
    c->boot_view = reg->epoch == c->config.epoch ? reg->view : 0;
    return STATUS_OK;
}

/* Whether a stored vote is one of ours in this epoch. */
static bool is_own(const struct consensus *c, const struct vote *vote)
{
    return vote_check_form(vote, c->set->count) == STATUS_OK &&
           vote->signer == c->config.own_index && vote->epoch == c->config.epoch;
}

/* Storage and register must not disagree about what was signed. */
static enum status check_votes(const struct consensus *c, const struct consensus_recovery *recovery)
{
    const struct vote_register *reg = &c->vote_register;
    for (uint32_t i = 0; i < recovery->vote_count; i++) {
        const struct vote *vote = &recovery->votes[i];
        if (!is_own(c, vote)) {
            return STATUS_CORRUPT;
        }
        const bool both =
            reg->epoch == vote->epoch && reg->view == vote->view && reg->voted[vote->kind - 1];
        if (both && !vote_same_preimage(&reg->votes[vote->kind - 1], vote)) {
            return STATUS_CORRUPT;
        }
    }
    for (uint32_t k = 0; k < VOTE_KINDS; k++) {
        if (reg->voted[k] && reg->epoch == c->config.epoch &&
            (!is_own(c, &reg->votes[k]) || reg->votes[k].view != reg->view)) {
            return STATUS_CORRUPT;
        }
    }
    return STATUS_OK;
}

static void load_final(struct consensus *c, const struct consensus_recovery *recovery)
{
    c->final_block = recovery->final_block;
    c->final_view = recovery->final_view;
    c->final_since_ms = c->now_ms;
    if (recovery->finalization != NULL) {
        CHECK(recovery->finalization->view == recovery->final_view);
        certificates_import(&c->finalization, recovery->finalization);
    }
    CHECK(recovery->final_count <= CONSENSUS_FINALS_MAX);
    for (uint32_t i = 0; i < recovery->final_count; i++) {
        const uint64_t next =
            i + 1 < recovery->final_count ? recovery->finals[i + 1].view : recovery->final_view;
        CHECK(recovery->finals[i].view < next);
        c->finals[i] = recovery->finals[i];
    }
    c->final_count = recovery->final_count + 1;
    c->finals[recovery->final_count] =
        (struct remembered_final){.view = c->final_view, .hash = c->final_block.hash};
}

static void load_certificates(struct consensus *c, const struct consensus_recovery *recovery)
{
    uint64_t highest = c->final_view;
    for (uint32_t i = 0; i < recovery->certificate_count; i++) {
        if (recovery->certificates[i]->epoch == c->config.epoch) {
            highest = u64_max(highest, recovery->certificates[i]->view);
        }
    }
    c->view = highest + 1;
    c->tail = 1;
    views_slide(c);
    for (uint32_t i = 0; i < recovery->certificate_count; i++) {
        if (recovery->certificates[i]->epoch == c->config.epoch) {
            certificates_restore(c, recovery->certificates[i]);
        }
    }
}

static bool vote_is_stored(const struct consensus_recovery *recovery, const struct vote *vote)
{
    for (uint32_t i = 0; i < recovery->vote_count; i++) {
        if (recovery->votes[i].view == vote->view && recovery->votes[i].kind == vote->kind &&
            recovery->votes[i].epoch == vote->epoch) {
            return true;
        }
    }
    return false;
}

/* Own votes inside stored certificates count as stored. A vote that completed a certificate, and
   moved F, was pruned in the commit that stored it; if the register's write after that commit was
   lost, the certificate is all that tells of it, and peers will show it to us. */
static void merge_certificate(struct consensus *c, const struct certificate *certificate)
{
    struct vote vote;
    if (certificate != NULL && certificate->epoch == c->config.epoch &&
        certificate_vote_of(certificate, c->config.own_index, &vote)) {
        (void)safety_register_vote(c, &vote);
        (void)votes_admit(c, &vote);
    }
}

/* The register's votes go into storage, storage's into the register: a crash between the two writes
   leaves one of them behind, and the vote may have been sent only if both had it. */
static void merge_votes(struct consensus *c, const struct consensus_recovery *recovery)
{
    struct vote_register *reg = &c->vote_register;
    for (uint32_t k = 0; k < VOTE_KINDS; k++) {
        const struct vote *vote = &reg->votes[k];
        if (reg->voted[k] && reg->epoch == c->config.epoch && vote->view > c->final_view &&
            !vote_is_stored(recovery, vote)) {
            machine_emit(c, EFFECT_PERSIST_VOTE, c->config.own_index)->vote =
                machine_keep_vote(c, vote);
        }
    }
    for (uint32_t i = 0; i < recovery->vote_count; i++) {
        (void)safety_register_vote(c, &recovery->votes[i]);
        (void)votes_admit(c, &recovery->votes[i]);
    }
    merge_certificate(c, recovery->finalization);
    for (uint32_t i = 0; i < recovery->certificate_count; i++) {
        merge_certificate(c, recovery->certificates[i]);
    }
    safety_write_register(c);
}

/* Sends own votes above F again, newest views first, and counts them: with few validators they may
   be a quorum already. */
static void resend_votes(struct consensus *c)
{
    uint32_t left = RESENT_VOTES_MAX;
    struct vote vote;
    const uint64_t newest = c->view;
    for (uint64_t view = newest; view >= c->tail && view > c->final_view; view--) {
        for (uint32_t kind = VOTE_NOTARIZE; kind <= VOTE_FINALIZE && left > 0; kind++) {
            if (votes_get(c, (enum vote_kind)kind, view, c->config.own_index, &vote)) {
                machine_send_vote(c, &vote, CONSENSUS_ALL);
                votes_count(c, &vote);
                left--;
            }
        }
    }
}

enum status restart_load(struct consensus *c, const struct consensus_recovery *recovery)
{
    enum status status = load_register(c, recovery->vote_register);
    if (status == STATUS_OK) {
        status = check_votes(c, recovery);
    }
    if (status != STATUS_OK) {
        return status;
    }
    load_final(c, recovery);
    load_certificates(c, recovery);
    for (uint32_t i = 0; i < recovery->open_block_count; i++) {
        chain_learn(c, &recovery->open_blocks[i])->persisted = true;
    }
    c->entered_ms = c->now_ms;
    c->status_due_ms = c->now_ms;
    for (uint32_t i = 0; i < c->set->count; i++) {
        c->peers[i].heard_ms = c->now_ms;
    }
    c->may_sign = c->set->quorum == 1 && !c->halted;
    if (machine_is_validator(c) && !c->halted) {
        merge_votes(c, recovery);
        safety_merge_register(c);
        resend_votes(c);
    }
    return STATUS_OK;
}
