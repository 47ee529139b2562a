/* passphrase: from a file or a terminal, into locked memory (see passphrase.h). */
#include "node/passphrase.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "node/file.h"

#define ATTEMPTS 3
#define CONTROL_C 3
#define CONTROL_D 4
#define CONTROL_U 21
#define BACKSPACE 8
#define DELETE 127

struct passphrase *passphrase_new(const char *bytes, size_t length)
{
    if (length == 0 || length > PASSPHRASE_BYTES_MAX) {
        return NULL;
    }
    struct passphrase *passphrase = sodium_malloc(sizeof *passphrase);
    if (passphrase == NULL) {
        return NULL;
    }
    passphrase->length = length;
    memcpy(passphrase->bytes, bytes, length);
    return passphrase;
}

void passphrase_free(struct passphrase *passphrase)
{
    sodium_free(passphrase); /* which zeroes it */
}

static enum status no_memory(char *ret_error, size_t capacity)
{
    return error_set(STATUS_NO_MEMORY, ret_error, capacity,
                     "no locked memory for a passphrase; raise the limit (ulimit -l)");
}

enum status passphrase_from_file(const char *path, struct passphrase **ret_passphrase,
                                 char *ret_error, size_t capacity)
{
    uint8_t *data;
    size_t length;
    /* The group may read: so systemd hands over credentials. One byte for "\r\n" beyond the most.
     */
    enum status status = file_read(path, PASSPHRASE_BYTES_MAX + 2, S_IWGRP | S_IXGRP | S_IRWXO,
                                   &data, &length, ret_error, capacity);
    if (status != STATUS_OK) {
        return status;
    }
    size_t line = 0;
    while (line < length && data[line] != '\n') {
        line++;
    }
    if (line > 0 && data[line - 1] == '\r') {
        line--;
    }
    if (line == 0 || line > PASSPHRASE_BYTES_MAX) {
        status = error_set(STATUS_MALFORMED, ret_error, capacity,
                           "%s: its first line must be a passphrase of 1 to %d bytes", path,
                           PASSPHRASE_BYTES_MAX);
    } else {
        struct passphrase *passphrase = passphrase_new((const char *)data, line);
        status = passphrase == NULL ? no_memory(ret_error, capacity) : STATUS_OK;
        if (passphrase != NULL) {
            *ret_passphrase = passphrase;
        }
    }
    sodium_memzero(data, length);
    free(data);
    return status;
}

static bool say(int terminal, const char *text)
{
    size_t length = strlen(text);
    return write(terminal, text, length) == (ssize_t)length;
}

/* A line from a terminal that gives each byte as it is typed, so that Ctrl-C comes as one and the
   terminal is never left silent. CLOSED if the user gives up. */
static enum status read_line(int terminal, struct passphrase *line)
{
    line->length = 0;
    for (;;) {
        char byte;
        ssize_t got = read(terminal, &byte, 1);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0 || byte == CONTROL_C || byte == CONTROL_D) {
            return STATUS_CLOSED;
        }
        if (byte == '\n' || byte == '\r') {
            return line->length > 0 ? STATUS_OK : STATUS_MALFORMED;
        }
        if (byte == BACKSPACE || byte == DELETE) {
            line->length -= line->length > 0;
        } else if (byte == CONTROL_U) {
            line->length = 0;
        } else if (line->length == PASSPHRASE_BYTES_MAX) {
            return STATUS_OVERSIZED;
        } else {
            line->bytes[line->length++] = byte;
        }
    }
}

static enum status ask(int terminal, const char *prompt, struct passphrase *line)
{
    struct termios before;
    if (tcgetattr(terminal, &before) != 0) {
        return STATUS_UNREACHABLE;
    }
    struct termios silent = before;
    silent.c_lflag &= ~(tcflag_t)(ECHO | ISIG | ICANON);
    silent.c_cc[VMIN] = 1;
    silent.c_cc[VTIME] = 0;
    if (tcsetattr(terminal, TCSAFLUSH, &silent) != 0) {
        return STATUS_UNREACHABLE;
    }
    enum status status = say(terminal, prompt) ? read_line(terminal, line) : STATUS_UNREACHABLE;
    (void)say(terminal, "\n");
    if (tcsetattr(terminal, TCSAFLUSH, &before) != 0 && status == STATUS_OK) {
        status = STATUS_UNREACHABLE;
    }
    return status;
}

static bool equal(const struct passphrase *a, const struct passphrase *b)
{
    return a->length == b->length && sodium_memcmp(a->bytes, b->bytes, a->length) == 0;
}

static enum status ask_until_good(int terminal, const char *prompt, bool confirm,
                                  struct passphrase *line, struct passphrase *again)
{
    enum status status = STATUS_MALFORMED;
    for (int attempt = 0; attempt < ATTEMPTS && status == STATUS_MALFORMED; attempt++) {
        status = ask(terminal, prompt, line);
        if (status == STATUS_OK && confirm) {
            status = ask(terminal, "The same again: ", again);
            if (status == STATUS_OK && !equal(line, again)) {
                (void)say(terminal, "They differ.\n");
                status = STATUS_MALFORMED;
            }
        }
    }
    return status;
}

enum status passphrase_prompt(const char *prompt, bool confirm, struct passphrase **ret_passphrase,
                              char *ret_error, size_t capacity)
{
    int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (terminal < 0) {
        return error_set(STATUS_UNREACHABLE, ret_error, capacity,
                         "there is no terminal to ask for a passphrase on: "
                         "name a file with it as passphrase_file in the configuration");
    }
    struct passphrase *line = sodium_malloc(sizeof *line);
    struct passphrase *again = sodium_malloc(sizeof *again);
    enum status status;
    if (line == NULL || again == NULL) {
        status = no_memory(ret_error, capacity);
    } else {
        status = ask_until_good(terminal, prompt, confirm, line, again);
        if (status != STATUS_OK) {
            status = error_set(status, ret_error, capacity, "no passphrase was given: %s",
                               status == STATUS_MALFORMED ? "empty, or the two differ"
                                                          : status_text(status));
        }
    }
    passphrase_free(again);
    (void)close(terminal);
    if (status != STATUS_OK) {
        passphrase_free(line);
        return status;
    }
    *ret_passphrase = line;
    return STATUS_OK;
}

enum status passphrase_get(const char *path, const char *prompt, struct passphrase **ret_passphrase,
                           char *ret_error, size_t capacity)
{
    if (path != NULL && path[0] != '\0') {
        return passphrase_from_file(path, ret_passphrase, ret_error, capacity);
    }
    return passphrase_prompt(prompt, false, ret_passphrase, ret_error, capacity);
}
