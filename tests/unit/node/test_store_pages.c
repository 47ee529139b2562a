/*
 * Pages of a read-only store (node/store_pages.h): a flipped bit in a page's header, in the offsets
 * and heads of its nodes, in a key or in the lists of tables and free pages never makes a reader
 * miss a row or see an older one: it reads what was put, or fails with CORRUPT.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/support/store_flips.h"
#include "tests/support/store_tools.h"

static uint64_t seed_of_run(void)
{
    const char *word = getenv("HEFU_TEST_SEED");
    return word != NULL ? strtoull(word, NULL, 10) : 20261123;
}

/* Goal: stores that no bit was flipped in are read, and are whole. */
static void test_sound(void **state)
{
    struct folder *home = *state;
    for (uint64_t seed = 0; seed < 8; seed++) {
        store_flips_fill(home, seed);
        struct store *store = open_store(home, SMALL_MAP, true);
        assert_int_equal(store_flips_read(store), 0);
        store_check_whole(store);
        store_close(store);
        folder_remove(home);
        folder_make(home);
    }
}

/* Goal: some flips of every kind, on every page. */
static void test_flips(void **state)
{
    const struct store_flips flips = {.heads = 200, .nodes = 10000, .others = 40000};
    store_flips_try(*state, seed_of_run(), &flips);
}

/* Commits until the parent takes its file away, or ends. */
static int write_on(const struct folder *home)
{
    struct store *store = open_store(home, SMALL_MAP, false);
    uint8_t key[4] = {0}, value[64] = {0};
    const pid_t parent = getppid();
    for (uint32_t i = 0; access(folder_file(home, "go-on"), F_OK) == 0 && getppid() == parent;
         i++) {
        put_be32(key, i % 500);
        put_be32(value, i);
        store_put(store, STORE_VOTES, key, sizeof key, value, sizeof value);
        store_put(store, STORE_OPEN_BLOCKS, key, sizeof key, value, sizeof value);
        store_commit(store);
    }
    store_close(store);
    return 0;
}

/* Goal: a reader beside a writer that commits all the time never takes its own snapshot, of which
   the writer overwrites the head, for damage; what one commit wrote it sees whole. */
static void test_beside_writer(void **state)
{
    struct folder *home = *state;
    store_close(open_store(home, SMALL_MAP, false));
    file_put_text(folder_file(home, "go-on"), "");
    const pid_t child = fork();
    if (child == 0) {
        _exit(write_on(home));
    }
    struct store *store = open_store(home, SMALL_MAP, true);
    uint64_t snapshots = 0, seen = 0, last = 0;
    for (unsigned i = 0; i < 6000; i++) {
        struct span key, vote, block;
        uint8_t wanted[4];
        store_refresh(store);
        put_be32(wanted, i % 500);
        const bool there = store_get(store, STORE_VOTES, wanted, sizeof wanted, &vote);
        assert_int_equal(store_get(store, STORE_OPEN_BLOCKS, wanted, sizeof wanted, &block), there);
        if (there) {
            assert_memory_equal(vote.data, block.data, 64);
            seen = get_be32(vote.data);
            snapshots += seen != last;
            last = seen;
        }
        (void)store_seek(store, STORE_VOTES, NULL, 0, &key, &vote);
    }
    store_close(store);
    assert_int_equal(unlink(folder_file(home, "go-on")), 0);
    int outcome;
    assert_int_equal(waitpid(child, &outcome, 0), child);
    assert_true(WIFEXITED(outcome) && WEXITSTATUS(outcome) == 0);
    assert_true(snapshots > 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sound, store_home_make, store_home_remove),
        cmocka_unit_test_setup_teardown(test_beside_writer, store_home_make, store_home_remove),
        cmocka_unit_test_setup_teardown(test_flips, store_home_make, store_home_remove),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
