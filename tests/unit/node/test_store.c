/*
 * The store (node/store.h): reads see the pass's writes, a pass is durable whole or not at all,
 * damage is noticed and storage failures never return. Against a model, by seed, and by damaging
 * files.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/prng.h"
#include "node/store.h"
#include "tests/support/folder.h"

#define ERROR_BYTES 2048
#define SMALL_MAP (64ull << 20)

static char error[ERROR_BYTES];

/* ---- Failures that a test expects: the handler jumps back into it ---- */

struct failure {
    sigjmp_buf jump;
    enum status status;
    char what[ERROR_BYTES];
};

static void on_failure(void *context, enum status status, const char *what)
{
    struct failure *failure = context;
    failure->status = status;
    (void)snprintf(failure->what, sizeof failure->what, "%s", what);
    siglongjmp(failure->jump, 1);
}

/* ---- Shorthands ---- */

static struct store *open_store(const struct folder *home, uint64_t map_bytes, bool read_only)
{
    struct store_options options = {.map_bytes = map_bytes, .read_only = read_only};
    struct store *store = NULL;
    enum status status = store_open(home->path, &options, &store, error, sizeof error);
    if (status != STATUS_OK) {
        print_error("%s\n", error);
    }
    assert_int_equal(status, STATUS_OK);
    return store;
}

static enum status open_refused(const struct folder *home, bool read_only)
{
    struct store_options options = {.map_bytes = SMALL_MAP, .read_only = read_only};
    struct store *store = NULL;
    memset(error, 0, sizeof error);
    enum status status = store_open(home->path, &options, &store, error, sizeof error);
    assert_null(store);
    assert_non_null(strstr(error, home->path));
    return status;
}

static void put_text(struct store *store, enum store_table table, const char *key,
                     const char *value)
{
    store_put(store, table, key, strlen(key), value, strlen(value));
}

static void assert_text(struct store *store, enum store_table table, const char *key,
                        const char *value)
{
    struct span found;
    bool there = store_get(store, table, key, strlen(key), &found);
    assert_int_equal(there, value != NULL);
    if (there && value != NULL) {
        assert_int_equal(found.length, strlen(value));
        assert_memory_equal(found.data, value, found.length);
    }
}

static void assert_span(struct span span, const char *text)
{
    assert_int_equal(span.length, strlen(text));
    assert_memory_equal(span.data, text, span.length);
}

/* Runs a step in a child process, since an environment may be opened only once in a process. */
static int in_child(int (*step)(const struct folder *home), const struct folder *home)
{
    int outcome;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        _exit(step(home));
    }
    assert_int_equal(waitpid(child, &outcome, 0), child);
    assert_true(WIFEXITED(outcome));
    return WEXITSTATUS(outcome);
}

/* What the program says to its user on stderr is expected here. */
static void silence(void)
{
    if (freopen("/dev/null", "w", stderr) == NULL) {
        _exit(99);
    }
}

/* ---- Tests ---- */

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
    char name[8];
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
    return store_open(home->path, &options, &store, error, sizeof error) == STATUS_LOCKED ? 0 : 1;
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

/* Writes a value that is easy to find in the file, closes, and gives its place there. */
static long place_of_value(struct folder *home, enum store_table table, const char *value)
{
    static uint8_t data[4u << 20];
    struct store *store = open_store(home, SMALL_MAP, false);
    put_text(store, table, "k", value);
    store_commit(store);
    store_close(store);
    size_t length = file_get(folder_file(home, "chain/data.mdb"), data, sizeof data);
    const uint8_t *found = memmem(data, length, value, strlen(value));
    assert_non_null(found);
    return (long)(found - data);
}

/* Goal: a flipped byte of a value, of its checksum or of its key is CORRUPT, not other data. */
static void test_flipped_bytes(void **state)
{
    struct folder *home = *state;
    static const char value[] = "a value that stands nowhere else in the file";
    long place = place_of_value(home, STORE_META, value);
    const long places[] = {place, place + (long)sizeof value - 2, place + (long)sizeof value,
                           place - 1};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        static struct failure failure;
        file_flip(folder_file(home, "chain/data.mdb"), places[i]);
        struct store *store = open_store(home, SMALL_MAP, true);
        struct span key;
        struct span found;
        failure.status = STATUS_OK;
        store_on_failure(store, on_failure, &failure);
        if (sigsetjmp(failure.jump, 1) == 0) {
            (void)store_seek(store, STORE_META, "", 0, &key, &found);
            fail_msg("place %zu was not noticed", i);
        }
        assert_int_equal(failure.status, STATUS_CORRUPT);
        assert_non_null(strstr(failure.what, "meta"));
        store_close(store);
        file_flip(folder_file(home, "chain/data.mdb"), places[i]);
    }
    struct store *store = open_store(home, SMALL_MAP, true);
    assert_text(store, STORE_META, "k", value);
    store_close(store);
}

static int read_damaged_with_usual_handler(const struct folder *home)
{
    struct store *store = open_store(home, SMALL_MAP, true);
    struct span found;
    silence();
    (void)store_get(store, STORE_META, "k", 1, &found);
    return 0;
}

/* Goal: without a handler of one's own the process ends with 3. */
static void test_usual_handler(void **state)
{
    struct folder *home = *state;
    long place = place_of_value(home, STORE_META, "another value that stands nowhere else");
    file_flip(folder_file(home, "chain/data.mdb"), place);
    assert_int_equal(in_child(read_damaged_with_usual_handler, home), 3);
}

/* Goal: a truncated file is refused with advice at every length, at once or at the read; never a
   crash, never other data. */
static int open_and_read_all(const struct folder *home)
{
    struct store_options options = {.read_only = true};
    struct store *store;
    silence();
    if (store_open(home->path, &options, &store, error, sizeof error) != STATUS_OK) {
        return strstr(error, home->path) != NULL ? 3 : 1;
    }
    for (uint32_t i = 0; i < 2000; i++) {
        uint8_t key[4];
        struct span value;
        put_be32(key, i);
        if (!store_get(store, STORE_VERDICTS, key, sizeof key, &value) || value.length != 500) {
            return 2;
        }
    }
    store_close(store);
    return 0;
}

static void test_truncated(void **state)
{
    struct folder *home = *state;
    static const uint8_t value[500] = {1};
    struct store *store = open_store(home, SMALL_MAP, false);
    for (uint32_t i = 0; i < 2000; i++) {
        uint8_t key[4];
        put_be32(key, i);
        store_append(store, STORE_VERDICTS, key, sizeof key, value, sizeof value);
    }
    store_commit(store);
    store_close(store);
    const char *path = folder_file(home, "chain/data.mdb");
    long length = file_length(path);
    assert_int_equal(in_child(open_and_read_all, home), 0);
    const long cuts[] = {length - 4096, length - 1, length / 2, 3 * 4096, 8192, 5000, 100, 0};
    for (size_t i = 0; i < sizeof cuts / sizeof *cuts; i++) {
        file_cut(path, cuts[i]);
        int outcome = in_child(open_and_read_all, home);
        if (outcome != 3) {
            fail_msg("cut to %ld: %d", cuts[i], outcome);
        }
    }
}

/* Goal: foreign bytes in place of the store are refused. */
static void test_foreign_file(void **state)
{
    struct folder *home = *state;
    static uint8_t garbage[3 * 4096];
    struct prng prng = prng_seeded(7);
    for (size_t i = 0; i < sizeof garbage; i++) {
        garbage[i] = (uint8_t)prng_next(&prng);
    }
    assert_int_equal(mkdir(folder_file(home, "chain"), 0755), 0);
    file_put(folder_file(home, "chain/data.mdb"), garbage, sizeof garbage, 0644);
    assert_int_equal(open_refused(home, false), STATUS_CORRUPT);
    assert_int_equal(open_refused(home, true), STATUS_CORRUPT);
}

/* Fills passes of 1 MB until the store fails; how many were committed. */
static int fill(struct store *store, struct failure *failure)
{
    static uint8_t big[1u << 20];
    static volatile int committed;
    committed = 0;
    store_on_failure(store, on_failure, failure);
    if (sigsetjmp(failure->jump, 1) == 0) {
        for (uint32_t i = 0; i < 200; i++) {
            uint8_t key[4];
            put_be32(key, i);
            memset(big, (int)i, sizeof big);
            store_put(store, STORE_BATCHES, key, sizeof key, big, sizeof big);
            store_commit(store);
            committed++;
        }
    }
    return committed;
}

static void assert_filled(const struct folder *home, int committed)
{
    struct store *store = open_store(home, 256ull << 20, false);
    for (uint32_t i = 0; i < 200; i++) {
        uint8_t key[4];
        struct span value;
        put_be32(key, i);
        assert_int_equal(store_get(store, STORE_BATCHES, key, sizeof key, &value),
                         i < (uint32_t)committed);
    }
    put_text(store, STORE_META, "after", "works");
    store_commit(store);
    assert_text(store, STORE_META, "after", "works");
    store_close(store);
}

/* Goal: a full map is NO_SPACE with its advice; what was committed stays, a larger map goes on. */
static void test_full_map(void **state)
{
    struct folder *home = *state;
    static struct failure failure;
    struct store *store = open_store(home, SMALL_MAP, false);
    int committed = fill(store, &failure);
    assert_int_equal(failure.status, STATUS_NO_SPACE);
    assert_non_null(strstr(failure.what, "map_size"));
    assert_in_range(committed, 10, 63);
    store_close(store);
    assert_filled(home, committed);
}

static int fill_small_disk(const struct folder *home)
{
    static struct failure failure;
    const struct rlimit limit = {.rlim_cur = 8u << 20, .rlim_max = 8u << 20};
    struct store *store = open_store(home, SMALL_MAP, false);
    (void)signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) {
        return 1;
    }
    int committed = fill(store, &failure);
    /* EFBIG, or EIO where the write came back short. */
    if (failure.status != STATUS_NO_SPACE && failure.status != STATUS_IO) {
        return 1;
    }
    store_close(store);
    return 100 + committed;
}

/* Goal: a file system that takes no more bytes stops the node; the last commit is whole. */
static void test_full_disk(void **state)
{
    struct folder *home = *state;
    int committed = in_child(fill_small_disk, home) - 100;
    assert_in_range(committed, 3, 8);
    assert_filled(home, committed);
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
    store_put(store, STORE_META, "schema", 6, "\x02\0\0\0", 4);
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

static int setup(void **state)
{
    static struct folder home;
    folder_make(&home);
    *state = &home;
    return sodium_init() < 0 ? -1 : 0;
}

static int teardown(void **state)
{
    folder_remove(*state);
    return 0;
}

#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_put_get_del),   STORE_TEST(test_seek),
        STORE_TEST(test_put_own_value), STORE_TEST(test_against_model),
        STORE_TEST(test_processes),     STORE_TEST(test_refresh),
        STORE_TEST(test_copy),          STORE_TEST(test_flipped_bytes),
        STORE_TEST(test_usual_handler), STORE_TEST(test_truncated),
        STORE_TEST(test_foreign_file),  STORE_TEST(test_full_map),
        STORE_TEST(test_full_disk),     STORE_TEST(test_usage),
        STORE_TEST(test_schema),        STORE_TEST(test_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
