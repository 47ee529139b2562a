/*
 * genesis_root: what a new incarnation's document must agree with: the block of a home that it
 * continues, the documents before it, and the keys and participants that the chain knows
 * (docs/adr/0021). Both `hefu genesis continue` and `hefu genesis adopt` ask it.
 */
#ifndef HEFU_CLI_GENESIS_ROOT_H
#define HEFU_CLI_GENESIS_ROOT_H

#include "cli/home.h"

struct genesis_root {
    uint64_t height;
    uint64_t epoch; /* that this block leaves open */
    uint64_t time_ms;
    uint64_t total_records;
    struct hash hash;
};

/* Keeps a node from running on the home until the file is closed: it would add blocks meanwhile.
   EXIT_CLEAN with the open lock, -1 if the home has no store yet; EXIT_USAGE, told, if one runs. */
int genesis_root_hold(const char *home_path, int *ret_file) MUST_USE;

/* The home's last final block as a root: its chain id and its certificate are checked under its
   epoch's set. EXIT_CLEAN, or the exit code, told. */
int genesis_root_read(struct home *home, struct genesis_root *ret_root) MUST_USE;

/* Whether a document continues a lineage; ret_error says what is wrong. MALFORMED. */
enum status genesis_root_follow(const struct lineage *lineage, const struct genesis *genesis,
                                const struct hash *chain_id, char *ret_error,
                                size_t capacity) MUST_USE;

/* Whether the validators of a document may follow the home's last block: each of a participant that
   is registered there, none with a consensus key that any epoch of the chain had. MALFORMED. */
enum status genesis_root_members(struct home *home, const struct genesis *genesis, char *ret_error,
                                 size_t capacity) MUST_USE;

#endif
