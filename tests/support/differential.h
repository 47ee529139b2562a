/*
 * differential: the ledger and the naive model of tests/model (docs/ledger.md in Python, sharing no
 * code) on the same pseudo-random days, block by block.
 */
#ifndef HEFU_TESTS_DIFFERENTIAL_H
#define HEFU_TESTS_DIFFERENTIAL_H

#include <stdint.h>

/* At least so many records, of days from this seed on; the running test fails at the first
   difference, which is printed with its seed, block and line. The environment may say otherwise:
   HEFU_DIFFERENTIAL=records:seed. */
void differential_run(uint64_t wanted, uint64_t seed);

#endif
