/*
 * The store (node/store.h): reads see the pass's writes, a pass is durable whole or not at all,
 * others may read meanwhile. Against a model, by seed. Damage is in test_store_damage.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/prng.h"
#include "tests/support/store_tools.h"

/* Goal: own writes are read at once, survive a commit and a reopening; the rest does not. */
static void test_put_get_del(void **state)
{
    struct folder *home = *state;
    struct store *store = open_store(home, SMALL_MAP, false);
    assert_false(store_dirty(store));
    put_text(store, STORE_META, "a", "one");
    put_text(store, STORE_META, "b", "");
    put_text(store, STORE_BATCHES, "a", "raw");
    assert_true(store_dirty(store));
    assert_text(store, STORE_META, "a", "one");
    assert_text(store, STORE_META, "b", "");
    assert_text(store, STORE_BATCHES, "a", "raw");
    assert_text(store, STORE_VOTES, "a", NULL);
    store_commit(store);
    assert_false(store_dirty(store));
    put_text(store, STORE_META, "a", "two");
    store_del(store, STORE_META, "b", 1);
    store_del(store, STORE_META, "absent", 6);
    assert_text(store, STORE_META, "b", NULL);
    store_commit(store);
    put_text(store, STORE_META, "a", "never committed");
    store_close(store);
    store = open_store(home, SMALL_MAP, false);
    assert_text(store, STORE_META, "a", "two");
    assert_text(store, STORE_META, "b", NULL);
    assert_text(store, STORE_BATCHES, "a", "raw");
    store_commit(store);
    store_close(store);
}

static void assert_span(struct span span, const char *text)
{
    assert_int_equal(span.length, strlen(text));
    assert_memory_equal(span.data, text, span.length);
}

/* Goal: seeking in both directions, at, between and beyond entries; appends out of order too. */
static void test_seek(void **state)
{
    struct store *store = open_store(*state, SMALL_MAP, false);
    struct span key;
    struct span value;
    assert_false(store_seek(store, STORE_EVIDENCE, "a", 1, &key, &value));
    assert_false(store_seek_back(store, STORE_EVIDENCE, "a", 1, &key, &value));
    store_append(store, STORE_EVIDENCE, "b", 1, "B", 1);
    store_append(store, STORE_EVIDENCE, "d", 1, "D", 1);
    store_append(store, STORE_EVIDENCE, "c", 1, "C", 1); /* not the greatest: falls back */
    store_append(store, STORE_EVIDENCE, "d", 1, "D2", 2);
    for (int pass = 0; pass < 2; pass++) {
        assert_true(store_seek(store, STORE_EVIDENCE, "", 0, &key, &value));
        assert_span(key, "b");
        assert_true(store_seek(store, STORE_EVIDENCE, "bb", 2, &key, &value));
        assert_span(key, "c");
        assert_span(value, "C");
        assert_true(store_seek(store, STORE_EVIDENCE, "d", 1, &key, &value));
        assert_span(value, "D2");
        assert_false(store_seek(store, STORE_EVIDENCE, "e", 1, &key, &value));
        assert_true(store_seek_back(store, STORE_EVIDENCE, "e", 1, &key, &value));
        assert_span(key, "d");
        assert_true(store_seek_back(store, STORE_EVIDENCE, "", 0, &key, &value));
        assert_span(key, "d");
        assert_true(store_seek_back(store, STORE_EVIDENCE, "cc", 2, &key, &value));
        assert_span(key, "c");
        assert_true(store_seek_back(store, STORE_EVIDENCE, "c", 1, &key, &value));
        assert_span(key, "c");
        assert_false(store_seek_back(store, STORE_EVIDENCE, "a", 1, &key, &value));
        store_commit(store); /* the second time on a snapshot */
    }
    store_close(store);
}

/* Goal: a value and a key that come from the store itself may be put again. */
static void test_put_own_value(void **state)
{
    struct store *store = open_store(*state, SMALL_MAP, false);
    struct span key;
    struct span value;
    char name[16];
    for (int i = 0; i < 500; i++) {
        (void)snprintf(name, sizeof name, "%03d", i);
        put_text(store, STORE_VOTES, name, "a value of some length, so that pages split often");
    }
    for (int i = 0; i < 500; i++) {
        (void)snprintf(name, sizeof name, "%03d", i);
        assert_true(store_seek(store, STORE_VOTES, name, 3, &key, &value));
        store_put(store, STORE_VOTES, key.data, key.length, value.data, value.length - 1);
        assert_text(store, STORE_VOTES, name, "a value of some length, so that pages split ofte");
    }
    store_commit(store);
    store_close(store);
}

struct model_entry {
    bool there;
    uint32_t length;
    uint8_t fill;
};
#define MODEL_KEYS 300

static void assert_model(struct store *store, const struct model_entry *model)
{
    for (uint32_t i = 0; i < MODEL_KEYS; i++) {
        uint8_t key[4];
        struct span value;
        put_be32(key, i);
        assert_int_equal(store_get(store, STORE_CERTIFICATES, key, sizeof key, &value),
                         model[i].there);
        if (model[i].there) {
            assert_int_equal(value.length, model[i].length);
            assert_true(value.length == 0 || value.data[0] == model[i].fill);
            assert_true(value.length == 0 || value.data[value.length - 1] == model[i].fill);
        }
    }
}

/* Goal: random passes, some dropped, some committed, against an array. */
static void test_against_model(void **state)
{
    struct folder *home = *state;
    const uint64_t seed = 42;
    print_message("seed %llu\n", (unsigned long long)seed);
    struct prng prng = prng_seeded(seed);
    static struct model_entry committed[MODEL_KEYS];
    static struct model_entry current[MODEL_KEYS];
    static uint8_t bytes[20000];
    struct store *store = open_store(home, SMALL_MAP, false);
    for (int pass = 0; pass < 60; pass++) {
        memcpy(current, committed, sizeof current);
        for (uint64_t i = prng_below(&prng, 40); i > 0; i--) {
            uint8_t key[4];
            uint32_t number = (uint32_t)prng_below(&prng, MODEL_KEYS);
            put_be32(key, number);
            if (prng_below(&prng, 4) == 0) {
                store_del(store, STORE_CERTIFICATES, key, sizeof key);
                current[number].there = false;
                continue;
            }
            uint64_t most = prng_below(&prng, 10) == 0 ? sizeof bytes : 200;
            struct model_entry entry = {true, (uint32_t)prng_below(&prng, most),
                                        (uint8_t)prng_next(&prng)};
            memset(bytes, entry.fill, entry.length);
            store_put(store, STORE_CERTIFICATES, key, sizeof key, bytes, entry.length);
            current[number] = entry;
        }
        assert_model(store, current);
        if (prng_below(&prng, 5) == 0) {
            store_close(store); /* as a crash would */
            store = open_store(home, SMALL_MAP, false);
        } else {
            store_commit(store);
            memcpy(committed, current, sizeof committed);
        }
        assert_model(store, committed);
    }
    store_close(store);
}

static int read_beside_writer(const struct folder *home)
{
    struct store *store = open_store(home, 0, true);
    struct span value;
    bool seen = store_get(store, STORE_META, "a", 1, &value) && value.length == 1 &&
                value.data[0] == '1' && !store_get(store, STORE_META, "open", 4, &value);
    store_close(store);
    return seen ? 0 : 1;
}

static int open_second_writer(const struct folder *home)
{
    struct store *store;
    struct store_options options = {.map_bytes = SMALL_MAP};
    return store_open(home->path, &options, &store, store_error, sizeof store_error) ==
                   STATUS_LOCKED
               ? 0
               : 1;
}

/* Goal: while one process writes, others read what is committed and cannot write. */
static void test_processes(void **state)
{
    struct folder *home = *state;
    struct store *store = open_store(home, SMALL_MAP, false);
    put_text(store, STORE_META, "a", "1");
    store_commit(store);
    put_text(store, STORE_META, "open", "not committed");
    assert_int_equal(in_child(read_beside_writer, home), 0);
    assert_int_equal(in_child(open_second_writer, home), 0);
    assert_int_equal(open_refused(home, false), STATUS_LOCKED);
    store_commit(store);
    assert_int_equal(store_reader_check(store), 0);
    store_close(store);
}

/* Goal: a reader's snapshot stands still until it is refreshed. */
static void test_refresh(void **state)
{
    struct folder *home = *state;
    struct store *store = open_store(home, SMALL_MAP, false);
    put_text(store, STORE_META, "a", "1");
    store_commit(store);
    int to_child[2];
    int from_child[2];
    char byte;
    assert_int_equal(pipe(to_child), 0);
    assert_int_equal(pipe(from_child), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct store *reader = open_store(home, 0, true);
        struct span value;
        bool good = store_get(reader, STORE_META, "a", 1, &value) && value.data[0] == '1';
        good = write(from_child[1], "r", 1) == 1 && read(to_child[0], &byte, 1) == 1 && good;
        good = store_get(reader, STORE_META, "a", 1, &value) && value.data[0] == '1' && good;
        store_refresh(reader);
        good = store_get(reader, STORE_META, "a", 1, &value) && value.data[0] == '2' && good;
        store_close(reader);
        _exit(good ? 0 : 1);
    }
    assert_int_equal(read(from_child[0], &byte, 1), 1);
    put_text(store, STORE_META, "a", "2");
    store_commit(store);
    assert_int_equal(write(to_child[1], "w", 1), 1);
    int outcome;
    assert_int_equal(waitpid(child, &outcome, 0), child);
    assert_true(WIFEXITED(outcome) && WEXITSTATUS(outcome) == 0);
    for (int i = 0; i < 2; i++) {
        (void)close(to_child[i]);
        (void)close(from_child[i]);
    }
    store_close(store);
}

/* Goal: a copy of data.mdb alone is enough, in a folder that may only be read. */
static void test_copy(void **state)
{
    struct folder *home = *state;
    struct folder copy;
    static uint8_t data[1u << 20];
    struct store *store = open_store(home, SMALL_MAP, false);
    put_text(store, STORE_META, "a", "1");
    store_commit(store);
    store_close(store);
    folder_make(&copy);
    size_t length = file_get(folder_file(home, "chain/data.mdb"), data, sizeof data);
    assert_in_range(length, 1, sizeof data - 1);
    assert_int_equal(open_refused(&copy, true), STATUS_NOT_FOUND);
    assert_int_equal(mkdir(folder_file(&copy, "chain"), 0755), 0);
    file_put(folder_file(&copy, "chain/data.mdb"), data, length, 0444);
    assert_int_equal(chmod(folder_file(&copy, "chain"), 0555), 0);
    store = open_store(&copy, 0, true);
    assert_text(store, STORE_META, "a", "1");
    store_close(store);
    assert_int_equal(chmod(folder_file(&copy, "chain"), 0755), 0);
    folder_remove(&copy);
}

/* Goal: the figures of metrics are there and plausible. */
static void test_usage(void **state)
{
    struct folder *home = *state;
    struct store_usage usage;
    struct store *store = open_store(home, 0, false);
    put_text(store, STORE_VOTES, "a", "1");
    put_text(store, STORE_VOTES, "b", "1");
    store_commit(store);
    store_usage(store, &usage);
    assert_int_equal(usage.map_bytes, 256ull << 30);
    assert_int_equal(usage.entries[STORE_VOTES], 2);
    assert_int_equal(usage.entries[STORE_META], 1); /* schema */
    assert_int_equal(usage.entries[STORE_BLOCKS], 0);
    assert_in_range(usage.used_bytes, 4096, 1u << 20);
    assert_true(usage.commits >= 1);
    assert_true(usage.disk_total_bytes >= usage.disk_free_bytes && usage.disk_total_bytes > 0);
    /* The map is sparse: it costs no disk. */
    assert_in_range(file_length(folder_file(home, "chain/data.mdb")), 4096, 1u << 20);
    store_close(store);
}

/* Goal: a store of a later program is refused, not misread. */
static void test_schema(void **state)
{
    struct folder *home = *state;
    struct store *store = open_store(home, SMALL_MAP, false);
    store_put(store, STORE_META, "schema", 6, "\x63\0\0\0", 4);
    store_commit(store);
    store_close(store);
    assert_int_equal(open_refused(home, false), STATUS_VERSION);
    assert_int_equal(open_refused(home, true), STATUS_VERSION);
}

/* Goal: every table has a name, and only tables have one. */
static void test_names(void **state)
{
    (void)state;
    assert_null(store_table_name(0));
    assert_null(store_table_name(STORE_TABLE_COUNT));
    for (unsigned table = 1; table < STORE_TABLE_COUNT; table++) {
        assert_non_null(store_table_name(table));
        for (unsigned other = 1; other < table; other++) {
            assert_string_not_equal(store_table_name(table), store_table_name(other));
        }
    }
}

#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, store_home_make, store_home_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_put_get_del),   STORE_TEST(test_seek),      STORE_TEST(test_put_own_value),
        STORE_TEST(test_against_model), STORE_TEST(test_processes), STORE_TEST(test_refresh),
        STORE_TEST(test_copy),          STORE_TEST(test_usage),     STORE_TEST(test_schema),
        STORE_TEST(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
