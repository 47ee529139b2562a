/*
 * store_tools: stores in a folder of the test's own, texts as values, failures that a test expects,
 * and child processes, since an environment may be opened only once in a process.
 */
#ifndef HEFU_TESTS_SUPPORT_STORE_TOOLS_H
#define HEFU_TESTS_SUPPORT_STORE_TOOLS_H

#include <setjmp.h>

#include "node/store.h"
#include "tests/support/folder.h"

#define STORE_ERROR_BYTES 2048
#define SMALL_MAP (64ull << 20)

/* What the last refused opening said. */
extern char store_error[STORE_ERROR_BYTES];

/* A failure handler for store_on_failure: it notes what it is told and jumps back into the test. */
struct expected_failure {
    sigjmp_buf jump;
    enum status status;
    char what[STORE_ERROR_BYTES];
};
void expected_failure_handler(void *context, enum status status, const char *what);

/* Set-up and tear-down of a test: *state is a struct folder, a home without a store. */
int store_home_make(void **state);
int store_home_remove(void **state);

/* Opens, or fails the test. */
struct store *open_store(const struct folder *home, uint64_t map_bytes, bool read_only);
/* The status of an opening that must not succeed and must name the home. */
enum status open_refused(const struct folder *home, bool read_only);
void put_text(struct store *store, enum store_table table, const char *key, const char *value);
/* value NULL: there must be none. */
void assert_text(struct store *store, enum store_table table, const char *key, const char *value);
/* The exit status of step, run in a child. */
int in_child(int (*step)(const struct folder *home), const struct folder *home);
/* What the program says to its user on stderr is expected in this child. */
void silence(void);

#endif
