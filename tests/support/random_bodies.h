/*
 * random_bodies: bodies of actions of kinds 5 to 12 (docs/formats.md, Bodies of actions) as a
 * pseudo-random network's people would write them: changes of what stands now, mostly such that
 * they fit, now and then beyond each bound of each field.
 */
#ifndef HEFU_TESTS_RANDOM_BODIES_H
#define HEFU_TESTS_RANDOM_BODIES_H

#include "base/prng.h"
#include "ledger/state.h"

/* The body without its head. */
void random_body(struct prng *prng, const struct ledger *ledger, enum action_kind kind,
                 struct writer *writer);

#endif
