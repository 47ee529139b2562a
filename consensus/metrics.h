/* metrics: what the machine counts of itself; nothing in it decides anything. */
#ifndef HEFU_CONSENSUS_METRICS_H
#define HEFU_CONSENSUS_METRICS_H

#include "consensus/machine.h"

/* The timer gives the current view up. */
void metrics_timeout(struct consensus *c);
/* A proposal of the block was seen, or it was built, since when; the first time counts. NULL: not
   a block that is known yet. */
void metrics_proposed(struct known_block *known, uint64_t since_ms);
/* The block is being committed. */
void metrics_committed(struct consensus *c, const struct known_block *known);

#endif
