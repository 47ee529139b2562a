/*
 * The vote register's file when it was lost, damaged, is another chain's or behind: what refuses to
 * start, and what --rejoin makes of it (docs/consensus.md, Rejoin; docs/operations.md, Rejoining).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "node/register.h"
#include "tests/support/folder.h"

static struct folder folder;
static char error[1024];
static const struct public_key owner = {{7, 7, 7}};
static const struct hash chain_a = {{1}};
static const struct hash chain_b = {{2}};
static char path[FOLDER_PATH_MAX + 128];
static char aside[FOLDER_PATH_MAX + 160];

/* A new path; no file is there. */
static void next_path(void)
{
    static unsigned number;
    char name[32];
    (void)snprintf(name, sizeof name, "register-%u", number++);
    (void)snprintf(path, sizeof path, "%s", folder_file(&folder, name));
    (void)snprintf(aside, sizeof aside, "%s.aside-1", path);
}

static struct register_file *open_with(enum status expect, const char *at)
{
    struct register_file *file = NULL;
    memset(error, 0, sizeof error);
    assert_int_equal(register_open(at, &owner, &file, error, sizeof error), expect);
    return file;
}

static struct register_file *rejoin(enum status expect)
{
    struct register_file *file = NULL;
    memset(error, 0, sizeof error);
    assert_int_equal(register_open_rejoining(path, &owner, &chain_a, &file, error, sizeof error),
                     expect);
    return file;
}

/* A register of chain a that has voted in view 8. */
static void make_used(void)
{
    next_path();
    assert_int_equal(register_create(path, &owner, error, sizeof error), STATUS_OK);
    struct register_file *file = open_with(STATUS_OK, path);
    assert_int_equal(register_bind(file, &chain_a, 1, error, sizeof error), STATUS_OK);
    struct vote_register content = *register_current(file);
    content.view = 8;
    content.voted[VOTE_NULLIFY - 1] = true;
    content.votes[VOTE_NULLIFY - 1] =
        (struct vote){.kind = VOTE_NULLIFY, .epoch = 1, .view = 8, .signer = 2};
    assert_int_equal(register_write(file, &content), STATUS_OK);
    register_close(file);
}

/* Whatever comes after it, a start that rejoins says so until a floor is set. */
static void assert_rejoining(uint64_t view)
{
    struct register_file *file = open_with(STATUS_OK, path);
    const struct vote_register *content = register_current(file);
    assert_true(content->rejoining);
    assert_false(content->behind);
    assert_int_equal(content->view, view);
    assert_true(hash_equal(&content->chain_id, &chain_a));
    assert_int_equal(register_may_start(file, path, error, sizeof error), STATUS_OK);
    register_close(file);
}

static void assert_names_the_way_back(void)
{
    assert_non_null(strstr(error, path));
    assert_non_null(strstr(error, "--rejoin"));
    assert_non_null(strstr(error, "sign against itself"));
}

static void test_a_missing_register(void **state)
{
    (void)state;
    next_path();
    assert_null(open_with(STATUS_NOT_FOUND, path));
    assert_names_the_way_back();
    register_close(rejoin(STATUS_OK));
    assert_rejoining(0);
    assert_int_equal(access(aside, F_OK), -1);
}

static void test_a_damaged_register(void **state)
{
    (void)state;
    for (unsigned length = 0; length <= 4097; length += 4097) {
        make_used();
        file_cut(path, (off_t)length);
        assert_null(open_with(STATUS_CORRUPT, path));
        assert_names_the_way_back();
        register_close(rejoin(STATUS_OK));
        assert_rejoining(0);
        assert_int_equal(file_length(aside), length);
    }
}

static void test_a_register_of_another_chain(void **state)
{
    /* It stays, beside the new one: on its own chain it is still the truth. */
    (void)state;
    make_used();
    struct register_file *file = open_with(STATUS_OK, path);
    assert_int_equal(register_bind(file, &chain_b, 1, error, sizeof error), STATUS_WRONG_CHAIN);
    assert_non_null(strstr(error, "--rejoin"));
    register_close(file);
    assert_int_equal(register_open_rejoining(path, &owner, &chain_b, &file, error, sizeof error),
                     STATUS_OK);
    assert_true(register_current(file)->rejoining);
    assert_true(hash_equal(&register_current(file)->chain_id, &chain_b));
    assert_int_equal(register_current(file)->view, 0);
    register_close(file);
    file = open_with(STATUS_OK, aside);
    assert_int_equal(register_current(file)->view, 8);
    assert_false(register_current(file)->rejoining);
    register_close(file);
}

static void test_a_whole_register_keeps_its_votes(void **state)
{
    /* A snapshot was restored: what it holds was signed, and there may be more. */
    (void)state;
    make_used();
    struct register_file *file = rejoin(STATUS_OK);
    assert_true(register_current(file)->voted[VOTE_NULLIFY - 1]);
    /* Meanwhile nobody else may have it. */
    assert_null(rejoin(STATUS_LOCKED));
    assert_null(open_with(STATUS_LOCKED, path));
    register_close(file);
    assert_rejoining(8);
    assert_int_equal(access(aside, F_OK), -1);
    /* Another key's is not replaced: it stands at the wrong place. */
    const struct public_key other = {{9}};
    assert_int_equal(register_open_rejoining(path, &other, &chain_a, &file, error, sizeof error),
                     STATUS_BAD_KEY);
    assert_rejoining(8);
}

static void test_behind_refuses_until_rejoin(void **state)
{
    (void)state;
    make_used();
    struct register_file *file = open_with(STATUS_OK, path);
    assert_int_equal(register_may_start(file, path, error, sizeof error), STATUS_OK);
    struct vote_register content = *register_current(file);
    content.behind = true;
    assert_int_equal(register_write(file, &content), STATUS_OK);
    register_close(file);
    file = open_with(STATUS_OK, path);
    assert_int_equal(register_may_start(file, path, error, sizeof error), STATUS_DENIED);
    assert_names_the_way_back();
    register_close(file);
    register_close(rejoin(STATUS_OK));
    assert_rejoining(8);
}

static void test_the_floor_is_kept(void **state)
{
    (void)state;
    next_path();
    struct register_file *file = rejoin(STATUS_OK);
    struct vote_register content = *register_current(file);
    content.rejoining = false;
    content.floor_epoch = 3;
    content.floor_view = 77;
    content.floor_pending = true;
    assert_int_equal(register_write(file, &content), STATUS_OK);
    register_close(file);
    file = open_with(STATUS_OK, path);
    assert_false(register_current(file)->rejoining);
    assert_true(register_current(file)->floor_pending);
    assert_int_equal(register_current(file)->floor_epoch, 3);
    assert_int_equal(register_current(file)->floor_view, 77);
    register_close(file);
}

static void test_flags_of_a_later_version(void **state)
{
    /* What they mean is not known here, so neither is what may be signed. */
    (void)state;
    make_used();
    uint8_t bytes[REGISTER_FILE_BYTES];
    FILE *file = fopen(path, "r+b");
    assert_non_null(file);
    assert_int_equal(fread(bytes, 1, sizeof bytes, file), sizeof bytes);
    for (unsigned i = 0; i < 2; i++) {
        uint8_t *slot = bytes + i * REGISTER_SLOT_BYTES;
        slot[12] |= 16;
        const struct hash checksum =
            hash_of(&PURPOSE_CHECKSUM, slot, REGISTER_SLOT_BYTES - HASH_BYTES);
        memcpy(slot + REGISTER_SLOT_BYTES - HASH_BYTES, checksum.bytes, HASH_BYTES);
    }
    rewind(file);
    assert_int_equal(fwrite(bytes, 1, sizeof bytes, file), sizeof bytes);
    assert_int_equal(fclose(file), 0);
    assert_null(open_with(STATUS_VERSION, path));
    assert_null(rejoin(STATUS_VERSION));
}

static void test_one_file_by_many_names(void **state)
{
    /* A hard link is the same file, so the lock holds; a symbolic link is refused as such; a copy
       is another file: only the network can tell (REGISTER_BEHIND, evidence). */
    (void)state;
    make_used();
    char other[FOLDER_PATH_MAX + 160];
    (void)snprintf(other, sizeof other, "%s.hard", path);
    assert_int_equal(link(path, other), 0);
    struct register_file *file = open_with(STATUS_OK, path);
    assert_null(open_with(STATUS_LOCKED, other));
    (void)snprintf(other, sizeof other, "%s.soft", path);
    assert_int_equal(symlink(path, other), 0);
    struct register_file *second = NULL;
    assert_int_not_equal(register_open(other, &owner, &second, error, sizeof error), STATUS_OK);
    assert_null(second);
    register_close(file);
    /* Nor when nobody holds it: setting it aside would leave the link pointing at nothing. */
    assert_int_not_equal(register_open(other, &owner, &second, error, sizeof error), STATUS_OK);
    assert_int_not_equal(
        register_open_rejoining(other, &owner, &chain_a, &second, error, sizeof error), STATUS_OK);
    assert_null(second);
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
        cmocka_unit_test(test_a_missing_register),
        cmocka_unit_test(test_a_damaged_register),
        cmocka_unit_test(test_a_register_of_another_chain),
        cmocka_unit_test(test_a_whole_register_keeps_its_votes),
        cmocka_unit_test(test_behind_refuses_until_rejoin),
        cmocka_unit_test(test_the_floor_is_kept),
        cmocka_unit_test(test_flags_of_a_later_version),
        cmocka_unit_test(test_one_file_by_many_names),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
