/* store_tools: stores for tests (see store_tools.h). */
#include "tests/support/store_tools.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

char store_error[STORE_ERROR_BYTES];

void expected_failure_handler(void *context, enum status status, const char *what)
{
    struct expected_failure *failure = context;
    failure->status = status;
    (void)snprintf(failure->what, sizeof failure->what, "%s", what);
    siglongjmp(failure->jump, 1);
}

struct store *open_store(const struct folder *home, uint64_t map_bytes, bool read_only)
{
    struct store_options options = {.map_bytes = map_bytes, .read_only = read_only};
    struct store *store = NULL;
    enum status status = store_open(home->path, &options, &store, store_error, sizeof store_error);
    if (status != STATUS_OK) {
        print_error("%s\n", store_error);
    }
    assert_int_equal(status, STATUS_OK);
    return store;
}

enum status open_refused(const struct folder *home, bool read_only)
{
    struct store_options options = {.map_bytes = SMALL_MAP, .read_only = read_only};
    struct store *store = NULL;
    memset(store_error, 0, sizeof store_error);
    enum status status = store_open(home->path, &options, &store, store_error, sizeof store_error);
    assert_null(store);
    assert_non_null(strstr(store_error, home->path));
    return status;
}

void put_text(struct store *store, enum store_table table, const char *key, const char *value)
{
    store_put(store, table, key, strlen(key), value, strlen(value));
}

void assert_text(struct store *store, enum store_table table, const char *key, const char *value)
{
    struct span found;
    bool there = store_get(store, table, key, strlen(key), &found);
    assert_int_equal(there, value != NULL);
    if (there && value != NULL) {
        assert_int_equal(found.length, strlen(value));
        assert_memory_equal(found.data, value, found.length);
    }
}

int in_child(int (*step)(const struct folder *home), const struct folder *home)
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

void silence(void)
{
    if (freopen("/dev/null", "w", stderr) == NULL) {
        _exit(99);
    }
}

int store_home_make(void **state)
{
    static struct folder home;
    folder_make(&home);
    *state = &home;
    return sodium_init() < 0 ? -1 : 0;
}

int store_home_remove(void **state)
{
    folder_remove(*state);
    return 0;
}
