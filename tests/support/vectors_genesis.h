/* vectors_genesis: the example genesis of tests/vectors/formats.json, field by field. */
#ifndef HEFU_TESTS_SUPPORT_VECTORS_GENESIS_H
#define HEFU_TESTS_SUPPORT_VECTORS_GENESIS_H

#include "ledger/genesis.h"
#include "tests/support/vectors.h"

/* Its lists are malloc'ed. */
void vectors_genesis(const struct vectors *vectors, struct genesis *ret_genesis);
void vectors_genesis_free(struct genesis *genesis);

#endif
