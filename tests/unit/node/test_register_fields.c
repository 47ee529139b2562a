/*
 * The vote register's file, field by field (docs/formats.md, Vote register): a slot with a right
 * checksum and a wrong field is damage all the same; and what register_write never lets happen,
 * whatever its caller thinks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/bytes.h"
#include "base/hash.h"
#include "node/register.h"
#include "node/rows.h"
#include "tests/support/folder.h"

#define CHECKSUM_AT (REGISTER_SLOT_BYTES - HASH_BYTES)
#define MASK_AT 120
#define VOTES_AT 128
#define EPOCH_IN_VOTE 8
#define VIEW_IN_VOTE 16

static struct folder folder;
static char error[512];
static char path[FOLDER_PATH_MAX + 64];
static const struct public_key owner = {{7, 7, 7}};
static const struct hash chain = {{1}};

/* Writes a register at view 8, then at view 9 with a NOTARIZE and a FINALIZE; the newest slot is
   the first of the file. */
static struct vote_register at_view(uint64_t view)
{
    struct vote_register content;
    memset(&content, 0, sizeof content);
    content.chain_id = chain;
    content.epoch = 1;
    content.view = view;
    for (unsigned kind = 0; kind < 3; kind += 2) {
        content.voted[kind] = true;
        content.votes[kind] = (struct vote){
            .kind = (enum vote_kind)(kind + 1), .signer = 3, .epoch = 1, .view = view};
        content.votes[kind].candidate.block_hash.bytes[5] = (uint8_t)view;
    }
    return content;
}

static void make(void)
{
    struct register_file *file = NULL;
    (void)snprintf(path, sizeof path, "%s", folder_file(&folder, "register"));
    (void)unlink(path);
    assert_int_equal(register_create(path, &owner, error, sizeof error), STATUS_OK);
    assert_int_equal(register_open(path, &owner, &file, error, sizeof error), STATUS_OK);
    assert_int_equal(register_bind(file, &chain, 1, error, sizeof error), STATUS_OK);
    for (uint64_t view = 8; view <= 9; view++) {
        const struct vote_register content = at_view(view);
        assert_int_equal(register_write(file, &content), STATUS_OK);
    }
    register_close(file);
}

/* Changes one byte of the newest slot, makes its checksum right again, and opens. Whether the slot
   is taken for damage, so that the one before it counts. */
static bool is_damage(size_t at, uint8_t value)
{
    uint8_t bytes[REGISTER_FILE_BYTES];
    struct register_file *file = NULL;
    make();
    assert_int_equal(file_get(path, bytes, sizeof bytes), sizeof bytes);
    bytes[at] ^= value;
    const struct hash checksum = hash_of(&PURPOSE_CHECKSUM, bytes, CHECKSUM_AT);
    memcpy(bytes + CHECKSUM_AT, checksum.bytes, HASH_BYTES);
    file_put(path, bytes, sizeof bytes, 0600);
    assert_int_equal(register_open(path, &owner, &file, error, sizeof error), STATUS_OK);
    const bool damage = register_had_damage(file);
    assert_int_equal(register_current(file)->view, damage ? 8 : 9);
    register_close(file);
    return damage;
}

static void test_fields(void **state)
{
    (void)state;
    assert_false(is_damage(0, 0));
    assert_true(is_damage(0, 1));                         /* magic */
    assert_true(is_damage(16, 1));                        /* sequence: the other slot's */
    assert_true(is_damage(MASK_AT, 8));                   /* a fourth kind of vote */
    assert_true(is_damage(VOTES_AT, 2));                  /* NOTARIZE becomes FINALIZE */
    assert_true(is_damage(VOTES_AT + EPOCH_IN_VOTE, 2));  /* a vote of epoch 3 */
    assert_true(is_damage(VOTES_AT + VIEW_IN_VOTE, 2));   /* a vote of view 11 */
    assert_true(is_damage(VOTES_AT + ROW_VOTE_BYTES, 2)); /* a NULLIFY that the mask denies */
    assert_true(is_damage(VOTES_AT + 2 * ROW_VOTE_BYTES - 1, 1));
    assert_true(is_damage(VOTES_AT + 3 * ROW_VOTE_BYTES, 1)); /* beyond the fields */
    assert_true(is_damage(CHECKSUM_AT - 1, 1));
}

static void test_another_version(void **state)
{
    (void)state;
    uint8_t bytes[REGISTER_FILE_BYTES];
    struct register_file *file = NULL;
    make();
    assert_int_equal(file_get(path, bytes, sizeof bytes), sizeof bytes);
    bytes[8] ^= 2;
    const struct hash checksum = hash_of(&PURPOSE_CHECKSUM, bytes, CHECKSUM_AT);
    memcpy(bytes + CHECKSUM_AT, checksum.bytes, HASH_BYTES);
    file_put(path, bytes, sizeof bytes, 0600);
    assert_int_equal(register_open(path, &owner, &file, error, sizeof error), STATUS_VERSION);
    assert_null(file);
}

/* Whether writing this dies of a CHECK. */
static bool dies(bool bound, const struct vote_register *content)
{
    make();
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit none = {0, 0};
        struct register_file *file = NULL;
        (void)setrlimit(RLIMIT_CORE, &none);
        (void)close(2);
        bool made = true;
        if (!bound) {
            (void)unlink(path);
            made = register_create(path, &owner, error, sizeof error) == STATUS_OK;
        }
        const bool open =
            made && register_open(path, &owner, &file, error, sizeof error) == STATUS_OK;
        _exit(open && register_write(file, content) == STATUS_OK ? 0 : 9);
    }
    int outcome;
    assert_int_equal(waitpid(child, &outcome, 0), child);
    assert_true(!WIFEXITED(outcome) || WEXITSTATUS(outcome) != 9);
    return !WIFEXITED(outcome) || WEXITSTATUS(outcome) != 0;
}

static void test_what_is_never_written(void **state)
{
    (void)state;
    struct vote_register content = at_view(9);
    content.floor_epoch = 1;
    content.floor_view = 5;
    assert_false(dies(true, &content));
    content = at_view(10);
    assert_false(dies(true, &content));
    content = at_view(8); /* back to an earlier view */
    assert_true(dies(true, &content));
    content = at_view(10);
    content.epoch = 0; /* back to an earlier epoch */
    assert_true(dies(true, &content));
    content = at_view(10);
    content.chain_id.bytes[0] ^= 1;
    assert_true(dies(true, &content));
    content = at_view(10);
    content.chain_id = (struct hash){{0}}; /* an unbound one */
    assert_true(dies(false, &content));
}

static void test_the_floor_never_goes_back(void **state)
{
    (void)state;
    make();
    const pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        const struct rlimit none = {0, 0};
        struct register_file *file = NULL;
        struct vote_register content = at_view(10);
        (void)setrlimit(RLIMIT_CORE, &none);
        (void)close(2);
        content.floor_epoch = 1;
        content.floor_view = 20;
        int wrong = register_open(path, &owner, &file, error, sizeof error) != STATUS_OK ||
                    register_write(file, &content) != STATUS_OK;
        content.floor_view = 19;
        wrong = wrong || register_write(file, &content) != STATUS_OK;
        _exit(wrong ? 9 : 0); /* it should not have come here */
    }
    int outcome;
    assert_int_equal(waitpid(child, &outcome, 0), child);
    assert_true(WIFSIGNALED(outcome) || WEXITSTATUS(outcome) > 9);
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
        cmocka_unit_test(test_fields),
        cmocka_unit_test(test_another_version),
        cmocka_unit_test(test_what_is_never_written),
        cmocka_unit_test(test_the_floor_never_goes_back),
    };
    return cmocka_run_group_tests(tests, setup, teardown);
}
