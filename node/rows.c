/* rows: the stored layouts of consensus and of blocks (see rows.h). */
#include "node/rows.h"

#include <string.h>

#include "base/check.h"

static void put_subject(struct writer *writer, uint64_t epoch, uint64_t view,
                        const struct candidate *candidate)
{
    writer_u64(writer, epoch);
    writer_u64(writer, view);
    writer_u64(writer, candidate->parent_view);
    writer_copy(writer, candidate->block_hash.bytes, HASH_BYTES);
}

static void take_subject(struct reader *reader, uint64_t *epoch, uint64_t *view,
                         struct candidate *candidate)
{
    *epoch = reader_u64(reader);
    *view = reader_u64(reader);
    candidate->parent_view = reader_u64(reader);
    reader_copy(reader, candidate->block_hash.bytes, HASH_BYTES);
}

static bool kind_is_known(unsigned kind)
{
    return kind >= VOTE_NOTARIZE && kind <= VOTE_FINALIZE;
}

void row_vote_encode(const struct vote *vote, uint8_t ret_row[ROW_VOTE_BYTES])
{
    struct writer writer = writer_over(ret_row, ROW_VOTE_BYTES);
    writer_u16(&writer, (uint16_t)vote->kind);
    writer_u16(&writer, 0);
    writer_u32(&writer, vote->signer);
    put_subject(&writer, vote->epoch, vote->view, &vote->candidate);
    writer_copy(&writer, vote->signature.bytes, sizeof vote->signature.bytes);
    CHECK(!writer.failed && writer.used == ROW_VOTE_BYTES);
}

enum status row_vote_decode(struct span row, struct vote *ret_vote)
{
    struct reader reader = reader_over(row.data, row.length);
    struct vote vote = {.kind = VOTE_NOTARIZE};
    unsigned kind = reader_u16(&reader);
    unsigned reserved = reader_u16(&reader);
    vote.signer = reader_u32(&reader);
    take_subject(&reader, &vote.epoch, &vote.view, &vote.candidate);
    reader_copy(&reader, vote.signature.bytes, sizeof vote.signature.bytes);
    enum status status = reader_done(&reader);
    if (status != STATUS_OK) {
        return status;
    }
    if (!kind_is_known(kind) || reserved != 0) {
        return STATUS_MALFORMED;
    }
    vote.kind = (enum vote_kind)kind;
    *ret_vote = vote;
    return STATUS_OK;
}

size_t row_certificate_encode(const struct certificate *certificate,
                              uint8_t ret_row[ROW_CERTIFICATE_BYTES_MAX])
{
    CHECK(certificate->signature_count <= LIMIT_VALIDATORS);
    struct writer writer = writer_over(ret_row, ROW_CERTIFICATE_BYTES_MAX);
    writer_u16(&writer, (uint16_t)certificate->kind);
    writer_u16(&writer, 0);
    writer_u32(&writer, certificate->signature_count);
    put_subject(&writer, certificate->epoch, certificate->view, &certificate->candidate);
    writer_copy(&writer, certificate->signers, sizeof certificate->signers);
    writer_copy(&writer, certificate->signatures,
                sizeof(struct signature) * certificate->signature_count);
    CHECK(!writer.failed);
    return writer.used;
}

static void take_certificate(struct reader *reader, struct certificate *certificate, bool *ret_good)
{
    unsigned kind = reader_u16(reader);
    unsigned reserved = reader_u16(reader);
    certificate->signature_count = reader_u32(reader);
    take_subject(reader, &certificate->epoch, &certificate->view, &certificate->candidate);
    reader_copy(reader, certificate->signers, sizeof certificate->signers);
    *ret_good =
        kind_is_known(kind) && reserved == 0 && certificate->signature_count <= LIMIT_VALIDATORS;
    if (*ret_good) {
        certificate->kind = (enum vote_kind)kind;
        reader_copy(reader, certificate->signatures,
                    sizeof(struct signature) * certificate->signature_count);
    }
}

enum status row_certificate_decode(struct span row, struct certificate *ret_certificate)
{
    struct reader reader = reader_over(row.data, row.length);
    bool good;
    take_certificate(&reader, ret_certificate, &good);
    return good ? reader_done(&reader) : STATUS_MALFORMED;
}

size_t row_block_encode(const struct block_header *header, const struct hash *batch_ids,
                        const struct certificate *finalization,
                        uint8_t ret_row[ROW_BLOCK_BYTES_MAX])
{
    CHECK(header->batch_count <= LIMIT_BLOCK_BATCHES);
    struct writer writer = writer_over(ret_row, ROW_BLOCK_BYTES_MAX);
    writer_copy(&writer, header, BLOCK_HEADER_BYTES);
    writer_copy(&writer, batch_ids, sizeof(struct hash) * header->batch_count);
    CHECK(!writer.failed);
    size_t used = writer.used;
    if (finalization != NULL) {
        used += row_certificate_encode(finalization, ret_row + used);
    }
    return used;
}

enum status row_block_decode(struct span row, struct block_row *ret_block)
{
    struct reader reader = reader_over(row.data, row.length);
    reader_copy(&reader, &ret_block->header, BLOCK_HEADER_BYTES);
    if (reader.failed || ret_block->header.version != BLOCK_VERSION ||
        ret_block->header.batch_count > LIMIT_BLOCK_BATCHES) {
        return STATUS_MALFORMED;
    }
    ret_block->batch_count = ret_block->header.batch_count;
    reader_copy(&reader, ret_block->batch_ids, sizeof(struct hash) * ret_block->batch_count);
    ret_block->hash = block_hash(&ret_block->header);
    ret_block->has_finalization = !reader.failed && reader.left > 0;
    if (ret_block->has_finalization) {
        bool good;
        take_certificate(&reader, &ret_block->finalization, &good);
        if (!good) {
            return STATUS_MALFORMED;
        }
    }
    return reader_done(&reader);
}

void row_final_encode(const struct final_point *point, uint8_t ret_row[ROW_FINAL_BYTES])
{
    struct writer writer = writer_over(ret_row, ROW_FINAL_BYTES);
    writer_u64(&writer, point->height);
    writer_u64(&writer, point->epoch);
    writer_u64(&writer, point->view);
    writer_copy(&writer, point->hash.bytes, HASH_BYTES);
    CHECK(!writer.failed && writer.used == ROW_FINAL_BYTES);
}

enum status row_final_decode(struct span row, struct final_point *ret_point)
{
    struct reader reader = reader_over(row.data, row.length);
    struct final_point point;
    point.height = reader_u64(&reader);
    point.epoch = reader_u64(&reader);
    point.view = reader_u64(&reader);
    reader_copy(&reader, point.hash.bytes, HASH_BYTES);
    enum status status = reader_done(&reader);
    if (status == STATUS_OK) {
        *ret_point = point;
    }
    return status;
}

void key_view(uint64_t epoch, uint64_t view, enum vote_kind kind, uint8_t ret_key[KEY_VIEW_BYTES])
{
    put_be64(ret_key, epoch);
    put_be64(ret_key + 8, view);
    ret_key[16] = (uint8_t)kind;
}

void key_evidence(uint64_t epoch, uint64_t view, enum vote_kind kind, uint32_t signer,
                  uint8_t ret_key[KEY_EVIDENCE_BYTES])
{
    key_view(epoch, view, kind, ret_key);
    put_be32(ret_key + KEY_VIEW_BYTES, signer);
}

void row_evidence_encode(const struct evidence *evidence, uint8_t ret_row[ROW_EVIDENCE_BYTES])
{
    row_vote_encode(&evidence->first, ret_row);
    row_vote_encode(&evidence->second, ret_row + ROW_VOTE_BYTES);
}

enum status row_evidence_decode(struct span row, struct evidence *ret_evidence)
{
    struct evidence evidence;
    if (row.length != ROW_EVIDENCE_BYTES) {
        return STATUS_MALFORMED;
    }
    const struct span first = {.data = row.data, .length = ROW_VOTE_BYTES};
    const struct span second = {.data = row.data + ROW_VOTE_BYTES, .length = ROW_VOTE_BYTES};
    enum status status = row_vote_decode(first, &evidence.first);
    if (status == STATUS_OK) {
        status = row_vote_decode(second, &evidence.second);
    }
    if (status == STATUS_OK) {
        *ret_evidence = evidence;
    }
    return status;
}

size_t row_conflict_encode(const struct certificate *first, const struct certificate *second,
                           uint8_t ret_row[ROW_CONFLICT_BYTES_MAX])
{
    const size_t used = first == NULL ? 0 : row_certificate_encode(first, ret_row);
    return used + row_certificate_encode(second, ret_row + used);
}

enum status row_conflict_decode(struct span row, struct certificate ret_certificates[2],
                                uint32_t *ret_count)
{
    struct reader reader = reader_over(row.data, row.length);
    uint32_t count = 0;
    do {
        bool good;
        take_certificate(&reader, &ret_certificates[count], &good);
        if (!good) {
            return STATUS_MALFORMED;
        }
        count++;
    } while (count < 2 && reader.left > 0 && !reader.failed);
    *ret_count = count;
    return reader_done(&reader);
}
