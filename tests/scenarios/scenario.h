/*
 * scenario: what the directed tests of several consensus machines share (docs/consensus.md; the
 * list of them is in docs/testing.md). They run on consensus_net: virtual time, one seed, every
 * invariant watched.
 */
#ifndef HEFU_TESTS_SCENARIOS_SCENARIO_H
#define HEFU_TESTS_SCENARIOS_SCENARIO_H

#include "tests/support/consensus_net.h"

#define MINUTE_MS UINT64_C(60000)

/* A network without faults of its own: Δ 100 ms, an empty block after 2 s. */
struct net_config scenario_config(uint32_t count, uint64_t seed);
uint64_t scenario_view(const struct net *net, uint32_t node);
/* Heals, and fails the test unless every honest node commits that many heights more in five
   minutes of virtual time, without a violation. what: the case, for the message. */
void scenario_goes_on(struct net *net, uint64_t heights, const char *what);
/* Frees the network; fails the test if an invariant was violated. */
void scenario_end(struct net *net, const char *what);
/* The view that a message speaks of; 0 for requests. */
uint64_t scenario_view_of(const struct effect *effect);
/* A number from the environment. */
uint64_t scenario_number(const char *name, uint64_t otherwise);

#endif
