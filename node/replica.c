/*
 * replica: time, timers, and the step loop that carries out consensus effects in order (see
 * replica.h and replica_state.h).
 *
 * A step's effects may ask for a block to be checked or built; the answer is known at once or when
 * missing batches have come. Either way it is queued and stepped after the running list is done,
 * because pointers inside effects live only until the next step.
 */
#include "node/replica.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "node/replica_state.h"

void replica_log(struct replica *replica, const char *level, const char *event, const char *format,
                 ...)
{
    char fields[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(fields, sizeof fields, format, arguments);
    va_end(arguments);
    replica->io.log(replica->io.context, level, event, fields);
}

void replica_alarm(struct replica *replica, const char *text, bool raised)
{
    uint32_t i = 0;
    while (i < replica->alarm_count && strcmp(replica->alarms[i], text) != 0) {
        i++;
    }
    if (raised && i == replica->alarm_count && i < ALARMS_MAX) {
        replica->alarms[replica->alarm_count++] = text;
        replica_log(replica, "error", "alarm", "text=\"%s\"", text);
    } else if (!raised && i < replica->alarm_count) {
        replica->alarms[i] = replica->alarms[--replica->alarm_count];
    }
}

void replica_refuse_batches(struct replica *replica, bool refuse)
{
    replica->refuse_batches = refuse;
}

const char *replica_alarm_text(enum alarm alarm)
{
    switch (alarm) {
    case ALARM_SAFETY_CERTIFICATES:
        return "two certificates exist that cannot both be: more than f validators are faulty";
    case ALARM_SAFETY_CHAIN:
        return "a finalized chain does not contain this node's last final block";
    case ALARM_DIVERGED:
        return "own execution differs from a block that the network agreed on";
    case ALARM_INVALID_PROPOSAL:
        return "a leader proposed a block that fails a check";
    case ALARM_REGISTER_BEHIND:
        return "a peer shows a signature of this node beyond its vote register";
    case ALARM_EVIDENCE:
        return "a validator signed two conflicting votes";
    }
    return "an unknown alarm";
}

static void persist_vote(struct replica *replica, const struct vote *vote)
{
    uint8_t key[KEY_VIEW_BYTES];
    uint8_t row[ROW_VOTE_BYTES];
    key_view(vote->epoch, vote->view, vote->kind, key);
    row_vote_encode(vote, row);
    replica->io.put(replica->io.context, STORE_VOTES, key, sizeof key, row, sizeof row);
}

static void persist_certificate(struct replica *replica, const struct certificate *certificate)
{
    uint8_t key[KEY_VIEW_BYTES];
    uint8_t row[ROW_CERTIFICATE_BYTES_MAX];
    key_view(certificate->epoch, certificate->view, certificate->kind, key);
    size_t length = row_certificate_encode(certificate, row);
    replica->io.put(replica->io.context, STORE_CERTIFICATES, key, sizeof key, row, length);
}

/* The mark is durable: whatever was contradictory must be looked at by people before this node
   votes again. */
static void halt(struct replica *replica, enum alarm alarm)
{
    replica_incarnation_halt(replica, alarm);
    replica_alarm(replica, replica_alarm_text(alarm), true);
    replica_log(replica, "error", "halted", "why=\"%s\"", replica_alarm_text(alarm));
}

static void commit_block(struct replica *replica, const struct effect *effect)
{
    replica_blocks_commit(replica, &effect->commit.block_hash, effect->commit.finalization);
    replica_prune(replica);
    replica->tell_followers = true;
    /* At the end of an epoch the rest of this step still speaks of its validators: the table
       follows when the machine does. */
    if (ledger_epoch(replica->ledger) == replica->set.epoch) {
        replica_epoch_peers(replica);
    }
    replica_sync_feed(replica);
}

static void carry_out(struct replica *replica, const struct effect *effect)
{
    const uint32_t peer = replica_peer_of(replica, effect->peer);
    switch (effect->kind) {
    case EFFECT_PERSIST_VOTE:
        persist_vote(replica, effect->vote);
        return;
    case EFFECT_PERSIST_CERTIFICATE:
        persist_certificate(replica, effect->certificate);
        return;
    case EFFECT_PERSIST_BLOCK:
        replica_blocks_persist(replica, &effect->block_hash);
        return;
    case EFFECT_WRITE_REGISTER:
        replica_rejoin_note(replica, effect->vote_register);
        replica->registers[replica->own_key] = *effect->vote_register;
        replica->io.register_write(replica->io.context, &replica->config.keys[replica->own_key].key,
                                   effect->vote_register);
        return;
    case EFFECT_SEND_VOTE:
        replica_send_vote(replica, peer, effect->vote);
        return;
    case EFFECT_SEND_CERTIFICATE:
        replica_send_certificate(replica, peer, effect->certificate);
        return;
    case EFFECT_SEND_PROPOSAL:
        replica_send_proposal(replica, peer, effect->proposal);
        return;
    case EFFECT_SEND_STATUS:
        replica_send_status(replica, peer, effect->status);
        return;
    case EFFECT_REQUEST_CERTIFICATES:
        replica_sync_request_certificates(replica, peer, effect->certificates.from_view,
                                          effect->certificates.to_view);
        return;
    case EFFECT_REQUEST_BLOCKS:
        replica_sync_request_blocks(replica, peer, effect->from_height);
        return;
    case EFFECT_CHECK_BLOCK:
        replica_blocks_check(replica, &effect->block_hash, peer);
        return;
    case EFFECT_BUILD_BLOCK:
        replica_blocks_build(replica, effect);
        return;
    case EFFECT_COMMIT:
        commit_block(replica, effect);
        return;
    case EFFECT_EVIDENCE:
        replica_evidence_found(replica, effect->evidence);
        return;
    case EFFECT_CONFLICT:
        replica_evidence_conflict(replica, effect->conflict.first, effect->conflict.second);
        return;
    case EFFECT_HALT:
        halt(replica, effect->alarm);
        return;
    case EFFECT_ALARM:
        replica_alarm(replica, replica_alarm_text(effect->alarm), true);
        return;
    }
}

void replica_carry_out(struct replica *replica)
{
    for (uint32_t i = 0; i < replica->effects.count; i++) {
        carry_out(replica, &replica->effects.list[i]);
    }
}

void replica_answer(struct replica *replica, const struct event *answer)
{
    CHECK(replica->answer_count < ANSWERS_MAX);
    uint32_t place = (replica->answer_first + replica->answer_count++) % ANSWERS_MAX;
    replica->answers[place] = *answer;
}

void replica_answer_checked(struct replica *replica, const struct hash *hash,
                            enum block_check check)
{
    struct event answer = {.kind = EVENT_BLOCK_CHECKED};
    answer.checked.hash = *hash;
    answer.checked.check = check;
    const struct open_block *block = replica_open_find(replica, hash);
    if (block != NULL) {
        answer.checked.block = replica_block_summary(&block->header, &block->hash);
    }
    replica_answer(replica, &answer);
}

static void step_once(struct replica *replica, struct event *event)
{
    event->now_ms = replica->now_ms;
    event->monotonic_ms = replica->monotonic_ms;
    consensus_step(replica->consensus, event, &replica->effects);
    replica_carry_out(replica);
    replica_epoch_settle(replica);
}

static void drain_answers(struct replica *replica)
{
    while (replica->answer_count > 0) {
        struct event answer = replica->answers[replica->answer_first];
        replica->answer_first = (replica->answer_first + 1) % ANSWERS_MAX;
        replica->answer_count--;
        step_once(replica, &answer);
    }
}

void replica_step(struct replica *replica, struct event *event)
{
    CHECK(!replica->stepping);
    replica->stepping = true;
    drain_answers(replica);
    step_once(replica, event);
    drain_answers(replica);
    replica->stepping = false;
}

void replica_update_work(struct replica *replica)
{
    /* As a block built now would have it: a clock behind the chain's makes no work. */
    uint64_t after_final = replica->final_header.timestamp_ms + 1;
    uint64_t timestamp = replica->now_ms > after_final ? replica->now_ms : after_final;
    struct pool_terms terms = {.monotonic_ms = replica->monotonic_ms,
                               .timestamp_ms = timestamp,
                               .quorum = replica->validators->quorum,
                               .delta_ms = replica->genesis->delta_ms,
                               .records_max = replica->records_max};
    replica->work_next_ms = UINT64_MAX;
    bool work = pool_has_work(replica->pool, &terms, &replica->work_next_ms) ||
                ledger_time_due(replica->ledger, timestamp);
    if (work != replica->had_work && !replica->stepping) {
        replica->had_work = work;
        struct event event = {.kind = EVENT_WORK, .has_work = work};
        replica_step(replica, &event);
    }
}

void replica_time(struct replica *replica, uint64_t now_ms, uint64_t monotonic_ms)
{
    replica->now_ms = now_ms;
    CHECK(monotonic_ms >= replica->monotonic_ms);
    replica->monotonic_ms = monotonic_ms;
}

void replica_peer_up(struct replica *replica, uint32_t peer)
{
    CHECK(peer < LIMIT_PEERS);
    const uint32_t validator = replica_validator_of(replica, peer);
    replica->peers[peer].up = true;
    replica->peers_high = peer < replica->peers_high ? replica->peers_high : peer + 1;
    replica->peers[peer].heard = false;
    replica->peers[peer].heard_ms = replica->monotonic_ms;
    if (validator == PEER_NONE) {
        replica_sync_tell(replica, peer);
        return;
    }
    struct event event = {.kind = EVENT_PEER_UP, .peer = validator};
    replica_step(replica, &event);
    replica_batches_peer_up(replica, peer);
}

void replica_peer_down(struct replica *replica, uint32_t peer)
{
    CHECK(peer < LIMIT_PEERS);
    const uint32_t validator = replica_validator_of(replica, peer);
    replica->peers[peer].up = false;
    replica->peers[peer].heard = false;
    replica->peers[peer].final_height = 0;
    if (validator != PEER_NONE) {
        struct event event = {.kind = EVENT_PEER_DOWN, .peer = validator};
        replica_step(replica, &event);
    }
}

void replica_tick(struct replica *replica)
{
    struct event event = {.kind = EVENT_TICK};
    replica_step(replica, &event);
    replica_blocks_retry(replica);
    replica_batches_fetch(replica);
    replica_clients_tick(replica);
    if (replica->monotonic_ms >= replica->housekeeping_ms) {
        replica->housekeeping_ms = replica->monotonic_ms + HOUSEKEEPING_MS;
        replica_batches_housekeep(replica);
        replica_sync_feed(replica);
        replica_sync_chase(replica);
        replica_evidence_tick(replica);
        replica_ready_tick(replica);
        replica->tell_followers = true;
    }
    replica_pass_end(replica);
}

void replica_pass_end(struct replica *replica)
{
    /* Work first: it may build a block, which takes in nothing but announces what came before. */
    replica_update_work(replica);
    CHECK(!replica->stepping);
    replica->stepping = true;
    drain_answers(replica);
    replica->stepping = false;
    replica_batches_announce(replica);
    if (replica->tell_followers) {
        replica->tell_followers = false;
        replica_sync_tell_followers(replica);
    }
}

static uint64_t least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

uint64_t replica_next_deadline(const struct replica *replica)
{
    uint64_t deadline = least(consensus_next_deadline(replica->consensus), replica->work_next_ms);
    deadline = least(deadline, replica->housekeeping_ms);
    deadline = least(deadline, replica_blocks_deadline(replica));
    deadline = least(deadline, replica_batches_deadline(replica));
    return least(deadline, replica_clients_deadline(replica));
}

void replica_inspect(const struct replica *replica, struct replica_view *ret_view)
{
    *ret_view = replica->counters;
    consensus_inspect(replica->consensus, &ret_view->consensus);
    ret_view->own_index = replica->own_index;
    ret_view->validator_count = replica->validators->count;
    ret_view->pool_batches = pool_count(replica->pool);
    ret_view->pool_bytes = pool_bytes(replica->pool);
    ret_view->total_records = replica->final_header.total_records;
    ret_view->sessions = replica->session_count;
}
