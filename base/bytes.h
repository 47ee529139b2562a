/*
 * bytes: fixed-width integers in byte order, and a bounded reader and writer over them.
 *
 * Everything that is hashed, signed or stored is little-endian; LMDB keys alone are big-endian, so
 * that they sort (docs/formats.md). Several layouts are mapped onto C structs, so a big-endian
 * host is refused at compile time.
 *
 * Reader and writer have a sticky failure flag: after the first access out of bounds they stay
 * failed and return zeroes, so a decoder checks once, at its end (reader_done).
 */
#ifndef HEFU_BASE_BYTES_H
#define HEFU_BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/status.h"

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "Hefu's layouts need a little-endian host");

/* Borrowed bytes. */
struct span {
    const uint8_t *data;
    size_t length;
};

struct reader {
    const uint8_t *next;
    size_t left;
    bool failed;
};

struct writer {
    uint8_t *start;
    size_t used;
    size_t capacity;
    bool failed;
};

struct reader reader_over(const void *data, size_t length);
/* The next count bytes, borrowed from the input, or NULL (and failed). */
const uint8_t *reader_take(struct reader *reader, size_t count);
/* Copies the next count bytes; zeroes ret_bytes on failure. */
void reader_copy(struct reader *reader, void *ret_bytes, size_t count);
uint8_t reader_u8(struct reader *reader);
uint16_t reader_u16(struct reader *reader);
uint32_t reader_u32(struct reader *reader);
uint64_t reader_u64(struct reader *reader);
/* OK if nothing failed and nothing is left; TRUNCATED or TRAILING otherwise. */
enum status reader_done(const struct reader *reader) MUST_USE;

struct writer writer_over(void *buffer, size_t capacity);
/* Space for count bytes, or NULL (and failed). */
uint8_t *writer_claim(struct writer *writer, size_t count);
void writer_copy(struct writer *writer, const void *bytes, size_t count);
void writer_u8(struct writer *writer, uint8_t value);
void writer_u16(struct writer *writer, uint16_t value);
void writer_u32(struct writer *writer, uint32_t value);
void writer_u64(struct writer *writer, uint64_t value);
/* Two's complement of 128 bits, low half first. */
void writer_u128(struct writer *writer, unsigned __int128 value);
unsigned __int128 reader_u128(struct reader *reader);

static inline void put_le16(uint8_t *at, uint16_t value)
{
    memcpy(at, &value, sizeof value);
}
static inline void put_le32(uint8_t *at, uint32_t value)
{
    memcpy(at, &value, sizeof value);
}
static inline void put_le64(uint8_t *at, uint64_t value)
{
    memcpy(at, &value, sizeof value);
}
static inline uint16_t get_le16(const uint8_t *at)
{
    uint16_t value;
    memcpy(&value, at, sizeof value);
    return value;
}
static inline uint32_t get_le32(const uint8_t *at)
{
    uint32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}
static inline uint64_t get_le64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
    return value;
}
static inline void put_be16(uint8_t *at, uint16_t value)
{
    put_le16(at, __builtin_bswap16(value));
}
static inline void put_be32(uint8_t *at, uint32_t value)
{
    put_le32(at, __builtin_bswap32(value));
}
static inline void put_be64(uint8_t *at, uint64_t value)
{
    put_le64(at, __builtin_bswap64(value));
}
static inline uint16_t get_be16(const uint8_t *at)
{
    return __builtin_bswap16(get_le16(at));
}
static inline uint32_t get_be32(const uint8_t *at)
{
    return __builtin_bswap32(get_le32(at));
}
static inline uint64_t get_be64(const uint8_t *at)
{
    return __builtin_bswap64(get_le64(at));
}

/* Whether all count bytes are zero: reserved fields are checked, not ignored. */
bool bytes_are_zero(const void *bytes, size_t count);

/* Lower-case hexadecimal of count bytes and a final zero into ret_text[2 * count + 1]. */
void bytes_to_hex(const void *bytes, size_t count, char *ret_text);
/* Exactly 2 * count hexadecimal digits of either case; MALFORMED otherwise, ret_bytes untouched. */
enum status bytes_from_hex(const char *text, size_t count, void *ret_bytes) MUST_USE;

#endif
