/* test_check: a false condition ends the process and says where; a true one does nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"

/* Goal: the condition is evaluated once, and a true one is silent. */
static void true_conditions_pass(void **state)
{
    (void)state;
    int evaluated = 0;
    CHECK(++evaluated == 1);
    assert_int_equal(evaluated, 1);
}

/* Goal: a false one aborts, in every build, with condition, file and line on stderr. */
static void false_conditions_abort(void **state)
{
    (void)state;
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    (void)fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct rlimit no_core = {0, 0};
        (void)setrlimit(RLIMIT_CORE, &no_core);
        (void)signal(SIGABRT, SIG_DFL);
        (void)dup2(ends[1], STDERR_FILENO);
        int two = 2;
        CHECK(two + two == 5);
        _exit(0);
    }
    (void)close(ends[1]);
    char text[256] = {0};
    size_t used = 0;
    ssize_t got = 0;
    while ((got = read(ends[0], text + used, sizeof text - 1 - used)) > 0) {
        used += (size_t)got;
    }
    (void)close(ends[0]);
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
    assert_non_null(strstr(text, "CHECK failed: two + two == 5 ("));
    assert_non_null(strstr(text, "test_check.c:"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(true_conditions_pass),
        cmocka_unit_test(false_conditions_abort),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
