/*
 * test_bytes: the bounded reader and writer never touch a byte out of bounds, stay failed once
 * failed, and keep to the documented byte order; hexadecimal takes exactly what it asks for.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/bytes.h"

static const uint8_t COUNTING[] = {0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b,
                                   0x0c, 0x0d, 0x0e, 0x0f, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16,
                                   0x17, 0x18, 0x19, 0x1a, 0x1b, 0x1c, 0x1d, 0x1e, 0x1f};

/* Goal: integers are read low byte first, one after the other, and the end is the end. */
static void reads_little_endian(void **state)
{
    (void)state;
    struct reader reader = reader_over(COUNTING, sizeof COUNTING);
    assert_int_equal(reader_u8(&reader), 0x01);
    assert_int_equal(reader_u16(&reader), 0x0302);
    assert_int_equal(reader_u32(&reader), 0x07060504);
    assert_true(reader_u64(&reader) == 0x0f0e0d0c0b0a0908);
    unsigned __int128 wide = reader_u128(&reader);
    assert_true((uint64_t)wide == 0x1716151413121110);
    assert_true((uint64_t)(wide >> 64) == 0x1f1e1d1c1b1a1918);
    assert_int_equal(reader_done(&reader), STATUS_OK);
}

/* Goal: what was written reads back, and the written bytes are the counting ones. */
static void writes_what_it_reads(void **state)
{
    (void)state;
    uint8_t buffer[sizeof COUNTING];
    struct writer writer = writer_over(buffer, sizeof buffer);
    writer_u8(&writer, 0x01);
    writer_u16(&writer, 0x0302);
    writer_u32(&writer, 0x07060504);
    writer_u64(&writer, 0x0f0e0d0c0b0a0908);
    writer_u128(&writer, (unsigned __int128)0x1f1e1d1c1b1a1918 << 64 | 0x1716151413121110);
    assert_false(writer.failed);
    assert_int_equal(writer.used, sizeof COUNTING);
    assert_memory_equal(buffer, COUNTING, sizeof COUNTING);
}

/* Goal: 128-bit numbers are two's complement: minus one is sixteen times 0xff. */
static void wide_numbers_are_twos_complement(void **state)
{
    (void)state;
    uint8_t buffer[16];
    uint8_t ones[16];
    memset(ones, 0xff, sizeof ones);
    struct writer writer = writer_over(buffer, sizeof buffer);
    writer_u128(&writer, (unsigned __int128)(__int128)-1);
    assert_memory_equal(buffer, ones, sizeof ones);
}

/* Goal: every read past the end fails, gives zero, and leaves the reader failed for good. */
static void reading_past_the_end_fails_for_good(void **state)
{
    (void)state;
    struct reader reader = reader_over(COUNTING, 3);
    assert_int_equal(reader_u32(&reader), 0);
    assert_true(reader.failed);
    /* Three bytes would be there, but a failed reader hands out nothing more. */
    assert_int_equal(reader_u8(&reader), 0);
    assert_int_equal(reader_u16(&reader), 0);
    assert_true(reader_u64(&reader) == 0);
    assert_true(reader_u128(&reader) == 0);
    assert_null(reader_take(&reader, 0));
    assert_int_equal(reader_done(&reader), STATUS_TRUNCATED);

    uint8_t copied[8];
    memset(copied, 0xff, sizeof copied);
    reader = reader_over(COUNTING, 7);
    reader_copy(&reader, copied, sizeof copied);
    assert_true(bytes_are_zero(copied, sizeof copied));
    assert_int_equal(reader_done(&reader), STATUS_TRUNCATED);
}

/* Goal: counts near the top of size_t are refused, not wrapped round. */
static void huge_counts_are_refused(void **state)
{
    (void)state;
    for (size_t below = 0; below < 32; below++) {
        struct reader reader = reader_over(COUNTING, sizeof COUNTING);
        assert_non_null(reader_take(&reader, 5));
        assert_null(reader_take(&reader, SIZE_MAX - below));
        assert_true(reader.failed);
        uint8_t buffer[16];
        struct writer writer = writer_over(buffer, sizeof buffer);
        assert_ptr_equal(writer_claim(&writer, 5), buffer);
        assert_null(writer_claim(&writer, SIZE_MAX - below));
        assert_true(writer.failed);
        assert_int_equal(writer.used, 5);
    }
}

/* Goal: bytes after the end are told apart from missing ones, and nothing at all is fine. */
static void ends(void **state)
{
    (void)state;
    struct reader reader = reader_over(COUNTING, 5);
    assert_int_equal(reader_u32(&reader), 0x04030201);
    assert_int_equal(reader_done(&reader), STATUS_TRAILING);
    assert_ptr_equal(reader_take(&reader, 1), COUNTING + 4);
    assert_int_equal(reader_done(&reader), STATUS_OK);
    struct reader empty = reader_over(NULL, 0);
    reader_copy(&empty, NULL, 0);
    assert_int_equal(reader_done(&empty), STATUS_OK);
    assert_int_equal(reader_u8(&empty), 0);
    assert_int_equal(reader_done(&empty), STATUS_TRUNCATED);
}

/* Goal: a writer that is full writes nothing of what does not fit, and stays failed. */
static void writing_past_the_end_fails_for_good(void **state)
{
    (void)state;
    uint8_t buffer[8] = {0};
    struct writer writer = writer_over(buffer, 3);
    writer_u16(&writer, 0xffff);
    writer_u16(&writer, 0xffff);
    assert_true(writer.failed);
    writer_u8(&writer, 0xff);
    assert_int_equal(writer.used, 2);
    assert_memory_equal(buffer, "\xff\xff\0\0\0\0\0\0", 8);
}

/* Goal: put and get agree, in both byte orders, at unaligned places. */
static void fixed_accessors(void **state)
{
    (void)state;
    uint8_t at[9];
    put_le16(at + 1, 0x0102);
    assert_memory_equal(at + 1, "\x02\x01", 2);
    assert_int_equal(get_le16(at + 1), 0x0102);
    put_le32(at + 1, 0x01020304);
    assert_memory_equal(at + 1, "\x04\x03\x02\x01", 4);
    assert_int_equal(get_le32(at + 1), 0x01020304);
    put_le64(at + 1, 0x0102030405060708);
    assert_memory_equal(at + 1, "\x08\x07\x06\x05\x04\x03\x02\x01", 8);
    assert_true(get_le64(at + 1) == 0x0102030405060708);
    put_be16(at + 1, 0x0102);
    assert_memory_equal(at + 1, "\x01\x02", 2);
    assert_int_equal(get_be16(at + 1), 0x0102);
    put_be32(at + 1, 0x01020304);
    assert_memory_equal(at + 1, "\x01\x02\x03\x04", 4);
    assert_int_equal(get_be32(at + 1), 0x01020304);
    put_be64(at + 1, 0x0102030405060708);
    assert_memory_equal(at + 1, "\x01\x02\x03\x04\x05\x06\x07\x08", 8);
    assert_true(get_be64(at + 1) == 0x0102030405060708);
}

/* Goal: big-endian keys sort as their numbers do. */
static void big_endian_sorts(void **state)
{
    (void)state;
    static const uint64_t ascending[] = {0, 1, 255, 256, 65535, 1u << 31, 1ull << 40, UINT64_MAX};
    for (size_t i = 1; i < sizeof ascending / sizeof ascending[0]; i++) {
        uint8_t low[8];
        uint8_t high[8];
        put_be64(low, ascending[i - 1]);
        put_be64(high, ascending[i]);
        assert_true(memcmp(low, high, 8) < 0);
    }
}

/* Goal: a single set bit anywhere is seen; no byte outside is. */
static void zero_check_sees_every_bit(void **state)
{
    (void)state;
    uint8_t bytes[34] = {0};
    bytes[0] = 0xff;
    bytes[33] = 0xff;
    assert_true(bytes_are_zero(bytes + 1, 32));
    assert_true(bytes_are_zero(bytes, 0));
    for (unsigned bit = 0; bit < 256; bit++) {
        bytes[1 + bit / 8] = (uint8_t)(1u << bit % 8);
        assert_false(bytes_are_zero(bytes + 1, 32));
        bytes[1 + bit / 8] = 0;
    }
}

/* Goal: hexadecimal round-trips, in either case, for every byte. */
static void hex_round_trip(void **state)
{
    (void)state;
    uint8_t bytes[256];
    uint8_t back[256];
    char text[513];
    for (unsigned i = 0; i < 256; i++) {
        bytes[i] = (uint8_t)i;
    }
    bytes_to_hex(bytes, sizeof bytes, text);
    assert_int_equal(strlen(text), 512);
    assert_memory_equal(text, "000102030405060708090a0b", 24);
    assert_int_equal(bytes_from_hex(text, sizeof back, back), STATUS_OK);
    assert_memory_equal(back, bytes, sizeof bytes);
    assert_int_equal(bytes_from_hex("AbCdEf", 3, back), STATUS_OK);
    assert_memory_equal(back, "\xab\xcd\xef", 3);
    bytes_to_hex(NULL, 0, text);
    assert_string_equal(text, "");
    assert_int_equal(bytes_from_hex("", 0, back), STATUS_OK);
}

/* Goal: any other length or character is refused, and the output stays untouched. */
static void hex_refusals(void **state)
{
    (void)state;
    static const char *const wrong[] = {
        "",       "0",      "01020",  "0102030", "010203 ", " 010203", "0x0102",   "01020g",
        "01020/", "01020:", "01020@", "01020G",  "01020`",  "010\n03", "01020\xff"};
    uint8_t bytes[3] = {7, 7, 7};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(bytes_from_hex(wrong[i], 3, bytes), STATUS_MALFORMED);
        assert_memory_equal(bytes, "\7\7\7", 3);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_little_endian),
        cmocka_unit_test(writes_what_it_reads),
        cmocka_unit_test(wide_numbers_are_twos_complement),
        cmocka_unit_test(reading_past_the_end_fails_for_good),
        cmocka_unit_test(huge_counts_are_refused),
        cmocka_unit_test(ends),
        cmocka_unit_test(writing_past_the_end_fails_for_good),
        cmocka_unit_test(fixed_accessors),
        cmocka_unit_test(big_endian_sorts),
        cmocka_unit_test(zero_check_sees_every_bit),
        cmocka_unit_test(hex_round_trip),
        cmocka_unit_test(hex_refusals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
