/*
 * evidence: recognises and gives out proof of a faulty key (docs/consensus.md, Evidence).
 * Punishment is for people; the machine only makes sure that nothing of it is lost.
 */
#include "consensus/evidence.h"

bool evidence_convicts(const struct vote *a, const struct vote *b)
{
    if (a->signer != b->signer || a->epoch != b->epoch || a->view != b->view) {
        return false;
    }
    if (a->kind == b->kind) {
        return a->kind != VOTE_NULLIFY && !candidate_equal(&a->candidate, &b->candidate);
    }
    return (a->kind == VOTE_NULLIFY && b->kind == VOTE_FINALIZE) ||
           (a->kind == VOTE_FINALIZE && b->kind == VOTE_NULLIFY);
}

void evidence_found(struct consensus *c, struct view_slot *slot, const struct vote *first,
                    const struct vote *second)
{
    CHECK(evidence_convicts(first, second));
    /* The mark stands at the signer's NOTARIZE place, for the whole view. */
    struct held_vote *mark = &slot->votes[VOTE_NOTARIZE - 1][first->signer];
    if (mark->accused || c->scratch.evidence_count == LIMIT_VALIDATORS) {
        return;
    }
    mark->accused = true;
    struct evidence *evidence = &c->scratch.evidence[c->scratch.evidence_count];
    c->scratch.evidence_count++;
    *evidence = (struct evidence){.first = *first, .second = *second};
    c->evidence_count++;
    machine_emit(c, EFFECT_EVIDENCE, first->signer)->evidence = evidence;
    machine_alarm(c, ALARM_EVIDENCE);
}
