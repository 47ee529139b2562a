/*
 * given_keys: keys that approved actions gave since genesis, and what shows such a key to somebody
 * who has genesis alone (docs/formats.md, Proof of a key). The digest of ACTIONS in state_root runs
 * over each block's writes, so the rows of one block and the digest before it fix the digest after:
 *
 *   previous ‖ the block's rows of ACTIONS ─► digest ─► state_root ─► block header ─► finalization
 *               └─ one is the action that gave the key
 *
 * The digest before a block cannot be had from a later state, so a node keeps it, with the rows, as
 * it commits a block that gives a key. A key number is never given twice, so a key of any time is
 * the key of that number, also after its removal.
 */
#ifndef HEFU_NODE_GIVEN_KEYS_H
#define HEFU_NODE_GIVEN_KEYS_H

#include <stdint.h>

#include "base/bytes.h"
#include "base/keys.h"
#include "base/merkle.h"
#include "base/status.h"
#include "consensus/message.h"
#include "consensus/validators.h"
#include "ledger/block.h"
#include "node/chain.h"

struct action_row; /* ledger/state.h */

/* The path of one leaf in the tree of state_root. */
#define GIVEN_KEYS_PATH_HASHES 5

/* Called for each key; false ends it. */
typedef bool (*given_keys_visit)(void *context, uint32_t participant, uint32_t key_no,
                                 const struct public_key *key);

/* The keys that an action's row shows as given: of participants when it is DONE, of new validators
   from its approval on. set: of the action's epoch, which says whose a replaced member is. */
void given_keys_each(const struct action_row *row, struct span body,
                     const struct validator_set *set, given_keys_visit visit, void *context);

/* The key of a participant's number among those that rows of ACTIONS give, key ‖ value one behind
   the other. ret_name (GENESIS_NAME_BYTES + 1): the participant's name if the same row registered
   it, else empty. NOT_FOUND; MALFORMED for what no block writes. */
#define GIVEN_KEYS_NAME_BYTES 65
enum status given_keys_in_rows(struct span rows, const struct validator_set *set,
                               uint32_t participant, uint32_t key_no, struct public_key *ret_key,
                               char ret_name[GIVEN_KEYS_NAME_BYTES]) MUST_USE;

/* Rows of meta: 'k' ‖ participant u32 ‖ key_no u32 ‖ height u64: empty, for each key that the block
   at height gave; 'w' ‖ height u64: the digest of ACTIONS before the block 32, the path of the
   digest after it, the block's rows of ACTIONS. */
#define GIVEN_KEY_BYTES 17
#define GIVEN_WRITES_KEY_BYTES 9
#define GIVEN_WRITES_PREFIX (HASH_BYTES + GIVEN_KEYS_PATH_HASHES * HASH_BYTES)
void given_keys_key(uint32_t participant, uint32_t key_no, uint64_t height,
                    uint8_t ret_key[GIVEN_KEY_BYTES]);
void given_keys_writes_key(uint64_t height, uint8_t ret_key[GIVEN_WRITES_KEY_BYTES]);

/* The proof of a key: the block that gave it, and its writes. */
struct given_keys_proof {
    struct block_header header;
    struct certificate finalization;
    struct hash previous;
    struct merkle_path path;
    struct span rows; /* borrowed from the chain's source, as its get says */
};

/* The proof of the newest gift of this number below a height. NOT_FOUND if none is stored, CORRUPT.
 */
enum status given_keys_prove(struct chain *chain, uint32_t participant, uint32_t key_no,
                             uint64_t below, struct given_keys_proof *ret_proof) MUST_USE;

#endif
