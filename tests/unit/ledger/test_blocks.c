/*
 * Goal: a block as a whole: idempotency over batches, source files, exact rollback, loading, what a
 * breach leaves behind, and the same bytes on every compiler (docs/ledger.md).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/prng.h"
#include "tests/support/ledger_fixture.h"

static struct ledger_fixture *started(void)
{
    struct ledger_fixture *f = fixture_new();
    fixture_start(f);
    return f;
}

static void test_ids_within_a_block(void **state)
{
    (void)state;
    struct ledger_fixture *f = started();
    struct record record = fixture_clear(f, 1, 2, 10);
    struct record changed = record;
    changed.mcc = 1234;
    (void)fixture_batch(f, 1);
    fixture_add(f, record);
    fixture_add(f, record);
    (void)fixture_batch(f, 1);
    fixture_add(f, changed);
    (void)fixture_batch(f, 2);
    fixture_add(f, changed); /* another submitter's id */
    fixture_block(f);
    assert_int_equal(fixture_verdict(f, 0, 0), VERDICT_POSTED);
    assert_int_equal(fixture_verdict(f, 0, 1), VERDICT_EXISTS);
    assert_int_equal(fixture_verdict(f, 1, 0), VERDICT_EXISTS_DIFFERENT);
    assert_int_equal(fixture_verdict(f, 2, 0), VERDICT_POSTED);
    assert_int_equal(fixture_balance(f, 2, ACCOUNT_POSITION), 20);
    assert_int_equal(ledger_store_count(f->store, TABLE_IDS), 2);
    uint8_t key[ID_KEY_BYTES];
    id_key(1, &record.id, key);
    struct id_row row;
    assert_int_equal(id_decode(ledger_store_get(f->store, TABLE_IDS, key, sizeof key), &row),
                     STATUS_OK);
    struct hash expected = record_hash(&record);
    assert_true(hash_equal(&row.record_hash, &expected));
    assert_true(row.place.height == 1 && row.place.position == 0);
    fixture_free(f);
}

static void source_batch(struct ledger_fixture *f, uint32_t participant, uint8_t file,
                         uint32_t part)
{
    struct batch_header *header = fixture_batch(f, participant);
    header->source_hash.bytes[0] = file;
    header->part = part;
    header->parts = 3;
}

static void test_sources(void **state)
{
    (void)state;
    struct ledger_fixture *f = started();
    struct record record = fixture_clear(f, 1, 2, 10);
    struct record other = fixture_clear(f, 1, 2, 10);
    source_batch(f, 1, 7, 0);
    fixture_add(f, record);
    source_batch(f, 1, 7, 0); /* the same part again in the block */
    fixture_add(f, other);
    source_batch(f, 1, 7, 1); /* another part */
    fixture_add(f, fixture_clear(f, 1, 2, 10));
    source_batch(f, 2, 7, 0); /* another participant */
    fixture_add(f, fixture_clear(f, 1, 2, 10));
    fixture_block(f);
    assert_int_equal(fixture_verdict(f, 0, 0), VERDICT_POSTED);
    assert_int_equal(fixture_verdict(f, 1, 0), VERDICT_SOURCE_EXISTS);
    assert_int_equal(fixture_verdict(f, 2, 0), VERDICT_POSTED);
    assert_int_equal(fixture_verdict(f, 3, 0), VERDICT_POSTED);
    assert_int_equal(ledger_store_count(f->store, TABLE_SOURCES), 3);
    source_batch(f, 1, 7, 1);
    fixture_add(f, record); /* SOURCE_EXISTS is found before EXISTS */
    fixture_add(f, other);
    fixture_block(f);
    assert_int_equal(fixture_verdict(f, 0, 0), VERDICT_SOURCE_EXISTS);
    assert_int_equal(fixture_verdict(f, 0, 1), VERDICT_SOURCE_EXISTS);
    /* Its ids were not taken. */
    assert_int_equal(fixture_file(f, 1, other), VERDICT_POSTED);
    fixture_free(f);
}

/* Everything that decides the next block, copied out. */
struct snapshot {
    struct state_row state;
    struct currency_sums sums[LIMIT_CURRENCIES];
    uint8_t cycles[4 * LIMIT_SERVICE_CYCLES][CYCLE_VALUE_BYTES]; /* encoded: a row has padding */
    struct account accounts[64];
    struct net nets[3 * 7];
    struct total exposures[2 * 7];
    struct hash accounts_root;
};

static void take_snapshot(const struct ledger_fixture *f, struct snapshot *ret_snapshot)
{
    const struct ledger *l = f->ledger;
    memset(ret_snapshot, 0, sizeof *ret_snapshot);
    assert_int_equal(l->account_count, 64);
    ret_snapshot->state = l->state;
    for (unsigned bit = 0; bit < 64; bit++) {
        if ((l->state.history.size >> bit & 1) == 0) {
            /* Not part of the frontier, and not stored. */
            memset(&ret_snapshot->state.history.roots[bit], 0, HASH_BYTES);
        }
    }
    memcpy(ret_snapshot->sums, l->sums, sizeof l->sums);
    assert_int_equal(l->cycles.count, 4 * LIMIT_SERVICE_CYCLES);
    for (unsigned i = 0; i < l->cycles.count; i++) {
        cycle_encode(&l->cycles.rows[i], ret_snapshot->cycles[i]);
    }
    memcpy(ret_snapshot->accounts, l->accounts, sizeof ret_snapshot->accounts);
    memcpy(ret_snapshot->nets, l->cycles.nets, sizeof ret_snapshot->nets);
    memcpy(ret_snapshot->exposures, l->cycles.exposures, sizeof ret_snapshot->exposures);
    ret_snapshot->accounts_root = merkle_dense_root(&l->tree);
}

static void test_rollback_is_exact(void **state)
{
    (void)state;
    struct snapshot *before = malloc(sizeof *before);
    struct snapshot *after = malloc(sizeof *after);
    struct ledger_fixture *f = started();
    struct ledger_fixture *twin = started();
    struct prng prng = prng_seeded(11);
    struct prng twin_prng = prng_seeded(11);
    for (unsigned round = 0; round < 12; round++) {
        /* A is executed and rolled back on one of the two only. */
        take_snapshot(f, before);
        struct prng other = prng_seeded(1000 + round);
        uint64_t next_id = f->next_id;
        fixture_random_block(f, &other, 3, 40);
        assert_int_equal(fixture_execute(f), LEDGER_OK);
        ledger_rollback(f->ledger);
        fixture_drop(f);
        f->next_id = next_id;
        take_snapshot(f, after);
        assert_memory_equal(after, before, sizeof *before);
        /* B on both: the same block. */
        fixture_random_block(f, &prng, 4, 50);
        fixture_random_block(twin, &twin_prng, 4, 50);
        fixture_block(f);
        fixture_block(twin);
        assert_memory_equal(ledger_store_header(f->store), ledger_store_header(twin->store),
                            sizeof(struct block_header));
    }
    fixture_free(f);
    fixture_free(twin);
    free(before);
    free(after);
}

static void test_load_restores(void **state)
{
    (void)state;
    struct snapshot *before = malloc(sizeof *before);
    struct snapshot *after = malloc(sizeof *after);
    struct ledger_fixture *f = started();
    struct ledger_fixture *twin = started();
    fixture_reload(f); /* from genesis rows alone */
    struct prng prng = prng_seeded(5);
    struct prng twin_prng = prng_seeded(5);
    for (unsigned round = 0; round < 10; round++) {
        fixture_random_block(f, &prng, 3, 40);
        fixture_random_block(twin, &twin_prng, 3, 40);
        fixture_block(f);
        fixture_block(twin);
        assert_memory_equal(ledger_store_header(f->store), ledger_store_header(twin->store),
                            sizeof(struct block_header));
        take_snapshot(f, before);
        fixture_reload(f);
        take_snapshot(f, after);
        assert_memory_equal(after, before, sizeof *before);
    }
    fixture_free(f);
    fixture_free(twin);
    free(before);
    free(after);
}

/* Flips one byte of one row of a resident table and expects the load to notice. */
struct flip {
    uint64_t at;
    uint64_t seen;
    uint64_t bit;
    bool done;
};

static void flip_row(void *context, struct span key, struct span value)
{
    struct flip *flip = context;
    (void)key;
    if (!flip->done && flip->seen + value.length > flip->at) {
        ((uint8_t *)(uintptr_t)value.data)[flip->at - flip->seen] ^= (uint8_t)(1u << flip->bit);
        flip->done = true;
    }
    flip->seen += value.length;
}

static void test_load_refuses_damage(void **state)
{
    (void)state;
    struct ledger_fixture *f = started();
    struct prng prng = prng_seeded(6);
    fixture_random_block(f, &prng, 4, 60);
    fixture_block(f);
    void *memory = aligned_alloc(64, ledger_footprint(&f->genesis));
    for (unsigned table = TABLE_STATE; table < LEDGER_TABLE_COUNT; table++) {
        for (unsigned round = 0; ledger_table_is_resident(table) && round < 25; round++) {
            struct flip count = {.at = UINT64_MAX};
            ledger_store_each(f->store, table, flip_row, &count);
            if (count.seen == 0) {
                break; /* a table that this network has no rows of; test_actions damages those of
                          actions */
            }
            struct flip flip = {.at = prng_below(&prng, count.seen), .bit = prng_below(&prng, 8)};
            struct flip back = flip;
            ledger_store_each(f->store, table, flip_row, &flip);
            memset(memory, 0, ledger_footprint(&f->genesis));
            struct ledger *ledger = ledger_init(memory, &f->genesis, &f->chain_id);
            const char *what = NULL;
            assert_int_equal(ledger_store_load(f->store, ledger, &what), STATUS_CORRUPT);
            assert_non_null(what);
            ledger_store_each(f->store, table, flip_row, &back);
        }
    }
    free(memory);
    fixture_reload(f); /* all bits are back */
    fixture_free(f);
}

/* Loads the rows of one table but for one. */
struct omission {
    struct ledger *ledger;
    enum ledger_table table;
    uint32_t omitted;
    uint32_t seen;
    bool missed; /* already while loading */
};

static void load_but_one(void *context, struct span key, struct span value)
{
    struct omission *omission = context;
    if (omission->seen++ != omission->omitted) {
        omission->missed |=
            ledger_load_row(omission->ledger, omission->table, key, value) != STATUS_OK;
    }
}

/* A missing row is damage, also one that says no more than genesis does. */
static void test_load_misses_no_row(void **state)
{
    (void)state;
    struct ledger_fixture *f = started();
    assert_int_equal(fixture_file(f, 1, fixture_clear(f, 1, 2, 50)), VERDICT_POSTED);
    void *memory = aligned_alloc(64, ledger_footprint(&f->genesis));
    for (unsigned table = TABLE_STATE; table < LEDGER_TABLE_COUNT; table++) {
        uint32_t rows = ledger_table_is_resident(table) ? ledger_store_count(f->store, table) : 0;
        for (uint32_t omitted = 0; omitted < rows; omitted++) {
            memset(memory, 0, ledger_footprint(&f->genesis));
            struct ledger *ledger = ledger_init(memory, &f->genesis, &f->chain_id);
            bool missed = false;
            for (unsigned own = TABLE_STATE; own < LEDGER_TABLE_COUNT; own++) {
                struct omission omission = {
                    .ledger = ledger, .table = own, .omitted = own == table ? omitted : UINT32_MAX};
                if (ledger_table_is_resident(own)) {
                    ledger_store_each(f->store, own, load_but_one, &omission);
                    missed |= omission.missed;
                }
            }
            if (missed) {
                continue;
            }
            const char *what = NULL;
            if (ledger_load_done(ledger, ledger_store_header(f->store), &what) != STATUS_CORRUPT) {
                fail_msg("table %u: row %u is not missed", table, omitted);
            }
            assert_non_null(what);
        }
    }
    free(memory);
    fixture_free(f);
}

/* State that does not add up is found at the batch that touches it, and nothing is kept. */
static void test_invariant_breach(void **state)
{
    (void)state;
    struct ledger_fixture *f = started();
    assert_int_equal(fixture_file(f, 1, fixture_clear(f, 1, 2, 50)), VERDICT_POSTED);
    f->ledger->cycles.nets[2].credits.minor += 5; /* of participant 3, whom batch 1 will touch */
    struct snapshot *before = malloc(sizeof *before);
    struct snapshot *after = malloc(sizeof *after);
    take_snapshot(f, before);
    (void)fixture_batch(f, FIXTURE_AGENT);
    fixture_add(f, fixture_fund(f, 1, 10));
    (void)fixture_batch(f, 3);
    fixture_add(f, fixture_clear(f, 3, 2, 10));
    (void)fixture_batch(f, 1);
    fixture_add(f, fixture_clear(f, 1, 2, 10));
    assert_int_equal(fixture_execute(f), LEDGER_INVARIANT);
    assert_string_equal(f->fault.what, "a POSITION is not the sum of its unsettled nets");
    assert_int_equal(f->fault.batch_index, 1);
    take_snapshot(f, after);
    assert_memory_equal(after, before, sizeof *before);
    /* Without the batch that meets it the block is sound; the cycle's sum is then what fails. */
    fixture_drop(f);
    (void)fixture_batch(f, FIXTURE_AGENT);
    fixture_add(f, fixture_fund(f, 1, 10));
    fixture_block(f);
    (void)fixture_batch(f, 1);
    fixture_add(f, fixture_clear(f, 1, 2, 10));
    assert_int_equal(fixture_execute(f), LEDGER_INVARIANT);
    assert_string_equal(f->fault.what, "the nets of a cycle do not sum to zero");
    /* A settlement account that was made negative by our own bug. */
    f->ledger->cycles.nets[2].credits.minor -= 5;
    ledger_account(f->ledger, 0, 0, ACCOUNT_SETTLEMENT)->totals[TOTAL_DEBITS_POSTED].minor += 100;
    fixture_drop(f);
    (void)fixture_batch(f, FIXTURE_AGENT);
    fixture_add(f, fixture_fund(f, 1, 10));
    assert_int_equal(fixture_execute(f), LEDGER_INVARIANT);
    assert_string_equal(f->fault.what, "a SETTLEMENT is overdrawn");
    assert_int_equal(f->fault.batch_index, 0);
    fixture_free(f);
    free(before);
    free(after);
}

static void test_empty_blocks_and_history(void **state)
{
    (void)state;
    struct ledger_fixture *f = started();
    struct merkle_frontier history = {.size = 0};
    struct hash state_root = ledger_store_header(f->store)->state_root;
    for (unsigned i = 0; i < 9; i++) {
        struct hash previous = block_hash(ledger_store_header(f->store));
        struct hash leaf = merkle_leaf(&previous, HASH_BYTES);
        merkle_frontier_append(&history, &leaf);
        fixture_block(f);
        const struct block_header *header = ledger_store_header(f->store);
        struct hash root = merkle_frontier_root(&history);
        assert_true(hash_equal(&header->history_root, &root));
        assert_true(hash_equal(&header->state_root, &state_root));
        assert_true(hash_equal(&header->parent_hash, &previous));
        assert_true(hash_is_zero(&header->verdicts_root) && hash_is_zero(&header->batches_root) &&
                    hash_is_zero(&header->events_root));
    }
    fixture_free(f);
}

/* The same bytes on gcc and clang, at every optimisation level: the final roots are frozen. */
static void test_determinism(void **state)
{
    (void)state;
    struct ledger_fixture *f = started();
    struct prng prng = prng_seeded(20261123);
    uint64_t counts[1000] = {0};
    for (unsigned height = 0; height < 40; height++) {
        /* One after the other: C leaves the order of arguments open. */
        unsigned batches = 1 + (unsigned)prng_below(&prng, 9);
        unsigned records = 1 + (unsigned)prng_below(&prng, 200);
        fixture_random_block(f, &prng, batches, records);
        fixture_block(f);
        for (uint32_t i = 0; i < f->outcome->verdict_count; i++) {
            counts[f->verdicts[i]]++;
        }
    }
    const struct block_header *header = ledger_store_header(f->store);
    assert_true(header->total_records > 15000);
    /* The workload is not trivial: it posts, and it meets verdicts of every group. */
    assert_true(counts[VERDICT_POSTED] > 3000 && counts[VERDICT_EXISTS_DIFFERENT] > 50 &&
                counts[VERDICT_LINKED_FAILED] > 50 && counts[VERDICT_DUPLICATE_KEY] > 50 &&
                counts[VERDICT_EXCEEDS_REMAINING] > 10 && counts[VERDICT_CAP] > 50 &&
                counts[VERDICT_INSUFFICIENT_FUNDS] > 10 && counts[VERDICT_COVER] > 10);
    char hex[65];
    bytes_to_hex(header->state_root.bytes, HASH_BYTES, hex);
    assert_string_equal(hex, "07400588dd89e9f9a70e062c7ad8ff96e14e25dc4d5b7ec64983ed8b8ec26c3d");
    struct hash hash = block_hash(header);
    bytes_to_hex(hash.bytes, HASH_BYTES, hex);
    assert_string_equal(hex, "bd62c24d0dcccd969b1dd86c1fb1eceb32e843c65d7621d41b8edcbf89780b72");
    fixture_free(f);
}

static void test_keys(void **state)
{
    (void)state;
    struct ledger_fixture *f = started();
    struct public_key key;
    assert_true(ledger_batch_key(f->ledger, BATCH_RECORDS, 3, 1, &key));
    assert_int_equal(key.bytes[0], 0x82);
    assert_false(ledger_batch_key(f->ledger, BATCH_RECORDS, 3, 2, &key));
    assert_false(ledger_batch_key(f->ledger, BATCH_RECORDS, 99, 1, &key));
    uint32_t participant = 0;
    uint32_t roles = 0;
    struct transport_key transport = f->participants[4].transport_key;
    assert_true(ledger_transport_key(f->ledger, &transport, &participant, &roles));
    assert_int_equal(participant, FIXTURE_AGENT);
    assert_int_equal(roles, ROLE_AGENT | ROLE_OPERATOR);
    transport.bytes[1] = 1;
    assert_false(ledger_transport_key(f->ledger, &transport, &participant, &roles));
    memset(&transport, 0, sizeof transport);
    assert_false(ledger_transport_key(f->ledger, &transport, &participant, &roles));
    /* The first cut-off is work; nothing is before it. */
    uint64_t cutoff_ms = f->ledger->cycles.rows[0].cutoff_ms;
    assert_true(cutoff_ms > FIXTURE_CREATED_MS);
    assert_false(ledger_time_due(f->ledger, cutoff_ms - 1));
    assert_true(ledger_time_due(f->ledger, cutoff_ms));
    fixture_free(f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ids_within_a_block),  cmocka_unit_test(test_sources),
        cmocka_unit_test(test_rollback_is_exact),   cmocka_unit_test(test_load_restores),
        cmocka_unit_test(test_load_refuses_damage), cmocka_unit_test(test_load_misses_no_row),
        cmocka_unit_test(test_invariant_breach),    cmocka_unit_test(test_empty_blocks_and_history),
        cmocka_unit_test(test_determinism),         cmocka_unit_test(test_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
