/*
 * prng: xoshiro256** (Blackman and Vigna, 2018), seeded by splitmix64. For simulation, tests, load
 * generation and jitter only: nothing that is secret or hashed depends on it.
 */
#ifndef HEFU_BASE_PRNG_H
#define HEFU_BASE_PRNG_H

#include <stdint.h>

struct prng {
    uint64_t state[4];
};

struct prng prng_seeded(uint64_t seed);
uint64_t prng_next(struct prng *prng);
/* Uniform in [0, bound); bound > 0. */
uint64_t prng_below(struct prng *prng, uint64_t bound);

#endif
