/*
 * machine: how the rules speak to the shell: effects, and the memory that effects point to
 * (docs/consensus.md, Effects). Everything here is bounded by one step.
 */
#include "consensus/machine.h"

struct effect *machine_emit(struct consensus *c, enum effect_kind kind, uint32_t peer)
{
    CHECK(c->effects->count < CONSENSUS_EFFECTS_MAX);
    struct effect *effect = &c->effects->list[c->effects->count];
    c->effects->count++;
    *effect = (struct effect){.kind = kind, .peer = peer};
    return effect;
}

struct certificate *machine_certificates(struct consensus *c, uint32_t count)
{
    CHECK(count <= SCRATCH_CERTIFICATES - c->scratch.certificate_count);
    struct certificate *first = &c->scratch.certificates[c->scratch.certificate_count];
    c->scratch.certificate_count += count;
    return first;
}

const struct vote *machine_keep_vote(struct consensus *c, const struct vote *vote)
{
    CHECK(c->scratch.vote_count < SCRATCH_VOTES);
    struct vote *kept = &c->scratch.votes[c->scratch.vote_count];
    c->scratch.vote_count++;
    *kept = *vote;
    return kept;
}

void machine_send_vote(struct consensus *c, const struct vote *vote, uint32_t peer)
{
    const struct vote *kept = machine_keep_vote(c, vote);
    machine_emit(c, EFFECT_SEND_VOTE, peer)->vote = kept;
}

void machine_alarm(struct consensus *c, enum alarm alarm)
{
    machine_emit(c, EFFECT_ALARM, c->config.own_index)->alarm = alarm;
}

void machine_halt(struct consensus *c, enum alarm alarm)
{
    if (!c->halted) {
        c->halted = true;
        c->may_sign = false;
        machine_emit(c, EFFECT_HALT, c->config.own_index)->alarm = alarm;
    }
}

void machine_wait(struct consensus *c, uint64_t monotonic_ms)
{
    c->deadline_ms = u64_min(c->deadline_ms, monotonic_ms);
}
