/* check_votes: votes, certificates and the final point (see check_votes.h). */
#include "cli/check_votes.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "cli/check.h"
#include "cli/sets.h"
#include "consensus/certificates.h"
#include "node/evidence.h"
#include "node/keys.h"

static const char *check_vote(struct home *home, struct span key, struct span value)
{
    struct vote vote;
    uint8_t own_key[KEY_VIEW_BYTES], preimage[VOTE_PREIMAGE_BYTES];
    const struct validator_set *set;
    if (row_vote_decode(value, &vote) != STATUS_OK) {
        return "a vote is malformed";
    }
    const char *wrong = sets_of_epoch(home, vote.epoch, &set);
    if (wrong != NULL) {
        return wrong;
    }
    if (vote_check_form(&vote, set->count) != STATUS_OK) {
        return "a vote is malformed";
    }
    key_view(vote.epoch, vote.view, vote.kind, own_key);
    if (key.length != sizeof own_key || memcmp(key.data, own_key, sizeof own_key) != 0) {
        return "a vote stands under another view or kind";
    }
    vote_preimage(&vote, sets_chain_id(home, vote.epoch), &set->hash, preimage);
    return key_verify(&set->members[vote.signer].key, preimage, sizeof preimage, &vote.signature)
               ? NULL
               : "a vote is not signed by its validator";
}

static const char *check_certificate(struct home *home, struct span key, struct span value,
                                     struct certificate *scratch)
{
    uint8_t own_key[KEY_VIEW_BYTES];
    const struct validator_set *set;
    if (row_certificate_decode(value, scratch) != STATUS_OK) {
        return "a certificate is malformed";
    }
    const char *wrong = sets_of_epoch(home, scratch->epoch, &set);
    if (wrong != NULL) {
        return wrong;
    }
    if (certificate_check_form(scratch, set) != STATUS_OK) {
        return "a certificate is malformed, or has fewer signatures than a quorum";
    }
    key_view(scratch->epoch, scratch->view, scratch->kind, own_key);
    if (key.length != sizeof own_key || memcmp(key.data, own_key, sizeof own_key) != 0) {
        return "a certificate stands under another view or kind";
    }
    return check_signatures(scratch, sets_chain_id(home, scratch->epoch), set);
}

const char *check_votes(struct home *home, const char **ret_table)
{
    static const enum store_table tables[] = {STORE_VOTES, STORE_CERTIFICATES};
    struct certificate *scratch = malloc(sizeof *scratch);
    const char *wrong = NULL;
    CHECK(scratch != NULL);
    for (unsigned i = 0; i < sizeof tables / sizeof tables[0] && wrong == NULL; i++) {
        uint8_t from[KEY_VIEW_BYTES + 1] = {0};
        size_t from_length = 1;
        struct span key, value;
        *ret_table = store_table_name(tables[i]);
        while (wrong == NULL &&
               store_seek(home->store, tables[i], from, from_length, &key, &value)) {
            wrong = tables[i] == STORE_VOTES ? check_vote(home, key, value)
                                             : check_certificate(home, key, value, scratch);
            if (wrong == NULL) {
                memcpy(from, key.data, KEY_VIEW_BYTES);
                from_length = sizeof from; /* the next key: one zero more */
            }
        }
    }
    free(scratch);
    return wrong;
}

static bool verify(void *context, const struct public_key *key, const uint8_t *message,
                   size_t length, const struct signature *signature)
{
    (void)context;
    return key_verify(key, message, length, signature);
}

const char *check_evidence(struct home *home, const struct batch *batch)
{
    struct evidence evidence;
    const struct validator_set *set = NULL;
    if (evidence_of_body((struct span){batch->body, batch->body_length}, &evidence) != STATUS_OK) {
        return "the votes in a batch of evidence convict nobody";
    }
    const char *wrong = sets_of_epoch(home, evidence.first.epoch, &set);
    if (wrong != NULL) {
        return wrong;
    }
    const struct hash *chain_id = sets_chain_id(home, evidence.first.epoch);
    const enum status status = evidence_verify(&evidence, chain_id, set, verify, NULL);
    return status == STATUS_OK ? NULL
           : status == STATUS_BAD_SIGNATURE
               ? "a vote in a batch of evidence is not signed by the validator that it names"
               : "the votes in a batch of evidence convict nobody";
}

const char *check_final_point(struct home *home)
{
    const struct block_row *block;
    const struct final_point *final = &home->final;
    if (chain_block(&home->chain, final->height, &block) != STATUS_OK ||
        !hash_equal(&block->hash, &final->hash)) {
        return "the final point names another block";
    }
    /* Genesis and root blocks have no finalization: view 0, of the first epoch and of their own. */
    const bool first = final->height == 0;
    const bool root = lineage_root_block(&home->documents.lineage, final->height) != NULL;
    const uint64_t view = first || root ? 0 : block->finalization.view;
    const uint64_t epoch = first  ? home->validators.epoch
                           : root ? block->header.epoch
                                  : block->finalization.epoch;
    return final->view == view && final->epoch == epoch
               ? NULL
               : "the final point has another view or epoch than the block's finalization";
}
