/* store_flips: a store with a history, and flipped bits in its pages (see store_flips.h). */
#include "tests/support/store_flips.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/prng.h"
#include "tests/support/store_tools.h"

#define PAGE 4096u
#define DATA_BYTES_MAX (8u << 20)
#define KEYS 700u
#define KEY_BYTES 40
#define VALUE_BYTES 6000
#define CHANGES 500u
#define ROUNDS 12u
/* Tables of one page, of several levels, and with values on pages of their own. */
static const enum store_table tables[] = {
    STORE_META,
    STORE_VOTES,
    STORE_BLOCKS,
    (enum store_table)TABLE_ACCOUNTS,
};
#define TABLES (sizeof tables / sizeof tables[0])

/* What was put last under each key; 0: nothing. */
static uint16_t model[TABLES][KEYS];
static uint8_t data[DATA_BYTES_MAX];
static size_t data_bytes;

static unsigned keys_of(unsigned table)
{
    return tables[table] == STORE_META ? 12 : KEYS;
}

static size_t make_key(unsigned table, unsigned index, uint8_t key[KEY_BYTES])
{
    memset(key, (int)(index % 7), KEY_BYTES);
    put_be32(key, index);
    return tables[table] == STORE_VOTES ? 4 + index % 29 : 32;
}

/* A value that shows its key and version. */
static size_t make_value(unsigned table, unsigned index, unsigned version,
                         uint8_t value[VALUE_BYTES])
{
    const size_t usual = tables[table] == STORE_BLOCKS ? (index % 5 == 0 ? 5000 : 300) : 100;
    const size_t length = usual + index % 3;
    memset(value, (int)(version * 31 + index), length);
    put_be32(value, index);
    put_be32(value + 4, version);
    return length;
}

static void change(struct store *store, struct prng *prng, unsigned table, unsigned round)
{
    uint8_t key[KEY_BYTES], value[VALUE_BYTES];
    const unsigned index = (unsigned)prng_below(prng, keys_of(table));
    const size_t length = make_key(table, index, key);
    if (round > 3 && prng_below(prng, 3) == 0) {
        store_del(store, tables[table], key, length);
        model[table][index] = 0;
        return;
    }
    store_put(store, tables[table], key, length, value, make_value(table, index, round + 1, value));
    model[table][index] = (uint16_t)(round + 1);
}

void store_flips_fill(const struct folder *home, uint64_t seed)
{
    struct prng prng = prng_seeded(seed);
    struct store *store = open_store(home, SMALL_MAP, false);
    memset(model, 0, sizeof model);
    for (unsigned round = 0; round < ROUNDS; round++) {
        for (unsigned i = 0; i < CHANGES; i++) {
            change(store, &prng, (unsigned)prng_below(&prng, TABLES), round);
        }
        store_commit(store);
    }
    store_close(store);
}

/* Whether a key gives what was put. */
static bool right(unsigned table, unsigned index, struct span got)
{
    uint8_t value[VALUE_BYTES];
    const unsigned version = model[table][index];
    return version != 0 && got.length == make_value(table, index, version, value) &&
           memcmp(got.data, value, got.length) == 0;
}

/* 0 if every key, each gap and both ways over the table are right. */
static int read_table(struct store *store, unsigned table)
{
    uint8_t key[KEY_BYTES];
    struct span found, value;
    for (unsigned index = 0; index < keys_of(table); index++) {
        const size_t length = make_key(table, index, key);
        const bool there = store_get(store, tables[table], key, length, &value);
        if (there != (model[table][index] != 0) || (there && !right(table, index, value))) {
            return 1;
        }
    }
    size_t length = 0;
    unsigned at = 0;
    while (store_seek(store, tables[table], key, length, &found, &value)) {
        while (at < keys_of(table) && model[table][at] == 0) {
            at++;
        }
        if (tables[table] == STORE_META && memcmp(found.data, "schema", 6) == 0) {
            break; /* the store's own row, after all others */
        }
        if (at == keys_of(table) || get_be32(found.data) != at || !right(table, at, value)) {
            return 2;
        }
        length = found.length + 1;
        memcpy(key, found.data, found.length);
        key[found.length] = 0;
        at++;
    }
    while (at < keys_of(table) && model[table][at] == 0) {
        at++;
    }
    return at == keys_of(table) ? 0 : 3;
}

static int read_back(struct store *store, unsigned table)
{
    uint8_t key[KEY_BYTES];
    struct span found, value;
    const size_t length = make_key(table, keys_of(table), key);
    for (unsigned at = keys_of(table); at-- > 0;) {
        if (model[table][at] == 0) {
            continue;
        }
        const size_t own = at + 1 == keys_of(table) ? length : make_key(table, at + 1, key);
        if (!store_seek_back(store, tables[table], key, own, &found, &value)) {
            return 4;
        }
        /* The next key is there itself, or this one is before it. */
        const unsigned wanted = at + 1 < keys_of(table) && model[table][at + 1] != 0 ? at + 1 : at;
        if (get_be32(found.data) != wanted || !right(table, wanted, value)) {
            return 5;
        }
    }
    return 0;
}

int store_flips_read(struct store *store)
{
    for (unsigned table = 0; table < TABLES; table++) {
        int code = read_table(store, table);
        code = code == 0 ? read_back(store, table) : code;
        if (code != 0) {
            return 10 * (int)table + code;
        }
    }
    return 0;
}

/* 0: right, 1: damage was told, and the check of the whole store tells it too. */
static int outcome_of(const struct folder *home)
{
    static struct expected_failure failure;
    struct store *volatile store = NULL;
    struct store_options options = {.read_only = true};
    struct store *opened = NULL;
    for (volatile unsigned attempt = 0; attempt < 2; attempt++) {
        if (store_open(home->path, &options, &opened, store_error, sizeof store_error) !=
            STATUS_OK) {
            return 1;
        }
        store = opened;
        store_on_failure(store, expected_failure_handler, &failure);
        if (sigsetjmp(failure.jump, 1) == 0) {
            if (attempt == 1) {
                store_check_whole(store);
                return 200; /* damage that the check of the whole store did not find */
            }
            const int code = store_flips_read(store);
            store_close(store);
            return code == 0 ? 0 : 100 + code;
        }
        store_close(store);
    }
    return 1;
}

static void read_data(const struct folder *home)
{
    data_bytes = file_get(folder_file(home, "chain/data.mdb"), data, sizeof data);
    assert_true(data_bytes < sizeof data && data_bytes % PAGE == 0);
}

static unsigned try_flip(const struct folder *home, size_t offset, unsigned bit)
{
    char path[FOLDER_PATH_MAX];
    (void)snprintf(path, sizeof path, "%s", folder_file(home, "chain/data.mdb"));
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    const uint8_t flipped = (uint8_t)(data[offset] ^ 1u << bit);
    assert_int_equal(fseek(file, (long)offset, SEEK_SET), 0);
    assert_int_equal(fwrite(&flipped, 1, 1, file), 1);
    assert_int_equal(fflush(file), 0);
    const int outcome = in_child(outcome_of, home);
    assert_int_equal(fseek(file, (long)offset, SEEK_SET), 0);
    assert_int_equal(fwrite(&data[offset], 1, 1, file), 1);
    assert_int_equal(fclose(file), 0);
    if (outcome > 1) {
        fail_msg("page %zu, byte %zu, bit %u: %d", offset / PAGE, offset % PAGE, bit, outcome);
    }
    return (unsigned)outcome;
}

void store_flips_try(const struct folder *home, uint64_t seed, const struct store_flips *flips)
{
    unsigned tried = 0, told = 0;
    struct prng prng = prng_seeded(seed);
    print_message("HEFU_TEST_SEED=%llu\n", (unsigned long long)seed);
    store_flips_fill(home, seed);
    read_data(home);
    for (size_t page = 2; page < data_bytes / PAGE; page++) {
        const uint8_t *bytes = data + page * PAGE;
        const bool nodes = get_le64(bytes) == page && (get_le16(bytes + 10) & 3) != 0;
        const unsigned lower = nodes ? get_le16(bytes + 12) : 16;
        for (unsigned byte = 0; byte < PAGE; byte++) {
            const unsigned one_of = byte < lower ? flips->heads
                                    : nodes      ? flips->nodes
                                                 : flips->others;
            for (unsigned bit = 0; bit < 8; bit++) {
                if (prng_below(&prng, one_of) == 0) {
                    told += try_flip(home, page * PAGE + byte, bit);
                    tried++;
                }
            }
        }
    }
    print_message("%zu pages, %u flips, %u of them told\n", data_bytes / PAGE, tried, told);
    assert_true(told > tried / 4);
}
