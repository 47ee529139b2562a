/*
 * store_flips: what a reader makes of a store with a flipped bit (node/store_pages.h). The store
 * has a history: rows came, changed and went, so that freed pages hold older states of it.
 */
#ifndef HEFU_TESTS_SUPPORT_STORE_FLIPS_H
#define HEFU_TESTS_SUPPORT_STORE_FLIPS_H

#include "node/store.h"
#include "tests/support/folder.h"

/* One bit of so many is tried: of the heads of pages and the offsets of their nodes, of the nodes
   (heads, keys, values), and of pages without nodes. */
struct store_flips {
    unsigned heads, nodes, others;
};

/* Makes the store. */
void store_flips_fill(const struct folder *home, uint64_t seed);
/* 0 if every key, every gap and both ways over each table are right. */
int store_flips_read(struct store *store);
/* Fails the test where a flip makes a reader see anything but what was put or CORRUPT, or where it
   sees damage that store_check_whole does not. */
void store_flips_try(const struct folder *home, uint64_t seed, const struct store_flips *flips);

#endif
