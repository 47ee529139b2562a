/* ledger_store: rows in a chained hash table, records by height (see ledger_store.h). */
#include "tests/support/ledger_store.h"

#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "ledger/rows.h"

#define BUCKETS (1u << 17)

struct row {
    struct row *next;
    uint8_t table;
    uint16_t key_length;
    uint32_t value_length;
    uint8_t *value;
    uint8_t key[];
};

struct stored_block {
    uint32_t batch_count;
    uint32_t *starts; /* batch_count + 1 */
    uint32_t *submitters;
    struct record *records;
    uint16_t *verdicts;
};

struct ledger_store {
    struct row *buckets[BUCKETS];
    struct stored_block *blocks; /* by height */
    uint64_t block_count;
    uint64_t *times; /* by height */
    struct block_header header;
    uint32_t counts[LEDGER_TABLE_COUNT];
    struct row **expiry; /* rows of TABLE_EXPIRY, ascending by key: the one table that is sought */
    uint32_t expiry_count;
};

static void *allocate(size_t size)
{
    void *memory = malloc(size == 0 ? 1 : size);
    CHECK(memory != NULL);
    return memory;
}

static void *copy_of(const void *data, size_t size)
{
    void *copy = allocate(size);
    if (size > 0) {
        memcpy(copy, data, size);
    }
    return copy;
}

struct ledger_store *ledger_store_new(void)
{
    struct ledger_store *store = calloc(1, sizeof *store);
    CHECK(store != NULL);
    return store;
}

void ledger_store_free(struct ledger_store *store)
{
    for (uint32_t i = 0; i < BUCKETS; i++) {
        for (struct row *row = store->buckets[i], *next; row != NULL; row = next) {
            next = row->next;
            free(row->value);
            free(row);
        }
    }
    for (uint64_t i = 0; i < store->block_count; i++) {
        free(store->blocks[i].starts);
        free(store->blocks[i].submitters);
        free(store->blocks[i].records);
        free(store->blocks[i].verdicts);
    }
    free(store->blocks);
    free(store->times);
    free(store->expiry);
    free(store);
}

/* FNV-1a. */
static struct row **find(struct ledger_store *store, unsigned table, const void *key,
                         size_t key_length)
{
    uint64_t hash = 14695981039346656037u ^ table;
    for (size_t i = 0; i < key_length; i++) {
        hash = (hash ^ ((const uint8_t *)key)[i]) * 1099511628211u;
    }
    struct row **at = &store->buckets[(hash >> 20) % BUCKETS];
    while (*at != NULL && ((*at)->table != table || (*at)->key_length != key_length ||
                           memcmp((*at)->key, key, key_length) != 0)) {
        at = &(*at)->next;
    }
    return at;
}

/* The first place in the order of TABLE_EXPIRY whose key is not below this one. */
static uint32_t expiry_place(const struct ledger_store *store, const void *key)
{
    uint32_t low = 0;
    uint32_t high = store->expiry_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        if (memcmp(store->expiry[middle]->key, key, EXPIRY_KEY_BYTES) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static void order_expiry(struct ledger_store *store, struct row *row)
{
    uint32_t place = expiry_place(store, row->key);
    store->expiry = realloc(store->expiry, (store->expiry_count + 1) * sizeof(struct row *));
    CHECK(store->expiry != NULL);
    memmove(&store->expiry[place + 1], &store->expiry[place],
            (store->expiry_count - place) * sizeof(struct row *));
    store->expiry[place] = row;
    store->expiry_count++;
}

static void take(struct ledger_store *store, const struct ledger_write *write)
{
    struct row **at = find(store, write->table, write->key, write->key_length);
    CHECK(*at != NULL); /* the ledger removes only rows that stand */
    struct row *row = *at;
    *at = row->next;
    if (write->table == TABLE_EXPIRY) {
        uint32_t place = expiry_place(store, row->key);
        store->expiry_count--;
        memmove(&store->expiry[place], &store->expiry[place + 1],
                (store->expiry_count - place) * sizeof(struct row *));
    }
    store->counts[write->table]--;
    free(row->value);
    free(row);
}

static void put(struct ledger_store *store, const struct ledger_write *write)
{
    struct row **at = find(store, write->table, write->key, write->key_length);
    if (*at == NULL) {
        struct row *row = allocate(sizeof *row + write->key_length);
        row->next = NULL;
        row->table = write->table;
        row->key_length = write->key_length;
        memcpy(row->key, write->key, write->key_length);
        store->counts[write->table]++;
        *at = row;
        if (write->table == TABLE_EXPIRY) {
            order_expiry(store, row);
        }
    } else {
        free((*at)->value);
    }
    (*at)->value = copy_of(write->value, write->value_length);
    (*at)->value_length = write->value_length;
}

static void keep_block(struct ledger_store *store, const struct ledger_block *block,
                       const struct ledger_outcome *outcome)
{
    uint64_t height = outcome->header.height;
    CHECK(height == store->block_count);
    store->times = realloc(store->times, (height + 1) * sizeof *store->times);
    CHECK(store->times != NULL);
    store->times[height] = outcome->header.timestamp_ms;
    store->blocks = realloc(store->blocks, (height + 1) * sizeof *store->blocks);
    CHECK(store->blocks != NULL);
    struct stored_block *kept = &store->blocks[store->block_count++];
    memset(kept, 0, sizeof *kept);
    if (block == NULL) {
        return;
    }
    kept->batch_count = block->batch_count;
    kept->starts = allocate((block->batch_count + 1) * sizeof *kept->starts);
    kept->submitters = allocate(block->batch_count * sizeof *kept->submitters);
    kept->records = allocate(outcome->verdict_count * sizeof *kept->records);
    kept->verdicts = copy_of(outcome->verdicts, outcome->verdict_count * sizeof *kept->verdicts);
    uint32_t at = 0;
    for (uint32_t i = 0; i < block->batch_count; i++) {
        const struct ledger_batch *batch = &block->batches[i];
        kept->starts[i] = at;
        kept->submitters[i] = batch->header->participant;
        if (batch->records != NULL) {
            memcpy(&kept->records[at], batch->records,
                   batch->header->count * sizeof *kept->records);
        }
        at += batch->header->count;
    }
    kept->starts[block->batch_count] = at;
    CHECK(at == outcome->verdict_count);
}

void ledger_store_apply(struct ledger_store *store, const struct ledger_block *block,
                        const struct ledger_outcome *outcome)
{
    for (uint32_t i = 0; i < outcome->write_count; i++) {
        if (outcome->writes[i].remove) {
            take(store, &outcome->writes[i]);
        } else {
            put(store, &outcome->writes[i]);
        }
    }
    keep_block(store, block, outcome);
    store->header = outcome->header;
}

struct span ledger_store_get(struct ledger_store *store, enum ledger_table table, const void *key,
                             size_t key_length)
{
    struct row *row = *find(store, table, key, key_length);
    return row == NULL ? (struct span){NULL, 0} : (struct span){row->value, row->value_length};
}

static bool reader_get(void *context, enum ledger_table table, const void *key, size_t key_length,
                       struct span *ret_value)
{
    struct span value = ledger_store_get(context, table, key, key_length);
    if (value.data == NULL) {
        return false;
    }
    *ret_value = value;
    return true;
}

static bool reader_record(void *context, uint64_t height, uint32_t position,
                          struct record *ret_record, uint16_t *ret_verdict, uint32_t *ret_submitter)
{
    struct ledger_store *store = context;
    uint32_t batch = position >> 16;
    if (height >= store->block_count || batch >= store->blocks[height].batch_count) {
        return false;
    }
    const struct stored_block *block = &store->blocks[height];
    uint32_t at = block->starts[batch] + (position & 0xffff);
    if (at >= block->starts[batch + 1]) {
        return false;
    }
    *ret_record = block->records[at];
    *ret_verdict = block->verdicts[at];
    *ret_submitter = block->submitters[batch];
    return true;
}

static bool reader_time(void *context, uint64_t height, uint64_t *ret_timestamp_ms)
{
    const struct ledger_store *store = context;
    if (height >= store->block_count) {
        return false;
    }
    *ret_timestamp_ms = store->times[height];
    return true;
}

static bool reader_seek(void *context, enum ledger_table table, const void *key, size_t key_length,
                        struct span *ret_key, struct span *ret_value)
{
    const struct ledger_store *store = context;
    CHECK(table == TABLE_EXPIRY && (key_length == 0 || key_length == EXPIRY_KEY_BYTES));
    uint32_t place = key_length == 0 ? 0 : expiry_place(store, key);
    if (key_length != 0 && place < store->expiry_count &&
        memcmp(store->expiry[place]->key, key, key_length) == 0) {
        place++;
    }
    if (place == store->expiry_count) {
        return false;
    }
    const struct row *row = store->expiry[place];
    *ret_key = (struct span){row->key, row->key_length};
    *ret_value = (struct span){row->value, row->value_length};
    return true;
}

struct ledger_reader ledger_store_reader(struct ledger_store *store)
{
    return (struct ledger_reader){.context = store,
                                  .get = reader_get,
                                  .record = reader_record,
                                  .time = reader_time,
                                  .seek = reader_seek};
}

void ledger_store_each(const struct ledger_store *store, enum ledger_table table,
                       void (*visit)(void *context, struct span key, struct span value),
                       void *context)
{
    for (uint32_t i = 0; i < BUCKETS; i++) {
        for (const struct row *row = store->buckets[i]; row != NULL; row = row->next) {
            if (row->table == table) {
                visit(context, (struct span){row->key, row->key_length},
                      (struct span){row->value, row->value_length});
            }
        }
    }
}

struct loading {
    struct ledger *ledger;
    enum ledger_table table;
    enum status status;
};

static void load_row(void *context, struct span key, struct span value)
{
    struct loading *loading = context;
    enum status status = ledger_load_row(loading->ledger, loading->table, key, value);
    if (loading->status == STATUS_OK) {
        loading->status = status;
    }
}

enum status ledger_store_load(struct ledger_store *store, struct ledger *ledger,
                              const char **ret_what)
{
    for (unsigned table = TABLE_STATE; table < LEDGER_TABLE_COUNT; table++) {
        if (!ledger_table_is_resident(table)) {
            continue;
        }
        struct loading loading = {.ledger = ledger, .table = table, .status = STATUS_OK};
        ledger_store_each(store, table, load_row, &loading);
        if (loading.status != STATUS_OK) {
            *ret_what = "a row was refused";
            return loading.status;
        }
    }
    return ledger_load_done(ledger, &store->header, ret_what);
}

const struct block_header *ledger_store_header(const struct ledger_store *store)
{
    return &store->header;
}

uint32_t ledger_store_count(const struct ledger_store *store, enum ledger_table table)
{
    return store->counts[table];
}
