/*
 * restored_net: what tests of incarnations have in common: four validators and observers with some
 * money, whose stores all go back to backups of different age, and what must hold of them after.
 */
#ifndef HEFU_TESTS_SUPPORT_RESTORED_NET_H
#define HEFU_TESTS_SUPPORT_RESTORED_NET_H

#include "tests/support/replica_net_state.h"

#define RESTORED_NODES 4

/* Four validators, and as many observers as make so many nodes; block 1 funds everybody. */
struct replica_net *restored_open(uint64_t seed, uint32_t nodes);
/* One more block, of a batch of this number. */
void restored_grow(struct replica_net *net, uint64_t number);
void restored_stop(struct replica_net *net);
void restored_start(struct replica_net *net);
/* Backups of nodes 0 to 3 at heights 4, 2, 3 and 0, which all go back to. Blocks 5 and 6 are lost.
   Everybody is stopped. */
struct replica_net *restored_new(uint64_t seed);

/* What was funded is what is held: the hub owes it, and all accounts together come to nothing. */
void restored_check_money(const struct replica_net *net, uint32_t node);
/* The same chain, state and money everywhere, and all four vote in the newest incarnation. */
void restored_check(struct replica_net *net);

#endif
