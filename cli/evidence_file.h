/*
 * evidence_file: evidence that anyone with genesis.json can check, without a node and without trust
 * in whoever hands it over (docs/formats.md, Evidence file; docs/auditing.md):
 *
 *   genesis ─► set of epoch 1 ─► terminal block, final by its quorum ─► set of epoch 2 ─► ... ─► e
 *                                                      both signatures, by the set of epoch e ◄──┘
 */
#ifndef HEFU_CLI_EVIDENCE_FILE_H
#define HEFU_CLI_EVIDENCE_FILE_H

#include "cli/home.h"
#include "consensus/message.h"

/* Two votes of one key, or two certificates that cannot both be. */
struct proof {
    bool of_certificates;
    struct evidence votes;
    struct certificate certificates[2];
};

/* What they are of, and of which view. */
uint64_t proof_epoch(const struct proof *proof);
uint64_t proof_view(const struct proof *proof);

/* Whether a proof holds by the set of its epoch. NULL, or what is wrong (static). */
const char *proof_check(const struct proof *proof, const struct hash *chain_id,
                        const struct validator_set *set);

/* Writes the proof with the steps to its epoch from the document of its incarnation. EXIT_CLEAN, or
   told. */
int evidence_file_write(const char *path, struct home *home, const struct proof *proof) MUST_USE;

/* Reads and checks a file against the documents of its chain id. EXIT_CLEAN with the set of the
   proof's epoch; otherwise told: EXIT_USAGE if the file cannot be read, EXIT_INTEGRITY if it does
   not hold. */
int evidence_file_check(const char *path, const struct lineage *lineage, struct proof *ret_proof,
                        struct validator_set *ret_set) MUST_USE;

#endif
