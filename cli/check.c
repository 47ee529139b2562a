/* check: finalizations and account leaves against genesis (see check.h). */
#include "cli/check.h"

#include <stdlib.h>

#include "base/check.h"
#include "base/merkle.h"
#include "cli/sets.h"
#include "ledger/account.h"
#include "node/keys.h"

const char *check_signatures(const struct certificate *certificate, const struct hash *chain_id,
                             const struct validator_set *validators)
{
    struct vote vote = {.kind = certificate->kind,
                        .epoch = certificate->epoch,
                        .view = certificate->view,
                        .candidate = certificate->candidate};
    uint8_t preimage[VOTE_PREIMAGE_BYTES];
    vote_preimage(&vote, chain_id, &validators->hash, preimage);
    uint32_t at = 0;
    for (uint32_t signer = 0; signer < validators->count; signer++) {
        if ((certificate->signers[signer / 8] >> signer % 8 & 1) != 0) {
            if (!key_verify(&validators->members[signer].key, preimage, sizeof preimage,
                            &certificate->signatures[at])) {
                return "a validator's signature does not verify";
            }
            at++;
        }
    }
    return NULL;
}

const char *check_finalization(const struct certificate *finalization,
                               const struct hash *block_hash, const struct hash *chain_id,
                               const struct validator_set *validators, bool signatures)
{
    if (finalization->kind != VOTE_FINALIZE) {
        return "its certificate is not a finalization";
    }
    if (finalization->epoch != validators->epoch) {
        return "its finalization is of another epoch";
    }
    if (!hash_equal(&finalization->candidate.block_hash, block_hash)) {
        return "its finalization names another block";
    }
    uint32_t signers = 0;
    for (uint32_t i = 0; i < LIMIT_VALIDATORS; i++) {
        bool signs = (finalization->signers[i / 8] >> i % 8 & 1) != 0;
        if (signs && i >= validators->count) {
            return "its finalization names a validator that there is not";
        }
        signers += signs ? 1 : 0;
    }
    if (signers != finalization->signature_count || signers < validators->quorum) {
        return "its finalization has fewer signatures than a quorum";
    }
    return signatures ? check_signatures(finalization, chain_id, validators) : NULL;
}

int check_accounts(struct home *home)
{
    const struct block_row *block;
    enum status status = chain_block(&home->chain, home->final.height, &block);
    if (status != STATUS_OK) {
        return home_failure(status, "block %llu", (unsigned long long)home->final.height);
    }
    const struct block_row last = *block;
    const char *wrong = sets_check_block(home, block);
    if (wrong != NULL) {
        complain("block %llu: %s", (unsigned long long)home->final.height, wrong);
        return EXIT_INTEGRITY;
    }
    uint32_t count = home_account_count(home);
    struct hash *leaves = malloc(sizeof *leaves * (count > 0 ? count : 1));
    CHECK(leaves != NULL);
    bool good = count == last.header.account_count;
    for (uint32_t number = 0; number < count && good; number++) {
        struct account account;
        good = home_read_account(home, number, &account) == STATUS_OK;
        leaves[number] = account_leaf_hash(&account);
    }
    struct hash root = good ? merkle_root(leaves, count) : (struct hash){{0}};
    free(leaves);
    if (!good || !hash_equal(&root, &last.header.accounts_root)) {
        complain(
            "the stored accounts do not give the accounts_root that block %llu was signed with",
            (unsigned long long)home->final.height);
        return EXIT_INTEGRITY;
    }
    return EXIT_CLEAN;
}
