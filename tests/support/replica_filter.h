/*
 * replica_filter: lets a test look at, and lose, each frame between the replicas of a replica_net
 * before it arrives. A frame travels for a millisecond at least, so the network runs one at a time.
 */
#ifndef HEFU_TESTS_SUPPORT_REPLICA_FILTER_H
#define HEFU_TESTS_SUPPORT_REPLICA_FILTER_H

#include "proto/peer_codec.h"
#include "tests/support/replica_net.h"

/* Whether the frame is to be lost. The message is valid during the call. */
typedef bool (*replica_filter)(void *context, uint32_t from, uint32_t to,
                               const struct peer_message *message);

/* As replica_net_run, with a filter. */
void replica_filter_run(struct replica_net *net, uint64_t end_ms, replica_filter filter,
                        void *context);

#endif
