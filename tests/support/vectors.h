/*
 * vectors: reads tests/vectors/formats.json, the frozen examples that tests/vectors/check.py
 * recomputes independently: one name and one text a line, bytes in hexadecimal, numbers in decimal.
 *
 * A name that is missing, or a value that does not have the asked form, fails the running test.
 */
#ifndef HEFU_TESTS_SUPPORT_VECTORS_H
#define HEFU_TESTS_SUPPORT_VECTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"

struct vectors;

/* Opens the file in the source tree; NULL, with a message, if it cannot be read. */
struct vectors *vectors_open(void);
void vectors_close(struct vectors *vectors);

/* The name is made as by printf. Texts live as long as vectors. */
bool vectors_has(const struct vectors *vectors, const char *name, ...)
    __attribute__((format(printf, 2, 3)));
const char *vectors_text(const struct vectors *vectors, const char *name, ...)
    __attribute__((format(printf, 2, 3)));
uint64_t vectors_number(const struct vectors *vectors, const char *name, ...)
    __attribute__((format(printf, 2, 3)));
int64_t vectors_signed(const struct vectors *vectors, const char *name, ...)
    __attribute__((format(printf, 2, 3)));
unsigned __int128 vectors_wide(const struct vectors *vectors, const char *name, ...)
    __attribute__((format(printf, 2, 3)));

/* Exactly count bytes. */
void vectors_bytes(const struct vectors *vectors, void *ret_bytes, size_t count, const char *name,
                   ...) __attribute__((format(printf, 4, 5)));
/* As many bytes as there are, malloc'ed and 16-byte aligned; one more byte than needed, so that an
   empty value has an address too. */
uint8_t *vectors_copy(const struct vectors *vectors, size_t *ret_count, const char *name, ...)
    __attribute__((format(printf, 3, 4)));

/* Fails the test, with both in hexadecimal and the name, unless the bytes are the named ones. */
void vectors_expect(const struct vectors *vectors, const void *bytes, size_t count,
                    const char *name, ...) __attribute__((format(printf, 4, 5)));
void vectors_expect_hash(const struct vectors *vectors, struct hash hash, const char *name, ...)
    __attribute__((format(printf, 3, 4)));

#endif
