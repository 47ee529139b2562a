/*
 * test_hash: personalised BLAKE2b-256 against values that Python's hashlib computed (frozen here;
 * tests/vectors/check.py shares nothing with the C side either).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/bytes.h"
#include "base/hash.h"

struct purpose_vector {
    const struct purpose *purpose;
    const char *name;
    const char *of_nothing; /* hashlib.blake2b(b"", digest_size=32, person=name) */
    const char *of_abc;
};

static const struct purpose_vector PURPOSES[] = {
    {&PURPOSE_RECORD, "hefu.record",
     "713a698b57bcbc16b50d5891c4cb377c42ee61f39c94b071e0df58d132ac29ae",
     "3172bd01847f621c9abe6bfd01b695a7b8ba6ec03924170d9f4041ce85eaf1a0"},
    {&PURPOSE_ACTION, "hefu.action",
     "09dfc5ac75261ac031a930c5b5b85a3a99e493b60ed2789f6e6cdc281dbdb2e1",
     "8c80a30b7ac891c5a8330670a980efdbab1085d96cab7f4d91001d9d1c904eec"},
    {&PURPOSE_BATCH, "hefu.batch",
     "5cbb5570f5dab5958f1f9b66f51c5782272a95222902b90bf9a502ae4519943d",
     "e596a098c7610d8ed5527c0686afa5a109ccf3317e45fcbf16b324909f595700"},
    {&PURPOSE_BLOCK, "hefu.block",
     "0ce0b28b762f45c69420d717dbcd04dc7c5222369d50832181a7487c47ea44e6",
     "2bfafd698f842dd413cd4cc16e15955c35b37abc7974f4530fbb95c42d253517"},
    {&PURPOSE_LEAF, "hefu.leaf", "fdb7ef86bbbf7c1a7bda065700fcbfe47a02180aff92e7c2f179c90452bac0a6",
     "615f647e655e56d6fca4f0978c6314ad93528c851e5f24521fa0202689d70d0d"},
    {&PURPOSE_NODE, "hefu.node", "abf08ebcefe60e5d37f4dfdff07d3fd7b432a9a9dd2ecb32d444932c84a5f422",
     "bb3ae506f6d9eb18bb737c91c68f45f2770375e3cdfa9c43461b1700cb89261c"},
    {&PURPOSE_PAGE, "hefu.page", "289fd6bb9aee1dbacdd0f0c84583616b8102ee783a5b1150965033f50fa4df18",
     "2a43e0cbd9d42e67d8f4b17dfbba5510eef5c99da72e26f6ef0ac685e6e95758"},
    {&PURPOSE_WRITES, "hefu.writes",
     "2c00f1628ae37fdf54792154ebff64d218bb9e4ac0daa181cd8e244ad876693a",
     "23dcade304fc987005aa8bba750c15caff5af83c3d9eb07bdb9772fff9df5879"},
    {&PURPOSE_TABLE, "hefu.table",
     "68c288e65f9abd2a43f2f6ab5c83908992292a69673e4fdc6feb54bd76563a1f",
     "a7479aec08e41a157cf7449b6d734e7890d849ec10df3f11d5e6507aceb51366"},
    {&PURPOSE_CANDIDATE, "hefu.candidate",
     "c016e70df8b547bb0627e615a3683688b6a2d70b0028b9d628c1f7e3dd1b563b",
     "c6b5e245121bfffe39f9012ba1f979f05b453bb8e11452d32d672e66e77b2d79"},
    {&PURPOSE_VALIDATORS, "hefu.validators",
     "139a425ab4d16fab42143e2eb9b1aa30b8e078ecb163460a15cd707318b636f1",
     "db662deb833be39ed7784fd51d0a9d30ea35441af93a697b3ff5605096419857"},
    {&PURPOSE_LEADERS, "hefu.leaders",
     "e0001b0207386603e0dd9ea237d91cea1491c3e43ef4bcdf3276bf2072ec1adf",
     "e53d491e3b122324fdd9a784c41b0651802bb661e9a85db42862b7f8fd501347"},
    {&PURPOSE_GENESIS, "hefu.genesis",
     "1962a80f4a9d34222082fb77defd063066a9a467f8c0168c26bc98f2ed94353e",
     "81c488f3844170064a9f1c45fa67c3831934a611b060aa052b351073dc88e908"},
    {&PURPOSE_SOURCE, "hefu.source",
     "19f576fd27cc66e6b21ebcb2c8102349c5fd028c96175a43b7509e9d6b60e60e",
     "d824b309c6fb398649ea28d5880625076583a70589d78c5ab5f775667c1d705c"},
    {&PURPOSE_CHECKSUM, "hefu.checksum",
     "9bc5f3e33c1b85cb7ed45e93e292e184e6c88382f145820d634a9a1a3f46422e",
     "42672fa04ddedff9c4148a8cd0d816a76f5066284cc63dd201300abdf3ab6e58"},
};

#define PURPOSE_COUNT (sizeof PURPOSES / sizeof PURPOSES[0])

static void expect_hash(struct hash hash, const char *expected)
{
    char text[2 * HASH_BYTES + 1];
    bytes_to_hex(hash.bytes, HASH_BYTES, text);
    assert_string_equal(text, expected);
}

/* The 1,000 bytes 0, 1 ... 250, 0, 1 ... */
static void fill_pattern(uint8_t bytes[1000])
{
    for (unsigned i = 0; i < 1000; i++) {
        bytes[i] = (uint8_t)(i % 251);
    }
}

/* Goal: every purpose is spelled as documented, and hashes as another implementation does. */
static void every_purpose_hashes_as_hashlib(void **state)
{
    (void)state;
    for (size_t i = 0; i < PURPOSE_COUNT; i++) {
        const struct purpose_vector *vector = &PURPOSES[i];
        uint8_t padded[16] = {0};
        memcpy(padded, vector->name, strlen(vector->name));
        assert_memory_equal(vector->purpose->bytes, padded, sizeof padded);
        expect_hash(hash_of(vector->purpose, NULL, 0), vector->of_nothing);
        expect_hash(hash_of(vector->purpose, "abc", 3), vector->of_abc);
    }
}

/* Goal: a hash made for one purpose never stands for another. */
static void purposes_are_pairwise_distinct(void **state)
{
    (void)state;
    for (size_t i = 0; i < PURPOSE_COUNT; i++) {
        for (size_t j = 0; j < i; j++) {
            struct hash a = hash_of(PURPOSES[i].purpose, "abc", 3);
            struct hash b = hash_of(PURPOSES[j].purpose, "abc", 3);
            assert_false(hash_equal(&a, &b));
        }
    }
}

/* Goal: lengths around BLAKE2b's 128-byte block are hashed right, in one piece. */
static void block_boundaries(void **state)
{
    (void)state;
    static const struct {
        size_t length;
        const char *expected;
    } vectors[] = {
        {127, "b315dd8e10d1245f5287564a1cc7a7a5977f9f83d725f1e4dd8d489f495655fa"},
        {128, "1011bde674fdb3400f891edf38be8378b3101b351ed789a5a677df409fa3e20d"},
        {129, "0c0b635708f981d70acabb5882930fb8c8540cbf3b49266b48f36b32d43d0229"},
        {255, "7073548aaf5413c9a9b91c97c4c0332a422cbe0ca6741c51fb8d9e0ec193907d"},
        {256, "b0bccb3271c3e702a35f5a11db8e78633ae6a6d70d9f5ed2ce8e9d6e724fe866"},
        {257, "50a3abe3d56ecc296a432b4e0886b09fb0eecd81b5aa0641128b893e3012a665"},
        {1000, "3cb81a7c4542104aa917e9329c02934a853e893ec483f7e62a26da179e1fc316"},
    };
    uint8_t bytes[1000];
    fill_pattern(bytes);
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        expect_hash(hash_of(&PURPOSE_LEAF, bytes, vectors[i].length), vectors[i].expected);
    }
    expect_hash(hash_of(&PURPOSE_RECORD, bytes, 160),
                "070f3dcabf79368f294e47e8984e80f72d71334fc94af1a682ac68197d58efa0");
}

/* Goal: the incremental hash equals the whole one wherever the input is cut. */
static void incremental_equals_whole(void **state)
{
    (void)state;
    uint8_t bytes[1000];
    fill_pattern(bytes);
    for (size_t length = 0; length <= 300; length++) {
        struct hash whole = hash_of(&PURPOSE_PAGE, bytes, length);
        for (size_t cut = 0; cut <= length; cut += 1 + length / 7) {
            struct hasher hasher;
            hasher_init(&hasher, &PURPOSE_PAGE);
            hasher_add(&hasher, bytes, cut);
            hasher_add(&hasher, bytes + cut, length - cut);
            struct hash parts = hasher_end(&hasher);
            assert_true(hash_equal(&whole, &parts));
        }
    }
}

/* Goal: a hasher is plain memory: a copy goes on alone. */
static void a_copied_hasher_forks(void **state)
{
    (void)state;
    struct hasher hasher;
    hasher_init(&hasher, &PURPOSE_WRITES);
    hasher_add(&hasher, "ab", 2);
    struct hasher fork = hasher;
    hasher_add(&hasher, "c", 1);
    hasher_add(&fork, "d", 1);
    struct hash abc = hasher_end(&hasher);
    struct hash abd = hasher_end(&fork);
    struct hash expected_abd = hash_of(&PURPOSE_WRITES, "abd", 3);
    expect_hash(abc, "23dcade304fc987005aa8bba750c15caff5af83c3d9eb07bdb9772fff9df5879");
    assert_true(hash_equal(&abd, &expected_abd));
}

/* Goal: equality sees each of the 32 bytes, order is memcmp's, zero is only all zero. */
static void comparisons(void **state)
{
    (void)state;
    struct hash zero = {{0}};
    assert_true(hash_is_zero(&zero));
    for (unsigned i = 0; i < HASH_BYTES; i++) {
        struct hash one = {{0}};
        one.bytes[i] = 0x80;
        assert_false(hash_is_zero(&one));
        assert_false(hash_equal(&zero, &one));
        assert_true(hash_equal(&one, &one));
        assert_true(hash_compare(&zero, &one) < 0);
        assert_true(hash_compare(&one, &zero) > 0);
        assert_int_equal(hash_compare(&one, &one), 0);
    }
    struct hash early = {{0, 2}};
    struct hash late = {{1, 1}};
    assert_true(hash_compare(&early, &late) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_purpose_hashes_as_hashlib),
        cmocka_unit_test(purposes_are_pairwise_distinct),
        cmocka_unit_test(block_boundaries),
        cmocka_unit_test(incremental_equals_whole),
        cmocka_unit_test(a_copied_hasher_forks),
        cmocka_unit_test(comparisons),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
