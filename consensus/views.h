/*
 * views: what is remembered of each view above the final one (docs/consensus.md, Memory): a ring of
 * slots near the current view, and below it ranges of nullified views and a few anchors.
 */
#ifndef HEFU_CONSENSUS_VIEWS_H
#define HEFU_CONSENSUS_VIEWS_H

#include "consensus/machine.h"

/* The slot of a view that has one, or NULL: out of the ring, or nothing is held of it. */
struct view_slot *views_find(struct consensus *c, uint64_t view);
/* The slot of a view within [tail, view + 64] and above F, made if need be; NULL for others. */
struct view_slot *views_claim(struct consensus *c, uint64_t view);

/* Where a certificate of a view below the tail is kept. Takes the place of the lowest anchor when
   all are used, if that is lower; NULL if not. */
struct view_certificates *views_claim_anchor(struct consensus *c, uint64_t view);
/* The certificates held of a view, in slot or anchor, or NULL. */
const struct view_certificates *views_certificates(struct consensus *c, uint64_t view);

void views_mark_nullified(struct consensus *c, uint64_t view);
bool views_is_nullified(const struct consensus *c, uint64_t view);
/* The lowest view from which all up to last, included, are nullified; last + 1 if last is not. */
uint64_t views_nullified_since(const struct consensus *c, uint64_t last);
/* The lowest view above F from which none up to last, which is not nullified itself, is. */
uint64_t views_open_since(const struct consensus *c, uint64_t last);

/* Moves the ring after the current view has grown. */
void views_slide(struct consensus *c);
/* Forgets every view at or below F.view. */
void views_prune(struct consensus *c);

void held_certificate_copy(struct held_certificate *to, const struct held_certificate *from);

#endif
