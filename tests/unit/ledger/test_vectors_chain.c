/*
 * test_vectors_chain: genesis and the small chain of tests/vectors/formats.json. An independent
 * program, written from docs/formats.md, computed the headers and rows; the ledger, given the same
 * genesis and batches, must produce the same bytes: every root, every verdict, every stored row.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium/crypto_sign_ed25519.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ledger/ledger.h"
#include "ledger/rows.h"
#include "tests/support/vectors.h"
#include "tests/support/vectors_genesis.h"

#define BATCHES_MAX 6u
#define ROWS_MAX 1024u
#define BLOCKS_MAX 16u
#define VALIDATORS_MAX 8u

static struct vectors *vectors;

static struct genesis genesis;
static struct hash chain_id;
/* The document that goes on after some blocks, and both. */
static struct genesis continued;
static struct genesis_validator continued_validators[VALIDATORS_MAX];
static struct lineage lineage;

static void open_continued(void)
{
    struct hash id;
    continued = genesis;
    continued.incarnation = (uint32_t)vectors_number(vectors, "continued.incarnation");
    continued.created_ms = vectors_number(vectors, "continued.created_ms");
    vectors_bytes(vectors, &continued.root_chain_id, 32, "continued.root_chain_id");
    vectors_bytes(vectors, &continued.root_hash, 32, "continued.root_hash");
    continued.root_height = vectors_number(vectors, "continued.root_height");
    continued.root_epoch = vectors_number(vectors, "continued.root_epoch");
    continued.validator_count = (uint32_t)vectors_number(vectors, "continued.validators.count");
    assert_true(continued.validator_count <= VALIDATORS_MAX);
    continued.validators = continued_validators;
    for (unsigned i = 0; i < continued.validator_count; i++) {
        struct genesis_validator *validator = &continued_validators[i];
        const char *name = vectors_text(vectors, "continued.validators.%u.name", i);
        validator->participant =
            (uint32_t)vectors_number(vectors, "continued.validators.%u.participant", i);
        vectors_bytes(vectors, &validator->key, 32, "continued.validators.%u.key", i);
        vectors_bytes(vectors, &validator->transport_key, 32,
                      "continued.validators.%u.transport_key", i);
        assert_true(strlen(name) < sizeof validator->name);
        memcpy(validator->name, name, strlen(name));
    }
    vectors_bytes(vectors, &id, 32, "continued.chain_id");
    lineage_single(&lineage, &genesis, &chain_id);
    lineage.incarnations[lineage.count++] =
        (struct incarnation){.genesis = &continued, .chain_id = id};
}

static int open_all(void **state)
{
    (void)state;
    vectors = vectors_open();
    if (vectors == NULL) {
        return -1;
    }
    vectors_genesis(vectors, &genesis);
    vectors_bytes(vectors, &chain_id, 32, "genesis.chain_id");
    open_continued();
    return 0;
}

static int close_all(void **state)
{
    (void)state;
    vectors_genesis_free(&genesis);
    vectors_close(vectors);
    return 0;
}

/* Goal: the example genesis is in order, and its canonical bytes and chain id are the frozen ones.
 */
static void canonical_genesis(void **state)
{
    (void)state;
    char error[256] = "";
    enum status status = genesis_check(&genesis, error, sizeof error);
    assert_string_equal(error, "");
    assert_int_equal(status, STATUS_OK);
    size_t size = genesis_encoded_size(&genesis);
    uint8_t *bytes = malloc(size);
    assert_non_null(bytes);
    struct writer writer = writer_over(bytes, size);
    genesis_encode(&genesis, &writer);
    assert_false(writer.failed);
    vectors_expect(vectors, bytes, writer.used, "genesis.bytes");
    vectors_expect_hash(vectors, genesis_chain_id(&genesis, bytes, size), "genesis.chain_id");
    free(bytes);
}

/* ---- A store and a chain in memory ---- */

struct row {
    unsigned table;
    size_t key_length;
    size_t value_length;
    uint8_t key[64];
    uint8_t *value;
};

struct batch_copy {
    struct batch_header header;
    struct public_key key;
    void *body; /* records, or an action's or evidence's bytes */
    size_t body_length;
    struct hash *hashes; /* of records */
    uint16_t *verdicts;
};

struct memory {
    struct row rows[ROWS_MAX];
    unsigned row_count;
    struct batch_copy batches[BLOCKS_MAX][BATCHES_MAX];
};

static struct row *find_row(struct memory *memory, unsigned table, const void *key, size_t length)
{
    for (unsigned i = 0; i < memory->row_count; i++) {
        struct row *row = &memory->rows[i];
        if (row->table == table && row->key_length == length &&
            memcmp(row->key, key, length) == 0) {
            return row;
        }
    }
    return NULL;
}

static void store(struct memory *memory, const struct ledger_outcome *outcome)
{
    for (uint32_t i = 0; i < outcome->write_count; i++) {
        const struct ledger_write *write = &outcome->writes[i];
        struct row *row = find_row(memory, write->table, write->key, write->key_length);
        if (write->remove) {
            row->key_length = 0; /* no key finds it again */
            continue;
        }
        if (row == NULL) {
            assert_true(memory->row_count < ROWS_MAX);
            row = &memory->rows[memory->row_count++];
            assert_true(write->key_length <= sizeof row->key);
            row->value = NULL;
            row->table = write->table;
            row->key_length = write->key_length;
            memcpy(row->key, write->key, write->key_length);
        }
        free(row->value);
        row->value = malloc(write->value_length + 1);
        assert_non_null(row->value);
        memcpy(row->value, write->value, write->value_length);
        row->value_length = write->value_length;
    }
}

static bool read_row(void *context, enum ledger_table table, const void *key, size_t key_length,
                     struct span *ret_value)
{
    const struct row *row = find_row(context, table, key, key_length);
    if (row != NULL) {
        *ret_value = (struct span){row->value, row->value_length};
    }
    return row != NULL;
}

static bool read_record(void *context, uint64_t height, uint32_t position,
                        struct record *ret_record, uint16_t *ret_verdict, uint32_t *ret_submitter)
{
    struct memory *memory = context;
    if (height >= BLOCKS_MAX || position >> 16 >= BATCHES_MAX) {
        return false;
    }
    const struct batch_copy *batch = &memory->batches[height][position >> 16];
    if ((position & 0xffff) >= batch->header.count) {
        return false;
    }
    *ret_record = ((const struct record *)batch->body)[position & 0xffff];
    *ret_verdict = batch->verdicts[position & 0xffff];
    *ret_submitter = batch->header.participant;
    return true;
}

static bool read_time(void *context, uint64_t height, uint64_t *ret_timestamp_ms)
{
    unsigned long long h = context == NULL ? 0 : height;
    *ret_timestamp_ms = h == 0 ? vectors_number(vectors, "genesis.created_ms")
                               : vectors_number(vectors, "chain.%llu.timestamp_ms", h);
    return true;
}

/* Keys of one table have one length here. */
static bool read_next(void *context, enum ledger_table table, const void *key, size_t key_length,
                      struct span *ret_key, struct span *ret_value)
{
    const struct memory *memory = context;
    const struct row *least = NULL;
    for (unsigned i = 0; i < memory->row_count; i++) {
        const struct row *row = &memory->rows[i];
        if (row->table == table && row->key_length > 0 &&
            (key_length == 0 || memcmp(row->key, key, key_length) > 0) &&
            (least == NULL || memcmp(row->key, least->key, row->key_length) < 0)) {
            least = row;
            *ret_key = (struct span){row->key, row->key_length};
            *ret_value = (struct span){row->value, row->value_length};
        }
    }
    return least != NULL;
}

static void free_memory(struct memory *memory)
{
    for (unsigned i = 0; i < memory->row_count; i++) {
        free(memory->rows[i].value);
    }
    for (unsigned i = 0; i < BLOCKS_MAX * BATCHES_MAX; i++) {
        struct batch_copy *batch = &memory->batches[i / BATCHES_MAX][i % BATCHES_MAX];
        free(batch->body);
        free(batch->hashes);
        free(batch->verdicts);
    }
    free(memory);
}

/* ---- The chain ---- */
/* Parses a batch of the file and checks it as a node would: signature and root. */
static void take_batch(uint64_t height, unsigned i, struct batch_copy *ret_batch)
{
    unsigned long long h = height;
    struct signature signature;
    uint8_t signed_bytes[BATCH_SIGNED_BYTES];
    vectors_bytes(vectors, &ret_batch->header, BATCH_HEADER_BYTES, "chain.%llu.batch.%u.header", h,
                  i);
    vectors_bytes(vectors, &ret_batch->key, 32, "chain.%llu.batch.%u.key", h, i);
    vectors_bytes(vectors, &signature, 64, "chain.%llu.batch.%u.signature", h, i);
    batch_signed_bytes(&ret_batch->header, signed_bytes);
    assert_int_equal(crypto_sign_ed25519_verify_detached(signature.bytes, signed_bytes,
                                                         sizeof signed_bytes, ret_batch->key.bytes),
                     0);
    size_t length = 0;
    uint32_t count = ret_batch->header.count;
    ret_batch->body = (void *)vectors_copy(vectors, &length, "chain.%llu.batch.%u.records", h, i);
    ret_batch->body_length = length;
    ret_batch->hashes = malloc(count * sizeof(struct hash));
    ret_batch->verdicts = malloc(count * sizeof(uint16_t));
    assert_non_null(ret_batch->hashes);
    assert_non_null(ret_batch->verdicts);
    struct hash root;
    if (ret_batch->header.kind == BATCH_RECORDS) {
        assert_int_equal(length, (size_t)count * RECORD_BYTES);
        root = batch_records_root(ret_batch->body, count, ret_batch->hashes);
    } else {
        root = batch_body_root(ret_batch->body, length);
    }
    assert_true(hash_equal(&root, &ret_batch->header.records_root));
}

/* Every root by its name first, so that a failure says which one; then the whole header. */
static void expect_header(const struct ledger_outcome *outcome, uint64_t height)
{
    unsigned long long h = height;
    const struct block_header *header = &outcome->header;
    assert_int_equal(header->height, height);
    assert_int_equal(header->account_count, vectors_number(vectors, "chain.%llu.account_count", h));
    vectors_expect_hash(vectors, header->batches_root, "chain.%llu.batches_root", h);
    vectors_expect_hash(vectors, header->verdicts_root, "chain.%llu.verdicts_root", h);
    vectors_expect_hash(vectors, header->events_root, "chain.%llu.events_root", h);
    vectors_expect_hash(vectors, header->history_root, "chain.%llu.history_root", h);
    vectors_expect_hash(vectors, header->accounts_root, "chain.%llu.accounts_root", h);
    vectors_expect_hash(vectors, header->state_root, "chain.%llu.state_root", h);
    vectors_expect(vectors, header, sizeof *header, "chain.%llu.header", h);
    vectors_expect_hash(vectors, outcome->block_hash, "chain.%llu.hash", h);
}

static uint64_t expected_rows(uint64_t height, unsigned table)
{
    unsigned long long h = height;
    return vectors_has(vectors, "chain.%llu.write.%u.count", h, table)
               ? vectors_number(vectors, "chain.%llu.write.%u.count", h, table)
               : 0;
}

/* The frozen row of this key; fails if the ledger wrote a row that is not in the file. */
static void expect_row(const struct ledger_write *write, uint64_t height)
{
    unsigned long long h = height;
    char key[2 * 64 + 1];
    bytes_to_hex(write->key, write->key_length, key);
    uint64_t count = expected_rows(height, write->table);
    for (unsigned i = 0; i < count; i++) {
        if (strcmp(vectors_text(vectors, "chain.%llu.write.%u.%u.key", h, write->table, i), key) ==
            0) {
            vectors_expect(vectors, write->value, write->value_length,
                           "chain.%llu.write.%u.%u.value", h, write->table, i);
            return;
        }
    }
    fail_msg("height %llu, table %u: unexpected row %s", h, write->table, key);
}

/* Exactly the frozen rows, once each; the header between the tables' rows and STATE, which holds
   its hash and the digests: the first difference is then the one that explains the others. */
static void expect_outcome(const struct ledger_outcome *outcome, uint64_t height)
{
    uint64_t written[LEDGER_TABLE_COUNT] = {0};
    const struct ledger_write *state = NULL;
    for (uint32_t i = 0; i < outcome->write_count; i++) {
        const struct ledger_write *write = &outcome->writes[i];
        assert_in_range(write->table, 1, LEDGER_TABLE_COUNT - 1);
        written[write->table]++;
        if (write->table == TABLE_STATE) {
            state = write;
        } else {
            expect_row(write, height);
        }
    }
    for (unsigned table = 1; table < LEDGER_TABLE_COUNT; table++) {
        if (written[table] != expected_rows(height, table)) {
            print_error("height %llu, table %u\n", (unsigned long long)height, table);
        }
        assert_int_equal(written[table], expected_rows(height, table));
    }
    expect_header(outcome, height);
    assert_non_null(state);
    expect_row(state, height);
}

static void expect_verdicts(const struct ledger_outcome *outcome, struct batch_copy *batches,
                            uint32_t batch_count, uint64_t height)
{
    const uint16_t *verdicts = outcome->verdicts;
    for (uint32_t i = 0; i < batch_count; i++) {
        size_t length = batches[i].header.count * sizeof(uint16_t);
        vectors_expect(vectors, verdicts, length, "chain.%llu.batch.%u.verdicts",
                       (unsigned long long)height, i);
        memcpy(batches[i].verdicts, verdicts, length);
        verdicts += batches[i].header.count;
    }
    assert_ptr_equal(verdicts, outcome->verdicts + outcome->verdict_count);
}

static void *aligned_memory(size_t size)
{
    size_t rounded = (size + 63) / 64 * 64;
    void *memory = aligned_alloc(64, rounded);
    assert_non_null(memory);
    memset(memory, 0, rounded);
    return memory;
}

struct run {
    struct ledger *ledger;
    struct working_set *working_set;
    struct memory *memory;
    struct hash parent;
};

static void run_block(struct run *run, uint64_t height)
{
    unsigned long long h = height;
    struct ledger_batch batches[BATCHES_MAX];
    struct batch_copy *copies = run->memory->batches[height];
    struct ledger_block block = {
        .epoch = vectors_number(vectors, "chain.%llu.epoch", h),
        .height = height,
        .timestamp_ms = vectors_number(vectors, "chain.%llu.timestamp_ms", h),
        .proposer = (uint32_t)vectors_number(vectors, "chain.%llu.proposer", h),
        .batch_count = (uint32_t)vectors_number(vectors, "chain.%llu.batch_count", h),
        .parent_hash = run->parent,
        .batches = batches,
    };
    assert_true(block.batch_count <= BATCHES_MAX);
    for (unsigned i = 0; i < block.batch_count; i++) {
        take_batch(height, i, &copies[i]);
        batches[i] = (struct ledger_batch){.header = &copies[i].header,
                                           .id = batch_id(&copies[i].header),
                                           .verified_under = copies[i].key};
        struct public_key key;
        assert_true(ledger_batch_key(run->ledger, copies[i].header.kind,
                                     copies[i].header.participant, copies[i].header.key_no, &key));
        assert_memory_equal(&key, &copies[i].key, sizeof key);
        if (copies[i].header.kind == BATCH_RECORDS) {
            batches[i].records = copies[i].body;
            batches[i].record_hashes = copies[i].hashes;
        } else {
            batches[i].body = copies[i].body;
            batches[i].body_length = copies[i].body_length;
        }
    }
    struct ledger_reader reader = {.context = run->memory,
                                   .get = read_row,
                                   .record = read_record,
                                   .time = read_time,
                                   .seek = read_next};
    ledger_prefetch(run->ledger, &block, &reader, run->working_set);
    const struct ledger_outcome *outcome = NULL;
    struct ledger_fault fault = {.what = ""};
    /* Executed twice: what a rollback leaves behind must not show. */
    for (int turn = 0; turn < 2; turn++) {
        struct ledger_block root;
        const bool is_root = ledger_root_block(run->ledger, &root);
        assert_true(is_root == (height == continued.root_height + 1));
        assert_true(!is_root || root.timestamp_ms == block.timestamp_ms);
        enum ledger_result result =
            is_root ? ledger_execute_root(run->ledger, &root, run->working_set, &outcome, &fault)
                    : ledger_execute(run->ledger, &block, run->working_set, &outcome, &fault);
        if (result != LEDGER_OK) {
            fail_msg("height %llu: %s", h, fault.what);
        }
        expect_verdicts(outcome, copies, block.batch_count, height);
        expect_outcome(outcome, height);
        if (turn == 0) {
            ledger_rollback(run->ledger);
        }
    }
    run->parent = outcome->block_hash;
    store(run->memory, outcome);
    ledger_commit(run->ledger);
}

/* A ledger that starts from the stored rows must take them up, with the header as their proof. */
static void expect_reload(const struct memory *memory, uint64_t height)
{
    void *space = aligned_memory(ledger_footprint(&genesis));
    struct ledger *ledger = ledger_init_lineage(space, &lineage);
    for (unsigned i = 0; i < LEDGER_TABLE_COUNT * memory->row_count; i++) {
        const struct row *row = &memory->rows[i % memory->row_count];
        enum ledger_table table = (enum ledger_table)(i / memory->row_count);
        if (row->table == table && row->key_length > 0 && ledger_table_is_resident(table)) {
            assert_int_equal(ledger_load_row(ledger, table,
                                             (struct span){row->key, row->key_length},
                                             (struct span){row->value, row->value_length}),
                             STATUS_OK);
        }
    }
    struct block_header header;
    const char *what = "";
    vectors_bytes(vectors, &header, sizeof header, "chain.%llu.header", (unsigned long long)height);
    enum status status = ledger_load_done(ledger, &header, &what);
    if (status != STATUS_OK) {
        fail_msg("height %llu: %s", (unsigned long long)height, what);
    }
    free(space);
}

/* Goal: genesis and every block: same verdicts, rows and roots as the independent program's. */
static void example_chain(void **state)
{
    (void)state;
    void *space = aligned_memory(ledger_footprint(&genesis));
    void *set_space = aligned_memory(working_set_footprint());
    struct memory *memory = calloc(1, sizeof *memory);
    assert_non_null(memory);
    struct run run = {.ledger = ledger_init_lineage(space, &lineage),
                      .working_set = working_set_init(set_space),
                      .memory = memory};
    const struct ledger_outcome *outcome = ledger_genesis_outcome(run.ledger);
    expect_outcome(outcome, 0);
    run.parent = outcome->block_hash;
    store(memory, outcome);
    expect_reload(memory, 0);
    uint64_t blocks = vectors_number(vectors, "chain.blocks");
    assert_true(blocks > 3 && blocks <= BLOCKS_MAX);
    for (uint64_t height = 1; height < blocks; height++) {
        run_block(&run, height);
        expect_reload(memory, height);
    }
    free_memory(memory);
    free(set_space);
    free(space);
}

/* Goal: the document that continues the chain has the frozen bytes, and fits the first one. */
static void continued_genesis(void **state)
{
    (void)state;
    char error[256] = "";
    uint8_t *expected = calloc(1, genesis_encoded_size(&continued));
    uint8_t *bytes = calloc(1, genesis_encoded_size(&continued));
    const size_t size = genesis_encoded_size(&continued);
    struct writer writer = writer_over(bytes, size);
    assert_non_null(expected);
    assert_non_null(bytes);
    assert_int_equal(genesis_check(&continued, error, sizeof error), STATUS_OK);
    assert_int_equal(lineage_check(&lineage, error, sizeof error), STATUS_OK);
    genesis_encode(&continued, &writer);
    assert_true(!writer.failed && writer.used == size);
    vectors_bytes(vectors, expected, size, "continued.bytes");
    assert_memory_equal(bytes, expected, size);
    const struct hash id = genesis_chain_id(&continued, bytes, size);
    assert_true(hash_equal(&id, &lineage.incarnations[1].chain_id));
    free(bytes);
    free(expected);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(canonical_genesis),
        cmocka_unit_test(continued_genesis),
        cmocka_unit_test(example_chain),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
