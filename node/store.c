/*
 * store: one write transaction a pass, one snapshot for reads, a checksum on every value that is
 * not covered by a hash (see store.h).
 *
 * The checksum is SipHash-2-4 under a fixed key: it is there against bit rot, for which 64 bits
 * suffice, and costs a twentieth of a BLAKE2b. It does not defend against somebody who can write
 * the file; against him stand the block hashes and signatures (hefu verify).
 *
 *     checksum = SipHash(K xor SipHash(K, table u8 ‖ key), value)   K = "hefu.checksum.v1",
 *                                                                   xor into its first 8 bytes
 */
#include "node/store.h"

#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "node/store_internal.h"
#include "node/store_pages.h"

static const struct store_table_properties properties[STORE_TABLE_COUNT] = {
    [TABLE_STATE] = {"state", true},
    [TABLE_ACCOUNTS] = {"accounts", true},
    [TABLE_PAGES] = {"pages", true},
    [TABLE_IDS] = {"ids", true},
    [TABLE_LIFE] = {"life", true},
    [TABLE_SOURCES] = {"sources", true},
    [TABLE_PARTICIPANTS] = {"participants", true},
    [TABLE_LIMITS] = {"limits", true},
    [TABLE_SERVICES] = {"services", true},
    [TABLE_SCHEMES] = {"schemes", true},
    [TABLE_CYCLES] = {"cycles", true},
    [TABLE_CYCLE_NETS] = {"cycle_nets", true},
    [TABLE_EVENTS] = {"events", true},
    [TABLE_TRANSACTIONS] = {"transactions", true},
    [TABLE_VALIDATORS] = {"validators", true},
    [TABLE_ACTIONS] = {"actions", true},
    [TABLE_EVIDENCE] = {"evidence_recorded", true},
    [TABLE_EXPIRY] = {"expiry", true},
    [TABLE_QUEUE] = {"queue", true},
    [TABLE_CALENDARS] = {"calendars", true},
    [TABLE_PARAMETERS] = {"parameters", true},
    [STORE_META] = {"meta", true},
    [STORE_VOTES] = {"votes", true},
    [STORE_CERTIFICATES] = {"certificates", true},
    [STORE_BLOCKS] = {"blocks", true},
    [STORE_OPEN_BLOCKS] = {"open_blocks", true},
    /* Up to 1.3 MB each; header and body are covered by the key, which is their hash. */
    [STORE_BATCHES] = {"batches", false},
    [STORE_BATCH_PLACE] = {"batch_place", true},
    [STORE_VERDICTS] = {"verdicts", true},
    [STORE_EVIDENCE] = {"evidence", true},
    [STORE_QUARANTINE] = {"quarantine", true},
};

const struct store_table_properties *store_properties(unsigned table)
{
    CHECK(table >= STORE_TABLE_FIRST && table < STORE_TABLE_COUNT);
    CHECK(properties[table].name != NULL);
    return &properties[table];
}

const char *store_table_name(unsigned table)
{
    return table >= STORE_TABLE_FIRST && table < STORE_TABLE_COUNT ? properties[table].name : NULL;
}

static void checksum(unsigned table, const void *key, size_t key_length, const void *value,
                     size_t value_length, uint8_t ret_checksum[STORE_CHECKSUM_BYTES])
{
    _Static_assert(crypto_shorthash_BYTES == STORE_CHECKSUM_BYTES, "SipHash's size");
    uint8_t siphash_key[crypto_shorthash_KEYBYTES + 1] = "hefu.checksum.v1";
    uint8_t place[1 + STORE_KEY_BYTES_MAX];
    uint8_t place_hash[STORE_CHECKSUM_BYTES];
    place[0] = (uint8_t)table;
    memcpy(place + 1, key, key_length);
    (void)crypto_shorthash(place_hash, place, 1 + key_length, siphash_key);
    for (size_t i = 0; i < STORE_CHECKSUM_BYTES; i++) {
        siphash_key[i] ^= place_hash[i];
    }
    (void)crypto_shorthash(ret_checksum, value, value_length, siphash_key);
}

/* ---- Transactions ---- */

static void close_cursor(struct store *store, unsigned table)
{
    if (store->cursors[table] != NULL) {
        mdb_cursor_close(store->cursors[table]);
        store->cursors[table] = NULL;
    }
}

static void close_cursors(struct store *store)
{
    for (unsigned table = STORE_TABLE_FIRST; table < STORE_TABLE_COUNT; table++) {
        close_cursor(store, table);
    }
}

static void end_reading(struct store *store)
{
    store_pages_end(store);
    if (store->reading) {
        close_cursors(store);
        mdb_txn_reset(store->read);
        store->reading = false;
    }
}

void store_end_transactions(struct store *store)
{
    store_pages_end(store);
    close_cursors(store);
    if (store->write != NULL) {
        mdb_txn_abort(store->write);
        store->write = NULL;
    }
    if (store->read != NULL) {
        mdb_txn_abort(store->read);
        store->read = NULL;
        store->reading = false;
    }
    store->dirty = false;
}

MDB_txn *store_reading(struct store *store)
{
    CHECK(store->failed == STATUS_OK);
    if (store->write != NULL) {
        return store->write;
    }
    if (!store->reading) {
        int code = store->read == NULL ? mdb_txn_begin(store->env, NULL, MDB_RDONLY, &store->read)
                                       : mdb_txn_renew(store->read);
        if (code != MDB_SUCCESS) {
            store_fail(store, code, "starting to read", 0);
        }
        store->reading = true;
    }
    return store->read;
}

MDB_txn *store_writing(struct store *store)
{
    CHECK(store->failed == STATUS_OK);
    CHECK(!store->read_only);
    if (store->write == NULL) {
        end_reading(store);
        int code = mdb_txn_begin(store->env, NULL, 0, &store->write);
        if (code != MDB_SUCCESS) {
            store->write = NULL;
            store_fail(store, code, "starting to write", 0);
        }
    }
    return store->write;
}

/* ---- Reading ---- */

struct span store_checked(struct store *store, unsigned table, const MDB_val *key,
                          const MDB_val *value)
{
    struct span span = {.data = value->mv_data, .length = value->mv_size};
    if (!store_properties(table)->checksum) {
        return span;
    }
    uint8_t expected[STORE_CHECKSUM_BYTES];
    if (span.length < STORE_CHECKSUM_BYTES || key->mv_size > STORE_KEY_BYTES_MAX) {
        store_fail_damaged(store, table, key->mv_data, key->mv_size);
    }
    span.length -= STORE_CHECKSUM_BYTES;
    store_inside = 1;
    checksum(table, key->mv_data, key->mv_size, span.data, span.length, expected);
    store_inside = 0;
    if (memcmp(expected, span.data + span.length, sizeof expected) != 0) {
        store_fail_damaged(store, table, key->mv_data, key->mv_size);
    }
    return span;
}

static MDB_val key_of(const void *key, size_t key_length)
{
    CHECK(key_length > 0 && key_length <= STORE_KEY_BYTES_MAX);
    return (MDB_val){.mv_size = key_length, .mv_data = (void *)(uintptr_t)key};
}

/* A reader's own look at the pages around a key (store_pages.h), before LMDB's. */
static void look(struct store *store, unsigned table, enum store_near_what what, const void *key,
                 size_t key_length, struct store_near *ret_near)
{
    *ret_near = (struct store_near){.exact = false};
    if (store->read_only) {
        CHECK(store->failed == STATUS_OK);
        store_pages_near(store, table, what, key, key_length, ret_near);
    }
}

static void agree(struct store *store, unsigned table, const struct store_entry *expected,
                  const MDB_val *value)
{
    if (store->read_only) {
        store_pages_agree(store, table, expected, value);
    }
}

bool store_get(struct store *store, enum store_table table, const void *key, size_t key_length,
               struct span *ret_value)
{
    MDB_val key_value = key_of(key, key_length);
    MDB_val value;
    struct store_near near;
    (void)store_properties(table);
    look(store, table, NEAR_KEY, key, key_length, &near);
    if (!store->present[table]) {
        return false;
    }
    MDB_txn *transaction = store_reading(store);
    store_inside = 1;
    int code = mdb_get(transaction, store->tables[table], &key_value, &value);
    store_inside = 0;
    if (code != MDB_SUCCESS && code != MDB_NOTFOUND) {
        store_fail(store, code, "reading", table);
    }
    agree(store, table, near.exact ? &near.at : NULL, code == MDB_SUCCESS ? &value : NULL);
    if (code == MDB_NOTFOUND) {
        return false;
    }
    *ret_value = store_checked(store, table, &key_value, &value);
    return true;
}

static MDB_cursor *cursor_of(struct store *store, unsigned table)
{
    MDB_txn *transaction = store_reading(store);
    if (store->cursors[table] == NULL) {
        int code = mdb_cursor_open(transaction, store->tables[table], &store->cursors[table]);
        if (code != MDB_SUCCESS) {
            store->cursors[table] = NULL;
            store_fail(store, code, "reading", table);
        }
    }
    return store->cursors[table];
}

/* Moves the table's cursor; false at the table's end. */
static bool move(struct store *store, unsigned table, MDB_cursor_op operation, MDB_val *key,
                 MDB_val *value)
{
    MDB_cursor *cursor = cursor_of(store, table);
    store_inside = 1;
    int code = mdb_cursor_get(cursor, key, value, operation);
    store_inside = 0;
    if (code != MDB_SUCCESS && code != MDB_NOTFOUND) {
        store_fail(store, code, "reading", table);
    }
    return code == MDB_SUCCESS;
}

static void give(struct store *store, unsigned table, const MDB_val *key, const MDB_val *value,
                 struct span *ret_key, struct span *ret_value)
{
    *ret_value = store_checked(store, table, key, value);
    *ret_key = (struct span){.data = key->mv_data, .length = key->mv_size};
}

bool store_seek(struct store *store, enum store_table table, const void *from, size_t from_length,
                struct span *ret_key, struct span *ret_value)
{
    (void)store_properties(table);
    struct store_near near;
    look(store, table, from_length > 0 ? NEAR_KEY : NEAR_FIRST, from, from_length, &near);
    if (!store->present[table]) {
        return false;
    }
    MDB_val key = {0};
    MDB_val value;
    if (from_length > 0) {
        key = key_of(from, from_length);
    }
    const bool found =
        move(store, table, from_length > 0 ? MDB_SET_RANGE : MDB_FIRST, &key, &value);
    agree(store, table, near.has_at ? &near.at : NULL, found ? &value : NULL);
    if (!found) {
        return false;
    }
    /* A damaged page can lead back to smaller keys, and a walk over the table would never end. */
    const size_t least = key.mv_size < from_length ? key.mv_size : from_length;
    const int order = least == 0 ? 0 : memcmp(key.mv_data, from, least);
    if (order < 0 || (order == 0 && key.mv_size < from_length)) {
        store_fail_damaged(store, table, key.mv_data, key.mv_size);
    }
    give(store, table, &key, &value, ret_key, ret_value);
    return true;
}

bool store_seek_back(struct store *store, enum store_table table, const void *from,
                     size_t from_length, struct span *ret_key, struct span *ret_value)
{
    (void)store_properties(table);
    struct store_near near;
    look(store, table, from_length > 0 ? NEAR_KEY : NEAR_LAST, from, from_length, &near);
    if (!store->present[table]) {
        return false;
    }
    MDB_val key = {0};
    MDB_val value;
    bool found = false;
    bool at_or_after = false;
    if (from_length > 0) {
        key = key_of(from, from_length);
        at_or_after = move(store, table, MDB_SET_RANGE, &key, &value);
        found = at_or_after && key.mv_size == from_length &&
                memcmp(key.mv_data, from, from_length) == 0;
    }
    if (!found) {
        found = move(store, table, at_or_after ? MDB_PREV : MDB_LAST, &key, &value);
    }
    agree(store, table,
          near.exact        ? &near.at
          : near.has_before ? &near.before
                            : NULL,
          found ? &value : NULL);
    if (found) {
        give(store, table, &key, &value, ret_key, ret_value);
    }
    return found;
}

/* ---- Writing ---- */

static uint8_t *scratch_of(struct store *store, size_t size)
{
    if (store->scratch_size < size) {
        uint8_t *grown = realloc(store->scratch, size);
        if (grown == NULL) {
            store_fail(store, ENOMEM, "writing", 0);
        }
        store->scratch = grown;
        store->scratch_size = size;
    }
    return store->scratch;
}

static void put(struct store *store, unsigned table, const void *key, size_t key_length,
                const void *value, size_t value_length, unsigned flags)
{
    MDB_txn *transaction = store_writing(store);
    /* Copies: key and value may come from a page of this store that the put itself moves. */
    uint8_t key_copy[STORE_KEY_BYTES_MAX];
    MDB_val key_value = key_of(key, key_length);
    memcpy(key_copy, key, key_length);
    key_value.mv_data = key_copy;
    MDB_val stored = {.mv_size = value_length, .mv_data = (void *)(uintptr_t)value};
    if (store_properties(table)->checksum) {
        uint8_t *copy = scratch_of(store, value_length + STORE_CHECKSUM_BYTES);
        if (value_length > 0) {
            memcpy(copy, value, value_length);
        }
        checksum(table, key_copy, key_length, copy, value_length, copy + value_length);
        stored = (MDB_val){.mv_size = value_length + STORE_CHECKSUM_BYTES, .mv_data = copy};
    }
    close_cursor(store, table);
    store_inside = 1;
    int code = mdb_put(transaction, store->tables[table], &key_value, &stored, flags);
    if (code == MDB_KEYEXIST && flags == MDB_APPEND) {
        /* The key was not the greatest after all; appending is only an optimisation. */
        code = mdb_put(transaction, store->tables[table], &key_value, &stored, 0);
    }
    store_inside = 0;
    if (code != MDB_SUCCESS) {
        store_fail(store, code, "writing to", table);
    }
    store->dirty = true;
}

void store_put(struct store *store, enum store_table table, const void *key, size_t key_length,
               const void *value, size_t value_length)
{
    put(store, table, key, key_length, value, value_length, 0);
}

void store_append(struct store *store, enum store_table table, const void *key, size_t key_length,
                  const void *value, size_t value_length)
{
    put(store, table, key, key_length, value, value_length, MDB_APPEND);
}

void store_del(struct store *store, enum store_table table, const void *key, size_t key_length)
{
    MDB_txn *transaction = store_writing(store);
    uint8_t key_copy[STORE_KEY_BYTES_MAX];
    MDB_val key_value = key_of(key, key_length);
    memcpy(key_copy, key, key_length);
    key_value.mv_data = key_copy;
    (void)store_properties(table);
    close_cursor(store, table);
    store_inside = 1;
    int code = mdb_del(transaction, store->tables[table], &key_value, NULL);
    store_inside = 0;
    if (code == MDB_NOTFOUND) {
        return;
    }
    if (code != MDB_SUCCESS) {
        store_fail(store, code, "deleting from", table);
    }
    store->dirty = true;
}

bool store_dirty(const struct store *store)
{
    return store->dirty;
}

static uint64_t now_microseconds(void)
{
    struct timespec now;
    CHECK(clock_gettime(CLOCK_MONOTONIC, &now) == 0);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

void store_commit(struct store *store)
{
    CHECK(store->failed == STATUS_OK);
    if (!store->dirty) {
        end_reading(store);
        if (store->write != NULL) {
            close_cursors(store);
            mdb_txn_abort(store->write);
            store->write = NULL;
        }
        return;
    }
    close_cursors(store);
    MDB_txn *transaction = store->write;
    uint64_t start = now_microseconds();
    store->write = NULL; /* a commit frees it, whatever comes of it */
    store->dirty = false;
    store_inside = 1;
    int code = mdb_txn_commit(transaction);
    store_inside = 0;
    if (code != MDB_SUCCESS) {
        store_fail(store, code, "committing", 0);
    }
    store->commits++;
    store->commit_microseconds += now_microseconds() - start;
}

void store_refresh(struct store *store)
{
    end_reading(store);
}

void store_on_failure(struct store *store, store_failure failure, void *context)
{
    store->failure = failure;
    store->failure_context = context;
}
