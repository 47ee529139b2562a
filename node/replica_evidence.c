/*
 * replica_evidence: proof that a validator, or more than f of them, signed what no honest one can
 * (docs/consensus.md, Evidence). It is stored before it is shared, shared with all, and carried
 * into a block by a batch of kind evidence, so that it outlives every node that saw it.
 *
 *   consensus ─┐                ┌─► gossiped
 *   peers ─────┴─► verified, stored ─► not recorded yet? ─► a batch, signed with the consensus key
 *
 * All validators hold the same evidence soon, so they take turns in the order of their indexes: who
 * comes later finds it recorded. That two record it is harmless: the ledger says EXISTS.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/validator.h"
#include "ledger/evidence_batch.h"
#include "node/epochs.h"
#include "node/evidence.h"
#include "node/replica_state.h"

/* Between the turns of two validators. */
#define TURN_MS 2000u
/* A batch that no block has named by then is made anew. */
#define AGAIN_MS 60000u
#define BATCH_LIFE_MS (24u * 3600u * 1000u)
/* Offences of one validator that this process takes from peers: one is enough to convict, and a
   faulty key can sign as many as it likes. */
#define TAKEN_OF_ONE 16

static bool verify(void *context, const struct public_key *key, const uint8_t *message,
                   size_t length, const struct signature *signature)
{
    struct replica *replica = context;
    return replica->io.verify(replica->io.context, key, message, length, signature);
}

/* Whether both votes are the signer's, by the set of their epoch. */
static bool is_genuine(struct replica *replica, const struct evidence *evidence)
{
    struct validator_set set;
    const struct incarnation *incarnation =
        lineage_at_epoch(replica->config.lineage, evidence->first.epoch);
    if (evidence->first.epoch > replica->set.epoch ||
        epochs_set(&replica->chain, evidence->first.epoch, &set) != STATUS_OK) {
        return false;
    }
    return evidence_verify(evidence, &incarnation->chain_id, &set, verify, replica) == STATUS_OK;
}

static void put_row(struct replica *replica, uint64_t epoch, uint64_t view, enum vote_kind kind,
                    uint32_t signer, const uint8_t *row, size_t length)
{
    uint8_t key[KEY_EVIDENCE_BYTES];
    key_evidence(epoch, view, kind, signer, key);
    replica->io.put(replica->io.context, STORE_EVIDENCE, key, sizeof key, row, length);
}

static bool is_stored(struct replica *replica, const struct vote *first)
{
    uint8_t key[KEY_EVIDENCE_BYTES];
    struct span row;
    key_evidence(first->epoch, first->view, first->kind, first->signer, key);
    return replica->io.get(replica->io.context, STORE_EVIDENCE, key, sizeof key, &row);
}

/* ---- What is not recorded yet ---- */

static bool is_recorded(struct replica *replica, const struct evidence *evidence)
{
    uint8_t key[EVIDENCE_RECORDED_KEY_BYTES];
    struct span row;
    evidence_recorded_key(evidence, key);
    return replica->io.get(replica->io.context, (enum store_table)TABLE_EVIDENCE, key, sizeof key,
                           &row);
}

/* What finds no room is found again in the store once there is some. */
static void note(struct replica *replica, const struct evidence *evidence)
{
    if (replica->unrecorded_count == UNRECORDED_MAX) {
        replica->unrecorded_more = true;
        return;
    }
    struct unrecorded *entry = &replica->unrecorded[replica->unrecorded_count++];
    entry->evidence = *evidence;
    entry->due_ms = replica->monotonic_ms +
                    (replica_votes(replica) ? (uint64_t)replica->own_index * TURN_MS : TURN_MS);
}

void replica_evidence_load(struct replica *replica)
{
    uint8_t from[KEY_EVIDENCE_BYTES + 1] = {0};
    size_t from_length = 0;
    struct span key;
    struct span value;
    struct evidence evidence;
    replica->unrecorded_more = false;
    while (replica->io.seek(replica->io.context, STORE_EVIDENCE, from, from_length, &key, &value) &&
           key.length == KEY_EVIDENCE_BYTES) {
        memcpy(from, key.data, KEY_EVIDENCE_BYTES);
        from_length = sizeof from; /* the smallest key above this one */
        if (row_evidence_decode(value, &evidence) == STATUS_OK &&
            !is_recorded(replica, &evidence)) {
            note(replica, &evidence);
        }
    }
}

/* ---- Taking in ---- */

void replica_evidence_found(struct replica *replica, const struct evidence *evidence)
{
    uint8_t row[ROW_EVIDENCE_BYTES];
    const struct vote *first = &evidence->first;
    const bool stored = is_stored(replica, first);
    row_evidence_encode(evidence, row);
    put_row(replica, first->epoch, first->view, first->kind, first->signer, row, sizeof row);
    replica_send_evidence(replica, evidence);
    replica_log(replica, "error", "evidence", "validator=%u epoch=%" PRIu64 " view=%" PRIu64,
                first->signer, first->epoch, first->view);
    if (!stored && !is_recorded(replica, evidence)) {
        note(replica, evidence);
    }
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

/* Where the offences of a validator are counted; an index means another key in another epoch. NULL
   if too many validators of other epochs have been accused. */
static uint32_t *taken_of(struct replica *replica, const struct vote *vote)
{
    if (vote->epoch == replica->set.epoch) {
        return &replica->evidence_taken[vote->signer];
    }
    uint32_t i = 0;
    while (i < replica->former_count &&
           (replica->former[i].epoch != vote->epoch || replica->former[i].signer != vote->signer)) {
        i++;
    }
    if (i == FORMER_OFFENDERS_MAX) {
        return NULL;
    }
    if (i == replica->former_count) {
        replica->former[replica->former_count++] =
            (struct offender){.epoch = vote->epoch, .signer = vote->signer};
    }
    return &replica->former[i].taken;
}

enum status replica_evidence_take(struct replica *replica, const struct evidence *evidence)
{
    const struct vote *first = &evidence->first;
    /* Of an epoch that is not here yet nothing can be said. */
    if (is_stored(replica, first) || first->epoch > replica->set.epoch) {
        return STATUS_OK;
    }
    if (!is_genuine(replica, evidence)) {
        replica->counters.evidence_refused++;
        return STATUS_BAD_SIGNATURE;
    }
    uint32_t *taken = taken_of(replica, first);
    if (taken != NULL && *taken < TAKEN_OF_ONE) {
        (*taken)++;
        replica_evidence_found(replica, evidence);
    }
    return STATUS_OK;
}

/* ---- Recording ---- */

enum status replica_evidence_form(struct replica *replica, const struct batch *batch)
{
    struct evidence evidence;
    enum status status = evidence_of_body(
        (struct span){.data = batch->body, .length = batch->body_length}, &evidence);
    if (status != STATUS_OK) {
        replica->counters.evidence_refused++;
        return status;
    }
    /* A node that is behind cannot judge a set that it does not know yet: later, then. */
    return evidence.first.epoch > replica->set.epoch ? STATUS_BUSY : STATUS_OK;
}

enum status replica_evidence_verified(struct replica *replica, const struct batch *batch)
{
    struct evidence evidence;
    enum status status = evidence_of_body(
        (struct span){.data = batch->body, .length = batch->body_length}, &evidence);
    if (status == STATUS_OK && !is_genuine(replica, &evidence)) {
        status = STATUS_BAD_SIGNATURE;
    }
    if (status != STATUS_OK) {
        replica->counters.evidence_refused++;
    }
    return status;
}

/* Through the same door as a client's: it is verified, stored, pooled and pushed to all. */
static void make_batch(struct replica *replica, const struct evidence *evidence)
{
    const struct public_key *key = &replica->config.keys[replica->own_key].key;
    uint8_t bytes[BATCH_PREFIX_BYTES + EVIDENCE_BODY_BYTES];
    uint8_t signed_bytes[BATCH_SIGNED_BYTES];
    struct signature signature;
    struct batch_header header;
    uint8_t *body = bytes + BATCH_PREFIX_BYTES;
    memset(&header, 0, sizeof header);
    evidence_to_body(evidence, body);
    header.version = BATCH_VERSION;
    header.kind = BATCH_EVIDENCE;
    header.participant = replica->set.members[replica->own_index].participant;
    header.key_no = validator_key_no(key);
    header.count = 1;
    header.created_ms = replica->now_ms;
    header.expires_ms = replica->now_ms + BATCH_LIFE_MS;
    header.chain_id = replica->chain_id;
    header.records_root = batch_body_root(body, EVIDENCE_BODY_BYTES);
    batch_signed_bytes(&header, signed_bytes);
    replica->io.sign(replica->io.context, key, signed_bytes, sizeof signed_bytes, &signature);
    memcpy(bytes, &header, sizeof header);
    memcpy(bytes + BATCH_HEADER_BYTES, signature.bytes, sizeof signature.bytes);
    struct hash id;
    const char *field = "";
    const enum status status =
        replica_batches_take(replica, bytes, sizeof bytes, UINT32_MAX, &id, &field);
    replica_log(replica, status == STATUS_OK ? "info" : "warn", "evidence_recorded",
                "validator=%u epoch=%" PRIu64 " view=%" PRIu64 " status=%s", evidence->first.signer,
                evidence->first.epoch, evidence->first.view, status_name(status));
}

/* Whether a block may yet name it: the validator that signed it may be none any more. */
static bool is_of_use(const struct replica *replica, const struct pool_batch *batch)
{
    struct public_key key;
    return ledger_batch_key(replica->ledger, BATCH_EVIDENCE, batch->header.participant,
                            batch->header.key_no, &key) &&
           memcmp(&key, &batch->verified_under, sizeof key) == 0;
}

/* Whether somebody else has made the batch, which waits for a block. */
static bool is_pooled(const struct replica *replica, const struct evidence *evidence)
{
    uint8_t wanted[EVIDENCE_RECORDED_KEY_BYTES];
    evidence_recorded_key(evidence, wanted);
    for (const struct pool_batch *b = pool_next(replica->pool, NULL); b != NULL;
         b = pool_next(replica->pool, b)) {
        struct evidence pooled;
        uint8_t key[EVIDENCE_RECORDED_KEY_BYTES];
        if (b->header.kind != BATCH_EVIDENCE || !is_of_use(replica, b) ||
            evidence_of_body((struct span){.data = b->bytes + BATCH_PREFIX_BYTES,
                                           .length = b->length - BATCH_PREFIX_BYTES},
                             &pooled) != STATUS_OK) {
            continue;
        }
        evidence_recorded_key(&pooled, key);
        if (memcmp(key, wanted, sizeof key) == 0) {
            return true;
        }
    }
    return false;
}

void replica_evidence_tick(struct replica *replica)
{
    for (uint32_t i = 0; i < replica->unrecorded_count;) {
        struct unrecorded *entry = &replica->unrecorded[i];
        if (is_recorded(replica, &entry->evidence)) {
            *entry = replica->unrecorded[--replica->unrecorded_count];
            continue;
        }
        if (replica_votes(replica) && replica->monotonic_ms >= entry->due_ms) {
            entry->due_ms = replica->monotonic_ms + AGAIN_MS;
            if (!is_pooled(replica, &entry->evidence)) {
                make_batch(replica, &entry->evidence);
            }
        }
        i++;
    }
    if (replica->unrecorded_count == 0 && replica->unrecorded_more) {
        replica_evidence_load(replica);
    }
}
