/*
 * The vote register's file (node/register.h): it never forgets a completed write, never serves two
 * processes, and refuses when it cannot know what was signed.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/prng.h"
#include "node/register.h"
#include "tests/support/folder.h"

static struct folder folder;
static char error[512];
static const struct public_key owner = {{7, 7, 7}};
static const struct hash chain_a = {{1}};
static const struct hash chain_b = {{2}};

/* A register at a path of its own. */
static const char *fresh(void)
{
    static unsigned number;
    char name[32];
    (void)snprintf(name, sizeof name, "register-%u", number++);
    const char *path = folder_file(&folder, name);
    static char kept[FOLDER_PATH_MAX + 128];
    (void)snprintf(kept, sizeof kept, "%s", path);
    assert_int_equal(register_create(kept, &owner, error, sizeof error), STATUS_OK);
    return kept;
}

static struct register_file *open_good(const char *path)
{
    struct register_file *file = NULL;
    assert_int_equal(register_open(path, &owner, &file, error, sizeof error), STATUS_OK);
    return file;
}

static enum status open_bad(const char *path)
{
    struct register_file *file = NULL;
    memset(error, 0, sizeof error);
    enum status status = register_open(path, &owner, &file, error, sizeof error);
    assert_null(file);
    assert_non_null(strstr(error, path));
    return status;
}

static struct vote_register at_view(uint64_t view)
{
    struct vote_register content;
    memset(&content, 0, sizeof content);
    content.chain_id = chain_a;
    content.view = view;
    for (unsigned kind = 0; kind < 3; kind += 2) {
        content.voted[kind] = true;
        content.votes[kind] = (struct vote){
            .kind = (enum vote_kind)(kind + 1), .signer = 3, .epoch = 0, .view = view};
        content.votes[kind].candidate.parent_view = view - 1;
        content.votes[kind].candidate.block_hash.bytes[5] = (uint8_t)view;
        memset(content.votes[kind].signature.bytes, (int)view, 64);
    }
    return content;
}

static void assert_same(const struct vote_register *a, const struct vote_register *b)
{
    assert_memory_equal(&a->chain_id, &b->chain_id, sizeof a->chain_id);
    assert_int_equal(a->epoch, b->epoch);
    assert_int_equal(a->view, b->view);
    assert_int_equal(a->floor_epoch, b->floor_epoch);
    assert_int_equal(a->floor_view, b->floor_view);
    for (unsigned kind = 0; kind < 3; kind++) {
        assert_int_equal(a->voted[kind], b->voted[kind]);
        if (a->voted[kind]) {
            assert_true(vote_same_preimage(&a->votes[kind], &b->votes[kind]));
            assert_int_equal(a->votes[kind].signer, b->votes[kind].signer);
            assert_memory_equal(&a->votes[kind].signature, &b->votes[kind].signature, 64);
        }
    }
}

/* Goal: unbound, bound once, written, read back, for many writes. */
static void test_life(void **state)
{
    (void)state;
    const char *path = fresh();
    struct register_file *file = open_good(path);
    assert_false(register_is_bound(file));
    assert_false(register_had_damage(file));
    assert_int_equal(register_current(file)->view, 0);
    assert_int_equal(register_bind(file, &chain_a, 0, error, sizeof error), STATUS_OK);
    assert_true(register_is_bound(file));
    assert_int_equal(register_bind(file, &chain_a, 0, error, sizeof error), STATUS_OK);
    assert_int_equal(register_bind(file, &chain_b, 0, error, sizeof error), STATUS_WRONG_CHAIN);
    register_close(file);
    for (uint64_t view = 1; view <= 5; view++) {
        struct vote_register content = at_view(view);
        file = open_good(path);
        assert_true(register_is_bound(file));
        assert_int_equal(register_write(file, &content), STATUS_OK);
        assert_same(register_current(file), &content);
        register_close(file);
        file = open_good(path);
        assert_same(register_current(file), &content);
        register_close(file);
    }
    assert_int_equal(file_length(path), REGISTER_FILE_BYTES);
}

/* Goal: one process at a time; a second one is told why. */
static void test_lock(void **state)
{
    (void)state;
    const char *path = fresh();
    struct register_file *file = open_good(path);
    assert_int_equal(open_bad(path), STATUS_LOCKED);
    assert_non_null(strstr(error, "another process"));
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct register_file *second;
        _exit(register_open(path, &owner, &second, error, sizeof error) == STATUS_LOCKED ? 0 : 1);
    }
    int outcome;
    assert_int_equal(waitpid(child, &outcome, 0), child);
    assert_true(WIFEXITED(outcome) && WEXITSTATUS(outcome) == 0);
    register_close(file);
    register_close(open_good(path));
}

/* Goal: a missing file, another key's file and a second creation are refused. */
static void test_refusals(void **state)
{
    (void)state;
    const char *path = fresh();
    struct public_key other = {{9}};
    struct register_file *file = NULL;
    assert_int_equal(register_create(path, &owner, error, sizeof error), STATUS_EXISTS);
    assert_int_equal(register_open(path, &other, &file, error, sizeof error), STATUS_BAD_KEY);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(open_bad(path), STATUS_NOT_FOUND);
    assert_non_null(strstr(error, "this key must not vote"));
}

/* Goal: with any byte of either slot damaged, what is read is a state that was written: the newest
   if its slot is whole, the one before it if not. Seeded places. */
static void test_flipped_bytes(void **state)
{
    (void)state;
    const uint64_t seed = 20261123;
    print_message("seed %llu\n", (unsigned long long)seed);
    struct prng prng = prng_seeded(seed);
    const char *path = fresh();
    struct register_file *file = open_good(path);
    struct vote_register older = at_view(8);
    struct vote_register newer = at_view(9);
    assert_int_equal(register_bind(file, &chain_a, 0, error, sizeof error), STATUS_OK); /* 2 */
    assert_int_equal(register_write(file, &older), STATUS_OK);                          /* 3 */
    assert_int_equal(register_write(file, &newer), STATUS_OK);                          /* 4 */
    register_close(file);
    for (int i = 0; i < 300; i++) {
        long at = (long)prng_below(&prng, REGISTER_FILE_BYTES);
        file_flip(path, at);
        file = open_good(path);
        assert_true(register_had_damage(file));
        assert_same(register_current(file), at < REGISTER_SLOT_BYTES ? &older : &newer);
        register_close(file);
        file_flip(path, at);
    }
    file_flip(path, 100);
    file_flip(path, REGISTER_SLOT_BYTES + 100);
    assert_int_equal(open_bad(path), STATUS_CORRUPT);
    assert_non_null(strstr(error, "this key must not vote"));
}

/* Goal: a torn write of the next state loses that write alone; writing goes on over the torn slot.
 */
static void test_torn_write(void **state)
{
    (void)state;
    const char *path = fresh();
    uint8_t before[REGISTER_FILE_BYTES];
    uint8_t after[REGISTER_FILE_BYTES];
    struct register_file *file = open_good(path);
    struct vote_register older = at_view(8);
    struct vote_register newer = at_view(9);
    assert_int_equal(register_bind(file, &chain_a, 0, error, sizeof error), STATUS_OK);
    assert_int_equal(register_write(file, &older), STATUS_OK);
    assert_int_equal(file_get(path, before, sizeof before), sizeof before);
    assert_int_equal(register_write(file, &newer), STATUS_OK);
    assert_int_equal(file_get(path, after, sizeof after), sizeof after);
    register_close(file);
    /* Exactly one slot changed: the newest is never written over. */
    assert_memory_equal(before + REGISTER_SLOT_BYTES, after + REGISTER_SLOT_BYTES,
                        REGISTER_SLOT_BYTES);
    for (size_t cut = 0; cut < REGISTER_SLOT_BYTES; cut += 512) {
        uint8_t torn[REGISTER_FILE_BYTES];
        memcpy(torn, before, sizeof torn);
        memcpy(torn, after, cut);
        file_put(path, torn, sizeof torn, 0600);
        file = open_good(path);
        assert_same(register_current(file), &older);
        assert_int_equal(register_write(file, &newer), STATUS_OK);
        register_close(file);
        file = open_good(path);
        assert_false(register_had_damage(file));
        assert_same(register_current(file), &newer);
        register_close(file);
    }
}

/* Goal: short files and foreign bytes are damage, not a start from nothing. */
static void test_short_files(void **state)
{
    (void)state;
    const char *path = fresh();
    file_cut(path, 0);
    assert_int_equal(open_bad(path), STATUS_CORRUPT);
    file_put_text(path, "not a register");
    assert_int_equal(open_bad(path), STATUS_CORRUPT);
    /* A whole slot is left, but the other one may have been newer. */
    path = fresh();
    file_cut(path, REGISTER_SLOT_BYTES);
    assert_int_equal(open_bad(path), STATUS_CORRUPT);
}

/* Goal: a write that the file system refuses is reported, and what was written before stays. */
static void test_full_disk(void **state)
{
    (void)state;
    const char *path = fresh();
    struct register_file *file = open_good(path);
    struct vote_register content = at_view(4);
    assert_int_equal(register_bind(file, &chain_a, 0, error, sizeof error), STATUS_OK);
    register_close(file);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit limit = {.rlim_cur = 1024, .rlim_max = 1024};
        (void)signal(SIGXFSZ, SIG_IGN);
        struct register_file *small;
        int wrong = register_open(path, &owner, &small, error, sizeof error) != STATUS_OK;
        wrong = wrong || setrlimit(RLIMIT_FSIZE, &limit) != 0;
        _exit(wrong || register_write(small, &content) != STATUS_NO_SPACE);
    }
    int outcome;
    assert_int_equal(waitpid(child, &outcome, 0), child);
    assert_true(WIFEXITED(outcome) && WEXITSTATUS(outcome) == 0);
    file = open_good(path);
    assert_int_equal(register_current(file)->view, 0);
    assert_true(register_is_bound(file));
    register_close(file);
}

static int setup(void **state)
{
    (void)state;
    folder_make(&folder);
    return sodium_init() < 0 ? -1 : 0;
}

static int teardown(void **state)
{
    (void)state;
    folder_remove(&folder);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_life),       cmocka_unit_test(test_lock),
        cmocka_unit_test(test_refusals),   cmocka_unit_test(test_flipped_bytes),
        cmocka_unit_test(test_torn_write), cmocka_unit_test(test_short_files),
        cmocka_unit_test(test_full_disk),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
