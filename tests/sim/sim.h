/*
 * sim: the deterministic simulator (docs/testing.md, The simulator): whole replicas (consensus,
 * ledger, pool, sync, clients) above a simulated disk, network and clock. One seed draws
 * everything: the size of the network, its faults and their times, the actors that lie, the
 * clients' load. The same seed gives the same events, to the byte.
 *
 *   seed ─► sim_world ─► sim_faults, sim_load, actors      what happens
 *                    └─► sim_net, sim_io ─► replicas       and to whom
 *                                  └─► sim_watch           what must never happen: I1 to I16
 *
 * An event is one call into a replica (a frame, a client's request, a verified batch, a timer, a
 * link that goes up or down, a start) or one frame that the network loses.
 */
#ifndef HEFU_TESTS_SIM_SIM_H
#define HEFU_TESTS_SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* What really happened, to be summed over seeds. X(field, text) */
#define SIM_COUNTS(X)                                                                              \
    X(frames, "frames delivered")                                                                  \
    X(drops, "frames lost")                                                                        \
    X(cut_drops, "frames cut off")                                                                 \
    X(duplicates, "duplicates")                                                                    \
    X(reorders, "reorders")                                                                        \
    X(symmetric, "symmetric partitions")                                                           \
    X(one_way, "one-way partitions")                                                               \
    X(bridges, "bridge partitions")                                                                \
    X(skews, "clock skews")                                                                        \
    X(jumps, "clock jumps")                                                                        \
    X(lost_passes, "lost passes")                                                                  \
    X(torn_passes, "torn passes")                                                                  \
    X(cut_sends, "crashes between sends")                                                          \
    X(trying, "crashes while executing")                                                           \
    X(crashes, "crashes")                                                                          \
    X(whole_crashes, "crashes of all")                                                             \
    X(wipes, "lost stores")                                                                        \
    X(copies, "stores copied")                                                                     \
    X(rollbacks, "stores rolled back")                                                             \
    X(kept, "of these with the register kept")                                                     \
    X(registers, "registers lost or rolled back")                                                  \
    X(slow, "slow nodes")                                                                          \
    X(floods, "floods")                                                                            \
    X(flood_frames, "flood frames")                                                                \
    X(submits, "submits")                                                                          \
    X(same_submits, "submits to several")                                                          \
    X(short_lived, "batches that expire soon")                                                     \
    X(accepted, "accepted")                                                                        \
    X(refused, "refused")                                                                          \
    X(expired, "expired")                                                                          \
    X(blocks, "blocks final")                                                                      \
    X(records, "records final")                                                                    \
    X(took_effect, "records that took effect")                                                     \
    X(sums, "sums of all money")                                                                   \
    X(events, "events")                                                                            \
    X(matches, "halves matched")                                                                   \
    X(swept, "lives ended by time")                                                                \
    X(queue_posts, "queued payments posted")                                                       \
    X(settled, "cycles settled")                                                                   \
    X(shorts, "cycles short")                                                                      \
    X(defaults, "defaults")                                                                        \
    X(ordered, "cycles ordered by actions")                                                        \
    X(votes, "votes")                                                                              \
    X(timeouts, "timeouts")                                                                        \
    X(nullifications, "nullifications")                                                            \
    X(reproposals, "re-proposals")                                                                 \
    X(evidence, "evidence")                                                                        \
    X(halts, "halts")                                                                              \
    X(forks, "forks")                                                                              \
    X(restarts, "starts")                                                                          \
    X(extra, "nodes that only follow at first")                                                    \
    X(changes, "changes of validators wanted")                                                     \
    X(epochs, "epochs begun")

struct sim_counts {
#define SIM_FIELD(field, text) uint64_t field;
    SIM_COUNTS(SIM_FIELD)
#undef SIM_FIELD
};

enum sim_actor_kind {
    SIM_EQUIVOCATOR,
    SIM_WITHHOLDER,
    SIM_TWIN,
    SIM_NULLIFIER,
    SIM_LIAR,
    SIM_MUTATOR,
    SIM_ACTOR_COUNT
};

struct sim_actor_counts {
    uint64_t runs, actions;
};

struct sim_options {
    uint64_t seed;
    uint32_t steps; /* events before the network heals; 0: drawn */
    bool beyond;    /* f+1 faulty: what happens must be detected */
    FILE *trace;    /* NULL: none */
};

struct sim_result {
    uint64_t events;
    uint64_t trace_hash; /* over every event and every final block */
    bool violation;      /* of invariant, in sentence */
    bool stall;          /* I15 */
    bool undetected;     /* beyond: a fork that nobody noticed */
    bool forked, halted; /* beyond: what happened */
    char invariant[16];
    char sentence[320];
    struct sim_counts counts;
    struct sim_actor_counts actors[SIM_ACTOR_COUNT];
};

/* Runs one seed to its end, or to the first violation. */
void sim_run(const struct sim_options *options, struct sim_result *ret_result);
const char *sim_actor_name(enum sim_actor_kind kind);

#endif
