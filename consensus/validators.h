/*
 * validators: the validator set of an epoch: quorum, hash, leader of a view
 * (docs/consensus.md, Numbers; docs/formats.md, Validator set and leader shuffle).
 */
#ifndef HEFU_CONSENSUS_VALIDATORS_H
#define HEFU_CONSENSUS_VALIDATORS_H

#include <stdint.h>

#include "base/hash.h"
#include "base/limits.h"
#include "base/status.h"
#include "base/validator.h"

struct validator_set {
    uint64_t epoch;
    uint32_t count;
    uint32_t faulty_max; /* f = floor((n-1)/3) */
    uint32_t quorum;     /* q = floor((n+f)/2)+1 */
    struct hash hash;    /* validators_hash */
    struct validator members[LIMIT_VALIDATORS];
    uint32_t leaders[LIMIT_VALIDATORS]; /* perm: leader(view) = leaders[(view - 1) mod n] */
};

/* Fills quorum, hash and the leader shuffle of a set whose epoch, count and members are set.
   The shuffle is Fisher-Yates from the top: for i = n-1 .. 1, j = stream u64 mod (i+1) with
   rejection of the incomplete last multiple; the stream is H("hefu.leaders", set hash ‖ epoch u64 ‖
   counter u64) read as four u64 each, counter from 0. */
void validators_seal(struct validator_set *set);

/* Whether the keys are pairwise distinct and 1 <= count <= LIMIT_VALIDATORS. Points are checked by
   the shell, which has the curve. */
enum status validators_check(const struct validator_set *set) MUST_USE;

uint32_t validators_leader(const struct validator_set *set, uint64_t view);

#endif
