/*
 * chain: blocks that are not final yet, what own execution says of them, and F
 * (docs/consensus.md, try_finalize, try_commit, Catch-up).
 */
#ifndef HEFU_CONSENSUS_CHAIN_H
#define HEFU_CONSENSUS_CHAIN_H

#include "consensus/machine.h"

/* block(p): the hash that a held notarization or finalization of the view names, or F's. */
bool chain_block_of(struct consensus *c, uint64_t view, struct hash *ret_hash);

/* Where a candidate stands relative to F, as far as headers and certificates held tell. */
enum relation { RELATION_FINAL, RELATION_CHILD, RELATION_DEEPER, RELATION_UNKNOWN };
enum relation chain_relation(struct consensus *c, const struct candidate *candidate);

/* The entry of a block, or NULL. */
struct known_block *chain_find(struct consensus *c, const struct hash *hash);
/* Remembers a block's header. */
struct known_block *chain_learn(struct consensus *c, const struct consensus_block *block);
/* Asks the shell to check a block, first of this peer, unless that is done or going on. */
struct known_block *chain_want(struct consensus *c, const struct hash *hash, uint32_t peer);
/* Asks for the block to be durable, once. */
void chain_persist(struct consensus *c, struct known_block *known);

/* The shell's answer to CHECK_BLOCK. */
void chain_checked(struct consensus *c, const struct hash *hash, enum block_check check,
                   const struct consensus_block *block);

/* A block that came with its finalization. */
void chain_catchup(struct consensus *c, const struct consensus_block *block,
                   const struct certificate *finalization, uint32_t peer);

/* A certificate of a view that is final already: silence, or a safety alarm. */
void chain_check_old(struct consensus *c, const struct certificate *certificate);

/* Commits what can be committed; casts FINALIZE where it may. */
void chain_settle(struct consensus *c);

/* Whether a finalization above F is held whose block is not applied yet. */
bool chain_is_behind(struct consensus *c);

/* The candidate of the highest notarized view above F, not naming F itself; false if none. */
bool chain_open_candidate(struct consensus *c, struct candidate *ret_candidate);

#endif
