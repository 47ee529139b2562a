/*
 * replica: opening, time and timers, and the step loop that carries out consensus effects in
 * order (see replica.h and replica_state.h).
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

/* Certificates behind F.view that are kept besides finalizations and nullifications. */
#define VIEWS_KEPT 1024
#define RECOVERED_MAX 8192

bool replica_is_own(const struct replica *replica, uint32_t peer)
{
    return replica->config.own_index == peer;
}

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

static const char *alarm_text(enum alarm alarm)
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

/* Evidence is stored first, then shared. */
static void take_evidence(struct replica *replica, const struct evidence *evidence)
{
    uint8_t key[KEY_VIEW_BYTES + 4];
    uint8_t row[2 * ROW_VOTE_BYTES];
    key_view(evidence->first.epoch, evidence->first.view, evidence->first.kind, key);
    put_be32(key + KEY_VIEW_BYTES, evidence->first.signer);
    row_vote_encode(&evidence->first, row);
    row_vote_encode(&evidence->second, row + ROW_VOTE_BYTES);
    replica->io.put(replica->io.context, STORE_EVIDENCE, key, sizeof key, row, sizeof row);
    replica_send_evidence(replica, evidence);
    replica_log(replica, "error", "evidence", "validator=%u view=%" PRIu64, evidence->first.signer,
                evidence->first.view);
}

static void commit_block(struct replica *replica, const struct effect *effect)
{
    replica_blocks_commit(replica, &effect->commit.block_hash, effect->commit.finalization);
    /* Votes and notarizations this far behind serve nobody. */
    if (replica->final.view > VIEWS_KEPT) {
        uint8_t key[KEY_VIEW_BYTES];
        uint64_t view = replica->final.view - VIEWS_KEPT;
        key_view(replica->final.epoch, view, VOTE_NOTARIZE, key);
        replica->io.del(replica->io.context, STORE_CERTIFICATES, key, sizeof key);
        for (enum vote_kind kind = VOTE_NOTARIZE; kind <= VOTE_FINALIZE; kind++) {
            key_view(replica->final.epoch, view, kind, key);
            replica->io.del(replica->io.context, STORE_VOTES, key, sizeof key);
        }
    }
    replica_sync_feed(replica);
}

static void carry_out(struct replica *replica, const struct effect *effect)
{
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
        replica->io.register_write(replica->io.context, effect->vote_register);
        return;
    case EFFECT_SEND_VOTE:
        replica_send_vote(replica, effect->peer, effect->vote);
        return;
    case EFFECT_SEND_CERTIFICATE:
        replica_send_certificate(replica, effect->peer, effect->certificate);
        return;
    case EFFECT_SEND_PROPOSAL:
        replica_send_proposal(replica, effect->peer, effect->proposal);
        return;
    case EFFECT_SEND_STATUS:
        replica_send_status(replica, effect->peer, effect->status);
        return;
    case EFFECT_REQUEST_CERTIFICATES:
        replica_sync_request_certificates(replica, effect->peer, effect->certificates.from_view,
                                          effect->certificates.to_view);
        return;
    case EFFECT_REQUEST_BLOCKS:
        replica_sync_request_blocks(replica, effect->peer, effect->from_height);
        return;
    case EFFECT_CHECK_BLOCK:
        replica_blocks_check(replica, &effect->block_hash, effect->peer);
        return;
    case EFFECT_BUILD_BLOCK:
        replica_blocks_build(replica, effect);
        return;
    case EFFECT_COMMIT:
        commit_block(replica, effect);
        return;
    case EFFECT_EVIDENCE:
        take_evidence(replica, effect->evidence);
        return;
    case EFFECT_ALARM:
    case EFFECT_HALT:
        replica_alarm(replica, alarm_text(effect->alarm), true);
        return;
    }
}

static void carry_out_all(struct replica *replica)
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
    carry_out_all(replica);
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
    struct pool_terms terms = {.monotonic_ms = replica->monotonic_ms,
                               .timestamp_ms = replica->now_ms,
                               .quorum = replica->validators->quorum,
                               .delta_ms = replica->config.genesis->delta_ms,
                               .records_max = replica->records_max};
    replica->work_next_ms = UINT64_MAX;
    bool work = pool_has_work(replica->pool, &terms, &replica->work_next_ms) ||
                ledger_time_due(replica->ledger, replica->now_ms);
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
    replica->peers[peer].up = true;
    replica->peers[peer].heard_ms = replica->monotonic_ms;
    struct event event = {.kind = EVENT_PEER_UP, .peer = peer};
    replica_step(replica, &event);
    replica_batches_peer_up(replica, peer);
}

void replica_peer_down(struct replica *replica, uint32_t peer)
{
    replica->peers[peer].up = false;
    struct event event = {.kind = EVENT_PEER_DOWN, .peer = peer};
    replica_step(replica, &event);
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
    ret_view->pool_batches = pool_count(replica->pool);
    ret_view->pool_bytes = pool_bytes(replica->pool);
    ret_view->total_records = replica->final_header.total_records;
    ret_view->sessions = replica->session_count;
}

/* --- Opening ---------------------------------------------------------------------------------- */

static void sign(void *context, const uint8_t preimage[VOTE_PREIMAGE_BYTES],
                 struct signature *ret_signature)
{
    struct replica *replica = context;
    replica->io.sign(replica->io.context, preimage, ret_signature);
}

static bool verify(void *context, const struct public_key *key,
                   const uint8_t preimage[VOTE_PREIMAGE_BYTES], const struct signature *signature)
{
    struct replica *replica = context;
    return replica->io.verify(replica->io.context, key, preimage, VOTE_PREIMAGE_BYTES, signature);
}

static bool chain_get(void *context, unsigned table, const void *key, size_t key_length,
                      struct span *ret_value)
{
    struct replica *replica = context;
    return replica->io.get(replica->io.context, (enum store_table)table, key, key_length,
                           ret_value);
}

static void *zeroed(size_t size)
{
    size_t rounded = (size + 63) & ~(size_t)63;
    void *memory = aligned_alloc(64, rounded);
    CHECK(memory != NULL);
    memset(memory, 0, rounded);
    return memory;
}

static enum status write_genesis(struct replica *replica)
{
    const struct ledger_outcome *outcome = ledger_genesis_outcome(replica->ledger);
    uint8_t row[ROW_BLOCK_BYTES_MAX];
    uint8_t key[8] = {0};
    for (uint32_t i = 0; i < outcome->write_count; i++) {
        const struct ledger_write *write = &outcome->writes[i];
        replica->io.put(replica->io.context, (enum store_table)write->table, write->key,
                        write->key_length, write->value, write->value_length);
    }
    size_t length = row_block_encode(&outcome->header, NULL, NULL, row);
    replica->io.put(replica->io.context, STORE_BLOCKS, key, sizeof key, row, length);
    replica->final = (struct final_point){
        .height = 0, .epoch = replica->validators->epoch, .view = 0, .hash = outcome->block_hash};
    replica->final_header = outcome->header;
    uint8_t final_row[ROW_FINAL_BYTES];
    row_final_encode(&replica->final, final_row);
    replica->io.put(replica->io.context, STORE_META, "final", 5, final_row, sizeof final_row);
    replica->io.put(replica->io.context, STORE_META, "chain_id", 8, replica->chain_id.bytes,
                    HASH_BYTES);
    return STATUS_OK;
}

static enum status load_ledger(struct replica *replica, const char **ret_what)
{
    *ret_what = "a row of the ledger's tables";
    for (unsigned table = 1; table < LEDGER_TABLE_COUNT; table++) {
        if (!ledger_table_is_resident((enum ledger_table)table)) {
            continue;
        }
        uint8_t from[512] = {0};
        size_t from_length = 0;
        struct span key;
        struct span value;
        while (replica->io.seek(replica->io.context, (enum store_table)table, from, from_length,
                                &key, &value)) {
            CHECK(key.length < sizeof from);
            /* The next key is at least this one with a zero byte behind it. */
            memcpy(from, key.data, key.length);
            from[key.length] = 0;
            from_length = key.length + 1;
            struct span copy = {.data = from, .length = key.length};
            if (ledger_load_row(replica->ledger, (enum ledger_table)table, copy, value) !=
                STATUS_OK) {
                return STATUS_CORRUPT;
            }
        }
    }
    return ledger_load_done(replica->ledger, &replica->final_header, ret_what);
}

static enum status load_state(struct replica *replica, const char **ret_what)
{
    struct span row;
    *ret_what = "the final point";
    if (chain_final(&replica->chain, &replica->final) != STATUS_OK) {
        return STATUS_CORRUPT;
    }
    if (!replica->io.get(replica->io.context, STORE_META, "chain_id", 8, &row) ||
        row.length != HASH_BYTES) {
        *ret_what = "the chain id";
        return STATUS_CORRUPT;
    }
    if (memcmp(row.data, replica->chain_id.bytes, HASH_BYTES) != 0) {
        *ret_what = "this data directory belongs to another genesis.json";
        return STATUS_WRONG_CHAIN;
    }
    const struct block_row *block;
    *ret_what = "the last final block";
    if (chain_block(&replica->chain, replica->final.height, &block) != STATUS_OK ||
        !hash_equal(&block->hash, &replica->final.hash)) {
        return STATUS_CORRUPT;
    }
    replica->final_header = block->header;
    return load_ledger(replica, ret_what);
}

/* Rows of one epoch above F.view: up to max of them, from the newest view down is not needed: the
   table holds few, since every final block moves F.view. */
static uint32_t recover_votes(struct replica *replica, struct vote *ret_votes, uint32_t max)
{
    uint8_t from[KEY_VIEW_BYTES];
    struct span key;
    struct span value;
    uint32_t count = 0;
    key_view(replica->final.epoch, replica->final.view + 1, VOTE_NOTARIZE, from);
    while (count < max &&
           replica->io.seek(replica->io.context, STORE_VOTES, from, sizeof from, &key, &value)) {
        memcpy(from, key.data, sizeof from);
        from[16]++;
        if (row_vote_decode(value, &ret_votes[count]) == STATUS_OK) {
            count++;
        }
    }
    return count;
}

static uint32_t recover_certificates(struct replica *replica, struct certificate **ret_list,
                                     uint32_t max)
{
    uint8_t from[KEY_VIEW_BYTES];
    struct span key;
    struct span value;
    uint32_t count = 0;
    key_view(replica->final.epoch, replica->final.view + 1, VOTE_NOTARIZE, from);
    while (count < max && replica->io.seek(replica->io.context, STORE_CERTIFICATES, from,
                                           sizeof from, &key, &value)) {
        memcpy(from, key.data, sizeof from);
        from[16]++;
        struct certificate *certificate = calloc(1, sizeof *certificate);
        CHECK(certificate != NULL);
        if (row_certificate_decode(value, certificate) == STATUS_OK) {
            ret_list[count++] = certificate;
        } else {
            free(certificate);
        }
    }
    return count;
}

static uint32_t recover_open_blocks(struct replica *replica, struct consensus_block *ret_blocks)
{
    uint8_t from[HASH_BYTES] = {0};
    size_t from_length = 0;
    struct span key;
    struct span value;
    uint32_t count = 0;
    struct block_row *row = calloc(1, sizeof *row);
    CHECK(row != NULL);
    while (count < OPEN_BLOCKS_MAX &&
           replica->io.seek(replica->io.context, STORE_OPEN_BLOCKS, from, from_length, &key,
                            &value) &&
           key.length == HASH_BYTES) {
        memcpy(from, key.data, HASH_BYTES);
        from_length = HASH_BYTES;
        if (row_block_decode(value, row) == STATUS_OK &&
            row->header.height == replica->final.height + 1) {
            struct open_block *block =
                replica_open_add(replica, &row->header, row->batch_ids, 0);
            if (block != NULL) {
                block->durable = true;
                ret_blocks[count++] = replica_block_summary(&row->header, &row->hash);
            }
        }
        size_t i = HASH_BYTES;
        while (i > 0 && ++from[i - 1] == 0) {
            i--;
        }
        if (i == 0) {
            break;
        }
    }
    free(row);
    return count;
}

static enum status restore_consensus(struct replica *replica)
{
    struct vote *votes = calloc(RECOVERED_MAX, sizeof *votes);
    struct certificate **certificates = calloc(RECOVERED_MAX, sizeof *certificates);
    struct consensus_block open_blocks[OPEN_BLOCKS_MAX];
    CHECK(votes != NULL && certificates != NULL);
    const struct block_row *block;
    CHECK(chain_block(&replica->chain, replica->final.height, &block) == STATUS_OK);
    struct consensus_recovery recovery = {
        .final_block = replica_block_summary(&replica->final_header, &replica->final.hash),
        .final_view = replica->final.view,
        .finalization = block->has_finalization ? &block->finalization : NULL,
        .votes = votes,
        .vote_count = recover_votes(replica, votes, RECOVERED_MAX),
        .certificates = (const struct certificate *const *)certificates,
        .certificate_count = recover_certificates(replica, certificates, RECOVERED_MAX),
        .open_blocks = open_blocks,
        .open_block_count = recover_open_blocks(replica, open_blocks),
        .vote_register = replica->config.vote_register};
    replica->stepping = true;
    enum status status = consensus_restore(replica->consensus, &recovery, replica->now_ms,
                                           replica->monotonic_ms, &replica->effects);
    if (status == STATUS_OK) {
        carry_out_all(replica);
        drain_answers(replica);
    }
    replica->stepping = false;
    for (uint32_t i = 0; i < recovery.certificate_count; i++) {
        free(certificates[i]);
    }
    free(certificates);
    free(votes);
    return status;
}

static void make_machines(struct replica *replica)
{
    const struct genesis *genesis = replica->config.genesis;
    struct consensus_config config = {
        .chain_id = replica->chain_id,
        .epoch = replica->validators->epoch,
        .validators = replica->validators,
        .own_index = replica->config.own_index,
        .delta_ms = genesis->delta_ms,
        .block_interval_ms = genesis->block_interval_ms,
        .empty_interval_ms = genesis->empty_interval_ms,
        .crypto = {.context = replica, .sign = sign, .verify = verify}};
    replica->consensus =
        consensus_init(zeroed(consensus_footprint(replica->validators->count)), &config);
    replica->ledger = ledger_init(zeroed(ledger_footprint(genesis)), genesis, &replica->chain_id,
                                  &replica->validators->hash);
    replica->working_set = working_set_init(zeroed(working_set_footprint()));
    replica->pool = pool_new(replica->config.pool_bytes);
    replica->frame = malloc(LIMIT_FRAME_BYTES);
    replica->decode = zeroed(PEER_ARENA_BYTES);
    replica->catchup = calloc(CATCHUP_MAX, sizeof *replica->catchup);
    CHECK(replica->pool != NULL && replica->frame != NULL && replica->catchup != NULL);
}

static enum status open_state(struct replica *replica, const char **ret_what)
{
    struct span row;
    if (!replica->io.get(replica->io.context, STORE_META, "final", 5, &row)) {
        return write_genesis(replica);
    }
    return load_state(replica, ret_what);
}

enum status replica_open(const struct node_io *io, const struct replica_config *config,
                         uint64_t now_ms, uint64_t monotonic_ms, struct replica **ret_replica,
                         char *ret_error, size_t capacity)
{
    struct replica *replica = calloc(1, sizeof *replica);
    CHECK(replica != NULL);
    replica->io = *io;
    replica->config = *config;
    replica->validators = config->validators;
    replica->chain_id = config->chain_id;
    replica->now_ms = now_ms;
    replica->monotonic_ms = monotonic_ms;
    replica->started_ms = monotonic_ms;
    replica->work_next_ms = UINT64_MAX;
    replica->records_max = config->genesis->block_records;
    make_machines(replica);
    struct chain_source source = {.context = replica, .get = chain_get};
    chain_init(&replica->chain, source, &replica->chain_id);

    const char *what = "";
    enum status status = open_state(replica, &what);
    if (status == STATUS_OK) {
        what = "a pending batch";
        status = replica_batches_load(replica);
    }
    if (status == STATUS_OK) {
        what = "the vote register";
        status = restore_consensus(replica);
    }
    if (status != STATUS_OK) {
        (void)snprintf(ret_error, capacity, "%s: %s", what, status_text(status));
        replica_free(replica);
        return status;
    }
    *ret_replica = replica;
    return STATUS_OK;
}

void replica_free(struct replica *replica)
{
    if (replica == NULL) {
        return;
    }
    chain_end(&replica->chain);
    pool_free(replica->pool);
    free(replica->consensus);
    free(replica->ledger);
    free(replica->working_set);
    free(replica->frame);
    free(replica->decode);
    free(replica->catchup);
    free(replica->sorted_writes);
    free(replica);
}
