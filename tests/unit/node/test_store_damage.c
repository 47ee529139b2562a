/*
 * The store's failures (node/store.h): damaged, truncated and foreign files, full maps and disks.
 * What was committed is never other data: it is read, or the failure is reported and final.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/prng.h"
#include "tests/support/store_tools.h"

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
        static struct expected_failure failure;
        file_flip(folder_file(home, "chain/data.mdb"), places[i]);
        struct store *store = open_store(home, SMALL_MAP, true);
        struct span key;
        struct span found;
        failure.status = STATUS_OK;
        store_on_failure(store, expected_failure_handler, &failure);
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

/* Goal: a store whose creation was cut short is made anew, wherever that was; without the mark of a
   creation the same file is damage. */
static void test_unfinished_creation(void **state)
{
    struct folder *home = *state;
    static const off_t lengths[] = {0, 100, 4096, 8192};
    store_close(open_store(home, SMALL_MAP, false));
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        assert_int_equal(truncate(folder_file(home, "chain/data.mdb"), lengths[i]), 0);
        if (lengths[i] == 100 || lengths[i] == 4096) {
            assert_int_equal(open_refused(home, false), STATUS_CORRUPT);
        }
        FILE *mark = fopen(folder_file(home, "chain/creating"), "w");
        assert_non_null(mark);
        assert_int_equal(fclose(mark), 0);
        assert_int_equal(open_refused(home, true), STATUS_NOT_FOUND);
        struct store *store = open_store(home, SMALL_MAP, false);
        put_text(store, STORE_META, "k", "value");
        store_commit(store);
        store_close(store);
        assert_int_not_equal(access(folder_file(home, "chain/creating"), F_OK), 0);
        store = open_store(home, SMALL_MAP, true);
        assert_text(store, STORE_META, "k", "value");
        store_close(store);
    }
}

/* Goal: a truncated file is refused with advice at every length, at once or at the read; never a
   crash, never other data. */
static int open_and_read_all(const struct folder *home)
{
    struct store_options options = {.read_only = true};
    struct store *store;
    silence();
    if (store_open(home->path, &options, &store, store_error, sizeof store_error) != STATUS_OK) {
        return strstr(store_error, home->path) != NULL ? 3 : 1;
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

static void put_byte(const char *path, size_t offset, uint8_t byte)
{
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fseek(file, (long)offset, SEEK_SET), 0);
    assert_int_equal(fwrite(&byte, 1, 1, file), 1);
    assert_int_equal(fclose(file), 0);
}

/* Goal: every flipped bit of the two heads is told or does not matter; LMDB alone divides by a page
   size of 0. */
static void test_heads(void **state)
{
    struct folder *home = *state;
    static uint8_t data[4u << 20];
    struct store *store = open_store(home, SMALL_MAP, false);
    uint8_t key[4], value[500] = {1};
    for (uint32_t i = 0; i < 2000; i++) {
        put_be32(key, i);
        store_put(store, STORE_VERDICTS, key, sizeof key, value, sizeof value);
    }
    store_commit(store);
    put_text(store, STORE_META, "k", "value");
    store_commit(store);
    store_close(store);
    const char *path = folder_file(home, "chain/data.mdb");
    const size_t length = file_get(path, data, sizeof data);
    assert_true(length < sizeof data);
    for (size_t at = 0; at < 2 * 152u; at++) {
        const size_t offset = at < 152 ? at : 4096 + at - 152;
        for (unsigned bit = 0; bit < 8; bit++) {
            put_byte(path, offset, (uint8_t)(data[offset] ^ 1u << bit));
            const int outcome = in_child(open_and_read_all, home);
            put_byte(path, offset, data[offset]);
            if (outcome != 0 && outcome != 3) {
                fail_msg("byte %zu, bit %u: %d", offset, bit, outcome);
            }
        }
    }
}

/* Goal: heads that agree on pages larger than LMDB's largest, 32 KiB, are refused at once: the
   checks of a page have room for no more. */
static void test_large_pages(void **state)
{
    struct folder *home = *state;
    static uint8_t data[1u << 18];
    const struct store_options options = {.read_only = true};
    struct store *store = open_store(home, SMALL_MAP, false);
    put_text(store, STORE_META, "k", "value");
    store_commit(store);
    store_close(store);
    const char *path = folder_file(home, "chain/data.mdb");
    assert_true(file_get(path, data, sizeof data) < 1u << 16);
    put_le32(data + 40, 1u << 16);
    memcpy(data + (1u << 16), data + 4096, 152);
    put_le32(data + (1u << 16) + 40, 1u << 16);
    for (size_t at = 0; at < sizeof data; at++) {
        if (at < 152 || at == sizeof data - 1 || (at >= 1u << 16 && at < (1u << 16) + 152)) {
            put_byte(path, at, data[at]);
        }
    }
    assert_int_equal(store_open(home->path, &options, &store, store_error, sizeof store_error),
                     STATUS_CORRUPT);
    assert_non_null(strstr(store_error, "they state no page size"));
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
static int fill(struct store *store, struct expected_failure *failure)
{
    static uint8_t big[1u << 20];
    static volatile int committed;
    committed = 0;
    store_on_failure(store, expected_failure_handler, failure);
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
    static struct expected_failure failure;
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
    static struct expected_failure failure;
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

#define STORE_TEST(test) cmocka_unit_test_setup_teardown(test, store_home_make, store_home_remove)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORE_TEST(test_flipped_bytes), STORE_TEST(test_usual_handler),
        STORE_TEST(test_truncated),     STORE_TEST(test_heads),
        STORE_TEST(test_large_pages),   STORE_TEST(test_unfinished_creation),
        STORE_TEST(test_foreign_file),  STORE_TEST(test_full_map),
        STORE_TEST(test_full_disk),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
