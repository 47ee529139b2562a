/* bytes: the bounded reader and writer, and hexadecimal (see bytes.h). */
#include "base/bytes.h"

#include "base/check.h"

struct reader reader_over(const void *data, size_t length)
{
    return (struct reader){.next = data, .left = length, .failed = false};
}

const uint8_t *reader_take(struct reader *reader, size_t count)
{
    if (reader->failed || count > reader->left) {
        reader->failed = true;
        return NULL;
    }
    const uint8_t *taken = reader->next;
    if (count > 0) {
        reader->next += count;
        reader->left -= count;
    }
    return taken;
}

void reader_copy(struct reader *reader, void *ret_bytes, size_t count)
{
    const uint8_t *taken = reader_take(reader, count);
    if (count == 0) {
        return;
    }
    if (taken == NULL) {
        memset(ret_bytes, 0, count);
    } else {
        memcpy(ret_bytes, taken, count);
    }
}

uint8_t reader_u8(struct reader *reader)
{
    uint8_t value;
    reader_copy(reader, &value, sizeof value);
    return value;
}

uint16_t reader_u16(struct reader *reader)
{
    uint16_t value;
    reader_copy(reader, &value, sizeof value);
    return value;
}

uint32_t reader_u32(struct reader *reader)
{
    uint32_t value;
    reader_copy(reader, &value, sizeof value);
    return value;
}

uint64_t reader_u64(struct reader *reader)
{
    uint64_t value;
    reader_copy(reader, &value, sizeof value);
    return value;
}

unsigned __int128 reader_u128(struct reader *reader)
{
    uint64_t low = reader_u64(reader);
    uint64_t high = reader_u64(reader);
    return (unsigned __int128)high << 64 | low;
}

enum status reader_done(const struct reader *reader)
{
    if (reader->failed) {
        return STATUS_TRUNCATED;
    }
    return reader->left == 0 ? STATUS_OK : STATUS_TRAILING;
}

struct writer writer_over(void *buffer, size_t capacity)
{
    return (struct writer){.start = buffer, .used = 0, .capacity = capacity, .failed = false};
}

uint8_t *writer_claim(struct writer *writer, size_t count)
{
    if (writer->failed || count > writer->capacity - writer->used) {
        writer->failed = true;
        return NULL;
    }
    uint8_t *claimed = writer->start + writer->used;
    writer->used += count;
    return claimed;
}

void writer_copy(struct writer *writer, const void *bytes, size_t count)
{
    uint8_t *claimed = writer_claim(writer, count);
    if (claimed != NULL && count > 0) {
        memcpy(claimed, bytes, count);
    }
}

void writer_u8(struct writer *writer, uint8_t value)
{
    writer_copy(writer, &value, sizeof value);
}

void writer_u16(struct writer *writer, uint16_t value)
{
    writer_copy(writer, &value, sizeof value);
}

void writer_u32(struct writer *writer, uint32_t value)
{
    writer_copy(writer, &value, sizeof value);
}

void writer_u64(struct writer *writer, uint64_t value)
{
    writer_copy(writer, &value, sizeof value);
}

void writer_u128(struct writer *writer, unsigned __int128 value)
{
    writer_u64(writer, (uint64_t)value);
    writer_u64(writer, (uint64_t)(value >> 64));
}

bool bytes_are_zero(const void *bytes, size_t count)
{
    const uint8_t *at = bytes;
    uint8_t seen = 0;
    for (size_t i = 0; i < count; i++) {
        seen |= at[i];
    }
    return seen == 0;
}

void bytes_to_hex(const void *bytes, size_t count, char *ret_text)
{
    static const char digits[] = "0123456789abcdef";
    const uint8_t *at = bytes;
    for (size_t i = 0; i < count; i++) {
        ret_text[2 * i] = digits[at[i] >> 4];
        ret_text[2 * i + 1] = digits[at[i] & 15];
    }
    ret_text[2 * count] = '\0';
}

static int hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    if (digit >= 'a' && digit <= 'f') {
        return digit - 'a' + 10;
    }
    if (digit >= 'A' && digit <= 'F') {
        return digit - 'A' + 10;
    }
    return -1;
}

enum status bytes_from_hex(const char *text, size_t count, void *ret_bytes)
{
    for (size_t i = 0; i < 2 * count; i++) {
        if (hex_digit(text[i]) < 0) {
            return STATUS_MALFORMED;
        }
    }
    if (text[2 * count] != '\0') {
        return STATUS_MALFORMED;
    }
    uint8_t *at = ret_bytes;
    for (size_t i = 0; i < count; i++) {
        at[i] = (uint8_t)(hex_digit(text[2 * i]) << 4 | hex_digit(text[2 * i + 1]));
    }
    return STATUS_OK;
}
