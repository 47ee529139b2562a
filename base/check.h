/*
 * check: assertions about our own code that stay on in release builds.
 *
 * A failed CHECK means that this program is wrong, never that a peer, a file or a person is: input
 * is rejected with a status. It prints the condition and the place, and aborts, because a node that
 * no longer understands its own state must not sign anything more.
 */
#ifndef HEFU_BASE_CHECK_H
#define HEFU_BASE_CHECK_H

#define CHECK(condition) ((condition) ? (void)0 : check_failed(#condition, __FILE__, __LINE__))

/* Prints "CHECK failed: condition (file:line)" on stderr and aborts. */
_Noreturn void check_failed(const char *condition, const char *file, int line);

#endif
