/*
 * replica_open: a replica takes up what the store holds, or writes genesis into an empty one
 * (docs/consensus.md, Boot). Everything stored is checked against the hash that covers it; what is
 * wrong is named, and nothing is repaired silently.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "node/memory.h"
#include "node/replica_state.h"

#define RECOVERED_MAX 8192

static bool chain_get(void *context, unsigned table, const void *key, size_t key_length,
                      struct span *ret_value)
{
    struct replica *replica = context;
    return replica->io.get(replica->io.context, (enum store_table)table, key, key_length,
                           ret_value);
}

static bool chain_seek(void *context, unsigned table, const void *from, size_t from_length,
                       struct span *ret_key, struct span *ret_value)
{
    const struct replica *replica = context;
    return replica->io.seek(replica->io.context, (enum store_table)table, from, from_length,
                            ret_key, ret_value);
}

static void write_genesis(struct replica *replica)
{
    replica_blocks_store_made(replica, ledger_genesis_outcome(replica->ledger));
    replica->io.put(replica->io.context, STORE_META, "chain_id", 8,
                    ledger_chain_id(replica->ledger)->bytes, HASH_BYTES);
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
    struct hash chain_id;
    memcpy(chain_id.bytes, row.data, HASH_BYTES);
    *ret_what = "this data directory belongs to another genesis.json";
    const enum status fits = replica_incarnation_check(replica, &chain_id);
    if (fits != STATUS_OK) {
        return fits;
    }
    const struct block_row *block;
    *ret_what = "the last final block";
    if (chain_block(&replica->chain, replica->final.height, &block) != STATUS_OK ||
        !hash_equal(&block->hash, &replica->final.hash)) {
        return STATUS_CORRUPT;
    }
    /* Views decide what may be signed: the final point must be the one its certificate shows. */
    *ret_what = "the final point differs from the last final block's certificate";
    const bool genesis = replica->final.height == 0;
    const bool made =
        genesis || lineage_root_block(replica->config.lineage, replica->final.height) != NULL;
    if (block->has_finalization == made ||
        replica->final.view != (made ? 0 : block->finalization.view) ||
        replica->final.epoch != (genesis ? ledger_epoch(replica->ledger) : block->header.epoch)) {
        return STATUS_CORRUPT;
    }
    replica->final_header = block->header;
    return load_ledger(replica, ret_what);
}

/* F.view in this epoch: 0 while the epoch's root, the terminal block before it, is F. */
static uint64_t final_view(const struct replica *replica)
{
    return replica->final.epoch == replica->set.epoch ? replica->final.view : 0;
}

/* The own votes above F.view, the newest max of them: in a long outage there are many, and what
   matters for going on are the newest. Returns how many. */
static uint32_t recover_votes(struct replica *replica, struct vote *ret_votes, uint32_t max)
{
    uint8_t from[KEY_VIEW_BYTES];
    struct span key;
    struct span value;
    uint64_t count = 0;
    key_view(replica->set.epoch, final_view(replica) + 1, VOTE_NOTARIZE, from);
    while (replica->io.seek(replica->io.context, STORE_VOTES, from, sizeof from, &key, &value)) {
        memcpy(from, key.data, sizeof from);
        from[16]++;
        if (row_vote_decode(value, &ret_votes[count % max]) == STATUS_OK) {
            count++;
        }
    }
    return (uint32_t)(count < max ? count : max);
}

/* The same for certificates: below the newest ones, peers have what is needed. */
static uint32_t recover_certificates(struct replica *replica, struct certificate **ret_list,
                                     uint32_t max)
{
    uint8_t from[KEY_VIEW_BYTES];
    struct span key;
    struct span value;
    uint64_t count = 0;
    key_view(replica->set.epoch, final_view(replica) + 1, VOTE_NOTARIZE, from);
    while (replica->io.seek(replica->io.context, STORE_CERTIFICATES, from, sizeof from, &key,
                            &value)) {
        memcpy(from, key.data, sizeof from);
        from[16]++;
        struct certificate **place = &ret_list[count % max];
        if (*place == NULL) {
            *place = calloc(1, sizeof **place);
            memory_check(*place != NULL);
        }
        if (row_certificate_decode(value, *place) == STATUS_OK) {
            count++;
        }
    }
    return (uint32_t)(count < max ? count : max);
}

static uint32_t recover_open_blocks(struct replica *replica, struct consensus_block *ret_blocks)
{
    uint8_t from[HASH_BYTES] = {0};
    size_t from_length = 0;
    struct span key;
    struct span value;
    uint32_t count = 0;
    struct block_row *row = calloc(1, sizeof *row);
    memory_check(row != NULL);
    while (
        count < OPEN_BLOCKS_MAX &&
        replica->io.seek(replica->io.context, STORE_OPEN_BLOCKS, from, from_length, &key, &value) &&
        key.length == HASH_BYTES) {
        memcpy(from, key.data, HASH_BYTES);
        from_length = HASH_BYTES;
        if (row_block_decode(value, row) == STATUS_OK &&
            row->header.height == replica->final.height + 1 &&
            row->header.epoch == replica->set.epoch) {
            struct open_block *block =
                replica_open_add(replica, &row->header, row->batch_ids, OPEN_TRUSTED);
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

/* The final blocks before F in its epoch, its root included, to the end of the list: a fork may
   show itself only after a restart, by certificates older than F. Returns how many. */
static uint32_t recover_finals(struct replica *replica,
                               struct remembered_final list[CONSENSUS_FINALS_MAX])
{
    const struct block_row *block;
    uint32_t first = CONSENSUS_FINALS_MAX;
    uint64_t above = final_view(replica);
    for (uint64_t height = replica->final.height; above > 0 && height > 0 && first > 0;) {
        if (chain_block(&replica->chain, --height, &block) != STATUS_OK) {
            break;
        }
        const bool same = block->has_finalization && block->header.epoch == replica->set.epoch;
        const uint64_t view = same ? block->finalization.view : 0;
        if (view >= above) {
            break;
        }
        list[--first] = (struct remembered_final){.view = view, .hash = block->hash};
        above = view;
    }
    return CONSENSUS_FINALS_MAX - first;
}

static enum status restore_consensus(struct replica *replica)
{
    struct remembered_final finals[CONSENSUS_FINALS_MAX];
    const uint32_t final_count = recover_finals(replica, finals);
    struct vote *votes = memory_take(RECOVERED_MAX * sizeof *votes);
    struct certificate **certificates = calloc(RECOVERED_MAX, sizeof *certificates);
    struct consensus_block open_blocks[OPEN_BLOCKS_MAX];
    memory_check(certificates != NULL);
    const struct block_row *block;
    CHECK(chain_block(&replica->chain, replica->final.height, &block) == STATUS_OK);
    const bool root = replica->final.epoch != replica->set.epoch || !block->has_finalization;
    replica_epoch_advance_registers(replica);
    const bool votes_now = replica_votes(replica);
    /* Who follows an earlier incarnation needs only final blocks; what else is stored of it may be
       what made it end. */
    const bool newest = replica_incarnation_is_newest(replica);
    struct consensus_recovery recovery = {
        .final_block = replica_block_summary(&replica->final_header, &replica->final.hash),
        .final_view = final_view(replica),
        .finalization = root ? NULL : &block->finalization,
        .finals = &finals[CONSENSUS_FINALS_MAX - final_count],
        .final_count = final_count,
        .votes = votes,
        .vote_count = votes_now ? recover_votes(replica, votes, RECOVERED_MAX) : 0,
        .certificates = (const struct certificate *const *)certificates,
        .certificate_count =
            newest ? recover_certificates(replica, certificates, RECOVERED_MAX) : 0,
        .open_blocks = open_blocks,
        .open_block_count = newest ? recover_open_blocks(replica, open_blocks) : 0,
        .vote_register = votes_now ? &replica->registers[replica->own_key] : NULL};
    replica->stepping = true;
    enum status status = consensus_restore(replica->consensus, &recovery, replica->now_ms,
                                           replica->monotonic_ms, &replica->effects);
    if (status == STATUS_OK) {
        replica_carry_out(replica);
    }
    replica->stepping = false;
    for (uint32_t i = 0; i < RECOVERED_MAX && certificates[i] != NULL; i++) {
        free(certificates[i]);
    }
    free(certificates);
    memory_give(votes);
    return status;
}

static void make_machines(struct replica *replica)
{
    const struct genesis *genesis = replica->genesis;
    /* Fresh pages are zero already, and most of them are never touched: aligned by hand. */
    replica->ledger_memory = calloc(1, ledger_footprint(genesis) + 64);
    memory_check(replica->ledger_memory != NULL);
    uint8_t *ledger = (uint8_t *)replica->ledger_memory;
    ledger += (64 - (uintptr_t)ledger % 64) % 64;
    replica->ledger = ledger_init_lineage(ledger, replica->config.lineage);
    replica->working_set = working_set_init(memory_take(working_set_footprint()));
    replica->pool = pool_new(replica->config.pool_bytes, replica->config.hash_key);
    replica->frame = memory_take(LIMIT_FRAME_BYTES);
    replica->decode = memory_take(PEER_ARENA_BYTES);
    replica->catchup = memory_take(CATCHUP_MAX * sizeof *replica->catchup);
}

/* What is borrowed during open and needed later. */
static void keep_config(struct replica *replica)
{
    const struct replica_config *config = &replica->config;
    CHECK(config->key_count <= REPLICA_KEYS_MAX);
    for (uint32_t i = 0; i < config->key_count; i++) {
        replica->registers[i] = *config->keys[i].vote_register;
        replica->config.keys[i].vote_register = NULL;
    }
    replica->observers = calloc(config->observer_count + 1, sizeof *replica->observers);
    memory_check(replica->observers != NULL);
    if (config->observer_count > 0) {
        memcpy(replica->observers, config->observers,
               config->observer_count * sizeof *replica->observers);
    }
    replica->config.observers = NULL;
    peers_init(&replica->table);
    replica->own_index = CONSENSUS_OBSERVER;
}

static enum status open_state(struct replica *replica, const char **ret_what)
{
    struct span row;
    enum alarm alarm;
    enum status status = STATUS_OK;
    if (replica_incarnation_halted(replica, &alarm)) {
        *ret_what = replica_alarm_text(alarm);
        return STATUS_DENIED;
    }
    if (!replica->io.get(replica->io.context, STORE_META, "final", 5, &row)) {
        struct span key;
        *ret_what = "the final point: there are blocks, but not which of them is the last";
        if (replica->io.seek(replica->io.context, STORE_BLOCKS, NULL, 0, &key, &row)) {
            return STATUS_CORRUPT;
        }
        write_genesis(replica);
    } else {
        status = load_state(replica, ret_what);
    }
    return status == STATUS_OK ? replica_incarnation_enter(replica) : status;
}

enum status replica_open(const struct node_io *io, const struct replica_config *config,
                         uint64_t now_ms, uint64_t monotonic_ms, struct replica **ret_replica,
                         char *ret_error, size_t capacity)
{
    struct replica *replica = memory_take(sizeof *replica);
    memset(replica, 0, offsetof(struct replica, effects));
    replica->effects.count = 0;
    wanted_init(&replica->wanted, config->hash_key);
    replica->io = *io;
    replica->config = *config;
    replica->genesis = lineage_first(config->lineage)->genesis;
    replica->now_ms = now_ms;
    replica->monotonic_ms = monotonic_ms;
    replica->started_ms = monotonic_ms;
    replica->work_next_ms = UINT64_MAX;
    replica->records_max = replica->genesis->block_records;
    keep_config(replica);
    make_machines(replica);
    struct chain_source source = {.context = replica, .get = chain_get, .seek = chain_seek};
    chain_init(&replica->chain, source);

    const char *what = "";
    enum status status = open_state(replica, &what);
    if (status == STATUS_OK) {
        replica_epoch_load(replica);
        replica_epoch_machine(replica);
        what = "a pending batch";
        status = replica_batches_load(replica);
    }
    const char *forbids = NULL;
    if (status == STATUS_OK) {
        what = "the vote register";
        forbids = replica_rejoin_forbids(replica);
        status = forbids == NULL ? restore_consensus(replica) : STATUS_DENIED;
    }
    if (status != STATUS_OK) {
        const char *advice = forbids != NULL           ? forbids
                             : status == STATUS_DENIED ? "this node halted and does not vote again "
                                                         "by itself: see docs/operations.md, A "
                                                         "node that halted"
                                                       : status_text(status);
        if (replica->refusal[0] != '\0') {
            (void)snprintf(ret_error, capacity, "%s", replica->refusal);
        } else {
            (void)snprintf(ret_error, capacity, "%s: %s", what, advice);
        }
        replica_free(replica);
        return status;
    }
    replica_rejoin_opened(replica);
    replica_evidence_load(replica);
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
    memory_give(replica->consensus);
    free(replica->ledger_memory);
    memory_give(replica->working_set);
    memory_give(replica->frame);
    memory_give(replica->decode);
    memory_give(replica->catchup);
    free(replica->sorted_writes);
    free(replica->observers);
    replica_receipts_free(replica);
    memory_give(replica);
}
