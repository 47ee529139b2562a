/*
 * passphrase: where the passphrase of key files comes from: a file that the configuration names
 * (systemd's LoadCredential, say), or a prompt on the terminal without echo. Never the command line
 * or the environment, which other users can see.
 */
#ifndef HEFU_NODE_PASSPHRASE_H
#define HEFU_NODE_PASSPHRASE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

#define PASSPHRASE_BYTES_MAX 1024

/* Lives in locked memory. */
struct passphrase {
    size_t length;
    char bytes[PASSPHRASE_BYTES_MAX];
};

/* Copies the bytes. NULL if there are none, too many, or no lockable memory. */
struct passphrase *passphrase_new(const char *bytes, size_t length);
/* Zeroes and frees. NULL is allowed. */
void passphrase_free(struct passphrase *passphrase);

/* The first line of a file that others can neither read nor write. NOT_FOUND, DENIED, MALFORMED
   (empty, or too long), IO, NO_MEMORY; ret_error says what, where, what to do. */
enum status passphrase_from_file(const char *path, struct passphrase **ret_passphrase,
                                 char *ret_error, size_t capacity) MUST_USE;

/* Asks on the controlling terminal; twice if confirm, until both are equal (three attempts).
   UNREACHABLE without a terminal, CLOSED if the user gives up, MALFORMED, NO_MEMORY. */
enum status passphrase_prompt(const char *prompt, bool confirm, struct passphrase **ret_passphrase,
                              char *ret_error, size_t capacity) MUST_USE;

/* From the file if path is neither NULL nor empty, else by a prompt. */
enum status passphrase_get(const char *path, const char *prompt, struct passphrase **ret_passphrase,
                           char *ret_error, size_t capacity) MUST_USE;

#endif
