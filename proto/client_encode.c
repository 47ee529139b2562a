/*
 * client_encode: the encoder of the frames between a client and its node (see client_codec.h). As
 * in peer_encode, protobuf-c's tree of pointers is built on the stack over the message's own bytes.
 */
#include "base/check.h"
#include "proto/certificate_codec.h"
#include "proto/client.pb-c.h"
#include "proto/client_codec.h"
#include "proto/client_schema.h"
#include "proto/wire.h"

/* Memory of one encoding. */
struct client_scratch {
    Hefu__Client__Frame frame;
    union {
        Hefu__Client__Submit submit;
        Hefu__Client__Await await;
        Hefu__Client__NodeStatus node_status;
        Hefu__Client__Subscribe subscribe;
        Hefu__Client__Accepted accepted;
        Hefu__Client__Refused refused;
        Hefu__Client__Receipt receipt;
        Hefu__Client__Pending pending;
        Hefu__Client__Expired expired;
        Hefu__Client__StatusReport report;
        Hefu__Client__Busy busy;
        Hefu__Client__FinalRecords final_records;
    } body;
    Hefu__Wire__Certificate certificate;
    Hefu__Client__Peer peers[CLIENT_PEERS_MAX];
    Hefu__Client__Peer *peer_list[CLIENT_PEERS_MAX];
    char *alarm_list[CLIENT_ALARMS_MAX];
    Hefu__Client__Counter counters[CLIENT_COUNTERS_MAX];
    Hefu__Client__Counter *counter_list[CLIENT_COUNTERS_MAX];
    Hefu__Client__Metric metrics[CLIENT_METRICS_MAX];
    Hefu__Client__Metric *metric_list[CLIENT_METRICS_MAX];
    Hefu__Client__FinalBatch batches[LIMIT_BLOCK_BATCHES];
    Hefu__Client__FinalBatch *batch_list[LIMIT_BLOCK_BATCHES];
    Hefu__Client__EpochStep epochs[CLIENT_EPOCHS_MAX];
    Hefu__Client__EpochStep *epoch_list[CLIENT_EPOCHS_MAX];
    Hefu__Wire__Certificate epoch_certificates[CLIENT_EPOCHS_MAX];
    Hefu__Client__KeyProof key;
    Hefu__Wire__Certificate key_certificate;
};

/* Each fills the scratch's body; the lists say whether their counts are within what it holds. */

/* A string to be packed, borrowed: packing does not write to it. */
static char *text_to_wire(const char *text)
{
    CHECK(text != NULL);
    return (char *)(uintptr_t)text;
}

static void submit_to_wire(const struct client_submit *submit, struct client_scratch *scratch)
{
    hefu__client__submit__init(&scratch->body.submit);
    scratch->body.submit.batch = wire_bytes(submit->batch.data, submit->batch.length);
    scratch->frame.submit = &scratch->body.submit;
}

static void await_to_wire(const struct client_await *await, struct client_scratch *scratch)
{
    hefu__client__await__init(&scratch->body.await);
    scratch->body.await.batch_id = wire_bytes(await->batch_id.bytes, HASH_BYTES);
    scratch->body.await.wait_ms = await->wait_ms;
    scratch->frame.await = &scratch->body.await;
}

static void node_status_to_wire(struct client_scratch *scratch)
{
    hefu__client__node_status__init(&scratch->body.node_status);
    scratch->frame.node_status = &scratch->body.node_status;
}

static void subscribe_to_wire(const struct client_subscribe *subscribe,
                              struct client_scratch *scratch)
{
    hefu__client__subscribe__init(&scratch->body.subscribe);
    scratch->body.subscribe.from_height = subscribe->from_height;
    scratch->frame.subscribe = &scratch->body.subscribe;
}

static void accepted_to_wire(const struct client_accepted *accepted, struct client_scratch *scratch)
{
    hefu__client__accepted__init(&scratch->body.accepted);
    scratch->body.accepted.batch_id = wire_bytes(accepted->batch_id.bytes, HASH_BYTES);
    scratch->body.accepted.validators_holding = accepted->validators_holding;
    scratch->frame.accepted = &scratch->body.accepted;
}

static void refused_to_wire(const struct client_refused *refused, struct client_scratch *scratch)
{
    hefu__client__refused__init(&scratch->body.refused);
    scratch->body.refused.code = (uint32_t)refused->code;
    scratch->body.refused.field = text_to_wire(refused->field);
    scratch->body.refused.sentence = text_to_wire(refused->sentence);
    scratch->frame.refused = &scratch->body.refused;
}

static void epochs_to_wire(const struct client_receipt *receipt, struct client_scratch *scratch)
{
    for (uint32_t i = 0; i < receipt->epoch_count; i++) {
        const struct client_epoch *from = &receipt->epochs[i];
        Hefu__Client__EpochStep *to = &scratch->epochs[i];
        hefu__client__epoch_step__init(to);
        to->block_header = wire_bytes(from->block_header, BLOCK_HEADER_BYTES);
        certificate_to_wire(from->finalization, &scratch->epoch_certificates[i]);
        to->finalization = &scratch->epoch_certificates[i];
        to->validators =
            wire_bytes(from->members, (size_t)from->member_count * CLIENT_MEMBER_BYTES);
        scratch->epoch_list[i] = to;
    }
    scratch->body.receipt.n_epochs = receipt->epoch_count;
    scratch->body.receipt.epochs = scratch->epoch_list;
}

static void key_to_wire(const struct client_key_proof *key, struct client_scratch *scratch)
{
    Hefu__Client__KeyProof *to = &scratch->key;
    hefu__client__key_proof__init(to);
    to->block_header = wire_bytes(key->block_header, BLOCK_HEADER_BYTES);
    certificate_to_wire(key->finalization, &scratch->key_certificate);
    to->finalization = &scratch->key_certificate;
    to->previous = wire_bytes(key->previous.bytes, HASH_BYTES);
    to->path = wire_bytes(key->path, (size_t)key->path_count * HASH_BYTES);
    to->rows = wire_bytes(key->rows.data, key->rows.length);
    scratch->body.receipt.key = to;
}

static bool receipt_to_wire(const struct client_receipt *receipt, struct client_scratch *scratch)
{
    if (receipt->epoch_count > CLIENT_EPOCHS_MAX) {
        return false;
    }
    Hefu__Client__Receipt *to = &scratch->body.receipt;
    hefu__client__receipt__init(to);
    to->batch_header = wire_bytes(receipt->batch_header, BATCH_HEADER_BYTES);
    to->batch_signature =
        wire_bytes(receipt->batch_signature.bytes, sizeof receipt->batch_signature.bytes);
    to->verdicts = wire_bytes(receipt->verdicts, (size_t)receipt->verdict_count * sizeof(uint16_t));
    to->block_header = wire_bytes(receipt->block_header, BLOCK_HEADER_BYTES);
    certificate_to_wire(receipt->finalization, &scratch->certificate);
    to->finalization = &scratch->certificate;
    to->batch_index = receipt->batch_index;
    to->batches_path =
        wire_bytes(receipt->batches_path, (size_t)receipt->batches_path_count * HASH_BYTES);
    to->verdicts_path =
        wire_bytes(receipt->verdicts_path, (size_t)receipt->verdicts_path_count * HASH_BYTES);
    epochs_to_wire(receipt, scratch);
    if (receipt->has_key) {
        key_to_wire(&receipt->key, scratch);
    }
    scratch->frame.receipt = to;
    return true;
}

static void pending_to_wire(const struct client_pending *pending, struct client_scratch *scratch)
{
    hefu__client__pending__init(&scratch->body.pending);
    scratch->body.pending.state = (Hefu__Client__BatchState)pending->state;
    scratch->frame.pending = &scratch->body.pending;
}

static void expired_to_wire(struct client_scratch *scratch)
{
    hefu__client__expired__init(&scratch->body.expired);
    scratch->frame.expired = &scratch->body.expired;
}

static void peers_to_wire(const struct client_status_report *report, struct client_scratch *scratch)
{
    for (uint32_t i = 0; i < report->peer_count; i++) {
        const struct client_peer *from = &report->peers[i];
        Hefu__Client__Peer *to = &scratch->peers[i];
        hefu__client__peer__init(to);
        to->index = from->index;
        to->name = text_to_wire(from->name);
        to->connected = from->connected;
        to->height = from->height;
        to->rtt_us = from->rtt_us;
        to->view = from->view;
        to->silent_ms = from->silent_ms;
        scratch->peer_list[i] = to;
    }
    scratch->body.report.n_peers = report->peer_count;
    scratch->body.report.peers = scratch->peer_list;
}

static void lists_to_wire(const struct client_status_report *report, struct client_scratch *scratch)
{
    peers_to_wire(report, scratch);
    for (uint32_t i = 0; i < report->alarm_count; i++) {
        scratch->alarm_list[i] = text_to_wire(report->alarms[i]);
    }
    scratch->body.report.n_alarms = report->alarm_count;
    scratch->body.report.alarms = scratch->alarm_list;
    for (uint32_t i = 0; i < report->counter_count; i++) {
        hefu__client__counter__init(&scratch->counters[i]);
        scratch->counters[i].name = text_to_wire(report->counters[i].name);
        scratch->counters[i].value = report->counters[i].value;
        scratch->counter_list[i] = &scratch->counters[i];
    }
    scratch->body.report.n_counters = report->counter_count;
    scratch->body.report.counters = scratch->counter_list;
    for (uint32_t i = 0; i < report->metric_count; i++) {
        hefu__client__metric__init(&scratch->metrics[i]);
        scratch->metrics[i].name = text_to_wire(report->metrics[i].name);
        scratch->metrics[i].labels = text_to_wire(report->metrics[i].labels);
        scratch->metrics[i].value = report->metrics[i].value;
        scratch->metric_list[i] = &scratch->metrics[i];
    }
    scratch->body.report.n_metrics = report->metric_count;
    scratch->body.report.metrics = scratch->metric_list;
}

static bool report_to_wire(const struct client_status_report *report,
                           struct client_scratch *scratch)
{
    if (report->peer_count > CLIENT_PEERS_MAX || report->alarm_count > CLIENT_ALARMS_MAX ||
        report->counter_count > CLIENT_COUNTERS_MAX || report->metric_count > CLIENT_METRICS_MAX) {
        return false;
    }
    Hefu__Client__StatusReport *to = &scratch->body.report;
    hefu__client__status_report__init(to);
    to->height = report->height;
    to->final_hash = wire_bytes(report->final_hash.bytes, HASH_BYTES);
    to->state_root = wire_bytes(report->state_root.bytes, HASH_BYTES);
    to->epoch = report->epoch;
    to->view = report->view;
    to->leader = report->leader;
    to->role = text_to_wire(report->role);
    to->delta_ms = report->delta_ms;
    to->pool_batches = report->pool_batches;
    to->pool_bytes = report->pool_bytes;
    to->uptime_ms = report->uptime_ms;
    lists_to_wire(report, scratch);
    scratch->frame.status_report = to;
    return true;
}

static void busy_to_wire(const struct client_busy *busy, struct client_scratch *scratch)
{
    hefu__client__busy__init(&scratch->body.busy);
    scratch->body.busy.retry_ms = busy->retry_ms;
    scratch->frame.busy = &scratch->body.busy;
}

static bool final_records_to_wire(const struct client_final_records *records,
                                  struct client_scratch *scratch)
{
    if (records->batch_count > LIMIT_BLOCK_BATCHES) {
        return false;
    }
    for (uint32_t i = 0; i < records->batch_count; i++) {
        const struct client_final_batch *from = &records->batches[i];
        Hefu__Client__FinalBatch *to = &scratch->batches[i];
        size_t count = from->record_count;
        hefu__client__final_batch__init(to);
        to->batch_header = wire_bytes(from->batch_header, BATCH_HEADER_BYTES);
        to->indexes = wire_bytes(from->indexes, count * sizeof(uint16_t));
        to->verdicts = wire_bytes(from->verdicts, count * sizeof(uint16_t));
        to->records = wire_bytes(from->records, count * RECORD_BYTES);
        scratch->batch_list[i] = to;
    }
    Hefu__Client__FinalRecords *to = &scratch->body.final_records;
    hefu__client__final_records__init(to);
    to->height = records->height;
    to->timestamp_ms = records->timestamp_ms;
    to->n_batches = records->batch_count;
    to->batches = scratch->batch_list;
    scratch->frame.final_records = to;
    return true;
}

/* A kind's field in the frame's oneof: 3 for SUBMIT, and so on in the order of the enum. */
#define BODY_CASE(kind) ((Hefu__Client__Frame__BodyCase)((kind) + 2))
_Static_assert(CLIENT_SUBMIT + 2 == HEFU__CLIENT__FRAME__BODY_SUBMIT, "the first kind");
_Static_assert(CLIENT_ACCEPTED + 2 == HEFU__CLIENT__FRAME__BODY_ACCEPTED, "a kind in the middle");
_Static_assert(CLIENT_FINAL_RECORDS + 2 == HEFU__CLIENT__FRAME__BODY_FINAL_RECORDS,
               "the last kind");

static bool body_to_wire(const struct client_message *message, struct client_scratch *scratch)
{
    switch (message->kind) {
    case CLIENT_SUBMIT:
        submit_to_wire(&message->submit, scratch);
        return true;
    case CLIENT_AWAIT:
        await_to_wire(&message->await, scratch);
        return true;
    case CLIENT_NODE_STATUS:
        node_status_to_wire(scratch);
        return true;
    case CLIENT_SUBSCRIBE:
        subscribe_to_wire(&message->subscribe, scratch);
        return true;
    case CLIENT_ACCEPTED:
        accepted_to_wire(&message->accepted, scratch);
        return true;
    case CLIENT_REFUSED:
        refused_to_wire(&message->refused, scratch);
        return true;
    case CLIENT_RECEIPT:
        return receipt_to_wire(&message->receipt, scratch);
    case CLIENT_PENDING:
        pending_to_wire(&message->pending, scratch);
        return true;
    case CLIENT_EXPIRED:
        expired_to_wire(scratch);
        return true;
    case CLIENT_STATUS_REPORT:
        return report_to_wire(&message->status_report, scratch);
    case CLIENT_BUSY:
        busy_to_wire(&message->busy, scratch);
        return true;
    case CLIENT_FINAL_RECORDS:
        return final_records_to_wire(&message->final_records, scratch);
    }
    return false;
}

static bool message_to_wire(const struct client_message *message, struct client_scratch *scratch)
{
    CHECK(message->kind >= CLIENT_SUBMIT && message->kind <= CLIENT_FINAL_RECORDS);
    hefu__client__frame__init(&scratch->frame);
    scratch->frame.version = CLIENT_VERSION;
    scratch->frame.request = message->request;
    scratch->frame.body_case = BODY_CASE(message->kind);
    return body_to_wire(message, scratch);
}

size_t client_encoded_bound(const struct client_message *message)
{
    struct client_scratch scratch;
    if (!message_to_wire(message, &scratch)) {
        return 0;
    }
    return protobuf_c_message_get_packed_size(&scratch.frame.base);
}

enum status client_encode(const struct client_message *message, uint8_t *buffer, size_t capacity,
                          size_t *ret_length)
{
    struct client_scratch scratch;
    if (!message_to_wire(message, &scratch)) {
        return STATUS_OVERSIZED;
    }
    return wire_pack(&client_schema, &scratch.frame.base, buffer, capacity, ret_length);
}
