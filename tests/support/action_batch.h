/*
 * action_batch: builders of actions and of whole batches around them, for tests of the ledger, of
 * the replica and of the simulator. A test says what it wants; the bytes are the codec's.
 */
#ifndef HEFU_TESTS_ACTION_BATCH_H
#define HEFU_TESTS_ACTION_BATCH_H

#include "ledger/action.h"
#include "ledger/batch.h"
#include "ledger/evidence_batch.h"

/* An answer to the action of that id: APPROVE, DISAPPROVE or READY. */
struct action action_answering(enum action_kind kind, const struct hash *id);
/* A change of the validators of an epoch, empty at first; each call adds one change. */
struct action action_changing(uint64_t epoch);
void action_add(struct action *action, uint32_t participant, const struct public_key *key,
                const struct transport_key *transport_key, const char *name);
void action_remove(struct action *action, const struct public_key *key);
void action_replace(struct action *action, const struct public_key *old_key,
                    const struct public_key *key, const struct transport_key *transport_key);

/* The body's bytes in ret_body; their number is returned. */
size_t action_body(const struct action *action, uint8_t ret_body[ACTION_BYTES_MAX]);

struct action_batch_terms {
    enum batch_kind kind; /* BATCH_ACTION or BATCH_EVIDENCE */
    uint32_t participant;
    uint32_t key_no;
    struct hash chain_id;
    uint64_t created_ms;
    uint64_t expires_ms;
};

/* The header of a batch with that body; its id is batch_id of it. */
struct batch_header action_batch_header(const struct action_batch_terms *terms, const uint8_t *body,
                                        size_t length);

/* Signs with the secret half of key, or with whatever stands in for it. */
typedef struct signature (*action_signer)(const struct public_key *key, const uint8_t *bytes,
                                          size_t length);
/* The batch in stored form (header ‖ signature ‖ body), malloc'ed. */
uint8_t *action_batch(const struct action_batch_terms *terms, const uint8_t *body, size_t length,
                      const struct public_key *key, action_signer sign, size_t *ret_length,
                      struct hash *ret_id);

#endif
