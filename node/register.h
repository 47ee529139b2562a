/*
 * register: the vote register's file (docs/consensus.md, State; docs/formats.md, Vote register). It
 * stands beside the consensus key, never in the data folder, and is never restored from a backup:
 * it is what keeps this key from signing twice after the data folder was lost or rolled back.
 *
 *     0      slot 0, 4096 bytes: magic, version, sequence, owner, register, checksum
 *     4096   slot 1: the same; the sequence's last bit says which slot it is written to
 *
 * A write replaces the older slot with one O_DSYNC pwrite, so a crash leaves the newer one whole.
 * The file is locked while it is open: a second process with the same key does not start.
 */
#ifndef HEFU_NODE_REGISTER_H
#define HEFU_NODE_REGISTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/keys.h"
#include "base/status.h"
#include "consensus/consensus.h"

#define REGISTER_SLOT_BYTES 4096
#define REGISTER_FILE_BYTES (2 * REGISTER_SLOT_BYTES)

struct register_file;

/* A new file, bound to no chain, for a new key ("hefu key new", "hefu testnet init"). EXISTS if
   there is one: a key has one register for life. Also DENIED, IO, NO_SPACE. ret_error: what, where,
   what to do. */
enum status register_create(const char *path, const struct public_key *owner, char *ret_error,
                            size_t capacity) MUST_USE;

/*
 * Locks and reads the newest whole slot. NOT_FOUND (refuse to start: see
 * docs/operations.md, The vote register), LOCKED (another process uses this key), CORRUPT (both
 * slots are damaged), BAD_KEY (it belongs to another key than owner), VERSION, DENIED, IO,
 * NO_MEMORY.
 */
enum status register_open(const char *path, const struct public_key *owner,
                          struct register_file **ret_file, char *ret_error,
                          size_t capacity) MUST_USE;
/*
 * For a start with --rejoin: as register_open, but what is missing, damaged or bound to another
 * chain is no error: a new register, bound to this chain, takes its place (the old file stays
 * beside it as PATH.aside-N). Either way the register then says durably that it is rejoining, and
 * its owner signs nothing until it has a floor (docs/consensus.md, Rejoin). LOCKED, BAD_KEY,
 * VERSION, DENIED, IO, NO_SPACE, NO_MEMORY.
 */
enum status register_open_rejoining(const char *path, const struct public_key *owner,
                                    const struct hash *chain_id, struct register_file **ret_file,
                                    char *ret_error, size_t capacity) MUST_USE;
/* DENIED, with a sentence, if a peer has shown it to be behind: only --rejoin goes on. */
enum status register_may_start(const struct register_file *file, const char *path, char *ret_error,
                               size_t capacity) MUST_USE;
/* Unlocks and frees. NULL is allowed. */
void register_close(struct register_file *file);

/* Whether one slot was damaged when the file was opened, which a crash while writing explains too:
 * worth a log line. */
bool register_had_damage(const struct register_file *file);
/* Whether it is bound to a chain. */
bool register_is_bound(const struct register_file *file);
/* As last written. All zero but for the chain before anything was signed. */
const struct vote_register *register_current(const struct register_file *file);

/* At the first start: binds it to the chain and epoch, durably. OK too if it is bound to this chain
   already; WRONG_CHAIN if to another one (a new incarnation has a key and register of its own). */
enum status register_bind(struct register_file *file, const struct hash *chain_id, uint64_t epoch,
                          char *ret_error, size_t capacity) MUST_USE;

/* Makes it durable with one write. The chain must be the bound one, and neither (epoch, view) nor
   the floor may go back (CHECKed). IO or NO_SPACE: end the process; nothing signed in this pass may
   be sent. */
enum status register_write(struct register_file *file,
                           const struct vote_register *vote_register) MUST_USE;

#endif
