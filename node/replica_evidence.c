/*
 * replica_evidence: proof that a validator, or more than f of them, signed what no honest one can
 * (docs/consensus.md, Evidence). It is stored before it is shared, shared with all, and carried
 * into a block by a batch of kind evidence, so that it outlives every node that saw it.
 *
 *   consensus ─► stored ─► gossiped
 *                  └─► not recorded yet? ─► a batch, signed with the consensus key ─► pool
 *
 * All validators hold the same evidence soon, so they take turns in the order of their indexes: who
 * comes later finds it recorded. That two record it is harmless: the ledger says EXISTS.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "node/replica_state.h"

static void put_row(struct replica *replica, uint64_t epoch, uint64_t view, enum vote_kind kind,
                    uint32_t signer, const uint8_t *row, size_t length)
{
    uint8_t key[KEY_EVIDENCE_BYTES];
    key_evidence(epoch, view, kind, signer, key);
    replica->io.put(replica->io.context, STORE_EVIDENCE, key, sizeof key, row, length);
}

void replica_evidence_found(struct replica *replica, const struct evidence *evidence)
{
    uint8_t row[ROW_EVIDENCE_BYTES];
    const struct vote *first = &evidence->first;
    row_evidence_encode(evidence, row);
    put_row(replica, first->epoch, first->view, first->kind, first->signer, row, sizeof row);
    replica_send_evidence(replica, evidence);
    replica_log(replica, "error", "evidence", "validator=%u view=%" PRIu64, first->signer,
                first->view);
}

void replica_evidence_conflict(struct replica *replica, const struct certificate *first,
                               const struct certificate *second)
{
    uint8_t *row = malloc(ROW_CONFLICT_BYTES_MAX);
    CHECK(row != NULL);
    const size_t length = row_conflict_encode(first, second, row);
    put_row(replica, second->epoch, second->view, second->kind, EVIDENCE_CERTIFICATES, row, length);
    free(row);
    replica_log(replica, "error", "conflict", "epoch=%" PRIu64 " view=%" PRIu64 " kind=%d",
                second->epoch, second->view, (int)second->kind);
}
