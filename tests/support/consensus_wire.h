/*
 * consensus_wire: between the simulated shell (consensus_net.c) and the simulated network and clock
 * (consensus_wire.c); tests use consensus_net.h only.
 */
#ifndef HEFU_TESTS_SUPPORT_CONSENSUS_WIRE_H
#define HEFU_TESTS_SUPPORT_CONSENSUS_WIRE_H

#include "tests/support/consensus_net.h"

uint64_t wire_wall_ms(const struct net *net, const struct net_node *node);
uint64_t wire_monotonic_ms(const struct net *net);
/* An effect that sends, to one peer or all. */
void wire_send(struct net *net, struct net_node *node, const struct effect *effect);
void wire_fetch(struct net *net, uint32_t from, uint32_t to, struct net_block *block);
void wire_fetch_reply(struct net *net, uint32_t from, uint32_t to, struct net_block *block);
void wire_fetch_timer(struct net *net, struct net_node *node, uint32_t slot, uint64_t due_ms);
void wire_restart_at(struct net *net, struct net_node *node, uint64_t due_ms);
void wire_links_up(struct net *net, uint32_t index);
void wire_links_down(struct net *net, uint32_t index);
void wire_schedule_tick(struct net *net, struct net_node *node);

void net_storage_free(struct net_storage *storage);
/* What a final block at this view and height makes needless. */
void net_storage_prune(struct net_storage *storage, uint64_t view, uint64_t height);

void shell_step(struct net *net, struct net_node *node, struct event *event);
void shell_fetch_due(struct net *net, struct net_node *node, uint32_t slot);
void shell_fetch_asked(struct net *net, uint32_t index, uint32_t from, struct net_block *block);
void shell_fetched(struct net *net, struct net_node *node, struct net_block *block);
void shell_free(struct net *net);

#endif
