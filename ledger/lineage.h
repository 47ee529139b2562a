/*
 * lineage: the incarnations of a network, by the documents that begin them (docs/adr/0021,
 * docs/formats.md, Incarnations). A network that was restored from backups as a whole goes on under
 * a new document, which names the final block that it continues as its root:
 *
 *   genesis.0.json             genesis.1.json                 genesis.json
 *   block 0 ... block h1       root block h1 + 1 ... h2       root block h2 + 1 ...
 *   chain id 0                 chain id 1                     chain id 2
 *
 * A chain id holds from a root block to the next root, and everything signed in between binds it.
 */
#ifndef HEFU_LEDGER_LINEAGE_H
#define HEFU_LEDGER_LINEAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "base/status.h"
#include "ledger/genesis.h"

#define LINEAGE_MAX 16

struct incarnation {
    const struct genesis *genesis; /* borrowed */
    struct hash chain_id;
};

struct lineage {
    uint32_t count; /* at least 1; incarnations[0] is the first, count - 1 the newest */
    struct incarnation incarnations[LINEAGE_MAX];
};

/* A lineage of one: what most networks have. */
void lineage_single(struct lineage *ret_lineage, const struct genesis *genesis,
                    const struct hash *chain_id);

/* Whether each document continues the one before it: incarnations from 0, chain ids, roots
   ascending in height and epoch, times after each other, no consensus key in two of them, and
   nothing else changed. OK, or MALFORMED, and ret_error says what and in which. */
enum status lineage_check(const struct lineage *lineage, char *ret_error, size_t capacity) MUST_USE;

/* The document under which a network began, and the one under which it goes on. */
const struct incarnation *lineage_first(const struct lineage *lineage);
const struct incarnation *lineage_newest(const struct lineage *lineage);

/* The incarnation that the block of a height belongs to, its root block included. */
const struct incarnation *lineage_at_height(const struct lineage *lineage, uint64_t height);
/* The incarnation in which an epoch votes: root_epoch itself is still voted in the earlier one. */
const struct incarnation *lineage_at_epoch(const struct lineage *lineage, uint64_t epoch);
/* The incarnation whose root block has this height; NULL if that is an ordinary height. */
const struct incarnation *lineage_root_block(const struct lineage *lineage, uint64_t height);

/* The incarnation that continues the one with this chain id; NULL for the newest, or an unknown
 * one.
 */
const struct incarnation *lineage_after(const struct lineage *lineage, const struct hash *chain_id);
/* Whether the chain id is that of one of them. */
bool lineage_has(const struct lineage *lineage, const struct hash *chain_id);

/* The first epoch with votes: 1 of the first incarnation, root_epoch + 1 of a later one. */
uint64_t incarnation_first_epoch(const struct incarnation *incarnation);

#endif
