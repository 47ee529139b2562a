/* replay: the ledger over a stored chain, from genesis (see replay.h). */
#include "cli/replay.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "cli/check_votes.h"
#include "cli/overlay.h"
#include "ledger/rows.h"
#include "node/keys.h"
#include "node/verify.h"

#define ALIGNMENT 64

struct replay {
    struct home *home;
    struct ledger *ledger;
    struct working_set *working_set;
    void *ledger_memory, *working_set_memory;
    struct overlay *overlay;
    struct chain lookup;              /* of records that others refer to: a cache of its own */
    uint64_t height;                  /* being executed */
    uint64_t rows[STORE_TABLE_COUNT]; /* written once each, by table */
    /* The batches of the block being executed. */
    uint8_t *bodies[LIMIT_BLOCK_BATCHES];
    struct hash *hashes[LIMIT_BLOCK_BATCHES];
    struct batch_header headers[LIMIT_BLOCK_BATCHES];
    struct ledger_batch batches[LIMIT_BLOCK_BATCHES];
    uint16_t *verdicts; /* stored ones, of the whole block */
    uint32_t verdict_count;
};

static bool diverged(struct divergence *divergence, uint64_t height, const char *table,
                     const char *format, ...) __attribute__((format(printf, 4, 5)));

static bool diverged(struct divergence *divergence, uint64_t height, const char *table,
                     const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    divergence->height = height;
    divergence->table = table;
    vsnprintf(divergence->what, sizeof divergence->what, format, arguments);
    va_end(arguments);
    return false;
}

/* Tables whose rows are written once and carry their height. */
static bool is_written_once(unsigned table)
{
    return table == TABLE_IDS || table == TABLE_PAGES || table == TABLE_EVENTS;
}

/* ---- What the ledger reads ---- */

static bool get_row(void *context, enum ledger_table table, const void *key, size_t key_length,
                    struct span *ret_value)
{
    struct replay *replay = context;
    struct span wanted = {key, key_length};
    if (!is_written_once(table)) {
        return overlay_get(replay->overlay, table, wanted, ret_value);
    }
    struct id_row id;
    uint64_t height = UINT64_MAX;
    if (!store_get(replay->home->store, (enum store_table)table, key, key_length, ret_value)) {
        return false;
    }
    if (table == TABLE_IDS && id_decode(*ret_value, &id) == STATUS_OK) {
        height = id.place.height;
    }
    return height < replay->height;
}

static bool get_record(void *context, uint64_t height, uint32_t position, struct record *ret_record,
                       uint16_t *ret_verdict, uint32_t *ret_submitter)
{
    struct replay *replay = context;
    return height < replay->height && chain_record(&replay->lookup, height, position, ret_record,
                                                   ret_verdict, ret_submitter) == STATUS_OK;
}

static bool get_time(void *context, uint64_t height, uint64_t *ret_timestamp_ms)
{
    struct replay *replay = context;
    const struct block_row *block;
    if (height >= replay->height || chain_block(&replay->lookup, height, &block) != STATUS_OK) {
        return false;
    }
    *ret_timestamp_ms = block->header.timestamp_ms;
    return true;
}

static bool seek_row(void *context, enum ledger_table table, const void *key, size_t key_length,
                     struct span *ret_key, struct span *ret_value)
{
    const struct replay *replay = context;
    CHECK(table == TABLE_EXPIRY);
    return overlay_seek(replay->overlay, (struct span){key, key_length}, ret_key, ret_value);
}

/* ---- Life ---- */

struct replay *replay_new(struct home *home)
{
    struct replay *replay = calloc(1, sizeof *replay);
    CHECK(replay != NULL);
    size_t ledger_size = (ledger_footprint(&home->genesis) + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    size_t set_size = (working_set_footprint() + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    replay->home = home;
    replay->ledger_memory = aligned_alloc(ALIGNMENT, ledger_size);
    replay->working_set_memory = aligned_alloc(ALIGNMENT, set_size);
    replay->verdicts = malloc(sizeof(uint16_t) * LIMIT_BATCH_RECORDS * LIMIT_BLOCK_BATCHES);
    CHECK(replay->ledger_memory != NULL && replay->working_set_memory != NULL &&
          replay->verdicts != NULL);
    memset(replay->ledger_memory, 0, ledger_size);
    memset(replay->working_set_memory, 0, set_size);
    replay->ledger = ledger_init_lineage(replay->ledger_memory, &home->documents.lineage);
    replay->working_set = working_set_init(replay->working_set_memory);
    replay->overlay = overlay_new();
    overlay_keep_order(replay->overlay, TABLE_EXPIRY);
    chain_over_store(&replay->lookup, home->store);
    return replay;
}

void replay_free(struct replay *replay)
{
    for (unsigned i = 0; i < LIMIT_BLOCK_BATCHES; i++) {
        free(replay->bodies[i]);
        free(replay->hashes[i]);
    }
    chain_end(&replay->lookup);
    overlay_free(replay->overlay);
    free(replay->verdicts);
    free(replay->ledger_memory);
    free(replay->working_set_memory);
    free(replay);
}

/* ---- One block ---- */

/* Copies a batch out of the store and checks its signature, and those of the votes in evidence. */
static bool take_batch(struct replay *replay, uint64_t height, uint32_t index,
                       struct divergence *divergence)
{
    const struct batch *batch;
    const uint16_t *verdicts;
    struct public_key key;
    uint8_t signed_bytes[BATCH_SIGNED_BYTES];
    enum status status = chain_batch(&replay->home->chain, height, index, false, &batch, &verdicts);
    if (status != STATUS_OK) {
        return diverged(divergence, height, "batches", "batch %u: %s", index, status_text(status));
    }
    uint32_t count = batch->header.count;
    if (replay->bodies[index] == NULL) {
        replay->bodies[index] =
            aligned_alloc(ALIGNMENT, (size_t)LIMIT_BATCH_RECORDS * RECORD_BYTES);
        replay->hashes[index] = malloc(sizeof(struct hash) * LIMIT_BATCH_RECORDS);
        CHECK(replay->bodies[index] != NULL && replay->hashes[index] != NULL);
    }
    CHECK(batch->body_length <= (size_t)LIMIT_BATCH_RECORDS * RECORD_BYTES);
    memcpy(replay->bodies[index], batch->body, batch->body_length);
    replay->headers[index] = batch->header;
    memcpy(replay->verdicts + replay->verdict_count, verdicts, sizeof *verdicts * count);
    replay->verdict_count += count;
    if (verify_batch_root(&batch->header, replay->bodies[index], batch->body_length,
                          replay->hashes[index]) != STATUS_OK) {
        return diverged(divergence, height, "batches", "batch %u: its records do not give its root",
                        index);
    }
    batch_signed_bytes(&batch->header, signed_bytes);
    if (!ledger_batch_key(replay->ledger, (enum batch_kind)batch->header.kind,
                          batch->header.participant, batch->header.key_no, &key) ||
        !key_verify(&key, signed_bytes, sizeof signed_bytes, &batch->signature)) {
        return diverged(divergence, height, "batches", "batch %u is not signed by its participant",
                        index);
    }
    const char *fault =
        batch->header.kind == BATCH_EVIDENCE ? check_evidence(replay->home, batch) : NULL;
    if (fault != NULL) {
        return diverged(divergence, height, "batches", "batch %u: %s", index, fault);
    }
    replay->batches[index] = (struct ledger_batch){
        .header = &replay->headers[index], .id = batch->id, .verified_under = key};
    if (batch->header.kind == BATCH_RECORDS) {
        replay->batches[index].records = (const struct record *)(const void *)replay->bodies[index];
        replay->batches[index].record_hashes = replay->hashes[index];
    } else {
        replay->batches[index].body = replay->bodies[index];
        replay->batches[index].body_length = batch->body_length;
    }
    return true;
}

/* Whether the index of batches says that this batch stands here, and nowhere else. */
static bool check_place(struct replay *replay, uint64_t height, uint32_t index,
                        struct divergence *divergence)
{
    struct span row;
    const struct hash *id = &replay->batches[index].id;
    bool here = store_get(replay->home->store, STORE_BATCH_PLACE, id->bytes, HASH_BYTES, &row) &&
                row.length == 12 && get_le64(row.data) == height && get_le32(row.data + 8) == index;
    replay->rows[STORE_BATCH_PLACE]++;
    replay->rows[STORE_VERDICTS]++;
    return here ? true
                : diverged(divergence, height, "batch_place",
                           "batch %u is not indexed here: missing, or named by two blocks", index);
}

/* The rows that a block wrote, against the store or into memory. */
static bool take_writes(struct replay *replay, uint64_t height,
                        const struct ledger_outcome *outcome, struct divergence *divergence)
{
    for (uint32_t i = 0; i < outcome->write_count; i++) {
        const struct ledger_write *write = &outcome->writes[i];
        struct span key = {write->key, write->key_length};
        struct span value = {write->value, write->value_length}, stored;
        if (write->remove) {
            CHECK(overlay_remove(replay->overlay, write->table, key));
            continue;
        }
        if (!is_written_once(write->table)) {
            overlay_put(replay->overlay, write->table, key, value);
            continue;
        }
        replay->rows[write->table]++;
        if (!store_get(replay->home->store, (enum store_table)write->table, key.data, key.length,
                       &stored)) {
            return diverged(divergence, height, store_table_name(write->table),
                            "a row that this block writes is missing");
        }
        if (stored.length != value.length || memcmp(stored.data, value.data, value.length) != 0) {
            return diverged(divergence, height, store_table_name(write->table),
                            "a row differs from what this block writes");
        }
    }
    return true;
}

/* Names the first field of the header that comes out differently. */
static bool compare_headers(uint64_t height, const struct block_header *stored,
                            const struct block_header *own, struct divergence *divergence)
{
    static const struct {
        const char *name;
        size_t offset, size;
    } fields[] = {
        {"record_count", offsetof(struct block_header, record_count), 8},
        {"total_records", offsetof(struct block_header, total_records), 8},
        {"batches_root", offsetof(struct block_header, batches_root), 32},
        {"verdicts_root", offsetof(struct block_header, verdicts_root), 32},
        {"accounts_root", offsetof(struct block_header, accounts_root), 32},
        {"state_root", offsetof(struct block_header, state_root), 32},
        {"history_root", offsetof(struct block_header, history_root), 32},
        {"events_root", offsetof(struct block_header, events_root), 32},
        {"the rest of the header", 0, sizeof(struct block_header)},
    };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        if (memcmp((const uint8_t *)stored + fields[i].offset,
                   (const uint8_t *)own + fields[i].offset, fields[i].size) != 0) {
            return diverged(divergence, height, "header", "%s differs from own execution",
                            fields[i].name);
        }
    }
    return true;
}

static bool compare_verdicts(const struct replay *replay, uint64_t height,
                             const struct ledger_outcome *outcome, struct divergence *divergence)
{
    if (outcome->verdict_count != replay->verdict_count) {
        return diverged(divergence, height, "verdicts", "%u verdicts come out, %u are stored",
                        outcome->verdict_count, replay->verdict_count);
    }
    for (uint32_t i = 0; i < outcome->verdict_count; i++) {
        if (outcome->verdicts[i] != replay->verdicts[i]) {
            return diverged(divergence, height, "verdicts",
                            "record %u of the block: %u comes out, %u is stored", i,
                            outcome->verdicts[i], replay->verdicts[i]);
        }
    }
    return true;
}

static bool replay_genesis(struct replay *replay, const struct block_row *block,
                           struct divergence *divergence)
{
    const struct ledger_outcome *outcome = ledger_genesis_outcome(replay->ledger);
    return compare_headers(0, &block->header, &outcome->header, divergence) &&
           take_writes(replay, 0, outcome, divergence);
}

bool replay_block(struct replay *replay, uint64_t height, struct divergence *ret_divergence)
{
    const struct block_row *stored;
    enum status status = chain_block(&replay->home->chain, height, &stored);
    if (status != STATUS_OK) {
        return diverged(ret_divergence, height, "blocks", "%s", status_text(status));
    }
    replay->height = height;
    replay->rows[STORE_BLOCKS]++;
    if (height == 0) {
        return replay_genesis(replay, stored, ret_divergence);
    }
    struct block_header header = stored->header;
    replay->verdict_count = 0;
    for (uint32_t i = 0; i < header.batch_count; i++) {
        if (!take_batch(replay, height, i, ret_divergence) ||
            !check_place(replay, height, i, ret_divergence)) {
            return false;
        }
    }
    struct ledger_block block = {.epoch = header.epoch,
                                 .height = height,
                                 .timestamp_ms = header.timestamp_ms,
                                 .proposer = header.proposer,
                                 .batch_count = header.batch_count,
                                 .parent_hash = header.parent_hash,
                                 .batches = replay->batches};
    struct ledger_reader reader = {.context = replay,
                                   .get = get_row,
                                   .record = get_record,
                                   .time = get_time,
                                   .seek = seek_row};
    const struct ledger_outcome *outcome;
    struct ledger_fault fault = {.what = ""};
    /* The root block of an incarnation is made from its document, whatever the stored one says. */
    const bool root = ledger_root_block(replay->ledger, &block);
    ledger_prefetch(replay->ledger, &block, &reader, replay->working_set);
    if ((root ? ledger_execute_root : ledger_execute)(replay->ledger, &block, replay->working_set,
                                                      &outcome, &fault) != LEDGER_OK) {
        return diverged(ret_divergence, height, "header", "the block is not valid: %s", fault.what);
    }
    bool good = compare_verdicts(replay, height, outcome, ret_divergence) &&
                compare_headers(height, &header, &outcome->header, ret_divergence) &&
                take_writes(replay, height, outcome, ret_divergence);
    if (good) {
        ledger_commit(replay->ledger);
    } else {
        ledger_rollback(replay->ledger);
    }
    return good;
}

/* ---- The end ---- */

struct finish {
    struct replay *replay;
    struct divergence *divergence;
};

static bool compare_row(void *context, unsigned table, struct span key, struct span value)
{
    struct finish *finish = context;
    struct replay *replay = finish->replay;
    struct span stored;
    replay->rows[table]++;
    if (!store_get(replay->home->store, (enum store_table)table, key.data, key.length, &stored)) {
        return diverged(finish->divergence, replay->height, store_table_name(table),
                        "a row is missing");
    }
    if (stored.length != value.length || memcmp(stored.data, value.data, value.length) != 0) {
        return diverged(finish->divergence, replay->height, store_table_name(table),
                        "a row differs from what the blocks give");
    }
    return true;
}

bool replay_finish(struct replay *replay, struct divergence *ret_divergence)
{
    struct finish finish = {.replay = replay, .divergence = ret_divergence};
    struct store_usage usage;
    if (!overlay_each(replay->overlay, compare_row, &finish)) {
        return false;
    }
    store_usage(replay->home->store, &usage);
    for (unsigned table = 1; table < STORE_TABLE_COUNT; table++) {
        bool counted = table < LEDGER_TABLE_COUNT || table == STORE_BATCH_PLACE ||
                       table == STORE_VERDICTS || table == STORE_BLOCKS;
        if (counted && usage.entries[table] != replay->rows[table]) {
            return diverged(ret_divergence, replay->height, store_table_name(table),
                            "%" PRIu64 " rows are stored, the blocks give %" PRIu64,
                            usage.entries[table], replay->rows[table]);
        }
    }
    return true;
}
