/* evidence_file: evidence as a file of its own (see evidence_file.h). */
#include "cli/evidence_file.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/bytes.h"
#include "base/check.h"
#include "cli/check.h"
#include "cli/sets.h"
#include "consensus/certificates.h"
#include "node/epochs.h"
#include "node/evidence.h"
#include "node/file.h"
#include "node/keys.h"
#include "node/rows.h"

#define MAGIC "HEFUEVD"
#define VERSION 1
#define KIND_VOTES 1u
#define KIND_CERTIFICATES 2u
#define STEP_BYTES_MAX                                                                             \
    (BLOCK_HEADER_BYTES + ROW_CERTIFICATE_BYTES_MAX + 4 + LIMIT_VALIDATORS * EPOCHS_MEMBER_BYTES)
#define HEAD_BYTES (8 + 4 + 4 + 4 + 4 + HASH_BYTES)
#define FILE_BYTES_MAX (64u << 20)

uint64_t proof_epoch(const struct proof *proof)
{
    return proof->of_certificates ? proof->certificates[0].epoch : proof->votes.first.epoch;
}

uint64_t proof_view(const struct proof *proof)
{
    return proof->of_certificates ? proof->certificates[0].view : proof->votes.first.view;
}

static bool verify(void *context, const struct public_key *key, const uint8_t *message,
                   size_t length, const struct signature *signature)
{
    (void)context;
    return key_verify(key, message, length, signature);
}

/* Two candidates of one view notarized or final, or a view both final and nullified. */
static bool certificates_conflicting(const struct certificate *a, const struct certificate *b)
{
    const bool same = candidate_equal(&a->candidate, &b->candidate);
    if (a->epoch != b->epoch || a->view != b->view) {
        return false;
    }
    if (a->kind == VOTE_NULLIFY || b->kind == VOTE_NULLIFY) {
        return a->kind == VOTE_FINALIZE || b->kind == VOTE_FINALIZE;
    }
    return !same;
}

const char *proof_check(const struct proof *proof, const struct hash *chain_id,
                        const struct validator_set *set)
{
    if (proof_epoch(proof) != set->epoch) {
        return "it is of another epoch than the set it is checked by";
    }
    if (!proof->of_certificates) {
        const enum status status = evidence_verify(&proof->votes, chain_id, set, verify, NULL);
        return status == STATUS_OK              ? NULL
               : status == STATUS_BAD_SIGNATURE ? "a vote in it is not signed by the validator "
                                                  "that it names"
                                                : "its two votes do not convict anybody";
    }
    for (uint32_t i = 0; i < 2; i++) {
        if (certificate_check_form(&proof->certificates[i], set) != STATUS_OK) {
            return "a certificate in it is malformed, or has fewer signatures than a quorum";
        }
        const char *wrong = check_signatures(&proof->certificates[i], chain_id, set);
        if (wrong != NULL) {
            return wrong;
        }
    }
    return certificates_conflicting(&proof->certificates[0], &proof->certificates[1])
               ? NULL
               : "its two certificates do not contradict each other";
}

/* ---- Writing ---- */

static const char *write_step(struct home *home, uint64_t epoch, struct writer *writer)
{
    uint64_t height;
    const struct block_row *block;
    const struct validator_set *next;
    const char *wrong = sets_of_epoch(home, epoch + 1, &next);
    if (wrong != NULL) {
        return wrong;
    }
    if (epochs_terminal(&home->chain, home->final.height, epoch, &height) != STATUS_OK ||
        chain_block(&home->chain, height, &block) != STATUS_OK || !block->has_finalization) {
        return "an epoch has no final block that ends it";
    }
    uint8_t row[ROW_CERTIFICATE_BYTES_MAX];
    uint8_t members[LIMIT_VALIDATORS * EPOCHS_MEMBER_BYTES];
    writer_copy(writer, &block->header, BLOCK_HEADER_BYTES);
    writer_copy(writer, row, row_certificate_encode(&block->finalization, row));
    epochs_to_bytes(next, members);
    writer_u32(writer, next->count);
    writer_copy(writer, members, (size_t)next->count * EPOCHS_MEMBER_BYTES);
    return NULL;
}

static void write_proof(struct writer *writer, const struct proof *proof)
{
    if (proof->of_certificates) {
        uint8_t row[ROW_CONFLICT_BYTES_MAX];
        writer_copy(writer, row,
                    row_conflict_encode(&proof->certificates[0], &proof->certificates[1], row));
        return;
    }
    uint8_t body[EVIDENCE_BODY_BYTES];
    evidence_to_body(&proof->votes, body);
    writer_copy(writer, body, sizeof body);
}

int evidence_file_write(const char *path, struct home *home, const struct proof *proof)
{
    const uint64_t epoch = proof_epoch(proof);
    const struct incarnation *incarnation = lineage_at_epoch(&home->documents.lineage, epoch);
    const uint64_t first = incarnation_first_epoch(incarnation);
    const size_t capacity =
        HEAD_BYTES + (size_t)(epoch - first) * STEP_BYTES_MAX + ROW_CONFLICT_BYTES_MAX;
    char error[512];
    if (epoch < first || capacity > FILE_BYTES_MAX) {
        complain("%s: there are too many epochs before this one for one file", path);
        return EXIT_USAGE;
    }
    uint8_t *bytes = malloc(capacity);
    CHECK(bytes != NULL);
    struct writer writer = writer_over(bytes, capacity);
    writer_copy(&writer, MAGIC, sizeof MAGIC);
    writer_u32(&writer, VERSION);
    writer_u32(&writer, proof->of_certificates ? KIND_CERTIFICATES : KIND_VOTES);
    writer_u32(&writer, (uint32_t)(epoch - first));
    writer_u32(&writer, 0);
    writer_copy(&writer, incarnation->chain_id.bytes, HASH_BYTES);
    const char *wrong = NULL;
    for (uint64_t e = first; e < epoch && wrong == NULL; e++) {
        wrong = write_step(home, e, &writer);
    }
    write_proof(&writer, proof);
    CHECK(!writer.failed);
    int code = EXIT_CLEAN;
    if (wrong != NULL) {
        complain("%s", wrong);
        code = EXIT_INTEGRITY;
    } else if (file_write(path, S_IRUSR | S_IWUSR | S_IRGRP | S_IROTH, false, bytes, writer.used,
                          error, sizeof error) != STATUS_OK) {
        complain("%s", error);
        code = EXIT_USAGE;
    }
    free(bytes);
    return code;
}

/* ---- Reading ---- */

/* A certificate out of the reader: its length follows from its count. */
static bool take_certificate(struct reader *reader, struct certificate *ret_certificate)
{
    if (reader->failed || reader->left < ROW_CERTIFICATE_PREFIX) {
        return false;
    }
    const uint32_t count = get_le32(reader->next + 4);
    if (count > LIMIT_VALIDATORS) {
        return false;
    }
    const size_t length = ROW_CERTIFICATE_PREFIX + count * sizeof(struct signature);
    const struct span row = {.data = reader_take(reader, length), .length = length};
    return row.data != NULL && row_certificate_decode(row, ret_certificate) == STATUS_OK;
}

/* From set to the next epoch's. NULL, or what is wrong. */
static const char *read_step(struct reader *reader, const struct hash *chain_id,
                             struct validator_set *set)
{
    static const char short_file[] = "it is cut short, or malformed";
    struct block_header header;
    struct certificate *finalization = malloc(sizeof *finalization);
    CHECK(finalization != NULL);
    const char *wrong = short_file;
    reader_copy(reader, &header, BLOCK_HEADER_BYTES);
    if (take_certificate(reader, finalization)) {
        const uint32_t count = reader_u32(reader);
        struct validator_set next;
        const uint8_t *members = count > 0 && count <= LIMIT_VALIDATORS
                                     ? reader_take(reader, (size_t)count * EPOCHS_MEMBER_BYTES)
                                     : NULL;
        if (members != NULL &&
            epochs_from_bytes(members, count, set->epoch + 1, &next) == STATUS_OK) {
            wrong = sets_step(set, &header, finalization, chain_id, &next);
            *set = wrong == NULL ? next : *set;
        }
    }
    free(finalization);
    return wrong;
}

static bool read_proof(struct reader *reader, uint32_t kind, struct proof *proof)
{
    const struct span rest = {.data = reader->next, .length = reader->left};
    uint32_t count = 0;
    proof->of_certificates = kind == KIND_CERTIFICATES;
    if (kind == KIND_VOTES) {
        return evidence_of_body(rest, &proof->votes) == STATUS_OK;
    }
    return kind == KIND_CERTIFICATES &&
           row_conflict_decode(rest, proof->certificates, &count) == STATUS_OK && count == 2;
}

static const char *check_bytes(struct reader *reader, const struct lineage *lineage,
                               struct proof *proof, struct validator_set *set)
{
    uint8_t magic[sizeof MAGIC];
    struct hash chain;
    reader_copy(reader, magic, sizeof magic);
    const uint32_t version = reader_u32(reader);
    const uint32_t kind = reader_u32(reader);
    const uint32_t steps = reader_u32(reader);
    const uint32_t reserved = reader_u32(reader);
    reader_copy(reader, chain.bytes, HASH_BYTES);
    if (reader->failed || memcmp(magic, MAGIC, sizeof magic) != 0) {
        return "it is no evidence file";
    }
    if (version != VERSION || reserved != 0) {
        return "it was written by another version of this program";
    }
    const struct incarnation *incarnation = documents_of_chain(lineage, &chain);
    if (incarnation == NULL) {
        return "it is of another chain than this genesis.json and the documents beside it";
    }
    if (documents_set(incarnation, set) != STATUS_OK) {
        return "the validators of its genesis document do not form a set";
    }
    const char *wrong = NULL;
    for (uint32_t i = 0; i < steps && wrong == NULL; i++) {
        wrong = read_step(reader, &chain, set);
    }
    if (wrong == NULL && !read_proof(reader, kind, proof)) {
        wrong = "its votes or certificates are malformed, or convict nobody";
    }
    return wrong == NULL ? proof_check(proof, &chain, set) : wrong;
}

int evidence_file_check(const char *path, const struct lineage *lineage, struct proof *ret_proof,
                        struct validator_set *ret_set)
{
    char error[512];
    uint8_t *bytes = NULL;
    size_t length = 0;
    if (file_read(path, FILE_BYTES_MAX, 0, &bytes, &length, error, sizeof error) != STATUS_OK) {
        complain("%s", error);
        return EXIT_USAGE;
    }
    struct reader reader = reader_over(bytes, length);
    const char *wrong = check_bytes(&reader, lineage, ret_proof, ret_set);
    free(bytes);
    if (wrong != NULL) {
        complain("%s: %s", path, wrong);
        return EXIT_INTEGRITY;
    }
    return EXIT_CLEAN;
}
