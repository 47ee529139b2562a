/* home_proof: a home's tables against its final header (see home_proof.h). */
#include "cli/home_proof.h"

#include <string.h>

#include "ledger/digest.h"

static enum status prove(bool right)
{
    return right ? STATUS_OK : STATUS_CORRUPT;
}

/* The final block, by the hash that the final point has. */
static enum status read_header(struct home *home, struct block_header *ret_header)
{
    const struct block_row *block;
    if (chain_block(&home->chain, home->final.height, &block) != STATUS_OK ||
        !hash_equal(&block->hash, &home->final.hash)) {
        return STATUS_CORRUPT;
    }
    *ret_header = block->header;
    return STATUS_OK;
}

enum status home_prove_state(struct home *home, const struct genesis *now,
                             struct hash ret_digests[STATE_SLOTS])
{
    static const enum ledger_table tables[] = {TABLE_PARTICIPANTS, TABLE_LIMITS,
                                               TABLE_SERVICES,     TABLE_SCHEMES,
                                               TABLE_CALENDARS,    TABLE_PARAMETERS};
    struct block_header header;
    struct state_row state;
    struct span value;
    if (read_header(home, &header) != STATUS_OK ||
        !store_get(home->store, (enum store_table)TABLE_STATE, "state", STATE_KEY_BYTES, &value) ||
        state_decode(value, &state) != STATUS_OK) {
        return STATUS_CORRUPT;
    }
    const struct hash root = digest_state_root(state.digests);
    if (!hash_equal(&root, &header.state_root) || state.height != home->final.height) {
        return STATUS_CORRUPT;
    }
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        const struct hash digest = digest_static_table(now, tables[i]);
        if (!hash_equal(&digest, &state.digests[tables[i]])) {
            return STATUS_CORRUPT;
        }
    }
    memcpy(ret_digests, state.digests, sizeof state.digests);
    return STATUS_OK;
}

/* ---- Cycles ---- */

/* Rows on their way into a digest, which begins with their count: a first pass counts them. */
struct scan {
    struct home *home;
    struct hasher hasher;
    bool hashing; /* the second pass */
    uint32_t count;
    /* Of cycles. */
    uint16_t service;
    uint32_t number; /* of that service, the one before */
};

static void take(struct scan *scan, struct span key, struct span value)
{
    scan->count += scan->hashing ? 0 : 1;
    if (scan->hashing) {
        hasher_add(&scan->hasher, key.data, key.length);
        hasher_add(&scan->hasher, value.data, value.length);
    }
}

/* The digest over the rows that a pass takes. */
static enum status digest_of(struct scan *scan, enum ledger_table table,
                             enum status (*pass)(struct scan *scan), struct hash *ret_digest)
{
    enum status status = pass(scan);
    if (status == STATUS_OK) {
        digest_begin_table(&scan->hasher, (uint32_t)table, scan->count);
        scan->hashing = true;
        status = pass(scan);
    }
    if (status == STATUS_OK) {
        *ret_digest = hasher_end(&scan->hasher);
    }
    return status;
}

static enum status take_nets(struct scan *scan, uint16_t service, uint32_t cycle)
{
    uint8_t from[NET_KEY_BYTES];
    struct span key, value;
    net_key(service, cycle, 0, from);
    while (store_seek(scan->home->store, (enum store_table)TABLE_CYCLE_NETS, from, sizeof from,
                      &key, &value)) {
        struct net_row row;
        if (net_decode(key, value, &row) != STATUS_OK) {
            return STATUS_CORRUPT;
        }
        if (row.service != service || row.cycle != cycle) {
            break;
        }
        take(scan, key, value);
        net_key(service, cycle, row.participant + 1, from);
    }
    return STATUS_OK;
}

/* Each cycle in its order. */
static enum status each_cycle(struct scan *scan,
                              enum status (*visit)(struct scan *scan, const struct cycle_row *row,
                                                   struct span key, struct span value))
{
    uint8_t from[CYCLE_KEY_BYTES] = {0};
    struct span key, value;
    enum status status = STATUS_OK;
    scan->service = 0;
    scan->number = 0;
    while (status == STATUS_OK && store_seek(scan->home->store, (enum store_table)TABLE_CYCLES,
                                             from, sizeof from, &key, &value)) {
        struct cycle_row row;
        if (cycle_decode(key, value, &row) != STATUS_OK) {
            return STATUS_CORRUPT;
        }
        scan->number = row.service == scan->service ? scan->number : 0;
        scan->service = row.service;
        if (row.number != scan->number + 1) {
            return STATUS_CORRUPT;
        }
        scan->number = row.number;
        status = visit(scan, &row, key, value);
        cycle_key(row.service, row.number + 1, from);
    }
    return status;
}

static enum status take_unsettled(struct scan *scan, const struct cycle_row *row, struct span key,
                                  struct span value)
{
    if (row->state != CYCLE_SETTLED) {
        take(scan, key, value);
    }
    return STATUS_OK;
}

static enum status pass_cycles(struct scan *scan)
{
    return each_cycle(scan, take_unsettled);
}

enum status home_prove_cycles(struct home *home)
{
    struct scan scan = {.home = home};
    struct hash digest;
    enum status status = digest_of(&scan, TABLE_CYCLES, pass_cycles, &digest);
    return status == STATUS_OK ? prove(hash_equal(&digest, &home->digests[TABLE_CYCLES])) : status;
}

static enum status take_nets_of_open(struct scan *scan, const struct cycle_row *row,
                                     struct span key, struct span value)
{
    (void)key;
    (void)value;
    return row->state == CYCLE_OPEN ? take_nets(scan, row->service, row->number) : STATUS_OK;
}

static enum status pass_open_nets(struct scan *scan)
{
    return each_cycle(scan, take_nets_of_open);
}

static enum status pass_nets(struct scan *scan)
{
    return take_nets(scan, scan->service, scan->number);
}

enum status home_prove_nets(struct home *home, const struct cycle_row *cycle)
{
    struct scan scan = {.home = home, .service = cycle->service, .number = cycle->number};
    const bool open = cycle->state == CYCLE_OPEN;
    struct hash digest;
    enum status status =
        digest_of(&scan, TABLE_CYCLE_NETS, open ? pass_open_nets : pass_nets, &digest);
    const struct hash *wanted = open ? &home->digests[TABLE_CYCLE_NETS] : &cycle->nets_hash;
    return status == STATUS_OK ? prove(hash_equal(&digest, wanted)) : status;
}

/* ---- Records ---- */

static bool has_its_id(struct home *home, struct place place, const struct record *record,
                       uint32_t submitter)
{
    uint8_t key[ID_KEY_BYTES];
    struct span value;
    struct id_row row;
    id_key(submitter, &record->id, key);
    if (!store_get(home->store, (enum store_table)TABLE_IDS, key, sizeof key, &value) ||
        id_decode(value, &row) != STATUS_OK) {
        return false;
    }
    const struct hash hash = record_hash(record);
    return row.place.height == place.height && row.place.position == place.position &&
           hash_equal(&hash, &row.record_hash);
}

enum status home_record(struct home *home, struct place place, struct record *ret_record,
                        uint16_t *ret_verdict, uint32_t *ret_submitter)
{
    struct record record;
    uint16_t verdict;
    uint32_t submitter;
    enum status status =
        chain_record(&home->chain, place.height, place.position, &record, &verdict, &submitter);
    if (status != STATUS_OK) {
        return status;
    }
    if (!has_its_id(home, place, &record, submitter)) {
        /* It took no id (docs/ledger.md, Idempotency), or it is damaged. */
        const struct batch *batch;
        status = chain_batch(&home->chain, place.height, place.position >> 16, true, &batch, NULL);
        const size_t index = place.position & 0xffff;
        if (status != STATUS_OK || index >= batch->header.count ||
            batch->header.participant != submitter ||
            memcmp(&record, batch->body + index * sizeof record, sizeof record) != 0) {
            return STATUS_CORRUPT;
        }
    }
    *ret_record = record;
    *ret_verdict = verdict;
    *ret_submitter = submitter;
    return STATUS_OK;
}
