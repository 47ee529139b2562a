/*
 * safety: cast, and the vote register behind it (docs/consensus.md, cast; Boot). Whatever may be
 * wrong elsewhere, an honest key never signs two candidates in one view, nor both nullify and
 * finalize.
 */
#include "consensus/safety.h"

#include "consensus/certificates.h"
#include "consensus/votes.h"

bool safety_may_sign(const struct consensus *c)
{
    return machine_is_validator(c) && c->may_sign && !c->halted && !c->diverged &&
           !c->register_behind && !c->vote_register.rejoining;
}

bool safety_has_cast(struct consensus *c, enum vote_kind kind, uint64_t view)
{
    const struct vote_register *reg = &c->vote_register;
    if (reg->epoch == c->config.epoch && reg->view == view && reg->voted[kind - 1]) {
        return true;
    }
    return votes_find(c, kind, view, c->config.own_index) != NULL;
}

/* Whether a view is at or below the register's floor. */
static bool at_floor(const struct vote_register *reg, uint64_t epoch, uint64_t view)
{
    return reg->floor_epoch > epoch || (reg->floor_epoch == epoch && view <= reg->floor_view);
}

bool safety_below_floor(const struct consensus *c, uint64_t view)
{
    const struct vote_register *reg = &c->vote_register;
    return at_floor(reg, c->config.epoch, view) || reg->epoch > c->config.epoch ||
           view < c->boot_view;
}

bool safety_may_cast(struct consensus *c, enum vote_kind kind, uint64_t view)
{
    if (!safety_may_sign(c) || safety_below_floor(c, view)) {
        return false;
    }
    /* A view without a slot is final, or so old that own votes in it are forgotten. */
    if (view <= c->final_view || view < c->tail || view > c->view) {
        return false;
    }
    if (safety_has_cast(c, kind, view)) {
        return false;
    }
    switch (kind) {
    case VOTE_NOTARIZE:
        return view == c->view && !safety_has_cast(c, VOTE_NULLIFY, view);
    case VOTE_NULLIFY:
        return view == c->view && !safety_has_cast(c, VOTE_FINALIZE, view);
    case VOTE_FINALIZE:
        return !safety_has_cast(c, VOTE_NULLIFY, view);
    }
    return false;
}

bool safety_register_vote(struct consensus *c, const struct vote *vote)
{
    struct vote_register *reg = &c->vote_register;
    if (reg->epoch > vote->epoch) {
        return false; /* storage was rolled back behind an epoch's end */
    }
    if (reg->epoch == vote->epoch && vote->view < reg->view) {
        return false; /* a late FINALIZE: storage alone remembers it while running */
    }
    if (reg->epoch != vote->epoch || reg->view != vote->view) {
        reg->epoch = vote->epoch;
        reg->view = vote->view;
        for (uint32_t k = 0; k < VOTE_KINDS; k++) {
            reg->voted[k] = false;
        }
    }
    if (reg->voted[vote->kind - 1]) {
        return false;
    }
    reg->voted[vote->kind - 1] = true;
    reg->votes[vote->kind - 1] = *vote;
    return true;
}

void safety_write_register(struct consensus *c)
{
    c->scratch.vote_register = c->vote_register;
    machine_emit(c, EFFECT_WRITE_REGISTER, c->config.own_index)->vote_register =
        &c->scratch.vote_register;
}

void safety_cast(struct consensus *c, enum vote_kind kind, uint64_t view,
                 const struct candidate *candidate, enum cast_sending sending)
{
    CHECK(safety_may_cast(c, kind, view));
    CHECK((kind == VOTE_NULLIFY) == (candidate == NULL));
    struct vote vote = {
        .kind = kind, .signer = c->config.own_index, .epoch = c->config.epoch, .view = view};
    if (candidate != NULL) {
        vote.candidate = *candidate;
    }
    uint8_t preimage[VOTE_PREIMAGE_BYTES];
    vote_preimage(&vote, &c->config.chain_id, &c->set->hash, preimage);
    c->config.crypto.sign(c->config.crypto.context, preimage, &vote.signature);

    const struct vote *kept = machine_keep_vote(c, &vote);
    machine_emit(c, EFFECT_PERSIST_VOTE, c->config.own_index)->vote = kept;
    if (safety_register_vote(c, &vote)) {
        safety_write_register(c);
    }
    if (sending == CAST_SEND) {
        machine_emit(c, EFFECT_SEND_VOTE, CONSENSUS_ALL)->vote = kept;
    }
    /* Nothing leaves the process before the pass is durable, so the vote may count at once. */
    const bool admitted = votes_admit(c, &vote);
    CHECK(admitted);
    votes_count(c, &vote);
}

void safety_own_vote_shown(struct consensus *c, const struct vote *vote)
{
    struct vote_register *reg = &c->vote_register;
    if (c->register_behind || reg->rejoining || reg->epoch > vote->epoch ||
        at_floor(reg, vote->epoch, vote->view)) {
        return;
    }
    if (reg->epoch == vote->epoch &&
        (vote->view < reg->view || (vote->view == reg->view && reg->voted[vote->kind - 1]))) {
        return;
    }
    if (votes_verify(c, vote)) {
        c->register_behind = true;
        reg->behind = true;
        safety_write_register(c);
        machine_alarm(c, ALARM_REGISTER_BEHIND);
    }
}

void safety_merge_register(struct consensus *c)
{
    const struct vote_register *reg = &c->vote_register;
    if (!machine_is_validator(c) || reg->epoch != c->config.epoch || reg->view > c->view) {
        return;
    }
    for (uint32_t k = 0; k < VOTE_KINDS; k++) {
        if (reg->voted[k] && votes_admit(c, &reg->votes[k])) {
            votes_count(c, &reg->votes[k]);
        }
    }
}

void safety_diverged(struct consensus *c)
{
    if (!c->diverged) {
        c->diverged = true;
        machine_alarm(c, ALARM_DIVERGED);
    }
}
