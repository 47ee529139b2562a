/*
 * The prompt for a passphrase (node/passphrase.h), on a terminal of the test's own: nothing is
 * echoed, a confirmation must agree, giving up is possible and leaves the terminal as it was.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "node/passphrase.h"

/* What the child exits with. */
enum { GOT_IT = 10, GAVE_UP, REFUSED, NO_TERMINAL, OTHER, NOT_RESTORED };

struct dialogue {
    int terminal;
    pid_t child;
    char shown[4096];
    size_t length;
};

static int ask(bool confirm)
{
    struct passphrase *passphrase;
    struct termios before;
    struct termios after;
    char error[256];
    bool terminal = tcgetattr(STDIN_FILENO, &before) == 0;
    enum status status =
        passphrase_prompt("Passphrase: ", confirm, &passphrase, error, sizeof error);
    if (terminal && (tcgetattr(STDIN_FILENO, &after) != 0 || after.c_lflag != before.c_lflag)) {
        return NOT_RESTORED;
    }
    if (status == STATUS_OK) {
        return passphrase->length == 7 && memcmp(passphrase->bytes, "hunter2", 7) == 0 ? GOT_IT
                                                                                       : OTHER;
    }
    return status == STATUS_CLOSED        ? GAVE_UP
           : status == STATUS_MALFORMED   ? REFUSED
           : status == STATUS_UNREACHABLE ? NO_TERMINAL
                                          : OTHER;
}

/* A bare chroot may have none: /dev/pts is not mounted there. */
static void need_terminals(void)
{
    int terminal = posix_openpt(O_RDWR | O_NOCTTY);
    if (terminal < 0 && (errno == ENOENT || errno == ENODEV)) {
        print_message("skipped: this machine offers no pseudo-terminals, see /dev/pts\n");
        skip();
    }
    assert_true(terminal >= 0);
    (void)close(terminal);
}

static void start(struct dialogue *dialogue, bool confirm)
{
    memset(dialogue, 0, sizeof *dialogue);
    dialogue->child = forkpty(&dialogue->terminal, NULL, NULL, NULL);
    assert_true(dialogue->child >= 0);
    if (dialogue->child == 0) {
        _exit(ask(confirm));
    }
}

/* Reads until text has been shown, which is then forgotten, and answers. */
static void answer(struct dialogue *dialogue, const char *text, const char *reply)
{
    while (strstr(dialogue->shown, text) == NULL) {
        ssize_t got = read(dialogue->terminal, dialogue->shown + dialogue->length,
                           sizeof dialogue->shown - 1 - dialogue->length);
        assert_true(got > 0);
        dialogue->length += (size_t)got;
        assert_null(strstr(dialogue->shown, "hunter"));
    }
    memset(dialogue->shown, 0, sizeof dialogue->shown);
    dialogue->length = 0;
    assert_int_equal(write(dialogue->terminal, reply, strlen(reply)), strlen(reply));
}

static int outcome_of(struct dialogue *dialogue)
{
    int outcome;
    char rest[256];
    ssize_t got;
    /* The rest is read until the terminal closes, for a look at what was echoed. */
    while ((got = read(dialogue->terminal, rest, sizeof rest - 1)) > 0) {
        rest[got] = '\0';
        assert_null(strstr(rest, "hunter"));
    }
    assert_int_equal(waitpid(dialogue->child, &outcome, 0), dialogue->child);
    (void)close(dialogue->terminal);
    assert_true(WIFEXITED(outcome));
    return WEXITSTATUS(outcome);
}

/* Goal: one line, silently, with slips of the fingers. */
static void test_plain(void **state)
{
    (void)state;
    need_terminals();
    struct dialogue dialogue;
    start(&dialogue, false);
    answer(&dialogue, "Passphrase: ", "hunter2\n");
    assert_int_equal(outcome_of(&dialogue), GOT_IT);
    start(&dialogue, false);
    answer(&dialogue, "Passphrase: ",
           "\x7fslip\x15huntex\x7fr3\x08"
           "2\n");
    assert_int_equal(outcome_of(&dialogue), GOT_IT);
}

/* Goal: two that differ are asked for again. */
static void test_confirmed(void **state)
{
    (void)state;
    need_terminals();
    struct dialogue dialogue;
    start(&dialogue, true);
    answer(&dialogue, "Passphrase: ", "hunter2\n");
    answer(&dialogue, "again: ", "hunter3\n");
    answer(&dialogue, "Passphrase: ", "hunter2\n");
    answer(&dialogue, "again: ", "hunter2\n");
    assert_int_equal(outcome_of(&dialogue), GOT_IT);
}

/* Goal: three empty lines, or Ctrl-C, end it. */
static void test_refused(void **state)
{
    (void)state;
    need_terminals();
    struct dialogue dialogue;
    start(&dialogue, false);
    for (int i = 0; i < 3; i++) {
        answer(&dialogue, "Passphrase: ", "\n");
    }
    assert_int_equal(outcome_of(&dialogue), REFUSED);
    start(&dialogue, false);
    answer(&dialogue, "Passphrase: ", "hun\x03");
    assert_int_equal(outcome_of(&dialogue), GAVE_UP);
}

/* Goal: without a terminal there is an error, not a wait. */
static void test_no_terminal(void **state)
{
    (void)state;
    int outcome;
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        _exit(setsid() < 0 ? OTHER : ask(false));
    }
    assert_int_equal(waitpid(child, &outcome, 0), child);
    assert_true(WIFEXITED(outcome));
    assert_int_equal(WEXITSTATUS(outcome), NO_TERMINAL);
}

static int setup(void **state)
{
    (void)state;
    return sodium_init() < 0 ? -1 : 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain),
        cmocka_unit_test(test_confirmed),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_no_terminal),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
