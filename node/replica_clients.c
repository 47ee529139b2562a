/*
 * replica_clients: participants and operators (docs/transport.md, Client protocol): a submitted
 * batch is Accepted when f+1 validators hold it durably, an awaited one answered with a receipt
 * when it is final. Re-submitting is always safe, so a client that lost its link just asks again.
 */
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "node/replica_state.h"

#define AWAIT_MS_MAX 60000u
#define ACCEPT_MS_MAX 60000u
#define BUSY_RETRY_MS 200u

static void reply(struct replica *replica, uint64_t session, const struct client_message *message)
{
    size_t length;
    CHECK(client_encode(message, replica->frame, LIMIT_FRAME_BYTES, &length) == STATUS_OK);
    replica->io.reply(replica->io.context, session, replica->frame, length);
}

static void reply_refused(struct replica *replica, uint64_t session, uint64_t request,
                          enum status code, const char *field, const char *sentence)
{
    struct client_message message = {
        .kind = CLIENT_REFUSED,
        .request = request,
        .refused = {.code = code, .field = field == NULL ? "" : field, .sentence = sentence}};
    reply(replica, session, &message);
}

static void reply_busy(struct replica *replica, uint64_t session, uint64_t request)
{
    struct client_message busy = {
        .kind = CLIENT_BUSY, .request = request, .busy = {.retry_ms = BUSY_RETRY_MS}};
    reply(replica, session, &busy);
}

/* What is wrong and what to do, for the refusals that a submitter can cause. */
static const char *refusal_sentence(enum status code)
{
    static const struct {
        enum status code;
        const char *sentence;
    } sentences[] = {
        {STATUS_WRONG_CHAIN,
         "the batch is signed for another chain: use this network's genesis.json"},
        {STATUS_BAD_SIGNATURE, "the batch is not signed by the participant's key of that number: "
                               "check the key file and key_no of the profile"},
        {STATUS_BAD_HASH,
         "the records do not match records_root in the signed header: build the batch again"},
        {STATUS_EXPIRED, "expires_ms of the batch is past: sign it again with a new time"},
        {STATUS_TOO_EARLY,
         "created_ms is more than an hour ahead of this node's clock: set the clock"},
        {STATUS_DENIED, "this participant has no such key that may submit records: check "
                        "participant and key_no"},
        {STATUS_OVERSIZED, "the batch is too large: at most 8,192 records each, and at most "
                           "block_records of genesis.json"},
    };
    for (size_t i = 0; i < sizeof sentences / sizeof sentences[0]; i++) {
        if (sentences[i].code == code) {
            return sentences[i].sentence;
        }
    }
    return status_text(code);
}

static uint32_t accepted_quorum(const struct replica *replica)
{
    return replica->validators->faulty_max + 1;
}

static void reply_accepted(struct replica *replica, uint64_t session, uint64_t request,
                           const struct hash *id, uint32_t holders)
{
    struct client_message message = {.kind = CLIENT_ACCEPTED,
                                     .request = request,
                                     .accepted = {.batch_id = *id, .validators_holding = holders}};
    reply(replica, session, &message);
}

static struct session *session_find(struct replica *replica, uint64_t id)
{
    for (uint32_t i = 0; i < SESSIONS_MAX; i++) {
        if (replica->sessions[i].id == id) {
            return &replica->sessions[i];
        }
    }
    return NULL;
}

/* Whether this client may wait for one more answer: no client takes the places of the others. */
static bool may_wait(struct replica *replica, uint64_t session)
{
    const struct session *waiting = session_find(replica, session);
    return waiting != NULL && waiting->waiters < WAITERS_OF_ONE &&
           replica->waiter_count < WAITERS_MAX;
}

static void add_waiter(struct replica *replica, const struct waiter *waiter)
{
    uint32_t i = 0;
    while (i < replica->waiter_high && replica->waiters[i].used) {
        i++;
    }
    CHECK(i < WAITERS_MAX);
    replica->waiter_high = i == replica->waiter_high ? i + 1 : replica->waiter_high;
    replica->waiters[i] = *waiter;
    replica->waiters[i].used = true;
    replica->waiter_count++;
    session_find(replica, waiter->session)->waiters++;
}

static void end_waiter(struct replica *replica, struct waiter *waiter)
{
    struct session *session = session_find(replica, waiter->session);
    if (session != NULL) {
        session->waiters--;
    }
    waiter->used = false;
    replica->waiter_count--;
    while (replica->waiter_high > 0 && !replica->waiters[replica->waiter_high - 1].used) {
        replica->waiter_high--;
    }
}

/* The waiter after i (from -1) for this batch; NULL at the end. */
static struct waiter *next_waiter(struct replica *replica, const struct hash *id, int *i)
{
    while (++*i < (int)replica->waiter_high) {
        struct waiter *waiter = &replica->waiters[*i];
        if (waiter->used && hash_equal(&waiter->id, id)) {
            return waiter;
        }
    }
    return NULL;
}

static void submit(struct replica *replica, uint64_t session, uint64_t request,
                   const struct client_submit *message)
{
    struct hash id;
    const char *field = "";
    if (!replica_votes(replica)) {
        reply_refused(replica, session, request, STATUS_DENIED, "",
                      "this node does not vote, so it cannot make a batch safe: submit to a "
                      "validator's node");
        return;
    }
    enum status status = replica_batches_take(replica, message->batch.data, message->batch.length,
                                              UINT32_MAX, &id, &field);
    if (status == STATUS_BUSY || (status == STATUS_OK && !may_wait(replica, session))) {
        reply_busy(replica, session, request);
        return;
    }
    if (status != STATUS_OK) {
        replica->counters.batches_refused++;
        reply_refused(replica, session, request, status, field, refusal_sentence(status));
        return;
    }
    uint64_t height;
    uint32_t index;
    if (replica_batches_placed(replica, &id, &height, &index)) {
        reply_accepted(replica, session, request, &id, replica->validators->quorum);
        return;
    }
    add_waiter(replica, &(struct waiter){.what = WAIT_ACCEPTED,
                                         .session = session,
                                         .request = request,
                                         .id = id,
                                         .deadline_ms = replica->monotonic_ms + ACCEPT_MS_MAX});
    const struct pool_batch *held = pool_find(replica->pool, &id);
    if (held != NULL) {
        replica_clients_held(replica, held);
    }
}

void replica_clients_refused(struct replica *replica, const struct hash *id, enum status status)
{
    int i = -1;
    struct waiter *waiter;
    while ((waiter = next_waiter(replica, id, &i)) != NULL) {
        if (waiter->what != WAIT_ACCEPTED) {
            continue;
        }
        if (status == STATUS_BUSY) {
            reply_busy(replica, waiter->session, waiter->request);
        } else {
            reply_refused(replica, waiter->session, waiter->request, status, "signature",
                          refusal_sentence(status));
        }
        end_waiter(replica, waiter);
    }
}

void replica_clients_held(struct replica *replica, const struct pool_batch *batch)
{
    if (batch->holder_count < accepted_quorum(replica)) {
        return;
    }
    int i = -1;
    struct waiter *waiter;
    while ((waiter = next_waiter(replica, &batch->id, &i)) != NULL) {
        if (waiter->what == WAIT_ACCEPTED) {
            reply_accepted(replica, waiter->session, waiter->request, &batch->id,
                           batch->holder_count);
            end_waiter(replica, waiter);
        }
    }
}

static enum status reply_receipt(struct replica *replica, uint64_t session, uint64_t request,
                                 uint64_t height, uint32_t index)
{
    struct receipt_parts parts;
    struct client_message message = {.kind = CLIENT_RECEIPT, .request = request};
    const enum status status = replica_receipt(replica, height, index, &parts, &message.receipt);
    if (status == STATUS_OK) {
        reply(replica, session, &message);
    }
    return status;
}

static void reply_final(struct replica *replica, uint64_t session, uint64_t request,
                        const struct hash *id)
{
    uint64_t height;
    uint32_t index;
    enum status status = STATUS_NOT_FOUND;
    if (replica_batches_placed(replica, id, &height, &index)) {
        status = reply_receipt(replica, session, request, height, index);
    }
    if (status != STATUS_OK) {
        reply_refused(replica, session, request, status, "batch_id", status_text(status));
    }
}

static enum client_batch_state state_of(struct replica *replica, const struct hash *id)
{
    const struct pool_batch *batch = pool_find(replica->pool, id);
    if (batch == NULL) {
        return CLIENT_BATCH_UNKNOWN;
    }
    if (replica_open_names(replica, id)) {
        return CLIENT_BATCH_PROPOSED;
    }
    return batch->holder_count >= accepted_quorum(replica) ? CLIENT_BATCH_ACCEPTED
                                                           : CLIENT_BATCH_POOLED;
}

static void reply_pending(struct replica *replica, uint64_t session, uint64_t request,
                          const struct hash *id)
{
    struct client_message message = {
        .kind = CLIENT_PENDING, .request = request, .pending = {.state = state_of(replica, id)}};
    reply(replica, session, &message);
}

static void await(struct replica *replica, uint64_t session, uint64_t request,
                  const struct client_await *message)
{
    uint64_t height;
    uint32_t index;
    if (replica_batches_placed(replica, &message->batch_id, &height, &index)) {
        reply_final(replica, session, request, &message->batch_id);
        return;
    }
    uint32_t wait_ms = message->wait_ms < AWAIT_MS_MAX ? message->wait_ms : AWAIT_MS_MAX;
    if (wait_ms == 0 || !may_wait(replica, session)) {
        reply_pending(replica, session, request, &message->batch_id);
        return;
    }
    add_waiter(replica, &(struct waiter){.what = WAIT_FINAL,
                                         .session = session,
                                         .request = request,
                                         .id = message->batch_id,
                                         .deadline_ms = replica->monotonic_ms + wait_ms});
}

void replica_clients_final(struct replica *replica, const struct hash *id)
{
    int i = -1;
    struct waiter *waiter;
    while ((waiter = next_waiter(replica, id, &i)) != NULL) {
        if (waiter->what == WAIT_ACCEPTED) {
            reply_accepted(replica, waiter->session, waiter->request, id,
                           replica->validators->quorum);
        } else {
            reply_final(replica, waiter->session, waiter->request, id);
        }
        end_waiter(replica, waiter);
    }
}

void replica_clients_expired(struct replica *replica, const struct hash *id)
{
    int i = -1;
    struct waiter *waiter;
    while ((waiter = next_waiter(replica, id, &i)) != NULL) {
        struct client_message message = {.kind = CLIENT_EXPIRED, .request = waiter->request};
        reply(replica, waiter->session, &message);
        end_waiter(replica, waiter);
    }
}

void replica_clients_tick(struct replica *replica)
{
    for (uint32_t i = 0; i < replica->waiter_high; i++) {
        struct waiter *waiter = &replica->waiters[i];
        if (!waiter->used || waiter->deadline_ms > replica->monotonic_ms) {
            continue;
        }
        if (waiter->what == WAIT_FINAL) {
            reply_pending(replica, waiter->session, waiter->request, &waiter->id);
        } else {
            /* Stored here, but too few others have answered: the client may simply send it again.
             */
            reply_busy(replica, waiter->session, waiter->request);
        }
        end_waiter(replica, waiter);
    }
}

uint64_t replica_clients_deadline(const struct replica *replica)
{
    uint64_t deadline = UINT64_MAX;
    for (uint32_t i = 0; i < replica->waiter_high; i++) {
        if (replica->waiters[i].used && replica->waiters[i].deadline_ms < deadline) {
            deadline = replica->waiters[i].deadline_ms;
        }
    }
    return deadline;
}

#define COUNTERS 48
static uint32_t fill_counters(const struct replica *replica, const struct consensus_view *view,
                              struct client_counter ret_counters[COUNTERS])
{
    const struct replica_view *counters = &replica->counters;
    const struct client_counter all[] = {
        {"total_records", replica->final_header.total_records},
        {"blocks_committed", view->blocks_committed},
        {"blocks_built", counters->blocks_built},
        {"blocks_checked", counters->blocks_checked},
        {"blocks_invalid", counters->blocks_invalid},
        {"batches_accepted", counters->batches_accepted},
        {"batches_refused", counters->batches_refused},
        {"timeouts", view->timeouts},
        {"nullifications", view->nullifications},
        {"reproposals", view->reproposals},
        {"evidence", view->evidence_count},
        {"sessions", replica->session_count},
        {"validators_missing", view->missing},
        {"register_epoch", view->register_epoch},
        {"register_view", view->register_view},
        {"sign_floor_epoch", view->floor_epoch},
        {"sign_floor_view", view->floor_view},
        {"may_sign", view->may_sign},
        {"halted", view->halted},
        {"peer_frames_ignored", counters->peer_frames_ignored},
        {"evidence_refused", counters->evidence_refused},
    };
    const uint32_t own = sizeof all / sizeof all[0];
    _Static_assert(sizeof all / sizeof all[0] <= COUNTERS, "all counters fit");
    memcpy(ret_counters, all, sizeof all);
    return own + replica->io.counters(replica->io.context, COUNTERS - own, ret_counters + own);
}

/* A validator's name, or what this node is instead. */
static const char *role_of(const struct replica *replica)
{
    const struct peer_entry *own =
        replica->table.own == PEER_NONE ? NULL : &replica->table.slots[replica->table.own];
    if (replica_votes(replica)) {
        return own == NULL ? "validator" : own->name;
    }
    if (replica->config.key_count == 0) {
        return "observer";
    }
    if (!replica_incarnation_is_newest(replica)) {
        return "behind"; /* the incarnation in which it may vote */
    }
    return own != NULL && own->kind == PEER_FORMER      ? "removed"
           : own != NULL && own->kind == PEER_CANDIDATE ? "candidate"
                                                        : "standby";
}

/* What a validator last said of its final height. */
static uint64_t height_of(const struct replica *replica, uint32_t peer)
{
    return replica_is_own(replica, peer) ? replica->final.height
                                         : replica->peers[peer].final_height;
}

/* Into the replica's list, which the answer borrows. */
static void gather_metrics(struct replica *replica, const struct consensus_view *view)
{
    struct metric_validator validators[LIMIT_VALIDATORS];
    struct metric_list *metrics = &replica->metrics;
    for (uint32_t i = 0; i < replica->validators->count; i++) {
        const uint32_t peer = replica_peer_of(replica, i);
        validators[i] = (struct metric_validator){.name = replica->table.slots[peer].name,
                                                  .height = height_of(replica, peer)};
    }
    metrics->count = 0;
    metrics->text_used = 0;
    metric_add(metrics, "height", replica->final.height, "%s", "");
    metric_add(metrics, "epoch", view->epoch, "%s", "");
    metric_add(metrics, "view", view->view, "%s", "");
    metric_add(metrics, "delta_ms", view->delta_ms, "%s", "");
    metric_add(metrics, "pool_batches", pool_count(replica->pool), "%s", "");
    metric_add(metrics, "pool_bytes", pool_bytes(replica->pool), "%s", "");
    metric_add_consensus(metrics, replica->consensus, validators, replica->validators->count);
    if (replica->io.metrics != NULL) {
        replica->io.metrics(replica->io.context, metrics);
    }
}

static void node_status(struct replica *replica, uint64_t session, uint64_t request)
{
    struct client_peer peers[LIMIT_VALIDATORS];
    struct client_counter counters[COUNTERS];
    struct consensus_view view;
    consensus_inspect(replica->consensus, &view);
    for (uint32_t i = 0; i < replica->validators->count; i++) {
        const uint32_t peer = replica_peer_of(replica, i);
        bool own = replica_is_own(replica, peer);
        const struct consensus_peer said = consensus_peer(replica->consensus, i);
        peers[i] = (struct client_peer){.index = i,
                                        .name = replica->table.slots[peer].name,
                                        .connected = own || replica->peers[peer].up,
                                        .height = height_of(replica, peer),
                                        .view = said.view,
                                        .silent_ms = said.silent_ms};
    }
    gather_metrics(replica, &view);
    struct client_message message = {
        .kind = CLIENT_STATUS_REPORT,
        .request = request,
        .status_report = {.height = replica->final.height,
                          .final_hash = replica->final.hash,
                          .state_root = replica->final_header.state_root,
                          .epoch = view.epoch,
                          .view = view.view,
                          .leader = view.leader,
                          .role = role_of(replica),
                          .delta_ms = view.delta_ms,
                          .pool_batches = pool_count(replica->pool),
                          .pool_bytes = pool_bytes(replica->pool),
                          .uptime_ms = replica->monotonic_ms - replica->started_ms,
                          .peers = peers,
                          .peer_count = replica->validators->count,
                          .alarms = replica->alarms,
                          .alarm_count = replica->alarm_count,
                          .counters = counters,
                          .counter_count = fill_counters(replica, &view, counters),
                          .metrics = replica->metrics.list,
                          .metric_count = replica->metrics.count}};
    reply(replica, session, &message);
}

void replica_client_up(struct replica *replica, uint64_t session, enum client_role role,
                       uint32_t participant)
{
    struct session *place = session_find(replica, 0);
    if (place != NULL) {
        *place = (struct session){.id = session, .role = role, .participant = participant};
        replica->session_count++;
    }
}

void replica_client_down(struct replica *replica, uint64_t session)
{
    struct session *place = session_find(replica, session);
    if (place == NULL) {
        return;
    }
    place->id = 0;
    replica->session_count--;
    for (uint32_t i = 0; i < replica->waiter_high; i++) {
        if (replica->waiters[i].used && replica->waiters[i].session == session) {
            end_waiter(replica, &replica->waiters[i]);
        }
    }
}

enum status replica_client_frame(struct replica *replica, uint64_t session, const uint8_t *frame,
                                 size_t length)
{
    struct arena arena = arena_over(replica->decode, CLIENT_REQUEST_ARENA_BYTES);
    struct client_message message;
    const char *what = NULL;
    enum status status = client_decode(frame, length, &arena, LIMIT_VALIDATORS, &message, &what);
    if (status == STATUS_OK && !client_kind_is_request(message.kind)) {
        status = STATUS_MALFORMED;
        what = client_message_name(message.kind);
    }
    if (status != STATUS_OK) {
        replica_log(replica, "warn", "client_frame_refused", "what=%s why=%s",
                    what == NULL ? "frame" : what, status_name(status));
        return status;
    }
    if (session_find(replica, session) == NULL) {
        reply_refused(replica, session, message.request, STATUS_BUSY, "",
                      "too many clients are connected to this node: try again later");
        return STATUS_OK;
    }
    if (message.kind == CLIENT_SUBMIT) {
        submit(replica, session, message.request, &message.submit);
    } else if (message.kind == CLIENT_AWAIT) {
        await(replica, session, message.request, &message.await);
    } else if (message.kind == CLIENT_NODE_STATUS) {
        node_status(replica, session, message.request);
    } else {
        reply_refused(replica, session, message.request, STATUS_DENIED, "kind",
                      "this node does not serve subscriptions: follow the ledger with 'hefu tail'");
    }
    return STATUS_OK;
}
