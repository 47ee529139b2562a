/*
 * certificates: verified whole before they count; two that cannot both be stop the node; the first
 * of a view at or above the current one opens the next view (docs/consensus.md, on_certificate).
 */
#include "consensus/certificates.h"

#include <string.h>

#include "consensus/chain.h"
#include "consensus/pacemaker.h"
#include "consensus/safety.h"
#include "consensus/sync.h"
#include "consensus/views.h"
#include "consensus/votes.h"

/* From this many peers on, a certificate goes to all: the bound on the effects of one step. */
#define SEND_TO_ALL_FROM 8

static bool signed_by(const uint8_t *signers, uint32_t index)
{
    return (signers[index / 8] >> (index % 8) & 1) != 0;
}

/* The vote of one signer of a certificate; position is its place among the signatures. */
static struct vote vote_in(const struct certificate *certificate, uint32_t signer,
                           uint32_t position)
{
    return (struct vote){.kind = certificate->kind,
                         .signer = signer,
                         .epoch = certificate->epoch,
                         .view = certificate->view,
                         .candidate = certificate->candidate,
                         .signature = certificate->signatures[position]};
}

enum status certificate_check_form(const struct certificate *certificate,
                                   const struct validator_set *set)
{
    const struct vote form = {
        .kind = certificate->kind, .view = certificate->view, .candidate = certificate->candidate};
    if (vote_check_form(&form, set->count) != STATUS_OK || certificate->epoch != set->epoch) {
        return STATUS_MALFORMED;
    }
    uint32_t count = 0;
    for (uint32_t i = 0; i < LIMIT_VALIDATORS; i++) {
        if (signed_by(certificate->signers, i)) {
            if (i >= set->count) {
                return STATUS_MALFORMED;
            }
            count++;
        }
    }
    if (count != certificate->signature_count || count < set->quorum) {
        return STATUS_MALFORMED;
    }
    return STATUS_OK;
}

bool certificate_vote_of(const struct certificate *certificate, uint32_t signer,
                         struct vote *ret_vote)
{
    if (signer >= LIMIT_VALIDATORS || !signed_by(certificate->signers, signer)) {
        return false;
    }
    uint32_t position = 0;
    for (uint32_t i = 0; i < signer; i++) {
        position += signed_by(certificate->signers, i);
    }
    *ret_vote = vote_in(certificate, signer, position);
    return true;
}

bool certificates_verify(struct consensus *c, const struct certificate *certificate)
{
    uint32_t position = 0;
    for (uint32_t i = 0; i < c->set->count; i++) {
        if (!signed_by(certificate->signers, i)) {
            continue;
        }
        const struct vote vote = vote_in(certificate, i, position);
        if (!votes_verify(c, &vote)) {
            return false;
        }
        position++;
    }
    return true;
}

/* Its votes go through the pool, so that conflicting signers are seen and own votes recognised. */
static void admit_votes(struct consensus *c, const struct certificate *certificate)
{
    uint32_t position = 0;
    for (uint32_t i = 0; i < c->set->count; i++) {
        if (signed_by(certificate->signers, i)) {
            const struct vote vote = vote_in(certificate, i, position);
            if (i == c->config.own_index && votes_find(c, vote.kind, vote.view, i) == NULL) {
                safety_own_vote_shown(c, &vote);
            }
            (void)votes_admit(c, &vote);
            position++;
        }
    }
}

const struct held_certificate *certificates_find(struct consensus *c, enum vote_kind kind,
                                                 uint64_t view)
{
    const struct view_certificates *certificates = views_certificates(c, view);
    if (certificates == NULL || !certificates->by_kind[kind - 1].held) {
        return NULL;
    }
    return &certificates->by_kind[kind - 1];
}

void certificates_export(const struct consensus *c, enum vote_kind kind, uint64_t view,
                         const struct held_certificate *held, struct certificate *ret)
{
    CHECK(held->held);
    ret->kind = kind;
    ret->signature_count = held->signature_count;
    ret->epoch = c->config.epoch;
    ret->view = view;
    ret->candidate = held->candidate;
    memcpy(ret->signers, held->signers, sizeof ret->signers);
    memcpy(ret->signatures, held->signatures, held->signature_count * sizeof held->signatures[0]);
}

void certificates_import(struct held_certificate *held, const struct certificate *certificate)
{
    held->held = true;
    held->signature_count = certificate->signature_count;
    held->candidate = certificate->candidate;
    memcpy(held->signers, certificate->signers, sizeof held->signers);
    memcpy(held->signatures, certificate->signatures,
           certificate->signature_count * sizeof held->signatures[0]);
}

static uint32_t send_held(struct consensus *c, enum vote_kind kind, uint64_t view,
                          const struct held_certificate *held, uint32_t peer)
{
    struct certificate *sent = machine_certificates(c, 1);
    certificates_export(c, kind, view, held, sent);
    machine_emit(c, EFFECT_SEND_CERTIFICATE, peer)->certificate = sent;
    return 1;
}

uint32_t certificates_send(struct consensus *c, enum vote_kind kind, uint64_t view, uint32_t peer)
{
    const struct held_certificate *held = certificates_find(c, kind, view);
    return held == NULL ? 0 : send_held(c, kind, view, held, peer);
}

uint32_t certificates_send_final(struct consensus *c, uint32_t peer)
{
    if (!c->finalization.held) {
        return 0;
    }
    return send_held(c, VOTE_FINALIZE, c->final_view, &c->finalization, peer);
}

static bool peer_may_lack(const struct consensus *c, const struct certificate *certificate,
                          uint32_t peer)
{
    if (certificate->kind == VOTE_FINALIZE) {
        return c->peers[peer].final_view < certificate->view;
    }
    return c->peers[peer].view <= certificate->view;
}

/* Sends it once to every validator not known to be past it; not back to where it came from. */
static void forward(struct consensus *c, const struct certificate *certificate, uint32_t except)
{
    uint32_t lacking[SEND_TO_ALL_FROM];
    uint32_t count = 0;
    if (!machine_is_validator(c)) {
        return; /* an observer only follows */
    }
    for (uint32_t i = 0; i < c->set->count; i++) {
        if (i == c->config.own_index || i == except || !peer_may_lack(c, certificate, i)) {
            continue;
        }
        if (count == SEND_TO_ALL_FROM) {
            machine_emit(c, EFFECT_SEND_CERTIFICATE, CONSENSUS_ALL)->certificate = certificate;
            return;
        }
        lacking[count] = i;
        count++;
    }
    for (uint32_t i = 0; i < count; i++) {
        machine_emit(c, EFFECT_SEND_CERTIFICATE, lacking[i])->certificate = certificate;
    }
}

/* Whether another certificate of the view is held that cannot stand beside this one, and of which
   kind it is. */
static bool contradicts(struct consensus *c, const struct certificate *certificate,
                        enum vote_kind *ret_kind)
{
    const uint64_t view = certificate->view;
    if (certificate->kind == VOTE_NULLIFY) {
        *ret_kind = VOTE_FINALIZE;
        return certificates_find(c, VOTE_FINALIZE, view) != NULL;
    }
    const struct held_certificate *same = certificates_find(c, certificate->kind, view);
    const enum vote_kind other_kind =
        certificate->kind == VOTE_FINALIZE ? VOTE_NOTARIZE : VOTE_FINALIZE;
    const struct held_certificate *other = certificates_find(c, other_kind, view);
    if (same != NULL && !candidate_equal(&same->candidate, &certificate->candidate)) {
        *ret_kind = certificate->kind;
        return true;
    }
    if (other != NULL && !candidate_equal(&other->candidate, &certificate->candidate)) {
        *ret_kind = other_kind;
        return true;
    }
    *ret_kind = VOTE_NULLIFY;
    return certificate->kind == VOTE_FINALIZE && views_is_nullified(c, view);
}

void certificates_conflict(struct consensus *c, enum vote_kind first_kind,
                           const struct certificate *second)
{
    const bool final = first_kind == VOTE_FINALIZE && second->view == c->final_view;
    const struct held_certificate *held =
        final ? &c->finalization : certificates_find(c, first_kind, second->view);
    struct effect *effect = machine_emit(c, EFFECT_CONFLICT, c->config.own_index);
    effect->conflict.second = second;
    effect->conflict.first = NULL;
    if (held != NULL && held->held) {
        struct certificate *first = machine_certificates(c, 1);
        certificates_export(c, first_kind, second->view, held, first);
        effect->conflict.first = first;
    }
}

static void store(struct consensus *c, const struct certificate *certificate)
{
    if (certificate->kind == VOTE_NULLIFY) {
        views_mark_nullified(c, certificate->view);
    }
    if (certificate->view >= c->tail) {
        struct view_slot *slot = views_claim(c, certificate->view);
        if (slot != NULL) {
            certificates_import(&slot->certificates.by_kind[certificate->kind - 1], certificate);
        }
        return;
    }
    if (certificate->kind != VOTE_NULLIFY) {
        struct view_certificates *anchor = views_claim_anchor(c, certificate->view);
        if (anchor != NULL) {
            certificates_import(&anchor->by_kind[certificate->kind - 1], certificate);
        }
    }
}

/* Takes over a valid certificate above F: scratch holds it, so effects may point to it. */
static void adopt(struct consensus *c, const struct certificate *certificate, uint32_t from)
{
    CHECK(certificate->view > c->final_view);
    /* A finalization far below comes by catch-up and is stored with its block. One that contradicts
       another of its kind would take its place in storage: both are kept as a conflict. */
    const bool far_below = certificate->kind == VOTE_FINALIZE && certificate->view < c->tail;
    if (!far_below && certificates_find(c, certificate->kind, certificate->view) == NULL) {
        machine_emit(c, EFFECT_PERSIST_CERTIFICATE, c->config.own_index)->certificate = certificate;
    }
    enum vote_kind kind;
    if (contradicts(c, certificate, &kind)) {
        certificates_conflict(c, kind, certificate);
        machine_halt(c, ALARM_SAFETY_CERTIFICATES);
        return;
    }
    c->changed = true;
    const bool opens_view = certificate->view >= c->view;
    if (opens_view) {
        /* The slot of a view far ahead exists only once the ring has moved there. */
        pacemaker_view_ends(c, certificate->view, certificate->kind);
        pacemaker_enter(c, certificate->view + 1);
    }
    store(c, certificate);
    sync_certificate_came(c, certificate->view);
    forward(c, certificate, from);
}

void certificates_restore(struct consensus *c, const struct certificate *certificate)
{
    CHECK(certificate->view < c->view);
    if (certificate->view <= c->final_view) {
        return;
    }
    enum vote_kind kind;
    if (contradicts(c, certificate, &kind)) {
        machine_halt(c, ALARM_SAFETY_CERTIFICATES);
    }
    store(c, certificate);
}

/* Whether the same certificate (signers aside) is held already. */
static bool is_held(struct consensus *c, const struct certificate *certificate)
{
    if (certificate->kind == VOTE_NULLIFY) {
        return views_is_nullified(c, certificate->view);
    }
    const struct held_certificate *held =
        certificates_find(c, certificate->kind, certificate->view);
    return held != NULL && candidate_equal(&held->candidate, &certificate->candidate);
}

bool certificates_receive(struct consensus *c, const struct certificate *certificate, uint32_t peer)
{
    if (c->halted || certificate_check_form(certificate, c->set) != STATUS_OK) {
        return false;
    }
    if (certificate->view <= c->final_view) {
        chain_check_old(c, certificate);
        return false;
    }
    if (is_held(c, certificate)) {
        return true;
    }
    if (!certificates_verify(c, certificate)) {
        return false;
    }
    struct certificate *kept = machine_certificates(c, 1);
    *kept = *certificate;
    admit_votes(c, kept);
    adopt(c, kept, peer);
    return !c->halted;
}

void certificates_from_votes(struct consensus *c, enum vote_kind kind, uint64_t view,
                             const struct candidate *candidate)
{
    const struct view_slot *slot = views_find(c, view);
    CHECK(slot != NULL);
    const struct held_vote *votes = slot->votes[kind - 1];
    struct certificate *made = machine_certificates(c, 1);
    made->kind = kind;
    made->epoch = c->config.epoch;
    made->view = view;
    made->candidate = *candidate;
    made->signature_count = 0;
    memset(made->signers, 0, sizeof made->signers);
    for (uint32_t i = 0; i < c->set->count && made->signature_count < c->set->quorum; i++) {
        if (votes[i].held && candidate_equal(&votes[i].candidate, candidate)) {
            made->signers[i / 8] |= (uint8_t)(1u << (i % 8));
            made->signatures[made->signature_count] = votes[i].signature;
            made->signature_count++;
        }
    }
    CHECK(made->signature_count == c->set->quorum);
    adopt(c, made, NO_PEER);
}
