/*
 * evidence: pairs of votes that one honest key can never have signed (docs/consensus.md, Evidence).
 */
#ifndef HEFU_CONSENSUS_EVIDENCE_H
#define HEFU_CONSENSUS_EVIDENCE_H

#include "consensus/machine.h"

/* Whether the two votes, of one signer, epoch and view, convict the signer: two different notarize,
   two different finalize, or nullify with finalize. */
bool evidence_convicts(const struct vote *a, const struct vote *b);

/* Gives out the pair, once a signer and view. Both votes are verified. */
void evidence_found(struct consensus *c, struct view_slot *slot, const struct vote *first,
                    const struct vote *second);

#endif
