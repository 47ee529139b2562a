/*
 * client_codec: the schema's rules, and the decoder of the frames between a client and its node
 * (see client_codec.h). The encoder is client_encode.c.
 */
#include "proto/client_codec.h"

#include <string.h>

#include "base/check.h"
#include "proto/certificate_codec.h"
#include "proto/client.pb-c.h"
#include "proto/client_schema.h"
#include "proto/wire.h"

#define U16_BYTES 2

static const struct wire_rule client_rules[] = {
    CERTIFICATE_WIRE_RULES,
    {&hefu__client__submit__descriptor, 1, 0, 1, BATCH_PREFIX_BYTES + 1, BATCH_BYTES_MAX},
    {&hefu__client__await__descriptor, 1, 0, HASH_BYTES, 1, 1},
    {&hefu__client__accepted__descriptor, 1, 0, HASH_BYTES, 1, 1},
    {&hefu__client__refused__descriptor, 2, 0, 1, 0, CLIENT_FIELD_BYTES},
    {&hefu__client__refused__descriptor, 3, 0, 1, 0, CLIENT_SENTENCE_BYTES},
    {&hefu__client__epoch_step__descriptor, 1, 0, BLOCK_HEADER_BYTES, 1, 1},
    {&hefu__client__epoch_step__descriptor, 3, 0, CLIENT_MEMBER_BYTES, 1, LIMIT_VALIDATORS},
    {&hefu__client__receipt__descriptor, 1, 0, BATCH_HEADER_BYTES, 1, 1},
    {&hefu__client__receipt__descriptor, 2, 0, sizeof(struct signature), 1, 1},
    {&hefu__client__receipt__descriptor, 3, 0, U16_BYTES, 1, LIMIT_BATCH_RECORDS},
    {&hefu__client__receipt__descriptor, 4, 0, BLOCK_HEADER_BYTES, 1, 1},
    {&hefu__client__receipt__descriptor, 7, 0, HASH_BYTES, 0, MERKLE_PATH_MAX},
    {&hefu__client__receipt__descriptor, 8, 0, HASH_BYTES, 0, MERKLE_PATH_MAX},
    {&hefu__client__receipt__descriptor, 9, CLIENT_EPOCHS_MAX, 0, 0, 0},
    {&hefu__client__key_proof__descriptor, 1, 0, BLOCK_HEADER_BYTES, 1, 1},
    {&hefu__client__key_proof__descriptor, 3, 0, HASH_BYTES, 1, 1},
    {&hefu__client__key_proof__descriptor, 4, 0, HASH_BYTES, 0, MERKLE_PATH_MAX},
    {&hefu__client__key_proof__descriptor, 5, 0, 1, 1, CLIENT_KEY_ROWS_BYTES_MAX},
    {&hefu__client__peer__descriptor, 2, 0, 1, 0, CLIENT_NAME_BYTES},
    {&hefu__client__counter__descriptor, 1, 0, 1, 1, CLIENT_NAME_BYTES},
    {&hefu__client__metric__descriptor, 1, 0, 1, 1, CLIENT_NAME_BYTES},
    {&hefu__client__metric__descriptor, 2, 0, 1, 0, CLIENT_LABELS_BYTES},
    {&hefu__client__status_report__descriptor, 2, 0, HASH_BYTES, 1, 1},
    {&hefu__client__status_report__descriptor, 3, 0, HASH_BYTES, 1, 1},
    {&hefu__client__status_report__descriptor, 7, 0, 1, 0, CLIENT_NAME_BYTES},
    {&hefu__client__status_report__descriptor, 12, CLIENT_PEERS_MAX, 0, 0, 0},
    {&hefu__client__status_report__descriptor, 13, CLIENT_ALARMS_MAX, 1, 0, CLIENT_SENTENCE_BYTES},
    {&hefu__client__status_report__descriptor, 14, CLIENT_COUNTERS_MAX, 0, 0, 0},
    {&hefu__client__status_report__descriptor, 15, CLIENT_METRICS_MAX, 0, 0, 0},
    {&hefu__client__final_batch__descriptor, 1, 0, BATCH_HEADER_BYTES, 1, 1},
    {&hefu__client__final_batch__descriptor, 2, 0, U16_BYTES, 0, LIMIT_BATCH_RECORDS},
    {&hefu__client__final_batch__descriptor, 3, 0, U16_BYTES, 0, LIMIT_BATCH_RECORDS},
    {&hefu__client__final_batch__descriptor, 4, 0, RECORD_BYTES, 0, LIMIT_BATCH_RECORDS},
    {&hefu__client__final_records__descriptor, 3, LIMIT_BLOCK_BATCHES, 0, 0, 0},
};

const struct wire_schema client_schema = {
    .frame = &hefu__client__frame__descriptor,
    .version = CLIENT_VERSION,
    .rules = client_rules,
    .rule_count = sizeof client_rules / sizeof client_rules[0],
};

_Static_assert((int)CLIENT_BATCH_UNKNOWN == (int)HEFU__CLIENT__BATCH_STATE__UNKNOWN, "same");
_Static_assert((int)CLIENT_BATCH_POOLED == (int)HEFU__CLIENT__BATCH_STATE__POOLED, "same");
_Static_assert((int)CLIENT_BATCH_ACCEPTED == (int)HEFU__CLIENT__BATCH_STATE__ACCEPTED, "same");
_Static_assert((int)CLIENT_BATCH_PROPOSED == (int)HEFU__CLIENT__BATCH_STATE__PROPOSED, "same");

/* What decoding carries along. */
struct client_decoder {
    struct arena *arena;
    uint32_t validator_count;
    const char *what;
};

static enum status refuse(struct client_decoder *decoder, const char *what)
{
    decoder->what = what;
    return STATUS_MALFORMED;
}

/* An array of little-endian u16 as unpacked: the arena has aligned it. */
static const uint16_t *u16s_from_wire(const ProtobufCBinaryData *field)
{
    return (const uint16_t *)(const void *)field->data;
}

static enum status decode_await(struct client_decoder *decoder, const Hefu__Client__Await *wire,
                                struct client_await *await)
{
    await->wait_ms = wire->wait_ms;
    return wire_copy(&wire->batch_id, HASH_BYTES, await->batch_id.bytes)
               ? STATUS_OK
               : refuse(decoder, "batch_id");
}

static enum status decode_accepted(struct client_decoder *decoder,
                                   const Hefu__Client__Accepted *wire,
                                   struct client_accepted *accepted)
{
    accepted->validators_holding = wire->validators_holding;
    return wire_copy(&wire->batch_id, HASH_BYTES, accepted->batch_id.bytes)
               ? STATUS_OK
               : refuse(decoder, "batch_id");
}

static enum status decode_refused(struct client_decoder *decoder, const Hefu__Client__Refused *wire,
                                  struct client_refused *refused)
{
    if (wire->code == (uint32_t)STATUS_OK || wire->code >= (uint32_t)STATUS_COUNT) {
        return refuse(decoder, "code");
    }
    *refused = (struct client_refused){
        .code = (enum status)wire->code,
        .field = wire->field,
        .sentence = wire->sentence,
    };
    return STATUS_OK;
}

static enum status decode_epochs(struct client_decoder *decoder, const Hefu__Client__Receipt *wire,
                                 struct client_receipt *receipt)
{
    struct client_epoch *epochs = arena_take(decoder->arena, wire->n_epochs * sizeof *epochs);
    if (epochs == NULL) {
        return STATUS_NO_MEMORY;
    }
    for (size_t i = 0; i < wire->n_epochs; i++) {
        const Hefu__Client__EpochStep *from = wire->epochs[i];
        if (from->block_header.len != BLOCK_HEADER_BYTES ||
            from->finalization->kind != HEFU__WIRE__VOTE_KIND__FINALIZE) {
            return refuse(decoder, "epochs");
        }
        epochs[i] = (struct client_epoch){
            .block_header = from->block_header.data,
            .members = from->validators.data,
            .member_count = (uint32_t)(from->validators.len / CLIENT_MEMBER_BYTES),
        };
        enum status status =
            certificate_take(from->finalization, decoder->validator_count, decoder->arena,
                             &epochs[i].finalization, &decoder->what);
        if (status != STATUS_OK) {
            return status;
        }
    }
    receipt->epochs = epochs;
    receipt->epoch_count = (uint32_t)wire->n_epochs;
    return STATUS_OK;
}

static enum status decode_key(struct client_decoder *decoder, const Hefu__Client__KeyProof *wire,
                              struct client_receipt *receipt)
{
    struct client_key_proof *key = &receipt->key;
    if (wire == NULL) {
        return STATUS_OK;
    }
    if (wire->block_header.len != BLOCK_HEADER_BYTES ||
        wire->finalization->kind != HEFU__WIRE__VOTE_KIND__FINALIZE ||
        !wire_copy(&wire->previous, HASH_BYTES, key->previous.bytes)) {
        return refuse(decoder, "key");
    }
    receipt->has_key = true;
    key->block_header = wire->block_header.data;
    key->path_count = hashes_from_wire(&wire->path, &key->path);
    key->rows = (struct span){wire->rows.data, wire->rows.len};
    return certificate_take(wire->finalization, decoder->validator_count, decoder->arena,
                            &key->finalization, &decoder->what);
}

static enum status decode_receipt(struct client_decoder *decoder, const Hefu__Client__Receipt *wire,
                                  struct client_receipt *receipt)
{
    memset(receipt, 0, sizeof *receipt);
    if (!wire_copy(&wire->batch_signature, sizeof receipt->batch_signature,
                   receipt->batch_signature.bytes)) {
        return refuse(decoder, "batch_signature");
    }
    if (wire->batch_header.len != BATCH_HEADER_BYTES) {
        return refuse(decoder, "batch_header");
    }
    if (wire->block_header.len != BLOCK_HEADER_BYTES) {
        return refuse(decoder, "block_header");
    }
    if (wire->finalization->kind != HEFU__WIRE__VOTE_KIND__FINALIZE) {
        return refuse(decoder, "finalization");
    }
    receipt->batch_header = wire->batch_header.data;
    receipt->verdicts = u16s_from_wire(&wire->verdicts);
    receipt->verdict_count = (uint32_t)(wire->verdicts.len / U16_BYTES);
    receipt->block_header = wire->block_header.data;
    receipt->batch_index = wire->batch_index;
    receipt->batches_path_count = hashes_from_wire(&wire->batches_path, &receipt->batches_path);
    receipt->verdicts_path_count = hashes_from_wire(&wire->verdicts_path, &receipt->verdicts_path);
    enum status status = certificate_take(wire->finalization, decoder->validator_count,
                                          decoder->arena, &receipt->finalization, &decoder->what);
    if (status == STATUS_OK) {
        status = decode_epochs(decoder, wire, receipt);
    }
    return status == STATUS_OK ? decode_key(decoder, wire->key, receipt) : status;
}

static enum status decode_peers(struct client_decoder *decoder,
                                const Hefu__Client__StatusReport *wire,
                                struct client_status_report *report)
{
    struct client_peer *peers = arena_take(decoder->arena, wire->n_peers * sizeof *peers);
    if (peers == NULL) {
        return STATUS_NO_MEMORY;
    }
    for (size_t i = 0; i < wire->n_peers; i++) {
        peers[i] = (struct client_peer){
            .index = wire->peers[i]->index,
            .name = wire->peers[i]->name,
            .connected = wire->peers[i]->connected != 0,
            .height = wire->peers[i]->height,
            .rtt_us = wire->peers[i]->rtt_us,
            .view = wire->peers[i]->view,
            .silent_ms = wire->peers[i]->silent_ms,
        };
    }
    report->peers = peers;
    report->peer_count = (uint32_t)wire->n_peers;
    return STATUS_OK;
}

static enum status decode_counters(struct client_decoder *decoder,
                                   const Hefu__Client__StatusReport *wire,
                                   struct client_status_report *report)
{
    struct client_counter *counters =
        arena_take(decoder->arena, wire->n_counters * sizeof *counters);
    if (counters == NULL) {
        return STATUS_NO_MEMORY;
    }
    for (size_t i = 0; i < wire->n_counters; i++) {
        counters[i] = (struct client_counter){wire->counters[i]->name, wire->counters[i]->value};
    }
    report->counters = counters;
    report->counter_count = (uint32_t)wire->n_counters;
    return STATUS_OK;
}

static enum status decode_metrics(struct client_decoder *decoder,
                                  const Hefu__Client__StatusReport *wire,
                                  struct client_status_report *report)
{
    struct client_metric *metrics = arena_take(decoder->arena, wire->n_metrics * sizeof *metrics);
    if (metrics == NULL) {
        return STATUS_NO_MEMORY;
    }
    for (size_t i = 0; i < wire->n_metrics; i++) {
        metrics[i] = (struct client_metric){wire->metrics[i]->name, wire->metrics[i]->labels,
                                            wire->metrics[i]->value};
    }
    report->metrics = metrics;
    report->metric_count = (uint32_t)wire->n_metrics;
    return STATUS_OK;
}

static enum status decode_report(struct client_decoder *decoder,
                                 const Hefu__Client__StatusReport *wire,
                                 struct client_status_report *report)
{
    *report = (struct client_status_report){
        .height = wire->height,
        .epoch = wire->epoch,
        .view = wire->view,
        .leader = wire->leader,
        .role = wire->role,
        .delta_ms = wire->delta_ms,
        .pool_batches = wire->pool_batches,
        .pool_bytes = wire->pool_bytes,
        .uptime_ms = wire->uptime_ms,
        .alarms = (const char *const *)wire->alarms,
        .alarm_count = (uint32_t)wire->n_alarms,
    };
    if (!wire_copy(&wire->final_hash, HASH_BYTES, report->final_hash.bytes)) {
        return refuse(decoder, "final_hash");
    }
    if (!wire_copy(&wire->state_root, HASH_BYTES, report->state_root.bytes)) {
        return refuse(decoder, "state_root");
    }
    enum status status = decode_peers(decoder, wire, report);
    if (status == STATUS_OK) {
        status = decode_counters(decoder, wire, report);
    }
    return status == STATUS_OK ? decode_metrics(decoder, wire, report) : status;
}

static enum status decode_final_batch(struct client_decoder *decoder,
                                      const Hefu__Client__FinalBatch *wire,
                                      struct client_final_batch *batch)
{
    size_t count = wire->records.len / RECORD_BYTES;
    if (wire->batch_header.len != BATCH_HEADER_BYTES) {
        return refuse(decoder, "batch_header");
    }
    if (wire->indexes.len != count * U16_BYTES) {
        return refuse(decoder, "indexes");
    }
    if (wire->verdicts.len != count * U16_BYTES) {
        return refuse(decoder, "verdicts");
    }
    *batch = (struct client_final_batch){
        .batch_header = wire->batch_header.data,
        .indexes = u16s_from_wire(&wire->indexes),
        .verdicts = u16s_from_wire(&wire->verdicts),
        .records = wire->records.data,
        .record_count = (uint32_t)count,
    };
    for (size_t i = 0; i < count; i++) {
        if (batch->indexes[i] >= LIMIT_BATCH_RECORDS ||
            (i > 0 && batch->indexes[i] <= batch->indexes[i - 1])) {
            return refuse(decoder, "indexes");
        }
    }
    return STATUS_OK;
}

static enum status decode_final_records(struct client_decoder *decoder,
                                        const Hefu__Client__FinalRecords *wire,
                                        struct client_final_records *records)
{
    struct client_final_batch *batches =
        arena_take(decoder->arena, wire->n_batches * sizeof *batches);
    if (batches == NULL) {
        return STATUS_NO_MEMORY;
    }
    for (size_t i = 0; i < wire->n_batches; i++) {
        enum status status = decode_final_batch(decoder, wire->batches[i], &batches[i]);
        if (status != STATUS_OK) {
            return status;
        }
    }
    *records = (struct client_final_records){
        .height = wire->height,
        .timestamp_ms = wire->timestamp_ms,
        .batches = batches,
        .batch_count = (uint32_t)wire->n_batches,
    };
    return STATUS_OK;
}

static enum status decode_body(struct client_decoder *decoder, const Hefu__Client__Frame *frame,
                               struct client_message *message)
{
    switch (frame->body_case) {
    case HEFU__CLIENT__FRAME__BODY_AWAIT:
        return decode_await(decoder, frame->await, &message->await);
    case HEFU__CLIENT__FRAME__BODY_NODE_STATUS:
    case HEFU__CLIENT__FRAME__BODY_EXPIRED:
        return STATUS_OK;
    case HEFU__CLIENT__FRAME__BODY_SUBSCRIBE:
        message->subscribe.from_height = frame->subscribe->from_height;
        return STATUS_OK;
    case HEFU__CLIENT__FRAME__BODY_ACCEPTED:
        return decode_accepted(decoder, frame->accepted, &message->accepted);
    case HEFU__CLIENT__FRAME__BODY_REFUSED:
        return decode_refused(decoder, frame->refused, &message->refused);
    case HEFU__CLIENT__FRAME__BODY_RECEIPT:
        return decode_receipt(decoder, frame->receipt, &message->receipt);
    case HEFU__CLIENT__FRAME__BODY_PENDING:
        message->pending.state = (enum client_batch_state)frame->pending->state;
        return STATUS_OK;
    case HEFU__CLIENT__FRAME__BODY_STATUS_REPORT:
        return decode_report(decoder, frame->status_report, &message->status_report);
    case HEFU__CLIENT__FRAME__BODY_BUSY:
        message->busy.retry_ms = frame->busy->retry_ms;
        return STATUS_OK;
    case HEFU__CLIENT__FRAME__BODY_FINAL_RECORDS:
        return decode_final_records(decoder, frame->final_records, &message->final_records);
    case HEFU__CLIENT__FRAME__BODY_SUBMIT: /* read in place before */
    case HEFU__CLIENT__FRAME__BODY__NOT_SET:
    case _HEFU__CLIENT__FRAME__BODY__CASE_IS_INT_SIZE:
        break;
    }
    return refuse(decoder, "body");
}

/* A batch is read in place: it is up to 1.3 MB, and unpacking would copy it. */
static enum status decode_submit(struct client_decoder *decoder, struct span frame,
                                 struct span submit, struct client_message *message)
{
    struct span request;
    if (!wire_find(frame, 2, &request) || request.length != sizeof message->request) {
        return refuse(decoder, "request");
    }
    if (!wire_find(submit, 1, &message->submit.batch)) {
        return refuse(decoder, "batch");
    }
    message->kind = CLIENT_SUBMIT;
    message->request = get_le64(request.data);
    return STATUS_OK;
}

static enum status decode_frame(struct client_decoder *decoder, struct span data,
                                struct client_message *message)
{
    enum status status = wire_scan(&client_schema, data, &decoder->what);
    if (status != STATUS_OK) {
        return status;
    }
    struct span submit;
    if (wire_find(data, HEFU__CLIENT__FRAME__BODY_SUBMIT, &submit)) {
        return decode_submit(decoder, data, submit, message);
    }
    ProtobufCMessage *unpacked = NULL;
    status = wire_unpack(&client_schema, data, decoder->arena, &unpacked);
    if (status != STATUS_OK) {
        return status;
    }
    const Hefu__Client__Frame *frame = (const Hefu__Client__Frame *)unpacked;
    message->kind = (enum client_message_kind)(frame->body_case - 2);
    message->request = frame->request;
    return decode_body(decoder, frame, message);
}

enum status client_decode(const uint8_t *data, size_t length, struct arena *arena,
                          uint32_t validator_count, struct client_message *ret_message,
                          const char **ret_what)
{
    CHECK(validator_count >= 1 && validator_count <= LIMIT_VALIDATORS);
    struct client_decoder decoder = {.arena = arena, .validator_count = validator_count};
    size_t used = arena->used;
    struct client_message message;
    enum status status = decode_frame(&decoder, (struct span){data, length}, &message);
    if (ret_what != NULL) {
        *ret_what = status == STATUS_OK ? NULL : decoder.what;
    }
    if (status == STATUS_OK) {
        *ret_message = message;
    } else {
        arena->used = used;
    }
    return status;
}

bool client_kind_is_request(enum client_message_kind kind)
{
    return kind >= CLIENT_SUBMIT && kind <= CLIENT_SUBSCRIBE;
}

const char *client_message_name(enum client_message_kind kind)
{
    switch (kind) {
    case CLIENT_SUBMIT:
        return "SUBMIT";
    case CLIENT_AWAIT:
        return "AWAIT";
    case CLIENT_NODE_STATUS:
        return "NODE_STATUS";
    case CLIENT_SUBSCRIBE:
        return "SUBSCRIBE";
    case CLIENT_ACCEPTED:
        return "ACCEPTED";
    case CLIENT_REFUSED:
        return "REFUSED";
    case CLIENT_RECEIPT:
        return "RECEIPT";
    case CLIENT_PENDING:
        return "PENDING";
    case CLIENT_EXPIRED:
        return "EXPIRED";
    case CLIENT_STATUS_REPORT:
        return "STATUS_REPORT";
    case CLIENT_BUSY:
        return "BUSY";
    case CLIENT_FINAL_RECORDS:
        return "FINAL_RECORDS";
    }
    return "UNKNOWN";
}

const char *client_batch_state_name(enum client_batch_state state)
{
    switch (state) {
    case CLIENT_BATCH_UNKNOWN:
        return "unknown";
    case CLIENT_BATCH_POOLED:
        return "pooled";
    case CLIENT_BATCH_ACCEPTED:
        return "accepted";
    case CLIENT_BATCH_PROPOSED:
        return "proposed";
    }
    return "unknown";
}
